//! The descriptor: inverse distances of all pairs of atoms, and what follows from its derivatives.
//!
//! Pairs (i, j) with i > j stand in the order (1,0), (2,0), (2,1), (3,0), ... For a model of a periodic cell the
//! vector of a pair is that of one image, chosen by rounding fractional coordinates: not always the nearest one in a skewed
//! cell, but the one that the model was trained with.

use crate::system::Cell;

/// Number of pairs of `n` atoms; `None` when it cannot be counted.
pub(crate) fn pairs(n: usize) -> Option<usize> {
    n.checked_mul(n.checked_sub(1)?).map(|d| d / 2)
}

/// Index of the pair of two different atoms.
pub(crate) fn pair(i: usize, j: usize) -> usize {
    let (i, j) = (i.max(j), i.min(j));
    i * (i - 1) / 2 + j
}

/// For a permutation of the atoms, the pair to which each pair goes.
pub(crate) fn permuted_pairs(permutation: &[usize]) -> Vec<usize> {
    let n = permutation.len();
    (1..n)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| pair(permutation[i], permutation[j]))
        .collect()
}

/// Vectors and inverse distances of the pairs of one geometry, in the unit of length of the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    /// r_i - r_j, one array for each direction.
    pub v: [Vec<f64>; 3],
    /// Inverse distances: the descriptor.
    pub d: Vec<f64>,
}

impl Pairs {
    /// Computes the pairs of `n` positions. `cell` is that of a periodic model, in the same unit as the positions.
    #[inline(always)]
    pub fn compute(&mut self, positions: &[[f64; 3]], cell: Option<&Cell>) {
        let n = positions.len();
        let size = n * n.saturating_sub(1) / 2;
        self.v.iter_mut().for_each(|v| v.resize(size, 0.0));
        self.d.resize(size, 0.0);
        let mut k = 0;
        for i in 1..n {
            for j in 0..i {
                for a in 0..3 {
                    self.v[a][k] = positions[i][a] - positions[j][a];
                }
                k += 1;
            }
        }
        if let Some(cell) = cell {
            for k in 0..size {
                let v = [self.v[0][k], self.v[1][k], self.v[2][k]];
                let shift = cell.cartesian(cell.fractional(v).map(f64::round_ties_even));
                for a in 0..3 {
                    self.v[a][k] = v[a] - shift[a];
                }
            }
        }
        let [x, y, z] = &self.v;
        for (((d, x), y), z) in self.d.iter_mut().zip(x).zip(y).zip(z) {
            *d = 1.0 / (x * x + y * y + z * z).sqrt();
        }
    }

    /// From Å to a unit of `length` Å.
    pub fn rescale(&mut self, length: f64) {
        self.d.iter_mut().for_each(|d| *d *= length);
        for v in self.v.iter_mut().flatten() {
            *v /= length;
        }
    }

    /// The largest inverse distance.
    pub fn closest(&self) -> f64 {
        self.d.iter().copied().fold(0.0, f64::max)
    }
}
