//! Runs that watch what a model says about its own reliability.

mod program;

use program::{Job, assert_same, silicon_gap, written};
use zundel::io::{FrameReader, ReadOptions};

/// Silicon at 1200 K under a limit; `limits` are lines of `[md.reliability.variance]`.
fn silicon(steps: u32, limits: &str) -> Job {
    let md = format!(
        "length = \"{steps} steps\"\ntemperature = \"1200 K\"\n[md.reliability.variance]\n{limits}"
    );
    Job::silicon(&md, program::OUTPUT)
}

/// Steps and largest variances of the frames in a file.
fn saved(job: &Job, name: &str) -> Vec<(f64, f64)> {
    FrameReader::open(&job.path(name), &ReadOptions::default())
        .unwrap()
        .map(|frame| {
            let frame = frame.unwrap();
            let step = frame.value("step").and_then(|v| v.as_real()).unwrap();
            let variances = frame.scalars("variance").expect("a number for each atom");
            assert_eq!(variances.len(), frame.system.atoms.len());
            (step, variances.iter().fold(0.0, |a: f64, b| a.max(*b)))
        })
        .collect()
}

/// The column of a table.
fn column(job: &Job, name: &str) -> Vec<(f64, f64)> {
    let text = job.read("run.csv");
    let mut lines = text.lines();
    let place = lines.next().unwrap().split(',').position(|c| c == name);
    let place = place.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    lines
        .map(|line| {
            let cells: Vec<f64> = line.split(',').map(|c| c.parse().unwrap()).collect();
            (cells[0], cells[place])
        })
        .collect()
}

#[test]
fn variances_are_noted_saved_and_counted() {
    let job = silicon(
        80,
        "every = \"4 steps\"\nnote = \"1e-5 eV^2\"\nsave = \"2e-5 eV^2\"\nfile = \"odd.extxyz\"",
    );
    let said = job.run(&[]);
    said.expect(
        0,
        &[
            "warning: step 0: variance of atom",
            "beyond the limit of 1.000e-5 eV^2",
            "largest variance",
            "frames above 2.000e-5 eV^2 saved",
            "odd.extxyz",
        ],
    );
    let table = column(&job, "variance (eV^2)");
    assert_eq!(table.len(), 14);
    assert!(table.iter().all(|(_, v)| *v > 0.0));
    let frames = saved(&job, "odd.extxyz");
    assert!(!frames.is_empty() && frames.iter().all(|(_, v)| *v > 2e-5));
    // What the table has above the limit is among the frames, with the same number.
    let high: Vec<_> = table.iter().filter(|(_, v)| *v > 2e-5).collect();
    assert!(!high.is_empty());
    for entry in high {
        assert!(frames.contains(entry), "{entry:?}");
    }
    // `eval` gives the same numbers for these frames.
    let model = silicon_gap();
    let model = model.to_str().unwrap();
    program::run(
        job.folder.path(),
        &["eval", model, "odd.extxyz", "-o", "again.extxyz"],
    )
    .expect(0, &[]);
    for ((step, a), (other, b)) in frames.iter().zip(saved(&job, "again.extxyz")) {
        assert_eq!(*step, other);
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn a_run_that_watches_goes_on_with_the_same_bits() {
    let limits = "every = \"4 steps\"\nsave = \"1e-5 eV^2\"\nfile = \"odd.extxyz\"\nmost = 9";
    let whole = silicon(83, limits);
    whole.run(&["-q"]).expect(0, &[]);
    let parts = silicon(83, limits);
    let cut = parts.start(&["-q", "--set", "md.length=31 steps"]);
    program::said(cut).expect(0, &[]);
    parts
        .run(&["-q", "--resume", "--set", "md.length=83 steps"])
        .expect(0, &[]);
    assert_eq!(saved(&whole, "odd.extxyz").len(), 9);
    assert_eq!(whole.read("odd.extxyz"), parts.read("odd.extxyz"));
    assert_same(&written(&whole, ""), &written(&parts, ""));
}

#[test]
fn a_run_ends_where_the_model_does_not_know() {
    let job = silicon(200, "every = \"2 steps\"\nstop = \"2e-5 eV^2\"");
    let said = job.run(&[]);
    said.expect(
        1,
        &["variance of atom", "beyond the limit of 2.000e-5 eV^2"],
    );
    let table = column(&job, "variance (eV^2)");
    assert!(table.iter().rev().skip(1).all(|(_, v)| *v <= 2e-5));
    let left = job.files();
    let dump = left.iter().find(|n| n.contains("failed")).expect("a frame");
    assert!(saved(&job, dump)[0].1 > 2e-5);
    // At the start it is a mistake of the input.
    let job = silicon(200, "stop = \"1e-9 eV^2\"");
    job.run(&[])
        .expect(2, &["structure.xyz", "beyond the limit", "raise `stop`"]);
}

#[test]
fn numbers_that_no_model_gives_are_refused() {
    let job = silicon(10, "note = \"1 eV^2\"");
    job.edit("md.reliability.variance", "md.reliability.grade");
    job.edit("\"1 eV^2\"", "2");
    job.run(&[]).expect(
        2,
        &[
            "[md.reliability.grade]: the potential gives no grade",
            "gives variance",
        ],
    );
    let job = silicon(10, "note = \"1 eV^2\"\nterm = \"none\"");
    job.run(&[]).expect(2, &["`none`"]);
}
