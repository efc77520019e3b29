//! Building larger systems from smaller ones.

use super::{Atoms, System};
use crate::error::{Error, Result};
use nalgebra::Matrix3;

/// A system whose volume is multiplied, with the atoms where that takes them.
///
/// Errors when that makes no cell: a ratio that is no positive number.
pub fn dilated(system: &System, ratio: f64) -> Result<System> {
    let mut dilated = system.clone();
    let f = ratio.cbrt();
    dilated.cell = dilated
        .cell
        .deformed(&(Matrix3::identity() * f))
        .map_err(|why| Error::Bug(format!("a scaled cell: {why}")))?;
    for x in dilated.atoms.positions.as_flattened_mut() {
        *x *= f;
    }
    Ok(dilated)
}

/// Repeats a system `n` times along each cell vector. Atom k of copy (a, b, c) is the ((a·nb + b)·nc + c)·N + k-th.
///
/// Errors when a direction without periodicity is repeated, a count is zero, or more than 2^31 atoms would result.
pub fn repeat(system: &System, n: [usize; 3]) -> Result<System> {
    let names = ["first", "second", "third"];
    for k in 0..3 {
        if n[k] == 0 {
            return Err(Error::input(
                "repeat",
                format!("the {} count is zero; it must be at least 1", names[k]),
            ));
        }
        if n[k] > 1 && !system.cell.periodic()[k] {
            return Err(Error::input(
                "repeat",
                format!(
                    "the {} direction is not periodic, so it cannot be repeated {} times",
                    names[k], n[k]
                ),
            )
            .advise("write 1 for that direction, or make it periodic in the structure file"));
        }
    }
    let copies = n.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    let total = copies.and_then(|c| c.checked_mul(system.atoms.len()));
    let (Some(copies), Some(_)) = (copies, total.filter(|&t| t < 1 << 31)) else {
        return Err(Error::input(
            "repeat",
            "the repeated system would have more than 2 147 483 647 atoms",
        ));
    };
    let mut atoms = Atoms::default();
    for c in 0..copies {
        let shift = [c / (n[1] * n[2]), c / n[2] % n[1], c % n[2]].map(|s| s as i32);
        let t = system.cell.translation(shift);
        atoms.elements.extend_from_slice(&system.atoms.elements);
        atoms.masses.extend_from_slice(&system.atoms.masses);
        atoms.velocities.extend_from_slice(&system.atoms.velocities);
        atoms.positions.extend(
            system
                .atoms
                .positions
                .iter()
                .map(|x| [x[0] + t[0], x[1] + t[1], x[2] + t[2]]),
        );
    }
    let cell = system
        .cell
        .repeated(n)
        .map_err(|e| Error::input("repeat", e))?;
    Ok(System { cell, atoms })
}
