//! The operations on positions and velocities.

use super::{Integrator, StepError};
use crate::dynamics::State;
use crate::dynamics::barostat::{Method, exponential};
use crate::dynamics::kernels::{drift, drift_strained, kick, kick_damped, transform};
use crate::dynamics::thermostat::Moment;
use crate::system::{kinetic_energy, remove_drift, remove_rotation};
use crate::units::BOLTZMANN;
use nalgebra::Matrix3;

impl Integrator {
    pub(super) fn kick(
        &mut self,
        state: &mut State,
        h: f64,
        level: usize,
    ) -> Result<(), StepError> {
        if let Some(rings) = &mut state.rings {
            rings.kick(h, level);
        }
        let atoms = &mut state.system.atoms;
        let forces = match self.levels.len() {
            1 => &state.evaluation.forces,
            _ => &self.levels[level].evaluation.forces,
        };
        // The cell's motion damps the velocities with the fastest of the forces.
        let piston = match self.barostat.as_ref().map(|b| (&b.space, &b.method)) {
            Some((space, Method::Piston(p))) if level + 1 == self.levels.len() => Some((space, p)),
            _ => None,
        };
        let w = &self.inverse_masses;
        match piston {
            Some((space, p)) => {
                let half = exponential(&(p.rates(space).1 * (-0.5 * h)));
                match &mut self.sites {
                    None => kick_damped(&mut atoms.velocities, forces, w, &half, h),
                    Some(sites) => {
                        sites.remember(&atoms.velocities);
                        kick_damped(&mut atoms.velocities, forces, w, &half, h);
                        sites.correct(&mut atoms.velocities, &atoms.masses, |i, v| {
                            std::array::from_fn(|k| v[k] + h * w[3 * i + k] * forces[i][k])
                        });
                    }
                }
            }
            None => kick(
                atoms.velocities.as_flattened_mut(),
                forces.as_flattened(),
                w,
                h,
            ),
        }
        if let Some(c) = &self.constraints {
            c.velocities(atoms, self.timestep)?;
        }
        Ok(())
    }

    pub(super) fn drift(&mut self, state: &mut State, h: f64) -> Result<(), StepError> {
        if let Some(rings) = &mut state.rings {
            let fastest = self.levels.last().map_or(1, |l| l.substeps);
            rings.drift(h, self.timestep / f64::from(fastest));
        }
        if let Some(c) = &mut self.constraints {
            c.remember(&state.system.atoms);
        }
        let strain = match self.barostat.as_mut().map(|b| &mut b.method) {
            Some(Method::Piston(_)) => self.piston_drift(state, h),
            Some(Method::Rescaling(r)) => {
                let strain = r.take();
                self.rescaled_drift(state, h, strain)
            }
            None => self.rescaled_drift(state, h, None),
        };
        if let Some(c) = &self.constraints {
            c.positions(&mut state.system.atoms, h)?;
        }
        let (Some(strain), Some(b)) = (strain, &mut self.barostat) else {
            return Ok(());
        };
        let cell = &state.system.cell;
        let deformed = cell
            .deformed(&exponential(&strain))
            .map_err(|_| StepError::Cell)?;
        let volumes = [
            cell.volume().unwrap_or(0.0),
            deformed.volume().unwrap_or(0.0),
        ];
        let outer = b.target_at(state.step);
        if let Method::Piston(p) = &mut b.method {
            let kt = BOLTZMANN * b.temperature.at(state.step);
            p.book(&outer, &strain, volumes, kt);
        }
        state.system.cell = deformed;
        Ok(())
    }

    /// A drift in a cell that moves with its own strain rate; the strain of the cell, which follows.
    fn piston_drift(&mut self, state: &mut State, h: f64) -> Option<Matrix3<f64>> {
        let b = self.barostat.as_ref()?;
        let Method::Piston(p) = &b.method else {
            return None;
        };
        let strain = p.rates(&b.space).0 * h;
        let half = exponential(&(0.5 * strain));
        let atoms = &mut state.system.atoms;
        match &mut self.sites {
            None => drift_strained(&mut atoms.positions, &atoms.velocities, &half, h),
            Some(sites) => {
                sites.remember(&atoms.positions);
                drift_strained(&mut atoms.positions, &atoms.velocities, &half, h);
                let v = &atoms.velocities;
                sites.correct(&mut atoms.positions, &atoms.masses, |i, x| {
                    std::array::from_fn(|k| x[k] + h * v[i][k])
                });
            }
        }
        Some(strain)
    }

    /// A drift after a strain that the pressure has decided; the strain of the cell, which follows.
    fn rescaled_drift(
        &mut self,
        state: &mut State,
        h: f64,
        strain: Option<Matrix3<f64>>,
    ) -> Option<Matrix3<f64>> {
        let atoms = &mut state.system.atoms;
        let rigid = |_: usize, x: [f64; 3]| x;
        if let Some(strain) = strain {
            let stretch = exponential(&strain);
            match &mut self.sites {
                None => transform(&mut atoms.positions, &stretch),
                Some(sites) => {
                    sites.remember(&atoms.positions);
                    transform(&mut atoms.positions, &stretch);
                    sites.correct(&mut atoms.positions, &atoms.masses, rigid);
                }
            }
        }
        drift(
            atoms.positions.as_flattened_mut(),
            atoms.velocities.as_flattened(),
            h,
        );
        let strain = strain?;
        // After the drift: then each kick meets the velocity whose work it does, and what is booked for the strain lacks no
        // term that is linear in it.
        let before = kinetic_energy(atoms);
        let shrink = exponential(&(-strain));
        match &mut self.sites {
            None => transform(&mut atoms.velocities, &shrink),
            Some(sites) => {
                sites.remember(&atoms.velocities);
                transform(&mut atoms.velocities, &shrink);
                sites.correct(&mut atoms.velocities, &atoms.masses, rigid);
            }
        }
        self.taken.add(before - kinetic_energy(atoms));
        if let Some(b) = &mut self.barostat
            && let Method::Rescaling(r) = &mut b.method
        {
            r.note(strain, self.entered);
        }
        Some(strain)
    }

    /// Does what waits for the internal modes of rings.
    pub(super) fn settle_rings(&mut self, state: &mut State) {
        if let Some((rings, dynamics)) = state.rings.as_mut().zip(self.rings.as_mut()) {
            let taken = rings.settle(dynamics, &self.inverse_masses);
            self.taken.add(taken);
        }
    }

    pub(super) fn thermostats(
        &mut self,
        state: &mut State,
        h: f64,
        draw: u64,
    ) -> Result<(), StepError> {
        if let Some((rings, dynamics)) = state.rings.as_mut().zip(self.rings.as_ref()) {
            rings.stir(h, draw, dynamics);
        }
        if self.baths.is_empty() {
            return Ok(());
        }
        let atoms = &mut state.system.atoms;
        let mut after = 0.0;
        for bath in &mut self.baths {
            let moment = Moment {
                kt: BOLTZMANN * bath.temperature.at(state.step),
                h,
                draw,
            };
            let exchange = bath.thermostat.apply(atoms, moment);
            self.taken.add(exchange.taken);
            after += exchange.after;
        }
        // With one thermostat for all atoms its own sum is that of the system.
        if self.baths.len() > 1 {
            after = kinetic_energy(atoms);
        }
        if self.fix_centre_of_mass && atoms.len() > 1 {
            let removed = remove_drift(atoms);
            after -= removed;
            self.taken.add(removed);
        }
        if self.fix_rotation {
            let removed = remove_rotation(atoms);
            after -= removed;
            self.taken.add(removed);
        }
        if let Some(c) = &self.constraints {
            let before = kinetic_energy(atoms);
            c.velocities(atoms, self.timestep)?;
            after = kinetic_energy(atoms);
            self.taken.add(before - after);
        }
        self.kinetic_mid = after;
        Ok(())
    }
}
