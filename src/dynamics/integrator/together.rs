//! Several systems that step side by side, their forces in one call.

use super::{Call, Integrator, StepError, WITHIN};
use crate::dynamics::State;
use crate::potential::{Configuration, Evaluation, Evaluator, Want};

/// A system, what moves it and what gives it forces.
pub struct Walker<'a> {
    /// What moves it.
    pub integrator: &'a mut Integrator,
    /// Where it is.
    pub state: &'a mut State,
    /// What gives it forces; its lists are those of the system.
    pub evaluator: &'a mut Evaluator,
}

/// One step of each of several systems, all of whose configurations go to the potential in one call.
///
/// The integrators differ in targets, seeds and what they remember only, and the evaluators have the same terms. Ring polymers
/// are a batch of their own each: their beads share lists.
///
/// Errors with the place of the system that could not go on; the others are then in the middle of the step.
///
/// # Panics
/// When the integrators have other operations than the first.
pub fn step_together(walkers: &mut [Walker<'_>], want: Want) -> Result<(), (usize, StepError)> {
    let Some(first) = walkers.first() else {
        return Ok(());
    };
    let operations = first.integrator.operations();
    let alike = |w: &Walker<'_>| w.integrator.operations() == operations;
    assert!(walkers.iter().all(alike), "the same operations for all");
    let places = operations.len();
    for w in walkers.iter_mut() {
        w.integrator.enter(w.state);
    }
    for place in 0..places {
        let mut call = None;
        for (k, w) in walkers.iter_mut().enumerate() {
            call = w.integrator.operate(place, w.state).map_err(|e| (k, e))?;
        }
        match call {
            None => {}
            Some(Call::Level(level)) => evaluate_level(walkers, level, WITHIN)?,
            Some(Call::Last) => evaluate_last(walkers, want)?,
        }
    }
    for w in walkers {
        w.integrator.leave(w.state, w.evaluator);
    }
    Ok(())
}

/// The evaluation at the end of a step.
fn evaluate_last(walkers: &mut [Walker<'_>], want: Want) -> Result<(), (usize, StepError)> {
    let [first, ..] = walkers else {
        return Ok(());
    };
    let want = first.integrator.want_last(want);
    for level in 0..first.integrator.levels.len() {
        evaluate_level(walkers, level, want)?;
    }
    for w in walkers {
        w.integrator.finish_evaluation(w.state, want);
    }
    Ok(())
}

/// The evaluation of a level.
fn evaluate_level(
    walkers: &mut [Walker<'_>],
    level: usize,
    want: Want,
) -> Result<(), (usize, StepError)> {
    if walkers.iter().any(|w| w.state.rings.is_some()) {
        for (k, w) in walkers.iter_mut().enumerate() {
            let own = &mut *w.integrator;
            own.evaluate_level(level, w.state, w.evaluator, want)
                .map_err(|e| (k, e))?;
        }
        return Ok(());
    }
    let mut results: Vec<Evaluation> = Vec::with_capacity(walkers.len());
    let mut configurations: Vec<Configuration<'_>> = Vec::with_capacity(walkers.len());
    let mut evaluators: Vec<&mut Evaluator> = Vec::with_capacity(walkers.len());
    for w in walkers.iter_mut() {
        results.push(std::mem::take(w.integrator.kept(w.state, level)));
    }
    let mut terms: &[bool] = &[];
    for w in walkers.iter_mut() {
        terms = &w.integrator.levels[level].terms;
        configurations.push(w.state.configuration());
        evaluators.push(w.evaluator);
    }
    let chosen = |t: usize| terms.is_empty() || terms.get(t).is_some_and(|c| *c);
    let outcome =
        Evaluator::evaluate_together(&mut evaluators, chosen, &configurations, want, &mut results);
    for (w, result) in walkers.iter_mut().zip(results) {
        *w.integrator.kept(w.state, level) = result;
    }
    outcome.map_err(|e| (e.member(), StepError::Evaluation(e)))
}
