//! Small relaxations with every method.

use super::{End, Method, Settings, relax};
use crate::elements::{Element, Species};
use crate::potential::pair::{LennardJones, PairParameters, Scheme};
use crate::potential::{Evaluator, Local, Term};
use crate::system::{Atoms, Cell, System};
use std::sync::Arc;

/// Lennard-Jones with ε = σ = 1.
pub(super) fn lennard_jones(cutoff: f64) -> Evaluator {
    let p = PairParameters {
        epsilon: 1.0,
        sigma: 1.0,
        cutoff,
    };
    let model = LennardJones::uniform(p, Scheme::Truncated, false).unwrap();
    Evaluator::new(vec![Term::new("lj", Arc::new(Local(model)))], 0.5)
}

pub(super) fn argon(cell: Cell, positions: &[[f64; 3]]) -> System {
    let mut atoms = Atoms::default();
    let species = Species {
        element: Element::from_number(18).unwrap(),
        mass: 1.0,
    };
    positions.iter().for_each(|x| atoms.push(species, *x));
    System { cell, atoms }
}

#[test]
fn dimer() {
    for method in [Method::Lbfgs, Method::Preconditioned, Method::Fire] {
        let mut system = argon(Cell::isolated(), &[[0.0; 3], [1.3, 0.2, -0.1]]);
        let settings = Settings::atoms(1e-9).by(method);
        let outcome = relax(
            &mut system,
            &mut lennard_jones(20.0),
            &settings,
            &mut |_| true,
        );
        let outcome = outcome.unwrap();
        assert_eq!(outcome.end, End::Converged, "{method:?}");
        assert!((outcome.measure.energy + 1.0).abs() < 1e-12);
        let [a, b] = [system.atoms.positions[0], system.atoms.positions[1]];
        let r = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
        assert!((r - 2f64.powf(1.0 / 6.0)).abs() < 1e-9);
    }
}

#[test]
fn fcc_cell() {
    let a = 1.6;
    let fcc = [
        [0.0, 0.0, 0.0],
        [0.5, 0.5, 0.0],
        [0.5, 0.0, 0.5],
        [0.0, 0.5, 0.5],
    ];
    let positions = fcc.map(|x| x.map(|x| x * a));
    for method in [Method::Lbfgs, Method::Preconditioned, Method::Fire] {
        let cell = Cell::new(
            [[a, 0.0, 0.0], [0.05, a, 0.0], [0.0, 0.02, a * 0.98]],
            [true; 3],
        );
        let mut system = argon(cell.unwrap(), &positions);
        system.atoms.positions[1][0] += 0.05;
        let settings = Settings::atoms_and_cell(1e-7).by(method);
        let p = PairParameters {
            epsilon: 1.0,
            sigma: 1.0,
            cutoff: 6.0,
        };
        let model = LennardJones::uniform(p, Scheme::ForceShifted, false).unwrap();
        let mut evaluator = Evaluator::new(vec![Term::new("lj", Arc::new(Local(model)))], 0.5);
        let outcome = relax(&mut system, &mut evaluator, &settings, &mut |_| true).unwrap();
        assert_eq!(outcome.end, End::Converged, "{method:?}");
        println!(
            "{method:?}: {} steps, {} calls, E {:.9} V {:.9}",
            outcome.steps, outcome.calls, outcome.measure.energy, outcome.measure.volume
        );
        let (lengths, angles) = system.cell.lengths_and_angles();
        assert!((lengths[0] - lengths[1]).abs() < 1e-6 && (lengths[0] - lengths[2]).abs() < 1e-6);
        assert!(angles.iter().all(|a| (a - 90.0).abs() < 1e-5), "{angles:?}");
    }
}
