//! The linear equations of a fit: labels, unknowns, and the model that a solution is.

use super::assemble::Unknowns;
use super::geometry::Geometries;
use super::lanes::Training;
use super::nystrom::spread;
use super::rigid::Internal;
use super::settings::{Energies, Settings, Solution};
use crate::potential::sgdml::{IterativeSolve, SgdmlFile};

/// The equations (-K + λ) x = y, of which less x are the coefficients.
pub(super) struct Equations {
    /// The geometries that are learned from.
    pub set: Geometries,
    pub training: Training,
    pub unknowns: Unknowns,
    /// Labels along the internal directions, then of the energies; in units of `scale`.
    pub labels: Vec<f64>,
    /// The standard deviation of all labels (unit of energy/Å).
    pub scale: f64,
    /// The mean energy, where energies are constraints.
    pub mean: f64,
    /// Length of the labels as the package counts it, rigid motions included.
    pub norm: f64,
}

/// A solution for one length scale.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solved {
    pub lambda: f64,
    pub x: Vec<f64>,
    pub how: Solution,
}

impl Equations {
    /// Sets up the equations of geometries. `constraints`: energies are learned too; all geometries must have them.
    pub fn new(set: Geometries, permutations: &[Vec<usize>], constraints: bool) -> Equations {
        let internal = Internal::new(&set.positions, set.cell.is_some());
        let unknowns = Unknowns {
            geometries: set.len(),
            rank: internal.rank,
            energies: constraints,
        };
        let training = Training::new(set.points(), internal, permutations);
        let mean = match constraints {
            true => set.energies.iter().sum::<f64>() / set.len() as f64,
            false => 0.0,
        };
        let energies: &[f64] = if constraints { &set.energies } else { &[] };
        let flat = set.forces.iter().flat_map(|f| f.as_flattened());
        let all = || {
            flat.clone()
                .copied()
                .chain(energies.iter().map(|e| mean - e))
        };
        let count = all().count() as f64;
        let average = all().sum::<f64>() / count;
        let scale = (all().map(|y| (y - average).powi(2)).sum::<f64>() / count).sqrt();
        let norm = all().map(|y| y * y).sum::<f64>().sqrt() / scale;
        let mut labels = vec![0.0; unknowns.total()];
        for (p, f) in set.forces.iter().enumerate() {
            let y: Vec<f64> = f.as_flattened().iter().map(|f| f / scale).collect();
            let r = unknowns.rank;
            training.to_internal(p, &y, &mut labels[p * r..(p + 1) * r]);
        }
        for (y, e) in labels[unknowns.forces()..].iter_mut().zip(energies) {
            *y = (mean - e) / scale;
        }
        Equations {
            training,
            unknowns,
            labels,
            scale,
            mean,
            norm,
            set,
        }
    }

    /// The model of a solution; its constant of integration is that of constraints, or zero.
    pub fn model(&self, settings: &Settings, unit: f64, sigma: f64, solved: &Solved) -> SgdmlFile {
        let t = &self.training;
        let (r, n3) = (t.rank, 3 * t.atoms);
        let mut alphas = vec![0.0; t.len() * n3];
        let mut weights = vec![0.0; t.len() * t.pairs];
        let mut internal = vec![0.0; r];
        let pieces = alphas
            .chunks_exact_mut(n3)
            .zip(weights.chunks_exact_mut(t.pairs));
        for (p, (a, b)) in pieces.enumerate() {
            for (to, x) in internal.iter_mut().zip(&solved.x[p * r..]) {
                *to = -x;
            }
            t.to_atoms(p, &internal, a);
            t.points[p].along(a, b);
        }
        let energies = solved.x[self.unknowns.forces()..].iter().map(|x| -x);
        let iterative = match &solved.how {
            Solution::ClosedForm => None,
            Solution::Iterative {
                steps,
                residual,
                inducing,
            } => Some(IterativeSolve {
                tolerance: settings.tolerance,
                steps: *steps,
                residual: residual * self.norm,
                labels: self.norm,
                inducing: spread(t, *inducing)
                    .into_iter()
                    .flat_map(|p| p * n3..(p + 1) * n3)
                    .map(|k| k as i64)
                    .collect(),
            }),
        };
        SgdmlFile {
            code_version: format!("zundel {}", env!("CARGO_PKG_VERSION")),
            dataset_name: settings.name.clone(),
            dataset_theory: settings.theory.clone(),
            elements: self.set.elements.clone(),
            descriptors: t.points.iter().flat_map(|p| p.d.iter().copied()).collect(),
            weights,
            permutations: t.permutations.iter().map(|p| p.atoms.clone()).collect(),
            sigma,
            lambda: Some(solved.lambda),
            std: self.scale,
            constant: self.mean,
            alphas_forces: alphas,
            alphas_energies: energies.collect(),
            use_energies: settings.energies != Energies::Ignored && !self.set.energies.is_empty(),
            lattice: self.set.cell.as_ref().map(|c| c.row_vectors()),
            length_unit: "Ang".into(),
            energy_unit: settings.energy_unit.clone(),
            length: 1.0,
            energy: unit,
            iterative,
            ..SgdmlFile::default()
        }
    }
}
