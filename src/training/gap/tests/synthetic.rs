//! Fits to data that a known model made.

use super::super::settings::{Choice, GapSettings, IsolatedAtoms, Sigmas, TermSettings};
use super::super::{FittedGap, fit};
use super::derivatives::terms;
use super::{apart, label, numbers, shaken};
use crate::parallel::with_threads;
use crate::potential::gap::{Gap, GapFile};
use crate::training::Silent;
use crate::training::data::LabelledFrame;
use std::collections::BTreeMap;

fn settings(terms: Vec<TermSettings>) -> GapSettings {
    GapSettings {
        terms,
        sigmas: Sigmas {
            energy: Some(1e-4),
            force: Some(1e-3),
            virial: Some(1e-3),
        },
        isolated: IsolatedAtoms::Given(BTreeMap::from([(6, -3.0), (14, 1.5)])),
        ..GapSettings::default()
    }
}

/// A model of all kinds of terms with weights out of nowhere, and frames that it has labelled.
fn known(count: usize) -> (FittedGap, Gap, Vec<LabelledFrame>) {
    let mut frames = shaken(count, 17);
    for f in &mut frames {
        f.energy = Some(0.0);
    }
    let mut model = fit(&frames, &settings(terms()), &mut Silent).unwrap();
    for (k, c) in model.file.coordinates.iter_mut().enumerate() {
        let random = numbers(c.alpha.len(), 100 + k as u64);
        c.alpha.copy_from_slice(&random);
    }
    let gap = Gap::new(model.file.clone()).unwrap();
    label(&gap, &mut frames);
    (model, gap, frames)
}

/// A fit with the sparse points of the model that made the data gives back what it says.
#[test]
fn a_known_model_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.xml");
    let (model, gap, frames) = known(12);
    model.write(&path).unwrap();
    let mut same = terms();
    for t in &mut same {
        t.choice = Choice::Model(path.clone());
    }
    let settings = settings(same);
    let fitted = fit(&frames, &settings, &mut Silent).unwrap();
    assert_eq!(fitted.report.rows, [12, 12 * 15, 12 * 6]);
    assert_eq!(fitted.report.terms.len(), model.file.coordinates.len());
    let again = Gap::new(fitted.file.clone()).unwrap();
    let seen = apart(&gap, &again, &frames);
    assert!(
        seen[0] < 2e-5 && seen[1] < 1e-3 && seen[2] < 5e-4,
        "{seen:?}"
    );
    let unseen = apart(&gap, &again, &shaken(6, 900));
    assert!(unseen[0] < 2e-3 && unseen[1] < 5e-2, "{unseen:?}");
    // What is said about the data: nearly all of it is explained.
    assert!(fitted.report.residual < 30.0, "{}", fitted.report.residual);
    assert!(fitted.report.condition > 1e3 && fitted.report.condition.is_finite());
}

/// What is written is what was fitted, to the last bit.
#[test]
fn the_written_file_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.xml");
    let (model, gap, frames) = known(4);
    model.write(&path).unwrap();
    let read = GapFile::read(&path).unwrap();
    assert_eq!(read.e0, model.file.e0);
    assert_eq!(read.coordinates, model.file.coordinates);
    assert_eq!(apart(&gap, &Gap::load(&path).unwrap(), &frames), [0.0; 3]);
    // A second fit under the same name replaces the first.
    let mut other = model.clone();
    other.file.coordinates[0].alpha[0] += 1.0;
    other.write(&path).unwrap();
    let read = GapFile::read(&path).unwrap();
    assert_eq!(
        read.coordinates[0].alpha[0],
        other.file.coordinates[0].alpha[0]
    );
    let message = model
        .write(&folder.path().join("a \"b\".xml"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("quotes"), "{message}");
    assert!(
        model
            .write(&folder.path().join("no/such/folder.xml"))
            .is_err()
    );
}

#[test]
fn threads_give_the_same_bits() {
    let (_, _, frames) = known(5);
    let of = |threads: usize| {
        with_threads(threads, || {
            fit(&frames, &settings(terms()), &mut Silent).unwrap()
        })
        .unwrap()
    };
    let one = of(1);
    assert_eq!(of(2), one);
    assert_eq!(of(3), one);
}

/// Little memory means many blocks, not another model.
#[test]
fn blocks_do_not_change_the_model() {
    let (_, _, frames) = known(12);
    let mut s = settings(terms());
    let whole = fit(&frames, &s, &mut Silent).unwrap();
    assert_eq!(whole.report.blocks, 1);
    assert!(whole.report.bytes <= s.memory);
    // As little as will do.
    let mut low = 0;
    let mut high = whole.report.bytes;
    let mut small = whole.clone();
    while high - low > 1000 {
        s.memory = (low + high) / 2;
        match fit(&frames, &s, &mut Silent) {
            Ok(fitted) => {
                assert!(fitted.report.bytes <= s.memory);
                (high, small) = (s.memory, fitted);
            }
            Err(e) => {
                let text = e.to_string();
                assert!(text.contains("MB"), "{text}");
                low = s.memory;
            }
        }
    }
    assert!(small.report.blocks == 12, "{}", small.report.blocks);
    let a = Gap::new(whole.file.clone()).unwrap();
    let b = Gap::new(small.file.clone()).unwrap();
    let off = apart(&a, &b, &frames);
    assert!(off[0] < 1e-7 && off[1] < 1e-5, "{off:?}");
}

/// Predictions of a fit to part of the data follow the rest: the choices all work on a smooth landscape.
#[test]
fn every_choice_fits() {
    let (_, gap, frames) = known(30);
    for choice in [
        Choice::Cur,
        Choice::FarthestPoints,
        Choice::KMeans,
        Choice::Random,
    ] {
        let mut some = terms();
        some.truncate(4);
        some.remove(2);
        for t in &mut some[2..] {
            t.choice = choice.clone();
            t.points = 60;
        }
        let fitted = fit(&frames, &settings(some), &mut Silent).unwrap();
        let model = Gap::new(fitted.file).unwrap();
        let off = apart(&gap, &model, &frames);
        assert!(off[0] < 0.05, "{choice:?} {off:?}");
    }
}
