//! The manual of all keys, made by letting the readers describe themselves.

use super::reader::{Context, Table};
use std::fmt::Write;
use std::sync::OnceLock;

/// One line of the manual.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A table begins.
    Table {
        header: String,
        doc: &'static str,
        presence: &'static str,
    },
    /// A key of a table.
    Key {
        table: String,
        name: String,
        wanted: String,
        default: String,
        doc: &'static str,
    },
}

/// Every table and key, in the order in which they are read.
fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let cx = Context {
            describing: true,
            stem: "NAME".to_owned(),
            ..Context::default()
        };
        super::schema::deck(&Table::root(&cx, &[]));
        cx.manual.into_inner()
    })
}

/// The keys that a table of this header requires.
pub(super) fn required_keys(table: &str) -> Vec<String> {
    let required = |e: &Entry| match e {
        Entry::Key {
            table: t,
            name,
            default,
            ..
        } if t == table && default == "required" => Some(name.clone()),
        _ => None,
    };
    entries().iter().filter_map(required).collect()
}

/// The headers of at most two tables that have a key, or contain a table, of this name: the nearest below the table
/// `here` if there are any, else the topmost.
pub(super) fn tables_with(name: &str, here: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in entries() {
        let place = match entry {
            Entry::Key { table, name: n, .. } if n == name => table.clone(),
            Entry::Table { header, .. } => {
                let path = header.trim_matches(['[', ']']);
                match path.rsplit_once('.') {
                    Some((parent, last)) if last == name => format!("[{parent}]"),
                    _ => continue,
                }
            }
            Entry::Key { .. } => continue,
        };
        if place != "[]" && !found.contains(&place) {
            found.push(place);
        }
    }
    let below = format!("[{here}.");
    if found.iter().any(|f| f.starts_with(&below)) {
        found.retain(|f| f.starts_with(&below));
    }
    found.sort_by_key(|f| f.matches('.').count());
    found.truncate(2);
    found
}

/// A section of the manual.
struct Section {
    header: String,
    /// Headers under which the same keys are known, too.
    also: Vec<String>,
    doc: &'static str,
    presence: &'static str,
    rows: String,
}

/// The reference of every table and key in Markdown, as it stands in `docs/deck.md`.
pub fn reference() -> String {
    let mut out = String::new();
    for section in sections() {
        let words = match section.presence {
            "required" => " *(required)*",
            "optional" => " *(optional)*",
            "choice" => " *(a choice)*",
            _ => "",
        };
        let title = match section.header.as_str() {
            "[]" => "Top level".to_owned(),
            header => format!("`{header}`"),
        };
        let _ = write!(out, "\n### {title}{words}\n\n{}", section.doc);
        for also in &section.also {
            let _ = write!(out, " `{also}` has the same keys.");
        }
        out.push('\n');
        if !section.rows.is_empty() {
            out.push_str("\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
            out.push_str(&section.rows);
        }
    }
    out
}

/// Keys gathered by table; tables of the same name and content are one section.
fn sections() -> Vec<Section> {
    let section = |header: &str, doc, presence| Section {
        header: header.to_owned(),
        also: Vec::new(),
        doc,
        presence,
        rows: String::new(),
    };
    let mut all = vec![section("[]", "The deck as a whole.", "")];
    for entry in entries() {
        match entry {
            Entry::Table {
                header,
                doc,
                presence,
            } => all.push(section(header, doc, presence)),
            Entry::Key {
                table,
                name,
                wanted,
                default,
                doc,
            } => {
                if let Some(section) = all.iter_mut().find(|s| s.header == *table) {
                    let _ = writeln!(section.rows, "| `{name}` | {wanted} | {default} | {doc} |");
                }
            }
        }
    }
    let last = |s: &Section| s.header.rsplit('.').next().map(str::to_owned);
    let mut merged: Vec<Section> = Vec::new();
    for mut section in all {
        let twin = merged.iter().position(|s| {
            last(s) == last(&section) && s.doc == section.doc && s.rows == section.rows
        });
        // The shorter header comes later: the terms of a sum are read before single models.
        if let Some(i) = twin {
            let longer = merged.remove(i);
            section.also.push(longer.header);
        }
        merged.push(section);
    }
    merged
}
