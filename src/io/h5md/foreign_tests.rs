//! Files as other programs write them, and files that are not what they seem.

use super::tests::{options, write};
use super::*;
use crate::elements::Species;
use hdf5::types::{FixedAscii, VarLenAscii};
use hdf5::{File, Group};

fn group(file: &File, name: &str) -> Group {
    file.create_group(name).unwrap()
}

fn vectors_f32(n: usize, f: usize, scale: f32) -> ndarray::Array3<f32> {
    ndarray::Array3::from_shape_fn((f, n, 3), |(t, i, k)| {
        scale * ((t * 100 + i * 10 + k) as f32)
    })
}

/// As LAMMPS' `dump h5md`: no units, fixed-length strings, numbered species, wrapped positions with images, box lengths
/// as [f][3], forces at another stride.
fn lammps(path: &Path) {
    let f = File::create(path).unwrap();
    let all = group(&f, "particles/all");
    let cell = all.create_group("box").unwrap();
    cell.new_attr::<i32>()
        .shape(())
        .create("dimension")
        .unwrap()
        .write_scalar(&3)
        .unwrap();
    let words = ["periodic", "periodic", "none"].map(|w| FixedAscii::<9>::from_ascii(w).unwrap());
    cell.new_attr::<FixedAscii<9>>()
        .shape(3)
        .create("boundary")
        .unwrap()
        .write_raw(&words)
        .unwrap();
    let put = |name: &str, steps: &[i32]| {
        let g = group(&f, &format!("particles/all/{name}"));
        g.new_dataset_builder()
            .with_data(steps)
            .create("step")
            .unwrap();
        let time: Vec<f64> = steps.iter().map(|&s| 0.5 * f64::from(s)).collect();
        g.new_dataset_builder()
            .with_data(&time)
            .create("time")
            .unwrap();
        g
    };
    let steps = [0, 100, 200];
    put("position", &steps)
        .new_dataset_builder()
        .with_data(&vectors_f32(2, 3, 0.01))
        .create("value")
        .unwrap();
    let image =
        ndarray::Array3::from_shape_fn(
            (3, 2, 3),
            |(t, i, k)| if k == 0 { t as i32 * 2 - i as i32 } else { 0 },
        );
    put("image", &steps)
        .new_dataset_builder()
        .with_data(&image)
        .create("value")
        .unwrap();
    put("force", &[0, 200])
        .new_dataset_builder()
        .with_data(&vectors_f32(2, 2, 1.0))
        .create("value")
        .unwrap();
    let edges = ndarray::arr2(&[[10.0, 11.0, 12.0], [10.5, 11.0, 12.0], [11.0, 11.0, 12.0]]);
    put("box/edges", &steps)
        .new_dataset_builder()
        .with_data(&edges)
        .create("value")
        .unwrap();
    put("species", &steps[..1])
        .new_dataset_builder()
        .with_data(&ndarray::arr2(&[[1, 2]]))
        .create("value")
        .unwrap();
    put("mass", &steps[..1])
        .new_dataset_builder()
        .with_data(&ndarray::arr2(&[[28.0855, 15.9994]]))
        .create("value")
        .unwrap();
}

#[test]
fn lammps_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.h5");
    lammps(&path);
    let r = TrajectoryReader::open(&path).unwrap();
    assert_eq!((r.frames(), r.atoms()), (3, 2));
    assert_eq!(
        r.species().iter().map(|s| s.name()).collect::<Vec<_>>(),
        ["Si", "O"]
    );
    assert!(
        r.notes()
            .iter()
            .any(|n| n.contains("`position` has no unit")),
        "{:?}",
        r.notes()
    );
    assert!(r.notes().iter().any(|n| n.contains("masses")));
    let frame = r.read_frame(1).unwrap();
    assert_eq!((frame.step, frame.time_fs), (100, 50.0));
    assert_eq!(frame.system.cell.periodic(), [true, true, false]);
    assert_eq!(frame.system.cell.row_vectors()[0], [10.5, 0.0, 0.0]);
    // Atom 0 is two images away, atom 1 one image.
    assert!((frame.system.atoms.positions[0][0] - (1.0 + 21.0)).abs() < 1e-6);
    assert!((frame.system.atoms.positions[1][0] - (1.1 + 10.5)).abs() < 1e-6);
    assert!(frame.forces.is_none() && !frame.has_velocities);
    let forces = r.read_frame(2).unwrap().forces.unwrap();
    assert!(
        (forces[1][2] * FORCE_OUT - 112.0).abs() < 1e-6,
        "the second row belongs to step 200"
    );

    let species = [
        Species::from_name("Ge").unwrap(),
        Species::from_name("D").unwrap(),
    ];
    let r = TrajectoryReader::open_with(&path, &species).unwrap();
    assert_eq!(r.species()[1].element.symbol(), "H");
    let e = TrajectoryReader::open_with(&path, &species[..1]).unwrap_err();
    assert!(e.to_string().contains("atom 2 has type 2"), "{e}");
}

#[test]
fn files_in_nanometres_with_a_fixed_box_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.h5md");
    let f = File::create(&path).unwrap();
    let system = group(&f, "particles/system");
    let unit = |set: &hdf5::Dataset, text: &str| {
        let text = FixedAscii::<16>::from_ascii(text).unwrap();
        set.new_attr::<FixedAscii<16>>()
            .shape(())
            .create("unit")
            .unwrap()
            .write_scalar(&text)
            .unwrap();
    };
    let cell = system.create_group("box").unwrap();
    let words = ["periodic"; 3].map(|w| VarLenAscii::from_ascii(w).unwrap());
    cell.new_attr::<VarLenAscii>()
        .shape(3)
        .create("boundary")
        .unwrap()
        .write_raw(&words)
        .unwrap();
    let edges = ndarray::arr2(&[[2.0, 0.0, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 3.0f32]]);
    unit(
        &cell
            .new_dataset_builder()
            .with_data(&edges)
            .create("edges")
            .unwrap(),
        "nm",
    );
    for (name, text) in [("position", "nm"), ("velocity", "nm ps-1")] {
        let g = system.create_group(name).unwrap();
        unit(
            &g.new_dataset_builder()
                .with_data(&vectors_f32(3, 4, 0.001))
                .create("value")
                .unwrap(),
            text,
        );
        // Fixed increments instead of lists.
        g.new_dataset::<i64>()
            .shape(())
            .create("step")
            .unwrap()
            .write_scalar(&50)
            .unwrap();
        let time = g.new_dataset::<f64>().shape(()).create("time").unwrap();
        time.write_scalar(&0.1).unwrap();
        unit(&time, "ps");
    }
    #[derive(Clone, Copy, hdf5::H5Type)]
    #[repr(u8)]
    enum Kind {
        O = 3,
        H = 7,
    }
    let species = [Kind::O, Kind::H, Kind::H];
    system
        .new_dataset_builder()
        .with_data(&species)
        .create("species")
        .unwrap();
    f.flush().unwrap();
    let r = TrajectoryReader::open(&path).unwrap();
    assert_eq!(
        r.species().iter().map(|s| s.name()).collect::<String>(),
        "OHH"
    );
    let frame = r.read_frame(3).unwrap();
    assert_eq!(frame.step, 150);
    assert!((frame.time_fs - 300.0).abs() < 1e-9);
    assert_eq!(frame.system.cell.row_vectors()[1], [5.0, 20.0, 0.0]);
    assert!((frame.system.atoms.positions[1][2] - 3.12).abs() < 1e-5);
    let v = frame.system.atoms.velocities[1][2] * VELOCITY_OUT;
    assert!((v - 0.00312).abs() < 1e-8, "nm/ps to Å/fs: {v}");
}

/// Our own file with one thing changed, and what must be said about it.
fn spoiled(change: impl Fn(&File)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let mut w = TrajectoryWriter::create(options(&path, 4), Existing::Refuse).unwrap();
    (0..3).for_each(|i| write(&mut w, 4, i).unwrap());
    w.close().unwrap();
    let f = File::open_rw(&path).unwrap();
    change(&f);
    drop(f);
    let read = TrajectoryReader::open(&path).and_then(|r| r.read_frame(2));
    let e = read.map(|_| ()).unwrap_err();
    assert_eq!(e.exit_code(), 2, "{e}");
    e.to_string()
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let e = spoiled(|f| f.unlink("particles/trajectory/position").unwrap());
    assert!(e.contains("no positions"), "{e}");
    let e = spoiled(|f| {
        f.unlink("particles/trajectory/species").unwrap();
        f.unlink("particles/trajectory/mass").unwrap();
    });
    assert!(
        e.contains("what element atom 1 is") && e.contains("name the species"),
        "{e}"
    );
    let e = spoiled(|f| {
        let set = f.dataset("particles/trajectory/position/value").unwrap();
        set.delete_attr("unit").unwrap();
        super::text::attach(&set, "unit", "furlong").unwrap();
    });
    assert!(e.contains("furlong") && e.contains("position"), "{e}");
    let e = spoiled(|f| {
        let set = f.dataset("particles/trajectory/position/value").unwrap();
        set.delete_attr("unit").unwrap();
        super::text::attach(&set, "unit", "ps").unwrap();
    });
    assert!(e.contains("is a time; a length is needed"), "{e}");
    let e = spoiled(|f| {
        let g = f.group("particles/trajectory/position").unwrap();
        g.unlink("value").unwrap();
        g.new_dataset::<f32>()
            .chunk((1, 8, 3))
            .shape((1 << 20, 1 << 40, 3))
            .create("value")
            .unwrap();
    });
    assert!(e.contains("too short for the atoms"), "{e}");
    let e = spoiled(|f| {
        f.dataset("particles/trajectory/box/edges/value")
            .unwrap()
            .resize((1, 3, 3))
            .unwrap()
    });
    assert!(e.contains("has no box"), "{e}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    std::fs::write(&path, b"not HDF5 at all").unwrap();
    let e = TrajectoryReader::open(&path).unwrap_err().to_string();
    assert!(e.contains("not an HDF5 file"), "{e}");
    assert!(
        TrajectoryReader::open(folder.path())
            .unwrap_err()
            .to_string()
            .contains("folder")
    );
    let e = TrajectoryReader::open(&folder.path().join("none.h5md"))
        .unwrap_err()
        .to_string();
    assert!(e.contains("no such file"), "{e}");
}

#[test]
fn another_runs_file_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let mine = options(&path, 4);
    let mut w = TrajectoryWriter::create(mine.clone(), Existing::Refuse).unwrap();
    (0..3).for_each(|i| write(&mut w, 4, i).unwrap());
    w.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = |change: &dyn Fn(&mut TrajectoryOptions), why: &str| {
        let mut o = mine.clone();
        change(&mut o);
        let e = TrajectoryWriter::append(o, 0).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        assert!(e.to_string().contains(why), "{e}");
    };
    refused(&|o| o.run = "run-2".into(), "another run");
    refused(&|o| o.masses[2] += 1.0, "masses");
    refused(&|o| o.elements.swap(0, 1), "atoms");
    refused(&|o| o.single = true, "precision");
    refused(
        &|o| o.observables.swap_remove(0).0.clear(),
        "other quantities",
    );
    refused(&|o| o.thermo.clear(), "time series");
    refused(&|o| o.path = folder.path().join("gone.h5md"), "not there");
    assert_eq!(
        std::fs::read(&path).unwrap(),
        before,
        "a refused file is untouched"
    );
    std::fs::write(&path, &before[..before.len() / 2]).unwrap();
    refused(&|_| {}, "not a trajectory that can be continued");
}

#[test]
fn a_file_that_was_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5md");
    let mut w = TrajectoryWriter::create(options(&path, 4), Existing::Refuse).unwrap();
    (0..3).for_each(|i| write(&mut w, 4, i).unwrap());
    w.close().unwrap();
    let good = std::fs::read(&path).unwrap();
    for length in (0..good.len()).step_by(397).chain([good.len() - 1]) {
        std::fs::write(&path, &good[..length]).unwrap();
        let e = TrajectoryReader::open(&path).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        assert!(e.to_string().contains("damaged"), "{e}");
    }
}
