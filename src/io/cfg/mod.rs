//! MLIP's configuration files, text and binary, with any number of configurations.
//!
//! Atoms have types, which are numbers: `ReadOptions::labels` says what they are. They are kept in the column `mtp_type`, and
//! written from it. Energy and virial (`PlusStress`) become the values `energy` and `virial`, forces and site energies the
//! columns `forces` and `local_energy`, features values of their names.

mod binary;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(super) use reader::read;
pub(super) use writer::{render_binary, render_text};

use super::ReadOptions;
use super::frame::{Column, ColumnData, Frame};
use super::lines::shortened;
use super::value::Value;
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::system::{Atoms, Cell, System};

/// The column with the types of the atoms.
pub const TYPES: &str = "mtp_type";

/// Columns of numbers that are passed on as they are: name in the file, name of the frame's column, entries.
const COLUMNS: [(&[&str], &str); 6] = [
    (&["fx", "fy", "fz"], "forces"),
    (&["site_en"], "local_energy"),
    (&["charge"], "charges"),
    (&["magmom_x", "magmom_y", "magmom_z"], "magmoms"),
    (&["en_der_mx", "en_der_my", "en_der_mz"], "en_der"),
    (&["nbh_grades"], "nbh_grades"),
];

/// A configuration on its way from a file.
#[derive(Default)]
struct Parts {
    line: usize,
    atoms: usize,
    /// The rows of the cell.
    rows: Vec<[f64; 3]>,
    /// Positions, Cartesian or fractional.
    positions: Vec<[f64; 3]>,
    fractional: bool,
    types: Vec<i64>,
    columns: Vec<Column>,
    info: Vec<(String, Value)>,
}

impl Parts {
    /// The frame; `error` makes an error of a reason, with the place.
    fn finish(mut self, options: &ReadOptions, error: impl Fn(String) -> Error) -> Result<Frame> {
        if self.atoms == 0 {
            return Err(error("the configuration has no atoms".into()));
        }
        if self.positions.len() != self.atoms {
            return Err(error("the configuration has no positions".into()));
        }
        let mut rows = [[0.0; 3]; 3];
        let mut periodic = [false; 3];
        for (k, row) in self.rows.iter().enumerate() {
            rows[k] = *row;
            periodic[k] = row.iter().any(|x| *x != 0.0);
        }
        let cell = Cell::new(rows, periodic).map_err(|why| error(why.to_string()))?;
        if self.fractional {
            for x in &mut self.positions {
                let f = *x;
                *x = std::array::from_fn(|k| (0..3).map(|d| f[d] * rows[d][k]).sum());
            }
        }
        // A file without types has one species.
        self.types.resize(self.atoms, 0);
        let mut atoms = Atoms::default();
        for (label, position) in self.types.iter().zip(&self.positions) {
            atoms.push(species_of(options, *label, &self.types, &error)?, *position);
        }
        let mut frame = Frame::from(System { cell, atoms });
        frame.line = self.line;
        frame.info = self.info;
        frame.set_column(Column {
            name: TYPES.to_owned(),
            width: 1,
            data: ColumnData::Integer(self.types),
        });
        frame.columns.extend(self.columns);
        Ok(frame)
    }

    fn set_virial(&mut self, [xx, yy, zz, yz, xz, xy]: [f64; 6]) {
        let nine = vec![xx, xy, xz, xy, yy, yz, xz, yz, zz];
        self.info.push(("virial".to_owned(), Value::Reals(nine)));
    }

    /// A repeated feature goes on in a new line.
    fn add_feature(&mut self, key: &str, value: &str) {
        let old = self.info.iter_mut().find(|(k, _)| k == key);
        match old {
            Some((_, Value::Text(text))) => {
                text.push('\n');
                text.push_str(value);
            }
            Some(_) => {}
            None => self
                .info
                .push((key.to_owned(), Value::Text(value.to_owned()))),
        }
    }
}

fn species_of(
    options: &ReadOptions,
    label: i64,
    all: &[i64],
    error: &impl Fn(String) -> Error,
) -> Result<Species> {
    if let Some((_, species)) = options.labels.iter().find(|(l, _)| *l == label) {
        return Ok(*species);
    }
    let mut labels = all.to_vec();
    labels.sort_unstable();
    labels.dedup();
    let shown: Vec<String> = labels.iter().take(20).map(i64::to_string).collect();
    let reason = if options.labels.is_empty() {
        format!(
            "the file numbers its species ({} here) and does not name their elements",
            shown.join(", ")
        )
    } else {
        format!("no element is given for species {label}")
    };
    Err(error(reason).advise(
        "name the elements of species 0, 1, ... in order: `--species B,As`; for other numbers `--species 6=C,14=Si`",
    ))
}

/// A key of a feature with its blanks escaped.
fn escape(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_whitespace() || c == '\\' {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}

/// A key, with backslashes before blanks, and what follows.
fn split_feature(text: &str) -> (String, &str) {
    let text = text.trim_start();
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, next)) => key.push(next),
                None => break,
            },
            c if c.is_whitespace() => return (key, text[at..].trim()),
            c => key.push(c),
        }
    }
    (key, "")
}

/// A message's form of a word of the file.
fn quoted(word: &str) -> String {
    format!("`{}`", shortened(word))
}
