//! Symmetric gradient-domain machine learning: global kernel models of one molecule, or of a small periodic cell
//! (Chmiela, Sauceda, Müller and Tkatchenko, Nat. Commun. 9, 3887 (2018)).
//!
//! [`SgdmlFile`] is the file as data; [`Sgdml`] is the model made of it. The order of the atoms is fixed by the model:
//! [`Potential::for_system`] finds the molecule in a system, whatever the order there and however many copies there are.

mod curvature;
mod decay;
mod describe;
pub(crate) mod descriptor;
mod evaluate;
mod file;
mod identity;
mod kernel;
mod matching;
mod undecayed;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use file::{IterativeSolve, SgdmlFile, TestErrors};

use super::{
    Curvature, Description, Evaluation, EvaluationError, ForSystem, Member, ModelCard, Potential,
    Want, Workspace,
};
use crate::elements::Element;
use crate::error::Result;
use crate::system::System;
use curvature::Bends;
use descriptor::permuted_pairs;
use evaluate::{Atoms, Molecules, Scratch};
use identity::{Found, Identity};
use kernel::Table;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use undecayed::Undecayed;

/// An sGDML model. Evaluates configurations whose atoms are those of the model, in its order, unless it was made for the
/// molecules of a system ([`Potential::for_system`]).
pub struct Sgdml {
    model: Arc<Model>,
    description: Description,
    /// Where the molecules of the system are; `None` where its atoms are those of the model, in order.
    molecules: Option<Molecules>,
}

/// What evaluation needs.
struct Model {
    identity: Identity,
    elements: Vec<Element>,
    table: Table,
    undecayed: Undecayed,
    /// For each permutation, the place in the table of the pair to which each pair goes.
    permuted: Vec<Vec<u32>>,
    /// eV of what the kernels give, and of their constant.
    scale: f64,
    constant: f64,
    /// Å in the model's unit of length.
    length: f64,
    periodic: bool,
    /// The matrix of the part of the second derivatives that does not decay; made when first asked for.
    bends: OnceLock<Bends>,
    /// The largest distance of a training geometry from its nearest neighbour, in the unit of the descriptor.
    spacing: f64,
}

impl Sgdml {
    /// Reads a model file; `card` says where it comes from.
    ///
    /// Errors name the member that is missing, damaged or makes no sense.
    pub fn load(path: &Path, card: Option<&ModelCard>) -> Result<Sgdml> {
        let mut model = Sgdml::new(&SgdmlFile::read(path)?);
        if let Some(card) = card {
            let said = &mut model.description;
            said.references.extend(card.citation.clone());
            let training = card.training.iter().map(|t| format!("trained on {t}"));
            said.details.extend(training);
        }
        Ok(model)
    }

    /// The model of a file that has been read.
    pub fn new(file: &SgdmlFile) -> Sgdml {
        let pairs = file.pairs();
        let mut permuted: Vec<Vec<u32>> = file
            .permutations
            .iter()
            .map(|p| permuted_pairs(p).into_iter().map(|k| k as u32).collect())
            .collect();
        // Pairs that all permutations leave alone stand first in the table, as many fours of them as there are: sums are
        // taken over four pairs at a time, and the others do not mind one more.
        let moves = |k: &usize| permuted.iter().any(|p| p[*k] as usize != *k);
        let mut order: Vec<usize> = (0..pairs).collect();
        order.sort_by_key(|k| moves(k));
        let fixed = order.iter().filter(|k| !moves(k)).count() / 4 * 4;
        let table = Table::new(
            &file.descriptors,
            &file.weights,
            &file.alphas_energies,
            &order,
            fixed,
            file.sigma,
        );
        let undecayed = Undecayed::new(
            &file.descriptors,
            &file.weights,
            &file.alphas_energies,
            &permuted,
            pairs,
            file.sigma,
        );
        let mut place = vec![0; pairs];
        for (at, k) in order.iter().enumerate() {
            place[*k] = at as u32;
        }
        for to in permuted.iter_mut().flatten() {
            *to = place[*to as usize];
        }
        let spacing = evaluate::spacing(&file.descriptors, &table, &permuted);
        let model = Model {
            identity: Identity::new(file),
            elements: file.elements.clone(),
            table,
            undecayed,
            permuted,
            scale: file.std * file.energy,
            constant: file.constant * file.energy,
            length: file.length,
            periodic: file.lattice.is_some(),
            bends: OnceLock::new(),
            spacing,
        };
        Sgdml {
            description: describe::describe(file, spacing),
            model: Arc::new(model),
            molecules: None,
        }
    }
}

impl Potential for Sgdml {
    fn description(&self) -> &Description {
        &self.description
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> std::result::Result<(), EvaluationError> {
        let scratch: &mut Scratch = workspace.get();
        let atoms = self.molecules.as_ref().map_or(Atoms::All, Atoms::Of);
        self.model.evaluate(atoms, members, want, scratch, results)
    }

    fn for_system(&self, system: &System) -> Result<Option<ForSystem>> {
        let (molecules, notes) = match self.model.identity.find(&self.model, system)? {
            Found::AsItIs(notes) => (None, notes),
            Found::Molecules(molecules, notes) => (Some(molecules), notes),
        };
        let potential = Arc::new(Sgdml {
            model: self.model.clone(),
            description: self.description.clone(),
            molecules,
        });
        Ok(Some(ForSystem { potential, notes }))
    }

    fn curvature(&self) -> Option<&dyn Curvature> {
        Some(self)
    }
}
