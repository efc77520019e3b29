//! Words out of a few.

use super::{Kind, Read, mismatch};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;

/// A list of words out of a few.
pub(in crate::deck) struct Words(pub &'static [&'static str]);

impl Kind for Words {
    type Value = Vec<usize>;
    fn wanted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|w| quote(w)).collect();
        format!("a list of {}", words.join(", "))
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<usize>> {
        let Value::List(items) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let mut found = Vec::new();
        for item in items {
            let place = match &item.value {
                Value::Text(word) => self.0.iter().position(|w| w == word),
                _ => None,
            };
            match place {
                Some(k) => found.push(k),
                None => {
                    return Err(Box::new(
                        Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                            .at(item.place.clone(), ""),
                    ));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        let words: Vec<String> = found.iter().map(|k| quote(self.0[*k])).collect();
        Ok((found, format!("[{}]", words.join(", "))))
    }
}
