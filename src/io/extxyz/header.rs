//! The comment line of a frame: cell, columns and everything else it says.

use super::comment;
use super::properties::{self, Property};
use crate::error::{Error, Result};
use crate::io::lines::{Lines, shortened};
use crate::io::value::{Value, parse_logical};
use crate::system::Cell;
use std::io::BufRead;

/// More keys than this in a comment line are refused; keys are compared with each other.
const MAX_KEYS: usize = 10_000;

/// What the comment line says.
pub(super) struct Header {
    pub cell: Cell,
    pub properties: Vec<Property>,
    /// Without a list of columns in the file, more than we need may be there and is passed over.
    pub announced: bool,
    pub info: Vec<(String, Value)>,
}

impl Header {
    pub fn parse<R: BufRead>(lines: &Lines<R>) -> Result<Header> {
        let pairs = comment::parse_pairs(lines.text()).map_err(|flaw| {
            lines
                .error(format!(
                    "comment line, character {}: {}",
                    flaw.column, flaw.reason
                ))
                .advise(
                    "write key=value pairs, with double quotes around values that contain blanks",
                )
        })?;
        if pairs.len() > MAX_KEYS {
            return Err(lines.error(format!(
                "the comment line has {} keys; {MAX_KEYS} are allowed",
                pairs.len()
            )));
        }
        let (mut lattice, mut columns, mut periodic) = (None, None, None);
        let mut info: Vec<(String, Value)> = Vec::new();
        for pair in pairs {
            // These three are so important that another capitalisation must not make them vanish.
            let slot = match pair.key.to_ascii_lowercase().as_str() {
                "lattice" => &mut lattice,
                "properties" => &mut columns,
                "pbc" => &mut periodic,
                _ => {
                    let value = pair
                        .value
                        .as_deref()
                        .map_or(Value::Logical(true), Value::parse);
                    match info.iter().find(|(key, _)| *key == pair.key) {
                        None => info.push((pair.key, value)),
                        Some((_, old)) if *old == value => {}
                        Some(_) if pair.value.is_none() => {} // a word of a free comment
                        Some(_) => return Err(twice(lines, &pair.key)),
                    }
                    continue;
                }
            };
            if slot.is_some() {
                return Err(twice(lines, &pair.key));
            }
            *slot = Some(pair.value.unwrap_or_default());
        }
        let announced = columns.is_some();
        let properties = properties::parse(columns.as_deref().unwrap_or(properties::DEFAULT))
            .map_err(|reason| {
                lines.error(reason).advise(format!(
                    "for example Properties={}:forces:R:3",
                    properties::DEFAULT
                ))
            })?;
        let cell = read_cell(lines, lattice.as_deref(), periodic.as_deref())?;
        Ok(Header {
            cell,
            properties,
            announced,
            info,
        })
    }
}

fn twice<R: BufRead>(lines: &Lines<R>, key: &str) -> Error {
    lines
        .error(format!(
            "the key `{}` is given twice with different values",
            shortened(key)
        ))
        .advise("keep one of them")
}

fn read_cell<R: BufRead>(
    lines: &Lines<R>,
    lattice: Option<&str>,
    pbc: Option<&str>,
) -> Result<Cell> {
    let mut periodic = [lattice.is_some(); 3];
    if let Some(text) = pbc {
        let words: Vec<&str> = text
            .split([' ', ',', '\t'])
            .filter(|w| !w.is_empty())
            .collect();
        let flags: Option<Vec<bool>> = words
            .iter()
            .map(|w| match *w {
                "1" => Some(true),
                "0" => Some(false),
                w => parse_logical(w),
            })
            .collect();
        periodic = match flags.as_deref() {
            Some([a, b, c]) => [*a, *b, *c],
            Some([all]) => [*all; 3],
            _ => {
                return Err(lines
                    .error(format!("pbc is `{}`", shortened(text)))
                    .advise("write three letters T or F, as in pbc=\"T T F\""));
            }
        };
    }
    let Some(text) = lattice else {
        if periodic != [false; 3] {
            return Err(lines
                .error("pbc says that the system is periodic, but there is no Lattice")
                .advise("add Lattice=\"ax ay az bx by bz cx cy cz\", or write pbc=\"F F F\""));
        }
        return Ok(Cell::isolated());
    };
    let mut rows = [[0.0; 3]; 3];
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|w| !w.is_empty())
        .collect();
    if words.len() != 9 {
        return Err(lines
            .error(format!(
                "Lattice has {} numbers instead of nine",
                words.len()
            ))
            .advise("write Lattice=\"ax ay az bx by bz cx cy cz\" in Å"));
    }
    for (k, (x, word)) in rows.as_flattened_mut().iter_mut().zip(&words).enumerate() {
        *x = lines.finite(Some(word), format_args!("number {} of Lattice", k + 1))?;
    }
    Cell::new(rows, periodic).map_err(|reason| {
        lines.error(reason).advise("Lattice holds the cell vectors a, b, c one after the other; pbc=\"F F F\" makes them irrelevant")
    })
}
