//! The contraction of the moments with its first and second derivatives, straight from the index lists.

use crate::error::Result;
use crate::potential::mtp::MtpFile;
use crate::simd::F64x8;

/// The products of a model in an order in which operands come before targets.
pub(super) struct Contraction {
    pub basic: usize,
    pub moments: usize,
    pub scalars: Vec<u32>,
    products: Vec<Step>,
}

/// M[target] += factor M[a] M[b].
struct Step {
    a: u32,
    b: u32,
    target: u32,
    factor: f64,
}

impl Contraction {
    pub fn new(file: &MtpFile) -> Result<Contraction> {
        let products = file.ordered_products()?;
        Ok(Contraction {
            basic: file.basic.len(),
            moments: file.moments,
            scalars: file.scalars.clone(),
            products: products
                .iter()
                .map(|p| Step {
                    a: p.a,
                    b: p.b,
                    target: p.target,
                    factor: f64::from(p.factor),
                })
                .collect(),
        })
    }

    /// From the basic moments to all moments.
    pub fn forward(&self, m: &mut [f64]) {
        m[self.basic..self.moments].fill(0.0);
        for p in &self.products {
            m[p.target as usize] += p.factor * m[p.a as usize] * m[p.b as usize];
        }
    }

    /// dE/dM of all moments, for the given coefficients of the scalars.
    pub fn reverse(&self, m: &[f64], coefficients: &[f64], w: &mut [f64]) {
        w[..self.moments].fill(0.0);
        for (scalar, c) in self.scalars.iter().zip(coefficients) {
            w[*scalar as usize] = *c;
        }
        for p in self.products.iter().rev() {
            let (a, b, t) = (p.a as usize, p.b as usize, p.factor * w[p.target as usize]);
            w[a] += t * m[b];
            w[b] += t * m[a];
        }
    }

    /// The derivatives of all moments, and of dE/dM, by eight basic moments from `first` on, side by side.
    #[inline(always)]
    pub fn tangents<const FMA: bool>(
        &self,
        first: usize,
        m: &[f64],
        w: &[f64],
        dm: &mut [F64x8],
        dw: &mut [F64x8],
    ) {
        let (m, w) = (&m[..self.moments], &w[..self.moments]);
        let (dm, dw) = (&mut dm[..self.moments], &mut dw[..self.moments]);
        dm.fill(F64x8::ZERO);
        dw.fill(F64x8::ZERO);
        for lane in 0..F64x8::WIDTH.min(self.basic - first) {
            dm[first + lane].0[lane] = 1.0;
        }
        for p in &self.products {
            let (a, b, t) = (p.a as usize, p.b as usize, p.target as usize);
            let (x, y) = (F64x8::splat(p.factor * m[b]), F64x8::splat(p.factor * m[a]));
            dm[t] = x.mul_add::<FMA>(dm[a], y.mul_add::<FMA>(dm[b], dm[t]));
        }
        for p in self.products.iter().rev() {
            let (a, b, t) = (p.a as usize, p.b as usize, p.target as usize);
            let outer = F64x8::splat(p.factor * w[t]);
            let inner = dw[t] * F64x8::splat(p.factor);
            let by_a = outer.mul_add::<FMA>(dm[b], inner * F64x8::splat(m[b]));
            let by_b = outer.mul_add::<FMA>(dm[a], inner * F64x8::splat(m[a]));
            dw[a] = dw[a] + by_a;
            dw[b] = dw[b] + by_b;
        }
    }
}
