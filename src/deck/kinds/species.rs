//! Chemical elements and the masses of their atoms.

use super::{Kind, Quantity, Read, mismatch};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Place, Value};
use crate::deck::reader::Context;
use crate::deck::resolved::quote;
use crate::elements::{Element, Species};
use crate::units::Dimension;

/// A list of chemical elements.
pub(in crate::deck) struct Elements;

impl Kind for Elements {
    type Value = Vec<Element>;
    fn wanted(&self) -> String {
        "a list of elements".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<Vec<Element>> {
        let Value::List(items) = &node.value else {
            let d = mismatch(name, &self.wanted(), node);
            return Err(Box::new(match &node.value {
                Value::Text(s) => {
                    let words: Vec<String> = s
                        .split([' ', ','])
                        .filter(|w| !w.is_empty())
                        .map(quote)
                        .collect();
                    d.replace(
                        "write a list",
                        node.place.clone(),
                        format!("[{}]", words.join(", ")),
                    )
                }
                _ => d.help("write for example [\"B\", \"As\"]"),
            }));
        };
        if items.is_empty() {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is an empty list")).at(node.place.clone(), ""),
            ));
        }
        let mut found = Vec::new();
        for item in items {
            let Value::Text(symbol) = &item.value else {
                return Err(Box::new(mismatch(name, &self.wanted(), item)));
            };
            let element =
                element(symbol).map_err(|d| Box::new(d.into_diagnostic(item.place.clone())))?;
            if found.contains(&element) {
                return Err(Box::new(
                    Diagnostic::error(format!("`{name}` names {element} twice"))
                        .at(item.place.clone(), "the second one"),
                ));
            }
            found.push(element);
        }
        let words: Vec<String> = found.iter().map(|e| quote(e.symbol())).collect();
        Ok((found, format!("[{}]", words.join(", "))))
    }
}

/// A symbol that is not an element, with the one that was probably meant.
pub(in crate::deck) struct NotAnElement {
    symbol: String,
    near: Option<Element>,
}

impl NotAnElement {
    pub fn into_diagnostic(self, place: Place) -> Diagnostic {
        let d = Diagnostic::error(format!("`{}` is not a chemical element", self.symbol))
            .at(place.clone(), "");
        match self.near {
            Some(e) => d.help(format!("did you mean `{e}`?")),
            None => d,
        }
    }
}

/// The element of a symbol; isotopes are not elements here.
pub(in crate::deck) fn element(symbol: &str) -> Result<Element, NotAnElement> {
    Element::from_symbol(symbol).ok_or_else(|| {
        let mut letters = symbol.trim().chars();
        let usual: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters.flat_map(char::to_lowercase))
            .collect();
        NotAnElement {
            symbol: symbol.to_owned(),
            near: Element::from_symbol(&usual)
                .or_else(|| Species::from_name(symbol).map(|s| s.element)),
        }
    })
}

/// The mass of an element's atoms: a quantity or the name of an isotope.
pub(in crate::deck) struct Mass(pub Option<Element>);

impl Kind for Mass {
    type Value = f64;
    fn wanted(&self) -> String {
        "a mass or the name of an isotope".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<f64> {
        if let Value::Text(text) = &node.value
            && let Some(species) = Species::from_name(text)
        {
            return match self.0 {
                Some(element) if element != species.element => Err(Box::new(
                    Diagnostic::error(format!("`{text}` is not an isotope of {element}"))
                        .at(node.place.clone(), format!("this is {}", species.element)),
                )),
                _ => Ok((species.mass, quote(text))),
            };
        }
        let (mass, text) = Quantity(Dimension::MASS)
            .read(name, node, cx)
            .map_err(|mut d| {
                d.help.push(
                    "the name of an isotope such as \"D\" or \"13C\" is possible, too".to_owned(),
                );
                d
            })?;
        if mass <= 0.0 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be positive")).at(node.place.clone(), ""),
            ));
        }
        Ok((mass, text))
    }
}
