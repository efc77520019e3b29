//! What the integration tests share.
#![allow(dead_code)]

pub mod barostats;
pub mod wells;

use std::path::PathBuf;
use std::sync::Arc;
use zundel::dynamics::{Integrator, State};
use zundel::elements::Element;
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{Evaluator, Local, Potential, Term, Want};
use zundel::random::{Purpose, Stream};
use zundel::system::{Atoms, Cell, System};
use zundel::units::FS;

/// The folder with published models and reference values, when it is there.
pub fn reference() -> Option<PathBuf> {
    let named = std::env::var_os("ZUNDEL_REFERENCE").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let found = named.or(Some(beside)).filter(|p| p.is_dir());
    if found.is_none() {
        eprintln!("skipped: no reference data (set ZUNDEL_REFERENCE to the folder)");
    }
    found
}

/// A path inside the repository.
pub fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Argon's parameters with a cutoff (Å).
pub fn argon(cutoff: f64) -> PairParameters {
    PairParameters {
        epsilon: 0.010_323,
        sigma: 3.405,
        cutoff,
    }
}

/// One Lennard-Jones term for every element.
pub fn lennard_jones(p: PairParameters, scheme: Scheme, tail: bool) -> Vec<Term> {
    let model = LennardJones::uniform(p, scheme, tail).expect("sensible parameters");
    vec![Term::new(
        "lj",
        Arc::new(Local(model)) as Arc<dyn Potential>,
    )]
}

/// A face-centred cubic crystal of `n`^3 cubic cells with lattice constant `a` (Å).
pub fn fcc(symbol: &str, a: f64, n: usize) -> System {
    let species =
        zundel::elements::Species::natural(Element::from_symbol(symbol).expect("an element"));
    let mut atoms = Atoms::default();
    for x in [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ] {
        atoms.push(species, x.map(|x| x * a));
    }
    let cell = Cell::orthorhombic(a, a, a).expect("a cell");
    zundel::system::repeat(&System { cell, atoms }, [n; 3]).expect("a crystal")
}

/// Displaces every coordinate by a normal number of the given width (Å).
pub fn rattle(system: &mut System, width: f64, seed: u64) {
    for (i, x) in system.atoms.positions.iter_mut().enumerate() {
        let mut s = Stream::new(seed, Purpose::Displacement, 99, i as u64, 0);
        *x = x.map(|x| x + width * s.normal());
    }
}

/// The power of the time step with which the fluctuation of the energy falls: the slope of ln(rms) over ln(h), each step
/// (fs) run from `start` for `length` fs.
pub fn fluctuation_slope(
    start: &State,
    evaluator: &mut Evaluator,
    steps: &[f64],
    length: f64,
) -> f64 {
    let mut rms = |h: f64| {
        let mut state = start.clone();
        let mut integrator = Integrator::velocity_verlet(h * FS);
        let n = (length / h) as usize;
        let energies: Vec<f64> = (0..n)
            .map(|_| {
                integrator
                    .step(&mut state, evaluator, Want::ENERGY)
                    .unwrap();
                integrator.conserved(&state)
            })
            .collect();
        let mean = energies.iter().sum::<f64>() / n as f64;
        (energies.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n as f64).sqrt()
    };
    let points: Vec<(f64, f64)> = steps.iter().map(|h| (h.ln(), rms(*h).ln())).collect();
    let n = points.len() as f64;
    let mx = points.iter().map(|p| p.0).sum::<f64>() / n;
    let my = points.iter().map(|p| p.1).sum::<f64>() / n;
    points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

/// How far (Å) any coordinate is from its start after 1000 steps of 1 fs forth and 1000 back. The state must be evaluated.
pub fn reversal_error(state: &mut State, evaluator: &mut Evaluator) -> f64 {
    reversal_error_of(&mut Integrator::velocity_verlet(FS), state, evaluator, 1000)
}

/// The same for any integrator that is ready, and so many steps each way.
pub fn reversal_error_of(
    integrator: &mut Integrator,
    state: &mut State,
    evaluator: &mut Evaluator,
    steps: usize,
) -> f64 {
    let start = state.system.atoms.positions.clone();
    for _ in 0..2 {
        (0..steps).for_each(|_| integrator.step(state, evaluator, Want::ENERGY).unwrap());
        state
            .system
            .atoms
            .velocities
            .as_flattened_mut()
            .iter_mut()
            .for_each(|v| *v = -*v);
    }
    let pairs = start
        .as_flattened()
        .iter()
        .zip(state.system.atoms.positions.as_flattened());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The Kolmogorov-Smirnov p-value (asymptotic) of samples against the Gamma distribution of `shape` and scale 1.
pub fn kolmogorov_smirnov(samples: &mut [f64], shape: f64) -> f64 {
    kolmogorov_smirnov_of(samples, |x| gamma_cdf(shape, x))
}

/// The same against any distribution function.
pub fn kolmogorov_smirnov_of(samples: &mut [f64], distribution: impl Fn(f64) -> f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let n = samples.len() as f64;
    let mut d = 0.0f64;
    for (k, x) in samples.iter().enumerate() {
        let f = distribution(*x);
        d = d
            .max((f - k as f64 / n).abs())
            .max(((k + 1) as f64 / n - f).abs());
    }
    let t = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
    (1..=100)
        .map(|k| f64::from(2 * (k % 2) - 1) * 2.0 * (-2.0 * f64::from(k * k) * t * t).exp())
        .sum()
}

/// Regularised lower incomplete gamma function for half-integer or integer shapes, by series.
fn gamma_cdf(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
    while term > 1e-17 * sum {
        k += 1.0;
        term *= x / k;
        sum += term;
    }
    (sum.ln() - x + a * x.ln() - libm::lgamma(a)).exp()
}
