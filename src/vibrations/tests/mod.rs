//! Hessians, modes and thermochemistry against closed forms, differences and published numbers.

mod closed;
mod clusters;
mod symmetry;
mod thermal;

use super::*;
use crate::elements::{Element, Species};
use crate::potential::pair::{LennardJones, PairParameters, Scheme};
use crate::potential::{Evaluation, Evaluator, Local, Term, Want};
use crate::random::{Purpose, Stream};
use crate::system::{Atoms, Cell, System};
use std::sync::Arc;

/// Atoms of mass 1 in the unit of length and energy of a Lennard-Jones potential.
fn lennard_jones(cutoff: f64) -> Vec<Term> {
    let p = PairParameters {
        epsilon: 1.0,
        sigma: 1.0,
        cutoff,
    };
    let model = LennardJones::uniform(p, Scheme::Truncated, false).unwrap();
    vec![Term::new("lj", Arc::new(Local(model)))]
}

fn cluster(positions: &[[f64; 3]], symbol: &str, mass: f64) -> System {
    let mut atoms = Atoms::default();
    for x in positions {
        let element = Element::from_symbol(symbol).unwrap();
        atoms.push(Species { element, mass }, *x);
    }
    System {
        cell: Cell::isolated(),
        atoms,
    }
}

fn rattle(system: &mut System, width: f64, seed: u64) {
    for (i, x) in system.atoms.positions.iter_mut().enumerate() {
        let mut s = Stream::new(seed, Purpose::Displacement, 5, i as u64, 0);
        *x = x.map(|x| x + width * s.normal());
    }
}

/// The Hessian of all atoms.
fn hessian(system: &System, terms: &[Term], how: Differences) -> Hessian {
    let all: Vec<usize> = (0..system.atoms.len()).collect();
    let mut evaluator = Evaluator::new(terms.to_vec(), 0.1);
    let mut rows = Rows::default();
    let found = Hessian::of(system, &mut evaluator, &all, how, &mut rows, &mut |_, _| {
        Ok(true)
    });
    found.unwrap().unwrap()
}

fn differences(step: f64) -> Differences {
    Differences {
        only: true,
        ..Differences::new(step, 10)
    }
}

fn forces(system: &System, terms: &[Term]) -> Evaluation {
    let mut result = [Evaluation::default()];
    Evaluator::new(terms.to_vec(), 0.0)
        .evaluate(&[system.configuration()], Want::ALL, &mut result)
        .unwrap();
    let [result] = result;
    result
}

fn largest_difference(a: &Hessian, b: &Hessian) -> f64 {
    let n = a.matrix.nrows();
    assert_eq!(n, b.matrix.nrows());
    let all = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    all.map(|(i, j)| (a.matrix[(i, j)] - b.matrix[(i, j)]).abs())
        .fold(0.0, f64::max)
}

/// Newton's method to the nearest stationary point, rigid motions left out.
fn settle(system: &mut System, terms: &[Term]) {
    for _ in 0..30 {
        let f = forces(system, terms).forces;
        let h = hessian(system, terms, Differences::new(0.01, 10));
        let (values, vectors) = eigen::eigen(&h.matrix).unwrap();
        let flat = f.as_flattened();
        for (k, value) in values.iter().enumerate().filter(|v| v.1.abs() > 1e-4) {
            let along: f64 = flat
                .iter()
                .enumerate()
                .map(|(i, f)| f * vectors[(i, k)])
                .sum();
            let x = system.atoms.positions.as_flattened_mut();
            let part = along / value.abs();
            x.iter_mut()
                .enumerate()
                .for_each(|(i, x)| *x += part * vectors[(i, k)]);
        }
    }
}
