//! Predictive variance of the sparse Gaussian process: how far an atom's surroundings are from the sparse points.
//!
//! For each instance x of a descriptor, with the switch fc that also multiplies its energy,
//!
//! ```text
//! var(x) = fc² [ K(x, x) - k_M(x)ᵀ (K_MM + jitter)⁻¹ k_M(x) ]
//! ```
//!
//! (Rasmussen and Williams, Gaussian Processes for Machine Learning, eq. 2.26; Quiñonero-Candela and Rasmussen, J. Mach.
//! Learn. Res. 6, 1939 (2005)), summed over the instances that a centre books and over the coordinates of the model.
//! k_M and K_MM carry the `sparseCutoff` of the points, as in the fit; the jitter is that of `gap_fit`. It is the variance
//! before the data are counted: nearly zero at the sparse points, K(x, x) far from all of them.
//!
//! K_MM is rebuilt from the sparse points and factorised when the first variance is asked for; a model that is never
//! asked costs nothing.

mod batch;
mod factor;
mod kernel;
mod pairs;
#[cfg(test)]
mod tests;

pub(super) use batch::{Batch, VarianceScratch};
pub(super) use kernel::{Distances, Kernel};

use super::coordinate::{Coordinate, Covariance};
use super::descriptor::Descriptor;
use super::soap::{Soap, SoapScratch};
use crate::potential::Rows;
use factor::Factor;
use std::sync::OnceLock;

/// What `gap_fit` adds to the diagonal of K_MM (eV²).
pub(super) const JITTER: f64 = 1e-10;

/// Most sparse points of a coordinate for which K_MM (eight bytes for each pair) is built.
pub(super) const MOST_POINTS: usize = 16_384;

/// A descriptor as its variance needs it: which vectors the centres of some rows book.
pub(super) trait Instances: Send + Sync {
    /// Kernel and sparse points.
    fn kernel(&self) -> &dyn Kernel;

    /// Pushes every instance that a centre of the rows books: the index of the centre, the switch, the vector.
    fn gather(&self, rows: &Rows<'_>, batch: &mut Batch<'_>);
}

/// The variances of all coordinates of a model.
pub(super) struct Variances {
    terms: Vec<(Variance, Source)>,
}

/// Where the descriptor vectors of a coordinate come from.
enum Source {
    Instances(Box<dyn Instances>),
    /// The soap term of this number.
    Soap(usize),
}

/// The Gaussian process of one coordinate before it has seen data.
pub(super) struct Variance {
    label: String,
    /// delta², the factor of the kernel (eV²).
    scale: f64,
    /// f0², added to kernels of distances (eV²).
    constant: f64,
    /// `sparseCutoff` of each point.
    sparse_cutoff: Vec<f64>,
    jitter: f64,
    factor: OnceLock<Option<Factor>>,
}

impl Variance {
    /// The process of a coordinate, with this much on the diagonal of K_MM (eV²).
    fn new(c: &Coordinate, jitter: f64) -> Variance {
        let dot = matches!(c.covariance, Covariance::DotProduct { .. });
        Variance {
            label: c.label.clone(),
            scale: c.delta * c.delta,
            constant: if dot { 0.0 } else { c.f0 * c.f0 },
            sparse_cutoff: c.sparse_cutoff.clone(),
            jitter,
            factor: OnceLock::new(),
        }
    }

    /// The factor of K_MM, made on first use; `None` when there is none.
    fn factor(&self, kernel: &dyn Kernel) -> Option<&Factor> {
        let made = self.factor.get_or_init(|| {
            let factor = Factor::new(self, kernel);
            match &factor {
                None => log::warn!(
                    "{}: the covariance of the sparse points cannot be factorised; their variance is given as infinite",
                    self.label
                ),
                Some(f) if f.jitter > self.jitter => log::warn!(
                    "{}: the sparse points are nearly dependent; variances have a jitter of {:.0e} eV² instead of {:.0e}",
                    self.label,
                    f.jitter,
                    self.jitter
                ),
                Some(_) => {}
            }
            factor
        });
        made.as_ref()
    }
}

impl Variances {
    /// The variances of coordinates whose soap terms are numbered in their order; `None` when one has more sparse points
    /// than [`MOST_POINTS`].
    pub(super) fn new(coordinates: &[Coordinate], jitter: f64) -> Option<Variances> {
        if coordinates.iter().any(|c| c.alpha.len() > MOST_POINTS) {
            return None;
        }
        let mut soaps = 0..;
        let mut source = |c: &Coordinate| match &c.descriptor {
            Descriptor::Distance2b(d) => Source::Instances(Box::new(pairs::Pairs::new(c, d))),
            Descriptor::Soap(_) => Source::Soap(soaps.next().unwrap_or_default()),
        };
        let terms = coordinates
            .iter()
            .map(|c| (Variance::new(c, jitter), source(c)))
            .collect();
        Some(Variances { terms })
    }

    /// Adds the variances (eV²) that the centres book.
    pub(super) fn evaluate(
        &self,
        rows: &Rows<'_>,
        soaps: &[Soap],
        soap_scratch: &mut SoapScratch,
        scratch: &mut VarianceScratch,
        reliability: &mut [f64],
    ) {
        for (variance, source) in &self.terms {
            match source {
                Source::Instances(instances) => {
                    let kernel = instances.kernel();
                    let mut batch = Batch::new(variance, kernel, scratch, reliability);
                    instances.gather(rows, &mut batch);
                    batch.finish();
                }
                Source::Soap(n) => {
                    let Some(soap) = soaps.get(*n) else { continue };
                    let kernel = soap.kernel();
                    soap.describe(rows, soap_scratch, &mut |centres, q, inverse| {
                        scratch.groups(variance, kernel, q, inverse.len());
                        for (k, &c) in centres.iter().enumerate() {
                            let (group, lane) = (k / 8, k % 8);
                            // An atom without density has no descriptor.
                            if inverse[group].0[lane] > 0.0 {
                                reliability[c] += scratch.variance(group, lane);
                            }
                        }
                    });
                }
            }
        }
    }
}
