//! Kernels of distances in a fit: many sparse points at one input.

use crate::potential::gap::{Coordinate, Covariance};
use crate::simd::{F64x8, fma, simd_dispatch};

/// The kernel and the points of a few consecutive sparse points of a coordinate of one or three dimensions, in lanes.
#[derive(Clone, Debug)]
pub(super) struct Points {
    gaussian: bool,
    /// Exponent j of the polynomial kernel.
    j: i32,
    inverse: Vec<f64>,
    /// For each group of eight points their coordinates, dimension after dimension.
    x: Vec<F64x8>,
    /// delta² · sparseCutoff; zero for lanes without a point.
    weight: Vec<F64x8>,
}

impl Points {
    /// Points `start..start + width` of a coordinate; the kernel is one of distances.
    pub(super) fn new(c: &Coordinate, start: usize, width: usize) -> Points {
        let (gaussian, theta) = match &c.covariance {
            Covariance::Pp { theta } => (false, theta.clone()),
            Covariance::ArdSe { theta } => (true, theta.clone()),
            Covariance::DotProduct { .. } => (true, vec![1.0; c.dimensions]),
        };
        let (d, groups) = (c.dimensions, width.div_ceil(8));
        let mut points = Points {
            gaussian,
            j: (d / 2) as i32 + 2,
            inverse: theta.iter().map(|t| 1.0 / t).collect(),
            x: vec![F64x8::ZERO; groups * d],
            weight: vec![F64x8::ZERO; groups],
        };
        for k in 0..width {
            let s = start + k;
            for i in 0..d {
                points.x[k / 8 * d + i].0[k % 8] = c.sparse[s * d + i];
            }
            points.weight[k / 8].0[k % 8] = c.delta * c.delta * c.sparse_cutoff[s];
        }
        points
    }

    /// Values w k(x_s, x) of all points and their derivatives by the inputs: run after run of as many numbers as there are lanes,
    /// first the values.
    pub(super) fn at(&self, x: &[f64], out: &mut [f64]) {
        if self.gaussian {
            gaussian(self, x, out);
        } else {
            polynomial(self, x, out);
        }
    }
}

simd_dispatch! {
    fn gaussian(points: &Points, x: &[f64], out: &mut [f64]) = gaussian_body;
}
simd_dispatch! {
    fn polynomial(points: &Points, x: &[f64], out: &mut [f64]) = polynomial_body;
}

#[inline(always)]
fn gaussian_body<const FMA: bool>(p: &Points, x: &[f64], out: &mut [f64]) {
    let d = p.inverse.len();
    let stride = 8 * p.weight.len();
    for (g, (points, weight)) in p.x.chunks_exact(d).zip(&p.weight).enumerate() {
        let mut q = F64x8::ZERO;
        for i in 0..d {
            let t = (F64x8::splat(x[i]) - points[i]) * F64x8::splat(p.inverse[i]);
            q = t.mul_add::<FMA>(t, q);
        }
        let k = *weight * (q * F64x8::splat(-0.5)).exp::<FMA>();
        out[8 * g..8 * g + 8].copy_from_slice(&k.0);
        for i in 0..d {
            let scale = F64x8::splat(-p.inverse[i] * p.inverse[i]);
            let slope = (F64x8::splat(x[i]) - points[i]) * scale * k;
            out[(i + 1) * stride + 8 * g..][..8].copy_from_slice(&slope.0);
        }
    }
}

#[inline(always)]
fn polynomial_body<const FMA: bool>(p: &Points, x: &[f64], out: &mut [f64]) {
    let d = p.inverse.len();
    let stride = 8 * p.weight.len();
    // dk/dq of (1-s)^(j+1) ((j+1) s + 1), s = sqrt(q): -(j+1)(j+2)/2 (1-s)^j.
    let (n, slope) = (f64::from(p.j + 1), 0.5 * f64::from((p.j + 1) * (p.j + 2)));
    for (g, (points, weight)) in p.x.chunks_exact(d).zip(&p.weight).enumerate() {
        let mut q = F64x8::ZERO;
        for i in 0..d {
            let t = (F64x8::splat(x[i]) - points[i]) * F64x8::splat(p.inverse[i]);
            q = t.mul_add::<FMA>(t, q);
        }
        let (mut k, mut dk) = (F64x8::ZERO, F64x8::ZERO);
        for lane in 0..8 {
            let s = q.0[lane].sqrt();
            if s < 1.0 {
                let power = (1.0 - s).powi(p.j);
                k.0[lane] = power * (1.0 - s) * fma::<FMA>(n, s, 1.0);
                dk.0[lane] = -slope * power;
            }
        }
        out[8 * g..8 * g + 8].copy_from_slice(&(*weight * k).0);
        for i in 0..d {
            let scale = F64x8::splat(2.0 * p.inverse[i] * p.inverse[i]);
            let by = (F64x8::splat(x[i]) - points[i]) * scale * dk * *weight;
            out[(i + 1) * stride + 8 * g..][..8].copy_from_slice(&by.0);
        }
    }
}
