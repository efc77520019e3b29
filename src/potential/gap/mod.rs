//! Gaussian approximation potentials.

pub mod soap;
