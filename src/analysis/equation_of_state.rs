//! Equations of state of solids: energy against volume.
//!
//! Birch-Murnaghan of third order (Birch, Phys. Rev. 71, 809 (1947)) and Vinet (Vinet, Rose, Ferrante, Smith, J. Phys.: Condens.
//! Matter 1, 1941 (1989)).

use nalgebra::{DMatrix, DVector};

/// The form of an equation of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Birch-Murnaghan, third order.
    BirchMurnaghan,
    /// Vinet.
    Vinet,
}

/// An equation of state: energy (eV), volume (Å^3) and bulk modulus (eV/Å^3) at zero pressure, and its derivative by pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EquationOfState {
    /// The form.
    pub form: Form,
    /// Lowest energy (eV).
    pub energy: f64,
    /// Its volume (Å^3).
    pub volume: f64,
    /// Bulk modulus there (eV/Å^3).
    pub bulk_modulus: f64,
    /// Derivative of the bulk modulus by pressure.
    pub derivative: f64,
}

impl EquationOfState {
    /// Energy (eV) at a volume (Å^3).
    pub fn energy_at(&self, volume: f64) -> f64 {
        let (v0, b0, b1) = (self.volume, self.bulk_modulus, self.derivative);
        match self.form {
            Form::BirchMurnaghan => {
                let u = (v0 / volume).powf(2.0 / 3.0) - 1.0;
                self.energy + 9.0 * v0 * b0 / 16.0 * u * u * (2.0 + (b1 - 4.0) * u)
            }
            Form::Vinet => {
                let y = (volume / v0).cbrt();
                let c = 1.5 * (b1 - 1.0);
                // 2 B0 V0 / (B0' - 1)^2 times {2 - [5 + 3 B0' (y - 1) - 3 y] exp[-c (y - 1)]}
                let bracket = 5.0 + 3.0 * b1 * (y - 1.0) - 3.0 * y;
                let factor = 2.0 * b0 * v0 / (b1 - 1.0).powi(2);
                self.energy + factor * (2.0 - bracket * (-c * (y - 1.0)).exp())
            }
        }
    }

    /// Pressure (eV/Å^3) at a volume (Å^3).
    pub fn pressure_at(&self, volume: f64) -> f64 {
        let (v0, b0, b1) = (self.volume, self.bulk_modulus, self.derivative);
        match self.form {
            Form::BirchMurnaghan => {
                let z = (v0 / volume).cbrt();
                let u = z * z - 1.0;
                1.5 * b0 * (z.powi(7) - z.powi(5)) * (1.0 + 0.75 * (b1 - 4.0) * u)
            }
            Form::Vinet => {
                let y = (volume / v0).cbrt();
                3.0 * b0 * (1.0 - y) / (y * y) * (1.5 * (b1 - 1.0) * (1.0 - y)).exp()
            }
        }
    }

    /// Isothermal bulk modulus (eV/Å^3) at a volume (Å^3): -V dP/dV, by a central difference that is exact to 1e-8.
    pub fn bulk_modulus_at(&self, volume: f64) -> f64 {
        let step = 1e-4;
        let p = |factor: f64| self.pressure_at(volume * factor);
        // Fourth order.
        let slope = (8.0 * (p(1.0 + step) - p(1.0 - step))
            - (p(1.0 + 2.0 * step) - p(1.0 - 2.0 * step)))
            / (12.0 * step);
        -slope
    }

    /// The volume (Å^3) at a pressure (eV/Å^3), by bisection between a third and three times the volume at zero pressure; none when it
    /// is not there.
    pub fn volume_at(&self, pressure: f64) -> Option<f64> {
        if pressure == 0.0 {
            return Some(self.volume);
        }
        // The branch that is stable ends where the pressure is lowest.
        let mut high = self.volume;
        if pressure < 0.0 {
            let mut next = high * 1.002;
            while next < 3.0 * self.volume && self.pressure_at(next) < self.pressure_at(high) {
                (high, next) = (next, next * 1.002);
            }
        }
        let mut low = match pressure < 0.0 {
            true => self.volume,
            false => self.volume / 3.0,
        };
        let at = |v: f64| self.pressure_at(v) - pressure;
        if at(low) < 0.0 || at(high) > 0.0 {
            return None;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if at(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(0.5 * (low + high))
    }
}

/// An equation of state with how well it describes the points it was fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The equation.
    pub equation: EquationOfState,
    /// Root of the mean square of what is left (eV).
    pub residual: f64,
}

/// Fits an equation of state to volumes (Å^3) and energies (eV) by least squares. None when there are fewer than four
/// different volumes, or no minimum among them or near by (half as far again).
pub fn fit(form: Form, points: &[(f64, f64)]) -> Option<Fit> {
    let start = birch_murnaghan(points)?;
    let equation = match form {
        Form::BirchMurnaghan => start,
        Form::Vinet => vinet(points, start)?,
    };
    let volumes = points.iter().map(|p| p.0);
    let (least, most) = volumes.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| {
        (a.min(v), b.max(v))
    });
    if !(least / 1.5..=most * 1.5).contains(&equation.volume) {
        return None;
    }
    let square = |p: &(f64, f64)| (p.1 - equation.energy_at(p.0)).powi(2);
    let mean = points.iter().map(square).sum::<f64>() / points.len() as f64;
    Some(Fit {
        equation,
        residual: mean.sqrt(),
    })
}

/// Birch-Murnaghan is a cubic in V^(-2/3), which makes the fit linear.
fn birch_murnaghan(points: &[(f64, f64)]) -> Option<EquationOfState> {
    if points.len() < 4 || points.iter().any(|p| !(p.0 > 0.0 && p.1.is_finite())) {
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
    let matrix = DMatrix::from_fn(points.len(), 4, |i, k| {
        ((y(points[i].0) - middle) / spread).powi(k as i32)
    });
    let right = DVector::from_iterator(points.len(), points.iter().map(|p| p.1 - level));
    let c = matrix.svd(true, true).solve(&right, 1e-12).ok()?;
    // E = c0 + c1 t + c2 t^2 + c3 t^3 is lowest where its derivative changes from below zero to above.
    let root = c[2] * c[2] - 3.0 * c[1] * c[3];
    if root <= 0.0 {
        return None;
    }
    // The form without cancellation for c3 near zero.
    let t0 = -c[1] / (c[2] + root.sqrt());
    let second = 2.0 * c[2] + 6.0 * c[3] * t0;
    let y0 = middle + spread * t0;
    if !(second > 0.0 && y0 > 0.0) {
        return None;
    }
    let energy = level + c[0] + t0 * (c[1] + t0 * (c[2] + t0 * c[3]));
    let volume = y0.powf(-1.5);
    let second = second / (spread * spread);
    let bulk_modulus = 4.0 / 9.0 * second * volume.powf(-7.0 / 3.0);
    let k = 9.0 * volume * bulk_modulus / 16.0;
    let derivative = 4.0 + c[3] * (y0 / spread).powi(3) / k;
    Some(EquationOfState {
        form: Form::BirchMurnaghan,
        energy,
        volume,
        bulk_modulus,
        derivative,
    })
}

/// Levenberg's and Marquardt's method from the parameters of Birch and Murnaghan.
fn vinet(points: &[(f64, f64)], start: EquationOfState) -> Option<EquationOfState> {
    let of = |p: &[f64; 4]| EquationOfState {
        form: Form::Vinet,
        energy: p[0],
        volume: p[1],
        bulk_modulus: p[2],
        derivative: p[3],
    };
    let residuals = |p: &[f64; 4]| {
        let e = of(p);
        DVector::from_iterator(points.len(), points.iter().map(|x| x.1 - e.energy_at(x.0)))
    };
    let mut p = [
        start.energy,
        start.volume,
        start.bulk_modulus,
        start.derivative.clamp(1.5, 12.0),
    ];
    let scale = [
        start.bulk_modulus * start.volume,
        start.volume,
        start.bulk_modulus,
        1.0,
    ];
    let mut r = residuals(&p);
    let mut damping = 1e-3;
    for _ in 0..200 {
        let jacobian = DMatrix::from_fn(points.len(), 4, |i, k| {
            let step = 1e-6 * scale[k];
            let with = |sign: f64| {
                let mut q = p;
                q[k] += sign * step;
                of(&q).energy_at(points[i].0)
            };
            (with(1.0) - with(-1.0)) / (2.0 * step) * scale[k]
        });
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
            let q: [f64; 4] = std::array::from_fn(|k| p[k] + step[k] * scale[k]);
            let sound = q[1] > 0.0 && q[2] > 0.0 && (q[3] - 1.0).abs() > 1e-6;
            let next = residuals(&q);
            if sound && next.norm_squared() < r.norm_squared() {
                let small = step.amax() < 1e-13;
                (p, r) = (q, next);
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
    let e = of(&p);
    let finite = p.iter().all(|x| x.is_finite());
    (finite && e.volume > 0.0 && e.bulk_modulus > 0.0).then_some(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(form: Form) -> (EquationOfState, Vec<(f64, f64)>) {
        let e = EquationOfState {
            form,
            energy: -10.0,
            volume: 40.0,
            bulk_modulus: 0.5,
            derivative: 4.3,
        };
        let volumes = (0..7).map(|k| 40.0 * (0.9 + f64::from(k) / 30.0));
        (e, volumes.map(|v| (v, e.energy_at(v))).collect())
    }

    #[test]
    fn parameters_are_recovered() {
        for form in [Form::BirchMurnaghan, Form::Vinet] {
            let (e, points) = made(form);
            let found = fit(form, &points).unwrap();
            let f = found.equation;
            assert!((f.energy / e.energy - 1.0).abs() < 1e-10, "{f:?}");
            assert!((f.volume / e.volume - 1.0).abs() < 1e-10, "{f:?}");
            assert!(
                (f.bulk_modulus / e.bulk_modulus - 1.0).abs() < 1e-9,
                "{f:?}"
            );
            assert!((f.derivative / e.derivative - 1.0).abs() < 1e-9, "{f:?}");
            assert!(found.residual < 1e-12);
            let other = match form {
                Form::Vinet => Form::BirchMurnaghan,
                Form::BirchMurnaghan => Form::Vinet,
            };
            assert!(fit(other, &points).unwrap().residual > 1e-6);
        }
    }

    #[test]
    fn pressure_is_minus_the_slope() {
        for form in [Form::BirchMurnaghan, Form::Vinet] {
            let (e, _) = made(form);
            for v in [30.0, 38.0, 40.0, 44.0] {
                let h = 1e-4;
                let slope = (e.energy_at(v + h) - e.energy_at(v - h)) / (2.0 * h);
                assert!((e.pressure_at(v) + slope).abs() < 1e-8, "{form:?} {v}");
                let p = e.pressure_at(v);
                assert!((e.volume_at(p).unwrap() - v).abs() < 1e-9, "{form:?} {v}");
            }
            assert!((e.bulk_modulus_at(40.0) - 0.5).abs() < 1e-8);
        }
    }

    #[test]
    fn what_cannot_be_fitted() {
        assert!(fit(Form::Vinet, &[(1.0, 2.0); 3]).is_none());
        assert!(fit(Form::Vinet, &[(1.0, 2.0); 9]).is_none());
        let falling: Vec<(f64, f64)> = (40..49).map(|k| (f64::from(k), -f64::from(k))).collect();
        assert!(fit(Form::BirchMurnaghan, &falling).is_none());
        assert!(
            fit(
                Form::Vinet,
                &[(-1.0, 0.0), (1.0, f64::NAN), (2.0, 1.0), (3.0, 2.0)]
            )
            .is_none()
        );
    }
}
