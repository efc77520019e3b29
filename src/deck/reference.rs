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

/// The reference of every table and key in Markdown, as it stands in `docs/deck.md`.
pub fn reference() -> String {
    const COLUMNS: &str = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n";
    let mut out = String::from("### Top level\n\n");
    let mut table = "[]".to_owned();
    let mut in_columns = false;
    for entry in entries() {
        match entry {
            Entry::Table {
                header,
                doc,
                presence,
            } => {
                let words = match *presence {
                    "required" => " *(required)*",
                    "optional" => " *(optional)*",
                    "choice" => " *(one of the choices)*",
                    _ => "",
                };
                let _ = write!(out, "\n### `{header}`{words}\n\n{doc}\n\n");
                table.clone_from(header);
                in_columns = false;
            }
            Entry::Key {
                table: t,
                name,
                wanted,
                default,
                doc,
            } => {
                if *t != table {
                    let _ = write!(out, "\n### `{t}`, continued\n\n");
                    table.clone_from(t);
                    in_columns = false;
                }
                if !in_columns {
                    out.push_str(COLUMNS);
                    in_columns = true;
                }
                let _ = writeln!(out, "| `{name}` | {wanted} | {default} | {doc} |");
            }
        }
    }
    out
}
