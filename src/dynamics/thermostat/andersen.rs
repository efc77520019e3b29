//! Andersen's collisions.

use super::{Exchange, Group, Moment, Thermostat};
use crate::random::{Purpose, Stream};
use crate::system::Atoms;

/// Collisions with a heat bath (Andersen, J. Chem. Phys. 72, 2384 (1980)): at random times, with a mean rate, an atom gets a
/// new velocity from the Maxwell distribution. Canonical for any rate; the motion between collisions is Newton's.
#[derive(Clone, Debug)]
pub struct Andersen {
    group: Group,
    rate: f64,
    seed: u64,
    /// Free components of each atom of the group.
    free: Vec<[bool; 3]>,
}

impl Andersen {
    /// Collisions of each atom at `rate` (inverse internal time); only the free components get new velocities.
    pub fn new(group: Group, free: Vec<[bool; 3]>, rate: f64, seed: u64) -> Self {
        Andersen {
            group,
            rate,
            seed,
            free,
        }
    }
}

impl Thermostat for Andersen {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        let probability = -(-self.rate * m.h).exp_m1();
        let mut total = Exchange::default();
        for place in 0..self.group.len(atoms.len()) {
            let i = self.group.atom(place);
            let mass = atoms.masses[i];
            let v = &mut atoms.velocities[i];
            let square = |v: &[f64; 3]| v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
            let before = square(v);
            let mut stream = Stream::new(self.seed, Purpose::Andersen, m.draw, i as u64, 0);
            if stream.uniform() < probability {
                let width = (m.kt / mass).sqrt();
                for k in 0..3 {
                    let fresh = width * stream.normal();
                    if self.free[place][k] {
                        v[k] = fresh;
                    }
                }
            }
            let now = square(v);
            total.taken += 0.5 * mass * (before - now);
            total.after += 0.5 * mass * now;
        }
        total
    }
}
