//! Models made from data: frames with energies, forces and virials in, a model file out.
//!
//! [`data`] reads, checks and splits labelled frames; one room a model family fits them. A fit says what it is doing through
//! a [`Monitor`], and knows nothing of terminals.

pub mod data;
mod monitor;
pub mod mtp;

pub use monitor::{Monitor, Silent};
