//! Progress of a run: a bar on a terminal, plain lines elsewhere.

use super::Console;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
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
    headed: bool,
}

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
            let bar =
                ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(4));
            let style = ProgressStyle::with_template(
                "{prefix}{wide_bar:.green/black} {percent:>3}%  {msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style.progress_chars("━╸ "));
            }
            if !label.is_empty() {
                bar.set_prefix(format!("{label} "));
            }
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
            headed: false,
        }
    }

    /// Whether it is time for [`show`](Self::show); cheap enough for every step.
    pub fn is_due(&self) -> bool {
        let pause = if self.bar.is_some() {
            Duration::from_millis(250)
        } else {
            self.every
        };
        !self.console.is_quiet() && self.last_line.elapsed() >= pause
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
        let remaining = per_step * self.total.saturating_sub(s.step) as f64;
        let ns_per_day = 86_400.0 / per_step * self.timestep_fs * 1e-6;
        let speed = format!("{} /step  {ns_per_day:.3} ns/day", human_seconds(per_step));
        if let Some(bar) = &self.bar {
            bar.set_position(s.step);
            bar.set_message(format!(
                "{:.3} ps  {:.0} K  {:.5} eV/atom  drift {:+.1e}  {speed}  left {}",
                s.time_fs * 1e-3,
                s.temperature,
                s.energy_per_atom,
                s.drift_per_atom,
                human_duration(remaining),
            ));
            return;
        }
        if !self.headed {
            self.headed = true;
            self.console.say(format!(
                "{:>10} {:>11} {:>9} {:>14} {:>11} {:>12} {:>10} {:>9}",
                "step",
                "time/ps",
                "T/K",
                "Epot/eV/atom",
                "drift/atom",
                "per step",
                "ns/day",
                "left"
            ));
        }
        let label = if self.label.is_empty() {
            String::new()
        } else {
            format!("  {}", self.label)
        };
        self.console.say(format!(
            "{:>10} {:>11.4} {:>9.1} {:>14.6} {:>+11.2e} {:>12} {ns_per_day:>10.3} {:>9}{label}",
            s.step,
            s.time_fs * 1e-3,
            s.temperature,
            s.energy_per_atom,
            s.drift_per_atom,
            human_seconds(per_step),
            human_duration(remaining),
        ));
    }

    /// Takes the bar away. Returns the wall seconds and the microseconds per atom and step since the start.
    pub fn finish(&mut self, step: u64) -> (f64, f64) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let elapsed = self.mark.1.elapsed().as_secs_f64();
        let steps = step.saturating_sub(self.mark.0).max(1) as f64;
        (elapsed, elapsed / steps / self.atoms.max(1) as f64 * 1e6)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
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

/// A long time as a person reads it: `2h 05m`, `3m 20s`.
pub fn human_duration(s: f64) -> String {
    let t = s.max(0.0).round() as u64;
    match t {
        0..60 => format!("{t}s"),
        60..3600 => format!("{}m {:02}s", t / 60, t % 60),
        3600..86_400 => format!("{}h {:02}m", t / 3600, t % 3600 / 60),
        _ => format!("{}d {:02}h", t / 86_400, t % 86_400 / 3600),
    }
}
