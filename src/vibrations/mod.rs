//! Small displacements: second derivatives of the energy, normal modes, phonons, and what follows from them.

pub(crate) mod eigen;
mod hessian;
mod modes;
pub mod phonons;
mod point_group;
pub mod quasi_harmonic;
mod species;
mod thermochemistry;

#[cfg(test)]
mod tests;

pub use hessian::{Differences, Hessian, Progress, Rows, Source};
pub use modes::{Freedom, Inertia, Mode, Modes, wavenumber, whole};
pub use point_group::PointGroup;
pub use thermochemistry::{Ensemble, IdealGas, ThermoRow, Thermochemistry, oscillator};
