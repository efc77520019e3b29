//! Dot-product kernels on the power spectrum of the density of neighbours: what `soap` and `soap_turbo` have in common.
//!
//! The energy of a centre is `sum_s alpha_s delta² (x_s · q)^zeta` with q its normalised power spectrum
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)). A descriptor brings its radial functions, the density of the
//! centre itself and the elements of the power spectrum that it keeps; the rest is here. Up to 32 centres go through
//! each stage together:
//!
//! 1. neighbours, sorted, in groups of four (`neighbours`);
//! 2. expansion coefficients: radial functions from a table times spherical harmonics (`expansion`);
//! 3. power spectrum, eight centres side by side (`power`), perhaps compressed by a linear map (`compression`);
//! 4. kernel and dE/dq as matrix products against the packed sparse points (`kernel`);
//! 5. dE/dc, then one sweep back over the neighbours. Gradients of the descriptor are never formed.
//!
//! Where the time goes, measured on one 3.2 GHz Zen 3 core for `soap` of silicon at 300 points (n_max 8, l_max 8, 28
//! neighbours): 20 µs per atom with gradients, of which the kernel takes 8 (95 % of the peak rate), the sweep back 5, the
//! expansion 3.6, power spectrum and adjoint 1.1, neighbours and reordering 1.7; energy alone 9.5 µs. With 2000 points or more
//! (l_max 12) the kernel takes nearly everything, at 75 to 80 % of the peak while the memory is not busy with other things.

mod bessel;
mod compression;
mod evaluate;
mod expansion;
mod gradient;
mod harmonics;
mod kernel;
mod neighbours;
mod power;
mod radial;
#[doc(hidden)]
pub mod stages;
mod table;
mod transpose;

pub(super) use bessel::scaled_bessel;
pub(super) use compression::Compression;
pub use evaluate::DensityScratch;
pub(crate) use gradient::Surroundings;
#[cfg(test)]
pub(super) use harmonics::Directions;
pub(super) use harmonics::{Harmonics, Y00};
pub(super) use power::{PowerSpectrum, Shape};
pub(super) use radial::RadialFunctions;
pub use radial::RadialMode;

use super::variance::Kernel;
use crate::elements::Element;
use crate::simd::F64x4;
use kernel::SparsePoints;
use radial::Radial;
use std::sync::Arc;

/// Channel of elements that the density leaves out.
const NO_CHANNEL: u8 = u8::MAX;

/// The kernel and the sparse points of a coordinate.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Prefactor of the kernel, before squaring (eV).
    pub delta: f64,
    /// Power of the kernel.
    pub zeta: f64,
    /// Weight of each of the M points.
    pub alpha: Vec<f64>,
    /// A further factor of each weight.
    pub sparse_cutoff: Vec<f64>,
    /// The points one after the other, each as long as the descriptor.
    pub sparse: Vec<f64>,
}

/// The neighbours of one element, and what the centre adds to their density.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// Atomic number; 0 for every element.
    pub(super) number: u8,
    /// Index of its radial functions.
    pub(super) radial: usize,
    /// Coefficients c_n00 of the centre itself.
    pub(super) centre: Vec<f64>,
    /// Centres of other elements have them, too.
    pub(super) any_centre: bool,
}

/// What a descriptor brings.
#[derive(Debug)]
pub(super) struct Parts {
    /// Its name, for messages.
    pub(super) name: &'static str,
    pub(super) radials: Vec<Arc<dyn RadialFunctions>>,
    pub(super) channels: Vec<Channel>,
    /// Atomic numbers of the centres; empty or 0 for every element.
    pub(super) centre: Vec<u8>,
    pub(super) power: PowerSpectrum,
    /// The constant last element of the descriptor, if it has one.
    pub(super) constant: Option<f64>,
}

/// One coordinate of a GAP on the density of neighbours, ready for evaluation.
#[derive(Clone, Debug)]
pub struct DensityTerm {
    l_max: usize,
    cutoff: f64,
    radials: Vec<Radial>,
    channels: Vec<Channel>,
    /// Number of the first radial function of each channel among all.
    offsets: Vec<usize>,
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

impl DensityTerm {
    /// Puts a term together.
    ///
    /// Errors with a sentence when lengths do not fit, numbers are not finite, or the radial functions cannot be tabulated.
    pub(super) fn new(
        parts: Parts,
        weights: Weights,
        mode: RadialMode,
    ) -> Result<DensityTerm, String> {
        if weights.alpha.is_empty() {
            return Err(format!("{}: there are no sparse points", parts.name));
        }
        Self::assemble(parts, weights, mode)
    }

    /// A term without sparse points, for its descriptors.
    pub(super) fn without_points(parts: Parts) -> Result<DensityTerm, String> {
        let weights = Weights {
            delta: 1.0,
            zeta: 1.0,
            alpha: Vec::new(),
            sparse_cutoff: Vec::new(),
            sparse: Vec::new(),
        };
        Self::assemble(parts, weights, RadialMode::Table)
    }

    fn assemble(parts: Parts, weights: Weights, mode: RadialMode) -> Result<DensityTerm, String> {
        let Parts {
            name,
            radials,
            channels,
            centre,
            power,
            constant,
        } = parts;
        let dimensions = power.len() + usize::from(constant.is_some());
        let factors = weights.check(name, dimensions)?;
        let l_max = power.l_max();
        let radials = radials
            .into_iter()
            .map(|functions| Radial::new(functions, mode))
            .collect::<Result<Vec<Radial>, String>>()
            .map_err(|e| format!("{name}: {e}"))?;
        let mut channel_of = [NO_CHANNEL; 119];
        for (z, channel) in channels.iter().enumerate() {
            match (
                channel.number,
                channel_of.get_mut(usize::from(channel.number)),
            ) {
                (0, _) => channel_of = [z as u8; 119],
                (_, Some(slot)) => *slot = z as u8,
                (number, None) => {
                    return Err(format!(
                        "{name}: species_Z = {number} is not the atomic number of an element"
                    ));
                }
            }
        }
        let mut is_centre = [centre.is_empty() || centre.contains(&0); 119];
        for &number in &centre {
            match is_centre.get_mut(usize::from(number)) {
                Some(flag) => *flag = true,
                None => {
                    return Err(format!(
                        "{name}: Z = {number} is not the atomic number of an element"
                    ));
                }
            }
        }
        let mut offsets = Vec::with_capacity(channels.len());
        let mut total = 0;
        for channel in &channels {
            offsets.push(total);
            total += radials[channel.radial].n_max;
        }
        let cutoff = radials.iter().map(|r| r.functions.cutoff());
        let size = (l_max + 1) * (l_max + 1);
        let chunks = radials.iter().map(|r| r.chunks).max().unwrap_or(1);
        let bytes = (size + 4 * chunks) * size_of::<F64x4>();
        Ok(DensityTerm {
            l_max,
            cutoff: cutoff.fold(0.0, f64::max),
            harmonics: Harmonics::new(l_max),
            sparse: SparsePoints::new(weights.sparse, dimensions, &factors, constant, weights.zeta),
            power,
            channel_of,
            is_centre,
            span: ((20 << 10) / bytes).clamp(1, 8),
            radials,
            channels,
            offsets,
        })
    }

    /// Cutoff radius (Å).
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// The sparse points, as the variance needs them.
    pub(super) fn kernel(&self) -> &dyn Kernel {
        &self.sparse
    }

    /// Whether atoms of this element are centres of this coordinate.
    pub fn is_centre(&self, element: Element) -> bool {
        self.is_centre[usize::from(element.number())]
    }

    /// Largest error of the radial tables relative to the largest value, as found when they were made; 0 in exact mode.
    pub fn radial_error(&self) -> f64 {
        let tables = self.radials.iter().filter_map(|r| r.table.as_ref());
        tables.map(|t| t.error).fold(0.0, f64::max)
    }

    /// Memory of the packed sparse points and of the radial tables (bytes).
    pub fn bytes(&self) -> usize {
        let tables = self.radials.iter().filter_map(|r| r.table.as_ref());
        self.sparse.bytes() + tables.map(|t| t.bytes()).sum::<usize>()
    }

    /// Number of (l, m).
    #[inline(always)]
    fn harmonics_len(&self) -> usize {
        (self.l_max + 1) * (self.l_max + 1)
    }

    /// The radial functions of a channel.
    #[inline(always)]
    fn radial_of(&self, channel: usize) -> &Radial {
        &self.radials[self.channels[channel].radial]
    }

    /// Number of expansion coefficients of a centre.
    fn coefficients_len(&self) -> usize {
        self.power.channels() * self.harmonics_len()
    }
}

impl Weights {
    /// alpha · sparseCutoff · delta² of each point, or a sentence that says what does not fit.
    fn check(&self, name: &str, dimensions: usize) -> Result<Vec<f64>, String> {
        let Weights {
            delta,
            zeta,
            alpha,
            sparse_cutoff,
            sparse,
        } = self;
        let points = alpha.len();
        if sparse_cutoff.len() != points {
            return Err(format!(
                "{name}: {points} weights but {} values of sparseCutoff",
                sparse_cutoff.len()
            ));
        }
        if points.checked_mul(dimensions) != Some(sparse.len()) {
            return Err(format!(
                "{name}: {points} sparse points of {dimensions} numbers each are needed, but there are {} numbers",
                sparse.len()
            ));
        }
        if !(delta.is_finite() && zeta.is_finite() && *zeta > 0.0) {
            return Err(format!(
                "{name}: delta = {delta} and zeta = {zeta} must be finite, zeta positive"
            ));
        }
        let factors: Vec<f64> = alpha
            .iter()
            .zip(sparse_cutoff)
            .map(|(a, c)| a * c * delta * delta)
            .collect();
        if let Some(i) = factors.iter().position(|w| !w.is_finite()) {
            return Err(format!(
                "{name}: the weight of sparse point {} is not a finite number",
                i + 1
            ));
        }
        if let Some(i) = sparse.iter().position(|x| !x.is_finite()) {
            return Err(format!(
                "{name}: sparse point {} holds a number that is not finite",
                i / dimensions + 1
            ));
        }
        Ok(factors)
    }
}
