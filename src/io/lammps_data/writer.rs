//! Writing a data file.

use super::LammpsUnits;
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::io::frame::Frame;
use crate::io::writing::{preimage, push_real};
use crate::system::{Cell, System};
use crate::units::TIME_FS;
use nalgebra::{RowVector3, Vector3};
use std::io::Write as _;

/// Appends the file.
pub(in crate::io) fn render(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let System { cell, atoms } = &frame.system;
    if Cell::new(cell.row_vectors(), [true; 3]).is_err() {
        return Err(Error::input(
            "LAMMPS data",
            "this format needs a box, and the system has fewer than three cell vectors",
        )
        .advise("give the system a Lattice with room around it, or write extended XYZ"));
    }
    if !cell.is_bulk() {
        log::warn!(
            "a LAMMPS data file cannot say that a direction is not periodic; name it in the `boundary` command"
        );
    }
    let (h, turn) = restricted(cell.row_vectors());
    let turned = |v: [f64; 3]| match &turn {
        None => v,
        Some(axes) => axes.map(|e| e.dot(&RowVector3::from(v))),
    };
    let mut types: Vec<Species> = Vec::new();
    let kinds: Vec<usize> = (0..atoms.len())
        .map(|i| {
            let species = atoms.species(i);
            types.iter().position(|t| *t == species).unwrap_or_else(|| {
                types.push(species);
                types.len() - 1
            })
        })
        .collect();
    // Writing to memory cannot fail, so the results are dropped.
    let _ = write!(
        out,
        "written by zundel, units = metal\n\n{} atoms\n{} atom types\n\n",
        atoms.len(),
        types.len()
    );
    for (k, axis) in ["x", "y", "z"].into_iter().enumerate() {
        let _ = writeln!(out, "0.0 {:?} {axis}lo {axis}hi", h[k][k]);
    }
    if [h[1][0], h[2][0], h[2][1]] != [0.0; 3] {
        let _ = writeln!(out, "{:?} {:?} {:?} xy xz yz", h[1][0], h[2][0], h[2][1]);
    }
    out.extend_from_slice(b"\nMasses\n\n");
    for (k, species) in types.iter().enumerate() {
        let _ = writeln!(out, "{} {:?} # {}", k + 1, species.mass, species.name());
    }
    out.extend_from_slice(b"\nAtoms # atomic\n\n");
    for (i, kind) in kinds.iter().enumerate() {
        let _ = write!(out, "{} {}", i + 1, kind + 1);
        turned(atoms.positions[i])
            .into_iter()
            .for_each(|x| push_real(x, out));
        out.push(b'\n');
    }
    if frame.has_velocities {
        out.extend_from_slice(b"\nVelocities\n\n");
        for (i, v) in atoms.velocities.iter().enumerate() {
            let _ = write!(out, "{}", i + 1);
            for v in turned(*v) {
                push_real(
                    preimage(v * 1000.0 / TIME_FS, v, |x| LammpsUnits::Metal.velocity(x)),
                    out,
                );
            }
            out.push(b'\n');
        }
    }
    Ok(())
}

/// The cell with a along x, b in the xy plane and all three diagonal elements positive; and the new axes in the old
/// frame, unless the cell is that already. A left-handed cell gets c inverted.
fn restricted(rows: [[f64; 3]; 3]) -> ([[f64; 3]; 3], Option<[RowVector3<f64>; 3]>) {
    let upper = [rows[0][1], rows[0][2], rows[1][2]] == [0.0; 3];
    if upper && rows[0][0] > 0.0 && rows[1][1] > 0.0 && rows[2][2] != 0.0 {
        let flip = if rows[2][2] < 0.0 { -1.0 } else { 1.0 };
        return ([rows[0], rows[1], rows[2].map(|x| flip * x)], None);
    }
    let [a, b, c] = rows.map(Vector3::from);
    let e1 = a.normalize();
    let e3 = a.cross(&b).normalize();
    let e2 = e3.cross(&e1).normalize();
    let c = if c.dot(&e3) < 0.0 { -c } else { c };
    let h = [
        [a.norm(), 0.0, 0.0],
        [b.dot(&e1), b.dot(&e2), 0.0],
        [c.dot(&e1), c.dot(&e2), c.dot(&e3)],
    ];
    (h, Some([e1, e2, e3].map(|e| e.transpose())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restricted_cells_keep_lengths_angles_and_handedness() {
        for rows in [
            [[0.0, 2.7, 2.7], [2.7, 0.0, 2.7], [2.7, 2.7, 0.0]],
            [[-3.0, 0.1, 0.0], [0.3, 4.0, 1.0], [0.0, 0.2, -5.0]],
            [[3.0, 0.0, 0.0], [1.0, 4.0, 0.0], [0.5, 0.2, -5.0]],
        ] {
            let (h, turn) = restricted(rows);
            assert!(h[0][0] > 0.0 && h[1][1] > 0.0 && h[2][2] > 0.0);
            assert_eq!([h[0][1], h[0][2], h[1][2]], [0.0; 3]);
            let dot = |m: &[[f64; 3]; 3], i: usize, j: usize| {
                (0..3).map(|k| m[i][k] * m[j][k]).sum::<f64>()
            };
            for (i, j) in [(0, 0), (1, 1), (2, 2), (0, 1)] {
                assert!((dot(&h, i, j) - dot(&rows, i, j)).abs() < 1e-12);
            }
            for i in 0..2 {
                assert!((dot(&h, i, 2).abs() - dot(&rows, i, 2).abs()).abs() < 1e-12);
            }
            if let Some([x, y, z]) = turn {
                assert!((x.cross(&y) - z).norm() < 1e-14);
            }
        }
    }
}
