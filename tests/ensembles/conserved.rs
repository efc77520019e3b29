//! The conserved energy of every thermostat and barostat: no drift, and errors that fall with the time step.
//!
//! Under a thermostat the conserved energy is a random walk: what the discrete motion really conserves differs from it by a
//! term in h², and each action of the thermostat changes that term. The width of the walk falls with h² and with the
//! thermostat's relaxation time; a drift is the mean of its steps, so it is told with the error of that mean.

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
fn melted(thermostat_name: &str, cell: Option<(&str, StrainSpace)>, h: f64, tau: f64, seed: u64) -> Run {
    let system = liquid(2, 5.75, TEMPERATURE, false);
    let n = system.atoms.len();
    let (thermostat, freedom, splitting) = thermostat(thermostat_name, n, tau * FS, seed);
    let mut integrator =
        Integrator::split(splitting, h * FS).with_thermostat(thermostat, Ramp::constant(TEMPERATURE));
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
    let mut run = Run::new(system, Evaluator::new(smooth_argon(), 1.0), integrator, want);
    run.steps((10_000.0 / h) as usize);
    run
}

/// Root mean square of the changes of the conserved energy over stretches of so many fs, in kT.
fn walk(run: &mut Run, h: f64, stretch: f64, stretches: usize) -> f64 {
    let e = run.sample(stretches + 1, (stretch / h) as usize, |run| run.conserved() / KT);
    let squares: Vec<f64> = e.windows(2).map(|w| (w[1] - w[0]).powi(2)).collect();
    moments(&squares).0.sqrt()
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
/// below `bound` (kT per atom and ns).
fn no_drift(h: f64, tau: f64, nanoseconds: f64, bound: f64, all: bool) {
    let mut failed = Vec::new();
    let mut judge = |what: &str, mut run: Run| {
        let [drift, error, rms] = measured(&mut run, h, nanoseconds);
        eprintln!("{what}: drift {drift:+.1e}({error:.1e}) kT/atom/ns, fluctuation {rms:.1e} kT");
        if drift.abs() > 4.0 * error || error > bound {
            failed.push(what.to_owned());
        }
    };
    for name in CANONICAL {
        judge(name, melted(name, None, h, tau, 3));
    }
    for name in BAROSTATS {
        for (k, (what, space)) in spaces().into_iter().enumerate() {
            if all || k % 2 == 1 {
                let label = format!("{name}, {what}");
                judge(&label, melted("rescaling", Some((name, space)), h, tau, 3));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn conserved_energy_does_not_drift() {
    no_drift(4.0, 500.0, 0.08, 0.03, false);
}

#[test]
#[ignore = "half an hour; run on purpose"]
fn conserved_energy_does_not_drift_long() {
    no_drift(1.0, 1000.0, 2.0, 1e-4, true);
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
    // Changes over 2 ps, 400 of them: the slope of the logarithms between 1 and 4 fs has an error of 0.05.
    let judge = |what: &str, make: &dyn Fn(f64) -> Run| {
        let points = [4.0f64, 2.0, 1.0].map(|h| (h.ln(), walk(&mut make(h), h, 2000.0, 400).ln()));
        let slope = line(&points);
        eprintln!("{what}: slope {slope:.2}, {:.1e} kT at 1 fs", points[2].1.exp());
        slope
    };
    for name in CANONICAL {
        let slope = judge(name, &|h| melted(name, None, h, 500.0, 3));
        assert!((slope - 2.0).abs() < 0.25, "{name}: {slope}");
    }
    for name in BAROSTATS {
        for (what, space) in spaces() {
            let cell = || Some((name, space.clone()));
            let slope = judge(&format!("{name}, {what}"), &|h| melted("rescaling", cell(), h, 500.0, 3));
            assert!((slope - 2.0).abs() < 0.25, "{name}, {what}: {slope}");
        }
    }
}
