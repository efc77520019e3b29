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

/// The gradient of the enthalpy by everything that is varied, against differences, for random cells, filters, strains and stresses.
#[test]
fn gradients_of_the_enthalpy() {
    use super::cell::{CellSettings, Filter};
    use super::objective::{Objective, Point};
    use crate::dynamics::barostat::StrainSpace;
    use crate::random::{Purpose, Stream};
    let spaces = [
        StrainSpace::components([true; 6]),
        StrainSpace::isotropic(),
        StrainSpace::components([true, true, false, false, false, true]),
        StrainSpace::components([true; 6]).at_constant_volume(),
    ];
    let p = PairParameters {
        epsilon: 1.0,
        sigma: 1.0,
        cutoff: 3.0,
    };
    let mut draws = Stream::new(3, Purpose::Displacement, 0, 0, 0);
    let mut noise = |width: f64| width * (draws.uniform() - 0.5);
    for (k, strains) in spaces.into_iter().enumerate() {
        for filter in [Filter::Frechet, Filter::UnitCell] {
            let rows = std::array::from_fn(|i| {
                std::array::from_fn(|j| f64::from(u8::from(i == j)) * 1.6 + noise(0.2))
            });
            let cell = Cell::new(rows, [true; 3]).unwrap();
            let places = [[0.0; 3], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
            let positions = places.map(|s| cell.cartesian(s).map(|x| x + noise(0.1)));
            let mut system = argon(cell, &positions);
            let model = LennardJones::uniform(p, Scheme::ForceShifted, false).unwrap();
            let mut evaluator = Evaluator::new(vec![Term::new("lj", Arc::new(Local(model)))], 0.3);
            let target = [[-1.0, 0.2, 0.1], [0.2, 0.5, -0.3], [0.1, -0.3, 2.0]];
            let settings = Settings {
                cell: Some(CellSettings {
                    filter,
                    strains: strains.clone(),
                    target,
                    tolerance: None,
                }),
                ..Settings::atoms(1e-3)
            };
            let mut objective = Objective::new(&mut system, &mut evaluator, &settings, None);
            let n = objective.len();
            let mut point = Point {
                x: vec![0.0; n],
                ..Point::default()
            };
            objective.place(&mut point.x);
            // Far from no strain, where the derivative of the exponential matters.
            point.x[12..].iter_mut().for_each(|u| *u = noise(0.5));
            objective.evaluate(&mut point).unwrap();
            for i in 0..n {
                let h = 1e-5;
                let mut at = |d: f64| {
                    let mut there = point.clone();
                    there.x[i] += d;
                    objective.evaluate(&mut there).unwrap();
                    there.measure.enthalpy
                };
                let difference = (at(-2.0 * h) - at(2.0 * h) + 8.0 * (at(h) - at(-h))) / (12.0 * h);
                let gradient = point.gradient[i];
                let off = (difference - gradient).abs() / (1.0 + gradient.abs());
                assert!(off < 1e-7, "{k} {filter:?} {i}: {difference} {gradient}");
            }
            if k == 3 && filter == Filter::Frechet {
                let volume = point.measure.volume / objective.reference().volume().unwrap();
                assert!((volume - 1.0).abs() < 1e-12);
            }
        }
    }
}
