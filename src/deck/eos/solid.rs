//! `[eos.solid]`: equations of state of crystals.

use crate::deck::files;
use crate::deck::kinds::Count;
use crate::deck::reader::Table;
use std::path::PathBuf;

/// Equations of state of crystals.
#[derive(Clone, Debug, PartialEq)]
pub struct SolidDeck {
    /// Number of volumes.
    pub volumes: usize,
    /// The files.
    pub files: SolidFiles,
}

/// The files; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct SolidFiles {
    /// Volumes, energies and pressures (CSV).
    pub table: Option<PathBuf>,
}

impl SolidDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        files::outputs("eos.solid", &[("table", self.files.table.as_ref())])
    }

    /// The structures of phases beside that of `[system]`, with their keys.
    pub(super) fn inputs(&self) -> Vec<(String, PathBuf)> {
        Vec::new()
    }
}

/// Reads `[eos.solid]`.
pub(super) fn read(t: &Table<'_>) -> Option<SolidDeck> {
    let count = Count {
        least: 5,
        most: 201,
    };
    let volumes = t.key("volumes", count, "Number of volumes.").or("13");
    let doc = "Volumes, energies and pressures (CSV).";
    let table = t.file_or_none("table", doc, ".eos.csv");
    Some(SolidDeck {
        volumes: volumes? as usize,
        files: SolidFiles { table: table? },
    })
}
