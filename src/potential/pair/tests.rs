//! Lennard-Jones against the published NIST configurations, when the reference folder is there, and against itself.

use super::{LennardJones, PairParameters, Scheme};
use crate::elements::Element;
use crate::potential::{Configuration, Evaluation, Evaluator, Local, Potential, Term, Want};
use crate::system::Cell;
use std::sync::Arc;

fn evaluate(p: LennardJones, cell: &Cell, positions: &[[f64; 3]], skin: f64) -> Evaluation {
    let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
    let potential: Arc<dyn Potential> = Arc::new(Local(p));
    let mut evaluator = Evaluator::new(vec![Term::new("lj", potential)], skin);
    let mut result = [Evaluation::default()];
    let c = Configuration {
        cell,
        elements: &elements,
        positions,
    };
    evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
    let [r] = result;
    let sites: f64 = r.site_energies.iter().sum();
    assert!((sites - r.energy).abs() < 1e-11 * r.energy.abs().max(1.0));
    r
}

const UNIT: PairParameters = PairParameters {
    epsilon: 1.0,
    sigma: 1.0,
    cutoff: 2.5,
};

#[test]
fn dimer() {
    let cell = Cell::isolated();
    for (scheme, tail) in [
        (Scheme::Truncated, false),
        (Scheme::Shifted, false),
        (Scheme::ForceShifted, false),
    ] {
        let at = |r: f64| {
            evaluate(
                LennardJones::uniform(UNIT, scheme, tail).unwrap(),
                &cell,
                &[[0.0; 3], [0.0, r, 0.0]],
                0.3,
            )
        };
        let v = |r: f64| 4.0 * (r.powi(-12) - r.powi(-6));
        let slope = |r: f64| -48.0 * r.powi(-13) + 24.0 * r.powi(-7);
        for r in [0.9, 1.2, 2.2, 2.499] {
            let (e, f) = match scheme {
                Scheme::Truncated => (v(r), -slope(r)),
                Scheme::Shifted => (v(r) - v(2.5), -slope(r)),
                Scheme::ForceShifted => (
                    v(r) - v(2.5) - (r - 2.5) * slope(2.5),
                    slope(2.5) - slope(r),
                ),
            };
            let got = at(r);
            assert!(
                (got.energy - e).abs() < 1e-12 && (got.forces[1][1] - f).abs() < 1e-11,
                "{scheme:?} {r}"
            );
            assert!((got.virial[1][1] - r * f).abs() < 1e-11);
        }
        assert_eq!(at(2.501).energy, 0.0);
    }
}

#[test]
fn mixtures_agree_with_the_uniform_form() {
    let (ar, ne) = (
        Element::from_symbol("Ar").unwrap(),
        Element::from_symbol("Ne").unwrap(),
    );
    // The same numbers by way of the table; the unlike pair follows from mixing.
    let mixture =
        LennardJones::mixture(&[(ar, ar, UNIT), (ne, ne, UNIT)], Scheme::Truncated, true).unwrap();
    let cell = Cell::new(
        [[3.0, 0.0, 0.0], [0.5, 3.1, 0.0], [-0.4, 0.2, 2.9]],
        [true; 3],
    )
    .unwrap();
    let positions = [[0.1, 0.2, 0.3], [1.4, 1.6, 1.5], [2.6, 0.4, 1.4]];
    let elements = [ar, ne, ar];
    let mut evaluator = Evaluator::new(
        vec![Term::new(
            "lj",
            Arc::new(Local(mixture)) as Arc<dyn Potential>,
        )],
        0.4,
    );
    let mut result = [Evaluation::default()];
    let c = Configuration {
        cell: &cell,
        elements: &elements,
        positions: &positions,
    };
    evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
    let uniform = LennardJones::uniform(UNIT, Scheme::Truncated, true).unwrap();
    let expected = evaluate(uniform, &cell, &positions, 0.1);
    assert!((result[0].energy - expected.energy).abs() < 1e-12 * expected.energy.abs());
    for (a, b) in result[0]
        .forces
        .as_flattened()
        .iter()
        .zip(expected.forces.as_flattened())
    {
        assert!((a - b).abs() < 1e-11);
    }
}

#[test]
fn nonsense_is_refused() {
    let zero = PairParameters {
        cutoff: 0.0,
        ..UNIT
    };
    assert!(LennardJones::uniform(zero, Scheme::Truncated, false).is_err());
    assert!(LennardJones::uniform(UNIT, Scheme::Shifted, true).is_err());
    let negative = PairParameters {
        sigma: -1.0,
        ..UNIT
    };
    let ar = Element::from_symbol("Ar").unwrap();
    assert!(LennardJones::mixture(&[(ar, ar, negative)], Scheme::Shifted, false).is_err());
    let ne = Element::from_symbol("Ne").unwrap();
    assert!(LennardJones::mixture(&[(ar, ne, UNIT)], Scheme::Shifted, false).is_err());
}
