//! The files that a job writes: whether they may be written, and writing them.

use super::RunOptions;
use super::md::RunLock;
use crate::deck::{Deck, TrainingDeck};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The files of a job.
pub(super) struct Outputs(Vec<PathBuf>);

impl Outputs {
    /// Those of a deck's job.
    pub fn of(deck: &Deck) -> Outputs {
        Outputs(deck.job.files())
    }

    /// Those of a fit.
    pub fn of_fit(deck: &TrainingDeck) -> Outputs {
        Outputs(deck.files())
    }

    /// Makes sure that a job may write them: into folders that exist, and over those of an earlier run only when asked to, by
    /// going on with it or by replacing it.
    pub fn claim(&self, where_named: &str, options: &RunOptions) -> Result<()> {
        self.check_folders(where_named)?;
        self.refuse_existing(where_named, options)
    }

    /// As [`Outputs::claim`] for a job that keeps its state in `checkpoint`: no other process may run it, either.
    pub fn claim_alone(
        &self,
        where_named: &str,
        options: &RunOptions,
        checkpoint: &Path,
    ) -> Result<RunLock> {
        self.check_folders(where_named)?;
        let lock = RunLock::take(checkpoint)?;
        self.refuse_existing(where_named, options)?;
        Ok(lock)
    }

    /// Refuses output in folders that do not exist. `where_named` says which table of the deck names the files.
    pub fn check_folders(&self, where_named: &str) -> Result<()> {
        self.0.iter().try_for_each(|file| {
            let folder = match file.parent() {
                Some(p) if !p.as_os_str().is_empty() => p,
                _ => Path::new("."),
            };
            if folder.is_dir() {
                return Ok(());
            }
            let folder = folder.display();
            Err(
                Error::file(file, format!("the folder {folder} does not exist")).advise(format!(
                    "make it (mkdir -p {folder}), or name another file in {where_named}"
                )),
            )
        })
    }

    /// Refuses to start where an earlier run has left files, unless it goes on with that run or replaces it.
    fn refuse_existing(&self, where_named: &str, options: &RunOptions) -> Result<()> {
        if options.resume || options.overwrite {
            return Ok(());
        }
        // Devices and pipes are never in the way.
        match self.0.iter().find(|p| p.is_file()) {
            None => Ok(()),
            Some(there) => Err(Error::file(
                there,
                "this file of an earlier run is already there",
            )
            .advise(format!(
                "go on with that run (--resume), replace its files (--overwrite), or name other files in {where_named}"
            ))),
        }
    }
}

/// A row of a CSV table.
pub(super) fn csv_row(out: &mut String, cells: impl IntoIterator<Item = String>) {
    let mut first = true;
    for cell in cells {
        if !first {
            out.push(',');
        }
        first = false;
        // Heads and words may hold what separates columns.
        if cell.contains([',', '"', '\n']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}
