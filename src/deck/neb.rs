//! `[neb]`: the path of least energy between two structures.

use super::files;
use super::kinds::{Count, Flag, InFile, OneOf, Quantity};
use super::reader::Table;
use crate::relax::Interpolation;
use crate::units::Dimension;
use std::path::PathBuf;

/// The path of least energy between two structures.
#[derive(Clone, Debug, PartialEq)]
pub struct NebDeck {
    /// The structure at the other end.
    pub end: PathBuf,
    /// Images between the ends.
    pub images: usize,
    /// Longest force (eV/Å) of the band on an atom.
    pub fmax: f64,
    /// Longest force (eV/Å) on an atom of the ends.
    pub relax_ends: Option<f64>,
    /// Stiffness (eV/Å^2) of the springs.
    pub spring: f64,
    /// Whether the highest image climbs.
    pub climb: bool,
    /// The first path.
    pub interpolation: Interpolation,
    /// Most steps.
    pub max_steps: u64,
    /// Longest way (Å) of an atom in one step.
    pub max_move: f64,
    /// Distance (Å) beyond the cutoff up to which neighbours are listed.
    pub skin: f64,
    /// The files.
    pub files: NebFiles,
}

/// The files of a band.
#[derive(Clone, Debug, PartialEq)]
pub struct NebFiles {
    /// All images (extended XYZ).
    pub images: PathBuf,
    /// Energy along the path (CSV).
    pub profile: PathBuf,
    /// The same as a picture (SVG).
    pub plot: Option<PathBuf>,
    /// The state to resume from.
    pub checkpoint: PathBuf,
}

impl NebDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("path", Some(&f.images)),
            ("profile", Some(&f.profile)),
            ("plot", f.plot.as_ref()),
            ("checkpoint", Some(&f.checkpoint)),
        ];
        files::outputs("neb", &files)
    }
}

/// Reads `[neb]`.
pub(super) fn read(t: &Table<'_>) -> Option<NebDeck> {
    const PATHS: OneOf<Interpolation> = OneOf(&[
        ("idpp", Interpolation::Idpp),
        ("linear", Interpolation::Linear),
    ]);
    let doc =
        "The structure at the other end: the same cell, and the same atoms in the same order.";
    let end = t.key("end", InFile, doc).required("\"end.xyz\"");
    let count = Count {
        least: 1,
        most: 1000,
    };
    let images = t.key("images", count, "Images between the ends.").or("7");
    let force = || Quantity(Dimension::FORCE);
    let doc = "Longest force on an atom, across the path and along its springs, at the end.";
    let fmax = t.key("fmax", force(), doc).positive().or("0.01 eV/Å");
    let doc = "Relax the ends first.";
    let relax_ends = t.key("relax_ends", Flag, doc).or("true");
    let doc = "Longest force on an atom of the ends.";
    let ends_fmax = t.key("ends_fmax", force(), doc).positive().or("1e-3 eV/Å");
    let doc = "Stiffness of the springs between images.";
    let spring = t
        .key("spring", Quantity(Dimension::STIFFNESS), doc)
        .positive()
        .or("1 eV/Å^2");
    let doc = "Let the highest image climb to the saddle.";
    let climb = t.key("climb", Flag, doc).or("true");
    let doc = "The first path: \"idpp\" keeps atoms from running through each other.";
    let interpolation = t.key("interpolation", PATHS, doc).or("idpp");
    let steps = Count {
        least: 1,
        most: 1 << 53,
    };
    let max_steps = t.key("max_steps", steps, "Most steps.").or("2000");
    let length = || Quantity(Dimension::LENGTH);
    let max_move = t
        .key("max_move", length(), "Longest way of an atom in one step.")
        .positive()
        .or("0.1 Å");
    let doc =
        "How far beyond the cutoff neighbours are listed; changes the speed, not the results.";
    let skin = t.key("skin", length(), doc).not_negative().or("0.3 Å");
    let path = t.file("path", "All images (extended XYZ).", ".path.extxyz");
    let profile = t.file("profile", "Energy along the path (CSV).", ".profile.csv");
    let plot = t.file_or_none("plot", "The same as a picture (SVG).", ".profile.svg");
    let doc = "The state from which `--resume` goes on.";
    let checkpoint = t.file("checkpoint", doc, ".neb.chk");
    Some(NebDeck {
        end: end?,
        images: images? as usize,
        fmax: fmax?,
        relax_ends: relax_ends?.then_some(ends_fmax?),
        spring: spring?,
        climb: climb?,
        interpolation: interpolation?,
        max_steps: max_steps?,
        max_move: max_move?,
        skin: skin?,
        files: NebFiles {
            images: path?,
            profile: profile?,
            plot: plot?,
            checkpoint: checkpoint?,
        },
    })
}
