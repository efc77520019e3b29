//! Correlation functions of many vectors over time, from a stream of frames, in bounded memory.
//!
//! Time is cut into blocks of origins. Each pair of an origin and a lag up to the longest one is counted exactly once, so that
//! the result is that of all origins together, whatever the blocks; but the blocks are also kept one by one, which gives
//! errors. A block needs its own rows and those of one longest lag behind it. Products are sums of Fourier transforms padded with
//! zeros, added over atoms in an order that depends on neither threads nor on how many atoms fit into memory: with little
//! memory the file is read several times, a range of atoms each, and the result has the same bits.

use super::fourier::{Fourier, fast_length};
use crate::error::{Error, Result};
use crate::parallel;
use realfft::num_complex::Complex64;
use std::ops::Range;

/// What is summed over origins t for each lag s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correlation {
    /// x(t)·x(t+s).
    Product,
    /// |x(t+s) - x(t)|².
    Displacement,
}

/// Atoms whose transforms are added up by one thread before they meet the others.
const CHUNK: usize = 8;
/// Chunks at work before their sums are added; independent of the number of threads.
const WAVE: usize = 64;

/// The class of atoms that are left out.
pub const LEFT_OUT: u32 = u32::MAX;

/// Sums of correlations by classes of atoms and blocks of time.
pub struct Correlator {
    kind: Correlation,
    lags: usize,
    block: usize,
    plan: Fourier,
    /// Class and weight of each vector.
    class_of: Vec<u32>,
    weights: Vec<f64>,
    classes: usize,
    blocks: Vec<Sums>,
    /// Vectors of the pass at hand.
    pass: Range<usize>,
    rows: Vec<[f64; 3]>,
    /// The block that the rows belong to.
    current: usize,
}

/// What a block has summed up.
#[derive(Clone, Default)]
struct Sums {
    /// Rows that it has seen: its own, and those behind it.
    rows: usize,
    /// For each class the sum of conj(X) Y.
    products: Vec<Vec<Complex64>>,
    /// For each class the sum of squares of each row.
    squares: Vec<Vec<f64>>,
}

/// What one thread makes of one chunk.
#[derive(Default)]
struct Piece {
    classes: Vec<u32>,
    products: Vec<Vec<Complex64>>,
    squares: Vec<Vec<f64>>,
    x: Vec<f64>,
    y: Vec<f64>,
    fx: Vec<Complex64>,
    fy: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

/// Correlation functions: for each block and class the sum over origins, and the number of origins.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlations {
    /// For each block the number of origins of each lag.
    pub counts: Vec<Vec<f64>>,
    /// For each block and class the sum over origins and vectors for each lag.
    pub sums: Vec<Vec<Vec<f64>>>,
}

impl Correlator {
    /// A correlator of vectors with a class ([`LEFT_OUT`] for none) and a weight each, for lags of 0 to `lags` rows; blocks
    /// have `block` origins, at least as many as the longest lag.
    pub fn new(
        kind: Correlation,
        lags: usize,
        block: usize,
        class_of: Vec<u32>,
        weights: Vec<f64>,
    ) -> Result<Correlator> {
        let classes = class_of.iter().filter(|c| **c != LEFT_OUT).max();
        let classes = classes.map_or(0, |c| *c as usize + 1);
        if class_of.len() != weights.len() || classes > class_of.len() {
            return Err(Error::Bug("a correlator with odd classes".into()));
        }
        let block = block.max(lags).max(1);
        Ok(Correlator {
            kind,
            lags,
            block,
            plan: Fourier::new(fast_length(block + lags + 1)),
            class_of,
            weights,
            classes,
            blocks: Vec::new(),
            pass: 0..0,
            rows: Vec::new(),
            current: 0,
        })
    }

    /// A good number of origins in a block, for so many frames.
    pub fn block_for(frames: usize, lags: usize) -> usize {
        const MOST: usize = 8192;
        lags.max(frames.div_ceil(20).min(MOST)).max(1)
    }

    /// Ranges of vectors that are passed one after the other so that their rows take at most `bytes`.
    pub fn passes(&self, bytes: usize) -> Vec<Range<usize>> {
        let row = (self.block + self.lags + 1) * 24;
        let fit = (bytes / row.max(1) / CHUNK).max(1) * CHUNK;
        let n = self.class_of.len();
        // Equal passes rather than a last one with little to do.
        let number = n.div_ceil(fit).max(1);
        let each = n.div_ceil(number).next_multiple_of(CHUNK).max(CHUNK);
        (0..n).step_by(each).map(|a| a..(a + each).min(n)).collect()
    }

    /// Bytes that the sums and the scratch of the threads take for so many rows, beside the rows of a pass.
    pub fn fixed_bytes(&self, frames: usize) -> usize {
        let blocks = frames.div_ceil(self.block).max(1);
        let one = 16 * self.plan.values() + 8 * (self.block + self.lags);
        (blocks * self.classes + WAVE.min(self.class_of.len().div_ceil(CHUNK)) * 5) * one
    }

    /// Begins to read all frames once more for a range of vectors.
    pub fn begin(&mut self, pass: Range<usize>) {
        self.pass = pass;
        self.current = 0;
        self.rows.clear();
    }

    /// The vectors of the next row, all of them.
    pub fn push(&mut self, row: &[[f64; 3]]) {
        self.rows.extend_from_slice(&row[self.pass.clone()]);
        let width = self.pass.len().max(1);
        if self.rows.len() >= (self.block + self.lags) * width {
            self.work();
            self.rows.drain(..self.block * width);
        }
    }

    /// The end of a stretch of evenly spaced rows, as of a file: nothing behind it is correlated with what was before it.
    pub fn end(&mut self) {
        while !self.rows.is_empty() {
            self.work();
            let width = self.pass.len().max(1);
            let used = (self.block * width).min(self.rows.len());
            self.rows.drain(..used);
        }
    }

    /// Adds up the block whose rows are there.
    fn work(&mut self) {
        let width = self.pass.len().max(1);
        let rows = (self.rows.len() / width).min(self.block + self.lags);
        if self.blocks.len() <= self.current {
            self.blocks.push(Sums {
                rows,
                products: vec![Vec::new(); self.classes],
                squares: vec![Vec::new(); self.classes],
            });
        }
        let chunks = self.pass.len().div_ceil(CHUNK);
        let mut pieces: Vec<Piece> = Vec::new();
        pieces.resize_with(WAVE.min(chunks), Piece::default);
        for first in (0..chunks).step_by(WAVE.max(1)) {
            let number = WAVE.min(chunks - first);
            let this = &*self;
            parallel::for_each_mut(&mut pieces[..number], |k, piece| {
                let a = (first + k) * CHUNK;
                this.chunk(a..(a + CHUNK).min(width), rows, piece);
            });
            let sums = &mut self.blocks[self.current];
            for piece in &pieces[..number] {
                for (k, &class) in piece.classes.iter().enumerate() {
                    add(&mut sums.products[class as usize], &piece.products[k]);
                    add(&mut sums.squares[class as usize], &piece.squares[k]);
                }
            }
        }
        self.current += 1;
    }

    /// The sums of a few vectors of the pass over the rows of a block.
    fn chunk(&self, vectors: Range<usize>, rows: usize, piece: &mut Piece) {
        let width = self.pass.len();
        let (size, values) = (fast_length(self.block + self.lags + 1), self.plan.values());
        let origins = rows.min(self.block);
        piece.classes.clear();
        piece.fx.resize(values, Complex64::default());
        piece.fy.resize(values, Complex64::default());
        for v in vectors {
            let (class, weight) = (
                self.class_of[self.pass.start + v],
                self.weights[self.pass.start + v],
            );
            if class == LEFT_OUT {
                continue;
            }
            let slot = match piece.classes.iter().position(|c| *c == class) {
                Some(slot) => slot,
                None => {
                    let slot = piece.classes.len();
                    piece.classes.push(class);
                    if piece.products.len() <= slot {
                        piece.products.push(Vec::new());
                        piece.squares.push(Vec::new());
                    }
                    piece.products[slot].clear();
                    piece.products[slot].resize(values, Complex64::default());
                    piece.squares[slot].clear();
                    if self.kind == Correlation::Displacement {
                        piece.squares[slot].resize(rows, 0.0);
                    }
                    slot
                }
            };
            for axis in 0..3 {
                // Displacements do not depend on the origin; near it, less is lost in their differences.
                let from = match self.kind {
                    Correlation::Product => 0.0,
                    Correlation::Displacement => self.rows[v][axis],
                };
                piece.y.clear();
                let column = self.rows[v..].iter().step_by(width).take(rows);
                piece.y.extend(column.map(|x| x[axis] - from));
                if self.kind == Correlation::Displacement {
                    let squares = piece.squares[slot].iter_mut().zip(&piece.y);
                    squares.for_each(|(s, y)| *s += weight * y * y);
                }
                piece.x.clear();
                piece.x.extend_from_slice(&piece.y[..origins]);
                piece.x.resize(size, 0.0);
                piece.y.resize(size, 0.0);
                self.plan
                    .forward(&mut piece.x, &mut piece.fx, &mut piece.scratch);
                self.plan
                    .forward(&mut piece.y, &mut piece.fy, &mut piece.scratch);
                let products = piece.products[slot].iter_mut();
                for ((s, x), y) in products.zip(&piece.fx).zip(&piece.fy) {
                    *s += x.conj() * y * weight;
                }
            }
        }
    }

    /// The correlation functions, when all passes are done.
    pub fn finish(self) -> Correlations {
        let mut out = Correlations {
            counts: Vec::new(),
            sums: Vec::new(),
        };
        let mut lagged = vec![0.0; fast_length(self.block + self.lags + 1)];
        for mut block in self.blocks {
            let origins = block.rows.min(self.block);
            // Origins t of the block for which the row t + s was there.
            let count = |s: usize| origins.min(block.rows.saturating_sub(s));
            let counts: Vec<f64> = (0..=self.lags).map(|s| count(s) as f64).collect();
            let mut sums = Vec::with_capacity(self.classes);
            for class in 0..self.classes {
                if block.products[class].is_empty() {
                    sums.push(vec![0.0; self.lags + 1]);
                    continue;
                }
                self.plan.backward(&mut block.products[class], &mut lagged);
                let mut sum = lagged[..=self.lags].to_vec();
                if self.kind == Correlation::Displacement {
                    let squares = &block.squares[class];
                    let before: Vec<f64> = std::iter::once(0.0)
                        .chain(squares.iter().scan(0.0, |total, q| {
                            *total += q;
                            Some(*total)
                        }))
                        .collect();
                    for (s, value) in sum.iter_mut().enumerate() {
                        let n = count(s);
                        let both = before[n]
                            + (before[(n + s).min(before.len() - 1)]
                                - before[s.min(before.len() - 1)]);
                        *value = (both - 2.0 * *value).max(0.0);
                    }
                    sum[0] = 0.0;
                }
                for (s, value) in sum.iter_mut().enumerate() {
                    if count(s) == 0 {
                        *value = 0.0;
                    }
                }
                sums.push(sum);
            }
            out.counts.push(counts);
            out.sums.push(sums);
        }
        out
    }
}

fn add<T: Copy + std::ops::AddAssign>(sums: &mut Vec<T>, more: &[T]) {
    if sums.is_empty() {
        sums.extend_from_slice(more);
    } else {
        sums.iter_mut().zip(more).for_each(|(s, m)| *s += *m);
    }
}

/// Most groups of blocks from which errors are made.
const MOST_GROUPS: usize = 32;

impl Correlations {
    /// Number of lags, the one of zero included.
    pub fn lags(&self) -> usize {
        self.counts.first().map_or(0, Vec::len)
    }

    /// Mean over all origins of the sum over these classes, for each lag; zero where there is no origin.
    pub fn mean(&self, classes: &[usize]) -> Vec<f64> {
        self.without(classes, 0..0)
    }

    /// The same from all blocks but some.
    fn without(&self, classes: &[usize], left_out: Range<usize>) -> Vec<f64> {
        let mut counts = vec![0.0; self.lags()];
        let mut sums = vec![0.0; self.lags()];
        for k in (0..self.counts.len()).filter(|k| !left_out.contains(k)) {
            counts
                .iter_mut()
                .zip(&self.counts[k])
                .for_each(|(c, n)| *c += n);
            for &class in classes {
                sums.iter_mut()
                    .zip(&self.sums[k][class])
                    .for_each(|(s, x)| *s += x);
            }
        }
        let mean = |(s, n): (f64, f64)| if n > 0.0 { s / n } else { 0.0 };
        sums.into_iter().zip(counts).map(mean).collect()
    }

    /// For errors by the jackknife: the mean functions without each of several groups of blocks; empty when there are fewer
    /// than four blocks.
    pub fn leave_one_out(&self, classes: &[usize]) -> Vec<Vec<f64>> {
        // A short rest at the end of a file is part of the group before it.
        let n = self.counts.len();
        if n < 4 {
            return Vec::new();
        }
        let groups = n.min(MOST_GROUPS);
        (0..groups)
            .map(|g| self.without(classes, g * n / groups..(g + 1) * n / groups))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn rows(n: usize, vectors: usize, seed: u64) -> Vec<Vec<[f64; 3]>> {
        let mut draws = Stream::new(seed, Purpose::Displacement, 0, 0, 0);
        let mut x = vec![[0.0; 3]; vectors];
        let mut step = || {
            for v in x.iter_mut().flatten() {
                *v += draws.uniform() - 0.48;
            }
            x.clone()
        };
        (0..n).map(|_| step()).collect()
    }

    fn run(
        kind: Correlation,
        data: &[Vec<[f64; 3]>],
        lags: usize,
        block: usize,
        bytes: usize,
    ) -> Correlations {
        let n = data[0].len();
        let class_of = (0..n as u32).map(|v| if v % 5 == 4 { LEFT_OUT } else { v % 2 });
        let weights = (0..n).map(|v| 1.0 + v as f64).collect();
        let mut c = Correlator::new(kind, lags, block, class_of.collect(), weights).unwrap();
        for pass in c.passes(bytes) {
            c.begin(pass);
            // Two stretches.
            let half = data.len() / 3;
            data[..half].iter().for_each(|r| c.push(r));
            c.end();
            data[half..].iter().for_each(|r| c.push(r));
            c.end();
        }
        c.finish()
    }

    #[test]
    fn sums_over_all_origins_for_any_blocks_and_memory() {
        for (n, lags, block) in [
            (100, 10, 10),
            (100, 10, 17),
            (97, 30, 30),
            (50, 49, 60),
            (7, 3, 3),
            (5, 20, 20),
        ] {
            let data = rows(n, 21, 7);
            for kind in [Correlation::Product, Correlation::Displacement] {
                let all = run(kind, &data, lags, block, usize::MAX / 64);
                assert_eq!(all, run(kind, &data, lags, block, 1), "the same bits");
                for class in 0..2 {
                    let mean = all.mean(&[class]);
                    for s in 0..=lags {
                        let (mut sum, mut count) = (0.0, 0.0);
                        for part in [0..n / 3, n / 3..n] {
                            for t in part.clone().filter(|t| part.contains(&(t + s))) {
                                count += 1.0;
                                for v in (0..21).filter(|v| v % 5 != 4 && v % 2 == class) {
                                    let (a, b) = (data[t][v], data[t + s][v]);
                                    sum += (1.0 + v as f64)
                                        * (0..3)
                                            .map(|k| match kind {
                                                Correlation::Product => a[k] * b[k],
                                                Correlation::Displacement => (b[k] - a[k]).powi(2),
                                            })
                                            .sum::<f64>();
                                }
                            }
                        }
                        let direct = if count > 0.0 { sum / count } else { 0.0 };
                        let bound = 1e-11 * (1.0 + direct.abs()) * 100.0;
                        assert!(
                            (mean[s] - direct).abs() < bound,
                            "{kind:?} {n} {lags} {block} {s}: {} {direct}",
                            mean[s]
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_bits_depend_on_threads() {
        let data = rows(300, 1100, 3);
        let with = |threads| {
            parallel::with_threads(threads, || {
                run(Correlation::Product, &data, 40, 40, 1 << 20)
            })
            .unwrap()
        };
        assert_eq!(with(1), with(3));
    }
}
