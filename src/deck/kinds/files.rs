//! Paths of files to read and to write.

use super::{Kind, Read, mismatch};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;
use crate::deck::spelling::nearest;
use std::path::{Path, PathBuf};

/// A file that must be there, relative to the deck.
pub(in crate::deck) struct InFile;

impl Kind for InFile {
    type Value = PathBuf;
    fn wanted(&self) -> String {
        "a file".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<PathBuf> {
        let (path, text) = path(name, node, cx)?;
        if path.is_dir() {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is a folder, a file is needed"))
                    .at(node.place.clone(), ""),
            ));
        }
        if !path.exists() && !cx.stored {
            let d = Diagnostic::error("there is no such file")
                .at(node.place.clone(), format!("looked for {}", path.display()));
            return Err(Box::new(match neighbour(&path) {
                Some(near) => {
                    let written = Path::new(&text).with_file_name(&near);
                    let new = quote(&written.to_string_lossy());
                    d.replace(format!("there is a file `{near}`"), node.place.clone(), new)
                }
                None => d.help("paths in a deck are relative to the deck"),
            }));
        }
        Ok((path, quote(&text)))
    }
}

/// A file to write, relative to the deck.
pub(in crate::deck) struct OutFile;

impl Kind for OutFile {
    type Value = PathBuf;
    fn wanted(&self) -> String {
        "a file name".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<PathBuf> {
        let (path, text) = path(name, node, cx)?;
        if path.is_dir() || text.ends_with('/') {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is a folder, a file is needed"))
                    .at(node.place.clone(), ""),
            ));
        }
        Ok((path, quote(&text)))
    }
}

/// A file to write, relative to the deck, or `false` for none.
pub(in crate::deck) struct OutFileOrNone;

impl Kind for OutFileOrNone {
    type Value = Option<PathBuf>;
    fn wanted(&self) -> String {
        "a file name or false".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Option<PathBuf>> {
        match &node.value {
            Value::Flag(false) => Ok((None, "false".to_owned())),
            Value::Flag(true) => {
                let d = mismatch(name, &self.wanted(), node);
                Err(Box::new(d.help(
                    "leave it out for the usual name, or give a file name in quotes",
                )))
            }
            _ => OutFile
                .read(name, node, cx)
                .map(|(path, text)| (Some(path), text)),
        }
    }
}

fn path(name: &str, node: &Node, cx: &Context) -> Read<PathBuf> {
    match &node.value {
        Value::Text(s) if !s.trim().is_empty() => Ok((cx.folder.join(s), s.clone())),
        Value::Text(_) => Err(Box::new(
            Diagnostic::error(format!("`{name}` is empty"))
                .at(node.place.clone(), "a path is needed"),
        )),
        _ => Err(Box::new(mismatch(name, "a path in quotes", node))),
    }
}

/// The file of a similar name in the same folder.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(2000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let near = nearest(wanted, names.iter().map(String::as_str))?;
    folder.join(near).is_file().then(|| near.to_owned())
}
