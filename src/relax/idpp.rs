//! The image-dependent pair potential (Smidstrup, Pedersen, Stokbro, Jónsson, J. Chem. Phys. 140, 214106 (2014)): what a first path
//! should look like, from distances alone.

use crate::potential::{Evaluation, EvaluationError, Want};
use crate::system::{Cell, System, nearest_image};
use crate::vector::{dot, minus};

/// Pairs further apart than this (Å) at both ends have no say.
const RANGE: f64 = 6.0;

/// The distances that the images should have.
pub(super) struct Idpp {
    cell: Cell,
    atoms: usize,
    /// Atoms of each pair, and their distances (Å) at both ends.
    pairs: Vec<(u32, u32, [f64; 2])>,
    images: usize,
}

impl Idpp {
    /// Between two sets of positions with so many images between them.
    pub fn between(first: &System, last: &[[f64; 3]], images: usize) -> Idpp {
        let positions = &first.atoms.positions;
        let distance = |x: &[[f64; 3]], i: usize, j: usize| {
            let d = nearest_image(&first.cell, minus(x[j], x[i]));
            dot(d, d).sqrt()
        };
        let mut pairs = Vec::new();
        for i in 0..positions.len() {
            for j in i + 1..positions.len() {
                let ends = [distance(positions, i, j), distance(last, i, j)];
                if ends[0].min(ends[1]) < RANGE {
                    pairs.push((i as u32, j as u32, ends));
                }
            }
        }
        Idpp {
            cell: first.cell.clone(),
            atoms: positions.len(),
            pairs,
            images,
        }
    }

    /// Adds up w (d - d')^2 over pairs, w = 1/d^4, where d' goes evenly from one end to the other.
    pub fn evaluate(
        &self,
        image: usize,
        positions: &[[f64; 3]],
        result: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let want = Want {
            forces: true,
            ..Want::ENERGY
        };
        result.reset(self.atoms, want);
        let t = image as f64 / (self.images + 1) as f64;
        for &(i, j, ends) in &self.pairs {
            let (i, j) = (i as usize, j as usize);
            let r = nearest_image(&self.cell, minus(positions[j], positions[i]));
            let d = dot(r, r).sqrt();
            if d < 1e-3 {
                return Err(EvaluationError::Coincident {
                    member: image,
                    i,
                    j,
                    distance: d,
                });
            }
            let off = d - (ends[0] + t * (ends[1] - ends[0]));
            let w = d.powi(-4);
            result.energy += w * off * off;
            // d(w off^2)/dd
            let slope = 2.0 * w * off - 4.0 * w * off * off / d;
            for k in 0..3 {
                let f = slope * r[k] / d;
                result.forces[i][k] += f;
                result.forces[j][k] -= f;
            }
        }
        Ok(())
    }
}
