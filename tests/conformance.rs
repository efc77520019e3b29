//! The promises of the `Potential` trait, with allocations counted.
//!
//! A single test, so that nothing else in the process allocates while it counts.

mod common;

use std::alloc::{GlobalAlloc, Layout, System as SystemAllocator};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zundel::dynamics::barostat::{Barostat, CellRescaling, Method, Piston, StrainSpace};
use zundel::dynamics::thermostat::{
    Andersen, Gle, GleMatrices, Group, NoseHoover, Thermostat, VelocityRescaling,
};
use zundel::dynamics::{Bond, Constraints, Guard, Integrator, Langevin, Ramp, State};
use zundel::elements::Element;
use zundel::io::{ReadOptions, read_frames};
use zundel::potential::external::{
    Anchor, AngleRestraint, Applied, DistanceRestraint, External, Law, PositionRestraint, Push,
    Surface, Wall,
};
use zundel::potential::pair::{
    Damping, Dispersion, DispersionCoefficients, LennardJones, PairParameters, Scheme, Zbl,
};
use zundel::potential::{
    Evaluation, Evaluator, Local, Potential, Term, Want, conformance, registry,
};
use zundel::system::{Cell, System, repeat, thermal_velocities};
use zundel::units::{BOLTZMANN, FS};

/// Counts allocations, for the promise that the steady state makes none.
struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { SystemAllocator.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { SystemAllocator.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { SystemAllocator.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs the suite and prints every check; fails when one does.
fn conform(terms: &[Term], system: &System) {
    let count = || ALLOCATIONS.load(Ordering::Relaxed);
    let checks = conformance::run(terms, system, Some(&count)).unwrap();
    let mut failed = Vec::new();
    for c in &checks {
        eprintln!(
            "{:60} {:?} (allowed {:e} {}) {}",
            c.name, c.deviation, c.tolerance, c.unit, c.note
        );
        if !c.passed() {
            failed.push(c.name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

#[test]
fn the_trait_is_kept() {
    let pool = |job: &(dyn Fn() + Sync)| zundel::parallel::with_threads(2, job).unwrap();
    pool(&|| {
        let bulk = common::fcc("Ar", 5.3, 3);
        conform(
            &common::lennard_jones(common::argon(8.5), Scheme::ForceShifted, false),
            &bulk,
        );
        // Smaller than the cutoff. (A truncated potential jumps, so it has no strain derivative to compare with.)
        conform(
            &common::lennard_jones(common::argon(8.5), Scheme::ForceShifted, false),
            &common::fcc("Ar", 5.3, 1),
        );
        // A cluster, and a mixture in a strongly tilted slab.
        let mut cluster = common::fcc("Ar", 5.3, 2);
        cluster.cell = Cell::isolated();
        conform(
            &common::lennard_jones(common::argon(9.0), Scheme::ForceShifted, false),
            &cluster,
        );
        let mut slab = common::fcc("Ar", 5.3, 2);
        slab.cell = Cell::new(
            [[10.6, 0.0, 0.0], [21.2, 10.6, 0.0], [0.0, 0.0, 40.0]],
            [true, true, false],
        )
        .unwrap();
        let neon = Element::from_symbol("Ne").unwrap();
        slab.atoms
            .elements
            .iter_mut()
            .step_by(3)
            .for_each(|e| *e = neon);
        let small = PairParameters {
            epsilon: 0.0031,
            sigma: 2.75,
            cutoff: 6.5,
        };
        let argon = Element::from_symbol("Ar").unwrap();
        let model = LennardJones::mixture(
            &[(argon, argon, common::argon(8.0)), (neon, neon, small)],
            Scheme::ForceShifted,
            false,
        );
        let term = Term::new(
            "mixture",
            Arc::new(Local(model.unwrap())) as Arc<dyn Potential>,
        );
        let mut scaled = term.clone();
        scaled.scale = -0.25;
        conform(&[term, scaled], &slab);
        // Repulsion and dispersion, both in the reach of their tapers.
        let zbl = Zbl::new(Some((2.0, 4.4)), &[(argon, neon, (3.0, 4.0))]);
        let coefficients = DispersionCoefficients {
            c6: 38.4,
            c8: 250.0,
            r0: 3.4,
        };
        let damping = Damping {
            s6: 1.0,
            s8: 0.8,
            a1: 0.4,
            a2: 2.3,
            inner: 4.0,
            cutoff: 7.0,
            tail: true,
        };
        let pairs = [(argon, argon, coefficients), (neon, neon, coefficients)];
        let own = [
            Term::new("zbl", Arc::new(Local(zbl.unwrap())) as Arc<dyn Potential>),
            Term::new(
                "dispersion",
                Arc::new(Local(Dispersion::new(&pairs, damping).unwrap())) as Arc<dyn Potential>,
            ),
        ];
        conform(&own, &slab);
        conform(&own, &bulk);
        // The silicon GAP in a crystal and in a cell smaller than its cutoff.
        let file = common::here("potentials/silicon-gap/silicon.xml");
        let gap = [Term::new("gap", registry::load(&file, None).unwrap())];
        let silicon = read_frames(&common::here("inputs/silicon.xyz"), &ReadOptions::default())
            .unwrap()
            .remove(0)
            .system;
        conform(&gap, &repeat(&silicon, [2; 3]).unwrap());
        conform(&gap, &silicon);
        external_terms_conform();
        steps_allocate_nothing();
    });
}

/// Restraints, walls and forces: alone in cells of all kinds, and as one sum with a model.
fn external_terms_conform() {
    let mut tilted = common::fcc("Ar", 5.3, 2);
    // Few enough atoms that all forces are compared with differences of energies.
    let atoms = &mut tilted.atoms;
    atoms.elements.truncate(8);
    atoms.masses.truncate(8);
    atoms.velocities.truncate(8);
    atoms.positions.truncate(8);
    // In a line with atoms 0 and 4, nearly.
    atoms.positions[7] = [0.15, 0.1, 9.4];
    tilted.cell = Cell::new(
        [[10.6, 0.0, 0.0], [5.3, 10.6, 0.0], [-5.3, 0.0, 10.6]],
        [true; 3],
    )
    .unwrap();
    let mut slab = tilted.clone();
    slab.cell = Cell::new(
        [[10.6, 0.0, 0.0], [5.3, 10.6, 0.0], [2.0, 1.0, 30.0]],
        [true, true, false],
    )
    .unwrap();
    let mut cluster = tilted.clone();
    cluster.cell = Cell::isolated();
    for system in [tilted, slab, cluster] {
        let terms = external_terms(&system);
        for term in &terms {
            eprintln!("{}", term.name);
            let mut result = [Evaluation::default()];
            Evaluator::new(vec![term.clone()], 0.0)
                .evaluate(&[system.configuration()], Want::DYNAMICS, &mut result)
                .unwrap();
            let strongest = result[0]
                .forces
                .as_flattened()
                .iter()
                .fold(0.0f64, |m, f| m.max(f.abs()));
            assert!(strongest > 0.01, "{strongest}");
            conform(std::slice::from_ref(term), &system);
        }
        let model = common::lennard_jones(common::argon(8.5), Scheme::ForceShifted, false);
        conform(&[model, terms].concat(), &system);
    }
}

/// One of each kind, with atoms in all regions that a law tells apart.
fn external_terms(system: &System) -> Vec<Term> {
    let n = system.atoms.len();
    let term =
        |name: &str, potential: Option<Arc<dyn Potential>>| Term::new(name, potential.unwrap());
    fn made(external: impl External + 'static, n: usize) -> Option<Arc<dyn Potential>> {
        Applied::new(external, n).map(|a| Arc::new(a) as Arc<dyn Potential>)
    }
    let place = |i: u32| {
        let x = system.atoms.positions[i as usize];
        (
            i,
            Anchor::new(
                &system.cell,
                [x[0] + 0.2, x[1] - 0.3, x[2] + 0.1 * f64::from(i % 3)],
            ),
        )
    };
    let position = |axes, width| PositionRestraint {
        constant: 1.5,
        width,
        axes,
        places: (0..n as u32).step_by(2).map(place).collect(),
    };
    let distance = |atoms, length, width| DistanceRestraint {
        atoms,
        constant: 2.5,
        length,
        width,
    };
    let angle = |atoms, angle, width| AngleRestraint {
        atoms,
        constant: 0.8,
        angle,
        width,
    };
    let all = || (0..n as u32).collect::<Vec<u32>>();
    let plane = |position| Surface::Plane {
        axis: 2,
        position,
        above: true,
    };
    let sphere = |radius, inside| Surface::Sphere {
        centre: [4.1, 4.3, 3.9],
        radius,
        inside,
    };
    let wall = |surface, law| Wall {
        surface,
        law,
        atoms: all(),
    };
    let forces = (0..n as u32).map(|i| (i, [0.01, -0.02, 0.005 * f64::from(i)], [1.0, 2.0, 3.0]));
    vec![
        term("position", made(position([true; 3], 0.0), n)),
        term(
            "position, flat, in a plane",
            made(position([true, false, true], 0.25), n),
        ),
        term("distance", made(distance([0, 1], 3.0, 0.0), n)),
        // Across the border of the cell, and stretched beyond the flat bottom.
        term(
            "distance, flat",
            made(distance([0, n as u32 - 1], 4.0, 0.1), n),
        ),
        term("angle", made(angle([1, 0, 2], 1.2, 0.0), n)),
        term("angle, flat", made(angle([3, 6, 5], 2.4, 0.05), n)),
        // Three atoms nearly in a line.
        term(
            "straight angle",
            made(angle([0, 4, 7], std::f64::consts::PI, 0.0), n),
        ),
        term(
            "harmonic wall",
            made(wall(plane(3.0), Law::Harmonic { constant: 2.0 }), n),
        ),
        term(
            "9-3 wall",
            made(
                wall(
                    plane(-2.0),
                    Law::LennardJones {
                        epsilon: 0.3,
                        sigma: 2.9,
                    },
                ),
                n,
            ),
        ),
        term(
            "repulsive wall",
            made(
                wall(
                    plane(-2.0),
                    Law::Repulsive {
                        epsilon: 0.3,
                        sigma: 2.9,
                    },
                ),
                n,
            ),
        ),
        term(
            "harmonic sphere",
            made(wall(sphere(4.0, true), Law::Harmonic { constant: 2.0 }), n),
        ),
        term(
            "repulsive sphere",
            made(
                wall(
                    sphere(10.0, true),
                    Law::Repulsive {
                        epsilon: 0.3,
                        sigma: 3.0,
                    },
                ),
                n,
            ),
        ),
        term(
            "harmonic sphere from outside",
            made(wall(sphere(5.0, false), Law::Harmonic { constant: 2.0 }), n),
        ),
        term(
            "force",
            made(
                Push {
                    forces: forces.collect(),
                },
                n,
            ),
        ),
    ]
}

/// Every kind of integrator at 20 K, with a cell that hardly moves, so that no list is built anew.
fn integrators(system: &System) -> Vec<(&'static str, Integrator)> {
    let n = system.atoms.len();
    let (t, tau, free) = (Ramp::constant(20.0), 1e3 * FS, 3 * n - 3);
    let nve = || Integrator::velocity_verlet(FS);
    let nvt = |bath: Box<dyn Thermostat>| nve().with_thermostat(bath, t);
    let components = (0..n as u32).flat_map(|i| (0..3u8).map(move |k| (i, k)));
    let moving = vec![[true; 3]; n];
    let a = [0.1, 1.0, -1.0, 0.5].map(|x| x * 0.01 / FS);
    let matrices = GleMatrices::new(nalgebra::DMatrix::from_row_slice(2, 2, &a), None).unwrap();
    let rescaling = || Box::new(VelocityRescaling::global(Group::All, free, tau, 5, 0));
    let npt = |space: StrainSpace, method: Method| {
        let [p, shear] = [1e-4, 0.0].map(Ramp::constant);
        nvt(rescaling()).with_barostat(Barostat {
            space,
            target: [p, p, p, shear, shear, shear],
            temperature: t,
            method,
        })
    };
    let kt = 20.0 * BOLTZMANN;
    let (cubic, any) = (StrainSpace::isotropic(), StrainSpace::components([true; 6]));
    let mtk = |space: &StrainSpace| Method::Piston(Piston::mtk(space, free, kt, 1e6 * tau, 3, 1));
    let bzp = Method::Piston(Piston::bzp(&cubic, n, kt, 1e6 * tau, 1.0 / tau, 5));
    let scr = Method::Rescaling(CellRescaling::new(1e-6, 1e6 * tau, 5));
    let langevin = || Box::new(Langevin::new(1.0 / tau, 5));
    let group = Group::Some((0..n as u32 / 2).collect());
    let dimers = (0..n as u32 / 2).map(|k| {
        let mut bond = Bond {
            i: 2 * k,
            j: 2 * k + 1,
            length: 0.0,
        };
        let r = bond.vector(&system.atoms);
        bond.length = r.iter().map(|x| x * x).sum::<f64>().sqrt();
        bond
    });
    let dimers = Constraints::new(dimers.collect(), &system.atoms);
    vec![
        ("nve", nve()),
        ("langevin", Integrator::baoab(FS, 20.0, *langevin())),
        ("half", nvt(Box::new(langevin().on(group, None)))),
        ("rescaling", nvt(rescaling())),
        (
            "local rescaling",
            nvt(Box::new(VelocityRescaling::local(
                Group::All,
                vec![3; n],
                tau,
                5,
            ))),
        ),
        (
            "chain",
            nvt(Box::new(NoseHoover::global(Group::All, free, tau, 3, 1))),
        ),
        (
            "local chains",
            nvt(Box::new(NoseHoover::local(
                Group::All,
                components.collect(),
                tau,
                3,
                1,
            ))),
        ),
        (
            "gle",
            nvt(Box::new(Gle::new(Group::All, moving.clone(), matrices, 5))),
        ),
        (
            "andersen",
            nvt(Box::new(Andersen::new(Group::All, moving, 1.0 / tau, 5))),
        ),
        ("cell rescaling", npt(cubic.clone(), scr)),
        ("mtk", npt(any.clone(), mtk(&any))),
        ("bzp", npt(cubic.clone(), bzp)),
        ("bonds", nve().with_constraints(dimers.clone())),
        (
            "bonds and mtk",
            npt(cubic.clone(), mtk(&cubic)).with_constraints(dimers),
        ),
        ("substeps", nve().with_substeps(&[2]).unwrap()),
    ]
}

/// Whole steps, thermostat, barostat and guard included, between two builds of the list.
fn steps_allocate_nothing() {
    let mut system = common::fcc("Ar", 5.3, 4);
    thermal_velocities(&mut system.atoms, 20.0, 1, true);
    let terms = common::lennard_jones(common::argon(8.5), Scheme::ForceShifted, false);
    for (name, mut integrator) in integrators(&system) {
        let mut evaluator = Evaluator::new(terms.clone(), 2.0);
        let mut state = State::new(system.clone());
        let guard = Guard::new(std::iter::empty(), &[], None);
        integrator
            .prepare(&mut state, &mut evaluator, Want::DYNAMICS)
            .unwrap();
        let mut run = |steps: usize| {
            for _ in 0..steps {
                integrator
                    .step(&mut state, &mut evaluator, Want::DYNAMICS)
                    .unwrap();
                assert!(
                    guard
                        .check(&state, &evaluator, integrator.timestep())
                        .is_none()
                );
            }
        };
        // Which thread meets which piece of work is up to chance, and each grows its scratch once: soon there must be
        // twenty steps in a row without an allocation.
        let quiet = (0..15).any(|_| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            run(20);
            ALLOCATIONS.load(Ordering::Relaxed) == before
        });
        assert!(quiet, "{name}");
        assert_eq!(evaluator.list_builds(0), 1, "{name}");
    }
}
