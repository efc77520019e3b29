//! Some of the atoms of a system, by number or element.

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::kinds::{Elements, Kind, Read, mismatch};
use super::reader::{Context, Table};
use super::resolved::quote;
use crate::elements::Element;

/// Some of the atoms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtomsDeck {
    /// Ranges of atoms (first and last, counted from 0); all when empty.
    pub ranges: Vec<(u32, u32)>,
    /// Only these elements; all when empty.
    pub elements: Vec<Element>,
}

/// Atoms as ranges in a text, `"0-31, 40"`, or a list of numbers.
struct AtomRanges;

impl Kind for AtomRanges {
    type Value = Vec<(u32, u32)>;
    fn wanted(&self) -> String {
        "atoms counted from 0, as in \"0-31, 40\"".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<(u32, u32)>> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (a, b) = part.split_once('-').unwrap_or((part, part));
            match (a.trim().parse::<u32>(), b.trim().parse::<u32>()) {
                (Ok(a), Ok(b)) if a <= b => ranges.push((a, b)),
                _ => {
                    return Err(Box::new(
                        Diagnostic::error(format!("`{name}` must be {}", self.wanted())).at(
                            node.place.clone(),
                            format!("`{}` is not a range", part.trim()),
                        ),
                    ));
                }
            }
        }
        Ok((ranges, quote(text)))
    }
}

/// A certain number of different atoms.
pub(super) struct AtomNumbers<const N: usize>;

impl<const N: usize> Kind for AtomNumbers<N> {
    type Value = [u32; N];
    fn wanted(&self) -> String {
        format!("a list of {N} different atoms counted from 0")
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<[u32; N]> {
        let Value::List(items) = &node.value else {
            let numbers: Vec<String> = (0..N).map(|i| i.to_string()).collect();
            return Err(Box::new(
                mismatch(name, &self.wanted(), node)
                    .help(format!("write for example [{}]", numbers.join(", "))),
            ));
        };
        if items.len() != N {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        }
        let mut atoms = [0; N];
        for k in 0..N {
            let item = &items[k];
            let number = match &item.value {
                Value::Integer(i) => u32::try_from(*i).ok(),
                _ => None,
            };
            let Some(atom) = number else {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                        .at(item.place.clone(), "this is not the number of an atom"),
                ));
            };
            if atoms[..k].contains(&atom) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` names atom {atom} twice"))
                        .at(item.place.clone(), "the second one"),
                ));
            }
            atoms[k] = atom;
        }
        Ok((atoms, format!("{atoms:?}")))
    }
}

/// Reads `atoms` and `elements`; without both all atoms are meant, or the deck is wrong, with
/// the title `missing`, when one is `needed`.
pub(super) fn read(t: &Table<'_>, missing: &str, needed: bool) -> Option<AtomsDeck> {
    let (those, which) = match needed {
        true => ("all of its `elements`", "all of its `atoms`"),
        false => ("all", "all"),
    };
    let ranges = t.key("atoms", AtomRanges, "Its atoms.").optional(those);
    let elements = t
        .key("elements", Elements, "Only atoms of these elements.")
        .optional(which);
    let given = ["atoms", "elements"].map(|key| t.place_of(key).is_some());
    if needed && given == [false; 2] && !t.cx.describing {
        t.nothing_chosen(
            Diagnostic::error(missing)
                .maybe_at(t.place(), "")
                .help("add `atoms = \"0-31\"` or `elements = [\"H\"]`"),
        );
    }
    // A key that is there and was not understood is no key for all.
    if given[0] && ranges.is_none() || given[1] && elements.is_none() {
        return None;
    }
    Some(AtomsDeck {
        ranges: ranges.unwrap_or_default(),
        elements: elements.unwrap_or_default(),
    })
}
