//! What is simulated: a [`Cell`] and the [`Atoms`] in it. Knows nothing of forces, files or time.

mod atoms;
mod build;
mod cell;
mod velocities;

pub use atoms::Atoms;
pub use build::repeat;
pub use cell::Cell;
pub use velocities::{remove_drift, remove_rotation, kinetic_energy, kinetic_tensor, total_momentum, thermal_velocities};

/// A cell with atoms in it.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// The cell.
    pub cell: Cell,
    /// The atoms.
    pub atoms: Atoms,
}
