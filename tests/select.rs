//! `zundel select` as a person uses it.

mod common;

use common::here;
use std::path::Path;
use std::process::{Command, Output};

fn select(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zundel"))
        .arg("select")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Two families of water molecules that differ in the angle, ten of each, and one of them twice.
fn frames() -> String {
    let mut text = String::new();
    for k in 0..21 {
        let k = if k == 20 { 4 } else { k };
        let (angle, r): (f64, f64) = match k {
            0..10 => (1.82, 0.96 + 1e-3 * f64::from(k)),
            _ => (2.6, 0.96 + 1e-3 * f64::from(k)),
        };
        text.push_str(&format!(
            "3\nProperties=species:S:1:pos:R:3 energy={} pbc=\"F F F\"\nO 0 0 0\nH {r} 0 0\nH {} {} 0\n",
            -10.0 + 0.01 * f64::from(k),
            r * angle.cos(),
            r * angle.sin()
        ));
    }
    text
}

fn energies(path: &Path) -> Vec<f64> {
    let text = std::fs::read_to_string(path).expect("chosen frames");
    text.lines()
        .filter_map(|l| l.split("energy=").nth(1)?.split(' ').next()?.parse().ok())
        .collect()
}

#[test]
fn every_method_chooses_frames_that_differ() {
    let room = tempfile::tempdir().expect("a folder");
    let at = room.path();
    std::fs::write(at.join("all.extxyz"), frames()).expect("frames");
    for method in ["cur", "farthest", "k-means", "random"] {
        let arguments = [
            "all.extxyz",
            "--method",
            method,
            "-n",
            "6",
            "-o",
            "few.extxyz",
        ];
        let output = select(&arguments, at);
        assert!(output.status.success(), "{}", said(&output));
        let mut chosen = energies(&at.join("few.extxyz"));
        assert_eq!(chosen.len(), 6, "{method}");
        // The frame that is there twice is never chosen twice, but where frames are not compared.
        chosen.sort_by(f64::total_cmp);
        chosen.dedup();
        assert!(chosen.len() == 6 || method == "random", "{method}");
        let again = select(
            &[&arguments[..5], &["-o", "again.extxyz", "-j", "1"]].concat(),
            at,
        );
        assert!(again.status.success());
        let read = |name: &str| std::fs::read(at.join(name)).expect("a file");
        assert_eq!(read("few.extxyz"), read("again.extxyz"), "{method}");
    }
    // Two clusters: the nearest frames to their centres are one of each family.
    let arguments = [
        "all.extxyz",
        "--method",
        "k-means",
        "-n",
        "2",
        "-o",
        "two.extxyz",
    ];
    assert!(select(&arguments, at).status.success());
    let chosen = energies(&at.join("two.extxyz"));
    let straight = chosen.iter().filter(|e| **e >= -9.901).count();
    assert_eq!((chosen.len(), straight), (2, 1), "{chosen:?}");
}

#[test]
fn maps_and_matrices_of_every_kernel() {
    let room = tempfile::tempdir().expect("a folder");
    let at = room.path();
    std::fs::write(at.join("all.extxyz"), frames()).expect("frames");
    for kernel in ["average", "best-match", "rematch"] {
        let output = select(
            &[
                "all.extxyz",
                "--kernel",
                kernel,
                "--map",
                "map.svg",
                "--similarity",
                "k.csv",
            ],
            at,
        );
        assert!(output.status.success(), "{}", said(&output));
        let text = std::fs::read_to_string(at.join("k.csv")).expect("a matrix");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(1)
            .map(|l| {
                l.split(',')
                    .skip(1)
                    .map(|x| x.parse().expect("a number"))
                    .collect()
            })
            .collect();
        assert_eq!((rows.len(), rows[0].len()), (21, 21));
        // The same frame, the same family, the other family.
        assert!(
            (rows[4][20] - 1.0).abs() < 1e-8,
            "{kernel}: {}",
            rows[4][20]
        );
        assert!(rows[4][5] > rows[4][15] && rows[4][15] < 0.999, "{kernel}");
        let map = std::fs::read_to_string(at.join("map.csv")).expect("points");
        let first: Vec<f64> = map
            .lines()
            .skip(1)
            .map(|l| {
                l.split(',')
                    .nth(2)
                    .expect("a cell")
                    .parse()
                    .expect("a number")
            })
            .collect();
        let sides: Vec<bool> = first.iter().map(|x| *x > 0.0).collect();
        assert!(
            sides[..10].iter().all(|s| *s == sides[0]),
            "{kernel}: {first:?}"
        );
        assert!(
            sides[10..20].iter().all(|s| *s != sides[0]),
            "{kernel}: {first:?}"
        );
        let svg = std::fs::read_to_string(at.join("map.svg")).expect("a picture");
        assert!(svg.contains("principal component"));
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let room = tempfile::tempdir().expect("a folder");
    let at = room.path();
    std::fs::write(at.join("all.extxyz"), frames()).expect("frames");
    let refused = |arguments: &[&str], words: &str| {
        let output = select(arguments, at);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = said(&output);
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    refused(&["all.extxyz"], "nothing is to be written");
    refused(&["all.extxyz", "-o", "few.extxyz"], "--number");
    refused(
        &["all.extxyz", "-n", "50", "-o", "f.extxyz"],
        "there are 21",
    );
    refused(
        &["all.extxyz", "-n", "5", "-o", "all.extxyz"],
        "must not be written",
    );
    refused(&["none.extxyz", "-n", "5", "-o", "f.extxyz"], "none.extxyz");
    refused(
        &["all.extxyz", "-n", "5", "-o", "f.extxyz", "--cutoff", "5"],
        "has no unit",
    );
    refused(
        &["all.extxyz", "--method", "maxvol", "-o", "f.extxyz"],
        "--model",
    );
    let gap = here("potentials/silicon-gap/silicon.xml");
    let gap = gap.to_str().expect("a path");
    refused(
        &[
            "all.extxyz",
            "--method",
            "maxvol",
            "-o",
            "f.extxyz",
            "--model",
            gap,
        ],
        "cannot choose frames",
    );
    assert!(!at.join("f.extxyz").exists());
}
