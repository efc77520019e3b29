//! Where messages go: standard error, with colour on a terminal only.

use super::fact_lines;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The place for messages to the person who runs the program.
///
/// Clones are the same place: a line from one never tears the progress bar of another.
#[derive(Clone, Debug)]
pub struct Console {
    terminal: bool,
    quiet: bool,
    bars: MultiProgress,
    /// Whether the columns of plain progress lines were named.
    headed: Arc<AtomicBool>,
}

impl Console {
    /// The process's standard error. With `quiet`, only warnings and errors are shown.
    pub fn standard(quiet: bool) -> Console {
        let terminal = std::io::stderr().is_terminal();
        Console::new(terminal, quiet)
    }

    /// Shows nothing but warnings; for tests and library use.
    pub fn silent() -> Console {
        Console::new(false, true)
    }

    fn new(terminal: bool, quiet: bool) -> Console {
        let target = if terminal && !quiet {
            ProgressDrawTarget::stderr_with_hz(4)
        } else {
            ProgressDrawTarget::hidden()
        };
        Console {
            terminal,
            quiet,
            bars: MultiProgress::with_draw_target(target),
            headed: Arc::default(),
        }
    }

    /// Whether a person watches, so that a progress bar makes sense.
    pub fn is_terminal(&self) -> bool {
        self.terminal && !self.quiet
    }

    /// Whether only warnings are shown.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of information.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.quiet {
            self.write(line.as_ref());
        }
    }

    /// A name and a value, aligned with its neighbours.
    pub fn fact(&self, name: &str, value: impl AsRef<str>) {
        fact_lines(name, value.as_ref())
            .iter()
            .for_each(|line| self.say(line));
    }

    /// A warning; shown always.
    pub fn warn(&self, line: impl AsRef<str>) {
        let colour = self.terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let mark = if colour {
            "\x1b[1;33mwarning\x1b[0m"
        } else {
            "warning"
        };
        self.write(&format!("{mark}: {}", line.as_ref()));
    }

    /// A line of a table, with the names of its columns before the first one.
    pub(super) fn row(&self, head: &str, line: &str) {
        if !self.headed.swap(true, Ordering::Relaxed) {
            self.say(head);
        }
        self.say(line);
    }

    /// Adds a progress bar below those that are there.
    pub(super) fn add_bar(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    fn write(&self, line: &str) {
        // A closed standard error is no reason to stop a simulation.
        let write = || drop(writeln!(std::io::stderr().lock(), "{line}"));
        if self.is_terminal() {
            self.bars.suspend(write);
        } else {
            write();
        }
    }
}
