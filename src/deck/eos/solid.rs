//! `[eos.solid]`: equations of state of crystals.

use crate::analysis::equation_of_state::Form;
use crate::deck::diagnostics::Diagnostic;
use crate::deck::files;
use crate::deck::kinds::{Count, Flag, InFile, Name, Number, OneOf, Quantity, Three};
use crate::deck::phonons::{self, EQUATIONS, LatticeDeck, Relaxed};
use crate::deck::reader::Table;
use crate::deck::system::{Frame, FrameChoice};
use crate::units::Dimension;
use std::path::PathBuf;

/// Equations of state of crystals.
#[derive(Clone, Debug, PartialEq)]
pub struct SolidDeck {
    /// What the phase of `[system]` is called; none: as its file.
    pub name: Option<String>,
    /// What is relaxed at each volume; of the cell that is its shape.
    pub relax: Relaxed,
    /// The volumes of the phase of `[system]`.
    pub volumes: VolumesDeck,
    /// Longest force (eV/Å) of relaxed crystals.
    pub fmax: f64,
    /// Whether relaxations keep the symmetry.
    pub symmetry: bool,
    /// How far atoms may be off symmetric places (Å).
    pub tolerance: f64,
    /// The form whose curve counts.
    pub equation: Form,
    /// Lowest and highest pressure (eV/Å^3) at which phases are compared; none: those that the volumes reach.
    pub pressures: [Option<f64>; 2],
    /// Phases beside that of `[system]`.
    pub phases: Vec<PhaseDeck>,
    /// Free energies at temperatures.
    pub thermal: Option<ThermalDeck>,
    /// The files.
    pub files: SolidFiles,
}

/// Volumes of a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VolumesDeck {
    /// How many.
    pub count: usize,
    /// The smallest and the largest, as ratios.
    pub range: [f64; 2],
    /// To what.
    pub around: Around,
}

/// The volume to which others are ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// That of the crystal relaxed without pressure.
    Relaxed,
    /// That of the structure as it was read.
    Structure,
}

/// A phase beside that of `[system]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseDeck {
    /// What it is called.
    pub name: String,
    /// The structure file, resolved relative to the deck.
    pub structure: PathBuf,
    /// Which of its frames.
    pub frame: FrameChoice,
    /// Copies along each cell vector.
    pub repeat: [usize; 3],
    /// Its volumes.
    pub volumes: VolumesDeck,
}

/// Free energies in the quasi-harmonic approximation.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalDeck {
    /// How phonons are made, and at which temperatures they count.
    pub lattice: LatticeDeck,
    /// Pressure (eV/Å^3) of the table against temperature.
    pub pressure: f64,
    /// Properties against temperature (CSV).
    pub table: Option<PathBuf>,
    /// Which phase is stable where (CSV).
    pub boundaries: Option<PathBuf>,
    /// Displaced supercells with their forces (extended XYZ), from which a stopped run goes on.
    pub displacements: PathBuf,
}

/// The files; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct SolidFiles {
    /// Relaxed crystals (extended XYZ), from which a stopped run goes on.
    pub structures: PathBuf,
    /// Volumes, energies and pressures (CSV).
    pub table: Option<PathBuf>,
    /// Enthalpies against pressure (CSV).
    pub enthalpies: Option<PathBuf>,
    /// What was found, for programs (JSON).
    pub summary: Option<PathBuf>,
    /// Whether a picture (SVG) is drawn beside each table.
    pub pictures: bool,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl SolidDeck {
    /// The tables beside which there is a picture.
    fn tables(&self) -> impl Iterator<Item = &PathBuf> {
        let thermal = self.thermal.iter();
        let thermal = thermal.flat_map(|t| [&t.table, &t.boundaries]);
        let all = [&self.files.table, &self.files.enthalpies];
        all.into_iter().chain(thermal).flatten()
    }

    /// The picture beside a table, where pictures are wanted.
    pub fn picture(&self, table: &Option<PathBuf>) -> Option<PathBuf> {
        let table = table.as_ref().filter(|_| self.files.pictures)?;
        Some(table.with_extension("svg"))
    }

    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("structures", Some(&f.structures)),
            ("table", f.table.as_ref()),
            ("enthalpies", f.enthalpies.as_ref()),
            ("summary", f.summary.as_ref()),
            ("report", f.report.as_ref()),
        ];
        let mut all = files::outputs("eos.solid", &files);
        if let Some(t) = &self.thermal {
            let files = [
                ("table", t.table.as_ref()),
                ("boundaries", t.boundaries.as_ref()),
                ("displacements", Some(&t.displacements)),
            ];
            all.extend(files::outputs("eos.solid.thermal", &files));
        }
        if f.pictures {
            let pictures = self.tables().map(|t| t.with_extension("svg"));
            all.extend(pictures.map(|p| ("eos.solid.pictures".to_owned(), p)));
        }
        all
    }

    /// The structures of phases beside that of `[system]`, with their keys.
    pub(super) fn inputs(&self) -> Vec<(String, PathBuf)> {
        let of = |p: &PhaseDeck| ("eos.solid.phase.structure".to_owned(), p.structure.clone());
        self.phases.iter().map(of).collect()
    }
}

/// Least number of volumes: one more than the parameters of the longest form.
const LEAST: u64 = 6;

const AROUND: OneOf<Around> = OneOf(&[
    ("relaxed", Around::Relaxed),
    ("structure", Around::Structure),
]);

/// Keys of volumes; without `usual` all of them must have a value by themselves.
fn volumes(t: &Table<'_>, usual: Option<VolumesDeck>) -> Option<VolumesDeck> {
    let count = Count {
        least: LEAST,
        most: 201,
    };
    let count = t.key("volumes", count, "Number of volumes, in equal steps.");
    let smallest = t
        .key(
            "smallest",
            Number,
            "Smallest volume, as a ratio to that of `around`.",
        )
        .must_be("from 0.3 to 1.5", |x| (0.3..=1.5).contains(x));
    let largest = t
        .key("largest", Number, "Largest volume, as a ratio.")
        .must_be("above 0.3 and at most 2", |x| *x > 0.3 && *x <= 2.0);
    let doc = "The volume of ratio 1: that of the crystal relaxed without pressure, or that of the structure file.";
    let around = t.key("around", AROUND, doc);
    let found = match usual {
        None => VolumesDeck {
            count: count.or("13")? as usize,
            range: [smallest.or("0.94")?, largest.or("1.06")?],
            around: around.or("relaxed")?,
        },
        Some(usual) => {
            let words = "as in [eos.solid]";
            VolumesDeck {
                count: count.optional(words).map_or(usual.count, |n| n as usize),
                range: [
                    smallest.optional(words).unwrap_or(usual.range[0]),
                    largest.optional(words).unwrap_or(usual.range[1]),
                ],
                around: around.optional(words).unwrap_or(usual.around),
            }
        }
    };
    let [low, high] = found.range;
    if high - low < 1e-3 {
        t.complain(
            Diagnostic::error("`largest` must be above `smallest`, by 0.001 at least")
                .maybe_at(t.place_of("largest").or(t.place_of("smallest")), ""),
        );
        return None;
    }
    Some(found)
}

/// Reads `[eos.solid]`.
pub(super) fn read(t: &Table<'_>) -> Option<SolidDeck> {
    const RELAXED: OneOf<Relaxed> = OneOf(&[
        ("cell", Relaxed::Cell),
        ("atoms", Relaxed::Atoms),
        ("nothing", Relaxed::Nothing),
    ]);
    let doc = "What the phase of [system] is called.";
    let name = t.key("name", Name, doc).optional("name of its file");
    let doc =
        "What is relaxed at each volume: atoms and shape of the cell, atoms alone, or nothing.";
    let relax = t.key("relax", RELAXED, doc).or("cell");
    let volumes = volumes(t, None);
    let doc = "Longest force on an atom of relaxed crystals.";
    let fmax = t
        .key("fmax", Quantity(Dimension::FORCE), doc)
        .positive()
        .or("1e-5 eV/Å");
    let doc = "Keep the symmetry of each structure in all relaxations, so that it stays the phase that it is.";
    let symmetry = t.key("symmetry", Flag, doc).or("true");
    let doc = "How far atoms may be off symmetric places.";
    let tolerance = t
        .key("tolerance", Quantity(Dimension::LENGTH), doc)
        .positive()
        .or("1e-3 Å");
    let doc = "The equation of state whose curve counts; all are fitted.";
    let equation = t.key("equation", EQUATIONS, doc).or("birch_murnaghan");
    let reached = "the range that the volumes reach";
    let doc = "Lowest pressure at which phases are compared.";
    let lowest = t.key("lowest_pressure", Quantity(Dimension::PRESSURE), doc);
    let lowest = lowest.optional(reached);
    let doc = "Highest pressure at which phases are compared.";
    let highest = t
        .key("highest_pressure", Quantity(Dimension::PRESSURE), doc)
        .must_be("above `lowest_pressure`", |p| {
            lowest.is_none_or(|low| *p > low)
        })
        .optional(reached);
    let table = t.file_or_none("table", "Volumes, energies, pressures (CSV).", ".eos.csv");
    let doc = "Enthalpies against pressure (CSV).";
    let enthalpies = t.file_or_none("enthalpies", doc, ".enthalpies.csv");
    let doc =
        "Relaxed crystals at all volumes (extended XYZ); `--resume` takes from it what is there.";
    let kept = t.file("structures", doc, ".volumes.extxyz");
    let doc = "What was found, for programs (JSON).";
    let summary = t.file_or_none("summary", doc, ".summary.json");
    let doc = "Draw a picture beside each table, of the same name with `.svg`.";
    let pictures = t.key("pictures", Flag, doc).or("true");
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    let doc = "A phase beside that of [system], of the same composition.";
    let usual = volumes.unwrap_or(VolumesDeck {
        count: LEAST as usize,
        range: [0.94, 1.06],
        around: Around::Relaxed,
    });
    let phases: Option<Vec<PhaseDeck>> = t
        .tables("phase", doc, |t| phase(t, usual))
        .map_or(Some(Vec::new()), |all| all.into_iter().collect());
    let doc = "Free energies from phonons at each volume (quasi-harmonic approximation).";
    let thermal = t.optional_table("thermal", doc, thermal);
    if thermal.is_none() && t.place_of("thermal").is_some() {
        return None;
    }
    let phases = phases?;
    let mut names: Vec<&str> = phases.iter().map(|p| p.name.as_str()).collect();
    names.extend(name.as_deref());
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|n| n[0] == n[1]) {
        let what = format!("two phases are called `{}`", twice[0]);
        t.complain(Diagnostic::error(what).maybe_at(t.place_of("phase"), ""));
        return None;
    }
    Some(SolidDeck {
        name,
        relax: relax?,
        volumes: volumes?,
        fmax: fmax?,
        symmetry: symmetry?,
        tolerance: tolerance?,
        equation: equation?,
        pressures: [lowest, highest],
        phases,
        thermal,
        files: SolidFiles {
            structures: kept?,
            table: table?,
            enthalpies: enthalpies?,
            summary: summary?,
            pictures: pictures?,
            report: report?,
        },
    })
}

/// Reads `[[eos.solid.phase]]`.
fn phase(t: &Table<'_>, usual: VolumesDeck) -> Option<PhaseDeck> {
    let name = t.key("name", Name, "What the phase is called.");
    let name = name.required("\"hcp\"");
    let structure = t.key("structure", InFile, "Its structure file.");
    let structure = structure.required("\"hcp.xyz\"");
    let doc = "Which frame of the file, when it holds several.";
    let frame = t
        .key("frame", Frame, doc)
        .must_be("one frame", |f| *f != FrameChoice::All)
        .or("last");
    let copies = Three(Count {
        least: 1,
        most: 1000,
    });
    let repeat = t.key("repeat", copies, "Copies along each cell vector.");
    let repeat = repeat.or("[1, 1, 1]");
    let volumes = volumes(t, Some(usual));
    Some(PhaseDeck {
        name: name?,
        structure: structure?,
        frame: frame?,
        repeat: repeat?.map(|n| n as usize),
        volumes: volumes?,
    })
}

/// Reads `[eos.solid.thermal]`.
fn thermal(t: &Table<'_>) -> Option<ThermalDeck> {
    let lattice = phonons::lattice(t, "50 K");
    let doc = "Pressure of the table against temperature.";
    let pressure = t
        .key("pressure", Quantity(Dimension::PRESSURE), doc)
        .or("0 GPa");
    let doc = "Volume, expansion, bulk modulus and more against temperature (CSV).";
    let table = t.file_or_none("table", doc, ".thermal.csv");
    let doc = "Pressures of transitions against temperature (CSV).";
    let boundaries = t.file_or_none("boundaries", doc, ".boundaries.csv");
    let doc = "Displaced supercells with their forces (extended XYZ); `--resume` takes from it what is there.";
    let displacements = t.file("displacements", doc, ".displacements.extxyz");
    Some(ThermalDeck {
        lattice: lattice?,
        pressure: pressure?,
        table: table?,
        boundaries: boundaries?,
        displacements: displacements?,
    })
}
