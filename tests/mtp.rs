//! Moment tensor potentials: reference values, grades, the promises of the trait, and dynamics.

mod common;

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zundel::elements::{Element, Species};
use zundel::io::{Format, Frame, FrameReader, ReadOptions, Value, read_frames, write_frames};
use zundel::potential::mtp::{Mtp, MtpFile};
use zundel::potential::{
    Evaluation, Evaluator, Local, Potential, Scope, Term, Want, conformance, registry,
};
use zundel::system::{Atoms, Cell, System};

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
            let label = words.get(4).filter(|_| {
                words.len() >= 9 && words.iter().skip(1).all(|w| w.parse::<f64>().is_ok())
            });
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
    FrameReader::new(
        BufReader::new(text.as_bytes()),
        path,
        &ReadOptions::default(),
    )
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
            difference(r.forces.as_flattened(), forces)
                / largest(forces.iter().copied()).max(1e-3 * scale),
            difference(r.virial.as_flattened(), virial)
                / largest(virial.iter().copied()).max(1e-3 * scale),
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
        frames.len(),
        worst[0],
        worst[1],
        worst[2],
        worst[3],
        worst[4]
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

#[test]
fn synthetic_models_reproduce_the_formulas() {
    let list = models(&common::here("tests/data/mtp"));
    assert!(list.len() >= 3, "{}", list.len());
    for (name, model, reference) in list {
        assert_eq!(compare(&name, &model, &reference), 6, "{name}");
    }
}

#[test]
fn files_are_written_as_they_were_read() {
    let Some(reference) = common::reference() else {
        return;
    };
    let mut same = 0;
    for (name, model, _) in models(&reference.join("mtp")) {
        let file = MtpFile::read(&model).unwrap();
        let bytes = file.render();
        assert_eq!(MtpFile::parse(&bytes, &model).unwrap(), file, "{name}");
        same += usize::from(bytes == std::fs::read(&model).unwrap());
    }
    // Those that MLIP-3 wrote come out byte by byte.
    assert!(same >= 4, "{same}");
    for level in ["02", "16", "28"] {
        let path = reference.join(format!("mtp/templates/{level}.almtp"));
        let file = MtpFile::read(&path).unwrap();
        assert!(file.coefficients.is_none());
        assert_eq!(MtpFile::parse(&file.render(), &path).unwrap(), file);
    }
}

#[test]
fn the_largest_level_loads_in_less_than_a_second() {
    let Some(reference) = common::reference() else {
        return;
    };
    let path = reference.join("mtp/synthetic_l28_2sp/synthetic_l28_2sp.mtp");
    // The least of a few tries: other work on the machine only adds.
    let least = (0..3)
        .map(|_| {
            let start = std::time::Instant::now();
            load(&path);
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    eprintln!("level 28: {least:.3} s");
    assert!(least < 1.0, "{least}");
}

fn conform(name: &str, terms: &[Term], system: &System) {
    let checks = conformance::run(terms, system, None).unwrap();
    let failed: Vec<_> = checks.iter().filter(|c| !c.passed()).collect();
    assert!(failed.is_empty(), "{name}: {failed:#?}");
}

#[test]
fn the_trait_is_kept() {
    for (card, structure) in [
        ("potentials/tacrvw-mtp/tacrvw.toml", "inputs/tacrvw.xyz"),
        (
            "potentials/boron-arsenide-mtp/boron-arsenide.toml",
            "inputs/boron-arsenide.xyz",
        ),
    ] {
        let model = registry::load(&common::here(card), None).unwrap();
        let system =
            &read_frames(&common::here(structure), &ReadOptions::default()).unwrap()[0].system;
        let terms = [Term::new("mtp", model)];
        conform(card, &terms, system);
        let mut cluster = system.clone();
        cluster.cell = Cell::isolated();
        cluster.atoms = small(&cluster.atoms, 30);
        conform(card, &terms, &cluster);
    }
}

/// The first atoms of many.
fn small(atoms: &Atoms, n: usize) -> Atoms {
    let mut few = Atoms::default();
    for i in 0..n.min(atoms.len()) {
        few.push(Species::natural(atoms.elements[i]), atoms.positions[i]);
    }
    few
}

#[test]
fn a_selection_takes_what_is_new_and_nothing_twice() {
    for name in ["two_species_nbh", "repulsive_cfg"] {
        let folder = common::here("tests/data/mtp").join(name);
        let (terms, labels, _) = load(&folder.join(format!("{name}.almtp")));
        let potential = &terms[0].potential;
        let mut selection = potential.selection().expect("the model has an active set");
        let frames = frames(&folder.join("reference.extxyz"), &labels);
        let mut taken = 0;
        for frame in &frames {
            let grade = frame.value("grade").and_then(Value::as_real).unwrap();
            let new = selection.consider(frame.system.configuration()).unwrap();
            // Inside the hull of the model nothing is new; beyond it may have become known on the way.
            assert!(grade > 1.001 || !new, "{name}: {grade}");
            assert!(!selection.consider(frame.system.configuration()).unwrap());
            taken += usize::from(new);
        }
        assert!(taken > 0, "{name}");
    }
    let (terms, ..) = load(&common::here(
        "tests/data/mtp/labels_pruned/labels_pruned.mtp",
    ));
    assert!(terms[0].potential.selection().is_none());
}

#[test]
fn grades_of_a_batch_are_those_of_its_members() {
    let folder = common::here("tests/data/mtp/repulsive_cfg");
    let (terms, labels, _) = load(&folder.join("repulsive_cfg.almtp"));
    let frames = frames(&folder.join("reference.extxyz"), &labels);
    let configurations: Vec<_> = frames.iter().map(|f| f.system.configuration()).collect();
    let want = Want {
        reliability: true,
        ..Want::ENERGY
    };
    let mut results = vec![Evaluation::default(); frames.len()];
    Evaluator::new(terms, 0.0)
        .evaluate(&configurations, want, &mut results)
        .unwrap();
    for (frame, result) in frames.iter().zip(&results) {
        let grade = frame.value("grade").and_then(Value::as_real).unwrap();
        assert!((result.frame_reliability - grade).abs() < 1e-8 * grade);
    }
}

#[test]
fn numbers_in_cfg_files_are_the_labels_of_the_model() {
    let (terms, labels, _) = load(&common::here(
        "tests/data/mtp/labels_pruned/labels_pruned.mtp",
    ));
    assert_ne!(labels, (0..labels.len() as i64).collect::<Vec<_>>());
    let expected: Vec<_> = labels
        .iter()
        .copied()
        .zip(stand_ins(labels.len()))
        .collect();
    assert_eq!(terms[0].potential.species_labels(), expected);
}

/// A run in `room` with more arguments.
fn run(room: &Path, arguments: &[&str]) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_zundel"))
        .args(["run", "run.toml", "-q"])
        .args(arguments)
        .current_dir(room)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_run_saves_what_is_new_as_cfg_and_goes_on_where_it_was() {
    let name = "two_species_nbh";
    let folder = common::here("tests/data/mtp").join(name);
    let model = folder.join(format!("{name}.almtp"));
    let (_, labels, _) = load(&model);
    let start = &frames(&folder.join("reference.extxyz"), &labels)[0];
    let deck = format!(
        "version = 1\n[system]\nstructure = \"start.xyz\"\n\
         [potential]\nspecies = [\"Ca\", \"Sc\"]\n[potential.mtp]\nfile = '{}'\n\
         [md]\ntimestep = \"1 fs\"\nlength = \"200 steps\"\ntemperature = \"300 K\"\nseed = 1\n\
         [md.reliability.grade]\nevery = \"5 steps\"\nsave = 1.2\nfile = \"new.cfg\"\n",
        model.display()
    );
    let rooms = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for room in &rooms {
        std::fs::write(room.path().join("run.toml"), &deck).unwrap();
        let mut bare = Frame::from(start.system.clone());
        bare.has_velocities = false;
        let path = room.path().join("start.xyz");
        write_frames(&path, [&bare], Format::ExtendedXyz).unwrap();
    }
    run(rooms[0].path(), &[]);
    // In two parts: the second knows what the first has saved.
    run(rooms[1].path(), &["--set", "md.length=\"60 steps\""]);
    run(rooms[1].path(), &["--resume"]);
    let [whole, parts] = rooms
        .each_ref()
        .map(|room| std::fs::read(room.path().join("new.cfg")).unwrap());
    assert_eq!(whole, parts);
    let options = ReadOptions {
        labels: (0..)
            .zip(stand_ins(2))
            .map(|(k, e)| (k, Species::natural(e)))
            .collect(),
        ..ReadOptions::default()
    };
    let saved = read_frames(&rooms[0].path().join("new.cfg"), &options).unwrap();
    // Of the 41 frames that are looked at, nearly all are beyond the limit; few add anything to those before.
    assert!((2..30).contains(&saved.len()), "{}", saved.len());
    let grades = |frame: &Frame| frame.scalars("nbh_grades").unwrap().to_vec();
    assert!(saved.iter().all(|f| largest(grades(f)) > 1.2));
    let first = &saved[0].system.atoms;
    assert_eq!(first.positions, start.system.atoms.positions);
    assert_eq!(first.elements, start.system.atoms.elements);
}
