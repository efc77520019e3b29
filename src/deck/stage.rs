//! `[[stage]]`: a run in several parts, each with an ensemble of its own.

use super::barostat::{self, BarostatDeck};
use super::diagnostics::Diagnostic;
use super::exchange;
use super::kinds::{Name, Quantity, Steps};
use super::md::MdDeck;
use super::reader::Table;
use super::resolved::{Step, quote};
use super::rings::{self, ModeThermostatDeck};
use super::thermostat::{self, ThermostatDeck};
use crate::units::Dimension;

/// One part of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StageDeck {
    /// Its name; empty when the run has no stages.
    pub name: String,
    /// The step at which it begins.
    pub first: u64,
    /// Number of steps.
    pub steps: u64,
    /// Temperature (K) of the thermostat.
    pub temperature: Option<f64>,
    /// Temperature (K) at the end, reached in a straight line.
    pub final_temperature: Option<f64>,
    /// None is NVE.
    pub thermostat: Option<ThermostatDeck>,
    /// None is a cell that stays.
    pub barostat: Option<BarostatDeck>,
    /// What keeps the internal modes of ring polymers at the temperature.
    pub mode_thermostat: Option<ModeThermostatDeck>,
}

impl StageDeck {
    /// Whether a target changes in time.
    pub fn has_ramp(&self) -> bool {
        self.final_temperature.is_some()
            || self
                .barostat
                .as_ref()
                .is_some_and(|b| b.final_stress.is_some())
    }
}

impl MdDeck {
    /// The parts of the run in order: its stages, or all of it as one.
    pub fn schedule(&self) -> Vec<StageDeck> {
        if !self.stages.is_empty() {
            return self.stages.clone();
        }
        vec![StageDeck {
            name: String::new(),
            first: 0,
            steps: self.steps,
            temperature: self.temperature,
            final_temperature: self.final_temperature,
            thermostat: self.thermostat.clone(),
            barostat: self.barostat.clone(),
            mode_thermostat: self.mode_thermostat.clone(),
        }]
    }
}

/// Reads the stages of a run into it; when `[md]` is wrong they are read for their own mistakes. None when something was
/// wrong.
pub(super) fn read(root: &Table<'_>, md: Option<MdDeck>) -> Option<MdDeck> {
    let doc = "A part of the run with an ensemble of its own; the parts follow each other. What it does not say is \
               as in `[md]`.";
    let mut first = 0;
    // A stage begins where the one before has ended.
    let mut before = match &md {
        Some(md) => md.final_temperature.or(md.temperature),
        None => Some(0.0),
    };
    let stages = root.tables("stage", doc, |t| {
        let stage = stage(t, md.as_ref(), first, before)?;
        first = first.saturating_add(stage.steps);
        before = stage.final_temperature.or(stage.temperature);
        Some(stage)
    });
    let mut md = md?;
    let Some(stages) = stages else {
        return Some(md);
    };
    exchange::refuse_stages(root, &md);
    md.stages = stages.into_iter().collect::<Option<_>>()?;
    // Atoms do not start at rest when the first stage has a temperature.
    let warm = md.stages.first().and_then(|s| s.temperature);
    md.velocities.temperature = md.velocities.temperature.or(warm);
    if md.steps == 0 {
        md.steps = first;
        let length = quote(&format!("{first} steps"));
        let md = [Step::Key("md".to_owned())];
        root.cx
            .recorder
            .borrow_mut()
            .put(&md, "length", Some(length));
    } else if md.steps > first {
        root.complain(
            Diagnostic::error("the run is longer than its stages")
                .maybe_at(root.place_at("md.length"), "")
                .help("leave `length` out of [md], or give the stages more"),
        );
    }
    root.cx.steps.set(Some(md.steps));
    if md.final_temperature.is_some() {
        root.complain(
            Diagnostic::error("with stages, a ramp belongs to one of them")
                .maybe_at(root.place_at("md.final_temperature"), "")
                .help("move `final_temperature` to the stage"),
        );
    }
    Some(md)
}

fn stage(t: &Table<'_>, md: Option<&MdDeck>, first: u64, before: Option<f64>) -> Option<StageDeck> {
    let name = t
        .key("name", Name, "What the stage is called.")
        .required("\"melt\"");
    let steps = t
        .key("length", Steps, "Length of the stage.")
        .required("\"10 ps\"");
    let doc = "Temperature of the thermostat.";
    let own = t
        .key("temperature", Quantity(Dimension::TEMPERATURE), doc)
        .not_negative()
        .optional("where the stage before has ended");
    let doc = "Temperature at the end of the stage, reached in a straight line.";
    let final_temperature = t
        .key("final_temperature", Quantity(Dimension::TEMPERATURE), doc)
        .not_negative()
        .optional("no change");
    let temperature = own.or(before);
    let known = temperature.is_some() || t.place_of("temperature").is_some();
    let doc = "How the temperature is kept in this stage, or \"none\" for NVE.";
    let inherits = t.place_of("thermostat").is_none() && md.is_none_or(|m| m.thermostat.is_some());
    let thermostat = thermostat::read(t, doc, known, known && !inherits);
    let barostat = barostat::read(t, known);
    let mode_thermostat = rings::mode_thermostat(t);
    Some(StageDeck {
        name: name?,
        first,
        steps: steps?,
        temperature,
        final_temperature,
        thermostat: thermostat?.or(md.and_then(|m| m.thermostat.clone())),
        barostat: barostat?.or(md.and_then(|m| m.barostat.clone())),
        mode_thermostat: mode_thermostat?.or(md.and_then(|m| m.mode_thermostat.clone())),
    })
}
