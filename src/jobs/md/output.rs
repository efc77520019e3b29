//! What a simulation writes while it runs: trajectory, extended XYZ, table, and the frame of a failure.

use super::files::Files;
use super::picture;
use super::provenance::{self, Source};
use super::simulation::{Failure, Simulation};
use super::statistics::{self, Statistics};
use super::text_file::TextFile;
use super::{Plan, failure};
use crate::deck::{BeadsOutputDeck, Precision};
use crate::dynamics::{RingDynamics, State};
use crate::error::{Error, Result, RunError};
use crate::io::checkpoint::Checkpoint;
use crate::io::h5md::{
    BeadData, BeadOptions, Existing, FrameData, TrajectoryOptions, TrajectoryWriter,
};
use crate::io::{self, Format, Frame, Value, atomic};
use crate::potential::Scope;
use crate::simd;
use std::path::{Path, PathBuf};

/// What is to be written at a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due {
    /// A frame of the trajectory.
    pub frame: bool,
    /// A row of beads in the trajectory.
    pub beads: bool,
    /// A frame of the extended XYZ file.
    pub extxyz: bool,
    /// A row of the table.
    pub thermo: bool,
    /// A row of the CSV file.
    pub csv: bool,
    /// The reliability number of the model.
    pub reliability: bool,
}

impl Due {
    pub fn is_anything(self) -> bool {
        self.frame || self.beads || self.extxyz || self.thermo || self.csv || self.reliability
    }
}

/// The open output files of one simulation.
pub(super) struct Sinks {
    trajectory: Option<(TrajectoryWriter, u64)>,
    extxyz: Option<(TextFile, u64)>,
    csv: Option<(TextFile, u64)>,
    unknown: Option<TextFile>,
    beads_every: Option<u64>,
    thermo_every: u64,
    reliability_every: Option<u64>,
}

impl Sinks {
    /// New files. Those of an earlier run are replaced, its checkpoints taken away; but only once all files could be opened.
    pub fn create(plan: &Plan<'_>, s: &Simulation, files: &Files) -> Result<Sinks> {
        let output = plan.output;
        let trajectory = match &output.trajectory {
            Some(_) => Some(TrajectoryWriter::create(
                trajectory_options(plan, s, files),
                Existing::Replace,
            )?),
            None => None,
        };
        let mut extxyz = files.extxyz.as_deref().map(TextFile::open).transpose()?;
        let mut csv = files.csv.as_deref().map(TextFile::open).transpose()?;
        let mut unknown = files.unknown.as_deref().map(TextFile::open).transpose()?;
        files.remove_checkpoints()?;
        [&mut extxyz, &mut csv, &mut unknown]
            .into_iter()
            .flatten()
            .try_for_each(|f| f.cut(0))?;
        if let Some(file) = &mut csv {
            let columns: Vec<String> = s
                .columns
                .names()
                .iter()
                .map(|(name, unit)| format!("{name} ({unit})"))
                .collect();
            file.write(format!("step,time (fs),{}\n", columns.join(",")).as_bytes())?;
        }
        Ok(Self::assemble(plan, trajectory, extxyz, csv, unknown))
    }

    /// The files of an interrupted run, cut back to its checkpoint.
    pub fn append(
        plan: &Plan<'_>,
        s: &Simulation,
        files: &Files,
        saved: &Checkpoint,
    ) -> Result<Sinks> {
        let bytes = |key: &str| {
            saved
                .numbers
                .get(key)
                .and_then(|n| n.first())
                .map_or(0, |n| *n as u64)
        };
        let text = |path: &Option<PathBuf>, key: &str| {
            path.as_deref()
                .map(|path| TextFile::append(path, bytes(key)))
                .transpose()
        };
        // The trajectory first: it knows whether it belongs to this run.
        let trajectory = match &plan.output.trajectory {
            Some(deck) => Some(append_trajectory(
                trajectory_options(plan, s, files),
                [Some(deck.every), beads_deck(plan).map(|b| b.every)],
                saved.step,
            )?),
            None => None,
        };
        let extxyz = text(&files.extxyz, EXTXYZ_BYTES)?;
        let csv = text(&files.csv, CSV_BYTES)?;
        let unknown = text(&files.unknown, UNKNOWN_BYTES)?;
        Ok(Self::assemble(plan, trajectory, extxyz, csv, unknown))
    }

    fn assemble(
        plan: &Plan<'_>,
        trajectory: Option<TrajectoryWriter>,
        extxyz: Option<TextFile>,
        csv: Option<TextFile>,
        unknown: Option<TextFile>,
    ) -> Sinks {
        let output = plan.output;
        Sinks {
            trajectory: trajectory.zip(output.trajectory.as_ref().map(|t| t.every)),
            extxyz: extxyz.zip(output.extxyz.as_ref().map(|t| t.every)),
            csv: csv.zip(output.thermo.as_ref().map(|t| t.every)),
            unknown,
            beads_every: beads_deck(plan).map(|b| b.every),
            thermo_every: output.thermo_every,
            reliability_every: plan.md.reliability.as_ref().map(|r| r.every),
        }
    }

    /// What is to be written at a step.
    pub fn due(&self, step: u64) -> Due {
        let at = |every: Option<u64>| every.is_some_and(|n| step.is_multiple_of(n));
        let due = Due {
            frame: at(self.trajectory.as_ref().map(|t| t.1)),
            beads: at(self.beads_every),
            extxyz: at(self.extxyz.as_ref().map(|t| t.1)),
            thermo: at(Some(self.thermo_every)),
            csv: at(self.csv.as_ref().map(|t| t.1)),
            reliability: at(self.reliability_every),
        };
        // What is written has the number of its own step.
        Due {
            reliability: self.reliability_every.is_some() && due.is_anything(),
            ..due
        }
    }

    /// Writes what is due.
    pub fn write(&mut self, s: &mut Simulation, due: Due) -> Result<()> {
        let time_fs = s.time_fs();
        if let (true, Some((trajectory, _))) = (due.beads, &mut self.trajectory) {
            write_beads(trajectory, s)?;
        }
        let s = &*s;
        if let Some((trajectory, _)) = &mut self.trajectory {
            if due.thermo {
                trajectory.write_thermo(s.state.step, time_fs, &s.row)?;
            }
            if due.frame {
                trajectory.write_frame(&FrameData {
                    step: s.state.step,
                    time_fs,
                    cell: &s.state.system.cell,
                    positions: &s.state.system.atoms.positions,
                    velocities: &s.state.system.atoms.velocities,
                    forces: &s.state.evaluation.forces,
                    observables: &s.row,
                })?;
            }
        }
        if let (true, Some((file, _))) = (due.extxyz, &mut self.extxyz) {
            let mut text = Vec::new();
            io::render_frame(&frame(s), Format::ExtendedXyz, &mut text)?;
            file.write(&text)?;
        }
        if let (true, Some((file, _))) = (due.csv, &mut self.csv) {
            let mut line = format!("{},{time_fs:?}", s.state.step);
            s.row.iter().for_each(|x| line.push_str(&format!(",{x:?}")));
            line.push('\n');
            file.write(line.as_bytes())?;
        }
        Ok(())
    }

    /// Saves the state among the frames that the model does not know.
    pub fn write_unknown(&mut self, s: &Simulation) -> Result<()> {
        let Some((file, watch)) = self.unknown.as_mut().zip(s.watch.as_ref()) else {
            return Ok(());
        };
        let text = watch.render(frame(s), file.path())?;
        file.write(&text)
    }

    /// Hands everything to the system, so that the death of this process loses nothing.
    pub fn flush(&mut self) -> Result<()> {
        if let Some((t, _)) = &mut self.trajectory {
            t.flush()?;
        }
        self.text_files().try_for_each(TextFile::flush)
    }

    /// As [`flush`](Self::flush), and waits for the disk.
    pub fn sync(&mut self) -> Result<()> {
        if let Some((t, _)) = &mut self.trajectory {
            t.sync()?;
        }
        self.text_files().try_for_each(TextFile::sync)
    }

    fn text_files(&mut self) -> impl Iterator<Item = &mut TextFile> {
        let timed = [&mut self.extxyz, &mut self.csv];
        let timed = timed.into_iter().flatten().map(|(f, _)| f);
        timed.chain(&mut self.unknown)
    }

    /// Notes in a checkpoint how long the text files are; call after [`sync`](Self::sync).
    pub fn note_positions(&self, checkpoint: &mut Checkpoint) {
        let files = [
            (EXTXYZ_BYTES, self.extxyz.as_ref().map(|f| &f.0)),
            (CSV_BYTES, self.csv.as_ref().map(|f| &f.0)),
            (UNKNOWN_BYTES, self.unknown.as_ref()),
        ];
        for (key, file) in files {
            if let Some(f) = file {
                checkpoint
                    .numbers
                    .insert(key.to_owned(), vec![f.length as f64]);
            }
        }
    }

    /// Writes what is made from the whole run so far: the table of averages, the plot, the averages in the trajectory. Gives
    /// the files that were written.
    pub fn write_results(
        &mut self,
        plan: &Plan<'_>,
        s: &Simulation,
        found: &Statistics,
        files: &Files,
    ) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        if let Some((trajectory, _)) = &mut self.trajectory {
            let rows = found.rows(&statistics::names(s, plan.md));
            trajectory.write_averages(&rows, [found.from_fs, found.to_fs])?;
        }
        if let Some(path) = &files.averages {
            atomic::write(path, found.csv().as_bytes(), "cannot write the averages")?;
            written.push(path.clone());
        }
        if let Some((path, momentum)) = files.momentum.as_ref().zip(s.estimators.momentum.as_ref())
        {
            let temperature = s.integrator.rings().map_or(0.0, RingDynamics::temperature);
            let table = momentum.csv(found.first, temperature);
            atomic::write(
                path,
                table.as_bytes(),
                "cannot write the momentum distribution",
            )?;
            written.push(path.clone());
        }
        if let Some(path) = &files.plot {
            let picture = picture::svg(plan, s, found)?;
            atomic::write(path, picture.as_bytes(), "cannot write the plot")?;
            written.push(path.clone());
        }
        Ok(written)
    }

    /// Closes all files and names them.
    pub fn close(self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        if let Some((t, _)) = self.trajectory {
            files.push(t.path().to_path_buf());
            t.close()?;
        }
        let timed = [self.extxyz, self.csv].into_iter().flatten().map(|f| f.0);
        for mut f in timed.chain(self.unknown) {
            f.sync()?;
            files.push(f.path().to_path_buf());
        }
        Ok(files)
    }

    /// The error of a failed step: what happened, when and where, with the frame saved and everything written flushed.
    pub fn fail(
        &mut self,
        plan: &Plan<'_>,
        s: &Simulation,
        failure: &Failure,
        files: &Files,
    ) -> Error {
        let (what, mut advice) = failure::describe(s, failure);
        // The step in which the forces could not be had was not completed.
        let step = s.state.step + u64::from(matches!(failure, Failure::Step(_)));
        let mut saved = Vec::new();
        if write_structure(&files.failed, s).is_ok() {
            saved.push(files.failed.clone());
            advice.push_str("; the saved frame shows where it happened");
        }
        // Worth a look, but no reason to hide what happened.
        if let Ok(results) = self.write_results(plan, s, &Statistics::of(s, plan.md), files) {
            saved.extend(results);
        }
        let flushed = self.sync();
        if files.checkpoint.exists() {
            saved.push(files.checkpoint.clone());
        }
        let mut reason = format!(
            "the run stopped at step {step} ({:.4} ps): {what}",
            s.time_fs_of(step) * 1e-3
        );
        if let Err(e) = flushed {
            reason.push_str(&format!("\n  also, {e}"));
        }
        Error::Run(Box::new(RunError {
            reason,
            advice,
            saved,
        }))
    }
}

const EXTXYZ_BYTES: &str = "extxyz_bytes";
const CSV_BYTES: &str = "csv_bytes";
const UNKNOWN_BYTES: &str = "unknown_bytes";

/// What the deck wants to be written of the beads of quantum nuclei.
fn beads_deck<'a>(plan: &'a Plan<'_>) -> Option<&'a BeadsOutputDeck> {
    let quantum = plan.md.ring_beads() > 1;
    let deck = plan.output.trajectory.as_ref().filter(|_| quantum)?;
    deck.beads.as_ref()
}

/// Writes the beads of now.
fn write_beads(trajectory: &mut TrajectoryWriter, s: &mut Simulation) -> Result<()> {
    let (step, time_fs) = (s.state.step, s.time_fs());
    let State { system, rings, .. } = &mut s.state;
    let Some(rings) = rings else {
        return Ok(());
    };
    let atoms = rings.atoms();
    // The centroids may have been wrapped.
    rings.place(&system.atoms.positions);
    let split = |flat: Vec<[f64; 3]>| -> Vec<Vec<[f64; 3]>> {
        flat.chunks_exact(atoms).map(<[_]>::to_vec).collect()
    };
    let wants = |what: fn(&BeadOptions) -> bool| trajectory.bead_options().is_some_and(what);
    let mut velocities = Vec::new();
    if wants(|w| w.velocities) {
        velocities = split(rings.bead_velocities(&system.atoms));
    }
    let mut forces = Vec::new();
    if wants(|w| w.forces) {
        forces = split(rings.bead_forces());
    }
    let positions: Vec<Vec<[f64; 3]>> = (0..rings.beads())
        .map(|j| rings.positions(j).to_vec())
        .collect();
    trajectory.write_beads(&BeadData {
        step,
        time_fs,
        cell: &system.cell,
        positions: &positions,
        velocities: &velocities,
        forces: &forces,
        energies: rings.energies(),
    })
}

/// Opens a trajectory to go on with and makes sure that it holds every frame, and every row of beads, up to `step`.
fn append_trajectory(
    options: TrajectoryOptions,
    every: [Option<u64>; 2],
    step: u64,
) -> Result<TrajectoryWriter> {
    let path = options.path.clone();
    let trajectory = TrajectoryWriter::append(options, step)?;
    let found = [trajectory.frames(), trajectory.bead_rows()];
    for ((found, every), what) in found
        .into_iter()
        .zip(every)
        .zip(["frames", "rows of beads"])
    {
        let wanted = every.map_or(0, |n| step / n + 1);
        if found as u64 != wanted {
            return Err(Error::file(
                &path,
                format!("the trajectory has {found} {what} up to step {step}, and the run wrote {wanted}"),
            )
            .advise("it was changed since the checkpoint was written; put the right file back, or run again with --overwrite"));
        }
    }
    Ok(trajectory)
}

/// The state as a frame of extended XYZ. Numbers that are not finite are left out, as no file can hold them.
fn frame(s: &Simulation) -> Frame {
    let mut system = s.state.system.clone();
    let mut forces = s.state.evaluation.forces.clone();
    let finite = |v: &[[f64; 3]]| v.as_flattened().iter().all(|x| x.is_finite());
    if !finite(&system.atoms.positions) {
        let good: Vec<bool> = system
            .atoms
            .positions
            .iter()
            .map(|x| finite(std::slice::from_ref(x)))
            .collect();
        retain(&mut forces, &good);
        let atoms = &mut system.atoms;
        retain(&mut atoms.elements, &good);
        retain(&mut atoms.masses, &good);
        retain(&mut atoms.positions, &good);
        retain(&mut atoms.velocities, &good);
    }
    let mut frame = Frame::from(system);
    frame.has_velocities = finite(&frame.system.atoms.velocities);
    frame.set_value("step", Value::Integer(s.state.step as i64));
    frame.set_value("time_fs", Value::Real(s.time_fs()));
    if s.state.evaluation.energy.is_finite() {
        frame.set_value("energy", Value::Real(s.state.evaluation.energy));
    }
    if finite(&forces) && forces.len() == frame.system.atoms.len() {
        frame.set_vectors("forces", &forces);
    }
    if let Some((watch, verdict)) = s.watch.as_ref().zip(s.verdict)
        && verdict.step == s.state.step
        && verdict.value.is_finite()
    {
        let name = watch.what.measure.name();
        let numbers = &s.state.evaluation.reliability;
        match watch.what.scope {
            Scope::Atom if numbers.len() == frame.system.atoms.len() => {
                frame.set_scalars(name, numbers.clone());
            }
            Scope::Atom => {}
            Scope::Frame => frame.set_value(name, Value::Real(verdict.value)),
        }
    }
    frame
}

/// Keeps the elements whose flag is set.
fn retain<T>(list: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    list.retain(|_| keep.next().copied().unwrap_or(true));
}

/// Writes the state as a file of one frame.
pub(super) fn write_structure(path: &Path, s: &Simulation) -> Result<()> {
    io::write_frames(path, [&frame(s)], Format::ExtendedXyz)
}

fn trajectory_options(plan: &Plan<'_>, s: &Simulation, files: &Files) -> TrajectoryOptions {
    let columns: Vec<(String, String)> = s
        .columns
        .names()
        .iter()
        .map(|(name, unit)| ((*name).to_owned(), (*unit).to_owned()))
        .collect();
    let mut parameters = vec![
        ("deck".to_owned(), plan.resolved.clone()),
        ("deck_file".to_owned(), plan.deck.source.path.clone()),
        ("seed".to_owned(), s.seed.to_string()),
        (
            "program".to_owned(),
            format!("zundel {}", env!("CARGO_PKG_VERSION")),
        ),
        ("instruction_set".to_owned(), simd::level_name().to_owned()),
        ("host".to_owned(), host()),
        (
            "units".to_owned(),
            "eV, Angstrom, u, K; time Angstrom*sqrt(u/eV) = 10.1805 fs; CODATA 2022".to_owned(),
        ),
    ];
    for term in &plan.terms {
        let d = term.potential.description();
        let lines: Vec<&str> = std::iter::once(&d.name)
            .chain(&d.details)
            .map(String::as_str)
            .collect();
        parameters.push((format!("potential_{}", term.name), lines.join("\n")));
        let hashes: Vec<String> = plan
            .sources
            .iter()
            .filter(|x| x.term == term.name)
            .map(Source::line)
            .collect();
        if !hashes.is_empty() {
            parameters.push((format!("model_{}", term.name), hashes.join("\n")));
        }
    }
    parameters.extend(
        plan.sources
            .iter()
            .find(|x| x.term.is_empty())
            .map(|x| ("structure".to_owned(), x.line())),
    );
    let deck = plan.output.trajectory.as_ref();
    let averages = statistics::names(s, plan.md);
    let averages = averages
        .into_iter()
        .map(|(name, unit)| (name.to_owned(), unit.to_owned()));
    TrajectoryOptions {
        path: files.trajectory.clone().unwrap_or_default(),
        elements: s.state.system.atoms.elements.clone(),
        masses: s.state.system.atoms.masses.clone(),
        periodic: s.state.system.cell.periodic(),
        single: deck.is_some_and(|d| d.precision == Precision::Single),
        velocities: deck.is_some_and(|d| d.velocities),
        forces: deck.is_some_and(|d| d.forces),
        compression: deck.map_or(0, |d| d.compression),
        beads: beads_deck(plan).map(|b| BeadOptions {
            beads: plan.md.ring_beads(),
            temperature: plan.md.schedule()[0].temperature.unwrap_or(0.0),
            velocities: b.velocities,
            forces: b.forces,
        }),
        observables: columns.clone(),
        thermo: columns,
        averages: averages.collect(),
        parameters,
        run: format!("seed {}, mark {}", s.seed, provenance::short(&s.mark)),
    }
}

/// The name of this computer, as far as the system tells.
pub(in crate::jobs) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "unknown".to_owned(), |n| n.trim().to_owned())
}
