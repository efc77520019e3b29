//! The answer of a command that only reports: text for standard output.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Where the values of facts begin.
const INDENT: usize = 16;
/// Lines of prose are broken here.
const WIDTH: usize = 80;

/// Lines for standard output, gathered and then printed at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page(String);

impl Page {
    /// Adds a line (or several).
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    /// Adds a name and a value, aligned with its neighbours; long values are broken between words.
    pub fn fact(&mut self, name: &str, value: impl AsRef<str>) {
        for line in fact_lines(name, value.as_ref()) {
            self.line(line);
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Prints it on standard output.
    pub fn print(&self) -> Result<()> {
        print_result(&self.0)
    }
}

/// Prints the result of a command on standard output. That nobody reads on (`zundel info FILE | head`) is no error.
pub fn print_result(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::environment(
            "cannot write",
            Path::new("standard output"),
            e,
        )),
        _ => Ok(()),
    }
}

/// The lines of a name and its value: the name on the right of the first column, each line of the value in the second.
pub(super) fn fact_lines(name: &str, value: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for text in value.split('\n') {
        for part in broken(text, WIDTH - INDENT) {
            let name = if lines.is_empty() { name } else { "" };
            lines.push(
                format!("{name:>width$}  {part}", width = INDENT - 2)
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    lines
}

/// Breaks prose between words; a text with columns or an indent is left as it is.
fn broken(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width || text.contains("  ") {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_stay_in_their_column() {
        let mut page = Page::default();
        page.fact("name", "short");
        page.fact("prose", "word ".repeat(40).trim_end());
        page.fact("deck", "[md]\nseed = 1");
        let lines: Vec<&str> = page.text().lines().collect();
        assert_eq!(lines[0], "          name  short");
        assert!(lines.iter().all(|l| l.chars().count() <= WIDTH));
        assert!(lines[2].starts_with("                word") && lines.len() == 7);
        assert_eq!(lines[6], "                seed = 1");
        // Words longer than a line, and no words at all.
        assert_eq!(fact_lines("", &"x".repeat(300)).len(), 1);
        assert_eq!(fact_lines("empty", ""), ["         empty"]);
    }
}
