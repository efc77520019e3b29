//! The descriptor `soap_turbo`: separate widths of the density along and across the radius, polynomial radial functions,
//! weights by distance, compressed power spectra (Caro, Phys. Rev. B 100, 024112 (2019)). The stages of its evaluation are
//! those of [`density`](super::density).

mod compress;
mod integrals;
mod orthonormal;
mod parameters;
mod parse;
mod radial;
#[cfg(test)]
mod tests;

pub use compress::{Compress, Map};
pub use parameters::{Basis, SoapTurboParameters, TurboSpecies};
pub(super) use parse::parse;

use super::density::{
    Channel, DensityTerm, Parts, PowerSpectrum, RadialFunctions, RadialMode, Shape, Weights,
};
use radial::TurboRadial;
use std::sync::Arc;

/// Descriptors shorter than this are not scaled to unit length.
const SHORTEST: f64 = 1e-5;

impl SoapTurboParameters {
    /// A coordinate ready for evaluation: kernel, weights and points, each [`SoapTurboParameters::dimensions`] long.
    ///
    /// Errors with a sentence when lengths do not fit, numbers are not finite, or parameters make no sense.
    pub fn term(&self, weights: Weights, mode: RadialMode) -> Result<DensityTerm, String> {
        DensityTerm::new(self.parts()?, weights, mode)
    }

    /// The same without sparse points, for the descriptors of atoms.
    pub(crate) fn describer(&self) -> Result<DensityTerm, String> {
        DensityTerm::without_points(self.parts()?)
    }

    fn parts(&self) -> Result<Parts, String> {
        self.check()?;
        if let Compress::File(name) = &self.compress {
            return Err(format!("soap_turbo: the table {name} has not been read"));
        }
        let mut radials: Vec<Arc<dyn RadialFunctions>> = Vec::new();
        let mut channels: Vec<Channel> = Vec::new();
        for (z, species) in self.species.iter().enumerate() {
            let functions = TurboRadial::new(self, z)?;
            let centre = if z == self.central {
                functions.centre()
            } else {
                Vec::new()
            };
            // Elements with the same functions share one table.
            let same = self.species[..z]
                .iter()
                .position(|s| s.same_radial(species));
            let radial = match same {
                Some(first) => channels[first].radial,
                None => {
                    radials.push(Arc::new(functions));
                    radials.len() - 1
                }
            };
            channels.push(Channel {
                number: species.number,
                radial,
                centre,
                any_centre: false,
            });
        }
        let power = PowerSpectrum::new(Shape {
            channels: self.channels(),
            l_max: self.l_max,
            pairs: self.compress.pairs(self),
            factor: vec![1.0; self.l_max + 1],
            compression: self.compress.map(self),
            unit_above: Some(SHORTEST),
        });
        Ok(Parts {
            name: "soap_turbo",
            radials,
            channels,
            centre: vec![self.species[self.central].number],
            power,
            constant: None,
        })
    }
}

impl TurboSpecies {
    /// Whether the radial functions of neighbours are the same.
    fn same_radial(&self, other: &TurboSpecies) -> bool {
        let neutral = |s: &TurboSpecies| TurboSpecies {
            number: 0,
            central_weight: 0.0,
            ..s.clone()
        };
        neutral(self) == neutral(other)
    }
}
