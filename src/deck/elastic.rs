//! `[elastic]`: elastic constants of a crystal from finite strains.

use super::files;
use super::kinds::{Count, Flag, Number, OneOf, Quantity};
use super::reader::Table;
use crate::units::Dimension;
use std::path::PathBuf;

/// Elastic constants.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticDeck {
    /// What is relaxed before.
    pub relax: Before,
    /// Pressure (eV/Å^3) of the crystal that is strained.
    pub pressure: f64,
    /// Longest force (eV/Å) of relaxed crystals, strained or not.
    pub fmax: f64,
    /// The largest strain.
    pub largest_strain: f64,
    /// Strains of each sign.
    pub strains: usize,
    /// Whether atoms are relaxed in the strained cells.
    pub ions: bool,
    /// Whether the constants are made to have the symmetry of the crystal.
    pub symmetry: bool,
    /// How far atoms may be off symmetric places (Å).
    pub tolerance: f64,
    /// The files.
    pub files: ElasticFiles,
}

/// What is relaxed before the strains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Atoms and cell.
    Cell,
    /// Atoms.
    Atoms,
    /// Nothing.
    Nothing,
}

/// The files of elastic constants; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticFiles {
    /// Constants and moduli (CSV).
    pub table: Option<PathBuf>,
    /// Strained cells with their stresses (extended XYZ), from which a stopped run goes on.
    pub strained: PathBuf,
    /// The relaxed crystal (extended XYZ).
    pub structure: Option<PathBuf>,
    /// What was found, for programs (JSON).
    pub summary: Option<PathBuf>,
    /// Stresses against strains (SVG).
    pub picture: Option<PathBuf>,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl ElasticDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("table", f.table.as_ref()),
            ("strained", Some(&f.strained)),
            ("structure", f.structure.as_ref()),
            ("summary", f.summary.as_ref()),
            ("picture", f.picture.as_ref()),
            ("report", f.report.as_ref()),
        ];
        files::outputs("elastic", &files)
    }
}

/// Reads `[elastic]`.
pub(super) fn read(t: &Table<'_>) -> Option<ElasticDeck> {
    const BEFORE: OneOf<Before> = OneOf(&[
        ("cell", Before::Cell),
        ("atoms", Before::Atoms),
        ("nothing", Before::Nothing),
    ]);
    let doc = "What is relaxed before the crystal is strained.";
    let relax = t.key("relax", BEFORE, doc).or("cell");
    let doc = "Pressure of the crystal that is strained.";
    let pressure = t
        .key("pressure", Quantity(Dimension::PRESSURE), doc)
        .or("0 GPa");
    let doc = "Longest force on an atom of relaxed crystals, strained or not.";
    let fmax = t
        .key("fmax", Quantity(Dimension::FORCE), doc)
        .positive()
        .or("1e-5 eV/Å");
    let largest_strain = t
        .key("largest_strain", Number, "The largest strain, a ratio.")
        .must_be("above 0 and at most 0.1", |x| *x > 0.0 && *x <= 0.1)
        .or("0.006");
    let doc = "Number of strains of each sign, from the largest down in equal steps; the fit has an error from 3 on.";
    let strains = t.key("strains", Count { least: 2, most: 50 }, doc).or("3");
    let doc = "Relax the atoms in the strained cells.";
    let ions = t.key("ions", Flag, doc).or("true");
    let doc = "Make the constants have the symmetry of the crystal.";
    let symmetry = t.key("symmetry", Flag, doc).or("true");
    let tolerance = t
        .key(
            "tolerance",
            Quantity(Dimension::LENGTH),
            "How far atoms may be off symmetric places.",
        )
        .positive()
        .or("1e-3 Å");
    let structure = t.file_or_none(
        "structure",
        "The relaxed crystal (extended XYZ).",
        ".relaxed.extxyz",
    );
    let doc = "Strained cells with their stresses (extended XYZ); `--resume` takes from it what is there.";
    let strained = t.file("strained", doc, ".strained.extxyz");
    let table = t.file_or_none("table", "Constants and moduli (CSV).", ".elastic.csv");
    let summary = t.file_or_none(
        "summary",
        "What was found, for programs (JSON).",
        ".summary.json",
    );
    let picture = t.file_or_none("picture", "Stresses against strains (SVG).", ".elastic.svg");
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    Some(ElasticDeck {
        relax: relax?,
        pressure: pressure?,
        fmax: fmax?,
        largest_strain: largest_strain?,
        strains: strains? as usize,
        ions: ions?,
        symmetry: symmetry?,
        tolerance: tolerance?,
        files: ElasticFiles {
            table: table?,
            strained: strained?,
            structure: structure?,
            summary: summary?,
            picture: picture?,
            report: report?,
        },
    })
}
