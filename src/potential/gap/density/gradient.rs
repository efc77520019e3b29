//! Descriptors of centres with their gradients, for fits.
//!
//! An evaluation contracts first and never forms the gradient of a descriptor. A fit needs the derivative of every kernel
//! by every neighbour, X ∂p/∂r with all sparse points as the rows of X: then ∂p/∂r itself is the right factor of a matrix
//! product, and it is cheap beside that product. With t_Bl = sum_m c_Blm Y_lm(u) and its gradient by the direction u,
//!
//! ```text
//! ∂p_ABl/∂r_x = f_l [ (f g_Al)' u_x t_Bl + (f g_Al / r) ∂_x t_Bl ]   + the same with A and B exchanged,
//! ```
//!
//! for A of the neighbour's channel; a term with B of another channel appears once. Elements of the descriptor without
//! a function of the neighbour's channel do not change with it and are left out of its columns.

use super::evaluate::LANES;
use super::harmonics::Directions;
use super::neighbours::{NOBODY, Quad};
use super::power::Shape;
use super::radial::Radial;
use super::{DensityScratch, DensityTerm};
use crate::potential::Rows;
use crate::simd::{F64x4, simd_dispatch};

/// A centre: its descriptor, and how the unscaled descriptor p changes with its neighbours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The descriptor q = p/|p|, without the constant last element.
    pub(crate) q: Vec<f64>,
    /// Factor from p to q: 0 for an atom without any density, which has no descriptor.
    pub(crate) inverse: f64,
    /// Whether q has unit length.
    pub(crate) unit: bool,
    /// The neighbours by their places in the rows, channel after channel.
    pub(crate) places: Vec<u32>,
    /// End of each channel in `places`.
    pub(crate) ends: Vec<usize>,
    /// Three columns, ∂p/∂x, ∂p/∂y and ∂p/∂z, for each neighbour; of channel z as long as [`DensityTerm::touched`] of z.
    pub(crate) columns: Vec<f64>,
}

/// Work arrays.
#[derive(Clone, Debug, Default)]
pub(super) struct GradientScratch {
    directions: Directions,
    y: Vec<F64x4>,
    dy: [Vec<F64x4>; 3],
    /// t and its three derivatives, by channel function, then l.
    t: [Vec<F64x4>; 4],
    rows: Vec<F64x4>,
    slope_rows: Vec<F64x4>,
    /// (f g)' and f g / r of four neighbours, by l, then n.
    along: Vec<F64x4>,
    across: Vec<F64x4>,
    /// Coefficients of one centre.
    c: Vec<f64>,
    formulas: Vec<f64>,
    /// Columns of four neighbours before compression, one direction.
    full: Vec<F64x4>,
}

impl DensityTerm {
    /// Number of channels of neighbours.
    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Length of the descriptor without its constant last element.
    pub(crate) fn length(&self) -> usize {
        self.power.len()
    }

    /// The elements of the descriptor that neighbours of channel `z` change, ascending.
    pub(crate) fn touched(&self, z: usize) -> Vec<u32> {
        let shape = self.power.shape();
        if shape.compression.is_some() {
            return (0..self.power.len() as u32).collect();
        }
        let own = self.own(z);
        let width = shape.l_max as u32 + 1;
        let pairs = shape.pairs.iter().enumerate();
        pairs
            .filter(|(_, p)| own.contains(&(p[0] as usize)) || own.contains(&(p[1] as usize)))
            .flat_map(|(k, _)| k as u32 * width..(k as u32 + 1) * width)
            .collect()
    }

    /// The functions of a channel among all.
    fn own(&self, z: usize) -> std::ops::Range<usize> {
        self.offsets[z]..self.offsets[z] + self.radial_of(z).n_max
    }

    /// Fills `out` with up to eight centres of this term, given by their rows; `gradient` asks for the columns.
    pub(crate) fn surroundings(
        &self,
        rows: &Rows<'_>,
        centres: &[usize],
        gradient: bool,
        scratch: &mut DensityScratch,
        out: &mut [Surroundings],
    ) {
        let centres = &centres[..centres.len().min(LANES).min(out.len())];
        scratch.prepare(self, 1, false);
        self.describe_block(rows, centres, scratch);
        let species = self.channels.len();
        let mut work = std::mem::take(&mut scratch.gradient);
        for (lane, out) in out.iter_mut().take(centres.len()).enumerate() {
            out.q.clear();
            let q = &scratch.q[..self.power.len()];
            out.q.extend(q.iter().map(|q| q.0[lane]));
            out.inverse = scratch.norm[0].inverse.0[lane];
            out.unit = scratch.norm[0].unit.0[lane] != 0.0;
            out.places.clear();
            out.ends.clear();
            out.columns.clear();
            if !gradient {
                continue;
            }
            work.c.clear();
            let c = &scratch.c[..self.coefficients_len()];
            work.c.extend(c.iter().map(|c| c.0[lane]));
            for z in 0..species {
                let quads = scratch.neighbours.of(lane, z, species);
                let neighbours = quads.iter().flat_map(|q| q.index);
                let first = out.places.len();
                out.places.extend(neighbours.filter(|i| *i != NOBODY));
                out.ends.push(out.places.len());
                let length = self.touched_len(z);
                let begin = out.columns.len();
                let count = out.places.len() - first;
                out.columns.resize(begin + 3 * length * count, 0.0);
                let mut rest = &mut out.columns[begin..];
                for quad in quads {
                    let here = quad.index.iter().filter(|i| **i != NOBODY).count();
                    let (now, later) = rest.split_at_mut(3 * length * here);
                    rest = later;
                    columns(self, z, quad, &mut work, length, now);
                }
            }
        }
        scratch.gradient = work;
    }

    /// Length of [`DensityTerm::touched`].
    fn touched_len(&self, z: usize) -> usize {
        let shape = self.power.shape();
        if shape.compression.is_some() {
            return self.power.len();
        }
        let own = self.own(z);
        let touches = |p: &&[u32; 2]| p.iter().any(|a| own.contains(&(*a as usize)));
        shape.pairs.iter().filter(touches).count() * (shape.l_max + 1)
    }
}

simd_dispatch! {
    /// The columns of four neighbours of channel `z`, neighbour after neighbour.
    fn columns(
        term: &DensityTerm,
        z: usize,
        quad: &Quad,
        work: &mut GradientScratch,
        length: usize,
        out: &mut [f64],
    ) = columns_body;
}

#[inline(always)]
fn columns_body<const FMA: bool>(
    term: &DensityTerm,
    z: usize,
    quad: &Quad,
    work: &mut GradientScratch,
    length: usize,
    out: &mut [f64],
) {
    let radial = term.radial_of(z);
    radial_parts::<FMA>(radial, quad, work);
    angular_sums::<FMA>(term, quad, work);
    let shape = term.power.shape();
    let neighbours = out.len() / (3 * length);
    let own = term.offsets[z]..term.offsets[z] + radial.n_max;
    for axis in 0..3 {
        let unit = match axis {
            0 => quad.x,
            1 => quad.y,
            _ => quad.z,
        };
        let full = if shape.compression.is_some() {
            shape.pairs.len() * (shape.l_max + 1)
        } else {
            length
        };
        work.full.resize(full, F64x4::ZERO);
        pair_products::<FMA>(shape, own.start, own.end, axis, unit, work);
        match &shape.compression {
            None => {
                for (k, value) in work.full.iter().enumerate() {
                    for lane in 0..neighbours {
                        out[(3 * lane + axis) * length + k] = value.0[lane];
                    }
                }
            }
            Some(map) => {
                for k in 0..length {
                    let mut sum = F64x4::ZERO;
                    for &(place, factor) in map.row(k) {
                        sum = work.full[place as usize].mul_add::<FMA>(F64x4::splat(factor), sum);
                    }
                    for lane in 0..neighbours {
                        out[(3 * lane + axis) * length + k] = sum.0[lane];
                    }
                }
            }
        }
    }
}

/// (f g)' and f g / r.
#[inline(always)]
fn radial_parts<const FMA: bool>(radial: &Radial, quad: &Quad, work: &mut GradientScratch) {
    let chunks = radial.chunks;
    work.rows.resize(4 * chunks, F64x4::ZERO);
    work.slope_rows.resize(4 * chunks, F64x4::ZERO);
    match &radial.table {
        Some(table) => table.evaluate_with_slope::<FMA>(
            quad.piece,
            quad.t,
            &mut work.rows,
            &mut work.slope_rows,
        ),
        None => {
            let outputs = work
                .rows
                .chunks_exact_mut(chunks)
                .zip(work.slope_rows.chunks_exact_mut(chunks));
            for (r, (value, slope)) in quad.r.iter().zip(outputs) {
                radial.functions.exact(*r, value, slope, &mut work.formulas);
            }
        }
    }
    let n_max = radial.n_max;
    let functions = chunks / radial.per_l * n_max;
    work.along.resize(functions, F64x4::ZERO);
    work.across.resize(functions, F64x4::ZERO);
    for k in 0..functions {
        let (l, n) = (k / n_max, k % n_max);
        let at = l * radial.per_l + n / 4;
        let (mut g, mut dg) = (F64x4::ZERO, F64x4::ZERO);
        for lane in 0..4 {
            g.0[lane] = work.rows[lane * chunks + at].0[n % 4];
            dg.0[lane] = work.slope_rows[lane * chunks + at].0[n % 4];
        }
        work.along[k] = quad.slope * g + quad.weight * quad.stretch * dg;
        work.across[k] = quad.weight * quad.inverse * g;
    }
}

/// t and its derivatives by the direction, on the sphere.
#[inline(always)]
fn angular_sums<const FMA: bool>(term: &DensityTerm, quad: &Quad, work: &mut GradientScratch) {
    let size = term.harmonics_len();
    let functions = term.power.channels();
    let width = term.l_max + 1;
    work.y.resize(size, F64x4::ZERO);
    for dy in &mut work.dy {
        dy.resize(size, F64x4::ZERO);
    }
    for t in &mut work.t {
        t.resize(functions * width, F64x4::ZERO);
    }
    let one = F64x4::splat(1.0);
    term.harmonics
        .directions::<FMA>(quad.x, quad.y, quad.z, one, &mut work.directions);
    term.harmonics.products(&work.directions, &mut work.y);
    let [dx, dy, dz] = &mut work.dy;
    term.harmonics.gradients(&work.directions, [dx, dy, dz]);
    for k in 0..size {
        let along = dx[k] * quad.x + dy[k] * quad.y + dz[k] * quad.z;
        dx[k] = dx[k] - along * quad.x;
        dy[k] = dy[k] - along * quad.y;
        dz[k] = dz[k] - along * quad.z;
    }
    for (b, c) in work.c.chunks_exact(size).enumerate() {
        for l in 0..width {
            let mut sum = [F64x4::ZERO; 4];
            for m in l * l..(l + 1) * (l + 1) {
                let c = F64x4::splat(c[m]);
                sum[0] = c.mul_add::<FMA>(work.y[m], sum[0]);
                sum[1] = c.mul_add::<FMA>(dx[m], sum[1]);
                sum[2] = c.mul_add::<FMA>(dy[m], sum[2]);
                sum[3] = c.mul_add::<FMA>(dz[m], sum[3]);
            }
            for (t, sum) in work.t.iter_mut().zip(sum) {
                t[b * width + l] = sum;
            }
        }
    }
}

/// One direction of the gradient of p: of the elements that the channel touches, or of all where a map follows.
#[inline(always)]
fn pair_products<const FMA: bool>(
    shape: &Shape,
    start: usize,
    end: usize,
    axis: usize,
    unit: F64x4,
    work: &mut GradientScratch,
) {
    let width = shape.l_max + 1;
    let n_max = end - start;
    let all = shape.compression.is_some();
    let (t, dt) = (&work.t[0], &work.t[axis + 1]);
    let (along, across) = (&work.along, &work.across);
    let mut at = 0;
    for &[a, b] in &shape.pairs {
        let (a, b) = (a as usize, b as usize);
        let (own_a, own_b) = (a >= start && a < end, b >= start && b < end);
        if !(own_a || own_b) {
            if all {
                work.full[at..at + width].fill(F64x4::ZERO);
                at += width;
            }
            continue;
        }
        let pair = if a == b {
            1.0
        } else {
            std::f64::consts::SQRT_2
        };
        for l in 0..width {
            let mut sum = F64x4::ZERO;
            if own_a {
                let k = l * n_max + a - start;
                let part = across[k] * dt[b * width + l];
                sum = (along[k] * unit).mul_add::<FMA>(t[b * width + l], part);
            }
            if own_b {
                let k = l * n_max + b - start;
                let part = across[k].mul_add::<FMA>(dt[a * width + l], sum);
                sum = (along[k] * unit).mul_add::<FMA>(t[a * width + l], part);
            }
            work.full[at] = sum * F64x4::splat(pair * shape.factor[l]);
            at += 1;
        }
    }
}
