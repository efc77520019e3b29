//! The job [eos.virial] as a user has it: against the closed series of Lennard-Jones, and against brute force for molecules.

mod program;

use program::*;
use serde_json::Value;

const BOLTZMANN: f64 = 8.617333262e-5;
/// Å³ for each molecule in cm³/mol.
const CM3: f64 = 0.602214076;
/// ħ² in eV Å² amu.
const HBAR2: f64 = 4.180159e-3;

fn summary(job: &Job) -> Value {
    serde_json::from_str(&job.read("deck.summary.json")).unwrap()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap()
}

/// What dispersion beyond 3 σ adds to argon's coefficient at 100 K, less its sign (cm³/mol).
fn argon_beyond() -> f64 {
    2.0 * std::f64::consts::PI * 4.0 * 0.010323 * 3.405f64.powi(6)
        / (3.0 * 10.215f64.powi(3) * BOLTZMANN * 100.0)
        * CM3
}

#[test]
fn argon_has_the_closed_series() {
    let atom = "1\npbc=\"F F F\"\nAr 0 0 0\n";
    let deck = "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\nepsilon = \"0.010323 eV\"\n\
                sigma = \"3.405 Å\"\ncutoff = \"10.215 Å\"\nscheme = \"truncated\"\ntail = true\n[eos.virial]\n\
                temperatures = [\"100 K\", \"300 K\", \"1000 K\"]\nreference = \"measured.txt\"\n";
    let job = Job::new(atom, deck);
    std::fs::write(
        job.path("measured.txt"),
        "# after Dymond and Smith\nT_K,B_cm3_mol\n200,-48\n400,-1\n",
    )
    .unwrap();
    job.run(&[])
        .expect(0, &["Ar and Ar, rigid", "Boyle temperature"]);
    let s = summary(&job);
    let rows = s["coefficients"].as_array().unwrap();
    // The series, and the integral of the first quantum correction, summed elsewhere.
    for (row, [b, q]) in rows.iter().zip([
        [-172.764020, 1.120184],
        [-15.461537, 0.116558],
        [21.103432, 0.020224],
    ]) {
        assert!((number(row, "B_cm3_mol") - b).abs() < 1e-3, "{row}");
        assert_eq!(number(row, "error_cm3_mol"), 0.0);
        assert!(
            (number(row, "quantum_translation_cm3_mol") / q - 1.0).abs() < 1e-3,
            "{row}"
        );
        assert_eq!(number(row, "quantum_rotation_cm3_mol"), 0.0);
    }
    // Between the two measured temperatures, and outside of them.
    assert_eq!(number(&rows[1], "reference_cm3_mol"), -24.5);
    assert!(rows[2]["reference_cm3_mol"].is_null());
    assert!((number(&s, "lowest_energy_eV") + 0.010323).abs() < 1e-4);
    for file in [
        "deck.virial.csv",
        "deck.dimers.csv",
        "deck.virial.svg",
        "deck.html",
    ] {
        assert!(!job.read(file).contains("NaN"), "{file}");
    }
    // Without its tail the model ends at its cutoff, and so does the coefficient.
    let cut = deck
        .replace("tail = true\n", "")
        .replace("\nreference = \"measured.txt\"", "");
    let job = Job::new(atom, &cut);
    job.run(&[]).expect(0, &[]);
    let rows = summary(&job)["coefficients"].clone();
    let rest = argon_beyond();
    let missing = number(&rows[0], "B_cm3_mol") + 172.764020;
    assert!((missing / rest - 1.0).abs() < 0.02, "{missing} {rest}");
}

/// Legendre's polynomial points and weights.
fn legendre(n: usize) -> Vec<(f64, f64)> {
    (0..n)
        .map(|k| {
            let mut x = (std::f64::consts::PI * (k as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..50 {
                let (mut p, mut q) = (1.0, 0.0);
                for j in 0..n {
                    let j = j as f64;
                    (p, q) = (((2.0 * j + 1.0) * x * p - j * q) / (j + 1.0), p);
                }
                slope = n as f64 * (x * p - q) / (x * x - 1.0);
                x -= p / slope;
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

/// B and its corrections of translation and rotation (cm³/mol) for two dumb-bells of Lennard-Jones sites, up to 15 Å; `halves` are
/// half the lengths of the two.
fn dumb_bells(t: f64, halves: [f64; 2], epsilon: f64, sigma: f64, mass: f64) -> [f64; 3] {
    let kt = BOLTZMANN * t;
    let (turns, around) = (legendre(20), 20);
    let quantum = HBAR2 / (24.0 * kt.powi(3));
    let (reduced, inertia) = (mass, halves.map(|half| 2.0 * mass * half * half));
    let mut sums = [0.0; 3];
    let step = 0.02;
    for k in 0..750 {
        let r = (k as f64 + 0.5) * step;
        let shell = 2.0 * std::f64::consts::PI * r * r * step * CM3;
        for &(c1, w1) in &turns {
            for &(c2, w2) in &turns {
                for m in 0..around {
                    let phi = std::f64::consts::TAU * (f64::from(m) + 0.5) / f64::from(around);
                    let (s1, s2) = ((1.0 - c1 * c1).sqrt(), (1.0 - c2 * c2).sqrt());
                    let a = [s1, 0.0, c1].map(|x| x * halves[0]);
                    let b = [s2 * phi.cos(), s2 * phi.sin(), c2].map(|x| x * halves[1]);
                    let (mut u, mut force, mut torques) = (0.0, [0.0; 3], [[0.0; 3]; 2]);
                    for (p, q) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                        let d: [f64; 3] = std::array::from_fn(|k| {
                            q * b[k] - p * a[k] + if k == 2 { r } else { 0.0 }
                        });
                        let d2 = d.iter().map(|x| x * x).sum::<f64>();
                        let s6 = (sigma * sigma / d2).powi(3);
                        u += 4.0 * epsilon * (s6 * s6 - s6);
                        // On the site of the second molecule.
                        let f = d.map(|x| x * 24.0 * epsilon * (2.0 * s6 * s6 - s6) / d2);
                        let cross = |x: [f64; 3], y: [f64; 3]| {
                            [
                                x[1] * y[2] - x[2] * y[1],
                                x[2] * y[0] - x[0] * y[2],
                                x[0] * y[1] - x[1] * y[0],
                            ]
                        };
                        let (ta, tb) = (cross(a.map(|x| -p * x), f), cross(b.map(|x| q * x), f));
                        for k in 0..3 {
                            force[k] += f[k];
                            torques[0][k] += ta[k];
                            torques[1][k] += tb[k];
                        }
                    }
                    let square = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>();
                    let w = w1 * w2 / 4.0 / f64::from(around);
                    let boltzmann = (-u / kt).exp();
                    sums[0] -= shell * w * (boltzmann - 1.0);
                    if boltzmann > 0.0 {
                        let x = shell * w * quantum * boltzmann;
                        sums[1] += x * square(force) / reduced;
                        sums[2] +=
                            x * (square(torques[0]) / inertia[0] + square(torques[1]) / inertia[1]);
                    }
                }
            }
        }
    }
    sums
}

#[test]
fn nitrogen_as_brute_force_has_it() {
    let molecule = "2\npbc=\"F F F\"\nN 0 0 0.5465\nN 0 0 -0.5465\n";
    let deck = "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential]\nacts = \"between\"\n\
                [potential.lennard_jones]\nepsilon = \"0.003214 eV\"\nsigma = \"3.31 Å\"\ncutoff = \"40 Å\"\n\
                scheme = \"truncated\"\n[eos.virial]\ntemperatures = [\"100 K\", \"300 K\"]\nouter = \"15 Å\"\n\
                orientations = 128\nsets = 16\n";
    let job = Job::new(molecule, deck);
    job.run(&[])
        .expect(0, &["N2 and N2, rigid", "16 sets of 128"]);
    let rows = summary(&job)["coefficients"].clone();
    for (row, t) in rows.as_array().unwrap().iter().zip([100.0, 300.0]) {
        let [b, translation, rotation] = dumb_bells(t, [0.5465; 2], 0.003214, 3.31, 14.007);
        let (got, error) = (number(row, "B_cm3_mol"), number(row, "error_cm3_mol"));
        eprintln!("{t} K: {got:.3} ± {error:.3}, brute force {b:.3}");
        // 16 sets: 5.2 standard errors are one false alarm in 10 000; the brute force has 1e-4 of the largest term.
        assert!((got - b).abs() < 5.2 * error + 0.02, "{got} ± {error}, {b}");
        assert!(error < 0.004 * b.abs().max(50.0), "{error}");
        for (key, want) in [
            ("quantum_translation_cm3_mol", translation),
            ("quantum_rotation_cm3_mol", rotation),
        ] {
            let found = number(row, key);
            eprintln!("{key}: {found:.4}, brute force {want:.4}");
            assert!((found / want - 1.0).abs() < 0.05, "{key}: {found} {want}");
        }
    }
}

/// A molecule of two lengths, each as likely: the mean over all pairs of them.
#[test]
fn geometries_are_averaged_over() {
    let molecule = "2\npbc=\"F F F\"\nN 0 0 0.5465\nN 0 0 -0.5465\n";
    let deck = "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential]\nacts = \"between\"\n\
                [potential.lennard_jones]\nepsilon = \"0.003214 eV\"\nsigma = \"3.31 Å\"\ncutoff = \"40 Å\"\n\
                scheme = \"truncated\"\n[eos.virial]\ntemperatures = [\"150 K\"]\nouter = \"15 Å\"\ntail = \"none\"\n\
                geometries = \"shapes.xyz\"\norientations = 256\nsets = 16\n";
    let job = Job::new(molecule, deck);
    // The second lies along another axis, away from the origin: a molecule is turned about its centre of mass anyway.
    let shapes =
        "2\npbc=\"F F F\"\nN 0 0 0.45\nN 0 0 -0.45\n2\npbc=\"F F F\"\nN 3 1 1\nN 4.3 1 1\n";
    std::fs::write(job.path("shapes.xyz"), shapes).unwrap();
    job.run(&[]).expect(0, &["2 geometries"]);
    let row = &summary(&job)["coefficients"][0];
    let lengths = [0.45, 0.65];
    let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let all =
        pairs.map(|(i, j)| dumb_bells(150.0, [lengths[i], lengths[j]], 0.003214, 3.31, 14.007));
    let mean = |k: usize| all.iter().map(|b| b[k]).sum::<f64>() / 4.0;
    let (got, error) = (number(row, "B_cm3_mol"), number(row, "error_cm3_mol"));
    eprintln!(
        "{got:.3} ± {error:.3}, brute force {:.3} of {all:?}",
        mean(0)
    );
    assert!(
        (got - mean(0)).abs() < 5.2 * error + 0.02,
        "{got} ± {error}, {}",
        mean(0)
    );
    // The lengths matter: those of one length only are further off than that.
    assert!((all[0][0] - mean(0)).abs() > 5.0 * (5.2 * error + 0.02));
    for (key, k) in [
        ("quantum_translation_cm3_mol", 1),
        ("quantum_rotation_cm3_mol", 2),
    ] {
        let found = number(row, key);
        assert!(
            (found / mean(k) - 1.0).abs() < 0.05,
            "{key}: {found} {}",
            mean(k)
        );
    }
    std::fs::write(
        job.path("shapes.xyz"),
        "2\npbc=\"F F F\"\nN 0 0 0.45\nO 0 0 -0.45\n",
    )
    .unwrap();
    job.run(&["--overwrite"])
        .expect(2, &["shapes.xyz", "other atoms than the molecule"]);
}

/// Argon with krypton: the law of corresponding states says what argon's coefficient at another temperature is.
#[test]
fn one_of_each() {
    let atom = |e: &str| format!("1\npbc=\"F F F\"\n{e} 0 0 0\n");
    let epsilon = (0.010323f64 * 0.0141).sqrt();
    let sigma = 0.5 * (3.405 + 3.65);
    let t = 100.0 * epsilon / 0.010323;
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\ncutoff = \"10.5 Å\"\n\
         scheme = \"truncated\"\ntail = true\n[potential.lennard_jones.pairs]\n\
         Ar-Ar = {{ epsilon = \"0.010323 eV\", sigma = \"3.405 Å\" }}\n\
         Kr-Kr = {{ epsilon = \"0.0141 eV\", sigma = \"3.65 Å\" }}\n\
         [eos.virial]\ntemperatures = [\"{t} K\"]\nother = \"other.xyz\"\n"
    );
    let job = Job::new(&atom("Ar"), &deck);
    std::fs::write(job.path("other.xyz"), atom("Kr")).unwrap();
    job.run(&[]).expect(0, &["Ar and Kr"]);
    let row = &summary(&job)["coefficients"][0];
    let volume = (sigma / 3.405f64).powi(3);
    let want = -172.764020 * volume;
    assert!(
        (number(row, "B_cm3_mol") - want).abs() < 1e-3,
        "{row} {want}"
    );
    // ħ²/(μ σ² ε) is smaller; argon's own reduced mass is half of its mass.
    let reduced = 39.95 * 83.798 / (39.95 + 83.798);
    let quantum =
        1.120184 * volume * (0.5 * 39.95 / reduced) * (3.405 / sigma).powi(2) * 0.010323 / epsilon;
    let found = number(row, "quantum_translation_cm3_mol");
    assert!((found / quantum - 1.0).abs() < 2e-3, "{found} {quantum}");
}

/// Beyond the outermost distance: nothing, or what the energies before it say.
#[test]
fn tails_by_choice() {
    let atom = "1\npbc=\"F F F\"\nAr 0 0 0\n";
    let rest = argon_beyond();
    for (tail, missing, bound) in [("none", rest, 0.02 * rest), ("fit", 0.0, 0.005 * rest)] {
        let deck = format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\nepsilon = \"0.010323 eV\"\n\
             sigma = \"3.405 Å\"\ncutoff = \"40 Å\"\nscheme = \"truncated\"\n[eos.virial]\ntemperatures = [\"100 K\"]\n\
             outer = \"10.215 Å\"\ntail = \"{tail}\"\n"
        );
        let job = Job::new(atom, &deck);
        job.run(&[]).expect(0, &[]);
        let found = number(&summary(&job)["coefficients"][0], "B_cm3_mol") + 172.764020;
        assert!((found - missing).abs() < bound, "{tail}: {found} {missing}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let molecule = "2\npbc=\"F F F\"\nN 0 0 0.5465\nN 0 0 -0.5465\n";
    let deck = "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\nepsilon = \"0.003214 eV\"\n\
                sigma = \"3.31 Å\"\ncutoff = \"8 Å\"\n[eos.virial]\ntemperatures = [\"100 K\"]\n";
    let refused = |deck: &str, said: &[&str]| {
        Job::new(molecule, deck).run(&[]).expect(2, said);
    };
    refused(
        &deck.replace(
            "[potential.lennard_jones]",
            "[system.pack]\nmolecules = 5\ncell = \"20 Å\"\n[potential.lennard_jones]",
        ),
        &["about two molecules"],
    );
    refused(
        &deck.replace("[\"100 K\"]", "[\"-5 K\"]"),
        &["must be positive"],
    );
    let job = Job::new(molecule, &format!("{deck}reference = \"measured.txt\"\n"));
    std::fs::write(job.path("measured.txt"), "T_K,B_cm3_mol\n200,many\n").unwrap();
    job.run(&[]).expect(2, &["measured.txt:2"]);
}
