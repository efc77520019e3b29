//! Equations of state: one folder for each kind of matter.

mod columns;
mod fluid;
mod solid;
mod virial;

use super::{Outcome, RunOptions};
use crate::deck::{Deck, EosDeck};
use crate::error::Result;
use crate::report::{Console, Page};

/// Runs the job.
pub fn run(deck: &Deck, job: &EosDeck, options: &RunOptions, console: &Console) -> Result<Outcome> {
    match job {
        EosDeck::Solid(solid) => solid::run(deck, solid, options, console),
        EosDeck::Fluid(fluid) => fluid::run(deck, fluid, options, console),
        EosDeck::Virial(virial) => virial::run(deck, virial, options, console),
    }
}

/// What a run would do and cost.
pub fn check(deck: &Deck, job: &EosDeck) -> Result<Page> {
    match job {
        EosDeck::Solid(solid) => solid::check(deck, solid),
        EosDeck::Fluid(fluid) => fluid::check(deck, fluid),
        EosDeck::Virial(virial) => virial::check(deck, virial),
    }
}
