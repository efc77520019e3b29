//! What a generalised Langevin equation is made of.

use nalgebra::DMatrix;

/// The largest number of rows of the matrices.
pub const LARGEST_GLE: usize = 32;

/// Drift and covariance matrices of a generalised Langevin equation, (n+1)×(n+1) with n auxiliary momenta.
#[derive(Clone, Debug, PartialEq)]
pub struct GleMatrices {
    drift: DMatrix<f64>,
    /// In units of kT when `quantum` is false, else in eV.
    covariance: DMatrix<f64>,
    quantum: bool,
}

impl GleMatrices {
    /// From the drift matrix A (inverse internal time) and the covariance C (eV); without C the noise is that of
    /// canonical sampling, C = kT, at whatever temperature the target is.
    ///
    /// Errors, a sentence, when the matrices are not square and alike, when an eigenvalue of A has no positive real part
    /// (the momenta would not relax), or when A C + C Aᵀ is not positive semi-definite (no noise has that covariance).
    pub fn new(drift: DMatrix<f64>, covariance: Option<DMatrix<f64>>) -> Result<Self, String> {
        let n = drift.nrows();
        if n == 0 || drift.ncols() != n {
            return Err(format!(
                "the drift matrix is {n} × {}, not square",
                drift.ncols()
            ));
        }
        if n > LARGEST_GLE {
            return Err(format!(
                "the drift matrix has {n} rows; at most {LARGEST_GLE} are possible"
            ));
        }
        let finite = |m: &DMatrix<f64>| m.iter().all(|x| x.is_finite());
        let quantum = covariance.is_some();
        let covariance = covariance.unwrap_or_else(|| DMatrix::identity(n, n));
        if covariance.shape() != (n, n) {
            return Err(format!(
                "the covariance matrix is {} × {}, the drift matrix {n} × {n}",
                covariance.nrows(),
                covariance.ncols()
            ));
        }
        if !finite(&drift) || !finite(&covariance) {
            return Err("a matrix has numbers that are not finite".into());
        }
        if (&covariance - covariance.transpose()).amax() > 1e-6 * covariance.amax() {
            return Err("the covariance matrix is not symmetric".into());
        }
        let slowest = drift
            .complex_eigenvalues()
            .iter()
            .map(|l| l.re)
            .fold(f64::INFINITY, f64::min);
        if slowest.is_nan() || slowest <= 0.0 {
            return Err(format!(
                "an eigenvalue of the drift matrix has the real part {slowest:.3e} (inverse internal time), which is not positive: \
                 the momenta would not relax"
            ));
        }
        let noise = &drift * &covariance + &covariance * drift.transpose();
        let eigen = noise.symmetric_eigenvalues();
        if eigen.min() < -1e-6 * eigen.amax() {
            return Err(
                "A C + C Aᵀ has a negative eigenvalue: no noise has that covariance".into(),
            );
        }
        Ok(GleMatrices {
            drift,
            covariance,
            quantum,
        })
    }

    /// Number of auxiliary momenta.
    pub fn auxiliary(&self) -> usize {
        self.drift.nrows() - 1
    }

    /// Whether the covariance was given, so that the temperature of the target has no say.
    pub fn is_quantum(&self) -> bool {
        self.quantum
    }

    /// T = exp(-hA) and a symmetric S with S Sᵀ = C - T C Tᵀ. The symmetric root exists also where a Cholesky factor breaks
    /// down.
    pub(super) fn step(&self, h: f64) -> [DMatrix<f64>; 2] {
        let t = (&self.drift * -h).exp();
        let square = &self.covariance - &t * &self.covariance * t.transpose();
        let s = root(&square);
        [t, s]
    }

    /// A symmetric R with R Rᵀ the covariance of the auxiliary momenta.
    pub(super) fn auxiliary_root(&self) -> DMatrix<f64> {
        let n = self.auxiliary();
        root(&self.covariance.view((1, 1), (n, n)).into_owned())
    }

    /// What the noise is multiplied with at a temperature: the covariance is in units of kT, or is in eV itself.
    pub(super) fn scale(&self, kt: f64) -> f64 {
        if self.quantum { 1.0 } else { kt.sqrt() }
    }
}

/// The symmetric square root of a positive semi-definite matrix; eigenvalues below zero are rounding.
fn root(m: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = (0.5 * (m + m.transpose())).symmetric_eigen();
    let roots = eigen.eigenvalues.map(|l| l.max(0.0).sqrt());
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}
