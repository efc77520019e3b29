//! Equation of state of a fluid: deck → state points, each an ordinary run of dynamics until its error is small enough → table,
//! curves, comparison.

mod advance;
mod claim;
mod curves;
mod judge;
mod own_deck;
mod page;
mod point;
mod record;
mod reference;
mod schedule;
mod start;
mod table;

use super::super::outputs::Outputs;
use crate::deck::{Deck, FluidDeck};
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::jobs::announce::announce;
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, RunOptions, parts};
use crate::potential::Evaluator;
use crate::report::{Console, Page, human_duration};
use advance::{Ended, Task};
use point::Point;
use schedule::Standing;
use start::Fluid;
use std::path::PathBuf;
use table::Results;

/// The table of the deck that names the files.
const TABLE: &str = "[eos.fluid]";

/// The parts of a deck.
struct Parts {
    fluid: Fluid,
    points: Vec<Point>,
}

fn parts_of(deck: &Deck, job: &FluidDeck, console: &Console) -> Result<Parts> {
    let place = &deck.source.path;
    let fluid = Fluid::of(deck)?;
    let (terms, notes) = parts::deck_terms(deck, &fluid.system)?;
    let evaluator = Evaluator::new(terms.clone(), 0.0);
    let elements = fluid.system.atoms.distinct_elements();
    parts::check_elements(&evaluator, &elements, &deck.system.structure)?;
    if evaluator.has_external() {
        return Err(Error::input(
            place,
            "restraints, walls and forces do not go with [eos.fluid]: they are no part of the fluid",
        )
        .advise("remove them from the deck"));
    }
    if !evaluator.gives_virial() {
        return Err(Error::input(
            place,
            "the potential gives no virial, and an equation of state is made from pressures",
        )
        .advise("use a potential that knows what strain does"));
    }
    announce(deck, &terms, console);
    notes.iter().for_each(|n| console.fact("", n));
    let points = point::all(job, fluid.is_molecular(), place)?;
    Ok(Parts { fluid, points })
}

/// Runs the job: all points, or the one that the command line names.
pub fn run(
    deck: &Deck,
    job: &FluidDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    // Rerunning finishes what is missing, and then the results are written anew.
    Outputs::of(deck).check_folders(TABLE)?;
    let Parts { fluid, points } = parts_of(deck, job, console)?;
    if let Some(wanted) = &options.points.only {
        return one(
            deck,
            job,
            &fluid,
            point::find(&points, wanted)?,
            options,
            console,
        );
    }
    console.fact("fluid", describe(&fluid));
    console.fact(
        "state points",
        format!("{} in {}", points.len(), job.points.display()),
    );
    let (standings, outcome) =
        schedule::run(deck, job, &fluid, &points, options, &limits, console)?;
    let failed: Vec<(&Point, &str)> = points
        .iter()
        .zip(&standings)
        .filter_map(|(p, s)| match s {
            Standing::Failed(why) => Some((p, why.as_str())),
            _ => None,
        })
        .collect();
    let found = points.iter().zip(&standings).filter_map(|(p, s)| match s {
        Standing::Finished(record) => Some((p.clone(), (**record).clone())),
        _ => None,
    });
    let results = Results::of(deck, job, &fluid, found.collect())?;
    let written = match results.rows.is_empty() {
        true => Vec::new(),
        false => write(deck, job, &results)?,
    };
    page::print(&results, console);
    if !written.is_empty() {
        let names: Vec<String> = written.iter().map(|f| f.display().to_string()).collect();
        console.fact("written", names.join(", "));
    }
    if let Some(outcome) = outcome {
        let left = standings.len() - results.rows.len();
        console.say(format!(
            "stopped; {left} points are left: run the deck again to go on"
        ));
        return Ok(outcome);
    }
    match failed.first() {
        None => Ok(Outcome::Done),
        Some((point, why)) => Err(Error::run(
            format!(
                "{} of {} state points could not be finished; the first is {}:\n    {}",
                failed.len(),
                points.len(),
                point.title(),
                why.trim().replace('\n', "\n    ")
            ),
            format!(
                "each has a folder of its own in {}; run the deck again to go on with them",
                job.points.display()
            ),
        )),
    }
}

/// Runs one point.
fn one(
    deck: &Deck,
    job: &FluidDeck,
    fluid: &Fluid,
    point: &Point,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let task = Task {
        deck,
        job,
        fluid,
        point,
    };
    console.fact("state point", point.title());
    console.fact("folder", task.folder().display().to_string());
    if options.overwrite {
        task.clear()?;
    }
    match task.run(options, console)? {
        Ended::Finished(record) => {
            console.fact("result", table::headline(point, &record));
            record.remarks.iter().for_each(|r| console.warn(r));
            Ok(Outcome::Done)
        }
        Ended::Stopped(outcome) => {
            console.say("stopped; run it again to go on");
            Ok(outcome)
        }
    }
}

fn write(deck: &Deck, job: &FluidDeck, results: &Results) -> Result<Vec<PathBuf>> {
    let f = &job.files;
    let mut written = Vec::new();
    let mut put = |path: &Option<PathBuf>, text: &dyn Fn() -> Result<String>| {
        if let Some(path) = path {
            atomic::write(path, text()?.as_bytes(), "cannot write")?;
            written.push(path.clone());
        }
        Ok::<(), Error>(())
    };
    put(&f.table, &|| Ok(table::csv(results)))?;
    if !results.curves.is_empty() {
        put(&f.curves, &|| Ok(curves::csv(&results.curves)))?;
    }
    put(&f.summary, &|| table::json(results))?;
    put(&f.picture, &|| page::picture(results))?;
    put(&f.report, &|| page::report(deck, job, results))?;
    Ok(written)
}

fn describe(fluid: &Fluid) -> String {
    let atoms = fluid.system.atoms.len();
    match fluid.is_molecular() {
        true => format!("{} molecules, {atoms} atoms", fluid.molecules),
        false => format!("{atoms} atoms"),
    }
}

/// What a run would do and cost.
pub fn check(deck: &Deck, job: &FluidDeck) -> Result<Page> {
    let Parts { fluid, points } = parts_of(deck, job, &Console::silent())?;
    let mut page = Page::default();
    page.fact("job", "equation of state of a fluid");
    page.fact("fluid", describe(&fluid));
    page.fact("state points", points.len().to_string());
    let (mut least, mut most) = (0.0, 0.0);
    for (k, point) in points.iter().enumerate() {
        let (a, b) = advance::planned_time(job, point);
        least += a;
        most += b;
        fluid.start(point, &deck.system)?;
        page.line(format!(
            "{:>6}  {:<28} {}",
            k + 1,
            point.title(),
            point.name
        ));
    }
    let atoms = fluid.system.atoms.len();
    page.fact(
        "simulated",
        format!(
            "{:.4} to {:.4} ps in all, {atoms} atoms",
            least * 1e-3,
            most * 1e-3
        ),
    );
    let steps = least / (job.timestep * crate::units::TIME_FS);
    let seconds = seconds_per_step(deck, &fluid)?;
    page.fact(
        "time",
        format!(
            "at least {} on one core (a step takes {})",
            human_duration(steps * seconds),
            crate::report::human_seconds(seconds)
        ),
    );
    page.fact("folder", job.points.display().to_string());
    Ok(page)
}

/// Time of one evaluation of the forces on the structure of the deck.
fn seconds_per_step(deck: &Deck, fluid: &Fluid) -> Result<f64> {
    use crate::potential::{Evaluation, Want};
    let (terms, _) = parts::deck_terms(deck, &fluid.system)?;
    let mut evaluator = Evaluator::new(terms, 1.0);
    let mut result = [Evaluation::default()];
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let began = std::time::Instant::now();
        evaluator
            .evaluate(&[fluid.system.configuration()], Want::DYNAMICS, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, &fluid.system);
                Error::file(&deck.system.structure, reason).advise(advice)
            })?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best * crate::parallel::threads() as f64)
}
