//! The rows of a block: which energy, force and virial each is, and how derivatives are added to them.

use super::environment::Environment;
use crate::simd::{fma, simd_dispatch};

/// A frame in a block.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) environment: Environment,
    pub(super) rows: FrameRows,
}

/// The rows of a frame in its block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameRows {
    /// Row of the energy.
    pub(super) energy: Option<usize>,
    /// First of the six rows of the virial: xx, yy, zz, yz, xz, xy.
    pub(super) virial: Option<usize>,
    /// First of the three rows for each atom.
    pub(super) force: Option<usize>,
}

impl FrameRows {
    /// Whether derivatives are needed.
    pub(super) fn gradient(&self) -> bool {
        self.virial.is_some() || self.force.is_some()
    }
}

/// The columns of some consecutive sparse points of a coordinate, for all rows of a block.
#[derive(Debug)]
pub(super) struct Slice {
    /// Number of the coordinate.
    pub(super) term: usize,
    /// Sparse points.
    pub(super) width: usize,
    /// Numbers of a row: `width` rounded up to a multiple of eight.
    pub(super) stride: usize,
    /// Column of the first point among all.
    pub(super) first: usize,
    /// Row after row.
    pub(super) data: Vec<f64>,
}

impl Slice {
    /// Adds `values` (one for each point) to a row.
    pub(super) fn add(&mut self, row: usize, values: &[f64]) {
        let stride = self.stride;
        for (sum, value) in self.data[row * stride..][..stride].iter_mut().zip(values) {
            *sum += value;
        }
    }

    /// Adds derivatives `g` by the displacement `d` of a neighbour, image of atom `j`, from centre `i`: three runs of `stride`
    /// numbers, by x, y and z.
    pub(super) fn book(&mut self, rows: &FrameRows, i: usize, j: usize, d: [f64; 3], g: &[f64]) {
        // The force on an atom does not see its own images: they move with it.
        if let Some(force) = rows.force.filter(|_| i != j) {
            forces(&mut self.data, self.stride, force + 3 * i, force + 3 * j, g);
        }
        if let Some(virial) = rows.virial {
            virials(&mut self.data[virial * self.stride..], self.stride, d, g);
        }
    }
}

simd_dispatch! {
    fn forces(data: &mut [f64], stride: usize, i: usize, j: usize, g: &[f64]) = forces_body;
}

#[inline(always)]
fn forces_body<const FMA: bool>(data: &mut [f64], stride: usize, i: usize, j: usize, g: &[f64]) {
    let g = &g[..3 * stride];
    for (sum, g) in data[j * stride..][..3 * stride].iter_mut().zip(g) {
        *sum += g;
    }
    for (sum, g) in data[i * stride..][..3 * stride].iter_mut().zip(g) {
        *sum -= g;
    }
}

simd_dispatch! {
    fn virials(data: &mut [f64], stride: usize, d: [f64; 3], g: &[f64]) = virials_body;
}

#[inline(always)]
fn virials_body<const FMA: bool>(data: &mut [f64], stride: usize, d: [f64; 3], g: &[f64]) {
    let (gx, rest) = g.split_at(stride);
    let (gy, rest) = rest.split_at(stride);
    let gz = &rest[..stride];
    let g = [gx, gy, gz];
    for k in 0..3 {
        let row = &mut data[k * stride..][..stride];
        for (sum, g) in row.iter_mut().zip(g[k]) {
            *sum = fma::<FMA>(d[k], *g, *sum);
        }
    }
    // The sum over the neighbours of a centre is symmetric; a single pair is made so.
    let pairs = [(1, 2), (0, 2), (0, 1)];
    for n in 0..3 {
        let (a, b) = pairs[n];
        let row = &mut data[(3 + n) * stride..][..stride];
        let (half_a, half_b) = (0.5 * d[a], 0.5 * d[b]);
        for ((sum, ga), gb) in row.iter_mut().zip(g[a]).zip(g[b]) {
            *sum = fma::<FMA>(half_a, *gb, fma::<FMA>(half_b, *ga, *sum));
        }
    }
}
