//! `[potential]`: where energies and forces come from.

use super::diagnostics::Diagnostic;
use super::dispersion::{self, DispersionDeck};
use super::kinds::{Elements, InFile, Name, Number, OneOf};
use super::lennard_jones::{self, LennardJonesDeck};
use super::reader::{Choice, Table, Variant};
use super::zbl::{self, ZblDeck};
use crate::elements::Element;
use crate::potential::Acts;
use std::path::{Path, PathBuf};

/// Where energies and forces come from: a sum of scaled terms, mostly one.
#[derive(Clone, Debug, PartialEq)]
pub struct PotentialDeck {
    /// The terms; never empty.
    pub terms: Vec<TermDeck>,
    /// Elements in the order of a model file that does not name them.
    pub species: Option<Vec<Element>>,
}

/// One term of the sum.
#[derive(Clone, Debug, PartialEq)]
pub struct TermDeck {
    /// Its name; that of the model family when the deck has a single model.
    pub name: String,
    /// Factor of its energy and forces.
    pub scale: f64,
    /// Within or between molecules; none: on all atoms alike.
    pub acts: Option<Acts>,
    /// The model.
    pub model: ModelDeck,
}

/// Reads where a model acts.
fn acts(t: &Table<'_>) -> Option<Option<Acts>> {
    const PLACES: OneOf<Option<Acts>> = OneOf(&[
        ("everywhere", None),
        ("within", Some(Acts::Within)),
        ("between", Some(Acts::Between)),
    ]);
    let doc = "`within`: on each molecule alone, as if there were no other; `between`: on all, less what each molecule has alone.";
    t.key("acts", PLACES, doc).optional("`everywhere`")
}

/// A model family with its settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelDeck {
    /// A Gaussian approximation potential in QUIP's XML format.
    Gap {
        /// The model file.
        file: PathBuf,
    },
    /// A moment tensor potential of MLIP.
    Mtp {
        /// The model file, or the card that describes it.
        file: PathBuf,
    },
    /// An sGDML model of a molecule or a small cell.
    Sgdml {
        /// The model file.
        file: PathBuf,
    },
    /// The Lennard-Jones pair potential.
    LennardJones(LennardJonesDeck),
    /// The screened repulsion of nuclei.
    Zbl(ZblDeck),
    /// Damped dispersion.
    Dispersion(DispersionDeck),
}

impl ModelDeck {
    /// The model file, for families that have one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            ModelDeck::Gap { file } | ModelDeck::Mtp { file } | ModelDeck::Sgdml { file } => {
                Some(file)
            }
            ModelDeck::LennardJones(_) | ModelDeck::Zbl(_) | ModelDeck::Dispersion(_) => None,
        }
    }
}

/// Every model family; one more is one more entry here.
const MODELS: &[Variant<ModelDeck>] = &[
    Variant {
        name: "gap",
        doc: "A Gaussian approximation potential.",
        read: |t| {
            let file = t
                .key("file", InFile, "The model's XML file.")
                .required("\"model.xml\"");
            Some(ModelDeck::Gap { file: file? })
        },
    },
    Variant {
        name: "mtp",
        doc: "A moment tensor potential.",
        read: |t| {
            let file = t
                .key(
                    "file",
                    InFile,
                    "The model's `.mtp` or `.almtp` file, or the TOML file that describes it.",
                )
                .required("\"model.mtp\"");
            Some(ModelDeck::Mtp { file: file? })
        },
    },
    Variant {
        name: "sgdml",
        doc: "An sGDML model of a molecule, or of a small periodic cell.",
        read: |t| {
            let file = t
                .key(
                    "file",
                    InFile,
                    "The model's npz file, or the TOML file that describes it.",
                )
                .required("\"model.npz\"");
            Some(ModelDeck::Sgdml { file: file? })
        },
    },
    Variant {
        name: "lennard_jones",
        doc: "The Lennard-Jones pair potential, 4ε[(σ/r)^12 - (σ/r)^6].",
        read: |t| lennard_jones::read(t).map(ModelDeck::LennardJones),
    },
    Variant {
        name: "zbl",
        doc: "The screened repulsion of nuclei at short distances (Ziegler, Biersack, Littmark).",
        read: |t| zbl::read(t).map(ModelDeck::Zbl),
    },
    Variant {
        name: "dispersion",
        doc: "Damped dispersion, -s6 C6/(r^6 + f^6) - s8 C8/(r^8 + f^8) with f = a1·R0 + a2 (Becke, Johnson).",
        read: |t| dispersion::read(t).map(ModelDeck::Dispersion),
    },
];

const EXAMPLE: &str = "[potential.gap]\nfile = \"model.xml\"";

/// Reads `[potential]`.
pub(super) fn read(root: &Table<'_>) -> Option<PotentialDeck> {
    let doc = "Where energies and forces come from: one model, or a sum of named terms.";
    root.required_table("potential", doc, EXAMPLE, contents)
}

/// Reads what a table such as `[potential]` holds.
pub(super) fn contents(t: &Table<'_>) -> Option<PotentialDeck> {
    let species = t
        .key(
            "species",
            Elements,
            "Elements in the order of a model file that does not name them.",
        )
        .optional("the file names them");
    let everywhere = acts(t);
    let terms = t.tables(
        "terms",
        "One term of a sum of models; each has exactly one model table.",
        term,
    );
    let terms = match (t.choice("model", MODELS), terms) {
        (Choice::Absent, None) => {
            t.nothing_chosen(
                Diagnostic::error(format!("{} names no model", t.title()))
                    .maybe_at(t.place(), "")
                    .help(format!("add for example\n{EXAMPLE}")),
            );
            None
        }
        (Choice::Chosen(name, model), None) => Some(vec![TermDeck {
            name: name.to_owned(),
            scale: 1.0,
            acts: everywhere.flatten(),
            model,
        }]),
        (Choice::Absent, Some(terms)) => {
            if everywhere.is_some() && !t.cx.describing {
                t.complain(
                    Diagnostic::error("`acts` is a key of each term where there are several")
                        .maybe_at(t.key_place("acts"), "")
                        .help("write it in the `[[potential.terms]]` that it is for"),
                );
            }
            unique(t, terms)
        }
        (Choice::Failed, _) => None,
        (Choice::Chosen(name, _), Some(_)) => {
            t.complain(
                Diagnostic::error(format!("the potential has both `{name}` and `terms`"))
                    .maybe_at(t.key_place(name), "a model by itself")
                    .and_at(t.key_place("terms"), "a sum of models")
                    .help(format!(
                        "make `{name}` one of the terms: `[potential.terms.{name}]`"
                    )),
            );
            None
        }
    };
    Some(PotentialDeck {
        terms: terms?,
        species,
    })
}

fn unique(t: &Table<'_>, terms: Vec<Option<TermDeck>>) -> Option<Vec<TermDeck>> {
    let terms: Vec<TermDeck> = terms.into_iter().collect::<Option<_>>()?;
    for (i, term) in terms.iter().enumerate() {
        if terms[..i].iter().any(|other| other.name == term.name) {
            let title = format!("two terms are called `{}`", term.name);
            t.complain(
                Diagnostic::error(title)
                    .maybe_at(t.key_place("terms"), "")
                    .help("give each a name of its own"),
            );
            return None;
        }
    }
    if terms.is_empty() {
        t.complain(
            Diagnostic::error("the list of terms is empty").maybe_at(t.key_place("terms"), ""),
        );
        return None;
    }
    Some(terms)
}

fn term(t: &Table<'_>) -> Option<TermDeck> {
    let name = t
        .key("name", Name, "What the term is called in tables and files.")
        .required("\"short-range\"");
    let scale = t
        .key("scale", Number, "Factor of the term's energy and forces.")
        .or("1");
    let acts = acts(t).flatten();
    let model = match t.choice("model", MODELS) {
        Choice::Chosen(_, model) => Some(model),
        Choice::Failed => None,
        Choice::Absent => {
            t.nothing_chosen(
                Diagnostic::error("this term names no model")
                    .maybe_at(t.place(), "")
                    .help("add for example\n[potential.terms.gap]\nfile = \"model.xml\""),
            );
            None
        }
    };
    Some(TermDeck {
        name: name?,
        scale: scale?,
        acts,
        model: model?,
    })
}
