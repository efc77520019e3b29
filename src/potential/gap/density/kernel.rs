//! Dot-product kernel against the sparse points: energies and dE/dq of up to 32 centres at once.
//!
//! Both steps are matrix products, K = X q and dE/dq = X^T w, done on one packed copy of X in panels of six points.
//! Panels are taken in batches that stay in the L2 cache, so X streams from memory once per block of centres.
//! The order of every sum is fixed and the same for each lane: results do not depend on how centres are blocked.

use super::super::variance::Kernel;
use crate::simd::{F64x8, simd_dispatch};

/// Points per panel: 6 × 8 lanes of accumulators fill twelve of the sixteen AVX2 registers.
const PANEL: usize = 6;
/// Rows of dE/dq updated together.
const TILE: usize = 6;
/// Bytes of a batch of panels.
const BATCH_BYTES: usize = 208 << 10;

/// Numbers after which memory of the unpacked points goes back.
const RETURNED: usize = 1 << 20;

/// The sparse points of one coordinate, packed.
#[derive(Clone, Debug)]
pub(super) struct SparsePoints {
    /// Length of q, padded to whole tiles.
    rows: usize,
    /// Panel, then row, then point of the panel.
    x: Vec<[f64; PANEL]>,
    /// The constant part of each scalar product (last element of point times that of the descriptor).
    constant: Vec<[f64; PANEL]>,
    /// alpha · sparseCutoff · delta².
    weight: Vec<[f64; PANEL]>,
    zeta: Zeta,
    /// The constant last element of a descriptor; 0 when it has none.
    sigma0: f64,
    /// Panels per batch.
    batch: usize,
}

/// The exponent of the kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Zeta {
    Integer(u32),
    Real(f64),
}

impl Zeta {
    fn new(zeta: f64) -> Zeta {
        if zeta.fract() == 0.0 && (1.0..=32.0).contains(&zeta) {
            Zeta::Integer(zeta as u32)
        } else {
            Zeta::Real(zeta)
        }
    }

    /// k^(zeta - 1) and k^zeta; zero for k <= 0 when zeta is not an integer.
    #[inline(always)]
    fn powers(self, k: F64x8) -> (F64x8, F64x8) {
        match self {
            Zeta::Integer(4) => {
                let square = k * k;
                (square * k, square * square)
            }
            Zeta::Integer(n) => {
                let mut below = F64x8::splat(1.0);
                for _ in 1..n {
                    below = below * k;
                }
                (below, below * k)
            }
            Zeta::Real(z) => {
                let below = F64x8(k.0.map(|k| if k > 0.0 { k.powf(z - 1.0) } else { 0.0 }));
                (below, below * k)
            }
        }
    }

    #[inline(always)]
    fn value(self) -> f64 {
        match self {
            Zeta::Integer(n) => f64::from(n),
            Zeta::Real(z) => z,
        }
    }
}

impl SparsePoints {
    /// Packs `points` (one after the other, each `dimensions` long). With `last`, the constant last element of the descriptor, the last element of each
    /// point belongs to it.
    ///
    /// The points go panel by panel from the last, and each leaves its memory: matrices of hundreds of megabytes are never there twice.
    pub(super) fn new(
        mut points: Vec<f64>,
        dimensions: usize,
        weights: &[f64],
        last: Option<f64>,
        zeta: f64,
    ) -> SparsePoints {
        let length = dimensions - usize::from(last.is_some());
        let rows = length.div_ceil(TILE) * TILE;
        let panels = weights.len().div_ceil(PANEL);
        let mut x = vec![[0.0; PANEL]; panels * rows];
        let mut constant = vec![[0.0; PANEL]; panels];
        let mut weight = vec![[0.0; PANEL]; panels];
        let kept = |points: &Vec<f64>| points.capacity() - points.len();
        for panel in (0..panels).rev() {
            let first = panel * PANEL;
            let panel_points = points[first * dimensions..].chunks_exact(dimensions);
            for (k, (point, w)) in panel_points.zip(&weights[first..]).enumerate() {
                for (i, value) in point[..length].iter().enumerate() {
                    x[panel * rows + i][k] = *value;
                }
                constant[panel][k] = last.map_or(0.0, |last| point[length] * last);
                weight[panel][k] = *w;
            }
            points.truncate(first * dimensions);
            if kept(&points) > RETURNED {
                points.shrink_to_fit();
            }
        }
        let batch = (BATCH_BYTES / (rows * PANEL * 8)).clamp(1, 16);
        SparsePoints {
            rows,
            x,
            constant,
            weight,
            zeta: Zeta::new(zeta),
            sigma0: last.unwrap_or(0.0),
            batch,
        }
    }

    /// Rows that q and dE/dq need per group of eight centres.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Elements of the work array per group of eight centres.
    pub(super) fn work(&self) -> usize {
        self.batch * PANEL
    }

    /// Bytes of the packed points.
    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val(self.x.as_slice())
    }

    /// Energies, and with `gradient` also dE/dq, of as many groups of eight centres as `energy` has elements. `q` and
    /// `dq` hold [`SparsePoints::rows`] elements per group (rows beyond the descriptor zero), `work` as many as
    /// [`SparsePoints::work`] says; `energy` and `dq` are overwritten.
    #[inline(always)]
    pub(super) fn evaluate<const FMA: bool>(
        &self,
        q: &[F64x8],
        gradient: bool,
        dq: &mut [F64x8],
        work: &mut [F64x8],
        energy: &mut [F64x8],
    ) {
        let groups = energy.len();
        energy.fill(F64x8::ZERO);
        if gradient {
            dq[..groups * self.rows].fill(F64x8::ZERO);
        }
        let stride = self.work();
        let mut first = 0;
        for x in self.x.chunks(self.batch * self.rows) {
            // Group after group, so that one group's q and the batch stay in the L2 cache together.
            for (g, energy) in energy.iter_mut().enumerate() {
                let q = &q[g * self.rows..][..self.rows];
                for (p, x) in x.chunks_exact(self.rows).enumerate() {
                    let (constant, weight) = (&self.constant[first + p], &self.weight[first + p]);
                    let products = self.products::<FMA>(x, q, constant);
                    let w = &mut work[g * stride + p * PANEL..][..PANEL];
                    for s in 0..PANEL {
                        let (below, power) = self.zeta.powers(products[s]);
                        *energy = power.mul_add::<FMA>(F64x8::splat(weight[s]), *energy);
                        w[s] = below * F64x8::splat(weight[s] * self.zeta.value());
                    }
                }
            }
            if gradient {
                self.back::<FMA>(x, work, groups, dq);
            }
            first += self.batch;
        }
    }

    /// Scalar products of one panel with eight centres.
    #[inline(always)]
    fn products<const FMA: bool>(
        &self,
        x: &[[f64; PANEL]],
        q: &[F64x8],
        constant: &[f64; PANEL],
    ) -> [F64x8; PANEL] {
        let mut sum = constant.map(F64x8::splat);
        for (x, q) in x.iter().zip(q) {
            for s in 0..PANEL {
                sum[s] = F64x8::splat(x[s]).mul_add::<FMA>(*q, sum[s]);
            }
        }
        sum
    }

    /// Adds X^T w of a batch of panels to dE/dq, tile by tile.
    #[inline(always)]
    fn back<const FMA: bool>(
        &self,
        x: &[[f64; PANEL]],
        work: &[F64x8],
        groups: usize,
        dq: &mut [F64x8],
    ) {
        let panels = x.len() / self.rows;
        let stride = self.work();
        for tile in (0..self.rows).step_by(TILE) {
            for g in 0..groups {
                let out = &mut dq[g * self.rows + tile..][..TILE];
                let mut sum: [F64x8; TILE] = std::array::from_fn(|k| out[k]);
                let w = work[g * stride..][..panels * PANEL].chunks_exact(PANEL);
                for (x, w) in x.chunks_exact(self.rows).zip(w) {
                    let x: &[[f64; PANEL]] = &x[tile..][..TILE];
                    for s in 0..PANEL {
                        for k in 0..TILE {
                            sum[k] = F64x8::splat(x[k][s]).mul_add::<FMA>(w[s], sum[k]);
                        }
                    }
                }
                out.copy_from_slice(&sum);
            }
        }
    }
}

simd_dispatch! {
    /// (x_s · q)^zeta of all points and groups of eight centres.
    fn powers(sparse: &SparsePoints, q: &[F64x8], groups: usize, k: &mut [F64x8], stride: usize) = powers_body;
}

#[inline(always)]
fn powers_body<const FMA: bool>(
    sparse: &SparsePoints,
    q: &[F64x8],
    groups: usize,
    k: &mut [F64x8],
    stride: usize,
) {
    let rows = sparse.rows;
    for (p, x) in sparse.x.chunks_exact(rows).enumerate() {
        for g in 0..groups {
            let q = &q[g * rows..][..rows];
            let products = sparse.products::<FMA>(x, q, &sparse.constant[p]);
            let out = &mut k[g * stride + p * PANEL..][..PANEL];
            for (out, product) in out.iter_mut().zip(products) {
                *out = sparse.zeta.powers(product).1;
            }
        }
    }
}

impl Kernel for SparsePoints {
    fn length(&self) -> usize {
        self.rows
    }

    fn point(&self, s: usize, x: &mut [f64]) {
        let panel = &self.x[s / PANEL * self.rows..][..self.rows];
        for (x, points) in x.iter_mut().zip(panel) {
            *x = points[s % PANEL];
        }
    }

    fn with_points(&self, x: &[F64x8], groups: usize, k: &mut [F64x8], stride: usize) {
        powers(self, x, groups, k, stride);
    }

    fn with_itself(&self, x: &[F64x8]) -> F64x8 {
        let mut square = F64x8::splat(self.sigma0 * self.sigma0);
        for q in x {
            square = square + *q * *q;
        }
        self.zeta.powers(square).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(points: usize, dimensions: usize, zeta: f64, sigma0: f64) {
        let x: Vec<f64> = (0..points * dimensions)
            .map(|i| 0.1 + ((i * 37 % 101) as f64) / 300.0)
            .collect();
        let weights: Vec<f64> = (0..points).map(|i| ((i * i) as f64).sin()).collect();
        let sparse = SparsePoints::new(x.clone(), dimensions, &weights, Some(sigma0), zeta);
        let rows = sparse.rows();
        let groups = 3;
        let mut q = vec![F64x8::ZERO; rows * groups];
        for g in 0..groups {
            for i in 0..dimensions - 1 {
                q[g * rows + i] = F64x8(std::array::from_fn(|k| {
                    ((g * 8 + k + i * 5) % 17) as f64 / 40.0
                }));
            }
        }
        let mut dq = vec![F64x8::splat(9.0); rows * groups];
        let mut work = vec![F64x8::ZERO; sparse.work() * groups];
        let mut energy = vec![F64x8::splat(7.0); groups];
        sparse.evaluate::<false>(&q, true, &mut dq, &mut work, &mut energy);
        for g in 0..groups {
            for k in 0..8 {
                let mut expected = 0.0;
                let mut slope = vec![0.0; dimensions - 1];
                for s in 0..points {
                    let p = &x[s * dimensions..(s + 1) * dimensions];
                    let dot: f64 = (0..dimensions - 1)
                        .map(|i| p[i] * q[g * rows + i].0[k])
                        .sum();
                    let dot = dot + p[dimensions - 1] * sigma0;
                    expected += weights[s] * dot.powf(zeta);
                    for i in 0..dimensions - 1 {
                        slope[i] += weights[s] * zeta * dot.powf(zeta - 1.0) * p[i];
                    }
                }
                let scale: f64 =
                    (1.0 + weights.iter().map(|w| w.abs()).sum::<f64>()) * dimensions as f64;
                assert!(
                    (energy[g].0[k] - expected).abs() < 1e-13 * scale,
                    "{} {expected}",
                    energy[g].0[k]
                );
                for i in 0..dimensions - 1 {
                    assert!((dq[g * rows + i].0[k] - slope[i]).abs() < 1e-13 * scale);
                }
            }
        }
    }

    #[test]
    fn products_and_gradients_against_plain_loops() {
        check(1, 2, 4.0, 0.0);
        check(5, 13, 2.0, 0.0);
        check(250, 52, 4.0, 0.0);
        check(31, 20, 1.0, 0.3);
        check(14, 8, 2.5, 0.1);
        check(7, 700, 3.0, 0.0);
    }

    #[test]
    fn negative_products_of_real_exponents_give_nothing() {
        let (below, power) = Zeta::new(2.5).powers(F64x8::splat(-0.5));
        assert_eq!((below, power), (F64x8::ZERO, F64x8::ZERO));
        let (below, power) = Zeta::new(3.0).powers(F64x8::splat(-2.0));
        assert_eq!((below, power), (F64x8::splat(4.0), F64x8::splat(-8.0)));
    }
}
