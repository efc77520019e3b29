//! The engine without a model (integrator, thermostat, list check, guard) and with the cheapest one.
//!
//! `cargo bench --bench engine`. Lennard-Jones runs count atom-steps, list builds included.

mod nothing;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nothing::Nothing;
use std::sync::Arc;
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use zundel::dynamics::thermostat::{
    Gle, GleMatrices, Group, NoseHoover, Thermostat, VelocityRescaling,
};
use zundel::dynamics::{Guard, Integrator, Langevin, Ramp, Splitting, State};
use zundel::elements::{Element, Species};
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{
    Description, Evaluator, ListKind, Local, NeighbourRequest, Potential, Term, Want,
};
use zundel::system::{Atoms, Cell, System, repeat, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

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

const ENSEMBLES: [&str; 10] = [
    "nve",
    "rescaling",
    "chain",
    "langevin",
    "gle",
    "gle of six",
    "rescaled cell",
    "mtk",
    "mtk triclinic",
    "bzp",
];

/// An integrator at 5 K and, with a barostat, 0.001 eV/Å^3, which an ideal gas of these atoms has at no volume near theirs: the
/// cells' mobilities and inertias are such that they hardly move.
fn integrator(name: &str, atoms: usize) -> Integrator {
    let (t, tau, free) = (Ramp::constant(5.0), 1e3 * FS, 3 * atoms - 3);
    let kt = 5.0 * BOLTZMANN;
    let rescaling = || Box::new(VelocityRescaling::global(Group::All, free, tau, 7, 0));
    let chain = || Box::new(NoseHoover::global(Group::All, free, tau, 3, 1));
    let nvt =
        |bath: Box<dyn Thermostat>| Integrator::split(Splitting::Ends, FS).with_thermostat(bath, t);
    let npt = |bath: Box<dyn Thermostat>, space: StrainSpace, method: Method| {
        let [p, shear] = [1e-3, 0.0].map(Ramp::constant);
        nvt(bath).with_barostat(Barostat {
            space,
            target: [p, p, p, shear, shear, shear],
            temperature: t,
            method,
        })
    };
    let (cubic, any) = (StrainSpace::isotropic(), StrainSpace::components([true; 6]));
    let heavy = 1e6 * tau;
    match name {
        "nve" => Integrator::velocity_verlet(FS),
        "rescaling" => nvt(rescaling()),
        "chain" => nvt(chain()),
        "langevin" => Integrator::baoab(FS, 5.0, Langevin::new(1.0 / tau, 7)),
        "gle" | "gle of six" => {
            // Rates from 1 /ps up, coupled to the momentum by an antisymmetric part.
            let n = if name == "gle" { 2 } else { 6 };
            let a = nalgebra::DMatrix::from_fn(n + 1, n + 1, |i, j| {
                let rate = if i == j { 1.0 + i as f64 } else { 0.0 };
                (rate + 0.3 * (j as f64 - i as f64)) * 1e-3 / FS
            });
            let matrices = GleMatrices::new(a, None).expect("matrices");
            let free = vec![[true; 3]; atoms];
            nvt(Box::new(Gle::new(Group::All, free, matrices, 7)))
        }
        "rescaled cell" => {
            let method = Method::Rescaling(CellRescaling::new(1e-6, heavy, 7));
            npt(rescaling(), cubic, method)
        }
        "mtk" => {
            let method = Method::Piston(Piston::mtk(&cubic, free, kt, heavy, 3, 1));
            npt(chain(), cubic, method)
        }
        "mtk triclinic" => {
            let method = Method::Piston(Piston::mtk(&any, free, kt, heavy, 3, 1));
            npt(chain(), any, method)
        }
        _ => {
            let method = Method::Piston(Piston::bzp(&cubic, atoms, kt, heavy, 1.0 / tau, 7));
            npt(rescaling(), cubic, method)
        }
    }
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
        for ensemble in ENSEMBLES {
            let mut integrator = integrator(ensemble, atoms);
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
