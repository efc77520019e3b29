//! Forces and virial as derivatives of the energy, site energies as its parts.

use super::{Check, ROUNDING, Suite, evaluate, transform};
use crate::potential::EvaluationError;
use crate::random::{Purpose, Stream};
use nalgebra::Matrix3;

/// Tolerance of finite differences of energies, relative to the largest force (virial component).
const GRADIENT: f64 = 1e-6;
/// Most components that are differentiated numerically.
const MOST_COMPONENTS: u64 = 24;

impl Suite<'_> {
    /// The best agreement of a five-point derivative with `expected` over several step lengths.
    fn derivative(
        &self,
        expected: f64,
        energy: impl Fn(f64) -> Result<f64, EvaluationError>,
    ) -> Result<f64, EvaluationError> {
        let mut best = f64::INFINITY;
        for h in [4e-3, 1e-3, 2.5e-4] {
            let d = (8.0 * (energy(h)? - energy(-h)?) - (energy(2.0 * h)? - energy(-2.0 * h)?))
                / (12.0 * h);
            best = best.min((d - expected).abs());
            if best <= 0.01 * GRADIENT {
                break;
            }
        }
        Ok(best)
    }

    pub(super) fn forces(&self) -> Result<Check, EvaluationError> {
        let n = self.system.atoms.len() as u64;
        let scale = self.scales().1;
        let mut pick = Stream::new(2, Purpose::Displacement, 0, 0, 0);
        let (mut worst, mut note) = (0.0, String::new());
        for c in 0..MOST_COMPONENTS.min(3 * n) {
            let (i, k) = if 3 * n <= MOST_COMPONENTS {
                ((c / 3) as usize, (c % 3) as usize)
            } else {
                (
                    (pick.uniform() * n as f64) as usize,
                    (pick.uniform() * 3.0) as usize,
                )
            };
            let energy = |h: f64| {
                let mut moved = self.system.clone();
                moved.atoms.positions[i][k] += h;
                evaluate(self.terms, &moved, 0.5).map(|r| r.energy)
            };
            let d = self.derivative(-self.base.forces[i][k], energy)? / scale;
            if d >= worst {
                (worst, note) = (d, format!("atom {i}, {}", ["x", "y", "z"][k]));
            }
        }
        Ok(Check {
            name: "forces are minus the gradient of the energy",
            deviation: Some(worst),
            tolerance: GRADIENT,
            unit: "of the largest force",
            note,
        })
    }

    pub(super) fn strain(&self) -> Result<Check, EvaluationError> {
        let name = "the virial is minus the strain derivative of the energy";
        let scale = self.scales().2;
        if !self
            .terms
            .iter()
            .all(|t| t.potential.description().gives.virial)
        {
            let note = "the model gives no virial".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: GRADIENT,
                unit: "of the largest component",
                note,
            });
        }
        let (mut worst, mut note) = (0.0, String::new());
        for a in 0..3 {
            for b in 0..3 {
                let energy = |h: f64| {
                    let mut f = Matrix3::identity();
                    f[(a, b)] += h;
                    let strained = transform(self.system, &f);
                    evaluate(self.terms, &strained, 0.5).map(|r| r.energy)
                };
                let d = self.derivative(-self.base.virial[a][b], energy)? / scale;
                if d >= worst {
                    (worst, note) = (
                        d,
                        format!("component {}{}", ["x", "y", "z"][a], ["x", "y", "z"][b]),
                    );
                }
            }
        }
        Ok(Check {
            name,
            deviation: Some(worst),
            tolerance: GRADIENT,
            unit: "of the largest component",
            note,
        })
    }

    pub(super) fn sites(&self) -> Check {
        let name = "site energies add up to the energy";
        if !self
            .terms
            .iter()
            .all(|t| t.potential.description().gives.site_energies)
        {
            let note = "the model has no site energies".into();
            return Check {
                name,
                deviation: None,
                tolerance: ROUNDING,
                unit: "relative",
                note,
            };
        }
        let sum: f64 = self.base.site_energies.iter().sum();
        let terms: f64 = self.base.site_energies.iter().map(|e| e.abs()).sum();
        self.rounding(
            name,
            (sum - self.base.energy).abs() / terms.max(1.0),
            String::new(),
        )
    }
}
