//! Molecules: who is bonded to whom, what hangs together, molecules made whole over the boundaries of a cell, and boxes packed
//! with them. Knows nothing of energies.

mod bonds;
mod pack;
#[cfg(test)]
mod tests;
mod whole;

pub use bonds::{Bond, STRETCH, bonds, components, longest_bond, partners};
pub use pack::{Packed, Packing, Species, pack};
pub use whole::{Molecules, Network, Torn, formula};
