//! Generalised Langevin equation: coloured noise from auxiliary momenta.

mod matrices;
mod rows;
#[cfg(test)]
mod tests;

pub use matrices::{GleMatrices, LARGEST_GLE};
pub use rows::GleRows;

use super::{Exchange, Group, Moment, Thermostat};
use crate::random::Purpose;
use crate::system::Atoms;

/// Generalised Langevin dynamics (Ceriotti, Bussi, Parrinello, J. Chem. Theory Comput. 6, 1170 (2010)) of classical atoms;
/// see [`GleRows`] for its step.
#[derive(Clone, Debug)]
pub struct Gle {
    group: Group,
    seed: u64,
    /// Free components of each atom of the group.
    free: Vec<[bool; 3]>,
    rows: GleRows,
    /// sqrt(m) of each component of the group, zero where it is held; made on first use.
    roots: Vec<f64>,
    /// Velocities of the group, where it is not all atoms.
    gathered: Vec<[f64; 3]>,
}

impl Gle {
    /// On a group of atoms of which only the `free` components move.
    pub fn new(group: Group, free: Vec<[bool; 3]>, matrices: GleMatrices, seed: u64) -> Gle {
        let rows = GleRows::new(matrices, 3 * free.len());
        Gle {
            group,
            seed,
            free,
            rows,
            roots: Vec::new(),
            gathered: Vec::new(),
        }
    }
}

impl Thermostat for Gle {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        if self.roots.is_empty() {
            for (place, free) in self.free.iter().enumerate() {
                let root = atoms.masses[self.group.atom(place)].sqrt();
                self.roots.extend(free.map(|f| if f { root } else { 0.0 }));
            }
        }
        let (group, seed, roots, rows) = (&self.group, self.seed, &self.roots, &mut self.rows);
        group.on_row(&mut atoms.velocities, &mut self.gathered, |velocities| {
            rows.apply(velocities, roots, m.kt, m.h, |column, draw, out| {
                group.normals(seed, Purpose::Gle, m.draw, column / 3, draw, out);
            })
        })
    }

    fn numbers(&self) -> Vec<f64> {
        self.rows.auxiliary().to_vec()
    }

    fn restore(&mut self, numbers: &[f64]) -> bool {
        self.rows.restore(numbers)
    }
}
