//! A sparse linear map from the power spectrum to a shorter descriptor, and its transpose.

use crate::simd::F64x8;

/// Rows of (column, factor), and the same numbers by columns.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Compression {
    rows: Sparse,
    columns: Sparse,
}

/// A matrix of few numbers, line after line.
#[derive(Clone, Debug, PartialEq)]
struct Sparse {
    /// End of each line in `entries`.
    ends: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Sparse {
    /// From entries (line, place, factor), all lines below `lines`. Entries of a line keep their order.
    fn new(lines: usize, entries: &[(u32, u32, f64)]) -> Sparse {
        let mut sorted = entries.to_vec();
        sorted.sort_by_key(|e| e.0);
        let mut ends = vec![0; lines];
        for (k, e) in sorted.iter().enumerate() {
            ends[e.0 as usize] = k + 1;
        }
        let mut last = 0;
        for end in &mut ends {
            last = last.max(*end);
            *end = last;
        }
        Sparse {
            ends,
            entries: sorted.iter().map(|e| (e.1, e.2)).collect(),
        }
    }

    /// The product with a vector, into the first elements of `out`.
    #[inline(always)]
    fn times<const FMA: bool>(&self, x: &[F64x8], out: &mut [F64x8]) {
        let mut start = 0;
        for (out, &end) in out.iter_mut().zip(&self.ends) {
            let mut sum = F64x8::ZERO;
            for &(place, factor) in &self.entries[start..end] {
                sum = x[place as usize].mul_add::<FMA>(F64x8::splat(factor), sum);
            }
            *out = sum;
            start = end;
        }
    }
}

impl Compression {
    /// A map of `rows` by `columns`, from entries (row, column, factor) within those bounds.
    pub(in super::super) fn new(
        rows: usize,
        columns: usize,
        entries: &[(u32, u32, f64)],
    ) -> Compression {
        let transposed: Vec<(u32, u32, f64)> = entries.iter().map(|&(i, j, p)| (j, i, p)).collect();
        Compression {
            rows: Sparse::new(rows, entries),
            columns: Sparse::new(columns, &transposed),
        }
    }

    /// Length of the result.
    pub(in super::super) fn rows(&self) -> usize {
        self.rows.ends.len()
    }

    /// One row: columns and factors.
    pub(super) fn row(&self, i: usize) -> &[(u32, f64)] {
        let start = match i.checked_sub(1) {
            Some(before) => self.rows.ends[before],
            None => 0,
        };
        &self.rows.entries[start..self.rows.ends[i]]
    }

    /// From the power spectrum to the descriptor.
    #[inline(always)]
    pub(super) fn forward<const FMA: bool>(&self, full: &[F64x8], short: &mut [F64x8]) {
        self.rows.times::<FMA>(full, short);
    }

    /// From the gradient by the descriptor to that by the power spectrum.
    #[inline(always)]
    pub(super) fn backward<const FMA: bool>(&self, short: &[F64x8], full: &mut [F64x8]) {
        self.columns.times::<FMA>(short, full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_and_transpose() {
        let map = Compression::new(3, 4, &[(2, 0, 0.5), (0, 3, 2.0), (0, 1, -1.0), (2, 2, 4.0)]);
        assert_eq!(map.rows(), 3);
        let x: Vec<F64x8> = [1.0, 2.0, 3.0, 5.0].map(F64x8::splat).to_vec();
        let mut y = vec![F64x8::splat(9.0); 3];
        map.forward::<false>(&x, &mut y);
        assert_eq!(y, [8.0, 0.0, 12.5].map(F64x8::splat));
        let mut back = vec![F64x8::splat(9.0); 4];
        map.backward::<false>(&y, &mut back);
        assert_eq!(back, [6.25, -8.0, 50.0, 16.0].map(F64x8::splat));
    }
}
