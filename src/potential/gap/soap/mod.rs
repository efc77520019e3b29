//! The descriptor `soap`: the density of neighbours on equispaced radial Gaussians
//! (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)). The stages of its evaluation are those of [`density`](super::density).

mod cutoff;
mod parameters;
mod radial;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_support;

pub use parameters::SoapParameters;

use super::density::{Channel, DensityTerm, Parts, PowerSpectrum, RadialMode, Shape, Weights, Y00};
pub(super) use radial::RadialBasis;
use std::sync::Arc;

impl SoapParameters {
    /// A coordinate ready for evaluation: kernel, weights and points, each [`SoapParameters::dimensions`] long.
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
        let basis = RadialBasis::new(self)?;
        let centre = self.central_weight * basis.centre * Y00;
        let channels = self.species.iter().map(|&number| Channel {
            number,
            radial: 0,
            centre: vec![centre],
            any_centre: self.central_reference_all_species,
        });
        let count = self.channels() as u32;
        let pairs = (0..count).flat_map(|a| (0..=a).map(move |b| [a, b]));
        let factor = |l: usize| {
            if self.divide_by_sqrt_2l1 {
                1.0 / ((2 * l + 1) as f64).sqrt()
            } else {
                1.0
            }
        };
        let power = PowerSpectrum::new(Shape {
            channels: self.channels(),
            l_max: self.l_max,
            pairs: pairs.collect(),
            factor: (0..=self.l_max).map(factor).collect(),
            compression: None,
            unit_above: self.normalise.then_some(0.0),
        });
        Ok(Parts {
            name: "soap",
            channels: channels.collect(),
            radials: vec![Arc::new(basis)],
            centre: self.centre.clone(),
            power,
            constant: Some(self.covariance_sigma0),
        })
    }
}
