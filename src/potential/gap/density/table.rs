//! Radial functions as piecewise polynomials, exact to rounding.
//!
//! Only the smooth g_nl are tabulated; the cutoff, whose second derivative jumps, is applied by its formula. Value and
//! derivative come from the same polynomial, so forces stay the exact gradient of the energy within a piece; between
//! pieces the energy jumps by rounding only.

use super::radial::RadialBasis;
use crate::simd::F64x4;
use std::f64::consts::PI;

/// How radial functions are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RadialMode {
    /// From a table of piecewise polynomials that is exact to a few units in the last place of the largest value.
    #[default]
    Table,
    /// From exponentials and Bessel functions for every pair; slow, for tests.
    Exact,
}

/// Terms of a polynomial piece (degree 9).
const TERMS: usize = 10;

/// Piecewise polynomials of all g_nl: for each piece, for each group of four functions, the coefficients from the
/// highest power down, in a local coordinate that runs from -1 to 1.
#[derive(Clone, Debug)]
pub(super) struct RadialTable {
    pieces: usize,
    chunks: usize,
    per_length: f64,
    coefficients: Vec<[F64x4; TERMS]>,
    /// Largest deviation from the exact form found at test points, relative to the largest |g_nl|.
    pub(super) error: f64,
}

impl RadialTable {
    /// Refines until the deviation is at rounding level or stops falling.
    pub(super) fn new(basis: &RadialBasis) -> Result<RadialTable, String> {
        // Degree 9 interpolates a Gaussian of width s to 1e-15 on pieces of about s/4.
        let mut pieces = (basis.cutoff / (0.32 * basis.sigma)).ceil().max(2.0) as usize;
        let mut best: Option<RadialTable> = None;
        for _ in 0..12 {
            let table = RadialTable::with_pieces(basis, pieces);
            let error = table.error;
            let stalled = best.as_ref().is_some_and(|b| error > 0.6 * b.error);
            if best.as_ref().is_none_or(|b| error < b.error) {
                best = Some(table);
            }
            if error < 2e-15 || (stalled && error < 1e-13) {
                break;
            }
            pieces += pieces.div_ceil(4);
        }
        match best {
            Some(table) if table.error < 1e-12 => Ok(table),
            _ => Err("soap: the radial functions cannot be tabulated accurately; are n_max and atom_sigma sensible?".into()),
        }
    }

    fn with_pieces(basis: &RadialBasis, pieces: usize) -> RadialTable {
        let chunks = (basis.l_max + 1) * basis.chunks_per_l();
        let width = basis.cutoff / pieces as f64;
        let mut table = RadialTable {
            pieces,
            chunks,
            per_length: pieces as f64 / basis.cutoff,
            coefficients: Vec::with_capacity(pieces * chunks),
            error: 0.0,
        };
        let interpolation = Interpolation::new();
        let mut bessel = Vec::new();
        let mut slope = vec![F64x4::ZERO; chunks];
        let mut samples = vec![vec![F64x4::ZERO; chunks]; TERMS];
        for piece in 0..pieces {
            for (i, sample) in samples.iter_mut().enumerate() {
                let r = width * (piece as f64 + 0.5 + 0.5 * chebyshev_node(i));
                basis.exact(r, sample, &mut slope, &mut bessel);
            }
            for chunk in 0..chunks {
                let lanes: [[f64; TERMS]; 4] = std::array::from_fn(|lane| {
                    interpolation.coefficients(std::array::from_fn(|i| samples[i][chunk].0[lane]))
                });
                table
                    .coefficients
                    .push(std::array::from_fn(|k| F64x4(lanes.map(|c| c[k]))));
            }
        }
        let mut largest: f64 = 0.0;
        let mut worst: f64 = 0.0;
        let mut exact = vec![F64x4::ZERO; chunks];
        for piece in 0..pieces {
            // Between the nodes, where an interpolating polynomial errs most; the ends are seen by both neighbours.
            for t in [-1.0, -0.95, -0.6, -0.3, 0.0, 0.3, 0.6, 0.95, 1.0] {
                let r = width * (piece as f64 + 0.5 + 0.5 * t);
                basis.exact(r, &mut exact, &mut slope, &mut bessel);
                for chunk in 0..chunks {
                    let [value] = table.values::<false, 1>([piece as u32], [t], chunk);
                    for lane in 0..4 {
                        largest = largest.max(exact[chunk].0[lane].abs());
                        worst = worst.max((exact[chunk].0[lane] - value.0[lane]).abs());
                    }
                }
            }
        }
        table.error = worst / largest;
        table
    }

    /// The piece that r lies in, and the local coordinate there.
    #[inline(always)]
    pub(super) fn locate(&self, r: f64) -> (u32, f64) {
        let x = r * self.per_length;
        let piece = (x as usize).min(self.pieces - 1);
        (piece as u32, 2.0 * (x - piece as f64) - 1.0)
    }

    /// d(local coordinate)/dr.
    #[inline(always)]
    pub(super) fn stretch(&self) -> f64 {
        2.0 * self.per_length
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        std::mem::size_of_val(self.coefficients.as_slice())
    }

    /// The coefficients of a piece.
    #[inline(always)]
    fn piece(&self, piece: u32) -> &[[F64x4; TERMS]] {
        &self.coefficients[piece as usize * self.chunks..][..self.chunks]
    }

    /// Four functions at W points.
    #[inline(always)]
    fn values<const FMA: bool, const W: usize>(
        &self,
        piece: [u32; W],
        t: [f64; W],
        chunk: usize,
    ) -> [F64x4; W] {
        let rows: [&[F64x4; TERMS]; W] = std::array::from_fn(|j| &self.piece(piece[j])[chunk]);
        let mut value: [F64x4; W] = std::array::from_fn(|j| rows[j][0]);
        for k in 1..TERMS {
            for j in 0..W {
                value[j] = value[j].mul_add::<FMA>(F64x4::splat(t[j]), rows[j][k]);
            }
        }
        value
    }

    /// All functions at four points: `out[point * chunks + chunk]`.
    #[inline(always)]
    pub(super) fn evaluate<const FMA: bool>(
        &self,
        piece: [u32; 4],
        t: [f64; 4],
        out: &mut [F64x4],
    ) {
        let n = self.chunks;
        let [p0, p1, p2, p3] = piece.map(|p| self.piece(p));
        let [o0, o1, o2, o3] = quarters(out, n);
        let t = t.map(F64x4::splat);
        for c in 0..n {
            let rows = [&p0[c], &p1[c], &p2[c], &p3[c]];
            let mut value = rows.map(|row| row[0]);
            for k in 1..TERMS {
                for j in 0..4 {
                    value[j] = value[j].mul_add::<FMA>(t[j], rows[j][k]);
                }
            }
            [o0[c], o1[c], o2[c], o3[c]] = value;
        }
    }

    /// All functions and their derivatives by the local coordinate at four points, laid out as by
    /// [`RadialTable::evaluate`].
    #[inline(always)]
    pub(super) fn evaluate_with_slope<const FMA: bool>(
        &self,
        piece: [u32; 4],
        t: [f64; 4],
        value: &mut [F64x4],
        slope: &mut [F64x4],
    ) {
        let n = self.chunks;
        let [p0, p1, p2, p3] = piece.map(|p| self.piece(p));
        let [v0, v1, v2, v3] = quarters(value, n);
        let [d0, d1, d2, d3] = quarters(slope, n);
        let t = t.map(F64x4::splat);
        for c in 0..n {
            let rows = [&p0[c], &p1[c], &p2[c], &p3[c]];
            let mut v = rows.map(|row| row[0]);
            let mut d = [F64x4::ZERO; 4];
            for k in 1..TERMS {
                for j in 0..4 {
                    d[j] = d[j].mul_add::<FMA>(t[j], v[j]);
                    v[j] = v[j].mul_add::<FMA>(t[j], rows[j][k]);
                }
            }
            [v0[c], v1[c], v2[c], v3[c]] = v;
            [d0[c], d1[c], d2[c], d3[c]] = d;
        }
    }
}

/// Four consecutive runs of n.
#[inline(always)]
fn quarters(v: &mut [F64x4], n: usize) -> [&mut [F64x4]; 4] {
    let (a, rest) = v.split_at_mut(n);
    let (b, rest) = rest.split_at_mut(n);
    let (c, rest) = rest.split_at_mut(n);
    [a, b, c, &mut rest[..n]]
}

/// Interpolation node i in (-1, 1).
fn chebyshev_node(i: usize) -> f64 {
    (PI * (i as f64 + 0.5) / TERMS as f64).cos()
}

/// From values at the Chebyshev nodes to coefficients of powers, highest first.
///
/// In two steps, because the coefficients of the Chebyshev polynomials fall to rounding level: going straight from
/// values to powers would multiply the rounding of the values by hundreds.
struct Interpolation {
    /// Row j: weights of the values in the coefficient of T_j.
    analysis: [[f64; TERMS]; TERMS],
    /// Row j: coefficients of T_j by powers.
    powers: [[f64; TERMS]; TERMS],
}

impl Interpolation {
    fn new() -> Interpolation {
        let mut powers = [[0.0; TERMS]; TERMS];
        powers[0][0] = 1.0;
        powers[1][1] = 1.0;
        for j in 2..TERMS {
            for k in 0..TERMS {
                let shifted = if k == 0 {
                    0.0
                } else {
                    2.0 * powers[j - 1][k - 1]
                };
                powers[j][k] = shifted - powers[j - 2][k];
            }
        }
        let analysis = std::array::from_fn(|j| {
            let weight = if j == 0 { 1.0 } else { 2.0 } / TERMS as f64;
            std::array::from_fn(|i| {
                weight * (PI * j as f64 * (i as f64 + 0.5) / TERMS as f64).cos()
            })
        });
        Interpolation { analysis, powers }
    }

    fn coefficients(&self, samples: [f64; TERMS]) -> [f64; TERMS] {
        let series = self
            .analysis
            .map(|row| row.iter().zip(&samples).map(|(w, f)| w * f).sum::<f64>());
        std::array::from_fn(|k| {
            (0..TERMS)
                .rev()
                .map(|j| series[j] * self.powers[j][TERMS - 1 - k])
                .sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::SoapParameters;
    use super::super::transpose::transpose;
    use super::*;

    #[test]
    fn table_matches_the_exact_form() {
        for (n_max, l_max, sigma, cutoff) in [
            (8, 8, 0.5, 5.0),
            (10, 12, 0.5, 5.0),
            (4, 4, 0.5, 4.0),
            (8, 3, 0.3, 6.0),
            (12, 6, 0.5, 5.0),
            (16, 6, 0.5, 5.0),
            (20, 8, 0.5, 6.0),
            (24, 8, 0.5, 6.0),
            (12, 3, 0.75, 8.0),
            (12, 4, 1.0, 6.0),
            (14, 4, 0.1, 3.0),
        ] {
            let p = SoapParameters {
                atom_sigma: sigma,
                cutoff,
                l_max,
                n_max,
                ..SoapParameters::default()
            };
            let basis = RadialBasis::new(&p).unwrap();
            let table = RadialTable::new(&basis).unwrap();
            assert!(
                table.error < 4e-15,
                "n {n_max} l {l_max}: {:.1e}",
                table.error
            );
            let n = table.chunks;
            let (mut e, mut d) = (vec![F64x4::ZERO; n], vec![F64x4::ZERO; n]);
            let (mut rows, mut v, mut s) = (
                vec![F64x4::ZERO; 4 * n],
                vec![F64x4::ZERO; 4 * n],
                vec![F64x4::ZERO; 4 * n],
            );
            let mut bessel = Vec::new();
            let mut state = 1u64;
            for _ in 0..300 {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let r = (state >> 11) as f64 / (1u64 << 53) as f64 * cutoff;
                let (piece, t) = table.locate(r);
                basis.exact(r, &mut e, &mut d, &mut bessel);
                table.evaluate::<false>([piece; 4], [t; 4], &mut rows);
                table.evaluate_with_slope::<false>([piece; 4], [t; 4], &mut v, &mut s);
                let mut columns = v.clone();
                transpose(&v, &mut columns);
                for c in 0..n {
                    for k in 0..4 {
                        assert!((rows[n + c].0[k] - e[c].0[k]).abs() < 3e-15);
                        assert!((columns[4 * c + k].0[2] - e[c].0[k]).abs() < 3e-15);
                        assert!((s[2 * n + c].0[k] * table.stretch() - d[c].0[k]).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
