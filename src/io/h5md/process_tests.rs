//! Real processes that are really killed, or that run out of disk: the test binary starts itself again as the writer.

use super::bead_tests::{check_beads, with_beads, write_beads};
use super::tests::{check, options, write};
use super::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const CHILD: &str = "io::h5md::process_tests::child";
const ATOMS: usize = 40;

/// The command of a child that writes to `path`; `shell` may wrap it in commands that set limits.
fn child_command(path: &Path, compression: u8, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap()).args([
        "--exact",
        CHILD,
        "--ignored",
        "--nocapture",
    ]);
    command
        .env("ZUNDEL_TEST_TRAJECTORY", path)
        .env("ZUNDEL_TEST_COMPRESSION", compression.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The writer process: one frame after the other, each reported when it is flushed. Does nothing by itself.
#[test]
#[ignore = "started by other tests"]
fn child() {
    let Some(path) = std::env::var_os("ZUNDEL_TEST_TRAJECTORY") else {
        return;
    };
    let compression = std::env::var("ZUNDEL_TEST_COMPRESSION")
        .unwrap()
        .parse()
        .unwrap();
    let mut out = std::io::stdout();
    let mut say = |text: String| {
        out.write_all(format!("{text}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    let o = TrajectoryOptions {
        compression,
        ..with_beads(Path::new(&path), ATOMS)
    };
    let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
    for i in 0..100_000 {
        let done = write(&mut w, ATOMS, i)
            .and_then(|()| w.write_thermo(10 * i, 5.0 * i as f64, &[i as f64, 0.5]))
            .and_then(|()| match i % 3 {
                0 => write_beads(&mut w, ATOMS, i / 3),
                _ => Ok(()),
            })
            .and_then(|()| w.flush());
        match done {
            Ok(()) => say(format!("\nflushed {}", i + 1)),
            Err(e) => {
                say(format!("\nfailed {}", e.to_string().replace('\n', " ")));
                let again = w.flush().unwrap_err();
                say(format!("again {again}"));
                drop(w);
                say("dropped".into());
                return;
            }
        }
    }
}

/// Reads the child's reports up to the first flushed frame.
fn wait_for_first_frame(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut reports = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("flushed") {
        line.clear();
        assert!(
            reports.read_line(&mut line).unwrap() > 0,
            "the child ended early"
        );
    }
    reports
}

#[test]
fn a_killed_run_has_lost_nothing() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(17);
    let folder = tempfile::tempdir().unwrap();
    let (mut total, mut killed) = (0, Vec::new());
    for trial in 0..20 {
        let path = folder.path().join(format!("{trial}.h5md"));
        let mut child = child_command(&path, (trial % 2) as u8, "").spawn().unwrap();
        let mut reports = wait_for_first_frame(&mut child);
        let reader = std::thread::spawn(move || {
            let mut rest = String::new();
            reports.read_to_string(&mut rest).unwrap();
            rest
        });
        std::thread::sleep(Duration::from_micros(random.random_range(0..120_000)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        let rest = reader.join().unwrap();
        let number = |l: &str| {
            l.strip_prefix("flushed ")
                .and_then(|n| n.parse::<u64>().ok())
        };
        // The last line may be torn; the report before it counts.
        let whole = &rest[..rest.rfind('\n').map_or(0, |i| i + 1)];
        let reported = whole.lines().filter_map(number).next_back().unwrap_or(1);
        let r = TrajectoryReader::open(&path).unwrap();
        let have = r.frames() as u64;
        assert!(
            have >= reported && have <= reported + 1,
            "trial {trial}: {have} of {reported}"
        );
        (0..have).for_each(|i| check(&r, ATOMS, i));
        let beads = r.beads().unwrap().unwrap();
        assert!(beads.rows() as u64 >= have.div_ceil(3), "trial {trial}");
        (0..beads.rows()).for_each(|i| check_beads(&beads, ATOMS, i as u64));
        let copy = folder.path().join(format!("{trial}.killed.h5md"));
        std::fs::copy(&path, &copy).unwrap();
        killed.push((copy, have));
        total += have;

        // The run is taken up again.
        let keep = random.random_range(0..have);
        let o = TrajectoryOptions {
            compression: (trial % 2) as u8,
            ..with_beads(&path, ATOMS)
        };
        let mut w = TrajectoryWriter::append(o, 10 * keep).unwrap();
        assert_eq!(w.bead_rows() as u64, keep / 3 + 1);
        (keep + 1..keep + 5).for_each(|i| write(&mut w, ATOMS, i).unwrap());
        w.close().unwrap();
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!(r.frames() as u64, keep + 5);
        (0..keep + 5).for_each(|i| check(&r, ATOMS, i));
    }
    python_tests::check_files(&killed);
    println!("20 kills, {total} frames, none lost");
}

#[test]
fn a_full_disk_keeps_what_was_flushed() {
    for (compression, blocks) in [(0, 700), (1, 701), (0, 1203)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        // A limit on the size of files stands for the end of the disk; its signal is ignored so that writes fail.
        let shell = format!("trap '' XFSZ; ulimit -f {blocks};");
        let output = child_command(&path, compression, &shell).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}\n{errors}");
        let failed = text.lines().find(|l| l.starts_with("failed")).unwrap();
        assert!(
            failed.contains("cannot write the trajectory") && failed.contains("a.h5md"),
            "{failed}"
        );
        assert!(failed.contains("may not grow"), "{failed}");
        assert!(
            text.contains("again error: cannot write the trajectory"),
            "{text}"
        );
        assert!(text.contains("dropped"));
        assert!(
            !errors.contains("HDF5-DIAG"),
            "HDF5 must not print by itself: {errors}"
        );
        let reported = text
            .lines()
            .filter_map(|l| l.strip_prefix("flushed ")?.parse::<u64>().ok())
            .next_back()
            .unwrap();
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!(r.frames() as u64, reported);
        (0..reported).for_each(|i| check(&r, ATOMS, i));
        let beads = r.beads().unwrap().unwrap();
        assert_eq!(beads.rows() as u64, reported.div_ceil(3));
        (0..beads.rows()).for_each(|i| check_beads(&beads, ATOMS, i as u64));
        python_tests::check_files(&[(path, reported)]);
    }
}

#[test]
fn nothing_is_left_when_the_disk_is_full_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let output = child_command(&path, 0, "trap '' XFSZ; ulimit -f 8;")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("cannot write the trajectory") && text.contains("may not grow"),
        "{text}"
    );
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn two_writers_do_not_share_a_file_but_readers_may_look_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let o = options(&path, 3);
    let mut w = TrajectoryWriter::create(o.clone(), Existing::Refuse).unwrap();
    assert!(!path.exists(), "the file appears with its first frame");
    write(&mut w, 3, 0).unwrap();
    w.flush().unwrap();
    let e = TrajectoryWriter::append(o.clone(), 0)
        .unwrap_err()
        .to_string();
    assert!(e.contains("another process is writing"), "{e}");
    assert_eq!(TrajectoryReader::open(&path).unwrap().frames(), 1);
    python_tests::check_files(&[(path.clone(), 1)]);
    drop(w);
    let e = TrajectoryWriter::create(o.clone(), Existing::Refuse).unwrap_err();
    assert_eq!(e.exit_code(), 2);
    let mut w = TrajectoryWriter::create(o, Existing::Replace).unwrap();
    (0..2).for_each(|i| write(&mut w, 3, i).unwrap());
    assert_eq!(
        TrajectoryReader::open(&path).unwrap().frames(),
        1,
        "the old file stays until there is a new one"
    );
    w.close().unwrap();
    assert_eq!(TrajectoryReader::open(&path).unwrap().frames(), 2);
}
