//! `[[restraint]]`: springs that hold atoms at places, distances or angles.

use crate::deck::atoms::{self, AtomNumbers, AtomsDeck};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::kinds::{InFile, Quantity, Words};
use crate::deck::reader::{Choice, Table, Variant};
use crate::units::Dimension;
use std::path::PathBuf;

/// A spring.
#[derive(Clone, Debug, PartialEq)]
pub struct RestraintDeck {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: RestraintKind,
}

/// What a spring holds. All have the energy k/2 max(0, |deviation| - width)².
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RestraintKind {
    /// Atoms near their places.
    Position {
        /// The atoms.
        atoms: AtomsDeck,
        /// Force constant (eV/Å²).
        constant: f64,
        /// Distance (Å) without a force.
        width: f64,
        /// Axes along which it pulls.
        axes: [bool; 3],
        /// A structure with the places; none: the structure of the deck.
        reference: Option<PathBuf>,
    },
    /// Two atoms at a distance.
    Distance {
        /// The atoms.
        atoms: [u32; 2],
        /// Force constant (eV/Å²).
        constant: f64,
        /// Deviation (Å) without a force.
        width: f64,
        /// The distance (Å); none: as in the structure.
        length: Option<f64>,
    },
    /// Three atoms at an angle.
    Angle {
        /// The atoms, the second at the vertex.
        atoms: [u32; 3],
        /// Force constant (eV/rad²).
        constant: f64,
        /// Deviation (rad) without a force.
        width: f64,
        /// The angle (rad); none: as in the structure.
        angle: Option<f64>,
    },
}

const KINDS: &[Variant<RestraintKind>] = &[
    Variant {
        name: "position",
        doc: "Atoms near their places in the structure, which follow a cell that changes.",
        read: |t| {
            let atoms = atoms::read(t, "the restraint does not say on which atoms it acts", true);
            let (constant, width) = spring(t, Dimension::STIFFNESS, Dimension::LENGTH);
            let doc = "Axes along which it pulls.";
            let axes = t
                .key("axes", Words(&["x", "y", "z"]), doc)
                .must_be("a list of at least one axis", |axes| !axes.is_empty())
                .or(r#"["x", "y", "z"]"#);
            let doc = "A file with the places, if they are not those of the structure; atoms and `repeat` as there.";
            let reference = t.key("reference", InFile, doc).optional("the structure");
            // A key that is there and was not understood is no wish for the structure.
            let sound = reference.is_some() || t.place_of("reference").is_none();
            let mut along = [false; 3];
            axes?.iter().for_each(|&k| along[k] = true);
            Some(RestraintKind::Position {
                atoms: atoms?,
                constant: constant?,
                width: width?,
                axes: along,
                reference: sound.then_some(reference)?,
            })
        },
    },
    Variant {
        name: "distance",
        doc: "Two atoms at a distance, that of their nearest images.",
        read: |t| {
            let doc = "The two atoms.";
            let atoms = t.key("atoms", AtomNumbers::<2>, doc).required("[0, 1]");
            let (constant, width) = spring(t, Dimension::STIFFNESS, Dimension::LENGTH);
            let length = t
                .key("length", Quantity(Dimension::LENGTH), "The distance.")
                .not_negative()
                .optional("as in the structure");
            Some(RestraintKind::Distance {
                atoms: atoms?,
                constant: constant?,
                width: width?,
                length,
            })
        },
    },
    Variant {
        name: "angle",
        doc: "Three atoms at an angle.",
        read: |t| {
            let doc = "The three atoms, the second at the vertex.";
            let atoms = t.key("atoms", AtomNumbers::<3>, doc).required("[1, 0, 2]");
            let (constant, width) = spring(t, Dimension::ANGULAR_STIFFNESS, Dimension::ANGLE);
            let angle = t
                .key("angle", Quantity(Dimension::ANGLE), "The angle.")
                .must_be("from 0 deg to 180 deg", |a| {
                    (0.0..=std::f64::consts::PI).contains(a)
                })
                .optional("as in the structure");
            Some(RestraintKind::Angle {
                atoms: atoms?,
                constant: constant?,
                width: width?,
                angle,
            })
        },
    },
];

fn spring(t: &Table<'_>, constant: Dimension, deviation: Dimension) -> (Option<f64>, Option<f64>) {
    let doc = "Force constant k of k/2 (deviation - width)^2.";
    let example = format!("\"2 {}\"", constant.usual_unit());
    let k = t
        .key("constant", Quantity(constant), doc)
        .positive()
        .required(&example);
    let doc = "Deviation up to which nothing pulls.";
    let none = format!("0 {}", deviation.usual_unit());
    let width = t
        .key("width", Quantity(deviation), doc)
        .not_negative()
        .or(&none);
    (k, width)
}

/// Reads what a `[[restraint]]` holds.
pub(super) fn read(t: &Table<'_>) -> Option<RestraintKind> {
    match t.choice("restraint", KINDS) {
        Choice::Chosen(_, kind) => Some(kind),
        Choice::Failed => None,
        Choice::Absent => {
            t.nothing_chosen(
                Diagnostic::error("this restraint does not say what it holds")
                    .maybe_at(t.place(), "")
                    .help("add for example\n[restraint.distance]\natoms = [0, 1]\nconstant = \"2 eV/Å^2\""),
            );
            None
        }
    }
}
