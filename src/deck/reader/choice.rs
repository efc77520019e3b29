//! Choices: tables of which one, named after the choice, is there.

use super::Table;
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Key, Node, Value};
use crate::deck::kinds::mismatch;
use crate::deck::resolved::Step;
use crate::deck::resolved::quote;
use crate::deck::spelling::nearest;

/// One alternative of a choice, chosen by the presence of the table of its name.
pub(in crate::deck) struct Variant<T> {
    pub name: &'static str,
    pub doc: &'static str,
    pub read: fn(&Table) -> Option<T>,
}

/// What became of a choice.
pub(in crate::deck) enum Choice<T> {
    /// No alternative is there.
    Absent,
    /// Something was wrong, and is reported.
    Failed,
    /// This one.
    Chosen(&'static str, T),
}

impl<'a> Table<'a> {
    /// Reads the one alternative that is there. When absent, the caller assumes one or calls [`Table::nothing_chosen`].
    pub fn choice<T>(&self, what: &str, variants: &[Variant<T>]) -> Choice<T> {
        self.variants
            .borrow_mut()
            .extend(variants.iter().map(|v| v.name));
        if self.cx.describing {
            for variant in variants {
                self.describe_table(&[Step::Key(variant.name.to_owned())], variant.doc, "choice");
                self.inside(variant.name, None, &[], true, variant.read);
            }
            return Choice::Failed;
        }
        let mut given: Vec<(&Variant<T>, &(Key, Node))> = variants
            .iter()
            .filter_map(|v| Some((v, self.entry(v.name)?)))
            .collect();
        given.sort_by_key(|g| (g.1.0.place.source, g.1.0.place.span.start));
        match given[..] {
            [] => Choice::Absent,
            [(variant, _)] => match self.entries_of(variant.name) {
                Ok(Some((place, entries))) => {
                    let result =
                        self.inside(variant.name, Some(place), entries, true, variant.read);
                    result.map_or(Choice::Failed, |value| Choice::Chosen(variant.name, value))
                }
                _ => Choice::Failed,
            },
            [(first, a), .., (last, b)] => {
                self.complain(
                    Diagnostic::error(format!(
                        "{} has two {what}s: `{}` and `{}`",
                        self.title(),
                        first.name,
                        last.name
                    ))
                    .at(b.0.place.clone(), "the second one")
                    .and_at(Some(a.0.place.clone()), "the first one")
                    .help(format!(
                        "only one {what} is possible here; remove the other"
                    )),
                );
                Choice::Failed
            }
        }
    }

    /// The alternative `name` with all its defaults, for a choice that was left out.
    pub fn assume<T>(&self, name: &str, variants: &[Variant<T>]) -> Option<T> {
        let variant = variants.iter().find(|v| v.name == name)?;
        self.inside(variant.name, None, &[], true, variant.read)
    }

    /// Opens a table that is not in the deck, to fill in what is assumed.
    pub fn table_assumed<R>(&self, name: &str, read: impl FnOnce(&Table<'a>) -> R) -> R {
        self.inside(name, None, &[], false, read)
    }

    /// Whether a choice is declined, as in `thermostat = "none"`.
    pub fn is_declined(&self, name: &str) -> bool {
        let declined = self
            .entry(name)
            .is_some_and(|(_, node)| matches!(&node.value, Value::Text(text) if text == "none"));
        if declined {
            self.record(name, Some(quote("none")));
        }
        declined
    }

    /// A table that holds nothing but a choice, such as `[md.thermostat]`.
    pub fn choice_table<T>(
        &self,
        name: &str,
        doc: &'static str,
        variants: &[Variant<T>],
    ) -> Choice<T> {
        self.describe_table(&[Step::Key(name.to_owned())], doc, "optional");
        let read = |t: &Table<'a>| match t.choice(name, variants) {
            Choice::Absent => {
                let list: Vec<&str> = variants.iter().map(|v| v.name).collect();
                t.nothing_chosen(
                    Diagnostic::error(format!("no {name} is chosen"))
                        .maybe_at(t.place(), "")
                        .help(format!("possible here: {}", list.join(", "))),
                );
                Choice::Failed
            }
            other => other,
        };
        match self.entry(name) {
            None if self.cx.describing => self.inside(name, None, &[], false, read),
            None => Choice::Absent,
            Some((_, node)) if node.entries().is_none() => {
                let names = variants.iter().map(|v| v.name);
                let list: Vec<String> = names.clone().map(|n| format!("`{n}`")).collect();
                let d = mismatch(name, "a table that is named after the choice", node);
                self.complain(match &node.value {
                    Value::Text(text) if nearest(text, names.clone()).is_some() => {
                        let near = nearest(text, names).unwrap_or_default();
                        d.replace("write", node.place.clone(), format!("{{ {near} = {{}} }}"))
                    }
                    _ => d.help(format!("possible here: {}", list.join(", "))),
                });
                Choice::Failed
            }
            Some((_, node)) => {
                let place = self.entries_of(name).ok().flatten().map(|e| e.0);
                self.inside(name, place, node.entries().unwrap_or_default(), false, read)
            }
        }
    }
}
