//! Vibrations around a minimum: phonons of crystals and what follows from them.

pub mod phonons;
pub mod quasi_harmonic;
