//! Preconditioned conjugate gradients on the equations of a fit, without the matrix.

use super::equations::{Equations, Solved};
use super::nystrom::{Preconditioner, spread};
use super::product::Product;
use super::settings::{Settings, Solution};
use crate::error::{Error, Result};
use crate::training::Monitor;
use crate::vector::inner;
use std::time::{Duration, Instant};

/// Steps without a lower residual after which the preconditioner is made larger.
const STALLED: usize = 200;
/// Factor by which it grows.
const GROWTH: f64 = 1.2;
/// Times that it grows.
const MOST_RESTARTS: usize = 6;
/// How often an unfinished solution is saved.
const SAVED_EVERY: Duration = Duration::from_secs(120);

/// The vectors of the recurrence, with which it goes on as if it had not been stopped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub x: Vec<f64>,
    pub residual: Vec<f64>,
    pub direction: Vec<f64>,
    /// The product of residual and preconditioned residual.
    pub product: f64,
    pub step: usize,
    /// Lowest residual so far (relative), and the step of it.
    pub lowest: f64,
    pub lowest_at: usize,
    /// Geometries in the preconditioner, and how often they became more.
    pub inducing: usize,
    pub restarts: usize,
}

/// Solves the equations for a length scale. `save` is handed the state every now and then, and when the monitor asks to stop;
/// then the result is `None`.
pub(super) fn solve(
    e: &Equations,
    sigma: f64,
    settings: &Settings,
    resumed: Option<State>,
    monitor: &mut dyn Monitor,
    save: &mut dyn FnMut(&State) -> Result<()>,
) -> Result<Option<Solved>> {
    let most = most_inducing(e, settings.memory);
    let norm = inner(&e.labels, &e.labels).sqrt();
    let fresh = resumed.is_none();
    let mut s = resumed.unwrap_or_else(|| State {
        x: vec![0.0; e.labels.len()],
        residual: e.labels.clone(),
        inducing: settings.inducing.unwrap_or(most).min(most),
        lowest: 1.0,
        ..State::default()
    });
    let mut product = Product::new(&e.training, e.unknowns, sigma, settings.lambda);
    let mut made = precondition(e, sigma, settings, s.inducing, monitor)?;
    let Some(p) = &made else {
        return Ok(None);
    };
    let size = e.labels.len();
    let (mut z, mut image) = (vec![0.0; size], vec![0.0; size]);
    if fresh {
        p.apply(&s.residual, &mut z);
        s.direction = z.clone();
        s.product = inner(&s.residual, &z);
    }
    let start = s.step;
    monitor.stage("steps of conjugate gradients", 0);
    let mut saved = Instant::now();
    loop {
        let length = inner(&s.residual, &s.residual).sqrt() / norm;
        if length < s.lowest {
            (s.lowest, s.lowest_at) = (length, s.step);
        }
        if length <= settings.tolerance || norm == 0.0 {
            // What the recurrence says of the residual drifts; the truth is one product away.
            product.apply(&s.x, &mut image);
            let off: Vec<f64> = e.labels.iter().zip(&image).map(|(y, a)| y - a).collect();
            let real = if norm == 0.0 {
                0.0
            } else {
                inner(&off, &off).sqrt() / norm
            };
            if real <= 2.0 * settings.tolerance || s.restarts >= MOST_RESTARTS {
                return Ok(Some(solved(s, settings, real)));
            }
            s.residual = off;
            s.restarts += 1;
            begin(made.as_ref(), &mut s, &mut z);
        }
        if s.step - s.lowest_at >= STALLED {
            let more = ((s.inducing as f64 * GROWTH).ceil() as usize).min(most);
            if s.restarts >= MOST_RESTARTS || more == s.inducing {
                return Err(Error::run(
                    format!(
                        "the residual of the equations (σ = {sigma}) no longer falls below {:.1e} of the labels, and {:.1e} is wanted",
                        s.lowest, settings.tolerance
                    ),
                    "give the fit more memory, a larger tolerance or stronger regularisation, or fewer geometries",
                ));
            }
            monitor.say(&format!(
                "the residual no longer falls: {more} geometries precondition the equations instead of {}",
                s.inducing
            ));
            (s.inducing, s.restarts, s.lowest_at) = (more, s.restarts + 1, s.step);
            drop(made.take());
            made = precondition(e, sigma, settings, more, monitor)?;
            if made.is_none() {
                save(&s)?;
                return Ok(None);
            }
            product.apply(&s.x, &mut image);
            let off = e.labels.iter().zip(&image).map(|(y, a)| y - a);
            s.residual = off.collect();
            s.lowest = 1.0;
            begin(made.as_ref(), &mut s, &mut z);
        }
        if monitor.stopped() || saved.elapsed() > SAVED_EVERY {
            save(&s)?;
            saved = Instant::now();
            if monitor.stopped() {
                return Ok(None);
            }
        }
        product.apply(&s.direction, &mut image);
        let curvature = inner(&s.direction, &image);
        if curvature.is_nan() || curvature <= 0.0 {
            return Err(Error::run(
                format!(
                    "the kernel matrix is not positive definite to working precision (σ = {sigma})"
                ),
                "make λ larger, σ smaller, or leave out frames that are nearly the same",
            ));
        }
        let along = s.product / curvature;
        for k in 0..size {
            s.x[k] += along * s.direction[k];
            s.residual[k] -= along * image[k];
        }
        if let Some(p) = &made {
            p.apply(&s.residual, &mut z);
        }
        let product_now = inner(&s.residual, &z);
        let keep = product_now / s.product;
        s.product = product_now;
        for k in 0..size {
            s.direction[k] = z[k] + keep * s.direction[k];
        }
        s.step += 1;
        monitor.advance(1);
        if (s.step - start).is_multiple_of(50) {
            monitor.say(&format!(
                "step {}: residual {length:.1e} of the labels",
                s.step
            ));
        }
    }
}

/// Starts the recurrence from the residual.
fn begin(p: Option<&Preconditioner>, s: &mut State, z: &mut [f64]) {
    if let Some(p) = p {
        p.apply(&s.residual, z);
        s.direction.copy_from_slice(z);
        s.product = inner(&s.residual, z);
    }
}

fn precondition(
    e: &Equations,
    sigma: f64,
    settings: &Settings,
    inducing: usize,
    monitor: &mut dyn Monitor,
) -> Result<Option<Preconditioner>> {
    let chosen = spread(&e.training, inducing);
    let made = Preconditioner::new(
        &e.training,
        e.unknowns,
        &chosen,
        sigma,
        settings.lambda,
        monitor,
    );
    if made.is_none() && !monitor.stopped() {
        return Err(Error::run(
            format!("no preconditioner can be made of the kernel matrix (σ = {sigma})"),
            "make λ larger, or leave out frames that are nearly the same",
        ));
    }
    Ok(made)
}

fn solved(s: State, settings: &Settings, residual: f64) -> Solved {
    Solved {
        lambda: settings.lambda,
        x: s.x,
        how: Solution::Iterative {
            steps: s.step,
            residual,
            inducing: s.inducing,
        },
    }
}

/// Geometries whose columns fit into memory, at least one.
fn most_inducing(e: &Equations, memory: usize) -> usize {
    let (size, r) = (e.unknowns.total(), e.training.rank);
    let fits = |count: &usize| Preconditioner::bytes(size, count * r) <= memory as f64;
    let most = (1..=e.training.len()).take_while(fits).last();
    most.unwrap_or(1)
}
