//! From series of numbers to results: averages with honest errors.

mod blocking;

pub use blocking::{Average, Blocking};
