//! A model file as bytes with a position: lines, words, numbers, lists in braces. Text may be followed by binary data, so
//! nothing is read ahead.

use crate::error::{Error, Result};
use std::path::Path;

/// Reads forward through the bytes of a file.
pub(super) struct Scanner<'a> {
    pub path: &'a Path,
    bytes: &'a [u8],
    at: usize,
    /// Line (from 1) on which `at` lies.
    line: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(bytes: &'a [u8], path: &'a Path) -> Scanner<'a> {
        Scanner {
            path,
            bytes,
            at: 0,
            line: 1,
        }
    }

    pub fn line(&self) -> usize {
        self.line
    }

    /// Offset (bytes) of what comes next.
    pub fn offset(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// An error about the line that is being read.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        Error::line(self.path, self.line, reason)
    }

    /// An error about binary data at an offset.
    pub fn byte_error(&self, offset: usize, reason: impl Into<String>) -> Error {
        Error::input(format!("{}: byte {offset}", self.path.display()), reason)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn step(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    /// Passes over blanks and ends of lines.
    pub fn skip_blank(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.step();
        }
    }

    /// Passes over blanks on this line.
    fn skip_spaces(&mut self) {
        while self
            .peek()
            .is_some_and(|b| b != b'\n' && b.is_ascii_whitespace())
        {
            self.at += 1;
        }
    }

    /// Whether the next bytes are these; if so they are passed over.
    pub fn take(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.line += expected.iter().filter(|b| **b == b'\n').count();
            self.at += expected.len();
        }
        found
    }

    /// The next `n` bytes; `None` when the file ends before.
    pub fn take_bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..n)?;
        self.at += n;
        Some(taken)
    }

    /// The rest of the line without its end and without blanks around it.
    pub fn rest_of_line(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        self.at += length;
        if !self.at_end() {
            self.step();
        }
        rest[..length].trim_ascii()
    }

    /// A run of bytes that are neither blank nor one of `= , { }`; empty when there is none.
    pub fn word(&mut self) -> &'a [u8] {
        self.skip_spaces();
        let rest = self.rest();
        let length = rest
            .iter()
            .position(|b| b.is_ascii_whitespace() || b"=,{}".contains(b))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The equals sign after a key.
    pub fn equals(&mut self, key: &str) -> Result<()> {
        self.skip_spaces();
        if self.take(b"=") {
            return Ok(());
        }
        Err(self.error(format!("`{key}` must be followed by `=` and its value")))
    }

    /// A number after `key =`.
    pub fn real(&mut self, key: &str) -> Result<f64> {
        let word = self.word();
        parse_real(word).ok_or_else(|| {
            self.error(format!(
                "the value of `{key}` must be a finite number, not `{}`",
                shown(word)
            ))
        })
    }

    /// A count after `key =`.
    pub fn count(&mut self, key: &str) -> Result<usize> {
        let word = self.word();
        parse_integer(word)
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n <= MOST)
            .ok_or_else(|| {
                self.error(format!(
                    "the value of `{key}` must be a whole number from 0 to {MOST}, not `{}`",
                    shown(word)
                ))
            })
    }

    /// What is left of a line must be blank.
    pub fn end_of_line(&mut self, key: &str) -> Result<()> {
        let line = self.line;
        let rest = self.rest_of_line();
        if rest.is_empty() {
            return Ok(());
        }
        let reason = format!("after the value of `{key}` stands `{}`", shown(rest));
        Err(Error::line(self.path, line, reason))
    }

    /// `{x, y, ...}`: calls `item` for each entry, with its number (from 0), positioned before it.
    pub fn list(
        &mut self,
        key: &str,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<usize> {
        self.skip_blank();
        if !self.take(b"{") {
            return Err(self.error(format!("`{key}` must be a list in braces")));
        }
        self.skip_blank();
        let mut n = 0;
        if self.take(b"}") {
            return Ok(0);
        }
        loop {
            item(self, n)?;
            n += 1;
            self.skip_blank();
            if self.take(b"}") {
                return Ok(n);
            }
            if !self.take(b",") {
                let reason = if self.at_end() {
                    format!("the file ends inside `{key}`, after {n} entries")
                } else {
                    format!("after entry {n} of `{key}` a comma or a brace is missing")
                };
                return Err(self
                    .error(reason)
                    .advise("the file is damaged; get a complete copy"));
            }
        }
    }

    /// `{x, y, ...}` with numbers.
    pub fn reals(&mut self, key: &str) -> Result<Vec<f64>> {
        let mut values = Vec::new();
        self.list(key, |s, n| {
            s.skip_blank();
            let word = s.word();
            let value = parse_real(word).ok_or_else(|| s.entry(key, n, word, "a finite number"))?;
            values.push(value);
            Ok(())
        })?;
        Ok(values)
    }

    /// A whole number as entry `n` of the list `key`.
    pub fn entry_integer(&mut self, key: &str, n: usize) -> Result<i64> {
        self.skip_blank();
        let word = self.word();
        parse_integer(word).ok_or_else(|| self.entry(key, n, word, "a whole number"))
    }

    fn entry(&self, key: &str, n: usize, word: &[u8], what: &str) -> Error {
        let found = if self.at_end() && word.is_empty() {
            "the file ends there".to_owned()
        } else {
            format!("found `{}`", shown(word))
        };
        self.error(format!(
            "entry {} of `{key}` must be {what}; {found}",
            n + 1
        ))
    }
}

/// Counts and indices above this are refused: no list of that length is in any file.
pub(super) const MOST: usize = 50_000_000;

pub(super) fn parse_real(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok()?;
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}

pub(super) fn parse_integer(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Bytes as they may stand in a message.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
    let mut clean: String = text
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(40)
        .collect();
    if bytes.len() > clean.len() {
        clean.push('…');
    }
    clean
}
