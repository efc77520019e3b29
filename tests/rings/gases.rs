//! Free particles, whose estimators have no noise, and an ideal gas of rings at constant pressure.

use crate::common::barostats::{Surroundings, barostat};
use crate::common::wells::{particles, wells};
use crate::sampled::check;
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::rings::RingEstimates;
use zundel::dynamics::thermostat::Langevin;
use zundel::dynamics::{Integrator, Ramp, RingDynamics, Rings, Splitting, State};
use zundel::potential::Want;
use zundel::system::{Cell, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

const T: f64 = 40.0;
const MASS: f64 = 2.0;

#[test]
fn free_particles_spread_as_far_as_their_springs_allow() {
    let (n, beads) = (200, 8);
    let mut evaluator = wells(0.0, 0.0);
    let mut state = State::new(particles(n, MASS, Cell::isolated())).with_rings(beads);
    let mut integrator = Integrator::split(Splitting::Middle, 2.0 * FS)
        .with_thermostat(Box::new(Langevin::new(0.01 / FS, 3)), Ramp::constant(T))
        .with_rings(RingDynamics::new(Ramp::constant(T), 5));
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let mut e = RingEstimates::default();
    let (mut radii, mut primitive) = (Vec::new(), Vec::new());
    for row in 0..600 {
        for _ in 0..10 {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
        }
        let rings = state.rings.as_ref().unwrap();
        rings.estimate(integrator.rings().unwrap(), state.evaluation.energy, &mut e);
        let classical = 1.5 * n as f64 * BOLTZMANN * T;
        assert!((e.kinetic / classical - 1.0).abs() < 1e-12);
        if row >= 20 {
            radii.push(e.gyration2_of.iter().sum::<f64>() / n as f64);
            primitive.push(e.primitive / classical);
        }
    }
    for (what, samples, exact, most) in [
        (
            "radius",
            &radii,
            Rings::free_gyration2(beads, MASS, T),
            0.005,
        ),
        ("primitive", &primitive, 1.0, 0.02),
    ] {
        check(what, samples, exact, most);
    }
}

#[test]
fn an_ideal_gas_of_rings_has_the_volume_of_a_classical_one() {
    // P V/kT is Gamma(N + 1) for 8 atoms of 8 beads: mean 9 and variance 9. Bounds of 4 standard errors.
    let (n, beads) = (8, 8);
    let t = 300.0;
    let kt = BOLTZMANN * t;
    let pressure = kt / 200.0;
    for name in ["rescaling", "bzp"] {
        let space = StrainSpace::isotropic();
        let surroundings = Surroundings {
            pressure,
            temperature: t,
            freedom: 3 * n,
            atoms: n,
            modulus: 2.0 * pressure,
            tau: 200.0 * FS,
            seed: 5,
        };
        let barostat = barostat(name, space, surroundings);
        let mut system = particles(n, 20.0, Cell::orthorhombic(12.0, 12.0, 12.0).unwrap());
        thermal_velocities(&mut system.atoms, t, 7, false);
        let mut state = State::new(system).with_rings(beads);
        let splitting = match name {
            "rescaling" => Splitting::Middle,
            _ => Splitting::Ends,
        };
        let mut integrator = Integrator::split(splitting, 4.0 * FS)
            .with_thermostat(Box::new(Langevin::new(0.01 / FS, 11)), Ramp::constant(t))
            .with_barostat(barostat)
            .with_rings(RingDynamics::new(Ramp::constant(t), 5));
        let mut evaluator = wells(0.0, 0.0);
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let mut volumes = Vec::new();
        for row in 0..3200 {
            for _ in 0..50 {
                integrator
                    .step(&mut state, &mut evaluator, Want::DYNAMICS)
                    .unwrap();
            }
            if row >= 200 {
                volumes.push(state.system.cell.volume().unwrap() * pressure / kt);
            }
        }
        let square: Vec<f64> = volumes.iter().map(|v| (v - 9.0).powi(2)).collect();
        for (what, samples, exact) in [("mean", &volumes, 9.0), ("variance", &square, 9.0)] {
            check(&format!("{name} {what}"), samples, exact, 0.1);
        }
    }
}
