//! Constant forces.

use super::{External, Failed, Sink};
use crate::potential::Symmetry;
use crate::system::Configuration;
use crate::vector::{dot, minus};

/// Constant forces on some atoms: the energy is minus the work, -F·(x - x0), from where the atoms were at first.
///
/// Positions are not wrapped in a run, so that the energy is a function of them in a periodic system, too.
pub struct Push {
    /// Each atom with its force (eV/Å) and where it was at first (Å).
    pub forces: Vec<(u32, [f64; 3], [f64; 3])>,
}

impl External for Push {
    fn name(&self) -> String {
        let total: [f64; 3] =
            std::array::from_fn(|k| self.forces.iter().map(|f| f.1[k]).sum::<f64>());
        let [x, y, z] = total;
        format!(
            "force on {} atoms, ({x:.6}, {y:.6}, {z:.6}) eV/Å in all",
            self.forces.len()
        )
    }

    fn symmetry(&self) -> Symmetry {
        Symmetry::Anchored
    }

    fn fixed_cell(&self) -> Option<&'static str> {
        Some(
            "the work of a constant force has no share in the pressure that would not depend on the origin",
        )
    }

    fn last_atom(&self) -> Option<u32> {
        self.forces.iter().map(|f| f.0).max()
    }

    fn add(&self, c: Configuration<'_>, sink: &mut Sink<'_>) -> Result<(), Failed> {
        for &(atom, force, origin) in &self.forces {
            let x = c.positions[atom as usize];
            sink.energy(atom, -dot(force, minus(x, origin)));
            sink.force(atom, force, x);
        }
        Ok(())
    }
}
