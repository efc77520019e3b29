//! The stages of an evaluation, block by block.

use super::DensityTerm;
use super::expansion::{self, Buffers};
use super::gradient::GradientScratch;
use super::kernel::SparsePoints;
use super::neighbours::Neighbourhoods;
use super::power::{Norm, PowerSpectrum};
use crate::potential::{RowResults, Rows, Want};
use crate::simd::{F64x4, F64x8, simd_dispatch};

/// Centres that share one pass over the sparse points.
pub(super) const BLOCK: usize = 32;
/// Centres side by side in the power spectrum and the kernel.
pub(super) const LANES: usize = F64x8::WIDTH;

/// Work arrays of [`DensityTerm::evaluate`]: grown on first use, then reused. Not state; may be dropped at any time.
#[derive(Clone, Debug, Default)]
pub struct DensityScratch {
    /// Rows of the centres of the block.
    slots: Vec<usize>,
    pub(super) neighbours: Neighbourhoods,
    pub(super) buffers: Buffers,
    /// Coefficients of the eight centres of a group, centre after centre; then their gradients.
    single: Vec<F64x4>,
    adjoint: Vec<f64>,
    /// Coefficients of all groups, eight centres side by side.
    pub(super) c: Vec<F64x8>,
    dc: Vec<F64x8>,
    pub(super) q: Vec<F64x8>,
    pub(super) dq: Vec<F64x8>,
    work: Vec<F64x8>,
    pub(super) norm: Vec<Norm>,
    /// Power spectra before compression.
    full: Vec<F64x8>,
    pub(super) energy: Vec<F64x8>,
    pub(super) gradient: GradientScratch,
}

/// Takes centres, their descriptors, and whether each has one.
pub(crate) type Visit<'a> = dyn FnMut(&[usize], &[F64x8], &dyn Fn(usize) -> bool) + 'a;

impl DensityTerm {
    /// Adds the energy of every centre of its kind, and with forces or virial wanted dE/dr of their neighbours, to the
    /// results. Centres are taken 32 at a time; what comes out for one does not depend on the others.
    pub fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut DensityScratch,
        results: &mut RowResults<'_>,
    ) {
        let gradient = want.forces || want.virial;
        self.blocks(rows, scratch, |slots, scratch| {
            self.evaluate_block(rows, slots, gradient, scratch, results);
        });
    }

    /// Calls `visit` with up to 32 centres of its kind, their descriptors in the layout of [`DensityTerm::kernel`] (eight
    /// centres side by side, group after group), and whether each has one: an atom without any density has none.
    pub(crate) fn describe(
        &self,
        rows: &Rows<'_>,
        scratch: &mut DensityScratch,
        visit: &mut Visit<'_>,
    ) {
        self.blocks(rows, scratch, |slots, s| {
            let groups = slots.len().div_ceil(LANES);
            s.prepare(self, groups, false);
            self.describe_block(rows, slots, s);
            let q = &s.q[..groups * self.sparse.rows()];
            let norms = &s.norm;
            visit(slots, q, &|k| norms[k / LANES].inverse.0[k % LANES] > 0.0);
        });
    }

    /// Calls `visit` with every block of centres of its kind.
    fn blocks(
        &self,
        rows: &Rows<'_>,
        scratch: &mut DensityScratch,
        mut visit: impl FnMut(&[usize], &mut DensityScratch),
    ) {
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
                visit(&slots, scratch);
            }
        }
        scratch.slots = slots;
    }

    fn evaluate_block(
        &self,
        rows: &Rows<'_>,
        slots: &[usize],
        gradient: bool,
        scratch: &mut DensityScratch,
        results: &mut RowResults<'_>,
    ) {
        let groups = slots.len().div_ceil(LANES);
        scratch.prepare(self, groups, gradient);
        let s = scratch;
        self.describe_block(rows, slots, s);
        self.products(groups, gradient, s);
        for (g, members) in slots.chunks(LANES).enumerate() {
            for (lane, &c) in members.iter().enumerate() {
                // An atom alone without a Gaussian of its own has no descriptor: it contributes nothing.
                if s.norm[g].inverse.0[lane] > 0.0 {
                    results.energy[c] += s.energy[g].0[lane];
                }
            }
            if gradient {
                self.adjoint_of_group(g, s);
                self.sweep_group(members.len(), g, s, results);
            }
        }
    }

    /// Descriptors of a block of centres: coefficients, power spectra, and what scaled them.
    pub(super) fn describe_block(&self, rows: &Rows<'_>, slots: &[usize], s: &mut DensityScratch) {
        self.gather(rows, slots, s);
        for (g, members) in slots.chunks(LANES).enumerate() {
            self.expand_group(rows, members, g, s);
            self.spectrum_of_group(g, s);
        }
    }

    /// The sorted neighbours of the centres of a block.
    pub(super) fn gather(&self, rows: &Rows<'_>, slots: &[usize], s: &mut DensityScratch) {
        s.neighbours.clear();
        for &c in slots {
            s.neighbours.push(self, rows, c);
        }
    }

    /// Power spectra of group `g`.
    pub(super) fn spectrum_of_group(&self, g: usize, s: &mut DensityScratch) {
        let coefficients = self.coefficients_len();
        let c = &s.c[g * coefficients..][..coefficients];
        let q = &mut s.q[g * self.sparse.rows()..][..self.sparse.rows()];
        power_forward(&self.power, c, q, &mut s.full, &mut s.norm[g]);
    }

    /// Energies and dE/dq of all groups.
    pub(super) fn products(&self, groups: usize, gradient: bool, s: &mut DensityScratch) {
        kernel_block(
            &self.sparse,
            &s.q,
            gradient,
            &mut s.dq,
            &mut s.work,
            &mut s.energy[..groups],
        );
    }

    /// dE/dc of group `g`. Uses its dE/dq up.
    pub(super) fn adjoint_of_group(&self, g: usize, s: &mut DensityScratch) {
        let coefficients = self.coefficients_len();
        let c = &s.c[g * coefficients..][..coefficients];
        let range = g * self.sparse.rows()..(g + 1) * self.sparse.rows();
        power_backward(
            &self.power,
            c,
            &s.q[range.clone()],
            s.norm[g],
            &mut s.dq[range],
            &mut s.full,
            &mut s.dc,
        );
    }

    /// Expansion coefficients of up to eight centres, put side by side into group `g`.
    pub(super) fn expand_group(
        &self,
        rows: &Rows<'_>,
        members: &[usize],
        g: usize,
        s: &mut DensityScratch,
    ) {
        let (species, size) = (self.channels.len(), self.harmonics_len());
        let stride = size * self.most_chunks_per_l();
        for (lane, &row) in members.iter().enumerate() {
            let number = rows.centres[row].number();
            for (z, channel) in self.channels.iter().enumerate() {
                let radial = self.radial_of(z);
                let c = &mut s.single[(lane * species + z) * stride..][..size * radial.per_l];
                c.fill(F64x4::ZERO);
                if channel.any_centre || channel.number == number || channel.number == 0 {
                    for (n, value) in channel.centre.iter().enumerate() {
                        c[n / 4].0[n % 4] = *value;
                    }
                }
                let quads = s.neighbours.of(g * LANES + lane, z, species);
                if !quads.is_empty() {
                    expansion::expand(self, radial, quads, &mut s.buffers, c);
                }
            }
        }
        s.single[members.len() * species * stride..].fill(F64x4::ZERO);
        let mut out = s.c[g * self.coefficients_len()..][..self.coefficients_len()].iter_mut();
        for z in 0..species {
            let radial = self.radial_of(z);
            for n in 0..radial.n_max {
                for (lm, out) in (0..size).zip(&mut out) {
                    let at = z * stride + lm * radial.per_l + n / 4;
                    *out = F64x8(std::array::from_fn(|lane| {
                        s.single[lane * species * stride + at].0[n % 4]
                    }));
                }
            }
        }
    }

    /// From dE/dc of a group back to the neighbours of its centres.
    pub(super) fn sweep_group(
        &self,
        members: usize,
        g: usize,
        s: &mut DensityScratch,
        results: &mut RowResults<'_>,
    ) {
        let (species, size) = (self.channels.len(), self.harmonics_len());
        let stride = self.coefficients_len();
        // Centre after centre; within one for each species and l a block of n_max rows of 2l + 1.
        let mut from = s.dc.iter();
        for z in 0..species {
            let n_max = self.radial_of(z).n_max;
            for n in 0..n_max {
                for l in 0..=self.l_max {
                    let start = self.offsets[z] * size + l * l * n_max + n * (2 * l + 1);
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
                    let radial = self.radial_of(z);
                    let a =
                        &s.adjoint[lane * stride + self.offsets[z] * size..][..radial.n_max * size];
                    expansion::sweep_back(self, radial, quads, a, &mut s.buffers, results);
                }
            }
        }
    }
}

impl DensityTerm {
    /// Groups of four functions of each l, in the channel that has most.
    fn most_chunks_per_l(&self) -> usize {
        self.radials.iter().map(|r| r.per_l).max().unwrap_or(0)
    }
}

impl DensityScratch {
    pub(super) fn prepare(&mut self, term: &DensityTerm, groups: usize, gradient: bool) {
        let grow = |v: &mut Vec<F64x8>, n: usize| {
            if v.len() < n {
                v.resize(n, F64x8::ZERO);
            }
        };
        let species = term.channels.len();
        let coefficients = term.coefficients_len();
        let rows = term.sparse.rows();
        self.buffers.prepare(term);
        self.single.resize(
            LANES * species * term.harmonics_len() * term.most_chunks_per_l(),
            F64x4::ZERO,
        );
        grow(&mut self.c, groups * coefficients);
        // Rows beyond the descriptor must be zero, also after another model used the same scratch.
        grow(&mut self.q, groups * rows);
        for q in self.q[..groups * rows].chunks_exact_mut(rows) {
            q[term.power.len()..].fill(F64x8::ZERO);
        }
        grow(&mut self.work, groups * term.sparse.work());
        grow(&mut self.full, term.power.work());
        if self.norm.len() < groups {
            self.norm.resize(groups, Norm::default());
        }
        grow(&mut self.energy, groups);
        if gradient {
            grow(&mut self.dq, groups * rows);
            self.dc.resize(coefficients, F64x8::ZERO);
            self.adjoint.resize(LANES * coefficients, 0.0);
        }
    }
}

simd_dispatch! {
    fn power_forward(
        power: &PowerSpectrum,
        c: &[F64x8],
        q: &mut [F64x8],
        work: &mut [F64x8],
        norm: &mut Norm,
    ) = power_forward_body;
}

#[inline(always)]
fn power_forward_body<const FMA: bool>(
    power: &PowerSpectrum,
    c: &[F64x8],
    q: &mut [F64x8],
    work: &mut [F64x8],
    norm: &mut Norm,
) {
    *norm = power.forward::<FMA>(c, q, work);
}

simd_dispatch! {
    fn power_backward(
        power: &PowerSpectrum,
        c: &[F64x8],
        q: &[F64x8],
        norm: Norm,
        dq: &mut [F64x8],
        work: &mut [F64x8],
        dc: &mut [F64x8],
    ) = power_backward_body;
}

#[inline(always)]
fn power_backward_body<const FMA: bool>(
    power: &PowerSpectrum,
    c: &[F64x8],
    q: &[F64x8],
    norm: Norm,
    dq: &mut [F64x8],
    work: &mut [F64x8],
    dc: &mut [F64x8],
) {
    power.backward::<FMA>(c, q, norm, dq, work, dc);
}

simd_dispatch! {
    pub(super) fn kernel_block(
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
