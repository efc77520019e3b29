//! Structure files: extended XYZ, plain XYZ, POSCAR, LAMMPS data, MLIP's cfg and sGDML's data sets, read and written.
//!
//! Everything is read into [`Frame`]s: a [`System`](crate::system::System) in internal units (eV, Å, amu) and what else
//! the file said. [`read_frames`] and [`read_frame`] are the short way, [`FrameReader`] streams files of any length.
//! Numbers are written with the shortest digits that read back to the same bits.
//!
//! | format | cell and periodicity | velocities in the file | masses |
//! | --- | --- | --- | --- |
//! | extended XYZ | any | `momenta` in sqrt(eV·amu), as ASE; `velo` and the like in Å/fs | column `masses` |
//! | plain XYZ | isolated | none | from the symbol |
//! | POSCAR | periodic in three directions | Å/fs | from the symbol |
//! | LAMMPS data | periodic in three directions | Å/ps (metal units), Å/fs (real units) | as given |
//! | MLIP cfg | any | none | from the symbol |
//! | sGDML npz | isolated, or periodic in three directions | none | from the symbol |

pub mod atomic;
mod cfg;
pub mod checkpoint;
pub(crate) mod digest;
mod extxyz;
mod format;
mod frame;
pub mod gle;
pub mod h5md;
mod lammps_data;
mod lines;
pub mod npz;
mod poscar;
mod species_labels;
mod value;
mod writing;
mod xyz;

#[cfg(test)]
mod tests;

pub use cfg::TYPES as CFG_TYPES;
pub use format::Format;
pub use frame::{Column, ColumnData, Frame};
pub use lammps_data::LammpsUnits;
pub use poscar::atom_order as poscar_atom_order;
pub use value::Value;
pub use writing::{render_frame, write_frame, write_frames};

use crate::elements::Species;
use crate::error::{Error, Result};
use lines::Lines;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// More atoms than this in one frame are refused.
const MAX_ATOMS: usize = (1 << 31) - 1;

/// How a structure file is to be read; the default fits nearly every file.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format; found from name and content when not given.
    pub format: Option<Format>,
    /// Species of the numbered atom types of a LAMMPS data file, or of the groups of a POSCAR without symbols, in
    /// order. When given, it overrides what the file says.
    pub species: Vec<Species>,
    /// Species of the numbers in a cfg file of MLIP.
    pub labels: Vec<(i64, Species)>,
    /// Units of a LAMMPS data file that does not name them.
    pub lammps_units: LammpsUnits,
}

/// Which frame of a file is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameIndex {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
    /// The n-th, counted from 0.
    Nth(usize),
}

/// Reads a structure file frame by frame; only one frame is in memory at a time.
///
/// After an error the iterator ends.
#[derive(Debug)]
pub struct FrameReader<R = BufReader<File>> {
    lines: Lines<R>,
    format: Format,
    options: ReadOptions,
    ended: bool,
    frames: usize,
    /// The geometries of an archive, which is read at once.
    dataset: Option<npz::Dataset>,
}

impl FrameReader {
    /// Opens a file and recognises its format.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<FrameReader> {
        let file = File::open(path).map_err(|e| Error::reading(path, &e))?;
        let mut source = BufReader::with_capacity(1 << 16, file);
        let head = source.fill_buf().map_err(|e| Error::reading(path, &e))?;
        if !npz::is_zip(head) {
            return Self::new(source, path, options);
        }
        let dataset = npz::Dataset::read(path)?;
        Ok(FrameReader {
            lines: Lines::new(source, path),
            format: Format::SgdmlNpz,
            options: options.clone(),
            ended: false,
            frames: 0,
            dataset: Some(dataset),
        })
    }
}

impl<R: BufRead> FrameReader<R> {
    /// Reads text from any buffered source; `path` is only used to recognise the format by its name and in messages.
    pub fn new(mut source: R, path: &Path, options: &ReadOptions) -> Result<FrameReader<R>> {
        let head = source.fill_buf().map_err(|e| Error::reading(path, &e))?;
        let format = format::of_head(path, head, options.format)?;
        if format == Format::SgdmlNpz {
            return Err(Error::file(path, "an npz archive cannot be read as text"));
        }
        let lines = Lines::new(source, path);
        Ok(FrameReader {
            lines,
            format,
            options: options.clone(),
            ended: false,
            frames: 0,
            dataset: None,
        })
    }

    /// The format of the file.
    pub fn format(&self) -> Format {
        self.format
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        match self.format {
            Format::ExtendedXyz => extxyz::read(&mut self.lines),
            Format::Xyz => xyz::read(&mut self.lines),
            Format::MlipCfg | Format::MlipBinaryCfg => cfg::read(&mut self.lines, &self.options),
            Format::Poscar if self.frames == 0 => {
                poscar::read(&mut self.lines, &self.options).map(Some)
            }
            Format::LammpsData if self.frames == 0 => {
                lammps_data::read(&mut self.lines, &self.options).map(Some)
            }
            Format::Poscar | Format::LammpsData => Ok(None),
            Format::SgdmlNpz => {
                let next = self.dataset.as_ref().filter(|d| self.frames < d.len());
                next.map(|d| d.frame(self.frames)).transpose()
            }
        }
    }

    /// Whether a frame must be read to be passed over.
    fn must_read(&self) -> bool {
        matches!(
            self.format,
            Format::MlipCfg | Format::MlipBinaryCfg | Format::SgdmlNpz
        )
    }

    /// Passes over the next frame without looking at its atoms, as fast as lines are counted; `false` at the end of the file.
    pub fn skip_frame(&mut self) -> Result<bool> {
        if self.format.holds_many() {
            return self.pass_over(None);
        }
        self.next().transpose().map(|frame| frame.is_some())
    }

    /// Passes over the next frame without looking at its atoms; `false` at the end of the file. When `raw` is given
    /// the text of the frame is left in it.
    fn pass_over(&mut self, mut raw: Option<&mut Vec<u8>>) -> Result<bool> {
        if let Some(raw) = raw.as_deref_mut() {
            raw.clear();
        }
        let mut keep = |text: &str| {
            if let Some(raw) = raw.as_deref_mut() {
                raw.extend_from_slice(text.as_bytes());
                raw.push(b'\n');
            }
        };
        if self.must_read() {
            let there = self.read()?.is_some();
            self.frames += usize::from(there);
            return Ok(there);
        }
        let Some(count) = xyz::read_count(&mut self.lines)? else {
            return Ok(false);
        };
        keep(self.lines.text());
        // A file that ends too early is reported when its last frame is parsed, so the end is no error here.
        for _ in 0..=count {
            if !self.lines.advance()? {
                break;
            }
            keep(self.lines.text());
        }
        self.frames += 1;
        Ok(true)
    }

    /// Reads up to the last frame and parses only that one.
    fn last(mut self) -> Result<Option<Frame>> {
        if !self.format.holds_many() {
            return self.next().transpose();
        }
        if self.must_read() {
            let mut last = None;
            for frame in self {
                last = Some(frame?);
            }
            return Ok(last);
        }
        let (mut current, mut latest) = (Vec::new(), Vec::new());
        let mut start = 0;
        while self.pass_over(Some(&mut current))? {
            start = self.lines.number() - current.iter().filter(|&&b| b == b'\n').count();
            std::mem::swap(&mut current, &mut latest);
        }
        if self.frames == 0 {
            return Ok(None);
        }
        let lines = Lines::from_line(latest.as_slice(), self.lines.path(), start);
        FrameReader {
            lines,
            format: self.format,
            options: self.options,
            ended: false,
            frames: 0,
            dataset: None,
        }
        .read()
    }
}

impl<R: BufRead> Iterator for FrameReader<R> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        if self.ended {
            return None;
        }
        let item = self.read().transpose();
        match &item {
            Some(Ok(_)) => self.frames += 1,
            Some(Err(_)) | None => self.ended = true,
        }
        item
    }
}

/// Reads all frames of a file. A file without any is an error.
pub fn read_frames(path: &Path, options: &ReadOptions) -> Result<Vec<Frame>> {
    let frames = FrameReader::open(path, options)?.collect::<Result<Vec<Frame>>>()?;
    if frames.is_empty() {
        Err(no_frame(path))
    } else {
        Ok(frames)
    }
}

/// Reads one frame of a file. POSCAR and LAMMPS data files have exactly one.
pub fn read_frame(path: &Path, index: FrameIndex, options: &ReadOptions) -> Result<Frame> {
    let mut reader = FrameReader::open(path, options)?;
    let wanted = match index {
        FrameIndex::Last => return reader.last()?.ok_or_else(|| no_frame(path)),
        FrameIndex::First => 0,
        FrameIndex::Nth(n) => n,
    };
    if reader.format.holds_many() {
        while reader.frames < wanted && reader.pass_over(None)? {}
    }
    let frame = if reader.frames == wanted {
        reader.next().transpose()?
    } else {
        None
    };
    let there = if reader.format.holds_many() {
        reader.frames
    } else {
        1
    };
    frame.ok_or_else(|| match there {
        0 => no_frame(path),
        n => Error::file(
            path,
            format!("frame {wanted} is wanted, but the file has {n} (counted from 0)"),
        )
        .advise(format!("choose a frame from 0 to {}", n - 1)),
    })
}

fn no_frame(path: &Path) -> Error {
    Error::file(path, "the file holds no structure").advise("check that it was written completely")
}

/// The first bytes of a file; none when it cannot be read.
fn first_bytes<const N: usize>(path: &Path) -> Option<[u8; N]> {
    use std::io::Read;
    let mut head = [0; N];
    File::open(path)
        .and_then(|mut f| f.read_exact(&mut head))
        .ok()
        .map(|()| head)
}

/// Whether a file is HDF5, by its signature.
pub fn is_hdf5(path: &Path) -> bool {
    first_bytes::<8>(path) == Some(*b"\x89HDF\r\n\x1a\n")
}
