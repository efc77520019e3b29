//! Instances side by side: up to thirty-two go through the kernel and the triangle together.

use super::factor::{squared_norms, stride};
use super::{Kernel, Variance};
use crate::simd::F64x8;

/// Groups of eight instances that share one pass over the factor.
pub(super) const GROUPS: usize = 4;

/// Work arrays: grown on first use, then reused.
#[derive(Default)]
pub(in super::super) struct VarianceScratch {
    x: Vec<F64x8>,
    k: Vec<F64x8>,
    norms: [F64x8; GROUPS],
    variance: [F64x8; GROUPS],
    /// Centre and weight of each instance in `x`.
    owners: Vec<(u32, f64)>,
}

impl VarianceScratch {
    /// The variance (eV²) of an instance of the last call of [`groups`](Self::groups).
    pub(super) fn variance(&self, group: usize, lane: usize) -> f64 {
        self.variance[group].0[lane]
    }

    /// Variances of up to [`GROUPS`] groups of eight vectors, each `kernel.length()` elements of `x`.
    pub(super) fn groups(
        &mut self,
        variance: &Variance,
        kernel: &dyn Kernel,
        x: &[F64x8],
        groups: usize,
    ) {
        let Some(factor) = variance.factor(kernel) else {
            self.variance = [F64x8::splat(f64::INFINITY); GROUPS];
            return;
        };
        let points = variance.sparse_cutoff.len();
        let stride = stride(points);
        if self.k.len() < groups * stride {
            self.k.resize(groups * stride, F64x8::ZERO);
        }
        let k = &mut self.k[..groups * stride];
        kernel.with_points(x, groups, k, stride);
        for k in k.chunks_exact_mut(stride) {
            let (real, padding) = k.split_at_mut(points);
            for (k, cutoff) in real.iter_mut().zip(&variance.sparse_cutoff) {
                let value = F64x8::splat(variance.scale) * *k + F64x8::splat(variance.constant);
                *k = value * F64x8::splat(*cutoff);
            }
            padding.fill(F64x8::ZERO);
        }
        squared_norms(factor, k, stride, &mut self.norms[..groups]);
        // What rounding can do to a sum over M points; only a negative value within that is taken for zero.
        let noise = 8.0 * f64::EPSILON * points as f64;
        for (g, x) in x.chunks_exact(kernel.length()).take(groups).enumerate() {
            let own = kernel.with_itself(x);
            self.variance[g] = F64x8(std::array::from_fn(|lane| {
                let prior = variance.scale * own.0[lane] + variance.constant;
                let v = prior - self.norms[g].0[lane];
                if v < 0.0 && v > -noise * prior {
                    0.0
                } else {
                    v
                }
            }));
        }
    }
}

/// Takes instances one by one and books their variances on the centres.
pub(in super::super) struct Batch<'a> {
    variance: &'a Variance,
    kernel: &'a dyn Kernel,
    scratch: &'a mut VarianceScratch,
    reliability: &'a mut [f64],
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        variance: &'a Variance,
        kernel: &'a dyn Kernel,
        scratch: &'a mut VarianceScratch,
        reliability: &'a mut [f64],
    ) -> Batch<'a> {
        let needed = GROUPS * kernel.length();
        if scratch.x.len() < needed {
            scratch.x.resize(needed, F64x8::ZERO);
        }
        scratch.owners.clear();
        Batch {
            variance,
            kernel,
            scratch,
            reliability,
        }
    }

    /// Adds an instance that the row `centre` books: its weight, the square of the switch, and its vector.
    pub(in super::super) fn push(&mut self, centre: usize, weight: f64, x: &[f64]) {
        let n = self.scratch.owners.len();
        let at = n / 8 * self.kernel.length();
        for (out, value) in self.scratch.x[at..].iter_mut().zip(x) {
            out.0[n % 8] = *value;
        }
        self.scratch.owners.push((centre as u32, weight));
        if n + 1 == GROUPS * 8 {
            self.flush();
        }
    }

    pub(super) fn finish(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        let x = std::mem::take(&mut self.scratch.x);
        let owners = std::mem::take(&mut self.scratch.owners);
        if !owners.is_empty() {
            let groups = owners.len().div_ceil(8);
            // Lanes that are not in use hold an older vector: a valid one, or zeros.
            self.scratch.groups(self.variance, self.kernel, &x, groups);
            for (n, (centre, weight)) in owners.iter().enumerate() {
                self.reliability[*centre as usize] += weight * self.scratch.variance(n / 8, n % 8);
            }
        }
        self.scratch.x = x;
        self.scratch.owners = owners;
        self.scratch.owners.clear();
    }
}
