//! One coordinate on three atoms: neighbours, triplets, energies, derivatives.

use super::super::coordinate::Coordinate;
use super::super::cutoff::{Switch, Zone};
use super::super::descriptor::Descriptor;
use super::grid::{Budget, Grid, SHORTEST, samples};
use super::process::{Inputs, Outputs, Process};
use super::{Angle3b, DistanceNb};
use crate::potential::{RowResults, Rows};
use crate::simd::F64x8;
use std::ops::Range;

/// Triplets evaluated together: enough to keep the loop over sparse points busy, few enough to stay in the first cache.
const BATCH: usize = 128;

/// A coordinate.
#[derive(Clone, Debug)]
pub(super) struct Term {
    shape: Shape,
    switch: Switch,
    process: Process,
    grid: Option<Grid>,
}

/// What an instance is, and what its three numbers are.
#[derive(Clone, Debug)]
enum Shape {
    /// `angle_3b`.
    Angle(Angle3b),
    /// Compact `distance_Nb`: atom 1 is the centre, the neighbours follow in the order of (Z, atom, image).
    ///
    /// The permutations of the file exchange equal entries of the sorted list of elements, of which the centre need
    /// not be the first: then they exchange other atoms than those, and where the two neighbours are alike but not exchanged,
    /// the energy depends on the order in which atoms are numbered. So it does in QUIP.
    Compact(DistanceNb),
    /// `distance_Nb` of connected atoms, in the order of their elements. The switch is the sum over connected graphs of the
    /// product of fc (edges) and 1 - fc (no edges): of the four graphs, the centre takes the path of which it is the middle,
    /// and a third of the triangle.
    Connected(DistanceNb),
}

/// A neighbour inside the cutoff that a term takes.
#[derive(Clone, Copy, Debug)]
struct Near {
    /// Its place in the rows.
    place: u32,
    /// Atomic number.
    z: u8,
    /// Whether it can be the first, the second of the two neighbours.
    fits: [bool; 2],
    d: [f64; 3],
    r: f64,
    /// The switch and its derivative.
    fc: [f64; 2],
}

/// A triplet: centre, and two neighbours by their index among the near ones.
#[derive(Clone, Copy, Debug)]
struct Triplet {
    centre: u32,
    j: u32,
    k: u32,
    /// Which of r_1, r_2 and r_3 (the side facing the centre) each of the three numbers is.
    sides: [u8; 3],
    /// From j to k, and its length.
    d: [f64; 3],
    r: f64,
}

/// Memory of a thread.
#[derive(Debug, Default)]
pub(in super::super) struct ClusterScratch {
    near: Vec<Near>,
    triplets: Vec<Triplet>,
    inputs: Vec<Inputs>,
    outputs: Vec<Outputs>,
    /// Triplets outside the table, and what is computed of them.
    outside: Vec<u32>,
    inputs_outside: Vec<Inputs>,
    outputs_outside: Vec<Outputs>,
}

impl Term {
    /// The term of a coordinate, if that is one on three atoms.
    pub(super) fn new(c: &Coordinate) -> Option<Term> {
        let (shape, cutoff, width, times) = match &c.descriptor {
            // Both orders of the two neighbours count.
            Descriptor::Angle3b(d) => (Shape::Angle(d.clone()), d.cutoff, d.transition_width, 2.0),
            Descriptor::DistanceNb(d) if d.z.len() == 3 => {
                let shape = if d.compact {
                    Shape::Compact(d.clone())
                } else {
                    Shape::Connected(d.clone())
                };
                (shape, d.cutoff, d.transition_width, 1.0)
            }
            _ => return None,
        };
        Some(Term {
            shape,
            switch: Switch {
                cutoff,
                width,
                tail: None,
            },
            process: Process::new(c, times),
            grid: None,
        })
    }

    /// Makes a table of the sum over sparse points, where one can hold it within what is left of the budget.
    pub(super) fn tabulate(&mut self, budget: &mut Budget) {
        let cutoff = self.switch.cutoff;
        let (near, far) = ([SHORTEST, cutoff], [SHORTEST, 2.0 * cutoff]);
        // Which of the numbers may be the side facing the centre depends on the elements.
        let ends = match self.shape {
            Shape::Angle(_) => [
                [2.0 * SHORTEST, 2.0 * cutoff],
                [0.0, (cutoff - SHORTEST) * (cutoff - SHORTEST)],
                far,
            ],
            Shape::Compact(_) => [near, near, far],
            Shape::Connected(_) => [far, far, far],
        };
        if cutoff > 2.0 * SHORTEST {
            let triangles = samples(cutoff, |r| self.of_sides(r, [0, 1, 2]));
            self.grid = Grid::new(&self.process, ends, &triangles, budget);
        }
    }

    /// Largest error (eV) of the table, if there is one.
    pub(super) fn table_error(&self) -> Option<f64> {
        self.grid.as_ref().map(Grid::error)
    }

    /// Whether the order of the atoms' numbers matters.
    pub(super) fn needs_names(&self) -> bool {
        matches!(self.shape, Shape::Compact(_))
    }

    /// The elements of the two neighbours, 0 for any, if atoms of this number are centres.
    fn neighbours(&self, centre: u8) -> Option<[u8; 2]> {
        match &self.shape {
            Shape::Angle(d) => d.neighbours(centre),
            Shape::Compact(d) | Shape::Connected(d) => d.neighbours(centre),
        }
    }

    /// Adds energies and, if there is room for them, derivatives.
    pub(super) fn evaluate(
        &self,
        rows: &Rows<'_>,
        scratch: &mut ClusterScratch,
        results: &mut RowResults<'_>,
    ) {
        self.triplets(rows, scratch, |scratch| self.flush(scratch, results));
    }

    /// Calls `visit` with every instance: the centre, the squared switch times how often the instance counts, the numbers.
    pub(super) fn instances(
        &self,
        rows: &Rows<'_>,
        scratch: &mut ClusterScratch,
        visit: &mut dyn FnMut(usize, f64, [f64; 3]),
    ) {
        self.triplets(
            rows,
            scratch,
            |ClusterScratch { near, triplets, .. }| {
                for t in triplets.drain(..) {
                    let (a, b) = (near[t.j as usize].fc[0], near[t.k as usize].fc[0]);
                    let weight = match self.shape {
                        Shape::Angle(_) => 2.0 * (a * b) * (a * b),
                        Shape::Compact(_) => (a * b) * (a * b),
                        // The whole switch, and the share of it that falls to the centre.
                        Shape::Connected(_) => {
                            let c = self.switch.at(t.r, self.switch.zone(t.r))[0];
                            let whole = a * b * c
                                + a * b * (1.0 - c)
                                + a * c * (1.0 - b)
                                + b * c * (1.0 - a);
                            whole * a * b * (1.0 - 2.0 / 3.0 * c)
                        }
                    };
                    visit(t.centre as usize, weight, self.numbers(&t, near));
                }
            },
        );
    }

    /// Lists the triplets of all centres and calls `flush`, which clears the list, whenever there is a batch of them.
    fn triplets(
        &self,
        rows: &Rows<'_>,
        scratch: &mut ClusterScratch,
        mut flush: impl FnMut(&mut ClusterScratch),
    ) {
        scratch.near.clear();
        scratch.triplets.clear();
        for (c, centre) in rows.centres.iter().enumerate() {
            let Some(elements) = self.neighbours(centre.number()) else {
                continue;
            };
            let near = self.gather(rows, c, elements, &mut scratch.near);
            for j in near.clone() {
                for k in j + 1..near.end {
                    let (a, b) = (&scratch.near[j], &scratch.near[k]);
                    if !(a.fits[0] && b.fits[1] || a.fits[1] && b.fits[0]) {
                        continue;
                    }
                    let d: [f64; 3] = std::array::from_fn(|i| b.d[i] - a.d[i]);
                    scratch.triplets.push(Triplet {
                        centre: c as u32,
                        j: j as u32,
                        k: k as u32,
                        sides: self.sides(centre.number(), a.z, b.z),
                        d,
                        r: (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt(),
                    });
                    if scratch.triplets.len() == BATCH {
                        flush(scratch);
                    }
                }
            }
        }
        flush(scratch);
    }

    /// Appends the neighbours of a centre that the term takes, in the order that the shape wants.
    fn gather(
        &self,
        rows: &Rows<'_>,
        c: usize,
        elements: [u8; 2],
        near: &mut Vec<Near>,
    ) -> Range<usize> {
        let begin = near.len();
        let cutoff2 = self.switch.cutoff * self.switch.cutoff;
        for place in rows.of(c) {
            let z = rows.elements[place].number();
            let fits = elements.map(|e| e == 0 || e == z);
            let r2 = rows.r2[place];
            if r2 >= cutoff2 || fits == [false; 2] {
                continue;
            }
            let r = r2.sqrt();
            let zone = self.switch.zone(r);
            if zone == Zone::Beyond {
                continue;
            }
            let fc = self.switch.at(r, zone);
            near.push(Near {
                place: place as u32,
                z,
                fits,
                d: [rows.x[place], rows.y[place], rows.z[place]],
                r,
                fc: [fc[0], fc[1]],
            });
        }
        if self.needs_names() {
            let names = &rows.names;
            near[begin..].sort_unstable_by_key(|n| {
                let place = n.place as usize;
                (n.z, names.atoms.get(place), names.shifts.get(place))
            });
        }
        begin..near.len()
    }

    /// Which side each of the three numbers of a triplet is.
    fn sides(&self, centre: u8, j: u8, k: u8) -> [u8; 3] {
        match self.shape {
            Shape::Angle(_) | Shape::Compact(_) => [0, 1, 2],
            Shape::Connected(_) => {
                let mut atoms = [(centre, 0usize), (j, 1), (k, 2)];
                atoms.sort_unstable();
                // Side 0 is that of atoms 0 and 1, side 1 of 0 and 2, side 2 of 1 and 2.
                let side = |a: usize, b: usize| (atoms[a].1 + atoms[b].1 - 1) as u8;
                [side(0, 1), side(0, 2), side(1, 2)]
            }
        }
    }

    /// Evaluates the triplets at hand and adds what they give.
    fn flush(&self, scratch: &mut ClusterScratch, results: &mut RowResults<'_>) {
        let ClusterScratch {
            near,
            triplets,
            inputs,
            outputs,
            outside,
            inputs_outside,
            outputs_outside,
        } = scratch;
        make_room(triplets.len(), inputs, outputs);
        for (n, t) in triplets.iter().enumerate() {
            set(inputs, n, self.numbers(t, near));
        }
        if let Some(grid) = &self.grid {
            outside.clear();
            grid.sums(inputs, triplets.len(), outputs, outside);
            if !outside.is_empty() {
                make_room(outside.len(), inputs_outside, outputs_outside);
                for (m, &n) in outside.iter().enumerate() {
                    set(inputs_outside, m, get(inputs, n as usize));
                }
                self.process.sums(inputs_outside, outputs_outside);
                for (m, &n) in outside.iter().enumerate() {
                    set(outputs, n as usize, get(outputs_outside, m));
                }
            }
        } else {
            self.process.sums(inputs, outputs);
        }
        self.process.normalise(inputs, outputs);
        for (n, t) in triplets.iter().enumerate() {
            self.add(t, near, get(outputs, n), results);
        }
        triplets.clear();
    }

    /// The three numbers of a triplet.
    fn numbers(&self, t: &Triplet, near: &[Near]) -> [f64; 3] {
        let r = [near[t.j as usize].r, near[t.k as usize].r, t.r];
        self.of_sides(r, t.sides)
    }

    /// The three numbers that the process takes of the sides r_1, r_2 and r_3.
    fn of_sides(&self, r: [f64; 3], sides: [u8; 3]) -> [f64; 3] {
        match self.shape {
            Shape::Angle(_) => [r[0] + r[1], (r[0] - r[1]) * (r[0] - r[1]), r[2]],
            Shape::Compact(_) => r,
            Shape::Connected(_) => sides.map(|s| r[usize::from(s)]),
        }
    }

    /// Adds one triplet whose process has a value and three derivatives `f`.
    fn add(&self, t: &Triplet, near: &[Near], f: [f64; 4], results: &mut RowResults<'_>) {
        let (a, b) = (&near[t.j as usize], &near[t.k as usize]);
        // The switch on the side facing the centre.
        let facing = match self.shape {
            Shape::Connected(_) => {
                let fc = self.switch.at(t.r, self.switch.zone(t.r));
                [1.0 - 2.0 / 3.0 * fc[0], -2.0 / 3.0 * fc[1]]
            }
            _ => [1.0, 0.0],
        };
        // Derivatives of the process by the sides.
        let by = match self.shape {
            Shape::Angle(_) => {
                let bend = 2.0 * (a.r - b.r) * f[2];
                [f[1] + bend, f[1] - bend, f[3]]
            }
            Shape::Compact(_) => [f[1], f[2], f[3]],
            Shape::Connected(_) => {
                let mut by = [0.0; 3];
                for (slope, s) in f[1..].iter().zip(t.sides) {
                    by[usize::from(s)] = *slope;
                }
                by
            }
        };
        let both = a.fc[0] * b.fc[0];
        let energy = both * facing[0] * f[0];
        let centre = t.centre as usize;
        if results.booked.is_empty() || matches!(self.shape, Shape::Angle(_)) {
            results.energy[centre] += energy;
        } else {
            // The atoms of a cluster share its energy.
            let third = energy / 3.0;
            results.energy[centre] += third;
            results.booked[a.place as usize] += third;
            results.booked[b.place as usize] += third;
        }
        if results.gx.is_empty() {
            return;
        }
        let along_a = (a.fc[1] * b.fc[0] * f[0] + both * by[0]) * facing[0] / a.r;
        let along_b = (a.fc[0] * b.fc[1] * f[0] + both * by[1]) * facing[0] / b.r;
        let across = both * (facing[1] * f[0] + facing[0] * by[2]) / t.r;
        let out = [&mut *results.gx, &mut *results.gy, &mut *results.gz];
        for (d, g) in out.into_iter().enumerate() {
            g[a.place as usize] += along_a * a.d[d] - across * t.d[d];
            g[b.place as usize] += along_b * b.d[d] + across * t.d[d];
        }
    }
}

/// Makes groups of lanes for some triplets. Lanes that are left over hold an ordinary number.
fn make_room(triplets: usize, inputs: &mut Vec<Inputs>, outputs: &mut Vec<Outputs>) {
    let groups = triplets.div_ceil(8);
    inputs.clear();
    inputs.resize(groups, [F64x8::splat(1.0); 3]);
    outputs.clear();
    outputs.resize(groups, [F64x8::ZERO; 4]);
}

/// The lane of a triplet.
fn get<const N: usize>(lanes: &[[F64x8; N]], n: usize) -> [f64; N] {
    std::array::from_fn(|d| lanes[n / 8][d].0[n % 8])
}

fn set<const N: usize>(lanes: &mut [[F64x8; N]], n: usize, x: [f64; N]) {
    for (lane, x) in lanes[n / 8].iter_mut().zip(x) {
        lane.0[n % 8] = x;
    }
}
