//! The course of a fit: tries from several starts, the best one to its end, the active set.

use super::active::active_set;
use super::checkpoint::Checkpoint;
use super::fitted::{Fitted, Report};
use super::form::Form;
use super::optimise::{Objective, Outcome, State};
use super::problem::Problem;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::potential::mtp::{Coefficients, MtpFile};
use crate::random::{Purpose, Stream};
use crate::training::Monitor;
use crate::training::data::LabelledFrame;

/// Share of the smallest distance in the data at which the radial basis begins, as in MLIP.
const BELOW_CLOSEST: f64 = 0.99;
/// Steps over which the tolerance looks.
const LOOK_BACK: usize = 10;
/// Frames of a try: so many equations for each coefficient.
const EQUATIONS_FOR_EACH: usize = 60;

/// Fits a moment tensor potential to frames.
///
/// `validation` may be empty: the fit then ends by its tolerance. With it, the coefficients with the smallest weighted error on these
/// frames are kept. When the monitor stops the fit, the best coefficients so far are returned and [`Report::finished`] is false; a
/// checkpoint lets the same call go on later, to the same bits.
///
/// Errors: settings that cannot be, frames that cannot be used (each with its place), files that cannot be read or written.
pub fn fit(
    settings: &Settings,
    training: &[LabelledFrame],
    validation: &[LabelledFrame],
    monitor: &mut dyn Monitor,
) -> Result<Fitted> {
    settings.check()?;
    let mut file = settings.template()?;
    if training.is_empty() {
        return Err(Error::input(
            "training set",
            "there are no frames to learn from",
        ));
    }
    monitor.stage("neighbours", 1);
    let problem = Problem::new(settings, file.basis.max_dist, training)?;
    let checks = Problem::new(settings, file.basis.max_dist, validation)?;
    check_data(&problem)?;
    prepare(settings, &mut file, &problem)?;
    let form = Form::new(&file)?;
    let [equations, atoms] = problem.sizes();
    monitor.say(&format!(
        "{} coefficients ({} radial, {} of scalars) from {equations} equations of {} frames with {atoms} atoms",
        form.len(),
        form.radial(),
        form.scalars(),
        problem.frames(),
    ));
    if equations < form.len() {
        monitor
            .say("there are fewer equations than coefficients: the potential will not be reliable");
    }
    let all: Vec<usize> = (0..problem.frames()).collect();
    let of_checks: Vec<usize> = (0..checks.frames()).collect();
    let objective = |frames| Objective {
        problem: &problem,
        form: &form,
        frames,
        penalty: settings.penalty,
        ridge: settings.ridge,
    };
    let mut checkpoint = Checkpoint::open(settings, &file, training, validation, monitor)?;
    let some = sample(&problem, &form, equations, settings.seed);
    let tries = match &file.coefficients {
        Some(_) => 0,
        None => settings.tries,
    };
    if tries > 1 {
        monitor.stage("tries", tries * settings.try_steps);
    }
    while checkpoint.state.theta.is_empty() {
        let number = checkpoint.tried;
        if number >= tries.max(1) {
            let theta = std::mem::take(&mut checkpoint.best_try);
            checkpoint.state = objective(&all).take(theta);
            checkpoint.state.damping = 1e-3;
            break;
        }
        let mut state = match &file.coefficients {
            Some(trained) => objective(&all).take(order(trained)),
            None => objective(&some).begin(first_guess(&form, settings.seed, number as u64)),
        };
        if tries <= 1 {
            checkpoint.state = match tries {
                0 => state,
                _ => objective(&all).begin(state.theta),
            };
            break;
        }
        while state.steps < settings.try_steps && !monitor.stopped() {
            if objective(&some).improve(&mut state) == Outcome::Minimum {
                break;
            }
            monitor.advance(1);
        }
        if monitor.stopped() {
            // An unfinished try is done again.
            break;
        }
        monitor.say(&format!("try {}: {:.6e}", number + 1, state.objective));
        if state.objective < checkpoint.best_objective {
            checkpoint.best_objective = state.objective;
            checkpoint.best_try = state.theta;
        }
        checkpoint.tried += 1;
        checkpoint.save(true)?;
    }
    if checkpoint.state.theta.is_empty() {
        // Stopped during the first try: nothing is fitted yet but the linear coefficients.
        let theta = match checkpoint.best_try.is_empty() {
            true => first_guess(&form, settings.seed, 0),
            false => checkpoint.best_try.clone(),
        };
        let state = objective(&all).begin(theta);
        return finish(
            settings,
            file,
            &form,
            state,
            (&problem, &all),
            (&checks, &of_checks),
            None,
            false,
            monitor,
        );
    }
    monitor.stage("steps", settings.steps);
    monitor.advance(checkpoint.state.steps);
    let mut finished = true;
    while checkpoint.state.steps < settings.steps {
        if monitor.stopped() {
            finished = false;
            break;
        }
        let outcome = objective(&all).improve(&mut checkpoint.state);
        monitor.advance(1);
        if !of_checks.is_empty() {
            let (squares, _) = checks.residuals(&form, &checkpoint.state.theta, &of_checks);
            if squares < checkpoint.best_validation {
                checkpoint.best_validation = squares;
                checkpoint.best_theta = checkpoint.state.theta.clone();
                checkpoint.since_best = 0;
            } else {
                checkpoint.since_best += 1;
            }
        }
        checkpoint.save(false)?;
        if outcome == Outcome::Minimum {
            monitor.say("the sum of squares has reached a minimum");
            break;
        }
        if !of_checks.is_empty() && checkpoint.since_best > settings.patience {
            monitor.say(&format!(
                "the error on the validation frames has not fallen for {} steps",
                settings.patience
            ));
            break;
        }
        let history = &checkpoint.state.history;
        if let [.., now] = history[..]
            && history.len() > LOOK_BACK
            && now > (1.0 - settings.tolerance) * history[history.len() - 1 - LOOK_BACK]
        {
            monitor.say(&format!(
                "the sum of squares falls by less than {} in {LOOK_BACK} steps",
                settings.tolerance
            ));
            break;
        }
    }
    checkpoint.save(true)?;
    let mut state = checkpoint.state.clone();
    if !checkpoint.best_theta.is_empty() {
        state.theta.clone_from(&checkpoint.best_theta);
    }
    let frames = finished.then_some(training);
    let fitted = finish(
        settings,
        file,
        &form,
        state,
        (&problem, &all),
        (&checks, &of_checks),
        frames,
        finished,
        monitor,
    )?;
    Ok(fitted)
}

fn check_data(problem: &Problem) -> Result<()> {
    if problem.sizes()[0] == 0 {
        return Err(Error::input(
            "training set",
            "no frame has an energy, forces or a virial with a weight",
        ));
    }
    if !problem.closest().is_finite() {
        return Err(Error::input(
            "training set",
            "no two atoms are closer than the cutoff: there is nothing to learn",
        )
        .advise("give a larger cutoff"));
    }
    Ok(())
}

/// Fixes what the data say about the radial basis.
fn prepare(settings: &Settings, file: &mut MtpFile, problem: &Problem) -> Result<()> {
    if file.coefficients.is_some() {
        return Ok(());
    }
    let hi = file.basis.max_dist;
    file.basis.min_dist = settings
        .min_dist
        .unwrap_or(BELOW_CLOSEST * problem.closest());
    if file.basis.min_dist >= hi {
        return Err(Error::input(
            "min_dist",
            format!(
                "{} Å is not below the cutoff of {hi} Å",
                file.basis.min_dist
            ),
        ));
    }
    // The first basic moment is of the order of one when the coefficients of a radial function have the norm one.
    let pairs = file.species_count as f64;
    file.scaling = pairs / problem.reach(hi).max(f64::MIN_POSITIVE);
    file.basis.scaling = None;
    Ok(())
}

/// Frames for the tries: enough of them, spread over all.
fn sample(problem: &Problem, form: &Form, equations: usize, seed: u64) -> Vec<usize> {
    let frames = problem.frames();
    let wanted = EQUATIONS_FOR_EACH * form.len();
    let count = (frames as f64 * wanted as f64 / equations.max(1) as f64).ceil() as usize;
    if count >= frames {
        return (0..frames).collect();
    }
    let mut order: Vec<usize> = (0..frames).collect();
    let mut stream = Stream::new(seed, Purpose::Fit, 0, 0, 0);
    for i in (1..frames).rev() {
        let j = ((stream.uniform() * (i + 1) as f64) as usize).min(i);
        order.swap(i, j);
    }
    order.truncate(count.max(1));
    order.sort_unstable();
    order
}

/// Radial functions to begin with: the polynomial of the function's number, with a factor of each pair of species, and a little of the
/// others.
fn first_guess(form: &Form, seed: u64, number: u64) -> Vec<f64> {
    let mut theta = vec![0.0; form.len()];
    let pairs = form.species * form.species;
    let mut stream = Stream::new(seed, Purpose::Fit, number + 1, 0, 0);
    for block in theta[..form.radial()].chunks_exact_mut(form.functions * form.size) {
        for (mu, c) in block.chunks_exact_mut(form.size).enumerate() {
            let factor = 1.0 + 0.3 * stream.normal();
            for (b, c) in c.iter_mut().enumerate() {
                let own = if b == mu % form.size { factor } else { 0.0 };
                *c = own + 0.1 * stream.normal();
            }
        }
    }
    for mu in 0..form.functions {
        let places: Vec<usize> = (0..pairs)
            .flat_map(|p| {
                let start = (p * form.functions + mu) * form.size;
                start..start + form.size
            })
            .collect();
        let norm: f64 = places
            .iter()
            .map(|i| theta[*i] * theta[*i])
            .sum::<f64>()
            .sqrt();
        for i in places {
            theta[i] /= norm.max(f64::MIN_POSITIVE);
        }
    }
    theta
}

/// The coefficients of a file in the order of [`Form`].
fn order(c: &Coefficients) -> Vec<f64> {
    [&c.radial[..], &c.species, &c.moments].concat()
}

#[allow(clippy::too_many_arguments)]
fn finish(
    settings: &Settings,
    mut file: MtpFile,
    form: &Form,
    state: State,
    (problem, all): (&Problem, &[usize]),
    (checks, of_checks): (&Problem, &[usize]),
    frames: Option<&[LabelledFrame]>,
    finished: bool,
    monitor: &mut dyn Monitor,
) -> Result<Fitted> {
    let (radial, rest) = state.theta.split_at(form.radial());
    let (species, moments) = rest.split_at(form.species);
    let labels = match &file.coefficients {
        Some(c) => c.labels.clone(),
        None => (0..form.species as i64).collect(),
    };
    file.coefficients = Some(Coefficients {
        labels,
        radial: radial.to_vec(),
        species: species.to_vec(),
        moments: moments.to_vec(),
    });
    let mut filled = None;
    if let (Some(mode), Some(frames)) = (settings.selection, frames) {
        let state = active_set(&file, &settings.species, mode, frames, monitor)?;
        filled = Some(state.origins.iter().filter(|o| o[0] >= 0).count());
        file.selection = Some(state);
    }
    let [equations, atoms] = problem.sizes();
    let report = Report {
        coefficients: form.len(),
        frames: problem.frames(),
        atoms,
        equations,
        min_dist: file.basis.min_dist,
        closest: problem.closest(),
        training: problem.residuals(form, &state.theta, all).1,
        validation: (!of_checks.is_empty())
            .then(|| checks.residuals(form, &state.theta, of_checks).1),
        history: state.history,
        active_rows: filled,
        finished,
    };
    Ok(Fitted {
        file,
        species: settings.species.clone(),
        report,
    })
}
