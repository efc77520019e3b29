//! Second virial coefficients: deck → molecules → energies of dimers in many orientations, from far away inwards → coefficients with
//! errors, quantum corrections, a comparison.

mod dimers;
mod model;
mod molecule;
mod page;
mod reference;
mod tables;

use crate::analysis::second_virial::{Coefficient, SecondVirial, Tail, nodes};
use crate::deck::{Deck, TailDeck, VirialDeck};
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::jobs::announce::announce;
use crate::jobs::limits::Limits;
use crate::jobs::outputs::Outputs;
use crate::jobs::{Outcome, RunOptions, parts};
use crate::molecules::formula;
use crate::potential::Term;
use crate::report::{Console, Page, Task, human_duration};
use dimers::{Found, Pair};
use molecule::Molecule;
use reference::Measured;
use std::path::PathBuf;
use std::time::Instant;

/// The table of the deck that names the files.
const TABLE: &str = "[eos.virial]";
/// Outermost distance (Å) where something has a tail, unless molecules are very large.
const FAR: f64 = 20.0;
/// Distances from which a fitted tail is taken.
const LAST: usize = 15;

/// Everything that was found.
struct Results {
    /// The two molecules, as formulas.
    names: [String; 2],
    /// Outermost distance (Å).
    outer: f64,
    tail: Tail,
    found: Found,
    coefficients: Vec<Coefficient>,
    measured: Vec<Measured>,
    orientations: [usize; 2],
}

/// The parts of the deck.
struct Origin {
    first: Molecule,
    second: Option<Molecule>,
    /// The potential with its reach.
    models: Vec<Term>,
    outer: f64,
    tail: Tail,
    /// Orientations of a set, and sets.
    orientations: [usize; 2],
}

impl Origin {
    fn of(deck: &Deck, job: &VirialDeck) -> Result<Origin> {
        let mut first = Molecule::of_system(deck)?;
        if let Some(file) = &job.geometries {
            first.take_geometries(file)?;
        }
        let second = match &job.other {
            Some(file) => Some(Molecule::of_file(deck, file)?),
            None => None,
        };
        let other = second.as_ref().unwrap_or(&first);
        let external = &deck.external;
        if !(external.restraints.is_empty()
            && external.walls.is_empty()
            && external.forces.is_empty())
        {
            return Err(Error::input(
                &deck.source.path,
                "restraints, walls and forces do not go with [eos.virial]: they are no part of two molecules in empty space",
            )
            .advise("remove them from the deck"));
        }
        let sizes = first.radius() + other.radius();
        let has_tail = model::any_tail(&deck.potential);
        let outer = match job.outer {
            Some(outer) => outer,
            None if has_tail => FAR.max(4.0 * sizes),
            None => {
                let models = parts::build_terms(&deck.potential)?;
                let reach = |t: &Term| Some(t.potential.description().neighbours?.cutoff);
                let longest = models.iter().filter_map(reach).fold(0.0, f64::max);
                longest.max(4.0) + sizes
            }
        };
        let potential = model::extended(&deck.potential, outer + sizes + 0.01);
        let tail = match job.tail {
            TailDeck::Model => model::tail(&deck.potential, &first, other),
            TailDeck::Fit | TailDeck::Nothing => Tail::default(),
        };
        let orientations = match first.is_atom() && other.is_atom() {
            true => [1, 1],
            false => [job.orientations, job.shifts],
        };
        Ok(Origin {
            models: parts::build_terms(&potential)?,
            first,
            second,
            outer,
            tail,
            orientations,
        })
    }

    fn molecules(&self) -> [&Molecule; 2] {
        [&self.first, self.second.as_ref().unwrap_or(&self.first)]
    }

    fn names(&self) -> [String; 2] {
        self.molecules()
            .map(|m| formula(m.elements.iter().copied()))
    }

    fn pair<'a>(&'a self, deck: &'a Deck, job: &VirialDeck) -> Result<Pair<'a>> {
        let apart = self.outer + self.first.radius() * 4.0 + 10.0;
        let place = &deck.system.structure;
        Pair::new(&self.models, self.molecules(), apart, job.quantum, place)
    }

    fn nodes(&self, job: &VirialDeck, pair: &Pair<'_>) -> SecondVirial {
        // Between atoms the energy is not smooth at a cutoff; between molecules that is smeared out.
        let breaks = match self.orientations {
            [1, 1] => pair.cutoffs(),
            _ => Vec::new(),
        };
        SecondVirial::new(
            nodes(self.outer, job.panel, &breaks),
            &job.temperatures,
            self.orientations[1],
            self.orientations[0],
        )
    }
}

/// Runs the job.
pub(super) fn run(
    deck: &Deck,
    job: &VirialDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    Outputs::of(deck).claim(TABLE, options)?;
    let measured = reference::read(job.reference.as_deref())?;
    let origin = Origin::of(deck, job)?;
    announce(deck, &origin.models, console);
    let mut pair = origin.pair(deck, job)?;
    let mut sums = origin.nodes(job, &pair);
    page::describe(&origin, &sums, console);
    let hottest = job.temperatures.iter().copied().fold(0.0, f64::max);
    let mut task = Task::new(console, "distances", sums.nodes().len());
    let found = pair.sum(
        &mut sums,
        origin.orientations,
        job.seed,
        hottest,
        &limits,
        &mut |n| task.advance(n),
    )?;
    drop(task);
    let found = match found {
        Ok(found) => found,
        Err(outcome) => {
            console.say("stopped; nothing was kept");
            return Ok(outcome);
        }
    };
    let tail = match job.tail {
        TailDeck::Fit => fitted_tail(&found),
        _ => origin.tail,
    };
    let results = Results {
        names: origin.names(),
        outer: origin.outer,
        tail,
        coefficients: sums.finish(tail),
        found,
        measured,
        orientations: origin.orientations,
    };
    write(deck, job, &results)?;
    page::summary(job, &results, console);
    Ok(Outcome::Done)
}

/// -C6/r⁶ through the mean energies at the outermost distances.
fn fitted_tail(found: &Found) -> Tail {
    let last = found.shells.iter().take(LAST);
    let values: Vec<f64> = last.filter_map(|s| Some(-s.mean? * s.r.powi(6))).collect();
    Tail {
        c6: values.iter().sum::<f64>() / values.len().max(1) as f64,
        ..Tail::default()
    }
}

fn write(deck: &Deck, job: &VirialDeck, r: &Results) -> Result<()> {
    let put = |file: &Option<PathBuf>, text: &str| match file {
        Some(path) => atomic::write(path, text.as_bytes(), "cannot write"),
        None => Ok(()),
    };
    let files = &job.files;
    put(&files.table, &tables::table(r))?;
    put(&files.curve, &tables::curve(r))?;
    if let (Some(path), Some((energy, distance, system))) = (&files.dimer, &r.found.deepest) {
        let mut frame = Frame::from(system.clone());
        frame.set_value("interaction_energy", *energy);
        frame.set_value("distance", *distance);
        let mut text = Vec::new();
        render_frame(&frame, Format::ExtendedXyz, &mut text)?;
        atomic::write(path, &text, "cannot write")?;
    }
    put(&files.summary, &tables::summary(r))?;
    put(&files.picture, &tables::picture(r)?)?;
    put(&files.report, &page::report(deck, r)?)
}

/// What a run would do and cost.
pub(super) fn check(deck: &Deck, job: &VirialDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    reference::read(job.reference.as_deref())?;
    let origin = Origin::of(deck, job)?;
    let mut pair = origin.pair(deck, job)?;
    let sums = origin.nodes(job, &pair);
    let mut page = Page::default();
    page.line(format!(
        "{}: a sound deck for second virial coefficients",
        deck.source.path
    ));
    for term in &origin.models {
        page.fact("potential", &term.potential.description().name);
    }
    for (name, value) in page::facts(&origin, &sums) {
        page.fact(name, value);
    }
    // One distance of a set shows what a dimer costs.
    let one = sums.nodes()[..1].to_vec();
    let mut trial = SecondVirial::new(one, &job.temperatures, 1, origin.orientations[0]);
    let begin = Instant::now();
    let limits = Limits::of(&RunOptions::default());
    let orientations = [origin.orientations[0], 1];
    let tried = pair.sum(
        &mut trial,
        orientations,
        job.seed,
        1.0,
        &limits,
        &mut |_| {},
    )?;
    if let Ok(found) = tried {
        let each = begin.elapsed().as_secs_f64() / found.evaluated.max(1) as f64;
        let dimers = sums.nodes().len() * origin.orientations[0] * origin.orientations[1];
        page.fact(
            "cost",
            format!(
                "at most {dimers} dimers, {} at most",
                human_duration(each * dimers as f64)
            ),
        );
    }
    Ok(page)
}
