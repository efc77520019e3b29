//! Integrators as sequences of elementary operations.

mod exchange;
mod levels;
mod memory;
mod motion;
mod operations;
mod pressure;
mod together;

pub use exchange::{Exchanged, exchange};
pub use levels::MOST_SUBSTEPS;
pub use operations::Operation;
pub use together::{Walker, step_together};

use super::barostat::{Barostat, Method};
use super::constraints::{Bond, Constraints, Unsolved};
use super::ramp::Ramp;
use super::rings::{ModeBath, RingDynamics};
use super::sites::Sites;
use super::thermostat::{Langevin, Thermostat};
use super::{CompensatedSum, State};
use crate::potential::{EvaluationError, Evaluator, Want};
use crate::system::{Atoms, kinetic_energy};
use crate::units::BOLTZMANN;
use levels::Level;
use nalgebra::Matrix3;

/// Where the thermostats stand in the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitting {
    /// In the middle of the drift, "BAOAB" (Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34).
    Middle,
    /// Half at each end, "OBABO" (Bussi, Parrinello, Phys. Rev. E 75, 056707 (2007)).
    Ends,
}

/// Why a step could not be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepError {
    /// The forces could not be had.
    Evaluation(EvaluationError),
    /// A bond could not be brought to its length.
    Constraint(Bond),
    /// The cell has lost its volume, or its vectors are no longer finite.
    Cell,
}

impl From<EvaluationError> for StepError {
    fn from(e: EvaluationError) -> StepError {
        StepError::Evaluation(e)
    }
}

impl From<Unsolved> for StepError {
    fn from(e: Unsolved) -> StepError {
        StepError::Constraint(e.0)
    }
}

/// A thermostat with its target.
struct Bath {
    thermostat: Box<dyn Thermostat>,
    /// K.
    temperature: Ramp,
}

/// A symmetric splitting of the equations of motion with a fixed time step, and everything that acts beside the forces.
pub struct Integrator {
    operations: Vec<Operation>,
    timestep: f64,
    splitting: Splitting,
    /// From the slowest to the fastest.
    levels: Vec<Level>,
    baths: Vec<Bath>,
    barostat: Option<Barostat>,
    constraints: Option<Constraints>,
    /// What moves as one when the cell changes; none: every atom by itself.
    sites: Option<Sites>,
    /// The virial (eV) at the beginning of the step, where the last evaluation was: a strain that is decided within the step, when
    /// the atoms have moved on, knows no other. With sites it must not be made of new positions and old forces.
    entered: Matrix3<f64>,
    /// How the internal modes of ring polymers move.
    rings: Option<RingDynamics>,
    /// Components that never move, by atom.
    held: Option<Vec<[bool; 3]>>,
    /// Whether the thermostats' push on the centre of mass is taken back after each O operation (and booked).
    pub fix_centre_of_mass: bool,
    /// Whether the rotation about the centre of mass is taken away after each O operation (and booked).
    pub fix_rotation: bool,
    /// Energy that thermostats have taken out of the system so far (eV).
    taken: CompensatedSum,
    /// Kinetic energy (eV) after the last thermostat: distributed canonically, whatever the time step.
    kinetic_mid: f64,
    /// 1/m of every component, zero where it is held.
    inverse_masses: Vec<f64>,
}

/// An evaluation in a step.
#[derive(Clone, Copy)]
enum Call {
    /// Of a level.
    Level(usize),
    /// Of all levels, at the end.
    Last,
}

/// What is wanted of an evaluation within a step.
const WITHIN: Want = Want {
    forces: true,
    ..Want::ENERGY
};

/// More than any list of operations has: draws are numbered by step and place in the list.
const PLACES: u64 = 1 << 10;

impl Integrator {
    /// Velocity Verlet with places for thermostats and a barostat; `timestep` in internal units.
    pub fn split(splitting: Splitting, timestep: f64) -> Integrator {
        let mut integrator = Integrator {
            operations: Vec::new(),
            timestep,
            splitting,
            levels: vec![Level::only()],
            baths: Vec::new(),
            barostat: None,
            constraints: None,
            sites: None,
            entered: Matrix3::zeros(),
            rings: None,
            held: None,
            fix_centre_of_mass: false,
            fix_rotation: false,
            taken: CompensatedSum::default(),
            kinetic_mid: 0.0,
            inverse_masses: Vec::new(),
        };
        integrator.arrange();
        integrator
    }

    /// Velocity Verlet, "BAB" (Swope, Andersen, Berens, Wilson, J. Chem. Phys. 76, 637 (1982)).
    pub fn velocity_verlet(timestep: f64) -> Integrator {
        Self::split(Splitting::Ends, timestep)
    }

    /// Langevin dynamics at a temperature (K), "BAOAB".
    pub fn baoab(timestep: f64, temperature: f64, thermostat: Langevin) -> Integrator {
        Self::split(Splitting::Middle, timestep)
            .with_thermostat(Box::new(thermostat), Ramp::constant(temperature))
    }

    /// Adds a thermostat with its target temperature (K).
    pub fn with_thermostat(
        mut self,
        thermostat: Box<dyn Thermostat>,
        temperature: Ramp,
    ) -> Integrator {
        self.baths.push(Bath {
            thermostat,
            temperature,
        });
        self.arrange();
        self
    }

    /// Adds a barostat.
    pub fn with_barostat(mut self, barostat: Barostat) -> Integrator {
        self.barostat = Some(barostat);
        self.arrange();
        self
    }

    /// Adds bonds of fixed length. What they hold together moves as one when the cell changes.
    pub fn with_constraints(mut self, constraints: Constraints) -> Integrator {
        let own = || constraints.sites().clone();
        self.sites = Some(self.sites.take().unwrap_or_else(own));
        self.constraints = Some(constraints);
        self
    }

    /// Says what moves as one when the cell changes, and whose pressure it feels: molecules. Bonds of fixed length must lie
    /// within them.
    pub fn with_sites(mut self, sites: Sites) -> Integrator {
        self.sites = Some(sites);
        self
    }

    /// Moves ring polymers, which the state then must have.
    pub fn with_rings(mut self, rings: RingDynamics) -> Integrator {
        self.rings = Some(rings);
        self.arrange();
        self
    }

    /// How the internal modes of ring polymers move.
    pub fn rings(&self) -> Option<&RingDynamics> {
        self.rings.as_ref()
    }

    /// Holds components of atoms where they are.
    pub fn with_held(mut self, held: Vec<[bool; 3]>) -> Integrator {
        self.held = Some(held);
        self
    }

    /// The operations of a step, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The time step (internal units).
    pub fn timestep(&self) -> f64 {
        self.timestep
    }

    /// The barostat.
    pub fn barostat(&self) -> Option<&Barostat> {
        self.barostat.as_ref()
    }

    /// Whether the kinetic energy in the middle of the step is of interest: that at its end is slightly cold.
    pub fn has_middle(&self) -> bool {
        !self.baths.is_empty() && self.splitting == Splitting::Middle
    }

    /// Whether anything meets a heat bath in the middle of the drift.
    fn stirs_in_the_middle(&self) -> bool {
        self.has_baths() && self.splitting == Splitting::Middle
    }

    /// Whether anything meets a heat bath.
    fn has_baths(&self) -> bool {
        let stirred = |r: &RingDynamics| !matches!(r.bath, ModeBath::None);
        !self.baths.is_empty() || self.rings.as_ref().is_some_and(stirred)
    }

    /// Kinetic energy (eV) after the last thermostat: distributed canonically, whatever the time step.
    pub fn kinetic_mid(&self) -> f64 {
        self.kinetic_mid
    }

    /// Makes what it needs to go on with a state that another integrator has moved.
    pub fn adopt(&mut self, state: &State) {
        self.begin(&state.system.atoms);
        if let Some((dynamics, rings)) = self.rings.as_mut().zip(state.rings.as_ref()) {
            dynamics.prepare(rings.beads(), &self.inverse_masses);
        }
    }

    /// Evaluates the state where it is; needed once before the first step.
    pub fn prepare(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        self.settle(&mut state.system.atoms)?;
        self.kinetic_mid = kinetic_energy(&state.system.atoms);
        for level in 1..self.levels.len() {
            self.evaluate_level(level - 1, state, evaluator, Want::DYNAMICS)?;
        }
        self.evaluate(state, evaluator, want)
    }

    /// Brings a start to what is held: bonds to their lengths, velocities to the directions that are free.
    pub fn settle(&mut self, atoms: &mut Atoms) -> Result<(), StepError> {
        self.begin(atoms);
        if self.held.is_some() {
            let velocities = atoms.velocities.as_flattened_mut();
            for (v, w) in velocities.iter_mut().zip(&self.inverse_masses) {
                if *w == 0.0 {
                    *v = 0.0;
                }
            }
        }
        if let Some(c) = &mut self.constraints {
            c.settle(atoms, self.timestep)?;
        }
        Ok(())
    }

    /// Draws the velocities of the internal modes of rings at a temperature (K).
    pub fn draw_mode_velocities(&mut self, state: &mut State, temperature: f64, seed: u64) {
        self.begin(&state.system.atoms);
        if let Some((rings, dynamics)) = state.rings.as_mut().zip(self.rings.as_mut()) {
            rings.draw_velocities(dynamics, &self.inverse_masses, temperature, seed);
        }
    }

    fn begin(&mut self, atoms: &Atoms) {
        if self.inverse_masses.len() == 3 * atoms.len() {
            return;
        }
        self.inverse_masses = atoms.masses.iter().flat_map(|m| [1.0 / m; 3]).collect();
        if let Some(held) = &self.held {
            for (w, held) in self.inverse_masses.iter_mut().zip(held.as_flattened()) {
                if *held {
                    *w = 0.0;
                }
            }
        }
    }

    /// One step. `want` says what the force call computes beside forces (a virial for pressure, say).
    pub fn step(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        self.enter(state);
        for place in 0..self.operations.len() {
            match self.operate(place, state)? {
                None => {}
                Some(Call::Level(level)) => self.evaluate_level(level, state, evaluator, WITHIN)?,
                Some(Call::Last) => self.evaluate(state, evaluator, want)?,
            }
        }
        self.leave(state, evaluator);
        Ok(())
    }

    /// What comes before the operations of a step.
    fn enter(&mut self, state: &mut State) {
        self.begin(&state.system.atoms);
        let method = self.barostat.as_ref().map(|b| &b.method);
        if matches!(method, Some(Method::Rescaling(_))) {
            self.entered = self.virial(state);
        }
        if let Some((rings, dynamics)) = state.rings.as_mut().zip(self.rings.as_mut()) {
            let taken = dynamics.follow(rings, &self.inverse_masses, state.step);
            self.taken.add(taken);
        }
    }

    /// The operation at a place of the list; the evaluation that is to be made where it is one.
    fn operate(&mut self, place: usize, state: &mut State) -> Result<Option<Call>, StepError> {
        let draw = state.step * PLACES + place as u64;
        match self.operations[place] {
            Operation::Kick(part, level) => self.kick(state, part * self.timestep, level)?,
            Operation::Drift(part) => self.drift(state, part * self.timestep)?,
            Operation::Thermostat(part) => self.thermostats(state, part * self.timestep, draw)?,
            Operation::CellBath(part) => {
                if let Some(b) = &mut self.barostat
                    && let Method::Piston(p) = &mut b.method
                {
                    let kt = BOLTZMANN * b.temperature.at(state.step);
                    p.thermalise(kt, part * self.timestep, draw);
                }
            }
            Operation::Cell(part) => self.cell(state, part * self.timestep, draw),
            Operation::Forces(level) => return Ok(Some(Call::Level(level))),
            Operation::LastForces => return Ok(Some(Call::Last)),
        }
        Ok(None)
    }

    /// What comes after the operations of a step.
    fn leave(&mut self, state: &mut State, evaluator: &Evaluator) {
        self.settle_rings(state);
        self.reduce_cell(state, evaluator);
        state.step += 1;
    }

    /// The conserved energy (eV): total energy plus what thermostats and barostats have taken out or hold. Its drift
    /// measures the error of the integration alone, in every ensemble (Bussi, Parrinello, Phys. Rev. E 75, 056707 (2007)).
    pub fn conserved(&self, state: &State) -> f64 {
        let held: f64 = self.baths.iter().map(|b| b.thermostat.energy()).sum();
        let cell = self.barostat.as_ref().map_or(0.0, Barostat::energy);
        let internal = match (&state.rings, &self.rings) {
            (Some(rings), Some(dynamics)) => rings.internal_energy(dynamics),
            _ => 0.0,
        };
        state.evaluation.energy
            + (kinetic_energy(&state.system.atoms) + internal)
            + (held + cell)
            + self.taken.value()
    }

    /// Shifts the conserved energy, so that it goes on from another integrator's.
    pub fn book(&mut self, energy: f64) {
        self.taken.add(energy);
    }
}
