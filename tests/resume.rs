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
    let stages = "[[stage]]\nname = \"melt\"\nlength = \"33 steps\"\ntemperature = \"90 K\"\n\
        [[stage]]\nname = \"quench\"\nlength = \"27 steps\"\nfinal_temperature = \"30 K\"\n[stage.thermostat.nose_hoover]\n\
        [[stage]]\nname = \"press\"\nlength = \"30 steps\"\n[stage.thermostat.velocity_rescaling]\n[stage.barostat.mtk]\npressure = \"1 kbar\"\n";
    all.push(("stages", stages.to_owned()));
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

#[test]
fn every_ensemble_resumes_to_the_bit() {
    for (name, md) in ensembles() {
        let whole = job(&md);
        whole.run(&["-q", "-j1"]).expect(0, &[]);
        let expected = written(&whole, "");
        // A fault where the process ends without a word: a wall-time limit stops after a checkpoint, so copies of the files
        // at a checkpoint by step are taken from a run that is killed while it waits.
        for (threads, at) in [("2", "31"), ("4", "34"), ("1", "60")] {
            let stopped = job(&md);
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
    let layer = job(&format!("{WATCHED}{npt}"));
    layer.write(
        "structure.xyz",
        &ARGON.replace("pbc=\"T T T\"", "pbc=\"T T F\""),
    );
    let deck = layer.read("deck.toml");
    layer.write("deck.toml", &deck.replace("[2, 2, 2]", "[2, 2, 1]"));
    layer.run(&[]).expect(2, &["three periodic directions"]);
}
