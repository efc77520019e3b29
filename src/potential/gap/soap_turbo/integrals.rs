//! Integrals of a Gaussian times smooth functions over a stretch of the axis, by quadrature.
//!
//! Every term of the sums is positive where the integrand is, so that nothing cancels; recursions of such integrals lose
//! digits with every step.

use std::f64::consts::PI;

/// Points of a panel.
const POINTS: usize = 16;

/// Gauss-Legendre quadrature on panels no wider than the Gaussian.
#[derive(Clone, Debug)]
pub(super) struct Quadrature {
    /// Abscissae in (-1, 1) and weights.
    nodes: [(f64, f64); POINTS],
}

impl Quadrature {
    pub(super) fn new() -> Quadrature {
        let n = POINTS as f64;
        let node = |i: usize| {
            let mut z = (PI * (i as f64 + 0.75) / (n + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..10 {
                let (mut before, mut last) = (1.0, z);
                for l in 1..POINTS {
                    let l = l as f64;
                    (before, last) = (last, ((2.0 * l + 1.0) * z * last - l * before) / (l + 1.0));
                }
                slope = n * (z * last - before) / (z * z - 1.0);
                z -= last / slope;
            }
            (z, 2.0 / ((1.0 - z * z) * slope * slope))
        };
        Quadrature {
            nodes: std::array::from_fn(node),
        }
    }

    /// Calls `add(t, weight)` for points t of [low, high] such that `sum weight · f(t)` is the integral of f, to rounding,
    /// when f is a smooth function times exp(-(t - mean)²/(2 width²)). Ends far down the Gaussian are left out.
    pub(super) fn points(
        &self,
        [low, high]: [f64; 2],
        mean: f64,
        width: f64,
        mut add: impl FnMut(f64, f64),
    ) {
        if high <= low {
            return;
        }
        let peak = mean.clamp(low, high);
        let away = (peak - mean).abs() / width;
        // exp(-(away + d)²/2 + away²/2) falls below exp(-45) within this distance of the peak.
        let reach = width * (90.0 / (away + (away * away + 90.0).sqrt()));
        let step = width / (1.0 + 0.25 * away);
        let (low, high) = (low.max(peak - reach), high.min(peak + reach));
        let panels = ((high - low) / step).ceil().max(1.0);
        let half = 0.5 * (high - low) / panels;
        for panel in 0..panels as usize {
            let middle = low + half * (2.0 * panel as f64 + 1.0);
            for (z, w) in &self.nodes {
                add(middle + half * z, half * w);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integral(range: [f64; 2], mean: f64, width: f64, f: impl Fn(f64) -> f64) -> f64 {
        let mut sum = 0.0;
        Quadrature::new().points(range, mean, width, |t, w| {
            sum += w * f(t) * (-0.5 * ((t - mean) / width).powi(2)).exp();
        });
        sum
    }

    #[test]
    fn gaussians_and_their_moments() {
        for (low, high, mean, width) in [
            (0.0, 1.0, 0.3, 0.05),
            (0.0, 0.8, 0.95, 0.06),
            (0.8, 1.0, 0.81, 0.004),
            (0.0, 0.9, 0.9, 3.0),
            (0.0, 0.5, 1.0, 0.05),
        ] {
            let root = width * 2f64.sqrt();
            // From the side where the complementary error function keeps its digits.
            let e = |t: f64| libm::erfc((mean - t) / root);
            let expected = (PI / 2.0).sqrt() * width * (e(high) - e(low));
            let found = integral([low, high], mean, width, |_| 1.0);
            assert!(
                (found - expected).abs() < 3e-15 * width + 3e-15 * expected,
                "{found} {expected}"
            );
            // J_1 of the recursion: the first moment about 1.
            let edge = |t: f64| (-0.5 * ((t - mean) / width).powi(2)).exp();
            let first = (1.0 - mean) * expected + width * width * (edge(high) - edge(low));
            let found = integral([low, high], mean, width, |t| 1.0 - t);
            assert!((found - first).abs() < 1e-14 * width);
        }
        assert_eq!(integral([1.0, 0.5], 0.7, 0.1, |_| 1.0), 0.0);
    }
}
