//! Frames for tests.

use crate::elements::{Element, Species};
use crate::io::{ReadOptions, read_frames};
use crate::random::{Purpose, Stream};
use crate::system::{Atoms, Cell, System};
use crate::training::data::LabelledFrame;
use std::path::{Path, PathBuf};

pub fn elements(symbols: &[&str]) -> Vec<Element> {
    symbols
        .iter()
        .map(|s| Element::from_symbol(s).unwrap())
        .collect()
}

/// A small distorted cubic crystal with elements in turn, without labels.
pub fn crystal(species: &[Element], seed: u64) -> LabelledFrame {
    let mut s = Stream::new(seed, Purpose::Displacement, 0, 0, 0);
    let a = 2.9;
    let mut rows = [[0.0; 3]; 3];
    for (i, row) in rows.iter_mut().enumerate() {
        row[i] = 2.0 * a;
        row.iter_mut().for_each(|x| *x += 0.2 * s.normal());
    }
    let cell = Cell::new(rows, [true; 3]).unwrap();
    let mut atoms = Atoms::default();
    for i in 0..8 {
        let at = [i & 1, (i >> 1) & 1, i >> 2].map(|k| k as f64 * a + 0.15 * s.normal());
        let pick = ((s.uniform() * species.len() as f64) as usize).min(species.len() - 1);
        atoms.push(Species::natural(species[pick]), at);
    }
    LabelledFrame {
        system: System { cell, atoms },
        energy: None,
        forces: None,
        virial: None,
        kind: "default".into(),
        place: format!("crystal {seed}"),
    }
}

/// The folder of the reference data, if it is there.
pub fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("ZUNDEL_REFERENCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference"),
        PathBuf::from,
    );
    let there = folder.join("mtp").is_dir();
    if !there {
        eprintln!("skipped: no reference data in {}", folder.display());
    }
    there.then_some(folder)
}

/// Frames of a file of MLIP.
pub fn read(path: &Path, species: &[Element]) -> Vec<LabelledFrame> {
    let options = ReadOptions {
        labels: species
            .iter()
            .enumerate()
            .map(|(k, e)| (k as i64, Species::natural(*e)))
            .collect(),
        ..ReadOptions::default()
    };
    read_frames(path, &options)
        .unwrap()
        .into_iter()
        .enumerate()
        .map(|(k, f)| LabelledFrame {
            energy: f.energy(),
            forces: f.forces().map(<[[f64; 3]]>::to_vec),
            virial: f.virial(),
            kind: "default".into(),
            place: format!("{}, frame {}", path.display(), k + 1),
            system: f.system,
        })
        .collect()
}
