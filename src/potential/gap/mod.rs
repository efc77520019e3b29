//! Gaussian approximation potentials from QUIP's XML files: descriptors of pairs, triplets and densities, isolated-atom
//! energies, and the baselines of Glue and Lennard-Jones (Bartók, Payne, Kondor and Csányi, Phys. Rev. Lett. 104, 136403 (2010)).
//!
//! [`GapFile`] is the file as data; [`Gap`] is the model made of it.

mod arguments;
mod clusters;
mod coordinate;
pub(crate) mod cutoff;
pub mod density;
mod describe;
mod descriptor;
mod extended;
mod file;
mod glue;
mod init_args;
mod lennard_jones;
mod numbers;
pub mod soap;
pub mod soap_turbo;
mod sparse;
mod spline;
mod two_body;
mod variance;
mod xml;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;

pub use clusters::{Angle3b, DistanceNb};
pub use coordinate::{Coordinate, Covariance};
pub use descriptor::{Descriptor, Distance2b};
pub use file::{GapFile, NEWEST_GAP_VERSION};
pub use glue::{GluePair, GlueParameters, GlueType, Table};
pub use init_args::Composition;
pub use lennard_jones::{LennardJonesParameters, LennardJonesTypes};
pub use soap::SoapParameters;
pub use soap_turbo::SoapTurboParameters;
pub use spline::EndSlope;

use super::{Description, LocalModel, RowResults, RowStyle, Rows, Want};
use crate::error::{Error, Result};
use clusters::{ClusterScratch, Clusters};
use density::{DensityScratch, DensityTerm, RadialMode, Weights};
use glue::{Glue, GlueScratch};
use lennard_jones::LennardJonesBaseline;
use std::path::Path;
use two_body::TwoBody;
pub(crate) use two_body::takes;
use variance::{VarianceScratch, Variances};

/// Most centres in one call: enough to make matrix products of them, few enough to stay in the caches.
const BLOCK: usize = 64;

/// A Gaussian approximation potential.
///
/// The energy of a centre is e0 of its element, the tabulated pair terms, the other terms and the baselines. Elements
/// that the model does not know have their e0 and are passed over otherwise, as in QUIP; [`Description::elements`] lets
/// the caller refuse them first.
pub struct Gap {
    description: Description,
    /// Energy of the isolated atom (eV) by atomic number.
    e0: [f64; 119],
    two_body: TwoBody,
    clusters: Clusters,
    densities: Vec<DensityTerm>,
    glues: Vec<Glue>,
    lennard_jones: Vec<LennardJonesBaseline>,
    variances: Option<Variances>,
}

/// Memory of [`Gap::evaluate`](LocalModel::evaluate).
#[derive(Default)]
pub struct GapScratch {
    clusters: ClusterScratch,
    density: DensityScratch,
    glue: GlueScratch,
    variance: VarianceScratch,
}

impl Gap {
    /// Reads a GAP XML file with its sparse files.
    ///
    /// Errors name file and line: anything missing, damaged or not supported.
    pub fn load(path: &Path) -> Result<Gap> {
        Gap::new(GapFile::read(path)?)
    }

    /// The model of a file that has been read.
    ///
    /// Errors when parameters are beyond what can be evaluated.
    pub fn new(file: GapFile) -> Result<Gap> {
        Self::with(file, true, variance::JITTER)
    }

    /// With or without tables of the pair and triplet terms; without, they are summed over the sparse points each time.
    /// `jitter` (eV²) is that of the variance.
    fn with(file: GapFile, tabulated: bool, jitter: f64) -> Result<Gap> {
        let variances = Variances::new(&file.coordinates, jitter);
        let two_body = TwoBody::new(&file.coordinates, tabulated);
        let clusters = Clusters::new(&file.coordinates, tabulated);
        for parameters in &file.glues {
            glue::check_range(parameters, &file.path)?;
        }
        let glues: Vec<Glue> = file.glues.iter().map(Glue::new).collect();
        let lennard_jones: Vec<LennardJonesBaseline> = file
            .lennard_jones
            .iter()
            .map(LennardJonesBaseline::new)
            .collect();
        let glue_cutoffs: Vec<f64> = glues.iter().map(Glue::cutoff).collect();
        let lennard_jones_cutoff = lennard_jones
            .iter()
            .map(LennardJonesBaseline::cutoff)
            .reduce(f64::max);
        let mut e0 = [0.0; 119];
        for (slot, value) in e0[1..].iter_mut().zip(&file.e0) {
            *slot = *value;
        }
        let mut description = describe::describe(
            &file,
            &glue_cutoffs,
            lennard_jones_cutoff,
            two_body.table_error(),
            variances.is_some(),
            BLOCK,
        );
        description.details.extend(clusters.tables());
        let mut densities = Vec::new();
        for c in file.coordinates {
            let Covariance::DotProduct { zeta } = c.covariance else {
                continue;
            };
            let weights = Weights {
                delta: c.delta,
                zeta,
                alpha: c.alpha,
                sparse_cutoff: c.sparse_cutoff,
                sparse: c.sparse,
            };
            let term = match &c.descriptor {
                Descriptor::Soap(p) => p.term(weights, RadialMode::Table),
                Descriptor::SoapTurbo(p) => p.term(weights, RadialMode::Table),
                _ => continue,
            };
            densities.push(
                term.map_err(|e| Error::file(&file.path, format!("coordinate {}: {e}", c.label)))?,
            );
        }
        Ok(Gap {
            description,
            e0,
            two_body,
            clusters,
            densities,
            glues,
            lennard_jones,
            variances,
        })
    }
}

impl LocalModel for Gap {
    type Scratch = GapScratch;

    fn description(&self) -> &Description {
        &self.description
    }

    fn block(&self) -> usize {
        BLOCK
    }

    fn style(&self) -> RowStyle {
        RowStyle::Vectors {
            names: self.clusters.needs_names(),
        }
    }

    fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut GapScratch,
        results: &mut RowResults<'_>,
    ) {
        for (energy, centre) in results.energy.iter_mut().zip(rows.centres) {
            *energy += self.e0[usize::from(centre.number())];
        }
        self.two_body.evaluate(rows, results);
        self.clusters.evaluate(rows, &mut scratch.clusters, results);
        for term in &self.densities {
            term.evaluate(rows, want, &mut scratch.density, results);
        }
        for glue in &self.glues {
            glue.evaluate(rows, &mut scratch.glue, results);
        }
        for baseline in &self.lennard_jones {
            baseline.evaluate(rows, results);
        }
        if let Some(variances) = self.variances.as_ref().filter(|_| want.reliability) {
            variances.evaluate(self, rows, scratch, results.reliability);
        }
    }
}
