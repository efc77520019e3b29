//! Writing a frame of extended XYZ.

use super::comment::append_quoted;
use super::properties;
use super::reader::velocity_from_momentum;
use crate::error::{Error, Result};
use crate::io::frame::{ColumnData, Frame};
use crate::io::value::{Value, logical};
use crate::io::writing::{preimage, push_real};
use std::fmt::Write as _;
use std::io::Write as _;

/// Appends a frame: `species`, `pos`, `masses` when they are not the standard ones, `momenta` when there are
/// velocities, then the frame's own columns.
pub(in crate::io) fn render(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let atoms = &frame.system.atoms;
    let write_masses = atoms
        .masses
        .iter()
        .zip(&atoms.elements)
        .any(|(m, e)| *m != e.mass());
    check_columns(frame)?;
    let header = header(frame, write_masses)?;
    // Writing to memory cannot fail.
    let _ = write!(out, "{}\n{header}\n", atoms.len());
    for i in 0..atoms.len() {
        out.extend_from_slice(atoms.elements[i].symbol().as_bytes());
        for x in atoms.positions[i] {
            push_real(x, out);
        }
        let mass = atoms.masses[i];
        if write_masses {
            push_real(mass, out);
        }
        if frame.has_velocities {
            for v in atoms.velocities[i] {
                push_real(
                    preimage(mass * v, v, |p| velocity_from_momentum(p, mass)),
                    out,
                );
            }
        }
        for column in &frame.columns {
            for k in i * column.width..(i + 1) * column.width {
                match &column.data {
                    ColumnData::Real(v) => push_real(v[k], out),
                    ColumnData::Integer(v) => {
                        let _ = write!(out, " {}", v[k]);
                    }
                    ColumnData::Text(v) => {
                        out.push(b' ');
                        out.extend_from_slice(v[k].as_bytes());
                    }
                    ColumnData::Logical(v) => {
                        let _ = write!(out, " {}", logical(v[k]));
                    }
                }
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

fn header(frame: &Frame, write_masses: bool) -> Result<String> {
    let cell = &frame.system.cell;
    let mut text = String::new();
    let rows = cell.row_vectors();
    if rows.as_flattened().iter().any(|x| *x != 0.0) {
        text.push_str("Lattice=\"");
        Value::from(rows).append_to(&mut text);
        text.push_str("\" ");
    }
    text.push_str("Properties=");
    text.push_str(properties::DEFAULT);
    if write_masses {
        text.push_str(":masses:R:1");
    }
    if frame.has_velocities {
        text.push_str(":momenta:R:3");
    }
    for column in &frame.columns {
        let letter = match column.data {
            ColumnData::Real(_) => 'R',
            ColumnData::Integer(_) => 'I',
            ColumnData::Text(_) => 'S',
            ColumnData::Logical(_) => 'L',
        };
        let _ = write!(text, ":{}:{letter}:{}", column.name, column.width);
    }
    let mut value_text = String::new();
    for (key, value) in &frame.info {
        if key.is_empty() || key.chars().any(char::is_control) {
            return Err(refused(format!(
                "the key {key:?} cannot be written in a comment line"
            )));
        }
        if ["lattice", "properties", "pbc"].contains(&key.to_ascii_lowercase().as_str()) {
            return Err(refused(format!(
                "the key `{key}` is written from the cell and columns and cannot be set"
            )));
        }
        value_text.clear();
        value.append_to(&mut value_text);
        text.push(' ');
        append_quoted(key, &mut text);
        text.push('=');
        append_quoted(&value_text, &mut text);
    }
    let p = cell.periodic().map(logical);
    let _ = write!(text, " pbc=\"{} {} {}\"", p[0], p[1], p[2]);
    Ok(text)
}

fn check_columns(frame: &Frame) -> Result<()> {
    let atoms = frame.system.atoms.len();
    for (i, column) in frame.columns.iter().enumerate() {
        let name = &column.name;
        if name.is_empty()
            || name.contains(|c: char| {
                c.is_whitespace() || c.is_control() || ":=\"'{}[]\\".contains(c)
            })
        {
            return Err(refused(format!("{name:?} cannot be the name of a column")));
        }
        // What was read beside momenta (velocities in Å/fs) is dropped by the reader, so nothing reserved can be here.
        if properties::is_reserved(name) || frame.columns[..i].iter().any(|c| c.name == *name) {
            return Err(refused(format!("the column `{name}` would be there twice")));
        }
        if column.width == 0 || Some(column.data.len()) != atoms.checked_mul(column.width) {
            return Err(refused(format!(
                "the column `{name}` has {} entries for {atoms} atoms of {} each",
                column.data.len(),
                column.width
            )));
        }
        if let ColumnData::Text(words) = &column.data
            && let Some(word) = words
                .iter()
                .find(|w| w.is_empty() || w.contains(char::is_whitespace))
        {
            return Err(refused(format!(
                "the entry {word:?} of column `{name}` is not one word"
            )));
        }
    }
    Ok(())
}

fn refused(reason: String) -> Error {
    Error::input("extended XYZ", reason)
}
