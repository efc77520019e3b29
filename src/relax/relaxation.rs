//! The loop of a relaxation: steps of an optimiser until what is asked for is reached, or until it is clear that it will not be.

use super::Settings;
use super::curvature::{self, Curvature};
use super::objective::{Measure, Objective, Point};
use super::optimiser::Optimiser;
use super::symmetry;
use crate::error::{Error, Result};
use crate::potential::{Evaluation, EvaluationError, Evaluator};
use crate::system::{Cell, SpaceGroup, System};

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
    /// Forces on the atoms (eV/Å), zero along held directions.
    pub forces: &'a [[f64; 3]],
    /// Virial (eV).
    pub virial: [[f64; 3]; 3],
    progress: &'a Progress,
    lists: Option<(&'a Cell, &'a [[f64; 3]])>,
}

impl Step<'_> {
    /// All that is needed to go on from here with the same bits, see [`resume`].
    pub fn snapshot(&self) -> Snapshot {
        let lists = self
            .lists
            .map(|(cell, positions)| (cell.row_vectors(), positions.to_vec()));
        Snapshot {
            lists,
            ..Snapshot::of(self.progress)
        }
    }
}

/// How a relaxation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// Forces and stress are within what was asked for, also after the neighbour lists were built anew.
    Converged,
    /// The same, but the energy falls in some direction: this is no minimum.
    Saddle,
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
            End::Saddle => "saddle",
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
    /// The lowest curvature at the end, when it was asked for and the forces are small.
    pub curvature: Option<Curvature>,
}

impl Outcome {
    /// Whether forces and stress are within what was asked for, at a minimum as far as that was looked at.
    pub fn converged(&self) -> bool {
        self.end == End::Converged
    }
}

/// Beyond these ratios to the volume at the start the cell is taken for one that nothing holds together.
const VOLUMES: std::ops::Range<f64> = 0.4..2.5;
/// How often a saddle is left.
const PUSHES: u32 = 5;

/// Vectors of a cell, and positions in it (Å).
type Place = ([[f64; 3]; 3], Vec<[f64; 3]>);

/// What a relaxation knows between two steps.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Progress {
    steps: u64,
    calls: u64,
    pushes: u32,
    /// Volume at the start.
    volume: Option<f64>,
    point: Point,
    optimiser: Optimiser,
    /// Vectors of the cell in whose frame the point is.
    reference: [[f64; 3]; 3],
    /// Cell and positions whose symmetry is kept.
    symmetric: Option<Place>,
}

/// All that is needed to go on with a relaxation with the same bits as if it had not been interrupted.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    progress: Progress,
    lists: Option<Place>,
}

impl Snapshot {
    fn of(progress: &Progress) -> Snapshot {
        Snapshot {
            progress: progress.clone(),
            lists: None,
        }
    }

    /// Number of steps done.
    pub fn steps(&self) -> u64 {
        self.progress.steps
    }

    /// Whether it belongs to a system with so many atoms and these settings.
    fn fits(&self, objective: &Objective<'_>) -> bool {
        let (p, n) = (&self.progress, objective.system.atoms.len());
        let vectors = |v: &Option<Place>| v.as_ref().is_none_or(|v| v.1.len() == n);
        p.point.x.len() == objective.len()
            && p.point.gradient.len() == objective.len()
            && p.point.forces.len() == n
            && p.optimiser.fits(objective.len())
            && vectors(&self.lists)
            && vectors(&p.symmetric)
            && p.symmetric.is_some() == objective.settings().keep_symmetry.is_some()
    }
}

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
    let group = match settings.keep_symmetry {
        Some(tolerance) => Some(symmetry::refine(system, tolerance)?),
        None => None,
    };
    let symmetric = group
        .as_ref()
        .map(|_| (system.cell.row_vectors(), system.atoms.positions.clone()));
    let mut objective = Objective::new(system, evaluator, settings, group);
    let mut point = Point {
        x: vec![0.0; objective.len()],
        ..Point::default()
    };
    objective.place(&mut point.x);
    let first = objective.evaluate(&mut point);
    let progress = Progress {
        steps: 0,
        calls: objective.calls,
        pushes: 0,
        volume: objective.system.cell.volume(),
        optimiser: Optimiser::new(settings.method),
        reference: objective.reference().row_vectors(),
        point,
        symmetric,
    };
    match first {
        Ok(()) => go_on(objective, progress, observe, false),
        Err(e) => Ok(conclude(objective, progress, End::Failed(e), None)),
    }
}

/// Goes on from a snapshot. `observe` sees the steps after it.
///
/// Errors when the snapshot does not belong to this system with these settings.
pub fn resume(
    system: &mut System,
    evaluator: &mut Evaluator,
    settings: &Settings,
    snapshot: Snapshot,
    observe: &mut dyn FnMut(&Step<'_>) -> bool,
) -> Result<Outcome> {
    check(system, evaluator, settings)?;
    let other = || {
        Error::input(
            "relaxation",
            "the state to go on from belongs to another system or other settings",
        )
    };
    let periodic = system.cell.periodic();
    let cell = |rows: [[f64; 3]; 3]| Cell::new(rows, periodic).map_err(|_| other());
    let atoms = system.atoms.len();
    let group = match (settings.keep_symmetry, &snapshot.progress.symmetric) {
        (Some(tolerance), Some((rows, positions))) if positions.len() == atoms => {
            let mut then = system.clone();
            then.cell = cell(*rows)?;
            then.atoms.positions.clone_from(positions);
            Some(SpaceGroup::of(&then, tolerance)?)
        }
        _ => None,
    };
    let mut objective = Objective::new(system, evaluator, settings, group);
    if !snapshot.fits(&objective) {
        return Err(other());
    }
    objective.refer_to(cell(snapshot.progress.reference)?);
    objective.calls = snapshot.progress.calls;
    if let Some((rows, positions)) = &snapshot.lists {
        let built = objective.build_lists(&cell(*rows)?, positions);
        built.map_err(|_| other())?;
    }
    objective.go(&snapshot.progress.point.x).ok_or_else(other)?;
    go_on(objective, snapshot.progress, observe, true)
}

/// The loop; `seen` when the observer knows the present step.
fn go_on(
    mut objective: Objective<'_>,
    mut p: Progress,
    observe: &mut dyn FnMut(&Step<'_>) -> bool,
    mut seen: bool,
) -> Result<Outcome> {
    let settings = objective.settings();
    let mut curvature = None;
    let end = loop {
        if !seen {
            // A line search may have looked elsewhere last.
            objective.go(&p.point.x);
            p.calls = objective.calls;
            let shown = Step {
                step: p.steps,
                calls: p.calls,
                measure: p.point.measure,
                system: objective.system,
                forces: &p.point.forces,
                virial: p.point.virial,
                progress: &p,
                lists: objective.lists(),
            };
            if !observe(&shown) {
                break End::Stopped;
            }
        }
        seen = false;
        if p.point.measure.converged(settings) {
            match confirm(&mut objective, &mut p, &mut curvature) {
                Ok(Some(end)) => break end,
                Ok(None) => p.optimiser.forget(),
                Err(e) => break End::Failed(e),
            }
        } else if p.point.settled {
            objective.go(&p.point.x);
            objective.rebase(&mut p.point.x);
            p.reference = objective.reference().row_vectors();
            p.optimiser.forget();
            if let Err(e) = objective.evaluate(&mut p.point) {
                break End::Failed(e);
            }
        }
        if p.steps >= settings.max_steps {
            break End::TooManySteps;
        }
        match p.optimiser.step(&mut objective, &mut p.point) {
            Advance::Moved => p.steps += 1,
            Advance::Rounding => break End::Rounding,
            Advance::Failed(e) => break End::Failed(e),
        }
        if let (Some(_), Some(before)) = (&settings.cell, p.volume) {
            let ratio = p.point.measure.volume / before;
            if !VOLUMES.contains(&ratio) {
                break End::SoftCell(ratio);
            }
        }
    };
    Ok(conclude(objective, p, end, curvature))
}

/// What came of it, with the system at the last point.
fn conclude(
    mut objective: Objective<'_>,
    p: Progress,
    end: End,
    curvature: Option<Curvature>,
) -> Outcome {
    objective.go(&p.point.x);
    Outcome {
        end,
        steps: p.steps,
        calls: objective.calls,
        measure: p.point.measure,
        evaluation: Evaluation {
            energy: p.point.measure.energy,
            forces: p.point.forces,
            virial: p.point.virial,
            closest: f64::INFINITY,
            ..Evaluation::default()
        },
        curvature,
    }
}

/// Builds the lists anew and evaluates again, and looks whether this is a minimum when that is asked for. `None` when there is more to do.
fn confirm(
    objective: &mut Objective<'_>,
    p: &mut Progress,
    curvature: &mut Option<Curvature>,
) -> std::result::Result<Option<End>, EvaluationError> {
    let settings = objective.settings();
    objective.go(&p.point.x);
    objective.renew_lists()?;
    objective.evaluate(&mut p.point)?;
    if !p.point.measure.converged(settings) {
        return Ok(None);
    }
    if !settings.verify {
        return Ok(Some(End::Converged));
    }
    let found = curvature::lowest(objective, &p.point)?;
    let saddle = found.is_saddle();
    let direction = found.direction.clone();
    *curvature = Some(found);
    if !saddle {
        return Ok(Some(End::Converged));
    }
    if !settings.leave_saddles || p.pushes >= PUSHES {
        return Ok(Some(End::Saddle));
    }
    p.pushes += 1;
    // Half of the longest step along the direction in which the energy falls.
    let length = 0.5 / objective.length_of(&direction).max(1e-12);
    let mut there = p.point.clone();
    for (x, d) in there.x.iter_mut().zip(&direction) {
        *x += length * d;
    }
    objective.evaluate(&mut there)?;
    p.point = there;
    p.steps += 1;
    *curvature = None;
    Ok(None)
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
    if atoms == 0 {
        return bad("there are no atoms".to_owned());
    }
    if !settings.held.is_empty() && settings.held.len() != atoms {
        return bad(format!(
            "held directions are given for {} atoms, but there are {atoms}",
            settings.held.len()
        ));
    }
    if settings.keep_symmetry.is_some() && settings.held.iter().flatten().any(|h| *h) {
        return bad("atoms cannot be held where the symmetry is kept".to_owned());
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
