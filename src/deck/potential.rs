//! `[potential]`: where energies and forces come from.

use super::diagnostics::Diagnostic;
use super::kinds::{Elements, Flag, InFile, Name, Number, OneOf, Quantity, element};
use super::reader::{Choice, Table, Variant};
use crate::elements::Element;
use crate::units::Dimension;
use std::path::PathBuf;

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
    /// The model.
    pub model: ModelDeck,
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
    /// The Lennard-Jones pair potential.
    LennardJones(LennardJonesDeck),
}

/// Parameters of a Lennard-Jones potential.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesDeck {
    /// Depth of the well (eV).
    pub epsilon: f64,
    /// Distance of zero energy (Å).
    pub sigma: f64,
    /// Cutoff (Å).
    pub cutoff: f64,
    /// What happens at the cutoff.
    pub scheme: CutoffScheme,
    /// Whether energy and pressure are corrected for what the cutoff leaves out.
    pub tail: bool,
    /// Pairs of elements with parameters of their own.
    pub pairs: Vec<PairDeck>,
}

/// Parameters of one pair of elements, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct PairDeck {
    /// The two elements, in the order of atomic number.
    pub elements: (Element, Element),
    /// Depth of the well (eV).
    pub epsilon: f64,
    /// Distance of zero energy (Å).
    pub sigma: f64,
    /// Cutoff (Å).
    pub cutoff: f64,
}

/// What a pair potential does at its cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutoffScheme {
    /// Energy and force jump to zero.
    Truncated,
    /// The energy is shifted to zero; the force jumps.
    Shifted,
    /// Energy and force go to zero.
    ForceShifted,
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
        name: "lennard_jones",
        doc: "The Lennard-Jones pair potential, 4ε[(σ/r)^12 - (σ/r)^6].",
        read: |t| lennard_jones(t).map(ModelDeck::LennardJones),
    },
];

/// Reads `[potential]`.
pub(super) fn read(root: &Table<'_>) -> Option<PotentialDeck> {
    let example = "[potential.gap]\nfile = \"model.xml\"";
    let doc = "Where energies and forces come from: one model, or a sum of named terms.";
    root.required_table("potential", doc, example, |t| {
        let species = t
            .key(
                "species",
                Elements,
                "Elements in the order of a model file that does not name them.",
            )
            .optional("the file names them");
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
                        .help(format!("add for example\n{example}")),
                );
                None
            }
            (Choice::Chosen(name, model), None) => Some(vec![TermDeck {
                name: name.to_owned(),
                scale: 1.0,
                model,
            }]),
            (Choice::Absent, Some(terms)) => unique(t, terms),
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
        model: model?,
    })
}

fn lennard_jones(t: &Table<'_>) -> Option<LennardJonesDeck> {
    const SCHEMES: OneOf<CutoffScheme> = OneOf(&[
        ("truncated", CutoffScheme::Truncated),
        ("shifted", CutoffScheme::Shifted),
        ("force-shifted", CutoffScheme::ForceShifted),
    ]);
    let epsilon = t
        .key(
            "epsilon",
            Quantity(Dimension::ENERGY),
            "Depth ε of the well.",
        )
        .not_negative();
    let epsilon = epsilon.required("\"0.0104 eV\"");
    let sigma = t
        .key(
            "sigma",
            Quantity(Dimension::LENGTH),
            "Distance σ of zero energy.",
        )
        .positive();
    let sigma = sigma.required("\"3.4 Å\"");
    let cutoff = t
        .key(
            "cutoff",
            Quantity(Dimension::LENGTH),
            "Distance beyond which atoms do not interact.",
        )
        .positive();
    let cutoff = cutoff.required("\"8.5 Å\"");
    let doc = "At the cutoff, energy and force jump (truncated), only the force jumps (shifted), or neither (force-shifted).";
    let scheme = t.key("scheme", SCHEMES, doc).or("force-shifted");
    let doc = "Correct energy and pressure for what lies beyond the cutoff in a uniform fluid; for truncated only.";
    let tail = t.key("tail", Flag, doc).or("false");
    if tail == Some(true) && scheme.is_some_and(|s| s != CutoffScheme::Truncated) {
        t.complain(
            Diagnostic::error("a tail correction belongs to `scheme = \"truncated\"`")
                .maybe_at(t.place_of("tail"), "")
                .and_at(
                    t.place_of("scheme"),
                    "this scheme changes the potential inside the cutoff, too",
                )
                .help("leave out `tail`, or write `scheme = \"truncated\"`"),
        );
    }
    let all = PairValues {
        epsilon,
        sigma,
        cutoff,
    };
    let doc = "Parameters of single pairs of elements, as in `Ar-Kr = { epsilon = \"0.0124 eV\", sigma = \"3.52 Å\" }`.";
    let pairs = t.optional_table("pairs", doc, |t| Some(pairs(t, &all)));
    Some(LennardJonesDeck {
        epsilon: epsilon?,
        sigma: sigma?,
        cutoff: cutoff?,
        scheme: scheme?,
        tail: tail?,
        pairs: pairs.unwrap_or_default(),
    })
}

struct PairValues {
    epsilon: Option<f64>,
    sigma: Option<f64>,
    cutoff: Option<f64>,
}

fn pairs(t: &Table<'_>, all: &PairValues) -> Vec<PairDeck> {
    let mut found: Vec<PairDeck> = Vec::new();
    for key in t.free_keys("A-B") {
        let elements = if t.cx.describing {
            None
        } else {
            pair_of(t, &key)
        };
        if elements.is_none() && !t.cx.describing {
            continue;
        }
        let pair = t.optional_table(&key.name, "The pair of elements A and B.", |t| {
            let same = "that of all pairs";
            let epsilon = t
                .key(
                    "epsilon",
                    Quantity(Dimension::ENERGY),
                    "Depth ε of the well.",
                )
                .not_negative();
            let epsilon = epsilon.optional(same).or(all.epsilon);
            let sigma = t
                .key(
                    "sigma",
                    Quantity(Dimension::LENGTH),
                    "Distance σ of zero energy.",
                )
                .positive();
            let sigma = sigma.optional(same).or(all.sigma);
            let cutoff = t
                .key(
                    "cutoff",
                    Quantity(Dimension::LENGTH),
                    "Cutoff of this pair.",
                )
                .positive();
            let cutoff = cutoff.optional(same).or(all.cutoff);
            Some(PairDeck {
                elements: elements?,
                epsilon: epsilon?,
                sigma: sigma?,
                cutoff: cutoff?,
            })
        });
        if let Some(pair) = pair {
            if found.iter().any(|other| other.elements == pair.elements) {
                t.complain(
                    Diagnostic::error("this pair is given twice").at(key.place, "the second one"),
                );
            } else {
                found.push(pair);
            }
        }
    }
    found
}

fn pair_of(t: &Table<'_>, key: &super::document::Key) -> Option<(Element, Element)> {
    let Some((a, b)) = key.name.split_once('-') else {
        t.complain(
            Diagnostic::error(format!("`{}` is not a pair of elements", key.name))
                .at(key.place.clone(), "")
                .help("write two symbols with a hyphen, as in `Ar-Kr`"),
        );
        return None;
    };
    match (element(a), element(b)) {
        (Ok(a), Ok(b)) => Some((a.min(b), a.max(b))),
        (Err(wrong), _) | (_, Err(wrong)) => {
            t.complain(wrong.into_diagnostic(key.place.clone()));
            None
        }
    }
}
