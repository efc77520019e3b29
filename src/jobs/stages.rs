//! What work in stages says on the console: fits, and the choice of frames.

use super::limits::Limits;
use super::{Outcome, RunOptions};
use crate::report::{Console, Task};
use crate::training::Monitor;

/// Shows the stages of such work, and passes on that it should stop.
pub(super) struct Progress<'a> {
    console: &'a Console,
    task: Option<Task>,
    limits: Limits,
}

impl<'a> Progress<'a> {
    /// Nothing has been said yet.
    pub fn new(console: &'a Console, options: &RunOptions) -> Progress<'a> {
        Progress {
            console,
            task: None,
            limits: Limits::of(options),
        }
    }

    /// The last stage is over.
    pub fn end(&mut self) {
        self.task = None;
    }

    /// How work that was asked to stop has ended.
    pub fn outcome(&self) -> Outcome {
        self.limits.reached().unwrap_or(Outcome::Interrupted)
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
    }

    fn stopped(&self) -> bool {
        self.limits.reached().is_some()
    }
}
