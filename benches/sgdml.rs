//! sGDML models that ship with the program: energy and forces of one geometry and of 64 together, and a step of dynamics.
//!
//! `cargo bench --bench sgdml`. Throughput counts geometries.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::path::{Path, PathBuf};
use std::time::Instant;
use zundel::dynamics::{Guard, Integrator, Langevin, State};
use zundel::io::{FrameIndex, ReadOptions, read_frame};
use zundel::parallel;
use zundel::potential::{Configuration, Evaluation, Evaluator, Term, Want, registry};
use zundel::system::{System, thermal_velocities};
use zundel::units::FS;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn molecule(name: &str) -> (Vec<Term>, System) {
    let file = here(&format!("potentials/{name}-sgdml/{name}.npz"));
    let structure = here(&format!("inputs/{name}.xyz"));
    let frame = read_frame(&structure, FrameIndex::Last, &ReadOptions::default());
    let model = registry::load(&file, None).expect("a model");
    (
        vec![Term::new(name, model)],
        frame.expect("a molecule").system,
    )
}

fn evaluation(c: &mut Criterion) {
    let mut group = c.benchmark_group("sgdml");
    for name in ["ethanol", "benzene", "aspirin"] {
        let (terms, system) = molecule(name);
        for (batch, threads) in [(1, 1), (64, 1), (64, 2)] {
            let batch: Vec<Configuration<'_>> = vec![system.configuration(); batch];
            let mut evaluator = Evaluator::new(terms.clone(), 0.0);
            let mut results = vec![Evaluation::default(); batch.len()];
            group.throughput(Throughput::Elements(batch.len() as u64));
            let label = format!("{name}, {} at once, {threads} threads", batch.len());
            group.bench_function(label, |b| {
                b.iter_custom(|n| {
                    // Inside the pool, as in a run.
                    let timed = || {
                        let start = Instant::now();
                        for _ in 0..n {
                            evaluator
                                .evaluate(&batch, Want::DYNAMICS, &mut results)
                                .expect("a molecule");
                        }
                        start.elapsed()
                    };
                    parallel::with_threads(threads, timed).expect("threads")
                });
            });
        }
    }
    group.finish();
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("sgdml step");
    let (terms, mut system) = molecule("ethanol");
    thermal_velocities(&mut system.atoms, 300.0, 1, true);
    let guard = Guard::new(std::iter::empty(), &[], None);
    let mut integrator = Integrator::baoab(0.5 * FS, 300.0, Langevin::new(2e-3 / FS, 7));
    let mut evaluator = Evaluator::new(terms, 0.0);
    let mut state = State::new(system);
    let want = Want {
        virial: false,
        ..Want::DYNAMICS
    };
    integrator
        .prepare(&mut state, &mut evaluator, want)
        .expect("a molecule");
    group.bench_function("ethanol, Langevin", |b| {
        b.iter(|| {
            integrator
                .step(&mut state, &mut evaluator, want)
                .expect("a molecule");
            assert!(
                guard
                    .check(&state, &evaluator, integrator.timestep())
                    .is_none()
            );
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = evaluation, step
}
criterion_main!(benches);
