//! Thermostats, barostats and groups of atoms: what `[md]` and every `[[stage]]` can have.

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::kinds::{Count, Elements, InFile, Kind, Name, OneOf, Quantity, Read, mismatch};
use super::reader::{Choice, Context, Table, Variant};
use super::resolved::quote;
use crate::elements::Element;
use crate::units::Dimension;
use std::path::PathBuf;

/// How the temperature is kept.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ThermostatDeck {
    /// Friction and noise.
    Langevin {
        /// Friction coefficient (inverse internal time).
        friction: f64,
        /// BAOAB (`true`) or OBABO; none leaves it to the barostat.
        middle: Option<bool>,
    },
    /// Stochastic velocity rescaling.
    VelocityRescaling {
        /// Relaxation time (internal).
        time: f64,
        /// One factor for each atom.
        local: bool,
    },
    /// Nosé–Hoover chains.
    NoseHoover {
        /// Period (internal time).
        time: f64,
        /// Members of a chain.
        chain: usize,
        /// One chain for each degree of freedom.
        local: bool,
    },
    /// Generalised Langevin.
    Gle {
        /// The file with the drift matrix.
        drift: PathBuf,
        /// The file with the covariance matrix.
        covariance: Option<PathBuf>,
        /// BAOAB (`true`) or OBABO; none leaves it to the barostat.
        middle: Option<bool>,
    },
    /// Andersen's collisions.
    Andersen {
        /// Rate of an atom's collisions (inverse internal time).
        rate: f64,
    },
    /// Berendsen's weak coupling.
    Berendsen {
        /// Relaxation time (internal).
        time: f64,
    },
}

impl ThermostatDeck {
    /// Whether it multiplies all velocities by one factor, so that a centre of mass at rest stays so.
    pub fn is_global(&self) -> bool {
        match self {
            ThermostatDeck::VelocityRescaling { local, .. }
            | ThermostatDeck::NoseHoover { local, .. } => !local,
            ThermostatDeck::Berendsen { .. } => true,
            _ => false,
        }
    }

    /// Whether it asks for a place in the middle of the step or at its ends; none when it has no say.
    pub fn middle(&self) -> Option<bool> {
        match self {
            ThermostatDeck::Langevin { middle, .. } | ThermostatDeck::Gle { middle, .. } => *middle,
            _ => Some(false),
        }
    }
}

/// How the pressure is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct BarostatDeck {
    /// The method.
    pub method: BarostatMethod,
    /// Target of xx, yy, zz, yz, xz, xy (eV/Å^3) at the start.
    pub stress: [f64; 6],
    /// Target at the end; none when it stays.
    pub final_stress: Option<[f64; 6]>,
    /// Which strains are coupled.
    pub coupling: Coupling,
    /// The axis (0 to 2) of semi-isotropic coupling.
    pub axis: usize,
    /// Strains that are not allowed, in the order of the stress.
    pub fixed: [bool; 6],
    /// Relaxation time or period (internal).
    pub time: f64,
}

/// The ways of keeping the pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BarostatMethod {
    /// Stochastic cell rescaling.
    CellRescaling {
        /// Estimate of the bulk modulus (eV/Å^3).
        bulk_modulus: f64,
    },
    /// Martyna–Tobias–Klein.
    Mtk {
        /// Members of the chain on the cell.
        chain: usize,
        /// Estimate of the bulk modulus (eV/Å^3).
        bulk_modulus: f64,
    },
    /// Bussi–Zykova–Parrinello.
    Bzp {
        /// Friction on the cell (inverse internal time).
        friction: f64,
        /// Estimate of the bulk modulus (eV/Å^3).
        bulk_modulus: f64,
    },
    /// Berendsen's weak coupling.
    Berendsen {
        /// Estimate of the bulk modulus (eV/Å^3).
        bulk_modulus: f64,
    },
}

/// Which strains a barostat couples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coupling {
    /// The volume only.
    Isotropic,
    /// One axis, and the two others together.
    SemiIsotropic,
    /// Each axis by itself.
    Anisotropic,
    /// All six.
    Triclinic,
}

/// Some of the atoms, with a thermostat of their own, or held.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupDeck {
    /// Its name.
    pub name: String,
    /// Ranges of atoms (first and last, counted from 0); all when empty.
    pub atoms: Vec<(u32, u32)>,
    /// Only these elements; all when empty.
    pub elements: Vec<Element>,
    /// Axes along which its atoms do not move.
    pub held: [bool; 3],
    /// Target temperature (K); none: that of the run.
    pub temperature: Option<f64>,
    /// Its own thermostat.
    pub thermostat: Option<ThermostatDeck>,
}

const SPLITTINGS: OneOf<bool> = OneOf(&[("baoab", true), ("obabo", false)]);
const SCOPES: OneOf<bool> = OneOf(&[("global", false), ("local", true)]);
const SPLITTING: &str = "Where friction and noise stand in the step: in the middle (best averages of positions) or at both ends.";
const TIME: &str = "Relaxation time; shorter is tighter.";

fn chain(t: &Table<'_>) -> Option<usize> {
    let most = crate::dynamics::LONGEST_CHAIN as u64;
    let doc = "Number of thermostats in a chain.";
    let n = t.key("chain", Count { least: 1, most }, doc).or("3")?;
    usize::try_from(n).ok()
}

/// Every thermostat.
pub(super) const THERMOSTATS: &[Variant<ThermostatDeck>] = &[
    Variant {
        name: "langevin",
        doc: "Langevin dynamics: friction and noise on every atom.",
        read: |t| {
            let doc = "Friction coefficient; larger is tighter, and disturbs the dynamics more.";
            let friction = t
                .key("friction", Quantity(Dimension::RATE), doc)
                .positive()
                .or("1 /ps");
            let middle = t
                .key("splitting", SPLITTINGS, SPLITTING)
                .optional("`\"baoab\"`; `\"obabo\"` with a barostat that has inertia");
            Some(ThermostatDeck::Langevin {
                friction: friction?,
                middle,
            })
        },
    },
    Variant {
        name: "velocity_rescaling",
        doc: "Stochastic velocity rescaling: one random factor for all velocities.",
        read: |t| {
            let time = t
                .key("time", Quantity(Dimension::TIME), TIME)
                .positive()
                .or("0.1 ps");
            let doc = "One factor for the whole group, or one for each atom.";
            let local = t.key("scope", SCOPES, doc).or("global");
            Some(ThermostatDeck::VelocityRescaling {
                time: time?,
                local: local?,
            })
        },
    },
    Variant {
        name: "nose_hoover",
        doc: "Nosé-Hoover chains: deterministic and smooth.",
        read: |t| {
            let doc = "Time in which the thermostat answers; near a period of the vibrations.";
            let shortest = 10.0 * t.cx.timestep.get().unwrap_or(0.0);
            let time = t
                .key("time", Quantity(Dimension::TIME), doc)
                .positive()
                .warn_if(
                    |time| *time < shortest,
                    "this is less than ten time steps: the chain moves faster than it can be followed",
                    "0.1 ps suits most systems",
                )
                .or("0.1 ps");
            let chain = chain(t);
            let doc = "One chain for the whole group, or one for each degree of freedom.";
            let local = t.key("scope", SCOPES, doc).or("global");
            Some(ThermostatDeck::NoseHoover {
                time: time?,
                chain: chain?,
                local: local?,
            })
        },
    },
    Variant {
        name: "gle",
        doc: "Generalised Langevin equation: coloured noise from matrices of GLE4MD.",
        read: |t| {
            let doc = "File with the drift matrix A, as text of GLE4MD or in i-PI's form.";
            let drift = t.key("drift", InFile, doc).required("\"A.txt\"");
            let doc = "File with the covariance matrix C, for quantum thermostats.";
            let covariance = t
                .key("covariance", InFile, doc)
                .optional("canonical sampling at `temperature`");
            let middle = t
                .key("splitting", SPLITTINGS, SPLITTING)
                .optional("`\"baoab\"`; `\"obabo\"` with a barostat that has inertia");
            Some(ThermostatDeck::Gle {
                drift: drift?,
                covariance,
                middle,
            })
        },
    },
    Variant {
        name: "andersen",
        doc: "Andersen's collisions: velocities drawn anew at random times.",
        read: |t| {
            let doc = "How often each atom collides.";
            let rate = t
                .key("rate", Quantity(Dimension::RATE), doc)
                .positive()
                .or("1 /ps");
            Some(ThermostatDeck::Andersen { rate: rate? })
        },
    },
    Variant {
        name: "berendsen",
        doc: "Berendsen's weak coupling: for equilibration only, it samples no ensemble.",
        read: |t| {
            let time = t
                .key("time", Quantity(Dimension::TIME), TIME)
                .positive()
                .or("0.1 ps");
            t.complain(
                Diagnostic::warning("Berendsen's thermostat suppresses the fluctuations of the temperature: it samples no ensemble")
                    .maybe_at(t.place(), "")
                    .help("use it to equilibrate, and `velocity_rescaling` (as tight, and right) for averages"),
            );
            Some(ThermostatDeck::Berendsen { time: time? })
        },
    },
];

/// What a deck says about a thermostat or a barostat.
pub(super) enum Asked<T> {
    /// Nothing.
    Absent,
    /// That there is none: `"none"`.
    Declined,
    /// This one.
    For(T),
}

impl<T> Asked<T> {
    /// What it comes to where absence means none.
    pub fn given(self) -> Option<T> {
        self.or(None)
    }

    /// What it comes to where absence means `other`.
    pub fn or(self, other: Option<T>) -> Option<T> {
        match self {
            Asked::Absent => other,
            Asked::Declined => None,
            Asked::For(x) => Some(x),
        }
    }
}

/// Reads `thermostat`. None when something was wrong.
pub(super) fn thermostat(
    t: &Table<'_>,
    doc: &'static str,
    has_temperature: bool,
    assumed: bool,
) -> Option<Asked<ThermostatDeck>> {
    if t.is_declined("thermostat") {
        return Some(Asked::Declined);
    }
    match t.choice_table("thermostat", doc, THERMOSTATS) {
        Choice::Failed => None,
        Choice::Chosen(_, thermostat) => {
            if !has_temperature {
                t.complain(
                    Diagnostic::error("a thermostat needs a `temperature`")
                        .maybe_at(t.key_place("thermostat"), "")
                        .and_at(t.place(), "to be added here")
                        .help(format!(
                            "add for example `temperature = \"300 K\"` to {}, or remove the thermostat for NVE",
                            t.title()
                        )),
                );
            }
            Some(Asked::For(thermostat))
        }
        Choice::Absent if assumed => {
            let sub = t.table_assumed("thermostat", |t| t.assume("langevin", THERMOSTATS));
            sub.map(Asked::For)
        }
        Choice::Absent => Some(Asked::Absent),
    }
}

const COMPONENTS: [&str; 6] = ["x", "y", "z", "yz", "xz", "xy"];

/// A list of words out of a few.
pub(super) struct Words(pub &'static [&'static str]);

impl Kind for Words {
    type Value = Vec<usize>;
    fn wanted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|w| quote(w)).collect();
        format!("a list of {}", words.join(", "))
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<usize>> {
        let Value::List(items) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let mut found = Vec::new();
        for item in items {
            let place = match &item.value {
                Value::Text(word) => self.0.iter().position(|w| w == word),
                _ => None,
            };
            match place {
                Some(k) => found.push(k),
                None => {
                    return Err(Box::new(
                        Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                            .at(item.place.clone(), ""),
                    ));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        let words: Vec<String> = found.iter().map(|k| quote(self.0[*k])).collect();
        Ok((found, format!("[{}]", words.join(", "))))
    }
}

/// A pressure, or the six components of a stress.
struct Stress;

impl Kind for Stress {
    type Value = [f64; 6];
    fn wanted(&self) -> String {
        "a pressure, or a list of six: xx, yy, zz, yz, xz, xy".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<[f64; 6]> {
        let one = Quantity(Dimension::PRESSURE);
        let Value::List(items) = &node.value else {
            let (p, text) = one.read(name, node, cx)?;
            return Ok(([p, p, p, 0.0, 0.0, 0.0], text));
        };
        if items.len() != 6 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        }
        let mut stress = [0.0; 6];
        let mut texts = Vec::new();
        for (s, item) in stress.iter_mut().zip(items) {
            let (value, text) = one.read(name, item, cx)?;
            *s = value;
            texts.push(text);
        }
        Ok((stress, format!("[{}]", texts.join(", "))))
    }
}

fn barostat_keys(
    t: &Table<'_>,
    method: impl FnOnce(&Table<'_>) -> Option<BarostatMethod>,
) -> Option<BarostatDeck> {
    const COUPLINGS: OneOf<Coupling> = OneOf(&[
        ("isotropic", Coupling::Isotropic),
        ("semi-isotropic", Coupling::SemiIsotropic),
        ("anisotropic", Coupling::Anisotropic),
        ("triclinic", Coupling::Triclinic),
    ]);
    const AXES: OneOf<usize> = OneOf(&[("x", 0), ("y", 1), ("z", 2)]);
    let doc = "Target pressure, positive for compression, or the six components of a stress.";
    let stress = t.key("pressure", Stress, doc).required("\"1 bar\"");
    let doc = "Target at the end of the run or stage; goes there in a straight line.";
    let final_stress = t.key("final_pressure", Stress, doc).optional("no change");
    let doc = "Which strains answer: the volume; one axis and the two others; each axis; all six.";
    let coupling = t.key("coupling", COUPLINGS, doc).or("isotropic");
    let doc = "The axis that stands alone in semi-isotropic coupling.";
    let axis = t.key("axis", AXES, doc).or("z");
    let doc = "Strains that are not allowed.";
    let fixed = t.key("fixed", Words(&COMPONENTS), doc).or_as("[]", "none");
    let doc = "Relaxation time of the volume; with `mtk` and `bzp` the period of its oscillation.";
    let time = t
        .key("time", Quantity(Dimension::TIME), doc)
        .positive()
        .or("1 ps");
    let method = method(t);
    let mut mask = [false; 6];
    fixed?.iter().for_each(|&k| mask[k] = true);
    let (coupling, axis) = (coupling?, axis?);
    let left = match coupling {
        Coupling::Isotropic => usize::from(!mask.contains(&true)),
        Coupling::SemiIsotropic => (0..3).filter(|&k| !mask[k]).count(),
        Coupling::Anisotropic => (0..3).filter(|&k| !mask[k]).count(),
        Coupling::Triclinic => (0..6).filter(|&k| !mask[k]).count(),
    };
    let place = t.place_of("fixed");
    if coupling == Coupling::Isotropic && mask.contains(&true) {
        t.complain(
            Diagnostic::error("isotropic coupling cannot hold single strains")
                .maybe_at(place, "")
                .help("write `coupling = \"anisotropic\"` or \"triclinic\" beside it"),
        );
        return None;
    }
    let unused = match coupling {
        Coupling::SemiIsotropic if (0..3).any(|k| k != axis && mask[k]) => Some(
            "semi-isotropic coupling has one strain for the two axes across: neither of them changes now",
        ),
        Coupling::SemiIsotropic | Coupling::Anisotropic if mask[3..].contains(&true) => {
            Some("this coupling does not shear the cell: what is held here does not move anyway")
        }
        _ => None,
    };
    if let Some(text) = unused {
        t.complain(Diagnostic::warning(text).maybe_at(place.clone(), ""));
    }
    let uneven = |s: &[f64; 6]| s[0] != s[1] || s[1] != s[2] || s[3..] != [0.0; 3];
    let targets = [("pressure", stress), ("final_pressure", final_stress)];
    for (key, target) in targets {
        if coupling == Coupling::Isotropic && target.is_some_and(|s| uneven(&s)) {
            t.complain(
                Diagnostic::warning(
                    "isotropic coupling changes the volume only, and keeps the mean of xx, yy and zz",
                )
                .maybe_at(t.place_of(key), "")
                .help("write `coupling = \"anisotropic\"` or \"triclinic\" for a stress with components of its own"),
            );
        }
    }
    if left == 0 {
        t.complain(Diagnostic::error("no strain is left for the barostat").maybe_at(place, ""));
        return None;
    }
    Some(BarostatDeck {
        method: method?,
        stress: stress?,
        final_stress,
        coupling,
        axis,
        fixed: mask,
        time: time?,
    })
}

fn bulk_modulus(t: &Table<'_>) -> Option<f64> {
    let doc =
        "Rough bulk modulus: with `time` it sets how fast the cell answers, not what is sampled.";
    t.key("bulk_modulus", Quantity(Dimension::PRESSURE), doc)
        .positive()
        .or("10 GPa")
}

/// Every barostat.
const BAROSTATS: &[Variant<BarostatDeck>] = &[
    Variant {
        name: "cell_rescaling",
        doc: "Stochastic cell rescaling: no oscillation, right fluctuations; the first choice.",
        read: |t| {
            barostat_keys(t, |t| {
                let bulk_modulus = bulk_modulus(t)?;
                Some(BarostatMethod::CellRescaling { bulk_modulus })
            })
        },
    },
    Variant {
        name: "mtk",
        doc: "Martyna-Tobias-Klein: a cell with inertia and Nosé-Hoover chains.",
        read: |t| {
            barostat_keys(t, |t| {
                let (chain, bulk_modulus) = (chain(t), bulk_modulus(t));
                Some(BarostatMethod::Mtk {
                    chain: chain?,
                    bulk_modulus: bulk_modulus?,
                })
            })
        },
    },
    Variant {
        name: "bzp",
        doc: "Bussi-Zykova-Parrinello: a cell with inertia, friction and noise.",
        read: |t| {
            barostat_keys(t, |t| {
                let doc = "Friction on the motion of the cell.";
                let friction = t.key("friction", Quantity(Dimension::RATE), doc);
                let friction = friction.positive().or("1 /ps");
                let bulk_modulus = bulk_modulus(t);
                Some(BarostatMethod::Bzp {
                    friction: friction?,
                    bulk_modulus: bulk_modulus?,
                })
            })
        },
    },
    Variant {
        name: "berendsen",
        doc: "Berendsen's weak coupling: for equilibration only, it samples no ensemble.",
        read: |t| {
            t.complain(
                Diagnostic::warning("Berendsen's barostat suppresses the fluctuations of the volume: it samples no ensemble")
                    .maybe_at(t.place(), "")
                    .help("use it to equilibrate, and `cell_rescaling` (as smooth, and right) for averages"),
            );
            barostat_keys(t, |t| {
                let bulk_modulus = bulk_modulus(t)?;
                Some(BarostatMethod::Berendsen { bulk_modulus })
            })
        },
    },
];

/// Reads `barostat`. None when something was wrong.
pub(super) fn barostat(t: &Table<'_>, has_temperature: bool) -> Option<Asked<BarostatDeck>> {
    let doc = "How the pressure is kept (NPT), or \"none\". Without it the cell is fixed; a stage does as [md].";
    if t.is_declined("barostat") {
        return Some(Asked::Declined);
    }
    match t.choice_table("barostat", doc, BAROSTATS) {
        Choice::Failed => None,
        Choice::Absent => Some(Asked::Absent),
        Choice::Chosen(_, barostat) => {
            if !has_temperature {
                t.complain(
                    Diagnostic::error("a barostat needs a `temperature`")
                        .maybe_at(t.key_place("barostat"), "")
                        .and_at(t.place(), "to be added here")
                        .help("the fluctuations of the volume depend on it: add for example `temperature = \"300 K\"`"),
                );
            }
            Some(Asked::For(barostat))
        }
    }
}

/// Atoms as ranges in a text, `"0-31, 40"`, or a list of numbers.
pub(super) struct AtomRanges;

impl Kind for AtomRanges {
    type Value = Vec<(u32, u32)>;
    fn wanted(&self) -> String {
        "atoms counted from 0, as in \"0-31, 40\"".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<(u32, u32)>> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (a, b) = part.split_once('-').unwrap_or((part, part));
            match (a.trim().parse::<u32>(), b.trim().parse::<u32>()) {
                (Ok(a), Ok(b)) if a <= b => ranges.push((a, b)),
                _ => {
                    return Err(Box::new(
                        Diagnostic::error(format!("`{name}` must be {}", self.wanted())).at(
                            node.place.clone(),
                            format!("`{}` is not a range", part.trim()),
                        ),
                    ));
                }
            }
        }
        Ok((ranges, quote(text)))
    }
}

/// Reads `[[md.group]]`.
pub(super) fn group(t: &Table<'_>, has_temperature: bool) -> Option<GroupDeck> {
    let name = t
        .key("name", Name, "What the group is called.")
        .required("\"wall\"");
    let atoms = t.key("atoms", AtomRanges, "Its atoms.").optional("all");
    let elements = t
        .key("elements", Elements, "Only atoms of these elements.")
        .optional("all");
    if atoms.is_none() && elements.is_none() && !t.cx.describing {
        t.complain(
            Diagnostic::error("the group does not say which atoms are in it")
                .maybe_at(t.place(), "")
                .help("add `atoms = \"0-31\"` or `elements = [\"H\"]`"),
        );
    }
    let doc = "Axes along which its atoms do not move.";
    let fixed = t
        .key("fixed", Words(&["x", "y", "z"]), doc)
        .or_as("[]", "none");
    let doc = "Target temperature of the group's thermostat.";
    let temperature = t
        .key("temperature", Quantity(Dimension::TEMPERATURE), doc)
        .not_negative()
        .optional("that of the run");
    let known = has_temperature || t.place_of("temperature").is_some();
    let doc = "The group's own thermostat; without it, the run's thermostat acts on it.";
    let thermostat = thermostat(t, doc, known, false);
    let mut held = [false; 3];
    fixed?.iter().for_each(|&k| held[k] = true);
    Some(GroupDeck {
        name: name?,
        atoms: atoms.unwrap_or_default(),
        elements: elements.unwrap_or_default(),
        held,
        temperature,
        thermostat: thermostat?.given(),
    })
}
