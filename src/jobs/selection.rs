//! From atoms named in a deck to atoms of a system.

use crate::deck::AtomsDeck;
use crate::error::{Error, Result};
use crate::system::Atoms;

/// The atoms that a part of the deck names, in rising order. `source` is the deck and `who` the part, for messages.
///
/// Errors when one of them is not there, or there are none.
pub(super) fn select(deck: &AtomsDeck, atoms: &Atoms, source: &str, who: &str) -> Result<Vec<u32>> {
    let elements = &atoms.elements;
    if let Some(&(_, last)) = deck.ranges.iter().find(|r| r.1 as usize >= elements.len()) {
        return Err(no_such_atom(last, atoms, source, who));
    }
    let mut chosen = vec![deck.ranges.is_empty(); elements.len()];
    for &(first, last) in &deck.ranges {
        chosen[first as usize..=last as usize].fill(true);
    }
    let selected: Vec<u32> = elements
        .iter()
        .zip(chosen)
        .zip(0u32..)
        .filter(|((e, c), _)| *c && (deck.elements.is_empty() || deck.elements.contains(e)))
        .map(|(_, i)| i)
        .collect();
    if selected.is_empty() {
        return Err(Error::input(source, format!("{who} has no atoms"))
            .advise("look at its `atoms` and `elements`"));
    }
    Ok(selected)
}

/// The error about an atom that the system has not.
pub(super) fn no_such_atom(atom: u32, atoms: &Atoms, source: &str, who: &str) -> Error {
    let n = atoms.len();
    let reason = format!("{who} names atom {atom}, and the system has {n} atoms");
    Error::input(source, reason).advise("atoms are counted from 0")
}
