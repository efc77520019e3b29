//! Training geometries eight at a time, as the columns of kernel blocks.

use super::geometry::Point;
use super::rigid::Internal;
use crate::potential::sgdml::descriptor::permuted_pairs;
use crate::simd::F64x8;

/// Geometries side by side.
pub(super) const LANES: usize = F64x8::WIDTH;

/// A permutation of atoms and what it does to pairs.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    /// Where each atom goes.
    pub atoms: Vec<usize>,
    /// Where each pair goes.
    pub pairs: Vec<usize>,
}

/// The training geometries and the group, as the kernel reads them.
pub(super) struct Training {
    pub atoms: usize,
    pub pairs: usize,
    /// Unknowns of each geometry.
    pub rank: usize,
    pub points: Vec<Point>,
    /// Internal directions of each geometry, row by row.
    pub directions: Vec<Vec<f64>>,
    pub permutations: Vec<Permutation>,
    /// The same geometries, eight side by side; the last ones are filled up with the first of them.
    pub groups: Vec<Group>,
}

/// Eight geometries.
pub(super) struct Group {
    /// Descriptors.
    pub d: Vec<F64x8>,
    /// Gradients of the pairs.
    pub g: Vec<[F64x8; 3]>,
    /// Internal directions, row by row.
    pub q: Vec<F64x8>,
}

impl Training {
    /// Lays out geometries.
    pub fn new(points: Vec<Point>, internal: Internal, permutations: &[Vec<usize>]) -> Training {
        let atoms = permutations.first().map_or(0, Vec::len);
        let pairs = points.first().map_or(0, |p| p.d.len());
        let groups = (0..points.len())
            .step_by(LANES)
            .map(|from| {
                let lane = |l: usize| {
                    if from + l < points.len() {
                        from + l
                    } else {
                        from
                    }
                };
                let each = |of: &dyn Fn(usize) -> f64| F64x8(std::array::from_fn(|l| of(lane(l))));
                Group {
                    d: (0..pairs).map(|k| each(&|p| points[p].d[k])).collect(),
                    g: (0..pairs)
                        .map(|k| std::array::from_fn(|x| each(&|p| points[p].g[k][x])))
                        .collect(),
                    q: (0..internal.rank * 3 * atoms)
                        .map(|k| each(&|p| internal.directions[p][k]))
                        .collect(),
                }
            })
            .collect();
        Training {
            atoms,
            pairs,
            rank: internal.rank,
            groups,
            points,
            directions: internal.directions,
            permutations: permutations
                .iter()
                .map(|p| Permutation {
                    atoms: p.clone(),
                    pairs: permuted_pairs(p),
                })
                .collect(),
        }
    }

    /// Number of geometries.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Unknowns of the forces of all geometries.
    pub fn unknowns(&self) -> usize {
        self.len() * self.rank
    }

    /// From components along the internal directions of geometry `p` to those of the atoms.
    pub fn to_atoms(&self, p: usize, internal: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let rows = self.directions[p].chunks_exact(out.len());
        for (row, c) in rows.zip(internal) {
            out.iter_mut().zip(row).for_each(|(o, q)| *o += c * q);
        }
    }

    /// From components along the atoms' directions to those along the internal ones of geometry `p`.
    pub fn to_internal(&self, p: usize, atoms: &[f64], out: &mut [f64]) {
        let rows = self.directions[p].chunks_exact(atoms.len());
        for (row, o) in rows.zip(out) {
            *o = row.iter().zip(atoms).map(|(q, a)| q * a).sum();
        }
    }
}
