//! Virial coefficients from the compressibility factors of an isotherm.

use nalgebra::{DMatrix, DVector};

/// Z = 1 + B2 ρ + B3 ρ² + ... fitted to points of one temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct VirialSeries {
    /// B2, B3, ...: in powers of the unit of volume per particle.
    pub coefficients: Vec<f64>,
    /// Their standard errors.
    pub errors: Vec<f64>,
    /// Points that were fitted: those of least density.
    pub points: usize,
    /// χ² over the degrees of freedom; none when every point is fitted exactly.
    pub chi_square: Option<f64>,
}

/// A series of more coefficients describes noise.
const MOST: usize = 5;
/// A fit is good with a χ² of at most this over its degrees of freedom.
const GOOD: f64 = 3.0;

impl VirialSeries {
    /// The fit of points (ρ, Z, standard error of Z): of the densest range that a series of few coefficients describes.
    ///
    /// (Z - 1)/ρ is fitted with weights by a polynomial. Of all points, then of ever fewer of them from the dense end, the shortest
    /// series with χ² per degree of freedom below 3 is taken; at least one degree of freedom is kept. `None` when nothing fits, or
    /// with fewer than two points of positive density and error.
    pub fn fit(points: &[(f64, f64, f64)]) -> Option<VirialSeries> {
        let usable = |p: &&(f64, f64, f64)| p.0 > 0.0 && p.2 > 0.0 && p.1.is_finite();
        let mut sorted: Vec<_> = points.iter().filter(usable).copied().collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        for count in (2..=sorted.len()).rev() {
            for terms in 1..=MOST.min(count - 1) {
                let fit = fit(&sorted[..count], terms)?;
                if fit.chi_square.is_none_or(|c| c <= GOOD) {
                    return Some(fit);
                }
            }
        }
        None
    }

    /// Z at a density.
    pub fn factor(&self, density: f64) -> f64 {
        let higher = self.coefficients.iter().rev();
        1.0 + higher.fold(0.0, |sum, c| (sum + c) * density)
    }
}

/// A series of so many coefficients through points, fewer than these.
fn fit(points: &[(f64, f64, f64)], terms: usize) -> Option<VirialSeries> {
    let n = points.len();
    // Powers of the density over the largest one, so that the matrix is well conditioned.
    let scale = points.iter().map(|p| p.0).fold(0.0, f64::max);
    let design = DMatrix::from_fn(n, terms, |i, k| {
        let (rho, _, e) = points[i];
        (rho / scale).powi(k as i32) * rho / e
    });
    let target = DVector::from_fn(n, |i, _| (points[i].1 - 1.0) / points[i].2);
    let normal = design.transpose() * &design;
    let covariance = normal.try_inverse()?;
    let solution = &covariance * design.transpose() * &target;
    let chi = (&design * &solution - &target).norm_squared();
    let freedom = n - terms;
    let chi_square = (freedom > 0).then(|| chi / freedom as f64);
    // Points that scatter more than their errors say make the coefficients as uncertain as they scatter.
    let inflate = chi_square.map_or(1.0, |c| c.max(1.0).sqrt());
    let unit = |k: usize| scale.powi(-(k as i32));
    Some(VirialSeries {
        coefficients: (0..terms).map(|k| solution[k] * unit(k)).collect(),
        errors: (0..terms)
            .map(|k| covariance[(k, k)].max(0.0).sqrt() * unit(k) * inflate)
            .collect(),
        points: n,
        chi_square,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::test_series::autoregressive;

    #[test]
    fn coefficients_with_honest_errors() {
        // B2 = -80, B3 = 5000, with noise of 0.002 on Z, 100 times: the coefficients lie within 1.96 errors in 95 of them; 12
        // misses are more than three standard deviations above 5.
        let (mut missed, mut orders) = ([0; 2], 0);
        for seed in 0..100 {
            let noise = autoregressive(0.0, 8, seed);
            let points: Vec<(f64, f64, f64)> = (0..8)
                .map(|k| {
                    let rho = 0.001 * (k + 1) as f64;
                    let z = 1.0 - 80.0 * rho + 5000.0 * rho * rho;
                    (rho, z + 0.002 * noise[k], 0.002)
                })
                .collect();
            let f = VirialSeries::fit(&points).unwrap();
            let whole = f.points == 8 && f.coefficients.len() == 2;
            orders += usize::from(whole);
            if whole {
                for (k, exact) in [-80.0, 5000.0].into_iter().enumerate() {
                    missed[k] +=
                        usize::from((f.coefficients[k] - exact).abs() > 1.96 * f.errors[k]);
                }
                assert!((f.factor(0.004) - (1.0 - 0.32 + 0.08)).abs() < 0.01);
            }
        }
        eprintln!("{orders} of 100 with two coefficients; misses {missed:?}");
        assert!(
            orders >= 90 && missed.iter().all(|m| *m <= 12),
            "{orders} {missed:?}"
        );
    }

    #[test]
    fn what_a_series_does_not_describe() {
        assert!(VirialSeries::fit(&[]).is_none());
        assert!(VirialSeries::fit(&[(0.1, 0.9, 0.01)]).is_none());
        assert!(VirialSeries::fit(&[(0.1, f64::NAN, 0.01), (0.2, 1.0, 0.0)]).is_none());
        // A jump at the dense end is left out.
        let mut points: Vec<(f64, f64, f64)> = (1..=6)
            .map(|k| (f64::from(k), 1.0 - 0.01 * f64::from(k), 1e-4))
            .collect();
        points.push((7.0, 40.0, 1e-4));
        points.push((7.1, -40.0, 1e-4));
        let f = VirialSeries::fit(&points).unwrap();
        assert!(
            f.points == 6 && (f.coefficients[0] + 0.01).abs() < 1e-5,
            "{f:?}"
        );
    }
}
