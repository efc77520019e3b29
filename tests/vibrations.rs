//! The job [vibrations] as a user has it: against independent numbers, saddles, isotopes, stopping and resuming, wrong decks.

mod common;
mod program;

use program::*;
use serde_json::Value;

fn summary(job: &Job) -> Value {
    serde_json::from_str(&job.read("deck.summary.json")).unwrap()
}

fn wavenumbers(s: &Value, isotopologue: usize) -> Vec<f64> {
    let modes = s["isotopologues"][isotopologue]["modes"]
        .as_array()
        .unwrap();
    modes
        .iter()
        .map(|m| m["wavenumber_per_cm"].as_f64().unwrap())
        .collect()
}

fn molecule(name: &str, lines: &str) -> Job {
    let model = common::here(&format!("potentials/{name}-sgdml/{name}.npz"));
    let structure = std::fs::read_to_string(common::here(&format!("inputs/{name}.xyz"))).unwrap();
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.sgdml]\nfile = \"{}\"\n[vibrations]\n{lines}",
        model.display()
    );
    Job::new(&structure, &deck)
}

/// Argon's potential.
const LJ: &str =
    "[potential.lennard_jones]\nepsilon = \"0.0103 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"20 Å\"\n";

fn argon(positions: &str, lines: &str) -> Job {
    let atoms = positions.lines().count();
    let structure = format!("{atoms}\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\n{positions}\n");
    let deck =
        format!("version = 1\n[system]\nstructure = \"structure.xyz\"\n{LJ}[vibrations]\n{lines}");
    Job::new(&structure, &deck)
}

/// Frequencies (cm⁻¹) of ASE 3.29's `Vibrations` (0.002 Å, nfree 2) after its `BFGS`, with forces of the sgdml package 1.0.3.
const ETHANOL: [f64; 21] = [
    274.032, 313.845, 417.177, 784.674, 877.267, 1030.756, 1067.390, 1105.217, 1236.231, 1320.372,
    1338.830, 1371.706, 1415.865, 1418.346, 1450.803, 2882.764, 2956.243, 3012.881, 3042.705,
    3065.613, 3697.248,
];
const BENZENE: [f64; 30] = [
    399.969, 399.971, 600.263, 600.265, 668.323, 709.917, 836.793, 836.808, 961.317, 961.329,
    981.385, 994.405, 1000.890, 1035.126, 1035.132, 1131.328, 1153.926, 1153.931, 1316.469,
    1374.754, 1465.742, 1465.749, 1609.150, 1609.154, 3109.704, 3116.594, 3116.606, 3124.709,
    3124.722, 3134.159,
];

#[test]
fn frequencies_are_those_of_ase_with_the_package() {
    for (name, group, expected) in [
        ("ethanol", "C1", &ETHANOL[..]),
        ("benzene", "D6h", &BENZENE[..]),
    ] {
        let mut found = Vec::new();
        for lines in ["", "analytic = false\ndisplacement = \"0.002 Å\"\n"] {
            let job = molecule(name, lines);
            job.run(&[]).expect(0, &["converged", group, "a minimum"]);
            let s = summary(&job);
            assert_eq!(s["is_minimum"], Value::Bool(true));
            let w = wavenumbers(&s, 0);
            assert_eq!(w.len(), expected.len());
            for (a, b) in w.iter().zip(expected) {
                assert!((a - b).abs() < 0.1, "{name} {lines}: {a} {b}");
            }
            // Differences leave of rotations what ASE's leave.
            let rigid = s["isotopologues"][0]["largest_rigid_per_cm"].as_f64();
            let most = if lines.is_empty() { 0.5 } else { 5.0 };
            assert!(rigid.is_some_and(|r| r < most), "{rigid:?}");
            found.push(w);
            let table = job.read("deck.frequencies.csv");
            assert!(table.starts_with("isotopologue,mode,wavenumber (cm^-1),energy (meV),"));
            assert_eq!(table.lines().count(), 1 + expected.len());
            assert!(job.read("deck.html").contains("Thermochemistry"));
            assert!(job.read("deck.frequencies.svg").contains("<svg"));
        }
        for (a, b) in found[0].iter().zip(&found[1]) {
            assert!((a - b).abs() < 0.05, "{name}: {a} {b}");
        }
    }
}

/// Every mode of one set of masses, the product rule of Teller and Redlich between two (Z. phys. Chem. B 28, 371 (1935)).
#[test]
fn isotopes_come_from_the_same_second_derivatives() {
    let job = molecule(
        "ethanol",
        "[[vibrations.isotope]]\nname = \"OD\"\natoms = \"8\"\nmass = \"D\"\n[[vibrations.isotope]]\nname = \"d6\"\nelements = [\"H\"]\nmass = \"D\"\n",
    );
    let oxygen_first = job.read("structure.xyz");
    // The hydrogen of the hydroxyl group is the one nearest to the oxygen.
    let rows: Vec<(String, [f64; 3])> = oxygen_first
        .lines()
        .skip(2)
        .map(|l| {
            let w: Vec<&str> = l.split_whitespace().collect();
            (
                w[0].to_owned(),
                [w[1], w[2], w[3]].map(|x| x.parse().unwrap()),
            )
        })
        .collect();
    let o = rows.iter().find(|r| r.0 == "O").unwrap().1;
    let away = |x: &[f64; 3]| (0..3).map(|k| (x[k] - o[k]).powi(2)).sum::<f64>();
    let h = (0..rows.len())
        .filter(|i| rows[*i].0 == "H")
        .min_by(|a, b| away(&rows[*a].1).total_cmp(&away(&rows[*b].1)))
        .unwrap();
    let path = job.folder.path().join("deck.toml");
    let deck = std::fs::read_to_string(&path)
        .unwrap()
        .replace("atoms = \"8\"", &format!("atoms = \"{h}\""));
    std::fs::write(&path, deck).unwrap();
    job.run(&[]).expect(0, &["OD:", "d6:"]);
    let s = summary(&job);
    let (light, od, d6) = (wavenumbers(&s, 0), wavenumbers(&s, 1), wavenumbers(&s, 2));
    // The O-H stretch is the highest; only it falls, by nearly √2.
    let ratio = light[20]
        / od.iter()
            .copied()
            .find(|w| (2600.0..2850.0).contains(w))
            .unwrap();
    assert!((1.36..1.40).contains(&ratio), "{ratio}");
    let moments = |k: usize| -> f64 {
        let m = s["isotopologues"][k]["moments_of_inertia_u_Angstrom2"]
            .as_array()
            .unwrap();
        m.iter().map(|x| x.as_f64().unwrap()).product()
    };
    let (mh, md) = (1.008, 2.01410177812);
    let masses = |heavy: usize| 2.0 * 12.011 + 15.999 + (6 - heavy) as f64 * mh + heavy as f64 * md;
    for (k, heavy, w) in [(1, 1, &od), (2, 6, &d6)] {
        let found: f64 = w.iter().zip(&light).map(|(a, b)| a / b).product();
        let expected = (mh / md).powf(1.5 * heavy as f64)
            * (masses(heavy) / masses(0)).powf(1.5)
            * (moments(k) / moments(0)).sqrt();
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn saddles_and_forces_are_said_plainly() {
    // Three atoms on a line, at rest: a saddle of second order.
    let line = "Ar -3.8206 0 0\nAr 0 0 0\nAr 3.8206 0 0";
    let job = argon(line, "");
    job.run(&[]).expect(
        0,
        &[
            "2 modes are imaginary",
            "a saddle of order 2, not a minimum",
        ],
    );
    let s = summary(&job);
    assert_eq!(s["is_minimum"], Value::Bool(false));
    assert_eq!(s["isotopologues"][0]["imaginary_modes"], 2);
    assert_eq!(s["isotopologues"][0]["point_group"], "D∞h");
    let table = job.read("deck.frequencies.csv");
    let first: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    assert!(
        first[2].starts_with('-') && first[8] == "imaginary",
        "{first:?}"
    );
    let page = job.read("deck.html");
    assert!(page.contains("saddle of order 2, not a minimum"));
    // Far from rest, and not relaxed.
    let bent = "Ar -3.5 0 0\nAr 0 0.4 0\nAr 3.4 0 0";
    let job = argon(bent, "relax = false\n");
    let said = job.run(&[]);
    said.expect(0, &["forces are not small", "relax = true"]);
    assert!(
        summary(&job)["warnings"]
            .as_array()
            .is_some_and(|w| !w.is_empty())
    );
}

#[test]
fn animated_modes_show_the_displacements() {
    let job = argon(
        "Ar 0 0 0\nAr 3.9 0 0",
        "fmax = \"1e-9 eV/Å\"\nframes = 8\namplitude = \"0.2 Å\"\n",
    );
    job.run(&[])
        .expect(0, &["1 mode;", "D∞h, symmetry number 2"]);
    let frames = zundel::io::read_frames(
        &job.folder.path().join("deck.modes.extxyz"),
        &Default::default(),
    )
    .unwrap();
    assert_eq!(frames.len(), 8);
    let apart =
        |k: usize| frames[k].system.atoms.positions[1][0] - frames[k].system.atoms.positions[0][0];
    let rest = 3.405 * 2f64.powf(1.0 / 6.0);
    assert!((apart(0) - rest).abs() < 1e-4 && ((apart(2) - rest).abs() - 0.4).abs() < 1e-4);
    assert!((apart(2) + apart(6) - 2.0 * rest).abs() < 1e-4);
    // ħω of ½ k x², k = 57.1464378708552 ε/σ², reduced mass 39.95/2 u.
    let omega = (57.1464378708552f64 * 0.0103 / 3.405f64.powi(2) / (0.5 * 39.95)).sqrt();
    let expected = zundel::vibrations::wavenumber(omega);
    let found = wavenumbers(&summary(&job), 0)[0];
    assert!((found / expected - 1.0).abs() < 2e-4, "{found} {expected}");
}

/// A crystal by differences: stopped after any block, it goes on to the same bits.
#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    let make = || {
        let deck = format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\nrepeat = [2, 2, 2]\n[potential.gap]\nfile = \"{}\"\n[vibrations]\nmodes = false\n",
            silicon_gap().display()
        );
        Job::new(&silicon(), &deck)
    };
    let whole = make();
    whole
        .run(&[])
        .expect(0, &["192 × 192", "from differences of forces", "a minimum"]);
    let s = summary(&whole);
    assert_eq!(s["isotopologues"][0]["rigid_motions"], 3);
    let w = wavenumbers(&s, 0);
    // The optical modes at Γ: 15.0036 THz in the relaxed cell, which is 0.02 % smaller.
    assert!((w[188] - 500.467).abs() < 0.05, "{}", w[188]);
    let job = make();
    let mut stops = 0;
    loop {
        let mut arguments = vec!["--walltime", "0.7s"];
        if stops > 0 {
            arguments.push("--resume");
        }
        let said = job.run(&arguments);
        said.expect(0, &[]);
        if !said.all().contains("stopped; --resume") && !said.all().contains("nothing was kept") {
            break;
        }
        stops += 1;
        assert!(stops < 200);
    }
    for file in [
        "deck.frequencies.csv",
        "deck.thermochemistry.csv",
        "deck.relaxed.extxyz",
    ] {
        assert_eq!(whole.read(file), job.read(file), "{file}, {stops} stops");
    }
    // What was found serves other masses at once; another structure is refused.
    let again = job.run(&["--resume", "--set", "system.masses.Si=\"30 u\""]);
    again.expect(0, &["a minimum"]);
    assert_ne!(
        whole.read("deck.frequencies.csv"),
        job.read("deck.frequencies.csv")
    );
    job.run(&["--resume", "--set", "vibrations.displacement=\"0.01 Å\""])
        .expect(2, &["belongs to another run"]);
    job.run(&[]).expect(2, &["already there", "[vibrations]"]);
}

#[test]
fn held_atoms_and_checks() {
    let job = argon(
        "Ar 0 0 0\nAr 3.8 0 0\nAr 1.9 3.3 0",
        "[vibrations.fixed]\natoms = \"0\"\n",
    );
    job.run(&[])
        .expect(0, &["6 modes; nothing is left out", "1 of them held"]);
    let s = summary(&job);
    assert_eq!(s["isotopologues"][0]["ensemble"], "harmonic");
    let said = run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(
        0,
        &[
            "6 × 6, in closed form",
            "nothing: atoms are held",
            "deck.hessian.npz",
        ],
    );
    job.run(&["--overwrite", "--set", "vibrations.fixed.atoms=\"0-2\""])
        .expect(2, &["nothing can vibrate"]);
    job.run(&["--overwrite", "--set", "vibrations.fixed.atoms=\"7\""])
        .expect(2, &["atom 7"]);
}

/// At 0.1 MPa, against ASE 3.26's `IdealGasThermo` with the same frequencies.
#[test]
fn thermochemistry_table_has_what_is_asked_for() {
    let job = molecule(
        "benzene",
        "[vibrations.thermochemistry]\nmax_temperature = \"400 K\"\ntemperature_step = \"100 K\"\n",
    );
    job.run(&[]).expect(
        0,
        &[
            "symmetry number 12",
            "ideal gas of rigid rotors at 1.0000 bar",
        ],
    );
    let table = job.read("deck.thermochemistry.csv");
    let rows: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(rows, ["0", "100", "200", "298.15", "300", "400"]);
    assert!(!table.contains("NaN") && !table.contains("inf"));
}
