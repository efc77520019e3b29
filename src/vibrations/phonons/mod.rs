//! Phonons of a crystal from displaced supercells.
//!
//! [`Supercell`] knows the crystal and its symmetry, [`displacements`] says what must be evaluated, [`force_constants`] makes the force constants
//! of the forces, and [`Phonons`] gives frequencies at any wave vector, to be averaged over a [`Mesh`] or followed along a [`Path`].

mod displacements;
mod dynamical;
mod force_constants;
mod mesh;
mod path;
mod supercell;
mod thermal;

#[cfg(test)]
mod tests;

pub use displacements::{Displacement, displacements};
pub use dynamical::{Branches, Phonons, THZ};
pub use force_constants::{ForceConstants, force_constants};
pub use mesh::{Mesh, count_for};
pub use path::{Path, Point};
pub use supercell::{Supercell, copies_for};
pub use thermal::{Imaginary, Nuclei, Thermal, imaginary, thermal};
