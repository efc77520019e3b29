//! `[fit]`: data → model → accuracy card.

use super::{Outcome, RunOptions};
use crate::deck::TrainingDeck;
use crate::error::Result;
use crate::report::{Console, Page};

/// Runs the job.
pub fn run(_: &TrainingDeck, _: &RunOptions, _: &Console) -> Result<Outcome> {
    Ok(Outcome::Done)
}

/// What a run would do and cost.
pub fn check(_: &TrainingDeck) -> Result<Page> {
    Ok(Page::default())
}
