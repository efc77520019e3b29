//! The loops over a row of a mode.

use crate::simd::{F64x8, fma, simd_dispatch};

simd_dispatch! {
    /// u ← a u + b v, v ← a v - c u, by component.
    pub(super) fn rotate(u: &mut [f64], v: &mut [f64], a: f64, b: f64, c: f64) = rotate_body;
}

#[inline(always)]
fn rotate_body<const FMA: bool>(u: &mut [f64], v: &mut [f64], a: f64, b: f64, c: f64) {
    for (u, v) in u.iter_mut().zip(v) {
        let (x, y) = (*u, *v);
        *u = fma::<FMA>(b, y, a * x);
        *v = fma::<FMA>(-c, x, a * y);
    }
}

simd_dispatch! {
    /// v ← c v + s r ξ by component, with r the inverse root of its mass; the sum of r⁻² (v² before - v² after).
    pub(super) fn stir(v: &mut [f64], r: &[f64], noise: &[f64], masses: &[f64], c: f64, s: f64) -> f64 = stir_body;
}

#[inline(always)]
fn stir_body<const FMA: bool>(
    v: &mut [f64],
    r: &[f64],
    noise: &[f64],
    masses: &[f64],
    c: f64,
    s: f64,
) -> f64 {
    const W: usize = F64x8::WIDTH;
    let mut sums = F64x8::ZERO;
    let n = v.len().min(r.len()).min(noise.len()).min(masses.len());
    let whole = n / W * W;
    let mut i = 0;
    while i < whole {
        for l in 0..W {
            let k = i + l;
            let before = v[k];
            let after = fma::<FMA>(s * r[k], noise[k], c * before);
            v[k] = after;
            sums.0[l] = fma::<FMA>(
                masses[k],
                fma::<FMA>(before, before, -(after * after)),
                sums.0[l],
            );
        }
        i += W;
    }
    let mut sum = 0.0;
    for l in 0..W {
        sum += sums.0[l];
    }
    for k in whole..n {
        let before = v[k];
        let after = fma::<FMA>(s * r[k], noise[k], c * before);
        v[k] = after;
        sum += masses[k] * (before * before - after * after);
    }
    sum
}

simd_dispatch! {
    /// The sum of m x y, by component.
    pub(super) fn weighted_dot(m: &[f64], x: &[f64], y: &[f64]) -> f64 = weighted_dot_body;
}

#[inline(always)]
fn weighted_dot_body<const FMA: bool>(m: &[f64], x: &[f64], y: &[f64]) -> f64 {
    const W: usize = F64x8::WIDTH;
    let n = m.len().min(x.len()).min(y.len());
    let whole = n / W * W;
    let mut sums = F64x8::ZERO;
    let mut i = 0;
    while i < whole {
        for l in 0..W {
            let k = i + l;
            sums.0[l] = fma::<FMA>(m[k] * x[k], y[k], sums.0[l]);
        }
        i += W;
    }
    let mut sum = 0.0;
    for l in 0..W {
        sum += sums.0[l];
    }
    for k in whole..n {
        sum += m[k] * x[k] * y[k];
    }
    sum
}
