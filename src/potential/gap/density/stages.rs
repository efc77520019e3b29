//! The stages of an evaluation one at a time, for `benches/gap.rs`. Each may be repeated on what the one before has left.

use super::evaluate::{BLOCK, LANES};
use super::harmonics::Directions;
use super::neighbours::Quad;
use super::{DensityScratch, DensityTerm};
use crate::potential::{RowResults, Rows};
use crate::simd::{F64x4, F64x8, simd_dispatch};

/// A block of centres in the middle of its evaluation.
pub struct Stages<'a> {
    term: &'a DensityTerm,
    rows: Rows<'a>,
    slots: Vec<usize>,
    scratch: DensityScratch,
    /// dE/dq as the kernel left it.
    dq: Vec<F64x8>,
    values: Vec<F64x4>,
    directions: Directions,
}

impl<'a> Stages<'a> {
    /// The first 32 centres of some rows; every stage but the sweep has run.
    pub fn new(term: &'a DensityTerm, rows: Rows<'a>) -> Stages<'a> {
        let centres = 0..rows.centres.len();
        let slots: Vec<usize> = centres
            .filter(|c| term.is_centre(rows.centres[*c]))
            .take(BLOCK)
            .collect();
        let chunks = term.radials.iter().map(|r| r.chunks).max().unwrap_or(0);
        let mut stages = Stages {
            term,
            rows,
            slots,
            scratch: DensityScratch::default(),
            dq: Vec::new(),
            values: vec![F64x4::ZERO; (4 * chunks).max(term.harmonics_len())],
            directions: Directions::default(),
        };
        stages
            .scratch
            .prepare(term, stages.slots.len().div_ceil(LANES), true);
        stages.neighbours();
        stages.expansion();
        stages.power();
        stages.kernel();
        stages.adjoint();
        stages
    }

    /// Centres in the block.
    pub fn centres(&self) -> usize {
        self.slots.len()
    }

    /// Neighbours that count, and the centres' groups of four of them.
    pub fn neighbours(&mut self) -> usize {
        self.term.gather(&self.rows, &self.slots, &mut self.scratch);
        self.quads().map(|(quads, _)| quads.len()).sum()
    }

    fn quads(&self) -> impl Iterator<Item = (&[Quad], usize)> {
        let species = self.term.channels.len();
        (0..self.slots.len() * species).map(move |i| {
            let (slot, z) = (i / species, i % species);
            (self.scratch.neighbours.of(slot, z, species), z)
        })
    }

    /// Radial functions of all neighbours.
    pub fn radial(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        for (quads, z) in self.quads() {
            radial(self.term, z, quads, &mut values);
        }
        self.values = values;
    }

    /// Spherical harmonics of all neighbours.
    pub fn harmonics(&mut self) {
        let mut values = std::mem::take(&mut self.values);
        let mut directions = std::mem::take(&mut self.directions);
        for (quads, _) in self.quads() {
            harmonics(self.term, quads, &mut directions, &mut values);
        }
        self.values = values;
        self.directions = directions;
    }

    /// Expansion coefficients: radial functions, harmonics and their products.
    pub fn expansion(&mut self) {
        for (g, members) in self.slots.chunks(LANES).enumerate() {
            self.term
                .expand_group(&self.rows, members, g, &mut self.scratch);
        }
    }

    /// Power spectra.
    pub fn power(&mut self) {
        for g in 0..self.slots.len().div_ceil(LANES) {
            self.term.spectrum_of_group(g, &mut self.scratch);
        }
    }

    /// Energies and dE/dq. Gives the energy of the first centre (eV).
    pub fn kernel(&mut self) -> f64 {
        let groups = self.slots.len().div_ceil(LANES);
        self.term.products(groups, true, &mut self.scratch);
        self.dq.clone_from(&self.scratch.dq);
        self.scratch.energy.first().map_or(0.0, |e| e.0[0])
    }

    /// dE/dc.
    pub fn adjoint(&mut self) {
        self.scratch.dq.copy_from_slice(&self.dq);
        for g in 0..self.slots.len().div_ceil(LANES) {
            self.term.adjoint_of_group(g, &mut self.scratch);
        }
    }

    /// From dE/dc back to the neighbours; of each group of centres that of the last group, which costs the same.
    pub fn sweep(&mut self, results: &mut RowResults<'_>) {
        for (g, members) in self.slots.chunks(LANES).enumerate() {
            self.term
                .sweep_group(members.len(), g, &mut self.scratch, results);
        }
    }
}

simd_dispatch! {
    fn radial(term: &DensityTerm, z: usize, quads: &[Quad], values: &mut [F64x4]) = radial_body;
}

#[inline(always)]
fn radial_body<const FMA: bool>(
    term: &DensityTerm,
    z: usize,
    quads: &[Quad],
    values: &mut [F64x4],
) {
    let radial = term.radial_of(z);
    if let Some(table) = &radial.table {
        for quad in quads {
            table.evaluate::<FMA>(quad.piece, quad.t, &mut values[..4 * radial.chunks]);
        }
    }
}

simd_dispatch! {
    fn harmonics(
        term: &DensityTerm,
        quads: &[Quad],
        directions: &mut Directions,
        values: &mut [F64x4],
    ) = harmonics_body;
}

#[inline(always)]
fn harmonics_body<const FMA: bool>(
    term: &DensityTerm,
    quads: &[Quad],
    directions: &mut Directions,
    values: &mut [F64x4],
) {
    for quad in quads {
        term.harmonics
            .directions::<FMA>(quad.x, quad.y, quad.z, quad.weight, directions);
        term.harmonics
            .products(directions, &mut values[..term.harmonics_len()]);
    }
}
