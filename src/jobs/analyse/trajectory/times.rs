//! When frames are, and which of them are wanted.

use super::Trajectory;
use crate::error::{Error, Result};
use crate::jobs::analyse::options::Options;

/// When the frames are.
pub(super) enum Clock {
    /// The time (fs) of each.
    Each(Vec<f64>),
    /// The first, and the time between two.
    Even(f64, f64),
    Unknown,
}

impl Trajectory {
    pub(super) fn note_timestep(&mut self, dt: f64) {
        if let Some(own) = self.step_guess()
            && (own - dt).abs() > 1e-6 * dt
        {
            self.notes.push(format!(
                "the file says that frames are {own} fs apart; --timestep makes it {dt} fs"
            ));
        }
    }

    fn step_guess(&self) -> Option<f64> {
        match &self.clock {
            Clock::Each(t) => t.get(1).map(|b| b - t[0]),
            Clock::Even(_, dt) => Some(*dt),
            Clock::Unknown => None,
        }
    }

    /// The time (fs) of a frame of the file.
    pub fn time(&self, frame: usize) -> Option<f64> {
        match &self.clock {
            Clock::Each(t) => t.get(frame).copied(),
            Clock::Even(first, dt) => Some(first + frame as f64 * dt),
            Clock::Unknown => None,
        }
    }

    pub(super) fn choose(&mut self, options: &Options) -> Result<()> {
        let (mut first, mut end) = (0, self.frames);
        if options.from.is_some() || options.to.is_some() {
            let Some(dt) = self.step_guess().or((self.frames == 1).then_some(1.0)) else {
                return Err(self.no_clock("--from and --to"));
            };
            let slack = 1e-6 * dt.abs();
            let time = |k: usize| self.time(k).unwrap_or(f64::NAN);
            if let Some(from) = options.from {
                first = (0..end).find(|&k| time(k) >= from - slack).unwrap_or(end);
            }
            if let Some(to) = options.to {
                end = (first..end).find(|&k| time(k) > to + slack).unwrap_or(end);
            }
        }
        if first >= end {
            let (a, b) = (
                self.time(0).unwrap_or(0.0),
                self.time(self.frames - 1).unwrap_or(0.0),
            );
            return Err(
                Error::file(&self.path, "no frame is between --from and --to").advise(format!(
                    "the trajectory goes from {} to {} ps",
                    1e-3 * a,
                    1e-3 * b
                )),
            );
        }
        self.first = first;
        self.stride = options.stride.max(1);
        self.number = (end - first).div_ceil(self.stride);
        Ok(())
    }

    fn no_clock(&self, what: &str) -> Error {
        Error::file(
            &self.path,
            format!(
                "the file does not say how far apart in time its frames are, and {what} need it"
            ),
        )
        .advise("write for example --timestep \"0.5 fs\"")
    }

    /// The time between wanted frames (fs), which must be the same everywhere.
    pub fn interval(&self) -> Result<f64> {
        let dt = self
            .step_guess()
            .ok_or_else(|| self.no_clock("functions of time"))?;
        let even = |k: usize| Some(self.time(self.first + k)? - self.time(self.first)?);
        let last = (self.number - 1) * self.stride;
        let dt = match even(last) {
            Some(t) if last > 0 => t / last as f64,
            _ => dt,
        };
        if !(dt.is_finite() && dt > 0.0) {
            return Err(
                Error::file(&self.path, "the times of the frames do not rise")
                    .advise("write how far apart they are, as in --timestep \"0.5 fs\""),
            );
        }
        // Times are written with a few digits by some programs.
        let uneven =
            (0..=last).find(|&k| even(k).is_none_or(|t| (t - k as f64 * dt).abs() > 0.02 * dt));
        if let Some(k) = uneven {
            let at = self.first + k;
            return Err(Error::file(&self.path, format!("the frames are not evenly spaced in time: look at frame {at}"))
                .advise("choose an even part with --from, --to, or say how far apart they are with --timestep"));
        }
        Ok(dt * self.stride as f64)
    }

    /// Leaves out what is before a time (fs), as far as a frame is left.
    pub fn begin_at(&mut self, from: f64) {
        let end = self.first + (self.number - 1) * self.stride;
        let slack = 1e-6 * self.step_guess().unwrap_or(0.0).abs();
        let first = (self.first..=end).find(|&k| self.time(k).is_some_and(|t| t >= from - slack));
        if let Some(first) = first {
            self.first = first;
            self.number = (end - first) / self.stride + 1;
        }
    }
}
