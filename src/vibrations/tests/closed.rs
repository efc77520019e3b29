//! Closed forms against differences.

use super::*;
use crate::io::{FrameIndex, ReadOptions, read_frame};
use crate::potential::Potential;
use crate::potential::pair::{Damping, Dispersion, DispersionCoefficients, Zbl};
use crate::potential::sgdml::Sgdml;
use std::path::{Path, PathBuf};

/// Differences of order h⁶ from those of order h², with three steps.
fn richardson(system: &System, terms: &[Term], h: f64) -> Hessian {
    let [coarse, middle] = [4.0, 2.0].map(|n| hessian(system, terms, differences(n * h)).matrix);
    let mut fine = hessian(system, terms, differences(h));
    let n = fine.matrix.nrows();
    for i in 0..n {
        for j in 0..n {
            let (a, b, c) = (fine.matrix[(i, j)], middle[(i, j)], coarse[(i, j)]);
            fine.matrix[(i, j)] = (64.0 * a - 20.0 * b + c) / 45.0;
        }
    }
    fine
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn sgdml(folder: &Path) -> (System, Vec<Term>) {
    let frame = read_frame(
        &folder.join("reference.extxyz"),
        FrameIndex::Last,
        &ReadOptions::default(),
    )
    .unwrap();
    let model = Sgdml::load(&folder.join("model.npz"), None).unwrap();
    (frame.system, vec![Term::new("sgdml", Arc::new(model))])
}

/// Every synthetic model: permutations, coefficients of energies, another unit of length, a periodic descriptor.
#[test]
fn sgdml_is_exact() {
    for name in [
        "acetaldehyde",
        "ammonia",
        "bohr",
        "cell",
        "formaldehyde",
        "old",
    ] {
        let (system, terms) = sgdml(&folder("tests/data/sgdml").join(name));
        let closed = hessian(&system, &terms, Differences::new(0.01, 10));
        assert_eq!(closed.source, Source::Analytic);
        assert!(closed.asymmetry < 1e-10, "{name}: {}", closed.asymmetry);
        let n = closed.matrix.nrows();
        let size = (0..n)
            .map(|i| closed.matrix[(i, i)].abs())
            .fold(0.0, f64::max);
        let error = largest_difference(&closed, &richardson(&system, &terms, 2e-3));
        eprintln!("{name}: {error:.1e} of {size:.1e} eV/Å²");
        assert!(error < 1e-8 * size, "{name}: {error} of {size}");
    }
}

/// Two molecules in a cell, one of them cut by the boundary, the atoms in another order than that of the model.
#[test]
fn molecules_of_a_system_are_found() {
    let (one, terms) = sgdml(&folder("tests/data/sgdml/formaldehyde"));
    let n = one.atoms.len();
    let mut two = System {
        cell: Cell::orthorhombic(9.0, 9.0, 9.0).unwrap(),
        atoms: Atoms::default(),
    };
    for shift in [[0.0; 3], [4.0, 4.3, 4.1]] {
        for i in (0..n).rev() {
            let x = one.atoms.positions[i];
            two.atoms.push(
                one.atoms.species(i),
                std::array::from_fn(|k| x[k] + shift[k]),
            );
        }
    }
    two.atoms.positions[1][0] += 9.0;
    let found = terms[0].potential.for_system(&two).unwrap().unwrap();
    let terms_two = [Term::new("sgdml", found.potential)];
    let closed = hessian(&two, &terms_two, Differences::new(0.01, 10));
    let error = largest_difference(&closed, &richardson(&two, &terms_two, 2e-3));
    assert!(error < 1e-6, "{error}");
    let alone = hessian(&one, &terms, Differences::new(0.01, 10));
    for i in 0..3 * n {
        for j in 0..3 * n {
            let at = |i: usize| 3 * (n - 1 - i / 3) + i % 3;
            let (a, b) = (closed.matrix[(at(i), at(j))], alone.matrix[(i, j)]);
            assert!((a - b).abs() < 1e-9);
            assert_eq!(closed.matrix[(at(i), 3 * n + j)], 0.0);
        }
    }
}

fn pairs() -> Vec<Term> {
    let (c, h) = (
        Element::from_symbol("C").unwrap(),
        Element::from_symbol("H").unwrap(),
    );
    let coefficients = |c6, r0| DispersionCoefficients {
        c6,
        c8: 5.0 * c6,
        r0,
    };
    let damping = Damping {
        s6: 1.0,
        s8: 0.8,
        a1: 0.4,
        a2: 1.5,
        inner: 3.0,
        cutoff: 6.0,
        tail: true,
    };
    let all = [
        (c, c, coefficients(20.0, 3.0)),
        (h, h, coefficients(3.0, 2.0)),
    ];
    let dispersion = Dispersion::new(&all, damping).unwrap();
    let zbl = Zbl::new(Some((0.5, 2.5)), &[]).unwrap();
    let p = PairParameters {
        epsilon: 0.02,
        sigma: 1.6,
        cutoff: 4.0,
    };
    let lj = LennardJones::uniform(p, Scheme::ForceShifted, false).unwrap();
    let models: [(&str, Arc<dyn Potential>); 3] = [
        ("dispersion", Arc::new(Local(dispersion))),
        ("zbl", Arc::new(Local(zbl))),
        ("lj", Arc::new(Local(lj))),
    ];
    models.into_iter().map(|(n, p)| Term::new(n, p)).collect()
}

/// Small periodic cells: an atom has several images of another, and of itself, in reach.
#[test]
fn pair_potentials_are_exact() {
    let mut system = cluster(&[[0.0; 3], [1.2, 1.1, 0.3], [2.3, 0.2, 1.5]], "C", 12.0);
    system.atoms.elements[1] = Element::from_symbol("H").unwrap();
    system.cell = Cell::new(
        [[3.4, 0.0, 0.2], [0.5, 3.1, 0.0], [0.0, -0.7, 3.6]],
        [true; 3],
    )
    .unwrap();
    for term in pairs() {
        let name = term.name.clone();
        let mut terms = vec![term];
        terms[0].scale = 1.7;
        let closed = hessian(&system, &terms, Differences::new(0.01, 3));
        assert_eq!(closed.source, Source::Analytic);
        let size = (0..9)
            .map(|i| closed.matrix[(i, i)].abs())
            .fold(0.0, f64::max);
        let error = largest_difference(&closed, &richardson(&system, &terms, 1e-3));
        assert!(
            size > 0.01 && error < 2e-8 * size.max(1.0),
            "{name}: {error} of {size}"
        );
    }
}

/// A term without closed forms beside one with them.
#[test]
fn differences_are_taken_of_what_has_no_closed_form() {
    struct Plain(Local<LennardJones>);
    impl Potential for Plain {
        fn description(&self) -> &crate::potential::Description {
            self.0.description()
        }
        fn evaluate(
            &self,
            members: &[crate::potential::Member<'_>],
            want: Want,
            workspace: &mut crate::potential::Workspace,
            results: &mut [Evaluation],
        ) -> Result<(), crate::potential::EvaluationError> {
            self.0.evaluate(members, want, workspace, results)
        }
    }
    let model = || {
        let p = PairParameters {
            epsilon: 1.0,
            sigma: 1.0,
            cutoff: 50.0,
        };
        LennardJones::uniform(p, Scheme::Truncated, false).unwrap()
    };
    let mut system = cluster(&[[0.0; 3], [1.1, 0.1, 0.0], [0.5, 1.0, 0.3]], "Ar", 1.0);
    rattle(&mut system, 0.01, 3);
    let closed = Term::new("closed", Arc::new(Local(model())));
    let plain = Term::new("plain", Arc::new(Plain(Local(model()))));
    let exact = hessian(
        &system,
        std::slice::from_ref(&closed),
        Differences::new(0.01, 3),
    );
    let mixed = hessian(&system, &[closed, plain], Differences::new(1e-4, 3));
    assert_eq!(mixed.source, Source::Both);
    for i in 0..9 {
        for j in 0..9 {
            let (a, b) = (2.0 * exact.matrix[(i, j)], mixed.matrix[(i, j)]);
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
