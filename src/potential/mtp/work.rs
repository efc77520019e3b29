//! What an evaluation does and moves, stage by stage: the ground line for its speed.

use super::Mtp;
use super::evaluate::{LANES, Stage};
use super::lattice::{monomials, monomials_below};

/// The work of one stage for one atom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// The stage, by itself.
    pub stage: Stage,
    /// Additions, multiplications, divisions and roots; a fused multiply-add is two.
    pub flops: f64,
    /// Bytes read and written that cannot stay in registers: neighbours, moments, and the lists of indices, which serve
    /// eight atoms at once.
    pub bytes: f64,
}

impl Mtp {
    /// The work of all stages for an atom with so many neighbours.
    pub fn work(&self, neighbours: f64) -> [Work; 5] {
        let (schedule, radial) = (&self.core.schedule, &self.core.radial);
        let lattice = &schedule.lattice;
        let (functions, size) = (radial.functions as f64, radial.size as f64);
        let ranks = lattice.ranks.len();
        let count = |n: usize| n as f64;
        let summed = count(lattice.summed);
        let derived = count(lattice.derived.len());
        let (mut gradient, mut coefficients) = (9.0, 0.0);
        for (rank, shares) in lattice.ranks.iter().enumerate() {
            let terms = match rank {
                0 => 0.0,
                _ => 3.0 * count(monomials(rank - 1)),
            };
            gradient += count(shares.len()) * (2.0 * terms + 16.0);
            coefficients += count(shares.len()) * terms;
        }
        let sums = schedule.counts();
        // Two operands of each product, its share of the index list, and the target.
        let traffic = |products: f64, sums: f64| {
            (16.0 + 8.0 / LANES as f64) * products + (8.0 + 16.0 / LANES as f64) * sums
        };
        let record = 8.0 * (4.0 + 2.0 * functions);
        let of = |stage, flops, bytes| Work {
            stage,
            flops,
            bytes,
        };
        [
            of(
                Stage::Neighbours,
                neighbours * (12.0 + 3.0 * size + functions * (4.0 * size + 4.0)),
                neighbours * (33.0 + record),
            ),
            of(
                Stage::Moments,
                neighbours * (count(monomials_below(ranks)) + 2.0 * summed),
                neighbours * 8.0 * (3.0 + functions) + 8.0 * summed,
            ),
            of(
                Stage::Products,
                2.0 * (derived + sums.forward[0] + sums.forward[1] + sums.seeds) + 3.0 * sums.last,
                32.0 * derived
                    + traffic(sums.forward[0], sums.forward[1])
                    + traffic(sums.last, 0.0)
                    + 9.0 * sums.seeds,
            ),
            of(
                Stage::Reverse,
                3.0 * derived + 2.0 * (sums.backward[0] + sums.backward[1] + sums.terms),
                56.0 * derived
                    + traffic(sums.backward[0], sums.backward[1])
                    + (8.0 + 16.0 / LANES as f64) * sums.terms,
            ),
            of(
                Stage::Gradients,
                neighbours * (count(monomials_below(ranks.saturating_sub(1))) + gradient)
                    + coefficients,
                neighbours * (record + 24.0) + 16.0 * coefficients,
            ),
        ]
    }
}
