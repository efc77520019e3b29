//! Relaxation: deck → structures → minima → one file of structures, one table.

mod many;
mod pages;
mod record;
pub(super) mod saved;
mod single;
mod source;
mod tally;

use super::announce::announce;
use super::limits::Limits;
use super::outputs::Outputs;
use super::{Outcome, RunOptions, parts, selection};
use crate::deck::{CellChange, Deck, FrameChoice, RelaxCellDeck, RelaxDeck};
use crate::dynamics::barostat::StrainSpace;
use crate::error::{Error, Result};
use crate::potential::{Evaluation, Evaluator, Term, Want};
use crate::relax::{CellSettings, Settings};
use crate::report::{Console, Page, human_bytes, human_duration, human_seconds};
use crate::system::System;
use saved::State;
use source::{Starts, are_many};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The table of the deck that names the files.
const TABLE: &str = "[relax]";

/// Everything that is the same for all structures.
struct Plan<'a> {
    deck: &'a Deck,
    job: &'a RelaxDeck,
    models: Vec<Term>,
}

impl<'a> Plan<'a> {
    fn of(deck: &'a Deck, job: &'a RelaxDeck) -> Result<Plan<'a>> {
        Ok(Plan {
            deck,
            job,
            models: parts::build_terms(&deck.potential)?,
        })
    }

    /// The potential for one system.
    fn evaluator(&self, system: &System, place: &Path) -> Result<Evaluator> {
        let (mut terms, _) = parts::fit_terms(&self.models, system, place)?;
        terms.extend(super::external::terms(self.deck, system)?);
        let evaluator = Evaluator::new(terms, self.job.skin);
        parts::check_elements(&evaluator, &system.atoms.distinct_elements(), place)?;
        Ok(evaluator)
    }

    /// What is asked for, for one system.
    fn settings(&self, system: &System) -> Result<Settings> {
        let job = self.job;
        let mut held = Vec::new();
        for (atoms, axes) in &job.held {
            held.resize(system.atoms.len(), [false; 3]);
            let who = "a table [[relax.hold]]";
            for i in selection::select(atoms, &system.atoms, &self.deck.source.path, who)? {
                (0..3).for_each(|k| held[i as usize][k] |= axes[k]);
            }
        }
        Ok(Settings {
            method: job.method,
            fmax: job.fmax,
            cell: job.cell.as_ref().map(cell_settings),
            held,
            keep_symmetry: job.keep_symmetry.then_some(job.tolerance),
            verify: job.verify,
            leave_saddles: job.leave_saddles,
            max_steps: job.max_steps,
            max_move: job.max_move,
            history: job.history,
        })
    }

    /// The space group of a crystal and the number of its operations.
    fn group(&self, system: &System) -> Option<(String, usize)> {
        record::group(system, self.job.tolerance)
    }
}

fn cell_settings(deck: &RelaxCellDeck) -> CellSettings {
    let s = deck.stress;
    CellSettings {
        filter: deck.filter,
        strains: match deck.change {
            CellChange::Volume => StrainSpace::isotropic(),
            CellChange::All => StrainSpace::components(deck.free),
            CellChange::Shape => StrainSpace::components(deck.free).at_constant_volume(),
        },
        target: [[s[0], s[5], s[4]], [s[5], s[1], s[3]], [s[4], s[3], s[2]]],
        tolerance: deck.tolerance,
    }
}

/// Runs the job.
pub fn run(
    deck: &Deck,
    job: &RelaxDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    let _lock = Outputs::of(deck).claim_alone(TABLE, options, &job.files.checkpoint)?;
    let state = match options.resume {
        true => Some(saved::read(&job.files.checkpoint, deck)?),
        false => None,
    };
    if matches!(state, Some(State::Done)) {
        console.say("the relaxation is complete: there is nothing to resume");
        return Ok(Outcome::Done);
    }
    let plan = Plan::of(deck, job)?;
    announce(deck, &plan.models, console);
    for (name, value) in facts(job) {
        console.fact(name, value);
    }
    if are_many(deck, job) {
        let state = match state {
            Some(State::Many(many)) => Some(*many),
            _ => None,
        };
        let total = count(&plan)?;
        let outcome = many::run(&plan, state, Some(total), &limits, console)?;
        let files = &job.files;
        for file in [&files.structure, &files.table] {
            console.fact("written", file.display().to_string());
        }
        if outcome != Outcome::Done {
            console.say("stopped; --resume goes on with the structures that are left");
        }
        return Ok(outcome);
    }
    let state = match state {
        Some(State::One(one)) => Some(*one),
        _ => None,
    };
    let content = parts::one_frame(&deck.system, &deck.system.structure)?;
    single::run(&plan, state, content, &limits, console)
}

/// What is asked for, in words.
fn facts(job: &RelaxDeck) -> Vec<(&'static str, String)> {
    use crate::units::EV_PER_A3_IN_GPA;
    let mut facts = vec![(
        "method",
        format!("{}, forces below {} eV/Å", job.method.name(), job.fmax),
    )];
    if let Some(cell) = &job.cell {
        let s = cell.stress.map(|x| x * EV_PER_A3_IN_GPA);
        let what = match cell.change {
            CellChange::All => "volume and shape",
            CellChange::Volume => "volume",
            CellChange::Shape => "shape",
        };
        let target = if s[1] == s[0] && s[2] == s[0] && s[3..] == [0.0; 3] {
            format!("pressure {} GPa", 0.0 - s[0])
        } else {
            format!("stress {s:?} GPa (xx, yy, zz, yz, xz, xy)")
        };
        facts.push(("free cell", format!("{what}; {target}")));
    }
    if let Some(r) = &job.rattle {
        facts.push((
            "rattled",
            format!(
                "{} copies, displaced by {} Å, strained by up to {}",
                r.copies, r.displacement, r.strain
            ),
        ));
    }
    facts
}

/// The number of structures.
fn count(plan: &Plan<'_>) -> Result<usize> {
    let files = source::files(plan.deck)?;
    let structures = match plan.deck.system.frame {
        FrameChoice::All => parts::count_frames(&files)?,
        _ => files.len(),
    };
    let copies = plan.job.rattle.map_or(1, |r| r.copies);
    Ok(structures.saturating_mul(copies))
}

/// What the job would do and cost; relaxes nothing.
pub fn check(deck: &Deck, job: &RelaxDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let plan = Plan::of(deck, job)?;
    let mut page = Page::default();
    page.fact("deck", &deck.source.path);
    for term in &plan.models {
        page.fact("potential", &term.potential.description().name);
    }
    let many = are_many(deck, job);
    let start = Starts::of(deck, job)?
        .next()?
        .ok_or_else(|| Error::file(&deck.system.structure, "there is no structure to relax"))?;
    let system = &start.content.system;
    let total = if many { count(&plan)? } else { 1 };
    if many {
        page.fact("structures", total.to_string());
    }
    let group = plan.group(system);
    let group = group.map_or(String::new(), |g| format!(", space group {}", g.0));
    let name = if many { "the first" } else { "structure" };
    page.fact(name, format!("{} atoms{group}", system.atoms.len()));
    for (name, value) in facts(job) {
        page.fact(name, value);
    }
    let settings = plan.settings(system)?;
    let mut evaluator = plan.evaluator(system, &start.file)?;
    // Refuses what a run would refuse.
    let mut copy = system.clone();
    let none = Settings {
        max_steps: 0,
        verify: false,
        keep_symmetry: None,
        ..settings.clone()
    };
    crate::relax::relax(&mut copy, &mut evaluator, &none, &mut |_| false)
        .map_err(|e| e.within(&deck.source.path))?;
    let mut result = [Evaluation::default()];
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let began = Instant::now();
        evaluator
            .evaluate(&[system.configuration()], Want::DYNAMICS, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, system);
                Error::file(&start.file, reason).advise(advice)
            })?;
        seconds = seconds.min(began.elapsed().as_secs_f64());
    }
    page.fact("evaluation", human_seconds(seconds));
    // Some tens of evaluations are usual; nobody can know before.
    let spread = if many { crate::parallel::threads() } else { 1 };
    let guess = seconds * 30.0 * total as f64 / spread as f64;
    page.fact(
        "cost",
        format!(
            "about {} if a structure takes 30 evaluations (at most {} steps)",
            human_duration(guess),
            job.max_steps
        ),
    );
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let n = 3 * system.atoms.len();
    let bytes = (pairs * 4 + 16 * n * (job.history + 8)) * spread;
    page.fact(
        "memory",
        format!("about {} beside the model", human_bytes(bytes as f64)),
    );
    // What is kept of a single structure is not kept of many.
    let files = &job.files;
    let of_one = [&files.trajectory, &files.steps, &files.plot];
    let idle = |f: &PathBuf| many && of_one.iter().any(|o| o.as_ref() == Some(f));
    for file in deck.job.files().iter().filter(|f| !idle(f)) {
        page.fact("writes", file.display().to_string());
    }
    Ok(page)
}
