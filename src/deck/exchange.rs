//! `[md.exchange]`: replicas at several temperatures and pressures that change places.

use super::barostat::BarostatMethod;
use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::kinds::{Kind, Quantity, Read, Steps};
use super::md::MdDeck;
use super::reader::{Context, Table};
use super::rings::{Beads, ModeThermostatDeck};
use super::thermostat::ThermostatDeck;
use crate::units::Dimension;
use std::path::PathBuf;

/// Replicas that change places.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeDeck {
    /// Temperature (K) of each replica.
    pub temperatures: Vec<f64>,
    /// Pressure (eV/Å^3) of each replica; none: that of the barostat for all.
    pub pressures: Option<Vec<f64>>,
    /// Steps between two attempts.
    pub every: u64,
    /// Where the configuration at each temperature is written.
    pub file: PathBuf,
}

/// A list of at least two quantities.
struct List(Quantity);

impl Kind for List {
    type Value = Vec<f64>;
    fn wanted(&self) -> String {
        format!("a list of at least two, each {}", self.0.wanted())
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Vec<f64>> {
        let wrong = |what: String| {
            let d = Diagnostic::error(format!("`{name}` must be {}", self.wanted()));
            Err(Box::new(d.at(node.place.clone(), what)))
        };
        let Value::List(items) = &node.value else {
            return wrong(format!("this is {}", node.value.type_name()));
        };
        if items.len() < 2 {
            return wrong(format!("this list has {}", items.len()));
        }
        let mut values = Vec::new();
        let mut texts = Vec::new();
        for item in items {
            let (value, text) = self.0.read(name, item, cx)?;
            values.push(value);
            texts.push(text);
        }
        Ok((values, format!("[{}]", texts.join(", "))))
    }
}

/// Reads `[md.exchange]`.
pub(super) fn read(t: &Table<'_>) -> Option<ExchangeDeck> {
    let doc = "Replica exchange: one replica at each of these temperatures, and neighbours in the list change places now and then.";
    t.optional_table("exchange", doc, |t| {
        let doc = "Temperature of each replica.";
        let temperatures = t
            .key("temperatures", List(Quantity(Dimension::TEMPERATURE)), doc)
            .must_be("positive", |all| all.iter().all(|x| *x > 0.0))
            .required("[\"300 K\", \"350 K\", \"410 K\"]");
        let doc = "Pressure of each replica; takes the place of the barostat's.";
        let pressures = t
            .key("pressures", List(Quantity(Dimension::PRESSURE)), doc)
            .optional("that of the barostat for all");
        let every = t
            .key(
                "every",
                Steps,
                "Time between two attempts; even and odd pairs in turn.",
            )
            .or("100 steps");
        let doc = "CSV file with the configuration at each temperature after every attempt.";
        let file = t.file("file", doc, ".exchange.csv");
        let temperatures = temperatures?;
        if let Some(p) = &pressures
            && p.len() != temperatures.len()
        {
            t.complain(
                Diagnostic::error("`temperatures` and `pressures` are of different lengths")
                    .maybe_at(t.place_of("pressures"), format!("{} here", p.len()))
                    .and_at(
                        t.place_of("temperatures"),
                        format!("{} here", temperatures.len()),
                    )
                    .help("a replica has one of each"),
            );
            return None;
        }
        let steps = |up: bool| {
            let mut pairs = temperatures.windows(2);
            pairs.all(|w| if up { w[1] > w[0] } else { w[1] < w[0] })
        };
        if pressures.is_none() && !steps(true) && !steps(false) {
            t.complain(
                Diagnostic::warning("these temperatures neither rise nor fall")
                    .maybe_at(t.place_of("temperatures"), "")
                    .help("neighbours in the list change places: write them in order, each once"),
            );
        }
        Some(ExchangeDeck {
            temperatures,
            pressures,
            every: every?,
            file: file?,
        })
    })
}

/// Whether a deck asks for replica exchange.
pub(super) fn is_asked(t: &Table<'_>) -> bool {
    t.key_place("exchange").is_some()
}

/// The number of replicas where the deck names none, and a refusal of any other.
pub(super) fn replicas(t: &Table<'_>, exchange: Option<&ExchangeDeck>, given: Option<u64>) {
    if let Some((e, n)) = exchange.zip(given)
        && n != e.temperatures.len() as u64
    {
        t.complain(
            Diagnostic::error(format!(
                "`replicas` is {n}, and [md.exchange] has {} temperatures",
                e.temperatures.len()
            ))
            .maybe_at(t.place_of("replicas"), "")
            .and_at(t.key_place("exchange"), "")
            .help("leave `replicas` out: there is one at each temperature"),
        );
    }
}

/// Refuses what does not go with replica exchange, and gives the run the temperature of its first replica.
pub(super) fn fit(t: &Table<'_>, md: &mut MdDeck) {
    let Some(exchange) = md.exchange.clone() else {
        return;
    };
    let refuse = |what: &str, key: &str, help: &str| {
        t.complain(
            Diagnostic::error(what)
                .maybe_at(t.key_place(key), "")
                .and_at(t.key_place("exchange"), "")
                .help(help),
        );
    };
    if md.temperature.is_some() {
        refuse(
            "the temperatures are those of [md.exchange]",
            "temperature",
            "remove `temperature` from [md]",
        );
    }
    if md.final_temperature.is_some() {
        refuse(
            "a ramp does not go with replica exchange, which needs equilibrium",
            "final_temperature",
            "remove `final_temperature`",
        );
    }
    let canonical = "exchange keeps the ensembles right only where every replica samples its own: use `langevin`, \
                     `velocity_rescaling` or `nose_hoover`";
    let unfit = |bath: &ThermostatDeck| match bath {
        ThermostatDeck::Berendsen { .. } => Some("Berendsen's thermostat samples no ensemble"),
        ThermostatDeck::Gle {
            covariance: Some(_),
            ..
        } => Some("a thermostat with its own covariance samples no temperature"),
        _ => None,
    };
    match &md.thermostat {
        None => refuse(
            "replica exchange needs a thermostat",
            "thermostat",
            canonical,
        ),
        Some(bath) => {
            if let Some(what) = unfit(bath) {
                refuse(what, "thermostat", canonical);
            }
        }
    }
    for group in &md.groups {
        if group.thermostat.is_some() && group.temperature.is_some() {
            let what = format!(
                "the group `{}` has a temperature of its own in all replicas",
                group.name
            );
            refuse(&what, "group", "remove it: a replica has one temperature");
        } else if let Some(what) = group.thermostat.as_ref().and_then(unfit) {
            refuse(what, "group", canonical);
        }
    }
    if md.beads != Beads::Given(1) {
        match &md.mode_thermostat {
            None => refuse(
                "replica exchange needs a thermostat on the internal modes too",
                "mode_thermostat",
                "leave `mode_thermostat` out, which is PILE",
            ),
            Some(ModeThermostatDeck::Gle {
                covariance: Some(_),
                ..
            }) => refuse(
                "a thermostat with its own covariance is made for one temperature",
                "mode_thermostat",
                "leave `mode_thermostat` out, which is PILE",
            ),
            Some(_) => {}
        }
    }
    match &md.barostat {
        None if exchange.pressures.is_some() => refuse(
            "the pressures of [md.exchange] need a barostat",
            "exchange",
            "add for example\n[md.barostat.cell_rescaling]\npressure = \"1 bar\"",
        ),
        None => {}
        Some(b) => {
            if matches!(b.method, BarostatMethod::Berendsen { .. }) {
                refuse(
                    "Berendsen's barostat samples no ensemble",
                    "barostat",
                    "use `cell_rescaling`, which is as smooth, and right",
                );
            }
            if b.final_stress.is_some() {
                refuse(
                    "a ramp does not go with replica exchange, which needs equilibrium",
                    "barostat",
                    "remove `final_pressure`",
                );
            }
            let s = &b.stress;
            let even = s[0] == s[1] && s[1] == s[2] && s[3..] == [0.0; 3];
            if exchange.pressures.is_none() && !even {
                refuse(
                    "replica exchange needs a hydrostatic pressure: the work against other stresses depends on the path",
                    "barostat",
                    "give one pressure",
                );
            }
        }
    }
    md.temperature = exchange.temperatures.first().copied();
}

/// Refuses stages beside replica exchange.
pub(super) fn refuse_stages(root: &Table<'_>, md: &MdDeck) {
    if md.exchange.is_some() {
        root.complain(
            Diagnostic::error("stages do not go with replica exchange")
                .maybe_at(root.key_place("stage"), "")
                .and_at(root.place_at("md.exchange"), "")
                .help("equilibrate in a run of its own, and start the replicas from its final structure"),
        );
    }
}

impl MdDeck {
    /// What one of the replicas does, counted from 1: with its own temperature and pressure where they exchange.
    pub fn of_replica(&self, replica: u32) -> MdDeck {
        let mut md = self.clone();
        let Some(exchange) = &self.exchange else {
            return md;
        };
        let place = replica.saturating_sub(1) as usize;
        if let Some(&t) = exchange.temperatures.get(place) {
            md.temperature = Some(t);
            md.velocities.temperature = self.velocities.temperature.or(Some(t));
        }
        let pressure = exchange.pressures.as_ref().and_then(|p| p.get(place));
        if let Some((b, &p)) = md.barostat.as_mut().zip(pressure) {
            b.stress = [p, p, p, 0.0, 0.0, 0.0];
        }
        md
    }
}
