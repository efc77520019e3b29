//! Barostats: what keeps the cell at a pressure or a stress.
//!
//! All of them deform the cell by symmetric strains from a [`StrainSpace`]: isotropic, semi-isotropic, or any choice of the six
//! components. The positions follow the cell. The pressure they see is that of the actual velocities plus the virial.
//!
//! # What is sampled
//!
//! At a hydrostatic pressure P all methods sample
//!
//! > exp(-(U + K + P V)/kT) · V dμ(h) · Π dx dp,
//!
//! where x are Cartesian positions inside the cell h and dμ is the invariant measure of the strains that are allowed: the
//! one that every further strain h → h exp(E) leaves as it is. That is
//!
//! - isotropic, or along one axis: dμ = d ln V, and so V dμ = dV, the ordinary isobaric ensemble exp(-P V/kT) Z(V) dV with
//!   Z(V) = ∫ exp(-U/kT) dx over the volume (V^N for an ideal gas);
//! - several axes without shear, a to c: dμ = d ln a d ln b d ln c (semi-isotropic: one factor for the two equal ones), V
//!   and the logarithms of the ratios apart: again exp(-P V/kT) Z dV, and a flat measure in the logarithms of the ratios;
//! - any shape: dμ = V⁻³ d⁹h, the Haar measure of the matrices, so that V dμ = V⁻² d⁹h, the partition function of Martyna,
//!   Tobias, Klein, J. Chem. Phys. 101, 4177 (1994). With the shape set apart (V⁻² d⁹h = dV times the Haar measure of
//!   the matrices of determinant 1) the volume once more has exp(-P V/kT) Z dV. In terms of the logarithms a, b, c of the
//!   principal stretches the shape has the measure Π sinh|a - b|, and the lattices of an ideal gas are Siegel's random ones.
//!
//! So **the volume of an ideal gas has the same distribution in all of them, Gamma(N + 1) in units of kT/P**. A centre of
//! mass that is held has no momentum to scale and no place of its own: one atom less, Gamma(N). In general each degree of
//! freedom that is held or bound takes its power of V^(1/3) along.
//!
//! Why: the flow h' = h V_g of a cell with strain rates V_g in the space keeps dμ, since traceless strains have
//! determinant 1 and volumes are multiplied. Positions x' = v + V_g x stretch dx by tr V_g for each atom.
//! Bussi, Zykova and Parrinello's velocities, v' = f/m - V_g v, shrink dp by as much, and what they conserve,
//! H + W V_g²/2 + P V - kT ln V, gives the factor V. The drag of Martyna, Tobias and Klein, tr V_g/N_f on each of N_f
//! degrees of freedom, shrinks dp by tr V_g more: the same factor V, with H + W V_g²/2 + P V conserved. Stochastic cell
//! rescaling is Brownian motion in G = H + P V - kT ln V at constant dμ with the mobility M = κ/(3 τ V): its drift is
//! -M ∂G/∂E + kT ∂M/∂E = κ/(3 τ) (P_inner - P), where the derivative of M takes away the kT tr of that of ln V. Strains that
//! are applied as exp(E) with Itô's increments have the generator Σ (drift X + kT M X²) with X the derivatives along the
//! strains, which keep dμ: no further terms appear for strains that do not commute.
//!
//! **A target that is not hydrostatic** is a true (Cauchy) stress in the lab frame. Its work V σ : dE is no function of the
//! shape of the cell (it depends on the path unless only one strain is free), so there is no partition function: for small
//! strains about a solid's mean shape the difference does not matter, but a fluid or a shape that changes much is driven, not
//! in equilibrium.
//!
//! Time steps: the pistons' errors fall with h². Cell rescaling is of first order in the strain of a step, whose width is
//! sqrt(2 kT κ h/(3 V τ)). In a gas of 8 atoms the volume has no error beyond 0.3 % at 0.027; at 0.038 the mean is too large by
//! 0.2 to 0.5 % and the variance by 1 to 2 %. Strains of real systems are far smaller.

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
