//! Integrators and thermostats against exact results (velocity Verlet, BAOAB) and statistics.

mod common;

use common::wells::{particles, stationary, wells};
use zundel::dynamics::{Integrator, Langevin, State};
use zundel::potential::pair::Scheme;
use zundel::potential::{Evaluator, Want};
use zundel::random::{Purpose, normals};
use zundel::system::{Cell, kinetic_energy, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

/// Position and momentum (x components) after one step from (x, p), at a temperature.
fn one_step(omega_h: f64, temperature: f64, friction_h: f64, x: f64, p: f64) -> [f64; 2] {
    let mut evaluator = wells(omega_h * omega_h, 0.0);
    let mut state = State::new(particles(1, 1.0, Cell::isolated()));
    state.system.atoms.positions[0][0] = x;
    state.system.atoms.velocities[0][0] = p;
    let mut integrator = Integrator::baoab(1.0, temperature, Langevin::new(friction_h, 5));
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
fn discrete_stationary_moments_of_baoab() {
    // The step is a linear map M plus noise b ξ; the stationary covariance solves S = M S Mᵀ + b bᵀ. For BAOAB it must be
    // <x²> = kT/(m w²) exactly and <p²> = m kT (1 - w²h²/4), for any friction.
    let temperature = 1.0 / BOLTZMANN;
    for omega_h in [0.1, 0.2, 0.5, 1.0, 1.5] {
        for friction_h in [0.1, 1.0, 5.0] {
            let a = one_step(omega_h, 0.0, friction_h, 1.0, 0.0);
            let c = one_step(omega_h, 0.0, friction_h, 0.0, 1.0);
            let m = [[a[0], c[0]], [a[1], c[1]]];
            let noise = one_step(omega_h, temperature, friction_h, 0.0, 0.0);
            // The O operation stands at place 2 of BAOAB's six; step 0.
            let mut xi = [0.0];
            normals(5, Purpose::Langevin, 2, 0, 0, 0, &mut xi);
            let b = noise.map(|x| x / xi[0]);
            let s = stationary(m, [b[0] * b[0], b[0] * b[1], b[1] * b[1]]);
            let x2 = s[0] * omega_h * omega_h;
            let p2 = s[2];
            // Solving the 3x3 system amplifies rounding by about 1/(wh)².
            let tolerance = 1e-12 / (omega_h * omega_h).min(1.0);
            assert!(
                (x2 - 1.0).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: <x2> {x2}"
            );
            let exact = 1.0 - omega_h * omega_h / 4.0;
            assert!(
                (p2 - exact).abs() < tolerance,
                "wh {omega_h} gh {friction_h}: <p2> {p2} {exact}"
            );
        }
    }
}

#[test]
fn verlet_frequency_of_an_oscillator() {
    // x(n) = cos(n acos(1 - w²h²/2)) from rest, exactly.
    for omega_h in [0.1f64, 0.5, 1.0, 1.5] {
        let mut evaluator = wells(omega_h * omega_h, 0.0);
        let mut state = State::new(particles(1, 1.0, Cell::isolated()));
        state.system.atoms.positions[0][0] = 1.0;
        let mut integrator = Integrator::velocity_verlet(1.0);
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        let angle = (1.0 - 0.5 * omega_h * omega_h).acos();
        for n in 1..=200 {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            let x = state.system.atoms.positions[0][0];
            assert!((x - (f64::from(n) * angle).cos()).abs() < 1e-11);
        }
    }
}

/// A Lennard-Jones liquid, melted by the heat of its start.
fn liquid(temperature: f64) -> (State, Evaluator) {
    let mut system = common::fcc("Ar", 5.7, 3);
    common::rattle(&mut system, 0.1, 8);
    thermal_velocities(&mut system.atoms, temperature, 4, true);
    let terms = common::lennard_jones(common::argon(2.5 * 3.405), Scheme::ForceShifted, false);
    (State::new(system), Evaluator::new(terms, 0.8))
}

#[test]
fn energy_fluctuation_falls_with_the_square_of_the_time_step() {
    let (mut start, mut evaluator) = liquid(160.0);
    let mut integrator = Integrator::velocity_verlet(4.0 * FS);
    integrator
        .prepare(&mut start, &mut evaluator, Want::ENERGY)
        .unwrap();
    (0..500).for_each(|_| {
        integrator
            .step(&mut start, &mut evaluator, Want::ENERGY)
            .unwrap()
    });
    let slope = common::fluctuation_slope(&start, &mut evaluator, &[8.0, 4.0, 2.0, 1.0], 1600.0);
    eprintln!("slope {slope}");
    assert!((slope - 2.0).abs() < 0.05, "{slope}");
}

#[test]
fn time_reversal() {
    let (mut state, mut evaluator) = liquid(60.0);
    Integrator::velocity_verlet(FS)
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let worst = common::reversal_error(&mut state, &mut evaluator);
    assert!(worst < 1e-9, "{worst}");
}

#[test]
fn langevin_samples_the_canonical_kinetic_energy() {
    // An LJ liquid with a large step: K after the O operation is canonical whatever the step. 1500 samples, 0.2 ps apart
    // at a friction of 20 /ps (e^-4 of correlation left... squared in K). K-S: fails a right program once in 1000.
    let temperature = 95.0;
    let (mut state, mut evaluator) = liquid(temperature);
    let atoms = state.system.atoms.len();
    let h = 5.0 * FS;
    let mut integrator = Integrator::baoab(h, temperature, Langevin::new(0.02 / FS, 99));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut samples = Vec::new();
    let mut end_of_step = 0.0;
    let kt = BOLTZMANN * temperature;
    for step in 0..61_500 {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        if step >= 1500 && step % 40 == 0 {
            samples.push(integrator.kinetic_mid() / kt);
            end_of_step += kinetic_energy(&state.system.atoms) / kt;
        }
    }
    let shape = 1.5 * atoms as f64;
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let p = common::kolmogorov_smirnov(&mut samples, shape);
    eprintln!(
        "p {p:.3}, mean {:.5}, variance {:.4}, end of step {:.5}",
        mean / shape,
        variance / shape,
        end_of_step / n / shape
    );
    assert!(p > 1e-3, "p = {p}");
    assert!((mean - shape).abs() < 4.0 * (shape / n).sqrt());
    assert!((variance / shape - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
}

#[test]
fn conserved_energy_of_langevin_does_not_drift() {
    let (mut state, mut evaluator) = liquid(90.0);
    let atoms = state.system.atoms.len() as f64;
    let mut integrator = Integrator::baoab(4.0 * FS, 90.0, Langevin::new(1e-3 / FS, 3));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut energies = Vec::new();
    for _ in 0..20_000 {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        energies.push(integrator.conserved(&state));
    }
    // A straight line through 80 ps, in kT per atom and ns; the ordinary energy wanders by several kT.
    let n = energies.len() as f64;
    let (mx, my) = ((n - 1.0) / 2.0, energies.iter().sum::<f64>() / n);
    let slope = energies
        .iter()
        .enumerate()
        .map(|(k, e)| (k as f64 - mx) * (e - my))
        .sum::<f64>()
        / energies
            .iter()
            .enumerate()
            .map(|(k, _)| (k as f64 - mx).powi(2))
            .sum::<f64>();
    let drift = slope / 4e-6 / atoms / (BOLTZMANN * 90.0);
    eprintln!("drift {drift:.2e} kT per atom and ns");
    assert!(drift.abs() < 0.02, "{drift}");
}

#[test]
fn free_diffusion_has_the_right_velocity_correlation() {
    // No force: <v(0) v(t)> = kT/m exp(-g t) exactly for BAOAB (the O step is exact). 2000 particles, 3 components.
    let temperature = 300.0;
    let mut state = State::new(particles(2000, 1.0, Cell::isolated()));
    let mut evaluator = wells(0.0, 0.0);
    let friction = 0.01 / FS;
    let mut integrator = Integrator::baoab(2.0 * FS, temperature, Langevin::new(friction, 12));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    (0..500).for_each(|_| {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap()
    });
    let start = state.system.atoms.velocities.clone();
    let from = state.system.atoms.positions.clone();
    let kt = BOLTZMANN * temperature;
    let n = 6000.0f64;
    for step in 1..=1000 {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        if step % 50 == 0 && step <= 200 {
            let pairs = start
                .as_flattened()
                .iter()
                .zip(state.system.atoms.velocities.as_flattened());
            let c = pairs.map(|(a, b)| a * b).sum::<f64>() / n / kt;
            let exact = (-friction * 2.0 * FS * f64::from(step)).exp();
            // Standard error of a product average of unit normals is below sqrt(2/n); 4.5 of them.
            assert!((c - exact).abs() < 4.5 * (2.0 / n).sqrt(), "{c} {exact}");
        }
    }
    // Mean squared displacement of Langevin dynamics (Uhlenbeck, Ornstein 1930), 20 decay times.
    let t = 1000.0 * 2.0 * FS;
    let pairs = from
        .as_flattened()
        .iter()
        .zip(state.system.atoms.positions.as_flattened());
    let msd = pairs.map(|(a, b)| (b - a).powi(2)).sum::<f64>() / n;
    let exact = 2.0 * kt / (friction * friction) * (friction * t - 1.0 + (-friction * t).exp());
    assert!(
        (msd / exact - 1.0).abs() < 4.5 * (2.0 / n).sqrt(),
        "{}",
        msd / exact
    );
}
