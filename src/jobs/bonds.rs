//! Which atom is bonded to which.

use crate::elements::Element;
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
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
    let widest = atoms.elements.iter().map(|e| e.covalent_radius());
    let cutoff = 2.0 * widest.fold(0.0, f64::max) + SLACK;
    let request = NeighbourRequest {
        cutoff,
        kind: ListKind::Full,
        chunk: 1024,
        grain: 256,
    };
    let mut list = NeighbourList::new();
    list.build(system.configuration(), request, cutoff).ok()?;
    // The nearest, and of two at the same distance the first, whatever the order of the list.
    let mut partner: Vec<Option<(f64, usize)>> = vec![None; atoms.len()];
    for pair in list.iter_pairs() {
        let (i, j) = (pair.i as usize, pair.j as usize);
        let (a, b) = (atoms.elements[i], atoms.elements[j]);
        if !chosen(a) || chosen(b) {
            continue;
        }
        let t = system.cell.translation(pair.shift);
        let (x, y) = (atoms.positions[i], atoms.positions[j]);
        let square: f64 = (0..3).map(|k| (y[k] + t[k] - x[k]).powi(2)).sum();
        let r = square.sqrt();
        let nearer = partner[i].is_none_or(|best| (r, j) < best);
        if r <= reach(a, b) && nearer {
            partner[i] = Some((r, j));
        }
    }
    Some(partner.into_iter().map(|p| p.map(|p| p.1)).collect())
}
