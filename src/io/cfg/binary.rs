//! Reading the binary form: tagged blocks of little-endian numbers.

use super::Parts;
use crate::error::{Error, Result};
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::Lines;
use crate::io::value::Value;
use crate::io::{MAX_ATOMS, ReadOptions};
use std::io::BufRead;

/// Features longer than this are refused.
const LONGEST: usize = 1 << 24;

/// Reads a configuration that begins with the byte `n`.
pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, options: &ReadOptions) -> Result<Frame> {
    let begin = lines.offset();
    let mut s = Source { lines };
    s.tag()?;
    let n = s.count(MAX_ATOMS, "number of atoms")?;
    let mut parts = Parts {
        atoms: n,
        ..Parts::default()
    };
    let column = |name: &str, width: usize, data: Vec<f64>| Column {
        name: name.to_owned(),
        width,
        data: ColumnData::Real(data),
    };
    let mut seen = Vec::new();
    loop {
        let at = s.lines.offset();
        let tag = s.tag()?;
        if tag != b'F' && seen.contains(&tag) {
            return Err(s.error(
                at,
                format!("the block `{}` is there twice", tag.escape_ascii()),
            ));
        }
        seen.push(tag);
        match tag {
            b'#' => break,
            b'l' => parts.rows = s.reals(9)?.as_chunks().0.to_vec(),
            b'p' => parts.positions = s.reals(3 * n)?.as_chunks().0.to_vec(),
            b't' => {
                parts.types = s
                    .bytes(4 * n)?
                    .as_chunks()
                    .0
                    .iter()
                    .map(|b| i64::from(i32::from_le_bytes(*b)))
                    .collect();
            }
            b'f' => parts.columns.push(column("forces", 3, s.reals(3 * n)?)),
            b'v' => parts.columns.push(column("local_energy", 1, s.reals(n)?)),
            b'c' => parts.columns.push(column("charges", 1, s.reals(n)?)),
            b'g' => {
                let ghosts = s.bytes(n)?.iter().map(|b| *b != 0).collect();
                parts.columns.push(Column {
                    name: "ghost".to_owned(),
                    width: 1,
                    data: ColumnData::Logical(ghosts),
                });
            }
            b'e' => {
                let energy = s.reals(1)?[0];
                parts.info.push(("energy".to_owned(), Value::Real(energy)));
            }
            b's' => {
                let v = s.reals(6)?;
                parts.set_virial([v[0], v[1], v[2], v[4], v[5], v[3]]);
            }
            b'F' => {
                let name = s.text()?;
                let value = s.text()?;
                if name.is_empty() {
                    return Err(s.error(at, "a feature has no name"));
                }
                parts.add_feature(&name, &value);
            }
            other => {
                let reason = format!(
                    "unknown block `{}` in a configuration",
                    other.escape_ascii()
                );
                return Err(s.error(at, reason).advise(
                    "the file is damaged, or was changed by a transfer as text; get a complete copy",
                ));
            }
        }
    }
    let path = lines.path().to_path_buf();
    parts.finish(options, |reason| place(&path, begin, reason))
}

fn place(path: &std::path::Path, offset: u64, reason: impl Into<String>) -> Error {
    Error::input(format!("{}: byte {offset}", path.display()), reason)
}

struct Source<'a, R> {
    lines: &'a mut Lines<R>,
}

impl<R: BufRead> Source<'_, R> {
    fn error(&self, offset: u64, reason: impl Into<String>) -> Error {
        place(self.lines.path(), offset, reason)
    }

    fn bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        let at = self.lines.offset();
        let bytes = self.lines.take_bytes(n)?;
        if bytes.len() == n {
            return Ok(bytes);
        }
        Err(self
            .error(
                at,
                format!(
                    "the file ends inside a block of {n} bytes, after {}",
                    bytes.len()
                ),
            )
            .advise("the file is damaged; get a complete copy"))
    }

    fn tag(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn count(&mut self, most: usize, what: &str) -> Result<usize> {
        let at = self.lines.offset();
        let bytes = self.bytes(4)?;
        let value = bytes
            .as_chunks()
            .0
            .first()
            .map_or(0, |b| i32::from_le_bytes(*b));
        usize::try_from(value)
            .ok()
            .filter(|n| *n <= most)
            .ok_or_else(|| self.error(at, format!("{value} is no {what}")))
    }

    fn reals(&mut self, n: usize) -> Result<Vec<f64>> {
        let at = self.lines.offset();
        let values: Vec<f64> = self
            .bytes(8 * n)?
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b))
            .collect();
        match values.iter().position(|x| !x.is_finite()) {
            None => Ok(values),
            Some(k) => Err(self.error(at + 8 * k as u64, "this number is not finite")),
        }
    }

    fn text(&mut self) -> Result<String> {
        let n = self.count(LONGEST, "length of a feature")?;
        Ok(String::from_utf8_lossy(&self.bytes(n)?).into_owned())
    }
}
