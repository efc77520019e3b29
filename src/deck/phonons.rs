//! `[phonons]`: phonons of a crystal from displaced supercells.

use super::document::{Node, Value};
use super::files;
use super::kinds::{Count, Flag, Kind, Number, OneOf, Quantity, Read, Three, mismatch};
use super::reader::{Context, Table};
use super::resolved::quote;
use super::temperatures::{self, Temperatures};
use crate::analysis::equation_of_state::Form;
use crate::units::Dimension;
use crate::vibrations::phonons::Nuclei;
use std::path::PathBuf;

/// Phonons of a crystal.
#[derive(Clone, Debug, PartialEq)]
pub struct PhononsDeck {
    /// How phonons are made, and what is made of them.
    pub lattice: LatticeDeck,
    /// Whether symmetry saves displacements.
    pub symmetry: bool,
    /// How far atoms may be off symmetric places (Å).
    pub tolerance: f64,
    /// What is relaxed before.
    pub relax: Relaxed,
    /// Longest force (eV/Å) of the relaxed crystal.
    pub fmax: f64,
    /// The path as words; none: the standard one.
    pub path: Option<String>,
    /// Points for the path, in coordinates of the reciprocal primitive cell.
    pub points: Vec<(String, [f64; 3])>,
    /// Wave vectors along the whole path.
    pub path_points: usize,
    /// Thermal expansion in the quasi-harmonic approximation.
    pub expansion: Option<ExpansionDeck>,
    /// The files.
    pub files: PhononsFiles,
}

/// Phonons from displaced supercells, and thermal properties from a mesh of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LatticeDeck {
    /// Copies of the unit cell in the supercell; none: as many as give it [`LatticeDeck::width`].
    pub supercell: Option<[usize; 3]>,
    /// Least width (Å) of the supercell.
    pub width: f64,
    /// Length of a displacement (Å).
    pub displacement: f64,
    /// Points of the mesh; none: from their distance.
    pub mesh: Option<[usize; 3]>,
    /// Whether thermal properties are those of quantum nuclei.
    pub nuclei: Nuclei,
    /// Temperatures of the tables.
    pub temperatures: Temperatures,
}

impl LatticeDeck {
    /// The temperatures (K) of the tables. Classical nuclei have no entropy at absolute zero, so theirs begin above it.
    pub fn temperatures(&self) -> Vec<f64> {
        let mut all = self.temperatures.list();
        if self.nuclei == Nuclei::Classical {
            all.remove(0);
        }
        all
    }
}

/// What is relaxed before the displacements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relaxed {
    /// Atoms and cell.
    Cell,
    /// Atoms.
    Atoms,
    /// Nothing.
    Nothing,
}

/// Thermal expansion in the quasi-harmonic approximation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpansionDeck {
    /// Number of volumes.
    pub volumes: usize,
    /// Smallest volume, as a ratio to that of the relaxed crystal.
    pub smallest: f64,
    /// Largest volume, as a ratio.
    pub largest: f64,
    /// Pressure (eV/Å^3).
    pub pressure: f64,
    /// Equation of state.
    pub equation: Form,
}

/// The files of a phonon calculation; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct PhononsFiles {
    /// Bands along the path (CSV).
    pub bands: Option<PathBuf>,
    /// Density of states (CSV).
    pub dos: Option<PathBuf>,
    /// Thermal properties (CSV).
    pub thermal: Option<PathBuf>,
    /// The crystal for phonopy (YAML).
    pub phonopy: Option<PathBuf>,
    /// Force constants in phonopy's format.
    pub force_constants: Option<PathBuf>,
    /// Whether a picture (SVG) is drawn beside each table.
    pub pictures: bool,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
    /// Displaced supercells with their forces (extended XYZ), from which a stopped run goes on.
    pub displacements: PathBuf,
    /// The relaxed crystal (extended XYZ).
    pub structure: Option<PathBuf>,
    /// Thermal expansion (CSV).
    pub expansion: Option<PathBuf>,
}

impl PhononsFiles {
    /// The pictures beside the tables.
    pub fn pictures(&self) -> impl Iterator<Item = PathBuf> {
        let tables = [&self.bands, &self.dos, &self.thermal, &self.expansion];
        let wanted = self.pictures;
        let tables = tables.into_iter().flatten().filter(move |_| wanted);
        tables.map(|table| table.with_extension("svg"))
    }
}

impl PhononsDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("structure", f.structure.as_ref()),
            ("displacements", Some(&f.displacements)),
            ("bands", f.bands.as_ref()),
            ("dos", f.dos.as_ref()),
            ("thermal", f.thermal.as_ref()),
            ("phonopy", f.phonopy.as_ref()),
            ("force_constants", f.force_constants.as_ref()),
            ("report", f.report.as_ref()),
            ("expansion.table", f.expansion.as_ref()),
        ];
        let mut all = files::outputs("phonons", &files);
        all.extend(f.pictures().map(|p| ("phonons.pictures".to_owned(), p)));
        all
    }
}

/// Words separated by blanks and bars.
struct PathWords;

impl Kind for PathWords {
    type Value = String;
    fn wanted(&self) -> String {
        "names of points, as in \"Γ X U | K Γ L\"".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<String> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Ok((text.clone(), quote(text))),
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// Reads how phonons are made, up to temperatures in steps of `step`.
pub(super) fn lattice(t: &Table<'_>, step: &str) -> Option<LatticeDeck> {
    let copies = || {
        Three(Count {
            least: 1,
            most: 1000,
        })
    };
    let supercell = t
        .key(
            "supercell",
            copies(),
            "Copies of the unit cell along each of its vectors.",
        )
        .optional("as many as `width` asks for");
    let width = t
        .key(
            "width",
            Quantity(Dimension::LENGTH),
            "Least width of the supercell, where `supercell` is not given.",
        )
        .positive()
        .or("12 Å");
    let displacement = t
        .key(
            "displacement",
            Quantity(Dimension::LENGTH),
            "How far an atom is displaced.",
        )
        .must_be("above 0 and at most 0.3 Å", |x| *x > 0.0 && *x <= 0.3)
        .or("0.01 Å");
    let mesh = t
        .key(
            "mesh",
            copies(),
            "Points of the mesh for the density of states and all averages.",
        )
        .optional("no further than 0.1 /Å from each other");
    const NUCLEI: OneOf<Nuclei> = OneOf(&[
        ("quantum", Nuclei::Quantum),
        ("classical", Nuclei::Classical),
    ]);
    let doc = "What thermal properties are made of: oscillators with zero-point energy, or classical ones as in dynamics without beads.";
    let nuclei = t.key("nuclei", NUCLEI, doc).or("quantum");
    let doc = "Highest temperature of the tables.";
    let temperatures = temperatures::read(t, doc, step);
    Some(LatticeDeck {
        supercell: supercell.map(|s| s.map(|n| n as usize)),
        width: width?,
        displacement: displacement?,
        mesh: mesh.map(|s| s.map(|n| n as usize)),
        nuclei: nuclei?,
        temperatures: temperatures?,
    })
}

/// Reads `[phonons]`.
pub(super) fn read(t: &Table<'_>) -> Option<PhononsDeck> {
    const RELAXED: OneOf<Relaxed> = OneOf(&[
        ("cell", Relaxed::Cell),
        ("atoms", Relaxed::Atoms),
        ("nothing", Relaxed::Nothing),
    ]);
    let lattice = lattice(t, "10 K");
    let symmetry = t
        .key("symmetry", Flag, "Displace only what symmetry cannot tell.")
        .or("true");
    let tolerance = t
        .key(
            "tolerance",
            Quantity(Dimension::LENGTH),
            "How far atoms may be off symmetric places.",
        )
        .positive()
        .or("1e-3 Å");
    let relax = t
        .key(
            "relax",
            RELAXED,
            "What is relaxed before: phonons belong to a crystal without forces.",
        )
        .or("cell");
    let fmax = t
        .key(
            "fmax",
            Quantity(Dimension::FORCE),
            "Longest force on an atom of the relaxed crystal.",
        )
        .positive()
        .or("1e-5 eV/Å");
    let path = t
        .key(
            "path",
            PathWords,
            "The way through the Brillouin zone; `|` begins a new stretch.",
        )
        .optional("the standard path of the lattice (Setyawan and Curtarolo)");
    let doc = "Points of your own for `path`, in coordinates of the reciprocal primitive cell.";
    let points = t.optional_table("points", doc, |t| {
        let doc = "The point of this name.";
        let mut found = Some(Vec::new());
        for key in t.free_keys("NAME") {
            let value = t.key(&key.name, Three(Number), doc).optional("");
            match (value, &mut found) {
                (Some(v), Some(all)) => all.push((key.name.clone(), v)),
                _ if t.cx.describing => {}
                _ => found = None,
            }
        }
        found
    });
    let path_points = t
        .key(
            "path_points",
            Count {
                least: 2,
                most: 100_000,
            },
            "Wave vectors along the whole path.",
        )
        .or("400");
    let structure = t.file_or_none(
        "structure",
        "The relaxed crystal (extended XYZ).",
        ".relaxed.extxyz",
    );
    let doc = "Displaced supercells with their forces (extended XYZ); `--resume` takes from it what is there.";
    let displacements = t.file("displacements", doc, ".displacements.extxyz");
    let bands = t.file_or_none("bands", "Bands along the path (CSV).", ".bands.csv");
    let dos = t.file_or_none("dos", "Density of states (CSV).", ".dos.csv");
    let thermal = t.file_or_none("thermal", "Thermal properties (CSV).", ".thermal.csv");
    let phonopy = t.file_or_none(
        "phonopy",
        "The crystal for phonopy (YAML).",
        ".phonopy.yaml",
    );
    let force_constants = t.file_or_none(
        "force_constants",
        "Force constants for phonopy.",
        ".FORCE_CONSTANTS",
    );
    let doc = "Draw a picture beside each table, of the same name with `.svg`.";
    let pictures = t.key("pictures", Flag, doc).or("true");
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    let doc = "Thermal expansion in the quasi-harmonic approximation: phonons at several volumes.";
    let expansion = t.optional_table("expansion", doc, expansion);
    let asked = t.place_of("expansion").is_some();
    let (expansion, table) = match (expansion, asked) {
        (Some((e, file)), _) => (Some(e), file),
        (None, true) => return None,
        (None, false) => (None, None),
    };
    Some(PhononsDeck {
        lattice: lattice?,
        symmetry: symmetry?,
        tolerance: tolerance?,
        relax: relax?,
        fmax: fmax?,
        path,
        points: points.unwrap_or_default(),
        path_points: path_points? as usize,
        expansion,
        files: PhononsFiles {
            bands: bands?,
            dos: dos?,
            thermal: thermal?,
            phonopy: phonopy?,
            force_constants: force_constants?,
            pictures: pictures?,
            report: report?,
            displacements: displacements?,
            structure: structure?,
            expansion: table,
        },
    })
}

/// Forms of equations of state.
pub(super) const EQUATIONS: OneOf<Form> = OneOf(&[
    ("vinet", Form::Vinet),
    ("birch_murnaghan", Form::BirchMurnaghan),
    ("birch_murnaghan_2", Form::BirchMurnaghan2),
    ("birch_murnaghan_4", Form::BirchMurnaghan4),
    ("murnaghan", Form::Murnaghan),
]);

fn expansion(t: &Table<'_>) -> Option<(ExpansionDeck, Option<PathBuf>)> {
    let volumes = t
        .key(
            "volumes",
            Count {
                least: 5,
                most: 201,
            },
            "Number of volumes.",
        )
        .or("9");
    let smallest = t
        .key(
            "smallest",
            Number,
            "Smallest volume, as a ratio to that of the relaxed crystal.",
        )
        .must_be("from 0.5 to below 1", |x| (0.5..1.0).contains(x))
        .or("0.97");
    let largest = t
        .key("largest", Number, "Largest volume, as a ratio.")
        .must_be("above 1 and at most 2", |x| *x > 1.0 && *x <= 2.0)
        .or("1.06");
    let pressure = t
        .key("pressure", Quantity(Dimension::PRESSURE), "Pressure.")
        .or("0 GPa");
    let equation = t
        .key(
            "equation",
            EQUATIONS,
            "Equation of state through the free energies.",
        )
        .or("vinet");
    let doc = "Thermal expansion and what goes with it (CSV).";
    let table = t.file_or_none("table", doc, ".expansion.csv");
    Some((
        ExpansionDeck {
            volumes: volumes? as usize,
            smallest: smallest?,
            largest: largest?,
            pressure: pressure?,
            equation: equation?,
        },
        table?,
    ))
}
