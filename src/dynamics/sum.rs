//! A running sum that does not lose digits over billions of terms.

use serde::{Deserialize, Serialize};

/// Neumaier's compensated sum: the error stays at the rounding of the total, not of its history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompensatedSum {
    /// The sum so far.
    pub sum: f64,
    /// What rounding has lost of it.
    pub compensation: f64,
}

impl CompensatedSum {
    /// Adds a term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let total = self.sum + term;
        self.compensation += if self.sum.abs() >= term.abs() {
            (self.sum - total) + term
        } else {
            (term - total) + self.sum
        };
        self.sum = total;
    }

    /// The sum.
    #[inline]
    pub fn value(&self) -> f64 {
        self.sum + self.compensation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let mut s = CompensatedSum::default();
        s.add(1e16);
        (0..1000).for_each(|_| s.add(0.1));
        s.add(-1e16);
        assert!((s.value() - 100.0).abs() < 1e-9);
    }
}
