//! Radial functions f_mu(r) = Σ_b c_b φ_b(r) of every ordered pair of species.
//!
//! φ_b = s T_b(x) (R - r)^2 with x = (2r - lo - R)/(R - lo), T_b the Chebyshev polynomials of the first kind. The sum over b and
//! its derivative by x are both Chebyshev series, so each costs one scalar product with the T_b.

use super::file::{BasisKind, Coefficients, MtpFile};
use crate::simd::F64x4;

/// Radial functions ready for evaluation.
pub(super) struct Radial {
    pub kind: BasisKind,
    pub lo: f64,
    pub cutoff: f64,
    /// dx/dr.
    slope: f64,
    pub scaling: f64,
    pub size: usize,
    pub functions: usize,
    species: usize,
    /// For each ordered pair and function: the series of the function, then that of its derivative by r.
    series: Vec<f64>,
}

impl Radial {
    pub fn new(file: &MtpFile, coefficients: &Coefficients) -> Radial {
        let basis = &file.basis;
        let slope = 2.0 / (basis.max_dist - basis.min_dist);
        let scaling = file.total_scaling();
        let mut series = Vec::with_capacity(2 * coefficients.radial.len());
        for c in coefficients.radial.chunks_exact(basis.size) {
            let scaled: Vec<f64> = c.iter().map(|c| c * scaling).collect();
            series.extend_from_slice(&scaled);
            series.extend(derivative(&scaled).iter().map(|d| d * slope));
        }
        Radial {
            kind: basis.kind,
            lo: basis.min_dist,
            cutoff: basis.max_dist,
            slope,
            scaling,
            size: basis.size,
            functions: file.functions,
            species: coefficients.labels.len(),
            series,
        }
    }

    /// The series of one pair: for each function `size` numbers for its value and `size` for its derivative.
    #[inline(always)]
    fn of_pair(&self, centre: usize, neighbour: usize) -> &[f64] {
        let n = 2 * self.size * self.functions;
        &self.series[(centre * self.species + neighbour) * n..][..n]
    }

    /// f_mu and f_mu' at four distances, for neighbours of the given species, into `f` and `df`; `cheb` is memory for `size`
    /// numbers.
    #[inline(always)]
    pub fn evaluate<const FMA: bool>(
        &self,
        centre: usize,
        neighbours: [u8; 4],
        r: F64x4,
        cheb: &mut [F64x4],
        f: &mut [F64x4],
        df: &mut [F64x4],
    ) {
        let mut at = r;
        if self.kind == BasisKind::RBChebyshevRepuls {
            for at in &mut at.0 {
                *at = at.max(self.lo);
            }
        }
        let middle = F64x4::splat(0.5 * (self.lo + self.cutoff));
        let x = (at - middle) * F64x4::splat(self.slope);
        let cheb = &mut cheb[..self.size];
        chebyshev::<FMA>(x, cheb);
        let [k0, k1, k2, k3] = neighbours;
        let n = self.size;
        if k0 == k1 && k0 == k2 && k0 == k3 {
            let series = self.of_pair(centre, usize::from(k0)).chunks_exact(2 * n);
            for ((f, df), c) in f.iter_mut().zip(df.iter_mut()).zip(series) {
                let (mut value, mut slope) = (F64x4::ZERO, F64x4::ZERO);
                for ((t, c), d) in cheb.iter().zip(&c[..n]).zip(&c[n..]) {
                    value = F64x4::splat(*c).mul_add::<FMA>(*t, value);
                    slope = F64x4::splat(*d).mul_add::<FMA>(*t, slope);
                }
                (*f, *df) = (value, slope);
            }
        } else {
            let of = neighbours.map(|k| self.of_pair(centre, usize::from(k)));
            for (mu, (f, df)) in f.iter_mut().zip(df.iter_mut()).enumerate() {
                let c = of.map(|s| &s[2 * n * mu..][..2 * n]);
                let (mut value, mut slope) = (F64x4::ZERO, F64x4::ZERO);
                for (b, t) in cheb.iter().enumerate() {
                    value = F64x4(c.map(|c| c[b])).mul_add::<FMA>(*t, value);
                    slope = F64x4(c.map(|c| c[n + b])).mul_add::<FMA>(*t, slope);
                }
                (*f, *df) = (value, slope);
            }
        }
        if self.kind != BasisKind::BChebyshev {
            let left = F64x4::splat(self.cutoff) - at;
            let square = left * left;
            let twice = left * F64x4::splat(-2.0);
            for (f, df) in f.iter_mut().zip(df.iter_mut()) {
                *df = df.mul_add::<FMA>(square, *f * twice);
                *f = *f * square;
            }
        }
        if self.kind == BasisKind::RBChebyshevRepuls {
            for df in df.iter_mut() {
                for l in 0..4 {
                    if r.0[l] <= self.lo {
                        df.0[l] = 0.0;
                    }
                }
            }
        }
    }

    /// φ_b at a distance below the cutoff.
    pub fn basis(&self, r: f64, phi: &mut [f64]) {
        let at = match self.kind {
            BasisKind::RBChebyshevRepuls => r.max(self.lo),
            _ => r,
        };
        let x = (at - 0.5 * (self.lo + self.cutoff)) * self.slope;
        let factor = match self.kind {
            BasisKind::BChebyshev => self.scaling,
            _ => self.scaling * (self.cutoff - at) * (self.cutoff - at),
        };
        let (mut t, mut next) = (factor, factor * x);
        for phi in phi.iter_mut().take(self.size) {
            *phi = t;
            (t, next) = (next, 2.0 * x * next - t);
        }
    }

    /// The repulsion that `RBChebyshev_repuls` adds to the centre for a neighbour below the smallest distance, and its
    /// derivative.
    pub fn repulsion(&self, r: f64) -> Option<(f64, f64)> {
        let close = self.kind == BasisKind::RBChebyshevRepuls && r < self.lo;
        close.then(|| {
            let (here, there) = ((-10.0 * (r - 1.0)).exp(), (-10.0 * (self.lo - 1.0)).exp());
            (1e4 * (here - there), -1e5 * here)
        })
    }
}

/// T_0 ... at four points.
#[inline(always)]
fn chebyshev<const FMA: bool>(x: F64x4, out: &mut [F64x4]) {
    let twice = x + x;
    let (mut before, mut t) = (F64x4::splat(1.0), x);
    for slot in out.iter_mut() {
        *slot = before;
        let mut next = F64x4::ZERO;
        for i in 0..4 {
            next.0[i] = crate::simd::fma::<FMA>(twice.0[i], t.0[i], -before.0[i]);
        }
        (before, t) = (t, next);
    }
}

/// The Chebyshev series of the derivative (by x) of a Chebyshev series; of the same length, the last term being zero.
fn derivative(c: &[f64]) -> Vec<f64> {
    let n = c.len();
    let mut d = vec![0.0; n + 2];
    for b in (1..n).rev() {
        d[b - 1] = d[b + 1] + 2.0 * b as f64 * c[b];
    }
    d[0] *= 0.5;
    d.truncate(n);
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivative_of_a_series() {
        // T_3' = 3 (2 T_2 + 1), T_2' = 4 T_1.
        assert_eq!(derivative(&[5.0, 0.0, 0.0, 1.0]), [3.0, 0.0, 6.0, 0.0]);
        assert_eq!(derivative(&[0.0, 0.0, 1.0]), [0.0, 4.0, 0.0]);
        assert_eq!(derivative(&[2.0]), [0.0]);
    }
}
