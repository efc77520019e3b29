//! Reading many frames of a trajectory at once, for those who want one quantity of all of them.

use super::reader::TrajectoryReader;
use super::rows::{Axis, Element3};
use super::scan::Scan;
use super::text::attribute;
use crate::error::{Error, Result};
use crate::system::Cell;
use hdf5::{Dataset, Hyperslab, SliceOrIndex};
use std::ops::Range;

impl TrajectoryReader {
    /// Times of all frames (fs); empty when the file does not say them.
    pub fn times_fs(&self) -> &[f64] {
        self.position.axis.as_ref().map_or(&[], |a| &a.times)
    }

    /// Whether positions move continuously: they are not wrapped into the cell, or the file says by how many cells they were.
    pub fn is_unwrapped(&self) -> bool {
        self.image.is_some() || self.creator() == "zundel"
    }

    /// The program that wrote the file, as far as it says.
    pub fn creator(&self) -> String {
        let group = self.file.group("h5md/creator").ok();
        group
            .and_then(|g| attribute(&g, "name"))
            .unwrap_or_default()
    }

    /// Positions (Å) of some frames, one frame after the other.
    pub fn positions(&self, frames: Range<usize>) -> Result<Vec<[f64; 3]>> {
        if self.image.is_some() {
            let mut all = Vec::with_capacity(frames.len() * self.atoms());
            for i in frames {
                all.extend(self.read_frame(i)?.system.atoms.positions);
            }
            return Ok(all);
        }
        self.vectors(&self.position, frames, "positions")
    }

    /// Velocities of some frames in internal units, one frame after the other; `None` when the file has none at all.
    ///
    /// Errors when there are none for one of these frames.
    pub fn velocities(&self, frames: Range<usize>) -> Result<Option<Vec<[f64; 3]>>> {
        let Some(velocity) = &self.velocity else {
            return Ok(None);
        };
        self.vectors(velocity, frames, "velocities").map(Some)
    }

    /// The cells of some frames.
    pub fn cells(&self, frames: Range<usize>) -> Result<Vec<Cell>> {
        let scan = self.scan();
        let of = |i| self.edges.cell(self.periodic, i, self.step_of(i), &scan);
        frames.map(of).collect()
    }

    /// The dipole moment stored with the frames, `observables/dipole` as [frames][3], with its unit.
    ///
    /// `None` when there is none; errors when it has another shape or other steps than the positions.
    pub fn dipoles(&self) -> Result<Option<(Vec<[f64; 3]>, String)>> {
        let Ok(element) = self.file.group("observables/dipole") else {
            return Ok(None);
        };
        let scan = self.scan();
        let set = element
            .dataset("value")
            .map_err(|e| scan.unreadable("observables/dipole", &e))?;
        let shape = set.shape();
        if shape.len() != 2 || shape[1] != 3 {
            return Err(scan.bad(format!(
                "`observables/dipole` has the shape {shape:?}, not [frames][3]"
            )));
        }
        let axis = scan.axis(&element, shape[0], "observables/dipole", &mut Vec::new())?;
        let own = self.position.axis.as_ref().map_or(&[][..], |a| &a.steps);
        let frames = self.frames();
        if shape[0] < frames || axis.steps.get(..frames) != own.get(..frames) {
            return Err(
                scan.bad("the dipole moments are not those of the frames: their steps differ")
            );
        }
        let numbers = scan.numbers::<f64>(&set, "observables/dipole")?;
        let rows = numbers.as_chunks::<3>().0;
        Ok(Some((
            rows[..frames].to_vec(),
            attribute(&set, "unit").unwrap_or_default(),
        )))
    }

    /// Charges of the atoms (e), if the file has them.
    pub fn charges(&self) -> Result<Option<Vec<f64>>> {
        let scan = self.scan();
        let group = scan.particles(&self.file)?;
        let set = group
            .dataset("charge")
            .or_else(|_| group.dataset("charge/value"))
            .ok();
        set.map(|set| scan.per_atom(&set, self.atoms(), "charge"))
            .transpose()
    }

    fn scan(&self) -> Scan<'_> {
        Scan {
            path: &self.path,
            length: self.length,
        }
    }

    fn step_of(&self, i: usize) -> i64 {
        let axis = self.position.axis.as_ref();
        axis.and_then(|a| a.steps.get(i)).copied().unwrap_or(0)
    }

    fn vectors(
        &self,
        element: &Element3,
        frames: Range<usize>,
        what: &str,
    ) -> Result<Vec<[f64; 3]>> {
        if frames.end > self.frames() {
            return Err(Error::Bug(format!(
                "frames {frames:?} of {} were asked for",
                self.frames()
            )));
        }
        let (n, scan) = (self.atoms(), self.scan());
        let rows = element.set.shape().first().copied().unwrap_or(0);
        let own = self.position.axis.as_ref();
        let same = |a: &Axis| {
            let steps = own.and_then(|o| o.steps.get(frames.clone()));
            frames.end <= rows && steps.is_some() && a.steps.get(frames.clone()) == steps
        };
        if element.axis.as_ref().is_some_and(same) {
            return block(&element.set, frames, n, element.factor)
                .map_err(|e| scan.unreadable(&element.set.name(), &e));
        }
        let mut all = Vec::with_capacity(frames.len() * n);
        for i in frames {
            let row = element.find(i, self.step_of(i)).ok_or_else(|| {
                scan.bad(format!("frame {i} has no {what}"))
                    .advise("take only frames that have them, with --stride")
            })?;
            all.extend(element.row(row, n, &scan)?);
        }
        Ok(all)
    }
}

/// Rows of vectors, read as they are stored: HDF5 would convert them one number at a time.
fn block(
    set: &Dataset,
    rows: Range<usize>,
    atoms: usize,
    factor: f64,
) -> hdf5::Result<Vec<[f64; 3]>> {
    let selection = || {
        Hyperslab::new(vec![
            SliceOrIndex::from(rows.clone()),
            SliceOrIndex::from(0..atoms),
            SliceOrIndex::from(0..3),
        ])
    };
    if set.dtype()?.is::<f32>() {
        let array = set.read_slice::<f32, _, ndarray::Ix3>(selection())?;
        let numbers = array.into_raw_vec_and_offset().0;
        let (vectors, _) = numbers.as_chunks::<3>();
        return Ok(vectors
            .iter()
            .map(|v| v.map(|x| f64::from(x) * factor))
            .collect());
    }
    let array = set.read_slice::<f64, _, ndarray::Ix3>(selection())?;
    let numbers = array.into_raw_vec_and_offset().0;
    let (vectors, _) = numbers.as_chunks::<3>();
    Ok(vectors.iter().map(|v| v.map(|x| x * factor)).collect())
}
