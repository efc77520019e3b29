//! One row a cell of a regular grid.

use super::{Table, below, distinct, generator};
use std::collections::BTreeMap;

/// `count` distinct rows, ascending: of the table's range a grid of at least `count` equal cells is made; the first row
/// of each cell is taken, then, if those are too few, further rows at random; of too many, a random part stays. For one to
/// three columns.
pub fn uniform_grid(table: Table<'_>, count: usize, seed: u64) -> Vec<usize> {
    let rows = distinct(table);
    let count = count.min(rows.len());
    if count == 0 {
        return Vec::new();
    }
    let columns = table.columns();
    // Rounding must not add a layer of cells: 27^(1/3) is a little more than 3.
    let bins = ((count as f64).powf(1.0 / columns as f64) - 1e-9)
        .ceil()
        .max(1.0);
    let range = |k: usize| {
        let values = rows.iter().map(|r| table.row(*r)[k]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
            (a.min(x), b.max(x))
        })
    };
    let ranges: Vec<(f64, f64)> = (0..columns).map(range).collect();
    let mut cells: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let mut rest = Vec::new();
    for &row in &rows {
        let cell = table.row(row).iter().zip(&ranges).map(|(x, (low, high))| {
            let share = if high > low {
                (x - low) / (high - low)
            } else {
                0.0
            };
            (share * bins).min(bins - 1.0) as u32
        });
        match cells.entry(cell.collect()) {
            std::collections::btree_map::Entry::Vacant(v) => {
                v.insert(row);
            }
            std::collections::btree_map::Entry::Occupied(_) => rest.push(row),
        }
    }
    let mut chosen: Vec<usize> = cells.into_values().collect();
    let mut rng = generator(seed);
    while chosen.len() > count {
        let k = below(&mut rng, chosen.len());
        chosen.swap_remove(k);
    }
    while chosen.len() < count && !rest.is_empty() {
        let k = below(&mut rng, rest.len());
        chosen.push(rest.swap_remove(k));
    }
    chosen.sort_unstable();
    chosen
}
