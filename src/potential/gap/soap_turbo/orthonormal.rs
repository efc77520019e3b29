//! The orthonormal radial functions W p, with W = S^(-1/2) of the overlaps S, without the loss of digits that W brings.
//!
//! The condition of S grows a hundredfold with every polynomial (10^13 for eight), so that W p, a sum of large terms that
//! cancel, is never formed. Orthonormal functions of the same span are known in closed form: with v = 1 - x,
//! `q_j = sqrt(2j+7) v³ P_j(2v - 1)`, P_j the Jacobi polynomials of weight (1 + z)^6. The given ones are p = L q with L
//! lower triangular, so S = L L^T and W p = W L q = O q, where O = S^(-1/2) L is the orthogonal factor of L = S^(1/2) O. It is
//! found by Newton's iteration for the polar decomposition (Higham, SIAM J. Sci. Stat. Comput. 7, 1160 (1986)) with thirty
//! digits.

use super::integrals::Quadrature;
use crate::potential::gap::extended::Extended;
use std::f64::consts::PI;

/// The orthonormalised functions: sums over the q, the last of which is what is left of the Gaussian at the origin.
#[derive(Clone, Debug)]
pub(super) struct Orthonormal {
    size: usize,
    polynomials: usize,
    /// O, row after row.
    mix: Vec<f64>,
    /// The Gaussian at the origin by the q; empty without one.
    gaussian: Vec<f64>,
}

/// The Gaussian at the origin, normalised on the half line.
pub(super) fn origin(t: f64, s0: f64) -> f64 {
    (2.0 / s0).sqrt() * PI.powf(-0.25) * (-0.5 * (t / s0).powi(2)).exp()
}

impl Orthonormal {
    /// From (1 - x)^3 to (1 - x)^(n+2).
    pub(super) fn polynomials(n: usize) -> Result<Orthonormal, String> {
        Orthonormal::new(n, Vec::new())
    }

    /// With n - 1 polynomials and, last, the Gaussian of width s0 at the origin.
    pub(super) fn with_gaussian(
        n: usize,
        s0: f64,
        quadrature: &Quadrature,
    ) -> Result<Orthonormal, String> {
        let mut gaussian = vec![0.0; n];
        quadrature.points([0.0, 1.0], 0.0, s0, |t, weight| {
            let g = weight * origin(t, s0);
            each_polynomial(n - 1, t, |j, q| gaussian[j] += g * q);
        });
        let rest = 1.0 - gaussian.iter().map(|x| x * x).sum::<f64>();
        if rest.is_nan() || rest <= 1e-10 {
            return Err(dependent(n));
        }
        gaussian[n - 1] = rest.sqrt();
        Orthonormal::new(n, gaussian)
    }

    fn new(size: usize, gaussian: Vec<f64>) -> Result<Orthonormal, String> {
        let polynomials = size - usize::from(!gaussian.is_empty());
        let mut l = vec![Extended::default(); size * size];
        for k in 0..polynomials {
            for j in 0..=k {
                // sqrt((2k+7)(2j+7)) times the integral of v^(6+k) P_j(2v - 1), by Rodrigues' formula.
                let mut x = Extended::from(1.0);
                for i in 0..j {
                    x = x * Extended::from((k - i) as f64);
                }
                for i in 0..=j {
                    x = x.over((k + 7 + i) as f64);
                }
                let norm = Extended::from(((2 * k + 7) * (2 * j + 7)) as f64);
                l[k * size + j] = x * square_root(norm);
            }
        }
        for (j, g) in gaussian.iter().enumerate() {
            l[polynomials * size + j] = Extended::from(*g);
        }
        let mix = orthogonal_factor(l, size).ok_or_else(|| dependent(size))?;
        Ok(Orthonormal {
            size,
            polynomials,
            mix,
            gaussian,
        })
    }

    /// Calls `with(j, q_j(t))` for the polynomials.
    pub(super) fn each_polynomial(&self, t: f64, with: impl FnMut(usize, f64)) {
        each_polynomial(self.polynomials, t, with);
    }

    /// From integrals with the q_j, and that with the Gaussian itself in the last place, to those with the orthonormal
    /// functions.
    pub(super) fn mix(&self, mut integrals: Vec<f64>) -> Vec<f64> {
        if let Some((rest, projection)) = self.gaussian.split_last() {
            let known: f64 = projection.iter().zip(&integrals).map(|(g, i)| g * i).sum();
            integrals[self.polynomials] = (integrals[self.polynomials] - known) / rest;
        }
        self.times(&integrals)
    }

    /// The column of S^(1/2) that belongs to the Gaussian.
    pub(super) fn root_of_gaussian(&self) -> Vec<f64> {
        self.times(&self.gaussian)
    }

    fn times(&self, v: &[f64]) -> Vec<f64> {
        let rows = self.mix.chunks_exact(self.size);
        rows.map(|row| row.iter().zip(v).map(|(o, v)| o * v).sum())
            .collect()
    }
}

fn dependent(n: usize) -> String {
    format!("soap_turbo: the {n} radial functions are linearly dependent in double precision")
}

/// q_0 to q_(n-1) at x = t, by their recursion.
fn each_polynomial(n: usize, t: f64, mut with: impl FnMut(usize, f64)) {
    let v = 1.0 - t;
    let z = 2.0 * v - 1.0;
    let (mut before, mut last) = (0.0, v * v * v);
    for j in 0..n {
        let k = j as f64;
        with(j, (2.0 * k + 7.0).sqrt() * last);
        // P_(j+1) of the Jacobi polynomials with exponents 0 and 6.
        let c = 2.0 * k + 6.0;
        let next = if j == 0 {
            (4.0 * z - 3.0) * last
        } else {
            let up = (c + 1.0) * ((c + 2.0) * c * z - 36.0) * last;
            let back = 2.0 * k * (k + 6.0) * (c + 2.0) * before;
            (up - back) / (2.0 * (k + 1.0) * (k + 7.0) * c)
        };
        (before, last) = (last, next);
    }
}

fn square_root(x: Extended) -> Extended {
    let root = Extended::from(x.value().sqrt());
    (root + x / root) * Extended::from(0.5)
}

/// The orthogonal factor O of L = P O with P symmetric and positive; `None` when L is singular to thirty digits.
fn orthogonal_factor(mut x: Vec<Extended>, n: usize) -> Option<Vec<f64>> {
    for _ in 0..200 {
        let inverse = inverse(&x, n)?;
        let mut moved: f64 = 0.0;
        let old = x.clone();
        for i in 0..n {
            for j in 0..n {
                let new = (old[i * n + j] + inverse[j * n + i]) * Extended::from(0.5);
                moved = moved.max((new - old[i * n + j]).value().abs());
                x[i * n + j] = new;
            }
        }
        if !moved.is_finite() {
            return None;
        }
        if moved < 1e-18 {
            return Some(x.iter().map(|x| x.value()).collect());
        }
    }
    None
}

/// The inverse, by elimination with row pivots.
fn inverse(matrix: &[Extended], n: usize) -> Option<Vec<Extended>> {
    let mut a = matrix.to_vec();
    let mut b = vec![Extended::default(); n * n];
    for i in 0..n {
        b[i * n + i] = Extended::from(1.0);
    }
    for k in 0..n {
        let size = |i: usize| a[i * n + k].value().abs();
        let pivot = (k..n).max_by(|&i, &j| size(i).total_cmp(&size(j)))?;
        if size(pivot).is_nan() || size(pivot) <= 1e-200 {
            return None;
        }
        for j in 0..n {
            a.swap(k * n + j, pivot * n + j);
            b.swap(k * n + j, pivot * n + j);
        }
        let scale = Extended::from(1.0) / a[k * n + k];
        for j in 0..n {
            a[k * n + j] = a[k * n + j] * scale;
            b[k * n + j] = b[k * n + j] * scale;
        }
        for i in (0..n).filter(|&i| i != k) {
            let factor = a[i * n + k];
            for j in 0..n {
                a[i * n + j] = a[i * n + j] - factor * a[k * n + j];
                b[i * n + j] = b[i * n + j] - factor * b[k * n + j];
            }
        }
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// Overlaps S of the given functions, for the polynomials from their formula.
    fn overlaps(n: usize, gaussian: Option<f64>) -> DMatrix<f64> {
        let norm = |k: usize| ((2 * k + 7) as f64).sqrt();
        let mut s = DMatrix::from_fn(n, n, |i, j| norm(i) * norm(j) / (7 + i + j) as f64);
        if let Some(s0) = gaussian {
            for i in 0..n - 1 {
                let mut sum = 0.0;
                Quadrature::new().points([0.0, 1.0], 0.0, s0, |t, w| {
                    sum += w * norm(i) * (1.0 - t).powi(i as i32 + 3) * origin(t, s0);
                });
                s[(i, n - 1)] = sum;
                s[(n - 1, i)] = sum;
            }
            s[(n - 1, n - 1)] = 1.0;
        }
        s
    }

    #[test]
    fn functions_are_those_of_the_inverse_root() {
        for (n, gaussian) in [
            (1, None),
            (2, None),
            (4, None),
            (1, Some(0.1)),
            (4, Some(0.05)),
            (5, Some(0.12)),
        ] {
            let functions = match gaussian {
                None => Orthonormal::polynomials(n).unwrap(),
                Some(s0) => Orthonormal::with_gaussian(n, s0, &Quadrature::new()).unwrap(),
            };
            let eigen = overlaps(n, gaussian).symmetric_eigen();
            let condition = eigen.eigenvalues.max() / eigen.eigenvalues.min();
            let power = |e: f64| {
                let scaled = DMatrix::from_diagonal(&eigen.eigenvalues.map(|x| x.powf(e)));
                &eigen.eigenvectors * scaled * eigen.eigenvectors.transpose()
            };
            let w = power(-0.5);
            for t in [0.0f64, 0.1, 0.35, 0.6, 0.95] {
                let mut given: Vec<f64> = (0..n)
                    .map(|k| ((2 * k + 7) as f64).sqrt() * (1.0 - t).powi(k as i32 + 3))
                    .collect();
                let mut own = vec![0.0; n];
                functions.each_polynomial(t, |j, q| own[j] = q);
                if let Some(s0) = gaussian {
                    given[n - 1] = origin(t, s0);
                    own[n - 1] = origin(t, s0);
                }
                let own = functions.mix(own);
                for (k, own) in own.iter().enumerate() {
                    let expected: f64 = (0..n).map(|j| w[(k, j)] * given[j]).sum();
                    assert!(
                        (own - expected).abs() < 1e-14 * condition,
                        "n {n} {gaussian:?} t {t}: {own} {expected}"
                    );
                }
            }
            if gaussian.is_some() {
                let root = power(0.5);
                for (k, value) in functions.root_of_gaussian().iter().enumerate() {
                    assert!((value - root[(k, n - 1)]).abs() < 1e-13, "{k}");
                }
            }
        }
    }

    #[test]
    fn many_functions_stay_orthonormal() {
        for n in [8, 12, 20] {
            let functions = Orthonormal::polynomials(n).unwrap();
            let mut gram = vec![0.0; n * n];
            // Without a Gaussian: panels of our own.
            for panel in 0..40 {
                let range = [f64::from(panel) / 40.0, f64::from(panel + 1) / 40.0];
                Quadrature::new().points(range, 0.5, 1.0, |t, w| {
                    let mut q = vec![0.0; n];
                    functions.each_polynomial(t, |j, x| q[j] = x);
                    let f = functions.mix(q);
                    for i in 0..n * n {
                        gram[i] += w * f[i / n] * f[i % n];
                    }
                });
            }
            for i in 0..n * n {
                let expected = if i / n == i % n { 1.0 } else { 0.0 };
                assert!((gram[i] - expected).abs() < 1e-12, "{n} {i}: {}", gram[i]);
            }
        }
    }
}
