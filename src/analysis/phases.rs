//! Which of several phases is stable: the one of lowest enthalpy (or Gibbs energy), and the pressures at which another takes its place.
//!
//! Two phases have the same enthalpy E + P V at a pressure P exactly where their energies against volumes have a common tangent, of slope -P.

/// A change of the stable phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// The phase below the pressure, and the one above.
    pub phases: [usize; 2],
    /// The pressure.
    pub pressure: f64,
}

/// What is stable in a range of pressures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// The phase at the lowest pressure; none when no phase is known there.
    pub first: Option<usize>,
    /// Every change, in the order of pressures.
    pub transitions: Vec<Transition>,
}

/// How many pressures are looked at before transitions are bracketed.
const GRID: usize = 400;

/// The sequence of phases in a range of pressures. `enthalpies` holds a function of the pressure for each phase, for equal amounts of matter;
/// it gives none where the phase is not known. Phases that are stable in less than a four-hundredth of the range may be missed, and where the
/// known range of the stable phase ends there is no transition.
pub fn sequence(
    enthalpies: &[&dyn Fn(f64) -> Option<f64>],
    (lowest, highest): (f64, f64),
) -> Sequence {
    let stable = |p: f64| {
        let known = enthalpies.iter().enumerate();
        let known = known.filter_map(|(k, h)| Some((k, h(p).filter(|h| h.is_finite())?)));
        known
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|found| found.0)
    };
    let pressure = |k: usize| lowest + (highest - lowest) * k as f64 / GRID as f64;
    let mut found = Sequence {
        first: stable(lowest),
        transitions: Vec::new(),
    };
    if !(highest > lowest) {
        return found;
    }
    let mut before = found.first;
    for k in 1..=GRID {
        let now = stable(pressure(k));
        if let (Some(a), Some(b)) = (before, now) {
            let range = (pressure(k - 1), pressure(k));
            between(
                enthalpies,
                &stable,
                (a, b),
                range,
                0,
                &mut found.transitions,
            );
        }
        found.first = found.first.or(now);
        before = now;
    }
    found
}

/// The pressure in a range at which two phases have the same enthalpy, when it is bracketed by the range.
pub fn coexistence(
    a: &dyn Fn(f64) -> Option<f64>,
    b: &dyn Fn(f64) -> Option<f64>,
    (mut low, mut high): (f64, f64),
) -> Option<f64> {
    let difference = |p: f64| Some(a(p)? - b(p)?);
    let (at_low, at_high) = (difference(low)?, difference(high)?);
    if at_low == 0.0 {
        return Some(low);
    }
    if !(at_low * at_high <= 0.0) {
        return None;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if difference(middle)? * at_low > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(0.5 * (low + high))
}

/// Adds the transitions from `a` to `b` in a range at whose ends these are stable.
fn between(
    enthalpies: &[&dyn Fn(f64) -> Option<f64>],
    stable: &dyn Fn(f64) -> Option<usize>,
    (a, b): (usize, usize),
    range: (f64, f64),
    depth: usize,
    found: &mut Vec<Transition>,
) {
    if a == b {
        return;
    }
    let Some(pressure) = coexistence(enthalpies[a], enthalpies[b], range) else {
        return;
    };
    // A third phase may be lower still where these two are equal.
    let third = stable(pressure).filter(|c| {
        let lower = |other: usize| {
            let (c, o) = (enthalpies[*c](pressure), enthalpies[other](pressure));
            matches!((c, o), (Some(c), Some(o)) if c < o - 1e-12 * o.abs())
        };
        *c != a && *c != b && lower(a) && lower(b)
    });
    match third {
        Some(c) if depth < 20 => {
            let (low, high) = range;
            between(
                enthalpies,
                stable,
                (a, c),
                (low, pressure),
                depth + 1,
                found,
            );
            between(
                enthalpies,
                stable,
                (c, b),
                (pressure, high),
                depth + 1,
                found,
            );
        }
        _ => found.push(Transition {
            phases: [a, b],
            pressure,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::equation_of_state::{EquationOfState, Form};

    /// Two crystals: the transition is where the tangents of E(V) are one line.
    #[test]
    fn a_common_tangent() {
        let of = |e, v| EquationOfState::new(Form::Vinet, [e, v, 0.6, 4.2, 0.0]);
        let (a, b) = (of(-5.0, 20.0), of(-4.7, 15.0));
        let enthalpy = |e: EquationOfState| move |p: f64| Some(e.enthalpy_at(p)?.0);
        let (ha, hb) = (enthalpy(a), enthalpy(b));
        let found = sequence(&[&ha, &hb], (-0.05, 0.3));
        assert_eq!(found.first, Some(0));
        let [t] = found.transitions[..] else {
            panic!("{found:?}")
        };
        assert_eq!(t.phases, [0, 1]);
        let (va, vb) = (
            a.volume_at(t.pressure).unwrap(),
            b.volume_at(t.pressure).unwrap(),
        );
        let slope = (b.energy_at(vb) - a.energy_at(va)) / (vb - va);
        assert!((slope + t.pressure).abs() < 1e-12, "{slope} {t:?}");
        // The other way round, and outside of the range.
        let other = sequence(&[&hb, &ha], (-0.05, 0.3));
        assert_eq!(
            (other.first, other.transitions[0].phases),
            (Some(1), [1, 0])
        );
        assert!((other.transitions[0].pressure - t.pressure).abs() < 1e-14);
        assert!(sequence(&[&ha, &hb], (0.1, 0.3)).transitions.is_empty());
        assert_eq!(sequence(&[&ha, &hb], (0.1, 0.3)).first, Some(1));
    }

    /// A phase that is stable in a window narrower than the grid, between two others.
    #[test]
    fn a_narrow_phase() {
        let line = |h: f64, v: f64| move |p: f64| Some(h + v * p);
        // Lines 0 and 2 cross at p = 1.0003; line 1 is lower there by 1e-4.
        let (a, c) = (line(0.0, 10.0), line(2.0006, 8.0));
        let b = line(10.003 - 9.0 * 1.0003 - 1e-4, 9.0);
        let found = sequence(&[&a, &b, &c], (0.0, 2.0));
        let phases: Vec<[usize; 2]> = found.transitions.iter().map(|t| t.phases).collect();
        assert_eq!(phases, [[0, 1], [1, 2]]);
        assert!((found.transitions[0].pressure - 1.0002).abs() < 1e-12);
        assert!((found.transitions[1].pressure - 1.0004).abs() < 1e-12);
    }

    /// Where a phase is not known there is neither a phase nor a transition.
    #[test]
    fn phases_that_end() {
        let a = |p: f64| (p < 1.0).then_some(-1.0 + p);
        let b = |p: f64| Some(2.0 * p);
        let found = sequence(&[&a, &b], (0.0, 2.0));
        assert_eq!(found.first, Some(0));
        assert!(found.transitions.is_empty(), "{found:?}");
        let none = |_: f64| None;
        assert_eq!(sequence(&[&none], (0.0, 1.0)), Sequence::default());
        assert_eq!(sequence(&[], (0.0, 1.0)), Sequence::default());
    }
}
