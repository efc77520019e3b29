//! The parameters of a SOAP descriptor and what makes them usable.

/// Parameters of a SOAP descriptor, with the meaning (and mostly the names) they have in GAP files.
#[derive(Clone, Debug, PartialEq)]
pub struct SoapParameters {
    /// Cutoff radius (Å).
    pub cutoff: f64,
    /// Width of the cosine that takes the neighbour density to zero at the cutoff (Å); 0 for a sharp cut.
    pub transition_width: f64,
    /// Highest angular momentum.
    pub l_max: usize,
    /// Number of radial functions.
    pub n_max: usize,
    /// Width of the Gaussian put on every neighbour (Å).
    pub atom_sigma: f64,
    /// Weight of the Gaussian on the centre itself.
    pub central_weight: f64,
    /// Atomic number of each density channel; a single 0 takes every element.
    pub species: Vec<u8>,
    /// Atomic numbers of the centres; empty or 0 for every element.
    pub centre: Vec<u8>,
    /// The Gaussian of the centre goes into every channel, not only into that of its own element.
    pub central_reference_all_species: bool,
    /// The descriptor is scaled to unit length.
    pub normalise: bool,
    /// The constant last element of the descriptor.
    pub covariance_sigma0: f64,
    /// Exponent that sets how far beyond the cutoff the radial nodes reach.
    pub basis_error_exponent: f64,
    /// Exponent of the radial scaling rate/(rate + (r/scale)^exponent); 0 for none.
    pub cutoff_dexp: f64,
    /// Length of the radial scaling (Å).
    pub cutoff_scale: f64,
    /// Rate of the radial scaling; 0 for a pure power.
    pub cutoff_rate: f64,
    /// Power-spectrum elements carry 1/sqrt(2l+1) (all but the oldest files).
    pub divide_by_sqrt_2l1: bool,
}

impl Default for SoapParameters {
    /// The defaults of the file format; cutoff, l_max, n_max and atom_sigma have none there and are zero here.
    fn default() -> Self {
        SoapParameters {
            cutoff: 0.0,
            transition_width: 0.5,
            l_max: 0,
            n_max: 0,
            atom_sigma: 0.0,
            central_weight: 1.0,
            species: vec![0],
            centre: Vec::new(),
            central_reference_all_species: true,
            normalise: true,
            covariance_sigma0: 0.0,
            basis_error_exponent: 10.0,
            cutoff_dexp: 0.0,
            cutoff_scale: 1.0,
            cutoff_rate: 1.0,
            divide_by_sqrt_2l1: true,
        }
    }
}

impl SoapParameters {
    /// Number of radial functions over all channels.
    pub fn channels(&self) -> usize {
        self.species.len() * self.n_max
    }

    /// Length of the descriptor including its constant last element.
    pub fn dimensions(&self) -> usize {
        let n = self.channels();
        n * (n + 1) / 2 * (self.l_max + 1) + 1
    }

    /// A sentence that says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let numbers = [
            ("cutoff", self.cutoff),
            ("cutoff_transition_width", self.transition_width),
            ("atom_sigma", self.atom_sigma),
            ("central_weight", self.central_weight),
            ("covariance_sigma0", self.covariance_sigma0),
            ("basis_error_exponent", self.basis_error_exponent),
            ("cutoff_dexp", self.cutoff_dexp),
            ("cutoff_scale", self.cutoff_scale),
            ("cutoff_rate", self.cutoff_rate),
        ];
        if let Some((name, value)) = numbers.iter().find(|n| !n.1.is_finite()) {
            return Err(format!("soap: {name} = {value} is not a finite number"));
        }
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("soap: {name} = {value} is outside {low} to {high}"))
            }
        };
        within("cutoff", self.cutoff, 1e-3, 1e3)?;
        within(
            "cutoff_transition_width",
            self.transition_width,
            0.0,
            self.cutoff,
        )?;
        within(
            "atom_sigma",
            self.atom_sigma,
            self.cutoff * 1e-3,
            self.cutoff * 1e2,
        )?;
        within("l_max", self.l_max as f64, 0.0, 40.0)?;
        within("n_max", self.n_max as f64, 1.0, 60.0)?;
        within(
            "basis_error_exponent",
            self.basis_error_exponent,
            0.0,
            300.0,
        )?;
        within("cutoff_dexp", self.cutoff_dexp, 0.0, 100.0)?;
        within("cutoff_rate", self.cutoff_rate, 0.0, 1e12)?;
        within("cutoff_scale", self.cutoff_scale, 1e-6, 1e6)?;
        if self.species.is_empty() || self.species.len() > 32 {
            return Err(format!(
                "soap: n_species = {} is outside 1 to 32",
                self.species.len()
            ));
        }
        if self.species.len() > 1 && self.species.contains(&0) {
            return Err(
                "soap: species_Z = 0 (any element) cannot stand beside other elements".into(),
            );
        }
        for (i, z) in self.species.iter().enumerate() {
            if self.species[..i].contains(z) {
                return Err(format!("soap: species_Z lists element {z} twice"));
            }
        }
        within(
            "the number of radial functions of all species",
            self.channels() as f64,
            1.0,
            400.0,
        )
    }
}
