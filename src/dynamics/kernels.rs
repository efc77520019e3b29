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

/// Components of four atoms, which fill whole SIMD vectors.
const BLOCK: usize = 12;

/// A symmetric matrix as the weights of the five components around each component of a block: those that belong to the same
/// atom have its elements, the others zero. So the vectors of atoms need not be taken apart.
struct Taps([[f64; BLOCK]; 5]);

impl Taps {
    fn new(m: &Matrix3<f64>) -> Taps {
        Taps(std::array::from_fn(|d| {
            std::array::from_fn(|e| {
                let column = (e % 3 + d).checked_sub(2);
                column.filter(|c| *c < 3).map_or(0.0, |c| m[(e % 3, c)])
            })
        }))
    }
}

simd_dispatch! {
    /// x ← A x + w B y by atom; `w` is by component, or empty for 1; `y` may be empty for 0.
    fn matrix_sum(x: &mut [f64], y: &[f64], w: &[f64], a: &Taps, b: &Taps) = matrix_sum_body;
}

#[inline(always)]
fn matrix_sum_body<const FMA: bool>(x: &mut [f64], y: &[f64], w: &[f64], a: &Taps, b: &Taps) {
    let one = [1.0; BLOCK];
    let none = [0.0; BLOCK];
    let (xs, x_rest) = x.as_chunks_mut::<BLOCK>();
    let (ys, y_rest) = y.as_chunks::<BLOCK>();
    let (ws, w_rest) = w.as_chunks::<BLOCK>();
    for (k, x) in xs.iter_mut().enumerate() {
        block_sum::<FMA>(
            x,
            ys.get(k).unwrap_or(&none),
            ws.get(k).unwrap_or(&one),
            a,
            b,
        );
    }
    let n = x_rest.len();
    if n > 0 {
        let (mut x, mut y, mut w) = (none, none, one);
        x[..n].copy_from_slice(x_rest);
        y[..y_rest.len()].copy_from_slice(y_rest);
        w[..w_rest.len()].copy_from_slice(w_rest);
        block_sum::<FMA>(&mut x, &y, &w, a, b);
        x_rest.copy_from_slice(&x[..n]);
    }
}

#[inline(always)]
fn block_sum<const FMA: bool>(
    x: &mut [f64; BLOCK],
    y: &[f64; BLOCK],
    w: &[f64; BLOCK],
    a: &Taps,
    b: &Taps,
) {
    // Two more on either side, so that every component has five around it.
    let (mut xs, mut ys) = ([0.0; BLOCK + 4], [0.0; BLOCK + 4]);
    for e in 0..BLOCK {
        xs[e + 2] = x[e];
        ys[e + 2] = w[e] * y[e];
    }
    let mut sum = [0.0; BLOCK];
    for d in 0..5 {
        for e in 0..BLOCK {
            let own = fma::<FMA>(a.0[d][e], xs[e + d], sum[e]);
            sum[e] = fma::<FMA>(b.0[d][e], ys[e + d], own);
        }
    }
    *x = sum;
}

fn is_multiple(m: &Matrix3<f64>) -> bool {
    *m == Matrix3::identity() * m[(0, 0)]
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
    let (x, y) = (x.as_flattened_mut(), y.as_flattened());
    if is_multiple(s) && is_multiple(r) {
        scaled_sum(x, y, w, s[(0, 0)], h * r[(0, 0)]);
    } else {
        matrix_sum(x, y, w, &Taps::new(s), &Taps::new(&(r * h)));
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

/// x ← S x for symmetric S.
pub(super) fn transform(x: &mut [[f64; 3]], s: &Matrix3<f64>) {
    if is_multiple(s) {
        let factor = s[(0, 0)];
        x.as_flattened_mut().iter_mut().for_each(|x| *x *= factor);
    } else {
        let taps = Taps::new(s);
        matrix_sum(x.as_flattened_mut(), &[], &[], &taps, &taps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;

    #[test]
    fn strains_of_any_number_of_atoms() {
        let s = Matrix3::new(1.1, 0.2, -0.3, 0.2, 0.9, 0.05, -0.3, 0.05, 1.3);
        for n in 1..10 {
            let vector = |i: usize, c: f64| {
                let t = i as f64 + c;
                [t.sin(), (1.7 * t).cos(), 0.1 * t]
            };
            let x: Vec<[f64; 3]> = (0..n).map(|i| vector(i, 0.0)).collect();
            let y: Vec<[f64; 3]> = (0..n).map(|i| vector(i, 50.0)).collect();
            let w: Vec<f64> = (0..3 * n).map(|i| 1.0 / (1.0 + (i / 3) as f64)).collect();
            let mut kicked = x.clone();
            kick_damped(&mut kicked, &y, &w, &s, 0.3);
            let mut moved = x.clone();
            drift_strained(&mut moved, &y, &s, 0.3);
            let mut scaled = x.clone();
            transform(&mut scaled, &s);
            for i in 0..n {
                let [x, y] = [x[i], y[i]].map(Vector3::from);
                let exact = [
                    (kicked[i], s * (s * x + y * (0.3 * w[3 * i]))),
                    (moved[i], s * (s * x + y * 0.3)),
                    (scaled[i], s * x),
                ];
                for (found, exact) in exact {
                    assert!((Vector3::from(found) - exact).amax() < 1e-14, "{n} {i}");
                }
            }
        }
    }
}
