//! Integrators as sequences of elementary operations.

use super::barostat::{Barostat, Method, exponential};
use super::constraints::{Bond, Constraints, Unsolved};
use super::kernels::{drift, drift_strained, kick, kick_damped, transform};
use super::ramp::Ramp;
use super::thermostat::{Langevin, Moment, Thermostat};
use super::{CompensatedSum, State};
use crate::potential::{EvaluationError, Evaluator, Want};
use crate::system::{Atoms, kinetic_energy, kinetic_tensor, remove_drift};
use crate::units::BOLTZMANN;
use nalgebra::Matrix3;
use std::collections::BTreeMap;

/// An elementary operation; the number is the fraction of the time step it covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// B: v += h f/m.
    Kick(f64),
    /// A: x += h v. The cell moves with its own strain rate, and the positions with it.
    Drift(f64),
    /// O: the thermostats.
    Thermostat(f64),
    /// The heat bath of a cell that has a momentum.
    CellBath(f64),
    /// The pressure acts on the cell.
    Cell(f64),
    /// Energy and forces at the present positions.
    Forces,
}

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
    baths: Vec<Bath>,
    barostat: Option<Barostat>,
    constraints: Option<Constraints>,
    /// Components that never move, by atom.
    held: Option<Vec<[bool; 3]>>,
    /// Whether the thermostats' push on the centre of mass is taken back after each O operation (and booked).
    pub fix_centre_of_mass: bool,
    /// Energy that thermostats have taken out of the system so far (eV).
    taken: CompensatedSum,
    /// Kinetic energy (eV) after the last thermostat: distributed canonically, whatever the time step.
    kinetic_mid: f64,
    /// 1/m of every component, zero where it is held.
    inverse_masses: Vec<f64>,
}

/// How many cells away from the origin atoms may be when the cell is reduced.
const FARTHEST: f64 = 10.0;

/// More than any list of operations has: draws are numbered by step and place in the list.
const PLACES: u64 = 1 << 10;

impl Integrator {
    /// An integrator from its operations, applied left to right, with time step `timestep` (internal units).
    pub fn new(operations: Vec<Operation>, timestep: f64) -> Integrator {
        Integrator {
            operations,
            timestep,
            splitting: Splitting::Ends,
            baths: Vec::new(),
            barostat: None,
            constraints: None,
            held: None,
            fix_centre_of_mass: false,
            taken: CompensatedSum::default(),
            kinetic_mid: 0.0,
            inverse_masses: Vec::new(),
        }
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

    /// Velocity Verlet with places for thermostats (and later a barostat).
    pub fn split(splitting: Splitting, timestep: f64) -> Integrator {
        let mut integrator = Integrator::new(Vec::new(), timestep);
        integrator.splitting = splitting;
        integrator.arrange();
        integrator
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

    /// Adds bonds of fixed length.
    pub fn with_constraints(mut self, constraints: Constraints) -> Integrator {
        self.constraints = Some(constraints);
        self
    }

    /// Holds components of atoms where they are.
    pub fn with_held(mut self, held: Vec<[bool; 3]>) -> Integrator {
        self.held = Some(held);
        self
    }

    /// The list of operations for what there is.
    fn arrange(&mut self) {
        use Operation::{Cell, CellBath, Drift, Forces, Kick};
        let (middle, ends) = match (self.baths.is_empty(), self.splitting) {
            (true, _) => (None, None),
            (_, Splitting::Middle) => (Some(Operation::Thermostat(1.0)), None),
            (_, Splitting::Ends) => (None, Some(Operation::Thermostat(0.5))),
        };
        let method = self.barostat.as_ref().map(|b| &b.method);
        let piston = matches!(method, Some(Method::Piston(_)));
        let rescaling = matches!(method, Some(Method::Rescaling(_)));
        let when = |yes: bool, operation: Operation| yes.then_some(operation);
        let drifts: &[Option<Operation>] = match middle {
            // The strain is decided with the velocities after O, which are canonical.
            Some(_) => &[
                Some(Drift(0.5)),
                middle,
                when(rescaling, Cell(1.0)),
                Some(Drift(0.5)),
            ],
            None => &[Some(Drift(1.0))],
        };
        let list = [
            when(piston, CellBath(0.5)),
            when(rescaling && middle.is_none(), Cell(1.0)),
            ends,
            when(piston, Cell(0.5)),
            Some(Kick(0.5)),
        ]
        .into_iter()
        .chain(drifts.iter().copied())
        .chain([
            Some(Forces),
            Some(Kick(0.5)),
            when(piston, Cell(0.5)),
            ends,
            when(piston, CellBath(0.5)),
        ]);
        self.operations = list.flatten().collect();
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

    /// Kinetic energy (eV) after the last thermostat: distributed canonically, whatever the time step.
    pub fn kinetic_mid(&self) -> f64 {
        self.kinetic_mid
    }

    /// Evaluates the state where it is; needed once before the first step.
    pub fn prepare(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        self.begin(&state.system.atoms);
        if self.held.is_some() {
            for (v, w) in state
                .system
                .atoms
                .velocities
                .as_flattened_mut()
                .iter_mut()
                .zip(&self.inverse_masses)
            {
                if *w == 0.0 {
                    *v = 0.0;
                }
            }
        }
        if let Some(c) = &mut self.constraints {
            c.settle(&mut state.system.atoms, self.timestep)?;
        }
        self.kinetic_mid = kinetic_energy(&state.system.atoms);
        self.evaluate(state, evaluator, want)
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
        self.begin(&state.system.atoms);
        for o in 0..self.operations.len() {
            let draw = state.step * PLACES + o as u64;
            match self.operations[o] {
                Operation::Kick(part) => self.kick(state, part * self.timestep)?,
                Operation::Drift(part) => self.drift(state, part * self.timestep)?,
                Operation::Thermostat(part) => {
                    self.thermostats(state, part * self.timestep, draw)?
                }
                Operation::CellBath(part) => {
                    if let Some(b) = &mut self.barostat
                        && let Method::Piston(p) = &mut b.method
                    {
                        let kt = BOLTZMANN * b.temperature.at(state.step);
                        p.thermalise(kt, part * self.timestep, draw);
                    }
                }
                Operation::Cell(part) => self.cell(state, part * self.timestep, draw),
                Operation::Forces => self.evaluate(state, evaluator, want)?,
            }
        }
        if let Some(b) = &self.barostat
            && b.space.shears()
            && let Some(reduced) = state.system.cell.reduced()
        {
            // A fluid's cell shears without end. Atoms many cells away would be carried off exponentially, from one
            // reduced cell to the next, until their places had no digits left.
            let far = |x: &[f64; 3]| reduced.fractional(*x).iter().any(|s| s.abs() > FARTHEST);
            if self.constraints.is_none() && state.system.atoms.positions.iter().any(far) {
                for x in &mut state.system.atoms.positions {
                    *x = reduced.wrap(*x);
                }
            }
            state.system.cell = reduced;
        }
        state.step += 1;
        Ok(())
    }

    fn kick(&mut self, state: &mut State, h: f64) -> Result<(), StepError> {
        let (atoms, forces) = (&mut state.system.atoms, &state.evaluation.forces);
        match &self.barostat {
            Some(b) if let Method::Piston(p) = &b.method => {
                let half = exponential(&(p.rates(&b.space).1 * (-0.5 * h)));
                kick_damped(
                    &mut atoms.velocities,
                    forces,
                    &self.inverse_masses,
                    &half,
                    h,
                );
            }
            _ => kick(
                atoms.velocities.as_flattened_mut(),
                forces.as_flattened(),
                &self.inverse_masses,
                h,
            ),
        }
        if let Some(c) = &self.constraints {
            c.velocities(atoms, self.timestep)?;
        }
        Ok(())
    }

    fn drift(&mut self, state: &mut State, h: f64) -> Result<(), StepError> {
        let virial = virial(state);
        let atoms = &mut state.system.atoms;
        if let Some(c) = &mut self.constraints {
            c.remember(atoms);
        }
        let Some(b) = &mut self.barostat else {
            drift(
                atoms.positions.as_flattened_mut(),
                atoms.velocities.as_flattened(),
                h,
            );
            if let Some(c) = &self.constraints {
                c.positions(atoms, h)?;
            }
            return Ok(());
        };
        let strain = match &mut b.method {
            Method::Piston(p) => {
                let strain = p.rates(&b.space).0 * h;
                let half = exponential(&(0.5 * strain));
                drift_strained(&mut atoms.positions, &atoms.velocities, &half, h);
                strain
            }
            Method::Rescaling(r) => {
                let strain = r.apply(&virial);
                if let Some(strain) = strain {
                    transform(&mut atoms.positions, &exponential(&strain));
                }
                drift(
                    atoms.positions.as_flattened_mut(),
                    atoms.velocities.as_flattened(),
                    h,
                );
                if let Some(strain) = strain {
                    // After the drift: then each kick meets the velocity whose work it does, and what is booked for the
                    // strain lacks no term that is linear in it.
                    let before = kinetic_energy(atoms);
                    transform(&mut atoms.velocities, &exponential(&(-strain)));
                    self.taken.add(before - kinetic_energy(atoms));
                }
                match strain {
                    Some(strain) => strain,
                    None => return Ok(()),
                }
            }
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

    fn thermostats(&mut self, state: &mut State, h: f64, draw: u64) -> Result<(), StepError> {
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
        if let Some(c) = &self.constraints {
            let before = kinetic_energy(atoms);
            c.velocities(atoms, self.timestep)?;
            after = kinetic_energy(atoms);
            self.taken.add(before - after);
        }
        self.kinetic_mid = after;
        Ok(())
    }

    /// The pressure acts on the cell.
    fn cell(&mut self, state: &State, h: f64, draw: u64) {
        let (Some(b), Some(volume)) = (&mut self.barostat, state.system.cell.volume()) else {
            return;
        };
        let k = kinetic_tensor(&state.system.atoms);
        let kinetic = Matrix3::from_fn(|i, j| k[i][j]);
        let inner = kinetic + virial(state);
        let outer = b.target_at(state.step);
        let kt = BOLTZMANN * b.temperature.at(state.step);
        match &mut b.method {
            Method::Piston(p) => p.kick(&b.space, &inner, &outer, volume, kinetic.trace(), kt, h),
            Method::Rescaling(r) => r.decide(&b.space, &inner, &outer, volume, kt, h, draw),
        }
    }

    fn evaluate(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        let want = Want {
            forces: true,
            virial: want.virial || self.barostat.is_some(),
            ..want
        };
        let mut result = [std::mem::take(&mut state.evaluation)];
        let outcome = evaluator.evaluate(&[state.configuration()], want, &mut result);
        let [evaluation] = result;
        state.evaluation = evaluation;
        outcome?;
        if let (true, Some(c)) = (want.virial, &mut self.constraints) {
            let e = &mut state.evaluation;
            c.add_virial(&state.system.atoms, &e.forces, &mut e.virial);
        }
        let virial = virial(state);
        if let Some(b) = &mut self.barostat
            && let Method::Rescaling(r) = &mut b.method
        {
            self.taken.add(r.book(&virial));
        }
        Ok(())
    }

    /// The conserved energy (eV): total energy plus what thermostats and barostats have taken out or hold. Its drift
    /// measures the error of the integration alone, in every ensemble (Bussi, Parrinello, Phys. Rev. E 75, 056707 (2007)).
    pub fn conserved(&self, state: &State) -> f64 {
        let held: f64 = self.baths.iter().map(|b| b.thermostat.energy()).sum();
        let cell = self.barostat.as_ref().map_or(0.0, Barostat::energy);
        state.evaluation.energy
            + kinetic_energy(&state.system.atoms)
            + (held + cell)
            + self.taken.value()
    }

    /// Shifts the conserved energy, so that it goes on from another integrator's.
    pub fn book(&mut self, energy: f64) {
        self.taken.add(energy);
    }

    /// Everything that must be remembered between steps, by name.
    pub fn numbers(&self) -> BTreeMap<String, Vec<f64>> {
        let taken = self.taken;
        let own = vec![taken.sum, taken.compensation, self.kinetic_mid];
        let mut all = BTreeMap::from([("integrator".to_owned(), own)]);
        for (k, b) in self.baths.iter().enumerate() {
            all.insert(format!("thermostat_{k}"), b.thermostat.numbers());
        }
        if let Some(b) = &self.barostat {
            all.insert("barostat".to_owned(), b.numbers());
        }
        all
    }

    /// Takes back what [`numbers`](Self::numbers) gave. Errors with the name that is missing or does not fit.
    pub fn restore(&mut self, numbers: &BTreeMap<String, Vec<f64>>) -> Result<(), String> {
        let of = |name: &str| numbers.get(name).map(Vec::as_slice);
        let Some([sum, compensation, mid]) = of("integrator") else {
            return Err("integrator".to_owned());
        };
        self.taken = CompensatedSum {
            sum: *sum,
            compensation: *compensation,
        };
        self.kinetic_mid = *mid;
        for (k, b) in self.baths.iter_mut().enumerate() {
            let name = format!("thermostat_{k}");
            if !of(&name).is_some_and(|n| b.thermostat.restore(n)) {
                return Err(name);
            }
        }
        if let Some(b) = &mut self.barostat
            && !of("barostat").is_some_and(|n| b.restore(n))
        {
            return Err("barostat".to_owned());
        }
        Ok(())
    }
}

/// The symmetric part of the virial (eV).
fn virial(state: &State) -> Matrix3<f64> {
    let w = &state.evaluation.virial;
    Matrix3::from_fn(|i, j| 0.5 * (w[i][j] + w[j][i]))
}
