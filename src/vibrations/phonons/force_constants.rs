//! Force constants from the forces in displaced supercells.
//!
//! An entry Φ(i, j) = d²E/dx_i dx_j is found for each displaced atom from the forces of its own displacements and of those
//! that the symmetry of its site makes of them, by least squares, and is carried to equivalent atoms by the space group
//! (Parlinski, Li, Kawazoe, Phys. Rev. Lett. 78, 4063 (1997); Togo, Tanaka, Scr. Mater. 108, 1 (2015)).

use super::displacements::Displacement;
use super::supercell::Supercell;
use crate::error::{Error, Result};
use nalgebra::{Matrix3, Vector3};

/// Force constants of the atoms of the primitive cell with all atoms of the supercell (eV/Å^2).
#[derive(Clone, Debug)]
pub struct ForceConstants {
    /// One row for each atom of the primitive cell: `rows[k][j]` = d²E / dx_k dx_j.
    pub rows: Vec<Vec<Matrix3<f64>>>,
    /// The largest entry of a sum over all atoms, before the acoustic sum rule was imposed: moving the whole crystal costs
    /// nothing.
    pub drift: f64,
    /// The largest difference between Φ(i, j) and the transpose of Φ(j, i) before they were made equal.
    pub asymmetry: f64,
}

/// The force constants from displacements and the forces (eV/Å) on all atoms of the supercell under each.
pub fn force_constants(
    crystal: &Supercell,
    displacements: &[Displacement],
    forces: &[Vec<[f64; 3]>],
) -> Result<ForceConstants> {
    let atoms = crystal.system.atoms.len();
    // Columns: the response of every atom to the displacement of a representative.
    let mut columns: Vec<(usize, Vec<Matrix3<f64>>)> = Vec::new();
    for atom in crystal.representatives() {
        let sites = crystal.site_symmetries(atom)?;
        let mut normal = Matrix3::zeros();
        let mut mixed = vec![Matrix3::zeros(); atoms];
        let mine = displacements.iter().zip(forces);
        for (d, f) in mine.filter(|(d, _)| d.atom == atom) {
            for site in &sites {
                let u = site.cartesian * Vector3::from(d.by);
                normal += u * u.transpose();
                for (j, &to) in site.permutation.iter().enumerate() {
                    mixed[to] -= site.cartesian * Vector3::from(f[j]) * u.transpose();
                }
            }
        }
        let inverse = normal.try_inverse().ok_or_else(|| {
            Error::Bug(format!(
                "the displacements of atom {atom} do not span space"
            ))
        })?;
        // Φ(j, atom) for all j.
        columns.push((atom, mixed.into_iter().map(|m| m * inverse).collect()));
    }
    let mut rows = Vec::with_capacity(crystal.primitive.len());
    for &atom in &crystal.primitive {
        let (from, number) = crystal.representative(atom);
        let column = columns.iter().find(|c| c.0 == from);
        let Some((_, column)) = column else {
            return Err(Error::Bug(format!("atom {from} was not displaced")));
        };
        let symmetry = crystal.symmetry(number, from, atom)?;
        let turn = symmetry.cartesian;
        let mut row = vec![Matrix3::zeros(); atoms];
        for (j, &to) in symmetry.permutation.iter().enumerate() {
            // Φ(atom, to) is the transpose of Φ(to, atom).
            row[to] = (turn * column[j] * turn.transpose()).transpose();
        }
        rows.push(row);
    }
    let mut constants = ForceConstants {
        rows,
        drift: 0.0,
        asymmetry: 0.0,
    };
    constants.symmetrise(crystal)?;
    Ok(constants)
}

impl ForceConstants {
    /// Makes Φ(i, j) the transpose of Φ(j, i), then imposes the acoustic sum rule by the constants of each atom with itself.
    fn symmetrise(&mut self, crystal: &Supercell) -> Result<()> {
        for row in &self.rows {
            let sum: Matrix3<f64> = row.iter().sum();
            self.drift = self.drift.max(sum.amax());
        }
        let x = &crystal.system.atoms.positions;
        let mut symmetric = self.rows.clone();
        for (k, row) in symmetric.iter_mut().enumerate() {
            let here = Vector3::from(x[crystal.primitive[k]]);
            for (j, entry) in row.iter_mut().enumerate() {
                // By a lattice translation j comes to an atom of the primitive cell, and atom k somewhere else.
                let other = crystal.class_of(j);
                let shift = Vector3::from(x[crystal.primitive[other]]) - Vector3::from(x[j]);
                let partner = crystal.atom_at(here + shift)?;
                let transposed = self.rows[other][partner].transpose();
                self.asymmetry = self.asymmetry.max((*entry - transposed).amax());
                *entry = (*entry + transposed) * 0.5;
            }
        }
        for (k, row) in symmetric.iter_mut().enumerate() {
            let own = crystal.primitive[k];
            let sum: Matrix3<f64> = row.iter().sum();
            row[own] -= (sum + sum.transpose()) * 0.5;
        }
        self.rows = symmetric;
        Ok(())
    }

    /// The constants of any atom of the unit cell with all atoms of the supercell, from those of the primitive cell.
    pub fn row(&self, crystal: &Supercell, atom: usize) -> Result<Vec<Matrix3<f64>>> {
        let x = &crystal.system.atoms.positions;
        let k = crystal.class_of(atom);
        let shift = Vector3::from(x[crystal.primitive[k]]) - Vector3::from(x[atom]);
        (0..crystal.system.atoms.len())
            .map(|j| {
                let there = crystal.atom_at(Vector3::from(x[j]) + shift)?;
                Ok(self.rows[k][there])
            })
            .collect()
    }
}
