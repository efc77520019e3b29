//! `[eos.fluid]`: densities of a fluid at pressures, or pressures at densities, point by point.

use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::files;
use crate::deck::kinds::{Flag, InFile, Kind, Quantity, Read, Steps, WallTime, mismatch};
use crate::deck::md;
use crate::deck::reader::{Context, Field, Table};
use crate::deck::resolved::quote;
use crate::units::Dimension;
use std::path::PathBuf;
use std::time::Duration;

/// Equation of state of a fluid.
#[derive(Clone, Debug, PartialEq)]
pub struct FluidDeck {
    /// The grids of state points.
    pub sets: Vec<FluidSet>,
    /// Wanted standard error of a density, as a share of it.
    pub density_error: f64,
    /// Wanted standard error of a pressure (eV/Å^3).
    pub pressure_error: f64,
    /// Steps of sampling before the error is looked at for the first time, and at most.
    pub shortest: u64,
    /// Most steps of sampling.
    pub longest: u64,
    /// Steps that are left out at least.
    pub equilibration: u64,
    /// Steps between two samples.
    pub sample: u64,
    /// Steps between two frames of a trajectory; none without one.
    pub frames: Option<u64>,
    /// Time step (internal units).
    pub timestep: f64,
    /// Whether the nuclei are quantum.
    pub quantum: bool,
    /// Whether a barostat is named; otherwise there is a usual one.
    pub has_barostat: bool,
    /// Whether each point is also run with classical nuclei.
    pub quantum_shift: bool,
    /// A hot stage before.
    pub melt: Option<MeltDeck>,
    /// The gas of which the liquid boils.
    pub vapour: Option<VapourDeck>,
    /// A table to compare with.
    pub reference: Option<PathBuf>,
    /// The folder of the state points.
    pub points: PathBuf,
    /// The same as it is written in the deck.
    pub points_text: String,
    /// Wall time between two checkpoints of a point.
    pub checkpoint: Duration,
    /// The files.
    pub files: FluidFiles,
}

/// A grid of state points: every temperature with every pressure or density.
#[derive(Clone, Debug, PartialEq)]
pub struct FluidSet {
    /// Temperatures (K).
    pub temperatures: Vec<f64>,
    /// What is given beside them.
    pub given: Given,
    /// Density (amu/Å^3) at which points at given pressures start; none: that of the structure.
    pub start: Option<f64>,
    /// Wanted standard error of what is measured: of a density as a share of it, of a pressure in eV/Å^3; none: that of the deck.
    pub error: Option<f64>,
}

/// What is given at a state point beside the temperature.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Pressures (eV/Å^3), each with its text: the density is measured (NPT).
    Pressures(Vec<(f64, String)>),
    /// Densities (amu/Å^3), each with its text: the pressure is measured (NVT).
    Densities(Vec<(f64, String)>),
}

/// A hot stage before each point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeltDeck {
    /// Its temperature (K).
    pub temperature: f64,
    /// Its length in steps.
    pub steps: u64,
}

/// The gas of which the liquid boils: one molecule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VapourDeck {
    /// Wanted standard error (eV) of its energy.
    pub energy_error: f64,
}

/// The files of an equation of state; none where one is not wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct FluidFiles {
    /// One line for each point (CSV).
    pub table: Option<PathBuf>,
    /// Curves through the points and their slopes (CSV).
    pub curves: Option<PathBuf>,
    /// What was found, for programs (JSON).
    pub summary: Option<PathBuf>,
    /// Isotherms (SVG).
    pub picture: Option<PathBuf>,
    /// Everything in one page (HTML).
    pub report: Option<PathBuf>,
}

impl FluidDeck {
    /// Every file with its key.
    pub(in crate::deck) fn outputs(&self) -> Vec<(String, PathBuf)> {
        let f = &self.files;
        let files = [
            ("table", f.table.as_ref()),
            ("curves", f.curves.as_ref()),
            ("summary", f.summary.as_ref()),
            ("picture", f.picture.as_ref()),
            ("report", f.report.as_ref()),
        ];
        files::outputs("eos.fluid", &files)
    }

    /// The files that are read beside the structure, with their keys.
    pub(in crate::deck) fn inputs(&self) -> Vec<(String, PathBuf)> {
        let reference = self.reference.iter();
        reference
            .map(|file| ("eos.fluid.reference".to_owned(), file.clone()))
            .collect()
    }
}

/// A list of quantities: each with its value and its text.
pub(super) struct Quantities(pub(super) Dimension);

impl Kind for Quantities {
    type Value = Vec<(f64, String)>;
    fn wanted(&self) -> String {
        format!("a list, each {}", self.0)
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Vec<(f64, String)>> {
        let one = Quantity(self.0);
        let Value::List(items) = &node.value else {
            let d = mismatch(name, &self.wanted(), node);
            return Err(Box::new(match one.read(name, node, cx) {
                Ok((_, text)) => d.replace("write", node.place.clone(), format!("[{text}]")),
                Err(_) => d,
            }));
        };
        if items.is_empty() {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is empty")).at(node.place.clone(), ""),
            ));
        }
        let mut found: Vec<(f64, String)> = Vec::new();
        for item in items {
            let (value, text) = one.read(name, item, cx)?;
            if found.iter().any(|f| f.0 == value) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` has {text} twice"))
                        .at(item.place.clone(), "the second one"),
                ));
            }
            found.push((value, text));
        }
        let texts: Vec<&str> = found.iter().map(|f| f.1.as_str()).collect();
        let list = format!("[{}]", texts.join(", "));
        let bare = |(value, text): (f64, String)| (value, text.trim_matches('"').to_owned());
        Ok((found.into_iter().map(bare).collect(), list))
    }
}

/// A share of something, as in `"0.5 %"` or `0.005`.
struct Relative;

impl Kind for Relative {
    type Value = f64;
    fn wanted(&self) -> String {
        "a share, as in \"0.5 %\" or 0.005".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<f64> {
        let wrong = || {
            Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), ""),
            )
        };
        let (value, text) = match &node.value {
            Value::Number(x) => (*x, format!("{x:?}")),
            Value::Integer(i) => (*i as f64, i.to_string()),
            Value::Text(text) => {
                let number = text.trim().strip_suffix('%').map(str::trim);
                let percent: f64 = number.and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
                (percent / 100.0, quote(text.trim()))
            }
            _ => return Err(Box::new(mismatch(name, &self.wanted(), node))),
        };
        match value.is_finite() && value > 0.0 && value < 1.0 {
            true => Ok((value, text)),
            false => Err(wrong()),
        }
    }
}

/// A folder to write into, relative to the deck; and its text.
struct Folder;

impl Kind for Folder {
    type Value = (PathBuf, String);
    fn wanted(&self) -> String {
        "the name of a folder".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<(PathBuf, String)> {
        let wrong = |why: &str| {
            Box::new(Diagnostic::error(format!("`{name}` {why}")).at(node.place.clone(), ""))
        };
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => Err(wrong("is empty")),
            Value::Text(text) => {
                let path = cx.folder.join(text);
                match path.exists() && !path.is_dir() {
                    true => Err(wrong("is a file, a folder is needed")),
                    false => Ok(((path, text.clone()), quote(text))),
                }
            }
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// What a point's own table says, and `[eos.fluid.md]` must not.
const BY_POINT: [(&str, &str); 7] = [
    (
        "temperature",
        "each point has its own: `temperatures` of [eos.fluid]",
    ),
    ("final_temperature", "a state point has one temperature"),
    (
        "length",
        "a point is as long as its error needs: `shortest` and `longest` of [eos.fluid]",
    ),
    (
        "steps",
        "a point is as long as its error needs: `shortest` and `longest` of [eos.fluid]",
    ),
    ("replicas", "each point is one run"),
    ("exchange", "each point is one run"),
    ("group", "all atoms of a fluid have one temperature"),
];

/// The error that is wanted of densities.
fn density_error<'t, 'a>(t: &'t Table<'a>) -> Field<'t, 'a, Relative> {
    let doc = "Wanted standard error (one sigma) of a density, as a share of it; of points at given pressures.";
    t.key("density_error", Relative, doc)
}

/// The error that is wanted of pressures.
fn pressure_error<'t, 'a>(t: &'t Table<'a>) -> Field<'t, 'a, Quantity> {
    let doc = "Wanted standard error (one sigma) of a pressure; of points at given densities.";
    t.key("pressure_error", Quantity(Dimension::PRESSURE), doc)
        .positive()
}

/// Reads `[eos.fluid]`.
pub(in crate::deck) fn read(t: &Table<'_>) -> Option<FluidDeck> {
    let own = set(t, true);
    let doc =
        "More state points: a grid with temperatures, and pressures or densities, of its own.";
    let more = t.tables("set", doc, |t| set(t, false)?);
    let mut sets: Vec<FluidSet> = Vec::new();
    let sound = own.is_some() && more.iter().flatten().all(Option::is_some);
    sets.extend(own.flatten());
    sets.extend(more.into_iter().flatten().flatten());
    if sets.is_empty() && sound && !t.cx.describing {
        t.lacks(
            "temperatures",
            Diagnostic::error("no state points are given")
                .maybe_at(t.place(), "")
                .help("add for example\ntemperatures = [\"110 K\", \"150 K\"]\npressures = [\"100 bar\", \"500 bar\"]"),
        );
    }
    let doc = "How a point is run: the keys of [md], without temperature, pressure and length.";
    let example = "[eos.fluid.md]\ntimestep = \"1 fs\"";
    let md = t.required_table("md", doc, example, |t| {
        for (key, help) in BY_POINT {
            if let Some(place) = t.key_place(key) {
                t.complain(
                    Diagnostic::error(format!("`{key}` is not for [eos.fluid.md]"))
                        .at(place, "")
                        .help(help),
                );
            }
        }
        if t.cx.describing {
            // They are described where they are at home.
            return None;
        }
        t.cx.governed.set(true);
        let md = md::read(t);
        t.cx.governed.set(false);
        Some((md?, t.key_place("barostat").is_some()))
    });
    let by_pressure = sets.iter().any(|s| matches!(s.given, Given::Pressures(_)));
    if let Some((md, has)) = &md {
        if *has && !by_pressure && !sets.is_empty() {
            t.complain(
                Diagnostic::warning("points at given densities have no use for a barostat")
                    .maybe_at(t.place_at("md.barostat"), ""),
            );
        }
        if md.thermostat.is_none() {
            t.complain(
                Diagnostic::error("a state point needs a thermostat")
                    .maybe_at(t.place_at("md.thermostat"), "")
                    .help("remove `thermostat = \"none\"`"),
            );
        }
    }
    let density_error = density_error(t).or("0.5 %");
    let pressure_error = pressure_error(t).or("10 bar");
    let doc = "Length of a point before its error is looked at for the first time.";
    let shortest = t.key("shortest", Steps, doc).required("\"20 ps\"");
    let doc = "Greatest length of a point: there it ends, whatever its error.";
    let longest = t.key("longest", Steps, doc).required("\"500 ps\"");
    if let (Some(a), Some(b)) = (shortest, longest)
        && b < a
    {
        t.complain(
            Diagnostic::error("`longest` is less than `shortest`")
                .maybe_at(t.place_of("longest"), "")
                .and_at(t.place_of("shortest"), ""),
        );
    }
    let doc = "Length that is left out at the start of a point at least; more where the run has not come to rest by then.";
    let equilibration = t
        .key("equilibration", Steps, doc)
        .optional("what the run itself shows");
    let doc = "Time between two samples.";
    let sample = t.key("sample", Steps, doc).or("20 steps");
    let doc = "Time between two frames of a trajectory of each point.";
    let frames = t.key("frames", Steps, doc).optional("no trajectory");
    let doc = "Run each point with classical nuclei, too, and report the difference.";
    let quantum_shift = t.key("quantum_shift", Flag, doc).or("false");
    let doc = "A hot stage at constant volume before each point, so that no lattice of the structure is left.";
    let melt = t.optional_table("melt", doc, |t| {
        let doc = "Temperature of the stage.";
        let temperature = t
            .key("temperature", Quantity(Dimension::TEMPERATURE), doc)
            .positive()
            .required("\"300 K\"");
        let steps = t
            .key("length", Steps, "Length of the stage.")
            .required("\"5 ps\"");
        Some(MeltDeck {
            temperature: temperature?,
            steps: steps?,
        })
    });
    let doc = "The gas of which the liquid boils, for heats of vaporisation: one molecule without others, an ideal gas.";
    let vapour = t.optional_table("vapour", doc, |t| {
        let doc = "Wanted standard error (one sigma) of the energy of the molecule.";
        let energy_error = t
            .key("energy_error", Quantity(Dimension::ENERGY), doc)
            .positive()
            .or("0.1 kJ/mol");
        Some(VapourDeck {
            energy_error: energy_error?,
        })
    });
    let doc = "A table to compare with (CSV), with columns T_K, P_bar, rho_kg_m3 and, if there is one, phase.";
    let reference = t.key("reference", InFile, doc).optional("no comparison");
    let doc = "The folder of the state points, in which each has one of its own.";
    let points = t.key("points", Folder, doc).or_named(".points");
    let doc = "Wall time between two checkpoints of a point.";
    let checkpoint = t
        .key("checkpoint", WallTime, doc)
        .must_be("positive", |w| !w.is_zero())
        .or("2 min");
    let table = t.file_or_none("table", "One line for each state point (CSV).", ".eos.csv");
    let curves = t.file_or_none(
        "curves",
        "Properties and coefficients from curves through the points (CSV).",
        ".curves.csv",
    );
    let summary = t.file_or_none(
        "summary",
        "What was found, for programs (JSON).",
        ".summary.json",
    );
    let picture = t.file_or_none("picture", "Isotherms (SVG).", ".eos.svg");
    let report = t.file_or_none("report", "Everything in one page (HTML).", ".html");
    let (md, has_barostat) = md?;
    let quantum = md.beads != crate::deck::Beads::Given(1);
    if quantum_shift == Some(true) && !quantum {
        t.complain(
            Diagnostic::error("`quantum_shift` needs quantum nuclei")
                .maybe_at(t.place_of("quantum_shift"), "")
                .help("add for example `beads = 32` to [eos.fluid.md]"),
        );
    }
    let (points, points_text) = points?;
    Some(FluidDeck {
        sets: sound.then_some(sets)?,
        density_error: density_error?,
        pressure_error: pressure_error?,
        shortest: shortest?,
        longest: longest?,
        equilibration: equilibration.unwrap_or(0),
        sample: sample?,
        frames,
        timestep: md.timestep,
        quantum,
        has_barostat,
        quantum_shift: quantum_shift?,
        melt,
        vapour,
        reference,
        points,
        points_text,
        checkpoint: checkpoint?,
        files: FluidFiles {
            table: table?,
            curves: curves?,
            summary: summary?,
            picture: picture?,
            report: report?,
        },
    })
}

/// Reads the grid of a table. Outer none: something was wrong; inner none: `[eos.fluid]` itself has no grid.
fn set(t: &Table<'_>, may_be_absent: bool) -> Option<Option<FluidSet>> {
    let keys = ["temperatures", "pressures", "densities", "start_density"];
    let absent = keys.iter().all(|k| t.key_place(k).is_none());
    let positive = |all: &Vec<(f64, String)>| all.iter().all(|x| x.0 > 0.0);
    let doc = "Temperatures: every one with every pressure or density.";
    let temperatures = t
        .key("temperatures", Quantities(Dimension::TEMPERATURE), doc)
        .must_be("positive", positive);
    let temperatures = match may_be_absent && absent {
        true => temperatures.optional("the points are those of `[[eos.fluid.set]]`"),
        false => temperatures.required("[\"110 K\", \"150 K\"]"),
    };
    let doc = "Pressures, at which densities are measured.";
    let pressures = t
        .key("pressures", Quantities(Dimension::PRESSURE), doc)
        .optional("`densities` instead");
    let doc = "Densities, at which pressures are measured.";
    let densities = t
        .key("densities", Quantities(Dimension::DENSITY), doc)
        .must_be("positive", positive)
        .optional("`pressures` instead");
    let doc = "Density at which points at given pressures start: far from it a barostat needs long, and a gas may not become a liquid at all.";
    let start = t
        .key("start_density", Quantity(Dimension::DENSITY), doc)
        .positive()
        .optional("that of the structure");
    // Those of the table itself are for all sets.
    let [density_error, pressure_error] = match may_be_absent {
        true => [None, None],
        false => [
            density_error(t).optional("that of [eos.fluid]"),
            pressure_error(t).optional("that of [eos.fluid]"),
        ],
    };
    if may_be_absent && absent {
        return Some(None);
    }
    let (a, b) = (t.key_place("pressures"), t.key_place("densities"));
    let complaint = match (&a, &b) {
        (Some(_), Some(_)) => Some("both `pressures` and `densities` are given"),
        (None, None) => Some("neither `pressures` nor `densities` are given"),
        _ => None,
    };
    if let (Some(words), false) = (complaint, t.cx.describing) {
        t.complain(
            Diagnostic::error(words)
                .maybe_at(b.clone().or(t.place()), "")
                .and_at(a, "")
                .help("one of them is given and the other one is measured; [[eos.fluid.set]] has points of the other kind"),
        );
        return None;
    }
    if start.is_some() && b.is_some() {
        t.complain(
            Diagnostic::warning("points at given densities start at them")
                .maybe_at(t.place_of("start_density"), ""),
        );
    }
    let (other, words) = match b.is_some() {
        true => ("density_error", "the densities of these points are given"),
        false => ("pressure_error", "the pressures of these points are given"),
    };
    if let (Some(place), false) = (t.key_place(other), may_be_absent) {
        t.complain(Diagnostic::warning(format!("`{other}` has no use here")).at(place, words));
    }
    let (given, error) = match (pressures, densities) {
        (Some(p), None) => (Given::Pressures(p), density_error),
        (None, Some(d)) => (Given::Densities(d), pressure_error),
        _ => return None,
    };
    Some(Some(FluidSet {
        temperatures: temperatures?.into_iter().map(|x| x.0).collect(),
        given,
        start,
        error,
    }))
}
