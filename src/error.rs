//! Errors in three classes: the user's input, the environment, and bugs of ours; plus runs that failed.
//!
//! The class decides the exit code (see [`Error::exit_code`]) and the tone: an input error says where, why and what
//! to write instead; an environment error names the path and what the system said; a bug says that it is one.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of everything that can fail for a reason a person should read.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Something the user wrote or supplied is not usable.
    Input(Box<InputError>),
    /// The machine refused: disk, permissions, signals.
    Environment(Box<EnvironmentError>),
    /// The simulation itself went wrong (explosion, model left its domain, not converged).
    Run(Box<RunError>),
    /// A condition that must not occur; please report.
    Bug(String),
}

/// What is wrong with the input, where, and what to do about it.
#[derive(Debug, Clone, Default)]
pub struct InputError {
    /// File, line, key, ... as far as known; empty when it would add nothing.
    pub place: String,
    /// What is wrong, in one sentence without the place.
    pub reason: String,
    /// What to write or do instead.
    pub advice: String,
    /// A complete message that replaces the three fields above when printed (deck diagnostics with carets).
    pub rendered: Option<String>,
}

/// What the operating system refused.
#[derive(Debug)]
pub struct EnvironmentError {
    /// What was being done, as in "cannot write the trajectory".
    pub doing: String,
    /// The file or folder concerned.
    pub path: PathBuf,
    /// The system's own words.
    pub system: String,
}

/// A simulation that had to stop.
#[derive(Debug, Clone, Default)]
pub struct RunError {
    /// What happened, with step and atoms.
    pub reason: String,
    /// What the user can do.
    pub advice: String,
    /// Files saved for diagnosis.
    pub saved: Vec<PathBuf>,
}

impl Error {
    /// An input error with a place ("model.xml: line 12") and a reason.
    pub fn input(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Error::Input(Box::new(InputError {
            place: place.into(),
            reason: reason.into(),
            ..InputError::default()
        }))
    }

    /// An input error about a file, without a line.
    pub fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::input(path.display().to_string(), reason)
    }

    /// An input error about one line (1-based) of a file.
    pub fn line(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        Self::input(format!("{}:{line}", path.display()), reason)
    }

    /// An environment error.
    pub fn environment(doing: impl Into<String>, path: &Path, system: impl fmt::Display) -> Self {
        Error::Environment(Box::new(EnvironmentError {
            doing: doing.into(),
            path: path.to_path_buf(),
            system: system.to_string(),
        }))
    }

    /// The error of an input file that could not be opened or read: the user's (wrong path) when it does not exist,
    /// the environment's otherwise.
    pub fn reading(path: &Path, source: &std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::file(path, "there is no such file")
                .advise("check the path; paths in a deck are relative to the deck"),
            std::io::ErrorKind::IsADirectory => {
                Self::file(path, "this is a folder, a file is needed")
            }
            _ => Self::environment("cannot read", path, source),
        }
    }

    /// A failed simulation.
    pub fn run(reason: impl Into<String>, advice: impl Into<String>) -> Self {
        Error::Run(Box::new(RunError {
            reason: reason.into(),
            advice: advice.into(),
            saved: Vec::new(),
        }))
    }

    /// Adds what the user should write or do instead (input and run errors; others are unchanged).
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        match &mut self {
            Error::Input(e) => e.advice = advice.into(),
            Error::Run(e) => e.advice = advice.into(),
            Error::Environment(_) | Error::Bug(_) => {}
        }
        self
    }

    /// Puts a place in front of an input error that has none, or before the one it has ("deck.toml: model.xml").
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        if let Error::Input(e) = &mut self {
            e.place = if e.place.is_empty() {
                place.to_owned()
            } else {
                format!("{place}: {}", e.place)
            };
        }
        self
    }

    /// The exit code of the contract: 2 for bad input, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Input(_) => 2,
            Error::Environment(_) | Error::Run(_) | Error::Bug(_) => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Input(e) => {
                if let Some(text) = &e.rendered {
                    return write!(f, "{}", text.trim_end());
                }
                write!(f, "error: ")?;
                if !e.place.is_empty() {
                    write!(f, "{}: ", e.place)?;
                }
                write!(f, "{}", e.reason)?;
                if !e.advice.is_empty() {
                    write!(f, "\n  help: {}", e.advice)?;
                }
                Ok(())
            }
            Error::Environment(e) => {
                write!(f, "error: {}: {}: {}", e.doing, e.path.display(), e.system)
            }
            Error::Run(e) => {
                write!(f, "error: {}", e.reason)?;
                for path in &e.saved {
                    write!(f, "\n  saved: {}", path.display())?;
                }
                if !e.advice.is_empty() {
                    write!(f, "\n  help: {}", e.advice)?;
                }
                Ok(())
            }
            Error::Bug(what) => {
                write!(
                    f,
                    "error: this is a bug in zundel, please report it with your deck: {what}"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
