//! The program as a user has it: decks in a folder of their own, the binary, and what it leaves behind.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zundel::io::checkpoint::Checkpoint;
use zundel::io::h5md::TrajectoryReader;

/// The binary with its arguments, in a folder.
pub fn zundel(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zundel"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a finished process has said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails the test unless the code is this one and all the words were said; a panic is never right.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) -> &Said {
        let all = self.all();
        assert_eq!(self.code, Some(code), "{all}");
        // Long messages are broken between words.
        let flat = all.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flat.contains(word), "`{word}` is not in\n{all}");
        }
        for bad in ["panicked", "bug in zundel", "RUST_BACKTRACE"] {
            assert!(!all.contains(bad), "{all}");
        }
        self
    }
}

/// Runs the binary to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Said {
    said(zundel(folder, arguments).spawn().unwrap())
}

/// Waits for a process.
pub fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits until something is true, for a minute at most.
#[track_caller]
pub fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal by its name, as in `INT`.
pub fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
}

/// A structure, a deck and a folder for them.
pub struct Job {
    pub folder: TempDir,
}

/// One cubic cell of argon.
pub const ARGON: &str = "4\nLattice=\"5.4 0 0 0 5.4 0 0 0 5.4\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n\
    Ar 0.0 0.0 0.0\nAr 0.0 2.7 2.7\nAr 2.7 0.0 2.7\nAr 2.7 2.7 0.0\n";

const LENNARD_JONES: &str =
    "[potential.lennard_jones]\nepsilon = \"0.0103 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"6.5 Å\"\n";

/// `[output]` with every kind of file, in double precision.
pub const OUTPUT: &str = "[output]\n\
    trajectory = { file = \"run.h5md\", every = \"10 steps\", precision = \"double\" }\n\
    thermo = { file = \"run.csv\", every = \"6 steps\" }\n\
    extxyz = { file = \"run.extxyz\", every = \"25 steps\" }\n\
    thermo_every = \"3 steps\"\nfinal_structure = \"last.extxyz\"\n";

impl Job {
    /// A folder with `deck.toml` and `structure.xyz`.
    pub fn new(structure: &str, deck: &str) -> Job {
        let folder = tempfile::tempdir().unwrap();
        let job = Job { folder };
        job.write("structure.xyz", structure);
        job.write("deck.toml", deck);
        job
    }

    /// Argon with `n` cells along each edge; `md` are lines of `[md]`.
    pub fn argon(n: usize, md: &str, output: &str) -> Job {
        let deck = format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\nrepeat = [{n}, {n}, {n}]\n\
             {LENNARD_JONES}[md]\ntimestep = \"4 fs\"\nseed = 7\n{md}\n{output}"
        );
        Job::new(ARGON, &deck)
    }

    /// Silicon with the GAP that ships with the program.
    pub fn silicon(md: &str, output: &str) -> Job {
        let deck = format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.gap]\nfile = \"{}\"\n\
             [md]\ntimestep = \"1 fs\"\nseed = 7\n{md}\n{output}",
            silicon_gap().display()
        );
        Job::new(&silicon(), &deck)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a piece of the deck.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let deck = self.read("deck.toml");
        assert!(deck.contains(from), "{deck}");
        self.write("deck.toml", &deck.replace(from, to));
    }

    /// `zundel run deck.toml ...`, not waited for.
    pub fn start(&self, more: &[&str]) -> Child {
        let arguments = [&["run", "deck.toml"], more].concat();
        zundel(self.folder.path(), &arguments).spawn().unwrap()
    }

    /// `zundel run deck.toml ...`.
    pub fn run(&self, more: &[&str]) -> Said {
        said(self.start(more))
    }

    /// The names in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The silicon GAP that ships with the program.
pub fn silicon_gap() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("potentials/silicon-gap/silicon.xml")
}

/// One cubic cell of silicon.
pub fn silicon() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs/silicon.xyz"))
        .unwrap()
}

/// Everything that a run has written, as bits by name.
pub type Written = BTreeMap<String, Vec<u64>>;

fn bits<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    numbers.into_iter().map(|x| x.to_bits()).collect()
}

/// All datasets of a trajectory.
pub fn trajectory(path: &Path) -> Written {
    let reader = TrajectoryReader::open(path).unwrap();
    let mut all = Written::new();
    all.insert("steps".into(), reader.steps());
    let names: Vec<String> = reader.observables().into_iter().map(|o| o.0).collect();
    for i in 0..reader.frames() {
        let frame = reader.read_frame(i).unwrap();
        let mut add = |name: &str, values: Vec<u64>| {
            all.entry(name.to_owned()).or_default().extend(values);
        };
        let atoms = &frame.system.atoms;
        add("frame steps", vec![frame.step]);
        add("times", bits([&frame.time_fs]));
        add(
            "cells",
            bits(frame.system.cell.row_vectors().as_flattened()),
        );
        add("positions", bits(atoms.positions.as_flattened()));
        assert!(frame.has_velocities);
        add("velocities", bits(atoms.velocities.as_flattened()));
        add("forces", bits(frame.forces.unwrap().as_flattened()));
        for (name, value) in names.iter().zip(&frame.observables) {
            add(&format!("observable {name}"), bits([value]));
        }
    }
    if let Some(beads) = reader.beads().unwrap() {
        all.insert("bead steps".into(), beads.steps());
        for row in 0..beads.rows() {
            let row = beads.read(row, 0..beads.number()).unwrap();
            let positions = row.positions.iter().flat_map(|b| b.as_flattened());
            let mut add = |name: &str, values: Vec<u64>| {
                all.entry(name.to_owned()).or_default().extend(values);
            };
            add("beads", bits(positions));
            add("bead energies", bits(row.energies.iter().flatten()));
        }
    }
    for s in reader.thermo().unwrap() {
        all.insert(format!("thermo {} steps", s.name), s.steps);
        all.insert(format!("thermo {} times", s.name), bits(&s.times_fs));
        all.insert(format!("thermo {}", s.name), bits(&s.values));
    }
    all
}

/// The state in a checkpoint: all but the deck, which may be written differently, and what follows from its text.
pub fn state(path: &Path) -> Written {
    let c = Checkpoint::read_file(path).unwrap();
    let atoms = &c.system.atoms;
    let mut all = Written::new();
    all.insert("step and seed".into(), vec![c.step, c.seed]);
    all.insert("energy".into(), bits([&c.energy]));
    all.insert("masses".into(), bits(&atoms.masses));
    all.insert("positions".into(), bits(atoms.positions.as_flattened()));
    all.insert("velocities".into(), bits(atoms.velocities.as_flattened()));
    all.insert("forces".into(), bits(c.forces.as_flattened()));
    all.insert("virial".into(), bits(c.virial.unwrap().as_flattened()));
    // Rings have lists of their own, among the numbers.
    if let Some((cell, positions)) = c.list {
        all.insert("list cell".into(), bits(cell.row_vectors().as_flattened()));
        all.insert("list".into(), bits(positions.as_flattened()));
    }
    for (name, values) in c.numbers.iter().filter(|n| n.0 != "mark") {
        all.insert(name.clone(), bits(values));
    }
    all
}

/// Trajectory, tables and final state of the job's usual output.
pub fn written(job: &Job, replica: &str) -> BTreeMap<String, Vec<u64>> {
    let name = |stem: &str, ending: &str| job.path(&format!("{stem}{replica}.{ending}"));
    let mut all = trajectory(&name("run", "h5md"));
    for (key, value) in state(&name("deck", "chk")) {
        all.insert(format!("checkpoint {key}"), value);
    }
    let momentum = name("momentum", "csv");
    if momentum.is_file() {
        let bytes = std::fs::read(momentum).unwrap();
        all.insert(
            "momentum".into(),
            bytes.into_iter().map(u64::from).collect(),
        );
    }
    for (stem, ending) in [
        ("run", "csv"),
        ("run", "extxyz"),
        ("run.averages", "csv"),
        ("run", "svg"),
        ("last", "extxyz"),
    ] {
        let bytes = std::fs::read(name(stem, ending)).unwrap();
        all.insert(
            format!("{stem}.{ending}"),
            bytes.into_iter().map(u64::from).collect(),
        );
    }
    all
}

/// Fails the test with the name of the first difference.
#[track_caller]
pub fn assert_same(a: &Written, b: &Written) {
    assert_eq!(
        a.keys().collect::<Vec<_>>(),
        b.keys().collect::<Vec<_>>(),
        "other quantities"
    );
    for (key, value) in a {
        let other = &b[key];
        let place = value.iter().zip(other).position(|(x, y)| x != y);
        assert!(
            value == other,
            "`{key}`: {} and {} values, the first difference at {place:?}",
            value.len(),
            other.len()
        );
    }
}
