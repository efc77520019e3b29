//! The decks of `inputs/` and of the manual run as they are (shortened), so that they never rot.

mod common;

use common::here;
use std::path::{Path, PathBuf};
use std::process::Command;
use zundel::io::h5md::TrajectoryReader;

const STEPS: u64 = 20;

/// Files of a folder with one of these extensions, in order.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").path())
        .filter(|p| {
            p.extension()
                .is_some_and(|e| extensions.iter().any(|x| e == *x))
        })
        .collect();
    found.sort();
    found
}

/// The folders of the models that ship.
fn models() -> Vec<PathBuf> {
    let list = std::fs::read_dir(here("potentials")).expect("a folder");
    let mut list: Vec<PathBuf> = list.map(|e| e.expect("an entry").path()).collect();
    list.retain(|p| p.is_dir());
    list.sort();
    list
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
}

/// Whether a deck is one of dynamics.
fn is_dynamics(deck: &Path) -> bool {
    let text = std::fs::read_to_string(deck).expect("a deck");
    text.lines().any(|l| l.trim_end() == "[md]")
}

/// What makes the state points of a fluid short.
fn short_points(deck: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(deck).expect("a deck");
    let mut set = Vec::new();
    if text.contains("[eos.fluid]") {
        for key in ["shortest", "longest"] {
            set.push(format!("eos.fluid.{key}=\"{STEPS} steps\""));
        }
        set.push("eos.fluid.sample=\"1 steps\"".to_owned());
        if text.contains("[eos.fluid.melt]") {
            set.push(format!("eos.fluid.melt.length=\"{STEPS} steps\""));
        }
    }
    set.into_iter()
        .flat_map(|s| ["--set".to_owned(), s])
        .collect()
}

/// Runs a deck, dynamics and state points for a few steps and other jobs whole.
fn run_shortened(deck: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zundel"));
    command.arg("run").arg(deck).args(["--threads", "2"]);
    if is_dynamics(deck) {
        command.args(["--set", &format!("md.length=\"{STEPS} steps\"")]);
    }
    command.args(short_points(deck));
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", deck.display());
    if is_dynamics(deck) {
        let end = format!("finished at step {STEPS}");
        assert!(said.contains(&end), "{}: {said}", deck.display());
    } else {
        check_tables(deck);
    }
}

/// The tables of a job other than dynamics: at least one, with the name of the deck, with a head and rows of as many cells.
fn check_tables(deck: &Path) {
    let stem = deck.file_stem().expect("a name").to_string_lossy();
    let folder = deck.parent().expect("a folder");
    let own = |p: &PathBuf| {
        let name = p.file_name().expect("a name").to_string_lossy();
        name.starts_with(&format!("{stem}."))
    };
    let tables: Vec<PathBuf> = files(folder, &["csv"]).into_iter().filter(own).collect();
    assert!(!tables.is_empty(), "{} writes no table", deck.display());
    for table in tables {
        let text = std::fs::read_to_string(&table).expect("a table");
        let name = table.display();
        assert!(text.lines().count() >= 2, "{name}");
        assert!(!text.contains("NaN") && !text.contains("inf,"), "{name}");
    }
}

#[test]
fn every_deck_of_inputs_runs() {
    let room = tempfile::tempdir().expect("a temporary folder");
    let inputs = room.path().join("inputs");
    std::fs::create_dir(&inputs).expect("a folder");
    for file in files(&here("inputs"), &["toml", "xyz", "txt", "cfg"]) {
        std::fs::copy(&file, inputs.join(file.file_name().expect("a name"))).expect("a copy");
    }
    for folder in models() {
        let name = folder.file_name().expect("a name");
        copy(&folder, &room.path().join("potentials").join(name));
    }
    let decks = files(&inputs, &["toml"]);
    assert!(decks.len() >= 3);
    for deck in decks {
        let text = std::fs::read_to_string(&deck).expect("a deck");
        let name = deck.display();
        assert!(
            text.contains("# Figures to expect"),
            "{name} does not say what comes out"
        );
        run_shortened(&deck);
        if !is_dynamics(&deck) {
            continue;
        }
        // Of replicas, the first.
        let written = |ending: &str| {
            let file = deck.with_extension(ending);
            match file.is_file() {
                true => file,
                false => deck.with_extension(format!("r01.{ending}")),
            }
        };
        let trajectory =
            TrajectoryReader::open(&written("h5md")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(trajectory.frames() >= 1, "{name}");
        assert!(trajectory.has_velocities(), "{name}");
        let table = std::fs::read_to_string(written("csv")).expect("a table");
        assert!(table.starts_with("step,time (fs),potential_energy (eV)"));
        assert!(
            !table.contains("NaN") && table.lines().count() >= 2,
            "{name}"
        );
    }
}

/// The blocks of a Markdown file that are in a language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    markdown
        .split(&format!("\n```{language}\n"))
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect()
}

#[test]
fn every_deck_of_the_manual_runs() {
    let mut pages = files(&here("docs"), &["md"]);
    pages.push(here("README.md"));
    let mut decks = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        let complete = blocks(&text, "toml")
            .into_iter()
            .filter(|b| b.starts_with("version = 1"));
        for (k, deck) in complete.enumerate() {
            let room = tempfile::tempdir().expect("a temporary folder");
            // The names that the manual uses.
            models().iter().for_each(|folder| copy(folder, room.path()));
            for file in files(&here("inputs"), &["xyz", "txt"]) {
                std::fs::copy(&file, room.path().join(file.file_name().expect("a name")))
                    .expect("a copy");
            }
            let stem = page.file_stem().expect("a name").to_string_lossy();
            let path = room.path().join(format!("{stem}-{k}.toml"));
            std::fs::write(&path, deck).expect("a deck");
            run_shortened(&path);
            decks += 1;
        }
    }
    assert!(
        decks >= 3,
        "only {decks} decks found: has their mark changed?"
    );
}

#[test]
fn the_python_of_the_readme_reads_the_trajectory() {
    let python = std::env::var("ZUNDEL_PYTHON").unwrap_or_else(|_| "python3".into());
    let probe = Command::new(&python)
        .args(["-c", "import h5py, MDAnalysis"])
        .output();
    if !probe.is_ok_and(|o| o.status.success()) {
        println!(
            "skipped: {python} has no h5py and MDAnalysis (set ZUNDEL_PYTHON to one that has)"
        );
        return;
    }
    let room = tempfile::tempdir().expect("a temporary folder");
    copy(
        &here("potentials/silicon-gap"),
        &room.path().join("potentials/silicon-gap"),
    );
    let inputs = room.path().join("inputs");
    std::fs::create_dir(&inputs).expect("a folder");
    for name in ["silicon-nvt.toml", "silicon.xyz"] {
        std::fs::copy(here("inputs").join(name), inputs.join(name)).expect("a copy");
    }
    run_shortened(&inputs.join("silicon-nvt.toml"));
    let text = std::fs::read_to_string(here("README.md")).expect("the README");
    let programs = blocks(&text, "python");
    assert!(programs.len() >= 2);
    for program in programs {
        let output = Command::new(&python)
            .current_dir(room.path())
            .args(["-c", program])
            .output()
            .expect("Python starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}\n{said}");
        assert!(!output.stdout.is_empty(), "{program}");
    }
}
