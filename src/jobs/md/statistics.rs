//! What a stage has shown: averages with errors, properties from fluctuations, the conduct of the conserved energy.

use super::conduct::Conduct;
use super::fluctuations::{Ensemble, Property, properties};
use super::rings::ISOTOPE;
use super::simulation::Simulation;
use crate::analysis::Average;
use crate::deck::{MdDeck, ModeThermostatDeck, ThermostatDeck};
use crate::dynamics::name;
use crate::elements::Element;
use crate::system::Atoms;
use crate::units::BOLTZMANN;
use std::fmt::Write;

/// An averaged quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    pub name: &'static str,
    pub unit: &'static str,
    pub average: Average,
    /// Integrated correlation time (fs) of its series.
    pub time_fs: Option<f64>,
}

/// What the stage that a simulation is in has shown so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statistics {
    /// Name of the stage; empty when the run has none.
    pub stage: String,
    /// Whether a target changes in it, so that there are no averages.
    pub ramp: bool,
    /// The first block after equilibration.
    pub first: usize,
    /// Time that was left to equilibration, and the times (fs) of the first and the last row after it.
    pub equilibration_fs: f64,
    pub from_fs: f64,
    pub to_fs: f64,
    /// Rows that were averaged.
    pub rows: u64,
    pub columns: Vec<Quantity>,
    pub properties: Vec<Quantity>,
    /// What follows from averages of quantum nuclei.
    pub quantum: Vec<Quantity>,
    /// Whether the ensemble has properties from fluctuations.
    pub sampled: bool,
    pub conduct: Option<Conduct>,
    /// What a person should not overlook.
    pub remarks: Vec<String>,
}

/// The temperature is off its target when the difference is beyond so many errors and this part of it.
const OFF: (f64, f64) = (4.0, 0.02);

impl Statistics {
    pub fn of(s: &Simulation, md: &MdDeck) -> Statistics {
        let stage = &s.schedule[s.stage];
        let ledger = &s.ledger;
        let ramp = stage.has_ramp();
        let first = if ramp { 0 } else { ledger.equilibrated() };
        let blocks = ledger.blocks();
        let row_fs = ledger.block_steps() as f64 / ledger.block_rows() as f64 * s.timestep_fs;
        let freedom = s.columns.degrees_of_freedom;
        let atoms = s.state.system.atoms.len();
        let names = s.columns.names();
        let places = ledger.places();
        let columns = (0..names.len())
            .filter(|k| !ramp && *k != places.conserved)
            .filter_map(|k| {
                let average = ledger.average(k, first)?;
                let rows = (blocks - first) as f64 * ledger.block_rows() as f64;
                Some(Quantity {
                    name: names[k].0,
                    unit: names[k].1,
                    average,
                    time_fs: (average.deviation > 0.0)
                        .then(|| 0.5 * row_fs * rows / average.independent),
                })
            })
            .collect();
        let found = Ensemble::of(md, stage).map(|ensemble| {
            // The positions of quantum nuclei do not know that the centre of mass is held.
            let freedom = if places.quantum { 3 * atoms } else { freedom };
            properties(ledger, first, ensemble, freedom, atoms)
        });
        let temperature = ledger.average(places.temperature, first);
        let from_fs = s.time_fs_of(ledger.step_of(first));
        let mut statistics = Statistics {
            stage: stage.name.clone(),
            ramp,
            first,
            equilibration_fs: from_fs - s.time_fs_of(stage.first),
            from_fs,
            to_fs: s.time_fs_of(ledger.step_of(blocks)) - row_fs,
            rows: (blocks - first) as u64 * ledger.block_rows(),
            columns,
            sampled: found.is_some(),
            quantum: Vec::new(),
            properties: found
                .unwrap_or_default()
                .into_iter()
                .map(quantity)
                .collect(),
            conduct: temperature.and_then(|t| {
                let sizes = [freedom, atoms];
                let stirred = places.quantum && stage.mode_thermostat.is_some();
                Conduct::of(ledger, first, t.mean, s.timestep_fs, sizes, ramp, stirred)
            }),
            remarks: Vec::new(),
        };
        if places.quantum && !md.groups.iter().any(|g| g.held.contains(&true)) {
            let kt = BOLTZMANN * stage.temperature.unwrap_or(0.0);
            let atoms = &s.state.system.atoms;
            statistics.quantum = statistics
                .columns
                .iter()
                .filter_map(|q| logarithm(q).or(excess(q, atoms, kt)))
                .collect();
        }
        if first == 0 {
            statistics.equilibration_fs = 0.0;
        }
        if blocks >= 20 && 20 * first >= 9 * blocks {
            statistics.remarks.push(format!(
                "the {} has not come to rest, or has only begun to: these averages are from its second half, and a longer run \
                 may move them on",
                if stage.name.is_empty() { "run" } else { "stage" }
            ));
        }
        statistics.remarks.extend(off_target(s, md));
        statistics
    }

    /// The quantities as a table for other programs.
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "quantity,unit,mean,error,standard_deviation,correlation_time (fs),independent_samples,reliable,from (fs),to (fs)\n",
        );
        let all = self.columns.iter().chain(&self.properties);
        for q in all.chain(&self.quantum) {
            let a = &q.average;
            let number = |x: Option<f64>| {
                x.filter(|x| x.is_finite())
                    .map_or(String::new(), |x| format!("{x:?}"))
            };
            // A string holds whatever is written into it.
            let _ = writeln!(
                text,
                "{},{},{:?},{},{},{},{:.1},{},{:?},{:?}",
                q.name,
                q.unit,
                a.mean,
                number(a.error),
                number(Some(a.deviation)),
                number(q.time_fs),
                a.independent,
                if a.certain { "yes" } else { "no" },
                self.from_fs,
                self.to_fs
            );
        }
        text
    }

    /// The quantities as rows of a trajectory's table, for all of the names it has.
    pub fn rows(&self, names: &[(&'static str, &'static str)]) -> Vec<[f64; 5]> {
        let all = || self.columns.iter().chain(&self.properties);
        let row = |name: &str| {
            let Some(q) = all().find(|q| q.name == name) else {
                return [f64::NAN; 5];
            };
            let a = &q.average;
            let or_nan = |x: Option<f64>| x.unwrap_or(f64::NAN);
            [
                a.mean,
                or_nan(a.error),
                a.deviation,
                or_nan(q.time_fs),
                a.independent,
            ]
        };
        names.iter().map(|n| row(n.0)).collect()
    }
}

/// Names and units of all quantities that a run may have.
pub(super) fn names(s: &Simulation, md: &MdDeck) -> Vec<(&'static str, &'static str)> {
    let conserved = s.ledger.places().conserved;
    let columns = s.columns.names().into_iter().enumerate();
    let mut names: Vec<_> = columns.filter(|c| c.0 != conserved).map(|c| c.1).collect();
    for stage in &s.schedule {
        let of = Ensemble::of(md, stage).map_or(&[][..], Ensemble::properties);
        for name in of.iter().map(|p| p.name()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn quantity((property, average): (Property, Average)) -> Quantity {
    let (name, unit) = property.name();
    Quantity {
        name,
        unit,
        average,
        time_fs: None,
    }
}

/// The kinetic energy beyond that of classical nuclei.
fn excess(q: &Quantity, atoms: &Atoms, kt: f64) -> Option<Quantity> {
    let of = q.name.strip_prefix("kinetic_energy")?;
    let count = match of.strip_prefix('_') {
        None if of.is_empty() => atoms.len(),
        Some(symbol) => {
            let element = Element::from_symbol(symbol)?;
            atoms.elements.iter().filter(|e| **e == element).count()
        }
        _ => return None,
    };
    Some(Quantity {
        name: name(&format!("quantum_{}", q.name)),
        average: Average {
            mean: q.average.mean - 1.5 * count as f64 * kt,
            ..q.average
        },
        ..*q
    })
}

/// The logarithm of an isotope's ratio, where it is positive beyond its error.
fn logarithm(q: &Quantity) -> Option<Quantity> {
    let a = &q.average;
    q.name.strip_prefix(ISOTOPE)?;
    let error = a.error.filter(|e| a.mean > 2.0 * e)?;
    Some(Quantity {
        name: name(&format!("ln_{}", q.name)),
        average: Average {
            mean: a.mean.ln(),
            error: Some(error / a.mean),
            deviation: f64::NAN,
            ..*a
        },
        ..*q
    })
}

/// A remark when the temperature of the second half of a stage is clearly not that of its thermostat.
fn off_target(s: &Simulation, md: &MdDeck) -> Option<String> {
    let stage = &s.schedule[s.stage];
    let own = matches!(
        &stage.thermostat,
        Some(ThermostatDeck::Gle {
            covariance: Some(_),
            ..
        })
    );
    let modes = matches!(
        &stage.mode_thermostat,
        Some(ModeThermostatDeck::Gle {
            covariance: Some(_),
            ..
        })
    );
    let quantum = own || (modes && md.ring_beads() > 1);
    if stage.has_ramp() || quantum || md.groups.iter().any(|g| g.thermostat.is_some()) {
        return None;
    }
    let target = stage.thermostat.as_ref().and(stage.temperature)?;
    let half = s.ledger.blocks() / 2;
    let a = s.ledger.average(s.ledger.places().temperature, half)?;
    let off = a.mean - target;
    let far = a.certain && off.abs() > OFF.0 * a.error? && off.abs() > OFF.1 * target;
    far.then(|| {
        format!(
            "the temperature of the second half is {} K, and the thermostat wants {target} K: the run has not come to rest, \
             the coupling is too weak, the time step is too long, or energy has gone into a motion that the thermostat does not reach \
             (a flying ice cube: Langevin reaches every motion)",
            a.display()
        )
    })
}
