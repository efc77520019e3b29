//! `zundel convert`: between structure formats and trajectories.

use crate::error::{Error, Result};
use crate::io::h5md::{Existing, FrameData, TrajectoryOptions, TrajectoryReader, TrajectoryWriter};
use crate::io::{self, Format, Frame, FrameReader, ReadOptions, Value};
use std::path::Path;

/// Reads all frames of `from` and writes them to `to`, formats by name and content. Returns the number of frames.
///
/// Formats with one frame (POSCAR, LAMMPS data) get the last.
pub fn run(from: &Path, to: &Path) -> Result<usize> {
    let hdf5_out = is_h5md_name(to);
    if io::is_hdf5(from) {
        let reader = TrajectoryReader::open(from)?;
        let frames = (0..reader.frames()).map(|i| trajectory_frame(&reader, i));
        return if hdf5_out {
            to_h5md(frames, to)
        } else {
            to_text(frames, to)
        };
    }
    let frames = FrameReader::open(from, &ReadOptions::default())?;
    if hdf5_out {
        to_h5md(frames, to)
    } else {
        to_text(frames, to)
    }
}

fn is_h5md_name(path: &Path) -> bool {
    path.extension().is_some_and(|e| {
        ["h5md", "h5", "hdf5"]
            .iter()
            .any(|x| e.eq_ignore_ascii_case(x))
    })
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
    let frames = frames.collect::<Result<Vec<Frame>>>()?;
    let Some(last) = frames.last() else {
        return Err(Error::file(to, "there is no frame to write"));
    };
    if format.holds_many() {
        io::write_frames(to, &frames, format)?;
        Ok(frames.len())
    } else {
        io::write_frames(to, [last], format)?;
        Ok(1)
    }
}

fn to_h5md(frames: impl Iterator<Item = Result<Frame>>, to: &Path) -> Result<usize> {
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
                TrajectoryWriter::create(options.clone(), Existing::Refuse)?,
                options,
            ));
        }
        let Some((out, options)) = &mut writer else {
            continue;
        };
        let complete = (!options.forces || forces.is_some())
            && (options.observables.is_empty() || energy.is_some());
        if atoms.elements != options.elements
            || frame.system.cell.periodic() != options.periodic
            || !complete
        {
            return Err(Error::file(
                to,
                format!("frame {count} has other atoms, periodicity or columns than the first"),
            )
            .advise("a trajectory holds one system; split the file, or write extended XYZ"));
        }
        let number = |key: &str| frame.value(key).and_then(Value::as_real);
        out.write_frame(&FrameData {
            step: number("step").map_or(count as u64, |s| s as u64),
            time_fs: number("time_fs").unwrap_or(count as f64),
            cell: &frame.system.cell,
            positions: &atoms.positions,
            velocities: &atoms.velocities,
            forces: forces.as_deref().unwrap_or_default(),
            observables: energy.as_slice(),
        })?;
        count += 1;
    }
    match writer {
        Some((out, _)) => out.close().map(|()| count),
        None => Err(Error::file(to, "there is no frame to write")),
    }
}
