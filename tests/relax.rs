//! Relaxations: known minima with every method, cells, symmetry, saddles, what does not converge, bands, and the jobs as a user has them.

mod common;
mod program;

use common::{fcc, rattle};
use program::*;
use std::sync::Arc;
use zundel::elements::{Element, Species};
use zundel::potential::pair::{LennardJones, PairParameters, Scheme};
use zundel::potential::{Evaluator, Local, Term};
use zundel::relax::{
    BandEnd, BandSettings, CellSettings, End, Filter, Interpolation, Method, Settings, Snapshot,
    band, relax, resume,
};
use zundel::system::{Atoms, Cell, System};

const METHODS: [Method; 3] = [Method::Lbfgs, Method::Preconditioned, Method::Fire];

/// Lennard-Jones with ε = σ = 1 eV, Å.
fn reduced(cutoff: f64, scheme: Scheme, tail: bool) -> Evaluator {
    let p = PairParameters {
        epsilon: 1.0,
        sigma: 1.0,
        cutoff,
    };
    let model = LennardJones::uniform(p, scheme, tail).unwrap();
    Evaluator::new(vec![Term::new("lj", Arc::new(Local(model)))], 0.5)
}

fn cluster(positions: &[[f64; 3]]) -> System {
    let mut atoms = Atoms::default();
    let argon = Species::natural(Element::from_symbol("Ar").unwrap());
    positions.iter().for_each(|x| atoms.push(argon, *x));
    System {
        cell: Cell::isolated(),
        atoms,
    }
}

/// A pentagonal bipyramid.
fn seven() -> System {
    let mut x: Vec<[f64; 3]> = (0..5)
        .map(|k| {
            let a = 2.0 * std::f64::consts::PI * f64::from(k) / 5.0;
            [0.95 * a.cos(), 0.95 * a.sin(), 0.0]
        })
        .collect();
    x.extend([[0.0, 0.0, 0.55], [0.0, 0.0, -0.55]]);
    cluster(&x)
}

/// An icosahedron with an atom in its middle.
fn thirteen() -> System {
    let g = 0.5 * (1.0 + 5f64.sqrt());
    let mut x = vec![[0.0; 3]];
    for a in [-1.0, 1.0] {
        for b in [-g, g] {
            x.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]]);
        }
    }
    cluster(&x.iter().map(|x| x.map(|x| 0.57 * x)).collect::<Vec<_>>())
}

/// Minima of the Cambridge Cluster Database, from their places with a noise of 0.1.
#[test]
fn clusters_with_every_method() {
    for (start, energy) in [(seven(), -16.505384168), (thirteen(), -44.326801420)] {
        for method in METHODS {
            for seed in 1..4 {
                let mut system = start.clone();
                rattle(&mut system, 0.1, seed);
                let settings = Settings {
                    max_steps: 10_000,
                    ..Settings::atoms(1e-7).by(method)
                };
                let mut evaluator = reduced(50.0, Scheme::Truncated, false);
                let outcome = relax(&mut system, &mut evaluator, &settings, &mut |_| true).unwrap();
                let off = outcome.measure.energy - energy;
                println!(
                    "{method:?} {}: {} calls, {off:.1e}",
                    system.atoms.len(),
                    outcome.calls
                );
                assert_eq!(outcome.end, End::Converged);
                assert!(off.abs() < 1e-8, "{method:?}: {off}");
            }
        }
    }
}

/// The infinite crystal: a0 = 1.5417373827, E0 = -8.6102001567 (lattice sums), with a cutoff of 12 and tail corrections.
#[test]
fn crystal_of_lennard_jones() {
    let (a0, e0) = (1.5417373827, -8.6102001567);
    for filter in [Filter::Frechet, Filter::UnitCell] {
        let mut system = fcc("Ar", 1.58, 1);
        rattle(&mut system, 0.02, 1);
        // The energy of a truncated potential jumps at its cutoff, which ends some line searches.
        let mut settings = Settings::atoms_and_cell(1e-3);
        settings.cell = Some(CellSettings {
            filter,
            ..CellSettings::default()
        });
        let mut evaluator = reduced(12.0, Scheme::Truncated, true);
        let outcome = relax(&mut system, &mut evaluator, &settings, &mut |_| true).unwrap();
        let end = outcome.end;
        assert!(matches!(end, End::Converged | End::Rounding), "{end:?}");
        let a = outcome.measure.volume.cbrt();
        let e = outcome.measure.energy / 4.0;
        assert!((a - a0).abs() < 1e-4 && (e - e0).abs() < 1e-4, "{a} {e}");
    }
}

/// A smooth potential for cells.
fn smooth() -> Evaluator {
    reduced(4.0, Scheme::ForceShifted, false)
}

#[test]
fn pressure_and_stress_are_reached() {
    let targets = [
        [[-2.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, -2.0]],
        [[-3.0, 0.3, 0.0], [0.3, -2.0, 0.2], [0.0, 0.2, -1.0]],
    ];
    for target in targets {
        for method in METHODS {
            let mut system = fcc("Ar", 1.56, 1);
            rattle(&mut system, 0.03, 2);
            let mut settings = Settings::atoms_and_cell(1e-6).by(method);
            settings.max_steps = 20_000;
            settings.cell = Some(CellSettings {
                target,
                tolerance: Some(1e-6),
                ..CellSettings::default()
            });
            let outcome = relax(&mut system, &mut smooth(), &settings, &mut |_| true).unwrap();
            assert_eq!(outcome.end, End::Converged, "{method:?} {target:?}");
            for (found, wanted) in outcome
                .measure
                .stress
                .as_flattened()
                .iter()
                .zip(target.as_flattened())
            {
                assert!((found - wanted).abs() < 2e-6, "{found} {wanted}");
            }
        }
    }
}

#[test]
fn symmetry_is_kept() {
    // Body-centred tetragonal, with a noise that the tolerance takes for rounding.
    let mut system = fcc("Ar", 1.6, 1);
    let stretch = nalgebra::Matrix3::from_diagonal(&nalgebra::Vector3::new(1.0, 1.0, 1.1));
    system.cell = system.cell.deformed(&stretch).unwrap();
    system.atoms.positions.iter_mut().for_each(|x| x[2] *= 1.1);
    let group = |s: &System| zundel::system::SpaceGroup::of(s, 1e-6).unwrap();
    let before = group(&system);
    rattle(&mut system, 1e-4, 3);
    assert!(group(&system).operations.len() < 8);
    let mut settings = Settings::atoms_and_cell(1e-7);
    settings.keep_symmetry = Some(1e-2);
    let mut least = usize::MAX;
    let outcome = relax(&mut system, &mut smooth(), &settings, &mut |step| {
        least = least.min(group(step.system).operations.len());
        true
    });
    assert_eq!(outcome.unwrap().end, End::Converged);
    assert!(least >= before.operations.len(), "{least}");
}

#[test]
fn saddles_are_told_and_left() {
    let line = cluster(&[[-1.1, 0.0, 0.0], [0.0; 3], [1.1, 0.0, 0.0]]);
    let mut settings = Settings::atoms(1e-6);
    settings.verify = true;
    let mut evaluator = reduced(20.0, Scheme::Truncated, false);
    let mut system = line.clone();
    let outcome = relax(&mut system, &mut evaluator, &settings, &mut |_| true).unwrap();
    assert_eq!(outcome.end, End::Saddle);
    assert!(!outcome.converged() && outcome.curvature.unwrap().lowest < -0.01);
    settings.leave_saddles = true;
    let mut system = line;
    let outcome = relax(&mut system, &mut evaluator, &settings, &mut |_| true).unwrap();
    assert_eq!(outcome.end, End::Converged);
    assert!((outcome.measure.energy + 3.0).abs() < 1e-8);
    let curvature = outcome.curvature.unwrap();
    assert!(
        !curvature.is_saddle() && curvature.lowest > 10.0,
        "{curvature:?}"
    );
}

#[test]
fn what_is_no_minimum_is_not_passed_off_as_one() {
    let end = |settings: &Settings, system: &mut System| {
        relax(system, &mut smooth(), settings, &mut |_| true)
            .unwrap()
            .end
    };
    // Nothing holds a crystal that is pulled apart.
    let mut pulled = Settings::atoms_and_cell(1e-6);
    pulled.cell = Some(CellSettings::under_pressure(-20.0));
    let found = end(&pulled, &mut fcc("Ar", 1.6, 1));
    assert!(
        matches!(found, End::SoftCell(ratio) if ratio > 2.0),
        "{found:?}"
    );
    let mut start = fcc("Ar", 1.6, 2);
    rattle(&mut start, 0.05, 1);
    let few = Settings {
        max_steps: 2,
        ..Settings::atoms(1e-6)
    };
    assert_eq!(end(&few, &mut start.clone()), End::TooManySteps);
    // Below what numbers can give.
    let fine = Settings::atoms(1e-18);
    let found = end(&fine, &mut start.clone());
    assert!(
        matches!(found, End::Rounding | End::TooManySteps),
        "{found:?}"
    );
    // Two atoms at one place.
    let mut twice = start.clone();
    twice.atoms.positions[1] = twice.atoms.positions[0];
    assert!(matches!(end(&fine, &mut twice), End::Failed(_)));
    assert_eq!(End::Rounding.word(), "rounding");
}

#[test]
fn held_atoms_stay() {
    let mut system = fcc("Ar", 1.6, 2);
    rattle(&mut system, 0.05, 1);
    let before = system.atoms.positions.clone();
    let mut settings = Settings::atoms(1e-6);
    settings.held = vec![[false; 3]; before.len()];
    settings.held[0] = [true; 3];
    settings.held[5] = [false, true, false];
    for method in METHODS {
        let mut system = system.clone();
        let settings = settings.clone().by(method);
        let outcome = relax(&mut system, &mut smooth(), &settings, &mut |_| true).unwrap();
        assert_eq!(outcome.end, End::Converged, "{method:?}");
        assert_eq!(system.atoms.positions[0], before[0]);
        assert_eq!(system.atoms.positions[5][1], before[5][1]);
        assert_ne!(system.atoms.positions[5][0], before[5][0]);
    }
}

/// Stopped after any step and gone on with in a new process: the same bits.
#[test]
fn resumed_with_the_same_bits() {
    let start = {
        let mut s = fcc("Ar", 1.65, 2);
        rattle(&mut s, 0.08, 4);
        s
    };
    for method in METHODS {
        let mut settings = Settings::atoms_and_cell(1e-5).by(method);
        settings.max_steps = 5000;
        let mut whole = start.clone();
        let expected = relax(&mut whole, &mut smooth(), &settings, &mut |_| true).unwrap();
        assert_eq!(expected.end, End::Converged, "{method:?}");
        for after in [1, 4, expected.steps - 1] {
            let mut text = String::new();
            let mut first = start.clone();
            relax(&mut first, &mut smooth(), &settings, &mut |step| {
                if step.step == after {
                    text = serde_json::to_string(&step.snapshot()).unwrap();
                }
                step.step < after
            })
            .unwrap();
            let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
            let mut second = start.clone();
            let mut go = |_: &zundel::relax::Step<'_>| true;
            let found = resume(&mut second, &mut smooth(), &settings, snapshot, &mut go).unwrap();
            assert_eq!(second, whole, "{method:?} after {after}");
            assert_eq!(
                (found.steps, found.calls, found.measure),
                (expected.steps, expected.calls, expected.measure)
            );
        }
    }
}

/// A vacancy hops in a crystal: by symmetry the saddle lies half way, where a relaxation that keeps the symmetry finds it.
#[test]
fn vacancy_hop() {
    let a = 1.5496;
    let mut crystal = fcc("Ar", a, 3);
    let hop = crystal.atoms.positions[1];
    let (vacancy, mut rest) = (crystal.atoms.positions[0], crystal.atoms.clone());
    for list in [&mut rest.positions, &mut rest.velocities] {
        list.remove(0);
    }
    rest.masses.remove(0);
    rest.elements.remove(0);
    crystal.atoms = rest;
    let at = |x: [f64; 3]| {
        let mut s = crystal.clone();
        s.atoms.positions[0] = x;
        s
    };
    let (mut first, mut last) = (at(hop), at(vacancy));
    let mut half = at(std::array::from_fn(|k| 0.5 * (hop[k] + vacancy[k])));
    let settings = Settings::atoms(1e-6);
    for end in [&mut first, &mut last] {
        let outcome = relax(end, &mut smooth(), &settings, &mut |_| true).unwrap();
        assert!(outcome.converged());
    }
    let symmetric = Settings {
        keep_symmetry: Some(1e-3),
        verify: true,
        ..settings
    };
    let saddle = relax(&mut half, &mut smooth(), &symmetric, &mut |_| true).unwrap();
    assert!(saddle.measure.fmax < 1e-6);
    for interpolation in [Interpolation::Linear, Interpolation::Idpp] {
        let settings = BandSettings {
            images: 5,
            fmax: 1e-4,
            spring: 5.0,
            climb: true,
            interpolation,
            max_steps: 5000,
            max_move: 0.1,
            held: Vec::new(),
        };
        let mut go = |_: &zundel::relax::BandStep<'_>| true;
        let path = band(&first, &last, &mut smooth(), &settings, None, &mut go).unwrap();
        assert_eq!(path.end, BandEnd::Converged);
        let barrier = saddle.measure.energy - path.images[0].energy;
        println!(
            "{} steps, barrier {} and {barrier}",
            path.steps,
            path.barrier()
        );
        assert_eq!(path.highest, 3);
        assert!((path.barrier() - barrier).abs() < 1e-6 && barrier > 0.5);
        assert!((path.barrier_back() - barrier).abs() < 1e-6);
    }
}

const LENNARD_JONES: &str = "[potential.lennard_jones]\nepsilon = \"0.0103 eV\"\nsigma = \"3.405 Å\"\ncutoff = \"6.5 Å\"\nscheme = \"force-shifted\"\n";

fn argon_deck(system: &str, relax: &str) -> Job {
    Job::new(
        ARGON,
        &format!(
            "version = 1\n[system]\nstructure = \"structure.xyz\"\n{system}{LENNARD_JONES}[relax]\n{relax}"
        ),
    )
}

#[test]
fn one_structure_as_a_user_has_it() {
    let job = argon_deck(
        "",
        "trajectory = \"way.extxyz\"\nverify = true\n[relax.cell]\npressure = \"0.1 GPa\"\n",
    );
    job.run(&[]).expect(
        0,
        &[
            "converged after",
            "Fm-3m (225) before, Fm-3m (225) now",
            "deck.relaxed.extxyz",
        ],
    );
    let frame = job.read("deck.relaxed.extxyz");
    for word in ["converged=T", "space_group=", "stress=", "energy="] {
        assert!(frame.contains(word), "{frame}");
    }
    let ways = job.read("way.extxyz").matches("Lattice").count();
    let steps = job.read("deck.steps.csv");
    assert!(steps.starts_with(
        "step,calls,energy (eV),enthalpy (eV),fmax (eV/Å),stress excess (GPa),volume (Å^3)\n"
    ));
    let rows = steps.lines().count();
    assert_eq!(ways + 1, rows);
    assert!(job.read("deck.steps.svg").contains("<svg"));
    job.run(&[]).expect(2, &["already there", "--overwrite"]);
    job.run(&["--resume"]).expect(0, &["nothing to resume"]);
    let job = argon_deck("", "max_steps = 1\nfmax = \"1e-9 eV/Å\"\n[relax.cell]\n");
    job.run(&[])
        .expect(1, &["did not converge in 1 steps", "max_steps"]);
    assert!(job.read("deck.relaxed.extxyz").contains("converged=F"));
}

const RATTLED: &str = "fmax = \"1e-4 eV/Å\"\n[relax.cell]\n[relax.rattle]\ncopies = 60\ndisplacement = \"0.1 Å\"\nstrain = 0.02\n";

#[test]
fn many_structures_with_any_number_of_threads() {
    let results = |threads: &str| {
        let job = argon_deck("", RATTLED);
        job.run(&["--threads", threads])
            .expect(0, &["60: 60 converged", "evaluations"]);
        (
            job.read("deck.relaxed.extxyz"),
            job.read("deck.relaxed.csv"),
        )
    };
    let one = results("1");
    assert_eq!(one.1.lines().count(), 61);
    let head = "structure,file,frame,atoms,end,steps,calls,energy (eV),energy (eV/atom),enthalpy (eV),fmax (eV/Å),";
    assert!(one.1.starts_with(head));
    assert!(results("2") == one && results("3") == one);
}

#[test]
fn files_by_pattern_and_frames() {
    let job = argon_deck("", "fmax = \"1e-3 eV/Å\"\n");
    for name in ["a1.xyz", "a2.xyz", "b1.xyz"] {
        job.write(name, &format!("{ARGON}{ARGON}"));
    }
    job.edit("\"structure.xyz\"", "\"a?.xyz\"");
    job.run(&[]).expect(0, &["2: 2 converged"]);
    job.run(&["--overwrite", "--set", "system.frame=all"])
        .expect(0, &["4: 4 converged"]);
    job.run(&["--overwrite", "--set", "system.structure=c*.xyz"])
        .expect(2, &["no file has a name like this"]);
}

/// Killed at any moment, what is done stays, and the rest is done as if nothing had happened.
#[test]
fn many_structures_killed_and_resumed() {
    let lines = RATTLED.replace("copies = 60", "copies = 3000");
    let job = argon_deck("", &lines);
    let child = zundel(job.folder.path(), &["run", "deck.toml", "--threads", "2"])
        .spawn()
        .unwrap();
    wait_for("structures", || {
        std::fs::metadata(job.path("deck.relaxed.extxyz")).is_ok_and(|m| m.len() > 20_000)
    });
    signal(&child, "INT");
    said(child).expect(130, &["--resume"]);
    let child = zundel(job.folder.path(), &["run", "deck.toml", "--resume"])
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(150));
    signal(&child, "KILL");
    said(child);
    job.run(&["--resume"])
        .expect(0, &["resumed", "3000 converged"]);
    let whole = argon_deck("", &lines);
    whole.run(&[]).expect(0, &["3000 converged"]);
    for file in ["deck.relaxed.extxyz", "deck.relaxed.csv"] {
        assert!(job.read(file) == whole.read(file), "{file}");
    }
}

#[test]
fn a_band_as_a_user_has_it() {
    let job = argon_deck("", "");
    let text = job.read("deck.toml").replace("[relax]\n", "");
    // An atom beside a layer of atoms goes from one hollow to the next.
    let surface = |x: f64| {
        let mut text = String::from(
            "17\nLattice=\"10.8 0 0 0 10.8 0 0 0 20\" Properties=species:S:1:pos:R:3 pbc=\"T T F\"\n",
        );
        for i in 0..4 {
            for j in 0..4 {
                let (a, b) = (2.7 * f64::from(i), 2.7 * f64::from(j));
                text += &format!("Ar {a} {b} {}\n", 5.0 + 1.9 * f64::from((i + j) % 2));
            }
        }
        text + &format!("Ar {x} 5.4 8.7\n")
    };
    job.write("structure.xyz", &surface(2.7));
    job.write("end.xyz", &surface(8.1));
    job.write(
        "deck.toml",
        &format!("{text}[neb]\nend = \"end.xyz\"\nimages = 5\n"),
    );
    let said = job.run(&[]);
    said.expect(0, &["barrier", "eV forth", "deck.profile.csv"]);
    let profile = job.read("deck.profile.csv");
    assert!(profile.starts_with(
        "image,along (Å),energy (eV),energy above the first (eV),slope (eV/Å),role\n"
    ));
    assert_eq!(profile.lines().count(), 8);
    assert_eq!(job.read("deck.path.extxyz").matches("Lattice").count(), 7);
    job.run(&["--overwrite", "--set", "neb.end=structure.xyz"])
        .expect(2, &["same structure"]);
}
