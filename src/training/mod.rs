//! Models made from data: frames with energies, forces and virials in, a model file out.
//!
//! [`data`] reads, checks and splits labelled frames; one room a model family fits them; [`accuracy`] says how far they are
//! off. [`choose`] picks a few rows that stand for all, [`linear`] solves least squares of any size. A fit says what it is
//! doing through a [`Monitor`], and knows nothing of terminals.

pub mod accuracy;
pub mod assignment;
pub mod choose;
pub mod data;
pub mod gap;
pub mod linear;
mod monitor;
pub mod mtp;
pub mod sgdml;
pub mod similarity;

pub use monitor::{Monitor, Silent};
