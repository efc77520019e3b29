//! A map of structures: points in the plane, near each other where structures are alike.

use super::Matrix;
use crate::error::{Error, Result};
use faer::{Mat, Side};

/// Places of structures on a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The two coordinates of each.
    pub points: Vec<[f64; 2]>,
    /// The share of the spread of all structures that each coordinate shows.
    pub shares: [f64; 2],
}

/// The two principal components of structures in the space of the kernel (B. Schölkopf, A. Smola and K.-R. Müller, Neural Comput.
/// 10, 1299 (1998)).
pub fn map(matrix: &Matrix) -> Result<Map> {
    let n = matrix.size;
    if n < 2 {
        return Ok(Map {
            points: vec![[0.0; 2]; n],
            shares: [0.0; 2],
        });
    }
    let means: Vec<f64> = (0..n)
        .map(|i| (0..n).map(|j| matrix.at(i, j)).sum::<f64>() / n as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / n as f64;
    let centred = Mat::from_fn(n, n, |i, j| matrix.at(i, j) - means[i] - means[j] + mean);
    let eigen = centred
        .self_adjoint_eigen(Side::Lower)
        .map_err(|e| Error::Bug(format!("eigenvalues of a kernel matrix: {e:?}")))?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    // Kernels such as the best match may have negative eigenvalues, which no distance shows.
    let total: f64 = (0..n).map(|k| values[k].max(0.0)).sum();
    let mut points = vec![[0.0; 2]; n];
    let mut shares = [0.0; 2];
    for axis in 0..2 {
        let column = n - 1 - axis;
        let value = values[column].max(0.0);
        if total > 0.0 {
            shares[axis] = value / total;
        }
        // The sign is that of the largest component, so that the same data give the same map.
        let mut largest: f64 = 0.0;
        for i in 0..n {
            if vectors[(i, column)].abs() > largest.abs() + 1e-12 {
                largest = vectors[(i, column)];
            }
        }
        for (i, point) in points.iter_mut().enumerate() {
            point[axis] = vectors[(i, column)] * value.sqrt() * largest.signum();
        }
    }
    Ok(Map { points, shares })
}
