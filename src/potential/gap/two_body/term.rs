//! One coordinate on a pair: switch times Gaussian process.

use super::super::coordinate::{Coordinate, Covariance};
use super::super::cutoff::{Switch, Zone};
use super::super::descriptor::Distance2b;
use super::super::extended::Extended;

/// fc(r) · sum over s of w_s K(x_s, x(r)), x(r) being the distance or powers of it.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// The switch.
    pub switch: Switch,
    exponents: Vec<i32>,
    kernel: Kernel,
    theta: Vec<f64>,
    /// delta^2 alpha_s cutoff_s for each point.
    weights: Vec<f64>,
    /// The constant f0^2 sum of alpha_s cutoff_s.
    constant: f64,
    /// Points, one after the other.
    points: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernel {
    /// exp(-q/2) of the squared scaled distance q.
    Gaussian,
    /// (1-s)^(j+1) ((j+1) s + 1) of s = sqrt(q), zero from 1 on.
    Polynomial { j: i32 },
}

impl Kernel {
    /// The kernel and its derivative by q.
    fn at(self, q: f64) -> (f64, f64) {
        match self {
            Kernel::Gaussian => {
                let k = (-0.5 * q).exp();
                (k, -0.5 * k)
            }
            Kernel::Polynomial { .. } if q >= 1.0 => (0.0, 0.0),
            Kernel::Polynomial { j } => {
                let s = q.sqrt();
                let (n, rest) = (f64::from(j + 1), 1.0 - s);
                // dk/ds = -n(n+1) s (1-s)^(n-1), and ds/dq = 1/(2s): no division by a vanishing s.
                (
                    rest.powi(j + 1) * (n * s + 1.0),
                    -0.5 * n * (n + 1.0) * rest.powi(j),
                )
            }
        }
    }
}

impl Term {
    /// The term of a coordinate with this descriptor, whose instances count `times`.
    pub(super) fn new(c: &Coordinate, d: &Distance2b, times: f64) -> Term {
        let (kernel, theta) = match &c.covariance {
            Covariance::Pp { theta } => (
                Kernel::Polynomial {
                    j: (c.dimensions / 2) as i32 + 2,
                },
                theta.clone(),
            ),
            Covariance::ArdSe { theta } => (Kernel::Gaussian, theta.clone()),
            // The reader refuses dot products of distances.
            Covariance::DotProduct { .. } => (Kernel::Gaussian, vec![1.0; c.dimensions]),
        };
        let scaled = |s: f64| {
            c.alpha
                .iter()
                .zip(&c.sparse_cutoff)
                .map(|(a, sc)| times * s * a * sc)
                .collect::<Vec<f64>>()
        };
        Term {
            switch: Switch {
                cutoff: d.cutoff,
                width: d.transition_width,
                tail: (d.tail_exponent != 0.0).then_some((d.tail_exponent, d.tail_range)),
            },
            exponents: d.exponents.clone(),
            kernel,
            theta,
            weights: scaled(c.delta * c.delta),
            constant: scaled(c.f0 * c.f0).iter().sum(),
            points: c.sparse.clone(),
        }
    }

    /// Energy (eV) and its derivative (eV/Å), straight from the formulas.
    pub(super) fn at(&self, r: f64) -> (f64, f64) {
        let zone = self.switch.zone(r);
        if zone == Zone::Beyond {
            return (0.0, 0.0);
        }
        let d = self.exponents.len();
        let (mut value, mut slope) = (self.constant, 0.0);
        for (w, point) in self.weights.iter().zip(self.points.chunks_exact(d)) {
            let (mut q, mut by_r) = (0.0, 0.0);
            for ((&p, &theta), &at) in self.exponents.iter().zip(&self.theta).zip(point) {
                let (x, dx) = power(r, p);
                let t = (x - at) / theta;
                q += t * t;
                by_r += 2.0 * t * dx / theta;
            }
            let (k, dk) = self.kernel.at(q);
            value += w * k;
            slope += w * dk * by_r;
        }
        let fc = self.switch.at(r, zone);
        (fc[0] * value, fc[1] * value + fc[0] * slope)
    }

    /// Whether the sum over points is a smooth function that [`Term::smooth`] gives: Gaussians of the plain distance.
    pub(super) fn is_smooth(&self) -> bool {
        self.kernel == Kernel::Gaussian && self.exponents == [1]
    }

    /// Number of sparse points.
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    /// Value and two derivatives, for smooth terms, as if `r` lay in a zone of the switch; the sum over the points has
    /// thirty digits, so that nothing is lost when large weights cancel.
    pub(super) fn smooth(&self, r: f64, zone: Zone) -> [Extended; 3] {
        let mut f = [
            Extended::from(self.constant),
            Extended::default(),
            Extended::default(),
        ];
        let theta = self.theta[0];
        for (w, &at) in self.weights.iter().zip(&self.points) {
            let t = Extended::difference(r, at).over(theta);
            let k = (t * t * Extended::from(-0.5)).exp() * Extended::from(*w);
            f[0] = f[0] + k;
            f[1] = f[1] - (t * k).over(theta);
            f[2] = f[2] + ((t * t - Extended::from(1.0)) * k).over(theta).over(theta);
        }
        let c = self.switch.at(r, zone).map(Extended::from);
        let twice = Extended::from(2.0);
        [
            c[0] * f[0],
            c[1] * f[0] + c[0] * f[1],
            c[2] * f[0] + twice * c[1] * f[1] + c[0] * f[2],
        ]
    }
}

/// r^p and its derivative.
fn power(r: f64, p: i32) -> (f64, f64) {
    match p {
        0 => (1.0, 0.0),
        1 => (r, 1.0),
        _ => (r.powi(p), f64::from(p) * r.powi(p - 1)),
    }
}
