//! `[potential.dispersion]`: damped dispersion between pairs of atoms.

use super::diagnostics::Diagnostic;
use super::kinds::{Flag, Number, Quantity};
use super::pairs;
use super::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;

/// Damped dispersion, -s6 C6/(r⁶ + f⁶) - s8 C8/(r⁸ + f⁸) with f = a1 R0 + a2.
#[derive(Clone, Debug, PartialEq)]
pub struct DispersionDeck {
    /// Factor of the C6 term.
    pub s6: f64,
    /// Factor of the C8 term.
    pub s8: f64,
    /// Share of R0 in the damping length.
    pub a1: f64,
    /// Constant part of the damping length (Å).
    pub a2: f64,
    /// Distance (Å) at which the energy begins to fade.
    pub inner: f64,
    /// Distance (Å) from which on there is none.
    pub cutoff: f64,
    /// Whether energy and pressure of a uniform fluid are corrected for what the cutoff leaves out.
    pub tail: bool,
    /// Coefficients by pair: every like pair, and those unlike pairs that do not follow from them.
    pub pairs: Vec<DispersionPairDeck>,
}

/// Coefficients of one pair of elements.
#[derive(Clone, Debug, PartialEq)]
pub struct DispersionPairDeck {
    /// The two elements, in the order of atomic number.
    pub elements: (Element, Element),
    /// C6 (eV Å⁶).
    pub c6: f64,
    /// C8 (eV Å⁸); 0 for none.
    pub c8: f64,
    /// R0 (Å).
    pub r0: f64,
}

/// Reads `[potential.dispersion]`.
pub(super) fn read(t: &Table<'_>) -> Option<DispersionDeck> {
    let length = || Quantity(Dimension::LENGTH);
    let s6 = t.key("s6", Number, "Factor of the C6 term.");
    let s6 = s6.not_negative().or("1");
    let s8 = t.key(
        "s8",
        Number,
        "Factor of the C8 term, for pairs that have a `c8`.",
    );
    let s8 = s8.not_negative().or("1");
    let doc = "Share of R0 in the damping length f = a1·R0 + a2.";
    let a1 = t.key("a1", Number, doc).not_negative().required("0.4");
    let doc = "Constant part of the damping length.";
    let a2 = t
        .key("a2", length(), doc)
        .not_negative()
        .required("\"4.5 bohr\"");
    let doc = "Distance beyond which atoms do not interact.";
    let cutoff = t
        .key("cutoff", length(), doc)
        .positive()
        .required("\"12 Å\"");
    let doc = "Distance at which the energy begins to fade, with two continuous derivatives, towards the cutoff.";
    let inner = t.key("inner", length(), doc).not_negative();
    let inner = match inner.optional("0.9 of the cutoff") {
        Some(inner) => Some(inner),
        None if t.place_of("inner").is_some() => None,
        None => cutoff.map(|c| 0.9 * c),
    };
    let doc = "Correct energy and pressure for what the cutoff leaves out in a uniform fluid.";
    let tail = t.key("tail", Flag, doc).or("false");
    let doc = "Coefficients by pair of elements, as in `Ar-Ar = { c6 = \"64.3 Ha bohr^6\", r0 = \"3.4 Å\" }`. Unlike pairs \
               that are left out have geometric means of C6 and C8 and the arithmetic mean of R0.";
    let example =
        "[potential.dispersion.pairs]\nAr-Ar = { c6 = \"64.3 Ha bohr^6\", r0 = \"3.4 Å\" }";
    let pairs = t.required_table("pairs", doc, example, |t| {
        pairs::read(t, pairs::Like::Needed, coefficients)
    });
    let (inner, cutoff) = (inner?, cutoff?);
    if inner >= cutoff {
        t.complain(
            Diagnostic::error("`cutoff` must lie beyond `inner`")
                .maybe_at(t.place_of("cutoff"), "")
                .and_at(t.place_of("inner"), "the energy begins to fade here"),
        );
        return None;
    }
    let pair = |(elements, (c6, c8, r0))| DispersionPairDeck {
        elements,
        c6,
        c8,
        r0,
    };
    Some(DispersionDeck {
        s6: s6?,
        s8: s8?,
        a1: a1?,
        a2: a2?,
        inner,
        cutoff,
        tail: tail?,
        pairs: pairs?.into_iter().map(pair).collect(),
    })
}

/// C6, C8 and R0 of a pair.
fn coefficients(t: &Table<'_>) -> Option<(f64, f64, f64)> {
    let c6 = t.key("c6", Quantity(Dimension::C6), "Coefficient of r⁻⁶.");
    let c6 = c6.not_negative().required("\"64.3 Ha bohr^6\"");
    let c8 = t.key("c8", Quantity(Dimension::C8), "Coefficient of r⁻⁸.");
    let c8 = c8.not_negative();
    let c8 = match c8.optional("no such term") {
        None if t.place_of("c8").is_some() => None,
        c8 => Some(c8.unwrap_or(0.0)),
    };
    let doc =
        "Length R0 of the damping; for coefficients of DFT-D3 it is the square root of C8/C6.";
    let r0 = t.key("r0", Quantity(Dimension::LENGTH), doc);
    let r0 = r0.not_negative();
    let r0 = match (r0.optional("sqrt(c8/c6) when there is a `c8`"), c6, c8) {
        (Some(r0), ..) => Some(r0),
        (None, Some(c6), Some(c8)) if t.place_of("r0").is_none() && c6 > 0.0 && c8 > 0.0 => {
            Some((c8 / c6).sqrt())
        }
        (None, Some(_), Some(_)) if t.place_of("r0").is_none() && !t.cx.describing => {
            t.lacks(
                "r0",
                Diagnostic::error(format!("{} needs `r0`", t.title()))
                    .maybe_at(t.place(), "")
                    .help("add for example r0 = \"3.4 Å\", or a `c8` from which it follows"),
            );
            None
        }
        _ => None,
    };
    Some((c6?, c8?, r0?))
}
