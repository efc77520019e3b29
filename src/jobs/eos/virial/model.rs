//! The potential of two molecules: pair potentials with a tail reach as far as the quadrature, and what lies beyond.

use super::molecule::Molecule;
use crate::analysis::second_virial::Tail;
use crate::deck::{LennardJonesParameters, ModelDeck, PotentialDeck};
use crate::elements::Element;

/// Room (Å) between the outermost distance of two atoms and the taper of a dispersion term.
const ROOM: f64 = 1.0;

/// Whether a term is corrected for what its cutoff leaves out.
fn has_tail(model: &ModelDeck) -> bool {
    match model {
        ModelDeck::LennardJones(lj) => lj.tail,
        ModelDeck::Dispersion(d) => d.tail,
        _ => false,
    }
}

/// Whether any term is.
pub(super) fn any_tail(deck: &PotentialDeck) -> bool {
    deck.terms.iter().any(|t| has_tail(&t.model))
}

/// The potential with the cutoffs of terms that have a tail put beyond `reach` (Å): in a fluid the correction stands for what the
/// cutoff leaves out, and two molecules in empty space have no such correction.
pub(super) fn extended(deck: &PotentialDeck, reach: f64) -> PotentialDeck {
    let mut deck = deck.clone();
    for term in deck.terms.iter_mut().filter(|t| has_tail(&t.model)) {
        match &mut term.model {
            ModelDeck::LennardJones(lj) => {
                lj.cutoff = lj.cutoff.max(reach);
                lj.tail = false;
            }
            ModelDeck::Dispersion(d) => {
                d.inner = d.inner.max(reach);
                d.cutoff = d.cutoff.max(d.inner + ROOM);
                d.tail = false;
            }
            _ => {}
        }
    }
    deck
}

/// What the terms with a tail have between two molecules far apart: sums over their atoms, the mean over orientations to the second
/// order in the size of the molecules.
pub(super) fn tail(deck: &PotentialDeck, a: &Molecule, b: &Molecule) -> Tail {
    let mut tail = Tail::default();
    for term in deck.terms.iter().filter(|t| has_tail(&t.model)) {
        for (i, e) in a.elements.iter().enumerate() {
            for (j, f) in b.elements.iter().enumerate() {
                let [c6, c8, c12] = coefficients(&term.model, *e, *f).map(|c| c * term.scale);
                tail.c6 += c6;
                // <|r + s|⁻⁶> = r⁻⁶ (1 + 5 s²/r² + ...) for s in all directions.
                tail.c8 += c8 + 5.0 * c6 * (a.square(i) + b.square(j));
                tail.c12 += c12;
            }
        }
    }
    tail
}

/// C6, C8 and C12 of a pair of atoms.
fn coefficients(model: &ModelDeck, a: Element, b: Element) -> [f64; 3] {
    let same = |pair: (Element, Element)| pair == (a, b) || pair == (b, a);
    match model {
        ModelDeck::LennardJones(lj) => {
            let (epsilon, sigma) = match &lj.parameters {
                LennardJonesParameters::Uniform { epsilon, sigma } => (*epsilon, *sigma),
                LennardJonesParameters::Mixture(pairs) => {
                    let of = |x: Element, y: Element| {
                        let p = pairs
                            .iter()
                            .find(|p| p.elements == (x, y) || p.elements == (y, x))?;
                        Some((p.epsilon, p.sigma))
                    };
                    let mixed = || {
                        let ((e, s), (f, t)) = (of(a, a)?, of(b, b)?);
                        Some(((e * f).sqrt(), 0.5 * (s + t)))
                    };
                    match of(a, b).or_else(mixed) {
                        Some(found) => found,
                        None => return [0.0; 3],
                    }
                }
            };
            let c6 = 4.0 * epsilon * sigma.powi(6);
            [c6, 0.0, c6 * sigma.powi(6)]
        }
        ModelDeck::Dispersion(d) => {
            let own = |x: Element| d.pairs.iter().find(|p| p.elements == (x, x));
            let found = match (d.pairs.iter().find(|p| same(p.elements)), own(a), own(b)) {
                (Some(p), ..) => (p.c6, p.c8),
                (None, Some(p), Some(q)) => ((p.c6 * q.c6).sqrt(), (p.c8 * q.c8).sqrt()),
                _ => return [0.0; 3],
            };
            [d.s6 * found.0, d.s8 * found.1, 0.0]
        }
        _ => [0.0; 3],
    }
}
