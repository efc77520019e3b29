//! The Lennard-Jones fluid of 500 atoms against NIST's tables (Standard Reference Simulation Website): cutoff 3 σ, long-range
//! corrections in energy and pressure. Numbers are in ε, σ and the mass of argon.

use crate::common;
use crate::statistics::{average, line};
use crate::systems::{Run, Surroundings, barostat, thermostat};
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::{Integrator, Ramp};
use zundel::potential::pair::Scheme;
use zundel::potential::{Evaluator, Want};
use zundel::system::{kinetic_energy, thermal_velocities};
use zundel::units::BOLTZMANN;

const CELLS: usize = 5;
const ATOMS: f64 = 500.0;
/// Of the unit of time.
const H: f64 = 0.004;

/// Argon's ε (eV), σ (Å) and unit of time.
fn units() -> (f64, f64, f64) {
    let p = common::argon(1.0);
    let mass = common::fcc("Ar", 5.0, 1).atoms.masses[0];
    (p.epsilon, p.sigma, p.sigma * (mass / p.epsilon).sqrt())
}

/// Kelvin.
fn kelvin(t: f64) -> f64 {
    t * units().0 / BOLTZMANN
}

fn langevin(t: f64) -> Integrator {
    let (_, _, time) = units();
    let (thermostat, _, splitting) = thermostat("langevin, middle", 500, 0.5 * time, 3);
    Integrator::split(splitting, H * time).with_thermostat(thermostat, Ramp::constant(kelvin(t)))
}

/// The fluid at a density and temperature: a crystal molten at T = 2 (it would not melt at T = 0.85), then cooled.
fn fluid(density: f64, t: f64) -> Run {
    let (epsilon, sigma, _) = units();
    let mut system = common::fcc("Ar", sigma * (4.0 / density).cbrt(), CELLS);
    common::rattle(&mut system, 0.2, 8);
    thermal_velocities(&mut system.atoms, kelvin(2.0), 4, false);
    let mut p = common::argon(3.0 * sigma);
    p.epsilon = epsilon;
    let terms = common::lennard_jones(p, Scheme::Truncated, true);
    let mut run = Run::new(
        system,
        Evaluator::new(terms, 1.2),
        langevin(2.0),
        Want::DYNAMICS,
    );
    run.steps(4000);
    run.integrator = langevin(t);
    run.steps(8000);
    run
}

/// Energy per atom and pressure, with the exact kinetic part.
fn energy_and_pressure(run: &Run, t: f64) -> [f64; 2] {
    let (epsilon, sigma, _) = units();
    let volume = run.volume() / sigma.powi(3);
    let p = (ATOMS * t + run.virial() / epsilon / 3.0) / volume;
    [run.state.evaluation.energy / epsilon / ATOMS, p]
}

#[test]
#[ignore = "minutes; run on purpose"]
fn lennard_jones_fluid_has_the_energy_and_pressure_of_nist_long() {
    for (density, t, energy, pressure) in [
        (0.776, 0.85, -5.5121, 0.0067714),
        (0.82, 0.85, -5.7947, 0.55355),
        (0.86, 0.85, -6.0305, 1.266),
        (0.82, 0.90, -5.7456, 0.82386),
    ] {
        let mut run = fluid(density, t);
        let samples = run.sample(6000, 25, |run| energy_and_pressure(run, t));
        let column = |k: usize| average(&samples.iter().map(|s| s[k]).collect::<Vec<_>>());
        let ((u, du), (p, dp)) = (column(0), column(1));
        eprintln!(
            "rho {density}, T {t}: U {u:.4}({du:.4}), NIST {energy}; p {p:.4}({dp:.4}), NIST {pressure}"
        );
        assert!(du < 0.002 && dp < 0.01, "too few samples");
        assert!((u - energy).abs() < 0.005, "U");
        assert!((p - pressure).abs() < 0.02, "p");
    }
}

#[test]
#[ignore = "minutes; run on purpose"]
fn lennard_jones_fluid_has_the_density_of_nist_at_its_pressure_long() {
    let (epsilon, sigma, time) = units();
    for (name, density, t, pressure) in [
        ("rescaling", 0.82, 0.9, 0.82386),
        ("mtk", 0.82, 0.9, 0.82386),
        ("bzp", 0.82, 0.9, 0.82386),
        ("rescaling", 0.86, 0.85, 1.266),
    ] {
        let mut run = fluid(density, t);
        let s = Surroundings {
            pressure: pressure * epsilon / sigma.powi(3),
            temperature: kelvin(t),
            freedom: 1500,
            atoms: 500,
            modulus: 17.0 * epsilon / sigma.powi(3),
            tau: 0.5 * time,
            seed: 5,
        };
        run.integrator = langevin(t).with_barostat(barostat(name, StrainSpace::isotropic(), s));
        run.steps(5000);
        let found = run.sample(4000, 25, |run| ATOMS * sigma.powi(3) / run.volume());
        let (rho, error) = average(&found);
        eprintln!("{name}, T {t}, p {pressure}: density {rho:.4}({error:.4}), NIST {density}");
        assert!(error < 0.0008, "too few samples");
        assert!((rho - density).abs() < 0.002, "density");
    }
}

#[test]
#[ignore = "minutes; run on purpose"]
fn lennard_jones_fluid_diffuses_as_at_nist_long() {
    let (epsilon, sigma, time) = units();
    for (density, t, diffusion) in [
        (0.776, 0.851, 0.061),
        (0.82, 0.852, 0.048),
        (0.86, 0.849, 0.035),
    ] {
        let mut run = fluid(density, t);
        let energies = run.sample(1600, 25, |run| run.state.evaluation.energy);
        let (potential, _) = average(&energies);
        // The energy at which the temperature of a run at constant energy will be the wanted one.
        let atoms = &mut run.state.system.atoms;
        zundel::system::remove_drift(atoms);
        let wanted = potential + 1.5 * (ATOMS - 1.0) * t * epsilon - run.state.evaluation.energy;
        let scale = (wanted / kinetic_energy(atoms)).sqrt();
        atoms
            .velocities
            .as_flattened_mut()
            .iter_mut()
            .for_each(|v| *v *= scale);
        run.integrator = Integrator::velocity_verlet(H * time);
        let frames = run.sample(2400, 25, |run| {
            let atoms = &run.state.system.atoms;
            (atoms.positions.clone(), kinetic_energy(atoms))
        });
        let kinetic: Vec<f64> = frames.iter().map(|f| f.1).collect();
        let found = average(&kinetic).0 / epsilon / (1.5 * (ATOMS - 1.0));
        // 0.1 of the unit of time between frames; the slope of the squared displacement from 3 to 8.
        let squared = |lag: usize, frames: &[(Vec<[f64; 3]>, f64)]| {
            let pairs = frames.iter().zip(&frames[lag..]).step_by(5);
            let moved = pairs.map(|((a, _), (b, _))| {
                let d = a.as_flattened().iter().zip(b.as_flattened());
                d.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / ATOMS / sigma.powi(2)
            });
            let list: Vec<f64> = moved.collect();
            list.iter().sum::<f64>() / list.len() as f64
        };
        let slope = |frames: &[(Vec<[f64; 3]>, f64)]| {
            let lags = [30, 40, 50, 60, 70, 80];
            line(&lags.map(|lag| (0.1 * lag as f64, squared(lag, frames)))) / 6.0
        };
        let parts: Vec<f64> = frames.chunks_exact(400).map(slope).collect();
        let (d, variance) = crate::statistics::moments(&parts);
        let error = (variance / parts.len() as f64).sqrt();
        eprintln!("rho {density}: T {found:.4}, D {d:.4}({error:.4}), NIST {diffusion} at {t}");
        assert!((found - t).abs() < 0.01, "temperature");
        assert!(error < 0.025 * diffusion, "too few samples");
        // NIST gives three decimals: half a unit of the last is 1 % or so.
        assert!((d - diffusion).abs() < 0.05 * diffusion + 0.0005, "D");
    }
}
