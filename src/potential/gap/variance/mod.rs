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
//! The instances of a pair fall to both atoms, those of three atoms to their centre.
//!
//! K_MM is rebuilt from the sparse points and factorised when the first variance is asked for; a model that is never
//! asked costs nothing.

mod batch;
mod factor;
mod kernel;
mod pairs;
#[cfg(test)]
mod tests;

use batch::Batch;
pub(super) use batch::VarianceScratch;
use kernel::Distances;
pub(super) use kernel::Kernel;

use super::coordinate::{Coordinate, Covariance};
use super::{Gap, GapScratch};
use crate::potential::Rows;
use factor::Factor;
use pairs::Pairs;
use std::sync::OnceLock;

/// What `gap_fit` adds to the diagonal of K_MM (eV²).
pub(super) const JITTER: f64 = 1e-10;

/// Most sparse points of a coordinate for which K_MM (eight bytes for each pair) is built.
pub(super) const MOST_POINTS: usize = 16_384;

/// The variances of all coordinates of a model.
pub(super) struct Variances {
    terms: Vec<(Variance, Source)>,
}

/// Where the descriptor vectors of a coordinate come from.
enum Source {
    Pairs(Pairs),
    /// The coordinate of this number among those on three atoms.
    Cluster(usize, Distances),
    /// The term of this number among those on the density of neighbours.
    Density(usize),
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
    /// The variances of some coordinates; `None` when one has more sparse points than [`MOST_POINTS`].
    pub(super) fn new(coordinates: &[Coordinate], jitter: f64) -> Option<Variances> {
        if coordinates.iter().any(|c| c.alpha.len() > MOST_POINTS) {
            return None;
        }
        // Numbered as the model numbers its terms: in the order of the file.
        let (mut clusters, mut densities) = (0..usize::MAX, 0..usize::MAX);
        let mut source = |c: &Coordinate| {
            if let Some((d, times)) = c.descriptor.pair() {
                return Some(Source::Pairs(Pairs::new(c, d, times)));
            }
            Some(match c.covariance {
                Covariance::DotProduct { .. } => Source::Density(densities.next()?),
                _ => Source::Cluster(clusters.next()?, Distances::new(c)),
            })
        };
        let terms: Option<Vec<_>> = coordinates
            .iter()
            .map(|c| Some((Variance::new(c, jitter), source(c)?)))
            .collect();
        Some(Variances { terms: terms? })
    }

    /// Adds the variances (eV²) that the centres book. `gap` is the model that has these variances.
    pub(super) fn evaluate(
        &self,
        gap: &Gap,
        rows: &Rows<'_>,
        scratch: &mut GapScratch,
        reliability: &mut [f64],
    ) {
        let own = &mut scratch.variance;
        for (variance, source) in &self.terms {
            match source {
                Source::Pairs(pairs) => {
                    let mut batch = Batch::new(variance, &pairs.kernel, own, reliability);
                    pairs.gather(rows, &mut batch);
                    batch.finish();
                }
                Source::Cluster(n, kernel) => {
                    let mut batch = Batch::new(variance, kernel, own, reliability);
                    let mut push = |centre: usize, weight: f64, x: [f64; 3]| {
                        batch.push(centre, weight, &x);
                    };
                    let clusters = &mut scratch.clusters;
                    gap.clusters.instances(*n, rows, clusters, &mut push);
                    batch.finish();
                }
                Source::Density(n) => {
                    let Some(term) = gap.densities.get(*n) else {
                        continue;
                    };
                    let kernel = term.kernel();
                    term.describe(rows, &mut scratch.density, &mut |centres, q, has_one| {
                        own.groups(variance, kernel, q, centres.len().div_ceil(8));
                        for (k, &c) in centres.iter().enumerate() {
                            if has_one(k) {
                                reliability[c] += own.variance(k / 8, k % 8);
                            }
                        }
                    });
                }
            }
        }
    }
}
