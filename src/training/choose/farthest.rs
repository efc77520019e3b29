//! Farthest-point sampling.

use super::distances::approach;
use super::{Table, below, distinct, generator};

/// `count` distinct rows in the order of choice: one drawn by the seed, then always the row whose nearest chosen row is
/// farthest away (Gonzalez, Theor. Comput. Sci. 38, 293 (1985)). So the first `m` of `count` rows are those of a choice of
/// `m`. Work: the size of the table for each row.
pub fn farthest_points(table: Table<'_>, count: usize, seed: u64) -> Vec<usize> {
    let rows = distinct(table);
    let count = count.min(rows.len());
    let mut chosen = Vec::with_capacity(count);
    if count == 0 {
        return chosen;
    }
    let mut next = below(&mut generator(seed), rows.len());
    let mut nearest = vec![f64::INFINITY; rows.len()];
    while chosen.len() < count {
        chosen.push(rows[next]);
        nearest[next] = f64::NEG_INFINITY;
        approach(table, &rows, table.row(rows[next]), &mut nearest);
        // The first of equals.
        let far = nearest.iter().enumerate();
        next = far.fold(0, |best, (k, d)| if *d > nearest[best] { k } else { best });
    }
    chosen
}
