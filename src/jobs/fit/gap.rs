//! `[fit.gap]`.

use super::family::{End, Made, Order};
use crate::deck::{
    GapChoice, GapDescriptorDeck, GapFitDeck, GapIsolatedDeck, GapSigmasDeck, GapTermDeck, GapTheta,
};
use crate::elements::Element;
use crate::error::Result;
use crate::jobs::stages::Progress;
use crate::potential::gap::SoapParameters;
use crate::potential::gap::soap_turbo::{Basis, Compress, SoapTurboParameters, TurboSpecies};
use crate::report::human_bytes;
use crate::training::Monitor as _;
use crate::training::gap::{
    Choice, GapSettings, IsolatedAtoms, Sigmas, TermDescriptor, TermSettings, Theta, TripletKernel,
    fit, planned,
};

/// Makes the model.
pub(super) fn make(
    deck: &GapFitDeck,
    order: &Order<'_>,
    progress: &mut Progress<'_>,
) -> Result<End> {
    let fitted = match fit(order.train, &settings(deck, order), progress) {
        Ok(fitted) => fitted,
        // Nothing is written before the end: there is nothing to keep.
        Err(_) if progress.stopped() => return Ok(End::Stopped { kept: false }),
        Err(e) => return Err(e),
    };
    fitted.write(order.model)?;
    let report = &fitted.report;
    let mut made = Made::default();
    let mut fact = |name: &str, value: String| made.facts.push((name.to_owned(), value));
    for term in &report.terms {
        let of = term
            .candidates
            .map_or_else(String::new, |n| format!(" of {n} instances"));
        let theta = match &term.theta[..] {
            [] => String::new(),
            theta => {
                let numbers: Vec<String> = theta.iter().map(|t| format!("{t:.4}")).collect();
                format!(", theta {}", numbers.join(", "))
            }
        };
        fact(
            "term",
            format!(
                "{}: {} sparse points{of}{theta}",
                term.descriptor, term.points
            ),
        );
    }
    let isolated: Vec<String> = report
        .isolated
        .iter()
        .map(|(z, e)| format!("{} {e:.6} eV", symbol(*z)))
        .collect();
    fact("isolated atoms", isolated.join(", "));
    let [energies, forces, virials] = report.rows;
    fact(
        "equations",
        format!(
            "{energies} energies, {forces} components of forces, {virials} of virials, in {} blocks",
            report.blocks
        ),
    );
    fact("condition number", format!("{:.1e}", report.condition));
    fact(
        "residual",
        format!(
            "{:.4} sigma per equation",
            root_mean(report.residual, report.rows)
        ),
    );
    fact("largest weight", format!("{:.3e}", report.largest_weight));
    fact("memory of the equations", human_bytes(report.bytes as f64));
    for text in &report.left_out {
        made.warnings.push(format!(
            "the data have nothing that `{text}` describes; it was left out"
        ));
    }
    let jitter = deck.jitter;
    for term in report.terms.iter().filter(|t| t.jitter > jitter) {
        made.warnings.push(format!(
            "the sparse points of `{}` are nearly dependent: their covariance needed a jitter of {:.0e} eV²",
            term.descriptor, term.jitter
        ));
    }
    Ok(End::Made(made))
}

/// What making it would take: names and values.
pub(super) fn plan(deck: &GapFitDeck, order: &Order<'_>) -> Result<Vec<(String, String)>> {
    let settings = settings(deck, order);
    let mut facts = Vec::new();
    let mut total = 0;
    for (text, points) in planned(order.train, &settings)? {
        total += points;
        facts.push((
            "term".to_owned(),
            format!("{text}: at most {points} sparse points"),
        ));
    }
    facts.push(("weights".to_owned(), format!("at most {total}")));
    Ok(facts)
}

/// Norm of a residual as the root of its mean square over so many equations.
fn root_mean(norm: f64, rows: [usize; 3]) -> f64 {
    norm / (rows.iter().sum::<usize>().max(1) as f64).sqrt()
}

fn symbol(z: u8) -> String {
    Element::from_number(z).map_or_else(|| z.to_string(), |e| e.symbol().to_owned())
}

fn settings(deck: &GapFitDeck, order: &Order<'_>) -> GapSettings {
    GapSettings {
        terms: deck.terms.iter().map(term).collect(),
        sigmas: sigmas(&deck.sigmas),
        kinds: deck
            .kinds
            .iter()
            .map(|(k, s)| (k.clone(), sigmas(s)))
            .collect(),
        jitter: deck.jitter,
        isolated: match &deck.isolated {
            GapIsolatedDeck::Fitted => IsolatedAtoms::Fitted,
            GapIsolatedDeck::Average => IsolatedAtoms::Average,
            GapIsolatedDeck::Frames => IsolatedAtoms::Frames,
            GapIsolatedDeck::Given(list) => IsolatedAtoms::Given(list.iter().copied().collect()),
        },
        seed: order.deck.fit.seed,
        memory: order.deck.fit.memory,
    }
}

/// Zero leaves data out.
fn sigmas(deck: &GapSigmasDeck) -> Sigmas {
    let given = |s: f64| (s > 0.0).then_some(s);
    Sigmas {
        energy: given(deck.energy),
        force: given(deck.force),
        virial: given(deck.virial),
    }
}

fn theta(theta: GapTheta) -> Theta {
    match theta {
        GapTheta::Length(t) => Theta::Uniform(t),
        GapTheta::Factor(f) => Theta::Factor(f),
    }
}

fn term(deck: &GapTermDeck) -> TermSettings {
    let choice = match (&deck.given, &deck.from, deck.choose) {
        (Some(numbers), ..) => Choice::Given(numbers.clone()),
        (None, Some(file), _) => Choice::Model(file.clone()),
        (None, None, GapChoice::Cur) => Choice::Cur,
        (None, None, GapChoice::Farthest) => Choice::FarthestPoints,
        (None, None, GapChoice::KMeans) => Choice::KMeans,
        (None, None, GapChoice::Random) => Choice::Random,
        (None, None, GapChoice::Uniform) => Choice::Uniform,
    };
    TermSettings {
        descriptor: descriptor(&deck.descriptor),
        delta: deck.delta,
        points: deck.points,
        choice,
    }
}

fn descriptor(deck: &GapDescriptorDeck) -> TermDescriptor {
    match *deck {
        GapDescriptorDeck::Pair {
            cutoff,
            transition,
            theta: t,
            between,
        } => TermDescriptor::Pair {
            cutoff,
            transition_width: transition,
            theta: theta(t),
            only: between.into_iter().collect(),
        },
        GapDescriptorDeck::Triplet {
            cutoff,
            transition,
            theta: t,
            polynomial,
            between,
        } => TermDescriptor::Triplet {
            cutoff,
            transition_width: transition,
            kernel: if polynomial {
                TripletKernel::Polynomial
            } else {
                TripletKernel::Gaussian
            },
            theta: theta(t),
            only: between
                .map(|[a, centre, b]| [centre, a, b])
                .into_iter()
                .collect(),
        },
        GapDescriptorDeck::Soap {
            cutoff,
            transition,
            n_max,
            l_max,
            atom_sigma,
            central_weight,
            zeta,
            ref centres,
        } => TermDescriptor::Soap {
            parameters: SoapParameters {
                cutoff,
                transition_width: transition,
                n_max,
                l_max,
                atom_sigma,
                central_weight,
                species: Vec::new(),
                centre: numbers(centres),
                ..SoapParameters::default()
            },
            zeta,
        },
        GapDescriptorDeck::SoapTurbo {
            cutoff,
            transition,
            alpha_max,
            l_max,
            atom_sigma,
            scaling,
            amplitude_scaling,
            radial_enhancement,
            compressed,
            zeta,
            ref centres,
        } => TermDescriptor::SoapTurbo {
            parameters: SoapTurboParameters {
                rcut_hard: cutoff,
                rcut_soft: cutoff - transition,
                nf: 4.0,
                l_max,
                basis: Basis::Poly3Gauss,
                radial_enhancement,
                species: vec![TurboSpecies {
                    number: 0,
                    alpha_max,
                    sigma_r: atom_sigma[0],
                    sigma_t: atom_sigma[1],
                    sigma_r_scaling: scaling[0],
                    sigma_t_scaling: scaling[1],
                    amplitude_scaling,
                    central_weight: 1.0,
                }],
                central: 0,
                compress: if compressed {
                    Compress::Trivial
                } else {
                    Compress::None
                },
            },
            zeta,
            centres: numbers(centres),
        },
    }
}

fn numbers(elements: &[Element]) -> Vec<u8> {
    elements.iter().map(|e| e.number()).collect()
}
