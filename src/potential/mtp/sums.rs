//! Sums over neighbours: the basic moments of a centre, and the way back from dE/dM to dE/dr.

use super::lattice::{Lattice, monomials, monomials_below};
use super::neighbours::{INVERSE, VALUES};
use crate::simd::F64x4;

/// Most records taken together: their monomials stay in the first cache.
pub(super) const TOGETHER: usize = 4;

#[inline(always)]
fn times<const N: usize>(a: &[F64x4; N], b: &[F64x4; N]) -> [F64x4; N] {
    let mut out = [F64x4::ZERO; N];
    for k in 0..N {
        out[k] = a[k] * b[k];
    }
    out
}

/// Makes the monomials of one rank from those of the rank below, for N records: `each` is shown every one with its number.
#[inline(always)]
fn raise<const N: usize>(
    rank: usize,
    u: &[[F64x4; N]; 3],
    memory: &mut [[F64x4; N]],
    mut each: impl FnMut(usize, &[F64x4; N]),
) {
    let (below, here) = (monomials_below(rank - 1), monomials_below(rank));
    let (before, now) = memory.split_at_mut(here);
    let before = &before[below..];
    let now = &mut now[..monomials(rank)];
    let n = before.len();
    for (i, (m, now)) in before.iter().zip(now.iter_mut()).enumerate() {
        let value = times(m, &u[0]);
        each(i, &value);
        *now = value;
    }
    for (i, m) in before[n - rank..].iter().enumerate() {
        let value = times(m, &u[1]);
        each(n + i, &value);
        now[n + i] = value;
    }
    let value = times(&before[n - 1], &u[2]);
    each(n + rank, &value);
    now[n + rank] = value;
}

/// The monomials of all ranks below `ranks`, for one record.
#[inline(always)]
pub(super) fn all_monomials(ranks: usize, record: &[F64x4], memory: &mut [[F64x4; 1]]) {
    let u = std::array::from_fn(|axis| [record[axis]]);
    memory[0] = [F64x4::splat(1.0)];
    for rank in 1..ranks {
        raise(rank, &u, memory, |_, _| {});
    }
}

#[inline(always)]
fn part<const N: usize>(records: &[F64x4], stride: usize, at: usize) -> [F64x4; N] {
    // A loop, not `array::from_fn`: its closures end up as calls without the instruction set around them.
    let mut out = [F64x4::ZERO; N];
    for (k, out) in out.iter_mut().enumerate() {
        *out = records[k * stride + at];
    }
    out
}

/// Adds the moments of N records to `sums`, four numbers for each moment of the lattice that is summed.
#[inline(always)]
pub(super) fn add_moments<const FMA: bool, const N: usize>(
    lattice: &Lattice,
    records: &[F64x4],
    stride: usize,
    memory: &mut [F64x4],
    sums: &mut [F64x4],
) {
    let memory = memory.as_chunks_mut::<N>().0;
    let u: [[F64x4; N]; 3] = [
        part(records, stride, 0),
        part(records, stride, 1),
        part(records, stride, 2),
    ];
    memory[0] = [F64x4::splat(1.0); N];
    for (rank, shares) in lattice.ranks.iter().enumerate() {
        let mut shares = shares.iter();
        if rank > 0 {
            if let Some(share) = shares.next() {
                let f: [F64x4; N] = part(records, stride, VALUES + share.mu);
                let sums = &mut sums[share.first..][..monomials(rank)];
                raise(rank, &u, memory, |i, m| {
                    let mut sum = sums[i];
                    for k in 0..N {
                        sum = f[k].mul_add::<FMA>(m[k], sum);
                    }
                    sums[i] = sum;
                });
            } else {
                raise(rank, &u, memory, |_, _| {});
            }
        }
        for share in shares {
            let f: [F64x4; N] = part(records, stride, VALUES + share.mu);
            let sums = &mut sums[share.first..][..monomials(rank)];
            for (sum, m) in sums.iter_mut().zip(&memory[monomials_below(rank)..]) {
                for k in 0..N {
                    *sum = f[k].mul_add::<FMA>(m[k], *sum);
                }
            }
        }
    }
}

/// The gradient of the polynomials Σ W x^a y^b z^c of one centre by x, y and z: for each share of a rank ν > 0 the three
/// coefficients of each monomial of rank ν - 1; for one of rank 0 its constant.
#[inline(always)]
pub(super) fn polynomial_gradients(
    lattice: &Lattice,
    w: impl Fn(usize) -> f64,
    out: &mut Vec<[f64; 3]>,
) {
    out.clear();
    for (rank, shares) in lattice.ranks.iter().enumerate() {
        for share in shares {
            if rank == 0 {
                out.push([w(share.first), 0.0, 0.0]);
                continue;
            }
            for m in 0..rank {
                // x^a y^b z^c of rank ν - 1, with m = b + c, and its products with x, y, z.
                let (a, here) = (rank - 1 - m, share.first + m * (m + 1) / 2);
                let up = share.first + (m + 1) * (m + 2) / 2;
                for c in 0..=m {
                    out.push([
                        (a + 1) as f64 * w(here + c),
                        (m - c + 1) as f64 * w(up + c),
                        (c + 1) as f64 * w(up + c + 1),
                    ]);
                }
            }
        }
    }
}

/// dE/dr of the neighbours in N records, from the [`polynomial_gradients`] of their centre.
///
/// With P the polynomial of rank ν of a radial function f, s = u·∇P = νP, the gradient of f(r) P(u) is
/// (f/r) ∇P + (f' P - (f/r) s) u.
#[inline(always)]
pub(super) fn gradients<const FMA: bool, const N: usize>(
    lattice: &Lattice,
    functions: usize,
    records: &[F64x4],
    stride: usize,
    coefficients: &[[f64; 3]],
    memory: &mut [F64x4],
) -> [[F64x4; N]; 3] {
    let memory = memory.as_chunks_mut::<N>().0;
    let u: [[F64x4; N]; 3] = [
        part(records, stride, 0),
        part(records, stride, 1),
        part(records, stride, 2),
    ];
    let inverse: [F64x4; N] = part(records, stride, INVERSE);
    memory[0] = [F64x4::splat(1.0); N];
    let mut tangential = [[F64x4::ZERO; N]; 3];
    let mut radial = [F64x4::ZERO; N];
    let mut next = 0;
    for (rank, shares) in lattice.ranks.iter().enumerate() {
        if rank > 1 {
            raise(rank - 1, &u, memory, |_, _| {});
        }
        for share in shares {
            let slope: [F64x4; N] = part(records, stride, VALUES + functions + share.mu);
            if rank == 0 {
                let constant = F64x4::splat(coefficients[next][0]);
                next += 1;
                for k in 0..N {
                    radial[k] = slope[k].mul_add::<FMA>(constant, radial[k]);
                }
                continue;
            }
            let count = monomials(rank - 1);
            let mut p = [[F64x4::ZERO; N]; 3];
            let monomials = &memory[monomials_below(rank - 1)..][..count];
            for (m, c) in monomials.iter().zip(&coefficients[next..][..count]) {
                for axis in 0..3 {
                    let c = F64x4::splat(c[axis]);
                    for k in 0..N {
                        p[axis][k] = c.mul_add::<FMA>(m[k], p[axis][k]);
                    }
                }
            }
            next += count;
            let f: [F64x4; N] = part(records, stride, VALUES + share.mu);
            let per_rank = F64x4::splat(1.0 / rank as f64);
            for k in 0..N {
                let g = f[k] * inverse[k];
                let s = u[2][k]
                    .mul_add::<FMA>(p[2][k], u[1][k].mul_add::<FMA>(p[1][k], u[0][k] * p[0][k]));
                radial[k] = radial[k] + s * (slope[k] * per_rank - g);
                for axis in 0..3 {
                    tangential[axis][k] = g.mul_add::<FMA>(p[axis][k], tangential[axis][k]);
                }
            }
        }
    }
    for axis in 0..3 {
        for k in 0..N {
            tangential[axis][k] = radial[k].mul_add::<FMA>(u[axis][k], tangential[axis][k]);
        }
    }
    tangential
}
