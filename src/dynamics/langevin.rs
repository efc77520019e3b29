//! The Ornstein–Uhlenbeck step of Langevin dynamics, exact for any length of step.

use crate::parallel::{self, Disjoint};
use crate::random::{Purpose, STREAMS, begin_streams};
use crate::system::Atoms;
use crate::units::BOLTZMANN;

/// Friction and noise on every atom: dp = -γ p dt + sqrt(2 m γ kT) dW, solved exactly over a step:
/// v ← c v + sqrt((1-c²) kT/m) ξ with c = exp(-γ h).
///
/// The noise of an atom depends on (seed, step, atom) only, so that it needs no state and no order.
#[derive(Clone, Debug)]
pub struct Langevin {
    /// Target temperature (K).
    pub temperature: f64,
    /// Friction γ (inverse internal time).
    pub friction: f64,
    /// Seed of the noise.
    pub seed: u64,
    /// Kinetic energy (eV) after the last step: distributed canonically, whatever the time step.
    pub kinetic_after: f64,
    /// Kinetic energy before minus after, and kinetic energy after, for each piece of the atoms.
    pieces: Vec<[f64; 2]>,
    /// sqrt(kT/m) of each atom, made on first use.
    speeds: Vec<f64>,
}

/// Atoms per piece of work; sums are taken per piece and then in the order of the pieces.
const PIECE: usize = 1024;

impl Langevin {
    /// A thermostat at `temperature` (K) with `friction` (inverse internal time).
    pub fn new(temperature: f64, friction: f64, seed: u64) -> Langevin {
        Langevin {
            temperature,
            friction,
            seed,
            kinetic_after: 0.0,
            pieces: Vec::new(),
            speeds: Vec::new(),
        }
    }

    /// One step of length `h`. Returns the kinetic energy taken out of the system (eV), to be booked in the conserved energy.
    ///
    /// `draw` numbers the random draws: the step number, or any counter that never repeats in a run.
    pub fn apply(&mut self, atoms: &mut Atoms, h: f64, draw: u64) -> f64 {
        let n = atoms.len();
        if self.speeds.len() != n {
            let kt = BOLTZMANN * self.temperature;
            self.speeds = atoms.masses.iter().map(|m| (kt / m).sqrt()).collect();
        }
        let c = (-self.friction * h).exp();
        // 1 - c² without cancellation for weak friction.
        let s = (-(-2.0 * self.friction * h).exp_m1()).sqrt();
        self.pieces.resize(n.div_ceil(PIECE), [0.0; 2]);
        let (masses, speeds, seed) = (&atoms.masses, &self.speeds, self.seed);
        let velocities = Disjoint::new(&mut atoms.velocities);
        parallel::for_each_mut(&mut self.pieces, |p, sums| {
            let start = p * PIECE;
            let len = PIECE.min(n - start);
            // SAFETY: pieces do not overlap.
            let velocities = unsafe { velocities.range(start, len) };
            let (mut taken, mut after) = (0.0, 0.0);
            for (g, group) in velocities.chunks_mut(STREAMS).enumerate() {
                let first = start + g * STREAMS;
                let mut noise = begin_streams(seed, Purpose::Langevin, draw, first as u64, 0);
                for (k, (v, noise)) in group.iter_mut().zip(&mut noise).enumerate() {
                    let a = first + k;
                    let before = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
                    let width = s * speeds[a];
                    for v in v.iter_mut() {
                        *v = c * *v + width * noise.normal();
                    }
                    let now = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
                    taken += masses[a] * (before - now);
                    after += masses[a] * now;
                }
            }
            *sums = [0.5 * taken, 0.5 * after];
        });
        self.kinetic_after = self.pieces.iter().map(|p| p[1]).sum();
        self.pieces.iter().map(|p| p[0]).sum()
    }
}
