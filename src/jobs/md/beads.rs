//! `beads = "auto"`: as many beads as the fastest vibration of the model needs at the temperature.

use crate::deck::{Beads, Deck, MdDeck};
use crate::dynamics::rings::Order;
use crate::error::{Error, Result};
use crate::jobs::parts;
use crate::potential::{Configuration, Evaluation, Evaluator, Term, Want};
use crate::random::{Purpose, normals};
use crate::system::System;
use crate::units::{BOLTZMANN, HBAR, LIGHT_M_S, TIME_FS};
use nalgebra::DMatrix;

/// The part of its energy by which the fastest vibration may be wrong.
const ERROR: f64 = 0.02;
/// So many beads at most; who needs more says so.
const MOST: u32 = 512;

/// Replaces `"auto"` by a number; a line that says which, and why.
///
/// Errors when the structure cannot be evaluated.
pub(super) fn settle(
    deck: &mut Deck,
    md: &mut MdDeck,
    system: &System,
    terms: &[Term],
) -> Result<Option<String>> {
    if md.beads != Beads::Auto {
        return Ok(None);
    }
    // The coldest stage needs most.
    let temperatures = md.schedule();
    let coldest = temperatures
        .iter()
        .flat_map(|s| [s.temperature, s.final_temperature])
        .flatten()
        .chain(md.exchange.iter().flat_map(|e| e.temperatures.clone()))
        .fold(f64::INFINITY, f64::min);
    let mut evaluator = Evaluator::new(terms.to_vec(), md.skin);
    let omega = fastest(&mut evaluator, system).map_err(|e| {
        let (reason, advice) = parts::describe_evaluation_error(e, system);
        Error::file(&deck.system.structure, reason).advise(advice)
    })?;
    let x = HBAR * omega / (BOLTZMANN * coldest);
    let beads = needed(md.rings.order, x);
    deck.set_beads(beads);
    md.beads = Beads::Given(beads);
    let error = relative_error(md.rings.order, x, f64::from(beads));
    Ok(Some(format!(
        "{beads} beads: the fastest vibration has {:.0} /cm, whose energy at {coldest} K is then {:.1} % too {}",
        omega / (2.0 * std::f64::consts::PI) / TIME_FS / (LIGHT_M_S * 1e-13),
        100.0 * error.abs(),
        if error < 0.0 { "low" } else { "high" },
    )))
}

/// The smallest even number of beads with which an oscillator of βħω = `x` has its energy to [`ERROR`].
fn needed(order: Order, x: f64) -> u32 {
    let fits = |p: &u32| relative_error(order, x, f64::from(*p)).abs() < ERROR;
    (2..=MOST).step_by(2).find(fits).unwrap_or(MOST)
}

/// By how much of it the energy of an oscillator is wrong with P beads.
fn relative_error(order: Order, x: f64, beads: f64) -> f64 {
    let exact = 0.5 * x / (0.5 * x).tanh();
    // -β d ln Z/dβ, by a central difference.
    let d = 1e-4;
    let slope = (log_partition(order, x * (1.0 - d), beads)
        - log_partition(order, x * (1.0 + d), beads))
        / (2.0 * d);
    slope / exact - 1.0
}

/// ln Z of an oscillator with P beads: of a chain of springs whose sites have the stiffness a and b in turn, in units of theirs.
fn log_partition(order: Order, x: f64, beads: f64) -> f64 {
    let r2 = (x / beads).powi(2);
    let (a, b) = match order {
        Order::Second => (r2, r2),
        Order::TakahashiImada => {
            let a = r2 + r2 * r2 / 12.0;
            (a, a)
        }
        Order::SuzukiChin { alpha } => (
            2.0 / 3.0 * r2 + 2.0 / 9.0 * alpha * r2 * r2,
            4.0 / 3.0 * r2 + 2.0 / 9.0 * (1.0 - alpha) * r2 * r2,
        ),
    };
    let phi = (0.5 * ((2.0 + a) * (2.0 + b) - 2.0)).acosh();
    -(2.0 * (0.25 * beads * phi).sinh()).ln()
}

/// Most steps of the iteration for the largest eigenvalue.
const STEPS: usize = 60;
/// It has converged when a step changes the eigenvalue by less than this part.
const CONVERGED: f64 = 1e-4;
/// The displacement (Å) of the atom that moves most, in differences of forces.
const DISPLACEMENT: f64 = 2e-3;

/// The largest frequency (inverse internal time) of small vibrations, by Lanczos' iteration on the mass-weighted Hessian, whose
/// products with vectors are differences of forces.
fn fastest(
    evaluator: &mut Evaluator,
    system: &System,
) -> std::result::Result<f64, crate::potential::EvaluationError> {
    let n = 3 * system.atoms.len();
    let roots: Vec<f64> = system
        .atoms
        .masses
        .iter()
        .flat_map(|m| [m.sqrt(); 3])
        .collect();
    let mut results = [Evaluation::default(), Evaluation::default()];
    let mut product = |v: &[f64]| {
        let moves: Vec<f64> = v.iter().zip(&roots).map(|(v, r)| v / r).collect();
        let largest = moves
            .iter()
            .fold(0.0, |a: f64, x| a.max(x.abs()))
            .max(1e-300);
        let d = DISPLACEMENT / largest;
        let place = |sign: f64| -> Vec<[f64; 3]> {
            let mut x = system.atoms.positions.clone();
            let places = x.as_flattened_mut().iter_mut();
            places.zip(&moves).for_each(|(x, m)| *x += sign * d * m);
            x
        };
        let sides = [place(1.0), place(-1.0)];
        let whole = system.configuration();
        let both = [0, 1].map(|k| Configuration {
            positions: &sides[k],
            ..whole
        });
        let want = Want {
            forces: true,
            ..Want::ENERGY
        };
        evaluator.evaluate(&both, want, &mut results)?;
        let [plus, minus] = results.each_ref().map(|r| r.forces.as_flattened());
        Ok((0..n)
            .map(|i| (minus[i] - plus[i]) / (2.0 * d * roots[i]))
            .collect::<Vec<f64>>())
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut v = vec![0.0; n];
    normals(1, Purpose::Displacement, 0, 0, 0, 0, &mut v);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut last = 0.0;
    for _ in 0..STEPS.min(n) {
        let norm = dot(&v, &v).sqrt();
        if norm < 1e-12 {
            break;
        }
        v.iter_mut().for_each(|v| *v /= norm);
        if !basis.is_empty() {
            beside.push(norm);
        }
        let mut w = product(&v)?;
        diagonal.push(dot(&w, &v));
        basis.push(std::mem::take(&mut v));
        // Twice, so that rounding leaves nothing of the earlier vectors.
        for _ in 0..2 {
            for b in &basis {
                let c = dot(&w, b);
                w.iter_mut().zip(b).for_each(|(w, b)| *w -= c * b);
            }
        }
        v = w;
        let k = diagonal.len();
        let tridiagonal = DMatrix::from_fn(k, k, |i, j| match i.abs_diff(j) {
            0 => diagonal[i],
            1 => beside[i.min(j)],
            _ => 0.0,
        });
        let largest = tridiagonal.symmetric_eigenvalues().max();
        let done = k > 4 && (largest - last).abs() < CONVERGED * largest.abs();
        last = largest;
        if done {
            break;
        }
    }
    Ok(last.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_oscillators() {
        // E/ħω of βħω = 10 (exact 0.5000454), to the digits of tables made by other means.
        let energy = |order, p| 0.500_045_40 * (1.0 + relative_error(order, 10.0, p));
        let sc = Order::SuzukiChin { alpha: 0.0 };
        for (order, p, exact) in [
            (Order::Second, 8.0, 0.424_066_40),
            (Order::Second, 32.0, 0.494_052_72),
            (Order::TakahashiImada, 8.0, 0.493_787_34),
            (Order::TakahashiImada, 16.0, 0.499_556_33),
            (sc, 8.0, 0.485_814_69),
            (sc, 16.0, 0.498_800_11),
        ] {
            assert!(
                (energy(order, p) - exact).abs() < 2e-7,
                "{order:?} {p}: {}",
                energy(order, p)
            );
        }
        // A C-H stretch at room temperature.
        assert_eq!(needed(Order::Second, 14.4), 36);
        assert!(needed(sc, 14.4) <= 14);
        assert_eq!(needed(Order::Second, 0.01), 2);
    }
}
