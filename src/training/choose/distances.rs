//! Squared distances from many rows to one, on all threads.

use super::Table;
use crate::parallel;
use crate::simd::simd_dispatch;

/// Rows in one piece of work.
pub(super) const PIECE: usize = 512;

simd_dispatch! {
    /// |a - b|².
    pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 = squared_distance_body;
}

#[inline(always)]
fn squared_distance_body<const FMA: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for k in 0..8 {
            let d = a[k] - b[k];
            sums[k] = crate::simd::fma::<FMA>(d, d, sums[k]);
        }
    }
    let mut sum = 0.0;
    for s in sums {
        sum += s;
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += (a - b) * (a - b);
    }
    sum
}

/// Lowers the squared distances of some rows to their nearest chosen one by that to `point`.
pub(super) fn approach(table: Table<'_>, rows: &[usize], point: &[f64], nearest: &mut [f64]) {
    let mut pieces: Vec<&mut [f64]> = nearest.chunks_mut(PIECE).collect();
    parallel::for_each_mut(&mut pieces, |p, piece| {
        for (distance, row) in piece.iter_mut().zip(&rows[p * PIECE..]) {
            *distance = distance.min(squared_distance(table.row(*row), point));
        }
    });
}
