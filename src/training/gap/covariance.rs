//! The covariance of the sparse points of a coordinate and its factor.

use crate::error::{Error, Result};
use crate::parallel;
use crate::potential::gap::{Coordinate, Covariance};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::radial::Points;

/// Points in one strip of the matrix.
const STRIP: usize = 64;
/// Steps by which the jitter grows tenfold before the attempt is given up.
const GROWTH: usize = 6;

/// L of K_MM + jitter = L Lᵀ, column after column, and the jitter (eV²) that it took: the one given, or ten or more times that
/// where rounding makes the matrix indefinite.
pub(super) fn factor(c: &Coordinate, jitter: f64) -> Result<(Vec<f64>, f64)> {
    let n = c.alpha.len();
    let k = covariance(c);
    let mut added = jitter;
    for _ in 0..=GROWTH {
        let mut l = Mat::from_fn(n, n, |i, j| k[j * n + i] + if i == j { added } else { 0.0 });
        let scratch = cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default());
        let done = cholesky_in_place(
            l.as_mut(),
            LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        );
        if done.is_ok() {
            let mut packed = Vec::with_capacity(n * n);
            for column in l.col_iter() {
                packed.extend(column.iter());
            }
            return Ok((packed, added));
        }
        added *= 10.0;
    }
    Err(Error::input(
        &c.label,
        "the covariance of the sparse points cannot be factorised",
    )
    .advise("choose fewer sparse points, or a larger jitter"))
}

/// K_MM without jitter, column after column.
fn covariance(c: &Coordinate) -> Vec<f64> {
    let (n, d) = (c.alpha.len(), c.dimensions);
    let mut k = vec![0.0; n * n];
    let mut strips: Vec<&mut [f64]> = k.chunks_mut(STRIP * n.max(1)).collect();
    match c.covariance {
        Covariance::DotProduct { zeta } => parallel::for_each_mut(&mut strips, |s, strip| {
            let columns = strip.len() / n;
            let x = MatRef::from_column_major_slice(&c.sparse, d, n);
            let out = MatMut::from_column_major_slice_mut(strip, n, columns);
            let own = x.subcols(s * STRIP, columns);
            matmul(out, Accum::Replace, x.transpose(), own, 1.0, Par::Seq);
            for (m, column) in strip.chunks_exact_mut(n).enumerate() {
                let cut = c.delta * c.delta * c.sparse_cutoff[s * STRIP + m];
                for (k, other) in column.iter_mut().zip(&c.sparse_cutoff) {
                    let power = if zeta.fract() == 0.0 {
                        k.powi(zeta as i32)
                    } else {
                        k.max(0.0).powf(zeta)
                    };
                    *k = cut * other * power;
                }
            }
        }),
        Covariance::ArdSe { .. } | Covariance::Pp { .. } => {
            let points = Points::new(c, 0, n);
            let stride = n.next_multiple_of(8);
            parallel::for_each_mut(&mut strips, |s, strip| {
                let mut values = vec![0.0; (d + 1) * stride];
                for (m, column) in strip.chunks_exact_mut(n).enumerate() {
                    let t = s * STRIP + m;
                    points.at(&c.sparse[t * d..(t + 1) * d], &mut values);
                    for (k, value) in column.iter_mut().zip(&values) {
                        *k = value * c.sparse_cutoff[t];
                    }
                }
            });
        }
    }
    k
}
