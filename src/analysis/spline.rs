//! Natural cubic splines through points with errors.

use nalgebra::{DMatrix, DVector};

/// A natural cubic spline: twice continuously differentiable, without curvature at its ends, a straight line beyond them.
#[derive(Clone, Debug, PartialEq)]
pub struct Spline {
    x: Vec<f64>,
    y: Vec<f64>,
    errors: Vec<f64>,
    /// Second derivatives at the knots as linear functions of the values: row by knot.
    curvature: DMatrix<f64>,
}

impl Spline {
    /// The spline through points (place, value, standard error); `None` with fewer than two different places or with numbers that
    /// are not finite.
    pub fn through(points: &[(f64, f64, f64)]) -> Option<Spline> {
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        sorted.dedup_by(|a, b| a.0 == b.0);
        let n = sorted.len();
        let finite = |p: &(f64, f64, f64)| p.0.is_finite() && p.1.is_finite() && p.2.is_finite();
        if n < 2 || !sorted.iter().all(finite) {
            return None;
        }
        let x: Vec<f64> = sorted.iter().map(|p| p.0).collect();
        let h = |k: usize| x[k + 1] - x[k];
        // T m = B y for the curvatures m at the inner knots.
        let mut t = DMatrix::<f64>::identity(n, n);
        let mut b = DMatrix::<f64>::zeros(n, n);
        for k in 1..n - 1 {
            t[(k, k - 1)] = h(k - 1) / 6.0;
            t[(k, k)] = (h(k - 1) + h(k)) / 3.0;
            t[(k, k + 1)] = h(k) / 6.0;
            b[(k, k - 1)] = 1.0 / h(k - 1);
            b[(k, k)] = -1.0 / h(k - 1) - 1.0 / h(k);
            b[(k, k + 1)] = 1.0 / h(k);
        }
        let curvature = t.lu().solve(&b)?;
        Some(Spline {
            y: sorted.iter().map(|p| p.1).collect(),
            errors: sorted.iter().map(|p| p.2).collect(),
            x,
            curvature,
        })
    }

    /// The first and the last place.
    pub fn range(&self) -> [f64; 2] {
        [self.x[0], self.x[self.x.len() - 1]]
    }

    /// Value and its standard error at a place.
    pub fn value(&self, x: f64) -> (f64, f64) {
        self.apply(&self.weights(x, false))
    }

    /// Slope and its standard error at a place.
    pub fn slope(&self, x: f64) -> (f64, f64) {
        self.apply(&self.weights(x, true))
    }

    /// What multiplies the values of the points in the value or the slope at a place.
    fn weights(&self, x: f64, slope: bool) -> DVector<f64> {
        let n = self.x.len();
        let [first, last] = self.range();
        let inside = x.clamp(first, last);
        let k = self.x.partition_point(|&p| p <= inside).clamp(1, n - 1) - 1;
        let h = self.x[k + 1] - self.x[k];
        let (a, b) = ((self.x[k + 1] - inside) / h, (inside - self.x[k]) / h);
        let unit = |k: usize, s: f64| DVector::from_fn(n, |i, _| if i == k { s } else { 0.0 });
        let rows = |p: f64, q: f64| {
            self.curvature.row(k).transpose() * p + self.curvature.row(k + 1).transpose() * q
        };
        let slopes = unit(k, -1.0 / h)
            + unit(k + 1, 1.0 / h)
            + rows(
                -(3.0 * a * a - 1.0) * h / 6.0,
                (3.0 * b * b - 1.0) * h / 6.0,
            );
        if slope {
            return slopes;
        }
        let values = unit(k, a)
            + unit(k + 1, b)
            + rows((a.powi(3) - a) * h * h / 6.0, (b.powi(3) - b) * h * h / 6.0);
        values + slopes * (x - inside)
    }

    fn apply(&self, weights: &DVector<f64>) -> (f64, f64) {
        let of = |v: &[f64]| weights.iter().zip(v).map(|(w, v)| w * v).sum::<f64>();
        let squares = weights
            .iter()
            .zip(&self.errors)
            .map(|(w, e)| (w * e).powi(2));
        (of(&self.y), squares.sum::<f64>().sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_functions_and_their_slopes() {
        let points: Vec<(f64, f64, f64)> = (0..=20)
            .map(|k| f64::from(k) * 0.2)
            .map(|x| (x, x.sin(), 0.01))
            .collect();
        let s = Spline::through(&points).unwrap();
        for k in 5..35 {
            let x = 0.1 * f64::from(k) + 0.03;
            assert!((s.value(x).0 - x.sin()).abs() < 1e-3, "{x}");
            assert!((s.slope(x).0 - x.cos()).abs() < 2e-2, "{x}");
            assert!(s.value(x).1 < 0.0105 && s.slope(x).1 > 0.01);
        }
        // At the points it has their values and errors; slopes are those of finite differences.
        assert!(
            (s.value(2.0).0 - 2.0f64.sin()).abs() < 1e-12 && (s.value(2.0).1 - 0.01).abs() < 1e-12
        );
        let d = 1e-5;
        let difference = (s.value(1.3 + d).0 - s.value(1.3 - d).0) / (2.0 * d);
        assert!((difference - s.slope(1.3).0).abs() < 1e-8);
        // Two points are a line, also beyond them; one is nothing.
        let line = Spline::through(&[(0.0, 1.0, 0.1), (2.0, 5.0, 0.1)]).unwrap();
        assert!(
            (line.value(3.0).0 - 7.0).abs() < 1e-12 && (line.slope(-9.0).0 - 2.0).abs() < 1e-12
        );
        assert!((line.slope(1.0).1 - 0.1 / 2.0f64.sqrt()).abs() < 1e-12);
        assert!(Spline::through(&[(0.0, 1.0, 0.1), (0.0, 2.0, 0.1)]).is_none());
        assert!(Spline::through(&[(0.0, f64::NAN, 0.1), (1.0, 2.0, 0.1)]).is_none());
    }
}
