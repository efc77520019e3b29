//! Integrators as sequences of elementary operations.

use super::{CompensatedSum, Langevin, State};
use crate::potential::{EvaluationError, Evaluator, Want};
use crate::simd::{fma, simd_dispatch};
use crate::system::{kinetic_energy, remove_drift};

/// An elementary operation; the number is the fraction of the time step it covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// B: v += h f/m.
    Kick(f64),
    /// A: x += h v.
    Drift(f64),
    /// O: the thermostat.
    Thermostat(f64),
    /// Energy and forces at the present positions.
    Forces,
}

/// A symmetric splitting of the equations of motion with a fixed time step.
pub struct Integrator {
    operations: Vec<Operation>,
    timestep: f64,
    /// The thermostat of the O operations.
    pub thermostat: Option<Langevin>,
    /// Whether the thermostat's push on the centre of mass is taken back after each O operation (and booked).
    pub fix_centre_of_mass: bool,
    /// Energy that thermostats have taken out of the system so far (eV).
    pub taken: CompensatedSum,
    /// 1/m of every component.
    inverse_masses: Vec<f64>,
}

impl Integrator {
    /// An integrator from its operations, applied left to right, with time step `timestep` (internal units).
    pub fn new(
        operations: Vec<Operation>,
        timestep: f64,
        thermostat: Option<Langevin>,
    ) -> Integrator {
        Integrator {
            operations,
            timestep,
            thermostat,
            fix_centre_of_mass: false,
            taken: CompensatedSum::default(),
            inverse_masses: Vec::new(),
        }
    }

    /// Velocity Verlet, "BAB" (Swope, Andersen, Berens, Wilson, J. Chem. Phys. 76, 637 (1982)).
    pub fn velocity_verlet(timestep: f64) -> Integrator {
        use Operation::{Drift, Forces, Kick};
        Integrator::new(
            vec![Kick(0.5), Drift(1.0), Forces, Kick(0.5)],
            timestep,
            None,
        )
    }

    /// Langevin dynamics, "BAOAB" (Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34).
    pub fn baoab(timestep: f64, thermostat: Langevin) -> Integrator {
        use Operation::{Drift, Forces, Kick, Thermostat};
        let operations = vec![
            Kick(0.5),
            Drift(0.5),
            Thermostat(1.0),
            Drift(0.5),
            Forces,
            Kick(0.5),
        ];
        Integrator::new(operations, timestep, Some(thermostat))
    }

    /// The time step (internal units).
    pub fn timestep(&self) -> f64 {
        self.timestep
    }

    /// Evaluates the state where it is; needed once before the first step.
    pub fn prepare(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), EvaluationError> {
        evaluate(state, evaluator, want)
    }

    /// One step. `want` says what the force call computes beside forces (a virial for pressure, say).
    pub fn step(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), EvaluationError> {
        if self.inverse_masses.len() != 3 * state.system.atoms.len() {
            self.inverse_masses = state
                .system
                .atoms
                .masses
                .iter()
                .flat_map(|m| [1.0 / m; 3])
                .collect();
        }
        for o in 0..self.operations.len() {
            let atoms = &mut state.system.atoms;
            match self.operations[o] {
                Operation::Kick(part) => kick(
                    atoms.velocities.as_flattened_mut(),
                    state.evaluation.forces.as_flattened(),
                    &self.inverse_masses,
                    part * self.timestep,
                ),
                Operation::Drift(part) => drift(
                    atoms.positions.as_flattened_mut(),
                    atoms.velocities.as_flattened(),
                    part * self.timestep,
                ),
                Operation::Thermostat(part) => {
                    if let Some(t) = &mut self.thermostat {
                        // One draw a step: splittings with several O operations number them by position.
                        let draw = state.step * self.operations.len() as u64 + o as u64;
                        self.taken.add(t.apply(atoms, part * self.timestep, draw));
                        if self.fix_centre_of_mass && atoms.len() > 1 {
                            let removed = remove_drift(atoms);
                            t.kinetic_after -= removed;
                            self.taken.add(removed);
                        }
                    }
                }
                Operation::Forces => evaluate(state, evaluator, want)?,
            }
        }
        state.step += 1;
        Ok(())
    }

    /// The conserved energy (eV): total energy plus what thermostats have taken out. Its drift measures the error of the
    /// integration alone, in every ensemble (Bussi, Parrinello, Phys. Rev. E 75, 056707 (2007)).
    pub fn conserved(&self, state: &State) -> f64 {
        state.evaluation.energy + kinetic_energy(&state.system.atoms) + self.taken.value()
    }
}

simd_dispatch! {
    /// v += h f/m, by component.
    fn kick(v: &mut [f64], f: &[f64], inverse_masses: &[f64], h: f64) = kick_body;
}

#[inline(always)]
fn kick_body<const FMA: bool>(v: &mut [f64], f: &[f64], inverse_masses: &[f64], h: f64) {
    for ((v, f), w) in v.iter_mut().zip(f).zip(inverse_masses) {
        *v = fma::<FMA>(h * w, *f, *v);
    }
}

simd_dispatch! {
    /// x += h v, by component.
    fn drift(x: &mut [f64], v: &[f64], h: f64) = drift_body;
}

#[inline(always)]
fn drift_body<const FMA: bool>(x: &mut [f64], v: &[f64], h: f64) {
    for (x, v) in x.iter_mut().zip(v) {
        *x = fma::<FMA>(h, *v, *x);
    }
}

fn evaluate(
    state: &mut State,
    evaluator: &mut Evaluator,
    want: Want,
) -> Result<(), EvaluationError> {
    let mut result = [std::mem::take(&mut state.evaluation)];
    let outcome = evaluator.evaluate(
        &[state.configuration()],
        Want {
            forces: true,
            ..want
        },
        &mut result,
    );
    let [evaluation] = result;
    state.evaluation = evaluation;
    outcome
}
