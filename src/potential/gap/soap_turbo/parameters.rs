//! The parameters of a `soap_turbo` descriptor and what makes them usable.

use super::compress::Compress;
use crate::elements::Element;

/// Parameters of a `soap_turbo` descriptor, with the meaning (and mostly the names) they have in GAP files.
#[derive(Clone, Debug, PartialEq)]
pub struct SoapTurboParameters {
    /// Cutoff radius (Å).
    pub rcut_hard: f64,
    /// Radius (Å) beyond which the density is damped.
    pub rcut_soft: f64,
    /// Number of widths of the damping Gaussian between the two radii.
    pub nf: f64,
    /// Highest angular momentum.
    pub l_max: usize,
    /// Radial functions.
    pub basis: Basis,
    /// Power of the distance that weights the density: 0, 1 or 2.
    pub radial_enhancement: usize,
    /// Neighbours, one entry an element.
    pub species: Vec<TurboSpecies>,
    /// Index (from 0) of the element of the centre.
    pub central: usize,
    /// Which elements of the power spectrum make the descriptor.
    pub compress: Compress,
}

/// The radial functions before they are orthonormalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Polynomials (1 - x)^(n+2).
    Poly3,
    /// The same with a Gaussian at the origin as the last one.
    Poly3Gauss,
}

/// What belongs to the neighbours of one element.
#[derive(Clone, Debug, PartialEq)]
pub struct TurboSpecies {
    /// Atomic number.
    pub number: u8,
    /// Number of radial functions.
    pub alpha_max: usize,
    /// Width (Å) of a neighbour along the radius, at r = 0.
    pub sigma_r: f64,
    /// Width (Å) across the radius, at r = 0.
    pub sigma_t: f64,
    /// Growth of the width along the radius with r.
    pub sigma_r_scaling: f64,
    /// Growth of the width across the radius with r.
    pub sigma_t_scaling: f64,
    /// Power of the switch that takes the density to zero at the cutoff; 0 for none.
    pub amplitude_scaling: f64,
    /// Weight of the centre in its own density, where it is of this element.
    pub central_weight: f64,
}

impl SoapTurboParameters {
    /// Number of radial functions over all elements.
    pub fn channels(&self) -> usize {
        self.species.iter().map(|s| s.alpha_max).sum()
    }

    /// Length of the descriptor.
    pub fn dimensions(&self) -> usize {
        self.compress.dimensions(self)
    }

    /// A line that says what it is, for `info`.
    pub(in super::super) fn line(&self) -> String {
        let symbol = |z: u8| {
            Element::from_number(z).map_or_else(|| z.to_string(), |e| e.symbol().to_owned())
        };
        let each = |f: &dyn Fn(&TurboSpecies) -> String| {
            self.species.iter().map(f).collect::<Vec<_>>().join(",")
        };
        format!(
            "soap_turbo {} with neighbours {}, {}, alpha_max {}, l_max {}, cutoffs {} and {} Å, atom_sigma_r {} Å, atom_sigma_t {} Å",
            self.species
                .get(self.central)
                .map_or_else(String::new, |s| symbol(s.number)),
            each(&|s| symbol(s.number)),
            match self.basis {
                Basis::Poly3 => "poly3",
                Basis::Poly3Gauss => "poly3gauss",
            },
            each(&|s| s.alpha_max.to_string()),
            self.l_max,
            self.rcut_soft,
            self.rcut_hard,
            each(&|s| s.sigma_r.to_string()),
            each(&|s| s.sigma_t.to_string()),
        )
    }

    /// A sentence that says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!(
                    "soap_turbo: {name} = {value} is outside {low} to {high}"
                ))
            }
        };
        let rc = self.rcut_hard;
        within("rcut_hard", rc, 0.1, 100.0)?;
        within("rcut_soft", self.rcut_soft, 0.0, rc * (1.0 - 1e-3))?;
        within("nf", self.nf, 1e-2, 1e2)?;
        within("l_max", self.l_max as f64, 0.0, 40.0)?;
        within(
            "radial_enhancement",
            self.radial_enhancement as f64,
            0.0,
            2.0,
        )?;
        within("n_species", self.species.len() as f64, 1.0, 32.0)?;
        within(
            "central_index",
            self.central as f64 + 1.0,
            1.0,
            self.species.len() as f64,
        )?;
        for (i, s) in self.species.iter().enumerate() {
            within("species_Z", f64::from(s.number), 1.0, 118.0)?;
            if self.species[..i].iter().any(|t| t.number == s.number) {
                return Err(format!(
                    "soap_turbo: species_Z lists element {} twice",
                    s.number
                ));
            }
            within("alpha_max", s.alpha_max as f64, 1.0, 20.0)?;
            for (name, sigma, scaling) in [
                ("atom_sigma_r", s.sigma_r, s.sigma_r_scaling),
                ("atom_sigma_t", s.sigma_t, s.sigma_t_scaling),
            ] {
                within(name, sigma, 3e-3 * rc, 10.0 * rc)?;
                within(&format!("{name}_scaling"), scaling, 0.0, 10.0)?;
            }
            within("amplitude_scaling", s.amplitude_scaling, 0.0, 20.0)?;
            within("central_weight", s.central_weight, -1e6, 1e6)?;
        }
        let all = self.channels() as f64;
        within("the sum of alpha_max", all, 1.0, 200.0)
    }
}
