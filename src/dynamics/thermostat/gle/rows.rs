//! The step of a generalised Langevin equation on rows of momenta.

use super::{Exchange, GleMatrices, LARGEST_GLE};
use crate::parallel::{self, Disjoint};
use crate::simd::{F64x8, lane_sum, simd_dispatch};

/// Components that share one set of matrices, with their auxiliary momenta: classical atoms, or a normal mode of ring polymers.
///
/// The mass-scaled momentum of each component and its auxiliary momenta take the step x ← T x + S ξ with T = exp(-hA) and
/// S Sᵀ = C - T C Tᵀ (Ceriotti, Bussi, Parrinello, J. Chem. Theory Comput. 6, 1170 (2010)), which is exact for any h.
#[derive(Clone, Debug)]
pub struct GleRows {
    matrices: GleMatrices,
    /// Number of components.
    len: usize,
    /// Auxiliary momenta in sqrt(eV): a row of components for each. Empty until first drawn.
    auxiliary: Vec<f64>,
    propagator: Propagator,
    /// What is exchanged with each piece of the components.
    pieces: Vec<Exchange>,
}

/// Components per piece of work; sums are taken per piece and then in the order of the pieces.
const PIECE: usize = 768;

/// Numbers in the memory that a tile is worked on in: momenta and noise, row by row. A tile has a multiple of 48 components,
/// which are whole atoms and whole groups of [`normals`](crate::random::normals), and 48 even with the largest matrices.
const TILE: usize = 2 * LARGEST_GLE * 48;

impl GleRows {
    /// For `len` components.
    pub fn new(matrices: GleMatrices, len: usize) -> GleRows {
        GleRows {
            propagator: Propagator::none(matrices.auxiliary() + 1),
            matrices,
            len,
            auxiliary: Vec::new(),
            pieces: vec![Exchange::default(); len.div_ceil(PIECE)],
        }
    }

    /// A step of length `h` at the temperature `kt` (eV; without say where the matrices have a covariance of their own) on
    /// the velocities of all components, of which `roots` has sqrt(m), zero for those that are held.
    ///
    /// `noise(column, draw, out)` is to fill `out` with standard normals for the components from `column` (a multiple of 48)
    /// on, a different set for each `draw` below 64; a call for some components gives what a call for more would. The first
    /// step draws the auxiliary momenta too, from their stationary distribution.
    ///
    /// Steps of several rows may be taken at once, on any threads: no result depends on how.
    ///
    /// # Panics
    /// When `velocities` or `roots` have another length than the rows.
    pub fn apply(
        &mut self,
        velocities: &mut [f64],
        roots: &[f64],
        kt: f64,
        h: f64,
        noise: impl Fn(usize, u32, &mut [f64]) + Sync,
    ) -> Exchange {
        assert_eq!([velocities.len(), roots.len()], [self.len; 2]);
        let (n, len) = (self.matrices.auxiliary(), self.len);
        let d = n + 1;
        let scale = self.matrices.scale(kt);
        if self.auxiliary.is_empty() && n > 0 {
            self.begin(scale, &noise);
        }
        self.propagator.prepare(&self.matrices, h, scale);
        let propagator = &self.propagator;
        let most = TILE / (2 * d) / 48 * 48;
        let velocities = Disjoint::new(velocities);
        let auxiliary = Disjoint::new(&mut self.auxiliary);
        parallel::for_each_mut(&mut self.pieces, |p, sums| {
            let mut memory = [0.0; TILE];
            *sums = Exchange::default();
            let end = (PIECE * (p + 1)).min(len);
            for start in (PIECE * p..end).step_by(most) {
                let width = most.min(end - start);
                let stride = width.next_multiple_of(8);
                let (x, xi) = memory[..2 * d * stride].split_at_mut(d * stride);
                for (draw, xi) in xi.chunks_exact_mut(stride).enumerate() {
                    noise(start, draw as u32, &mut xi[..width]);
                }
                let (p, rest) = x.split_at_mut(stride);
                let p = &mut p[..width];
                // SAFETY: neither pieces nor their tiles overlap.
                let v = unsafe { velocities.range(start, width) };
                let aux = |j: usize| unsafe { auxiliary.range(j * len + start, width) };
                let roots = &roots[start..start + width];
                let before = momenta(v, roots, p);
                for (j, row) in rest.chunks_exact_mut(stride).enumerate() {
                    row[..width].copy_from_slice(aux(j));
                }
                step(propagator, &mut memory, stride);
                let (p, rest) = memory[..d * stride].split_at_mut(stride);
                let after = velocities_of(&mut p[..width], roots, v);
                for (j, row) in rest.chunks_exact(stride).enumerate() {
                    aux(j).copy_from_slice(&row[..width]);
                }
                *sums = *sums
                    + Exchange {
                        taken: before - after,
                        after,
                    };
            }
        });
        Exchange::sum(&self.pieces)
    }

    /// Draws the auxiliary momenta from their stationary distribution.
    fn begin(&mut self, scale: f64, noise: &impl Fn(usize, u32, &mut [f64])) {
        let n = self.matrices.auxiliary();
        let root = self.matrices.auxiliary_root() * scale;
        self.auxiliary.resize(n * self.len, 0.0);
        let mut xi = vec![0.0; self.len];
        for l in 0..n {
            // The first n + 1 draws are the step's.
            noise(0, (n + 1 + l) as u32, &mut xi);
            for (j, row) in self.auxiliary.chunks_exact_mut(self.len).enumerate() {
                for (x, xi) in row.iter_mut().zip(&xi) {
                    *x += root[(j, l)] * xi;
                }
            }
        }
    }

    /// The auxiliary momenta (sqrt(eV)), a row of components for each; empty before the first step.
    pub fn auxiliary(&self) -> &[f64] {
        &self.auxiliary
    }

    /// Takes back what [`auxiliary`](Self::auxiliary) gave; false when they are not so many numbers.
    pub fn restore(&mut self, numbers: &[f64]) -> bool {
        self.auxiliary = numbers.to_vec();
        numbers.is_empty() || numbers.len() == self.matrices.auxiliary() * self.len
    }
}

/// Rows of weights that [`step`] takes together.
const TOGETHER: usize = 4;

/// The matrices of a step.
#[derive(Clone, Debug)]
struct Propagator {
    h: f64,
    scale: f64,
    /// Number of rows of momenta.
    rows: usize,
    /// T and S for the present h, row by row.
    t: Vec<f64>,
    s: Vec<f64>,
    /// T and S times the scale side by side, a matrix with as many rows as there are of momenta and twice the columns, in
    /// blocks of [`TOGETHER`] rows: by block, column, row in the block. The last block is filled up with zeros.
    weights: Vec<[f64; TOGETHER]>,
}

impl Propagator {
    fn none(rows: usize) -> Propagator {
        Propagator {
            h: f64::NAN,
            scale: f64::NAN,
            rows,
            t: Vec::new(),
            s: Vec::new(),
            weights: vec![[0.0; TOGETHER]; rows.div_ceil(TOGETHER) * 2 * rows],
        }
    }

    fn prepare(&mut self, matrices: &GleMatrices, h: f64, scale: f64) {
        if self.h == h && self.scale == scale {
            return;
        }
        let d = self.rows;
        if self.h != h {
            // nalgebra stores columns.
            [self.t, self.s] = matrices.step(h).map(|m| m.transpose().as_slice().to_vec());
        }
        (self.h, self.scale) = (h, scale);
        for (block, weights) in self.weights.chunks_exact_mut(2 * d).enumerate() {
            for (l, weights) in weights.iter_mut().enumerate() {
                for (q, weight) in weights.iter_mut().enumerate() {
                    let j = block * TOGETHER + q;
                    *weight = match (j < d, l.checked_sub(d)) {
                        (false, _) => 0.0,
                        (true, None) => self.t[j * d + l],
                        (true, Some(l)) => scale * self.s[j * d + l],
                    };
                }
            }
        }
    }
}

simd_dispatch! {
    /// x ← T x + S ξ on rows of `stride` columns, a multiple of eight: first those of x, then those of ξ.
    fn step(propagator: &Propagator, tile: &mut [f64], stride: usize) = step_body;
}

#[inline(always)]
fn step_body<const FMA: bool>(propagator: &Propagator, tile: &mut [f64], stride: usize) {
    let d = propagator.rows;
    let tile = &mut tile.as_chunks_mut::<8>().0[..2 * d * stride / 8];
    for column in 0..stride / 8 {
        let mut new = [F64x8::ZERO; LARGEST_GLE.next_multiple_of(TOGETHER)];
        for (block, weights) in propagator.weights.chunks_exact(2 * d).enumerate() {
            let mut sums = [F64x8::ZERO; TOGETHER];
            for (weights, x) in weights
                .iter()
                .zip(tile[column..].iter().step_by(stride / 8))
            {
                let x = F64x8(*x);
                for q in 0..TOGETHER {
                    sums[q] = F64x8::splat(weights[q]).mul_add::<FMA>(x, sums[q]);
                }
            }
            for q in 0..TOGETHER {
                new[block * TOGETHER + q] = sums[q];
            }
        }
        for j in 0..d {
            tile[j * stride / 8 + column] = new[j].0;
        }
    }
}

simd_dispatch! {
    /// Mass-scaled momenta, and their kinetic energy.
    fn momenta(v: &[f64], roots: &[f64], p: &mut [f64]) -> f64 = momenta_body;
}

#[inline(always)]
fn momenta_body<const FMA: bool>(v: &[f64], roots: &[f64], p: &mut [f64]) -> f64 {
    for ((p, v), root) in p.iter_mut().zip(v).zip(roots) {
        *p = root * v;
    }
    0.5 * lane_sum([&*p, &*p])
}

simd_dispatch! {
    /// Velocities of mass-scaled momenta where the root of the mass is not zero, and the kinetic energy of those. The other
    /// momenta become zero.
    fn velocities_of(p: &mut [f64], roots: &[f64], v: &mut [f64]) -> f64 = velocities_body;
}

#[inline(always)]
fn velocities_body<const FMA: bool>(p: &mut [f64], roots: &[f64], v: &mut [f64]) -> f64 {
    for ((p, v), root) in p.iter_mut().zip(v).zip(roots) {
        let free = *root > 0.0;
        let new = *p / root;
        *v = if free { new } else { *v };
        *p = if free { *p } else { 0.0 };
    }
    0.5 * lane_sum([&*p, &*p])
}
