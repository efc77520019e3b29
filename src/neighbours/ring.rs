//! The lists of a ring polymer: one for all beads where they lie close together.

use super::shared::{Cloud, Scratch};
use super::verlet::{Allowance, all_within};
use super::{BuildError, NeighbourList, NeighbourRequest};
use crate::system::{Cell, Configuration};

/// The lists of a ring polymer of so many beads, one set for each request, with a skin.
///
/// All are pure functions of one *reference*: cell, centroid and beads at the last build. A list is built when it is first
/// asked for, from the reference, so that it does not matter who asked for it when; a checkpoint stores the reference.
///
/// One list serves all beads as long as no two atoms can come nearer in a bead than in the centroid by more than a part of the
/// list's reach; else eight neighbouring beads share one, about a centre of their own, and if that is too far too, each bead has
/// its own.
pub struct RingLists {
    skin: f64,
    requests: Vec<NeighbourRequest>,
    sets: Vec<Set>,
    cell: Option<Cell>,
    centroid: Vec<[f64; 3]>,
    /// Bead after bead.
    beads: Vec<[f64; 3]>,
    count: usize,
    builds: u64,
    cloud: Cloud,
    scratch: Scratch,
}

/// The lists for one request.
#[derive(Default)]
struct Set {
    lists: Vec<NeighbourList>,
    /// Beads that share a list; 0 before the lists are built.
    sharing: usize,
}

/// From where the lists of a ring polymer were built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RingReference<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Positions (Å) of the centroid.
    pub centroid: &'a [[f64; 3]],
    /// Positions (Å) of the beads, one after the other.
    pub beads: &'a [[f64; 3]],
}

/// Why the lists of a ring polymer could not be built, and with which bead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RingError {
    /// The bead; the first where all are concerned.
    pub bead: usize,
    /// Why.
    pub reason: BuildError,
}

/// The part of a list's reach by which atoms may come nearer in a bead than in the centre that shares its list.
///
/// At this limit the list before pruning has (3/2)³ = 3.4 times the pairs of one without spread.
const MOST_NEARER: f64 = 0.5;
/// Beads that share a list when all of them cannot.
const FEW: usize = 8;

impl RingLists {
    /// Lists for `count` beads with distances up to cutoff + `skin` (Å) for each request, not built yet.
    pub fn new(count: usize, requests: impl Iterator<Item = NeighbourRequest>, skin: f64) -> Self {
        let requests: Vec<NeighbourRequest> = requests.collect();
        RingLists {
            skin,
            sets: requests.iter().map(|_| Set::default()).collect(),
            requests,
            cell: None,
            centroid: Vec::new(),
            beads: Vec::new(),
            count,
            builds: 0,
            cloud: Cloud::default(),
            scratch: Scratch::default(),
        }
    }

    /// The number of beads.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How often there was a new reference.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    /// How many beads share a list of a request; `None` before it is built.
    pub fn sharing(&self, request: usize) -> Option<usize> {
        self.sets.get(request).map(|s| s.sharing).filter(|s| *s > 0)
    }

    /// From where the lists are built; `None` before the first.
    pub fn reference(&self) -> Option<RingReference<'_>> {
        self.cell.as_ref().map(|cell| RingReference {
            cell,
            centroid: &self.centroid,
            beads: &self.beads,
        })
    }

    /// Whether a pair within the cutoff of a request could be missing from the list of some bead; see
    /// [`VerletList::is_stale`](super::VerletList::is_stale). The same for all requests, whether their lists are built or not.
    pub fn is_stale(&self, cell: &Cell, beads: &[Configuration<'_>]) -> bool {
        let Some(reference) = &self.cell else {
            return true;
        };
        let atoms = self.centroid.len();
        let other =
            |(b, r): (&Configuration<'_>, &[[f64; 3]])| -> bool { b.positions.len() != r.len() };
        let references = || self.beads.chunks_exact(atoms.max(1));
        if beads.len() != self.count || beads.iter().zip(references()).any(other) {
            return true;
        }
        let cutoffs = self.requests.iter().map(|r| r.cutoff);
        let Some(allowed) = Allowance::least(reference, cell, cutoffs, self.skin) else {
            return true;
        };
        !beads
            .iter()
            .zip(references())
            .all(|(b, r)| all_within(&allowed, b.positions, r))
    }

    /// Takes a new reference. The lists are built from it when they are asked for.
    ///
    /// All beads have the cell and the number of atoms of the centroid.
    pub fn refer(&mut self, centroid: Configuration<'_>, beads: &[Configuration<'_>]) {
        self.centroid.clear();
        self.centroid.extend_from_slice(centroid.positions);
        self.beads.clear();
        for bead in beads {
            self.beads.extend_from_slice(bead.positions);
        }
        self.renew(centroid.cell);
        self.builds += 1;
    }

    /// Takes the reference of another run, so that the lists are those of that run; `false`, and nothing is taken, when it is
    /// not for so many beads.
    pub fn restore(&mut self, reference: RingReference<'_>) -> bool {
        if self.count.checked_mul(reference.centroid.len()) != Some(reference.beads.len()) {
            return false;
        }
        self.centroid.clear();
        self.centroid.extend_from_slice(reference.centroid);
        self.beads.clear();
        self.beads.extend_from_slice(reference.beads);
        self.renew(reference.cell);
        true
    }

    fn renew(&mut self, cell: &Cell) {
        self.cell = Some(cell.clone());
        self.sets.iter_mut().for_each(|s| s.sharing = 0);
    }

    /// Builds the lists of a request, if they are not there already.
    pub fn build(&mut self, request: usize) -> Result<(), RingError> {
        if self.sets[request].sharing > 0 || self.count == 0 {
            return Ok(());
        }
        let built = self.build_from_reference(request);
        match built {
            Ok(sharing) => self.sets[request].sharing = sharing,
            // Nothing can be built from here: the next call takes another reference.
            Err(_) => self.cell = None,
        }
        built.map(|_| ())
    }

    /// Builds the lists with as many beads to a list as may share it, and returns how many do.
    fn build_from_reference(&mut self, request: usize) -> Result<usize, RingError> {
        let Some(cell) = &self.cell else {
            unreachable!("lists are built after a reference was taken")
        };
        let (set, request) = (&mut self.sets[request], self.requests[request]);
        let atoms = self.centroid.len();
        let reach = request.cutoff + self.skin;
        let few = (FEW < self.count).then_some(FEW);
        let mut choices = std::iter::once(self.count).chain(few);
        loop {
            let sharing = choices.next().unwrap_or(1);
            let lists = self.count.div_ceil(sharing);
            set.lists.resize_with(lists, NeighbourList::default);
            let mut shared = true;
            for (l, list) in set.lists.iter_mut().enumerate() {
                let first = l * sharing;
                let few = first * atoms..(first + sharing).min(self.count) * atoms;
                let whole = (sharing == self.count).then_some(self.centroid.as_slice());
                self.cloud
                    .fill(whole, &self.beads[few], atoms)
                    .map_err(|(b, atom)| RingError {
                        bead: first + b,
                        reason: BuildError::NotFinite(atom),
                    })?;
                shared = sharing == 1 || self.cloud.nearer() <= MOST_NEARER * reach;
                if !shared {
                    break;
                }
                list.build_shared(cell, &self.cloud, request, reach, &mut self.scratch)
                    .map_err(|reason| RingError {
                        bead: first,
                        reason,
                    })?;
            }
            if shared {
                return Ok(sharing);
            }
        }
    }

    /// The list of a bead for a request, after [`Self::build`].
    pub fn list(&self, request: usize, bead: usize) -> Option<&NeighbourList> {
        let set = self.sets.get(request)?;
        set.lists.get(bead.checked_div(set.sharing)?)
    }
}
