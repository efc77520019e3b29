//! Neighbour lists: who is near whom, periodic images included.
//!
//! A [`NeighbourList`] is built in O(N) from cell lists and is split into *chunks* of centres that lie near each other in
//! space; each chunk names its atoms and the images it needs in a table of its own, so that the inner loops see no
//! periodicity. A [`VerletList`] keeps such a list with a skin and says when it must be rebuilt; [`RingLists`] does so for the
//! beads of a ring polymer, which share lists. Lists grow or fail; they never truncate.

mod build;
mod list;
mod request;
mod ring;
mod shared;
mod verlet;

pub use list::{Chunk, NeighbourList, Pair};
pub use request::{ListKind, NeighbourRequest};
pub use ring::{RingError, RingLists, RingReference};
pub use verlet::VerletList;

/// Why a list could not be built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BuildError {
    /// The position of this atom is not finite.
    NotFinite(usize),
    /// More images or pairs than can be counted: the cell is far too small for the cutoff.
    TooMany,
}

#[cfg(test)]
mod tests;
