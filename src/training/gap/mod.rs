//! Gaussian approximation potentials from labelled frames.
//!
//! A model is a sum of terms on pairs, triplets and densities of neighbours (Bartók, Payne, Kondor and Csányi, Phys. Rev. Lett.
//! 104, 136403 (2010); Bartók and Csányi, Int. J. Quantum Chem. 115, 1051 (2015)). [`fit`] chooses sparse points among the
//! surroundings in the data, computes the rows of energies, forces and virials with respect to their weights, and solves
//! for the weights by [`linear`](super::linear).
//!
//! The file that [`FittedGap::write`] writes is one of QUIP: whatever reads those of `gap_fit` reads it, this program included. It holds all that
//! the predictive variance needs, the sparse points.

mod book;
mod covariance;
mod densities;
mod environment;
mod expand;
mod fit;
mod isolated;
mod pairs;
mod points;
mod radial;
mod report;
mod rows;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod triplets;
mod vectors;
mod write;

pub use fit::{FittedGap, fit, planned};
pub use report::{GapReport, TermReport};
pub use settings::{
    Choice, GapSettings, IsolatedAtoms, Sigmas, TermDescriptor, TermSettings, Theta, TripletKernel,
};
pub use vectors::SoapVectors;
