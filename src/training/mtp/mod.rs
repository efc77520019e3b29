//! Moment tensor potentials from data: the fit of MLIP's `train`, done as a separable least-squares problem.
//!
//! [`fit`] takes [`Settings`] and labelled frames and gives a [`Fitted`] potential, with its active set. What is minimised is
//! MLIP's own sum of squares ([`Weights`]), so that errors can be compared; how it is minimised is not. MLIP takes some hundred
//! to a thousand steps of a quasi-Newton method with gradients; here every step sees the derivatives of all equations by all coefficients
//! (see the module `site`) and is one of variable projection, of which some tens are enough.

mod active;
mod checkpoint;
mod contraction;
mod environment;
mod fit;
mod fitted;
mod form;
mod kernel;
pub mod level;
mod monomials;
mod optimise;
mod problem;
mod settings;
mod site;
#[cfg(test)]
mod tests;

pub use fit::fit;
pub use fitted::{Fitted, Report};
pub use problem::Errors;
pub use settings::{Form, Settings, Sizes, Weights, planned};
