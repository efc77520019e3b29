//! Tables with a key for each pair of elements, as in `Ar-Kr = { ... }`.

use super::diagnostics::Diagnostic;
use super::document::Key;
use super::kinds::element;
use super::reader::Table;
use crate::elements::Element;

/// Whether every element that appears needs an entry for the like pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Like {
    /// Unlike pairs that are left out follow from like pairs.
    Needed,
    /// Every pair stands for itself.
    Free,
}

/// Reads the entries of such a table, each with `entry`; the elements of a pair come in the order of their numbers.
pub(super) fn read<T>(
    t: &Table<'_>,
    like: Like,
    entry: impl Fn(&Table<'_>) -> Option<T>,
) -> Option<Vec<((Element, Element), T)>> {
    let mut found: Vec<((Element, Element), T)> = Vec::new();
    let mut sound = true;
    for key in t.free_keys("A-B") {
        let elements = if t.cx.describing {
            None
        } else {
            pair_of(t, &key)
        };
        if elements.is_none() && !t.cx.describing {
            sound = false;
            continue;
        }
        let pair = t.optional_table(&key.name, "The pair of elements A and B.", |t| {
            let value = entry(t);
            Some((elements?, value?))
        });
        match pair {
            Some(pair) if found.iter().any(|other| other.0 == pair.0) => {
                t.complain(
                    Diagnostic::error("this pair is given twice").at(key.place, "the second one"),
                );
            }
            Some(pair) => found.push(pair),
            None => sound = false,
        }
    }
    if !sound || t.cx.describing {
        return None;
    }
    let mut elements: Vec<Element> = found.iter().flat_map(|p| [p.0.0, p.0.1]).collect();
    elements.sort();
    elements.dedup();
    elements.retain(|e| like == Like::Needed && !found.iter().any(|p| p.0 == (*e, *e)));
    for element in &elements {
        t.complain(
            Diagnostic::error(format!(
                "there are no parameters for the pair {element}-{element}"
            ))
            .maybe_at(t.place(), "")
            .help("every element that appears here needs parameters for the like pair"),
        );
    }
    if found.is_empty() {
        t.complain(Diagnostic::error("no pairs are given here").maybe_at(t.place(), ""));
    }
    Some(found)
}

fn pair_of(t: &Table<'_>, key: &Key) -> Option<(Element, Element)> {
    let Some((a, b)) = key.name.split_once('-') else {
        t.complain(
            Diagnostic::error(format!("`{}` is not a pair of elements", key.name))
                .at(key.place.clone(), "")
                .help("write two symbols with a hyphen, as in `Ar-Kr`"),
        );
        return None;
    };
    match (element(a), element(b)) {
        (Ok(a), Ok(b)) => Some((a.min(b), a.max(b))),
        (Err(wrong), _) | (_, Err(wrong)) => {
            t.complain(wrong.into_diagnostic(key.place.clone()));
            None
        }
    }
}
