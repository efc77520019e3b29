//! Whole models: against QUIP's numbers, against finite differences, and damaged files.

use super::tests_support::{check_gradients, compare, evaluate, frames, reference};
use super::*;
use crate::elements::Element;
use crate::system::Cell;

#[test]
fn water_pairs_of_quip() {
    let Some(folder) = reference("h2o_2b") else {
        return;
    };
    let file = GapFile::read(&folder.join("GAP.xml")).unwrap();
    assert_eq!(
        (file.coordinates.len(), file.gap_version),
        (3, 1_527_075_646)
    );
    for tabulated in [false, true] {
        let gap = Gap::with(file.clone(), tabulated, variance::JITTER).unwrap();
        compare(&gap, &folder.join("reference.extxyz"), 1e-9, 2e-8);
    }
}

#[test]
fn tables_change_nothing_that_counts() {
    let Some(folder) = reference("h2o_2b") else {
        return;
    };
    let file = GapFile::read(&folder.join("GAP.xml")).unwrap();
    let (exact, fast) = (
        Gap::with(file.clone(), false, variance::JITTER).unwrap(),
        Gap::new(file).unwrap(),
    );
    println!("{:#?}", fast.description());
    for f in frames(&folder.join("reference.extxyz")) {
        let a = evaluate(&exact, &f.cell, &f.elements, &f.positions);
        let b = evaluate(&fast, &f.cell, &f.elements, &f.positions);
        // The exact form itself rounds at 1e-10: its weights reach 4e6.
        assert!(
            (a.energy - b.energy).abs() < 3e-9 * f.elements.len() as f64,
            "{}",
            f.name
        );
    }
}

#[test]
fn gradients_of_the_pair_terms() {
    let Some(folder) = reference("h2o_2b") else {
        return;
    };
    let gap = Gap::load(&folder.join("GAP.xml")).unwrap();
    let checked = frames(&folder.join("reference.extxyz"))
        .iter()
        .filter(|f| f.elements.len() <= 12 && check_gradients(&gap, f, &[3.5, 4.0], 3e-6))
        .count();
    assert!(checked >= 2, "{checked}");
}

#[test]
fn descriptions_tell_elements_and_ranges() {
    let Some(folder) = reference("h2o_2b") else {
        return;
    };
    let d = Gap::load(&folder.join("GAP.xml"))
        .unwrap()
        .description()
        .clone();
    let symbols: Vec<&str> = d.elements.unwrap().iter().map(|e| e.symbol()).collect();
    assert_eq!(symbols, ["H", "O"]);
    assert_eq!(d.neighbours.unwrap().cutoff, 4.0);
    assert_eq!(d.closest_seen.len(), 3);
    assert!(
        d.details.iter().any(|l| l.contains("distance_2b O-H")),
        "{:?}",
        d.details
    );
    assert!(
        d.details.iter().any(|l| l.contains("O 4.6 eV")),
        "{:?}",
        d.details
    );
}

#[test]
fn foreign_elements_are_passed_over() {
    let Some(folder) = reference("h2o_2b") else {
        return;
    };
    let gap = Gap::load(&folder.join("GAP.xml")).unwrap();
    let [h, o, xe] = ["H", "O", "Xe"].map(|s| Element::from_symbol(s).unwrap());
    let water = evaluate(
        &gap,
        &Cell::isolated(),
        &[o, h],
        &[[0.0; 3], [0.9, 0.1, 0.0]],
    );
    let guest = evaluate(
        &gap,
        &Cell::isolated(),
        &[o, h, xe],
        &[[0.0; 3], [0.9, 0.1, 0.0], [0.0, 1.0, 1.0]],
    );
    assert_eq!(water.energy, guest.energy);
    assert_eq!(guest.forces[2], [0.0; 3]);
}

#[test]
fn every_reference_file_is_read() {
    for (folder, name, coordinates) in [
        ("ch4_b1b_soap", "ch4_b1b_soap.xml", 2),
        ("si_2b_soap", "si_2b_soap.xml", 2),
        ("si_lammps_soap", "gap_example.xml", 1),
        ("fit_tiny", "tiny.xml", 2),
        ("sic_2b_3b_soap", "sic_2b_3b_soap.xml", 11),
        ("sic_nb", "GAP.xml", 7),
        ("ch_turbo", "CH.xml", 8),
    ] {
        let Some(folder) = reference(folder) else {
            return;
        };
        let file = GapFile::read(&folder.join(name)).unwrap();
        assert_eq!(file.coordinates.len(), coordinates);
        for c in &file.coordinates {
            assert_eq!(c.sparse.len(), c.alpha.len() * c.dimensions);
        }
        assert_eq!(!file.glues.is_empty(), name == "gap_example.xml");
    }
}

#[test]
fn soap_models_of_quip() {
    // Tolerances are a few times the noise of the reference's own arithmetic.
    for (folder, name, elements, energy, force) in [
        (
            "ch4_b1b_soap",
            "ch4_b1b_soap.xml",
            &["H", "C"][..],
            1e-12,
            1e-11,
        ),
        ("si_2b_soap", "si_2b_soap.xml", &["Si"], 2e-10, 1e-9),
        (
            "si_lammps_soap",
            "gap_example.xml",
            &["O", "Si"],
            2e-9,
            3e-8,
        ),
    ] {
        let Some(folder) = reference(folder) else {
            return;
        };
        let gap = Gap::load(&folder.join(name)).unwrap();
        let symbols: Vec<&str> = gap
            .description()
            .elements
            .iter()
            .flatten()
            .map(|e| e.symbol())
            .collect();
        assert_eq!(symbols, elements);
        compare(&gap, &folder.join("reference.extxyz"), energy, force);
    }
}

/// The folder of the models that ship with the package (tools/synthetic_gap.py).
fn synthetic() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gap")
}

#[test]
fn synthetic_models_of_quip() {
    for (name, energy, force) in [
        ("pair", 1e-12, 1e-11),
        ("pairs", 1e-11, 1e-10),
        ("soap", 1e-11, 1e-10),
        ("soap_species", 1e-11, 1e-10),
        ("old", 1e-11, 1e-10),
        ("glue", 1e-11, 1e-10),
    ] {
        let folder = synthetic().join(name);
        for tabulated in [false, true] {
            let file = GapFile::read(&folder.join(format!("{name}.xml"))).unwrap();
            let gap = Gap::with(file, tabulated, variance::JITTER).unwrap();
            compare(&gap, &folder.join("reference.extxyz"), energy, force);
        }
    }
}

#[test]
fn gradients_of_synthetic_models() {
    for (name, kinks) in [
        ("pair", &[3.5, 4.5][..]),
        ("pairs", &[3.1, 3.5, 3.6, 4.0]),
        ("soap_species", &[3.1, 3.8]),
        ("old", &[3.5, 4.0]),
        ("glue", &[3.0, 3.3, 3.5, 3.6]),
    ] {
        let folder = synthetic().join(name);
        let gap = Gap::load(&folder.join(format!("{name}.xml"))).unwrap();
        let frames = frames(&folder.join("reference.extxyz"));
        let checked = frames
            .iter()
            .filter(|f| check_gradients(&gap, f, kinks, 2e-7))
            .count();
        assert!(checked >= 4, "{name}: {checked}");
    }
}

#[test]
fn shipped_models_fit_in_their_room() {
    // The repository is cloned by people: all synthetic models together stay small.
    let mut size = 0;
    for folder in std::fs::read_dir(synthetic()).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            size += file.unwrap().metadata().unwrap().len();
        }
    }
    assert!(size < 400_000, "{size}");
}
