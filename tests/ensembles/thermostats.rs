//! Thermostats: exact moments of the discrete steps, and the kinetic energy of the canonical ensemble.

use crate::common::wells::stationary;
use crate::statistics::{Verdict, average, moments};
use crate::systems::{CANONICAL, Run, STEP, liquid, particles, smooth_argon, thermostat, wells};
use zundel::dynamics::thermostat::{Group, Langevin};
use zundel::dynamics::{Integrator, Ramp, Splitting, State};
use zundel::potential::{Evaluator, Want};
use zundel::random::{Purpose, normals};
use zundel::system::{Cell, kinetic_energy};
use zundel::units::{BOLTZMANN, FS};

/// Position and momentum after one step of OBABO.
fn obabo(omega_h: f64, temperature: f64, friction_h: f64, seed: u64, x: f64, p: f64) -> [f64; 2] {
    let mut evaluator = wells(omega_h * omega_h, 0.0);
    let mut state = State::new(particles(1, 1.0, Cell::isolated()));
    state.system.atoms.positions[0][0] = x;
    state.system.atoms.velocities[0][0] = p;
    let mut integrator = Integrator::split(Splitting::Ends, 1.0).with_thermostat(
        Box::new(Langevin::new(friction_h, seed)),
        Ramp::constant(temperature),
    );
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    integrator
        .step(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    [
        state.system.atoms.positions[0][0],
        state.system.atoms.velocities[0][0],
    ]
}

#[test]
fn discrete_stationary_moments_of_obabo() {
    // <p²> = m kT exactly and <x²> = kT/(m w² (1 - w²h²/4)). The two noises of a step are told apart by two seeds.
    let temperature = 1.0 / BOLTZMANN;
    for omega_h in [0.1, 0.5, 1.0, 1.5] {
        for friction_h in [0.1, 1.0, 5.0] {
            let a = obabo(omega_h, 0.0, friction_h, 1, 1.0, 0.0);
            let c = obabo(omega_h, 0.0, friction_h, 1, 0.0, 1.0);
            let m = [[a[0], c[0]], [a[1], c[1]]];
            // The O operations stand at the places 0 and 5 of the list.
            let xi = |seed: u64, place: u64| {
                let mut xi = [0.0];
                normals(seed, Purpose::Langevin, place, 0, 0, 0, &mut xi);
                xi[0]
            };
            let [one, two] =
                [1, 2].map(|seed| obabo(omega_h, temperature, friction_h, seed, 0.0, 0.0));
            let draws = nalgebra::Matrix2::new(xi(1, 0), xi(1, 5), xi(2, 0), xi(2, 5));
            let b = draws.lu();
            let x = b.solve(&nalgebra::Vector2::new(one[0], two[0])).unwrap();
            let p = b.solve(&nalgebra::Vector2::new(one[1], two[1])).unwrap();
            let s = stationary(m, [x.dot(&x), x.dot(&p), p.dot(&p)]);
            let tolerance = 1e-11 / (omega_h * omega_h).min(1.0);
            let x2 = s[0] * omega_h * omega_h * (1.0 - 0.25 * omega_h * omega_h);
            assert!(
                (x2 - 1.0).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: {x2}"
            );
            assert!(
                (s[2] - 1.0).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: {}",
                s[2]
            );
        }
    }
}

const TEMPERATURE: f64 = 110.0;

/// Kinetic energies in kT: of all atoms where they are canonical whatever the step (after the thermostat), and of the light and
/// the heavy ones at the end of the step.
fn kinetic_energies(name: &str, samples: usize, every: usize) -> (Vec<[f64; 3]>, usize, [f64; 2]) {
    let system = liquid(2, 5.7, TEMPERATURE, true);
    let n = system.atoms.len();
    let masses = system.atoms.masses.clone();
    let (thermostat, freedom, splitting) = thermostat(name, n, 100.0 * FS, 3);
    let integrator =
        Integrator::split(splitting, STEP).with_thermostat(thermostat, Ramp::constant(TEMPERATURE));
    let evaluator = Evaluator::new(smooth_argon(), 1.0);
    let mut run = Run::new(system, evaluator, integrator, Want::ENERGY);
    run.steps(2000);
    let kt = BOLTZMANN * TEMPERATURE;
    let found = run.sample(samples, every, |run| {
        let atoms = &run.state.system.atoms;
        let mut k = [run.integrator.kinetic_mid() / kt, 0.0, 0.0];
        for (i, (v, m)) in atoms.velocities.iter().zip(&atoms.masses).enumerate() {
            k[1 + i % 2] += 0.5 * m * v.iter().map(|v| v * v).sum::<f64>() / kt;
        }
        k
    });
    // With a centre of mass that rests, an atom has lost the part m/M of its kinetic energy.
    let total: f64 = masses.iter().sum();
    let lost = (3 * n - freedom) as f64;
    let mean = |species: usize| {
        let of = masses.iter().skip(species).step_by(2);
        0.5 * of.map(|m| 3.0 - lost * m / total).sum::<f64>()
    };
    (found, freedom, [mean(0), mean(1)])
}

fn canonical_kinetic_energy(samples: usize, every: usize, bound: f64) {
    for name in CANONICAL {
        let (k, freedom, means) = kinetic_energies(name, samples, every);
        let column = |c: usize| k.iter().map(|k| k[c]).collect::<Vec<_>>();
        Verdict::of_gamma(&column(0), 0.5 * freedom as f64).require(name, 0.0);
        for (species, exact) in ["light", "heavy"].iter().zip(means) {
            let (mean, error) = average(&column(1 + usize::from(*species == "heavy")));
            let (ratio, error) = (mean / exact, error / exact);
            eprintln!("{name}, {species} atoms: {ratio:.4}({error:.4}) of their kinetic energy");
            assert!(error < bound, "{name}: too few samples");
            // BAOAB's velocities at the end of a step are cold by (w h)²/4: 1e-3 for the light atoms' 14 /ps.
            let bias = if name == "langevin, middle" {
                1e-3
            } else {
                0.0
            };
            assert!(
                (ratio - 1.0).abs() < 4.0 * error + bias,
                "{name}, {species}"
            );
        }
    }
}

#[test]
fn thermostats_sample_the_canonical_kinetic_energy() {
    canonical_kinetic_energy(400, 75, 0.02);
}

#[test]
#[ignore = "minutes; run on purpose"]
fn thermostats_sample_the_canonical_kinetic_energy_long() {
    canonical_kinetic_energy(6000, 100, 0.004);
}

#[test]
fn berendsen_thermostat_does_not_sample() {
    let (k, freedom, _) = kinetic_energies("berendsen", 400, 75);
    let k: Vec<f64> = k.iter().map(|k| k[0]).collect();
    let Verdict { variance, p, .. } = Verdict::of_gamma(&k, 0.5 * freedom as f64);
    eprintln!("berendsen: variance {variance:.3}, p {p:.1e}");
    assert!(variance < 0.6 && p < 1e-3, "variance {variance}, p {p}");
}

/// Free particles: the velocities' autocorrelation and the diffusion coefficient of Langevin dynamics.
fn free_particles(splitting: Splitting, particles_: usize, blocks: usize, bound: f64) {
    let (t, friction, h) = (300.0, 0.02 / FS, 5.0 * FS);
    let mut system = particles(particles_, 1.0, Cell::isolated());
    zundel::system::thermal_velocities(&mut system.atoms, t, 3, false);
    let integrator = Integrator::split(splitting, h)
        .with_thermostat(Box::new(Langevin::new(friction, 12)), Ramp::constant(t));
    let mut run = Run::new(system, wells(0.0, 0.0), integrator, Want::ENERGY);
    run.steps(100);
    let kt = BOLTZMANN * t;
    let atoms = |run: &Run| {
        let atoms = &run.state.system.atoms;
        (atoms.positions.clone(), atoms.velocities.clone())
    };
    let dot = |a: &[[f64; 3]], b: &[[f64; 3]]| {
        let pairs = a.as_flattened().iter().zip(b.as_flattened());
        pairs.map(|(a, b)| a * b).sum::<f64>() / (3 * particles_) as f64
    };
    // Lags of 5, 10, 15 and 20 steps; displacements over 200 steps, 20 relaxation times.
    let (mut correlation, mut diffusion) = (vec![Vec::new(); 4], Vec::new());
    let long = 200.0 * h;
    let exact = 2.0 * kt / friction.powi(2) * (friction * long - 1.0 + (-friction * long).exp());
    for _ in 0..blocks {
        let (x, v) = atoms(&run);
        for (k, list) in correlation.iter_mut().enumerate() {
            run.steps(5);
            let decay = (-friction * h * 5.0 * (k + 1) as f64).exp();
            list.push(dot(&v, &run.state.system.atoms.velocities) / kt / decay);
        }
        run.steps(180);
        let moved: Vec<[f64; 3]> = x
            .iter()
            .zip(&run.state.system.atoms.positions)
            .map(|(a, b)| std::array::from_fn(|k| b[k] - a[k]))
            .collect();
        diffusion.push(dot(&moved, &moved) / exact);
    }
    for (what, list) in correlation
        .iter()
        .map(|c| ("correlation", c))
        .chain([("diffusion", &diffusion)])
    {
        let (mean, variance) = moments(list);
        let error = (variance / blocks as f64).sqrt();
        eprintln!("{splitting:?}, {what}: {mean:.4}({error:.4}) of the exact");
        assert!(error < bound, "{splitting:?}, {what}: too few samples");
        // The O step is exact; positions between two of them are those of the splitting, colder or hotter by (γh)²/12.
        let bias = if what == "diffusion" {
            (friction * h).powi(2) / 10.0
        } else {
            0.0
        };
        assert!(
            (mean - 1.0).abs() < 4.0 * error + bias,
            "{splitting:?}, {what}"
        );
    }
}

#[test]
#[ignore = "minutes; run on purpose"]
fn free_diffusion_long() {
    for splitting in [Splitting::Ends, Splitting::Middle] {
        free_particles(splitting, 2000, 450, 0.005);
    }
}

#[test]
fn held_atoms_stay_and_the_rest_is_at_its_temperature() {
    let mut state = State::new(liquid(2, 5.7, 110.0, false));
    let mut evaluator = Evaluator::new(smooth_argon(), 1.0);
    let n = state.system.atoms.len();
    let held: Vec<[bool; 3]> = (0..n).map(|i| [i < 8, i < 8, i < 16]).collect();
    let before = state.system.atoms.positions.clone();
    let langevin = Langevin::new(0.01 / FS, 3).on(Group::All, Some(held.clone()));
    let mut integrator = Integrator::split(Splitting::Ends, 4.0 * FS)
        .with_thermostat(Box::new(langevin), Ramp::constant(110.0))
        .with_held(held.clone());
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let freedom = held.as_flattened().iter().filter(|h| !**h).count() as f64;
    let (mut sum, steps) = (0.0, 20_000);
    for _ in 0..steps {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        sum += kinetic_energy(&state.system.atoms);
    }
    for ((x, y), h) in before.iter().zip(&state.system.atoms.positions).zip(&held) {
        (0..3).for_each(|k| assert_eq!(x[k] == y[k], h[k]));
    }
    // Correlation time of K: 1/(2 γ) = 50 fs, 12 steps; 4 standard errors of 20000/25 independent values.
    let t = 2.0 * sum / f64::from(steps) / (BOLTZMANN * freedom);
    assert!(
        (t / 110.0 - 1.0).abs() < 4.0 * (2.0 / freedom / 800.0).sqrt(),
        "{t}"
    );
}
