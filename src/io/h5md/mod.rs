//! Trajectories in H5MD 1.1 (de Buyl, Colberg, Höfling, Comput. Phys. Commun. 185, 1546, 2014), in a layout that
//! MDAnalysis, h5py and VMD open as it is, and that stays readable whatever happens to the process that writes it.
//!
//! ```text
//! /h5md                            version, author, creator, units module
//! /particles/trajectory            species, mass, id; box; position, velocity, force with step and time
//! /observables/NAME                numbers sampled with the frames
//! /thermo/NAME                     dense time series at a stride of their own
//! /averages/NAME                   averages with their errors, when the run has ended
//! /path_integral                   the beads of a path integral, at a stride of their own; the frames are the centroid
//! /parameters/NAME                 how the run was made: deck, seed, versions, model files
//! ```
//!
//! Positions are in Å and not wrapped, velocities in Å/fs, forces in kJ/mol/Å (the only force unit that both MDAnalysis
//! and the H5MD grammar know), times in fs. [`TrajectoryWriter`] writes, [`TrajectoryReader`] reads these and other
//! programs' files. The HDF5 library used is not thread-safe; the `hdf5` crate makes its calls one after the other.

mod append;
mod bead_reader;
mod bead_rows;
mod bead_sets;
mod beads;
mod driver;
mod layout;
mod put;
mod ranges;
mod reader;
mod rows;
mod scan;
mod store;
mod text;
mod views;
mod virtual_part;
mod write_lock;
mod writer;

#[cfg(test)]
mod bead_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod foreign_tests;
#[cfg(all(test, unix))]
mod process_tests;
#[cfg(test)]
mod python_tests;
#[cfg(test)]
mod tests;

pub use bead_reader::{BeadRow, Beads};
pub use beads::{BeadData, BeadOptions};
pub use reader::{Frame, Series, TrajectoryReader};
pub use writer::TrajectoryWriter;

use crate::elements::Element;
use crate::error::{Error, Result};
use crate::system::Cell;
use crate::units::{EV_IN_KJ_MOL, TIME_FS};
use std::path::{Path, PathBuf};

/// What a trajectory holds; fixed when the file is made.
#[derive(Clone, Debug, Default)]
pub struct TrajectoryOptions {
    /// The file, usually `NAME.h5md`.
    pub path: PathBuf,
    /// Element of each atom.
    pub elements: Vec<Element>,
    /// Mass of each atom (amu).
    pub masses: Vec<f64>,
    /// Periodic directions. With none, no box is stored.
    pub periodic: [bool; 3],
    /// Positions, velocities and forces in single precision: half the size, 7 digits.
    pub single: bool,
    /// Whether frames hold velocities.
    pub velocities: bool,
    /// Whether frames hold forces.
    pub forces: bool,
    /// 0 for none, 1 to 9 for shuffle and deflate of positions, velocities and forces.
    pub compression: u8,
    /// Names and units of the numbers that come with each frame (unit empty for a pure number).
    pub observables: Vec<(String, String)>,
    /// Names and units of the numbers that come with [`TrajectoryWriter::write_thermo`].
    pub thermo: Vec<(String, String)>,
    /// Names and units of the quantities that [`TrajectoryWriter::write_averages`] gives.
    pub averages: Vec<(String, String)>,
    /// Names and texts for `/parameters`.
    pub parameters: Vec<(String, String)>,
    /// The beads of a path integral; the frames are then those of the centroid.
    pub beads: Option<BeadOptions>,
    /// Identifies the run: a file is continued only by the run that began it. Empty when nothing is to be checked.
    pub run: String,
}

/// What to do when the file is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// An error.
    Refuse,
    /// The new file takes its place when its first frame is written.
    Replace,
}

/// One frame to be written; internal units.
#[derive(Clone, Copy, Debug)]
pub struct FrameData<'a> {
    /// Number of the time step.
    pub step: u64,
    /// Time since step 0 (fs).
    pub time_fs: f64,
    /// The cell.
    pub cell: &'a Cell,
    /// Positions (Å), one per atom.
    pub positions: &'a [[f64; 3]],
    /// Velocities, sqrt(eV/amu); may be empty if the file holds none.
    pub velocities: &'a [[f64; 3]],
    /// Forces, eV/Å; may be empty if the file holds none.
    pub forces: &'a [[f64; 3]],
    /// In the order of [`TrajectoryOptions::observables`], in the units stated there.
    pub observables: &'a [f64],
}

/// Internal velocities to Å/fs.
const VELOCITY_OUT: f64 = 1.0 / TIME_FS;
/// Internal forces to kJ/mol/Å.
const FORCE_OUT: f64 = EV_IN_KJ_MOL;
/// The group that readers take for the trajectory.
const GROUP: &str = "particles/trajectory";

impl TrajectoryOptions {
    /// Refuses what no file can hold. These are errors of the caller, not of the user.
    fn check(&self) -> Result<()> {
        let bug = |what: String| Err(Error::Bug(format!("trajectory options: {what}")));
        if self.elements.is_empty() || self.elements.len() != self.masses.len() {
            return bug(format!(
                "{} elements and {} masses",
                self.elements.len(),
                self.masses.len()
            ));
        }
        if self.compression > 9 {
            return bug(format!("compression level {}", self.compression));
        }
        if let Some(b) = &self.beads
            && (b.beads == 0 || !(b.temperature.is_finite() && b.temperature > 0.0))
        {
            return bug(format!("{} beads at {} K", b.beads, b.temperature));
        }
        for list in [
            &self.observables,
            &self.thermo,
            &self.averages,
            &self.parameters,
        ] {
            for (i, (name, _)) in list.iter().enumerate() {
                let plain = !name.is_empty() && name != "." && !name.contains(['/', '\0']);
                if !plain || list[..i].iter().any(|other| other.0 == *name) {
                    return bug(format!("the name `{name}` cannot be used or is used twice"));
                }
            }
        }
        Ok(())
    }
}

/// The error of a failed HDF5 call while writing: the system's words if it was the system, else HDF5's.
fn write_error(path: &Path, failure: Option<&str>, hdf5: &str) -> Error {
    Error::environment("cannot write the trajectory", path, failure.unwrap_or(hdf5))
}

/// HDF5's error in one line: the innermost call says most.
fn sentence(e: &hdf5::Error) -> String {
    match e
        .stack()
        .and_then(|s| s.last().map(|f| f.desc().to_owned()))
    {
        Some(text) if !text.is_empty() => format!("HDF5 says: {text}"),
        _ => format!("HDF5 says: {e}"),
    }
}
