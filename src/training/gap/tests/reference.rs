//! Fits with the sparse points of `gap_fit` against its weights.

use super::super::settings::{
    Choice, GapSettings, IsolatedAtoms, Sigmas, TermDescriptor, TermSettings,
};
use super::super::{FittedGap, fit};
use super::{apart, shaken};
use crate::io::{ReadOptions, read_frames};
use crate::potential::gap::tests_support::reference;
use crate::potential::gap::{Gap, GapFile};
use crate::training::Silent;
use crate::training::data::LabelledFrame;
use std::collections::BTreeMap;
use std::path::Path;

fn frames(path: &Path) -> Vec<LabelledFrame> {
    let read = read_frames(path, &ReadOptions::default()).unwrap();
    let labelled = read.into_iter().enumerate().map(|(k, f)| LabelledFrame {
        energy: match f.value("dft_energy") {
            Some(crate::io::Value::Real(e)) => Some(*e),
            other => panic!("{other:?}"),
        },
        forces: Some(f.vectors("dft_force").unwrap().to_vec()),
        virial: None,
        kind: "default".into(),
        place: format!("frame {}", k + 1),
        system: f.system,
    });
    labelled.collect()
}

/// The settings that ORIGIN.md of the folder gives.
fn settings(model: &Path, forces: bool) -> GapSettings {
    let mut pair = TermSettings::pair(5.0);
    pair.delta = 2.0;
    let mut soap = TermSettings::soap(4.0);
    soap.delta = 0.3;
    if let TermDescriptor::Soap { parameters, zeta } = &mut soap.descriptor {
        parameters.l_max = 3;
        parameters.n_max = 4;
        parameters.transition_width = 0.5;
        *zeta = 2.0;
    }
    for term in [&mut pair, &mut soap] {
        term.choice = Choice::Model(model.to_owned());
    }
    GapSettings {
        terms: vec![pair, soap],
        sigmas: Sigmas {
            energy: Some(0.002),
            force: forces.then_some(0.1),
            virial: None,
        },
        jitter: 1e-8,
        isolated: IsolatedAtoms::Given(BTreeMap::from([(14, -615.462265489081)])),
        ..GapSettings::default()
    }
}

fn with_points_of(model: &Path, forces: bool) -> (FittedGap, GapFile) {
    let data = frames(&model.with_file_name("train.xyz"));
    let fitted = fit(&data, &settings(model, forces), &mut Silent).unwrap();
    (fitted, GapFile::read(model).unwrap())
}

fn weights(file: &GapFile) -> Vec<f64> {
    file.coordinates
        .iter()
        .flat_map(|c| c.alpha.clone())
        .collect()
}

#[test]
fn energies_give_the_weights_of_gap_fit() {
    let Some(folder) = reference("fit_tiny") else {
        return;
    };
    let (ours, theirs) = with_points_of(&folder.join("tinyE.xml"), false);
    let (a, b) = (weights(&ours.file), weights(&theirs));
    let largest = b.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    let worst = a
        .iter()
        .zip(&b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    println!(
        "largest difference of weights {:.1e} of the largest, condition {:.1e}",
        worst / largest,
        ours.report.condition
    );
    assert!(worst < 1e-7 * largest, "{worst} of {largest}");
}

#[test]
fn forces_give_the_predictions_of_gap_fit() {
    let Some(folder) = reference("fit_tiny") else {
        return;
    };
    let (ours, theirs) = with_points_of(&folder.join("tiny.xml"), true);
    let (a, b) = (weights(&ours.file), weights(&theirs));
    let largest = b.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    let worst = a
        .iter()
        .zip(&b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    assert!(worst < 1e-4 * largest, "{worst} of {largest}");
    let (a, b) = (Gap::new(ours.file).unwrap(), Gap::new(theirs).unwrap());
    let seen = apart(&a, &b, &frames(&folder.join("train.xyz")));
    // Silicon only, somewhere else.
    let mut unseen = shaken(5, 40);
    for f in &mut unseen {
        let e = crate::elements::Element::from_number(14).unwrap();
        f.system.atoms.elements.fill(e);
    }
    let unseen = apart(&a, &b, &unseen);
    println!(
        "weights {:.1e} of the largest; seen {seen:?}, unseen {unseen:?}",
        worst / largest
    );
    assert!(seen[0] < 1e-6 && seen[1] < 1e-5, "{seen:?}");
    assert!(unseen[0] < 1e-6 && unseen[1] < 1e-5, "{unseen:?}");
}
