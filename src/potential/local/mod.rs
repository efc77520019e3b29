//! Local models: neighbourhoods in, dE/dr out. Forces, virial and periodic images are made here and nowhere else.

mod block;
mod kernels;
mod pairs;
mod tile;
mod wrapper;

pub use pairs::PairCurvature;
pub use wrapper::Local;

use super::{Configuration, Description, Evaluation, Selection, Want};
use crate::elements::Element;

/// The neighbourhoods of a block of centres, as compressed rows. Row c holds the neighbours
/// `first[c]..first[c + 1]` of centre c; the arrays over neighbours are parallel.
///
/// The rows are not strict (a caller may leave neighbours beyond the cutoff in), so a model cuts by itself. Periodic images,
/// the centre's own ones included, are ordinary neighbours. Which arrays are filled depends on the [`RowStyle`].
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Element of each centre.
    pub centres: &'a [Element],
    /// Offsets of the rows; one more than there are centres, starting at 0.
    pub first: &'a [u32],
    /// Element of each neighbour; empty where the style leaves it out.
    pub elements: &'a [Element],
    /// x of neighbour minus centre (Å); vectors only.
    pub x: &'a [f64],
    /// y of neighbour minus centre (Å); vectors only.
    pub y: &'a [f64],
    /// z of neighbour minus centre (Å); vectors only.
    pub z: &'a [f64],
    /// Squared distance (Å^2), never zero. For style [`RowStyle::Distances`] each neighbour may have several, side by side: see
    /// [`lanes`](Self::lanes).
    pub r2: &'a [f64],
    /// Which image of which atom each neighbour is; empty where the style leaves it out.
    pub names: Names<'a>,
}

/// The atoms behind rows, for the few descriptors whose value depends on the order in which the atoms are numbered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Index of each neighbour's atom in its configuration.
    pub atoms: &'a [u32],
    /// Lattice translation of each neighbour relative to its centre, for the positions as they stand in the configuration:
    /// the displacement is position of the neighbour's atom plus translation minus position of the centre.
    pub shifts: &'a [[i32; 3]],
}

impl Rows<'_> {
    /// The range of the neighbours of centre `c`.
    #[inline]
    pub fn of(&self, c: usize) -> std::ops::Range<usize> {
        self.first[c] as usize..self.first[c + 1] as usize
    }

    /// Configurations side by side: 1, or [`LANES`] where beads share a list and the style is [`RowStyle::Distances`]. So many
    /// numbers stand for each neighbour in `r2`, `radial` and `booked`, and for each centre in `energy`.
    #[inline]
    pub fn lanes(&self) -> usize {
        let neighbours = self.first.last().map_or(0, |n| *n as usize);
        self.r2.len().checked_div(neighbours).unwrap_or(1)
    }
}

/// Most configurations whose numbers stand side by side.
pub const LANES: usize = 8;

/// What a local model gives back for a block of rows. All arrays are zeroed by the caller and added into by the model.
#[derive(Debug)]
pub struct RowResults<'a> {
    /// Energy of each centre (eV).
    pub energy: &'a mut [f64],
    /// dE/dx of each neighbour displacement (eV/Å), where E is everything this row contributes to the total energy.
    /// Empty when neither forces nor virial are wanted, and for models of style [`RowStyle::Distances`].
    pub gx: &'a mut [f64],
    /// dE/dy.
    pub gy: &'a mut [f64],
    /// dE/dz.
    pub gz: &'a mut [f64],
    /// (dE/dr)/r of each neighbour, for models of style [`RowStyle::Distances`]; else empty, as when no gradients are wanted.
    pub radial: &'a mut [f64],
    /// Energy booked on each neighbour instead of the centre (eV; counts towards the total). Empty unless site energies
    /// are wanted: then, and only then, a model may move part of a pair's energy from the centre to the neighbour.
    pub booked: &'a mut [f64],
    /// Reliability number of each centre. Empty unless wanted.
    pub reliability: &'a mut [f64],
}

/// What a model wants in its rows, and how it gives gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStyle {
    /// Displacements and elements of the neighbours inside the cutoff; gradients as vectors. For many-body models.
    Vectors {
        /// Whether the [`Names`] of the neighbours are wanted.
        names: bool,
    },
    /// Squared distances of all listed neighbours, beyond the cutoff too; gradients as (dE/dr)/r. For pair potentials, which
    /// cost less than the packing of rows.
    Distances {
        /// Whether the elements of the neighbours are wanted.
        elements: bool,
    },
}

/// A model whose energy is a sum over centres of functions of their neighbourhoods.
pub trait LocalModel: Send + Sync {
    /// Memory the model reuses between calls; one for each thread.
    type Scratch: Default + Send + 'static;

    /// What it is, needs and gives; `neighbours` must be present.
    fn description(&self) -> &Description;

    /// Largest number of centres in one call of [`evaluate`](Self::evaluate).
    fn block(&self) -> usize;

    /// What it wants in its rows.
    fn style(&self) -> RowStyle {
        RowStyle::Vectors { names: false }
    }

    /// Adds the energies of the centres and, where wanted, the derivatives by the neighbours' displacements.
    fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut Self::Scratch,
        results: &mut RowResults<'_>,
    );

    /// Adds what does not depend on neighbourhoods, such as long-range corrections of a homogeneous fluid.
    fn add_global(&self, _configuration: Configuration<'_>, _want: Want, _result: &mut Evaluation) {
    }

    /// Length of the vector, summed over all centres, from which the reliability of a configuration follows
    /// ([`Scope::Frame`](super::Scope)); 0 when the model has none.
    fn features(&self) -> usize {
        0
    }

    /// Adds the centres' parts to that vector.
    fn add_features(&self, _rows: &Rows<'_>, _scratch: &mut Self::Scratch, _features: &mut [f64]) {}

    /// The reliability of a configuration of so many atoms, from the sum of all parts.
    fn frame_reliability(&self, _features: &[f64], _atoms: usize) -> f64 {
        0.0
    }

    /// See [`Potential::species_labels`](super::Potential::species_labels).
    fn species_labels(&self) -> Vec<(i64, Element)> {
        let elements = self.description().elements.iter().flatten().copied();
        (0..).zip(elements).collect()
    }

    /// See [`Potential::selection`](super::Potential::selection).
    fn selection(&self) -> Option<Box<dyn Selection>> {
        None
    }

    /// Second derivatives, for a half list, when the energy is a sum over pairs and they are known; [`Local`] makes a
    /// [`Curvature`](super::Curvature) of them.
    fn pair_curvature(&self) -> Option<&dyn PairCurvature> {
        None
    }
}
