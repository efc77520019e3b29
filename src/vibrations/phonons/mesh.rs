//! Wave vectors on a mesh over the Brillouin zone, the density of states by linear tetrahedra, and averages.

use super::dynamical::Phonons;
use crate::error::{Error, Result};
use crate::parallel;
use nalgebra::Matrix3;

/// A mesh through the origin of the Brillouin zone, reduced by symmetry and time reversal.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// Points along each reciprocal vector.
    pub count: [usize; 3],
    /// Points that stand for all others, in reduced coordinates.
    pub points: Vec<[f64; 3]>,
    /// How many points of the whole mesh each stands for.
    pub weights: Vec<usize>,
    /// For each point of the mesh ((a·n1 + b)·n2 + c) the one that stands for it.
    stands: Vec<u32>,
}

impl Mesh {
    /// A mesh for a primitive lattice (Å, rows) and the rotations of its crystal (Cartesian). Errors when it has more than 2^27
    /// points.
    pub fn new(
        count: [usize; 3],
        cell: &[[f64; 3]; 3],
        rotations: &[Matrix3<f64>],
    ) -> Result<Mesh> {
        let total = count.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
        let total = total.filter(|t| *t > 0 && *t <= 1 << 27).ok_or_else(|| {
            Error::input("mesh", "the mesh has no point, or more than 134 million")
        })?;
        let maps = reduced_rotations(cell, rotations);
        let n = count.map(|c| c as i64);
        let index = |p: [i64; 3]| ((p[0] * n[1] + p[1]) * n[2] + p[2]) as usize;
        let mut stands = vec![u32::MAX; total];
        let (mut points, mut weights) = (Vec::new(), Vec::new());
        for i in 0..total {
            if stands[i] != u32::MAX {
                continue;
            }
            let i64s = [
                i / (count[1] * count[2]),
                i / count[2] % count[1],
                i % count[2],
            ];
            let p = i64s.map(|x| x as i64);
            let own = points.len() as u32;
            points.push(std::array::from_fn(|k| {
                let s = p[k] as f64 / n[k] as f64;
                if s > 0.5 + 1e-9 { s - 1.0 } else { s }
            }));
            let mut weight = 0;
            for m in &maps {
                // m · (p / n) must be a point of the mesh again.
                let image = (0..3).map(|a| {
                    let sum: Option<i64> = (0..3)
                        .map(|b| {
                            let x = m[a][b] * p[b] * n[a];
                            (x % n[b] == 0).then_some(x / n[b])
                        })
                        .sum();
                    sum.map(|s| s.rem_euclid(n[a]))
                });
                let image: Option<Vec<i64>> = image.collect();
                let Some(image) = image else { continue };
                let j = index([image[0], image[1], image[2]]);
                if stands[j] == u32::MAX {
                    stands[j] = own;
                    weight += 1;
                }
            }
            weights.push(weight);
        }
        Ok(Mesh {
            count,
            points,
            weights,
            stands,
        })
    }

    /// All points of the mesh.
    pub fn total(&self) -> usize {
        self.stands.len()
    }

    /// The frequencies (THz) at the points that stand for all others, one row a point.
    pub fn frequencies(&self, phonons: &Phonons) -> Result<Vec<Vec<f64>>> {
        let mut rows: Vec<Result<Vec<f64>>> =
            (0..self.points.len()).map(|_| Ok(Vec::new())).collect();
        parallel::for_each_mut(&mut rows, |i, row| {
            let q = phonons.wave_vector(self.points[i]);
            *row = phonons.at(q, false).map(|b| b.frequencies);
        });
        rows.into_iter().collect()
    }

    /// The density of states at these frequencies (THz, ascending): states per THz and primitive cell, by linear interpolation in six
    /// tetrahedra for each cell of the mesh (Lehmann, Taut, phys. stat. sol. (b) 54, 469 (1972)).
    pub fn density(&self, rows: &[Vec<f64>], at: &[f64]) -> Vec<f64> {
        let mut density = vec![0.0; at.len()];
        let Some(branches) = rows.first().map(Vec::len) else {
            return density;
        };
        let [n0, n1, n2] = self.count;
        let corner = |a: usize, b: usize, c: usize| {
            self.stands[((a % n0) * n1 + b % n1) * n2 + c % n2] as usize
        };
        // Along the diagonal from corner 0 to corner 7; each tetrahedron has both ends of it.
        const TETRAHEDRA: [[usize; 4]; 6] = [
            [0, 1, 3, 7],
            [0, 1, 5, 7],
            [0, 2, 3, 7],
            [0, 2, 6, 7],
            [0, 4, 5, 7],
            [0, 4, 6, 7],
        ];
        let share = 1.0 / (6.0 * self.total() as f64);
        for a in 0..n0 {
            for b in 0..n1 {
                for c in 0..n2 {
                    let corners: [usize; 8] = std::array::from_fn(|k| {
                        corner(a + (k >> 2), b + (k >> 1 & 1), c + (k & 1))
                    });
                    for t in TETRAHEDRA {
                        for branch in 0..branches {
                            let mut e = t.map(|k| rows[corners[k]][branch]);
                            e.sort_unstable_by(f64::total_cmp);
                            add_tetrahedron(e, share, at, &mut density);
                        }
                    }
                }
            }
        }
        density
    }
}

/// Adds the density of states of one tetrahedron with these energies at its corners.
fn add_tetrahedron([e1, e2, e3, e4]: [f64; 4], share: f64, at: &[f64], density: &mut [f64]) {
    let first = at.partition_point(|x| *x < e1);
    for (x, g) in at[first..].iter().zip(&mut density[first..]) {
        let x = *x;
        if x >= e4 {
            break;
        }
        // Where corners are equally high a branch is empty, so that nothing is divided by zero.
        *g += share
            * if x < e2 {
                3.0 * (x - e1).powi(2) / ((e2 - e1) * (e3 - e1) * (e4 - e1))
            } else if x < e3 {
                let (a, b, c, d) = (e2 - e1, e3 - e1, e4 - e1, x - e2);
                let curved = (b + e4 - e2) / ((e3 - e2) * (e4 - e2));
                (3.0 * a + 6.0 * d - 3.0 * curved * d * d) / (b * c)
            } else {
                3.0 * (e4 - x).powi(2) / ((e4 - e1) * (e4 - e2) * (e4 - e3))
            };
    }
}

/// Rotations in reduced coordinates of the reciprocal lattice, with time reversal, each once.
fn reduced_rotations(cell: &[[f64; 3]; 3], rotations: &[Matrix3<f64>]) -> Vec<[[i64; 3]; 3]> {
    let rows = Matrix3::from_fn(|i, j| cell[i][j]);
    let inverse = rows.try_inverse().unwrap_or_else(Matrix3::zeros);
    let mut maps: Vec<[[i64; 3]; 3]> = Vec::new();
    let one = [Matrix3::identity()];
    for r in one.iter().chain(rotations) {
        let m = rows * r * inverse;
        if m.iter().any(|x| (x - x.round()).abs() > 1e-3) {
            continue;
        }
        for sign in [1.0, -1.0] {
            let map =
                std::array::from_fn(|i| std::array::from_fn(|j| (sign * m[(i, j)]).round() as i64));
            if !maps.contains(&map) {
                maps.push(map);
            }
        }
    }
    maps
}

/// Points along each reciprocal vector so that they are at most `spacing` (1/Å, with the factor 2π) apart.
pub fn count_for(cell: &[[f64; 3]; 3], spacing: f64) -> [usize; 3] {
    let rows = Matrix3::from_fn(|i, j| cell[i][j]);
    let inverse = rows.try_inverse().unwrap_or_else(Matrix3::zeros);
    std::array::from_fn(|k| {
        let length = inverse.column(k).norm() * 2.0 * std::f64::consts::PI;
        (length / spacing).ceil().clamp(1.0, 500.0) as usize
    })
}
