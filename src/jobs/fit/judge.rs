//! What a model says about labelled frames.

use crate::error::{Error, Result};
use crate::jobs::parts;
use crate::potential::{Evaluation, EvaluationError, Evaluator, Term, Want};
use crate::training::accuracy::Prediction;
use crate::training::data::LabelledFrame;
use std::path::Path;

/// Frames that are evaluated at a time: enough for all threads, few enough that their lists stay small.
const BATCH: usize = 64;
/// No more atoms in one batch, unless a single frame has more.
const ATOMS: usize = 20_000;

/// Energies, forces and virials of frames by a sum of models; `done` hears how many more frames are done.
pub(super) fn predict(
    terms: &[Term],
    frames: &[LabelledFrame],
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Prediction>> {
    let mut out = Vec::with_capacity(frames.len());
    let mut rest = frames;
    while let Some(first) = rest.first() {
        let elements = &first.system.atoms.elements;
        let mut atoms = 0;
        let alike = rest.iter().take(BATCH).take_while(|f| {
            atoms += f.len();
            f.system.atoms.elements == *elements && (atoms <= ATOMS || atoms == f.len())
        });
        let mut batch = &rest[..alike.count()];
        let (fitted, _) = parts::fit_terms(terms, &first.system, Path::new(&first.place))?;
        let mut evaluator = Evaluator::new(fitted, 0.0);
        let present = first.system.atoms.distinct_elements();
        parts::check_elements(&evaluator, &present, Path::new(&first.place))?;
        let configurations: Vec<_> = batch.iter().map(|f| f.system.configuration()).collect();
        let mut results = vec![Evaluation::default(); batch.len()];
        let virial = evaluator.gives_virial();
        let want = Want {
            forces: true,
            virial,
            ..Want::ENERGY
        };
        let mut outcome = evaluator.evaluate(&configurations, want, &mut results);
        if let Err(EvaluationError::Torn { member, .. }) = outcome
            && member > 0
        {
            // The same elements, bonded in another way: those frames are a batch of their own.
            batch = &batch[..member];
            results.truncate(member);
            outcome = evaluator.evaluate(&configurations[..member], want, &mut results);
        }
        outcome.map_err(|e| {
            let frame = batch.get(e.member()).unwrap_or(first);
            let (reason, advice) = parts::describe_evaluation_error(e, &frame.system);
            Error::input(frame.place.clone(), reason).advise(advice)
        })?;
        rest = &rest[batch.len()..];
        out.extend(results.into_iter().map(|r| Prediction {
            energy: r.energy,
            forces: r.forces,
            virial: virial.then_some(r.virial),
        }));
        done(batch.len());
    }
    Ok(out)
}
