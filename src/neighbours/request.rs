//! What is asked of a neighbour list.

/// The neighbour list that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeighbourRequest {
    /// Interaction range (Å).
    pub cutoff: f64,
    /// Whether every pair appears once or from both sides.
    pub kind: ListKind,
    /// Most centres in one piece of work: few for costly models (balance), many for cheap ones (fewer images).
    pub chunk: usize,
    /// Fewest centres that are worth a piece of work of their own; pieces are multiples of it.
    pub grain: usize,
}

/// Whether a list holds each pair once or twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// Each pair once, in the row of one of its atoms.
    Half,
    /// Each pair in the rows of both atoms.
    Full,
}
