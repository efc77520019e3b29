//! How alike structures are: kernels of structures made of kernels of their atoms (S. De, A. P. Bartók, G. Csányi and
//! M. Ceriotti, Phys. Chem. Chem. Phys. 18, 13754 (2016)), and maps of many structures.
//!
//! Atoms i and j are alike by C_ij = (p_i · p_j)^ζ, with p their SOAP vectors of unit length. All kernels of structures are
//! normalised: a structure is alike itself by 1.

mod kernels;
mod map;
#[cfg(test)]
mod tests;

pub use kernels::{Environments, Kernel, Matrix, matrix};
pub use map::{Map, map};
