//! Zundel.
pub mod elements;
pub mod error;
pub mod io;
pub mod random;
pub mod system;
pub mod units;
