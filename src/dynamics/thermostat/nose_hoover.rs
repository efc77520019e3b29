//! Nosé–Hoover chains on the atoms.

use super::{Exchange, Group, Moment, Thermostat};
use crate::dynamics::chain::Chain;
use crate::system::Atoms;

/// Nosé–Hoover chains: one for a group, or one for each degree of freedom ("massive").
///
/// Deterministic and continuous; see [`Chain`] for the papers.
#[derive(Clone, Debug)]
pub struct NoseHoover {
    group: Group,
    chains: Vec<Chain>,
    /// For each free component of the group its atom and axis, one for each chain; empty with one chain.
    components: Vec<(u32, u8)>,
}

impl NoseHoover {
    /// One chain of `members` on a group with `freedom` degrees of freedom; period `tau` (internal time).
    pub fn global(group: Group, freedom: usize, tau: f64, members: usize, substeps: u32) -> Self {
        NoseHoover {
            chains: vec![Chain::new(freedom.max(1) as f64, tau, members, substeps)],
            components: Vec::new(),
            group,
        }
    }

    /// A chain for each of the `components`: atoms of the group with an axis that is free.
    pub fn local(
        group: Group,
        components: Vec<(u32, u8)>,
        tau: f64,
        members: usize,
        substeps: u32,
    ) -> Self {
        NoseHoover {
            chains: vec![Chain::new(1.0, tau, members, substeps); components.len()],
            components,
            group,
        }
    }
}

impl Thermostat for NoseHoover {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        if self.components.is_empty() {
            let k = self.group.kinetic_energy(atoms);
            let Some(chain) = self.chains.first_mut() else {
                return Exchange::default();
            };
            let s = chain.advance(2.0 * k, m.kt, m.h);
            self.group.scale(atoms, s);
            return Exchange {
                taken: 0.0,
                after: k * s * s,
            };
        }
        let mut twice = 0.0;
        for (&(atom, axis), chain) in self.components.iter().zip(&mut self.chains) {
            let mass = atoms.masses[atom as usize];
            let v = &mut atoms.velocities[atom as usize][usize::from(axis)];
            *v *= chain.advance(mass * *v * *v, m.kt, m.h);
            twice += mass * *v * *v;
        }
        Exchange {
            taken: 0.0,
            after: 0.5 * twice,
        }
    }

    fn energy(&self) -> f64 {
        self.chains.iter().map(Chain::energy).sum()
    }

    fn numbers(&self) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.chains.len() * Chain::NUMBERS);
        self.chains.iter().for_each(|c| c.save(&mut numbers));
        numbers
    }

    fn restore(&mut self, numbers: &[f64]) -> bool {
        numbers.len() == self.chains.len() * Chain::NUMBERS
            && self
                .chains
                .iter_mut()
                .zip(numbers.chunks_exact(Chain::NUMBERS))
                .all(|(c, n)| c.restore(n))
    }
}
