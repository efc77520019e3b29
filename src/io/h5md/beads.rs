//! The beads of a path integral: what is stored of them, and one row as it is given to the writer.

use crate::system::Cell;

/// What a trajectory holds of the beads; fixed when the file is made. Precision, compression and periodicity are those of
/// the frames.
#[derive(Clone, Debug, PartialEq)]
pub struct BeadOptions {
    /// Number of beads P.
    pub beads: usize,
    /// Temperature (K) of the path integral.
    pub temperature: f64,
    /// Whether rows hold the velocities of the beads.
    pub velocities: bool,
    /// Whether rows hold the forces on the beads.
    pub forces: bool,
}

/// One row of beads to be written; internal units.
#[derive(Clone, Copy, Debug)]
pub struct BeadData<'a> {
    /// Number of the time step.
    pub step: u64,
    /// Time since step 0 (fs).
    pub time_fs: f64,
    /// The cell, the same for all beads.
    pub cell: &'a Cell,
    /// Positions (Å), one list for each bead.
    pub positions: &'a [Vec<[f64; 3]>],
    /// Velocities, sqrt(eV/amu); may be empty if the file holds none.
    pub velocities: &'a [Vec<[f64; 3]>],
    /// Force on each bead from the potential at its place (not divided by P), eV/Å; may be empty if the file holds none.
    pub forces: &'a [Vec<[f64; 3]>],
    /// Potential energy of each bead (not divided by P), eV.
    pub energies: &'a [f64],
}

impl BeadData<'_> {
    /// Whether everything is there that `o` asks for, for so many atoms.
    pub(super) fn fits(&self, o: &BeadOptions, atoms: usize) -> bool {
        let whole = |list: &[Vec<[f64; 3]>]| {
            list.len() == o.beads && list.iter().all(|bead| bead.len() == atoms)
        };
        whole(self.positions)
            && (!o.velocities || whole(self.velocities))
            && (!o.forces || whole(self.forces))
            && self.energies.len() == o.beads
    }
}
