//! The kinds of value that a key can have: how they are read, described and written back.

use super::diagnostics::Diagnostic;
use super::document::{Node, Value};
use super::duration::parse_duration;
use super::reader::{Context, nearest};
use super::resolved::quote;
use crate::elements::{Element, Species};
use crate::units::{self, Dimension, UnitError};
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// A file that must be there, relative to the deck.
pub(super) struct InFile;

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
        if !path.exists() {
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
pub(super) struct OutFile;

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

/// A wall-clock time.
pub(super) struct WallTime;

impl Kind for WallTime {
    type Value = Duration;
    fn wanted(&self) -> String {
        "a wall time".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<Duration> {
        if let Some(number) = bare_number(node, cx) {
            return Err(Box::new(needs_unit(
                name,
                &self.wanted(),
                &number,
                "s",
                node,
            )));
        }
        match &node.value {
            Value::Text(s) | Value::Clock(s) => match parse_duration(s) {
                Ok(d) => Ok((d, quote(s.trim()))),
                Err(e) => Err(Box::new(unit_error(name, e, node))),
            },
            _ => Err(Box::new(mismatch(name, &self.wanted(), node).help(
                "write for example \"3h\", \"90 min\", \"45 s\" or \"1:30:00\"",
            ))),
        }
    }
}

/// A number of steps: a time that is a whole multiple of the time step, or `"100 steps"`.
pub(super) struct Steps;

impl Kind for Steps {
    type Value = u64;
    fn wanted(&self) -> String {
        "a time or a number of steps".to_owned()
    }
    fn read(&self, name: &str, node: &Node, cx: &Context) -> Read<u64> {
        if let Some(number) = bare_number(node, cx) {
            let unit = if number.parse::<u64>().is_ok() {
                "steps"
            } else {
                "fs"
            };
            let d = needs_unit(name, &self.wanted(), &number, unit, node);
            return Err(Box::new(
                d.help(format!("a time such as \"{number} fs\" is possible, too")),
            ));
        }
        let Value::Text(text) = &node.value else {
            let help = "write for example \"50 fs\" or \"100 steps\"";
            return Err(Box::new(mismatch(name, &self.wanted(), node).help(help)));
        };
        let done = |n: u64| Ok((n, format!("\"{n} steps\"")));
        if let Some(number) = ["steps", "step"]
            .iter()
            .find_map(|w| text.trim().strip_suffix(w))
        {
            return match number.trim().parse::<u64>() {
                Ok(n) if n > 0 => done(n),
                _ => Err(Box::new(
                    Diagnostic::error(format!(
                        "`{name}` must be a whole number of steps, at least 1"
                    ))
                    .at(node.place.clone(), ""),
                )),
            };
        }
        let time = match units::parse(text, Dimension::TIME) {
            Ok(time) => time,
            Err(mut e) => {
                if e.advice.is_empty() || e.advice.starts_with("known are") {
                    e.advice = "write a time such as \"50 fs\", or \"100 steps\"".to_owned();
                }
                return Err(Box::new(unit_error(name, e, node)));
            }
        };
        if time <= 0.0 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` must be positive")).at(node.place.clone(), ""),
            ));
        }
        // Without a time step (it is wrong or missing, which is reported) there is nothing to compare with.
        let Some(dt) = cx.timestep.get() else {
            return done(1);
        };
        let ratio = time / dt;
        let whole = ratio.round();
        // 2^53: beyond, not every number of steps can be told from the next.
        if whole >= 9.007e15 {
            return Err(Box::new(
                Diagnostic::error(format!("`{name}` is too long: more than 9e15 steps"))
                    .at(node.place.clone(), ""),
            ));
        }
        if whole >= 1.0 && (ratio - whole).abs() <= 1e-6_f64.max(1e-14 * whole) {
            return done(whole as u64);
        }
        let below = ratio.floor();
        let near = [below, below + 1.0]
            .into_iter()
            .filter(|n| *n >= 1.0)
            .map(|n| in_unit_of(text, n * dt));
        let near: Vec<String> = near.map(|t| format!("\"{t}\"")).collect();
        Err(Box::new(
            Diagnostic::error(format!("`{name}` is not a whole number of time steps"))
                .at(
                    node.place.clone(),
                    format!("{} time steps", significant(ratio, 6)),
                )
                .help(format!(
                    "the nearest that {}: {}",
                    if near.len() == 1 { "is" } else { "are" },
                    near.join(" and ")
                )),
        ))
    }
}

/// A time in the unit that somebody used, with as few digits as it needs.
fn in_unit_of(text: &str, time: f64) -> String {
    let tidy = tidy(text);
    let unit = tidy.split_once(' ').map_or("fs", |t| t.1);
    let factor = units::parse_unit(unit).map_or(1.0, |u| u.0);
    format!("{} {unit}", significant(time / factor, 12))
}

/// A number with at most so many significant digits and no trailing zeros.
fn significant(x: f64, digits: usize) -> String {
    let rounded: f64 = format!("{x:.*e}", digits.saturating_sub(1))
        .parse()
        .unwrap_or(x);
    rounded.to_string()
}

/// A list of chemical elements.
pub(super) struct Elements;

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
pub(super) struct NotAnElement {
    symbol: String,
    near: Option<Element>,
}

impl NotAnElement {
    pub fn into_diagnostic(self, place: super::document::Place) -> Diagnostic {
        let d = Diagnostic::error(format!("`{}` is not a chemical element", self.symbol))
            .at(place.clone(), "");
        match self.near {
            Some(e) => d.help(format!("did you mean `{e}`?")),
            None => d,
        }
    }
}

/// The element of a symbol; isotopes are not elements here.
pub(super) fn element(symbol: &str) -> Result<Element, NotAnElement> {
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
pub(super) struct Mass(pub Option<Element>);

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
