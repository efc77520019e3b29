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

/// A certain number of different atoms.
pub(in crate::deck) struct AtomNumbers<const N: usize>;

impl<const N: usize> Kind for AtomNumbers<N> {
    type Value = [u32; N];
    fn wanted(&self) -> String {
        format!("a list of {N} different atoms counted from 0")
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<[u32; N]> {
        let Value::List(items) = &node.value else {
            let numbers: Vec<String> = (0..N).map(|i| i.to_string()).collect();
            return Err(Box::new(
                mismatch(name, &self.wanted(), node)
                    .help(format!("write for example [{}]", numbers.join(", "))),
            ));
        };
        if items.len() != N {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        }
        let mut atoms = [0; N];
        for k in 0..N {
            let item = &items[k];
            let number = match &item.value {
                Value::Integer(i) => u32::try_from(*i).ok(),
                _ => None,
            };
            let Some(atom) = number else {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                        .at(item.place.clone(), "this is not the number of an atom"),
                ));
            };
            if atoms[..k].contains(&atom) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` names atom {atom} twice"))
                        .at(item.place.clone(), "the second one"),
                ));
            }
            atoms[k] = atom;
        }
        Ok((atoms, format!("{atoms:?}")))
    }
}
