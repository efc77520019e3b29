//! Second derivatives of local models that are sums over pairs of atoms.

use super::{Local, LocalModel};
use crate::elements::Element;
use crate::potential::{Block, Curvature, EvaluationError, Member};
use crate::vector::dot;

/// The second derivatives of a sum over pairs.
pub trait PairCurvature {
    /// (dV/dr)/r and d²V/dr² (eV/Å²) of a pair of elements at a squared distance (Å²); zero beyond the cutoff.
    fn slope_and_curvature(&self, a: Element, b: Element, r2: f64) -> (f64, f64);
}

impl<M: LocalModel> Curvature for Local<M> {
    fn blocks(&self, member: Member<'_>, block: &mut Block<'_>) -> Result<(), EvaluationError> {
        let (Some(pairs), Some(list)) = (self.0.pair_curvature(), member.neighbours) else {
            return Ok(());
        };
        let c = member.configuration;
        for pair in list.iter_pairs() {
            let (i, j) = (pair.i as usize, pair.j as usize);
            // An atom and its own image move together.
            if i == j {
                continue;
            }
            let t = c.cell.translation(pair.shift);
            let (x, y) = (c.positions[i], c.positions[j]);
            let v: [f64; 3] = std::array::from_fn(|a| y[a] + t[a] - x[a]);
            let r2 = dot(v, v);
            if r2 < 1e-12 {
                return Err(EvaluationError::Coincident {
                    member: 0,
                    i,
                    j,
                    distance: r2.sqrt(),
                });
            }
            let (slope, curvature) = pairs.slope_and_curvature(c.elements[i], c.elements[j], r2);
            if slope == 0.0 && curvature == 0.0 {
                continue;
            }
            let along = (curvature - slope) / r2;
            let mut h = [[0.0; 3]; 3];
            for a in 0..3 {
                for b in 0..3 {
                    h[a][b] = along * v[a] * v[b];
                }
                h[a][a] += slope;
            }
            block(i, i, &h);
            block(j, j, &h);
            block(i, j, &h.map(|row| row.map(|x| -x)));
        }
        Ok(())
    }
}
