//! A line search that ends at a point with the strong Wolfe conditions (Nocedal, Wright, Numerical Optimization, alg. 3.5 and 3.6).

use super::objective::{Objective, Point};
use crate::potential::EvaluationError;

/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Flatter by at least this.
const C2: f64 = 0.9;
/// Most evaluations of one search.
const MOST: usize = 25;

/// How a search ended.
pub(super) enum Found {
    /// The trial is the next point.
    Step,
    /// Energies differ by rounding only, and the gradients do not agree on a way.
    Rounding,
    /// No point along the line could be evaluated.
    Failed(EvaluationError),
}

/// One point of the line: the step along it, the enthalpy relative to the start and the slope.
#[derive(Clone, Copy)]
struct At {
    a: f64,
    h: f64,
    slope: f64,
}

/// Searches from `start` along `direction`; a step of 1 is tried first, none is longer than `longest`. `trial` becomes the next point.
pub(super) fn search(
    objective: &mut Objective<'_>,
    start: &Point,
    direction: &[f64],
    longest: f64,
    trial: &mut Point,
) -> Found {
    let slope = dot(&start.gradient, direction);
    let origin = At {
        a: 0.0,
        h: 0.0,
        slope,
    };
    let noise = noise(start.measure.enthalpy);
    // Sufficient decrease; within the noise of energies by the slopes (Hager, Zhang, SIAM J. Optim. 16, 170 (2005)).
    let decreased =
        |p: &At| p.h <= C1 * p.a * slope || (p.h <= noise && p.slope <= (2.0 * C1 - 1.0) * slope);
    let flat = |p: &At| p.slope.abs() <= -C2 * slope;
    let mut calls = 0;
    let mut longest = longest;
    let mut error = None;
    let mut evaluate = |a: f64, trial: &mut Point| -> Result<At, EvaluationError> {
        trial.x.clear();
        let moved = start.x.iter().zip(direction).map(|(x, d)| x + a * d);
        trial.x.extend(moved);
        objective.evaluate(trial)?;
        Ok(At {
            a,
            h: trial.measure.enthalpy - start.measure.enthalpy,
            slope: dot(&trial.gradient, direction),
        })
    };
    // First an interval that holds such points.
    let mut last = origin;
    let mut a = longest.min(1.0);
    let (mut low, mut high) = loop {
        if calls == MOST {
            return error.map_or(Found::Rounding, Found::Failed);
        }
        calls += 1;
        let p = match evaluate(a, trial) {
            Ok(p) => p,
            Err(e) => {
                // Atoms on top of each other, or worse: not so far.
                error = Some(e);
                longest = last.a + 0.5 * (a - last.a);
                a = last.a + 0.3 * (a - last.a);
                continue;
            }
        };
        if !decreased(&p) || (last.a > 0.0 && p.h >= last.h + noise) {
            break (last, p);
        }
        if flat(&p) || p.a >= longest * (1.0 - 1e-12) {
            return Found::Step;
        }
        if p.slope >= 0.0 {
            break (p, last);
        }
        a = cubic(&last, &p)
            .unwrap_or(f64::INFINITY)
            .clamp(1.1 * p.a, 4.0 * p.a)
            .min(longest);
        last = p;
    };
    // Then ever smaller ones; `low` is the lowest point so far that decreases enough.
    while calls < MOST {
        let width = high.a - low.a;
        if width.abs() <= 1e-10 * low.a.max(high.a) {
            break;
        }
        let (left, right) = (low.a + 0.1 * width, low.a + 0.9 * width);
        let a = cubic(&low, &high)
            .unwrap_or(low.a + 0.5 * width)
            .clamp(left.min(right), left.max(right));
        calls += 1;
        let p = match evaluate(a, trial) {
            Ok(p) => p,
            Err(e) => {
                error = Some(e);
                high = At {
                    a,
                    h: f64::INFINITY,
                    slope: f64::NAN,
                };
                continue;
            }
        };
        if !decreased(&p) || p.h > low.h + noise {
            high = p;
        } else {
            if flat(&p) {
                return Found::Step;
            }
            if p.slope * width >= 0.0 {
                high = low;
            }
            low = p;
        }
    }
    // What decreased the energy for sure is a step, if not a good one.
    if low.a > 0.0 && low.h < -noise && evaluate(low.a, trial).is_ok() {
        return Found::Step;
    }
    match error {
        Some(e) if !high.h.is_finite() => Found::Failed(e),
        _ => Found::Rounding,
    }
}

/// Differences of enthalpies below this are rounding.
fn noise(enthalpy: f64) -> f64 {
    1e-12 * enthalpy.abs() + 1e-14
}

/// The minimum of the cubic through two points with their slopes.
fn cubic(p: &At, q: &At) -> Option<f64> {
    let d1 = p.slope + q.slope - 3.0 * (p.h - q.h) / (p.a - q.a);
    let square = d1 * d1 - p.slope * q.slope;
    if square.is_nan() || square < 0.0 {
        return None;
    }
    let d2 = square.sqrt().copysign(q.a - p.a);
    let a = q.a - (q.a - p.a) * (q.slope + d2 - d1) / (q.slope - p.slope + 2.0 * d2);
    a.is_finite().then_some(a)
}

/// The scalar product, in blocks so that it is fast and always the same.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a8.zip(b8) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    let four = [
        sums[0] + sums[4],
        sums[1] + sums[5],
        sums[2] + sums[6],
        sums[3] + sums[7],
    ];
    (four[0] + four[2]) + (four[1] + four[3]) + rest
}
