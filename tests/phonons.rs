//! The job [phonons] as a user has it: against phonopy's numbers, stopped and resumed, unstable crystals, wrong decks.

mod program;

use program::*;
use std::collections::HashMap;

fn silicon_deck(lines: &str) -> Job {
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.gap]\nfile = \"{}\"\n[phonons]\n{lines}",
        silicon_gap().display()
    );
    Job::new(&silicon(), &deck)
}

/// The rows of a table by the names of its columns.
fn table(job: &Job, name: &str) -> Vec<HashMap<String, String>> {
    let text = job.read(name);
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = heads.iter().zip(line.split(','));
        cells.map(|(h, c)| (h.to_string(), c.to_string())).collect()
    };
    lines.map(row).collect()
}

fn number(row: &HashMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// Numbers of phonopy 4.10 for the same relaxed crystal, supercell and displacement, with forces of this model.
#[test]
fn silicon_as_phonopy_has_it() {
    let job = silicon_deck(
        "supercell = [2, 2, 2]\nmesh = [11, 11, 11]\npath = \"A B Γ X L K W\"\ntemperature_step = \"100 K\"\n\
         [phonons.points]\nA = [0.25, 0, 0.25]\nB = [0.1, 0.2, 0.3]\n",
    );
    let said = job.run(&[]);
    said.expect(
        0,
        &[
            "Fd-3m (227)",
            "64 atoms",
            "1 displacement to evaluate",
            "15.0036",
        ],
    );
    let bands = table(&job, "deck.bands.csv");
    let point = |name: &str| bands.iter().find(|r| r["point"] == name).unwrap();
    let expected = [
        ("Γ", [0.0, 0.0, 0.0, 15.003572, 15.003572, 15.003572]),
        (
            "X",
            [
                4.444084, 4.444084, 11.788313, 11.788313, 13.495772, 13.495772,
            ],
        ),
        (
            "L",
            [
                3.138171, 3.138171, 10.344495, 12.13159, 13.936155, 13.936155,
            ],
        ),
        (
            "K",
            [
                4.426772, 6.174839, 10.385688, 11.348811, 13.622056, 13.905889,
            ],
        ),
        (
            "W",
            [
                5.832989, 5.832989, 10.542548, 10.542548, 13.834391, 13.834391,
            ],
        ),
    ];
    for (name, frequencies) in expected {
        for (k, f) in frequencies.iter().enumerate() {
            let found = number(point(name), &format!("frequency {} (THz)", k + 1));
            assert!((found - f).abs() < 1e-5, "{name}: {found} {f}");
        }
    }
    let speeds = [
        (
            "A",
            [
                24.524554, 24.524554, 71.844406, 19.479554, 14.650424, 14.650424,
            ],
        ),
        (
            "B",
            [
                40.994944, 36.301975, 62.597173, 23.842023, 14.151130, 13.632293,
            ],
        ),
    ];
    for (name, speeds) in speeds {
        for (k, v) in speeds.iter().enumerate() {
            let found = number(point(name), &format!("group velocity {} (Å/ps)", k + 1));
            assert!((found / v - 1.0).abs() < 2e-5, "{name}: {found} {v}");
        }
    }
    // kJ/mol and J/K/mol of primitive cells.
    let expected = [
        (100.0, 11.31537668, 8.36589875, 15.470499),
        (300.0, 6.43473032, 39.45282908, 40.15624428),
        (500.0, -3.81310214, 61.62870465, 45.92816485),
    ];
    let thermal = table(&job, "deck.thermal.csv");
    for (t, free, entropy, heat) in expected {
        let row = thermal
            .iter()
            .find(|r| number(r, "temperature (K)") == t)
            .unwrap();
        let ratio = |column: &str, factor: f64, value: f64| {
            let found = 2.0 * factor * number(row, column);
            assert!(
                (found / value - 1.0).abs() < 1e-5,
                "{column}: {found} {value}"
            );
        };
        ratio("free energy (eV/atom)", 96.485_332_123, free);
        ratio("entropy (J/K/mol of atoms)", 1.0, entropy);
        ratio(
            "heat capacity at constant volume (J/K/mol of atoms)",
            1.0,
            heat,
        );
    }
    let page = job.read("deck.html");
    assert!(page.contains("<svg") && page.contains("[phonons]"));
    assert_eq!(
        job.read("deck.FORCE_CONSTANTS").lines().next(),
        Some("64 64")
    );
    // Files of a run are not replaced without being asked.
    job.run(&[]).expect(2, &["already there", "--overwrite"]);
    job.run(&["--overwrite"]).expect(0, &[]);
}

/// The expansion coefficient, which comes from entropies, is the slope of the volumes, which come from free energies.
#[test]
fn thermal_expansion_is_consistent() {
    let job =
        silicon_deck("supercell = [2, 2, 2]\nmesh = [9, 9, 9]\n[phonons.expansion]\nvolumes = 9\n");
    job.run(&[]).expect(0, &["9 volumes"]);
    let rows = table(&job, "deck.expansion.csv");
    let volume = |k: usize| number(&rows[k], "volume (Å^3/atom)");
    let alpha = |k: usize| number(&rows[k], "volume expansion coefficient (1e-6/K)");
    for k in [20, 40, 60, 90] {
        let slope = (volume(k + 1) / volume(k - 1)).ln() / 20.0 * 1e6;
        assert!(
            (slope - alpha(k)).abs() < 0.02 * alpha(k).abs() + 0.02,
            "{slope} {}",
            alpha(k)
        );
        let (cp, cv) = (
            number(
                &rows[k],
                "heat capacity at constant pressure (J/K/mol of atoms)",
            ),
            number(
                &rows[k],
                "heat capacity at constant volume (J/K/mol of atoms)",
            ),
        );
        assert!(cp > cv && cp < 1.05 * cv);
    }
    // Silicon shrinks when it is warmed from absolute zero.
    assert!(alpha(8) < 0.0 && alpha(40) > 0.0);
}

/// A run that was stopped at any moment ends with the same files.
#[test]
fn stopped_and_resumed() {
    let lines = "supercell = [2, 2, 2]\nsymmetry = false\nmesh = [5, 5, 5]\n[phonons.expansion]\nvolumes = 5\n";
    let job = silicon_deck(lines);
    // No symmetry: the two atoms of the primitive cell along three directions, to and fro.
    job.run(&[]).expect(0, &["12 displacements"]);
    let results = [
        "deck.bands.csv",
        "deck.thermal.csv",
        "deck.expansion.csv",
        "deck.html",
    ];
    let whole = results.map(|name| job.read(name));
    let displaced = job.read("deck.displacements.extxyz");
    // In the middle of a frame.
    let half = displaced.len() / 2 + 137;
    let half = (half..).find(|k| displaced.is_char_boundary(*k)).unwrap();
    job.write("deck.displacements.extxyz", &displaced[..half]);
    job.run(&["--resume"]).expect(0, &[]);
    assert_eq!(results.map(|name| job.read(name)), whole);
    assert_eq!(job.read("deck.displacements.extxyz"), displaced);
    let stopped = run(
        job.folder.path(),
        &["run", "deck.toml", "--overwrite", "--walltime", "0s"],
    );
    stopped.expect(0, &["stopped", "--resume"]);
    job.run(&["--resume"]).expect(0, &[]);
    assert_eq!(results.map(|name| job.read(name)), whole);
}

/// A body-centred cubic crystal of Lennard-Jones atoms is a saddle.
#[test]
fn an_unstable_crystal_is_called_so() {
    let bcc = "2\nLattice=\"4.2 0 0 0 4.2 0 0 0 4.2\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\nAr 0 0 0\nAr 2.1 2.1 2.1\n";
    let deck = "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\nepsilon = \"0.0103 eV\"\n\
                sigma = \"3.405 Å\"\ncutoff = \"8 Å\"\nscheme = \"force-shifted\"\n[phonons]\nsupercell = [4, 4, 4]\n";
    let job = Job::new(bcc, deck);
    let said = job.run(&[]);
    said.expect(
        0,
        &[
            "Im-3m (229)",
            "warning",
            "the crystal is not stable",
            "a saddle of the energy, not a minimum",
        ],
    );
    let bands = table(&job, "deck.bands.csv");
    assert!(bands.iter().any(|r| number(r, "frequency 1 (THz)") < -0.1));
    assert!(job.read("deck.html").contains("not stable"));
    // Far from a minimum.
    let strained = deck.replace("[phonons]", "[phonons]\nrelax = \"nothing\"");
    let odd = bcc.replace("2.1 2.1 2.1", "2.3 2.1 2.1");
    let job = Job::new(&odd, &strained);
    job.run(&[]).expect(0, &["the crystal is not relaxed"]);
}

#[test]
fn wrong_decks() {
    let job = silicon_deck("path = \"Γ Q\"\nsupercell = [1, 1, 1]\n");
    job.run(&[]).expect(
        2,
        &[
            "there is no point `Q`",
            "face-centred cubic",
            "[phonons.points]",
        ],
    );
    let job = silicon_deck("supercell = [1, 1, 1]\nbands = \"nowhere/x.csv\"\n");
    job.run(&[]).expect(2, &["the folder", "does not exist"]);
    let job = silicon_deck("displacement = 0.01\n");
    job.run(&[]).expect(2, &["`displacement` needs a unit"]);
    let job = silicon_deck("[output]\nthermo = { file = \"x.csv\" }\n");
    job.run(&[])
        .expect(2, &["`output` belongs to [md]", "keys of [phonons]"]);
    let job = silicon_deck("bands = \"x.csv\"\ndos = \"x.csv\"\n");
    job.run(&[]).expect(2, &["are the same file"]);
    let molecule = "2\n\nSi 0 0 0\nSi 0 0 2.3\n";
    let job = silicon_deck("");
    job.write("structure.xyz", molecule);
    job.run(&[]).expect(2, &["not periodic", "[vibrations]"]);
    let job = silicon_deck("");
    let said = run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(
        0,
        &[
            "supercell",
            "to evaluate the supercell 1 time,",
            "deck.bands.csv",
        ],
    );
    run(job.folder.path(), &["new", "phonons"]).expect(0, &["[phonons]"]);
}
