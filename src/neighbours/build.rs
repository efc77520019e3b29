//! Building a list: images, cell lists, chunks.
//!
//! All atoms are wrapped into the cell and copied to every periodic image within reach of it; these *points* are sorted
//! into cubic bins of half the reach, and each centre looks at the bins around it. The number of bins is bounded by the
//! number of points, so memory is proportional to N for any shape of cell or cluster.

use super::BuildError;
use super::list::{Chunk, NeighbourList};
use super::{ListKind, NeighbourRequest};
use crate::parallel::{self, PerThread};
use crate::simd::simd_dispatch;
use crate::system::Cell;
use crate::system::Configuration;
use std::collections::HashMap;
use std::ops::Range;

/// Memory reused between builds.
#[derive(Default)]
pub(super) struct Scratch {
    points: Points,
    /// The wrapped atoms, and their images, in bins of the same shape.
    atoms: Bins,
    copies: Bins,
    order: Vec<u32>,
    keys: Vec<u64>,
    threads: PerThread<Finder>,
}

/// Wrapped atoms (first, in atom order) and their images within reach of the cell.
#[derive(Default)]
struct Points {
    x: Vec<[f64; 3]>,
    atom: Vec<u32>,
    image: Vec<u32>,
    /// Wrapped fractional coordinates of the atoms.
    fraction: Vec<[f64; 3]>,
}

/// The distinct image shifts, numbered in order of appearance.
#[derive(Default)]
pub(super) struct Images {
    pub(super) list: Vec<[i32; 3]>,
    index: HashMap<[i32; 3], u32>,
    last: Option<([i32; 3], u32)>,
}

/// Cubic bins over a box around all points.
struct Grid {
    origin: [f64; 3],
    inverse_edge: f64,
    counts: [usize; 3],
}

/// Points sorted into the bins of a grid.
#[derive(Default)]
struct Bins {
    start: Vec<u32>,
    /// Bin of each point, in the order of the points.
    of: Vec<u32>,
    /// Place of each point in the sorted arrays below.
    place: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    id: Vec<u32>,
}

/// What a thread needs while it makes the rows of a chunk.
#[derive(Default)]
struct Finder {
    /// Local atom of each point, `u32::MAX` when it has none in the chunk at hand.
    local: Vec<u32>,
    points: Vec<u32>,
    r2: Vec<f64>,
    hits: Vec<u32>,
}

const NONE: u32 = u32::MAX;
/// Points must be numbered by u32; 2 billion of them would also be 100 GB.
const MOST_POINTS: usize = 1 << 31;

impl NeighbourList {
    /// Fills the list with all pairs closer than `reach` (Å).
    ///
    /// With [`ListKind::Half`] each pair is listed once: the image with the (lexicographically) positive shift, or for
    /// shift zero the atom that comes later in the order of the bins. That rule rests on integers only, so that no
    /// rounding can list a pair twice or lose it.
    pub fn build(
        &mut self,
        configuration: Configuration<'_>,
        request: NeighbourRequest,
        reach: f64,
    ) -> Result<(), BuildError> {
        self.find(configuration, request, reach)?;
        self.index_slots()
    }

    /// Finds the pairs; [`Self::index_slots`] makes the list complete.
    pub(super) fn find(
        &mut self,
        configuration: Configuration<'_>,
        request: NeighbourRequest,
        reach: f64,
    ) -> Result<(), BuildError> {
        let n = configuration.positions.len();
        self.kind = Some(request.kind);
        self.reach = reach;
        self.atoms = n;
        let s = &mut self.scratch;
        s.points
            .fill(configuration, request.kind, reach, &mut self.images)?;
        let grid = Grid::around(&s.points.x, reach);
        s.atoms.fill(&grid, &s.points.x, 0..n);
        s.copies.fill(&grid, &s.points.x, n..s.points.x.len());
        spatial_order(&grid, &s.atoms, &mut s.order, &mut s.keys);
        let size = chunk_size(n, request);
        let pieces = n.div_ceil(size.max(1));
        self.chunks.resize_with(pieces, Chunk::default);
        s.threads.prepare();
        let Scratch {
            points,
            atoms,
            copies,
            order,
            threads,
            ..
        } = s;
        let search = Search {
            grid: &grid,
            points,
            atoms,
            copies,
            half: request.kind == ListKind::Half,
            reach,
        };
        parallel::for_each_mut(&mut self.chunks, |c, chunk| {
            threads
                .get()
                .rows(chunk, &order[c * size..(c * size + size).min(n)], &search);
        });
        Ok(())
    }

    /// Numbers the local atoms of all chunks and notes which belong to which atom.
    pub(super) fn index_slots(&mut self) -> Result<(), BuildError> {
        self.slots = 0;
        for chunk in &mut self.chunks {
            chunk.base = self.slots;
            self.slots += chunk.atoms.len();
        }
        let first = &mut self.gather_first;
        first.clear();
        first.resize(self.atoms + 1, 0);
        if u32::try_from(self.slots).is_err()
            || self
                .chunks
                .iter()
                .any(|c| u32::try_from(c.neighbours.len()).is_err())
        {
            return Err(BuildError::TooMany);
        }
        for &a in self.chunks.iter().flat_map(|c| &c.atoms) {
            first[a as usize + 1] += 1;
        }
        for a in 0..self.atoms {
            first[a + 1] += first[a];
        }
        self.gather_slots.clear();
        self.gather_slots.resize(self.slots, 0);
        for chunk in &self.chunks {
            for (k, &a) in chunk.atoms.iter().enumerate() {
                let at = &mut first[a as usize];
                self.gather_slots[*at as usize] = (chunk.base + k) as u32;
                *at += 1;
            }
        }
        // The loop above moved every offset to the start of the next atom.
        for a in (0..self.atoms).rev() {
            first[a + 1] = first[a];
        }
        if let Some(f) = first.first_mut() {
            *f = 0;
        }
        Ok(())
    }
}

/// Centres per chunk: a function of the number of atoms only, so that results do not depend on the number of threads.
fn chunk_size(atoms: usize, request: NeighbourRequest) -> usize {
    let grain = request.grain.max(1);
    atoms
        .div_ceil(16)
        .div_ceil(grain)
        .saturating_mul(grain)
        .clamp(1, request.chunk.max(grain))
}

impl Points {
    fn fill(
        &mut self,
        configuration: Configuration<'_>,
        kind: ListKind,
        reach: f64,
        images: &mut Images,
    ) -> Result<(), BuildError> {
        /// Fractional slack so that rounding in the wrapping never loses an image.
        const SLACK: f64 = 1e-9;
        let cell = configuration.cell;
        let periodic = cell.periodic();
        let widths = cell.widths();
        let positions = configuration.positions;
        let margin: [f64; 3] = std::array::from_fn(|k| {
            if periodic[k] {
                reach / widths[k] + SLACK
            } else {
                0.0
            }
        });
        if !margin.iter().all(|m| *m < 1e4) {
            return Err(BuildError::TooMany);
        }
        images.clear();
        self.x.clear();
        self.atom.clear();
        self.image.clear();
        self.fraction.clear();
        for (a, x) in positions.iter().enumerate() {
            let s = cell.fractional(*x);
            // Beyond this, image numbers and lengths have no digits left to be compared with.
            if !(s.iter().all(|s| s.abs() < 1e9) && x.iter().all(|x| x.abs() < 1e12)) {
                return Err(BuildError::NotFinite(a));
            }
            let image: [i32; 3] = std::array::from_fn(|k| {
                if periodic[k] {
                    -(s[k].floor() as i32)
                } else {
                    0
                }
            });
            self.fraction
                .push(std::array::from_fn(|k| s[k] + f64::from(image[k])));
            self.push(cell, *x, a, image, images);
        }
        for (a, x) in positions.iter().enumerate() {
            let s = self.fraction[a];
            let mut low = [0i32; 3];
            let mut high = [0i32; 3];
            for k in 0..3 {
                if periodic[k] {
                    low[k] = (-margin[k] - s[k]).ceil() as i32;
                    high[k] = (1.0 + margin[k] - s[k]).floor() as i32;
                }
            }
            if low == [0; 3] && high == [0; 3] {
                continue;
            }
            let own = images.list[self.image[a] as usize];
            for c in low[2]..=high[2] {
                for b in low[1]..=high[1] {
                    for a_shift in low[0]..=high[0] {
                        let shift = [a_shift, b, c];
                        if shift == [0; 3] || (kind == ListKind::Half && !is_positive(shift)) {
                            continue;
                        }
                        self.push(
                            cell,
                            *x,
                            a,
                            std::array::from_fn(|k| own[k] + shift[k]),
                            images,
                        );
                    }
                }
            }
            if self.x.len() >= MOST_POINTS {
                return Err(BuildError::TooMany);
            }
        }
        Ok(())
    }

    /// Adds a point. Its place comes from the unwrapped position by the same arithmetic as in every later step.
    fn push(
        &mut self,
        cell: &Cell,
        x: [f64; 3],
        atom: usize,
        image: [i32; 3],
        images: &mut Images,
    ) {
        let t = cell.translation(image);
        self.x.push(std::array::from_fn(|k| x[k] + t[k]));
        self.atom.push(atom as u32);
        self.image.push(images.number(image));
    }
}

impl Images {
    fn clear(&mut self) {
        self.list.clear();
        self.index.clear();
        self.last = None;
    }

    fn number(&mut self, image: [i32; 3]) -> u32 {
        if let Some((last, number)) = self.last
            && last == image
        {
            return number;
        }
        let list = &mut self.list;
        let number = *self.index.entry(image).or_insert_with(|| {
            list.push(image);
            list.len() as u32 - 1
        });
        self.last = Some((image, number));
        number
    }
}

impl Grid {
    /// Bins of half the reach around all points, or larger ones when there would be many more bins than points.
    fn around(points: &[[f64; 3]], reach: f64) -> Grid {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for x in points {
            for k in 0..3 {
                low[k] = low[k].min(x[k]);
                high[k] = high[k].max(x[k]);
            }
        }
        let mut edge = 0.5 * reach;
        let most = (2 * points.len() + 64) as f64;
        loop {
            let counts: [f64; 3] =
                std::array::from_fn(|k| ((high[k] - low[k]).max(0.0) / edge).floor() + 1.0);
            // The last bound keeps Morton codes within 10 bits a direction.
            if counts.iter().product::<f64>() <= most && counts.iter().all(|c| *c <= 1024.0) {
                return Grid {
                    origin: low,
                    inverse_edge: 1.0 / edge,
                    counts: counts.map(|c| c as usize),
                };
            }
            edge *= 1.25;
        }
    }

    /// The bin along each direction, clamped to the grid.
    fn coordinates(&self, x: [f64; 3]) -> [usize; 3] {
        std::array::from_fn(|k| {
            (((x[k] - self.origin[k]) * self.inverse_edge).max(0.0) as usize)
                .min(self.counts[k] - 1)
        })
    }

    fn index(&self, b: [usize; 3]) -> usize {
        (b[2] * self.counts[1] + b[1]) * self.counts[0] + b[0]
    }

    /// Index of a bin along a space-filling (Morton) curve.
    fn morton(&self, bin: usize) -> u64 {
        let spread = |v: usize| -> u64 {
            let mut v = v as u64;
            v = (v | v << 16) & 0x0300_00FF;
            v = (v | v << 8) & 0x0300_F00F;
            v = (v | v << 4) & 0x030C_30C3;
            (v | v << 2) & 0x0924_9249
        };
        let (x, y) = (bin % self.counts[0], bin / self.counts[0]);
        spread(x) | spread(y % self.counts[1]) << 1 | spread(y / self.counts[1]) << 2
    }
}

impl Bins {
    /// Sorts some of the points into the bins of a grid; within a bin they keep their order.
    fn fill(&mut self, grid: &Grid, points: &[[f64; 3]], which: Range<usize>) {
        let n = which.len();
        self.start.clear();
        self.start
            .resize(grid.counts.iter().product::<usize>() + 1, 0);
        self.of.clear();
        for x in &points[which.clone()] {
            let b = grid.index(grid.coordinates(*x));
            self.of.push(b as u32);
            self.start[b + 1] += 1;
        }
        for b in 0..self.start.len() - 1 {
            self.start[b + 1] += self.start[b];
        }
        for v in [&mut self.x, &mut self.y, &mut self.z] {
            v.clear();
            v.resize(n, 0.0);
        }
        for v in [&mut self.id, &mut self.place] {
            v.clear();
            v.resize(n, 0);
        }
        // From the back, so that each end moves down to its own start.
        for (k, x) in points[which.clone()].iter().enumerate().rev() {
            let at = &mut self.start[self.of[k] as usize + 1];
            *at -= 1;
            let at = *at as usize;
            (self.x[at], self.y[at], self.z[at]) = (x[0], x[1], x[2]);
            (self.id[at], self.place[k]) = ((which.start + k) as u32, at as u32);
        }
        // Every start now sits one place too far right.
        self.start.copy_within(1.., 0);
        if let Some(last) = self.start.last_mut() {
            *last = n as u32;
        }
    }
}

/// Sorts the centres along a space-filling curve, so that chunks are compact.
fn spatial_order(grid: &Grid, atoms: &Bins, order: &mut Vec<u32>, keys: &mut Vec<u64>) {
    keys.clear();
    keys.extend(
        atoms
            .of
            .iter()
            .enumerate()
            .map(|(a, b)| grid.morton(*b as usize) << 32 | a as u64),
    );
    keys.sort_unstable();
    order.clear();
    order.extend(keys.iter().map(|k| *k as u32));
}

/// What the search for neighbours reads.
struct Search<'a> {
    grid: &'a Grid,
    points: &'a Points,
    atoms: &'a Bins,
    copies: &'a Bins,
    half: bool,
    reach: f64,
}

impl Finder {
    /// Makes the rows of one chunk.
    fn rows(&mut self, chunk: &mut Chunk, centres: &[u32], search: &Search<'_>) {
        let Search {
            grid,
            points,
            atoms,
            copies,
            half,
            reach,
        } = *search;
        if self.local.len() < points.x.len() {
            self.local.resize(points.x.len(), NONE);
        }
        self.points.clear();
        for &a in centres {
            // The first points are the wrapped atoms themselves.
            self.local[a as usize] = self.points.len() as u32;
            self.points.push(a);
        }
        chunk.own = centres.len();
        chunk.first.clear();
        chunk.first.push(0);
        chunk.neighbours.clear();
        for &a in centres {
            let x = points.x[a as usize];
            let place = atoms.place[a as usize] as usize;
            let low = grid.coordinates(x.map(|x| x - reach));
            let high = grid.coordinates(x.map(|x| x + reach));
            for bz in low[2]..=high[2] {
                for by in low[1]..=high[1] {
                    let row = grid.index([0, by, bz]);
                    let run = |bins: &Bins| {
                        bins.start[row + low[0]] as usize..bins.start[row + high[0] + 1] as usize
                    };
                    let mut near = run(atoms);
                    if half {
                        near.start = near.start.max(place + 1).min(near.end.max(place + 1));
                        near.end = near.end.max(near.start);
                        self.take(atoms, near, x, reach, chunk);
                    } else if near.contains(&place) {
                        self.take(atoms, near.start..place, x, reach, chunk);
                        self.take(atoms, place + 1..near.end, x, reach, chunk);
                    } else {
                        self.take(atoms, near, x, reach, chunk);
                    }
                    self.take(copies, run(copies), x, reach, chunk);
                }
            }
            chunk.first.push(chunk.neighbours.len() as u32);
        }
        chunk.atoms.clear();
        chunk.image.clear();
        for &p in &self.points {
            chunk.atoms.push(points.atom[p as usize]);
            chunk.image.push(points.image[p as usize]);
            self.local[p as usize] = NONE;
        }
    }

    /// Adds those points of a run of sorted points that lie within reach of `x` to the row at hand.
    #[inline]
    fn take(&mut self, bins: &Bins, run: Range<usize>, x: [f64; 3], reach: f64, chunk: &mut Chunk) {
        if run.is_empty() {
            return;
        }
        let n = within_reach(x, reach * reach, bins, run, &mut self.r2, &mut self.hits);
        for &p in &self.hits[..n] {
            let at = &mut self.local[p as usize];
            if *at == NONE {
                *at = self.points.len() as u32;
                self.points.push(p);
            }
            chunk.neighbours.push(*at);
        }
    }
}

simd_dispatch! {
    /// Writes the points of a run that lie within reach to the front of `hits` and returns their number.
    fn within_reach(x: [f64; 3], reach2: f64, bins: &Bins, run: Range<usize>, r2: &mut Vec<f64>, hits: &mut Vec<u32>)
        -> usize = within_reach_body;
}

#[inline(always)]
fn within_reach_body<const FMA: bool>(
    x: [f64; 3],
    reach2: f64,
    bins: &Bins,
    run: Range<usize>,
    r2: &mut Vec<f64>,
    hits: &mut Vec<u32>,
) -> usize {
    let n = run.len();
    if r2.len() < n {
        r2.resize(n, 0.0);
        hits.resize(n, 0);
    }
    let (px, py, pz) = (
        &bins.x[run.clone()],
        &bins.y[run.clone()],
        &bins.z[run.clone()],
    );
    for (((r2, px), py), pz) in r2.iter_mut().zip(px).zip(py).zip(pz) {
        let (dx, dy, dz) = (px - x[0], py - x[1], pz - x[2]);
        // Without fused operations: a distance must not depend on the instruction set.
        *r2 = dx * dx + dy * dy + dz * dz;
    }
    // Every point is written, only those within reach advance: no branch to mispredict.
    let mut found = 0;
    for (r2, id) in r2.iter().zip(&bins.id[run]) {
        hits[found] = *id;
        found += usize::from(*r2 < reach2);
    }
    found
}

/// Whether a shift is the one of (S, -S) under which a pair is listed in a half list.
fn is_positive(s: [i32; 3]) -> bool {
    s[2] > 0 || (s[2] == 0 && (s[1] > 0 || (s[1] == 0 && s[0] > 0)))
}
