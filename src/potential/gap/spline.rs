//! Cubic splines through tables, linear beyond their ends.

/// A cubic spline with given or natural end slopes (Numerical Recipes' tridiagonal form).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spline {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Second derivatives at the knots.
    curvature: Vec<f64>,
    /// Slopes at the first and the last knot, with which the function goes on.
    slopes: [f64; 2],
}

/// The slope of an end; numbers above 0.99e30 in a file mean natural.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EndSlope {
    /// The first derivative.
    Given(f64),
    /// No curvature.
    Natural,
}

impl EndSlope {
    /// The convention of the files.
    pub(super) fn from_number(slope: f64) -> EndSlope {
        if slope > 0.99e30 {
            EndSlope::Natural
        } else {
            EndSlope::Given(slope)
        }
    }
}

impl Spline {
    /// A spline through at least two points whose x increase strictly (the caller has checked).
    pub(super) fn new(points: &[[f64; 2]], ends: [EndSlope; 2]) -> Spline {
        let n = points.len();
        let x: Vec<f64> = points.iter().map(|p| p[0]).collect();
        let y: Vec<f64> = points.iter().map(|p| p[1]).collect();
        let chord = |k: usize| (y[k + 1] - y[k]) / (x[k + 1] - x[k]);
        // The rows of the tridiagonal system are (below, diagonal, above | right), solved by elimination downwards.
        let (mut above, mut right) = (vec![0.0; n], vec![0.0; n]);
        for k in 0..n {
            let left = if k > 0 { x[k] - x[k - 1] } else { 0.0 };
            let next = if k + 1 < n { x[k + 1] - x[k] } else { 0.0 };
            let (below, diagonal, up, r) = match (k, ends) {
                (0, [EndSlope::Given(s), _]) => (0.0, next / 3.0, next / 6.0, chord(0) - s),
                (0, _) => (0.0, 1.0, 0.0, 0.0),
                (k, [_, EndSlope::Given(s)]) if k + 1 == n => {
                    (left / 6.0, left / 3.0, 0.0, s - chord(n - 2))
                }
                (k, _) if k + 1 == n => (0.0, 1.0, 0.0, 0.0),
                (k, _) => (
                    left / 6.0,
                    (left + next) / 3.0,
                    next / 6.0,
                    chord(k) - chord(k - 1),
                ),
            };
            let (previous_above, previous_right) = if k > 0 {
                (above[k - 1], right[k - 1])
            } else {
                (0.0, 0.0)
            };
            let pivot = diagonal - below * previous_above;
            above[k] = up / pivot;
            right[k] = (r - below * previous_right) / pivot;
        }
        let mut curvature = right;
        for k in (0..n - 1).rev() {
            curvature[k] -= above[k] * curvature[k + 1];
        }
        let (h0, h1) = (x[1] - x[0], x[n - 1] - x[n - 2]);
        let slopes = [
            chord(0) - h0 / 6.0 * (2.0 * curvature[0] + curvature[1]),
            chord(n - 2) + h1 / 6.0 * (curvature[n - 2] + 2.0 * curvature[n - 1]),
        ];
        Spline {
            x,
            y,
            curvature,
            slopes,
        }
    }

    /// The last knot.
    pub(super) fn end(&self) -> f64 {
        self.x[self.x.len() - 1]
    }

    /// Value and first derivative.
    pub(super) fn at(&self, t: f64) -> (f64, f64) {
        let last = self.x.len() - 1;
        if t <= self.x[0] {
            return (self.y[0] + self.slopes[0] * (t - self.x[0]), self.slopes[0]);
        }
        if t >= self.x[last] {
            return (
                self.y[last] + self.slopes[1] * (t - self.x[last]),
                self.slopes[1],
            );
        }
        let k = self.x.partition_point(|&x| x <= t).clamp(1, last) - 1;
        let h = self.x[k + 1] - self.x[k];
        let (a, b) = ((self.x[k + 1] - t) / h, (t - self.x[k]) / h);
        let (c, d) = (self.curvature[k], self.curvature[k + 1]);
        let value = a * self.y[k]
            + b * self.y[k + 1]
            + ((a * a * a - a) * c + (b * b * b - b) * d) * (h * h / 6.0);
        let slope = (self.y[k + 1] - self.y[k]) / h
            + ((3.0 * b * b - 1.0) * d - (3.0 * a * a - 1.0) * c) * (h / 6.0);
        (value, slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clamped_spline_reproduces_a_cubic() {
        let f = |x: f64| 2.0 - x + 0.5 * x * x - 0.3 * x * x * x;
        let d = |x: f64| -1.0 + x - 0.9 * x * x;
        let points: Vec<[f64; 2]> = [0.3, 0.7, 1.6, 2.0, 3.1].map(|x| [x, f(x)]).to_vec();
        let s = Spline::new(&points, [EndSlope::Given(d(0.3)), EndSlope::Given(d(3.1))]);
        for k in 0..=50 {
            let x = 0.3 + 2.8 * f64::from(k) / 50.0;
            let (v, g) = s.at(x);
            assert!((v - f(x)).abs() < 1e-13 && (g - d(x)).abs() < 1e-12, "{x}");
        }
        assert!((s.at(0.0).0 - (f(0.3) - 0.3 * d(0.3))).abs() < 1e-13);
        assert!((s.at(4.0).1 - d(3.1)).abs() < 1e-12);
    }

    #[test]
    fn natural_ends_have_no_curvature() {
        let points = [[0.0, -1.0], [0.5, -1.5], [1.0, -1.2], [2.0, 0.3]];
        let s = Spline::new(&points, [EndSlope::from_number(1e50); 2]);
        assert_eq!((s.curvature[0], s.curvature[3]), (0.0, 0.0));
        for p in points {
            assert!((s.at(p[0]).0 - p[1]).abs() < 1e-15);
        }
        // Two points make a line.
        let s = Spline::new(&[[0.2, -1.0], [1.0, 3.0]], [EndSlope::Natural; 2]);
        assert!((s.at(2.0).0 - 8.0).abs() < 1e-13 && (s.at(0.0).0 + 2.0).abs() < 1e-13);
    }
}
