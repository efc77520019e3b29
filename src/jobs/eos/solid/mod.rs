//! Equations of state of crystals: deck → phases relaxed without pressure → crystals relaxed at given volumes → curves, transitions →
//! with phonons, the same at temperatures.

mod page;
mod phase;
mod pictures;
mod points;
mod results;
mod tables;
mod thermal;

use crate::deck::{Around, Deck, Relaxed, SolidDeck};
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::jobs::announce::announce;
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::outputs::Outputs;
use crate::jobs::phonons::forces;
use crate::jobs::{Outcome, RunOptions};
use crate::potential::Evaluator;
use crate::report::{Console, Page, Task, human_bytes, human_duration};
use phase::Start;
use results::Results;
use std::path::PathBuf;
use std::time::Instant;

/// The table of the deck that names the files.
const TABLE: &str = "[eos.solid]";
/// Reach (Å) of neighbour lists beyond the cutoff.
const SKIN: f64 = 0.4;

/// Runs the job.
pub(super) fn run(
    deck: &Deck,
    job: &SolidDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    Outputs::of(deck).claim(TABLE, options)?;
    let (starts, models, notes) = phase::starts(deck, job)?;
    announce(deck, &models, console);
    notes.iter().for_each(|n| console.fact("", n));
    let mut phases = Vec::new();
    for start in starts {
        match phase::prepare(start, job, &limits)? {
            Ok(phase) => phases.push(phase),
            Err(outcome) => {
                console.say("stopped while a crystal was being relaxed; nothing was kept");
                return Ok(outcome);
            }
        }
    }
    page::describe(&phases, console);
    let mut store = KeptFrames::open(&job.files.structures, options.resume, |_| true)?;
    let total = phases.iter().map(|p| p.volumes.count).sum();
    let mut task = Task::new(console, "volumes", total);
    let found = points::all(job, &phases, &mut store, &limits, &mut |n| task.advance(n))?;
    drop(task);
    let points = match found {
        Ok(points) => points,
        Err(outcome) => {
            console.say("stopped; --resume goes on with the volumes that are left");
            return Ok(outcome);
        }
    };
    let mut results = Results::of(job, phases.into_iter().zip(points).collect())?;
    if let Some(thermal) = &job.thermal {
        let mut store = forces::store(&thermal.displacements, options.resume)?;
        match thermal::of(job, thermal, &results, &mut store, &limits, console)? {
            Ok(found) => results.thermal = Some(found),
            Err(outcome) => {
                console
                    .say("stopped; --resume goes on with the displaced supercells that are left");
                return Ok(outcome);
            }
        }
    }
    write(deck, job, &results)?;
    page::summary(job, &results, console);
    Ok(Outcome::Done)
}

fn write(deck: &Deck, job: &SolidDeck, r: &Results) -> Result<()> {
    let put = |file: &Option<PathBuf>, text: &str| match file {
        Some(path) => atomic::write(path, text.as_bytes(), "cannot write"),
        None => Ok(()),
    };
    let files = &job.files;
    put(&files.table, &tables::points(r))?;
    put(&job.picture(&files.table), &pictures::energies(r)?)?;
    put(&files.enthalpies, &tables::enthalpies(r))?;
    put(&job.picture(&files.enthalpies), &pictures::enthalpies(r)?)?;
    if let (Some(t), Some(deck)) = (&r.thermal, &job.thermal) {
        put(&deck.table, &tables::thermal(r, t))?;
        put(&job.picture(&deck.table), &pictures::thermal(r, t)?)?;
        put(&deck.boundaries, &tables::boundaries(r, t))?;
        put(&job.picture(&deck.boundaries), &pictures::boundaries(r, t)?)?;
    }
    put(&files.summary, &tables::summary(job, r))?;
    put(&files.report, &page::report(deck, job, r)?)
}

/// Evaluations that a relaxation takes where the volume is new, about: the start is one step away.
const PER_VOLUME: f64 = 12.0;

/// Seconds that a crystal takes to be evaluated, and the bytes of its longest list.
fn cost(start: &Start) -> Result<(f64, f64)> {
    let mut evaluator = Evaluator::new(start.terms.clone(), SKIN);
    let mut seconds = f64::INFINITY;
    for _ in 0..2 {
        let begin = Instant::now();
        points::measure(&start.system, &mut evaluator)
            .map_err(|(why, advice)| Error::file(&start.place, why).advise(advice))?;
        seconds = seconds.min(begin.elapsed().as_secs_f64());
    }
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    Ok((seconds, 4.0 * pairs as f64))
}

/// What a run would do and cost.
pub(super) fn check(deck: &Deck, job: &SolidDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let (starts, models, _) = phase::starts(deck, job)?;
    let mut page = Page::default();
    page.line(format!(
        "{}: a sound deck for an equation of state",
        deck.source.path
    ));
    for term in &models {
        page.fact("potential", &term.potential.description().name);
    }
    let (mut relaxations, mut seconds, mut bytes) = (0, 0.0, 0.0f64);
    for start in &starts {
        let v = &start.volumes;
        let (each, list) = cost(start)?;
        let first = match v.around {
            Around::Relaxed => 30.0,
            Around::Structure => 1.0,
        };
        let per_volume = match job.relax {
            Relaxed::Nothing => 1.0,
            Relaxed::Cell | Relaxed::Atoms => PER_VOLUME,
        };
        relaxations += v.count + usize::from(v.around == Around::Relaxed);
        seconds += each * (first + per_volume * v.count as f64);
        let atoms = start.system.atoms.len();
        bytes = bytes.max(list + 500.0 * atoms as f64);
        page.fact(
            "phase",
            format!(
                "{}: {atoms} atoms, {} volumes from {} to {} times that {}",
                start.name,
                v.count,
                v.range[0],
                v.range[1],
                match v.around {
                    Around::Relaxed => "without pressure",
                    Around::Structure => "of its file",
                }
            ),
        );
    }
    page.fact(
        "cost",
        format!(
            "{relaxations} relaxations, about {}",
            human_duration(seconds)
        ),
    );
    if let Some(thermal) = &job.thermal {
        phonons(job, thermal, starts, &mut page)?;
    }
    // Ways from ratio 1 outwards, two of each phase, are worked on side by side.
    let memory = bytes * crate::parallel::threads() as f64;
    page.fact("memory", format!("about {}", human_bytes(memory)));
    for file in deck.job.files() {
        page.fact("writes", file.display().to_string());
    }
    Ok(page)
}

/// What the phonons would cost.
fn phonons(
    job: &SolidDeck,
    thermal: &crate::deck::ThermalDeck,
    starts: Vec<Start>,
    page: &mut Page,
) -> Result<()> {
    let (mut count, mut seconds) = (0, 0.0);
    for start in starts {
        let system = start.system.clone();
        let phase = phase::unrelaxed(start);
        let crystal = thermal::crystal(job, thermal, &phase, &system)?;
        let supercell = &crystal.supercell.system;
        let mut evaluator = crystal.evaluator(&phase.place, &phase.terms)?;
        let begin = Instant::now();
        points::measure(supercell, &mut evaluator)
            .map_err(|(why, advice)| Error::file(&phase.place, why).advise(advice))?;
        let own = crystal.displacements.len() * phase.volumes.count;
        count += own;
        seconds += begin.elapsed().as_secs_f64() * own as f64;
        page.fact(
            "phonons",
            format!(
                "{}: supercells of {} atoms, {} displaced at each volume",
                phase.name,
                supercell.atoms.len(),
                crystal.displacements.len()
            ),
        );
    }
    page.fact(
        "cost",
        format!(
            "{count} displaced supercells, about {}",
            human_duration(seconds)
        ),
    );
    Ok(())
}
