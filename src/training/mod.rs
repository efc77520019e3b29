//! Models made from data: frames with energies, forces and virials in, a model file out.
//!
//! [`data`] reads, checks and splits labelled frames; one room a model family fits them. A fit says what it is doing through
//! a [`Monitor`], and knows nothing of terminals.

pub mod choose;
pub mod data;
pub mod gap;
pub mod linear;
mod monitor;

pub use monitor::{Monitor, Silent};
