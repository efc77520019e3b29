//! Barostats: what keeps the cell at a pressure or a stress.
//!
//! All of them deform the cell by symmetric strains from a [`StrainSpace`]: isotropic, semi-isotropic, or any choice of the six
//! components. The positions follow the cell. The pressure they see is that of the actual velocities plus the virial.

mod piston;
mod rescaling;
mod strain;

pub use piston::{Piston, PistonBath};
pub use rescaling::CellRescaling;
pub use strain::{StrainSpace, VOIGT, exponential};

use super::ramp::Ramp;
use nalgebra::Matrix3;

/// What keeps the cell at a pressure or a stress.
#[derive(Clone, Debug)]
pub struct Barostat {
    /// The strains that are allowed.
    pub space: StrainSpace,
    /// Target of the pressure tensor (eV/Å^3), in the order of [`VOIGT`]; positive for compression.
    pub target: [Ramp; 6],
    /// Temperature (K) at which volumes are sampled.
    pub temperature: Ramp,
    /// How.
    pub method: Method,
}

/// The ways of moving the cell.
#[derive(Clone, Debug)]
pub enum Method {
    /// The cell has a momentum.
    Piston(Piston),
    /// The cell moves like a Brownian particle.
    Rescaling(CellRescaling),
}

impl Barostat {
    /// The target in a step (eV/Å^3).
    pub fn target_at(&self, step: u64) -> Matrix3<f64> {
        let mut m = Matrix3::zeros();
        for (&(i, j), ramp) in VOIGT.iter().zip(&self.target) {
            let p = ramp.at(step);
            m[(i, j)] = p;
            m[(j, i)] = p;
        }
        m
    }

    /// The hydrostatic part of the target (eV/Å^3).
    pub fn pressure_at(&self, step: u64) -> f64 {
        self.target_at(step).trace() / 3.0
    }

    /// What must be remembered between steps.
    pub fn numbers(&self) -> Vec<f64> {
        match &self.method {
            Method::Piston(p) => p.numbers(),
            Method::Rescaling(_) => Vec::new(),
        }
    }

    /// Takes back what [`numbers`](Self::numbers) gave; false when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> bool {
        match &mut self.method {
            Method::Piston(p) => p.restore(numbers),
            Method::Rescaling(_) => numbers.is_empty(),
        }
    }

    /// Energy (eV) in the cell's motion and its heat bath, and the work done against the outside: a part of the conserved
    /// energy.
    pub fn energy(&self) -> f64 {
        match &self.method {
            Method::Piston(p) => p.energy(),
            Method::Rescaling(_) => 0.0,
        }
    }
}
