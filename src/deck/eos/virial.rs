//! `[eos.virial]`: second virial coefficients of molecules.

use super::fluid::Quantities;
use crate::deck::files;
use crate::deck::kinds::{Count, Flag, InFile, OneOf, Quantity};
use crate::deck::reader::Table;
use crate::units::Dimension;
use std::path::PathBuf;

/// Second virial coefficients of molecules.
#[derive(Clone, Debug, PartialEq)]
pub struct VirialDeck {
    /// Temperatures (K).
    pub temperatures: Vec<f64>,
    /// The other molecule of a cross coefficient; none: two of the same kind.
    pub other: Option<PathBuf>,
    /// Geometries of the molecule to be averaged over; none: rigid as in the structure.
    pub geometries: Option<PathBuf>,
    /// The outermost distance (Å) of the centres of mass.
    pub outer: Option<f64>,
    /// Length (Å) of a panel of distances where molecules touch.
    pub panel: f64,
    /// Orientations at each distance, for each shift.
    pub orientations: usize,
    /// Independent sets of orientations.
    pub shifts: usize,
    /// Seed of the shifts.
    pub seed: u64,
    /// Whether quantum corrections are computed, which need forces.
    pub quantum: bool,
    /// What lies beyond the outermost distance.
    pub tail: TailDeck,
    /// Measured coefficients (CSV).
    pub reference: Option<PathBuf>,
    /// The files.
    pub files: VirialFiles,
}

/// What lies beyond the outermost distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailDeck {
    /// What pair potentials with `tail = true` have there.
    Model,
    /// -C6/r⁶ through the energies at the outermost distances.
    Fit,
    /// Nothing.
    Nothing,
}

/// The files; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct VirialFiles {
    /// Coefficients (CSV).
    pub table: Option<PathBuf>,
    /// Lowest and mean energies against distances (CSV).
    pub curve: Option<PathBuf>,
    /// The dimer of lowest energy (extended XYZ).
    pub dimer: Option<PathBuf>,
    /// What was found, for programs (JSON).
    pub summary: Option<PathBuf>,
    /// Coefficients against temperatures (SVG).
    pub picture: Option<PathBuf>,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl VirialDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("table", f.table.as_ref()),
            ("curve", f.curve.as_ref()),
            ("dimer", f.dimer.as_ref()),
            ("summary", f.summary.as_ref()),
            ("picture", f.picture.as_ref()),
            ("report", f.report.as_ref()),
        ];
        files::outputs("eos.virial", &files)
    }

    /// The files that are read beside the structure of `[system]`, with their keys.
    pub(super) fn inputs(&self) -> Vec<(String, PathBuf)> {
        let files = [
            ("other", &self.other),
            ("geometries", &self.geometries),
            ("reference", &self.reference),
        ];
        let there = files.into_iter().filter_map(|(k, f)| Some((k, f.clone()?)));
        there
            .map(|(key, file)| (format!("eos.virial.{key}"), file))
            .collect()
    }
}

/// Reads `[eos.virial]`.
pub(super) fn read(t: &Table<'_>) -> Option<VirialDeck> {
    const TAILS: OneOf<TailDeck> = OneOf(&[
        ("model", TailDeck::Model),
        ("fit", TailDeck::Fit),
        ("none", TailDeck::Nothing),
    ]);
    let length = || Quantity(Dimension::LENGTH);
    let kelvin = Quantities(Dimension::TEMPERATURE);
    let temperatures = t
        .key("temperatures", kelvin, "Temperatures.")
        .must_be("positive", |all| all.iter().all(|x| x.0 > 0.0))
        .required("[\"200 K\", \"300 K\", \"400 K\"]");
    let doc = "Structure of another molecule: then the coefficient is that of one of each.";
    let other = t
        .key("other", InFile, doc)
        .optional("two molecules of the structure of [system]");
    let doc =
        "Geometries of the molecule (frames of a run, all with its atoms), to be averaged over.";
    let geometries = t
        .key("geometries", InFile, doc)
        .optional("rigid, as in the structure");
    let doc = "Outermost distance of the centres of mass; beyond is the tail.";
    let outer = t
        .key("outer", length(), doc)
        .positive()
        .optional("the reach of the potential; 20 Å or more where pair potentials have a tail");
    let doc = "Panels of distances, 15 points each, are as long as this where molecules touch, longer far away.";
    let panel = t
        .key("panel", length(), doc)
        .must_be("between 0.05 and 5 Å", |x| (0.05..=5.0).contains(x))
        .or("1 Å");
    let count = |least, most| Count { least, most };
    let doc = "Orientations of both molecules at each distance, in each set.";
    let orientations = t.key("orientations", count(1, 1_000_000), doc).or("64");
    let doc = "Independent sets of orientations, whose spread is the error.";
    let shifts = t.key("sets", count(2, 1000), doc).or("8");
    let seed = t
        .key("seed", count(0, u64::MAX), "Seed of the orientations.")
        .or("1");
    let doc = "Compute the first quantum corrections, of translation and rotation.";
    let quantum = t.key("quantum", Flag, doc).or("true");
    let doc = "Beyond the outermost distance: what pair potentials with `tail = true` have there, -C6/r^6 through the last energies, or nothing.";
    let tail = t.key("tail", TAILS, doc).or("model");
    let doc = "Coefficients to compare with: CSV with the columns T_K and B_cm3_mol, and error_cm3_mol if known.";
    let reference = t.key("reference", InFile, doc).optional("no comparison");
    let table = t.file_or_none("table", "Coefficients (CSV).", ".virial.csv");
    let doc = "Lowest and mean energy of two molecules against their distance (CSV).";
    let curve = t.file_or_none("curve", doc, ".dimers.csv");
    let doc = "The dimer of lowest energy that was met (extended XYZ).";
    let dimer = t.file_or_none("dimer", doc, ".dimer.extxyz");
    let doc = "What was found, for programs (JSON).";
    let summary = t.file_or_none("summary", doc, ".summary.json");
    let doc = "Coefficients against temperatures (SVG).";
    let picture = t.file_or_none("picture", doc, ".virial.svg");
    let doc = "Everything in one page (HTML).";
    let report = t.file_or_none("report", doc, ".html");
    Some(VirialDeck {
        temperatures: temperatures?.into_iter().map(|t| t.0).collect(),
        other,
        geometries,
        outer,
        panel: panel?,
        orientations: usize::try_from(orientations?).ok()?,
        shifts: usize::try_from(shifts?).ok()?,
        seed: seed?,
        quantum: quantum?,
        tail: tail?,
        reference,
        files: VirialFiles {
            table: table?,
            curve: curve?,
            dimer: dimer?,
            summary: summary?,
            picture: picture?,
            report: report?,
        },
    })
}
