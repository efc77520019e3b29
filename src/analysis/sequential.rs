//! Averages of runs that end when their error is small enough: what they are worth, and how long they still have to be.
//!
//! A run that stops the first time its estimated error is small stops too early on average: a chance underestimate of the error
//! ends it. Three things keep the claim honest (Y. S. Chow, H. Robbins, Ann. Math. Stat. 36, 457 (1965), for the limit of many
//! samples): no error is believed before there are [`LEAST_INDEPENDENT`] independent values; an interval is as wide as
//! Student's distribution makes it; and a beginning is left out only where that clearly pays, since a choice that makes the
//! estimated error as small as it can be is a choice for errors that are too small.

use super::{Average, Series, statistical_inefficiency, trend};

/// Fewer independent values give no error to stop at.
pub const LEAST_INDEPENDENT: f64 = 50.0;

/// Blocks of a series have independent means when they are so many times as long as its inefficiency.
const BLOCK: f64 = 5.0;

/// Places at which the beginning of equilibrium is tried, over the whole series; those in its first half are.
const PLACES: usize = 20;

/// A beginning is as good as the best one when it leaves this part of its knowledge.
const AS_GOOD: f64 = 0.7;

/// A drift beyond so many of its standard errors is one.
pub const DRIFT: f64 = 4.0;

/// A run grows by this factor at least, and by that one at most, before its error is looked at again: few looks mislead less.
const GROWTH: (f64, f64) = (1.3, 2.5);

/// Predictions of the error are met with this reserve.
const RESERVE: f64 = 1.05;

/// The average of a series from its equilibration on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// The mean.
    pub mean: f64,
    /// Standard error, made larger so that 1.96 times it is the half width of the interval of 95 %: by Student's factor for as many
    /// degrees of freedom as there are independent blocks. None when there are too few to tell.
    pub error: Option<f64>,
    /// Standard deviation of single values.
    pub deviation: f64,
    /// Independent values that the mean is worth.
    pub independent: f64,
    /// Values for one independent one.
    pub inefficiency: f64,
    /// Change over the series by its straight line, in standard errors of that change; 0 when it is too short to tell.
    pub drift: f64,
    /// Whether there are enough independent values, and blocking and the correlation function agree.
    pub certain: bool,
}

impl Sampled {
    /// The average of the values from `first` on; `None` when there are none.
    pub fn of(series: &[f64], first: usize) -> Option<Sampled> {
        let kept = series.get(first..)?;
        let shift = *kept.first()?;
        let mut blocks = Series::new(2);
        for x in kept {
            let d = x - shift;
            blocks.add(&[d, d * d]);
        }
        let means = blocks.channel(0, 0);
        let squares = blocks.channel(1, 0);
        let square = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
        let average = Average::of_blocks(&means, square, blocks.block_length())?;
        let line = trend(&means);
        let drift = line.map_or(0.0, |l| match l.error > 0.0 {
            true => l.slope / l.error,
            false => 0.0,
        });
        let enough = average.independent >= LEAST_INDEPENDENT;
        let factor = student(average.independent / BLOCK - 1.0) / student(f64::INFINITY);
        Some(Sampled {
            mean: average.mean + shift,
            error: average.error.map(|e| e * factor),
            deviation: average.deviation,
            independent: average.independent,
            inefficiency: kept.len() as f64 / average.independent,
            drift,
            certain: average.certain && enough,
        })
    }

    /// Whether the error can be believed and is at most `wanted`, and the series does not drift.
    pub fn meets(&self, wanted: f64) -> bool {
        self.certain && self.error.is_some_and(|e| e <= wanted) && self.drift.abs() <= DRIFT
    }

    /// How many values there should be in all, given `first` that were left out and `all` that there are, before the error is
    /// looked at again: as many as `wanted` is predicted to need.
    pub fn next_length(&self, wanted: f64, first: usize, all: usize) -> usize {
        let now = all as f64;
        let kept = (all - first.min(all)) as f64;
        let needed = match self.error {
            Some(e) if wanted > 0.0 => first as f64 + kept * (e / wanted).powi(2) * RESERVE,
            _ => f64::INFINITY,
        };
        let samples = LEAST_INDEPENDENT / self.independent.max(1.0) * kept * RESERVE + first as f64;
        let next = needed.max(samples).clamp(GROWTH.0 * now, GROWTH.1 * now);
        // The result is below 2.5 times a number of values that there are.
        next.ceil() as usize
    }
}

/// Number of values at the start that belong to the equilibration of any of several series of one length; at most half of them.
///
/// As [`equilibration`](super::equilibration), the earliest beginning that leaves nearly as much knowledge of the mean as the best one; but
/// with fewer places to choose from and a wider "nearly", so that the choice itself does not make errors look small: with that function's
/// rule, intervals of 95 % from 50 independent values miss in 9 % of cases, with this one in 7 %.
pub fn settled(all: &[&[f64]]) -> usize {
    let one = |series: &&[f64]| {
        let mut blocks = Series::new(1);
        series.iter().for_each(|x| blocks.add(&[*x]));
        let means = blocks.channel(0, 0);
        let tried: Vec<(usize, f64)> = (0..=PLACES / 2)
            .map(|k| k * means.len() / PLACES)
            .map(|first| (first, knowledge(&means[first..])))
            .collect();
        let best = tried.iter().map(|t| t.1).fold(0.0, f64::max);
        let first = tried.iter().find(|t| t.1 >= AS_GOOD * best);
        first.map_or(0, |t| t.0) * blocks.block_length() as usize
    };
    all.iter().map(one).max().unwrap_or(0)
}

/// The inverse of the squared error of the mean; infinite for a constant.
fn knowledge(series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n.max(1.0);
    let variance = series.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n.max(1.0);
    n / (statistical_inefficiency(series) * variance)
}

/// The half width of the interval of 95 % of Student's distribution, in standard errors.
///
/// The expansion of Cornish and Fisher in 1/ν (Abramowitz, Stegun 26.7.5): right to 4e-3 for ν ≥ 3, and below that taken at 3.
pub fn student(freedom: f64) -> f64 {
    let z: f64 = 1.959_963_984_540_054;
    if freedom.is_infinite() {
        return z;
    }
    let n = freedom.max(3.0);
    let powers = [z, z.powi(3), z.powi(5), z.powi(7), z.powi(9)];
    let g1 = (powers[1] + powers[0]) / 4.0;
    let g2 = (5.0 * powers[2] + 16.0 * powers[1] + 3.0 * powers[0]) / 96.0;
    let g3 = (3.0 * powers[3] + 19.0 * powers[2] + 17.0 * powers[1] - 15.0 * powers[0]) / 384.0;
    let g4 = (79.0 * powers[4] + 776.0 * powers[3] + 1482.0 * powers[2]
        - 1920.0 * powers[1]
        - 945.0 * powers[0])
        / 92_160.0;
    z + g1 / n + g2 / n.powi(2) + g3 / n.powi(3) + g4 / n.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn students_factors() {
        // Tables of Student's distribution.
        for (n, t) in [
            (3.0, 3.182),
            (5.0, 2.571),
            (10.0, 2.228),
            (24.0, 2.064),
            (1e6, 1.960),
        ] {
            assert!((student(n) - t).abs() < 4e-3, "{n}: {}", student(n));
        }
        assert_eq!(student(1.0), student(3.0));
    }

    /// The whole procedure of a state point, on a series that relaxes from far off: equilibration, error, a longer run, until
    /// the error is small enough.
    fn until(a: f64, seed: u64, wanted: f64, shortest: usize) -> (Sampled, usize) {
        let longest = 60_000;
        let mut series = autoregressive(a, longest, seed);
        let time = 2.0 / (1.0 - a);
        for (t, x) in series.iter_mut().enumerate() {
            *x += 10.0 * (-(t as f64) / time).exp();
        }
        let mut length = shortest;
        loop {
            let part = &series[..length];
            let first = settled(&[part]);
            let found = Sampled::of(part, first).unwrap();
            if found.meets(wanted) || length == longest {
                return (found, length);
            }
            length = found.next_length(wanted, first, length).min(longest);
        }
    }

    #[test]
    fn stopped_runs_keep_their_claims() {
        // Errors of 0.3, 0.1 and 0.05 of the standard deviation, that is 11, 100 and 400 independent values of which 50 are the
        // least; g = 9 and 39. The true mean 0 lies within 1.96 errors in 95 % of runs: of 200, 10 misses are expected, and 20
        // are more than three standard deviations above. Seeds are fixed.
        for a in [0.8, 0.95] {
            for wanted in [0.3, 0.1, 0.05] {
                let runs: Vec<(Sampled, usize)> =
                    (0..200).map(|k| until(a, k, wanted, 400)).collect();
                let misses = runs
                    .iter()
                    .filter(|(s, _)| s.mean.abs() > 1.96 * s.error.unwrap_or(0.0))
                    .count();
                let met = runs.iter().filter(|(s, _)| s.meets(wanted)).count();
                let mean = runs.iter().map(|r| r.1).sum::<usize>() / 200;
                let ideal = (1.0 + a) / (1.0 - a) / (wanted * wanted);
                eprintln!(
                    "a {a}, wanted {wanted}: {misses} of 200 beyond 95 %, {met} met, mean length {mean}, ideal {ideal:.0}"
                );
                assert!(misses <= 20, "{a} {wanted}: {misses}");
                assert!(met >= 195, "{a} {wanted}: {met}");
            }
        }
    }

    #[test]
    fn drifts_are_no_equilibrium() {
        let mut series = autoregressive(0.8, 4000, 3);
        let still = Sampled::of(&series, 0).unwrap();
        assert!(still.drift.abs() < DRIFT && still.certain);
        for (t, x) in series.iter_mut().enumerate() {
            *x += 1e-3 * t as f64;
        }
        let moving = Sampled::of(&series, 0).unwrap();
        assert!(moving.drift > DRIFT && !moving.meets(1e9));
        assert!(Sampled::of(&series, 4000).is_none() && Sampled::of(&[], 0).is_none());
        // What does not fluctuate has no error, and needs no more.
        let flat = Sampled::of(&[2.0; 100], 0).unwrap();
        assert!(flat.meets(0.0) && flat.error == Some(0.0) && flat.drift == 0.0);
        assert!((130..=250).contains(&still.next_length(0.5, 0, 100)));
    }
}
