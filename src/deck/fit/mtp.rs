//! `[fit.mtp]`: how a moment tensor potential is made.

use crate::deck::reader::Table;

/// How a moment tensor potential is made.
#[derive(Clone, Debug, PartialEq)]
pub struct MtpFitDeck {}

/// Reads `[fit.mtp]`.
pub(super) fn read(_: &Table<'_>) -> Option<MtpFitDeck> {
    Some(MtpFitDeck {})
}
