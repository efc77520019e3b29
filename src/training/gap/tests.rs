//! Fits of Gaussian approximation potentials.

mod vectors;
