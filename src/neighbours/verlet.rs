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
        let cutoff = std::iter::once(self.cutoff);
        Allowance::least(reference, configuration.cell, cutoff, self.skin)
            .is_none_or(|allowed| !all_within(&allowed, configuration.positions, &self.positions))
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

/// How far an atom may be from where the change of the cell takes its reference.
pub(super) struct Allowance {
    /// Squared distance (Å^2).
    limit: f64,
    /// What the change of the cell does to a position, as a row vector; `None` when there is no change.
    deformation: Option<[[f64; 3]; 3]>,
}

impl Allowance {
    /// The least for lists of several cutoffs with one skin; `None` when the cell alone has made one of them stale.
    pub fn least(
        reference: &Cell,
        now: &Cell,
        cutoffs: impl Iterator<Item = f64>,
        skin: f64,
    ) -> Option<Allowance> {
        if reference == now {
            return Some(Allowance {
                limit: 0.25 * skin * skin,
                deformation: None,
            });
        }
        let deformation = reference.inverse() * now.basis();
        let shrink = deformation.singular_values().min();
        // Other vectors of the same lattice: the images in the list are counted in the old ones, whatever the skin.
        if shrink < LEAST_SHRINK || reference.periodic() != now.periodic() {
            return None;
        }
        let mut least = f64::INFINITY;
        for cutoff in cutoffs {
            let room = shrink * (cutoff + skin) - cutoff;
            if room.is_nan() || room <= 0.0 {
                return None;
            }
            least = least.min(room);
        }
        Some(Allowance {
            limit: 0.25 * least * least,
            deformation: Some(std::array::from_fn(|i| {
                std::array::from_fn(|j| deformation[(i, j)])
            })),
        })
    }
}

/// Whether every atom lies where it may; false as soon as a number is not finite.
pub(super) fn all_within(allowed: &Allowance, now: &[[f64; 3]], reference: &[[f64; 3]]) -> bool {
    let limit = allowed.limit;
    // Blocks without a branch inside vectorise; most blocks pass.
    let mut blocks = now.chunks(64).zip(reference.chunks(64));
    match &allowed.deformation {
        None => blocks.all(|(now, reference)| {
            now.iter().zip(reference).fold(true, |ok, (x, r)| {
                let (dx, dy, dz) = (x[0] - r[0], x[1] - r[1], x[2] - r[2]);
                ok & (dx * dx + dy * dy + dz * dz <= limit)
            })
        }),
        Some(f) => blocks.all(|(now, reference)| {
            now.iter().zip(reference).fold(true, |ok, (x, r)| {
                let d = |k: usize| x[k] - (r[0] * f[0][k] + r[1] * f[1][k] + r[2] * f[2][k]);
                let (dx, dy, dz) = (d(0), d(1), d(2));
                ok & (dx * dx + dy * dy + dz * dz <= limit)
            })
        }),
    }
}
