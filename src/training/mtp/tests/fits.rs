//! Whole fits.

use super::super::{Form, Settings, fit};
use super::data::{crystal, elements};
use super::derivatives::{labelled, random_model};
use crate::elements::Element;
use crate::parallel;
use crate::potential::mtp::{MtpFile, SelectionMode};
use crate::potential::{Evaluation, Evaluator, Term, Want, registry};
use crate::random::{Purpose, Stream};
use crate::training::data::LabelledFrame;
use crate::training::{Monitor, Silent};

/// Frames that a random potential of level 8 has labelled.
fn data(species: &[Element], count: u64) -> Vec<LabelledFrame> {
    let file = random_model(8, species, 21);
    (0..count)
        .map(|k| labelled(&file, species, crystal(species, k)))
        .collect()
}

fn settings(species: &[Element]) -> Settings {
    Settings {
        species: species.to_vec(),
        form: Form::Level(8),
        polynomials: 5,
        cutoff: Some(4.5),
        steps: 60,
        tries: 2,
        try_steps: 5,
        tolerance: 0.0,
        ..Settings::default()
    }
}

#[test]
fn a_known_potential_is_found_again() {
    let species = elements(&["Cu"]);
    let frames = data(&species, 30);
    let size = frames
        .iter()
        .flat_map(|f| f.forces.as_ref().unwrap().as_flattened())
        .map(|x| x * x)
        .sum::<f64>();
    let size = (size / (24.0 * frames.len() as f64)).sqrt();
    let exact = Settings {
        min_dist: Some(1.7),
        penalty: 0.0,
        ridge: 1e-14,
        steps: 100,
        selection: None,
        ..settings(&species)
    };
    // From nothing, as far as the nearest minimum of many allows.
    let fitted = fit(&exact, &frames[..24], &frames[24..], &mut Silent).unwrap();
    let report = &fitted.report;
    let test = report.validation.unwrap();
    assert!(
        report.training.forces < 0.01 * size,
        "{report:?}, forces of {size}"
    );
    assert!(test.forces < 0.02 * size, "{test:?}, forces of {size}");
    assert!(report.history.windows(2).all(|w| w[1] < w[0]));
    // From nearby, to the digits of the data.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("near.mtp");
    let mut near = random_model(8, &species, 21);
    let mut s = Stream::new(5, Purpose::Displacement, 0, 0, 0);
    for c in &mut near.coefficients.as_mut().unwrap().radial {
        *c *= 1.0 + 0.02 * s.normal();
    }
    std::fs::write(&path, near.render()).unwrap();
    let from_near = Settings {
        form: Form::File(path),
        ..exact
    };
    let fitted = fit(&from_near, &frames[..24], &frames[24..], &mut Silent).unwrap();
    let report = &fitted.report;
    let (first, last) = (report.history[0], report.history[report.history.len() - 1]);
    assert!(last < 1e-9 * first, "{first} {last}");
    assert!(
        report.validation.unwrap().forces < 1e-5 * size,
        "{report:?}"
    );
}

#[test]
fn a_trained_file_is_a_start() {
    let species = elements(&["B", "As"]);
    let frames = data(&species, 12);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.mtp");
    std::fs::write(&path, random_model(8, &species, 21).render()).unwrap();
    let from_file = Settings {
        form: Form::File(path.clone()),
        penalty: 0.0,
        ridge: 0.0,
        selection: None,
        ..settings(&species)
    };
    // The file made the data: there is nothing to be gained.
    let fitted = fit(&from_file, &frames, &[], &mut Silent).unwrap();
    assert!(fitted.report.history[0] < 1e-20, "{:?}", fitted.report);
    let other = Settings {
        species: elements(&["B"]),
        ..from_file
    };
    let error = fit(&other, &data(&other.species, 2), &[], &mut Silent).unwrap_err();
    assert!(
        error.to_string().contains("trained for 2 species"),
        "{error}"
    );
}

#[test]
fn what_is_written_is_what_the_program_reads() {
    let species = elements(&["B", "As"]);
    let frames = data(&species, 14);
    let folder = tempfile::tempdir().unwrap();
    for mode in [
        None,
        Some(SelectionMode::Configuration),
        Some(SelectionMode::Neighbourhood),
    ] {
        let settings = Settings {
            selection: mode,
            steps: 8,
            ..settings(&species)
        };
        let fitted = fit(&settings, &frames[..12], &frames[12..], &mut Silent).unwrap();
        let path = folder.path().join("model.almtp");
        fitted.write(&path).unwrap();
        let read = MtpFile::read(&path).unwrap();
        assert_eq!(read.coefficients, fitted.file.coefficients);
        assert_eq!(read.selection, fitted.file.selection);
        let model = registry::load(&path, Some(&species)).unwrap();
        let mut evaluator = Evaluator::new(vec![Term::new("mtp", model)], 0.0);
        let mut squares = 0.0;
        for (k, frame) in frames.iter().enumerate() {
            let mut results = [Evaluation::default()];
            let want = Want {
                reliability: true,
                ..Want::ALL
            };
            evaluator
                .evaluate(&[frame.system.configuration()], want, &mut results)
                .unwrap();
            let off = (results[0].energy - frame.energy.unwrap()) / frame.len() as f64;
            if k < 12 {
                squares += off * off;
                // Rows of the training set lie inside the active set.
                let grade = results[0].frame_reliability;
                let atoms = results[0].reliability.iter().fold(0.0f64, |m, x| m.max(*x));
                assert!(
                    grade.max(atoms) <= 1.001 + 1e-6,
                    "{mode:?}: {grade} {atoms}"
                );
                assert_eq!(grade > 0.0, mode == Some(SelectionMode::Configuration));
                assert_eq!(atoms > 0.0, mode == Some(SelectionMode::Neighbourhood));
            }
        }
        let found = (squares / 12.0).sqrt();
        let reported = fitted.report.training.energy;
        assert!(
            (found - reported).abs() < 1e-9 * reported.max(1e-6),
            "{found} {reported}"
        );
        let Some(state) = fitted.file.selection else {
            continue;
        };
        for [frame, equation] in state.origins.iter().filter(|o| o[0] >= 0) {
            assert!((0..12).contains(frame));
            match mode {
                Some(SelectionMode::Configuration) => assert_eq!(*equation, 0),
                _ => assert!((34..42).contains(equation), "{equation}"),
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let species = elements(&["B", "As"]);
    let frames = data(&species, 9);
    let settings = Settings {
        steps: 6,
        ..settings(&species)
    };
    let with = |threads| {
        parallel::with_threads(threads, || {
            fit(&settings, &frames[..7], &frames[7..], &mut Silent).unwrap()
        })
        .unwrap()
    };
    let one = with(1);
    assert_eq!(with(2).file, one.file);
    assert_eq!(with(3).file, one.file);
}

/// Stops after some steps.
struct Impatient(std::cell::Cell<usize>);

impl Monitor for Impatient {
    fn stage(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, pieces: usize) {
        self.0.set(self.0.get().saturating_sub(pieces));
    }
    fn say(&mut self, _: &str) {}
    fn stopped(&self) -> bool {
        self.0.get() == 0
    }
}

#[test]
fn an_interrupted_fit_goes_on_to_the_same_bits() {
    let species = elements(&["B", "As"]);
    let frames = data(&species, 9);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.state");
    let settings = Settings {
        steps: 10,
        try_steps: 3,
        ..settings(&species)
    };
    let whole = fit(&settings, &frames[..7], &frames[7..], &mut Silent).unwrap();
    assert!(whole.report.finished);
    let kept = Settings {
        checkpoint: Some(path.clone()),
        ..settings.clone()
    };
    // Stopped in the first try, in the second, and during the steps.
    for pieces in [2, 5, 9, 13] {
        let mut monitor = Impatient(std::cell::Cell::new(pieces));
        let part = fit(&kept, &frames[..7], &frames[7..], &mut monitor).unwrap();
        assert!(!part.report.finished, "{pieces}");
        assert!(part.file.selection.is_none());
        let rest = fit(&kept, &frames[..7], &frames[7..], &mut Silent).unwrap();
        assert_eq!(rest, whole, "{pieces}");
        std::fs::remove_file(&path).unwrap();
    }
    // Another fit does not take it up; damage is named.
    let mut monitor = Impatient(std::cell::Cell::new(9));
    fit(&kept, &frames[..7], &frames[7..], &mut monitor).unwrap();
    let other = Settings {
        seed: 9,
        ..kept.clone()
    };
    let plain = Settings {
        seed: 9,
        ..settings
    };
    assert_eq!(
        fit(&other, &frames[..7], &frames[7..], &mut Silent).unwrap(),
        fit(&plain, &frames[..7], &frames[7..], &mut Silent).unwrap()
    );
    let good = std::fs::read(&path).unwrap();
    for cut in [0, 10, good.len() / 2, good.len() - 3] {
        std::fs::write(&path, &good[..cut]).unwrap();
        let error = fit(&other, &frames[..7], &frames[7..], &mut Silent).unwrap_err();
        assert!(error.to_string().contains("checkpoint"), "{cut}: {error}");
    }
}

#[test]
fn impossible_settings_are_named() {
    let species = elements(&["B", "As"]);
    let frames = data(&species, 3);
    let good = Settings {
        steps: 1,
        ..settings(&species)
    };
    let bare: Vec<LabelledFrame> = frames
        .iter()
        .map(|f| LabelledFrame {
            energy: None,
            forces: None,
            virial: None,
            ..f.clone()
        })
        .collect();
    let mut broken = frames.clone();
    broken[1].energy = Some(f64::NAN);
    let mut short = frames.clone();
    short[2].forces = Some(vec![[0.0; 3]]);
    let missing = std::path::PathBuf::from("there/is/none.mtp");
    let cases: Vec<(Settings, &[LabelledFrame], &str)> = vec![
        (good.clone(), &[], "no frames"),
        (good.clone(), &bare, "no frame has an energy"),
        (good.clone(), &broken, "crystal 1"),
        (good.clone(), &short, "as many forces"),
        (
            Settings {
                species: elements(&["B"]),
                ..good.clone()
            },
            &frames,
            "is As",
        ),
        (
            Settings {
                species: elements(&["B", "B"]),
                ..good.clone()
            },
            &frames,
            "twice",
        ),
        (
            Settings {
                species: Vec::new(),
                ..good.clone()
            },
            &frames,
            "at least one element",
        ),
        (
            Settings {
                form: Form::Level(7),
                ..good.clone()
            },
            &frames,
            "no level 7",
        ),
        (
            Settings {
                form: Form::Level(30),
                ..good.clone()
            },
            &frames,
            "no level 30",
        ),
        (
            Settings {
                form: Form::File(missing),
                ..good.clone()
            },
            &frames,
            "no such file",
        ),
        (
            Settings {
                cutoff: Some(0.5),
                ..good.clone()
            },
            &frames,
            "no two atoms",
        ),
        (
            Settings {
                cutoff: Some(f64::NAN),
                ..good.clone()
            },
            &frames,
            "cutoff",
        ),
        (
            Settings {
                cutoff: Some(1e9),
                ..good.clone()
            },
            &frames,
            "cutoff",
        ),
        (
            Settings {
                cutoff: None,
                ..good.clone()
            },
            &frames,
            "needs a cutoff",
        ),
        (
            Settings {
                min_dist: Some(6.0),
                ..good.clone()
            },
            &frames,
            "below the cutoff",
        ),
        (
            Settings {
                polynomials: 0,
                ..good.clone()
            },
            &frames,
            "polynomials",
        ),
        (
            Settings {
                polynomials: 1 << 40,
                ..good.clone()
            },
            &frames,
            "polynomials",
        ),
        (
            Settings {
                ridge: -1.0,
                ..good.clone()
            },
            &frames,
            "ridge",
        ),
        (
            Settings {
                penalty: f64::INFINITY,
                ..good.clone()
            },
            &frames,
            "penalty",
        ),
        (
            Settings {
                tries: 0,
                ..good.clone()
            },
            &frames,
            "try",
        ),
        (
            Settings {
                kinds: [("default".to_owned(), 0.0)].into(),
                ..good.clone()
            },
            &frames,
            "no frame has an energy",
        ),
    ];
    for (settings, frames, part) in cases {
        let error = fit(&settings, frames, &[], &mut Silent)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(fit(&good, &frames, &[], &mut Silent).is_ok());
}
