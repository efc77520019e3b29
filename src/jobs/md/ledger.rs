//! The rows of a stage as a series of bounded size, and what can be said of it: where equilibrium begins, averages.

use super::rings::DOUBLE_VIRIAL;
use crate::analysis::{Average, Series, equilibration, statistical_inefficiency};
use crate::dynamics::ThermoColumns;

/// Places of the columns that are used by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Places {
    pub potential: usize,
    /// What energies fluctuate in heat capacities: the potential energy, of quantum nuclei the whole.
    pub energy: usize,
    /// The kinetic energy; of quantum nuclei the slope of their energy, where it is estimated.
    pub kinetic: usize,
    /// Whether the nuclei are quantum, and their energy has a slope.
    pub quantum: bool,
    pub slope: bool,
    /// The temperature to judge a thermostat by: in the middle of the step where there is one.
    pub temperature: usize,
    pub conserved: usize,
    pub pressure: Option<usize>,
    pub volume: Option<usize>,
    pub density: Option<usize>,
}

impl Places {
    pub fn of(names: &[(&'static str, &'static str)]) -> Places {
        let find = |name: &str| names.iter().position(|n| n.0 == name);
        let always = |name: &str| find(name).unwrap_or(0);
        Places {
            potential: always("potential_energy"),
            energy: find("total_energy").unwrap_or(always("potential_energy")),
            kinetic: find(DOUBLE_VIRIAL).unwrap_or(always("kinetic_energy")),
            quantum: find("total_energy").is_some(),
            slope: find(DOUBLE_VIRIAL).is_some(),
            temperature: find("temperature_mid_step").unwrap_or(always("temperature")),
            conserved: always("conserved_energy"),
            pressure: find("pressure"),
            volume: find("volume"),
            density: find("density"),
        }
    }
}

/// Averages over a block of what fluctuation formulas need, of deviations from the first row: energy U, its square,
/// volume V, its square, U V, kinetic energy K, its square.
pub(super) type Moments = [f64; 7];

/// The rows of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ledger {
    /// Deviations of the columns from the first row, then their squares, then energy times volume, then the variance
    /// of the conserved energy in short windows.
    series: Series,
    columns: usize,
    places: Places,
    /// The first row.
    shift: Vec<f64>,
    first_step: u64,
    /// Steps between two rows.
    every: u64,
    window: Window,
    scratch: Vec<f64>,
}

/// The variance within a window of a few rows, so that a slow change does not count.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    rows: u64,
    count: u64,
    mean: f64,
    deviations: f64,
}

/// Length of the windows of the conserved energy (fs): several periods of slow vibrations.
const WINDOW: f64 = 1000.0;
/// Live averages are made from so many blocks at most, so that they cost nothing.
const LIVE_BLOCKS: usize = 128;

impl Window {
    fn new(row_fs: f64) -> Window {
        Window {
            rows: (WINDOW / row_fs).round().clamp(2.0, 256.0) as u64,
            count: 0,
            mean: 0.0,
            deviations: 0.0,
        }
    }

    /// Takes the next value. Gives, at the end of a window, its variance times its rows, and zero before: so the mean over
    /// rows is the mean variance.
    fn add(&mut self, value: f64) -> f64 {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.deviations += delta * (value - self.mean);
        if self.count < self.rows {
            return 0.0;
        }
        let n = self.count as f64;
        let variance = self.deviations / (n - 1.0);
        (self.count, self.mean, self.deviations) = (0, 0.0, 0.0);
        variance * n
    }
}

impl Ledger {
    /// No rows yet; `every` steps lie between two, and `row_fs` femtoseconds.
    pub fn new(columns: &ThermoColumns, every: u64, row_fs: f64) -> Ledger {
        let names = columns.names();
        Ledger {
            series: Series::new(2 * names.len() + 2),
            columns: names.len(),
            places: Places::of(&names),
            shift: Vec::new(),
            first_step: 0,
            every,
            window: Window::new(row_fs),
            scratch: Vec::new(),
        }
    }

    /// Adds the row of a step.
    pub fn add(&mut self, step: u64, row: &[f64]) {
        if self.shift.is_empty() {
            self.shift = row.to_vec();
            self.first_step = step;
        }
        self.scratch.clear();
        let deviations = row.iter().zip(&self.shift).map(|(x, s)| x - s);
        self.scratch.extend(deviations);
        for k in 0..self.columns {
            self.scratch.push(self.scratch[k] * self.scratch[k]);
        }
        let volume = self.places.volume.map_or(0.0, |v| self.scratch[v]);
        self.scratch.push(self.scratch[self.places.energy] * volume);
        let variance = self.window.add(self.scratch[self.places.conserved]);
        self.scratch.push(variance);
        self.series.add(&self.scratch);
    }

    /// Places of the columns that are used by name.
    pub fn places(&self) -> Places {
        self.places
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.series.blocks()
    }

    /// Steps in a block.
    pub fn block_steps(&self) -> u64 {
        self.series.block_length() * self.every
    }

    /// Rows in a block.
    pub fn block_rows(&self) -> u64 {
        self.series.block_length()
    }

    /// The step of the first row of a block.
    pub fn step_of(&self, block: usize) -> u64 {
        self.first_step + block as u64 * self.block_steps()
    }

    /// Means of a column over the blocks from `first` on.
    pub fn column(&self, column: usize, first: usize) -> Vec<f64> {
        let shift = self.shift.get(column).copied().unwrap_or(0.0);
        let mut means = self.series.channel(column, first);
        means.iter_mut().for_each(|m| *m += shift);
        means
    }

    /// The first block after equilibration: where the potential energy, the temperature and, when the cell changes, the
    /// volume have come to rest. The structure that the run starts from is no sample.
    pub fn equilibrated(&self) -> usize {
        let p = self.places;
        let start = usize::from(self.first_step == 0 && self.blocks() > 8);
        [Some(p.potential), Some(p.temperature), p.volume]
            .into_iter()
            .flatten()
            .map(|column| equilibration(&self.series.channel(column, 0)))
            .fold(start, usize::max)
    }

    /// The average of a column from block `first` on.
    pub fn average(&self, column: usize, first: usize) -> Option<Average> {
        let shift = *self.shift.get(column)?;
        let squares = self.series.channel(self.columns + column, first);
        let square = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
        let means = self.series.channel(column, first);
        let average = Average::of_blocks(&means, square, self.series.block_length())?;
        Some(Average {
            mean: average.mean + shift,
            ..average
        })
    }

    /// The average so far of one column by itself, from few blocks: for a progress line.
    pub fn live(&self, column: usize) -> Option<Average> {
        let shift = *self.shift.get(column)?;
        let mut means = self.series.channel(column, 0);
        while means.len() > LIVE_BLOCKS {
            let pairs = means.as_chunks::<2>().0.iter();
            means = pairs.map(|[a, b]| 0.5 * (a + b)).collect();
        }
        let means = &means[equilibration(&means)..];
        let square = means.iter().map(|m| m * m).sum::<f64>() / means.len().max(1) as f64;
        let average = Average::of_blocks(means, square, 1)?;
        Some(Average {
            mean: average.mean + shift,
            ..average
        })
    }

    /// The conserved energy from block `first` on, as deviations from the first row (eV), and its variance within short
    /// windows (eV^2), none before one was full.
    pub fn conserved(&self, first: usize) -> (Vec<f64>, Option<f64>) {
        let (length, window) = (self.series.block_length(), self.window.rows);
        // A window that began before is left out, and what remains is cut to whole windows.
        let begun = window.div_ceil(length) as usize;
        let variances = self.series.channel(2 * self.columns + 1, first + begun);
        let whole = variances.len() as u64 * length / window * window / length;
        let kept = &variances[variances.len() - whole as usize..];
        let mean = kept.iter().sum::<f64>() / whole.max(1) as f64;
        (
            self.series.channel(self.places.conserved, first),
            (whole > 0).then_some(mean),
        )
    }

    /// Averages over long blocks of what fluctuation formulas need, from block `first` on; and the first row's potential
    /// energy, volume and kinetic energy, from which the deviations count.
    ///
    /// A block is at least three times as long as the statistical inefficiency of what fluctuates.
    pub fn moments(&self, first: usize) -> (Vec<Moments>, [f64; 3]) {
        let p = self.places;
        let n = self.columns;
        let channel = |c: Option<usize>| match c {
            Some(c) => self.series.channel(c, first),
            None => vec![0.0; self.blocks().saturating_sub(first)],
        };
        let square = |c: usize| Some(n + c);
        let channels: [Vec<f64>; 7] = [
            Some(p.energy),
            square(p.energy),
            p.volume,
            p.volume.and_then(square),
            Some(2 * n),
            Some(p.kinetic),
            square(p.kinetic),
        ]
        .map(channel);
        let slowest = [0, 2, 5]
            .iter()
            .map(|&c| statistical_inefficiency(&channels[c]))
            .fold(1.0, f64::max);
        let blocks = channels[0].len();
        let length = ((3.0 * slowest).ceil() as usize)
            .max(blocks.div_ceil(64))
            .max(1);
        let moments = (0..blocks / length)
            .map(|b| {
                channels
                    .each_ref()
                    .map(|c| c[b * length..(b + 1) * length].iter().sum::<f64>() / length as f64)
            })
            .collect();
        let first = |c: Option<usize>| c.and_then(|c| self.shift.get(c)).copied().unwrap_or(0.0);
        (
            moments,
            [
                first(Some(p.energy)),
                first(p.volume),
                first(Some(p.kinetic)),
            ],
        )
    }

    /// The state as plain numbers, for a checkpoint.
    pub fn to_numbers(&self) -> Vec<f64> {
        let w = &self.window;
        let mut numbers = vec![
            self.shift.len() as f64,
            self.first_step as f64,
            w.count as f64,
            w.mean,
            w.deviations,
        ];
        numbers.extend(&self.shift);
        numbers.extend(self.series.to_numbers());
        numbers
    }

    /// Takes back what [`to_numbers`](Self::to_numbers) gave; `None` when they are not such numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> Option<()> {
        let (&[columns, first, count, mean, deviations], rest) =
            numbers.split_first_chunk::<5>()?;
        let columns = columns as usize;
        let (shift, series) = rest.split_at_checked(columns)?;
        if columns != 0 && columns != self.columns {
            return None;
        }
        self.series = Series::from_numbers(self.series.channels(), series)?;
        self.shift = shift.to_vec();
        self.first_step = first as u64;
        self.window = Window {
            count: count as u64,
            mean,
            deviations,
            ..self.window
        };
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let columns = ThermoColumns {
            external: false,
            degrees_of_freedom: 3,
            pressure: false,
            thermostat: false,
            cell: false,
            reliability: None,
            rings: None,
        };
        Ledger::new(&columns, 5, 20.0)
    }

    #[test]
    fn goes_on_from_its_numbers() {
        let row = |k: u64| [-5.0 + (k as f64).sin(), 1.0, 300.0 + (k as f64).cos(), 0.1];
        let mut whole = ledger();
        (0..3000).for_each(|k| whole.add(5 * k, &row(k)));
        for cut in [0, 1, 777, 2048] {
            let mut first = ledger();
            (0..cut).for_each(|k| first.add(5 * k, &row(k)));
            let mut second = ledger();
            second.restore(&first.to_numbers()).unwrap();
            (cut..3000).for_each(|k| second.add(5 * k, &row(k)));
            assert_eq!(second.to_numbers(), whole.to_numbers());
        }
        assert!(ledger().restore(&whole.to_numbers()[..40]).is_none());
        assert!(ledger().restore(&[9.0; 30]).is_none());
        assert_eq!(whole.step_of(0), 0);
        assert_eq!(whole.block_steps(), 5 * whole.block_rows());
        // The mean of the sine over many turns, of the raw values.
        let a = whole.average(0, 0).unwrap();
        assert!((a.mean + 5.0).abs() < 0.01 && (a.deviation - 0.5f64.sqrt()).abs() < 0.01);
    }

    #[test]
    fn short_fluctuations_are_told_from_settling_and_drift() {
        // The conserved energy settles by 3 in the first 30 rows and then drifts by 1 in 1000 rows; in windows of 50 rows an
        // alternation of ±0.01 remains, and the drift within a window, 0.05/sqrt(12).
        for rows in [400u64, 30_000] {
            let mut l = ledger();
            for k in 0..rows {
                let settle = 3.0 * (-(k as f64) / 5.0).exp();
                let alternating = if k.is_multiple_of(2) { 0.01 } else { -0.01 };
                l.add(
                    5 * k,
                    &[0.0, 1.0, 300.0, settle + 1e-3 * k as f64 + alternating],
                );
            }
            let first = 60u64.div_ceil(l.block_rows()) as usize;
            let variance = l.conserved(first).1.unwrap();
            let exact = 1e-4 + (50e-3f64).powi(2) / 12.0;
            let bound = 0.03;
            assert!(
                (variance / exact - 1.0).abs() < bound,
                "{rows}: {}",
                variance / exact
            );
        }
        assert!(ledger().conserved(0).1.is_none());
    }
}
