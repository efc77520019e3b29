//! Building a list: images, cell lists, chunks.
//!
//! All atoms are wrapped into the cell and copied to every periodic image within reach of it; these *points* are sorted
//! into cubic bins of half the reach, and each centre looks at the bins around it. The number of bins is bounded by the
//! number of points, so memory is proportional to N for any shape of cell or cluster.

use super::BuildError;
use super::list::{Chunk, NeighbourList};
use crate::parallel::{self, PerThread};
use crate::potential::{Configuration, ListKind, NeighbourRequest};
use crate::system::Cell;
use std::collections::HashMap;

/// Memory reused between builds.
#[derive(Default)]
pub(super) struct Scratch {
    points: Points,
    bins: Bins,
    order: Vec<u32>,
    rank: Vec<u32>,
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

/// Points sorted into cubic bins.
#[derive(Default)]
struct Bins {
    origin: [f64; 3],
    inverse_edge: f64,
    counts: [usize; 3],
    start: Vec<u32>,
    /// Bin of each point.
    of: Vec<u32>,
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
}

const NONE: u32 = u32::MAX;
/// Points must be numbered by u32; 2 billion of them would also be 100 GB.
const MOST_POINTS: usize = 1 << 31;

impl NeighbourList {
    /// Fills the list with all pairs closer than `reach` (Å).
    ///
    /// With [`ListKind::Half`] each pair is listed once: the image with the (lexicographically) positive shift, or for
    /// shift zero the atom that comes later in the spatial order. That rule rests on integers only, so that no
    /// rounding can list a pair twice or lose it.
    pub fn build(
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
        s.bins.fill(&s.points, reach);
        spatial_order(&s.bins, n, &mut s.order, &mut s.rank, &mut s.keys);
        let size = chunk_size(n, request);
        let pieces = n.div_ceil(size.max(1));
        self.chunks.resize_with(pieces, Chunk::default);
        s.threads.prepare();
        let Scratch {
            points,
            bins,
            order,
            rank,
            threads,
            ..
        } = s;
        let half = request.kind == ListKind::Half;
        parallel::for_each_mut(&mut self.chunks, |c, chunk| {
            let centres = &order[c * size..(c * size + size).min(n)];
            threads.get().rows(
                chunk,
                centres,
                points,
                bins,
                half.then_some(rank.as_slice()),
                reach,
            );
        });
        self.index_slots()
    }

    /// Numbers the local atoms of all chunks and notes which belong to which atom.
    fn index_slots(&mut self) -> Result<(), BuildError> {
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

impl Bins {
    fn fill(&mut self, points: &Points, reach: f64) {
        let n = points.x.len();
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for x in &points.x {
            for k in 0..3 {
                low[k] = low[k].min(x[k]);
                high[k] = high[k].max(x[k]);
            }
        }
        let mut edge = 0.5 * reach;
        let most = (2 * n + 64) as f64;
        let counts = loop {
            let counts: [f64; 3] =
                std::array::from_fn(|k| ((high[k] - low[k]).max(0.0) / edge).floor() + 1.0);
            // The last bound keeps Morton codes within 10 bits a direction.
            if counts.iter().product::<f64>() <= most && counts.iter().all(|c| *c <= 1024.0) {
                break counts.map(|c| c as usize);
            }
            edge *= 1.25;
        };
        self.origin = low;
        self.inverse_edge = 1.0 / edge;
        self.counts = counts;
        self.start.clear();
        self.start.resize(counts.iter().product::<usize>() + 1, 0);
        self.of.clear();
        for x in &points.x {
            let b = self.coordinates(*x);
            let b = (b[2] * counts[1] + b[1]) * counts[0] + b[0];
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
        self.id.clear();
        self.id.resize(n, 0);
        // Fill from the back so that each start ends at its own value.
        for (p, x) in points.x.iter().enumerate().rev() {
            let at = &mut self.start[self.of[p] as usize + 1];
            *at -= 1;
            let at = *at as usize;
            (self.x[at], self.y[at], self.z[at], self.id[at]) = (x[0], x[1], x[2], p as u32);
        }
        // Every start now sits one place too far right.
        self.start.copy_within(1.., 0);
        if let Some(last) = self.start.last_mut() {
            *last = n as u32;
        }
    }

    fn coordinates(&self, x: [f64; 3]) -> [usize; 3] {
        std::array::from_fn(|k| {
            (((x[k] - self.origin[k]) * self.inverse_edge).max(0.0) as usize)
                .min(self.counts[k] - 1)
        })
    }

    /// Index of a point's bin along a space-filling (Morton) curve.
    fn morton(&self, point: usize) -> u64 {
        let b = self.of[point] as usize;
        let spread = |v: usize| -> u64 {
            let mut v = v as u64;
            v = (v | v << 16) & 0x0300_00FF;
            v = (v | v << 8) & 0x0300_F00F;
            v = (v | v << 4) & 0x030C_30C3;
            (v | v << 2) & 0x0924_9249
        };
        let (x, y) = (b % self.counts[0], b / self.counts[0]);
        spread(x) | spread(y % self.counts[1]) << 1 | spread(y / self.counts[1]) << 2
    }
}

/// Sorts the centres along a space-filling curve, so that chunks are compact.
fn spatial_order(
    bins: &Bins,
    atoms: usize,
    order: &mut Vec<u32>,
    rank: &mut Vec<u32>,
    keys: &mut Vec<u64>,
) {
    keys.clear();
    keys.extend((0..atoms).map(|a| bins.morton(a) << 32 | a as u64));
    keys.sort_unstable();
    order.clear();
    order.extend(keys.iter().map(|k| *k as u32));
    rank.clear();
    rank.resize(atoms, 0);
    for (r, a) in order.iter().enumerate() {
        rank[*a as usize] = r as u32;
    }
}

impl Finder {
    /// Makes the rows of one chunk. `rank` is given for half lists.
    fn rows(
        &mut self,
        chunk: &mut Chunk,
        centres: &[u32],
        points: &Points,
        bins: &Bins,
        rank: Option<&[u32]>,
        reach: f64,
    ) {
        let Finder {
            local,
            points: members,
            r2,
        } = self;
        if local.len() < points.x.len() {
            local.resize(points.x.len(), NONE);
        }
        members.clear();
        for &a in centres {
            // The first points are the wrapped atoms themselves.
            local[a as usize] = members.len() as u32;
            members.push(a);
        }
        chunk.own = centres.len();
        chunk.first.clear();
        chunk.first.push(0);
        chunk.neighbours.clear();
        let reach2 = reach * reach;
        for &a in centres {
            let x = points.x[a as usize];
            let low = bins.coordinates(x.map(|x| x - reach));
            let high = bins.coordinates(x.map(|x| x + reach));
            for bz in low[2]..=high[2] {
                for by in low[1]..=high[1] {
                    let row = (bz * bins.counts[1] + by) * bins.counts[0];
                    let run =
                        bins.start[row + low[0]] as usize..bins.start[row + high[0] + 1] as usize;
                    squared_distances(
                        x,
                        &bins.x[run.clone()],
                        &bins.y[run.clone()],
                        &bins.z[run.clone()],
                        r2,
                    );
                    for (p, r2) in bins.id[run].iter().zip(r2.iter()) {
                        if *r2 >= reach2 || *p == a {
                            continue;
                        }
                        if let Some(rank) = rank
                            && (*p as usize) < rank.len()
                            && rank[*p as usize] < rank[a as usize]
                        {
                            continue;
                        }
                        let at = &mut local[*p as usize];
                        if *at == NONE {
                            *at = members.len() as u32;
                            members.push(*p);
                        }
                        chunk.neighbours.push(*at);
                    }
                }
            }
            chunk.first.push(chunk.neighbours.len() as u32);
        }
        chunk.atoms.clear();
        chunk.image.clear();
        for &p in members.iter() {
            chunk.atoms.push(points.atom[p as usize]);
            chunk.image.push(points.image[p as usize]);
            local[p as usize] = NONE;
        }
    }
}

/// Squared distances of a run of points from `x`, into a reused buffer.
#[inline]
fn squared_distances(x: [f64; 3], px: &[f64], py: &[f64], pz: &[f64], out: &mut Vec<f64>) {
    out.clear();
    out.extend(px.iter().zip(py).zip(pz).map(|((px, py), pz)| {
        let (dx, dy, dz) = (px - x[0], py - x[1], pz - x[2]);
        dx * dx + dy * dy + dz * dz
    }));
}

/// Whether a shift is the one of (S, -S) under which a pair is listed in a half list.
fn is_positive(s: [i32; 3]) -> bool {
    s[2] > 0 || (s[2] == 0 && (s[1] > 0 || (s[1] == 0 && s[0] > 0)))
}
