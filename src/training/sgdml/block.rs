//! Blocks of the kernel matrix between the forces of one geometry (rows) and of eight others (columns).
//!
//! With u the difference of the descriptor of geometry i and the permuted one of geometry j, ρ = √5 |u| and
//! W = 5/(3σ⁴) exp(-ρ/σ), the covariance of the forces is the sum over permutations of
//!
//! Jᵢᵀ [W (σ² + σρ) 1 - 5 W u uᵀ] Jⱼ,
//!
//! for which Jᵢᵀu and uᵀJⱼ are made once, and JᵢᵀJⱼ atom by atom: a pair has derivatives by two atoms only. A row of atoms is
//! complete before the next begins, so that it stays in the first cache, and goes to the internal directions at once.

use super::lanes::{Group, LANES, Training};
use crate::potential::sgdml::descriptor::pair;
use crate::simd::{F64x8, simd_dispatch};

/// Scratch memory of a thread.
#[derive(Default)]
pub(super) struct Scratch {
    u: Vec<F64x8>,
    /// -5 W Jᵢᵀu, permutation by permutation.
    left: Vec<F64x8>,
    /// uᵀJⱼ, permutation by permutation.
    right: Vec<F64x8>,
    /// W (σ² + σρ) of each permutation.
    factors: Vec<F64x8>,
    /// Covariance of the energy of i and the forces of j, and of the energies of both.
    energy: Vec<F64x8>,
    row: Vec<[F64x8; 3]>,
    half: Vec<F64x8>,
    /// The block: internal direction of j by direction, those of i in each.
    pub block: Vec<F64x8>,
    /// Covariance of the energy of i and the internal directions of j.
    pub energy_forces: Vec<F64x8>,
    /// Covariance of the energies.
    pub energies: F64x8,
}

/// What is to be made of a block.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// Forces by forces.
    Forces,
    /// The energy of i by forces and energies.
    Energy,
}

simd_dispatch! {
    /// Fills the parts of `scratch`: the block, or the two of energies.
    pub(super) fn block(
        training: &Training, i: usize, group: &Group, sigma: f64, part: Part, scratch: &mut Scratch,
    ) = block_body;
}

#[inline(always)]
fn block_body<const FMA: bool>(
    t: &Training,
    i: usize,
    group: &Group,
    sigma: f64,
    part: Part,
    s: &mut Scratch,
) {
    let n3 = 3 * t.atoms;
    s.left.resize(n3 * t.permutations.len(), F64x8::ZERO);
    s.right.resize(n3 * t.permutations.len(), F64x8::ZERO);
    s.factors.resize(t.permutations.len(), F64x8::ZERO);
    s.u.resize(t.pairs, F64x8::ZERO);
    s.energy.clear();
    s.energy.resize(n3, F64x8::ZERO);
    s.energies = F64x8::ZERO;
    for q in 0..t.permutations.len() {
        vectors::<FMA>(t, i, group, sigma, part, q, s);
    }
    let directions = &t.directions[i];
    let r = t.rank;
    if part == Part::Energy {
        s.energy_forces.resize(r, F64x8::ZERO);
        for (out, q) in s.energy_forces.iter_mut().zip(group.q.chunks_exact(n3)) {
            let mut sum = F64x8::ZERO;
            for (e, q) in s.energy.iter().zip(q) {
                sum = e.mul_add::<FMA>(*q, sum);
            }
            *out = sum;
        }
        return;
    }
    s.row.resize(n3, [F64x8::ZERO; 3]);
    s.half.resize(n3 * r, F64x8::ZERO);
    s.block.resize(r * r, F64x8::ZERO);
    for a in 0..t.atoms {
        atom_row::<FMA>(t, i, group, a, s);
        let mut c = 0;
        while c + 2 <= r {
            to_columns::<FMA, 2>(&s.row, &group.q, a, c, &mut s.half);
            c += 2;
        }
        if c < r {
            to_columns::<FMA, 1>(&s.row, &group.q, a, c, &mut s.half);
        }
    }
    for (half, out) in s.half.chunks_exact(n3).zip(s.block.chunks_exact_mut(r)) {
        let mut c = 0;
        while c + 4 <= r {
            to_rows::<FMA, 4>(half, directions, c, out);
            c += 4;
        }
        while c < r {
            to_rows::<FMA, 1>(half, directions, c, out);
            c += 1;
        }
    }
}

/// Jᵢᵀu, uᵀJⱼ and factors of permutation `q`.
#[inline(always)]
fn vectors<const FMA: bool>(
    t: &Training,
    i: usize,
    group: &Group,
    sigma: f64,
    part: Part,
    q: usize,
    s: &mut Scratch,
) {
    let point = &t.points[i];
    let p = &t.permutations[q];
    let n3 = 3 * t.atoms;
    let mut square = F64x8::ZERO;
    let u = &mut s.u[..];
    for ((u, d), to) in u.iter_mut().zip(&point.d).zip(&p.pairs) {
        let difference = F64x8::splat(*d) - group.d[*to];
        *u = difference;
        square = difference.mul_add::<FMA>(difference, square);
    }
    let mut rho = [0.0; LANES];
    for l in 0..LANES {
        rho[l] = (5.0 * square.0[l]).sqrt();
    }
    let rho = F64x8(rho);
    let decay = (rho * F64x8::splat(-1.0 / sigma)).exp::<FMA>();
    let left = &mut s.left[q * n3..(q + 1) * n3];
    let right = &mut s.right[q * n3..(q + 1) * n3];
    left.fill(F64x8::ZERO);
    right.fill(F64x8::ZERO);
    let mut k = 0;
    for a in 1..t.atoms {
        for b in 0..a {
            let u = u[k];
            let g = &point.g[k];
            for x in 0..3 {
                left[3 * b + x] = u.mul_add::<FMA>(F64x8::splat(g[x]), left[3 * b + x]);
                left[3 * a + x] = u.mul_add::<FMA>(F64x8::splat(-g[x]), left[3 * a + x]);
            }
            let g = &group.g[p.pairs[k]];
            let (a, b) = (p.atoms[a], p.atoms[b]);
            let (high, low) = (a.max(b), a.min(b));
            for x in 0..3 {
                let v = u * g[x];
                right[3 * low + x] = right[3 * low + x] + v;
                right[3 * high + x] = right[3 * high + x] - v;
            }
            k += 1;
        }
    }
    if part == Part::Energy {
        // 5/(3σ³) (ρ + σ) E uᵀJⱼ, and (1 + ρ/σ + ρ²/(3σ²)) E.
        let c = F64x8::splat(5.0 / (3.0 * sigma.powi(3)));
        let h = c * (rho + F64x8::splat(sigma)) * decay;
        for (e, r) in s.energy.iter_mut().zip(right) {
            *e = h.mul_add::<FMA>(*r, *e);
        }
        let x = rho * F64x8::splat(1.0 / sigma);
        let third = F64x8::splat(1.0 / 3.0);
        let p = F64x8::splat(1.0) + x + x * x * third;
        s.energies = p.mul_add::<FMA>(decay, s.energies);
        return;
    }
    let w = decay * F64x8::splat(5.0 / (3.0 * sigma.powi(4)));
    s.factors[q] = w * (F64x8::splat(sigma * sigma) + rho * F64x8::splat(sigma));
    let minus = w * F64x8::splat(-5.0);
    for l in left {
        *l = *l * minus;
    }
}

/// The three rows of atom `a`, all columns, summed over permutations.
#[inline(always)]
fn atom_row<const FMA: bool>(t: &Training, i: usize, group: &Group, a: usize, s: &mut Scratch) {
    let n3 = 3 * t.atoms;
    let point = &t.points[i];
    s.row.fill([F64x8::ZERO; 3]);
    for (q, p) in t.permutations.iter().enumerate() {
        let left = &s.left[q * n3 + 3 * a..q * n3 + 3 * a + 3];
        let (l0, l1, l2) = (left[0], left[1], left[2]);
        for (row, r) in s.row.iter_mut().zip(&s.right[q * n3..(q + 1) * n3]) {
            row[0] = l0.mul_add::<FMA>(*r, row[0]);
            row[1] = l1.mul_add::<FMA>(*r, row[1]);
            row[2] = l2.mul_add::<FMA>(*r, row[2]);
        }
        let factor = s.factors[q];
        let to = p.atoms[a];
        for y in 0..3 {
            let (mut d0, mut d1, mut d2) = (F64x8::ZERO, F64x8::ZERO, F64x8::ZERO);
            for b in 0..t.atoms {
                if b == a {
                    continue;
                }
                let k = pair(a, b);
                let other = p.atoms[b];
                // The derivative by the atom that stands first in a pair has the other sign.
                let sign = if (a > b) == (to > other) { 1.0 } else { -1.0 };
                let g = &point.g[k];
                let v = group.g[p.pairs[k]][y] * factor;
                let (g0, g1, g2) = (
                    F64x8::splat(sign * g[0]),
                    F64x8::splat(sign * g[1]),
                    F64x8::splat(sign * g[2]),
                );
                d0 = v.mul_add::<FMA>(g0, d0);
                d1 = v.mul_add::<FMA>(g1, d1);
                d2 = v.mul_add::<FMA>(g2, d2);
                let row = &mut s.row[3 * other + y];
                row[0] = row[0] - v * g0;
                row[1] = row[1] - v * g1;
                row[2] = row[2] - v * g2;
            }
            let row = &mut s.row[3 * to + y];
            row[0] = row[0] + d0;
            row[1] = row[1] + d1;
            row[2] = row[2] + d2;
        }
    }
}

/// The rows of atom `a` in `N` internal directions of the columns, from direction `c` on.
#[inline(always)]
fn to_columns<const FMA: bool, const N: usize>(
    row: &[[F64x8; 3]],
    q: &[F64x8],
    a: usize,
    c: usize,
    half: &mut [F64x8],
) {
    let n3 = row.len();
    let mut sum = [[F64x8::ZERO; 3]; N];
    let q = &q[c * n3..(c + N) * n3];
    for (k, row) in row.iter().enumerate() {
        for m in 0..N {
            let q = q[m * n3 + k];
            for x in 0..3 {
                sum[m][x] = row[x].mul_add::<FMA>(q, sum[m][x]);
            }
        }
    }
    for m in 0..N {
        for x in 0..3 {
            half[(c + m) * n3 + 3 * a + x] = sum[m][x];
        }
    }
}

/// `N` internal directions of the rows, from direction `c` on, of one column.
#[inline(always)]
fn to_rows<const FMA: bool, const N: usize>(
    half: &[F64x8],
    directions: &[f64],
    c: usize,
    out: &mut [F64x8],
) {
    let n3 = half.len();
    let mut sum = [F64x8::ZERO; N];
    let q = &directions[c * n3..(c + N) * n3];
    for (k, h) in half.iter().enumerate() {
        for m in 0..N {
            sum[m] = h.mul_add::<FMA>(F64x8::splat(q[m * n3 + k]), sum[m]);
        }
    }
    out[c..c + N].copy_from_slice(&sum);
}
