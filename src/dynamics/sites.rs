//! What moves as one when the cell changes: single atoms, and groups of atoms that bonds hold together.

use crate::system::{Atoms, kinetic_tensor};
use nalgebra::{Matrix3, Vector3};

/// Groups of atoms held together by bonds, of fixed length or not ("clusters"). A barostat scales the position and the momentum
/// of a cluster's centre of mass, not those of its atoms, so that bonds of fixed length need not be mended for the strain and
/// the pressure needs no forces of constraint, and stiff bonds put no noise into it: it is the sum of M V⊗V and F⊗R over centres
/// ("molecular pressure"; Ciccotti, Ryckaert, Comput. Phys. Rep. 4, 346 (1986)). Its mean is that of the sum over atoms with the
/// forces of constraint in it. Atoms outside of clusters stand for themselves. The atoms of a cluster must lie next to each
/// other, not across a boundary of the cell.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    /// Atoms of all clusters, one cluster after the other.
    members: Vec<u32>,
    /// Where each cluster begins in `members`, and the end of the last.
    starts: Vec<usize>,
    /// Masses of the clusters (amu).
    masses: Vec<f64>,
    /// The cluster of each atom, or `NONE`.
    owner: Vec<u32>,
    /// What the centres, or the members, were before an operation.
    before: Vec<[f64; 3]>,
}

const NONE: u32 = u32::MAX;

impl Sites {
    /// The clusters of a list of bonds.
    pub fn new(bonds: &[(u32, u32)], atoms: &Atoms) -> Sites {
        // Each atom points to the least atom it is known to be connected with.
        let mut root: Vec<u32> = (0..atoms.len() as u32).collect();
        fn find(root: &mut [u32], mut i: u32) -> u32 {
            while root[i as usize] != i {
                root[i as usize] = root[root[i as usize] as usize];
                i = root[i as usize];
            }
            i
        }
        for &(i, j) in bonds {
            let (a, b) = (find(&mut root, i), find(&mut root, j));
            root[a.max(b) as usize] = a.min(b);
        }
        let mut bonded = vec![false; atoms.len()];
        for &(i, j) in bonds {
            bonded[i as usize] = true;
            bonded[j as usize] = true;
        }
        let mut keyed: Vec<(u32, u32)> = (0..atoms.len() as u32)
            .filter(|i| bonded[*i as usize])
            .map(|i| (find(&mut root, i), i))
            .collect();
        keyed.sort_unstable();
        let mut sites = Sites {
            owner: vec![NONE; atoms.len()],
            ..Sites::default()
        };
        for cluster in keyed.chunk_by(|a, b| a.0 == b.0) {
            sites.starts.push(sites.members.len());
            let mut mass = 0.0;
            for &(_, i) in cluster {
                sites.owner[i as usize] = sites.masses.len() as u32;
                sites.members.push(i);
                mass += atoms.masses[i as usize];
            }
            sites.masses.push(mass);
        }
        sites.starts.push(sites.members.len());
        sites
    }

    /// Number of clusters.
    pub fn clusters(&self) -> usize {
        self.masses.len()
    }

    /// Number of things that move by themselves when the cell changes: clusters, and atoms that are in none.
    pub fn len(&self) -> usize {
        self.owner.len() - self.members.len() + self.clusters()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cluster of an atom.
    pub fn cluster_of(&self, atom: u32) -> Option<usize> {
        let owner = *self.owner.get(atom as usize)?;
        (owner != NONE).then_some(owner as usize)
    }

    /// The atoms of a cluster.
    pub fn members(&self, cluster: usize) -> &[u32] {
        &self.members[self.starts[cluster]..self.starts[cluster + 1]]
    }

    /// The mass-weighted mean of a vector over a cluster.
    fn centre(&self, cluster: usize, of: &[[f64; 3]], masses: &[f64]) -> Vector3<f64> {
        let mut sum = Vector3::zeros();
        for &i in self.members(cluster) {
            sum += Vector3::from(of[i as usize]) * masses[i as usize];
        }
        sum / self.masses[cluster]
    }

    /// Sum of M V⊗V over all sites (eV).
    pub(super) fn kinetic(&self, atoms: &Atoms) -> Matrix3<f64> {
        let whole = kinetic_tensor(atoms);
        let mut sum = Matrix3::from_fn(|i, j| whole[i][j]);
        for c in 0..self.clusters() {
            let v = self.centre(c, &atoms.velocities, &atoms.masses);
            for &i in self.members(c) {
                let own = Vector3::from(atoms.velocities[i as usize]) - v;
                sum -= own * own.transpose() * atoms.masses[i as usize];
            }
        }
        sum
    }

    /// What is to be added to the virial of the atoms (eV) so that it is that of the sites: it takes the forces within
    /// the clusters out.
    pub(super) fn virial(&self, atoms: &Atoms, forces: &[[f64; 3]]) -> Matrix3<f64> {
        let mut sum = Matrix3::zeros();
        for c in 0..self.clusters() {
            let x = self.centre(c, &atoms.positions, &atoms.masses);
            for &i in self.members(c) {
                let r = Vector3::from(atoms.positions[i as usize]) - x;
                sum -= Vector3::from(forces[i as usize]) * r.transpose();
            }
        }
        0.5 * (sum + sum.transpose())
    }

    /// Notes positions or velocities of the members, which an operation on all atoms is going to change.
    pub(super) fn remember(&mut self, of: &[[f64; 3]]) {
        self.before.clear();
        self.before
            .extend(self.members.iter().map(|&i| of[i as usize]));
    }

    /// Puts the members where `rigid` (what becomes of each of them without strain, from its value before) says, moved
    /// so that the cluster's centre is where the operation on all atoms has put it: as that is linear, the centre of the
    /// new values is the new value of the centre.
    pub(super) fn correct(
        &self,
        now: &mut [[f64; 3]],
        masses: &[f64],
        rigid: impl Fn(usize, [f64; 3]) -> [f64; 3],
    ) {
        for c in 0..self.clusters() {
            let (first, last) = (self.starts[c], self.starts[c + 1]);
            let mut shift = self.centre(c, now, masses);
            for place in first..last {
                let i = self.members[place] as usize;
                let plain = rigid(i, self.before[place]);
                shift -= Vector3::from(plain) * (masses[i] / self.masses[c]);
                now[i] = plain;
            }
            for &i in &self.members[first..last] {
                (0..3).for_each(|k| now[i as usize][k] += shift[k]);
            }
        }
    }
}
