//! Matrices of generalised Langevin thermostats: the text of GLE4MD, and the arrays of i-PI's input.

use crate::error::{Error, Result};
use crate::units::{self, BOLTZMANN, Dimension, FS};
use nalgebra::DMatrix;
use std::path::Path;

/// No file of matrices is larger.
const LARGEST: u64 = 1 << 22;

/// Reads a drift matrix A (inverse internal time).
///
/// Errors when the file has no matrix, the matrix is not square, or its unit is not said.
pub fn read_drift(path: &Path) -> Result<DMatrix<f64>> {
    read(path, "A", &|word| {
        let atomic = ["atomic_unit", "atomic unit", "atomictime^-1", "a.u."];
        if atomic.iter().any(|a| word.contains(a)) {
            return Some(units::HARTREE / units::HBAR);
        }
        let rates = [
            (["ps^-1", "/ps", "picosecond^-1"], 1e-3),
            (["fs^-1", "/fs", "femtosecond^-1"], 1.0),
            (["ns^-1", "/ns", "nanosecond^-1"], 1e-6),
            ([" s^-1", "/s", " second^-1"], 1e-15),
        ];
        let known = rates.iter().find(|r| r.0.iter().any(|w| word.contains(w)));
        known.map(|r| r.1 / FS)
    })
}

/// Reads a covariance matrix C (eV).
///
/// Errors as [`read_drift`] does.
pub fn read_covariance(path: &Path) -> Result<DMatrix<f64>> {
    read(path, "C", &|word| {
        if word.contains("kelvin") || word.split(|c: char| !c.is_alphanumeric()).any(|w| w == "k") {
            return Some(BOLTZMANN);
        }
        if word.contains("atomic") || word.contains("a.u.") {
            return Some(units::HARTREE);
        }
        let electronvolt =
            word.contains("electronvolt") || word.split_whitespace().any(|w| w == "ev");
        electronvolt.then(|| units::parse("1 eV", Dimension::ENERGY).unwrap_or(1.0))
    })
}

fn read(path: &Path, name: &str, factor: &dyn Fn(&str) -> Option<f64>) -> Result<DMatrix<f64>> {
    let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
    if about.len() > LARGEST {
        return Err(
            Error::file(path, "this file is too large for a matrix of a thermostat")
                .advise("give the text that GLE4MD has made"),
        );
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, &e))?;
    let tag = format!("<{name}");
    let (numbers, unit, line) = match text.find(&tag) {
        Some(at) => array(path, &text, at, name)?,
        None => rows(path, &text)?,
    };
    let n = numbers.len().isqrt();
    if n == 0 || n * n != numbers.len() {
        return Err(Error::line(
            path,
            line,
            format!("{} numbers are not a square matrix", numbers.len()),
        )
        .advise("give all rows of the matrix, and nothing else"));
    }
    // Words are compared in lower case, with a space in front of each.
    let words = format!(" {}", unit.to_lowercase());
    let Some(factor) = factor(&words) else {
        let (what, example) = match name {
            "A" => ("inverse time", "# A [ps^-1]"),
            _ => ("temperature or energy", "# C [K]"),
        };
        return Err(Error::line(
            path,
            line,
            format!("the unit of the matrix is not said ({what})"),
        )
        .advise(format!(
            "put it into a comment in front of the rows, as in `{example}`"
        )));
    };
    Ok(DMatrix::from_row_slice(n, n, &numbers) * factor)
}

/// The numbers, the words that hold the unit, and the line where they begin.
type Found = (Vec<f64>, String, usize);

/// Rows of numbers, with comments.
fn rows(path: &Path, text: &str) -> Result<Found> {
    let (mut numbers, mut comments, mut first) = (Vec::new(), String::new(), 1);
    for (k, line) in text.lines().enumerate() {
        let (line, comment) = line.split_once('#').unwrap_or((line, ""));
        comments.push(' ');
        comments.push_str(comment);
        if numbers.is_empty() {
            first = k + 1;
        }
        for word in line.split_whitespace() {
            numbers.push(number(path, k + 1, word)?);
        }
    }
    Ok((numbers, comments, first))
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
    let unit = head.split_once("units").map_or("", |u| u.1);
    let unit = unit.trim_start_matches(['=', ' ', '\'', '"']);
    let unit = unit.split(['\'', '"']).next().unwrap_or("");
    Ok((numbers, unit.to_owned(), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn both_forms_are_the_same_matrix() {
        let forms = [
            "# A-matrix [ps^-1]\n 1.0 2.0\n-3.5e-1 4 # the end\n",
            "<x><A shape='(2,2)' units='ps^-1'>\n [ 1.0, 2.0,\n -3.5e-1, 4 ]\n</A></x>",
            "# inverse femtoseconds, fs^-1\n0.001 0.002 -0.00035 0.004",
            "# in s^-1\n1e12 2e12\n-0.35e12 4e12",
        ];
        for text in forms {
            let (_folder, path) = written(text);
            let a = read_drift(&path).unwrap() * (FS * 1e3);
            let right = [1.0, 2.0, -0.35, 4.0];
            for (x, y) in a.transpose().iter().zip(right) {
                assert!((x - y).abs() < 1e-12, "{text}: {a}");
            }
        }
        // 1 atomic unit of time is 0.02418884 fs.
        let (_folder, path) =
            written("# atomic units: atomic unit of time ^-1, a.u.\n2.418884326e-2");
        assert!((read_drift(&path).unwrap()[(0, 0)] * FS - 1.0).abs() < 1e-8);
        let (_folder, path) = written("# C [K]\n 300 1\n 1 200");
        assert!((read_covariance(&path).unwrap()[(0, 0)] - 300.0 * BOLTZMANN).abs() < 1e-15);
    }

    #[test]
    fn refusals() {
        for (text, words) in [
            ("# ps^-1\n1 2 3\n", "not a square matrix"),
            ("1 2\n3 4\n", "unit of the matrix"),
            ("# ps^-1\n1 x\n", "`x` is not a number"),
            ("", "not a square"),
            ("<A units='ps^-1'> [1", "is not closed"),
            ("# ps^-1\nnan", "is not a number"),
        ] {
            let (_folder, path) = written(text);
            let e = read_drift(&path).unwrap_err();
            assert!(e.to_string().contains(words), "{text}: {e}");
            assert_eq!(e.exit_code(), 2);
        }
    }
}
