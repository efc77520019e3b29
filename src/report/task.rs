//! Progress of work that is counted in pieces: a bar on a terminal, a line now and then elsewhere.

use super::{Console, human_duration};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Work that is counted in pieces.
pub struct Task {
    console: Console,
    bar: Option<ProgressBar>,
    what: String,
    total: usize,
    done: usize,
    began: Instant,
    said: Instant,
}

/// Pause between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

impl Task {
    /// Begins work of `total` pieces; `what` names them, as in `displaced supercells`.
    pub fn new(console: &Console, what: &str, total: usize) -> Task {
        let bar = console.is_terminal().then(|| {
            let bar = console.add_bar(ProgressBar::new(total as u64));
            let template = "{wide_bar:.green/black.dim} {pos}/{len} {msg}  left {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸━"));
            }
            bar.set_message(what.to_owned());
            bar
        });
        let now = Instant::now();
        Task {
            console: console.clone(),
            bar,
            what: what.to_owned(),
            total,
            done: 0,
            began: now,
            said: now,
        }
    }

    /// So many more pieces are done.
    pub fn advance(&mut self, pieces: usize) {
        self.done += pieces;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
            return;
        }
        let now = Instant::now();
        if now.duration_since(self.said) >= PAUSE && self.done < self.total {
            self.said = now;
            let spent = now.duration_since(self.began).as_secs_f64();
            let left = spent / self.done.max(1) as f64 * (self.total - self.done) as f64;
            self.console.say(format!(
                "{:>10} of {} {}, left {}",
                self.done,
                self.total,
                self.what,
                human_duration(left)
            ));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
