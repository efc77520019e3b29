//! Files that a job writes: their usual names, and their list.

use super::kinds::{OutFile, OutFileOrNone};
use super::reader::Table;
use std::path::PathBuf;

impl Table<'_> {
    /// A file to write whose usual name is that of the deck with `ending`, such as `.relaxed.extxyz`.
    pub fn file(&self, name: &str, doc: &'static str, ending: &str) -> Option<PathBuf> {
        self.key(name, OutFile, doc).or_named(ending)
    }

    /// As [`Table::file`] for a file that a deck may decline with `false`.
    pub fn file_or_none(
        &self,
        name: &str,
        doc: &'static str,
        ending: &str,
    ) -> Option<Option<PathBuf>> {
        self.key(name, OutFileOrNone, doc).or_named(ending)
    }
}

/// The files of a job that it does write, each with its key in the deck, such as `relax.table`.
pub(super) fn outputs(job: &str, files: &[(&str, Option<&PathBuf>)]) -> Vec<(String, PathBuf)> {
    let given = files.iter().filter_map(|(key, file)| Some((key, (*file)?)));
    given
        .map(|(key, file)| (format!("{job}.{key}"), file.clone()))
        .collect()
}
