//! Rows nearest to the centres of clusters.

use super::distances::{PIECE, approach, squared_distance};
use super::{Table, distinct, generator};
use crate::parallel;
use rand::RngExt;

/// Rounds after which clusters that still move are taken as they are.
const ROUNDS: usize = 50;

/// `count` distinct rows, ascending: the nearest to each of the centres that Lloyd's algorithm finds (IEEE Trans. Inf. Theory
/// 28, 129 (1982)), started as k-means++ (Arthur and Vassilvitskii, SODA 2007). A row nearest to two centres is taken
/// once; the other centre takes the next.
pub fn k_means(table: Table<'_>, count: usize, seed: u64) -> Vec<usize> {
    let rows = distinct(table);
    let count = count.min(rows.len());
    if count == 0 || count == rows.len() {
        return rows.into_iter().take(count).collect();
    }
    let columns = table.columns();
    let mut centres = start(table, &rows, count, seed);
    let mut owner = vec![u32::MAX; rows.len()];
    for _ in 0..ROUNDS {
        let before = owner.clone();
        assign(table, &rows, &centres, &mut owner);
        if owner == before {
            break;
        }
        move_centres(table, &rows, &owner, &mut centres);
    }
    // In the order of the centres, each takes the nearest row that is still free.
    let mut taken = vec![false; rows.len()];
    let mut chosen = Vec::with_capacity(count);
    for centre in centres.chunks_exact(columns) {
        let mut distances = vec![f64::INFINITY; rows.len()];
        approach(table, &rows, centre, &mut distances);
        let free = (0..rows.len()).filter(|k| !taken[*k]);
        let nearest = free.min_by(|a, b| distances[*a].total_cmp(&distances[*b]));
        if let Some(k) = nearest {
            taken[k] = true;
            chosen.push(rows[k]);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Centres that are rows, each drawn in proportion to the squared distance from those before.
fn start(table: Table<'_>, rows: &[usize], count: usize, seed: u64) -> Vec<f64> {
    let mut rng = generator(seed);
    let mut nearest = vec![f64::INFINITY; rows.len()];
    let mut centres = Vec::with_capacity(count * table.columns());
    let mut next = super::below(&mut rng, rows.len());
    for k in 0..count {
        let row = table.row(rows[next]);
        centres.extend_from_slice(row);
        if k + 1 == count {
            break;
        }
        approach(table, rows, row, &mut nearest);
        let total: f64 = nearest.iter().sum();
        let mut left = rng.random::<f64>() * total;
        next = nearest.iter().rposition(|d| *d > 0.0).unwrap_or(0);
        for (i, d) in nearest.iter().enumerate() {
            left -= d;
            if left < 0.0 && *d > 0.0 {
                next = i;
                break;
            }
        }
    }
    centres
}

/// The nearest centre of each row.
fn assign(table: Table<'_>, rows: &[usize], centres: &[f64], owner: &mut [u32]) {
    let columns = table.columns();
    let mut pieces: Vec<&mut [u32]> = owner.chunks_mut(PIECE).collect();
    parallel::for_each_mut(&mut pieces, |p, piece| {
        for (owner, row) in piece.iter_mut().zip(&rows[p * PIECE..]) {
            let row = table.row(*row);
            let mut best = (f64::INFINITY, 0);
            for (k, centre) in centres.chunks_exact(columns).enumerate() {
                let d = squared_distance(row, centre);
                if d < best.0 {
                    best = (d, k as u32);
                }
            }
            *owner = best.1;
        }
    });
}

/// Means of the rows of each centre; a centre without rows stays.
fn move_centres(table: Table<'_>, rows: &[usize], owner: &[u32], centres: &mut [f64]) {
    let columns = table.columns();
    let mut sums = vec![0.0; centres.len()];
    let mut counts = vec![0usize; centres.len() / columns];
    for (row, owner) in rows.iter().zip(owner) {
        let k = *owner as usize;
        counts[k] += 1;
        for (sum, x) in sums[k * columns..].iter_mut().zip(table.row(*row)) {
            *sum += x;
        }
    }
    let of = centres
        .chunks_exact_mut(columns)
        .zip(sums.chunks_exact(columns));
    for ((centre, sum), count) in of.zip(counts) {
        if count > 0 {
            for (c, s) in centre.iter_mut().zip(sum) {
                *c = s / count as f64;
            }
        }
    }
}
