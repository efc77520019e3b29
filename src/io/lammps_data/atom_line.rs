//! A line of the section `Atoms` in the atom styles that are known.

use crate::error::Result;
use crate::io::lines::{Lines, parse_real, shortened};
use std::io::BufRead;

/// Where the entries of a line are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub molecule: Option<usize>,
    pub charge: Option<usize>,
    kind: usize,
    position: usize,
}

const ATOMIC: Style = Style {
    molecule: None,
    kind: 1,
    charge: None,
    position: 2,
};
const CHARGE: Style = Style {
    molecule: None,
    kind: 1,
    charge: Some(2),
    position: 3,
};
const MOLECULAR: Style = Style {
    molecule: Some(1),
    kind: 2,
    charge: None,
    position: 3,
};
const FULL: Style = Style {
    molecule: Some(1),
    kind: 2,
    charge: Some(3),
    position: 4,
};

/// What a line says.
pub(super) struct AtomLine<'a> {
    pub id: i64,
    /// Number or label of the type.
    pub kind: &'a str,
    pub position: [f64; 3],
    pub image: [i32; 3],
    pub charge: f64,
    pub molecule: i64,
}

impl Style {
    /// The style named by the remark after `Atoms`, or the only one that fits the first line.
    pub fn find<R: BufRead>(lines: &Lines<R>, remark: &str, first: &str) -> Result<Style> {
        let columns = first.split_ascii_whitespace().count();
        match (remark.split_ascii_whitespace().next(), columns) {
            (Some("atomic"), _) | (None, 5 | 8) => Ok(ATOMIC),
            (Some("charge"), _) => Ok(CHARGE),
            (Some("molecular" | "bond" | "angle"), _) => Ok(MOLECULAR),
            (Some("full"), _) | (None, 7 | 10) => Ok(FULL),
            (Some(other), _) => Err(lines
                .error(format!("the atom style `{}` is not supported", shortened(other)))
                .advise("write the file in the style atomic, charge, molecular or full")),
            (None, 6 | 9) => Err(lines
                .error(format!("an atom has {columns} columns, which fits the styles charge and molecular"))
                .advise("name the style after the section: `Atoms # charge` or `Atoms # molecular`")),
            (None, _) => Err(lines
                .error(format!("an atom has {columns} columns, which fits no style that is known"))
                .advise("name the style after the section: atomic, charge, molecular or full, as in `Atoms # full`")),
        }
    }

    /// Reads the current line; `text` is the line without its remark.
    pub fn read<'a, R: BufRead>(&self, lines: &Lines<R>, text: &'a str) -> Result<AtomLine<'a>> {
        let mut words = [""; 10];
        let mut count = 0;
        for word in text.split_ascii_whitespace() {
            if let Some(slot) = words.get_mut(count) {
                *slot = word;
            }
            count += 1;
        }
        let columns = self.position + 3;
        if count != columns && count != columns + 3 {
            let with_image = columns + 3;
            return Err(lines
                .error(format!(
                    "an atom has {count} columns; this style has {columns}, or {with_image} with image flags"
                ))
                .advise("name the style after the section, as in `Atoms # atomic`"));
        }
        let id = whole(lines, words[0], "the atom id")?;
        let mut position = [0.0; 3];
        for (k, x) in position.iter_mut().enumerate() {
            *x = real(lines, words[self.position + k], || {
                format!("atom {id}: {}", ["x", "y", "z"][k])
            })?;
        }
        let mut image = [0; 3];
        if count > columns {
            for (n, word) in image.iter_mut().zip(&words[columns..]) {
                let error =
                    || lines.error(format!("atom {id}: `{}` is no image flag", shortened(word)));
                *n = word.parse().map_err(|_| error())?;
            }
        }
        let charge = match self.charge {
            Some(k) => real(lines, words[k], || format!("atom {id}: the charge"))?,
            None => 0.0,
        };
        let molecule = match self.molecule {
            Some(k) => whole(lines, words[k], "the molecule number")?,
            None => 0,
        };
        Ok(AtomLine {
            id,
            kind: words[self.kind],
            position,
            image,
            charge,
            molecule,
        })
    }
}

/// A whole number from a field of the current line.
pub(super) fn whole<R: BufRead>(lines: &Lines<R>, word: &str, what: &str) -> Result<i64> {
    word.parse().map_err(|_| {
        lines.error(format!(
            "{what} `{}` is not a whole number",
            shortened(word)
        ))
    })
}

/// A finite number from a field of the current line; the name is put together for messages only.
pub(super) fn real<R: BufRead>(
    lines: &Lines<R>,
    word: &str,
    name: impl Fn() -> String,
) -> Result<f64> {
    match parse_real(word) {
        Some(x) if x.is_finite() => Ok(x),
        _ => lines.finite(Some(word).filter(|w| !w.is_empty()), name()),
    }
}
