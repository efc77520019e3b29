//! The smooth end of pair potentials, and integrals over what it leaves out.

/// A factor that is 1 up to `inner`, 0 from `outer` on and 1 - t³ (10 - 15 t + 6 t²) of t = (r - inner)/(outer - inner)
/// between: two continuous derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Taper {
    inner: f64,
    outer: f64,
}

impl Taper {
    /// A taper between two distances (Å). Errors, a sentence, unless 0 <= inner < outer.
    pub(super) fn new(inner: f64, outer: f64) -> Result<Taper, String> {
        if inner >= 0.0 && inner < outer && outer.is_finite() {
            Ok(Taper { inner, outer })
        } else {
            Err(format!(
                "the taper must begin at 0 Å or more and end further out, not go from {inner} Å to {outer} Å"
            ))
        }
    }

    pub(super) fn outer(&self) -> f64 {
        self.outer
    }

    /// The factor and its derivative (1/Å).
    #[inline]
    pub(super) fn at(&self, r: f64) -> (f64, f64) {
        if r <= self.inner {
            return (1.0, 0.0);
        }
        if r >= self.outer {
            return (0.0, 0.0);
        }
        let width = self.outer - self.inner;
        let t = (r - self.inner) / width;
        // In terms of what is left, so that the end is smooth to rounding, too.
        let u = (self.outer - r) / width;
        (
            u * u * u * (10.0 - 15.0 * u + 6.0 * u * u),
            -30.0 * t * t * u * u / width,
        )
    }

    /// The second derivative of the factor (1/Å²).
    pub(super) fn curvature(&self, r: f64) -> f64 {
        if r <= self.inner || r >= self.outer {
            return 0.0;
        }
        let width = self.outer - self.inner;
        let (t, u) = ((r - self.inner) / width, (self.outer - r) / width);
        -60.0 * t * u * (u - t) / (width * width)
    }

    /// ∫ V(r) (1 - taper) r² dr from 0 to infinity (Å³ times the unit of V), for a V that falls faster than r⁻³.
    pub(super) fn integral_beyond(&self, v: impl Fn(f64) -> f64) -> f64 {
        let inside = integrate(self.inner, self.outer, |r| {
            v(r) * (1.0 - self.at(r).0) * r * r
        });
        // With t = 1/r the rest is a smooth function on a finite stretch.
        let outside = integrate(0.0, 1.0 / self.outer, |t| v(1.0 / t) / (t * t * t * t));
        inside + outside
    }
}

/// Gauss and Legendre's rule with eight points on each of sixteen pieces.
fn integrate(from: f64, to: f64, f: impl Fn(f64) -> f64) -> f64 {
    const NODES: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
        (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
    ];
    const PIECES: usize = 16;
    let half = 0.5 * (to - from) / PIECES as f64;
    let mut sum = 0.0;
    for piece in 0..PIECES {
        let middle = from + half * (2 * piece + 1) as f64;
        for (x, w) in NODES {
            sum += w * (f(middle - half * x) + f(middle + half * x));
        }
    }
    half * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_smooth_twice() {
        let taper = Taper::new(1.0, 2.5).unwrap();
        assert_eq!((taper.at(0.3), taper.at(2.5)), ((1.0, 0.0), (0.0, 0.0)));
        assert!((taper.at(1.75).0 - 0.5).abs() < 1e-15);
        let h = 1e-4;
        for r in [1.0, 1.3, 1.75, 2.2, 2.5] {
            let slope = (taper.at(r + h).0 - taper.at(r - h).0) / (2.0 * h);
            assert!((slope - taper.at(r).1).abs() < 1e-6, "{r}");
            // The second derivative is continuous: one-sided differences of the first agree up to order h.
            let (left, right) = (
                (taper.at(r).1 - taper.at(r - h).1) / h,
                (taper.at(r + h).1 - taper.at(r).1) / h,
            );
            assert!((left - right).abs() < 30.0 * h, "{r}: {left} {right}");
        }
        for (a, b) in [
            (2.0, 2.0),
            (-1.0, 2.0),
            (1.0, f64::INFINITY),
            (f64::NAN, 1.0),
        ] {
            assert!(Taper::new(a, b).is_err());
        }
    }

    #[test]
    fn integrals_of_powers_are_exact() {
        // ∫ r^-6 r² beyond a narrow taper, and ∫ r² /(r^6 + 1) = atan(1/r³)/3.
        let taper = Taper::new(3.0 - 1e-6, 3.0).unwrap();
        let got = taper.integral_beyond(|r| r.powi(-6));
        assert!((got - 1.0 / 81.0).abs() < 1e-8);
        let got = taper.integral_beyond(|r| 1.0 / (r.powi(6) + 1.0));
        assert!((got - (1.0f64 / 27.0).atan() / 3.0).abs() < 1e-8);
        // 1 - taper on its own: 60 h⁶ times ... checked against Simpson's rule.
        let taper = Taper::new(4.0, 7.0).unwrap();
        let inside = |r: f64| (1.0 - taper.at(r).0) * r.powi(-4);
        let n = 20_000;
        let simpson: f64 = (0..=n)
            .map(|k| {
                let w = if k == 0 || k == n {
                    1.0
                } else {
                    [2.0, 4.0][k % 2]
                };
                w * inside(4.0 + 3.0 * k as f64 / n as f64)
            })
            .sum::<f64>()
            / (n as f64)
            * 3.0
            / 3.0;
        let expected = simpson + 1.0 / (3.0 * 7.0f64.powi(3));
        assert!((taper.integral_beyond(|r| r.powi(-6)) - expected).abs() < 1e-13);
    }
}
