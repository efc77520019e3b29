//! What the samples of a point say: averages with their errors, whether they are good enough, and what is odd about them.

use super::point::{Condition, Point};
use crate::analysis::{Division, Measured, Sampled, settled};
use crate::deck::FluidDeck;
use crate::error::{Error, Result};
use std::path::Path;

/// The table that a point's run writes.
struct Samples {
    names: Vec<String>,
    steps: Vec<u64>,
    columns: Vec<Vec<f64>>,
}

/// One GPa in bar.
const GPA: f64 = 1e4;
/// A cell whose modes differ by less than this share of the density is in one phase.
const ONE_PHASE: f64 = 0.03;
/// With more than this share of a run left out, it has not come to rest.
const RESTLESS: f64 = 0.45;

impl Samples {
    /// The rows after a step. A last row that is being written is left out.
    fn read(path: &Path, after: u64) -> Result<Samples> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, &e))?;
        let mut lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let head = lines.next().unwrap_or("").trim_end();
        let names: Vec<String> = head
            .split(',')
            .skip(2)
            .map(|n| n.split(' ').next().unwrap_or("").to_owned())
            .collect();
        let mut samples = Samples {
            columns: vec![Vec::new(); names.len()],
            names,
            steps: Vec::new(),
        };
        for (k, line) in lines.enumerate() {
            let wrong = || Error::line(path, k + 2, "this is no row of samples");
            let mut cells = line.trim_end().split(',');
            let step = cells
                .next()
                .and_then(|c| c.parse::<u64>().ok())
                .ok_or_else(wrong)?;
            let values: Vec<f64> = cells.skip(1).filter_map(|c| c.parse().ok()).collect();
            if values.len() != samples.names.len() {
                return Err(wrong());
            }
            if step > after {
                samples.steps.push(step);
                samples
                    .columns
                    .iter_mut()
                    .zip(values)
                    .for_each(|(c, v)| c.push(v));
            }
        }
        Ok(samples)
    }

    fn column(&self, name: &str) -> Option<&[f64]> {
        let k = self.names.iter().position(|n| n == name)?;
        self.columns.get(k).map(Vec::as_slice)
    }
}

/// What the samples say.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    /// What decides: volume (Å^3), pressure (bar) or energy (eV), and the standard error (same unit) that is wanted.
    pub target: Sampled,
    pub wanted: f64,
    /// Rows that were left out, and rows in all.
    pub first: usize,
    pub rows: usize,
    pub temperature: Measured,
    pub pressure: Option<Measured>,
    pub volume: Option<Measured>,
    pub energy: Measured,
    pub quantum: bool,
    /// Densities (amu/Å^3) of two modes.
    pub two: Option<[f64; 2]>,
}

fn measured(s: Sampled) -> Measured {
    Measured {
        value: s.mean,
        error: s.error,
    }
}

impl Judgement {
    /// Judges the samples of a run after the step `before`. `volume` is that of a cell that stays, `mass` that of all atoms.
    ///
    /// Errors when the table cannot be read; none when it has no rows yet.
    pub fn of(
        path: &Path,
        job: &FluidDeck,
        point: &Point,
        before: u64,
        fixed_volume: Option<f64>,
        mass: f64,
    ) -> Result<Option<Judgement>> {
        let samples = Samples::read(path, before)?;
        let rows = samples.steps.len();
        if rows == 0 {
            return Ok(None);
        }
        let need = |name: &str| {
            samples.column(name).ok_or_else(|| {
                Error::file(path, format!("there is no column `{name}`"))
                    .advise("the pressure needs a potential with a virial; was the file changed?")
            })
        };
        let quantum = samples.column("total_energy").is_some();
        let energy = match quantum {
            true => need("total_energy")?,
            false => need("potential_energy")?,
        };
        let temperature = need("temperature_mid_step").or(need("temperature"))?;
        let pressures: Option<Vec<f64>> = samples
            .column("pressure")
            .map(|p| p.iter().map(|p| p * GPA).collect());
        let volumes = samples.column("volume");
        let decides: &[f64] = match point.condition {
            Condition::Pressure(..) => need("volume")?,
            Condition::Density(..) => match &pressures {
                Some(p) => p,
                None => need("pressure")?,
            },
            Condition::Molecule => energy,
        };
        let potential = need("potential_energy")?;
        let least = samples
            .steps
            .partition_point(|s| *s <= before + job.equilibration);
        let first = settled(&[potential, decides]).max(least).min(rows - 1);
        let of = |series: &[f64]| Sampled::of(series, first);
        let empty = || Error::file(path, "there are no samples after the equilibration");
        let target = of(decides).ok_or_else(empty)?;
        let fixed = fixed_volume.map(|value| Measured {
            value,
            error: Some(0.0),
        });
        Ok(Some(Judgement {
            wanted: point.wanted_error(target.mean),
            first,
            rows,
            temperature: of(temperature).map(measured).ok_or_else(empty)?,
            pressure: pressures.as_deref().and_then(of).map(measured),
            volume: volumes.and_then(of).map(measured).or(fixed),
            energy: of(energy).map(measured).ok_or_else(empty)?,
            quantum,
            two: volumes.and_then(|v| two_densities(&v[first..], mass)),
            target,
        }))
    }

    /// Whether the run can end.
    pub fn is_met(&self) -> bool {
        self.target.meets(self.wanted) && !self.is_restless()
    }

    /// Whether half of the run belongs to its equilibration, as far as it shows.
    pub fn is_restless(&self) -> bool {
        self.first as f64 >= RESTLESS * self.rows as f64
    }

    /// Rows that there should be before looking again.
    pub fn next_rows(&self) -> usize {
        self.target.next_length(self.wanted, self.first, self.rows)
    }

    /// The density (g/cm^3) of a mass (amu).
    pub fn density(&self, mass: f64) -> Option<Measured> {
        self.volume.map(|v| density(v, mass))
    }
}

/// The density (g/cm^3) of a mass (amu) in a volume: mass over the mean volume.
pub(super) fn density(volume: Measured, mass: f64) -> Measured {
    let value = mass / volume.value * crate::units::AMU_PER_A3_IN_G_PER_CM3;
    Measured {
        value,
        error: volume.error.map(|e| value * e / volume.value),
    }
}

/// The densities of two modes of the volume, when there are two that differ by more than a fluctuation.
fn two_densities(volumes: &[f64], mass: f64) -> Option<[f64; 2]> {
    let mut blocks = crate::analysis::Series::new(1);
    volumes.iter().for_each(|v| blocks.add(&[*v]));
    let division = Division::of(&blocks.channel(0, 0)).filter(Division::is_bimodal)?;
    let [small, large] = division.means;
    let differ = large - small > ONE_PHASE * large;
    differ.then(|| [mass / large, mass / small])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let head = "step,time (fs),potential_energy (eV),temperature (K)\n";
        std::fs::write(
            &path,
            format!("{head}0,0.0,1.0,2.0\n20,1.0,3.0,4.0\n40,2.0,5.0,6."),
        )
        .unwrap();
        let s = Samples::read(&path, 0).unwrap();
        assert_eq!(
            (s.steps.as_slice(), s.column("temperature").unwrap()),
            (&[20][..], &[4.0][..])
        );
        std::fs::write(&path, format!("{head}0,0.0,1.0\n")).unwrap();
        let message = Samples::read(&path, 0).err().unwrap().to_string();
        assert!(message.contains("x.csv:2"), "{message}");
        std::fs::write(&path, "").unwrap();
        assert!(Samples::read(&path, 0).unwrap().steps.is_empty());
        assert!(Samples::read(&folder.path().join("none"), 0).is_err());
    }

    #[test]
    fn coexistence_has_two_densities() {
        let wave = |k: usize| (k as f64 * 0.7).sin();
        let one: Vec<f64> = (0..500).map(|k| 100.0 + wave(k)).collect();
        assert!(two_densities(&one, 50.0).is_none());
        let two: Vec<f64> = (0..500)
            .map(|k| if k < 200 { 100.0 } else { 300.0 } + wave(k))
            .collect();
        let [gas, liquid] = two_densities(&two, 50.0).unwrap();
        assert!((gas - 50.0 / 300.0).abs() < 2e-3 && (liquid - 0.5).abs() < 1e-2);
    }
}
