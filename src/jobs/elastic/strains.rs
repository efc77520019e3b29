//! Strained cells and their stresses, kept in a file from which a stopped run goes on.

use super::{Reference, SKIN, measure};
use crate::deck::{Deck, ElasticDeck};
use crate::elastic::{NAMES, strain_tensor, stress_vector};
use crate::error::{Error, Result};
use crate::io::{Frame, Value};
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::parallel;
use crate::potential::{Evaluator, Term};
use crate::relax::{self, Settings};
use crate::system::System;
use nalgebra::{Matrix3, Vector3};

/// A strained cell.
#[derive(Clone, Debug)]
pub(super) struct Strained {
    /// The component of the strain (Voigt's order), and its size; shears are engineering strains.
    pub component: usize,
    pub strain: f64,
    /// Stress (eV/Å^3) with the atoms relaxed, and with the atoms where the strain took them.
    pub stress: [f64; 6],
    pub clamped: [f64; 6],
    /// Longest force (eV/Å) left.
    pub fmax: f64,
    /// Whether the atoms were relaxed as far as asked for.
    pub converged: bool,
}

/// Every strain: component by component, from the largest down, both signs.
pub(super) fn plan(job: &ElasticDeck) -> Vec<(usize, f64)> {
    let mut all = Vec::new();
    for component in 0..6 {
        for k in (1..=job.strains).rev() {
            let strain = job.largest_strain * k as f64 / job.strains as f64;
            all.extend([(component, strain), (component, -strain)]);
        }
    }
    all
}

/// The crystal with a strain: F = 1 + ε.
fn deformed(system: &System, component: usize, strain: f64) -> Result<System> {
    let f = Matrix3::identity() + strain_tensor(component, strain);
    let cell = system
        .cell
        .deformed(&f)
        .map_err(|why| Error::Bug(format!("a strained cell: {why}")))?;
    let mut atoms = system.atoms.clone();
    for x in &mut atoms.positions {
        *x = (f * Vector3::from(*x)).into();
    }
    Ok(System { cell, atoms })
}

/// A strained cell with its stresses, and the cell itself.
fn strain(
    deck: &Deck,
    job: &ElasticDeck,
    reference: &Reference,
    terms: &[Term],
    (component, strain): (usize, f64),
) -> Result<(Strained, System)> {
    let mut system = deformed(&reference.system, component, strain)?;
    let mut evaluator = Evaluator::new(terms.to_vec(), SKIN);
    let (_, mut fmax, stress) = measure(deck, &system, &mut evaluator)?;
    let clamped = stress_vector(&stress);
    let (mut stress, mut converged) = (clamped, true);
    if job.ions {
        let settings = Settings::atoms(job.fmax);
        let outcome = relax::relax(&mut system, &mut evaluator, &settings, &mut |_| true)?;
        if let relax::End::Failed(e) = outcome.end {
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            return Err(Error::run(
                format!("strain {} of {strain}: {reason}", NAMES[component]),
                advice,
            ));
        }
        converged = outcome.converged();
        let (_, left, relaxed) = measure(deck, &system, &mut evaluator)?;
        (fmax, stress) = (left, stress_vector(&relaxed));
    }
    let strained = Strained {
        component,
        strain,
        stress,
        clamped,
        fmax,
        converged,
    };
    Ok((strained, system))
}

/// Strained cells that are worked on together.
const TOGETHER: usize = 12;

/// All strains, or that the run was stopped. `done` is called with the number of cells after each batch.
#[allow(clippy::type_complexity)]
pub(super) fn all(
    deck: &Deck,
    job: &ElasticDeck,
    reference: &Reference,
    terms: &[Term],
    plan: &[(usize, f64)],
    store: &mut KeptFrames,
    limits: &Limits,
    done: &mut dyn FnMut(usize),
) -> Result<std::result::Result<Vec<Strained>, Outcome>> {
    let mut found: Vec<Option<Strained>> = plan
        .iter()
        .map(|(component, strain)| known(store, reference, *component, *strain))
        .collect();
    done(found.iter().flatten().count());
    let missing: Vec<usize> = (0..plan.len()).filter(|k| found[*k].is_none()).collect();
    for batch in missing.chunks(TOGETHER) {
        if let Some(outcome) = limits.reached() {
            return Ok(Err(outcome));
        }
        let mut results: Vec<Option<Result<(Strained, System)>>> =
            batch.iter().map(|_| None).collect();
        parallel::for_each_mut(&mut results, |k, result| {
            *result = Some(strain(deck, job, reference, terms, plan[batch[k]]));
        });
        let mut frames = Vec::new();
        for (k, result) in batch.iter().zip(results.into_iter().flatten()) {
            let (strained, system) = result?;
            frames.push(frame(&strained, system, reference));
            found[*k] = Some(strained);
        }
        store.keep(&frames)?;
        done(batch.len());
    }
    Ok(Ok(found.into_iter().flatten().collect()))
}

/// How the six components are stored.
fn tensor(s: [f64; 6]) -> [[f64; 3]; 3] {
    [[s[0], s[5], s[4]], [s[5], s[1], s[3]], [s[4], s[3], s[2]]]
}

fn frame(s: &Strained, system: System, reference: &Reference) -> Frame {
    let mut frame = Frame::from(system);
    frame.set_value("component", NAMES[s.component]);
    frame.set_value("strain", s.strain);
    frame.set_value("stress", tensor(s.stress));
    frame.set_value("clamped_stress", tensor(s.clamped));
    frame.set_value("fmax", s.fmax);
    frame.set_value("converged", s.converged);
    frame.set_value("reference_energy", reference.energy);
    frame
}

/// What an earlier run found for this strain of this very crystal.
fn known(
    store: &KeptFrames,
    reference: &Reference,
    component: usize,
    strain: f64,
) -> Option<Strained> {
    let expected = deformed(&reference.system, component, strain).ok()?;
    let real = |f: &Frame, key: &str| f.value(key).and_then(|v| v.as_real());
    let same = |f: &&Frame| {
        f.value("component") == Some(&Value::Text(NAMES[component].to_owned()))
            && real(f, "strain") == Some(strain)
            && real(f, "reference_energy") == Some(reference.energy)
            && f.system.cell.row_vectors() == expected.cell.row_vectors()
            && f.system.atoms.elements == expected.atoms.elements
    };
    let frame = store.known().iter().find(same)?;
    let stress = |key: &str| {
        let m = frame.matrix(key)?;
        Some(stress_vector(&Matrix3::from_fn(|i, j| m[i][j])))
    };
    Some(Strained {
        component,
        strain,
        stress: stress("stress")?,
        clamped: stress("clamped_stress")?,
        fmax: real(frame, "fmax")?,
        converged: frame.value("converged") == Some(&Value::Logical(true)),
    })
}
