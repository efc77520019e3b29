//! `[[fit.data]]` and `[fit.split]`: frames with labels, and what becomes of them.

use crate::deck::diagnostics::Diagnostic;
use crate::deck::kinds::{
    Amount, Count, Elements, InFiles, Label, NumberOrShare, OneOf, Unit, fitting, is_pattern,
};
use crate::deck::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;
use std::path::PathBuf;

/// Files of labelled frames.
#[derive(Clone, Debug, PartialEq)]
pub struct DataDeck {
    /// The file, or a pattern of names.
    pub file: PathBuf,
    /// What the frames are for.
    pub part: Use,
    /// Key of the energy; the usual names when not given.
    pub energy: Option<String>,
    /// Column of the forces; the usual names when not given.
    pub forces: Option<String>,
    /// Key of the virial; the usual names, or that of the stress, when not given.
    pub virial: Option<String>,
    /// Key that says which kind of frame one is.
    pub kind_key: String,
    /// The kind of all frames, instead of what the file says.
    pub kind: Option<String>,
    /// One eV in units of the file's energies is 1 over this.
    pub energy_unit: f64,
    /// One Å in units of the file's lengths is 1 over this.
    pub length_unit: f64,
    /// Elements of the numbers in a file that names none.
    pub species: Option<Vec<Element>>,
    /// Every how many-th frame is taken.
    pub every: usize,
}

impl DataDeck {
    /// The files: one, or those that fit the pattern, by name.
    pub fn files(&self) -> Vec<PathBuf> {
        match is_pattern(&self.file) {
            true => fitting(&self.file),
            false => vec![self.file.clone()],
        }
    }
}

/// What frames are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The model learns from them.
    Train,
    /// They decide between models.
    Validation,
    /// They judge the model; nothing else looks at them.
    Test,
}

/// What becomes of the frames for training: some may be set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitDeck {
    /// How frames are chosen.
    pub method: SplitMethod,
    /// Frames that are learnt from; all that are left when not given.
    pub train: Option<Amount>,
    /// Frames set aside to decide between models.
    pub validation: Option<Amount>,
    /// Frames set aside to judge the model.
    pub test: Option<Amount>,
}

/// How frames are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitMethod {
    /// At random, each as likely as any other.
    Random,
    /// At random, so that energies are spread as in the whole set.
    Stratified,
    /// As they stand in the files: first those to learn from, then validation, then test.
    Order,
}

/// Reads `[[fit.data]]`.
pub(super) fn sources(t: &Table<'_>) -> Option<Vec<DataDeck>> {
    let doc = "Frames with energies and forces.";
    let Some(sources) = t.tables("data", doc, source) else {
        if !t.cx.describing {
            t.lacks(
                "data",
                Diagnostic::error("there is nothing to learn from")
                    .maybe_at(t.place(), "")
                    .help("add for example\n[[fit.data]]\nfile = \"train.extxyz\""),
            );
        }
        return None;
    };
    let sources: Vec<DataDeck> = sources.into_iter().collect::<Option<_>>()?;
    if !sources.iter().any(|s| s.part == Use::Train) {
        t.complain(
            Diagnostic::error("no frames are for training")
                .maybe_at(t.key_place("data"), "")
                .help("one [[fit.data]] needs `use = \"train\"`; [fit.split] sets frames of it aside for tests"),
        );
        return None;
    }
    Some(sources)
}

fn source(t: &Table<'_>) -> Option<DataDeck> {
    const USES: OneOf<Use> = OneOf(&[
        ("train", Use::Train),
        ("validation", Use::Validation),
        ("test", Use::Test),
    ]);
    let doc = "The frames: extended XYZ, MLIP cfg, or an npz data set (sGDML, MD17); names with `*` and `?` stand for several files.";
    let file = t.key("file", InFiles, doc).required("\"train.extxyz\"");
    let part = t.key("use", USES, "What the frames are for.").or("train");
    let energy = t
        .key("energy", Label, "Name of the energy in the file.")
        .optional("`energy` or a usual other name");
    let forces = t
        .key("forces", Label, "Name of the forces in the file.")
        .optional("`forces` or `force`");
    let doc = "Name of the virial (positive for compression) in the file.";
    let virial = t
        .key("virial", Label, doc)
        .optional("`virial`, or from `stress` in the sign of ASE");
    let doc =
        "Name of the word that says which kind of frame one is, for sigmas and weights of its own.";
    let kind_key = t.key("kind_key", Label, doc).or("config_type");
    let kind = t
        .key("kind", Label, "The kind of all these frames.")
        .optional("what the file says, or `default`");
    let doc = "Unit of the energies, forces and virials. An npz data set names its own.";
    let energy_unit = t.key("energy_unit", Unit(Dimension::ENERGY), doc).or("eV");
    let doc = "Unit of the positions and cells. An npz data set names its own.";
    let length_unit = t.key("length_unit", Unit(Dimension::LENGTH), doc).or("Å");
    let doc = "Elements in the order of the numbers of an MLIP file.";
    let species = t
        .key("species", Elements, doc)
        .optional("the file names them");
    let count = Count {
        least: 1,
        most: u64::from(u32::MAX),
    };
    let every = t.key("every", count, "Take every n-th frame only.").or("1");
    Some(DataDeck {
        file: file?,
        part: part?,
        energy,
        forces,
        virial,
        kind_key: kind_key?,
        kind,
        energy_unit: energy_unit?,
        length_unit: length_unit?,
        species,
        every: every? as usize,
    })
}

/// Reads `[fit.split]`.
pub(super) fn split(t: &Table<'_>) -> Option<SplitDeck> {
    const METHODS: OneOf<SplitMethod> = OneOf(&[
        ("random", SplitMethod::Random),
        ("stratified", SplitMethod::Stratified),
        ("order", SplitMethod::Order),
    ]);
    let doc = "Which of the frames for training are learnt from, and which are set aside.";
    t.table("split", doc, |t| {
        let doc = "How frames are chosen: at random, at random with energies spread as in the whole set, or in the order of the files.";
        let method = t.key("method", METHODS, doc).or("random");
        let train = t
            .key("train", NumberOrShare, "Frames to learn from.")
            .must_be("at least 1", |a| *a != Amount::Number(0))
            .optional("all that are left");
        let doc = "Frames set aside to decide between models: stopping in time, or the best setting.";
        let validation = t.key("validation", NumberOrShare, doc).optional("none");
        let test = t
            .key("test", NumberOrShare, "Frames set aside to judge the model.")
            .optional("none");
        Some(SplitDeck {
            method: method?,
            train,
            validation,
            test,
        })
    })
}
