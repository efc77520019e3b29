//! The active set of rows with the largest volume, as it changes when candidates are taken in (Goreinov, Oseledets, Savostyanov,
//! Tyrtyshnikov and Zamarashkin, in: Matrix Methods, World Scientific (2010), 247).

use super::grade::dot;
use faer::Mat;
use faer::linalg::solvers::DenseSolveCore;

/// A candidate is taken when its largest coordinate in the active set exceeds this, as in MLIP.
const THRESHOLD: f64 = 1.001;
/// Swaps after which the inverse is computed afresh.
const FRESH: usize = 200;

/// An active set of n rows of length n.
pub(super) struct MaxVol {
    n: usize,
    a: Vec<f64>,
    /// The transposed inverse of `a`.
    q: Vec<f64>,
    swaps: usize,
}

impl MaxVol {
    /// Starts from rows and their transposed inverse.
    pub fn new(n: usize, a: &[f64], q: &[f64]) -> MaxVol {
        MaxVol {
            n,
            a: a.to_vec(),
            q: q.to_vec(),
            swaps: 0,
        }
    }

    /// Offers rows; those that enlarge the volume are swapped in, one by one. Returns whether any of them is in the active
    /// set at the end. `rows` gets back what was swapped out.
    pub fn offer(&mut self, rows: &mut [f64]) -> bool {
        self.offer_and_tell(rows, |_, _| {})
    }

    /// As [`offer`](Self::offer); `told` hears of every swap of a candidate with a row of the active set.
    pub fn offer_and_tell(&mut self, rows: &mut [f64], mut told: impl FnMut(usize, usize)) -> bool {
        let n = self.n;
        if n == 0 || !rows.iter().all(|x| x.is_finite()) {
            return false;
        }
        let candidates = rows.len() / n;
        // Whether each row of the active set is one of the candidates.
        let mut ours = vec![false; n];
        let mut coordinates = self.coordinates(rows);
        // The volume grows by the threshold at least with every swap, so that this ends; the bound is against rounding.
        for _ in 0..10 * (n + candidates) {
            let (at, largest) = coordinates
                .iter()
                .enumerate()
                .fold((0, 0.0f64), |best, (k, c)| {
                    if c.abs() > best.1 { (k, c.abs()) } else { best }
                });
            if !(largest > THRESHOLD && largest.is_finite()) {
                break;
            }
            let (i, j) = (at / n, at % n);
            self.swap(&mut rows[i * n..][..n], &coordinates[i * n..][..n], j);
            // The row that was put out may be one of the candidates: then it is none of ours any more, and its place in
            // `rows` is a candidate again.
            ours[j] = true;
            told(i, j);
            self.swaps += 1;
            if self.swaps.is_multiple_of(FRESH) && self.invert() {
                coordinates = self.coordinates(rows);
                continue;
            }
            let pivot = coordinates[at];
            let own: Vec<f64> = coordinates[i * n..][..n].to_vec();
            for k in 0..candidates {
                let factor = (coordinates[k * n + j] + f64::from(u8::from(k == i))) / pivot;
                let row = &mut coordinates[k * n..][..n];
                for (l, (c, own)) in row.iter_mut().zip(&own).enumerate() {
                    *c -= factor * (own - f64::from(u8::from(l == j)));
                }
            }
        }
        ours.contains(&true)
    }

    /// The rows of the active set and their transposed inverse, computed afresh where that is possible.
    pub fn finish(mut self) -> (Vec<f64>, Vec<f64>) {
        self.invert();
        (self.a, self.q)
    }

    /// Coordinates of rows in the active set: B A^-1.
    fn coordinates(&self, rows: &[f64]) -> Vec<f64> {
        rows.chunks_exact(self.n)
            .flat_map(|b| self.q.chunks_exact(self.n).map(|q| dot(q, b)))
            .collect()
    }

    /// Puts `row`, of coordinates `c`, in place of row `j`, which is left in `row`.
    fn swap(&mut self, row: &mut [f64], c: &[f64], j: usize) {
        let n = self.n;
        let column: Vec<f64> = self.q[j * n..][..n].to_vec();
        for (l, q) in self.q.chunks_exact_mut(n).enumerate() {
            let factor = (c[l] - f64::from(u8::from(l == j))) / c[j];
            for (q, k) in q.iter_mut().zip(&column) {
                *q -= factor * k;
            }
        }
        self.a[j * n..][..n].swap_with_slice(row);
    }

    /// Computes the inverse afresh; `false`, and nothing is changed, when that gives no finite numbers.
    fn invert(&mut self) -> bool {
        let n = self.n;
        let a = Mat::from_fn(n, n, |i, j| self.a[i * n + j]);
        let inverse = a.partial_piv_lu().inverse();
        let finite = (0..n).all(|i| (0..n).all(|j| inverse[(i, j)].is_finite()));
        if finite {
            for (k, q) in self.q.iter_mut().enumerate() {
                *q = inverse[(k % n, k / n)];
            }
        }
        finite
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn random_rows(count: usize, n: usize, seed: u64) -> Vec<f64> {
        let mut s = Stream::new(seed, Purpose::Displacement, 0, 0, 0);
        (0..count * n).map(|_| s.normal()).collect()
    }

    fn start(n: usize) -> MaxVol {
        let diagonal = |x: f64| -> Vec<f64> {
            (0..n * n)
                .map(|k| if k / n == k % n { x } else { 0.0 })
                .collect()
        };
        MaxVol::new(n, &diagonal(1e-6), &diagonal(1e6))
    }

    #[test]
    fn no_row_is_outside_of_the_final_set() {
        let n = 12;
        let mut set = start(n);
        let all = random_rows(300, n, 1);
        let mut taken = 0;
        for row in all.chunks_exact(n) {
            taken += usize::from(set.offer(&mut row.to_vec()));
        }
        assert!((n..300).contains(&taken), "{taken}");
        // Q is the transposed inverse of A, after more swaps than make it afresh and after fewer.
        for i in 0..n {
            for j in 0..n {
                let product = dot(&set.a[i * n..][..n], &set.q[j * n..][..n]);
                let expected = f64::from(u8::from(i == j));
                assert!((product - expected).abs() < 1e-9, "{i} {j} {product}");
            }
        }
        // Offered again, together, the rows leave a set in whose hull all of them lie.
        let mut rest = all.clone();
        set.offer(&mut rest);
        assert!(
            set.coordinates(&all)
                .iter()
                .all(|c| c.abs() <= THRESHOLD + 1e-9)
        );
        assert!(!set.offer(&mut all.clone()));
    }

    #[test]
    fn what_is_known_is_not_taken_twice() {
        let n = 5;
        let mut set = start(n);
        let rows = random_rows(3, n, 2);
        assert!(set.offer(&mut rows.clone()));
        assert!(!set.offer(&mut rows.clone()));
        let half: Vec<f64> = rows.iter().map(|x| 0.5 * x).collect();
        assert!(!set.offer(&mut half.clone()));
        let twice: Vec<f64> = rows.iter().map(|x| 2.0 * x).collect();
        assert!(set.offer(&mut twice.clone()));
        assert!(!set.offer(&mut vec![f64::NAN; n]));
    }
}
