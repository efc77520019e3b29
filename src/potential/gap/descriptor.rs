//! Descriptor strings: which function of a neighbourhood a set of sparse points belongs to.

use super::arguments::{Arguments, shorten};
use super::clusters::{self, Angle3b, DistanceNb};
use super::soap::SoapParameters;
use super::soap_turbo::{self, SoapTurboParameters};
use crate::error::{Error, Result};

/// A supported descriptor with QUIP's defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Descriptor {
    /// Distance of a pair, or powers of it.
    Distance2b(Distance2b),
    /// Shape of a triangle about a centre.
    Angle3b(Angle3b),
    /// Distances within a cluster of atoms.
    DistanceNb(DistanceNb),
    /// Smooth overlap of atomic positions.
    Soap(SoapParameters),
    /// The same with polynomial radial functions.
    SoapTurbo(SoapTurboParameters),
}

impl Descriptor {
    /// Reads a descriptor string of a file with this `gap_version`. Errors carry no place.
    pub(crate) fn parse(text: &str, gap_version: u64) -> Result<Descriptor> {
        parse(text, gap_version)
    }
}

/// The parameters of a `distance_2b` descriptor.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance2b {
    /// Range (Å).
    pub cutoff: f64,
    /// Width of the cosine switch below the cutoff (Å).
    pub transition_width: f64,
    /// Atomic number of one atom, 0 for any.
    pub z1: u8,
    /// Atomic number of the other atom, 0 for any.
    pub z2: u8,
    /// Powers of the distance that make the vector; one power of 1 is the distance itself.
    pub exponents: Vec<i32>,
    /// Exponent t of the factor (erf(g r)/r)^t on the switch; 0 for none.
    pub tail_exponent: f64,
    /// The g of that factor (1/Å).
    pub tail_range: f64,
}

/// Largest cutoff (Å) taken for meant: beyond it every neighbour list explodes.
const LARGEST_CUTOFF: f64 = 100.0;

/// Descriptors of QUIP that are recognised, so that the refusal can say so.
const KNOWN: [&str; 14] = [
    "distance_2b",
    "soap",
    "angle_3b",
    "distance_nb",
    "soap_turbo",
    "eam_density",
    "coordination",
    "general_dimer",
    "general_trimer",
    "general_monomer",
    "water_monomer",
    "water_dimer",
    "molecule_lo_d",
    "soap_express",
];

/// A word of a descriptor string in the file's own spelling.
fn as_written<'a>(text: &'a str, word: &'a str) -> &'a str {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    words
        .into_iter()
        .find(|w| w.eq_ignore_ascii_case(word))
        .unwrap_or(word)
}

/// Reads a descriptor string. `gap_version` is the stamp of the file (0 when it has none). Errors carry no place.
pub(super) fn parse(text: &str, gap_version: u64) -> Result<Descriptor> {
    let arguments = Arguments::parse(text)?;
    let name = arguments
        .words()
        .find(|w| KNOWN.contains(w))
        .or_else(|| arguments.words().next())
        .ok_or_else(|| {
            Error::input(
                "",
                format!("the descriptor `{}` has no name", shorten(text.trim())),
            )
        })?;
    let within = |e: Error| match e {
        Error::Input(mut e) => {
            e.reason = format!("descriptor `{name}`: {}", e.reason);
            Error::Input(e)
        }
        e => e,
    };
    match name {
        "distance_2b" => distance_2b(&arguments)
            .map(Descriptor::Distance2b)
            .map_err(within),
        "angle_3b" => clusters::angle_3b(&arguments)
            .map(Descriptor::Angle3b)
            .map_err(within),
        "distance_nb" => clusters::distance_nb(&arguments, gap_version)
            .map(Descriptor::DistanceNb)
            .map_err(within),
        "soap" => soap(&arguments, gap_version)
            .map(Descriptor::Soap)
            .map_err(within),
        "soap_turbo" => soap_turbo::parse(&arguments)
            .map(Descriptor::SoapTurbo)
            .map_err(within),
        _ => Err(Error::input(
            "",
            format!(
                "the descriptor `{}` is not supported",
                shorten(as_written(text, name))
            ),
        )
        .advise("supported are `distance_2b`, `angle_3b`, `distance_Nb`, `soap` and `soap_turbo`")),
    }
}

pub(super) fn range(arguments: &Arguments) -> Result<(f64, f64)> {
    let cutoff = arguments.required(&["cutoff"])?;
    if !(cutoff > 0.0 && cutoff <= LARGEST_CUTOFF) {
        return Err(Error::input(
            "",
            format!("the cutoff must lie between 0 and {LARGEST_CUTOFF} Å, it is {cutoff}"),
        ));
    }
    let width = arguments
        .number(&["cutoff_transition_width"])?
        .unwrap_or(0.5);
    // Widths far below any displacement would make a step of the switch, and cost the tables their accuracy.
    if !(1e-3..=LARGEST_CUTOFF).contains(&width) {
        return Err(Error::input(
            "",
            format!(
                "`cutoff_transition_width` must lie between 0.001 and {LARGEST_CUTOFF} Å, it is {width}"
            ),
        ));
    }
    Ok((cutoff, width))
}

/// Refuses the keys of descriptors that want to know molecules.
pub(super) fn refuse_molecules(arguments: &Arguments) -> Result<()> {
    for key in ["only_intra", "only_inter"] {
        if arguments.logical(&[key])? == Some(true) {
            return Err(Error::input(
                "",
                format!("`{key}=T` is not supported: it needs molecules"),
            ));
        }
    }
    if arguments.text("resid_name").is_some_and(|t| !t.is_empty()) {
        return Err(Error::input(
            "",
            "`resid_name` is not supported: it needs molecules",
        ));
    }
    Ok(())
}

fn distance_2b(arguments: &Arguments) -> Result<Distance2b> {
    let (cutoff, transition_width) = range(arguments)?;
    refuse_molecules(arguments)?;
    let one = |key: &str| {
        arguments
            .atomic_numbers(key, 1)
            .map(|z| z.map_or(0, |z| z[0]))
    };
    let count = arguments.count("n_exponents", 16)?;
    let exponents = match (count, arguments.integers("exponents")?) {
        (None, None) => vec![1],
        (Some(n), None) if n >= 1 => (1..=n as i32).map(|p| -p).collect(),
        (n, Some(list)) if n.unwrap_or(1) == list.len() && n != Some(0) => list,
        _ => {
            return Err(Error::input(
                "",
                "`n_exponents` does not count the `exponents`",
            ));
        }
    };
    if exponents.iter().any(|p| !(-64..=64).contains(p)) {
        return Err(Error::input("", "an exponent is outside -64 to 64"));
    }
    let tail_exponent = arguments.number(&["tail_exponent"])?.unwrap_or(0.0);
    let tail_range = arguments.number(&["tail_range"])?.unwrap_or(1.0);
    if tail_exponent != 0.0
        && !(tail_range > 0.0 && tail_range < 1e3 && tail_exponent.abs() <= 64.0)
    {
        return Err(Error::input(
            "",
            "`tail_range` must be positive and `tail_exponent` between -64 and 64",
        ));
    }
    Ok(Distance2b {
        cutoff,
        transition_width,
        z1: one("z1")?,
        z2: one("z2")?,
        exponents,
        tail_exponent,
        tail_range,
    })
}

fn soap(arguments: &Arguments, gap_version: u64) -> Result<SoapParameters> {
    let (cutoff, transition_width) = range(arguments)?;
    refuse_variants(arguments)?;
    let l_max = arguments.required_count("l_max", 50)?;
    let n_max = arguments.required_count("n_max", 100)?;
    if n_max == 0 {
        return Err(Error::input("", "`n_max` must be at least 1"));
    }
    let atom_sigma = arguments.required(&["atom_sigma", "atom_gaussian_width"])?;
    if !(0.01..=20.0).contains(&atom_sigma) {
        return Err(Error::input(
            "",
            format!("`atom_sigma` must lie between 0.01 and 20 Å, it is {atom_sigma}"),
        ));
    }
    let stated = arguments.count("n_species", 118)?;
    if stated.is_none() && arguments.text("species_z").is_some() {
        return Err(Error::input(
            "",
            "`species_Z` needs `n_species`, the number of its elements",
        ));
    }
    let n_species = stated.unwrap_or(1);
    let species = match arguments.atomic_numbers("species_z", n_species)? {
        Some(species) if !species.is_empty() => species,
        None if n_species == 1 => vec![0],
        _ => {
            return Err(Error::input(
                "",
                format!("`n_species={n_species}` needs a list `species_Z`"),
            ));
        }
    };
    if (1..species.len()).any(|i| species[..i].contains(&species[i])) {
        return Err(Error::input("", "`species_Z` names an element twice"));
    }
    let centre = arguments
        .atomic_numbers("z", arguments.count("n_z", 118)?.unwrap_or(1))?
        .unwrap_or_default();
    // Files older than these stamps put the centre into every channel; later ones do for a single species only.
    let all_species = arguments
        .logical(&["central_reference_all_species"])?
        .unwrap_or(n_species == 1);
    let basis_error_exponent = arguments.number(&["basis_error_exponent"])?.unwrap_or(10.0);
    if !(0.0..=300.0).contains(&basis_error_exponent) {
        return Err(Error::input(
            "",
            "`basis_error_exponent` must lie between 0 and 300",
        ));
    }
    let (cutoff_dexp, cutoff_scale, cutoff_rate) = (
        arguments.number(&["cutoff_dexp"])?.unwrap_or(0.0),
        arguments.number(&["cutoff_scale"])?.unwrap_or(1.0),
        arguments.number(&["cutoff_rate"])?.unwrap_or(1.0),
    );
    if cutoff_dexp < 0.0 || cutoff_rate < 0.0 || cutoff_dexp > 0.0 && cutoff_scale <= 0.0 {
        return Err(Error::input(
            "",
            "`cutoff_dexp` and `cutoff_rate` must not be negative, `cutoff_scale` must be positive",
        ));
    }
    let parameters = SoapParameters {
        cutoff,
        transition_width,
        l_max,
        n_max,
        atom_sigma,
        central_weight: arguments.number(&["central_weight"])?.unwrap_or(1.0),
        species,
        centre,
        central_reference_all_species: all_species || gap_version < 1_426_512_068,
        normalise: arguments
            .logical(&["normalise", "normalize"])?
            .unwrap_or(true),
        covariance_sigma0: arguments.number(&["covariance_sigma0"])?.unwrap_or(0.0),
        basis_error_exponent,
        cutoff_dexp,
        cutoff_scale,
        cutoff_rate,
        divide_by_sqrt_2l1: gap_version >= 1_423_143_769,
    };
    parameters
        .check()
        .map_err(|e| Error::input("", e.trim_start_matches("soap: ").to_owned()))?;
    Ok(parameters)
}

/// Refuses the keys that change the vector in ways this program does not know, unless they have their default value.
fn refuse_variants(arguments: &Arguments) -> Result<()> {
    let refuse = |key: &str, value: &str| {
        Error::input("", format!("`{key}={}` is not supported", shorten(value)))
            .advise("models with a compressed or averaged soap vector, or another radial basis, cannot be read yet")
    };
    for (key, default) in [
        ("diagonal_radial", false),
        ("average", false),
        ("z_mix", false),
        ("r_mix", false),
        ("sym_mix", false),
        ("coupling", true),
    ] {
        if let Some(value) = arguments.logical(&[key])?
            && value != default
        {
            return Err(refuse(key, if value { "T" } else { "F" }));
        }
    }
    for (key, default) in [("nu_r", 2), ("nu_s", 2), ("k", 0)] {
        if let Some(value) = arguments.count(key, 1 << 20)?
            && value != default
        {
            return Err(refuse(key, &value.to_string()));
        }
    }
    if let Some(value) = arguments.text("z_map").filter(|v| !v.is_empty()) {
        return Err(refuse("Z_map", value));
    }
    match arguments.text("radial_basis") {
        Some(value) if !value.eq_ignore_ascii_case("EQUISPACED_GAUSS") => {
            Err(refuse("radial_basis", value))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        parse(text, 2_000_000_000).unwrap_err().to_string()
    }

    #[test]
    fn two_body_strings() {
        let Descriptor::Distance2b(d) = parse(
            "distance_2b cutoff=4.0 covariance_type=ard_se delta=0.5 Z1=8 Z2=8 Z2=1",
            0,
        )
        .unwrap() else {
            panic!()
        };
        assert_eq!((d.cutoff, d.transition_width, d.z1, d.z2), (4.0, 0.5, 8, 1));
        assert_eq!((d.exponents, d.tail_exponent), (vec![1], 0.0));
        let Descriptor::Distance2b(d) =
            parse("distance_2b cutoff=4 n_exponents=2 tail_exponent=6", 0).unwrap()
        else {
            panic!()
        };
        assert_eq!((d.exponents, d.z1, d.tail_range), (vec![-1, -2], 0, 1.0));
        assert!(parse("distance_2b cutoff=4 only_intra=F resid_name=\"\"", 0).is_ok());
        assert!(
            reason("distance_2b cutoff=4 only_inter=T").contains("`only_inter=T` is not supported")
        );
        assert!(reason("distance_2b cutoff=4 exponents={-2 -3}").contains("n_exponents"));
        assert!(reason("distance_2b").contains("`cutoff` is missing"));
        assert!(reason("distance_2b cutoff=1e9").contains("must lie between"));
        assert!(reason("distance_2b cutoff=4 cutoff_transition_width=0").contains("transition"));
    }

    #[test]
    fn soap_strings() {
        let text = "soap atom_sigma=0.5 l_max=8 n_max=8 cutoff=6.0 cutoff_transition_width=1.0 delta=0.01 n_species=2 \
                    species_z={1 6} n_sparse=100 covariance_type=dot_product zeta=4.0 n_species=2 Z=6 species_Z={6 1 }";
        let Descriptor::Soap(p) = parse(text, 1_600_000_000).unwrap() else {
            panic!()
        };
        assert_eq!(
            (p.l_max, p.n_max, p.species.as_slice(), p.centre.as_slice()),
            (8, 8, &[6, 1][..], &[6][..])
        );
        assert!(!p.central_reference_all_species && p.divide_by_sqrt_2l1 && p.normalise);
        assert_eq!(p.dimensions(), 1225);
        let Descriptor::Soap(p) = parse(text, 1_423_607_965).unwrap() else {
            panic!()
        };
        assert!(p.central_reference_all_species && p.divide_by_sqrt_2l1);
        let Descriptor::Soap(p) = parse(
            "l_max=4 n_max=4 SOAP cutoff=4 atom_sigma=0.4 atom_gaussian_width=0.5",
            0,
        )
        .unwrap() else {
            panic!()
        };
        assert_eq!(
            (p.species, p.centre, p.atom_sigma, p.divide_by_sqrt_2l1),
            (vec![0], vec![], 0.5, false)
        );
        assert!(p.central_reference_all_species);
    }

    #[test]
    fn what_would_change_the_energy_is_refused_by_name() {
        let base = "soap cutoff=4 l_max=2 n_max=2 atom_sigma=0.5";
        for key in [
            "diagonal_radial=T",
            "nu_R=1",
            "nu_S=0",
            "Z_mix=T",
            "R_mix=T",
            "K=3",
            "coupling=F",
            "Z_map={14}",
            "radial_basis=GTO",
            "average=T",
        ] {
            let message = reason(&format!("{base} {key}"));
            assert!(message.contains("is not supported"), "{message}");
            assert!(
                message
                    .to_lowercase()
                    .contains(&key.split('=').next().unwrap().to_lowercase()),
                "{message}"
            );
        }
        let same = "diagonal_radial=F nu_R=2 nu_S=2 Z_mix=F R_mix=F K=0 coupling=T radial_basis=EQUISPACED_GAUSS add_species=T foo=7";
        assert!(parse(&format!("{base} {same}"), 0).is_ok());
        for bad in [
            "n_species=2",
            "species_Z={6 14}",
            "species_Z={14}",
            "n_species=2 species_Z={6 6}",
            "n_species=0 species_Z={}",
            "species_Z={14}",
            "Z={6 14}",
            "n_max=0",
        ] {
            assert!(parse(&format!("{base} {bad}"), 0).is_err(), "{bad}");
        }
        assert!(reason("soap l_max=999999999 n_max=2 cutoff=4 atom_sigma=0.5").contains("l_max"));
        assert!(reason("eam_density cutoff=3 Z=14").contains("`eam_density` is not supported"));
        assert!(reason("General_Dimer cutoff=4").contains("`General_Dimer` is not supported"));
        assert!(reason(" cutoff=4").contains("no name"));
    }
}
