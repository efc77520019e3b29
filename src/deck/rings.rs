//! `[md] beads`: quantum nuclei as ring polymers, how they move, and what is estimated from them.

use super::atoms::{self, AtomsDeck};
use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::ensemble::Asked;
use super::kinds::{
    Count, Flag, InFile, Kind, Mass, Name, Number, OneOf, OutFile, Quantity, Read, mismatch,
};
use super::reader::{Choice, Context, Table, Variant};
use super::resolved::quote;
use crate::dynamics::rings::{Order, Propagator};
use crate::units::Dimension;
use std::path::PathBuf;

/// The most beads of a ring.
pub const MOST_BEADS: u32 = 4095;

/// How many beads a ring has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beads {
    /// So many.
    Given(u32),
    /// As many as the fastest vibration of the model needs at the temperature.
    Auto,
}

/// How ring polymers move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RingsDeck {
    /// How free rings move; none: as suits their thermostat.
    pub propagator: Option<Propagator>,
    /// The splitting of the Boltzmann operator.
    pub order: Order,
    /// A frequency (inverse internal time) that all internal modes are given by masses of their own.
    pub frequency: Option<f64>,
    /// On how many beads a term of the potential is evaluated, by name.
    pub contraction: Vec<(String, u32)>,
}

/// What keeps the internal modes at the temperature.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModeThermostatDeck {
    /// Friction in proportion to the frequency of each mode.
    Pile {
        /// 1 damps free modes critically.
        lambda: f64,
    },
    /// Generalised Langevin, with matrices for each mode or the same for all.
    Gle {
        /// The file with the drift matrices.
        drift: PathBuf,
        /// The file with the covariance matrices.
        covariance: Option<PathBuf>,
    },
}

/// Estimates that need evaluations of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EstimatorsDeck {
    /// The heat capacity by the double virial.
    pub heat_capacity: bool,
    /// What another mass would change.
    pub isotopes: Vec<IsotopeDeck>,
    /// The momentum distribution of an atom.
    pub momentum: Option<MomentumDeck>,
}

/// Some of the atoms with another mass.
#[derive(Clone, Debug, PartialEq)]
pub struct IsotopeDeck {
    /// What it is called.
    pub name: String,
    /// The atoms.
    pub atoms: AtomsDeck,
    /// Their other mass (amu).
    pub mass: f64,
}

/// The momentum distribution of an atom, by displaced paths.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentumDeck {
    /// The atom, counted from 0.
    pub atom: u32,
    /// The largest distance between the ends of its path (Å).
    pub largest: f64,
    /// Number of distances.
    pub points: u32,
    /// The table.
    pub file: PathBuf,
}

/// A number of beads, or "auto".
struct BeadsKind;

impl Kind for BeadsKind {
    type Value = Beads;
    fn wanted(&self) -> String {
        format!(
            "a whole number from 1 to {MOST_BEADS}, or {}",
            quote("auto")
        )
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Beads> {
        match &node.value {
            Value::Text(text) if text == "auto" => Ok((Beads::Auto, quote("auto"))),
            Value::Text(_) => Err(Box::new(
                mismatch(name, &self.wanted(), node)
                    .help("32 beads suit most systems with hydrogen at 300 K"),
            )),
            _ => {
                let most = u64::from(MOST_BEADS);
                let (n, text) = Count { least: 1, most }.read(name, node, cx)?;
                Ok((Beads::Given(u32::try_from(n).unwrap_or(MOST_BEADS)), text))
            }
        }
    }
}

/// Reads `beads`.
pub(super) fn beads(t: &Table<'_>, has_temperature: bool) -> Option<Beads> {
    let doc = "Quantum nuclei: beads of the ring polymers; \"auto\" takes as many as the fastest vibration needs.";
    let beads = t
        .key("beads", BeadsKind, doc)
        .or_as("1", "1: classical nuclei")?;
    if beads != Beads::Given(1) && !has_temperature {
        t.complain(
            Diagnostic::error("quantum nuclei need a `temperature`")
                .maybe_at(t.place_of("beads"), "")
                .help("the springs between the beads depend on it: add for example `temperature = \"300 K\"`"),
        );
    }
    t.cx.quantum.set(beads != Beads::Given(1));
    Some(beads)
}

/// Whether a deck of classical nuclei leaves a table out: then nothing of it is written into the resolved deck.
fn is_idle(t: &Table<'_>, beads: Option<Beads>, name: &str) -> bool {
    beads == Some(Beads::Given(1)) && t.key_place(name).is_none() && !t.cx.describing
}

/// Reads `[md.ring_polymer]`.
pub(super) fn read(t: &Table<'_>, beads: Option<Beads>) -> Option<RingsDeck> {
    if is_idle(t, beads, "ring_polymer") {
        return Some(RingsDeck::default());
    }
    const PROPAGATORS: OneOf<Propagator> =
        OneOf(&[("exact", Propagator::Exact), ("cayley", Propagator::Cayley)]);
    const ORDERS: OneOf<Order> = OneOf(&[
        ("trotter", Order::Second),
        ("takahashi_imada", Order::TakahashiImada),
        ("suzuki_chin", Order::SuzukiChin { alpha: 0.0 }),
    ]);
    let doc = "How the ring polymers of quantum nuclei move.";
    t.table("ring_polymer", doc, |t| {
        let doc = "How free rings move: as their springs do, or by Cayley's transform, which no time step makes unstable.";
        let propagator = t
            .key("propagator", PROPAGATORS, doc)
            .optional("`\"cayley\"` where the modes have a thermostat, else `\"exact\"`");
        let doc = "How fast the number of beads converges: Trotter's splitting is of second order, the others of fourth, \
                   for one to two more evaluations of the forces.";
        let order = t.key("order", ORDERS, doc).or("trotter");
        let doc = "Suzuki and Chin's free number between 0 and 1; 0 needs the fewest evaluations.";
        let alpha = t
            .key("alpha", Number, doc)
            .must_be("between 0 and 1", |a| (0.0..=1.0).contains(a))
            .optional("0");
        let doc = "One frequency for all internal modes, by masses of their own: partially adiabatic centroid dynamics.";
        let frequency = t
            .key("frequency", Quantity(Dimension::RATE), doc)
            .positive()
            .optional("the masses of the atoms");
        let doc = "On how many beads a named term of the potential is evaluated: slow and smooth ones need few.";
        let contraction = t.optional_table("contraction", doc, |t| Some(contraction(t)));
        let order = match (order?, alpha) {
            (Order::SuzukiChin { .. }, alpha) => Order::SuzukiChin { alpha: alpha.unwrap_or(0.0) },
            (other, Some(_)) => {
                t.complain(
                    Diagnostic::warning("only `order = \"suzuki_chin\"` has an `alpha`")
                        .maybe_at(t.place_of("alpha"), ""),
                );
                other
            }
            (other, None) => other,
        };
        let contraction = contraction.unwrap_or_default();
        if order != Order::Second && !contraction.is_empty() {
            t.complain(
                Diagnostic::error("operators of fourth order need all terms on all beads")
                    .maybe_at(t.key_place("contraction"), "")
                    .and_at(t.place_of("order"), "")
                    .help("remove one of the two"),
            );
        }
        if let (Order::SuzukiChin { .. }, Some(Beads::Given(n))) = (order, beads)
            && n % 2 == 1
        {
            t.complain(
                Diagnostic::error("Suzuki and Chin's splitting needs an even number of beads")
                    .maybe_at(t.place_of("order"), "")
                    .help(format!("write `beads = {}` in [md]", n + 1)),
            );
        }
        Some(RingsDeck { propagator, order, frequency, contraction })
    })
}

fn contraction(t: &Table<'_>) -> Vec<(String, u32)> {
    let most = u64::from(MOST_BEADS);
    let doc = "Beads of the term of this name.";
    let mut found = Vec::new();
    for key in t.free_keys("TERM") {
        let n = t
            .key(&key.name, Count { least: 1, most }, doc)
            .optional("all");
        found.extend(n.and_then(|n| Some((key.name, u32::try_from(n).ok()?))));
    }
    found
}

/// Every thermostat of internal modes.
const MODE_THERMOSTATS: &[Variant<ModeThermostatDeck>] = &[
    Variant {
        name: "pile",
        doc: "Path-integral Langevin: friction in proportion to the frequency of each mode.",
        read: |t| {
            let doc = "Friction in units of twice the frequency of a mode: 1 samples best, 0.5 is thermostatted RPMD.";
            let lambda = t.key("lambda", Number, doc).positive().or("1");
            Some(ModeThermostatDeck::Pile { lambda: lambda? })
        },
    },
    Variant {
        name: "gle",
        doc: "Generalised Langevin with matrices for each mode (PIGLET), the first for the centroid, or one for all (PI+GLE).",
        read: |t| {
            let doc = "File with the drift matrices A, in i-PI's form or as text of GLE4MD.";
            let drift = t.key("drift", InFile, doc).required("\"A.txt\"");
            let doc = "File with the covariance matrices C.";
            let covariance = t
                .key("covariance", InFile, doc)
                .optional("canonical sampling at `temperature`");
            Some(ModeThermostatDeck::Gle {
                drift: drift?,
                covariance,
            })
        },
    },
];

/// Reads `mode_thermostat`. None when something was wrong.
pub(super) fn mode_thermostat(t: &Table<'_>) -> Option<Asked<ModeThermostatDeck>> {
    let doc = "How the internal modes of ring polymers are kept at the temperature, or \"none\" (RPMD); a stage does as [md].";
    if t.is_declined("mode_thermostat") {
        return Some(Asked::Declined);
    }
    match t.choice_table("mode_thermostat", doc, MODE_THERMOSTATS) {
        Choice::Failed => None,
        Choice::Absent => Some(Asked::Absent),
        Choice::Chosen(_, thermostat) => Some(Asked::For(thermostat)),
    }
}

/// Reads `[md.estimators]`.
pub(super) fn estimators(t: &Table<'_>, beads: Option<Beads>) -> Option<EstimatorsDeck> {
    if is_idle(t, beads, "estimators") {
        return Some(EstimatorsDeck::default());
    }
    let doc = "Estimates for quantum nuclei that need evaluations of the energy of their own, at every row of the table.";
    t.table("estimators", doc, |t| {
        let doc = "The heat capacity, by scaled coordinates (double virial): two more energies of all beads.";
        let heat_capacity = t.key("heat_capacity", Flag, doc).or("false");
        let doc = "What another mass of some atoms would change: the quantum part h of the ratio of partition functions.";
        let isotopes = t.tables("isotope", doc, |t| {
            let name = t
                .key("name", Name, "What the isotope is called.")
                .required("\"D\"");
            let atoms = atoms::read(t, "the isotope does not say which atoms it replaces", true);
            let mass = t
                .key("mass", Mass(None), "The other mass of these atoms.")
                .required("\"2.014 u\"");
            Some(IsotopeDeck { name: name?, atoms: atoms?, mass: mass? })
        });
        let doc = "The momentum distribution of one atom, by paths with displaced ends.";
        let momentum = t.optional_table("momentum", doc, |t| {
            let most = u64::from(u32::MAX);
            let atom = t
                .key("atom", Count { least: 0, most }, "The atom, counted from 0.")
                .required("0");
            let doc = "Largest distance between the ends of the path.";
            let largest = t
                .key("largest", Quantity(Dimension::LENGTH), doc)
                .positive()
                .or("0.8 Å");
            let doc = "Number of distances, each one more energy of all beads along each of the three axes.";
            let points = t.key("points", Count { least: 2, most: 200 }, doc).or("12");
            let file = t
                .key("file", OutFile, "The table (CSV).")
                .required("\"momentum.csv\"");
            Some(MomentumDeck {
                file: file?,
                atom: u32::try_from(atom?).ok()?,
                largest: largest?,
                points: u32::try_from(points?).ok()?,
            })
        });
        Some(EstimatorsDeck {
            heat_capacity: heat_capacity?,
            isotopes: isotopes.unwrap_or_default().into_iter().collect::<Option<_>>()?,
            momentum,
        })
    })
}
