//! Forces in displaced supercells: evaluated in batches, kept in a file from which a stopped run goes on.

use crate::error::{Error, Result};
use crate::io::Frame;
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::potential::{Evaluation, Evaluator, Want};
use crate::system::System;
use crate::vibrations::phonons::Displacement;
use std::path::Path;

/// The file of displaced supercells; of an earlier run those are kept whose forces it found.
pub(in crate::jobs) fn store(path: &Path, resume: bool) -> Result<KeptFrames> {
    KeptFrames::open(path, resume, |f| f.vectors("forces").is_some())
}

/// The forces that an earlier run found for this very configuration.
fn known(store: &KeptFrames, system: &System) -> Option<Vec<[f64; 3]>> {
    let same = |f: &&Frame| {
        let (a, b) = (&f.system, system);
        a.atoms.positions == b.atoms.positions
            && a.atoms.elements == b.atoms.elements
            && a.cell.row_vectors() == b.cell.row_vectors()
    };
    let frame = store.known().iter().find(same)?;
    frame.vectors("forces").map(<[_]>::to_vec)
}

/// Atoms that are evaluated in one batch, at most; a supercell is never divided.
const BATCH: usize = 16_384;

/// A supercell with one atom moved.
fn displaced(system: &System, d: &Displacement) -> System {
    let mut moved = system.clone();
    for k in 0..3 {
        moved.atoms.positions[d.atom][k] += d.by[k];
    }
    moved
}

/// The forces under each displacement, or that the run was stopped. `done` is called with the number of supercells after each batch.
pub(super) fn forces(
    supercell: &System,
    displacements: &[Displacement],
    label: &str,
    evaluator: &mut Evaluator,
    store: &mut KeptFrames,
    limits: &Limits,
    mut done: impl FnMut(usize),
) -> Result<std::result::Result<Vec<Vec<[f64; 3]>>, Outcome>> {
    let together = (BATCH / supercell.atoms.len().max(1)).max(1);
    let mut all = Vec::with_capacity(displacements.len());
    let mut results = vec![Evaluation::default(); together];
    for (n, batch) in displacements.chunks(together).enumerate() {
        if let Some(outcome) = limits.reached() {
            return Ok(Err(outcome));
        }
        let systems: Vec<System> = batch.iter().map(|d| displaced(supercell, d)).collect();
        let found: Vec<Option<Vec<[f64; 3]>>> = systems.iter().map(|s| known(store, s)).collect();
        if found.iter().all(Option::is_some) {
            all.extend(found.into_iter().flatten());
            done(batch.len());
            continue;
        }
        let configurations: Vec<_> = systems.iter().map(System::configuration).collect();
        let results = &mut results[..batch.len()];
        let want = Want {
            forces: true,
            ..Want::ENERGY
        };
        evaluator
            .evaluate(&configurations, want, results)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, supercell);
                Error::run(format!("a displaced supercell: {reason}"), advice)
            })?;
        let frames = systems.into_iter().zip(results.iter()).enumerate();
        let frames: Vec<Frame> = frames
            .map(|(k, (system, result))| {
                let d = &batch[k];
                let mut frame = Frame::from(system);
                frame.set_value("crystal", label);
                frame.set_value("displacement", (n * together + k) as i64);
                frame.set_value("atom", d.atom as i64);
                frame.set_value("energy", result.energy);
                frame.set_vectors("forces", &result.forces);
                frame
            })
            .collect();
        store.keep(&frames)?;
        all.extend(results.iter().map(|r| r.forces.clone()));
        done(batch.len());
    }
    Ok(Ok(all))
}
