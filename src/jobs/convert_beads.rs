//! `zundel convert --beads`: the beads of a path integral instead of its centroid.

use super::convert::{self, Converted};
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::io::h5md::{BeadRow, TrajectoryReader};
use crate::io::{self, Column, ColumnData, Frame, Value};
use crate::system::{Atoms, System};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How the beads go to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeadFiles {
    /// A file for each bead: views if it is to be H5MD, else copies.
    Each,
    /// One file whose frames hold all beads after each other.
    Merged,
}

/// Writes the beads of the trajectory `from`, to `to` or to files named after it (`NAME.bead000.extxyz`, ...).
pub(super) fn run(
    from: &Path,
    to: &Path,
    labels: &[(i64, Species)],
    files: BeadFiles,
) -> Result<Converted> {
    if !io::is_hdf5(from) {
        return Err(Error::file(
            from,
            "only trajectories in H5MD hold the beads of a path integral",
        )
        .advise("give the .h5md file of the run, or leave out --beads"));
    }
    let reader = TrajectoryReader::open(from)?;
    let Some(beads) = reader.beads()? else {
        return Err(
            Error::file(from, "this trajectory holds no beads of a path integral").advise(ADVICE),
        );
    };
    if beads.rows() == 0 {
        return Err(Error::file(
            from,
            "this trajectory has a place for beads, but no row of them yet",
        )
        .advise("let the run get to the first one; its stride is in the deck"));
    }
    let frames = |range: Range<usize>| {
        let (reader, beads) = (&reader, &beads);
        (0..beads.rows()).map(move |i| {
            let row = beads.read(i, range.clone())?;
            let mut frame = match files {
                BeadFiles::Each => one_bead(&row, range.start, reader),
                BeadFiles::Merged => all_beads(&row, reader),
            };
            frame.set_value("step", Value::Integer(row.step as i64));
            frame.set_value("time_fs", Value::Real(row.time_fs));
            convert::label(frame, labels)
        })
    };
    if files == BeadFiles::Merged {
        return Ok(Converted {
            frames: convert::write(frames(0..beads.number()), from, to)?,
            files: vec![to.to_path_buf()],
        });
    }
    let mut done = Converted {
        frames: beads.rows(),
        files: Vec::new(),
    };
    for bead in 0..beads.number() {
        let path = name(to, bead, beads.number());
        if convert::is_trajectory(to) {
            convert::check_differs(from, &path)?;
            reader.write_view(&beads, bead, &path)?;
        } else {
            done.frames = convert::write(frames(bead..bead + 1), from, &path)?;
        }
        done.files.push(path);
    }
    Ok(done)
}

/// What a run's deck must say.
const ADVICE: &str = "a run with `beads = 32` (or another number) below [md] writes them into its trajectory, unless \
     that says `beads = \"none\"`; without --beads the frames are converted";

/// `NAME.bead007.SUFFIX` for `NAME.SUFFIX`, with as many digits as all beads need.
fn name(path: &Path, bead: usize, number: usize) -> PathBuf {
    let digits = (number - 1).to_string().len().max(3);
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".bead{bead:0digits$}"));
    if let Some(suffix) = path.extension() {
        name.push(".");
        name.push(suffix);
    }
    path.with_file_name(name)
}

/// A row's only bead as a frame like those of a classical run.
fn one_bead(row: &BeadRow, bead: usize, reader: &TrajectoryReader) -> Frame {
    let mut frame = copies(row, reader);
    frame.set_value("bead", Value::Integer(bead as i64));
    if let Some([energy]) = row.energies.as_deref() {
        frame.set_value("energy", Value::Real(*energy));
    }
    frame
}

/// All beads of a row after each other, with a column that says which is which.
fn all_beads(row: &BeadRow, reader: &TrajectoryReader) -> Frame {
    let mut frame = copies(row, reader);
    if let Some(energies) = &row.energies {
        frame.set_value("bead_energies", Value::Reals(energies.clone()));
    }
    let number = |(b, atoms): (usize, &Vec<_>)| std::iter::repeat_n(b as i64, atoms.len());
    let each = row.positions.iter().enumerate().flat_map(number);
    frame.set_column(Column {
        name: "bead".to_owned(),
        width: 1,
        data: ColumnData::Integer(each.collect()),
    });
    frame
}

/// The atoms of all beads of a row, with their velocities and forces if there are any.
fn copies(row: &BeadRow, reader: &TrajectoryReader) -> Frame {
    let positions = row.positions.concat();
    let species = || reader.species().iter().cycle().take(positions.len());
    let none = || vec![[0.0; 3]; positions.len()];
    let atoms = Atoms {
        elements: species().map(|s| s.element).collect(),
        masses: species().map(|s| s.mass).collect(),
        velocities: row.velocities.as_ref().map_or_else(none, |v| v.concat()),
        positions,
    };
    let cell = row.cell.clone();
    let mut frame = Frame::from(System { cell, atoms });
    frame.has_velocities = row.velocities.is_some();
    if let Some(forces) = &row.forces {
        frame.set_vectors("forces", &forces.concat());
    }
    frame
}
