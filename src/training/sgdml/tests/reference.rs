//! Models of the Python package, made again from the same rows of the same data.

use super::data::reference;
use crate::io::npz::Dataset;
use crate::potential::sgdml::SgdmlFile;
use crate::system::{Atoms, Cell, System};
use crate::training::Silent;
use crate::training::data::LabelledFrame;
use crate::training::sgdml::{Energies, Fitted, Settings, Symmetries, fit};
use std::path::Path;

fn frames(path: &Path, rows: impl Iterator<Item = usize>) -> Vec<LabelledFrame> {
    let data = Dataset::read(path).unwrap();
    let n = data.elements.len();
    rows.map(|r| {
        let mut atoms = Atoms::default();
        for (e, x) in data.elements.iter().zip(&data.positions[r * n..]) {
            atoms.push(crate::elements::Species::natural(*e), *x);
        }
        let cell = data
            .cell
            .map_or_else(Cell::isolated, |c| Cell::new(c, [true; 3]).unwrap());
        LabelledFrame {
            system: System { cell, atoms },
            energy: Some(data.energies[r]),
            forces: Some(data.forces[r * n..(r + 1) * n].to_vec()),
            virial: None,
            kind: "default".into(),
            place: format!("row {r}"),
        }
    })
    .collect()
}

/// Model, data, test data, unit; mean absolute and root mean square errors of energies and forces as the package reports them.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    [f64; 4],
);

const CASES: [Case; 4] = [
    (
        "ethanol50",
        "rmd17_ethanol_train_01",
        "rmd17_ethanol_test_01",
        "kcal/mol",
        [0.4754, 0.6438, 1.8856, 2.6417],
    ),
    (
        "ethanol50_gdml",
        "rmd17_ethanol_train_01",
        "rmd17_ethanol_test_01",
        "kcal/mol",
        [1.2498, 1.6094, 4.0751, 5.5587],
    ),
    (
        "ethanol50_Ecstr",
        "rmd17_ethanol_train_01",
        "rmd17_ethanol_test_01",
        "kcal/mol",
        [0.4266, 0.6069, 1.7788, 2.4957],
    ),
    (
        "benzene100",
        "rmd17_benzene_train_01",
        "rmd17_benzene_test_01",
        "kcal/mol",
        [0.0100, 0.0140, 0.0870, 0.1286],
    ),
];

#[test]
fn models_of_the_package_come_out_again() {
    let Some(folder) = reference() else { return };
    for (name, data, test, unit, published) in CASES {
        let file = SgdmlFile::read(&folder.join(format!("sgdml/{name}/model.npz"))).unwrap();
        let rows = file.train_rows.iter().map(|r| *r as usize);
        let training = frames(&folder.join(format!("sgdml/data/{data}.npz")), rows);
        let test = frames(&folder.join(format!("sgdml/data/{test}.npz")), 0..1000);
        let settings = Settings {
            sigmas: vec![file.sigma],
            energy_unit: unit.into(),
            energies: match file.alphas_energies.is_empty() {
                true => Energies::Constant,
                false => Energies::Constraints,
            },
            symmetries: match file.permutations.len() {
                1 => Symmetries::None,
                _ => Symmetries::Discovered,
            },
            ..Settings::default()
        };
        let mut found = fit(&settings, &training, &[], &mut Silent)
            .unwrap()
            .unwrap();
        let (mut own, mut theirs) = (found.model.permutations.clone(), file.permutations.clone());
        own.sort();
        theirs.sort();
        assert_eq!(own, theirs, "{name}");
        assert!((found.model.std / file.std - 1.0).abs() < 1e-12);
        // The constant goes with coefficients that cancel by eight digits.
        let off = found.model.constant - file.constant;
        assert!(off.abs() < 1e-6 * file.constant.abs(), "{name}: {off}");
        let e = found.test(&test).unwrap();
        let mut theirs = Fitted {
            model: file,
            ..found
        };
        let same = theirs.test(&test).unwrap();
        for (a, b) in [e.energy, e.force]
            .as_flattened()
            .iter()
            .zip([same.energy, same.force].as_flattened())
        {
            assert!((a / b - 1.0).abs() < 1e-5, "{name}: {e:?} {same:?}");
        }
        for (found, expected) in [e.energy, e.force].as_flattened().iter().zip(published) {
            // As many digits as are printed, rounding included.
            assert!(
                *found < expected * 1.0001 + 6e-5,
                "{name}: {found} {expected}"
            );
        }
    }
}
