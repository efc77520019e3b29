//! The form of a potential: everything about it but its coefficients, and where these stand.

use super::contraction::Contraction;
use super::monomials::Monomials;
use crate::error::Result;
use crate::potential::mtp::MtpFile;
use crate::simd::F64x8;

/// The form of a potential that is being fitted.
///
/// Its coefficients θ stand in the order of MLIP: radial `[centre][neighbour][mu][polynomial]`, then the species' energies, then those
/// of the scalars.
pub(super) struct Form {
    pub species: usize,
    pub functions: usize,
    pub size: usize,
    pub contraction: Contraction,
    pub monomials: Monomials,
    /// Radial function and monomial of each basic moment.
    pub basic: Vec<(usize, usize)>,
    pub lo: f64,
    pub hi: f64,
    pub scaling: f64,
}

impl Form {
    pub fn new(file: &MtpFile) -> Result<Form> {
        Ok(Form {
            species: file.species_count,
            functions: file.functions,
            size: file.basis.size,
            contraction: Contraction::new(file)?,
            monomials: Monomials::new(&file.basic),
            basic: file
                .basic
                .iter()
                .map(|i| (usize::from(i.mu), Monomials::of(i)))
                .collect(),
            lo: file.basis.min_dist,
            hi: file.basis.max_dist,
            scaling: file.total_scaling(),
        })
    }

    /// Coefficients of one centre's radial functions.
    pub fn block(&self) -> usize {
        self.species * self.functions * self.size
    }

    /// Number of radial coefficients.
    pub fn radial(&self) -> usize {
        self.species * self.block()
    }

    /// Number of scalars.
    pub fn scalars(&self) -> usize {
        self.contraction.scalars.len()
    }

    /// Number of all coefficients.
    pub fn len(&self) -> usize {
        self.radial() + self.species + self.scalars()
    }

    /// Lanes of the radial block of one centre in an equation.
    pub fn radial_lanes(&self) -> usize {
        self.block().div_ceil(F64x8::WIDTH)
    }

    /// Lanes of the linear block: scalars, the remainder, species.
    pub fn linear_lanes(&self) -> usize {
        (self.scalars() + 1 + self.species).div_ceil(F64x8::WIDTH)
    }

    /// Lanes of an equation.
    pub fn lanes(&self) -> usize {
        self.species * self.radial_lanes() + self.linear_lanes()
    }

    fn linear(&self) -> usize {
        self.species * self.radial_lanes() * F64x8::WIDTH
    }

    /// The column of the remainder in an equation.
    pub fn remainder(&self) -> usize {
        self.linear() + self.scalars()
    }

    /// The column of each coefficient in an equation.
    pub fn columns(&self) -> Vec<usize> {
        let radial = (0..self.species).flat_map(|c| {
            let start = c * self.radial_lanes() * F64x8::WIDTH;
            start..start + self.block()
        });
        let species = (0..self.species).map(|s| self.remainder() + 1 + s);
        let scalars = self.linear()..self.remainder();
        radial.chain(species).chain(scalars).collect()
    }
}
