//! One chunk of centres, a block at a time: rows, model, scatter.

use super::kernels::{self, Gradients};
use super::tile::TileScratch;
use super::wrapper::{Outcome, Slots};
use super::{LocalModel, Names, RowResults, RowStyle, Rows};
use crate::elements::Element;
use crate::neighbours::Chunk;
use crate::potential::{Configuration, Want};
use std::ops::Range;

/// Arrays of one block of rows, reused by a thread.
#[derive(Default)]
pub(super) struct BlockScratch<S> {
    pub(super) model: S,
    pub(super) tile: TileScratch,
    /// Positions of the chunk's local atoms; the fourth number makes each one vector.
    local: Vec<[f64; 4]>,
    pub(super) local_elements: Vec<Element>,
    pub(super) first: Vec<u32>,
    /// Local atom of each neighbour.
    target: Vec<u32>,
    pub(super) elements: Vec<Element>,
    atoms: Vec<u32>,
    shifts: Vec<[i32; 3]>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    r2: Vec<f64>,
    gx: Vec<f64>,
    gy: Vec<f64>,
    gz: Vec<f64>,
    radial: Vec<f64>,
    booked: Vec<f64>,
    energy: Vec<f64>,
    reliability: Vec<f64>,
}

/// Squared distance (Å^2) below which two atoms are said to be at one place.
pub(super) const COINCIDENT2: f64 = 1e-8;

impl<S: Default> BlockScratch<S> {
    /// Evaluates a model for all centres of a chunk.
    pub fn run<M: LocalModel<Scratch = S>>(
        &mut self,
        model: &M,
        cutoff: f64,
        configuration: Configuration<'_>,
        chunk: &Chunk,
        images: &[[i32; 3]],
        translations: &[[f64; 3]],
        want: Want,
        slots: Slots<'_>,
    ) -> Outcome {
        let mut outcome = Outcome {
            energy: 0.0,
            virial: [[0.0; 3]; 3],
            coincident: None,
            closest2: f64::INFINITY,
        };
        slots.forces.fill([0.0; 4]);
        slots.sites.fill([0.0; 2]);
        slots.features.fill(0.0);
        let style = model.style();
        self.place(configuration, chunk, translations, style);
        let images = kernels::Images {
            cell: configuration.cell,
            list: images,
            of: &chunk.image,
        };
        let block = model.block().max(1);
        for start in (0..chunk.own).step_by(block) {
            let centres = start..(start + block).min(chunk.own);
            let pairs = self.fill(chunk, centres.clone(), cutoff, style, &images);
            let least = kernels::least(&self.r2[..pairs]);
            outcome.closest2 = outcome.closest2.min(least);
            if least < COINCIDENT2 {
                outcome.coincident = self.coincident(chunk, centres, pairs);
                return outcome;
            }
            self.zero_results(centres.len(), pairs, want, style);
            self.call(model, centres.clone(), pairs, want, style, slots.features);
            outcome.energy += self.energy.iter().sum::<f64>() + self.booked.iter().sum::<f64>();
            if want.forces || want.virial {
                self.scatter(
                    centres.clone(),
                    pairs,
                    style,
                    want,
                    slots.forces,
                    &mut outcome.virial,
                );
            }
            for (k, c) in centres.enumerate() {
                if want.site_energies {
                    slots.sites[c][0] += self.energy[k];
                }
                if want.reliability {
                    slots.sites[c][1] += self.reliability[k];
                }
            }
            for (target, e) in self.target.iter().zip(&self.booked) {
                slots.sites[*target as usize][0] += e;
            }
        }
        outcome
    }

    /// Positions and elements of the chunk's local atoms: in place for distances, as they stand in the configuration for
    /// vectors (see [`kernels::packed_rows`]).
    fn place(
        &mut self,
        configuration: Configuration<'_>,
        chunk: &Chunk,
        translations: &[[f64; 3]],
        style: RowStyle,
    ) {
        self.local.clear();
        let here = |a: u32| configuration.positions[a as usize];
        let atoms = chunk.atoms.iter().zip(&chunk.image);
        if is_vectors(style) {
            self.local.extend(atoms.map(|(&a, _)| {
                let [x, y, z] = here(a);
                [x, y, z, 0.0]
            }));
        } else {
            self.local.extend(atoms.map(|(&a, &i)| {
                let ([x, y, z], t) = (here(a), &translations[i as usize]);
                [x + t[0], y + t[1], z + t[2], 0.0]
            }));
        }
        self.local_elements.clear();
        self.local_elements.extend(
            chunk
                .atoms
                .iter()
                .map(|&a| configuration.elements[a as usize]),
        );
    }

    /// Fills the rows of some centres; returns the number of neighbours in them.
    fn fill(
        &mut self,
        chunk: &Chunk,
        centres: Range<usize>,
        cutoff: f64,
        style: RowStyle,
        images: &kernels::Images<'_>,
    ) -> usize {
        let listed = &chunk.neighbours
            [chunk.first[centres.start] as usize..chunk.first[centres.end] as usize];
        grow(&mut self.r2, listed.len());
        let begin = chunk.first[centres.start];
        let rows = &chunk.first[centres.start..=centres.end];
        let origins = &self.local[centres.clone()];
        let pairs = match style {
            RowStyle::Distances { .. } => {
                self.target.clear();
                self.target.extend_from_slice(listed);
                self.first.clear();
                self.first.extend(rows.iter().map(|f| f - begin));
                kernels::squared_distances(&self.local, origins, &self.first, listed, &mut self.r2);
                listed.len()
            }
            RowStyle::Vectors { names } => {
                for v in [&mut self.x, &mut self.y, &mut self.z] {
                    grow(v, listed.len());
                }
                self.target.resize(listed.len(), 0);
                let out = kernels::Packed {
                    first: &mut self.first,
                    target: &mut self.target,
                    x: &mut self.x,
                    y: &mut self.y,
                    z: &mut self.z,
                    r2: &mut self.r2,
                };
                let pairs = kernels::packed_rows(
                    &self.local,
                    images,
                    centres.clone(),
                    rows,
                    listed,
                    cutoff * cutoff,
                    out,
                );
                self.target.truncate(pairs);
                if names {
                    self.name(chunk, centres, images);
                }
                pairs
            }
        };
        self.elements.clear();
        if style != (RowStyle::Distances { elements: false }) {
            self.elements
                .extend(self.target.iter().map(|&k| self.local_elements[k as usize]));
        }
        pairs
    }

    /// Atoms and images behind the neighbours of rows that have just been packed.
    fn name(&mut self, chunk: &Chunk, centres: Range<usize>, images: &kernels::Images<'_>) {
        self.atoms.clear();
        self.atoms
            .extend(self.target.iter().map(|&k| chunk.atoms[k as usize]));
        self.shifts.clear();
        for (c, row) in centres.zip(self.first.windows(2)) {
            let own = images.of[c];
            let row = &self.target[row[0] as usize..row[1] as usize];
            self.shifts.extend(
                row.iter()
                    .map(|&k| images.shift(own, images.of[k as usize])),
            );
        }
    }

    /// The pair of atoms at one place that makes the least distance what it is.
    fn coincident(
        &self,
        chunk: &Chunk,
        centres: Range<usize>,
        pairs: usize,
    ) -> Option<(u32, u32, f64)> {
        let n = self.r2[..pairs].iter().position(|r2| *r2 < COINCIDENT2)?;
        let row = self
            .first
            .iter()
            .rposition(|f| *f as usize <= n)
            .unwrap_or(0);
        let (i, j) = (
            chunk.atoms[centres.start + row],
            chunk.atoms[self.target[n] as usize],
        );
        Some((i.min(j), i.max(j), self.r2[n].sqrt()))
    }

    fn zero_results(&mut self, centres: usize, pairs: usize, want: Want, style: RowStyle) {
        let zero = |v: &mut Vec<f64>, n: usize| {
            v.clear();
            v.resize(n, 0.0);
        };
        zero(&mut self.energy, centres);
        zero(
            &mut self.reliability,
            if want.reliability { centres } else { 0 },
        );
        zero(&mut self.booked, if want.site_energies { pairs } else { 0 });
        let gradients = if want.forces || want.virial { pairs } else { 0 };
        let vectors = is_vectors(style);
        for v in [&mut self.gx, &mut self.gy, &mut self.gz] {
            zero(v, if vectors { gradients } else { 0 });
        }
        zero(&mut self.radial, if vectors { 0 } else { gradients });
    }

    fn call<M: LocalModel<Scratch = S>>(
        &mut self,
        model: &M,
        centres: Range<usize>,
        pairs: usize,
        want: Want,
        style: RowStyle,
        features: &mut [f64],
    ) {
        let vectors = if is_vectors(style) { pairs } else { 0 };
        let rows = Rows {
            centres: &self.local_elements[centres],
            first: &self.first,
            elements: &self.elements,
            x: &self.x[..vectors],
            y: &self.y[..vectors],
            z: &self.z[..vectors],
            r2: &self.r2[..pairs],
            names: match style {
                RowStyle::Vectors { names: true } => Names {
                    atoms: &self.atoms,
                    shifts: &self.shifts,
                },
                _ => Names::default(),
            },
        };
        let mut results = RowResults {
            energy: &mut self.energy,
            gx: &mut self.gx,
            gy: &mut self.gy,
            gz: &mut self.gz,
            radial: &mut self.radial,
            booked: &mut self.booked,
            reliability: &mut self.reliability,
        };
        model.evaluate(&rows, want, &mut self.model, &mut results);
        if !features.is_empty() {
            model.add_features(&rows, &mut self.model, features);
        }
    }

    /// dE/dr of each neighbour to forces on both atoms and to the virial.
    fn scatter(
        &self,
        centres: Range<usize>,
        pairs: usize,
        style: RowStyle,
        want: Want,
        forces: &mut [[f64; 4]],
        virial: &mut [[f64; 3]; 3],
    ) {
        let (first, target) = (&self.first, &self.target);
        if is_vectors(style) {
            let g = Gradients {
                gx: &self.gx,
                gy: &self.gy,
                gz: &self.gz,
            };
            if want.forces {
                kernels::scatter_vectors(&g, first, target, centres.start, forces);
            }
            if want.virial {
                kernels::virial(
                    &g,
                    &self.x[..pairs],
                    &self.y[..pairs],
                    &self.z[..pairs],
                    virial,
                );
            }
            return;
        }
        let rows = kernels::RadialRows {
            local: &self.local,
            first,
            target,
            radial: &self.radial,
        };
        kernels::scatter_radial(&rows, centres.start, forces, virial, want.virial);
    }
}

fn is_vectors(style: RowStyle) -> bool {
    matches!(style, RowStyle::Vectors { .. })
}

/// Makes a buffer at least `n` long; what is in it does not matter.
fn grow(v: &mut Vec<f64>, n: usize) {
    if v.len() < n {
        v.resize(n, 0.0);
    }
}
