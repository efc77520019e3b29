//! Cosine and sine of several angles at once, to about one unit of the last digit.

use super::F64x8;
use std::f64::consts::FRAC_PI_2;

/// Adding this leaves the nearest integer in the last bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// sin(f π/2)/f and cos(f π/2) on |f| <= 1/2 as polynomials of f², highest power first: minimax (Remez), off by 2^-58
/// and 2^-64 of the whole. The last coefficient of the sine, π/2, is given in two parts.
const SINE: [f64; 6] = [
    5.634_680_835_848_297e-8,
    -3.598_649_392_208_636e-6,
    1.604_411_526_153_074_3e-4,
    -4.681_754_132_618_69e-3,
    7.969_262_624_606_287e-2,
    -6.459_640_975_062_45e-1,
];
const QUARTER: [f64; 2] = [FRAC_PI_2, 6.123_233_995_736_766e-17];
const COSINE: [f64; 7] = [
    -6.324_758_819_171_987e-9,
    4.710_641_612_279_719_7e-7,
    -2.520_203_792_053_914_6e-5,
    9.192_602_743_911_464e-4,
    -2.086_348_076_333_081e-2,
    2.536_695_079_010_476e-1,
    -1.233_700_550_136_169_7,
];

impl F64x8 {
    /// cos(2πt) and sin(2πt) of each lane, for |t| up to 2^48 turns.
    ///
    /// 4t = n + f with |f| <= 1/2, which is exact; n says which of the two is which, and with what sign.
    #[inline(always)]
    pub fn cos_sin_turns<const FMA: bool>(self) -> [Self; 2] {
        let shifted = self.mul_add::<FMA>(Self::splat(4.0), Self::splat(ROUND));
        let f = self.mul_add::<FMA>(Self::splat(4.0), Self::splat(ROUND) - shifted);
        let z = f * f;
        let mut s = Self::splat(SINE[0]);
        for c in &SINE[1..] {
            s = s.mul_add::<FMA>(z, Self::splat(*c));
        }
        let small = f * s.mul_add::<FMA>(z, Self::splat(QUARTER[1]));
        let s = f.mul_add::<FMA>(Self::splat(QUARTER[0]), small);
        let mut c = Self::splat(COSINE[0]);
        for k in &COSINE[1..] {
            c = c.mul_add::<FMA>(z, Self::splat(*k));
        }
        let c = c.mul_add::<FMA>(z, Self::splat(1.0));
        let (mut cosine, mut sine) = (Self::ZERO, Self::ZERO);
        for l in 0..8 {
            // The integer n sits in the low bits of `shifted`.
            let n = shifted.0[l].to_bits();
            let (c, s) = (c.0[l].to_bits(), s.0[l].to_bits());
            let swapped = (c ^ s) & 0u64.wrapping_sub(n & 1);
            cosine.0[l] = f64::from_bits(c ^ swapped ^ ((n.wrapping_add(1) & 2) << 62));
            sine.0[l] = f64::from_bits(s ^ swapped ^ ((n & 2) << 62));
        }
        [cosine, sine]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, simd_dispatch, with_level};

    #[inline(always)]
    fn all_body<const FMA: bool>(t: &F64x8, out: &mut [F64x8; 2]) {
        *out = t.cos_sin_turns::<FMA>();
    }

    simd_dispatch! {
        /// Cosines and sines.
        fn all(t: &F64x8, out: &mut [F64x8; 2]) = all_body;
    }

    /// Cosine and sine of 2πt by libm, with the whole quarters taken off exactly.
    fn right(t: f64) -> [f64; 2] {
        let n = (4.0 * t).round();
        let x = (4.0 * t - n) * FRAC_PI_2;
        let (c, s) = (libm::cos(x), libm::sin(x));
        match n.rem_euclid(4.0) as u8 {
            0 => [c, s],
            1 => [-s, c],
            2 => [-c, -s],
            _ => [s, -c],
        }
    }

    #[test]
    fn circle_to_the_last_digit() {
        for wanted in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut worst = 0.0f64;
            for block in 0..40_000 {
                let t: [f64; 8] = std::array::from_fn(|l| {
                    let u = (f64::from(block * 8 + l as i32) * 0.618_033_988_749_894_9).fract();
                    [u, 40.0 * (u - 0.5), 1e-6 * u, 0.25 + 1e-9 * u][block as usize % 4]
                });
                let mut out = [F64x8::ZERO; 2];
                with_level(wanted, || all(&F64x8(t), &mut out));
                for (l, t) in t.iter().enumerate() {
                    for (x, y) in right(*t).into_iter().zip([out[0].0[l], out[1].0[l]]) {
                        let unit = (x.abs() * f64::EPSILON).max(f64::MIN_POSITIVE);
                        worst = worst.max((x - y).abs() / unit);
                    }
                }
            }
            println!("{wanted:?}: {worst:.2} units");
            // libm has the angle rounded, which alone is half a unit.
            assert!(worst <= 2.0, "{wanted:?}: {worst}");
        }
    }

    #[test]
    fn quarters_are_exact() {
        let t = [0.0, 0.25, 0.5, 0.75, 1.0, -0.25, 1e9 + 0.5, -2.75];
        let [c, s] = F64x8(t).cos_sin_turns::<false>();
        assert_eq!(c.0, [1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0]);
        assert_eq!(s.0, [0.0, 1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 1.0]);
    }
}
