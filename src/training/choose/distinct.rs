//! Rows that are equal but for rounding.

use super::Table;
use crate::vector::inner;

/// Rows are one when they differ by less than this, relative to the longest row.
const TOLERANCE: f64 = 1e-10;

/// The first of each set of equal rows, ascending. Rows are equal when their distance is below 10⁻¹⁰ of the length of the
/// longest: atoms of a crystal have vectors that differ by rounding only.
pub fn distinct(table: Table<'_>) -> Vec<usize> {
    let n = table.len();
    let longest = (0..n)
        .map(|i| inner(table.row(i), table.row(i)))
        .fold(0.0, f64::max);
    let limit = TOLERANCE * longest.sqrt();
    // Equal rows have equal projections on any direction: only neighbours along one need be compared.
    let direction: Vec<f64> = (0..table.columns())
        .map(|k| (1.0 + 0.618_033_988_749_895 * k as f64).sin())
        .collect();
    let reach = limit * inner(&direction, &direction).sqrt();
    let mut order: Vec<(f64, usize)> = (0..n)
        .map(|i| (inner(table.row(i), &direction), i))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut first: Vec<usize> = (0..n).collect();
    // Those kept whose projections are still within reach, with the place of the oldest of them.
    let mut kept: Vec<(f64, usize)> = Vec::new();
    let mut oldest = 0;
    for (projection, i) in order {
        while oldest < kept.len() && kept[oldest].0 < projection - reach {
            oldest += 1;
        }
        let same = kept[oldest..]
            .iter()
            .rev()
            .find(|(_, k)| squared(table.row(*k), table.row(i)) <= limit * limit);
        match same {
            Some(&(_, k)) => {
                let (a, b) = (first[k].min(i), k);
                first[b] = a;
                first[i] = usize::MAX;
            }
            None => kept.push((projection, i)),
        }
    }
    let mut rows: Vec<usize> = kept.iter().map(|(_, k)| first[*k]).collect();
    rows.sort_unstable();
    rows
}

pub(super) fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
