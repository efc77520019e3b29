//! The matrix of elastic constants: symmetry, averages, stability.

use super::VOIGT;
use nalgebra::{Matrix3, Matrix6};

/// A matrix of elastic constants in Voigt's order (eV/Å³ or any other unit of stress).
#[derive(Clone, Debug, PartialEq)]
pub struct Stiffness(pub Matrix6<f64>);

/// Moduli of a polycrystal, in the unit of the constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moduli {
    /// Bulk modulus: Voigt, Reuss, Hill.
    pub bulk: [f64; 3],
    /// Shear modulus: Voigt, Reuss, Hill.
    pub shear: [f64; 3],
    /// Young's modulus of Hill's averages.
    pub young: f64,
    /// Poisson's ratio of Hill's averages.
    pub poisson: f64,
    /// 5 G_V/G_R + K_V/K_R - 6: zero for an isotropic crystal (Ranganathan, Ostoja-Starzewski, Phys. Rev. Lett. 101, 055504
    /// (2008)).
    pub anisotropy: f64,
}

/// Whether a crystal withstands all small strains.
#[derive(Clone, Debug, PartialEq)]
pub struct Stability {
    /// Eigenvalues of the constants, ascending: all positive in a stable crystal (Born; under pressure Wallace's form).
    pub eigenvalues: [f64; 6],
    /// The strain (Voigt's order, engineering shears) of the smallest one, of unit length.
    pub softest: [f64; 6],
}

impl Stiffness {
    /// The element of the tensor of four indices.
    fn at(&self, i: usize, j: usize, k: usize, l: usize) -> f64 {
        self.0[(voigt(i, j), voigt(k, l))]
    }

    /// Without what is not symmetric under exchange of stress and strain.
    #[must_use]
    pub fn symmetric(&self) -> Stiffness {
        Stiffness(0.5 * (self.0 + self.0.transpose()))
    }

    /// The mean over rotations (a point group).
    #[must_use]
    pub fn symmetrised(&self, rotations: &[Matrix3<f64>]) -> Stiffness {
        let mut sum = Matrix6::zeros();
        for r in rotations {
            // In Voigt's order: C' = M C Mᵀ, where M turns stresses.
            let m = turn(r);
            sum += m * self.0 * m.transpose();
        }
        Stiffness(sum / rotations.len().max(1) as f64)
    }

    /// From the slopes of stresses with strains to second derivatives of the energy per volume by Lagrangian strains: they differ
    /// by the stress at rest (Barron and Klein, Proc. Phys. Soc. 85, 523 (1965); Wallace, Thermodynamics of Crystals (1972)):
    /// C_ijkl = B_ijkl - (σ_ik δ_jl + σ_il δ_jk + σ_jk δ_il + σ_jl δ_ik - 2 σ_ij δ_kl)/2.
    #[must_use]
    pub fn without_stress(&self, stress: &Matrix3<f64>) -> Stiffness {
        let delta = |a: usize, b: usize| f64::from(u8::from(a == b));
        Stiffness(Matrix6::from_fn(|a, b| {
            let ((i, j), (k, l)) = (VOIGT[a], VOIGT[b]);
            let s = |a: usize, b: usize| stress[(a, b)];
            self.at(i, j, k, l)
                - 0.5
                    * (s(i, k) * delta(j, l)
                        + s(i, l) * delta(j, k)
                        + s(j, k) * delta(i, l)
                        + s(j, l) * delta(i, k)
                        - 2.0 * s(i, j) * delta(k, l))
        }))
    }

    /// The compliances; none where a strain costs nothing.
    pub fn compliance(&self) -> Option<Matrix6<f64>> {
        self.0
            .try_inverse()
            .filter(|s| s.iter().all(|x| x.is_finite()))
    }

    /// Averages over orientations; none where a strain costs nothing.
    pub fn moduli(&self) -> Option<Moduli> {
        let (c, s) = (&self.0, self.compliance()?);
        let sums = |m: &Matrix6<f64>| {
            (
                m[(0, 0)] + m[(1, 1)] + m[(2, 2)],
                m[(0, 1)] + m[(0, 2)] + m[(1, 2)],
                m[(3, 3)] + m[(4, 4)] + m[(5, 5)],
            )
        };
        let ((a, b, d), (p, q, r)) = (sums(c), sums(&s));
        let (kv, gv) = ((a + 2.0 * b) / 9.0, (a - b + 3.0 * d) / 15.0);
        let (kr, gr) = (1.0 / (p + 2.0 * q), 15.0 / (4.0 * (p - q) + 3.0 * r));
        let (k, g) = (0.5 * (kv + kr), 0.5 * (gv + gr));
        Some(Moduli {
            bulk: [kv, kr, k],
            shear: [gv, gr, g],
            young: 9.0 * k * g / (3.0 * k + g),
            poisson: (3.0 * k - 2.0 * g) / (2.0 * (3.0 * k + g)),
            anisotropy: 5.0 * gv / gr + kv / kr - 6.0,
        })
    }

    /// Eigenvalues, and the softest strain.
    pub fn stability(&self) -> Stability {
        // With shears weighted by √2 strains are vectors of a space with the usual length (Kelvin, Mandel).
        let weight = |a: usize| if a < 3 { 1.0 } else { 2f64.sqrt() };
        let weighted = Matrix6::from_fn(|a, b| weight(a) * weight(b) * self.symmetric().0[(a, b)]);
        let eigen = weighted.symmetric_eigen();
        let mut order = [0, 1, 2, 3, 4, 5];
        order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
        let softest = eigen.eigenvectors.column(order[0]);
        // Engineering shears are √2 times those components.
        let mut strain: [f64; 6] = std::array::from_fn(|a| weight(a) * softest[a]);
        let largest = strain
            .iter()
            .fold(0.0f64, |m, x| if x.abs() > m.abs() + 1e-9 { *x } else { m });
        let norm = strain.iter().map(|x| x * x).sum::<f64>().sqrt() * largest.signum();
        strain.iter_mut().for_each(|x| *x /= norm);
        Stability {
            eigenvalues: order.map(|k| eigen.eigenvalues[k]),
            softest: strain,
        }
    }

    /// Sets of constants (row, column, from 0) with the same value, up to `tolerance`; those that are zero are left out.
    pub fn distinct(&self, tolerance: f64) -> Vec<(Vec<(usize, usize)>, f64)> {
        let mut sets: Vec<(Vec<(usize, usize)>, f64)> = Vec::new();
        for a in 0..6 {
            for b in a..6 {
                let x = self.0[(a, b)];
                if x.abs() <= tolerance {
                    continue;
                }
                match sets.iter_mut().find(|s| (s.1 - x).abs() <= tolerance) {
                    Some(set) => set.0.push((a, b)),
                    None => sets.push((vec![(a, b)], x)),
                }
            }
        }
        sets
    }
}

impl Stability {
    /// Whether all strains cost energy.
    pub fn is_stable(&self) -> bool {
        self.eigenvalues[0] > 0.0
    }
}

/// The place of a pair of directions in Voigt's order.
fn voigt(i: usize, j: usize) -> usize {
    if i == j { i } else { 6 - i - j }
}

/// How a rotation turns stresses in Voigt's order: σ' = R σ Rᵀ.
fn turn(r: &Matrix3<f64>) -> Matrix6<f64> {
    Matrix6::from_fn(|a, b| {
        let ((i, j), (k, l)) = (VOIGT[a], VOIGT[b]);
        if k == l {
            r[(i, k)] * r[(j, k)]
        } else {
            r[(i, k)] * r[(j, l)] + r[(i, l)] * r[(j, k)]
        }
    })
}
