//! Progress of a run: a bar on a terminal, plain lines elsewhere.

use super::Console;
use crate::analysis::Average;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// What a progress line tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Status {
    /// Steps done.
    pub step: u64,
    /// Simulated time (fs).
    pub time_fs: f64,
    /// Temperature (K).
    pub temperature: f64,
    /// Potential energy per atom (eV).
    pub energy_per_atom: f64,
    /// Change of the conserved energy per atom since the start (eV).
    pub drift_per_atom: f64,
    /// The mean temperature (K) so far.
    pub mean_temperature: Option<Average>,
    /// The mean density (g/cm^3) so far, when the cell changes.
    pub mean_density: Option<Average>,
    /// The reliability number of the model, when it is watched: name and latest value.
    pub reliability: Option<(&'static str, f64)>,
}

/// The progress of one run.
pub struct Progress {
    bar: Option<ProgressBar>,
    console: Console,
    label: String,
    total: u64,
    atoms: usize,
    timestep_fs: f64,
    every: Duration,
    last_line: Instant,
    /// Steps and time from which the speed is taken.
    mark: (u64, Instant),
}

/// Pause between two redrawings of a bar.
const REDRAW: Duration = Duration::from_millis(250);

impl Progress {
    /// The progress of a run to `total` steps that stands at step `done`. `label` names it among several; may be empty.
    pub fn new(
        console: &Console,
        label: &str,
        done: u64,
        total: u64,
        atoms: usize,
        timestep_fs: f64,
        every: Duration,
    ) -> Progress {
        let bar = console.is_terminal().then(|| {
            let bar = console.add_bar(ProgressBar::new(total));
            let template = if label.is_empty() {
                "{wide_bar:.green/black.dim} {percent:>3}%\n{wide_msg}"
            } else {
                "{prefix} {bar:16.green/black.dim} {percent:>3}%  {wide_msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸━"));
            }
            bar.set_prefix(label.to_owned());
            bar.set_position(done);
            bar
        });
        let now = Instant::now();
        Progress {
            bar,
            console: console.clone(),
            label: label.to_owned(),
            total,
            atoms,
            timestep_fs,
            every,
            last_line: now,
            mark: (done, now),
        }
    }

    /// Whether it is time for [`show`](Self::show); cheap enough for every step.
    pub fn is_due(&self, now: Instant) -> bool {
        let pause = if self.bar.is_some() {
            REDRAW
        } else {
            self.every
        };
        !self.console.is_quiet() && now.duration_since(self.last_line) >= pause
    }

    /// Something a person should hear of at once.
    pub fn remark(&self, text: &str) {
        self.console.warn(self.labelled(text));
    }

    /// Says something between the lines of the progress.
    pub fn note(&self, text: &str) {
        self.console.say(self.labelled(text));
    }

    fn labelled(&self, text: &str) -> String {
        let label = if self.label.is_empty() {
            String::new()
        } else {
            format!("{}, ", self.label)
        };
        format!("{label}{text}")
    }

    /// Shows where the run stands.
    pub fn show(&mut self, s: &Status) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.mark.1).as_secs_f64();
        let steps = s.step.saturating_sub(self.mark.0);
        self.last_line = now;
        if steps == 0 || elapsed <= 0.0 {
            return;
        }
        let per_step = elapsed / steps as f64;
        let left = human_duration(per_step * self.total.saturating_sub(s.step) as f64);
        let per_day = per_day(self.timestep_fs, per_step);
        if let Some(bar) = &self.bar {
            let reliability = s.reliability.map_or(String::new(), |(name, x)| {
                format!("  {name} {}", four_digits(x))
            });
            bar.set_position(s.step);
            let mean = s
                .mean_temperature
                .map_or(String::new(), |a| format!(" (mean {})", a.display()));
            let density = s
                .mean_density
                .map_or(String::new(), |a| format!("  {} g/cm³", a.display()));
            // The most important first: a narrow terminal cuts the rest off.
            bar.set_message(format!(
                "{:.3} ps  left {left}  {:.0} K{mean}{density}  {:.5} eV/atom{reliability}  drift {:+.0e}  {}/step  {per_day}",
                s.time_fs * 1e-3,
                s.temperature,
                s.energy_per_atom,
                s.drift_per_atom,
                human_seconds(per_step),
            ));
            return;
        }
        let (name, number) = s.reliability.map_or_else(Default::default, |(name, x)| {
            (format!(" {name:>9}"), format!(" {:>9}", four_digits(x)))
        });
        let mean = s
            .mean_temperature
            .map_or_else(|| "-".to_owned(), |a| a.display());
        let (dense, density) = s.mean_density.map_or_else(Default::default, |a| {
            (
                format!(" {:>12}", "<g/cm³>"),
                format!(" {:>12}", a.display()),
            )
        });
        let head = format!(
            "\n{:>10} {:>10} {:>7} {:>11}{dense} {:>12} {:>10}{name} {:>8} {:>8} {:>8}",
            "step",
            "time/ps",
            "T/K",
            "<T>/K",
            "Epot/eV/atom",
            "drift/atom",
            "per step",
            "ns/day",
            "left"
        );
        let label = if self.label.is_empty() {
            String::new()
        } else {
            format!("  {}", self.label)
        };
        let line = format!(
            "{:>10} {:>10.4} {:>7.1} {mean:>11}{density} {:>12.6} {:>+10.2e}{number} {:>8} {:>8} {left:>8}{label}",
            s.step,
            s.time_fs * 1e-3,
            s.temperature,
            s.energy_per_atom,
            s.drift_per_atom,
            human_seconds(per_step),
            per_day.trim_end_matches(" ns/day"),
        );
        self.console.row(&head, &line);
    }

    /// Takes the bar away. Returns the wall seconds and the microseconds per atom and step since the start.
    pub fn finish(&mut self, step: u64) -> (f64, f64) {
        self.clear();
        let elapsed = self.mark.1.elapsed().as_secs_f64();
        let steps = step.saturating_sub(self.mark.0).max(1) as f64;
        (elapsed, elapsed / steps / self.atoms.max(1) as f64 * 1e6)
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Simulated time in a day of computing, with four digits: `18.95 ns/day`.
pub(crate) fn per_day(timestep_fs: f64, seconds_per_step: f64) -> String {
    format!(
        "{} ns/day",
        four_digits(timestep_fs * 1e-6 * 86_400.0 / seconds_per_step)
    )
}

/// A number, zero or positive, with three or four significant digits, and no exponent unless it is tiny.
fn four_digits(x: f64) -> String {
    match x {
        x if x >= 999.95 => format!("{x:.0}"),
        x if x >= 99.995 => format!("{x:.1}"),
        x if x >= 9.9995 => format!("{x:.2}"),
        x if x >= 0.001 || x == 0.0 => format!("{x:.3}"),
        x => format!("{x:.2e}"),
    }
}

/// A short time as a person reads it: `12.3 µs`, `4.56 ms`.
pub fn human_seconds(s: f64) -> String {
    let (value, unit) = match s {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let decimals = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

/// A long time as a person reads it: `0.4s`, `2h 05m`, `3m 20s`.
pub fn human_duration(s: f64) -> String {
    let s = s.max(0.0);
    if (0.05..9.95).contains(&s) {
        return format!("{s:.1}s");
    }
    let t = s.round() as u64;
    match t {
        0..60 => format!("{t}s"),
        60..3600 => format!("{}m {:02}s", t / 60, t % 60),
        3600..86_400 => format!("{}h {:02}m", t / 3600, t % 3600 / 60),
        _ => format!("{}d {:02}h", t / 86_400, t % 86_400 / 3600),
    }
}

/// A size as a person reads it: `812 bytes`, `2.4 MB`.
pub fn human_bytes(bytes: f64) -> String {
    match bytes {
        b if b < 1e3 => format!("{b:.0} bytes"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_as_people_read_them() {
        let durations = [
            0.0, 0.4, 9.94, 9.97, 59.4, 59.6, 125.0, 3599.9, 7500.0, 90_000.0,
        ];
        let shown = durations.map(human_duration);
        assert_eq!(
            shown,
            [
                "0s", "0.4s", "9.9s", "10s", "59s", "1m 00s", "2m 05s", "1h 00m", "2h 05m",
                "1d 01h"
            ]
        );
        assert_eq!(
            [2.5e-8, 1.234e-5, 0.0123, 4.0].map(human_seconds),
            ["25.0 ns", "12.3 µs", "12.3 ms", "4.00 s"]
        );
        assert_eq!(human_bytes(812.0), "812 bytes");
        assert_eq!(human_bytes(2.44e6), "2.4 MB");
        let days = [1e-4, 0.001, 0.1, 1000.0, 1e7].map(|s| per_day(1.0, s));
        assert_eq!(
            days,
            [
                "864.0 ns/day",
                "86.40 ns/day",
                "0.864 ns/day",
                "8.64e-5 ns/day",
                "8.64e-9 ns/day"
            ]
        );
    }
}
