//! The job [elastic] as a user has it: against lattice sums, cubic symmetry, pressure, instability, stopping and resuming.

mod program;

use program::*;
use serde_json::Value;

const GPA: f64 = 160.21766339999996;

/// Argon with a cutoff between shells, so that no pair crosses it under strain.
fn argon(lines: &str) -> Job {
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.lennard_jones]\nepsilon = \"0.0103 eV\"\n\
         sigma = \"3.405 Å\"\ncutoff = \"7.9 Å\"\nscheme = \"truncated\"\n[elastic]\n{lines}"
    );
    Job::new(ARGON, &deck)
}

fn summary(job: &Job) -> Value {
    serde_json::from_str(&job.read("deck.summary.json")).unwrap()
}

fn constant(s: &Value, ions: &str, a: usize, b: usize) -> f64 {
    s["constants"][ions]["C_GPa"][a - 1][b - 1]
        .as_f64()
        .unwrap()
}

/// C11, C12, C44 (GPa, slopes of the stress) and the pressure (GPa) of a face-centred cubic crystal of Lennard-Jones atoms, by sums over
/// its shells (Born and Huang).
fn lattice_sums(a: f64) -> [f64; 4] {
    let (c12, c6) = (
        4.0 * 0.0103 * 3.405f64.powi(12),
        4.0 * 0.0103 * 3.405f64.powi(6),
    );
    let volume = a * a * a / 4.0;
    let (mut xxxx, mut xxyy, mut pressure) = (0.0, 0.0, 0.0);
    for i in -6i32..=6 {
        for j in -6i32..=6 {
            for k in -6i32..=6 {
                let [x, y, z] = [i, j, k].map(|n| f64::from(n) * a / 2.0);
                let r2 = x * x + y * y + z * z;
                if (i + j + k) % 2 != 0 || r2 == 0.0 || r2 > 7.9 * 7.9 {
                    continue;
                }
                let slope = (-12.0 * c12 / r2.powi(6) + 6.0 * c6 / r2.powi(3)) / r2;
                let curvature = (156.0 * c12 / r2.powi(6) - 42.0 * c6 / r2.powi(3)) / r2;
                let f = (curvature - slope) / r2 / (2.0 * volume);
                xxxx += f * x.powi(4);
                xxyy += f * x * x * y * y;
                pressure -= slope * r2 / (6.0 * volume);
            }
        }
    }
    // Second derivatives of the energy, then slopes of the stress: C11 - p, C12 + p, C44 - p.
    [xxxx - pressure, xxyy + pressure, xxyy - pressure, pressure].map(|x| x * GPA)
}

fn relaxed_constant(job: &Job) -> f64 {
    let text = job.read("deck.relaxed.extxyz");
    let lattice = text.split("Lattice=\"").nth(1).unwrap();
    lattice.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn argon_as_lattice_sums_have_it() {
    for pressure in ["0 GPa", "1.5 GPa"] {
        let job = argon(&format!(
            "pressure = \"{pressure}\"\nlargest_strain = 0.003\n"
        ));
        job.run(&[]).expect(
            0,
            &[
                "Fm-3m (225)",
                "C11 = C22 = C33",
                "C44 = C55 = C66",
                "stable",
            ],
        );
        let s = summary(&job);
        let [c11, c12, c44, p] = lattice_sums(relaxed_constant(&job));
        let wanted: f64 = pressure.split(' ').next().unwrap().parse().unwrap();
        assert!((p - wanted).abs() < 1e-4, "{p}");
        for ions in ["relaxed", "clamped"] {
            for (a, b, expected) in [
                (1, 1, c11),
                (3, 3, c11),
                (1, 2, c12),
                (1, 3, c12),
                (4, 4, c44),
                (6, 6, c44),
            ] {
                let found = constant(&s, ions, a, b);
                assert!(
                    (found / expected - 1.0).abs() < 2e-5,
                    "{a}{b}: {found} {expected}"
                );
            }
            for (a, b) in [(1, 4), (2, 6), (4, 5), (5, 6)] {
                assert!(constant(&s, ions, a, b).abs() < 1e-6 * c11);
            }
        }
        let bulk = s["constants"]["relaxed"]["moduli_GPa"]["bulk modulus (Hill)"]
            .as_f64()
            .unwrap();
        assert!((bulk / ((c11 + 2.0 * c12) / 3.0) - 1.0).abs() < 2e-5);
        // Energies fulfil Cauchy's relation of central forces, C12 = C44, under any pressure.
        let energies = &s["constants"]["relaxed"]["energy_derivatives_GPa"];
        let (x, y) = (
            energies[0][1].as_f64().unwrap(),
            energies[3][3].as_f64().unwrap(),
        );
        assert!((x / y - 1.0).abs() < 4e-5, "{x} {y}");
        let table = job.read("deck.elastic.csv");
        assert!(table.starts_with("ions,quantity,value,fit_error,unit\nrelaxed,C11,"));
        let page = job.read("deck.html");
        assert!(page.contains("universal anisotropy") && page.contains("<svg"));
    }
}

/// Silicon with the shipped GAP, beside QUIP: crystal relaxed by ASE's `FrechetCellFilter` and `BFGS` to 1e-5 eV/Å, differences of its
/// stress under strains of 0.1 and 0.2 %, extrapolated.
#[test]
fn silicon_has_three_constants_and_an_inner_strain() {
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n[potential.gap]\nfile = \"{}\"\n[elastic]\n",
        silicon_gap().display()
    );
    let job = Job::new(&silicon(), &deck);
    job.run(&[]).expect(0, &["Fd-3m (227)", "stable"]);
    let s = summary(&job);
    let c = |ions: &str| [(1, 1), (1, 2), (4, 4)].map(|(a, b)| constant(&s, ions, a, b));
    let (relaxed, clamped) = (c("relaxed"), c("clamped"));
    let of_quip = [147.6414, 51.7583, 73.5644];
    for (found, expected) in relaxed.iter().zip(of_quip) {
        assert!((found - expected).abs() < 1e-3, "{found} {expected}");
    }
    assert!((clamped[2] - 96.6494).abs() < 1e-3, "{}", clamped[2]);
    // The sublattices move under shear only.
    assert!((relaxed[0] - clamped[0]).abs() < 0.05 && (relaxed[1] - clamped[1]).abs() < 0.05);
    assert!(clamped[2] > relaxed[2] + 10.0);
    for (a, b) in [(1, 4), (1, 5), (4, 5)] {
        assert!(constant(&s, "relaxed", a, b).abs() < 1e-6);
    }
    // Under symmetry nothing had to be changed by much.
    let change = s["constants"]["relaxed"]["change_by_symmetry_GPa"]
        .as_f64()
        .unwrap();
    assert!(change < 0.2, "{change}");
}

/// Simple cubic argon shears by itself.
#[test]
fn an_unstable_crystal_is_no_success_in_silence() {
    let job = argon("relax = \"nothing\"\n");
    let simple = "8\nLattice=\"7.4 0 0 0 7.4 0 0 0 7.4\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n\
        Ar 0 0 0\nAr 3.7 0 0\nAr 0 3.7 0\nAr 0 0 3.7\nAr 3.7 3.7 0\nAr 3.7 0 3.7\nAr 0 3.7 3.7\nAr 3.7 3.7 3.7\n";
    std::fs::write(job.folder.path().join("structure.xyz"), simple).unwrap();
    let said = job.run(&["--set", "elastic.ions=false"]);
    said.expect(
        0,
        &[
            "NOT stable",
            "the crystal is not stable (clamped ions)",
            "not a minimum",
        ],
    );
    let s = summary(&job);
    assert_eq!(s["constants"]["clamped"]["stable"], Value::Bool(false));
    assert!(job.read("deck.html").contains("class=\"warning\""));
    assert!(job.read("deck.elastic.csv").contains("clamped,stable,0"));
}

#[test]
fn a_stopped_run_goes_on_to_the_same_numbers() {
    let whole = argon("strains = 4\n");
    whole.run(&[]).expect(0, &["stable"]);
    let job = argon("strains = 4\n");
    // The limit is over before the first batch.
    job.run(&["--walltime", "0.000001s"])
        .expect(0, &["stopped"]);
    job.run(&["--resume"]).expect(0, &["stable"]);
    assert_eq!(whole.read("deck.elastic.csv"), job.read("deck.elastic.csv"));
    // From a file with some of the strains, the last of them torn.
    let text = job.read("deck.strained.extxyz");
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    std::fs::write(job.folder.path().join("deck.strained.extxyz"), half).unwrap();
    job.run(&["--resume"]).expect(0, &["stable"]);
    assert_eq!(whole.read("deck.elastic.csv"), job.read("deck.elastic.csv"));
    assert_eq!(
        whole.read("deck.strained.extxyz"),
        job.read("deck.strained.extxyz")
    );
    job.run(&[])
        .expect(2, &["already there", "--resume", "[elastic]"]);
    job.run(&["--overwrite"]).expect(0, &["stable"]);
}

#[test]
fn what_cannot_be_strained_is_refused() {
    let job = argon("");
    let path = job.folder.path().join("structure.xyz");
    std::fs::write(&path, ARGON.replace("T T T", "T T F")).unwrap();
    job.run(&[]).expect(
        2,
        &["structure.xyz", "not periodic in all three directions"],
    );
    let said = run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(2, &["not periodic"]);
    std::fs::write(&path, ARGON).unwrap();
    let said = run(job.folder.path(), &["check", "deck.toml"]);
    said.expect(
        0,
        &[
            "36: six components, 3 of each sign",
            "space group Fm-3m",
            "deck.strained.extxyz",
        ],
    );
}
