//! Thermostats: what keeps the temperature of a run, a stage or a group.

use super::diagnostics::Diagnostic;
use super::ensemble::{Asked, chain};
use super::kinds::{InFile, OneOf, Quantity};
use super::reader::{Choice, Table, Variant};
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

const SPLITTINGS: OneOf<bool> = OneOf(&[("baoab", true), ("obabo", false)]);
const SCOPES: OneOf<bool> = OneOf(&[("global", false), ("local", true)]);
const SPLITTING: &str = "Where friction and noise stand in the step: in the middle (best averages of positions) or at both ends.";
const TIME: &str = "Relaxation time; shorter is tighter.";

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

/// Reads `thermostat`. None when something was wrong.
pub(super) fn read(
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
