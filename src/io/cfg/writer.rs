//! Writing configurations, as text with all digits or in binary.

use super::{COLUMNS, TYPES, escape};
use crate::error::{Error, Result};
use crate::io::frame::{ColumnData, Frame};
use crate::io::value::Value;
use std::io::Write as _;

/// The types of the atoms, from their column.
fn types(frame: &Frame) -> Result<Vec<i32>> {
    let missing = || {
        Error::input(
            "MLIP cfg",
            "atoms have numbers for species in this format, and none are given",
        )
        .advise("name the elements of species 0, 1, ... in order, as in `--species B,As`")
    };
    let Some(ColumnData::Integer(types)) = frame.column(TYPES).map(|c| &c.data) else {
        return Err(missing());
    };
    types
        .iter()
        .map(|t| i32::try_from(*t).map_err(|_| missing()))
        .collect()
}

/// The rows of the periodic directions; an error when a direction that is not periodic comes before one that is, since the
/// format has no way to say so but a row of zeros.
fn rows(frame: &Frame) -> Vec<[f64; 3]> {
    let cell = &frame.system.cell;
    let periodic = cell.periodic();
    let mut rows: Vec<[f64; 3]> = cell
        .row_vectors()
        .iter()
        .zip(periodic)
        .map(|(row, p)| if p { *row } else { [0.0; 3] })
        .collect();
    while rows.last().is_some_and(|r| *r == [0.0; 3]) {
        rows.pop();
    }
    rows
}

/// xx yy zz yz xz xy.
fn virial(frame: &Frame) -> Option<[f64; 6]> {
    let w = frame.virial()?;
    Some([w[0][0], w[1][1], w[2][2], w[1][2], w[0][2], w[0][1]])
}

/// Keys and values that are features: all but those that have a place of their own.
fn features(frame: &Frame) -> impl Iterator<Item = (&str, String)> {
    let taken = [
        "energy",
        "virial",
        "virials",
        "stress",
        "free_energy",
        "Energy",
        "Virial",
    ];
    frame
        .info
        .iter()
        .filter(move |(key, _)| !taken.contains(&key.as_str()))
        .map(|(key, value)| {
            let mut text = String::new();
            match value {
                Value::Text(t) => text.push_str(t),
                other => other.append_to(&mut text),
            }
            (key.as_str(), text)
        })
}

fn check(frame: &Frame) -> Result<()> {
    let values = frame
        .energy()
        .into_iter()
        .chain(virial(frame).into_iter().flatten());
    let columns = COLUMNS
        .iter()
        .filter_map(|(_, name)| match &frame.column(name)?.data {
            ColumnData::Real(v) => Some(v),
            _ => None,
        });
    if values.chain(columns.flatten().copied()).all(f64::is_finite) {
        return Ok(());
    }
    Err(Error::input(
        "MLIP cfg",
        "a number of the frame is not finite",
    ))
}

/// Appends a configuration as text.
pub(in crate::io) fn render_text(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let types = types(frame)?;
    check(frame)?;
    // Writing to memory cannot fail.
    let n = types.len();
    let _ = writeln!(out, "BEGIN_CFG\n Size\n    {n}");
    let rows = rows(frame);
    if !rows.is_empty() {
        let _ = writeln!(out, " Supercell");
        for [x, y, z] in rows {
            let _ = writeln!(out, "    {x:?} {y:?} {z:?}");
        }
    }
    let columns: Vec<(&[&str], &[f64], usize)> = COLUMNS
        .iter()
        .filter_map(|(names, name)| {
            let column = frame.column(name).filter(|c| c.width == names.len())?;
            match &column.data {
                ColumnData::Real(v) => Some((*names, v.as_slice(), column.width)),
                _ => None,
            }
        })
        .collect();
    let _ = write!(out, " AtomData:  id type cartes_x cartes_y cartes_z");
    for name in columns.iter().flat_map(|c| c.0) {
        let _ = write!(out, " {name}");
    }
    out.push(b'\n');
    for (i, (kind, [x, y, z])) in types.iter().zip(&frame.system.atoms.positions).enumerate() {
        let _ = write!(out, "    {} {kind} {x:?} {y:?} {z:?}", i + 1);
        for (_, values, width) in &columns {
            for value in &values[i * width..][..*width] {
                let _ = write!(out, " {value:?}");
            }
        }
        out.push(b'\n');
    }
    if let Some(e) = frame.energy() {
        let _ = writeln!(out, " Energy\n    {e:?}");
    }
    if let Some(v) = virial(frame) {
        let _ = writeln!(out, " PlusStress:  xx yy zz yz xz xy");
        let words: Vec<String> = v.iter().map(|v| format!("{v:?}")).collect();
        let _ = writeln!(out, "    {}", words.join(" "));
    }
    for (key, text) in features(frame) {
        for line in text.split('\n') {
            let _ = writeln!(out, " Feature   {}\t{}", escape(key), line.trim());
        }
    }
    let _ = writeln!(out, "END_CFG\n");
    Ok(())
}

/// Appends a configuration in binary.
pub(in crate::io) fn render_binary(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let types = types(frame)?;
    check(frame)?;
    let reals = |tag: u8, values: &[f64], out: &mut Vec<u8>| {
        out.push(tag);
        values
            .iter()
            .for_each(|x| out.extend_from_slice(&x.to_le_bytes()));
    };
    out.push(b'n');
    out.extend_from_slice(&(types.len() as i32).to_le_bytes());
    let mut lattice = rows(frame);
    if !lattice.is_empty() {
        lattice.resize(3, [0.0; 3]);
        reals(b'l', lattice.as_flattened(), out);
    }
    reals(b'p', frame.system.atoms.positions.as_flattened(), out);
    out.push(b't');
    types
        .iter()
        .for_each(|t| out.extend_from_slice(&t.to_le_bytes()));
    if let Some(forces) = frame.vectors("forces") {
        reals(b'f', forces.as_flattened(), out);
    }
    for (tag, name) in [(b'v', "local_energy"), (b'c', "charges")] {
        if let Some(values) = frame.scalars(name) {
            reals(tag, values, out);
        }
    }
    if let Some(e) = frame.energy() {
        reals(b'e', &[e], out);
    }
    if let Some([xx, yy, zz, yz, xz, xy]) = virial(frame) {
        reals(b's', &[xx, yy, zz, xy, yz, xz], out);
    }
    for (key, text) in features(frame) {
        out.push(b'F');
        for part in [key, &text] {
            out.extend_from_slice(&(part.len() as i32).to_le_bytes());
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.push(b'#');
    Ok(())
}
