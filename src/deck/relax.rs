//! `[relax]`: the minimum of the energy near a structure, or near many.

use super::atoms::{self, AtomsDeck};
use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::files;
use super::kinds::{Count, Flag, Kind, Number, OneOf, OutFile, Quantity, Read, Words, mismatch};
use super::reader::{Context, Table};
use crate::relax::{Filter, Method};
use crate::units::Dimension;
use std::path::PathBuf;

/// The minimum of the energy near a structure, or near many.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxDeck {
    /// How the minimum is looked for.
    pub method: Method,
    /// Longest force (eV/Å) of a relaxed structure.
    pub fmax: f64,
    /// Most steps.
    pub max_steps: u64,
    /// Longest way (Å) of an atom in one step.
    pub max_move: f64,
    /// Steps that L-BFGS remembers.
    pub history: usize,
    /// The cell; none: it stays.
    pub cell: Option<RelaxCellDeck>,
    /// Atoms that are held, with their axes.
    pub held: Vec<(AtomsDeck, [bool; 3])>,
    /// Whether the symmetry of the start is kept.
    pub keep_symmetry: bool,
    /// How far (Å) atoms may be off symmetric places.
    pub tolerance: f64,
    /// Whether the end is checked for a saddle.
    pub verify: bool,
    /// Whether a saddle is left.
    pub leave_saddles: bool,
    /// Rattled copies of the structure.
    pub rattle: Option<RattleDeck>,
    /// Distance (Å) beyond the cutoff up to which neighbours are listed.
    pub skin: f64,
    /// The files.
    pub files: RelaxFiles,
}

/// The cell in a relaxation.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxCellDeck {
    /// How the cell follows from what is varied.
    pub filter: Filter,
    /// Stress (eV/Å^3) in the order xx, yy, zz, yz, xz, xy, tension positive.
    pub stress: [f64; 6],
    /// Largest difference (eV/Å^3) from that; none: as ASE counts.
    pub tolerance: Option<f64>,
    /// What may change.
    pub change: CellChange,
    /// Strains that may change, in the order of the stress.
    pub free: [bool; 6],
}

/// What of a cell may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellChange {
    /// Volume and shape.
    All,
    /// The volume; the shape stays.
    Volume,
    /// The shape; the volume stays.
    Shape,
}

/// Copies of a structure with random displacements and strains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RattleDeck {
    /// How many.
    pub copies: usize,
    /// Standard deviation (Å) of each coordinate.
    pub displacement: f64,
    /// Largest strain of each component.
    pub strain: f64,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// The files of a relaxation; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxFiles {
    /// Relaxed structures (extended XYZ).
    pub structure: PathBuf,
    /// One row for each structure (CSV).
    pub table: PathBuf,
    /// Every step of a single structure (extended XYZ).
    pub trajectory: Option<PathBuf>,
    /// The way down of a single structure (CSV).
    pub steps: Option<PathBuf>,
    /// The same as a picture (SVG).
    pub plot: Option<PathBuf>,
    /// The state to resume from.
    pub checkpoint: PathBuf,
}

impl RelaxDeck {
    /// Every file with its key.
    pub(super) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("structure", Some(&f.structure)),
            ("table", Some(&f.table)),
            ("trajectory", f.trajectory.as_ref()),
            ("steps", f.steps.as_ref()),
            ("plot", f.plot.as_ref()),
            ("checkpoint", Some(&f.checkpoint)),
        ];
        files::outputs("relax", &files)
    }
}

/// The methods by name.
pub(super) const METHODS: OneOf<Method> = OneOf(&[
    ("preconditioned_lbfgs", Method::Preconditioned),
    ("lbfgs", Method::Lbfgs),
    ("fire", Method::Fire),
]);

/// Six stresses in quotes.
struct Stress;

impl Kind for Stress {
    type Value = [f64; 6];
    fn wanted(&self) -> String {
        "a list of six stresses: xx, yy, zz, yz, xz, xy".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<[f64; 6]> {
        let Value::List(items) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        if items.len() != 6 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        }
        let mut values = [0.0; 6];
        let mut texts = Vec::new();
        for (item, value) in items.iter().zip(&mut values) {
            let (v, text) = Quantity(Dimension::PRESSURE).read(name, item, cx)?;
            *value = v;
            texts.push(text);
        }
        Ok((values, format!("[{}]", texts.join(", "))))
    }
}

/// Reads `[relax]`.
pub(super) fn read(t: &Table<'_>) -> Option<RelaxDeck> {
    let length = || Quantity(Dimension::LENGTH);
    let method = t
        .key("method", METHODS, "How the minimum is looked for.")
        .or("preconditioned_lbfgs");
    let fmax = t
        .key(
            "fmax",
            Quantity(Dimension::FORCE),
            "Longest force on an atom of a relaxed structure.",
        )
        .positive()
        .or("1e-3 eV/Å");
    let steps = Count {
        least: 1,
        most: 1 << 53,
    };
    let max_steps = t
        .key("max_steps", steps, "Most steps of a structure.")
        .or("2000");
    let max_move = t
        .key("max_move", length(), "Longest way of an atom in one step.")
        .positive()
        .or("0.2 Å");
    let history = Count {
        least: 1,
        most: 1000,
    };
    let history = t
        .key("history", history, "Steps that L-BFGS remembers.")
        .or("30");
    let cell = t.optional_table(
        "cell",
        "Relaxes the cell, too; without this table it stays.",
        cell,
    );
    let wrong_cell = cell.is_none() && t.place_of("cell").is_some();
    let held = t.tables("hold", "Atoms that are held.", |t| {
        let atoms = atoms::read(t, "the table does not say which atoms are held", true);
        let axes = t
            .key(
                "axes",
                Words(&["x", "y", "z"]),
                "Axes along which they do not move.",
            )
            .or_as("[\"x\", \"y\", \"z\"]", "`[\"x\", \"y\", \"z\"]`");
        let mut held = [false; 3];
        axes?.iter().for_each(|&k| held[k] = true);
        Some((atoms?, held))
    });
    let doc =
        "Keep the symmetry of the start: it is moved onto its symmetric places, and stays there.";
    let keep_symmetry = t.key("keep_symmetry", Flag, doc).or("false");
    let doc = "How far atoms may be off symmetric places when the space group is looked for.";
    let tolerance = t
        .key("symmetry_tolerance", length(), doc)
        .positive()
        .or("0.01 Å");
    let doc = "Look at the end whether it is a minimum: the lowest curvature, by some tens of evaluations more.";
    let verify = t.key("verify", Flag, doc).or("false");
    let doc = "Leave a saddle that was found so along the way down, and relax again.";
    let leave_saddles = t.key("leave_saddles", Flag, doc).or("false");
    if leave_saddles == Some(true) && verify == Some(false) {
        t.complain(
            Diagnostic::error("`leave_saddles` needs `verify = true`")
                .maybe_at(t.place_of("leave_saddles"), ""),
        );
    }
    if keep_symmetry == Some(true) && t.place_of("hold").is_some() {
        t.complain(
            Diagnostic::error("atoms cannot be held where the symmetry is kept")
                .maybe_at(t.place_of("keep_symmetry"), ""),
        );
    }
    let doc = "Relaxes rattled copies of the structure instead of the structure.";
    let rattle = t.optional_table("rattle", doc, rattle);
    let wrong_rattle = rattle.is_none() && t.place_of("rattle").is_some();
    let skin = t
        .key(
            "skin",
            length(),
            "How far beyond the cutoff neighbours are listed; changes the speed, not the results.",
        )
        .not_negative()
        .or("0.5 Å");
    let files = files(t);
    if wrong_cell || wrong_rattle {
        return None;
    }
    Some(RelaxDeck {
        method: method?,
        fmax: fmax?,
        max_steps: max_steps?,
        max_move: max_move?,
        history: history? as usize,
        cell,
        held: held
            .unwrap_or_default()
            .into_iter()
            .collect::<Option<_>>()?,
        keep_symmetry: keep_symmetry?,
        tolerance: tolerance?,
        verify: verify?,
        leave_saddles: leave_saddles?,
        rattle,
        skin: skin?,
        files: files?,
    })
}

fn files(t: &Table<'_>) -> Option<RelaxFiles> {
    let structure = t.file(
        "structure",
        "The relaxed structures (extended XYZ).",
        ".relaxed.extxyz",
    );
    let table = t.file("table", "A row for each structure (CSV).", ".relaxed.csv");
    let doc = "Every step of a single structure (extended XYZ).";
    let trajectory = t.key("trajectory", OutFile, doc).optional("not written");
    let doc = "Energy, force and stress at every step of a single structure (CSV).";
    let steps = t.file_or_none("steps", doc, ".steps.csv");
    let doc = "The same as a picture (SVG).";
    let plot = t.file_or_none("plot", doc, ".steps.svg");
    let doc = "The state from which `--resume` goes on.";
    let checkpoint = t.file("checkpoint", doc, ".relax.chk");
    Some(RelaxFiles {
        structure: structure?,
        table: table?,
        trajectory,
        steps: steps?,
        plot: plot?,
        checkpoint: checkpoint?,
    })
}

fn cell(t: &Table<'_>) -> Option<RelaxCellDeck> {
    const FILTERS: OneOf<Filter> = OneOf(&[
        ("frechet", Filter::Frechet),
        ("unit_cell", Filter::UnitCell),
    ]);
    const CHANGES: OneOf<CellChange> = OneOf(&[
        ("all", CellChange::All),
        ("volume", CellChange::Volume),
        ("shape", CellChange::Shape),
    ]);
    let doc = "How the cell follows from what is varied: F = exp(U), or F = 1 + U.";
    let filter = t.key("filter", FILTERS, doc).or("frechet");
    let pressure = t
        .key(
            "pressure",
            Quantity(Dimension::PRESSURE),
            "Pressure on the relaxed cell.",
        )
        .optional("none");
    let doc = "Stress that the relaxed cell shall have, tension positive; instead of `pressure`.";
    let stress = t.key("stress", Stress, doc).optional("that of `pressure`");
    if let (Some(a), Some(b)) = (t.place_of("stress"), t.place_of("pressure")) {
        t.complain(
            Diagnostic::error("both `stress` and `pressure` are given")
                .at(a, "")
                .and_at(Some(b), "")
                .help("a pressure is minus the first three stresses; remove one of both"),
        );
    }
    let doc = "Largest component of the stress beside its target.";
    let tolerance = t
        .key("tolerance", Quantity(Dimension::PRESSURE), doc)
        .positive()
        .optional("no row of the virial per atom is longer than the number of `fmax`");
    let doc = "What may change: \"volume\" keeps the shape, \"shape\" the volume.";
    let change = t.key("change", CHANGES, doc).or("all");
    const NAMES: &[&str] = &["xx", "yy", "zz", "yz", "xz", "xy"];
    let free = t.key("free", Words(NAMES), "Strains that are free.").or_as(
        "[\"xx\", \"yy\", \"zz\", \"yz\", \"xz\", \"xy\"]",
        "all six",
    );
    let mut allowed = [false; 6];
    free?.iter().for_each(|&k| allowed[k] = true);
    if allowed == [false; 6] {
        t.complain(
            Diagnostic::error("no strain is free")
                .maybe_at(t.place_of("free"), "")
                .help("to keep the cell, remove this table"),
        );
    }
    if change == Some(CellChange::Volume) && t.place_of("free").is_some() {
        t.complain(
            Diagnostic::error("`change = \"volume\"` leaves no choice of strains")
                .maybe_at(t.place_of("free"), "")
                .help("remove `free`"),
        );
    }
    if change == Some(CellChange::Shape) && filter == Some(Filter::UnitCell) {
        t.complain(
            Diagnostic::error("the filter \"unit_cell\" cannot keep the volume")
                .maybe_at(t.place_of("filter"), "")
                .help("use the filter \"frechet\""),
        );
    }
    let p = pressure.unwrap_or(0.0);
    Some(RelaxCellDeck {
        filter: filter?,
        stress: stress.unwrap_or([-p, -p, -p, 0.0, 0.0, 0.0]),
        tolerance,
        change: change?,
        free: allowed,
    })
}

fn rattle(t: &Table<'_>) -> Option<RattleDeck> {
    let copies = Count {
        least: 1,
        most: 10_000_000,
    };
    let copies = t
        .key("copies", copies, "How many copies of each structure.")
        .required("1000");
    let doc = "Standard deviation of the displacement of each coordinate.";
    let displacement = t
        .key("displacement", Quantity(Dimension::LENGTH), doc)
        .not_negative()
        .or("0.05 Å");
    let strain = t
        .key("strain", Number, "Largest strain of each component.")
        .must_be("at least 0 and below 0.5", |s| (0.0..0.5).contains(s))
        .or("0");
    let seed = Count {
        least: 0,
        most: u64::MAX,
    };
    let seed = t.key("seed", seed, "Seed of the random numbers.").or("1");
    Some(RattleDeck {
        copies: copies? as usize,
        displacement: displacement?,
        strain: strain?,
        seed: seed?,
    })
}
