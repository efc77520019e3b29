//! The dynamical matrix, frequencies and group velocities at a wave vector.
//!
//! D_kk'(q) = Σ_j Φ(k, j) / sqrt(m_k m_k') · mean over the shortest images of exp(i q·(x_j - x_k)), with j over the atoms of the
//! supercell that a lattice translation moves to k'. Phases go from atom to atom, which leaves the frequencies as they are with
//! phases from cell to cell.

use super::force_constants::ForceConstants;
use super::supercell::Supercell;
use crate::error::{Error, Result};
use crate::units::TIME_FS;
use faer::{Mat, Side, c64};
use nalgebra::{Matrix3, Vector3};

/// One THz (cycles per ps) in units of angular frequency inside the program.
pub const THZ: f64 = 2.0 * std::f64::consts::PI * 1e-3 * TIME_FS;

/// Force constants made ready for wave vectors: one entry for each pair and each of its shortest images.
#[derive(Clone, Debug)]
pub struct Phonons {
    /// Vectors of the primitive cell (Å, rows).
    pub cell: [[f64; 3]; 3],
    /// Atoms of the primitive cell.
    pub atoms: usize,
    /// For each pair of atoms of the primitive cell its entries.
    pairs: Vec<Vec<Entry>>,
    /// The largest force constant divided by masses: the scale of what counts as zero.
    scale: f64,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Force constants / sqrt(m m') times the weight of the image (eV/Å^2/amu).
    constants: Matrix3<f64>,
    /// From atom to atom (Å).
    vector: Vector3<f64>,
}

/// The phonons at one wave vector.
#[derive(Clone, Debug)]
pub struct Branches {
    /// Frequencies (THz), ascending; imaginary ones negative.
    pub frequencies: Vec<f64>,
    /// Group velocities (Å/ps) where they were asked for.
    pub velocities: Vec<[f64; 3]>,
    /// Eigenvectors in columns: 3 numbers for each atom; phases go from atom to atom.
    pub vectors: Mat<c64>,
}

impl Phonons {
    /// Prepares force constants. Masses are those of the unit cell.
    pub fn new(crystal: &Supercell, constants: &ForceConstants) -> Phonons {
        let n = crystal.primitive.len();
        let images = crystal.border_translations();
        let mass = |k: usize| crystal.unit.atoms.masses[crystal.primitive[k]];
        let mut pairs = vec![Vec::new(); n * n];
        let mut scale: f64 = 0.0;
        for (k, row) in constants.rows.iter().enumerate() {
            for (j, phi) in row.iter().enumerate() {
                let other = crystal.class_of(j);
                let vectors = crystal.shortest_vectors(crystal.primitive[k], j, &images);
                let factor = 1.0 / ((mass(k) * mass(other)).sqrt() * vectors.len().max(1) as f64);
                let part = phi * factor;
                scale = scale.max(phi.amax() / (mass(k) * mass(other)).sqrt());
                pairs[k * n + other].extend(vectors.into_iter().map(|vector| Entry {
                    constants: part,
                    vector,
                }));
            }
        }
        Phonons {
            cell: crystal.group.primitive,
            atoms: n,
            pairs,
            scale,
        }
    }

    /// Number of branches.
    pub fn branches(&self) -> usize {
        3 * self.atoms
    }

    /// A wave vector (1/Å, with the factor 2π) from its coordinates in the reciprocal primitive cell.
    pub fn wave_vector(&self, reduced: [f64; 3]) -> Vector3<f64> {
        let rows = Matrix3::from_fn(|i, j| self.cell[i][j]);
        let inverse = rows.try_inverse().unwrap_or_else(Matrix3::zeros);
        inverse * Vector3::from(reduced) * (2.0 * std::f64::consts::PI)
    }

    /// The dynamical matrix (eV/Å^2/amu) at a wave vector (1/Å), and its derivative along x, y, z when wanted.
    fn matrix(&self, q: Vector3<f64>, derivative: Option<usize>) -> Mat<c64> {
        let n = self.atoms;
        let mut d = Mat::<c64>::zeros(3 * n, 3 * n);
        for k in 0..n {
            for l in 0..n {
                let mut block = [[c64::new(0.0, 0.0); 3]; 3];
                for entry in &self.pairs[k * n + l] {
                    let (sin, cos) = q.dot(&entry.vector).sin_cos();
                    let phase = match derivative {
                        None => c64::new(cos, sin),
                        Some(axis) => c64::new(-sin, cos) * entry.vector[axis],
                    };
                    for (a, row) in block.iter_mut().enumerate() {
                        for (b, x) in row.iter_mut().enumerate() {
                            *x += phase * entry.constants[(a, b)];
                        }
                    }
                }
                for a in 0..3 {
                    for b in 0..3 {
                        d[(3 * k + a, 3 * l + b)] = block[a][b];
                    }
                }
            }
        }
        // What rounding and images leave of an anti-Hermitian part has no meaning.
        let adjoint = d.adjoint().to_owned();
        Mat::from_fn(3 * n, 3 * n, |i, j| (d[(i, j)] + adjoint[(i, j)]) * 0.5)
    }

    /// The phonons at a wave vector (1/Å), with group velocities when wanted.
    pub fn at(&self, q: Vector3<f64>, velocities: bool) -> Result<Branches> {
        let matrix = self.matrix(q, None);
        let failed = |_| Error::Bug("a dynamical matrix could not be diagonalised".into());
        let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let n = self.branches();
        let squares: Vec<f64> = (0..n).map(|i| eigen.S()[i].re).collect();
        let frequencies: Vec<f64> = squares
            .iter()
            .map(|s| s.signum() * s.abs().sqrt() / THZ)
            .collect();
        let mut vectors = eigen.U().to_owned();
        let velocities = match velocities {
            false => Vec::new(),
            true => self.velocities(q, &squares, &mut vectors)?,
        };
        Ok(Branches {
            frequencies,
            velocities,
            vectors,
        })
    }

    /// dω/dq (Å/ps) of each branch. Within degenerate branches the eigenvectors are turned so that they belong to smooth bands along a
    /// direction that no symmetry prefers.
    fn velocities(
        &self,
        q: Vector3<f64>,
        squares: &[f64],
        vectors: &mut Mat<c64>,
    ) -> Result<Vec<[f64; 3]>> {
        let n = squares.len();
        let along = [0, 1, 2].map(|axis| self.matrix(q, Some(axis)));
        let general = Vector3::new(1.0, 2.0, 3.0).normalize();
        let slope = Mat::<c64>::from_fn(n, n, |i, j| {
            (0..3)
                .map(|k| along[k][(i, j)] * general[k])
                .fold(c64::new(0.0, 0.0), |a, b| a + b)
        });
        let mut first = 0;
        while first < n {
            let close = |i: usize| (squares[i] - squares[first]).abs() < 1e-8 * self.scale;
            let last = (first..n).take_while(|i| close(*i)).last().unwrap_or(first);
            let count = last - first + 1;
            if count > 1 {
                let part = vectors.subcols(first, count).to_owned();
                let small = part.adjoint() * &slope * &part;
                let small = Mat::from_fn(count, count, |i, j| {
                    (small[(i, j)] + small[(j, i)].conj()) * 0.5
                });
                let failed = |_| Error::Bug("degenerate phonons could not be separated".into());
                let eigen = small.self_adjoint_eigen(Side::Lower).map_err(failed)?;
                let turned = &part * eigen.U();
                for c in 0..count {
                    for r in 0..n {
                        vectors[(r, first + c)] = turned[(r, c)];
                    }
                }
            }
            first = last + 1;
        }
        let speed = |i: usize, axis: usize| {
            let omega = squares[i].signum() * squares[i].abs().sqrt();
            // At the acoustic origin the slope depends on the direction.
            if squares[i].abs() < 1e-9 * self.scale {
                return 0.0;
            }
            let mut sum = c64::new(0.0, 0.0);
            for r in 0..n {
                for c in 0..n {
                    sum += vectors[(r, i)].conj() * along[axis][(r, c)] * vectors[(c, i)];
                }
            }
            // From Å per internal time to Å/ps.
            sum.re / (2.0 * omega) / TIME_FS * 1e3
        };
        Ok((0..n)
            .map(|i| std::array::from_fn(|axis| speed(i, axis)))
            .collect())
    }

    /// -d ln ω / d ln V of the branches at a wave vector in reduced coordinates, from the dynamical matrices of two crystals whose
    /// volumes (Å^3) are below and above; first order perturbation theory, so that crossing bands are told apart.
    pub fn grueneisen(
        &self,
        reduced: [f64; 3],
        (below, above): (&Phonons, &Phonons),
        volumes: (f64, f64),
    ) -> Result<Vec<f64>> {
        let here = self.at(self.wave_vector(reduced), false)?;
        let n = self.branches();
        let low = below.matrix(below.wave_vector(reduced), None);
        let high = above.matrix(above.wave_vector(reduced), None);
        let step = (volumes.1 / volumes.0).ln();
        let change = Mat::<c64>::from_fn(n, n, |i, j| (high[(i, j)] - low[(i, j)]) / step);
        let of = |i: usize| {
            let omega = here.frequencies[i] * THZ;
            let square = omega * omega.abs();
            if square.abs() < 1e-7 * self.scale {
                return f64::NAN;
            }
            let mut sum = c64::new(0.0, 0.0);
            for r in 0..n {
                for c in 0..n {
                    sum += here.vectors[(r, i)].conj() * change[(r, c)] * here.vectors[(c, i)];
                }
            }
            -sum.re / (2.0 * square)
        };
        Ok((0..n).map(of).collect())
    }
}
