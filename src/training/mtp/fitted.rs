//! What a fit gives back.

use super::problem::Errors;
use crate::elements::Element;
use crate::error::Result;
use crate::io::atomic;
use crate::potential::mtp::MtpFile;
use std::path::Path;

/// A fitted potential.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The contents of its file.
    pub file: MtpFile,
    /// The elements of its species, in their order: the file does not name them.
    pub species: Vec<Element>,
    /// How it was made.
    pub report: Report,
}

/// How a potential was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Number of coefficients.
    pub coefficients: usize,
    /// Number of training frames.
    pub frames: usize,
    /// Number of their atoms.
    pub atoms: usize,
    /// Number of energies and components of forces and virials with a weight.
    pub equations: usize,
    /// Lower end (Å) of the radial basis.
    pub min_dist: f64,
    /// The smallest distance (Å) in the training frames.
    pub closest: f64,
    /// Errors on the training frames.
    pub training: Errors,
    /// Errors on the validation frames, if there are any.
    pub validation: Option<Errors>,
    /// What was minimised, before the first and after each step on all frames.
    pub history: Vec<f64>,
    /// Filled rows of the active set; `None` without one.
    pub active_rows: Option<usize>,
    /// Whether the fit came to its end; `false` when it was stopped.
    pub finished: bool,
}

impl Fitted {
    /// Writes the potential, whole or not at all: `.almtp` with the active set, or `.mtp` without one.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &self.file.render(), "cannot write the potential")
    }
}
