//! The conformance suite: what every potential promises, checked on a model and a structure of the caller's choice.
//!
//! The same checks run in the tests of every potential and behind `zundel check-model`.

use super::{Evaluation, EvaluationError, Evaluator, LANES, Symmetry, Term, Want};
use crate::parallel;
use crate::random::{Purpose, Stream};
use crate::system::{self, System};
use nalgebra::{Matrix3, Rotation3, RowVector3, Vector3};

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
/// Tolerance of finite differences of energies, relative to the largest force (virial component).
const GRADIENT: f64 = 1e-6;
/// Calls after which scratch memory must have stopped growing.
const MOST_CALLS: usize = 200;
/// Most components that are differentiated numerically.
const MOST_COMPONENTS: u64 = 24;

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

    /// The best agreement of a five-point derivative with `expected` over several step lengths.
    fn derivative(
        &self,
        expected: f64,
        energy: impl Fn(f64) -> Result<f64, EvaluationError>,
    ) -> Result<f64, EvaluationError> {
        let mut best = f64::INFINITY;
        for h in [4e-3, 1e-3, 2.5e-4] {
            let d = (8.0 * (energy(h)? - energy(-h)?) - (energy(2.0 * h)? - energy(-2.0 * h)?))
                / (12.0 * h);
            best = best.min((d - expected).abs());
            if best <= 0.01 * GRADIENT {
                break;
            }
        }
        Ok(best)
    }

    fn forces(&self) -> Result<Check, EvaluationError> {
        let n = self.system.atoms.len() as u64;
        let scale = self.scales().1;
        let mut pick = Stream::new(2, Purpose::Displacement, 0, 0, 0);
        let (mut worst, mut note) = (0.0, String::new());
        for c in 0..MOST_COMPONENTS.min(3 * n) {
            let (i, k) = if 3 * n <= MOST_COMPONENTS {
                ((c / 3) as usize, (c % 3) as usize)
            } else {
                (
                    (pick.uniform() * n as f64) as usize,
                    (pick.uniform() * 3.0) as usize,
                )
            };
            let energy = |h: f64| {
                let mut moved = self.system.clone();
                moved.atoms.positions[i][k] += h;
                evaluate(self.terms, &moved, 0.5).map(|r| r.energy)
            };
            let d = self.derivative(-self.base.forces[i][k], energy)? / scale;
            if d >= worst {
                (worst, note) = (d, format!("atom {i}, {}", ["x", "y", "z"][k]));
            }
        }
        Ok(Check {
            name: "forces are minus the gradient of the energy",
            deviation: Some(worst),
            tolerance: GRADIENT,
            unit: "of the largest force",
            note,
        })
    }

    fn strain(&self) -> Result<Check, EvaluationError> {
        let name = "the virial is minus the strain derivative of the energy";
        let scale = self.scales().2;
        if !self
            .terms
            .iter()
            .all(|t| t.potential.description().gives.virial)
        {
            let note = "the model gives no virial".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: GRADIENT,
                unit: "of the largest component",
                note,
            });
        }
        let (mut worst, mut note) = (0.0, String::new());
        for a in 0..3 {
            for b in 0..3 {
                let energy = |h: f64| {
                    let mut f = Matrix3::identity();
                    f[(a, b)] += h;
                    let strained = transform(self.system, &f);
                    evaluate(self.terms, &strained, 0.5).map(|r| r.energy)
                };
                let d = self.derivative(-self.base.virial[a][b], energy)? / scale;
                if d >= worst {
                    (worst, note) = (
                        d,
                        format!("component {}{}", ["x", "y", "z"][a], ["x", "y", "z"][b]),
                    );
                }
            }
        }
        Ok(Check {
            name,
            deviation: Some(worst),
            tolerance: GRADIENT,
            unit: "of the largest component",
            note,
        })
    }

    fn no_net_force(&self) -> Check {
        let name = "the forces add up to zero";
        if let Some(check) = self.anchored(name) {
            return check;
        }
        let scale = self.scales().1 * (self.system.atoms.len() as f64).sqrt();
        let sum = |k: usize| self.base.forces.iter().map(|f| f[k]).sum::<f64>();
        self.rounding(name, largest((0..3).map(|k| sum(k) / scale)), String::new())
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

    fn translation(&self) -> Result<Check, EvaluationError> {
        let name = "nothing changes when all atoms are translated";
        if let Some(check) = self.anchored(name) {
            return Ok(check);
        }
        let mut moved = self.system.clone();
        moved
            .atoms
            .positions
            .iter_mut()
            .for_each(|x| *x = [x[0] + 1.37, x[1] - 4.11, x[2] + 0.77]);
        let other = evaluate(self.terms, &moved, 0.5)?;
        Ok(self.conditioned(name, self.deviation(&other)))
    }

    fn rotation(&self) -> Result<Check, EvaluationError> {
        let name = "forces and virial turn with the structure";
        if let Some(check) = self.anchored(name) {
            return Ok(check);
        }
        let q = Rotation3::from_axis_angle(&Vector3::y_axis(), 0.7)
            * Rotation3::from_axis_angle(&Vector3::x_axis(), -1.9);
        let q = q.into_inner();
        let mut other = evaluate(self.terms, &transform(self.system, &q), 0.5)?;
        let back = q.transpose();
        for f in &mut other.forces {
            let v = RowVector3::from(*f) * back;
            *f = [v[0], v[1], v[2]];
        }
        let w = back.transpose() * Matrix3::from_fn(|i, j| other.virial[i][j]) * back;
        other.virial = std::array::from_fn(|i| std::array::from_fn(|j| w[(i, j)]));
        Ok(self.conditioned(name, self.deviation(&other)))
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

    fn permutation(&self) -> Result<Check, EvaluationError> {
        let name = "nothing changes when atoms are renumbered";
        if let Some(check) = self.one_cell(name) {
            return Ok(check);
        }
        let n = self.system.atoms.len();
        // A fixed shuffle; stride and length have no common factor.
        let stride = (n / 2 + 1..).find(|s| gcd(*s, n.max(1)) == 1).unwrap_or(1);
        let order: Vec<usize> = (0..n).map(|i| (i * stride + 1) % n.max(1)).collect();
        let mut shuffled = self.system.clone();
        for (to, &from) in order.iter().enumerate() {
            shuffled.atoms.positions[to] = self.system.atoms.positions[from];
            shuffled.atoms.elements[to] = self.system.atoms.elements[from];
            shuffled.atoms.masses[to] = self.system.atoms.masses[from];
        }
        let mut other = evaluate(&made_for(self.terms, &shuffled)?, &shuffled, 0.5)?;
        let mut forces = other.forces.clone();
        for (to, &from) in order.iter().enumerate() {
            forces[from] = other.forces[to];
        }
        other.forces = forces;
        Ok(self.conditioned(name, self.deviation(&other)))
    }

    fn sites(&self) -> Check {
        let name = "site energies add up to the energy";
        if !self
            .terms
            .iter()
            .all(|t| t.potential.description().gives.site_energies)
        {
            let note = "the model has no site energies".into();
            return Check {
                name,
                deviation: None,
                tolerance: ROUNDING,
                unit: "relative",
                note,
            };
        }
        let sum: f64 = self.base.site_energies.iter().sum();
        let terms: f64 = self.base.site_energies.iter().map(|e| e.abs()).sum();
        self.rounding(
            name,
            (sum - self.base.energy).abs() / terms.max(1.0),
            String::new(),
        )
    }

    fn batch(&self) -> Result<Check, EvaluationError> {
        let mut second = self.system.clone();
        second
            .atoms
            .positions
            .iter_mut()
            .for_each(|x| x[1] += 0.01 * x[0].sin());
        let single = evaluate(self.terms, &second, 0.5)?;
        let mut results = vec![Evaluation::default(); 3];
        let batch = [
            second.configuration(),
            self.system.configuration(),
            second.configuration(),
        ];
        Evaluator::new(self.terms.to_vec(), 0.5).evaluate(&batch, Want::ALL, &mut results)?;
        let other = Suite {
            terms: self.terms,
            system: &second,
            base: single,
        };
        let d = self
            .deviation(&results[1])
            .max(other.deviation(&results[0]))
            .max(other.deviation(&results[2]));
        Ok(self.rounding("a batch gives what single calls give", d, String::new()))
    }

    /// Beads about the system: enough for numbers side by side and some more.
    fn ring(&self, spread: f64, seed: u64) -> Vec<System> {
        let bead = |b: u64| {
            let mut bead = self.system.clone();
            for (i, x) in bead.atoms.positions.iter_mut().enumerate() {
                let mut s = Stream::new(seed, Purpose::Displacement, b, i as u64, 0);
                *x = x.map(|x| x + spread * s.normal());
            }
            bead
        };
        (0..LANES as u64 + 3).map(bead).collect()
    }

    /// The beads by one call; the lists may be older than they are.
    fn evaluate_ring(
        &self,
        evaluator: &mut Evaluator,
        beads: &[System],
        want: Want,
        results: &mut Vec<Evaluation>,
    ) -> Result<(), EvaluationError> {
        let centroid = self.system.configuration();
        let beads: Vec<_> = beads.iter().map(System::configuration).collect();
        results.resize_with(beads.len(), Evaluation::default);
        evaluator.evaluate_ring(|_| true, centroid, &beads, want, results)
    }

    fn beads(&self) -> Result<Check, EvaluationError> {
        let mut d = 0.0f64;
        let mut note = String::new();
        for spread in [0.02, 0.06] {
            let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.8);
            let mut results = Vec::new();
            let (early, late) = (self.ring(spread, 6), self.ring(spread, 7));
            for beads in [&early, &late] {
                self.evaluate_ring(&mut evaluator, beads, Want::ALL, &mut results)?;
            }
            if evaluator.list_builds(0) > 1 {
                note = "the list was rebuilt in between".into();
            }
            for (bead, result) in late.iter().zip(&results) {
                let own = Suite {
                    terms: self.terms,
                    system: bead,
                    base: evaluate(self.terms, bead, 0.5)?,
                };
                d = d.max(own.deviation(result));
                // A list with a skin may name pairs beyond the cutoff, or not.
                let cutoff = evaluator.cutoff().unwrap_or(0.0);
                let [one, other] = [result, &own.base].map(|e| e.closest.min(cutoff));
                d = d.max((one - other).abs());
            }
        }
        Ok(self.rounding(
            "beads with one list give what they give with lists of their own",
            d,
            note,
        ))
    }

    fn skin(&self) -> Result<Check, EvaluationError> {
        let mut d = 0.0f64;
        for skin in [0.0, 0.2, 2.0] {
            d = d.max(self.deviation(&evaluate(self.terms, self.system, skin)?));
        }
        Ok(self.rounding(
            "results do not depend on the skin of the list",
            d,
            String::new(),
        ))
    }

    fn list_age(&self) -> Result<Check, EvaluationError> {
        let mut early = self.system.clone();
        for (i, x) in early.atoms.positions.iter_mut().enumerate() {
            let mut s = Stream::new(4, Purpose::Displacement, 0, i as u64, 0);
            *x = x.map(|x| x + 0.3 * (s.uniform() - 0.5));
        }
        let mut evaluator = Evaluator::new(self.terms.to_vec(), 1.0);
        let mut result = [Evaluation::default()];
        evaluator.evaluate(&[early.configuration()], Want::ALL, &mut result)?;
        evaluator.evaluate(&[self.system.configuration()], Want::ALL, &mut result)?;
        let reused = evaluator.list_builds(0) <= 1;
        let note = if reused {
            String::new()
        } else {
            "the list was rebuilt in between".into()
        };
        Ok(self.rounding(
            "results do not depend on the age of the list",
            self.deviation(&result[0]),
            note,
        ))
    }

    fn threads(&self) -> Result<Check, EvaluationError> {
        let mut different = 0.0;
        let mut note = "1, 2, 3 and 4 threads".to_owned();
        let mut first: Option<Vec<Evaluation>> = None;
        let beads = self.ring(0.03, 8);
        let all = || {
            let mut results = Vec::new();
            let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.5);
            self.evaluate_ring(&mut evaluator, &beads, Want::ALL, &mut results)?;
            results.push(evaluate(self.terms, self.system, 0.5)?);
            Ok(results)
        };
        for threads in 1..=4 {
            match parallel::with_threads(threads, all) {
                Ok(results) => {
                    let results = results?;
                    if *first.get_or_insert_with(|| results.clone()) != results {
                        different += 1.0;
                    }
                }
                Err(why) => note = why,
            }
        }
        Ok(Check {
            name: "the same bits for any number of threads",
            deviation: Some(different),
            tolerance: 0.0,
            unit: "runs that differ",
            note,
        })
    }

    fn doubled_cell(&self) -> Result<Check, EvaluationError> {
        let name = "a doubled cell has twice the energy and the same forces";
        if let Some(check) = self.one_cell(name) {
            return Ok(check);
        }
        let Some(k) = (0..3).find(|&k| self.system.cell.periodic()[k]) else {
            let note = "no periodic direction".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: 1e-9,
                unit: "relative",
                note,
            });
        };
        let mut n = [1; 3];
        n[k] = 2;
        let Ok(doubled) = system::repeat(self.system, n) else {
            let note = "the structure is too large to be doubled".into();
            return Ok(Check {
                name,
                deviation: None,
                tolerance: 1e-9,
                unit: "relative",
                note,
            });
        };
        let mut other = evaluate(&made_for(self.terms, &doubled)?, &doubled, 0.5)?;
        let atoms = self.system.atoms.len();
        let second = other.forces.split_off(atoms);
        other.energy *= 0.5;
        other
            .virial
            .as_flattened_mut()
            .iter_mut()
            .for_each(|w| *w *= 0.5);
        let first = self.deviation(&other);
        other.forces = second;
        Ok(self.conditioned(name, first.max(self.deviation(&other))))
    }

    fn steady_state(&self, count: &(dyn Fn() -> u64 + Sync)) -> Result<Check, EvaluationError> {
        let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.5);
        let mut result = [Evaluation::default()];
        let ring = self.ring(0.03, 9);
        let beads: Vec<_> = ring.iter().map(System::configuration).collect();
        let mut results = vec![Evaluation::default(); beads.len()];
        let centroid = self.system.configuration();
        // Scratch grows until every thread has met its largest piece of work, and which thread gets which is up to chance: the
        // steady state has come when three calls in a row allocate nothing.
        let mut quiet = 0;
        let mut last = 0;
        for _ in 0..MOST_CALLS {
            let before = count();
            evaluator.evaluate(&[centroid], Want::DYNAMICS, &mut result)?;
            evaluator.evaluate_ring(|_| true, centroid, &beads, Want::DYNAMICS, &mut results)?;
            last = count() - before;
            quiet = if last == 0 { quiet + 1 } else { 0 };
            if quiet == 3 {
                break;
            }
        }
        Ok(Check {
            name: "no allocation in the steady state",
            deviation: Some(last as f64),
            tolerance: 0.0,
            unit: "allocations a call",
            note: String::new(),
        })
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

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
