//! The state of a fit on disk: replaced at once, so that a killed fit goes on from the last one, to the same bits.

use super::optimise::State;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::io::digest::hexadecimal;
use crate::potential::mtp::MtpFile;
use crate::training::Monitor;
use crate::training::data::LabelledFrame;
use md5::{Digest, Md5};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The first line of a checkpoint.
const HEAD: &str = "zundel fit mtp 1";
/// Time between two checkpoints.
const PAUSE: Duration = Duration::from_secs(20);

/// Where a fit stands.
pub(super) struct Checkpoint {
    path: Option<PathBuf>,
    /// Of settings, data and form.
    fingerprint: String,
    saved: Instant,
    /// Tries that are done.
    pub tried: usize,
    pub best_try: Vec<f64>,
    pub best_objective: f64,
    /// The optimiser on all frames; without coefficients as long as it has not begun.
    pub state: State,
    pub best_theta: Vec<f64>,
    pub best_validation: f64,
    pub since_best: usize,
}

impl Checkpoint {
    /// The state in the checkpoint of the settings, or that of a fit that begins.
    ///
    /// A checkpoint of another fit is left behind, with a word to the monitor. Errors when there is one that cannot be read.
    pub fn open(
        settings: &Settings,
        file: &MtpFile,
        training: &[LabelledFrame],
        validation: &[LabelledFrame],
        monitor: &mut dyn Monitor,
    ) -> Result<Checkpoint> {
        let mut new = Checkpoint {
            path: settings.checkpoint.clone(),
            fingerprint: fingerprint(settings, file, training, validation),
            saved: Instant::now(),
            tried: 0,
            best_try: Vec::new(),
            best_objective: f64::INFINITY,
            state: State::default(),
            best_theta: Vec::new(),
            best_validation: f64::INFINITY,
            since_best: 0,
        };
        let Some(path) = settings.checkpoint.as_ref().filter(|_| settings.resume) else {
            return Ok(new);
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(new),
            Err(e) => return Err(Error::reading(path, &e)),
        };
        let damaged = || {
            Error::file(path, "this is not a checkpoint of a fit, or it is damaged")
                .advise("remove it to begin anew")
        };
        let text = String::from_utf8(bytes).map_err(|_| damaged())?;
        let entries = parse(&text).ok_or_else(damaged)?;
        if entries.get("fingerprint").copied() != Some(new.fingerprint.as_str()) {
            monitor.say(&format!(
                "{} belongs to a fit with other settings or data; this one begins anew",
                path.display()
            ));
            return Ok(new);
        }
        new.read(&entries, file).ok_or_else(damaged)?;
        monitor.say(&format!(
            "going on from {}, after {} tries and {} steps",
            path.display(),
            new.tried,
            new.state.steps
        ));
        Ok(new)
    }

    fn read(&mut self, entries: &HashMap<&str, &str>, file: &MtpFile) -> Option<()> {
        let whole = |key: &str| entries.get(key)?.parse::<usize>().ok();
        let list = |key: &str| numbers(entries.get(key)?);
        let one = |key: &str| match list(key)?[..] {
            [x] => Some(x),
            _ => None,
        };
        let n = file.species_count * file.species_count * file.functions * file.basis.size
            + file.species_count
            + file.scalars.len();
        let coefficients = |key: &str| {
            let list = list(key)?;
            let fits = list.is_empty() || list.len() == n;
            (fits && list.iter().all(|x| x.is_finite())).then_some(list)
        };
        self.tried = whole("tried")?;
        self.best_try = coefficients("best_try")?;
        self.best_objective = one("best_objective")?;
        self.best_theta = coefficients("best_theta")?;
        self.best_validation = one("best_validation")?;
        self.since_best = whole("since_best")?;
        self.state = State {
            theta: coefficients("theta")?,
            objective: one("objective")?,
            ridge: coefficients("ridge")?,
            damping: one("damping")?,
            growth: one("growth")?,
            steps: whole("steps")?,
            history: list("history")?,
        };
        (self.state.ridge.len() == self.state.theta.len()).then_some(())
    }

    /// Saves the state if that is due; in any case when `now`.
    pub fn save(&mut self, now: bool) -> Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if !now && self.saved.elapsed() < PAUSE {
            return Ok(());
        }
        self.write(path)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn write(&self, path: &Path) -> Result<()> {
        let mut t = format!("{HEAD}\nfingerprint {}\n", self.fingerprint);
        let s = &self.state;
        for (key, value) in [
            ("tried", self.tried),
            ("since_best", self.since_best),
            ("steps", s.steps),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(t, "{key} {value}");
        }
        for (key, values) in [
            ("best_try", &self.best_try[..]),
            ("best_objective", &[self.best_objective]),
            ("best_theta", &self.best_theta),
            ("best_validation", &[self.best_validation]),
            ("theta", &s.theta),
            ("objective", &[s.objective]),
            ("ridge", &s.ridge),
            ("damping", &[s.damping]),
            ("growth", &[s.growth]),
            ("history", &s.history),
        ] {
            let words: Vec<String> = values
                .iter()
                .map(|x| format!("{:016x}", x.to_bits()))
                .collect();
            let _ = writeln!(t, "{key} {}", words.join(" "));
        }
        t.push_str("end\n");
        atomic::write(path, t.as_bytes(), "cannot write the checkpoint")
    }
}

fn parse(text: &str) -> Option<HashMap<&str, &str>> {
    let body = text
        .strip_prefix(HEAD)?
        .strip_prefix('\n')?
        .strip_suffix("end\n")?;
    body.lines()
        .map(|line| line.split_once(' ').map(|(k, v)| (k, v.trim())))
        .collect()
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split_ascii_whitespace()
        .map(|word| u64::from_str_radix(word, 16).ok().map(f64::from_bits))
        .collect()
}

/// A hash of all that decides about the course of a fit.
fn fingerprint(
    settings: &Settings,
    file: &MtpFile,
    training: &[LabelledFrame],
    validation: &[LabelledFrame],
) -> String {
    let mut hash = Md5::new();
    let course = Settings {
        checkpoint: None,
        resume: true,
        selection: None,
        steps: 0,
        ..settings.clone()
    };
    hash.update(format!("{course:?}"));
    hash.update(file.render());
    for frame in training.iter().chain(validation) {
        hash.update(format!("{:?} {:?}", frame.kind, frame.system.cell));
        for (element, x) in frame
            .system
            .atoms
            .elements
            .iter()
            .zip(&frame.system.atoms.positions)
        {
            hash.update([element.number()]);
            x.iter().for_each(|x| hash.update(x.to_le_bytes()));
        }
        let forces = frame.forces.iter().flatten().flatten();
        let virial = frame.virial.iter().flatten().flatten();
        for x in frame.energy.iter().chain(forces).chain(virial) {
            hash.update(x.to_le_bytes());
        }
    }
    hexadecimal(&hash.finalize())
}
