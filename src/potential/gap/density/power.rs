//! Power spectrum of eight centres side by side, and its adjoint.
//!
//! Expansion coefficients c are indexed `A * (l_max + 1)^2 + l² + l + m` with A = species channel · n_max + n; the
//! power spectrum has pairs A >= B in the order (0,0), (1,0), (1,1), (2,0), ... with l fastest:
//! `p_ABl = sum_m c_Alm c_Blm / sqrt(2l+1)`, off-diagonal pairs times sqrt 2.

use super::parameters::SoapParameters;
use crate::simd::F64x8;

/// Shape and weights of the power spectrum.
#[derive(Clone, Debug)]
pub(super) struct PowerSpectrum {
    /// Radial functions over all species.
    channels: usize,
    l_max: usize,
    normalise: bool,
    /// Factor of a diagonal pair for each l.
    factor: Vec<f64>,
}

impl PowerSpectrum {
    pub(super) fn new(p: &SoapParameters) -> PowerSpectrum {
        let factor = |l: usize| {
            if p.divide_by_sqrt_2l1 {
                1.0 / ((2 * l + 1) as f64).sqrt()
            } else {
                1.0
            }
        };
        PowerSpectrum {
            channels: p.channels(),
            l_max: p.l_max,
            normalise: p.normalise,
            factor: (0..=p.l_max).map(factor).collect(),
        }
    }

    /// Number of elements (without the constant one).
    pub(super) fn len(&self) -> usize {
        self.channels * (self.channels + 1) / 2 * (self.l_max + 1)
    }

    /// Fills `q` with the (normalised) power spectrum and returns 1/|p|; 0 for lanes without any density.
    #[inline(always)]
    pub(super) fn forward<const FMA: bool>(&self, c: &[F64x8], q: &mut [F64x8]) -> F64x8 {
        let size = (self.l_max + 1) * (self.l_max + 1);
        let q = &mut q[..self.len()];
        let mut out = q.chunks_exact_mut(self.l_max + 1);
        for a in 0..self.channels {
            let ca = &c[a * size..(a + 1) * size];
            for b in 0..=a {
                let cb = &c[b * size..(b + 1) * size];
                let Some(p) = out.next() else { continue };
                let pair = if a == b {
                    1.0
                } else {
                    std::f64::consts::SQRT_2
                };
                for (l, (p, factor)) in p.iter_mut().zip(&self.factor).enumerate() {
                    let m = l * l..(l + 1) * (l + 1);
                    let mut sum = F64x8::ZERO;
                    for (x, y) in ca[m.clone()].iter().zip(&cb[m]) {
                        sum = x.mul_add::<FMA>(*y, sum);
                    }
                    *p = sum * F64x8::splat(factor * pair);
                }
            }
        }
        let mut square = [F64x8::ZERO; 4];
        for four in q.chunks(4) {
            for (s, p) in square.iter_mut().zip(four) {
                *s = p.mul_add::<FMA>(*p, *s);
            }
        }
        let square = (square[0] + square[1]) + (square[2] + square[3]);
        if !self.normalise {
            return F64x8(square.0.map(|s| if s > 0.0 { 1.0 } else { 0.0 }));
        }
        let inverse = F64x8(square.0.map(|s| if s > 0.0 { 1.0 / s.sqrt() } else { 0.0 }));
        for p in q.iter_mut() {
            *p = *p * inverse;
        }
        inverse
    }

    /// From dE/dq (overwritten by work) to dE/dc.
    #[inline(always)]
    pub(super) fn backward<const FMA: bool>(
        &self,
        c: &[F64x8],
        q: &[F64x8],
        inverse: F64x8,
        gradient: &mut [F64x8],
        dc: &mut [F64x8],
    ) {
        let n = self.len();
        let (q, gradient) = (&q[..n], &mut gradient[..n]);
        let mut along = F64x8::ZERO;
        if self.normalise {
            let mut sums = [F64x8::ZERO; 4];
            for (four_q, four_g) in q.chunks(4).zip(gradient.chunks(4)) {
                for ((s, q), g) in sums.iter_mut().zip(four_q).zip(four_g) {
                    *s = q.mul_add::<FMA>(*g, *s);
                }
            }
            along = F64x8::ZERO - ((sums[0] + sums[1]) + (sums[2] + sums[3]));
        }
        // Through the norm, and with the factor that makes the next step a plain symmetric product.
        let width = self.l_max + 1;
        let mut pairs = q.chunks_exact(width).zip(gradient.chunks_exact_mut(width));
        for a in 0..self.channels {
            for b in 0..=a {
                let Some((q, g)) = pairs.next() else { continue };
                let pair = if a == b {
                    2.0
                } else {
                    std::f64::consts::SQRT_2
                };
                for ((q, g), factor) in q.iter().zip(g).zip(&self.factor) {
                    *g = along.mul_add::<FMA>(*q, *g) * inverse * F64x8::splat(factor * pair);
                }
            }
        }
        let size = width * width;
        for (a, out) in dc[..self.channels * size]
            .chunks_exact_mut(size)
            .enumerate()
        {
            for l in 0..width {
                let (mut from, end) = (l * l, (l + 1) * (l + 1));
                while from < end {
                    let arguments = (c, &*gradient, a, l, from);
                    from += match end - from {
                        1 => self.product::<FMA, 1>(arguments, out),
                        2 => self.product::<FMA, 2>(arguments, out),
                        3 => self.product::<FMA, 3>(arguments, out),
                        4 | 8 => self.product::<FMA, 4>(arguments, out),
                        _ => self.product::<FMA, 5>(arguments, out),
                    };
                }
            }
        }
    }

    /// dE/dc of W components of one (A, l): the row of the symmetric matrix G_l times c_l.
    #[inline(always)]
    fn product<const FMA: bool, const W: usize>(
        &self,
        (c, g, a, l, from): (&[F64x8], &[F64x8], usize, usize, usize),
        out: &mut [F64x8],
    ) -> usize {
        let width = self.l_max + 1;
        let size = width * width;
        let mut sum = [F64x8::ZERO; W];
        for b in 0..self.channels {
            let (high, low) = (a.max(b), a.min(b));
            let g = g[(high * (high + 1) / 2 + low) * width + l];
            let c = &c[b * size + from..][..W];
            for t in 0..W {
                sum[t] = g.mul_add::<FMA>(c[t], sum[t]);
            }
        }
        out[from..from + W].copy_from_slice(&sum);
        W
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjoint_is_the_gradient() {
        for normalise in [true, false] {
            let p = SoapParameters {
                l_max: 3,
                n_max: 2,
                species: vec![1, 6],
                normalise,
                ..SoapParameters::default()
            };
            let power = PowerSpectrum::new(&p);
            let size = 4 * 16;
            let c: Vec<F64x8> = (0..size)
                .map(|i| {
                    F64x8(std::array::from_fn(|k| {
                        ((7 * i + 3 * k) as f64 * 0.61).sin()
                    }))
                })
                .collect();
            let weights: Vec<f64> = (0..power.len()).map(|i| ((i * i) as f64).cos()).collect();
            let energy = |c: &[F64x8]| -> [f64; 8] {
                let mut q = vec![F64x8::ZERO; power.len()];
                power.forward::<false>(c, &mut q);
                std::array::from_fn(|k| q.iter().zip(&weights).map(|(q, w)| q.0[k] * w).sum())
            };
            let mut q = vec![F64x8::ZERO; power.len()];
            let inverse = power.forward::<false>(&c, &mut q);
            let mut g: Vec<F64x8> = weights.iter().map(|w| F64x8::splat(*w)).collect();
            let mut dc = vec![F64x8::ZERO; size];
            power.backward::<false>(&c, &q, inverse, &mut g, &mut dc);
            for i in 0..size {
                let h = 1e-5;
                let (mut a, mut b) = (c.clone(), c.clone());
                a[i] = a[i] - F64x8::splat(h);
                b[i] = b[i] + F64x8::splat(h);
                let (ea, eb) = (energy(&a), energy(&b));
                for k in 0..8 {
                    let numeric = (eb[k] - ea[k]) / (2.0 * h);
                    assert!(
                        (numeric - dc[i].0[k]).abs() < 1e-7,
                        "{i} {k}: {numeric} {}",
                        dc[i].0[k]
                    );
                }
            }
        }
    }

    #[test]
    fn empty_density_has_no_direction() {
        let p = SoapParameters {
            l_max: 1,
            n_max: 1,
            ..SoapParameters::default()
        };
        let power = PowerSpectrum::new(&p);
        let mut c = vec![F64x8::ZERO; 4];
        c[0].0[3] = 2.0;
        let mut q = vec![F64x8::ZERO; power.len()];
        let inverse = power.forward::<false>(&c, &mut q);
        assert_eq!(inverse.0[0], 0.0);
        assert_eq!(q[0].0, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
