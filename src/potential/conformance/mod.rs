//! The conformance suite: what every potential promises, checked on a model and a structure of the caller's choice.
//!
//! The same checks run in the tests of every potential and behind `zundel check-model`.

mod calls;
mod derivatives;
mod symmetries;

use super::{Evaluation, EvaluationError, Evaluator, Symmetry, Term, Want};
use crate::random::{Purpose, Stream};
use crate::system::System;
use nalgebra::{Matrix3, RowVector3};

/// One check and what it found.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is promised, in one line.
    pub name: &'static str,
    /// The largest deviation found, in the unit of `unit`; `None` when the check does not apply.
    pub deviation: Option<f64>,
    /// The largest deviation allowed.
    pub tolerance: f64,
    /// Unit of deviation and tolerance.
    pub unit: &'static str,
    /// Why it does not apply, or where the largest deviation is.
    pub note: String,
}

impl Check {
    /// Whether the promise holds (or does not apply).
    pub fn passed(&self) -> bool {
        self.deviation.is_none_or(|d| d <= self.tolerance)
    }
}

/// Tolerance of comparisons that differ only in the order of sums, relative to the size of the terms.
const ROUNDING: f64 = 1e-13;
/// Runs the suite on a sum of terms. `allocations`, where the caller can count them, makes the check of the steady state.
///
/// The structure is rattled a little first, so that a perfect crystal has forces too. Energies of models with large
/// coefficients carry rounding noise; the finite differences are compared at several step lengths and the best counts, since a
/// wrong gradient is wrong at every length.
pub fn run(
    terms: &[Term],
    structure: &System,
    allocations: Option<&(dyn Fn() -> u64 + Sync)>,
) -> Result<Vec<Check>, EvaluationError> {
    let mut rattled = structure.clone();
    for (i, x) in rattled.atoms.positions.iter_mut().enumerate() {
        let mut s = Stream::new(1, Purpose::Displacement, 0, i as u64, 0);
        *x = x.map(|x| x + 0.03 * s.normal());
    }
    let terms = made_for(terms, structure)?;
    let suite = Suite {
        terms: &terms,
        system: &rattled,
        base: evaluate(&terms, &rattled, 0.5)?,
    };
    let mut checks = vec![
        suite.forces()?,
        suite.strain()?,
        suite.no_net_force(),
        suite.translation()?,
        suite.rotation()?,
        suite.permutation()?,
        suite.sites(),
        suite.batch()?,
        suite.beads()?,
        suite.skin()?,
        suite.list_age()?,
        suite.threads()?,
        suite.doubled_cell()?,
    ];
    if let Some(count) = allocations {
        checks.push(suite.steady_state(count)?);
    }
    Ok(checks)
}

struct Suite<'a> {
    terms: &'a [Term],
    system: &'a System,
    base: Evaluation,
}

/// The terms for a system with other atoms, or in another order.
fn made_for(terms: &[Term], system: &System) -> Result<Vec<Term>, EvaluationError> {
    terms
        .iter()
        .map(|term| match term.potential.for_system(system) {
            Ok(Some(made)) => Ok(Term {
                potential: made.potential,
                ..term.clone()
            }),
            Ok(None) => Ok(term.clone()),
            Err(_) => Err(EvaluationError::OtherAtoms { member: 0 }),
        })
        .collect()
}

fn evaluate(terms: &[Term], system: &System, skin: f64) -> Result<Evaluation, EvaluationError> {
    let mut result = [Evaluation::default()];
    Evaluator::new(terms.to_vec(), skin).evaluate(
        &[system.configuration()],
        Want::ALL,
        &mut result,
    )?;
    let [result] = result;
    Ok(result)
}

/// The largest of several deviations; not a number counts as infinite.
fn largest(deviations: impl Iterator<Item = f64>) -> f64 {
    deviations.fold(0.0, |m, d| {
        if d.is_nan() {
            f64::INFINITY
        } else {
            m.max(d.abs())
        }
    })
}

impl Suite<'_> {
    /// Sizes that deviations are measured against: energy per atom, force, virial. Sums of large terms that cancel keep the
    /// rounding of the terms, so an energy of several eV per atom is the unit even where the total is small.
    fn scales(&self) -> (f64, f64, f64) {
        let force = largest(self.base.forces.as_flattened().iter().copied()).max(1.0);
        let virial = largest(self.base.virial.as_flattened().iter().copied()).max(1.0);
        (self.base.energy.abs().max(1.0), force, virial)
    }

    /// Largest relative deviation of energy, forces and virial from another evaluation of the same thing.
    fn deviation(&self, other: &Evaluation) -> f64 {
        let (e, f, w) = self.scales();
        let forces = self
            .base
            .forces
            .as_flattened()
            .iter()
            .zip(other.forces.as_flattened())
            .map(|(a, b)| (a - b) / f);
        let virial = self
            .base
            .virial
            .as_flattened()
            .iter()
            .zip(other.virial.as_flattened())
            .map(|(a, b)| (a - b) / w);
        largest(
            forces
                .chain(virial)
                .chain(std::iter::once((self.base.energy - other.energy) / e)),
        )
    }

    fn rounding(&self, name: &'static str, deviation: f64, note: String) -> Check {
        Check {
            name,
            deviation: Some(deviation),
            tolerance: ROUNDING,
            unit: "relative",
            note,
        }
    }

    /// A check in which every distance is recomputed from other numbers, so that its rounding passes through the model.
    fn conditioned(&self, name: &'static str, deviation: f64) -> Check {
        Check {
            name,
            deviation: Some(deviation),
            tolerance: 1e-9,
            unit: "relative",
            note: String::new(),
        }
    }

    /// Why nothing but the very atoms and cell that it was made for can be given to a model.
    fn one_cell(&self, name: &'static str) -> Option<Check> {
        let fixed = |t: &Term| {
            let d = t.potential.description();
            let numbered = "it knows atoms by their numbers";
            let numbered = (d.symmetry != Symmetry::Full).then(|| numbered.to_owned());
            d.fixed_cell.clone().or(numbered)
        };
        let note = self.terms.iter().find_map(fixed)?;
        Some(does_not_apply(name, note))
    }

    /// Why atoms that are moved or turned together do have another energy.
    fn anchored(&self, name: &'static str) -> Option<Check> {
        let anchored = |t: &Term| t.potential.description().symmetry == Symmetry::Anchored;
        let note = "it depends on where in space atoms are";
        let some = self.terms.iter().any(anchored);
        some.then(|| does_not_apply(name, note.to_owned()))
    }
}

fn does_not_apply(name: &'static str, note: String) -> Check {
    Check {
        name,
        deviation: None,
        tolerance: 1e-9,
        unit: "relative",
        note,
    }
}

/// Cell and positions times a matrix from the right.
fn transform(system: &System, f: &Matrix3<f64>) -> System {
    let mut out = system.clone();
    // A deformation near the identity, or a rotation, keeps a good cell good.
    if let Ok(cell) = system.cell.deformed(f) {
        out.cell = cell;
    }
    for x in &mut out.atoms.positions {
        let v = RowVector3::from(*x) * f;
        *x = [v[0], v[1], v[2]];
    }
    out
}
