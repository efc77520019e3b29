//! The loop of a relaxation: steps of an optimiser until what is asked for is reached, or until it is clear that it will not be.

use super::Settings;
use super::lbfgs::Lbfgs;
use super::objective::{Measure, Objective, Point};
use crate::error::{Error, Result};
use crate::potential::{Evaluation, EvaluationError, Evaluator};
use crate::system::System;

/// What one step of an optimiser came to.
pub(super) enum Advance {
    /// The point is a new one.
    Moved,
    /// Energies and forces differ by rounding only: no way down can be seen.
    Rounding,
    /// No step, however short, could be evaluated.
    Failed(EvaluationError),
}

/// What is shown of each step.
pub struct Step<'a> {
    /// Number of steps done.
    pub step: u64,
    /// Number of evaluations so far.
    pub calls: u64,
    /// Energies, forces and stress.
    pub measure: Measure,
    /// The system there.
    pub system: &'a System,
    /// Energy, forces (zero along held directions) and virial, as evaluated last.
    pub evaluation: &'a Evaluation,
}

/// How a relaxation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// Forces and stress are within what was asked for, also after the neighbour lists were built anew.
    Converged,
    /// The observer wanted no more.
    Stopped,
    /// The number of steps is used up.
    TooManySteps,
    /// Energies differ by rounding only and the forces are still too large: the tolerance is below what the model can give.
    Rounding,
    /// The volume has left the range in which a crystal or liquid of this kind could be; its ratio to that of the start.
    SoftCell(f64),
    /// The start, or every step from where it was, could not be evaluated.
    Failed(EvaluationError),
}

impl End {
    /// In a word, as tables have it.
    pub fn word(&self) -> &'static str {
        match self {
            End::Converged => "converged",
            End::Stopped => "stopped",
            End::TooManySteps => "too many steps",
            End::Rounding => "rounding",
            End::SoftCell(_) => "soft cell",
            End::Failed(_) => "failed",
        }
    }
}

/// What came of a relaxation. The system is where the last step left it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Number of steps.
    pub steps: u64,
    /// Number of evaluations.
    pub calls: u64,
    /// What was found at the end.
    pub measure: Measure,
    /// Energy, forces (zero along held directions) and virial at the end.
    pub evaluation: Evaluation,
}

impl Outcome {
    /// Whether forces and stress are within what was asked for.
    pub fn converged(&self) -> bool {
        self.end == End::Converged
    }
}

/// Beyond these ratios to the volume at the start the cell is taken for one that holds nothing together.
const VOLUMES: std::ops::Range<f64> = 0.4..2.5;

/// Relaxes a system. `observe` sees the start and every step, and may stop it by `false`.
///
/// Not reaching a minimum is an [`End`], not an error. Errors are the user's: settings that make no sense for the system.
pub fn relax(
    system: &mut System,
    evaluator: &mut Evaluator,
    settings: &Settings,
    observe: &mut dyn FnMut(&Step<'_>) -> bool,
) -> Result<Outcome> {
    check(system, evaluator, settings)?;
    let start_volume = system.cell.volume();
    let mut objective = Objective::new(system, evaluator, settings);
    let mut point = Point {
        x: vec![0.0; objective.len()],
        ..Point::default()
    };
    objective.place(&mut point.x);
    let first = objective.evaluate(&mut point);
    let mut optimiser = Lbfgs::default();
    let mut steps = 0;
    let end = loop {
        if let Err(e) = first {
            break End::Failed(e);
        }
        let shown = Step {
            step: steps,
            calls: objective.calls,
            measure: point.measure,
            system: objective.system,
            evaluation: objective.last(),
        };
        if !observe(&shown) {
            break End::Stopped;
        }
        if point.measure.converged(settings) {
            match recheck(&mut objective, &mut point) {
                Ok(true) => break End::Converged,
                Ok(false) => optimiser.forget(),
                Err(e) => break End::Failed(e),
            }
        } else if point.settled {
            objective.rebase(&mut point.x);
            optimiser.forget();
            if let Err(e) = objective.evaluate(&mut point) {
                break End::Failed(e);
            }
        }
        if steps >= settings.max_steps {
            break End::TooManySteps;
        }
        match optimiser.step(&mut objective, &mut point) {
            Advance::Moved => steps += 1,
            Advance::Rounding => break End::Rounding,
            Advance::Failed(e) => break End::Failed(e),
        }
        if let (Some(_), Some(before)) = (&settings.cell, start_volume) {
            let ratio = point.measure.volume / before;
            if !VOLUMES.contains(&ratio) {
                break End::SoftCell(ratio);
            }
        }
    };
    // A line search may have looked elsewhere last.
    let calls = objective.calls;
    let _ = objective.evaluate(&mut point);
    Ok(Outcome {
        end,
        steps,
        calls,
        measure: point.measure,
        evaluation: objective.last().clone(),
    })
}

/// Builds the lists anew and evaluates again: whether the point still fulfils what is asked for.
fn recheck(
    objective: &mut Objective<'_>,
    point: &mut Point,
) -> std::result::Result<bool, EvaluationError> {
    objective.renew_lists()?;
    objective.evaluate(point)?;
    Ok(point.measure.converged(objective.settings()))
}

/// Refuses settings that make no sense for this system.
fn check(system: &System, evaluator: &Evaluator, settings: &Settings) -> Result<()> {
    let bad = |reason: String| Err(Error::input("relaxation", reason));
    if settings.fmax.is_nan() || settings.fmax <= 0.0 {
        return bad("the longest force (`fmax`) must be positive".to_owned());
    }
    if settings.max_move.is_nan() || settings.max_move <= 0.0 {
        return bad("the longest move of a step must be positive".to_owned());
    }
    let atoms = system.atoms.len();
    if !settings.held.is_empty() && settings.held.len() != atoms {
        return bad(format!(
            "held directions are given for {} atoms, but there are {atoms}",
            settings.held.len()
        ));
    }
    if settings.cell.is_none() {
        return Ok(());
    }
    if !system.cell.is_bulk() {
        return bad("the cell can be relaxed only where it is periodic in all three directions".to_owned())
            .map_err(|e| e.advise("for a layer or wire write `periodic = [true, true, true]` in [system], give it vacuum, and free only the strains within it"));
    }
    if !evaluator.gives_virial() {
        return bad("the cell cannot be relaxed: the potential gives no virial".to_owned());
    }
    if let Some((term, why)) = evaluator.fixed_cell() {
        return bad(format!(
            "the cell cannot be relaxed: the potential `{}` is right in one cell only: {why}",
            term.name
        ));
    }
    Ok(())
}
