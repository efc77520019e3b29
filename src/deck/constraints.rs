//! `[md.constraints]`: bonds of fixed length.

use super::atoms::AtomNumbers;
use super::diagnostics::Diagnostic;
use super::kinds::{Elements, Quantity};
use super::reader::Table;
use crate::elements::Element;
use crate::units::Dimension;

/// Bonds of fixed length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConstraintsDeck {
    /// Each atom of these elements is bonded to its nearest neighbour of another element.
    pub elements: Vec<Element>,
    /// Single bonds: two atoms, and the length (Å) when it is not that of the structure.
    pub bonds: Vec<([u32; 2], Option<f64>)>,
}

/// Reads `[md.constraints]`. None when something was wrong; `Some(None)` when there are none.
pub(super) fn read(t: &Table<'_>) -> Option<Option<ConstraintsDeck>> {
    let there = t.place_of("constraints").is_some();
    let doc =
        "Bonds of fixed length, so that the time step need not follow the fastest vibrations.";
    let read = t.optional_table("constraints", doc, |t| {
        let doc = "Each atom of these elements keeps its distance to its nearest neighbour of another element.";
        let elements = t.key("elements", Elements, doc).optional("none");
        let doc = "A single bond; the third side of a rigid triangle is one, too.";
        let bonds = t.tables("bond", doc, |t| {
            let atoms = t
                .key("atoms", AtomNumbers::<2>, "Its two atoms, counted from 0.")
                .required("[0, 1]");
            let length = t
                .key("length", Quantity(Dimension::LENGTH), "Its length.")
                .positive()
                .optional("as in the structure");
            Some((atoms?, length))
        });
        let bonds: Option<Vec<_>> = bonds.unwrap_or_default().into_iter().collect();
        let deck = ConstraintsDeck {
            elements: elements.unwrap_or_default(),
            bonds: bonds?,
        };
        if deck == ConstraintsDeck::default() && !t.cx.describing {
            t.complain(
                Diagnostic::error("no bonds are named here")
                    .maybe_at(t.place(), "")
                    .help("add for example `elements = [\"H\"]`"),
            );
            return None;
        }
        Some(deck)
    });
    match (there, read) {
        (true, None) => None,
        (_, read) => Some(read),
    }
}
