//! The files in the hands of h5py and MDAnalysis: `tests/python/check_h5md.py`, where a Python with both is found.

use super::bead_tests::{BEADS, with_beads, write_beads};
use super::crash_tests::recorded_run;
use super::store::Event;
use super::tests::{options, write};
use super::*;
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter named by ZUNDEL_PYTHON, or python3, if it has what is needed.
fn python() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let python = std::env::var("ZUNDEL_PYTHON").unwrap_or_else(|_| "python3".into());
        let probe = Command::new(&python)
            .args(["-c", "import h5py, MDAnalysis"])
            .output();
        let usable = probe.is_ok_and(|o| o.status.success());
        if !usable {
            println!(
                "skipped: {python} has no h5py and MDAnalysis (set ZUNDEL_PYTHON to one that has)"
            );
        }
        usable.then_some(python)
    });
    found.as_deref()
}

fn script(arguments: &[&str]) {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_h5md.py");
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    print!("{}", text(&output.stdout));
}

/// Opens files of ours with both packages and compares what they see; each with its number of frames.
pub(super) fn check_files(files: &[(PathBuf, u64)]) {
    let mut arguments = vec!["files".to_owned()];
    for (path, frames) in files {
        arguments.extend([path.to_string_lossy().into_owned(), frames.to_string()]);
    }
    script(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn other_programs_read_every_variant() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for n in [1, 30] {
        for (single, velocities, forces, compression) in [
            (false, true, true, 0),
            (true, true, false, 0),
            (false, false, false, 9),
            (true, false, true, 1),
        ] {
            for periodic in [[true; 3], [true, true, false], [false; 3]] {
                let path = folder.path().join(format!("{}.h5md", files.len()));
                let o = TrajectoryOptions {
                    single,
                    velocities,
                    forces,
                    compression,
                    periodic,
                    ..options(&path, n)
                };
                let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
                (0..5).for_each(|i| write(&mut w, n, i).unwrap());
                w.close().unwrap();
                files.push((path, 5));
            }
        }
    }
    check_files(&files);
}

#[test]
fn other_programs_read_the_beads() {
    let folder = tempfile::tempdir().unwrap();
    for n in [1, 30] {
        for (single, velocities, forces, compression) in [
            (false, true, true, 0),
            (true, false, false, 0),
            (true, true, false, 1),
        ] {
            for periodic in [[true; 3], [false; 3]] {
                let path = folder.path().join(format!("{n}.h5md"));
                let mut o = TrajectoryOptions {
                    single,
                    compression,
                    periodic,
                    ..with_beads(&path, n)
                };
                if let Some(beads) = &mut o.beads {
                    (beads.velocities, beads.forces) = (velocities, forces);
                }
                let mut w = TrajectoryWriter::create(o, Existing::Replace).unwrap();
                for i in 0..7 {
                    write(&mut w, n, i).unwrap();
                    if i % 3 == 0 {
                        write_beads(&mut w, n, i / 3).unwrap();
                    }
                }
                w.close().unwrap();
                let mut arguments = vec![path.to_string_lossy().into_owned(), "3".to_owned()];
                let r = TrajectoryReader::open(&path).unwrap();
                let beads = r.beads().unwrap().unwrap();
                for bead in 0..BEADS {
                    let view = folder.path().join(format!("{n}.bead{bead}.h5md"));
                    r.write_view(&beads, bead, &view).unwrap();
                    arguments.push(view.to_string_lossy().into_owned());
                }
                arguments.insert(0, "beads".to_owned());
                script(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
                check_files(&[(path, 7)]);
            }
        }
    }
}

#[test]
fn other_programs_read_every_prefix() {
    // From before to after the split of the index leaves at frame 65, and the first frames.
    let folder = tempfile::tempdir().unwrap();
    for (n, compression) in [(5, 1), (200, 0)] {
        let o = TrajectoryOptions {
            compression,
            ..options(&folder.path().join(format!("{n}.h5md")), n)
        };
        let all = recorded_run(o, 67, |w, _| w.flush().unwrap());
        let mut log = Vec::new();
        for event in &all {
            let (code, number, bytes): (u8, u64, &[u8]) = match event {
                Event::Write(at, bytes) => (0, *at, bytes),
                Event::Length(length) => (1, *length, &[]),
                Event::Reported { frames, .. } => (2, *frames as u64, &[]),
                Event::Barrier => continue,
            };
            log.push(code);
            log.extend_from_slice(&number.to_le_bytes());
            log.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            log.extend_from_slice(bytes);
        }
        let path = folder.path().join("events.bin");
        std::fs::write(&path, &log).unwrap();
        script(&["replay", &path.to_string_lossy(), "1-1,64-65"]);
    }
}
