//! A configuration with what is known about it.

use crate::system::System;

/// A configuration with what a fit learns from.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledFrame {
    /// Cell, elements and positions (Å).
    pub system: System,
    /// Energy (eV) of the whole frame, in the zero of the data.
    pub energy: Option<f64>,
    /// Forces (eV/Å) on the atoms.
    pub forces: Option<Vec<[f64; 3]>>,
    /// Virial (eV), symmetric, positive trace for compression.
    pub virial: Option<[[f64; 3]; 3]>,
    /// The kind of frame (`config_type`), for sigmas and weights of its own; `default` where the file names none.
    pub kind: String,
    /// Where it came from, as in `train.extxyz, frame 12`.
    pub place: String,
}

impl LabelledFrame {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.system.atoms.len()
    }

    /// True when there is no atom.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
