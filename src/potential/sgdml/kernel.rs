//! The Matérn kernel (ν = 5/2) of the model, summed over the training set for several queries at once.
//!
//! Chmiela et al., Sci. Adv. 3, e1603015 (2017); with symmetries Nat. Commun. 9, 3887 (2018). For the difference u of a
//! query and a training descriptor, ρ = √5 |u|, E = exp(-ρ/σ), w = 5E/(3σ³), h = w (ρ + σ) and A = u·b, the energy is
//! the sum of A h and its derivative by the descriptor, with the sign of the forces, that of (5/σ) A w u - h b.
//!
//! Eight training points lie side by side. They are not replicated for the permutations: those are applied to the query,
//! and what comes back is permuted back. Descriptors are kept relative to a common centre. Differences are formed directly, so
//! that no digits are lost; only the sum of (5/σ) A w u is split into its two parts, which are of its own size there.

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
    pub fn new(descriptors: &[f64], weights: &[f64], alphas: &[f64], pairs: usize, sigma: f64) -> Table {
        let points = descriptors.len() / pairs;
        let centre: Vec<f64> = (0..pairs)
            .map(|k| descriptors.iter().skip(k).step_by(pairs).sum::<f64>() / points as f64)
            .collect();
        let vectors = points.div_ceil(LANES);
        // The last vector is filled up with its first point and no weight: that adds nothing, and is no nearer than the point is.
        let lane = |v: usize, l: usize| if v * LANES + l < points { v * LANES + l } else { v * LANES };
        let real = |v: usize, l: usize| v * LANES + l < points;
        let mut data = Vec::with_capacity(vectors * pairs);
        for v in 0..vectors {
            for k in 0..pairs {
                data.push([
                    F64x8(std::array::from_fn(|l| descriptors[lane(v, l) * pairs + k] - centre[k])),
                    F64x8(std::array::from_fn(|l| {
                        if real(v, l) { weights[lane(v, l) * pairs + k] } else { 0.0 }
                    })),
                ]);
            }
        }
        let alphas = if alphas.is_empty() {
            Vec::new()
        } else {
            (0..vectors)
                .map(|v| F64x8(std::array::from_fn(|l| if real(v, l) { alphas[lane(v, l)] } else { 0.0 })))
                .collect()
        };
        Table {
            data,
            alphas,
            centre,
            pairs,
            sigma,
        }
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
        };
        let tiles = sums.len() / TILE;
        let forces = !derivative.is_empty();
        for t in 0..tiles {
            let (q, s) = (TILE * t, TILE * d);
            let out = if forces { &mut derivative[t * s..(t + 1) * s] } else { &mut [][..] };
            block.tile::<FMA, TILE>(&queries[t * s..(t + 1) * s], &mut sums[q..q + TILE], out);
        }
        for q in TILE * tiles..sums.len() {
            let out = if forces { &mut derivative[q * d..(q + 1) * d] } else { &mut [][..] };
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
                (of_u[v][q], of_b[v][q]) = self.kernel::<FMA>(square[q], dot[q], alpha, &mut sums[q]);
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
        let rho = F64x8(square.0.map(|r| (5.0 * r).sqrt()));
        let e = (rho * F64x8::splat(-1.0 / s)).exp::<FMA>();
        let w = e * F64x8::splat(5.0 / (3.0 * s * s * s));
        let h = w * (rho + F64x8::splat(s));
        let mut of_u = dot * w * F64x8::splat(5.0 / s);
        sums.energy = dot.mul_add::<FMA>(h, sums.energy);
        if let Some(alpha) = alpha {
            of_u = alpha.mul_add::<FMA>(h, of_u);
            let t = rho * F64x8::splat(1.0 / s);
            let polynomial = (t * t).mul_add::<FMA>(F64x8::splat(1.0 / 3.0), t) + F64x8::splat(1.0);
            sums.energy = alpha.mul_add::<FMA>(polynomial * e, sums.energy);
        }
        sums.factor = sums.factor + of_u;
        sums.nearest = F64x8(std::array::from_fn(|l| sums.nearest.0[l].min(square.0[l])));
        (of_u, h)
    }
}
