//! The crystal and its force constants in the formats of phonopy, which then reads what was found here.

use crate::error::Result;
use crate::system::System;
use crate::vibrations::phonons::{ForceConstants, Supercell};
use nalgebra::Matrix3;
use std::fmt::Write;

/// `phonopy.yaml`: unit cell, supercell and primitive cell.
pub(super) fn yaml(crystal: &Supercell) -> Result<String> {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Written by zundel {}. Read by phonopy.load together with the file of force constants.",
        env!("CARGO_PKG_VERSION")
    );
    out.push_str("phonopy:\n  calculator: vasp\n  frequency_unit_conversion_factor: 15.633302\n");
    out.push_str("physical_unit:\n  atomic_mass: \"AMU\"\n  length: \"angstrom\"\n  force_constants: \"eV/angstrom^2\"\n");
    out.push_str("supercell_matrix:\n");
    for (k, n) in crystal.repeat.iter().enumerate() {
        let row: [usize; 3] = std::array::from_fn(|j| if j == k { *n } else { 0 });
        let _ = writeln!(out, "- [ {}, {}, {} ]", row[0], row[1], row[2]);
    }
    // Columns are the primitive vectors in terms of those of the unit cell.
    let primitive = Matrix3::from_fn(|i, j| crystal.group.primitive[i][j]);
    let fractions = (primitive * crystal.unit.cell.inverse()).transpose();
    out.push_str("primitive_matrix:\n");
    for i in 0..3 {
        let row: Vec<String> = (0..3)
            .map(|j| format!("{:.15}", fractions[(i, j)]))
            .collect();
        let _ = writeln!(out, "- [ {} ]", row.join(", "));
    }
    cell(&mut out, "unit_cell", &crystal.unit);
    cell(&mut out, "primitive_cell", &crystal.primitive_cell()?);
    Ok(out)
}

fn cell(out: &mut String, name: &str, system: &System) {
    let _ = writeln!(out, "{name}:\n  lattice:");
    for row in system.cell.row_vectors() {
        let _ = writeln!(
            out,
            "  - [ {:.15}, {:.15}, {:.15} ]",
            row[0], row[1], row[2]
        );
    }
    out.push_str("  points:\n");
    let atoms = &system.atoms;
    for i in 0..atoms.len() {
        let s = system.cell.fractional(atoms.positions[i]);
        let _ = writeln!(
            out,
            "  - symbol: {}\n    coordinates: [ {:.15}, {:.15}, {:.15} ]\n    mass: {:.9}",
            atoms.elements[i].symbol(),
            s[0],
            s[1],
            s[2],
            atoms.masses[i]
        );
    }
}

/// `FORCE_CONSTANTS`: all pairs of atoms of the supercell, in phonopy's order of atoms (an atom of the unit cell with all its copies, the
/// first vector running fastest).
pub(super) fn force_constants(crystal: &Supercell, constants: &ForceConstants) -> Result<String> {
    let unit = crystal.unit.atoms.len();
    let [na, nb, nc] = crystal.repeat;
    let order: Vec<usize> = (0..unit)
        .flat_map(|k| {
            (0..nc * nb * na).map(move |c| {
                let (a, b, c) = (c % na, c / na % nb, c / (na * nb));
                ((a * nb + b) * nc + c) * unit + k
            })
        })
        .collect();
    let mut out = format!("{} {}\n", order.len(), order.len());
    for (i, &from) in order.iter().enumerate() {
        let row = constants.row(crystal, from)?;
        for (j, &to) in order.iter().enumerate() {
            let _ = writeln!(out, "{} {}", i + 1, j + 1);
            for a in 0..3 {
                let m = &row[to];
                let _ = writeln!(
                    out,
                    "{:22.15} {:22.15} {:22.15}",
                    m[(a, 0)],
                    m[(a, 1)],
                    m[(a, 2)]
                );
            }
        }
    }
    Ok(out)
}
