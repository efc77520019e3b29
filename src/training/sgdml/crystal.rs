//! Permutations that the operations of a crystal's space group make.

use super::geometry::Geometries;
use super::symmetries::MOST;
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::system::{Atoms, SpaceGroup, System};

/// The permutations of the crystal of mean positions, the identity first: those of translations, or of all operations.
///
/// Errors when the frames have no cell, when no symmetry is found within `tolerance` (Å), or when there are too many permutations.
pub(super) fn permutations(
    set: &Geometries,
    rotations: bool,
    tolerance: f64,
) -> Result<Vec<Vec<usize>>> {
    let Some(cell) = &set.cell else {
        return Err(Error::input(
            "",
            "permutations of a crystal are asked for, and the frames have no cell",
        ));
    };
    let mut atoms = Atoms::default();
    let count = set.len() as f64;
    for (i, element) in set.elements.iter().enumerate() {
        // The mean over the images nearest to the first frame.
        let first = set.positions[0][i];
        let mut sum = [0.0; 3];
        for x in &set.positions {
            let v: [f64; 3] = std::array::from_fn(|a| x[i][a] - first[a]);
            let shift = cell.cartesian(cell.fractional(v).map(f64::round_ties_even));
            (0..3).for_each(|a| sum[a] += v[a] - shift[a]);
        }
        let mean = std::array::from_fn(|a| first[a] + sum[a] / count);
        atoms.push(Species::natural(*element), mean);
    }
    let system = System {
        cell: cell.clone(),
        atoms,
    };
    let group = SpaceGroup::of(&system, tolerance)?;
    let identity = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    let wanted = group
        .operations
        .iter()
        .filter(|o| rotations || o.rotation == identity);
    let mut all: Vec<Vec<usize>> = wanted.map(|o| o.permutation.clone()).collect();
    // Ascending order has the identity first.
    all.sort();
    all.dedup();
    if all.len() > 10 * MOST {
        let reason = format!("the crystal has {} permutations of its atoms", all.len());
        return Err(Error::input("", reason).advise(
            "use the translations only, or a smaller cell: the cost grows with their number",
        ));
    }
    Ok(all)
}
