//! SIMD by run-time dispatch, on stable Rust and without intrinsics.
//!
//! A kernel is written once, as an `#[inline(always)]` generic body over plain arrays; [`simd_dispatch!`] compiles it for
//! several instruction sets and picks one at each call. Fused multiply-add changes last digits between levels, so results
//! repeat bit for bit on one level, which runs print.

mod circular;
mod exp;
mod lanes;
mod ln;
mod sums;

pub use lanes::{F64x4, F64x8};
pub use sums::lane_sum;

use std::sync::LazyLock;

/// Instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What the target's baseline has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, VL, DQ, BW.
    Avx512,
}

/// The level in use: the best the processor has, or what the environment variable `ZUNDEL_SIMD` names
/// (`portable`, `avx2`, `avx512`), if the processor has that.
pub fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = FORCED.with(std::cell::Cell::get) {
        return level;
    }
    static LEVEL: LazyLock<Level> = LazyLock::new(|| {
        let best = detect();
        match std::env::var("ZUNDEL_SIMD").as_deref() {
            Ok("portable") => Level::Portable,
            Ok("avx2") if best != Level::Portable => Level::Avx2,
            _ => best,
        }
    });
    *LEVEL
}

#[cfg(test)]
thread_local! {
    static FORCED: std::cell::Cell<Option<Level>> = const { std::cell::Cell::new(None) };
}

/// Runs `f` on a given level, or the best one of this processor if that is lower, on this thread only.
#[cfg(test)]
pub(crate) fn with_level<T>(wanted: Level, f: impl FnOnce() -> T) -> T {
    let best = detect();
    let level = match (wanted, best) {
        (Level::Portable, _) | (_, Level::Portable) => Level::Portable,
        (Level::Avx2, _) | (_, Level::Avx2) => Level::Avx2,
        (Level::Avx512, Level::Avx512) => Level::Avx512,
    };
    let before = FORCED.with(|c| c.replace(Some(level)));
    let result = f();
    FORCED.with(|c| c.set(before));
    result
}

/// The level as runs print it.
pub fn level_name() -> &'static str {
    match level() {
        Level::Portable if cfg!(target_arch = "aarch64") => "NEON",
        Level::Portable => "portable",
        Level::Avx2 => "AVX2",
        Level::Avx512 => "AVX-512",
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}

/// a·b + c, fused where `FMA` says that the hardware does it (elsewhere `mul_add` would be a slow library call).
#[inline(always)]
pub fn fma<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Makes `fn name(args)` that calls `body::<FMA>(args)` compiled for the best instruction set at hand.
///
/// The body, and every closure or function it calls, must be `#[inline(always)]` to be compiled with the features.
#[macro_export]
macro_rules! simd_dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident ( $($arg:ident : $type:ty),* $(,)? ) $(-> $ret:ty)? = $body:ident;) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match $crate::simd::level() {
                    // SAFETY: `level` returns this only when the processor has the features.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::simd::Level::Portable => {}
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
    // At most AVX2: for kernels whose arrays the compiler takes apart when it may use registers of eight numbers.
    (narrow $vis:vis fn $name:ident ( $($arg:ident : $type:ty),* $(,)? ) = $body:ident;) => {
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $type),*) {
                    $body::<true>($($arg),*)
                }
                if $crate::simd::level() != $crate::simd::Level::Portable {
                    // SAFETY: `level` returns another one only when the processor has these features.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}

pub use simd_dispatch;
