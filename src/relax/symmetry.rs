//! A start that has its symmetry to the last digits.

use crate::error::Result;
use crate::system::{Cell, SpaceGroup, System};
use nalgebra::{Matrix3, Vector3};

/// Finds the space group within a tolerance (Å) and moves cell and atoms onto it. Returns the group of the refined system.
pub(super) fn refine(system: &mut System, tolerance: f64) -> Result<SpaceGroup> {
    let group = SpaceGroup::of(system, tolerance)?;
    let before = system.cell.clone();
    let fractional: Vec<Vector3<f64>> = system
        .atoms
        .positions
        .iter()
        .map(|x| Vector3::from(before.fractional(*x)))
        .collect();
    // Every operation says where an atom should be by the place of another.
    let share = 1.0 / group.operations.len() as f64;
    let mut shift = vec![Vector3::zeros(); fractional.len()];
    let mut metric = Matrix3::zeros();
    let h = *before.basis();
    let g = h * h.transpose();
    for o in &group.operations {
        let w = Matrix3::from_fn(|i, j| f64::from(o.rotation[i][j]));
        for (s, &to) in fractional.iter().zip(&o.permutation) {
            let d = w * s + Vector3::from(o.translation) - fractional[to];
            shift[to] += d.map(|x| x - x.round()) * share;
        }
        metric += w.transpose() * g * w * share;
    }
    // The stretch S, symmetric, with (h S)(h S)^T = metric.
    let inverse = before.inverse();
    let square = inverse * metric * inverse.transpose();
    let eigen = (0.5 * (square + square.transpose())).symmetric_eigen();
    let root = Matrix3::from_diagonal(&eigen.eigenvalues.map(|x| x.max(0.0).sqrt()));
    let stretch = eigen.eigenvectors * root * eigen.eigenvectors.transpose();
    let cell: Cell = before
        .deformed(&stretch)
        .map_err(|why| crate::error::Error::input("symmetry", why))?;
    for ((x, s), d) in system
        .atoms
        .positions
        .iter_mut()
        .zip(&fractional)
        .zip(&shift)
    {
        *x = cell.cartesian((s + d).into());
    }
    system.cell = cell;
    SpaceGroup::of(system, tolerance)
}
