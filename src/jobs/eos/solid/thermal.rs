//! Phases at temperatures: phonons at every volume, free energies, and which phase is stable where.

use super::phase::Phase;
use super::points::Point;
use super::results::Results;
use crate::analysis::phases::{Sequence, sequence};
use crate::deck::{Relaxed, SolidDeck, ThermalDeck};
use crate::error::Result;
use crate::jobs::Outcome;
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::phonons::volume::{Crystal, Freedom, How, prepare};
use crate::report::{Console, Task};
use crate::vibrations::phonons::{Thermal as Harmonic, count_for};
use crate::vibrations::quasi_harmonic::{
    Expanded, FreeEnergy, Lost, VolumePoint, expand, free_energy,
};

/// A phase at temperatures, everything for one atom.
pub(super) struct OfPhase {
    /// Volumes that count.
    pub points: Vec<VolumePoint>,
    /// Volumes that were left out, with the reason.
    pub left_out: Vec<String>,
    /// Temperature (K) and what is in equilibrium at the pressure of the deck.
    pub rows: Vec<(f64, std::result::Result<Expanded, Lost>)>,
}

/// All phases at temperatures.
pub(super) struct Thermal {
    /// Pressure (eV/Å^3) of the rows.
    pub pressure: f64,
    pub phases: Vec<OfPhase>,
    /// Stable phases at each temperature (K).
    pub boundaries: Vec<(f64, Sequence)>,
}

/// What phonons of the deck are made with.
fn how<'a>(job: &SolidDeck, thermal: &'a ThermalDeck) -> How<'a> {
    How {
        lattice: &thermal.lattice,
        symmetry: job.symmetry,
        tolerance: job.tolerance,
        relax: Relaxed::Nothing,
        fmax: job.fmax,
    }
}

/// A crystal as it is, ready to be displaced.
pub(super) fn crystal(
    job: &SolidDeck,
    thermal: &ThermalDeck,
    phase: &Phase,
    system: &crate::system::System,
) -> Result<Crystal> {
    let how = how(job, thermal);
    let system = system.clone();
    prepare(&phase.place, &how, &phase.terms, system, Freedom::Deck)
}

/// A number of everything that is of a primitive cell, for one atom.
fn per_atom(p: VolumePoint, atoms: f64) -> VolumePoint {
    let of = |t: Harmonic| Harmonic {
        temperature: t.temperature,
        free_energy: t.free_energy / atoms,
        energy: t.energy / atoms,
        entropy: t.entropy / atoms,
        heat_capacity: t.heat_capacity / atoms,
    };
    VolumePoint {
        volume: p.volume / atoms,
        energy: p.energy / atoms,
        thermal: p.thermal.into_iter().map(of).collect(),
    }
}

/// Phonons of every point of every phase, or that the run was stopped.
pub(super) fn of(
    job: &SolidDeck,
    thermal: &ThermalDeck,
    results: &Results,
    store: &mut KeptFrames,
    limits: &Limits,
    console: &Console,
) -> Result<std::result::Result<Thermal, Outcome>> {
    let crystals: Vec<Vec<Crystal>> = results
        .curves
        .iter()
        .map(|c| {
            let of = |p: &Point| crystal(job, thermal, &c.phase, &p.system);
            c.points.iter().map(of).collect::<Result<_>>()
        })
        .collect::<Result<_>>()?;
    let displaced = |c: &Crystal| c.displacements.len();
    let total = crystals.iter().flatten().map(displaced).sum();
    let mut task = Task::new(console, "displaced supercells", total);
    let mut phases = Vec::new();
    for (curve, crystals) in results.curves.iter().zip(&crystals) {
        let (mut points, mut left_out) = (Vec::new(), Vec::new());
        let mut count = thermal.lattice.mesh;
        // A primitive cell that symmetry makes smaller at one volume would have another mesh.
        let mut cells: Option<usize> = None;
        for (point, crystal) in curve.points.iter().zip(crystals) {
            let mut evaluator = crystal.evaluator(&curve.phase.place, &curve.phase.terms)?;
            let label = format!("{} {:.6}", curve.phase.name, point.ratio);
            let done = |n| task.advance(n);
            let found = crystal.phonons(&label, &mut evaluator, store, limits, done)?;
            let phonons = match found {
                Ok((_, phonons)) => phonons,
                Err(outcome) => return Ok(Err(outcome)),
            };
            let mesh = *count.get_or_insert_with(|| count_for(&phonons.cell, 0.1));
            let name = format!("{} at {:.4} Å^3/atom", curve.phase.name, point.volume);
            if *cells.get_or_insert(crystal.primitive_atoms()) != crystal.primitive_atoms() {
                left_out.push(format!("{name}: the primitive cell has become another one"));
                continue;
            }
            match crystal.volume_point(&phonons, mesh, &thermal.lattice)? {
                Ok(p) => points.push(per_atom(p, crystal.primitive_atoms() as f64)),
                Err(why) => left_out.push(format!("{name}: {why}")),
            }
        }
        phases.push(OfPhase {
            rows: expand(&points, thermal.pressure, job.equation),
            points,
            left_out,
        });
    }
    drop(task);
    let boundaries = boundaries(job, thermal, results, &phases);
    Ok(Ok(Thermal {
        pressure: thermal.pressure,
        phases,
        boundaries,
    }))
}

/// Which phases are stable at each temperature.
fn boundaries(
    job: &SolidDeck,
    thermal: &ThermalDeck,
    results: &Results,
    phases: &[OfPhase],
) -> Vec<(f64, Sequence)> {
    let Some(range) = results.range.filter(|_| phases.len() > 1) else {
        return Vec::new();
    };
    let temperatures = thermal.lattice.temperatures();
    let at = |(t, temperature): (usize, &f64)| {
        let curves: Vec<Option<FreeEnergy>> = phases
            .iter()
            .map(|p| free_energy(&p.points, t, job.equation))
            .collect();
        let gibbs: Vec<_> = curves
            .iter()
            .map(|c| |p: f64| c.as_ref()?.gibbs_at(p))
            .collect();
        let gibbs: Vec<&dyn Fn(f64) -> Option<f64>> = gibbs
            .iter()
            .map(|g| g as &dyn Fn(f64) -> Option<f64>)
            .collect();
        (*temperature, sequence(&gibbs, range))
    };
    temperatures.iter().enumerate().map(at).collect()
}

impl Thermal {
    /// What is odd; sentences.
    pub fn warnings(&self, r: &Results) -> Vec<String> {
        let mut all = Vec::new();
        for (k, p) in self.phases.iter().enumerate() {
            let name = r.name(k);
            if let Some(first) = p.left_out.first() {
                all.push(format!(
                    "{} of {} volumes of {name} were left out of the free energies, the first of {first}",
                    p.left_out.len(),
                    p.left_out.len() + p.points.len()
                ));
            }
            let lost = p.rows.iter().filter_map(|(t, x)| Some((*t, (*x).err()?)));
            let lost: Vec<(f64, Lost)> = lost.collect();
            if let Some((t, why)) = lost.first() {
                all.push(format!(
                    "{name} has no equilibrium at {} of {} temperatures, the first at {t} K: {}",
                    lost.len(),
                    p.rows.len(),
                    crate::jobs::phonons::tables::lost(*why)
                ));
            }
        }
        all
    }
}
