//! The loops over atoms of the elementary operations.

use crate::simd::{fma, simd_dispatch};
use nalgebra::Matrix3;

simd_dispatch! {
    /// v += h f/m, by component.
    pub(super) fn kick(v: &mut [f64], f: &[f64], inverse_masses: &[f64], h: f64) = kick_body;
}

#[inline(always)]
fn kick_body<const FMA: bool>(v: &mut [f64], f: &[f64], inverse_masses: &[f64], h: f64) {
    for ((v, f), w) in v.iter_mut().zip(f).zip(inverse_masses) {
        *v = fma::<FMA>(h * w, *f, *v);
    }
}

simd_dispatch! {
    /// x += h v, by component.
    pub(super) fn drift(x: &mut [f64], v: &[f64], h: f64) = drift_body;
}

#[inline(always)]
fn drift_body<const FMA: bool>(x: &mut [f64], v: &[f64], h: f64) {
    for (x, v) in x.iter_mut().zip(v) {
        *x = fma::<FMA>(h, *v, *x);
    }
}

simd_dispatch! {
    /// x ← s x + h w y by component, with w = 1/m or 1.
    fn scaled_sum(x: &mut [f64], y: &[f64], w: &[f64], s: f64, h: f64) = scaled_sum_body;
}

#[inline(always)]
fn scaled_sum_body<const FMA: bool>(x: &mut [f64], y: &[f64], w: &[f64], s: f64, h: f64) {
    if w.is_empty() {
        for (x, y) in x.iter_mut().zip(y) {
            *x = fma::<FMA>(h, *y, s * *x);
        }
    } else {
        for ((x, y), w) in x.iter_mut().zip(y).zip(w) {
            *x = fma::<FMA>(h * w, *y, s * *x);
        }
    }
}

simd_dispatch! {
    /// x ← A x + w B y by atom, for symmetric A and B given as their six elements.
    fn matrix_sum(x: &mut [[f64; 3]], y: &[[f64; 3]], w: &[f64], a: &[f64; 6], b: &[f64; 6]) = matrix_sum_body;
}

#[inline(always)]
fn matrix_sum_body<const FMA: bool>(
    x: &mut [[f64; 3]],
    y: &[[f64; 3]],
    w: &[f64],
    a: &[f64; 6],
    b: &[f64; 6],
) {
    let times = |m: &[f64; 6], v: &[f64; 3], sum: [f64; 3]| {
        [
            fma::<FMA>(
                m[0],
                v[0],
                fma::<FMA>(m[5], v[1], fma::<FMA>(m[4], v[2], sum[0])),
            ),
            fma::<FMA>(
                m[5],
                v[0],
                fma::<FMA>(m[1], v[1], fma::<FMA>(m[3], v[2], sum[1])),
            ),
            fma::<FMA>(
                m[4],
                v[0],
                fma::<FMA>(m[3], v[1], fma::<FMA>(m[2], v[2], sum[2])),
            ),
        ]
    };
    for (i, (x, y)) in x.iter_mut().zip(y).enumerate() {
        let w = if w.is_empty() { 1.0 } else { w[3 * i] };
        *x = times(a, x, times(b, &y.map(|y| w * y), [0.0; 3]));
    }
}

fn six(m: &Matrix3<f64>) -> [f64; 6] {
    [
        m[(0, 0)],
        m[(1, 1)],
        m[(2, 2)],
        m[(1, 2)],
        m[(0, 2)],
        m[(0, 1)],
    ]
}

/// x ← S x + h w R y for symmetric S and R; multiples of the identity take the short way.
fn strained(
    x: &mut [[f64; 3]],
    y: &[[f64; 3]],
    w: &[f64],
    s: &Matrix3<f64>,
    r: &Matrix3<f64>,
    h: f64,
) {
    let multiple = |m: &Matrix3<f64>| *m == Matrix3::identity() * m[(0, 0)];
    if multiple(s) && multiple(r) {
        scaled_sum(
            x.as_flattened_mut(),
            y.as_flattened(),
            w,
            s[(0, 0)],
            h * r[(0, 0)],
        );
    } else {
        matrix_sum(x, y, w, &six(s), &six(&(r * h)));
    }
}

/// v ← M (M v + h f/m): a kick of length `h` between two halves of the damping.
pub(super) fn kick_damped(
    v: &mut [[f64; 3]],
    f: &[[f64; 3]],
    inverse_masses: &[f64],
    half: &Matrix3<f64>,
    h: f64,
) {
    strained(v, f, inverse_masses, &(half * half), half, h);
}

/// x ← D (D x + h v): a drift of length `h` between two halves of the strain.
pub(super) fn drift_strained(x: &mut [[f64; 3]], v: &[[f64; 3]], half: &Matrix3<f64>, h: f64) {
    strained(x, v, &[], &(half * half), half, h);
}

/// x ← S x.
pub(super) fn transform(x: &mut [[f64; 3]], s: &Matrix3<f64>) {
    let m = six(s);
    for x in x {
        *x = [
            m[0] * x[0] + m[5] * x[1] + m[4] * x[2],
            m[5] * x[0] + m[1] * x[1] + m[3] * x[2],
            m[4] * x[0] + m[3] * x[1] + m[2] * x[2],
        ];
    }
}
