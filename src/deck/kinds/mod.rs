//! The kinds of value that a key can have: how they are read, described and written back.

mod amounts;
mod files;
mod species;
mod steps;
mod words;

pub use amounts::Amount;
pub(super) use amounts::{GrowingCounts, Label, Memory, NumberOrShare, Unit};
pub(super) use files::{InFile, InFiles, OutFile, OutFileOrNone, fitting, is_pattern};
pub(super) use species::{Elements, Mass, element};
pub(super) use steps::{Steps, WallTime};
pub(super) use words::Words;

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::reader::Context;
use super::resolved::quote;
use super::spelling::nearest;
use crate::units::{self, Dimension, UnitError};

/// What was read: the value in internal units, and how it is written in the resolved deck.
pub(super) type Read<T> = Result<(T, String), Box<Diagnostic>>;

/// A kind of value.
pub(super) trait Kind {
    /// What the program gets.
    type Value;
    /// What a person is asked for, as in "a time".
    fn wanted(&self) -> String;
    /// Reads the value of the key `name`.
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Self::Value>;
}

/// The complaint about a value of the wrong type.
pub(super) fn mismatch(name: &str, wanted: &str, node: &Node) -> Diagnostic {
    Diagnostic::error(format!("`{name}` must be {wanted}")).at(
        node.place.clone(),
        format!("this is {}", node.value.type_name()),
    )
}

fn unit_error(name: &str, error: UnitError, node: &Node) -> Diagnostic {
    let d =
        Diagnostic::error(format!("`{name}` cannot be read")).at(node.place.clone(), error.reason);
    if error.advice.is_empty() {
        d
    } else {
        d.help(error.advice)
    }
}

/// A bare number where a unit belongs: shows the line with the unit.
fn needs_unit(name: &str, wanted: &str, number: &str, unit: &str, node: &Node) -> Diagnostic {
    Diagnostic::error(format!("`{name}` needs a unit"))
        .at(
            node.place.clone(),
            format!("a bare number; {wanted} is needed"),
        )
        .replace(
            "write the unit, in quotes",
            node.place.clone(),
            quote(&format!("{number} {unit}")),
        )
}

/// The number as it stands in the text, when the value is one.
fn bare_number(node: &Node, cx: &Context) -> Option<String> {
    match &node.value {
        Value::Integer(_) | Value::Number(_) => Some(cx.text_of(&node.place).to_owned()),
        Value::Text(s) if s.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            Some(s.trim().to_owned())
        }
        _ => None,
    }
}

/// `0.5fs`, `0.5   fs` and `0.5 fs` are written alike.
fn tidy(text: &str) -> String {
    let text = text.trim();
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)))
        .unwrap_or(text.len());
    // An `e` or `E` at the end belongs to the unit, as in `2 eV` written `2eV`.
    let split = text[..split].trim_end_matches(['e', 'E']).len();
    let unit: Vec<&str> = text[split..].split_whitespace().collect();
    format!("{} {}", &text[..split], unit.join(" "))
        .trim_end()
        .to_owned()
}

/// A physical quantity with its unit.
pub(super) struct Quantity(pub Dimension);

impl Kind for Quantity {
    type Value = f64;
    fn wanted(&self) -> String {
        self.0.to_string()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<f64> {
        if self.0 == Dimension::NONE {
            return Number.read(name, node, cx);
        }
        if let Some(number) = bare_number(node, cx) {
            return Err(Box::new(needs_unit(
                name,
                &self.wanted(),
                &number,
                self.0.usual_unit(),
                node,
            )));
        }
        let Value::Text(text) = &node.value else {
            return Err(Box::new(
                mismatch(name, &self.wanted(), node).help(self.example()),
            ));
        };
        match units::parse(text, self.0) {
            Ok(value) if value.is_finite() => Ok((value, quote(&tidy(text)))),
            Ok(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` is too large")).at(node.place.clone(), ""),
            )),
            Err(e) => Err(Box::new(unit_error(name, e, node))),
        }
    }
}

impl Quantity {
    fn example(&self) -> String {
        format!(
            "write it as a number and a unit in quotes, as in \"1 {}\"",
            self.0.usual_unit()
        )
    }
}

/// A plain number.
pub(super) struct Number;

impl Kind for Number {
    type Value = f64;
    fn wanted(&self) -> String {
        "a plain number".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<f64> {
        match &node.value {
            Value::Integer(i) => Ok((*i as f64, i.to_string())),
            Value::Number(x) if x.is_finite() => Ok((*x, format!("{x:?}"))),
            Value::Number(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be finite")).at(node.place.clone(), ""),
            )),
            Value::Text(s) if s.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
                Err(Box::new(mismatch(name, &self.wanted(), node).replace(
                    "leave out the quotes",
                    node.place.clone(),
                    s.trim(),
                )))
            }
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// A whole number within bounds.
pub(super) struct Count {
    pub least: u64,
    pub most: u64,
}

impl Kind for Count {
    type Value = u64;
    fn wanted(&self) -> String {
        match (self.least, self.most) {
            (0, u64::MAX) => "a whole number".to_owned(),
            (least, most) if most >= u64::from(u32::MAX) => {
                format!("a whole number, at least {least}")
            }
            (least, most) => format!("a whole number from {least} to {most}"),
        }
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<u64> {
        let complain = || mismatch(name, &self.wanted(), node);
        match &node.value {
            Value::Integer(i) => match u64::try_from(*i) {
                Ok(n) if (self.least..=self.most).contains(&n) => Ok((n, n.to_string())),
                _ => Err(Box::new(
                    Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                        .at(node.place.clone(), ""),
                )),
            },
            Value::Number(x) if x.fract() == 0.0 && x.abs() < 1e15 => {
                Err(Box::new(complain().replace(
                    "write it without a decimal point",
                    node.place.clone(),
                    format!("{x:.0}"),
                )))
            }
            Value::Text(s) if s.trim().parse::<u64>().is_ok() => Err(Box::new(complain().replace(
                "leave out the quotes",
                node.place.clone(),
                s.trim(),
            ))),
            _ => Err(Box::new(complain())),
        }
    }
}

/// Yes or no.
pub(super) struct Flag;

impl Kind for Flag {
    type Value = bool;
    fn wanted(&self) -> String {
        "true or false".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<bool> {
        let guess = match &node.value {
            Value::Flag(b) => return Ok((*b, b.to_string())),
            Value::Text(s) => match s.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" => Some("true"),
                "false" | "no" | "off" => Some("false"),
                _ => None,
            },
            Value::Integer(0) => Some("false"),
            Value::Integer(1) => Some("true"),
            _ => None,
        };
        let d = mismatch(name, &self.wanted(), node);
        Err(Box::new(match guess {
            Some(word) => d.replace("write", node.place.clone(), word),
            None => d,
        }))
    }
}

/// One of a few words.
pub(super) struct OneOf<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy> Kind for OneOf<T> {
    type Value = T;
    fn wanted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|w| quote(w.0)).collect();
        match words.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => words.join(""),
        }
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<T> {
        let Value::Text(text) = &node.value else {
            return Err(Box::new(mismatch(name, &self.wanted(), node)));
        };
        if let Some((word, value)) = self.0.iter().find(|w| w.0 == text) {
            return Ok((*value, quote(word)));
        }
        let d = Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
            .at(node.place.clone(), "");
        Err(Box::new(match nearest(text, self.0.iter().map(|w| w.0)) {
            Some(word) => d.replace(
                format!("did you mean `{word}`?"),
                node.place.clone(),
                quote(word),
            ),
            None => d,
        }))
    }
}

/// A short name made of letters, digits, `-` and `_`.
pub(super) struct Name;

impl Kind for Name {
    type Value = String;
    fn wanted(&self) -> String {
        "a name".to_owned()
    }
    fn read(&self, name: &str, node: &Node, _: &Context) -> Read<String> {
        match &node.value {
            Value::Text(s)
                if !s.is_empty()
                    && s.chars()
                        .all(|c| c.is_alphanumeric() || c == '-' || c == '_') =>
            {
                Ok((s.clone(), quote(s)))
            }
            Value::Text(_) => Err(Box::new(
                Diagnostic::error(format!("`{name}` must be a name"))
                    .at(node.place.clone(), "")
                    .help("a name is made of letters, digits, `-` and `_`"),
            )),
            _ => Err(Box::new(mismatch(name, &self.wanted(), node))),
        }
    }
}

/// Three values of one kind: one for each cell vector.
pub(super) struct Three<K>(pub K);

impl<K: Kind> Kind for Three<K> {
    type Value = [K::Value; 3];
    fn wanted(&self) -> String {
        format!("a list of three values, each {}", self.0.wanted())
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<[K::Value; 3]> {
        let Value::List(items) = &node.value else {
            let d = mismatch(name, &self.wanted(), node);
            return Err(Box::new(match self.0.read(name, node, cx) {
                Ok((_, one)) => d.replace(
                    "write one for each cell vector",
                    node.place.clone(),
                    format!("[{one}, {one}, {one}]"),
                ),
                Err(_) => d,
            }));
        };
        let [a, b, c] = items.as_slice() else {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be {}", self.wanted()))
                    .at(node.place.clone(), format!("this list has {}", items.len())),
            ));
        };
        let ((a, ta), (b, tb), (c, tc)) = (
            self.0.read(name, a, cx)?,
            self.0.read(name, b, cx)?,
            self.0.read(name, c, cx)?,
        );
        Ok(([a, b, c], format!("[{ta}, {tb}, {tc}]")))
    }
}
