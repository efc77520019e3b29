//! What acts on atoms from outside of the model: restraints, walls and forces.
//!
//! Each is a [`Potential`] with an energy, so that conserved energies, relaxations and finite differences have it for free. They
//! name atoms by number, ask for no neighbour list, and cost some tens of nanoseconds an atom. Plain data (a
//! [`PositionRestraint`], a [`Wall`], a [`Push`], ...) become one for a system by [`Applied::new`].

mod force;
mod restraints;
mod wall;

pub use force::Push;
pub use restraints::{
    Anchor, AngleRestraint, DistanceRestraint, PositionRestraint, angle, distance,
};
pub use wall::{Law, Surface, Wall};

use super::{
    Configuration, Description, Evaluation, EvaluationError, Gives, Member, Potential, Symmetry,
    Want, Workspace,
};

/// Energy and forces of single atoms, pairs or triplets that are known by number.
pub trait External: Send + Sync {
    /// What it is, in a few words for tables.
    fn name(&self) -> String;

    /// What may be done to all atoms together without changing the energy.
    fn symmetry(&self) -> Symmetry;

    /// Why the cell must keep its shape and volume, a sentence; `None` when it may change.
    fn fixed_cell(&self) -> Option<&'static str> {
        None
    }

    /// Adds its parts to the sink, in a fixed order.
    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed>;

    /// The largest number of an atom that it acts on.
    fn last_atom(&self) -> Option<u32>;
}

/// Why an external energy has no value here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failed {
    /// An atom is on the side of a wall that it cannot reach.
    BehindWall(u32),
    /// Two atoms with a direction between them are at the same place, at this distance (Å).
    Coincident(u32, u32, f64),
}

/// Where the parts of an external energy go.
pub struct Sink<'a> {
    result: &'a mut Evaluation,
    want: Want,
}

impl Sink<'_> {
    /// Adds an energy (eV) that belongs to an atom.
    #[inline]
    pub fn energy(&mut self, atom: u32, energy: f64) {
        self.result.energy += energy;
        self.result.external += energy;
        if self.want.site_energies
            && let Some(e) = self.result.site_energies.get_mut(atom as usize)
        {
            *e += energy;
        }
    }

    /// Adds a force (eV/Å) on an atom; `arm` (Å) is what a strain of cell and positions multiplies: dE/dstrain is
    /// -arm ⊗ force.
    #[inline]
    pub fn force(&mut self, atom: u32, force: [f64; 3], arm: [f64; 3]) {
        if self.want.forces
            && let Some(f) = self.result.forces.get_mut(atom as usize)
        {
            (0..3).for_each(|k| f[k] += force[k]);
        }
        if self.want.virial {
            for (row, a) in self.result.virial.iter_mut().zip(arm) {
                (0..3).for_each(|k| row[k] += a * force[k]);
            }
        }
    }
}

/// An [`External`] as a [`Potential`] of a system with a certain number of atoms.
pub struct Applied<E> {
    external: E,
    atoms: usize,
    description: Description,
}

impl<E: External> Applied<E> {
    /// For systems of `atoms` atoms. `None` when it acts on one that is not there.
    pub fn new(external: E, atoms: usize) -> Option<Applied<E>> {
        if external.last_atom().is_some_and(|a| a as usize >= atoms) {
            return None;
        }
        let description = Description {
            name: external.name(),
            gives: Gives {
                virial: true,
                site_energies: true,
                reliability: None,
            },
            symmetry: external.symmetry(),
            fixed_cell: external.fixed_cell().map(str::to_owned),
            ..Description::default()
        };
        Some(Applied {
            external,
            atoms,
            description,
        })
    }
}

impl<E: External> Potential for Applied<E> {
    fn description(&self) -> &Description {
        &self.description
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        _: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        for (member, (m, result)) in members.iter().zip(results).enumerate() {
            if m.configuration.positions.len() != self.atoms {
                return Err(EvaluationError::OtherAtoms { member });
            }
            let mut sink = Sink { result, want };
            let added = self.external.add(m.configuration, &mut sink);
            added.map_err(|failed| match failed {
                Failed::BehindWall(atom) => EvaluationError::BehindWall {
                    member,
                    atom: atom as usize,
                },
                Failed::Coincident(i, j, distance) => EvaluationError::Coincident {
                    member,
                    i: i as usize,
                    j: j as usize,
                    distance,
                },
            })?;
        }
        Ok(())
    }
}

/// Energy and its derivative of a spring with constant `k` that does nothing within `width` of its rest: k/2 (|x| - width)²
/// beyond.
#[inline]
fn spring(k: f64, x: f64, width: f64) -> (f64, f64) {
    let beyond = (x.abs() - width).max(0.0);
    (0.5 * k * beyond * beyond, k * beyond * x.signum())
}
