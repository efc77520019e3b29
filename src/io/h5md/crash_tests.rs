//! Every state in which a kill can leave the file, and many in which a power cut can, is made and opened.
//!
//! The store records its physical writes. They are replayed one by one, larger ones page by page (the kernel may stop
//! between pages), and after each step a reader must find every frame that had been reported, and no wrong one.

use super::bead_tests::{check_beads, with_beads, write_beads};
use super::store::{Event, PAGE, RECORDING};
use super::tests::{check, options, write};
use super::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fs::File;

fn record<T>(run: impl FnOnce() -> T) -> T {
    RECORDING.set(true);
    let result = run();
    RECORDING.set(false);
    result
}

fn events(w: &TrajectoryWriter) -> Vec<Event> {
    driver::lock(&w.store).events.take().unwrap()
}

/// Options with or without beads.
fn options_for(path: &Path, n: usize, beads: bool) -> TrajectoryOptions {
    if beads {
        with_beads(path, n)
    } else {
        options(path, n)
    }
}

/// Runs a trajectory of `frames` frames with `work` after each, and returns what was done to the file.
pub(super) fn recorded_run(
    o: TrajectoryOptions,
    frames: u64,
    work: impl Fn(&mut TrajectoryWriter, u64),
) -> Vec<Event> {
    let n = o.elements.len();
    record(|| {
        let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
        for i in 0..frames {
            write_all(&mut w, n, i);
            work(&mut w, i);
        }
        events(&w)
    })
}

/// Writes frame `i`, its row of the time series and, with every third, a row of beads where the file has any.
fn write_all(w: &mut TrajectoryWriter, n: usize, i: u64) {
    write(w, n, i).unwrap();
    w.write_thermo(10 * i, 5.0 * i as f64, &[i as f64, 0.5])
        .unwrap();
    if w.options.beads.is_some() && i.is_multiple_of(3) {
        write_beads(w, n, i / 3).unwrap();
    }
}

/// The physical steps of an event: what lies in one page happens at once.
fn steps(event: &Event) -> Vec<Event> {
    let Event::Write(address, bytes) = event else {
        return vec![event.clone()];
    };
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (*address, &bytes[..]);
    while !rest.is_empty() {
        let n = rest.len().min((PAGE - at % PAGE) as usize);
        pieces.push(Event::Write(at, rest[..n].to_vec()));
        at += n as u64;
        rest = &rest[n..];
    }
    pieces
}

fn apply(file: &File, event: &Event) {
    match event {
        Event::Write(at, bytes) => {
            std::os::unix::fs::FileExt::write_all_at(file, bytes, *at).unwrap()
        }
        Event::Length(n) => file.set_len(*n).unwrap(),
        Event::Barrier | Event::Reported { .. } => {}
    }
}

/// Replays the events and checks every state while the number of reported frames is in `window`; returns how many.
fn replay(name: &str, n: usize, events: &[Event], window: impl Fn(usize) -> bool) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replay.h5md");
    let file = File::create(&path).unwrap();
    let (mut reported, mut reported_beads, mut states) = (0, 0, 0);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    for (k, event) in events.iter().enumerate() {
        if let Event::Reported { frames, beads, .. } = event {
            (reported, reported_beads) = (*frames, *beads);
        }
        for step in steps(event) {
            apply(&file, &step);
            if !window(reported) || matches!(step, Event::Barrier) {
                continue;
            }
            states += 1;
            let r =
                TrajectoryReader::open(&path).unwrap_or_else(|e| panic!("{name}, event {k}: {e}"));
            let have = r.frames();
            assert!(
                have == reported || have == reported + 1,
                "{name}, event {k}: {have} of {reported}"
            );
            assert_eq!(
                rows(&path, "step"),
                have,
                "{name}, event {k}: steps and positions must grow at once"
            );
            assert_eq!(rows(&path, "value"), have, "{name}, event {k}");
            check(&r, n, have as u64 - 1);
            check(&r, n, reported as u64 - 1);
            check(&r, n, random.random_range(0..reported as u64));
            let thermo = r.thermo().unwrap();
            assert!(thermo.iter().all(|t| t.values.len() >= reported
                && t.values[reported - 1] != 0.0
                || reported < 2));
            if let Some(beads) = r.beads().unwrap() {
                let rows = beads.rows();
                assert!(
                    rows == reported_beads || rows == reported_beads + 1,
                    "{name}, event {k}: {rows} rows of {reported_beads}"
                );
                assert!(
                    rows * 3 >= have,
                    "{name}, event {k}: beads come no later than their frame"
                );
                assert_eq!(bead_rows(&path), [rows; 7], "{name}, event {k}");
                check_beads(&beads, n, rows as u64 - 1);
                check_beads(&beads, n, random.random_range(0..rows as u64));
            }
        }
    }
    states
}

/// The numbers of rows that all datasets of the beads say they have.
fn bead_rows(path: &Path) -> [usize; 7] {
    let file = hdf5::File::open(path).unwrap();
    [
        "position/value",
        "position/step",
        "position/time",
        "velocity/value",
        "force/value",
        "bead_energy/value",
        "box/edges/value",
    ]
    .map(|name| {
        let set = file.dataset(&format!("path_integral/{name}")).unwrap();
        set.shape()[0]
    })
}

fn rows(path: &Path, name: &str) -> usize {
    hdf5::File::open(path)
        .unwrap()
        .dataset(&format!("{GROUP}/position/{name}"))
        .unwrap()
        .shape()[0]
}

#[test]
fn every_prefix_of_the_writes_is_a_complete_trajectory() {
    // Every chunk index splits its first leaf (64 entries) at frame 65 and its second at 122.
    for (n, compression) in [(2, 0), (200, 0), (60, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let o = TrajectoryOptions {
            compression,
            ..options(&folder.path().join("a.h5md"), n)
        };
        let all = recorded_run(o, 124, |w, _| w.flush().unwrap());
        let window = |frames| matches!(frames, 1..4 | 62..67 | 120..123);
        let states = replay(&format!("{n} atoms, level {compression}"), n, &all, window);
        assert!(states > 150, "{states}");
    }
}

#[test]
fn every_prefix_of_the_writes_has_whole_rows_of_beads() {
    // Row 65 of the beads, where their chunk indexes split, comes with frame 192.
    for (n, compression) in [(2, 0), (60, 0), (9, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let o = TrajectoryOptions {
            compression,
            ..with_beads(&folder.path().join("a.h5md"), n)
        };
        let all = recorded_run(o, 200, |w, _| w.flush().unwrap());
        let window = |frames| matches!(frames, 1..5 | 188..198);
        let states = replay(&format!("{n} atoms, level {compression}"), n, &all, window);
        assert!(states > 150, "{states}");
    }
}

#[test]
fn every_prefix_is_complete_when_the_index_grows_a_level() {
    // Leaves keep 57 of 64 entries when they split: the second level is full, and splits, near frame 3656.
    let folder = tempfile::tempdir().unwrap();
    let o = TrajectoryOptions {
        compression: 1,
        ..options(&folder.path().join("a.h5md"), 2)
    };
    let all = recorded_run(o, 3660, |w, i| {
        if i >= 3650 || i % 500 == 0 {
            w.flush().unwrap();
        }
    });
    let states = replay("deep index", 2, &all, |frames| frames > 3650);
    assert!(states > 100, "{states}");
}

#[test]
fn a_power_cut_leaves_all_synchronised_frames() {
    for (n, compression, beads) in [
        (2, 0, false),
        (40, 1, false),
        (200, 0, false),
        (2, 0, true),
        (40, 1, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        let o = TrajectoryOptions {
            compression,
            ..options_for(&path, n, beads)
        };
        let all = recorded_run(o, 130, |w, i| {
            if i % 16 == 15 {
                w.sync().unwrap()
            } else {
                w.flush().unwrap()
            }
        });
        let cut = folder.path().join("cut.h5md");
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let start = all
            .iter()
            .position(|e| matches!(e, Event::Reported { durable: true, .. }))
            .unwrap();
        for trial in 0..60 {
            let end = random.random_range(start + 1..=all.len());
            let safe = all[..end]
                .iter()
                .rposition(|e| matches!(e, Event::Barrier))
                .unwrap();
            let durable = all[..end].iter().rev().find_map(|e| match e {
                Event::Reported {
                    frames,
                    beads,
                    durable: true,
                } => Some((*frames, *beads)),
                _ => None,
            });
            let file = File::create(&cut).unwrap();
            all[..safe].iter().for_each(|e| apply(&file, e));
            // Of what came after the last barrier any page may have reached the disk, in any version.
            let lost = random.random_range(0.0..1.0);
            for step in all[safe..end].iter().flat_map(steps) {
                if random.random_range(0.0..1.0) >= lost {
                    apply(&file, &step);
                }
            }
            let r = TrajectoryReader::open(&cut)
                .unwrap_or_else(|e| panic!("trial {trial}, {n} atoms: {e}"));
            let (durable, durable_beads) = durable.unwrap();
            assert!(
                r.frames() >= durable,
                "trial {trial}: {} of {durable}",
                r.frames()
            );
            (0..durable as u64).for_each(|i| check(&r, n, i));
            if let Some(beads) = r.beads().unwrap() {
                assert!(beads.rows() >= durable_beads, "trial {trial}");
                (0..durable_beads as u64).for_each(|i| check_beads(&beads, n, i));
            }
        }
    }
}

#[test]
fn every_prefix_of_a_cut_keeps_the_frames_before_it() {
    for (n, compression, beads) in [
        (2, 0, false),
        (60, 1, false),
        (200, 0, false),
        (2, 0, true),
        (60, 1, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        let o = TrajectoryOptions {
            compression,
            ..options_for(&path, n, beads)
        };
        let mut w = TrajectoryWriter::create(o.clone(), Existing::Refuse).unwrap();
        (0..150).for_each(|i| write_all(&mut w, n, i));
        w.close().unwrap();
        let image = std::fs::read(&path).unwrap();
        // Step 305 lies between frames 30 and 31.
        let all = record(|| append::cutting(&o, 305));
        let replayed = folder.path().join("replay.h5md");
        std::fs::write(&replayed, &image).unwrap();
        let file = File::options().write(true).open(&replayed).unwrap();
        let mut counts = std::collections::BTreeSet::new();
        for step in all.iter().flat_map(steps) {
            apply(&file, &step);
            let r = TrajectoryReader::open(&replayed).unwrap();
            counts.insert(r.frames());
            (0..31).for_each(|i| check(&r, n, i));
            assert!(r.frames() == 31 || r.frames() == 150, "{}", r.frames());
            // Rows 0 to 10 of the beads were taken at steps 0 to 300.
            if let Some(beads) = r.beads().unwrap() {
                (0..11).for_each(|i| check_beads(&beads, n, i));
                assert!(beads.rows() == 11 || beads.rows() == 50, "{}", beads.rows());
            }
        }
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [31, 150]);
        // The run goes on and ends as if nothing had happened.
        let mut w = TrajectoryWriter::append(o, 305).unwrap();
        assert_eq!((w.frames(), w.last_step()), (31, Some(300)));
        assert_eq!(w.bead_rows(), if beads { 11 } else { 0 });
        for i in 31..80 {
            write_all(&mut w, n, i);
            w.flush().unwrap();
        }
        drop(w);
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!(r.frames(), 80);
        (0..80).for_each(|i| check(&r, n, i));
        let found = r.beads().unwrap();
        assert_eq!(found.as_ref().map(Beads::rows), beads.then_some(27));
        if let Some(found) = &found {
            (0..27).for_each(|i| check_beads(found, n, i));
        }
        let thermo = r.thermo().unwrap();
        assert_eq!(
            thermo[0].steps,
            (0..80).map(|i| 10 * i).collect::<Vec<u64>>()
        );
        assert_eq!(thermo[0].values, (0..80).map(f64::from).collect::<Vec<_>>());
    }
}

#[test]
fn a_run_that_was_cut_often_is_as_good_as_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let o = TrajectoryOptions {
        compression: 1,
        ..options(&path, 5)
    };
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    drop({
        let mut w = TrajectoryWriter::create(o.clone(), Existing::Refuse).unwrap();
        write(&mut w, 5, 0).unwrap();
        w.flush().unwrap();
        w
    });
    let mut have = 1u64;
    for _ in 0..60 {
        let keep = random.random_range(1..=have);
        let mut w = TrajectoryWriter::append(o.clone(), 10 * (keep - 1)).unwrap();
        assert_eq!(w.frames() as u64, keep);
        have = keep + random.random_range(0..40);
        for i in keep..have {
            write(&mut w, 5, i).unwrap();
            if random.next_u32() % 3 == 0 {
                w.flush().unwrap();
            }
        }
        w.flush().unwrap();
        drop(w);
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!(r.frames() as u64, have);
        (0..have).for_each(|i| check(&r, 5, i));
    }
}
