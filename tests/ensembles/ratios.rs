//! Ratios of distributions at two temperatures and pressures, which are exact whatever the potential (Shirts, J. Chem. Theory
//! Comput. 9, 909 (2013)): ln[P(U, V; T2, P2)/P(U, V; T1, P1)] = a + (β1 - β2) U + (β1 P1 - β2 P2) V.

use crate::statistics::{independent, log_ratio, moments, require_slopes};
use crate::systems::{
    BAROSTATS, CANONICAL, Run, STEP, Surroundings, barostat, liquid, smooth_argon, spaces,
    thermostat,
};
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::{Integrator, Ramp};
use zundel::potential::{Evaluator, Want};
use zundel::units::{BOLTZMANN, FS};

/// How long to sample: cells of the crystal that melts, samples, steps between them, and the largest relative error.
#[derive(Clone, Copy)]
struct Effort {
    n: usize,
    samples: usize,
    every: usize,
    bound: f64,
}

/// Potential energies (eV) of the liquid at constant volume.
fn energies(name: &str, t: f64, e: Effort) -> Vec<[f64; 1]> {
    let system = liquid(e.n, 5.75, t, false);
    let n = system.atoms.len();
    let (thermostat, _, splitting) = thermostat(name, n, 200.0 * FS, 3);
    let integrator =
        Integrator::split(splitting, STEP).with_thermostat(thermostat, Ramp::constant(t));
    let mut run = Run::new(
        system,
        Evaluator::new(smooth_argon(), 1.0),
        integrator,
        Want::ENERGY,
    );
    run.steps(5000);
    run.sample(e.samples, e.every, |run| [run.state.evaluation.energy])
}

fn temperature_ratio(names: &[&str], e: Effort) {
    // Two temperatures whose distributions are two standard deviations apart (Shirts): C_V of the potential is about 1 k per atom.
    let t1 = 120.0;
    let t2 = t1 * (1.0 + 2.0 / (4.0 * (e.n as f64).powi(3)).sqrt());
    let exact = [1.0 / (BOLTZMANN * t1) - 1.0 / (BOLTZMANN * t2)];
    for name in names {
        let [one, two] = [t1, t2].map(|t| independent(&energies(name, t, e)));
        eprintln!(
            "{name}: {} and {} independent samples",
            one.len(),
            two.len()
        );
        require_slopes(name, log_ratio(&one, &two), exact, e.bound);
    }
}

#[test]
fn energies_at_two_temperatures_have_the_right_ratio() {
    let e = Effort {
        n: 2,
        samples: 600,
        every: 60,
        bound: 0.15,
    };
    temperature_ratio(&["langevin", "rescaling", "chain"], e);
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn energies_at_two_temperatures_have_the_right_ratio_long() {
    let e = Effort {
        n: 3,
        samples: 12_000,
        every: 60,
        bound: 0.032,
    };
    temperature_ratio(&CANONICAL, e);
}

/// Potential energies (eV) and volumes (Å^3) of the liquid at constant pressure.
fn states(name: &str, space: StrainSpace, t: f64, pressure: f64, e: Effort) -> Vec<[f64; 2]> {
    let system = liquid(e.n, 5.8, t, false);
    let n = system.atoms.len();
    let (thermostat, freedom, splitting) = thermostat("rescaling", n, 200.0 * FS, 3);
    let s = Surroundings {
        pressure,
        temperature: t,
        freedom,
        atoms: n,
        modulus: 0.005,
        tau: 200.0 * FS,
        seed: 5,
    };
    let mut integrator = Integrator::split(splitting, STEP)
        .with_thermostat(thermostat, Ramp::constant(t))
        .with_barostat(barostat(name, space, s));
    integrator.fix_centre_of_mass = true;
    let mut run = Run::new(
        system,
        Evaluator::new(smooth_argon(), 1.0),
        integrator,
        Want::DYNAMICS,
    );
    run.steps(5000);
    run.sample(e.samples, e.every, |run| {
        [run.state.evaluation.energy, run.volume()]
    })
}

/// Two pressures (eV/Å^3) about a standard deviation and a half of the volume apart for so many atoms, at 120 K.
fn pressures(n: usize) -> [f64; 2] {
    let half = 0.0002 * (32.0 / (4.0 * (n as f64).powi(3))).sqrt();
    [0.0015 - half, 0.0015 + half]
}

fn pressure_ratio(spaces: &[(&str, StrainSpace)], e: Effort) {
    let t = 120.0;
    let p = pressures(e.n);
    let exact = [(p[0] - p[1]) / (BOLTZMANN * t)];
    for name in BAROSTATS {
        for (what, space) in spaces {
            let volumes = p.map(|p| {
                let all = states(name, space.clone(), t, p, e);
                let volumes: Vec<[f64; 1]> = all.iter().map(|x| [x[1]]).collect();
                let (mean, variance) = moments(&all.iter().map(|x| x[1]).collect::<Vec<_>>());
                eprintln!(
                    "{name}, {what}: volume {mean:.1} ± {:.1} Å³",
                    variance.sqrt()
                );
                independent(&volumes)
            });
            let label = format!("{name}, {what}");
            require_slopes(&label, log_ratio(&volumes[0], &volumes[1]), exact, e.bound);
        }
    }
}

#[test]
fn volumes_at_two_pressures_have_the_right_ratio() {
    let e = Effort {
        n: 2,
        samples: 600,
        every: 75,
        bound: 0.15,
    };
    pressure_ratio(&spaces()[..1], e);
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn volumes_at_two_pressures_have_the_right_ratio_long() {
    let e = Effort {
        n: 2,
        samples: 14_000,
        every: 75,
        bound: 0.03,
    };
    pressure_ratio(&spaces()[..1], e);
    // The other strains move the shape of a liquid, too, which yields to a shear: not on so small a cell for long.
    let e = Effort {
        n: 2,
        samples: 3000,
        every: 75,
        bound: 0.09,
    };
    pressure_ratio(&spaces()[1..2], e);
}

#[test]
#[ignore = "ten minutes; run on purpose"]
fn energies_and_volumes_have_the_right_ratio_in_two_dimensions_long() {
    let e = Effort {
        n: 2,
        samples: 10_000,
        every: 75,
        bound: 0.07,
    };
    let ([t1, t2], [p1, p2]) = ([120.0, 145.0], [0.0006, 0.0009]);
    let [b1, b2] = [t1, t2].map(|t| 1.0 / (BOLTZMANN * t));
    // A dense fluid, above the critical point of this potential and away from its melting line; then hotter and at a higher
    // pressure.
    let exact = [b1 - b2, b1 * p1 - b2 * p2];
    for name in BAROSTATS {
        let run = |t, p| independent(&states(name, StrainSpace::isotropic(), t, p, e));
        let slopes = log_ratio(&run(t1, p1), &run(t2, p2));
        require_slopes(&format!("{name}, U and V"), slopes, exact, e.bound);
    }
}
