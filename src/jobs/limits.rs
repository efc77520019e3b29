//! When a run has to stop before its end.

use super::{Outcome, RunOptions, StopFlag};
use std::time::Instant;

/// When a run has to stop before its end. The wall time counts from the moment at which this is made, so make it first.
pub(super) struct Limits {
    stop: StopFlag,
    deadline: Option<Instant>,
}

impl Limits {
    /// Those of the command line.
    pub fn of(options: &RunOptions) -> Limits {
        Limits {
            stop: options.stop.clone(),
            deadline: options.walltime.and_then(|w| Instant::now().checked_add(w)),
        }
    }

    /// The wall time that is left, when it is limited.
    pub fn left(&self) -> Option<std::time::Duration> {
        let now = Instant::now();
        self.deadline.map(|d| d.saturating_duration_since(now))
    }

    /// Why to stop now, if there is a reason.
    pub fn reached(&self) -> Option<Outcome> {
        self.reached_at(Instant::now())
    }

    /// As [`Limits::reached`] for those who looked at the clock already.
    pub fn reached_at(&self, now: Instant) -> Option<Outcome> {
        if self.stop.is_set() {
            Some(Outcome::Interrupted)
        } else if self.deadline.is_some_and(|d| now >= d) {
            Some(Outcome::OutOfTime)
        } else {
            None
        }
    }
}
