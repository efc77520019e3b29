//! Reading the text form, and telling it from the binary one.

use super::{COLUMNS, Parts, binary, quoted, split_feature};
use crate::error::Result;
use crate::io::ReadOptions;
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::Lines;
use crate::io::value::Value;
use crate::io::{MAX_ATOMS, lines};
use std::io::BufRead;

/// Reads the next configuration; `None` at the end of the file.
pub(in crate::io) fn read<R: BufRead>(
    lines: &mut Lines<R>,
    options: &ReadOptions,
) -> Result<Option<Frame>> {
    if !lines.skip_blank_bytes()? {
        return Ok(None);
    }
    if lines.peek_byte()? == Some(b'n') {
        return binary::read(lines, options).map(Some);
    }
    while lines.advance()? {
        match lines.text().trim() {
            "" => {}
            "BEGIN_CFG" => return text(lines, options).map(Some),
            "BEGIN" => {
                return Err(lines
                    .error("this is the old form of configuration files, which is not supported")
                    .advise("convert it with MLIP-2, which writes the form with BEGIN_CFG"));
            }
            other => {
                let reason = format!("BEGIN_CFG must stand here, not {}", quoted(other));
                return Err(lines.error(reason));
            }
        }
    }
    Ok(None)
}

/// What an entry of a row of atoms is.
#[derive(Clone, Copy)]
enum Entry {
    Id,
    Type,
    Position(usize),
    /// Column and place in it.
    Number(usize, usize),
    Ghost,
}

fn text<R: BufRead>(lines: &mut Lines<R>, options: &ReadOptions) -> Result<Frame> {
    let begin = lines.number();
    let mut parts = Parts {
        line: begin,
        ..Parts::default()
    };
    let mut sized = false;
    let mut waiting = false;
    loop {
        if !waiting && !lines.advance()? {
            return Err(lines
                .error_at(
                    begin,
                    "the file ends inside the configuration that begins here",
                )
                .advise("the file is damaged; get a complete copy"));
        }
        waiting = false;
        let line = lines.text().trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "" => {}
            "END_CFG" => {
                let path = lines.path().to_path_buf();
                return parts.finish(options, |reason| {
                    crate::error::Error::line(&path, begin, reason)
                });
            }
            "Size" => {
                let rest = rest.to_owned();
                let [n] = numbers(lines, &rest, "the number of atoms")?;
                if n.fract() != 0.0 || !(0.0..=MAX_ATOMS as f64).contains(&n) {
                    return Err(lines.error(format!("{n} is no number of atoms")));
                }
                parts.atoms = n as usize;
                sized = true;
            }
            "Supercell" | "SuperCell" => {
                waiting = true;
                while {
                    more(lines, begin)?;
                    lines.text().trim().is_empty() || starts_with_number(lines.text())
                } {
                    if lines.text().trim().is_empty() {
                        continue;
                    }
                    if parts.rows.len() == 3 {
                        return Err(lines.error("a cell has three rows at most"));
                    }
                    let row = lines.text().to_owned();
                    let words: Vec<&str> = row.split_ascii_whitespace().collect();
                    if words.len() != 3 {
                        return Err(lines.error("a row of the cell has three numbers"));
                    }
                    let mut vector = [0.0; 3];
                    for (x, word) in vector.iter_mut().zip(&words) {
                        *x = lines.finite(Some(word), "a component of the cell")?;
                    }
                    parts.rows.push(vector);
                }
            }
            "AtomData:" | "Atomic_data:" => {
                if !sized {
                    return Err(lines.error("`Size` must come before the atoms"));
                }
                let rest = rest.to_owned();
                atoms(lines, &rest, begin, &mut parts)?;
            }
            "Energy" => {
                let rest = rest.to_owned();
                let [e] = numbers(lines, &rest, "the energy")?;
                parts.info.push(("energy".to_owned(), Value::Real(e)));
            }
            "PlusStress:" => {
                let order = stress_order(rest).ok_or_else(|| {
                    lines.error("`PlusStress:` must be followed by xx yy zz yz xz xy in some order")
                })?;
                let values: [f64; 6] = numbers(lines, "", "a component of the stress")?;
                let mut virial = [0.0; 6];
                for (k, value) in order.into_iter().zip(values) {
                    virial[k] = value;
                }
                parts.set_virial(virial);
            }
            "Stress:" | "Virial:" => {
                let reason = format!("{} is ambiguous in sign and unit", quoted(word));
                return Err(lines.error(reason).advise(
                    "write `PlusStress:`, the virial -dE/d(strain) in eV, positive for compression",
                ));
            }
            "Feature" => {
                let (key, value) = split_feature(rest);
                if key.is_empty() {
                    return Err(lines.error("a feature has no name"));
                }
                parts.add_feature(&key, value);
            }
            other => {
                let reason = format!("unknown entry {} of a configuration", quoted(other));
                return Err(lines.error(reason));
            }
        }
    }
}

fn more<R: BufRead>(lines: &mut Lines<R>, begin: usize) -> Result<()> {
    if lines.advance()? {
        return Ok(());
    }
    Err(lines
        .error_at(
            begin,
            "the file ends inside the configuration that begins here",
        )
        .advise("the file is damaged; get a complete copy"))
}

fn starts_with_number(text: &str) -> bool {
    text.split_ascii_whitespace()
        .next()
        .is_some_and(|w| lines::parse_real(w).is_some())
}

/// Exactly N numbers from the rest of a line and the lines that follow.
fn numbers<const N: usize, R: BufRead>(
    lines: &mut Lines<R>,
    rest: &str,
    what: &str,
) -> Result<[f64; N]> {
    let begin = lines.number();
    let mut values = [0.0; N];
    let mut found = 0;
    let mut text = rest.to_owned();
    loop {
        for word in text.split_ascii_whitespace() {
            let Some(slot) = values.get_mut(found) else {
                return Err(lines.error(format!("there are more than {N} numbers for {what}")));
            };
            *slot = lines.finite(Some(word), what)?;
            found += 1;
        }
        if found == N {
            return Ok(values);
        }
        more(lines, begin)?;
        text = lines.text().to_owned();
    }
}

/// Places of the six components in xx yy zz yz xz xy.
fn stress_order(header: &str) -> Option<[usize; 6]> {
    let names = ["xx", "yy", "zz", "yz", "xz", "xy"];
    let mut order = [usize::MAX; 6];
    let mut words = header.split_ascii_whitespace();
    for k in 0..6 {
        let word = words.next()?;
        let place = names.iter().position(|n| *n == word)?;
        if order[..k].contains(&place) {
            return None;
        }
        order[k] = place;
    }
    words.next().is_none().then_some(order)
}

fn entries<R: BufRead>(
    lines: &Lines<R>,
    header: &str,
    parts: &mut Parts,
) -> Result<(Vec<Entry>, bool)> {
    let mut entries: Vec<(&str, Entry)> = Vec::new();
    let mut ghost = false;
    for word in header.split_ascii_whitespace() {
        if entries.iter().any(|(w, _)| *w == word) {
            return Err(lines.error(format!("the column {} is there twice", quoted(word))));
        }
        let axis = |prefix: &str| {
            let letter = word.strip_prefix(prefix)?;
            ["x", "y", "z"].iter().position(|a| *a == letter)
        };
        let entry = match word {
            "id" => Entry::Id,
            "type" => Entry::Type,
            "ghost" => {
                ghost = true;
                Entry::Ghost
            }
            _ => {
                if let Some(k) = axis("cartes_") {
                    Entry::Position(k)
                } else if let Some(k) = axis("direct_") {
                    parts.fractional = true;
                    Entry::Position(k)
                } else if let Some((names, column)) =
                    COLUMNS.iter().find(|(names, _)| names.contains(&word))
                {
                    let place = names.iter().position(|n| *n == word).unwrap_or(0);
                    let at = match parts.columns.iter().position(|c| c.name == *column) {
                        Some(at) => at,
                        None => {
                            parts.columns.push(Column {
                                name: (*column).to_owned(),
                                width: names.len(),
                                data: ColumnData::Real(Vec::new()),
                            });
                            parts.columns.len() - 1
                        }
                    };
                    Entry::Number(at, place)
                } else {
                    return Err(lines.error(format!("unknown column {}", quoted(word))));
                }
            }
        };
        entries.push((word, entry));
    }
    let count = |wanted: &str| {
        entries
            .iter()
            .filter(|(w, _)| w.starts_with(wanted))
            .count()
    };
    if (count("cartes_"), count("direct_")) != (3, 0)
        && (count("cartes_"), count("direct_")) != (0, 3)
    {
        return Err(lines.error(
            "the atoms need columns cartes_x, cartes_y, cartes_z or direct_x, direct_y, direct_z",
        ));
    }
    for c in &parts.columns {
        let there = entries
            .iter()
            .filter(|(_, e)| matches!(e, Entry::Number(at, _) if parts.columns[*at].name == c.name))
            .count();
        if there != c.width {
            return Err(lines.error(format!("of the columns for {} some are missing", c.name)));
        }
    }
    Ok((entries.into_iter().map(|e| e.1).collect(), ghost))
}

fn atoms<R: BufRead>(
    lines: &mut Lines<R>,
    header: &str,
    begin: usize,
    parts: &mut Parts,
) -> Result<()> {
    if !parts.positions.is_empty() || !parts.columns.is_empty() {
        return Err(lines.error("the atoms are there twice"));
    }
    let (entries, ghost) = entries(lines, header, parts)?;
    let mut ghosts = Vec::new();
    for i in 0..parts.atoms {
        more(lines, begin)?;
        let mut words = lines.text().split_ascii_whitespace();
        let mut position = [0.0; 3];
        let first: Vec<usize> = parts
            .columns
            .iter_mut()
            .map(|c| match &mut c.data {
                ColumnData::Real(v) => {
                    v.resize(v.len() + c.width, 0.0);
                    v.len() - c.width
                }
                _ => 0,
            })
            .collect();
        for entry in &entries {
            let word = words.next();
            match entry {
                Entry::Id => {
                    if word.and_then(|w| w.parse().ok()) != Some(i + 1) {
                        let reason = format!(
                            "the id of atom {} must be {}, not {}",
                            i + 1,
                            i + 1,
                            quoted(word.unwrap_or(""))
                        );
                        return Err(lines.error(reason));
                    }
                }
                Entry::Type => {
                    let label = word.and_then(|w| w.parse().ok()).ok_or_else(|| {
                        lines.error(format!(
                            "the type of an atom must be a whole number, not {}",
                            quoted(word.unwrap_or(""))
                        ))
                    })?;
                    parts.types.push(label);
                }
                Entry::Position(k) => position[*k] = lines.finite(word, "a coordinate")?,
                Entry::Number(at, place) => {
                    let value = lines.finite(word, &parts.columns[*at].name)?;
                    if let ColumnData::Real(v) = &mut parts.columns[*at].data {
                        v[first[*at] + place] = value;
                    }
                }
                Entry::Ghost => ghosts.push(match word {
                    Some("true" | "1") => true,
                    Some("false" | "0") => false,
                    other => {
                        let reason = format!(
                            "`ghost` must be true or false, not {}",
                            quoted(other.unwrap_or(""))
                        );
                        return Err(lines.error(reason));
                    }
                }),
            }
        }
        if let Some(word) = words.next() {
            return Err(lines.error(format!("there is no column for {}", quoted(word))));
        }
        parts.positions.push(position);
    }
    if ghost {
        parts.columns.push(Column {
            name: "ghost".to_owned(),
            width: 1,
            data: ColumnData::Logical(ghosts),
        });
    }
    Ok(())
}
