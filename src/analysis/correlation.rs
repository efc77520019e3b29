//! How much a correlated series knows: statistical inefficiency, and where equilibrium begins.

/// The statistical inefficiency g of a stationary series: n correlated values are worth n/g independent ones. At least 1.
///
/// g = 1 + 2 Σ C(t), the sum ended by the initial monotone sequence of Geyer (Stat. Sci. 7, 473 (1992)): pairs of neighbouring
/// correlations are added while they are positive, and none counts more than the one before.
pub fn statistical_inefficiency(series: &[f64]) -> f64 {
    spread(series).1
}

/// Variance and statistical inefficiency.
fn spread(series: &[f64]) -> (f64, f64) {
    let n = series.len();
    let mean = series.iter().sum::<f64>() / n.max(1) as f64;
    let x: Vec<f64> = series.iter().map(|v| v - mean).collect();
    let variance = x.iter().map(|d| d * d).sum::<f64>() / n.max(1) as f64;
    // Rounding alone is no fluctuation.
    if n < 4 || variance <= (1e-14 * mean).powi(2) {
        return (0.0, 1.0);
    }
    let correlation = |t: usize| {
        let products = x[..n - t].iter().zip(&x[t..]).map(|(a, b)| a * b);
        products.sum::<f64>() / (n as f64 * variance)
    };
    let (mut sum, mut before) = (0.0, f64::INFINITY);
    for t in (0..n - 1).step_by(2) {
        let pair = (correlation(t) + correlation(t + 1)).min(before);
        if pair <= 0.0 {
            break;
        }
        sum += pair;
        before = pair;
    }
    (variance, (2.0 * sum - 1.0).clamp(1.0, n as f64))
}

/// Most places at which the beginning of equilibrium is tried.
const PLACES: usize = 100;
/// A beginning is as good as the best one when it leaves this part of its knowledge.
const AS_GOOD: f64 = 0.95;

/// Number of values at the start of a series that belong to its equilibration; at most half of them.
///
/// After J. D. Chodera, J. Chem. Theory Comput. 12, 1799 (2016), the beginning t0 that leaves most independent samples,
/// (n - t0)/g(t0), with two changes. Samples are weighed with the inverse of their variance, so that it is the error of the
/// mean that becomes least (as with K. P. White, Simulation 69, 323 (1997)): a few values far off at the start make the rest
/// look less correlated, not more, and would be kept. And of beginnings that are nearly as good the earliest is taken, since
/// in a stationary series many are alike.
pub fn equilibration(series: &[f64]) -> usize {
    let n = series.len();
    let step = n.div_ceil(PLACES).max(1);
    let tried: Vec<(usize, f64)> = (0..=n / 2)
        .step_by(step)
        .map(|t| {
            let (variance, g) = spread(&series[t..]);
            (t, (n - t) as f64 / (g * variance))
        })
        .collect();
    // A constant is known without any error: infinity, and the earliest such place is right.
    let best = tried.iter().map(|t| t.1).fold(0.0, f64::max);
    tried
        .iter()
        .find(|t| t.1 >= AS_GOOD * best)
        .map_or(0, |t| t.0)
}

/// A straight line through a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change from one value to the next.
    pub slope: f64,
    /// Its standard error, with the correlation of the residuals taken into account.
    pub error: f64,
    /// Standard deviation of the values from the line.
    pub deviation: f64,
}

/// The straight line through a series by least squares; `None` with fewer than five values.
pub fn trend(series: &[f64]) -> Option<Trend> {
    let n = series.len();
    if n < 5 {
        return None;
    }
    let middle = 0.5 * (n - 1) as f64;
    let mean = series.iter().sum::<f64>() / n as f64;
    let places = || (0..n).map(|k| k as f64 - middle);
    let spread: f64 = places().map(|t| t * t).sum();
    let slope = places()
        .zip(series)
        .map(|(t, y)| t * (y - mean))
        .sum::<f64>()
        / spread;
    let rest: Vec<f64> = places()
        .zip(series)
        .map(|(t, y)| y - mean - slope * t)
        .collect();
    let variance = rest.iter().map(|r| r * r).sum::<f64>() / (n - 2) as f64;
    let error = (variance * statistical_inefficiency(&rest) / spread).sqrt();
    Some(Trend {
        slope,
        error,
        deviation: variance.sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn inefficiency_of_known_series() {
        // AR(1) has g = (1 + a)/(1 - a). The mean over 30 series of 8192 values scatters by less than 2 %, and the estimator
        // is biased by about g/n; 8 % is more than four times that. Seeds are fixed.
        for a in [0.0, 0.5, 0.9, 0.97] {
            let exact = (1.0 + a) / (1.0 - a);
            let sum: f64 = (0..30)
                .map(|k| statistical_inefficiency(&autoregressive(a, 8192, k)))
                .sum();
            let ratio = sum / 30.0 / exact;
            eprintln!("a {a}: {ratio:.3} of the exact g");
            assert!((0.92..1.08).contains(&ratio), "a = {a}: {ratio}");
        }
        assert_eq!(statistical_inefficiency(&[3.0; 100]), 1.0);
        assert_eq!(statistical_inefficiency(&[]), 1.0);
    }

    #[test]
    fn a_transient_is_left_out_and_a_stationary_series_is_kept() {
        // A transient of 20 standard deviations that decays within 40 values has a part of 3 left after 80, and 0.13 after 200; a
        // beginning between 80 and 450 of 2000 is right. In a stationary series little is given away: 25 % at most in nine of
        // ten. A single value far off at the start goes in about nine of ten.
        let (mut good, mut kept, mut single) = (0, 0, 0);
        for k in 0..40 {
            let mut x = autoregressive(0.8, 2000, k);
            kept += usize::from(equilibration(&x) <= 500);
            for (t, x) in x.iter_mut().enumerate() {
                *x += 20.0 * (-(t as f64) / 40.0).exp();
            }
            good += usize::from((80..=450).contains(&equilibration(&x)));
            let mut x = autoregressive(0.5, 250, k);
            x[0] += 11.0;
            single += usize::from((1..=100).contains(&equilibration(&x)));
        }
        eprintln!(
            "transients found: {good} of 40; single values: {single} of 40; stationary series kept: {kept} of 40"
        );
        assert!(
            good >= 36 && kept >= 36 && single >= 30,
            "{good} {kept} {single}"
        );
        assert_eq!(equilibration(&[1.0; 100]), 0);
        // A ramp never comes to rest; series too short for anything are taken whole.
        let ramp: Vec<f64> = (0..500).map(f64::from).collect();
        assert!((240..=250).contains(&equilibration(&ramp)));
        assert_eq!(equilibration(&[1.0, 2.0]), 0);
        assert_eq!(equilibration(&[]), 0);
    }

    #[test]
    fn trends_have_honest_errors() {
        // The slope of a correlated series with a known trend: its deviation in units of the claimed error has a variance
        // near 1. Over 100 series that variance scatters by 0.14; the claim is allowed to be 30 % off, as g is estimated.
        let mut sum = 0.0;
        for k in 0..100 {
            let mut x = autoregressive(0.9, 4096, k);
            x.iter_mut()
                .enumerate()
                .for_each(|(t, x)| *x += 1e-3 * t as f64);
            let line = trend(&x).unwrap();
            sum += ((line.slope - 1e-3) / line.error).powi(2);
            assert!((line.deviation - 1.0).abs() < 0.2);
        }
        eprintln!("mean square deviation of slopes: {:.2} errors", sum / 100.0);
        assert!((0.5..1.7).contains(&(sum / 100.0)), "{}", sum / 100.0);
        assert!(trend(&[1.0; 4]).is_none());
        let exact = trend(&[1.0, 3.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((exact.slope, exact.error, exact.deviation), (2.0, 0.0, 0.0));
    }
}
