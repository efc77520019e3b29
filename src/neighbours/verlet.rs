//! A list with a skin: valid until something has moved too far.

use super::NeighbourRequest;
use super::{BuildError, NeighbourList};
use crate::system::{Cell, Configuration};

/// A neighbour list that is rebuilt only when it must be.
///
/// The list is a pure function of the *reference*: the positions and the cell at the last build. Whoever stores the
/// reference (a checkpoint) can rebuild the identical list later and so continue with the same bits.
#[derive(Default)]
pub struct VerletList {
    list: NeighbourList,
    cutoff: f64,
    skin: f64,
    positions: Vec<[f64; 3]>,
    cell: Option<Cell>,
    builds: u64,
}

impl VerletList {
    /// A list for distances up to `cutoff` + `skin` (Å), not built yet.
    pub fn new(cutoff: f64, skin: f64) -> Self {
        VerletList {
            cutoff,
            skin,
            ..Self::default()
        }
    }

    /// The list as last built.
    pub fn list(&self) -> &NeighbourList {
        &self.list
    }

    /// How often it was built.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    /// Positions and cell at the last build; `None` before the first.
    pub fn reference(&self) -> Option<(&Cell, &[[f64; 3]])> {
        self.cell.as_ref().map(|c| (c, self.positions.as_slice()))
    }

    /// Whether a pair within the cutoff could be missing from the list, by the positions and the cell of now.
    ///
    /// Pairs that are not listed were further apart than cutoff + skin. The change of the cell shrinks any distance at most
    /// by the smallest singular value of the deformation; what remains of each atom's motion counts twice.
    pub fn is_stale(&self, configuration: Configuration<'_>) -> bool {
        let Some(reference) = &self.cell else {
            return true;
        };
        if self.positions.len() != configuration.positions.len() {
            return true;
        }
        if reference == configuration.cell {
            let limit = 0.25 * self.skin * self.skin;
            return !all_within(configuration.positions, &self.positions, limit);
        }
        let deformation = reference.inverse() * configuration.cell.basis();
        let shrink = deformation.singular_values().min();
        // Other vectors of the same lattice: the images in the list are counted in the old ones, whatever the skin.
        if shrink < LEAST_SHRINK {
            return true;
        }
        let room = shrink * (self.cutoff + self.skin) - self.cutoff;
        if reference.periodic() != configuration.cell.periodic() || room.is_nan() || room <= 0.0 {
            return true;
        }
        let limit = 0.25 * room * room;
        let stays = |(x, r): (&[f64; 3], &[f64; 3])| {
            let s = configuration.cell.cartesian(reference.fractional(*r));
            let d: f64 = (0..3).map(|k| (x[k] - s[k]).powi(2)).sum();
            d <= limit
        };
        !configuration
            .positions
            .iter()
            .zip(&self.positions)
            .all(stays)
    }

    /// Builds the list from this configuration and makes it the reference.
    pub fn build(
        &mut self,
        configuration: Configuration<'_>,
        request: NeighbourRequest,
    ) -> Result<(), BuildError> {
        self.cell = None;
        self.list
            .build(configuration, request, self.cutoff + self.skin)?;
        self.positions.clear();
        self.positions.extend_from_slice(configuration.positions);
        self.cell = Some(configuration.cell.clone());
        self.builds += 1;
        Ok(())
    }
}

/// No list outlives a deformation as large as this; shorter vectors of the same lattice are one of at least 0.62.
const LEAST_SHRINK: f64 = 0.7;

/// Whether every atom lies within sqrt(`limit`) of its reference; false as soon as a number is not finite.
fn all_within(now: &[[f64; 3]], reference: &[[f64; 3]], limit: f64) -> bool {
    // Blocks without a branch inside vectorise; most blocks pass.
    now.chunks(64)
        .zip(reference.chunks(64))
        .all(|(now, reference)| {
            now.iter().zip(reference).fold(true, |ok, (x, r)| {
                let (dx, dy, dz) = (x[0] - r[0], x[1] - r[1], x[2] - r[2]);
                ok & (dx * dx + dy * dy + dz * dz <= limit)
            })
        })
}
