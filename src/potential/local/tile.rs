//! One chunk of a list that several members share, with their numbers side by side.
//!
//! Distances between the same two atoms in eight beads are eight neighbouring numbers everywhere: in the table of local atoms, in
//! the rows that the model sees, and in the forces. No loop gathers or scatters.

use super::block::{BlockScratch, COINCIDENT2};
use super::wrapper::Outcome;
use super::{LANES, LocalModel, Names, RowResults, RowStyle, Rows};
use crate::neighbours::{Chunk, NeighbourList};
use crate::potential::{Member, Want};
use crate::simd::{fma, simd_dispatch};
use std::ops::Range;

/// A number for each member of a tile.
type Lanes = [f64; LANES];
/// A vector for each member of a tile.
type Vectors = [Lanes; 3];

/// Memory of a tile, reused by a thread.
#[derive(Default)]
pub(super) struct TileScratch {
    local: Vec<Vectors>,
    forces: Vec<Vectors>,
    r2: Vec<Lanes>,
    radial: Vec<Lanes>,
    booked: Vec<Lanes>,
    energy: Vec<Lanes>,
}

/// The results of a chunk by local atom; empty where not wanted.
pub(super) struct TileSlots<'a> {
    pub forces: &'a mut [Vectors],
    pub sites: &'a mut [Lanes],
}

impl<S: Default> BlockScratch<S> {
    /// Evaluates a model of style [`RowStyle::Distances`] for all centres of a chunk of the list that the members share.
    /// `translations` are those of the members, one after the other; `outcomes` has one for each member.
    pub fn run_tile<M: LocalModel<Scratch = S>>(
        &mut self,
        model: &M,
        members: &[Member<'_>],
        list: &NeighbourList,
        chunk: &Chunk,
        translations: &[[f64; 3]],
        want: Want,
        slots: TileSlots<'_>,
        outcomes: &mut [Outcome],
    ) {
        self.place_tile(members, list, chunk, translations);
        let wanted = want.forces || want.virial;
        let TileScratch {
            local,
            forces,
            r2,
            radial,
            booked,
            energy,
        } = &mut self.tile;
        // The virial is made from the forces.
        let forces = if want.forces {
            slots.forces
        } else {
            forces.resize(if want.virial { local.len() } else { 0 }, [[0.0; LANES]; 3]);
            forces
        };
        forces.fill([[0.0; LANES]; 3]);
        slots.sites.fill([0.0; LANES]);
        let mut least = [f64::INFINITY; LANES];
        let mut sum = [0.0; LANES];
        // The arrays of a block stay in the first cache.
        let block = (model.block() / (2 * LANES)).max(1);
        for start in (0..chunk.own).step_by(block) {
            let centres = start..(start + block).min(chunk.own);
            let rows = &chunk.first[centres.start..=centres.end];
            let listed = &chunk.neighbours[rows[0] as usize..rows[rows.len() - 1] as usize];
            self.first.clear();
            self.first.extend(rows.iter().map(|f| f - rows[0]));
            if r2.len() < listed.len() {
                r2.resize(listed.len(), [0.0; LANES]);
            }
            let r2 = &mut r2[..listed.len()];
            let shape = Shape {
                local,
                first: &self.first,
                listed,
                start,
            };
            squared_distances(&shape, r2, &mut least);
            if least.iter().any(|r2| *r2 < COINCIDENT2) {
                coincident(chunk, centres, &self.first, listed, r2, outcomes);
                return;
            }
            self.elements.clear();
            if model.style() != (RowStyle::Distances { elements: false }) {
                let elements = &self.local_elements;
                self.elements
                    .extend(listed.iter().map(|&k| elements[k as usize]));
            }
            let zero = |v: &mut Vec<Lanes>, n: usize| {
                v.clear();
                v.resize(n, [0.0; LANES]);
            };
            zero(energy, centres.len());
            zero(radial, if wanted { listed.len() } else { 0 });
            zero(booked, if want.site_energies { listed.len() } else { 0 });
            let rows = Rows {
                centres: &self.local_elements[centres.clone()],
                first: &self.first,
                elements: &self.elements,
                x: &[],
                y: &[],
                z: &[],
                r2: r2.as_flattened(),
                names: Names::default(),
            };
            let mut results = RowResults {
                energy: energy.as_flattened_mut(),
                gx: &mut [],
                gy: &mut [],
                gz: &mut [],
                radial: radial.as_flattened_mut(),
                booked: booked.as_flattened_mut(),
                reliability: &mut [],
            };
            model.evaluate(&rows, want, &mut self.model, &mut results);
            add_up(energy, &mut sum);
            add_up(booked, &mut sum);
            if wanted {
                scatter(&shape, radial, forces);
            }
            if want.site_energies {
                let own = centres.clone().zip(energy.iter());
                let other = listed.iter().map(|k| *k as usize).zip(booked.iter());
                for (k, e) in own.chain(other) {
                    add_up(std::slice::from_ref(e), &mut slots.sites[k]);
                }
            }
        }
        let mut virial = [[[0.0; LANES]; 3]; 3];
        if want.virial {
            sum_virial(local, forces, &mut virial);
        }
        for (l, outcome) in outcomes.iter_mut().enumerate() {
            outcome.energy = sum[l];
            outcome.closest2 = least[l];
            outcome.virial = virial.map(|row| row.map(|w| w[l]));
        }
    }

    /// Positions, images in place, and elements of the chunk's local atoms. A tile that is not full has its last member several
    /// times.
    fn place_tile(
        &mut self,
        members: &[Member<'_>],
        list: &NeighbourList,
        chunk: &Chunk,
        translations: &[[f64; 3]],
    ) {
        let images = list.images().len();
        let last = members.len() - 1;
        let positions: [&[[f64; 3]]; LANES] =
            std::array::from_fn(|l| members[l.min(last)].configuration.positions);
        let shifts: [&[[f64; 3]]; LANES] =
            std::array::from_fn(|l| &translations[images * l.min(last)..]);
        self.tile.local.resize(chunk.atoms.len(), [[0.0; LANES]; 3]);
        let atoms = chunk.atoms.iter().zip(&chunk.image);
        for (out, (&a, &image)) in self.tile.local.iter_mut().zip(atoms) {
            for l in 0..LANES {
                let (x, t) = (positions[l][a as usize], shifts[l][image as usize]);
                for k in 0..3 {
                    out[k][l] = x[k] + t[k];
                }
            }
        }
        let elements = members[0].configuration.elements;
        self.local_elements.clear();
        self.local_elements
            .extend(chunk.atoms.iter().map(|&a| elements[a as usize]));
    }
}

/// Notes for each member which pair of atoms lies at one place, if one does.
fn coincident(
    chunk: &Chunk,
    centres: Range<usize>,
    first: &[u32],
    listed: &[u32],
    r2: &[Lanes],
    outcomes: &mut [Outcome],
) {
    for (l, outcome) in outcomes.iter_mut().enumerate() {
        let Some(n) = r2.iter().position(|r2| r2[l] < COINCIDENT2) else {
            continue;
        };
        let row = first.iter().rposition(|f| *f as usize <= n).unwrap_or(0);
        let (i, j) = (
            chunk.atoms[centres.start + row],
            chunk.atoms[listed[n] as usize],
        );
        outcome.coincident = Some((i.min(j), i.max(j), r2[n][l].sqrt()));
    }
}

fn add_up(terms: &[Lanes], sum: &mut Lanes) {
    for t in terms {
        for l in 0..LANES {
            sum[l] += t[l];
        }
    }
}

/// Rows of some centres, with the places of all local atoms.
struct Shape<'a> {
    local: &'a [Vectors],
    first: &'a [u32],
    /// Local atom of each neighbour.
    listed: &'a [u32],
    /// Local atom of the first centre.
    start: usize,
}

simd_dispatch! {
    /// Squared distances of all listed neighbours, and the least of each member.
    fn squared_distances(shape: &Shape<'_>, r2: &mut [Lanes], least: &mut Lanes) = squared_distances_body;
}

#[inline(always)]
fn squared_distances_body<const FMA: bool>(shape: &Shape<'_>, r2: &mut [Lanes], least: &mut Lanes) {
    let mut low = *least;
    for (o, f) in shape.local[shape.start..]
        .iter()
        .zip(shape.first.windows(2))
    {
        let row = f[0] as usize..f[1] as usize;
        for (&k, out) in shape.listed[row.clone()].iter().zip(&mut r2[row]) {
            let p = &shape.local[k as usize];
            for l in 0..LANES {
                let (dx, dy, dz) = (p[0][l] - o[0][l], p[1][l] - o[1][l], p[2][l] - o[2][l]);
                let d2 = fma::<FMA>(dx, dx, fma::<FMA>(dy, dy, dz * dz));
                low[l] = if d2 < low[l] { d2 } else { low[l] };
                out[l] = d2;
            }
        }
    }
    *least = low;
}

simd_dispatch! {
    /// Forces on both atoms from (dE/dr)/r.
    fn scatter(shape: &Shape<'_>, radial: &[Lanes], forces: &mut [Vectors]) = scatter_body;
}

#[inline(always)]
fn scatter_body<const FMA: bool>(shape: &Shape<'_>, radial: &[Lanes], forces: &mut [Vectors]) {
    for (c, f) in shape.first.windows(2).enumerate() {
        let c = shape.start + c;
        let o = shape.local[c];
        let row = f[0] as usize..f[1] as usize;
        let mut own = [[0.0; LANES]; 3];
        for (&k, s) in shape.listed[row.clone()].iter().zip(&radial[row]) {
            let (p, f) = (&shape.local[k as usize], &mut forces[k as usize]);
            for a in 0..3 {
                for l in 0..LANES {
                    let g = s[l] * (p[a][l] - o[a][l]);
                    f[a][l] -= g;
                    own[a][l] += g;
                }
            }
        }
        let f = &mut forces[c];
        for a in 0..3 {
            for l in 0..LANES {
                f[a][l] += own[a][l];
            }
        }
    }
}

simd_dispatch! {
    /// The virial: the forces of a chunk add up to zero, so that it is the sum of position ⊗ force about any origin.
    fn sum_virial(local: &[Vectors], forces: &[Vectors], virial: &mut [Vectors; 3]) = sum_virial_body;
}

#[inline(always)]
fn sum_virial_body<const FMA: bool>(
    local: &[Vectors],
    forces: &[Vectors],
    virial: &mut [Vectors; 3],
) {
    // Near the atoms, so that few digits cancel.
    let Some(origin) = local.first() else { return };
    for a in 0..3 {
        let mut sum = [[0.0; LANES]; 3];
        for (x, f) in local.iter().zip(forces) {
            for b in 0..3 {
                for l in 0..LANES {
                    sum[b][l] = fma::<FMA>(x[a][l] - origin[a][l], f[b][l], sum[b][l]);
                }
            }
        }
        virial[a] = sum;
    }
}
