//! Amounts: parts of a whole, lists of numbers, sizes of memory, words that a file uses.

use super::{Count, Kind, Read, mismatch};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;

/// A part of a number of things: so many of them, or a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many.
    Number(usize),
    /// A share, above 0 and below 1.
    Share(f64),
}

impl Amount {
    /// How many of `total` these are; a share is at least one.
    pub fn of(self, total: usize) -> usize {
        match self {
            Amount::Number(n) => n,
            Amount::Share(s) => ((s * total as f64).round() as usize).max(1),
        }
    }
}

/// A number of things, or a share of them.
pub(in crate::deck) struct NumberOrShare;

impl Kind for NumberOrShare {
    type Value = Amount;
    fn wanted(&self) -> String {
        "a whole number, or a share between 0 and 1".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Amount> {
        match &node.value {
            Value::Integer(i) if *i >= 0 => Ok((
                Amount::Number(usize::try_from(*i).unwrap_or(usize::MAX)),
                i.to_string(),
            )),
            Value::Number(x) if *x > 0.0 && *x < 1.0 => Ok((Amount::Share(*x), format!("{x:?}"))),
            Value::Integer(_) | Value::Number(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), ""),
            )),
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// A list of whole numbers that grow.
pub(in crate::deck) struct GrowingCounts;

impl Kind for GrowingCounts {
    type Value = Vec<usize>;
    fn wanted(&self) -> String {
        "a list of whole numbers that grow".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Vec<usize>> {
        let Value::List(items) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let one = Count {
            least: 1,
            most: u64::from(u32::MAX),
        };
        let mut found: Vec<usize> = Vec::new();
        for item in items {
            let n = one.read(name, item, cx)?.0 as usize;
            if found.last().is_some_and(|last| *last >= n) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                        .at(item.place.clone(), "not above the one before"),
                ));
            }
            found.push(n);
        }
        let words: Vec<String> = found.iter().map(ToString::to_string).collect();
        Ok((found, format!("[{}]", words.join(", "))))
    }
}

/// A size of memory in bytes.
pub(in crate::deck) struct Memory;

impl Kind for Memory {
    type Value = usize;
    fn wanted(&self) -> String {
        "a size of memory, as in \"4 GB\"".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<usize> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        match crate::units::parse_memory(text) {
            Ok(bytes) => Ok((bytes, quote(text.trim()))),
            Err(why) => Err(Box::new(
                Diagnostic::error(format!("`{name}` cannot be read"))
                    .at(node.place.clone(), why.reason)
                    .help(why.advice),
            )),
        }
    }
}

/// The name by which a file knows something: any text without blanks.
pub(in crate::deck) struct Label;

impl Kind for Label {
    type Value = String;
    fn wanted(&self) -> String {
        "a name without blanks".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<String> {
        match &node.value {
            Value::Text(s) if !s.is_empty() && !s.contains(char::is_whitespace) => {
                Ok((s.clone(), quote(s)))
            }
            Value::Text(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), ""),
            )),
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// A unit, with its factor to internal units.
pub(in crate::deck) struct Unit(pub crate::units::Dimension);

impl Kind for Unit {
    type Value = f64;
    fn wanted(&self) -> String {
        format!("the unit of {}", self.0)
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<f64> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        match crate::units::parse_unit(text) {
            Ok((factor, dimension)) if dimension == self.0 => Ok((factor, quote(text.trim()))),
            Ok((_, other)) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this is the unit of {other}"))
                    .help(format!("write for example {}", quote(self.0.usual_unit()))),
            )),
            Err(e) => Err(Box::new(super::unit_error(name, e, node))),
        }
    }
}
