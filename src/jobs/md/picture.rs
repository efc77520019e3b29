//! The plot of a run: temperature, energies, pressure and density against time.

use super::Plan;
use super::ensemble::{pressure, temperature};
use super::ledger::{Ledger, Places};
use super::simulation::Simulation;
use super::statistics::Statistics;
use crate::analysis::{Average, Series};
use crate::dynamics::ThermoColumns;
use crate::error::Result;
use crate::report::{Panel, Plot};
use crate::units::EV_PER_A3_IN_GPA;
use std::path::Path;

/// What a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    Temperature,
    Potential,
    Conserved,
    Pressure,
    Density,
}

/// The rows of the whole run, of what is plotted, in a series of bounded size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    /// What is kept, and the columns it comes from.
    traces: Vec<(Trace, usize)>,
    series: Series,
    /// Steps between two rows.
    every: u64,
}

impl History {
    /// No rows yet.
    pub fn new(columns: &ThermoColumns, every: u64) -> History {
        let p = Places::of(&columns.names());
        let traces: Vec<(Trace, usize)> = [
            (Trace::Temperature, Some(p.temperature)),
            (Trace::Potential, Some(p.potential)),
            (Trace::Conserved, Some(p.conserved)),
            (Trace::Pressure, p.pressure),
            (Trace::Density, p.density),
        ]
        .into_iter()
        .filter_map(|(trace, column)| column.map(|c| (trace, c)))
        .collect();
        History {
            series: Series::new(traces.len()),
            traces,
            every,
        }
    }

    /// Adds a row of the table.
    pub fn add(&mut self, row: &[f64], conserved_at_start: f64, atoms: usize) {
        let mut numbers = [0.0; 5];
        for (number, (trace, column)) in numbers.iter_mut().zip(&self.traces) {
            let x = row.get(*column).copied().unwrap_or(0.0);
            *number = match trace {
                Trace::Potential => x / atoms as f64,
                Trace::Conserved => (x - conserved_at_start) / atoms as f64,
                _ => x,
            };
        }
        self.series.add(&numbers);
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        self.series.to_numbers()
    }

    /// Takes back what [`to_numbers`](Self::to_numbers) gave; `None` when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> Option<()> {
        self.series = Series::from_numbers(self.traces.len(), numbers)?;
        Some(())
    }
}

/// Longer runs (fs) have an axis in nanoseconds.
const LONG: f64 = 2e6;

/// The plot of a simulation so far, as SVG.
pub(super) fn svg(plan: &Plan<'_>, s: &Simulation, statistics: &Statistics) -> Result<String> {
    let h = &s.history;
    let row_fs = h.every as f64 * s.timestep_fs;
    let end = h.series.rows().saturating_sub(1) as f64 * row_fs;
    let (unit, per_fs) = if end > LONG {
        ("ns", 1e-6)
    } else {
        ("ps", 1e-3)
    };
    let block = h.series.block_length() as f64 * row_fs * per_fs;
    // A block stands at its middle.
    let middle = 0.5 * (block - row_fs * per_fs);
    let panels = (0..h.traces.len())
        .map(|k| {
            let (trace, column) = h.traces[k];
            let values = h.series.channel(k, 0);
            let (label, factor) = label(trace, &values);
            let times = (0..values.len()).map(|b| b as f64 * block + middle);
            Panel {
                label,
                series: times.zip(values.iter().map(|v| v * factor)).collect(),
                targets: targets(s, trace, end, per_fs),
                mean: running_mean(s, statistics, trace, column, per_fs),
            }
        })
        .collect();
    let named = s.schedule.iter().filter(|stage| !stage.name.is_empty());
    let begun = named.filter(|stage| s.time_fs_of(stage.first) <= end);
    let marks = begun.map(|stage| (s.time_fs_of(stage.first) * per_fs, stage.name.clone()));
    let from = statistics.from_fs - statistics.equilibration_fs;
    let grey = (!statistics.ramp && statistics.equilibration_fs > 0.0)
        .then_some((from * per_fs, statistics.from_fs * per_fs));
    let smooth = match h.series.block_length() {
        1 => String::new(),
        _ => format!(" · each point a mean over {} {unit}", four_digits(block)),
    };
    let mean = match statistics.ramp {
        true => "no averages: a target changes",
        false => "red: running mean with its error · grey: equilibration",
    };
    let deck = Path::new(&plan.deck.source.path).file_stem();
    let name = deck.unwrap_or_default().to_string_lossy();
    Plot {
        title: format!("{name}:  {mean} · dashed: target{smooth}"),
        axis: format!("time ({unit})"),
        panels,
        grey,
        marks: marks.collect(),
    }
    .svg()
}

/// Label and factor of a panel.
fn label(trace: Trace, values: &[f64]) -> (String, f64) {
    let plain = |text: &str| (text.to_owned(), 1.0);
    match trace {
        Trace::Temperature => plain("temperature (K)"),
        Trace::Potential => plain("E pot (eV/atom)"),
        Trace::Pressure => plain("pressure (GPa)"),
        Trace::Density => plain("density (g/cm³)"),
        Trace::Conserved => {
            let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let (unit, factor) = match largest {
                x if x > 0.3 => ("eV", 1.0),
                x if x > 3e-4 => ("meV", 1e3),
                x if x > 3e-7 => ("µeV", 1e6),
                _ => ("neV", 1e9),
            };
            (format!("Δ conserved ({unit}/atom)"), factor)
        }
    }
}

/// The targets of the stages as lines, up to the present.
fn targets(s: &Simulation, trace: Trace, end: f64, per_fs: f64) -> Vec<[(f64, f64); 2]> {
    let mut lines = Vec::new();
    for stage in s.schedule.iter().filter(|x| s.time_fs_of(x.first) <= end) {
        let target: Box<dyn Fn(u64) -> f64> = match (trace, &stage.barostat) {
            (Trace::Temperature, _) if stage.thermostat.is_some() => {
                let temperature = temperature(stage);
                Box::new(move |step| temperature.at(step))
            }
            (Trace::Pressure, Some(deck)) => {
                let [xx, yy, zz, ..] = pressure(stage, deck);
                Box::new(move |step| {
                    (xx.at(step) + yy.at(step) + zz.at(step)) / 3.0 * EV_PER_A3_IN_GPA
                })
            }
            _ => continue,
        };
        let done = stage.first.saturating_add(stage.steps);
        let to = (s.time_fs_of(done)).min(end);
        // The value at the end of the line, which may lie within a ramp.
        let step = (to / s.timestep_fs).round() as u64;
        lines.push([
            (s.time_fs_of(stage.first) * per_fs, target(stage.first)),
            (to * per_fs, target(step)),
        ]);
    }
    lines
}

/// The running mean of a column over the stage, after its equilibration.
fn running_mean(
    s: &Simulation,
    statistics: &Statistics,
    trace: Trace,
    column: usize,
    per_fs: f64,
) -> Vec<(f64, f64, f64)> {
    let ledger: &Ledger = &s.ledger;
    if statistics.ramp || trace == Trace::Conserved {
        return Vec::new();
    }
    let first = statistics.first;
    let factor = match trace {
        Trace::Potential => 1.0 / s.state.system.atoms.len() as f64,
        _ => 1.0,
    };
    let error = ledger
        .average(column, first)
        .map(|a| a.times(factor))
        .and_then(|a: Average| a.error);
    let values = ledger.column(column, first);
    let n = values.len() as f64;
    let mut sum = 0.0;
    let means = values.iter().enumerate().map(|(k, x)| {
        sum += x * factor;
        let done = (k + 1) as f64;
        let time = s.time_fs_of(ledger.step_of(first + k + 1)) * per_fs;
        let error = error.unwrap_or(0.0) * (n / done).sqrt();
        (time, sum / done, error)
    });
    let means: Vec<(f64, f64, f64)> = means.collect();
    // Its beginning is noise; a few hundred points are a smooth line.
    let skip = means.len() / 50;
    let stride = (means.len() / 300).max(1);
    let last = means.last().copied();
    let kept = means.into_iter().skip(skip).step_by(stride);
    kept.chain(last).collect()
}

fn four_digits(x: f64) -> String {
    let decimals = (3.0 - x.max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{x:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
