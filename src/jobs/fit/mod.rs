//! `[fit]`: data → model → accuracy card.
//!
//! A family of models has one file here, which turns its table of the deck into settings and calls its room of
//! [`training`](crate::training). Everything else is the same for all: reading data, judging the model that was written, and telling a
//! person about it.

mod card;
mod data;
mod family;
mod gap;
mod judge;
mod learning;
mod mtp;
mod page;
mod pictures;
mod sgdml;

use super::announce::banner;
use super::outputs::Outputs;
use super::stages::Progress;
use super::{Outcome, RunOptions};
use crate::deck::{TrainingDeck, Use};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{atomic, digest};
use crate::parallel;
use crate::potential::{Term, registry};
use crate::report::{Console, Page, human_bytes, human_duration};
use crate::training::Monitor;
use crate::training::accuracy::{Accuracy, Prediction, energy_line};
use crate::training::data::LabelledFrame;
use data::Data;
use family::{End, Made, Order};
use std::path::Path;
use std::time::Instant;

/// The table of the deck that names the files.
const TABLE: &str = "[fit]";

/// A part of the data with what the model says about it.
struct Judged {
    /// `training`, `validation` or `test`.
    name: &'static str,
    frames: Vec<LabelledFrame>,
    predictions: Vec<Prediction>,
    accuracy: Accuracy,
}

/// Everything that was found.
struct Results {
    data: Data,
    made: Made,
    parts: Vec<Judged>,
    /// Wall time of the fit (s).
    seconds: f64,
    /// Wall time (µs) of energy, forces and virial, for each atom, with so many threads.
    speed: (f64, usize),
    /// Frames, and errors on the frames that judge, of smaller models.
    learning: Vec<(usize, Accuracy)>,
    /// SHA-256 of the model file.
    hash: String,
    warnings: Vec<String>,
}

/// Runs the job.
pub fn run(deck: &TrainingDeck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    let fit = &deck.fit;
    let mut progress = Progress::new(console, options);
    let outputs = Outputs::of_fit(deck);
    let _alone = outputs.claim_alone(TABLE, options, &fit.files.checkpoint)?;
    banner(&deck.source, console);
    let baseline = data::baseline(fit)?;
    let mut data = Data::of(deck)?;
    console.fact(
        "model",
        format!("{}, {}", fit.method.title(), fit.files.model.display()),
    );
    console.fact("data", sizes(&data));
    data.doubts.iter().for_each(|d| console.warn(d));
    if !baseline.is_empty() {
        let names: Vec<String> = baseline
            .iter()
            .map(|t| t.potential.description().name.clone())
            .collect();
        console.fact("baseline", format!("{}, subtracted", names.join(" + ")));
        data.subtract(&baseline)?;
    }
    let began = Instant::now();
    let order = Order {
        deck,
        train: &data.train,
        validation: &data.validation,
        elements: &data.elements,
        model: &fit.files.model,
        checkpoint: Some(&fit.files.checkpoint),
        resume: options.resume,
    };
    let end = family::make(&order, &mut progress)?;
    progress.end();
    let seconds = began.elapsed().as_secs_f64();
    let made = match end {
        End::Made(made) => made,
        End::Stopped { kept } => {
            console.say(match kept {
                true => "stopped; --resume goes on from the checkpoint",
                false => "stopped; nothing was kept: this fit begins anew",
            });
            return Ok(progress.outcome());
        }
    };
    console.fact("fitted", human_duration(seconds));
    made.facts
        .iter()
        .for_each(|(name, value)| console.fact(name, value));
    let hash = describe(deck, &made)?;
    // The frames carry what is left after the baseline: so does the model.
    let terms = [Term::new(
        "model",
        registry::load(&fit.files.model, made.species.as_deref())?,
    )];
    let (parts, speed) = judge_all(&terms, &data, &mut progress)?;
    let learning = learning::curve(deck, &data, &mut progress)?;
    progress.end();
    let Some(learning) = learning else {
        console.say("stopped while the learning curve was made; the model is written, its accuracy card is not");
        return Ok(progress.outcome());
    };
    let mut warnings = data.doubts.clone();
    warnings.extend(made.warnings.iter().cloned());
    warnings.extend(suspicion(&parts[0]));
    warnings[data.doubts.len()..]
        .iter()
        .for_each(|w| console.warn(w));
    let results = Results {
        data,
        made,
        parts,
        seconds,
        speed,
        learning,
        hash,
        warnings,
    };
    write(deck, &results)?;
    // What was there to go on with the fit is of no use any more.
    if fit.files.checkpoint.exists() {
        std::fs::remove_file(&fit.files.checkpoint)
            .map_err(|e| Error::environment("cannot remove", &fit.files.checkpoint, e))?;
    }
    card::summary(deck, &results, console);
    Ok(Outcome::Done)
}

/// The numbers of frames and atoms.
fn sizes(data: &Data) -> String {
    let part = |frames: &[LabelledFrame], what: &str| match frames.len() {
        0 => None,
        n => {
            let atoms: usize = frames.iter().map(LabelledFrame::len).sum();
            Some(format!("{n} frames ({atoms} atoms) {what}"))
        }
    };
    let parts = [
        part(&data.train, "to learn from"),
        part(&data.validation, "for validation"),
        part(&data.test, "for tests"),
        (data.unused > 0).then(|| format!("{} frames unused", data.unused)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Judges the model on every part of the data.
fn judge_all(
    terms: &[Term],
    data: &Data,
    progress: &mut Progress<'_>,
) -> Result<(Vec<Judged>, (f64, usize))> {
    let sets = [
        ("training", &data.train),
        ("validation", &data.validation),
        ("test", &data.test),
    ];
    let total = sets.iter().map(|s| s.1.len()).sum();
    progress.stage("frames judged", total);
    let began = Instant::now();
    let mut atoms = 0;
    let mut parts = Vec::new();
    for (name, frames) in sets.into_iter().filter(|s| !s.1.is_empty()) {
        let predictions = judge::predict(terms, frames, &mut |n| progress.advance(n))?;
        atoms += frames.iter().map(LabelledFrame::len).sum::<usize>();
        parts.push(Judged {
            name,
            accuracy: Accuracy::of(frames, &predictions, |_| true),
            frames: frames.clone(),
            predictions,
        });
    }
    let each = 1e6 * began.elapsed().as_secs_f64() / atoms.max(1) as f64;
    Ok((parts, (each, parallel::threads())))
}

/// Whether energies and forces of the training frames belong together; a sentence where they do not.
fn suspicion(train: &Judged) -> Option<String> {
    let e = train.accuracy.energy?;
    let (slope, r) = energy_line(&train.frames, &train.predictions)?;
    // A model that misses energies by little of their spread has learnt them, whatever the slope.
    if e.rmse < 0.3 * e.scale {
        return None;
    }
    if slope < 0.0 && r < -0.5 {
        return Some("energies fall where the model says that they rise: the forces may be gradients, of the wrong sign".into());
    }
    ((slope - 1.0).abs() > 0.1 && r.abs() > 0.5).then(|| {
        format!("energies are {slope:.3} times what the model says, as if energies and forces were in different units")
    })
}

/// Writes the description of the model, and gives the hash of the model file.
fn describe(deck: &TrainingDeck, made: &Made) -> Result<String> {
    let files = &deck.fit.files;
    let hash = digest::of_file(&files.model)?;
    if let Some(path) = &files.description {
        let text = description(path, deck, made.species.as_deref());
        atomic::write(path, text.as_bytes(), "cannot write")?;
    }
    Ok(hash)
}

/// The TOML that names the model.
fn description(path: &Path, deck: &TrainingDeck, species: Option<&[Element]>) -> String {
    let model = &deck.fit.files.model;
    let folder = path.parent().unwrap_or(Path::new(""));
    let relative = model.strip_prefix(folder).unwrap_or(model);
    let quoted = |s: &str| format!("{s:?}");
    let mut text = format!("[model]\nfile = {}\n", quoted(&relative.to_string_lossy()));
    if let Some(species) = species {
        let names: Vec<String> = species.iter().map(|e| quoted(e.symbol())).collect();
        text.push_str(&format!("species = [{}]\n", names.join(", ")));
    }
    let names: Vec<String> = deck
        .fit
        .data
        .iter()
        .filter(|d| d.part == Use::Train)
        .filter_map(|d| Some(d.file.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let training = format!(
        "made by zundel {} from {}",
        env!("CARGO_PKG_VERSION"),
        names.join(", ")
    );
    text.push_str(&format!("training = {}\n", quoted(&training)));
    text
}

fn write(deck: &TrainingDeck, results: &Results) -> Result<()> {
    let files = &deck.fit.files;
    let pictures = pictures::all(results)?;
    for (name, path) in deck.fit.pictures() {
        if let Some(p) = pictures.iter().find(|p| p.name == name) {
            atomic::write(&path, p.svg.as_bytes(), "cannot write")?;
        }
    }
    if let Some(path) = &files.table {
        atomic::write(path, card::table(results).as_bytes(), "cannot write")?;
    }
    if let Some(path) = &files.card {
        atomic::write(
            path,
            card::markdown(deck, results, &pictures).as_bytes(),
            "cannot write",
        )?;
    }
    if let Some(path) = &files.report {
        atomic::write(
            path,
            page::html(deck, results, &pictures).as_bytes(),
            "cannot write",
        )?;
    }
    Ok(())
}

/// What a run would do and cost.
pub fn check(deck: &TrainingDeck) -> Result<Page> {
    let fit = &deck.fit;
    Outputs::of_fit(deck).check_folders(TABLE)?;
    data::baseline(fit)?;
    let data = Data::of(deck)?;
    let mut page = Page::default();
    page.line(format!(
        "{}: a sound deck that makes a model",
        deck.source.path
    ));
    page.fact(
        "model",
        format!("{}, {}", fit.method.title(), fit.files.model.display()),
    );
    page.fact("data", sizes(&data));
    let order = Order {
        deck,
        train: &data.train,
        validation: &data.validation,
        elements: &data.elements,
        model: &fit.files.model,
        checkpoint: None,
        resume: false,
    };
    for (name, value) in family::plan(&order)? {
        page.fact(&name, value);
    }
    page.fact(
        "memory",
        format!("at most {}", human_bytes(fit.memory as f64)),
    );
    for doubt in &data.doubts {
        page.fact("doubt", doubt);
    }
    Ok(page)
}
