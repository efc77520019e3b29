//! The structure file of VASP (POSCAR, CONTCAR), version 5 and later.
//!
//! Read: one or three scale factors (a negative one is the volume), the symbols line (of VASP 4 files without it: the
//! comment line if it names a symbol for each count), `Selective dynamics` as the logical column `move_mask` (T where
//! an atom may move, as ASE has it in extended XYZ), direct or Cartesian positions, velocities in Å/fs. Velocities that
//! are all zero, as relaxations leave them, count as none. The system is periodic in three directions.
//!
//! Written: Cartesian positions, which keep their bits, grouped by element as VASP needs them (see [`atom_order`]),
//! the column `move_mask`, and velocities. Masses cannot be said in this format.

mod reader;
mod writer;

pub(super) use reader::read;
pub use writer::atom_order;
pub(super) use writer::render;

use crate::units::TIME_FS;

/// The name of the column of `Selective dynamics`.
const MOVE_MASK: &str = "move_mask";

/// A velocity of the file in internal units.
fn from_angstrom_per_fs(v: f64) -> f64 {
    v * TIME_FS
}
