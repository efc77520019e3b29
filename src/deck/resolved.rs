//! The canonical text of a deck, with every default filled in, and what differs between two of them.

use super::document::{self, Node, Value};
use crate::units;
use std::fmt;

/// One step of the path to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A table in a table.
    Key(String),
    /// An element of a list of tables.
    Item(usize),
}

/// The path as people write it: `md.thermostat`, `potential.terms`.
pub(super) fn dotted(path: &[Step]) -> String {
    let names: Vec<String> = path
        .iter()
        .filter_map(|s| match s {
            Step::Key(k) => Some(bare_or_quoted(k)),
            Step::Item(_) => None,
        })
        .collect();
    names.join(".")
}

/// The header of a table: `[md]`, or `[[potential.terms]]` for an element of a list.
pub(super) fn header(path: &[Step]) -> String {
    match path.last() {
        Some(Step::Item(_)) => format!("[[{}]]", dotted(path)),
        _ => format!("[{}]", dotted(path)),
    }
}

/// A TOML string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn bare_or_quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { key.to_owned() } else { quote(key) }
}

/// Collects keys and canonical values while a deck is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recorder {
    tables: Vec<Recorded>,
}

#[derive(Clone, Debug, PartialEq)]
struct Recorded {
    path: Vec<Step>,
    /// Keys with their values; those without one keep their place in the order.
    keys: Vec<(String, Option<String>)>,
    /// Written even when it has no keys, because its presence says something.
    always: bool,
}

impl Recorder {
    /// Announces a table, so that tables come out in the order in which they were opened.
    pub fn open(&mut self, path: &[Step], always: bool) {
        match self.tables.iter_mut().find(|t| t.path == path) {
            Some(table) => table.always |= always,
            None => self.tables.push(Recorded {
                path: path.to_vec(),
                keys: Vec::new(),
                always,
            }),
        }
    }

    /// Notes one key with its value in TOML, or that it has none.
    pub fn put(&mut self, path: &[Step], key: &str, value: Option<String>) {
        self.open(path, false);
        if let Some(table) = self.tables.iter_mut().find(|t| t.path == path) {
            match table.keys.iter_mut().find(|k| k.0 == key) {
                Some(entry) => entry.1 = value,
                None => table.keys.push((key.to_owned(), value)),
            }
        }
    }

    /// The canonical text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for table in &self.tables {
            let has_tables = || {
                self.tables
                    .iter()
                    .any(|t| t.path.len() > table.path.len() && t.path.starts_with(&table.path))
            };
            if table.keys.iter().all(|k| k.1.is_none()) && (!table.always || has_tables()) {
                continue;
            }
            if !table.path.is_empty() {
                out.push_str(&format!("\n{}\n", header(&table.path)));
            }
            for (key, value) in &table.keys {
                if let Some(value) = value {
                    out.push_str(&format!("{} = {value}\n", bare_or_quoted(key)));
                }
            }
        }
        out
    }
}

/// A key on which two decks disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The full key, as `md.length` or `potential.terms.0.scale`.
    pub key: String,
    /// Its value in the old deck as written in TOML; `None` when absent.
    pub old: Option<String>,
    /// Its value in the new deck.
    pub new: Option<String>,
}

impl Difference {
    /// Whether a run may be resumed in spite of this difference: its length grew, or the old deck records the seed that
    /// the run had picked for a deck that names none.
    pub fn allowed(&self) -> bool {
        match self.key.as_str() {
            "md.length" => self.lengthens(),
            "md.seed" => self.old.is_some() && self.new.is_none(),
            _ => false,
        }
    }
}

impl Difference {
    /// Whether a number of steps grew.
    fn lengthens(&self) -> bool {
        let steps = |text: &Option<String>| text.as_deref().and_then(steps);
        match (steps(&self.old), steps(&self.new)) {
            (Some(old), Some(new)) => new >= old,
            _ => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |v: &Option<String>| v.clone().unwrap_or_else(|| "not given".to_owned());
        write!(
            f,
            "`{}` was {} and is now {}",
            self.key,
            show(&self.old),
            show(&self.new)
        )
    }
}

fn steps(text: &str) -> Option<u64> {
    text.trim_matches('"').strip_suffix(" steps")?.parse().ok()
}

/// Compares two resolved decks key by key, in the order of the old one. Quantities that are the same number in internal
/// units are equal however they are written.
pub fn differences(old: &str, new: &str) -> Vec<Difference> {
    let (Ok(a), Ok(b)) = (document::parse(old), document::parse(new)) else {
        if old == new {
            return Vec::new();
        }
        return vec![Difference {
            key: "deck".into(),
            old: Some("unreadable".into()),
            new: Some("unreadable".into()),
        }];
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    flatten(&a, "", old, &mut before);
    flatten(&b, "", new, &mut after);
    let find = |list: &[(String, String)], key: &str| {
        list.iter().find(|e| e.0 == key).map(|e| e.1.clone())
    };
    let mut found = Vec::new();
    for (key, value) in &before {
        let now = find(&after, key);
        if now
            .as_ref()
            .is_none_or(|n| n != value && !same_quantity(n, value))
        {
            found.push(Difference {
                key: key.clone(),
                old: Some(value.clone()),
                new: now,
            });
        }
    }
    for (key, value) in after {
        if find(&before, &key).is_none() {
            found.push(Difference {
                key,
                old: None,
                new: Some(value),
            });
        }
    }
    found
}

/// The differences that forbid a run of the deck `old` to be resumed with the deck `new`: all but those that are
/// [`allowed`](Difference::allowed) and a longer last stage, unless that has a ramp, which would be stretched.
pub fn forbidden(old: &str, new: &str) -> Vec<Difference> {
    let mut keys = Vec::new();
    if let Ok(document) = document::parse(old) {
        flatten(&document, "", old, &mut keys);
    }
    let stage = |key: &str| -> Option<usize> {
        let rest = key.strip_prefix("stage.")?;
        rest.split('.').next()?.parse().ok()
    };
    let last = keys.iter().filter_map(|k| stage(&k.0)).max();
    let ramp = keys
        .iter()
        .any(|k| stage(&k.0) == last && k.0.contains(".final_"));
    let mut found = differences(old, new);
    found.retain(|d| {
        let length = last.map(|k| format!("stage.{k}.length"));
        let longer = length.is_some_and(|key| d.key == key) && d.lengthens() && !ramp;
        !(longer || d.allowed())
    });
    found
}

fn flatten(node: &Node, path: &str, text: &str, out: &mut Vec<(String, String)>) {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match &node.value {
        Value::Table(entries) => {
            if entries.is_empty() && !path.is_empty() {
                out.push((path.to_owned(), "{}".to_owned()));
            }
            for (key, value) in entries {
                flatten(value, &join(&bare_or_quoted(&key.name)), text, out);
            }
        }
        Value::List(items) if items.iter().any(|i| matches!(i.value, Value::Table(_))) => {
            for (i, item) in items.iter().enumerate() {
                flatten(item, &join(&i.to_string()), text, out);
            }
        }
        _ => out.push((
            path.to_owned(),
            text.get(node.place.span.clone()).unwrap_or("").to_owned(),
        )),
    }
}

fn same_quantity(a: &str, b: &str) -> bool {
    let read = |text: &str| {
        let text = text.strip_prefix('"')?.strip_suffix('"')?;
        let (number, unit) = text.split_once(' ')?;
        let (_, dimension) = units::parse_unit(unit).ok()?;
        number.parse::<f64>().ok()?;
        Some((units::parse(text, dimension).ok()?.to_bits(), dimension))
    };
    read(a).is_some() && read(a) == read(b)
}
