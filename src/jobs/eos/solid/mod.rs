//! Equations of state of crystals.

use crate::deck::{Deck, SolidDeck};
use crate::error::{Error, Result};
use crate::jobs::{Outcome, RunOptions};
use crate::report::{Console, Page};

/// Runs the job.
pub(super) fn run(
    deck: &Deck,
    job: &SolidDeck,
    _options: &RunOptions,
    _console: &Console,
) -> Result<Outcome> {
    check(deck, job).map(|_| Outcome::Done)
}

/// What a run would do and cost.
pub(super) fn check(deck: &Deck, _job: &SolidDeck) -> Result<Page> {
    Err(Error::input(&deck.source.path, "being written"))
}
