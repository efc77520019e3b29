//! Fits of Gaussian approximation potentials.

mod derivatives;
mod reference;
mod settings;
mod synthetic;
mod vectors;

use crate::elements::{Element, Species};
use crate::potential::gap::Gap;
use crate::potential::gap::tests_support::evaluate;
use crate::system::{Atoms, Cell, System};
use crate::training::data::LabelledFrame;

/// Numbers between -0.5 and 0.5.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        })
        .collect()
}

/// A frame without labels.
fn bare(cell: Cell, elements: &[Element], positions: &[[f64; 3]], place: &str) -> LabelledFrame {
    let mut atoms = Atoms::default();
    for (e, x) in elements.iter().zip(positions) {
        atoms.push(Species::natural(*e), *x);
    }
    LabelledFrame {
        system: System { cell, atoms },
        energy: None,
        forces: None,
        virial: None,
        kind: "default".into(),
        place: place.into(),
    }
}

/// The crystal of the descriptor tests, shaken and strained, so many times.
fn shaken(count: usize, seed: u64) -> Vec<LabelledFrame> {
    let (cell, elements, positions) = vectors::crystal();
    (0..count)
        .map(|k| {
            let u = numbers(3 * elements.len() + 9, seed + 31 * k as u64);
            let mut rows = cell.row_vectors();
            for (i, row) in rows.iter_mut().enumerate() {
                for (j, x) in row.iter_mut().enumerate() {
                    *x += 0.5 * u[3 * i + j];
                }
            }
            let cell = Cell::new(rows, [true; 3]).unwrap();
            let moved: Vec<[f64; 3]> = positions
                .iter()
                .enumerate()
                .map(|(a, x)| std::array::from_fn(|d| x[d] + 0.5 * u[9 + 3 * a + d]))
                .collect();
            bare(cell, &elements, &moved, &format!("frame {}", k + 1))
        })
        .collect()
}

/// Labels frames with what a model says.
fn label(gap: &Gap, frames: &mut [LabelledFrame]) {
    for f in frames {
        let (cell, atoms) = (&f.system.cell, &f.system.atoms);
        let e = evaluate(gap, cell, &atoms.elements, &atoms.positions);
        f.energy = Some(e.energy);
        f.forces = Some(e.forces);
        f.virial = Some(e.virial);
    }
}

/// Largest differences between what two models say: energy per atom, force, virial per atom.
fn apart(a: &Gap, b: &Gap, frames: &[LabelledFrame]) -> [f64; 3] {
    let mut worst = [0.0f64; 3];
    for f in frames {
        let (cell, atoms) = (&f.system.cell, &f.system.atoms);
        let n = f.len() as f64;
        let x = evaluate(a, cell, &atoms.elements, &atoms.positions);
        let y = evaluate(b, cell, &atoms.elements, &atoms.positions);
        worst[0] = worst[0].max((x.energy - y.energy).abs() / n);
        for (p, q) in x.forces.iter().flatten().zip(y.forces.iter().flatten()) {
            worst[1] = worst[1].max((p - q).abs());
        }
        for (p, q) in x.virial.iter().flatten().zip(y.virial.iter().flatten()) {
            worst[2] = worst[2].max((p - q).abs() / n);
        }
    }
    worst
}
