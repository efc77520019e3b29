//! A Gaussian process on three numbers: kernels summed over sparse points, eight inputs at a time.
//!
//! With permutations the kernel is k = S(a,b)/sqrt(S(a,a) S(b,b)), S(a,b) = Σ_p k₀(p(a), b). The permuted copies of the sparse
//! points become points of their own, S(a,a) goes into their weights, and S(b,b) is left to be divided by once for
//! each input.

use super::super::coordinate::{Coordinate, Covariance};
use crate::simd::{F64x8, fma, simd_dispatch};

/// Inputs of eight triplets.
pub(super) type Inputs = [F64x8; 3];

/// Value (eV) and its derivatives by the three inputs, for eight triplets.
pub(super) type Outputs = [F64x8; 4];

/// Σ_s w_s k(x_s, x) + constant.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub kernel: Kernel,
    /// One over the length of each dimension.
    pub per_theta: [f64; 3],
    /// Sparse points and their weights, permuted copies included, none twice.
    pub points: Vec<[f64; 4]>,
    constant: f64,
    /// The permutations that move something, if the kernel is normalised; `still` counts the others.
    moving: Vec<[usize; 3]>,
    still: f64,
}

/// The kernel before permutations, as a function of the squared scaled distance q.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// exp(-q/2).
    Gaussian,
    /// (1-s)^4 (4s+1) of s = sqrt(q), zero from 1 on.
    Polynomial,
}

/// A kernel in lanes.
trait Radial {
    /// k and -2 dk/dq.
    fn at<const FMA: bool>(q: F64x8) -> (F64x8, F64x8);
}

struct Gaussian;
struct Polynomial;

impl Radial for Gaussian {
    #[inline(always)]
    fn at<const FMA: bool>(q: F64x8) -> (F64x8, F64x8) {
        let k = (q * F64x8::splat(-0.5)).exp::<FMA>();
        (k, k)
    }
}

impl Radial for Polynomial {
    #[inline(always)]
    fn at<const FMA: bool>(q: F64x8) -> (F64x8, F64x8) {
        let (mut k, mut g) = (F64x8::ZERO, F64x8::ZERO);
        for l in 0..8 {
            let s = q.0[l].sqrt();
            let rest = if s < 1.0 { 1.0 - s } else { 0.0 };
            let cube = rest * rest * rest;
            k.0[l] = cube * rest * fma::<FMA>(4.0, s, 1.0);
            g.0[l] = 20.0 * cube;
        }
        (k, g)
    }
}

impl Process {
    /// The process of a coordinate of three dimensions (the reader has checked) whose instances count `times`.
    pub(super) fn new(c: &Coordinate, times: f64) -> Process {
        let (kernel, theta) = match &c.covariance {
            Covariance::Pp { theta } => (Kernel::Polynomial, theta.as_slice()),
            Covariance::ArdSe { theta } => (Kernel::Gaussian, theta.as_slice()),
            // The reader refuses dot products of distances.
            Covariance::DotProduct { .. } => (Kernel::Gaussian, &[][..]),
        };
        let permutations: Vec<[usize; 3]> = c
            .permutations
            .iter()
            .map(|p| std::array::from_fn(|d| p.get(d).copied().unwrap_or(d).min(2)))
            .collect();
        let moving: Vec<[usize; 3]> = permutations
            .iter()
            .copied()
            .filter(|p| *p != [0, 1, 2])
            .collect();
        // QUIP gives numbers that are exchanged one length: the mean of theirs.
        let per_theta = std::array::from_fn(|d| {
            let lengths = permutations.iter().filter_map(|p| theta.get(p[d]));
            permutations.len() as f64 / lengths.sum::<f64>()
        });
        let mut process = Process {
            kernel,
            per_theta,
            points: Vec::new(),
            constant: 0.0,
            still: (permutations.len() - moving.len()) as f64,
            moving,
        };
        for ((alpha, cut), point) in c
            .alpha
            .iter()
            .zip(&c.sparse_cutoff)
            .zip(c.sparse.as_chunks().0)
        {
            let weight = times * alpha * cut;
            process.constant += c.f0 * c.f0 * weight;
            // Without moving permutations both norms are the number of copies of the identity.
            let norm = if process.moving.is_empty() {
                permutations.len() as f64
            } else {
                process.overlap(point).sqrt()
            };
            for p in &permutations {
                let [x, y, z] = p.map(|d| point[d]);
                process
                    .points
                    .push([x, y, z, c.delta * c.delta * weight / norm]);
            }
        }
        process.merge();
        process
    }

    /// S(a, a).
    fn overlap(&self, a: &[f64; 3]) -> f64 {
        let mut sum = self.still;
        for p in &self.moving {
            let q: f64 = (0..3)
                .map(|d| ((a[p[d]] - a[d]) * self.per_theta[d]).powi(2))
                .sum();
            sum += match self.kernel {
                Kernel::Gaussian => (-0.5 * q).exp(),
                Kernel::Polynomial => {
                    let s = q.sqrt().min(1.0);
                    (1.0 - s).powi(4) * (4.0 * s + 1.0)
                }
            };
        }
        sum
    }

    /// Makes one point of equal ones: permutations leave symmetric triplets where they are.
    fn merge(&mut self) {
        self.points.sort_by(|a, b| {
            let by = |d: usize| a[d].total_cmp(&b[d]);
            by(0).then(by(1)).then(by(2))
        });
        self.points.dedup_by(|b, a| {
            let same = a[..3] == b[..3];
            if same {
                a[3] += b[3];
            }
            same
        });
        self.points.shrink_to_fit();
    }

    /// Whether [`Process::normalise`] does more than add the constant.
    fn is_normalised(&self) -> bool {
        !self.moving.is_empty()
    }

    /// The sums over the sparse points, not yet normalised.
    pub(super) fn sums(&self, inputs: &[Inputs], outputs: &mut [Outputs]) {
        match self.kernel {
            Kernel::Gaussian => gaussian_sums(self, inputs, outputs),
            Kernel::Polynomial => polynomial_sums(self, inputs, outputs),
        }
    }

    /// Makes energies of sums: divides by sqrt(S(x,x)) and adds the constant.
    pub(super) fn normalise(&self, inputs: &[Inputs], outputs: &mut [Outputs]) {
        if self.is_normalised() {
            match self.kernel {
                Kernel::Gaussian => gaussian_norms(self, inputs, outputs),
                Kernel::Polynomial => polynomial_norms(self, inputs, outputs),
            }
        }
        if self.constant != 0.0 {
            for out in outputs {
                out[0] = out[0] + F64x8::splat(self.constant);
            }
        }
    }
}

simd_dispatch! {
    fn gaussian_sums(process: &Process, inputs: &[Inputs], outputs: &mut [Outputs]) = gaussian_sums_body;
}
simd_dispatch! {
    fn polynomial_sums(process: &Process, inputs: &[Inputs], outputs: &mut [Outputs]) = polynomial_sums_body;
}
simd_dispatch! {
    fn gaussian_norms(process: &Process, inputs: &[Inputs], outputs: &mut [Outputs]) = gaussian_norms_body;
}
simd_dispatch! {
    fn polynomial_norms(process: &Process, inputs: &[Inputs], outputs: &mut [Outputs]) = polynomial_norms_body;
}

#[inline(always)]
fn gaussian_sums_body<const FMA: bool>(p: &Process, x: &[Inputs], out: &mut [Outputs]) {
    sums::<FMA, Gaussian>(p, x, out);
}

#[inline(always)]
fn polynomial_sums_body<const FMA: bool>(p: &Process, x: &[Inputs], out: &mut [Outputs]) {
    sums::<FMA, Polynomial>(p, x, out);
}

#[inline(always)]
fn gaussian_norms_body<const FMA: bool>(p: &Process, x: &[Inputs], out: &mut [Outputs]) {
    norms::<FMA, Gaussian>(p, x, out);
}

#[inline(always)]
fn polynomial_norms_body<const FMA: bool>(p: &Process, x: &[Inputs], out: &mut [Outputs]) {
    norms::<FMA, Polynomial>(p, x, out);
}

#[inline(always)]
fn sums<const FMA: bool, K: Radial>(process: &Process, inputs: &[Inputs], outputs: &mut [Outputs]) {
    let per = process.per_theta.map(F64x8::splat);
    for (x, out) in inputs.iter().zip(outputs) {
        let (mut value, mut slope) = (F64x8::ZERO, [F64x8::ZERO; 3]);
        for point in &process.points {
            let t0 = (x[0] - F64x8::splat(point[0])) * per[0];
            let t1 = (x[1] - F64x8::splat(point[1])) * per[1];
            let t2 = (x[2] - F64x8::splat(point[2])) * per[2];
            let q = t0.mul_add::<FMA>(t0, t1.mul_add::<FMA>(t1, t2 * t2));
            let (k, g) = K::at::<FMA>(q);
            let w = F64x8::splat(point[3]);
            value = w.mul_add::<FMA>(k, value);
            let wg = w * g;
            slope[0] = wg.mul_add::<FMA>(t0, slope[0]);
            slope[1] = wg.mul_add::<FMA>(t1, slope[1]);
            slope[2] = wg.mul_add::<FMA>(t2, slope[2]);
        }
        let by = |d: usize| F64x8::ZERO - slope[d] * per[d];
        *out = [value, by(0), by(1), by(2)];
    }
}

/// f = N/sqrt(S): f' = (N' - f S'/(2 sqrt S)) / sqrt S.
#[inline(always)]
fn norms<const FMA: bool, K: Radial>(
    process: &Process,
    inputs: &[Inputs],
    outputs: &mut [Outputs],
) {
    let per = process.per_theta.map(F64x8::splat);
    for (x, out) in inputs.iter().zip(outputs) {
        let mut sum = F64x8::splat(process.still);
        // Minus the derivatives of the sum.
        let mut fall = [F64x8::ZERO; 3];
        for p in &process.moving {
            let t: [F64x8; 3] = std::array::from_fn(|d| (x[p[d]] - x[d]) * per[d]);
            let q = t[0].mul_add::<FMA>(t[0], t[1].mul_add::<FMA>(t[1], t[2] * t[2]));
            let (k, g) = K::at::<FMA>(q);
            sum = sum + k;
            for d in 0..3 {
                let part = g * t[d] * per[d];
                fall[p[d]] = fall[p[d]] + part;
                fall[d] = fall[d] - part;
            }
        }
        for l in 0..8 {
            let scale = 1.0 / sum.0[l].sqrt();
            let value = out[0].0[l] * scale;
            out[0].0[l] = value;
            for d in 0..3 {
                let slope = fma::<FMA>(0.5 * value * scale, fall[d].0[l], out[d + 1].0[l]);
                out[d + 1].0[l] = slope * scale;
            }
        }
    }
}
