//! Reading the beads of a path integral.

use super::bead_sets;
use super::rows::{Axis, Edges, Element3};
use super::scan::Scan;
use crate::error::{Error, Result};
use crate::system::Cell;
use crate::units::{Dimension, FS};
use hdf5::{Dataset, File, Group, Hyperslab, SliceOrIndex};
use std::ops::Range;
use std::path::PathBuf;

/// The beads of an open trajectory: the rows that were complete when they were looked for.
#[derive(Debug)]
pub struct Beads {
    path: PathBuf,
    length: u64,
    number: usize,
    atoms: usize,
    temperature: Option<f64>,
    rows: usize,
    axis: Axis,
    position: Element3,
    velocity: Option<Element3>,
    force: Option<Element3>,
    energy: Option<Dataset>,
    edges: Edges,
    periodic: [bool; 3],
}

/// One row of beads, or some of its beads, as read; internal units.
#[derive(Clone, Debug)]
pub struct BeadRow {
    /// Number of the time step.
    pub step: u64,
    /// Time (fs).
    pub time_fs: f64,
    /// The cell, the same for all beads.
    pub cell: Cell,
    /// Positions (Å), one list for each bead.
    pub positions: Vec<Vec<[f64; 3]>>,
    /// Velocities, sqrt(eV/amu), if the file has them.
    pub velocities: Option<Vec<Vec<[f64; 3]>>>,
    /// Forces on the beads (eV/Å), if the file has them.
    pub forces: Option<Vec<Vec<[f64; 3]>>>,
    /// Potential energy of each bead (eV), if the file has them.
    pub energies: Option<Vec<f64>>,
}

impl Beads {
    /// Examines `/path_integral` of a file with so many atoms, if it is there.
    pub(super) fn find(file: &File, atoms: usize, scan: &Scan<'_>) -> Result<Option<Beads>> {
        if !file.link_exists(bead_sets::GROUP) {
            return Ok(None);
        }
        let group = file
            .group(bead_sets::GROUP)
            .map_err(|e| scan.unreadable(bead_sets::GROUP, &e))?;
        let mut notes = Vec::new();
        let mut vectors =
            |name: &str, dimension, usual| scan.vectors(&group, name, dimension, usual, &mut notes);
        let position = vectors("position", Dimension::LENGTH, ("Angstrom", 1.0))?
            .ok_or_else(|| scan.bad("`path_integral` holds no positions of beads"))?;
        let velocity = vectors("velocity", Dimension::VELOCITY, ("Angstrom fs-1", 1.0 / FS))?;
        let force_unit = ("kJ mol-1 Angstrom-1", 1.0 / super::FORCE_OUT);
        let force = vectors("force", Dimension::FORCE, force_unit)?;
        let number = count(&group, &position, atoms, scan)?;
        let mut axis = position.axis.clone().unwrap_or_default();
        let mut rows = position.set.shape()[0].min(axis.steps.len());
        for (element, name) in [(&velocity, "velocity"), (&force, "force")] {
            if let Some(element) = element {
                check_shape(element, &[number, atoms, 3], name, scan)?;
                rows = rows.min(element.set.shape()[0]);
            }
        }
        let energy = energies(&group, number, scan)?;
        if let Some(set) = &energy {
            rows = rows.min(set.shape()[0]);
        }
        axis.steps.truncate(rows);
        if !group.link_exists("box") {
            return Err(scan.bad("`path_integral` does not say what the cell of its beads is"));
        }
        let (edges, periodic) = scan.edges(&group, &mut notes)?;
        let temperature = group
            .attr("temperature")
            .and_then(|a| a.read_scalar::<f64>())
            .ok()
            .filter(|t| t.is_finite());
        Ok(Some(Beads {
            path: scan.path.to_path_buf(),
            length: scan.length,
            number,
            atoms,
            temperature,
            rows,
            axis,
            position,
            velocity,
            force,
            energy,
            edges,
            periodic,
        }))
    }

    /// Number of beads P.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Number of atoms of each bead.
    pub fn atoms(&self) -> usize {
        self.atoms
    }

    /// Temperature (K) of the path integral, if the file says it.
    pub fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// Number of complete rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Step of every row.
    pub fn steps(&self) -> Vec<u64> {
        self.axis.steps.iter().map(|&s| s.max(0) as u64).collect()
    }

    /// Whether rows hold velocities.
    pub fn has_velocities(&self) -> bool {
        self.velocity.is_some()
    }

    /// Whether rows hold forces.
    pub fn has_forces(&self) -> bool {
        self.force.is_some()
    }

    /// Reads the beads of a range in row `i`; both are counted from 0.
    pub fn read(&self, i: usize, beads: Range<usize>) -> Result<BeadRow> {
        let scan = Scan {
            path: &self.path,
            length: self.length,
        };
        if i >= self.rows {
            return Err(scan.bad(format!(
                "there is no row {i} of beads; the file has {}",
                self.rows
            )));
        }
        if beads.is_empty() || beads.end > self.number {
            return Err(Error::Bug(format!(
                "beads {beads:?} of {} were asked for",
                self.number
            )));
        }
        let step = self.axis.steps.get(i).copied().unwrap_or(0);
        let vectors = |element: &Element3| self.vectors(element, i, &beads, &scan);
        let energies = self.energy.as_ref().map(|set| {
            let selection = vec![
                SliceOrIndex::from(i..i + 1),
                SliceOrIndex::from(beads.clone()),
            ];
            set.read_slice::<f64, _, ndarray::Ix2>(Hyperslab::new(selection))
                .map(|array| array.into_raw_vec_and_offset().0)
                .map_err(|e| scan.unreadable("path_integral/bead_energy", &e))
        });
        Ok(BeadRow {
            step: step.max(0) as u64,
            time_fs: self.axis.times.get(i).copied().unwrap_or(0.0),
            cell: self.edges.cell(self.periodic, i, step, &scan)?,
            positions: vectors(&self.position)?,
            velocities: self.velocity.as_ref().map(vectors).transpose()?,
            forces: self.force.as_ref().map(vectors).transpose()?,
            energies: energies.transpose()?,
        })
    }

    fn vectors(
        &self,
        element: &Element3,
        row: usize,
        beads: &Range<usize>,
        scan: &Scan<'_>,
    ) -> Result<Vec<Vec<[f64; 3]>>> {
        let selection = vec![
            SliceOrIndex::from(row..row + 1),
            SliceOrIndex::from(beads.clone()),
            SliceOrIndex::from(0..self.atoms),
            SliceOrIndex::from(0..3),
        ];
        let array = element
            .set
            .read_slice::<f64, _, ndarray::Ix4>(Hyperslab::new(selection))
            .map_err(|e| scan.unreadable(&element.set.name(), &e))?;
        let numbers = array.into_raw_vec_and_offset().0;
        Ok(numbers
            .chunks_exact(3 * self.atoms)
            .map(|bead| {
                let (vectors, _) = bead.as_chunks::<3>();
                vectors
                    .iter()
                    .map(|v| v.map(|x| x * element.factor))
                    .collect()
            })
            .collect())
    }
}

/// The number of beads, on which shape and attribute must agree.
fn count(group: &Group, position: &Element3, atoms: usize, scan: &Scan<'_>) -> Result<usize> {
    let shape = position.set.shape();
    let (Some(&number), true) = (shape.get(1), position.axis.is_some()) else {
        return Err(scan.bad("the positions of the beads are not stored row by row"));
    };
    check_shape(position, &[number, atoms, 3], "position", scan)?;
    if number == 0 || atoms == 0 {
        return Err(scan.bad("`path_integral` is there, but it has no beads"));
    }
    scan.plausible(number.saturating_mul(atoms).saturating_mul(12), "beads")?;
    let said = group.attr("beads").and_then(|a| a.read_scalar::<i64>());
    match said {
        Ok(said) if usize::try_from(said).ok() != Some(number) => Err(scan.bad(format!(
            "`path_integral` says that it has {said} beads, but its positions are those of {number}"
        ))),
        _ => Ok(number),
    }
}

fn check_shape(element: &Element3, row: &[usize], name: &str, scan: &Scan<'_>) -> Result<()> {
    let shape = element.set.shape();
    if shape.get(1..) == Some(row) {
        return Ok(());
    }
    Err(scan.bad(format!(
        "`path_integral/{name}` has the shape {shape:?}, not [rows][beads][{}][3]",
        row.get(1).copied().unwrap_or(0)
    )))
}

fn energies(group: &Group, number: usize, scan: &Scan<'_>) -> Result<Option<Dataset>> {
    if !group.link_exists("bead_energy") {
        return Ok(None);
    }
    let set = group
        .dataset("bead_energy/value")
        .map_err(|e| scan.unreadable("path_integral/bead_energy", &e))?;
    if set.shape().get(1..) != Some(&[number][..]) {
        return Err(scan.bad(format!(
            "`path_integral/bead_energy` has the shape {:?}, not [rows][{number}]",
            set.shape()
        )));
    }
    Ok(Some(set))
}
