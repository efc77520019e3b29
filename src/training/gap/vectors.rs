//! SOAP vectors of the atoms of frames.

use super::environment::Environment;
use crate::error::{Error, Result};
use crate::parallel::{self, PerThread};
use crate::potential::gap::SoapParameters;
use crate::potential::gap::density::{DensityScratch, DensityTerm, Surroundings};
use crate::system::Configuration;

/// Computes the SOAP vectors (power spectra) of atoms, as `soap` descriptors of GAP have them.
///
/// ```
/// use zundel::potential::gap::SoapParameters;
/// use zundel::training::gap::SoapVectors;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let soap = SoapVectors::new(&SoapParameters {
///     cutoff: 5.0,
///     l_max: 4,
///     n_max: 4,
///     atom_sigma: 0.5,
///     species: vec![1, 8],
///     central_reference_all_species: false,
///     ..SoapParameters::default()
/// })?;
/// # let cell = zundel::system::Cell::isolated();
/// # let elements = [zundel::elements::Element::from_number(8).ok_or("no such element")?];
/// # let frame = zundel::system::Configuration { cell: &cell, elements: &elements, positions: &[[0.0; 3]] };
/// let vectors = soap.of(frame)?;
/// assert_eq!(vectors.len(), frame.positions.len() * soap.dimensions());
/// # Ok(())
/// # }
/// ```
pub struct SoapVectors {
    term: DensityTerm,
}

#[derive(Default)]
struct Scratch {
    density: DensityScratch,
    out: Vec<Surroundings>,
}

impl SoapVectors {
    /// Errors when the parameters make no sense.
    pub fn new(parameters: &SoapParameters) -> Result<SoapVectors> {
        let term = parameters.describer().map_err(|e| Error::input("", e))?;
        Ok(SoapVectors { term })
    }

    /// Length of a vector (without the constant last element `covariance_sigma0`, which tells nothing apart).
    pub fn dimensions(&self) -> usize {
        self.term.length()
    }

    /// The vectors of all atoms of a frame, one after the other: as many rows as atoms. They have unit length (unless
    /// `normalise` is off); an atom that is not a centre of the descriptor, or has no density around it, has zeros.
    ///
    /// Errors, without a place, when the positions are not finite or atoms coincide.
    pub fn of(&self, frame: Configuration<'_>) -> Result<Vec<f64>> {
        let environment = Environment::new(frame, self.term.cutoff())?;
        let rows = environment.rows();
        let d = self.dimensions();
        let mut vectors = vec![0.0; d * rows.centres.len()];
        let mut threads = PerThread::<Scratch>::default();
        threads.prepare();
        // Blocks of eight centres, whose vectors are next to each other.
        let mut blocks: Vec<&mut [f64]> = vectors.chunks_mut(8 * d.max(1)).collect();
        parallel::for_each_mut(&mut blocks, |b, block| {
            let centres: Vec<usize> = (8 * b..(8 * b + 8).min(rows.centres.len()))
                .filter(|c| self.term.is_centre(rows.centres[*c]))
                .collect();
            let mut scratch = threads.get();
            let Scratch { density, out } = &mut *scratch;
            out.resize_with(8, Surroundings::default);
            self.term.surroundings(&rows, &centres, false, density, out);
            for (c, s) in centres.iter().zip(out.iter()) {
                let at = (c - 8 * b) * d;
                block[at..at + d].copy_from_slice(&s.q);
            }
        });
        Ok(vectors)
    }
}
