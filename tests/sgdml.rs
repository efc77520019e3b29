//! sGDML models: reference values, the promises of the trait, identity of molecules, files.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use zundel::io::{Frame, ReadOptions, Value, read_frames};
use zundel::potential::sgdml::{Sgdml, SgdmlFile};
use zundel::potential::{Configuration, Evaluation, Evaluator, Term, Want};

fn load(path: &Path) -> Vec<Term> {
    vec![Term::new(
        "sgdml",
        Arc::new(Sgdml::load(path).expect("a model")),
    )]
}

fn evaluate(terms: &[Term], frames: &[&Frame]) -> Vec<Evaluation> {
    let mut results = vec![Evaluation::default(); frames.len()];
    let batch: Vec<Configuration<'_>> = frames.iter().map(|f| f.system.configuration()).collect();
    Evaluator::new(terms.to_vec(), 0.0)
        .evaluate(&batch, Want::ALL, &mut results)
        .unwrap();
    results
}

/// A number of a frame in internal units.
fn energy(frame: &Frame, key: &str, unit: f64) -> f64 {
    frame
        .value(key)
        .and_then(Value::as_real)
        .expect("an energy")
        * unit
}

fn largest(a: impl IntoIterator<Item = f64>) -> f64 {
    a.into_iter().fold(0.0, |m, x| {
        if x.is_nan() {
            f64::INFINITY
        } else {
            m.max(x.abs())
        }
    })
}

/// Largest deviations from the extended-precision values: our energy and force, the package's energy and force, in the
/// model's units; and the sizes of energy and force.
fn deviations(folder: &Path) -> [f64; 6] {
    let terms = load(&folder.join("model.npz"));
    let frames = read_frames(&folder.join("reference.extxyz"), &ReadOptions::default()).unwrap();
    assert!(frames.len() > 4);
    let file = SgdmlFile::read(&folder.join("model.npz")).unwrap();
    let mut worst = [0.0f64; 6];
    let all: Vec<&Frame> = frames.iter().collect();
    let batch = evaluate(&terms, &all);
    for (frame, batched) in frames.iter().zip(batch) {
        let [r] = &evaluate(&terms, &[frame])[..] else {
            unreachable!()
        };
        assert_eq!(*r, batched, "the same bits alone and in a batch");
        let (e, f) = (file.energy, file.energy / file.length);
        let x = frame.vectors("forces_x").expect("forces_x");
        let package = frame.vectors("forces").expect("forces");
        let difference = |a: &[[f64; 3]], b: &[[f64; 3]], scale: f64| {
            let pairs = a.as_flattened().iter().zip(b.as_flattened());
            largest(pairs.map(|(a, b)| a / scale - b))
        };
        let found = [
            r.energy / e - energy(frame, "energy_x", 1.0),
            difference(&r.forces, x, f),
            energy(frame, "energy", 1.0) - energy(frame, "energy_x", 1.0),
            difference(package, x, 1.0),
            energy(frame, "energy_x", 1.0),
            largest(x.as_flattened().iter().copied()),
        ];
        worst
            .iter_mut()
            .zip(found)
            .for_each(|(w, f)| *w = w.max(f.abs()));
    }
    worst
}

/// No further from the extended-precision values than twice what the package is. A floor for models whose package values
/// happen to be exact to the last digit of the total energy.
fn compare(name: &str, folder: &Path) {
    let d = deviations(folder);
    eprintln!(
        "| {name} | {:.1e} | {:.1e} | {:.2} | {:.1e} | {:.1e} | {:.2} |",
        d[2],
        d[0],
        d[0] / d[2],
        d[3],
        d[1],
        d[1] / d[3]
    );
    let floor = [4.0 * f64::EPSILON * d[4], 4.0 * f64::EPSILON * d[5]];
    assert!(d[0] <= (2.0 * d[2]).max(floor[0]), "{name}: energy {d:?}");
    assert!(d[1] <= (2.0 * d[3]).max(floor[1]), "{name}: force {d:?}");
}

#[test]
fn published_and_trained_models_reproduce_the_package() {
    let Some(reference) = common::reference() else {
        return;
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(reference.join("sgdml"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("model.npz").is_file())
        .collect();
    folders.sort();
    assert!(folders.len() >= 17, "{}", folders.len());
    eprintln!("| model | package ΔE | ours | ratio | package ΔF | ours | ratio |");
    for folder in folders {
        compare(&folder.file_name().unwrap().to_string_lossy(), &folder);
    }
}
