//! Generalised Langevin equation: coloured noise from auxiliary momenta.

use super::{Exchange, Group, Moment, Thermostat};
use crate::parallel::{self, Disjoint};
use crate::random::{Purpose, Stream};
use crate::system::Atoms;
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

    /// T = exp(-hA) and a symmetric S with S Sᵀ = C - T C Tᵀ, row by row. The symmetric root exists also where a Cholesky
    /// factor breaks down.
    fn propagator(&self, h: f64) -> (Vec<f64>, Vec<f64>) {
        let t = (&self.drift * -h).exp();
        let square = &self.covariance - &t * &self.covariance * t.transpose();
        let rows = |m: &DMatrix<f64>| m.transpose().as_slice().to_vec();
        (rows(&t), rows(&root(&square)))
    }
}

/// The symmetric square root of a positive semi-definite matrix; eigenvalues below zero are rounding.
fn root(m: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = (0.5 * (m + m.transpose())).symmetric_eigen();
    let roots = eigen.eigenvalues.map(|l| l.max(0.0).sqrt());
    &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
}

/// Generalised Langevin dynamics (Ceriotti, Bussi, Parrinello, J. Chem. Theory Comput. 6, 1170 (2010)): the mass-scaled
/// momentum of each component and its auxiliary momenta take the step x ← T x + S ξ, which is exact.
#[derive(Clone, Debug)]
pub struct Gle {
    group: Group,
    matrices: GleMatrices,
    seed: u64,
    /// Free components of each atom of the group.
    free: Vec<[bool; 3]>,
    /// Auxiliary momenta in sqrt(eV): by atom of the group, axis, momentum. Empty until first drawn.
    auxiliary: Vec<f64>,
    /// Length of step of the present propagator.
    h: f64,
    t: Vec<f64>,
    s: Vec<f64>,
    pieces: Vec<[f64; 2]>,
}

const PIECE: usize = 256;

impl Gle {
    /// On a group of atoms of which only the `free` components move.
    pub fn new(group: Group, free: Vec<[bool; 3]>, matrices: GleMatrices, seed: u64) -> Gle {
        Gle {
            group,
            matrices,
            seed,
            free,
            auxiliary: Vec::new(),
            h: f64::NAN,
            t: Vec::new(),
            s: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// Draws the auxiliary momenta from their stationary distribution.
    fn begin(&mut self, atoms: usize, scale: f64, draw: u64) {
        let n = self.matrices.auxiliary();
        let c = self.matrices.covariance.view((1, 1), (n, n)).into_owned();
        let root = root(&c);
        let members = self.group.len(atoms);
        self.auxiliary.resize(3 * n * members, 0.0);
        let mut xi = vec![0.0; n];
        for place in 0..members {
            let i = self.group.atom(place) as u64;
            let mut noise = Stream::new(self.seed, Purpose::Gle, draw, i, 1);
            for k in 0..3 {
                xi.iter_mut().for_each(|x| *x = noise.normal());
                for j in 0..n {
                    let sum: f64 = (0..n).map(|l| root[(j, l)] * xi[l]).sum();
                    self.auxiliary[(3 * place + k) * n + j] = scale * sum;
                }
            }
        }
    }
}

impl Thermostat for Gle {
    fn apply(&mut self, atoms: &mut Atoms, m: Moment) -> Exchange {
        let n = self.matrices.auxiliary();
        let d = n + 1;
        let scale = if self.matrices.quantum {
            1.0
        } else {
            m.kt.sqrt()
        };
        if self.auxiliary.is_empty() && n > 0 {
            self.begin(atoms.len(), scale, m.draw);
        }
        if self.h != m.h {
            self.h = m.h;
            (self.t, self.s) = self.matrices.propagator(m.h);
        }
        let members = self.group.len(atoms.len());
        self.pieces.resize(members.div_ceil(PIECE), [0.0; 2]);
        let (group, free, t, s, seed) = (&self.group, &self.free, &self.t, &self.s, self.seed);
        let masses = &atoms.masses;
        let velocities = Disjoint::new(&mut atoms.velocities);
        let auxiliary = Disjoint::new(&mut self.auxiliary);
        parallel::for_each_mut(&mut self.pieces, |p, sums| {
            let (mut taken, mut after) = (0.0, 0.0);
            let (mut x, mut xi) = ([0.0; LARGEST_GLE], [0.0; LARGEST_GLE]);
            for place in p * PIECE..((p + 1) * PIECE).min(members) {
                let i = group.atom(place);
                let mass = masses[i];
                let root = mass.sqrt();
                // SAFETY: each atom belongs to one piece.
                let (v, own) = unsafe {
                    (
                        &mut velocities.range(i, 1)[0],
                        auxiliary.range(3 * n * place, 3 * n),
                    )
                };
                let before = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
                let mut noise = Stream::new(seed, Purpose::Gle, m.draw, i as u64, 0);
                for k in (0..3).filter(|&k| free[place][k]) {
                    let own = &mut own[k * n..(k + 1) * n];
                    x[0] = root * v[k];
                    x[1..d].copy_from_slice(own);
                    xi[..d].iter_mut().for_each(|x| *x = scale * noise.normal());
                    for j in 0..d {
                        let (t, s) = (&t[j * d..(j + 1) * d], &s[j * d..(j + 1) * d]);
                        let new: f64 = (0..d).map(|l| t[l] * x[l] + s[l] * xi[l]).sum();
                        match j.checked_sub(1) {
                            None => v[k] = new / root,
                            Some(j) => own[j] = new,
                        }
                    }
                }
                let now = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
                taken += 0.5 * mass * (before - now);
                after += 0.5 * mass * now;
            }
            *sums = [taken, after];
        });
        Exchange {
            taken: self.pieces.iter().map(|p| p[0]).sum(),
            after: self.pieces.iter().map(|p| p[1]).sum(),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        self.auxiliary.clone()
    }

    fn restore(&mut self, numbers: &[f64]) -> bool {
        let whole = 3 * self.matrices.auxiliary() * self.free.len();
        self.auxiliary = numbers.to_vec();
        numbers.is_empty() || numbers.len() == whole
    }
}
