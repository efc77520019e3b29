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
