//! exp(-t) beside 1, for small t: what is left when 1, and 1 - t, are taken away, without cancellation.
//!
//! -t = k ln 2 + r with |r| ≤ ln 2 / 2, and exp(r) = 1 + r + r²P(r) with a polynomial that interpolates at the Chebyshev points:
//! its relative error is below 2e-17, so that rounding dominates.

use crate::simd::{F64x8, fma};

/// ln 2 in two parts; the first has trailing zeros, so that k times it is exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
/// Adding this rounds to a whole number, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Beyond this nothing is left of the exponential beside 1, and the exponent still fits.
const LARGEST: f64 = 700.0;
/// P, highest power first.
const P: [f64; 10] = [
    2.510_038_549_551_032e-8,
    2.762_008_844_540_974_6e-7,
    2.755_726_845_999_706_4e-6,
    2.480_152_129_595_437_6e-5,
    0.000_198_412_698_630_536_18,
    0.001_388_888_891_721_371_7,
    0.008_333_333_333_330_062,
    0.041_666_666_666_624_13,
    0.166_666_666_666_666_69,
    0.500_000_000_000_000_1,
];

/// exp(-t) - 1, and exp(-t) - 1 + t, both to the last digits, for t ≥ 0.
#[inline(always)]
pub(super) fn decay<const FMA: bool>(t: F64x8) -> (F64x8, F64x8) {
    let (mut less_one, mut rest) = (F64x8::ZERO, F64x8::ZERO);
    for i in 0..F64x8::WIDTH {
        let t = if t.0[i] > LARGEST { LARGEST } else { t.0[i] };
        let shifted = fma::<FMA>(-t, std::f64::consts::LOG2_E, ROUND);
        let k = shifted - ROUND;
        let r = fma::<FMA>(-k, LN_2[1], fma::<FMA>(-k, LN_2[0], -t));
        let mut p = P[0];
        for c in &P[1..] {
            p = fma::<FMA>(p, r, *c);
        }
        let power = f64::from_bits(1.0f64.to_bits().wrapping_add(shifted.to_bits() << 52));
        let p = r * r * p;
        // Without reduction 2^k = 1 and r = -t, and all but the last term vanish exactly.
        let others = (power - 1.0) + fma::<FMA>(power, r, t);
        rest.0[i] = fma::<FMA>(power, p, others);
        less_one.0[i] = fma::<FMA>(power, r + p, power - 1.0);
    }
    (less_one, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_their_digits() {
        for t in [
            0.0, 1e-12, 1e-5, 0.003, 0.1, 0.34, 0.35, 0.5, 1.0, 3.7, 30.0, 699.0,
        ] {
            let (less_one, rest) = decay::<false>(F64x8::splat(t));
            let expected = libm::expm1(-t);
            assert!(
                (less_one.0[0] - expected).abs() <= 4e-16 * expected.abs(),
                "{t}"
            );
            // The alternating series where it converges fast, elsewhere the plain sum.
            let series = (2..30).rev().fold(0.0, |s, k| (1.0 - s) * t / f64::from(k)) * t;
            let expected = if t < 0.4 { series } else { expected + t };
            assert!(
                (rest.0[0] - expected).abs() <= 1e-15 * expected.abs(),
                "{t}: {} {expected}",
                rest.0[0]
            );
        }
        let (less_one, rest) = decay::<false>(F64x8::splat(1e300));
        assert_eq!((less_one.0[3], rest.0[3] > 600.0), (-1.0, true));
        assert!(decay::<false>(F64x8::splat(f64::NAN)).0.0[0].is_nan());
    }
}
