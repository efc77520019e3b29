//! Pair potentials.

mod lennard_jones;

pub use lennard_jones::{LennardJones, PairParameters, Scheme};

#[cfg(test)]
mod tests;
