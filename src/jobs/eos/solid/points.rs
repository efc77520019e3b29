//! Crystals at given volumes: relaxed one after the other from ratio 1 outwards, and kept in a file from which a stopped run goes on.

use super::SKIN;
use super::phase::{self, Phase};
use crate::deck::{Relaxed, SolidDeck, VolumesDeck};
use crate::dynamics::barostat::StrainSpace;
use crate::error::{Error, Result};
use crate::io::{Frame, Value};
use crate::jobs::kept::KeptFrames;
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::parallel;
use crate::potential::{Evaluation, Evaluator, Want};
use crate::relax::{self, CellSettings};
use crate::system::{System, dilated};
use nalgebra::Matrix3;

/// A crystal at a volume.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Volume as a ratio to that of the phase.
    pub ratio: f64,
    /// Volume (Å^3) and energy (eV) of an atom.
    pub volume: f64,
    pub energy: f64,
    /// Pressure (eV/Å^3) by the virial; none where the potential has none.
    pub pressure: Option<f64>,
    /// Largest component of the stress beside that pressure (eV/Å^3).
    pub shear: f64,
    /// Longest force (eV/Å) left.
    pub fmax: f64,
    /// Whether it was relaxed as far as asked for.
    pub converged: bool,
    /// Evaluations that took.
    pub calls: u64,
    pub system: System,
}

/// Energy (eV), longest force (eV/Å), pressure and largest other stress (eV/Å^3) of a crystal.
pub(super) struct Measured {
    pub energy: f64,
    fmax: f64,
    pressure: Option<f64>,
    shear: f64,
}

/// Evaluates a crystal. Errors are a reason and an advice.
pub(super) fn measure(
    system: &System,
    evaluator: &mut Evaluator,
) -> std::result::Result<Measured, (String, String)> {
    let mut result = [Evaluation::default()];
    let virial = evaluator.gives_virial();
    let want = Want {
        forces: true,
        virial,
        ..Want::ENERGY
    };
    evaluator
        .evaluate(&[system.configuration()], want, &mut result)
        .map_err(|e| parts::describe_evaluation_error(e, system))?;
    let [r] = result;
    let volume = system.cell.volume().unwrap_or(1.0);
    let w = Matrix3::from_fn(|i, j| 0.5 * (r.virial[i][j] + r.virial[j][i]) / volume);
    let pressure = w.trace() / 3.0;
    Ok(Measured {
        energy: r.energy,
        fmax: parts::longest_force(&r.forces),
        pressure: virial.then_some(pressure),
        shear: (w - Matrix3::identity() * pressure).amax(),
    })
}

/// The ratios of a phase, in ascending order.
pub(super) fn ratios(v: &VolumesDeck) -> Vec<f64> {
    let [low, high] = v.range;
    let step = (high - low) / (v.count - 1) as f64;
    (0..v.count).map(|k| low + step * k as f64).collect()
}

/// A way from ratio 1 outwards: the volumes that start from each other.
struct Chain {
    phase: usize,
    /// Numbers of the volumes, in the order in which they are taken.
    order: Vec<usize>,
}

/// Both ways of every phase. Where ratio 1 is not among the volumes, all of them are on one way.
fn chains(phases: &[Phase]) -> Vec<Chain> {
    let of = |(phase, p): (usize, &Phase)| {
        let ratios = ratios(&p.volumes);
        let above: Vec<usize> = (0..ratios.len()).filter(|k| ratios[*k] >= 1.0).collect();
        let below: Vec<usize> = (0..ratios.len())
            .rev()
            .filter(|k| ratios[*k] < 1.0)
            .collect();
        [above, below].map(|order| Chain { phase, order })
    };
    let all = phases.iter().enumerate().flat_map(of);
    all.filter(|c| !c.order.is_empty()).collect()
}

/// Every volume of every phase, in ascending order, or that the run was stopped. `done` is called with the number of new points.
#[allow(clippy::type_complexity)]
pub(super) fn all(
    job: &SolidDeck,
    phases: &[Phase],
    store: &mut KeptFrames,
    limits: &Limits,
    done: &mut dyn FnMut(usize),
) -> Result<std::result::Result<Vec<Vec<Point>>, Outcome>> {
    let mut found: Vec<Vec<Option<Point>>> = phases
        .iter()
        .map(|p| {
            let known = |r: f64| known(store, job, p, r);
            ratios(&p.volumes).into_iter().map(known).collect()
        })
        .collect();
    done(found.iter().flatten().flatten().count());
    let chains = chains(phases);
    let rounds = chains.iter().map(|c| c.order.len()).max().unwrap_or(0);
    for round in 0..rounds {
        if let Some(outcome) = limits.reached() {
            return Ok(Err(outcome));
        }
        // Chains do not wait for each other but here: a volume more in each that still has one.
        let missing = chains.iter().filter_map(|c| {
            let k = *c.order.get(round)?;
            found[c.phase][k].is_none().then_some((c, k))
        });
        let tasks: Vec<(&Chain, usize)> = missing.collect();
        let start = |(c, _): &(&Chain, usize)| -> &System {
            let before = round.checked_sub(1).and_then(|r| c.order.get(r));
            match before.and_then(|k| found[c.phase][*k].as_ref()) {
                Some(point) => &point.system,
                None => &phases[c.phase].system,
            }
        };
        let starts: Vec<&System> = tasks.iter().map(start).collect();
        let mut results: Vec<Option<Result<Option<Point>>>> = tasks.iter().map(|_| None).collect();
        parallel::for_each_mut(&mut results, |t, result| {
            let (chain, k) = &tasks[t];
            let phase = &phases[chain.phase];
            *result = Some(point(job, phase, starts[t], *k, limits));
        });
        let mut frames = Vec::new();
        let mut points = Vec::new();
        for ((chain, k), result) in tasks.iter().zip(results.into_iter().flatten()) {
            if let Some(point) = result? {
                frames.push(frame(job, &phases[chain.phase], &point));
                points.push((chain.phase, *k, point));
            }
        }
        store.keep(&frames)?;
        done(points.len());
        let complete = points.len() == tasks.len();
        for (phase, k, point) in points {
            found[phase][k] = Some(point);
        }
        if !complete {
            return Ok(Err(limits.reached().unwrap_or(Outcome::Interrupted)));
        }
    }
    let complete = found.into_iter().map(|p| p.into_iter().flatten().collect());
    Ok(Ok(complete.collect()))
}

/// A crystal relaxed at volume number `k`, from another of its phase; none when the run was stopped.
fn point(
    job: &SolidDeck,
    phase: &Phase,
    start: &System,
    k: usize,
    limits: &Limits,
) -> Result<Option<Point>> {
    let ratio = ratios(&phase.volumes)[k];
    let volume = |s: &System| s.cell.volume().unwrap_or(1.0);
    let mut system = dilated(start, ratio * volume(&phase.system) / volume(start))?;
    let mut evaluator = Evaluator::new(phase.terms.clone(), SKIN);
    let failed = |(reason, advice): (String, String)| {
        let place = format!("{} at {ratio:.4} of its volume", phase.name);
        Error::run(format!("{place}: {reason}"), advice)
    };
    let (mut converged, mut calls) = (true, 1);
    if job.relax != Relaxed::Nothing {
        let mut settings = phase::settings(job);
        if job.relax == Relaxed::Cell {
            settings.cell = Some(CellSettings {
                strains: StrainSpace::components([true; 6]).at_constant_volume(),
                ..CellSettings::default()
            });
        }
        let mut stopped = false;
        let outcome = relax::relax(&mut system, &mut evaluator, &settings, &mut |_| {
            stopped = limits.reached().is_some();
            !stopped
        })?;
        if let relax::End::Failed(e) = outcome.end {
            return Err(failed(parts::describe_evaluation_error(e, &system)));
        }
        if stopped {
            return Ok(None);
        }
        (converged, calls) = (phase::at_rest(&outcome, job), outcome.calls);
    }
    let measured = measure(&system, &mut evaluator).map_err(failed)?;
    let atoms = phase.atoms();
    Ok(Some(Point {
        ratio,
        volume: volume(&system) / atoms,
        energy: measured.energy / atoms,
        pressure: measured.pressure,
        shear: measured.shear,
        fmax: measured.fmax,
        converged,
        calls,
        system,
    }))
}

/// How the deck relaxes, as files have it.
fn word(relax: Relaxed) -> &'static str {
    match relax {
        Relaxed::Cell => "cell",
        Relaxed::Atoms => "atoms",
        Relaxed::Nothing => "nothing",
    }
}

fn frame(job: &SolidDeck, phase: &Phase, p: &Point) -> Frame {
    let mut frame = Frame::from(p.system.clone());
    let atoms = phase.atoms();
    frame.set_value("phase", phase.name.as_str());
    frame.set_value("ratio", p.ratio);
    frame.set_value("relax", word(job.relax));
    frame.set_value("fmax_wanted", job.fmax);
    frame.set_value("symmetry_kept", job.keep_symmetry);
    frame.set_value("reference_energy", phase.energy);
    frame.set_value("energy", p.energy * atoms);
    if let Some(pressure) = p.pressure {
        frame.set_value("pressure", pressure);
    }
    frame.set_value("shear", p.shear);
    frame.set_value("fmax", p.fmax);
    frame.set_value("converged", p.converged);
    frame.set_value("evaluations", p.calls as i64);
    frame
}

/// What an earlier run found for this volume of this very phase.
fn known(store: &KeptFrames, job: &SolidDeck, phase: &Phase, ratio: f64) -> Option<Point> {
    let real = |f: &Frame, key: &str| f.value(key).and_then(|v| v.as_real());
    let text = |f: &Frame, key: &str, is: &str| f.value(key) == Some(&Value::Text(is.to_owned()));
    let wanted = phase.volume() * phase.atoms() * ratio;
    let same = |f: &&Frame| {
        let volume = f.system.cell.volume().unwrap_or(0.0);
        f.value("phase").and_then(|v| v.as_word()).as_deref() == Some(phase.name.as_str())
            && text(f, "relax", word(job.relax))
            && real(f, "ratio") == Some(ratio)
            && real(f, "fmax_wanted") == Some(job.fmax)
            && f.value("symmetry_kept") == Some(&Value::Logical(job.keep_symmetry))
            && real(f, "reference_energy") == Some(phase.energy)
            && (volume / wanted - 1.0).abs() < 1e-6
            && f.system.atoms.elements == phase.system.atoms.elements
    };
    let frame = store.known().iter().find(same)?;
    let atoms = phase.atoms();
    Some(Point {
        ratio,
        volume: frame.system.cell.volume()? / atoms,
        energy: real(frame, "energy")? / atoms,
        pressure: real(frame, "pressure"),
        shear: real(frame, "shear")?,
        fmax: real(frame, "fmax")?,
        converged: frame.value("converged") == Some(&Value::Logical(true)),
        calls: real(frame, "evaluations").map_or(0, |n| n.max(0.0) as u64),
        system: frame.system.clone(),
    })
}
