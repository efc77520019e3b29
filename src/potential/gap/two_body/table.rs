//! The function of a pair as piecewise quintic polynomials.
//!
//! Pieces never cross a distance where a switch begins or ends: there the second derivative jumps, and each side takes its
//! own limit. Within, knots are even and carry the exact value and two derivatives (quintic Hermite), so the error falls
//! with the sixth power of the spacing, which is halved until the measured error is at rounding level. The slope handed
//! out is the exact derivative of the polynomial that gives the energy.

use super::super::cutoff::Zone;
use super::super::extended::Extended;
use super::term::Term;

/// Below this distance (Å) nothing is tabulated.
const FIRST: f64 = 0.2;
/// Error allowed in the middle of an interval, relative to 1 eV plus the energy there plus its change over 1 Å (a
/// distance of some Å is itself rounded by 4e-16 Å).
const TOLERANCE: f64 = 2e-14;
/// Error of the slope allowed where it is largest in an interval, relative to 1 eV/Å plus the slope plus its change over
/// 1 Å.
const SLOPE_TOLERANCE: f64 = 1e-12;
/// Where the slope of a quintic Hermite interpolant is worst: (1 - 1/sqrt 5)/2 of an interval.
const WORST_SLOPE: f64 = 0.276_393_202_250_021;
/// Most intervals of a piece, and most evaluations of a Gaussian; a table that wants more is not made.
const MOST_INTERVALS: usize = 1 << 14;
const MOST_WORK: usize = 1 << 22;

/// A tabulated function.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pieces: Vec<Piece>,
    error: f64,
}

/// Even intervals between two distances.
#[derive(Clone, Debug)]
struct Piece {
    begin: f64,
    end: f64,
    per_step: f64,
    /// Coefficients of 1, t, ..., t^5 in each interval, t running from 0 to 1.
    intervals: Vec<[f64; 6]>,
}

impl Table {
    /// The table of a sum of terms; `None` when a term is not smooth or the accuracy cannot be had.
    pub(super) fn new(terms: &[Term]) -> Option<Table> {
        if !terms.iter().all(Term::is_smooth) {
            return None;
        }
        let mut borders: Vec<f64> = terms
            .iter()
            .flat_map(|t| [t.switch.cutoff - t.switch.width, t.switch.cutoff])
            .filter(|b| *b > FIRST)
            .chain([FIRST])
            .collect();
        borders.sort_by(f64::total_cmp);
        borders.dedup();
        let mut table = Table {
            pieces: Vec::new(),
            error: 0.0,
        };
        for pair in borders.windows(2) {
            let (piece, error) = Piece::new(terms, pair[0], pair[1])?;
            table.pieces.push(piece);
            table.error = table.error.max(error);
        }
        (!table.pieces.is_empty()).then_some(table)
    }

    /// Energy and slope; `None` below the first knot. Zero beyond the last.
    #[inline]
    pub(super) fn at(&self, r: f64) -> Option<(f64, f64)> {
        if r < FIRST {
            return None;
        }
        let Some(piece) = self.pieces.iter().find(|p| r < p.end) else {
            return Some((0.0, 0.0));
        };
        let s = (r - piece.begin) * piece.per_step;
        let k = (s as usize).min(piece.intervals.len() - 1);
        let t = s - k as f64;
        let (value, slope) = quintic(&piece.intervals[k], t);
        Some((value, slope * piece.per_step))
    }

    /// Number of intervals.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.intervals.len()).sum()
    }

    /// Largest error (eV) found in the middle of an interval, where it is largest.
    pub(super) fn error(&self) -> f64 {
        self.error
    }
}

/// A quintic and its derivative by t.
#[inline]
fn quintic(c: &[f64; 6], t: f64) -> (f64, f64) {
    (
        c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5])))),
        c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * (4.0 * c[4] + t * (5.0 * c[5])))),
    )
}

impl Piece {
    fn new(terms: &[Term], begin: f64, end: f64) -> Option<(Piece, f64)> {
        // Inside the piece every switch stays in one zone.
        let zones: Vec<Zone> = terms
            .iter()
            .map(|t| t.switch.zone(0.5 * (begin + end)))
            .collect();
        let points: usize = terms.iter().map(Term::len).sum();
        let exact = |r: f64| {
            let mut sum = [Extended::default(); 3];
            for (term, zone) in terms
                .iter()
                .zip(&zones)
                .filter(|(_, z)| **z != Zone::Beyond)
            {
                let part = term.smooth(r, *zone);
                sum = std::array::from_fn(|k| sum[k] + part[k]);
            }
            sum
        };
        let mut n = (((end - begin) / 0.05).ceil() as usize).max(4);
        while n <= MOST_INTERVALS && n.saturating_mul(points) <= MOST_WORK {
            let step = (end - begin) / n as f64;
            let at = |s: f64| begin + step * s;
            let knots: Vec<[Extended; 3]> = (0..=n).map(|k| exact(at(k as f64))).collect();
            let intervals: Vec<[f64; 6]> = knots
                .windows(2)
                .map(|w| hermite(w[0], w[1], step))
                .collect();
            let piece = Piece {
                begin,
                end,
                per_step: n as f64 / (end - begin),
                intervals,
            };
            // A quick look at a few intervals saves the full check of hopeless spacings.
            let few = (0..n).step_by((n / 8).max(1));
            if piece.worst(few, &at, &exact).is_some()
                && let Some(error) = piece.worst(0..n, &at, &exact)
            {
                return Some((piece, error));
            }
            n *= 2;
        }
        None
    }

    /// The largest error among some intervals, or `None` when one is beyond the tolerance.
    fn worst(
        &self,
        which: impl Iterator<Item = usize>,
        at: &impl Fn(f64) -> f64,
        exact: &impl Fn(f64) -> [Extended; 3],
    ) -> Option<f64> {
        let mut worst = 0f64;
        for k in which {
            let [middle, slope, _] = exact(at(k as f64 + 0.5));
            let scale = 1.0 + middle.value().abs() + slope.value().abs();
            let error = (middle - Extended::from(quintic(&self.intervals[k], 0.5).0))
                .value()
                .abs();
            if error.is_nan() || error > TOLERANCE * scale {
                return None;
            }
            let [_, slope, bend] = exact(at(k as f64 + WORST_SLOPE));
            let scale = 1.0 + slope.value().abs() + bend.value().abs();
            let got = quintic(&self.intervals[k], WORST_SLOPE).1 * self.per_step;
            if (slope - Extended::from(got)).value().abs() > SLOPE_TOLERANCE * scale {
                return None;
            }
            worst = worst.max(error);
        }
        Some(worst)
    }
}

/// The quintic with value, slope and curvature given at both ends of an interval of length `h`.
fn hermite(a: [Extended; 3], b: [Extended; 3], h: f64) -> [f64; 6] {
    let number = Extended::from;
    let h = number(h);
    let (a1, a2) = (a[1] * h, a[2] * h * h * number(0.5));
    let (b1, b2) = (b[1] * h, b[2] * h * h * number(0.5));
    let rise = b[0] - a[0];
    let c3 = number(10.0) * rise - number(6.0) * a1 - number(4.0) * b1 - number(3.0) * a2 + b2;
    let c4 = number(-15.0) * rise + number(8.0) * a1 + number(7.0) * b1 + number(3.0) * a2
        - number(2.0) * b2;
    let c5 = number(6.0) * rise - number(3.0) * a1 - number(3.0) * b1 - a2 + b2;
    [a[0], a1, a2, c3, c4, c5].map(Extended::value)
}
