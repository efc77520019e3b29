//! `[vibrations]`: normal modes of a molecule, a cluster or a crystal's cell, and thermochemistry from them.

use super::atoms::{self, AtomsDeck};
use super::files;
use super::kinds::{Count, Flag, Mass, Name, OneOf, Quantity};
use super::reader::Table;
use super::rings::IsotopeDeck;
use super::temperatures::{self, Temperatures};
use crate::units::Dimension;
use std::path::PathBuf;

/// Normal modes.
#[derive(Clone, Debug, PartialEq)]
pub struct VibrationsDeck {
    /// Whether atoms are relaxed before.
    pub relax: bool,
    /// Longest force (eV/Å) of the relaxed structure.
    pub fmax: f64,
    /// Displacement (Å) of differences.
    pub displacement: f64,
    /// Whether closed forms of second derivatives are used where models have them.
    pub analytic: bool,
    /// Rigid motions that are left out.
    pub rigid: Rigid,
    /// Atoms that are held; none: none.
    pub fixed: Option<AtomsDeck>,
    /// Other masses, each with frequencies of its own from the same second derivatives.
    pub isotopes: Vec<IsotopeDeck>,
    /// Thermochemistry.
    pub thermochemistry: ThermochemistryDeck,
    /// Pictures of a mode in a period.
    pub frames: usize,
    /// The largest displacement (Å) of an atom in animated modes.
    pub amplitude: f64,
    /// The files.
    pub files: VibrationsFiles,
}

/// Rigid motions that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rigid {
    /// From the cell and the atoms that are held.
    Auto,
    /// Translations and rotations.
    Molecule,
    /// Translations.
    Crystal,
    /// Nothing is left out.
    Nothing,
}

/// What moves beside the oscillators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// An ideal gas where rotations are left out, otherwise nothing.
    Auto,
    /// The whole molecule, as in an ideal gas.
    IdealGas,
    /// Nothing.
    Harmonic,
}

/// Thermochemistry.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermochemistryDeck {
    /// What moves beside the oscillators.
    pub motion: Motion,
    /// Pressure (eV/Å^3).
    pub pressure: f64,
    /// Number of rotations that bring the molecule onto itself; none: it is found.
    pub symmetry_number: Option<u64>,
    /// 2S + 1.
    pub multiplicity: u64,
    /// Temperatures of the table.
    pub temperatures: Temperatures,
}

impl ThermochemistryDeck {
    /// The temperatures (K) of the table: from 0 in steps, and 298.15 among them.
    pub fn temperatures(&self) -> Vec<f64> {
        let mut all = self.temperatures.list();
        if !all.contains(&298.15) {
            all.push(298.15);
            all.sort_by(f64::total_cmp);
        }
        all
    }
}

/// The files of a calculation of normal modes; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct VibrationsFiles {
    /// Frequencies (CSV).
    pub table: Option<PathBuf>,
    /// Thermochemistry (CSV).
    pub thermochemistry: Option<PathBuf>,
    /// Animated modes (extended XYZ).
    pub modes: Option<PathBuf>,
    /// The relaxed structure (extended XYZ).
    pub structure: Option<PathBuf>,
    /// Second derivatives, and what is needed to go on with them (npz).
    pub hessian: PathBuf,
    /// What was found, for programs (JSON).
    pub summary: Option<PathBuf>,
    /// The spectrum of sticks (SVG).
    pub picture: Option<PathBuf>,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl VibrationsDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("table", f.table.as_ref()),
            ("thermochemistry.table", f.thermochemistry.as_ref()),
            ("modes", f.modes.as_ref()),
            ("structure", f.structure.as_ref()),
            ("hessian", Some(&f.hessian)),
            ("summary", f.summary.as_ref()),
            ("picture", f.picture.as_ref()),
            ("report", f.report.as_ref()),
        ];
        files::outputs("vibrations", &files)
    }
}

/// Reads `[vibrations]`.
pub(super) fn read(t: &Table<'_>) -> Option<VibrationsDeck> {
    const RIGID: OneOf<Rigid> = OneOf(&[
        ("auto", Rigid::Auto),
        ("molecule", Rigid::Molecule),
        ("crystal", Rigid::Crystal),
        ("nothing", Rigid::Nothing),
    ]);
    let doc = "Relax the atoms before: modes belong to a structure without forces.";
    let relax = t.key("relax", Flag, doc).or("true");
    let fmax = t
        .key(
            "fmax",
            Quantity(Dimension::FORCE),
            "Longest force on an atom of the relaxed structure.",
        )
        .positive()
        .or("1e-5 eV/Å");
    let doc = "Displacement to either side, where second derivatives are differences of forces.";
    let displacement = t
        .key("displacement", Quantity(Dimension::LENGTH), doc)
        .must_be("above 0 and at most 0.2 Å", |x| *x > 0.0 && *x <= 0.2)
        .or("0.005 Å");
    let doc = "Use closed forms of the second derivatives where models have them (sGDML, pair potentials).";
    let analytic = t.key("analytic", Flag, doc).or("true");
    let doc = "Motions that are left out: those of a molecule (moving and turning), of a crystal (moving), or nothing.";
    let rigid = t
        .key("rigid", RIGID, doc)
        .or_as("auto", "from the cell; nothing where atoms are held");
    let doc = "Atoms that are held.";
    let held = t.place_of("fixed").is_some();
    let fixed = t.optional_table("fixed", doc, |t| {
        atoms::read(t, "`fixed` does not say which atoms are held", true)
    });
    if held && fixed.is_none() {
        return None;
    }
    let doc = "Another mass of some atoms: further frequencies and thermochemistry from the same second derivatives.";
    let isotopes = t.tables("isotope", doc, |t| {
        let name = t
            .key("name", Name, "What the isotopologue is called.")
            .required("\"D\"");
        let atoms = atoms::read(t, "the isotope does not say which atoms it replaces", true);
        let mass = t
            .key("mass", Mass(None), "The other mass of these atoms.")
            .required("\"2.014 u\"");
        Some(IsotopeDeck {
            name: name?,
            atoms: atoms?,
            mass: mass?,
        })
    });
    let isotopes: Option<Vec<IsotopeDeck>> = isotopes.unwrap_or_default().into_iter().collect();
    let doc = "Thermochemistry from the modes.";
    let thermochemistry = t.table("thermochemistry", doc, thermochemistry);
    let frames = t
        .key(
            "frames",
            Count {
                least: 1,
                most: 1000,
            },
            "Pictures of a period of an animated mode.",
        )
        .or("16");
    let doc = "Largest displacement of an atom in an animated mode.";
    let amplitude = t
        .key("amplitude", Quantity(Dimension::LENGTH), doc)
        .positive()
        .or("0.3 Å");
    let structure = t.file_or_none(
        "structure",
        "The relaxed structure (extended XYZ).",
        ".relaxed.extxyz",
    );
    let table = t.file_or_none("table", "Frequencies (CSV).", ".frequencies.csv");
    let modes = t.file_or_none("modes", "Animated modes (extended XYZ).", ".modes.extxyz");
    let doc = "Second derivatives (npz); `--resume` goes on with what is there.";
    let hessian = t.file("hessian", doc, ".hessian.npz");
    let summary = t.file_or_none(
        "summary",
        "What was found, for programs (JSON).",
        ".summary.json",
    );
    let picture = t.file_or_none(
        "picture",
        "The frequencies as sticks (SVG).",
        ".frequencies.svg",
    );
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    let (thermochemistry, thermal_table) = thermochemistry?;
    Some(VibrationsDeck {
        relax: relax?,
        fmax: fmax?,
        displacement: displacement?,
        analytic: analytic?,
        rigid: rigid?,
        fixed,
        isotopes: isotopes?,
        thermochemistry,
        frames: frames? as usize,
        amplitude: amplitude?,
        files: VibrationsFiles {
            table: table?,
            thermochemistry: thermal_table,
            modes: modes?,
            structure: structure?,
            hessian: hessian?,
            summary: summary?,
            picture: picture?,
            report: report?,
        },
    })
}

/// Reads `[vibrations.thermochemistry]`: what is wanted, and the file.
fn thermochemistry(t: &Table<'_>) -> Option<(ThermochemistryDeck, Option<PathBuf>)> {
    const MOTIONS: OneOf<Motion> = OneOf(&[
        ("auto", Motion::Auto),
        ("ideal_gas", Motion::IdealGas),
        ("harmonic", Motion::Harmonic),
    ]);
    let doc = "What there is beside the oscillators: a molecule that moves and turns as in an ideal gas, or nothing.";
    let motion = t.key("motion", MOTIONS, doc).or_as(
        "auto",
        "an ideal gas where rotations are left out, otherwise nothing",
    );
    let pressure = t
        .key("pressure", Quantity(Dimension::PRESSURE), "Pressure.")
        .positive()
        .or("1 bar");
    let doc = "Number of rotations that bring the molecule onto itself.";
    let symmetry_number = t
        .key(
            "symmetry_number",
            Count {
                least: 1,
                most: 1000,
            },
            doc,
        )
        .optional("it is found");
    let doc = "Multiplicity 2S + 1 of the electrons' spin.";
    let multiplicity = t
        .key(
            "multiplicity",
            Count {
                least: 1,
                most: 1000,
            },
            doc,
        )
        .or("1");
    let doc = "Highest temperature of the table.";
    let temperatures = temperatures::read(t, doc, "50 K");
    let doc = "Thermochemistry at these temperatures (CSV).";
    let table = t.file_or_none("table", doc, ".thermochemistry.csv");
    Some((
        ThermochemistryDeck {
            motion: motion?,
            pressure: pressure?,
            symmetry_number,
            multiplicity: multiplicity?,
            temperatures: temperatures?,
        },
        table?,
    ))
}
