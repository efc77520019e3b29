//! From series of numbers to results: averages with honest errors.

mod average;
mod blocking;
mod correlation;
mod correlator;
mod fourier;
mod infrared;
mod jackknife;
mod peaks;
mod series;
mod spectrum;
#[cfg(test)]
mod test_series;
mod window;

pub use average::Average;
pub use blocking::blocking_error;
pub use correlation::{Trend, equilibration, statistical_inefficiency, trend};
pub use correlator::{Correlation, Correlations, Correlator, LEFT_OUT};
pub use fourier::{cosine_sums, fast_length};
pub use infrared::{QuantumCorrection, difference_gain, molar_factor, per_volume};
pub use jackknife::{Estimate, jackknife};
pub use peaks::{Band, Measured, Peak, band, peaks};
pub use series::Series;
pub use spectrum::{
    Gain, Grid, Spectrum, WAVENUMBER_IN_PER_FS, WAVENUMBER_IN_THZ, jackknife_error, resolution,
};
pub use window::Window;
