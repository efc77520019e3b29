//! `[fit.sgdml]`: how an sGDML model is made.

use super::sets::NumberList;
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::kinds::{Count, Kind, Label, Number, OneOf, Quantity, Read, mismatch};
use crate::deck::reader::{Context, Table};
use crate::units::{Dimension, parse_unit};

/// How an sGDML model is made.
#[derive(Clone, Debug, PartialEq)]
pub struct SgdmlFitDeck {
    /// Geometries drawn from the training frames; all when not given.
    pub points: Option<usize>,
    /// Geometries that choose the length scale; all when not given.
    pub validation_points: Option<usize>,
    /// Length scales to choose from (1/Å), ascending.
    pub sigmas: Vec<f64>,
    /// Where permutational symmetries come from.
    pub symmetry: SgdmlSymmetry,
    /// Permutations that generate the group, instead.
    pub permutations: Option<Vec<Vec<usize>>>,
    /// How far (Å) the mean positions of a crystal may be off their places.
    pub crystal_tolerance: f64,
    /// Strength of the regularisation.
    pub lambda: f64,
    /// What energies are used for.
    pub energies: SgdmlEnergies,
    /// How the equations are solved.
    pub solver: SgdmlSolver,
    /// Relative residual at which the iterative solver ends.
    pub tolerance: f64,
    /// Geometries that precondition it; as many as memory allows when not given.
    pub inducing: Option<usize>,
    /// Unit of energy of the model file.
    pub energy_unit: String,
    /// Name of the data in the model file.
    pub name: Option<String>,
    /// Method of the labels in the model file.
    pub theory: Option<String>,
}

/// Where permutational symmetries come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SgdmlSymmetry {
    /// The training set shows them.
    Found,
    /// There are none.
    None,
    /// The translations of a crystal.
    Translations,
    /// All operations of a crystal.
    Crystal,
}

/// What energies are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SgdmlEnergies {
    /// The constant of integration.
    Constant,
    /// They are learned as forces are.
    Constraints,
    /// Nothing.
    Ignored,
}

/// How the equations are solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SgdmlSolver {
    /// As memory allows.
    Automatic,
    /// By Cholesky factorisation.
    ClosedForm,
    /// By conjugate gradients.
    Iterative,
}

/// Lists of atoms, counted from 0.
struct Permutations;

impl Kind for Permutations {
    type Value = Vec<Vec<usize>>;

    fn wanted(&self) -> String {
        "a list of permutations, as in [[1, 0, 2]], atoms counted from 0".to_owned()
    }

    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<Vec<usize>>> {
        let wrong = |node: &Node| Box::new(mismatch(name, &self.wanted(), node));
        let Value::List(rows) = &node.value else {
            return Err(wrong(node));
        };
        let mut all = Vec::new();
        for row in rows {
            let Value::List(items) = &row.value else {
                return Err(wrong(row));
            };
            let mut permutation = Vec::new();
            for item in items {
                match &item.value {
                    Value::Integer(i) if *i >= 0 => {
                        permutation.push(usize::try_from(*i).unwrap_or(usize::MAX));
                    }
                    _ => return Err(wrong(item)),
                }
            }
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            if sorted.iter().enumerate().any(|(i, x)| i != *x) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                        .at(row.place.clone(), "not every atom stands here once"),
                ));
            }
            all.push(permutation);
        }
        let text = format!("{all:?}");
        Ok((all, text))
    }
}

/// Reads `[fit.sgdml]`.
pub(super) fn read(t: &Table<'_>) -> Option<SgdmlFitDeck> {
    const SYMMETRIES: OneOf<SgdmlSymmetry> = OneOf(&[
        ("found", SgdmlSymmetry::Found),
        ("none", SgdmlSymmetry::None),
        ("translations", SgdmlSymmetry::Translations),
        ("crystal", SgdmlSymmetry::Crystal),
    ]);
    const ENERGIES: OneOf<SgdmlEnergies> = OneOf(&[
        ("constant", SgdmlEnergies::Constant),
        ("constraints", SgdmlEnergies::Constraints),
        ("ignored", SgdmlEnergies::Ignored),
    ]);
    const SOLVERS: OneOf<SgdmlSolver> = OneOf(&[
        ("automatic", SgdmlSolver::Automatic),
        ("closed_form", SgdmlSolver::ClosedForm),
        ("iterative", SgdmlSolver::Iterative),
    ]);
    let count = || Count {
        least: 1,
        most: u64::from(u32::MAX),
    };
    let doc =
        "Geometries to learn from, drawn from the training frames with energies spread as there.";
    let points = t
        .key("points", count(), doc)
        .optional("all training frames");
    let doc = "Geometries that choose `sigma`, drawn from the validation frames, or from the training frames that are left.";
    let validation_points = t.key("validation_points", count(), doc).optional("all");
    let doc = "Length scales (1/Å) of the kernel to choose from by the error of forces on the validation frames, ascending.";
    let rises = |list: &Vec<f64>| list[0] > 0.0 && list.windows(2).all(|w| w[0] < w[1]);
    let sigmas = t
        .key("sigma", NumberList, doc)
        .must_be("positive and ascending", rises)
        .or("[10, 20, 30, 40, 50, 60, 70, 80, 90]");
    let doc = "Permutations of atoms that leave the energy as it is: found in the training frames, none, or those of the crystal of mean positions (its translations, or all its operations).";
    let symmetry = t.key("symmetry", SYMMETRIES, doc).or("found");
    let doc = "Permutations that generate the group, atoms counted from 0, instead.";
    let permutations = t.key("permutations", Permutations, doc).optional("none");
    let doc = "How far the mean positions may be off those of a crystal.";
    let crystal_tolerance = t
        .key("crystal_tolerance", Quantity(Dimension::LENGTH), doc)
        .positive()
        .or("0.2 Å");
    let doc = "Strength of the regularisation, for labels of unit variance.";
    let within = |x: &f64| *x > 0.0 && *x < 1.0;
    let lambda = t
        .key("lambda", Number, doc)
        .must_be("above 0 and below 1", within)
        .or("1e-10");
    let doc = "What energies are used for: the constant of integration, constraints of the fit beside forces, or nothing.";
    let energies = t.key("energies", ENERGIES, doc).or("constant");
    let doc = "How the equations are solved: as `memory` allows, by Cholesky factorisation, or by preconditioned conjugate gradients.";
    let solver = t.key("solver", SOLVERS, doc).or("automatic");
    let doc = "Residual, relative to the labels, at which the iterative solver ends.";
    let tolerance = t
        .key("tolerance", Number, doc)
        .must_be("above 0 and below 1", within)
        .or("1e-4");
    let doc = "Geometries whose columns of the kernel matrix precondition the iterative solver.";
    let inducing = t
        .key("inducing", count(), doc)
        .optional("as many as memory allows");
    let doc =
        "Unit of energy of the model file, for programs that do not look at it; lengths are in Å.";
    let is_energy = |u: &String| parse_unit(u).is_ok_and(|u| u.1 == Dimension::ENERGY);
    let energy_unit = t
        .key("energy_unit", Label, doc)
        .must_be("a unit of energy", is_energy)
        .or("eV");
    let name = t
        .key("name", Label, "Name of the data in the model file.")
        .optional("name of the deck");
    let doc = "Method of the labels, as the model file names it.";
    let theory = t.key("theory", Label, doc).optional("unknown");
    Some(SgdmlFitDeck {
        points: points.map(|n| n as usize),
        validation_points: validation_points.map(|n| n as usize),
        sigmas: sigmas?,
        symmetry: symmetry?,
        permutations,
        crystal_tolerance: crystal_tolerance?,
        lambda: lambda?,
        energies: energies?,
        solver: solver?,
        tolerance: tolerance?,
        inducing: inducing.map(|n| n as usize),
        energy_unit: energy_unit?,
        name,
        theory,
    })
}
