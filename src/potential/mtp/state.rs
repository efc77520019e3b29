//! The selection state at the end of an `.almtp` file: the active set of MLIP's MaxVol, with its matrices in binary.

use super::scanner::{Scanner, parse_integer, parse_real, shown};
use crate::error::Result;

/// What a row of the active set is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionMode {
    /// One row a neighbourhood: each atom has a grade.
    Neighbourhood,
    /// One row a configuration: the configuration has a grade.
    Configuration,
}

/// The selection state of a model.
///
/// A and Q are n × n, n being the number of all coefficients of the model; Q is the inverse of A, transposed.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectionState {
    /// What a row is made of.
    pub mode: SelectionMode,
    /// Factor of the rows in configuration mode.
    pub energy_weight: f64,
    /// `site_en_weight` of the file.
    pub site_weight: f64,
    /// Rows of configurations are divided by N to half this power.
    pub weight_scaling: f64,
    /// Number of rows and columns.
    pub size: usize,
    /// The rows of the active set, row by row.
    pub a: Vec<f64>,
    /// The transposed inverse of `a`, row by row.
    pub q: Vec<f64>,
    /// Configuration and equation of each row; `[-1, -1]` where it was never filled.
    pub origins: Vec<[i64; 2]>,
    /// The configurations of the active set as they stand in the file (`.cfg`, text or binary).
    pub configurations: Vec<u8>,
}

impl SelectionState {
    /// Reads the state of a model with `n` coefficients, from its first hash mark to the end of the file.
    pub(super) fn read(s: &mut Scanner<'_>, n: usize) -> Result<SelectionState> {
        let weights = read_weights(s)?;
        let [energy_weight, force, stress, site_weight, weight_scaling] = weights;
        if force != 0.0 || stress != 0.0 {
            return Err(s
                .error("selection by forces or stresses (force_weight, stress_weight) is not supported")
                .advise("select by energies or by neighbourhoods"));
        }
        let mode = match (energy_weight != 0.0, site_weight != 0.0) {
            (true, false) => SelectionMode::Configuration,
            (false, true) => SelectionMode::Neighbourhood,
            _ => {
                return Err(s.error(
                    "of `energy_weight` and `site_en_weight` exactly one must be different from zero",
                ));
            }
        };
        let start = s.offset();
        let a = read_matrix(s, n, "A", start)?;
        let q = read_matrix(s, n, "Q", start)?;
        let after = s.offset();
        s.skip_blank();
        if !s.take(b"#") {
            return Err(s
                .byte_error(after, format!("after two matrices of {n} × {n} numbers a `#` must follow"))
                .advise("the state belongs to a model with another number of coefficients, or the file is damaged"));
        }
        // The configurations may be binary, so offsets are the only places from here on.
        let mut origins = Vec::with_capacity(n);
        for row in 0..n {
            let at = s.offset();
            s.skip_blank();
            let line = s.rest_of_line();
            let mut words = line
                .split(|b| b.is_ascii_whitespace())
                .filter(|w| !w.is_empty());
            let mut integer = || words.next().and_then(parse_integer);
            let (Some(c), Some(e), None) = (integer(), integer(), integer()) else {
                let reason = format!(
                    "the origin of row {} of {n} must be two whole numbers, not `{}`",
                    row + 1,
                    shown(line)
                );
                return Err(s.byte_error(at, reason));
            };
            origins.push([c, e]);
        }
        let at = s.offset();
        s.skip_blank();
        if !s.at_end() && !s.take(b"#") {
            return Err(s.byte_error(at, "after the origins of the rows a `#` must follow"));
        }
        s.skip_blank();
        Ok(SelectionState {
            mode,
            energy_weight,
            site_weight,
            weight_scaling,
            size: n,
            a,
            q,
            origins,
            configurations: s.rest().to_vec(),
        })
    }
}

/// Weights of energy, forces, stress and site energies, and the scaling; positioned behind the `#` before the matrices.
fn read_weights(s: &mut Scanner<'_>) -> Result<[f64; 5]> {
    let names = [
        "energy_weight",
        "force_weight",
        "stress_weight",
        "site_en_weight",
        "weight_scaling",
    ];
    let mut weights = [0.0, 0.0, 0.0, 0.0, 2.0];
    s.take(b"#");
    if !s.rest().starts_with(b"M") {
        // The older spelling: four bare numbers.
        for (name, weight) in names.iter().zip(&mut weights).take(4) {
            s.skip_blank();
            *weight = s.real(name)?;
        }
    } else {
        let version = s.rest_of_line();
        if version != b"MVS_v1.1" {
            return Err(s.error(format!(
                "the selection state `{}` is not known, only MVS_v1.1 is",
                shown(version)
            )));
        }
        loop {
            s.skip_blank();
            if s.at_end() || s.rest().starts_with(b"#") {
                break;
            }
            let key = s.word();
            let Some(at) = names.iter().position(|n| n.as_bytes() == key) else {
                return Err(s.error(format!(
                    "unknown key `{}` in the selection state",
                    shown(key)
                )));
            };
            let word = s.word();
            weights[at] = parse_real(word).ok_or_else(|| {
                s.error(format!(
                    "`{}` must be a number, not `{}`",
                    names[at],
                    shown(word)
                ))
            })?;
            s.end_of_line(names[at])?;
        }
    }
    s.skip_blank();
    if s.take(b"#") {
        Ok(weights)
    } else {
        Err(s
            .error("the file ends inside the selection state")
            .advise("the file is damaged; get a complete copy"))
    }
}

fn read_matrix(s: &mut Scanner<'_>, n: usize, name: &str, start: usize) -> Result<Vec<f64>> {
    let at = s.offset();
    let wanted = n.checked_mul(n).and_then(|m| m.checked_mul(8));
    let Some(bytes) = wanted.and_then(|wanted| s.take_bytes(wanted)) else {
        let reason = format!(
            "the file ends inside the matrix {name} of the selection state: two of {n} × {n} numbers begin at byte {start}"
        );
        return Err(s.byte_error(at + s.rest().len(), reason).advise(
            "the file is damaged, or was changed by a transfer as text; get a complete copy",
        ));
    };
    let values: Vec<f64> = bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect();
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(values),
        Some(k) => Err(s
            .byte_error(
                at + 8 * k,
                format!("a number of the matrix {name} of the selection state is not finite"),
            )
            .advise("the file is damaged, or the state belongs to a model with another number of coefficients")),
    }
}
