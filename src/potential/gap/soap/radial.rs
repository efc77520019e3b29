//! Radial functions: Gaussians on equispaced nodes, orthonormalised; exact form and table.
//!
//! The density of a neighbour at distance r, a Gaussian of width s, has the radial expansion (a = 1/(2 s^2))
//! `phi_l(r; r_k) = exp(-a (r^2 + r_k^2)) i_l(2 a r r_k)` on node r_k, with i_l the modified spherical Bessel function;
//! the orthonormal set is `g_nl(r) = sum_k phi_l(r; r_k) T_kn`, `T = C^-1 L` with C the overlap of the nodes on the
//! infinite line and L the Cholesky factor of their overlap S on the half line with r^2 weight.
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013).)

use super::cutoff::Cutoff;
use super::parameters::SoapParameters;
use crate::potential::gap::density::{RadialFunctions, scaled_bessel};
use crate::simd::F64x4;
use nalgebra::DMatrix;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// The exact radial functions.
#[derive(Clone, Debug)]
pub(in super::super) struct RadialBasis {
    l_max: usize,
    n_max: usize,
    /// 1/(2 s^2).
    a: f64,
    nodes: Vec<f64>,
    /// T, row k, column n.
    transform: Vec<f64>,
    /// L_00: the coefficient of a Gaussian on the centre itself, n = 0, l = 0, before Y_00.
    pub(super) centre: f64,
    sigma: f64,
    cutoff: f64,
    weight: Cutoff,
}

impl RadialBasis {
    /// Errors (a sentence) when the nodes are so dense that their overlap is singular in double precision.
    pub(in super::super) fn new(p: &SoapParameters) -> Result<RadialBasis, String> {
        let n = p.n_max;
        let sigma = p.atom_sigma;
        let a = 0.5 / (sigma * sigma);
        let reach = p.cutoff + sigma * (2.0 * p.basis_error_exponent * LN_10).sqrt();
        let nodes: Vec<f64> = (0..n).map(|k| k as f64 * reach / n as f64).collect();
        let c = DMatrix::from_fn(n, n, |i, j| (-a * (nodes[i] - nodes[j]).powi(2)).exp());
        let s = DMatrix::from_fn(n, n, |i, j| half_line_overlap(a, nodes[i], nodes[j]));
        let singular = || {
            format!(
                "soap: the {n} radial functions are linearly dependent in double precision (cutoff {}, atom_sigma {sigma})",
                p.cutoff
            )
        };
        let l = s.cholesky().ok_or_else(singular)?.unpack();
        let t = c.cholesky().ok_or_else(singular)?.solve(&l);
        let transform: Vec<f64> = (0..n * n).map(|i| t[(i / n, i % n)]).collect();
        if transform.iter().any(|x| !x.is_finite()) {
            return Err(singular());
        }
        Ok(RadialBasis {
            l_max: p.l_max,
            n_max: n,
            a,
            nodes,
            transform,
            centre: l[(0, 0)],
            sigma,
            cutoff: p.cutoff,
            weight: Cutoff::new(p),
        })
    }
}

impl RadialFunctions for RadialBasis {
    fn l_max(&self) -> usize {
        self.l_max
    }

    fn n_max(&self) -> usize {
        self.n_max
    }

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn scale(&self) -> f64 {
        self.sigma
    }

    fn weight(&self, r: f64) -> (f64, f64) {
        self.weight.value_and_slope(r)
    }

    fn exact(&self, r: f64, value: &mut [F64x4], slope: &mut [F64x4], bessel: &mut Vec<f64>) {
        let per_l = self.n_max.div_ceil(4);
        value.fill(F64x4::ZERO);
        slope.fill(F64x4::ZERO);
        bessel.resize(self.l_max + 2, 0.0);
        for (k, &rk) in self.nodes.iter().enumerate() {
            let x = 2.0 * self.a * r * rk;
            scaled_bessel(x, bessel);
            let gauss = (-self.a * (r - rk) * (r - rk)).exp();
            let row = &self.transform[k * self.n_max..(k + 1) * self.n_max];
            for l in 0..=self.l_max {
                let below = if l == 0 {
                    0.0
                } else {
                    l as f64 * bessel[l - 1]
                };
                let mean = (below + (l + 1) as f64 * bessel[l + 1]) / (2 * l + 1) as f64;
                let phi = gauss * bessel[l];
                let d_phi = 2.0 * self.a * gauss * (rk * mean - r * bessel[l]);
                for (n, t) in row.iter().enumerate() {
                    value[l * per_l + n / 4].0[n % 4] += phi * t;
                    slope[l * per_l + n / 4].0[n % 4] += d_phi * t;
                }
            }
        }
    }
}

/// Overlap of two Gaussians on nodes p, q over the half line with weight r^2.
fn half_line_overlap(a: f64, p: f64, q: f64) -> f64 {
    let sum = p + q;
    let edge = (-a * (p * p + q * q)).exp() * SQRT_2 * a.powf(1.5) * sum;
    let bulk = a
        * (-0.5 * a * (p - q) * (p - q)).exp()
        * PI.sqrt()
        * (1.0 + a * sum * sum)
        * (1.0 + libm::erf((0.5 * a).sqrt() * sum));
    (edge + bulk) / (128.0 * a.powi(5)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(n_max: usize, l_max: usize) -> SoapParameters {
        SoapParameters {
            cutoff: 5.0,
            transition_width: 1.0,
            l_max,
            n_max,
            atom_sigma: 0.5,
            ..SoapParameters::default()
        }
    }

    #[test]
    fn slope_is_the_derivative() {
        let basis = RadialBasis::new(&parameters(10, 12)).unwrap();
        let n = 13 * 3;
        let zero = || vec![F64x4::ZERO; n];
        let (mut v0, mut v1, mut d, mut s, mut b) = (zero(), zero(), zero(), zero(), Vec::new());
        for r in [0.01, 0.4, 1.3, 2.35, 3.9, 4.9] {
            let h = 1e-5;
            basis.exact(r - h, &mut v0, &mut s, &mut b);
            basis.exact(r + h, &mut v1, &mut s, &mut b);
            basis.exact(r, &mut s, &mut d, &mut b);
            for c in 0..n {
                for k in 0..4 {
                    let numeric = (v1[c].0[k] - v0[c].0[k]) / (2.0 * h);
                    assert!(
                        (numeric - d[c].0[k]).abs() < 1e-8,
                        "r {r}: {numeric} {}",
                        d[c].0[k]
                    );
                }
            }
        }
    }

    #[test]
    fn overlap_against_quadrature() {
        let (a, p, q) = (2.0, 0.9, 1.7);
        let h = 1e-3;
        let sum: f64 = (0..10_000)
            .map(|i| (i as f64 + 0.5) * h)
            .map(|r| r * r * (-a * (r - p).powi(2) - a * (r - q).powi(2)).exp() * h)
            .sum();
        assert!(
            (half_line_overlap(a, p, q) - sum).abs() < 1e-6 * sum,
            "{} {sum}",
            half_line_overlap(a, p, q)
        );
    }

    #[test]
    fn dense_nodes_are_refused() {
        let p = SoapParameters {
            atom_sigma: 3.0,
            ..parameters(40, 2)
        };
        assert!(RadialBasis::new(&p).unwrap_err().contains("dependent"));
    }
}
