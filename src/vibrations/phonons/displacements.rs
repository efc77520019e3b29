//! Which atoms are displaced in which directions: as few as symmetry allows.

use super::supercell::{Supercell, Symmetry};
use crate::error::Result;
use nalgebra::{Matrix3, Vector3};

/// A displacement of one atom of the supercell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Displacement {
    /// The atom, one of the first copy of the unit cell.
    pub atom: usize,
    /// Where it goes (Å).
    pub by: [f64; 3],
}

/// The displacements of length `step` (Å) from which all force constants follow. A direction whose opposite is not equivalent to
/// it has both, so that what is odd in the displacement cancels.
pub fn displacements(crystal: &Supercell, step: f64) -> Result<Vec<Displacement>> {
    let mut all = Vec::new();
    for atom in crystal.representatives() {
        let sites = crystal.site_symmetries(atom)?;
        for direction in directions(&crystal.group.conventional, &sites) {
            let by = direction * step;
            all.push(Displacement {
                atom,
                by: by.into(),
            });
            if !turns(&sites, direction, -direction) {
                all.push(Displacement {
                    atom,
                    by: (-by).into(),
                });
            }
        }
    }
    Ok(all)
}

/// Whether a symmetry of the site turns one direction into the other.
fn turns(sites: &[Symmetry], from: Vector3<f64>, to: Vector3<f64>) -> bool {
    sites
        .iter()
        .any(|s| (s.cartesian * from - to).norm() < 1e-3)
}

/// The fewest directions that span space together with those that are equivalent to them. Of several choices the best conditioned one,
/// and of equally good ones the first.
fn directions(conventional: &[[f64; 3]; 3], sites: &[Symmetry]) -> Vec<Vector3<f64>> {
    let [a, b, c] = conventional.map(|r| Vector3::from(r).normalize());
    let candidates = [
        a,
        b,
        c,
        a + b,
        a + c,
        b + c,
        a - b,
        a - c,
        b - c,
        a + b + c,
        a + b - c,
        a - b + c,
        b + c - a,
    ]
    .map(|v| v.normalize());
    // How well a set of directions spans space: the smallest eigenvalue of the mean projector on its images.
    let span = |set: &[Vector3<f64>]| {
        let mut sum = Matrix3::zeros();
        for s in sites {
            for d in set {
                let v = s.cartesian * d;
                sum += v * v.transpose();
            }
        }
        let mean = sum / (sites.len() * set.len()).max(1) as f64;
        mean.symmetric_eigenvalues().min()
    };
    let best = |sets: &mut dyn Iterator<Item = Vec<Vector3<f64>>>| {
        let mut best: Option<(f64, Vec<Vector3<f64>>)> = None;
        for set in sets {
            let quality = span(&set);
            if quality > 0.05 && best.as_ref().is_none_or(|b| quality > b.0 + 1e-6) {
                best = Some((quality, set));
            }
        }
        best.map(|b| b.1)
    };
    let singles = &mut candidates.iter().map(|d| vec![*d]);
    if let Some(set) = best(singles) {
        return set;
    }
    let n = candidates.len();
    let pairs = &mut (0..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .map(|(i, j)| vec![candidates[i], candidates[j]]);
    if let Some(set) = best(pairs) {
        return set;
    }
    vec![Vector3::x(), Vector3::y(), Vector3::z()]
}
