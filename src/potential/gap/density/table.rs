//! Radial functions as piecewise polynomials, exact to rounding.
//!
//! Only the g_nl are tabulated; weights whose derivatives jump, or that no polynomial follows, are applied by their
//! formulas. Where the functions themselves have breaks, pieces end exactly there. Value and derivative come from the same
//! polynomial, so forces stay the exact gradient of the energy within a piece; between pieces the energy jumps by rounding
//! only (but for the breaks).

use super::radial::RadialFunctions;
use crate::simd::F64x4;
use std::f64::consts::PI;

/// Terms of a polynomial piece (degree 9).
const TERMS: usize = 10;
/// Most pieces between two breaks.
const MOST_PIECES: usize = 20_000;
/// The last test point of a piece: its very end may lie beyond a break.
const END: f64 = 1.0 - 1e-9;

/// Piecewise polynomials of all g_nl: for each piece, for each group of four functions, the coefficients from the
/// highest power down, in a local coordinate that runs from -1 to 1.
#[derive(Clone, Debug)]
pub(super) struct RadialTable {
    /// Outermost first; the last begins at 0.
    segments: Vec<Segment>,
    chunks: usize,
    coefficients: Vec<[F64x4; TERMS]>,
    /// Largest deviation from the exact form found at test points, relative to the largest |g_nl| of the segment.
    pub(super) error: f64,
}

/// A stretch between two breaks, cut into pieces of equal length.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: f64,
    per_length: f64,
    pieces: usize,
    /// Number of its first piece.
    first: usize,
}

/// Where a distance lies in a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) piece: u32,
    /// The local coordinate there.
    pub(super) t: f64,
    /// d(local coordinate)/dr.
    pub(super) stretch: f64,
}

impl Default for Place {
    /// That of functions without a table.
    fn default() -> Place {
        Place {
            piece: 0,
            t: 0.0,
            stretch: 1.0,
        }
    }
}

impl Segment {
    #[inline(always)]
    fn place(&self, r: f64) -> Place {
        let x = (r - self.start) * self.per_length;
        let piece = (x as usize).min(self.pieces - 1);
        Place {
            piece: (self.first + piece) as u32,
            t: 2.0 * (x - piece as f64) - 1.0,
            stretch: 2.0 * self.per_length,
        }
    }
}

impl RadialTable {
    /// Refines every segment until its deviation is at rounding level or stops falling.
    pub(super) fn new(functions: &dyn RadialFunctions) -> Result<RadialTable, String> {
        let cutoff = functions.cutoff();
        // Breaks nearer than this cannot be told apart by any pair of atoms.
        let least = 1e-9 * cutoff;
        let mut breaks = functions.breaks();
        breaks.retain(|b| (least..cutoff - least).contains(b));
        breaks.sort_by(f64::total_cmp);
        breaks.dedup_by(|b, a| *b - *a < least);
        let mut table = RadialTable {
            segments: Vec::new(),
            chunks: (functions.l_max() + 1) * functions.n_max().div_ceil(4),
            coefficients: Vec::new(),
            error: 0.0,
        };
        let mut end = cutoff;
        for start in breaks.into_iter().rev().chain([0.0]) {
            table.append(functions, start, end)?;
            end = start;
        }
        Ok(table)
    }

    /// Appends the segment from `start` to `end`.
    fn append(
        &mut self,
        functions: &dyn RadialFunctions,
        start: f64,
        end: f64,
    ) -> Result<(), String> {
        let first = self.coefficients.len() / self.chunks;
        // Degree 9 interpolates a Gaussian of width s to 1e-15 on pieces of about s/4.
        let mut pieces = ((end - start) / (0.32 * functions.scale())).ceil().max(2.0) as usize;
        let mut best: Option<Trial> = None;
        for _ in 0..12 {
            if pieces > MOST_PIECES {
                break;
            }
            let trial = self.trial(functions, start, end, pieces);
            let error = trial.error;
            let stalled = best.as_ref().is_some_and(|b| error > 0.6 * b.error);
            if best.as_ref().is_none_or(|b| error < b.error) {
                best = Some(trial);
            }
            if error < 2e-15 || (stalled && error < 1e-13) {
                break;
            }
            pieces += pieces.div_ceil(4);
        }
        match best {
            Some(mut trial) if trial.error < 1e-12 => {
                self.segments.push(Segment {
                    first,
                    ..trial.segment
                });
                self.coefficients.append(&mut trial.coefficients);
                self.error = self.error.max(trial.error);
                Ok(())
            }
            _ => Err(
                "the radial functions cannot be tabulated accurately; are their number and widths sensible?"
                    .into(),
            ),
        }
    }

    fn trial(&self, functions: &dyn RadialFunctions, start: f64, end: f64, pieces: usize) -> Trial {
        let chunks = self.chunks;
        let width = (end - start) / pieces as f64;
        let mut coefficients = Vec::with_capacity(pieces * chunks);
        let interpolation = Interpolation::new();
        let mut work = Vec::new();
        let mut slope = vec![F64x4::ZERO; chunks];
        let mut samples = vec![vec![F64x4::ZERO; chunks]; TERMS];
        let mut exact = vec![F64x4::ZERO; chunks];
        let (mut largest, mut worst) = (0.0f64, 0.0f64);
        for piece in 0..pieces {
            let at = |t: f64| start + width * (piece as f64 + 0.5 + 0.5 * t);
            for (i, sample) in samples.iter_mut().enumerate() {
                functions.exact(at(chebyshev_node(i)), sample, &mut slope, &mut work);
            }
            for chunk in 0..chunks {
                let lanes: [[f64; TERMS]; 4] = std::array::from_fn(|lane| {
                    interpolation.coefficients(std::array::from_fn(|i| samples[i][chunk].0[lane]))
                });
                coefficients.push(std::array::from_fn(|k| F64x4(lanes.map(|c| c[k]))));
            }
            // Between the nodes, where an interpolating polynomial errs most, and close to the ends, which may be breaks.
            for t in [-END, -0.95, -0.6, -0.3, 0.0, 0.3, 0.6, 0.95, END] {
                functions.exact(at(t), &mut exact, &mut slope, &mut work);
                for (exact, row) in exact.iter().zip(&coefficients[piece * chunks..]) {
                    let value = polynomial(row, t);
                    for (exact, value) in exact.0.iter().zip(value.0) {
                        largest = largest.max(exact.abs());
                        // A comparison, since `max` would pass over what is not a number.
                        let off = (exact - value).abs();
                        worst = if off <= worst { worst } else { off };
                    }
                }
            }
        }
        let error = if worst == 0.0 { 0.0 } else { worst / largest };
        Trial {
            segment: Segment {
                start,
                per_length: pieces as f64 / (end - start),
                pieces,
                first: 0,
            },
            coefficients,
            error: if error.is_nan() { f64::INFINITY } else { error },
        }
    }

    /// The piece that r lies in, and the local coordinate there.
    #[inline(always)]
    pub(super) fn locate(&self, r: f64) -> Place {
        for segment in &self.segments {
            if r >= segment.start {
                return segment.place(r);
            }
        }
        Place::default()
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

/// The pieces tried for a segment.
struct Trial {
    segment: Segment,
    coefficients: Vec<[F64x4; TERMS]>,
    error: f64,
}

/// Four functions at one point.
fn polynomial(row: &[F64x4; TERMS], t: f64) -> F64x4 {
    let mut value = row[0];
    for c in &row[1..] {
        value = value.mul_add::<false>(F64x4::splat(t), *c);
    }
    value
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
    use super::super::transpose::transpose;
    use super::*;
    use crate::potential::gap::soap::{RadialBasis, SoapParameters};

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
                let Place { piece, t, stretch } = table.locate(r);
                basis.exact(r, &mut e, &mut d, &mut bessel);
                table.evaluate::<false>([piece; 4], [t; 4], &mut rows);
                table.evaluate_with_slope::<false>([piece; 4], [t; 4], &mut v, &mut s);
                let mut columns = v.clone();
                transpose(&v, &mut columns);
                for c in 0..n {
                    for k in 0..4 {
                        assert!((rows[n + c].0[k] - e[c].0[k]).abs() < 3e-15);
                        assert!((columns[4 * c + k].0[2] - e[c].0[k]).abs() < 3e-15);
                        assert!((s[2 * n + c].0[k] * stretch - d[c].0[k]).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
