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
        cx.read.borrow_mut().push((name.to_owned(), text.clone()));
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

/// A file that must be there, or a name with `*` and `?` that some file in its folder must fit.
pub(in crate::deck) struct InFiles;

impl Kind for InFiles {
    type Value = PathBuf;
    fn wanted(&self) -> String {
        InFile.wanted()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<PathBuf> {
        let (path, text) = path(name, node, cx)?;
        if !is_pattern(&path) {
            return InFile.read(name, node, cx);
        }
        if fitting(&path).is_empty() {
            return Err(Box::new(
                Diagnostic::error("no file has a name like this")
                    .at(node.place.clone(), format!("looked for {}", path.display())),
            ));
        }
        Ok((path, quote(&text)))
    }
}

/// Whether a file name stands for several; a file that has this very name is meant itself.
pub(in crate::deck) fn is_pattern(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy());
    name.is_some_and(|n| n.contains(['*', '?'])) && !path.exists()
}

/// The files whose names fit a pattern, sorted.
pub(in crate::deck) fn fitting(pattern: &Path) -> Vec<PathBuf> {
    let folder = pattern
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let Some(wanted) = pattern.file_name().map(|n| n.to_string_lossy()) else {
        return Vec::new();
    };
    let wanted: Vec<char> = wanted.chars().collect();
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| fits(&wanted, &name.chars().collect::<Vec<_>>()))
        .collect();
    names.sort_unstable();
    let files = names.into_iter().map(|n| pattern.with_file_name(n));
    files.filter(|p| p.is_file()).collect()
}

/// Whether a name fits: `*` is any number of characters, `?` one.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    // The last star, and where it was tried to end.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((at, end)) => {
                    *end += 1;
                    (p, n) = (*at + 1, *end);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
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

#[cfg(test)]
mod tests {
    #[test]
    fn patterns() {
        let fits = |p: &str, n: &str| {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            super::fits(&chars(p), &chars(n))
        };
        assert!(fits("*.xyz", "a.xyz") && fits("*.xyz", ".xyz") && fits("a*b*c", "aXbYbZc"));
        assert!(fits("si?.xyz", "si1.xyz") && fits("*", "") && fits("**", "x"));
        assert!(!fits("*.xyz", "a.xyz2") && !fits("si?.xyz", "si.xyz") && !fits("a", "ab"));
        assert!(!fits("a*b*c", "aXbY"));
    }
}
