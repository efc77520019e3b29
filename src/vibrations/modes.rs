//! Normal modes: eigenvectors of the mass-weighted Hessian, rigid motions projected out.
//!
//! Wilson, Decius and Cross, Molecular Vibrations (1955); the projection is that of Eckart, Phys. Rev. 47, 552 (1935). D = H/√(m m'),
//! and D e = ω² e; a negative ω² is an imaginary frequency and is printed as a negative one.

use super::Hessian;
use super::eigen::{eigen, eigenvalues};
use crate::error::{Error, Result};
use crate::system::{System, nearest_image};
use crate::units::{FS, HBAR, LIGHT_M_S};
use crate::vector::{cross, dot, minus};
use faer::Mat;
use nalgebra::{Matrix3, Vector3};

/// The rigid motions that cost no energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// None: atoms are held, or something holds them to places in space.
    Held,
    /// Moving as a whole: crystals, slabs.
    Translations,
    /// Moving and turning: molecules and clusters. Two rotations for atoms on a line, none for a single one.
    Molecule,
}

impl Freedom {
    /// What a cell and constraints leave: nothing when atoms are held (or terms are anchored in space), translations in a
    /// periodic cell, rotations too without one.
    pub fn of(system: &System, held: bool) -> Freedom {
        match (held, system.cell.is_isolated()) {
            (true, _) => Freedom::Held,
            (_, true) => Freedom::Molecule,
            _ => Freedom::Translations,
        }
    }
}

/// A normal mode.
#[derive(Clone, Debug)]
pub struct Mode {
    /// Angular frequency in internal units, 1/(Å·sqrt(amu/eV)); negative for an imaginary one.
    pub omega: f64,
    /// Reduced mass (amu): 1 over the squared length of the Cartesian displacement that belongs to the mass-weighted unit vector.
    pub reduced_mass: f64,
    /// Displacement of each atom of the system, the squares adding up to 1; zero for atoms that are held.
    pub displacements: Vec<[f64; 3]>,
}

impl Mode {
    /// cm⁻¹; negative for an imaginary frequency.
    pub fn wavenumber(&self) -> f64 {
        wavenumber(self.omega)
    }

    /// THz (cycles, not radians); negative for an imaginary frequency.
    pub fn terahertz(&self) -> f64 {
        self.omega / (2.0 * std::f64::consts::PI) * FS * 1e3
    }

    /// ħω (eV); negative for an imaginary frequency.
    pub fn energy(&self) -> f64 {
        HBAR * self.omega
    }

    /// Force constant μω² (eV/Å²).
    pub fn force_constant(&self) -> f64 {
        self.reduced_mass * self.omega * self.omega.abs()
    }
}

/// cm⁻¹ of an angular frequency in internal units.
pub fn wavenumber(omega: f64) -> f64 {
    omega / (2.0 * std::f64::consts::PI * LIGHT_M_S * 100.0) * FS * 1e15
}

/// The normal modes of a system.
#[derive(Clone, Debug)]
pub struct Modes {
    /// In ascending order; without rigid motions.
    pub modes: Vec<Mode>,
    /// Rigid motions that were projected out.
    pub rigid: usize,
    /// Angular frequencies of the Hessian without projection, ascending; as many as modes and rigid motions.
    pub unprojected: Vec<f64>,
}

impl Modes {
    /// The modes of a Hessian, with one mass (amu) for each atom of the system.
    pub fn of(
        system: &System,
        hessian: &Hessian,
        masses: &[f64],
        freedom: Freedom,
    ) -> Result<Modes> {
        let atoms = &hessian.atoms;
        let size = 3 * atoms.len();
        if masses.len() != system.atoms.len() {
            return Err(Error::Bug("a mass for each atom is needed".into()));
        }
        if let Some(a) = atoms
            .iter()
            .find(|a| !(masses[**a] > 0.0 && masses[**a].is_finite()))
        {
            return Err(Error::input(
                format!("atom {a} (counted from 0)"),
                format!(
                    "its mass is {} u: vibrations need a positive one",
                    masses[*a]
                ),
            ));
        }
        let roots: Vec<f64> = atoms.iter().map(|a| masses[*a].sqrt()).collect();
        let mut dynamical = hessian.matrix.clone();
        for i in 0..size {
            for j in 0..size {
                dynamical[(i, j)] /= roots[i / 3] * roots[j / 3];
            }
        }
        let unprojected = eigenvalues(&dynamical)?.into_iter().map(root).collect();
        let rigid = rigid_motions(system, atoms, masses, freedom);
        let top = (0..size)
            .map(|j| dynamical.col(j).iter().map(|x| x.abs()).sum::<f64>())
            .fold(0.0, f64::max);
        project(&mut dynamical, &rigid, 2.0 * top + 1.0);
        let (values, vectors) = eigen(&dynamical)?;
        let kept = size - rigid.len();
        let modes = values.iter().take(kept).enumerate().map(|(k, value)| {
            let mut displacements = vec![[0.0; 3]; system.atoms.len()];
            for (at, a) in atoms.iter().enumerate() {
                displacements[*a] = std::array::from_fn(|d| vectors[(3 * at + d, k)] / roots[at]);
            }
            let flat = displacements.as_flattened_mut();
            let square: f64 = flat.iter().map(|x| x * x).sum();
            // One of the two signs, always the same: that in which the largest component is positive.
            let largest = flat.iter().fold(0.0f64, |m, x| {
                if x.abs() > m.abs() * (1.0 + 1e-6) {
                    *x
                } else {
                    m
                }
            });
            let scale = square.sqrt().recip() * if largest < 0.0 { -1.0 } else { 1.0 };
            flat.iter_mut().for_each(|x| *x *= scale);
            Mode {
                omega: root(*value),
                reduced_mass: 1.0 / square,
                displacements,
            }
        });
        Ok(Modes {
            modes: modes.collect(),
            rigid: rigid.len(),
            unprojected,
        })
    }

    /// Modes with imaginary frequencies below `-least` (angular, internal units).
    pub fn imaginary(&self, least: f64) -> usize {
        self.modes.iter().filter(|m| m.omega < -least).count()
    }

    /// The largest frequency (angular, by size) that a rigid motion has without projection: zero at a stationary point with
    /// exact second derivatives.
    pub fn residual(&self) -> f64 {
        let mut sizes: Vec<f64> = self.unprojected.iter().map(|w| w.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        self.rigid.checked_sub(1).map_or(0.0, |k| sizes[k])
    }

    /// The largest shift (angular) of the frequency of a mode by the projection.
    pub fn mixing(&self) -> f64 {
        let mut left = self.unprojected.clone();
        left.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut others = left.split_off(self.rigid.min(left.len()));
        others.sort_by(f64::total_cmp);
        let shifts = self
            .modes
            .iter()
            .zip(&others)
            .map(|(m, w)| (m.omega - w).abs());
        shifts.fold(0.0, f64::max)
    }

    /// Half of the sum of ħω over real modes (eV).
    pub fn zero_point_energy(&self) -> f64 {
        let energies = self.modes.iter().map(|m| m.energy().max(0.0));
        0.5 * energies.sum::<f64>()
    }
}

/// ω of ω²; negative for an imaginary one.
fn root(square: f64) -> f64 {
    square.abs().sqrt().copysign(square)
}

/// Moves the rigid motions to the eigenvalue `far`, and everything else off them: P D P + far T Tᵀ.
fn project(matrix: &mut Mat<f64>, rigid: &[Vec<f64>], far: f64) {
    let size = matrix.nrows();
    for t in rigid {
        // With y = D t: P D P = D - t yᵀ - y tᵀ + (t·y) t tᵀ. The motions are orthogonal, so that one after the other is right.
        let y: Vec<f64> = (0..size)
            .map(|i| (0..size).map(|j| matrix[(i, j)] * t[j]).sum())
            .collect();
        let along: f64 = t.iter().zip(&y).map(|(t, y)| t * y).sum();
        for j in 0..size {
            for i in 0..size {
                matrix[(i, j)] += (along + far) * t[i] * t[j] - t[i] * y[j] - y[i] * t[j];
            }
        }
    }
    for j in 0..size {
        for i in 0..j {
            let mean = 0.5 * (matrix[(i, j)] + matrix[(j, i)]);
            (matrix[(i, j)], matrix[(j, i)]) = (mean, mean);
        }
    }
}

/// An orthonormal basis of the rigid motions in mass-weighted coordinates of the free atoms.
fn rigid_motions(
    system: &System,
    atoms: &[usize],
    masses: &[f64],
    freedom: Freedom,
) -> Vec<Vec<f64>> {
    if freedom == Freedom::Held || atoms.is_empty() {
        return Vec::new();
    }
    let m: Vec<f64> = atoms.iter().map(|a| masses[*a]).collect();
    let weighted = |v: &dyn Fn(usize) -> [f64; 3]| -> Vec<f64> {
        let all = (0..atoms.len()).flat_map(|i| v(i).map(|x| m[i].sqrt() * x));
        all.collect()
    };
    let unit = |k: usize| std::array::from_fn(|d| f64::from(u8::from(d == k)));
    let mut motions: Vec<Vec<f64>> = (0..3).map(|k| weighted(&|_| unit(k))).collect();
    if freedom == Freedom::Molecule {
        let x = whole(system, atoms);
        let inertia = Inertia::of(&x, &m);
        for axis in inertia.axes.iter().take(inertia.rotations) {
            motions.push(weighted(&|i| cross(*axis, minus(x[i], inertia.centre))));
        }
    }
    orthonormal(motions)
}

/// Gram and Schmidt, twice.
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for mut v in vectors {
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norm = product(&v, &v).sqrt();
        v.iter_mut().for_each(|x| *x /= norm);
        for _ in 0..2 {
            for b in &basis {
                let along = product(&v, b);
                v.iter_mut().zip(b).for_each(|(v, b)| *v -= along * b);
            }
        }
        let norm = product(&v, &v).sqrt();
        v.iter_mut().for_each(|x| *x /= norm);
        basis.push(v);
    }
    basis
}

/// Positions (Å) of some atoms as one piece: each at the image nearest to an atom before it.
pub fn whole(system: &System, atoms: &[usize]) -> Vec<[f64; 3]> {
    let mut x: Vec<[f64; 3]> = atoms.iter().map(|a| system.atoms.positions[*a]).collect();
    if system.cell.is_isolated() || x.is_empty() {
        return x;
    }
    // The shortest link first, from those that are placed to those that are not.
    let mut link: Vec<Option<(f64, [f64; 3])>> = vec![Some((f64::INFINITY, x[0])); x.len()];
    let mut last = 0;
    for _ in 1..x.len() {
        link[last] = None;
        let mut next: Option<(f64, usize)> = None;
        for i in 0..x.len() {
            let Some((shortest, place)) = &mut link[i] else {
                continue;
            };
            let v = nearest_image(&system.cell, minus(x[i], x[last]));
            let square = dot(v, v);
            if square < *shortest {
                *shortest = square;
                *place = std::array::from_fn(|d| x[last][d] + v[d]);
            }
            if next.is_none_or(|n| *shortest < n.0) {
                next = Some((*shortest, i));
            }
        }
        let Some((_, i)) = next else {
            break;
        };
        if let Some((_, place)) = link[i] {
            x[i] = place;
        }
        last = i;
    }
    x
}

/// How atoms lie about their centre of mass.
#[derive(Clone, Debug)]
pub struct Inertia {
    /// Centre of mass (Å).
    pub centre: [f64; 3],
    /// Moments of inertia (amu Å²), descending.
    pub moments: [f64; 3],
    /// Their axes.
    pub axes: [[f64; 3]; 3],
    /// Axes about which atoms can turn: three, two for those on a line, none for a single one.
    pub rotations: usize,
}

/// A moment smaller than this part of the largest one is none: on a line of 2 Å, atoms less than 0.002 Å off it.
const EXTENT: f64 = 1e-6;

impl Inertia {
    /// Of positions (Å) and masses (amu).
    pub fn of(positions: &[[f64; 3]], masses: &[f64]) -> Inertia {
        let mass: f64 = masses.iter().sum();
        let mut centre = Vector3::zeros();
        for (x, m) in positions.iter().zip(masses) {
            centre += Vector3::from(*x) * (*m / mass);
        }
        let mut tensor = Matrix3::zeros();
        for (x, m) in positions.iter().zip(masses) {
            let r = Vector3::from(*x) - centre;
            tensor += (Matrix3::identity() * r.norm_squared() - r * r.transpose()) * *m;
        }
        let eigen = tensor.symmetric_eigen();
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        let moments = order.map(|k| eigen.eigenvalues[k].max(0.0));
        // Atoms less than a thousandth of an Å apart are at one place.
        let extended = moments[0] > 1e-6 * mass;
        let turning = moments.iter().filter(|m| **m > EXTENT * moments[0]);
        Inertia {
            centre: centre.into(),
            moments,
            axes: order.map(|k| eigen.eigenvectors.column(k).into_owned().into()),
            rotations: if extended { turning.count() } else { 0 },
        }
    }
}
