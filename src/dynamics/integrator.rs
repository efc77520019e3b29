//! Integrators as sequences of elementary operations.

use super::barostat::{Barostat, Method, exponential};
use super::constraints::{Bond, Constraints, Unsolved};
use super::kernels::{drift, drift_strained, kick, kick_damped, transform};
use super::ramp::Ramp;
use super::thermostat::{Langevin, Moment, Thermostat};
use super::{CompensatedSum, State};
use crate::potential::{Evaluation, EvaluationError, Evaluator, Want};
use crate::system::{Atoms, kinetic_energy, kinetic_tensor, remove_drift, remove_rotation};
use crate::units::BOLTZMANN;
use nalgebra::Matrix3;
use std::collections::BTreeMap;

/// An elementary operation; the number is the fraction of the time step it covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// B: v += h f/m with the forces of a level of the potential (0 is the slowest).
    Kick(f64, usize),
    /// A: x += h v. The cell moves with its own strain rate, and the positions with it.
    Drift(f64),
    /// O: the thermostats.
    Thermostat(f64),
    /// The heat bath of a cell that has a momentum.
    CellBath(f64),
    /// The pressure acts on the cell.
    Cell(f64),
    /// Forces of a level at the present positions.
    Forces(usize),
    /// The last evaluation of a step: of all levels, with everything that is wanted.
    LastForces,
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

/// Terms of the potential that are evaluated equally often.
struct Level {
    /// Evaluations in a step.
    substeps: u32,
    /// Its terms, by their places in the evaluator; with one level all are.
    terms: Vec<bool>,
    /// Their latest evaluation; unused with one level, whose evaluation is that of the state.
    evaluation: Evaluation,
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

/// The most evaluations of a term in a step.
pub const MOST_SUBSTEPS: u32 = 64;

/// How many cells away from the origin atoms may be when the cell is reduced.
const FARTHEST: f64 = 10.0;

/// More than any list of operations has: draws are numbered by step and place in the list.
const PLACES: u64 = 1 << 10;

impl Integrator {
    /// Velocity Verlet with places for thermostats and a barostat; `timestep` in internal units.
    pub fn split(splitting: Splitting, timestep: f64) -> Integrator {
        let mut integrator = Integrator {
            operations: Vec::new(),
            timestep,
            splitting,
            levels: vec![Level {
                substeps: 1,
                terms: Vec::new(),
                evaluation: Evaluation::default(),
            }],
            baths: Vec::new(),
            barostat: None,
            constraints: None,
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

    /// Adds bonds of fixed length.
    pub fn with_constraints(mut self, constraints: Constraints) -> Integrator {
        self.constraints = Some(constraints);
        self
    }

    /// Evaluates each term of the potential so many times in a step (reversible reference system propagation: Tuckerman, Berne,
    /// Martyna, J. Chem. Phys. 97, 1990 (1992)). `substeps` has a number for each term of the evaluator.
    ///
    /// Errors with two numbers of which neither divides the other, or of which one is zero or above [`MOST_SUBSTEPS`].
    pub fn with_substeps(mut self, substeps: &[u32]) -> Result<Integrator, [u32; 2]> {
        let mut counts = substeps.to_vec();
        counts.push(1);
        counts.sort_unstable();
        counts.dedup();
        for pair in counts.windows(2) {
            if pair[0] == 0 || pair[1] % pair[0] != 0 || pair[1] > MOST_SUBSTEPS {
                return Err([pair[0], pair[1]]);
            }
        }
        // A step in which no term stands has no forces of its own.
        let level = |n: u32| Level {
            substeps: n,
            terms: substeps.iter().map(|s| *s == n).collect(),
            evaluation: Evaluation::default(),
        };
        self.levels = counts.into_iter().map(level).collect();
        self.arrange();
        Ok(self)
    }

    /// Holds components of atoms where they are.
    pub fn with_held(mut self, held: Vec<[bool; 3]>) -> Integrator {
        self.held = Some(held);
        self
    }

    /// The list of operations for what there is.
    fn arrange(&mut self) {
        use Operation::{Cell, CellBath, Thermostat};
        let ends = !self.baths.is_empty() && self.splitting == Splitting::Ends;
        let method = self.barostat.as_ref().map(|b| &b.method);
        let piston = matches!(method, Some(Method::Piston(_)));
        let rescaling = matches!(method, Some(Method::Rescaling(_)));
        let mut list = Vec::new();
        let when = |yes: bool, operation: Operation| yes.then_some(operation);
        list.extend(when(piston, CellBath(0.5)));
        list.extend(when(rescaling && !self.has_middle(), Cell(1.0)));
        list.extend(when(ends, Thermostat(0.5)));
        list.extend(when(piston, Cell(0.5)));
        self.block(0, true, rescaling, &mut list);
        list.extend(when(piston, Cell(0.5)));
        list.extend(when(ends, Thermostat(0.5)));
        list.extend(when(piston, CellBath(0.5)));
        self.operations = list;
    }

    /// The operations of a level in one evaluation of the level above it; `last` when the step ends with them.
    fn block(&self, level: usize, last: bool, rescaling: bool, list: &mut Vec<Operation>) {
        use Operation::{Cell, Drift, Forces, Kick, LastForces, Thermostat};
        let substeps = self.levels[level].substeps;
        let above = level.checked_sub(1).map_or(1, |l| self.levels[l].substeps);
        let fastest = level + 1 == self.levels.len();
        let part = 1.0 / f64::from(substeps);
        for n in 1..=substeps / above {
            let last = last && n == substeps / above;
            list.push(Kick(0.5 * part, level));
            if !fastest {
                self.block(level + 1, last, rescaling, list);
            } else if self.has_middle() {
                list.extend([Drift(0.5 * part), Thermostat(part)]);
                // The strain is decided with the velocities after O, which are canonical; once in a step.
                if rescaling && !list.contains(&Cell(1.0)) {
                    list.push(Cell(1.0));
                }
                list.push(Drift(0.5 * part));
            } else {
                list.push(Drift(part));
            }
            // At the end of the step all levels are evaluated where the fastest is.
            match (last, fastest) {
                (false, _) => list.push(Forces(level)),
                (true, true) => list.push(LastForces),
                (true, false) => {}
            }
            list.push(Kick(0.5 * part, level));
        }
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
                Operation::Kick(part, level) => self.kick(state, part * self.timestep, level)?,
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
                Operation::Forces(level) => {
                    let want = Want {
                        forces: true,
                        ..Want::ENERGY
                    };
                    self.evaluate_level(level, state, evaluator, want)?
                }
                Operation::LastForces => self.evaluate(state, evaluator, want)?,
            }
        }
        if let Some(b) = &self.barostat
            && b.space.shears()
            && !evaluator.is_anchored()
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

    fn kick(&mut self, state: &mut State, h: f64, level: usize) -> Result<(), StepError> {
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
                let sites = self.constraints.as_mut().map(Constraints::sites_mut);
                match sites {
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

    fn drift(&mut self, state: &mut State, h: f64) -> Result<(), StepError> {
        if let Some(c) = &mut self.constraints {
            c.remember(&state.system.atoms);
        }
        let strain = self.strained_drift(state, h);
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

    /// Moves the positions, and says by which strain the cell has to follow.
    fn strained_drift(&mut self, state: &mut State, h: f64) -> Option<Matrix3<f64>> {
        let pending = match self.barostat.as_mut().map(|b| &mut b.method) {
            Some(Method::Rescaling(r)) => r.take(),
            _ => None,
        };
        if let Some(strain) = pending {
            let virial = self.virial(state);
            let atoms = &mut state.system.atoms;
            let before = kinetic_energy(atoms);
            let (shrink, stretch) = (exponential(&(-strain)), exponential(&strain));
            match self.constraints.as_mut().map(Constraints::sites_mut) {
                None => {
                    transform(&mut atoms.velocities, &shrink);
                    transform(&mut atoms.positions, &stretch);
                }
                Some(sites) => {
                    let rigid = |_: usize, x: [f64; 3]| x;
                    sites.remember(&atoms.velocities);
                    transform(&mut atoms.velocities, &shrink);
                    sites.correct(&mut atoms.velocities, &atoms.masses, rigid);
                    sites.remember(&atoms.positions);
                    transform(&mut atoms.positions, &stretch);
                    sites.correct(&mut atoms.positions, &atoms.masses, rigid);
                }
            }
            self.taken.add(before - kinetic_energy(atoms));
            if let Some(b) = &mut self.barostat
                && let Method::Rescaling(r) = &mut b.method
            {
                r.note(strain, virial);
            }
        }
        let atoms = &mut state.system.atoms;
        if let Some(b) = &mut self.barostat
            && let Method::Piston(p) = &mut b.method
        {
            let strain = p.rates(&b.space).0 * h;
            let half = exponential(&(0.5 * strain));
            match self.constraints.as_mut().map(Constraints::sites_mut) {
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
            return Some(strain);
        }
        drift(
            atoms.positions.as_flattened_mut(),
            atoms.velocities.as_flattened(),
            h,
        );
        pending
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

    /// The pressure acts on the cell.
    fn cell(&mut self, state: &State, h: f64, draw: u64) {
        let Some(volume) = state.system.cell.volume() else {
            return;
        };
        let kinetic = self.kinetic_tensor(state);
        let inner = kinetic + self.virial(state);
        let Some(b) = &mut self.barostat else {
            return;
        };
        let outer = b.target_at(state.step);
        let kt = BOLTZMANN * b.temperature.at(state.step);
        match &mut b.method {
            Method::Piston(p) => p.kick(&b.space, &inner, &outer, volume, kinetic.trace(), kt, h),
            Method::Rescaling(r) => r.decide(&b.space, &inner, &outer, volume, kt, h, draw),
        }
    }

    /// The pressure tensor times the volume (eV): sum of m v⊗v and virial. With bonds of fixed length it is that of the
    /// centres of mass of what they hold together, whose mean is the same.
    pub fn stress(&self, state: &State) -> Matrix3<f64> {
        self.kinetic_tensor(state) + self.virial(state)
    }

    fn kinetic_tensor(&self, state: &State) -> Matrix3<f64> {
        let atoms = &state.system.atoms;
        match &self.constraints {
            Some(c) => c.sites().kinetic(atoms),
            None => {
                let k = kinetic_tensor(atoms);
                Matrix3::from_fn(|i, j| k[i][j])
            }
        }
    }

    /// The symmetric part of the virial (eV).
    fn virial(&self, state: &State) -> Matrix3<f64> {
        let w = &state.evaluation.virial;
        let whole = Matrix3::from_fn(|i, j| 0.5 * (w[i][j] + w[j][i]));
        match &self.constraints {
            Some(c) => {
                let e = &state.evaluation;
                whole + c.sites().virial(&state.system.atoms, &e.forces)
            }
            None => whole,
        }
    }

    /// Evaluates the state with all its terms, those of slower levels where they are due: at the end of a step.
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
        if self.levels.len() == 1 {
            let mut result = [std::mem::take(&mut state.evaluation)];
            let outcome = evaluator.evaluate(&[state.configuration()], want, &mut result);
            let [evaluation] = result;
            state.evaluation = evaluation;
            outcome?;
        } else {
            state.evaluation.reset(state.system.atoms.len(), want);
            for level in 0..self.levels.len() {
                self.evaluate_level(level, state, evaluator, want)?;
                let own = &self.levels[level].evaluation;
                state.evaluation.add_scaled(own, 1.0);
            }
        }
        let virial = self.virial(state);
        if let Some(b) = &mut self.barostat
            && let Method::Rescaling(r) = &mut b.method
        {
            self.taken.add(r.book(&virial));
        }
        Ok(())
    }

    fn evaluate_level(
        &mut self,
        level: usize,
        state: &State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        let level = &mut self.levels[level];
        let mut result = [std::mem::take(&mut level.evaluation)];
        let chosen = |t: usize| level.terms.get(t).is_some_and(|c| *c);
        let outcome = evaluator.evaluate_terms(chosen, &[state.configuration()], want, &mut result);
        let [evaluation] = result;
        level.evaluation = evaluation;
        Ok(outcome?)
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
        if self.levels.len() > 1 {
            for (k, level) in self.levels.iter().enumerate() {
                let forces = level.evaluation.forces.as_flattened().to_vec();
                all.insert(format!("forces_{k}"), forces);
            }
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
        if self.levels.len() > 1 {
            for (k, level) in self.levels.iter_mut().enumerate() {
                let name = format!("forces_{k}");
                let (forces, []) = of(&name).unwrap_or_default().as_chunks::<3>() else {
                    return Err(name);
                };
                if forces.is_empty() {
                    return Err(name);
                }
                level.evaluation.forces = forces.to_vec();
            }
        }
        Ok(())
    }
}
