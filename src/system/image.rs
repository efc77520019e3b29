//! The nearest periodic image of a vector.

use super::Cell;
use crate::vector::dot;

/// The shortest of a vector (Å) and its periodic images. Of two that are equally long one is taken, always the same.
pub fn nearest_image(cell: &Cell, vector: [f64; 3]) -> [f64; 3] {
    if cell.is_isolated() {
        return vector;
    }
    let (periodic, widths) = (cell.periodic(), cell.widths());
    // In reduced vectors all images that matter are among the first ones.
    let reduced = cell.reduced();
    let rows = reduced.as_ref().unwrap_or(cell).basis();
    let along = |k: usize| [rows[(k, 0)], rows[(k, 1)], rows[(k, 2)]];
    let mut best = vector;
    // Each turn shortens the vector; the bound is for numbers that are not finite.
    for _ in 0..100 {
        let mut turned = false;
        for k in (0..3).filter(|&k| periodic[k]) {
            let a = along(k);
            let lean = dot(best, a) / dot(a, a);
            if lean.abs() > 0.5 + 1e-12 {
                let n = lean.round();
                best = std::array::from_fn(|d| best[d] - n * a[d]);
                turned = true;
            }
        }
        if !turned {
            break;
        }
    }
    // No translation is shorter than the smallest width, so that nothing within half of it has a shorter image.
    let narrow = (0..3)
        .filter(|&k| periodic[k])
        .fold(f64::INFINITY, |w, k| w.min(widths[k]));
    let mut least = dot(best, best);
    if least <= 0.25 * narrow * narrow {
        return best;
    }
    let from = best;
    let range = |k: usize| if periodic[k] { -MOST..=MOST } else { 0..=0 };
    for (i, j) in range(0).flat_map(|i| range(1).map(move |j| (i, j))) {
        for l in range(2) {
            let n = [i, j, l].map(f64::from);
            let image =
                std::array::from_fn(|d| from[d] + (0..3).map(|k| n[k] * rows[(k, d)]).sum::<f64>());
            let square = dot(image, image);
            if square < least {
                (best, least) = (image, square);
            }
        }
    }
    best
}

/// Images looked at on either side along each vector.
const MOST: i32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};
    use crate::vector::minus;

    #[test]
    fn no_image_is_shorter() {
        let cells = [
            [[4.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 6.0]],
            [[4.0, 0.0, 0.0], [2.0, 5.0, 0.0], [-1.9, 2.4, 6.0]],
            [[4.0, 0.0, 0.0], [11.0, 3.0, 0.0], [-9.0, 7.4, 5.0]],
            [[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]],
        ];
        let mut draws = Stream::new(1, Purpose::Displacement, 0, 0, 0);
        for (rows, periodic) in cells
            .into_iter()
            .flat_map(|c| [[true; 3], [true, true, false], [false, false, true]].map(|p| (c, p)))
        {
            let cell = Cell::new(rows, periodic).unwrap();
            for _ in 0..200 {
                let v: [f64; 3] = std::array::from_fn(|_| 30.0 * (draws.uniform() - 0.5));
                let found = nearest_image(&cell, v);
                let s = cell.fractional(minus(found, v));
                for k in 0..3 {
                    assert!((s[k] - s[k].round()).abs() < 1e-9, "a lattice vector");
                    assert!(periodic[k] || s[k].abs() < 1e-9);
                }
                let mut least = f64::INFINITY;
                let range = |k: usize| if periodic[k] { -25..=25 } else { 0..=0 };
                for a in range(0) {
                    for b in range(1) {
                        for c in range(2) {
                            let t = cell.translation([a, b, c]);
                            let w: [f64; 3] = std::array::from_fn(|k| v[k] + t[k]);
                            least = least.min(dot(w, w));
                        }
                    }
                }
                assert!(dot(found, found) <= least * (1.0 + 1e-12), "{rows:?} {v:?}");
            }
        }
    }
}
