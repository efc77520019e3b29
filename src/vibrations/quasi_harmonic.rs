//! The quasi-harmonic approximation: harmonic phonons at several volumes give free energies F(V, T), and so thermal expansion.

use super::phonons::Thermal;
use crate::analysis::equation_of_state::{Fit, Form, fit};
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
    /// Root of the mean square (eV) of what the equation of state leaves.
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

fn at(points: &[VolumePoint], t: usize, pressure: f64, form: Form) -> Result<Expanded, Lost> {
    let free = |p: &VolumePoint| (p.volume, p.energy + p.thermal[t].free_energy);
    let energies: Vec<(f64, f64)> = points.iter().map(free).collect();
    let Fit { equation, residual } = fit(form, &energies).ok_or(Lost::NoMinimum)?;
    let volume = equation.volume_at(pressure).ok_or(Lost::NoMinimum)?;
    let (least, most) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| {
            (a.min(p.volume), b.max(p.volume))
        });
    if volume < least || volume > most {
        return Err(Lost::Outside);
    }
    let temperature = points[0].thermal[t].temperature;
    let bulk_modulus = equation.bulk_modulus_at(volume);
    let curve = |of: &dyn Fn(&Thermal) -> f64| {
        let values: Vec<(f64, f64)> = points
            .iter()
            .map(|p| (p.volume, of(&p.thermal[t])))
            .collect();
        polynomial(&values, volume)
    };
    let (entropy, slope) = curve(&|x| x.entropy);
    let (heat_capacity_v, _) = curve(&|x| x.heat_capacity);
    let expansion = slope / bulk_modulus;
    let stretching = expansion * expansion * bulk_modulus * volume * temperature;
    Ok(Expanded {
        temperature,
        volume,
        gibbs: equation.energy_at(volume) + pressure * volume,
        expansion,
        bulk_modulus,
        heat_capacity_v,
        heat_capacity_p: heat_capacity_v + stretching,
        entropy,
        grueneisen: expansion * bulk_modulus * volume / heat_capacity_v,
        residual,
    })
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
