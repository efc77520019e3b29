//! Which atoms are bonded: closer than 1.3 times the sum of their covalent radii.

use crate::elements::Element;
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use crate::system::Configuration;

/// Thermal motion stretches bonds by less than this factor, and atoms that are not bonded are further apart.
const STRETCH: f64 = 1.3;

/// Covalent radii (pm) of the elements 1 to 96: Cordero et al., Dalton Trans. 2832 (2008).
const RADII: [u16; 96] = [
    31, 28, 128, 96, 84, 76, 71, 66, 57, 58, 166, 141, 121, 111, 107, 105, 102, 106, 203, 176, 170,
    160, 153, 139, 139, 132, 126, 124, 132, 122, 122, 120, 119, 120, 120, 116, 220, 195, 190, 175,
    164, 154, 147, 146, 142, 139, 145, 144, 142, 139, 139, 138, 139, 140, 244, 215, 207, 204, 203,
    201, 199, 198, 198, 196, 194, 192, 192, 189, 190, 187, 187, 175, 170, 162, 151, 144, 141, 136,
    136, 132, 145, 146, 148, 140, 150, 150, 260, 221, 215, 206, 200, 196, 190, 187, 180, 169,
];

/// Covalent radius (Å); that of curium for heavier elements.
fn radius(e: Element) -> f64 {
    f64::from(RADII[usize::from(e.number() - 1).min(RADII.len() - 1)]) * 0.01
}

/// The longest distance (Å) at which two elements count as bonded.
pub(super) fn longest_bond(a: Element, b: Element) -> f64 {
    STRETCH * (radius(a) + radius(b))
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
