//! `max_temperature` and `temperature_step`: the temperatures of a table.

use super::diagnostics::Diagnostic;
use super::kinds::Quantity;
use super::reader::Table;
use crate::units::Dimension;

/// Most steps that a table may have.
const MOST: f64 = 1e5;

/// The temperatures of a table: from absolute zero up in equal steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperatures {
    /// The highest (K); the last step may end below it.
    pub highest: f64,
    /// The step (K).
    pub step: f64,
}

impl Temperatures {
    /// All of them (K), in ascending order.
    pub fn list(&self) -> Vec<f64> {
        let steps = (self.highest / self.step + 1e-9).floor() as usize;
        (0..=steps).map(|k| k as f64 * self.step).collect()
    }
}

/// Reads `max_temperature`, of which `doc` says what it is the highest of, and `temperature_step`, usually `step`.
pub(super) fn read(t: &Table<'_>, doc: &'static str, step: &str) -> Option<Temperatures> {
    let kelvin = || Quantity(Dimension::TEMPERATURE);
    let highest = t
        .key("max_temperature", kelvin(), doc)
        .not_negative()
        .or("1000 K");
    let doc = "Step of the temperatures, from 0 K.";
    let step = t.key("temperature_step", kelvin(), doc).positive().or(step);
    let (highest, step) = (highest?, step?);
    if highest / step > MOST {
        t.complain(
            Diagnostic::error("there would be more than 100 000 temperatures")
                .maybe_at(t.place_of("temperature_step"), "")
                .help("choose a larger `temperature_step`"),
        );
        return None;
    }
    Some(Temperatures { highest, step })
}
