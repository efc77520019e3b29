//! Rows of beads on their way into the file.

use super::bead_sets::BeadSets;
use super::put::{Scratch, put_rows, put_scaled};
use super::writer::Sets;
use super::{BeadData, FORCE_OUT, VELOCITY_OUT};
use hdf5::{Dataset, Result};

/// The datasets of the beads and the small numbers that wait for the next flush.
#[derive(Debug)]
pub(super) struct BeadRows {
    sets: Sets<BeadSets>,
    rows: usize,
    steps: Vec<i64>,
    times: Vec<f64>,
    energies: Vec<f64>,
    edges: Vec<f64>,
}

impl BeadRows {
    pub(super) fn new(sets: BeadSets) -> BeadRows {
        BeadRows {
            sets: Sets(sets),
            rows: 0,
            steps: Vec::new(),
            times: Vec::new(),
            energies: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// Continues behind so many rows.
    pub(super) fn start_at(&mut self, rows: usize) {
        self.rows = rows;
    }

    /// Rows written so far, the waiting ones included.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows whose small numbers are not yet in HDF5.
    pub(super) fn waiting(&self) -> usize {
        self.steps.len()
    }

    /// Adds a row, which has been found to fit.
    pub(super) fn write(
        &mut self,
        row: &BeadData<'_>,
        single: bool,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let sets = &self.sets.0;
        let mut put = |set: &Dataset, beads: &[Vec<[f64; 3]>], factor: f64| {
            let shape = [beads.len(), beads.first().map_or(0, Vec::len), 3];
            let pieces = beads.iter().map(|bead| bead.as_flattened());
            put_scaled(set, self.rows, &shape, pieces, factor, single, scratch)
        };
        put(&sets.position, row.positions, 1.0)?;
        if let Some(set) = &sets.velocity {
            put(set, row.velocities, VELOCITY_OUT)?;
        }
        if let Some(set) = &sets.force {
            put(set, row.forces, FORCE_OUT)?;
        }
        if sets.edges.is_some() {
            self.edges
                .extend_from_slice(row.cell.row_vectors().as_flattened());
        }
        self.steps.push(row.step as i64);
        self.times.push(row.time_fs);
        self.energies.extend_from_slice(row.energies);
        self.rows += 1;
        Ok(())
    }

    /// Writes the waiting numbers into the datasets.
    pub(super) fn hand_over(&self) -> Result<()> {
        let sets = &self.sets.0;
        let waiting = self.steps.len();
        if waiting == 0 {
            return Ok(());
        }
        let first = self.rows - waiting;
        put_rows(&sets.step, first, &[], &self.steps)?;
        put_rows(&sets.time, first, &[], &self.times)?;
        let beads = self.energies.len() / waiting;
        put_rows(&sets.energy, first, &[beads], &self.energies)?;
        match &sets.edges {
            Some(set) => put_rows(set, first, &[3, 3], &self.edges),
            None => Ok(()),
        }
    }

    /// Forgets what has been handed over.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.times.clear();
        self.energies.clear();
        self.edges.clear();
    }
}
