//! Averages of correlated series by blocking (Flyvbjerg, Petersen, J. Chem. Phys. 91, 461 (1989)).
//!
//! The series is never stored: each level keeps the moments of averages over 2^k consecutive values, so memory is
//! logarithmic in the length and the state fits in a checkpoint.

use serde::{Deserialize, Serialize};

/// Running averages over blocks of 1, 2, 4, ... values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocking {
    levels: Vec<Level>,
    first: f64,
    last: f64,
}

/// Moments of the block averages of one level (Welford's update).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Level {
    count: u64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    deviations: f64,
    /// A block that waits for its partner.
    pending: Option<f64>,
}

/// A mean with its statistical error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// The mean.
    pub mean: f64,
    /// Standard error of the mean; `None` when the series is too short or too correlated to tell.
    pub error: Option<f64>,
    /// Standard deviation of single values.
    pub deviation: f64,
    /// Number of values.
    pub count: u64,
}

impl Blocking {
    /// Adds the next value of the series.
    pub fn add(&mut self, value: f64) {
        if self.levels.first().is_none_or(|l| l.count == 0) {
            self.first = value;
        }
        self.last = value;
        let mut value = value;
        for k in 0.. {
            if k == self.levels.len() {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[k];
            level.count += 1;
            let delta = value - level.mean;
            level.mean += delta / level.count as f64;
            level.deviations += delta * (value - level.mean);
            match level.pending.take() {
                Some(partner) => value = 0.5 * (partner + value),
                None => {
                    level.pending = Some(value);
                    return;
                }
            }
        }
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        let mut numbers = vec![self.first, self.last];
        for l in &self.levels {
            // No pending block is written as not-a-number; a pending value never is one, since runs stop before.
            numbers.extend([
                l.count as f64,
                l.mean,
                l.deviations,
                l.pending.unwrap_or(f64::NAN),
            ]);
        }
        numbers
    }

    /// The state from [`to_numbers`](Self::to_numbers); `None` when they are not such numbers.
    pub fn from_numbers(numbers: &[f64]) -> Option<Blocking> {
        let [first, last, levels @ ..] = numbers else {
            return None;
        };
        let (levels, rest) = levels.as_chunks::<4>();
        let level = |l: &[f64; 4]| Level {
            count: l[0] as u64,
            mean: l[1],
            deviations: l[2],
            pending: Some(l[3]).filter(|p| !p.is_nan()),
        };
        rest.is_empty().then(|| Blocking {
            levels: levels.iter().map(level).collect(),
            first: *first,
            last: *last,
        })
    }

    /// Number of values so far.
    pub fn count(&self) -> u64 {
        self.levels.first().map_or(0, |l| l.count)
    }

    /// First value of the series.
    pub fn first(&self) -> f64 {
        self.first
    }

    /// Last value of the series.
    pub fn last(&self) -> f64 {
        self.last
    }

    /// Mean, error and spread.
    ///
    /// The error is taken at the shortest block length B with B^3 > 2 n (e_B/e_1)^4 (Lee, Conduit, Nemec, López Ríos,
    /// Drummond, Phys. Rev. E 83, 066706 (2011)), which balances bias and noise of the estimate. When no block length
    /// fulfils it, or fewer than four blocks remain, there is no error.
    pub fn average(&self) -> Option<Average> {
        let plain = self.levels.first().filter(|l| l.count > 0)?;
        let n = plain.count as f64;
        let deviation = if plain.count > 1 {
            (plain.deviations / (n - 1.0)).sqrt()
        } else {
            0.0
        };
        let standard_error =
            |l: &Level| (l.deviations / (l.count as f64 * (l.count as f64 - 1.0))).sqrt();
        let mut error = None;
        if plain.count >= 4 {
            let naive = standard_error(plain);
            for (k, level) in self.levels.iter().enumerate().filter(|(_, l)| l.count >= 4) {
                let e = standard_error(level);
                let ratio = if naive > 0.0 { e / naive } else { 1.0 };
                if (k as f64 * 3.0).exp2() > 2.0 * n * ratio.powi(4) || naive == 0.0 {
                    error = Some(e);
                    break;
                }
            }
        }
        Some(Average {
            mean: plain.mean,
            error,
            deviation,
            count: plain.count,
        })
    }
}

impl Average {
    /// As a person writes it: `-4.6301(12)`; without an error only the digits that the spread justifies, and a `~`.
    pub fn display(&self) -> String {
        let scale = match self.error {
            Some(e) if e > 0.0 => e,
            Some(_) => return format!("{:.6}", self.mean),
            None if self.deviation > 0.0 => self.deviation,
            None => return format!("~{:.6}", self.mean),
        };
        // Two digits of the error.
        let decimals = (1.0 - scale.log10().floor()).clamp(0.0, 12.0) as usize;
        match self.error {
            Some(e) => {
                let digits = (e * 10f64.powi(decimals as i32)).round();
                format!("{:.decimals$}({digits:.0})", self.mean)
            }
            None => format!("~{:.decimals$}", self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn errors_of_correlated_series() {
        // AR(1): x' = a x + sqrt(1-a^2) xi has variance 1 and integrated time (1+a)/(1-a). The estimated error over 40 series
        // must match the true one within 15 % on average (its own scatter is about 20 % per series, 3 % for the mean).
        let n = 1 << 15;
        for a in [0.0f64, 0.8, 0.95] {
            let exact = ((1.0 + a) / (1.0 - a) / n as f64).sqrt();
            let mut sum = 0.0;
            for series in 0..40 {
                let mut s = Stream::new(9, Purpose::Displacement, series, 0, 0);
                let mut blocking = Blocking::default();
                let mut x = s.normal();
                for k in 0..n {
                    // A stream is good for 8192 draws.
                    if k % 4096 == 0 {
                        s = Stream::new(9, Purpose::Displacement, series, k, 1);
                    }
                    x = a * x + (1.0 - a * a).sqrt() * s.normal();
                    blocking.add(x);
                }
                sum += blocking.average().unwrap().error.unwrap();
            }
            let ratio = sum / 40.0 / exact;
            assert!((0.85..1.15).contains(&ratio), "a = {a}: {ratio}");
        }
    }

    #[test]
    fn continues_from_its_numbers() {
        let mut a = Blocking::default();
        (0..77).for_each(|k| a.add(f64::from(k).sin()));
        let mut b = Blocking::from_numbers(&a.to_numbers()).unwrap();
        assert_eq!(a, b);
        (0..50).for_each(|k| (a.add(f64::from(k).cos()), b.add(f64::from(k).cos())).0);
        assert_eq!(a, b);
        assert!(
            Blocking::from_numbers(&[1.0]).is_none() && Blocking::from_numbers(&[1.0; 5]).is_none()
        );
    }

    #[test]
    fn short_and_constant_series() {
        let mut b = Blocking::default();
        assert!(b.average().is_none());
        b.add(2.0);
        assert_eq!(b.average().unwrap().error, None);
        (0..10).for_each(|_| b.add(2.0));
        let a = b.average().unwrap();
        assert_eq!((a.mean, a.error), (2.0, Some(0.0)));
        // A trend has no error: the blocks never become independent.
        let mut b = Blocking::default();
        (0..1000).for_each(|k| b.add(f64::from(k)));
        assert_eq!(b.average().unwrap().error, None);
    }

    #[test]
    fn written_as_people_do() {
        let a = |mean, error| {
            Average {
                mean,
                error,
                deviation: 0.5,
                count: 10,
            }
            .display()
        };
        assert_eq!(a(-4.63012, Some(0.00117)), "-4.6301(12)");
        assert_eq!(a(301.234, Some(2.31)), "301.2(23)");
        assert_eq!(a(301.234, Some(231.0)), "301(231)");
        assert_eq!(a(301.234, None), "~301.23");
    }
}
