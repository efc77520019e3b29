//! `angle_3b` and `distance_Nb` coordinates on three atoms: Gaussian processes on the shape of a triangle.
//!
//! An instance is a centre with two neighbours inside the cutoff; its energy is fc(r_1) fc(r_2) f(x), x made of the three
//! distances. Clusters of two atoms are pairs and live with the other pairs, see [`Descriptor::pair`].

mod grid;
mod parameters;
mod process;
mod term;
#[cfg(test)]
mod tests;

pub use parameters::{Angle3b, DistanceNb};
pub(super) use parameters::{angle_3b, distance_nb};
pub(super) use term::ClusterScratch;

use super::coordinate::Coordinate;
use crate::potential::{RowResults, Rows};
use grid::Budget;
use term::Term;

/// All the coordinates of a model on three atoms.
#[derive(Clone, Debug)]
pub(super) struct Clusters(Vec<Term>);

impl Clusters {
    /// Collects the coordinates on three atoms among all; `tabulated` asks for tables where they are accurate.
    pub(super) fn new(coordinates: &[Coordinate], tabulated: bool) -> Clusters {
        let mut terms: Vec<Term> = coordinates.iter().filter_map(Term::new).collect();
        if tabulated {
            let mut budget = Budget::default();
            terms.iter_mut().for_each(|t| t.tabulate(&mut budget));
        }
        Clusters(terms)
    }

    /// What the tables are, in words, if there are any.
    pub(super) fn tables(&self) -> Option<String> {
        let error = self
            .0
            .iter()
            .filter_map(Term::table_error)
            .reduce(f64::max)?;
        let count = self.0.iter().filter_map(Term::table_error).count();
        let of = self.0.len();
        Some(format!(
            "{count} of {of} triplet terms tabulated, largest error {error:.1e} eV a triplet"
        ))
    }

    /// Whether the order of the atoms' numbers matters.
    pub(super) fn needs_names(&self) -> bool {
        self.0.iter().any(Term::needs_names)
    }

    /// Calls `visit` with every instance of coordinate `n` (among those on three atoms): the centre that books it, the squared
    /// switch times how often it counts, and the three numbers.
    pub(super) fn instances(
        &self,
        n: usize,
        rows: &Rows<'_>,
        scratch: &mut ClusterScratch,
        visit: &mut dyn FnMut(usize, f64, [f64; 3]),
    ) {
        if let Some(term) = self.0.get(n) {
            term.instances(rows, scratch, visit);
        }
    }

    /// Adds the energies and, if there is room for them, the derivatives.
    pub(super) fn evaluate(
        &self,
        rows: &Rows<'_>,
        scratch: &mut ClusterScratch,
        results: &mut RowResults<'_>,
    ) {
        for term in &self.0 {
            term.evaluate(rows, scratch, results);
        }
    }
}
