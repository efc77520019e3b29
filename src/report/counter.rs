//! The progress of work that is counted, such as frames that are read: a bar on a terminal, nothing elsewhere.

use super::Console;
use indicatif::{ProgressBar, ProgressStyle};

/// Counts up to a number that is known.
pub struct Counter {
    bar: Option<ProgressBar>,
    at: u64,
}

/// Steps between two looks at the clock.
const EVERY: u64 = 16;

impl Counter {
    /// Begins to count; `label` says what is done.
    pub fn new(console: &Console, label: &str, total: u64) -> Counter {
        let bar = console.is_terminal().then(|| {
            let bar = console.add_bar(ProgressBar::new(total));
            let template =
                "{prefix} {bar:30.green/black.dim} {percent:>3}%  {pos} of {len}, {eta} to go";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸━"));
            }
            bar.set_prefix(label.to_owned());
            bar
        });
        Counter { bar, at: 0 }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.at += 1;
        if self.at.is_multiple_of(EVERY)
            && let Some(bar) = &self.bar
        {
            bar.set_position(self.at);
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
