//! Reading trajectories: ours, and those of other programs (LAMMPS, GROMACS, MDAnalysis, ...), which leave out units,
//! store the box in other shapes, and sample quantities at strides of their own.

use super::driver::{self, Mode};
use super::store::Store;
use super::text::{attribute, read_all};
use super::{GROUP, sentence};
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::system::{Atoms, Cell, System};
use crate::units::{self, Dimension, FS};
use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, File, Group, H5Type, Hyperslab, SliceOrIndex};
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

/// An open trajectory: the frames that were complete when it was opened.
#[derive(Debug)]
pub struct TrajectoryReader {
    path: PathBuf,
    file: File,
    length: u64,
    species: Vec<Species>,
    masses: Vec<f64>,
    position: Element3,
    velocity: Option<Element3>,
    force: Option<Element3>,
    image: Option<Element3>,
    edges: Edges,
    periodic: [bool; 3],
    observables: Vec<Observable>,
    frames: usize,
    notes: Vec<String>,
}

/// Steps and times of the rows of an element.
#[derive(Clone, Debug, Default)]
struct Axis {
    steps: Vec<i64>,
    /// In fs; empty if not stored.
    times: Vec<f64>,
}

/// A dataset [frames][atoms][3] or, without axis, [atoms][3].
#[derive(Debug)]
struct Element3 {
    set: Dataset,
    factor: f64,
    axis: Option<Axis>,
}

#[derive(Debug)]
enum Edges {
    None,
    Fixed([[f64; 3]; 3]),
    Moving {
        set: Dataset,
        factor: f64,
        axis: Option<Axis>,
    },
}

#[derive(Debug)]
struct Observable {
    name: String,
    unit: String,
    set: Dataset,
    axis: Axis,
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
        let scan = Scan { path, length };
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
        let cell = self.cell(i, step, &scan)?;
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

    fn cell(&self, i: usize, step: i64, scan: &Scan<'_>) -> Result<Cell> {
        let rows = match &self.edges {
            Edges::None => return Ok(Cell::isolated()),
            Edges::Fixed(rows) => *rows,
            Edges::Moving { set, factor, axis } => {
                let row = axis.as_ref().map_or(Some(i), |a| a.find(i, step));
                let shape = set.shape();
                let row = row.filter(|&r| r < shape[0]).ok_or_else(|| {
                    Error::file(
                        &self.path,
                        format!("frame {i} has no box: `box/edges` was not stored at step {step}"),
                    )
                })?;
                let numbers = slice::<f64>(set, row, &shape[1..])
                    .map_err(|e| scan.unreadable("box/edges", &e))?;
                box_rows(&numbers, *factor)
            }
        };
        Cell::new(rows, self.periodic)
            .map_err(|e| Error::file(&self.path, format!("frame {i}: {e}")))
    }
}

impl Axis {
    /// The row that was stored at `step`; `hint` is tried first.
    fn find(&self, hint: usize, step: i64) -> Option<usize> {
        if self.steps.get(hint) == Some(&step) {
            return Some(hint);
        }
        self.steps.iter().position(|&s| s == step)
    }
}

impl Element3 {
    fn find(&self, hint: usize, step: i64) -> Option<usize> {
        let rows = if self.axis.is_some() {
            self.set.shape().first().copied().unwrap_or(0)
        } else {
            usize::MAX
        };
        self.axis
            .as_ref()
            .map_or(Some(0), |a| a.find(hint, step))
            .filter(|&r| r < rows)
    }

    /// The vectors of one row, in internal units.
    fn row(&self, row: usize, atoms: usize, scan: &Scan<'_>) -> Result<Vec<[f64; 3]>> {
        let numbers = match &self.axis {
            Some(_) => slice::<f64>(&self.set, row, &[atoms, 3]),
            None => self.set.read_raw::<f64>(),
        };
        let numbers = numbers.map_err(|e| scan.unreadable(&self.set.name(), &e))?;
        if numbers.len() != 3 * atoms {
            return Err(Error::file(
                scan.path,
                format!("`{}` does not have one vector per atom", self.set.name()),
            ));
        }
        Ok(numbers
            .chunks_exact(3)
            .map(|c| [c[0] * self.factor, c[1] * self.factor, c[2] * self.factor])
            .collect())
    }
}

/// Reads one row of a dataset.
fn slice<T: H5Type>(set: &Dataset, row: usize, shape: &[usize]) -> hdf5::Result<Vec<T>> {
    let mut selection = vec![SliceOrIndex::from(row..row + 1)];
    selection.extend(shape.iter().map(|&n| SliceOrIndex::from(0..n)));
    let array = set.read_slice::<T, _, ndarray::IxDyn>(Hyperslab::new(selection))?;
    let numbers = array.into_raw_vec_and_offset().0;
    if numbers.is_empty() {
        Err("an empty row".into())
    } else {
        Ok(numbers)
    }
}

/// Cell vectors from three numbers (a cuboid) or nine (rows).
fn box_rows(numbers: &[f64], factor: f64) -> [[f64; 3]; 3] {
    let at = |a: usize, b: usize| match numbers.len() {
        3 if a == b => numbers[a],
        9 => numbers[3 * a + b],
        _ => 0.0,
    };
    std::array::from_fn(|a| std::array::from_fn(|b| at(a, b) * factor))
}

/// What is needed to examine a file that may hold anything.
struct Scan<'a> {
    path: &'a Path,
    length: u64,
}

impl Scan<'_> {
    fn bad(&self, what: impl Into<String>) -> Error {
        Error::file(self.path, what)
    }

    fn unreadable(&self, what: &str, e: &hdf5::Error) -> Error {
        self.bad(format!(
            "`{what}` cannot be read: the file is damaged ({})",
            sentence(e)
        ))
    }

    fn open(&self, file: File, given: &[Species]) -> Result<TrajectoryReader> {
        let mut notes = Vec::new();
        let group = self.particles(&file)?;
        let position = self.vectors(
            &group,
            "position",
            Dimension::LENGTH,
            ("Angstrom", 1.0),
            &mut notes,
        )?;
        let position =
            position.ok_or_else(|| self.bad("there are no positions in this trajectory"))?;
        let shape = position.set.shape();
        let (rows, atoms) = match (shape.len(), &position.axis) {
            (3, Some(axis)) if shape[2] == 3 => (shape[0].min(axis.steps.len()), shape[1]),
            (2, None) if shape[1] == 3 => (1, shape[0]),
            _ => {
                return Err(self.bad(format!(
                    "the positions have the shape {shape:?}, not [frames][atoms][3]"
                )));
            }
        };
        self.plausible(atoms.saturating_mul(12), "atoms")?;
        let velocity_unit = ("Angstrom fs-1", 1.0 / FS);
        let velocity = self.vectors(
            &group,
            "velocity",
            Dimension::VELOCITY,
            velocity_unit,
            &mut notes,
        )?;
        let force_unit = ("kJ mol-1 Angstrom-1", 1.0 / super::FORCE_OUT);
        let force = self.vectors(&group, "force", Dimension::FORCE, force_unit, &mut notes)?;
        let image = self.vectors(&group, "image", Dimension::NONE, ("", 1.0), &mut notes)?;
        let (edges, periodic) = self.edges(&group, &mut notes)?;
        let (species, masses) = self.species(&file, &group, atoms, given, &mut notes)?;
        let observables = self.observables(&file)?;
        Ok(TrajectoryReader {
            path: self.path.to_path_buf(),
            length: self.length,
            species,
            masses,
            position,
            velocity,
            force,
            image,
            edges,
            periodic,
            observables,
            frames: rows,
            notes,
            file,
        })
    }

    /// A claim of so many bytes is believed only if a file of this length can hold them (deflate gains up to 1032).
    fn plausible(&self, bytes: usize, what: &str) -> Result<()> {
        if bytes as u64 / 1032 > self.length {
            return Err(self.bad(format!(
                "the file is damaged: it is too short for the {what} it claims to hold"
            )));
        }
        Ok(())
    }

    fn particles(&self, file: &File) -> Result<Group> {
        if let Ok(group) = file.group(GROUP) {
            return Ok(group);
        }
        let all = file
            .group("particles")
            .and_then(|p| p.groups())
            .unwrap_or_default();
        let found = all.into_iter().find(|g| g.link_exists("position"));
        found.ok_or_else(|| {
            self.bad("this HDF5 file is not a trajectory: it has no positions below `/particles`")
        })
    }

    fn numbers<T: H5Type>(&self, set: &Dataset, what: &str) -> Result<Vec<T>> {
        self.plausible(set.size().saturating_mul(4), what)?;
        set.read_raw().map_err(|e| self.unreadable(what, &e))
    }

    /// The factor from a stored unit to the internal one; `usual` if none is stored.
    fn factor(
        &self,
        set: &Dataset,
        what: &str,
        dimension: Dimension,
        usual: (&str, f64),
        notes: &mut Vec<String>,
    ) -> Result<f64> {
        if dimension == Dimension::NONE {
            return Ok(1.0);
        }
        let Some(unit) = attribute(set, "unit").filter(|u| !u.is_empty()) else {
            notes.push(format!("`{what}` has no unit; {} is assumed", usual.0));
            return Ok(usual.1);
        };
        match units::parse_unit(&unit) {
            Ok((factor, d)) if d == dimension => Ok(factor),
            Ok((_, d)) => Err(self.bad(format!(
                "`{what}` has the unit `{unit}`, which is {d}; {dimension} is needed"
            ))),
            Err(e) => Err(self.bad(format!(
                "`{what}` has the unit `{unit}`, which is not known: {e}"
            ))),
        }
    }

    fn vectors(
        &self,
        group: &Group,
        name: &str,
        dimension: Dimension,
        usual: (&str, f64),
        notes: &mut Vec<String>,
    ) -> Result<Option<Element3>> {
        if !group.link_exists(name) {
            return Ok(None);
        }
        let (set, axis) = match group.group(name) {
            Ok(element) => {
                let set = element
                    .dataset("value")
                    .map_err(|e| self.unreadable(&format!("{name}/value"), &e))?;
                let rows = set.shape().first().copied().unwrap_or(0);
                let axis = self.axis(&element, rows, name, notes)?;
                (set, Some(axis))
            }
            Err(_) => (
                group.dataset(name).map_err(|e| self.unreadable(name, &e))?,
                None,
            ),
        };
        let factor = self.factor(&set, name, dimension, usual, notes)?;
        Ok(Some(Element3 { set, factor, axis }))
    }

    /// Steps and times of an element with `rows` rows, stored explicitly or as start and increment.
    fn axis(
        &self,
        element: &Group,
        rows: usize,
        what: &str,
        notes: &mut Vec<String>,
    ) -> Result<Axis> {
        self.plausible(rows, what)?;
        let mut axis = Axis::default();
        let Ok(step) = element.dataset("step") else {
            axis.steps = (0..).take(rows).collect();
            notes.push(format!("`{what}` has no steps; its rows are counted"));
            return Ok(axis);
        };
        if step.is_scalar() {
            let increment: i64 = step.read_scalar().map_err(|e| self.unreadable(what, &e))?;
            let offset = step
                .attr("offset")
                .and_then(|a| a.read_scalar::<i64>())
                .unwrap_or(0);
            axis.steps = (0..rows as i64)
                .map(|i| offset.saturating_add(i.saturating_mul(increment)))
                .collect();
        } else {
            axis.steps = self.numbers(&step, what)?;
        }
        if let Ok(time) = element.dataset("time") {
            let usual = ("fs", FS);
            let factor = self.factor(
                &time,
                &format!("{what}/time"),
                Dimension::TIME,
                usual,
                notes,
            )? / FS;
            if time.is_scalar() {
                let increment: f64 = time.read_scalar().map_err(|e| self.unreadable(what, &e))?;
                let offset = time
                    .attr("offset")
                    .and_then(|a| a.read_scalar::<f64>())
                    .unwrap_or(0.0);
                axis.times = (0..rows)
                    .map(|i| (offset + i as f64 * increment) * factor)
                    .collect();
            } else {
                axis.times = self
                    .numbers::<f64>(&time, what)?
                    .iter()
                    .map(|t| t * factor)
                    .collect();
            }
        }
        Ok(axis)
    }

    fn edges(&self, group: &Group, notes: &mut Vec<String>) -> Result<(Edges, [bool; 3])> {
        let Ok(cell) = group.group("box") else {
            notes.push("there is no box; the atoms are taken for isolated".into());
            return Ok((Edges::None, [false; 3]));
        };
        if !cell.link_exists("edges") {
            return Ok((Edges::None, [false; 3]));
        }
        let boundary = cell
            .attr("boundary")
            .ok()
            .and_then(|a| read_all(&a))
            .filter(|b| b.len() == 3);
        let periodic = match boundary {
            Some(words) => [0, 1, 2].map(|k| words[k].eq_ignore_ascii_case("periodic")),
            None => {
                notes.push("the box does not say which directions are periodic; all three are assumed to be".into());
                [true; 3]
            }
        };
        let wrong = |shape: &[usize]| {
            self.bad(format!(
                "`box/edges` has the shape {shape:?}, not [3] or [3][3]"
            ))
        };
        if let Ok(element) = cell.group("edges") {
            let set = element
                .dataset("value")
                .map_err(|e| self.unreadable("box/edges/value", &e))?;
            let shape = set.shape();
            if !matches!(shape[..], [_, 3] | [_, 3, 3]) {
                return Err(wrong(&shape));
            }
            let factor = self.factor(
                &set,
                "box/edges",
                Dimension::LENGTH,
                ("Angstrom", 1.0),
                notes,
            )?;
            let axis = match element.link_exists("step") {
                true => Some(self.axis(&element, shape[0], "box/edges", &mut Vec::new())?),
                false => None,
            };
            return Ok((Edges::Moving { set, factor, axis }, periodic));
        }
        let set = cell
            .dataset("edges")
            .map_err(|e| self.unreadable("box/edges", &e))?;
        if !matches!(set.shape()[..], [3] | [3, 3]) {
            return Err(wrong(&set.shape()));
        }
        let factor = self.factor(
            &set,
            "box/edges",
            Dimension::LENGTH,
            ("Angstrom", 1.0),
            notes,
        )?;
        Ok((
            Edges::Fixed(box_rows(&self.numbers(&set, "box/edges")?, factor)),
            periodic,
        ))
    }

    fn observables(&self, file: &File) -> Result<Vec<Observable>> {
        let mut found = Vec::new();
        let Ok(group) = file.group("observables") else {
            return Ok(found);
        };
        for name in group.member_names().unwrap_or_default() {
            let Ok(element) = group.group(&name) else {
                continue;
            };
            let Ok(set) = element.dataset("value") else {
                continue;
            };
            if set.ndim() != 1 {
                continue;
            }
            let mut axis = self.axis(&element, set.shape()[0], &name, &mut Vec::new())?;
            axis.steps.truncate(set.shape()[0]);
            found.push(Observable {
                unit: attribute(&set, "unit").unwrap_or_default(),
                name,
                set,
                axis,
            });
        }
        Ok(found)
    }

    /// A per-atom constant, or the first row of one that was stored for every frame.
    fn per_atom<T: H5Type>(&self, set: &Dataset, atoms: usize, what: &str) -> Result<Vec<T>> {
        let shape = set.shape();
        let values = match shape[..] {
            [n] if n == atoms => self.numbers(set, what)?,
            [f, n] if n == atoms && f > 0 => {
                slice(set, 0, &[n]).map_err(|e| self.unreadable(what, &e))?
            }
            _ => {
                return Err(self.bad(format!(
                    "`{what}` has the shape {shape:?} for {atoms} atoms"
                )));
            }
        };
        Ok(values)
    }

    fn species(
        &self,
        file: &File,
        group: &Group,
        atoms: usize,
        given: &[Species],
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Species>, Vec<f64>)> {
        let constant = |name: &str| {
            group
                .dataset(name)
                .or_else(|_| group.dataset(&format!("{name}/value")))
                .ok()
        };
        let masses: Option<Vec<f64>> = match constant("mass") {
            Some(set) => Some(self.per_atom(&set, atoms, "mass")?),
            None => None,
        };
        let advice = "name the species of types 1, 2, ... in this order";
        let mut elements: Vec<Option<Element>> = vec![None; atoms];
        if let Some(set) = constant("species") {
            let names = match set.dtype().and_then(|t| t.to_descriptor()) {
                Ok(TypeDescriptor::Enum(e)) => Some(e.members),
                _ => None,
            };
            let numbers = self.per_atom::<i64>(&set, atoms, "species")?;
            let bits = 8 * set.dtype().map_or(8, |t| t.size()).clamp(1, 8) as u32;
            let same = |member: u64, number: i64| (member ^ number as u64) << (64 - bits) == 0;
            let ours = file
                .group("h5md/creator")
                .ok()
                .and_then(|g| attribute(&g, "name"))
                .as_deref()
                == Some("zundel");
            for (i, &number) in numbers.iter().enumerate() {
                elements[i] = if !given.is_empty() {
                    let s = usize::try_from(number)
                        .ok()
                        .and_then(|k| given.get(k.wrapping_sub(1)));
                    let s = s.ok_or_else(|| {
                        self.bad(format!("atom {} has type {number}", i + 1))
                            .advise(advice)
                    })?;
                    Some(s.element)
                } else if let Some(members) = &names {
                    let member = members.iter().find(|m| same(m.value, number));
                    member
                        .and_then(|m| Species::from_name(&m.name))
                        .map(|s| s.element)
                } else if ours {
                    u8::try_from(number).ok().and_then(Element::from_number)
                } else {
                    None
                };
            }
        } else if given.len() == atoms {
            elements = given.iter().map(|s| Some(s.element)).collect();
        }
        if let Some(masses) = &masses
            && elements.contains(&None)
        {
            notes.push(
                "the species are only numbered; the elements were recognised by their masses"
                    .into(),
            );
            for (element, &mass) in elements.iter_mut().zip(masses) {
                *element = element.or_else(|| nearest_element(mass));
            }
        }
        if let Some(i) = elements.iter().position(Option::is_none) {
            return Err(self
                .bad(format!(
                    "the file does not say what element atom {} is",
                    i + 1
                ))
                .advise(advice));
        }
        let elements = elements.into_iter().flatten();
        let masses = masses.unwrap_or_else(|| elements.clone().map(Element::mass).collect());
        let species = elements
            .zip(&masses)
            .map(|(element, &mass)| Species { element, mass })
            .collect();
        Ok((species, masses))
    }
}

/// The element whose natural or isotopic mass is within 0.1 amu, the closest one.
fn nearest_element(mass: f64) -> Option<Element> {
    let distance = |e: &Element| (e.mass() - mass).abs();
    let all = (1..=118).filter_map(Element::from_number);
    let natural = all
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .filter(|e| distance(e) < 0.1);
    natural.or_else(|| {
        let heavy = [("D", 2.014), ("T", 3.016)]
            .into_iter()
            .find(|h| (h.1 - mass).abs() < 0.05)?;
        Species::from_name(heavy.0).map(|s| s.element)
    })
}
