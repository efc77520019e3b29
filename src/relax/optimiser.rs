//! The optimisers under one name.

use super::fire::Fire;
use super::lbfgs::Lbfgs;
use super::objective::{Objective, Point};
use super::preconditioner::Preconditioner;
use super::relaxation::Advance;
use super::settings::Method;

/// An optimiser with its memory.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Optimiser {
    /// L-BFGS, with or without a preconditioner.
    Lbfgs(Box<Lbfgs>),
    /// FIRE 2.0.
    Fire(Box<Fire>),
}

impl Optimiser {
    /// One that knows nothing yet.
    pub fn new(method: Method) -> Optimiser {
        match method {
            Method::Lbfgs => Optimiser::Lbfgs(Box::default()),
            Method::Preconditioned => {
                Optimiser::Lbfgs(Box::new(Lbfgs::with(Preconditioner::default())))
            }
            Method::Fire => Optimiser::Fire(Box::default()),
        }
    }

    /// One step.
    pub fn step(&mut self, objective: &mut Objective<'_>, point: &mut Point) -> Advance {
        match self {
            Optimiser::Lbfgs(o) => o.step(objective, point),
            Optimiser::Fire(o) => o.step(objective, point),
        }
    }

    /// Whether its memory is of a space with so many dimensions.
    pub fn fits(&self, dimensions: usize) -> bool {
        match self {
            Optimiser::Lbfgs(o) => o.fits(dimensions),
            Optimiser::Fire(o) => o.fits(dimensions),
        }
    }

    /// Forgets what was learned of the way so far.
    pub fn forget(&mut self) {
        match self {
            Optimiser::Lbfgs(o) => o.forget(),
            Optimiser::Fire(o) => o.forget(),
        }
    }
}
