//! What sampled numbers say: means with errors of correlated series, and the ratio of two distributions.

use crate::common;

/// Mean and variance.
pub fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance)
}

/// Statistical inefficiency g: how many samples are worth one independent sample, 1 + 2 Σ ρ_k up to the first k where the
/// autocorrelation is lost in its noise (Chodera et al., J. Chem. Theory Comput. 3, 26 (2007)).
pub fn inefficiency(x: &[f64]) -> f64 {
    let n = x.len();
    let (mean, variance) = moments(x);
    let mut g = 1.0;
    for k in 1..n / 4 {
        let pairs = x.iter().zip(&x[k..]).map(|(a, b)| (a - mean) * (b - mean));
        let rho = pairs.sum::<f64>() / (n - k) as f64 / variance;
        if rho <= 0.0 {
            break;
        }
        g += 2.0 * rho * (1.0 - k as f64 / n as f64);
    }
    g
}

/// Mean of a correlated series and its standard error.
pub fn average(x: &[f64]) -> (f64, f64) {
    let (mean, variance) = moments(x);
    (mean, (variance * inefficiency(x) / x.len() as f64).sqrt())
}

/// Every so many of each list that all of them are independent, by the worst of their columns.
pub fn independent<const D: usize>(x: &[[f64; D]]) -> Vec<[f64; D]> {
    let column = |k: usize| x.iter().map(|x| x[k]).collect::<Vec<_>>();
    let g = (0..D).map(|k| inefficiency(&column(k))).fold(1.0, f64::max);
    x.iter().step_by(g.ceil() as usize).copied().collect()
}

/// What a series says about being of a Gamma distribution (scale 1).
#[derive(Debug)]
pub struct Verdict {
    /// Mean, in units of the exact one.
    pub mean: f64,
    /// Its standard error from the exact distribution.
    pub mean_error: f64,
    /// Variance, in units of the exact one.
    pub variance: f64,
    /// Its standard error from the exact distribution.
    pub variance_error: f64,
    /// Kolmogorov–Smirnov's p-value of the independent samples.
    pub p: f64,
}

impl Verdict {
    /// Judges samples that should be of the Gamma distribution of `shape`.
    pub fn of_gamma(samples: &[f64], shape: f64) -> Verdict {
        let g = inefficiency(samples);
        let n = samples.len() as f64 / g;
        let (mean, variance) = moments(samples);
        let mut own: Vec<f64> = samples.iter().step_by(g.ceil() as usize).copied().collect();
        Verdict {
            mean: mean / shape,
            mean_error: 1.0 / (shape * n).sqrt(),
            variance: variance / shape,
            // The variance of a Gamma sample variance; squares decorrelate at least as fast as the samples.
            variance_error: ((2.0 + 6.0 / shape) / n).sqrt(),
            p: common::kolmogorov_smirnov(&mut own, shape),
        }
    }

    /// Passes within 4 standard errors (and a bias that the discrete step allows) and with p > 1e-3.
    pub fn require(&self, what: &str, bias: f64) {
        let Verdict {
            mean,
            mean_error,
            variance,
            variance_error,
            p,
        } = self;
        eprintln!(
            "{what}: mean {mean:.4}({mean_error:.4}), variance {variance:.3}({variance_error:.3}), p {p:.3}"
        );
        assert!((mean - 1.0).abs() < 4.0 * mean_error + bias, "{what}: mean");
        assert!(
            (variance - 1.0).abs() < 4.0 * variance_error + 2.0 * bias,
            "{what}: variance"
        );
        assert!(*p > 1e-3, "{what}: p");
    }
}

/// Maximum likelihood of ln[P_2(x)/P_1(x)] = a + s·x from independent samples of both, with the standard errors of s
/// (logistic regression; Shirts, J. Chem. Theory Comput. 9, 909 (2013)).
pub fn log_ratio<const D: usize>(one: &[[f64; D]], two: &[[f64; D]]) -> [(f64, f64); D] {
    let all = || {
        one.iter()
            .map(|x| (x, 0.0))
            .chain(two.iter().map(|x| (x, 1.0)))
    };
    let n = (one.len() + two.len()) as f64;
    let (mut centre, mut width) = ([0.0; D], [0.0; D]);
    for k in 0..D {
        centre[k] = all().map(|(x, _)| x[k]).sum::<f64>() / n;
        width[k] = (all().map(|(x, _)| (x[k] - centre[k]).powi(2)).sum::<f64>() / n).sqrt();
    }
    let mut s = nalgebra::DVector::zeros(D + 1);
    let mut information = nalgebra::DMatrix::zeros(D + 1, D + 1);
    for _ in 0..60 {
        let mut gradient = nalgebra::DVector::zeros(D + 1);
        information.fill(0.0);
        for (x, is_two) in all() {
            let x = nalgebra::DVector::from_fn(D + 1, |k, _| {
                if k == D {
                    1.0
                } else {
                    (x[k] - centre[k]) / width[k]
                }
            });
            let q = 1.0 / (1.0 + (-s.dot(&x)).exp());
            gradient += &x * (is_two - q);
            information += &x * x.transpose() * (q * (1.0 - q));
        }
        s += information
            .clone()
            .lu()
            .solve(&gradient)
            .expect("two overlapping sets");
    }
    let covariance = information.try_inverse().expect("two overlapping sets");
    std::array::from_fn(|k| (s[k] / width[k], covariance[(k, k)].sqrt() / width[k]))
}

/// Judges slopes against the exact ones: within 3 standard errors, each of which is below `bound` times the exact slope.
pub fn require_slopes<const D: usize>(
    what: &str,
    slopes: [(f64, f64); D],
    exact: [f64; D],
    bound: f64,
) {
    for ((slope, error), exact) in slopes.into_iter().zip(exact) {
        let (ratio, error) = (slope / exact, error / exact.abs());
        eprintln!("{what}: slope {ratio:.4}({error:.4}) of the exact");
        assert!(error < bound, "{what}: too few samples");
        assert!((ratio - 1.0).abs() < 3.0 * error, "{what}");
    }
}

/// Drift (change per unit of time) of a series whose increments over whole segments are independent, with its standard
/// error: a conserved energy under a thermostat is a random walk of tiny steps about its drift, and the mean of a walk's
/// increments is all that its path says about the drift.
pub fn drift(series: &[f64], interval: f64, segments: usize) -> (f64, f64) {
    let length = series.len() / segments;
    let increments: Vec<f64> = (0..segments)
        .map(|s| {
            let end = ((s + 1) * length).min(series.len() - 1);
            (series[end] - series[s * length]) / (length as f64 * interval)
        })
        .collect();
    let (mean, variance) = moments(&increments);
    (mean, (variance / segments as f64).sqrt())
}

/// The slope of a straight line through points (x, y).
pub fn line(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mx = points.iter().map(|p| p.0).sum::<f64>() / n;
    let my = points.iter().map(|p| p.1).sum::<f64>() / n;
    points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}
