//! Tables to compare with: comma-separated columns with names in the first line.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Larger files are no tables.
const LARGEST: u64 = 16 << 20;

/// A table as text. Empty lines and those that begin with `#` are left out.
pub(super) struct Columns {
    path: PathBuf,
    names: Vec<String>,
    /// Line numbers, counted from 1, with the cells.
    rows: Vec<(usize, Vec<String>)>,
}

/// A line of a table.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    table: &'a Columns,
    number: usize,
    cells: &'a [String],
}

impl Columns {
    /// Errors when there is no such file, nothing in it, or too much.
    pub fn read(path: &Path) -> Result<Columns> {
        let size = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
        if size.len() > LARGEST {
            return Err(Error::file(path, "this file is too large for a table"));
        }
        let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, &e))?;
        let mut rows = text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty() && !l.trim_start().starts_with('#'))
            .map(|(k, line)| {
                let cells = line.split(',').map(|c| c.trim().to_owned());
                (k + 1, cells.collect::<Vec<String>>())
            });
        let Some((_, names)) = rows.next() else {
            return Err(Error::file(path, "this table is empty"));
        };
        Ok(Columns {
            path: path.to_owned(),
            names,
            rows: rows.collect(),
        })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// All lines but the first.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.rows.iter().map(|(number, cells)| Line {
            table: self,
            number: *number,
            cells,
        })
    }
}

impl Line<'_> {
    /// The number in a column.
    ///
    /// Errors with the line when there is none.
    pub fn number(&self, column: usize) -> Result<f64> {
        let value = self.cells.get(column).and_then(|x| x.parse::<f64>().ok());
        value.filter(|x| x.is_finite()).ok_or_else(|| {
            let name = &self.table.names[column];
            let what = format!("column `{name}` has no number here");
            Error::line(&self.table.path, self.number, what)
        })
    }

    /// The same of a column that may be empty here.
    pub fn optional(&self, column: usize) -> Result<Option<f64>> {
        match self.cells.get(column).is_some_and(|x| !x.is_empty()) {
            true => self.number(column).map(Some),
            false => Ok(None),
        }
    }
}
