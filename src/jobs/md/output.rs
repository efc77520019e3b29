//! What a simulation writes while it runs: trajectory, extended XYZ, table, and the frame of a failure.

use super::simulation::{Failure, Simulation};
use super::{Plan, parts};
use crate::deck::{Precision, TrajectoryDeck};
use crate::dynamics::Violation;
use crate::error::{Error, Result, RunError};
use crate::io::checkpoint::Checkpoint;
use crate::io::h5md::{Existing, FrameData, TrajectoryOptions, TrajectoryWriter};
use crate::io::{self, Format, Frame, Value};
use crate::simd;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What is to be written at a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due {
    /// A frame of the trajectory.
    pub frame: bool,
    /// A frame of the extended XYZ file.
    pub extxyz: bool,
    /// A row of the table.
    pub thermo: bool,
    /// A row of the CSV file.
    pub csv: bool,
}

impl Due {
    pub fn is_anything(self) -> bool {
        self.frame || self.extxyz || self.thermo || self.csv
    }
}

/// The open output files of one simulation.
pub(super) struct Sinks {
    trajectory: Option<(TrajectoryWriter, u64)>,
    extxyz: Option<(TextFile, u64)>,
    csv: Option<(TextFile, u64)>,
    thermo_every: u64,
    failed_frame: PathBuf,
}

/// A growing text file.
struct TextFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Sinks {
    /// New files. Existing ones are refused, or replaced with `overwrite`.
    pub fn create(
        plan: &Plan<'_>,
        s: &Simulation,
        name: &dyn Fn(&Path) -> PathBuf,
        overwrite: bool,
    ) -> Result<Sinks> {
        let output = plan.output;
        let files = [
            output.trajectory.as_ref().map(|t| &t.file),
            output.extxyz.as_ref().map(|t| &t.file),
            output.thermo.as_ref().map(|t| &t.file),
            Some(&output.checkpoint.file),
        ];
        if !overwrite
            && let Some(there) = files
                .into_iter()
                .flatten()
                .map(|f| name(f))
                .find(|f| f.exists())
        {
            return Err(Error::file(&there, "this file of an earlier run is already there").advise(
                "go on with that run (--resume), replace its files (--overwrite), or name other files in [output]",
            ));
        }
        let trajectory = match &output.trajectory {
            Some(t) => Some((
                TrajectoryWriter::create(trajectory_options(plan, s, t, name), Existing::Replace)?,
                t.every,
            )),
            None => None,
        };
        let extxyz = match &output.extxyz {
            Some(t) => Some((TextFile::create(&name(&t.file))?, t.every)),
            None => None,
        };
        let csv = match &output.thermo {
            Some(t) => {
                let mut file = TextFile::create(&name(&t.file))?;
                let columns: Vec<String> = s
                    .columns
                    .names()
                    .iter()
                    .map(|(name, unit)| format!("{name} ({unit})"))
                    .collect();
                file.write(format!("step,time (fs),{}\n", columns.join(",")).as_bytes())?;
                Some((file, t.every))
            }
            None => None,
        };
        Ok(Sinks {
            trajectory,
            extxyz,
            csv,
            thermo_every: output.thermo_every,
            failed_frame: failed_frame(plan, name),
        })
    }

    /// The files of an interrupted run, cut back to its checkpoint.
    pub fn append(
        plan: &Plan<'_>,
        s: &Simulation,
        name: &dyn Fn(&Path) -> PathBuf,
        saved: &Checkpoint,
    ) -> Result<Sinks> {
        let output = plan.output;
        let bytes = |key: &str| {
            saved
                .numbers
                .get(key)
                .and_then(|n| n.first())
                .map_or(0, |n| *n as u64)
        };
        let trajectory = match &output.trajectory {
            Some(t) => Some((
                TrajectoryWriter::append(trajectory_options(plan, s, t, name), saved.step)?,
                t.every,
            )),
            None => None,
        };
        let extxyz = match &output.extxyz {
            Some(t) => Some((
                TextFile::append(&name(&t.file), bytes(EXTXYZ_BYTES))?,
                t.every,
            )),
            None => None,
        };
        let csv = match &output.thermo {
            Some(t) => Some((TextFile::append(&name(&t.file), bytes(CSV_BYTES))?, t.every)),
            None => None,
        };
        Ok(Sinks {
            trajectory,
            extxyz,
            csv,
            thermo_every: output.thermo_every,
            failed_frame: failed_frame(plan, name),
        })
    }

    /// What is to be written at a step.
    pub fn due(&self, step: u64) -> Due {
        let at = |every: Option<u64>| every.is_some_and(|n| step.is_multiple_of(n));
        Due {
            frame: at(self.trajectory.as_ref().map(|t| t.1)),
            extxyz: at(self.extxyz.as_ref().map(|t| t.1)),
            thermo: at(Some(self.thermo_every)),
            csv: at(self.csv.as_ref().map(|t| t.1)),
        }
    }

    /// Writes what is due.
    pub fn write(&mut self, s: &Simulation, due: Due) -> Result<()> {
        let time_fs = s.time_fs();
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

    /// Hands everything to the system, so that the death of this process loses nothing.
    pub fn flush(&mut self) -> Result<()> {
        if let Some((t, _)) = &mut self.trajectory {
            t.flush()?;
        }
        [&mut self.extxyz, &mut self.csv]
            .into_iter()
            .flatten()
            .try_for_each(|(f, _)| f.flush())
    }

    /// As [`flush`](Self::flush), and waits for the disk.
    pub fn sync(&mut self) -> Result<()> {
        if let Some((t, _)) = &mut self.trajectory {
            t.sync()?;
        }
        [&mut self.extxyz, &mut self.csv]
            .into_iter()
            .flatten()
            .try_for_each(|(f, _)| f.sync())
    }

    /// Notes in a checkpoint how long the text files are; call after [`sync`](Self::sync).
    pub fn note_positions(&mut self, checkpoint: &mut Checkpoint) {
        for (key, file) in [(EXTXYZ_BYTES, &mut self.extxyz), (CSV_BYTES, &mut self.csv)] {
            if let Some((f, _)) = file
                && let Ok(length) = f.out.get_mut().stream_position()
            {
                checkpoint
                    .numbers
                    .insert(key.to_owned(), vec![length as f64]);
            }
        }
    }

    /// Closes all files and names them.
    pub fn close(self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        if let Some((t, _)) = self.trajectory {
            files.push(t.path().to_path_buf());
            t.close()?;
        }
        for (mut f, _) in [self.extxyz, self.csv].into_iter().flatten() {
            f.sync()?;
            files.push(f.path);
        }
        Ok(files)
    }

    /// The error of a failed step: what happened, when and where, with the frame saved and everything written flushed.
    pub fn fail(&mut self, s: &Simulation, failure: Failure, checkpoint: &Path) -> Error {
        let (what, advice) = describe(s, &failure);
        let step = s.state.step + u64::from(matches!(failure, Failure::Evaluation(_)));
        let mut saved = Vec::new();
        if write_structure(&self.failed_frame, s).is_ok() {
            saved.push(self.failed_frame.clone());
        }
        let flushed = self.sync();
        if checkpoint.exists() {
            saved.push(checkpoint.to_path_buf());
        }
        let mut reason = format!("the run stopped at step {step}: {what}");
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

/// Where the frame of a failure goes: beside the checkpoint.
fn failed_frame(plan: &Plan<'_>, name: &dyn Fn(&Path) -> PathBuf) -> PathBuf {
    name(&plan.output.checkpoint.file.with_extension("failed.extxyz"))
}

/// What went wrong, and what can be done.
fn describe(s: &Simulation, failure: &Failure) -> (String, String) {
    let atoms = &s.state.system.atoms;
    let name = |i: usize| atoms.elements.get(i).map_or("atom", |e| e.symbol());
    let exploded = "the usual causes are a time step that is too long, a start from overlapping atoms, or a temperature \
                    beyond what the model was fitted to; the saved frame shows where";
    match failure {
        Failure::Evaluation(e) => {
            let (what, _) = parts::describe_evaluation_error(*e, &s.state.system);
            (what, exploded.into())
        }
        Failure::Violation(Violation::TooClose(c)) => (
            format!(
                "atoms {} ({}) and {} ({}) are {:.3} Å apart, closer than the model has seen ({:.3} Å)",
                c.i,
                name(c.i),
                c.j,
                name(c.j),
                c.distance,
                c.least
            ),
            format!("{exploded}; `[md.guard] closest = \"0.5 Å\"` allows shorter distances"),
        ),
        Failure::Violation(Violation::TooFast { atom, distance }) => (
            format!(
                "atom {atom} ({}) moves {distance:.2} Å in one step: the dynamics has exploded",
                name(*atom)
            ),
            exploded.into(),
        ),
        Failure::TooHot { temperature, limit } => (
            format!(
                "the temperature is {temperature:.0} K, above the limit of {limit:.0} K in [md.guard]"
            ),
            exploded.into(),
        ),
    }
}

/// The state as a frame of extended XYZ.
fn frame(s: &Simulation) -> Frame {
    let mut frame = Frame::from(s.state.system.clone());
    frame.has_velocities = true;
    frame.set_value("step", Value::Integer(s.state.step as i64));
    frame.set_value("time_fs", Value::Real(s.time_fs()));
    frame.set_value("energy", Value::Real(s.state.evaluation.energy));
    frame.set_vectors("forces", &s.state.evaluation.forces);
    frame
}

/// Writes the state as a file of one frame.
pub(super) fn write_structure(path: &Path, s: &Simulation) -> Result<()> {
    io::write_frames(path, [&frame(s)], Format::ExtendedXyz)
}

fn trajectory_options(
    plan: &Plan<'_>,
    s: &Simulation,
    deck: &TrajectoryDeck,
    name: &dyn Fn(&Path) -> PathBuf,
) -> TrajectoryOptions {
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
        parameters.push((
            format!("potential_{}", term.name),
            format!("{}\n{}", d.name, d.details.join("\n")),
        ));
    }
    parameters.extend(plan.model_hashes.iter().cloned());
    TrajectoryOptions {
        path: name(&deck.file),
        elements: s.state.system.atoms.elements.clone(),
        masses: s.state.system.atoms.masses.clone(),
        periodic: s.state.system.cell.periodic(),
        single: deck.precision == Precision::Single,
        velocities: deck.velocities,
        forces: deck.forces,
        compression: deck.compression,
        observables: columns.clone(),
        thermo: columns,
        parameters,
        run: format!("seed {}", s.seed),
    }
}

/// The name of this computer, as far as the system tells.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "unknown".to_owned(), |n| n.trim().to_owned())
}

impl TextFile {
    fn create(path: &Path) -> Result<TextFile> {
        let file = File::create(path).map_err(|e| Error::environment("cannot create", path, e))?;
        Ok(TextFile {
            path: path.to_path_buf(),
            out: BufWriter::new(file),
        })
    }

    /// Opens a file and cuts it to `length` bytes.
    fn append(path: &Path, length: u64) -> Result<TextFile> {
        let fail = |e: std::io::Error| Error::environment("cannot continue", path, e);
        let mut file = File::options().write(true).open(path).map_err(fail)?;
        if file.metadata().map_err(fail)?.len() < length {
            return Err(Error::file(
                path,
                "the file is shorter than when the checkpoint was written",
            )
            .advise(
                "it was changed or replaced since; move it away and run again from the start",
            ));
        }
        file.set_len(length).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(TextFile {
            path: path.to_path_buf(),
            out: BufWriter::new(file),
        })
    }

    fn write(&mut self, text: &[u8]) -> Result<()> {
        self.out
            .write_all(text)
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }

    fn flush(&mut self) -> Result<()> {
        self.out
            .flush()
            .map_err(|e| Error::environment("cannot write", &self.path, e))
    }

    fn sync(&mut self) -> Result<()> {
        self.flush()?;
        match self.out.get_ref().sync_data() {
            // Pipes and terminals have nothing to sync.
            Err(e) if e.kind() != std::io::ErrorKind::InvalidInput => {
                Err(Error::environment("cannot write", &self.path, e))
            }
            _ => Ok(()),
        }
    }
}
