//! Moment tensor potentials: reference values, grades, the promises of the trait, and dynamics.

mod common;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zundel::elements::Element;
use zundel::io::{Frame, FrameReader, ReadOptions, Value};
use zundel::potential::mtp::{Mtp, MtpFile};
use zundel::potential::{Evaluation, Evaluator, Local, Potential, Scope, Term, Want};

/// Elements that stand for the species of any model, by index.
fn stand_ins(n: usize) -> Vec<Element> {
    (0..n)
        .map(|k| Element::from_number(k as u8 + 20).unwrap())
        .collect()
}

/// A model with stand-ins for its species, the labels of those, and the largest energy of a lone atom.
fn load(path: &Path) -> (Vec<Term>, Vec<i64>, f64) {
    let file = MtpFile::read(path).unwrap();
    let coefficients = file.coefficients.as_ref().unwrap();
    let labels = coefficients.labels.clone();
    let lone = largest(coefficients.species.iter().copied());
    let model = Mtp::new(file, Some(&stand_ins(labels.len()))).unwrap();
    let potential = Arc::new(Local(model)) as Arc<dyn Potential>;
    (vec![Term::new("mtp", potential)], labels, lone)
}

/// The frames of a reference file, with the stand-ins of the labels in column `mtp_type` as elements.
fn frames(path: &Path, labels: &[i64]) -> Vec<Frame> {
    let stand_ins = stand_ins(labels.len());
    let text: Vec<String> = std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let label = words
                .get(4)
                .filter(|_| words.len() >= 9 && words.iter().skip(1).all(|w| w.parse::<f64>().is_ok()));
            match label.and_then(|l| l.parse::<i64>().ok()) {
                Some(label) => {
                    let k = labels.iter().position(|l| *l == label).unwrap();
                    format!("{} {}", stand_ins[k], words[1..].join(" "))
                }
                None => line.to_owned(),
            }
        })
        .collect();
    let text = text.join("\n");
    FrameReader::new(BufReader::new(text.as_bytes()), path, &ReadOptions::default())
        .unwrap()
        .collect::<zundel::error::Result<_>>()
        .unwrap()
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |m, v| m.max(v.abs()))
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    largest(a.iter().zip(b).map(|(a, b)| a - b))
}

/// Largest relative deviations of energy, site energies, forces, virial, each by the largest of its kind in the frame (of
/// forces in a frame without any, by the largest site energy; a site energy counts as no smaller than that of a lone atom,
/// from which it is counted); and of the grade.
fn compare(name: &str, model: &Path, reference: &Path) -> usize {
    let (terms, labels, lone) = load(model);
    let gives = terms[0].potential.description().gives;
    let mut evaluator = Evaluator::new(terms, 0.3);
    let mut worst = [0.0f64; 5];
    let frames = frames(reference, &labels);
    for frame in &frames {
        let system = &frame.system;
        let mut result = [Evaluation::default()];
        let want = Want {
            reliability: gives.reliability.is_some(),
            ..Want::ALL
        };
        evaluator
            .evaluate(&[system.configuration()], want, &mut result)
            .unwrap();
        let [r] = result;
        let energy = frame.energy().expect("an energy");
        let sites = frame.site_energies().expect("site energies");
        let forces = frame.forces().expect("forces").as_flattened();
        let virial = frame.virial().expect("a virial");
        let virial = virial.as_flattened();
        let scale = largest(sites.iter().copied()).max(lone);
        let found = [
            (r.energy - energy).abs() / largest([energy, scale]),
            difference(&r.site_energies, sites) / scale,
            difference(r.forces.as_flattened(), forces) / largest(forces.iter().copied()).max(1e-3 * scale),
            difference(r.virial.as_flattened(), virial) / largest(virial.iter().copied()).max(1e-3 * scale),
        ];
        for (w, f) in worst.iter_mut().zip(found) {
            assert!(f.is_finite(), "{name}");
            *w = w.max(f);
        }
        let grade = frame.value("grade").and_then(Value::as_real);
        assert_eq!(grade.is_some(), gives.reliability.is_some(), "{name}");
        if let (Some(grade), Some(reliability)) = (grade, gives.reliability) {
            let largest_grade = reliability.largest(&r);
            worst[4] = worst[4].max((largest_grade - grade).abs() / grade);
            if reliability.scope == Scope::Atom {
                let grades = frame.scalars("nbh_grades").expect("grades");
                worst[4] = worst[4].max(difference(&r.reliability, grades) / grade);
            }
        }
    }
    eprintln!(
        "{name}: {} frames, energy {:.1e}, sites {:.1e}, forces {:.1e}, virial {:.1e}, grade {:.1e}",
        frames.len(), worst[0], worst[1], worst[2], worst[3], worst[4]
    );
    assert!(worst[..4].iter().all(|w| *w <= 1e-12), "{name}: {worst:?}");
    assert!(worst[4] <= 1e-8, "{name}: {worst:?}");
    frames.len()
}

/// The models of a folder: one folder each, with the model and its values.
fn models(folder: &Path) -> Vec<(String, PathBuf, PathBuf)> {
    let mut list: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter_map(|folder| {
            let reference = folder.join("reference.extxyz");
            let model = std::fs::read_dir(&folder).ok()?.flatten().map(|e| e.path());
            let model = model
                .into_iter()
                .find(|p| p.extension().is_some_and(|e| e == "mtp" || e == "almtp"))?;
            let name = folder.file_name()?.to_string_lossy().into_owned();
            reference.is_file().then_some((name, model, reference))
        })
        .collect();
    list.sort();
    list
}

#[test]
fn published_models_reproduce_the_reference_code() {
    let Some(reference) = common::reference() else {
        return;
    };
    let list = models(&reference.join("mtp"));
    assert!(list.len() >= 17, "{}", list.len());
    for (name, model, reference) in list {
        assert_eq!(compare(&name, &model, &reference), 16, "{name}");
    }
}
