//! The Matérn kernel (ν = 5/2) of the model, summed over the training set for several queries at once.
//!
//! Chmiela et al., Sci. Adv. 3, e1603015 (2017); with symmetries Nat. Commun. 9, 3887 (2018). For the difference u of a
//! query and a training descriptor, t = √5 |u|/σ, E = exp(-t), w = 5E/(3σ³), h = c (1 + t) E with c = 5/(3σ²), and A = u·b,
//! the energy is the sum of A h and its derivative by the descriptor, with the sign of the forces, that of (5/σ) A w u - h b.
//!
//! The weights b are huge and cancel, and h is nearly c for all of them, since σ is long. So h = c + c δ with
//! δ = (1 + t) E - 1 computed as the small number that it is: what c gives is summed once and for all with twice the digits when
//! the model is made, and the rounding of every step is smaller than in the plain sum by the factor δ.
//!
//! Eight training points lie side by side. They are not replicated for the permutations: those are applied to the query,
//! and what comes back is permuted back. Descriptors are kept relative to a common centre. Differences are formed directly, so
//! that no digits are lost; only the sum of (5/σ) A w u is split into its two parts, which are of its own size there.

use super::decay::decay;
use crate::simd::{F64x8, simd_dispatch};

/// Training points in one vector.
pub(super) const LANES: usize = F64x8::WIDTH;
/// Vectors of training points in a block: their coefficients are kept between the two passes, and the block in the first
/// cache.
const BLOCK: usize = 4;
/// Queries that share what is loaded of a training point.
const TILE: usize = 2;

/// The training set as the kernels read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Vector of training points by vector, pair by pair: descriptor less the centre, and weight.
    data: Vec<[F64x8; 2]>,
    /// Coefficients of energies, a vector for each vector of training points; empty when the model has none.
    alphas: Vec<F64x8>,
    /// The centre that is taken from all descriptors.
    pub centre: Vec<f64>,
    /// Number of pairs.
    pub pairs: usize,
    /// Length scale.
    sigma: f64,
    /// c, the value of h at t = 0.
    height: f64,
    /// Sum of the weights of all training points, pair by pair.
    weights: Vec<f64>,
    /// Sum of descriptor times weight over all training points and pairs.
    products: f64,
    /// Sum of the coefficients of energies, and of coefficient times descriptor, pair by pair; empty when there are none.
    alpha_sum: f64,
    alpha_descriptors: Vec<f64>,
}

/// What is summed for one query over training points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    energy: F64x8,
    /// Sum of the factors of the differences.
    factor: F64x8,
    /// Smallest squared distance to a training point.
    nearest: F64x8,
}

impl Default for Sums {
    fn default() -> Self {
        Sums {
            energy: F64x8::ZERO,
            factor: F64x8::ZERO,
            nearest: F64x8::splat(f64::INFINITY),
        }
    }
}

impl Sums {
    /// The energy in units of the standard deviation of the labels.
    pub fn energy(&self) -> f64 {
        total(&self.energy)
    }

    /// Sum of the factors of the differences.
    pub fn factor(&self) -> f64 {
        total(&self.factor)
    }

    /// Smallest squared distance to a training point.
    pub fn nearest(&self) -> f64 {
        self.nearest.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The sum of the lanes, in pairs.
#[inline(always)]
pub(super) fn total(x: &F64x8) -> f64 {
    let x = &x.0;
    ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

impl Table {
    /// Lays out `points` geometries of `pairs` numbers; `alphas` may be empty.
    pub fn new(
        descriptors: &[f64],
        weights: &[f64],
        alphas: &[f64],
        pairs: usize,
        sigma: f64,
    ) -> Table {
        let points = descriptors.len() / pairs;
        let centre: Vec<f64> = (0..pairs)
            .map(|k| descriptors.iter().skip(k).step_by(pairs).sum::<f64>() / points as f64)
            .collect();
        let vectors = points.div_ceil(LANES);
        // The last vector is filled up with its first point and no weight: that adds nothing, and is no nearer than the point is.
        let lane = |v: usize, l: usize| {
            if v * LANES + l < points {
                v * LANES + l
            } else {
                v * LANES
            }
        };
        let real = |v: usize, l: usize| v * LANES + l < points;
        let mut data = Vec::with_capacity(vectors * pairs);
        for v in 0..vectors {
            for k in 0..pairs {
                data.push([
                    F64x8(std::array::from_fn(|l| {
                        descriptors[lane(v, l) * pairs + k] - centre[k]
                    })),
                    F64x8(std::array::from_fn(|l| {
                        if real(v, l) {
                            weights[lane(v, l) * pairs + k]
                        } else {
                            0.0
                        }
                    })),
                ]);
            }
        }
        let shifted = |m: usize, k: usize| descriptors[m * pairs + k] - centre[k];
        let mut all = ExactSum::default();
        (0..points * pairs)
            .for_each(|i| all.add_product(shifted(i / pairs, i % pairs), weights[i]));
        let of_pair = |f: &dyn Fn(&mut ExactSum, usize, usize)| -> Vec<f64> {
            (0..pairs)
                .map(|k| {
                    let mut sum = ExactSum::default();
                    (0..points).for_each(|m| f(&mut sum, m, k));
                    sum.value()
                })
                .collect()
        };
        let mut alpha_sum = ExactSum::default();
        alphas.iter().for_each(|a| alpha_sum.add(*a));
        let lanes = |v: usize| {
            F64x8(std::array::from_fn(|l| {
                if real(v, l) { alphas[lane(v, l)] } else { 0.0 }
            }))
        };
        let some = if alphas.is_empty() { 0 } else { vectors };
        Table {
            weights: of_pair(&|sum, m, k| sum.add(weights[m * pairs + k])),
            products: all.value(),
            alpha_sum: alpha_sum.value(),
            alpha_descriptors: if alphas.is_empty() {
                Vec::new()
            } else {
                of_pair(&|sum, m, k| sum.add_product(alphas[m], shifted(m, k)))
            },
            alphas: (0..some).map(lanes).collect(),
            data,
            centre,
            pairs,
            sigma,
            height: 5.0 / (3.0 * sigma * sigma),
        }
    }

    /// The part of the sums that does not decay: its energy for a query (less the centre).
    pub fn constant_energy(&self, query: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        query
            .iter()
            .zip(&self.weights)
            .for_each(|(q, b)| sum.add_product(*q, *b));
        sum.add(-self.products);
        self.height * sum.value() + self.alpha_sum
    }

    /// The part of the sums that does not decay: its derivative by pair `k`, where the query less the centre is `q`.
    #[inline(always)]
    pub fn constant_derivative(&self, k: usize, q: f64) -> f64 {
        let energies = match self.alpha_descriptors.get(k) {
            Some(x) => q * self.alpha_sum - x,
            None => 0.0,
        };
        self.height * (energies - self.weights[k])
    }

    /// Number of vectors of training points.
    pub fn vectors(&self) -> usize {
        self.data.len() / self.pairs
    }

    /// Adds what the vectors `range` of training points give to the sums of all queries, and unless `derivative` is empty
    /// to the lanes of its derivative (pair by pair, query by query).
    ///
    /// `queries` holds descriptors less the centre, query by query; there are as many `sums`. What a query gets does not
    /// depend on the others.
    pub fn add(
        &self,
        range: std::ops::Range<usize>,
        queries: &[f64],
        sums: &mut [Sums],
        derivative: &mut [F64x8],
    ) {
        add_table(self, range.start, range.end, queries, sums, derivative);
    }

    /// Smallest squared distance from a query (less the centre) to the training points, the point `without` left out.
    pub fn nearest(&self, query: &[f64], without: usize) -> f64 {
        nearest(self, query, without)
    }
}

/// A sum with twice the digits (Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26, 1955 (2005)).
#[derive(Clone, Copy, Default)]
struct ExactSum {
    sum: f64,
    error: f64,
}

impl ExactSum {
    #[inline(always)]
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let shift = sum - self.sum;
        self.error += (self.sum - (sum - shift)) + (x - shift);
        self.sum = sum;
    }

    #[inline(always)]
    fn add_product(&mut self, a: f64, b: f64) {
        // Veltkamp and Dekker: the product and its rounding error, without a fused operation.
        let split = |x: f64| {
            let c = 134_217_729.0 * x;
            let high = c - (c - x);
            (high, x - high)
        };
        let (p, (a1, a2), (b1, b2)) = (a * b, split(a), split(b));
        self.error += ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
        self.add(p);
    }

    #[inline(always)]
    fn value(self) -> f64 {
        self.sum + self.error
    }
}

simd_dispatch! {
    fn add_table(
        table: &Table, first: usize, end: usize, queries: &[f64], sums: &mut [Sums], derivative: &mut [F64x8],
    ) = add_table_body;
}

simd_dispatch! {
    fn nearest(table: &Table, query: &[f64], without: usize) -> f64 = nearest_body;
}

#[inline(always)]
fn nearest_body<const FMA: bool>(table: &Table, query: &[f64], without: usize) -> f64 {
    let mut least = f64::INFINITY;
    for (v, points) in table.data.chunks_exact(table.pairs).enumerate() {
        let mut square = F64x8::ZERO;
        for (point, q) in points.iter().zip(query) {
            let u = F64x8::splat(*q) - point[0];
            square = u.mul_add::<FMA>(u, square);
        }
        for (l, s) in square.0.iter().enumerate() {
            // Lanes that fill up repeat the first one of their vector.
            let filled = v * LANES == without;
            if v * LANES + l != without && !(filled && *s == square.0[0]) {
                least = least.min(*s);
            }
        }
    }
    least
}

#[inline(always)]
fn add_table_body<const FMA: bool>(
    table: &Table,
    first: usize,
    end: usize,
    queries: &[f64],
    sums: &mut [Sums],
    derivative: &mut [F64x8],
) {
    let d = table.pairs;
    let mut from = first;
    while from < end {
        let to = (from + BLOCK).min(end);
        let points = &table.data[from * d..to * d];
        let alphas = if table.alphas.is_empty() {
            &[]
        } else {
            &table.alphas[from..to]
        };
        let block = Block {
            points,
            alphas,
            pairs: d,
            sigma: table.sigma,
            height: table.height,
        };
        let tiles = sums.len() / TILE;
        let forces = !derivative.is_empty();
        for t in 0..tiles {
            let (q, s) = (TILE * t, TILE * d);
            let out = if forces {
                &mut derivative[t * s..(t + 1) * s]
            } else {
                &mut [][..]
            };
            block.tile::<FMA, TILE>(&queries[t * s..(t + 1) * s], &mut sums[q..q + TILE], out);
        }
        for q in TILE * tiles..sums.len() {
            let out = if forces {
                &mut derivative[q * d..(q + 1) * d]
            } else {
                &mut [][..]
            };
            block.tile::<FMA, 1>(&queries[q * d..(q + 1) * d], &mut sums[q..q + 1], out);
        }
        from = to;
    }
}

/// A few vectors of training points.
struct Block<'a> {
    points: &'a [[F64x8; 2]],
    alphas: &'a [F64x8],
    pairs: usize,
    sigma: f64,
    height: f64,
}

impl Block<'_> {
    #[inline(always)]
    fn tile<const FMA: bool, const Q: usize>(
        &self,
        queries: &[f64],
        sums: &mut [Sums],
        derivative: &mut [F64x8],
    ) {
        let d = self.pairs;
        // Factors of the differences and of the weights: the second pass needs them for the whole block.
        let mut of_u = [[F64x8::ZERO; Q]; BLOCK];
        let mut of_b = [[F64x8::ZERO; Q]; BLOCK];
        let queries: [&[f64]; Q] = std::array::from_fn(|q| &queries[q * d..(q + 1) * d]);
        for (v, points) in self.points.chunks_exact(d).enumerate() {
            let mut square = [F64x8::ZERO; Q];
            let mut dot = [F64x8::ZERO; Q];
            for k in 0..d {
                let [x, b] = points[k];
                for q in 0..Q {
                    let u = F64x8::splat(queries[q][k]) - x;
                    square[q] = u.mul_add::<FMA>(u, square[q]);
                    dot[q] = u.mul_add::<FMA>(b, dot[q]);
                }
            }
            for q in 0..Q {
                let alpha = self.alphas.get(v);
                (of_u[v][q], of_b[v][q]) =
                    self.kernel::<FMA>(square[q], dot[q], alpha, &mut sums[q]);
            }
        }
        if derivative.is_empty() {
            return;
        }
        let vectors = self.points.len() / d;
        let mut k = 0;
        while k + 2 <= d {
            self.gather::<FMA, Q, 2>(k, vectors, &of_u, &of_b, derivative);
            k += 2;
        }
        if k < d {
            self.gather::<FMA, Q, 1>(k, vectors, &of_u, &of_b, derivative);
        }
    }

    /// Adds the sums over the block for `K` pairs from `k` on.
    #[inline(always)]
    fn gather<const FMA: bool, const Q: usize, const K: usize>(
        &self,
        k: usize,
        vectors: usize,
        of_u: &[[F64x8; Q]; BLOCK],
        of_b: &[[F64x8; Q]; BLOCK],
        derivative: &mut [F64x8],
    ) {
        let d = self.pairs;
        let mut sum = [[F64x8::ZERO; K]; Q];
        for q in 0..Q {
            for i in 0..K {
                sum[q][i] = derivative[q * d + k + i];
            }
        }
        for v in 0..vectors.min(BLOCK) {
            let points = &self.points[v * d + k..v * d + k + K];
            for i in 0..K {
                let [x, b] = points[i];
                for q in 0..Q {
                    sum[q][i] = of_u[v][q].mul_add::<FMA>(x, sum[q][i]);
                    sum[q][i] = of_b[v][q].mul_add::<FMA>(b, sum[q][i]);
                }
            }
        }
        for q in 0..Q {
            for i in 0..K {
                derivative[q * d + k + i] = sum[q][i];
            }
        }
    }

    /// From |u|² and u·b of a vector of training points to the factors of u and b in the derivative.
    #[inline(always)]
    fn kernel<const FMA: bool>(
        &self,
        square: F64x8,
        dot: F64x8,
        alpha: Option<&F64x8>,
        sums: &mut Sums,
    ) -> (F64x8, F64x8) {
        let s = self.sigma;
        let t = F64x8(square.0.map(|r| (5.0 * r).sqrt())) * F64x8::splat(1.0 / s);
        let (less_one, rest) = decay::<FMA>(t);
        let e = less_one + F64x8::splat(1.0);
        let delta = t.mul_add::<FMA>(less_one, rest);
        let of_b = delta * F64x8::splat(self.height);
        let mut of_u = dot * e * F64x8::splat(25.0 / (3.0 * s * s * s * s));
        sums.energy = dot.mul_add::<FMA>(of_b, sums.energy);
        if let Some(alpha) = alpha {
            of_u = alpha.mul_add::<FMA>(of_b, of_u);
            let square = t * t * F64x8::splat(1.0 / 3.0);
            sums.energy = alpha.mul_add::<FMA>(square.mul_add::<FMA>(e, delta), sums.energy);
        }
        sums.factor = sums.factor + of_u;
        sums.nearest = F64x8(std::array::from_fn(|l| sums.nearest.0[l].min(square.0[l])));
        (of_u, of_b)
    }
}
