//! SOAP with a dot-product kernel: the many-body part of Gaussian approximation potentials.
//!
//! The energy of a centre is `sum_s alpha_s delta² (x_s · q)^zeta` with q its normalised power spectrum
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)). Up to 32 centres go through each stage together:
//!
//! 1. neighbours, sorted, in groups of four ([`neighbours`]);
//! 2. expansion coefficients: radial functions from a table times spherical harmonics ([`expansion`]);
//! 3. power spectrum, eight centres side by side ([`power`]);
//! 4. kernel and dE/dq as matrix products against the packed sparse points ([`kernel`]);
//! 5. dE/dc, then one sweep back over the neighbours. Gradients of the descriptor are never formed.

mod cutoff;
mod expansion;
mod harmonics;
mod kernel;
mod neighbours;
mod parameters;
mod power;
mod radial;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;

pub use parameters::SoapParameters;
pub use radial::RadialMode;

use crate::elements::Element;
use crate::potential::{RowResults, Rows, Want};
use crate::simd::simd_dispatch;
use crate::simd::{F64x4, F64x8};
use cutoff::Cutoff;
use harmonics::{Harmonics, Y00};
use kernel::SparsePoints;
use power::PowerSpectrum;
use radial::{RadialBasis, RadialTable};

/// Centres that share one pass over the sparse points.
const BLOCK: usize = 32;
/// Centres side by side in the power spectrum and the kernel.
const LANES: usize = F64x8::WIDTH;
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

/// Work arrays of [`Soap::evaluate`]: grown on first use, then reused. Not state; may be dropped at any time.
#[derive(Clone, Debug, Default)]
pub struct SoapScratch {
    /// Rows of the centres of the block.
    slots: Vec<usize>,
    neighbours: neighbours::Neighbourhoods,
    buffers: expansion::Buffers,
    /// Coefficients of the eight centres of a group, centre after centre; then their gradients.
    single: Vec<F64x4>,
    adjoint: Vec<f64>,
    /// Coefficients of all groups, eight centres side by side.
    c: Vec<F64x8>,
    dc: Vec<F64x8>,
    q: Vec<F64x8>,
    dq: Vec<F64x8>,
    work: Vec<F64x8>,
    inverse: Vec<F64x8>,
    energy: Vec<F64x8>,
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

    /// Adds the energy of every centre of its kind, and with forces or virial wanted dE/dr of their neighbours, to the
    /// results. Centres are taken 32 at a time; what comes out for one does not depend on the others.
    pub fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut SoapScratch,
        results: &mut RowResults<'_>,
    ) {
        let gradient = want.forces || want.virial;
        let mut slots = std::mem::take(&mut scratch.slots);
        let mut next = 0;
        while next < rows.centres.len() {
            slots.clear();
            while next < rows.centres.len() && slots.len() < BLOCK {
                if self.is_centre(rows.centres[next]) {
                    slots.push(next);
                }
                next += 1;
            }
            if !slots.is_empty() {
                self.evaluate_block(rows, &slots, gradient, scratch, results);
            }
        }
        scratch.slots = slots;
    }

    fn evaluate_block(
        &self,
        rows: &Rows<'_>,
        slots: &[usize],
        gradient: bool,
        scratch: &mut SoapScratch,
        results: &mut RowResults<'_>,
    ) {
        let groups = slots.len().div_ceil(LANES);
        scratch.prepare(self, groups, gradient);
        let s = scratch;
        s.neighbours.clear();
        for &c in slots {
            s.neighbours.push(self, rows, c);
        }
        let coefficients = self.coefficients_len();
        for (g, members) in slots.chunks(LANES).enumerate() {
            self.expand_group(rows, members, g, s);
            let c = &mut s.c[g * coefficients..][..coefficients];
            let q = &mut s.q[g * self.sparse.rows()..][..self.sparse.rows()];
            power_forward(&self.power, c, q, &mut s.inverse[g]);
        }
        kernel_block(
            &self.sparse,
            &s.q,
            gradient,
            &mut s.dq,
            &mut s.work,
            &mut s.energy[..groups],
        );
        for (g, members) in slots.chunks(LANES).enumerate() {
            for (lane, &c) in members.iter().enumerate() {
                // An atom alone without a Gaussian of its own has no descriptor: it contributes nothing.
                if s.inverse[g].0[lane] > 0.0 {
                    results.energy[c] += s.energy[g].0[lane];
                }
            }
            if gradient {
                let c = &s.c[g * coefficients..][..coefficients];
                let range = g * self.sparse.rows()..(g + 1) * self.sparse.rows();
                power_backward(
                    &self.power,
                    c,
                    &s.q[range.clone()],
                    s.inverse[g],
                    &mut s.dq[range],
                    &mut s.dc,
                );
                self.sweep_group(members.len(), g, s, results);
            }
        }
    }

    /// Expansion coefficients of up to eight centres, put side by side into group `g`.
    fn expand_group(&self, rows: &Rows<'_>, members: &[usize], g: usize, s: &mut SoapScratch) {
        let species = self.parameters.species.len();
        let (n_max, size, per_l) = (
            self.parameters.n_max,
            self.harmonics_len(),
            self.basis.chunks_per_l(),
        );
        let stride = size * per_l;
        for (lane, &row) in members.iter().enumerate() {
            let number = rows.centres[row].number();
            for (z, &kind) in self.parameters.species.iter().enumerate() {
                let c = &mut s.single[(lane * species + z) * stride..][..stride];
                c.fill(F64x4::ZERO);
                if self.parameters.central_reference_all_species || kind == number || kind == 0 {
                    c[0].0[0] = self.parameters.central_weight * self.basis.centre * Y00;
                }
                let quads = s.neighbours.of(g * LANES + lane, z, species);
                if !quads.is_empty() {
                    expansion::expand(self, quads, &mut s.buffers, c);
                }
            }
        }
        s.single[members.len() * species * stride..].fill(F64x4::ZERO);
        let mut out = s.c[g * self.coefficients_len()..][..self.coefficients_len()].iter_mut();
        for z in 0..species {
            for n in 0..n_max {
                for (lm, out) in (0..size).zip(&mut out) {
                    let at = z * stride + lm * per_l + n / 4;
                    *out = F64x8(std::array::from_fn(|lane| {
                        s.single[lane * species * stride + at].0[n % 4]
                    }));
                }
            }
        }
    }

    /// From dE/dc of a group back to the neighbours of its centres.
    fn sweep_group(
        &self,
        members: usize,
        g: usize,
        s: &mut SoapScratch,
        results: &mut RowResults<'_>,
    ) {
        let species = self.parameters.species.len();
        let (n_max, size) = (self.parameters.n_max, self.harmonics_len());
        let stride = species * n_max * size;
        // Centre after centre; within one for each species and l a block of n_max rows of 2l + 1.
        let mut from = s.dc.iter();
        for z in 0..species {
            for n in 0..n_max {
                for l in 0..=self.parameters.l_max {
                    let start = (z * size + l * l) * n_max + n * (2 * l + 1);
                    for (at, value) in (start..start + 2 * l + 1).zip(&mut from) {
                        for lane in 0..LANES {
                            s.adjoint[lane * stride + at] = value.0[lane];
                        }
                    }
                }
            }
        }
        for lane in 0..members {
            for z in 0..species {
                let quads = s.neighbours.of(g * LANES + lane, z, species);
                if !quads.is_empty() {
                    let a = &s.adjoint[lane * stride + z * n_max * size..][..n_max * size];
                    expansion::sweep_back(self, quads, a, &mut s.buffers, results);
                }
            }
        }
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

impl SoapScratch {
    fn prepare(&mut self, soap: &Soap, groups: usize, gradient: bool) {
        let grow = |v: &mut Vec<F64x8>, n: usize| {
            if v.len() < n {
                v.resize(n, F64x8::ZERO);
            }
        };
        let species = soap.parameters.species.len();
        let coefficients = soap.coefficients_len();
        let rows = soap.sparse.rows();
        self.buffers.prepare(soap);
        self.single.resize(
            LANES * species * soap.harmonics_len() * soap.basis.chunks_per_l(),
            F64x4::ZERO,
        );
        grow(&mut self.c, groups * coefficients);
        // Rows beyond the descriptor must be zero, also after another model used the same scratch.
        grow(&mut self.q, groups * rows);
        for q in self.q[..groups * rows].chunks_exact_mut(rows) {
            q[soap.power.len()..].fill(F64x8::ZERO);
        }
        grow(&mut self.work, groups * soap.sparse.work());
        grow(&mut self.inverse, groups);
        grow(&mut self.energy, groups);
        if gradient {
            grow(&mut self.dq, groups * rows);
            self.dc.resize(coefficients, F64x8::ZERO);
            self.adjoint.resize(LANES * coefficients, 0.0);
        }
    }
}

simd_dispatch! {
    fn power_forward(power: &PowerSpectrum, c: &[F64x8], q: &mut [F64x8], inverse: &mut F64x8) = power_forward_body;
}

#[inline(always)]
fn power_forward_body<const FMA: bool>(
    power: &PowerSpectrum,
    c: &[F64x8],
    q: &mut [F64x8],
    inverse: &mut F64x8,
) {
    *inverse = power.forward::<FMA>(c, q);
}

simd_dispatch! {
    fn power_backward(
        power: &PowerSpectrum,
        c: &[F64x8],
        q: &[F64x8],
        inverse: F64x8,
        dq: &mut [F64x8],
        dc: &mut [F64x8],
    ) = power_backward_body;
}

#[inline(always)]
fn power_backward_body<const FMA: bool>(
    power: &PowerSpectrum,
    c: &[F64x8],
    q: &[F64x8],
    inverse: F64x8,
    dq: &mut [F64x8],
    dc: &mut [F64x8],
) {
    power.backward::<FMA>(c, q, inverse, dq, dc);
}

simd_dispatch! {
    fn kernel_block(
        sparse: &SparsePoints,
        q: &[F64x8],
        gradient: bool,
        dq: &mut [F64x8],
        work: &mut [F64x8],
        energy: &mut [F64x8],
    ) = kernel_block_body;
}

#[inline(always)]
fn kernel_block_body<const FMA: bool>(
    sparse: &SparsePoints,
    q: &[F64x8],
    gradient: bool,
    dq: &mut [F64x8],
    work: &mut [F64x8],
    energy: &mut [F64x8],
) {
    sparse.evaluate::<FMA>(q, gradient, dq, work, energy);
}
