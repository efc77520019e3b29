//! What is simulated: a [`Cell`] and the [`Atoms`] in it. Knows nothing of forces, files or time.

mod atoms;
mod build;
mod cell;
mod velocities;

pub use atoms::Atoms;
pub use build::repeat;
pub use cell::Cell;
pub use velocities::{
    kinetic_energy, kinetic_tensor, remove_drift, remove_rotation, thermal_velocities,
    total_momentum,
};

/// A cell with atoms in it.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// The cell.
    pub cell: Cell,
    /// The atoms.
    pub atoms: Atoms,
}
