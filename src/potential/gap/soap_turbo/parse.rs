//! The keys of a `soap_turbo` descriptor string.

use super::compress::Compress;
use super::parameters::{Basis, SoapTurboParameters, TurboSpecies};
use crate::error::{Error, Result};
use crate::potential::gap::arguments::{Arguments, shorten};
use crate::potential::gap::numbers::append_numbers;

/// Reads the arguments of a descriptor. Errors carry no place. A `compress_file` is named, not read.
pub(in super::super) fn parse(arguments: &Arguments) -> Result<SoapTurboParameters> {
    let reason = |text: String| Error::input("", text);
    let rcut_hard = match arguments.number(&["rcut_hard"])? {
        Some(rc) => rc,
        None => arguments
            .number(&["cutoff"])?
            .ok_or_else(|| reason("the key `rcut_hard` is missing".into()))?,
    };
    let rcut_soft = match arguments.number(&["rcut_soft"])? {
        Some(rs) => rs,
        None => {
            let width = arguments.number(&["cutoff_transition_width"])?;
            rcut_hard - width.unwrap_or(0.5)
        }
    };
    let l_max = arguments.required_count("l_max", 40)?;
    let count = arguments.count("n_species", 32)?.unwrap_or(1);
    let numbers = arguments
        .atomic_numbers("species_z", count)?
        .filter(|z| !z.is_empty())
        .ok_or_else(|| reason("the key `species_Z` is missing".into()))?;
    let alpha_max = match list(arguments, "alpha_max", count)? {
        Some(list) => list,
        None => list_or(arguments, "n_max", count, None, "alpha_max")?,
    };
    let alpha_max: Vec<usize> = alpha_max
        .into_iter()
        .map(|n| {
            let whole = (n.fract() == 0.0 && (1.0..=20.0).contains(&n)).then_some(n as usize);
            whole.ok_or_else(|| {
                reason(format!(
                    "`alpha_max` must be a whole number from 1 to 20, it is {n}"
                ))
            })
        })
        .collect::<Result<_>>()?;
    let sigma = |key: &str, general: &str, default: Option<f64>| -> Result<Vec<f64>> {
        match list(arguments, key, count)? {
            Some(list) => Ok(list),
            None => list_or(arguments, general, count, default, key),
        }
    };
    let sigma_r = sigma("atom_sigma_r", "atom_sigma", None)?;
    let sigma_t = sigma("atom_sigma_t", "atom_sigma", None)?;
    let sigma_r_scaling = sigma("atom_sigma_r_scaling", "atom_sigma_scaling", Some(0.0))?;
    let sigma_t_scaling = sigma("atom_sigma_t_scaling", "atom_sigma_scaling", Some(0.0))?;
    let amplitude_scaling = list(arguments, "amplitude_scaling", count)?;
    let one = |list: &Option<Vec<f64>>, i: usize| list.as_ref().map_or(1.0, |l| l[i]);
    // The reference code looks at a list only; a single number leaves the weight at 1.
    let central_weight = list(arguments, "central_weight", count)?.filter(|_| {
        let text = arguments.text("central_weight").unwrap_or_default();
        text.split_ascii_whitespace().count() > 1
    });
    let species = (0..count).map(|i| TurboSpecies {
        number: numbers[i],
        alpha_max: alpha_max[i],
        sigma_r: sigma_r[i],
        sigma_t: sigma_t[i],
        sigma_r_scaling: sigma_r_scaling[i],
        sigma_t_scaling: sigma_t_scaling[i],
        amplitude_scaling: one(&amplitude_scaling, i),
        central_weight: one(&central_weight, i),
    });
    let central = arguments.count("central_index", count)?.unwrap_or(1);
    let parameters = SoapTurboParameters {
        rcut_hard,
        rcut_soft,
        nf: arguments.number(&["nf"])?.unwrap_or(4.0),
        l_max,
        basis: basis(arguments)?,
        radial_enhancement: arguments.count("radial_enhancement", 2)?.unwrap_or(0),
        species: species.collect(),
        central: central
            .checked_sub(1)
            .ok_or_else(|| reason("`central_index` counts from 1".into()))?,
        compress: compress(arguments)?,
    };
    parameters
        .check()
        .map_err(|e| reason(e.trim_start_matches("soap_turbo: ").to_owned()))?;
    Ok(parameters)
}

fn basis(arguments: &Arguments) -> Result<Basis> {
    if let Some(mode) = arguments.text("scaling_mode")
        && !mode.eq_ignore_ascii_case("polynomial")
    {
        return Err(Error::input(
            "",
            format!("`scaling_mode={}` is not supported", shorten(mode)),
        )
        .advise("the only known mode is `polynomial`"));
    }
    match arguments.text("basis") {
        None => Ok(Basis::Poly3),
        Some(b) if b.eq_ignore_ascii_case("poly3") => Ok(Basis::Poly3),
        Some(b) if b.eq_ignore_ascii_case("poly3gauss") => Ok(Basis::Poly3Gauss),
        Some(b) => Err(
            Error::input("", format!("`basis={}` is not supported", shorten(b)))
                .advise("the known ones are `poly3` and `poly3gauss`"),
        ),
    }
}

fn compress(arguments: &Arguments) -> Result<Compress> {
    let named = |key| {
        arguments
            .text(key)
            .map(str::trim)
            .filter(|t| !t.is_empty() && !t.eq_ignore_ascii_case("none"))
    };
    match (named("compress_file"), named("compress_mode")) {
        (Some(file), _) => Ok(Compress::File(file.to_owned())),
        (None, None) => Ok(Compress::None),
        (None, Some(mode)) if mode.eq_ignore_ascii_case("trivial") => Ok(Compress::Trivial),
        (None, Some(mode)) => Err(Error::input(
            "",
            format!("`compress_mode={}` is not supported", shorten(mode)),
        )
        .advise("supported are `trivial` and a table, `compress_file`")),
    }
}

/// A number for each element; one number stands for all.
fn list(arguments: &Arguments, key: &str, count: usize) -> Result<Option<Vec<f64>>> {
    let Some(text) = arguments.text(key) else {
        return Ok(None);
    };
    let mut numbers = Vec::new();
    let read = append_numbers(text, &mut numbers);
    match (read, numbers.as_slice()) {
        (Ok(()), &[one]) => Ok(Some(vec![one; count])),
        (Ok(()), list) if list.len() == count => Ok(Some(numbers)),
        _ => Err(Error::input(
            "",
            format!(
                "`{key}={}`: the value must be {count} finite numbers, one for each element",
                shorten(text)
            ),
        )),
    }
}

/// A list under a general key, a default, or the complaint that `key` is missing.
fn list_or(
    arguments: &Arguments,
    general: &str,
    count: usize,
    default: Option<f64>,
    key: &str,
) -> Result<Vec<f64>> {
    match (list(arguments, general, count)?, default) {
        (Some(list), _) => Ok(list),
        (None, Some(value)) => Ok(vec![value; count]),
        (None, None) => Err(Error::input("", format!("the key `{key}` is missing"))),
    }
}
