//! Real spherical harmonics and the sums over them that gradients need, four directions at a time.
//!
//! On the unit sphere Y_l,±m = Q_lm(z) · {Re, Im}(x + iy)^m with Q_lm = N_lm d^m P_l/dz^m (and sqrt 2 for m > 0), so there
//! is no angle, no pole and no division. Q obeys a stable three-term recursion in l. As functions of (x, y, z) the
//! products are smooth extensions off the sphere; gradients on the sphere are their projected gradients.
//! No Condon-Shortley phase. Index of (l, m): l² + l + m.

use crate::simd::F64x4;

/// Y_00.
pub(in super::super) const Y00: f64 = 0.282_094_791_773_878_14;

/// Coefficients of the recursions up to l_max.
#[derive(Clone, Debug)]
pub(in super::super) struct Harmonics {
    l_max: usize,
    /// Q_mm, with the factor sqrt 2 for m > 0.
    diagonal: Vec<f64>,
    /// For m, then l = m..=l_max: Q_l = up·z·Q_(l-1) - back·Q_(l-2), and dQ_lm/dz = slope·Q_l,m+1.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    up: f64,
    back: f64,
    slope: f64,
}

/// Q of four directions and the powers of x + iy.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Directions {
    /// Q_lm sorted by m, then l.
    q: Vec<F64x4>,
    /// Re (x + iy)^m.
    cos: Vec<F64x4>,
    /// Im (x + iy)^m.
    sin: Vec<F64x4>,
}

/// Sums over the harmonics of four directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contraction {
    /// sum h Y.
    pub(super) value: F64x4,
    /// sum h' Y.
    pub(super) other: F64x4,
    /// sum h grad Y of the smooth extension, not yet projected on the sphere.
    pub(super) gradient: [F64x4; 3],
}

impl Harmonics {
    pub(in super::super) fn new(l_max: usize) -> Harmonics {
        let mut diagonal = vec![Y00];
        let mut product = Y00 * 2f64.sqrt();
        for m in 1..=l_max {
            product *= ((2 * m + 1) as f64 / (2 * m) as f64).sqrt();
            diagonal.push(product);
        }
        let mut steps = Vec::new();
        for m in 0..=l_max {
            for l in m..=l_max {
                let (lf, mf) = (l as f64, m as f64);
                let mut slope = ((lf - mf) * (lf + mf + 1.0)).sqrt();
                if m == 0 {
                    slope /= 2f64.sqrt();
                }
                let up = if l > m {
                    ((4.0 * lf * lf - 1.0) / (lf * lf - mf * mf)).sqrt()
                } else {
                    0.0
                };
                let back = if l > m + 1 {
                    let k = lf - 1.0;
                    up * ((k * k - mf * mf) / (4.0 * k * k - 1.0)).sqrt()
                } else {
                    0.0
                };
                steps.push(Step { up, back, slope });
            }
        }
        Harmonics {
            l_max,
            diagonal,
            steps,
        }
    }

    /// Fills Q and the powers of x + iy for unit vectors; `weight` multiplies all powers.
    #[inline(always)]
    pub(in super::super) fn directions<const FMA: bool>(
        &self,
        x: F64x4,
        y: F64x4,
        z: F64x4,
        weight: F64x4,
        out: &mut Directions,
    ) {
        let l_max = self.l_max;
        out.q.resize(self.steps.len(), F64x4::ZERO);
        out.cos.resize(l_max + 1, F64x4::ZERO);
        out.sin.resize(l_max + 1, F64x4::ZERO);
        let (mut c, mut s) = (weight, F64x4::ZERO);
        for (cos, sin) in out.cos.iter_mut().zip(&mut out.sin) {
            *cos = c;
            *sin = s;
            (c, s) = (c * x - s * y, s * x + c * y);
        }
        let mut rest = (out.q.as_mut_slice(), self.steps.as_slice());
        for m in 0..=l_max {
            let (q, q_rest) = rest.0.split_at_mut(l_max + 1 - m);
            let (steps, steps_rest) = rest.1.split_at(l_max + 1 - m);
            rest = (q_rest, steps_rest);
            let mut before = F64x4::ZERO;
            let mut last = F64x4::splat(self.diagonal[m]);
            for (q, step) in q.iter_mut().zip(&steps[1..]) {
                *q = last;
                let back = F64x4::splat(-step.back) * before;
                before = last;
                last = (F64x4::splat(step.up) * z).mul_add::<FMA>(last, back);
            }
            if let Some(q) = q.last_mut() {
                *q = last;
            }
        }
    }

    /// All Y_lm (times the weight given to [`Harmonics::directions`]) in order of l² + l + m.
    #[inline(always)]
    pub(in super::super) fn products(&self, from: &Directions, y: &mut [F64x4]) {
        let mut q = from.q.iter();
        for m in 0..=self.l_max {
            let (cos, sin) = (from.cos[m], from.sin[m]);
            for (l, q) in (m..=self.l_max).zip(&mut q) {
                y[l * l + l - m] = *q * sin;
                y[l * l + l + m] = *q * cos;
            }
        }
    }

    /// grad Y_lm of the smooth extension, not yet projected on the sphere, in order of l² + l + m; the directions must have
    /// weight 1.
    #[inline(always)]
    pub(super) fn gradients(&self, d: &Directions, [gx, gy, gz]: [&mut [F64x4]; 3]) {
        let zero = F64x4::ZERO;
        let mut rest = (d.q.as_slice(), self.steps.as_slice());
        for m in 0..=self.l_max {
            let (q, q_rest) = rest.0.split_at(self.l_max + 1 - m);
            let (steps, steps_rest) = rest.1.split_at(self.l_max + 1 - m);
            rest = (q_rest, steps_rest);
            let (c, s) = (d.cos[m], d.sin[m]);
            // d/dx of (x + iy)^m is m (x + iy)^(m-1), d/dy is i times that.
            let (below_c, below_s) = match m.checked_sub(1) {
                Some(k) => (
                    d.cos[k] * F64x4::splat(m as f64),
                    d.sin[k] * F64x4::splat(m as f64),
                ),
                None => (zero, zero),
            };
            for (i, (q, step)) in q.iter().zip(steps).enumerate() {
                let l = m + i;
                let (plus, minus) = (l * l + l + m, l * l + l - m);
                // q_rest starts with the column of m + 1: its element l - m - 1 is Q_l,m+1.
                let slope = match i.checked_sub(1) {
                    Some(k) => q_rest[k] * F64x4::splat(step.slope),
                    None => zero,
                };
                if m > 0 {
                    gx[minus] = *q * below_s;
                    gy[minus] = *q * below_c;
                    gz[minus] = slope * s;
                }
                gx[plus] = *q * below_c;
                gy[plus] = zero - *q * below_s;
                gz[plus] = slope * c;
            }
        }
    }

    /// The sums of h_lm Y_lm, h'_lm Y_lm and h_lm grad Y_lm; the directions must have weight 1.
    #[inline(always)]
    pub(super) fn contract<const FMA: bool>(
        &self,
        d: &Directions,
        h: &[F64x4],
        other: &[F64x4],
    ) -> Contraction {
        let l_max = self.l_max;
        let zero = F64x4::ZERO;
        let mut out = Contraction {
            value: zero,
            other: zero,
            gradient: [zero; 3],
        };
        let size = (l_max + 1) * (l_max + 1);
        let (h, other) = (&h[..size], &other[..size]);
        let mut rest = (d.q.as_slice(), self.steps.as_slice());
        for m in 0..=l_max {
            let (q, q_rest) = rest.0.split_at(l_max + 1 - m);
            let (steps, steps_rest) = rest.1.split_at(l_max + 1 - m);
            rest = (q_rest, steps_rest);
            let (mut vc, mut vs, mut rc, mut rs, mut uc, mut us) =
                (zero, zero, zero, zero, zero, zero);
            // q_rest starts with the column of m + 1: its element l - m - 1 is Q_l,m+1.
            for (i, (q, step)) in q.iter().zip(steps).enumerate() {
                let l = m + i;
                let (plus, minus) = (l * l + l + m, l * l + l - m);
                vc = q.mul_add::<FMA>(h[plus], vc);
                vs = q.mul_add::<FMA>(h[minus], vs);
                rc = q.mul_add::<FMA>(other[plus], rc);
                rs = q.mul_add::<FMA>(other[minus], rs);
                if i > 0 {
                    let slope = q_rest[i - 1] * F64x4::splat(step.slope);
                    uc = slope.mul_add::<FMA>(h[plus], uc);
                    us = slope.mul_add::<FMA>(h[minus], us);
                }
            }
            let (c, s) = (d.cos[m], d.sin[m]);
            out.value = vc.mul_add::<FMA>(c, vs.mul_add::<FMA>(s, out.value));
            out.other = rc.mul_add::<FMA>(c, rs.mul_add::<FMA>(s, out.other));
            out.gradient[2] = uc.mul_add::<FMA>(c, us.mul_add::<FMA>(s, out.gradient[2]));
            if m > 0 {
                let scale = F64x4::splat(m as f64);
                let (c, s) = (d.cos[m - 1] * scale, d.sin[m - 1] * scale);
                out.gradient[0] = vc.mul_add::<FMA>(c, vs.mul_add::<FMA>(s, out.gradient[0]));
                out.gradient[1] = vs.mul_add::<FMA>(c, out.gradient[1] - vc * s);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn harmonics_at(l_max: usize, u: [f64; 3]) -> Vec<f64> {
        let h = Harmonics::new(l_max);
        let mut d = Directions::default();
        let mut y = vec![F64x4::ZERO; (l_max + 1) * (l_max + 1)];
        let [x0, y0, z0] = u.map(F64x4::splat);
        h.directions::<false>(x0, y0, z0, F64x4::splat(1.0), &mut d);
        h.products(&d, &mut y);
        y.iter().map(|v| v.0[1]).collect()
    }

    fn unit(theta: f64, phi: f64) -> [f64; 3] {
        [
            theta.sin() * phi.cos(),
            theta.sin() * phi.sin(),
            theta.cos(),
        ]
    }

    #[test]
    fn low_orders_against_their_formulas() {
        let [x, y, z] = unit(0.7, 2.1);
        let v = harmonics_at(2, [x, y, z]);
        let c1 = (0.75 / PI).sqrt();
        let c2 = (15.0 / PI).sqrt() * 0.5;
        let expected = [
            0.5 / PI.sqrt(),
            c1 * y,
            c1 * z,
            c1 * x,
            c2 * x * y,
            c2 * y * z,
            (5.0 / PI).sqrt() * 0.25 * (3.0 * z * z - 1.0),
            c2 * x * z,
            c2 * 0.5 * (x * x - y * y),
        ];
        for (a, b) in v.iter().zip(expected) {
            assert!((a - b).abs() < 1e-15, "{a} {b}");
        }
    }

    #[test]
    fn addition_theorem_holds_also_at_the_poles() {
        for (a, b) in [
            ((0.3, 1.0), (2.0, -2.0)),
            ((0.0, 0.0), (1.1, 0.4)),
            ((PI, 0.0), (0.0, 3.0)),
            ((1.0, 1.0), (1.0, 1.0)),
        ] {
            let (ua, ub) = (unit(a.0, a.1), unit(b.0, b.1));
            let t = ua[0] * ub[0] + ua[1] * ub[1] + ua[2] * ub[2];
            let (ya, yb) = (harmonics_at(12, ua), harmonics_at(12, ub));
            let (mut p0, mut p1) = (1.0, t);
            for l in 0..=12usize {
                let sum: f64 = (l * l..(l + 1) * (l + 1)).map(|i| ya[i] * yb[i]).sum();
                let expected = (2 * l + 1) as f64 / (4.0 * PI) * p0;
                assert!((sum - expected).abs() < 1e-13, "l {l}: {sum} {expected}");
                (p0, p1) = (
                    p1,
                    ((2 * l + 3) as f64 * t * p1 - (l + 1) as f64 * p0) / (l + 2) as f64,
                );
            }
        }
    }

    #[test]
    fn orthonormal_under_quadrature() {
        // Midpoint rule in phi (exact for trigonometric polynomials), Gauss-Legendre in z by Newton iteration.
        let (l_max, n) = (5, 16);
        let size = (l_max + 1) * (l_max + 1);
        let mut gram = vec![0.0; size * size];
        for i in 0..n {
            let mut z = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..20 {
                let (mut p0, mut p1) = (1.0, z);
                for l in 1..n {
                    (p0, p1) = (
                        p1,
                        ((2 * l + 1) as f64 * z * p1 - l as f64 * p0) / (l + 1) as f64,
                    );
                }
                slope = n as f64 * (z * p1 - p0) / (z * z - 1.0);
                z -= p1 / slope;
            }
            let weight = 2.0 / ((1.0 - z * z) * slope * slope) * 2.0 * PI / n as f64;
            for k in 0..n {
                let y = harmonics_at(
                    l_max,
                    unit(z.acos(), 2.0 * PI * (k as f64 + 0.5) / n as f64),
                );
                for a in 0..size {
                    for b in 0..size {
                        gram[a * size + b] += weight * y[a] * y[b];
                    }
                }
            }
        }
        for a in 0..size {
            for b in 0..size {
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!(
                    (gram[a * size + b] - expected).abs() < 1e-13,
                    "{a} {b}: {}",
                    gram[a * size + b]
                );
            }
        }
    }

    #[test]
    fn contraction_is_the_sum_and_its_gradient() {
        let l_max = 7;
        let size = (l_max + 1) * (l_max + 1);
        let weights: Vec<f64> = (0..size).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
        let h: Vec<F64x4> = weights.iter().map(|w| F64x4::splat(*w)).collect();
        let twice: Vec<F64x4> = weights.iter().map(|w| F64x4::splat(2.0 * w)).collect();
        let sum = |u: [f64; 3]| -> f64 {
            let r = (u[0] * u[0] + u[1] * u[1] + u[2] * u[2]).sqrt();
            harmonics_at(l_max, u.map(|x| x / r))
                .iter()
                .zip(&weights)
                .map(|(a, b)| a * b)
                .sum()
        };
        let harmonics = Harmonics::new(l_max);
        for u in [
            unit(0.9, -1.0),
            unit(0.0, 0.0),
            unit(PI / 2.0, 0.0),
            unit(3.0, 2.0),
        ] {
            let mut d = Directions::default();
            let [x, y, z] = u.map(F64x4::splat);
            harmonics.directions::<false>(x, y, z, F64x4::splat(1.0), &mut d);
            let c = harmonics.contract::<false>(&d, &h, &twice);
            assert!((c.value.0[0] - sum(u)).abs() < 1e-13);
            assert!((c.other.0[3] - 2.0 * sum(u)).abs() < 1e-13);
            let g: [f64; 3] = std::array::from_fn(|k| c.gradient[k].0[2]);
            let along = g[0] * u[0] + g[1] * u[1] + g[2] * u[2];
            for k in 0..3 {
                let step = 1e-5;
                let (mut a, mut b) = (u, u);
                a[k] -= step;
                b[k] += step;
                let numeric = (sum(b) - sum(a)) / (2.0 * step);
                assert!(
                    (g[k] - along * u[k] - numeric).abs() < 1e-8,
                    "{k}: {} {numeric}",
                    g[k] - along * u[k]
                );
            }
        }
    }
}
