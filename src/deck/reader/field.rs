//! A key that has been read, on its way to a value or a complaint.

use super::Table;
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{self, Place, Value};
use crate::deck::kinds::Kind;
use crate::deck::reference::Entry;
use crate::deck::resolved::{header, quote};

impl<'a> Table<'a> {
    /// Reads a key.
    pub fn key<K: Kind>(&self, name: &str, kind: K, doc: &'static str) -> Field<'_, 'a, K> {
        let mut field = Field {
            table: self,
            name: name.to_owned(),
            rule: String::new(),
            kind,
            doc,
            state: State::Missing,
        };
        if let Some((_, node)) = self.entry(name) {
            field.state = match field.kind.read(name, node, self.cx) {
                Ok((value, text)) => State::Given(value, text, node.place.clone()),
                Err(diagnostic) => {
                    self.complain(*diagnostic);
                    State::Bad
                }
            };
        }
        field
    }
}

/// The state of a key's value.
enum State<T> {
    Missing,
    Bad,
    Given(T, String, Place),
}

/// A key that has been read but not yet decided upon: a method such as [`Field::or`] ends it.
#[must_use]
pub(in crate::deck) struct Field<'t, 'a, K: Kind> {
    table: &'t Table<'a>,
    name: String,
    kind: K,
    doc: &'static str,
    rule: String,
    state: State<K::Value>,
}

impl<K: Kind> Field<'_, '_, K> {
    /// Demands something of the value; `rule` completes "`key` must be ...".
    pub fn must_be(mut self, rule: &str, holds: impl FnOnce(&K::Value) -> bool) -> Self {
        self.rule = format!(", {rule}");
        if let State::Given(value, _, place) = &self.state
            && !holds(value)
        {
            self.table.complain(
                Diagnostic::error(format!("`{}` must be {rule}", self.name)).at(place.clone(), ""),
            );
            self.state = State::Bad;
        }
        self
    }

    /// Warns about a value that is possible but odd.
    pub fn warn_if(self, odd: impl FnOnce(&K::Value) -> bool, title: &str, help: &str) -> Self {
        if let State::Given(value, _, place) = &self.state
            && odd(value)
        {
            self.table
                .complain(Diagnostic::warning(title).at(place.clone(), "").help(help));
        }
        self
    }

    fn describe(&self, default: &str) {
        if self.table.cx.describing {
            self.table.cx.manual.borrow_mut().push(Entry::Key {
                table: header(&self.table.path),
                name: self.name.clone(),
                wanted: format!("{}{}", self.kind.wanted(), self.rule),
                default: default.to_owned(),
                doc: self.doc,
            });
        }
    }

    fn value(self) -> Option<K::Value> {
        match self.state {
            State::Given(value, text, _) => {
                self.table.record(&self.name, Some(text));
                Some(value)
            }
            State::Missing | State::Bad => {
                self.table.record(&self.name, None);
                None
            }
        }
    }

    /// The key may be left out; `default` says in words what happens then.
    pub fn optional(self, default: &str) -> Option<K::Value> {
        self.describe(default);
        self.value()
    }

    /// The key must be given; `example` is a value as written in TOML. None when something was wrong.
    pub fn required(self, example: &str) -> Option<K::Value> {
        self.required_as(example, "required")
    }

    /// As [`Field::required`], with the words for the manual when something else can take its place.
    pub fn required_as(self, example: &str, words: &str) -> Option<K::Value> {
        self.describe(words);
        if matches!(self.state, State::Missing) && !self.table.cx.describing {
            let t = self.table;
            let diagnostic = Diagnostic::error(format!("{} has no `{}`", t.title(), self.name))
                .maybe_at(t.place(), "")
                .help(format!("add for example `{} = {example}`", self.name));
            t.lacks(&self.name, diagnostic);
        }
        self.value()
    }

    /// The key has a default, written as in TOML (strings may leave out the quotes). None when something was wrong.
    pub fn or(self, default: &str) -> Option<K::Value> {
        let shown = match document::literal(default).value {
            Value::Text(text) => format!("`{}`", quote(&text)),
            _ => format!("`{default}`"),
        };
        self.or_as(default, &shown)
    }

    /// As [`Field::or`], with the words for the manual when the default depends on something else.
    pub fn or_as(mut self, default: &str, words: &str) -> Option<K::Value> {
        self.describe(words);
        if matches!(self.state, State::Missing) {
            let node = document::literal(default);
            match self.kind.read(&self.name, &node, self.table.cx) {
                Ok((value, text)) => self.state = State::Given(value, text, node.place),
                Err(diagnostic) => {
                    self.table.complain(*diagnostic);
                    self.state = State::Bad;
                }
            }
        }
        self.value()
    }

    /// The key has a default: the name of the deck with an ending, such as `.relaxed.extxyz`.
    pub fn or_named(self, ending: &str) -> Option<K::Value> {
        let name = quote(&format!("{}{ending}", self.table.cx.stem));
        self.or_as(&name, &format!("name of the deck with `{ending}`"))
    }

    /// Another way of giving a key: described, but not written into the resolved deck.
    pub fn alias(self, default: &str) -> Option<K::Value> {
        self.describe(default);
        match self.state {
            State::Given(value, ..) => Some(value),
            State::Missing | State::Bad => None,
        }
    }
}

impl<K: Kind<Value = f64>> Field<'_, '_, K> {
    /// Demands a value above zero.
    pub fn positive(self) -> Self {
        self.must_be("positive", |v| *v > 0.0)
    }

    /// Demands a value of at least zero.
    pub fn not_negative(self) -> Self {
        self.must_be("zero or positive", |v| *v >= 0.0)
    }
}
