//! `[md]`: molecular dynamics.

use super::barostat::{self, BarostatDeck};
use super::constraints::{self, ConstraintsDeck};
use super::diagnostics::Diagnostic;
use super::ensemble::Asked;
use super::exchange::{self, ExchangeDeck};
use super::group::{self, GroupDeck};
use super::kinds::{Count, Flag, OneOf, Quantity, Steps};
use super::reader::Table;
use super::reliability::{self, ReliabilityDeck};
use super::rings::{self, Beads, EstimatorsDeck, ModeThermostatDeck, RingsDeck};
use super::stage::StageDeck;
use super::thermostat::{self, ThermostatDeck};
use crate::dynamics::MOST_SUBSTEPS;
use crate::units::{Dimension, FS};

/// Molecular dynamics.
#[derive(Clone, Debug, PartialEq)]
pub struct MdDeck {
    /// Time step (internal units).
    pub timestep: f64,
    /// Number of steps.
    pub steps: u64,
    /// Temperature (K) of the thermostat and of thermal velocities.
    pub temperature: Option<f64>,
    /// Temperature (K) at the end of the run, reached in a straight line.
    pub final_temperature: Option<f64>,
    /// None is NVE.
    pub thermostat: Option<ThermostatDeck>,
    /// None is a cell that stays.
    pub barostat: Option<BarostatDeck>,
    /// Whether the pressure of a cell that stays is that of whole molecules; a barostat has its own.
    pub molecular_pressure: bool,
    /// Atoms with a thermostat of their own, or held.
    pub groups: Vec<GroupDeck>,
    /// Bonds of fixed length.
    pub constraints: Option<ConstraintsDeck>,
    /// Beads of the ring polymers of quantum nuclei; one for classical ones.
    pub beads: Beads,
    /// How ring polymers move.
    pub rings: RingsDeck,
    /// What keeps their internal modes at the temperature.
    pub mode_thermostat: Option<ModeThermostatDeck>,
    /// Estimates that need evaluations of their own.
    pub estimators: EstimatorsDeck,
    /// How often in a step a term of the potential is evaluated, by name; once when it is not here.
    pub substeps: Vec<(String, u32)>,
    /// The parts of the run; empty when it has none of its own.
    pub stages: Vec<StageDeck>,
    /// Where the first velocities come from.
    pub velocities: VelocitiesDeck,
    /// Whether the centre of mass is held; `None` leaves it to the ensemble.
    pub fix_centre_of_mass: Option<bool>,
    /// Whether the rotation about the centre of mass is held at zero.
    pub fix_rotation: bool,
    /// Whether the initial rotation about the centre of mass is removed.
    pub remove_rotation: bool,
    /// Seed of the random numbers; the run picks one when there is none.
    pub seed: Option<u64>,
    /// Independent copies of the system, run side by side.
    pub replicas: u32,
    /// Whether the replicas have temperatures of their own and change places.
    pub exchange: Option<ExchangeDeck>,
    /// How far beyond the cutoff neighbours are listed (Å).
    pub skin: f64,
    /// What ends a run that has gone wrong.
    pub guard: GuardDeck,
    /// What is done when the model says that it does not know where it is.
    pub reliability: Option<ReliabilityDeck>,
}

impl MdDeck {
    /// Number of beads of a ring, one for classical nuclei; what is to be found out must have been.
    pub fn ring_beads(&self) -> usize {
        match self.beads {
            Beads::Given(n) => n as usize,
            Beads::Auto => 1,
        }
    }
}

/// Where the first velocities come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VelocitiesDeck {
    /// The source.
    pub from: VelocitySource,
    /// Temperature (K) of thermal velocities: the key, else that of `[md]`.
    pub temperature: Option<f64>,
    /// Whether thermal velocities are scaled to have exactly this temperature.
    pub exact: bool,
}

/// The source of the first velocities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VelocitySource {
    /// The structure file when it has velocities, else thermal ones when a temperature is given, else zero.
    Auto,
    /// Drawn from the Maxwell-Boltzmann distribution.
    Thermal,
    /// The structure file.
    File,
    /// Atoms at rest.
    Zero,
}

/// What ends a run that has gone wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuardDeck {
    /// Whether the guard watches at all.
    pub enabled: bool,
    /// Smallest distance (Å) that two atoms may have; `None`: what the model says about its training data, if anything.
    pub closest: Option<f64>,
    /// Highest temperature (K); `None`: no limit.
    pub max_temperature: Option<f64>,
}

/// Reads `[md]`.
pub(super) fn read(t: &Table<'_>) -> Option<MdDeck> {
    let timestep = t
        .key(
            "timestep",
            Quantity(Dimension::TIME),
            "Time between two evaluations of the forces.",
        )
        .positive()
        .warn_if(
            |dt| *dt > 20.0 * FS,
            "a time step above 20 fs is too long for almost any atomic system",
            "0.5 fs to 2 fs are usual; was another unit meant?",
        )
        .required("\"1 fs\"");
    t.cx.timestep.set(timestep);
    let steps = length(t);
    t.cx.steps.set(steps);
    let temperature = t
        .key(
            "temperature",
            Quantity(Dimension::TEMPERATURE),
            "Temperature of the thermostat and of thermal velocities.",
        )
        .not_negative()
        .optional("none: no thermostat");
    let final_temperature = t
        .key(
            "final_temperature",
            Quantity(Dimension::TEMPERATURE),
            "Temperature at the end of the run, reached in a straight line.",
        )
        .not_negative()
        .optional("no change");
    let known = temperature.is_some()
        || t.place_of("temperature").is_some()
        || exchange::is_asked(t)
        || t.cx.governed.get();
    let doc = "How the temperature is kept. Without it: Langevin with a friction of 1 /ps when there is a \
               `temperature`, and none (NVE) otherwise. \"none\" is NVE in any case.";
    let thermostat = thermostat::read(t, doc, known, known);
    let barostat = barostat::read(t, known);
    let molecular_pressure = barostat::pressure_of(t);
    let beads = rings::beads(t, known);
    let rings = rings::read(t, beads);
    let mode_thermostat = rings::mode_thermostat(t);
    let estimators = rings::estimators(t, beads);
    quantum_only(t, beads);
    let doc = "Some of the atoms, with a thermostat of their own, or held in place.";
    let groups = t.tables("group", doc, |t| group::read(t, known));
    let constraints = constraints::read(t);
    let doc = "How often in each time step a named term of the potential is evaluated: fast terms often, slow ones once.";
    let substeps = t.optional_table("substeps", doc, |t| Some(substeps(t)));
    let velocities = velocities(t, temperature, known);
    let fix_centre_of_mass = t
        .key(
            "fix_centre_of_mass",
            Flag,
            "Keep the centre of mass at rest.",
        )
        .optional("what suits the ensemble");
    let fix_rotation = t
        .key(
            "fix_rotation",
            Flag,
            "Keep a molecule or cluster from turning.",
        )
        .or("false");
    let remove_rotation = t
        .key(
            "remove_rotation",
            Flag,
            "Remove the initial rotation of a molecule or cluster.",
        )
        .or("false");
    let seed = t
        .key(
            "seed",
            Count {
                least: 0,
                most: u64::MAX,
            },
            "Seed of the random numbers; the same seed gives the same run.",
        )
        .optional("the run picks one and records it");
    let exchange = exchange::read(t);
    let rungs = exchange.as_ref().map_or(1, |e| e.temperatures.len());
    let replicas = t
        .key(
            "replicas",
            Count {
                least: 1,
                most: 1 << 20,
            },
            "Independent copies of the system, with random numbers of their own.",
        )
        .or_as(
            &rungs.to_string(),
            "`1`; with `exchange` one for each temperature",
        );
    exchange::replicas(t, exchange.as_ref(), replicas);
    let skin = t
        .key(
            "skin",
            Quantity(Dimension::LENGTH),
            "How far beyond the cutoff neighbours are listed; changes the speed, not the results.",
        )
        .not_negative()
        .or("1 Å");
    let guard = t.table(
        "guard",
        "What ends a run that has gone wrong, before it wastes time.",
        guard,
    );
    let reliability = reliability::read(t);
    let mut md = MdDeck {
        timestep: timestep?,
        steps: steps?,
        temperature,
        final_temperature,
        thermostat: thermostat?.given(),
        barostat: barostat?.given(),
        molecular_pressure,
        groups: groups
            .unwrap_or_default()
            .into_iter()
            .collect::<Option<_>>()?,
        constraints: constraints?,
        beads: beads?,
        rings: rings?,
        mode_thermostat: match mode_thermostat? {
            Asked::Absent => Some(ModeThermostatDeck::Pile { lambda: 1.0 }),
            other => other.given(),
        },
        estimators: estimators?,
        substeps: substeps.unwrap_or_default(),
        stages: Vec::new(),
        velocities: velocities?,
        fix_centre_of_mass,
        fix_rotation: fix_rotation?,
        remove_rotation: remove_rotation?,
        seed,
        replicas: u32::try_from(replicas?).ok()?,
        exchange,
        skin: skin?,
        guard: guard?,
        reliability: reliability?,
    };
    exchange::fit(t, &mut md);
    Some(md)
}

/// Warns about what only quantum nuclei have.
fn quantum_only(t: &Table<'_>, beads: Option<Beads>) {
    if beads != Some(Beads::Given(1)) {
        return;
    }
    for key in ["ring_polymer", "mode_thermostat", "estimators"] {
        if let Some(place) = t.key_place(key) {
            t.complain(
                Diagnostic::warning(format!("classical nuclei have no use for `{key}`"))
                    .at(place, "")
                    .help("add `beads = 32` to [md] for quantum nuclei"),
            );
        }
    }
}

/// `length = "2 ps"`, `length = "2000 steps"` or `steps = 2000`; when the command line overrides one, it wins.
fn length(t: &Table<'_>) -> Option<u64> {
    let (length, steps) = (t.place_of("length"), t.place_of("steps"));
    let overridden = |p: &Option<super::document::Place>| p.as_ref().is_some_and(|p| p.source > 0);
    let by_length = t.key(
        "length",
        Steps,
        "Length of the run: a whole number of time steps.",
    );
    let count = Count {
        least: 1,
        most: 1 << 53,
    };
    let by_steps = t.key("steps", count, "Another way to write the length.");
    let alias = "from `length`";
    match (&length, &steps) {
        (Some(a), Some(b)) if overridden(&length) == overridden(&steps) => {
            t.complain(
                Diagnostic::error("both `length` and `steps` are given")
                    .at(b.clone(), "")
                    .and_at(Some(a.clone()), "")
                    .help("they say the same thing; remove one"),
            );
            by_length.alias("");
            by_steps.alias("");
            None
        }
        (_, Some(_)) if !overridden(&length) => {
            by_length.alias("");
            let n = by_steps.alias(alias)?;
            t.record("length", Some(format!("\"{n} steps\"")));
            Some(n)
        }
        (None, _) if t.cx.staged.get() || t.cx.governed.get() => {
            by_length.optional("the sum of the stages");
            by_steps.alias(alias);
            Some(0)
        }
        _ => {
            let n = by_length.required("\"2 ps\"");
            by_steps.alias(alias);
            n
        }
    }
}

fn substeps(t: &Table<'_>) -> Vec<(String, u32)> {
    let most = u64::from(MOST_SUBSTEPS);
    let doc =
        "Evaluations of the term of this name in a step; every number must divide the larger ones.";
    let mut found = Vec::new();
    for key in t.free_keys("TERM") {
        let count = Count { least: 1, most };
        let n = t.key(&key.name, count, doc).optional("1");
        found.extend(n.and_then(|n| Some((key.name, u32::try_from(n).ok()?))));
    }
    found
}

fn velocities(t: &Table<'_>, temperature: Option<f64>, known: bool) -> Option<VelocitiesDeck> {
    const SOURCES: OneOf<VelocitySource> = OneOf(&[
        ("auto", VelocitySource::Auto),
        ("thermal", VelocitySource::Thermal),
        ("file", VelocitySource::File),
        ("zero", VelocitySource::Zero),
    ]);
    t.table("velocities", "The velocities at the start.", |t| {
        let doc = "From the structure file, thermal, or zero; auto: from the file when it has them, else thermal.";
        let from = t.key("from", SOURCES, doc).or("auto");
        let given = t.place_of("temperature");
        let own = t
            .key("temperature", Quantity(Dimension::TEMPERATURE), "Temperature of thermal velocities.")
            .not_negative()
            .optional("that of `[md]`");
        let exact = t
            .key("exact", Flag, "Scale thermal velocities to have exactly this temperature.")
            .or("false");
        match (from, &given) {
            (Some(VelocitySource::Thermal), None) if !known => t.complain(
                Diagnostic::error("thermal velocities need a `temperature`")
                    .maybe_at(t.place_of("from"), "")
                    .help("add for example `temperature = \"300 K\"` here or in [md]"),
            ),
            (Some(VelocitySource::File | VelocitySource::Zero), Some(place)) => t.complain(
                Diagnostic::warning("this temperature is not used")
                    .at(place.clone(), "")
                    .and_at(t.place_of("from"), "only thermal velocities have a temperature"),
            ),
            _ => {}
        }
        Some(VelocitiesDeck { from: from?, temperature: own.or(temperature), exact: exact? })
    })
}

fn guard(t: &Table<'_>) -> Option<GuardDeck> {
    let enabled = t
        .key("enabled", Flag, "Whether the guard watches at all.")
        .or("true");
    let closest = t
        .key(
            "closest",
            Quantity(Dimension::LENGTH),
            "Smallest distance that two atoms may have.",
        )
        .not_negative()
        .optional("what the model says about its training data");
    let max_temperature = t
        .key(
            "max_temperature",
            Quantity(Dimension::TEMPERATURE),
            "Highest temperature that the system may have.",
        )
        .positive()
        .optional("no limit");
    Some(GuardDeck {
        enabled: enabled?,
        closest,
        max_temperature,
    })
}
