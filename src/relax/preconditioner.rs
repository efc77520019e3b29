//! The exponential preconditioner (Packwood, Kermode, Mones, Bernstein, Woolley, Gould, Ortner, Csányi, J. Chem. Phys. 144, 164109
//! (2016)): a network of springs between neighbours whose Hessian stands in for that of the model.
//!
//! A spring of stiffness μ exp(-A (r/r_nn - 1)) lies between any two atoms within 2 r_nn. A strain stretches the springs just as
//! displacements do, so that atoms and cell are one network, and what a strain does to the places of the atoms within the cell is in it.
//! It has two scales, of atoms and of the cell, that one small test displacement gives.

use super::line_search::dot;
use super::objective::{Objective, Point};
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use crate::parallel;
use crate::system::{Cell, Configuration};
use nalgebra::Matrix3;
use std::f64::consts::PI;

/// How fast springs grow softer with their length.
const A: f64 = 3.0;
/// Range of the springs, in distances of nearest neighbours.
const RANGE: f64 = 2.0;
/// Stiffness across a spring, in units of that along it.
const ACROSS: f64 = 1.0;
/// Springs to the places of now, which make the matrix positive definite.
const STABILISER: f64 = 0.1;
/// The network is made anew when an atom has gone this far, in distances of nearest neighbours.
const RENEW: f64 = 0.3;
/// Relative residual of a solution.
const PRECISION: f64 = 1e-8;
/// Most rounds of conjugate gradients.
const ROUNDS: usize = 500;
/// Molecules and clusters of fewer atoms go without springs.
const SMALL: usize = 200;
/// Atoms in a piece of work.
const BLOCK: usize = 256;

/// The preconditioner of one relaxation.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Preconditioner {
    /// Where the springs were laid; empty before.
    laid: Vec<f64>,
    /// Cell vectors of then, and the length that scales strains.
    cell: [[f64; 3]; 3],
    scale: f64,
    /// Stiffness of atoms and of the cell; zero before it was measured.
    stiffness: [f64; 2],
    #[serde(skip)]
    springs: Springs,
    #[serde(skip)]
    work: [Vec<f64>; 4],
}

/// The springs of each atom, from both of its sides.
#[derive(Clone, Debug, Default)]
struct Springs {
    first: Vec<usize>,
    other: Vec<u32>,
    /// Vector (Å) to the other end.
    vector: Vec<[f64; 3]>,
    /// Stiffness over μ.
    weight: Vec<f64>,
    /// Basis of the strains over their scale.
    strains: Vec<Matrix3<f64>>,
    /// Directions that are held.
    held: Vec<[bool; 3]>,
    /// The diagonal over μ.
    diagonal: Vec<f64>,
    /// Distance (Å) of nearest neighbours.
    nearest: f64,
}

impl Preconditioner {
    /// Lays the springs where there are none for this point, and measures their stiffness once. `false` when there is no network to be made,
    /// as for a single atom, or none that helps.
    pub fn prepare(&mut self, objective: &mut Objective<'_>, point: &Point) -> bool {
        // Clusters and molecules of few atoms are stiff in all directions alike, and their bonds too different for one law: with the springs
        // Lennard-Jones clusters take three times as many evaluations.
        let atoms = objective.system.atoms.len();
        if objective.reference().is_isolated() && atoms < SMALL {
            return false;
        }
        let known = self.laid.len() == point.x.len()
            && self.scale == objective.scale()
            && self.cell == objective.reference().row_vectors();
        if !known {
            self.refer(objective, point);
        }
        if self.springs.first.is_empty() && !self.lay(objective) {
            return false;
        }
        let limit = RENEW * self.springs.nearest;
        let pairs = point.x.chunks_exact(3).zip(self.laid.chunks_exact(3));
        let far = pairs
            .take(objective.system.atoms.len())
            .any(|(a, b)| (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>() > limit * limit);
        if far {
            self.refer(objective, point);
            if !self.lay(objective) {
                return false;
            }
        }
        if self.stiffness[0] == 0.0 {
            self.measure(objective, point);
        }
        true
    }

    /// The springs shall be laid where the point is.
    fn refer(&mut self, objective: &Objective<'_>, point: &Point) {
        self.laid.clone_from(&point.x);
        self.cell = objective.reference().row_vectors();
        self.scale = objective.scale();
        self.springs = Springs::default();
    }

    /// Lays the springs.
    fn lay(&mut self, objective: &Objective<'_>) -> bool {
        let system = &*objective.system;
        let atoms = system.atoms.len();
        let positions: Vec<[f64; 3]> = self.laid[..3 * atoms]
            .chunks_exact(3)
            .map(|x| [x[0], x[1], x[2]])
            .collect();
        let Ok(cell) = Cell::new(self.cell, objective.reference().periodic()) else {
            return false;
        };
        let configuration = Configuration {
            cell: &cell,
            elements: &system.atoms.elements,
            positions: &positions,
        };
        let strains = objective.strain_basis();
        let held = objective.settings().held.clone();
        match Springs::of(configuration, strains, held) {
            Some(springs) => {
                self.springs = springs;
                true
            }
            None => false,
        }
    }

    /// Measures both scales by the change of the gradient along a small wave of the atoms and a small strain.
    fn measure(&mut self, objective: &mut Objective<'_>, point: &Point) {
        self.stiffness = [1.0, 1.0];
        let atoms = 3 * objective.system.atoms.len();
        let wave = self.wave(objective);
        let mut there = Point {
            x: point.x.iter().zip(&wave).map(|(x, v)| x + v).collect(),
            ..Point::default()
        };
        if objective.evaluate(&mut there).is_err() {
            self.stiffness = [10.0, 10.0];
            return;
        }
        let change: Vec<f64> = there
            .gradient
            .iter()
            .zip(&point.gradient)
            .map(|(a, b)| a - b)
            .collect();
        let mut of_atoms = wave.clone();
        of_atoms[atoms..].fill(0.0);
        let mut of_cell = wave.clone();
        of_cell[..atoms].fill(0.0);
        let mut image = vec![0.0; wave.len()];
        let mut ratio = |v: &[f64]| {
            self.springs.apply(v, [1.0, 1.0], &mut image);
            let r = dot(v, &change) / dot(v, &image);
            (r.is_finite() && r > 0.0).then_some(r)
        };
        let (a, c) = (ratio(&of_atoms), ratio(&of_cell));
        // Where the start is past an inflection one of them may say nothing.
        let known = a.or(c).unwrap_or(10.0);
        let a = a.unwrap_or(known);
        let c = c.unwrap_or(known);
        self.stiffness = [a, c.clamp(0.05 * a, 20.0 * a)];
    }

    /// A wave through the cell, or the extent of what has no cell, with an even strain.
    fn wave(&self, objective: &Objective<'_>) -> Vec<f64> {
        let atoms = 3 * objective.system.atoms.len();
        let cell = objective.reference();
        let amplitude = 0.01 * self.springs.nearest;
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for x in self.laid[..atoms].chunks_exact(3) {
            for k in 0..3 {
                low[k] = low[k].min(x[k]);
                high[k] = high[k].max(x[k]);
            }
        }
        let mut wave = vec![0.0; self.laid.len()];
        for (x, v) in self.laid[..atoms]
            .chunks_exact(3)
            .zip(wave.chunks_exact_mut(3))
        {
            let s = cell.fractional([x[0], x[1], x[2]]);
            for k in 0..3 {
                let phase = if cell.periodic()[k] {
                    s[k]
                } else {
                    (x[k] - low[k]) / (high[k] - low[k]).max(self.springs.nearest)
                };
                // An atom in a corner and one in the middle of a cell shall not both be at a node.
                v[k] = amplitude * (2.0 * PI * phase + 1.0).sin();
            }
        }
        for (v, held) in wave.chunks_exact_mut(3).zip(&self.springs.held) {
            for k in 0..3 {
                if held[k] {
                    v[k] = 0.0;
                }
            }
        }
        let strains = &self.springs.strains;
        let even: Vec<f64> = strains.iter().map(|b| b.trace() * self.scale).collect();
        let only_shear = even.iter().all(|t| t.abs() < 1e-9);
        for (v, t) in wave[atoms..].iter_mut().zip(&even) {
            let part = if only_shear { 1.0 } else { *t };
            *v = 0.01 * self.scale * part / 3f64.sqrt();
        }
        objective.symmetrise(&mut wave);
        wave
    }

    /// Replaces a vector by the solution of P x = vector.
    pub fn solve(&mut self, vector: &mut Vec<f64>) {
        let [residual, p, image, z] = &mut self.work;
        let n = vector.len();
        residual.clone_from(vector);
        vector.fill(0.0);
        for v in [&mut *p, &mut *image, &mut *z] {
            v.clear();
            v.resize(n, 0.0);
        }
        let atoms = 3 * (self.springs.first.len() - 1);
        let stiffness = self.stiffness;
        let diagonal = &self.springs.diagonal;
        let divide = |r: &[f64], z: &mut [f64]| {
            for (i, ((z, r), d)) in z.iter_mut().zip(r).zip(diagonal).enumerate() {
                *z = r / (d * stiffness[usize::from(i >= atoms)]);
            }
        };
        let enough = PRECISION * PRECISION * dot(residual, residual);
        divide(residual, z);
        p.clone_from(z);
        let mut rz = dot(residual, z);
        for _ in 0..ROUNDS {
            if rz.is_nan() || rz <= 0.0 || dot(residual, residual) <= enough {
                break;
            }
            self.springs.apply(p, stiffness, image);
            let a = rz / dot(p, image);
            for i in 0..n {
                vector[i] += a * p[i];
                residual[i] -= a * image[i];
            }
            divide(residual, z);
            let next = dot(residual, z);
            let b = next / rz;
            rz = next;
            for i in 0..n {
                p[i] = z[i] + b * p[i];
            }
        }
    }
}

impl Springs {
    /// Of a configuration with strains that may be applied to it. `None` where no two atoms are near each other.
    fn of(
        c: Configuration<'_>,
        strains: Vec<Matrix3<f64>>,
        held: Vec<[bool; 3]>,
    ) -> Option<Springs> {
        let nearest = nearest_neighbours(c)?;
        let range = RANGE * nearest;
        let list = full_list(c, range)?;
        let atoms = c.positions.len();
        let mut rows: Vec<Vec<(u32, [i32; 3])>> = vec![Vec::new(); atoms];
        for pair in list.iter_pairs() {
            rows[pair.i as usize].push((pair.j, pair.shift));
        }
        let mut springs = Springs {
            first: vec![0],
            strains,
            held,
            nearest,
            ..Springs::default()
        };
        for (i, row) in rows.iter_mut().enumerate() {
            row.sort_unstable();
            for (j, shift) in row.iter() {
                let t = c.cell.translation(*shift);
                let (a, b) = (c.positions[i], c.positions[*j as usize]);
                let r: [f64; 3] = std::array::from_fn(|k| b[k] + t[k] - a[k]);
                let length = crate::vector::dot(r, r).sqrt();
                if length >= range || length < 1e-6 {
                    continue;
                }
                springs.other.push(*j);
                springs.vector.push(r);
                // No spring is much stiffer than those of nearest neighbours: a start may have atoms too close.
                let w = (-A * (length / nearest - 1.0)).exp().min(4.0);
                springs.weight.push(w);
            }
            springs.first.push(springs.other.len());
        }
        springs.find_diagonal();
        Some(springs)
    }

    fn find_diagonal(&mut self) {
        let atoms = self.first.len() - 1;
        let mut d = vec![STABILISER; 3 * atoms];
        let mut of_strains = vec![0.0; self.strains.len()];
        for i in 0..atoms {
            for s in self.first[i]..self.first[i + 1] {
                let (r, w) = (self.vector[s], self.weight[s]);
                // A spring to an image of the same atom does not see it move.
                if self.other[s] as usize != i {
                    let r2 = crate::vector::dot(r, r);
                    for k in 0..3 {
                        d[3 * i + k] += w * (ACROSS + (1.0 - ACROSS) * r[k] * r[k] / r2);
                    }
                }
                for (o, b) in of_strains.iter_mut().zip(&self.strains) {
                    let v = times(r, b);
                    *o += 0.5 * crate::vector::dot(v, pull(v, r, w));
                }
            }
        }
        d.extend(of_strains.iter().map(|x| x.max(1e-12)));
        self.diagonal = d;
    }

    /// `image` = P v, with the stiffness of atoms and cell.
    fn apply(&self, v: &[f64], stiffness: [f64; 2], image: &mut [f64]) {
        let atoms = self.first.len() - 1;
        let (root_a, root_c) = (stiffness[0].sqrt(), stiffness[1].sqrt());
        let strain: Matrix3<f64> = self
            .strains
            .iter()
            .zip(&v[3 * atoms..])
            .map(|(b, u)| b * (*u * root_c))
            .sum();
        let (of_atoms, of_strains) = image.split_at_mut(3 * atoms);
        let strained = !self.strains.is_empty();
        let mut blocks: Vec<(&mut [f64], Matrix3<f64>)> = of_atoms
            .chunks_mut(3 * BLOCK)
            .map(|rows| (rows, Matrix3::zeros()))
            .collect();
        parallel::for_each_mut(&mut blocks, |block, (rows, sum)| {
            for (row, out) in rows.chunks_exact_mut(3).enumerate() {
                let i = block * BLOCK + row;
                let own = [v[3 * i], v[3 * i + 1], v[3 * i + 2]];
                let mut pulled = [0.0; 3];
                for s in self.first[i]..self.first[i + 1] {
                    let j = 3 * self.other[s] as usize;
                    let r = self.vector[s];
                    let mut d = [
                        (v[j] - own[0]) * root_a,
                        (v[j + 1] - own[1]) * root_a,
                        (v[j + 2] - own[2]) * root_a,
                    ];
                    if strained {
                        let t = times(r, &strain);
                        (0..3).for_each(|k| d[k] += t[k]);
                    }
                    let f = pull(d, r, self.weight[s]);
                    (0..3).for_each(|k| pulled[k] -= f[k]);
                    if strained {
                        for a in 0..3 {
                            for b in 0..3 {
                                sum[(a, b)] += 0.5 * r[a] * f[b];
                            }
                        }
                    }
                }
                for k in 0..3 {
                    let free = self.held.get(i).is_none_or(|h| !h[k]);
                    out[k] = if free {
                        root_a * pulled[k] + stiffness[0] * STABILISER * own[k]
                    } else {
                        0.0
                    };
                }
            }
        });
        let total: Matrix3<f64> = blocks.iter().map(|b| b.1).sum();
        for (o, b) in of_strains.iter_mut().zip(&self.strains) {
            *o = root_c * b.dot(&total);
        }
    }
}

/// The row vector r times a matrix.
#[inline]
fn times(r: [f64; 3], m: &Matrix3<f64>) -> [f64; 3] {
    std::array::from_fn(|k| r[0] * m[(0, k)] + r[1] * m[(1, k)] + r[2] * m[(2, k)])
}

/// The force of a spring along r whose end has moved by d.
#[inline]
fn pull(d: [f64; 3], r: [f64; 3], weight: f64) -> [f64; 3] {
    let along = (1.0 - ACROSS) * crate::vector::dot(d, r) / crate::vector::dot(r, r);
    std::array::from_fn(|k| weight * (ACROSS * d[k] + along * r[k]))
}

fn full_list(c: Configuration<'_>, range: f64) -> Option<NeighbourList> {
    let mut list = NeighbourList::new();
    let request = NeighbourRequest {
        cutoff: range,
        kind: ListKind::Full,
        chunk: 256,
        grain: 256,
    };
    list.build(c, request, range).ok()?;
    Some(list)
}

/// The median over atoms of the distance (Å) to the nearest neighbour. Atoms that have none within a generous range do not count.
fn nearest_neighbours(c: Configuration<'_>) -> Option<f64> {
    let atoms = c.positions.len();
    for range in [3.0, 6.0, 12.0] {
        let list = full_list(c, range)?;
        let mut nearest = vec![f64::INFINITY; atoms];
        for pair in list.iter_pairs() {
            let t = c.cell.translation(pair.shift);
            let (a, b) = (c.positions[pair.i as usize], c.positions[pair.j as usize]);
            let d: [f64; 3] = std::array::from_fn(|k| b[k] + t[k] - a[k]);
            let r = crate::vector::dot(d, d).sqrt();
            let least = &mut nearest[pair.i as usize];
            *least = least.min(r);
        }
        nearest.retain(|r| *r <= range);
        if 2 * nearest.len() > atoms {
            nearest.sort_unstable_by(f64::total_cmp);
            return Some(nearest[nearest.len() / 2]).filter(|r| *r > 0.05);
        }
    }
    None
}
