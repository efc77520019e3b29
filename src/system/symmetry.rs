//! The space group of a crystal, found by `moyo`, and what is done with its operations.

use super::System;
use crate::error::{Error, Result};
use crate::vector::dot;
use moyo::MoyoDataset;
use moyo::base::{Cell as MoyoCell, Lattice};
use nalgebra::{Matrix3, Vector3};
use std::collections::HashMap;

/// The space group of a system that is periodic in three directions.
#[derive(Clone, Debug)]
pub struct SpaceGroup {
    /// Number in the International Tables, 1 to 230.
    pub number: i32,
    /// Hermann-Mauguin symbol in short notation, as in `Fd-3m`.
    pub symbol: String,
    /// Pearson symbol, as in `cF8`; its first two letters are the Bravais lattice.
    pub pearson: String,
    /// The operations, first the identity.
    pub operations: Vec<Operation>,
    /// The atom that stands for each atom: equivalent ones have the same.
    pub representatives: Vec<usize>,
    /// Vectors of the conventional cell (Å, rows), in the orientation of the system.
    pub conventional: [[f64; 3]; 3],
    /// Vectors of the primitive cell (Å, rows), in the orientation of the system.
    pub primitive: [[f64; 3]; 3],
    /// The largest distance (Å) by which an operation misses an atom.
    pub deviation: f64,
}

/// An operation of a space group, in the cell of the system for which it was found.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Acts on fractional coordinates: s' = W s + w.
    pub rotation: [[i32; 3]; 3],
    /// The translation w.
    pub translation: [f64; 3],
    /// The same rotation for Cartesian vectors: x' = R x.
    pub cartesian: Matrix3<f64>,
    /// The atom to whose place (or an image of it) each atom goes.
    pub permutation: Vec<usize>,
}

impl SpaceGroup {
    /// Finds the space group within a distance `tolerance` (Å) that atoms may be off their places. Atoms of different elements or
    /// masses are different.
    ///
    /// Errors when the system is not periodic in three directions, or no symmetry can be made of it, which happens when the tolerance
    /// is larger than what is between atoms.
    pub fn of(system: &System, tolerance: f64) -> Result<SpaceGroup> {
        if !system.cell.is_bulk() || system.atoms.is_empty() {
            return Err(Error::input(
                "symmetry",
                "a space group needs a system that is periodic in three directions",
            ));
        }
        let species = species(system);
        let basis = system.cell.row_vectors();
        let fractional: Vec<Vector3<f64>> = system
            .atoms
            .positions
            .iter()
            .map(|x| Vector3::from(system.cell.fractional(*x)))
            .collect();
        let crystal = MoyoCell::new(Lattice::from_basis(basis), fractional, species);
        let data = MoyoDataset::with_default(&crystal, tolerance).map_err(|e| {
            Error::input("symmetry", format!("no space group was found: {e}"))
                .advise("choose another tolerance, or switch symmetry off")
        })?;
        let finder = AtomFinder::new(system, &crystal.numbers);
        let columns = Matrix3::from_fn(|i, j| basis[j][i]);
        let inverse = columns.try_inverse().unwrap_or_else(Matrix3::identity);
        let mut deviation: f64 = 0.0;
        let mut operations = Vec::with_capacity(data.operations.len());
        for operation in &data.operations {
            let w: Vector3<f64> = operation.translation;
            let r = operation.rotation;
            let turn = r.map(f64::from);
            let mut permutation = Vec::with_capacity(crystal.numbers.len());
            for (s, kind) in crystal.positions.iter().zip(&crystal.numbers) {
                let image = turn * s + w;
                // The search for symmetry is generous in places; what has no partner is no operation.
                let Some((atom, miss)) = finder.find(image, *kind, 4.0 * data.symprec) else {
                    break;
                };
                deviation = deviation.max(miss);
                permutation.push(atom);
            }
            if permutation.len() == crystal.numbers.len() && is_bijective(&permutation) {
                operations.push(Operation {
                    rotation: std::array::from_fn(|i| std::array::from_fn(|j| r[(i, j)])),
                    translation: [w[0], w[1], w[2]],
                    cartesian: columns * turn * inverse,
                    permutation,
                });
            }
        }
        let is_identity = |o: &Operation| {
            o.rotation == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
                && o.permutation.iter().enumerate().all(|(i, j)| i == *j)
        };
        match operations.iter().position(is_identity) {
            Some(k) => operations.swap(0, k),
            None => {
                return Err(Error::input(
                    "symmetry",
                    "the symmetry found at this tolerance does not map the atoms onto each other",
                )
                .advise("choose a smaller tolerance, or switch symmetry off"));
            }
        }
        let mut representatives: Vec<usize> = (0..crystal.numbers.len()).collect();
        for i in 0..representatives.len() {
            let least = operations.iter().map(|o| o.permutation[i]).min();
            representatives[i] = least.unwrap_or(i);
        }
        let rows = |linear: &Matrix3<f64>| {
            let m = columns * linear;
            std::array::from_fn(|i| std::array::from_fn(|k| m[(k, i)]))
        };
        Ok(SpaceGroup {
            number: data.number,
            symbol: data.hm_symbol.replace(" ", ""),
            pearson: data.pearson_symbol.clone(),
            operations,
            representatives,
            conventional: rows(&data.std_linear),
            primitive: rows(&data.prim_std_linear),
            deviation,
        })
    }

    /// `Fd-3m (227)`.
    pub fn name(&self) -> String {
        format!("{} ({})", self.symbol, self.number)
    }

    /// Replaces a vector for each atom (forces, displacements) by its mean over the group: what the symmetry leaves of it.
    pub fn symmetrise_vectors(&self, vectors: &mut [[f64; 3]]) {
        let mut sum = vec![Vector3::zeros(); vectors.len()];
        for o in &self.operations {
            for (v, &to) in vectors.iter().zip(&o.permutation) {
                sum[to] += o.cartesian * Vector3::from(*v);
            }
        }
        let share = 1.0 / self.operations.len() as f64;
        for (v, s) in vectors.iter_mut().zip(&sum) {
            *v = [share * s[0], share * s[1], share * s[2]];
        }
    }

    /// Replaces a Cartesian tensor of the whole crystal (stress, strain) by its mean over the group.
    pub fn symmetrise_tensor(&self, tensor: &Matrix3<f64>) -> Matrix3<f64> {
        let sum: Matrix3<f64> = self
            .operations
            .iter()
            .map(|o| o.cartesian * tensor * o.cartesian.transpose())
            .sum();
        sum / self.operations.len() as f64
    }

    /// The rotations (Cartesian) of the point group, each once.
    pub fn rotations(&self) -> Vec<Matrix3<f64>> {
        let mut seen: Vec<[[i32; 3]; 3]> = Vec::new();
        let mut rotations = Vec::new();
        for o in &self.operations {
            if !seen.contains(&o.rotation) {
                seen.push(o.rotation);
                rotations.push(o.cartesian);
            }
        }
        rotations
    }
}

/// A number for each kind of atom: elements and isotopes.
fn species(system: &System) -> Vec<i32> {
    let mut kinds: Vec<(u8, u64)> = Vec::new();
    let atoms = &system.atoms;
    let of = |i: usize| (atoms.elements[i].number(), atoms.masses[i].to_bits());
    (0..atoms.len())
        .map(|i| {
            let kind = of(i);
            let known = kinds.iter().position(|k| *k == kind);
            known.unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            }) as i32
        })
        .collect()
}

fn is_bijective(permutation: &[usize]) -> bool {
    let mut seen = vec![false; permutation.len()];
    permutation
        .iter()
        .all(|&p| !std::mem::replace(&mut seen[p], true))
}

/// Finds the atom at a place in a periodic cell.
pub struct AtomFinder {
    basis: Matrix3<f64>,
    fractional: Vec<Vector3<f64>>,
    species: Vec<i32>,
    bins: HashMap<[i32; 3], Vec<usize>>,
    count: [i32; 3],
}

impl AtomFinder {
    fn new(system: &System, species: &[i32]) -> AtomFinder {
        let rows = system.cell.row_vectors();
        let per_edge = (system.atoms.len() as f64).cbrt().ceil().clamp(1.0, 256.0) as i32;
        let mut finder = AtomFinder {
            basis: Matrix3::from_fn(|i, j| rows[j][i]),
            fractional: Vec::new(),
            species: species.to_vec(),
            bins: HashMap::new(),
            count: [per_edge; 3],
        };
        for (i, x) in system.atoms.positions.iter().enumerate() {
            let s = Vector3::from(system.cell.fractional(*x));
            finder.bins.entry(finder.bin(&s)).or_default().push(i);
            finder.fractional.push(s);
        }
        finder
    }

    /// One kind for all atoms of an element and mass.
    pub fn of(system: &System) -> AtomFinder {
        AtomFinder::new(system, &species(system))
    }

    fn bin(&self, s: &Vector3<f64>) -> [i32; 3] {
        std::array::from_fn(|k| {
            let n = self.count[k];
            ((s[k] - s[k].floor()) * f64::from(n)).floor() as i32 % n
        })
    }

    /// The atom of this kind at a fractional place, and its distance (Å), when it is no further than `reach`.
    fn find(&self, s: Vector3<f64>, kind: i32, reach: f64) -> Option<(usize, f64)> {
        self.nearest(s, |i| self.species[i] == kind)
            .filter(|found| found.1 <= reach)
    }

    /// The atom at the place of another system's atom, whatever kind it is, when it is no further than `reach` (Å).
    pub fn at(&self, s: [f64; 3], reach: f64) -> Option<usize> {
        self.nearest(Vector3::from(s), |_| true)
            .filter(|found| found.1 <= reach)
            .map(|found| found.0)
    }

    fn nearest(&self, s: Vector3<f64>, wanted: impl Fn(usize) -> bool) -> Option<(usize, f64)> {
        let home = self.bin(&s);
        let mut best: Option<(usize, f64)> = None;
        // A place near the border of a bin has its atom in the next one.
        let around = |k: usize| {
            if self.count[k] < 3 {
                0..self.count[k]
            } else {
                -1..2
            }
        };
        for a in around(0) {
            for b in around(1) {
                for c in around(2) {
                    let bin = std::array::from_fn(|k| {
                        let step = [a, b, c][k];
                        match self.count[k] < 3 {
                            true => step,
                            false => (home[k] + step).rem_euclid(self.count[k]),
                        }
                    });
                    let here = self.bins.get(&bin).into_iter().flatten();
                    for &i in here.filter(|i| wanted(**i)) {
                        let d = (s - self.fractional[i]).map(|x| x - x.round());
                        let x = self.basis * d;
                        let distance = dot(x.into(), x.into()).sqrt();
                        if best.is_none_or(|b| distance < b.1) {
                            best = Some((i, distance));
                        }
                    }
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::{Element, Species};
    use crate::random::{Purpose, Stream};
    use crate::system::{Atoms, Cell, repeat};

    fn diamond(a: f64) -> System {
        let places = [
            [0.0, 0.0, 0.0],
            [0.0, 0.5, 0.5],
            [0.5, 0.0, 0.5],
            [0.5, 0.5, 0.0],
        ];
        let mut atoms = Atoms::default();
        let silicon = Species::from_name("Si").unwrap();
        for shift in [0.0, 0.25] {
            for p in places {
                atoms.push(silicon, p.map(|s| a * (s + shift)));
            }
        }
        System {
            cell: Cell::orthorhombic(a, a, a).unwrap(),
            atoms,
        }
    }

    #[test]
    fn silicon_and_its_supercell() {
        let crystal = diamond(5.43);
        let group = SpaceGroup::of(&crystal, 1e-4).unwrap();
        assert_eq!(
            (group.name().as_str(), group.pearson.as_str()),
            ("Fd-3m (227)", "cF8")
        );
        assert_eq!((group.operations.len(), group.rotations().len()), (192, 48));
        assert!(group.representatives.iter().all(|r| *r == 0));
        let volume = |rows: [[f64; 3]; 3]| Matrix3::from_fn(|i, j| rows[i][j]).determinant().abs();
        assert!((volume(group.primitive) - 5.43f64.powi(3) / 4.0).abs() < 1e-9);
        assert!((volume(group.conventional) - 5.43f64.powi(3)).abs() < 1e-9);
        let large = repeat(&crystal, [2, 2, 1]).unwrap();
        let of_large = SpaceGroup::of(&large, 1e-4).unwrap();
        assert_eq!(of_large.number, 227);
        // Rotations that mix long and short directions are no operations of this cell.
        assert_eq!(of_large.operations.len(), 16 * 4 * 4);
    }

    /// Every operation maps the crystal onto itself, and symmetrised vectors do not change under any.
    #[test]
    fn operations_keep_what_is_symmetric() {
        let crystal = diamond(5.43);
        let group = SpaceGroup::of(&crystal, 1e-4).unwrap();
        let mut draws = Stream::new(5, Purpose::Displacement, 0, 0, 0);
        let mut forces: Vec<[f64; 3]> = (0..8)
            .map(|_| std::array::from_fn(|_| draws.uniform() - 0.5))
            .collect();
        group.symmetrise_vectors(&mut forces);
        // Site symmetry -43m leaves no force.
        assert!(forces.as_flattened().iter().all(|f| f.abs() < 1e-14));
        let strain = Matrix3::from_fn(|_, _| draws.uniform());
        let kept = group.symmetrise_tensor(&strain);
        assert!((kept - Matrix3::identity() * (strain.trace() / 3.0)).norm() < 1e-14);
        for o in &group.operations {
            for (i, &j) in o.permutation.iter().enumerate() {
                let s = Vector3::from(crystal.cell.fractional(crystal.atoms.positions[i]));
                let w = Matrix3::from_fn(|a, b| f64::from(o.rotation[a][b]));
                let t = w * s + Vector3::from(o.translation);
                let there = Vector3::from(crystal.cell.fractional(crystal.atoms.positions[j]));
                assert!((t - there).iter().all(|d| (d - d.round()).abs() < 1e-9));
            }
        }
    }

    #[test]
    fn broken_symmetry_and_isotopes() {
        let mut crystal = diamond(5.43);
        crystal.atoms.masses[0] = 30.0;
        let group = SpaceGroup::of(&crystal, 1e-4).unwrap();
        assert_eq!(group.number, 215);
        crystal.atoms.positions[3][0] += 0.05;
        assert!(SpaceGroup::of(&crystal, 1e-3).unwrap().operations.len() < 8);
        crystal.atoms.elements[0] = Element::from_symbol("C").unwrap();
        crystal.cell = Cell::isolated();
        assert!(SpaceGroup::of(&crystal, 1e-3).is_err());
    }
}
