//! Nudged elastic band: two structures → relaxed ends → path of least energy → barrier, profile, images.

mod results;

use super::announce::announce;
use super::limits::Limits;
use super::outputs::Outputs;
use super::relax::saved;
use super::{Outcome, RunOptions, parts};
use crate::deck::{Deck, NebDeck};
use crate::error::{Error, Result};
use crate::potential::{Evaluation, Evaluator, Term, Want};
use crate::relax::{self, BandEnd, BandSettings, BandSnapshot, Settings};
use crate::report::{Console, Page, human_bytes, human_duration, human_seconds};
use crate::system::System;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// The table of the deck that names the files.
const TABLE: &str = "[neb]";
/// What the checkpoint begins with.
pub(super) const FORMAT: &str = "zundel band 1";
/// Pause between two states on disk, and between two lines of progress.
const SAVE_EVERY: Duration = Duration::from_secs(60);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where a run stands.
#[derive(Serialize, Deserialize)]
enum State {
    /// The ends are relaxed (positions), the band is under way.
    Band(Box<Saved>),
    /// Everything is done.
    Done,
}

/// The band and its relaxed ends (Å).
#[derive(Serialize, Deserialize)]
struct Saved {
    first: Vec<[f64; 3]>,
    last: Vec<[f64; 3]>,
    band: BandSnapshot,
}

/// The ends and the potential.
struct Ends {
    first: System,
    last: System,
    evaluator: Evaluator,
}

fn ends(deck: &Deck, job: &NebDeck) -> Result<Ends> {
    let (first, _) = parts::build_system(&deck.system)?;
    let content = parts::one_frame(&deck.system, &job.end)?;
    let (terms, _): (Vec<Term>, _) = parts::deck_terms(deck, &first)?;
    let evaluator = Evaluator::new(terms, job.skin);
    let present = first.atoms.distinct_elements();
    parts::check_elements(&evaluator, &present, &deck.system.structure)?;
    Ok(Ends {
        first,
        last: content.system,
        evaluator,
    })
}

fn settings(job: &NebDeck) -> BandSettings {
    BandSettings {
        images: job.images,
        fmax: job.fmax,
        spring: job.spring,
        climb: job.climb,
        interpolation: job.interpolation,
        max_steps: job.max_steps,
        max_move: job.max_move,
        held: Vec::new(),
    }
}

/// Relaxes an end.
fn relax_end(
    system: &mut System,
    name: &Path,
    fmax: f64,
    evaluator: &mut Evaluator,
    console: &Console,
) -> Result<()> {
    let _ = evaluator.build_lists(0, system.configuration());
    let settings = Settings::atoms(fmax);
    let outcome = relax::relax(system, evaluator, &settings, &mut |_| true)
        .map_err(|e| e.within(&name.display().to_string()))?;
    if let relax::End::Failed(e) = outcome.end {
        let (reason, advice) = parts::describe_evaluation_error(e, system);
        return Err(Error::file(name, reason).advise(advice));
    }
    let m = &outcome.measure;
    console.fact(
        "end",
        format!(
            "{}: {} in {} steps, {:.9} eV, {:.1e} eV/Å",
            name.display(),
            outcome.end.word(),
            outcome.steps,
            m.energy,
            m.fmax
        ),
    );
    if outcome.converged() {
        return Ok(());
    }
    Err(Error::run(
        format!(
            "the end {} could not be relaxed: {}, and its longest force is {:.1e} eV/Å",
            name.display(),
            outcome.end.word(),
            m.fmax
        ),
        "relax it by itself with [relax], which says more; or choose a larger `ends_fmax`",
    ))
}

/// Runs the job.
pub fn run(deck: &Deck, job: &NebDeck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    let limits = Limits::of(options);
    let _lock = Outputs::of(deck).claim_alone(TABLE, options, &job.files.checkpoint)?;
    let state: Option<State> = match options.resume {
        true => Some(saved::read_as(
            &job.files.checkpoint,
            deck,
            FORMAT,
            "neb.max_steps",
        )?),
        false => None,
    };
    if matches!(state, Some(State::Done)) {
        console.say("the band is complete: there is nothing to resume");
        return Ok(Outcome::Done);
    }
    let Ends {
        mut first,
        mut last,
        mut evaluator,
    } = ends(deck, job)?;
    announce(deck, evaluator.terms(), console);
    let began = Instant::now();
    let snapshot = match state {
        Some(State::Band(saved)) => {
            let saved = *saved;
            let atoms = first.atoms.len();
            if saved.first.len() != atoms || saved.last.len() != last.atoms.len() {
                return Err(Error::file(
                    &job.files.checkpoint,
                    "the checkpoint belongs to other structures",
                )
                .advise("start again with --overwrite"));
            }
            first.atoms.positions = saved.first;
            last.atoms.positions = saved.last;
            console.say("resumed");
            Some(saved.band)
        }
        _ => {
            if let Some(fmax) = job.relax_ends {
                let name = deck.system.structure.clone();
                relax_end(&mut first, &name, fmax, &mut evaluator, console)?;
                relax_end(&mut last, &job.end, fmax, &mut evaluator, console)?;
            }
            None
        }
    };
    let settings = settings(job);
    let mut stopped = None;
    let mut trouble = None;
    let mut last_save = Instant::now();
    let mut last_line: Option<Instant> = None;
    let outcome = {
        let ends = (first.atoms.positions.clone(), last.atoms.positions.clone());
        let mut observe = |step: &relax::BandStep<'_>| {
            let now = Instant::now();
            stopped = limits.reached_at(now);
            if last_line.is_none_or(|t| now.duration_since(t) >= LINE_EVERY) {
                if last_line.is_none() {
                    console.say("    step   barrier (eV)   force (eV/Å)");
                }
                last_line = Some(now);
                console.say(results::line(step));
            }
            if stopped.is_some() || step.step == 0 || now.duration_since(last_save) >= SAVE_EVERY {
                last_save = now;
                let state = State::Band(Box::new(Saved {
                    first: ends.0.clone(),
                    last: ends.1.clone(),
                    band: step.snapshot(),
                }));
                if let Err(e) = saved::write_as(&job.files.checkpoint, deck, FORMAT, &state) {
                    trouble = Some(e);
                    return false;
                }
            }
            stopped.is_none()
        };
        relax::band(
            &first,
            &last,
            &mut evaluator,
            &settings,
            snapshot,
            &mut observe,
        )
        .map_err(|e| e.within(&deck.source.path))?
    };
    if let Some(e) = trouble {
        return Err(e);
    }
    if let Some(why) = stopped {
        console.say("stopped; --resume goes on from here");
        return Ok(why);
    }
    if let BandEnd::Failed(e) = outcome.end
        && outcome.images.is_empty()
    {
        let (reason, advice) = parts::describe_evaluation_error(e, &first);
        return Err(Error::run(
            format!("the first path cannot be evaluated: {reason}"),
            format!("{advice}; or choose `interpolation = \"idpp\"`"),
        ));
    }
    results::write(deck, job, &outcome)?;
    results::print(job, &outcome, console);
    console.fact("time", human_duration(began.elapsed().as_secs_f64()));
    if outcome.end == BandEnd::Converged {
        saved::write_as(&job.files.checkpoint, deck, FORMAT, &State::Done)?;
    }
    for file in deck.job.files().iter().filter(|f| f.is_file()) {
        console.fact("written", file.display().to_string());
    }
    match outcome.end {
        BandEnd::Converged => Ok(Outcome::Done),
        BandEnd::Failed(e) => {
            let (reason, advice) = parts::describe_evaluation_error(e, &first);
            Err(Error::run(format!("the band stopped: {reason}"), advice))
        }
        _ => Err(Error::run(
            format!(
                "the band did not converge in {} steps: its longest force is {:.2e} eV/Å, and the barrier is not known",
                outcome.steps, outcome.fmax
            ),
            "look at the path, start again with a larger `max_steps`, another number of `images` or another `spring`",
        )),
    }
}

/// What the job would do and cost.
pub fn check(deck: &Deck, job: &NebDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let Ends {
        first,
        last,
        mut evaluator,
    } = ends(deck, job)?;
    let mut page = Page::default();
    page.fact("deck", &deck.source.path);
    for term in evaluator.terms() {
        page.fact("potential", &term.potential.description().name);
    }
    let settings = settings(job);
    // Refuses what a run would refuse.
    let none = BandSettings {
        max_steps: 0,
        images: 1,
        ..settings.clone()
    };
    relax::band(&first, &last, &mut evaluator, &none, None, &mut |_| false)
        .map_err(|e| e.within(&deck.source.path))?;
    let mut result = [Evaluation::default()];
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        evaluator
            .evaluate(&[first.configuration()], Want::DYNAMICS, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, &first);
                Error::file(&deck.system.structure, reason).advise(advice)
            })?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    let n = first.atoms.len();
    page.fact("atoms", n.to_string());
    page.fact(
        "images",
        format!("{} between the ends, all in one batch", job.images),
    );
    page.fact(
        "cost",
        format!(
            "{} for each step; bands take some hundred (at most {} here)",
            human_seconds(seconds * job.images as f64),
            job.max_steps
        ),
    );
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let bytes = (pairs * 4 + n * 400) * job.images;
    page.fact(
        "memory",
        format!("about {} beside the model", human_bytes(bytes as f64)),
    );
    for file in deck.job.files() {
        page.fact("writes", file.display().to_string());
    }
    Ok(page)
}
