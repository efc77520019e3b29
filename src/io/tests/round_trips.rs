//! What is written is read back, to the bit where the format can say it.

use super::*;

const PERIODICITIES: [[bool; 3]; 4] = [
    [true, true, true],
    [true, true, false],
    [false, false, true],
    [false, false, false],
];

#[test]
fn extended_xyz_to_the_bit() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    for round in 0..200 {
        let system = random_system(&mut random, PERIODICITIES[round % 4]);
        let n = system.atoms.len();
        let mut frame = Frame::from(system);
        frame.line = 1;
        let numbers: Vec<[f64; 3]> = (0..n)
            .map(|_| std::array::from_fn(|_| random.random::<f64>() - 0.5))
            .collect();
        frame.set_vectors("forces", &numbers);
        frame.set_scalars(
            "local_energy",
            numbers.iter().map(|v| v[0] * 1e-300).collect(),
        );
        frame.set_column(Column {
            name: "id".into(),
            width: 2,
            data: ColumnData::Integer((0..2 * n as i64).collect()),
        });
        frame.set_column(Column {
            name: "tag".into(),
            width: 1,
            data: ColumnData::Text(vec!["x:y".into(); n]),
        });
        frame.set_column(Column {
            name: "ok".into(),
            width: 1,
            data: ColumnData::Logical(vec![round % 2 == 0; n]),
        });
        frame.set_value("energy", random.random::<f64>() * 1e10);
        frame.set_value(
            "virial",
            [
                [0.1, -0.2, f64::MIN_POSITIVE],
                [1e300, 5e-324, -0.0],
                [1.0, 2.0, 3.0],
            ],
        );
        frame.set_value(
            "text",
            ["plain", "12", "", "two \"words\"", "tab\there\nand more \\"][round % 5],
        );
        frame.set_value("odd key", i64::MIN);
        frame.set_value("flags", Value::Logicals(vec![true, false]));
        let text = rendered(&frame, Format::ExtendedXyz);
        let back = parse("a.extxyz", &text).unwrap().remove(0);
        // Momenta are rounded, so velocities may change in the last bit, once.
        for (v, w) in frame
            .system
            .atoms
            .velocities
            .as_flattened()
            .iter()
            .zip(back.system.atoms.velocities.as_flattened())
        {
            assert!((v - w).abs() <= 2.0 * f64::EPSILON * v.abs(), "{v:?} {w:?}");
        }
        frame
            .system
            .atoms
            .velocities
            .clone_from(&back.system.atoms.velocities);
        assert_eq!(frame, back);
        let bits = |f: &Frame| {
            f.system
                .atoms
                .positions
                .as_flattened()
                .iter()
                .map(|x| x.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&frame), bits(&back));
        assert_eq!(
            rendered(&back, Format::ExtendedXyz),
            rendered(&frame, Format::ExtendedXyz)
        );
        // From now on nothing changes any more.
        assert_eq!(
            parse("a.extxyz", &rendered(&back, Format::ExtendedXyz))
                .unwrap()
                .remove(0),
            back
        );
    }
}

#[test]
fn plain_xyz() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(12);
    for _ in 0..50 {
        let frame = Frame::from(random_system(&mut random, [false; 3]));
        let back = parse("a.xyz", &rendered(&frame, Format::Xyz))
            .unwrap()
            .remove(0);
        assert_eq!(back.system.atoms.elements, frame.system.atoms.elements);
        assert_eq!(back.system.atoms.positions, frame.system.atoms.positions);
    }
}

#[test]
fn poscar() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(13);
    for round in 0..100 {
        let mut frame = Frame::from(random_system(&mut random, [true; 3]));
        let n = frame.system.atoms.len();
        let mask: Vec<bool> = (0..3 * n).map(|_| random.random()).collect();
        if round % 2 == 0 {
            frame.set_column(Column {
                name: "move_mask".into(),
                width: 3,
                data: ColumnData::Logical(mask.clone()),
            });
        }
        let back = parse("POSCAR", &rendered(&frame, Format::Poscar))
            .unwrap()
            .remove(0);
        assert_eq!(back.system.cell, frame.system.cell);
        let order = poscar_atom_order(&frame.system.atoms);
        for (k, &i) in order.iter().enumerate() {
            assert_eq!(
                back.system.atoms.elements[k],
                frame.system.atoms.elements[i]
            );
            assert_eq!(
                back.system.atoms.positions[k],
                frame.system.atoms.positions[i]
            );
            let (v, w) = (
                frame.system.atoms.velocities[i],
                back.system.atoms.velocities[k],
            );
            assert!(
                (0..3).all(|k| (v[k] - w[k]).abs() <= 2.0 * f64::EPSILON * v[k].abs()),
                "{v:?} {w:?}"
            );
            if let Some(column) = back.column("move_mask") {
                let ColumnData::Logical(m) = &column.data else {
                    panic!("{column:?}")
                };
                assert_eq!(m[3 * k..3 * k + 3], mask[3 * i..3 * i + 3]);
            }
        }
        assert_eq!(back.column("move_mask").is_some(), round % 2 == 0);
        // Grouped once, nothing changes any more.
        let again = parse("POSCAR", &rendered(&back, Format::Poscar))
            .unwrap()
            .remove(0);
        assert_eq!(again, back);
    }
}

/// Distances between atoms and all near images of others; unchanged by a rotation.
fn distances(system: &System) -> Vec<f64> {
    let mut found = Vec::new();
    let atoms = &system.atoms;
    for i in 0..atoms.len().min(4) {
        for j in 0..atoms.len() {
            let home = |k: usize| system.cell.wrap(atoms.positions[k]);
            for s in 0..27 {
                // Both signs of every vector appear, so a c that was inverted gives the same set.
                let t = system
                    .cell
                    .translation([s / 9 - 1, s / 3 % 3 - 1, s % 3 - 1]);
                let (a, b) = (home(i), home(j));
                found.push(
                    (0..3)
                        .map(|k| (b[k] + t[k] - a[k]).powi(2))
                        .sum::<f64>()
                        .sqrt(),
                );
            }
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

#[test]
fn lammps_data_of_any_cell_is_rotated() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(14);
    let mut left_handed = 0;
    for _ in 0..100 {
        let mut system = random_system(&mut random, [true; 3]);
        if system.cell.basis().determinant() < 0.0 {
            left_handed += 1;
            let [a, b, c] = system.cell.row_vectors();
            system.cell = Cell::new([a, b, c.map(|x| -x)], [true; 3]).unwrap();
        }
        for v in system.atoms.velocities.as_flattened_mut() {
            *v = v.clamp(-10.0, 10.0);
        }
        let frame = Frame::from(system);
        let text = rendered(&frame, Format::LammpsData);
        let back = parse("a.data", &text).unwrap().remove(0);
        assert_eq!(back.system.atoms.elements, frame.system.atoms.elements);
        assert_eq!(back.system.atoms.masses, frame.system.atoms.masses);
        for (a, b) in distances(&frame.system).iter().zip(distances(&back.system)) {
            assert!((a - b).abs() < 1e-10, "{a} {b}");
        }
        for i in 0..frame.system.atoms.len() {
            // r·v is unchanged by a common rotation of positions and velocities.
            let dot = |s: &System| {
                (0..3)
                    .map(|k| s.atoms.positions[i][k] * s.atoms.velocities[i][k])
                    .sum::<f64>()
            };
            assert!((dot(&frame.system) - dot(&back.system)).abs() < 1e-10);
        }
        let again = parse("a.data", &rendered(&back, Format::LammpsData))
            .unwrap()
            .remove(0);
        assert_eq!(
            again.system, back.system,
            "a restricted cell keeps its bits"
        );
    }
    assert!(left_handed > 20);
}

#[test]
fn files_are_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.xyz");
    let frames = read_frames(&data("mixed.extxyz"), &ReadOptions::default()).unwrap();
    let format = Format::to_write(&path).unwrap();
    write_frames(&path, &frames, format).unwrap();
    let back = read_frames(&path, &ReadOptions::default()).unwrap();
    assert_eq!(back.len(), 2);
    assert_eq!(back[1].system, frames[1].system);
    assert_eq!(back[1].info, frames[1].info);
    let before = std::fs::read(&path).unwrap();
    let mut broken = frames.clone();
    broken[1].set_scalars("a b", vec![0.0; 3]);
    assert!(write_frames(&path, &broken, format).is_err());
    assert!(
        write_frames(&path, &frames, Format::Poscar).is_err(),
        "two frames do not fit"
    );
    assert_eq!(
        std::fs::read(&path).unwrap(),
        before,
        "a failed write leaves the old file"
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing else"
    );
}

#[test]
fn what_a_format_cannot_say_is_refused() {
    let frames = read_frames(&data("ethanol.xyz"), &ReadOptions::default()).unwrap();
    for format in [Format::Poscar, Format::LammpsData] {
        let message = render_frame(&frames[0], format, &mut Vec::new())
            .unwrap_err()
            .to_string();
        assert!(message.contains("cell vectors"), "{message}");
    }
    let refuse = |change: &dyn Fn(&mut Frame)| {
        let mut frame = frames[1].clone();
        change(&mut frame);
        assert!(render_frame(&frame, Format::ExtendedXyz, &mut Vec::new()).is_err());
    };
    refuse(&|f| f.system.atoms.positions[0][1] = f64::NAN);
    refuse(&|f| f.set_value("Lattice", 1.0));
    refuse(&|f| f.set_scalars("velo", vec![1.0]));
    refuse(&|f| f.set_scalars("x", vec![1.0, 2.0]));
    refuse(&|f| {
        f.set_column(Column {
            name: "t".into(),
            width: 1,
            data: ColumnData::Text(vec!["a b".into()]),
        })
    });
    refuse(&|f| f.system.atoms = Atoms::default());
}
