//! `soap` and `soap_turbo` in a fit: instances and rows.
//!
//! For all sparse points s and all neighbours j of a centre, ∂K_s/∂r_j = w_s (x_s · ∂p/∂r_j - (x_s · q) q · ∂p/∂r_j) / |p| with
//! w_s = delta² zeta (x_s · q)^(zeta-1): one matrix product of the sparse points with the gradient of p, then a correction of
//! rank one. The gradient of p is made once for a batch of centres; the product is done slice by slice of the points.

use super::book::{Slice, Slot};
use super::environment::Environment;
use crate::parallel::{self, PerThread};
use crate::potential::gap::Coordinate;
use crate::potential::gap::density::{DensityScratch, DensityTerm, Surroundings};
use crate::simd::{fma, simd_dispatch};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Centres whose gradients are in memory together.
pub(super) const BATCH: usize = 32;
/// Centres whose descriptors are computed together.
const GROUP: usize = 8;

/// The sparse points of a slice, point after point being the fastest index.
#[derive(Debug)]
pub(super) struct Points {
    /// All elements of the descriptor (`length` · stride).
    all: Vec<f64>,
    /// The elements that each channel touches; empty where that is all.
    touched: Vec<Vec<f64>>,
    /// Product of the constant last elements.
    constant: Vec<f64>,
    /// delta² · sparseCutoff.
    weight: Vec<f64>,
    zeta: f64,
}

impl Points {
    /// Points `start..start + width` of a coordinate with the term that describes it.
    pub(super) fn new(
        c: &Coordinate,
        term: &DensityTerm,
        zeta: f64,
        start: usize,
        width: usize,
    ) -> Points {
        let stride = width.next_multiple_of(8);
        let length = term.length();
        let mut all = vec![0.0; length * stride];
        let mut constant = vec![0.0; stride];
        let mut weight = vec![0.0; stride];
        for k in 0..width {
            let point = &c.sparse[(start + k) * c.dimensions..][..c.dimensions];
            for (i, x) in point[..length].iter().enumerate() {
                all[i * stride + k] = *x;
            }
            constant[k] = point[length..].iter().map(|x| x * x).sum();
            weight[k] = c.delta * c.delta * c.sparse_cutoff[start + k];
        }
        let touched = (0..term.channels()).map(|z| {
            let rows = term.touched(z);
            if rows.len() == length {
                return Vec::new();
            }
            let rows = rows.iter().map(|i| *i as usize);
            rows.flat_map(|i| all[i * stride..(i + 1) * stride].to_vec())
                .collect()
        });
        Points {
            touched: touched.collect(),
            constant,
            weight,
            zeta,
            all,
        }
    }

    /// Bytes of the points of a coordinate for fits.
    pub(super) fn bytes(term: &DensityTerm, points: usize) -> usize {
        let touched: usize = (0..term.channels())
            .map(|z| term.touched(z).len())
            .filter(|n| *n != term.length())
            .sum();
        (term.length() + touched + 2) * (points + 8 * points.div_ceil(32)) * size_of::<f64>()
    }
}

/// Centres of a batch: the number of the frame in its block, the atom, and what surrounds it.
#[derive(Debug, Default)]
struct Member {
    frame: usize,
    centre: usize,
    surroundings: Surroundings,
    /// q · ∂p for each column.
    along: Vec<f64>,
}

/// Work arrays of a slice.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    products: Vec<f64>,
    gradient: Vec<f64>,
    slope: Vec<f64>,
    value: Vec<f64>,
}

/// The vectors of a frame's instances.
pub(super) fn candidates(
    term: &DensityTerm,
    environment: &Environment,
    scratch: &mut DensityScratch,
    constant: Option<f64>,
    visit: &mut dyn FnMut(&[f64], f64),
) {
    let rows = environment.rows();
    let centres: Vec<usize> = (0..rows.centres.len())
        .filter(|c| term.is_centre(rows.centres[*c]))
        .collect();
    let mut out: [Surroundings; GROUP] = std::array::from_fn(|_| Surroundings::default());
    let mut vector = Vec::new();
    for group in centres.chunks(GROUP) {
        term.surroundings(&rows, group, false, scratch, &mut out);
        for s in out.iter().take(group.len()).filter(|s| s.inverse > 0.0) {
            vector.clear();
            vector.extend_from_slice(&s.q);
            vector.extend(constant);
            visit(&vector, 1.0);
        }
    }
}

/// Adds the instances of all frames of a block to the rows of all slices of a coordinate.
pub(super) fn rows(
    term: &DensityTerm,
    slots: &[Slot],
    slices: &mut [(&Points, &mut Slice)],
    stopped: &dyn Fn() -> bool,
) {
    let centres: Vec<(usize, usize)> = slots
        .iter()
        .enumerate()
        .flat_map(|(f, slot)| {
            let elements = slot.environment.elements.iter().enumerate();
            elements.filter_map(move |(i, e)| term.is_centre(*e).then_some((f, i)))
        })
        .collect();
    let mut describers = PerThread::<DensityScratch>::default();
    describers.prepare();
    let mut threads = PerThread::<Scratch>::default();
    threads.prepare();
    let mut members: Vec<Member> = Vec::new();
    for batch in centres.chunks(BATCH) {
        if stopped() {
            return;
        }
        members.resize_with(batch.len(), Member::default);
        describe(term, slots, batch, &mut members, &describers);
        parallel::for_each_mut(slices, |_, (points, slice)| {
            add(points, slots, &members, slice, &mut threads.get());
        });
    }
}

/// Fills the members of a batch, on all threads.
fn describe(
    term: &DensityTerm,
    slots: &[Slot],
    batch: &[(usize, usize)],
    members: &mut [Member],
    describers: &PerThread<DensityScratch>,
) {
    let mut groups: Vec<&mut [Member]> = Vec::new();
    let mut rest = members;
    let mut at = 0;
    while at < batch.len() {
        // Centres of one frame, eight at most.
        let run = batch[at..].iter().take(GROUP);
        let count = run.take_while(|c| c.0 == batch[at].0).count();
        let (now, later) = rest.split_at_mut(count);
        for (member, (frame, centre)) in now.iter_mut().zip(&batch[at..]) {
            (member.frame, member.centre) = (*frame, *centre);
        }
        groups.push(now);
        rest = later;
        at += count;
    }
    let lengths: Vec<Vec<u32>> = (0..term.channels()).map(|z| term.touched(z)).collect();
    parallel::for_each_mut(&mut groups, |_, group| {
        let slot = &slots[group[0].frame];
        let centres: Vec<usize> = group.iter().map(|m| m.centre).collect();
        let mut out: Vec<Surroundings> = group
            .iter_mut()
            .map(|m| std::mem::take(&mut m.surroundings))
            .collect();
        let rows = slot.environment.rows();
        let gradient = slot.rows.gradient();
        term.surroundings(&rows, &centres, gradient, &mut describers.get(), &mut out);
        for (member, s) in group.iter_mut().zip(out) {
            member.along.clear();
            if gradient {
                let (mut first, mut at) = (0, 0);
                for (touched, end) in lengths.iter().zip(&s.ends) {
                    for _ in 0..3 * (end - first) {
                        let column = &s.columns[at..at + touched.len()];
                        member.along.push(project(&s.q, touched, column));
                        at += touched.len();
                    }
                    first = *end;
                }
            }
            member.surroundings = s;
        }
    });
}

/// q · column, the column being of some elements only.
fn project(q: &[f64], touched: &[u32], column: &[f64]) -> f64 {
    if touched.len() == q.len() {
        return q.iter().zip(column).map(|(q, c)| q * c).sum();
    }
    let along = touched.iter().zip(column).map(|(i, c)| q[*i as usize] * c);
    along.sum()
}

/// Adds a batch to the rows of a slice.
fn add(points: &Points, slots: &[Slot], members: &[Member], slice: &mut Slice, s: &mut Scratch) {
    let stride = slice.stride;
    for member in members.iter().filter(|m| m.surroundings.inverse > 0.0) {
        let about = &member.surroundings;
        let slot = &slots[member.frame];
        s.products.resize(stride, 0.0);
        multiply(&points.all, stride, &about.q, &mut s.products);
        s.slope.resize(stride, 0.0);
        s.value.resize(stride, 0.0);
        for k in 0..stride {
            let (below, power) = powers(s.products[k] + points.constant[k], points.zeta);
            s.value[k] = points.weight[k] * power;
            s.slope[k] = points.weight[k] * points.zeta * below * about.inverse;
        }
        if let Some(row) = slot.rows.energy {
            slice.add(row, &s.value);
        }
        if !slot.rows.gradient() {
            continue;
        }
        let (mut first, mut at) = (0, 0);
        for (z, &end) in about.ends.iter().enumerate() {
            let count = end - first;
            if count == 0 {
                continue;
            }
            let x = match &points.touched[z][..] {
                [] => &points.all,
                some => some,
            };
            let size = 3 * count * (x.len() / stride);
            s.gradient.resize(3 * count * stride, 0.0);
            multiply(x, stride, &about.columns[at..at + size], &mut s.gradient);
            at += size;
            let along = &member.along[3 * first..3 * end];
            correct(
                &mut s.gradient,
                stride,
                along,
                &s.products,
                &s.slope,
                about.unit,
            );
            let places = about.places[first..end].iter();
            for (place, g) in places.zip(s.gradient.chunks_exact(3 * stride)) {
                let place = *place as usize;
                let j = slot.environment.atoms[place] as usize;
                let d = slot.environment.displacement(place);
                slice.book(&slot.rows, member.centre, j, d, g);
            }
            first = end;
        }
    }
}

/// Points (`stride` of each element) times columns.
fn multiply(x: &[f64], stride: usize, columns: &[f64], out: &mut [f64]) {
    let (length, count) = (x.len() / stride, out.len() / stride);
    matmul(
        MatMut::from_column_major_slice_mut(out, stride, count),
        Accum::Replace,
        MatRef::from_column_major_slice(x, stride, length),
        MatRef::from_column_major_slice(columns, length, count),
        1.0,
        Par::Seq,
    );
}

/// k^(zeta - 1) and k^zeta; zero for k <= 0 when zeta is not a whole number.
fn powers(k: f64, zeta: f64) -> (f64, f64) {
    if zeta.fract() == 0.0 {
        let below = k.powi(zeta as i32 - 1);
        (below, below * k)
    } else if k > 0.0 {
        let below = k.powf(zeta - 1.0);
        (below, below * k)
    } else {
        (0.0, 0.0)
    }
}

simd_dispatch! {
    /// From x_s · ∂p to ∂K_s.
    fn correct(
        gradient: &mut [f64],
        stride: usize,
        along: &[f64],
        products: &[f64],
        slope: &[f64],
        unit: bool,
    ) = correct_body;
}

#[inline(always)]
fn correct_body<const FMA: bool>(
    gradient: &mut [f64],
    stride: usize,
    along: &[f64],
    products: &[f64],
    slope: &[f64],
    unit: bool,
) {
    let (products, slope) = (&products[..stride], &slope[..stride]);
    for (column, along) in gradient.chunks_exact_mut(stride).zip(along) {
        let along = if unit { -along } else { 0.0 };
        for ((g, k), w) in column.iter_mut().zip(products).zip(slope) {
            *g = fma::<FMA>(along, *k, *g) * w;
        }
    }
}
