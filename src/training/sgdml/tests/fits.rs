//! Whole fits.

use super::data::{FIVE, ethanol, labelled, springs, structure};
use crate::parallel;
use crate::potential::registry;
use crate::potential::sgdml::SgdmlFile;
use crate::system::Cell;
use crate::training::data::LabelledFrame;
use crate::training::sgdml::{Energies, Fitted, Settings, Solution, Solver, Symmetries, fit};
use crate::training::{Monitor, Silent};

fn small() -> Settings {
    Settings {
        sigmas: vec![2.0],
        ..Settings::default()
    }
}

fn five(count: usize, seed: u64) -> Vec<LabelledFrame> {
    springs("C H H O N", &FIVE, count, 0.1, seed, Cell::isolated())
}

fn made(settings: &Settings, frames: &[LabelledFrame], validation: &[LabelledFrame]) -> Fitted {
    fit(settings, frames, validation, &mut Silent)
        .unwrap()
        .unwrap()
}

#[test]
fn a_fit_reproduces_its_labels_and_predicts_others() {
    let frames = five(80, 1);
    let mut model = made(&small(), &frames, &[]);
    let own = model.report.training.unwrap();
    assert!(own.force[1] < 1e-5 && own.energy[1] < 1e-3, "{own:?}");
    assert_eq!(model.report.unknowns, [1200, 720]);
    let others = model.test(&five(100, 2)).unwrap();
    let spread = model.report.scale;
    assert!(others.force[1] < 0.04 * spread, "{others:?} of {spread}");
    assert!(others.energy[1] < 0.01, "{others:?}");
    let [slope, correlation] = model.report.energies.unwrap();
    assert!((slope - 1.0).abs() < 0.02 && correlation > 0.999);
}

#[test]
fn what_is_written_is_what_the_program_and_the_registry_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("five.npz");
    let frames = five(30, 1);
    let settings = Settings {
        energy_unit: "kcal/mol".into(),
        energies: Energies::Constraints,
        ..small()
    };
    let mut model = made(&settings, &frames, &[]);
    model.test(&five(20, 2)).unwrap();
    model.write(&path).unwrap();
    let back = SgdmlFile::read(&path).unwrap();
    let same = SgdmlFile {
        path: path.clone(),
        test: None,
        ..model.model.clone()
    };
    assert_eq!(back, same);
    assert_eq!(
        (back.std * back.energy).to_bits(),
        (model.report.scale * back.energy).to_bits()
    );
    let potential = registry::load(&path, None).unwrap();
    let again = super::data::label(frames[3].system.clone(), potential.as_ref(), 3);
    let (a, b) = (frames[3].energy.unwrap(), again.energy.unwrap());
    assert!((a - b).abs() < 1e-5, "{a} {b}");
    // The unit of the file changes nothing but rounding.
    let other = made(
        &Settings {
            energies: Energies::Constraints,
            ..small()
        },
        &frames,
        &[],
    );
    let other = crate::potential::sgdml::Sgdml::new(&other.model);
    let third = super::data::label(frames[3].system.clone(), &other, 3);
    assert!((third.energy.unwrap() - b).abs() < 1e-6);
}

#[test]
fn energies_are_learned_when_asked() {
    let frames = five(40, 1);
    let test = five(60, 2);
    let with = |energies| {
        let mut m = made(
            &Settings {
                energies,
                ..small()
            },
            &frames,
            &[],
        );
        (m.test(&test).unwrap(), m)
    };
    let (plain, _) = with(Energies::Constant);
    let (constrained, model) = with(Energies::Constraints);
    assert_eq!(model.model.alphas_energies.len(), 40);
    assert!(model.report.training.unwrap().energy[1] < 1e-5);
    assert!(constrained.energy[1] < 1.2 * plain.energy[1]);
    let (ignored, model) = with(Energies::Ignored);
    assert!(!model.model.use_energies && model.model.constant == 0.0);
    assert_eq!(ignored.force, plain.force);
}

#[test]
fn the_iterative_solver_ends_at_the_closed_form() {
    let frames = five(70, 1);
    let test = five(40, 2);
    for energies in [Energies::Constant, Energies::Constraints] {
        let base = Settings {
            lambda: 1e-8,
            energies,
            ..small()
        };
        let mut exact = made(&base, &frames, &[]);
        let settings = Settings {
            solver: Solver::Iterative,
            tolerance: 1e-10,
            inducing: Some(20),
            ..base
        };
        let mut found = made(&settings, &frames, &[]);
        let Solution::Iterative {
            steps,
            inducing,
            residual,
        } = found.report.solution
        else {
            panic!("{:?}", found.report.solution);
        };
        assert!(steps > 3 && inducing == 20 && residual < 2e-10);
        let (a, b) = (exact.test(&test).unwrap(), found.test(&test).unwrap());
        assert!((a.force[1] / b.force[1] - 1.0).abs() < 1e-4, "{a:?} {b:?}");
        assert_eq!(found.model.iterative.as_ref().unwrap().steps, steps);
        assert!(found.model.iterative.as_ref().unwrap().inducing.len() == 20 * 15);
    }
    // Memory decides when it is left to the program.
    let settings = Settings {
        memory: 1_000_000,
        tolerance: 1e-4,
        lambda: 1e-8,
        ..small()
    };
    let found = made(&settings, &frames, &[]);
    assert!(matches!(found.report.solution, Solution::Iterative { .. }));
    let refused = Settings {
        solver: Solver::ClosedForm,
        ..settings
    };
    let e = fit(&refused, &frames, &[], &mut Silent)
        .unwrap_err()
        .to_string();
    assert!(e.contains("matrix of 630 unknowns"), "{e}");
}

#[test]
fn bits_do_not_depend_on_threads() {
    let frames = five(60, 1);
    let validation = five(20, 3);
    for solver in [Solver::ClosedForm, Solver::Iterative] {
        let settings = Settings {
            sigmas: vec![1.0, 2.0, 4.0, 8.0],
            solver,
            tolerance: 1e-8,
            inducing: Some(15),
            lambda: 1e-8,
            ..small()
        };
        let run = |threads| {
            parallel::with_threads(threads, || made(&settings, &frames, &validation)).unwrap()
        };
        let (one, three) = (run(1), run(3));
        assert_eq!(one, three);
    }
}

/// Asks to stop after so many pieces of work.
struct Impatient(usize);

impl Monitor for Impatient {
    fn stage(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, pieces: usize) {
        self.0 = self.0.saturating_sub(pieces);
    }
    fn say(&mut self, _: &str) {}
    fn stopped(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_stopped_fit_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let frames = five(60, 1);
    let validation = five(20, 3);
    for solver in [Solver::ClosedForm, Solver::Iterative] {
        let settings = Settings {
            sigmas: vec![1.0, 2.0, 4.0, 8.0],
            solver,
            tolerance: 1e-8,
            inducing: Some(12),
            lambda: 1e-8,
            ..small()
        };
        let whole = made(&settings, &frames, &validation);
        let path = folder.path().join(format!("{solver:?}.checkpoint"));
        let settings = Settings {
            checkpoint: Some(path.clone()),
            ..settings
        };
        let mut stops = 0;
        let resumed = loop {
            match fit(
                &settings,
                &frames,
                &validation,
                &mut Impatient(62 + 40 * stops),
            )
            .unwrap()
            {
                Some(done) => break done,
                None => stops += 1,
            }
            assert!(path.exists() && stops < 200);
        };
        assert!(stops > 0, "{solver:?}: {stops}");
        assert_eq!(resumed, whole);
        // Other data: the checkpoint is left alone. Damaged: too.
        let other = made(&settings, &five(60, 9), &validation);
        assert_ne!(other.model, whole.model);
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(made(&settings, &frames, &validation), whole);
        }
    }
}

#[test]
fn the_search_ends_where_both_neighbours_are_worse() {
    let frames = five(90, 1);
    let validation = five(40, 3);
    let sigmas: Vec<f64> = (0..8).map(|k| 0.25 * 2.0f64.powi(k)).collect();
    let settings = Settings {
        sigmas: sigmas.clone(),
        lambda: 1e-8,
        ..small()
    };
    let found = made(&settings, &frames, &validation);
    let error = |sigma: f64| {
        let one = Settings {
            sigmas: vec![sigma],
            ..settings.clone()
        };
        made(&one, &frames, &[]).test(&validation).unwrap().force[1]
    };
    let all: Vec<f64> = sigmas.iter().map(|s| error(*s)).collect();
    // As the walk from the beginning would end.
    let at = (1..all.len())
        .find(|k| all[*k] >= all[k - 1])
        .map_or(7, |k| k - 1);
    assert_eq!(found.report.sigma, sigmas[at], "{all:?}");
    assert!(
        found.report.tried.len() < at + 2,
        "{:?}",
        found.report.tried
    );
    let best = found
        .report
        .tried
        .iter()
        .find(|t| t.0 == sigmas[at])
        .unwrap();
    assert_eq!(best.1.unwrap().force[1], all[at]);
}

#[test]
fn ethanols_methyl_group_is_found_in_its_frames() {
    let model = ethanol();
    let base = structure("ethanol");
    // The methyl hydrogens and those of the CH2 group change places in some frames, as they do in time.
    let group = &SgdmlFile::read(&super::data::shipped("ethanol"))
        .unwrap()
        .permutations;
    assert_eq!(group.len(), 6);
    let mut frames = labelled(&base, &model, 60, 0.03, 4);
    for (k, frame) in frames.iter_mut().enumerate() {
        let p = &group[k % 6];
        let (x, f) = (
            frame.system.atoms.positions.clone(),
            frame.forces.clone().unwrap(),
        );
        frame.system.atoms.positions = p.iter().map(|i| x[*i]).collect();
        frame.forces = Some(p.iter().map(|i| f[*i]).collect());
    }
    let settings = Settings {
        sigmas: vec![20.0],
        ..small()
    };
    let mut found = made(&settings, &frames, &[]);
    let mut own = found.model.permutations.clone();
    let mut expected = group.clone();
    own.sort();
    expected.sort();
    assert_eq!(own, expected);
    let test = labelled(&base, &model, 50, 0.03, 5);
    let with = found.test(&test).unwrap();
    assert!(with.force[1] < 0.02, "{with:?}");
    let without = Settings {
        symmetries: Symmetries::None,
        ..settings.clone()
    };
    let plain = made(&without, &frames, &[]).test(&test).unwrap();
    assert!(with.force[1] < 0.7 * plain.force[1], "{with:?} {plain:?}");
    let given = Settings {
        symmetries: Symmetries::Generated(group.clone()),
        ..settings
    };
    let given = made(&given, &frames, &[]);
    assert_eq!(given.report.permutations, 6);
}

#[test]
fn benzene_has_twelve() {
    let path = super::data::shipped("benzene");
    let model = crate::potential::sgdml::Sgdml::load(&path, None).unwrap();
    let group = SgdmlFile::read(&path).unwrap().permutations;
    let mut frames = labelled(&structure("benzene"), &model, 50, 0.05, 4);
    for (k, frame) in frames.iter_mut().enumerate() {
        let p = &group[k % group.len()];
        let (x, f) = (
            frame.system.atoms.positions.clone(),
            frame.forces.clone().unwrap(),
        );
        frame.system.atoms.positions = p.iter().map(|i| x[*i]).collect();
        frame.forces = Some(p.iter().map(|i| f[*i]).collect());
    }
    let found = made(
        &Settings {
            sigmas: vec![20.0],
            ..small()
        },
        &frames,
        &[],
    );
    assert_eq!(found.report.permutations, 12);
}

#[test]
fn cells_are_learned_with_their_translations() {
    let cell = Cell::new(
        [[5.2, 0.0, 0.0], [0.0, 5.2, 0.0], [0.0, 0.0, 5.2]],
        [true; 3],
    )
    .unwrap();
    let rest: Vec<[f64; 3]> = (0..8)
        .map(|k| [k & 1, k >> 1 & 1, k >> 2 & 1].map(|x| 2.6 * f64::from(x) + 0.35))
        .collect();
    let frames = springs("Cu Cu Cu Cu Cu Cu Cu Cu", &rest, 40, 0.12, 1, cell.clone());
    let test = springs("Cu Cu Cu Cu Cu Cu Cu Cu", &rest, 60, 0.12, 2, cell.clone());
    let with = |symmetries| {
        let settings = Settings {
            symmetries,
            sigmas: vec![5.0],
            ..small()
        };
        let mut m = made(&settings, &frames, &[]);
        (m.report.permutations, m.test(&test).unwrap().force[1])
    };
    let crystal = |rotations| Symmetries::Crystal {
        rotations,
        tolerance: 0.15,
    };
    let (none, plain) = with(Symmetries::None);
    let (translations, better) = with(crystal(false));
    let (all, best) = with(crystal(true));
    assert_eq!((none, translations), (1, 8));
    assert!(all >= 48, "{all}");
    assert!(best < better && better < plain, "{best} {better} {plain}");
    let e = fit(
        &Settings {
            symmetries: crystal(false),
            ..small()
        },
        &five(20, 1),
        &[],
        &mut Silent,
    );
    assert!(e.unwrap_err().to_string().contains("no cell"));
}

#[test]
fn strange_data_are_refused_in_words() {
    let good = five(20, 1);
    let refused =
        |frames: &[LabelledFrame], validation: &[LabelledFrame], settings: &Settings| match fit(
            settings,
            frames,
            validation,
            &mut Silent,
        ) {
            Err(e) => e.to_string(),
            Ok(_) => "accepted".into(),
        };
    let with = |change: &dyn Fn(&mut LabelledFrame)| {
        let mut frames = good.clone();
        change(&mut frames[7]);
        refused(&frames, &[], &small())
    };
    let cases = [
        (
            with(&|f| f.system.atoms.elements.swap(0, 1)),
            "atom 0 (from 0) is H here and C there",
        ),
        (with(&|f| f.forces = None), "frame 7: it has no forces"),
        (
            with(&|f| f.forces = Some(vec![[0.0; 3]])),
            "1 forces for 5 atoms",
        ),
        (
            with(&|f| f.system.atoms.positions[2][1] = f64::NAN),
            "no finite number",
        ),
        (
            with(&|f| f.forces.as_mut().unwrap()[0][0] = f64::INFINITY),
            "no finite number",
        ),
        (with(&|f| f.energy = Some(f64::NAN)), "its energy is NaN"),
        (
            with(&|f| f.system.atoms.positions[0] = f.system.atoms.positions[1]),
            "frame 7: two of its atoms are at the same place",
        ),
        (
            with(&|f| f.system.cell = Cell::orthorhombic(9.0, 9.0, 9.0).unwrap()),
            "one is periodic and one is not",
        ),
        (refused(&[], &[], &small()), "no frame to learn from"),
        (
            refused(
                &good,
                &[],
                &Settings {
                    points: Some(21),
                    ..small()
                },
            ),
            "21 training geometries are wanted, and there are 20 frames",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    sigmas: vec![1.0, 2.0],
                    ..small()
                },
            ),
            "no frame is left to choose among them",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    sigmas: vec![1.0, -2.0],
                    ..small()
                },
            ),
            "a length scale σ is -2",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    sigmas: Vec::new(),
                    ..small()
                },
            ),
            "no length scale",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    lambda: 0.0,
                    ..small()
                },
            ),
            "λ is 0",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    energy_unit: "Å".into(),
                    ..small()
                },
            ),
            "`Å` is no unit of energy",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    symmetries: Symmetries::Generated(vec![vec![0, 1, 2, 3, 3]]),
                    ..small()
                },
            ),
            "is no permutation of the 5 atoms",
        ),
        (
            refused(
                &good,
                &[],
                &Settings {
                    symmetries: Symmetries::Generated(vec![vec![1, 0, 2, 3, 4]]),
                    ..small()
                },
            ),
            "exchanges the atoms 0 (C) and 1 (H)",
        ),
        (
            refused(
                &good,
                &springs("C H H O C", &FIVE, 5, 0.1, 3, Cell::isolated()),
                &small(),
            ),
            "other atoms, another order or another cell than the training frames",
        ),
    ];
    for (found, part) in cases {
        assert!(found.contains(part), "{found} / {part}");
    }
    let mut one = good.clone();
    one[0].energy = None;
    let constraints = Settings {
        energies: Energies::Constraints,
        ..small()
    };
    assert!(refused(&one, &[], &constraints).contains("not every training frame has one"));
    // Without an energy somewhere the constant is left alone.
    assert!(!made(&small(), &one, &[]).model.use_energies);
}

#[test]
fn repeated_frames_raise_the_regularisation_or_fit_all_the_same() {
    let mut frames = five(25, 1);
    frames.extend(frames.clone());
    let found = made(&small(), &frames, &[]);
    assert!(found.report.training.unwrap().force[1] < 1e-3);
}
