//! Many pieces of work side by side: a line for each that is redrawn on a terminal, lines of what has changed elsewhere.

use super::Console;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Lines of pieces of work.
pub struct Board {
    console: Console,
    width: usize,
    rows: Vec<Row>,
    said: Option<Instant>,
}

/// One piece.
#[derive(Default)]
struct Row {
    bar: Option<ProgressBar>,
    title: String,
    state: String,
    line: String,
    /// The state that was last said where there is no terminal.
    told: String,
}

/// More lines than these do not fit on a terminal: then it is as if there were none.
const MOST: usize = 40;
/// Pause between two reports of what runs where there is no terminal.
const PAUSE: Duration = Duration::from_secs(30);
/// Characters of a bar.
const BAR: usize = 12;

impl Board {
    /// A board for `pieces`, whose titles have at most `width` characters.
    pub fn new(console: &Console, pieces: usize, width: usize) -> Board {
        let terminal = console.is_terminal() && pieces <= MOST;
        let row = |_| Row {
            bar: terminal.then(|| {
                let bar = console.add_bar(ProgressBar::new(1));
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    bar.set_style(style);
                }
                bar
            }),
            ..Row::default()
        };
        Board {
            console: console.clone(),
            width,
            rows: (0..pieces).map(row).collect(),
            said: None,
        }
    }

    /// Sets the line of a piece: what it is called, how it stands, which part of it is done, and what else there is to say.
    pub fn set(&mut self, piece: usize, title: &str, state: &str, done: f64, shown: &str) {
        let width = self.width;
        let Some(row) = self.rows.get_mut(piece) else {
            return;
        };
        let full = (done * BAR as f64).floor() as usize;
        let bar: String = (0..BAR).map(|k| if k < full { '━' } else { '─' }).collect();
        row.line = format!(
            "{title:<width$}  {state:<6}  {bar} {:>4.0}%  {shown}",
            100.0 * done
        );
        row.title = title.to_owned();
        row.state = state.to_owned();
    }

    /// Shows what has changed.
    pub fn draw(&mut self) {
        let now = Instant::now();
        let due = self.said.is_none_or(|s| now.duration_since(s) >= PAUSE);
        for row in &mut self.rows {
            if let Some(bar) = &row.bar {
                bar.set_message(row.line.clone());
                continue;
            }
            let changed = row.state != row.told && row.state != "waits";
            if changed || (due && row.state == "runs") {
                self.console.say(&row.line);
                row.told.clone_from(&row.state);
            }
        }
        if due {
            self.said = Some(now);
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        for row in &self.rows {
            if let Some(bar) = &row.bar {
                bar.finish();
            }
        }
    }
}
