//! The weight of a neighbour in the density: cosine cutoff times optional radial scaling.

use super::parameters::SoapParameters;
use std::f64::consts::PI;

/// f(r) = fc(r) D(r): one cosine half-wave to zero at the cutoff, times rate/(rate + (r/scale)^dexp).
#[derive(Clone, Debug)]
pub(super) struct Cutoff {
    radius: f64,
    width: f64,
    inner: f64,
    dexp: f64,
    scale: f64,
    rate: f64,
}

impl Cutoff {
    pub(super) fn new(p: &SoapParameters) -> Cutoff {
        Cutoff {
            radius: p.cutoff,
            width: p.transition_width,
            inner: p.cutoff - p.transition_width,
            dexp: p.cutoff_dexp,
            scale: p.cutoff_scale,
            rate: p.cutoff_rate,
        }
    }

    /// Value and derivative at r > 0; zero from the cutoff on.
    #[inline]
    pub(super) fn value_and_slope(&self, r: f64) -> (f64, f64) {
        if r >= self.radius {
            return (0.0, 0.0);
        }
        let (mut f, mut df) = (1.0, 0.0);
        if r > self.inner {
            let (s, c) = (PI * (r - self.inner) / self.width).sin_cos();
            f = 0.5 * (c + 1.0);
            df = -0.5 * PI / self.width * s;
        }
        if self.dexp > 0.0 {
            let power = (r / self.scale).powf(self.dexp);
            let d_power = self.dexp / r * power;
            let denominator = self.rate + power;
            let numerator = if self.rate == 0.0 { 1.0 } else { self.rate };
            let d = numerator / denominator;
            df = df * d - f * d * d_power / denominator;
            f *= d;
        }
        (f, df)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> SoapParameters {
        SoapParameters {
            cutoff: 5.0,
            transition_width: 1.0,
            ..SoapParameters::default()
        }
    }

    #[test]
    fn is_one_inside_and_zero_outside() {
        let f = Cutoff::new(&parameters());
        assert_eq!(f.value_and_slope(3.99), (1.0, 0.0));
        assert!((f.value_and_slope(4.5).0 - 0.5).abs() < 1e-15);
        assert_eq!(f.value_and_slope(5.0), (0.0, 0.0));
        let sharp = Cutoff::new(&SoapParameters {
            transition_width: 0.0,
            ..parameters()
        });
        assert_eq!(sharp.value_and_slope(4.999), (1.0, 0.0));
    }

    #[test]
    fn slope_is_the_derivative() {
        for (dexp, rate) in [(0.0, 1.0), (2.0, 1.0), (3.0, 0.5), (1.0, 0.0)] {
            let p = SoapParameters {
                cutoff_dexp: dexp,
                cutoff_rate: rate,
                cutoff_scale: 2.5,
                ..parameters()
            };
            let f = Cutoff::new(&p);
            for r in [0.7, 2.0, 3.9, 4.2, 4.7, 4.95] {
                let h = 1e-5;
                let numeric = (f.value_and_slope(r + h).0 - f.value_and_slope(r - h).0) / (2.0 * h);
                assert!(
                    (numeric - f.value_and_slope(r).1).abs() < 1e-8,
                    "dexp {dexp} r {r}"
                );
            }
        }
    }

    #[test]
    fn scaling_follows_its_formula() {
        let p = SoapParameters {
            cutoff_dexp: 4.0,
            cutoff_rate: 2.0,
            cutoff_scale: 3.0,
            ..parameters()
        };
        let q = 2.0 / 3.0;
        let r: f64 = 2.2;
        let expected = q * 3.0 / (2.0 + (r / 3.0).powi(4));
        assert!((Cutoff::new(&p).value_and_slope(r).0 - expected).abs() < 1e-15);
    }
}
