//! The state points of a deck: what is wanted at each, and what it is called.

use crate::deck::{FluidDeck, Given};
use crate::error::{Error, Result};
use crate::units::EV_PER_A3_IN_BAR;

/// What is given at a state point beside the temperature.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// A pressure (eV/Å^3) and its text.
    Pressure(f64, String),
    /// A density (amu/Å^3) and its text.
    Density(f64, String),
    /// One molecule by itself.
    Molecule,
}

/// A state point: one task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// The name of its folder.
    pub name: String,
    /// Its temperature (K).
    pub temperature: f64,
    /// What else is given.
    pub condition: Condition,
    /// The density (amu/Å^3) at which it starts; none: that of the structure.
    pub start: Option<f64>,
    /// Wanted standard error: of a density as a share of it, of a pressure in eV/Å^3, of the energy of a molecule in eV.
    pub wanted: f64,
    /// Whether its nuclei are classical although those of the deck are not.
    pub classical: bool,
}

/// What the folders of classical twins end with.
const CLASSICAL: &str = "-classical";

/// Every state point of a deck, in the order of the deck. `molecules` says whether molecules have more than one atom, so that
/// the gas has to be run.
///
/// Errors when two points have one name.
pub(super) fn all(job: &FluidDeck, molecules: bool, place: &str) -> Result<Vec<Point>> {
    let mut points: Vec<Point> = Vec::new();
    let mut put = |point: Point| {
        match points.iter().find(|p| p.name == point.name) {
            Some(same) if *same == point => {}
            Some(_) => {
                return Err(Error::input(
                    place,
                    format!("two state points are called `{}`", point.name),
                )
                .advise("write their temperatures, pressures and densities with as many digits as they differ in"));
            }
            None => points.push(point),
        }
        Ok(())
    };
    let twins: &[bool] = if job.quantum_shift {
        &[false, true]
    } else {
        &[false]
    };
    for set in &job.sets {
        let conditions: Vec<Condition> = match &set.given {
            Given::Pressures(all) => {
                let one = |(p, text): &(f64, String)| Condition::Pressure(*p, text.clone());
                all.iter().map(one).collect()
            }
            Given::Densities(all) => {
                let one = |(d, text): &(f64, String)| Condition::Density(*d, text.clone());
                all.iter().map(one).collect()
            }
        };
        for &temperature in &set.temperatures {
            for condition in &conditions {
                let wanted = set.error.unwrap_or(match &condition {
                    Condition::Pressure(..) => job.density_error,
                    _ => job.pressure_error,
                });
                for &classical in twins {
                    let condition = condition.clone();
                    let point = Point::new(temperature, condition, wanted, classical);
                    put(Point {
                        start: set.start,
                        ..point
                    })?;
                }
            }
        }
    }
    if let (Some(vapour), true) = (job.vapour, molecules) {
        for temperature in job.sets.iter().flat_map(|s| &s.temperatures) {
            for &classical in twins {
                let wanted = vapour.energy_error;
                put(Point::new(
                    *temperature,
                    Condition::Molecule,
                    wanted,
                    classical,
                ))?;
            }
        }
    }
    Ok(points)
}

impl Point {
    fn new(temperature: f64, condition: Condition, wanted: f64, classical: bool) -> Point {
        let second = match &condition {
            Condition::Pressure(_, text) | Condition::Density(_, text) => plain(text),
            Condition::Molecule => "molecule".to_owned(),
        };
        let end = if classical { CLASSICAL } else { "" };
        Point {
            name: format!("{temperature}K-{second}{end}"),
            temperature,
            condition,
            start: None,
            wanted,
            classical,
        }
    }

    /// The wanted standard error in the unit of what is measured, whose mean is given: volume (Å^3), pressure (bar) or energy (eV).
    pub fn wanted_error(&self, mean: f64) -> f64 {
        let unit = match self.condition {
            Condition::Pressure(..) => mean,
            Condition::Density(..) => EV_PER_A3_IN_BAR,
            Condition::Molecule => 1.0,
        };
        self.wanted * unit
    }

    /// As a person says it.
    pub fn title(&self) -> String {
        let second = match &self.condition {
            Condition::Pressure(_, text) | Condition::Density(_, text) => text.as_str(),
            Condition::Molecule => "one molecule",
        };
        let end = if self.classical { ", classical" } else { "" };
        format!("{} K, {second}{end}", self.temperature)
    }
}

/// A quantity as a part of a file name: `0.42 g/cm^3` is `0.42g-cm3`.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'Å' => out.push('A'),
            c if c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '+' => out.push(c),
            '/' => out.push('-'),
            _ => {}
        }
    }
    out
}

/// The point that a person means: by the name of its folder or by its number from 1.
pub(super) fn find<'a>(points: &'a [Point], wanted: &str) -> Result<&'a Point> {
    let number = wanted.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let found = number.and_then(|k| points.get(k));
    found
        .or_else(|| points.iter().find(|p| p.name == wanted))
        .ok_or_else(|| {
            let names: Vec<&str> = points.iter().map(|p| p.name.as_str()).collect();
            let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
            let more = if names.len() > 8 { ", ..." } else { "" };
            Error::input("--point", format!("there is no state point `{wanted}`")).advise(format!(
                "there are {}, by number from 1 or by name: {shown}{more}",
                names.len()
            ))
        })
}
