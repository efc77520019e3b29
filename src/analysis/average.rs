//! Averages with errors, as people write them.

use super::{blocking_error, statistical_inefficiency};

/// A mean with its statistical error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// The mean.
    pub mean: f64,
    /// Standard error of the mean; `None` when the series is too short or too correlated to tell.
    pub error: Option<f64>,
    /// Whether the error can be relied on: there are enough independent values, and blocking and the correlation function agree.
    pub certain: bool,
    /// Standard deviation of single values; not a number where there are none.
    pub deviation: f64,
    /// Independent values that the mean is worth.
    pub independent: f64,
}

/// Fewer independent samples say little about their own error.
const FEW: f64 = 10.0;
/// The error of blocks may be this much larger than that of the correlation function.
const DISAGREEMENT: f64 = 2.0;

/// Larger numbers are written with a power of ten.
const LARGE: f64 = 1e9;

impl Average {
    /// The average over blocks of `length` values each, from the means of the blocks and of the squares of their values.
    ///
    /// There are two estimates of the error, by blocking and from the statistical inefficiency; the larger one counts. `None`
    /// without any block.
    pub fn of_blocks(means: &[f64], mean_square: f64, length: u64) -> Option<Average> {
        let blocks = means.len() as f64;
        if means.is_empty() {
            return None;
        }
        let values = blocks * length as f64;
        let mean = means.iter().sum::<f64>() / blocks;
        let bessel = (values / (values - 1.0).max(1.0)).max(1.0);
        let variance = (mean_square - mean * mean).max(0.0) * bessel;
        let between = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / blocks;
        let correlated = between * statistical_inefficiency(means) / (blocks - 1.0).max(1.0);
        let independent = match correlated > 0.0 {
            true => (variance / correlated).clamp(1.0, values),
            false => values,
        };
        let (a, b) = (blocking_error(means), correlated.sqrt());
        Some(Average {
            mean,
            error: a.map(|a| a.max(b)),
            // Blocks that know of longer correlations; the other way round the larger error is safe.
            certain: a.is_some_and(|a| a <= DISAGREEMENT * b) && independent >= FEW,
            deviation: variance.sqrt(),
            independent,
        })
    }

    /// The average times a factor.
    pub fn times(self, factor: f64) -> Average {
        Average {
            mean: self.mean * factor,
            error: self.error.map(|e| e * factor.abs()),
            deviation: self.deviation * factor.abs(),
            ..self
        }
    }

    /// As a person writes it: `-4.6301(12)`; with a `~` when the error is uncertain, and with only the digits that the spread
    /// justifies when there is none.
    pub fn display(&self) -> String {
        let mark = if self.certain { "" } else { "~" };
        if self.mean.abs() >= LARGE {
            return format!("{mark}{:.2e}", self.mean);
        }
        let scale = match self.error {
            Some(e) if e > 0.0 => e,
            Some(_) => return format!("{mark}{:.6}", self.mean),
            None if self.deviation > 0.0 => self.deviation,
            None => return format!("~{:.6}", self.mean),
        };
        // Two digits of the error.
        let decimals = (1.0 - scale.log10().floor()).clamp(0.0, 12.0) as usize;
        match self.error {
            Some(e) => {
                let digits = |decimals: usize| (e * 10f64.powi(decimals as i32)).round();
                // 0.0996 rounds to 0.10: one decimal fewer keeps it at two digits.
                let decimals = if digits(decimals) >= 100.0 {
                    decimals.saturating_sub(1)
                } else {
                    decimals
                };
                format!("{mark}{:.decimals$}({:.0})", self.mean, digits(decimals))
            }
            None => format!("~{:.decimals$}", self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn blocks_know_the_error_of_their_rows() {
        // AR(1) with a = 0.9 in blocks of 1, 4 and 64: the error of the mean and the number of independent samples are those of
        // the rows. Over 20 series of 32768 values; the error of one is known to about 10 %, its mean to 3 %.
        let n = 1 << 15;
        let exact = (19.0 / f64::from(n)).sqrt();
        for length in [1usize, 4, 64] {
            let (mut error, mut samples) = (0.0, 0.0);
            for k in 0..20 {
                let x = autoregressive(0.9, n as usize, k);
                let means: Vec<f64> = x
                    .chunks(length)
                    .map(|c| c.iter().sum::<f64>() / length as f64)
                    .collect();
                let square = x.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
                let a = Average::of_blocks(&means, square, length as u64).unwrap();
                assert!(a.certain && (a.deviation - 1.0).abs() < 0.1);
                error += a.error.unwrap() / 20.0 / exact;
                samples += a.independent / 20.0 / f64::from(n) * 19.0;
            }
            eprintln!("blocks of {length}: error {error:.3}, samples {samples:.3} of the exact");
            assert!((0.9..1.2).contains(&error), "{length}: {error}");
            assert!((0.85..1.15).contains(&samples), "{length}: {samples}");
        }
    }

    #[test]
    fn claims_are_kept() {
        // Of 200 series of 2000 values (105 independent samples) the mean lies within twice its error in 95 %; estimated errors
        // make that a little less. The number of misses is binomial: 10 expected, 25 is five standard deviations above.
        let misses = (0..200)
            .filter(|&k| {
                let x = autoregressive(0.9, 2000, k);
                let square = x.iter().map(|x| x * x).sum::<f64>() / 2000.0;
                let a = Average::of_blocks(&x, square, 1).unwrap();
                a.error.is_some_and(|e| a.mean.abs() > 2.0 * e)
            })
            .count();
        eprintln!("{misses} of 200 beyond two errors");
        assert!(misses <= 25, "{misses}");
    }

    #[test]
    fn doubts_are_shown() {
        // A trend, and a series of a few values.
        let trend: Vec<f64> = (0..1000).map(f64::from).collect();
        let a = Average::of_blocks(&trend, 332_833.5, 1).unwrap();
        assert!(!a.certain && a.error.is_none() && a.display().starts_with('~'));
        let a = Average::of_blocks(&[1.0, 2.0], 2.5, 1).unwrap();
        assert!(!a.certain && a.error.is_none());
        assert!(Average::of_blocks(&[], 0.0, 1).is_none());
        let a = Average::of_blocks(&[2.0; 20], 4.0, 1).unwrap();
        assert_eq!((a.error, a.certain, a.independent), (Some(0.0), true, 20.0));
        assert_eq!(a.display(), "2.000000");
    }

    #[test]
    fn written_as_people_do() {
        let average = |mean, error| Average {
            mean,
            error,
            certain: error.is_some(),
            deviation: 0.5,
            independent: 10.0,
        };
        let a = |mean, error| average(mean, error).display();
        assert_eq!(a(-4.63012, Some(0.00117)), "-4.6301(12)");
        assert_eq!(a(301.234, Some(2.31)), "301.2(23)");
        assert_eq!(a(301.234, Some(231.0)), "301(231)");
        assert_eq!(a(301.234, None), "~301.23");
        assert_eq!(a(-5.38991727, Some(9.96e-7)), "-5.3899173(10)");
        let half = average(2.0, Some(0.4)).times(-0.5);
        assert_eq!(
            (half.mean, half.error, half.deviation),
            (-1.0, Some(0.2), 0.25)
        );
    }
}
