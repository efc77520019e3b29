//! Labelled frames for the tests.

use crate::elements::Species;
use crate::potential::sgdml::Sgdml;
use crate::potential::{Evaluation, Member, Potential, Want, Workspace};
use crate::system::{Atoms, Cell, Configuration, System};
use crate::training::data::LabelledFrame;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::path::{Path, PathBuf};

pub fn random(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A number between -1 and 1.
pub fn signed(r: &mut impl Rng) -> f64 {
    2.0 * r.random::<f64>() - 1.0
}

/// The folder of shipped models.
pub fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("potentials/{name}-sgdml/{name}.npz"))
}

/// Reference data, which a bare clone has not.
pub fn reference() -> Option<PathBuf> {
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let found = std::env::var_os("ZUNDEL_REFERENCE").map_or(near, PathBuf::from);
    if found.join("sgdml").is_dir() {
        return Some(found);
    }
    println!("skipped: the reference data is not there (ZUNDEL_REFERENCE)");
    None
}

/// Positions and symbols of the structure that stands beside a shipped model.
pub fn structure(name: &str) -> System {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("inputs/{name}.xyz"));
    let options = crate::io::ReadOptions::default();
    crate::io::read_frame(&path, crate::io::FrameIndex::Last, &options)
        .unwrap()
        .system
}

/// Distorted copies of a system, labelled by a potential.
pub fn labelled(
    system: &System,
    model: &dyn Potential,
    count: usize,
    size: f64,
    seed: u64,
) -> Vec<LabelledFrame> {
    let mut r = random(seed);
    let mut frames = Vec::new();
    for k in 0..count {
        let mut system = system.clone();
        for x in &mut system.atoms.positions {
            x.iter_mut().for_each(|x| *x += size * signed(&mut r));
        }
        frames.push(label(system, model, k));
    }
    frames
}

pub fn label(system: System, model: &dyn Potential, k: usize) -> LabelledFrame {
    let want = Want {
        forces: true,
        ..Want::ENERGY
    };
    let mut result = [Evaluation::default()];
    result[0].reset(system.atoms.len(), want);
    let configuration = Configuration {
        cell: &system.cell,
        elements: &system.atoms.elements,
        positions: &system.atoms.positions,
    };
    let member = [Member {
        configuration,
        neighbours: None,
    }];
    model
        .evaluate(&member, want, &mut Workspace::default(), &mut result)
        .unwrap();
    let [result] = result;
    LabelledFrame {
        energy: Some(result.energy),
        forces: Some(result.forces),
        virial: None,
        kind: "default".into(),
        place: format!("frame {k}"),
        system,
    }
}

/// The shipped ethanol model.
pub fn ethanol() -> Sgdml {
    Sgdml::load(&shipped("ethanol"), None).unwrap()
}

/// A molecule of springs between all atoms, x and energy and forces by hand.
pub fn springs(
    symbols: &str,
    rest: &[[f64; 3]],
    count: usize,
    size: f64,
    seed: u64,
    cell: Cell,
) -> Vec<LabelledFrame> {
    let mut r = random(seed);
    let species: Vec<Species> = symbols
        .split_whitespace()
        .map(|s| Species::natural(crate::elements::Element::from_symbol(s).unwrap()))
        .collect();
    let image = |v: [f64; 3]| {
        if cell.is_isolated() {
            return v;
        }
        let t = cell.cartesian(cell.fractional(v).map(f64::round_ties_even));
        [v[0] - t[0], v[1] - t[1], v[2] - t[2]]
    };
    let vector = |a: &[f64; 3], b: &[f64; 3]| image([a[0] - b[0], a[1] - b[1], a[2] - b[2]]);
    let norm = |v: &[f64; 3]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    (0..count)
        .map(|k| {
            let x: Vec<[f64; 3]> = rest
                .iter()
                .map(|x| x.map(|x| x + size * signed(&mut r)))
                .collect();
            let mut energy = -100.0;
            let mut forces = vec![[0.0; 3]; x.len()];
            for i in 0..x.len() {
                for j in 0..i {
                    let (v, length) = (vector(&x[i], &x[j]), norm(&vector(&rest[i], &rest[j])));
                    let stiff = 2.0 / length;
                    let off = norm(&v) - length;
                    energy += 0.5 * stiff * off * off + 0.1 * off * off * off;
                    let pull = (stiff * off + 0.3 * off * off) / norm(&v);
                    for a in 0..3 {
                        forces[i][a] -= pull * v[a];
                        forces[j][a] += pull * v[a];
                    }
                }
            }
            let mut atoms = Atoms::default();
            species.iter().zip(&x).for_each(|(s, x)| atoms.push(*s, *x));
            LabelledFrame {
                system: System {
                    cell: cell.clone(),
                    atoms,
                },
                energy: Some(energy),
                forces: Some(forces),
                virial: None,
                kind: "default".into(),
                place: format!("frame {k}"),
            }
        })
        .collect()
}

/// Five atoms of no symmetry.
pub const FIVE: [[f64; 3]; 5] = [
    [0.0, 0.1, 0.0],
    [1.5, 0.0, 0.2],
    [-0.4, 1.3, 0.3],
    [0.3, -0.6, 1.4],
    [1.9, 1.4, -0.7],
];
