//! The exponential of several numbers at once, to about one unit of the last digit.

use super::{F64x8, fma};
use std::f64::consts::LOG2_E;

/// ln 2 in two parts: the first has trailing zeros, so that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// Adding this leaves the nearest integer in the last bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Arguments below are taken for this one: its exponential, 3·10^-308, vanishes in any sum.
const LOWEST: f64 = -708.0;

/// 1/n! for n from 13 down to 2: on |r| <= ln(2)/2 Taylor's series ends below 10^-17.
const SERIES: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

impl F64x8 {
    /// The exponential of each lane, for arguments up to 709; those below -708 count as -708. A lane that is no number
    /// stays none.
    ///
    /// x = n ln 2 + r with |r| <= ln(2)/2; exp(r) by Taylor's series, n into the exponent.
    #[inline(always)]
    pub fn exp<const FMA: bool>(self) -> Self {
        let mut out = [0.0; 8];
        for (out, x) in out.iter_mut().zip(self.0) {
            let x = if x < LOWEST { LOWEST } else { x };
            let shifted = fma::<FMA>(x, LOG2_E, ROUND);
            let n = shifted - ROUND;
            let r = fma::<FMA>(-n, LN_2[1], fma::<FMA>(-n, LN_2[0], x));
            let mut s = SERIES[0];
            for c in &SERIES[1..] {
                s = fma::<FMA>(s, r, *c);
            }
            let p = 1.0 + fma::<FMA>(r * r, s, r);
            // The integer sits in the low bits of `shifted`; moved into place, it adds to the exponent of p.
            *out = f64::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 52));
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, simd_dispatch, with_level};

    #[inline(always)]
    fn all_body<const FMA: bool>(x: &mut [F64x8]) {
        for x in x {
            *x = x.exp::<FMA>();
        }
    }

    simd_dispatch! {
        /// Exponentials in place.
        fn all(x: &mut [F64x8]) = all_body;
    }

    #[test]
    fn exponentials_to_the_last_digit() {
        for wanted in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut worst = 0.0f64;
            for block in 0..40_000 {
                let x: [f64; 8] = std::array::from_fn(|l| {
                    let k = f64::from(block * 8 + l as i32);
                    -707.9 + 1416.0 * (k * 0.618_033_988_749_894_9).fract()
                });
                let mut out = [F64x8(x)];
                with_level(wanted, || all(&mut out));
                for (x, y) in x.iter().zip(out[0].0) {
                    // libm's own exponential is good to less than one unit.
                    worst = worst.max((y / libm::exp(*x) - 1.0).abs() / f64::EPSILON);
                }
            }
            println!("{wanted:?}: {worst:.2} units");
            assert!(worst <= 1.5, "{wanted:?}: {worst}");
        }
    }

    #[test]
    fn ends_of_the_range() {
        let x = [
            0.0,
            -0.0,
            -708.0,
            -1e9,
            f64::NEG_INFINITY,
            709.0,
            f64::NAN,
            1e-300,
        ];
        let y = F64x8(x).exp::<false>().0;
        assert_eq!((y[0], y[1], y[7]), (1.0, 1.0, 1.0));
        assert!(y[2] > 0.0 && y[2] == y[3] && y[3] == y[4] && y[2] < 1e-307);
        assert!((y[5] / 709.0f64.exp() - 1.0).abs() < 1e-15 && y[6].is_nan());
    }
}
