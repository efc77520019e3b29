//! Pair potentials.

mod dispersion;
mod lennard_jones;
mod pairwise;
mod taper;
mod zbl;

pub use dispersion::{Damping, Dispersion, DispersionCoefficients, DispersionPair};
pub use lennard_jones::{LennardJones, LennardJonesPair, PairParameters, Scheme};
pub use pairwise::{PairFunction, Pairwise};
pub use zbl::{Zbl, ZblPair, ZblRange};

#[cfg(test)]
mod tests;
