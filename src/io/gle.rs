//! Matrices of generalised Langevin thermostats: the text of GLE4MD, and the arrays of i-PI's input.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::units::{self, BOLTZMANN, Dimension, FS};
use nalgebra::DMatrix;
use std::path::Path;

/// No file of matrices is larger.
const LARGEST: u64 = 1 << 22;

/// Reads a drift matrix A (inverse internal time).
///
/// Errors when the file has no matrix, the matrix is not square, its unit is not said, or there are several matrices.
pub fn read_drift(path: &Path) -> Result<DMatrix<f64>> {
    one(path, "A", &rate)
}

/// Reads a covariance matrix C (eV).
///
/// Errors as [`read_drift`] does.
pub fn read_covariance(path: &Path) -> Result<DMatrix<f64>> {
    one(path, "C", &energy)
}

/// Reads drift matrices A (inverse internal time) of the normal modes of ring polymers, one each in the order of the file:
/// an array of i-PI's `nm_gle`, of the shape (modes, rows, columns), or matrices one below the other, row by row.
///
/// Errors when the file has no matrices, they are not square and alike, or their unit is not said.
pub fn read_mode_drifts(path: &Path) -> Result<Vec<DMatrix<f64>>> {
    several(path, "A", &rate)
}

/// Reads covariance matrices C (eV) of the normal modes of ring polymers.
///
/// Errors as [`read_mode_drifts`] does.
pub fn read_mode_covariances(path: &Path) -> Result<Vec<DMatrix<f64>>> {
    several(path, "C", &energy)
}

/// An inverse time that is named in some words, in internal units.
fn rate(words: &str) -> Option<f64> {
    let atomic = ["atomic_unit", "atomic unit", "atomictime^-1", "a.u."];
    if atomic.iter().any(|a| words.contains(a)) {
        return Some(units::HARTREE / units::HBAR);
    }
    let rates = [
        (["ps^-1", "/ps", "picosecond^-1"], 1e-3),
        (["fs^-1", "/fs", "femtosecond^-1"], 1.0),
        (["ns^-1", "/ns", "nanosecond^-1"], 1e-6),
        ([" s^-1", "/s", " second^-1"], 1e-15),
    ];
    let known = rates.iter().find(|r| r.0.iter().any(|w| words.contains(w)));
    known.map(|r| r.1 / FS)
}

/// A temperature or energy that is named in some words, in eV.
fn energy(words: &str) -> Option<f64> {
    if words.contains("kelvin")
        || words
            .split(|c: char| !c.is_alphanumeric())
            .any(|w| w == "k")
    {
        return Some(BOLTZMANN);
    }
    if words.contains("atomic") || words.contains("a.u.") {
        return Some(units::HARTREE);
    }
    let electronvolt =
        words.contains("electronvolt") || words.split_whitespace().any(|w| w == "ev");
    electronvolt.then(|| units::parse("1 eV", Dimension::ENERGY).unwrap_or(1.0))
}

type Unit<'a> = &'a dyn Fn(&str) -> Option<f64>;

fn one(path: &Path, name: &str, unit: Unit) -> Result<DMatrix<f64>> {
    let found = find(path, name)?;
    let count = found.numbers.len();
    let n = count.isqrt();
    // Numbers below each other may be one matrix.
    let said = matches!(found.shape, Shape::Said(_));
    let modes = found.modes().filter(|m| m[0] > 1 && (said || m[1] > 1));
    if let Some([modes, rows]) = modes {
        return Err(Error::line(
            path,
            found.line,
            format!("there are {modes} matrices of {rows} rows where one is wanted"),
        )
        .advise("matrices of the normal modes are for ring polymers; give a file of one matrix"));
    }
    if n == 0 || n * n != count {
        return Err(Error::line(
            path,
            found.line,
            format!("{count} numbers are not a square matrix"),
        )
        .advise("give all rows of the matrix, and nothing else"));
    }
    let factor = found.factor(path, name, unit)?;
    Ok(DMatrix::from_row_slice(n, n, &found.numbers) * factor)
}

fn several(path: &Path, name: &str, unit: Unit) -> Result<Vec<DMatrix<f64>>> {
    let found = find(path, name)?;
    let count = found.numbers.len();
    let Some([_, n]) = found.modes() else {
        let (what, advice) = match &found.shape {
            Shape::Said(shape) => (
                format!("{count} numbers in an array of the shape {shape:?}"),
                "the shape of the array should be that of its numbers: (modes, rows, columns), as in shape='(8,7,7)'",
            ),
            Shape::Lines(_) => (
                format!("{count} numbers in lines that are not those of square matrices"),
                "give a line for each row, the rows of one matrix below those of the other",
            ),
        };
        return Err(Error::line(
            path,
            found.line,
            format!("{what} are no matrices of normal modes"),
        )
        .advise(advice));
    };
    let factor = found.factor(path, name, unit)?;
    let matrices = found.numbers.chunks_exact(n * n);
    Ok(matrices
        .map(|m| DMatrix::from_row_slice(n, n, m) * factor)
        .collect())
}

fn find(path: &Path, name: &str) -> Result<Found> {
    let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
    if about.len() > LARGEST {
        return Err(
            Error::file(path, "this file is too large for a matrix of a thermostat")
                .advise("give the text that GLE4MD has made"),
        );
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, &e))?;
    match text.find(&format!("<{name}")) {
        Some(at) => array(path, &text, at, name),
        None => rows(path, &text),
    }
}

/// What a file has.
struct Found {
    numbers: Vec<f64>,
    /// The words that hold the unit.
    unit: String,
    /// Where the numbers begin.
    line: usize,
    shape: Shape,
}

/// How the numbers are laid out.
enum Shape {
    /// As the array says; empty when it does not.
    Said(Vec<usize>),
    /// In lines of so many numbers; none when they differ.
    Lines(Option<usize>),
}

impl Found {
    /// Number of matrices and of their rows, when the layout is that of square matrices.
    fn modes(&self) -> Option<[usize; 2]> {
        let count = self.numbers.len();
        let [modes, n] = match &self.shape {
            Shape::Said(shape) => match shape[..] {
                [modes, n, m] if n == m => [modes, n],
                [n, m] if n == m => [1, n],
                _ => return None,
            },
            Shape::Lines(width) => {
                let n = (*width)?;
                [count / n.checked_mul(n)?.max(1), n]
            }
        };
        let whole = n
            .checked_mul(n)
            .and_then(|square| square.checked_mul(modes));
        (count > 0 && whole == Some(count)).then_some([modes, n])
    }

    /// What the numbers are to be multiplied with.
    fn factor(&self, path: &Path, name: &str, unit: Unit) -> Result<f64> {
        // Words are compared in lower case, with a space in front of each.
        let words = format!(" {}", self.unit.to_lowercase());
        unit(&words).ok_or_else(|| {
            let (what, example) = match name {
                "A" => ("inverse time", "# A [ps^-1]"),
                _ => ("temperature or energy", "# C [K]"),
            };
            Error::line(
                path,
                self.line,
                format!("the unit of the matrix is not said ({what})"),
            )
            .advise(format!(
                "put it into a comment in front of the rows, as in `{example}`"
            ))
        })
    }
}

/// Rows of numbers, with comments.
fn rows(path: &Path, text: &str) -> Result<Found> {
    let (mut numbers, mut comments, mut first) = (Vec::new(), String::new(), 1);
    let (mut width, mut even) = (0, true);
    for (k, line) in text.lines().enumerate() {
        let (line, comment) = line.split_once('#').unwrap_or((line, ""));
        comments.push(' ');
        comments.push_str(comment);
        if numbers.is_empty() {
            first = k + 1;
        }
        let before = numbers.len();
        for word in line.split_whitespace() {
            numbers.push(number(path, k + 1, word)?);
        }
        let here = numbers.len() - before;
        if width == 0 {
            width = here;
        }
        even &= here == 0 || here == width;
    }
    Ok(Found {
        numbers,
        unit: comments,
        line: first,
        shape: Shape::Lines(even.then_some(width)),
    })
}

fn number(path: &Path, line: usize, word: &str) -> Result<f64> {
    match word.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err(Error::line(path, line, format!("`{word}` is not a number"))
            .advise("a file of a matrix has rows of numbers, and comments after `#`")),
    }
}

/// An array of i-PI: `<A shape='(7,7)' units='ps^-1'> [ 1.0, 2.0, ... ] </A>`.
fn array(path: &Path, text: &str, at: usize, name: &str) -> Result<Found> {
    let line = text[..at].lines().count().max(1);
    let broken = |what: &str| {
        Error::line(path, line, format!("the array <{name}> {what}"))
            .advise("it should look like <A shape='(7,7)' units='ps^-1'> [ ... ] </A>")
    };
    let rest = &text[at..];
    let (head, rest) = rest
        .split_once('>')
        .ok_or_else(|| broken("is not closed"))?;
    let close = format!("</{name}>");
    let (body, _) = rest
        .split_once(&close)
        .ok_or_else(|| broken("is not closed"))?;
    let words = body.split(|c: char| c.is_whitespace() || ",[]".contains(c));
    let numbers = words
        .filter(|w| !w.is_empty())
        .map(|w| number(path, line, w))
        .collect::<Result<Vec<f64>>>()?;
    let attribute = |name: &str| {
        let value = head.split_once(name).map_or("", |u| u.1);
        let value = value.trim_start_matches(['=', ' ', '\'', '"']);
        value.split(['\'', '"']).next().unwrap_or("")
    };
    let shape = attribute("shape")
        .split(|c: char| !c.is_ascii_digit())
        .filter(|w| !w.is_empty())
        .map(|w| {
            w.parse()
                .map_err(|_| broken("has a shape beyond all bounds"))
        })
        .collect::<Result<Vec<usize>>>()?;
    Ok(Found {
        numbers,
        unit: attribute("units").to_owned(),
        line,
        shape: Shape::Said(shape),
    })
}
