//! Lennard-Jones against NIST's configurations, and the conformance suite of the trait.

mod common;

use std::alloc::{GlobalAlloc, Layout, System as SystemAllocator};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zundel::elements::Element;
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{
    Configuration, Evaluation, Evaluator, Local, Potential, Term, Want, conformance,
};
use zundel::system::{Cell, System};

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

fn numbers(v: &serde_json::Value) -> Vec<f64> {
    match v {
        serde_json::Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

#[test]
fn nist_configurations() {
    let text = std::fs::read_to_string(common::here("tests/data/nist/values.json")).unwrap();
    let values: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut cases = 0;
    for case in values["static"].as_array().unwrap() {
        let file = common::here("tests/data/nist").join(case["file"].as_str().unwrap());
        let positions: Vec<[f64; 3]> = std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .skip(2)
            .filter(|l| !l.trim().is_empty())
            .map(|l| {
                let n: Vec<f64> = l
                    .split_whitespace()
                    .skip(1)
                    .map(|t| t.parse().unwrap())
                    .collect();
                [n[0], n[1], n[2]]
            })
            .collect();
        let h = numbers(&case["cell_rows"]);
        let cell = Cell::new(
            [[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], h[8]]],
            [true; 3],
        )
        .unwrap();
        let rc = case["rc"].as_f64().unwrap();
        let scheme = if case["scheme"] == "truncated" {
            Scheme::Truncated
        } else {
            Scheme::ForceShifted
        };
        let unit = PairParameters {
            epsilon: 1.0,
            sigma: 1.0,
            cutoff: rc,
        };
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let run = |tail: bool| {
            let mut evaluator = Evaluator::new(common::lennard_jones(unit, scheme, tail), 0.3);
            let mut result = [Evaluation::default()];
            let c = Configuration {
                cell: &cell,
                elements: &elements,
                positions: &positions,
            };
            evaluator.evaluate(&[c], Want::ALL, &mut result).unwrap();
            let [r] = result;
            r
        };
        let r = run(false);
        let close = |a: f64, b: f64, scale: f64| {
            assert!((a - b).abs() <= 1e-10 * scale, "{a} {b} in {case}")
        };
        close(r.energy, case["U"].as_f64().unwrap(), r.energy.abs());
        let w = numbers(&case["W"]);
        let scale = w.iter().fold(0.0f64, |m, w| m.max(w.abs()));
        for (a, b) in r.virial.as_flattened().iter().zip(&w) {
            close(*a, *b, scale);
        }
        for (a, b) in r
            .forces
            .as_flattened()
            .iter()
            .zip(numbers(&case["F_first3"]))
        {
            close(*a, b, case["F_norm"].as_f64().unwrap());
        }
        if let Some(tail) = case["U_lrc"].as_f64() {
            let with = run(true);
            close(with.energy - r.energy, tail, r.energy.abs());
            let trace = |r: &Evaluation| (0..3).map(|k| r.virial[k][k]).sum::<f64>();
            close(
                trace(&with) - trace(&r),
                case["W_lrc"].as_f64().unwrap(),
                scale,
            );
        }
        cases += 1;
    }
    assert_eq!(cases, 6);
}

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
    // One test, so that no other thread allocates while allocations are counted.
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
    });
}
