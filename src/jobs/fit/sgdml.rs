//! `[fit.sgdml]`.

use super::family::{End, Order};
use super::progress::Progress;
use crate::deck::SgdmlFitDeck;
use crate::error::{Error, Result};

/// Makes the model.
pub(super) fn make(_: &SgdmlFitDeck, _: &Order<'_>, _: &mut Progress<'_>) -> Result<End> {
    Err(Error::Bug("not yet".into()))
}

/// What making it would take: names and values.
pub(super) fn plan(_: &SgdmlFitDeck, _: &Order<'_>) -> Result<Vec<(String, String)>> {
    Ok(Vec::new())
}
