//! Local models: neighbourhoods in, dE/dr out. Forces, virial and periodic images are made here and nowhere else.

use super::{Description, Evaluation, EvaluationError, Member, Potential, Want, Workspace};
use crate::elements::Element;

/// The neighbourhoods of a block of centres, as compressed rows. Row c holds the neighbours
/// `first[c]..first[c + 1]` of centre c; the arrays over neighbours are parallel.
///
/// The rows are not strict in principle (a caller may leave neighbours beyond the cutoff in), so a model cuts by itself.
/// Periodic images, the centre's own ones included, are ordinary neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Element of each centre.
    pub centres: &'a [Element],
    /// Offsets of the rows; one more than there are centres, starting at 0.
    pub first: &'a [u32],
    /// Element of each neighbour.
    pub elements: &'a [Element],
    /// x of neighbour minus centre (Å).
    pub x: &'a [f64],
    /// y of neighbour minus centre (Å).
    pub y: &'a [f64],
    /// z of neighbour minus centre (Å).
    pub z: &'a [f64],
    /// Squared distance (Å^2), never zero.
    pub r2: &'a [f64],
}

impl Rows<'_> {
    /// The range of the neighbours of centre `c`.
    #[inline]
    pub fn of(&self, c: usize) -> std::ops::Range<usize> {
        self.first[c] as usize..self.first[c + 1] as usize
    }
}

/// What a local model gives back for a block of rows. All arrays are zeroed by the caller and added into by the model.
#[derive(Debug)]
pub struct RowResults<'a> {
    /// Energy of each centre (eV).
    pub energy: &'a mut [f64],
    /// dE/dx of each neighbour displacement (eV/Å), where E is everything this row contributes to the total energy.
    /// Empty when neither forces nor virial are wanted.
    pub gx: &'a mut [f64],
    /// dE/dy.
    pub gy: &'a mut [f64],
    /// dE/dz.
    pub gz: &'a mut [f64],
    /// Energy booked on each neighbour instead of the centre (eV; counts towards the total). Empty unless site energies
    /// are wanted: then, and only then, a model may move part of a pair's energy from the centre to the neighbour.
    pub booked: &'a mut [f64],
    /// Reliability number of each centre. Empty unless wanted.
    pub reliability: &'a mut [f64],
}
