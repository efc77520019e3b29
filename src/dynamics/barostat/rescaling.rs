//! Stochastic cell rescaling.

use super::StrainSpace;
use crate::random::{Purpose, Stream};
use nalgebra::Matrix3;

/// Stochastic cell rescaling (Bernetti, Bussi, J. Chem. Phys. 153, 114107 (2020); any shape: Del Tatto, Raiteri, Bernetti,
/// Bussi, Appl. Sci. 12, 1139 (2022)): the cell is a Brownian particle in the enthalpy.
///
/// Each step multiplies the cell by exp(E) with E_k = κ/(3τ) (P - P_ext)_k h + sqrt(2 kT κ h/(3 V τ)) ξ_k along the orthonormal
/// strains of the space, and samples the ensemble of [`super`]. Without the noise it is Berendsen's barostat, which samples no
/// ensemble.
#[derive(Clone, Debug)]
pub struct CellRescaling {
    /// κ/τ: compressibility by relaxation time (Å^3/eV/time).
    mobility: f64,
    seed: u64,
    noise: bool,
    /// The strain that the next drift applies.
    pending: Option<Matrix3<f64>>,
    /// A strain that was applied, and the virial before it: booked when the virial after it is known.
    unbooked: Option<(Matrix3<f64>, Matrix3<f64>)>,
}

/// The largest element of a strain in one step; a cell that is far from its pressure comes closer step by step.
const LARGEST_STRAIN: f64 = 0.01;

impl CellRescaling {
    /// With an estimate of the isothermal `compressibility` (Å^3/eV) and the relaxation time `tau` (internal time); only
    /// their ratio matters, and it sets how fast the cell moves, not what is sampled.
    pub fn new(compressibility: f64, tau: f64, seed: u64) -> CellRescaling {
        CellRescaling {
            mobility: compressibility / tau,
            seed,
            noise: true,
            pending: None,
            unbooked: None,
        }
    }

    /// The same without noise: Berendsen's weak coupling.
    pub fn berendsen(compressibility: f64, tau: f64) -> CellRescaling {
        CellRescaling {
            noise: false,
            ..Self::new(compressibility, tau, 0)
        }
    }

    /// Decides the strain of a step from the sum of m v⊗v and virial (eV) and the target (eV/Å^3).
    pub(crate) fn decide(
        &mut self,
        space: &StrainSpace,
        inner: &Matrix3<f64>,
        outer: &Matrix3<f64>,
        volume: f64,
        kt: f64,
        h: f64,
        draw: u64,
    ) {
        let force = inner / volume - outer;
        let mobility = self.mobility / 3.0;
        let width = (2.0 * kt * mobility * h / volume).sqrt();
        // Never less than the noise: a bound that acts in equilibrium would change what is sampled.
        let largest = LARGEST_STRAIN.max(width);
        let mut noise = Stream::new(self.seed, Purpose::Barostat, draw, 0, 0);
        let mut components = [0.0; 6];
        for (k, e) in components.iter_mut().enumerate().take(space.len()) {
            let drift = mobility * h * space.component(k, &force);
            *e = drift.clamp(-largest, largest);
            if self.noise {
                *e += width * noise.normal();
            }
        }
        self.pending = Some(space.matrix(&components[..space.len()]));
    }

    /// The strain that is to be applied now.
    pub(crate) fn take(&mut self) -> Option<Matrix3<f64>> {
        self.pending.take()
    }

    /// Notes a strain that was applied, and the virial before it.
    pub(crate) fn note(&mut self, strain: Matrix3<f64>, virial: Matrix3<f64>) {
        self.unbooked = Some((strain, virial));
    }

    /// The energy (eV) that the last strain took out of the potential energy, once the virial after it is known: the integral
    /// of virial : strain by the trapezoid, as accurate as the step of Verlet.
    pub(crate) fn book(&mut self, virial: &Matrix3<f64>) -> f64 {
        self.unbooked
            .take()
            .map_or(0.0, |(strain, before)| 0.5 * (before + virial).dot(&strain))
    }
}
