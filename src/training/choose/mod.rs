//! Choosing a few rows of a table that stand for all: sparse points of a fit, frames of a trajectory.
//!
//! Every chooser takes a [`Table`], a number of rows and (but for [`farthest_points`], which needs none beyond its start) a
//! seed, and returns indices of distinct rows. Rows that are equal but for rounding are one: see [`distinct`]. When fewer
//! distinct rows are there than were asked for, all of them come back. The same seed gives the same rows on any number of
//! threads.
//!
//! * [`cur`]: leverage scores (Mahoney and Drineas, PNAS 106, 697 (2009)), the usual choice for SOAP vectors.
//! * [`farthest_points`]: each next row is the one farthest from those before; covers the edges of the data.
//! * [`k_means`]: the rows nearest to the centres of clusters; follows the density of the data.
//! * [`random`]: every row alike.
//! * [`uniform_grid`]: the first rows in the cells of a grid, for tables of one to three columns.

mod cur;
mod distances;
mod distinct;
mod farthest;
mod grid;
mod k_means;
#[cfg(test)]
mod tests;

pub use cur::{cur, leverage};
pub use distinct::distinct;
pub use farthest::farthest_points;
pub use grid::uniform_grid;
pub use k_means::k_means;

use crate::error::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Rows of numbers, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    rows: &'a [f64],
    columns: usize,
}

impl<'a> Table<'a> {
    /// A table of rows of `columns` numbers each.
    ///
    /// Errors when the numbers do not make whole rows, or one is not finite (with its row, from 1).
    pub fn new(rows: &'a [f64], columns: usize) -> Result<Table<'a>> {
        if columns == 0 || !rows.len().is_multiple_of(columns) {
            let reason = format!("{} numbers do not make rows of {columns}", rows.len());
            return Err(Error::input("", reason));
        }
        if let Some(k) = rows.iter().position(|x| !x.is_finite()) {
            let reason = format!(
                "row {} of the vectors to choose from holds a number that is not finite",
                k / columns + 1
            );
            return Err(Error::input("", reason));
        }
        Ok(Table { rows, columns })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len() / self.columns
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Numbers in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    pub fn row(&self, i: usize) -> &'a [f64] {
        &self.rows[i * self.columns..(i + 1) * self.columns]
    }
}

/// `count` distinct rows, all alike likely, in ascending order.
pub fn random(table: Table<'_>, count: usize, seed: u64) -> Vec<usize> {
    let mut rows = distinct(table);
    let mut rng = generator(seed);
    let count = count.min(rows.len());
    // The beginning of a Fisher-Yates shuffle.
    for k in 0..count {
        let other = k + below(&mut rng, rows.len() - k);
        rows.swap(k, other);
    }
    rows.truncate(count);
    rows.sort_unstable();
    rows
}

/// The generator of a seed.
fn generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A whole number below `n`, which is positive.
fn below(rng: &mut Xoshiro256PlusPlus, n: usize) -> usize {
    ((rng.random::<f64>() * n as f64) as usize).min(n - 1)
}
