//! A sum of Gaussians in three dimensions as a spline of seventh degree on an even grid (a tensor product of B-splines).
//!
//! A Gaussian is a product of three of one dimension, so the coefficients of its spline are products, too: those of one
//! dimension are made on a line that goes on far beyond the grid, where no end is felt, and the grid is a sum of outer
//! products. The spline has six continuous derivatives, and the slopes handed out are those of the spline itself, so
//! energy and forces belong together. The spacing is made finer until the error, measured on triangles of all shapes, is
//! hidden in the rounding of the sum that the grid stands for; where that would take too much memory, there is no grid.
//!
//! The degree is what weights of a million ask for: their sums cancel down to some eV, but the sixth derivative that the
//! error of a quintic spline grows with does not.

use super::process::{Inputs, Kernel, Outputs, Process};
use crate::parallel;
use crate::simd::{F64x8, fma, simd_dispatch};

/// Distances below this (Å) are not in a grid.
pub(super) const SHORTEST: f64 = 0.5;
/// Sums over fewer points than this are not worth a grid.
const FEWEST: usize = 64;
/// B-splines on an interval, one more than the degree.
const ORDER: usize = F64x8::WIDTH;
/// Spacings tried, in parts of the length of a dimension.
const SPACINGS: [f64; 4] = [1.0 / 8.0, 1.0 / 12.0, 1.0 / 17.0, 1.0 / 24.0];
/// Most numbers in a grid: four megabytes, a fair part of a second cache.
const MOST_NUMBERS: usize = 1 << 19;
/// Knots beyond either end of the grid: the influence of the ends falls by 0.54 a knot.
const BEYOND: usize = 60;
/// Triangles on which a grid is measured.
const SAMPLES: usize = 512;
/// Errors of the value (eV) and of the slopes (eV per unit) that are allowed in any case, and how many roundings of
/// the sum; those of neighbouring knots make slopes rough.
const TOLERANCE: [f64; 2] = [3e-12, 1e-10];
const ROUNDINGS: [f64; 2] = [1.0, 2.0];
/// Poles of the inverse of the sampled B-spline.
const POLES: [f64; 3] = [
    -0.535_280_430_796_438_2,
    -0.122_554_615_192_326_69,
    -0.009_148_694_809_608_277,
];

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
    /// Coefficients, the third dimension fastest.
    coefficients: Vec<f64>,
    error: f64,
}

/// The intervals of a dimension; interval k has the coefficients k to k + 7.
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
        self.intervals + ORDER - 1
    }

    /// The spline coefficients of a Gaussian with a centre and one over its length.
    fn gaussian(&self, centre: f64, per_theta: f64, out: &mut Vec<f64>) {
        let n = self.len() + 2 * BEYOND;
        let step = 1.0 / self.per_step;
        let mut c: Vec<f64> = (0..n)
            .map(|i| {
                let x = self.low + step * (i as f64 - (BEYOND + ORDER / 2 - 1) as f64);
                let t = (x - centre) * per_theta;
                (-0.5 * t * t).exp()
            })
            .collect();
        // Unser, Aldroubi and Eden, IEEE Trans. Signal Process. 41, 821 (1993).
        for z in POLES {
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

/// Coefficients of the B-splines on an interval by powers of t: element k holds those of t^k.
const SPLINES: [[f64; ORDER]; ORDER] = splines();

const fn splines() -> [[f64; ORDER]; ORDER] {
    // B-spline j at t is 1/7! Σ_k (-1)^k C(8, k) (t + 7 - j - k)^7 over the k that leave something positive.
    let mut out = [[0.0; ORDER]; ORDER];
    let n = ORDER as i64 - 1;
    let mut power = 0;
    while power <= n {
        let mut j = 0;
        while j <= n {
            let (mut sum, mut binomial, mut k) = (0i64, 1i64, 0);
            while k <= n - j {
                sum += binomial * (n - j - k).pow((n - power) as u32);
                binomial = -binomial * (n + 1 - k) / (k + 1);
                k += 1;
            }
            // 7! / C(7, power) = power! (7 - power)!
            let mut divisor = 1;
            let mut k = 1;
            while k <= n {
                divisor *= if k <= power { k } else { k - power };
                k += 1;
            }
            out[power as usize][j as usize] = sum as f64 / divisor as f64;
            j += 1;
        }
        power += 1;
    }
    out
}

/// The eight B-splines on an interval, and their derivatives by t.
#[inline(always)]
fn basis<const FMA: bool>(t: f64) -> (F64x8, F64x8) {
    let t = F64x8::splat(t);
    let (mut w, mut d) = (F64x8(SPLINES[ORDER - 1]), F64x8::ZERO);
    for c in SPLINES[..ORDER - 1].iter().rev() {
        d = d.mul_add::<FMA>(t, w);
        w = w.mul_add::<FMA>(t, F64x8(*c));
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
            let rounding = ROUNDINGS.map(|n| n * f64::EPSILON * size[g][0].0[l]);
            let off = |d: usize| (got[g][d].0[l] - exact[g][d].0[l]).abs();
            if off(0).is_nan() || off(0) > TOLERANCE[0] + rounding[0] {
                return None;
            }
            for d in 0..3 {
                let rough = rounding[1] * self.axes[d].per_step;
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
    let weights: Vec<f64> = process.points.iter().map(|p| p[3]).collect();
    let mut out = vec![0.0; nx * ny * nz];
    let mut planes: Vec<&mut [f64]> = out.chunks_exact_mut(ny * nz).collect();
    parallel::for_each_mut(&mut planes, |i, plane| {
        for (j, row) in plane.chunks_exact_mut(nz).enumerate() {
            outer(&lines, [nx, ny], [i, j], &weights, row);
        }
    });
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
        let ((wi, di), (wj, dj), (wk, dk)) = (basis::<FMA>(ti), basis::<FMA>(tj), basis::<FMA>(tk));
        let (mut v, mut v0, mut v1) = (F64x8::ZERO, F64x8::ZERO, F64x8::ZERO);
        for a in 0..ORDER {
            let (mut u, mut u1) = (F64x8::ZERO, F64x8::ZERO);
            let plane = &grid.coefficients[((i + a) * ny + j) * nz + k..];
            let plane = &plane[..(ORDER - 1) * nz + ORDER];
            for b in 0..ORDER {
                let mut c = F64x8::ZERO;
                c.0.copy_from_slice(&plane[b * nz..b * nz + ORDER]);
                u = F64x8::splat(wj.0[b]).mul_add::<FMA>(c, u);
                u1 = F64x8::splat(dj.0[b]).mul_add::<FMA>(c, u1);
            }
            v = F64x8::splat(wi.0[a]).mul_add::<FMA>(u, v);
            v0 = F64x8::splat(di.0[a]).mul_add::<FMA>(u, v0);
            v1 = F64x8::splat(wi.0[a]).mul_add::<FMA>(u1, v1);
        }
        let sum = [(v, wk), (v0, wk), (v1, wk), (v, dk)].map(|(v, w)| dot(v, w));
        outputs[g][0].0[l] = sum[0];
        for d in 0..3 {
            outputs[g][d + 1].0[l] = sum[d + 1] * grid.axes[d].per_step;
        }
    }
}

#[inline(always)]
fn dot(a: F64x8, b: F64x8) -> f64 {
    let p = (a * b).0;
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// Numbers of triangles of all shapes with two sides up to a cutoff, made of the sides by `numbers`.
pub(super) fn samples(cutoff: f64, numbers: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<Inputs> {
    let mut out = vec![Inputs::default(); SAMPLES / 8];
    for n in 0..SAMPLES {
        // A sequence that fills the cube evenly (Roberts' extension of the golden ratio).
        let at = |p: f64| (0.5 + p * n as f64).fract();
        let [u, v, w] = [
            0.819_172_513_396_164,
            0.671_043_606_703_789,
            0.549_700_477_901_960,
        ]
        .map(at);
        let side = |u: f64| SHORTEST + (cutoff - SHORTEST).max(0.0) * u;
        let (a, b) = (side(u), side(v));
        let third = (a * a + b * b - 2.0 * a * b * (2.0 * w - 1.0))
            .sqrt()
            .max(SHORTEST);
        let x = numbers([a, b, third]);
        for d in 0..3 {
            out[n / 8][d].0[n % 8] = x[d];
        }
    }
    out
}
