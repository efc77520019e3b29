//! One simulation: state, integrator, evaluator and running averages; how it starts, steps, is saved and resumed.

use super::Plan;
use super::ensemble::{self, Setting, holds_centre};
use super::failure;
use super::files::Files;
use super::ledger::Ledger;
use super::output::{Due, Sinks};
use super::picture::History;
use super::provenance::{self, Hash};
use super::reliability::{Verdict, Watch};
use super::rings::{self, Estimators};
use super::vigil::{Notice, Vigil};
use crate::deck::{StageDeck, VelocitySource};
use crate::dynamics::{Guard, Integrator, State, StepError, ThermoColumns, ThermoRow, Violation};
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::jobs::parts;
use crate::potential::{Configuration, Evaluation, Evaluator, Want};
use crate::system::{self, Cell, System, kinetic_energy};
use crate::units::TIME_FS;

/// A running simulation.
pub(super) struct Simulation {
    pub state: State,
    pub integrator: Integrator,
    pub evaluator: Evaluator,
    pub columns: ThermoColumns,
    /// The latest row of the table.
    pub row: ThermoRow,
    /// The rows of the stage it is in.
    pub ledger: Ledger,
    /// The rows of the whole run, for its plot.
    pub history: History,
    /// Watches the cell.
    pub vigil: Vigil,
    pub conserved_at_start: f64,
    pub seed: u64,
    /// Identifies the run; see [`provenance::mark`].
    pub mark: Hash,
    /// Time step (fs) as the deck means it.
    pub timestep_fs: f64,
    /// Looks at the reliability of the model, when the deck asks for it.
    pub watch: Option<Watch>,
    /// What it found last.
    pub verdict: Option<Verdict>,
    /// The parts of the run, and which of them it is in.
    pub schedule: Vec<StageDeck>,
    pub stage: usize,
    /// Estimates of quantum nuclei that need evaluations of their own.
    pub estimators: Estimators,
    /// What a person should hear of the latest step.
    pub notices: Vec<Notice>,
    guard: Option<Guard>,
    max_temperature: Option<f64>,
}

/// Why a step failed.
pub(super) enum Failure {
    Step(StepError),
    Violation(Violation),
    TooHot { temperature: f64, limit: f64 },
    Unreliable { verdict: Verdict, limit: f64 },
}

impl From<StepError> for Failure {
    fn from(e: StepError) -> Failure {
        Failure::Step(e)
    }
}

impl Simulation {
    /// A simulation at step 0, evaluated there.
    pub fn start(plan: &Plan<'_>, replica: u32) -> Result<Simulation> {
        let mut system = plan.origin.clone();
        let seed = replica_seed(plan.seed, replica);
        let exact = first_velocities(&mut system, seed, plan)?;
        let mark = provenance::mark(&plan.resolved, &plan.sources, seed, &system);
        let mut simulation = Self::assemble(plan, state_of(plan, system), seed, mark)?;
        if let Some(temperature) = mode_velocities(plan) {
            let Simulation {
                state, integrator, ..
            } = &mut simulation;
            integrator.draw_mode_velocities(state, temperature, seed);
        }
        let want = Want {
            virial: simulation.columns.pressure,
            reliability: simulation.watch.is_some(),
            ..Want::DYNAMICS
        };
        let wrong_start = |e: StepError, system: &System| {
            let (reason, advice) = failure::describe_step(e, system);
            Error::file(&plan.deck.system.structure, reason).advise(advice)
        };
        if let Err(e) = simulation
            .integrator
            .settle(&mut simulation.state.system.atoms)
        {
            return Err(wrong_start(e, &simulation.state.system));
        }
        if let Some(temperature) = exact {
            // In the directions that are free in this ensemble.
            let now = simulation.temperature();
            if now > 0.0 {
                let scale = (temperature / now).sqrt();
                let velocities = &mut simulation.state.system.atoms.velocities;
                velocities
                    .as_flattened_mut()
                    .iter_mut()
                    .for_each(|v| *v *= scale);
            }
        }
        simulation
            .integrator
            .prepare(&mut simulation.state, &mut simulation.evaluator, want)
            .map_err(|e| wrong_start(e, &simulation.state.system))?;
        if let Some(Violation::TooClose(c)) = simulation.violation() {
            let pair = failure::contact(&simulation.state.system, &c);
            let reason = format!(
                "{pair}; the least distance allowed for this model is {:.3} Å (atoms are counted from 0)",
                c.least
            );
            return Err(Error::file(&plan.deck.system.structure, reason).advise(
                "check the structure; `[md.guard] closest = \"0.5 Å\"` allows shorter distances",
            ));
        }
        if let Err(failure) = simulation.judge() {
            let (reason, _) = failure::describe(&simulation, &failure);
            return Err(Error::file(&plan.deck.system.structure, reason)
                .advise("start from a structure that the model knows, or raise `stop`"));
        }
        simulation.conserved_at_start = simulation.integrator.conserved(&simulation.state);
        Ok(simulation)
    }

    /// The simulation of a checkpoint, with the same bits as the one that wrote it.
    pub fn resume(
        plan: &Plan<'_>,
        replica: u32,
        files: &Files,
        saved: &Checkpoint,
    ) -> Result<Simulation> {
        let mut state = state_of(plan, saved.system.clone());
        state.step = saved.step;
        state.evaluation = Evaluation {
            energy: saved.energy,
            forces: saved.forces.clone(),
            virial: saved.virial.unwrap_or_default(),
            closest: f64::INFINITY,
            ..Evaluation::default()
        };
        let seed = replica_seed(plan.seed, replica);
        let broken = |what: &str| Error::Bug(format!("the checkpoint has no usable `{what}`"));
        let numbers = |name: &str| saved.numbers.get(name).ok_or_else(|| broken(name));
        let mark = provenance::from_numbers(numbers("mark")?).ok_or_else(|| broken("mark"))?;
        let mut s = Self::assemble(plan, state, seed, mark)?;
        let [start, stage] = numbers("conserved")?[..] else {
            return Err(broken("conserved"));
        };
        while s.stage < stage as usize {
            s.next_stage(plan)?;
        }
        if let Some(rings) = &mut s.state.rings {
            rings
                .restore(&saved.numbers)
                .map_err(|name| broken(&name))?;
        }
        s.integrator
            .restore(&s.state, &saved.numbers)
            .map_err(|name| broken(&name))?;
        s.conserved_at_start = start;
        let name = "averages";
        s.ledger
            .restore(numbers(name)?)
            .ok_or_else(|| broken(name))?;
        let name = "history";
        s.history
            .restore(numbers(name)?)
            .ok_or_else(|| broken(name))?;
        let name = "vigil";
        s.vigil
            .restore(numbers(name)?)
            .ok_or_else(|| broken(name))?;
        if let Some(momentum) = &mut s.estimators.momentum {
            let name = "momentum";
            momentum
                .restore(numbers(name)?)
                .ok_or_else(|| broken(name))?;
        }
        if let Some(watch) = &mut s.watch {
            let name = "reliability";
            watch
                .restore(numbers(name)?, files.unknown.as_deref())
                .ok_or_else(|| broken(name))??;
        }
        rings::restore_lists(
            &mut s.evaluator,
            &saved.numbers,
            plan.origin.cell.periodic(),
        )
        .ok_or_else(|| broken("ring_lists"))?;
        if let Some((cell, positions)) = &saved.list {
            // The lists as they were: built from the positions from which the other run had built them.
            let reference = Configuration {
                cell,
                elements: &s.state.system.atoms.elements,
                positions,
            };
            s.evaluator
                .build_lists(0, reference)
                .map_err(|_| broken("list"))?;
        }
        s.columns.fill(&s.state, &s.integrator, &[], &mut s.row);
        Ok(s)
    }

    fn assemble(plan: &Plan<'_>, state: State, seed: u64, mark: Hash) -> Result<Simulation> {
        let md = plan.md;
        let atoms = &state.system.atoms;
        let present = atoms.distinct_elements();
        let mut evaluator = Evaluator::new(plan.terms.clone(), md.skin);
        let watch = match &md.reliability {
            Some(deck) => Some(Watch::new(deck, &mut evaluator, &plan.deck.source.path)?),
            None => None,
        };
        parts::check_elements(&evaluator, &present, &plan.deck.system.structure)?;
        let schedule = md.schedule();
        let setting = setting(plan, &evaluator, seed);
        let mut integrators = Vec::new();
        for stage in &schedule {
            integrators.push(ensemble::integrator(setting, stage, &plan.origin)?);
        }
        let estimators = Estimators::new(md, &plan.deck.source.path, atoms)?;
        let thermostat = integrators.iter().any(|i| i.0.has_middle());
        let (integrator, freedom) = integrators.swap_remove(0);
        let columns = ThermoColumns {
            degrees_of_freedom: freedom,
            pressure: state.system.cell.is_bulk() && evaluator.gives_virial(),
            thermostat,
            cell: schedule.iter().any(|s| s.barostat.is_some()),
            reliability: watch.as_ref().map(|w| w.what),
            external: evaluator.has_external(),
            rings: state.rings.as_ref().map(|_| estimators.columns(atoms)),
        };
        let guard = md.guard.enabled.then(|| {
            Guard::new(
                plan.terms.iter().map(|t| t.potential.description()),
                &present,
                md.guard.closest,
            )
        });
        let timestep_fs = in_femtoseconds(md.timestep);
        let every = plan.output.thermo_every;
        Ok(Simulation {
            ledger: Ledger::new(&columns, every, every as f64 * timestep_fs),
            history: History::new(&columns, every),
            vigil: Vigil::new(&state.system.cell, evaluator.cutoff()),
            stage: 0,
            schedule,
            notices: Vec::new(),
            row: Vec::new(),
            conserved_at_start: 0.0,
            max_temperature: md.guard.max_temperature,
            state,
            integrator,
            evaluator,
            columns,
            watch,
            verdict: None,
            guard,
            estimators,
            seed,
            mark,
            timestep_fs,
        })
    }

    /// Simulated time (fs).
    pub fn time_fs(&self) -> f64 {
        self.time_fs_of(self.state.step)
    }

    /// Simulated time (fs) at the end of a step: a product, so that nothing accumulates.
    pub fn time_fs_of(&self, step: u64) -> f64 {
        step as f64 * self.timestep_fs
    }

    /// Kinetic temperature of now (K).
    pub fn temperature(&self) -> f64 {
        self.columns
            .temperature(kinetic_energy(&self.state.system.atoms))
    }

    /// One step, checked by the guard.
    pub fn advance(&mut self, due: Due) -> std::result::Result<(), Failure> {
        let before = self.cell_before();
        let want = self.want(due);
        self.integrator
            .step(&mut self.state, &mut self.evaluator, want)?;
        self.look(before, due)
    }

    /// What a step has to give where so much is due at its end.
    pub fn want(&self, due: Due) -> Want {
        Want {
            virial: due.is_anything() && self.columns.pressure,
            reliability: due.reliability,
            ..Want::DYNAMICS
        }
    }

    /// The cell before a step, where [`look`](Self::look) needs it.
    pub fn cell_before(&self) -> Option<Cell> {
        let shears = self.integrator.barostat().is_some_and(|b| b.space.shears());
        shears.then(|| self.state.system.cell.clone())
    }

    /// Looks at the step that was done.
    pub fn look(&mut self, before: Option<Cell>, due: Due) -> std::result::Result<(), Failure> {
        if let Some(before) = before {
            let notice = self.vigil.step(&before, &self.state);
            self.notices.extend(notice);
        }
        if let Some(v) = self.violation() {
            return Err(Failure::Violation(v));
        }
        if let Some(limit) = self.max_temperature {
            let temperature = self.temperature();
            if temperature > limit {
                return Err(Failure::TooHot { temperature, limit });
            }
        }
        if due.reliability {
            self.judge()
        } else {
            Ok(())
        }
    }

    /// Goes over to the next stage when the present one is done.
    pub fn enter_stage(&mut self, plan: &Plan<'_>) -> Result<()> {
        while self
            .schedule
            .get(self.stage + 1)
            .is_some_and(|next| self.state.step >= next.first)
        {
            let done = self.schedule[self.stage].name.clone();
            let conserved = self.integrator.conserved(&self.state);
            self.next_stage(plan)?;
            // The column of the conserved energy goes on without a jump.
            let jump = conserved - self.integrator.conserved(&self.state);
            self.integrator.book(jump);
            let stage = &self.schedule[self.stage];
            if self.integrator.fix_centre_of_mass && self.state.system.atoms.len() > 1 {
                let removed = system::remove_drift(&mut self.state.system.atoms);
                self.integrator.book(removed);
            }
            if let Some(momentum) = &mut self.estimators.momentum {
                momentum.clear();
            }
            let every = plan.output.thermo_every;
            self.ledger = Ledger::new(&self.columns, every, every as f64 * self.timestep_fs);
            self.vigil.enter_stage(&self.state.system.cell);
            self.notices.push(Notice::Note(format!(
                "stage `{done}` is done; now `{}`: {}",
                stage.name,
                super::plan::ensemble(plan.md, stage)
            )));
        }
        Ok(())
    }

    /// The integrator of the next stage, which remembers nothing.
    fn next_stage(&mut self, plan: &Plan<'_>) -> Result<()> {
        self.stage += 1;
        let stage = self.schedule.get(self.stage);
        let stage = stage.ok_or_else(|| Error::Bug("a stage that is not there".into()))?;
        let setting = setting(plan, &self.evaluator, self.seed);
        let (integrator, freedom) = ensemble::integrator(setting, stage, &plan.origin)?;
        self.integrator = integrator;
        self.integrator.adopt(&self.state);
        self.columns.degrees_of_freedom = freedom;
        Ok(())
    }

    /// Looks at the reliability of an evaluation that was asked for it.
    fn judge(&mut self) -> std::result::Result<(), Failure> {
        let Some(watch) = &mut self.watch else {
            return Ok(());
        };
        let verdict = watch.judge(&self.state);
        self.verdict = Some(verdict);
        match verdict.stop {
            Some(limit) => Err(Failure::Unreliable { verdict, limit }),
            None => Ok(()),
        }
    }

    /// What a person should hear of the step that was just done.
    pub fn remark(&self) -> Option<String> {
        let (watch, verdict) = (self.watch.as_ref()?, self.verdict?);
        (verdict.announce && verdict.step == self.state.step).then(|| {
            format!(
                "step {}: {}, beyond the limit of {}",
                verdict.step,
                failure::number(&self.state.system, watch.what.measure, &verdict),
                failure::with_unit(watch.note().unwrap_or_default(), watch.what.measure)
            )
        })
    }

    fn violation(&self) -> Option<Violation> {
        let guard = self.guard.as_ref()?;
        guard.check(&self.state, &self.evaluator, self.integrator.timestep())
    }

    /// Hands the state to the outputs that are due at this step, and counts it in the averages.
    pub fn record(&mut self, sinks: &mut Sinks) -> Result<()> {
        let row = sinks.due(self.state.step).thermo;
        self.estimate(row).map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, &self.state.system);
            Error::input("[md.estimators]", reason).advise(advice)
        })?;
        self.columns.fill(
            &self.state,
            &self.integrator,
            &self.estimators.numbers,
            &mut self.row,
        );
        let due = sinks.due(self.state.step);
        if due.thermo {
            self.ledger.add(self.state.step, &self.row);
            let atoms = self.state.system.atoms.len();
            self.history.add(&self.row, self.conserved_at_start, atoms);
            if self.integrator.barostat().is_some() {
                self.notices.extend(self.vigil.row(&self.state));
            }
        }
        sinks.write(self, due)?;
        if due.reliability
            && let Some(watch) = &mut self.watch
            && watch.saves(&self.state).map_err(|_| {
                Error::Bug("a state that was evaluated could not be selected from".into())
            })?
        {
            sinks.write_unknown(self)?;
        }
        Ok(())
    }

    /// Everything that the rest of the run depends on.
    pub fn checkpoint(&self, plan: &Plan<'_>) -> Checkpoint {
        let mut numbers = self.integrator.numbers();
        if let Some(rings) = &self.state.rings {
            numbers.extend(rings.numbers());
            numbers.insert("ring_lists".to_owned(), rings::lists(&self.evaluator));
        }
        let conserved = vec![self.conserved_at_start, self.stage as f64];
        numbers.insert("conserved".to_owned(), conserved);
        numbers.insert("averages".to_owned(), self.ledger.to_numbers());
        numbers.insert("history".to_owned(), self.history.to_numbers());
        numbers.insert("vigil".to_owned(), self.vigil.to_numbers());
        if let Some(momentum) = &self.estimators.momentum {
            numbers.insert("momentum".to_owned(), momentum.to_numbers());
        }
        if let Some(watch) = &self.watch {
            numbers.insert("reliability".to_owned(), watch.to_numbers());
        }
        numbers.insert("mark".to_owned(), provenance::to_numbers(&self.mark));
        let mut checkpoint = Checkpoint {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            deck: plan.resolved.clone(),
            step: self.state.step,
            seed: plan.seed,
            system: self.state.system.clone(),
            energy: self.state.evaluation.energy,
            forces: self.state.evaluation.forces.clone(),
            virial: Some(self.state.evaluation.virial),
            list: self
                .evaluator
                .reference(0)
                .map(|(cell, positions)| (cell.clone(), positions.to_vec())),
            numbers,
        };
        provenance::note(&plan.sources, &mut checkpoint);
        checkpoint
    }
}

/// A time (internal units) in fs. The deck's `1 fs` went through the internal unit and back; the last digits, which that
/// may have cost, are taken away again, so that times are the numbers that a person expects.
pub(super) fn in_femtoseconds(time: f64) -> f64 {
    let fs = time * TIME_FS;
    format!("{fs:.13e}").parse().unwrap_or(fs)
}

/// Replica 1 has the seed of the deck, so that it is the run without replicas.
fn replica_seed(seed: u64, replica: u32) -> u64 {
    seed.wrapping_add(u64::from(replica - 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// What the integrators of a run are made from.
fn setting<'a>(plan: &'a Plan<'_>, evaluator: &'a Evaluator, seed: u64) -> Setting<'a> {
    Setting {
        md: plan.md,
        source: &plan.deck.source.path,
        evaluator,
        constraints: plan.constraints.as_ref(),
        molecules: plan.molecules.as_ref(),
        seed,
    }
}

/// A state with rings where the deck wants them.
fn state_of(plan: &Plan<'_>, system: System) -> State {
    match plan.md.ring_beads() {
        1 => State::new(system),
        beads => State::new(system).with_rings(beads),
    }
}

/// The temperature (K) of the first velocities of internal modes; none when everything begins at rest.
fn mode_velocities(plan: &Plan<'_>) -> Option<f64> {
    let velocities = &plan.md.velocities;
    let first = plan.md.schedule().first().and_then(|s| s.temperature);
    (velocities.from != VelocitySource::Zero)
        .then(|| velocities.temperature.or(first))
        .flatten()
}

/// Sets the velocities; returns the temperature (K) to which they are to be scaled, when they are.
fn first_velocities(system: &mut System, seed: u64, plan: &Plan<'_>) -> Result<Option<f64>> {
    let (md, has_velocities) = (plan.md, plan.has_velocities);
    let atoms = &mut system.atoms;
    let temperature = md.velocities.temperature;
    let source = match (md.velocities.from, has_velocities, temperature) {
        (VelocitySource::Auto, true, _) => VelocitySource::File,
        (VelocitySource::Auto, false, Some(_)) => VelocitySource::Thermal,
        (VelocitySource::Auto, false, None) => VelocitySource::Zero,
        (source, ..) => source,
    };
    let mut exact = None;
    match (source, temperature) {
        (VelocitySource::File, _) if !has_velocities => {
            return Err(Error::file(
                &plan.deck.system.structure,
                "the structure has no velocities",
            )
            .advise("leave `from = \"file\"` out of [md.velocities], and give a temperature"));
        }
        (VelocitySource::File, _) => {}
        (VelocitySource::Thermal, Some(t)) => {
            exact = Some(t).filter(|_| md.velocities.exact);
            system::thermal_velocities(atoms, t, seed, false)
        }
        _ => atoms.velocities.fill([0.0; 3]),
    }
    let stage = &md.schedule()[0];
    if holds_centre(md, stage) && atoms.len() > 1 {
        system::remove_drift(atoms);
    }
    if md.remove_rotation || md.fix_rotation {
        system::remove_rotation(atoms);
    }
    Ok(exact)
}
