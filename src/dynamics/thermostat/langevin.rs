//! The Ornstein–Uhlenbeck step of Langevin dynamics, exact for any length of step.

use super::{Exchange, Group, Moment, Thermostat};
use crate::parallel::{self, Disjoint};
use crate::random::Purpose;
use crate::simd::{F64x8, fma, simd_dispatch};
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
    /// What is exchanged with each piece of the group.
    pieces: Vec<Exchange>,
    /// m and 1/sqrt(m) of each component of the group, the latter zero where it is held; made on first use.
    masses: Vec<f64>,
    inverse_roots: Vec<f64>,
    /// Velocities of the group, where it is not all atoms.
    gathered: Vec<[f64; 3]>,
}

/// Atoms per piece of work; sums are taken per piece and then in the order of the pieces.
const PIECE: usize = 1024;

/// Components whose noise is made at once: whole groups of [`normals`](crate::random::normals), and of atoms.
const BLOCK: usize = 384;

impl Langevin {
    /// A thermostat on all atoms with `friction` (inverse internal time).
    pub fn new(friction: f64, seed: u64) -> Langevin {
        Langevin {
            group: Group::All,
            friction,
            seed,
            held: None,
            pieces: Vec::new(),
            masses: Vec::new(),
            inverse_roots: Vec::new(),
            gathered: Vec::new(),
        }
    }

    /// The same on some atoms only; components that are `held` (by atom of the system) get no noise.
    pub fn on(mut self, group: Group, held: Option<Vec<[bool; 3]>>) -> Langevin {
        self.group = group;
        self.held = held;
        self
    }

    fn prepare(&mut self, atoms: &Atoms) {
        let members = self.group.len(atoms.len());
        if self.masses.len() == 3 * members {
            return;
        }
        self.masses.clear();
        self.inverse_roots.clear();
        for place in 0..members {
            let i = self.group.atom(place);
            let held = self.held.as_ref().and_then(|h| h.get(i));
            for k in 0..3 {
                self.masses.push(atoms.masses[i]);
                let free = held.is_none_or(|held| !held[k]);
                let root = atoms.masses[i].sqrt();
                self.inverse_roots.push(if free { 1.0 / root } else { 0.0 });
            }
        }
        self.pieces
            .resize(members.div_ceil(PIECE), Exchange::default());
    }
}

impl Thermostat for Langevin {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        self.prepare(atoms);
        let c = (-self.friction * m.h).exp();
        // 1 - c² without cancellation for weak friction.
        let s = (-(-2.0 * self.friction * m.h).exp_m1()).sqrt() * m.kt.sqrt();
        let (group, seed) = (&self.group, self.seed);
        let (masses, roots) = (&self.masses[..], &self.inverse_roots[..]);
        let pieces = &mut self.pieces;
        group.on_row(&mut atoms.velocities, &mut self.gathered, |row| {
            let n = row.len();
            let velocities = Disjoint::new(row);
            parallel::for_each_mut(pieces, |p, sums| {
                let mut noise = [0.0; BLOCK];
                *sums = Exchange::default();
                let end = (3 * PIECE * (p + 1)).min(n);
                for start in (3 * PIECE * p..end).step_by(BLOCK) {
                    let len = BLOCK.min(end - start);
                    let noise = &mut noise[..len];
                    group.normals(seed, Purpose::Langevin, m.draw, start / 3, 0, noise);
                    // SAFETY: neither pieces nor their blocks overlap.
                    let v = unsafe { velocities.range(start, len) };
                    let place = start..start + len;
                    *sums = *sums + step(v, noise, &roots[place.clone()], &masses[place], c, s);
                }
            });
        });
        Exchange::sum(pieces)
    }
}

simd_dispatch! {
    /// v ← c v + s ξ/sqrt(m), by component, and what that exchanges.
    fn step(v: &mut [f64], noise: &[f64], inverse_roots: &[f64], masses: &[f64], c: f64, s: f64) -> Exchange = step_body;
}

#[inline(always)]
fn step_body<const FMA: bool>(
    v: &mut [f64],
    noise: &[f64],
    inverse_roots: &[f64],
    masses: &[f64],
    c: f64,
    s: f64,
) -> Exchange {
    let (mut before, mut after) = (F64x8::ZERO, F64x8::ZERO);
    let (vs, v_rest) = v.as_chunks_mut::<8>();
    let (xs, x_rest) = noise.as_chunks::<8>();
    let (rs, r_rest) = inverse_roots.as_chunks::<8>();
    let (ms, m_rest) = masses.as_chunks::<8>();
    for (((v, x), r), m) in vs.iter_mut().zip(xs).zip(rs).zip(ms) {
        for l in 0..8 {
            let new = fma::<FMA>(c, v[l], s * r[l] * x[l]);
            before.0[l] = fma::<FMA>(m[l] * v[l], v[l], before.0[l]);
            after.0[l] = fma::<FMA>(m[l] * new, new, after.0[l]);
            v[l] = new;
        }
    }
    for (l, v) in v_rest.iter_mut().enumerate() {
        let new = fma::<FMA>(c, *v, s * r_rest[l] * x_rest[l]);
        before.0[l] = fma::<FMA>(m_rest[l] * *v, *v, before.0[l]);
        after.0[l] = fma::<FMA>(m_rest[l] * new, new, after.0[l]);
        *v = new;
    }
    let total = |lanes: F64x8| 0.5 * lanes.0.iter().sum::<f64>();
    Exchange {
        taken: total(before) - total(after),
        after: total(after),
    }
}
