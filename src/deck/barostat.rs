//! Barostats: what keeps the pressure of a run or a stage.

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::ensemble::{Asked, chain};
use super::kinds::{Kind, OneOf, Quantity, Read, Words};
use super::reader::{Choice, Context, Table, Variant};
use crate::units::Dimension;

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
    /// Whether molecules, rather than atoms, follow the cell.
    pub molecules: bool,
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

/// What moves with the cell: atoms, or (true) molecules.
const BODIES: OneOf<bool> = OneOf(&[("atoms", false), ("molecules", true)]);

/// Reads `pressure_of`: whether the pressure of a cell that stays is that of molecules.
pub(super) fn pressure_of(t: &Table<'_>) -> bool {
    let doc = "Of what the pressure is where no barostat decides it: of atoms, or of the centres of mass of molecules, which has the \
               same mean without the noise of their bonds.";
    let place = t.key_place("pressure_of");
    let found = t.key("pressure_of", BODIES, doc).optional("`atoms`");
    let kept = t.key_place("barostat").is_some() && !t.cx.staged.get() && !t.cx.governed.get();
    if let (true, Some(place)) = (kept, &place) {
        t.complain(
            Diagnostic::warning("the barostat decides of what the pressure is")
                .at(place.clone(), "")
                .help("write `scale = \"molecules\"` in the barostat"),
        );
    }
    found.unwrap_or(false)
}

const COMPONENTS: [&str; 6] = ["x", "y", "z", "yz", "xz", "xy"];

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
    let stress = t.key("pressure", Stress, doc);
    let stress = match t.cx.governed.get() {
        true => match t.key_place("pressure") {
            Some(place) => {
                t.complain(
                    Diagnostic::error("the pressure of a state point is not given here")
                        .at(place, "")
                        .help("each point has its own: `pressures` of [eos.fluid]"),
                );
                stress.optional("that of the state point");
                None
            }
            None => {
                stress.optional("that of the state point");
                Some([0.0; 6])
            }
        },
        false => stress.required("\"1 bar\""),
    };
    let doc = "Target at the end of the run or stage; goes there in a straight line.";
    let final_stress = t.key("final_pressure", Stress, doc).optional("no change");
    if let (true, Some(place)) = (t.cx.governed.get(), t.key_place("final_pressure")) {
        t.complain(Diagnostic::error("a state point has one pressure").at(place, ""));
    }
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
    let doc = "What follows the cell and whose pressure it feels: every atom, or the centres of mass of molecules, which keep their shape.";
    let molecules = t.key("scale", BODIES, doc).optional("`atoms`");
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
        molecules: molecules.unwrap_or(false),
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
pub(super) fn read(t: &Table<'_>, has_temperature: bool) -> Option<Asked<BarostatDeck>> {
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
