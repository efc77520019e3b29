//! What all pair potentials share: a function of the distance for each pair of elements, summed over a half list.

use crate::elements::Element;
use crate::potential::{
    Configuration, Description, Evaluation, Gives, LANES, ListKind, LocalModel, NeighbourRequest,
    PairCurvature, RowResults, RowStyle, Rows, Symmetry, Want,
};
use crate::simd::{lane_sum, simd_dispatch};

/// The energy of one pair of elements as a function of their distance.
pub trait PairFunction: Send + Sync {
    /// Squared distance (Å²) from which on it is zero.
    fn cutoff2(&self) -> f64;

    /// Energy (eV) at a squared distance (Å²) inside the cutoff, and (dV/dr)/r (eV/Å²).
    fn energy_and_slope(&self, r2: f64) -> (f64, f64);

    /// Energies and slopes for many distances; zero beyond the cutoff.
    fn many(&self, r2: &[f64], energy: &mut [f64], slope: &mut [f64]) {
        for ((r2, e), s) in r2.iter().zip(energy).zip(slope) {
            (*e, *s) = if *r2 < self.cutoff2() {
                self.energy_and_slope(*r2)
            } else {
                (0.0, 0.0)
            };
        }
    }

    /// d²V/dr² (eV/Å²) at a squared distance (Å²) inside the cutoff.
    fn curvature(&self, r2: f64) -> f64;

    /// What a uniform fluid has beyond the cutoff: 2π ∫ V r² dr (eV Å³) and -2π ∫ V' r³ dr (eV Å³) of what is left out.
    fn tail(&self) -> (f64, f64);
}

/// A pair potential: functions by pair of elements, with long-range corrections if they are wanted.
#[derive(Debug)]
pub struct Pairwise<F> {
    description: Description,
    /// Type of each atomic number: its place among the elements that were named, or `types - 1` for all others.
    type_of: [u8; 120],
    types: usize,
    /// By pair of types.
    table: Vec<F>,
    /// The [`PairFunction::tail`] by pair of types; empty when no corrections are wanted.
    tails: Vec<(f64, f64)>,
}

/// What a pair potential says of itself.
pub(super) struct Words {
    pub name: &'static str,
    /// Atoms of elements without a function have no part in it, instead of being refused.
    pub any_element: bool,
    pub reference: &'static str,
    pub details: Vec<String>,
}

impl<F: PairFunction> Pairwise<F> {
    /// One function for every pair of atoms, whatever their elements.
    pub(super) fn one_for_all(function: F, tail: bool, words: Words) -> Pairwise<F> {
        Self::build(Vec::new(), vec![function], tail, words)
    }

    /// Functions by pair of elements: `function(Some((a, b)))` for those that are named, and `function(None)`, which must
    /// be zero everywhere, for pairs with another element.
    pub(super) fn by_elements<E>(
        mut elements: Vec<Element>,
        mut function: impl FnMut(Option<(Element, Element)>) -> Result<F, E>,
        tail: bool,
        words: Words,
    ) -> Result<Pairwise<F>, E> {
        elements.sort_unstable();
        elements.dedup();
        let types = elements.len() + 1;
        let at = |t: usize| elements.get(t).copied();
        let table: Result<Vec<F>, E> = (0..types * types)
            .map(|k| function(at(k / types).zip(at(k % types))))
            .collect();
        Ok(Self::build(elements, table?, tail, words))
    }

    /// From the elements that have a type of their own (none: one type for all) and the functions by pair of types.
    fn build(elements: Vec<Element>, table: Vec<F>, tail: bool, words: Words) -> Pairwise<F> {
        let known = elements.len();
        let types = if elements.is_empty() { 1 } else { known + 1 };
        let mut type_of = [known as u8; 120];
        elements
            .iter()
            .enumerate()
            .for_each(|(t, e)| type_of[usize::from(e.number())] = t as u8);
        let cutoff2 = table.iter().map(F::cutoff2).fold(0.0, f64::max);
        let description = Description {
            name: words.name.into(),
            elements: (known > 0 && !words.any_element).then_some(elements),
            neighbours: Some(NeighbourRequest {
                cutoff: cutoff2.sqrt(),
                kind: ListKind::Half,
                chunk: 1024,
                grain: 256,
            }),
            gives: Gives {
                virial: true,
                site_energies: true,
                reliability: None,
            },
            closest_seen: Vec::new(),
            references: vec![words.reference.into()],
            fixed_cell: None,
            symmetry: Symmetry::Full,
            details: words.details,
        };
        let tails = table.iter().filter(|_| tail).map(F::tail).collect();
        Pairwise {
            description,
            type_of,
            types,
            table,
            tails,
        }
    }

    /// The function of a pair of elements.
    fn function(&self, a: Element, b: Element) -> &F {
        let of = |e: Element| usize::from(self.type_of[usize::from(e.number())]);
        // With one type for all atoms every element has number 0.
        &self.table[of(a) * self.types + of(b)]
    }

    /// Energies and (dV/dr)/r of pairs of several types.
    fn mixed_pairs(&self, rows: &Rows<'_>, energies: &mut [f64], slopes: &mut [f64]) {
        let lanes = rows.lanes();
        for (k, centre) in rows.centres.iter().enumerate() {
            let row = usize::from(self.type_of[usize::from(centre.number())]) * self.types;
            for n in rows.of(k) {
                let other = usize::from(self.type_of[usize::from(rows.elements[n].number())]);
                let function = &self.table[row + other];
                if lanes > 1 {
                    let n = n * lanes..(n + 1) * lanes;
                    function.many(
                        &rows.r2[n.clone()],
                        &mut energies[n.clone()],
                        &mut slopes[n],
                    );
                    continue;
                }
                (energies[n], slopes[n]) = if rows.r2[n] < function.cutoff2() {
                    function.energy_and_slope(rows.r2[n])
                } else {
                    (0.0, 0.0)
                };
            }
        }
    }
}

impl<F: PairFunction> LocalModel for Pairwise<F> {
    /// Energies and slopes of the pairs of a block.
    type Scratch = (Vec<f64>, Vec<f64>);

    fn description(&self) -> &Description {
        &self.description
    }

    fn block(&self) -> usize {
        64
    }

    fn style(&self) -> RowStyle {
        RowStyle::Distances {
            elements: self.types > 1,
        }
    }

    fn evaluate(
        &self,
        rows: &Rows<'_>,
        _want: Want,
        (energies, slopes): &mut (Vec<f64>, Vec<f64>),
        results: &mut RowResults<'_>,
    ) {
        let pairs = rows.r2.len();
        energies.resize(pairs, 0.0);
        // Nothing else writes to the gradients, which are zero until now.
        let slopes = if results.radial.is_empty() {
            slopes.resize(pairs, 0.0);
            &mut slopes[..]
        } else {
            &mut *results.radial
        };
        if self.types == 1 {
            self.table[0].many(rows.r2, energies, slopes);
        } else {
            self.mixed_pairs(rows, energies, slopes);
        }
        let share = if results.booked.is_empty() { 1.0 } else { 0.5 };
        if rows.lanes() == 1 {
            sum_rows(rows.first, energies, share, results.energy);
        } else {
            let energies = energies.as_chunks::<LANES>().0;
            let sums = results.energy.as_chunks_mut::<LANES>().0;
            sum_lanes(rows.first, energies, share, sums);
        }
        results
            .booked
            .iter_mut()
            .zip(energies.iter())
            .for_each(|(b, e)| *b += 0.5 * e);
    }

    fn pair_curvature(&self) -> Option<&dyn PairCurvature> {
        Some(self)
    }

    /// Long-range corrections of a uniform fluid (Allen and Tildesley, Computer Simulation of Liquids, 2nd ed., section
    /// 2.8, summed over pairs of types), where all three directions are periodic.
    fn add_global(&self, configuration: Configuration<'_>, want: Want, result: &mut Evaluation) {
        let (false, Some(volume)) = (self.tails.is_empty(), configuration.cell.volume()) else {
            return;
        };
        let mut counts = [0.0f64; 256];
        for e in configuration.elements {
            counts[usize::from(self.type_of[usize::from(e.number())])] += 1.0;
        }
        let (mut energy, mut virial) = (0.0, 0.0);
        for (k, tail) in self.tails.iter().enumerate() {
            let pairs = counts[k / self.types] * counts[k % self.types] / volume;
            energy += pairs * tail.0;
            virial += pairs * tail.1;
        }
        result.energy += energy;
        if want.virial {
            for k in 0..3 {
                result.virial[k][k] += virial / 3.0;
            }
        }
        let n = configuration.elements.len() as f64;
        result
            .site_energies
            .iter_mut()
            .for_each(|e| *e += energy / n);
    }
}

impl<F: PairFunction> PairCurvature for Pairwise<F> {
    fn slope_and_curvature(&self, a: Element, b: Element, r2: f64) -> (f64, f64) {
        let function = self.function(a, b);
        if r2 >= function.cutoff2() {
            return (0.0, 0.0);
        }
        (function.energy_and_slope(r2).1, function.curvature(r2))
    }
}

simd_dispatch! {
    /// Adds a share of the energies of each row to its centre.
    fn sum_rows(first: &[u32], energies: &[f64], share: f64, sums: &mut [f64]) = sum_rows_body;
}

#[inline(always)]
fn sum_rows_body<const FMA: bool>(first: &[u32], energies: &[f64], share: f64, sums: &mut [f64]) {
    for (f, sum) in first.windows(2).zip(sums) {
        *sum += share * lane_sum([&energies[f[0] as usize..f[1] as usize]]);
    }
}

simd_dispatch! {
    /// The same for configurations side by side.
    fn sum_lanes(first: &[u32], energies: &[[f64; LANES]], share: f64, sums: &mut [[f64; LANES]]) = sum_lanes_body;
}

#[inline(always)]
fn sum_lanes_body<const FMA: bool>(
    first: &[u32],
    energies: &[[f64; LANES]],
    share: f64,
    sums: &mut [[f64; LANES]],
) {
    for (f, sum) in first.windows(2).zip(sums) {
        let mut total = [0.0; LANES];
        for e in &energies[f[0] as usize..f[1] as usize] {
            for l in 0..LANES {
                total[l] += e[l];
            }
        }
        for l in 0..LANES {
            sum[l] += share * total[l];
        }
    }
}
