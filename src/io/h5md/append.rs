//! Continuing the file of a run that stopped.

use super::bead_sets;
use super::driver::{self, Mode, Shared, lock};
use super::layout;
use super::store::{Direction, Store};
use super::text;
use super::writer::Parts;
use super::{TrajectoryOptions, sentence, write_error};
use crate::error::{Error, Result};
use crate::io::atomic;
use hdf5::types::{FloatSize, TypeDescriptor};
use hdf5::{Dataset, File};
use std::sync::{Arc, Mutex};

/// An existing file, cut to what the run has not yet to write again.
pub(super) struct Opened {
    pub(super) parts: Parts,
    pub(super) store: Shared,
    pub(super) frames: usize,
    pub(super) thermo_rows: usize,
    pub(super) bead_rows: usize,
    pub(super) last_step: Option<u64>,
}

/// Opens the file of `o`, checks that it belongs to the run, and cuts every series after `last_step`.
pub(super) fn open(o: &TrajectoryOptions, last_step: u64) -> Result<Opened> {
    let (mut parts, mut store) = attach(o)?;
    let environment =
        |e: hdf5::Error, store: &Shared| write_error(&o.path, lock(store).failure(), &sentence(&e));

    let keep = kept_rows(&parts.frames.step, last_step).map_err(|e| environment(e, &store))?;
    let frames = complete(parts.frames.all(), keep.len());
    let mut thermo_rows = 0;
    if let Some(thermo) = &parts.thermo {
        let keep = kept_rows(&thermo.step, last_step).map_err(|e| environment(e, &store))?;
        thermo_rows = complete(thermo.all(), keep.len());
    }
    let mut bead_rows = 0;
    if let Some(beads) = &parts.beads {
        let keep = kept_rows(&beads.step, last_step).map_err(|e| environment(e, &store))?;
        bead_rows = complete(beads.all(), keep.len());
    }
    let mut cut = false;
    let frame_sets = parts.frames.all().map(|s| (s, frames));
    let thermo_sets = parts.thermo.iter().flat_map(|t| t.all());
    let bead_sets = parts.beads.iter().flat_map(|b| b.all());
    let sets = frame_sets
        .chain(thermo_sets.map(|s| (s, thermo_rows)))
        .chain(bead_sets.map(|s| (s, bead_rows)));
    for (set, wanted) in sets {
        if rows(set) > wanted {
            let mut shape = set.shape();
            shape[0] = wanted;
            set.resize(shape).map_err(|e| environment(e, &store))?;
            cut = true;
        }
    }
    if cut {
        parts.file.flush().map_err(|e| environment(e, &store))?;
        let mut s = lock(&store);
        s.commit(Direction::Shrinking, true)
            .map_err(|reason| write_error(&o.path, Some(&reason), ""))?;
        s.trim();
        #[cfg(test)]
        CUT_EVENTS.set(s.events.take().unwrap_or_default());
        drop(s);
        // Opened afresh, HDF5 has forgotten the space that became free: it never writes into it before the frames
        // that were there are cut off on disk too.
        drop(parts);
        (parts, store) = attach(o)?;
    }
    let last = frames
        .checked_sub(1)
        .and_then(|i| keep.get(i))
        .map(|&s| s as u64);
    Ok(Opened {
        parts,
        store,
        frames,
        thermo_rows,
        bead_rows,
        last_step: last,
    })
}

/// What cutting the file after `last_step` does to it (without the fresh opening that follows).
#[cfg(test)]
pub(super) fn cutting(o: &TrajectoryOptions, last_step: u64) -> Vec<super::store::Event> {
    CUT_EVENTS.set(Vec::new());
    drop(open(o, last_step).unwrap());
    CUT_EVENTS.take()
}

#[cfg(test)]
thread_local! {
    static CUT_EVENTS: std::cell::Cell<Vec<super::store::Event>> = const { std::cell::Cell::new(Vec::new()) };
}

/// Opens the file of `o` for writing if it belongs to the run; one that does not is left as it is.
fn attach(o: &TrajectoryOptions) -> Result<(Parts, Shared)> {
    let path = &o.path;
    let store = Store::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::file(path, "the trajectory to be continued is not there")
                .advise("put it back, or start the run anew without resuming")
        }
        _ => Error::environment("cannot write the trajectory", path, atomic::describe(&e)),
    })?;
    let store = Arc::new(Mutex::new(store));
    let damaged = |e: hdf5::Error| {
        Error::file(
            path,
            format!(
                "this is not a trajectory that can be continued ({})",
                sentence(&e)
            ),
        )
    };
    let file = driver::open_file(&store, &path.to_string_lossy(), Mode::Open).map_err(damaged)?;
    check_identity(&file, o)?;
    let frames =
        layout::find_frames(&file, o).map_err(|_| other(o, "it holds other quantities"))?;
    let thermo =
        layout::find_thermo(&file, o).map_err(|_| other(o, "it holds other time series"))?;
    let beads = match &o.beads {
        Some(beads) => {
            Some(bead_sets::find(&file, o, beads).map_err(|_| other(o, "it holds other beads"))?)
        }
        None => None,
    };
    let parts = Parts {
        frames,
        thermo,
        beads,
        file,
    };
    check_shapes(&parts, o)?;
    let settled = lock(&store).settle();
    settled.map_err(|e| {
        Error::environment("cannot write the trajectory", path, atomic::describe(&e))
    })?;
    Ok((parts, store))
}

fn other(o: &TrajectoryOptions, why: &str) -> Error {
    Error::file(
        &o.path,
        format!("this trajectory was not written by the run to be resumed: {why}"),
    )
    .advise(
        "give the deck and the checkpoint that belong to it, or let the run write to another file",
    )
}

fn check_identity(file: &File, o: &TrajectoryOptions) -> Result<()> {
    let run = file
        .group("parameters")
        .ok()
        .and_then(|g| text::attribute(&g, "run"))
        .unwrap_or_default();
    if !o.run.is_empty() && !run.is_empty() && run != o.run {
        return Err(other(o, "it carries the mark of another run"));
    }
    for (group, list, what) in [
        ("observables", &o.observables, "other quantities"),
        ("thermo", &o.thermo, "other time series"),
        ("averages", &o.averages, "other averages"),
    ] {
        let mut have = layout::names_in(file, group);
        have.retain(|name| group != "averages" || name != layout::AVERAGE_TIMES);
        let mut want: Vec<String> = list.iter().map(|q| q.0.clone()).collect();
        have.sort();
        want.sort();
        if have != want {
            return Err(other(o, &format!("it holds {what}")));
        }
    }
    if let Some(why) = bead_sets::difference(file, o.beads.as_ref()) {
        return Err(other(o, why));
    }
    let constant = |name: &str| file.dataset(&format!("{}/{name}", super::GROUP));
    let species = constant("species")
        .and_then(|d| d.read_raw::<i32>())
        .unwrap_or_default();
    if !species
        .iter()
        .copied()
        .eq(o.elements.iter().map(|e| i32::from(e.number())))
    {
        return Err(other(o, "its atoms are others"));
    }
    let masses = constant("mass")
        .and_then(|d| d.read_raw::<f64>())
        .unwrap_or_default();
    if masses != o.masses {
        return Err(other(o, "its atoms have other masses"));
    }
    Ok(())
}

fn check_shapes(parts: &Parts, o: &TrajectoryOptions) -> Result<()> {
    let (frames, thermo) = (&parts.frames, parts.thermo.as_ref());
    let n = o.elements.len();
    let float = if o.single {
        FloatSize::U4
    } else {
        FloatSize::U8
    };
    let of_atoms = [
        Some(&frames.position),
        frames.velocity.as_ref(),
        frames.force.as_ref(),
    ];
    let of_atoms = of_atoms.into_iter().flatten().map(|s| (s, vec![n, 3]));
    let of_beads = parts.beads.iter().flat_map(|sets| {
        let number = o.beads.as_ref().map_or(0, |b| b.beads);
        sets.vectors().map(move |s| (s, vec![number, n, 3]))
    });
    for (set, row) in of_atoms.chain(of_beads) {
        let kind = set.dtype().and_then(|t| t.to_descriptor());
        if set.shape().get(1..) != Some(&row[..]) {
            return Err(other(o, "it has another number of atoms"));
        }
        if !matches!(kind, Ok(TypeDescriptor::Float(f)) if f == float) {
            return Err(other(o, "its numbers have another precision"));
        }
    }
    let edges = frames
        .edges
        .as_ref()
        .is_none_or(|e| e.ndim() == 3 && e.shape()[1..] == [3, 3]);
    let mut flat = [&frames.step, &frames.time]
        .into_iter()
        .chain(&frames.observables);
    if !edges
        || flat.any(|s| s.ndim() != 1)
        || !bead_sets::well_shaped(parts.beads.as_ref(), o)
        || thermo.is_some_and(|t| t.all().any(|s| s.ndim() != 1))
    {
        return Err(other(o, "its layout is another"));
    }
    Ok(())
}

/// The number of rows that all of these datasets have, at most `limit`.
fn complete<'a>(sets: impl Iterator<Item = &'a Dataset>, limit: usize) -> usize {
    sets.map(rows).min().unwrap_or(0).min(limit)
}

fn rows(set: &Dataset) -> usize {
    set.shape().first().copied().unwrap_or(0)
}

/// The leading steps up to `last_step`.
fn kept_rows(step: &Dataset, last_step: u64) -> hdf5::Result<Vec<i64>> {
    let mut steps = step.read_raw::<i64>()?;
    let last = i64::try_from(last_step).unwrap_or(i64::MAX);
    steps.truncate(steps.iter().take_while(|&&s| s <= last).count());
    Ok(steps)
}
