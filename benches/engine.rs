//! The engine without a model (integrator, thermostat, list check, guard) and with the cheapest one.
//!
//! `cargo bench --bench engine`. Lennard-Jones runs count atom-steps, list builds included.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::Arc;
use zundel::dynamics::{Guard, Integrator, Langevin, State};
use zundel::elements::{Element, Species};
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{
    Description, Evaluation, EvaluationError, Evaluator, ListKind, Local, Member, NeighbourRequest,
    Potential, Term, Want, Workspace,
};
use zundel::system::{Atoms, Cell, System, repeat, thermal_velocities};
use zundel::units::FS;

/// Asks for a neighbour list and gives no forces.
struct Nothing(Description);

impl Potential for Nothing {
    fn description(&self) -> &Description {
        &self.0
    }
    fn evaluate(
        &self,
        _members: &[Member<'_>],
        _want: Want,
        _workspace: &mut Workspace,
        _results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        Ok(())
    }
}

fn fcc(a: f64, n: usize) -> System {
    let argon = Species::natural(Element::from_symbol("Ar").expect("argon"));
    let mut atoms = Atoms::default();
    for x in [
        [0.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.5, 0.0, 0.5],
        [0.5, 0.5, 0.0],
    ] {
        atoms.push(argon, x.map(|x| x * a));
    }
    let cell = Cell::orthorhombic(a, a, a).expect("a cell");
    repeat(&System { cell, atoms }, [n; 3]).expect("a crystal")
}

fn bookkeeping(c: &mut Criterion) {
    let mut group = c.benchmark_group("step without forces");
    for n in [2, 6] {
        let mut system = fcc(5.26, n);
        thermal_velocities(&mut system.atoms, 5.0, 1, true);
        let atoms = system.atoms.len();
        let request = NeighbourRequest {
            cutoff: 6.0,
            kind: ListKind::Half,
            chunk: 1024,
            grain: 256,
        };
        let description = Description {
            neighbours: Some(request),
            ..Description::default()
        };
        let terms = vec![Term::new(
            "nothing",
            Arc::new(Nothing(description)) as Arc<dyn Potential>,
        )];
        for ensemble in ["nve", "langevin"] {
            let mut integrator = match ensemble {
                "nve" => Integrator::velocity_verlet(FS),
                _ => Integrator::baoab(FS, 5.0, Langevin::new(1e-3 / FS, 7)),
            };
            let mut evaluator = Evaluator::new(terms.clone(), 1.0);
            let guard = Guard::new(std::iter::empty(), &[], None);
            let mut state = State::new(system.clone());
            integrator
                .prepare(&mut state, &mut evaluator, Want::ENERGY)
                .expect("no forces");
            group.bench_function(format!("{ensemble} {atoms} atoms"), |b| {
                b.iter(|| {
                    integrator
                        .step(&mut state, &mut evaluator, Want::ENERGY)
                        .expect("no forces");
                    assert!(
                        guard
                            .check(&state, &evaluator, integrator.timestep())
                            .is_none()
                    );
                });
            });
        }
    }
    group.finish();
}

fn lennard_jones(c: &mut Criterion) {
    // The usual melt: rho 0.8442, T 1.44 at the start, cutoff 2.5 sigma, skin 0.3 sigma, here in argon's units.
    let argon = PairParameters {
        epsilon: 0.010_323,
        sigma: 3.405,
        cutoff: 2.5 * 3.405,
    };
    let mut group = c.benchmark_group("lennard-jones melt");
    group.sample_size(20);
    for n in [10, 20] {
        let mut system = fcc((4.0f64 / 0.8442).cbrt() * argon.sigma, n);
        thermal_velocities(
            &mut system.atoms,
            1.44 * argon.epsilon / zundel::units::BOLTZMANN,
            1,
            true,
        );
        let model = LennardJones::uniform(argon, Scheme::Truncated, false).expect("argon");
        let terms = vec![Term::new(
            "lj",
            Arc::new(Local(model)) as Arc<dyn Potential>,
        )];
        let mut evaluator = Evaluator::new(terms, 0.5 * argon.sigma);
        let mut state = State::new(system);
        let mut integrator =
            Integrator::velocity_verlet(0.005 * argon.sigma * (39.948 / argon.epsilon).sqrt());
        integrator
            .prepare(&mut state, &mut evaluator, Want::ENERGY)
            .expect("a liquid");
        for _ in 0..100 {
            integrator
                .step(&mut state, &mut evaluator, Want::ENERGY)
                .expect("a liquid");
        }
        const STEPS: u64 = 50;
        group.throughput(Throughput::Elements(
            state.system.atoms.len() as u64 * STEPS,
        ));
        group.bench_function(format!("{} atoms", state.system.atoms.len()), |b| {
            b.iter(|| {
                for _ in 0..STEPS {
                    integrator
                        .step(&mut state, &mut evaluator, Want::ENERGY)
                        .expect("a liquid");
                }
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default();
    targets = bookkeeping, lennard_jones
}
criterion_main!(benches);
