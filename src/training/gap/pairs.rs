//! `distance_2b` in a fit: instances and rows.

use super::book::{Slice, Slot};
use super::environment::Environment;
use super::radial::Points;
use crate::potential::gap::cutoff::{Switch, Zone};
use crate::potential::gap::{Distance2b, takes};

/// A pair descriptor.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    descriptor: Distance2b,
    switch: Switch,
}

/// Work arrays.
#[derive(Debug, Default)]
pub(super) struct PairScratch {
    values: Vec<f64>,
    sums: Vec<f64>,
    gradient: Vec<f64>,
}

impl Pairs {
    pub(super) fn new(descriptor: &Distance2b) -> Pairs {
        Pairs {
            switch: Switch {
                cutoff: descriptor.cutoff,
                width: descriptor.transition_width,
                tail: None,
            },
            descriptor: descriptor.clone(),
        }
    }

    /// The switch at a distance (Å).
    pub(super) fn switch(&self, r: f64) -> f64 {
        self.switch.at(r, self.switch.zone(r))[0]
    }

    /// Calls `visit` with every pair of a frame once: centre, place of the neighbour in the rows, distance.
    fn each(&self, environment: &Environment, mut visit: impl FnMut(usize, usize, f64)) {
        let rows = environment.rows();
        for (i, centre) in rows.centres.iter().enumerate() {
            for place in rows.of(i) {
                let j = rows.names.atoms[place] as usize;
                let once = i < j || i == j && rows.names.shifts[place] > [0; 3];
                let element = rows.elements[place].number();
                if !once || !takes(&self.descriptor, centre.number(), element) {
                    continue;
                }
                let r = rows.r2[place].sqrt();
                if self.switch.zone(r) != Zone::Beyond {
                    visit(i, place, r);
                }
            }
        }
    }

    /// The vectors of a frame's instances, each with its switch.
    pub(super) fn candidates(&self, environment: &Environment, visit: &mut dyn FnMut(&[f64], f64)) {
        self.each(environment, |_, _, r| visit(&[r], self.switch(r)));
    }

    /// Adds a frame's instances to the rows of some points.
    pub(super) fn rows(
        &self,
        points: &Points,
        slot: &Slot,
        slice: &mut Slice,
        scratch: &mut PairScratch,
    ) {
        let stride = slice.stride;
        scratch.values.resize(2 * stride, 0.0);
        scratch.gradient.resize(3 * stride, 0.0);
        scratch.sums.clear();
        scratch.sums.resize(stride, 0.0);
        let PairScratch {
            values,
            sums,
            gradient,
        } = scratch;
        let atoms = &slot.environment.atoms;
        self.each(&slot.environment, |i, place, r| {
            points.at(&[r], values);
            let (k, dk) = values.split_at(stride);
            // Ordered pairs count: this one twice.
            let fc = self.switch.at(r, self.switch.zone(r)).map(|f| 2.0 * f);
            for (sum, k) in sums.iter_mut().zip(k) {
                *sum += fc[0] * k;
            }
            if slot.rows.gradient() {
                let d = slot.environment.displacement(place);
                for (axis, g) in gradient.chunks_exact_mut(stride).enumerate() {
                    let unit = d[axis] / r;
                    for ((g, k), dk) in g.iter_mut().zip(k).zip(dk) {
                        *g = unit * (fc[1] * k + fc[0] * dk);
                    }
                }
                slice.book(&slot.rows, i, atoms[place] as usize, d, gradient);
            }
        });
        if let Some(row) = slot.rows.energy {
            slice.add(row, sums);
        }
    }
}
