//! From terms to the coordinates of a file: one for each combination of elements of the data.

use super::settings::{Choice, TermDescriptor, TermSettings, Theta, TripletKernel};
use super::text::{WRITTEN_GAP_VERSION, descriptor_text};
use crate::error::{Error, Result};
use crate::potential::gap::soap_turbo::{SoapTurboParameters, TurboSpecies};
use crate::potential::gap::{Angle3b, Descriptor, Distance2b, SoapParameters};

/// A coordinate whose sparse points are still to be chosen.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// Number of its term.
    pub(super) term: usize,
    pub(super) descriptor: Descriptor,
    /// As it stands in the file.
    pub(super) text: String,
    pub(super) delta: f64,
    pub(super) kernel: PlannedKernel,
    pub(super) points: usize,
    pub(super) choice: Choice,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlannedKernel {
    Gaussian(Theta),
    Polynomial(Theta),
    DotProduct(f64),
}

/// All coordinates of the terms, for data with these elements (ascending atomic numbers).
pub(super) fn expand(terms: &[TermSettings], elements: &[u8]) -> Result<Vec<Planned>> {
    if terms.is_empty() {
        return Err(Error::input("", "the model has no term")
            .advise("give at least one of pair, triplet, soap or soap_turbo"));
    }
    let mut planned = Vec::new();
    for (k, term) in terms.iter().enumerate() {
        let place = format!("term {}", k + 1);
        let of = expand_one(k, term, elements).map_err(|e| e.within(&place))?;
        if matches!(term.choice, Choice::Given(_)) && of.len() != 1 {
            let reason = format!(
                "sparse points are given, but the term is written out {} times",
                of.len()
            );
            return Err(Error::input(place, reason)
                .advise("say for which elements the term is, and give one term for each"));
        }
        planned.extend(of);
    }
    Ok(planned)
}

fn expand_one(k: usize, term: &TermSettings, elements: &[u8]) -> Result<Vec<Planned>> {
    if !(term.delta.is_finite() && (1e-8..=1e8).contains(&term.delta)) {
        let reason = format!(
            "delta must lie between 1e-8 and 1e8 eV, it is {}",
            term.delta
        );
        return Err(Error::input("", reason));
    }
    if term.points == 0 && !matches!(term.choice, Choice::Given(_) | Choice::Model(_)) {
        return Err(Error::input(
            "",
            "the number of sparse points must be at least 1",
        ));
    }
    let (descriptors, kernel) = match &term.descriptor {
        TermDescriptor::Pair {
            cutoff,
            transition_width,
            theta,
            only,
        } => {
            let pair = |[z1, z2]: [u8; 2]| {
                Descriptor::Distance2b(Distance2b {
                    cutoff: *cutoff,
                    transition_width: *transition_width,
                    z1,
                    z2,
                    exponents: vec![1],
                    tail_exponent: 0.0,
                    tail_range: 1.0,
                })
            };
            check_theta(theta, 1)?;
            let list: Vec<Descriptor> = pairs(elements, only).into_iter().map(pair).collect();
            (list, PlannedKernel::Gaussian(theta.clone()))
        }
        TermDescriptor::Triplet {
            cutoff,
            transition_width,
            kernel,
            theta,
            only,
        } => {
            let triplet = |[centre, z1, z2]: [u8; 3]| {
                Descriptor::Angle3b(Angle3b {
                    cutoff: *cutoff,
                    transition_width: *transition_width,
                    centre,
                    z1,
                    z2,
                })
            };
            check_theta(theta, 3)?;
            let kernel = match kernel {
                TripletKernel::Gaussian => PlannedKernel::Gaussian(theta.clone()),
                TripletKernel::Polynomial => PlannedKernel::Polynomial(theta.clone()),
            };
            let list = triplets(elements, only).into_iter().map(triplet).collect();
            (list, kernel)
        }
        TermDescriptor::Soap { parameters, zeta } => {
            let list = soaps(parameters, elements)
                .into_iter()
                .map(Descriptor::Soap);
            (
                list.collect(),
                PlannedKernel::DotProduct(check_zeta(*zeta)?),
            )
        }
        TermDescriptor::SoapTurbo {
            parameters,
            zeta,
            centres,
        } => {
            let list = turbos(parameters, elements, centres)
                .into_iter()
                .map(Descriptor::SoapTurbo);
            (
                list.collect(),
                PlannedKernel::DotProduct(check_zeta(*zeta)?),
            )
        }
    };
    if descriptors.is_empty() {
        return Err(Error::input("", "none of its elements is among the data")
            .advise("check the elements that the term is restricted to"));
    }
    let planned = |descriptor: Descriptor| {
        let text = descriptor_text(&descriptor)?;
        // What the file will say is what is fitted.
        let read = Descriptor::parse(&text, WRITTEN_GAP_VERSION)?;
        if !same(&read, &descriptor) {
            return Err(Error::input(
                "",
                format!("the file format cannot hold these parameters: it would say `{text}`"),
            )
            .advise(
                "a central_weight of a single species other than 1 is such a case in soap_turbo",
            ));
        }
        Ok(Planned {
            term: k,
            descriptor: read,
            text,
            delta: term.delta,
            kernel: kernel.clone(),
            points: term.points,
            choice: term.choice.clone(),
        })
    };
    descriptors.into_iter().map(planned).collect()
}

/// Whether what was read back means the same: of a single species the centre is always in its channel.
pub(super) fn same(a: &Descriptor, b: &Descriptor) -> bool {
    match (a, b) {
        (Descriptor::Soap(a), Descriptor::Soap(b)) => {
            let neutral = |p: &SoapParameters| SoapParameters {
                central_reference_all_species: p.species.len() == 1
                    || p.central_reference_all_species,
                ..p.clone()
            };
            neutral(a) == neutral(b)
        }
        _ => a == b,
    }
}

fn check_zeta(zeta: f64) -> Result<f64> {
    if zeta.is_finite() && zeta > 0.0 && zeta <= 100.0 {
        return Ok(zeta);
    }
    Err(Error::input(
        "",
        format!("zeta must lie between 0 and 100, it is {zeta}"),
    ))
}

fn check_theta(theta: &Theta, dimensions: usize) -> Result<()> {
    let numbers: &[f64] = match theta {
        Theta::Uniform(t) | Theta::Factor(t) => &[*t],
        Theta::Each(list) if list.len() == dimensions => list,
        Theta::Each(list) => {
            let reason = format!(
                "theta has {} numbers, it must have {dimensions}",
                list.len()
            );
            return Err(Error::input("", reason));
        }
    };
    match numbers.iter().find(|t| !(1e-3..=1e6).contains(*t)) {
        Some(t) => Err(Error::input(
            "",
            format!("theta must lie between 0.001 and a million, it is {t}"),
        )),
        None => Ok(()),
    }
}

fn pairs(elements: &[u8], only: &[[u8; 2]]) -> Vec<[u8; 2]> {
    let all = elements
        .iter()
        .enumerate()
        .flat_map(|(k, a)| elements[k..].iter().map(move |b| [*a, *b]));
    let wanted =
        |p: &[u8; 2]| only.is_empty() || only.iter().any(|o| *o == *p || [o[1], o[0]] == *p);
    all.filter(wanted).collect()
}

fn triplets(elements: &[u8], only: &[[u8; 3]]) -> Vec<[u8; 3]> {
    let neighbours = pairs(elements, &[]);
    let all = elements
        .iter()
        .flat_map(|c| neighbours.iter().map(move |[a, b]| [*c, *a, *b]));
    let wanted =
        |t: &[u8; 3]| only.is_empty() || only.iter().any(|o| *o == *t || [o[0], o[2], o[1]] == *t);
    all.filter(wanted).collect()
}

fn soaps(p: &SoapParameters, elements: &[u8]) -> Vec<SoapParameters> {
    let species = if p.species.is_empty() || p.species == [0] {
        elements.to_vec()
    } else {
        p.species.clone()
    };
    let centres = if p.centre.is_empty() || p.centre == [0] {
        elements.to_vec()
    } else {
        p.centre
            .iter()
            .copied()
            .filter(|z| elements.contains(z))
            .collect()
    };
    let one = |z: u8| SoapParameters {
        species: species.clone(),
        centre: vec![z],
        // A single channel is that of the centre or of one other element.
        central_reference_all_species: species.len() == 1
            || p.central_reference_all_species && p.species.len() > 1,
        ..p.clone()
    };
    centres.into_iter().map(one).collect()
}

fn turbos(p: &SoapTurboParameters, elements: &[u8], centres: &[u8]) -> Vec<SoapTurboParameters> {
    match &p.species[..] {
        [any] if any.number == 0 => {
            let species: Vec<TurboSpecies> = elements
                .iter()
                .map(|z| TurboSpecies {
                    number: *z,
                    ..any.clone()
                })
                .collect();
            (0..elements.len())
                .filter(|k| centres.is_empty() || centres.contains(&elements[*k]))
                .map(|central| SoapTurboParameters {
                    species: species.clone(),
                    central,
                    ..p.clone()
                })
                .collect()
        }
        _ => vec![p.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_have_the_centres_that_are_named() {
        let turbo = SoapTurboParameters {
            rcut_hard: 4.0,
            rcut_soft: 3.5,
            nf: 4.0,
            l_max: 2,
            basis: crate::potential::gap::soap_turbo::Basis::Poly3Gauss,
            radial_enhancement: 1,
            species: vec![TurboSpecies {
                number: 0,
                alpha_max: 3,
                sigma_r: 0.5,
                sigma_t: 0.5,
                sigma_r_scaling: 0.0,
                sigma_t_scaling: 0.0,
                amplitude_scaling: 1.0,
                central_weight: 1.0,
            }],
            central: 0,
            compress: crate::potential::gap::soap_turbo::Compress::Trivial,
        };
        let centres = |named: &[u8]| -> Vec<usize> {
            let found = turbos(&turbo, &[1, 6, 8], named);
            // Neighbours are of every element, whoever is the centre.
            assert!(found.iter().all(|p| p.species.len() == 3));
            found.iter().map(|p| p.central).collect()
        };
        assert_eq!(centres(&[]), [0, 1, 2]);
        assert_eq!(centres(&[6, 8]), [1, 2]);
        let soap = SoapParameters {
            centre: vec![6],
            species: Vec::new(),
            ..SoapParameters::default()
        };
        let found = soaps(&soap, &[1, 6]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].centre[..], &found[0].species[..]),
            (&[6][..], &[1, 6][..])
        );
    }
}
