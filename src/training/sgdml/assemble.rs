//! The kernel matrix, or some columns of it, made of blocks in parallel.

use super::block::{Part, Scratch, block};
use super::lanes::{LANES, Training};
use super::packed::{PANEL, Packed};
use crate::parallel::{self, Disjoint, PerThread};
use crate::simd::F64x8;
use crate::training::Monitor;

/// Blocks (of eight columns) that make a piece of work.
const PIECE: usize = 16;

/// What the unknowns are: the forces of all geometries along their internal directions, then perhaps their energies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unknowns {
    pub geometries: usize,
    pub rank: usize,
    pub energies: bool,
}

impl Unknowns {
    /// Unknowns of the forces.
    pub fn forces(&self) -> usize {
        self.geometries * self.rank
    }

    /// All unknowns.
    pub fn total(&self) -> usize {
        self.forces() + if self.energies { self.geometries } else { 0 }
    }
}

/// Where columns of blocks go.
trait Target: Sync {
    /// Writes a piece of a column, from a row on: a lane of the values.
    fn put(&self, column: usize, row: usize, values: &[F64x8], lane: usize);
    /// Whether only rows from the column on are wanted, and columns of energies too.
    const HALF: bool;
}

/// The kernel matrix of all unknowns with `lambda` on its diagonal. `None` when the monitor asked to stop.
pub(super) fn matrix(
    t: &Training,
    unknowns: Unknowns,
    sigma: f64,
    lambda: f64,
    monitor: &mut dyn Monitor,
) -> Option<Packed> {
    let mut a = Packed::zeros(unknowns.total());
    let target = Half {
        size: unknowns.total(),
        panels: a
            .panels_mut()
            .iter_mut()
            .map(|p| Disjoint::new(p))
            .collect(),
    };
    monitor.stage("kernel matrix, blocks of geometries", t.groups.len());
    fill(t, unknowns, t, sigma, &target, monitor)?;
    a.add_to_diagonal(lambda);
    Some(a)
}

/// The columns of the forces of some geometries, all rows, column by column. `None` when the monitor asked to stop.
pub(super) fn columns(
    t: &Training,
    unknowns: Unknowns,
    chosen: &Training,
    sigma: f64,
    monitor: &mut dyn Monitor,
) -> Option<Vec<f64>> {
    let mut a = vec![0.0; unknowns.total() * chosen.unknowns()];
    let target = Whole {
        size: unknowns.total(),
        all: Disjoint::new(&mut a),
    };
    monitor.stage("columns of the kernel matrix", chosen.groups.len());
    fill(t, unknowns, chosen, sigma, &target, monitor)?;
    Some(a)
}

struct Half {
    size: usize,
    panels: Vec<Disjoint<f64>>,
}

impl Target for Half {
    const HALF: bool = true;

    fn put(&self, column: usize, row: usize, values: &[F64x8], lane: usize) {
        let p = column / PANEL;
        let top = p * PANEL;
        let height = self.size - top;
        // A block that lies across the corner of a panel: what is above is the transpose of what is elsewhere.
        let above = top.saturating_sub(row);
        let values = values.get(above..).unwrap_or_default();
        let start = (column - top) * height + (row + above - top);
        // SAFETY: each element is written by the one piece of work that has its row and column.
        let to = unsafe { self.panels[p].range(start, values.len()) };
        to.iter_mut()
            .zip(values)
            .for_each(|(to, v)| *to = v.0[lane]);
    }
}

struct Whole {
    size: usize,
    all: Disjoint<f64>,
}

impl Target for Whole {
    const HALF: bool = false;

    fn put(&self, column: usize, row: usize, values: &[F64x8], lane: usize) {
        // SAFETY: as above.
        let to = unsafe { self.all.range(column * self.size + row, values.len()) };
        to.iter_mut()
            .zip(values)
            .for_each(|(to, v)| *to = v.0[lane]);
    }
}

fn fill<T: Target>(
    t: &Training,
    unknowns: Unknowns,
    columns: &Training,
    sigma: f64,
    target: &T,
    monitor: &mut dyn Monitor,
) -> Option<()> {
    let (r, m, forces) = (t.rank, t.len(), unknowns.forces());
    let mut threads: PerThread<Scratch> = PerThread::default();
    threads.prepare();
    for (c, group) in columns.groups.iter().enumerate() {
        if monitor.stopped() {
            return None;
        }
        let first = c * LANES;
        let lanes = first..(first + LANES).min(columns.len());
        parallel::for_each(m.div_ceil(PIECE), |piece| {
            let scratch = &mut *threads.get();
            for i in piece * PIECE..((piece + 1) * PIECE).min(m) {
                if !T::HALF || i >= first {
                    block(t, i, group, sigma, Part::Forces, scratch);
                    for j in lanes.clone().filter(|j| !T::HALF || *j <= i) {
                        for s in 0..r {
                            let values = &scratch.block[s * r..(s + 1) * r];
                            target.put(j * r + s, i * r, values, j - first);
                        }
                    }
                }
                if unknowns.energies {
                    block(t, i, group, sigma, Part::Energy, scratch);
                    for j in lanes.clone() {
                        let l = j - first;
                        for (s, value) in scratch.energy_forces.chunks_exact(1).enumerate() {
                            target.put(j * r + s, forces + i, value, l);
                        }
                        if T::HALF && j <= i {
                            target.put(forces + j, forces + i, &[scratch.energies], l);
                        }
                    }
                }
            }
        });
        monitor.advance(1);
    }
    Some(())
}
