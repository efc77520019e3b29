//! Which atoms are bonded: closer than a factor times the sum of their covalent radii.

use crate::elements::Element;
use crate::neighbours::{BuildError, ListKind, NeighbourList, NeighbourRequest};
use crate::system::Configuration;

/// Thermal motion stretches bonds by less than this factor, and atoms that are not bonded are further apart.
pub const STRETCH: f64 = 1.3;

/// A bond: atom j, moved by `shift` cell vectors, is bonded to atom i.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bond {
    /// One end.
    pub i: u32,
    /// The other end.
    pub j: u32,
    /// Cell vectors to be added to the position of `j`.
    pub shift: [i32; 3],
}

impl Bond {
    /// The same bond seen from its other end.
    pub fn reversed(self) -> Bond {
        Bond {
            i: self.j,
            j: self.i,
            shift: self.shift.map(|s| -s),
        }
    }
}

/// The longest distance (Å) at which two elements count as bonded.
pub fn longest_bond(a: Element, b: Element) -> f64 {
    STRETCH * (a.covalent_radius() + b.covalent_radius())
}

/// All pairs within the distance (Å) that `longest` gives for their elements: i < j, or an atom and its own image, in rising
/// order.
///
/// Errors when a position is no number, or the cell is far too small to list neighbours.
pub fn bonds(
    c: Configuration<'_>,
    longest: impl Fn(Element, Element) -> f64,
) -> Result<Vec<Bond>, BuildError> {
    let mut present: Vec<Element> = Vec::new();
    for e in c.elements {
        if !present.contains(e) {
            present.push(*e);
        }
    }
    let pairs = present
        .iter()
        .flat_map(|a| present.iter().map(|b| (*a, *b)));
    let reach = pairs.map(|(a, b)| longest(a, b)).fold(0.0, f64::max);
    let request = NeighbourRequest {
        cutoff: reach,
        kind: ListKind::Half,
        chunk: 1024,
        grain: 256,
    };
    let mut list = NeighbourList::new();
    list.build(c, request, reach)?;
    let mut found = Vec::new();
    for pair in list.iter_pairs() {
        let (i, j) = (pair.i as usize, pair.j as usize);
        let t = c.cell.translation(pair.shift);
        let (x, y) = (c.positions[i], c.positions[j]);
        let r2: f64 = (0..3).map(|a| (y[a] + t[a] - x[a]).powi(2)).sum();
        let limit = longest(c.elements[i], c.elements[j]);
        if r2 <= limit * limit {
            let bond = Bond {
                i: pair.i,
                j: pair.j,
                shift: pair.shift,
            };
            let turned = i > j || (i == j && bond.shift < [0; 3]);
            found.push(if turned { bond.reversed() } else { bond });
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The bonded atoms of each of so many atoms, in ascending order, each once and none itself.
pub fn partners(atoms: usize, bonds: &[Bond]) -> Vec<Vec<usize>> {
    let mut bonded = vec![Vec::new(); atoms];
    for b in bonds.iter().filter(|b| b.i != b.j) {
        bonded[b.i as usize].push(b.j as usize);
        bonded[b.j as usize].push(b.i as usize);
    }
    for list in &mut bonded {
        list.sort_unstable();
        list.dedup();
    }
    bonded
}

/// The atoms of each connected part of a graph, ascending, in the order of their first atoms.
pub fn components(bonded: &[Vec<usize>]) -> Vec<Vec<usize>> {
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
