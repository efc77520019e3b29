//! The job [eos.solid] as a user has it: against lattice sums, against relaxation under pressure, against [phonons.expansion]; phases, warnings,
//! stopping and resuming.

mod program;

use program::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

const GPA: f64 = 160.21766339999996;

/// A path inside the repository.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn summary(job: &Job) -> Value {
    serde_json::from_str(&job.read("deck.summary.json")).unwrap()
}

fn number(v: &Value, path: &str) -> f64 {
    let found = v.pointer(path);
    let found = found.and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no {path} in {v:#}"))
}

/// A parameter of a form's fit to the first phase.
fn fitted(s: &Value, form: &str, what: &str) -> f64 {
    number(s, &format!("/phases/0/fits/{form}/{what}"))
}

/// A face-centred cubic crystal with one atom.
fn one_atom(a: f64) -> String {
    let h = a / 2.0;
    format!(
        "1\nLattice=\"0 {h} {h} {h} 0 {h} {h} {h} 0\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\nAr 0 0 0\n"
    )
}

fn lennard_jones(structure: &str, potential: &str, lines: &str) -> Job {
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\n{potential}\n[eos.solid]\n{lines}"
    );
    Job::new(structure, &deck)
}

/// Smooth at its cutoff, so that no shell that crosses it leaves a step.
const SMOOTH: &str =
    "epsilon = \"0.0103 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"8.5 Å\"\nscheme = \"force-shifted\"";

/// A crystal of Lennard-Jones atoms, in reduced units, beside sums over the infinite lattice: r0, E0, B0, and B0' = 8.
#[test]
fn lattice_sums() {
    let (a12, a6) = (12.131_880_196_544, 14.453_921_043_744);
    let r0 = f64::powf(2.0 * a12 / a6, 1.0 / 6.0);
    let a0 = r0 * 2f64.sqrt();
    let v0 = a0.powi(3) / 4.0;
    let e0 = -a6 * a6 / (2.0 * a12);
    // V d2E/dV2 with E = 2 (A12 r^-12 - A6 r^-6).
    let b0 =
        (2.0 * a12 * 12.0 * 15.0 * r0.powi(-12) - 2.0 * a6 * 6.0 * 9.0 * r0.powi(-6)) / (9.0 * v0);
    let potential = |cutoff: u32| {
        format!(
            "epsilon = \"1 eV\"\nsigma = \"1 Å\"\ncutoff = \"{cutoff} Å\"\nscheme = \"truncated\"\ntail = true"
        )
    };
    let lines = "smallest = 0.97\nlargest = 1.03\nvolumes = 25\n";
    let run = |cutoff: u32| {
        let job = lennard_jones(&one_atom(1.6), &potential(cutoff), lines);
        job.run(&[])
            .expect(0, &["Fm-3m (225)", "Birch-Murnaghan, 4th order"]);
        summary(&job)
    };
    let found = |s: &Value, form: &str| {
        let of = |what: &str| fitted(s, form, what);
        let edge = (4.0 * of("volume_A3_per_atom")).cbrt();
        [
            edge / a0 - 1.0,
            of("energy_eV_per_atom") / e0 - 1.0,
            of("bulk_modulus_GPa") / GPA / b0 - 1.0,
            of("bulk_modulus_derivative") / 8.0 - 1.0,
        ]
    };
    let within = |found: [f64; 4], most: [f64; 4]| {
        let sound = found.iter().zip(&most).all(|(x, m)| x.abs() < *m);
        assert!(sound, "{found:?} beyond {most:?}");
    };
    // Shells that cross the cutoff are steps of the energy, and smaller the further it is.
    let near = run(12);
    within(found(&near, "birch_murnaghan"), [1e-4, 1e-4, 2e-3, 1e-2]);
    let far = run(24);
    within(found(&far, "birch_murnaghan"), [1e-6, 1e-6, 1e-3, 2e-3]);
    within(found(&far, "birch_murnaghan_4"), [1e-6, 1e-6, 2e-4, 1e-3]);
}

/// Silicon with the shipped GAP: the volume without pressure and the bulk modulus are those of relaxations under small pressures.
#[test]
fn silicon_as_under_pressure() {
    let head = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.gap]\nfile = \"{}\"\n",
        silicon_gap().display()
    );
    let job = Job::new(
        &silicon(),
        &format!("{head}[eos.solid]\nequation = \"birch_murnaghan_4\"\n"),
    );
    job.run(&[]).expect(0, &["Fd-3m (227)", "13"]);
    let s = summary(&job);
    let volume = |pressure: f64| {
        let lines =
            format!("[relax]\nfmax = \"1e-6 eV/Å\"\n[relax.cell]\npressure = \"{pressure} GPa\"\n");
        let job = Job::new(&silicon(), &format!("{head}{lines}"));
        job.run(&[]).expect(0, &[]);
        let text = job.read("deck.relaxed.extxyz");
        let lattice = text.split("Lattice=\"").nth(1).unwrap();
        let edge: f64 = lattice.split_whitespace().next().unwrap().parse().unwrap();
        edge.powi(3) / 8.0
    };
    let h = 0.25;
    let (v0, near, far) = (
        volume(0.0),
        [volume(h), volume(-h)],
        [volume(2.0 * h), volume(-2.0 * h)],
    );
    let slope = (8.0 * (near[0] - near[1]) - (far[0] - far[1])) / (12.0 * h);
    let bulk = -v0 / slope;
    let form = "birch_murnaghan_4";
    let of = |what: &str| fitted(&s, form, what);
    let found = of("volume_A3_per_atom");
    assert!((found / v0 - 1.0).abs() < 5e-5, "{found} {v0}");
    let found = of("bulk_modulus_GPa");
    assert!((found / bulk - 1.0).abs() < 5e-3, "{found} {bulk}");
    // B = -V / V', so that dB/dP = -1 + V V'' / V'^2.
    let curvature = (16.0 * (near[0] + near[1]) - (far[0] + far[1]) - 30.0 * v0) / (12.0 * h * h);
    let derivative = v0 * curvature / (slope * slope) - 1.0;
    let found = of("bulk_modulus_derivative");
    assert!((found - derivative).abs() < 0.3, "{found} {derivative}");
    // The virial is the slope of the energy.
    assert!(number(&s, "/phases/0/virial_difference_GPa") < 0.01);
    assert!(s["warnings"].as_array().unwrap().is_empty(), "{s:#}");
}

/// Diamond and beta-tin: at the pressure of the transition two independent relaxations find the same enthalpy.
#[test]
fn a_transition() {
    let deck = std::fs::read_to_string(here("inputs/silicon-eos.toml")).unwrap();
    let model = here("potentials/silicon-mlearn-gap/silicon.xml");
    let own = deck
        .replace(
            "../potentials/silicon-mlearn-gap/silicon.xml",
            &model.display().to_string(),
        )
        .replace(
            "structure = \"silicon.xyz\"",
            "structure = \"structure.xyz\"",
        );
    let job = Job::new(&silicon(), &own);
    let tin = std::fs::read_to_string(here("inputs/silicon-beta-tin.xyz")).unwrap();
    job.write("silicon-beta-tin.xyz", &tin);
    job.run(&[])
        .expect(0, &["I4_1/amd (141)", "diamond to beta-tin at"]);
    let s = summary(&job);
    assert!(s["warnings"].as_array().unwrap().is_empty(), "{s:#}");
    let pressure = number(&s, "/transitions/0/pressure_GPa");
    assert_eq!(
        s.pointer("/transitions/0/extrapolated"),
        Some(&Value::Bool(false))
    );
    let enthalpy = |structure: &str, atoms: f64| {
        let deck = format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.gap]\nfile = \"{}\"\n\
             [relax]\nfmax = \"1e-4 eV/Å\"\n[relax.cell]\npressure = \"{pressure} GPa\"\ntolerance = \"0.001 GPa\"\n",
            model.display()
        );
        let job = Job::new(structure, &deck);
        job.run(&[]).expect(0, &[]);
        let text = job.read("deck.relaxed.extxyz");
        let comment = text.lines().nth(1).unwrap();
        let energy = comment.split(" energy=").nth(1).unwrap();
        let energy: f64 = energy.split_whitespace().next().unwrap().parse().unwrap();
        let lattice = comment.split("Lattice=\"").nth(1).unwrap();
        let rows: Vec<f64> = lattice
            .split('"')
            .next()
            .unwrap()
            .split_whitespace()
            .map(|x| x.parse().unwrap())
            .collect();
        let volume = nalgebra::Matrix3::from_row_slice(&rows).determinant();
        ((energy + pressure / GPA * volume) / atoms, volume / atoms)
    };
    let (a, va) = enthalpy(&silicon(), 8.0);
    let (b, vb) = enthalpy(&tin, 4.0);
    // A tenth of a meV is 0.003 GPa here.
    assert!((a - b).abs() < 1e-4, "{a} {b}");
    for (k, v) in [va, vb].into_iter().enumerate() {
        let found = number(&s, &format!("/transitions/0/volumes_A3_per_atom/{k}"));
        assert!((found / v - 1.0).abs() < 2e-3, "{found} {v}");
    }
    let table = job.read("deck.enthalpies.csv");
    assert!(table.starts_with("pressure_GPa,stable,enthalpy_diamond_eV_per_atom,"));
    let stable: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap())
        .collect();
    assert_eq!((stable[0], stable[100]), ("diamond", "beta-tin"));
    for picture in ["deck.eos.svg", "deck.enthalpies.svg", "deck.html"] {
        assert!(job.read(picture).contains("<svg"), "{picture}");
    }
}

/// Phonons at the same volumes are those of [phonons.expansion].
#[test]
fn expansion_as_the_phonons_have_it() {
    let cell = one_atom(5.3);
    let job = lennard_jones(
        &cell,
        SMOOTH,
        "fmax = \"1e-5 eV/Å\"\nsmallest = 0.97\nlargest = 1.15\nvolumes = 10\nequation = \"vinet\"\n[eos.solid.thermal]\nsupercell = [3, 3, 3]\nmesh = [6, 6, 6]\nmax_temperature = \"40 K\"\ntemperature_step = \"10 K\"\n",
    );
    job.run(&[]).expect(0, &["volume expansion"]);
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\n{SMOOTH}\n[phonons]\nsupercell = [3, 3, 3]\nmesh = [6, 6, 6]\n\
         max_temperature = \"40 K\"\ntemperature_step = \"10 K\"\n[phonons.expansion]\nsmallest = 0.97\nlargest = 1.15\nvolumes = 10\n"
    );
    let phonons = Job::new(&cell, &deck);
    phonons.run(&[]).expect(0, &["volume expansion"]);
    let rows = |job: &Job, file: &str| -> Vec<(Vec<String>, Vec<Vec<String>>)> {
        let text = job.read(file);
        let mut lines = text
            .lines()
            .map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
        let heads = lines.next().unwrap();
        vec![(heads, lines.collect())]
    };
    let column = |job: &Job, file: &str, part: &str| -> Vec<f64> {
        let (heads, rows) = rows(job, file).remove(0);
        let k = heads.iter().position(|h| h.contains(part));
        let k = k.unwrap_or_else(|| panic!("{part} in {heads:?}"));
        rows.iter()
            .map(|r| r[k].parse().unwrap_or(f64::NAN))
            .collect()
    };
    let volumes = column(&job, "deck.thermal.csv", "volume_A3");
    let others = column(&phonons, "deck.expansion.csv", "volume");
    assert_eq!(volumes.len(), 5);
    for (a, b) in volumes.iter().zip(&others) {
        assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
    }
    let moduli = column(&job, "deck.thermal.csv", "bulk_modulus");
    let others = column(&phonons, "deck.expansion.csv", "bulk modulus");
    for (a, b) in moduli.iter().zip(&others) {
        assert!((a / b - 1.0).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn a_stopped_run_goes_on_to_the_same_numbers() {
    // Hexagonal, so that there is a shape to relax.
    let hexagonal = "2\nLattice=\"3.8 0 0 -1.9 3.2908965343808667 0 0 0 6.3\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n\
        Ar 0 0 0\nAr 0 2.193931022920578 3.15\n";
    let new = || lennard_jones(hexagonal, SMOOTH, "");
    let whole = new();
    whole.run(&[]).expect(0, &["P6_3/mmc (194)"]);
    let job = new();
    job.run(&["--walltime", "0.000001s"])
        .expect(0, &["stopped"]);
    job.run(&["--resume"]).expect(0, &["P6_3/mmc"]);
    let files = [
        "deck.eos.csv",
        "deck.volumes.extxyz",
        "deck.summary.json",
        "deck.enthalpies.csv",
    ];
    for file in files {
        assert_eq!(whole.read(file), job.read(file), "{file}");
    }
    // From a file with some of the volumes, the last of them torn.
    let text = job.read("deck.volumes.extxyz");
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    job.write("deck.volumes.extxyz", &half);
    job.run(&["--resume"]).expect(0, &["P6_3/mmc"]);
    for file in files {
        assert_eq!(whole.read(file), job.read(file), "{file}");
    }
    job.run(&[])
        .expect(2, &["already there", "--resume", "[eos.solid]"]);
    // Threads change nothing.
    let single = new();
    single.run(&["--threads", "1"]).expect(0, &[]);
    assert_eq!(whole.read("deck.eos.csv"), single.read("deck.eos.csv"));
}

#[test]
fn what_is_odd_is_said() {
    // No volume at or below the minimum.
    let job = lennard_jones(
        &one_atom(5.3),
        SMOOTH,
        "around = \"structure\"\nsmallest = 1.08\nlargest = 1.2\n",
    );
    job.run(&[]).expect(0, &["lies outside of its volumes"]);
    // A range that no four parameters describe.
    let job = lennard_jones(
        &one_atom(5.3),
        SMOOTH,
        "smallest = 0.7\nlargest = 1.8\nequation = \"birch_murnaghan_2\"\n",
    );
    job.run(&[]).expect(0, &["misses its energies by"]);
    // Two files with one crystal, in different cells.
    let lines = "[[eos.solid.phase]]\nname = \"other\"\nstructure = \"other.xyz\"\n";
    let job = lennard_jones(&one_atom(5.3), SMOOTH, lines);
    job.write("other.xyz", ARGON);
    job.run(&[])
        .expect(0, &["are the same crystal at 13 volumes"]);
    // Fcc and simple cubic are not; at these pressures there is no transition.
    let simple = "1\nLattice=\"3.6 0 0 0 3.6 0 0 0 3.6\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\nAr 0 0 0\n";
    job.write("other.xyz", simple);
    let said = job.run(&["--overwrite"]);
    said.expect(0, &["there is no transition in this range"]);
    assert!(!said.all().contains("same crystal"));
    // Steps of the energy where shells cross a cutoff are not in the virial.
    let job = lennard_jones(
        &one_atom(5.3),
        "epsilon = \"0.0103 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"5.3 Å\"\nscheme = \"truncated\"",
        "around = \"structure\"\nsmallest = 0.9\nlargest = 1.1\nvolumes = 15\n",
    );
    job.run(&[])
        .expect(0, &["by the virial differ from the slope"]);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let job = lennard_jones(ARGON, SMOOTH, "");
    job.write("structure.xyz", &ARGON.replace("T T T", "T T F"));
    job.run(&[])
        .expect(2, &["not periodic in all three directions"]);
    job.write("structure.xyz", ARGON);
    let check = |job: &Job| run(job.folder.path(), &["check", "deck.toml"]);
    check(&job).expect(
        0,
        &[
            "14 relaxations",
            "13 volumes from 0.94 to 1.06",
            "deck.volumes.extxyz",
        ],
    );
    let deck = job.read("deck.toml");
    let phase = "[[eos.solid.phase]]\nname = \"b\"\nstructure = \"b.xyz\"\n";
    job.write("deck.toml", &format!("{deck}{phase}"));
    check(&job).expect(2, &["b.xyz"]);
    job.write("b.xyz", &ARGON.replacen("\nAr", "\nNe", 1));
    check(&job).expect(2, &["cannot be compared"]);
    job.write("deck.toml", &format!("{deck}name = \"b\"\n{phase}"));
    check(&job).expect(2, &["two phases are called `b`"]);
    job.write(
        "deck.toml",
        &format!("{deck}smallest = 1.2\nlargest = 1.1\n"),
    );
    check(&job).expect(2, &["`largest` must be above `smallest`"]);
    job.write("deck.toml", &deck.replace("[eos.solid]", "[eos]"));
    check(&job).expect(2, &["[eos.solid]"]);
}
