//! From neighbours to expansion coefficients, and from dE/dc back to the neighbours.

use super::DensityTerm;
use super::harmonics::Directions;
use super::neighbours::{NOBODY, Quad};
use super::radial::Radial;
use super::transpose::transpose;
use crate::potential::RowResults;
use crate::simd::F64x4;
use crate::simd::simd_dispatch;

/// Work arrays of one centre.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    directions: Directions,
    /// Harmonics of the neighbours of a span, or sums over n of one group of four: h.
    y: Vec<F64x4>,
    /// h'.
    other: Vec<F64x4>,
    /// Radial functions: of the neighbours of a span one after the other, or of one group of four side by side.
    g: Vec<F64x4>,
    /// Their derivatives, side by side.
    slope: Vec<F64x4>,
    /// Radial functions of one group of four, one neighbour after the other, and their derivatives.
    rows: Vec<F64x4>,
    slope_rows: Vec<F64x4>,
    formulas: Vec<f64>,
}

impl Buffers {
    pub(super) fn prepare(&mut self, term: &DensityTerm) {
        let size = term.harmonics_len();
        let chunks = term.radials.iter().map(|r| r.chunks).max().unwrap_or(0);
        self.y.resize(term.span * size, F64x4::ZERO);
        self.other.resize(size, F64x4::ZERO);
        self.g.resize(term.span * 4 * chunks, F64x4::ZERO);
        for v in [&mut self.slope, &mut self.rows, &mut self.slope_rows] {
            v.resize(4 * chunks, F64x4::ZERO);
        }
    }
}

simd_dispatch! {
    /// Adds the density of one species around one centre to `c`, indexed [(l² + l + m) · groups per l + n/4] by n%4.
    pub(super) fn expand(
        term: &DensityTerm,
        radial: &Radial,
        quads: &[Quad],
        work: &mut Buffers,
        c: &mut [F64x4],
    ) = expand_body;
}

#[inline(always)]
fn expand_body<const FMA: bool>(
    term: &DensityTerm,
    radial: &Radial,
    quads: &[Quad],
    work: &mut Buffers,
    c: &mut [F64x4],
) {
    let size = term.harmonics_len();
    let (chunks, per_l) = (radial.chunks, radial.per_l);
    for span in quads.chunks(term.span) {
        let y = work.y.chunks_exact_mut(size);
        let g = work.g.chunks_exact_mut(4 * chunks);
        for ((quad, y), g) in span.iter().zip(y).zip(g) {
            term.harmonics.directions::<FMA>(
                quad.x,
                quad.y,
                quad.z,
                quad.weight,
                &mut work.directions,
            );
            term.harmonics.products(&work.directions, y);
            match &radial.table {
                Some(table) => table.evaluate::<FMA>(quad.piece, quad.t, g),
                None => {
                    for (r, g) in quad.r.iter().zip(g.chunks_exact_mut(chunks)) {
                        radial.functions.exact(
                            *r,
                            g,
                            &mut work.slope[..chunks],
                            &mut work.formulas,
                        );
                    }
                }
            }
        }
        let (y, g) = (
            &work.y[..span.len() * size],
            &work.g[..span.len() * 4 * chunks],
        );
        for l in 0..=term.l_max {
            let mut at = l * l;
            let end = at + 2 * l + 1;
            while at < end {
                // Tiles of 7 or 8 accumulators where possible: enough to hide the latency of an addition.
                let tile = Tile {
                    size,
                    chunks,
                    per_l,
                    l,
                    at,
                };
                at += match end - at {
                    1 => tile.add::<FMA, 1>(y, g, c),
                    2 => tile.add::<FMA, 2>(y, g, c),
                    3 => tile.add::<FMA, 3>(y, g, c),
                    4 => tile.add::<FMA, 4>(y, g, c),
                    5 | 10 => tile.add::<FMA, 5>(y, g, c),
                    6 | 11 | 12 => tile.add::<FMA, 6>(y, g, c),
                    7 | 13 | 14 => tile.add::<FMA, 7>(y, g, c),
                    9 => tile.add::<FMA, 5>(y, g, c),
                    _ => tile.add::<FMA, 8>(y, g, c),
                };
            }
        }
    }
}

/// A run of m of one l, for the product sum_j g_nl(j) Y_lm(j).
#[derive(Clone, Copy)]
struct Tile {
    size: usize,
    chunks: usize,
    per_l: usize,
    l: usize,
    at: usize,
}

impl Tile {
    #[inline(always)]
    fn add<const FMA: bool, const W: usize>(
        self,
        y: &[F64x4],
        g: &[F64x4],
        c: &mut [F64x4],
    ) -> usize {
        let Tile {
            size,
            chunks,
            per_l,
            l,
            at,
        } = self;
        for group in 0..per_l {
            let row = l * per_l + group;
            let mut sum: [F64x4; W] = std::array::from_fn(|t| c[(at + t) * per_l + group]);
            for (y, g) in y.chunks_exact(size).zip(g.chunks_exact(4 * chunks)) {
                let y = &y[at..at + W];
                for (lane, g) in g.chunks_exact(chunks).enumerate() {
                    let g = g[row];
                    for t in 0..W {
                        sum[t] = F64x4::splat(y[t].0[lane & 3]).mul_add::<FMA>(g, sum[t]);
                    }
                }
            }
            for t in 0..W {
                c[(at + t) * per_l + group] = sum[t];
            }
        }
        W
    }
}

simd_dispatch! {
    /// Adds dE/dr of the neighbours of one species of one centre to the results. `a` is dE/dc of that species, for each
    /// l a block of n_max rows of 2l + 1.
    pub(super) fn sweep_back(
        term: &DensityTerm,
        radial: &Radial,
        quads: &[Quad],
        a: &[f64],
        work: &mut Buffers,
        results: &mut RowResults<'_>,
    ) = sweep_back_body;
}

#[inline(always)]
fn sweep_back_body<const FMA: bool>(
    term: &DensityTerm,
    radial: &Radial,
    quads: &[Quad],
    a: &[f64],
    work: &mut Buffers,
    results: &mut RowResults<'_>,
) {
    let chunks = radial.chunks;
    let one = F64x4::splat(1.0);
    for quad in quads {
        term.harmonics
            .directions::<FMA>(quad.x, quad.y, quad.z, one, &mut work.directions);
        let (rows, slope_rows) = (
            &mut work.rows[..4 * chunks],
            &mut work.slope_rows[..4 * chunks],
        );
        match &radial.table {
            Some(table) => table.evaluate_with_slope::<FMA>(quad.piece, quad.t, rows, slope_rows),
            None => {
                let outputs = rows
                    .chunks_exact_mut(chunks)
                    .zip(slope_rows.chunks_exact_mut(chunks));
                for (r, (value, slope)) in quad.r.iter().zip(outputs) {
                    radial.functions.exact(*r, value, slope, &mut work.formulas);
                }
            }
        }
        // Through memory: transposing registers right away tempts the compiler into shuffling every coefficient.
        transpose(&work.rows[..4 * chunks], &mut work.g[..4 * chunks]);
        transpose(
            &work.slope_rows[..4 * chunks],
            &mut work.slope[..4 * chunks],
        );
        let (g, slope) = (&work.g[..4 * chunks], &work.slope[..4 * chunks]);
        for l in 0..=term.l_max {
            let mut m = 0;
            let width = 2 * l + 1;
            while m < width {
                let arguments = (a, g, slope, l, m);
                let (h, other) = (&mut work.y, &mut work.other);
                m += match width - m {
                    1 => radial.sums::<FMA, 1>(arguments, h, other),
                    2 => radial.sums::<FMA, 2>(arguments, h, other),
                    3 => radial.sums::<FMA, 3>(arguments, h, other),
                    4 | 7 | 8 => radial.sums::<FMA, 4>(arguments, h, other),
                    5 | 9 | 10 | 13 | 15 => radial.sums::<FMA, 5>(arguments, h, other),
                    _ => radial.sums::<FMA, 6>(arguments, h, other),
                };
            }
        }
        let sums = term
            .harmonics
            .contract::<FMA>(&work.directions, &work.y, &work.other);
        // E = sum_j f(r) S(r, u): dE/dr along u is f' S + f dS/dr, across u it is f/r times the projected gradient.
        let [gx, gy, gz] = sums.gradient;
        let across = quad.weight * quad.inverse;
        let along = gx * quad.x + gy * quad.y + gz * quad.z;
        let outward =
            quad.slope * sums.value + quad.weight * quad.stretch * sums.other - across * along;
        let dx = outward * quad.x + across * gx;
        let dy = outward * quad.y + across * gy;
        let dz = outward * quad.z + across * gz;
        for (lane, &index) in quad.index.iter().enumerate() {
            if index != NOBODY {
                let i = index as usize;
                results.gx[i] += dx.0[lane];
                results.gy[i] += dy.0[lane];
                results.gz[i] += dz.0[lane];
            }
        }
    }
}

impl Radial {
    /// h_lm = sum_n a_nlm g_nl and h'_lm = sum_n a_nlm g'_nl for W values of m and four neighbours.
    #[inline(always)]
    fn sums<const FMA: bool, const W: usize>(
        &self,
        (a, g, slope, l, m): (&[f64], &[F64x4], &[F64x4], usize, usize),
        h: &mut [F64x4],
        other: &mut [F64x4],
    ) -> usize {
        let n_max = self.n_max;
        let width = 2 * l + 1;
        let row = l * 4 * self.per_l;
        let (g, slope) = (&g[row..][..n_max], &slope[row..][..n_max]);
        let a = &a[l * l * n_max..][..width * n_max];
        let (mut sum, mut sum_other) = ([F64x4::ZERO; W], [F64x4::ZERO; W]);
        for ((g, slope), a) in g.iter().zip(slope).zip(a.chunks_exact(width)) {
            let a = &a[m..m + W];
            for t in 0..W {
                let a = F64x4::splat(a[t]);
                sum[t] = g.mul_add::<FMA>(a, sum[t]);
                sum_other[t] = slope.mul_add::<FMA>(a, sum_other[t]);
            }
        }
        h[l * l + m..][..W].copy_from_slice(&sum);
        other[l * l + m..][..W].copy_from_slice(&sum_other);
        W
    }
}
