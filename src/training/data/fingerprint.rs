//! Frames that are the same.

use super::LabelledFrame;
use std::collections::HashMap;

/// Positions that differ by less (Å) are the same place.
const GRAIN: f64 = 1e-6;

/// Pairs of frames (the earlier first) with the same atoms at the same places in the same cell, whatever their labels say.
pub fn duplicates(frames: &[LabelledFrame]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<Vec<i64>, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (k, frame) in frames.iter().enumerate() {
        match seen.entry(key(frame)) {
            std::collections::hash_map::Entry::Occupied(first) => pairs.push((*first.get(), k)),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(k);
            }
        }
    }
    pairs
}

fn key(frame: &LabelledFrame) -> Vec<i64> {
    let system = &frame.system;
    let grid = |x: &f64| (x / GRAIN).round() as i64;
    let elements = system.atoms.elements.iter().map(|e| i64::from(e.number()));
    let rows = system.cell.row_vectors();
    let cell = match system.cell.is_isolated() {
        true => Vec::new(),
        false => rows.as_flattened().iter().map(grid).collect(),
    };
    let periodic = system.cell.periodic().map(i64::from);
    // An isolated molecule may stand anywhere.
    let origin = match system.cell.is_isolated() {
        true => system.atoms.positions.first().copied().unwrap_or([0.0; 3]),
        false => [0.0; 3],
    };
    let positions = system
        .atoms
        .positions
        .iter()
        .flat_map(|x| (0..3).map(|k| grid(&(x[k] - origin[k]))));
    periodic
        .into_iter()
        .chain(elements)
        .chain(cell)
        .chain(positions)
        .collect()
}
