//! `[fit.gap]`: how a Gaussian approximation potential is made.

use crate::deck::reader::Table;

/// How a Gaussian approximation potential is made.
#[derive(Clone, Debug, PartialEq)]
pub struct GapFitDeck {}

/// Reads `[fit.gap]`.
pub(super) fn read(_: &Table<'_>) -> Option<GapFitDeck> {
    Some(GapFitDeck {})
}
