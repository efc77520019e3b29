//! Radial functions: Gaussians on equispaced nodes, orthonormalised; exact form and table.
//!
//! The density of a neighbour at distance r, a Gaussian of width s, has the radial expansion (a = 1/(2 s^2))
//! `phi_l(r; r_k) = exp(-a (r^2 + r_k^2)) i_l(2 a r r_k)` on node r_k, with i_l the modified spherical Bessel function;
//! the orthonormal set is `g_nl(r) = sum_k phi_l(r; r_k) T_kn`, `T = C^-1 L` with C the overlap of the nodes on the
//! infinite line and L the Cholesky factor of their overlap S on the half line with r^2 weight.
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013).)

use super::parameters::SoapParameters;
use crate::simd::F64x4;
use nalgebra::DMatrix;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// How radial functions are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RadialMode {
    /// From a table of piecewise polynomials that is exact to a few units in the last place of the largest value.
    #[default]
    Table,
    /// From exponentials and Bessel functions for every pair; slow, for tests.
    Exact,
}

/// The exact radial functions.
#[derive(Clone, Debug)]
pub(super) struct RadialBasis {
    l_max: usize,
    n_max: usize,
    /// 1/(2 s^2).
    a: f64,
    nodes: Vec<f64>,
    /// T, row k, column n.
    transform: Vec<f64>,
    /// L_00: the coefficient of a Gaussian on the centre itself, n = 0, l = 0, before Y_00.
    pub(super) centre: f64,
    sigma: f64,
    cutoff: f64,
}

impl RadialBasis {
    /// Errors (a sentence) when the nodes are so dense that their overlap is singular in double precision.
    pub(super) fn new(p: &SoapParameters) -> Result<RadialBasis, String> {
        let n = p.n_max;
        let sigma = p.atom_sigma;
        let a = 0.5 / (sigma * sigma);
        let reach = p.cutoff + sigma * (2.0 * p.basis_error_exponent * LN_10).sqrt();
        let nodes: Vec<f64> = (0..n).map(|k| k as f64 * reach / n as f64).collect();
        let c = DMatrix::from_fn(n, n, |i, j| (-a * (nodes[i] - nodes[j]).powi(2)).exp());
        let s = DMatrix::from_fn(n, n, |i, j| half_line_overlap(a, nodes[i], nodes[j]));
        let singular = || {
            format!(
                "soap: the {n} radial functions are linearly dependent in double precision (cutoff {}, atom_sigma {sigma})",
                p.cutoff
            )
        };
        let l = s.cholesky().ok_or_else(singular)?.unpack();
        let t = c.cholesky().ok_or_else(singular)?.solve(&l);
        let transform: Vec<f64> = (0..n * n).map(|i| t[(i / n, i % n)]).collect();
        if transform.iter().any(|x| !x.is_finite()) {
            return Err(singular());
        }
        Ok(RadialBasis {
            l_max: p.l_max,
            n_max: n,
            a,
            nodes,
            transform,
            centre: l[(0, 0)],
            sigma,
            cutoff: p.cutoff,
        })
    }

    /// Radial functions padded to whole groups of four per l.
    pub(super) fn chunks_per_l(&self) -> usize {
        self.n_max.div_ceil(4)
    }

    /// g_nl(r) and dg_nl/dr, in element n of the groups of four of each l (padding untouched).
    pub(super) fn exact(
        &self,
        r: f64,
        value: &mut [F64x4],
        slope: &mut [F64x4],
        bessel: &mut Vec<f64>,
    ) {
        let per_l = self.chunks_per_l();
        value.fill(F64x4::ZERO);
        slope.fill(F64x4::ZERO);
        bessel.resize(self.l_max + 2, 0.0);
        for (k, &rk) in self.nodes.iter().enumerate() {
            let x = 2.0 * self.a * r * rk;
            scaled_bessel(x, bessel);
            let gauss = (-self.a * (r - rk) * (r - rk)).exp();
            let row = &self.transform[k * self.n_max..(k + 1) * self.n_max];
            for l in 0..=self.l_max {
                let below = if l == 0 {
                    0.0
                } else {
                    l as f64 * bessel[l - 1]
                };
                let mean = (below + (l + 1) as f64 * bessel[l + 1]) / (2 * l + 1) as f64;
                let phi = gauss * bessel[l];
                let d_phi = 2.0 * self.a * gauss * (rk * mean - r * bessel[l]);
                for (n, t) in row.iter().enumerate() {
                    value[l * per_l + n / 4].0[n % 4] += phi * t;
                    slope[l * per_l + n / 4].0[n % 4] += d_phi * t;
                }
            }
        }
    }
}

/// Overlap of two Gaussians on nodes p, q over the half line with weight r^2.
fn half_line_overlap(a: f64, p: f64, q: f64) -> f64 {
    let sum = p + q;
    let edge = (-a * (p * p + q * q)).exp() * SQRT_2 * a.powf(1.5) * sum;
    let bulk = a
        * (-0.5 * a * (p - q) * (p - q)).exp()
        * PI.sqrt()
        * (1.0 + a * sum * sum)
        * (1.0 + libm::erf((0.5 * a).sqrt() * sum));
    (edge + bulk) / (128.0 * a.powi(5)).sqrt()
}

/// exp(-x) i_l(x) for l = 0 .. out.len() - 1 and x >= 0, to a few units in the last place.
///
/// Ratios i_(l+1)/i_l by downward recursion (upward loses all digits for l > x), then i_0 in closed form.
pub(super) fn scaled_bessel(x: f64, out: &mut [f64]) {
    let Some(last) = out.len().checked_sub(1) else {
        return;
    };
    // The error of the start contracts by (i_(l+1)/i_l)^2 a step; for large x that is exp(-2 l/x), so sqrt(40 x) steps.
    let start = last + 24 + (40.0 * x).sqrt() as usize;
    let mut ratio = 0.0;
    for l in (1..=start).rev() {
        ratio = x / (x * ratio + (2 * l + 1) as f64);
        if l - 1 < last {
            out[l] = ratio;
        }
    }
    out[0] = if x < 1e-8 {
        1.0 - x
    } else {
        -(-2.0 * x).exp_m1() / (2.0 * x)
    };
    for l in 1..=last {
        out[l] *= out[l - 1];
    }
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

    /// Number of groups of four functions.
    #[inline(always)]
    pub(super) fn chunks(&self) -> usize {
        self.chunks
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

/// From `rows[point * chunks + chunk]`, four functions each, to `columns[4 * chunk + function]`, four points each.
#[inline(always)]
pub(super) fn transpose(rows: &[F64x4], columns: &mut [F64x4]) {
    let n = rows.len() / 4;
    let (r0, rest) = rows.split_at(n);
    let (r1, rest) = rest.split_at(n);
    let (r2, r3) = rest.split_at(n);
    let (columns, _) = columns.as_chunks_mut::<4>();
    for ((((a, b), c), d), out) in r0.iter().zip(r1).zip(r2).zip(r3).zip(columns) {
        for i in 0..4 {
            out[i] = F64x4([a.0[i], b.0[i], c.0[i], d.0[i]]);
        }
    }
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
    use super::*;

    fn parameters(n_max: usize, l_max: usize) -> SoapParameters {
        SoapParameters {
            cutoff: 5.0,
            transition_width: 1.0,
            l_max,
            n_max,
            atom_sigma: 0.5,
            ..SoapParameters::default()
        }
    }

    #[test]
    fn bessel_against_series_and_closed_forms() {
        let mut out = [0.0; 14];
        for x in [0.0, 1e-12, 1e-5, 0.03, 0.7, 2.0, 9.0, 40.0, 150.0, 600.0] {
            scaled_bessel(x, &mut out);
            // Power series with positive terms only: exact for moderate x.
            if x < 50.0 {
                for (l, &value) in out.iter().enumerate() {
                    let mut term: f64 = (-x).exp();
                    for k in 1..=l {
                        term *= x / (2 * k + 1) as f64;
                    }
                    let mut sum = 0.0;
                    for k in 1..400 {
                        sum += term;
                        term *= 0.5 * x * x / (k as f64 * (2 * l + 2 * k + 1) as f64);
                    }
                    assert!(
                        (value - sum).abs() <= 1e-14 * sum,
                        "x {x} l {l}: {value} {sum}"
                    );
                }
            } else {
                assert!((out[0] - 0.5 / x).abs() < 1e-15 * out[0]);
                let i1 = 0.5 / x - 0.5 / (x * x);
                assert!((out[1] - i1).abs() < 1e-14 * i1);
                let i2 = 0.5 / x - 1.5 / (x * x) + 1.5 / (x * x * x);
                assert!((out[2] - i2).abs() < 1e-14 * i2);
            }
        }
    }

    #[test]
    fn slope_is_the_derivative() {
        let basis = RadialBasis::new(&parameters(10, 12)).unwrap();
        let n = 13 * 3;
        let zero = || vec![F64x4::ZERO; n];
        let (mut v0, mut v1, mut d, mut s, mut b) = (zero(), zero(), zero(), zero(), Vec::new());
        for r in [0.01, 0.4, 1.3, 2.35, 3.9, 4.9] {
            let h = 1e-5;
            basis.exact(r - h, &mut v0, &mut s, &mut b);
            basis.exact(r + h, &mut v1, &mut s, &mut b);
            basis.exact(r, &mut s, &mut d, &mut b);
            for c in 0..n {
                for k in 0..4 {
                    let numeric = (v1[c].0[k] - v0[c].0[k]) / (2.0 * h);
                    assert!(
                        (numeric - d[c].0[k]).abs() < 1e-8,
                        "r {r}: {numeric} {}",
                        d[c].0[k]
                    );
                }
            }
        }
    }

    #[test]
    fn overlap_against_quadrature() {
        let (a, p, q) = (2.0, 0.9, 1.7);
        let h = 1e-3;
        let sum: f64 = (0..10_000)
            .map(|i| (i as f64 + 0.5) * h)
            .map(|r| r * r * (-a * (r - p).powi(2) - a * (r - q).powi(2)).exp() * h)
            .sum();
        assert!(
            (half_line_overlap(a, p, q) - sum).abs() < 1e-6 * sum,
            "{} {sum}",
            half_line_overlap(a, p, q)
        );
    }

    #[test]
    fn table_matches_the_exact_form() {
        for (n_max, l_max, sigma, cutoff) in [
            (8, 8, 0.5, 5.0),
            (10, 12, 0.5, 5.0),
            (4, 4, 0.5, 4.0),
            (8, 3, 0.3, 6.0),
        ] {
            let p = SoapParameters {
                atom_sigma: sigma,
                cutoff,
                ..parameters(n_max, l_max)
            };
            let basis = RadialBasis::new(&p).unwrap();
            let table = RadialTable::new(&basis).unwrap();
            println!(
                "n {n_max} l {l_max}: {} pieces, {} bytes, error {:.2e}",
                table.pieces,
                table.bytes(),
                table.error
            );
            assert!(table.error < 2e-14);
            let n = table.chunks();
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

    #[test]
    fn dense_nodes_are_refused() {
        let p = SoapParameters {
            atom_sigma: 3.0,
            ..parameters(40, 2)
        };
        assert!(RadialBasis::new(&p).unwrap_err().contains("dependent"));
    }
}
