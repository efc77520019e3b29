//! The quasi-harmonic approximation: harmonic phonons at several volumes give free energies F(V, T), and so thermal expansion.

use super::phonons::Thermal;
use crate::analysis::equation_of_state::{EquationOfState, Form, fit};
use nalgebra::{DMatrix, DVector};

/// A crystal at one volume, for one primitive cell.
#[derive(Clone, Debug)]
pub struct VolumePoint {
    /// Volume (Å^3).
    pub volume: f64,
    /// Static energy (eV) of the relaxed crystal.
    pub energy: f64,
    /// Thermal properties at each temperature.
    pub thermal: Vec<Thermal>,
}

/// A crystal in equilibrium at a temperature and the pressure, for one primitive cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expanded {
    /// Temperature (K).
    pub temperature: f64,
    /// Volume (Å^3).
    pub volume: f64,
    /// Gibbs energy F + P V (eV).
    pub gibbs: f64,
    /// Coefficient of thermal expansion of the volume (1/K).
    pub expansion: f64,
    /// Isothermal bulk modulus (eV/Å^3).
    pub bulk_modulus: f64,
    /// Heat capacity at constant volume (eV/K), at this volume.
    pub heat_capacity_v: f64,
    /// Heat capacity at constant pressure (eV/K).
    pub heat_capacity_p: f64,
    /// Entropy (eV/K).
    pub entropy: f64,
    /// Thermodynamic Grüneisen parameter α B V / C_V; not a number where C_V vanishes.
    pub grueneisen: f64,
    /// Root of the mean square (eV) of what the curve through the free energies leaves.
    pub residual: f64,
}

/// Why there is no equilibrium at a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The free energies have no minimum, or too few volumes are stable.
    NoMinimum,
    /// The minimum lies outside of the volumes that were computed.
    Outside,
}

/// The crystal at the temperatures of the points and a pressure (eV/Å^3). The expansion coefficient follows from the entropy: α = (dS/dV)_T / B,
/// so that it needs no differences between temperatures.
pub fn expand(
    points: &[VolumePoint],
    pressure: f64,
    form: Form,
) -> Vec<(f64, Result<Expanded, Lost>)> {
    let temperatures = points.first().map_or(0, |p| p.thermal.len());
    (0..temperatures)
        .map(|t| {
            let temperature = points[0].thermal[t].temperature;
            (temperature, at(points, t, pressure, form))
        })
        .collect()
}

/// The free energy against the volume at the temperature number `t` of the points.
pub fn free_energy(points: &[VolumePoint], t: usize, form: Form) -> Option<FreeEnergy> {
    let free = |p: &VolumePoint| Some((p.volume, p.energy + p.thermal.get(t)?.free_energy));
    let energies: Vec<(f64, f64)> = points.iter().filter_map(free).collect();
    FreeEnergy::through(form, &energies)
}

fn at(points: &[VolumePoint], t: usize, pressure: f64, form: Form) -> Result<Expanded, Lost> {
    let curve = free_energy(points, t, form).ok_or(Lost::NoMinimum)?;
    let volume = curve.volume_at(pressure).ok_or(Lost::Outside)?;
    let temperature = points[0].thermal[t].temperature;
    let bulk_modulus = curve.bulk_modulus(volume);
    let of = |f: &dyn Fn(&Thermal) -> f64| {
        let values: Vec<(f64, f64)> = points
            .iter()
            .map(|p| (p.volume, f(&p.thermal[t])))
            .collect();
        polynomial(&values, volume)
    };
    let (entropy, slope) = of(&|x| x.entropy);
    let (heat_capacity_v, _) = of(&|x| x.heat_capacity);
    let expansion = slope / bulk_modulus;
    let stretching = expansion * expansion * bulk_modulus * volume * temperature;
    Ok(Expanded {
        temperature,
        volume,
        gibbs: curve.energy(volume) + pressure * volume,
        expansion,
        bulk_modulus,
        heat_capacity_v,
        heat_capacity_p: heat_capacity_v + stretching,
        entropy,
        grueneisen: expansion * bulk_modulus * volume / heat_capacity_v,
        residual: curve.residual,
    })
}

/// Free energy against volume: an equation of state and a polynomial for what it leaves. Free energies are smooth and without noise, and an
/// equation with four parameters alone would miss the minimum of a wide range of volumes by more than zero-point motion shifts it.
#[derive(Clone, Debug)]
pub struct FreeEnergy {
    equation: EquationOfState,
    /// Coefficients of powers of (V - centre) / spread.
    rest: Vec<f64>,
    centre: f64,
    spread: f64,
    range: (f64, f64),
    residual: f64,
}

/// Highest power of the polynomial.
const DEGREE: usize = 6;

impl FreeEnergy {
    /// Through volumes (Å^3) and free energies (eV); none when there is no minimum among them, see [`fit`].
    pub fn through(form: Form, points: &[(f64, f64)]) -> Option<FreeEnergy> {
        let equation = fit(form, points)?.equation;
        let range = points
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
                (a.min(p.0), b.max(p.0))
            });
        let (centre, spread) = (0.5 * (range.0 + range.1), 0.5 * (range.1 - range.0));
        let terms = (points.len() - 1).min(DEGREE + 1);
        let matrix = DMatrix::from_fn(points.len(), terms, |i, k| {
            ((points[i].0 - centre) / spread).powi(k as i32)
        });
        let left = points.iter().map(|p| p.1 - equation.energy_at(p.0));
        let right = DVector::from_iterator(points.len(), left);
        let rest = matrix.svd(true, true).solve(&right, 1e-12).ok()?;
        let mut curve = FreeEnergy {
            equation,
            rest: rest.iter().copied().collect(),
            centre,
            spread,
            range,
            residual: 0.0,
        };
        let square = |p: &(f64, f64)| (p.1 - curve.energy(p.0)).powi(2);
        let mean = points.iter().map(square).sum::<f64>() / points.len() as f64;
        curve.residual = mean.sqrt();
        Some(curve)
    }

    /// The polynomial, or a derivative of it by the volume.
    fn polynomial(&self, volume: f64, order: usize) -> f64 {
        let x = (volume - self.centre) / self.spread;
        let terms = self.rest.iter().enumerate().skip(order).map(|(k, c)| {
            let factor: f64 = (0..order).map(|i| (k - i) as f64).product();
            c * factor * x.powi((k - order) as i32)
        });
        terms.sum::<f64>() / self.spread.powi(order as i32)
    }

    fn energy(&self, volume: f64) -> f64 {
        self.equation.energy_at(volume) + self.polynomial(volume, 0)
    }

    fn pressure(&self, volume: f64) -> f64 {
        self.equation.pressure_at(volume) - self.polynomial(volume, 1)
    }

    fn bulk_modulus(&self, volume: f64) -> f64 {
        self.equation.bulk_modulus_at(volume) + volume * self.polynomial(volume, 2)
    }

    /// Gibbs energy F + P V (eV) at a pressure (eV/Å^3), when its volume is among those of the points.
    pub fn gibbs_at(&self, pressure: f64) -> Option<f64> {
        let volume = self.volume_at(pressure)?;
        Some(self.energy(volume) + pressure * volume)
    }

    /// The volume (Å^3) at a pressure (eV/Å^3), when it is among those of the points.
    pub fn volume_at(&self, pressure: f64) -> Option<f64> {
        let (mut low, mut high) = self.range;
        if self.pressure(low) < pressure || self.pressure(high) > pressure {
            return None;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if self.pressure(middle) > pressure {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(0.5 * (low + high))
    }
}

/// Value and slope at `x` of a polynomial of third degree (or less, where there are few points) fitted to points.
fn polynomial(points: &[(f64, f64)], x: f64) -> (f64, f64) {
    let spread = points.iter().map(|p| (p.0 - x).abs()).fold(0.0, f64::max);
    if spread == 0.0 {
        return (points.first().map_or(0.0, |p| p.1), 0.0);
    }
    let terms = points.len().min(4);
    let matrix = DMatrix::from_fn(points.len(), terms, |i, k| {
        ((points[i].0 - x) / spread).powi(k as i32)
    });
    let right = DVector::from_iterator(points.len(), points.iter().map(|p| p.1));
    match matrix.svd(true, true).solve(&right, 1e-12) {
        Ok(c) => (c[0], if terms > 1 { c[1] / spread } else { 0.0 }),
        Err(_) => (f64::NAN, f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crystal whose energy is no equation of state in use, with one oscillator: everything is known in closed form.
    #[test]
    fn an_anharmonic_crystal() {
        let (v0, depth, width) = (20.0, 3.0, 0.25);
        let energy = |v: f64| depth * (1.0 - (-width * (v - v0)).exp()).powi(2);
        let volumes: Vec<f64> = (0..9).map(|k| 19.4 + 0.2 * f64::from(k)).collect();
        // Classical: F = kT ln(ω), ω falls as V^-g.
        let (g, kt) = (1.7, 0.02);
        let k = 1e-4;
        let thermal = |v: f64| Thermal {
            temperature: kt / k,
            free_energy: -kt * g * v.ln(),
            energy: kt,
            entropy: k * g * v.ln(),
            heat_capacity: k,
        };
        let points: Vec<VolumePoint> = volumes
            .iter()
            .map(|&volume| VolumePoint {
                volume,
                energy: energy(volume),
                thermal: vec![thermal(volume)],
            })
            .collect();
        for form in [Form::Vinet, Form::BirchMurnaghan] {
            let found = expand(&points, 0.0, form)[0].1.unwrap();
            // dE/dV = kT g / V, by Newton's method.
            let slope = |v: f64| {
                let e = (-width * (v - v0)).exp();
                2.0 * depth * width * e * (1.0 - e) - kt * g / v
            };
            let mut v = v0;
            for _ in 0..50 {
                v -= slope(v) / ((slope(v + 1e-6) - slope(v - 1e-6)) / 2e-6);
            }
            assert!(
                (found.volume - v).abs() < 1e-5,
                "{form:?} {} {v}",
                found.volume
            );
            let curvature = (slope(v + 1e-5) - slope(v - 1e-5)) / 2e-5;
            assert!((found.bulk_modulus / (v * curvature) - 1.0).abs() < 1e-3);
            assert!((found.grueneisen - g).abs() < 1e-3);
            assert!((found.expansion - g * k / (v * v * curvature)).abs() < 1e-3 * found.expansion);
        }
        assert_eq!(expand(&points, 5.0, Form::Vinet)[0].1, Err(Lost::Outside));
    }
}
