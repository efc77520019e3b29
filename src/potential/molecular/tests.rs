use super::{Acts, Molecular};
use crate::elements::{Element, Species as Kind};
use crate::molecules::{Packing, Species, pack};
use crate::potential::pair::{LennardJones, PairParameters, Scheme};
use crate::potential::{
    Evaluation, EvaluationError, Evaluator, Local, Potential, Term, Want, conformance, registry,
};
use crate::system::{Atoms, Cell, System};
use std::path::Path;
use std::sync::Arc;

fn element(symbol: &str) -> Element {
    Element::from_symbol(symbol).unwrap()
}

fn molecule(symbols: &[&str], positions: &[[f64; 3]]) -> Atoms {
    let mut atoms = Atoms::default();
    for (s, x) in symbols.iter().zip(positions) {
        atoms.push(Kind::from_name(s).unwrap(), *x);
    }
    atoms
}

fn water() -> Atoms {
    molecule(
        &["H", "O", "H"],
        &[[0.757, 0.586, 0.0], [0.0; 3], [-0.757, 0.586, 0.0]],
    )
}

/// Lennard-Jones particles that bonds do not throw out of shape.
fn pairs() -> Arc<dyn Potential> {
    let (h, o) = (element("H"), element("O"));
    let of = |sigma| PairParameters {
        epsilon: 0.02,
        sigma,
        cutoff: 4.5,
    };
    let all = [(h, h, of(1.3)), (h, o, of(1.0)), (o, o, of(2.6))];
    let model = LennardJones::mixture(&all, Scheme::ForceShifted, false).unwrap();
    Arc::new(Local(model))
}

fn silicon() -> Arc<dyn Potential> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("potentials/silicon-gap/silicon.xml");
    registry::load(&file, None).unwrap()
}

fn acting(model: &Arc<dyn Potential>, acts: Acts) -> Term {
    let made = Molecular::new(model.clone(), acts).unwrap();
    Term::new("molecular", Arc::new(made))
}

fn made(term: &Term, system: &System) -> Term {
    let made = term.potential.for_system(system).unwrap().unwrap();
    Term {
        potential: made.potential,
        ..term.clone()
    }
}

fn evaluate(terms: &[Term], system: &System) -> Evaluation {
    let mut result = [Evaluation::default()];
    Evaluator::new(terms.to_vec(), 0.4)
        .evaluate(&[system.configuration()], Want::ALL, &mut result)
        .unwrap();
    let [result] = result;
    result
}

fn boxed(molecule: &Atoms, count: usize, edge: f64) -> System {
    let species = [Species { molecule, count }];
    let packing = Packing {
        species: &species,
        edge,
        seed: 5,
    };
    pack(&packing).unwrap().system
}

/// Boxes and clusters of molecules, with a model for each.
fn cases() -> Vec<(Arc<dyn Potential>, System)> {
    let trimer = molecule(
        &["Si", "Si", "Si"],
        &[[0.0; 3], [2.3, 0.0, 0.0], [0.9, 2.1, 0.0]],
    );
    let mut cut = boxed(&water(), 20, 9.0);
    // Cut by the borders of the cell.
    cut.atoms.positions = cut
        .atoms
        .positions
        .iter()
        .map(|x| cut.cell.wrap(*x))
        .collect();
    let mut cluster = boxed(&water(), 12, 12.0);
    cluster.cell = Cell::isolated();
    vec![
        (pairs(), cut),
        (pairs(), cluster),
        (silicon(), boxed(&trimer, 6, 11.0)),
    ]
}

#[test]
fn molecular_terms_keep_the_promises_of_potentials() {
    for (model, system) in cases() {
        for acts in [Acts::Within, Acts::Between] {
            let term = acting(&model, acts);
            // What is between molecules is a difference: it has the rounding of its parts.
            let size = |term: &Term| evaluate(&[made(term, &system)], &system).energy.abs();
            let parts = size(&acting(&model, Acts::Within)) + size(&acting(&model, Acts::Between));
            let rounding = (parts / size(&term)).max(1.0);
            for check in conformance::run(&[term], &system, None).unwrap() {
                let exact = check.tolerance <= 1e-13;
                let as_parts = check
                    .deviation
                    .is_some_and(|d| d <= rounding * check.tolerance);
                assert!(
                    check.passed() || exact && as_parts,
                    "{acts:?}: {rounding} {check:?}"
                );
            }
        }
    }
}

#[test]
fn within_and_between_are_everything() {
    for (model, system) in cases() {
        let all = evaluate(&[Term::new("all", model.clone())], &system);
        let parts = [Acts::Within, Acts::Between].map(|a| made(&acting(&model, a), &system));
        let sum = evaluate(&parts, &system);
        assert!((sum.energy - all.energy).abs() < 1e-10 * all.energy.abs().max(1.0));
        let pairs = sum
            .forces
            .as_flattened()
            .iter()
            .zip(all.forces.as_flattened());
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-10));
        let pairs = sum
            .virial
            .as_flattened()
            .iter()
            .zip(all.virial.as_flattened());
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9));
        // Within is what each molecule has in empty space.
        let within = evaluate(&parts[..1], &system);
        let found = crate::molecules::Molecules::find(system.configuration()).unwrap();
        let mut whole = Vec::new();
        found
            .make_whole(&system.cell, &system.atoms.positions, &mut whole)
            .unwrap();
        let mut alone = 0.0;
        for m in 0..found.count() {
            let mut one = Atoms::default();
            for &a in found.members(m) {
                one.push(system.atoms.species(a as usize), whole[a as usize]);
            }
            let one = System {
                cell: Cell::isolated(),
                atoms: one,
            };
            alone += evaluate(&[Term::new("all", model.clone())], &one).energy;
        }
        assert!((within.energy - alone).abs() < 1e-10 * alone.abs().max(1.0));
    }
}

#[test]
fn a_molecule_alone_has_nothing_between() {
    let system = System {
        cell: Cell::isolated(),
        atoms: water(),
    };
    let term = made(&acting(&pairs(), Acts::Between), &system);
    let result = evaluate(&[term], &system);
    assert!(result.energy.abs() < 1e-15);
    assert!(result.forces.as_flattened().iter().all(|f| f.abs() < 1e-14));
    assert!(result.virial.as_flattened().iter().all(|w| w.abs() < 1e-14));
}

#[test]
fn what_is_no_system_of_molecules_is_refused() {
    let system = System {
        cell: Cell::isolated(),
        atoms: water(),
    };
    let term = acting(&pairs(), Acts::Within);
    let run = |term: &Term, system: &System| {
        Evaluator::new(vec![term.clone()], 0.0).evaluate(
            &[system.configuration()],
            Want::ALL,
            &mut [Evaluation::default()],
        )
    };
    // Not made for a system yet, or for another.
    let other = EvaluationError::OtherAtoms { member: 0 };
    assert_eq!(run(&term, &system), Err(other));
    let fitted = made(&term, &system);
    let two = boxed(&water(), 2, 12.0);
    assert_eq!(run(&fitted, &two), Err(other));
    // Torn apart.
    let mut torn = system.clone();
    torn.atoms.positions[0][0] += 1.5;
    assert!(matches!(
        run(&fitted, &torn),
        Err(EvaluationError::Torn { member: 0, .. })
    ));
    // A crystal.
    let row = 5.43 / 2.0;
    let crystal = System {
        cell: Cell::new(
            [[0.0, row, row], [row, 0.0, row], [row, row, 0.0]],
            [true; 3],
        )
        .unwrap(),
        atoms: molecule(&["Si", "Si"], &[[0.0; 3], [5.43 / 4.0; 3]]),
    };
    let said = acting(&silicon(), Acts::Within)
        .potential
        .for_system(&crystal)
        .err()
        .unwrap();
    assert!(said.to_string().contains("network"), "{said}");
}
