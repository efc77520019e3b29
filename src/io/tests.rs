//! Whole files: the ones in `tests/data/structures`, round trips in every format, refusals, and hostile input.

use super::*;
use crate::elements::Element;
use crate::system::{Atoms, Cell, System};
use crate::units::{FS, TIME_FS};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::path::PathBuf;

mod faults;
mod files;
mod round_trips;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/structures")
        .join(name)
}

/// All data files of this folder.
const FILES: [&str; 6] = [
    "mixed.extxyz",
    "ethanol.xyz",
    "POSCAR_selective",
    "POSCAR_vasp4",
    "water_full.data",
    "general.lmp",
];

fn parse(name: &str, text: &[u8]) -> Result<Vec<Frame>> {
    FrameReader::new(text, Path::new(name), &ReadOptions::default())?.collect()
}

fn rendered(frame: &Frame, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    render_frame(frame, format, &mut out).unwrap();
    out
}

fn close(a: [f64; 3], b: [f64; 3], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// A random system: any cell, elements and isotopes, positions far outside the cell, velocities over many orders of
/// magnitude.
fn random_system(random: &mut Xoshiro256PlusPlus, periodic: [bool; 3]) -> System {
    let mut number = |scale: f64| scale * (2.0 * random.random::<f64>() - 1.0);
    let rows = loop {
        let rows: [[f64; 3]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| number(8.0)));
        let volume = nalgebra::Matrix3::from_fn(|i, j| rows[i][j])
            .determinant()
            .abs();
        if volume > 20.0 {
            break rows;
        }
    };
    let mut atoms = Atoms::default();
    let count = 1 + (number(20.0).abs() as usize);
    for _ in 0..count {
        let species = match number(1.0) {
            x if x > 0.8 => Species::from_name("D").unwrap(),
            x if x < -0.8 => Species::from_name("13C").unwrap(),
            x => Species::natural(Element::from_number(1 + (x.abs() * 100.0) as u8).unwrap()),
        };
        atoms.push(species, std::array::from_fn(|_| number(30.0)));
    }
    for v in atoms.velocities.as_flattened_mut() {
        let scale = 10f64.powf(number(12.0));
        *v = number(scale);
    }
    System {
        cell: Cell::new(rows, periodic).unwrap(),
        atoms,
    }
}
