//! Energies of isolated atoms.

use super::settings::IsolatedAtoms;
use crate::error::{Error, Result};
use crate::neighbours::{ListKind, NeighbourList, NeighbourRequest};
use crate::training::data::LabelledFrame;
use std::collections::BTreeMap;

/// The energy (eV) of each element of the data, by atomic number.
///
/// `cutoff` (Å) is the largest of the model: an atom without a neighbour inside it is isolated.
pub(super) fn energies(
    frames: &[LabelledFrame],
    elements: &[u8],
    from: &IsolatedAtoms,
    cutoff: f64,
) -> Result<BTreeMap<u8, f64>> {
    match from {
        IsolatedAtoms::Given(map) => {
            if let Some((z, e)) = map
                .iter()
                .find(|(z, e)| !e.is_finite() || !(1..=118).contains(*z))
            {
                let reason =
                    format!("the energy {e} eV of an isolated atom of atomic number {z} cannot be");
                return Err(Error::input("", reason));
            }
            Ok(elements
                .iter()
                .map(|z| (*z, map.get(z).copied().unwrap_or(0.0)))
                .collect())
        }
        IsolatedAtoms::Average => {
            let with: Vec<(f64, f64)> = frames
                .iter()
                .filter_map(|f| Some((f.energy?, f.len() as f64)))
                .collect();
            let atoms: f64 = with.iter().map(|w| w.1).sum();
            let mean = if atoms > 0.0 {
                with.iter().map(|w| w.0).sum::<f64>() / atoms
            } else {
                0.0
            };
            Ok(elements.iter().map(|z| (*z, mean)).collect())
        }
        IsolatedAtoms::Fitted => Ok(fitted(frames, elements)),
        IsolatedAtoms::Frames => from_frames(frames, elements, cutoff),
    }
}

/// How many atoms of each element a frame has.
fn composition(frame: &LabelledFrame, elements: &[u8]) -> Vec<f64> {
    let mut counts = vec![0.0; elements.len()];
    for e in &frame.system.atoms.elements {
        if let Ok(k) = elements.binary_search(&e.number()) {
            counts[k] += 1.0;
        }
    }
    counts
}

/// Least squares of the energies per atom on composition; of several solutions that of least length about the mean.
fn fitted(frames: &[LabelledFrame], elements: &[u8]) -> BTreeMap<u8, f64> {
    let with: Vec<(f64, Vec<f64>)> = frames
        .iter()
        .filter(|f| !f.is_empty())
        .filter_map(|f| {
            let n = f.len() as f64;
            let share = composition(f, elements)
                .into_iter()
                .map(|c| c / n)
                .collect();
            Some((f.energy? / n, share))
        })
        .collect();
    if with.is_empty() {
        return elements.iter().map(|z| (*z, 0.0)).collect();
    }
    let mean = with.iter().map(|w| w.0).sum::<f64>() / with.len() as f64;
    let a = nalgebra::DMatrix::from_fn(with.len(), elements.len(), |r, c| with[r].1[c]);
    let y = nalgebra::DVector::from_fn(with.len(), |r, _| with[r].0 - mean);
    let own = a
        .svd(true, true)
        .solve(&y, 1e-8)
        .map(|x| x.iter().copied().collect::<Vec<f64>>())
        .unwrap_or_default();
    let value = |k: usize| mean + own.get(k).copied().unwrap_or(0.0);
    elements
        .iter()
        .enumerate()
        .map(|(k, z)| (*z, value(k)))
        .collect()
}

fn from_frames(
    frames: &[LabelledFrame],
    elements: &[u8],
    cutoff: f64,
) -> Result<BTreeMap<u8, f64>> {
    let mut found: BTreeMap<u8, (f64, &str)> = BTreeMap::new();
    for frame in frames.iter().filter(|f| f.len() == 1) {
        let Some(energy) = frame.energy else { continue };
        let request = NeighbourRequest {
            cutoff,
            kind: ListKind::Full,
            chunk: 1,
            grain: 1,
        };
        let mut list = NeighbourList::new();
        let built = list.build(frame.system.configuration(), request, cutoff);
        if built.is_err() || list.pairs() > 0 {
            continue;
        }
        let z = frame.system.atoms.elements[0].number();
        match found.get(&z) {
            Some((other, place)) if (other - energy).abs() > 1e-6 => {
                let reason =
                    format!("the isolated atom has {energy} eV, that of {place} {other} eV");
                return Err(Error::input(&frame.place, reason).advise("keep one of them"));
            }
            _ => {
                found.insert(z, (energy, &frame.place));
            }
        }
    }
    let of = |z: &u8| match found.get(z) {
        Some((energy, _)) => Ok((*z, *energy)),
        None => Err(Error::input(
            "",
            format!("no frame is an isolated atom of atomic number {z} with an energy"),
        )
        .advise("give the energies of isolated atoms, or let them be fitted")),
    };
    elements.iter().map(of).collect()
}
