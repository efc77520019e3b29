//! n + m steps are n steps, a kill, and m steps, to the bit: for every thermostat, barostat and stage, whatever the threads.

mod program;

use program::*;

const WATCHED: &str = "length = \"90 steps\"\ntemperature = \"90 K\"\n";

/// Every way of keeping temperature and pressure: its name and the tables that say so.
fn ensembles() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&str, String)> = Vec::new();
    for (name, keys) in [
        ("langevin", "splitting = \"obabo\""),
        ("velocity_rescaling", ""),
        ("velocity_rescaling", "scope = \"local\""),
        ("nose_hoover", ""),
        ("nose_hoover", "scope = \"local\""),
        ("andersen", "rate = \"20 /ps\""),
        ("gle", "drift = \"A.txt\""),
        ("berendsen", ""),
    ] {
        all.push((name, format!("{WATCHED}[md.thermostat.{name}]\n{keys}\n")));
    }
    for (name, keys) in [
        (
            "cell_rescaling",
            "bulk_modulus = \"1 GPa\"\ncoupling = \"triclinic\"\nfixed = [\"xy\"]",
        ),
        ("mtk", "coupling = \"semi-isotropic\""),
        (
            "mtk",
            "coupling = \"triclinic\"\nfinal_pressure = \"1 GPa\"",
        ),
        ("bzp", "coupling = \"anisotropic\"\nfixed = [\"x\"]"),
        ("berendsen", ""),
    ] {
        let thermostat = "[md.thermostat.nose_hoover]\n";
        all.push((
            name,
            format!("{WATCHED}final_temperature = \"60 K\"\n{thermostat}[md.barostat.{name}]\npressure = \"500 bar\"\n{keys}\n"),
        ));
    }
    all.push((
        "cell_rescaling with langevin",
        format!("{WATCHED}[md.barostat.cell_rescaling]\npressure = \"500 bar\"\nbulk_modulus = \"1 GPa\"\n"),
    ));
    all.push((
        "groups",
        format!(
            "{WATCHED}[[md.group]]\nname = \"wall\"\natoms = \"0-9, 12\"\nfixed = [\"x\", \"z\"]\n\
             [[md.group]]\nname = \"hot\"\natoms = \"20-29\"\ntemperature = \"200 K\"\n[md.group.thermostat.gle]\ndrift = \"A.txt\"\n"
        ),
    ));
    let restraints = "[[restraint]]\nname = \"layer\"\nposition = { atoms = \"0-9\", constant = \"1 eV/Å^2\" }\n\
        [[restraint]]\nname = \"pair\"\ndistance = { atoms = [0, 1], constant = \"1 eV/Å^2\" }\n";
    all.push((
        "restraints in a cell that changes",
        format!(
            "{WATCHED}[md.barostat.cell_rescaling]\npressure = \"500 bar\"\nbulk_modulus = \"1 GPa\"\n\
             coupling = \"triclinic\"\n{restraints}"
        ),
    ));
    let walls = "[[wall]]\nname = \"ball\"\nsphere = { radius = \"9 Å\" }\nharmonic = { constant = \"1 eV/Å^2\" }\n\
        [[force]]\nname = \"pull\"\nelements = [\"Ar\"]\nforce = [\"0 eV/Å\", \"0 eV/Å\", \"0.01 eV/Å\"]\nshare = \"mass\"\n";
    all.push((
        "walls and forces",
        format!("{WATCHED}[md.thermostat.nose_hoover]\n{walls}"),
    ));
    let stages = "[[stage]]\nname = \"melt\"\nlength = \"33 steps\"\ntemperature = \"90 K\"\n\
        [[stage]]\nname = \"quench\"\nlength = \"27 steps\"\nfinal_temperature = \"30 K\"\n[stage.thermostat.nose_hoover]\n\
        [[stage]]\nname = \"press\"\nlength = \"30 steps\"\n[stage.thermostat.velocity_rescaling]\n[stage.barostat.mtk]\npressure = \"1 kbar\"\n";
    all.push(("stages", stages.to_owned()));
    let declined = "[[stage]]\nname = \"heat\"\nlength = \"40 steps\"\ntemperature = \"90 K\"\n[stage.barostat.bzp]\npressure = \"1 kbar\"\n\
        [[stage]]\nname = \"free\"\nlength = \"50 steps\"\nthermostat = \"none\"\nbarostat = \"none\"\n";
    all.push(("stages that decline", declined.to_owned()));
    all
}

fn job(md: &str) -> Job {
    // Stages stand beside [md], not in it.
    let job = match md.strip_prefix("[[stage]]") {
        None => Job::argon(2, md, OUTPUT),
        Some(_) => Job::argon(2, "", &format!("{md}\n{OUTPUT}")),
    };
    job.write(
        "A.txt",
        "# A [ps^-1]\n 2.0 10.0 3.0\n-10.0 5.0 2.0\n-3.0 -2.0 20.0\n",
    );
    job
}

/// Quantum nuclei in every way.
fn rings() -> Vec<(&'static str, String)> {
    let quantum = format!("{WATCHED}beads = 6\n");
    let estimators = "[md.estimators]\nheat_capacity = true\n[[md.estimators.isotope]]\nname = \"heavy\"\natoms = \"0-3\"\nmass = \"60 u\"\n\
        [md.estimators.momentum]\natom = 2\npoints = 3\nfile = \"momentum.csv\"\n";
    let npt = "[md.barostat.cell_rescaling]\npressure = \"500 bar\"\nbulk_modulus = \"1 GPa\"\ncoupling = \"triclinic\"\n";
    vec![
        ("rings with estimators", format!("{quantum}{estimators}")),
        (
            "rings, one factor for the centroids",
            format!(
                "{quantum}[md.thermostat.velocity_rescaling]\n[md.ring_polymer]\npropagator = \"exact\"\n{npt}"
            ),
        ),
        (
            "rings, coloured",
            format!("{quantum}[md.mode_thermostat.gle]\ndrift = \"A.txt\"\n"),
        ),
        (
            "rings with a piston and a ramp",
            format!(
                "{quantum}final_temperature = \"60 K\"\n[md.barostat.bzp]\npressure = \"500 bar\"\n"
            ),
        ),
        (
            "rings of fourth order",
            format!("{quantum}[md.ring_polymer]\norder = \"suzuki_chin\"\n"),
        ),
        (
            "rings at one frequency",
            format!("{quantum}thermostat = \"none\"\n[md.ring_polymer]\nfrequency = \"40 /ps\"\n"),
        ),
    ]
}

/// Two terms, the stiffer of which is evaluated thrice in a step.
fn two_terms(md: &str) -> Job {
    let job = job(&format!("{md}[md.substeps]\nstiff = 3\n"));
    let deck = job.read("deck.toml");
    let terms = "[[potential.terms]]\nname = \"stiff\"\nlennard_jones = { epsilon = \"0.0103 eV\", sigma = \"3.2 Å\", cutoff = \"6 Å\" }\n\
        [[potential.terms]]\nname = \"soft\"\nlennard_jones = { epsilon = \"0.002 eV\", sigma = \"2.8 Å\", cutoff = \"6.5 Å\" }\n";
    let (before, rest) = deck.split_once("[potential.lennard_jones]").unwrap();
    let (_, after) = rest.split_once("[md]").unwrap();
    job.write("deck.toml", &format!("{before}{terms}[md]{after}"));
    job
}

/// Water molecules, one of them across the boundary of the cell, with all three sides fixed.
fn water(md: &str) -> Job {
    let mut structure = String::from(
        "24\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n",
    );
    let mut bonds = String::new();
    for k in 0..8 {
        let x = [k % 2, k / 2 % 2, k / 4].map(|c| 0.5 + 4.5 * f64::from(c));
        for (symbol, r) in [
            ("O", [0.0, 0.0, 0.0]),
            ("H", [-0.76, 0.59, 0.0]),
            ("H", [0.76, 0.59, 0.0]),
        ] {
            let y: Vec<String> = (0..3)
                .map(|d| format!("{:.4}", (x[d] + r[d]).rem_euclid(9.0)))
                .collect();
            structure.push_str(&format!("{symbol} {}\n", y.join(" ")));
        }
        bonds.push_str(&format!(
            "[[md.constraints.bond]]\natoms = [{}, {}]\nlength = \"1.52 Å\"\n",
            3 * k + 1,
            3 * k + 2
        ));
    }
    let deck = format!(
        "version = 1\n[system]\nstructure = \"structure.xyz\"\n\
         [potential.lennard_jones]\nepsilon = \"0.006 eV\"\nsigma = \"2.2 Å\"\ncutoff = \"4.4 Å\"\n\
         [md]\ntimestep = \"2 fs\"\nseed = 5\n{md}[md.constraints]\nelements = [\"H\"]\n{bonds}{OUTPUT}"
    );
    Job::new(&structure, &deck)
}

fn resumes_to_the_bit(name: &str, job: impl Fn() -> Job) {
    let whole = job();
    whole.run(&["-q", "-j1"]).expect(0, &[]);
    let expected = written(&whole, "");
    // A fault where the process ends without a word: a wall-time limit stops after a checkpoint, so copies of the files
    // at a checkpoint by step are taken from a run that is killed while it waits.
    for (threads, at) in [("2", "31"), ("4", "34"), ("1", "60")] {
        let stopped = job();
        stopped.edit(
            "[output]\n",
            &format!("[output]\ncheckpoint = {{ every = \"{at} steps\" }}\n"),
        );
        stopped.run(&["-q", &format!("-j{threads}")]).expect(0, &[]);
        // The checkpoint before the last is that of the middle: to go on from it is to have been killed after it.
        let step = |file: &str| state(&stopped.path(file))["step and seed"][0];
        let middle = at.parse::<u64>().unwrap();
        std::fs::remove_file(stopped.path("deck.chk")).unwrap();
        assert!(
            step("deck.chk.prev") >= middle && step("deck.chk.prev") < 90,
            "{name}"
        );
        std::fs::remove_file(stopped.path("last.extxyz")).unwrap();
        stopped
            .run(&["--resume", &format!("-j{threads}")])
            .expect(0, &["resumed", "finished at step 90"]);
        eprintln!("{name}, {threads} threads, from step {at}");
        assert_same(&expected, &written(&stopped, ""));
    }
}

#[test]
fn every_ensemble_resumes_to_the_bit() {
    for (name, md) in ensembles() {
        resumes_to_the_bit(name, || job(&md));
    }
}

#[test]
fn rings_resume_to_the_bit() {
    for (name, md) in rings() {
        resumes_to_the_bit(name, || job(&md));
    }
    let contracted = format!("{WATCHED}beads = 6\n[md.ring_polymer.contraction]\nsoft = 3\n");
    resumes_to_the_bit("contraction and several steps", || two_terms(&contracted));
    let stages = "[[stage]]\nname = \"settle\"\nlength = \"40 steps\"\ntemperature = \"90 K\"\n\
        [[stage]]\nname = \"rpmd\"\nlength = \"50 steps\"\nthermostat = \"none\"\nmode_thermostat = \"none\"\n";
    resumes_to_the_bit("RPMD after PILE", || {
        let job = job(stages);
        job.edit(
            "seed = 7\n",
            "seed = 7\nbeads = 6\ntemperature = \"90 K\"\n",
        );
        job
    });
}

#[test]
fn rings_that_make_no_sense_are_refused() {
    let refused = |md: &str, words: &[&str]| {
        let job = job(md);
        job.run(&[]).expect(2, words);
        assert!(!job.path("run.h5md").exists());
    };
    refused(
        "length = \"9 steps\"\nbeads = 8\n",
        &["quantum nuclei need a `temperature`", "300 K"],
    );
    refused(
        &format!("{WATCHED}beads = \"many\"\n"),
        &["a whole number from 1 to 4095, or \"auto\""],
    );
    let quantum = |text: &str| format!("{WATCHED}beads = 7\n{text}");
    refused(
        &quantum("[md.ring_polymer]\norder = \"suzuki_chin\"\n"),
        &["needs an even number of beads", "beads = 8"],
    );
    refused(
        &quantum("[md.ring_polymer.contraction]\nslow = 1\n"),
        &["no term of the potential is called so", "the terms are"],
    );
    refused(
        &quantum("[[md.constraints.bond]]\natoms = [0, 1]\n"),
        &["bonds of fixed length do not go with quantum nuclei"],
    );
    refused(
        &quantum("[md.thermostat.andersen]\n[md.mode_thermostat.gle]\ndrift = \"A.txt\"\n"),
        &["have the centroid's too"],
    );
    refused(
        &quantum("[[md.estimators.isotope]]\nname = \"x\"\natoms = \"99\"\nmass = \"2 u\"\n"),
        &["names atom 99", "32 atoms"],
    );
    refused(
        &quantum(
            "[md.estimators]\nheat_capacity = true\n[md.ring_polymer]\norder = \"takahashi_imada\"\n",
        ),
        &["are those of Trotter's splitting"],
    );
    let idle = job(&format!("{WATCHED}[md.estimators]\nheat_capacity = true\n"));
    idle.run(&[])
        .expect(0, &["classical nuclei have no use for `estimators`"]);
}

#[test]
fn constraints_and_substeps_resume_to_the_bit() {
    let npt = "[md.barostat.mtk]\npressure = \"500 bar\"\n";
    for md in [
        WATCHED.to_owned(),
        format!("{WATCHED}[md.thermostat.nose_hoover]\n{npt}"),
    ] {
        resumes_to_the_bit("several steps", || two_terms(&md));
        resumes_to_the_bit("water", || water(&md));
    }
    let nve = "length = \"90 steps\"\n";
    let cold = format!("{nve}[md.velocities]\ntemperature = \"90 K\"\nexact = true\n");
    resumes_to_the_bit("water at constant energy", || water(&cold));
}

#[test]
fn rigid_water_has_six_degrees_of_freedom() {
    let md = "length = \"90 steps\"\n[md.velocities]\ntemperature = \"90 K\"\nexact = true\n";
    let job = water(md);
    job.run(&["--quiet"]).expect(0, &[]);
    // 24 atoms, 24 bonds; the centre of mass rests.
    run(job.folder.path(), &["check", "deck.toml"]).expect(
        0,
        &["45 degrees of freedom; 24 bonds of fixed length take 24"],
    );
    let table = job.read("run.csv");
    let first: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    assert!(
        (first[4].parse::<f64>().unwrap() - 90.0).abs() < 1e-6,
        "{first:?}"
    );
}

#[test]
fn the_last_stage_can_be_lengthened() {
    let stages = |last: &str| {
        format!(
            "[[stage]]\nname = \"heat\"\nlength = \"40 steps\"\ntemperature = \"90 K\"\nfinal_temperature = \"120 K\"\n\
             [[stage]]\nname = \"rest\"\nlength = \"{last} steps\"\n"
        )
    };
    let whole = job(&stages("90"));
    whole.run(&["-q"]).expect(0, &[]);
    let stopped = job(&stages("35"));
    stopped.run(&[]).expect(0, &["finished at step 75"]);
    stopped.edit("\"35 steps\"", "\"90 steps\"");
    stopped
        .run(&["--resume"])
        .expect(0, &["finished at step 130"]);
    assert_same(&written(&whole, ""), &written(&stopped, ""));
    // Not one with a ramp, nor an earlier one.
    let job = job(&stages("35"));
    job.run(&["-q"]).expect(0, &[]);
    job.edit("\"40 steps\"", "\"80 steps\"");
    job.run(&["--resume"])
        .expect(2, &["the deck has changed", "that of the last stage"]);
}

#[test]
fn a_stage_warms_the_start() {
    let job = job("[[stage]]\nname = \"heat\"\nlength = \"40 steps\"\ntemperature = \"90 K\"\n");
    run(job.folder.path(), &["check", "deck.toml"]).expect(0, &["thermal, 90 K"]);
}

#[test]
fn a_ramp_is_not_stretched_by_a_longer_run() {
    let md = format!("{WATCHED}final_temperature = \"60 K\"\n");
    let job = job(&md);
    job.run(&["-q"]).expect(0, &[]);
    job.run(&["--resume", "--set", "md.length=180 steps"])
        .expect(2, &["with it the ramp", "[[stage]]"]);
}

#[test]
fn ensembles_that_make_no_sense_are_refused() {
    let refused = |md: &str, words: &[&str]| {
        let job = job(md);
        job.run(&[]).expect(2, words);
        assert!(!job.path("run.h5md").exists());
    };
    let npt = "[md.barostat.mtk]\npressure = \"1 bar\"\n";
    refused(
        &format!("{WATCHED}[md.thermostat.langevin]\nsplitting = \"baoab\"\n{npt}"),
        &["slightly cold", "obabo"],
    );
    refused(
        &format!("{WATCHED}{npt}[[md.group]]\nname = \"w\"\natoms = \"0-3\"\nfixed = [\"x\"]\n"),
        &["cannot go together with atoms that are held"],
    );
    refused(
        &format!("{WATCHED}[[md.group]]\nname = \"w\"\natoms = \"0-99\"\n"),
        &["the group `w` names atom 99", "32 atoms"],
    );
    refused(
        "length = \"9 steps\"\n[md.barostat.bzp]\npressure = \"1 bar\"\n",
        &["a barostat needs a `temperature`"],
    );
    refused(
        &format!("{WATCHED}[md.barostat.mtk]\npressure = \"1 bar\"\nfixed = [\"z\"]\n"),
        &["isotropic coupling cannot hold single strains"],
    );
    let bond = |text: &str| format!("{WATCHED}[[md.constraints.bond]]\n{text}\n");
    refused(&bond("atoms = [0, 32]"), &["names atom 32", "32 atoms"]);
    refused(
        &format!("{WATCHED}[md.constraints]\nelements = [\"H\"]\n"),
        &["names H, and the structure has none"],
    );
    refused(
        &format!("{WATCHED}[md.constraints]\nelements = [\"Ar\"]\n"),
        &["bonded to no atom of another element", "one by one"],
    );
    refused(
        &format!("{WATCHED}[md.thermostat.andersen]\n[[md.constraints.bond]]\natoms = [0, 1]\n"),
        &["do not go with bonds of fixed length", "langevin"],
    );
    refused(
        &format!("{WATCHED}[md.substeps]\nslow = 2\n"),
        &["no term of the potential is called so", "the terms are"],
    );
    refused(
        &format!("{WATCHED}fix_rotation = true\n"),
        &["only what is not periodic can be kept from turning"],
    );
    let layer = job(&format!("{WATCHED}{npt}"));
    layer.write(
        "structure.xyz",
        &ARGON.replace("pbc=\"T T T\"", "pbc=\"T T F\""),
    );
    let deck = layer.read("deck.toml");
    layer.write("deck.toml", &deck.replace("[2, 2, 2]", "[2, 2, 1]"));
    layer.run(&[]).expect(2, &["three periodic directions"]);
}
