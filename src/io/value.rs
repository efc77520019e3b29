//! Values of the keys in the comment line of extended XYZ, typed by the rules that ASE follows.

use super::lines::parse_real;

/// A value of a comment line. Arrays of one element are read as the element.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `T` or `F`; also a key without a value.
    Logical(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a decimal point or exponent.
    Real(f64),
    /// Anything else. Nested arrays and JSON objects stay as their text.
    Text(String),
    /// Several logicals.
    Logicals(Vec<bool>),
    /// Several whole numbers.
    Integers(Vec<i64>),
    /// Several numbers of which at least one is not whole.
    Reals(Vec<f64>),
}

/// Marks text that is to be read as JSON and not by its looks, as ASE does.
const JSON: &str = "_JSON ";

impl Value {
    /// The value of a text after quotes and brackets were taken off: whole numbers, numbers, logicals, else text.
    pub fn parse(text: &str) -> Value {
        if let Some(json) = text.strip_prefix(JSON) {
            return from_json(json).unwrap_or_else(|| Value::Text(text.to_owned()));
        }
        let words = || words(text);
        let all = |check: fn(&str) -> bool| words().all(check);
        if words().next().is_none() {
            return Value::Text(text.to_owned());
        }
        if all(|w| w.parse::<i64>().is_ok()) {
            one_or_many(
                words().filter_map(|w| w.parse().ok()).collect(),
                Value::Integer,
                Value::Integers,
            )
        } else if all(|w| w.parse::<f64>().is_ok()) {
            one_or_many(
                words().filter_map(|w| w.parse().ok()).collect(),
                Value::Real,
                Value::Reals,
            )
        } else if all(|w| parse_logical(w).is_some()) {
            one_or_many(
                words().filter_map(parse_logical).collect(),
                Value::Logical,
                Value::Logicals,
            )
        } else {
            Value::Text(text.to_owned())
        }
    }

    /// The number, when it is one; text with a Fortran exponent (`-1.5D+02`) counts.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Value::Integer(i) => Some(*i as f64),
            Value::Real(x) => Some(*x),
            Value::Text(t) => parse_real(t.trim()),
            _ => None,
        }
    }

    /// A single value as a word: a name or a number.
    pub fn as_word(&self) -> Option<String> {
        match self {
            Value::Text(t) => Some(t.trim().to_owned()),
            Value::Integer(i) => Some(i.to_string()),
            Value::Real(x) => Some(x.to_string()),
            Value::Logical(_) | Value::Logicals(_) | Value::Integers(_) | Value::Reals(_) => None,
        }
    }

    /// All numbers, when there is nothing else; brackets of nested arrays are ignored.
    pub fn as_reals(&self) -> Option<Vec<f64>> {
        match self {
            Value::Integers(v) => Some(v.iter().map(|&i| i as f64).collect()),
            Value::Reals(v) => Some(v.clone()),
            Value::Text(t) => {
                let flat = t
                    .strip_prefix(JSON)
                    .unwrap_or(t)
                    .replace(['[', ']', '{', '}'], " ");
                let numbers: Option<Vec<f64>> = words(&flat).map(parse_real).collect();
                numbers.filter(|n| !n.is_empty())
            }
            Value::Logicals(_) | Value::Logical(_) => None,
            Value::Integer(_) | Value::Real(_) => self.as_real().map(|x| vec![x]),
        }
    }

    /// Appends the text that [`Value::parse`] reads back, without quotes.
    pub(super) fn append_to(&self, out: &mut String) {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = match self {
            Value::Logical(b) => write!(out, "{}", logical(*b)),
            Value::Integer(i) => write!(out, "{i}"),
            Value::Real(x) => write!(out, "{x:?}"),
            Value::Logicals(v) => join(out, v, |out, b| write!(out, "{}", logical(*b))),
            Value::Integers(v) => join(out, v, |out, i| write!(out, "{i}")),
            Value::Reals(v) => join(out, v, |out, x| write!(out, "{x:?}")),
            Value::Text(t) => {
                let plain = !t.chars().any(char::is_control)
                    && matches!(Value::parse(t), Value::Text(u) if u == *t);
                if plain && !t.is_empty() {
                    write!(out, "{t}")
                } else {
                    write!(out, "{JSON}{}", serde_json::Value::from(t.as_str()))
                }
            }
        };
    }
}

/// A JSON string, or a flat array of one kind; nothing for what has no place among our values.
fn from_json(json: &str) -> Option<Value> {
    use serde_json::{Value as Json, from_str};
    let items = match from_str(json).ok()? {
        Json::String(text) => return Some(Value::Text(text)),
        Json::Array(items) if !items.is_empty() => items,
        _ => return None,
    };
    let all = |kind: fn(&Json) -> bool| items.iter().all(kind);
    if all(Json::is_i64) {
        Some(one_or_many(
            items.iter().filter_map(Json::as_i64).collect(),
            Value::Integer,
            Value::Integers,
        ))
    } else if all(Json::is_number) {
        Some(one_or_many(
            items.iter().filter_map(Json::as_f64).collect(),
            Value::Real,
            Value::Reals,
        ))
    } else if all(Json::is_boolean) {
        Some(one_or_many(
            items.iter().filter_map(Json::as_bool).collect(),
            Value::Logical,
            Value::Logicals,
        ))
    } else {
        None
    }
}

/// `T`, `F`, or a spelling of true and false.
pub(super) fn parse_logical(word: &str) -> Option<bool> {
    match word {
        "T" | "true" | "True" | "TRUE" => Some(true),
        "F" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// How a logical is written.
pub(super) fn logical(b: bool) -> char {
    if b { 'T' } else { 'F' }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|w| !w.is_empty())
}

fn one_or_many<T: Copy>(items: Vec<T>, one: fn(T) -> Value, many: fn(Vec<T>) -> Value) -> Value {
    match items.as_slice() {
        [single] => one(*single),
        _ => many(items),
    }
}

fn join<T>(
    out: &mut String,
    items: &[T],
    mut write: impl FnMut(&mut String, &T) -> std::fmt::Result,
) -> std::fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        write(out, item)?;
    }
    Ok(())
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Logical(b)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Value {
        Value::Integer(i)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Value {
        Value::Real(x)
    }
}

impl From<&str> for Value {
    fn from(t: &str) -> Value {
        Value::Text(t.to_owned())
    }
}

impl From<String> for Value {
    fn from(t: String) -> Value {
        Value::Text(t)
    }
}

impl From<Vec<f64>> for Value {
    fn from(v: Vec<f64>) -> Value {
        Value::Reals(v)
    }
}

impl From<[[f64; 3]; 3]> for Value {
    fn from(m: [[f64; 3]; 3]) -> Value {
        Value::Reals(m.as_flattened().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_looks() {
        for (text, value) in [
            ("T", Value::Logical(true)),
            ("T T F", Value::Logicals(vec![true, true, false])),
            ("12", Value::Integer(12)),
            ("-1.5", Value::Real(-1.5)),
            ("1 2, 3", Value::Integers(vec![1, 2, 3])),
            ("1 2.5", Value::Reals(vec![1.0, 2.5])),
            ("diamond", Value::from("diamond")),
            ("99999999999999999999", Value::Real(1e20)),
            ("t", Value::from("t")),
            ("_JSON \"12\"", Value::from("12")),
            ("_JSON [1.5, 2]", Value::Reals(vec![1.5, 2.0])),
            ("_JSON [true, false]", Value::Logicals(vec![true, false])),
            ("_JSON [[1, 2]]", Value::from("_JSON [[1, 2]]")),
            ("_JSON {\"a\": 1}", Value::from("_JSON {\"a\": 1}")),
            ("1 a", Value::from("1 a")),
        ] {
            assert_eq!(Value::parse(text), value, "{text}");
        }
    }

    #[test]
    fn text_that_looks_like_something_else_survives() {
        for text in [
            "12",
            "T",
            "1.5",
            "",
            " ",
            "nan",
            "a\nb",
            "_JSON 5",
            "_JSON \"x\"",
            "plain",
            "ü \"q\" \\",
            "1 2 3",
        ] {
            let mut out = String::new();
            Value::from(text).append_to(&mut out);
            assert!(!out.contains('\n'));
            assert_eq!(
                Value::parse(&out),
                Value::from(text),
                "{text:?} was written as {out}"
            );
        }
    }

    #[test]
    fn numbers_in_odd_clothes() {
        assert_eq!(Value::from("-1.5D+02").as_real(), Some(-150.0));
        assert_eq!(
            Value::from("[[1, 2], [3, 4]]").as_reals(),
            Some(vec![1.0, 2.0, 3.0, 4.0])
        );
        assert_eq!(Value::from("a 1").as_reals(), None);
        assert_eq!(Value::Logical(true).as_real(), None);
    }
}
