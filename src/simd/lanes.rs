//! Numbers side by side, aligned so that loads do not straddle cache lines.
//!
//! Plain arrays with element-wise arithmetic: inside a body of [`simd_dispatch!`](crate::simd_dispatch) the compiler
//! keeps them in vector registers.

use super::fma;
use std::ops::{Add, Mul, Sub};

macro_rules! lanes {
    ($(#[$doc:meta])* $name:ident, $width:literal, $align:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[repr(C, align($align))]
        pub struct $name(pub [f64; $width]);

        impl $name {
            /// Number of lanes.
            pub const WIDTH: usize = $width;
            /// All lanes zero.
            pub const ZERO: Self = Self([0.0; $width]);

            /// All lanes equal to `x`.
            #[inline(always)]
            pub fn splat(x: f64) -> Self {
                Self([x; $width])
            }

            /// self·b + c, lane by lane; see [`fma`].
            #[inline(always)]
            pub fn mul_add<const FMA: bool>(self, b: Self, c: Self) -> Self {
                let mut out = c.0;
                for i in 0..$width {
                    out[i] = fma::<FMA>(self.0[i], b.0[i], out[i]);
                }
                Self(out)
            }
        }

        impl Default for $name {
            #[inline(always)]
            fn default() -> Self {
                Self::ZERO
            }
        }

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                let mut out = self.0;
                for i in 0..$width {
                    out[i] += other.0[i];
                }
                Self(out)
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                let mut out = self.0;
                for i in 0..$width {
                    out[i] -= other.0[i];
                }
                Self(out)
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                let mut out = self.0;
                for i in 0..$width {
                    out[i] *= other.0[i];
                }
                Self(out)
            }
        }
    };
}

lanes! {
    /// Four numbers side by side: one AVX2 register.
    F64x4, 4, 32
}
lanes! {
    /// Eight numbers side by side: one cache line, two AVX2 registers or one AVX-512 register.
    F64x8, 8, 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, level, simd_dispatch, with_level};

    #[inline(always)]
    fn dot_body<const FMA: bool>(a: &[F64x8], b: &[F64x8]) -> f64 {
        let mut sum = F64x8::ZERO;
        for (a, b) in a.iter().zip(b) {
            sum = a.mul_add::<FMA>(*b, sum);
        }
        sum.0.iter().sum()
    }

    simd_dispatch! {
        /// Dot product.
        fn dot(a: &[F64x8], b: &[F64x8]) -> f64 = dot_body;
    }

    #[test]
    fn levels_agree_to_rounding() {
        let a: Vec<F64x8> = (0..17)
            .map(|i| F64x8(std::array::from_fn(|k| (i * 8 + k) as f64 * 0.37 - 11.0)))
            .collect();
        let b: Vec<F64x8> = (0..17)
            .map(|i| F64x8(std::array::from_fn(|k| ((i + 3 * k) as f64).sin())))
            .collect();
        let exact: f64 = a
            .iter()
            .zip(&b)
            .flat_map(|(a, b)| (0..8).map(|k| a.0[k] * b.0[k]))
            .sum();
        for wanted in [Level::Portable, Level::Avx2, Level::Avx512] {
            let value = with_level(wanted, || dot(&a, &b));
            assert!((value - exact).abs() < 1e-11, "{wanted:?}: {value} {exact}");
        }
        assert_eq!(with_level(Level::Portable, level), Level::Portable);
    }

    #[test]
    fn lane_arithmetic() {
        let a = F64x4([1.0, 2.0, 3.0, 4.0]);
        let b = F64x4::splat(2.0);
        assert_eq!((a + b).0, [3.0, 4.0, 5.0, 6.0]);
        assert_eq!((a - b).0, [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!((a * b).0, [2.0, 4.0, 6.0, 8.0]);
        assert_eq!(a.mul_add::<false>(b, b).0, [4.0, 6.0, 8.0, 10.0]);
        assert_eq!(a.mul_add::<true>(b, b).0, a.mul_add::<false>(b, b).0);
    }
}
