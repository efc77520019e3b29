//! Least squares of energies against volumes.

use super::{EquationOfState, Form};
use nalgebra::{DMatrix, DVector};

/// Volumes (Å^3) and energies (eV).
pub type Points<'a> = &'a [(f64, f64)];

/// An equation of state with how well it describes the points it was fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The equation.
    pub equation: EquationOfState,
    /// Root of the mean square of what is left (eV).
    pub residual: f64,
    /// Standard errors of the parameters, in the order of [`EquationOfState::parameters`]: roots of the diagonal of s^2 (J^T J)^-1, where J is
    /// the derivative of the energies by the parameters and s^2 the sum of squares over the number of points beyond that of parameters.
    /// Zero for what the form does not leave free. None when there are no more points than parameters.
    ///
    /// Energies without noise are left by a form in a smooth way, not at random: then the errors say how well the form suits the points, and
    /// are a lower bound of what another range of volumes would change.
    pub errors: Option<[f64; 5]>,
}

impl Fit {
    /// An estimate of the standard deviation (eV) of one energy from the curve: the residual, with the parameters counted.
    pub fn deviation(&self, points: usize) -> Option<f64> {
        let beyond = points.checked_sub(self.equation.form.free())?;
        (beyond > 0).then(|| self.residual * (points as f64 / beyond as f64).sqrt())
    }
}

/// Fits an equation of state to volumes (Å^3) and energies (eV) by least squares. None when there are fewer
/// different volumes than parameters, or no minimum among them or near by (half as far again).
pub fn fit(form: Form, points: Points<'_>) -> Option<Fit> {
    let equation = match form {
        Form::BirchMurnaghan2 | Form::BirchMurnaghan | Form::BirchMurnaghan4 => {
            birch_murnaghan(form, points)?
        }
        Form::Vinet | Form::Murnaghan => nonlinear(form, points)?,
    };
    let volumes = points.iter().map(|p| p.0);
    let (least, most) = volumes.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| {
        (a.min(v), b.max(v))
    });
    if !(least / 1.5..=most * 1.5).contains(&equation.volume) {
        return None;
    }
    let square = |p: &(f64, f64)| (p.1 - equation.energy_at(p.0)).powi(2);
    let sum = points.iter().map(square).sum::<f64>();
    Some(Fit {
        equation,
        residual: (sum / points.len() as f64).sqrt(),
        errors: errors(&equation, points, sum),
    })
}

/// Birch-Murnaghan is a polynomial in V^(-2/3), which makes the fit linear.
fn birch_murnaghan(form: Form, points: Points<'_>) -> Option<EquationOfState> {
    let terms = form.free();
    if points.len() < terms || points.iter().any(|p| !(p.0 > 0.0 && p.1.is_finite())) {
        return None;
    }
    let count = points.len() as f64;
    // Around the middle, in units of the spread, so that the columns are well apart.
    let y = |v: f64| v.powf(-2.0 / 3.0);
    let middle = points.iter().map(|p| y(p.0)).sum::<f64>() / count;
    let spread = points
        .iter()
        .map(|p| (y(p.0) - middle).abs())
        .fold(0.0, f64::max);
    let level = points.iter().map(|p| p.1).sum::<f64>() / count;
    if spread.is_nan() || spread <= 1e-9 * middle {
        return None;
    }
    let matrix = DMatrix::from_fn(points.len(), terms, |i, k| {
        ((y(points[i].0) - middle) / spread).powi(k as i32)
    });
    let right = DVector::from_iterator(points.len(), points.iter().map(|p| p.1 - level));
    let found = matrix.svd(true, true).solve(&right, 1e-12).ok()?;
    let mut c = [0.0; 5];
    c.iter_mut().zip(found.iter()).for_each(|(c, f)| *c = *f);
    let lowest = points.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let t0 = minimum(&c, (y(lowest.0) - middle) / spread)?;
    // Derivatives by t = (y - middle) / spread, and from them those by f, of which df = dy / (2 y0).
    let energy = level + c[0] + t0 * (c[1] + t0 * (c[2] + t0 * (c[3] + t0 * c[4])));
    let second = 2.0 * c[2] + t0 * (6.0 * c[3] + t0 * 12.0 * c[4]);
    let third = 6.0 * c[3] + 24.0 * t0 * c[4];
    let fourth = 24.0 * c[4];
    let y0 = middle + spread * t0;
    if !(second > 0.0 && y0 > 0.0) {
        return None;
    }
    let volume = y0.powf(-1.5);
    let scale = 2.0 * y0 / spread;
    // E = E0 + 9 B0 V0 (f^2/2 + a f^3/3 + b f^4/4)
    let k = second * scale.powi(2);
    let a = third * scale.powi(3) / (2.0 * k);
    let b = fourth * scale.powi(4) / (6.0 * k);
    let bulk_modulus = k / (9.0 * volume);
    let b1 = 4.0 + a / 1.5;
    let b2 = (b / 1.5 - (b1 - 4.0) * (b1 - 3.0) - 35.0 / 9.0) / bulk_modulus;
    let parameters = [energy, volume, bulk_modulus, b1, b2];
    Some(EquationOfState::new(form, parameters))
}

/// Where the polynomial c0 + ... + c4 t^4 has the minimum next to a place.
fn minimum(c: &[f64; 5], near: f64) -> Option<f64> {
    if c[4] == 0.0 {
        let root = c[2] * c[2] - 3.0 * c[1] * c[3];
        // The form without cancellation for c3 near zero; it is the root at which the second derivative is positive.
        return (root > 0.0 && c[2] + root.sqrt() > 0.0).then(|| -c[1] / (c[2] + root.sqrt()));
    }
    let slope = |t: f64| c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * 4.0 * c[4]));
    let curvature = |t: f64| 2.0 * c[2] + t * (6.0 * c[3] + t * 12.0 * c[4]);
    // The points lie between -1 and 1; a minimum is where the slope changes from below zero to above, looked for on both sides.
    const STEP: f64 = 0.02;
    const FAR: usize = 400;
    let bracket = (0..FAR).find_map(|k| {
        [1.0, -1.0].into_iter().find_map(|side| {
            let a = near + side * STEP * k as f64;
            let b = a + side * STEP;
            let (low, high) = (a.min(b), a.max(b));
            (slope(low) <= 0.0 && slope(high) > 0.0).then_some((low, high))
        })
    });
    let (mut low, mut high) = bracket?;
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if slope(middle) > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Two steps of Newton take the root to rounding.
    let mut t = 0.5 * (low + high);
    for _ in 0..2 {
        let step = slope(t) / curvature(t);
        if step.is_finite() && step.abs() < STEP {
            t -= step;
        }
    }
    Some(t)
}

/// The size of changes of each parameter.
fn scales(e: &EquationOfState) -> [f64; 5] {
    let (v, b) = (e.volume, e.bulk_modulus);
    [b * v, v, b, 1.0, 1.0 / b]
}

/// Derivatives of the energies by the free parameters, in units of their [`scales`].
fn jacobian(e: &EquationOfState, points: Points<'_>) -> DMatrix<f64> {
    let (p, scale) = (e.parameters(), scales(e));
    DMatrix::from_fn(points.len(), e.form.free(), |i, k| {
        let step = 1e-5;
        let with = |sign: f64| {
            let mut q = p;
            q[k] += sign * step * scale[k];
            // Without the energy at the minimum, which would cost digits.
            let base = if k == 0 { q[0] - p[0] } else { 0.0 };
            q[0] = 0.0;
            base + EquationOfState::new(e.form, q).energy_at(points[i].0)
        };
        (with(1.0) - with(-1.0)) / (2.0 * step)
    })
}

/// Standard errors of the parameters where the sum of squares is `sum`.
fn errors(e: &EquationOfState, points: Points<'_>, sum: f64) -> Option<[f64; 5]> {
    let free = e.form.free();
    let beyond = points.len().checked_sub(free).filter(|n| *n > 0)?;
    let j = jacobian(e, points);
    // By singular values of J itself: (J^T J)^-1 = V S^-2 V^T.
    let svd = j.svd(false, true);
    let v = svd.v_t?;
    let variance = sum / beyond as f64;
    let scale = scales(e);
    let mut errors = [0.0; 5];
    for (k, error) in errors.iter_mut().enumerate().take(free) {
        let square: f64 = (0..free)
            .map(|m| (v[(m, k)] / svd.singular_values[m]).powi(2))
            .sum();
        *error = (variance * square).sqrt() * scale[k];
    }
    errors.iter().all(|e| e.is_finite()).then_some(errors)
}

/// Levenberg's and Marquardt's method from the parameters of Birch and Murnaghan.
fn nonlinear(form: Form, points: Points<'_>) -> Option<EquationOfState> {
    if points.len() < form.free() {
        return None;
    }
    let start = birch_murnaghan(Form::BirchMurnaghan, points)
        .or_else(|| birch_murnaghan(Form::BirchMurnaghan2, points))?;
    let of = |p: &[f64; 4]| EquationOfState::new(form, [p[0], p[1], p[2], p[3], 0.0]);
    let residuals = |e: &EquationOfState| {
        DVector::from_iterator(points.len(), points.iter().map(|x| x.1 - e.energy_at(x.0)))
    };
    let p = start.parameters();
    let mut e = of(&[p[0], p[1], p[2], p[3].clamp(1.5, 12.0)]);
    let scale = scales(&start);
    let mut r = residuals(&e);
    let mut damping = 1e-3;
    for _ in 0..200 {
        // In the scales of the start, so that the steps of all iterations can be compared.
        let mut jacobian = jacobian(&e, points);
        let own = scales(&e);
        for (k, mut column) in jacobian.column_iter_mut().enumerate() {
            column *= scale[k] / own[k];
        }
        let normal = jacobian.transpose() * &jacobian;
        let gradient = jacobian.transpose() * &r;
        let mut improved = false;
        for _ in 0..30 {
            let mut damped = normal.clone();
            for k in 0..4 {
                damped[(k, k)] *= 1.0 + damping;
            }
            let Some(step) = damped.lu().solve(&gradient) else {
                damping *= 10.0;
                continue;
            };
            let p = e.parameters();
            let q: [f64; 4] = std::array::from_fn(|k| p[k] + step[k] * scale[k]);
            // Both forms are not defined at B0' = 1, and Murnaghan's not at 0.
            let sound = q[1] > 0.0
                && q[2] > 0.0
                && (q[3] - 1.0).abs() > 1e-6
                && (form != Form::Murnaghan || q[3].abs() > 1e-6);
            let next = of(&q);
            let left = residuals(&next);
            if sound && left.norm_squared() < r.norm_squared() {
                let small = step.amax() < 1e-13;
                (e, r) = (next, left);
                damping = (damping * 0.1).max(1e-15);
                improved = !small;
                break;
            }
            damping *= 10.0;
        }
        if !improved {
            break;
        }
    }
    let finite = e.parameters().iter().all(|x| x.is_finite());
    (finite && e.volume > 0.0 && e.bulk_modulus > 0.0).then_some(e)
}
