//! From functions side by side to neighbours side by side.

use crate::simd::F64x4;
#[cfg(target_arch = "x86_64")]
use crate::simd::{Level, level};

/// From `rows[point * n + chunk]`, four functions each, to `columns[4 * chunk + function]`, four points each; both hold
/// 4 n elements.
///
/// The one place with intrinsics: left to itself the compiler moves every number singly, which costs as much as
/// evaluating the functions.
#[inline(always)]
pub(super) fn transpose(rows: &[F64x4], columns: &mut [F64x4]) {
    let n = rows.len() / 4;
    let (r0, rest) = rows.split_at(n);
    let (r1, rest) = rest.split_at(n);
    let (r2, r3) = rest.split_at(n);
    let (columns, _) = columns.as_chunks_mut::<4>();
    #[cfg(target_arch = "x86_64")]
    if level() != Level::Portable {
        // SAFETY: every level of x86-64 above the portable one includes AVX.
        unsafe { transpose_avx([r0, r1, r2, r3], columns) };
        return;
    }
    for ((((a, b), c), d), out) in r0.iter().zip(r1).zip(r2).zip(r3).zip(columns) {
        *out = std::array::from_fn(|i| F64x4([a.0[i], b.0[i], c.0[i], d.0[i]]));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
fn transpose_avx([r0, r1, r2, r3]: [&[F64x4]; 4], columns: &mut [[F64x4; 4]]) {
    use std::arch::x86_64::{
        _mm256_load_pd, _mm256_permute2f128_pd, _mm256_store_pd, _mm256_unpackhi_pd,
        _mm256_unpacklo_pd,
    };
    for ((((a, b), c), d), out) in r0.iter().zip(r1).zip(r2).zip(r3).zip(columns) {
        // SAFETY: F64x4 is four f64 aligned to 32 bytes, as these loads need.
        let [a, b, c, d] = [a, b, c, d].map(|x| unsafe { _mm256_load_pd(x.0.as_ptr()) });
        let (ab_even, ab_odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (cd_even, cd_odd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        let columns = [
            _mm256_permute2f128_pd::<0x20>(ab_even, cd_even),
            _mm256_permute2f128_pd::<0x20>(ab_odd, cd_odd),
            _mm256_permute2f128_pd::<0x31>(ab_even, cd_even),
            _mm256_permute2f128_pd::<0x31>(ab_odd, cd_odd),
        ];
        for (out, column) in out.iter_mut().zip(columns) {
            // SAFETY: as above, and `out` is exclusively ours.
            unsafe { _mm256_store_pd(out.0.as_mut_ptr(), column) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::transpose;
    use crate::simd::{F64x4, Level, with_level};

    #[test]
    fn rows_become_columns_on_every_level() {
        let n = 5;
        let rows: Vec<F64x4> = (0..4 * n)
            .map(|i| F64x4(std::array::from_fn(|k| (4 * i + k) as f64)))
            .collect();
        for wanted in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut columns = vec![F64x4::ZERO; 4 * n];
            with_level(wanted, || transpose(&rows, &mut columns));
            for point in 0..4 {
                for chunk in 0..n {
                    for k in 0..4 {
                        assert_eq!(
                            columns[4 * chunk + k].0[point],
                            rows[point * n + chunk].0[k]
                        );
                    }
                }
            }
        }
    }
}
