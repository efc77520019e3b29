//! `[md.reliability]`: what is done when a model says that it does not know where it is.

use super::diagnostics::Diagnostic;
use super::kinds::{Count, Name, OutFile, Quantity, Steps};
use super::reader::{Choice, Table, Variant};
use crate::potential::Measure;
use crate::units::Dimension;
use std::path::PathBuf;

/// Limits on the reliability number of a model, and what happens beyond them.
#[derive(Clone, Debug, PartialEq)]
pub struct ReliabilityDeck {
    /// What the number measures.
    pub measure: Measure,
    /// The term of a sum that gives it; `None`: the only one that does.
    pub term: Option<String>,
    /// Steps between two evaluations of the number.
    pub every: u64,
    /// Beyond this the run says so.
    pub note: Option<f64>,
    /// Frames beyond this are saved.
    pub save: Option<SaveDeck>,
    /// Beyond this the run ends.
    pub stop: Option<f64>,
}

/// Where frames are saved that the model does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct SaveDeck {
    /// The limit.
    pub above: f64,
    /// MLIP's cfg or extended XYZ, by its name.
    pub file: PathBuf,
    /// Most frames that are saved.
    pub most: u64,
}

const MEASURES: &[Variant<ReliabilityDeck>] = &[
    Variant {
        name: "variance",
        doc: "Predictive variance of a Gaussian process (GAP), the largest of any atom.",
        read: |t| limits(t, Measure::Variance),
    },
    Variant {
        name: "grade",
        doc: "Extrapolation grade (MTP), the largest of any atom, or of the configuration.",
        read: |t| limits(t, Measure::Grade),
    },
    Variant {
        name: "distance",
        doc: "Distance to the training set in the space of descriptors (sGDML).",
        read: |t| limits(t, Measure::Distance),
    },
];

impl Measure {
    /// The dimension of its numbers.
    fn dimension(self) -> Dimension {
        match self {
            Measure::Variance => Dimension::ENERGY_SQUARED,
            Measure::Grade => Dimension::NONE,
            Measure::Distance => Dimension::INVERSE_LENGTH,
        }
    }
}

/// Reads `[md.reliability]`; `None` when something was wrong.
pub(super) fn read(t: &Table<'_>) -> Option<Option<ReliabilityDeck>> {
    let doc = "What is done when the model says that it is far from what it was fitted to: one table, named after the \
               number that the model gives.";
    match t.choice_table("reliability", doc, MEASURES) {
        Choice::Absent => Some(None),
        Choice::Failed => None,
        Choice::Chosen(_, deck) => Some(Some(deck)),
    }
}

fn limits(t: &Table<'_>, measure: Measure) -> Option<ReliabilityDeck> {
    let limit = |name: &'static str, doc: &'static str| {
        t.key(name, Quantity(measure.dimension()), doc)
            .positive()
            .optional("no limit")
    };
    let term = t
        .key("term", Name, "The term of the sum that gives the number.")
        .optional("the only one that gives it");
    let every = t
        .key(
            "every",
            Steps,
            "Time between two evaluations of the number; it is also known wherever something is written.",
        )
        .or("10 steps");
    let note = limit("note", "Beyond this the run says so and goes on.");
    let above = limit(
        "save",
        "Frames beyond this are saved, each if it differs from those saved before.",
    );
    let stop = limit("stop", "Beyond this the run ends with a saved frame.");
    let file = t
        .key(
            "file",
            OutFile,
            "Where such frames go: extended XYZ, or cfg for MLIP.",
        )
        .optional("needed with `save`");
    let most = Count {
        least: 1,
        most: 1 << 40,
    };
    let most = t
        .key("most", most, "Most frames that are saved.")
        .or("1000");
    let save = match (above, file, t.place_of("save"), t.place_of("file")) {
        (Some(above), Some(file), ..) => Some(SaveDeck {
            above,
            file,
            most: most?,
        }),
        (None, Some(_), None, place) => {
            t.complain(
                Diagnostic::error("`file` without `save`: nothing would be written")
                    .maybe_at(place, "")
                    .help("add the limit beyond which frames are saved, as in `save = 2`"),
            );
            return None;
        }
        (Some(_), None, place, None) => {
            t.complain(
                Diagnostic::error("`save` needs a `file`")
                    .maybe_at(place, "")
                    .help("add for example `file = \"unknown.extxyz\"`"),
            );
            return None;
        }
        _ => None,
    };
    let order = [
        ("note", note),
        ("save", save.as_ref().map(|s| s.above)),
        ("stop", stop),
    ];
    if let (Some((a, Some(x))), Some((b, Some(y)))) = (
        order[..2].iter().rfind(|o| o.1.is_some()),
        order.last().filter(|o| o.1.is_some()),
    ) && x >= y
    {
        t.complain(
            Diagnostic::warning(format!("`{a}` is not below `{b}`: the run ends before it"))
                .maybe_at(t.place_of(a), "")
                .and_at(t.place_of(b), ""),
        );
    }
    Some(ReliabilityDeck {
        measure,
        term,
        every: every?,
        note,
        save,
        stop,
    })
}
