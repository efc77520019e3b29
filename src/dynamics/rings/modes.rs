//! Normal modes of a ring of beads that springs hold together.

use crate::parallel::{self, Disjoint, PerThread};
use crate::simd::{F64x8, simd_dispatch};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::{PI, SQRT_2};
use std::fmt;
use std::sync::Arc;

/// The normal modes of rings of P beads, scaled so that mode 0 is the centroid:
///
/// > x_j = Σ_k T_kj u_k and u_k = (1/P) Σ_j T_kj x_j,
///
/// with T_0j = 1, T_kj = √2 cos(2πjk/P) for k < P/2, √2 sin(2πjk/P) for k > P/2, and (-1)^j for k = P/2: √P times the
/// orthonormal matrix of Ceriotti, Parrinello, Markland, Manolopoulos, J. Chem. Phys. 133, 124104 (2010). In these
/// variables every mode moves at the temperature T with the mass of the atom, under the mean force (1/P) Σ_j T_kj f_j, and the
/// centroid is a classical particle.
///
/// Arrays over modes and over beads are rows of equal length, one row for each: all components of the first, of the second, ...
pub struct NormalModes {
    beads: usize,
    way: Way,
}

/// How the sums are taken.
enum Way {
    /// By the matrix T, row by row k.
    Matrix(Vec<f64>),
    /// By fast Fourier transforms.
    Fourier {
        forward: Arc<dyn RealToComplex<f64>>,
        backward: Arc<dyn ComplexToReal<f64>>,
        threads: PerThread<Space>,
    },
}

/// Scratch of the Fourier transforms.
#[derive(Default)]
struct Space {
    columns: Vec<f64>,
    modes: Vec<Complex<f64>>,
    work: Vec<Complex<f64>>,
}

/// With so many beads and more, Fourier transforms are faster.
const FOURIER: usize = 56;
/// Components that a thread transforms in one go.
const COLUMNS: usize = 128;
/// Components of which a cache line is full.
const TOGETHER: usize = F64x8::WIDTH;

impl Clone for NormalModes {
    fn clone(&self) -> NormalModes {
        match &self.way {
            Way::Matrix(_) => Self::by_matrix(self.beads),
            Way::Fourier { .. } => Self::by_fourier(self.beads),
        }
    }
}

impl fmt::Debug for NormalModes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NormalModes({})", self.beads)
    }
}

impl NormalModes {
    /// Of rings with so many beads (at least one), by the faster way.
    pub fn new(beads: usize) -> NormalModes {
        if beads < FOURIER {
            Self::by_matrix(beads)
        } else {
            Self::by_fourier(beads)
        }
    }

    /// With the sums taken by a matrix.
    pub fn by_matrix(beads: usize) -> NormalModes {
        let p = beads.max(1);
        let element = |k: usize, j: usize| coefficient(p, k, j);
        let matrix = (0..p * p).map(|i| element(i / p, i % p)).collect();
        NormalModes {
            beads: p,
            way: Way::Matrix(matrix),
        }
    }

    /// With the sums taken by fast Fourier transforms.
    pub fn by_fourier(beads: usize) -> NormalModes {
        let beads = beads.max(1);
        let mut planner = RealFftPlanner::new();
        NormalModes {
            beads,
            way: Way::Fourier {
                forward: planner.plan_fft_forward(beads),
                backward: planner.plan_fft_inverse(beads),
                threads: PerThread::default(),
            },
        }
    }

    /// Number of beads, which is that of the modes.
    pub fn beads(&self) -> usize {
        self.beads
    }

    /// Frequency of mode `k` of rings of so many beads, in units of P kT/ħ.
    pub fn frequency(beads: usize, k: usize) -> f64 {
        2.0 * (PI * k as f64 / beads as f64).sin()
    }

    /// The modes of these rings among those of rings with more beads: smooth paths have the same.
    pub fn within(&self, more: usize) -> impl Iterator<Item = usize> + use<> {
        let p = self.beads;
        (0..p).map(move |k| if 2 * k <= p { k } else { more - (p - k) })
    }

    /// Modes to beads: x_j = Σ_k T_kj u_k. Both arrays have P rows of the same length.
    pub fn to_beads(&mut self, modes: &[f64], beads: &mut [f64]) {
        let p = self.beads;
        match &mut self.way {
            // T of rows by k: x_j sums over its columns.
            Way::Matrix(t) => by_blocks(modes, beads, p, |c, modes, out| {
                multiply(t, [1, p], 1.0, modes, c.start, c.end, out);
            }),
            Way::Fourier {
                backward, threads, ..
            } => {
                threads.prepare();
                let (threads, plan) = (&*threads, &*backward);
                let half = 0.5 * SQRT_2;
                by_blocks(modes, beads, p, |c, modes, out| {
                    let space = &mut *threads.get();
                    space.size(p, plan.get_scratch_len());
                    for start in c.clone().step_by(TOGETHER) {
                        let width = TOGETHER.min(c.end - start);
                        space.gather(modes, p, start, width);
                        for own in space.columns.chunks_exact_mut(p).take(width) {
                            space.modes[0] = Complex::new(own[0], 0.0);
                            for k in 1..p.div_ceil(2) {
                                space.modes[k] = Complex::new(half * own[k], half * own[p - k]);
                            }
                            if p.is_multiple_of(2) {
                                space.modes[p / 2] = Complex::new(own[p / 2], 0.0);
                            }
                            // The lengths are those of the plan.
                            let _ =
                                plan.process_with_scratch(&mut space.modes, own, &mut space.work);
                        }
                        space.scatter(out, p, start, width);
                    }
                });
            }
        }
    }

    /// Beads to modes: u_k = (1/P) Σ_j T_kj x_j. Both arrays have P rows of the same length.
    pub fn to_modes(&mut self, beads: &[f64], modes: &mut [f64]) {
        let p = self.beads;
        let scale = 1.0 / p as f64;
        match &mut self.way {
            Way::Matrix(t) => by_blocks(beads, modes, p, |c, beads, out| {
                multiply(t, [p, 1], scale, beads, c.start, c.end, out);
            }),
            Way::Fourier {
                forward, threads, ..
            } => {
                threads.prepare();
                let (threads, plan) = (&*threads, &*forward);
                by_blocks(beads, modes, p, |c, beads, out| {
                    let space = &mut *threads.get();
                    space.size(p, plan.get_scratch_len());
                    for start in c.clone().step_by(TOGETHER) {
                        let width = TOGETHER.min(c.end - start);
                        space.gather(beads, p, start, width);
                        for own in space.columns.chunks_exact_mut(p).take(width) {
                            // The lengths are those of the plan.
                            let _ =
                                plan.process_with_scratch(own, &mut space.modes, &mut space.work);
                            own[0] = scale * space.modes[0].re;
                            for k in 1..p.div_ceil(2) {
                                let z = space.modes[k];
                                own[k] = SQRT_2 * scale * z.re;
                                own[p - k] = SQRT_2 * scale * z.im;
                            }
                            if p.is_multiple_of(2) {
                                own[p / 2] = scale * space.modes[p / 2].re;
                            }
                        }
                        space.scatter(out, p, start, width);
                    }
                });
            }
        }
    }
}

impl Space {
    fn size(&mut self, beads: usize, work: usize) {
        self.columns.resize(TOGETHER * beads, 0.0);
        self.modes.resize(beads / 2 + 1, Complex::default());
        self.work.resize(work, Complex::default());
    }

    /// Some columns, one after the other.
    fn gather(&mut self, from: &[f64], p: usize, start: usize, width: usize) {
        let row = from.len() / p;
        for (j, own) in from.chunks_exact(row).enumerate() {
            for (l, x) in own[start..start + width].iter().enumerate() {
                self.columns[l * p + j] = *x;
            }
        }
    }

    /// Puts them into their places.
    fn scatter(&self, out: &Columns<'_>, p: usize, start: usize, width: usize) {
        for j in 0..p {
            for (l, x) in out.block(j, start, width).iter_mut().enumerate() {
                *x = self.columns[l * p + j];
            }
        }
    }
}

/// T_kj of rings with `p` beads; the angle is reduced first, so that large products lose no digits.
fn coefficient(p: usize, k: usize, j: usize) -> f64 {
    let angle = 2.0 * PI * ((j * k) % p) as f64 / p as f64;
    match 2 * k {
        0 => 1.0,
        n if n == p => [1.0, -1.0][j % 2],
        n if n < p => SQRT_2 * angle.cos(),
        _ => SQRT_2 * angle.sin(),
    }
}

/// Where a thread writes its columns of the result.
struct Columns<'a> {
    all: &'a Disjoint<f64>,
    row: usize,
}

impl Columns<'_> {
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn block(&self, row: usize, column: usize, len: usize) -> &mut [f64] {
        // SAFETY: a thread writes only the columns that it was given.
        unsafe { self.all.range(row * self.row + column, len) }
    }
}

/// Cuts the columns into pieces and hands them to the threads.
fn by_blocks(
    from: &[f64],
    to: &mut [f64],
    p: usize,
    work: impl Fn(std::ops::Range<usize>, &[f64], &Columns<'_>) + Sync + Send,
) {
    let row = from.len() / p;
    let all = Disjoint::new(to);
    parallel::for_each(row.div_ceil(COLUMNS), |piece| {
        let columns = piece * COLUMNS..((piece + 1) * COLUMNS).min(row);
        work(columns, from, &Columns { all: &all, row });
    });
}

simd_dispatch! {
    /// Sets the columns `first..end` of `out` to `scale` M `from`, where M[r][s] = t[r stride[0] + s stride[1]].
    fn multiply(t: &[f64], stride: [usize; 2], scale: f64, from: &[f64], first: usize, end: usize, out: &Columns<'_>)
        = multiply_body;
}

/// Rows of the result that are summed together, so that what is read serves several.
const ROWS: usize = 4;

#[inline(always)]
fn multiply_body<const FMA: bool>(
    t: &[f64],
    stride: [usize; 2],
    scale: f64,
    from: &[f64],
    first: usize,
    end: usize,
    out: &Columns<'_>,
) {
    let p = from.len() / out.row;
    let mut c = first;
    // What is left over after whole vectors is done with the last whole one again, or number by number.
    while c < end {
        let at = if c + TOGETHER <= end {
            c
        } else if end - first >= TOGETHER {
            end - TOGETHER
        } else {
            for r in 0..p {
                let mut sum = 0.0;
                for s in 0..p {
                    sum += t[r * stride[0] + s * stride[1]] * from[s * out.row + c];
                }
                out.block(r, c, 1)[0] = scale * sum;
            }
            c += 1;
            continue;
        };
        let mut r = 0;
        while r + ROWS <= p {
            tile::<FMA, ROWS>(t, stride, scale, from, at, r, out);
            r += ROWS;
        }
        while r < p {
            tile::<FMA, 1>(t, stride, scale, from, at, r, out);
            r += 1;
        }
        c = at + TOGETHER;
    }
}

/// `R` rows of eight columns.
#[inline(always)]
fn tile<const FMA: bool, const R: usize>(
    t: &[f64],
    stride: [usize; 2],
    scale: f64,
    from: &[f64],
    c: usize,
    r: usize,
    out: &Columns<'_>,
) {
    let mut sums = [F64x8::ZERO; R];
    let weights = &t[r * stride[0]..];
    for (s, row) in from.chunks_exact(out.row).enumerate() {
        let mut x = F64x8::ZERO;
        x.0.copy_from_slice(&row[c..c + TOGETHER]);
        for k in 0..R {
            let w = F64x8::splat(weights[k * stride[0] + s * stride[1]]);
            sums[k] = w.mul_add::<FMA>(x, sums[k]);
        }
    }
    for k in 0..R {
        let place = out.block(r + k, c, TOGETHER);
        for l in 0..TOGETHER {
            place[l] = scale * sums[k].0[l];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn numbers(n: usize) -> Vec<f64> {
        let mut s = Stream::new(3, Purpose::Displacement, 0, n as u64, 0);
        (0..n).map(|_| s.normal()).collect()
    }

    #[test]
    fn orthonormal_for_any_number_of_beads() {
        // T Tᵀ = P 1, for the matrix; both ways give the same, there and back.
        let row = 11;
        for p in 1..=128 {
            for k in 0..p {
                for l in 0..p {
                    let dot: f64 = (0..p)
                        .map(|j| coefficient(p, k, j) * coefficient(p, l, j))
                        .sum();
                    let exact = f64::from(u8::from(k == l));
                    assert!((dot / p as f64 - exact).abs() < 1e-14, "{p} {k} {l}");
                }
            }
            let (mut a, mut b) = (NormalModes::by_matrix(p), NormalModes::by_fourier(p));
            let x = numbers(p * row);
            let (mut u, mut w) = (vec![0.0; p * row], vec![0.0; p * row]);
            a.to_modes(&x, &mut u);
            b.to_modes(&x, &mut w);
            let worst = |a: &[f64], b: &[f64]| {
                let far = a.iter().zip(b).map(|(a, b)| (a - b).abs());
                far.fold(0.0, f64::max)
            };
            assert!(worst(&u, &w) < 1e-13, "{p}");
            let (mut y, mut z) = (vec![0.0; p * row], vec![0.0; p * row]);
            a.to_beads(&u, &mut y);
            b.to_beads(&u, &mut z);
            assert!(worst(&y, &z) < 1e-12 && worst(&x, &y) < 1e-12, "{p}");
        }
    }

    #[test]
    fn smooth_paths_survive_contraction() {
        for (p, fewer) in [(32, 9), (32, 8), (15, 5), (64, 1), (50, 13)] {
            let (mut large, mut small) = (NormalModes::new(p), NormalModes::new(fewer));
            let mut u = vec![0.0; p];
            // Modes below the Nyquist frequency of the shorter ring.
            let mut few = vec![0.0; fewer];
            for (n, k) in small.within(p).enumerate() {
                if 2 * n != fewer {
                    u[k] = (1.3 * n as f64).sin() + 2.0;
                    few[n] = u[k];
                }
            }
            let (mut x, mut y) = (vec![0.0; p], vec![0.0; fewer]);
            large.to_beads(&u, &mut x);
            small.to_beads(&few, &mut y);
            // The same path, seen at fewer places.
            for (j, y) in y.iter().enumerate() {
                let t = j as f64 * p as f64 / fewer as f64;
                if t.fract() == 0.0 {
                    assert!((x[t as usize] - y).abs() < 1e-12, "{p} {fewer} {j}");
                }
            }
            let mut back = vec![0.0; fewer];
            small.to_modes(&y, &mut back);
            for (a, b) in back.iter().zip(&few) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }
}
