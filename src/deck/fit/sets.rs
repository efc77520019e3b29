//! Values that terms of a model have: combinations of elements, lists of numbers.

use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::kinds::{Kind, Read, element, mismatch};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;
use crate::elements::Element;

/// N elements joined by `-`, as in `"Si-O"`, as atomic numbers.
pub(super) struct Set<const N: usize>;

impl<const N: usize> Kind for Set<N> {
    type Value = [u8; N];

    fn wanted(&self) -> String {
        let example = ["Si", "O", "Si"].iter().take(N).copied();
        let example: Vec<&str> = example.collect();
        format!(
            "{N} elements joined by `-`, as in {}",
            quote(&example.join("-"))
        )
    }

    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<[u8; N]> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let found = text.split('-').map(str::trim).map(element);
        let found: Vec<Element> = found
            .collect::<Result<_, _>>()
            .map_err(|why| Box::new(why.into_diagnostic(node.place.clone())))?;
        match <[Element; N]>::try_from(found) {
            Ok(set) => Ok((set.map(|e| e.number()), quote(text))),
            Err(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), ""),
            )),
        }
    }
}

/// A list of plain numbers, not empty.
pub(super) struct NumberList;

impl Kind for NumberList {
    type Value = Vec<f64>;

    fn wanted(&self) -> String {
        "a list of numbers".to_owned()
    }

    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<f64>> {
        let Value::List(items) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        let number = |item: &Node| match &item.value {
            Value::Integer(i) => Ok(*i as f64),
            Value::Number(x) if x.is_finite() => Ok(*x),
            _ => Err(Box::new(mismatch(name, "a plain number", item))),
        };
        let numbers: Vec<f64> = items.iter().map(number).collect::<Result<_, _>>()?;
        if numbers.is_empty() {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is an empty list")).at(node.place.clone(), ""),
            ));
        }
        let words: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
        Ok((numbers, format!("[{}]", words.join(", "))))
    }
}
