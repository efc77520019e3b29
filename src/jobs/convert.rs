//! `zundel convert`: between structure formats and trajectories.

use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::h5md::{Existing, FrameData, TrajectoryOptions, TrajectoryReader, TrajectoryWriter};
use crate::io::{
    self, Column, ColumnData, Format, Frame, FrameReader, ReadOptions, Value, atomic, npz,
};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub use super::convert_beads::BeadFiles;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Number of frames of each file.
    pub frames: usize,
    /// The files, at least one.
    pub files: Vec<PathBuf>,
}

/// Reads all frames of `from` and writes them to `to`, formats by name and content; with `beads` the beads of a path
/// integral instead of the frames of its centroid.
///
/// Formats with one frame (POSCAR, LAMMPS data) get the last. A file that was there is replaced when the new one is
/// complete. Frames are passed on one by one, so that a trajectory of any length can be converted.
///
/// `labels` are the elements of the numbers that MLIP's cfg files have for species.
pub fn run(
    from: &Path,
    to: &Path,
    labels: &[(i64, Species)],
    beads: Option<BeadFiles>,
) -> Result<Converted> {
    if let Some(files) = beads {
        return super::convert_beads::run(from, to, labels, files);
    }
    let frames = if io::is_hdf5(from) {
        let frames = trajectory_frames(from)?;
        write(frames.map(|f| label(f?, labels)), from, to)
    } else {
        let options = ReadOptions {
            labels: labels.to_vec(),
            ..ReadOptions::default()
        };
        let frames = FrameReader::open(from, &options)?;
        write(frames.map(|f| label(f?, labels)), from, to)
    }?;
    Ok(Converted {
        frames,
        files: vec![to.to_path_buf()],
    })
}

/// Refuses to write a file over the one that is read.
pub(super) fn check_differs(from: &Path, to: &Path) -> Result<()> {
    let real = |a: &Path| std::fs::canonicalize(a).ok();
    if real(from).is_some_and(|a| real(to).is_some_and(|b| a == b)) {
        return Err(Error::file(to, "input and output are the same file")
            .advise("name another file for the output"));
    }
    Ok(())
}

/// Whether the name is that of a trajectory in H5MD.
pub(super) fn is_trajectory(path: &Path) -> bool {
    path.extension().is_some_and(|e| {
        ["h5md", "h5", "hdf5"]
            .iter()
            .any(|x| e.eq_ignore_ascii_case(x))
    })
}

/// Writes frames to a file in the format of its name. Returns how many.
pub(super) fn write(
    frames: impl Iterator<Item = Result<Frame>>,
    from: &Path,
    to: &Path,
) -> Result<usize> {
    check_differs(from, to)?;
    let count = if is_trajectory(to) {
        to_h5md(frames, from, to)
    } else {
        to_text(frames, to)
    }?;
    if count == 0 {
        return Err(Error::file(from, "the file holds no frame"));
    }
    Ok(count)
}

/// Gives the atoms the numbers of their elements, unless no labels are given.
pub(super) fn label(mut frame: Frame, labels: &[(i64, Species)]) -> Result<Frame> {
    if labels.is_empty() {
        return Ok(frame);
    }
    let number = |e: &Element| {
        let found = labels.iter().find(|(_, s)| s.element == *e);
        found.map(|(label, _)| *label).ok_or_else(|| {
            Error::input(
                "--species",
                format!("{e} is in the file, but not among the species"),
            )
        })
    };
    let types = frame.system.atoms.elements.iter().map(number);
    let data = ColumnData::Integer(types.collect::<Result<_>>()?);
    frame.set_column(Column {
        name: io::CFG_TYPES.to_owned(),
        width: 1,
        data,
    });
    Ok(frame)
}

/// All frames of a trajectory (H5MD), with what it says about each.
pub(super) fn trajectory_frames(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Frame>> + use<>> {
    let reader = TrajectoryReader::open(path)?;
    Ok((0..reader.frames()).map(move |i| trajectory_frame(&reader, i)))
}

fn trajectory_frame(reader: &TrajectoryReader, i: usize) -> Result<Frame> {
    let f = reader.read_frame(i)?;
    let mut frame = Frame::from(f.system);
    frame.has_velocities = f.has_velocities;
    frame.set_value("step", Value::Integer(f.step as i64));
    frame.set_value("time_fs", Value::Real(f.time_fs));
    for ((name, _), value) in reader.observables().into_iter().zip(&f.observables) {
        // The names that other programs look for.
        let name = if name == "potential_energy" {
            "energy".to_owned()
        } else {
            name
        };
        frame.set_value(&name, Value::Real(*value));
    }
    if let Some(forces) = &f.forces {
        frame.set_vectors("forces", forces);
    }
    Ok(frame)
}

fn to_text(frames: impl Iterator<Item = Result<Frame>>, to: &Path) -> Result<usize> {
    let format = Format::to_write(to)?;
    if format == Format::SgdmlNpz {
        return npz::write_frames(to, frames);
    }
    if !format.holds_many() {
        let mut last = None;
        for frame in frames {
            last = Some(frame?);
        }
        let Some(last) = last else { return Ok(0) };
        return io::write_frames(to, [&last], format).map(|()| 1);
    }
    let target = Target::new(to);
    let failed = |e: std::io::Error| Error::environment("cannot write", to, e);
    let mut out = BufWriter::new(target.open().map_err(failed)?);
    let mut count = 0;
    for frame in frames {
        io::write_frame(&mut out, to, &frame?, format)?;
        count += 1;
    }
    out.flush().map_err(failed)?;
    drop(out);
    if count > 0 {
        target.publish().map_err(failed)?;
    }
    Ok(count)
}

/// A file that takes its name when it is complete, and goes away if that never happens. Devices and pipes are written to
/// as they are.
struct Target {
    path: PathBuf,
    temporary: Option<PathBuf>,
}

impl Target {
    fn new(path: &Path) -> Target {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let temporary = (!path.exists() || path.is_file()).then(|| atomic::temporary_name(&path));
        Target { path, temporary }
    }

    fn open(&self) -> std::io::Result<File> {
        match &self.temporary {
            Some(temporary) => File::create(temporary),
            None => File::options().write(true).open(&self.path),
        }
    }

    fn publish(mut self) -> std::io::Result<()> {
        match self.temporary.take() {
            Some(temporary) => {
                File::open(&temporary)?.sync_all()?;
                atomic::rename(&temporary, &self.path)
            }
            None => Ok(()),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = std::fs::remove_file(temporary);
        }
    }
}

fn to_h5md(frames: impl Iterator<Item = Result<Frame>>, from: &Path, to: &Path) -> Result<usize> {
    let mut writer: Option<(TrajectoryWriter, TrajectoryOptions)> = None;
    let mut count = 0usize;
    for frame in frames {
        let frame = frame?;
        let atoms = &frame.system.atoms;
        let forces = frame.forces();
        let energy = frame.energy();
        if writer.is_none() {
            let options = TrajectoryOptions {
                path: to.to_path_buf(),
                elements: atoms.elements.clone(),
                masses: atoms.masses.clone(),
                periodic: frame.system.cell.periodic(),
                single: false,
                velocities: frame.has_velocities,
                forces: forces.is_some(),
                observables: energy
                    .iter()
                    .map(|_| ("potential_energy".to_owned(), "eV".to_owned()))
                    .collect(),
                ..TrajectoryOptions::default()
            };
            writer = Some((
                TrajectoryWriter::create(options.clone(), Existing::Replace)?,
                options,
            ));
        }
        let Some((out, options)) = &mut writer else {
            continue;
        };
        let complete = (!options.forces || forces.is_some())
            && (!options.velocities || frame.has_velocities)
            && (options.observables.is_empty() || energy.is_some());
        let same_atoms = atoms.elements == options.elements && atoms.masses == options.masses;
        if !same_atoms || frame.system.cell.periodic() != options.periodic || !complete {
            let reason = format!(
                "frame {count} (counted from 0) has other atoms, periodicity or columns than the first"
            );
            return Err(Error::file(from, reason)
                .advise("a trajectory holds one system; split the file, or write extended XYZ"));
        }
        let number = |key: &str| frame.value(key).and_then(Value::as_real);
        out.write_frame(&FrameData {
            step: number("step").map_or(count as u64, |s| s as u64),
            time_fs: number("time_fs").unwrap_or(count as f64),
            cell: &frame.system.cell,
            positions: &atoms.positions,
            velocities: &atoms.velocities,
            forces: forces.unwrap_or_default(),
            observables: energy.as_slice(),
        })?;
        count += 1;
    }
    match writer {
        Some((out, _)) => out.close().map(|()| count),
        None => Ok(0),
    }
}
