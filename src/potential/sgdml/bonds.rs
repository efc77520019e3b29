//! Which atoms are bonded: closer than 1.3 times the sum of their covalent radii.

use crate::elements::Element;
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use crate::system::Configuration;

/// Thermal motion stretches bonds by less than this factor, and atoms that are not bonded are further apart.
const STRETCH: f64 = 1.3;

/// The longest distance (Å) at which two elements count as bonded.
pub(super) fn longest_bond(a: Element, b: Element) -> f64 {
    STRETCH * (a.covalent_radius() + b.covalent_radius())
}

/// The bonded atoms of each atom, in ascending order; `None` when a position is no number or the cell is tiny.
pub(super) fn bonds(c: Configuration<'_>) -> Option<Vec<Vec<usize>>> {
    let mut bonded = vec![Vec::new(); c.positions.len()];
    let longest = c
        .elements
        .iter()
        .map(|e| longest_bond(*e, *e))
        .fold(0.0, f64::max);
    let request = NeighbourRequest {
        cutoff: longest,
        kind: ListKind::Half,
        chunk: 1024,
        grain: 256,
    };
    let mut list = NeighbourList::new();
    list.build(c, request, longest).ok()?;
    for pair in list.iter_pairs() {
        let (i, j) = (pair.i as usize, pair.j as usize);
        let t = c.cell.translation(pair.shift);
        let (x, y) = (c.positions[i], c.positions[j]);
        let r2: f64 = (0..3).map(|a| (y[a] + t[a] - x[a]).powi(2)).sum();
        let limit = longest_bond(c.elements[i], c.elements[j]);
        if i != j && r2 < limit * limit {
            bonded[i].push(j);
            bonded[j].push(i);
        }
    }
    for list in &mut bonded {
        list.sort_unstable();
        list.dedup();
    }
    Some(bonded)
}

/// The atoms of each connected part of a graph, ascending, in the order of their first atoms.
pub(super) fn components(bonded: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; bonded.len()];
    let mut parts = Vec::new();
    for start in 0..bonded.len() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let mut part = vec![start];
        let mut next = 0;
        while next < part.len() {
            for &other in &bonded[part[next]] {
                if !std::mem::replace(&mut seen[other], true) {
                    part.push(other);
                }
            }
            next += 1;
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}
