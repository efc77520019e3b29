//! The other commands: what they print, where, and with which exit code.

mod program;

use program::*;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use zundel::elements::Species;
use zundel::io::h5md::{
    BeadData, BeadOptions, Existing, FrameData, TrajectoryOptions, TrajectoryWriter,
};
use zundel::io::{ColumnData, FrameIndex, ReadOptions, Value, read_frame, read_frames};
use zundel::system::Cell;

/// A folder with `si.xyz`: two frames of silicon, the second rattled, with velocities.
fn silicon_frames() -> Job {
    let job = Job::silicon("length = \"20 steps\"\ntemperature = \"600 K\"", OUTPUT);
    job.run(&["-q"]).expect(0, &[]);
    let frames = job.read("run.extxyz");
    job.write("si.xyz", &format!("{frames}{}", job.read("last.extxyz")));
    job
}

fn here(job: &Job) -> &Path {
    job.folder.path()
}

#[test]
fn without_arguments_there_is_help() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &[]);
    said.expect(
        2,
        &["Usage: zundel", "run", "check", "eval", "convert", "bench"],
    );
    run(folder.path(), &["--help"]).expect(0, &["Usage: zundel"]);
    run(folder.path(), &["--version"]).expect(0, &["zundel "]);
    run(folder.path(), &["new", "nvt", "-j", "100000"]).expect(2, &["100000", "1024"]);
    run(folder.path(), &["ruin"]).expect(2, &["'run'"]);
    run(folder.path(), &["run", "--resume", "--overwrite", "x.toml"])
        .expect(2, &["cannot be used with"]);
    run(folder.path(), &["info", "nothing"]).expect(2, &["nothing: there is no such file"]);
    run(folder.path(), &["info", "."]).expect(2, &["folder"]);
}

#[test]
fn eval_to_standard_output_and_to_a_file() {
    let job = silicon_frames();
    let model = silicon_gap();
    let model = model.to_str().unwrap();
    let printed = run(here(&job), &["eval", model, "si.xyz"]);
    printed.expect(0, &[]);
    assert_eq!(printed.stderr, "");
    let said = run(here(&job), &["eval", model, "si.xyz", "-o", "out.extxyz"]);
    said.expect(0, &["wrote out.extxyz: 2 frames"]);
    assert_eq!(said.stdout, "");
    assert_eq!(job.read("out.extxyz"), printed.stdout);

    let frames = read_frames(&job.path("out.extxyz"), &ReadOptions::default()).unwrap();
    let original = read_frames(&job.path("si.xyz"), &ReadOptions::default()).unwrap();
    for (frame, original) in frames.iter().zip(&original) {
        assert_eq!(
            frame.system.atoms.positions,
            original.system.atoms.positions
        );
        // The run had the same energies and forces, but for the order of its sums.
        let (a, b) = (frame.energy().unwrap(), original.energy().unwrap());
        assert!((a - b).abs() < 1e-10 * b.abs(), "{a} {b}");
        let pairs = frame
            .forces()
            .unwrap()
            .iter()
            .zip(original.forces().unwrap());
        for (f, g) in pairs {
            assert!((0..3).all(|k| (f[k] - g[k]).abs() < 1e-10), "{f:?} {g:?}");
        }
        let (w, s) = (frame.virial().unwrap(), frame.matrix("stress").unwrap());
        let volume = frame.system.cell.volume().unwrap();
        for i in 0..3 {
            for j in 0..3 {
                assert!((s[i][j] + w[i][j] / volume).abs() < 1e-12);
            }
        }
        let sites: f64 = frame.site_energies().unwrap().iter().sum();
        assert!((sites - a).abs() < 1e-10 * a.abs());
    }
    // In place: the file is replaced when all is read.
    run(
        here(&job),
        &["eval", model, "out.extxyz", "-o", "out.extxyz"],
    )
    .expect(0, &[]);
    assert_eq!(job.read("out.extxyz"), printed.stdout);

    job.write("ge.xyz", &silicon().replacen("Si 0.0", "Ge 0.0", 1));
    run(here(&job), &["eval", model, "ge.xyz", "-o", "ge.out"])
        .expect(2, &["frame 0", "ge.xyz", "has Ge"]);
    assert!(!job.path("ge.out").exists());
    run(here(&job), &["eval", "si.xyz", "si.xyz"]).expect(2, &["not a model file", "zundel info"]);
    run(here(&job), &["eval", model, "si.xyz", "--species", "Ge"]).expect(2, &["does not know Ge"]);
    run(here(&job), &["eval", model, "si.xyz", "--species", "Xx"])
        .expect(2, &["--species", "`Xx`"]);
}

/// Whoever stops reading (`| head`) ends a command, not with an error.
#[test]
fn standard_output_may_be_closed() {
    let job = silicon_frames();
    let many = job.read("si.xyz").repeat(400);
    job.write("many.xyz", &many);
    let model = silicon_gap();
    let commands: [&[&str]; 3] = [
        &["eval", model.to_str().unwrap(), "many.xyz"],
        &["info", "run.h5md"],
        &["new", "nvt"],
    ];
    for command in commands {
        let mut child = zundel(here(&job), command)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        let said = said(child);
        said.expect(0, &[]);
        assert_eq!(said.stderr, "");
    }
}

#[test]
fn check_tells_the_plan_on_standard_output() {
    let job = Job::silicon(
        "length = \"2 ps\"\ntemperature = \"600 K\"\nreplicas = 2",
        OUTPUT,
    );
    let before = job.files();
    let said = run(here(&job), &["check", "deck.toml"]);
    said.expect(
        0,
        &[
            "8 atoms (Si8), periodic in three directions",
            "g/cm^3",
            "NVT at 600 K, Langevin (BAOAB) with friction 1 /ps",
            "24 degrees of freedom",
            "2000 steps of 1 fs, 2 ps",
            "thermal, 600 K",
            "eV/atom",
            "ns/day",
            "run.r01.h5md",
            "cutoff 5 Å",
            "images",
        ],
    );
    assert_eq!(said.stderr, "");
    assert_eq!(job.files(), before);
    let narrow = |l: &str| {
        l.chars().count() <= 80 || !l.contains(' ') || l.contains(silicon_gap().to_str().unwrap())
    };
    assert!(said.stdout.lines().all(narrow), "{}", said.stdout);
    run(
        here(&job),
        &["check", "deck.toml", "--set", "md.lenght=\"5 ps\""],
    )
    .expect(2, &["md.lenght", "length"]);
}

/// A template becomes a run by nothing but the names of structure and model.
#[test]
fn templates_run() {
    for kind in ["nvt", "nve"] {
        let job = Job::new(&silicon(), "");
        let said = run(here(&job), &["new", kind]);
        said.expect(0, &[]);
        job.write("deck.toml", &said.stdout);
        job.edit("model.xml", silicon_gap().to_str().unwrap());
        run(here(&job), &["check", "deck.toml"]).expect(0, &[]);
        job.run(&["--set", "md.length=100 steps"])
            .expect(0, &["finished at step 100"]);
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["new", "pie"]).expect(2, &["`pie`", "nvt", "nve"]);
}

#[test]
fn info_knows_its_files() {
    let job = silicon_frames();
    let model = silicon_gap();
    let files: [(&str, &[&str]); 5] = [
        (
            "run.h5md",
            &[
                "a trajectory (H5MD), 3 frames",
                "8 atoms (Si8)",
                "0 to 20, every 10",
                "potential_energy",
                "sha256",
                "seed",
                "[md]",
            ],
        ),
        (
            "deck.chk",
            &["a checkpoint of zundel", "20", "8 atoms (Si8)", "[md]"],
        ),
        ("deck.toml", &["a deck, version 1", "friction = \"1 /ps\""]),
        (
            "si.xyz",
            &["extended XYZ, 2 frames", "8 atoms (Si8)", "along a, b, c"],
        ),
        (
            model.to_str().unwrap(),
            &["a model, GAP", "Si", "5 Å", "energy, forces, virial", "1.7"],
        ),
    ];
    for (file, words) in files {
        let said = run(here(&job), &["info", file]);
        said.expect(0, words);
        assert_eq!(said.stderr, "");
    }
    std::fs::write(job.path("noise"), [0u8, 159, 146, 150, 7, 0, 0]).unwrap();
    run(here(&job), &["info", "noise"]).expect(2, &["noise"]);
    std::fs::write(job.path("empty"), b"").unwrap();
    run(here(&job), &["info", "empty"]).expect(2, &["empty"]);
    let bytes = std::fs::read(job.path("run.h5md")).unwrap();
    std::fs::write(job.path("half.h5md"), &bytes[..bytes.len() / 2]).unwrap();
    let half = run(here(&job), &["info", "half.h5md"]);
    assert!(
        half.code == Some(0) || half.code == Some(2),
        "{}",
        half.all()
    );
}

#[test]
fn bench_measures() {
    let job = silicon_frames();
    let model = silicon_gap();
    let arguments = [
        "bench",
        model.to_str().unwrap(),
        "si.xyz",
        "--repeat",
        "2,1,1",
        "--seconds",
        "0.1",
        "-j",
        "2",
    ];
    let said = run(here(&job), &[&arguments[..], &["--json"]].concat());
    said.expect(0, &[]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(json["atoms"], 16);
    assert_eq!(json["threads"], 2);
    assert!(json["model"].as_str().unwrap().ends_with("silicon.xml"));
    assert!(json["microseconds_per_atom_step"].as_f64().unwrap() > 0.1);
    run(here(&job), &arguments).expect(0, &["16", "per atom and step", "ns/day at 1 fs"]);
    let refuse = |repeat: &str, words: &str| {
        run(
            here(&job),
            &[
                "bench",
                model.to_str().unwrap(),
                "si.xyz",
                "--repeat",
                repeat,
            ],
        )
        .expect(2, &[words]);
    };
    refuse("2,2", "--repeat 4,4,4");
    refuse("0,1,1", "repeat");
    refuse("a,1,1", "invalid value");
}

#[test]
fn check_model_on_the_shipped_model() {
    let job = silicon_frames();
    let model = silicon_gap();
    let said = run(
        here(&job),
        &["check-model", model.to_str().unwrap(), "si.xyz"],
    );
    said.expect(
        0,
        &["forces are minus the gradient", "all promises are kept"],
    );
    run(here(&job), &["check-model", "si.xyz", "si.xyz"]).expect(2, &["not a model file"]);
}

#[test]
fn conversions_keep_every_bit() {
    let job = silicon_frames();
    let folder = here(&job);
    let read = |name: &str| read_frames(&job.path(name), &ReadOptions::default()).unwrap();
    run(folder, &["convert", "si.xyz", "a.h5md"]).expect(0, &["wrote a.h5md: 2 frames"]);
    run(folder, &["convert", "a.h5md", "b.extxyz"]).expect(0, &["wrote b.extxyz: 2 frames"]);
    for (a, b) in read("si.xyz").iter().zip(&read("b.extxyz")) {
        assert_eq!(a.system.atoms.positions, b.system.atoms.positions);
        assert_eq!(a.system.cell, b.system.cell);
        assert_eq!(a.energy(), b.energy());
        assert_eq!(
            a.value("step").unwrap().as_real(),
            b.value("step").unwrap().as_real()
        );
        assert!(a.has_velocities && b.has_velocities);
        let near = |x: &[[f64; 3]], y: &[[f64; 3]], width: f64| {
            x.as_flattened()
                .iter()
                .zip(y.as_flattened())
                .all(|(x, y)| (x - y).abs() <= width)
        };
        assert!(near(
            &a.system.atoms.velocities,
            &b.system.atoms.velocities,
            1e-14
        ));
        assert!(near(a.forces().unwrap(), b.forces().unwrap(), 1e-13));
    }
    // What a run wrote, in double precision: the same positions as in its extended XYZ of the same steps.
    run(folder, &["convert", "run.h5md", "run.all.extxyz"]).expect(0, &["3 frames"]);
    assert_eq!(
        read("run.all.extxyz")[0].system.atoms.positions,
        read("run.extxyz")[0].system.atoms.positions
    );
    assert_eq!(
        read("run.all.extxyz")[2].system.atoms.positions,
        read("last.extxyz")[0].system.atoms.positions
    );
    // Formats of one frame get the last one.
    for name in ["POSCAR", "out.data", "out.poscar", "out.xyz"] {
        let said = run(folder, &["convert", "b.extxyz", name]);
        said.expect(0, &["wrote"]);
        let back = read_frame(&job.path(name), FrameIndex::Last, &ReadOptions::default()).unwrap();
        assert_eq!(back.system.atoms.len(), 8);
    }
    // What is there is replaced, but never the input.
    run(folder, &["convert", "si.xyz", "a.h5md"]).expect(0, &[]);
    run(folder, &["convert", "a.h5md", "b.extxyz"]).expect(0, &[]);
    run(folder, &["convert", "b.extxyz", "./b.extxyz"]).expect(2, &["same file"]);
    run(folder, &["convert", "b.extxyz", "b.unknown"]).expect(2, &["b.unknown"]);
    run(folder, &["convert", "missing.xyz", "b.extxyz"]).expect(2, &["there is no such file"]);
    // A damaged input leaves the old output.
    let before = job.read("b.extxyz");
    let text = job.read("si.xyz");
    job.write("cut.xyz", &text[..text.len() - 40]);
    run(folder, &["convert", "cut.xyz", "b.extxyz"]).expect(2, &["cut.xyz"]);
    assert_eq!(job.read("b.extxyz"), before);
    run(folder, &["convert", "cut.xyz", "new.h5md"]).expect(2, &["cut.xyz"]);
    assert!(
        job.files()
            .iter()
            .all(|f| f != "new.h5md" && !f.starts_with('.')),
        "{:?}",
        job.files()
    );
    // Different atoms do not fit into one trajectory.
    job.write("mixed.xyz", &format!("{}{ARGON}", silicon()));
    run(folder, &["convert", "mixed.xyz", "new.h5md"]).expect(2, &["mixed.xyz", "frame 1"]);
}

/// A trajectory `run.h5md` of two hydrogen atoms and three beads: frames at steps 0 to 30, beads at 0 and 30.
fn path_integral(folder: &Path) {
    let species = Species::from_name("D").unwrap();
    let mut w = TrajectoryWriter::create(
        TrajectoryOptions {
            path: folder.join("run.h5md"),
            elements: vec![species.element; 2],
            masses: vec![species.mass; 2],
            periodic: [true; 3],
            beads: Some(BeadOptions {
                beads: 3,
                temperature: 250.0,
                velocities: true,
                forces: true,
            }),
            ..TrajectoryOptions::default()
        },
        Existing::Refuse,
    )
    .unwrap();
    for step in [0, 10, 20, 30] {
        let l = 8.0 + step as f64;
        let cell = Cell::new([[l, 0.0, 0.0], [0.0, l, 0.0], [0.0, 0.0, l]], [true; 3]).unwrap();
        w.write_frame(&FrameData {
            step,
            time_fs: 0.5 * step as f64,
            cell: &cell,
            positions: &bead(step, 1.0),
            velocities: &[],
            forces: &[],
            observables: &[],
        })
        .unwrap();
        let all = |kind: f64| {
            (0..3)
                .map(|b| bead(step, kind + b as f64))
                .collect::<Vec<_>>()
        };
        if step % 30 == 0 {
            w.write_beads(&BeadData {
                step,
                time_fs: 0.5 * step as f64,
                cell: &cell,
                positions: &all(0.0),
                velocities: &all(10.0),
                forces: &all(20.0),
                energies: &[-1.5, -2.5, -3.5 - step as f64],
            })
            .unwrap();
        }
    }
    w.close().unwrap();
}

fn bead(step: u64, kind: f64) -> Vec<[f64; 3]> {
    let x = kind + (step as f64).sin();
    vec![[x, 0.1, 0.2], [0.3, x, 0.5]]
}

#[test]
fn beads_are_converted_one_by_one_or_together() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    path_integral(here);
    let read = |name: &str| read_frames(&here.join(name), &ReadOptions::default()).unwrap();
    let info = run(here, &["info", "run.h5md"]);
    info.expect(0, &[]);
    for said in [
        "3 at 250 K; the frames are their centroid",
        "2 rows, steps 0 to 30, every 30",
    ] {
        assert!(info.stdout.contains(said), "{}", info.stdout);
    }
    // A file for each bead.
    run(here, &["convert", "run.h5md", "out.extxyz", "--beads"]).expect(
        0,
        &["wrote out.bead000.extxyz to out.bead002.extxyz: 3 files of 2 frames"],
    );
    let near = |a: &[[f64; 3]], b: &[[f64; 3]]| {
        let pairs = a.as_flattened().iter().zip(b.as_flattened());
        a.len() == b.len() && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-13)
    };
    for b in 0..3 {
        let frames = read(&format!("out.bead00{b}.extxyz"));
        assert_eq!(frames.len(), 2);
        for (frame, step) in frames.iter().zip([0, 30]) {
            let atoms = &frame.system.atoms;
            assert_eq!(atoms.positions, bead(step, b as f64));
            assert!(near(&atoms.velocities, &bead(step, 10.0 + b as f64)));
            assert!(near(frame.forces().unwrap(), &bead(step, 20.0 + b as f64)));
            assert_eq!(atoms.masses, [Species::from_name("D").unwrap().mass; 2]);
            let energy = [-1.5, -2.5, -3.5 - step as f64][b];
            assert_eq!(frame.energy(), Some(energy));
            assert_eq!(frame.system.cell.row_vectors()[0][0], 8.0 + step as f64);
            let number = |key| frame.value(key).and_then(Value::as_real);
            assert_eq!(number("step"), Some(step as f64));
            assert_eq!(number("time_fs"), Some(0.5 * step as f64));
            assert_eq!(number("bead"), Some(b as f64));
        }
    }
    // All of them in one.
    run(
        here,
        &["convert", "run.h5md", "all.extxyz", "--beads=merged"],
    )
    .expect(0, &["wrote all.extxyz: 2 frames"]);
    let frames = read("all.extxyz");
    let last = &frames[1];
    let numbers = last.column("bead").unwrap().data.clone();
    assert_eq!(numbers, ColumnData::Integer(vec![0, 0, 1, 1, 2, 2]));
    let wanted: Vec<_> = (0..3).flat_map(|b| bead(30, b as f64)).collect();
    assert_eq!(last.system.atoms.positions, wanted);
    assert_eq!(last.energy(), None);
    let energies = last.value("bead_energies").cloned();
    assert_eq!(energies, Some(Value::Reals(vec![-1.5, -2.5, -33.5])));
    // Views: also readable by the program itself, and without beads of their own.
    run(here, &["convert", "run.h5md", "run.h5md", "--beads"]).expect(
        0,
        &["wrote run.bead000.h5md to run.bead002.h5md: 3 files of 2 frames"],
    );
    run(here, &["convert", "run.bead001.h5md", "one.extxyz"]).expect(0, &["2 frames"]);
    let (one, copy) = (read("one.extxyz"), read("out.bead001.extxyz"));
    for (a, b) in one.iter().zip(&copy) {
        assert_eq!(a.system, b.system);
        assert_eq!((a.energy(), a.forces()), (b.energy(), b.forces()));
    }
    let files = std::fs::read_dir(here).unwrap();
    let hidden = files.filter(|f| {
        f.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(hidden.count(), 0);
    // Without beads there is a word on how to get them.
    run(
        here,
        &["convert", "run.bead001.h5md", "x.extxyz", "--beads"],
    )
    .expect(2, &["holds no beads", "[md]", "beads = 32"]);
    run(here, &["convert", "one.extxyz", "x.extxyz", "--beads"])
        .expect(2, &["one.extxyz: only trajectories in H5MD"]);
    run(here, &["convert", "run.h5md", "x.unknown", "--beads"]).expect(2, &["x.bead000.unknown"]);
    run(here, &["convert", "run.h5md", "x.extxyz", "--beads=some"]).expect(2, &["some"]);
    std::fs::rename(here.join("run.h5md"), here.join("out.bead001.h5md")).unwrap();
    run(
        here,
        &["convert", "out.bead001.h5md", "out.h5md", "--beads"],
    )
    .expect(2, &["same file"]);
}

#[test]
fn quiet_is_quiet() {
    let job = Job::argon(2, "length = \"30 steps\"", OUTPUT);
    let said = job.run(&["-q"]);
    said.expect(0, &[]);
    assert_eq!(said.all(), "");
    job.run(&["-q", "--resume", "--threads", "a"])
        .expect(2, &["--threads"]);
    // Errors are not kept quiet.
    job.run(&["-q"]).expect(2, &["run.h5md"]);
}

#[test]
fn a_run_tells_what_it_did() {
    let job = Job::argon(2, "length = \"2000 steps\"\ntemperature = \"90 K\"", OUTPUT);
    job.edit("seed = 7\n", "");
    let said = job.run(&[]);
    said.expect(
        0,
        &[
            "Lennard-Jones",
            "NVT at 90 K",
            "(picked; `seed =",
            "Epot/eV/atom",
            "finished at step 2000, 8.0000 ps",
            "averages from",
            "of equilibration",
            "corr. time",
            "of the kinetic energy's (fine up to",
            "potential energy",
            "eV/atom",
            "temperature",
            "pressure",
            "kT per atom and ns",
            "µs per atom and step",
            "ns/day",
            "run.h5md run.extxyz run.csv run.averages.csv run.svg deck.chk last.extxyz",
        ],
    );
    assert_eq!(said.stdout, "");
    assert!(
        said.stderr
            .lines()
            .all(|l| l.chars().count() <= 100 || l.starts_with("warning: ")),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains('\u{1b}'), "colours off a terminal");
    // The seed that it picked gives the same run again.
    let seed = said
        .stderr
        .split("`seed = ")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap()
        .to_owned();
    let first = trajectory(&job.path("run.h5md"));
    let set = format!("md.seed={seed}");
    job.run(&["-q", "--overwrite", "--set", &set])
        .expect(0, &[]);
    assert_same(&first, &trajectory(&job.path("run.h5md")));
}
