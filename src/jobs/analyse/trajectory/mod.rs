//! One way to read the frames of any trajectory: H5MD of ours or others, extended XYZ, XYZ and what else holds many frames.
//! Only a few frames are in memory at a time, and a file can be read as often as is needed.

mod open;
mod times;
mod visit;

pub(super) use open::charges_of_file;
pub(super) use visit::{Needs, Snapshot};

use super::options::Options;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::h5md::TrajectoryReader;
use crate::io::{self, ReadOptions};
use crate::system::Cell;
use std::path::{Path, PathBuf};
use times::Clock;

/// A trajectory whose frames are counted, and which of them are wanted.
pub(super) struct Trajectory {
    pub path: PathBuf,
    source: Source,
    /// Frames in the file.
    pub frames: usize,
    pub elements: Vec<Element>,
    pub masses: Vec<f64>,
    /// The cell of the first frame.
    pub cell: Cell,
    pub has_velocities: bool,
    pub has_dipole: bool,
    /// Charges of the atoms (e), if the file has them.
    pub charges: Option<Vec<f64>>,
    /// Whether atoms move continuously in the file.
    unwrapped: bool,
    clock: Clock,
    /// The first frame that is wanted, how many, and their distance.
    pub first: usize,
    pub number: usize,
    pub stride: usize,
    pub notes: Vec<String>,
}

enum Source {
    H5md(Box<TrajectoryReader>, Option<Vec<[f64; 3]>>),
    Text(ReadOptions),
}

impl Trajectory {
    /// Looks into a file and chooses the frames of the options.
    pub fn open(path: &Path, options: &Options) -> Result<Trajectory> {
        let mut t = match io::is_hdf5(path) {
            true => Self::h5md(path)?,
            false => Self::text(path)?,
        };
        if let Some(dt) = options.timestep {
            t.note_timestep(dt);
            t.clock = Clock::Even(0.0, dt);
        }
        t.choose(options)?;
        Ok(t)
    }

    /// Words about what was read.
    pub fn describe(&self) -> String {
        let n = self.elements.len();
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let which = match self.number == self.frames {
            true => format!("{} frame{}", self.frames, plural(self.frames)),
            false => format!("{} of {} frames", self.number, self.frames),
        };
        let last = self.first + (self.number - 1) * self.stride;
        let when = match (self.time(self.first), self.time(last)) {
            (Some(a), Some(b)) if self.number > 1 => {
                let step = (b - a) / (self.number - 1) as f64;
                format!(
                    ", {} to {} ps, {} fs apart",
                    short(1e-3 * a),
                    short(1e-3 * b),
                    short(step)
                )
            }
            _ => String::new(),
        };
        format!(
            "{}: {which} of {n} atom{}{when}",
            self.path.display(),
            plural(n)
        )
    }

    /// The texts that the program stored with a trajectory of its own.
    pub fn parameters(&self) -> Vec<(String, String)> {
        match &self.source {
            Source::H5md(reader, _) => reader.parameters(),
            Source::Text(_) => Vec::new(),
        }
    }

    /// The reader of an H5MD file.
    pub fn reader(&self) -> Option<&TrajectoryReader> {
        match &self.source {
            Source::H5md(reader, _) => Some(reader),
            Source::Text(_) => None,
        }
    }

    /// The beads of all wanted times, for what depends on positions only. The number of rows, and a loop over them.
    pub fn bead_rows(&self) -> Result<Vec<usize>> {
        let reader = self.reader();
        let Some(beads) = reader.map(TrajectoryReader::beads).transpose()?.flatten() else {
            return Err(
                Error::file(&self.path, "the file holds no beads of a path integral")
                    .advise("beads are stored when the deck has `[output] beads = { ... }`"),
            );
        };
        let step = |k: usize| reader.and_then(|r| r.steps().get(k).copied());
        let last = self.first + (self.number - 1) * self.stride;
        let (Some(a), Some(b)) = (step(self.first), step(last)) else {
            return Ok(Vec::new());
        };
        let steps = beads.steps();
        let inside =
            (0..beads.rows()).filter(|&r| steps.get(r).is_some_and(|s| (a..=b).contains(s)));
        Ok(inside.collect())
    }
}

/// A number with as many digits as it needs.
pub(super) fn short(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
