//! Coefficients to compare with.

use crate::error::{Error, Result};
use std::path::Path;

/// A coefficient that somebody measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// K.
    pub temperature: f64,
    /// cm³/mol.
    pub value: f64,
    /// cm³/mol, where it is known.
    pub error: Option<f64>,
}

/// Larger files are no tables.
const LARGEST: u64 = 16 << 20;

/// Reads a table with columns `T_K`, `B_cm3_mol` and, perhaps, `error_cm3_mol`, in order of the temperature; other columns are not
/// looked at. Nothing without a file.
///
/// Errors when a column is missing or a number cannot be read, with the line.
pub(super) fn read(file: Option<&Path>) -> Result<Vec<Measured>> {
    let Some(path) = file else {
        return Ok(Vec::new());
    };
    let size = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
    if size.len() > LARGEST {
        return Err(Error::file(path, "this file is too large for a table"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, &e))?;
    let filled = |l: &(usize, &str)| !l.1.trim().is_empty() && !l.1.trim_start().starts_with('#');
    let mut lines = text.lines().enumerate().filter(filled);
    let Some((_, head)) = lines.next() else {
        return Err(Error::file(path, "this table is empty"));
    };
    let names: Vec<&str> = head.split(',').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|n| *n == name);
    let (Some(t), Some(b)) = (column("T_K"), column("B_cm3_mol")) else {
        return Err(Error::file(
            path,
            "the first line must name the columns T_K and B_cm3_mol",
        )
        .advise("temperatures in K and coefficients in cm^3/mol, separated by commas"));
    };
    let e = column("error_cm3_mol");
    let mut all = Vec::new();
    for (k, line) in lines {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let number = |c: usize| {
            let value = cells.get(c).and_then(|x| x.parse::<f64>().ok());
            value.filter(|x| x.is_finite()).ok_or_else(|| {
                Error::line(
                    path,
                    k + 1,
                    format!("column `{}` has no number here", names[c]),
                )
            })
        };
        let error = match e.filter(|c| cells.get(*c).is_some_and(|x| !x.is_empty())) {
            Some(c) => Some(number(c)?),
            None => None,
        };
        all.push(Measured {
            temperature: number(t)?,
            value: number(b)?,
            error,
        });
    }
    all.sort_by(|a, b| a.temperature.total_cmp(&b.temperature));
    Ok(all)
}

/// The value of a table at a temperature (K), between its neighbours on a straight line; none outside.
pub(super) fn at(all: &[Measured], temperature: f64) -> Option<f64> {
    let k = all.partition_point(|m| m.temperature < temperature);
    let above = all.get(k)?;
    if above.temperature == temperature {
        return Some(above.value);
    }
    let below = all.get(k.checked_sub(1)?)?;
    let share = (temperature - below.temperature) / (above.temperature - below.temperature);
    Some(below.value + share * (above.value - below.value))
}
