//! What a step consists of.

use super::{Integrator, Splitting};
use crate::dynamics::barostat::Method;

/// An elementary operation; the number is the fraction of the time step it covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// B: v += h f/m with the forces of a level of the potential (0 is the slowest).
    Kick(f64, usize),
    /// A: x += h v. The cell moves with its own strain rate, and the positions with it.
    Drift(f64),
    /// O: the thermostats.
    Thermostat(f64),
    /// The heat bath of a cell that has a momentum.
    CellBath(f64),
    /// The pressure acts on the cell.
    Cell(f64),
    /// Forces of a level at the present positions.
    Forces(usize),
    /// The last evaluation of a step: of all levels, with everything that is wanted.
    LastForces,
}

impl Integrator {
    /// The list of operations for what there is.
    pub(super) fn arrange(&mut self) {
        use Operation::{Cell, CellBath, Thermostat};
        let ends = self.has_baths() && self.splitting == Splitting::Ends;
        let method = self.barostat.as_ref().map(|b| &b.method);
        let piston = matches!(method, Some(Method::Piston(_)));
        let rescaling = matches!(method, Some(Method::Rescaling(_)));
        let mut list = Vec::new();
        let when = |yes: bool, operation: Operation| yes.then_some(operation);
        list.extend(when(piston, CellBath(0.5)));
        list.extend(when(rescaling && !self.stirs_in_the_middle(), Cell(1.0)));
        list.extend(when(ends, Thermostat(0.5)));
        list.extend(when(piston, Cell(0.5)));
        self.block(0, true, rescaling, &mut list);
        list.extend(when(piston, Cell(0.5)));
        list.extend(when(ends, Thermostat(0.5)));
        list.extend(when(piston, CellBath(0.5)));
        self.operations = list;
    }

    /// The operations of a level in one evaluation of the level above it; `last` when the step ends with them.
    fn block(&self, level: usize, last: bool, rescaling: bool, list: &mut Vec<Operation>) {
        use Operation::{Cell, Drift, Forces, Kick, LastForces, Thermostat};
        let substeps = self.levels[level].substeps;
        let above = level.checked_sub(1).map_or(1, |l| self.levels[l].substeps);
        let fastest = level + 1 == self.levels.len();
        let part = 1.0 / f64::from(substeps);
        for n in 1..=substeps / above {
            let last = last && n == substeps / above;
            list.push(Kick(0.5 * part, level));
            if !fastest {
                self.block(level + 1, last, rescaling, list);
            } else if self.stirs_in_the_middle() {
                list.extend([Drift(0.5 * part), Thermostat(part)]);
                // The strain is decided with the velocities after O, which are canonical; once in a step.
                if rescaling && !list.contains(&Cell(1.0)) {
                    list.push(Cell(1.0));
                }
                list.push(Drift(0.5 * part));
            } else {
                list.push(Drift(part));
            }
            // At the end of the step all levels are evaluated where the fastest is.
            match (last, fastest) {
                (false, _) => list.push(Forces(level)),
                (true, true) => list.push(LastForces),
                (true, false) => {}
            }
            list.push(Kick(0.5 * part, level));
        }
    }
}
