//! Molecular dynamics: deck → system, potential, integrator → loop → trajectory, table, checkpoint, summary.

mod beads;
mod bonds;
mod conduct;
mod ensemble;
mod exchange;
mod failure;
mod files;
mod fluctuations;
mod ladder;
mod ledger;
mod membership;
mod momentum;
mod output;
mod picture;
mod plan;
mod provenance;
mod reliability;
mod replicas;
mod rings;
mod simulation;
mod statistics;
mod summary;
mod text_file;
mod vigil;

pub use plan::check;
pub(super) use text_file::TextFile;

use super::limits::Limits;
use super::{Outcome, RunOptions, parts};
use crate::deck::{self, Deck, MdDeck, OutputDeck, StageDeck};
use crate::dynamics::{Constraints, Sites};
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::potential::Term;
use crate::report::{Console, Progress, Status};
use crate::system::System;
use files::Files;
pub(super) use files::RunLock;
use output::Sinks;
pub(super) use output::host;
use provenance::Source;
pub(super) use provenance::models;
use simulation::Simulation;
use statistics::Statistics;
use std::time::{Duration, Instant};
use summary::Summary;
use vigil::Notice;

/// Everything that is the same for all replicas of a run.
#[derive(Clone)]
struct Plan<'a> {
    md: &'a MdDeck,
    output: &'a OutputDeck,
    deck: &'a Deck,
    /// The resolved deck, with the seed that is used.
    resolved: String,
    seed: u64,
    /// Whether the run picked the seed.
    seed_picked: bool,
    /// The system of the deck, and whether its file has velocities. Everything that must be the same in every part of a
    /// run is made from it, also when the atoms have moved since: so a resumed run finds the same.
    origin: System,
    has_velocities: bool,
    /// Bonds of fixed length.
    constraints: Option<Constraints>,
    /// Molecules that a barostat moves as one, or whose pressure is asked for.
    molecules: Option<Sites>,
    /// The potential, made for the structure of the deck.
    terms: Vec<Term>,
    /// What a person should know about how it was made for it.
    notes: Vec<String>,
    /// Model and structure files with their hashes.
    sources: Vec<Source>,
}

/// What a deck starts from.
struct Origin {
    system: System,
    has_velocities: bool,
    constraints: Option<Constraints>,
    molecules: Option<Sites>,
    terms: Vec<Term>,
    notes: Vec<String>,
}

impl Origin {
    /// Reads structure and models; a deck that leaves the number of beads to them has one afterwards.
    fn of(deck: &mut Deck, md: &mut MdDeck) -> Result<Origin> {
        let (mut system, has_velocities) = parts::build_system(&deck.system)?;
        // Atoms that bonds hold together lie next to each other from now on; restraints start from where they are then.
        let constraints = bonds::constraints(md, &deck.source.path, &mut system)?;
        let molecules = bonds::molecules(md, &deck.source.path, constraints.as_ref(), &mut system)?;
        let (terms, mut notes) = parts::deck_terms(deck, &system)?;
        notes.extend(beads::settle(deck, md, &system, &terms)?);
        Ok(Origin {
            system,
            has_velocities,
            constraints,
            molecules,
            terms,
            notes,
        })
    }
}

/// Runs molecular dynamics.
pub fn run(
    mut deck: Deck,
    mut md: MdDeck,
    output: &OutputDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    // Loading the model is part of the wall time that a batch system counts.
    let limits = Limits::of(options);
    let files: Vec<Files> = (1..=md.replicas)
        .map(|r| Files::of(output, &md, r))
        .collect();
    files.iter().take(1).try_for_each(Files::check_folders)?;
    let _lock = RunLock::take(&output.checkpoint.file)?;
    if options.resume {
        files.iter().try_for_each(Files::require_checkpoint)?;
    } else if !options.overwrite {
        files.iter().try_for_each(Files::refuse_existing)?;
    }
    let seed = match md.seed {
        Some(seed) => seed,
        None if options.resume => Checkpoint::read(&files[0].checkpoint)?.0.seed,
        None => pick_seed(),
    };
    deck.set_seed(seed);
    let Origin {
        system: origin,
        has_velocities,
        constraints,
        molecules,
        terms,
        notes,
    } = Origin::of(&mut deck, &mut md)?;
    let plan = Plan {
        md: &md,
        output,
        deck: &deck,
        resolved: deck.resolved(),
        seed,
        seed_picked: md.seed.is_none() && !options.resume,
        origin,
        has_velocities,
        constraints,
        molecules,
        terms,
        notes,
        sources: provenance::sources(&deck)?,
    };
    plan::announce(&plan, console);
    if let Some(deck) = &md.exchange {
        return exchange::run(&plan, deck, &files, options.resume, &limits, console);
    }
    let summaries = if let [files] = &files[..] {
        let begun = if options.resume {
            resume(&plan, 1, files, "", console)?
        } else {
            start(&plan, 1, files)?
        };
        vec![advance(&plan, begun, files, "", &limits, console)?]
    } else {
        replicas::run(&plan, &files, options.resume, &limits, console)?
    };
    summary::print(&summaries, console);
    let reached = |o: Outcome| summaries.iter().any(|s| s.outcome == o);
    let stops = [Outcome::Interrupted, Outcome::OutOfTime];
    Ok(stops
        .into_iter()
        .find(|o| reached(*o))
        .unwrap_or(Outcome::Done))
}

/// A seed nobody named: from the clock and the process, so that runs differ.
fn pick_seed() -> u64 {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64);
    let mixed =
        (time ^ u64::from(std::process::id()).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // TOML integers are signed, and a short number is easier to copy.
    mixed >> 32
}

/// A simulation with its open files.
struct Begun {
    simulation: Simulation,
    sinks: Sinks,
}

impl Begun {
    /// A simulation at step 0, its first frame written. Nothing of an earlier run is touched before the structure has been
    /// evaluated.
    fn at_start(plan: &Plan<'_>, replica: u32, files: &Files) -> Result<Begun> {
        let mut simulation = Simulation::start(plan, replica)?;
        let mut sinks = Sinks::create(plan, &simulation, files)?;
        simulation.record(&mut sinks)?;
        Ok(Begun { simulation, sinks })
    }
}

/// A simulation at step 0 with its first checkpoint.
fn start(plan: &Plan<'_>, replica: u32, files: &Files) -> Result<Begun> {
    let mut begun = Begun::at_start(plan, replica, files)?;
    save(plan, &begun.simulation, &mut begun.sinks, files)?;
    Ok(begun)
}

/// The simulation of the newest checkpoint, its files cut back to it.
fn resume(
    plan: &Plan<'_>,
    replica: u32,
    files: &Files,
    label: &str,
    console: &Console,
) -> Result<Begun> {
    let checkpoint = read_checkpoint(plan, files, console)?;
    resume_from(plan, replica, files, &checkpoint, label, console)
}

/// The simulation of a checkpoint, its files cut back to it.
fn resume_from(
    plan: &Plan<'_>,
    replica: u32,
    files: &Files,
    checkpoint: &Checkpoint,
    label: &str,
    console: &Console,
) -> Result<Begun> {
    let simulation = Simulation::resume(plan, replica, files, checkpoint)?;
    let sinks = Sinks::append(plan, &simulation, files, checkpoint)?;
    let at = format!(
        "step {} ({:.4} ps)",
        simulation.state.step,
        simulation.time_fs() * 1e-3
    );
    let label = if label.is_empty() {
        String::new()
    } else {
        format!("{label}, ")
    };
    if simulation.state.step >= plan.md.steps {
        console.fact(
            "resumed",
            format!("{label}{at}: the run is complete. To extend it, give a longer `length`, as in --set md.length=\"...\""),
        );
    } else {
        console.fact("resumed", format!("{label}{at}"));
    }
    Ok(Begun { simulation, sinks })
}

/// The loop: steps, output and checkpoints until the end or a limit.
fn advance(
    plan: &Plan<'_>,
    begun: Begun,
    files: &Files,
    label: &str,
    limits: &Limits,
    console: &Console,
) -> Result<Summary> {
    let Begun {
        mut simulation,
        mut sinks,
    } = begun;
    let md = plan.md;
    let first = simulation.state.step;
    let mut saved = first;
    let mut progress = Progress::new(
        console,
        label,
        first,
        md.steps,
        simulation.state.system.atoms.len(),
        simulation.timestep_fs,
        plan.output.progress_every,
    );
    let outcome = steps(
        plan,
        &mut simulation,
        &mut sinks,
        files,
        &mut progress,
        &mut saved,
        limits,
    );
    progress.show(&simulation.status());
    let (wall, per_atom_step) = progress.finish(simulation.state.step);
    drop(progress);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Stopped::Dynamics(failure)) => {
            return Err(sinks.fail(plan, &simulation, &failure, files));
        }
        Err(Stopped::Output(e)) => {
            // What can still be written is written; the checkpoint that is there remains the one to go on from.
            let _ = sinks.sync();
            return Err(with_hint(e, saved));
        }
    };
    if simulation.state.step > saved {
        save(plan, &simulation, &mut sinks, files).map_err(|e| with_hint(e, saved))?;
    }
    let begun = Begun { simulation, sinks };
    let speed = (wall, per_atom_step);
    conclude(plan, begun, files, label, outcome, speed, first)
}

/// Writes the results of a simulation whose last checkpoint is written, closes its files and sums it up. `speed` is its wall time
/// and the time per atom and step, `first` the step from which it went on.
fn conclude(
    plan: &Plan<'_>,
    begun: Begun,
    files: &Files,
    label: &str,
    outcome: Outcome,
    speed: (f64, f64),
    first: u64,
) -> Result<Summary> {
    let Begun {
        simulation,
        mut sinks,
    } = begun;
    let found = Statistics::of(&simulation, plan.md);
    let written = sinks
        .write_results(plan, &simulation, &found, files)
        .and_then(|results| {
            if outcome == Outcome::Done
                && let Some(file) = &files.final_structure
            {
                output::write_structure(file, &simulation)?;
            }
            Ok((sinks.close()?, results))
        });
    let (mut written, mut results) = written.map_err(|e| with_hint(e, simulation.state.step))?;
    written.append(&mut results);
    written.push(files.checkpoint.clone());
    written.extend(
        files
            .final_structure
            .clone()
            .filter(|_| outcome == Outcome::Done),
    );
    Ok(Summary::new(
        &simulation,
        found,
        label,
        outcome,
        speed.0,
        speed.1,
        first,
        written,
    ))
}

/// Why the loop ended before its time.
enum Stopped {
    Dynamics(simulation::Failure),
    Output(Error),
}

impl From<Error> for Stopped {
    fn from(e: Error) -> Stopped {
        Stopped::Output(e)
    }
}

/// Does the steps; `saved` follows the step of the last checkpoint.
fn steps(
    plan: &Plan<'_>,
    simulation: &mut Simulation,
    sinks: &mut Sinks,
    files: &Files,
    progress: &mut Progress,
    saved: &mut u64,
    limits: &Limits,
) -> std::result::Result<Outcome, Stopped> {
    let checkpoints = &plan.output.checkpoint;
    let mut last_save = Instant::now();
    let mut last_flush = last_save;
    let mut unflushed = false;
    // Of the structure that the run starts from.
    if let Some(remark) = simulation.remark() {
        progress.remark(&remark);
    }
    while simulation.state.step < plan.md.steps {
        let now = Instant::now();
        if let Some(outcome) = limits.reached_at(now) {
            return Ok(outcome);
        }
        simulation.enter_stage(plan)?;
        tell(simulation, progress);
        let due = sinks.due(simulation.state.step + 1);
        simulation.advance(due).map_err(Stopped::Dynamics)?;
        if let Some(remark) = simulation.remark() {
            progress.remark(&remark);
        }
        if due.is_anything() {
            simulation.record(sinks)?;
            unflushed = true;
        }
        let step = simulation.state.step;
        let by_step = checkpoints.every.is_some_and(|n| step.is_multiple_of(n));
        if by_step || now.duration_since(last_save) >= checkpoints.wall {
            save(plan, simulation, sinks, files)?;
            if !by_step {
                // Now and then in a long run, so that a person can look at it.
                let found = Statistics::of(simulation, plan.md);
                sinks.write_results(plan, simulation, &found, files)?;
            }
            *saved = step;
            last_save = Instant::now();
            unflushed = false;
        } else if unflushed && now.duration_since(last_flush) >= FLUSH_EVERY {
            sinks.flush()?;
            last_flush = now;
            unflushed = false;
        }
        if progress.is_due(now) {
            progress.show(&simulation.status());
        }
    }
    tell(simulation, progress);
    Ok(Outcome::Done)
}

/// Says what a person should hear of the latest step.
fn tell(simulation: &mut Simulation, progress: &Progress) {
    for notice in simulation.notices.drain(..) {
        match notice {
            Notice::Remark(text) => progress.remark(&text),
            Notice::Note(text) => progress.note(&text),
        }
    }
}

/// What was written is flushed to the files at least this often (and before every checkpoint).
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Adds to an error of the environment how the run can be saved.
fn with_hint(mut e: Error, saved: u64) -> Error {
    if let Error::Environment(e) = &mut e {
        e.system.push_str(&format!(
            "\n  help: when that is mended, go on with --resume (from the checkpoint of step {saved})"
        ));
    }
    e
}

/// Makes everything written so far durable, then the checkpoint that refers to it.
fn save(plan: &Plan<'_>, simulation: &Simulation, sinks: &mut Sinks, files: &Files) -> Result<()> {
    sinks.sync()?;
    let mut checkpoint = simulation.checkpoint(plan);
    sinks.note_positions(&mut checkpoint);
    checkpoint.write(&files.checkpoint)
}

/// Reads the checkpoint of a run and refuses it when the deck has changed in more than its length, or a model file has.
fn read_checkpoint(plan: &Plan<'_>, files: &Files, console: &Console) -> Result<Checkpoint> {
    let (checkpoint, note) = Checkpoint::read(&files.checkpoint)?;
    if let Some(note) = note {
        console.warn(note);
    }
    let deck = || plan.deck.source.path.clone();
    let changed: Vec<String> = deck::forbidden(&checkpoint.deck, &plan.resolved)
        .iter()
        .map(|d| d.to_string())
        .collect();
    if !changed.is_empty() {
        let shown = changed.join("\n    ");
        return Err(Error::input(
            deck(),
            format!("the deck has changed since the run that is to be resumed:\n    {shown}"),
        )
        .advise(
            "undo the change (only the length, or that of the last stage, may grow), or start a new run without --resume",
        ));
    }
    let ramp = plan.md.schedule().iter().any(StageDeck::has_ramp);
    if ramp && plan.md.stages.is_empty() && checkpoint.deck != plan.resolved {
        let lengths = deck::differences(&checkpoint.deck, &plan.resolved);
        if lengths.iter().any(|d| d.key == "md.length") {
            return Err(Error::input(
                deck(),
                "the length has changed, and with it the ramp, which goes over the whole run",
            )
            .advise("keep the length; write a protocol with [[stage]] for what follows a ramp"));
        }
    }
    if checkpoint.step > plan.md.steps {
        return Err(Error::input(
            deck(),
            format!(
                "the run stands at step {}, beyond the {} steps of the deck",
                checkpoint.step, plan.md.steps
            ),
        )
        .advise("give a longer `length`"));
    }
    for remark in provenance::compare(&plan.sources, &checkpoint)? {
        console.warn(remark);
    }
    Ok(checkpoint)
}

impl Simulation {
    /// What a progress line shows.
    fn status(&self) -> Status {
        let atoms = self.state.system.atoms.len() as f64;
        let places = self.ledger.places();
        let ramp = self.schedule[self.stage].has_ramp();
        let live =
            |column: Option<usize>| column.filter(|_| !ramp).and_then(|c| self.ledger.live(c));
        Status {
            step: self.state.step,
            time_fs: self.time_fs(),
            temperature: self.temperature(),
            energy_per_atom: self.state.evaluation.energy / atoms,
            drift_per_atom: (self.integrator.conserved(&self.state) - self.conserved_at_start)
                / atoms,
            mean_temperature: live(Some(places.temperature)),
            mean_density: live(places.density),
            reliability: self
                .verdict
                .zip(self.watch.as_ref())
                .map(|(v, w)| (w.what.measure.name(), v.value)),
        }
    }
}
