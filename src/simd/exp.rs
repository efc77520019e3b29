//! The exponential function of several numbers side by side.
//!
//! exp(x) = 2^k exp(r) with |r| ≤ ln 2 / 2, and exp(r) = 1 + r + r²P(r) with a polynomial that interpolates at the
//! Chebyshev points: its relative error is below 2e-17, so that rounding dominates.

use super::{F64x4, F64x8, fma};

/// ln 2 in two parts; the first has trailing zeros, so that k times it is exact.
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding this rounds to a whole number, which then stands in the low bits.
const SHIFT: f64 = 6_755_399_441_055_744.0;
/// Between these arguments the result is a normal number.
const RANGE: [f64; 2] = [-708.0, 709.0];
/// P, lowest power first.
const P: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_13,
    0.008_333_333_333_330_062,
    0.001_388_888_891_721_371_7,
    0.000_198_412_698_630_536_18,
    2.480_152_129_595_437_6e-5,
    2.755_726_845_999_706_4e-6,
    2.762_008_844_540_974_6e-7,
    2.510_038_549_551_032e-8,
];

/// x = k ln 2 + r for arguments in [`RANGE`]: 2^k, r and exp(r) - 1 - r, the last two with full relative accuracy. When |x| is
/// less than ln 2 / 2, r is x itself.
#[inline(always)]
fn reduced<const FMA: bool>(x: f64) -> (f64, f64, f64) {
    let t = fma::<FMA>(x, std::f64::consts::LOG2_E, SHIFT);
    let k = t - SHIFT;
    let r = fma::<FMA>(-k, LN2_LOW, fma::<FMA>(-k, LN2_HIGH, x));
    let mut p = P[9];
    for c in P[..9].iter().rev() {
        p = fma::<FMA>(p, r, *c);
    }
    let power = f64::from_bits(1.0f64.to_bits().wrapping_add(t.to_bits() << 52));
    (power, r, r * r * p)
}

#[inline(always)]
fn exp<const FMA: bool, const W: usize>(x: [f64; W]) -> [f64; W] {
    let mut out = [0.0; W];
    let mut inside = true;
    for i in 0..W {
        inside &= (x[i] >= RANGE[0]) & (x[i] <= RANGE[1]);
        let (power, r, rest) = reduced::<FMA>(x[i]);
        // The small terms first, so that the last addition alone rounds at the size of the result.
        out[i] = (rest + r + 1.0) * power;
    }
    if inside { out } else { x.map(libm::exp) }
}

impl F64x4 {
    /// e to the power of each lane, within one unit in the last place.
    #[inline(always)]
    #[must_use]
    pub fn exp<const FMA: bool>(self) -> Self {
        F64x4(exp::<FMA, 4>(self.0))
    }
}

impl F64x8 {
    /// exp(-t) - 1, and exp(-t) - 1 + t without the cancellation, for t ≥ 0; beyond 700 as for 700.
    #[inline(always)]
    #[must_use]
    pub fn decay<const FMA: bool>(self) -> (Self, Self) {
        let (mut less_one, mut rest) = (Self::ZERO, Self::ZERO);
        for i in 0..Self::WIDTH {
            let t = self.0[i].min(700.0);
            let (power, r, p) = reduced::<FMA>(-t);
            // Without reduction 2^k = 1 and r = -t, and all but the last term vanish exactly.
            let others = (power - 1.0) + fma::<FMA>(power, r, t);
            rest.0[i] = fma::<FMA>(power, p, others);
            less_one.0[i] = fma::<FMA>(power, r + p, power - 1.0);
        }
        (less_one, rest)
    }

    /// e to the power of each lane, within one unit in the last place.
    #[inline(always)]
    #[must_use]
    pub fn exp<const FMA: bool>(self) -> Self {
        F64x8(exp::<FMA, 8>(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};
    use crate::simd::{Level, simd_dispatch, with_level};

    #[inline(always)]
    fn all_body<const FMA: bool>(x: &mut [F64x8]) {
        x.iter_mut().for_each(|x| *x = x.exp::<FMA>());
    }

    simd_dispatch! {
        fn all(x: &mut [F64x8]) = all_body;
    }

    #[test]
    fn within_one_unit_in_the_last_place_of_libm() {
        let mut s = Stream::new(3, Purpose::Displacement, 0, 0, 0);
        let widths = [1e-3, 1.0, 20.0, 700.0];
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut worst: f64 = 0.0;
            for round in 0..20_000 {
                let width = widths[round % 4];
                let x = F64x8(std::array::from_fn(|_| width * (2.0 * s.uniform() - 1.0)));
                let mut y = [x];
                with_level(level, || all(&mut y));
                for (x, y) in x.0.iter().zip(y[0].0) {
                    let e = libm::exp(*x);
                    worst = worst.max((y - e).abs() / (e.next_up() - e));
                }
            }
            eprintln!("{level:?}: {worst} units in the last place");
            assert!(worst <= 1.0, "{level:?}: {worst}");
        }
    }

    #[test]
    fn decay_keeps_small_numbers() {
        for t in [0.0, 1e-12, 1e-5, 0.003, 0.1, 0.34, 0.35, 0.5, 1.0, 3.7, 30.0, 699.0] {
            let (less_one, rest) = F64x8::splat(t).decay::<false>();
            let expected = libm::expm1(-t);
            assert!((less_one.0[0] - expected).abs() <= 4e-16 * expected.abs(), "{t}");
            // The alternating series where it converges fast, elsewhere the plain sum.
            let series = (2..30).rev().fold(0.0, |s, k| (1.0 - s) * t / f64::from(k)) * t;
            let plain = expected + t;
            let expected = if t < 0.4 { series } else { plain };
            assert!((rest.0[0] - expected).abs() <= 1e-15 * expected.abs(), "{t}: {} {expected}", rest.0[0]);
        }
        let (less_one, rest) = F64x8::splat(1e300).decay::<false>();
        assert_eq!((less_one.0[3], rest.0[3] > 600.0), (-1.0, true));
    }

    #[test]
    fn ends_of_the_range() {
        let x = [0.0, -0.0, -1e308, 1e308, f64::NAN, f64::NEG_INFINITY, -740.0, 1.0];
        let y = F64x8(x).exp::<false>().0;
        assert_eq!((y[0], y[1], y[2], y[3]), (1.0, 1.0, 0.0, f64::INFINITY));
        assert!(y[4].is_nan() && y[5] == 0.0);
        assert!(y[6] > 0.0 && y[6] < 1e-300 && y[7] == libm::exp(1.0));
        let edge = F64x4([-708.0, 709.0, -708.0 + 1e-9, 0.5]).exp::<false>().0;
        for (x, y) in [-708.0, 709.0, -708.0 + 1e-9, 0.5].into_iter().zip(edge) {
            assert!((y / libm::exp(x) - 1.0).abs() < 3e-16);
        }
    }
}
