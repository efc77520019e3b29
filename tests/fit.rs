//! `[fit]` as a person uses it: a deck, data, a model, a card.

mod common;

use common::here;
use std::path::Path;
use std::process::{Command, Output};

fn zundel(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zundel"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// A folder with frames of argon crystals that were rattled and strained, labelled by a Lennard-Jones potential through
/// `zundel eval`'s own room, and a deck.
struct Room(tempfile::TempDir);

impl Room {
    fn new(deck: &str) -> Room {
        let room = Room(tempfile::tempdir().expect("a folder"));
        std::fs::write(room.at().join("data.extxyz"), argon(24, 1)).expect("frames");
        std::fs::write(room.at().join("more.extxyz"), argon(8, 2)).expect("frames");
        std::fs::write(room.at().join("fit.toml"), deck).expect("a deck");
        room
    }

    fn at(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        zundel(&[&["run", "fit.toml"], arguments].concat(), self.at())
    }
}

/// Crystals of 8 atoms with labels.
fn argon(frames: u64, seed: u64) -> String {
    use zundel::io::{Format, Frame, render_frame};
    use zundel::potential::pair::Scheme;
    use zundel::potential::{Evaluation, Evaluator, Want};
    use zundel::random::{Purpose, Stream};
    let mut evaluator = Evaluator::new(
        common::lennard_jones(common::argon(6.0), Scheme::ForceShifted, false),
        0.0,
    );
    let mut text = Vec::new();
    for k in 0..frames {
        let mut stream = Stream::new(seed, Purpose::Displacement, k, 0, 0);
        let mut system = common::fcc("Ar", 5.2 + 0.3 * stream.uniform(), 2);
        for x in system.atoms.positions.as_flattened_mut() {
            *x += 0.15 * stream.normal();
        }
        let mut result = [Evaluation::default()];
        evaluator
            .evaluate(&[system.configuration()], Want::ALL, &mut result)
            .expect("labels");
        let mut frame = Frame::from(system);
        frame.has_velocities = false;
        frame.set_value("energy", result[0].energy);
        frame.set_value("virial", result[0].virial);
        frame.set_value("config_type", if k % 2 == 0 { "cold" } else { "warm" });
        frame.set_vectors("forces", &result[0].forces);
        render_frame(&frame, Format::ExtendedXyz, &mut text).expect("a frame");
    }
    String::from_utf8(text).expect("text")
}

const DECK: &str = r#"version = 1
[fit]
seed = 3
[[fit.data]]
file = "data.extxyz"
[fit.split]
test = 6
[fit.gap]
energy_sigma = "0.01 meV"
force_sigma = "0.1 meV/Å"
virial_sigma = "0.1 meV"
[[fit.gap.pair]]
cutoff = "6 Å"
points = 30
theta = 0.6
"#;

#[test]
fn a_deck_makes_a_model_with_its_card() {
    let room = Room::new(DECK);
    let output = zundel(&["check", "fit.toml"], room.at());
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("18 frames (576 atoms) to learn from"),
        "{}",
        said(&output)
    );
    assert!(!room.at().join("fit.xml").exists());
    let output = room.run(&[]);
    assert!(output.status.success(), "{}", said(&output));
    let card = room.read("fit.md");
    for text in [
        "# Accuracy of `fit.xml`",
        "training · cold",
        "RMSE (meV/atom)",
        "MAE (kcal/mol/Å)",
        "RMSE (GPa)",
        "fit.forces.svg",
        "data.extxyz | 24 |",
        "[fit.gap]",
        "zundel 0.1.0",
    ] {
        assert!(card.contains(text), "no `{text}` in\n{card}");
    }
    assert!(room.read("fit.html").contains("<svg"));
    for picture in ["energy", "forces", "virial", "errors"] {
        assert!(room.read(&format!("fit.{picture}.svg")).contains("</svg>"));
    }
    // A sum of pairs is learnt by a sum of pairs: errors of the frames that were not learnt from are small.
    let table = room.read("fit.errors.csv");
    let tests: Vec<Vec<&str>> = table
        .lines()
        .filter(|l| l.starts_with("test,"))
        .map(|l| l.rsplit(',').collect())
        .collect();
    assert_eq!(tests.len(), 6);
    for row in tests {
        let number = |k: usize| row[k].parse::<f64>().expect("a number");
        assert!(number(2) < 2.0, "force RMSE {} meV/Å", number(2));
        assert!(number(3).abs() < 0.2, "energy error {} meV/atom", number(3));
    }
    // The description stands for the model wherever a model is wanted, and the model for what the card says of it.
    let output = zundel(
        &["eval", "fit.model.toml", "more.extxyz", "-o", "out.extxyz"],
        room.at(),
    );
    assert!(output.status.success(), "{}", said(&output));
    // The same seed gives the same bytes on any number of threads; what is there is not replaced unasked.
    let before = room.read("fit.xml");
    assert_eq!(room.run(&[]).status.code(), Some(2));
    let output = room.run(&["--overwrite", "--threads", "1"]);
    assert!(output.status.success(), "{}", said(&output));
    let alphas = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|l| l.contains("alpha="));
        lines.map(str::to_owned).collect()
    };
    assert!(!alphas(&before).is_empty());
    assert_eq!(alphas(&before), alphas(&room.read("fit.xml")));
    assert!(!room.at().join("fit.checkpoint").exists());
}

#[test]
fn baselines_and_learning_curves() {
    let deck = DECK.replace(
        "[fit.gap]\n",
        "[fit.baseline.lennard_jones]\nepsilon = \"0.010323 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"6 Å\"\n[fit.gap]\n",
    );
    let deck = deck.replace("seed = 3\n", "seed = 3\nlearning_curve = [4, 9]\n");
    let room = Room::new(&deck);
    let output = room.run(&[]);
    assert!(output.status.success(), "{}", said(&output));
    // The labels are exactly the baseline: nothing is left to learn.
    let card = room.read("fit.md");
    assert!(card.contains("subtracted from all labels"), "{card}");
    let table = room.read("fit.errors.csv");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.rsplit(',').collect();
        assert!(
            cells[2].parse::<f64>().expect("a number").abs() < 1e-6,
            "{line}"
        );
        let label: f64 = cells[5].parse().expect("a number");
        assert!(label.abs() < 1e-6, "{line}");
    }
    assert!(card.contains("### With fewer frames") && card.contains("\n| 9 | "));
    assert!(room.read("fit.learning.svg").contains("</svg>"));
    let hidden = std::fs::read_dir(room.at()).expect("a folder");
    let names: Vec<String> = hidden
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(!names.iter().any(|n| n.starts_with('.')), "{names:?}");
}

#[test]
fn doubtful_data_are_named() {
    let room = Room::new(&DECK.replace("test = 6", "test = 6\nmethod = \"order\""));
    let mut text = argon(24, 1);
    let first: String = text.split_inclusive('\n').take(34).collect();
    text.push_str(&first);
    // A frame whose energy is of another calculation.
    let strange = argon(2, 5).replace("energy=-", "energy=-1");
    std::fs::write(room.at().join("data.extxyz"), text + &strange).expect("frames");
    let output = zundel(&["check", "fit.toml"], room.at());
    let words = said(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(output.status.success(), "{words}");
    assert!(
        words.contains("test frames are among those that are learnt from"),
        "{words}"
    );
    assert!(
        words.contains("data.extxyz, frame 0 and data.extxyz, frame 24"),
        "{words}"
    );
    assert!(words.contains("energies stand out"), "{words}");
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let refused = |deck: String, words: &[&str]| {
        let room = Room::new(&deck);
        let output = room.run(&[]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        for word in words {
            assert!(text.contains(word), "no `{word}` in\n{text}");
        }
        assert!(!room.at().join("fit.xml").exists());
    };
    refused(
        DECK.replace("test = 6", "test = 60"),
        &["24 frames cannot give"],
    );
    refused(
        DECK.replace(
            "file = \"data.extxyz\"",
            "file = \"data.extxyz\"\nenergy = \"pbe\"",
        ),
        &["no energy called `pbe`", "config_type"],
    );
    refused(
        DECK.replace("data.extxyz", "dato.extxyz"),
        &["data.extxyz", "no such file"],
    );
    refused(
        DECK.replace(
            "version = 1",
            "version = 1\n[system]\nstructure = \"data.extxyz\"",
        ),
        &["both [fit] and `system`"],
    );
    refused(
        DECK.replace("[fit.gap]", "[fit.gab]")
            .replace("fit.gap.", "fit.gab."),
        &["gap"],
    );
    refused(
        DECK.replace(
            "file = \"data.extxyz\"",
            "file = \"data.extxyz\"\nenergy_unit = \"Å\"",
        ),
        &["a length"],
    );
}

/// The model that ships is the one its deck makes: the errors of its card are those of the file.
#[test]
fn shipped_silicon_has_the_errors_of_its_card() {
    let folder = here("potentials/silicon-mlearn-gap");
    let card = std::fs::read_to_string(folder.join("ACCURACY.md")).expect("a card");
    let row = card
        .lines()
        .skip_while(|l| !l.starts_with("### Components of forces"))
        .find(|l| l.starts_with("| test |"))
        .expect("errors of test frames");
    let rmse: f64 = row
        .split('|')
        .nth(4)
        .expect("a cell")
        .trim()
        .parse()
        .expect("a number");
    let room = tempfile::tempdir().expect("a folder");
    let out = room.path().join("out.extxyz");
    let output = zundel(
        &[
            "eval",
            "silicon.xml",
            "test.extxyz",
            "-o",
            out.to_str().expect("a path"),
        ],
        &folder,
    );
    assert!(output.status.success(), "{}", said(&output));
    let read = |path: &Path| {
        zundel::io::read_frames(path, &zundel::io::ReadOptions::default()).expect("frames")
    };
    let (model, data) = (read(&out), read(&folder.join("test.extxyz")));
    let (mut sum, mut count) = (0.0, 0);
    for (m, d) in model.iter().zip(&data) {
        let pairs = m.forces().expect("forces").as_flattened().iter();
        for (a, b) in pairs.zip(d.forces().expect("forces").as_flattened()) {
            sum += (a - b) * (a - b);
            count += 1;
        }
    }
    let found = 1e3 * (sum / f64::from(count)).sqrt();
    assert!(
        (found - rmse).abs() < 0.6,
        "{found} meV/Å, the card says {rmse}"
    );
}
