//! What `zundel run` promises: nothing is lost, and the bits do not depend on threads, kills, limits or replicas.

mod program;

use program::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::time::{Duration, Instant};
use zundel::io::checkpoint::Checkpoint;
use zundel::io::h5md::TrajectoryReader;

const NVE: &str =
    "length = \"1500 steps\"\nvelocities = { from = \"thermal\", temperature = \"90 K\" }";
const LANGEVIN: &str = "length = \"1500 steps\"\ntemperature = \"90 K\"";

/// The frames of a trajectory that a killed process left: complete, in order, none missing.
fn check_killed(job: &Job, every: u64) {
    let path = job.path("run.h5md");
    if path.exists() {
        let reader = TrajectoryReader::open(&path).unwrap();
        let steps = reader.steps();
        let wanted: Vec<u64> = (0..steps.len() as u64).map(|i| i * every).collect();
        assert_eq!(steps, wanted);
        if let Some(last) = steps.len().checked_sub(1) {
            reader.read_frame(last).unwrap();
        }
    }
}

/// Kills runs of a job at random moments and resumes them until they are finished, and starts again from the beginning
/// until so many kills were survived. Every finished run must be the undisturbed one.
fn survive(make: impl Fn() -> Job, checkpoints: &str, kills: usize, seed: u64) {
    let undisturbed = make();
    let began = Instant::now();
    undisturbed.run(&["-q"]).expect(0, &[]);
    let longest = began.elapsed();
    let expected = written(&undisturbed, "");

    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut killed, mut resumed, mut finished) = (0, 0, 0);
    while killed < kills || finished == 0 {
        let job = make();
        job.edit("[output]\n", &format!("[output]\n{checkpoints}\n"));
        loop {
            let checkpoint = job.path("deck.chk").exists();
            let more: &[&str] = match checkpoint {
                true => &["-q", "--resume"],
                false => &["-q", "--overwrite"],
            };
            let mut child = job.start(more);
            if killed < kills {
                std::thread::sleep(longest.mul_f64(random.random()));
                if child.try_wait().unwrap().is_none() {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    killed += 1;
                    resumed += usize::from(job.path("deck.chk").exists());
                }
            }
            let said = said(child);
            check_killed(&job, 10);
            match said.code {
                None => {}
                Some(0) => break,
                other => panic!("{other:?}\n{}", said.all()),
            }
        }
        finished += 1;
        assert_same(&expected, &written(&job, ""));
    }
    // Kills before the first checkpoint prove little.
    assert!(
        2 * resumed > kills,
        "only {resumed} of {killed} kills were followed by a resume"
    );
}

#[test]
fn nve_survives_kills_between_checkpoints_by_step() {
    let checkpoints = "checkpoint = { every = \"20 steps\" }";
    survive(|| Job::argon(3, NVE, OUTPUT), checkpoints, 20, 1);
}

#[test]
fn langevin_survives_kills_between_checkpoints_by_wall_time() {
    let checkpoints = "checkpoint = { wall = \"0.02 s\" }";
    survive(|| Job::argon(3, LANGEVIN, OUTPUT), checkpoints, 20, 2);
}

#[test]
fn silicon_gap_survives_kills() {
    let md = "length = \"1200 steps\"\ntemperature = \"600 K\"";
    let checkpoints = "checkpoint = { every = \"20 steps\", wall = \"0.05 s\" }";
    survive(|| Job::silicon(md, OUTPUT), checkpoints, 8, 3);
}

/// Killed in the very first moments, when there may be no checkpoint: the way on is said, and following it works.
#[test]
fn kills_in_the_first_moments() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
    let undisturbed = Job::argon(3, "length = \"30 steps\"\ntemperature = \"90 K\"", OUTPUT);
    undisturbed.run(&["-q"]).expect(0, &[]);
    let expected = written(&undisturbed, "");
    let mut without = 0;
    for _ in 0..20 {
        let job = Job::argon(3, "length = \"30 steps\"\ntemperature = \"90 K\"", OUTPUT);
        let mut child = job.start(&["-q"]);
        std::thread::sleep(Duration::from_micros(random.random_range(0..15_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let resumed = job.run(&["--resume"]);
        if resumed.code == Some(2) {
            without += 1;
            resumed.expect(
                2,
                &[
                    "deck.chk",
                    "there is no checkpoint to go on from",
                    "--resume",
                ],
            );
            let again = job.run(&[]);
            if again.code == Some(2) {
                again.expect(2, &["of an earlier run is already there", "(--overwrite)"]);
                assert!(
                    !again.stderr.contains("go on with that run"),
                    "{}",
                    again.stderr
                );
                job.run(&["--overwrite"]).expect(0, &[]);
            }
        } else {
            resumed.expect(0, &["finished at step 30"]);
        }
        assert_same(&expected, &written(&job, ""));
    }
    assert!(without > 0, "no kill came before the first checkpoint");
}

#[test]
fn resume_needs_a_checkpoint() {
    let job = Job::argon(2, "length = \"10 steps\"", OUTPUT);
    job.run(&["--resume"]).expect(
        2,
        &[
            "deck.chk: there is no checkpoint",
            "start it without --resume",
        ],
    );
    assert_eq!(job.files(), ["deck.toml", "structure.xyz"]);
    // Without a seed in the deck, too.
    job.edit("seed = 7\n", "");
    job.run(&["--resume"])
        .expect(2, &["deck.chk: there is no checkpoint"]);
}

#[test]
fn bits_do_not_depend_on_threads() {
    // More atoms than one piece of the thermostat's work.
    let md = "length = \"60 steps\"\ntemperature = \"90 K\"";
    let runs = ["1", "2", "4"].map(|threads| {
        let job = Job::argon(7, md, OUTPUT);
        job.run(&["--threads", threads])
            .expect(0, &["finished at step 60"]);
        written(&job, "")
    });
    assert_same(&runs[0], &runs[1]);
    assert_same(&runs[0], &runs[2]);
}

#[test]
fn silicon_gap_does_not_depend_on_threads() {
    let md = "length = \"50 steps\"\ntemperature = \"600 K\"";
    let runs = ["1", "2", "4"].map(|threads| {
        let job = Job::silicon(md, OUTPUT);
        job.run(&["-j", threads]).expect(0, &[]);
        written(&job, "")
    });
    assert_same(&runs[0], &runs[1]);
    assert_same(&runs[0], &runs[2]);
}

#[test]
fn signals_stop_with_a_checkpoint() {
    let md = LANGEVIN.replace("1500", "5000");
    let undisturbed = Job::argon(3, &md, OUTPUT);
    undisturbed.run(&["-q"]).expect(0, &[]);
    let expected = written(&undisturbed, "");
    for name in ["INT", "TERM"] {
        let job = Job::argon(3, &md, OUTPUT);
        let child = job.start(&["-j1"]);
        wait_for("checkpoint", || job.path("deck.chk").exists());
        std::thread::sleep(Duration::from_millis(20));
        signal(&child, name);
        let stopped = said(child);
        stopped.expect(130, &["interrupted at step", "go on with --resume"]);
        let reached = state(&job.path("deck.chk"))["step and seed"][0];
        assert!(reached < 5000);
        check_killed(&job, 10);
        assert!(!job.path("last.extxyz").exists());
        let words = format!("resumed step {reached} ");
        job.run(&["--resume"])
            .expect(0, &[&words, "finished at step 5000, 20.0000 ps"]);
        assert_same(&expected, &written(&job, ""));
    }
}

#[test]
fn a_wall_time_limit_ends_a_run_cleanly() {
    let md = "length = \"10 ns\"\ntemperature = \"90 K\"";
    let job = Job::argon(2, md, OUTPUT);
    let began = Instant::now();
    job.run(&["--walltime", "1s"])
        .expect(0, &["the wall-time limit has come at step", "--resume"]);
    let took = began.elapsed().as_secs_f64();
    assert!((0.9..20.0).contains(&took), "{took} s");
    let step = state(&job.path("deck.chk"))["step and seed"][0];
    assert!(step > 0);
    job.run(&["--resume", "--walltime", "0.2 s"])
        .expect(0, &["the wall-time limit has come"]);
    assert!(state(&job.path("deck.chk"))["step and seed"][0] > step);
    job.run(&["--resume", "--walltime", "soon"])
        .expect(2, &["--walltime", "3h"]);
}

#[test]
fn a_finished_run_can_be_extended() {
    let md = |steps: u64| format!("length = \"{steps} steps\"\ntemperature = \"90 K\"");
    // Neither length is a multiple of the output intervals.
    let long = Job::argon(2, &md(403), OUTPUT);
    long.run(&["-q"]).expect(0, &[]);
    let job = Job::argon(2, &md(107), OUTPUT);
    job.run(&["-q"]).expect(0, &[]);
    assert_eq!(
        TrajectoryReader::open(&job.path("run.h5md"))
            .unwrap()
            .steps()
            .len(),
        11
    );
    let before = written(&job, "");
    job.run(&["--resume"])
        .expect(0, &["the run is complete", "give a longer `length`"]);
    assert_same(&before, &written(&job, ""));
    job.run(&["--resume", "--set", "md.length=403 steps"])
        .expect(0, &["finished at step 403, 1.6120 ps"]);
    assert_same(&written(&long, ""), &written(&job, ""));
    job.run(&["--resume"]).expect(
        2,
        &["`md.length` was \"403 steps\" and is now \"107 steps\""],
    );
}

#[test]
fn another_deck_is_refused() {
    let job = Job::argon(2, "length = \"20 steps\"\ntemperature = \"90 K\"", OUTPUT);
    job.run(&["-q"]).expect(0, &[]);
    let before = written(&job, "");
    job.edit("\"90 K\"", "\"91 K\"");
    job.edit("timestep = \"4 fs\"", "timestep = \"2 fs\"");
    job.run(&["--resume"]).expect(
        2,
        &[
            "the deck has changed",
            "`md.timestep` was \"4 fs\" and is now \"2 fs\"",
            "`md.temperature` was \"90 K\" and is now \"91 K\"",
            "only the length, or that of the last stage, may grow",
        ],
    );
    assert_same(&before, &written(&job, ""));
    // The same numbers in other units are no change; nor is the folder the program is called from.
    job.edit("\"91 K\"", "\"90.0 K\"");
    job.edit("timestep = \"2 fs\"", "timestep = \"0.004 ps\"");
    let elsewhere = tempfile::tempdir().unwrap();
    let deck = job.path("deck.toml");
    program::run(
        elsewhere.path(),
        &["run", deck.to_str().unwrap(), "--resume"],
    )
    .expect(0, &["complete"]);
    assert_same(&before, &written(&job, ""));
}

#[test]
fn another_model_under_the_same_name_is_refused() {
    let job = Job::silicon("length = \"20 steps\"\ntemperature = \"600 K\"", OUTPUT);
    let folder = silicon_gap().parent().unwrap().to_path_buf();
    let mut sparse = None;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::copy(&path, job.path(&name)).unwrap();
        if name.contains("sparseX") {
            sparse = Some(name);
        }
    }
    let named = silicon_gap();
    job.edit(named.to_str().unwrap(), "silicon.xml");
    // Without the digests in the file nobody else would notice a change of the sparse points.
    let xml = job.read("silicon.xml");
    let mut parts = xml.split("sparseX_md5sum=\"");
    let first = parts.next().unwrap().to_owned();
    let without = parts.fold(first, |text, rest| text + rest.split_once('"').unwrap().1);
    job.write("silicon.xml", &without);
    job.run(&["-q"]).expect(0, &[]);
    let longer = ["--resume", "--set", "md.length=30 steps"];

    let xml = job.read("silicon.xml");
    job.write("silicon.xml", &format!("{xml}\n"));
    job.run(&longer).expect(
        2,
        &[
            "silicon.xml: the model file has changed since the run began",
            "SHA-256 then:",
        ],
    );
    job.write("silicon.xml", &xml);
    // A file that the model names belongs to it.
    let sparse = sparse.unwrap();
    let points = job.read(&sparse);
    job.write(&sparse, &format!("{points}\n"));
    job.run(&longer)
        .expect(2, &[&sparse, "the model file has changed"]);
    job.write(&sparse, &points);
    // The structure is only where the run began.
    let structure = job.read("structure.xyz");
    job.write(
        "structure.xyz",
        &structure.replace("0.0 0.0 0.0\n", "0.0 0.0 0.1\n"),
    );
    job.run(&longer).expect(
        0,
        &["warning", "structure.xyz has changed since the run began"],
    );
}

#[test]
fn files_of_an_earlier_run_are_safe() {
    let job = Job::argon(2, "length = \"20 steps\"\ntemperature = \"90 K\"", OUTPUT);
    job.run(&["-q"]).expect(0, &[]);
    let before = written(&job, "");
    job.run(&[]).expect(
        2,
        &[
            "run.h5md: this file of an earlier run is already there",
            "(--resume)",
            "(--overwrite)",
        ],
    );
    assert_same(&before, &written(&job, ""));

    // A run that cannot begin replaces nothing.
    let structure = job.read("structure.xyz");
    job.write(
        "structure.xyz",
        &structure.replace("Ar 0.0 2.7 2.7", "Ar 0.0 0.0 0.0"),
    );
    job.run(&["--overwrite"]).expect(2, &["at the same place"]);
    job.write("structure.xyz", &structure);
    assert_same(&before, &written(&job, ""));

    // One that begins replaces all, also the checkpoint before the last.
    let previous = std::fs::read(job.path("deck.chk.prev")).unwrap();
    job.write("deck.failed.extxyz", "of an earlier run");
    job.run(&[
        "--overwrite",
        "--set",
        "md.seed=8",
        "--set",
        "md.length=1 steps",
    ])
    .expect(0, &[]);
    assert_ne!(std::fs::read(job.path("deck.chk.prev")).unwrap(), previous);
    for name in ["deck.chk", "deck.chk.prev"] {
        assert_eq!(state(&job.path(name))["step and seed"][1], 8);
    }
    assert!(!job.path("deck.failed.extxyz").exists());
    let rows: Vec<String> = job.read("run.csv").lines().map(str::to_owned).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].starts_with("0,0.0,"));
}

#[test]
fn the_last_checkpoint_but_one_is_used_when_the_last_is_damaged() {
    let md = "length = \"200 steps\"\ntemperature = \"90 K\"";
    let undisturbed = Job::argon(2, md, OUTPUT);
    undisturbed.run(&["-q"]).expect(0, &[]);
    let job = Job::argon(2, md, OUTPUT);
    job.edit(
        "[output]\n",
        "[output]\ncheckpoint = { every = \"30 steps\" }\n",
    );
    job.run(&["-q"]).expect(0, &[]);
    let bytes = std::fs::read(job.path("deck.chk")).unwrap();
    std::fs::write(job.path("deck.chk"), &bytes[..bytes.len() / 2]).unwrap();
    job.run(&["--resume"]).expect(
        0,
        &["warning", "damaged", "at step 180", "resumed step 180"],
    );
    assert_same(&written(&undisturbed, ""), &written(&job, ""));
    for name in ["deck.chk", "deck.chk.prev"] {
        std::fs::write(job.path(name), &bytes[..bytes.len() - 1]).unwrap();
    }
    job.run(&["--resume"]).expect(2, &["deck.chk", "damaged"]);
}

#[test]
fn another_program_or_processor_is_worth_a_word() {
    let job = Job::argon(2, "length = \"20 steps\"", OUTPUT);
    job.run(&["-q"]).expect(0, &[]);
    let path = job.path("deck.chk");
    let mut checkpoint = Checkpoint::read_file(&path).unwrap();
    checkpoint.version = "0.0.1".into();
    let set = checkpoint.numbers.get_mut("instruction_set").unwrap();
    *set = "abacus".bytes().map(f64::from).collect();
    checkpoint.write(&path).unwrap();
    let said = job.run(&["--resume", "--set", "md.length=40 steps"]);
    said.expect(0, &["warning", "zundel 0.0.1", "abacus", "last digits"]);
}

#[test]
fn one_process_at_a_time() {
    let job = Job::argon(3, "length = \"10 ns\"\ntemperature = \"90 K\"", OUTPUT);
    let child = job.start(&["-j1"]);
    wait_for("checkpoint", || job.path("deck.chk").exists());
    for more in [&["--overwrite"], &["--resume"]] {
        job.run(more)
            .expect(1, &["deck.chk", "another process is running this deck"]);
    }
    signal(&child, "INT");
    said(child).expect(130, &[]);
    check_killed(&job, 10);
    assert!(
        job.files().iter().all(|f| !f.ends_with(".lock")),
        "{:?}",
        job.files()
    );
}

#[test]
fn times_are_multiples_of_the_time_step() {
    let job = Job::argon(2, "length = \"700 steps\"\ntemperature = \"90 K\"", OUTPUT);
    job.edit("timestep = \"4 fs\"", "timestep = \"0.7 fs\"");
    job.run(&["-q"]).expect(0, &[]);
    let csv = job.read("run.csv");
    let mut lines = csv.lines();
    assert!(
        lines.next().unwrap().starts_with(
            "step,time (fs),potential_energy (eV),kinetic_energy (eV),temperature (K)"
        )
    );
    let mut count = 0;
    for (i, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let step: u64 = fields[0].parse().unwrap();
        assert_eq!(step, 6 * i as u64);
        assert_eq!(fields[1].parse::<f64>().unwrap(), step as f64 * 0.7);
        assert!(
            fields
                .iter()
                .all(|f| f.parse::<f64>().is_ok_and(f64::is_finite)),
            "{line}"
        );
        count = i + 1;
    }
    assert_eq!(count, 117);
    let reader = TrajectoryReader::open(&job.path("run.h5md")).unwrap();
    let thermo = reader.thermo().unwrap();
    let steps: Vec<u64> = (0..=700).step_by(3).collect();
    assert!(!thermo.is_empty() && thermo.iter().all(|s| s.steps == steps));
    assert_eq!(reader.read_frame(70).unwrap().time_fs, 700.0 * 0.7);
}

#[test]
fn replicas_are_independent_runs() {
    let md = "length = \"300 steps\"\ntemperature = \"90 K\"";
    let single = Job::argon(2, md, OUTPUT);
    single.run(&["-q"]).expect(0, &[]);
    let expected = written(&single, "");

    let job = Job::argon(2, &format!("{md}\nreplicas = 3"), OUTPUT);
    job.run(&[]).expect(
        0,
        &[
            "replica 3: finished at step 300",
            "over 3 replicas",
            "run.r03.h5md",
            "deck.r02.chk",
        ],
    );
    let mut one = written(&job, ".r01");
    one.remove("checkpoint sha256:/structure.xyz");
    let mut alone = expected.clone();
    alone.remove("checkpoint sha256:/structure.xyz");
    assert_same(&alone, &one);
    // The noise of the others is their own, from the first velocities on.
    for other in [".r02", ".r03"] {
        let other = written(&job, other);
        assert_eq!(other["steps"], one["steps"]);
        assert_ne!(other["velocities"], one["velocities"]);
        let same = other["velocities"]
            .iter()
            .zip(&one["velocities"])
            .filter(|(a, b)| a == b)
            .count();
        assert_eq!(same, 0);
    }
    assert_ne!(
        written(&job, ".r02")["velocities"],
        written(&job, ".r03")["velocities"]
    );

    // Killed and resumed, with another number of threads: the same bits in all of them.
    let killed = Job::argon(2, &format!("{md}\nreplicas = 3"), OUTPUT);
    killed.edit(
        "[output]\n",
        "[output]\ncheckpoint = { every = \"20 steps\" }\n",
    );
    let mut child = killed.start(&["-j1"]);
    wait_for("third replica", || killed.path("deck.r03.chk").exists());
    std::thread::sleep(Duration::from_millis(10));
    child.kill().unwrap();
    child.wait().unwrap();
    killed
        .run(&["--resume", "-j4"])
        .expect(0, &["replica 3: finished at step 300"]);
    for replica in [".r01", ".r02", ".r03"] {
        assert_same(&written(&job, replica), &written(&killed, replica));
    }
    // One of them is missing: nothing is started.
    std::fs::remove_file(killed.path("deck.r02.chk")).unwrap();
    std::fs::remove_file(killed.path("deck.r02.chk.prev")).unwrap();
    killed
        .run(&["--resume"])
        .expect(2, &["deck.r02.chk: there is no checkpoint"]);
}
