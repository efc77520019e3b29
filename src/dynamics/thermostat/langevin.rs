//! The Ornstein–Uhlenbeck step of Langevin dynamics, exact for any length of step.

use super::{Exchange, Group, Moment, Thermostat};
use crate::parallel::{self, Disjoint};
use crate::random::{Purpose, STREAMS, Stream, begin_streams};
use crate::system::Atoms;

/// Friction and noise on every atom: dp = -γ p dt + sqrt(2 m γ kT) dW, solved exactly over a step:
/// v ← c v + sqrt((1-c²) kT/m) ξ with c = exp(-γ h).
///
/// The noise of an atom depends on (seed, step, atom) only, so that it needs no state and no order.
#[derive(Clone, Debug)]
pub struct Langevin {
    group: Group,
    friction: f64,
    seed: u64,
    /// Components that are held and get no noise.
    held: Option<Vec<[bool; 3]>>,
    /// Kinetic energy before minus after, and kinetic energy after, for each piece of the atoms.
    pieces: Vec<[f64; 2]>,
    /// 1/sqrt(m) of each component, zero where it is held; made on first use.
    inverse_roots: Vec<[f64; 3]>,
}

/// Atoms per piece of work; sums are taken per piece and then in the order of the pieces.
const PIECE: usize = 1024;

impl Langevin {
    /// A thermostat on all atoms with `friction` (inverse internal time).
    pub fn new(friction: f64, seed: u64) -> Langevin {
        Langevin {
            group: Group::All,
            friction,
            seed,
            held: None,
            pieces: Vec::new(),
            inverse_roots: Vec::new(),
        }
    }

    /// The same on some atoms only; components that are `held` (by atom of the system) get no noise.
    pub fn on(mut self, group: Group, held: Option<Vec<[bool; 3]>>) -> Langevin {
        self.group = group;
        self.held = held;
        self
    }

    fn prepare(&mut self, atoms: &Atoms) {
        if self.inverse_roots.len() == atoms.len() {
            return;
        }
        self.inverse_roots = atoms.masses.iter().map(|m| [1.0 / m.sqrt(); 3]).collect();
        if let Some(held) = &self.held {
            for (root, held) in self.inverse_roots.iter_mut().zip(held) {
                (0..3).filter(|&k| held[k]).for_each(|k| root[k] = 0.0);
            }
        }
    }
}

impl Thermostat for Langevin {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        let n = atoms.len();
        self.prepare(atoms);
        let c = (-self.friction * m.h).exp();
        // 1 - c² without cancellation for weak friction.
        let s = (-(-2.0 * self.friction * m.h).exp_m1()).sqrt() * m.kt.sqrt();
        let (masses, roots, seed) = (&atoms.masses, &self.inverse_roots, self.seed);
        let one = |a: usize, v: &mut [f64; 3], noise: &mut Stream| {
            let before = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
            for (v, root) in v.iter_mut().zip(roots[a]) {
                *v = c * *v + s * root * noise.normal();
            }
            let now = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
            (masses[a] * (before - now), masses[a] * now)
        };
        if let Group::Some(list) = &self.group {
            let (mut taken, mut after) = (0.0, 0.0);
            for &i in list {
                let mut noise = Stream::new(seed, Purpose::Langevin, m.draw, u64::from(i), 0);
                let (t, a) = one(i as usize, &mut atoms.velocities[i as usize], &mut noise);
                taken += t;
                after += a;
            }
            return Exchange {
                taken: 0.5 * taken,
                after: 0.5 * after,
            };
        }
        self.pieces.resize(n.div_ceil(PIECE), [0.0; 2]);
        let velocities = Disjoint::new(&mut atoms.velocities);
        parallel::for_each_mut(&mut self.pieces, |p, sums| {
            let start = p * PIECE;
            let len = PIECE.min(n - start);
            // SAFETY: pieces do not overlap.
            let velocities = unsafe { velocities.range(start, len) };
            let (mut taken, mut after) = (0.0, 0.0);
            for (g, group) in velocities.chunks_mut(STREAMS).enumerate() {
                let first = start + g * STREAMS;
                let mut noise = begin_streams(seed, Purpose::Langevin, m.draw, first as u64, 0);
                for (k, (v, noise)) in group.iter_mut().zip(&mut noise).enumerate() {
                    let (t, a) = one(first + k, v, noise);
                    taken += t;
                    after += a;
                }
            }
            *sums = [0.5 * taken, 0.5 * after];
        });
        Exchange {
            taken: self.pieces.iter().map(|p| p[0]).sum(),
            after: self.pieces.iter().map(|p| p[1]).sum(),
        }
    }
}
