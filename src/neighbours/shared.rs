//! One list for configurations that lie near each other, such as the beads of a ring polymer.
//!
//! A list of their centres that reaches further by the spread of the beads holds every pair of every bead; those that no bead
//! has within the reach are taken out again.

use super::list::Chunk;
use super::{BuildError, NeighbourList, NeighbourRequest};
use crate::parallel::{self, PerThread};
use crate::simd::simd_dispatch;
use crate::system::{Cell, Configuration};

/// How the beads of each atom lie about a centre.
#[derive(Default)]
pub(super) struct Cloud {
    /// The centre of each atom (Å).
    pub centre: Vec<[f64; 3]>,
    /// The largest distance (Å) of any bead of each atom from its centre.
    pub spread: Vec<f64>,
    /// Displacements (Å) of the beads from the centre by atom, direction and bead; `width` numbers a direction, the last
    /// bead repeated.
    displacements: Vec<f64>,
    width: usize,
}

/// Beads whose distances are tested side by side.
const LANES: usize = 8;

impl Cloud {
    /// Takes the beads, one set of positions each, and the centre; `None` for their mean. Errors name a bead and an atom
    /// that is nowhere.
    pub fn fill(
        &mut self,
        centre: Option<&[[f64; 3]]>,
        beads: &[[f64; 3]],
        atoms: usize,
    ) -> Result<(), (usize, usize)> {
        let count = beads.len().checked_div(atoms).unwrap_or(0);
        self.centre.clear();
        match centre {
            Some(centre) => self.centre.extend_from_slice(centre),
            None => self.mean(beads, atoms, count),
        }
        self.width = count.next_multiple_of(LANES);
        self.displacements.clear();
        self.displacements.resize(3 * self.width * atoms, 0.0);
        self.spread.clear();
        self.spread.resize(atoms, 0.0);
        let rows = self.displacements.chunks_exact_mut((3 * self.width).max(1));
        for (a, (row, spread)) in rows.zip(&mut self.spread).enumerate() {
            let centre = self.centre[a];
            let (x, yz) = row.split_at_mut(self.width);
            let (y, z) = yz.split_at_mut(self.width);
            let mut most = 0.0f64;
            for b in 0..self.width {
                let p = beads[b.min(count - 1) * atoms + a];
                (x[b], y[b], z[b]) = (p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]);
                let d2 = x[b] * x[b] + y[b] * y[b] + z[b] * z[b];
                if !d2.is_finite() {
                    return Err((b.min(count - 1), a));
                }
                most = most.max(d2);
            }
            *spread = most.sqrt();
        }
        Ok(())
    }

    fn mean(&mut self, beads: &[[f64; 3]], atoms: usize, count: usize) {
        self.centre.resize(atoms, [0.0; 3]);
        for bead in beads.chunks_exact(atoms.max(1)) {
            for (c, x) in self.centre.iter_mut().zip(bead) {
                *c = [c[0] + x[0], c[1] + x[1], c[2] + x[2]];
            }
        }
        let part = 1.0 / count as f64;
        self.centre
            .iter_mut()
            .for_each(|c| *c = c.map(|x| x * part));
    }

    /// By how much (Å) two beads of different atoms can be nearer than the centres: the sum of the two largest spreads.
    pub fn nearer(&self) -> f64 {
        let (mut first, mut second) = (0.0f64, 0.0f64);
        for &s in &self.spread {
            (first, second) = (first.max(s), second.max(s.min(first)));
        }
        first + second
    }

    /// Displacements of the beads of an atom, direction after direction.
    #[inline(always)]
    fn of(&self, atom: usize) -> &[f64] {
        let size = 3 * self.width;
        &self.displacements[size * atom..size * (atom + 1)]
    }
}

/// Memory reused between builds.
#[derive(Default)]
pub(super) struct Scratch(PerThread<Pruner>);

/// What a thread needs while it prunes a chunk.
#[derive(Default)]
struct Pruner {
    /// Centres of the local atoms, periodic images in place.
    place: Vec<[f64; 3]>,
    /// The new number of each local atom that is still needed.
    number: Vec<u32>,
}

const UNUSED: u32 = u32::MAX;

impl NeighbourList {
    /// Fills the list with all pairs that some bead of the cloud may have closer than `reach` (Å), and few others: none whose
    /// centres are further apart than that, unless some bead has them within it.
    pub(super) fn build_shared(
        &mut self,
        cell: &Cell,
        cloud: &Cloud,
        request: NeighbourRequest,
        reach: f64,
        scratch: &mut Scratch,
    ) -> Result<(), BuildError> {
        let centres = Configuration {
            cell,
            elements: &[],
            positions: &cloud.centre,
        };
        let wide = reach + cloud.nearer() * (1.0 + 1e-12);
        self.find(centres, request, wide)?;
        self.reach = reach;
        if cloud.spread.iter().any(|s| *s > 0.0) {
            let images = &self.images.list;
            scratch.0.prepare();
            parallel::for_each_mut(&mut self.chunks, |_, chunk| {
                let pruner = &mut *scratch.0.get();
                pruner.place.clear();
                let atoms = chunk.atoms.iter().zip(&chunk.image);
                pruner.place.extend(atoms.map(|(&a, &image)| {
                    let (x, t) = (
                        cloud.centre[a as usize],
                        cell.translation(images[image as usize]),
                    );
                    [x[0] + t[0], x[1] + t[1], x[2] + t[2]]
                }));
                prune_rows(chunk, cloud, &pruner.place, reach);
                drop_unused(chunk, &mut pruner.number);
            });
        }
        self.index_slots()
    }
}

simd_dispatch! {
    /// Takes pairs out of the rows of a chunk that no bead has within reach.
    fn prune_rows(chunk: &mut Chunk, cloud: &Cloud, place: &[[f64; 3]], reach: f64) = prune_rows_body;
}

// Without fused operations: a list must not depend on the instruction set.
#[inline(always)]
fn prune_rows_body<const FMA: bool>(
    chunk: &mut Chunk,
    cloud: &Cloud,
    place: &[[f64; 3]],
    reach: f64,
) {
    let limit2 = reach * reach;
    let mut kept = 0;
    let mut start = 0;
    for c in 0..chunk.own {
        let end = chunk.first[c + 1] as usize;
        let (o, own) = (place[c], chunk.atoms[c] as usize);
        let (spread, beads) = (cloud.spread[own], cloud.of(own));
        for k in start..end {
            let target = chunk.neighbours[k];
            let (p, atom) = (
                place[target as usize],
                chunk.atoms[target as usize] as usize,
            );
            let d = [p[0] - o[0], p[1] - o[1], p[2] - o[2]];
            let d2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            let far = (reach + spread + cloud.spread[atom]) * (1.0 + 1e-12);
            let keep = d2 < limit2
                || (d2 < far * far && some_within(d, beads, cloud.of(atom), cloud.width, limit2));
            chunk.neighbours[kept] = target;
            kept += usize::from(keep);
        }
        start = end;
        chunk.first[c + 1] = kept as u32;
    }
    chunk.neighbours.truncate(kept);
}

/// Whether some bead has two atoms, `d` apart by their centres, within a squared distance.
#[inline(always)]
fn some_within(d: [f64; 3], i: &[f64], j: &[f64], width: usize, limit2: f64) -> bool {
    let ((ix, iyz), (jx, jyz)) = (i.split_at(width), j.split_at(width));
    let ((iy, iz), (jy, jz)) = (iyz.split_at(width), jyz.split_at(width));
    let (ix, iy, iz) = (
        ix.as_chunks::<LANES>().0,
        iy.as_chunks::<LANES>().0,
        iz.as_chunks::<LANES>().0,
    );
    let (jx, jy, jz) = (
        jx.as_chunks::<LANES>().0,
        jy.as_chunks::<LANES>().0,
        jz.as_chunks::<LANES>().0,
    );
    for b in 0..width / LANES {
        let mut near = false;
        for l in 0..LANES {
            let x = d[0] + (jx[b][l] - ix[b][l]);
            let y = d[1] + (jy[b][l] - iy[b][l]);
            let z = d[2] + (jz[b][l] - iz[b][l]);
            near |= x * x + y * y + z * z < limit2;
        }
        if near {
            return true;
        }
    }
    false
}

/// Takes those local atoms out of a chunk that no row names any more; the others keep their order.
fn drop_unused(chunk: &mut Chunk, number: &mut Vec<u32>) {
    number.clear();
    number.resize(chunk.atoms.len(), UNUSED);
    number[..chunk.own].fill(0);
    for &k in &chunk.neighbours {
        number[k as usize] = 0;
    }
    let mut kept = 0;
    for (k, number) in number.iter_mut().enumerate() {
        if *number != UNUSED {
            *number = kept as u32;
            chunk.atoms[kept] = chunk.atoms[k];
            chunk.image[kept] = chunk.image[k];
            kept += 1;
        }
    }
    chunk.atoms.truncate(kept);
    chunk.image.truncate(kept);
    for k in &mut chunk.neighbours {
        *k = number[*k as usize];
    }
}
