//! How errors fall with the number of frames: models of fewer frames, made and judged like the one that is wanted.

use super::data::Data;
use super::family::{self, End, Order};
use super::judge;
use crate::deck::TrainingDeck;
use crate::error::{Error, Result};
use crate::jobs::stages::Progress;
use crate::potential::{Term, registry};
use crate::training::Monitor;
use crate::training::accuracy::Accuracy;
use crate::training::data::{Method, Split};
use std::path::{Path, PathBuf};

/// Frames and errors of models of fewer frames; none when it was asked to stop.
///
/// The errors are those on the frames for tests, or for validation where there are none.
pub(super) fn curve(
    deck: &TrainingDeck,
    data: &Data,
    progress: &mut Progress<'_>,
) -> Result<Option<Vec<(usize, Accuracy)>>> {
    let fit = &deck.fit;
    if fit.learning_curve.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let judges = match data.test.is_empty() {
        true => &data.validation,
        false => &data.test,
    };
    if judges.is_empty() {
        return Err(Error::input(
            &deck.source.path,
            "a learning curve needs frames that are not learnt from",
        )
        .advise("set some aside for tests in [fit.split], or leave `learning_curve` out"));
    }
    let folder = Scratch::new(&fit.files.model)?;
    let mut points = Vec::new();
    for number in fit.learning_curve.iter().filter(|n| **n < data.train.len()) {
        let chosen = Split {
            method: Method::Random,
            train: Some(*number),
            validation: 0,
            test: 0,
            seed: fit.seed,
        }
        .of(&data.train)
        .map_err(|why| Error::input("learning_curve", why))?;
        let train: Vec<_> = chosen
            .train
            .iter()
            .map(|k| data.train[*k].clone())
            .collect();
        progress.say(&format!("learning curve: {number} frames"));
        let name = fit.files.model.file_name().unwrap_or_default();
        let model = folder.0.join(name);
        let order = Order {
            deck,
            train: &train,
            validation: &data.validation,
            elements: &data.elements,
            model: &model,
            checkpoint: None,
            resume: false,
        };
        let End::Made(made) = family::make(&order, progress)? else {
            return Ok(None);
        };
        let model = registry::load(&model, made.species.as_deref())?;
        let said = judge::predict(&[Term::new("model", model)], judges, &mut |_| {})?;
        points.push((*number, Accuracy::of(judges, &said, |_| true)));
    }
    Ok(Some(points))
}

/// A folder beside the model that goes with its contents.
struct Scratch(PathBuf);

impl Scratch {
    fn new(model: &Path) -> Result<Scratch> {
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let path = model.with_file_name(format!(".{name}.learning"));
        match std::fs::create_dir(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(Error::environment("cannot make the folder", &path, e))
            }
            _ => Ok(Scratch(path)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind is hidden, small, and replaced next time.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
