//! SOAP with a dot-product kernel: the many-body part of Gaussian approximation potentials.
//!
//! The energy of a centre is `sum_s alpha_s delta² (x_s · q)^zeta` with q its normalised power spectrum
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)). Up to 32 centres go through each stage together:
//!
//! 1. neighbours, sorted, in groups of four (`neighbours`);
//! 2. expansion coefficients: radial functions from a table times spherical harmonics (`expansion`);
//! 3. power spectrum, eight centres side by side (`power`);
//! 4. kernel and dE/dq as matrix products against the packed sparse points (`kernel`);
//! 5. dE/dc, then one sweep back over the neighbours. Gradients of the descriptor are never formed.
//!
//! Where the time goes, measured on one 3.2 GHz Zen 3 core for silicon at 300 points (n_max 8, l_max 8, 28 neighbours):
//! 20 µs per atom with gradients, of which the kernel takes 8 (95 % of the peak rate), the sweep back 5, the expansion
//! 3.6, power spectrum and adjoint 1.1, neighbours and reordering 1.7; energy alone 9.5 µs. With 2000 points or more (l_max 12)
//! the kernel takes nearly everything, at 75 to 80 % of the peak while the memory is not busy with other things.

mod cutoff;
mod evaluate;
mod expansion;
mod harmonics;
mod kernel;
mod neighbours;
mod parameters;
mod power;
mod radial;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;
mod transpose;

pub use evaluate::SoapScratch;
pub use parameters::SoapParameters;
pub use table::RadialMode;

use super::variance::Kernel;
use crate::elements::Element;
use crate::simd::F64x4;
use cutoff::Cutoff;
use harmonics::Harmonics;
use kernel::SparsePoints;
use power::PowerSpectrum;
use radial::RadialBasis;
use table::RadialTable;

/// Channel of elements that the density leaves out.
const NO_CHANNEL: u8 = u8::MAX;

/// One SOAP coordinate of a GAP, ready for evaluation.
#[derive(Clone, Debug)]
pub struct Soap {
    parameters: SoapParameters,
    weight: Cutoff,
    basis: RadialBasis,
    table: Option<RadialTable>,
    harmonics: Harmonics,
    power: PowerSpectrum,
    sparse: SparsePoints,
    /// Channel of each atomic number.
    channel_of: [u8; 119],
    /// Whether atoms of each atomic number are centres.
    is_centre: [bool; 119],
    /// Groups of four neighbours expanded together, so that their functions stay in the innermost cache.
    span: usize,
}

impl Soap {
    /// Prepares a coordinate: `delta` and `zeta` of the kernel, the weights `alpha` and `sparse_cutoff` of M points, and
    /// the points one after the other, each [`SoapParameters::dimensions`] long.
    ///
    /// Errors with a sentence when lengths do not fit, numbers are not finite, or parameters make no sense.
    pub fn new(
        parameters: &SoapParameters,
        delta: f64,
        zeta: f64,
        alpha: Vec<f64>,
        sparse_cutoff: Vec<f64>,
        sparse: Vec<f64>,
    ) -> Result<Soap, String> {
        Soap::with_radial(
            parameters,
            delta,
            zeta,
            alpha,
            sparse_cutoff,
            sparse,
            RadialMode::Table,
        )
    }

    /// As [`Soap::new`], with a choice of how the radial functions are evaluated.
    pub fn with_radial(
        parameters: &SoapParameters,
        delta: f64,
        zeta: f64,
        alpha: Vec<f64>,
        sparse_cutoff: Vec<f64>,
        sparse: Vec<f64>,
        mode: RadialMode,
    ) -> Result<Soap, String> {
        parameters.check()?;
        let dimensions = parameters.dimensions();
        let points = alpha.len();
        if points == 0 {
            return Err("soap: there are no sparse points".into());
        }
        if sparse_cutoff.len() != points {
            return Err(format!(
                "soap: {points} weights but {} values of sparseCutoff",
                sparse_cutoff.len()
            ));
        }
        if points.checked_mul(dimensions) != Some(sparse.len()) {
            return Err(format!(
                "soap: {points} sparse points of {dimensions} numbers each are needed, but there are {} numbers",
                sparse.len()
            ));
        }
        if !(delta.is_finite() && zeta.is_finite() && zeta > 0.0) {
            return Err(format!(
                "soap: delta = {delta} and zeta = {zeta} must be finite, zeta positive"
            ));
        }
        if let Some(i) = alpha
            .iter()
            .zip(&sparse_cutoff)
            .position(|(a, c)| !(a * c * delta * delta).is_finite())
        {
            return Err(format!(
                "soap: the weight of sparse point {} is not a finite number",
                i + 1
            ));
        }
        if let Some(i) = sparse.iter().position(|x| !x.is_finite()) {
            return Err(format!(
                "soap: sparse point {} holds a number that is not finite",
                i / dimensions + 1
            ));
        }
        let weights: Vec<f64> = alpha
            .iter()
            .zip(&sparse_cutoff)
            .map(|(a, c)| a * c * delta * delta)
            .collect();
        let basis = RadialBasis::new(parameters)?;
        let table = match mode {
            RadialMode::Table => Some(RadialTable::new(&basis)?),
            RadialMode::Exact => None,
        };
        let mut channel_of = [NO_CHANNEL; 119];
        for (z, &number) in parameters.species.iter().enumerate() {
            match (number, channel_of.get_mut(usize::from(number))) {
                (0, _) => channel_of = [z as u8; 119],
                (_, Some(channel)) => *channel = z as u8,
                (_, None) => {
                    return Err(format!(
                        "soap: species_Z = {number} is not the atomic number of an element"
                    ));
                }
            }
        }
        let mut is_centre = [parameters.centre.is_empty() || parameters.centre.contains(&0); 119];
        for &number in &parameters.centre {
            match is_centre.get_mut(usize::from(number)) {
                Some(flag) => *flag = true,
                None => {
                    return Err(format!(
                        "soap: Z = {number} is not the atomic number of an element"
                    ));
                }
            }
        }
        let size = (parameters.l_max + 1) * (parameters.l_max + 1);
        let bytes = (size + 4 * (parameters.l_max + 1) * basis.chunks_per_l()) * size_of::<F64x4>();
        Ok(Soap {
            weight: Cutoff::new(parameters),
            table,
            harmonics: Harmonics::new(parameters.l_max),
            power: PowerSpectrum::new(parameters),
            sparse: SparsePoints::new(
                &sparse,
                dimensions,
                &weights,
                parameters.covariance_sigma0,
                zeta,
            ),
            channel_of,
            is_centre,
            span: ((20 << 10) / bytes).clamp(1, 8),
            basis,
            parameters: parameters.clone(),
        })
    }

    /// Cutoff radius (Å).
    pub fn cutoff(&self) -> f64 {
        self.parameters.cutoff
    }

    /// The parameters it was made from.
    pub fn parameters(&self) -> &SoapParameters {
        &self.parameters
    }

    /// The sparse points, as the variance needs them.
    pub(super) fn kernel(&self) -> &dyn Kernel {
        &self.sparse
    }

    /// Whether atoms of this element are centres of this coordinate.
    pub fn is_centre(&self, element: Element) -> bool {
        self.is_centre[usize::from(element.number())]
    }

    /// Largest error of the radial table relative to the largest value, as found when it was made; 0 in exact mode.
    pub fn radial_error(&self) -> f64 {
        self.table.as_ref().map_or(0.0, |t| t.error)
    }

    /// Memory of the packed sparse points and of the radial table (bytes).
    pub fn bytes(&self) -> usize {
        self.sparse.bytes() + self.table.as_ref().map_or(0, RadialTable::bytes)
    }

    /// Number of (l, m).
    #[inline(always)]
    fn harmonics_len(&self) -> usize {
        (self.parameters.l_max + 1) * (self.parameters.l_max + 1)
    }

    /// Groups of four radial functions.
    #[inline(always)]
    fn radial_chunks(&self) -> usize {
        (self.parameters.l_max + 1) * self.basis.chunks_per_l()
    }

    /// Number of expansion coefficients of a centre.
    fn coefficients_len(&self) -> usize {
        self.parameters.channels() * self.harmonics_len()
    }

    /// Place of a distance in the radial table.
    #[inline]
    fn locate(&self, r: f64) -> (u32, f64) {
        self.table.as_ref().map_or((0, 0.0), |t| t.locate(r))
    }
}
