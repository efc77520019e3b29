//! What a fit says while it works, and how it is asked to stop.

/// Follows the stages of a fit.
pub trait Monitor {
    /// A stage begins: `total` pieces of `what`, as in 38 `frames`. The stage before is over.
    fn stage(&mut self, what: &str, total: usize);
    /// So many more pieces of the stage are done.
    fn advance(&mut self, pieces: usize);
    /// Something a person should read: a figure that was found, a decision that was taken.
    fn say(&mut self, line: &str);
    /// Whether the fit should save what it has and end.
    fn stopped(&self) -> bool;
}

/// Says nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn stage(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn say(&mut self, _: &str) {}
    fn stopped(&self) -> bool {
        false
    }
}
