//! The points that a curve is drawn through.

use crate::report::drawing::WIDTH;

/// The corners of a histogram whose bins reach halfway to their neighbours.
pub(super) fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = points.len();
    if n < 2 {
        return points.to_vec();
    }
    let middle = |a: usize, b: usize| 0.5 * (points[a].0 + points[b].0);
    let mut corners = Vec::with_capacity(2 * n);
    for (k, &(x, y)) in points.iter().enumerate() {
        let left = if k == 0 {
            2.0 * x - middle(0, 1)
        } else {
            middle(k - 1, k)
        };
        let right = if k + 1 == n {
            2.0 * x - middle(n - 2, n - 1)
        } else {
            middle(k, k + 1)
        };
        corners.extend([(left, y), (right, y)]);
    }
    corners
}

/// The part of a line between two places, cut there.
pub(super) fn within(points: &[(f64, f64)], x0: f64, x1: f64) -> Vec<(f64, f64)> {
    let mut kept = Vec::with_capacity(points.len());
    for (k, &p) in points.iter().enumerate() {
        let cut = |edge: f64, q: (f64, f64)| {
            let s = (edge - q.0) / (p.0 - q.0);
            (edge, q.1 + s * (p.1 - q.1))
        };
        if let Some(&q) = k.checked_sub(1).and_then(|k| points.get(k)) {
            for edge in [x0, x1] {
                if (q.0 < edge) != (p.0 < edge) && q.0 != edge && p.0 != edge {
                    kept.push(cut(edge, q));
                }
            }
        }
        if p.0 >= x0 && p.0 <= x1 {
            kept.push(p);
        }
    }
    kept
}

/// A long curve by the first, lowest, highest and last point of each of so many pieces: it looks the same.
pub(super) fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    const PIECES: usize = WIDTH as usize;
    if points.len() <= 4 * PIECES {
        return points;
    }
    let size = points.len().div_ceil(PIECES);
    let mut kept = Vec::with_capacity(4 * PIECES);
    for piece in points.chunks(size) {
        let by = |a: &usize, b: &usize| piece[*a].1.total_cmp(&piece[*b].1);
        let mut places = vec![0, piece.len() - 1];
        places.extend((0..piece.len()).min_by(by));
        places.extend((0..piece.len()).max_by(by));
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().map(|k| piece[k]));
    }
    kept
}
