//! Coefficients to compare with.

use crate::error::{Error, Result};
use crate::jobs::eos::columns::Columns;
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

/// Reads a table with columns `T_K`, `B_cm3_mol` and, perhaps, `error_cm3_mol`, in order of the temperature; other columns are not
/// looked at. Nothing without a file.
///
/// Errors when a column is missing or a number cannot be read, with the line.
pub(super) fn read(file: Option<&Path>) -> Result<Vec<Measured>> {
    let Some(path) = file else {
        return Ok(Vec::new());
    };
    let table = Columns::read(path)?;
    let (Some(t), Some(b)) = (table.column("T_K"), table.column("B_cm3_mol")) else {
        return Err(Error::file(
            path,
            "the first line must name the columns T_K and B_cm3_mol",
        )
        .advise("temperatures in K and coefficients in cm^3/mol, separated by commas"));
    };
    let e = table.column("error_cm3_mol");
    let mut all = Vec::new();
    for line in table.lines() {
        all.push(Measured {
            temperature: line.number(t)?,
            value: line.number(b)?,
            error: e.map_or(Ok(None), |e| line.optional(e))?,
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
