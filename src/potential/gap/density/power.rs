//! Power spectrum of eight centres side by side, and its adjoint.
//!
//! Expansion coefficients c are indexed `A * (l_max + 1)^2 + l² + l + m` with A the number of a radial function among those
//! of all channels; the power spectrum has the pairs (A, B) that the descriptor keeps, in its order, with l fastest:
//! `p_ABl = f_l sum_m c_Alm c_Blm`, off-diagonal pairs times sqrt 2. A linear map may compress it further.

use super::compression::Compression;
use crate::simd::F64x8;

/// What makes a power spectrum.
#[derive(Clone, Debug)]
pub(in super::super) struct Shape {
    /// Radial functions over all channels.
    pub(in super::super) channels: usize,
    pub(in super::super) l_max: usize,
    /// Pairs of radial functions, each once.
    pub(in super::super) pairs: Vec<[u32; 2]>,
    /// Factor f_l of each l.
    pub(in super::super) factor: Vec<f64>,
    /// From p to the descriptor; as it is when there is none.
    pub(in super::super) compression: Option<Compression>,
    /// Norm from which on the descriptor is scaled to unit length; shorter ones stay as they are. `None`: all do.
    pub(in super::super) unit_above: Option<f64>,
}

/// Shape and weights of the power spectrum.
#[derive(Clone, Debug)]
pub(in super::super) struct PowerSpectrum {
    shape: Shape,
    /// For each radial function A, those it is paired with: (B, number of the pair).
    partners: Vec<(u32, u32)>,
    /// End of each A in `partners`.
    ends: Vec<usize>,
}

/// How descriptors were scaled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Norm {
    /// The factor; 0 for lanes without any density.
    pub(super) inverse: F64x8,
    /// 1 for lanes of unit length, 0 for those left as they were.
    pub(super) unit: F64x8,
}

impl PowerSpectrum {
    pub(in super::super) fn new(shape: Shape) -> PowerSpectrum {
        let mut partners = Vec::with_capacity(2 * shape.pairs.len());
        let mut ends = Vec::with_capacity(shape.channels);
        let mut of: Vec<Vec<(u32, u32)>> = vec![Vec::new(); shape.channels];
        for (k, &[a, b]) in shape.pairs.iter().enumerate() {
            of[a as usize].push((b, k as u32));
            if a != b {
                of[b as usize].push((a, k as u32));
            }
        }
        for mut list in of {
            list.sort_unstable();
            partners.append(&mut list);
            ends.push(partners.len());
        }
        PowerSpectrum {
            shape,
            partners,
            ends,
        }
    }

    /// Length of the descriptor (without a constant last element).
    pub(in super::super) fn len(&self) -> usize {
        let full = self.full_len();
        self.shape
            .compression
            .as_ref()
            .map_or(full, Compression::rows)
    }

    /// What the spectrum is made of.
    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Elements before compression.
    fn full_len(&self) -> usize {
        self.shape.pairs.len() * (self.shape.l_max + 1)
    }

    /// Elements of the scratch that `forward` and `backward` need.
    pub(super) fn work(&self) -> usize {
        self.shape
            .compression
            .as_ref()
            .map_or(0, |_| self.full_len())
    }

    pub(super) fn l_max(&self) -> usize {
        self.shape.l_max
    }

    /// Number of radial functions of all channels.
    pub(super) fn channels(&self) -> usize {
        self.shape.channels
    }

    /// Fills `q` with the (scaled) descriptor.
    #[inline(always)]
    pub(super) fn forward<const FMA: bool>(
        &self,
        c: &[F64x8],
        q: &mut [F64x8],
        work: &mut [F64x8],
    ) -> Norm {
        let q = &mut q[..self.len()];
        match &self.shape.compression {
            None => self.spectrum::<FMA>(c, q),
            Some(map) => {
                self.spectrum::<FMA>(c, work);
                map.forward::<FMA>(work, q);
            }
        }
        let mut square = [F64x8::ZERO; 4];
        for four in q.chunks(4) {
            for (s, p) in square.iter_mut().zip(four) {
                *s = p.mul_add::<FMA>(*p, *s);
            }
        }
        let square = (square[0] + square[1]) + (square[2] + square[3]);
        let Some(least) = self.shape.unit_above else {
            return Norm {
                inverse: F64x8(square.0.map(|s| if s > 0.0 { 1.0 } else { 0.0 })),
                unit: F64x8::ZERO,
            };
        };
        let mut norm = Norm::default();
        for (lane, s) in square.0.into_iter().enumerate() {
            let length = s.sqrt();
            (norm.inverse.0[lane], norm.unit.0[lane]) = if length < least {
                (1.0, 0.0)
            } else if s > 0.0 {
                (1.0 / length, 1.0)
            } else {
                (0.0, 1.0)
            };
        }
        for p in q.iter_mut() {
            *p = *p * norm.inverse;
        }
        norm
    }

    /// The power spectrum before compression.
    #[inline(always)]
    fn spectrum<const FMA: bool>(&self, c: &[F64x8], out: &mut [F64x8]) {
        let Shape {
            l_max,
            pairs,
            factor,
            ..
        } = &self.shape;
        let size = (l_max + 1) * (l_max + 1);
        for (p, &[a, b]) in out.chunks_exact_mut(l_max + 1).zip(pairs) {
            let ca = &c[a as usize * size..][..size];
            let cb = &c[b as usize * size..][..size];
            let pair = if a == b {
                1.0
            } else {
                std::f64::consts::SQRT_2
            };
            for (l, (p, factor)) in p.iter_mut().zip(factor).enumerate() {
                let m = l * l..(l + 1) * (l + 1);
                let mut sum = F64x8::ZERO;
                for (x, y) in ca[m.clone()].iter().zip(&cb[m]) {
                    sum = x.mul_add::<FMA>(*y, sum);
                }
                *p = sum * F64x8::splat(factor * pair);
            }
        }
    }

    /// From dE/dq (overwritten) to dE/dc.
    #[inline(always)]
    pub(super) fn backward<const FMA: bool>(
        &self,
        c: &[F64x8],
        q: &[F64x8],
        norm: Norm,
        gradient: &mut [F64x8],
        work: &mut [F64x8],
        dc: &mut [F64x8],
    ) {
        let n = self.len();
        let (q, gradient) = (&q[..n], &mut gradient[..n]);
        let mut sums = [F64x8::ZERO; 4];
        for (four_q, four_g) in q.chunks(4).zip(gradient.chunks(4)) {
            for ((s, q), g) in sums.iter_mut().zip(four_q).zip(four_g) {
                *s = q.mul_add::<FMA>(*g, *s);
            }
        }
        let along = (F64x8::ZERO - ((sums[0] + sums[1]) + (sums[2] + sums[3]))) * norm.unit;
        for (q, g) in q.iter().zip(gradient.iter_mut()) {
            *g = along.mul_add::<FMA>(*q, *g) * norm.inverse;
        }
        let gradient = match &self.shape.compression {
            None => gradient,
            Some(map) => {
                map.backward::<FMA>(gradient, work);
                work
            }
        };
        // With the factor that makes the next step a plain symmetric product.
        let width = self.shape.l_max + 1;
        for (g, [a, b]) in gradient.chunks_exact_mut(width).zip(&self.shape.pairs) {
            let pair = if a == b {
                2.0
            } else {
                std::f64::consts::SQRT_2
            };
            for (g, factor) in g.iter_mut().zip(&self.shape.factor) {
                *g = *g * F64x8::splat(factor * pair);
            }
        }
        let size = width * width;
        let mut start = 0;
        for (out, &end) in dc.chunks_exact_mut(size).zip(&self.ends) {
            let partners = &self.partners[start..end];
            start = end;
            for l in 0..width {
                let (mut from, end) = (l * l, (l + 1) * (l + 1));
                let row = Row {
                    c,
                    gradient,
                    partners,
                    l,
                };
                while from < end {
                    from += match end - from {
                        1 => self.product::<FMA, 1>(&row, from, out),
                        2 => self.product::<FMA, 2>(&row, from, out),
                        3 => self.product::<FMA, 3>(&row, from, out),
                        4 | 8 => self.product::<FMA, 4>(&row, from, out),
                        _ => self.product::<FMA, 5>(&row, from, out),
                    };
                }
            }
        }
    }

    /// dE/dc of W components of one (A, l): the row of the symmetric matrix G_l times c_l.
    #[inline(always)]
    fn product<const FMA: bool, const W: usize>(
        &self,
        row: &Row<'_>,
        from: usize,
        out: &mut [F64x8],
    ) -> usize {
        let width = self.shape.l_max + 1;
        let size = width * width;
        let mut sum = [F64x8::ZERO; W];
        for &(b, pair) in row.partners {
            let g = row.gradient[pair as usize * width + row.l];
            let c = &row.c[b as usize * size + from..][..W];
            for t in 0..W {
                sum[t] = g.mul_add::<FMA>(c[t], sum[t]);
            }
        }
        out[from..from + W].copy_from_slice(&sum);
        W
    }
}

/// One row of the symmetric matrix G_l, and what it multiplies.
struct Row<'a> {
    c: &'a [F64x8],
    gradient: &'a [F64x8],
    /// Of each pair of channels with this row: the other channel, and the number of the pair.
    partners: &'a [(u32, u32)],
    l: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(channels: usize, l_max: usize) -> Shape {
        let pairs = (0..channels as u32).flat_map(|a| (0..=a).map(move |b| [a, b]));
        Shape {
            channels,
            l_max,
            pairs: pairs.collect(),
            factor: (0..=l_max)
                .map(|l| 1.0 / ((2 * l + 1) as f64).sqrt())
                .collect(),
            compression: None,
            unit_above: Some(0.0),
        }
    }

    #[test]
    fn adjoint_is_the_gradient() {
        let mut few = shape(4, 3);
        few.pairs.retain(|p| p[0] != 2 || p[1] == 1);
        few.compression = Some(Compression::new(
            5,
            few.pairs.len() * 4,
            &[
                (0, 3, 1.0),
                (1, 7, 0.5),
                (1, 0, -2.0),
                (3, 11, 1.5),
                (4, 12, 1.0),
            ],
        ));
        let unscaled = Shape {
            unit_above: None,
            ..shape(4, 3)
        };
        let short = Shape {
            unit_above: Some(1e9),
            ..shape(4, 3)
        };
        for shape in [shape(4, 3), unscaled, short, few] {
            let power = PowerSpectrum::new(shape);
            let size = 4 * 16;
            let c: Vec<F64x8> = (0..size)
                .map(|i| {
                    F64x8(std::array::from_fn(|k| {
                        ((7 * i + 3 * k) as f64 * 0.61).sin()
                    }))
                })
                .collect();
            let weights: Vec<f64> = (0..power.len()).map(|i| ((i * i) as f64).cos()).collect();
            let mut work = vec![F64x8::ZERO; power.work()];
            let mut energy = |c: &[F64x8]| -> [f64; 8] {
                let mut q = vec![F64x8::ZERO; power.len()];
                power.forward::<false>(c, &mut q, &mut work);
                std::array::from_fn(|k| q.iter().zip(&weights).map(|(q, w)| q.0[k] * w).sum())
            };
            let mut q = vec![F64x8::ZERO; power.len()];
            let mut room = vec![F64x8::ZERO; power.work()];
            let norm = power.forward::<false>(&c, &mut q, &mut room);
            let mut g: Vec<F64x8> = weights.iter().map(|w| F64x8::splat(*w)).collect();
            let mut dc = vec![F64x8::ZERO; size];
            power.backward::<false>(&c, &q, norm, &mut g, &mut room, &mut dc);
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
        let power = PowerSpectrum::new(shape(1, 1));
        let mut c = vec![F64x8::ZERO; 4];
        c[0].0[3] = 2.0;
        let mut q = vec![F64x8::ZERO; power.len()];
        let norm = power.forward::<false>(&c, &mut q, &mut []);
        assert_eq!(norm.inverse.0[0], 0.0);
        assert_eq!(q[0].0, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
