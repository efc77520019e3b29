//! The length scale of least error on the validation set.
//!
//! The error has one minimum along the list. Where it is, a third of the training set tells nearly as well, for a twenty-seventh of
//! the work; from there the full set walks downhill until both neighbours are worse: the minimum at which a walk from the
//! beginning of the list ends too, in fewer solutions.

use super::assemble;
use super::checkpoint::Progress;
use super::equations::{Equations, Solved};
use super::errors::{errors, predict, regression};
use super::geometry::Geometries;
use super::iterative;
use super::packed::{Outcome, Packed};
use super::sample;
use super::settings::{Energies, Settings, Solution, Solver};
use crate::error::{Error, Result};
use crate::potential::sgdml::{SgdmlFile, TestErrors};
use crate::training::Monitor;
use rand::SeedableRng;

/// The regularisation grows to at most this when the matrix cannot be factorised.
const MOST_LAMBDA: f64 = 1e-4;
/// Training sets smaller than this do not send a third of themselves ahead.
const LEAST_FOR_PILOT: usize = 60;

/// What the search has to work with.
pub(super) struct Search<'a> {
    pub settings: &'a Settings,
    /// eV in the unit of energy.
    pub unit: f64,
    pub equations: &'a Equations,
    pub validation: &'a Geometries,
    pub permutations: &'a [Vec<usize>],
}

/// A model with what was found when it was made.
pub(super) struct Found {
    pub model: SgdmlFile,
    pub solved: Solved,
    pub training: TestErrors,
    /// Slope and correlation of the energies of the data over those of the model.
    pub energies: Option<[f64; 2]>,
}

impl Search<'_> {
    /// Finds the best length scale and its solution; `None` when the monitor asked to stop. `save` keeps progress.
    pub fn run(
        &self,
        progress: &mut Progress,
        monitor: &mut dyn Monitor,
        save: &mut dyn FnMut(&Progress) -> Result<()>,
    ) -> Result<Option<usize>> {
        let last = self.settings.sigmas.len() - 1;
        if last == 0 || self.validation.len() == 0 {
            let only = progress.start.unwrap_or(0);
            let done =
                progress.best.is_some() || self.attempt(only, false, progress, monitor, save)?;
            return Ok(done.then_some(only));
        }
        let start = match progress.start {
            Some(start) => start,
            None => match self.pilot(monitor)? {
                Some(start) => start,
                None => return Ok(None),
            },
        };
        progress.start = Some(start);
        let mut at = start;
        if self.error(at, progress, monitor, save)?.is_none() {
            return Ok(None);
        }
        // Down first: more geometries want shorter length scales than the pilot.
        for (step, end) in [(-1, 0), (1, last)] {
            let mut moved = false;
            while at != end {
                let next = at.saturating_add_signed(step);
                let (Some(here), Some(there)) = (
                    self.error(at, progress, monitor, save)?,
                    self.error(next, progress, monitor, save)?,
                ) else {
                    return Ok(None);
                };
                if there >= here {
                    break;
                }
                at = next;
                moved = true;
            }
            if moved {
                break;
            }
        }
        Ok(Some(at))
    }

    /// The force error of a length scale of the list, tried now if it has not been; `None` when stopped.
    fn error(
        &self,
        at: usize,
        progress: &mut Progress,
        monitor: &mut dyn Monitor,
        save: &mut dyn FnMut(&Progress) -> Result<()>,
    ) -> Result<Option<f64>> {
        let known = |p: &Progress| p.tried.iter().find(|t| t.0 == at).map(|t| t.1);
        if known(progress).is_none() && !self.attempt(at, true, progress, monitor, save)? {
            return Ok(None);
        }
        let errors = known(progress).flatten();
        Ok(Some(errors.map_or(f64::INFINITY, |e| e.force[1])))
    }

    /// Solves for a length scale of the list, validates, and keeps the solution if it is the best. False when stopped.
    fn attempt(
        &self,
        at: usize,
        validate: bool,
        progress: &mut Progress,
        monitor: &mut dyn Monitor,
        save: &mut dyn FnMut(&Progress) -> Result<()>,
    ) -> Result<bool> {
        let sigma = self.settings.sigmas[at];
        let resumed = progress.running.take().filter(|r| r.0 == at).map(|r| r.1);
        let solved = {
            let progress = &mut *progress;
            let mut keep = |state: &iterative::State| {
                progress.running = Some((at, state.clone()));
                save(progress)
            };
            solve(
                self.equations,
                sigma,
                self.settings,
                resumed,
                monitor,
                &mut keep,
            )?
        };
        let Some(solved) = solved else {
            return Ok(false);
        };
        progress.running = None;
        let mut errors = None;
        if validate {
            let model = self
                .equations
                .model(self.settings, self.unit, sigma, &solved);
            let found = validation_errors(model, &self.equations.set, self.validation)?;
            monitor.say(&format!(
                "σ = {sigma}: root mean square error of forces {:.6} {}/Å",
                found.force[1], self.settings.energy_unit
            ));
            errors = Some(found);
        }
        progress.tried.push((at, errors));
        let of = |place: usize| {
            let found = progress
                .tried
                .iter()
                .find(|t| t.0 == place)
                .and_then(|t| t.1);
            found.map_or(f64::INFINITY, |e| e.force[1])
        };
        let better = progress.best.as_ref().is_none_or(|b| of(at) < of(b.0));
        if better {
            progress.best = Some((at, solved));
        }
        save(progress)?;
        Ok(true)
    }

    /// The place from which to start: the minimum for a third of the training set, found from the beginning of the list.
    fn pilot(&self, monitor: &mut dyn Monitor) -> Result<Option<usize>> {
        let (set, settings) = (&self.equations.set, self.settings);
        if set.len() < LEAST_FOR_PILOT || settings.sigmas.len() < 3 {
            return Ok(Some(0));
        }
        let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(settings.seed ^ 0x9170);
        let rows: Vec<usize> = (0..set.len()).collect();
        let few = sample::stratified(&set.energies, &rows, set.len() / 3, &mut random);
        let constraints = settings.energies == Energies::Constraints;
        let pilot = Equations::new(set.rows(&few), self.permutations, constraints);
        let mut lowest = f64::INFINITY;
        for (at, sigma) in settings.sigmas.iter().enumerate() {
            let mut keep = |_: &iterative::State| Ok(());
            let Some(solved) = solve(&pilot, *sigma, settings, None, monitor, &mut keep)? else {
                return Ok(None);
            };
            let model = pilot.model(settings, self.unit, *sigma, &solved);
            let error = errors(self.validation, &predict(&model, self.validation)?).force[1];
            monitor.say(&format!(
                "a third of the training set, σ = {sigma}: {error:.6} {}/Å",
                settings.energy_unit
            ));
            if error.is_nan() || error >= lowest {
                return Ok(Some(at - 1));
            }
            lowest = error;
        }
        Ok(Some(settings.sigmas.len() - 1))
    }

    /// The model of a solution with its constant of integration.
    pub fn finish(&self, at: usize, solved: &Solved) -> Result<Found> {
        let sigma = self.settings.sigmas[at];
        let set = &self.equations.set;
        let mut model = self
            .equations
            .model(self.settings, self.unit, sigma, solved);
        let mut predicted = predict(&model, set)?;
        let shift = integrate(&mut model, set, &predicted.energies);
        let energies = match model.use_energies {
            true => regression(&set.energies, &predicted.energies),
            false => None,
        };
        predicted.energies.iter_mut().for_each(|e| *e += shift);
        Ok(Found {
            training: errors(set, &predicted),
            solved: solved.clone(),
            model,
            energies,
        })
    }
}

/// Sets the constant so that the mean energy of the training set is right, where energies are used for nothing else. Returns what was
/// added.
fn integrate(model: &mut SgdmlFile, set: &Geometries, predicted: &[f64]) -> f64 {
    if !model.use_energies || !model.alphas_energies.is_empty() {
        return 0.0;
    }
    let off = set.energies.iter().zip(predicted).map(|(a, b)| a - b);
    let shift = off.sum::<f64>() / set.len() as f64;
    model.constant += shift;
    shift
}

/// Errors on the validation set, the constant of integration from the training set.
fn validation_errors(
    mut model: SgdmlFile,
    training: &Geometries,
    validation: &Geometries,
) -> Result<TestErrors> {
    let predicted = predict(&model, training)?;
    integrate(&mut model, training, &predicted.energies);
    Ok(errors(validation, &predict(&model, validation)?))
}

/// Solves for one length scale, as the settings and the memory have it; `None` when the monitor asked to stop.
pub(super) fn solve(
    e: &Equations,
    sigma: f64,
    settings: &Settings,
    resumed: Option<iterative::State>,
    monitor: &mut dyn Monitor,
    save: &mut dyn FnMut(&iterative::State) -> Result<()>,
) -> Result<Option<Solved>> {
    let bytes = Packed::bytes(e.unknowns.total());
    let fits = bytes <= settings.memory as f64;
    match settings.solver {
        Solver::ClosedForm if !fits => Err(Error::input(
            "",
            format!(
                "the matrix of {} unknowns takes {:.1} GB, and the fit may take {:.1} GB",
                e.unknowns.total(),
                bytes / 1e9,
                settings.memory as f64 / 1e9
            ),
        )
        .advise("give it more memory, fewer geometries, or the iterative solver")),
        Solver::Automatic if !fits => iterative::solve(e, sigma, settings, resumed, monitor, save),
        Solver::Iterative => iterative::solve(e, sigma, settings, resumed, monitor, save),
        Solver::Automatic | Solver::ClosedForm => closed_form(e, sigma, settings, monitor),
    }
}

fn closed_form(
    e: &Equations,
    sigma: f64,
    settings: &Settings,
    monitor: &mut dyn Monitor,
) -> Result<Option<Solved>> {
    let mut lambda = settings.lambda;
    loop {
        let matrix = assemble::matrix(&e.training, e.unknowns, sigma, lambda, monitor);
        let Some(mut matrix) = matrix else {
            return Ok(None);
        };
        match matrix.factorise(monitor) {
            Outcome::Stopped => return Ok(None),
            Outcome::Done => {
                let mut x = e.labels.clone();
                matrix.solve(&mut x);
                if x.iter().all(|x| x.is_finite()) {
                    let how = Solution::ClosedForm;
                    return Ok(Some(Solved { lambda, x, how }));
                }
            }
            Outcome::NotPositive => {}
        }
        lambda *= 10.0;
        if lambda > MOST_LAMBDA {
            return Err(Error::run(
                format!("the kernel matrix cannot be factorised (σ = {sigma})"),
                "leave out frames that are nearly the same, or choose a smaller σ",
            ));
        }
        monitor.say(&format!(
            "σ = {sigma}: the kernel matrix is singular to working precision; λ is raised to {lambda:.0e}"
        ));
    }
}
