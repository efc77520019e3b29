//! Relaxation: from a structure to the minimum of its energy near by, of the atoms alone or together with the cell.
//!
//! [`relax`] is all that most callers need. What is varied is one flat vector (`objective`): positions in the frame of a reference
//! cell, then strains; how strains deform the cell is a [`Filter`]. Optimisers are one file each.

mod cell;
mod curvature;
mod fire;
mod idpp;
mod lbfgs;
mod line_search;
mod neb;
mod objective;
mod optimiser;
mod preconditioner;
mod relaxation;
mod settings;
mod symmetry;

#[cfg(test)]
mod tests;

pub use cell::{CellSettings, Filter};
pub use curvature::Curvature;
pub use neb::{
    BandEnd, BandOutcome, BandSettings, BandSnapshot, BandStep, Image, Interpolation, band,
};
pub use objective::Measure;
pub use relaxation::{End, Outcome, Snapshot, Step, relax, resume};
pub use settings::{Method, Settings};
