//! What a fit says, on the console.

use crate::jobs::{RunOptions, StopFlag};
use crate::report::{Console, Task};
use crate::training::Monitor;
use std::time::Instant;

/// Shows the stages of a fit, and passes on that it should stop.
pub(super) struct Progress<'a> {
    console: &'a Console,
    task: Option<Task>,
    stop: StopFlag,
    deadline: Option<Instant>,
    /// Everything that was said, for the report.
    pub lines: Vec<String>,
}

impl<'a> Progress<'a> {
    /// Nothing has been said yet.
    pub fn new(console: &'a Console, options: &RunOptions) -> Progress<'a> {
        Progress {
            console,
            task: None,
            stop: options.stop.clone(),
            deadline: options.walltime.and_then(|w| Instant::now().checked_add(w)),
            lines: Vec::new(),
        }
    }

    /// The last stage is over.
    pub fn end(&mut self) {
        self.task = None;
    }

    /// Whether somebody asked to stop; otherwise the time was over.
    pub fn interrupted(&self) -> bool {
        self.stop.is_set()
    }
}

impl Monitor for Progress<'_> {
    fn stage(&mut self, what: &str, total: usize) {
        // The bar of the stage before goes first.
        self.task = None;
        self.task = Some(Task::new(self.console, what, total));
    }

    fn advance(&mut self, pieces: usize) {
        if let Some(task) = &mut self.task {
            task.advance(pieces);
        }
    }

    fn say(&mut self, line: &str) {
        self.console.say(line);
        self.lines.push(line.to_owned());
    }

    fn stopped(&self) -> bool {
        self.stop.is_set() || self.deadline.is_some_and(|d| Instant::now() >= d)
    }
}
