//! The frames of a deck: read, doubted, split, freed of what a baseline explains.

use super::judge;
use crate::deck::{Amount, FitDeck, SplitMethod, TrainingDeck, Use};
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::digest;
use crate::jobs::parts;
use crate::potential::Term;
use crate::training::data::{
    Doubt, Keys, LabelledFrame, Method, Source, Split, doubts, duplicates,
};
use std::path::PathBuf;

/// Doubtful pairs that are named.
const NAMED: usize = 5;

/// A file of the data.
pub(super) struct DataFile {
    pub path: PathBuf,
    pub frames: usize,
    /// SHA-256 of its bytes.
    pub hash: String,
}

/// The frames of a fit.
pub(super) struct Data {
    pub train: Vec<LabelledFrame>,
    pub validation: Vec<LabelledFrame>,
    pub test: Vec<LabelledFrame>,
    /// Frames of the files that are in no part.
    pub unused: usize,
    /// What is odd about them, sentences.
    pub doubts: Vec<String>,
    pub files: Vec<DataFile>,
    /// All elements, by number.
    pub elements: Vec<Element>,
}

impl Data {
    /// Reads the data of a deck.
    pub fn of(deck: &TrainingDeck) -> Result<Data> {
        let fit = &deck.fit;
        let mut sets: [Vec<LabelledFrame>; 3] = Default::default();
        let mut files = Vec::new();
        for source in &fit.data {
            let into = match source.part {
                Use::Train => 0,
                Use::Validation => 1,
                Use::Test => 2,
            };
            for file in source.files() {
                let species = source.species.iter().flatten();
                let frames = Source {
                    file: file.clone(),
                    keys: Keys {
                        energy: source.energy.clone(),
                        forces: source.forces.clone(),
                        virial: source.virial.clone(),
                        kind: source.kind_key.clone(),
                    },
                    kind: source.kind.clone(),
                    energy_unit: source.energy_unit,
                    length_unit: source.length_unit,
                    species: species.map(|e| Species::natural(*e)).collect(),
                    every: source.every,
                }
                .read()?;
                files.push(DataFile {
                    hash: digest::of_file(&file)?,
                    path: file,
                    frames: frames.len(),
                });
                sets[into].extend(frames);
            }
        }
        let [pool, mut validation, mut test] = sets;
        let all = pool.len();
        let parts = split(fit, &pool)
            .map_err(|why| Error::input(&deck.source.path, why).advise("change [fit.split]"))?;
        let pick =
            |numbers: &[usize]| -> Vec<_> { numbers.iter().map(|k| pool[*k].clone()).collect() };
        let train = pick(&parts.train);
        let unused = all - parts.train.len() - parts.validation.len() - parts.test.len();
        validation.extend(pick(&parts.validation));
        test.extend(pick(&parts.test));
        let mut elements: Vec<Element> = train
            .iter()
            .flat_map(|f| f.system.atoms.distinct_elements())
            .collect();
        elements.sort_unstable_by_key(|e| e.number());
        elements.dedup();
        if let Some(frame) = validation.iter().chain(&test).find(|f| {
            let present = f.system.atoms.distinct_elements();
            present.iter().any(|e| !elements.contains(e))
        }) {
            return Err(Error::input(
                &frame.place,
                "it has an element of which no training frame says anything",
            )
            .advise("train on frames with that element, or leave the frame out"));
        }
        let doubts = judged(&train, &validation, &test);
        Ok(Data {
            train,
            validation,
            test,
            unused,
            doubts,
            files,
            elements,
        })
    }

    /// Subtracts from the labels what a sum of models says.
    pub fn subtract(&mut self, baseline: &[Term]) -> Result<()> {
        for frames in [&mut self.train, &mut self.validation, &mut self.test] {
            let said = judge::predict(baseline, frames, &mut |_| {})?;
            for (frame, p) in frames.iter_mut().zip(said) {
                if let Some(e) = &mut frame.energy {
                    *e -= p.energy;
                }
                if let Some(forces) = &mut frame.forces {
                    let pairs = forces.as_flattened_mut().iter_mut();
                    pairs
                        .zip(p.forces.as_flattened())
                        .for_each(|(f, b)| *f -= b);
                }
                frame.virial = match (frame.virial, p.virial) {
                    (Some(w), Some(b)) => Some(std::array::from_fn(|i| {
                        std::array::from_fn(|j| w[i][j] - b[i][j])
                    })),
                    _ => None,
                };
            }
        }
        Ok(())
    }
}

/// The terms of the baseline; none when there is none.
pub(super) fn baseline(fit: &FitDeck) -> Result<Vec<Term>> {
    match &fit.baseline {
        Some(deck) => parts::build_terms(deck),
        None => Ok(Vec::new()),
    }
}

fn split(
    fit: &FitDeck,
    pool: &[LabelledFrame],
) -> std::result::Result<crate::training::data::Parts, String> {
    let amount = |a: Option<Amount>| a.map_or(0, |a| a.of(pool.len()));
    let s = &fit.split;
    Split {
        method: match s.method {
            SplitMethod::Random => Method::Random,
            SplitMethod::Stratified => Method::Stratified,
            SplitMethod::Order => Method::Order,
        },
        train: s.train.map(|a| a.of(pool.len())),
        validation: amount(s.validation),
        test: amount(s.test),
        seed: fit.seed,
    }
    .of(pool)
}

/// What is odd, in sentences.
fn judged(
    train: &[LabelledFrame],
    validation: &[LabelledFrame],
    test: &[LabelledFrame],
) -> Vec<String> {
    let all: Vec<LabelledFrame> = [train, validation, test].concat();
    let mut said: Vec<String> = doubts(&all).into_iter().map(|d: Doubt| d.what).collect();
    let learnt = train.len() + validation.len();
    let (leaks, twice): (Vec<_>, Vec<_>) = duplicates(&all)
        .into_iter()
        .partition(|(a, b)| *a < learnt && *b >= learnt);
    let name = |pairs: &[(usize, usize)], what: &str| {
        let named: Vec<String> = pairs
            .iter()
            .take(NAMED)
            .map(|(a, b)| format!("{} and {}", all[*a].place, all[*b].place))
            .collect();
        let more = match pairs.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!("{} {what}: {}{more}", pairs.len(), named.join("; "))
    };
    if !leaks.is_empty() {
        said.push(name(
            &leaks,
            "test frames are among those that are learnt from, so that the test says less than it seems",
        ));
    }
    if !twice.is_empty() {
        said.push(name(&twice, "frames are there twice"));
    }
    said
}
