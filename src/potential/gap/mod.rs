//! Gaussian approximation potentials from QUIP's XML files: `distance_2b` and `soap` descriptors, isolated-atom
//! energies, and the Glue baseline (Bartók, Payne, Kondor and Csányi, Phys. Rev. Lett. 104, 136403 (2010)).
//!
//! [`GapFile`] is the file as data; [`Gap`] is the model made of it.

mod arguments;
mod clusters;
mod coordinate;
mod cutoff;
pub mod density;
mod describe;
mod descriptor;
mod extended;
mod file;
mod glue;
mod init_args;
mod numbers;
pub mod soap;
pub mod soap_turbo;
mod sparse;
mod spline;
mod two_body;
mod xml;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;

pub use clusters::{Angle3b, DistanceNb};
pub use coordinate::{Coordinate, Covariance};
pub use descriptor::{Descriptor, Distance2b};
pub use file::{GapFile, NEWEST_GAP_VERSION};
pub use glue::{GluePair, GlueParameters, GlueType, Table};
pub use init_args::Composition;
pub use soap::SoapParameters;
pub use soap_turbo::SoapTurboParameters;
pub use spline::EndSlope;

use super::{Description, LocalModel, RowResults, RowStyle, Rows, Want};
use crate::error::{Error, Result};
use clusters::{ClusterScratch, Clusters};
use density::{DensityScratch, DensityTerm, RadialMode, Weights};
use glue::{Glue, GlueScratch};
use std::path::Path;
use two_body::TwoBody;

/// Most centres in one call: enough to make matrix products of them, few enough to stay in the caches.
const BLOCK: usize = 64;

/// A Gaussian approximation potential.
///
/// The energy of a centre is e0 of its element, the tabulated pair terms, the `soap` terms and the Glue baseline. Elements
/// that the model does not know have their e0 and are passed over otherwise, as in QUIP; [`Description::elements`] lets
/// the caller refuse them first.
pub struct Gap {
    description: Description,
    /// Energy of the isolated atom (eV) by atomic number.
    e0: [f64; 119],
    two_body: TwoBody,
    clusters: Clusters,
    densities: Vec<DensityTerm>,
    glue: Option<Glue>,
}

/// Memory of [`Gap::evaluate`](LocalModel::evaluate).
#[derive(Default)]
pub struct GapScratch {
    clusters: ClusterScratch,
    density: DensityScratch,
    glue: GlueScratch,
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
        Self::with_tables(file, true)
    }

    /// With or without tables of the pair and triplet terms; without, they are summed over the sparse points each time.
    fn with_tables(file: GapFile, tabulated: bool) -> Result<Gap> {
        let two_body = TwoBody::new(&file.coordinates, tabulated);
        let clusters = Clusters::new(&file.coordinates, tabulated);
        let glue = match &file.glue {
            Some(parameters) => {
                glue::check_range(parameters, &file.path)?;
                Some(Glue::new(parameters))
            }
            None => None,
        };
        let mut e0 = [0.0; 119];
        for (slot, value) in e0[1..].iter_mut().zip(&file.e0) {
            *slot = *value;
        }
        let mut description = describe::describe(
            &file,
            glue.as_ref().map(Glue::cutoff),
            two_body.table_error(),
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
            glue,
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
        if let Some(glue) = &self.glue {
            glue.evaluate(rows, &mut scratch.glue, results);
        }
    }
}
