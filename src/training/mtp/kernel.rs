//! The product that makes up most of a fit's time.

use crate::simd::F64x8;

/// Rows and lanes that are kept in registers.
const ROWS: usize = 4;
const WIDE: usize = 2;

/// Adds Σ_l g[row][l] v[l] to the row `rows[row]` of `out`.
///
/// `v` has rows of `width` lanes, `g` rows of `depth` numbers, `out` rows of `stride` lanes, of which those from `start` on are meant.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) fn add_products<const FMA: bool>(
    v: &[F64x8],
    width: usize,
    g: &[f64],
    depth: usize,
    rows: &[u32],
    out: &mut [F64x8],
    stride: usize,
    start: usize,
) {
    let full = rows.len() / ROWS * ROWS;
    for at in (0..full).step_by(ROWS) {
        let g = &g[at * depth..][..ROWS * depth];
        let rows = &rows[at..at + ROWS];
        let mut lane = 0;
        while lane + WIDE <= width {
            tile::<FMA, ROWS, WIDE>(v, width, g, depth, rows, out, stride, start, lane);
            lane += WIDE;
        }
        if lane < width {
            tile::<FMA, ROWS, 1>(v, width, g, depth, rows, out, stride, start, lane);
        }
    }
    for at in full..rows.len() {
        let g = &g[at * depth..][..depth];
        for lane in 0..width {
            tile::<FMA, 1, 1>(v, width, g, depth, &rows[at..=at], out, stride, start, lane);
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn tile<const FMA: bool, const R: usize, const W: usize>(
    v: &[F64x8],
    width: usize,
    g: &[f64],
    depth: usize,
    rows: &[u32],
    out: &mut [F64x8],
    stride: usize,
    start: usize,
    lane: usize,
) {
    let mut sums = [[F64x8::ZERO; W]; R];
    for (l, v) in v.chunks_exact(width).take(depth).enumerate() {
        for r in 0..R {
            let g = F64x8::splat(g[r * depth + l]);
            for w in 0..W {
                sums[r][w] = g.mul_add::<FMA>(v[lane + w], sums[r][w]);
            }
        }
    }
    // One row may be meant twice (an atom among its own images), so that rows are read only now.
    for r in 0..R {
        let row = rows[r] as usize * stride + start + lane;
        for w in 0..W {
            out[row + w] = out[row + w] + sums[r][w];
        }
    }
}
