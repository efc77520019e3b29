//! What a relaxation is asked to do.

use super::cell::CellSettings;

/// How the minimum is looked for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Method {
    /// L-BFGS with a line search that fulfils the strong Wolfe conditions (Nocedal, Wright, Numerical Optimization, alg. 7.5,
    /// 3.5, 3.6).
    Lbfgs,
    /// The same with the exponential preconditioner (Packwood et al., J. Chem. Phys. 144, 164109 (2016)), which knows how
    /// stiff a crystal or a large system is from who is whose neighbour. Molecules and clusters below 200 atoms go without it.
    #[default]
    Preconditioned,
    /// FIRE 2.0 (Guénolé et al., Comput. Mater. Sci. 175, 109584 (2020)): slower, but it needs no energies that fit the forces.
    Fire,
}

impl Method {
    /// Its name in decks and files.
    pub fn name(self) -> &'static str {
        match self {
            Method::Lbfgs => "lbfgs",
            Method::Preconditioned => "preconditioned_lbfgs",
            Method::Fire => "fire",
        }
    }
}

/// Everything that a relaxation needs to know beside the system and its potential.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How the minimum is looked for.
    pub method: Method,
    /// Longest force on an atom (eV/Å) of a relaxed system; held directions do not count.
    pub fmax: f64,
    /// The cell; `None`: it stays as it is.
    pub cell: Option<CellSettings>,
    /// Directions x, y, z in which each atom is held; empty: no atom is held. Where the cell changes, held atoms move with it
    /// (their fractional coordinates stay).
    pub held: Vec<[bool; 3]>,
    /// Keep the symmetry that the start has within this distance (Å): the start is moved onto it, and forces, stress and steps lose what would
    /// break it. `None`: symmetry may change.
    pub keep_symmetry: Option<f64>,
    /// Look at the end whether it is a minimum: the lowest curvature by some tens of evaluations.
    pub verify: bool,
    /// Leave a saddle that was found so, along its lowest curvature, and relax again.
    pub leave_saddles: bool,
    /// Most steps; a step of a line search may need several evaluations.
    pub max_steps: u64,
    /// Longest way (Å) of an atom in one step.
    pub max_move: f64,
    /// How many steps L-BFGS remembers.
    pub history: usize,
}

impl Settings {
    /// The atoms only, to a longest force of `fmax` (eV/Å).
    pub fn atoms(fmax: f64) -> Settings {
        Settings {
            method: Method::default(),
            fmax,
            cell: None,
            held: Vec::new(),
            keep_symmetry: None,
            verify: false,
            leave_saddles: false,
            max_steps: 2000,
            max_move: 0.2,
            history: 30,
        }
    }

    /// The atoms and all of the cell under no pressure.
    pub fn atoms_and_cell(fmax: f64) -> Settings {
        Settings {
            cell: Some(CellSettings::default()),
            ..Settings::atoms(fmax)
        }
    }

    /// The same with another method.
    #[must_use]
    pub fn by(mut self, method: Method) -> Settings {
        self.method = method;
        self
    }
}
