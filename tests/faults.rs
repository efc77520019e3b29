//! What goes wrong ends with a clear sentence and the right exit code, and what was written before stays readable.

mod program;

use program::*;
use std::path::Path;
use std::process::{Command, Stdio};
use zundel::io::h5md::TrajectoryReader;
use zundel::io::{FrameIndex, ReadOptions, read_frame};

const SHORT: &str = "length = \"20 steps\"\ntemperature = \"90 K\"";

/// A run that must be refused as bad input, leaving nothing behind.
#[track_caller]
fn refused(job: &Job, words: &[&str]) {
    let before = job.files();
    let said = job.run(&[]);
    said.expect(2, words);
    assert_eq!(said.stdout, "");
    assert_eq!(job.files(), before, "{}", said.all());
}

#[test]
fn bad_structures() {
    let structures: [(&str, &str, &[&str]); 6] = [
        ("Ar 0.0 2.7 2.7", "Ar nan 2.7 2.7", &["structure.xyz:4"]),
        ("Ar 0.0 2.7 2.7", "Ar 0.0 2.7", &["structure.xyz:4"]),
        (
            "Ar 0.0 2.7 2.7",
            "Ar 0.0 0.0 0.0",
            &["atoms 0 (Ar) and 1 (Ar) are at the same place", "help:"],
        ),
        (
            "5.4 0 0 0 5.4 0 0 0 5.4",
            "5.4 0 0 0 5.4 0 5.4 5.4 0",
            &["structure.xyz:2", "volume"],
        ),
        (
            "5.4 0 0 0 5.4 0 0 0 5.4",
            "5.4 0 0 0 5.4 0 0 0 0",
            &["structure.xyz:2", "no length"],
        ),
        ("4\n", "400\n", &["structure.xyz"]),
    ];
    for (from, to, words) in structures {
        let job = Job::argon(1, SHORT, OUTPUT);
        job.write("structure.xyz", &ARGON.replacen(from, to, 1));
        refused(&job, words);
    }
    let job = Job::argon(1, SHORT, OUTPUT);
    job.write("structure.xyz", "");
    refused(&job, &["structure.xyz"]);
    std::fs::remove_file(job.path("structure.xyz")).unwrap();
    refused(&job, &["there is no such file", "structure.xyz"]);
    std::fs::create_dir(job.path("structure.xyz")).unwrap();
    refused(&job, &["is a folder"]);
}

/// Copies the shipped model into the job's folder and makes the deck use the copy.
fn own_model(job: &Job) -> Vec<String> {
    let original = silicon_gap();
    let mut sparse = Vec::new();
    for entry in std::fs::read_dir(original.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::copy(&path, job.path(&name)).unwrap();
        if name.contains("sparseX") {
            sparse.push(name);
        }
    }
    job.edit(original.to_str().unwrap(), "silicon.xml");
    sparse
}

#[test]
fn bad_models() {
    let job = Job::silicon(SHORT, OUTPUT);
    let mut sparse = own_model(&job);
    sparse.sort();
    let xml = job.read("silicon.xml");
    for cut in [xml.len() / 10, xml.len() / 2, xml.len() - 10] {
        job.write("silicon.xml", &xml[..cut]);
        refused(&job, &["silicon.xml"]);
    }
    job.write("silicon.xml", "<html>not a model</html>");
    refused(&job, &["silicon.xml", "not a model file"]);
    job.write("silicon.xml", &xml);

    let points = job.read(&sparse[1]);
    let fewer: Vec<&str> = points.lines().skip(1).collect();
    job.write(&sparse[1], &fewer.join("\n"));
    refused(
        &job,
        &[&sparse[1], "the file ends after 97499 of 97500 numbers"],
    );
    job.write(
        &sparse[1],
        &points.replacen("E", "X", 1).replacen("0", "x", 1),
    );
    refused(&job, &[&sparse[1]]);
    std::fs::remove_file(job.path(&sparse[1])).unwrap();
    refused(&job, &[&sparse[1], "there is no such file"]);
    std::fs::create_dir(job.path(&sparse[1])).unwrap();
    refused(&job, &[&sparse[1]]);
}

#[test]
fn models_and_structures_that_do_not_fit() {
    let job = Job::silicon(SHORT, OUTPUT);
    job.write(
        "structure.xyz",
        &silicon().replacen("Si 0.0 0.0 0.0", "Ge 0.0 0.0 0.0", 1),
    );
    refused(
        &job,
        &[
            "structure.xyz",
            "has Ge",
            "does not know",
            "the model knows Si",
        ],
    );
    // Compressed to a third along one direction, and an atom beside another.
    let flat = silicon().replace("5.465 0.0 0.0 0.0 5.465", "1.6 0.0 0.0 0.0 5.465");
    job.write("structure.xyz", &flat);
    refused(
        &job,
        &[
            "(Si) and its own periodic image are 1.600 Å apart",
            "closest",
        ],
    );
    let near = silicon().replacen("Si 0.0 2.7325 2.7325", "Si 0.0 1.0 1.0", 1);
    job.write("structure.xyz", &near);
    refused(
        &job,
        &["atoms 0 (Si) and 1 (Si) are 1.414 Å apart", "1.716 Å"],
    );
}

#[test]
fn output_that_cannot_be() {
    let job = Job::argon(1, SHORT, &OUTPUT.replace("run.csv", "results/run.csv"));
    refused(
        &job,
        &[
            "results/run.csv: the folder results does not exist",
            "mkdir -p results",
        ],
    );
    let said = program::run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(2, &["the folder results does not exist"]);
    std::fs::create_dir(job.path("results")).unwrap();
    job.run(&[]).expect(0, &["results/run.csv"]);
    let job = Job::argon(1, SHORT, OUTPUT);
    std::fs::create_dir(job.path("run.h5md")).unwrap();
    refused(&job, &["is a folder"]);
    std::fs::remove_dir(job.path("run.h5md")).unwrap();
    // A folder where the checkpoint's `.prev` or the frame of a failure would go is not in the way of the start.
    job.write("deck.chk", "something else");
    refused(
        &job,
        &["deck.chk: this file of an earlier run is already there"],
    );
    job.run(&["--resume"])
        .expect(2, &["deck.chk", "not a checkpoint"]);
}

#[test]
fn a_full_disk_under_the_table() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: no /dev/full");
        return;
    }
    let job = Job::argon(2, "length = \"2000 steps\"\ntemperature = \"90 K\"", OUTPUT);
    job.edit("file = \"run.csv\"", "file = \"/dev/full\"");
    job.run(&[])
        .expect(1, &["cannot write: /dev/full", "No space left"]);
}

/// Limits the size of files (in blocks of 512 bytes): the disk of this process is full when one reaches it.
fn limited(job: &Job, blocks: u32, more: &[&str]) -> Said {
    let child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -f {blocks}; exec \"$0\" run deck.toml \"$@\""),
        ])
        .arg(env!("CARGO_BIN_EXE_zundel"))
        .args(more)
        .current_dir(job.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    said(child)
}

#[cfg(unix)]
#[test]
fn a_full_disk_under_the_trajectory() {
    let md = "length = \"1500 steps\"\ntemperature = \"90 K\"";
    let undisturbed = Job::argon(3, md, OUTPUT);
    undisturbed.run(&["-q"]).expect(0, &[]);
    let expected = written(&undisturbed, "");

    let job = Job::argon(3, md, OUTPUT);
    job.edit(
        "[output]\n",
        "[output]\ncheckpoint = { every = \"40 steps\" }\n",
    );
    let said = limited(&job, 1200, &[]);
    said.expect(
        1,
        &[
            "cannot write",
            "go on with --resume (from the checkpoint of step",
        ],
    );
    let reader = TrajectoryReader::open(&job.path("run.h5md")).unwrap();
    let steps = reader.steps();
    assert!(steps.len() > 3 && steps.len() < 151, "{steps:?}");
    let state = state(&job.path("deck.chk"))["step and seed"][0];
    assert!(
        state > 0 && state <= *steps.last().unwrap(),
        "{state} {steps:?}"
    );
    reader.read_frame(steps.len() - 1).unwrap();
    drop(reader);
    // Still full, then with room again: nothing is lost.
    limited(&job, 1200, &["--resume"]).expect(1, &["go on with --resume"]);
    job.run(&["--resume"]).expect(0, &["finished at step 1500"]);
    assert_same(&expected, &written(&job, ""));
}

#[cfg(unix)]
#[test]
fn no_room_for_the_first_frame() {
    let job = Job::argon(3, SHORT, OUTPUT);
    limited(&job, 4, &[]).expect(1, &["cannot write"]);
    job.run(&["--overwrite"]).expect(0, &["finished"]);
}

#[test]
fn an_exploding_run() {
    let md =
        "length = \"5000 steps\"\nvelocities = { from = \"thermal\", temperature = \"30000 K\" }";
    let job = Job::argon(3, md, OUTPUT);
    job.edit("timestep = \"4 fs\"", "timestep = \"20 fs\"");
    let said = job.run(&[]);
    said.expect(
        1,
        &[
            "the run stopped at step",
            "atom",
            "moves",
            "Å in one step",
            "nearest neighbour",
            "saved: deck.failed.extxyz",
            "help:",
        ],
    );
    let frame = read_frame(
        &job.path("deck.failed.extxyz"),
        FrameIndex::Last,
        &ReadOptions::default(),
    )
    .unwrap();
    assert_eq!(frame.system.atoms.len(), 108);
    let step = frame.value("step").unwrap().as_real().unwrap();
    assert!(
        said.stderr
            .contains(&format!("the run stopped at step {step} ")),
        "{}",
        said.stderr
    );
    TrajectoryReader::open(&job.path("run.h5md"))
        .unwrap()
        .read_frame(0)
        .unwrap();
    // Resumed, it stops at the same place.
    job.run(&["--resume"])
        .expect(1, &[&format!("the run stopped at step {step} ")]);
}

#[test]
fn atoms_closer_than_the_model_has_seen() {
    // Hot silicon with a long time step: the model's own limit stops it, with both atoms and their distance.
    let job = Job::silicon("length = \"2000 steps\"\ntemperature = \"20000 K\"", OUTPUT);
    let said = job.run(&[]);
    said.expect(
        1,
        &[
            "the run stopped at step",
            "(Si) and",
            "Å apart, closer than the model has seen (1.7",
            "saved:",
        ],
    );
    // The two are that close in the saved frame.
    let words: Vec<&str> = said.stderr.split_whitespace().collect();
    let at = words.iter().position(|w| *w == "atoms").unwrap();
    let (i, j): (usize, usize) = (
        words[at + 1].parse().unwrap(),
        words[at + 4].parse().unwrap(),
    );
    let distance: f64 = words[at + 7].parse().unwrap();
    let frame = read_frame(
        &job.path("deck.failed.extxyz"),
        FrameIndex::Last,
        &ReadOptions::default(),
    )
    .unwrap();
    let x = &frame.system.atoms.positions;
    let cell = &frame.system.cell;
    let s = cell.fractional(std::array::from_fn(|k| x[i][k] - x[j][k]));
    let d = cell.cartesian(s.map(|s| s - s.round()));
    let found = d.iter().map(|d| d * d).sum::<f64>().sqrt();
    assert!((found - distance).abs() < 1e-3, "{found} {distance}");
}

#[test]
fn a_hot_run_with_a_limit() {
    let job = Job::argon(
        2,
        "length = \"5000 steps\"\ntemperature = \"90 K\"\nguard = { max_temperature = \"60 K\" }",
        OUTPUT,
    );
    job.run(&[]).expect(
        1,
        &[
            "the temperature is",
            "above the limit of 60 K in [md.guard]",
        ],
    );
}

#[test]
fn trajectories_that_are_gone_or_foreign() {
    let longer = ["--resume", "--set", "md.length=40 steps"];
    let make = |md: &str| {
        let job = Job::argon(2, md, OUTPUT);
        job.run(&["-q"]).expect(0, &[]);
        job
    };
    let job = make(SHORT);
    let kept = std::fs::read(job.path("run.h5md")).unwrap();
    let csv = job.read("run.csv");

    std::fs::remove_file(job.path("run.h5md")).unwrap();
    job.run(&longer).expect(
        2,
        &["run.h5md: the trajectory to be continued is not there"],
    );
    assert_eq!(job.read("run.csv"), csv);
    // Of the same atoms, but another temperature.
    let other = make(&SHORT.replace("90 K", "80 K"));
    std::fs::copy(other.path("run.h5md"), job.path("run.h5md")).unwrap();
    let foreign = std::fs::read(job.path("run.h5md")).unwrap();
    job.run(&longer)
        .expect(2, &["run.h5md", "not written by the run to be resumed"]);
    assert!(
        std::fs::read(job.path("run.h5md")).unwrap() == foreign,
        "a foreign file was changed"
    );
    job.write("run.h5md", "no HDF5 at all");
    job.run(&longer).expect(2, &["run.h5md"]);
    // Of this run, but from an earlier time.
    let earlier = Job::argon(2, SHORT, OUTPUT);
    earlier
        .run(&["-q", "--set", "md.length=9 steps"])
        .expect(0, &[]);
    std::fs::copy(earlier.path("run.h5md"), job.path("run.h5md")).unwrap();
    job.run(&longer).expect(
        2,
        &["run.h5md: the trajectory has 1 frames up to step 20, and the run wrote 3"],
    );

    std::fs::write(job.path("run.h5md"), &kept).unwrap();
    job.write("run.csv", "short");
    job.run(&longer)
        .expect(2, &["run.csv: the file is too short"]);
    std::fs::remove_file(job.path("run.csv")).unwrap();
    job.run(&longer)
        .expect(2, &["run.csv: the file to be continued is not there"]);
    job.write("run.csv", &csv);
    job.run(&longer).expect(0, &["finished at step 40"]);
}

#[test]
fn one_of_several_replicas_fails() {
    // Noise decides which replica is above this temperature first; the limit is such that not all of them are.
    let md = "length = \"40 steps\"\ntemperature = \"90 K\"\nreplicas = 4\nguard = { max_temperature = \"98 K\" }";
    let job = Job::argon(2, md, OUTPUT);
    let said = job.run(&[]);
    said.expect(
        1,
        &[
            "error: replica",
            "the temperature is",
            "finished at step 40",
            "saved: deck.r0",
        ],
    );
    let finished = said.stderr.matches("finished at step 40").count();
    let failed = said.stderr.matches("the run stopped at step").count();
    assert!(
        finished >= 1 && failed >= 1 && finished + failed == 4,
        "{}",
        said.stderr
    );
}

#[test]
fn decks_of_all_kinds_of_wrong() {
    let job = Job::argon(1, SHORT, OUTPUT);
    job.edit("timestep = \"4 fs\"", "timestep = 4");
    refused(&job, &["timestep", "\"4 fs\""]);
    std::fs::remove_file(job.path("deck.toml")).unwrap();
    refused(&job, &["deck.toml", "there is no such file"]);
    std::fs::create_dir(job.path("deck.toml")).unwrap();
    refused(&job, &["deck.toml", "folder"]);
    std::fs::remove_dir(job.path("deck.toml")).unwrap();
    std::fs::write(job.path("deck.toml"), b"\xff\xfe\x00").unwrap();
    refused(&job, &["deck.toml", "UTF-8"]);
    // A system that cannot be: refused, not attempted.
    let job = Job::argon(1, SHORT, OUTPUT);
    job.edit("repeat = [1, 1, 1]", "repeat = [1000000, 1000000, 1000000]");
    refused(&job, &["structure.xyz"]);
}
