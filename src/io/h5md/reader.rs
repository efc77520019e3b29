//! Reading trajectories: ours, and those of other programs (LAMMPS, GROMACS, MDAnalysis, ...), which leave out units,
//! store the box in other shapes, and sample quantities at strides of their own.

use super::bead_reader::Beads;
use super::driver::{self, Mode};
use super::rows::{Edges, Element3, Observable, slice};
use super::scan::Scan;
use super::store::Store;
use super::text::{attribute, read_all};
use super::{GROUP, sentence, views};
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::system::{Atoms, System};
use hdf5::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// One frame as read; internal units.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Number of the time step.
    pub step: u64,
    /// Time (fs).
    pub time_fs: f64,
    /// Cell, atoms, positions; velocities are zero if the file has none for this frame.
    pub system: System,
    /// Whether the velocities are from the file.
    pub has_velocities: bool,
    /// Forces (eV/Å), if the file has them for this frame.
    pub forces: Option<Vec<[f64; 3]>>,
    /// Numbers in the order of [`TrajectoryReader::observables`], in their own units; NaN if not sampled here.
    pub observables: Vec<f64>,
}

/// A quantity over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its unit as written in the file; may be empty.
    pub unit: String,
    /// Steps at which it was taken.
    pub steps: Vec<u64>,
    /// Times (fs).
    pub times_fs: Vec<f64>,
    /// Values in `unit`.
    pub values: Vec<f64>,
}

/// The length of the file that a view's numbers are in; 0 for a trajectory that holds its own.
fn elsewhere(file: &File, path: &Path) -> u64 {
    let Ok(step) = file.dataset(&format!("{GROUP}/position/step")) else {
        return 0;
    };
    let name = step.filename();
    if Path::new(&name) == path {
        return 0;
    }
    std::fs::metadata(&name).map_or(0, |m| m.len())
}

/// An open trajectory: the frames that were complete when it was opened.
#[derive(Debug)]
pub struct TrajectoryReader {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) species: Vec<Species>,
    pub(super) masses: Vec<f64>,
    pub(super) position: Element3,
    pub(super) velocity: Option<Element3>,
    pub(super) force: Option<Element3>,
    pub(super) image: Option<Element3>,
    pub(super) edges: Edges,
    pub(super) periodic: [bool; 3],
    pub(super) observables: Vec<Observable>,
    pub(super) frames: usize,
    pub(super) notes: Vec<String>,
}

impl TrajectoryReader {
    /// Opens a trajectory. Files that number their species (LAMMPS) are understood if they hold masses.
    pub fn open(path: &Path) -> Result<TrajectoryReader> {
        Self::open_with(path, &[])
    }

    /// Opens a trajectory whose species are numbered 1, 2, ... in the order of `species`.
    pub fn open_with(path: &Path, species: &[Species]) -> Result<TrajectoryReader> {
        let length = match std::fs::metadata(path) {
            Ok(m) if m.is_dir() => {
                return Err(Error::file(
                    path,
                    "this is a folder, a trajectory is needed",
                ));
            }
            Ok(m) => m.len(),
            Err(e) => return Err(Error::reading(path, &e)),
        };
        // Through our own driver: no lock that a network file system may refuse, and no sharing of what an earlier
        // reader of the same file, still open while the file grew, has in its cache.
        let store = Store::view(path).map_err(|e| Error::reading(path, &e))?;
        let file = driver::open_file(
            &Arc::new(Mutex::new(store)),
            &path.to_string_lossy(),
            Mode::View,
        );
        let file = file.map_err(|e| {
            Error::file(
                path,
                format!(
                    "this is not an HDF5 file, or it is damaged ({})",
                    sentence(&e)
                ),
            )
        })?;
        let length = length.saturating_add(elsewhere(&file, path));
        let scan = Scan { path, length };
        views::check_source(&file, &scan)?;
        scan.open(file, species)
    }

    /// Number of complete frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.species.len()
    }

    /// Species of each atom; the masses are those of the file if it has any.
    pub fn species(&self) -> &[Species] {
        &self.species
    }

    /// Step of every frame.
    pub fn steps(&self) -> Vec<u64> {
        (0..self.frames).map(|i| self.step(i)).collect()
    }

    /// Whether the file holds velocities.
    pub fn has_velocities(&self) -> bool {
        self.velocity.is_some()
    }

    /// Whether the file holds forces.
    pub fn has_forces(&self) -> bool {
        self.force.is_some()
    }

    /// Names and units of the numbers that come with the frames.
    pub fn observables(&self) -> Vec<(String, String)> {
        self.observables
            .iter()
            .map(|o| (o.name.clone(), o.unit.clone()))
            .collect()
    }

    /// What had to be assumed about the file, for the user to know.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The texts below `/parameters`.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let Ok(group) = self.file.group("parameters") else {
            return Vec::new();
        };
        let names = group.member_names().unwrap_or_default();
        let text = |name: &String| read_all(&*group.dataset(name).ok()?)?.into_iter().next();
        names
            .iter()
            .filter_map(|name| Some((name.clone(), text(name)?)))
            .collect()
    }

    /// The mark of the run that wrote the file; empty if there is none.
    pub fn run(&self) -> String {
        self.file
            .group("parameters")
            .ok()
            .and_then(|g| attribute(&g, "run"))
            .unwrap_or_default()
    }

    /// The dense time series below `/thermo`.
    pub fn thermo(&self) -> Result<Vec<Series>> {
        let Ok(group) = self.file.group("thermo") else {
            return Ok(Vec::new());
        };
        let scan = Scan {
            path: &self.path,
            length: self.length,
        };
        let mut all = Vec::new();
        for name in group.member_names().unwrap_or_default() {
            let place = format!("thermo/{name}");
            let Ok(element) = group.group(&name) else {
                continue;
            };
            let Ok(set) = element.dataset("value") else {
                continue;
            };
            let values: Vec<f64> = scan.numbers(&set, &place)?;
            let axis = scan.axis(&element, values.len(), &place, &mut Vec::new())?;
            let rows = values.len().min(axis.steps.len());
            all.push(Series {
                unit: attribute(&set, "unit").unwrap_or_default(),
                steps: axis.steps[..rows]
                    .iter()
                    .map(|&s| s.max(0) as u64)
                    .collect(),
                times_fs: (0..rows)
                    .map(|i| axis.times.get(i).copied().unwrap_or(f64::NAN))
                    .collect(),
                values: values[..rows].to_vec(),
                name,
            });
        }
        Ok(all)
    }

    /// The beads of a path integral, if the file holds any.
    pub fn beads(&self) -> Result<Option<Beads>> {
        let scan = Scan {
            path: &self.path,
            length: self.length,
        };
        Beads::find(&self.file, self.atoms(), &scan)
    }

    /// Reads frame `i`, counted from 0.
    pub fn read_frame(&self, i: usize) -> Result<Frame> {
        if i >= self.frames {
            return Err(Error::file(
                &self.path,
                format!("there is no frame {i}; the file has {}", self.frames),
            ));
        }
        let n = self.atoms();
        let step = self
            .position
            .axis
            .as_ref()
            .and_then(|a| a.steps.get(i))
            .copied()
            .unwrap_or(0);
        let scan = Scan {
            path: &self.path,
            length: self.length,
        };
        let mut atoms = Atoms {
            elements: self.species.iter().map(|s| s.element).collect(),
            masses: self.masses.clone(),
            positions: self.position.row(i, n, &scan)?,
            velocities: vec![[0.0; 3]; n],
        };
        let cell = self.edges.cell(self.periodic, i, step, &scan)?;
        if let Some(image) = &self.image
            && let Some(row) = image.find(i, step)
        {
            for (x, shift) in atoms.positions.iter_mut().zip(image.row(row, n, &scan)?) {
                let t = cell.cartesian(shift);
                *x = std::array::from_fn(|k| x[k] + t[k]);
            }
        }
        let mut has_velocities = false;
        if let Some(velocity) = &self.velocity
            && let Some(row) = velocity.find(i, step)
        {
            atoms.velocities = velocity.row(row, n, &scan)?;
            has_velocities = true;
        }
        let forces = match &self.force {
            Some(force) => force
                .find(i, step)
                .map(|row| force.row(row, n, &scan))
                .transpose()?,
            None => None,
        };
        let mut observables = Vec::with_capacity(self.observables.len());
        for o in &self.observables {
            observables.push(match o.axis.find(i, step) {
                Some(row) => {
                    slice::<f64>(&o.set, row, &[]).map_err(|e| scan.unreadable(&o.name, &e))?[0]
                }
                None => f64::NAN,
            });
        }
        Ok(Frame {
            step: self.step(i),
            time_fs: self
                .position
                .axis
                .as_ref()
                .and_then(|a| a.times.get(i))
                .copied()
                .unwrap_or(0.0),
            system: System { cell, atoms },
            has_velocities,
            forces,
            observables,
        })
    }

    fn step(&self, i: usize) -> u64 {
        self.position
            .axis
            .as_ref()
            .and_then(|a| a.steps.get(i))
            .map_or(0, |&s| s.max(0) as u64)
    }
}
