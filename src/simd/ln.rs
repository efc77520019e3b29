//! The natural logarithm of several numbers at once, to about one unit of the last digit.

use super::{F64x8, fma};

/// ln 2 in two parts: the first has trailing zeros, so that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// The bits of 1 and of sqrt(1/2).
const ONE: u64 = 0x3FF0_0000_0000_0000;
const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;

/// A number below 2^52 written into the low bits of 2^52 becomes 2^52 plus that number.
const TWO_52: u64 = 0x4330_0000_0000_0000;

/// (2 artanh(s)/s - 2)/s² as a polynomial of s² on |s| <= (sqrt(2)-1)/(sqrt(2)+1), highest power first: the minimax
/// polynomial of this degree (Remez), off by 2^-59 of the whole.
const SERIES: [f64; 7] = [
    0.147_959_494_750_274_72,
    0.153_140_505_632_844_43,
    0.181_835_643_260_695_43,
    0.222_221_985_731_772_3,
    0.285_714_287_423_877_8,
    0.399_999_999_994_146_76,
    0.666_666_666_666_673_4,
];

impl F64x8 {
    /// The natural logarithm of each lane, for positive numbers from 2.3·10^-308 (the smallest normal one) upwards; of
    /// anything else it has no meaning.
    ///
    /// x = 2^k m with sqrt(1/2) <= m < sqrt(2); f = m - 1, s = f/(2 + f), ln m = 2 artanh(s) = f - s (f - s² ...).
    #[inline(always)]
    pub fn ln<const FMA: bool>(self) -> Self {
        let mut out = [0.0; 8];
        for (out, x) in out.iter_mut().zip(self.0) {
            let shifted = x.to_bits().wrapping_add(ONE - ROOT_HALF);
            let k = f64::from_bits((shifted >> 52) | TWO_52) - (4_503_599_627_370_496.0 + 1023.0);
            let m = f64::from_bits((shifted & 0x000F_FFFF_FFFF_FFFF).wrapping_add(ROOT_HALF));
            let f = m - 1.0;
            let s = f / (2.0 + f);
            let z = s * s;
            let mut p = SERIES[0];
            for c in &SERIES[1..] {
                p = fma::<FMA>(p, z, *c);
            }
            // 2 s + s z p = f - (f²/2 - s (f²/2 + z p)): the first term is exact.
            let half = 0.5 * f * f;
            let small = fma::<FMA>(s, fma::<FMA>(p, z, half), k * LN_2[1]);
            *out = fma::<FMA>(k, LN_2[0], f - (half - small));
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
            *x = x.ln::<FMA>();
        }
    }

    simd_dispatch! {
        /// Logarithms in place.
        fn all(x: &mut [F64x8]) = all_body;
    }

    /// The largest error in units of the last digit over lanes of numbers made by `number`.
    fn worst(wanted: Level, number: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0.0f64;
        for block in 0..40_000 {
            let x: [f64; 8] = std::array::from_fn(|l| {
                number((f64::from(block * 8 + l as i32) * 0.618_034).fract())
            });
            let mut out = [F64x8(x)];
            with_level(wanted, || all(&mut out));
            for (x, y) in x.iter().zip(out[0].0) {
                // libm's own logarithm is good to less than one unit.
                let right = libm::log(*x);
                let unit = (right.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
                worst = worst.max((y - right).abs() / unit);
            }
        }
        worst
    }

    #[test]
    fn logarithms_to_the_last_digit() {
        for wanted in [Level::Portable, Level::Avx2, Level::Avx512] {
            let found = [
                worst(wanted, |u| (1416.0 * u - 707.9).exp()),
                worst(wanted, |u| u + 1e-18),
                worst(wanted, |u| 0.7 + 0.8 * u),
                worst(wanted, |u| 1.0 + (u - 0.5) * 1e-9),
            ];
            println!("{wanted:?}: {found:.2?} units");
            assert!(found.iter().all(|w| *w <= 1.5), "{wanted:?}: {found:?}");
        }
    }

    #[test]
    fn exact_values() {
        let x = [
            1.0,
            2.0,
            0.5,
            1024.0,
            2f64.powi(-64),
            f64::MIN_POSITIVE,
            f64::MAX,
            0.25,
        ];
        let y = F64x8(x).ln::<false>().0;
        assert_eq!(y[0], 0.0);
        for (x, y) in x.iter().zip(y) {
            assert!(
                (y - x.ln()).abs() <= f64::EPSILON * x.ln().abs(),
                "{x}: {y}"
            );
        }
    }
}
