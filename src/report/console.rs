//! Where messages go: standard error, with colour on a terminal only.

use std::io::{IsTerminal, Write};

/// The place for messages to the person who runs the program.
#[derive(Clone, Debug)]
pub struct Console {
    terminal: bool,
    quiet: bool,
}

impl Console {
    /// The process's standard error. With `quiet`, only warnings and errors are shown.
    pub fn standard(quiet: bool) -> Console {
        Console {
            terminal: std::io::stderr().is_terminal(),
            quiet,
        }
    }

    /// Shows nothing but warnings; for tests and library use.
    pub fn silent() -> Console {
        Console {
            terminal: false,
            quiet: true,
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
        self.say(format!("{name:>14}  {}", value.as_ref()));
    }

    /// A warning; shown always.
    pub fn warn(&self, line: impl AsRef<str>) {
        let colour = self.terminal && std::env::var_os("NO_COLOR").is_none();
        let mark = if colour {
            "\x1b[1;33mwarning\x1b[0m"
        } else {
            "warning"
        };
        self.write(&format!("{mark}: {}", line.as_ref()));
    }

    fn write(&self, line: &str) {
        // A closed standard error is no reason to stop a simulation.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}
