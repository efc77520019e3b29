//! The data file of LAMMPS, as `read_data` and `write_data` have it.
//!
//! Read: the box in orthogonal, restricted triclinic (`xy xz yz`) or general triclinic form (`avec`, `bvec`, `cvec`),
//! `Masses`, `Atom Type Labels`, `Atoms` in the styles atomic, charge, molecular (also bond, angle) and full, and
//! `Velocities`; other sections are passed over. Atoms are sorted by their id and unwrapped by their image flags;
//! charges become the column `initial_charges`, molecule numbers `mol_id`. Types become elements by the species of
//! [`ReadOptions`](super::ReadOptions), the type label, the remark after the mass (`28.085 # Si`), or the mass itself
//! when it is within 0.05 amu of the standard weight of exactly one element. The file does not say which directions
//! are periodic; all three are taken to be.
//!
//! A data file does not name its units either, unless `write_data` put them into the first line: metal is assumed
//! (Å, Å/ps, amu), or what the options say.
//!
//! Written: style atomic in metal units. A cell that LAMMPS cannot take as it is (a along x, b in the xy plane, right
//! handed) is rotated, positions and velocities with it; of a left-handed one c is replaced by -c, which spans the same
//! lattice. Positions keep their bits when nothing is rotated.

mod atom_line;
mod parts;
mod reader;
mod types;
mod writer;

pub(super) use reader::read;
pub(super) use writer::render;

use crate::units::TIME_FS;

/// Units of a LAMMPS data file. Lengths (Å) and masses (amu) are the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LammpsUnits {
    /// Velocities in Å/ps.
    #[default]
    Metal,
    /// Velocities in Å/fs.
    Real,
}

impl LammpsUnits {
    /// A velocity of the file in internal units.
    fn velocity(self, v: f64) -> f64 {
        match self {
            LammpsUnits::Metal => v * (TIME_FS / 1000.0),
            LammpsUnits::Real => v * TIME_FS,
        }
    }
}
