//! The Cholesky factor of K_MM, packed for solving eight instances at once.

use super::kernel::Kernel;
use super::{Variance, batch::GROUPS};
use crate::simd::{F64x8, simd_dispatch};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::{Mat, Par};

/// Rows per panel, as in the kernel of the energies: 6 × 8 lanes fill twelve of the sixteen AVX2 registers.
const PANEL: usize = 6;
/// The jitter grows to at most this (eV²) before the attempt is given up.
const MOST_JITTER: f64 = 1e2;

/// The lower triangle L of K_MM + jitter = L Lᵀ.
#[derive(Debug)]
pub(super) struct Factor {
    /// Panel after panel of six rows: for each column up to the end of the panel, the six rows. Below the diagonal -L,
    /// on it 1/L, above it zero.
    l: Vec<[f64; PANEL]>,
    /// What was added to the diagonal (eV²).
    pub(super) jitter: f64,
}

impl Factor {
    /// Builds K_MM and factorises it; on failure with ten times the jitter, and so on. `None` when nothing helps.
    pub(super) fn new(variance: &Variance, kernel: &dyn Kernel) -> Option<Factor> {
        let covariance = covariance(variance, kernel);
        let points = covariance.nrows();
        if !covariance
            .col_iter()
            .all(|c| c.iter().all(|x| x.is_finite()))
        {
            return None;
        }
        let mut jitter = variance.jitter;
        while jitter <= MOST_JITTER {
            let mut l = covariance.clone();
            for s in 0..points {
                l[(s, s)] += jitter;
            }
            let scratch = cholesky_in_place_scratch::<f64>(points, Par::Seq, Default::default());
            let done = cholesky_in_place(
                l.as_mut(),
                LltRegularization::default(),
                Par::Seq,
                MemStack::new(&mut MemBuffer::new(scratch)),
                Default::default(),
            );
            if done.is_ok() {
                return Some(Factor::pack(&l, jitter));
            }
            jitter *= 10.0;
        }
        None
    }

    fn pack(l: &Mat<f64>, jitter: f64) -> Factor {
        let points = l.nrows();
        let panels = points.div_ceil(PANEL);
        let mut packed = vec![[0.0; PANEL]; PANEL * panels * (panels + 1) / 2];
        let mut out = packed.iter_mut();
        for panel in 0..panels {
            for (column, out) in (0..(panel + 1) * PANEL).zip(&mut out) {
                for (k, out) in out.iter_mut().enumerate() {
                    let row = panel * PANEL + k;
                    *out = match () {
                        // Rows that only fill the last panel.
                        () if row >= points => f64::from(u8::from(row == column)),
                        () if row == column => 1.0 / l[(row, row)],
                        () if row > column => -l[(row, column)],
                        () => 0.0,
                    };
                }
            }
        }
        Factor { l: packed, jitter }
    }
}

/// K_MM without jitter.
fn covariance(variance: &Variance, kernel: &dyn Kernel) -> Mat<f64> {
    let (points, length) = (variance.sparse_cutoff.len(), kernel.length());
    let stride = stride(points);
    let mut x = vec![F64x8::ZERO; GROUPS * length];
    let mut k = vec![F64x8::ZERO; GROUPS * stride];
    let mut point = vec![0.0; length];
    let mut matrix = Mat::zeros(points, points);
    for start in (0..points).step_by(GROUPS * 8) {
        let block = start..(start + GROUPS * 8).min(points);
        for (n, s) in block.clone().enumerate() {
            kernel.point(s, &mut point);
            for (x, value) in x[n / 8 * length..].iter_mut().zip(&point) {
                x.0[n % 8] = *value;
            }
        }
        kernel.with_points(&x, block.len().div_ceil(8), &mut k, stride);
        for (n, s) in block.enumerate() {
            let column = &k[n / 8 * stride..][..points];
            for ((row, k), cutoff) in column.iter().enumerate().zip(&variance.sparse_cutoff) {
                let value = variance.scale * k.0[n % 8] + variance.constant;
                matrix[(row, s)] = value * cutoff * variance.sparse_cutoff[s];
            }
        }
    }
    matrix
}

/// Elements of the vector k_M of one group of instances: the points, padded to whole panels.
pub(super) fn stride(points: usize) -> usize {
    points.div_ceil(PANEL) * PANEL
}

simd_dispatch! {
    /// |L⁻¹ k|² for each group of eight; `k` is overwritten, and its elements beyond the points are zero.
    pub(super) fn squared_norms(factor: &Factor, k: &mut [F64x8], stride: usize, out: &mut [F64x8]) = squared_norms_body;
}

#[inline(always)]
fn squared_norms_body<const FMA: bool>(
    factor: &Factor,
    k: &mut [F64x8],
    stride: usize,
    out: &mut [F64x8],
) {
    out.fill(F64x8::ZERO);
    let mut rest = factor.l.as_slice();
    for panel in 0..stride / PANEL {
        let (rows, after) = rest.split_at((panel + 1) * PANEL);
        rest = after;
        let (left, corner) = rows.split_at(panel * PANEL);
        // All groups while the panel is in the cache.
        for (k, out) in k.chunks_exact_mut(stride).zip(out.iter_mut()) {
            let (known, open) = k.split_at_mut(panel * PANEL);
            let open = &mut open[..PANEL];
            let mut sum: [F64x8; PANEL] = std::array::from_fn(|r| open[r]);
            for (l, y) in left.iter().zip(known.iter()) {
                for r in 0..PANEL {
                    sum[r] = F64x8::splat(l[r]).mul_add::<FMA>(*y, sum[r]);
                }
            }
            for c in 0..PANEL {
                let y = sum[c] * F64x8::splat(corner[c][c]);
                open[c] = y;
                *out = y.mul_add::<FMA>(y, *out);
                for r in c + 1..PANEL {
                    sum[r] = F64x8::splat(corner[c][r]).mul_add::<FMA>(y, sum[r]);
                }
            }
        }
    }
}
