//! Eigenvalues of symmetric matrices, the same bits for any number of threads.

use crate::error::{Error, Result};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, Par};

/// Ascending eigenvalues of a symmetric matrix, and its eigenvectors as columns.
pub(crate) fn eigen(matrix: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>)> {
    let n = matrix.nrows();
    let mut vectors = Mat::zeros(n, n);
    let values = decompose(matrix, Some(&mut vectors))?;
    Ok((values, vectors))
}

/// Ascending eigenvalues of a symmetric matrix.
pub(crate) fn eigenvalues(matrix: &Mat<f64>) -> Result<Vec<f64>> {
    decompose(matrix, None)
}

fn decompose(matrix: &Mat<f64>, vectors: Option<&mut Mat<f64>>) -> Result<Vec<f64>> {
    let n = matrix.nrows();
    let mut values = Diag::zeros(n);
    let compute = match &vectors {
        Some(_) => ComputeEigenvectors::Yes,
        None => ComputeEigenvectors::No,
    };
    let scratch = self_adjoint_evd_scratch::<f64>(n, compute, Par::Seq, Default::default());
    let finite = matrix.col_iter().all(|c| c.iter().all(|x| x.is_finite()));
    let done = finite
        && self_adjoint_evd(
            matrix.as_ref(),
            values.as_mut(),
            vectors.map(|v| v.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Default::default(),
        )
        .is_ok();
    if !done {
        return Err(Error::run(
            "a matrix of second derivatives has no eigenvalues: it holds numbers that are not finite, or far too large",
            "look at the structure; relax it first",
        ));
    }
    Ok(values.column_vector().iter().copied().collect())
}
