//! Runs with `[md.exchange]`: files, resuming, threads, messages.

use crate::program::*;
use std::collections::BTreeMap;

const LADDER: &str =
    "[md.exchange]\ntemperatures = [\"60 K\", \"62 K\", \"65 K\"]\nevery = \"7 steps\"\n";

fn job(md: &str) -> Job {
    Job::argon(2, &format!("length = \"90 steps\"\n{md}"), OUTPUT)
}

fn decks() -> Vec<(&'static str, String)> {
    let barostat = |keys: &str| {
        let pressures = "pressures = [\"500 bar\", \"600 bar\", \"800 bar\"]\n";
        format!("{LADDER}{pressures}{keys}")
    };
    vec![
        ("langevin", LADDER.to_owned()),
        (
            "nose_hoover",
            format!("{LADDER}[md.thermostat.nose_hoover]\n"),
        ),
        (
            "cell_rescaling",
            barostat(
                "[md.barostat.cell_rescaling]\npressure = \"1 bar\"\nbulk_modulus = \"1 GPa\"\n",
            ),
        ),
        (
            "mtk",
            barostat("[md.barostat.mtk]\npressure = \"1 bar\"\ncoupling = \"triclinic\"\n"),
        ),
        ("rings", format!("beads = 4\n{LADDER}")),
        (
            "rings at constant pressure",
            format!(
                "beads = 3\n{LADDER}[md.barostat.bzp]\npressure = \"500 bar\"\n[md.ring_polymer]\norder = \"takahashi_imada\"\n"
            ),
        ),
    ]
}

const REPLICAS: [&str; 3] = [".r01", ".r02", ".r03"];

/// What all replicas and the ladder have written.
fn everything(job: &Job) -> BTreeMap<String, Vec<u64>> {
    let mut all = BTreeMap::new();
    for r in REPLICAS {
        for (key, value) in written(job, r) {
            all.insert(format!("{r} {key}"), value);
        }
    }
    let book = job.read("deck.exchange.csv").into_bytes();
    all.insert("book".into(), book.into_iter().map(u64::from).collect());
    all
}

fn accepted(job: &Job) -> bool {
    let book = job.read("deck.exchange.csv");
    book.lines().skip(1).any(|l| !l.ends_with(",1,2,3"))
}

#[test]
fn exchanges_resume_to_the_bit() {
    for (name, md) in decks() {
        let whole = job(&md);
        whole
            .run(&["-j1"])
            .expect(0, &["finished at step 90", "exchange with next"]);
        assert!(accepted(&whole), "{name}: nothing was exchanged");
        let expected = everything(&whole);
        // Killed after the checkpoints of the middle, and while the last ones were written.
        for (threads, at, lost) in [("2", "31", 3), ("1", "35", 1), ("4", "42", 2)] {
            let stopped = job(&md);
            stopped.edit(
                "[output]\n",
                &format!("[output]\ncheckpoint = {{ every = \"{at} steps\" }}\n"),
            );
            stopped.run(&["-q", &format!("-j{threads}")]).expect(0, &[]);
            for r in &REPLICAS[3 - lost..] {
                std::fs::remove_file(stopped.path(&format!("deck{r}.chk"))).unwrap();
            }
            let said = stopped.run(&["--resume", &format!("-j{threads}")]);
            said.expect(0, &["resumed", "finished at step 90", "going on from step"]);
            eprintln!("{name}, {threads} threads, {lost} lost");
            assert_same(&expected, &everything(&stopped));
        }
    }
}

#[test]
fn a_replica_that_meets_nobody_is_a_run_of_its_own() {
    let ladder = LADDER.replace("7 steps", "100 steps");
    let together = job(&ladder);
    together.run(&["-q"]).expect(0, &[]);
    let alone = job("temperature = \"60 K\"\n");
    alone.run(&["-q"]).expect(0, &[]);
    for (ending, stem) in [("csv", "run"), ("extxyz", "last")] {
        assert_eq!(
            together.read(&format!("{stem}.r01.{ending}")),
            alone.read(&format!("{stem}.{ending}"))
        );
    }
    let warm = together.read("run.r03.csv");
    assert!(warm != together.read("run.r01.csv"));
}

#[test]
fn the_book_says_who_is_where() {
    let job = job(LADDER);
    job.run(&["-q"]).expect(0, &[]);
    let book = job.read("deck.exchange.csv");
    let mut lines = book.lines();
    assert_eq!(
        lines.next().unwrap(),
        "step,time (fs),configuration at 60 K,configuration at 62 K,configuration at 65 K"
    );
    let steps: Vec<u64> = (0..90).step_by(7).collect();
    let mut found = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        found.push(fields[0].parse::<u64>().unwrap());
        let mut who: Vec<u32> = fields[2..].iter().map(|f| f.parse().unwrap()).collect();
        who.sort_unstable();
        assert_eq!(who, [1, 2, 3]);
    }
    assert_eq!(found, steps);
    // The column of the conserved energy has no step where configurations change places.
    for r in REPLICAS {
        let table = job.read(&format!("run{r}.csv"));
        let mut lines = table.lines();
        let head: Vec<&str> = lines.next().unwrap().split(',').collect();
        let column = head.iter().position(|h| h.starts_with("conserved_energy"));
        let values: Vec<f64> = lines
            .map(|l| l.split(',').nth(column.unwrap()).unwrap().parse().unwrap())
            .collect();
        for pair in values.windows(2) {
            assert!((pair[1] - pair[0]).abs() < 5e-3, "{r}: {values:?}");
        }
    }
}

#[test]
fn checkpoints_of_different_runs_are_refused() {
    let job = job(LADDER);
    job.edit(
        "[output]\n",
        "[output]\ncheckpoint = { every = \"30 steps\" }\n",
    );
    job.run(&["-q"]).expect(0, &[]);
    // Of step 90 and 60 in one, of nothing older than 90 in another that only has this one.
    std::fs::remove_file(job.path("deck.r01.chk")).unwrap();
    std::fs::remove_file(job.path("deck.r02.chk.prev")).unwrap();
    job.run(&["--resume"]).expect(
        2,
        &[
            "no checkpoint of the same step",
            "1: 60",
            "2: 90",
            "--overwrite",
        ],
    );
    job.run(&[]).expect(2, &["earlier run", "--overwrite"]);
    job.run(&["-q", "--overwrite"]).expect(0, &[]);
}
