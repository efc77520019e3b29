//! Kernels between sparse points and instances, eight instances side by side.

use super::super::coordinate::{Coordinate, Covariance};
use crate::simd::F64x8;

/// A kernel with its sparse points, without prefactors.
pub(in super::super) trait Kernel: Send + Sync {
    /// Numbers that a vector takes up.
    fn length(&self) -> usize;

    /// Writes the sparse point `s` as a vector.
    fn point(&self, s: usize, x: &mut [f64]);

    /// k(x_s, x) of every sparse point, for each of `groups` groups of eight vectors. Group g has its vectors at
    /// `g · length` in `x`, and its results at `g · stride` in `k`; `stride` is at least the number of points rounded up
    /// to a multiple of six.
    fn with_points(&self, x: &[F64x8], groups: usize, k: &mut [F64x8], stride: usize);

    /// k(x, x) of eight vectors.
    fn with_itself(&self, x: &[F64x8]) -> F64x8;
}

/// Kernels of scaled distances: Gaussian and compact polynomial, with permutations.
pub(super) struct Distances {
    shape: Shape,
    /// 1/theta for each dimension.
    inverse: Vec<f64>,
    permutations: Vec<Vec<usize>>,
    /// Points, one after the other.
    points: Vec<f64>,
    /// 1/sqrt(S(x_s, x_s)) of each point.
    norms: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// exp(-q/2) of the squared scaled distance q.
    Gaussian,
    /// (1-s)^(j+1) ((j+1) s + 1) of s = sqrt(q), zero from 1 on.
    Polynomial(i32),
}

impl Shape {
    #[inline]
    fn at(self, q: f64) -> f64 {
        match self {
            Shape::Gaussian => (-0.5 * q).exp(),
            Shape::Polynomial(_) if q >= 1.0 => 0.0,
            Shape::Polynomial(j) => {
                let (n, s) = (f64::from(j + 1), q.sqrt());
                (1.0 - s).powi(j + 1) * (n * s + 1.0)
            }
        }
    }
}

impl Distances {
    /// The kernel of a coordinate; the reader refuses dot products of distances.
    pub(super) fn new(c: &Coordinate) -> Distances {
        let (shape, theta) = match &c.covariance {
            Covariance::ArdSe { theta } => (Shape::Gaussian, theta.clone()),
            Covariance::Pp { theta } => (
                Shape::Polynomial((c.dimensions / 2) as i32 + 2),
                theta.clone(),
            ),
            Covariance::DotProduct { .. } => (Shape::Gaussian, vec![1.0; c.dimensions]),
        };
        // QUIP gives numbers that permutations exchange one length: the mean of theirs.
        let mean = |d: usize| {
            let lengths = c.permutations.iter().filter_map(|p| theta.get(*p.get(d)?));
            lengths.sum::<f64>() / c.permutations.len() as f64
        };
        let mut kernel = Distances {
            shape,
            inverse: (0..theta.len()).map(|d| 1.0 / mean(d)).collect(),
            permutations: c.permutations.clone(),
            points: c.sparse.clone(),
            norms: Vec::new(),
        };
        kernel.norms = kernel
            .points
            .chunks_exact(c.dimensions)
            .map(|p| {
                let lanes: Vec<F64x8> = p.iter().map(|x| F64x8::splat(*x)).collect();
                1.0 / kernel.sum(p, &lanes).0[0].sqrt()
            })
            .collect();
        kernel
    }

    /// S(a, b): the sum over the permutations of a.
    fn sum(&self, a: &[f64], b: &[F64x8]) -> F64x8 {
        let mut sum = F64x8::ZERO;
        for permutation in &self.permutations {
            let mut q = F64x8::ZERO;
            for ((&from, b), inverse) in permutation.iter().zip(b).zip(&self.inverse) {
                let t = (F64x8::splat(a[from]) - *b) * F64x8::splat(*inverse);
                q = q + t * t;
            }
            sum = sum + F64x8(q.0.map(|q| self.shape.at(q)));
        }
        sum
    }

    /// S(x, x) of eight vectors.
    fn own(&self, x: &[F64x8]) -> F64x8 {
        let mut sum = F64x8::ZERO;
        for permutation in &self.permutations {
            let mut q = F64x8::ZERO;
            for ((&from, b), inverse) in permutation.iter().zip(x).zip(&self.inverse) {
                let t = (x[from] - *b) * F64x8::splat(*inverse);
                q = q + t * t;
            }
            sum = sum + F64x8(q.0.map(|q| self.shape.at(q)));
        }
        sum
    }
}

impl Kernel for Distances {
    fn length(&self) -> usize {
        self.inverse.len()
    }

    fn point(&self, s: usize, x: &mut [f64]) {
        let d = self.length();
        x.copy_from_slice(&self.points[s * d..(s + 1) * d]);
    }

    fn with_points(&self, x: &[F64x8], groups: usize, k: &mut [F64x8], stride: usize) {
        let d = self.length();
        for (x, k) in x
            .chunks_exact(d)
            .zip(k.chunks_exact_mut(stride))
            .take(groups)
        {
            // With a single permutation S(x, x) is 1.
            let norm = match self.permutations.len() {
                1 => F64x8::splat(1.0),
                _ => F64x8(self.own(x).0.map(|s| 1.0 / s.sqrt())),
            };
            for ((point, own), k) in self.points.chunks_exact(d).zip(&self.norms).zip(k) {
                *k = self.sum(point, x) * norm * F64x8::splat(*own);
            }
        }
    }

    fn with_itself(&self, _x: &[F64x8]) -> F64x8 {
        // Normalised.
        F64x8::splat(1.0)
    }
}
