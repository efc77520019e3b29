//! Which elements of the power spectrum of `soap_turbo` make its descriptor.

use super::parameters::SoapTurboParameters;
use crate::error::{Error, Result};
use crate::potential::gap::density::Compression;
use crate::potential::gap::numbers::number;
use crate::potential::gap::sparse;
use std::path::Path;

/// The compression of a descriptor.
#[derive(Clone, Debug, PartialEq)]
pub enum Compress {
    /// Everything is kept.
    None,
    /// The pairs with the first radial function of some element.
    Trivial,
    /// A table in a file of this name, not read yet.
    File(String),
    /// The linear map of such a table, without the scaling to unit length.
    Map(Map),
}

/// A sparse matrix that maps the power spectrum to the descriptor.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Length of the descriptor.
    pub rows: usize,
    /// Row, column and number of each entry, from 0.
    pub entries: Vec<(u32, u32, f64)>,
}

impl Compress {
    /// Length of the descriptor.
    pub(super) fn dimensions(&self, p: &SoapTurboParameters) -> usize {
        match self {
            Compress::Map(map) => map.rows,
            _ => self.pairs(p).len() * (p.l_max + 1),
        }
    }

    /// The pairs (n, n'), n <= n', of radial functions that are needed, in the order of the power spectrum.
    pub(super) fn pairs(&self, p: &SoapTurboParameters) -> Vec<[u32; 2]> {
        let count = p.channels() as u32;
        let all = (0..count).flat_map(|a| (a..count).map(move |b| [a, b]));
        match self {
            Compress::None | Compress::File(_) => all.collect(),
            Compress::Trivial => {
                let mut is_first = vec![false; count as usize];
                let mut at = 0;
                for s in &p.species {
                    is_first[at] = true;
                    at += s.alpha_max;
                }
                all.filter(|&[a, b]| is_first[a as usize] || is_first[b as usize])
                    .collect()
            }
            Compress::Map(map) => {
                let mut needed = vec![false; (count * (count + 1) / 2) as usize];
                for &(_, column, _) in &map.entries {
                    needed[column as usize / (p.l_max + 1)] = true;
                }
                let all = all.zip(needed);
                all.filter_map(|(pair, needed)| needed.then_some(pair))
                    .collect()
            }
        }
    }

    /// The map from the pairs of [`Compress::pairs`] to the descriptor, if there is one.
    pub(super) fn map(&self, p: &SoapTurboParameters) -> Option<Compression> {
        let Compress::Map(map) = self else {
            return None;
        };
        let width = p.l_max as u32 + 1;
        let mut kept: Vec<u32> = map.entries.iter().map(|e| e.1 / width).collect();
        kept.sort_unstable();
        kept.dedup();
        let entries = map.entries.iter().map(|&(row, column, factor)| {
            let pair = kept.partition_point(|&k| k < column / width) as u32;
            (row, pair * width + column % width, factor)
        });
        let entries: Vec<_> = entries.collect();
        Some(Compression::new(
            map.rows,
            kept.len() * width as usize,
            &entries,
        ))
    }
}

impl SoapTurboParameters {
    /// Reads the table of a `compress_file` that lies beside the model file at `model`.
    pub(in super::super) fn read_compress_file(&mut self, model: &Path) -> Result<()> {
        let Compress::File(name) = &self.compress else {
            return Ok(());
        };
        let name = name.trim();
        if name.contains(char::is_control) || name.split('/').any(|part| part.len() > 255) {
            return Err(Error::file(model, "`compress_file` is no usable file name"));
        }
        let path = sparse::find(model, name);
        let length = std::fs::metadata(&path).map_err(|e| match Error::reading(&path, &e) {
            e @ Error::Input(_) => {
                e.advise("keep the file of `compress_file` in the folder of the XML file")
            }
            e => e,
        })?;
        if length.len() > MOST_BYTES {
            return Err(Error::file(
                &path,
                "the file is far larger than any table of compression",
            )
            .advise("`compress_file` names another file"));
        }
        let bytes = sparse::read_regular(&path)?;
        self.compress = Compress::Map(parse(&path, &bytes, self)?);
        Ok(())
    }
}

/// Longest table that is read (bytes).
const MOST_BYTES: u64 = 64 << 20;
/// Longest descriptor.
const MOST_ROWS: usize = 1 << 20;

/// Reads the two forms of the table: indices to keep, or the rows of a transformation.
pub(in super::super) fn parse(path: &Path, bytes: &[u8], p: &SoapTurboParameters) -> Result<Map> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::file(path, "this is not a text"))?;
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(k, line)| (k + 1, line.split_ascii_whitespace().collect::<Vec<_>>()))
        .filter(|(_, words)| !words.is_empty());
    let cut = || {
        Error::file(path, "the table of compression ends too early")
            .advise("the file is cut off; get a complete copy")
    };
    let (line, head) = lines.next().ok_or_else(cut)?;
    let mut expected: Vec<usize> = p.species.iter().map(|s| s.alpha_max).collect();
    expected.push(p.l_max);
    let numbers: Option<Vec<usize>> = head.iter().map(|w| w.parse().ok()).collect();
    let rows = match numbers.as_deref().and_then(<[usize]>::split_last) {
        Some((&rows, shape)) if shape == expected => rows,
        _ => {
            let reason = format!(
                "the first line must hold alpha_max of each element, l_max and a length: {} and the length",
                expected
                    .iter()
                    .map(|n| n.to_string())
                    .collect::<Vec<_>>()
                    .join(" ")
            );
            return Err(
                Error::line(path, line, reason).advise("the table belongs to another descriptor")
            );
        }
    };
    if rows == 0 || rows > MOST_ROWS {
        return Err(Error::line(
            path,
            line,
            format!("a descriptor of length {rows} cannot be meant"),
        ));
    }
    let channels = p.channels();
    let columns = channels * (channels + 1) / 2 * (p.l_max + 1);
    let index = |line: usize, word: &str, most: usize| -> Result<u32> {
        let index = word
            .parse::<usize>()
            .ok()
            .filter(|i| (1..=most).contains(i));
        index.map(|i| (i - 1) as u32).ok_or_else(|| {
            let word = crate::potential::gap::arguments::shorten(word);
            Error::line(
                path,
                line,
                format!("`{word}` is not a whole number from 1 to {most}"),
            )
        })
    };
    let mut lines = lines.peekable();
    let transformation = lines
        .next_if(|(_, words)| words[0] == "P_transformation")
        .is_some();
    let mut entries = Vec::new();
    if transformation {
        let mut last = 0;
        loop {
            let (line, words) = lines.next().ok_or_else(cut)?;
            match words.as_slice() {
                ["end_transformation"] => break,
                [i, j, factor] => {
                    let (i, j) = (index(line, i, MOST_ROWS)?, index(line, j, columns)?);
                    let factor = number(factor).ok_or_else(|| {
                        Error::line(path, line, "the third word must be a finite number")
                    })?;
                    last = last.max(i as usize + 1);
                    entries.push((i, j, factor));
                }
                _ => {
                    return Err(Error::line(
                        path,
                        line,
                        "a row must be two indices and a number, or `end_transformation`",
                    ));
                }
            }
        }
        if entries.is_empty() {
            return Err(cut());
        }
        // The length in the first line is not looked at by the reference code, either.
        return Ok(Map {
            rows: last,
            entries,
        });
    }
    for row in 0..rows {
        let (line, words) = lines.next().ok_or_else(cut)?;
        match words.as_slice() {
            [word] => entries.push((row as u32, index(line, word, columns)?, 1.0)),
            _ => return Err(Error::line(path, line, "one index must stand on each line")),
        }
    }
    match lines.next() {
        Some((line, _)) => Err(Error::line(
            path,
            line,
            format!("the table goes on after the {rows} indices that its first line announces"),
        )),
        None => Ok(Map { rows, entries }),
    }
}
