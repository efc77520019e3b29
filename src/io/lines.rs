//! Text line by line, with numbers for messages; refuses binary files, wrong encodings and absurd lines.

use crate::error::{Error, Result};
use std::fmt::Display;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// The longest line that is read (bytes).
const MAX_LINE: u64 = 64 << 20;

/// The lines of a file. [`Lines::advance`] moves to the next one, [`Lines::text`] shows it without its line end.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    path: PathBuf,
    number: usize,
    /// Bytes read so far.
    offset: u64,
    text: String,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R, path: &Path) -> Lines<R> {
        Self::from_line(source, path, 0)
    }

    /// Lines of which the first has the number `before + 1`.
    pub fn from_line(source: R, path: &Path, before: usize) -> Lines<R> {
        Lines {
            source,
            path: path.to_path_buf(),
            number: before,
            offset: 0,
            text: String::new(),
        }
    }

    /// Goes to the next line; `false` at the end of the file.
    pub fn advance(&mut self) -> Result<bool> {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        let read = self
            .source
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut bytes);
        let read = read.map_err(|e| Error::reading(&self.path, &e))?;
        if read == 0 {
            return Ok(false);
        }
        self.offset += read as u64;
        self.number += 1;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() as u64 == MAX_LINE {
            return Err(self
                .error("this line is longer than 64 MiB")
                .advise("check that this is the right file"));
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if bytes.contains(&0) {
            return Err(self
                .error("there is a zero byte: this is not a text file, or it was damaged")
                .advise("a structure file is plain text in UTF-8"));
        }
        self.text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let byte = e.as_bytes().get(at).copied().unwrap_or(0);
            self.error(format!("byte {} (0x{byte:02x}) is not UTF-8 text", at + 1))
                .advise("save the file in UTF-8 encoding, or check that it is a structure file")
        })?;
        Ok(true)
    }

    /// Passes over blanks and ends of lines before the next line; `false` at the end of the file.
    pub fn skip_blank_bytes(&mut self) -> Result<bool> {
        while let Some(byte) = self.peek_byte()? {
            if !byte.is_ascii_whitespace() {
                return Ok(true);
            }
            self.number += usize::from(byte == b'\n');
            self.offset += 1;
            self.source.consume(1);
        }
        Ok(false)
    }

    /// The first byte after the current line, which stays there.
    pub fn peek_byte(&mut self) -> Result<Option<u8>> {
        let bytes = self.source.fill_buf();
        let bytes = bytes.map_err(|e| Error::reading(&self.path, &e))?;
        Ok(bytes.first().copied())
    }

    /// The next `n` bytes, or as many as there are.
    pub fn take_bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(n as u64).read_to_end(&mut bytes);
        self.offset += read.map_err(|e| Error::reading(&self.path, &e))? as u64;
        Ok(bytes)
    }

    /// Number of bytes before what comes next.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The current line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the current line, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An error about the current line.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        Error::line(&self.path, self.number, reason)
    }

    /// An error about an earlier line.
    pub fn error_at(&self, line: usize, reason: impl Into<String>) -> Error {
        Error::line(&self.path, line, reason)
    }

    /// A finite number from a field of the current line; `what` names it in the message.
    pub fn finite(&self, token: Option<&str>, what: impl Display) -> Result<f64> {
        let Some(token) = token else {
            return Err(self.error(format!("{what} is missing")));
        };
        match parse_real(token) {
            Some(x) if x.is_finite() => Ok(x),
            Some(_) => Err(self
                .error(format!("{what} is `{}`, which is not a finite number", shortened(token)))
                .advise("the run that wrote this has blown up or overflowed: use an earlier frame")),
            None if token.starts_with("**") => Err(self
                .error(format!("{what} is `{}`", shortened(token)))
                .advise("stars mean that the number did not fit the column of the program that wrote the file")),
            None => Err(self.error(format!("{what} is `{}`, which is not a number", shortened(token)))),
        }
    }
}

/// A real number as programs write them: decimal, with an exponent letter e, E, d or D.
pub(super) fn parse_real(token: &str) -> Option<f64> {
    if let Ok(x) = token.parse() {
        return Some(x);
    }
    let mut copy = [0u8; 64];
    let copy = copy.get_mut(..token.len())?;
    for (to, from) in copy.iter_mut().zip(token.bytes()) {
        *to = match from {
            b'd' | b'D' => b'e',
            b'0'..=b'9' | b'+' | b'-' | b'.' => from,
            _ => return None,
        };
    }
    std::str::from_utf8(copy).ok()?.parse().ok()
}

/// Text of the user's file cut to a length that fits a message.
pub(super) fn shortened(text: &str) -> String {
    const LIMIT: usize = 40;
    let text = text.trim();
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_programs_write_them() {
        for (text, value) in [
            ("1", 1.0),
            (".5", 0.5),
            ("-2.", -2.0),
            ("1.5D-03", 1.5e-3),
            ("+3d2", 300.0),
            ("1e5", 1e5),
        ] {
            assert_eq!(parse_real(text), Some(value), "{text}");
        }
        for text in ["", "d", "1.0 ", "0x10", "1,5", "--1", "1d", "eins"] {
            assert_eq!(parse_real(text), None, "{text}");
        }
    }

    #[test]
    fn line_ends_marks_and_encodings() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfone\r\ntwo\nthree"[..], Path::new("t"));
        for expected in ["one", "two", "three"] {
            assert!(lines.advance().unwrap());
            assert_eq!(lines.text(), expected);
        }
        assert!(!lines.advance().unwrap());
        let mut latin = Lines::new(&b"fine\n5 \xc5\n"[..], Path::new("t"));
        assert!(latin.advance().unwrap());
        let message = latin.advance().unwrap_err().to_string();
        assert!(message.contains("t:2: byte 3 (0xc5)"), "{message}");
        let mut binary = Lines::new(&b"a\0b\n"[..], Path::new("t"));
        assert!(
            binary
                .advance()
                .unwrap_err()
                .to_string()
                .contains("not a text file")
        );
    }
}
