//! CUR decomposition: rows drawn by their leverage.

use super::{Table, distinct, generator};
use crate::error::{Error, Result};
use crate::parallel;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rand::RngExt;

/// Columns of the Gram matrix whose eigenvectors are computed; wider tables are sketched.
const WIDEST: usize = 2048;
/// Eigenvalues of the Gram matrix below this share of the largest are rounding.
const RANK: f64 = 1e-14;
/// Columns of a matrix product in one piece of work.
const STRIP: usize = 64;

/// `count` distinct rows, ascending, drawn by leverage score.
///
/// With the singular value decomposition of the distinct rows and half of its numerical rank k, row j has the score
/// p_j = min(1, count/k · sum of v_ij² over the leading k right singular vectors i); with u_j uniform in [0, 1) the
/// rows with the smallest u_j - p_j are taken, so that a row comes with about probability p_j. This is the random variant of
/// Mahoney and Drineas, PNAS 106, 697 (2009), as `gap_fit` does it, with another generator.
///
/// Errors when the decomposition fails.
pub fn cur(table: Table<'_>, count: usize, seed: u64) -> Result<Vec<usize>> {
    let rows = distinct(table);
    let count = count.min(rows.len());
    if count == rows.len() {
        return Ok(rows);
    }
    let scores = leverage_of(table, &rows)?;
    let mut rng = generator(seed);
    let mut keys: Vec<(f64, usize)> = rows
        .iter()
        .zip(&scores)
        .map(|(row, score)| {
            let p = (count as f64 * score).min(1.0);
            (rng.random::<f64>() - p, *row)
        })
        .collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = keys.into_iter().take(count).map(|k| k.1).collect();
    chosen.sort_unstable();
    Ok(chosen)
}

/// Leverage scores of all rows, with sum 1: the squared lengths of the rows of the k leading left singular vectors, over k,
/// with k half the numerical rank (at least one).
///
/// The decomposition is that of the smaller Gram matrix, XᵀX or XXᵀ, which keeps singular values down to 10⁻⁷ of the
/// largest. When both sides are longer than 2048, the columns are first mapped to 2048 sums with random signs
/// (Clarkson and Woodruff, J. ACM 63, 54 (2017)), which keeps the leading space of the rows.
pub fn leverage(table: Table<'_>) -> Result<Vec<f64>> {
    let rows: Vec<usize> = (0..table.len()).collect();
    leverage_of(table, &rows)
}

fn leverage_of(table: Table<'_>, rows: &[usize]) -> Result<Vec<f64>> {
    let (n, d) = (rows.len(), table.columns());
    if n == 0 {
        return Ok(Vec::new());
    }
    // Column i holds row i, so that a column is contiguous.
    let mut x = if n > WIDEST && d > WIDEST {
        sketch(table, rows)
    } else {
        let mut x = Mat::zeros(d, n);
        for (i, row) in rows.iter().enumerate() {
            for (k, value) in table.row(*row).iter().enumerate() {
                x[(k, i)] = *value;
            }
        }
        x
    };
    // Scaled so that squares neither overflow nor vanish.
    let largest = x
        .col_iter()
        .flat_map(|c| c.iter().copied())
        .fold(0.0f64, |a, b| a.max(b.abs()));
    if largest == 0.0 {
        return Ok(vec![1.0 / n as f64; n]);
    }
    for column in x.col_iter_mut() {
        for value in column.iter_mut() {
            *value /= largest;
        }
    }
    let mut scores = if x.nrows() <= n {
        // Left singular vectors of the table are X v / σ.
        let gram = product(x.as_ref(), x.as_ref().transpose());
        let (values, vectors) = eigen(&gram)?;
        let k = half_rank(&values);
        let first = values.len() - k;
        let mut leading = vectors.as_ref().subcols(first, k).to_owned();
        for (c, value) in leading.col_iter_mut().zip(&values[first..]) {
            let scale = 1.0 / value.sqrt();
            for v in c.iter_mut() {
                *v *= scale;
            }
        }
        let u = product(leading.as_ref().transpose(), x.as_ref());
        u.col_iter()
            .map(|c| c.iter().map(|v| v * v).sum::<f64>() / k as f64)
            .collect::<Vec<f64>>()
    } else {
        let gram = product(x.as_ref().transpose(), x.as_ref());
        let (values, vectors) = eigen(&gram)?;
        let k = half_rank(&values);
        let first = values.len() - k;
        (0..n)
            .map(|i| (first..n).map(|c| vectors[(i, c)].powi(2)).sum::<f64>() / k as f64)
            .collect()
    };
    let total: f64 = scores.iter().sum();
    for s in &mut scores {
        *s /= total;
    }
    Ok(scores)
}

/// Half the number of eigenvalues that are more than rounding.
fn half_rank(ascending: &[f64]) -> usize {
    let largest = ascending.last().copied().unwrap_or(0.0);
    let rank = ascending.iter().filter(|v| **v > RANK * largest).count();
    (rank / 2).max(1)
}

/// The rows with their columns summed into fewer, with signs.
fn sketch(table: Table<'_>, rows: &[usize]) -> Mat<f64> {
    let mut rng = generator(0x5ca1_ab1e);
    let places: Vec<(usize, f64)> = (0..table.columns())
        .map(|_| {
            let sign = if rng.random::<f64>() < 0.5 { -1.0 } else { 1.0 };
            (super::below(&mut rng, WIDEST), sign)
        })
        .collect();
    let mut x = Mat::zeros(WIDEST, rows.len());
    for (i, row) in rows.iter().enumerate() {
        for ((place, sign), value) in places.iter().zip(table.row(*row)) {
            x[(*place, i)] += sign * value;
        }
    }
    x
}

/// A matrix product on all threads, the same bits for any number of them: the strips of columns are fixed.
fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let rows = a.nrows();
    let mut out = vec![0.0; rows * b.ncols()];
    let mut strips: Vec<&mut [f64]> = out.chunks_mut(STRIP * rows.max(1)).collect();
    parallel::for_each_mut(&mut strips, |s, strip| {
        let width = strip.len() / rows;
        let strip = MatMut::from_column_major_slice_mut(strip, rows, width);
        let b = b.subcols(s * STRIP, width);
        matmul(strip, Accum::Replace, a, b, 1.0, Par::Seq);
    });
    MatRef::from_column_major_slice(&out, rows, b.ncols()).to_owned()
}

/// Ascending eigenvalues and the eigenvectors of a symmetric matrix.
fn eigen(matrix: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>)> {
    let n = matrix.nrows();
    let mut values = Diag::zeros(n);
    let mut vectors = Mat::zeros(n, n);
    let scratch =
        self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, Default::default());
    self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| {
        Error::run(
            "the singular values of the vectors to choose from cannot be computed",
            "choose by farthest points or k-means instead",
        )
    })?;
    Ok((values.column_vector().iter().copied().collect(), vectors))
}
