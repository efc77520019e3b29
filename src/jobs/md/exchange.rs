//! Replicas at several temperatures and pressures that step together and change places.

use super::files::Files;
use super::ladder::Ladder;
use super::replicas::{of_replica, replica_number};
use super::simulation::{Failure, Simulation};
use super::statistics::Statistics;
use super::summary::{self, Summary};
use super::{Begun, FLUSH_EVERY, Plan, Stopped, conclude, tell, with_hint};
use super::{read_checkpoint, resume_from};
use crate::deck::{ExchangeDeck, MdDeck};
use crate::dynamics::{Walker, exchange, step_together};
use crate::error::{Error, Result};
use crate::io::checkpoint::{self, Checkpoint};
use crate::jobs::Outcome;
use crate::jobs::limits::Limits;
use crate::random::{Purpose, Stream};
use crate::report::{Console, Progress};
use std::time::Instant;

/// The deck of each replica.
pub(super) fn decks(md: &MdDeck) -> Vec<MdDeck> {
    (1..=md.replicas).map(|r| md.of_replica(r)).collect()
}

/// Runs all replicas in step, and prints their summaries.
pub(super) fn run(
    plan: &Plan<'_>,
    deck: &ExchangeDeck,
    all: &[Files],
    resuming: bool,
    limits: &Limits,
    console: &Console,
) -> Result<Outcome> {
    let decks = decks(plan.md);
    let with = |md| Plan { md, ..plan.clone() };
    let plans: Vec<Plan<'_>> = decks.iter().map(with).collect();
    let mut replicas = match resuming {
        true => Replicas::resume(&plans, deck, all, console)?,
        false => Replicas::start(&plans, deck, all)?,
    };
    let (atoms, timestep) = {
        let s = &replicas.begun[0].simulation;
        (s.state.system.atoms.len(), s.timestep_fs)
    };
    let first = replicas.step();
    let mut progress = Progress::new(
        console,
        "",
        first,
        plan.md.steps,
        atoms * all.len(),
        timestep,
        plan.output.progress_every,
    );
    let outcome = replicas.steps(limits, &mut progress);
    progress.show(&replicas.begun[0].simulation.status());
    let (wall, per_atom_step) = progress.finish(replicas.step());
    drop(progress);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err((k, Stopped::Dynamics(failure))) => {
            let Begun { simulation, sinks } = &mut replicas.begun[k];
            let e = sinks.fail(&plans[k], simulation, &failure, &all[k]);
            let others = replicas.begun.iter_mut();
            others.for_each(|b| drop(b.sinks.sync()));
            return Err(of_replica(e, k));
        }
        Err((k, Stopped::Output(e))) => {
            let each = replicas.begun.iter_mut();
            each.for_each(|b| drop(b.sinks.sync()));
            return Err(of_replica(with_hint(e, replicas.saved), k));
        }
    };
    if replicas.step() > replicas.saved {
        let saved = replicas.saved;
        replicas.save().map_err(|e| with_hint(e, saved))?;
    }
    let Replicas { begun, ladder, .. } = replicas;
    let mut summaries: Vec<Summary> = Vec::new();
    for (k, begun) in begun.into_iter().enumerate() {
        let label = label(k, all.len());
        let speed = (wall, per_atom_step);
        let one = conclude(&plans[k], begun, &all[k], &label, outcome, speed, first);
        summaries.push(one.map_err(|e| of_replica(e, k))?);
    }
    summary::print_ladder(&summaries, &ladder, console);
    Ok(outcome)
}

fn label(k: usize, of: usize) -> String {
    format!("replica {:>width$}", k + 1, width = of.to_string().len())
}

/// All replicas, at the same step.
struct Replicas<'a> {
    plans: &'a [Plan<'a>],
    deck: &'a ExchangeDeck,
    files: &'a [Files],
    begun: Vec<Begun>,
    ladder: Ladder,
    /// The step of the last checkpoints.
    saved: u64,
}

/// The replica where something went wrong, and what.
type Wrong = (usize, Stopped);

impl<'a> Replicas<'a> {
    /// All at step 0, with their first checkpoints.
    fn start(
        plans: &'a [Plan<'a>],
        deck: &'a ExchangeDeck,
        files: &'a [Files],
    ) -> Result<Replicas<'a>> {
        let mut begun = Vec::new();
        for (k, (plan, files)) in plans.iter().zip(files).enumerate() {
            let one = Begun::at_start(plan, replica_number(k), files);
            begun.push(one.map_err(|e| of_replica(e, k))?);
        }
        let mut replicas = Replicas {
            ladder: Ladder::create(deck, &begun[0].simulation)?,
            plans,
            deck,
            files,
            begun,
            saved: 0,
        };
        replicas.save()?;
        Ok(replicas)
    }

    /// All at the newest step of which each has a checkpoint.
    fn resume(
        plans: &'a [Plan<'a>],
        deck: &'a ExchangeDeck,
        files: &'a [Files],
        console: &Console,
    ) -> Result<Replicas<'a>> {
        let step = agree(plans, files, console)?;
        let mut begun = Vec::new();
        let mut ladder = None;
        for (k, (plan, files)) in plans.iter().zip(files).enumerate() {
            let saved = read_checkpoint(plan, files, console)?;
            if saved.step != step {
                let reason = format!("this checkpoint is of step {}, not {step}", saved.step);
                return Err(Error::file(&files.checkpoint, reason)
                    .advise("it was changed while the run was being resumed; try once more"));
            }
            if k == 0 {
                ladder = Some(Ladder::resume(deck, &saved)?);
            }
            let label = label(k, plans.len());
            let replica = replica_number(k);
            begun.push(resume_from(plan, replica, files, &saved, &label, console)?);
        }
        let ladder = ladder.ok_or_else(|| Error::Bug("no replica to resume".into()))?;
        Ok(Replicas {
            plans,
            deck,
            files,
            begun,
            ladder,
            saved: step,
        })
    }

    fn step(&self) -> u64 {
        self.begun.first().map_or(0, |b| b.simulation.state.step)
    }

    /// Makes everything written so far durable, then the checkpoints that refer to it, all of the same step.
    fn save(&mut self) -> Result<()> {
        self.ladder.sync()?;
        for b in &mut self.begun {
            b.sinks.sync()?;
        }
        for ((plan, files), b) in self.plans.iter().zip(self.files).zip(&self.begun) {
            let mut checkpoint = b.simulation.checkpoint(plan);
            b.sinks.note_positions(&mut checkpoint);
            self.ladder.note(&mut checkpoint);
            checkpoint.write(&files.checkpoint)?;
        }
        self.saved = self.step();
        Ok(())
    }

    /// The loop: exchanges, steps, output and checkpoints until the end or a limit.
    fn steps(
        &mut self,
        limits: &Limits,
        progress: &mut Progress,
    ) -> std::result::Result<Outcome, Wrong> {
        let plan = &self.plans[0];
        let checkpoints = &plan.output.checkpoint;
        let of_first = |e: Error| (0, Stopped::Output(e));
        let mut last_save = Instant::now();
        let mut last_flush = last_save;
        let mut unflushed = false;
        while self.step() < plan.md.steps {
            let now = Instant::now();
            if let Some(outcome) = limits.reached_at(now) {
                return Ok(outcome);
            }
            // Before the step, so that a checkpoint, and the last step of a run, need not tell whether it was done.
            let step = self.step();
            if step > 0 && step.is_multiple_of(self.deck.every) {
                self.exchange()?;
                unflushed = true;
            }
            unflushed |= self.advance(progress)?;
            let step = self.step();
            let by_step = checkpoints.every.is_some_and(|n| step.is_multiple_of(n));
            if by_step || now.duration_since(last_save) >= checkpoints.wall {
                self.save().map_err(of_first)?;
                if !by_step {
                    self.write_results()?;
                }
                last_save = Instant::now();
                unflushed = false;
            } else if unflushed && now.duration_since(last_flush) >= FLUSH_EVERY {
                self.ladder.flush().map_err(of_first)?;
                for (k, b) in self.begun.iter_mut().enumerate() {
                    b.sinks.flush().map_err(|e| (k, e.into()))?;
                }
                last_flush = now;
                unflushed = false;
            }
            if progress.is_due(now) {
                progress.show(&self.begun[0].simulation.status());
            }
        }
        Ok(Outcome::Done)
    }

    /// One step of all replicas; whether anything was written.
    fn advance(&mut self, progress: &Progress) -> std::result::Result<bool, Wrong> {
        let step = self.step();
        let Some(due) = self.begun.first().map(|b| b.sinks.due(step + 1)) else {
            return Ok(false);
        };
        let mut cells = Vec::with_capacity(self.begun.len());
        let mut walkers = Vec::with_capacity(self.begun.len());
        let mut want = crate::potential::Want::DYNAMICS;
        for b in &mut self.begun {
            want = b.simulation.want(due);
            cells.push(b.simulation.cell_before());
            walkers.push(walker(&mut b.simulation));
        }
        let done = step_together(&mut walkers, want);
        drop(walkers);
        done.map_err(|(k, e)| (k, Stopped::Dynamics(Failure::Step(e))))?;
        for (k, (b, before)) in self.begun.iter_mut().zip(cells).enumerate() {
            let Begun { simulation, sinks } = b;
            let looked = simulation.look(before, due);
            looked.map_err(|e| (k, Stopped::Dynamics(e)))?;
            if let Some(remark) = simulation.remark() {
                progress.remark(&format!("replica {}: {remark}", k + 1));
            }
            if due.is_anything() {
                simulation.record(sinks).map_err(|e| (k, e.into()))?;
            }
            tell(simulation, progress);
        }
        Ok(due.is_anything())
    }

    /// Lets the even or the odd pairs of neighbours change places.
    fn exchange(&mut self) -> std::result::Result<(), Wrong> {
        let step = self.step();
        let seed = self.plans[0].seed;
        for pair in self.ladder.pairs(step) {
            let [a, b] = &mut self.begun[pair..pair + 2] else {
                continue;
            };
            let uniform = Stream::new(seed, Purpose::Exchange, step, pair as u64, 0).uniform();
            let (mut a, mut b) = (walker(&mut a.simulation), walker(&mut b.simulation));
            let outcome = exchange(&mut a, &mut b, uniform);
            let outcome = outcome.map_err(|e| (pair, Stopped::Dynamics(Failure::Step(e))))?;
            self.ladder.count(pair, outcome);
        }
        let written = self.ladder.write(&self.begun[0].simulation);
        written.map_err(|e| (0, e.into()))
    }

    /// Writes what is made from the whole run so far, so that a person can look at it.
    fn write_results(&mut self) -> std::result::Result<(), Wrong> {
        let each = self.begun.iter_mut().zip(self.plans).zip(self.files);
        for (k, ((b, plan), files)) in each.enumerate() {
            let found = Statistics::of(&b.simulation, plan.md);
            let written = b.sinks.write_results(plan, &b.simulation, &found, files);
            written.map_err(|e| (k, e.into()))?;
        }
        Ok(())
    }
}

fn walker(s: &mut Simulation) -> Walker<'_> {
    Walker {
        integrator: &mut s.integrator,
        state: &mut s.state,
        evaluator: &mut s.evaluator,
    }
}

/// The newest step of which all replicas have a checkpoint. Where that is the one before the last, it takes its place: the run
/// was killed while it wrote the last.
fn agree(plans: &[Plan<'_>], files: &[Files], console: &Console) -> Result<u64> {
    let step_of = |path: &std::path::Path| Checkpoint::read_file(path).ok().map(|c| c.step);
    let steps: Vec<[Option<u64>; 2]> = files
        .iter()
        .map(|f| {
            let newest = step_of(&f.checkpoint);
            [newest, step_of(&checkpoint::previous(&f.checkpoint))]
        })
        .collect();
    let newest = steps.iter().flatten().flatten().copied().filter(|s| {
        let has = |own: &[Option<u64>; 2]| own.contains(&Some(*s));
        steps.iter().all(has)
    });
    let Some(step) = newest.max() else {
        // One that cannot be read at all says why.
        for (plan, files) in plans.iter().zip(files) {
            read_checkpoint(plan, files, console)?;
        }
        let list: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(k, s)| {
                let s: Vec<String> = s.iter().flatten().map(u64::to_string).collect();
                format!("{}: {}", k + 1, s.join(" and "))
            })
            .collect();
        let reason = format!(
            "the replicas have no checkpoint of the same step; by replica, they are of the steps {}",
            list.join("; ")
        );
        let path = files
            .first()
            .map_or(std::path::Path::new(""), |f| &f.checkpoint);
        return Err(Error::file(path, reason).advise(
            "put the files of one run together, or run again from the start with --overwrite",
        ));
    };
    for (files, [newest, _]) in files.iter().zip(&steps) {
        if *newest != Some(step) {
            let path = &files.checkpoint;
            console.warn(format!(
                "{}: the run was stopped while it wrote the checkpoints; going on from step {step}, of which all replicas have one",
                path.display()
            ));
            std::fs::rename(checkpoint::previous(path), path).map_err(|e| {
                Error::environment("cannot go back to the checkpoint before", path, e)
            })?;
        }
    }
    Ok(step)
}
