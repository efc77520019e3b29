//! Molecules: terms within and between them, and barostats that move them as one.

mod common;

use common::barostats::{Surroundings, barostat};
use std::sync::Arc;
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::{Integrator, Langevin, Ramp, RingDynamics, Sites, Splitting, State};
use zundel::elements::{Element, Species as Kind};
use zundel::molecules::{Molecules, Packing, Species, pack};
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{Acts, Evaluator, Local, Molecular, Potential, Term, Want};
use zundel::system::{Atoms, System, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

fn chlorine() -> Element {
    Element::from_symbol("Cl").unwrap()
}

/// Diatomic molecules at random in a cube.
fn gas(molecules: usize, edge: f64) -> System {
    let mut one = Atoms::default();
    let kind = Kind::natural(chlorine());
    one.push(kind, [0.0; 3]);
    one.push(kind, [2.0, 0.0, 0.0]);
    let species = [Species {
        molecule: &one,
        count: molecules,
    }];
    let packing = Packing {
        species: &species,
        edge,
        seed: 3,
    };
    pack(&packing).unwrap().system
}

fn sites(system: &System) -> Sites {
    let found = Molecules::find(system.configuration()).unwrap();
    let bonds: Vec<(u32, u32)> = found.tree().collect();
    Sites::new(&bonds, &system.atoms)
}

fn pairs(epsilon: f64, sigma: f64, cutoff: f64) -> Arc<dyn Potential> {
    let e = chlorine();
    let parameters = PairParameters {
        epsilon,
        sigma,
        cutoff,
    };
    let model = LennardJones::mixture(&[(e, e, parameters)], Scheme::ForceShifted, false);
    Arc::new(Local(model.unwrap()))
}

fn acting(name: &str, model: Arc<dyn Potential>, acts: Acts, system: &System) -> Term {
    let model = Molecular::new(model, acts).unwrap();
    Term::new(name, model.for_system(system).unwrap().unwrap().potential)
}

/// Bonds of 2 Å with a period of 64 fs.
fn bonds(system: &System) -> Term {
    acting("bonds", pairs(1.0, 1.782, 4.0), Acts::Within, system)
}

fn between(system: &System) -> Term {
    acting("between", pairs(0.012, 3.2, 6.0), Acts::Between, system)
}

/// Mean of a series, and its standard error from blocks.
fn mean(series: &[f64]) -> (f64, f64) {
    let blocks = 40;
    let each = series.len() / blocks;
    let means: Vec<f64> = series
        .chunks_exact(each)
        .map(|b| b.iter().sum::<f64>() / each as f64)
        .collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Samples of V P/kT every `every` steps of 8 flexible molecules at 300 K, and the conserved energy with them. Rings have beads.
fn volumes_of_a_gas(
    name: &str,
    beads: Option<usize>,
    [samples, every]: [usize; 2],
) -> [Vec<f64>; 2] {
    let (m, t) = (8, 300.0);
    let kt = BOLTZMANN * t;
    let pressure = kt / 400.0;
    let mut system = gas(m, 15.0);
    thermal_velocities(&mut system.atoms, t, 7, false);
    let (sites, terms) = (sites(&system), vec![bonds(&system)]);
    assert_eq!(sites.len(), m);
    let surroundings = Surroundings {
        pressure,
        temperature: t,
        freedom: 3 * m,
        atoms: m,
        modulus: pressure,
        tau: 200.0 * FS,
        seed: 5,
    };
    let splitting = match (name, beads) {
        ("rescaling", Some(_)) => Splitting::Middle,
        _ => Splitting::Ends,
    };
    let mut integrator = Integrator::split(splitting, 2.0 * FS)
        .with_thermostat(Box::new(Langevin::new(0.01 / FS, 11)), Ramp::constant(t))
        .with_sites(sites)
        .with_barostat(barostat(name, StrainSpace::isotropic(), surroundings));
    let mut state = State::new(system);
    if let Some(beads) = beads {
        state = state.with_rings(beads);
        integrator = integrator.with_rings(RingDynamics::new(Ramp::constant(t), 5));
    }
    let mut evaluator = Evaluator::new(terms, 0.5);
    integrator
        .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
        .unwrap();
    let (mut volumes, mut conserved) = (Vec::new(), Vec::new());
    for step in 0..every * (samples + 20) {
        integrator
            .step(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        if step >= 20 * every && step % every == 0 {
            volumes.push(state.system.cell.volume().unwrap() * pressure / kt);
            conserved.push(integrator.conserved(&state));
        }
    }
    [volumes, conserved]
}

/// V P/kT is distributed as Gamma(M + 1) for M molecules, whatever they are made of, and with quantum nuclei, too. Mean and variance are
/// tested at 4.5 standard errors from 40 blocks (with 39 degrees of freedom one false alarm in 16 000), the distribution at p = 1e-3
/// on samples 3 ps apart.
fn check_volumes(name: &str, volumes: &[f64]) {
    let shape = 9.0;
    let (centre, error) = mean(volumes);
    let squares: Vec<f64> = volumes.iter().map(|v| (v - shape).powi(2)).collect();
    let (variance, of_variance) = mean(&squares);
    let mut thinned: Vec<f64> = volumes.iter().copied().step_by(5).collect();
    let p = common::kolmogorov_smirnov(&mut thinned, shape);
    eprintln!(
        "{name}: mean {centre:.3} ± {error:.3} and variance {variance:.2} ± {of_variance:.2}, of {shape}; p {p:.3}"
    );
    assert!((centre - shape).abs() < 4.5 * error, "{name}: {centre}");
    assert!(error < 0.05 * shape, "{name}: {error}");
    assert!(
        (variance - shape).abs() < 4.5 * of_variance,
        "{name}: {variance}"
    );
    assert!(p > 1e-3, "{name}: {p}");
}

#[test]
fn a_gas_of_flexible_molecules_has_the_volume_of_its_centres() {
    // Three barostats: one false alarm in 300 runs, and the seeds are fixed.
    let [samples, every] = [400, 300];
    for name in ["rescaling", "mtk", "bzp"] {
        let [volumes, conserved] = volumes_of_a_gas(name, None, [samples, every]);
        check_volumes(name, &volumes);
        let time = (samples * every) as f64 * 2e-6;
        let drift = (conserved[samples - 1] - conserved[0]) / (BOLTZMANN * 300.0) / time;
        assert!(drift.abs() < 5.0, "{name}: {drift} kT/ns");
    }
}

#[test]
fn a_gas_of_molecules_with_beads_has_the_same_volume() {
    // All beads of a molecule move with its centre.
    for name in ["rescaling", "bzp"] {
        let [volumes, _] = volumes_of_a_gas(name, Some(4), [400, 300]);
        check_volumes(name, &volumes);
    }
}

#[test]
fn bonds_that_stretch_do_not_press_on_the_cell() {
    // Molecules at rest and far from each other, with bonds that are stretched: at every moment of a step the pressure of molecules is
    // zero, whatever the atoms within do. Pressures made of new positions and old forces are not: f v h is f² h²/m on average.
    for splitting in [Splitting::Ends, Splitting::Middle] {
        for substeps in [1, 4] {
            let mut system = gas(8, 90.0);
            for x in system.atoms.positions.iter_mut().step_by(2) {
                x[0] += 0.1;
            }
            system.atoms.velocities.fill([0.0; 3]);
            let terms = vec![bonds(&system), between(&system)];
            let surroundings = Surroundings {
                pressure: 0.0,
                temperature: 0.0,
                freedom: 24,
                atoms: 8,
                modulus: 1e-4,
                tau: 200.0 * FS,
                seed: 5,
            };
            let space = StrainSpace::isotropic();
            let mut integrator = Integrator::split(splitting, 2.0 * FS)
                .with_thermostat(Box::new(Langevin::new(1e-9 / FS, 11)), Ramp::constant(0.0))
                .with_sites(sites(&system))
                .with_barostat(barostat("berendsen", space, surroundings))
                .with_substeps(&[substeps, 1])
                .unwrap();
            let volume = system.cell.volume().unwrap();
            let mut state = State::new(system);
            // Nothing acts between molecules that are so far apart.
            let mut evaluator = Evaluator::new(terms, 0.5);
            integrator
                .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
            let force = state.evaluation.forces[0];
            assert!(force.iter().map(|f| f * f).sum::<f64>() > 1e-4, "{force:?}");
            for _ in 0..20 {
                integrator
                    .step(&mut state, &mut evaluator, Want::DYNAMICS)
                    .unwrap();
            }
            let ratio = state.system.cell.volume().unwrap() / volume;
            assert!(
                (ratio - 1.0).abs() < 1e-10,
                "{splitting:?}, {substeps}: {ratio}"
            );
        }
    }
}

#[test]
fn pressures_of_molecules_and_of_atoms_have_one_mean() {
    // A dense fluid at a fixed volume; 4.5 standard errors are one false alarm in 150 000, and the step of a sixtieth of the
    // bonds' period leaves 0.1 % of kT for each molecule.
    let t = 400.0;
    let mut system = gas(32, 13.2);
    thermal_velocities(&mut system.atoms, t, 3, false);
    let terms = vec![bonds(&system), between(&system)];
    let molecular = Integrator::velocity_verlet(FS).with_sites(sites(&system));
    let volume = system.cell.volume().unwrap();
    let mut state = State::new(system);
    let mut integrator = Integrator::baoab(FS, t, Langevin::new(0.005 / FS, 3));
    let mut evaluator = Evaluator::new(terms, 0.8);
    integrator
        .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
        .unwrap();
    let (mut difference, mut atoms, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..84_000 {
        integrator
            .step(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        if step >= 4_000 && step % 10 == 0 {
            let [a, b] = [&integrator, &molecular].map(|i| i.stress(&state).trace() / 3.0);
            difference.push(b - a);
            atoms.push(a);
            whole.push(b);
        }
    }
    let ((d, error), (a, of_atoms), (b, of_molecules)) =
        (mean(&difference), mean(&atoms), mean(&whole));
    let kt = BOLTZMANN * t;
    eprintln!(
        "P V/(M kT): atoms {:.4} ± {:.4}, molecules {:.4} ± {:.4}, difference {:+.4} ± {:.4}; V {volume:.0} Å^3",
        a / kt / 32.0,
        of_atoms / kt / 32.0,
        b / kt / 32.0,
        of_molecules / kt / 32.0,
        d / kt / 32.0,
        error / kt / 32.0
    );
    assert!(d.abs() < 4.5 * error + 0.001 * kt * 32.0, "{d} ± {error}");
    // What the bonds do is noise of the pressure of atoms only.
    let spread = |s: &[f64]| {
        let m = s.iter().sum::<f64>() / s.len() as f64;
        s.iter().map(|x| (x - m).powi(2)).sum::<f64>() / s.len() as f64
    };
    assert!(spread(&whole) < spread(&atoms));
}

#[test]
fn a_fast_term_within_molecules_keeps_the_conserved_energy() {
    // The error of what is conserved falls with the square of the outer step.
    let t = 300.0;
    let kt = BOLTZMANN * t;
    let mut widths = Vec::new();
    for outer in [8.0, 4.0] {
        let mut system = gas(32, 14.0);
        thermal_velocities(&mut system.atoms, t, 9, true);
        let terms = vec![bonds(&system), between(&system)];
        let surroundings = Surroundings {
            pressure: 0.002,
            temperature: t,
            freedom: 3 * 32 - 3,
            atoms: 32,
            modulus: 0.002,
            tau: 500.0 * FS,
            seed: 5,
        };
        let barostat = barostat("mtk", StrainSpace::isotropic(), surroundings);
        let mut integrator = Integrator::velocity_verlet(outer * FS)
            .with_sites(sites(&system))
            .with_barostat(barostat)
            .with_substeps(&[8, 1])
            .unwrap();
        let mut state = State::new(system);
        let mut evaluator = Evaluator::new(terms, 0.8);
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let mut series = Vec::new();
        for step in 0..(16_000.0 / outer) as usize {
            integrator
                .step(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
            if step as f64 * outer > 2000.0 {
                series.push(integrator.conserved(&state));
            }
        }
        let m = series.iter().sum::<f64>() / series.len() as f64;
        let width = series.iter().map(|x| (x - m).powi(2)).sum::<f64>() / series.len() as f64;
        widths.push(width.sqrt() / 64.0);
        let (first, last) = series.split_at(series.len() / 2);
        let drift = (last.iter().sum::<f64>() / last.len() as f64
            - first.iter().sum::<f64>() / first.len() as f64)
            / 64.0;
        assert!(drift.abs() < 1e-3 * kt, "{drift}");
    }
    eprintln!("rms of the conserved energy (eV/atom): {widths:?}");
    assert!(widths[0] < 0.01 * kt, "{widths:?}");
    assert!(widths[0] > 2.5 * widths[1], "{widths:?}");
}
