//! A sum of Gaussians in three dimensions as a quintic spline on an even grid (a tensor product of B-splines).
//!
//! A Gaussian is a product of three of one dimension, so the coefficients of its spline are products, too: those of one
//! dimension are made on a line that goes on far beyond the grid, where no end is felt, and the grid is a sum of outer
//! products. The spline has four continuous derivatives, and the slopes handed out are those of the spline itself, so
//! energy and forces belong together. The spacing is made finer until the error, measured on triangles of all shapes, is
//! no more than the rounding of the sum that the grid stands for; where that would take too much memory, there is no grid.

use super::process::{Inputs, Kernel, Outputs, Process};
use crate::simd::{F64x8, fma, simd_dispatch};

/// Distances below this (Å) are not in a grid.
pub(super) const SHORTEST: f64 = 0.5;
/// Sums over fewer points than this are not worth a grid.
const FEWEST: usize = 64;
/// Spacings tried, in parts of the length of a dimension.
const SPACINGS: [f64; 5] = [1.0 / 6.0, 1.0 / 8.0, 1.0 / 11.0, 1.0 / 15.0, 1.0 / 20.0];
/// Most numbers in a grid: four megabytes, a fair part of a second cache.
const MOST_NUMBERS: usize = 1 << 19;
/// Knots beyond either end of the grid: the influence of the ends falls by 0.43 a knot.
const BEYOND: usize = 48;
/// Triangles on which a grid is measured.
const SAMPLES: usize = 256;
/// Errors of the value (eV) and of the slopes (eV per unit) that are allowed in any case, and how many roundings of
/// the sum.
const TOLERANCE: [f64; 2] = [1e-12, 1e-11];
const ROUNDINGS: f64 = 4.0;

/// What the grids of a model may cost together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Numbers kept: 48 megabytes.
    pub numbers: usize,
    /// Multiplications made: below a second.
    pub products: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            numbers: 6 << 20,
            products: 1_200_000_000,
        }
    }
}

/// The spline.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    axes: [Axis; 3],
    /// Coefficients, the third dimension fastest, and some zeros at the end.
    coefficients: Vec<f64>,
    error: f64,
}

/// The intervals of a dimension; interval k has the coefficients k to k + 5.
#[derive(Clone, Copy, Debug)]
struct Axis {
    low: f64,
    high: f64,
    per_step: f64,
    intervals: usize,
}

impl Axis {
    fn new(low: f64, high: f64, spacing: f64) -> Axis {
        // Sizes are checked before anything of them is made.
        let intervals = ((high - low) / spacing).ceil().clamp(1.0, 1e6) as usize;
        Axis {
            low,
            high,
            per_step: intervals as f64 / (high - low),
            intervals,
        }
    }

    fn len(&self) -> usize {
        self.intervals + 5
    }

    /// The spline coefficients of a Gaussian with a centre and one over its length.
    fn gaussian(&self, centre: f64, per_theta: f64, out: &mut Vec<f64>) {
        let n = self.len() + 2 * BEYOND;
        let step = 1.0 / self.per_step;
        let mut c: Vec<f64> = (0..n)
            .map(|i| {
                let x = self.low + step * (i as f64 - (BEYOND + 2) as f64);
                let t = (x - centre) * per_theta;
                (-0.5 * t * t).exp()
            })
            .collect();
        // Inversion of the sampled quintic B-spline by its two poles (Unser, Aldroubi and Eden, IEEE Trans. Signal
        // Process. 41, 821 (1993)).
        let (p, q) = ((67.5 - 4436.25f64.sqrt()).sqrt(), (67.5 + 4436.25f64.sqrt()).sqrt());
        for z in [p + 26.25f64.sqrt() - 6.5, q - 26.25f64.sqrt() - 6.5] {
            let gain = (1.0 - z) * (1.0 - 1.0 / z);
            c[0] *= gain / (1.0 - z);
            for i in 1..n {
                c[i] = gain * c[i] + z * c[i - 1];
            }
            c[n - 1] *= z / (z - 1.0);
            for i in (0..n - 1).rev() {
                c[i] = z * (c[i + 1] - c[i]);
            }
        }
        out.extend_from_slice(&c[BEYOND..n - BEYOND]);
    }

    /// The interval of a number inside, and the place in it.
    #[inline(always)]
    fn locate(&self, x: f64) -> (usize, f64) {
        let s = (x - self.low) * self.per_step;
        let k = (s as usize).min(self.intervals - 1);
        (k, s - k as f64)
    }
}

/// The six B-splines on an interval, and their derivatives by t.
#[inline(always)]
fn basis<const FMA: bool>(t: f64) -> ([f64; 6], [f64; 6]) {
    const C: [[f64; 6]; 6] = [
        [1.0, -5.0, 10.0, -10.0, 5.0, -1.0],
        [26.0, -50.0, 20.0, 20.0, -20.0, 5.0],
        [66.0, 0.0, -60.0, 0.0, 30.0, -10.0],
        [26.0, 50.0, 20.0, -20.0, -20.0, 10.0],
        [1.0, 5.0, 10.0, 10.0, 5.0, -5.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ];
    let (mut w, mut d) = ([0.0; 6], [0.0; 6]);
    for i in 0..6 {
        let c = &C[i];
        let (mut v, mut s) = (c[5], 5.0 * c[5]);
        for k in (1..5).rev() {
            v = fma::<FMA>(v, t, c[k]);
            s = fma::<FMA>(s, t, k as f64 * c[k]);
        }
        w[i] = fma::<FMA>(v, t, c[0]) / 120.0;
        d[i] = s / 120.0;
    }
    (w, d)
}

impl Grid {
    /// The grid of a process between the `low` and `high` ends of its three numbers; `samples` are numbers of triangles.
    ///
    /// `None` when the process is no sum of Gaussians, too small to be worth it, or too narrow to be held.
    pub(super) fn new(
        process: &Process,
        ends: [[f64; 2]; 3],
        samples: &[Inputs],
        budget: &mut Budget,
    ) -> Option<Grid> {
        if process.kernel != Kernel::Gaussian || process.points.len() < FEWEST {
            return None;
        }
        let mut exact = vec![Outputs::default(); samples.len()];
        process.sums(samples, &mut exact);
        let mut bare = process.clone();
        bare.points.iter_mut().for_each(|p| p[3] = p[3].abs());
        let mut size = vec![Outputs::default(); samples.len()];
        bare.sums(samples, &mut size);
        for spacing in SPACINGS {
            let axes: [Axis; 3] = std::array::from_fn(|d| {
                Axis::new(ends[d][0], ends[d][1], spacing / process.per_theta[d])
            });
            let numbers = axes.iter().map(Axis::len).fold(1, usize::saturating_mul);
            let products = numbers.saturating_mul(process.points.len());
            if numbers > MOST_NUMBERS.min(budget.numbers) || products > budget.products {
                return None;
            }
            budget.products -= products;
            let mut grid = Grid {
                axes,
                coefficients: coefficients(process, &axes),
                error: 0.0,
            };
            if let Some(error) = grid.measure(samples, &exact, &size) {
                grid.error = error;
                budget.numbers -= numbers;
                return Some(grid);
            }
        }
        None
    }

    /// The largest error of the value, or `None` when one is beyond the tolerance.
    fn measure(&self, samples: &[Inputs], exact: &[Outputs], size: &[Outputs]) -> Option<f64> {
        let mut got = vec![Outputs::default(); samples.len()];
        let mut outside = Vec::new();
        self.sums(samples, 8 * samples.len(), &mut got, &mut outside);
        let mut worst = 0.0f64;
        for n in (0..8 * samples.len()).filter(|n| !outside.contains(&(*n as u32))) {
            let (g, l) = (n / 8, n % 8);
            let rounding = ROUNDINGS * f64::EPSILON * size[g][0].0[l];
            let off = |d: usize| (got[g][d].0[l] - exact[g][d].0[l]).abs();
            if off(0).is_nan() || off(0) > TOLERANCE[0] + rounding {
                return None;
            }
            for d in 0..3 {
                // Rounding of neighbouring knots makes slopes rough.
                let rough = rounding * self.axes[d].per_step;
                if off(d + 1).is_nan() || off(d + 1) > TOLERANCE[1] + rough {
                    return None;
                }
            }
            worst = worst.max(off(0));
        }
        Some(worst)
    }

    /// Largest error (eV) that was found.
    pub(super) fn error(&self) -> f64 {
        self.error
    }

    /// The sums for the first `count` triplets; those outside the grid are left alone and listed.
    pub(super) fn sums(
        &self,
        inputs: &[Inputs],
        count: usize,
        outputs: &mut [Outputs],
        outside: &mut Vec<u32>,
    ) {
        spline(self, inputs, count, outputs, outside);
    }
}

/// The coefficients of all points of a process.
fn coefficients(process: &Process, axes: &[Axis; 3]) -> Vec<f64> {
    let [nx, ny, nz] = [0, 1, 2].map(|d| axes[d].len());
    let mut lines = [const { Vec::new() }; 3];
    for point in &process.points {
        for (d, line) in lines.iter_mut().enumerate() {
            axes[d].gaussian(point[d], process.per_theta[d], line);
        }
    }
    let mut out = vec![0.0; nx * ny * nz + 8];
    let weights: Vec<f64> = process.points.iter().map(|p| p[3]).collect();
    let mut rows = out.chunks_exact_mut(nz);
    for i in 0..nx {
        for j in 0..ny {
            if let Some(row) = rows.next() {
                outer(&lines, [nx, ny], [i, j], &weights, row);
            }
        }
    }
    out
}

simd_dispatch! {
    /// Adds the line of coefficients at (i, j) of all points.
    fn outer(lines: &[Vec<f64>; 3], len: [usize; 2], at: [usize; 2], weights: &[f64], row: &mut [f64]) = outer_body;
}

#[inline(always)]
fn outer_body<const FMA: bool>(
    lines: &[Vec<f64>; 3],
    len: [usize; 2],
    at: [usize; 2],
    weights: &[f64],
    row: &mut [f64],
) {
    let third = lines[2].chunks_exact(row.len());
    for ((m, w), third) in weights.iter().enumerate().zip(third) {
        let s = w * lines[0][m * len[0] + at[0]] * lines[1][m * len[1] + at[1]];
        for (out, c) in row.iter_mut().zip(third) {
            *out = fma::<FMA>(s, *c, *out);
        }
    }
}

simd_dispatch! {
    fn spline(
        grid: &Grid,
        inputs: &[Inputs],
        count: usize,
        outputs: &mut [Outputs],
        outside: &mut Vec<u32>,
    ) = spline_body;
}

#[inline(always)]
fn spline_body<const FMA: bool>(
    grid: &Grid,
    inputs: &[Inputs],
    count: usize,
    outputs: &mut [Outputs],
    outside: &mut Vec<u32>,
) {
    let [first, second, third] = &grid.axes;
    let (ny, nz) = (second.len(), third.len());
    for n in 0..count {
        let (g, l) = (n / 8, n % 8);
        let x: [f64; 3] = std::array::from_fn(|d| inputs[g][d].0[l]);
        if !(0..3).all(|d| x[d] >= grid.axes[d].low && x[d] <= grid.axes[d].high) {
            outside.push(n as u32);
            continue;
        }
        let ((i, ti), (j, tj), (k, tk)) =
            (first.locate(x[0]), second.locate(x[1]), third.locate(x[2]));
        let ((wi, di), (wj, dj), (wk, dk)) =
            (basis::<FMA>(ti), basis::<FMA>(tj), basis::<FMA>(tk));
        let (mut v, mut v0, mut v1) = (F64x8::ZERO, F64x8::ZERO, F64x8::ZERO);
        for a in 0..6 {
            let (mut u, mut u1) = (F64x8::ZERO, F64x8::ZERO);
            let plane = &grid.coefficients[((i + a) * ny + j) * nz + k..];
            for b in 0..6 {
                let mut c = F64x8::ZERO;
                c.0.copy_from_slice(&plane[b * nz..b * nz + 8]);
                u = F64x8::splat(wj[b]).mul_add::<FMA>(c, u);
                u1 = F64x8::splat(dj[b]).mul_add::<FMA>(c, u1);
            }
            v = F64x8::splat(wi[a]).mul_add::<FMA>(u, v);
            v0 = F64x8::splat(di[a]).mul_add::<FMA>(u, v0);
            v1 = F64x8::splat(wi[a]).mul_add::<FMA>(u1, v1);
        }
        let mut sum = [0.0; 4];
        for c in 0..6 {
            sum[0] = fma::<FMA>(v.0[c], wk[c], sum[0]);
            sum[1] = fma::<FMA>(v0.0[c], wk[c], sum[1]);
            sum[2] = fma::<FMA>(v1.0[c], wk[c], sum[2]);
            sum[3] = fma::<FMA>(v.0[c], dk[c], sum[3]);
        }
        outputs[g][0].0[l] = sum[0];
        for d in 0..3 {
            outputs[g][d + 1].0[l] = sum[d + 1] * grid.axes[d].per_step;
        }
    }
}

/// Numbers of triangles of all shapes with two sides up to a cutoff, made of the sides by `numbers`.
pub(super) fn samples(cutoff: f64, numbers: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<Inputs> {
    let mut out = vec![Inputs::default(); SAMPLES / 8];
    for n in 0..SAMPLES {
        // A sequence that fills the cube evenly (Roberts' extension of the golden ratio).
        let at = |p: f64| (0.5 + p * n as f64).fract();
        let [u, v, w] = [0.819_172_513_396_164, 0.671_043_606_703_789, 0.549_700_477_901_960].map(at);
        let side = |u: f64| SHORTEST + (cutoff - SHORTEST).max(0.0) * u;
        let (a, b) = (side(u), side(v));
        let third = (a * a + b * b - 2.0 * a * b * (2.0 * w - 1.0)).sqrt().max(SHORTEST);
        let x = numbers([a, b, third]);
        for d in 0..3 {
            out[n / 8][d].0[n % 8] = x[d];
        }
    }
    out
}
