//! The molecules of a structure, found once by their bonds, and made whole wherever their atoms are later.

use super::bonds::{Bond, bonds, longest_bond};
use crate::elements::Element;
use crate::neighbours::BuildError;
use crate::system::{Cell, Configuration, nearest_image};
use crate::vector::{dot, minus};
use std::collections::BTreeMap;

/// A bond that is longer than this times the sum of the covalent radii is broken: no vibration goes there, and the nearest image
/// of the other end may soon be another one.
const TORN: f64 = 2.0;

/// Which atoms are one molecule.
#[derive(Clone, Debug, PartialEq)]
pub struct Molecules {
    /// Atoms of all molecules, one after the other; each atom but the first of a molecule comes after its parent.
    atoms: Vec<u32>,
    /// Where each molecule begins in `atoms`, and the end of the last.
    starts: Vec<usize>,
    /// For each place in `atoms` the atom that it is bonded to; the first of a molecule has itself.
    parents: Vec<u32>,
    /// Square of the length (Å) at which that bond is broken.
    limits: Vec<f64>,
}

/// A bond that is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Torn {
    /// One end.
    pub i: usize,
    /// The other end.
    pub j: usize,
    /// Its length (Å).
    pub distance: f64,
}

impl Torn {
    /// In words.
    pub fn describe(&self) -> String {
        format!(
            "atoms {} and {} (counted from 0) are bonded and {:.2} Å apart",
            self.i, self.j, self.distance
        )
    }
}

/// Why a structure has no molecules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Network {
    /// This atom is bonded, through others, to its own periodic image.
    Endless(usize),
    /// Neighbours cannot be listed.
    Unlisted(BuildError),
}

impl Network {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Network::Endless(i) => format!(
                "atom {i} (counted from 0) is bonded, through others, to its own periodic image: this is a network, and no molecule"
            ),
            Network::Unlisted(BuildError::NotFinite(i)) => {
                format!("the position of atom {i} (counted from 0) is not a finite number")
            }
            Network::Unlisted(BuildError::TooMany) => {
                "the cell is far too small to find bonds in it".to_owned()
            }
        }
    }
}

impl Molecules {
    /// The molecules of a configuration: atoms closer than 1.3 times the sum of their covalent radii are bonded.
    pub fn find(c: Configuration<'_>) -> Result<Molecules, Network> {
        let bonds = bonds(c, longest_bond).map_err(Network::Unlisted)?;
        Molecules::of_bonds(c.elements, &bonds)
    }

    /// The molecules that a list of bonds makes.
    pub fn of_bonds(elements: &[Element], bonds: &[Bond]) -> Result<Molecules, Network> {
        let n = elements.len();
        let mut near: Vec<Vec<(u32, [i32; 3])>> = vec![Vec::new(); n];
        for b in bonds {
            let back = b.reversed();
            near[b.i as usize].push((b.j, b.shift));
            near[b.j as usize].push((b.i, back.shift));
        }
        // Where each atom is moved to, in cell vectors, once it was reached.
        let mut moved: Vec<Option<[i32; 3]>> = vec![None; n];
        let mut found = Molecules {
            atoms: Vec::with_capacity(n),
            starts: vec![0],
            parents: Vec::with_capacity(n),
            limits: Vec::with_capacity(n),
        };
        for first in 0..n {
            if moved[first].is_some() {
                continue;
            }
            moved[first] = Some([0; 3]);
            found.push(first as u32, first as u32, f64::INFINITY);
            let mut next = found.atoms.len() - 1;
            while let Some(&i) = found.atoms.get(next) {
                let own = moved[i as usize].unwrap_or_default();
                for &(j, shift) in &near[i as usize] {
                    let there: [i32; 3] = std::array::from_fn(|k| own[k] + shift[k]);
                    match moved[j as usize] {
                        Some(known) if known != there => {
                            return Err(Network::Endless(i as usize));
                        }
                        Some(_) => {}
                        None => {
                            moved[j as usize] = Some(there);
                            let radii = elements[i as usize].covalent_radius()
                                + elements[j as usize].covalent_radius();
                            found.push(j, i, (TORN * radii).powi(2));
                        }
                    }
                }
                next += 1;
            }
            found.starts.push(found.atoms.len());
        }
        Ok(found)
    }

    fn push(&mut self, atom: u32, parent: u32, limit: f64) {
        self.atoms.push(atom);
        self.parents.push(parent);
        self.limits.push(limit);
    }

    /// Number of molecules; single atoms are molecules too.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.atoms.len()
    }

    /// The atoms of a molecule, each after one that it is bonded to.
    pub fn members(&self, molecule: usize) -> &[u32] {
        &self.atoms[self.starts[molecule]..self.starts[molecule + 1]]
    }

    /// Number of atoms of the largest molecule.
    pub fn largest(&self) -> usize {
        let sizes = self.starts.windows(2).map(|w| w[1] - w[0]);
        sizes.max().unwrap_or(0)
    }

    /// Bonds enough to hold each molecule together.
    pub fn tree(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let pairs = self.parents.iter().zip(&self.atoms);
        pairs.map(|(p, a)| (*p, *a)).filter(|(p, a)| p != a)
    }

    /// Positions in which every molecule is whole, by atom: each atom goes to the image nearest to the one that it is bonded to.
    /// The first atom of each molecule stays where it is.
    ///
    /// Errors when a bond is broken.
    ///
    /// # Panics
    /// When the positions are those of another number of atoms.
    pub fn make_whole(
        &self,
        cell: &Cell,
        positions: &[[f64; 3]],
        whole: &mut Vec<[f64; 3]>,
    ) -> Result<(), Torn> {
        assert_eq!(positions.len(), self.atoms.len(), "positions of all atoms");
        whole.clear();
        whole.extend_from_slice(positions);
        // Nothing shorter than this has a shorter image.
        let (periodic, widths) = (cell.periodic(), cell.widths());
        let narrow = (0..3).filter(|k| periodic[*k]).map(|k| widths[k]);
        let clear = (0.5 * narrow.fold(f64::INFINITY, f64::min)).powi(2);
        for ((&a, &p), &limit) in self.atoms.iter().zip(&self.parents).zip(&self.limits) {
            if a == p {
                continue;
            }
            let (x, y) = (whole[p as usize], positions[a as usize]);
            let plain = minus(y, x);
            let d = if dot(plain, plain) <= clear {
                plain
            } else {
                image(cell, periodic, clear, plain)
            };
            let square = dot(d, d);
            if square > limit {
                return Err(Torn {
                    i: p as usize,
                    j: a as usize,
                    distance: square.sqrt(),
                });
            }
            // To the bit where it was, when it need not move.
            if d != plain {
                whole[a as usize] = [x[0] + d[0], x[1] + d[1], x[2] + d[2]];
            }
        }
        Ok(())
    }

    /// What there is, in words: `216 CH4`, `100 H2O and 2 CH4`.
    pub fn composition(&self, elements: &[Element]) -> String {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for m in 0..self.count() {
            let name = formula(self.members(m).iter().map(|a| elements[*a as usize]));
            match kinds.iter_mut().find(|k| k.0 == name) {
                Some(kind) => kind.1 += 1,
                None => kinds.push((name, 1)),
            }
        }
        let more = kinds.len().saturating_sub(6);
        let mut words: Vec<String> = kinds
            .iter()
            .take(6)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if more > 0 {
            words.push(format!("{more} other kinds"));
        }
        match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}

/// The nearest image of a vector; most are one cell vector away.
fn image(cell: &Cell, periodic: [bool; 3], clear: f64, vector: [f64; 3]) -> [f64; 3] {
    let mut s = cell.fractional(vector).map(f64::round_ties_even);
    (0..3).filter(|k| !periodic[*k]).for_each(|k| s[k] = 0.0);
    let near = minus(vector, cell.cartesian(s));
    if dot(near, near) <= clear {
        near
    } else {
        nearest_image(cell, vector)
    }
}

/// The formula of some atoms in Hill's order: carbon, hydrogen, then the alphabet.
pub fn formula(elements: impl Iterator<Item = Element>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    elements.for_each(|e| *counts.entry(e.symbol()).or_default() += 1);
    let organic = counts.contains_key("C");
    let rank = |symbol: &str| match symbol {
        "C" => 0,
        "H" if organic => 1,
        _ => 2,
    };
    let mut parts: Vec<_> = counts.into_iter().collect();
    parts.sort_by_key(|(symbol, _)| (rank(symbol), *symbol));
    let word = |(symbol, count): (&str, usize)| match count {
        1 => symbol.to_owned(),
        n => format!("{symbol}{n}"),
    };
    parts.into_iter().map(word).collect()
}
