//! The stages of an evaluation, eight centres at a time.

use super::Core;
use super::lattice::monomials_below;
use super::neighbours::{NOBODY, Neighbourhoods, UNKNOWN};
use super::schedule::Schedule;
use super::sums::{self, TOGETHER};
use crate::potential::{RowResults, Rows};
use crate::simd::{F64x4, F64x8, simd_dispatch};
use std::ops::Range;

/// Centres side by side.
pub(super) const LANES: usize = F64x8::WIDTH;

/// Work arrays: grown on first use, then reused. Not state; may be dropped at any time.
#[derive(Default)]
pub struct MtpScratch {
    pub(super) neighbours: Neighbourhoods,
    /// Monomials of some records.
    pub(super) memory: Vec<F64x4>,
    /// The moments of one centre, before their four numbers are added.
    sums: Vec<F64x4>,
    /// Moments and dE/dM of eight centres side by side.
    pub(super) m: Vec<F64x8>,
    /// Gradients of the polynomials of one centre.
    polynomials: Vec<[f64; 3]>,
    /// Rows of coefficients' derivatives, eight centres side by side.
    pub(super) rows: Vec<F64x8>,
    pub(super) basis: Vec<f64>,
    pub(super) weights: Vec<F64x4>,
}

impl MtpScratch {
    pub(super) fn prepare(&mut self, schedule: &Schedule) {
        let n = schedule.memory();
        if self.m.len() < n {
            self.m.resize(n, F64x8::ZERO);
        }
        let monomials = TOGETHER * monomials_below(schedule.lattice.ranks.len()).max(1);
        if self.memory.len() < monomials {
            self.memory.resize(monomials, F64x4::ZERO);
        }
        if self.sums.len() < schedule.lattice.summed {
            self.sums.resize(schedule.lattice.summed, F64x4::ZERO);
        }
    }
}

/// How far an evaluation goes. Each stage needs those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Unit vectors and radial functions of the neighbours.
    Neighbours,
    /// The basic moments: sums over the neighbours.
    Moments,
    /// Their products, and the energy.
    Products,
    /// dE/dM of the basic moments.
    Reverse,
    /// dE/dr of the neighbours.
    Gradients,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Stage; 5] = [
        Stage::Neighbours,
        Stage::Moments,
        Stage::Products,
        Stage::Reverse,
        Stage::Gradients,
    ];
}

impl Core {
    /// Adds energies and gradients of all centres, or stops after a stage.
    pub fn evaluate(
        &self,
        rows: &Rows<'_>,
        last: Stage,
        scratch: &mut MtpScratch,
        results: &mut RowResults<'_>,
    ) {
        scratch.prepare(&self.schedule);
        for start in (0..rows.centres.len()).step_by(LANES) {
            let group = start..(start + LANES).min(rows.centres.len());
            energies_and_gradients(self, rows, group, last, scratch, results);
        }
    }
}

simd_dispatch! {
    fn energies_and_gradients(
        core: &Core,
        rows: &Rows<'_>,
        group: Range<usize>,
        last: Stage,
        scratch: &mut MtpScratch,
        results: &mut RowResults<'_>,
    ) = energies_and_gradients_body;
}

#[inline(always)]
fn energies_and_gradients_body<const FMA: bool>(
    core: &Core,
    rows: &Rows<'_>,
    group: Range<usize>,
    last: Stage,
    scratch: &mut MtpScratch,
    results: &mut RowResults<'_>,
) {
    let schedule = &core.schedule;
    neighbours_body::<FMA>(core, rows, group.clone(), scratch);
    if last < Stage::Moments {
        return;
    }
    moments_body::<FMA>(schedule, group.clone(), scratch);
    if last < Stage::Products {
        return;
    }
    schedule.forward::<FMA>(&mut scratch.m);
    let energy = schedule.energy::<FMA>(&scratch.m);
    for (lane, c) in group.clone().enumerate() {
        let kind = core.kinds[usize::from(rows.centres[c].number())];
        if kind != UNKNOWN {
            results.energy[c] += core.coefficients.species[usize::from(kind)] + energy.0[lane];
        }
    }
    if last >= Stage::Reverse {
        schedule.backward::<FMA>(&mut scratch.m);
    }
    let gradients = last >= Stage::Gradients;
    if gradients {
        for (lane, _) in group.clone().enumerate() {
            gradients_of::<FMA>(core, lane, scratch, results);
        }
    }
    repulsion(core, rows, group, gradients, results);
}

/// The neighbours of a group of centres.
#[inline(always)]
pub(super) fn neighbours_body<const FMA: bool>(
    core: &Core,
    rows: &Rows<'_>,
    group: Range<usize>,
    scratch: &mut MtpScratch,
) {
    let neighbours = &mut scratch.neighbours;
    neighbours.clear(&core.radial, core.coefficients.species.len());
    for c in group {
        neighbours.push::<FMA>(&core.radial, &core.kinds, rows, c);
    }
}

/// The moments of a group of centres that are summed over the neighbours.
#[inline(always)]
pub(super) fn moments_body<const FMA: bool>(
    schedule: &Schedule,
    group: Range<usize>,
    scratch: &mut MtpScratch,
) {
    let MtpScratch {
        neighbours,
        memory,
        sums,
        m,
        ..
    } = scratch;
    let lattice = &schedule.lattice;
    if lattice.summed > 0 {
        let sums = &mut sums[..lattice.summed];
        for lane in 0..LANES {
            sums.fill(F64x4::ZERO);
            if lane < group.len() {
                let (records, stride) = neighbours.of(lane);
                let mut blocks = records.chunks_exact(TOGETHER * stride);
                for block in &mut blocks {
                    sums::add_moments::<FMA, TOGETHER>(lattice, block, stride, memory, sums);
                }
                let rest = blocks.remainder();
                match rest.len() / stride {
                    1 => sums::add_moments::<FMA, 1>(lattice, rest, stride, memory, sums),
                    2 => sums::add_moments::<FMA, 2>(lattice, rest, stride, memory, sums),
                    3 => sums::add_moments::<FMA, 3>(lattice, rest, stride, memory, sums),
                    _ => {}
                }
            }
            for (m, s) in m.iter_mut().zip(&*sums) {
                m.0[lane] = (s.0[0] + s.0[1]) + (s.0[2] + s.0[3]);
            }
        }
    }
}

/// dE/dr of the neighbours of one centre.
#[inline(always)]
fn gradients_of<const FMA: bool>(
    core: &Core,
    lane: usize,
    scratch: &mut MtpScratch,
    results: &mut RowResults<'_>,
) {
    let MtpScratch {
        neighbours,
        memory,
        m,
        polynomials,
        ..
    } = scratch;
    let lattice = &core.schedule.lattice;
    let w = core.schedule.weights(m);
    sums::polynomial_gradients(lattice, |i| w[i].0[lane], polynomials);
    let (records, stride) = neighbours.of(lane);
    let functions = core.radial.functions;
    let who = &neighbours.who[neighbours.first[lane]..neighbours.first[lane + 1]];
    macro_rules! block {
        ($n:literal, $records:expr, $who:expr) => {{
            let g = sums::gradients::<FMA, $n>(
                lattice,
                functions,
                $records,
                stride,
                polynomials,
                memory,
            );
            for (k, who) in $who.iter().enumerate() {
                scatter(who, [g[0][k], g[1][k], g[2][k]], results);
            }
        }};
    }
    let blocks = records.chunks(BACK * stride).zip(who.chunks(BACK));
    for (records, who) in blocks {
        match who.len() {
            1 => block!(1, records, who),
            2 => block!(2, records, who),
            _ => block!(3, records, who),
        }
    }
}

/// Records taken together on the way back.
const BACK: usize = 3;

#[inline(always)]
fn scatter(who: &[u32; 4], g: [F64x4; 3], results: &mut RowResults<'_>) {
    for (l, k) in who.iter().enumerate() {
        if *k != NOBODY {
            let k = *k as usize;
            results.gx[k] += g[0].0[l];
            results.gy[k] += g[1].0[l];
            results.gz[k] += g[2].0[l];
        }
    }
}

/// The repulsion of `RBChebyshev_repuls`.
#[inline(always)]
fn repulsion(
    core: &Core,
    rows: &Rows<'_>,
    group: Range<usize>,
    gradients: bool,
    results: &mut RowResults<'_>,
) {
    if core.radial.kind != super::file::BasisKind::RBChebyshevRepuls {
        return;
    }
    let known = |e: crate::elements::Element| core.kinds[usize::from(e.number())] != UNKNOWN;
    for c in group {
        for k in rows.of(c) {
            if !known(rows.centres[c]) || !known(rows.elements[k]) {
                continue;
            }
            let r = rows.r2[k].sqrt();
            if let Some((energy, slope)) = core.radial.repulsion(r) {
                results.energy[c] += energy;
                if gradients {
                    results.gx[k] += slope / r * rows.x[k];
                    results.gy[k] += slope / r * rows.y[k];
                    results.gz[k] += slope / r * rows.z[k];
                }
            }
        }
    }
}
