//! Whether the end of a relaxation is a minimum: the lowest curvature there, by Lanczos with differences of gradients.

use super::line_search::dot;
use super::objective::{Objective, Point};
use crate::potential::EvaluationError;
use crate::random::{Purpose, Stream};
use nalgebra::DMatrix;

/// Displacement (Å) of the atom that moves most in a difference of gradients.
const STEP: f64 = 0.01;
/// Most products of the Hessian with a vector.
const PRODUCTS: usize = 60;
/// A curvature below minus this part of the largest one makes a saddle.
const NEGATIVE: f64 = 1e-4;
/// The lowest curvature is known to this part of the largest one.
const PRECISION: f64 = 1e-3;

/// The lowest curvature of the energy at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Curvature {
    /// Second derivative (eV/Å^2) along the direction.
    pub lowest: f64,
    /// The largest one found, to compare with.
    pub largest: f64,
    /// How far (eV/Å^2) the lowest may be off.
    pub uncertainty: f64,
    /// Products of the Hessian with a vector; each takes two evaluations.
    pub products: usize,
    /// The direction, of unit length, in the space of what is varied: three numbers for each atom, then strains.
    pub direction: Vec<f64>,
}

impl Curvature {
    /// Whether the energy falls along the direction.
    pub fn is_saddle(&self) -> bool {
        self.lowest < -NEGATIVE * self.largest.abs()
    }
}

/// Finds the lowest curvature among what is free, without motions that change nothing.
pub(super) fn lowest(
    objective: &mut Objective<'_>,
    point: &Point,
) -> Result<Curvature, EvaluationError> {
    let n = point.x.len();
    let idle = idle_motions(objective, point);
    let clean = |v: &mut Vec<f64>, objective: &Objective<'_>| {
        for (x, held) in v.chunks_exact_mut(3).zip(&objective.settings().held) {
            (0..3).filter(|k| held[*k]).for_each(|k| x[k] = 0.0);
        }
        objective.symmetrise(v);
        for i in &idle {
            let part = dot(i, v);
            v.iter_mut().zip(i).for_each(|(v, i)| *v -= part * i);
        }
    };
    // The same start every time.
    let mut draws = Stream::new(0, Purpose::Displacement, 0, 0, 0);
    let mut v: Vec<f64> = (0..n).map(|_| draws.uniform() - 0.5).collect();
    clean(&mut v, objective);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut a, mut b): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut best = Curvature {
        lowest: 0.0,
        largest: 0.0,
        uncertainty: 0.0,
        products: 0,
        direction: vec![0.0; n],
    };
    loop {
        let length = dot(&v, &v).sqrt();
        // Nothing is left that was not looked at.
        if length.is_nan() || length < 1e-6 || basis.len() == PRODUCTS {
            return Ok(best);
        }
        v.iter_mut().for_each(|x| *x /= length);
        if !basis.is_empty() {
            b.push(length);
        }
        let mut w = product(objective, point, &v)?;
        clean(&mut w, objective);
        a.push(dot(&v, &w));
        basis.push(v);
        // Twice is enough to be orthogonal to all before.
        for _ in 0..2 {
            for u in &basis {
                let part = dot(u, &w);
                w.iter_mut().zip(u).for_each(|(w, u)| *w -= part * u);
            }
        }
        let m = a.len();
        let t = DMatrix::from_fn(m, m, |i, j| match i.abs_diff(j) {
            0 => a[i],
            1 => b[i.min(j)],
            _ => 0.0,
        });
        if t.iter().any(|x| !x.is_finite()) {
            return Ok(best);
        }
        let eigen = t.symmetric_eigen();
        let (low, value) = eigen.eigenvalues.argmin();
        let rest = dot(&w, &w).sqrt();
        let parts = eigen.eigenvectors.column(low);
        best = Curvature {
            lowest: value,
            largest: eigen.eigenvalues.max(),
            uncertainty: rest * eigen.eigenvectors[(m - 1, low)].abs(),
            products: m,
            direction: (0..n)
                .map(|i| basis.iter().zip(&parts).map(|(u, c)| u[i] * c).sum())
                .collect(),
        };
        let precise = best.uncertainty < PRECISION * best.largest.abs();
        let exhausted = rest < 1e-6 * best.largest.abs().max(1e-6);
        if (m >= 8 && precise) || exhausted {
            return Ok(best);
        }
        v = w;
    }
}

/// The Hessian times a vector of unit length.
fn product(
    objective: &mut Objective<'_>,
    point: &Point,
    v: &[f64],
) -> Result<Vec<f64>, EvaluationError> {
    let most = v.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let h = STEP / most.max(1e-12);
    let mut gradient = |sign: f64| {
        let x = point.x.iter().zip(v).map(|(x, v)| x + sign * h * v);
        let mut there = Point {
            x: x.collect(),
            ..Point::default()
        };
        objective.evaluate(&mut there).map(|()| there.gradient)
    };
    let (up, down) = (gradient(1.0)?, gradient(-1.0)?);
    Ok(up
        .iter()
        .zip(&down)
        .map(|(u, d)| (u - d) / (2.0 * h))
        .collect())
}

/// Translations, and rotations of what has no periodic direction: orthonormal. None where atoms are held or something acts from outside.
fn idle_motions(objective: &Objective<'_>, point: &Point) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    let held = objective.settings().held.iter().flatten().any(|h| *h);
    if held || objective.is_external() {
        return found;
    }
    let atoms = objective.system.atoms.len();
    let mut add = |motion: &dyn Fn(usize) -> [f64; 3]| {
        let mut v = vec![0.0; point.x.len()];
        for (i, v) in v[..3 * atoms].chunks_exact_mut(3).enumerate() {
            v.copy_from_slice(&motion(i));
        }
        let before = dot(&v, &v).sqrt();
        for u in &found {
            let part = dot(u, &v);
            v.iter_mut().zip(u).for_each(|(v, u)| *v -= part * u);
        }
        let length = dot(&v, &v).sqrt();
        // The rotation of a linear molecule about its axis is no motion.
        if length > 1e-4 * before.max(1.0) {
            v.iter_mut().for_each(|x| *x /= length);
            found.push(v);
        }
    };
    for k in 0..3 {
        add(&|_| std::array::from_fn(|d| f64::from(u8::from(d == k))));
    }
    if objective.reference().is_isolated() {
        let n = atoms as f64;
        let centre: [f64; 3] =
            std::array::from_fn(|k| (0..atoms).map(|i| point.x[3 * i + k]).sum::<f64>() / n);
        for k in 0..3 {
            let axis = std::array::from_fn(|d| f64::from(u8::from(d == k)));
            add(&|i| {
                let r = std::array::from_fn(|d| point.x[3 * i + d] - centre[d]);
                crate::vector::cross(axis, r)
            });
        }
    }
    found
}
