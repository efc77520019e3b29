//! From series of numbers to results: averages with honest errors.

mod average;
mod bimodal;
mod block_means;
mod blocking;
mod coordination;
mod correlation;
mod correlator;
mod diffusion;
pub mod equation_of_state;
mod fourier;
mod infrared;
mod jackknife;
mod measured;
mod neighbourhood;
mod pair_distribution;
mod peaks;
pub mod phases;
pub mod second_virial;
mod sequential;
mod series;
pub mod shells;
mod spectrum;
mod spline;
mod steinhardt;
#[cfg(test)]
mod test_series;
mod topology;
mod virial_series;
mod window;

pub use average::Average;
pub use bimodal::{Division, TWO_MODES};
pub use block_means::BlockMeans;
pub use blocking::blocking_error;
pub use coordination::{Coordination, CoordinationCurve, MOST_NEIGHBOURS};
pub use correlation::{Trend, equilibration, statistical_inefficiency, trend};
pub use correlator::{Correlation, Correlations, Correlator, LEFT_OUT};
pub use diffusion::{Diffusion, diffusion, finite_size_correction};
pub use fourier::{cosine_sums, fast_length};
pub use infrared::{QuantumCorrection, difference_gain, molar_factor, per_volume};
pub use jackknife::{Estimate, jackknife};
pub use measured::Measured;
pub use neighbourhood::nearest_distance;
pub use pair_distribution::{PairCurve, PairDistribution};
pub use peaks::{Band, Peak, band, peaks};
pub use sequential::{DRIFT, LEAST_INDEPENDENT, Sampled, settled, student};
pub use series::Series;
pub use spectrum::{
    Gain, Grid, Spectrum, WAVENUMBER_IN_PER_FS, WAVENUMBER_IN_THZ, jackknife_error, resolution,
};
pub use spline::Spline;
pub use steinhardt::{ORDER_NAMES, Order, Steinhardt};
pub use topology::{Geometry, GeometryCurve, Shape, Topology};
pub use virial_series::VirialSeries;
pub use window::Window;
