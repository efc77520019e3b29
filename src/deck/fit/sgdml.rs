//! `[fit.sgdml]`: how an sGDML model is made.

use crate::deck::reader::Table;

/// How an sGDML model is made.
#[derive(Clone, Debug, PartialEq)]
pub struct SgdmlFitDeck {}

/// Reads `[fit.sgdml]`.
pub(super) fn read(_: &Table<'_>) -> Option<SgdmlFitDeck> {
    Some(SgdmlFitDeck {})
}
