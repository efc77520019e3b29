//! Times: on the wall, and in steps of the run.

use super::{Kind, Read, bare_number, mismatch, needs_unit, tidy, unit_error};
use crate::deck::diagnostics::Diagnostic;
use crate::deck::document::{Node, Value};
use crate::deck::duration::parse_duration;
use crate::deck::reader::Context;
use crate::deck::resolved::quote;
use crate::units::{self, Dimension};
use std::time::Duration;

/// A wall-clock time.
pub(in crate::deck) struct WallTime;

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
pub(in crate::deck) struct Steps;

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
