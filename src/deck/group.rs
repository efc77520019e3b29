//! `[[md.group]]`: some of the atoms, with a thermostat of their own, or held.

use super::atoms::{self, AtomsDeck};
use super::kinds::{Name, Quantity, Words};
use super::reader::Table;
use super::thermostat::{self, ThermostatDeck};
use crate::units::Dimension;

/// Some of the atoms, with a thermostat of their own, or held.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupDeck {
    /// Its name.
    pub name: String,
    /// Its atoms.
    pub atoms: AtomsDeck,
    /// Axes along which its atoms do not move.
    pub held: [bool; 3],
    /// Target temperature (K); none: that of the run.
    pub temperature: Option<f64>,
    /// Its own thermostat.
    pub thermostat: Option<ThermostatDeck>,
}

/// Reads `[[md.group]]`.
pub(super) fn read(t: &Table<'_>, has_temperature: bool) -> Option<GroupDeck> {
    let name = t
        .key("name", Name, "What the group is called.")
        .required("\"wall\"");
    let missing = "the group does not say which atoms are in it";
    let atoms = atoms::read(t, missing, true);
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
    let thermostat = thermostat::read(t, doc, known, false);
    let mut held = [false; 3];
    fixed?.iter().for_each(|&k| held[k] = true);
    Some(GroupDeck {
        name: name?,
        atoms: atoms?,
        held,
        temperature,
        thermostat: thermostat?.given(),
    })
}
