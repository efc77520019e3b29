//! The rows of frames: what they are compared with, and the blocks in which they are computed.

use super::book::{FrameRows, Slice, Slot};
use super::densities;
use super::environment::Environment;
use super::pairs::PairScratch;
use super::points::Instances;
use super::radial;
use super::settings::{GapSettings, Sigmas};
use super::triplets::TripletScratch;
use crate::error::{Error, Result};
use crate::parallel::{self, PerThread};
use crate::potential::gap::{Coordinate, Covariance};
use crate::training::data::LabelledFrame;
use crate::training::linear::Part;
use std::collections::BTreeMap;

/// Sparse points in a slice, about: a multiple of the lanes of the matrix products.
const WIDTH: usize = 64;

/// What is taken of a frame: standard deviations of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Taken {
    energy: Option<f64>,
    force: Option<f64>,
    virial: Option<f64>,
    atoms: usize,
}

impl Taken {
    /// By the sigmas for frames of its kind.
    pub(super) fn of(frame: &LabelledFrame, settings: &GapSettings) -> Taken {
        let Sigmas {
            energy,
            force,
            virial,
        } = *settings.kinds.get(&frame.kind).unwrap_or(&settings.sigmas);
        let root = (frame.len() as f64).sqrt();
        Taken {
            energy: energy.filter(|_| frame.energy.is_some()).map(|s| s * root),
            force: force.filter(|_| frame.forces.is_some()),
            virial: virial.filter(|_| frame.virial.is_some()).map(|s| s * root),
            atoms: frame.len(),
        }
    }

    /// Rows of energy, forces and virial.
    pub(super) fn counts(&self) -> [usize; 3] {
        [
            usize::from(self.energy.is_some()),
            self.force.map_or(0, |_| 3 * self.atoms),
            self.virial.map_or(0, |_| 6),
        ]
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.counts().iter().sum()
    }

    /// Where they are in a block, from row `at` on.
    fn place(&self, at: usize) -> FrameRows {
        let [energy, _, virial] = self.counts();
        FrameRows {
            energy: self.energy.map(|_| at),
            virial: self.virial.map(|_| at + energy),
            force: self.force.map(|_| at + energy + virial),
        }
    }
}

/// Points of a slice in the form that its rows are computed with.
enum SlicePoints {
    Distances(radial::Points),
    Density(densities::Points),
}

/// The rows of one block at a time.
pub(super) struct Block<'a> {
    coordinates: &'a [(Coordinate, Instances)],
    points: Vec<SlicePoints>,
    slices: Vec<Slice>,
    cutoff: f64,
}

/// Scratch of the terms of few dimensions.
#[derive(Default)]
struct Few {
    pairs: PairScratch,
    triplets: TripletScratch,
}

/// Lengths of the slices of so many points: equal but for the last, multiples of eight.
pub(super) fn widths(points: usize) -> Vec<usize> {
    let count = points
        .div_ceil(WIDTH)
        .max(points.div_ceil(16).min(4))
        .max(1);
    let width = points.div_ceil(count).next_multiple_of(8);
    let full = points / width;
    let mut widths = vec![width; full];
    if points > full * width {
        widths.push(points - full * width);
    }
    widths
}

impl<'a> Block<'a> {
    /// For these coordinates.
    pub(super) fn new(coordinates: &'a [(Coordinate, Instances)], cutoff: f64) -> Block<'a> {
        let (mut slices, mut points) = (Vec::new(), Vec::new());
        let mut first = 0;
        for (term, (c, instances)) in coordinates.iter().enumerate() {
            let mut start = 0;
            for width in widths(c.alpha.len()) {
                points.push(match (instances, &c.covariance) {
                    (Instances::Density(density, _), Covariance::DotProduct { zeta }) => {
                        let points = densities::Points::new(c, density, *zeta, start, width);
                        SlicePoints::Density(points)
                    }
                    _ => SlicePoints::Distances(radial::Points::new(c, start, width)),
                });
                slices.push(Slice {
                    term,
                    width,
                    stride: width.next_multiple_of(8),
                    first: first + start,
                    data: Vec::new(),
                });
                start += width;
            }
            first += c.alpha.len();
        }
        Block {
            coordinates,
            points,
            slices,
            cutoff,
        }
    }

    /// Bytes for each row of a block.
    pub(super) fn per_row(points: &[usize]) -> usize {
        let strides = points.iter().flat_map(|n| widths(*n));
        strides
            .map(|w| w.next_multiple_of(8) * size_of::<f64>())
            .sum()
    }

    /// Bytes of the points as slices hold them.
    pub(super) fn point_bytes(coordinates: &[(Coordinate, Instances)]) -> usize {
        let of = |(c, instances): &(Coordinate, Instances)| match instances {
            Instances::Density(term, _) => densities::Points::bytes(term, c.alpha.len()),
            _ => (c.dimensions + 1) * (c.alpha.len() + 8 * c.alpha.len().div_ceil(16)) * 8,
        };
        coordinates.iter().map(of).sum()
    }

    /// Computes the rows of some frames, in their order; what stood here before is gone. `stopped` ends it early.
    pub(super) fn compute(
        &mut self,
        frames: &[&LabelledFrame],
        taken: &[Taken],
        stopped: &dyn Fn() -> bool,
    ) -> Result<()> {
        let mut found: Vec<Result<Environment>> = Vec::new();
        found.resize_with(frames.len(), || Ok(Environment::default()));
        let cutoff = self.cutoff;
        parallel::for_each_mut(&mut found, |k, found| {
            *found = Environment::new(frames[k].system.configuration(), cutoff)
                .map_err(|e| e.within(&frames[k].place));
        });
        let mut slots = Vec::with_capacity(frames.len());
        let mut rows = 0;
        for (environment, taken) in found.into_iter().zip(taken) {
            slots.push(Slot {
                environment: environment?,
                rows: taken.place(rows),
            });
            rows += taken.rows();
        }
        for slice in &mut self.slices {
            slice.data.clear();
            slice.data.resize(rows * slice.stride, 0.0);
        }
        self.few(&slots);
        for (term, (_, instances)) in self.coordinates.iter().enumerate() {
            let Instances::Density(density, _) = instances else {
                continue;
            };
            let mut own: Vec<(&densities::Points, &mut Slice)> = self
                .points
                .iter()
                .zip(&mut self.slices)
                .filter(|(_, slice)| slice.term == term)
                .filter_map(|(points, slice)| match points {
                    SlicePoints::Density(points) => Some((points, slice)),
                    SlicePoints::Distances(_) => None,
                })
                .collect();
            densities::rows(density, &slots, &mut own, stopped);
        }
        Ok(())
    }

    /// The terms on pairs and triplets.
    fn few(&mut self, slots: &[Slot]) {
        let mut threads = PerThread::<Few>::default();
        threads.prepare();
        let coordinates = self.coordinates;
        let mut own: Vec<(&SlicePoints, &mut Slice)> =
            self.points.iter().zip(&mut self.slices).collect();
        parallel::for_each_mut(&mut own, |_, (points, slice)| {
            let SlicePoints::Distances(points) = points else {
                return;
            };
            let mut scratch = threads.get();
            for slot in slots {
                match &coordinates[slice.term].1 {
                    Instances::Pairs(pairs) => pairs.rows(points, slot, slice, &mut scratch.pairs),
                    Instances::Triplets(triplets) => {
                        triplets.rows(points, slot, slice, &mut scratch.triplets);
                    }
                    Instances::Density(..) => {}
                }
            }
        });
    }

    /// The columns of the rows at hand.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let part = |s: &'_ Slice| (s.first, s.width, s.stride);
        self.slices
            .iter()
            .map(|s| {
                let (first, width, stride) = part(s);
                Part {
                    first,
                    width,
                    stride,
                    data: &s.data,
                }
            })
            .collect()
    }
}

/// Appends the targets of a frame, in the order of its rows, and one over their sigmas.
pub(super) fn targets(
    frame: &LabelledFrame,
    taken: &Taken,
    isolated: &BTreeMap<u8, f64>,
    scale: &mut Vec<f64>,
    target: &mut Vec<f64>,
) {
    if let (Some(sigma), Some(energy)) = (taken.energy, frame.energy) {
        let numbers = frame.system.atoms.elements.iter().map(|e| e.number());
        let alone: f64 = numbers
            .map(|z| isolated.get(&z).copied().unwrap_or(0.0))
            .sum();
        scale.push(1.0 / sigma);
        target.push(energy - alone);
    }
    // Rows are derivatives of the energy: by strain for the virial, by position for the forces.
    if let (Some(sigma), Some(w)) = (taken.virial, &frame.virial) {
        for (a, b) in [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)] {
            scale.push(1.0 / sigma);
            target.push(-0.5 * (w[a][b] + w[b][a]));
        }
    }
    if let (Some(sigma), Some(forces)) = (taken.force, &frame.forces) {
        for f in forces.iter().flatten() {
            scale.push(1.0 / sigma);
            target.push(-f);
        }
    }
}

/// Refuses frames whose labels cannot be.
pub(super) fn check(frame: &LabelledFrame) -> Result<()> {
    let fail = |reason: String| Err(Error::input(&frame.place, reason));
    if frame.is_empty() {
        return fail("the frame has no atoms".into());
    }
    if frame.energy.is_some_and(|e| !e.is_finite()) {
        return fail("the energy is not a finite number".into());
    }
    if let Some(forces) = &frame.forces {
        if forces.len() != frame.len() {
            return fail(format!("{} forces for {} atoms", forces.len(), frame.len()));
        }
        if let Some(a) = forces.iter().position(|f| f.iter().any(|x| !x.is_finite())) {
            return fail(format!(
                "the force on atom {} is not a finite number",
                a + 1
            ));
        }
    }
    if frame
        .virial
        .is_some_and(|w| w.iter().flatten().any(|x| !x.is_finite()))
    {
        return fail("the virial is not finite".into());
    }
    Ok(())
}
