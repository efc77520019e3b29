//! Sampled averages against exact values for the number of beads.

use crate::fields::{field, particles, quantum_mass, unit_temperature};
use zundel::analysis::Average;
use zundel::dynamics::rings::{Order, Propagator, RingEstimates};
use zundel::dynamics::thermostat::{Group, Langevin, Thermostat, VelocityRescaling};
use zundel::dynamics::{Integrator, Ramp, RingDynamics, Splitting, State};
use zundel::potential::{Evaluator, Want};
use zundel::units::HBAR;

fn spring(x: f64) -> [f64; 2] {
    [0.5 * x * x, x]
}

/// V = x²/2 + x³/10 + x⁴/100.
fn quartic(x: f64) -> [f64; 2] {
    [
        0.5 * x * x + 0.1 * x.powi(3) + 0.01 * x.powi(4),
        x + 0.3 * x * x + 0.04 * x.powi(3),
    ]
}

/// A run of independent particles.
struct Run {
    evaluator: Evaluator,
    state: State,
    integrator: Integrator,
    every: usize,
}

/// What is sampled.
#[derive(Default)]
struct Samples {
    potential: Vec<f64>,
    virial: Vec<f64>,
    primitive: Vec<f64>,
    radius: Vec<f64>,
}

impl Run {
    fn samples(&mut self, settle: usize, rows: usize, mut more: impl FnMut(&mut Run)) -> Samples {
        self.integrator
            .prepare(&mut self.state, &mut self.evaluator, Want::ENERGY)
            .unwrap();
        let mut samples = Samples::default();
        let mut e = RingEstimates::default();
        for row in 0..settle + rows {
            for _ in 0..self.every {
                self.integrator
                    .step(&mut self.state, &mut self.evaluator, Want::ENERGY)
                    .unwrap();
            }
            if row < settle {
                continue;
            }
            let n = 3.0 * self.state.system.atoms.len() as f64;
            let rings = self.state.rings.as_ref().unwrap();
            let dynamics = self.integrator.rings().unwrap();
            rings.estimate(dynamics, self.state.evaluation.energy, &mut e);
            samples.potential.push(e.potential / n);
            samples.virial.push(e.kinetic / n);
            samples.primitive.push(e.primitive / n);
            samples.radius.push(e.gyration2_of.iter().sum::<f64>() / n);
            more(self);
        }
        samples
    }
}

/// Compares an average with its exact value: within 4 standard errors, which are below `most` of it.
#[track_caller]
pub fn check(what: &str, samples: &[f64], exact: f64, most: f64) {
    let square = samples.iter().map(|x| x * x).sum::<f64>() / samples.len() as f64;
    let a = Average::of_blocks(samples, square, 1).unwrap();
    let e = a.error.unwrap();
    eprintln!("{what}: {} exact {exact:.6}", a.display());
    assert!(e < most * exact.abs(), "{what}: {a:?}");
    assert!((a.mean - exact).abs() < 4.0 * e, "{what}: {a:?} {exact}");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Centroid {
    Local,
    Global,
}

/// Oscillators with βħω = `x`, lengths such that kT and the spring constant are one.
fn oscillators(x: f64, beads: usize, n: usize, wh: f64, centroid: Centroid, order: Order) -> Run {
    let mass = (HBAR / x).powi(2);
    let omega = x / HBAR;
    let mut rings = RingDynamics::new(Ramp::constant(unit_temperature()), 11);
    rings.propagator = Propagator::Cayley;
    rings.order = order;
    let bath: Box<dyn Thermostat> = match centroid {
        Centroid::Local => Box::new(Langevin::new(2.0 * omega, 5)),
        Centroid::Global => Box::new(VelocityRescaling::global(
            Group::All,
            3 * n,
            0.5 / omega,
            5,
            0,
        )),
    };
    let mut state = State::new(particles(n, mass)).with_rings(beads);
    // A crowd of oscillators that begin alike would stay alike with one factor for all of them.
    let x = state.system.atoms.positions.as_flattened_mut();
    zundel::random::normals(3, zundel::random::Purpose::Displacement, 0, 0, 0, 0, x);
    let v = state.system.atoms.velocities.as_flattened_mut();
    zundel::random::normals(3, zundel::random::Purpose::Displacement, 1, 0, 0, 0, v);
    v.iter_mut().for_each(|v| *v /= mass.sqrt());
    Run {
        evaluator: field(spring),
        state,
        integrator: Integrator::split(Splitting::Middle, wh / omega)
            .with_thermostat(bath, Ramp::constant(unit_temperature()))
            .with_rings(rings),
        every: (1.0 / wh).ceil() as usize,
    }
}

/// E/ħω and r_g² mω/ħ of an oscillator for P beads.
fn trotter(x: f64, p: f64) -> (f64, f64) {
    let r = x / (2.0 * p);
    let theta = 2.0 * r.asinh();
    let e = 0.5 / ((0.5 * p * theta).tanh() * (1.0 + r * r).sqrt());
    (e, e - 1.0 / x)
}

#[test]
fn oscillators_for_finite_numbers_of_beads() {
    for centroid in [Centroid::Local, Centroid::Global] {
        for (x, beads) in [(5.0, 4), (5.0, 16), (10.0, 16), (10.0, 32)] {
            let mut run = oscillators(x, beads, 60, 0.1, centroid, Order::Second);
            let s = run.samples(20, 500, |_| {});
            let (e, radius) = trotter(x, beads as f64);
            let what = |name: &str| format!("{centroid:?} x {x} P {beads} {name}");
            // kT and the spring constant are one: ħω is x, and so is ħ/mω.
            check(&what("V"), &s.potential, 0.5 * e * x, 0.01);
            check(&what("K virial"), &s.virial, 0.5 * e * x, 0.01);
            check(&what("K primitive"), &s.primitive, 0.5 * e * x, 0.02);
            check(&what("radius"), &s.radius, radius * x, 0.01);
        }
    }
}

#[test]
fn fourth_order() {
    // E/ħω of βħω = 10: Takahashi-Imada and Suzuki-Chin, exact for the number of beads.
    let ti = Order::TakahashiImada;
    let sc = Order::SuzukiChin { alpha: 0.0 };
    for (order, beads, exact) in [
        (ti, 8, 0.493_787_34),
        (ti, 16, 0.499_556_33),
        (sc, 8, 0.485_814_69),
        (sc, 16, 0.498_800_11),
    ] {
        let mut run = oscillators(10.0, beads, 60, 0.05, Centroid::Local, order);
        let s = run.samples(20, 300, |_| {});
        let total = sums(&s.potential, &s.virial);
        check(&format!("{order:?} P {beads}"), &total, 10.0 * exact, 0.005);
        let total = sums(&s.potential, &s.primitive);
        check(
            &format!("{order:?} P {beads} primitive"),
            &total,
            10.0 * exact,
            0.03,
        );
    }
}

/// Particles in the well of [`quartic`], with m = ħ = k = 1 and β = 8; some components may be held.
fn anharmonic(n: usize, beads: usize, held: Vec<[bool; 3]>) -> Run {
    let t = Ramp::constant(unit_temperature() / 8.0);
    let unit = quantum_mass().sqrt();
    Run {
        evaluator: field(quartic),
        state: State::new(particles(n, quantum_mass())).with_rings(beads),
        integrator: Integrator::split(Splitting::Middle, 0.08 * unit)
            .with_thermostat(Box::new(Langevin::new(1.0 / unit, 5)), t)
            .with_held(held)
            .with_rings(RingDynamics::new(t, 11)),
        every: 12,
    }
}

fn sums(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[test]
fn an_anharmonic_well() {
    // m = ħ = k = 1 and β = 8: energies of the same short-time propagator by numerical matrix multiplication.
    for (beads, energy, kinetic) in [
        (4, 0.352_922_02, 0.174_397_28),
        (16, 0.479_785_93, 0.237_242_51),
    ] {
        let mut run = anharmonic(60, beads, vec![[false; 3]; 60]);
        let s = run.samples(40, 600, |_| {});
        let total = sums(&s.potential, &s.virial);
        check(&format!("E, P {beads}"), &total, energy, 0.01);
        check(&format!("K, P {beads}"), &s.virial, kinetic, 0.01);
    }
}

#[test]
fn isotopes_by_scaled_coordinates_and_by_springs() {
    // ln h for twice the mass in the well of the last test, per degree of freedom.
    let (beads, exact) = (4, ISOTOPE_P4);
    let n = 24;
    let mut run = anharmonic(n, beads, vec![[false, true, true]; n]);
    let (mut scaled, mut springs) = (Vec::new(), Vec::new());
    run.samples(40, 1500, |run| {
        let Run {
            state,
            integrator,
            evaluator,
            ..
        } = run;
        let dynamics = integrator.rings().unwrap();
        let now = state.evaluation.energy;
        let rings = state.rings.as_mut().unwrap();
        let (mut a, mut b) = (0.0, 0.0);
        for atom in 0..n {
            let other = |i: usize| if i == atom { 0.5f64.sqrt() } else { 1.0 };
            let e = rings
                .scaled_energy(dynamics, &state.system, evaluator, other)
                .unwrap();
            a += (-8.0 * (e - now)).exp();
            let s = rings.spring_energy_of(dynamics, |i| i == atom);
            b += (0.5 * (beads as f64 - 1.0) * 2f64.ln() - 8.0 * s).exp();
        }
        scaled.push(a / n as f64);
        springs.push(b / n as f64);
    });
    check("h scaled", &scaled, f64::exp(exact), 0.01);
    check("h springs", &springs, f64::exp(exact), 0.03);
}

/// ln h of m → 2m for P = 4.
const ISOTOPE_P4: f64 = 0.536_174_784_632;
