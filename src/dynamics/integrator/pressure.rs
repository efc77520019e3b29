//! The pressure of a state, what it does to the cell, and the shape that the cell is kept in.

use super::Integrator;
use crate::dynamics::State;
use crate::dynamics::barostat::Method;
use crate::potential::Evaluator;
use crate::system::kinetic_tensor;
use crate::units::BOLTZMANN;
use nalgebra::Matrix3;

/// How many cells away from the origin atoms may be when the cell is reduced.
const FARTHEST: f64 = 10.0;

impl Integrator {
    /// The pressure acts on the cell.
    pub(super) fn cell(&mut self, state: &State, h: f64, draw: u64) {
        let Some(volume) = state.system.cell.volume() else {
            return;
        };
        let kinetic = self.kinetic_tensor(state);
        let virial = match self.barostat.as_ref().map(|b| &b.method) {
            Some(Method::Rescaling(_)) => self.entered,
            _ => self.virial(state),
        };
        let inner = kinetic + virial;
        let Some(b) = &mut self.barostat else {
            return;
        };
        let outer = b.target_at(state.step);
        let kt = BOLTZMANN * b.temperature.at(state.step);
        match &mut b.method {
            Method::Piston(p) => p.kick(&b.space, &inner, &outer, volume, kinetic.trace(), kt, h),
            Method::Rescaling(r) => r.decide(&b.space, &inner, &outer, volume, kt, h, draw),
        }
    }

    /// The pressure tensor times the volume (eV): sum of m v⊗v and virial. With sites (molecules, or what bonds of
    /// fixed length hold together) it is that of their centres of mass, whose mean is the same.
    pub fn stress(&self, state: &State) -> Matrix3<f64> {
        self.kinetic_tensor(state) + self.virial(state)
    }

    fn kinetic_tensor(&self, state: &State) -> Matrix3<f64> {
        let atoms = &state.system.atoms;
        match &self.sites {
            Some(sites) => sites.kinetic(atoms),
            None => {
                let k = kinetic_tensor(atoms);
                Matrix3::from_fn(|i, j| k[i][j])
            }
        }
    }

    /// The symmetric part of the virial (eV).
    pub(super) fn virial(&self, state: &State) -> Matrix3<f64> {
        let w = &state.evaluation.virial;
        let whole = Matrix3::from_fn(|i, j| 0.5 * (w[i][j] + w[j][i]));
        match &self.sites {
            Some(sites) => whole + sites.virial(&state.system.atoms, &state.evaluation.forces),
            None => whole,
        }
    }

    /// Exchanges the vectors of a cell that has tilted too far for shorter ones of the same lattice. That moves no atom.
    pub(super) fn reduce_cell(&self, state: &mut State, evaluator: &Evaluator) {
        let shears = self.barostat.as_ref().is_some_and(|b| b.space.shears());
        if !shears || evaluator.is_anchored() {
            return;
        }
        let Some(reduced) = state.system.cell.reduced() else {
            return;
        };
        // A fluid's cell shears without end. Atoms many cells away would be carried off exponentially, from one reduced
        // cell to the next, until their places had no digits left. What bonds hold together comes back together.
        let atoms = &mut state.system.atoms;
        let far = |x: &[f64; 3]| reduced.fractional(*x).iter().any(|s| s.abs() > FARTHEST);
        if atoms.positions.iter().any(far) {
            for i in 0..atoms.len() {
                let cluster = self
                    .sites
                    .as_ref()
                    .and_then(|s| s.cluster_of(i as u32).map(|k| s.members(k)));
                let x = atoms.positions[i];
                match cluster {
                    None => atoms.positions[i] = reduced.wrap(x),
                    Some(members) if members[0] as usize == i => {
                        let inside = reduced.wrap(x);
                        for &j in members {
                            let y = &mut atoms.positions[j as usize];
                            (0..3).for_each(|k| y[k] += inside[k] - x[k]);
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        state.system.cell = reduced;
    }
}
