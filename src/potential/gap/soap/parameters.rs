//! The hyper-parameters of a SOAP descriptor.

/// What defines a `soap` descriptor, with QUIP's defaults already filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct SoapParameters {
    /// Range (Å).
    pub cutoff: f64,
    /// Width of the cosine switch below the cutoff (Å).
    pub transition_width: f64,
    /// Largest angular momentum.
    pub l_max: usize,
    /// Number of radial functions.
    pub n_max: usize,
    /// Width of the Gaussian on each atom (Å).
    pub atom_sigma: f64,
    /// Weight of the Gaussian on the centre.
    pub central_weight: f64,
    /// Atomic number of each density channel; 0 takes every element.
    pub species: Vec<u8>,
    /// Atomic numbers of the centres; 0 or an empty list means any.
    pub centre: Vec<u8>,
    /// Whether the centre's Gaussian is in every channel instead of its own.
    pub central_reference_all_species: bool,
    /// Whether the vector is scaled to length 1.
    pub normalise: bool,
    /// Constant appended to the vector.
    pub covariance_sigma0: f64,
    /// Sets how far beyond the cutoff the radial nodes reach.
    pub basis_error_exponent: f64,
    /// Exponent of the radial weight; 0 for none.
    pub cutoff_dexp: f64,
    /// Length scale (Å) of the radial weight.
    pub cutoff_scale: f64,
    /// Offset of the radial weight.
    pub cutoff_rate: f64,
    /// Whether elements of the power spectrum are divided by sqrt(2l+1); files before gap_version 1423143769 are not.
    pub divide_by_sqrt_2l1: bool,
}

impl SoapParameters {
    /// Length of the descriptor vector, or `None` when it cannot be counted.
    pub fn dimensions(&self) -> Option<usize> {
        let channels = self.species.len().checked_mul(self.n_max)?;
        let pairs = channels.checked_mul(channels.checked_add(1)?)? / 2;
        pairs
            .checked_mul(self.l_max.checked_add(1)?)?
            .checked_add(1)
    }
}
