//! Bonds of fixed length: SHAKE for positions, RATTLE for velocities.

mod solve;

use super::sites::Sites;
use crate::system::Atoms;
use crate::vector::dot;
use solve::Cluster;

/// Bonds of fixed length.
///
/// After each drift the positions are brought back along the bonds of before (Ryckaert, Ciccotti, Berendsen, J. Comput. Phys.
/// 23, 327 (1977)), and after each change of velocities those are made perpendicular to the bonds (Andersen, J. Comput. Phys.
/// 52, 24 (1983)). Between friction and noise that is g-BAOAB (Leimkuhler, Matthews, Proc. R. Soc. A 472, 20160138 (2016)).
///
/// Atoms that are bonded must lie next to each other, not across a boundary of the cell.
#[derive(Clone, Debug)]
pub struct Constraints {
    /// Those of a cluster stand together.
    bonds: Vec<Bond>,
    clusters: Vec<Cluster>,
    sites: Sites,
    /// The bond vectors before the drift.
    before: Vec<[f64; 3]>,
}

/// A bond of fixed length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// First atom.
    pub i: u32,
    /// Second atom.
    pub j: u32,
    /// Length (Å).
    pub length: f64,
}

/// Relative accuracy of lengths and velocities.
const TOLERANCE: f64 = 1e-13;
const MOST_ITERATIONS: usize = 2000;

/// A bond that could not be brought to its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unsolved(pub Bond);

impl Constraints {
    /// Constraints on these bonds between atoms with these masses; positions, near which the bonds have their lengths, say
    /// which bonds are independent.
    pub fn new(bonds: Vec<Bond>, atoms: &Atoms) -> Constraints {
        let pairs: Vec<(u32, u32)> = bonds.iter().map(|b| (b.i, b.j)).collect();
        let sites = Sites::new(&pairs, atoms);
        let mut bonds = bonds;
        bonds.sort_by_key(|b| sites.cluster_of(b.i));
        let mut clusters = Vec::new();
        let mut first = 0;
        for own in bonds.chunk_by(|a, b| sites.cluster_of(a.i) == sites.cluster_of(b.i)) {
            clusters.push(Cluster::new(first, own, atoms, rank(own, atoms)));
            first += own.len();
        }
        Constraints {
            before: vec![[0.0; 3]; bonds.len()],
            clusters,
            sites,
            bonds,
        }
    }

    /// The bonds.
    pub fn bonds(&self) -> &[Bond] {
        &self.bonds
    }

    /// The groups of atoms that the bonds hold together.
    pub fn sites(&self) -> &Sites {
        &self.sites
    }

    /// How many degrees of freedom the bonds take: the rank of their equations, so that bonds which say the same thing count
    /// once.
    pub fn rank(&self) -> usize {
        self.clusters.iter().map(|c| c.rank).sum()
    }

    /// The same for the bonds among some of the atoms, by `chosen`; none when a bond joins one of them to another atom.
    pub fn rank_within(&self, chosen: impl Fn(u32) -> bool) -> Option<usize> {
        let mut sum = 0;
        for c in &self.clusters {
            let bonds = &self.bonds[c.first..c.first + c.bonds];
            let ends = bonds.iter().flat_map(|b| [b.i, b.j]);
            match ends.clone().filter(|i| chosen(*i)).count() {
                0 => {}
                inside if inside == 2 * bonds.len() => sum += c.rank,
                _ => return None,
            }
        }
        Some(sum)
    }

    /// Notes the bonds before a drift.
    pub(super) fn remember(&mut self, atoms: &Atoms) {
        for (b, bond) in self.before.iter_mut().zip(&self.bonds) {
            *b = bond.vector(atoms);
        }
    }

    /// Brings positions to the right lengths after a drift of length `h`; velocities change with them.
    pub(super) fn positions(&self, atoms: &mut Atoms, h: f64) -> Result<(), Unsolved> {
        for c in &self.clusters {
            c.positions(&self.bonds, &self.before, atoms, h)?;
        }
        self.velocities(atoms, h)
    }

    /// Takes the velocities along the bonds away; `h` is a time (the step) that says how small is small.
    pub(super) fn velocities(&self, atoms: &mut Atoms, h: f64) -> Result<(), Unsolved> {
        self.clusters
            .iter()
            .try_for_each(|c| c.velocities(&self.bonds, atoms, h))
    }

    /// Brings a start to the right lengths and velocities.
    pub fn settle(&mut self, atoms: &mut Atoms, timestep: f64) -> Result<(), Unsolved> {
        self.remember(atoms);
        let velocities = atoms.velocities.clone();
        self.positions(atoms, timestep)?;
        atoms.velocities = velocities;
        self.velocities(atoms, timestep)
    }
}

impl Bond {
    /// From the first atom to the second.
    pub fn vector(&self, atoms: &Atoms) -> [f64; 3] {
        let (x, y) = (
            atoms.positions[self.i as usize],
            atoms.positions[self.j as usize],
        );
        std::array::from_fn(|k| y[k] - x[k])
    }
}

/// The rank of the equations of some bonds: Gram–Schmidt on their gradients in mass-weighted coordinates, sparse by atom.
fn rank(bonds: &[Bond], atoms: &Atoms) -> usize {
    type Row = std::collections::BTreeMap<u32, [f64; 3]>;
    let inner = |a: &Row, b: &Row| -> f64 {
        a.iter()
            .filter_map(|(k, x)| b.get(k).map(|y| dot(*x, *y)))
            .sum()
    };
    let mut basis: Vec<Row> = Vec::new();
    for bond in bonds {
        let r = bond.vector(atoms);
        let row_of = |i: u32, sign: f64| (i, r.map(|x| sign * x / atoms.masses[i as usize].sqrt()));
        let mut row: Row = [row_of(bond.i, -1.0), row_of(bond.j, 1.0)].into();
        let whole = inner(&row, &row).sqrt();
        for _ in 0..2 {
            for b in &basis {
                let c = inner(&row, b);
                if c != 0.0 {
                    for (k, y) in b {
                        let x = row.entry(*k).or_insert([0.0; 3]);
                        (0..3).for_each(|d| x[d] -= c * y[d]);
                    }
                }
            }
        }
        let left = inner(&row, &row).sqrt();
        if left > 1e-8 * whole {
            row.values_mut().flatten().for_each(|x| *x /= left);
            basis.push(row);
        }
    }
    basis.len()
}
