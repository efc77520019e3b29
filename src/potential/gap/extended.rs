//! Double-double arithmetic: some thirty digits, for tables of sums whose terms cancel.
//!
//! The weights of sparse points reach 10^7 while energies are of order one: a table made in double precision would carry
//! the rounding of the sum into every interval, and its slopes would be rough. Algorithms of Dekker (1971) and Knuth.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// An unevaluated sum of two doubles, the second below half a unit of the first's last digit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Extended {
    high: f64,
    low: f64,
}

const LN_2: Extended = Extended {
    high: std::f64::consts::LN_2,
    low: 2.319_046_813_846_299_6e-17,
};

/// The exact sum of two doubles.
fn two_sum(a: f64, b: f64) -> Extended {
    let high = a + b;
    let t = high - a;
    Extended {
        high,
        low: (a - (high - t)) + (b - t),
    }
}

/// The exact product of two doubles.
fn two_product(a: f64, b: f64) -> Extended {
    let high = a * b;
    Extended {
        high,
        low: a.mul_add(b, -high),
    }
}

/// The exact sum when |a| >= |b|.
fn quick_sum(a: f64, b: f64) -> Extended {
    let high = a + b;
    Extended {
        high,
        low: b - (high - a),
    }
}

impl Extended {
    /// The nearest double.
    pub(super) fn value(self) -> f64 {
        self.high
    }

    /// The exact difference of two doubles.
    pub(super) fn difference(a: f64, b: f64) -> Extended {
        two_sum(a, -b)
    }

    /// The quotient by a double.
    pub(super) fn over(self, b: f64) -> Extended {
        let first = self.high / b;
        let rest = self - two_product(first, b);
        quick_sum(first, rest.high / b)
    }

    /// The exponential of a number below 700; 0 far on the negative side.
    pub(super) fn exp(self) -> Extended {
        if self.high < -700.0 {
            return Extended::default();
        }
        // exp(x) = 2^k · (exp((x - k ln 2)/64))^64, with expm1 by Taylor's series and (1+s)^2 - 1 = s(s+2).
        let k = (self.high / LN_2.high).round();
        let x = (self - LN_2 * Extended::from(k)) * Extended::from(1.0 / 64.0);
        let mut s = Extended::default();
        for n in (1..=11).rev() {
            s = (x + x * s).over(f64::from(n));
        }
        for _ in 0..6 {
            s = s * (s + Extended::from(2.0));
        }
        let scale = 2f64.powi(k as i32);
        let one = s + Extended::from(1.0);
        Extended {
            high: one.high * scale,
            low: one.low * scale,
        }
    }
}

impl From<f64> for Extended {
    fn from(high: f64) -> Extended {
        Extended { high, low: 0.0 }
    }
}

impl Add for Extended {
    type Output = Extended;
    fn add(self, b: Extended) -> Extended {
        let s = two_sum(self.high, b.high);
        let t = two_sum(self.low, b.low);
        let s = quick_sum(s.high, s.low + t.high);
        quick_sum(s.high, s.low + t.low)
    }
}

impl Neg for Extended {
    type Output = Extended;
    fn neg(self) -> Extended {
        Extended {
            high: -self.high,
            low: -self.low,
        }
    }
}

impl Sub for Extended {
    type Output = Extended;
    fn sub(self, b: Extended) -> Extended {
        self + -b
    }
}

impl Mul for Extended {
    type Output = Extended;
    fn mul(self, b: Extended) -> Extended {
        let p = two_product(self.high, b.high);
        quick_sum(p.high, p.low + (self.high * b.low + self.low * b.high))
    }
}

impl Div for Extended {
    type Output = Extended;
    fn div(self, b: Extended) -> Extended {
        let first = self.high / b.high;
        let rest = self - b * Extended::from(first);
        let second = rest.high / b.high;
        let third = (rest - b * Extended::from(second)).high / b.high;
        quick_sum(first, second) + Extended::from(third)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// |a| relative to `scale` below 1e-29.
    fn vanishes(a: Extended, scale: f64) {
        assert!(a.high.abs() < 1e-29 * scale, "{a:?}");
    }

    #[test]
    fn digits_beyond_double_are_kept() {
        let third = Extended::from(1.0).over(3.0);
        vanishes(third + third + third - Extended::from(1.0), 1.0);
        vanishes(third * Extended::from(3.0) - Extended::from(1.0), 1.0);
        vanishes(third / (third * third) - Extended::from(3.0), 1.0);
        let d = Extended::difference(1e16, 1.0) - Extended::from(1e16);
        assert_eq!(d.value(), -1.0);
    }

    #[test]
    fn exponentials_multiply() {
        for (a, b) in [
            (0.3, -0.7),
            (-12.3, 5.1),
            (1.0, 1.0),
            (-200.0, -321.5),
            (20.5, -20.5),
            (0.0, 1e-9),
        ] {
            let product = Extended::from(a).exp() * Extended::from(b).exp();
            let direct = (Extended::from(a) + Extended::from(b)).exp();
            vanishes(product - direct, direct.value());
        }
        // The first 32 digits of e.
        let e = Extended {
            high: std::f64::consts::E,
            low: 1.445_646_891_729_250_2e-16,
        };
        vanishes(Extended::from(1.0).exp() - e, 2.7);
        assert_eq!(Extended::from(-800.0).exp().value(), 0.0);
    }
}
