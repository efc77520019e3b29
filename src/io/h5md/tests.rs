//! What is written is read back, and other programs' layouts are understood.

use super::*;
use crate::elements::Species;
use crate::system::Cell;
use std::path::Path;

/// Options for `n` atoms of silicon and deuterium with everything switched on.
pub(super) fn options(path: &Path, n: usize) -> TrajectoryOptions {
    let species = [
        Species::from_name("Si").unwrap(),
        Species::from_name("D").unwrap(),
    ];
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    TrajectoryOptions {
        path: path.to_path_buf(),
        elements: (0..n).map(|i| species[i % 2].element).collect(),
        masses: (0..n).map(|i| species[i % 2].mass).collect(),
        periodic: [true; 3],
        velocities: true,
        forces: true,
        observables: vec![pair("potential_energy", "eV"), pair("temperature", "K")],
        thermo: vec![pair("conserved", "eV"), pair("pressure", "GPa")],
        parameters: vec![pair("deck", "version = 1\n# \u{c5}\n"), pair("seed", "42")],
        run: "run-1".into(),
        ..TrajectoryOptions::default()
    }
}

/// Vectors that depend on atom, frame and kind in all their bits.
pub(super) fn vectors(n: usize, frame: u64, kind: f64) -> Vec<[f64; 3]> {
    (0..n)
        .map(|i| {
            std::array::from_fn(|k| {
                ((i * 3 + k) as f64 + 0.1).sin() * 10.0 + (frame as f64 * 0.7).cos() + kind
            })
        })
        .collect()
}

pub(super) fn cell(frame: u64) -> Cell {
    let a = 10.0 + (frame as f64).sin();
    Cell::new([[a, 0.0, 0.0], [0.3, a, 0.0], [-0.1, 0.2, a]], [true; 3]).unwrap()
}

/// Writes frame number `i` (step 10·i).
pub(super) fn write(w: &mut TrajectoryWriter, n: usize, i: u64) -> crate::error::Result<()> {
    w.write_frame(&FrameData {
        step: 10 * i,
        time_fs: 5.0 * i as f64,
        cell: &cell(i),
        positions: &vectors(n, i, 0.0),
        velocities: &vectors(n, i, 1.0),
        forces: &vectors(n, i, 2.0),
        observables: &[-(i as f64) / 3.0, 300.0 + i as f64],
    })
}

/// Checks frame `i` bit for bit (velocities and forces to the rounding of the unit).
pub(super) fn check(r: &TrajectoryReader, n: usize, i: u64) {
    let f = r.read_frame(i as usize).unwrap();
    assert_eq!(f.step, 10 * i);
    assert_eq!(f.time_fs, 5.0 * i as f64);
    assert_eq!(f.system.cell, cell(i));
    assert!(
        f.system.atoms.positions == vectors(n, i, 0.0),
        "positions of frame {i}"
    );
    assert!(f.has_velocities);
    close(&f.system.atoms.velocities, &vectors(n, i, 1.0), 4e-16);
    close(f.forces.as_deref().unwrap(), &vectors(n, i, 2.0), 4e-16);
    assert_eq!(f.observables, [-(i as f64) / 3.0, 300.0 + i as f64]);
}

pub(super) fn close(a: &[[f64; 3]], b: &[[f64; 3]], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.as_flattened().iter().zip(b.as_flattened()) {
        assert!((x - y).abs() <= tolerance * y.abs(), "{x} {y}");
    }
}

#[test]
fn round_trip_is_exact() {
    for (n, compression) in [(1, 0), (7, 0), (7, 5), (400, 0), (400, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5md");
        let o = TrajectoryOptions {
            compression,
            ..options(&path, n)
        };
        let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
        for i in 0..20 {
            write(&mut w, n, i).unwrap();
            w.write_thermo(10 * i, 5.0 * i as f64, &[i as f64, 0.5])
                .unwrap();
            w.write_thermo(10 * i + 5, 5.0 * i as f64 + 2.5, &[i as f64 + 0.5, 0.25])
                .unwrap();
            if i % 3 == 0 {
                w.flush().unwrap();
            }
        }
        w.close().unwrap();
        let names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["a.h5md"], "nothing is left beside the file");
        let r = TrajectoryReader::open(&path).unwrap();
        assert_eq!((r.frames(), r.atoms()), (20, n));
        assert!(r.notes().is_empty(), "{:?}", r.notes());
        (0..20).for_each(|i| check(&r, n, i));
        assert_eq!(r.species()[0].name(), "Si");
        assert_eq!(r.run(), "run-1");
        assert_eq!(
            r.parameters()[0],
            ("deck".to_owned(), "version = 1\n# \u{c5}\n".to_owned())
        );
        let thermo = r.thermo().unwrap();
        assert_eq!(thermo[0].name, "conserved");
        assert_eq!(thermo[0].steps[..4], [0, 5, 10, 15]);
        assert_eq!(thermo[1].values.len(), 40);
        assert_eq!(thermo[1].unit, "GPa");
        assert!(
            r.read_frame(20)
                .unwrap_err()
                .to_string()
                .contains("no frame 20")
        );
    }
}

/// Prints what a frame costs; `cargo test --release cost_of_a_frame -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_frame() {
    for n in [64, 10_000] {
        for (single, compression) in [(false, 0), (true, 0), (true, 1)] {
            for every in [1, 20] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("a.h5md");
                let o = TrajectoryOptions {
                    single,
                    compression,
                    ..options(&path, n)
                };
                let frames = if n > 1000 { 200 } else { 5000 };
                let (x, v, f) = (vectors(n, 1, 0.0), vectors(n, 1, 1.0), vectors(n, 1, 2.0));
                let mut w = TrajectoryWriter::create(o, Existing::Refuse).unwrap();
                let start = std::time::Instant::now();
                for i in 0..frames {
                    w.write_frame(&FrameData {
                        step: i,
                        time_fs: i as f64,
                        cell: &cell(1),
                        positions: &x,
                        velocities: &v,
                        forces: &f,
                        observables: &[1.0, 2.0],
                    })
                    .unwrap();
                    w.write_thermo(i, i as f64, &[1.0, 2.0]).unwrap();
                    if i % every == 0 {
                        w.flush().unwrap();
                    }
                }
                let written = start.elapsed();
                let start = std::time::Instant::now();
                w.sync().unwrap();
                println!(
                    "{n:6} atoms, {} bytes, level {compression}, flush every {every:2}: {:7.1} us a frame, {:.0} bytes; sync {:.1} ms",
                    if single { 4 } else { 8 },
                    written.as_secs_f64() * 1e6 / frames as f64,
                    std::fs::metadata(&path).unwrap().len() as f64 / frames as f64,
                    start.elapsed().as_secs_f64() * 1e3,
                );
            }
        }
    }
}
