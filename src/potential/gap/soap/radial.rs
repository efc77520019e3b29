//! Radial functions: Gaussians on equispaced nodes, orthonormalised; exact form and table.
//!
//! The density of a neighbour at distance r, a Gaussian of width s, has the radial expansion (a = 1/(2 s^2))
//! `phi_l(r; r_k) = exp(-a (r^2 + r_k^2)) i_l(2 a r r_k)` on node r_k, with i_l the modified spherical Bessel function;
//! the orthonormal set is `g_nl(r) = sum_k phi_l(r; r_k) T_kn`, `T = C^-1 L` with C the overlap of the nodes on the
//! infinite line and L the Cholesky factor of their overlap S on the half line with r^2 weight.
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013).)

use super::parameters::SoapParameters;
use crate::simd::F64x4;
use nalgebra::DMatrix;
use std::f64::consts::{LN_10, PI, SQRT_2};

/// The exact radial functions.
#[derive(Clone, Debug)]
pub(super) struct RadialBasis {
    pub(super) l_max: usize,
    n_max: usize,
    /// 1/(2 s^2).
    a: f64,
    nodes: Vec<f64>,
    /// T, row k, column n.
    transform: Vec<f64>,
    /// L_00: the coefficient of a Gaussian on the centre itself, n = 0, l = 0, before Y_00.
    pub(super) centre: f64,
    pub(super) sigma: f64,
    pub(super) cutoff: f64,
}

impl RadialBasis {
    /// Errors (a sentence) when the nodes are so dense that their overlap is singular in double precision.
    pub(super) fn new(p: &SoapParameters) -> Result<RadialBasis, String> {
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
        })
    }

    /// Radial functions padded to whole groups of four per l.
    pub(super) fn chunks_per_l(&self) -> usize {
        self.n_max.div_ceil(4)
    }

    /// g_nl(r) and dg_nl/dr, in element n of the groups of four of each l (padding untouched).
    pub(super) fn exact(
        &self,
        r: f64,
        value: &mut [F64x4],
        slope: &mut [F64x4],
        bessel: &mut Vec<f64>,
    ) {
        let per_l = self.chunks_per_l();
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

/// exp(-x) i_l(x) for l = 0 .. out.len() - 1 and x >= 0, to a few units in the last place.
///
/// Ratios i_(l+1)/i_l by downward recursion (upward loses all digits for l > x), then i_0 in closed form.
pub(super) fn scaled_bessel(x: f64, out: &mut [f64]) {
    let Some(last) = out.len().checked_sub(1) else {
        return;
    };
    // The error of the start contracts by (i_(l+1)/i_l)^2 a step; for large x that is exp(-2 l/x), so sqrt(40 x) steps.
    let start = last + 24 + (40.0 * x).sqrt() as usize;
    let mut ratio = 0.0;
    for l in (1..=start).rev() {
        ratio = x / (x * ratio + (2 * l + 1) as f64);
        if l - 1 < last {
            out[l] = ratio;
        }
    }
    out[0] = if x < 1e-8 {
        1.0 - x
    } else {
        -(-2.0 * x).exp_m1() / (2.0 * x)
    };
    for l in 1..=last {
        out[l] *= out[l - 1];
    }
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
    fn bessel_against_series_and_closed_forms() {
        let mut out = [0.0; 14];
        for x in [0.0, 1e-12, 1e-5, 0.03, 0.7, 2.0, 9.0, 40.0, 150.0, 600.0] {
            scaled_bessel(x, &mut out);
            // Power series with positive terms only: exact for moderate x.
            if x < 50.0 {
                for (l, &value) in out.iter().enumerate() {
                    let mut term: f64 = (-x).exp();
                    for k in 1..=l {
                        term *= x / (2 * k + 1) as f64;
                    }
                    let mut sum = 0.0;
                    for k in 1..400 {
                        sum += term;
                        term *= 0.5 * x * x / (k as f64 * (2 * l + 2 * k + 1) as f64);
                    }
                    assert!(
                        (value - sum).abs() <= 1e-14 * sum,
                        "x {x} l {l}: {value} {sum}"
                    );
                }
            } else {
                assert!((out[0] - 0.5 / x).abs() < 1e-15 * out[0]);
                let i1 = 0.5 / x - 0.5 / (x * x);
                assert!((out[1] - i1).abs() < 1e-14 * i1);
                let i2 = 0.5 / x - 1.5 / (x * x) + 1.5 / (x * x * x);
                assert!((out[2] - i2).abs() < 1e-14 * i2);
            }
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
