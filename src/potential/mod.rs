//! Energies and forces: the [`Potential`] trait, and one room for each model family.
//!
//! A potential evaluates a *batch* of configurations (one for classical dynamics, P beads for a ring polymer, displaced
//! copies for a Hessian) and **adds** its part to the caller's [`Evaluation`]s, so that sums of potentials cost nothing.
//!
//! Most potentials are local: a sum over atoms of functions of their neighbourhoods. Those implement [`LocalModel`] only
//! (neighbourhood in, dE/dr out) and are wrapped in [`Local`], the one place where forces, virial and periodic images
//! are made.

mod card;
pub mod conformance;
mod curvature;
mod evaluator;
pub mod external;
pub mod gap;
mod local;
mod molecular;
pub mod mtp;
pub mod pair;
pub mod registry;
pub mod sgdml;

pub use crate::neighbours::{ListKind, NeighbourRequest};
pub use crate::system::Configuration;
pub use card::ModelCard;
pub use curvature::{Block, Curvature};
pub(crate) use evaluator::recycle;
pub use evaluator::{Evaluator, Term};
pub use local::{LANES, Local, LocalModel, Names, PairCurvature, RowResults, RowStyle, Rows};
pub use molecular::{Acts, Molecular};

use crate::elements::Element;
use crate::neighbours::NeighbourList;
use crate::system::System;
use std::any::Any;

/// What a potential is, needs and gives. The engine checks it before step 0.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// A short name for tables, as in `GAP si_2b_soap.xml`.
    pub name: String,
    /// Elements the potential knows; `None` when it takes any.
    pub elements: Option<Vec<Element>>,
    /// The neighbour list it needs; `None` for global models.
    pub neighbours: Option<NeighbourRequest>,
    /// What it can give beside energy and forces.
    pub gives: Gives,
    /// Below these distances (Å) the model has seen no data for that pair of elements.
    pub closest_seen: Vec<(Element, Element, f64)>,
    /// Publications and files to cite.
    pub references: Vec<String>,
    /// Further lines for `info`: descriptors, sizes, hyper-parameters, notes.
    pub details: Vec<String>,
    /// Why the cell must keep its shape and volume with this potential, a sentence; `None` when it may change. The virial
    /// may be exact all the same.
    pub fixed_cell: Option<String>,
    /// What may be done to all atoms together without changing the energy.
    pub symmetry: Symmetry,
}

/// What may be done to all atoms together without changing the energy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symmetry {
    /// Moving, turning and renumbering: the energy depends on elements and on where atoms are to each other, as that of a model
    /// does.
    #[default]
    Full,
    /// Moving and turning; some atoms are known by their numbers.
    Numbered,
    /// Nothing: the energy depends on where in space, or in the cell, certain atoms are. Momentum is not conserved, and
    /// the cell vectors may not be chosen anew.
    Anchored,
}

/// What a potential can give beside energy and forces.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gives {
    /// The virial, needed for pressure.
    pub virial: bool,
    /// Energies of single atoms.
    pub site_energies: bool,
    /// A number that says how far the model is from what it was fitted to.
    pub reliability: Option<Reliability>,
}

/// The reliability number of a model: what it measures, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reliability {
    /// What it measures.
    pub measure: Measure,
    /// Whether each atom has a number, or the whole configuration one.
    pub scope: Scope,
}

impl Reliability {
    /// The largest number (of any atom, or that of the configuration) in an evaluation that was asked for it.
    pub fn largest(&self, evaluation: &Evaluation) -> f64 {
        match self.scope {
            Scope::Atom => evaluation.reliability.iter().copied().fold(0.0, f64::max),
            Scope::Frame => evaluation.frame_reliability,
        }
    }

    /// The atom with the largest number, when atoms have one.
    pub fn worst_atom(&self, evaluation: &Evaluation) -> Option<usize> {
        let numbers = evaluation.reliability.iter().enumerate();
        match self.scope {
            Scope::Atom => numbers.max_by(|a, b| a.1.total_cmp(b.1)).map(|(a, _)| a),
            Scope::Frame => None,
        }
    }
}

/// Of what a reliability number is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One number for each atom, in [`Evaluation::reliability`].
    Atom,
    /// One number for the configuration, in [`Evaluation::frame_reliability`].
    Frame,
}

/// The measure of a reliability number. Larger is always further from the training data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Predictive variance of a Gaussian process.
    Variance,
    /// MaxVol extrapolation grade.
    Grade,
    /// Distance to the training set in descriptor space.
    Distance,
}

impl Measure {
    /// The name of its column in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Variance => "variance",
            Measure::Grade => "grade",
            Measure::Distance => "distance",
        }
    }

    /// The unit of its numbers, as files and tables write it.
    pub fn unit(self) -> &'static str {
        match self {
            Measure::Variance => "eV^2",
            Measure::Grade => "",
            Measure::Distance => "Angstrom-1",
        }
    }
}

/// What the caller wants computed; a potential may skip everything else. The energy always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Forces.
    pub forces: bool,
    /// The 3×3 virial.
    pub virial: bool,
    /// Energies of the atoms.
    pub site_energies: bool,
    /// The reliability number of each atom, or of the configuration.
    pub reliability: bool,
}

impl Want {
    /// Energy only.
    pub const ENERGY: Want = Want {
        forces: false,
        virial: false,
        site_energies: false,
        reliability: false,
    };
    /// What a step of dynamics needs.
    pub const DYNAMICS: Want = Want {
        forces: true,
        virial: true,
        site_energies: false,
        reliability: false,
    };
    /// Everything but reliability.
    pub const ALL: Want = Want {
        forces: true,
        virial: true,
        site_energies: true,
        reliability: false,
    };
}

/// A configuration with its neighbours, as handed to [`Potential::evaluate`].
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The configuration.
    pub configuration: Configuration<'a>,
    /// The list; `None` when the potential asked for none. Not strict: it may hold pairs beyond the cutoff. Members that
    /// lie near each other (beads) may share one.
    pub neighbours: Option<&'a NeighbourList>,
}

/// The results for one configuration: caller-owned, zeroed by the caller, added into by potentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Potential energy (eV).
    pub energy: f64,
    /// What of it (eV) restraints, walls and forces have, rather than a model.
    pub external: f64,
    /// Forces (eV/Å).
    pub forces: Vec<[f64; 3]>,
    /// Virial (eV): the sum of r⊗f, which is -dE/d(strain); positive trace for compression.
    pub virial: [[f64; 3]; 3],
    /// Energies of the atoms (eV), zero where a potential has none.
    pub site_energies: Vec<f64>,
    /// Reliability of each atom in the measure of the potential; zeros when it gives one for the configuration only.
    pub reliability: Vec<f64>,
    /// Reliability of the configuration, where the potential has such a number ([`Scope::Frame`]).
    pub frame_reliability: f64,
    /// Distance (Å) of the closest pair that any term looked at; infinite when none did.
    pub closest: f64,
}

impl Evaluation {
    /// Sizes the arrays for `atoms` atoms and sets everything to zero; keeps the memory.
    pub fn reset(&mut self, atoms: usize, want: Want) {
        let fill = |v: &mut Vec<f64>, n: usize| {
            v.clear();
            v.resize(n, 0.0);
        };
        self.energy = 0.0;
        self.external = 0.0;
        self.frame_reliability = 0.0;
        self.closest = f64::INFINITY;
        self.virial = [[0.0; 3]; 3];
        self.forces.clear();
        self.forces
            .resize(if want.forces { atoms } else { 0 }, [0.0; 3]);
        fill(
            &mut self.site_energies,
            if want.site_energies { atoms } else { 0 },
        );
        fill(
            &mut self.reliability,
            if want.reliability { atoms } else { 0 },
        );
    }
}

/// Why a configuration could not be evaluated. Carries numbers, not sentences: it may be made in a hot loop.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EvaluationError {
    /// Two atoms lie at the same place, or nearly so.
    Coincident {
        /// Member of the batch.
        member: usize,
        /// First atom.
        i: usize,
        /// Second atom (may be the same atom: its own periodic image).
        j: usize,
        /// Their distance (Å).
        distance: f64,
    },
    /// A position, or the energy or force of an atom, is not a finite number.
    NotFinite {
        /// Member of the batch.
        member: usize,
        /// The atom, when one can be named.
        atom: Option<usize>,
    },
    /// The potential was made for other atoms than these: a model of a molecule, for one; see [`Potential::for_system`].
    OtherAtoms {
        /// Member of the batch.
        member: usize,
    },
    /// An atom is behind a wall that it cannot cross.
    BehindWall {
        /// Member of the batch.
        member: usize,
        /// The atom.
        atom: usize,
    },
    /// A bond of a molecule that must stay whole is broken.
    Torn {
        /// Member of the batch.
        member: usize,
        /// One end of the bond.
        i: usize,
        /// The other end.
        j: usize,
        /// Its length (Å).
        distance: f64,
    },
    /// The neighbour list would need more images or pairs than can be counted.
    TooManyNeighbours {
        /// Member of the batch.
        member: usize,
    },
}

impl EvaluationError {
    /// The member of the batch that it concerns.
    pub fn member(&self) -> usize {
        match self {
            EvaluationError::Coincident { member, .. }
            | EvaluationError::NotFinite { member, .. }
            | EvaluationError::OtherAtoms { member }
            | EvaluationError::BehindWall { member, .. }
            | EvaluationError::Torn { member, .. }
            | EvaluationError::TooManyNeighbours { member } => *member,
        }
    }

    /// The same of another member.
    pub(crate) fn of_member(mut self, m: usize) -> EvaluationError {
        match &mut self {
            EvaluationError::Coincident { member, .. }
            | EvaluationError::NotFinite { member, .. }
            | EvaluationError::OtherAtoms { member }
            | EvaluationError::BehindWall { member, .. }
            | EvaluationError::Torn { member, .. }
            | EvaluationError::TooManyNeighbours { member } => *member = m,
        }
        self
    }
}

/// A model that gives energies and forces.
///
/// Implementations are immutable data shared by all threads; everything mutable is in the [`Workspace`], which is scratch
/// and may be dropped at any step. Results do not depend on the number of threads: sums are taken in a fixed order.
pub trait Potential: Send + Sync {
    /// What it is, needs and gives.
    fn description(&self) -> &Description;

    /// Adds the energy and what else is wanted of every member to the evaluation of the same index.
    ///
    /// `results` has one element per member, sized by [`Evaluation::reset`] with the same `want`.
    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError>;

    /// The same model made for one system: a model of a molecule finds its atoms there, whatever their order.
    ///
    /// `None` when the model serves any system as it is, which is the default. A caller asks once for each system (atoms,
    /// elements and bonds; positions may move later), before the first evaluation. Errors are the user's: a system that
    /// the model is not for, and in what it differs.
    fn for_system(&self, _system: &System) -> crate::error::Result<Option<ForSystem>> {
        Ok(None)
    }

    /// The number that stands for each element in MLIP's cfg files: that of the model's file, else the place in its list.
    fn species_labels(&self) -> Vec<(i64, Element)> {
        let elements = self.description().elements.iter().flatten().copied();
        (0..).zip(elements).collect()
    }

    /// A selection of configurations that would teach the model something, starting from what it was fitted to; `None`
    /// when the model cannot choose.
    fn selection(&self) -> Option<Box<dyn Selection>> {
        None
    }

    /// Its second derivatives in closed form; `None` when it has none.
    fn curvature(&self) -> Option<&dyn Curvature> {
        None
    }
}

/// A potential that was made for one system; see [`Potential::for_system`].
pub struct ForSystem {
    /// The potential, for this system only.
    pub potential: std::sync::Arc<dyn Potential>,
    /// What a person should know about it, such as a new order of the atoms; sentences.
    pub notes: Vec<String>,
}

/// Chooses the configurations of a run that are worth keeping for the next fit: each that is taken changes what is
/// thought of the following ones, so that the same thing is not kept twice (D-optimality; Podryabinkin, Shapeev, Comput. Mater. Sci. 140, 171 (2017)).
pub trait Selection: Send {
    /// Whether the configuration adds something; if it does, it belongs to the selection from now on.
    fn consider(&mut self, configuration: Configuration<'_>) -> Result<bool, EvaluationError>;
}

/// Scratch memory of one potential, owned by the caller and reused between calls.
#[derive(Default)]
pub struct Workspace(Option<Box<dyn Any + Send>>);

impl Workspace {
    /// The scratch of type `T`, made on first use (or when another potential used the workspace before).
    pub fn get<T: Default + Send + 'static>(&mut self) -> &mut T {
        if !self.0.as_ref().is_some_and(|b| b.is::<T>()) {
            self.0 = Some(Box::new(T::default()));
        }
        match self.0.as_mut().and_then(|b| b.downcast_mut::<T>()) {
            Some(t) => t,
            None => unreachable!("the workspace was just filled with this type"),
        }
    }
}
