//! The TOML text as a tree in which every key and value knows its place.
//!
//! Overrides from the command line (`--set md.length="5 ps"`) are sources of their own, so that a mistake in one is shown
//! there and not in the deck.

use super::diagnostics::Diagnostic;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// How deep tables may nest; far more than any deck needs.
const MAX_DEPTH: usize = 32;

/// A text that something was read from: the deck itself, or one override.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Path of the deck as given; empty for an override.
    pub path: String,
    /// The text; an override begins with `--set `.
    pub text: String,
}

/// A stretch of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the source; 0 is the deck.
    pub source: usize,
    /// Range in bytes.
    pub span: Range<usize>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub place: Place,
}

/// A key with its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub name: String,
    pub place: Place,
}

/// The entries of a table.
pub(super) type Entries = [(Key, Node)];

/// What TOML knows. Tables are in the order of the text.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Number(f64),
    Flag(bool),
    /// A date or a time of day; only its text matters here.
    Clock(String),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
}

impl Value {
    /// "a string", "a whole number", ...
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::Clock(_) => "a date or time of day",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Node {
    /// The entries when this is a table.
    pub fn entries(&self) -> Option<&Entries> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }
}

/// Parses the text of a deck (source 0). All syntax errors are returned, in the order of the text.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Diagnostic>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let mut entries = table(root.get_ref(), 0, 0, text);
        sort(&mut entries);
        return Ok(Node {
            value: Value::Table(entries),
            place: Place {
                source: 0,
                span: 0..0,
            },
        });
    }
    let mut found: Vec<Diagnostic> = errors.iter().map(|e| syntax_error(e, text, 0, 0)).collect();
    found.sort_by_key(|d| d.place().map_or(0, |p| p.span.start));
    // One slip often makes the parser stumble several times on the same line: the first complaint is the useful one.
    let line = |d: &Diagnostic| d.place().map_or(0, |p| line_of(text, p.span.start));
    found.dedup_by(|b, a| line(a) == line(b));
    Err(found)
}

/// Applies the override `key=value` that is source number `source`, whose text is `--set key=value`.
///
/// The value is read as TOML when it is TOML, and as a string otherwise, because shells eat quotes.
pub(super) fn apply(root: &mut Node, source: usize, text: &str) -> Result<(), Box<Diagnostic>> {
    const EXAMPLE: &str = "write it as in `--set md.length=\"5 ps\"`";
    let refuse = |d: Diagnostic| Err(Box::new(d));
    let start = text.find(char::is_whitespace).map_or(0, |i| i + 1);
    let at = |span: Range<usize>| Place { source, span };
    let Some(equals) = text[start..].find('=').map(|i| i + start) else {
        return refuse(
            Diagnostic::error("an override needs a key and a value")
                .at(at(start..text.len()), "there is no `=` here")
                .help(EXAMPLE),
        );
    };
    let mut keys = Vec::new();
    let mut offset = start;
    for part in text[start..equals].split('.') {
        let name = part.trim();
        let from = offset + (part.len() - part.trim_start().len());
        if name.is_empty() || keys.len() == MAX_DEPTH {
            let problem = if name.is_empty() {
                "a part of the key is empty"
            } else {
                "the key has too many parts"
            };
            let place = at(start..equals);
            return refuse(Diagnostic::error(problem).at(place, "").help(EXAMPLE));
        }
        keys.push(Key {
            name: name.trim_matches(['"', '\'']).to_owned(),
            place: at(from..from + name.len()),
        });
        offset += part.len() + 1;
    }
    let raw = &text[equals + 1..];
    let first = equals + 1 + (raw.len() - raw.trim_start().len());
    let raw = raw.trim();
    let place = at(first..first + raw.len());
    if raw.is_empty() {
        return refuse(
            Diagnostic::error("the override has no value")
                .at(at(start..text.len()), "nothing after the `=`"),
        );
    }
    let node = match DeValue::parse(raw) {
        Ok(value) => node(value.get_ref(), place.span.clone(), first, source, text),
        Err(error) if raw.starts_with(['"', '\'', '[', '{']) => {
            return refuse(syntax_error(&error, raw, first, source));
        }
        Err(_) => Node {
            value: Value::Text(raw.to_owned()),
            place,
        },
    };
    put(root, &keys, node)
}

fn put(table: &mut Node, keys: &[Key], new: Node) -> Result<(), Box<Diagnostic>> {
    let [key, rest @ ..] = keys else {
        return Ok(());
    };
    let refuse = |what: &str| {
        let title = format!("the override cannot reach `{}`", key.name);
        Err(Box::new(
            Diagnostic::error(title).at(key.place.clone(), what.to_owned()),
        ))
    };
    let kind = table.value.type_name();
    let slot = match &mut table.value {
        Value::Table(entries) => {
            let index = entries
                .iter()
                .position(|e| e.0.name == key.name)
                .unwrap_or_else(|| {
                    entries.push((
                        key.clone(),
                        Node {
                            value: Value::Table(Vec::new()),
                            place: key.place.clone(),
                        },
                    ));
                    entries.len() - 1
                });
            if rest.is_empty() {
                entries[index].0 = key.clone();
            }
            &mut entries[index].1
        }
        Value::List(items) => {
            let many = items.len();
            match key
                .name
                .parse::<usize>()
                .ok()
                .and_then(|i| items.get_mut(i))
            {
                Some(item) => item,
                None => {
                    return refuse(&format!(
                        "the deck has a list of {many} here: use a number, counted from 0"
                    ));
                }
            }
        }
        _ => return refuse(&format!("the deck has {kind} here, not a table")),
    };
    if rest.is_empty() {
        *slot = new;
        Ok(())
    } else {
        put(slot, rest, new)
    }
}

/// Reads one value written as TOML, or as a plain string when it is not TOML; for defaults. Its place means nothing.
pub(super) fn literal(text: &str) -> Node {
    let span = 0..text.len();
    match DeValue::parse(text) {
        Ok(value) => node(value.get_ref(), span, 0, 0, text),
        Err(_) => Node {
            value: Value::Text(text.to_owned()),
            place: Place { source: 0, span },
        },
    }
}

fn table(table: &DeTable<'_>, offset: usize, source: usize, text: &str) -> Vec<(Key, Node)> {
    table
        .iter()
        .map(|(key, value)| {
            let k = key.span();
            let place = Place {
                source,
                span: k.start + offset..k.end + offset,
            };
            let v = value.span();
            let span = v.start + offset..v.end + offset;
            (
                Key {
                    name: key.get_ref().to_string(),
                    place,
                },
                node(value.get_ref(), span, offset, source, text),
            )
        })
        .collect()
}

fn node(value: &DeValue<'_>, span: Range<usize>, offset: usize, source: usize, text: &str) -> Node {
    let value = match value {
        DeValue::String(s) => Value::Text(s.to_string()),
        DeValue::Integer(i) => match i128::from_str_radix(i.as_str(), i.radix()) {
            Ok(i) => Value::Integer(i),
            Err(_) => Value::Number(i.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(x) => Value::Number(x.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Flag(*b),
        DeValue::Datetime(d) => Value::Clock(
            text.get(span.clone())
                .map_or_else(|| d.to_string(), str::to_owned),
        ),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| {
                    let s = item.span();
                    node(
                        item.get_ref(),
                        s.start + offset..s.end + offset,
                        offset,
                        source,
                        text,
                    )
                })
                .collect(),
        ),
        DeValue::Table(t) => {
            let mut entries = table(t, offset, source, text);
            sort(&mut entries);
            Value::Table(entries)
        }
    };
    Node {
        value,
        place: Place { source, span },
    }
}

/// The toml crate keeps keys in alphabetical order; people expect the order of their text.
fn sort(entries: &mut [(Key, Node)]) {
    entries.sort_by_key(|e| e.0.place.span.start);
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(at)
        .filter(|&&b| b == b'\n')
        .count()
}

fn syntax_error(error: &toml::de::Error, text: &str, offset: usize, source: usize) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    // An error at the end of a line is reported after it; a caret on the next line would mislead.
    let span = span.start.min(text.len())..span.end.min(text.len());
    let place = Place {
        source,
        span: span.start + offset..span.end + offset,
    };
    let message = error.message();
    let found = text.get(span.clone()).unwrap_or("");
    if message.starts_with("duplicate key") {
        return Diagnostic::error(format!("`{found}` is given twice"))
            .at(place, "the second one")
            .help("remove one of them");
    }
    if message.starts_with("string values must be quoted") {
        if found.trim().is_empty() {
            return Diagnostic::error("a value is missing").at(place, "nothing after the `=`");
        }
        let quoted = super::resolved::quote(found.trim());
        return Diagnostic::error("text and quantities with units are written in quotes")
            .at(place.clone(), "")
            .replace("put it in quotes", place, quoted);
    }
    const PLAIN: [(&str, &str, &str); 8] = [
        (
            "invalid basic string, expected `\"`",
            "a string is not closed",
            "`\"` is missing here",
        ),
        (
            "invalid literal string, expected `'`",
            "a string is not closed",
            "`'` is missing here",
        ),
        (
            "unclosed table",
            "the header of a table is not closed",
            "`]` is missing here",
        ),
        (
            "unclosed array table",
            "the header of a table is not closed",
            "`]]` is missing here",
        ),
        (
            "unclosed array",
            "a list is not closed",
            "`]` is missing here",
        ),
        (
            "unclosed inline table",
            "a table in braces is not closed",
            "`}` is missing here",
        ),
        (
            "key with no value",
            "a key without a value",
            "`=` and a value are missing here",
        ),
        (
            "unquoted keys cannot be empty",
            "a key is missing",
            "before this `=`",
        ),
    ];
    match PLAIN.iter().find(|p| message.starts_with(p.0)) {
        Some((_, title, label)) => Diagnostic::error(*title).at(place, *label),
        None => Diagnostic::error(format!("this is not TOML: {message}")).at(place, ""),
    }
}
