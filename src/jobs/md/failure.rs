//! Runs that went wrong, in words.

use super::reliability::Verdict;
use super::simulation::{Failure, Simulation};
use crate::dynamics::{Contact, StepError, Violation};
use crate::jobs::parts;
use crate::potential::Measure;
use crate::system::System;

/// What went wrong, and what can be done.
pub(super) fn describe(s: &Simulation, failure: &Failure) -> (String, String) {
    let system = &s.state.system;
    let name = |i: usize| system.atoms.elements.get(i).map_or("atom", |e| e.symbol());
    let advice = "the usual causes are a time step that is too long, a start from overlapping atoms, or a temperature \
                  beyond what the model was fitted to";
    let (what, advice) = match failure {
        Failure::Step(e) => (describe_step(*e, system).0, advice.to_owned()),
        Failure::Violation(Violation::TooClose(c)) => (
            format!(
                "{}, closer than the model has seen ({:.3} Å)",
                contact(system, c),
                c.least
            ),
            format!("{advice}. `[md.guard] closest = \"0.5 Å\"` allows shorter distances"),
        ),
        Failure::Violation(Violation::TooFast { atom, distance }) => {
            let nearest = nearest(system, *atom).map_or(String::new(), |(j, r)| {
                format!(
                    "; its nearest neighbour is atom {j} ({}) at {r:.3} Å",
                    name(j)
                )
            });
            (
                format!(
                    "atom {atom} ({}) moves {distance:.2} Å in one step: the dynamics has exploded{nearest}",
                    name(*atom)
                ),
                advice.to_owned(),
            )
        }
        Failure::TooHot { temperature, limit } => (
            format!(
                "the temperature is {temperature:.0} K, above the limit of {limit:.0} K in [md.guard]"
            ),
            advice.to_owned(),
        ),
        Failure::Unreliable { verdict, limit } => {
            let measure = s.watch.as_ref().map(|w| w.what.measure);
            let measure = measure.unwrap_or(Measure::Distance);
            (
                format!(
                    "the model does not know this structure: {}, beyond the limit of {} in [md.reliability]",
                    number(system, measure, verdict),
                    with_unit(*limit, measure)
                ),
                "the model needs data like the saved frame; a higher `stop` lets the run go on"
                    .into(),
            )
        }
    };
    (what, format!("{advice}. Atoms are counted from 0"))
}

/// Why a step could not be done: a sentence and what can be done.
pub(super) fn describe_step(e: StepError, system: &System) -> (String, String) {
    let name = |i: u32| {
        system
            .atoms
            .elements
            .get(i as usize)
            .map_or("atom", |e| e.symbol())
    };
    match e {
        StepError::Evaluation(e) => parts::describe_evaluation_error(e, system),
        StepError::Constraint(b) => (
            format!(
                "the bond between atoms {} ({}) and {} ({}) cannot be kept at {:.4} Å",
                b.i,
                name(b.i),
                b.j,
                name(b.j),
                b.length
            ),
            "a shorter time step, or a structure whose bonds are nearer to their lengths".into(),
        ),
        StepError::Cell => (
            "the cell has lost its volume".into(),
            "a longer `time` of the barostat, a pressure that the system can stand, or a start nearer to it".into(),
        ),
    }
}

/// A reliability number and where it was found, in words.
pub(super) fn number(system: &System, measure: Measure, verdict: &Verdict) -> String {
    let of = verdict.atom.map_or(String::new(), |a| {
        let name = system.atoms.elements.get(a).map_or("atom", |e| e.symbol());
        format!(" of atom {a} ({name})")
    });
    format!(
        "{}{of} {}",
        measure.name(),
        with_unit(verdict.value, measure)
    )
}

/// A reliability number with its unit.
pub(super) fn with_unit(value: f64, measure: Measure) -> String {
    let digits = if (1e-3..1e5).contains(&value.abs()) {
        format!("{value:.4}")
    } else {
        format!("{value:.3e}")
    };
    let unit = match measure {
        Measure::Variance => " eV^2",
        Measure::Grade => "",
        Measure::Distance => " /Å",
    };
    digits + unit
}

/// Two atoms and their distance, in words.
pub(super) fn contact(system: &System, c: &Contact) -> String {
    let name = |i: usize| system.atoms.elements.get(i).map_or("atom", |e| e.symbol());
    if c.i == c.j {
        return format!(
            "atom {} ({}) and its own periodic image are {:.3} Å apart",
            c.i,
            name(c.i),
            c.distance
        );
    }
    format!(
        "atoms {} ({}) and {} ({}) are {:.3} Å apart",
        c.i,
        name(c.i),
        c.j,
        name(c.j),
        c.distance
    )
}

/// The atom nearest to atom `i` in the nearest of its periodic images, and its distance (Å).
fn nearest(system: &System, i: usize) -> Option<(usize, f64)> {
    let cell = &system.cell;
    let periodic = cell.periodic();
    let around = |p: bool| if p { -1..=1 } else { 0..=0 };
    let here = system.atoms.positions.get(i)?;
    let mut best: Option<(usize, f64)> = None;
    for (j, x) in system
        .atoms
        .positions
        .iter()
        .enumerate()
        .filter(|(j, _)| *j != i)
    {
        // In fractional coordinates the nearest image lies within one cell vector of the rounded difference.
        let mut s = cell.fractional(std::array::from_fn(|k| x[k] - here[k]));
        (0..3)
            .filter(|&k| periodic[k])
            .for_each(|k| s[k] -= s[k].round());
        for a in around(periodic[0]) {
            for b in around(periodic[1]) {
                for c in around(periodic[2]) {
                    let d = cell.cartesian([
                        s[0] + f64::from(a),
                        s[1] + f64::from(b),
                        s[2] + f64::from(c),
                    ]);
                    let r = d.iter().map(|d| d * d).sum::<f64>().sqrt();
                    if r.is_finite() && best.is_none_or(|(_, least)| r < least) {
                        best = Some((j, r));
                    }
                }
            }
        }
    }
    best
}
