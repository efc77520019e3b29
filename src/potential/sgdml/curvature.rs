//! Second derivatives of the energy by the positions.
//!
//! With u, A, w and h of the kernel page, the energy A h of a training point has the second derivatives by the descriptor
//!
//! -(5/σ) w (b uᵀ + u bᵀ + A 1) + (25/σ²) (A w/ρ) u uᵀ, ρ = √5 |u|,
//!
//! and a coefficient α of its energy adds -α (h 1 - (5/σ) w u uᵀ). Again the weights are huge and cancel, and w is nearly its
//! value w₀ at u = 0: what w₀ gives is linear in the descriptor and is summed with twice the digits, once, and w - w₀ as the small
//! number that it is. The rest is a matrix product of the differences u with z = p b + r u/2. The descriptor's own second
//! derivatives, 3 d⁵ v vᵀ - d³ 1, carry the result to the positions.

use super::decay::decay;
use super::descriptor::Pairs;
use super::evaluate::{Atoms, Scratch};
use super::kernel::LANES;
use super::undecayed::ExactSum;
use super::{Model, Sgdml};
use crate::parallel;
use crate::potential::{Block, Curvature, Evaluation, EvaluationError, Member};
use crate::simd::F64x8;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

/// Training points whose differences make one matrix product.
const ROWS: usize = 256;
/// Pieces into which the sum over training points and permutations is cut, about.
const PIECES: usize = 16;

/// Sums of what does not decay, for descriptors as they are (not permuted).
pub(super) struct Bends {
    /// Sum of the weights over training points and permutations, pair by pair.
    weights: Vec<f64>,
    /// A point in the middle of the training set.
    centre: Vec<f64>,
    /// Sum of weight times (training descriptor - centre), row by row; and its trace.
    matrix: Vec<f64>,
    trace: f64,
}

impl Bends {
    fn new(model: &Model) -> Bends {
        let table = &model.table;
        let d = table.pairs;
        let number = model.permuted.len() as f64;
        // Over training points, in the order of the table.
        let mut weights = vec![ExactSum::default(); d];
        let mut products = vec![ExactSum::default(); d * d];
        for v in 0..table.vectors() {
            let points = table.vector(v);
            for l in 0..LANES {
                for (k, [_, b]) in points.iter().enumerate() {
                    weights[k].add(b.0[l]);
                    let row = &mut products[k * d..(k + 1) * d];
                    for (sum, [x, _]) in row.iter_mut().zip(points) {
                        sum.add_product(b.0[l], x.0[l]);
                    }
                }
            }
        }
        let centre: Vec<f64> = (0..d)
            .map(|k| {
                let at = model.permuted.iter().map(|p| table.centre[p[k] as usize]);
                at.sum::<f64>() / number
            })
            .collect();
        let mut result = Bends {
            weights: vec![0.0; d],
            matrix: vec![0.0; d * d],
            trace: 0.0,
            centre,
        };
        for k in 0..d {
            let mut weight = ExactSum::default();
            for p in &model.permuted {
                let sum = weights[p[k] as usize].parts();
                sum.into_iter().for_each(|x| weight.add(x));
            }
            result.weights[k] = weight.value();
            for other in 0..d {
                let mut sum = ExactSum::default();
                for p in &model.permuted {
                    let (to, other_to) = (p[k] as usize, p[other] as usize);
                    let product = products[to * d + other_to].parts();
                    product.into_iter().for_each(|x| sum.add(x));
                    let shift = table.centre[other_to] - result.centre[other];
                    let weight = weights[to].parts().into_iter();
                    weight.for_each(|b| sum.add_product(b, shift));
                }
                result.matrix[k * d + other] = sum.value();
            }
        }
        let mut trace = ExactSum::default();
        (0..d).for_each(|k| trace.add(result.matrix[k * d + k]));
        result.trace = trace.value();
        result
    }

    /// Adds `factor` times the sum of b uᵀ + u bᵀ + A 1 for a descriptor.
    fn add(&self, descriptor: &[f64], factor: f64, sum: &mut [f64]) {
        let d = descriptor.len();
        let y: Vec<f64> = descriptor
            .iter()
            .zip(&self.centre)
            .map(|(x, c)| x - c)
            .collect();
        let mut along = ExactSum::default();
        for (y, b) in y.iter().zip(&self.weights) {
            along.add_product(*y, *b);
        }
        along.add(-self.trace);
        for k in 0..d {
            for l in 0..d {
                let linear = self.weights[k] * y[l] + self.weights[l] * y[k];
                let constant = self.matrix[k * d + l] + self.matrix[l * d + k];
                sum[k * d + l] += factor * (linear - constant);
            }
            sum[k * d + k] += factor * along.value();
        }
    }
}

impl Model {
    /// The second derivatives of the kernel sum by the descriptor of a geometry, row by row.
    fn bend(&self, descriptor: &[f64]) -> Vec<f64> {
        let d = self.table.pairs;
        let vectors = self.table.vectors();
        let rows = (ROWS / LANES).max(1);
        // Bounds that know nothing of threads.
        let chunks = (PIECES / self.permuted.len()).clamp(1, vectors.div_ceil(rows).max(1));
        let chunk = vectors.div_ceil(chunks);
        let mut pieces: Vec<(Mat<f64>, f64)> = Vec::new();
        pieces.resize_with(self.permuted.len() * chunks, || (Mat::zeros(d, d), 0.0));
        parallel::for_each_mut(&mut pieces, |piece, (sum, diagonal)| {
            let (q, c) = (piece / chunks, piece % chunks);
            let mut query = vec![0.0; d];
            for (k, to) in self.permuted[q].iter().enumerate() {
                let to = *to as usize;
                query[to] = descriptor[k] - self.table.centre[to];
            }
            let range = (c * chunk).min(vectors)..((c + 1) * chunk).min(vectors);
            *diagonal = self.sweep(&query, range, rows, sum);
        });
        let mut result = vec![0.0; d * d];
        for (piece, (sum, diagonal)) in pieces.iter().enumerate() {
            let to = &self.permuted[piece / chunks];
            for k in 0..d {
                for l in 0..d {
                    let (a, b) = (to[k] as usize, to[l] as usize);
                    result[k * d + l] += sum[(a, b)] + sum[(b, a)];
                }
                result[k * d + k] += diagonal;
            }
        }
        let (sigma, height) = self.table.scales();
        // (5/σ) w₀ with w₀ = c/σ.
        let factor = -5.0 * height / (sigma * sigma);
        self.bends
            .get_or_init(|| Bends::new(self))
            .add(descriptor, factor, &mut result);
        for k in 0..d {
            result[k * d + k] -= self.undecayed.curvature();
        }
        result
    }

    /// Adds the sum of u zᵀ over a range of vectors of training points to `sum`, and returns that of the factors of 1.
    fn sweep(
        &self,
        query: &[f64],
        range: std::ops::Range<usize>,
        rows: usize,
        sum: &mut Mat<f64>,
    ) -> f64 {
        let d = query.len();
        let (sigma, height) = self.table.scales();
        let w0 = height / sigma;
        let mut u = Mat::zeros(d, rows * LANES);
        let mut z = Mat::zeros(d, rows * LANES);
        let mut diagonal = 0.0;
        for first in range.clone().step_by(rows) {
            let end = (first + rows).min(range.end);
            for v in first..end {
                let points = self.table.vector(v);
                let alpha = self.table.alpha(v);
                let (mut square, mut dot) = (F64x8::ZERO, F64x8::ZERO);
                for ([x, b], q) in points.iter().zip(query) {
                    let u = F64x8::splat(*q) - *x;
                    square = square + u * u;
                    dot = dot + u * *b;
                }
                let rho = F64x8(square.0.map(|s| (5.0 * s).sqrt()));
                let t = rho * F64x8::splat(1.0 / sigma);
                let (less_one, rest) = decay::<false>(t);
                for l in 0..LANES {
                    let column = (v - first) * LANES + l;
                    let less = less_one.0[l];
                    let w = w0 * (less + 1.0);
                    let delta = t.0[l] * less + rest.0[l];
                    let p = -5.0 / sigma * w0 * less;
                    let bent = if rho.0[l] > 0.0 {
                        25.0 / (sigma * sigma) * dot.0[l] * w / rho.0[l]
                    } else {
                        0.0
                    };
                    let half = 0.5 * (bent + alpha.0[l] * 5.0 / sigma * w);
                    diagonal += p * dot.0[l] - alpha.0[l] * height * delta;
                    for (k, [x, b]) in points.iter().enumerate() {
                        let difference = query[k] - x.0[l];
                        u[(k, column)] = difference;
                        z[(k, column)] = p * b.0[l] + half * difference;
                    }
                }
            }
            let used = (end - first) * LANES;
            matmul(
                sum.as_mut(),
                Accum::Add,
                u.as_ref().subcols(0, used),
                z.as_ref().subcols(0, used).transpose(),
                1.0,
                Par::Seq,
            );
        }
        diagonal
    }

    /// Hands out the blocks of one molecule, from the derivatives by its descriptor (the first with the sign of the forces).
    fn carry(&self, pairs: &Pairs, derivative: &[f64], bend: &[f64], block: &mut Block<'_>) {
        let n = self.elements.len();
        let d = pairs.d.len();
        let scale = self.scale / (self.length * self.length);
        // Derivatives of each inverse distance by the position of its first atom; of the second with the other sign.
        let g: Vec<[f64; 3]> = (0..d)
            .map(|k| {
                let d3 = pairs.d[k].powi(3);
                std::array::from_fn(|a| -pairs.v[a][k] * d3)
            })
            .collect();
        let members: Vec<(usize, usize)> =
            (1..n).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        // For each atom, the derivatives of the slope of each pair by its position.
        let mut columns = vec![[0.0; 3]; d];
        let mut own = vec![[[0.0; 3]; 3]; n];
        for j in 0..n {
            columns.fill([0.0; 3]);
            for (k, &(first, second)) in members.iter().enumerate() {
                let sign = match (first == j, second == j) {
                    (true, _) => 1.0,
                    (_, true) => -1.0,
                    _ => continue,
                };
                let row = &bend[k * d..(k + 1) * d];
                for (column, x) in columns.iter_mut().zip(row) {
                    for b in 0..3 {
                        column[b] += sign * x * g[k][b];
                    }
                }
            }
            own.fill([[0.0; 3]; 3]);
            for (k, &(first, second)) in members.iter().enumerate() {
                for a in 0..3 {
                    for b in 0..3 {
                        let x = g[k][a] * columns[k][b];
                        own[first][a][b] += x;
                        own[second][a][b] -= x;
                    }
                }
            }
            for (i, h) in own.iter().enumerate().take(j + 1) {
                let mut h = h.map(|row| row.map(|x| scale * x));
                if i == j {
                    // Products were summed in another order on either side of the diagonal.
                    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                        let mean = 0.5 * (h[a][b] + h[b][a]);
                        (h[a][b], h[b][a]) = (mean, mean);
                    }
                }
                block(i, j, &h);
            }
        }
        for (k, &(i, j)) in members.iter().enumerate() {
            let slope = -scale * derivative[k];
            let d3 = pairs.d[k].powi(3);
            let d5 = d3 * pairs.d[k] * pairs.d[k];
            let mut h = [[0.0; 3]; 3];
            for a in 0..3 {
                for b in 0..3 {
                    h[a][b] = slope * 3.0 * d5 * pairs.v[a][k] * pairs.v[b][k];
                }
                h[a][a] -= slope * d3;
            }
            block(i, i, &h);
            block(j, j, &h);
            block(i, j, &h.map(|row| row.map(|x| -x)));
        }
    }
}

impl Curvature for Sgdml {
    fn blocks(&self, member: Member<'_>, block: &mut Block<'_>) -> Result<(), EvaluationError> {
        let model = &*self.model;
        let atoms = self.molecules.as_ref().map_or(Atoms::All, Atoms::Of);
        let c = member.configuration;
        if !model.fits(atoms, c) {
            return Err(EvaluationError::OtherAtoms { member: 0 });
        }
        let n = model.elements.len();
        let mut scratch = Scratch::default();
        for copy in 0..atoms.copies(n) {
            let (mut positions, mut pairs) = (Vec::new(), Pairs::default());
            model.pairs(atoms, copy, c, &mut positions, &mut pairs);
            model.check(atoms, copy, 0, &pairs, &mut Evaluation::default())?;
            let derivative = model.derivative(&pairs, &mut scratch);
            let bend = model.bend(&pairs.d);
            model.carry(&pairs, &derivative, &bend, &mut |i, j, h| {
                block(atoms.atom(copy * n + i), atoms.atom(copy * n + j), h);
            });
        }
        Ok(())
    }
}

impl Model {
    /// The derivative of the kernel sum by the descriptor, with the sign of the forces.
    fn derivative(&self, geometry: &Pairs, scratch: &mut Scratch) -> Vec<f64> {
        let result = std::sync::Mutex::new(Vec::new());
        let begin = |_: usize, _: &mut Vec<[f64; 3]>, pairs: &mut Pairs| {
            pairs.clone_from(geometry);
        };
        let finish = |_: usize, pairs: &Pairs, sums: &mut [f64]| {
            let [_, _, derivative @ ..] = sums else {
                return;
            };
            self.undecayed.add(&pairs.d, derivative);
            if let Ok(mut result) = result.lock() {
                result.extend_from_slice(derivative);
            }
        };
        self.sum(scratch, 1, 1, true, &begin, &finish);
        result.into_inner().unwrap_or_default()
    }
}
