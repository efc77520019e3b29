//! What a job says first.

use crate::deck::{Deck, Source};
use crate::potential::Term;
use crate::report::Console;

/// The program and the deck.
pub(super) fn banner(source: &Source, console: &Console) {
    console.say(format!(
        "zundel {}: {}\n",
        env!("CARGO_PKG_VERSION"),
        source.path
    ));
}

/// The program, the deck and the models.
pub(super) fn announce(deck: &Deck, terms: &[Term], console: &Console) {
    banner(&deck.source, console);
    for term in terms {
        console.fact("potential", &term.potential.description().name);
    }
}
