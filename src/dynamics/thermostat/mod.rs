//! Thermostats: what keeps a group of atoms at a temperature.
//!
//! A thermostat changes velocities only. It says how much kinetic energy it took, which the integrator books in the conserved
//! energy; a thermostat with variables of its own (chains) says instead how much energy those hold.

mod andersen;
mod gle;
mod langevin;
mod nose_hoover;
mod rescaling;
#[cfg(test)]
mod tests;

pub use andersen::Andersen;
pub use gle::{Gle, GleMatrices, GleRows};
pub use langevin::Langevin;
pub use nose_hoover::NoseHoover;
pub use rescaling::{Berendsen, VelocityRescaling};

use crate::random::{self, Purpose};
use crate::system::Atoms;
use std::ops::Add;

/// Kinetic energy that a thermostat moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exchange {
    /// Energy (eV) taken out of the atoms and held by nobody: to be booked.
    pub taken: f64,
    /// Kinetic energy (eV) of its atoms afterwards.
    pub after: f64,
}

impl Add for Exchange {
    type Output = Exchange;

    fn add(self, other: Exchange) -> Exchange {
        Exchange {
            taken: self.taken + other.taken,
            after: self.after + other.after,
        }
    }
}

impl Exchange {
    /// What is exchanged with all pieces of a group, in their order.
    fn sum(pieces: &[Exchange]) -> Exchange {
        pieces.iter().fold(Exchange::default(), |sum, p| sum + *p)
    }
}

/// One application of a thermostat.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Target kT (eV).
    pub kt: f64,
    /// Length of the step (internal time).
    pub h: f64,
    /// Numbers the random draws: never the same twice in a run.
    pub draw: u64,
}

/// What keeps a group of atoms at a temperature.
///
/// Everything it remembers from step to step is in [`numbers`](Self::numbers), so that a run can be resumed to the bit.
pub trait Thermostat: Send {
    /// Acts on its atoms.
    fn apply(&mut self, atoms: &mut Atoms, moment: Moment) -> Exchange;

    /// Energy (eV) in variables of its own, a part of the conserved energy.
    fn energy(&self) -> f64 {
        0.0
    }

    /// What must be remembered between steps.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Takes back what [`numbers`](Self::numbers) gave; false when they are not such numbers.
    fn restore(&mut self, numbers: &[f64]) -> bool {
        numbers.is_empty()
    }
}

/// Some of the atoms, or all.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// All atoms.
    All,
    /// These, in rising order.
    Some(Vec<u32>),
}

impl Group {
    /// Number of atoms, of `atoms` in all.
    pub fn len(&self, atoms: usize) -> usize {
        match self {
            Group::All => atoms,
            Group::Some(list) => list.len(),
        }
    }

    /// The atom at a place of the group.
    #[inline]
    pub fn atom(&self, place: usize) -> usize {
        match self {
            Group::All => place,
            Group::Some(list) => list[place] as usize,
        }
    }

    /// Kinetic energy (eV) of its atoms.
    pub fn kinetic_energy(&self, atoms: &Atoms) -> f64 {
        match self {
            Group::All => crate::system::kinetic_energy(atoms),
            Group::Some(list) => {
                let twice: f64 = list
                    .iter()
                    .map(|&i| {
                        let v = atoms.velocities[i as usize];
                        atoms.masses[i as usize] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
                    })
                    .sum();
                0.5 * twice
            }
        }
    }

    /// Multiplies the velocities of its atoms.
    pub fn scale(&self, atoms: &mut Atoms, factor: f64) {
        match self {
            Group::All => atoms
                .velocities
                .as_flattened_mut()
                .iter_mut()
                .for_each(|v| *v *= factor),
            Group::Some(list) => {
                for &i in list {
                    for v in &mut atoms.velocities[i as usize] {
                        *v *= factor;
                    }
                }
            }
        }
    }

    /// Acts on the velocities of its atoms as one row of components; `copy` is memory for them, used where the group is not
    /// all atoms.
    fn on_row<R>(
        &self,
        velocities: &mut [[f64; 3]],
        copy: &mut Vec<[f64; 3]>,
        act: impl FnOnce(&mut [f64]) -> R,
    ) -> R {
        match self {
            Group::All => act(velocities.as_flattened_mut()),
            Group::Some(list) => {
                copy.clear();
                copy.extend(list.iter().map(|&i| velocities[i as usize]));
                let result = act(copy.as_flattened_mut());
                for (&i, v) in list.iter().zip(copy) {
                    velocities[i as usize] = *v;
                }
                result
            }
        }
    }

    /// Standard normals for the components of its atoms from a place on: for each atom the same in any group.
    fn normals(
        &self,
        seed: u64,
        purpose: Purpose,
        step: u64,
        place: usize,
        draw: u32,
        out: &mut [f64],
    ) {
        match self {
            Group::All => random::normals(seed, purpose, step, 0, place as u64, draw, out),
            Group::Some(list) => {
                let atoms = &list[place..place + out.len() / 3];
                random::normals_of(seed, purpose, step, 0, atoms, draw, out);
            }
        }
    }
}
