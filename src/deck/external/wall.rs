//! `[[wall]]`: planes and spheres that keep atoms on one side.

use super::kinds::Vector;
use crate::deck::atoms::{self, AtomsDeck};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::kinds::{OneOf, Quantity};
use crate::deck::reader::{Choice, Table, Variant};
use crate::potential::external::Law;
use crate::units::Dimension;

/// A wall.
#[derive(Clone, Debug, PartialEq)]
pub struct WallDeck {
    /// Its name.
    pub name: String,
    /// The atoms that feel it.
    pub atoms: AtomsDeck,
    /// Where it is.
    pub surface: SurfaceDeck,
    /// How it acts.
    pub law: Law,
}

/// Where a wall is, and on which side of it the atoms are.
#[derive(Clone, Debug, PartialEq)]
pub enum SurfaceDeck {
    /// A plane perpendicular to an axis.
    Plane {
        /// The axis, 0 to 2.
        axis: usize,
        /// Where it crosses the axis (Å).
        position: f64,
        /// Whether the atoms are above it.
        above: bool,
    },
    /// A sphere.
    Sphere {
        /// Its centre (Å); none: the centre of mass of the structure.
        centre: Option<[f64; 3]>,
        /// Its radius (Å).
        radius: f64,
        /// Whether the atoms are inside.
        inside: bool,
    },
}

const SURFACES: &[Variant<SurfaceDeck>] = &[
    Variant {
        name: "plane",
        doc: "A plane perpendicular to an axis.",
        read: |t| {
            const AXES: OneOf<usize> = OneOf(&[("x", 0), ("y", 1), ("z", 2)]);
            const SIDES: OneOf<bool> = OneOf(&[("above", true), ("below", false)]);
            let axis = t.key("axis", AXES, "The axis.").required("\"z\"");
            let doc = "Where the plane crosses the axis.";
            let position = t
                .key("position", Quantity(Dimension::LENGTH), doc)
                .required("\"2 Å\"");
            let doc = "The side on which the atoms are kept.";
            let above = t.key("side", SIDES, doc).required("\"above\"");
            Some(SurfaceDeck::Plane {
                axis: axis?,
                position: position?,
                above: above?,
            })
        },
    },
    Variant {
        name: "sphere",
        doc: "A sphere: around a cluster, or around a place where no atoms shall be.",
        read: |t| {
            const SIDES: OneOf<bool> = OneOf(&[("inside", true), ("outside", false)]);
            let radius = t
                .key("radius", Quantity(Dimension::LENGTH), "Its radius.")
                .positive()
                .required("\"8 Å\"");
            let centre = t
                .key("centre", Vector(Dimension::LENGTH), "Its centre.")
                .optional("the centre of mass of the structure");
            let sound = centre.is_some() || t.place_of("centre").is_none();
            let doc = "The side on which the atoms are kept.";
            let inside = t.key("side", SIDES, doc).or("inside");
            Some(SurfaceDeck::Sphere {
                centre: sound.then_some(centre)?,
                radius: radius?,
                inside: inside?,
            })
        },
    },
];

const LAWS: &[Variant<Law>] = &[
    Variant {
        name: "harmonic",
        doc: "k/2 d² behind the wall and nothing in front of it.",
        read: |t| {
            let doc = "Force constant k.";
            let constant = t
                .key("constant", Quantity(Dimension::STIFFNESS), doc)
                .positive()
                .required("\"5 eV/Å^2\"");
            Some(Law::Harmonic {
                constant: constant?,
            })
        },
    },
    Variant {
        name: "lennard_jones",
        doc: "ε [2/15 (σ/d)^9 - (σ/d)^3] at a distance d from the wall: it attracts, and cannot be crossed.",
        read: |t| {
            let (epsilon, sigma) = nine_three(t)?;
            Some(Law::LennardJones { epsilon, sigma })
        },
    },
    Variant {
        name: "repulsive",
        doc: "The same up to its minimum at 0.858 σ, lifted to zero there: it only repels, and cannot be crossed.",
        read: |t| {
            let (epsilon, sigma) = nine_three(t)?;
            Some(Law::Repulsive { epsilon, sigma })
        },
    },
];

fn nine_three(t: &Table<'_>) -> Option<(f64, f64)> {
    let epsilon = t
        .key("epsilon", Quantity(Dimension::ENERGY), "Energy ε.")
        .positive()
        .required("\"0.01 eV\"");
    let sigma = t
        .key("sigma", Quantity(Dimension::LENGTH), "Length σ.")
        .positive()
        .required("\"3 Å\"");
    Some((epsilon?, sigma?))
}

/// Reads the rest of a `[[wall]]`.
pub(super) fn read(t: &Table<'_>, name: Option<String>) -> Option<WallDeck> {
    let atoms = atoms::read(t, "the wall does not say on which atoms it acts", false);
    let example = "plane = { axis = \"z\", position = \"2 Å\", side = \"above\" }";
    let surface = part(t, "surface", SURFACES, example);
    let law = part(t, "law", LAWS, "harmonic = { constant = \"5 eV/Å^2\" }");
    Some(WallDeck {
        name: name?,
        atoms: atoms?,
        surface: surface?,
        law: law?,
    })
}

fn part<T>(t: &Table<'_>, what: &'static str, variants: &[Variant<T>], example: &str) -> Option<T> {
    match t.choice(what, variants) {
        Choice::Chosen(_, part) => Some(part),
        Choice::Failed => None,
        Choice::Absent => {
            t.nothing_chosen(
                Diagnostic::error(format!("this wall has no {what}"))
                    .maybe_at(t.place(), "")
                    .help(format!("add for example\n{example}")),
            );
            None
        }
    }
}
