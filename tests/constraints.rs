//! Bonds of fixed length: lengths, conserved energy, temperature, and the volume of a gas of rigid molecules.
//!
//! Statistical tests have fixed seeds; bounds are 4 standard errors and 1e-3 for Kolmogorov-Smirnov.

mod common;

use common::barostats::{Surroundings, barostat};
use common::wells::wells;
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::thermostat::{Group, Langevin, NoseHoover, Thermostat, VelocityRescaling};
use zundel::dynamics::{Bond, Constraints, Integrator, Ramp, Splitting, State};
use zundel::elements::Species;
use zundel::potential::pair::Scheme;
use zundel::potential::{Evaluator, Want};
use zundel::system::{Atoms, Cell, System, kinetic_energy, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

/// `n`^3 molecules on a lattice of spacing `a`: rigid triangles X-H2 (three bonds each) or, with two atoms, H-Cl.
fn molecules(n: usize, a: f64, atoms_each: usize) -> (System, Vec<Bond>) {
    let mut atoms = Atoms::default();
    let mut bonds = Vec::new();
    let [heavy, light] = ["Ar", "H"].map(|s| Species::from_name(s).unwrap());
    let offsets = [[0.0, 0.0, 0.0], [0.9, 0.3, 0.1], [-0.4, 0.8, -0.3]];
    for k in 0..n * n * n {
        let cell = [k % n, k / n % n, k / n / n];
        let first = atoms.len() as u32;
        for (m, o) in offsets.iter().enumerate().take(atoms_each) {
            let x = std::array::from_fn(|d| a * cell[d] as f64 + o[d]);
            atoms.push(if m == 0 { heavy } else { light }, x);
        }
        for i in 0..atoms_each as u32 {
            for j in i + 1..atoms_each as u32 {
                let (i, j) = (first + i, first + j);
                let mut bond = Bond { i, j, length: 0.0 };
                bond.length = bond
                    .vector(&atoms)
                    .iter()
                    .map(|x| x * x)
                    .sum::<f64>()
                    .sqrt();
                bonds.push(bond);
            }
        }
    }
    let edge = a * n as f64;
    let cell = Cell::orthorhombic(edge, edge, edge).unwrap();
    (System { cell, atoms }, bonds)
}

/// A fluid of rigid triangles with Lennard-Jones forces between all atoms of different molecules (those within a molecule
/// cancel in a rigid one, and do nothing).
fn fluid(temperature: f64) -> (State, Evaluator, Constraints, usize) {
    let (mut system, bonds) = molecules(3, 5.2, 3);
    thermal_velocities(&mut system.atoms, temperature, 5, false);
    let constraints = Constraints::new(bonds, &system.atoms);
    let freedom = 3 * system.atoms.len() - constraints.rank();
    let mut soft = common::argon(5.0);
    soft.sigma = 2.2;
    let terms = common::lennard_jones(soft, Scheme::ForceShifted, false);
    let evaluator = Evaluator::new(terms, 1.0);
    (State::new(system), evaluator, constraints, freedom)
}

fn worst_length(state: &State, bonds: &[Bond]) -> f64 {
    bonds
        .iter()
        .map(|b| {
            let r = b.vector(&state.system.atoms);
            (r.iter().map(|x| x * x).sum::<f64>().sqrt() / b.length - 1.0).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn ranks_count_what_bonds_take() {
    let (system, bonds) = molecules(2, 5.0, 3);
    assert_eq!(Constraints::new(bonds.clone(), &system.atoms).rank(), 24);
    // The same bond twice says nothing new.
    let twice: Vec<Bond> = bonds.iter().chain(&bonds).copied().collect();
    let twice = Constraints::new(twice, &system.atoms);
    assert_eq!(twice.rank(), 24);
    assert_eq!((twice.sites().clusters(), twice.sites().len()), (8, 8));
}

#[test]
fn lengths_are_kept_and_the_energy_is_conserved() {
    let rms = |h: f64| {
        let (mut state, mut evaluator, constraints, _) = fluid(80.0);
        let bonds = constraints.bonds().to_vec();
        let mut integrator = Integrator::velocity_verlet(h * FS).with_constraints(constraints);
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        // The start is a lattice whose molecules touch: let it settle first.
        let mut energies = Vec::new();
        for _ in 0..(1000.0 / h) as usize {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            energies.push(integrator.conserved(&state));
        }
        assert!(worst_length(&state, &bonds) < 1e-12);
        let mean = energies.iter().sum::<f64>() / energies.len() as f64;
        (energies.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / energies.len() as f64).sqrt()
    };
    let [coarse, fine] = [2.0, 0.5].map(rms);
    let slope = (coarse / fine).log2() / 2.0;
    eprintln!("rms {coarse:.2e} and {fine:.2e} eV, slope {slope:.3}");
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
}

#[test]
fn the_motion_is_reversible() {
    let (mut state, mut evaluator, constraints, _) = fluid(80.0);
    let mut integrator = Integrator::velocity_verlet(FS).with_constraints(constraints);
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let worst = common::reversal_error_of(&mut integrator, &mut state, &mut evaluator, 500);
    assert!(worst < 1e-7, "{worst}");
}

#[test]
fn kinetic_energies_are_canonical() {
    let (samples, every) = (400, 60);
    let t = 120.0;
    for name in ["baoab", "obabo", "rescaling", "chain"] {
        let (mut state, mut evaluator, constraints, all) = fluid(t);
        let tau = 100.0 * FS;
        let free = all - 3;
        let bath = |bath: Box<dyn Thermostat>, s| {
            Integrator::split(s, 2.0 * FS).with_thermostat(bath, Ramp::constant(t))
        };
        let (integrator, freedom) = match name {
            "baoab" => (
                bath(Box::new(Langevin::new(1.0 / tau, 3)), Splitting::Middle),
                all,
            ),
            "obabo" => (
                bath(Box::new(Langevin::new(1.0 / tau, 3)), Splitting::Ends),
                all,
            ),
            "rescaling" => {
                let r = VelocityRescaling::global(Group::All, free, tau, 3, 0);
                (bath(Box::new(r), Splitting::Ends), free)
            }
            _ => {
                let c = NoseHoover::global(Group::All, free, tau, 3, 1);
                (bath(Box::new(c), Splitting::Ends), free)
            }
        };
        let mut integrator = integrator.with_constraints(constraints);
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        let mut found = Vec::new();
        let mut conserved = [0.0; 2];
        for step in 0..(samples + 30) * every {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            if step == 30 * every {
                conserved[0] = integrator.conserved(&state);
            }
            if step >= 30 * every && step % every == 0 {
                found.push(integrator.kinetic_mid() / (BOLTZMANN * t));
            }
        }
        conserved[1] = integrator.conserved(&state);
        let n = samples as f64;
        let shape = 0.5 * freedom as f64;
        let mean = found.iter().sum::<f64>() / n;
        let variance = found.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / (n - 1.0) / shape;
        let p = common::kolmogorov_smirnov(&mut found, shape);
        let drift = (conserved[1] - conserved[0]) / 81.0 / (BOLTZMANN * t);
        eprintln!(
            "{name}: mean {:.4}, variance {variance:.3}, p {p:.3}, drift {drift:+.1e} kT/atom",
            mean / shape
        );
        assert!(
            (mean / shape - 1.0).abs() < 4.0 / (shape * n).sqrt() + 5e-4,
            "{name}"
        );
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{name}");
        assert!(p > 1e-3, "{name}: {p}");
        // Friction and noise exchange 3 kT for each atom in the time of the friction, 480 times here: 1e-5 of it.
        assert!(drift.abs() < 1e-5 * 3.0 * 480.0, "{name}: {drift}");
    }
}

#[test]
fn a_gas_of_rigid_molecules_has_the_volume_of_its_centres() {
    // V P/kT is distributed as Gamma(M + 1) for M molecules, whatever they are made of.
    let (samples, every) = (400, 300);
    let t = 300.0;
    let kt = BOLTZMANN * t;
    let pressure = kt / 200.0;
    let z = StrainSpace::components([false, false, true, false, false, false]);
    for (name, space, each) in [
        ("rescaling", StrainSpace::isotropic(), 2),
        ("mtk", StrainSpace::isotropic(), 2),
        ("bzp", StrainSpace::isotropic(), 3),
        ("mtk", z, 2),
    ] {
        let (mut system, bonds) = molecules(2, 6.0, each);
        thermal_velocities(&mut system.atoms, t, 7, false);
        let constraints = Constraints::new(bonds, &system.atoms);
        let bonds = constraints.bonds().to_vec();
        let m = constraints.sites().len();
        let mut state = State::new(system);
        let surroundings = Surroundings {
            pressure,
            temperature: t,
            freedom: 3 * m,
            atoms: m,
            modulus: 8.0 * pressure,
            tau: 200.0 * FS,
            seed: 5,
        };
        let barostat = barostat(name, space, surroundings);
        let mut integrator = Integrator::split(Splitting::Ends, 2.0 * FS)
            .with_thermostat(Box::new(Langevin::new(0.01 / FS, 11)), Ramp::constant(t))
            .with_constraints(constraints)
            .with_barostat(barostat);
        let mut evaluator = wells(0.0, 0.0);
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let mut volumes = Vec::new();
        let mut conserved = Vec::new();
        for step in 0..every * (samples + 20) {
            integrator
                .step(&mut state, &mut evaluator, Want::DYNAMICS)
                .unwrap();
            if step >= 20 * every && step % every == 0 {
                volumes.push(state.system.cell.volume().unwrap() * pressure / kt);
                conserved.push(integrator.conserved(&state));
            }
        }
        assert!(worst_length(&state, &bonds) < 1e-12);
        let shape = (m + 1) as f64;
        let n = samples as f64;
        let mean = volumes.iter().sum::<f64>() / n;
        let variance = volumes.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / (n - 1.0) / shape;
        let p = common::kolmogorov_smirnov(&mut volumes, shape);
        let drift = (conserved[samples - 1] - conserved[0]) / kt / (n * every as f64 * 2e-6);
        eprintln!(
            "{name}: mean {:.4}, variance {variance:.3}, p {p:.3}, drift {drift:+.1e} kT/ns",
            mean / shape
        );
        assert!(
            (mean / shape - 1.0).abs() < 4.0 / (shape * n).sqrt(),
            "{name}"
        );
        let width = ((2.0 + 6.0 / shape) / n).sqrt();
        assert!((variance - 1.0).abs() < 4.0 * width, "{name}: {variance}");
        assert!(p > 1e-3, "{name}: {p}");
        assert!(drift.abs() < 1.0, "{name}: {drift}");
    }
}

#[test]
fn molecules_that_do_not_turn() {
    // A cluster whose rotation is held has six degrees of freedom less.
    let mut system = common::fcc("Ar", 5.3, 2);
    system.cell = Cell::isolated();
    common::rattle(&mut system, 0.05, 3);
    let t = 20.0;
    thermal_velocities(&mut system.atoms, t, 5, false);
    let n = system.atoms.len();
    let mut state = State::new(system);
    let terms = common::lennard_jones(common::argon(12.0), Scheme::ForceShifted, false);
    let mut evaluator = Evaluator::new(terms, 1.0);
    let mut integrator = Integrator::baoab(4.0 * FS, t, Langevin::new(0.01 / FS, 3));
    integrator.fix_centre_of_mass = true;
    integrator.fix_rotation = true;
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let (mut sum, steps) = (0.0, 30_000);
    let mut conserved = 0.0;
    for step in 0..steps {
        integrator
            .step(&mut state, &mut evaluator, Want::ENERGY)
            .unwrap();
        sum += integrator.kinetic_mid();
        if step == 5000 {
            conserved = integrator.conserved(&state);
        }
    }
    let mut still = state.system.atoms.clone();
    assert!(zundel::system::remove_rotation(&mut still) < 1e-5 * kinetic_energy(&still));
    let freedom = (3 * n - 6) as f64;
    let ratio = 2.0 * sum / f64::from(steps) / (BOLTZMANN * t * freedom);
    // The kinetic energy forgets in 1/(2γ) = 50 fs, 12 steps: 30000/25 independent values; 4 standard errors.
    assert!(
        (ratio - 1.0).abs() < 4.0 * (2.0 / freedom / 1200.0).sqrt(),
        "{ratio}"
    );
    let drift = (integrator.conserved(&state) - conserved) / n as f64 / (BOLTZMANN * t);
    assert!(drift.abs() < 5e-3, "{drift}");
}
