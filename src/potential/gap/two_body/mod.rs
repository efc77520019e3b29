//! `distance_2b` coordinates and clusters of two atoms: Gaussian processes on the distances of pairs.
//!
//! Every pair of elements sums over its coordinates and their sparse points, which is a function of the distance alone:
//! it is tabulated once (see [`table`]). What a table cannot hold to full accuracy is evaluated term by term.

mod table;
mod term;
#[cfg(test)]
mod tests;

use super::coordinate::Coordinate;
use super::descriptor::Distance2b;
use crate::elements::Element;
use crate::potential::{RowResults, Rows};
use table::Table;
use term::Term;

/// All the coordinates of a model on pairs.
#[derive(Clone, Debug)]
pub(super) struct TwoBody {
    /// Slot of each atomic number; the last slot is that of all elements no coordinate names.
    slots: [u8; 119],
    slot_count: usize,
    /// Index into the functions by pair of slots; `NONE` for pairs without one.
    pairs: Vec<u32>,
    functions: Vec<PairFunction>,
}

/// No function.
const NONE: u32 = u32::MAX;

/// The energy of an ordered pair as a function of its distance.
#[derive(Clone, Debug)]
struct PairFunction {
    cutoff2: f64,
    terms: Vec<Term>,
    table: Option<Table>,
}

impl PairFunction {
    /// Energy (eV) and its derivative (eV/Å).
    #[inline]
    fn at(&self, r: f64) -> (f64, f64) {
        match self.table.as_ref().and_then(|t| t.at(r)) {
            Some(values) => values,
            None => self.exact(r),
        }
    }

    fn exact(&self, r: f64) -> (f64, f64) {
        self.terms
            .iter()
            .map(|t| t.at(r))
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
    }
}

/// Whether a descriptor takes a pair of atomic numbers, in either order; 0 in the descriptor takes any.
pub(crate) fn takes(d: &Distance2b, a: u8, b: u8) -> bool {
    let fits = |z: u8, atom: u8| z == 0 || z == atom;
    fits(d.z1, a) && fits(d.z2, b) || fits(d.z1, b) && fits(d.z2, a)
}

impl TwoBody {
    /// Collects the coordinates on pairs among all; `tabulated` asks for tables where they are accurate.
    pub(super) fn new(coordinates: &[Coordinate], tabulated: bool) -> TwoBody {
        let two_body: Vec<(&Coordinate, Distance2b, f64)> = coordinates
            .iter()
            .filter_map(|c| c.descriptor.pair().map(|(d, times)| (c, d, times)))
            .collect();
        let mut named: Vec<u8> = two_body
            .iter()
            .flat_map(|(_, d, _)| [d.z1, d.z2])
            .filter(|z| *z != 0)
            .collect();
        named.sort_unstable();
        named.dedup();
        let slot_count = named.len() + 1;
        let mut slots = [named.len() as u8; 119];
        for (k, z) in named.iter().enumerate() {
            slots[usize::from(*z)] = k as u8;
        }
        // An atomic number that no coordinate names stands for all the others.
        named.push(u8::MAX);
        let mut pairs = vec![NONE; slot_count * slot_count];
        let mut functions = Vec::new();
        let mut made: Vec<Vec<usize>> = Vec::new();
        for (a, &za) in named.iter().enumerate() {
            for (b, &zb) in named.iter().enumerate() {
                let members: Vec<usize> = (0..two_body.len())
                    .filter(|&k| takes(&two_body[k].1, za, zb))
                    .collect();
                if members.is_empty() {
                    continue;
                }
                let index = made.iter().position(|m| *m == members).unwrap_or_else(|| {
                    let terms = members
                        .iter()
                        .map(|&k| Term::new(two_body[k].0, &two_body[k].1, two_body[k].2))
                        .collect();
                    functions.push(PairFunction::new(terms, tabulated));
                    made.push(members);
                    made.len() - 1
                });
                pairs[a * slot_count + b] = index as u32;
            }
        }
        TwoBody {
            slots,
            slot_count,
            pairs,
            functions,
        }
    }

    /// Largest measured error of the tables (eV), if there is a table.
    pub(super) fn table_error(&self) -> Option<f64> {
        self.functions
            .iter()
            .filter_map(|f| f.table.as_ref())
            .map(Table::error)
            .reduce(f64::max)
    }

    /// True when no coordinate is there.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    fn slot(&self, element: Element) -> usize {
        usize::from(self.slots[usize::from(element.number())])
    }

    /// Adds the energies and, if there is room for them, the derivatives.
    ///
    /// Coordinates count ordered pairs and give half of each to either atom: so the row of i books the whole of the
    /// function for each neighbour, and the row of j the same.
    pub(super) fn evaluate(&self, rows: &Rows<'_>, results: &mut RowResults<'_>) {
        if self.is_empty() {
            return;
        }
        let gradients = !results.gx.is_empty();
        for (c, &centre) in rows.centres.iter().enumerate() {
            let of_centre = &self.pairs[self.slot(centre) * self.slot_count..][..self.slot_count];
            let mut energy = 0.0;
            for k in rows.of(c) {
                let index = of_centre[self.slot(rows.elements[k])];
                let Some(function) = self.functions.get(index as usize) else {
                    continue;
                };
                let r2 = rows.r2[k];
                if r2 >= function.cutoff2 {
                    continue;
                }
                let r = r2.sqrt();
                let (value, slope) = function.at(r);
                energy += value;
                if gradients {
                    let radial = slope / r;
                    results.gx[k] += radial * rows.x[k];
                    results.gy[k] += radial * rows.y[k];
                    results.gz[k] += radial * rows.z[k];
                }
            }
            results.energy[c] += energy;
        }
    }
}

impl PairFunction {
    fn new(terms: Vec<Term>, tabulated: bool) -> PairFunction {
        let cutoff = terms.iter().map(|t| t.switch.cutoff).fold(0.0, f64::max);
        let table = if tabulated { Table::new(&terms) } else { None };
        PairFunction {
            cutoff2: cutoff * cutoff,
            terms,
            table,
        }
    }
}
