//! The radial and angular functions of one species.
//!
//! Lengths are in units of the hard cutoff: x = r/rc, soft cutoff u, Gaussian of the neighbour s = s0 + scaling·x. The
//! functions of r are overlaps of that Gaussian, damped beyond u by another Gaussian of width (1 - u)/nf, with polynomials
//! (1 - x)^(n+2) and for `poly3gauss` a Gaussian at the origin, orthonormalised by S^(-1/2) (see `orthonormal`). The width of the neighbour across
//! the radius, σ_t, enters as b_l = exp(-y²) i_l(y²), y = r/σ_t (Caro, Phys. Rev. B 100, 024112 (2019)).
//!
//! The reference code leaves out two of the integrals beyond hard limits, and takes the b_l of small y from their leading
//! terms; what depends on r only is done here in the same way, and the table of the functions breaks there.

use super::integrals::Quadrature;
use super::orthonormal::{Orthonormal, origin};
use super::parameters::{Basis, SoapTurboParameters, TurboSpecies};
use crate::potential::gap::density::{RadialFunctions, Y00, scaled_bessel};
use crate::simd::F64x4;
use std::f64::consts::PI;

/// Below this the radial switch h(x) counts as zero.
const LEAST_AMPLITUDE: f64 = 1e-10;

/// g_nl(r) of one species.
#[derive(Clone, Debug)]
pub(super) struct TurboRadial {
    species: TurboSpecies,
    basis: Basis,
    enhancement: usize,
    l_max: usize,
    rc: f64,
    /// Where neighbours begin to count for nothing (Å).
    cutoff: f64,
    /// Soft cutoff and square of the width of the damping, in units of rc.
    u: f64,
    q: f64,
    functions: Orthonormal,
    quadrature: Quadrature,
}

/// A value and its derivative.
type Pair = (f64, f64);

impl TurboRadial {
    /// Errors with a sentence when the functions are linearly dependent in double precision.
    pub(super) fn new(p: &SoapTurboParameters, z: usize) -> Result<TurboRadial, String> {
        let species = p.species[z].clone();
        let n = species.alpha_max;
        let (u, s0) = (p.rcut_soft / p.rcut_hard, species.sigma_r / p.rcut_hard);
        let quadrature = Quadrature::new();
        let functions = match p.basis {
            Basis::Poly3 => Orthonormal::polynomials(n)?,
            Basis::Poly3Gauss => Orthonormal::with_gaussian(n, s0, &quadrature)?,
        };
        let d = 1.0 - u;
        let mut radial = TurboRadial {
            basis: p.basis,
            enhancement: p.radial_enhancement,
            l_max: p.l_max,
            rc: p.rcut_hard,
            cutoff: p.rcut_hard,
            u,
            q: (d / p.nf).powi(2),
            functions,
            quadrature,
            species,
        };
        if radial.species.amplitude_scaling > 0.0 {
            radial.cutoff = radial.rc * last_amplitude();
        }
        Ok(radial)
    }

    /// c_n00 of a centre of this species.
    pub(super) fn centre(&self) -> Vec<f64> {
        let TurboSpecies {
            sigma_r,
            sigma_t,
            central_weight,
            ..
        } = self.species;
        if self.basis == Basis::Poly3 {
            let (value, _) = self.radial(0.0);
            let factor = 4.0 * PI * (self.rc / sigma_t).powi(2) * central_weight * Y00;
            return value.iter().map(|v| factor * v).collect();
        }
        let amplitude = match self.enhancement {
            0 => 1.0,
            1 => (2.0 / PI).sqrt() * sigma_r / self.rc,
            _ => (sigma_r / self.rc).powi(2),
        };
        let factor = amplitude
            * central_weight
            * (4.0 * PI).sqrt()
            * PI.powf(0.25)
            * (0.5 * sigma_r).sqrt()
            * self.rc.powi(3)
            / (sigma_t * sigma_t * sigma_r);
        let root = self.functions.root_of_gaussian();
        root.iter().map(|v| factor * v).collect()
    }

    fn width(&self, x: f64) -> f64 {
        self.species.sigma_r / self.rc + self.species.sigma_r_scaling * x
    }

    /// Whether h^a is a smooth function up to the cutoff; if not, it is the weight.
    fn smooth(&self) -> bool {
        (2.0 * self.species.amplitude_scaling).fract() == 0.0
    }

    /// h(x)^a and its derivative by x.
    fn switch(&self, x: f64) -> Pair {
        let a = self.species.amplitude_scaling;
        if a == 0.0 {
            return (1.0, 0.0);
        }
        let h = (1.0 - x) * (1.0 - x) * (1.0 + 2.0 * x);
        if h <= LEAST_AMPLITUDE {
            return (0.0, 0.0);
        }
        (h.powf(a), a * h.powf(a - 1.0) * 6.0 * x * (x - 1.0))
    }

    /// The factor of all radial functions, without a switch that is not smooth.
    fn amplitude(&self, x: f64) -> Pair {
        let (s, ds) = (self.width(x), self.species.sigma_r_scaling);
        let (e, de) = match self.enhancement {
            0 => (1.0, 0.0),
            1 => {
                let k = (2.0 / PI).sqrt();
                (x + k * s, 1.0 + k * ds)
            }
            _ => {
                let k = (8.0 / PI).sqrt();
                (
                    x * x + s * s + k * s * x,
                    2.0 * x + 2.0 * s * ds + k * (ds * x + s),
                )
            }
        };
        let (h, dh) = if self.smooth() {
            self.switch(x)
        } else {
            (1.0, 0.0)
        };
        (h * e / s, (dh * e + h * de) / s - h * e * ds / (s * s))
    }

    /// R_n and its derivative by x.
    fn radial(&self, x: f64) -> (Vec<f64>, Vec<f64>) {
        let n = self.species.alpha_max;
        let (s, ds) = (self.width(x), self.species.sigma_r_scaling);
        let s0 = self.species.sigma_r / self.rc;
        let (mut value, mut slope) = (vec![0.0; n], vec![0.0; n]);
        // The Gaussian of the neighbour, and its logarithmic derivative as x moves and s grows.
        let gaussian = |t: f64| {
            let z = (t - x) / s;
            ((-0.5 * z * z).exp(), (z + ds * z * z) / s)
        };
        let mut add = |t: f64, weight: f64| {
            let (g, d) = gaussian(t);
            self.functions.each_polynomial(t, |k, p| {
                let p = p * weight * g;
                value[k] += p;
                slope[k] += p * d;
            });
        };
        let u = self.u;
        self.quadrature.points([0.0, u], x, s, &mut add);
        if u - x < 4.0 * s {
            let sum = s * s + self.q;
            let (mean, width) = ((s * s * u + self.q * x) / sum, s * (self.q / sum).sqrt());
            self.quadrature.points([u, 1.0], mean, width, |t, weight| {
                add(t, weight * (-0.5 * (t - u) * (t - u) / self.q).exp());
            });
        }
        if self.basis == Basis::Poly3Gauss && x < 4.0 * (s0 + s) {
            let sum = s0 * s0 + s * s;
            let (mean, width) = (s0 * s0 * x / sum, s * s0 / sum.sqrt());
            let (mut i, mut di) = (0.0, 0.0);
            // The Gaussian at the origin is not cut at rc.
            let end = mean + 12.0 * width;
            self.quadrature
                .points([0.0, end], mean, width, |t, weight| {
                    let (g, d) = gaussian(t);
                    let p = weight * g * origin(t, s0);
                    i += p;
                    di += p * d;
                });
            (value[n - 1], slope[n - 1]) = (i, di);
        }
        let (a, da) = self.amplitude(x);
        let root = self.rc.sqrt();
        let (value, slope) = (self.functions.mix(value), self.functions.mix(slope));
        let both = value.iter().zip(&slope);
        let slope = both.map(|(v, d)| root * (da * v + a * d)).collect();
        (value.iter().map(|v| root * a * v).collect(), slope)
    }
}

/// The x at which h(x) has fallen to what counts as zero.
fn last_amplitude() -> f64 {
    let (mut low, mut high) = (0.5f64, 1.0f64);
    for _ in 0..60 {
        let x = 0.5 * (low + high);
        if (1.0 - x) * (1.0 - x) * (1.0 + 2.0 * x) > LEAST_AMPLITUDE {
            low = x;
        } else {
            high = x;
        }
    }
    low
}

/// 1·3·...·(2l + 1).
fn odd_factorial(l: usize) -> f64 {
    (1..=l).map(|k| (2 * k + 1) as f64).product()
}

/// The y below which the reference code takes b_l from its leading terms.
fn small(l: usize) -> f64 {
    match l {
        0 => 1e-7,
        1 => 1e-2,
        _ => (1e-7 / l as f64 * odd_factorial(l)).powf(0.5 / l as f64),
    }
}

/// b_l and its derivative by y², for l = 0 to the length of `out` minus 2, whose last element is scratch.
fn angular(y: f64, scratch: &mut [f64], mut out: impl FnMut(usize, Pair)) {
    let square = y * y;
    scaled_bessel(square, scratch);
    for l in 0..scratch.len() - 1 {
        let pair = if y < small(l) {
            match l {
                0 => (1.0 - square, -1.0),
                1 => ((square - square * square) / 3.0, (1.0 - 2.0 * square) / 3.0),
                _ => {
                    let below = square.powi(l as i32 - 1) / odd_factorial(l);
                    (below * square, l as f64 * below)
                }
            }
        } else {
            let before = if l == 0 {
                0.0
            } else {
                l as f64 * scratch[l - 1]
            };
            let mean = (before + (l + 1) as f64 * scratch[l + 1]) / (2 * l + 1) as f64;
            (scratch[l], mean - scratch[l])
        };
        out(l, pair);
    }
}

impl RadialFunctions for TurboRadial {
    fn l_max(&self) -> usize {
        self.l_max
    }

    fn n_max(&self) -> usize {
        self.species.alpha_max
    }

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn scale(&self) -> f64 {
        self.species.sigma_r.min(self.species.sigma_t)
    }

    fn breaks(&self) -> Vec<f64> {
        let TurboSpecies {
            sigma_t,
            sigma_r_scaling: ds,
            sigma_t_scaling,
            ..
        } = self.species;
        let s0 = self.species.sigma_r / self.rc;
        let y = (0..=self.l_max).map(small);
        let mut breaks: Vec<f64> = y
            .filter(|y| sigma_t_scaling * y < 1.0)
            .map(|y| y * sigma_t / (1.0 - sigma_t_scaling * y))
            .collect();
        breaks.push(self.rc * (self.u - 4.0 * s0) / (1.0 + 4.0 * ds));
        if self.basis == Basis::Poly3Gauss && 4.0 * ds < 1.0 {
            breaks.push(self.rc * 8.0 * s0 / (1.0 - 4.0 * ds));
        }
        breaks
    }

    fn exact(&self, r: f64, value: &mut [F64x4], slope: &mut [F64x4], work: &mut Vec<f64>) {
        value.fill(F64x4::ZERO);
        slope.fill(F64x4::ZERO);
        let (radial, d_radial) = self.radial(r / self.rc);
        let (sigma, scaling) = (
            self.species.sigma_t + self.species.sigma_t_scaling * r,
            self.species.sigma_t_scaling,
        );
        let y = r / sigma;
        // d(y²)/dr.
        let d_square = 2.0 * y * (sigma - r * scaling) / (sigma * sigma);
        let factor = 4.0 * PI * (self.rc / sigma).powi(2);
        let d_factor = -2.0 * scaling / sigma;
        let per_l = self.n_max().div_ceil(4);
        work.resize(self.l_max + 2, 0.0);
        angular(y, work, |l, (b, db)| {
            let (a, da) = (factor * b, factor * (db * d_square + b * d_factor));
            for (n, (g, dg)) in radial.iter().zip(&d_radial).enumerate() {
                let (chunk, lane) = (l * per_l + n / 4, n % 4);
                value[chunk].0[lane] = a * g;
                slope[chunk].0[lane] = da * g + a * dg / self.rc;
            }
        });
    }

    fn weight(&self, r: f64) -> (f64, f64) {
        if self.smooth() {
            return (1.0, 0.0);
        }
        let (h, dh) = self.switch(r / self.rc);
        (h, dh / self.rc)
    }
}
