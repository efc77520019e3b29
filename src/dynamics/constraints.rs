//! Bonds of fixed length: SHAKE for positions, RATTLE for velocities.

use super::sites::Sites;
use crate::system::Atoms;

/// Bonds of fixed length.
///
/// After each drift the positions are brought back along the bonds of before (Ryckaert, Ciccotti, Berendsen, J. Comput. Phys.
/// 23, 327 (1977)), and after each change of velocities those are made perpendicular to the bonds (Andersen, J. Comput. Phys.
/// 52, 24 (1983)). Between friction and noise that is g-BAOAB (Leimkuhler, Matthews, Proc. R. Soc. A 472, 20160138 (2016)).
///
/// Atoms that are bonded must lie next to each other, not across a boundary of the cell.
#[derive(Clone, Debug)]
pub struct Constraints {
    bonds: Vec<Bond>,
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

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

impl Constraints {
    /// Constraints on these bonds between atoms with these masses.
    pub fn new(bonds: Vec<Bond>, atoms: &Atoms) -> Constraints {
        let pairs: Vec<(u32, u32)> = bonds.iter().map(|b| (b.i, b.j)).collect();
        Constraints {
            before: vec![[0.0; 3]; bonds.len()],
            sites: Sites::new(&pairs, atoms),
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

    pub(super) fn sites_mut(&mut self) -> &mut Sites {
        &mut self.sites
    }

    /// How many degrees of freedom the bonds take: the rank of their equations at these positions, so that bonds which say
    /// the same thing count once.
    pub fn rank(&self, atoms: &Atoms) -> usize {
        // Gram–Schmidt on the gradients of the bonds in mass-weighted coordinates, sparse by atom. Only bonds of one site
        // have anything to do with each other.
        type Row = std::collections::BTreeMap<u32, [f64; 3]>;
        let inner = |a: &Row, b: &Row| -> f64 {
            a.iter()
                .filter_map(|(k, x)| b.get(k).map(|y| dot(*x, *y)))
                .sum()
        };
        let mut bases: Vec<Vec<Row>> = vec![Vec::new(); self.sites.clusters()];
        for bond in &self.bonds {
            let r = bond.vector(atoms);
            let row_of =
                |i: u32, sign: f64| (i, r.map(|x| sign * x / atoms.masses[i as usize].sqrt()));
            let mut row: Row = [row_of(bond.i, -1.0), row_of(bond.j, 1.0)].into();
            let whole = inner(&row, &row).sqrt();
            let Some(basis) = self.sites.cluster_of(bond.i).map(|c| &mut bases[c]) else {
                continue;
            };
            for _ in 0..2 {
                for b in basis.iter() {
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
        bases.iter().map(Vec::len).sum()
    }

    /// Notes the bonds before a drift.
    pub(super) fn remember(&mut self, atoms: &Atoms) {
        for (b, bond) in self.before.iter_mut().zip(&self.bonds) {
            *b = bond.vector(atoms);
        }
    }

    /// Brings positions to the right lengths after a drift of length `h`; velocities change with them.
    pub(super) fn positions(&self, atoms: &mut Atoms, h: f64) -> Result<(), Unsolved> {
        let mut worst = None;
        for _ in 0..MOST_ITERATIONS {
            worst = None;
            for (bond, before) in self.bonds.iter().zip(&self.before) {
                let r = bond.vector(atoms);
                let square = bond.length * bond.length;
                let missing = square - dot(r, r);
                // Atoms that have diffused far from the origin have fewer digits for their bonds.
                let far = atoms.positions[bond.i as usize].map(f64::abs);
                let digits = 8.0 * f64::EPSILON * (far[0] + far[1] + far[2]) * bond.length;
                if missing.abs() <= 2.0 * TOLERANCE * square + digits {
                    continue;
                }
                worst = Some(*bond);
                let (i, j) = (bond.i as usize, bond.j as usize);
                let (wi, wj) = (1.0 / atoms.masses[i], 1.0 / atoms.masses[j]);
                let along = dot(r, *before);
                // A bond that turned by a right angle in one step cannot be mended.
                if along < 0.05 * square || !along.is_finite() {
                    return Err(Unsolved(*bond));
                }
                let g = missing / (2.0 * (wi + wj) * along);
                for k in 0..3 {
                    let push = g * before[k];
                    atoms.positions[i][k] -= wi * push;
                    atoms.positions[j][k] += wj * push;
                    atoms.velocities[i][k] -= wi * push / h;
                    atoms.velocities[j][k] += wj * push / h;
                }
            }
            if worst.is_none() {
                break;
            }
        }
        match worst {
            Some(bond) => Err(Unsolved(bond)),
            None => self.velocities(atoms, h),
        }
    }

    /// Takes the velocities along the bonds away; `h` is a time (the step) that says how small is small.
    pub(super) fn velocities(&self, atoms: &mut Atoms, h: f64) -> Result<(), Unsolved> {
        let mut worst = None;
        for _ in 0..MOST_ITERATIONS {
            worst = None;
            for bond in &self.bonds {
                let (i, j) = (bond.i as usize, bond.j as usize);
                let r = bond.vector(atoms);
                let (vi, vj) = (atoms.velocities[i], atoms.velocities[j]);
                let rate = dot(r, std::array::from_fn(|k| vj[k] - vi[k]));
                let square = bond.length * bond.length;
                if rate.abs() * h <= TOLERANCE * square {
                    continue;
                }
                if !rate.is_finite() {
                    return Err(Unsolved(*bond));
                }
                worst = Some(*bond);
                let (wi, wj) = (1.0 / atoms.masses[i], 1.0 / atoms.masses[j]);
                let g = rate / (square * (wi + wj));
                for k in 0..3 {
                    atoms.velocities[i][k] += wi * g * r[k];
                    atoms.velocities[j][k] -= wj * g * r[k];
                }
            }
            if worst.is_none() {
                break;
            }
        }
        match worst {
            Some(bond) => Err(Unsolved(bond)),
            None => Ok(()),
        }
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
