//! Cell degrees of freedom: how the deformation of the cell follows from a few numbers, and the gradient by them.

use crate::dynamics::barostat::{StrainSpace, exponential};
use nalgebra::Matrix3;

/// How the deformation gradient F follows from the numbers that are varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Filter {
    /// F = exp(U): the numbers are logarithmic strains, and equal steps up and down in volume are equal steps (that of ASE's
    /// `FrechetCellFilter`).
    #[default]
    Frechet,
    /// F = 1 + U (Tadmor, Smith, Bernstein, Kaxiras, Phys. Rev. B 59, 235 (1999); ASE's `UnitCellFilter`).
    UnitCell,
}

/// The cell in a relaxation.
#[derive(Clone, Debug, PartialEq)]
pub struct CellSettings {
    /// How the cell follows from the numbers that are varied.
    pub filter: Filter,
    /// The strains that are allowed, in the Cartesian frame.
    pub strains: StrainSpace,
    /// The stress (eV/Å^3, tension positive) that the relaxed cell shall have; minus the pressure on its diagonal.
    pub target: [[f64; 3]; 3],
    /// Largest component of stress minus target (eV/Å^3), among the allowed strains, of a relaxed cell. `None`: no row of the residual
    /// virial per atom may be longer than the number of `fmax` (as ASE counts rows of the cell as atoms).
    pub tolerance: Option<f64>,
}

impl Default for CellSettings {
    fn default() -> Self {
        CellSettings {
            filter: Filter::Frechet,
            strains: StrainSpace::components([true; 6]),
            target: [[0.0; 3]; 3],
            tolerance: None,
        }
    }
}

impl CellSettings {
    /// All strains free under a pressure (eV/Å^3).
    pub fn under_pressure(pressure: f64) -> Self {
        let mut target = [[0.0; 3]; 3];
        for (k, row) in target.iter_mut().enumerate() {
            row[k] = -pressure;
        }
        CellSettings {
            target,
            ..Self::default()
        }
    }

    /// The pressure of the target (eV/Å^3), a third of its trace.
    pub fn pressure(&self) -> f64 {
        -(self.target[0][0] + self.target[1][1] + self.target[2][2]) / 3.0
    }

    /// What the target has beside its pressure (eV/Å^3, tension positive).
    pub(super) fn shear(&self) -> Matrix3<f64> {
        let t = &self.target;
        let m = Matrix3::from_fn(|i, j| 0.5 * (t[i][j] + t[j][i]));
        m + Matrix3::identity() * self.pressure()
    }
}

/// The deformation gradient of a strain, and the linear map from gradients by F to gradients by the strain.
pub(super) struct Deformation {
    /// F: rows of the cell and positions are multiplied by it from the right.
    pub f: Matrix3<f64>,
    filter: Filter,
    strain: Matrix3<f64>,
}

impl Deformation {
    /// Of a symmetric strain. `None` when the cell would have no volume left, or beyond all numbers.
    pub fn of(filter: Filter, strain: &Matrix3<f64>) -> Option<Deformation> {
        // Also false for what is not a number.
        let sensible = strain.norm() < 3.0;
        if !sensible {
            return None;
        }
        let f = match filter {
            Filter::UnitCell => Matrix3::identity() + strain,
            Filter::Frechet => exponential(strain),
        };
        (f.determinant() > 1e-3).then_some(Deformation {
            f,
            filter,
            strain: *strain,
        })
    }

    /// The gradient by the strain from the gradient by F.
    pub fn pull_back(&self, by_f: &Matrix3<f64>) -> Matrix3<f64> {
        let by_f = 0.5 * (by_f + by_f.transpose());
        match self.filter {
            Filter::UnitCell => by_f,
            // The derivative of the exponential at a symmetric matrix is its own transpose.
            Filter::Frechet => exponential_derivative(&self.strain, &by_f),
        }
    }
}

/// The derivative (of Fréchet) of exp at a matrix along another, by the derivative of the series and of its squarings (Al-Mohy, Higham,
/// SIAM J. Matrix Anal. Appl. 30, 1639 (2009)).
fn exponential_derivative(m: &Matrix3<f64>, along: &Matrix3<f64>) -> Matrix3<f64> {
    let norm = m.norm();
    let halvings = if norm > 0.05 {
        (norm / 0.05).log2().ceil().min(60.0) as i32
    } else {
        0
    };
    let scale = 0.5f64.powi(halvings);
    let (x, d) = (m * scale, along * scale);
    let mut e = Matrix3::identity();
    let mut l = Matrix3::zeros();
    // By Horner; the rest is below 0.05^11/11!.
    for k in (1..=11).rev() {
        l = (d * e + x * l) / f64::from(k);
        e = Matrix3::identity() + x * e / f64::from(k);
    }
    for _ in 0..halvings {
        l = e * l + l * e;
        e *= e;
    }
    l
}
