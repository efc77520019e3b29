//! Plain XYZ: a count, a comment, and one line `symbol x y z` (Å) per atom; frames one after the other.
//!
//! There is no cell, so the system is isolated. A symbol may be an atomic number; more columns are passed over. The
//! comment is kept under the key `comment`. Written are elements and positions only.

use super::MAX_ATOMS;
use super::frame::Frame;
use super::lines::{Lines, shortened};
use super::species_labels::SpeciesLabels;
use super::value::Value;
use super::writing::push_real;
use crate::error::{Error, Result};
use crate::system::{Atoms, Cell, System};
use std::io::{BufRead, Write as _};

/// Reads the next frame; nothing at the end of the file.
pub(super) fn read<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<Frame>> {
    let Some(count) = read_count(lines)? else {
        return Ok(None);
    };
    let line = lines.number();
    if !lines.advance()? {
        return Err(ends_early(lines, line, count, 0));
    }
    let comment = lines.text().trim();
    let info = if comment.is_empty() {
        Vec::new()
    } else {
        vec![("comment".to_owned(), Value::from(comment))]
    };
    let mut labels = SpeciesLabels::default();
    let mut atoms = Atoms::default();
    for atom in 0..count {
        if !lines.advance()? {
            return Err(ends_early(lines, line, count, atom));
        }
        let mut fields = lines.text().split_ascii_whitespace();
        let label = fields.next().unwrap_or("");
        let mut next = |name: &str| {
            let Some(token) = fields.next() else {
                return Err(lines
                    .error(format!("atom {}: {name} is missing", atom + 1))
                    .advise(format!("an atom is a line `symbol x y z`; if the frame ends here, the number in line {line} is too large")));
            };
            lines.finite(Some(token), format_args!("atom {}: {name}", atom + 1))
        };
        let position = [next("x")?, next("y")?, next("z")?];
        let species = labels.find(label).map_err(|e| {
            lines
                .error(format!("atom {}: {}", atom + 1, e.reason))
                .advise(e.advice)
        })?;
        atoms.push(species, position);
    }
    let system = System {
        cell: Cell::isolated(),
        atoms,
    };
    Ok(Some(Frame {
        system,
        info,
        columns: Vec::new(),
        has_velocities: false,
        line,
    }))
}

/// Reads the count line of a frame, after blank lines; nothing at the end of the file.
pub(super) fn read_count<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<usize>> {
    loop {
        if !lines.advance()? {
            return Ok(None);
        }
        if !lines.text().trim().is_empty() {
            break;
        }
    }
    let text = lines.text().trim();
    match text.parse::<usize>() {
        Ok(0) => Err(lines.error("the frame has no atoms")),
        Ok(n) if n <= MAX_ATOMS => Ok(Some(n)),
        _ if text.bytes().all(|b| b.is_ascii_digit()) => {
            Err(lines.error(format!("{} atoms are too many", shortened(text))))
        }
        _ => {
            let error = lines.error(format!(
                "expected the number of atoms, found `{}`",
                shortened(text)
            ));
            Err(error.advise(if lines.number() > 1 {
                "a frame begins with a line that holds only its number of atoms; is the number of the frame before too small?"
            } else {
                "an XYZ file begins with a line that holds only the number of atoms; is this another format?"
            }))
        }
    }
}

/// The error of a file that ends within a frame that begins in `line` and should have `count` atoms.
pub(super) fn ends_early<R: BufRead>(
    lines: &Lines<R>,
    line: usize,
    count: usize,
    found: usize,
) -> Error {
    lines
        .error(format!(
            "the file ends after {found} of the {count} atoms that line {line} announces"
        ))
        .advise("the file was cut off, or the number of atoms is wrong")
}

/// Appends a frame.
pub(super) fn render(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let atoms = &frame.system.atoms;
    let comment = match frame.value("comment") {
        Some(Value::Text(text)) => text.replace(['\n', '\r'], " "),
        _ => String::new(),
    };
    // Writing to memory cannot fail.
    let _ = write!(out, "{}\n{comment}\n", atoms.len());
    for (element, position) in atoms.elements.iter().zip(&atoms.positions) {
        out.extend_from_slice(element.symbol().as_bytes());
        for &x in position {
            push_real(x, out);
        }
        out.push(b'\n');
    }
    Ok(())
}
