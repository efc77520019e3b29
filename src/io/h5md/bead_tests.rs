//! The beads of path integrals: written, read back, cut off, refused.

use super::tests::{cell, close, options, vectors, write};
use super::*;
use std::path::Path;

pub(super) const BEADS: usize = 5;

/// The options of [`options`] with beads.
pub(super) fn with_beads(path: &Path, n: usize) -> TrajectoryOptions {
    TrajectoryOptions {
        beads: Some(BeadOptions {
            beads: BEADS,
            temperature: 300.0,
            velocities: true,
            forces: true,
        }),
        ..options(path, n)
    }
}

fn of_beads(n: usize, row: u64, kind: f64) -> Vec<Vec<[f64; 3]>> {
    (0..BEADS)
        .map(|b| vectors(n, row, kind + 0.01 * b as f64))
        .collect()
}

fn energies(row: u64) -> Vec<f64> {
    (0..BEADS)
        .map(|b| -((row * 7 + b as u64) as f64) / 3.0)
        .collect()
}

/// Writes row `i` of beads (step 30·i).
pub(super) fn write_beads(w: &mut TrajectoryWriter, n: usize, i: u64) -> crate::error::Result<()> {
    w.write_beads(&BeadData {
        step: 30 * i,
        time_fs: 15.0 * i as f64,
        cell: &cell(3 * i),
        positions: &of_beads(n, i, 3.0),
        velocities: &of_beads(n, i, 4.0),
        forces: &of_beads(n, i, 5.0),
        energies: &energies(i),
    })
}

/// Checks row `i` bit for bit (velocities and forces to the rounding of the unit).
pub(super) fn check_beads(beads: &Beads, n: usize, i: u64) {
    let row = beads.read(i as usize, 0..BEADS).unwrap();
    assert_eq!((row.step, row.time_fs), (30 * i, 15.0 * i as f64));
    assert_eq!(row.cell, cell(3 * i));
    assert!(row.positions == of_beads(n, i, 3.0), "positions of row {i}");
    let (velocities, forces) = (row.velocities.unwrap(), row.forces.unwrap());
    for b in 0..BEADS {
        close(&velocities[b], &of_beads(n, i, 4.0)[b], 4e-16);
        close(&forces[b], &of_beads(n, i, 5.0)[b], 4e-16);
    }
    assert_eq!(row.energies.unwrap(), energies(i));
}

#[test]
fn beads_come_back_bit_for_bit() {
    for (n, compression) in [(1, 0), (7, 0), (7, 5), (400, 0), (400, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        let o = TrajectoryOptions {
            compression,
            ..with_beads(&path, n)
        };
        let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
        for i in 0..20 {
            write(&mut w, n, i).unwrap();
            if i % 3 == 0 {
                write_beads(&mut w, n, i / 3).unwrap();
            }
            if i % 4 == 0 {
                w.flush().unwrap();
            }
        }
        assert_eq!((w.frames(), w.bead_rows()), (20, 7));
        w.close().unwrap();
        let r = TrajectoryReader::open(&path).unwrap();
        assert!(r.notes().is_empty(), "{:?}", r.notes());
        (0..20).for_each(|i| super::tests::check(&r, n, i));
        let beads = r.beads().unwrap().unwrap();
        assert_eq!((beads.number(), beads.rows()), (BEADS, 7));
        assert_eq!((beads.atoms(), beads.temperature()), (n, Some(300.0)));
        assert_eq!(beads.steps(), [0, 30, 60, 90, 120, 150, 180]);
        (0..7).for_each(|i| check_beads(&beads, n, i));
        let some = beads.read(2, 1..3).unwrap();
        assert!(some.positions == of_beads(n, 2, 3.0)[1..3]);
        assert_eq!(some.energies.unwrap(), energies(2)[1..3]);
        let e = beads.read(7, 0..1).unwrap_err().to_string();
        assert!(e.contains("no row 7 of beads; the file has 7"), "{e}");
    }
}

/// Writes frames 0 to 9 and rows 0 to 3 (steps 0, 30, 60, 90).
fn ten_frames(o: TrajectoryOptions) {
    let n = o.elements.len();
    let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
    for i in 0..10 {
        write(&mut w, n, i).unwrap();
        if i % 3 == 0 {
            write_beads(&mut w, n, i / 3).unwrap();
        }
    }
    w.close().unwrap();
}

#[test]
fn rows_beyond_the_checkpoint_are_cut_and_written_again() {
    for (last, frames, rows) in [
        (0, 1, 1),
        (29, 3, 1),
        (30, 4, 2),
        (90, 10, 4),
        (1000, 10, 4),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let o = with_beads(&folder.path().join("a.h5md"), 6);
        ten_frames(o.clone());
        let mut w = TrajectoryWriter::append(o.clone(), last).unwrap();
        assert_eq!((w.frames(), w.bead_rows()), (frames, rows), "step {last}");
        for i in rows as u64..6 {
            write_beads(&mut w, 6, i).unwrap();
        }
        w.close().unwrap();
        let beads = TrajectoryReader::open(&o.path)
            .unwrap()
            .beads()
            .unwrap()
            .unwrap();
        assert_eq!(beads.steps(), [0, 30, 60, 90, 120, 150]);
        (0..6).for_each(|i| check_beads(&beads, 6, i));
    }
}

#[test]
fn beads_need_no_frames_and_no_box() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let o = TrajectoryOptions {
        periodic: [false; 3],
        single: true,
        beads: Some(BeadOptions {
            beads: BEADS,
            temperature: 77.5,
            velocities: false,
            forces: false,
        }),
        ..options(&path, 4)
    };
    let mut w = TrajectoryWriter::create(o.clone(), Existing::Refuse).unwrap();
    let row = |step, positions: &[Vec<[f64; 3]>], w: &mut TrajectoryWriter| {
        w.write_beads(&BeadData {
            step,
            time_fs: step as f64,
            cell: &Cell::isolated(),
            positions,
            velocities: &[],
            forces: &[],
            energies: &energies(step),
        })
    };
    for step in 0..3 {
        row(step, &of_beads(4, step, 0.0), &mut w).unwrap();
        w.flush().unwrap();
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!(r.beads().unwrap().unwrap().rows() as u64, step + 1);
    }
    let too_few = row(3, &of_beads(4, 0, 0.0)[1..], &mut w).unwrap_err();
    assert!(too_few.to_string().contains("beads or atoms"), "{too_few}");
    let wrong_atoms = row(3, &of_beads(5, 0, 0.0), &mut w).unwrap_err();
    assert!(wrong_atoms.to_string().contains("beads or atoms"));
    w.close().unwrap();
    let r = TrajectoryReader::open(&path).unwrap();
    assert_eq!(r.frames(), 0);
    let beads = r.beads().unwrap().unwrap();
    assert!(!beads.has_velocities() && !beads.has_forces());
    let got = beads.read(2, 0..BEADS).unwrap();
    assert!(got.cell.is_isolated() && got.velocities.is_none() && got.forces.is_none());
    for (x, y) in got.positions.iter().zip(&of_beads(4, 2, 0.0)) {
        close(x, y, 6e-8);
    }
    assert_eq!(got.energies.unwrap(), energies(2));
    // A file without beads takes none.
    let mut w = TrajectoryWriter::create(
        TrajectoryOptions {
            beads: None,
            path: folder.path().join("b.h5md"),
            ..o
        },
        Existing::Refuse,
    )
    .unwrap();
    assert!(row(0, &of_beads(4, 0, 0.0), &mut w).is_err());
    assert_eq!(w.bead_rows(), 0);
}

#[test]
fn another_runs_beads_are_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let mine = with_beads(&path, 4);
    ten_frames(mine.clone());
    let before = std::fs::read(&path).unwrap();
    let refused = |change: &dyn Fn(&mut BeadOptions), why: &str| {
        let mut o = mine.clone();
        change(o.beads.as_mut().unwrap());
        let e = TrajectoryWriter::append(o, 0).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        assert!(e.to_string().contains(why), "{e}");
    };
    refused(&|b| b.beads = 8, "another number of beads");
    refused(&|b| b.temperature = 301.0, "another temperature");
    refused(&|b| b.forces = false, "other quantities of the beads");
    let e = TrajectoryWriter::append(options(&path, 4), 0).unwrap_err();
    assert!(e.to_string().contains("holds the beads"), "{e}");
    assert_eq!(
        std::fs::read(&path).unwrap(),
        before,
        "a refused file is untouched"
    );
    let plain = folder.path().join("b.h5md");
    ten_frames_without_beads(&plain);
    let e = TrajectoryWriter::append(with_beads(&plain, 4), 0).unwrap_err();
    assert!(e.to_string().contains("holds no beads"), "{e}");
    assert!(
        TrajectoryReader::open(&plain)
            .unwrap()
            .beads()
            .unwrap()
            .is_none()
    );
}

fn ten_frames_without_beads(path: &Path) {
    let mut w = TrajectoryWriter::create(options(path, 4), Existing::Refuse).unwrap();
    (0..10).for_each(|i| write(&mut w, 4, i).unwrap());
    w.close().unwrap();
}

/// Our own file with one thing about its beads changed, and what is said about it; its frames stay readable.
fn spoiled(change: impl Fn(&hdf5::Group)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    ten_frames(with_beads(&path, 4));
    let f = hdf5::File::open_rw(&path).unwrap();
    change(&f.group("path_integral").unwrap());
    drop(f);
    let r = TrajectoryReader::open(&path).unwrap();
    super::tests::check(&r, 4, 9);
    let read = r.beads().and_then(|beads| beads.unwrap().read(3, 0..BEADS));
    let e = read.map(|_| ()).unwrap_err();
    assert_eq!(e.exit_code(), 2, "{e}");
    e.to_string()
}

#[test]
fn what_is_wrong_with_beads_is_said() {
    let other = |g: &hdf5::Group, name: &str, shape: &[usize], chunk: &[usize]| {
        g.unlink(name).unwrap();
        g.new_dataset::<f64>()
            .chunk(chunk.to_vec())
            .shape(shape.to_vec())
            .create(name)
            .unwrap();
    };
    let e = spoiled(|g| g.unlink("position").unwrap());
    assert!(e.contains("no positions of beads"), "{e}");
    let e = spoiled(|g| g.unlink("box").unwrap());
    assert!(e.contains("what the cell of its beads is"), "{e}");
    let e = spoiled(|g| {
        g.dataset("box/edges/value")
            .unwrap()
            .resize((2, 3, 3))
            .unwrap()
    });
    assert!(e.contains("has no box"), "{e}");
    let e = spoiled(|g| {
        let attribute = g.attr("beads").unwrap();
        attribute.write_scalar(&-1i64).unwrap();
    });
    assert!(
        e.contains("says that it has -1 beads") && e.contains("those of 5"),
        "{e}"
    );
    let e = spoiled(|g| other(g, "velocity/value", &[4, BEADS, 3, 3], &[1, BEADS, 3, 3]));
    assert!(
        e.contains("`path_integral/velocity` has the shape [4, 5, 3, 3]"),
        "{e}"
    );
    let e = spoiled(|g| other(g, "bead_energy/value", &[4, 2], &[1, 2]));
    assert!(
        e.contains("`path_integral/bead_energy` has the shape"),
        "{e}"
    );
    let e = spoiled(|g| other(g, "position/value", &[4, BEADS, 4], &[1, BEADS, 4]));
    assert!(e.contains("has the shape [4, 5, 4]"), "{e}");
    let huge = 1 << 40;
    let e = spoiled(|g| {
        g.delete_attr("beads").unwrap();
        other(g, "position/value", &[4, huge, 4, 3], &[1, 8, 4, 3]);
    });
    assert!(e.contains("too short for the beads"), "{e}");
    let e = spoiled(|g| {
        g.delete_attr("beads").unwrap();
        other(g, "position/value", &[4, 0, 4, 3], &[1, 8, 4, 3]);
    });
    assert!(e.contains("it has no beads"), "{e}");
    // Rows that are not there are not read, whatever the positions claim.
    let e = spoiled(|g| g.dataset("position/step").unwrap().resize(2).unwrap());
    assert!(
        e.contains("there is no row 3 of beads; the file has 2"),
        "{e}"
    );
    let e = spoiled(|g| {
        g.unlink("position/value").unwrap();
        g.group("position").unwrap().create_group("value").unwrap();
    });
    assert!(e.contains("position/value"), "{e}");
}

#[test]
fn a_view_shows_one_bead_and_grows_with_its_source() {
    for single in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        // HDF5 gives per cents in the names of source files a meaning.
        let path = folder.path().join("100%b.h5md");
        let o = TrajectoryOptions {
            single,
            ..with_beads(&path, 6)
        };
        ten_frames(o.clone());
        let inside = folder.path().join("views");
        std::fs::create_dir(&inside).unwrap();
        let views = [folder.path().join("b.h5md"), inside.join("b.h5md")];
        let r = TrajectoryReader::open(&path).unwrap();
        let beads = r.beads().unwrap().unwrap();
        for view in &views {
            r.write_view(&beads, 3, view).unwrap();
            assert!(
                std::fs::metadata(view).unwrap().len() < 20_000,
                "a view is small"
            );
        }
        assert!(r.write_view(&beads, BEADS, &views[0]).is_err());
        drop((beads, r));
        let check_view = |view: &Path, rows: u64| {
            let r = TrajectoryReader::open(view).unwrap();
            assert!(r.notes().is_empty(), "{:?}", r.notes());
            assert_eq!(r.frames() as u64, rows);
            assert!(r.beads().unwrap().is_none());
            assert_eq!((r.run().as_str(), r.parameters().len()), ("run-1", 2));
            assert_eq!(r.species()[1].mass, o.masses[1]);
            for i in 0..rows {
                let f = r.read_frame(i as usize).unwrap();
                assert_eq!((f.step, f.time_fs), (30 * i, 15.0 * i as f64));
                assert_eq!(f.system.cell, cell(3 * i));
                let tolerance = if single { 1e-7 } else { 4e-16 };
                let wanted = |kind| vectors(6, i, kind + 0.03);
                close(&f.system.atoms.positions, &wanted(3.0), tolerance);
                close(&f.system.atoms.velocities, &wanted(4.0), tolerance);
                close(&f.forces.unwrap(), &wanted(5.0), tolerance);
                assert_eq!(f.observables, [energies(i)[3]]);
            }
        };
        views.iter().for_each(|view| check_view(view, 4));
        // The run goes on.
        let mut w = TrajectoryWriter::append(o.clone(), 90).unwrap();
        (4..7).for_each(|i| write_beads(&mut w, 6, i).unwrap());
        w.close().unwrap();
        views.iter().for_each(|view| check_view(view, 7));
        // Without its source a view is refused, not read as zeros.
        std::fs::rename(&path, folder.path().join("gone.h5md")).unwrap();
        let e = TrajectoryReader::open(&views[0]).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        let said = e.to_string();
        assert!(
            said.contains("only shows one bead of `100%b.h5md`"),
            "{said}"
        );
    }
}

#[test]
fn a_view_of_many_atoms_is_not_taken_for_damaged() {
    // More than a file of the view's own length could ever hold.
    let n = 2_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let species = crate::elements::Species::from_name("Si").unwrap();
    let o = TrajectoryOptions {
        path: path.clone(),
        elements: vec![species.element; n],
        masses: vec![species.mass; n],
        single: true,
        beads: Some(BeadOptions {
            beads: 1,
            temperature: 10.0,
            velocities: false,
            forces: false,
        }),
        ..TrajectoryOptions::default()
    };
    let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
    w.write_beads(&BeadData {
        step: 0,
        time_fs: 0.0,
        cell: &Cell::isolated(),
        positions: &[vec![[1.0, 2.0, 3.0]; n]],
        velocities: &[],
        forces: &[],
        energies: &[-1.0],
    })
    .unwrap();
    w.close().unwrap();
    let view = folder.path().join("view.h5md");
    let r = TrajectoryReader::open(&path).unwrap();
    let beads = r.beads().unwrap().unwrap();
    r.write_view(&beads, 0, &view).unwrap();
    assert!(std::fs::metadata(&view).unwrap().len() < n as u64 * 12 / 1032);
    let r = TrajectoryReader::open(&view).unwrap();
    let f = r.read_frame(0).unwrap();
    assert_eq!(f.system.atoms.positions[n - 1], [1.0, 2.0, 3.0]);
}

/// Prints what a row costs; `cargo test --release cost_of_a_row -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_row_of_beads() {
    let (n, beads) = (1000, 32);
    let x: Vec<_> = (0..beads).map(|b| vectors(n, b, 0.0)).collect();
    for (single, compression) in [(false, 0), (true, 0), (true, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        let o = TrajectoryOptions {
            single,
            compression,
            beads: Some(BeadOptions {
                beads: beads as usize,
                temperature: 300.0,
                velocities: false,
                forces: false,
            }),
            ..options(&path, n)
        };
        let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
        let rows = 100;
        let start = std::time::Instant::now();
        for step in 0..rows {
            w.write_beads(&BeadData {
                step,
                time_fs: step as f64,
                cell: &cell(1),
                positions: &x,
                velocities: &[],
                forces: &[],
                energies: &[-1.0; 32],
            })
            .unwrap();
            w.flush().unwrap();
        }
        println!(
            "{beads} beads of {n} atoms, {} bytes, level {compression}: {:.2} ms a row, {:.0} kB",
            if single { 4 } else { 8 },
            start.elapsed().as_secs_f64() * 1e3 / rows as f64,
            std::fs::metadata(&path).unwrap().len() as f64 / rows as f64 * 1e-3,
        );
    }
}
