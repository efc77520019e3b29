//! Molecular dynamics: deck → system, potential, integrator → loop → trajectory, table, checkpoint, summary.

mod output;
mod plan;
mod simulation;
mod summary;

pub use plan::check;

use super::{Outcome, RunOptions, parts};
use crate::deck::{self, Deck, JobDeck, MdDeck, ModelDeck, OutputDeck, PotentialDeck};
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::potential::Term;
use crate::report::{Console, Progress, Status};
use crate::units::TIME_FS;
use output::Sinks;
use sha2::{Digest, Sha256};
use simulation::Simulation;
use std::path::{Path, PathBuf};
use std::time::Instant;
use summary::Summary;

/// Everything that is the same for all replicas of a run.
struct Plan<'a> {
    md: &'a MdDeck,
    output: &'a OutputDeck,
    deck: &'a Deck,
    /// The resolved deck, with the seed that is used.
    resolved: String,
    seed: u64,
    terms: Vec<Term>,
    /// SHA-256 of the model files, by term.
    model_hashes: Vec<(String, String)>,
}

/// Runs molecular dynamics.
pub fn run(mut deck: Deck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    let JobDeck::Md(md) = &deck.job;
    let md = md.clone();
    let first = replica_path(&deck.output.checkpoint.file, 1, md.replicas);
    let seed = match md.seed {
        Some(seed) => seed,
        None if options.resume => Checkpoint::read(&first)?.0.seed,
        None => pick_seed(),
    };
    deck.set_seed(seed);
    let plan = Plan {
        md: &md,
        output: &deck.output,
        deck: &deck,
        resolved: deck.resolved(),
        seed,
        terms: parts::build_terms(&deck.potential)?,
        model_hashes: model_hashes(&deck.potential)?,
    };
    plan::announce(&plan, console);
    let outcomes: Vec<Result<(Outcome, Option<Summary>)>> = if md.replicas == 1 {
        vec![run_replica(&plan, 1, options, console)]
    } else {
        use rayon::prelude::*;
        (0..md.replicas)
            .into_par_iter()
            .with_max_len(1)
            .map(|r| r + 1)
            .map(|r| run_replica(&plan, r, options, console))
            .collect()
    };
    let mut outcome = Outcome::Done;
    let mut summaries = Vec::new();
    for result in outcomes {
        let (o, summary) = result?;
        if o != Outcome::Done {
            outcome = o;
        }
        summaries.extend(summary);
    }
    summary::print(&summaries, console);
    Ok(outcome)
}

/// Path and SHA-256 of every model file of a deck.
fn model_hashes(potential: &PotentialDeck) -> Result<Vec<(String, String)>> {
    let mut hashes = Vec::new();
    for term in &potential.terms {
        if let ModelDeck::Gap { file } = &term.model {
            let bytes = std::fs::read(file).map_err(|e| Error::reading(file, &e))?;
            let digest: String = Sha256::digest(&bytes)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            hashes.push((
                format!("model_{}", term.name),
                format!("{} sha256 {digest}", file.display()),
            ));
        }
    }
    Ok(hashes)
}

/// A seed nobody named: from the clock and the process, so that runs differ.
fn pick_seed() -> u64 {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64);
    let mixed =
        (time ^ u64::from(std::process::id()).rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // TOML integers are signed.
    mixed >> 16
}

/// `silicon.h5md` for a single run, `silicon.r03.h5md` for the third of several.
fn replica_path(path: &Path, replica: u32, replicas: u32) -> PathBuf {
    if replicas <= 1 {
        return path.to_path_buf();
    }
    let width = replicas.to_string().len().max(2);
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().into_owned())
        .unwrap_or_default();
    path.with_extension(format!("r{replica:0width$}.{extension}").trim_end_matches('.'))
}

fn run_replica(
    plan: &Plan<'_>,
    replica: u32,
    options: &RunOptions,
    console: &Console,
) -> Result<(Outcome, Option<Summary>)> {
    let (md, replicas) = (plan.md, plan.md.replicas);
    let path = |p: &Path| replica_path(p, replica, replicas);
    let checkpoint_file = path(&plan.output.checkpoint.file);
    let label = if replicas > 1 {
        format!("replica {replica}")
    } else {
        String::new()
    };
    let saved = if options.resume {
        Some(read_checkpoint(plan, &checkpoint_file, console)?)
    } else {
        None
    };
    let mut simulation = match &saved {
        Some(checkpoint) => Simulation::resume(plan, replica, checkpoint)?,
        None => Simulation::start(plan, replica)?,
    };
    let mut sinks = match &saved {
        Some(checkpoint) => Sinks::append(plan, &simulation, &path, checkpoint)?,
        None => Sinks::create(plan, &simulation, &path, options.overwrite)?,
    };
    if saved.is_some() {
        console.say(format!(
            "{}resumed at step {} ({:.4} ps)",
            if label.is_empty() {
                String::new()
            } else {
                format!("{label}: ")
            },
            simulation.state.step,
            simulation.time_fs() * 1e-3
        ));
    } else {
        simulation.record(&mut sinks)?;
        save(plan, &mut simulation, &mut sinks, &checkpoint_file)?;
    }
    let start = simulation.state.step;
    let mut progress = Progress::new(
        console,
        &label,
        start,
        md.steps,
        simulation.state.system.atoms.len(),
        md.timestep * TIME_FS,
        plan.output.progress_every,
    );
    let began = Instant::now();
    let mut last_save = Instant::now();
    let mut last_flush = Instant::now();
    let mut outcome = Outcome::Done;
    while simulation.state.step < md.steps {
        if options.stop.is_set() {
            outcome = Outcome::Interrupted;
            break;
        }
        if options
            .walltime
            .is_some_and(|limit| began.elapsed() >= limit)
        {
            outcome = Outcome::OutOfTime;
            break;
        }
        let want = sinks.due(simulation.state.step + 1);
        if let Err(failure) = simulation.advance(want) {
            drop(progress);
            return Err(sinks.fail(&simulation, failure, &checkpoint_file));
        }
        if want.is_anything() {
            simulation.record(&mut sinks)?;
            if want.frame && last_flush.elapsed() >= FLUSH_EVERY {
                sinks.flush()?;
                last_flush = Instant::now();
            }
        }
        let by_step = plan
            .output
            .checkpoint
            .every
            .is_some_and(|n| simulation.state.step % n == 0);
        if by_step || last_save.elapsed() >= plan.output.checkpoint.wall {
            save(plan, &mut simulation, &mut sinks, &checkpoint_file)?;
            last_save = Instant::now();
        }
        if progress.is_due() {
            progress.show(&simulation.status());
        }
    }
    progress.show(&simulation.status());
    let (wall, per_atom_step) = progress.finish(simulation.state.step);
    drop(progress);
    save(plan, &mut simulation, &mut sinks, &checkpoint_file)?;
    let files = sinks.close()?;
    if outcome == Outcome::Done
        && let Some(file) = &plan.output.final_structure
    {
        output::write_structure(&path(file), &simulation)?;
    }
    let summary = Summary::new(
        &simulation,
        outcome,
        wall,
        per_atom_step,
        start,
        files,
        &checkpoint_file,
    );
    Ok((outcome, Some(summary)))
}

/// Frames are flushed to the file at least this often (and before every checkpoint).
const FLUSH_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// Makes everything written so far durable, then the checkpoint that refers to it.
fn save(
    plan: &Plan<'_>,
    simulation: &mut Simulation,
    sinks: &mut Sinks,
    file: &Path,
) -> Result<()> {
    sinks.sync()?;
    let mut checkpoint = simulation.checkpoint(plan);
    sinks.note_positions(&mut checkpoint);
    checkpoint.write(file)
}

/// Reads the checkpoint of a run and refuses it when the deck has changed in more than its length.
fn read_checkpoint(plan: &Plan<'_>, file: &Path, console: &Console) -> Result<Checkpoint> {
    let (checkpoint, note) = Checkpoint::read(file)?;
    if let Some(note) = note {
        console.warn(note);
    }
    let changed: Vec<String> = deck::differences(&checkpoint.deck, &plan.resolved)
        .iter()
        .filter(|d| !d.allowed())
        .map(|d| d.to_string())
        .collect();
    if !changed.is_empty() {
        let shown = changed.join("\n    ");
        return Err(Error::input(
            plan.deck.source.path.clone(),
            format!("the deck has changed since the run that is to be resumed:\n    {shown}"),
        )
        .advise(
            "undo the change (only the length may grow), or start a new run without --resume",
        ));
    }
    if checkpoint.step > plan.md.steps {
        return Err(Error::input(
            plan.deck.source.path.clone(),
            format!(
                "the run stands at step {}, beyond the {} steps of the deck",
                checkpoint.step, plan.md.steps
            ),
        )
        .advise("give a longer `length`"));
    }
    Ok(checkpoint)
}

impl Simulation {
    /// What a progress line shows.
    fn status(&self) -> Status {
        let atoms = self.state.system.atoms.len() as f64;
        Status {
            step: self.state.step,
            time_fs: self.time_fs(),
            temperature: self.temperature(),
            energy_per_atom: self.state.evaluation.energy / atoms,
            drift_per_atom: (self.integrator.conserved(&self.state) - self.conserved_at_start)
                / atoms,
        }
    }
}
