//! Ring polymers without a force: what the beads themselves cost.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench rings` is on one core. Counts bead-atom-steps; 32 beads × 216 atoms and 64 beads × 1000 atoms.

mod nothing;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::DMatrix;
use nothing::Nothing;
use std::sync::Arc;
use zundel::dynamics::rings::{ModeBath, NormalModes, Propagator};
use zundel::dynamics::thermostat::{Gle, GleMatrices, Group, Langevin, Thermostat};
use zundel::dynamics::{Integrator, Ramp, RingDynamics, Splitting, State};
use zundel::elements::{Element, Species};
use zundel::potential::{Description, Evaluator, Potential, Term, Want};
use zundel::system::{Atoms, Cell, System};
use zundel::units::FS;

fn system(n: usize) -> System {
    let species = Species::natural(Element::from_symbol("H").expect("hydrogen"));
    let mut atoms = Atoms::default();
    for i in 0..n {
        let x = i as f64;
        atoms.push(species, [x, 0.3 * x, 0.1]);
    }
    System {
        cell: Cell::isolated(),
        atoms,
    }
}

/// A drift matrix with so many auxiliary momenta.
fn matrices(extra: usize) -> GleMatrices {
    let n = extra + 1;
    let a = DMatrix::from_fn(n, n, |i, j| match (i, j) {
        (i, j) if i == j => 0.02 * (1.0 + i as f64) / FS,
        (0, _) => 0.01 / FS,
        (_, 0) => -0.01 / FS,
        _ => 0.0,
    });
    GleMatrices::new(a, None).expect("sound matrices")
}

fn integrator(what: &str, atoms: usize) -> Integrator {
    let mut rings = RingDynamics::new(Ramp::constant(300.0), 1);
    rings.propagator = Propagator::Cayley;
    let splitting = match what {
        "PILE, OBABO" => Splitting::Ends,
        _ => Splitting::Middle,
    };
    let bath: Box<dyn Thermostat> = match what {
        "GLE of six" => {
            rings.bath = ModeBath::Gle(vec![matrices(6)]);
            Box::new(Gle::new(Group::All, vec![[true; 3]; atoms], matrices(6), 1))
        }
        _ => Box::new(Langevin::new(1e-3 / FS, 1)),
    };
    if what == "RPMD" {
        rings.bath = ModeBath::None;
        return Integrator::velocity_verlet(0.5 * FS).with_rings(rings);
    }
    Integrator::split(splitting, 0.5 * FS)
        .with_thermostat(bath, Ramp::constant(300.0))
        .with_rings(rings)
}

fn steps(c: &mut Criterion) {
    for (beads, atoms) in [(32, 216), (64, 1000)] {
        let mut group = c.benchmark_group(format!("{beads} beads, {atoms} atoms"));
        group.throughput(Throughput::Elements((beads * atoms) as u64));
        for what in ["RPMD", "PILE, BAOAB", "PILE, OBABO", "GLE of six"] {
            let potential: Arc<dyn Potential> = Arc::new(Nothing(Description::default()));
            let mut evaluator = Evaluator::new(vec![Term::new("none", potential)], 0.5);
            let mut state = State::new(system(atoms)).with_rings(beads);
            let mut integrator = integrator(what, atoms);
            integrator
                .prepare(&mut state, &mut evaluator, Want::ENERGY)
                .expect("nothing to go wrong");
            group.bench_function(BenchmarkId::from_parameter(what), |b| {
                b.iter(|| {
                    integrator
                        .step(&mut state, &mut evaluator, Want::ENERGY)
                        .expect("nothing to go wrong");
                });
            });
        }
        group.finish();
    }
}

fn transforms(c: &mut Criterion) {
    for beads in [16, 32, 48, 64, 128] {
        let row = 648;
        let mut group = c.benchmark_group(format!("modes to {beads} beads"));
        group.throughput(Throughput::Elements((beads * row) as u64));
        let modes = vec![0.5; beads * row];
        let mut out = vec![0.0; beads * row];
        let ways = [
            ("matrix", NormalModes::by_matrix(beads)),
            ("Fourier", NormalModes::by_fourier(beads)),
        ];
        for (name, mut way) in ways {
            group.bench_function(name, |b| b.iter(|| way.to_beads(&modes, &mut out)));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = steps, transforms
}
criterion_main!(benches);
