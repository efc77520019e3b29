//! What is simulated: a [`Cell`] and the [`Atoms`] in it. Knows nothing of forces, files or time.

mod atoms;
mod build;
mod cell;
mod image;
mod symmetry;
mod velocities;

pub use atoms::Atoms;
pub use build::{dilated, repeat};
pub use cell::Cell;
pub use image::nearest_image;
pub use symmetry::{AtomFinder, Operation, SpaceGroup};
pub use velocities::{
    kinetic_energy, kinetic_tensor, remove_drift, remove_rotation, rotations, thermal_velocities,
    total_momentum,
};

use crate::elements::Element;

/// A cell with atoms in it.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// The cell.
    pub cell: Cell,
    /// The atoms.
    pub atoms: Atoms,
}

/// What is where at one moment: the part of a system that energies depend on.
#[derive(Clone, Copy)]
pub struct Configuration<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Element of each atom.
    pub elements: &'a [Element],
    /// Cartesian positions (Å), unwrapped.
    pub positions: &'a [[f64; 3]],
}

impl System {
    /// What energies depend on.
    pub fn configuration(&self) -> Configuration<'_> {
        Configuration {
            cell: &self.cell,
            elements: &self.atoms.elements,
            positions: &self.atoms.positions,
        }
    }
}
