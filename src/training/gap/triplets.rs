//! `angle_3b` in a fit: instances and rows.

use super::book::{Slice, Slot};
use super::environment::Environment;
use super::radial::Points;
use crate::potential::gap::Angle3b;
use crate::potential::gap::cutoff::{Switch, Zone};

/// A triplet descriptor.
#[derive(Clone, Debug)]
pub(super) struct Triplets {
    descriptor: Angle3b,
    switch: Switch,
}

/// A neighbour within the cutoff.
#[derive(Clone, Copy, Debug)]
struct Near {
    place: u32,
    /// Whether it can be the first, the second of the two neighbours.
    fits: [bool; 2],
    d: [f64; 3],
    r: f64,
    /// The switch and its derivative.
    fc: [f64; 2],
}

/// Work arrays.
#[derive(Debug, Default)]
pub(super) struct TripletScratch {
    near: Vec<Near>,
    values: Vec<f64>,
    sums: Vec<f64>,
    /// Derivatives by the displacements of the near neighbours of a centre.
    gradient: Vec<f64>,
}

impl Triplets {
    pub(super) fn new(descriptor: &Angle3b) -> Triplets {
        Triplets {
            switch: Switch {
                cutoff: descriptor.cutoff,
                width: descriptor.transition_width,
                tail: None,
            },
            descriptor: descriptor.clone(),
        }
    }

    /// The switch of an instance, from its three numbers.
    pub(super) fn switch(&self, x: &[f64]) -> f64 {
        let difference = x[1].max(0.0).sqrt();
        let fc = |r: f64| self.switch.at(r, self.switch.zone(r))[0];
        fc(0.5 * (x[0] + difference)) * fc(0.5 * (x[0] - difference))
    }

    /// Fills `near` with the neighbours of a centre that the term takes.
    fn gather(&self, environment: &Environment, i: usize, near: &mut Vec<Near>) {
        near.clear();
        let rows = environment.rows();
        let d = &self.descriptor;
        if d.centre != 0 && d.centre != rows.centres[i].number() {
            return;
        }
        for place in rows.of(i) {
            let z = rows.elements[place].number();
            let fits = [d.z1, d.z2].map(|e| e == 0 || e == z);
            let r = rows.r2[place].sqrt();
            let zone = self.switch.zone(r);
            if fits == [false; 2] || zone == Zone::Beyond {
                continue;
            }
            let fc = self.switch.at(r, zone);
            near.push(Near {
                place: place as u32,
                fits,
                d: environment.displacement(place),
                r,
                fc: [fc[0], fc[1]],
            });
        }
    }

    /// The vectors of a frame's instances, each with its switch.
    pub(super) fn candidates(&self, environment: &Environment, visit: &mut dyn FnMut(&[f64], f64)) {
        let mut near = Vec::new();
        for i in 0..environment.elements.len() {
            self.gather(environment, i, &mut near);
            for (k, a) in near.iter().enumerate() {
                for b in &near[k + 1..] {
                    if a.fits[0] && b.fits[1] || a.fits[1] && b.fits[0] {
                        let (x, _, _) = numbers(a, b);
                        visit(&x, a.fc[0] * b.fc[0]);
                    }
                }
            }
        }
    }

    /// Adds a frame's instances to the rows of some points.
    pub(super) fn rows(
        &self,
        points: &Points,
        slot: &Slot,
        slice: &mut Slice,
        scratch: &mut TripletScratch,
    ) {
        let stride = slice.stride;
        scratch.values.resize(4 * stride, 0.0);
        scratch.sums.clear();
        scratch.sums.resize(stride, 0.0);
        let TripletScratch {
            near,
            values,
            sums,
            gradient,
        } = scratch;
        let wants = slot.rows.gradient();
        for i in 0..slot.environment.elements.len() {
            self.gather(&slot.environment, i, near);
            if wants {
                gradient.clear();
                gradient.resize(near.len() * 3 * stride, 0.0);
            }
            for k in 0..near.len() {
                for m in k + 1..near.len() {
                    let (a, b) = (&near[k], &near[m]);
                    if !(a.fits[0] && b.fits[1] || a.fits[1] && b.fits[0]) {
                        continue;
                    }
                    let (x, d, r) = numbers(a, b);
                    points.at(&x, values);
                    // Both orders of the neighbours count.
                    let both = 2.0 * a.fc[0] * b.fc[0];
                    for (sum, k) in sums.iter_mut().zip(&values[..stride]) {
                        *sum += both * k;
                    }
                    if wants {
                        let (first, second) = gradient.split_at_mut(m * 3 * stride);
                        let ends = (&mut first[k * 3 * stride..], &mut second[..3 * stride]);
                        spread(a, b, d, r, values, stride, ends);
                    }
                }
            }
            if wants {
                for (n, g) in near.iter().zip(gradient.chunks_exact(3 * stride)) {
                    let j = slot.environment.atoms[n.place as usize] as usize;
                    slice.book(&slot.rows, i, j, n.d, g);
                }
            }
        }
        if let Some(row) = slot.rows.energy {
            slice.add(row, sums);
        }
    }
}

/// The three numbers of a triplet, and the vector and distance from a to b.
fn numbers(a: &Near, b: &Near) -> ([f64; 3], [f64; 3], f64) {
    let d: [f64; 3] = std::array::from_fn(|k| b.d[k] - a.d[k]);
    let r = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
    let difference = a.r - b.r;
    ([a.r + b.r, difference * difference, r], d, r)
}

/// Adds the derivatives of 2 fc(a) fc(b) k by the displacements of a and b to theirs.
fn spread(
    a: &Near,
    b: &Near,
    d: [f64; 3],
    r: f64,
    values: &[f64],
    stride: usize,
    (to_a, to_b): (&mut [f64], &mut [f64]),
) {
    let both = 2.0 * a.fc[0] * b.fc[0];
    let (only_a, only_b) = (2.0 * a.fc[1] * b.fc[0] / a.r, 2.0 * a.fc[0] * b.fc[1] / b.r);
    let (per_a, per_b, per_r) = (both / a.r, both / b.r, both / r);
    let bend = 2.0 * (a.r - b.r);
    let mut weights = [[0.0; 5]; 3];
    for k in 0..3 {
        // What the value and the derivatives by the three numbers give along each axis, for a; then for b.
        weights[k] = [a.d[k], b.d[k], d[k] * per_r, a.d[k] * per_a, b.d[k] * per_b];
    }
    triplet_gradient(values, stride, only_a, only_b, bend, &weights, to_a, to_b);
}

crate::simd_dispatch! {
    fn triplet_gradient(
        values: &[f64],
        stride: usize,
        only_a: f64,
        only_b: f64,
        bend: f64,
        weights: &[[f64; 5]; 3],
        to_a: &mut [f64],
        to_b: &mut [f64],
    ) = triplet_gradient_body;
}

#[inline(always)]
fn triplet_gradient_body<const FMA: bool>(
    values: &[f64],
    stride: usize,
    only_a: f64,
    only_b: f64,
    bend: f64,
    weights: &[[f64; 5]; 3],
    to_a: &mut [f64],
    to_b: &mut [f64],
) {
    let (k, rest) = values.split_at(stride);
    let (k0, rest) = rest.split_at(stride);
    let (k1, rest) = rest.split_at(stride);
    let k2 = &rest[..stride];
    for axis in 0..3 {
        let [ax, bx, across, along_a, along_b] = weights[axis];
        let to_a = &mut to_a[axis * stride..][..stride];
        let to_b = &mut to_b[axis * stride..][..stride];
        for s in 0..stride {
            let by_a = k0[s] + bend * k1[s];
            let by_b = k0[s] - bend * k1[s];
            to_a[s] += only_a * ax * k[s] + along_a * by_a - across * k2[s];
            to_b[s] += only_b * bx * k[s] + along_b * by_b + across * k2[s];
        }
    }
}
