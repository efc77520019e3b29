//! The state of a relaxation between two runs: a JSON file that is replaced atomically.

use super::tally::Tally;
use crate::deck::{self, Deck};
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::relax::{Measure, Snapshot};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a file of this kind begins with.
const FORMAT: &str = "zundel relaxation 1";

#[derive(Serialize, Deserialize)]
struct Saved<S> {
    format: String,
    version: String,
    deck: String,
    state: S,
}

/// Where a run stands.
#[derive(Serialize, Deserialize)]
pub(super) enum State {
    /// One structure.
    One(Box<One>),
    /// Many structures.
    Many(Box<Many>),
    /// Everything is done.
    Done,
}

/// Where the relaxation of one structure stands.
#[derive(Serialize, Deserialize)]
pub(super) struct One {
    pub snapshot: Snapshot,
    pub rows: Vec<(u64, u64, Measure)>,
    /// Bytes of the trajectory.
    pub trajectory: u64,
    pub wall: f64,
}

/// How many structures are done, and how long the files were then.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Many {
    pub done: usize,
    pub structure: u64,
    pub table: u64,
    pub tally: Tally,
}

/// Writes the state.
pub(super) fn write(path: &Path, deck: &Deck, state: State) -> Result<()> {
    write_as(path, deck, FORMAT, &state)
}

/// Reads the state of a run of the same deck.
pub(super) fn read(path: &Path, deck: &Deck) -> Result<State> {
    read_as(path, deck, FORMAT, "relax.max_steps")
}

/// Writes the state of a job whose files begin with `format`.
pub(in crate::jobs) fn write_as<S: Serialize>(
    path: &Path,
    deck: &Deck,
    format: &str,
    state: &S,
) -> Result<()> {
    let saved = Saved {
        format: format.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        deck: deck.resolved(),
        state,
    };
    let text = serde_json::to_vec(&saved)
        .map_err(|e| Error::Bug(format!("a state that cannot be written: {e}")))?;
    atomic::write(path, &text, "cannot write the checkpoint")
}

/// Reads the state of a run of the same deck, in which only the key `free` may have changed.
pub(in crate::jobs) fn read_as<S: serde::de::DeserializeOwned>(
    path: &Path,
    deck: &Deck,
    format: &str,
    free: &str,
) -> Result<S> {
    if !path.is_file() {
        return Err(Error::file(
            path,
            "there is no checkpoint to go on from: the run was never started, or was stopped before its first step",
        )
        .advise("start it without --resume"));
    }
    let text = std::fs::read(path).map_err(|e| Error::reading(path, &e))?;
    let saved: Saved<S> = serde_json::from_slice(&text).map_err(|e| {
        Error::file(path, format!("this is no checkpoint of this job: {e}"))
            .advise("start again with --overwrite")
    })?;
    if saved.format != format {
        return Err(
            Error::file(path, format!("this checkpoint is a `{}`", saved.format))
                .advise("another version of zundel wrote it"),
        );
    }
    let changed: Vec<String> = deck::differences(&saved.deck, &deck.resolved())
        .into_iter()
        .filter(|d| d.key != free)
        .map(|d| {
            let show = |v: &Option<String>| v.clone().unwrap_or_else(|| "absent".to_owned());
            format!("{} was {}, is {}", d.key, show(&d.old), show(&d.new))
        })
        .collect();
    if changed.is_empty() {
        return Ok(saved.state);
    }
    Err(Error::file(
        path,
        format!(
            "the deck has changed since the run was started: {}",
            changed.join("; ")
        ),
    )
    .advise("resume with the deck as it was, or start again with --overwrite"))
}
