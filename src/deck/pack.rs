//! `[system.pack]`: a box filled with molecules.

use super::diagnostics::Diagnostic;
use super::kinds::{Count, InFile, Quantity};
use super::reader::Table;
use crate::units::Dimension;
use std::path::PathBuf;

/// A cubic box filled with copies of a molecule, and of others.
#[derive(Clone, Debug, PartialEq)]
pub struct PackDeck {
    /// How many copies of the structure.
    pub molecules: usize,
    /// How large the box is.
    pub size: BoxSize,
    /// Seed of places and orientations.
    pub seed: u64,
    /// Molecules of other kinds.
    pub also: Vec<AlsoDeck>,
}

/// How large a packed box is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BoxSize {
    /// Its mass by its volume (amu/Å³).
    Density(f64),
    /// The edge of the cube (Å).
    Edge(f64),
}

/// Molecules of another kind in the same box.
#[derive(Clone, Debug, PartialEq)]
pub struct AlsoDeck {
    /// The structure file of one of them.
    pub structure: PathBuf,
    /// How many.
    pub molecules: usize,
}

/// More molecules than anybody packs.
const MOST: u64 = 10_000_000;

fn molecules(t: &Table<'_>, doc: &'static str) -> Option<usize> {
    let count = Count {
        least: 1,
        most: MOST,
    };
    let n = t.key("molecules", count, doc).required("216");
    n.and_then(|n| usize::try_from(n).ok())
}

/// Reads `[system.pack]`.
pub(super) fn read(t: &Table<'_>) -> Option<PackDeck> {
    let molecules_of_it = molecules(t, "Copies of the molecule that `structure` is.");
    let density = t
        .key(
            "density",
            Quantity(Dimension::DENSITY),
            "Mass by volume of the box.",
        )
        .positive()
        .optional("`cell` says it");
    let edge = t
        .key(
            "cell",
            Quantity(Dimension::LENGTH),
            "Edge of the cubic box.",
        )
        .positive()
        .optional("`density` says it");
    let seed = Count {
        least: 0,
        most: u64::MAX,
    };
    let seed = t
        .key("seed", seed, "Seed of places and orientations.")
        .or("1");
    let also = t.tables("also", "Molecules of another kind in the same box.", |t| {
        let structure = t
            .key("structure", InFile, "The structure file of one molecule.")
            .required("\"water.xyz\"");
        let count = molecules(t, "How many of them.");
        Some(AlsoDeck {
            structure: structure?,
            molecules: count?,
        })
    });
    let size = match (density, edge) {
        (Some(density), None) => Some(BoxSize::Density(density)),
        (None, Some(edge)) => Some(BoxSize::Edge(edge)),
        (None, None) => {
            if t.claim("density").is_none() && t.claim("cell").is_none() && !t.cx.describing {
                t.complain(
                    Diagnostic::error(format!("{} does not say how large the box is", t.title()))
                        .maybe_at(t.place(), "")
                        .help("add `density = \"0.4 g/cm^3\"` or `cell = \"25 Å\"`"),
                );
            }
            None
        }
        (Some(_), Some(_)) => {
            t.complain(
                Diagnostic::error("`density` and `cell` both say how large the box is")
                    .maybe_at(t.key_place("density"), "here")
                    .and_at(t.key_place("cell"), "and here")
                    .help("leave one of them out"),
            );
            None
        }
    };
    Some(PackDeck {
        molecules: molecules_of_it?,
        size: size?,
        seed: seed?,
        also: also
            .unwrap_or_default()
            .into_iter()
            .collect::<Option<_>>()?,
    })
}
