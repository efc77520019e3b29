//! What a model is off by, from the potential that the program makes of its file.

use super::geometry::Geometries;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::potential::sgdml::{Sgdml, SgdmlFile, TestErrors};
use crate::potential::{Evaluation, Member, Potential, Want, Workspace};
use crate::system::{Cell, Configuration};

/// Geometries evaluated together.
const BATCH: usize = 64;

/// Energies (unit of the file) and forces of the model for every geometry.
pub(super) struct Predicted {
    pub energies: Vec<f64>,
    pub forces: Vec<Vec<[f64; 3]>>,
}

/// Evaluates the model of a file on geometries in its unit.
pub(super) fn predict(file: &SgdmlFile, set: &Geometries) -> Result<Predicted> {
    let model = Sgdml::new(file);
    let cell = set.cell.clone().unwrap_or_else(Cell::isolated);
    let elements: &[Element] = &set.elements;
    let mut out = Predicted {
        energies: Vec::with_capacity(set.len()),
        forces: Vec::with_capacity(set.len()),
    };
    let want = Want {
        forces: true,
        ..Want::ENERGY
    };
    let mut workspace = Workspace::default();
    for (first, batch) in set.positions.chunks(BATCH).enumerate() {
        let members: Vec<Member<'_>> = batch
            .iter()
            .map(|positions| Member {
                configuration: Configuration {
                    cell: &cell,
                    elements,
                    positions,
                },
                neighbours: None,
            })
            .collect();
        let mut results = vec![Evaluation::default(); batch.len()];
        results
            .iter_mut()
            .for_each(|r| r.reset(elements.len(), want));
        model
            .evaluate(&members, want, &mut workspace, &mut results)
            .map_err(|e| {
                let frame = first * BATCH + e.member();
                Error::run(
                    format!("the model cannot be evaluated for geometry {frame} (from 0) of those that test it"),
                    "look at its atoms: two of them may be at the same place, or the coefficients are no numbers",
                )
            })?;
        for r in results {
            out.energies.push(r.energy / file.energy);
            let scaled = r.forces.iter().map(|f| f.map(|f| f / file.energy));
            out.forces.push(scaled.collect());
        }
    }
    Ok(out)
}

/// Errors of predictions; those of the energies are no numbers where the set has none.
pub(super) fn errors(set: &Geometries, predicted: &Predicted) -> TestErrors {
    let energy = set
        .energies
        .iter()
        .zip(&predicted.energies)
        .map(|(a, b)| a - b);
    let force = set.forces.iter().zip(&predicted.forces).flat_map(|(a, b)| {
        let (a, b) = (a.as_flattened().iter(), b.as_flattened());
        a.zip(b).map(|(a, b)| a - b)
    });
    TestErrors {
        geometries: set.len(),
        energy: mean_and_root(energy),
        force: mean_and_root(force),
    }
}

fn mean_and_root(errors: impl Iterator<Item = f64>) -> [f64; 2] {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for e in errors {
        count += 1.0;
        sum += e.abs();
        squares += e * e;
    }
    [sum / count, (squares / count).sqrt()]
}

/// Slope and correlation of the energies of a set over those predicted; `None` without energies or spread.
pub(super) fn regression(reference: &[f64], predicted: &[f64]) -> Option<[f64; 2]> {
    if reference.len() < 3 || reference.len() != predicted.len() {
        return None;
    }
    let n = reference.len() as f64;
    let (a, b) = (
        reference.iter().sum::<f64>() / n,
        predicted.iter().sum::<f64>() / n,
    );
    let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in reference.iter().zip(predicted) {
        aa += (x - a).powi(2);
        ab += (x - a) * (y - b);
        bb += (y - b).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| [ab / bb, ab / (aa * bb).sqrt()])
}
