//! The extrapolation grade: how far the derivatives of an energy by the coefficients lie outside of the active set.
//!
//! The row of a neighbourhood is b = dE_i/dθ at the model's own θ: radial coefficients, species energies, coefficients of the
//! scalars. Its grade is max |Q b|, the largest modulus of the coordinates of b in the rows of the active set. In
//! configuration mode b is the sum over the atoms, weighted (Podryabinkin and Shapeev, Comput. Mater. Sci. 140, 171 (2017)).

use super::evaluate::{LANES, MtpScratch, moments_body, neighbours_body};
use super::file::MtpFile;
use super::lattice::{monomials, monomials_below};
use super::neighbours::{NOBODY, UNKNOWN};
use super::schedule::{Keep, Schedule};
use super::state::{SelectionMode, SelectionState};
use super::{Core, sums};
use crate::error::Result;
use crate::potential::Rows;
use crate::simd::{F64x4, F64x8, simd_dispatch};
use std::ops::Range;

/// What is needed for rows and grades.
pub(super) struct Grader {
    schedule: Schedule,
    pub mode: SelectionMode,
    energy_weight: f64,
    weight_scaling: f64,
    /// Length of a row.
    pub size: usize,
    /// The active set.
    pub a: Vec<f64>,
    /// Its transposed inverse, row by row.
    pub q: Vec<f64>,
}

impl Grader {
    pub fn new(file: &MtpFile, state: &SelectionState, moments: &[f64]) -> Result<Grader> {
        Ok(Grader {
            schedule: Schedule::new(file, moments, Keep::AllScalars)?,
            mode: state.mode,
            energy_weight: state.energy_weight,
            weight_scaling: state.weight_scaling,
            size: state.size,
            a: state.a.clone(),
            q: state.q.clone(),
        })
    }

    /// From the sum of the atoms' rows to the row of a configuration: what it is to be multiplied with.
    pub fn configuration_weight(&self, atoms: usize) -> f64 {
        self.energy_weight / (atoms.max(1) as f64).powf(0.5 * self.weight_scaling)
    }
}

/// max |Q b|.
pub(super) fn grade(q: &[f64], b: &[f64]) -> f64 {
    q.chunks_exact(b.len().max(1))
        .map(|q| dot(q, b).abs())
        .fold(0.0, f64::max)
}

/// A scalar product in eight interleaved sums.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a8, a_rest), (b8, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += a[l] * b[l];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

impl Core {
    /// The rows of all centres, eight side by side: `each` gets the first of them, how many there are, and the rows.
    pub fn rows(
        &self,
        grader: &Grader,
        rows: &Rows<'_>,
        scratch: &mut MtpScratch,
        mut each: impl FnMut(usize, usize, &[F64x8]),
    ) {
        scratch.prepare(&grader.schedule);
        scratch.rows.resize(grader.size, F64x8::ZERO);
        scratch.basis.resize(self.radial.size, 0.0);
        scratch.weights.resize(self.radial.functions, F64x4::ZERO);
        for start in (0..rows.centres.len()).step_by(LANES) {
            let group = start..(start + LANES).min(rows.centres.len());
            let lanes = group.len();
            rows_of_group(self, grader, rows, group, scratch);
            each(start, lanes, &scratch.rows);
        }
    }

    /// The grade of every centre.
    pub fn grades(
        &self,
        grader: &Grader,
        rows: &Rows<'_>,
        scratch: &mut MtpScratch,
        out: &mut [f64],
    ) {
        self.rows(grader, rows, scratch, |first, lanes, b| {
            let grades = grades_of_group(&grader.q, b);
            out[first..first + lanes]
                .iter_mut()
                .zip(grades.0)
                .for_each(|(out, g)| *out += g);
        });
    }

    /// Adds the rows of all centres.
    pub fn add_rows(
        &self,
        grader: &Grader,
        rows: &Rows<'_>,
        scratch: &mut MtpScratch,
        sum: &mut [f64],
    ) {
        self.rows(grader, rows, scratch, |_, lanes, b| {
            for (sum, b) in sum.iter_mut().zip(b) {
                *sum += b.0[..lanes].iter().sum::<f64>();
            }
        });
    }
}

simd_dispatch! {
    fn grades_of_group(q: &[f64], b: &[F64x8]) -> F64x8 = grades_of_group_body;
}

#[inline(always)]
fn grades_of_group_body<const FMA: bool>(q: &[f64], b: &[F64x8]) -> F64x8 {
    const ROWS: usize = 4;
    let n = b.len();
    let mut largest = F64x8::ZERO;
    let mut take = |sum: &F64x8| {
        for l in 0..LANES {
            largest.0[l] = largest.0[l].max(sum.0[l].abs());
        }
    };
    let mut blocks = q.chunks_exact(ROWS * n);
    for q in &mut blocks {
        let mut sums = [F64x8::ZERO; ROWS];
        for (k, b) in b.iter().enumerate() {
            for r in 0..ROWS {
                sums[r] = F64x8::splat(q[r * n + k]).mul_add::<FMA>(*b, sums[r]);
            }
        }
        sums.iter().for_each(&mut take);
    }
    for q in blocks.remainder().chunks_exact(n) {
        let mut sum = F64x8::ZERO;
        for (q, b) in q.iter().zip(b) {
            sum = F64x8::splat(*q).mul_add::<FMA>(*b, sum);
        }
        take(&sum);
    }
    largest
}

simd_dispatch! {
    fn rows_of_group(
        core: &Core,
        grader: &Grader,
        rows: &Rows<'_>,
        group: Range<usize>,
        scratch: &mut MtpScratch,
    ) = rows_of_group_body;
}

#[inline(always)]
fn rows_of_group_body<const FMA: bool>(
    core: &Core,
    grader: &Grader,
    rows: &Rows<'_>,
    group: Range<usize>,
    scratch: &mut MtpScratch,
) {
    let schedule = &grader.schedule;
    neighbours_body::<FMA>(core, rows, group.clone(), scratch);
    moments_body::<FMA>(schedule, group.clone(), scratch);
    schedule.forward::<FMA>(&mut scratch.m);
    schedule.backward::<FMA>(&mut scratch.m);
    let species = core.coefficients.species.len();
    let (functions, size) = (core.radial.functions, core.radial.size);
    let radial = species * species * functions * size;
    scratch.rows.fill(F64x8::ZERO);
    let (head, scalars) = scratch.rows.split_at_mut(radial + species);
    for (row, place) in scalars.iter_mut().zip(&schedule.scalars) {
        if let Some(place) = place {
            *row = scratch.m[*place as usize];
        }
    }
    for (lane, c) in group.enumerate() {
        let kind = usize::from(core.kinds[usize::from(rows.centres[c].number())]);
        if kind == usize::from(UNKNOWN) {
            continue;
        }
        head[radial + kind].0[lane] = 1.0;
        let neighbours = &scratch.neighbours;
        let (records, stride) = neighbours.of(lane);
        let first = neighbours.first[lane];
        let w = schedule.weights(&scratch.m);
        for (n, record) in records.chunks_exact(stride).enumerate() {
            let weights = &mut scratch.weights[..functions];
            polynomials::<FMA>(
                schedule,
                record,
                &mut scratch.memory,
                |i| w[i].0[lane],
                weights,
            );
            let (who, kinds) = (neighbours.who[first + n], neighbours.species[first + n]);
            for l in (0..4).filter(|l| who[*l] != NOBODY) {
                let phi = &mut scratch.basis;
                core.radial.basis(rows.r2[who[l] as usize].sqrt(), phi);
                let at = (kind * species + usize::from(kinds[l])) * functions * size;
                let row = &mut head[at..][..functions * size];
                for (row, weight) in row.chunks_exact_mut(size).zip(&*weights) {
                    for (row, phi) in row.iter_mut().zip(&*phi) {
                        row.0[lane] += weight.0[l] * phi;
                    }
                }
            }
        }
    }
}

/// P_mu(u) = Σ W x^a y^b z^c of every radial function for the neighbours of a record.
#[inline(always)]
fn polynomials<const FMA: bool>(
    schedule: &Schedule,
    record: &[F64x4],
    memory: &mut [F64x4],
    w: impl Fn(usize) -> f64,
    out: &mut [F64x4],
) {
    let lattice = &schedule.lattice;
    let memory = memory.as_chunks_mut::<1>().0;
    sums::all_monomials(lattice.ranks.len(), record, memory);
    out.fill(F64x4::ZERO);
    for (rank, shares) in lattice.ranks.iter().enumerate() {
        for share in shares {
            let out = &mut out[share.mu];
            for (i, m) in memory[monomials_below(rank)..][..monomials(rank)]
                .iter()
                .enumerate()
            {
                *out = F64x4::splat(w(share.first + i)).mul_add::<FMA>(m[0], *out);
            }
        }
    }
}
