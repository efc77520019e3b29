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
//! and what comes back is permuted back. Pairs that no permutation moves (in a molecule with one methyl group, most of them) stand
//! first and are the same in all permuted queries: they are gone through once. Descriptors are kept relative to a common centre. Differences are formed directly, so
//! that no digits are lost; only the sum of (5/σ) A w u is split into its two parts, which are of its own size there.

use super::decay::decay;
use crate::simd::{F64x8, fma, simd_dispatch};

/// Training points in one vector.
pub(super) const LANES: usize = F64x8::WIDTH;
/// Vectors of training points in a block: their coefficients are kept between the two passes, and the block in the first
/// cache.
const BLOCK: usize = 4;
/// Lanes that are summed at a time: the sums of eight would not fit into registers.
const W: usize = 4;
/// Pairs of a vector of training points that go through all queries before the next ones.
const STRETCH: usize = 64;

/// The training set as the kernels read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Vector of training points by vector, pair by pair: descriptor less the centre, and weight.
    data: Vec<[F64x8; 2]>,
    /// Coefficients of energies, a vector for each vector of training points; empty when the model has none.
    alphas: Vec<F64x8>,
    /// The centre that is taken from all descriptors, in the order of the table.
    pub centre: Vec<f64>,
    /// Number of pairs.
    pub pairs: usize,
    /// So many of them, which stand first, are the same under all permutations; perhaps others too.
    fixed: usize,
    /// Length scale.
    sigma: f64,
    /// c, the value of h at t = 0.
    height: f64,
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
    /// Lays out geometries of as many numbers as `order` has, in which the pairs stand there; the first `fixed` of them are the
    /// same under all permutations. `alphas` may be empty.
    pub fn new(
        descriptors: &[f64],
        weights: &[f64],
        alphas: &[f64],
        order: &[usize],
        fixed: usize,
        sigma: f64,
    ) -> Table {
        let pairs = order.len();
        let points = descriptors.len() / pairs;
        let mean = |k: &usize| descriptors.iter().skip(*k).step_by(pairs).sum::<f64>();
        let centre: Vec<f64> = order.iter().map(|k| mean(k) / points as f64).collect();
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
            for (k, centre) in order.iter().zip(&centre) {
                data.push([
                    F64x8(std::array::from_fn(|l| {
                        descriptors[lane(v, l) * pairs + k] - centre
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
        let lanes = |v: usize| {
            F64x8(std::array::from_fn(|l| {
                if real(v, l) { alphas[lane(v, l)] } else { 0.0 }
            }))
        };
        let some = if alphas.is_empty() { 0 } else { vectors };
        Table {
            alphas: (0..some).map(lanes).collect(),
            data,
            centre,
            pairs,
            fixed,
            sigma,
            height: height(sigma),
        }
    }

    /// Products of a pair of a training point and one of a query, for a training point and a geometry that is permuted in
    /// so many ways.
    pub fn products(&self, permutations: usize) -> usize {
        self.fixed + permutations * (self.pairs - self.fixed)
    }

    /// Length scale, and c.
    pub fn scales(&self) -> (f64, f64) {
        (self.sigma, self.height)
    }

    /// Descriptor less the centre, and weight, of the pairs of training points `v * LANES` and following.
    pub fn vector(&self, v: usize) -> &[[F64x8; 2]] {
        &self.data[v * self.pairs..(v + 1) * self.pairs]
    }

    /// The coefficients of energies of the same points; zero when the model has none.
    pub fn alpha(&self, v: usize) -> F64x8 {
        self.alphas.get(v).copied().unwrap_or(F64x8::ZERO)
    }

    /// Number of vectors of training points.
    pub fn vectors(&self) -> usize {
        self.data.len() / self.pairs
    }

    /// Adds what the vectors `range` of training points give to the sums of all queries, and unless `derivative` is empty
    /// to the lanes of its derivative (pair by pair, query by query).
    ///
    /// `queries` holds descriptors less the centre, query by query; there are as many `sums`. Each `alike` of them are the
    /// permutations of one geometry. What a geometry gets does not depend on the others. The derivatives by pairs that are the same
    /// under all permutations stand, summed up, with the first of them.
    pub fn add(
        &self,
        range: std::ops::Range<usize>,
        alike: usize,
        queries: &[f64],
        sums: &mut [Sums],
        derivative: &mut [F64x8],
        scratch: &mut Vec<Factors>,
    ) {
        let geometries = sums.len() / alike.max(1);
        scratch.resize((sums.len() + geometries) * BLOCK, Factors::default());
        add_table(
            self,
            range.start,
            range.end,
            alike.max(1),
            queries,
            sums,
            derivative,
            scratch,
        );
    }

    /// Smallest squared distance from a query (less the centre) to the training points, the point `without` left out.
    pub fn nearest(&self, query: &[f64], without: usize) -> f64 {
        nearest(self, query, without)
    }
}

/// c: the value of h at t = 0.
pub(super) fn height(sigma: f64) -> f64 {
    5.0 / (3.0 * sigma * sigma)
}

// Compiled for AVX-512 it gathers lane by lane what lies side by side, and takes four times as long as with AVX2; the bits are the
// same.
simd_dispatch! {
    narrow fn add_table(
        table: &Table, first: usize, end: usize, alike: usize, queries: &[f64], sums: &mut [Sums],
        derivative: &mut [F64x8], factors: &mut [Factors],
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
    alike: usize,
    queries: &[f64],
    sums: &mut [Sums],
    derivative: &mut [F64x8],
    factors: &mut [Factors],
) {
    let d = table.pairs;
    let (factors, combined) = factors.split_at_mut(sums.len() * BLOCK);
    let mut from = first;
    while from < end {
        let to = (from + BLOCK).min(end);
        let block = Block {
            points: &table.data[from * d..to * d],
            vectors: to - from,
            pairs: d,
            fixed: table.fixed,
            alike,
        };
        factors.fill(Factors::default());
        block.differences::<FMA>(queries, factors);
        for (sums, factors) in sums.iter_mut().zip(factors.chunks_exact_mut(BLOCK)) {
            for (v, f) in factors[..to - from].iter_mut().enumerate() {
                table.kernel::<FMA>(table.alphas.get(from + v), f, sums);
            }
        }
        if !derivative.is_empty() {
            block.combine(factors, combined);
            block.gather_all::<FMA>(factors, combined, derivative);
        }
        from = to;
    }
}

/// For a query and a vector of training points: |u|² and u·b, then the factors of u and b in the derivative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    of_u: F64x8,
    of_b: F64x8,
}

impl Default for Factors {
    fn default() -> Self {
        Factors {
            of_u: F64x8::ZERO,
            of_b: F64x8::ZERO,
        }
    }
}

/// A few vectors of training points.
struct Block<'a> {
    points: &'a [[F64x8; 2]],
    vectors: usize,
    pairs: usize,
    /// Pairs that are the same in `alike` queries that follow each other.
    fixed: usize,
    alike: usize,
}

impl Block<'_> {
    /// |u|² and u·b of all queries: a stretch of a few kilobytes of the training points serves all of them before the next.
    #[inline(always)]
    fn differences<const FMA: bool>(&self, queries: &[f64], factors: &mut [Factors]) {
        let d = self.pairs;
        self.common::<FMA>(queries, factors);
        if self.fixed > 0 {
            for group in factors.chunks_exact_mut(self.alike * BLOCK) {
                let (one, others) = group.split_at_mut(BLOCK);
                for other in others.chunks_exact_mut(BLOCK) {
                    other.copy_from_slice(one);
                }
            }
        }
        for (v, points) in self.points.chunks_exact(d).enumerate() {
            for from in (self.fixed..d).step_by(STRETCH) {
                let to = (from + STRETCH).min(d);
                self.stretch::<FMA>(&points[from..to], from, 1, queries, v, factors);
            }
        }
    }

    /// The same for the pairs that the queries of a geometry have in common, left with the first of them.
    #[inline(always)]
    fn common<const FMA: bool>(&self, queries: &[f64], factors: &mut [Factors]) {
        let (d, one) = (self.pairs, factors.len() == self.alike * BLOCK);
        let mut v = 0;
        // A single geometry: two vectors of training points at a time instead of two queries.
        while one && v + 2 <= self.vectors {
            let query = &queries[..self.fixed];
            let points = [
                &self.points[v * d..][..query.len()],
                &self.points[(v + 1) * d..][..query.len()],
            ];
            let (low, high) = factors.split_at_mut(v + 1);
            difference_from_two::<FMA>(points, query, [&mut low[v], &mut high[0]]);
            v += 2;
        }
        for v in v..self.vectors {
            let points = &self.points[v * d..(v + 1) * d];
            for from in (0..self.fixed).step_by(STRETCH) {
                let to = (from + STRETCH).min(self.fixed);
                self.stretch::<FMA>(&points[from..to], from, self.alike, queries, v, factors);
            }
        }
    }

    /// A stretch of the pairs of vector `v`, from pair `from` on, for every `apart`-th query.
    #[inline(always)]
    fn stretch<const FMA: bool>(
        &self,
        points: &[[F64x8; 2]],
        from: usize,
        apart: usize,
        queries: &[f64],
        v: usize,
        factors: &mut [Factors],
    ) {
        let d = self.pairs;
        let count = factors.len() / BLOCK;
        let query = |q: usize| &queries[q * d + from..][..points.len()];
        let mut q = 0;
        while q + apart < count {
            let both = two_factors(factors, q * BLOCK + v, apart * BLOCK);
            difference::<FMA, 2>(points, [query(q), query(q + apart)], both);
            q += 2 * apart;
        }
        if q < count {
            difference::<FMA, 1>(points, [query(q)], [&mut factors[q * BLOCK + v]]);
        }
    }

    /// Sums of the factors of the queries of each geometry, for the pairs that they have in common.
    #[inline(always)]
    fn combine(&self, factors: &[Factors], combined: &mut [Factors]) {
        if self.fixed == 0 {
            return;
        }
        let groups = factors.chunks_exact(self.alike * BLOCK);
        for (sum, group) in combined.chunks_exact_mut(BLOCK).zip(groups) {
            let (one, others) = group.split_at(BLOCK);
            sum.copy_from_slice(one);
            for other in others.chunks_exact(BLOCK) {
                for (sum, f) in sum.iter_mut().zip(other) {
                    sum.of_u = sum.of_u + f.of_u;
                    sum.of_b = sum.of_b + f.of_b;
                }
            }
        }
    }

    /// Adds the sums over the block to the derivatives of all queries.
    #[inline(always)]
    fn gather_all<const FMA: bool>(
        &self,
        factors: &[Factors],
        combined: &[Factors],
        derivative: &mut [F64x8],
    ) {
        let d = self.pairs;
        self.gather_range::<FMA>(0, self.fixed, combined, derivative, self.alike * d);
        self.gather_range::<FMA>(self.fixed, d, factors, derivative, d);
    }

    /// The same for a range of pairs; the derivatives of the queries are `next` apart.
    #[inline(always)]
    fn gather_range<const FMA: bool>(
        &self,
        from: usize,
        end: usize,
        factors: &[Factors],
        derivative: &mut [F64x8],
        next: usize,
    ) {
        const K: usize = 4;
        let mut k = from;
        while k + K <= end {
            self.gather::<FMA, K>(k, factors, derivative, next);
            k += K;
        }
        while k < end {
            self.gather::<FMA, 1>(k, factors, derivative, next);
            k += 1;
        }
    }

    /// The same for `K` pairs from `k` on.
    #[inline(always)]
    fn gather<const FMA: bool, const K: usize>(
        &self,
        k: usize,
        factors: &[Factors],
        derivative: &mut [F64x8],
        next: usize,
    ) {
        let (d, n) = (self.pairs, self.vectors);
        let count = factors.len() / BLOCK;
        let points = &self.points[k..];
        let own = |q: usize| &factors[q * BLOCK..q * BLOCK + n];
        let mut q = 0;
        while q + 2 <= count {
            let two = [own(q), own(q + 1)];
            gather_some::<FMA, K, 2>(points, d, two, &mut derivative[q * next + k..], next);
            q += 2;
        }
        if q < count {
            let one = [own(q)];
            gather_some::<FMA, K, 1>(points, d, one, &mut derivative[q * next + k..], next);
        }
    }
}

/// The factors of one vector of training points for two queries, `apart` from each other.
#[inline(always)]
fn two_factors(factors: &mut [Factors], at: usize, apart: usize) -> [&mut Factors; 2] {
    let (low, high) = factors.split_at_mut(at + 1);
    [&mut low[at], &mut high[apart - 1]]
}

#[inline(always)]
fn difference_from_two<const FMA: bool>(
    points: [&[[F64x8; 2]]; 2],
    query: &[f64],
    factors: [&mut Factors; 2],
) {
    let mut square: [F64x8; 2] = std::array::from_fn(|v| factors[v].of_u);
    let mut dot: [F64x8; 2] = std::array::from_fn(|v| factors[v].of_b);
    let both = points[0].iter().zip(points[1]).zip(query);
    for ((first, second), q) in both {
        let q = F64x8::splat(*q);
        for (v, [x, b]) in [first, second].into_iter().enumerate() {
            let u = q - *x;
            square[v] = u.mul_add::<FMA>(u, square[v]);
            dot[v] = u.mul_add::<FMA>(*b, dot[v]);
        }
    }
    for (v, f) in factors.into_iter().enumerate() {
        *f = Factors {
            of_u: square[v],
            of_b: dot[v],
        };
    }
}

#[inline(always)]
fn difference<const FMA: bool, const Q: usize>(
    points: &[[F64x8; 2]],
    queries: [&[f64]; Q],
    factors: [&mut Factors; Q],
) {
    let mut square: [F64x8; Q] = std::array::from_fn(|q| factors[q].of_u);
    let mut dot: [F64x8; Q] = std::array::from_fn(|q| factors[q].of_b);
    let queries: [&[f64]; Q] = queries.map(|q| &q[..points.len()]);
    for (k, [x, b]) in points.iter().enumerate() {
        for q in 0..Q {
            let u = F64x8::splat(queries[q][k]) - *x;
            square[q] = u.mul_add::<FMA>(u, square[q]);
            dot[q] = u.mul_add::<FMA>(*b, dot[q]);
        }
    }
    for (q, f) in factors.into_iter().enumerate() {
        *f = Factors {
            of_u: square[q],
            of_b: dot[q],
        };
    }
}

/// Sums over vectors of training points (`stride` apart) for `K` pairs and `Q` queries (`next` apart).
#[inline(always)]
fn gather_some<const FMA: bool, const K: usize, const Q: usize>(
    points: &[[F64x8; 2]],
    stride: usize,
    factors: [&[Factors]; Q],
    derivative: &mut [F64x8],
    next: usize,
) {
    let n = factors[0].len();
    let factors = factors.map(|f| &f[..n]);
    for at in (0..LANES).step_by(W) {
        let lanes = |x: &F64x8| -> [f64; W] { std::array::from_fn(|l| x.0[at + l]) };
        let mut sum = [[[0.0; W]; K]; Q];
        for q in 0..Q {
            for i in 0..K {
                sum[q][i] = lanes(&derivative[q * next + i]);
            }
        }
        for v in 0..n {
            let points: &[[F64x8; 2]; K] = match points[v * stride..].first_chunk() {
                Some(points) => points,
                None => return,
            };
            let f: [([f64; W], [f64; W]); Q] =
                std::array::from_fn(|q| (lanes(&factors[q][v].of_u), lanes(&factors[q][v].of_b)));
            for i in 0..K {
                let (x, b) = (lanes(&points[i][0]), lanes(&points[i][1]));
                for q in 0..Q {
                    for l in 0..W {
                        let s = fma::<FMA>(f[q].0[l], x[l], sum[q][i][l]);
                        sum[q][i][l] = fma::<FMA>(f[q].1[l], b[l], s);
                    }
                }
            }
        }
        for q in 0..Q {
            for i in 0..K {
                derivative[q * next + i].0[at..at + W].copy_from_slice(&sum[q][i]);
            }
        }
    }
}

impl Table {
    /// From |u|² and u·b of a vector of training points to the factors of u and b in the derivative.
    #[inline(always)]
    fn kernel<const FMA: bool>(
        &self,
        alpha: Option<&F64x8>,
        factors: &mut Factors,
        sums: &mut Sums,
    ) {
        let s = self.sigma;
        let (square, dot) = (factors.of_u, factors.of_b);
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
        *factors = Factors { of_u, of_b };
    }
}
