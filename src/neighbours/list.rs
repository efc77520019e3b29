//! The list itself: chunks of centres with local tables of atoms, and the table that gathers results back.

use super::ListKind;
use crate::system::Cell;

/// Neighbours of all atoms within some reach. See the module page for the idea of chunks.
#[derive(Default)]
pub struct NeighbourList {
    pub(super) kind: Option<ListKind>,
    pub(super) reach: f64,
    pub(super) atoms: usize,
    pub(super) chunks: Vec<Chunk>,
    pub(super) images: super::build::Images,
    pub(super) gather_first: Vec<u32>,
    pub(super) gather_slots: Vec<u32>,
    pub(super) slots: usize,
    pub(super) scratch: super::build::Scratch,
}

/// A group of centres that lie near each other, with everything they need to find their neighbours.
///
/// *Local atoms* are the chunk's own centres (first) and the atoms or periodic images near them; rows refer to those.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// Where this chunk's local atoms begin in arrays over the local atoms of all chunks ("slots").
    pub base: usize,
    /// Number of centres; the local atoms `0..own`.
    pub own: usize,
    /// The atom behind each local atom.
    pub atoms: Vec<u32>,
    /// The image of each local atom, an index into [`NeighbourList::images`].
    pub image: Vec<u32>,
    /// Offsets of the rows of the centres; `own + 1` numbers.
    pub first: Vec<u32>,
    /// The neighbours of all rows, as local atoms.
    pub neighbours: Vec<u32>,
}

/// A pair of the list: atom `j`, displaced by `shift` cell vectors, is a neighbour of atom `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The centre.
    pub i: u32,
    /// The neighbour.
    pub j: u32,
    /// Cell vectors to add to the (unwrapped) position of `j` minus that of `i`.
    pub shift: [i32; 3],
}

impl NeighbourList {
    /// An empty list; [`NeighbourList::build`](Self::build) fills it and may be called again to reuse the memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of atoms the list was built for.
    pub fn atoms(&self) -> usize {
        self.atoms
    }

    /// Distance (Å) up to which pairs are listed.
    pub fn reach(&self) -> f64 {
        self.reach
    }

    /// Whether pairs appear once or twice.
    pub fn kind(&self) -> ListKind {
        self.kind.unwrap_or(ListKind::Full)
    }

    /// The chunks, in the order in which sums over them are taken.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The distinct image shifts that local atoms have, in cell vectors.
    pub fn images(&self) -> &[[i32; 3]] {
        &self.images.list
    }

    /// Number of local atoms of all chunks together.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Number of listed pairs.
    pub fn pairs(&self) -> usize {
        self.chunks.iter().map(|c| c.neighbours.len()).sum()
    }

    /// The slots that belong to atom `a`, in chunk order.
    #[inline]
    pub fn slots_of(&self, a: usize) -> &[u32] {
        &self.gather_slots[self.gather_first[a] as usize..self.gather_first[a + 1] as usize]
    }

    /// The translations (Å) of [`images`](Self::images) in a cell, into a reused buffer.
    pub fn translations(&self, cell: &Cell, out: &mut Vec<[f64; 3]>) {
        out.extend(self.images.list.iter().map(|s| cell.translation(*s)));
    }

    /// All pairs, for tests and tools.
    pub fn iter_pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.chunks.iter().flat_map(move |chunk| {
            (0..chunk.own).flat_map(move |c| {
                let row = &chunk.neighbours[chunk.first[c] as usize..chunk.first[c + 1] as usize];
                row.iter().map(move |&k| {
                    let (own, other) = (
                        self.images()[chunk.image[c] as usize],
                        self.images()[chunk.image[k as usize] as usize],
                    );
                    Pair {
                        i: chunk.atoms[c],
                        j: chunk.atoms[k as usize],
                        shift: std::array::from_fn(|d| other[d] - own[d]),
                    }
                })
            })
        })
    }
}
