//! sGDML models: kernel ridge regression of the forces of one molecule or cell, symmetrised.
//!
//! Chmiela, Tkatchenko, Sauceda, Poltavsky, Schütt and Müller, Sci. Adv. 3, e1603015 (2017); with symmetries Nat. Commun. 9, 3887
//! (2018); the iterative solver Chmiela et al., Sci. Adv. 9, eadf0873 (2023).
//!
//! [`fit`] draws geometries, finds permutations (`symmetries`, `crystal`), sets up the equations without rigid motions (`rigid`,
//! `equations`) and solves them for one length scale after the other (`search`): in closed form (`block`, `assemble`,
//! `packed`) or by conjugate gradients (`product`, `nystrom`, `iterative`).

mod assemble;
mod block;
mod checkpoint;
mod crystal;
mod equations;
mod errors;
mod geometry;
mod group;
mod iterative;
mod lanes;
mod nystrom;
mod packed;
mod product;
mod rigid;
mod sample;
mod search;
mod settings;
mod symmetries;

#[cfg(test)]
mod tests;

pub use settings::{Energies, Fitted, Plan, Report, Settings, Solution, Solver, Symmetries};

use super::Monitor;
use super::data::LabelledFrame;
use crate::error::{Error, Result};
use crate::io::npz::Dataset;
use crate::potential::sgdml::TestErrors;
use crate::units::{self, Dimension};
use checkpoint::Progress;
use equations::Equations;
use geometry::Geometries;
use md5::{Digest, Md5};
use rand::SeedableRng;
use search::Search;

/// Makes a model of `training` frames, with the length scale that `validation` frames choose (or training frames that are not learned
/// from, where there are none).
///
/// `None` when the monitor asked to stop: what was found is in the checkpoint then, if the settings name one, and the next call with the
/// same frames and settings goes on from there. Errors are the user's (frames that do not fit together, settings that make no
/// sense) or say that the equations cannot be solved.
pub fn fit(
    settings: &Settings,
    training: &[LabelledFrame],
    validation: &[LabelledFrame],
    monitor: &mut dyn Monitor,
) -> Result<Option<Fitted>> {
    settings.check()?;
    let unit = energy_unit(&settings.energy_unit)?;
    let (all, other) = gather(settings, training, validation, unit)?;
    let rows = draw(settings, &all, other.as_ref())?;
    let set = all.rows(&rows.training);
    let chooser = match &other {
        Some(other) => other.rows(&rows.validation),
        None => all.rows(&rows.validation),
    };
    let fingerprint = |frames: &Geometries, unit: f64| {
        if settings.fingerprint.is_empty() {
            fingerprint(frames, unit)
        } else {
            settings.fingerprint.clone()
        }
    };
    let key = key(settings, &set, &chooser);

    // Permutations do not change the number of unknowns, so a checkpoint can be judged before they are known.
    let size = unknowns(settings, &set).total();
    let mut progress = Progress {
        key: key.clone(),
        ..Progress::default()
    };
    if let Some(path) = settings.checkpoint.as_ref().filter(|p| p.exists()) {
        match Progress::read(path, &key, set.atoms(), size, settings.sigmas.len()) {
            Some(found) => {
                monitor.say("the fit goes on from its checkpoint");
                progress = found;
            }
            None => monitor.say("the checkpoint is of other data or settings, and is not used"),
        }
    }
    let save = |progress: &Progress| match &settings.checkpoint {
        Some(path) => progress.write(path),
        None => Ok(()),
    };
    if progress.permutations.is_empty() {
        progress.permutations = permutations(settings, &set, monitor)?;
        if monitor.stopped() {
            return Ok(None);
        }
    }
    let permutations = progress.permutations.clone();
    monitor.say(&match permutations.len() {
        1 => "no permutational symmetry but the identity".to_owned(),
        n => format!("{n} permutations"),
    });
    let equations = Equations::new(
        set,
        &permutations,
        settings.energies == Energies::Constraints,
    );
    if !(equations.scale > 0.0 && equations.scale.is_finite()) {
        return Err(Error::input(
            "",
            "all forces are the same; there is nothing to learn",
        ));
    }
    let search = Search {
        settings,
        unit,
        equations: &equations,
        validation: &chooser,
        permutations: &permutations,
    };
    let Some(at) = search.run(&mut progress, monitor, &mut |p| save(p))? else {
        save(&progress)?;
        return Ok(None);
    };
    let Some((_, solved)) = progress.best.as_ref().filter(|b| b.0 == at) else {
        return Err(Error::Bug("the best length scale has no solution".into()));
    };
    let found = search.finish(at, solved)?;
    if let Some(warning) = found.energies.and_then(doubt) {
        monitor.say(&warning);
    }
    let mut model = found.model;
    let list = |rows: &[usize]| rows.iter().map(|r| *r as i64).collect();
    model.train_rows = list(&rows.training);
    model.validation_rows = list(&rows.validation);
    model.train_md5 = fingerprint(&all, unit);
    model.validation_md5 = other
        .as_ref()
        .map_or_else(|| model.train_md5.clone(), |other| fingerprint(other, unit));
    let mut tried: Vec<(f64, Option<TestErrors>)> = progress
        .tried
        .iter()
        .map(|t| (settings.sigmas[t.0], t.1))
        .collect();
    tried.sort_by(|a, b| a.0.total_cmp(&b.0));
    let report = Report {
        training_rows: rows.training,
        validation_rows: rows.validation,
        validation_from_training: other.is_none(),
        permutations: permutations.len(),
        unknowns: [
            3 * equations.training.atoms * equations.training.len() + equations.unknowns.total()
                - equations.unknowns.forces(),
            equations.unknowns.total(),
        ],
        tried,
        sigma: model.sigma,
        lambda: found.solved.lambda,
        scale: equations.scale,
        training: Some(found.training),
        solution: found.solved.how,
        energies: found.energies,
    };
    Ok(Some(Fitted { model, report }))
}

/// What [`fit`] will take, with the errors of data and settings that it would end with at once.
pub fn planned(
    settings: &Settings,
    training: &[LabelledFrame],
    validation: &[LabelledFrame],
) -> Result<Plan> {
    settings.check()?;
    let unit = energy_unit(&settings.energy_unit)?;
    let (all, other) = gather(settings, training, validation, unit)?;
    let rows = draw(settings, &all, other.as_ref())?;
    let size = unknowns(settings, &all.rows(&rows.training)).total();
    let bytes = packed::Packed::bytes(size);
    Ok(Plan {
        geometries: rows.training.len(),
        unknowns: size,
        bytes,
        closed_form: settings.solver != Solver::Iterative && bytes <= settings.memory as f64,
    })
}

/// The training frames, and the validation frames where there are some, all of the same atoms.
fn gather(
    settings: &Settings,
    training: &[LabelledFrame],
    validation: &[LabelledFrame],
    unit: f64,
) -> Result<(Geometries, Option<Geometries>)> {
    let all = Geometries::gather(training, unit)?;
    let other = match validation.is_empty() {
        true => None,
        false => Some(Geometries::gather(validation, unit)?),
    };
    if let Some(other) = &other {
        other.like(&all, &validation[0].place)?;
    }
    if settings.energies == Energies::Constraints && all.energies.is_empty() {
        return Err(Error::input(
            "",
            "energies are to be learned, and not every training frame has one",
        )
        .advise("give energies, or learn forces only"));
    }
    Ok((all, other))
}

fn unknowns(settings: &Settings, set: &Geometries) -> assemble::Unknowns {
    assemble::Unknowns {
        geometries: set.len(),
        rank: rigid::Internal::new(&set.positions, set.cell.is_some()).rank,
        energies: settings.energies == Energies::Constraints,
    }
}

impl Fitted {
    /// Errors of the model on frames of the same atoms; they are written into the model file.
    pub fn test(&mut self, frames: &[LabelledFrame]) -> Result<TestErrors> {
        let set = Geometries::gather(frames, self.model.energy)?;
        let found = errors::errors(&set, &errors::predict(&self.model, &set)?);
        self.model.test = Some(found);
        Ok(found)
    }
}

fn energy_unit(name: &str) -> Result<f64> {
    match units::parse_unit(name) {
        Ok((factor, d)) if d == Dimension::ENERGY => Ok(factor),
        _ => Err(
            Error::input("", format!("`{name}` is no unit of energy that is known"))
                .advise("known are eV, meV, kcal/mol, kJ/mol and Hartree"),
        ),
    }
}

/// The rows that are learned from, and those that choose the length scale.
struct Rows {
    training: Vec<usize>,
    validation: Vec<usize>,
}

fn draw(settings: &Settings, all: &Geometries, other: Option<&Geometries>) -> Result<Rows> {
    let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    let rows: Vec<usize> = (0..all.len()).collect();
    let too_few = |wanted: usize, what: &str, there: usize| {
        Error::input(
            "",
            format!("{wanted} {what} geometries are wanted, and there are {there} frames"),
        )
        .advise("give more frames, or ask for fewer")
    };
    let wanted = settings.points.unwrap_or(all.len());
    if wanted > all.len() {
        return Err(too_few(wanted, "training", all.len()));
    }
    let training = match wanted == all.len() {
        true => rows.clone(),
        false => sample::stratified(&all.energies, &rows, wanted, &mut random),
    };
    let choose = settings.sigmas.len() > 1;
    let (energies, left): (&[f64], Vec<usize>) = match other {
        Some(other) => (&other.energies, (0..other.len()).collect()),
        None => {
            let kept = |r: &usize| training.binary_search(r).is_err();
            (&all.energies, rows.into_iter().filter(kept).collect())
        }
    };
    if choose && left.is_empty() {
        return Err(Error::input(
            "",
            "there are several length scales σ, and no frame is left to choose among them",
        )
        .advise("give validation frames, learn from fewer frames, or give one σ"));
    }
    let count = match (settings.validation_points, choose) {
        (Some(n), _) => n,
        (None, true) => left.len(),
        // Nothing to choose, nothing to validate.
        (None, false) => 0,
    };
    if count > left.len() {
        return Err(too_few(count, "validation", left.len()));
    }
    let validation = sample::stratified(energies, &left, count, &mut random);
    Ok(Rows {
        training,
        validation,
    })
}

fn permutations(
    settings: &Settings,
    set: &Geometries,
    monitor: &mut dyn Monitor,
) -> Result<Vec<Vec<usize>>> {
    let n = set.atoms();
    match &settings.symmetries {
        Symmetries::None => Ok(vec![(0..n).collect()]),
        Symmetries::Discovered => {
            let points = set.points();
            let descriptors: Vec<&[f64]> = points.iter().map(|p| &p.d[..]).collect();
            symmetries::discover(set, &descriptors, monitor)
        }
        Symmetries::Generated(given) => {
            for p in given {
                let mut sorted = p.clone();
                sorted.sort_unstable();
                if sorted != (0..n).collect::<Vec<_>>() {
                    let reason =
                        format!("{p:?} is no permutation of the {n} atoms, counted from 0");
                    return Err(Error::input("", reason));
                }
                if let Some(i) = (0..n).find(|i| set.elements[*i] != set.elements[p[*i]]) {
                    let reason = format!(
                        "the permutation {p:?} exchanges the atoms {i} ({}) and {} ({})",
                        set.elements[i], p[i], set.elements[p[i]]
                    );
                    return Err(Error::input("", reason));
                }
            }
            group::close(given, n, 10 * symmetries::MOST).ok_or_else(|| {
                Error::input(
                    "",
                    format!(
                        "the permutations generate a group of more than {}",
                        10 * symmetries::MOST
                    ),
                )
                .advise("give fewer: the cost grows with the size of the group")
            })
        }
        Symmetries::Crystal {
            rotations,
            tolerance,
        } => crystal::permutations(set, *rotations, *tolerance),
    }
}

/// What the slope and correlation of energies say against the data, if anything.
fn doubt([slope, correlation]: [f64; 2]) -> Option<String> {
    if slope < 0.0 {
        return Some("the energies fall where the forces say that they rise: the forces seem to be gradients, of the other sign".into());
    }
    if correlation < 0.95 {
        return Some(format!(
            "the energies do not follow from the forces (correlation {correlation:.3}): labels of different methods, or noise"
        ));
    }
    ((slope - 1.0).abs() > 0.1).then(|| {
        format!("energies are {slope:.3} times what the forces say: are the units of both right?")
    })
}

/// The fingerprint of frames as a data set in eV and Å.
fn fingerprint(set: &Geometries, unit: f64) -> String {
    Dataset {
        elements: set.elements.clone(),
        positions: set.positions.iter().flatten().copied().collect(),
        forces: set
            .forces
            .iter()
            .flatten()
            .map(|f| f.map(|f| f * unit))
            .collect(),
        energies: set.energies.iter().map(|e| e * unit).collect(),
        ..Dataset::default()
    }
    .fingerprint()
}

/// Tells fits apart whose checkpoints must not be mixed: everything that the solutions depend on.
fn key(settings: &Settings, training: &Geometries, validation: &Geometries) -> String {
    let what = Settings {
        name: String::new(),
        theory: String::new(),
        checkpoint: None,
        fingerprint: env!("CARGO_PKG_VERSION").into(),
        ..settings.clone()
    };
    let mut all = Md5::new();
    all.update(format!(
        "{what:?} {:?} {:?}",
        training.elements, training.cell
    ));
    for set in [training, validation] {
        for x in [&set.positions, &set.forces] {
            for x in x.iter().flatten().flatten() {
                all.update(x.to_le_bytes());
            }
        }
        set.energies
            .iter()
            .for_each(|e| all.update(e.to_le_bytes()));
    }
    all.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
