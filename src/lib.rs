//! Zundel: molecular dynamics with machine-learned force fields.
//!
//! From the top floor down; a module uses only modules below it:
//!
//! - [`jobs`]: one file a job; deck → parts → loop → output
//! - [`deck`]: the TOML schema and its diagnostics; [`report`]: what a person looks at
//! - [`analysis`]: averages with honest errors
//! - [`training`]: models made from data
//! - [`dynamics`]: integrators and thermostats
//! - [`relax`]: minima of energy and enthalpy
//! - [`vibrations`]: normal modes, phonons, what follows from them; [`elastic`]: elastic constants
//! - [`potential`]: the [`Potential`](potential::Potential) trait and the model families
//! - [`molecules`]: bonds, whole molecules, packed boxes
//! - [`neighbours`]: lists of neighbours
//! - [`io`]: structure files, trajectories, checkpoints
//! - [`system`]: the cell and the atoms
//! - [`units`], [`elements`], [`random`], [`parallel`], [`error`]: the ground floor

pub mod analysis;
pub mod deck;
pub mod dynamics;
pub mod elastic;
pub mod elements;
pub mod error;
#[cfg(test)]
mod fuzzing;
pub mod io;
pub mod jobs;
pub mod molecules;
pub mod neighbours;
pub mod parallel;
pub mod potential;
pub mod random;
pub mod relax;
pub mod report;
pub mod simd;
pub mod system;
pub mod training;
pub mod units;
mod vector;
pub mod vibrations;
