//! Which atom is bonded to which.

use crate::elements::Element;
use crate::molecules::bonds;
use crate::system::System;

/// Bonds may be longer than the sum of the covalent radii by this (Å).
const SLACK: f64 = 0.4;

/// For each atom of the chosen elements the atom that it is bonded to: the nearest of another element (that is not chosen)
/// within the sum of the covalent radii and 0.4 Å.
///
/// None when neighbours cannot be listed: a position is not finite, or the cell is far too small.
pub fn partners(system: &System, chosen: impl Fn(Element) -> bool) -> Option<Vec<Option<usize>>> {
    let atoms = &system.atoms;
    let reach = |a: Element, b: Element| a.covalent_radius() + b.covalent_radius() + SLACK;
    let bonds = bonds(system.configuration(), reach).ok()?;
    // The nearest, and of two at the same distance the first.
    let mut partner: Vec<Option<(f64, usize)>> = vec![None; atoms.len()];
    for bond in bonds.iter().flat_map(|b| [*b, b.reversed()]) {
        let (i, j) = (bond.i as usize, bond.j as usize);
        if !chosen(atoms.elements[i]) || chosen(atoms.elements[j]) {
            continue;
        }
        let t = system.cell.translation(bond.shift);
        let (x, y) = (atoms.positions[i], atoms.positions[j]);
        let square: f64 = (0..3).map(|k| (y[k] + t[k] - x[k]).powi(2)).sum();
        let r = square.sqrt();
        if partner[i].is_none_or(|best| (r, j) < best) {
            partner[i] = Some((r, j));
        }
    }
    Some(partner.into_iter().map(|p| p.map(|p| p.1)).collect())
}
