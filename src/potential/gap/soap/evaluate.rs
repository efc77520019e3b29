//! The stages of an evaluation, block by block.

use super::Soap;
use super::expansion::{self, Buffers};
use super::harmonics::Y00;
use super::kernel::SparsePoints;
use super::neighbours::Neighbourhoods;
use super::power::PowerSpectrum;
use crate::potential::{RowResults, Rows, Want};
use crate::simd::{F64x4, F64x8, simd_dispatch};

/// Centres that share one pass over the sparse points.
const BLOCK: usize = 32;
/// Centres side by side in the power spectrum and the kernel.
const LANES: usize = F64x8::WIDTH;

/// Work arrays of [`Soap::evaluate`]: grown on first use, then reused. Not state; may be dropped at any time.
#[derive(Clone, Debug, Default)]
pub struct SoapScratch {
    /// Rows of the centres of the block.
    slots: Vec<usize>,
    neighbours: Neighbourhoods,
    buffers: Buffers,
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
        self.blocks(rows, scratch, |slots, scratch| {
            self.evaluate_block(rows, slots, gradient, scratch, results);
        });
    }

    /// Calls `visit` with up to 32 centres of its kind, their descriptors in the layout of [`Soap::kernel`] (eight centres
    /// side by side), and the factor that scaled each, which is zero where there is no descriptor.
    pub(in super::super) fn describe(
        &self,
        rows: &Rows<'_>,
        scratch: &mut SoapScratch,
        visit: &mut dyn FnMut(&[usize], &[F64x8], &[F64x8]),
    ) {
        self.blocks(rows, scratch, |slots, s| {
            let groups = slots.len().div_ceil(LANES);
            s.prepare(self, groups, false);
            self.describe_block(rows, slots, s);
            let q = &s.q[..groups * self.sparse.rows()];
            visit(slots, q, &s.inverse[..groups]);
        });
    }

    /// Calls `visit` with every block of centres of its kind.
    fn blocks(
        &self,
        rows: &Rows<'_>,
        scratch: &mut SoapScratch,
        mut visit: impl FnMut(&[usize], &mut SoapScratch),
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
        scratch: &mut SoapScratch,
        results: &mut RowResults<'_>,
    ) {
        let groups = slots.len().div_ceil(LANES);
        scratch.prepare(self, groups, gradient);
        let s = scratch;
        let coefficients = self.coefficients_len();
        self.describe_block(rows, slots, s);
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

    /// Descriptors of a block of centres: coefficients, power spectra, and what scaled them.
    fn describe_block(&self, rows: &Rows<'_>, slots: &[usize], s: &mut SoapScratch) {
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
