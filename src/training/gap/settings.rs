//! What a fit is told.

use crate::potential::gap::SoapParameters;
use crate::potential::gap::soap_turbo::SoapTurboParameters;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Settings of [`fit`](super::fit).
#[derive(Clone, Debug, PartialEq)]
pub struct GapSettings {
    /// The terms that are added up.
    pub terms: Vec<TermSettings>,
    /// Standard deviations expected of the data.
    pub sigmas: Sigmas,
    /// Those of kinds of frames, instead of `sigmas`.
    pub kinds: BTreeMap<String, Sigmas>,
    /// What is added to the diagonal of the covariance of sparse points (eV²).
    pub jitter: f64,
    /// Energies of isolated atoms.
    pub isolated: IsolatedAtoms,
    /// Seed of the choice of sparse points.
    pub seed: u64,
    /// Most memory (bytes) for sparse points, rows and the least squares; frames are not counted.
    pub memory: usize,
}

impl Default for GapSettings {
    fn default() -> Self {
        GapSettings {
            terms: Vec::new(),
            sigmas: Sigmas::default(),
            kinds: BTreeMap::new(),
            jitter: 1e-10,
            isolated: IsolatedAtoms::Fitted,
            seed: 1,
            memory: 4 << 30,
        }
    }
}

/// Standard deviations of what frames say; `None` leaves such data out of the fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigmas {
    /// Of energies (eV an atom): that of a frame of N atoms has sqrt(N) times this, as in `gap_fit`.
    pub energy: Option<f64>,
    /// Of components of forces (eV/Å).
    pub force: Option<f64>,
    /// Of components of virials (eV an atom), with sqrt(N) as for energies.
    pub virial: Option<f64>,
}

impl Default for Sigmas {
    fn default() -> Self {
        Sigmas {
            energy: Some(0.001),
            force: Some(0.1),
            virial: Some(0.05),
        }
    }
}

/// Where the energies of isolated atoms come from.
#[derive(Clone, Debug, PartialEq)]
pub enum IsolatedAtoms {
    /// Given (eV) by atomic number; elements that are missing have none.
    Given(BTreeMap<u8, f64>),
    /// Those that describe the energies of the frames best by composition alone.
    Fitted,
    /// The mean energy per atom over the frames, the same for all elements.
    Average,
    /// From the frames with a single atom and no neighbour.
    Frames,
}

/// One term of the sum, before it is written out for the elements of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct TermSettings {
    /// What is described, and how.
    pub descriptor: TermDescriptor,
    /// Prefactor of the kernel, before squaring: the scale of the term's energies (eV).
    pub delta: f64,
    /// Number of sparse points of each combination of elements.
    pub points: usize,
    /// How they are chosen.
    pub choice: Choice,
}

/// Descriptor and kernel of a term.
#[derive(Clone, Debug, PartialEq)]
pub enum TermDescriptor {
    /// `distance_2b`: a term for each pair of elements.
    Pair {
        /// Range (Å).
        cutoff: f64,
        /// Width of the switch below it (Å).
        transition_width: f64,
        /// Length scale (Å) of the Gaussian kernel.
        theta: Theta,
        /// Only for these pairs of atomic numbers; all when empty.
        only: Vec<[u8; 2]>,
    },
    /// `angle_3b`: a term for each centre and pair of neighbours.
    Triplet {
        /// Range (Å) of the two distances from the centre.
        cutoff: f64,
        /// Width of the switch below it (Å).
        transition_width: f64,
        /// The kernel.
        kernel: TripletKernel,
        /// Length scales for r₁ + r₂ (Å), (r₁ - r₂)² (Å²) and r₃ (Å).
        theta: Theta,
        /// Only for these centres and neighbours (atomic numbers, the centre first); all when empty.
        only: Vec<[u8; 3]>,
    },
    /// `soap`: a term for each element as the centre.
    Soap {
        /// Parameters; `species` (when empty or 0) and `centre` (when empty) are filled in with the elements of the data.
        parameters: SoapParameters,
        /// Power of the dot product.
        zeta: f64,
    },
    /// `soap_turbo`: a term for each element as the centre.
    SoapTurbo {
        /// Parameters; with a single species of number 0 that one is repeated for the elements of the data, and each of them is
        /// the centre in turn.
        parameters: SoapTurboParameters,
        /// Power of the dot product.
        zeta: f64,
        /// Atomic numbers of the centres; all elements of the data when empty.
        centres: Vec<u8>,
    },
}

/// Kernel of a triplet term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TripletKernel {
    /// A Gaussian.
    Gaussian,
    /// A compact polynomial: nothing beyond the length scale.
    Polynomial,
}

/// Length scales of a kernel of distances.
#[derive(Clone, Debug, PartialEq)]
pub enum Theta {
    /// The same for every number of the descriptor.
    Uniform(f64),
    /// So many times the range of the data, number by number.
    Factor(f64),
    /// One for each number.
    Each(Vec<f64>),
}

/// How the sparse points of a term are chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// By leverage: see [`cur`](crate::training::choose::cur).
    Cur,
    /// Each farthest from those before.
    FarthestPoints,
    /// Nearest to the centres of clusters.
    KMeans,
    /// At random.
    Random,
    /// One in each cell of a grid; for pairs and triplets.
    Uniform,
    /// These numbers, point after point, for a term that is written out once only.
    Given(Vec<f64>),
    /// Those of the coordinate with the same descriptor in this model file.
    Model(PathBuf),
}

impl TermSettings {
    /// A pair term with its defaults.
    pub fn pair(cutoff: f64) -> TermSettings {
        TermSettings {
            descriptor: TermDescriptor::Pair {
                cutoff,
                transition_width: 1.0,
                theta: Theta::Uniform(1.0),
                only: Vec::new(),
            },
            delta: 1.0,
            points: 20,
            choice: Choice::Uniform,
        }
    }

    /// A triplet term with its defaults.
    pub fn triplet(cutoff: f64) -> TermSettings {
        TermSettings {
            descriptor: TermDescriptor::Triplet {
                cutoff,
                transition_width: 0.5,
                kernel: TripletKernel::Gaussian,
                theta: Theta::Uniform(1.0),
                only: Vec::new(),
            },
            delta: 0.5,
            points: 100,
            choice: Choice::Uniform,
        }
    }

    /// A `soap` term with its defaults: n_max 8, l_max 8, atom_sigma 0.5 Å, transition 1 Å, zeta 4.
    pub fn soap(cutoff: f64) -> TermSettings {
        TermSettings {
            descriptor: TermDescriptor::Soap {
                parameters: SoapParameters {
                    cutoff,
                    transition_width: 1.0,
                    n_max: 8,
                    l_max: 8,
                    atom_sigma: 0.5,
                    species: Vec::new(),
                    ..SoapParameters::default()
                },
                zeta: 4.0,
            },
            delta: 0.2,
            points: 500,
            choice: Choice::Cur,
        }
    }
}
