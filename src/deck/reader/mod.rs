//! Reading tables: every key is declared by the call that reads it.
//!
//! One call such as `t.key("skin", Quantity(LENGTH), "What it is.").positive().or("1 Å")` reads the value, reports what is
//! wrong with it, makes the key known (so that misspelt ones can be told), writes it into the resolved deck, and
//! describes it for the reference manual. Nothing is declared twice, so nothing can drift apart.

mod choice;
mod field;

pub(super) use choice::{Choice, Variant};
pub(super) use field::Field;

use super::diagnostics::Diagnostic;
use super::document::{Entries, Key, Node, Place, Source, Value};
use super::kinds::mismatch;
use super::reference::Entry;
use super::resolved::{Recorder, Step, dotted, header, quote};
use super::spelling::nearest;
use std::cell::{Cell, RefCell};
use std::path::PathBuf;

/// What all tables of one deck share while it is read.
#[derive(Default)]
pub(super) struct Context {
    pub folder: PathBuf,
    /// Name of the deck's file without its extension.
    pub stem: String,
    pub sources: Vec<Source>,
    /// Whether the run is over, so that the files that it read need not be there.
    pub stored: bool,
    /// The time step, once it is known; times are turned into steps with it.
    pub timestep: Cell<Option<f64>>,
    /// How many steps the run takes, once that is known.
    pub steps: Cell<Option<u64>>,
    /// Whether the deck has stages, which have the lengths.
    pub staged: Cell<bool>,
    /// Whether the job says temperature, pressure and length of dynamics, and the table does not.
    pub governed: Cell<bool>,
    /// The files that are read, by key and as they are written.
    pub read: RefCell<Vec<(String, String)>>,
    /// Whether the nuclei are quantum: the output has beads then.
    pub quantum: Cell<bool>,
    pub diagnostics: RefCell<Vec<Diagnostic>>,
    pub recorder: RefCell<Recorder>,
    /// Every table is opened and every key described; there is no deck.
    pub describing: bool,
    pub manual: RefCell<Vec<Entry>>,
}

impl Context {
    /// The text at a place.
    pub fn text_of(&self, place: &Place) -> &str {
        self.sources
            .get(place.source)
            .and_then(|s| s.text.get(place.span.clone()))
            .unwrap_or("")
    }

    pub fn complain(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }
}

/// A table being read. Obtained from [`Table::table`] and its siblings, which check for unknown keys at the end.
pub(super) struct Table<'a> {
    pub cx: &'a Context,
    path: Vec<Step>,
    /// Where "something is missing here" points; none for tables that are not in the deck.
    place: Option<Place>,
    entries: &'a Entries,
    known: RefCell<Vec<String>>,
    variants: RefCell<Vec<&'static str>>,
    missing: RefCell<Vec<Missing>>,
}

/// Something that a table lacks. Reported at its end, unless a misspelt key explains it.
struct Missing {
    /// The key; none for a choice, which any unknown key may have been meant to be.
    name: Option<String>,
    diagnostic: Diagnostic,
}

impl<'a> Table<'a> {
    /// The whole deck. Call [`Table::finish`] after reading it.
    pub fn root(cx: &'a Context, entries: &'a Entries) -> Table<'a> {
        Table {
            cx,
            path: Vec::new(),
            place: None,
            entries,
            known: RefCell::default(),
            variants: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    fn open(
        &self,
        steps: &[Step],
        place: Option<Place>,
        entries: &'a Entries,
        always: bool,
    ) -> Table<'a> {
        let path = [&self.path[..], steps].concat();
        self.cx.recorder.borrow_mut().open(&path, always);
        Table {
            path,
            place,
            entries,
            ..Table::root(self.cx, &[])
        }
    }

    /// The entry of a key that the schema knows.
    fn entry(&self, name: &str) -> Option<&'a (Key, Node)> {
        let mut known = self.known.borrow_mut();
        if !known.iter().any(|k| k == name) {
            known.push(name.to_owned());
        }
        self.entries.iter().find(|e| e.0.name == name)
    }

    /// The place of the value of a key, if it is there.
    pub fn place_of(&self, name: &str) -> Option<Place> {
        self.entries
            .iter()
            .find(|e| e.0.name == name)
            .map(|e| e.1.place.clone())
    }

    /// The place of a key, if it is there.
    pub fn key_place(&self, name: &str) -> Option<Place> {
        self.entries
            .iter()
            .find(|e| e.0.name == name)
            .map(|e| e.0.place.clone())
    }

    /// Makes a key known that is read elsewhere or refused, and says where it is.
    pub fn claim(&self, name: &str) -> Option<Place> {
        self.entry(name).map(|e| e.0.place.clone())
    }

    /// The place of the key at the end of a dotted path, as far as the path exists.
    pub fn place_at(&self, path: &str) -> Option<Place> {
        let mut entries = Some(self.entries);
        let mut place = None;
        for part in path.split('.') {
            let Some((key, node)) = entries.and_then(|e| e.iter().find(|e| e.0.name == part))
            else {
                break;
            };
            place = Some(key.place.clone());
            entries = node.entries();
        }
        place
    }

    /// Whether the deck says nothing here.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where to point when something is missing in this table.
    pub fn place(&self) -> Option<Place> {
        self.place.clone()
    }

    /// `[md]`, or "the deck".
    pub fn title(&self) -> String {
        if self.path.is_empty() {
            "the deck".to_owned()
        } else {
            header(&self.path)
        }
    }

    pub fn complain(&self, diagnostic: Diagnostic) {
        self.cx.complain(diagnostic);
    }

    /// Complains that a key is missing, unless a misspelt one explains it.
    pub fn lacks(&self, name: &str, diagnostic: Diagnostic) {
        self.missing.borrow_mut().push(Missing {
            name: Some(name.to_owned()),
            diagnostic,
        });
    }

    /// Complains that no alternative of a choice is there, unless an unknown key explains it.
    pub fn nothing_chosen(&self, diagnostic: Diagnostic) {
        self.missing.borrow_mut().push(Missing {
            name: None,
            diagnostic,
        });
    }

    /// Writes a key into the resolved deck, or only its place in the order.
    pub fn record(&self, name: &str, text: Option<String>) {
        self.cx.recorder.borrow_mut().put(&self.path, name, text);
    }

    fn describe_table(&self, steps: &[Step], doc: &'static str, presence: &'static str) {
        if self.cx.describing {
            let path = [&self.path[..], steps].concat();
            self.cx.manual.borrow_mut().push(Entry::Table {
                header: header(&path),
                doc,
                presence,
            });
        }
    }

    /// Entries of a table in this one; complains when the key is there but not a table.
    fn entries_of(&self, name: &str) -> Result<Option<(Place, &'a Entries)>, ()> {
        let Some((key, node)) = self.entry(name) else {
            return Ok(None);
        };
        match node.entries() {
            Some(entries) => {
                // A table with a header is shown by its header, others by their key.
                let at_header = self.cx.text_of(&node.place).starts_with('[');
                Ok(Some((
                    if at_header {
                        node.place.clone()
                    } else {
                        key.place.clone()
                    },
                    entries,
                )))
            }
            None => {
                let path = [&self.path[..], &[Step::Key(name.to_owned())]].concat();
                let d = mismatch(name, "a table", node);
                let needed = super::reference::required_keys(&header(&path));
                self.complain(match (&node.value, &needed[..]) {
                    (Value::List(_) | Value::Clock(_), _) | (_, []) => {
                        d.help(format!("write its keys below a header `{}`", header(&path)))
                    }
                    (_, [only, ..]) => {
                        let raw = self.cx.text_of(&node.place);
                        let raw = if node.place.source == 0 {
                            raw.to_owned()
                        } else {
                            quote(raw)
                        };
                        let more = if needed.len() > 1 { ", ... " } else { " " };
                        d.replace(
                            "write a table",
                            node.place.clone(),
                            format!("{{ {only} = {raw}{more}}}"),
                        )
                    }
                });
                Err(())
            }
        }
    }

    fn inside<R>(
        &self,
        name: &str,
        place: Option<Place>,
        entries: &'a Entries,
        always: bool,
        read: impl FnOnce(&Table<'a>) -> R,
    ) -> R {
        let table = self.open(&[Step::Key(name.to_owned())], place, entries, always);
        let result = read(&table);
        table.finish();
        result
    }

    /// Reads a table whose keys all have defaults; absent, it is as if it were empty.
    pub fn table<R>(&self, name: &str, doc: &'static str, read: impl FnOnce(&Table<'a>) -> R) -> R {
        self.describe_table(&[Step::Key(name.to_owned())], doc, "");
        match self.entries_of(name) {
            Ok(Some((place, entries))) => self.inside(name, Some(place), entries, false, read),
            Ok(None) | Err(()) => self.inside(name, None, &[], false, read),
        }
    }

    /// Reads a table if it is there.
    pub fn optional_table<R>(
        &self,
        name: &str,
        doc: &'static str,
        read: impl FnOnce(&Table<'a>) -> Option<R>,
    ) -> Option<R> {
        self.describe_table(&[Step::Key(name.to_owned())], doc, "optional");
        match self.entries_of(name) {
            Ok(Some((place, entries))) => self.inside(name, Some(place), entries, true, read),
            Ok(None) if self.cx.describing => self.inside(name, None, &[], true, read),
            Ok(None) | Err(()) => None,
        }
    }

    /// Reads a table that must be there; `example` shows how to write it.
    pub fn required_table<R>(
        &self,
        name: &str,
        doc: &'static str,
        example: &str,
        read: impl FnOnce(&Table<'a>) -> Option<R>,
    ) -> Option<R> {
        self.describe_table(&[Step::Key(name.to_owned())], doc, "required");
        match self.entries_of(name) {
            Ok(Some((place, entries))) => self.inside(name, Some(place), entries, false, read),
            Ok(None) if self.cx.describing => self.inside(name, None, &[], false, read),
            Ok(None) => {
                let path = [&self.path[..], &[Step::Key(name.to_owned())]].concat();
                let diagnostic =
                    Diagnostic::error(format!("{} has no `{}`", self.title(), header(&path)))
                        .maybe_at(self.place(), "")
                        .help(format!("add for example\n{example}"));
                self.lacks(name, diagnostic);
                None
            }
            Err(()) => None,
        }
    }

    /// Reads a list of tables, `[[name]]`; none when the key is absent.
    pub fn tables<R>(
        &self,
        name: &str,
        doc: &'static str,
        mut read: impl FnMut(&Table<'a>) -> Option<R>,
    ) -> Option<Vec<Option<R>>> {
        let steps = |i| [Step::Key(name.to_owned()), Step::Item(i)];
        self.describe_table(&steps(0), doc, "optional");
        let mut one = |i: usize, place: Option<Place>, entries: &'a Entries| {
            let table = self.open(&steps(i), place, entries, true);
            let result = read(&table);
            table.finish();
            result
        };
        let Some((_, node)) = self.entry(name) else {
            return self.cx.describing.then(|| vec![one(0, None, &[])]);
        };
        let full = [&self.path[..], &steps(0)].concat();
        let wrong = |node: &Node| {
            self.complain(
                mismatch(name, "a list of tables", node)
                    .help(format!("begin each of them with `{}`", header(&full))),
            );
        };
        let Value::List(items) = &node.value else {
            wrong(node);
            return Some(vec![None]);
        };
        let read_item = |(i, item): (usize, &'a Node)| match item.entries() {
            Some(entries) => one(i, Some(item.place.clone()), entries),
            None => {
                wrong(item);
                None
            }
        };
        Some(items.iter().enumerate().map(read_item).collect())
    }

    /// The keys of a table in which the user chooses the names; all of them count as known. `stand_in` is the name shown
    /// in the manual.
    pub fn free_keys(&self, stand_in: &str) -> Vec<Key> {
        if self.cx.describing {
            return vec![Key {
                name: stand_in.to_owned(),
                place: Place {
                    source: 0,
                    span: 0..0,
                },
            }];
        }
        let keys: Vec<Key> = self.entries.iter().map(|e| e.0.clone()).collect();
        self.known
            .borrow_mut()
            .extend(keys.iter().map(|k| k.name.clone()));
        keys
    }

    fn unknown(&self) -> impl Iterator<Item = &'a (Key, Node)> {
        let known = self.known.borrow().clone();
        let variants = self.variants.borrow().clone();
        self.entries
            .iter()
            .filter(move |e| !known.contains(&e.0.name) && !variants.contains(&e.0.name.as_str()))
    }

    /// Reports the keys that nothing asked for, and what is missing.
    pub fn finish(&self) {
        for (key, node) in self.unknown() {
            self.complain(self.explain_unknown(key, node));
        }
        for missing in self.missing.take() {
            let explained = |key: &Key| match &missing.name {
                Some(name) => nearest(&key.name, std::iter::once(name.as_str())).is_some(),
                None => true,
            };
            if !self.unknown().any(|e| explained(&e.0)) {
                self.complain(missing.diagnostic);
            }
        }
    }

    fn explain_unknown(&self, key: &Key, node: &Node) -> Diagnostic {
        const KINDS: [&str; 6] = ["kind", "type", "style", "method", "name", "model"];
        let variants = self.variants.borrow();
        let at = key.place.clone();
        let path = dotted(&self.path);
        let within = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        if KINDS.contains(&key.name.as_str())
            && let Value::Text(text) = &node.value
            && !variants.is_empty()
        {
            let meant = nearest(text, variants.iter().copied()).unwrap_or(variants[0]);
            return Diagnostic::error(format!(
                "a choice is a table named after it, not a key `{}`",
                key.name
            ))
            .at(at, "")
            .help(format!(
                "write its keys below a header `[{}]`",
                within(meant)
            ));
        }
        let mut known: Vec<String> = self.known.borrow().clone();
        known.extend(variants.iter().map(|v| (*v).to_owned()));
        known.sort();
        known.dedup();
        let what = if node.entries().is_some() {
            "table"
        } else {
            "key"
        };
        let d = Diagnostic::error(format!("unknown {what} `{}` in {}", key.name, self.title()))
            .at(at.clone(), "");
        if let Some(near) = nearest(&key.name, known.iter().map(String::as_str)) {
            return d.replace(format!("did you mean `{near}`?"), at, near);
        }
        let elsewhere = super::reference::tables_with(&key.name, &path);
        if !elsewhere.is_empty() {
            return d.help(format!(
                "`{}` belongs in {}",
                key.name,
                elsewhere.join(" or ")
            ));
        }
        let list: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
        d.help(format!("{} has: {}", self.title(), list.join(", ")))
    }
}
