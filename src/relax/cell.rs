//! Cell degrees of freedom: how the deformation of the cell follows from a few numbers, and the gradient by them.

use crate::dynamics::barostat::StrainSpace;
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
    /// Eigenvectors and eigenvalues of the strain; none where F = 1 + U.
    eigen: Option<(Matrix3<f64>, [f64; 3])>,
}

impl Deformation {
    /// Of a symmetric strain. `None` when the cell would have no volume left, or beyond all numbers.
    pub fn of(filter: Filter, strain: &Matrix3<f64>) -> Option<Deformation> {
        if strain.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let deformation = match filter {
            Filter::UnitCell => Deformation {
                f: Matrix3::identity() + strain,
                eigen: None,
            },
            Filter::Frechet => {
                let eigen = strain.symmetric_eigen();
                let (v, l) = (eigen.eigenvectors, eigen.eigenvalues);
                let f = v * Matrix3::from_diagonal(&l.map(f64::exp)) * v.transpose();
                Deformation {
                    // Symmetric to the bit, and exactly one where there is no strain.
                    f: if strain.norm() == 0.0 {
                        Matrix3::identity()
                    } else {
                        0.5 * (f + f.transpose())
                    },
                    eigen: Some((v, [l[0], l[1], l[2]])),
                }
            }
        };
        let det = deformation.f.determinant();
        (det.is_finite() && det > 1e-6 && det < 1e6).then_some(deformation)
    }

    /// The gradient by the strain from the gradient by F: through the derivative of the exponential, which in the basis of the
    /// eigenvectors multiplies each element by a divided difference (Daleckii and Krein).
    pub fn pull_back(&self, by_f: &Matrix3<f64>) -> Matrix3<f64> {
        let by_f = 0.5 * (by_f + by_f.transpose());
        let Some((v, l)) = &self.eigen else {
            return by_f;
        };
        let mut g = v.transpose() * by_f * v;
        for i in 0..3 {
            for j in 0..3 {
                g[(i, j)] *= divided_difference(l[i], l[j]);
            }
        }
        v * g * v.transpose()
    }
}

/// (exp(a) - exp(b)) / (a - b), without loss of digits where a and b are close.
fn divided_difference(a: f64, b: f64) -> f64 {
    let half = 0.5 * (a - b);
    let ratio = if half.abs() < 1e-4 {
        1.0 + half * half / 6.0
    } else {
        half.sinh() / half
    };
    (0.5 * (a + b)).exp() * ratio
}
