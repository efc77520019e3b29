//! The small files of `tests/data/structures` and, where it is there, the reference data.

use super::*;

fn all(name: &str) -> Vec<Frame> {
    read_frames(&data(name), &ReadOptions::default()).unwrap()
}

#[test]
fn extended_xyz() {
    let frames = all("mixed.extxyz");
    let [first, second] = frames.as_slice() else {
        panic!("{} frames", frames.len())
    };
    assert_eq!((first.line, second.line), (1, 6));
    assert_eq!(first.system.cell.row_vectors()[1], [2.3, 0.1, 2.1]);
    assert_eq!(first.system.cell.periodic(), [true, true, false]);
    assert_eq!(
        (first.energy(), first.has_velocities),
        (Some(-12.25), false)
    );
    assert_eq!(first.forces().unwrap()[1], [-0.5, 0.25, -0.125]);
    assert_eq!(first.virial().unwrap()[1], [0.25, -2.0, 0.125]);
    assert_eq!(first.site_energies().unwrap(), [-6.125, -6.125]);
    assert_eq!(first.value("name"), Some(&Value::from("tiny cell")));

    assert!(second.system.cell.is_isolated() && second.has_velocities);
    assert_eq!(second.energy(), Some(-15.0));
    assert_eq!(second.system.atoms.species(1).name(), "D");
    assert_eq!(
        second.system.atoms.velocities[0],
        [0.1 / 15.999, 0.0, -0.2 / 15.999]
    );
    assert_eq!(second.system.atoms.positions[2], [0.0, -0.76, -0.47]);
    assert_eq!(second.value("don't"), Some(&Value::Logical(true)));
    assert_eq!(
        second.value("note"),
        Some(&Value::from("say \"hi\" \\ bye"))
    );
    assert_eq!(
        second.value("shape").unwrap().as_reals(),
        Some(vec![1.0, 2.0, 3.0, 4.0])
    );
    assert_eq!(
        second.column("id").unwrap().data,
        ColumnData::Integer(vec![7, 8, 9])
    );
    assert_eq!(
        second.column("fixed").unwrap().data,
        ColumnData::Logical(vec![true, false, false])
    );
    assert_eq!(
        second.column("tag").unwrap().data,
        ColumnData::Text(["a", "b", "b"].map(String::from).to_vec())
    );
    assert!(
        second.virial().is_none(),
        "no volume, no virial from a stress"
    );
}

#[test]
fn plain_xyz() {
    let frames = all("ethanol.xyz");
    assert_eq!(
        FrameReader::open(&data("ethanol.xyz"), &ReadOptions::default())
            .unwrap()
            .format(),
        Format::Xyz
    );
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].system.atoms.elements[5].symbol(), "H");
    assert_eq!(frames[0].system.atoms.species(8).name(), "D");
    assert!(
        matches!(frames[0].value("comment"), Some(Value::Text(t)) if t.starts_with("ethanol,"))
    );
    assert_eq!(frames[1].system.atoms.positions, [[1e-3, -2.5, 3.0]]);
    assert!(frames[1].system.cell.is_isolated());
}

#[test]
fn poscar() {
    let frame = &all("POSCAR_selective")[0];
    assert!((frame.system.cell.volume().unwrap() - 45.0).abs() < 1e-12);
    assert_eq!(
        frame
            .system
            .atoms
            .elements
            .iter()
            .map(|e| e.symbol())
            .collect::<Vec<_>>(),
        ["Ga", "As"]
    );
    let a = (4.0f64 * 45.0).cbrt();
    assert!(close(frame.system.atoms.positions[1], [a / 4.0; 3], 1e-12));
    assert_eq!(
        frame.column("move_mask").unwrap().data,
        ColumnData::Logical(vec![true, true, false, false, true, true])
    );
    assert!(frame.has_velocities);
    assert!(close(
        frame.system.atoms.velocities[1],
        [-0.0015 * TIME_FS, 0.0, 0.0025 * TIME_FS],
        1e-15
    ));

    let frame = &all("POSCAR_vasp4")[0];
    assert_eq!(
        frame.system.cell.row_vectors(),
        [[2.0, 0.0, 0.0], [0.2, 2.0, 0.0], [0.0, 0.0, 2.1]]
    );
    assert_eq!(frame.system.atoms.elements[2].symbol(), "O");
    assert_eq!(frame.system.atoms.positions[2], [1.0, 0.0, 1.05]);
    assert!(
        !frame.has_velocities,
        "velocities that are all zero are none"
    );
}

#[test]
fn lammps_data() {
    let frame = &all("water_full.data")[0];
    let atoms = &frame.system.atoms;
    assert_eq!(
        frame.system.cell.row_vectors(),
        [[10.0, 0.0, 0.0], [1.0, 8.0, 0.0], [-0.5, 0.25, 7.0]]
    );
    assert_eq!(
        atoms
            .elements
            .iter()
            .map(|e| e.symbol())
            .collect::<String>(),
        "OHHOHH"
    );
    assert_eq!((atoms.masses[0], atoms.masses[4]), (15.9994, 2.014));
    assert!(close(atoms.positions[1], [9.1, 1.7, 1.0], 1e-12));
    assert!(close(
        atoms.positions[2],
        [8.0 - 1.0 - 0.5, 7.9 - 8.0 + 0.25, 8.5],
        1e-12
    ));
    assert!(frame.has_velocities, "real units are Å/fs");
    assert!(close(
        atoms.velocities[1],
        [0.0, -0.002 * TIME_FS, 0.0],
        1e-15
    ));
    assert_eq!(frame.scalars("initial_charges").unwrap()[0], -0.82);
    assert_eq!(
        frame.column("mol_id").unwrap().data,
        ColumnData::Integer(vec![1, 1, 1, 2, 2, 2])
    );

    let frame = &all("general.lmp")[0];
    assert_eq!(frame.system.cell.row_vectors()[1], [2.7, 0.1, 2.7]);
    assert_eq!(frame.system.atoms.elements[1].symbol(), "As");
    assert_eq!(frame.system.atoms.masses[1], 74.9216);
}

#[test]
fn single_frames() {
    let options = ReadOptions::default();
    for name in FILES {
        let frames = all(name);
        for (index, frame) in [
            (FrameIndex::First, frames.first()),
            (FrameIndex::Last, frames.last()),
            (FrameIndex::Nth(frames.len() - 1), frames.last()),
        ] {
            assert_eq!(
                Some(&read_frame(&data(name), index, &options).unwrap()),
                frame,
                "{name} {index:?}"
            );
        }
        let message = read_frame(&data(name), FrameIndex::Nth(2), &options)
            .unwrap_err()
            .to_string();
        assert!(message.contains("frame 2 is wanted"), "{message}");
    }
}

#[test]
fn velocities_by_their_names() {
    for (column, factor) in [
        ("momenta", 1.0 / 39.948),
        ("velo", TIME_FS),
        ("vel", TIME_FS),
        ("velocities", TIME_FS),
    ] {
        let text =
            format!("1\nProperties=species:S:1:pos:R:3:{column}:R:3\nAr 0 0 0 0.25 -0.5 1\n");
        let frame = &parse("a.extxyz", text.as_bytes()).unwrap()[0];
        assert!(frame.has_velocities && frame.columns.is_empty());
        assert!(
            close(
                frame.system.atoms.velocities[0],
                [0.25 * factor, -0.5 * factor, factor],
                1e-14
            ),
            "{column}"
        );
    }
    let both = |v: f64| {
        let text = format!(
            "1\nProperties=species:S:1:pos:R:3:momenta:R:3:velo:R:3\nAr 0 0 0 39.948 0 0 {v:?} 0 0\n"
        );
        parse("a.extxyz", text.as_bytes())
    };
    assert!(close(
        both(FS).unwrap()[0].system.atoms.velocities[0],
        [1.0, 0.0, 0.0],
        1e-12
    ));
    assert!(both(1.0).unwrap_err().to_string().contains("disagree"));
}

#[test]
fn masses_of_quip_are_recognised() {
    let text = "2\nProperties=species:S:1:pos:R:3:mass:R:1\nSi 0 0 0 2910.81\nC 1 0 0 1244.85\n";
    let frame = &parse("a.extxyz", text.as_bytes()).unwrap()[0];
    assert!((frame.system.atoms.masses[0] - 28.085).abs() < 1e-3);
    assert!((frame.system.atoms.masses[1] - 12.011).abs() < 1e-3);
    let text = "2\nProperties=species:S:1:pos:R:3:mass:R:1\nSi 0 0 0 2910.81\nC 1 0 0 12\n";
    assert_eq!(
        parse("a.extxyz", text.as_bytes()).unwrap()[0]
            .system
            .atoms
            .masses,
        [2910.81, 12.0]
    );
}

#[test]
fn line_ends_of_windows_and_small_letters() {
    let text = b"\xef\xbb\xbf1\r\nlattice=\"3 0 0 0 3 0 0 0 3\" PBC=T properties=pos:R:3:species:S:1\r\n1 2 3 Si\r\n\r\n";
    let frame = &parse("a.xyz", text).unwrap()[0];
    assert!(frame.system.cell.is_bulk());
    assert_eq!(frame.system.atoms.positions, [[1.0, 2.0, 3.0]]);
}

/// The extended XYZ files of the reference data, which ASE wrote.
#[test]
fn reference_frames() {
    let root = std::env::var_os("ZUNDEL_REFERENCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference"),
        PathBuf::from,
    );
    let Ok(folders) = std::fs::read_dir(root.join("gap")) else {
        println!("skipped: no reference data");
        return;
    };
    let mut read = 0;
    for folder in folders {
        let path = folder.unwrap().path().join("reference.extxyz");
        if !path.exists() {
            continue;
        }
        for frame in read_frames(&path, &ReadOptions::default()).unwrap() {
            let atoms = &frame.system.atoms;
            assert_eq!(frame.forces().unwrap().len(), atoms.len());
            let energy = frame.energy().unwrap();
            assert!(frame.virial().is_some() && frame.value("name").is_some());
            if let Some(sites) = frame.site_energies() {
                let sum: f64 = sites.iter().sum();
                assert!(
                    (sum - energy).abs() < 1e-8 * energy.abs().max(1.0),
                    "{path:?}: {sum} {energy}"
                );
            }
            // The tensor from the stress must be the virial: this fails for a transposed cell or a wrong sign.
            if let (Some(virial), Some(stress), Some(v)) = (
                frame.matrix("virial"),
                frame.matrix("stress"),
                frame.system.cell.volume(),
            ) {
                for (w, s) in virial.iter().flatten().zip(stress.iter().flatten()) {
                    assert!((w + s * v).abs() < 1e-8 * (1.0 + w.abs()), "{path:?}");
                }
            }
            assert_eq!(
                parse("a.extxyz", &rendered(&frame, Format::ExtendedXyz)).unwrap()[0].columns,
                frame.columns
            );
            read += 1;
        }
    }
    assert!(read > 20, "only {read} reference frames");
}
