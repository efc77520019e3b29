//! A preconditioner from some columns of the kernel matrix (Nyström's approximation).
//!
//! With the columns of k unknowns, A_kk = L Lᵀ and Z = A_nk L⁻ᵀ, the matrix is about Z Zᵀ + λ; with C Cᵀ = ZᵀZ + λ and
//! Y = Z C⁻ᵀ its inverse is (1 - Y Yᵀ)/λ (Woodbury). The columns are those of geometries that cover the training set: each
//! next one is the farthest from those taken, its permuted copies included.

use super::assemble::{Unknowns, columns};
use super::lanes::{Permutation, Training};
use super::packed::{Outcome, PANEL, Packed, gram};
use super::rigid::Internal;
use crate::parallel;
use crate::training::{Monitor, Silent};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Rows or columns of a piece of work.
const PIECE: usize = 256;

/// An approximate inverse.
pub(super) struct Preconditioner {
    rows: usize,
    columns: usize,
    y: Vec<f64>,
    lambda: f64,
}

impl Preconditioner {
    /// Bytes for so many columns of so many rows.
    pub fn bytes(rows: usize, columns: usize) -> f64 {
        8.0 * rows as f64 * columns as f64 + Packed::bytes(columns)
    }

    /// Makes the preconditioner of the columns of the geometries `chosen`. `None` when the monitor asked to stop.
    pub fn new(
        t: &Training,
        unknowns: Unknowns,
        chosen: &[usize],
        sigma: f64,
        lambda: f64,
        monitor: &mut dyn Monitor,
    ) -> Option<Preconditioner> {
        let few = subset(t, chosen);
        let rows = unknowns.total();
        let k = few.unknowns();
        let mut z = columns(t, unknowns, &few, sigma, monitor)?;
        let own = |column: usize, row: usize| {
            column * rows + chosen[row / t.rank] * t.rank + row % t.rank
        };
        let largest = (0..k).map(|i| z[own(i, i)]).fold(0.0, f64::max);
        monitor.stage("preconditioner, steps", 4);
        let mut jitter = f64::EPSILON * largest;
        let factor = loop {
            let mut a = Packed::zeros(k);
            for (p, panel) in a.panels_mut().iter_mut().enumerate() {
                let height = k - p * PANEL;
                for (c, column) in panel.chunks_exact_mut(height).enumerate() {
                    for (r, to) in column.iter_mut().enumerate() {
                        *to = z[own(p * PANEL + c, p * PANEL + r)];
                    }
                }
            }
            a.add_to_diagonal(jitter);
            if a.factorise(&mut Silent) == Outcome::Done {
                break a;
            }
            jitter *= 10.0;
            if monitor.stopped() || jitter > largest {
                return None;
            }
        };
        monitor.advance(1);
        factor.solve_right(&mut z, rows);
        drop(factor);
        monitor.advance(1);
        if monitor.stopped() {
            return None;
        }
        let mut lambda = lambda;
        let factor = loop {
            let mut c = gram(&z, rows, k);
            c.add_to_diagonal(lambda);
            if c.factorise(&mut Silent) == Outcome::Done {
                break c;
            }
            // It need not be exact, only positive.
            lambda *= 10.0;
            if monitor.stopped() || lambda > largest {
                return None;
            }
        };
        monitor.advance(1);
        factor.solve_right(&mut z, rows);
        monitor.advance(1);
        Some(Preconditioner {
            rows,
            columns: k,
            y: z,
            lambda,
        })
    }

    /// out := P v.
    pub fn apply(&self, v: &[f64], out: &mut [f64]) {
        let y = MatRef::from_column_major_slice(&self.y, self.rows, self.columns);
        let mut along = vec![0.0; self.columns];
        let whole = MatRef::from_column_major_slice(v, self.rows, 1);
        let mut pieces: Vec<&mut [f64]> = along.chunks_mut(PIECE).collect();
        parallel::for_each_mut(&mut pieces, |p, piece| {
            let y = y.subcols(p * PIECE, piece.len());
            let to = MatMut::from_column_major_slice_mut(piece, y.ncols(), 1);
            matmul(to, Accum::Replace, y.transpose(), whole, 1.0, Par::Seq);
        });
        let along = MatRef::from_column_major_slice(&along, self.columns, 1);
        out.copy_from_slice(v);
        let mut pieces: Vec<&mut [f64]> = out.chunks_mut(PIECE).collect();
        parallel::for_each_mut(&mut pieces, |p, piece| {
            let y = y.subrows(p * PIECE, piece.len());
            let to = MatMut::from_column_major_slice_mut(piece, y.nrows(), 1);
            matmul(to, Accum::Add, y, along, -1.0, Par::Seq);
        });
        out.iter_mut().for_each(|x| *x /= self.lambda);
    }
}

/// Some geometries of the training set.
fn subset(t: &Training, chosen: &[usize]) -> Training {
    let internal = Internal {
        rank: t.rank,
        directions: chosen.iter().map(|c| t.directions[*c].clone()).collect(),
    };
    let points = chosen.iter().map(|c| t.points[*c].clone()).collect();
    let permutations: Vec<_> = t.permutations.iter().map(|p| p.atoms.clone()).collect();
    Training::new(points, internal, &permutations)
}

/// Up to `count` geometries, each the farthest from those before it; the first is the farthest from the mean.
pub(super) fn spread(t: &Training, count: usize) -> Vec<usize> {
    let m = t.len();
    let mut mean = vec![0.0; t.pairs];
    for p in &t.points {
        mean.iter_mut()
            .zip(&p.d)
            .for_each(|(mean, d)| *mean += d / m as f64);
    }
    let mut nearest: Vec<f64> = t
        .points
        .iter()
        .map(|p| {
            t.permutations
                .iter()
                .map(|q| distance(&p.d, &mean, q))
                .fold(f64::INFINITY, f64::min)
        })
        .collect();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < count.min(m) {
        let farthest = (0..m)
            .filter(|i| !chosen.contains(i))
            .max_by(|a, b| nearest[*a].total_cmp(&nearest[*b]).then(b.cmp(a)));
        let Some(next) = farthest else { break };
        if chosen.is_empty() {
            nearest.fill(f64::INFINITY);
        }
        chosen.push(next);
        let from = &t.points[next].d;
        parallel::for_each_mut(&mut nearest, |i, nearest| {
            for q in &t.permutations {
                *nearest = nearest.min(distance(&t.points[i].d, from, q));
            }
        });
    }
    chosen.sort_unstable();
    chosen
}

fn distance(a: &[f64], b: &[f64], q: &Permutation) -> f64 {
    a.iter()
        .zip(&q.pairs)
        .map(|(a, to)| (a - b[*to]).powi(2))
        .sum()
}
