//! One state point: an ordinary run of dynamics, made longer until its error is small enough.

use super::claim::Claim;
use super::judge::{self, Judgement};
use super::own_deck::{self, Length};
use super::point::{Condition, Point};
use super::record::{self, Record, Status};
use super::start::Fluid;
use crate::analysis::Measured;
use crate::deck::{self, AnyDeck, Deck, FluidDeck};
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::io::{Format, Frame, atomic, digest, render_frame};
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, RunOptions, md};
use crate::report::Console;
use crate::units::{AMU_PER_A3_IN_G_PER_CM3, TIME_FS};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The state in the middle of the shortest run, from which displacements count.
const MIDDLE: &str = "middle.chk";
/// A fluid whose molecules have moved by less than this share of their distance has not flowed.
const FROZEN: f64 = 0.35;

/// A state point with its folder.
pub(super) struct Task<'a> {
    pub deck: &'a Deck,
    pub job: &'a FluidDeck,
    pub fluid: &'a Fluid,
    pub point: &'a Point,
}

/// How work on a point ended.
pub(super) enum Ended {
    /// With a result.
    Finished(Box<Record>),
    /// Before its end.
    Stopped(Outcome),
}

/// What a point's folder must hold to belong to the deck.
struct Prepared {
    start: Vec<u8>,
    /// The deck without its length.
    settings: String,
}

impl Task<'_> {
    pub fn folder(&self) -> PathBuf {
        self.job.points.join(&self.point.name)
    }

    /// The length of the deck's file, where there is one; the shortest else.
    fn planned(&self) -> Result<u64> {
        let path = self.folder().join(own_deck::DECK);
        match std::fs::read_to_string(&path) {
            Ok(text) => own_deck::without_length(&text, &path).map(|x| x.0),
            Err(_) => Ok(self.job.shortest),
        }
    }

    fn text(&self, sampled: u64) -> Result<String> {
        let before = own_deck::before(self.job, self.point);
        let molecular = self.fluid.is_molecular();
        let length = Length { before, sampled };
        own_deck::text(self.deck, self.job, self.point, length, molecular)
    }

    fn prepare(&self) -> Result<Prepared> {
        let system = self.fluid.start(self.point, &self.deck.system)?;
        let mut start = Vec::new();
        render_frame(&Frame::from(system), Format::ExtendedXyz, &mut start)?;
        let path = self.folder().join(own_deck::DECK);
        let settings = own_deck::without_length(&self.text(1)?, &path)?.1;
        Ok(Prepared { start, settings })
    }

    /// Whether the folder holds a run of these settings; an error when it holds another one.
    fn is_begun(&self, prepared: &Prepared) -> Result<bool> {
        let folder = self.folder();
        let path = folder.join(own_deck::DECK);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Ok(false);
        };
        let (_, old) = own_deck::without_length(&text, &path)?;
        let mut changed: Vec<String> = deck::differences(&old, &prepared.settings)
            .iter()
            .map(ToString::to_string)
            .collect();
        let start = std::fs::read(folder.join(own_deck::START)).ok();
        if start.is_some_and(|s| s != prepared.start) {
            changed.push("the structure from which it starts is another one".to_owned());
        }
        if changed.is_empty() {
            return Ok(true);
        }
        Err(Error::file(
            &folder,
            format!(
                "the deck has changed since this state point was begun:\n    {}",
                changed.join("\n    ")
            ),
        )
        .advise("undo the change, name another folder (`points`), or begin all points anew with --overwrite"))
    }

    /// The result that is there, when it is one of these settings and good enough.
    ///
    /// Errors when the folder belongs to another deck.
    pub fn finished(&self) -> Result<Option<Record>> {
        let prepared = self.prepare()?;
        if !self.is_begun(&prepared)? {
            return Ok(None);
        }
        self.result(&prepared)
    }

    fn result(&self, prepared: &Prepared) -> Result<Option<Record>> {
        let Some(found) = record::read::<Record>(&self.folder().join(record::RESULT)) else {
            return Ok(None);
        };
        let long = found.steps >= own_deck::before(self.job, self.point) + self.job.longest;
        let (error, wanted) = self.error_and_wanted(&found);
        let enough = (found.met && error.is_some_and(|e| e <= wanted)) || long;
        Ok((enough && found.digest == self.digest(prepared)?).then_some(found))
    }

    /// The error of what decides, and the one that is wanted now.
    fn error_and_wanted(&self, found: &Record) -> (Option<f64>, f64) {
        let what = match self.point.condition {
            Condition::Pressure(..) => found.volume,
            Condition::Density(..) => found.pressure,
            Condition::Molecule => Some(found.energy),
        };
        let mean = what.map_or(0.0, |m| m.value);
        (what.and_then(|m| m.error), self.point.wanted_error(mean))
    }

    /// Of the settings, the structure and the files of the model.
    fn digest(&self, prepared: &Prepared) -> Result<String> {
        let mut all = Sha256::new();
        all.update(&prepared.settings);
        all.update(&prepared.start);
        for model in md::models(self.deck)? {
            all.update(model);
        }
        Ok(digest::hexadecimal(&all.finalize()))
    }

    /// Takes away what an earlier run has left.
    pub fn clear(&self) -> Result<()> {
        let folder = self.folder();
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_file() {
                std::fs::remove_file(&path)
                    .map_err(|e| Error::environment("cannot replace", &path, e))?;
            }
        }
        Ok(())
    }

    /// Runs the point until its error is small enough, or until it is stopped.
    pub fn run(&self, options: &RunOptions, console: &Console) -> Result<Ended> {
        let began = Instant::now();
        let limits = Limits::of(options);
        let folder = self.folder();
        std::fs::create_dir_all(&folder).map_err(|e| {
            Error::environment("cannot make the folder of a state point", &folder, e)
        })?;
        let _claim = Claim::take(&folder)?;
        let prepared = self.prepare()?;
        if self.is_begun(&prepared)? {
            if let Some(found) = self.result(&prepared)? {
                return Ok(Ended::Finished(Box::new(found)));
            }
        } else {
            atomic::write(
                &folder.join(own_deck::START),
                &prepared.start,
                "cannot write",
            )?;
        }
        let _ = std::fs::remove_file(folder.join(record::FAILURE));
        let earlier = record::read::<Record>(&folder.join(record::RESULT)).map_or(0.0, |r| r.wall);
        let ended = self.segments(options, &limits, &prepared, console, || {
            earlier + began.elapsed().as_secs_f64()
        });
        if let Err(e) = &ended
            && let Err(unwritten) = atomic::write(
                &folder.join(record::FAILURE),
                e.to_string().as_bytes(),
                "cannot write",
            )
        {
            log::warn!("{unwritten}");
        }
        ended
    }

    fn segments(
        &self,
        options: &RunOptions,
        limits: &Limits,
        prepared: &Prepared,
        console: &Console,
        wall: impl Fn() -> f64,
    ) -> Result<Ended> {
        let folder = self.folder();
        let before = own_deck::before(self.job, self.point);
        let longest = self.job.longest;
        let middle = folder.join(MIDDLE);
        let half = (self.job.shortest / 2).max(1);
        let mut goal = match middle.is_file() {
            true => self.planned()?.max(half),
            false => half,
        };
        let mut last = (String::new(), None);
        loop {
            self.tell(before + goal, last.0.clone(), last.1)?;
            if let Some(outcome) = self.segment(goal, options, limits)? {
                return Ok(Ended::Stopped(outcome));
            }
            if !middle.is_file() {
                let checkpoint = folder.join(own_deck::CHECKPOINT);
                std::fs::copy(&checkpoint, &middle)
                    .map_err(|e| Error::environment("cannot copy the checkpoint to", &middle, e))?;
                goal = goal.max(self.job.shortest);
                continue;
            }
            let found = self.judge()?;
            let Some(found) = found else {
                return Err(Error::file(
                    &folder.join(own_deck::SAMPLES),
                    "there are no samples in it",
                )
                .advise("`shortest` must be longer than `sample`"));
            };
            let shown = self.describe(&found);
            let ratio = found.target.error.map(|e| e / found.wanted);
            let met = found.is_met() && goal >= self.job.shortest.min(longest);
            self.tell(before + goal, shown.clone(), ratio)?;
            last = (shown.clone(), ratio);
            if met || goal >= longest {
                let record = self.record(&found, before + goal, met, prepared, wall())?;
                record::write(&folder.join(record::RESULT), &record)?;
                console.say(format!("{}: {shown}, done", self.point.title()));
                return Ok(Ended::Finished(Box::new(record)));
            }
            let per_row = self.job.sample.max(1);
            let next = (found.next_rows() as u64).saturating_mul(per_row);
            let next = next.max(self.job.shortest);
            goal = next
                .clamp(goal + per_row, longest.max(goal + per_row))
                .min(longest);
            console.say(format!(
                "{}: {shown}; goes on to {:.4} ps",
                self.point.title(),
                self.picoseconds(goal)
            ));
        }
    }

    fn picoseconds(&self, steps: u64) -> f64 {
        steps as f64 * self.job.timestep * TIME_FS * 1e-3
    }

    fn tell(&self, goal: u64, shown: String, ratio: Option<f64>) -> Result<()> {
        let path = self.folder().join(record::STATUS);
        record::write(&path, &Status { goal, shown, ratio })
    }

    /// Runs dynamics up to `goal` steps of sampling; says how it was stopped, if it was.
    fn segment(&self, goal: u64, options: &RunOptions, limits: &Limits) -> Result<Option<Outcome>> {
        if let Some(outcome) = limits.reached() {
            return Ok(Some(outcome));
        }
        let path = self.folder().join(own_deck::DECK);
        atomic::write(&path, self.text(goal)?.as_bytes(), "cannot write")?;
        let AnyDeck::Simulation(own) = deck::read(&path, &[])? else {
            return Err(Error::Bug("a state point that is no simulation".to_owned()));
        };
        let checkpoint = self.folder().join(own_deck::CHECKPOINT);
        let previous = crate::io::checkpoint::previous(&checkpoint);
        let resume = checkpoint.is_file() || previous.is_file();
        let own_options = RunOptions {
            resume,
            overwrite: !resume,
            walltime: limits.left(),
            stop: options.stop.clone(),
            ..RunOptions::default()
        };
        let outcome = crate::jobs::simulate(*own, &own_options, &Console::silent())?;
        Ok((outcome != Outcome::Done).then_some(outcome))
    }

    fn judge(&self) -> Result<Option<Judgement>> {
        let path = self.folder().join(own_deck::SAMPLES);
        let before = own_deck::before(self.job, self.point);
        let fixed = match self.point.condition {
            Condition::Density(density, _) => Some(self.fluid.mass() / density),
            _ => None,
        };
        Judgement::of(
            &path,
            self.job,
            self.point,
            before,
            fixed,
            self.fluid.mass(),
        )
    }

    /// What was found so far, as a person reads it.
    fn describe(&self, found: &Judgement) -> String {
        let error = |e: Option<f64>, decimals: usize| match e {
            Some(e) => format!(" ± {e:.decimals$}"),
            None => " ± ?".to_owned(),
        };
        match self.point.condition {
            Condition::Pressure(..) => match found.density(self.fluid.mass()) {
                Some(d) => format!("{:.4}{} g/cm^3", d.value, error(d.error, 4)),
                None => String::new(),
            },
            Condition::Density(..) => {
                let t = found.target;
                format!("{:.1}{} bar", t.mean, error(t.error, 1))
            }
            Condition::Molecule => {
                let t = found.target;
                format!("{:.5}{} eV", t.mean, error(t.error, 5))
            }
        }
    }

    fn record(
        &self,
        found: &Judgement,
        steps: u64,
        met: bool,
        prepared: &Prepared,
        wall: f64,
    ) -> Result<Record> {
        let job = self.job;
        let fs = job.timestep * TIME_FS;
        let molecule = self.point.condition == Condition::Molecule;
        let before = own_deck::before(job, self.point);
        let start = self.fluid.start(self.point, &self.deck.system)?;
        let displacement = match molecule {
            true => None,
            false => self.displacement(),
        };
        let mut record = Record {
            digest: self.digest(prepared)?,
            steps,
            discarded: before + found.first as u64 * job.sample,
            timestep_fs: fs,
            met,
            wanted: found.wanted,
            atoms: start.atoms.len() as u64,
            molecules: if molecule {
                1
            } else {
                self.fluid.molecules as u64
            },
            mass_amu: start.atoms.masses.iter().sum(),
            temperature: found.temperature,
            pressure: found.pressure.filter(|_| !molecule),
            volume: found.volume.filter(|_| !molecule),
            energy: found.energy,
            quantum: found.quantum,
            independent: found.target.independent,
            inefficiency_fs: found.target.inefficiency * job.sample as f64 * fs,
            drift: found.target.drift,
            two_densities: found.two.map(|d| d.map(|x| x * AMU_PER_A3_IN_G_PER_CM3)),
            displacement,
            properties: properties(&self.folder().join(own_deck::AVERAGES)),
            remarks: Vec::new(),
            wall,
        };
        record.remarks = self.remarks(&record, found);
        Ok(record)
    }

    /// Mean square displacement (Å^2) of the molecules' centres since the middle of the shortest run, and the time (fs). Strains of
    /// the cell and the motion of the whole do not count.
    fn displacement(&self) -> Option<[f64; 2]> {
        let folder = self.folder();
        let from = Checkpoint::read_file(&folder.join(MIDDLE)).ok()?;
        let to = Checkpoint::read_file(&folder.join(own_deck::CHECKPOINT)).ok()?;
        let n = from.system.atoms.len();
        if to.system.atoms.len() != n || self.fluid.molecule.len() != n {
            return None;
        }
        let mut moved = vec![([0.0; 3], 0.0); self.fluid.molecules];
        for i in 0..n {
            let a = from.system.cell.fractional(from.system.atoms.positions[i]);
            let b = to.system.cell.fractional(to.system.atoms.positions[i]);
            let d = to
                .system
                .cell
                .cartesian(std::array::from_fn(|k| b[k] - a[k]));
            let mass = to.system.atoms.masses[i];
            let (sum, total) = &mut moved[self.fluid.molecule[i]];
            (0..3).for_each(|k| sum[k] += mass * d[k]);
            *total += mass;
        }
        let count = moved.len() as f64;
        let steps: Vec<[f64; 3]> = moved.iter().map(|(s, m)| s.map(|x| x / m)).collect();
        let mean: [f64; 3] =
            std::array::from_fn(|k| steps.iter().map(|s| s[k]).sum::<f64>() / count);
        let square = |s: &[f64; 3]| (0..3).map(|k| (s[k] - mean[k]).powi(2)).sum::<f64>();
        let time = (to.step.saturating_sub(from.step)) as f64 * self.job.timestep * TIME_FS;
        Some([steps.iter().map(square).sum::<f64>() / count, time])
    }

    /// Everything that is odd about a result.
    fn remarks(&self, r: &Record, found: &Judgement) -> Vec<String> {
        let mut all = Vec::new();
        if !r.met {
            let error = found.target.error.map_or("unknown".to_owned(), |e| {
                format!("{:.2} times the wanted one", e / found.wanted)
            });
            all.push(format!(
                "the wanted error was not reached in the greatest length: it is {error}"
            ));
        }
        if found.is_restless() {
            all.push(
                "the run has not come to rest: half of it looks like equilibration".to_owned(),
            );
        }
        if r.drift.abs() > crate::analysis::DRIFT {
            all.push(format!(
                "slow drift: the trend over the run is {:+.1} of its standard errors",
                r.drift
            ));
        }
        if let Some([a, b]) = r.two_densities {
            all.push(format!(
                "two densities, about {a:.4} and {b:.4} g/cm^3: this is near coexistence, and the mean is of neither phase"
            ));
        }
        if let (Condition::Density(..), Some(p)) = (&self.point.condition, r.pressure)
            && p.value + 2.0 * p.error.unwrap_or(0.0) < 0.0
        {
            all.push(
                "the pressure is negative: a stretched liquid, or a box with a bubble".to_owned(),
            );
        }
        if let (Some([square, time]), Some(v)) = (r.displacement, r.volume) {
            let distance = (v.value / r.molecules as f64).cbrt();
            if square.sqrt() < FROZEN * distance && time > 0.0 {
                all.push(format!(
                    "not fluid: molecules moved {:.2} Å in {:.1} ps, where {distance:.2} Å lie between them; it is frozen, or far too viscous for so short a run",
                    square.sqrt(),
                    time * 1e-3
                ));
            }
        }
        if let Some(e) = r.temperature.error {
            let off = r.temperature.value - self.point.temperature;
            if off.abs() > (5.0 * e).max(0.02 * self.point.temperature) && !r.quantum {
                all.push(format!(
                    "the temperature is {:.2} K on average: the time step is too long, or the thermostat too weak",
                    r.temperature.value
                ));
            }
        }
        all
    }
}

/// Properties from fluctuations, as md has found them.
fn properties(path: &Path) -> Vec<(String, Measured)> {
    const WANTED: [&str; 4] = [
        "heat_capacity_cv",
        "heat_capacity_cp",
        "compressibility",
        "thermal_expansion",
    ];
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let name = WANTED.iter().find(|w| cells.first() == Some(*w))?;
        let value = cells.get(2)?.parse().ok()?;
        let error = cells.get(3).and_then(|c| c.parse().ok());
        Some(((*name).to_owned(), Measured { value, error }))
    };
    text.lines().filter_map(row).collect()
}

/// How far a point is: its step now, as its table says, and what it plans.
pub(super) fn progress(folder: &Path) -> Option<(u64, Status)> {
    let status: Status = record::read(&folder.join(record::STATUS))?;
    Some((
        last_step(&folder.join(own_deck::SAMPLES)).unwrap_or(0),
        status,
    ))
}

/// The step of the last whole line of a table.
fn last_step(path: &Path) -> Option<u64> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(4096)))
        .ok()?;
    let mut text = Vec::new();
    file.take(4096).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let whole = text.rsplit_once('\n')?.0;
    let line = whole.rsplit_once('\n').map_or(whole, |l| l.1);
    line.split(',').next()?.parse().ok()
}

/// The least and the greatest time (fs) that a point simulates, for `check`.
pub(super) fn planned_time(job: &FluidDeck, point: &Point) -> (f64, f64) {
    let before = own_deck::before(job, point);
    let fs = job.timestep * TIME_FS;
    (
        (before + job.shortest) as f64 * fs,
        (before + job.longest) as f64 * fs,
    )
}

/// What is printed of a density.
pub(super) fn density_of(record: &Record) -> Option<Measured> {
    record.volume.map(|v| judge::density(v, record.mass_amu))
}

/// How often a scheduler looks at its points.
pub(super) const LOOK: Duration = Duration::from_millis(250);
