//! Fourier transforms of real series.

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// The smallest even length with the factors 2, 3 and 5 only that is not below `n`: transforms of it are fast.
pub fn fast_length(n: usize) -> usize {
    let smooth = |mut k: usize| {
        for p in [2, 3, 5] {
            while k.is_multiple_of(p) {
                k /= p;
            }
        }
        k == 1
    };
    let mut k = n.max(2).next_multiple_of(2);
    while !smooth(k) {
        k += 2;
    }
    k
}

/// Plans for transforms of one length, shared by all threads.
#[derive(Clone)]
pub(super) struct Fourier {
    length: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    backward: Arc<dyn ComplexToReal<f64>>,
}

impl Fourier {
    pub(super) fn new(length: usize) -> Fourier {
        let mut planner = RealFftPlanner::new();
        Fourier {
            length,
            forward: planner.plan_fft_forward(length),
            backward: planner.plan_fft_inverse(length),
        }
    }

    /// Number of complex values of a transform.
    pub(super) fn values(&self) -> usize {
        self.length / 2 + 1
    }

    /// Σ x exp(-2πi kn/N); `x` is lost. Buffers have the lengths of the plan, so that this cannot fail.
    pub(super) fn forward(
        &self,
        x: &mut [f64],
        out: &mut [Complex64],
        scratch: &mut Vec<Complex64>,
    ) {
        scratch.resize(self.forward.get_scratch_len(), Complex64::default());
        let done = self.forward.process_with_scratch(x, out, scratch);
        debug_assert!(done.is_ok());
    }

    /// The inverse with the factor 1/N; `x` is lost.
    pub(super) fn backward(&self, x: &mut [Complex64], out: &mut [f64]) {
        // The transform of a real series is real at both ends; sums may have left rounding there.
        if let Some(first) = x.first_mut() {
            first.im = 0.0;
        }
        if let Some(last) = x.last_mut() {
            last.im = 0.0;
        }
        let done = self.backward.process(x, out);
        debug_assert!(done.is_ok());
        let scale = 1.0 / self.length as f64;
        out.iter_mut().for_each(|v| *v *= scale);
    }
}

/// The sums x(0)/2 + Σ x(k) cos(2π jk/M) for j from 0 to M/2 of a series that is shorter than M, an even number.
pub fn cosine_sums(x: &[f64], length: usize) -> Vec<f64> {
    let plan = Fourier::new(length);
    let mut padded = x[..x.len().min(length)].to_vec();
    padded.resize(length, 0.0);
    padded[0] *= 0.5;
    let mut out = vec![Complex64::default(); plan.values()];
    plan.forward(&mut padded, &mut out, &mut Vec::new());
    out.iter().map(|z| z.re).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sums() {
        assert_eq!(
            [1, 2, 7, 97, 1000, 1021].map(fast_length),
            [2, 2, 8, 100, 1000, 1024]
        );
        let x = [1.0, -0.5, 0.25, 2.0, 0.0];
        for (j, s) in cosine_sums(&x, 18).into_iter().enumerate() {
            let direct: f64 = (0..5)
                .map(|k| {
                    let phase = 2.0 * std::f64::consts::PI * (j * k) as f64 / 18.0;
                    x[k] * phase.cos() * if k == 0 { 0.5 } else { 1.0 }
                })
                .sum();
            assert!((s - direct).abs() < 1e-14);
        }
    }
}
