//! Descriptor strings as `gap_fit` writes them.

use crate::error::{Error, Result};
use crate::potential::gap::Descriptor;
use crate::potential::gap::soap_turbo::{Basis, Compress, SoapTurboParameters};
use std::fmt::Write as _;

/// The `gap_version` of files that are written: descriptors mean what they mean today, and QUIP versions since 2020, which
/// refuse files newer than themselves, still read it.
pub(super) const WRITTEN_GAP_VERSION: u64 = 1_600_000_000;

/// The string of a descriptor. Errors for what has none here.
pub(super) fn descriptor_text(descriptor: &Descriptor) -> Result<String> {
    Ok(match descriptor {
        Descriptor::Distance2b(d) => format!(
            "distance_2b cutoff={:?} cutoff_transition_width={:?} Z1={} Z2={}",
            d.cutoff, d.transition_width, d.z1, d.z2
        ),
        Descriptor::Angle3b(d) => format!(
            "angle_3b cutoff={:?} cutoff_transition_width={:?} Z={} Z1={} Z2={}",
            d.cutoff, d.transition_width, d.centre, d.z1, d.z2
        ),
        Descriptor::Soap(p) => {
            let mut text = format!(
                "soap l_max={} n_max={} atom_sigma={:?} cutoff={:?} cutoff_transition_width={:?} central_weight={:?}",
                p.l_max, p.n_max, p.atom_sigma, p.cutoff, p.transition_width, p.central_weight
            );
            if !p.normalise {
                text += " normalise=F";
            }
            if p.covariance_sigma0 != 0.0 {
                let _ = write!(text, " covariance_sigma0={:?}", p.covariance_sigma0);
            }
            if p.basis_error_exponent != 10.0 {
                let _ = write!(text, " basis_error_exponent={:?}", p.basis_error_exponent);
            }
            if p.cutoff_dexp != 0.0 {
                let _ = write!(
                    text,
                    " cutoff_dexp={} cutoff_scale={:?} cutoff_rate={:?}",
                    p.cutoff_dexp, p.cutoff_scale, p.cutoff_rate
                );
            }
            if p.central_reference_all_species && p.species.len() > 1 {
                text += " central_reference_all_species=T";
            }
            let _ = write!(
                text,
                " n_species={} species_Z={{{}}}",
                p.species.len(),
                list(p.species.iter())
            );
            match p.centre[..] {
                [z] => {
                    let _ = write!(text, " Z={z}");
                }
                _ => return Err(Error::Bug("a soap coordinate without its centre".into())),
            }
            text
        }
        Descriptor::SoapTurbo(p) => turbo(p)?,
        Descriptor::DistanceNb(_) => {
            return Err(Error::Bug("a fit of distance_Nb is not offered".into()));
        }
    })
}

fn turbo(p: &SoapTurboParameters) -> Result<String> {
    let each = |f: &dyn Fn(&crate::potential::gap::soap_turbo::TurboSpecies) -> String| {
        p.species.iter().map(f).collect::<Vec<_>>().join(" ")
    };
    let mut text = format!(
        "soap_turbo l_max={} rcut_hard={:?} rcut_soft={:?} nf={:?} basis={} scaling_mode=polynomial radial_enhancement={}",
        p.l_max,
        p.rcut_hard,
        p.rcut_soft,
        p.nf,
        match p.basis {
            Basis::Poly3 => "poly3",
            Basis::Poly3Gauss => "poly3gauss",
        },
        p.radial_enhancement
    );
    let _ = write!(
        text,
        " n_species={} species_Z={{{}}} central_index={}",
        p.species.len(),
        list(p.species.iter().map(|s| &s.number)),
        p.central + 1
    );
    let _ = write!(
        text,
        " alpha_max={{{}}} atom_sigma_r={{{}}} atom_sigma_t={{{}}} atom_sigma_r_scaling={{{}}} atom_sigma_t_scaling={{{}}} \
         amplitude_scaling={{{}}} central_weight={{{}}}",
        each(&|s| s.alpha_max.to_string()),
        each(&|s| format!("{:?}", s.sigma_r)),
        each(&|s| format!("{:?}", s.sigma_t)),
        each(&|s| format!("{:?}", s.sigma_r_scaling)),
        each(&|s| format!("{:?}", s.sigma_t_scaling)),
        each(&|s| format!("{:?}", s.amplitude_scaling)),
        each(&|s| format!("{:?}", s.central_weight)),
    );
    match &p.compress {
        Compress::None => {}
        Compress::Trivial => text += " compress_mode=trivial",
        Compress::File(_) | Compress::Map(_) => {
            return Err(Error::input(
                "",
                "soap_turbo: fits with a table of compression are not offered",
            )
            .advise("use `trivial` compression, or none"));
        }
    }
    Ok(text)
}

fn list<'a>(numbers: impl Iterator<Item = &'a u8>) -> String {
    numbers.map(u8::to_string).collect::<Vec<_>>().join(" ")
}
