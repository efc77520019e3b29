//! What the expansion asks of radial functions, and how it gets them: from a table or from their formulas.

use super::table::{Place, RadialTable};
use crate::simd::F64x4;
use std::fmt::Debug;
use std::sync::Arc;

/// How radial functions are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RadialMode {
    /// From a table of piecewise polynomials that is exact to a few units in the last place of the largest value.
    #[default]
    Table,
    /// From exponentials, Bessel functions and the like for every pair; slow, for tests.
    Exact,
}

/// The radial functions g_nl(r) of a neighbour, times a weight f(r).
///
/// The functions are tabulated and must be smooth but for the `breaks`; the weight is always taken by its formula and
/// holds what a polynomial cannot follow.
pub(in super::super) trait RadialFunctions: Debug + Send + Sync {
    /// Highest angular momentum.
    fn l_max(&self) -> usize;

    /// Number of functions of each l.
    fn n_max(&self) -> usize;

    /// Distance (Å) from which on a neighbour counts for nothing.
    fn cutoff(&self) -> f64;

    /// A length (Å) on which the functions change; a first guess for the table.
    fn scale(&self) -> f64;

    /// Distances (Å) where the functions or their derivatives jump, in any order.
    fn breaks(&self) -> Vec<f64> {
        Vec::new()
    }

    /// g_nl(r) and dg_nl/dr, in element n%4 of group l · ceil(n_max/4) + n/4, padding zero. `work` is scratch.
    fn exact(&self, r: f64, value: &mut [F64x4], slope: &mut [F64x4], work: &mut Vec<f64>);

    /// f(r) and its derivative.
    fn weight(&self, r: f64) -> (f64, f64);
}

/// Radial functions as the expansion uses them.
#[derive(Clone, Debug)]
pub(super) struct Radial {
    pub(super) functions: Arc<dyn RadialFunctions>,
    pub(super) table: Option<RadialTable>,
    pub(super) n_max: usize,
    /// Groups of four functions of each l.
    pub(super) per_l: usize,
    /// Groups of four functions of all l.
    pub(super) chunks: usize,
    /// Neighbours at this squared distance or beyond are left out.
    pub(super) limit: f64,
}

impl Radial {
    /// Errors with a sentence when no table of full accuracy can be made.
    pub(super) fn new(
        functions: Arc<dyn RadialFunctions>,
        mode: RadialMode,
    ) -> Result<Radial, String> {
        let table = match mode {
            RadialMode::Table => Some(RadialTable::new(functions.as_ref())?),
            RadialMode::Exact => None,
        };
        let (n_max, cutoff) = (functions.n_max(), functions.cutoff());
        let per_l = n_max.div_ceil(4);
        Ok(Radial {
            table,
            n_max,
            per_l,
            chunks: (functions.l_max() + 1) * per_l,
            limit: cutoff * cutoff,
            functions,
        })
    }

    /// Place of a distance in the table.
    #[inline]
    pub(super) fn locate(&self, r: f64) -> Place {
        self.table
            .as_ref()
            .map_or(Place::default(), |t| t.locate(r))
    }
}
