//! Gaussian approximation potentials from labelled frames.

mod environment;
mod vectors;

pub use vectors::SoapVectors;

#[cfg(test)]
mod tests;
