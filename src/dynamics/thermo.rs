//! The numbers of the log: what they are called, their units, and how they are computed.

use super::rings::RingEstimates;
use super::{Integrator, State};
use crate::elements::Element;
use crate::potential::Reliability;
use crate::system::kinetic_energy;
use crate::units::{AMU_PER_A3_IN_G_PER_CM3, BOLTZMANN, EV_PER_A3_IN_GPA};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The columns of a run's thermodynamic table. Energies are totals (eV), temperatures in K, pressures in GPa.
#[derive(Clone, Debug)]
pub struct ThermoColumns {
    /// Degrees of freedom of the kinetic temperature.
    pub degrees_of_freedom: usize,
    /// Whether there is a pressure: three periodic directions and a model with a virial.
    pub pressure: bool,
    /// Whether a thermostat gives the kinetic energy in the middle of the step.
    pub thermostat: bool,
    /// Whether the cell changes, so that it has columns.
    pub cell: bool,
    /// The reliability number of the model, when it is watched.
    pub reliability: Option<Reliability>,
    /// Whether there are restraints, walls or forces, so that their energy has a column.
    pub external: bool,
    /// What is estimated of quantum nuclei; none for classical ones.
    pub rings: Option<RingColumns>,
}

/// The columns of quantum nuclei.
#[derive(Clone, Debug, Default)]
pub struct RingColumns {
    /// The elements with their atoms.
    pub elements: Vec<(Element, Vec<usize>)>,
    /// Names and units of estimates that need evaluations of their own, and are given to [`ThermoColumns::fill`].
    pub further: Vec<(&'static str, &'static str)>,
}

/// The text of a name that lives as long as the program; names are few.
pub fn name(text: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    let new: &'static str = Box::leak(text.into());
    names.insert(new);
    new
}

/// One row, in the order of [`ThermoColumns::names`].
pub type ThermoRow = Vec<f64>;

impl ThermoColumns {
    /// Names and units, in order.
    pub fn names(&self) -> Vec<(&'static str, &'static str)> {
        let mut names = vec![
            ("potential_energy", "eV"),
            ("kinetic_energy", "eV"),
            ("temperature", "K"),
            ("conserved_energy", "eV"),
        ];
        if self.thermostat {
            // BAOAB's momenta at the end of a step are slightly cold; those after the O operation are not.
            names.push(("temperature_mid_step", "K"));
        }
        if self.pressure {
            names.extend([
                ("pressure", "GPa"),
                ("pressure_xx", "GPa"),
                ("pressure_yy", "GPa"),
                ("pressure_zz", "GPa"),
                ("pressure_yz", "GPa"),
                ("pressure_xz", "GPa"),
                ("pressure_xy", "GPa"),
            ]);
        }
        if self.cell {
            names.extend([
                ("volume", "Angstrom3"),
                ("density", "g cm-3"),
                ("enthalpy", "eV"),
                ("cell_a", "Angstrom"),
                ("cell_b", "Angstrom"),
                ("cell_c", "Angstrom"),
                ("cell_alpha", "degree"),
                ("cell_beta", "degree"),
                ("cell_gamma", "degree"),
            ]);
        }
        if let Some(r) = self.reliability {
            names.push((r.measure.name(), r.measure.unit()));
        }
        if self.external {
            names.push(("external_energy", "eV"));
        }
        if let Some(r) = &self.rings {
            names.extend([
                ("total_energy", "eV"),
                ("kinetic_energy_primitive", "eV"),
                ("kinetic_energy_xx", "eV"),
                ("kinetic_energy_yy", "eV"),
                ("kinetic_energy_zz", "eV"),
                ("kinetic_energy_yz", "eV"),
                ("kinetic_energy_xz", "eV"),
                ("kinetic_energy_xy", "eV"),
            ]);
            for (e, _) in &r.elements {
                names.push((name(&format!("kinetic_energy_{e}")), "eV"));
            }
            for (e, _) in &r.elements {
                names.push((name(&format!("radius_squared_{e}")), "Angstrom2"));
            }
            names.extend(&r.further);
        }
        names
    }

    /// Kinetic temperature (K) of a kinetic energy (eV).
    pub fn temperature(&self, kinetic: f64) -> f64 {
        2.0 * kinetic / (BOLTZMANN * self.degrees_of_freedom.max(1) as f64)
    }

    /// Fills `row` from the state. The state's evaluation must have a virial when there is a pressure. `further` are the
    /// numbers of [`RingColumns::further`].
    pub fn fill(
        &self,
        state: &State,
        integrator: &Integrator,
        further: &[f64],
        row: &mut ThermoRow,
    ) {
        let moving = kinetic_energy(&state.system.atoms);
        let mut estimates = RingEstimates::default();
        let (potential, kinetic) = match (&state.rings, integrator.rings()) {
            (Some(rings), Some(dynamics)) => {
                rings.estimate(dynamics, state.evaluation.energy, &mut estimates);
                (estimates.potential, estimates.kinetic)
            }
            _ => (state.evaluation.energy, moving),
        };
        row.clear();
        row.extend([
            potential,
            kinetic,
            self.temperature(moving),
            integrator.conserved(state),
        ]);
        if self.thermostat {
            row.push(self.temperature(integrator.kinetic_mid()));
        }
        if let (true, Some(volume)) = (self.pressure, state.system.cell.volume()) {
            let stress = integrator.stress(state);
            let p = |a: usize, b: usize| stress[(a, b)] / volume * EV_PER_A3_IN_GPA;
            row.push((p(0, 0) + p(1, 1) + p(2, 2)) / 3.0);
            row.extend([p(0, 0), p(1, 1), p(2, 2), p(1, 2), p(0, 2), p(0, 1)]);
        }
        if let (true, Some(volume)) = (self.cell, state.system.cell.volume()) {
            let mass: f64 = state.system.atoms.masses.iter().sum();
            let outer = integrator
                .barostat()
                .map_or(0.0, |b| b.pressure_at(state.step));
            row.extend([
                volume,
                mass / volume * AMU_PER_A3_IN_G_PER_CM3,
                potential + kinetic + outer * volume,
            ]);
            let (lengths, angles) = state.system.cell.lengths_and_angles();
            row.extend(lengths);
            row.extend(angles);
        }
        if let Some(r) = self.reliability {
            row.push(r.largest(&state.evaluation));
        }
        if self.external {
            row.push(state.evaluation.external);
        }
        if let Some(r) = &self.rings {
            row.extend([potential + kinetic, estimates.primitive]);
            row.extend(estimates.tensor);
            let sum = |of: &[f64], list: &[usize]| list.iter().map(|&i| of[i]).sum::<f64>();
            let kinetic = |list: &Vec<usize>| sum(&estimates.kinetic_of, list);
            row.extend(r.elements.iter().map(|e| kinetic(&e.1)));
            let radius = |list: &Vec<usize>| sum(&estimates.gyration2_of, list) / list.len() as f64;
            row.extend(r.elements.iter().map(|e| radius(&e.1)));
            row.extend((0..r.further.len()).map(|k| further.get(k).copied().unwrap_or(f64::NAN)));
        }
    }
}
