//! What thermostats and barostats have in common.

use super::kinds::Count;
use super::reader::Table;

/// What a deck says about a thermostat or a barostat.
pub(super) enum Asked<T> {
    /// Nothing.
    Absent,
    /// That there is none: `"none"`.
    Declined,
    /// This one.
    For(T),
}

impl<T> Asked<T> {
    /// What it comes to where absence means none.
    pub fn given(self) -> Option<T> {
        self.or(None)
    }

    /// What it comes to where absence means `other`.
    pub fn or(self, other: Option<T>) -> Option<T> {
        match self {
            Asked::Absent => other,
            Asked::Declined => None,
            Asked::For(x) => Some(x),
        }
    }
}

/// Reads the length of a Nosé–Hoover chain.
pub(super) fn chain(t: &Table<'_>) -> Option<usize> {
    let most = crate::dynamics::LONGEST_CHAIN as u64;
    let doc = "Number of thermostats in a chain.";
    let n = t.key("chain", Count { least: 1, most }, doc).or("3")?;
    usize::try_from(n).ok()
}
