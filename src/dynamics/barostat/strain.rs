//! The strains that a barostat may apply.

use nalgebra::{Matrix3, Vector3};

/// Which strains a barostat may apply: an orthonormal basis (in the sense of the sum over squared elements) of a space of
/// symmetric 3×3 matrices, in the Cartesian frame. Rotations are never among them.
#[derive(Clone, Debug, PartialEq)]
pub struct StrainSpace {
    basis: Vec<Matrix3<f64>>,
}

/// The order of the six independent elements of a symmetric matrix.
pub const VOIGT: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)];

impl StrainSpace {
    /// Volume only; the shape stays.
    pub fn isotropic() -> StrainSpace {
        StrainSpace {
            basis: vec![Matrix3::identity() / 3f64.sqrt()],
        }
    }

    /// Along one Cartesian axis (0 to 2), and equally along both others: for layers and membranes. `along` and `across`
    /// say which of the two may change.
    pub fn semi_isotropic(axis: usize, along: bool, across: bool) -> StrainSpace {
        let one = |k: usize| Matrix3::from_fn(|i, j| f64::from(u8::from(i == j && i == k)));
        let mut basis = Vec::new();
        if across {
            let plane: Matrix3<f64> = (0..3).filter(|k| *k != axis).map(one).sum();
            basis.push(plane / 2f64.sqrt());
        }
        if along {
            basis.push(one(axis));
        }
        StrainSpace { basis }
    }

    /// Those elements of [`VOIGT`] that are free: xx, yy, zz, yz, xz, xy.
    pub fn components(free: [bool; 6]) -> StrainSpace {
        let basis = VOIGT.iter().zip(free).filter(|f| f.1).map(|(&(i, j), _)| {
            let mut m = Matrix3::zeros();
            let x = if i == j { 1.0 } else { 0.5f64.sqrt() };
            m[(i, j)] = x;
            m[(j, i)] = x;
            m
        });
        StrainSpace {
            basis: basis.collect(),
        }
    }

    /// Those of these strains that keep the volume: they have no trace, and by their exponential the volume stays as it is.
    #[must_use]
    pub fn at_constant_volume(&self) -> StrainSpace {
        let mut basis: Vec<Matrix3<f64>> = Vec::new();
        for b in &self.basis {
            // Of two strains that change the volume a combination keeps it.
            let mut m = *b;
            let changing: Matrix3<f64> = self.basis.iter().map(|o| o * o.trace()).sum();
            let square = changing.norm_squared();
            if square > 0.0 {
                m -= changing * (m.dot(&changing) / square);
            }
            for o in &basis {
                m -= o * m.dot(o);
            }
            if m.norm() > 1e-6 {
                basis.push(m / m.norm());
            }
        }
        StrainSpace { basis }
    }

    /// Number of independent strains.
    pub fn len(&self) -> usize {
        self.basis.len()
    }

    /// Whether no strain is allowed.
    pub fn is_empty(&self) -> bool {
        self.basis.is_empty()
    }

    /// Whether the shape of the cell may shear, so that it could tilt without end.
    pub fn shears(&self) -> bool {
        self.basis
            .iter()
            .any(|b| b[(0, 1)] != 0.0 || b[(0, 2)] != 0.0 || b[(1, 2)] != 0.0)
    }

    /// The component of a symmetric matrix along basis element `k`.
    #[inline]
    pub fn component(&self, k: usize, m: &Matrix3<f64>) -> f64 {
        self.basis[k].dot(m)
    }

    /// Trace of basis element `k`.
    #[inline]
    pub fn trace(&self, k: usize) -> f64 {
        self.basis[k].trace()
    }

    /// The matrix with these components.
    #[inline]
    pub fn matrix(&self, components: &[f64]) -> Matrix3<f64> {
        self.basis.iter().zip(components).map(|(b, c)| b * *c).sum()
    }
}

/// exp(m) of a symmetric matrix, symmetric to the bit. The strains of a step are small, so that a few terms of the series
/// suffice; larger ones are halved first.
pub fn exponential(m: &Matrix3<f64>) -> Matrix3<f64> {
    if m[(0, 1)] == 0.0 && m[(0, 2)] == 0.0 && m[(1, 2)] == 0.0 {
        let (x, y, z) = (m[(0, 0)], m[(1, 1)], m[(2, 2)]);
        let first = x.exp();
        let same = |a: f64| if a == x { first } else { a.exp() };
        return Matrix3::from_diagonal(&Vector3::new(first, same(y), same(z)));
    }
    let norm = m.norm();
    let halvings = if norm > 0.05 {
        ((norm / 0.05).log2().ceil()).min(60.0) as i32
    } else {
        0
    };
    let x = m * 0.5f64.powi(halvings);
    // By Horner; the rest is below 0.05^10/10!, 3e-20, or 1e-3^6/6!, 2e-21.
    let order = if norm < 1e-3 { 5 } else { 9 };
    let mut sum = Matrix3::identity();
    for k in (1..=order).rev() {
        sum = Matrix3::identity() + x * sum / f64::from(k);
    }
    for _ in 0..halvings {
        sum *= sum;
    }
    0.5 * (sum + sum.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_orthonormal() {
        let spaces = [
            (StrainSpace::isotropic(), 1),
            (StrainSpace::semi_isotropic(2, true, true), 2),
            (StrainSpace::semi_isotropic(0, false, true), 1),
            (StrainSpace::components([true; 6]), 6),
            (StrainSpace::components([true; 6]).at_constant_volume(), 5),
            (
                StrainSpace::components([false, false, true, false, false, false]),
                1,
            ),
        ];
        for (space, n) in spaces {
            assert_eq!(space.len(), n);
            for (a, x) in space.basis.iter().enumerate() {
                for (b, y) in space.basis.iter().enumerate() {
                    assert!((x.dot(y) - f64::from(u8::from(a == b))).abs() < 1e-15);
                }
            }
        }
    }

    #[test]
    fn exponentials() {
        let m = Matrix3::new(0.3, 0.1, -0.2, 0.1, -0.4, 0.05, -0.2, 0.05, 0.7);
        for scale in [1e-6, 1e-2, 1.0, 20.0] {
            let m = m * scale;
            let e = m.symmetric_eigen();
            let exact = e.eigenvectors
                * Matrix3::from_diagonal(&e.eigenvalues.map(f64::exp))
                * e.eigenvectors.transpose();
            let error = (exponential(&m) - exact).norm() / exact.norm();
            assert!(error < 1e-13 * (1.0 + scale), "{scale}: {error}");
        }
        assert_eq!(exponential(&Matrix3::zeros()), Matrix3::identity());
    }
}
