//! Several time steps: reversible reference system propagation over named terms.

mod common;

use common::barostats::{Surroundings, barostat};
use std::sync::Arc;
use zundel::dynamics::barostat::StrainSpace;
use zundel::dynamics::thermostat::{Group, NoseHoover};
use zundel::dynamics::{Integrator, Langevin, Operation, Ramp, Splitting, State};
use zundel::potential::pair::{LennardJones, Scheme};
use zundel::potential::{Evaluator, Local, Potential, Term, Want};
use zundel::system::thermal_velocities;
use zundel::units::{BOLTZMANN, FS};

/// A liquid whose short-ranged and stiff part, and the rest, are two terms: a wide one, and one of which only the attraction is felt.
fn liquid() -> (State, Vec<Term>) {
    let mut system = common::fcc("Ar", 5.6, 2);
    common::rattle(&mut system, 0.1, 8);
    thermal_velocities(&mut system.atoms, 100.0, 4, true);
    let mut stiff = common::argon(8.5);
    stiff.sigma = 3.2;
    let mut soft = common::argon(8.5);
    soft.sigma = 2.5;
    let term = |name: &str, p| {
        let model = LennardJones::uniform(p, Scheme::ForceShifted, false).unwrap();
        Term::new(name, Arc::new(Local(model)) as Arc<dyn Potential>)
    };
    (
        State::new(system),
        vec![term("stiff", stiff), term("soft", soft)],
    )
}

fn energies(
    mut integrator: Integrator,
    terms: &[Term],
    start: &State,
    length: f64,
) -> (Vec<f64>, State) {
    let mut state = start.clone();
    let mut evaluator = Evaluator::new(terms.to_vec(), 1.0);
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let steps = (length * FS / integrator.timestep()).round() as usize;
    let energies = (0..steps)
        .map(|_| {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .unwrap();
            integrator.conserved(&state)
        })
        .collect();
    (energies, state)
}

fn rms(e: &[f64]) -> f64 {
    let mean = e.iter().sum::<f64>() / e.len() as f64;
    (e.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / e.len() as f64).sqrt()
}

#[test]
fn operations_of_two_and_three_levels() {
    use Operation::{Drift, Forces, Kick, LastForces};
    let two = Integrator::velocity_verlet(1.0)
        .with_substeps(&[2, 1])
        .unwrap();
    let fast = [Kick(0.25, 1), Drift(0.5), Forces(1), Kick(0.25, 1)];
    let last = [Kick(0.25, 1), Drift(0.5), LastForces, Kick(0.25, 1)];
    let whole: Vec<Operation> = [Kick(0.5, 0)]
        .into_iter()
        .chain(fast)
        .chain(last)
        .chain([Kick(0.5, 0)])
        .collect();
    assert_eq!(two.operations(), whole);
    let three = Integrator::velocity_verlet(1.0)
        .with_substeps(&[6, 1, 2])
        .unwrap();
    let count =
        |of: &dyn Fn(&Operation) -> bool| three.operations().iter().filter(|o| of(o)).count();
    assert_eq!(count(&|o| matches!(o, Drift(_))), 6);
    assert_eq!(count(&|o| matches!(o, Forces(2))), 5);
    assert_eq!(count(&|o| matches!(o, Forces(1))), 1);
    assert_eq!(count(&|o| matches!(o, Forces(0))), 0);
    // Each level kicks for one step in all.
    for level in 0..3 {
        let parts = three.operations().iter().filter_map(|o| match o {
            Kick(part, l) if *l == level => Some(*part),
            _ => None,
        });
        assert!((parts.sum::<f64>() - 1.0).abs() < 1e-14);
    }
    assert!(matches!(
        Integrator::velocity_verlet(1.0).with_substeps(&[4, 6]),
        Err([4, 6])
    ));
    assert!(
        Integrator::velocity_verlet(1.0)
            .with_substeps(&[0, 1])
            .is_err()
    );
}

#[test]
fn the_fast_term_sets_the_error_of_the_energy() {
    let (start, terms) = liquid();
    let verlet =
        |h: f64| rms(&energies(Integrator::velocity_verlet(h * FS), &terms, &start, 2000.0).0);
    let multiple = |h: f64, n: [u32; 2]| {
        let i = Integrator::velocity_verlet(h * FS)
            .with_substeps(&n)
            .unwrap();
        rms(&energies(i, &terms, &start, 2000.0).0)
    };
    let (coarse, fine) = (verlet(8.0), verlet(2.0));
    let mixed = multiple(8.0, [4, 1]);
    eprintln!("rms at 8 fs {coarse:.2e}, 8 with four 2 fs {mixed:.2e}, 2 fs {fine:.2e} eV");
    assert!(mixed < 0.35 * coarse, "{mixed} {coarse}");
    // The square of the outer step.
    let slope = (mixed / multiple(2.0, [4, 1])).log2() / 2.0;
    assert!((slope - 2.0).abs() < 0.1, "{slope}");
}

#[test]
fn all_terms_at_the_same_pace_are_one_level() {
    let (start, terms) = liquid();
    let plain = energies(Integrator::velocity_verlet(4.0 * FS), &terms, &start, 400.0);
    let same = Integrator::velocity_verlet(4.0 * FS)
        .with_substeps(&[1, 1])
        .unwrap();
    assert_eq!(plain.0, energies(same, &terms, &start, 400.0).0);
    // All four times as often is a quarter of the step.
    let quarter = energies(Integrator::velocity_verlet(FS), &terms, &start, 40.0).1;
    let four = Integrator::velocity_verlet(4.0 * FS)
        .with_substeps(&[4, 4])
        .unwrap();
    let four = energies(four, &terms, &start, 40.0).1;
    let pairs = quarter.system.atoms.positions.as_flattened().iter();
    let worst = pairs
        .zip(four.system.atoms.positions.as_flattened())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    assert!(worst < 1e-12, "{worst}");
}

#[test]
fn the_motion_is_reversible() {
    let (mut state, terms) = liquid();
    let mut evaluator = Evaluator::new(terms, 1.0);
    let mut integrator = Integrator::velocity_verlet(4.0 * FS)
        .with_substeps(&[4, 1])
        .unwrap();
    integrator
        .prepare(&mut state, &mut evaluator, Want::ENERGY)
        .unwrap();
    let worst = common::reversal_error_of(&mut integrator, &mut state, &mut evaluator, 250);
    assert!(worst < 1e-8, "{worst}");
}

#[test]
fn thermostats_and_barostats_go_with_several_steps() {
    let (start, terms) = liquid();
    let t = 100.0;
    let ramp = Ramp::constant(t);
    let langevin = Langevin::new(0.005 / FS, 7);
    let baoab = Integrator::baoab(4.0 * FS, t, langevin)
        .with_substeps(&[4, 1])
        .unwrap();
    let n = start.system.atoms.len();
    let free = 3 * n - 3;
    let chain = NoseHoover::global(Group::All, free, 100.0 * FS, 3, 1);
    let surroundings = Surroundings {
        pressure: 0.0015,
        temperature: t,
        freedom: free,
        atoms: n,
        modulus: 0.0015,
        tau: 200.0 * FS,
        seed: 5,
    };
    let npt = |h: f64, substeps: [u32; 2]| {
        Integrator::split(Splitting::Ends, h * FS)
            .with_thermostat(Box::new(chain.clone()), ramp)
            .with_barostat(barostat("mtk", StrainSpace::isotropic(), surroundings))
            .with_substeps(&substeps)
            .unwrap()
    };
    let (e, _) = energies(baoab, &terms, &start, 20_000.0);
    let drift = (e[e.len() - 1] - e[e.len() / 2]) / n as f64 / (BOLTZMANN * t);
    // What friction and noise take should be what they give. Over 10 ps, 50 times the time of the friction, they exchange
    // 50 x 3 kT for each atom; 2e-4 of it may be missing with these long steps.
    eprintln!("baoab: rms {:.2e}, drift {drift:+.1e} kT/atom", rms(&e));
    assert!(drift.abs() < 2e-4 * 150.0, "{drift}");
    // Deterministic: the fluctuation of the conserved energy falls with the square of the step.
    let fluctuation = |h: f64| rms(&energies(npt(h, [4, 1]), &terms, &start, 2000.0).0);
    let slope = (fluctuation(8.0) / fluctuation(2.0)).log2() / 2.0;
    eprintln!("mtk: slope {slope:.3}");
    assert!((slope - 2.0).abs() < 0.15, "{slope}");
}
