//! Kinds of value that only restraints, walls and forces have.

use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::kinds::{Kind, Quantity, Read, mismatch};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;
use crate::units::Dimension;

/// Three quantities along x, y and z.
pub(super) struct Vector(pub Dimension);

impl Kind for Vector {
    type Value = [f64; 3];
    fn wanted(&self) -> String {
        format!("a list of three along x, y, z, each {}", self.0)
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<[f64; 3]> {
        let wrong = || mismatch(name, &self.wanted(), node);
        let Value::List(items) = &node.value else {
            let zero = quote(&format!("0 {}", self.0.usual_unit()));
            return Err(Box::new(match Quantity(self.0).read(name, node, cx) {
                Ok((_, one)) => wrong().replace(
                    "write it for the axis that you mean, as in",
                    node.place.clone(),
                    format!("[{zero}, {zero}, {one}]"),
                ),
                Err(_) => wrong().help(format!("write for example [{zero}, {zero}, {zero}]")),
            }));
        };
        if items.len() != 3 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        }
        let mut vector = [0.0; 3];
        let mut texts = Vec::new();
        for (x, item) in vector.iter_mut().zip(items) {
            let (value, text) = Quantity(self.0).read(name, item, cx)?;
            *x = value;
            texts.push(text);
        }
        Ok((vector, format!("[{}]", texts.join(", "))))
    }
}
