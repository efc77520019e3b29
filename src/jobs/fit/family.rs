//! What every family of models gets and gives.

use crate::deck::{FitMethod, TrainingDeck};
use crate::elements::Element;
use crate::error::Result;
use crate::jobs::stages::Progress;
use crate::training::data::LabelledFrame;
use std::path::Path;

/// A model that is wanted.
pub(super) struct Order<'a> {
    pub deck: &'a TrainingDeck,
    /// Frames to learn from.
    pub train: &'a [LabelledFrame],
    /// Frames to decide by; may be empty.
    pub validation: &'a [LabelledFrame],
    /// The elements of the data, by number.
    pub elements: &'a [Element],
    /// Where the model is written.
    pub model: &'a Path,
    /// Where a fit that is stopped is kept; none when it need not be.
    pub checkpoint: Option<&'a Path>,
    /// Whether to go on from there.
    pub resume: bool,
}

/// A model that was made and written.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// Names and values of what was found: sizes, settings that were chosen, how well the equations were solved.
    pub facts: Vec<(String, String)>,
    /// What a person should worry about, sentences.
    pub warnings: Vec<String>,
    /// The elements in the order of the model, where its file does not name them.
    pub species: Option<Vec<Element>>,
}

/// How a fit came to its end.
pub(super) enum End {
    /// The model is written.
    Made(Made),
    /// It was asked to stop.
    Stopped {
        /// Whether the checkpoint holds what was reached.
        kept: bool,
    },
}

/// Makes a model.
pub(super) fn make(order: &Order<'_>, progress: &mut Progress<'_>) -> Result<End> {
    match &order.deck.fit.method {
        FitMethod::Gap(deck) => super::gap::make(deck, order, progress),
        FitMethod::Mtp(deck) => super::mtp::make(deck, order, progress),
        FitMethod::Sgdml(deck) => super::sgdml::make(deck, order, progress),
    }
}

/// What making it would take: names and values.
pub(super) fn plan(order: &Order<'_>) -> Result<Vec<(String, String)>> {
    match &order.deck.fit.method {
        FitMethod::Gap(deck) => super::gap::plan(deck, order),
        FitMethod::Mtp(deck) => super::mtp::plan(deck, order),
        FitMethod::Sgdml(deck) => super::sgdml::plan(deck, order),
    }
}
