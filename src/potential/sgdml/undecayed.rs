//! What does not decay: the part of the kernel sums that comes with h = c instead of c (1 + δ).
//!
//! It is linear in the descriptor, so that the sums over training points and permutations can be taken when the model is
//! made, with twice the digits.

use super::kernel::height;

/// Energy and derivative of the part that does not decay, for descriptors as they are (not permuted, not shifted).
#[derive(Clone, Debug, Default)]
pub(super) struct Undecayed {
    /// A point in the middle of the training set, the same under all permutations.
    centre: Vec<f64>,
    /// Minus the derivative at the centre, pair by pair.
    slope: Vec<f64>,
    /// Increase of the derivative of a pair with that pair: only with coefficients of energies.
    curvature: f64,
    /// Energy at the centre.
    constant: f64,
    /// Slope of the energy, pair by pair.
    weights: Vec<f64>,
}

impl Undecayed {
    /// From the training set; `alphas` are the coefficients of energies, and may be empty.
    pub fn new(
        descriptors: &[f64],
        weights: &[f64],
        alphas: &[f64],
        permuted: &[Vec<u32>],
        pairs: usize,
        sigma: f64,
    ) -> Undecayed {
        let points = descriptors.len() / pairs;
        let c = height(sigma);
        let number = permuted.len() as f64;
        let mean: Vec<f64> = (0..pairs)
            .map(|k| descriptors.iter().skip(k).step_by(pairs).sum::<f64>() / points as f64)
            .collect();
        let centre: Vec<f64> = (0..pairs)
            .map(|k| permuted.iter().map(|p| mean[p[k] as usize]).sum::<f64>() / number)
            .collect();
        let mut alpha = ExactSum::default();
        alphas.iter().for_each(|a| alpha.add(*a));
        let alpha = number * alpha.value();
        let mut result = Undecayed {
            curvature: c * alpha,
            slope: vec![0.0; pairs],
            weights: vec![0.0; pairs],
            constant: 0.0,
            centre,
        };
        // u = centre - x in the order of the query: for each training point and permutation.
        let mut constant = ExactSum::default();
        let mut sums = vec![(ExactSum::default(), ExactSum::default()); pairs];
        for m in 0..points {
            let (x, b) = (&descriptors[m * pairs..], &weights[m * pairs..]);
            for permutation in permuted {
                for k in 0..pairs {
                    let to = permutation[k] as usize;
                    let (slope, weight) = &mut sums[k];
                    constant.add_product(result.centre[k], b[to]);
                    constant.add_product(-x[to], b[to]);
                    weight.add(b[to]);
                    if let Some(alpha) = alphas.get(m) {
                        slope.add_product(*alpha, result.centre[k]);
                        slope.add_product(*alpha, -x[to]);
                    }
                }
            }
        }
        result.constant = c * constant.value() + alpha;
        for (k, (slope, weight)) in sums.into_iter().enumerate() {
            result.weights[k] = c * weight.value();
            result.slope[k] = c * (slope.value() - weight.value());
        }
        result
    }

    /// Increase of the derivative of a pair with that pair, for a model with coefficients of energies.
    pub fn curvature(&self) -> f64 {
        self.curvature
    }

    /// Adds the derivative (with the sign of the forces) to `derivative` unless that is empty, and returns the energy.
    pub fn add(&self, descriptor: &[f64], derivative: &mut [f64]) -> f64 {
        let mut energy = ExactSum::default();
        for ((d, c), w) in descriptor.iter().zip(&self.centre).zip(&self.weights) {
            energy.add_product(d - c, *w);
        }
        for (k, f) in derivative.iter_mut().enumerate() {
            *f += self.slope[k] + self.curvature * (descriptor[k] - self.centre[k]);
        }
        energy.value() + self.constant
    }
}

/// A sum with twice the digits (Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26, 1955 (2005)).
#[derive(Clone, Copy, Default)]
pub(super) struct ExactSum {
    sum: f64,
    error: f64,
}

impl ExactSum {
    #[inline(always)]
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let shift = sum - self.sum;
        self.error += (self.sum - (sum - shift)) + (x - shift);
        self.sum = sum;
    }

    #[inline(always)]
    pub fn add_product(&mut self, a: f64, b: f64) {
        // Veltkamp and Dekker: the product and its rounding error, without a fused operation.
        let split = |x: f64| {
            let c = 134_217_729.0 * x;
            let high = c - (c - x);
            (high, x - high)
        };
        let (p, (a1, a2), (b1, b2)) = (a * b, split(a), split(b));
        self.error += ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
        self.add(p);
    }

    /// The sum as two numbers.
    pub fn parts(self) -> [f64; 2] {
        [self.sum, self.error]
    }

    #[inline(always)]
    pub fn value(self) -> f64 {
        self.sum + self.error
    }
}
