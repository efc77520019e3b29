//! Means of many numbers over a run of known length, with errors from blocks of time.

use std::ops::Range;

/// Blocks of which errors are made.
const BLOCKS: usize = 20;

/// Sums of rows in blocks of time.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockMeans {
    width: usize,
    rows: usize,
    expected: usize,
    counts: Vec<f64>,
    sums: Vec<f64>,
}

impl BlockMeans {
    /// For rows of `width` numbers, about `expected` of them.
    pub fn new(width: usize, expected: usize) -> BlockMeans {
        BlockMeans {
            width,
            rows: 0,
            expected: expected.max(1),
            counts: vec![0.0; BLOCKS],
            sums: vec![0.0; BLOCKS * width],
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: impl IntoIterator<Item = f64>) {
        let block = (self.rows * BLOCKS / self.expected).min(BLOCKS - 1);
        let sums = &mut self.sums[block * self.width..(block + 1) * self.width];
        sums.iter_mut().zip(row).for_each(|(s, x)| *s += x);
        self.counts[block] += 1.0;
        self.rows += 1;
    }

    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean of each number.
    pub fn means(&self) -> Vec<f64> {
        self.map(0..self.width, |x| x.to_vec())
    }

    /// The standard error of each mean, from the blocks; `None` with fewer than four of them.
    pub fn errors(&self) -> Option<Vec<f64>> {
        self.errors_of(0..self.width, |x| x.to_vec())
    }

    /// A function of some of the means.
    pub fn map(&self, part: Range<usize>, f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        f(&self.mean_without(&part, usize::MAX))
    }

    /// The standard errors of a function of some of the means by the jackknife; `None` with fewer than four blocks.
    pub fn errors_of(
        &self,
        part: Range<usize>,
        f: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Option<Vec<f64>> {
        let full = (0..BLOCKS).filter(|&b| self.counts[b] > 0.0);
        let without: Vec<Vec<f64>> = full.map(|b| f(&self.mean_without(&part, b))).collect();
        let length = without.first().map_or(0, Vec::len);
        (without.len() >= 4).then(|| {
            (0..length)
                .map(|k| super::jackknife_error(without.iter().map(|w| w[k])))
                .collect()
        })
    }

    fn mean_without(&self, part: &Range<usize>, block: usize) -> Vec<f64> {
        let mut means = vec![0.0; part.len()];
        let mut count = 0.0;
        for b in (0..BLOCKS).filter(|&b| b != block) {
            let row = &self.sums[b * self.width..(b + 1) * self.width][part.clone()];
            means.iter_mut().zip(row).for_each(|(m, s)| *m += s);
            count += self.counts[b];
        }
        means.iter_mut().for_each(|m| *m /= f64::max(count, 1.0));
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn means_and_honest_errors() {
        // Independent values: the standard error of 2000 of them is 0.0224; from 20 blocks it is known to 16 %, over 30 series to 3 %.
        let mut error = 0.0;
        for seed in 0..30 {
            let x = autoregressive(0.0, 2000, seed);
            let mut m = BlockMeans::new(2, 2000);
            x.iter().for_each(|&x| m.add([x, 1.0]));
            assert_eq!(m.rows(), 2000);
            assert!((m.means()[0] - x.iter().sum::<f64>() / 2000.0).abs() < 1e-12);
            let errors = m.errors().unwrap();
            assert!(errors[1] < 1e-15);
            error += errors[0] / 30.0;
        }
        assert!((0.019..0.026).contains(&error), "{error}");
        let mut short = BlockMeans::new(1, 3);
        (0..3).for_each(|k| short.add([f64::from(k)]));
        assert!(short.errors().is_none() && short.means() == [1.0]);
        // More rows than were expected go to the last block.
        (0..9).for_each(|_| short.add([1.0]));
        assert_eq!(short.rows(), 12);
    }
}
