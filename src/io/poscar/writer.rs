//! Writing a POSCAR.

use super::{MOVE_MASK, from_angstrom_per_fs};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::frame::{ColumnData, Frame};
use crate::io::value::{Value, logical};
use crate::io::writing::{preimage, push_real};
use crate::system::{Atoms, Cell, System};
use crate::units::FS;
use std::io::Write as _;

/// The order in which atoms are written: grouped by element, the elements in the order of their first appearance.
pub fn atom_order(atoms: &Atoms) -> Vec<usize> {
    let mut seen: Vec<Element> = Vec::new();
    for e in &atoms.elements {
        if !seen.contains(e) {
            seen.push(*e);
        }
    }
    let mut order: Vec<usize> = (0..atoms.len()).collect();
    order.sort_by_key(|&i| seen.iter().position(|e| *e == atoms.elements[i]));
    order
}

/// Appends the file.
pub(in crate::io) fn render(frame: &Frame, out: &mut Vec<u8>) -> Result<()> {
    let System { cell, atoms } = &frame.system;
    let rows = cell.row_vectors();
    if Cell::new(rows, [true; 3]).is_err() {
        return Err(Error::input(
            "POSCAR",
            "this format needs three cell vectors, and the system has fewer",
        )
        .advise("give the system a Lattice with room around it, or write extended XYZ"));
    }
    if !cell.is_bulk() {
        log::warn!(
            "POSCAR cannot say that a direction is not periodic; readers will take all three as periodic"
        );
    }
    let order = atom_order(atoms);
    let mut groups: Vec<(Element, usize)> = Vec::new();
    for &i in &order {
        match groups.last_mut() {
            Some((e, n)) if *e == atoms.elements[i] => *n += 1,
            _ => groups.push((atoms.elements[i], 1)),
        }
    }
    let comment = match frame.value("comment") {
        Some(Value::Text(text)) => text.replace(char::is_control, " "),
        _ => groups
            .iter()
            .map(|(e, n)| format!("{e}{n}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    // Writing to memory cannot fail.
    let _ = write!(out, "{comment}\n1.0\n");
    let row = |v: [f64; 3], out: &mut Vec<u8>| v.into_iter().for_each(|x| push_real(x, out));
    for v in rows {
        row(v, out);
        out.push(b'\n');
    }
    for (e, _) in &groups {
        let _ = write!(out, " {e}");
    }
    out.push(b'\n');
    for (_, n) in &groups {
        let _ = write!(out, " {n}");
    }
    let mask = move_mask(frame);
    out.extend_from_slice(if mask.is_some() {
        b"\nSelective dynamics\nCartesian\n"
    } else {
        b"\nCartesian\n"
    });
    for &i in &order {
        row(atoms.positions[i], out);
        if let Some(mask) = &mask {
            let _ = mask(i)
                .map(logical)
                .iter()
                .try_for_each(|c| write!(out, " {c}"));
        }
        out.push(b'\n');
    }
    if frame.has_velocities {
        out.push(b'\n');
        for &i in &order {
            row(
                atoms.velocities[i].map(|v| preimage(v * FS, v, from_angstrom_per_fs)),
                out,
            );
            out.push(b'\n');
        }
    }
    Ok(())
}

/// Which components of an atom may move, when the frame says so.
fn move_mask(frame: &Frame) -> Option<impl Fn(usize) -> [bool; 3]> {
    let column = frame.column(MOVE_MASK)?;
    let ColumnData::Logical(mask) = &column.data else {
        return None;
    };
    let width = column.width;
    let fits =
        matches!(width, 1 | 3) && Some(mask.len()) == frame.system.atoms.len().checked_mul(width);
    fits.then_some(move |i: usize| {
        std::array::from_fn(|k| mask[if width == 1 { i } else { 3 * i + k }])
    })
}
