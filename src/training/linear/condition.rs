//! The condition number of a triangle.

use super::fold::{add, dot};

/// Steps of the power iterations: they give the order of magnitude, which is all that is asked for.
const STEPS: usize = 12;

/// Largest over smallest singular value of an upper triangle of order `n` (columns of `n` numbers), from power iterations with
/// RᵀR and its inverse; an estimate from below. Infinite for a singular triangle.
pub(super) fn estimate(triangle: &[f64], n: usize) -> f64 {
    if n == 0 {
        return 1.0;
    }
    let column = |k: usize| &triangle[k * n..k * n + k + 1];
    let start = || -> Vec<f64> { (0..n).map(|k| 1.0 + 0.5 * (k as f64).sin()).collect() };
    let mut x = start();
    let mut largest = 0.0;
    for _ in 0..STEPS {
        let norm = dot(&x, &x).sqrt();
        let mut y = vec![0.0; n];
        for k in 0..n {
            add(x[k] / norm, column(k), &mut y[..=k]);
        }
        for k in 0..n {
            x[k] = dot(column(k), &y[..=k]);
        }
        largest = dot(&y, &y).sqrt();
    }
    let mut x = start();
    let mut inverse = 0.0;
    for _ in 0..STEPS {
        let norm = dot(&x, &x).sqrt();
        x.iter_mut().for_each(|x| *x /= norm);
        for k in 0..n {
            let c = column(k);
            x[k] = (x[k] - dot(&c[..k], &x[..k])) / c[k];
        }
        inverse = dot(&x, &x).sqrt();
        for k in (0..n).rev() {
            let c = column(k);
            x[k] /= c[k];
            let (before, rest) = x.split_at_mut(k);
            add(-rest[0], &c[..k], before);
        }
    }
    let estimate = largest * inverse;
    if estimate.is_finite() {
        estimate
    } else {
        f64::INFINITY
    }
}
