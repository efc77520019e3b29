//! The bonds of one cluster solved together.
//!
//! Bonds that share atoms pull at each other; gone through one by one they take a hundred turns in a rigid water molecule. A
//! cluster with few bonds has a small matrix instead: Newton's method is there after two or three turns. (Kräutler, van Gunsteren,
//! Hünenberger, J. Comput. Chem. 22, 501 (2001), call it M-SHAKE.)

use super::{Bond, MOST_ITERATIONS, TOLERANCE, Unsolved};
use crate::system::Atoms;
use crate::vector::dot;

/// Clusters with more bonds are solved bond by bond.
const LARGEST: usize = 12;

/// The bonds of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    /// Where its bonds are in the list of all.
    pub first: usize,
    /// And how many.
    pub bonds: usize,
    /// The degrees of freedom that they take.
    pub rank: usize,
    /// For each pair of bonds the sum over shared atoms of ±1/m; empty when the bonds are solved one by one.
    coupling: Vec<f64>,
}

impl Cluster {
    /// Bonds `first..first + bonds.len()` of the list. With a `rank` below their number some say the same as others, so that
    /// there is no matrix to invert.
    pub fn new(first: usize, bonds: &[Bond], atoms: &Atoms, rank: usize) -> Cluster {
        let mut coupling = Vec::new();
        if bonds.len() <= LARGEST && rank == bonds.len() {
            for a in bonds {
                for b in bonds {
                    let ends = |x: &Bond| [(x.i, -1.0), (x.j, 1.0)];
                    let mut sum = 0.0;
                    for (atom, sign) in ends(a) {
                        for (other, other_sign) in ends(b) {
                            if atom == other {
                                sum += sign * other_sign / atoms.masses[atom as usize];
                            }
                        }
                    }
                    coupling.push(sum);
                }
            }
        }
        Cluster {
            first,
            bonds: bonds.len(),
            rank,
            coupling,
        }
    }

    /// Brings positions back along the bonds of `before`; velocities change by the displacements over `h`.
    pub fn positions(
        &self,
        bonds: &[Bond],
        before: &[[f64; 3]],
        atoms: &mut Atoms,
        h: f64,
    ) -> Result<(), Unsolved> {
        let range = self.first..self.first + self.bonds;
        let (bonds, before) = (&bonds[range.clone()], &before[range]);
        let m = bonds.len();
        let (mut matrix, mut missing) = ([0.0; LARGEST * LARGEST], [0.0; LARGEST]);
        for _ in 0..MOST_ITERATIONS {
            let mut worst = None;
            for k in 0..m {
                let (bond, old) = (&bonds[k], before[k]);
                let r = bond.vector(atoms);
                let square = bond.length * bond.length;
                let lacks = square - dot(r, r);
                // Atoms that have diffused far from the origin have fewer digits for their bonds.
                let far = atoms.positions[bond.i as usize].map(f64::abs);
                let digits = 8.0 * f64::EPSILON * (far[0] + far[1] + far[2]) * bond.length;
                let wrong = lacks.abs() > 2.0 * TOLERANCE * square + digits;
                let along = dot(r, old);
                // A bond that turned by a right angle in one step cannot be mended.
                if along < 0.05 * square || !along.is_finite() {
                    return Err(Unsolved(*bond));
                }
                if wrong {
                    worst = Some(*bond);
                }
                if self.coupling.is_empty() {
                    if wrong {
                        let w = inverse_mass(bond, atoms);
                        push(bond, old, lacks / (2.0 * w * along), atoms, h);
                    }
                } else {
                    missing[k] = 0.5 * lacks;
                    for l in 0..m {
                        matrix[k * m + l] = self.coupling[k * m + l] * dot(r, before[l]);
                    }
                }
            }
            let Some(bond) = worst else {
                return Ok(());
            };
            if !self.coupling.is_empty() {
                if !solve(&mut matrix[..m * m], &mut missing[..m]) {
                    return Err(Unsolved(bond));
                }
                for k in 0..m {
                    push(&bonds[k], before[k], missing[k], atoms, h);
                }
            }
        }
        Err(Unsolved(bonds[0]))
    }

    /// Takes the velocities along the bonds away; `h` is a time that says how small is small.
    pub fn velocities(&self, bonds: &[Bond], atoms: &mut Atoms, h: f64) -> Result<(), Unsolved> {
        let bonds = &bonds[self.first..self.first + self.bonds];
        let m = bonds.len();
        let (mut matrix, mut rates) = ([0.0; LARGEST * LARGEST], [0.0; LARGEST]);
        let mut vectors = [[0.0; 3]; LARGEST];
        for _ in 0..MOST_ITERATIONS {
            let mut worst = None;
            for k in 0..m {
                let bond = &bonds[k];
                let (i, j) = (bond.i as usize, bond.j as usize);
                let r = bond.vector(atoms);
                let (vi, vj) = (atoms.velocities[i], atoms.velocities[j]);
                let rate = dot(r, [vj[0] - vi[0], vj[1] - vi[1], vj[2] - vi[2]]);
                if !rate.is_finite() {
                    return Err(Unsolved(*bond));
                }
                let square = bond.length * bond.length;
                let wrong = rate.abs() * h > TOLERANCE * square;
                if wrong {
                    worst = Some(*bond);
                }
                if self.coupling.is_empty() {
                    if wrong {
                        let w = inverse_mass(bond, atoms);
                        push_velocities(bond, r, -rate / (w * square), atoms);
                    }
                } else {
                    vectors[k] = r;
                    rates[k] = -rate;
                }
            }
            let Some(bond) = worst else {
                return Ok(());
            };
            if !self.coupling.is_empty() {
                for k in 0..m {
                    for l in 0..m {
                        let along = dot(vectors[k], vectors[l]);
                        matrix[k * m + l] = self.coupling[k * m + l] * along;
                    }
                }
                if !solve(&mut matrix[..m * m], &mut rates[..m]) {
                    return Err(Unsolved(bond));
                }
                for k in 0..m {
                    push_velocities(&bonds[k], vectors[k], rates[k], atoms);
                }
            }
        }
        Err(Unsolved(bonds[0]))
    }
}

fn inverse_mass(bond: &Bond, atoms: &Atoms) -> f64 {
    1.0 / atoms.masses[bond.i as usize] + 1.0 / atoms.masses[bond.j as usize]
}

/// Moves the ends of a bond by ±g/m along a direction; velocities follow by the displacement over `h`.
fn push(bond: &Bond, direction: [f64; 3], g: f64, atoms: &mut Atoms, h: f64) {
    for (atom, sign) in [(bond.i as usize, -1.0), (bond.j as usize, 1.0)] {
        let w = sign * g / atoms.masses[atom];
        for k in 0..3 {
            let d = w * direction[k];
            atoms.positions[atom][k] += d;
            atoms.velocities[atom][k] += d / h;
        }
    }
}

fn push_velocities(bond: &Bond, direction: [f64; 3], g: f64, atoms: &mut Atoms) {
    for (atom, sign) in [(bond.i as usize, -1.0), (bond.j as usize, 1.0)] {
        let w = sign * g / atoms.masses[atom];
        for k in 0..3 {
            atoms.velocities[atom][k] += w * direction[k];
        }
    }
}

/// Solves a small system by elimination with pivots; the matrix is row by row. False when it is singular.
fn solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let m = b.len();
    for k in 0..m {
        let mut pivot = k;
        for i in k + 1..m {
            if a[i * m + k].abs() > a[pivot * m + k].abs() {
                pivot = i;
            }
        }
        let p = a[pivot * m + k];
        if p == 0.0 || !p.is_finite() {
            return false;
        }
        if pivot != k {
            (0..m).for_each(|l| a.swap(k * m + l, pivot * m + l));
            b.swap(k, pivot);
        }
        for i in k + 1..m {
            let f = a[i * m + k] / p;
            for l in k..m {
                a[i * m + l] -= f * a[k * m + l];
            }
            b[i] -= f * b[k];
        }
    }
    for k in (0..m).rev() {
        for l in k + 1..m {
            b[k] -= a[k * m + l] * b[l];
        }
        b[k] /= a[k * m + k];
    }
    b.iter().all(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn small_systems() {
        let mut a = [0.0, 2.0, 1.0, 1.0, -1.0, 3.0, 4.0, 0.5, 0.0];
        let x = [1.5, -2.0, 0.25];
        let mut b: Vec<f64> = a
            .chunks(3)
            .map(|r| r.iter().zip(x).map(|(a, x)| a * x).sum())
            .collect();
        assert!(solve(&mut a, &mut b));
        assert!(b.iter().zip(x).all(|(b, x)| (b - x).abs() < 1e-14));
        assert!(!solve(&mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 1.0]));
    }
}
