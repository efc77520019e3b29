//! Replica exchange: two systems at different temperatures or pressures change places.
//!
//! Swendsen, Wang, Phys. Rev. Lett. 57, 2607 (1986); with velocities Sugita, Okamoto, Chem. Phys. Lett. 314, 141 (1999); with
//! pressures Okabe, Kawata, Okamoto, Mikami, Chem. Phys. Lett. 335, 435 (2001).

use super::{Integrator, StepError, Walker};
use crate::dynamics::State;
use crate::potential::{Evaluation, EvaluationError, Want};
use crate::units::BOLTZMANN;

/// What came of an attempt to exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchanged {
    /// The probability with which it was to happen.
    pub probability: f64,
    /// Whether it did.
    pub accepted: bool,
}

/// Lets two systems change places with the probability that keeps both ensembles; `uniform` is a random number in [0, 1).
///
/// Temperature, pressure, thermostat and barostat stay; cell, atoms, forces and neighbour lists go over. The ensembles are
///
/// > exp(-β (U + K + P V)) · V dμ(h) Π dx dp
///
/// for each β and P ([`barostat`](crate::dynamics::barostat)). Neither the measure of cells and positions nor masses depend on
/// β and P, and velocities that are multiplied by sqrt(T'/T) keep β K: as one grows what the other shrinks, the volumes of
/// both momentum spaces together stay. What remains is min(1, exp Δ) with
///
/// > Δ = (β_a - β_b)(U_a - U_b) + (β_a P_a - β_b P_b)(V_a - V_b).
///
/// Strain rates of a cell, variables of chains and auxiliary momenta of coloured noise are independent of the atoms in what is
/// sampled, and stay with their temperature.
///
/// # Ring polymers
///
/// Their springs depend on the temperature: H = V̄(x) + Σ ½ m ω_k² u_k² + …, where V̄ is the mean potential energy of the beads
/// (with what the splitting adds to it) and ω_k ∝ T. Internal modes go over as
///
/// > u' = u · sqrt(T'/T) ω_k(T)/ω_k(T') = u · sqrt(T/T'),
///
/// so that β ½ m ω_k² u_k², and with it the distribution of free rings, stays the same. The Jacobian is (T/T')^(n/2) for the n internal
/// modes of the one system and (T'/T)^(n/2) for those of the other: together 1. Velocities go over with
/// sqrt(T' μ_k(T)/(T μ_k(T'))), where μ_k are the masses of the modes, with a Jacobian of 1 by the same argument. Then
///
/// > Δ = β_a [V̄_a(x_a) - V̄_a(x'_b)] + β_b [V̄_b(x_b) - V̄_b(x'_a)] + (β_a P_a - β_b P_b)(V_a - V_b)
///
/// with primes on rings that went over, the centroids where they were. This needs an evaluation of both. The alternative, beads
/// that stay where they are, needs none, but leaves (T_a - T_b)(g_a - g_b) in Δ with the energies T g of the springs, whose
/// scatter grows with the number of beads; Δ then is as noisy as the primitive estimator of the energy, and here as the virial one.
/// With a time between exchanges of many steps the evaluations cost little, and hardly anything is accepted without.
///
/// A place at which the potential cannot be evaluated has no probability. Errors come from anything else that stands in the way
/// of an evaluation.
///
/// # Panics
/// When the two do not stand at the same step.
pub fn exchange(
    a: &mut Walker<'_>,
    b: &mut Walker<'_>,
    uniform: f64,
) -> Result<Exchanged, StepError> {
    assert_eq!(a.state.step, b.state.step, "the same step for both");
    let step = a.state.step;
    let [(beta_a, pressure_a), (beta_b, pressure_b)] =
        [&*a, &*b].map(|w| w.integrator.intensive(step));
    let volume = |w: &Walker<'_>| w.state.system.cell.volume().unwrap_or(0.0);
    let work = (beta_a * pressure_a - beta_b * pressure_b) * (volume(a) - volume(b));
    let energies = [a.state.evaluation.energy, b.state.evaluation.energy];
    let accepted = |delta: f64| {
        let probability = if delta >= 0.0 { 1.0 } else { delta.exp() };
        Exchanged {
            probability,
            accepted: uniform < probability,
        }
    };
    let conserved = [&*a, &*b].map(|w| w.integrator.conserved(w.state));
    let outcome = if a.state.rings.is_none() {
        let outcome = accepted((beta_a - beta_b) * (energies[0] - energies[1]) + work);
        if !outcome.accepted {
            return Ok(outcome);
        }
        trade(a, b);
        outcome
    } else {
        let kept = [&*a, &*b].map(Kept::of);
        trade(a, b);
        let outcome = match evaluate(a).and_then(|()| evaluate(b)) {
            Ok(()) => accepted(
                beta_a * (energies[0] - a.state.evaluation.energy)
                    + beta_b * (energies[1] - b.state.evaluation.energy)
                    + work,
            ),
            Err(StepError::Evaluation(
                EvaluationError::Coincident { .. }
                | EvaluationError::NotFinite { .. }
                | EvaluationError::BehindWall { .. }
                | EvaluationError::Torn { .. },
            )) => Exchanged {
                probability: 0.0,
                accepted: false,
            },
            Err(e) => return Err(e),
        };
        if !outcome.accepted {
            let [kept_a, kept_b] = kept;
            a.evaluator.swap_lists(b.evaluator);
            kept_a.put_back(a);
            kept_b.put_back(b);
            return Ok(outcome);
        }
        outcome
    };
    settle(a, conserved[0]);
    settle(b, conserved[1]);
    Ok(outcome)
}

/// Books what the conserved energy has jumped by, so that its column goes on without a step.
fn settle(w: &mut Walker<'_>, before: f64) {
    let jump = before - w.integrator.conserved(w.state);
    w.integrator.book(jump);
}

/// Everything goes over that belongs to the configuration.
fn trade(a: &mut Walker<'_>, b: &mut Walker<'_>) {
    let step = a.state.step;
    let [beta_a, beta_b] = [&*a, &*b].map(|w| w.integrator.intensive(step).0);
    // T_a/T_b.
    let ratio = beta_b / beta_a;
    std::mem::swap(a.state, b.state);
    a.evaluator.swap_lists(b.evaluator);
    let (one, other) = (&mut *a.integrator, &mut *b.integrator);
    for (x, y) in one.levels.iter_mut().zip(&mut other.levels) {
        std::mem::swap(&mut x.evaluation, &mut y.evaluation);
    }
    std::mem::swap(&mut one.kinetic_mid, &mut other.kinetic_mid);
    one.kinetic_mid *= ratio;
    other.kinetic_mid /= ratio;
    let scale = |state: &mut State, factor: f64| {
        let velocities = state.system.atoms.velocities.as_flattened_mut();
        velocities.iter_mut().for_each(|v| *v *= factor);
    };
    scale(a.state, ratio.sqrt());
    scale(b.state, (1.0 / ratio).sqrt());
    if let Some((at_a, at_b)) = one.rings.as_ref().zip(other.rings.as_ref()) {
        if let Some(rings) = &mut a.state.rings {
            rings.change_temperature(at_b, at_a);
        }
        if let Some(rings) = &mut b.state.rings {
            rings.change_temperature(at_a, at_b);
        }
    }
}

fn evaluate(w: &mut Walker<'_>) -> Result<(), StepError> {
    w.integrator.evaluate(w.state, w.evaluator, Want::DYNAMICS)
}

/// What an attempt that fails has to put back.
struct Kept {
    state: State,
    levels: Vec<Evaluation>,
    kinetic_mid: f64,
}

impl Kept {
    fn of(w: &Walker<'_>) -> Kept {
        let levels = w.integrator.levels.iter();
        Kept {
            state: w.state.clone(),
            levels: levels.map(|l| l.evaluation.clone()).collect(),
            kinetic_mid: w.integrator.kinetic_mid,
        }
    }

    fn put_back(self, w: &mut Walker<'_>) {
        *w.state = self.state;
        for (level, evaluation) in w.integrator.levels.iter_mut().zip(self.levels) {
            level.evaluation = evaluation;
        }
        w.integrator.kinetic_mid = self.kinetic_mid;
    }
}

impl Integrator {
    /// β (1/eV) of the first thermostat and the pressure (eV/Å^3) of the barostat, which is zero without one.
    fn intensive(&self, step: u64) -> (f64, f64) {
        let kt = match self.baths.first() {
            Some(bath) => BOLTZMANN * bath.temperature.at(step),
            None => 0.0,
        };
        let pressure = self.barostat.as_ref().map_or(0.0, |b| b.pressure_at(step));
        (1.0 / kt, pressure)
    }
}
