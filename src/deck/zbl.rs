//! `[potential.zbl]`: the screened repulsion of nuclei.

use super::diagnostics::Diagnostic;
use super::kinds::Quantity;
use super::pairs;
use super::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;

/// The repulsion of Ziegler, Biersack and Littmark.
#[derive(Clone, Debug, PartialEq)]
pub struct ZblDeck {
    /// Where it begins to fade and where it ends (Å), for all pairs without an own range.
    pub range: Option<(f64, f64)>,
    /// The same for pairs of elements, in the order of atomic numbers.
    pub pairs: Vec<(Element, Element, (f64, f64))>,
}

/// Reads `[potential.zbl]`.
pub(super) fn read(t: &Table<'_>) -> Option<ZblDeck> {
    let by_pair = t.place_of("pairs").is_some();
    let all = t.place_of("inner").is_some() || t.place_of("outer").is_some();
    let range = range(t, all || !by_pair, "unless there are `pairs`");
    let doc = "Distances by pair of elements, as in `Si-C = { inner = \"0.8 Å\", outer = \"1.4 Å\" }`. Without `inner` and \
               `outer` for all, only these pairs repel each other.";
    let pairs = t.optional_table("pairs", doc, |t| {
        pairs::read(t, pairs::Like::Free, range_of_pair)
    });
    if by_pair && pairs.is_none() || (all || !by_pair) && range.is_none() {
        return None;
    }
    let pairs = pairs.unwrap_or_default().into_iter();
    Some(ZblDeck {
        range,
        pairs: pairs.map(|((a, b), range)| (a, b, range)).collect(),
    })
}

fn range_of_pair(t: &Table<'_>) -> Option<(f64, f64)> {
    range(t, true, "")
}

fn range(t: &Table<'_>, required: bool, otherwise: &str) -> Option<(f64, f64)> {
    let length = || Quantity(Dimension::LENGTH);
    let doc = "Distance up to which the repulsion is full.";
    let inner = t.key("inner", length(), doc).not_negative();
    let doc = "Distance from which on there is none; between the two it fades with two continuous derivatives.";
    let outer = t.key("outer", length(), doc).positive();
    if !required {
        let _ = (inner.optional(""), outer.optional(""));
        return None;
    }
    let words = format!("required {otherwise}");
    let inner = inner.required_as("\"0.8 Å\"", words.trim_end());
    let outer = outer.required_as("\"1.4 Å\"", words.trim_end());
    let (inner, outer) = (inner?, outer?);
    if inner >= outer {
        t.complain(
            Diagnostic::error("`outer` must lie beyond `inner`")
                .maybe_at(t.place_of("outer"), "")
                .and_at(t.place_of("inner"), "the repulsion begins to fade here"),
        );
        return None;
    }
    Some((inner, outer))
}
