//! Whether values have one mode or two.

/// The best division of a sample into low and high values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Division {
    /// Means of the low and of the high part.
    pub means: [f64; 2],
    /// Share of the values that is low.
    pub low: f64,
    /// Share of the variance that lies between the parts: 2/π = 0.64 for a normal distribution, 0.75 for a uniform one, near 1
    /// for two narrow peaks.
    pub between: f64,
}

/// Two modes have at least this share of the variance between them. A correlated normal series of 25 independent values or more
/// reaches it in fewer than one of a hundred.
pub const TWO_MODES: f64 = 0.86;

/// A mode has at least this share of the values.
const SMALLEST: f64 = 0.1;

impl Division {
    /// The division into two parts that leaves least variance within them (N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979));
    /// `None` for fewer than eight values, or values that are all the same.
    pub fn of(values: &[f64]) -> Option<Division> {
        let n = values.len();
        if n < 8 {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = n as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let variance = sorted.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        // Rounding is no variance.
        if variance.is_nan() || variance <= (1e-12 * mean).powi(2) {
            return None;
        }
        let mut sum = 0.0;
        let mut best: Option<Division> = None;
        for (k, x) in sorted.iter().enumerate().take(n - 1) {
            sum += x - mean;
            let (a, b) = ((k + 1) as f64, (n - k - 1) as f64);
            let (low, high) = (sum / a, -sum / b);
            let between = a * b / (count * count) * (high - low).powi(2) / variance;
            if best.is_none_or(|d| between > d.between) {
                best = Some(Division {
                    means: [mean + low, mean + high],
                    low: a / count,
                    between,
                });
            }
        }
        best
    }

    /// Whether these are two modes rather than one.
    pub fn is_bimodal(&self) -> bool {
        self.between > TWO_MODES && self.low >= SMALLEST && self.low <= 1.0 - SMALLEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn one_mode_and_two() {
        // Correlated normal series with 25 independent values: how often they look like two modes.
        let (mut false_alarms, mut found) = (0, 0);
        for seed in 0..400 {
            let x = autoregressive(0.9, 475, seed);
            false_alarms += usize::from(Division::of(&x).unwrap().is_bimodal());
            // The same jumping between two densities that are eight standard deviations apart.
            let jumping: Vec<f64> = x
                .iter()
                .enumerate()
                .map(|(k, x)| x + if k % 300 < 190 { 8.0 } else { 0.0 })
                .collect();
            let d = Division::of(&jumping).unwrap();
            found += usize::from(d.is_bimodal());
            assert!((d.means[1] - d.means[0] - 8.0).abs() < 2.0);
        }
        eprintln!("{false_alarms} of 400 false alarms, {found} of 400 found");
        assert!(false_alarms <= 4 && found >= 396, "{false_alarms} {found}");
        let normal = Division::of(&autoregressive(0.0, 20_000, 1)).unwrap();
        assert!((normal.between - 2.0 / std::f64::consts::PI).abs() < 0.02);
        assert!(Division::of(&[1.0; 50]).is_none() && Division::of(&[1.0, 2.0]).is_none());
        // A single value far off is no mode.
        let mut x = autoregressive(0.0, 200, 2);
        x[0] = 1000.0;
        assert!(!Division::of(&x).unwrap().is_bimodal());
    }
}
