//! The kernel matrix times a vector, without the matrix: forces and energies of the model whose coefficients the vector is, at
//! the training geometries.

use super::assemble::Unknowns;
use super::lanes::{LANES, Training};
use crate::parallel::{self, PerThread};
use crate::simd::{F64x8, simd_dispatch};

/// Geometries in a piece of work.
const PIECE: usize = 4;

/// Makes products with -K + λ.
pub(super) struct Product<'a> {
    t: &'a Training,
    unknowns: Unknowns,
    sigma: f64,
    lambda: f64,
    /// Jacobian times coefficients of eight geometries each.
    weights: Vec<Vec<F64x8>>,
    /// Coefficients of energies; empty without.
    alphas: Vec<F64x8>,
    threads: PerThread<Scratch>,
}

#[derive(Default)]
struct Scratch {
    u: Vec<F64x8>,
    sums: Vec<F64x8>,
    derivative: Vec<f64>,
    atoms: Vec<f64>,
    along: Vec<f64>,
}

impl<'a> Product<'a> {
    pub fn new(t: &'a Training, unknowns: Unknowns, sigma: f64, lambda: f64) -> Product<'a> {
        let mut threads = PerThread::default();
        threads.prepare();
        Product {
            t,
            unknowns,
            sigma,
            lambda,
            weights: vec![vec![F64x8::ZERO; t.pairs]; t.groups.len()],
            alphas: match unknowns.energies {
                true => vec![F64x8::ZERO; t.groups.len()],
                false => Vec::new(),
            },
            threads,
        }
    }

    /// out := (-K + λ) v.
    pub fn apply(&mut self, v: &[f64], out: &mut [f64]) {
        let (t, r, threads) = (self.t, self.t.rank, &self.threads);
        parallel::for_each_mut(&mut self.weights, |c, weights| {
            let s = &mut *threads.get();
            s.atoms.resize(3 * t.atoms, 0.0);
            s.along.resize(t.pairs, 0.0);
            // Places that fill up the last group stay zero.
            for l in 0..LANES.min(t.len() - c * LANES) {
                let p = c * LANES + l;
                t.to_atoms(p, &v[p * r..(p + 1) * r], &mut s.atoms);
                t.points[p].along(&s.atoms, &mut s.along);
                for (w, a) in weights.iter_mut().zip(&s.along) {
                    w.0[l] = *a;
                }
            }
        });
        let energies = &v[self.unknowns.forces()..];
        for (c, alphas) in self.alphas.iter_mut().enumerate() {
            for (l, a) in energies[c * LANES..].iter().take(LANES).enumerate() {
                alphas.0[l] = *a;
            }
        }
        let (forces, rest) = out.split_at_mut(self.unknowns.forces());
        let mut pieces: Vec<(&mut [f64], &mut [f64])> = match self.alphas.is_empty() {
            true => forces
                .chunks_mut(PIECE * r)
                .map(|f| (f, &mut [][..]))
                .collect(),
            false => (forces.chunks_mut(PIECE * r))
                .zip(rest.chunks_mut(PIECE))
                .collect(),
        };
        let (weights, alphas, sigma) = (&self.weights, &self.alphas, self.sigma);
        parallel::for_each_mut(&mut pieces, |piece, (forces, energies)| {
            let s = &mut *threads.get();
            s.u.resize(t.pairs, F64x8::ZERO);
            s.derivative.resize(t.pairs, 0.0);
            s.atoms.resize(3 * t.atoms, 0.0);
            for (k, out) in forces.chunks_exact_mut(r).enumerate() {
                let i = piece * PIECE + k;
                s.sums.clear();
                s.sums.resize(t.pairs, F64x8::ZERO);
                let energy = sum(t, i, weights, alphas, sigma, &mut s.u, &mut s.sums);
                for (d, sum) in s.derivative.iter_mut().zip(&s.sums) {
                    *d = total(sum);
                }
                t.points[i].back(&s.derivative, &mut s.atoms);
                t.to_internal(i, &s.atoms, out);
                if let Some(e) = energies.get_mut(k) {
                    *e = -total(&energy);
                }
            }
        });
        for (out, v) in out.iter_mut().zip(v) {
            *out = self.lambda * v - *out;
        }
    }
}

#[inline(always)]
fn total(x: &F64x8) -> f64 {
    let x = &x.0;
    ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

simd_dispatch! {
    /// Adds to `sums` the derivative by the descriptor (with the sign of forces) at geometry `i`, and returns the energy.
    fn sum(
        t: &Training, i: usize, weights: &[Vec<F64x8>], alphas: &[F64x8], sigma: f64, u: &mut [F64x8], sums: &mut [F64x8],
    ) -> F64x8 = sum_body;
}

#[inline(always)]
fn sum_body<const FMA: bool>(
    t: &Training,
    i: usize,
    weights: &[Vec<F64x8>],
    alphas: &[F64x8],
    sigma: f64,
    u: &mut [F64x8],
    sums: &mut [F64x8],
) -> F64x8 {
    let d = &t.points[i].d[..];
    let c = 5.0 / (3.0 * sigma.powi(3));
    let mut energy = F64x8::ZERO;
    for (g, (group, b)) in t.groups.iter().zip(weights).enumerate() {
        for p in &t.permutations {
            let (mut square, mut along) = (F64x8::ZERO, F64x8::ZERO);
            for ((u, d), to) in u.iter_mut().zip(d).zip(&p.pairs) {
                let v = F64x8::splat(*d) - group.d[*to];
                square = v.mul_add::<FMA>(v, square);
                along = v.mul_add::<FMA>(b[*to], along);
                *u = v;
            }
            let mut rho = [0.0; LANES];
            for l in 0..LANES {
                rho[l] = (5.0 * square.0[l]).sqrt();
            }
            let rho = F64x8(rho);
            let decay = (rho * F64x8::splat(-1.0 / sigma)).exp::<FMA>();
            let w = decay * F64x8::splat(c);
            let h = w * (rho + F64x8::splat(sigma));
            energy = along.mul_add::<FMA>(h, energy);
            let mut of_u = along * w * F64x8::splat(5.0 / sigma);
            if let Some(alpha) = alphas.get(g) {
                let x = rho * F64x8::splat(1.0 / sigma);
                let value = F64x8::splat(1.0) + x + x * x * F64x8::splat(1.0 / 3.0);
                energy = (*alpha * decay).mul_add::<FMA>(value, energy);
                of_u = alpha.mul_add::<FMA>(h, of_u);
            }
            let of_b = h * F64x8::splat(-1.0);
            for ((sum, u), to) in sums.iter_mut().zip(u.iter()).zip(&p.pairs) {
                *sum = u.mul_add::<FMA>(of_u, b[*to].mul_add::<FMA>(of_b, *sum));
            }
        }
    }
    energy
}
