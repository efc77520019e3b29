//! Bonds of a structure, and the lengths, angles and dihedral angles that they make.

use super::BlockMeans;
use super::neighbourhood::{countable, unlisted};
use crate::elements::Element;
use crate::error::Result;
use crate::molecules::{Bond, bonds};
use crate::system::{Cell, Configuration};
use crate::vector::{cross, dot, minus};

/// Who is bonded to whom, found once; with the periodic image that is meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// Bonds i < j, or of an atom with its own image, in rising order.
    pub bonds: Vec<Bond>,
    /// For each atom its partners and the way to them, in rising order.
    partners: Vec<Vec<(u32, [i32; 3])>>,
}

/// What is measured on bonded atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Lengths of bonds (Å).
    Bonds,
    /// Angles between two bonds of an atom (degrees).
    Angles,
    /// Angles between the planes of three bonds in a row (degrees, from -180 to 180; IUPAC's sign).
    Dihedrals,
}

/// A quantity that is measured: the atoms, and the cell vectors to be added to each.
type Chain = ([u32; 4], [[i32; 3]; 4]);

/// Most angles or dihedral angles that are followed.
const MOST: usize = 50_000_000;

impl Topology {
    /// Atoms closer than `scale` times the sum of their covalent radii are bonded.
    pub fn find(c: Configuration<'_>, scale: f64) -> Result<Topology> {
        let longest = |a: Element, b: Element| scale * (a.covalent_radius() + b.covalent_radius());
        let widest = c
            .elements
            .iter()
            .map(|e| longest(*e, *e))
            .fold(0.0, f64::max);
        countable(c, widest)?;
        let bonds = bonds(c, longest).map_err(unlisted)?;
        let mut partners = vec![Vec::new(); c.positions.len()];
        for b in bonds.iter().flat_map(|b| [*b, b.reversed()]) {
            partners[b.i as usize].push((b.j, b.shift));
        }
        partners.iter_mut().for_each(|near| near.sort_unstable());
        Ok(Topology { bonds, partners })
    }

    /// What a shape is measured on; `None` when there are more than can be followed.
    fn chains(&self, shape: Shape) -> Option<Vec<Chain>> {
        let zero = [0; 3];
        let add = |a: [i32; 3], b: [i32; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
        let mut out: Vec<Chain> = Vec::new();
        match shape {
            Shape::Bonds => out.extend(
                self.bonds
                    .iter()
                    .map(|b| ([b.i, b.j, 0, 0], [zero, b.shift, zero, zero])),
            ),
            Shape::Angles => {
                for (j, near) in self.partners.iter().enumerate() {
                    for (k, &(a, s)) in near.iter().enumerate() {
                        out.extend(
                            near[k + 1..]
                                .iter()
                                .map(|&(b, t)| ([a, j as u32, b, 0], [s, zero, t, zero])),
                        );
                    }
                    if out.len() > MOST {
                        return None;
                    }
                }
            }
            Shape::Dihedrals => {
                for b in &self.bonds {
                    let (j, k) = (b.i, b.j);
                    for &(i, s) in &self.partners[j as usize] {
                        for &(l, t) in &self.partners[k as usize] {
                            let t = add(b.shift, t);
                            let back = (i, s) == (k, b.shift) || (l, t) == (j, zero);
                            if !back && (i, s) != (l, t) {
                                out.push(([i, j, k, l], [s, zero, b.shift, t]));
                            }
                        }
                    }
                    if out.len() > MOST {
                        return None;
                    }
                }
            }
        }
        Some(out)
    }
}

/// Distributions of lengths or angles by types of atoms.
pub struct Geometry {
    shape: Shape,
    chains: Vec<(Chain, usize)>,
    /// For each type the kinds of its atoms.
    types: Vec<Vec<u32>>,
    members: Vec<f64>,
    from: f64,
    width: f64,
    bins: usize,
    sums: BlockMeans,
}

/// The distribution of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct GeometryCurve {
    /// Kinds of the atoms in a row.
    pub kinds: Vec<u32>,
    /// How many of it there are.
    pub members: usize,
    /// Middles of the bins (Å or degrees).
    pub places: Vec<f64>,
    /// Density (per Å or degree) with the integral 1, when all values lie in the range.
    pub density: Vec<f64>,
    /// Standard errors of the density.
    pub errors: Option<Vec<f64>>,
    /// The mean, with its error; of dihedral angles the direction of the mean.
    pub mean: (f64, Option<f64>),
    /// The standard deviation; of dihedral angles the circular one.
    pub deviation: f64,
}

impl Geometry {
    /// Follows a shape of a topology in which atoms have these kinds. `None` when there are too many to follow.
    pub fn new(
        shape: Shape,
        topology: &Topology,
        kinds: &[u32],
        bins: usize,
        longest: f64,
        expected: usize,
    ) -> Option<Geometry> {
        let atoms = match shape {
            Shape::Bonds => 2,
            Shape::Angles => 3,
            Shape::Dihedrals => 4,
        };
        let mut types: Vec<Vec<u32>> = Vec::new();
        let chains = topology.chains(shape)?;
        let kind_of = |chain: &Chain| {
            let forth: Vec<u32> = chain.0[..atoms]
                .iter()
                .map(|&a| kinds[a as usize])
                .collect();
            let back: Vec<u32> = forth.iter().rev().copied().collect();
            forth.min(back)
        };
        for chain in &chains {
            let kind = kind_of(chain);
            if let Err(at) = types.binary_search(&kind) {
                types.insert(at, kind);
            }
        }
        let placed = |chain: Chain| {
            let kind = types.binary_search(&kind_of(&chain)).unwrap_or(0);
            (chain, kind)
        };
        let chains: Vec<(Chain, usize)> = chains.into_iter().map(placed).collect();
        let mut members = vec![0.0; types.len()];
        chains.iter().for_each(|c| members[c.1] += 1.0);
        let (from, to) = match shape {
            Shape::Bonds => (0.0, longest),
            Shape::Angles => (0.0, 180.0),
            Shape::Dihedrals => (-180.0, 180.0),
        };
        let rows = types.len() * (bins + 2);
        Some(Geometry {
            shape,
            chains,
            types,
            members,
            from,
            width: (to - from) / bins as f64,
            bins,
            sums: BlockMeans::new(rows, expected),
        })
    }

    /// Whether there is nothing to measure.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// Measures a configuration: positions that have moved continuously since the topology was found.
    pub fn add(&mut self, cell: &Cell, positions: &[[f64; 3]]) {
        let each = self.bins + 2;
        let mut row = vec![0.0; self.types.len() * each];
        for ((atoms, shifts), kind) in &self.chains {
            let at = |k: usize| {
                let (x, t) = (positions[atoms[k] as usize], cell.translation(shifts[k]));
                [x[0] + t[0], x[1] + t[1], x[2] + t[2]]
            };
            let x = match self.shape {
                Shape::Bonds => length(minus(at(1), at(0))),
                Shape::Angles => angle(minus(at(0), at(1)), minus(at(2), at(1))),
                Shape::Dihedrals => dihedral([at(0), at(1), at(2), at(3)]),
            };
            let bin = ((x - self.from) / self.width) as usize;
            let row = &mut row[kind * each..(kind + 1) * each];
            if x >= self.from {
                row[bin.min(self.bins - 1)] += 1.0;
            }
            let (first, second) = match self.shape {
                Shape::Dihedrals => (x.to_radians().cos(), x.to_radians().sin()),
                _ => (x, x * x),
            };
            row[self.bins] += first;
            row[self.bins + 1] += second;
        }
        self.sums.add(row);
    }

    /// The distributions.
    pub fn finish(&self) -> Vec<GeometryCurve> {
        let each = self.bins + 2;
        let of = |(k, kinds): (usize, &Vec<u32>)| {
            let members = self.members[k];
            let density = |h: &[f64]| h.iter().map(|x| x / (members * self.width)).collect();
            let histogram = k * each..k * each + self.bins;
            let numbers = |m: &[f64]| {
                let (a, b) = (m[0] / members, m[1] / members);
                match self.shape {
                    Shape::Dihedrals => {
                        let length = a.hypot(b).min(1.0);
                        vec![
                            b.atan2(a).to_degrees(),
                            (-2.0 * length.ln()).sqrt().to_degrees(),
                        ]
                    }
                    _ => vec![a, (b - a * a).max(0.0).sqrt()],
                }
            };
            let moments = k * each + self.bins..(k + 1) * each;
            let values = self.sums.map(moments.clone(), numbers);
            GeometryCurve {
                kinds: kinds.clone(),
                members: members as usize,
                places: (0..self.bins)
                    .map(|b| self.from + (b as f64 + 0.5) * self.width)
                    .collect(),
                density: self.sums.map(histogram.clone(), density),
                errors: self.sums.errors_of(histogram, density),
                mean: (
                    values[0],
                    self.sums.errors_of(moments, numbers).map(|e| e[0]),
                ),
                deviation: values[1],
            }
        };
        self.types.iter().enumerate().map(of).collect()
    }
}

fn length(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// The angle between two vectors (degrees), exact also near 0 and 180.
fn angle(a: [f64; 3], b: [f64; 3]) -> f64 {
    length(cross(a, b)).atan2(dot(a, b)).to_degrees()
}

/// The dihedral angle of four points (degrees).
fn dihedral([a, b, c, d]: [[f64; 3]; 4]) -> f64 {
    let (u, v, w) = (minus(b, a), minus(c, b), minus(d, c));
    let (m, n) = (cross(u, v), cross(v, w));
    (dot(u, n) * length(v)).atan2(dot(m, n)).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, System};

    fn system(symbols: &[&str], positions: &[[f64; 3]], cell: Cell) -> System {
        let mut atoms = Atoms::default();
        for (s, x) in symbols.iter().zip(positions) {
            atoms.push(Species::from_name(s).unwrap(), *x);
        }
        System { cell, atoms }
    }

    #[test]
    fn a_molecule_across_the_border() {
        // H-O-O-H with a dihedral angle of 90 degrees, once isolated and once cut by the border of a cell.
        let x = [
            [0.0, 0.97, 0.0],
            [0.0, 0.0, 0.0],
            [1.45, 0.0, 0.0],
            [1.45, 0.0, 0.97],
        ];
        for shift in [None, Some(-0.7)] {
            let cell = shift.map_or(Cell::isolated(), |_| {
                Cell::orthorhombic(6.0, 6.0, 6.0).unwrap()
            });
            let moved = x.map(|x| cell.wrap([x[0] + shift.unwrap_or(0.0), x[1], x[2]]));
            let s = system(&["H", "O", "O", "H"], &moved, cell);
            let t = Topology::find(s.configuration(), 1.2).unwrap();
            assert_eq!(t.bonds.len(), 3);
            let kinds = [0, 1, 1, 0];
            for (shape, number, value) in [
                (Shape::Bonds, 2, 0.97),
                (Shape::Angles, 1, 90.0),
                (Shape::Dihedrals, 1, 90.0),
            ] {
                let mut g = Geometry::new(shape, &t, &kinds, 180, 3.0, 8).unwrap();
                (0..8).for_each(|_| g.add(&s.cell, &s.atoms.positions));
                let curves = g.finish();
                assert_eq!(curves.len(), number);
                let c = &curves[0];
                assert!(
                    (c.mean.0.abs() - value).abs() < 1e-9 && c.deviation < 1e-5,
                    "{shape:?} {c:?}"
                );
                let whole: f64 = c.density.iter().sum::<f64>() * g.width;
                assert!((whole - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn signs_and_straight_angles() {
        let x = [[0.0, 1.0, 0.0], [0.0; 3], [0.0, 0.0, 1.0]];
        // Looking along the middle bond, the far one turned clockwise is positive.
        assert!((dihedral([x[0], x[1], x[2], [1.0, 0.0, 1.0]]) + 90.0).abs() < 1e-12);
        assert!((dihedral([x[0], x[1], x[2], [-1.0, 0.0, 1.0]]) - 90.0).abs() < 1e-12);
        assert!((angle([1.0, 0.0, 0.0], [-1.0, 1e-9, 0.0]) - 180.0).abs() < 1e-6);
    }

    #[test]
    fn a_crystal_of_one_cell_is_bonded_to_its_images() {
        let a = 5.43;
        let cell = Cell::new(
            [
                [0.0, a / 2.0, a / 2.0],
                [a / 2.0, 0.0, a / 2.0],
                [a / 2.0, a / 2.0, 0.0],
            ],
            [true; 3],
        )
        .unwrap();
        let s = system(&["Si", "Si"], &[[0.0; 3], [a / 4.0; 3]], cell);
        let t = Topology::find(s.configuration(), 1.2).unwrap();
        assert_eq!(t.bonds.len(), 4);
        let mut g = Geometry::new(Shape::Angles, &t, &[0, 0], 180, 3.0, 1).unwrap();
        g.add(&s.cell, &s.atoms.positions);
        let c = &g.finish()[0];
        assert_eq!(c.members, 12);
        assert!((c.mean.0 - 109.4712206).abs() < 1e-6);
        let d = Geometry::new(Shape::Dihedrals, &t, &[0, 0], 180, 3.0, 1).unwrap();
        assert_eq!(d.chains.len(), 4 * 9);
    }
}
