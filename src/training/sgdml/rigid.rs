//! Motions that change no distance, taken out of the linear equations.
//!
//! The kernel between the forces of two geometries is J_iᵀ H J_j, and J_j takes rigid motions of geometry j to zero. In a basis
//! of each geometry's other 3n - 6 directions (3n - 3 in a cell) the equations are the same, since these bases are orthonormal and
//! the regularisation is a multiple of the identity, and smaller: nine atoms leave 21 unknowns of 27, less than half of the work
//! of the Cholesky factorisation. What is left out, (components of the labels along rigid motions)/λ, is multiplied by zero
//! in every prediction.

use crate::vector::inner;

/// A rigid rotation whose part that is independent of the others is shorter than this (of the largest) is none.
const INDEPENDENT: f64 = 1e-6;

/// The internal directions of geometries: as many for each, rows of 3n numbers.
pub(super) struct Internal {
    /// Directions of each geometry.
    pub rank: usize,
    /// Geometry by geometry, direction by direction, 3n numbers each.
    pub directions: Vec<Vec<f64>>,
}

impl Internal {
    /// Finds the directions; in a periodic cell only translations are rigid.
    pub fn new(positions: &[Vec<[f64; 3]>], periodic: bool) -> Internal {
        let all: Vec<Vec<Vec<f64>>> = positions.iter().map(|x| rigid(x, periodic)).collect();
        // The same number for all: a geometry with more rigid directions (a straight molecule) keeps some of them.
        let taken = all.iter().map(Vec::len).min().unwrap_or(0);
        let rank = positions.first().map_or(0, |x| 3 * x.len()) - taken;
        let directions = all.iter().map(|r| complement(&r[..taken])).collect();
        Internal { rank, directions }
    }
}

/// Orthonormal rigid motions of a geometry: translations, then rotations, the most independent ones first.
fn rigid(x: &[[f64; 3]], periodic: bool) -> Vec<Vec<f64>> {
    let n = x.len();
    let mut found: Vec<Vec<f64>> = Vec::new();
    let share = 1.0 / (n as f64).sqrt();
    for a in 0..3 {
        let mut v = vec![0.0; 3 * n];
        (0..n).for_each(|i| v[3 * i + a] = share);
        found.push(v);
    }
    if periodic {
        return found;
    }
    let centre: [f64; 3] = std::array::from_fn(|a| x.iter().map(|x| x[a]).sum::<f64>() / n as f64);
    let mut left: Vec<Vec<f64>> = (0..3)
        .map(|axis| {
            let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut v = vec![0.0; 3 * n];
            for (i, x) in x.iter().enumerate() {
                v[3 * i + c] = x[b] - centre[b];
                v[3 * i + b] = centre[c] - x[c];
            }
            v
        })
        .collect();
    let largest = left.iter().map(|v| norm(v)).fold(0.0, f64::max);
    for _ in 0..3 {
        // Twice, since the first time leaves rounding of the size of what was taken away.
        for v in &mut left {
            remove(v, &found);
            remove(v, &found);
        }
        let (at, length) = left
            .iter()
            .map(|v| norm(v))
            .enumerate()
            .fold((0, -1.0), |m, x| if x.1 > m.1 { x } else { m });
        if length <= INDEPENDENT * largest {
            break;
        }
        let mut v = left.swap_remove(at);
        v.iter_mut().for_each(|v| *v /= length);
        found.push(v);
    }
    found
}

/// Orthonormal rows that complete orthonormal ones to a basis, by Householder reflections.
fn complement(given: &[Vec<f64>]) -> Vec<f64> {
    let size = given.first().map_or(0, Vec::len);
    let mut columns: Vec<Vec<f64>> = given.to_vec();
    let mut reflectors: Vec<Vec<f64>> = Vec::new();
    for k in 0..columns.len() {
        let mut h = columns[k].clone();
        h[..k].fill(0.0);
        let length = norm(&h);
        h[k] += if h[k] < 0.0 { -length } else { length };
        let scale = (2.0f64).sqrt() / norm(&h);
        h.iter_mut().for_each(|h| *h *= scale);
        columns.iter_mut().for_each(|c| reflect(c, &h));
        reflectors.push(h);
    }
    // The product of the reflections takes unit vectors to a basis of which the first are the given ones.
    let mut rows = Vec::with_capacity((size - given.len()) * size);
    for s in given.len()..size {
        let mut v = vec![0.0; size];
        v[s] = 1.0;
        reflectors.iter().rev().for_each(|h| reflect(&mut v, h));
        rows.extend(v);
    }
    rows
}

fn reflect(v: &mut [f64], h: &[f64]) {
    let p = inner(v, h);
    v.iter_mut().zip(h).for_each(|(v, h)| *v -= p * h);
}

fn remove(v: &mut [f64], directions: &[Vec<f64>]) {
    for d in directions {
        let p = inner(v, d);
        v.iter_mut().zip(d).for_each(|(v, d)| *v -= p * d);
    }
}

fn norm(v: &[f64]) -> f64 {
    inner(v, v).sqrt()
}
