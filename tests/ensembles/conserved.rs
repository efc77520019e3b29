//! The conserved energy of every thermostat and barostat: no drift, and errors that fall with the time step.
//!
//! Under a thermostat the conserved energy is a random walk: what the discrete motion really conserves differs from it by a
//! term in h², and each action of the thermostat changes that term. The width of the walk falls with h² and with the
//! thermostat's relaxation time; a drift is the mean of its steps, so it is told with the error of that mean. Steps that
//! are reversible in time obey <exp(-ΔE/kT)> = 1 (Sivak, Chodera, Crooks, Phys. Rev. X 3, 011007 (2013)), so that what drift
//! there is in equilibrium is half of the growth of the walk's variance, in kT: far below what its steps show directly.

use crate::statistics::{drift, line, moments};
use crate::systems::{
    BAROSTATS, CANONICAL, Run, Surroundings, barostat, liquid, smooth_argon, spaces, thermostat,
};
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::{Integrator, Ramp, Splitting};
use zundel::potential::{Evaluator, Want};
use zundel::units::{BOLTZMANN, FS};

const TEMPERATURE: f64 = 120.0;
const KT: f64 = BOLTZMANN * TEMPERATURE;

/// A liquid of 32 atoms under a thermostat and perhaps a barostat, equilibrated for 10 ps; `h` and `tau` in fs.
fn melted(
    thermostat_name: &str,
    cell: Option<(&str, StrainSpace)>,
    h: f64,
    tau: f64,
    seed: u64,
) -> Run {
    let system = liquid(2, 5.75, TEMPERATURE, false);
    let n = system.atoms.len();
    let (thermostat, freedom, splitting) = thermostat(thermostat_name, n, tau * FS, seed);
    let mut integrator = Integrator::split(splitting, h * FS)
        .with_thermostat(thermostat, Ramp::constant(TEMPERATURE));
    integrator.fix_centre_of_mass = freedom < 3 * n;
    let mut want = Want::ENERGY;
    if let Some((name, space)) = cell {
        let s = Surroundings {
            pressure: 0.0015,
            temperature: TEMPERATURE,
            freedom,
            atoms: n,
            modulus: 0.005,
            tau: tau * FS,
            seed,
        };
        integrator = integrator.with_barostat(barostat(name, space, s));
        want = Want::DYNAMICS;
    }
    let mut run = Run::new(
        system,
        Evaluator::new(smooth_argon(), 1.0),
        integrator,
        want,
    );
    run.steps((10_000.0 / h) as usize);
    run
}

/// Mean square of the changes of the conserved energy over stretches of so many fs, in (kT)².
fn walk(run: &mut Run, h: f64, stretch: f64, stretches: usize) -> f64 {
    let e = run.sample(stretches + 1, (stretch / h) as usize, |run| {
        run.conserved() / KT
    });
    e.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum::<f64>() / stretches as f64
}

/// Drift in kT per atom and ns with its error, and the fluctuation (kT) within a picosecond.
fn measured(run: &mut Run, h: f64, nanoseconds: f64) -> [f64; 3] {
    let every = (50.0 / h) as usize;
    let samples = (nanoseconds * 1e6 / 50.0) as usize;
    let series = run.sample(samples, every, |run| run.conserved() / KT);
    let (drift, error) = drift(&series, 50e-6, 20);
    let within: Vec<f64> = series.chunks_exact(20).map(|c| moments(c).1).collect();
    let atoms = run.state.system.atoms.len() as f64;
    [drift / atoms, error / atoms, moments(&within).0.sqrt()]
}

/// Every thermostat, and every barostat with every kind of strain, must have no drift beyond 4 standard errors, which must be
/// below `bound` (kT per atom and ns; five times that under cell rescaling).
fn no_drift(h: f64, tau: f64, nanoseconds: f64, bound: f64, all: bool) {
    let mut failed = Vec::new();
    let mut judge = |what: &str, mut run: Run, nanoseconds: f64, bound: f64| {
        let [drift, error, rms] = measured(&mut run, h, nanoseconds);
        eprintln!("{what}: drift {drift:+.1e}({error:.1e}) kT/atom/ns, fluctuation {rms:.1e} kT");
        if drift.abs() > 4.0 * error || error > bound {
            failed.push(what.to_owned());
        }
    };
    for name in CANONICAL {
        judge(name, melted(name, None, h, tau, 3), nanoseconds, bound);
    }
    for name in BAROSTATS {
        for (k, (what, space)) in spaces().into_iter().enumerate() {
            if all || k % 2 == 1 {
                let label = format!("{name}, {what}");
                // The walk under cell rescaling is wider, see below: longer runs, and less to be seen even so.
                let (longer, wider) = if name == "rescaling" {
                    (2.5, 5.0)
                } else {
                    (1.0, 1.0)
                };
                let run = melted("rescaling", Some((name, space)), h, tau, 3);
                judge(&label, run, longer * nanoseconds, wider * bound);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn conserved_energy_does_not_drift() {
    no_drift(4.0, 500.0, 0.06, 0.03, false);
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn conserved_energy_does_not_drift_long() {
    no_drift(0.5, 1000.0, 0.4, 1e-4, true);
}

#[test]
fn conserved_energy_falls_with_the_square_of_the_time_step_under_a_barostat() {
    // Deterministic (chains, and MTK along one axis): the fluctuation of the conserved energy over the same 2 ps from the
    // same state.
    let along_z = || StrainSpace::components([false, false, true, false, false, false]);
    let rms = |h: f64| {
        let mut run = melted("chain", Some(("mtk", along_z())), 1.0, 200.0, 3);
        let n = run.state.system.atoms.len();
        let (chain, freedom, _) = thermostat("chain", n, 200.0 * FS, 3);
        let s = Surroundings {
            pressure: 0.0015,
            temperature: TEMPERATURE,
            freedom,
            atoms: n,
            modulus: 0.005,
            tau: 200.0 * FS,
            seed: 3,
        };
        run.integrator = Integrator::split(Splitting::Ends, h * FS)
            .with_thermostat(chain, Ramp::constant(TEMPERATURE))
            .with_barostat(barostat("mtk", along_z(), s));
        let e = run.sample((2000.0 / h) as usize, 1, |run| run.conserved() / KT);
        moments(&e).1.sqrt()
    };
    let points = [4.0f64, 2.0, 1.0, 0.5].map(|h| (h.ln(), rms(h).ln()));
    let slope = line(&points);
    eprintln!("slope {slope:.3} of {points:?}");
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn walks_of_the_conserved_energy_fall_with_the_time_step_long() {
    // Changes over 2 ps, 120 of them: the slope of the logarithm of their width between 1 and 4 fs has an error of 0.07.
    let judge = |what: &str, slopes: [f64; 2], make: &dyn Fn(f64) -> Run| {
        let squares = [4.0f64, 2.0, 1.0].map(|h| (h, walk(&mut make(h), h, 2000.0, 120)));
        let slope = line(&squares.map(|(h, s)| (h.ln(), 0.5 * s.ln())));
        // Half the growth of the variance, per atom and ns.
        let drift = |k: usize| 0.5 * squares[k].1 / 2e-3 / 32.0;
        eprintln!(
            "{what}: slope {slope:.2}; drift at most {:.1e} at 4 fs, {:.1e} at 2 fs, {:.1e} kT/atom/ns at 1 fs",
            drift(0),
            drift(1),
            drift(2)
        );
        assert!(drift(1) < 1e-4, "{what}: drift {}", drift(1));
        assert!(slopes[0] < slope && slope < slopes[1], "{what}: {slope}");
    };
    for name in CANONICAL {
        judge(name, [1.7, 2.3], &|h| melted(name, None, h, 500.0, 3));
    }
    for name in BAROSTATS {
        // The strains of cell rescaling are of the order of the root of h/τ: their cubes, which are booked by the trapezoid,
        // make a walk that falls with h only, and with the relaxation time: the usual one here.
        let (slopes, tau) = if name == "rescaling" {
            ([0.8, 2.3], 1000.0)
        } else {
            ([1.7, 2.3], 500.0)
        };
        for (what, space) in spaces() {
            let cell = || Some((name, space.clone()));
            judge(&format!("{name}, {what}"), slopes, &|h| {
                melted("rescaling", cell(), h, tau, 3)
            });
        }
    }
}
