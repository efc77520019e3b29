//! Motion: integrators, thermostats, the conserved quantity, and the guard that stops a run gone wrong.
//!
//! An [`Integrator`] is a list of elementary operations written left to right, as in "BAOAB"; velocity Verlet is
//! "BAB". [`thermostat`]s and [`barostat`]s are data that the operations use; everything a run must remember is in [`State`]
//! and in the numbers that the integrator and its parts give and take, which checkpoints store.

pub mod barostat;
mod chain;
mod constraints;
mod guard;
mod integrator;
mod kernels;
mod ramp;
pub mod rings;
mod sites;
mod sum;
mod thermo;
pub mod thermostat;

pub use chain::{Chain, LONGEST_CHAIN};
pub use constraints::{Bond, Constraints, Unsolved};
pub use guard::{Contact, Guard, Violation};
pub use integrator::{
    Exchanged, Integrator, MOST_SUBSTEPS, Operation, Splitting, StepError, Walker, exchange,
    step_together,
};
pub use ramp::Ramp;
pub use rings::{RingDynamics, Rings};
pub use sites::Sites;
pub use sum::CompensatedSum;
pub use thermo::{RingColumns, ThermoColumns, ThermoRow, name};
pub use thermostat::Langevin;

use crate::potential::{Configuration, Evaluation};
use crate::system::System;

/// The state of a simulation at the end of a step.
#[derive(Clone, Debug)]
pub struct State {
    /// Cell and atoms; of quantum nuclei the centroids of their ring polymers.
    pub system: System,
    /// Energy, forces and (when it was asked for) virial at these positions; with rings the means over their beads, and the
    /// centroid virial.
    pub evaluation: Evaluation,
    /// Number of steps done.
    pub step: u64,
    /// The internal modes of the ring polymers; none for classical nuclei.
    pub rings: Option<Rings>,
}

impl State {
    /// A state at step 0 that has not been evaluated.
    pub fn new(system: System) -> State {
        State {
            system,
            evaluation: Evaluation::default(),
            step: 0,
            rings: None,
        }
    }

    /// The same with quantum nuclei: rings of `beads` beads, which lie at the atoms and are at rest.
    pub fn with_rings(mut self, beads: usize) -> State {
        self.rings = Some(Rings::new(beads, self.system.atoms.len()));
        self
    }

    /// What potentials see of it.
    pub fn configuration(&self) -> Configuration<'_> {
        self.system.configuration()
    }
}
