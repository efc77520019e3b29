//! From series of numbers to results: averages with honest errors.

mod average;
mod blocking;
mod correlation;
pub mod equation_of_state;
mod jackknife;
mod series;
#[cfg(test)]
mod test_series;

pub use average::Average;
pub use blocking::blocking_error;
pub use correlation::{Trend, equilibration, statistical_inefficiency, trend};
pub use jackknife::{Estimate, jackknife};
pub use series::Series;
