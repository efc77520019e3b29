//! `[potential.lennard_jones]`: the Lennard-Jones pair potential.

use super::diagnostics::Diagnostic;
use super::kinds::{Flag, OneOf, Quantity};
use super::pairs;
use super::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;

/// A Lennard-Jones potential.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesDeck {
    /// Parameters: one set for all, or by pair of elements.
    pub parameters: LennardJonesParameters,
    /// Cutoff (Å).
    pub cutoff: f64,
    /// What happens at the cutoff.
    pub scheme: CutoffScheme,
    /// Whether energy and pressure are corrected for what the cutoff leaves out; only when truncated.
    pub tail: bool,
}

/// Depths and diameters of a Lennard-Jones potential.
#[derive(Clone, Debug, PartialEq)]
pub enum LennardJonesParameters {
    /// One set for every pair of atoms, whatever their elements.
    Uniform {
        /// Depth of the well (eV).
        epsilon: f64,
        /// Distance of zero energy (Å).
        sigma: f64,
    },
    /// By pair of elements: every like pair, and those unlike pairs that do not follow Lorentz and Berthelot.
    Mixture(Vec<PairDeck>),
}

/// Parameters of one pair of elements.
#[derive(Clone, Debug, PartialEq)]
pub struct PairDeck {
    /// The two elements, in the order of atomic number.
    pub elements: (Element, Element),
    /// Depth of the well (eV).
    pub epsilon: f64,
    /// Distance of zero energy (Å).
    pub sigma: f64,
}

/// What a pair potential does at its cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutoffScheme {
    /// Energy and force jump to zero.
    Truncated,
    /// The energy is shifted to zero; the force jumps.
    Shifted,
    /// Energy and force go to zero.
    ForceShifted,
}

/// Reads `[potential.lennard_jones]`.
pub(super) fn read(t: &Table<'_>) -> Option<LennardJonesDeck> {
    const SCHEMES: OneOf<CutoffScheme> = OneOf(&[
        ("truncated", CutoffScheme::Truncated),
        ("shifted", CutoffScheme::Shifted),
        ("force-shifted", CutoffScheme::ForceShifted),
    ]);
    let parameters = parameters(t);
    let cutoff = t
        .key(
            "cutoff",
            Quantity(Dimension::LENGTH),
            "Distance beyond which atoms do not interact.",
        )
        .positive();
    let cutoff = cutoff.required("\"8.5 Å\"");
    let doc = "At the cutoff, energy and force jump (truncated), only the force jumps (shifted), or neither (force-shifted).";
    let scheme = t.key("scheme", SCHEMES, doc).or("force-shifted");
    let doc = "Correct energy and pressure for what lies beyond the cutoff in a uniform fluid; for truncated only.";
    let tail = t.key("tail", Flag, doc).or("false");
    if tail == Some(true) && scheme.is_some_and(|s| s != CutoffScheme::Truncated) {
        t.complain(
            Diagnostic::error("a tail correction belongs to `scheme = \"truncated\"`")
                .maybe_at(t.place_of("tail"), "")
                .and_at(
                    t.place_of("scheme"),
                    "this scheme changes the potential inside the cutoff, too",
                )
                .help("leave out `tail`, or write `scheme = \"truncated\"`"),
        );
    }
    Some(LennardJonesDeck {
        parameters: parameters?,
        cutoff: cutoff?,
        scheme: scheme?,
        tail: tail?,
    })
}

/// Either `epsilon` and `sigma`, or `pairs`.
fn parameters(t: &Table<'_>) -> Option<LennardJonesParameters> {
    let by_pair = t.place_of("pairs").is_some();
    let (epsilon, sigma) = epsilon_and_sigma(t, !by_pair, "unless there are `pairs`");
    let doc = "Parameters by pair of elements instead of one set for all, as in `Ar-Kr = { epsilon = \"0.0124 eV\", sigma = \
               \"3.52 Å\" }`. Unlike pairs that are left out follow Lorentz and Berthelot.";
    let by_pairs = t.optional_table("pairs", doc, pairs);
    if !by_pair {
        return Some(LennardJonesParameters::Uniform {
            epsilon: epsilon?,
            sigma: sigma?,
        });
    }
    for key in ["epsilon", "sigma"] {
        if let Some(place) = t.key_place(key) {
            t.complain(
                Diagnostic::error(format!("`{key}` is given for all atoms and by pair"))
                    .at(place, "")
                    .and_at(t.key_place("pairs"), "by pair")
                    .help("remove one of the two"),
            );
        }
    }
    by_pairs.map(LennardJonesParameters::Mixture)
}

fn epsilon_and_sigma(
    t: &Table<'_>,
    required: bool,
    otherwise: &'static str,
) -> (Option<f64>, Option<f64>) {
    let epsilon = t
        .key(
            "epsilon",
            Quantity(Dimension::ENERGY),
            "Depth ε of the well.",
        )
        .not_negative();
    let sigma = t
        .key(
            "sigma",
            Quantity(Dimension::LENGTH),
            "Distance σ of zero energy.",
        )
        .positive();
    let words = |what: &str| format!("{what} {otherwise}").trim_end().to_owned();
    if required {
        (
            epsilon.required_as("\"0.0104 eV\"", &words("required")),
            sigma.required_as("\"3.4 Å\"", &words("required")),
        )
    } else {
        (epsilon.optional(""), sigma.optional(""))
    }
}

fn pairs(t: &Table<'_>) -> Option<Vec<PairDeck>> {
    let read = |t: &Table<'_>| {
        let (epsilon, sigma) = epsilon_and_sigma(t, true, "");
        Some((epsilon?, sigma?))
    };
    let found = pairs::read(t, pairs::Like::Needed, read)?;
    let deck = |((a, b), (epsilon, sigma))| PairDeck {
        elements: (a, b),
        epsilon,
        sigma,
    };
    Some(found.into_iter().map(deck).collect())
}
