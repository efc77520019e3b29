//! `[fit]`: a model made from labelled frames.

mod data;
mod gap;
mod mtp;
mod sets;
mod sgdml;

pub use data::{DataDeck, SplitDeck, SplitMethod, Use};
pub use gap::{
    GapChoice, GapDescriptorDeck, GapFitDeck, GapIsolatedDeck, GapSigmasDeck, GapTermDeck, GapTheta,
};
pub use mtp::MtpFitDeck;
pub use sgdml::{SgdmlEnergies, SgdmlFitDeck, SgdmlSolver, SgdmlSymmetry};

use super::diagnostics::Diagnostic;
use super::files;
use super::kinds::{Count, Flag, GrowingCounts, Memory, OutFile};
use super::potential::{self, PotentialDeck};
use super::reader::{Choice, Table, Variant};
use super::resolved::quote;
use std::path::PathBuf;

/// A model made from labelled frames.
#[derive(Clone, Debug, PartialEq)]
pub struct FitDeck {
    /// The family of the model, and how it is made.
    pub method: FitMethod,
    /// Where the frames come from; never empty.
    pub data: Vec<DataDeck>,
    /// What becomes of them.
    pub split: SplitDeck,
    /// Seed of every choice that is left to chance.
    pub seed: u64,
    /// The most memory (bytes) that the fit should take.
    pub memory: usize,
    /// What is subtracted from the labels, and will be added beside the model.
    pub baseline: Option<PotentialDeck>,
    /// Numbers of training frames for which models are made to see how errors fall; may be empty.
    pub learning_curve: Vec<usize>,
    /// The files.
    pub files: FitFiles,
}

/// The family of a model, and how it is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FitMethod {
    /// A Gaussian approximation potential.
    Gap(Box<GapFitDeck>),
    /// A moment tensor potential.
    Mtp(Box<MtpFitDeck>),
    /// An sGDML model.
    Sgdml(Box<SgdmlFitDeck>),
}

impl FitMethod {
    /// The name of the table, as in `gap`.
    pub fn name(&self) -> &'static str {
        match self {
            FitMethod::Gap(_) => "gap",
            FitMethod::Mtp(_) => "mtp",
            FitMethod::Sgdml(_) => "sgdml",
        }
    }

    /// What such a model is called.
    pub fn title(&self) -> &'static str {
        match self {
            FitMethod::Gap(_) => "GAP",
            FitMethod::Mtp(_) => "MTP",
            FitMethod::Sgdml(_) => "sGDML model",
        }
    }
}

/// The ending of the model file of each family.
const ENDINGS: [(&str, &str); 3] = [("gap", ".xml"), ("mtp", ".almtp"), ("sgdml", ".npz")];

/// The files of a fit; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct FitFiles {
    /// The model.
    pub model: PathBuf,
    /// A TOML file that names the model, its elements and its data, for decks and commands.
    pub description: Option<PathBuf>,
    /// What is needed to go on with a fit that was stopped.
    pub checkpoint: PathBuf,
    /// The accuracy card (Markdown).
    pub card: Option<PathBuf>,
    /// Energies of every frame, from the data and from the model (CSV).
    pub table: Option<PathBuf>,
    /// Whether pictures are drawn beside the card.
    pub pictures: bool,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl FitDeck {
    /// The pictures beside the card: what each shows, and its file. Empty when none are wanted.
    pub fn pictures(&self) -> Vec<(&'static str, PathBuf)> {
        let Some(card) = self.files.card.as_ref().filter(|_| self.files.pictures) else {
            return Vec::new();
        };
        let mut names = vec!["energy", "forces", "virial", "errors"];
        if !self.learning_curve.is_empty() {
            names.push("learning");
        }
        names
            .into_iter()
            .map(|name| (name, card.with_extension(format!("{name}.svg"))))
            .collect()
    }

    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let mut all = files::outputs(
            "fit",
            &[
                ("file", Some(&f.model)),
                ("description", f.description.as_ref()),
                ("checkpoint", Some(&f.checkpoint)),
                ("card", f.card.as_ref()),
                ("table", f.table.as_ref()),
                ("report", f.report.as_ref()),
            ],
        );
        let pictures = self.pictures().into_iter();
        all.extend(pictures.map(|(name, file)| (format!("fit.card ({name})"), file)));
        all
    }

    /// Every file that is read, with its key.
    pub(super) fn inputs(&self) -> Vec<(String, PathBuf)> {
        let data = self.data.iter();
        let mut all: Vec<_> = data
            .map(|d| ("fit.data.file".to_owned(), d.file.clone()))
            .collect();
        if let FitMethod::Gap(gap) = &self.method {
            let files = gap.inputs();
            all.extend(files.map(|f| ("fit.gap.points_from".to_owned(), f.clone())));
        }
        if let FitMethod::Mtp(mtp) = &self.method
            && let Some(file) = &mtp.start
        {
            all.push(("fit.mtp.start".to_owned(), file.clone()));
        }
        for term in self.baseline.iter().flat_map(|b| &b.terms) {
            if let Some(file) = term.model.file() {
                all.push(("fit.baseline".to_owned(), file.to_path_buf()));
            }
        }
        all
    }
}

/// Every family; one more is one more entry here.
const METHODS: &[Variant<FitMethod>] = &[
    Variant {
        name: "gap",
        doc: "A Gaussian approximation potential: sparse Gaussian process regression.",
        read: |t| gap::read(t).map(|g| FitMethod::Gap(Box::new(g))),
    },
    Variant {
        name: "mtp",
        doc: "A moment tensor potential: non-linear least squares.",
        read: |t| mtp::read(t).map(|m| FitMethod::Mtp(Box::new(m))),
    },
    Variant {
        name: "sgdml",
        doc: "An sGDML model of one molecule, or of a small periodic cell: kernel ridge regression of forces.",
        read: |t| sgdml::read(t).map(|s| FitMethod::Sgdml(Box::new(s))),
    },
];

/// Reads `[fit]`.
pub(super) fn read(t: &Table<'_>) -> Option<FitDeck> {
    let seed = t
        .key(
            "seed",
            Count {
                least: 0,
                most: i64::MAX as u64,
            },
            "Seed of every choice that is left to chance: the same seed gives the same model.",
        )
        .or("1");
    let memory = t
        .key(
            "memory",
            Memory,
            "The most memory that the fit should take; larger problems are worked through in blocks.",
        )
        .or("8 GB");
    let doc = "Numbers of training frames for which models are made as well, to see how errors fall with more data.";
    let learning_curve = t.key("learning_curve", GrowingCounts, doc).optional("none");
    let data = data::sources(t);
    let split = data::split(t);
    let doc = "What is subtracted from the labels, and must be added beside the model when it is used: a model, or a sum of named terms.";
    let asked = t.place_of("baseline").is_some();
    let baseline = t.optional_table("baseline", doc, potential::contents);
    let method = match t.choice("model", METHODS) {
        Choice::Chosen(_, method) => Some(method),
        Choice::Failed => None,
        Choice::Absent => {
            t.nothing_chosen(
                Diagnostic::error("no family of models is chosen")
                    .maybe_at(t.place(), "")
                    .help("add `[fit.gap]`, `[fit.mtp]` or `[fit.sgdml]`"),
            );
            None
        }
    };
    let files = own_files(t);
    if asked && baseline.is_none() {
        return None;
    }
    Some(FitDeck {
        method: method?,
        data: data?,
        split: split?,
        seed: seed?,
        memory: memory?,
        baseline,
        learning_curve: learning_curve.unwrap_or_default(),
        files: files?,
    })
}

fn own_files(t: &Table<'_>) -> Option<FitFiles> {
    let stem = &t.cx.stem;
    let chosen = ENDINGS.iter().find(|e| t.place_of(e.0).is_some());
    let ending = chosen.map_or(".xml", |e| e.1);
    let model = t.key("file", OutFile, "The model that is made.").or_as(
        &quote(&format!("{stem}{ending}")),
        "name of the deck with `.xml` (GAP), `.almtp` (MTP) or `.npz` (sGDML)",
    );
    let doc = "What is needed to go on with a fit that was stopped; removed when it is done.";
    let checkpoint = t.file("checkpoint", doc, ".checkpoint");
    let doc = "The model with its elements and what it was made from, as decks may name it (TOML).";
    let description = t.file_or_none("description", doc, ".model.toml");
    let doc = "The accuracy card: data, settings, errors (Markdown).";
    let card = t.file_or_none("card", doc, ".md");
    let doc = "Draw pictures beside the card, of the same name with `.svg` endings.";
    let pictures = t.key("pictures", Flag, doc).or("true");
    let table = t.file_or_none("table", "Errors of every frame (CSV).", ".errors.csv");
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    Some(FitFiles {
        model: model?,
        description: description?,
        checkpoint: checkpoint?,
        card: card?,
        table: table?,
        pictures: pictures?,
        report: report?,
    })
}
