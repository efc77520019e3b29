//! Reading a POSCAR.

use super::{MOVE_MASK, from_angstrom_per_fs};
use crate::elements::Species;
use crate::error::Result;
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::{Lines, parse_real, shortened};
use crate::io::species_labels::{UnknownLabel, species_of};
use crate::io::value::Value;
use crate::io::{MAX_ATOMS, ReadOptions};
use crate::system::{Atoms, Cell, System};
use std::io::BufRead;

/// Reads the file.
pub(in crate::io) fn read<R: BufRead>(
    lines: &mut Lines<R>,
    options: &ReadOptions,
) -> Result<Frame> {
    need(lines, "the comment line")?;
    let comment = lines.text().trim().to_owned();
    let (cell, scale) = read_cell(lines)?;
    let groups = read_groups(lines, &comment, options)?;
    let count = groups.iter().fold(0usize, |sum, g| sum.saturating_add(g.1));
    need(lines, "the line `Direct` or `Cartesian`")?;
    let selective = lines.text().trim_start().starts_with(['S', 's']);
    if selective {
        need(lines, "the line `Direct` or `Cartesian`")?;
    }
    let cartesian = match lines.text().trim_start().chars().next() {
        Some('C' | 'c' | 'K' | 'k') => true,
        Some('D' | 'd') => false,
        _ => {
            return Err(lines
                .error(format!("expected `Direct` or `Cartesian`, found `{}`", shortened(lines.text())))
                .advise("after the counts comes `Selective dynamics` (if wanted), then the kind of coordinates"));
        }
    };
    let mut atoms = Atoms::default();
    let mut free = Vec::new();
    for (species, group) in groups {
        for _ in 0..group {
            let atom = atoms.len() + 1;
            if !lines.advance()? {
                return Err(lines.error(format!(
                    "the file ends after {} of {count} positions",
                    atom - 1
                )));
            }
            let mut fields = lines.text().split_ascii_whitespace();
            let x = triple(lines, &mut fields, |k| {
                format!("atom {atom}: {} of the position", ["x", "y", "z"][k])
            })?;
            if selective {
                for _ in 0..3 {
                    free.push(read_flag(lines, fields.next(), atom)?);
                }
            }
            let x = if cartesian {
                std::array::from_fn(|k| x[k] * scale[k])
            } else {
                cell.cartesian(x)
            };
            if x.iter().any(|x: &f64| !x.is_finite()) {
                return Err(lines.error(format!("atom {atom}: the position is too large")));
            }
            atoms.push(species, x);
        }
    }
    let has_velocities = read_velocities(lines, &mut atoms)?;
    let columns = if selective {
        vec![Column {
            name: MOVE_MASK.into(),
            width: 3,
            data: ColumnData::Logical(free),
        }]
    } else {
        Vec::new()
    };
    let info = if comment.is_empty() {
        Vec::new()
    } else {
        vec![("comment".to_owned(), Value::from(comment))]
    };
    Ok(Frame {
        system: System { cell, atoms },
        info,
        columns,
        has_velocities,
        line: 1,
    })
}

fn need<R: BufRead>(lines: &mut Lines<R>, what: &str) -> Result<()> {
    if lines.advance()? {
        Ok(())
    } else {
        Err(lines.error(format!("the file ends before {what}")))
    }
}

fn triple<'a, R: BufRead>(
    lines: &Lines<R>,
    fields: &mut impl Iterator<Item = &'a str>,
    name: impl Fn(usize) -> String,
) -> Result<[f64; 3]> {
    let mut x = [0.0; 3];
    for (k, x) in x.iter_mut().enumerate() {
        let token = fields.next();
        // The name is only put together for a message.
        *x = match token.and_then(parse_real) {
            Some(v) if v.is_finite() => v,
            _ => lines.finite(token, name(k))?,
        };
    }
    Ok(x)
}

fn read_flag<R: BufRead>(lines: &Lines<R>, token: Option<&str>, atom: usize) -> Result<bool> {
    match token
        .map(|t| t.trim_matches('.'))
        .and_then(|t| t.chars().next())
    {
        Some('T' | 't') => Ok(true),
        Some('F' | 'f') => Ok(false),
        _ => Err(lines
            .error(format!(
                "atom {atom}: expected T or F, found `{}`",
                shortened(token.unwrap_or(""))
            ))
            .advise("with `Selective dynamics` each position is followed by three letters T or F")),
    }
}

/// The cell, and the factors for Cartesian positions.
fn read_cell<R: BufRead>(lines: &mut Lines<R>) -> Result<(Cell, [f64; 3])> {
    need(lines, "the scale factor")?;
    let scale_line = lines.number();
    let factors: Vec<f64> = lines
        .text()
        .split_ascii_whitespace()
        .map_while(parse_real)
        .take(4)
        .collect();
    let (factors, volume) = match factors.as_slice() {
        [v] if *v < 0.0 => ([1.0; 3], Some(-v)),
        [s] if *s > 0.0 => ([*s; 3], None),
        [x, y, z] if *x > 0.0 && *y > 0.0 && *z > 0.0 => ([*x, *y, *z], None),
        _ => {
            return Err(lines
                .error(format!(
                    "expected the scale factor, found `{}`",
                    shortened(lines.text())
                ))
                .advise(
                    "write one positive factor, minus the volume in Å^3, or three positive factors",
                ));
        }
    };
    let mut rows = [[0.0; 3]; 3];
    for (row, name) in rows.iter_mut().zip(["a", "b", "c"]) {
        need(lines, "the three cell vectors")?;
        let mut fields = lines.text().split_ascii_whitespace();
        *row = triple(lines, &mut fields, |k| {
            format!("component {} of cell vector {name}", k + 1)
        })?;
    }
    let build = |rows: [[f64; 3]; 3], scale: [f64; 3]| {
        let rows = rows.map(|row| std::array::from_fn(|k| row[k] * scale[k]));
        Cell::new(rows, [true; 3]).map_err(|reason| lines.error_at(scale_line + 1, reason))
    };
    let scale = match volume {
        None => factors,
        Some(wanted) => {
            let unscaled = build(rows, [1.0; 3])?.volume().unwrap_or(1.0);
            [(wanted / unscaled).cbrt(); 3]
        }
    };
    if !scale.iter().all(|s| s.is_finite()) {
        return Err(lines.error_at(scale_line, "the scale factor is not a finite number"));
    }
    Ok((build(rows, scale)?, scale))
}

/// Species and number of atoms of each group.
fn read_groups<R: BufRead>(
    lines: &mut Lines<R>,
    comment: &str,
    options: &ReadOptions,
) -> Result<Vec<(Species, usize)>> {
    need(lines, "the symbols")?;
    let starts_with_number = |text: &str| {
        text.split_ascii_whitespace()
            .next()
            .is_some_and(|t| parse_real(t).is_some())
    };
    let mut symbols: Option<(usize, Vec<String>)> = None;
    if !starts_with_number(lines.text()) {
        symbols = Some((lines.number(), symbol_words(lines.text())));
        need(lines, "the number of atoms of each symbol")?;
    }
    let mut counts = Vec::new();
    for word in lines.text().split_ascii_whitespace() {
        match word.parse::<usize>() {
            Ok(n) => counts.push(n),
            Err(_) if counts.is_empty() || starts_with_number(word) => {
                return Err(lines.error(format!(
                    "expected the number of atoms of each symbol, found `{}`",
                    shortened(word)
                )));
            }
            Err(_) => break, // a remark behind the counts
        }
    }
    let total = counts.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
    if total == 0 || total > MAX_ATOMS {
        return Err(lines.error(format!("the number of atoms is {total}, which cannot be")));
    }
    let species = match &symbols {
        _ if options.species.len() == counts.len() => options.species.clone(),
        Some((line, words)) => {
            if words.len() < counts.len() {
                return Err(lines
                    .error(format!(
                        "there are {} counts for {} symbols",
                        counts.len(),
                        words.len()
                    ))
                    .advise("give one symbol for each count"));
            }
            if words.len() > counts.len() {
                return Err(lines
                    .error(format!(
                        "there are {} symbols but only {} counts",
                        words.len(),
                        counts.len()
                    ))
                    .advise("give one count for each symbol, in one line"));
            }
            let found: std::result::Result<Vec<Species>, UnknownLabel> =
                words.iter().map(|w| species_of(w)).collect();
            found.map_err(|e| lines.error_at(*line, e.reason).advise(e.advice))?
        }
        None => {
            let named: Vec<Species> = symbol_words(comment)
                .iter()
                .map_while(|w| Species::from_name(w))
                .collect();
            if named.len() != counts.len() {
                return Err(lines
                    .error("the line with the symbols is missing (this is a file of VASP 4)")
                    .advise("write the chemical symbols in a line of their own above the numbers of atoms"));
            }
            named
        }
    };
    Ok(species.into_iter().zip(counts).collect())
}

/// The words of a symbols line without what newer versions append (`Fe_pv`, `Si/0a1b2c`).
fn symbol_words(text: &str) -> Vec<String> {
    let text = text.split(['!', '#']).next().unwrap_or("");
    text.split_ascii_whitespace()
        .map(|w| w.split(['_', '/']).next().unwrap_or(w).to_owned())
        .collect()
}

/// Reads the velocities behind the positions, when there are any that are not zero.
fn read_velocities<R: BufRead>(lines: &mut Lines<R>, atoms: &mut Atoms) -> Result<bool> {
    if !lines.advance()? {
        return Ok(false);
    }
    if lines.text().trim_start().starts_with(['L', 'l']) {
        // "Lattice velocities and vectors": an integer, three velocities of the cell, three vectors; then as usual.
        for _ in 0..8 {
            if !lines.advance()? {
                return Ok(false);
            }
        }
    }
    match lines.text().trim_start().chars().next() {
        None | Some('C' | 'c' | 'K' | 'k') => {}
        Some('D' | 'd') => {
            return Err(lines
                .error("velocities in direct coordinates are not supported, since they depend on POTIM")
                .advise("give them as `Cartesian` in Å/fs"));
        }
        Some(_) => {
            return Err(lines
                .error(format!(
                    "expected a blank line or the end after the positions, found `{}`",
                    shortened(lines.text())
                ))
                .advise("are there more atoms than the counts say?"));
        }
    }
    let mut velocities = Vec::new();
    while velocities.len() < atoms.len() {
        if !lines.advance()? || lines.text().trim().is_empty() {
            if velocities.is_empty() {
                return Ok(false);
            }
            return Err(lines
                .error(format!(
                    "there are {} velocities for {} atoms",
                    velocities.len(),
                    atoms.len()
                ))
                .advise("delete the velocities, or give all"));
        }
        let mut fields = lines.text().split_ascii_whitespace();
        let atom = velocities.len() + 1;
        let v = triple(lines, &mut fields, |k| {
            format!("atom {atom}: {} of the velocity", ["x", "y", "z"][k])
        })?;
        let v = v.map(from_angstrom_per_fs);
        if v.iter().any(|v| !v.is_finite()) {
            return Err(lines.error(format!("atom {atom}: the velocity is too large")));
        }
        velocities.push(v);
    }
    let moving = velocities.as_flattened().iter().any(|v| *v != 0.0);
    if moving {
        atoms.velocities = velocities;
    }
    Ok(moving)
}
