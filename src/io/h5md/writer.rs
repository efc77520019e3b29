//! Writing trajectories.

use super::bead_rows::BeadRows;
use super::bead_sets::{self, BeadSets};
use super::driver::{self, Mode, Shared, lock};
use super::layout::{self, FrameSets, ThermoSets};
use super::put::{Numbers, Scratch, put_rows, put_vectors};
use super::store::{Direction, Store};
use super::write_lock::WriteLock;
use super::{
    BeadData, Existing, FORCE_OUT, FrameData, TrajectoryOptions, VELOCITY_OUT, sentence,
    write_error,
};
use crate::error::{Error, Result};
use crate::io::atomic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Writes a trajectory.
///
/// Frames reach readers with [`flush`](Self::flush): from then on they are in the file whatever happens to this
/// process. [`sync`](Self::sync) makes them survive a power cut too (call it before a checkpoint that relies on them).
/// At any moment the file opens in any HDF5 program, also while it is being written.
///
/// After an error nothing more is written; what was flushed before stays readable. Dropping the writer without
/// [`close`](Self::close) discards what was not flushed.
#[derive(Debug)]
pub struct TrajectoryWriter {
    pub(super) options: TrajectoryOptions,
    /// Where the file is until it holds something to read; then none.
    unpublished: Option<PathBuf>,
    frames: usize,
    thermo_rows: usize,
    last_step: Option<u64>,
    /// Numbers that come with frames and thermo rows, kept until the next flush.
    frame_numbers: Numbers,
    thermo_numbers: Numbers,
    edges: Vec<f64>,
    scratch: Scratch,
    failure: Option<String>,
    // Closed in this order.
    frame_sets: Sets<FrameSets>,
    thermo_sets: Sets<Option<ThermoSets>>,
    beads: Option<BeadRows>,
    file: Option<hdf5::File>,
    pub(super) store: Shared,
    lock: WriteLock,
}

/// Handed to HDF5 at the latest when so many rows wait.
pub(super) const WAITING_ROWS: usize = 4096;

/// HDF5 handles do not implement `Debug` usefully.
pub(super) struct Sets<T>(pub(super) T);

impl<T> std::fmt::Debug for Sets<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("datasets")
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("store")
    }
}

impl TrajectoryWriter {
    /// Starts a new file. It appears under its name, complete with its first frame, at the first flush (without any at
    /// the first [`sync`](Self::sync)).
    pub fn create(options: TrajectoryOptions, existing: Existing) -> Result<TrajectoryWriter> {
        options.check()?;
        let path = options.path.clone();
        if path.exists() {
            if existing == Existing::Refuse {
                return Err(
                    Error::file(&path, "this trajectory is already there").advise(
                        "resume the run that wrote it, name another file, or move this one away",
                    ),
                );
            }
            if !path.is_file() {
                return Err(Error::environment(
                    "cannot write the trajectory",
                    &path,
                    "this is not a regular file",
                ));
            }
        }
        let lock_file = WriteLock::take(&path)?;
        let unpublished = atomic::temporary_name(&path);
        let store = Store::create(&unpublished).map_err(|e| {
            Error::environment("cannot write the trajectory", &path, atomic::describe(&e))
        })?;
        let store = Arc::new(Mutex::new(store));
        let built = build(&store, &options, &path);
        let parts = match built {
            Ok(parts) => parts,
            Err(e) => {
                let reason = lock(&store).failure().map(str::to_owned);
                // Nothing was reported written yet: the half-made file goes.
                let _ = std::fs::remove_file(&unpublished);
                return Err(write_error(&path, reason.as_deref(), &sentence(&e)));
            }
        };
        Ok(Self::assemble(
            options,
            Some(unpublished),
            parts,
            store,
            lock_file,
        ))
    }

    /// Continues the file of a run that stopped: everything after `last_step` is cut off first.
    ///
    /// Refuses a file of another run or with other contents.
    pub fn append(options: TrajectoryOptions, last_step: u64) -> Result<TrajectoryWriter> {
        options.check()?;
        let lock_file = WriteLock::take(&options.path)?;
        let opened = super::append::open(&options, last_step)?;
        let mut writer = Self::assemble(options, None, opened.parts, opened.store, lock_file);
        writer.frames = opened.frames;
        writer.thermo_rows = opened.thermo_rows;
        writer.last_step = opened.last_step;
        if let Some(beads) = &mut writer.beads {
            beads.start_at(opened.bead_rows);
        }
        Ok(writer)
    }

    fn assemble(
        options: TrajectoryOptions,
        unpublished: Option<PathBuf>,
        parts: Parts,
        store: Shared,
        lock: WriteLock,
    ) -> TrajectoryWriter {
        TrajectoryWriter {
            frame_numbers: Numbers::of(options.observables.len()),
            thermo_numbers: Numbers::of(options.thermo.len()),
            beads: parts.beads.map(BeadRows::new),
            options,
            unpublished,
            frames: 0,
            thermo_rows: 0,
            last_step: None,
            edges: Vec::new(),
            scratch: Scratch::default(),
            failure: None,
            frame_sets: Sets(parts.frames),
            thermo_sets: Sets(parts.thermo),
            file: Some(parts.file),
            store,
            lock,
        }
    }

    /// Number of frames written so far, including those that were in the file.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Number of rows of beads written so far, including those that were in the file.
    pub fn bead_rows(&self) -> usize {
        self.beads.as_ref().map_or(0, BeadRows::rows)
    }

    /// What is stored of beads.
    pub fn bead_options(&self) -> Option<&super::BeadOptions> {
        self.options.beads.as_ref()
    }

    /// Step of the last frame.
    pub fn last_step(&self) -> Option<u64> {
        self.last_step
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    /// Adds a frame.
    pub fn write_frame(&mut self, frame: &FrameData<'_>) -> Result<()> {
        self.usable()?;
        let n = self.options.elements.len();
        let count = |wanted: bool, got: usize| !wanted || got == n;
        if frame.positions.len() != n
            || !count(self.options.velocities, frame.velocities.len())
            || !count(self.options.forces, frame.forces.len())
            || frame.observables.len() != self.options.observables.len()
        {
            return Err(Error::Bug(
                "a frame does not have the atoms or observables of its trajectory".into(),
            ));
        }
        let row = self.frames;
        let sets = &self.frame_sets.0;
        let (single, scratch) = (self.options.single, &mut self.scratch);
        let written = put_vectors(&sets.position, row, frame.positions, 1.0, single, scratch)
            .and_then(|()| match &sets.velocity {
                Some(set) => put_vectors(set, row, frame.velocities, VELOCITY_OUT, single, scratch),
                None => Ok(()),
            })
            .and_then(|()| match &sets.force {
                Some(set) => put_vectors(set, row, frame.forces, FORCE_OUT, single, scratch),
                None => Ok(()),
            });
        self.check(written)?;
        if self.frame_sets.0.edges.is_some() {
            self.edges
                .extend_from_slice(frame.cell.row_vectors().as_flattened());
        }
        self.frame_numbers
            .push(frame.step, frame.time_fs, frame.observables);
        self.frames += 1;
        self.last_step = Some(frame.step);
        if self.frame_numbers.len() >= WAITING_ROWS {
            self.hand_over()
        } else {
            Ok(())
        }
    }

    /// Adds a row of beads, at a stride of its own: with a frame, between frames, or where no frame is ever written.
    ///
    /// Like a frame it appears in the file as a whole, with the next [`flush`](Self::flush).
    pub fn write_beads(&mut self, row: &BeadData<'_>) -> Result<()> {
        self.usable()?;
        let (Some(beads), Some(o)) = (&mut self.beads, &self.options.beads) else {
            return Err(Error::Bug(
                "a row of beads for a trajectory without beads".into(),
            ));
        };
        let atoms = self.options.elements.len();
        if !row.fits(o, atoms) {
            return Err(Error::Bug(
                "a row of beads does not have the beads or atoms of its trajectory".into(),
            ));
        }
        let written = beads.write(row, self.options.single, &mut self.scratch);
        let full = beads.waiting() >= WAITING_ROWS;
        self.check(written)?;
        if full { self.hand_over() } else { Ok(()) }
    }

    /// Adds a row to the dense time series; `values` in the order of [`TrajectoryOptions::thermo`].
    pub fn write_thermo(&mut self, step: u64, time_fs: f64, values: &[f64]) -> Result<()> {
        self.usable()?;
        if values.len() != self.options.thermo.len() {
            return Err(Error::Bug(
                "a row of the time series has the wrong number of values".into(),
            ));
        }
        if values.is_empty() {
            return Ok(());
        }
        self.thermo_numbers.push(step, time_fs, values);
        self.thermo_rows += 1;
        if self.thermo_numbers.len() >= WAITING_ROWS {
            self.hand_over()
        } else {
            Ok(())
        }
    }

    /// Writes averages, in the order of [`TrajectoryOptions::averages`], over those that were there: mean, standard error,
    /// standard deviation, correlation time (fs) and number of independent samples, not-a-number where one is not known;
    /// and the times (fs) of the first and the last row that they are made from.
    pub fn write_averages(&mut self, rows: &[[f64; 5]], times_fs: [f64; 2]) -> Result<()> {
        self.usable()?;
        if rows.len() != self.options.averages.len() {
            return Err(Error::Bug(
                "the averages are not those of their trajectory".into(),
            ));
        }
        let Some(file) = self.file.as_ref().filter(|_| !rows.is_empty()) else {
            return Ok(());
        };
        let written = layout::write_averages(file, &self.options.averages, rows, times_fs);
        self.check(written)
    }

    /// Makes everything written so far part of the file, proof against the death of this process at any moment.
    pub fn flush(&mut self) -> Result<()> {
        self.commit(false)
    }

    /// As [`flush`](Self::flush), and waits until the disk has it: proof against a power cut.
    pub fn sync(&mut self) -> Result<()> {
        self.commit(true)
    }

    /// Flushes, waits for the disk and closes the file.
    pub fn close(mut self) -> Result<()> {
        self.commit(true)?;
        self.publish()
    }

    fn commit(&mut self, durable: bool) -> Result<()> {
        self.usable()?;
        self.hand_over()?;
        let flushed = self.file.as_ref().map_or(Ok(()), hdf5::File::flush);
        self.check(flushed)?;
        let mut store = lock(&self.store);
        let committed = store.commit(Direction::Growing, durable);
        #[cfg(test)]
        if committed.is_ok() {
            let (frames, beads) = (self.frames, self.bead_rows());
            store.record(|| super::store::Event::Reported {
                frames,
                beads,
                durable,
            });
        }
        drop(store);
        if let Err(reason) = committed {
            self.failure = Some(reason);
            return self.usable();
        }
        if durable || self.frames + self.thermo_rows + self.bead_rows() > 0 {
            self.publish()
        } else {
            Ok(())
        }
    }

    /// Gives the file its name.
    fn publish(&mut self) -> Result<()> {
        let Some(from) = self.unpublished.take() else {
            return Ok(());
        };
        let path = &self.options.path;
        atomic::rename(&from, path).map_err(|e| {
            Error::environment("cannot write the trajectory", path, atomic::describe(&e))
        })
    }

    /// Writes the waiting numbers into the datasets.
    fn hand_over(&mut self) -> Result<()> {
        let sets = &self.frame_sets.0;
        let first = self.frames - self.frame_numbers.len();
        let mut written =
            self.frame_numbers
                .write(&sets.step, &sets.time, &sets.observables, first);
        if let (Ok(()), Some(set)) = (&written, &sets.edges) {
            written = put_rows(set, first, &[3, 3], &self.edges);
        }
        if let (Ok(()), Some(sets)) = (&written, &self.thermo_sets.0) {
            let first = self.thermo_rows - self.thermo_numbers.len();
            written = self
                .thermo_numbers
                .write(&sets.step, &sets.time, &sets.values, first);
        }
        if let (Ok(()), Some(beads)) = (&written, &self.beads) {
            written = beads.hand_over();
        }
        self.check(written)?;
        self.edges.clear();
        self.frame_numbers.clear();
        self.thermo_numbers.clear();
        if let Some(beads) = &mut self.beads {
            beads.clear();
        }
        Ok(())
    }

    fn usable(&self) -> Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(reason) => Err(write_error(&self.options.path, Some(reason), "")),
        }
    }

    fn check(&mut self, done: hdf5::Result<()>) -> Result<()> {
        let failure = lock(&self.store).failure().map(str::to_owned);
        if let Err(e) = done {
            self.failure = Some(failure.unwrap_or_else(|| sentence(&e)));
        } else {
            self.failure = failure;
        }
        self.usable()
    }
}

impl Drop for TrajectoryWriter {
    fn drop(&mut self) {
        if self.file.take().is_some() && !std::thread::panicking() {
            lock(&self.store).trim();
        }
        if let Some(nothing) = &self.unpublished {
            let _ = std::fs::remove_file(nothing);
        }
        self.lock.release();
    }
}

/// An open file with its datasets.
pub(super) struct Parts {
    pub(super) frames: FrameSets,
    pub(super) thermo: Option<ThermoSets>,
    pub(super) beads: Option<BeadSets>,
    // Closed last.
    pub(super) file: hdf5::File,
}

/// Makes all groups and datasets of a new file and commits them.
fn build(store: &Shared, options: &TrajectoryOptions, path: &Path) -> hdf5::Result<Parts> {
    let file = driver::open_file(store, &path.to_string_lossy(), Mode::Create)?;
    layout::create_groups(&file, options)?;
    layout::create_constants(&file, options)?;
    // What grows lies together, in pages of its own.
    lock(store).fresh_header_page();
    let frames = layout::create_frames(&file, options)?;
    let thermo = layout::create_thermo(&file, options)?;
    let beads = match &options.beads {
        Some(beads) => {
            // A page of their own: rows of beads appear as a whole too, just before the frame of the same step.
            lock(store).fresh_header_page();
            Some(bead_sets::create(&file, options, beads)?)
        }
        None => None,
    };
    file.flush()?;
    lock(store).commit(Direction::Growing, true)?;
    Ok(Parts {
        frames,
        thermo,
        beads,
        file,
    })
}
