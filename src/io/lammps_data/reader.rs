//! Reading a data file.

use super::LammpsUnits;
use super::parts::{HeaderLine, Section, header_line, section, without_remark};
use super::types::{TypeInfo, species_of};
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::{Lines, parse_real, shortened};
use crate::io::value::Value;
use crate::io::{MAX_ATOMS, ReadOptions};
use crate::system::{Atoms, Cell, System};
use std::collections::HashMap;
use std::io::BufRead;

/// Types beyond this number are refused; real files have a few.
const MAX_TYPES: usize = 10_000;

/// Where the entries of an `Atoms` line are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Style {
    molecule: Option<usize>,
    kind: usize,
    charge: Option<usize>,
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

struct Record {
    id: i64,
    kind: usize,
    position: [f64; 3],
    image: [i32; 3],
    charge: f64,
    molecule: i64,
    line: usize,
}

#[derive(Default)]
struct File {
    count: Option<usize>,
    types: Vec<TypeInfo>,
    bounds: [Option<[f64; 2]>; 3],
    tilt: [f64; 3],
    vectors: [Option<[f64; 3]>; 3],
    style: Option<Style>,
    records: Vec<Record>,
    velocities: Vec<(i64, [f64; 3], usize)>,
    has_velocities: bool,
}

/// Reads the file.
pub(in crate::io) fn read<R: BufRead>(
    lines: &mut Lines<R>,
    options: &ReadOptions,
) -> Result<Frame> {
    lines.advance()?;
    let comment = lines.text().trim().to_owned();
    let units = units_of(lines, &comment)?.unwrap_or(options.lammps_units);
    let mut file = File::default();
    let mut current: Option<Section> = None;
    let mut hint = String::new();
    while lines.advance()? {
        let (text, remark) = without_remark(lines.text());
        if text.is_empty() {
            continue;
        }
        if let Some(next) = section(text) {
            if file.count.is_none() {
                return Err(lines
                    .error("the header does not say how many atoms there are")
                    .advise("write a line such as `8 atoms` above the first section"));
            }
            if next == Section::Atoms {
                hint = remark.to_owned();
            }
            file.has_velocities |= next == Section::Velocities;
            current = Some(next);
            continue;
        }
        match current {
            None => file.header(lines, text)?,
            Some(Section::Masses) => file.mass(lines, text, remark)?,
            Some(Section::TypeLabels) => file.label(lines, text)?,
            Some(Section::Atoms) => file.atom(lines, text, &hint)?,
            Some(Section::Velocities) => file.velocity(lines, text)?,
            Some(Section::Other) => {}
        }
    }
    file.finish(lines, options, units, comment)
}

/// The units that `write_data` noted in the first line.
fn units_of<R: BufRead>(lines: &Lines<R>, comment: &str) -> Result<Option<LammpsUnits>> {
    let Some((_, after)) = comment.split_once("units = ") else {
        return Ok(None);
    };
    match after.split([',', ' ']).next().unwrap_or("") {
        "metal" => Ok(Some(LammpsUnits::Metal)),
        "real" => Ok(Some(LammpsUnits::Real)),
        other => Err(lines
            .error(format!(
                "the file is in the units `{}` of LAMMPS",
                shortened(other)
            ))
            .advise("write it in metal or real units")),
    }
}

impl File {
    fn header<R: BufRead>(&mut self, lines: &Lines<R>, text: &str) -> Result<()> {
        let numbers = |words: [&str; 3]| -> Result<[f64; 3]> {
            let mut x = [0.0; 3];
            for (x, word) in x.iter_mut().zip(words) {
                *x = lines.finite(Some(word), "a component")?;
            }
            Ok(x)
        };
        match header_line(text) {
            Some(HeaderLine::Atoms(word)) => match word.parse() {
                Ok(n) if (1..=MAX_ATOMS).contains(&n) => self.count = Some(n),
                _ => {
                    return Err(lines.error(format!(
                        "`{}` is not a possible number of atoms",
                        shortened(word)
                    )));
                }
            },
            Some(HeaderLine::AtomTypes(word)) => match word.parse() {
                Ok(n) if (1..=MAX_TYPES).contains(&n) => self.types.resize(n, TypeInfo::default()),
                _ => {
                    return Err(lines.error(format!(
                        "`{}` is not a possible number of atom types",
                        shortened(word)
                    )));
                }
            },
            Some(HeaderLine::Bounds(k, [lo, hi])) => {
                let lo = lines.finite(Some(lo), "the lower bound")?;
                let hi = lines.finite(Some(hi), "the upper bound")?;
                if hi <= lo {
                    return Err(
                        lines.error("the upper bound of the box is not above the lower one")
                    );
                }
                self.bounds[k] = Some([lo, hi]);
            }
            Some(HeaderLine::Tilt(words)) => self.tilt = numbers(words)?,
            Some(HeaderLine::Vector(k, words)) => self.vectors[k] = Some(numbers(words)?),
            Some(HeaderLine::Other) => {}
            None => {
                return Err(lines
                    .error(format!("`{}` is neither a header line nor a section that is known", shortened(text)))
                    .advise("the first line is a comment; then come lines such as `8 atoms` and `0 5.43 xlo xhi`"));
            }
        }
        Ok(())
    }

    /// A type by number or label, from 1.
    fn kind<R: BufRead>(&self, lines: &Lines<R>, word: &str) -> Result<usize> {
        if let Ok(n) = word.parse::<usize>() {
            if (1..=self.types.len()).contains(&n) {
                return Ok(n);
            }
            return Err(lines
                .error(format!("there is no atom type {n}; the header announces {}", self.types.len()))
                .advise("check the line `atom types` of the header, and the style named after `Atoms #`"));
        }
        let at = self
            .types
            .iter()
            .position(|t| !t.label.is_empty() && t.label == word);
        at.map(|i| i + 1).ok_or_else(|| {
            lines
                .error(format!("`{}` is no atom type", shortened(word)))
                .advise("types are numbers, or labels defined in the section `Atom Type Labels` before their use")
        })
    }

    fn mass<R: BufRead>(&mut self, lines: &Lines<R>, text: &str, remark: &str) -> Result<()> {
        let mut words = text.split_ascii_whitespace();
        let kind = self.kind(lines, words.next().unwrap_or(""))?;
        let mass = lines.finite(words.next(), "the mass")?;
        if mass <= 0.0 {
            return Err(lines
                .error(format!("the mass of atom type {kind} is {mass}"))
                .advise("masses are in amu"));
        }
        let info = &mut self.types[kind - 1];
        *info = TypeInfo {
            mass: Some(mass),
            remark: remark.into(),
            line: lines.number(),
            ..std::mem::take(info)
        };
        Ok(())
    }

    fn label<R: BufRead>(&mut self, lines: &Lines<R>, text: &str) -> Result<()> {
        let mut words = text.split_ascii_whitespace();
        let number = words.next().and_then(|w| w.parse::<usize>().ok());
        match (
            number.filter(|n| (1..=self.types.len()).contains(n)),
            words.next(),
        ) {
            (Some(n), Some(label)) => self.types[n - 1].label = label.to_owned(),
            _ => return Err(lines.error("expected an atom type and its label, as in `1 Si`")),
        }
        Ok(())
    }

    fn atom<R: BufRead>(&mut self, lines: &Lines<R>, text: &str, hint: &str) -> Result<()> {
        let mut words = [""; 10];
        let mut count = 0;
        for word in text.split_ascii_whitespace() {
            if let Some(slot) = words.get_mut(count) {
                *slot = word;
            }
            count += 1;
        }
        let style = match self.style {
            Some(style) => style,
            None => {
                let style = style_of(lines, hint, count)?;
                self.style = Some(style);
                style
            }
        };
        let columns = style.position + 3;
        if count != columns && count != columns + 3 {
            return Err(lines
                .error(format!(
                    "an atom has {count} columns; this style has {columns}, or {} with image flags",
                    columns + 3
                ))
                .advise("name the style after the section, as in `Atoms # atomic`"));
        }
        let whole = |word: &str, what: &str| {
            word.parse::<i64>().map_err(|_| {
                lines.error(format!(
                    "{what} `{}` is not a whole number",
                    shortened(word)
                ))
            })
        };
        let id = whole(words[0], "the atom id")?;
        let mut position = [0.0; 3];
        for (k, x) in position.iter_mut().enumerate() {
            *x = real(lines, words[style.position + k], || {
                format!("atom {id}: {}", ["x", "y", "z"][k])
            })?;
        }
        let mut image = [0; 3];
        if count == columns + 3 {
            for (k, n) in image.iter_mut().enumerate() {
                let word = words[columns + k];
                *n = word.parse().map_err(|_| {
                    lines.error(format!(
                        "atom {id}: the image flag `{}` is not a whole number",
                        shortened(word)
                    ))
                })?;
            }
        }
        self.records.push(Record {
            id,
            kind: self.kind(lines, words[style.kind])?,
            position,
            image,
            charge: style.charge.map_or(Ok(0.0), |k| {
                real(lines, words[k], || format!("atom {id}: the charge"))
            })?,
            molecule: style
                .molecule
                .map_or(Ok(0), |k| whole(words[k], "the molecule number"))?,
            line: lines.number(),
        });
        Ok(())
    }

    fn velocity<R: BufRead>(&mut self, lines: &Lines<R>, text: &str) -> Result<()> {
        let mut words = text.split_ascii_whitespace();
        let word = words.next().unwrap_or("");
        let id = word.parse().map_err(|_| {
            lines.error(format!(
                "the atom id `{}` is not a whole number",
                shortened(word)
            ))
        })?;
        let mut v = [0.0; 3];
        for v in &mut v {
            *v = real(lines, words.next().unwrap_or(""), || {
                format!("the velocity of atom {id}")
            })?;
        }
        self.velocities.push((id, v, lines.number()));
        Ok(())
    }

    fn cell<R: BufRead>(&self, lines: &Lines<R>) -> Result<Cell> {
        let refused = |reason: &str| Error::file(lines.path(), reason);
        let rows = match (self.vectors, self.bounds) {
            ([Some(a), Some(b), Some(c)], _) => [a, b, c],
            ([None, None, None], [Some(x), Some(y), Some(z)]) => {
                let [xy, xz, yz] = self.tilt;
                [
                    [x[1] - x[0], 0.0, 0.0],
                    [xy, y[1] - y[0], 0.0],
                    [xz, yz, z[1] - z[0]],
                ]
            }
            _ => {
                return Err(refused("the header does not give the whole box")
                    .advise("write the lines `xlo xhi`, `ylo yhi` and `zlo zhi` (and `xy xz yz`), or `avec`, `bvec`, `cvec`"));
            }
        };
        Cell::new(rows, [true; 3]).map_err(|reason| refused(&reason))
    }

    fn finish<R: BufRead>(
        mut self,
        lines: &Lines<R>,
        options: &ReadOptions,
        units: LammpsUnits,
        comment: String,
    ) -> Result<Frame> {
        let path = lines.path();
        let Some(count) = self.count else {
            return Err(
                Error::file(path, "the header does not say how many atoms there are")
                    .advise("a LAMMPS data file begins with a comment and lines such as `8 atoms`"),
            );
        };
        if self.records.len() != count {
            return Err(Error::file(
                path,
                format!(
                    "the header announces {count} atoms, the section Atoms has {}",
                    self.records.len()
                ),
            )
            .advise("the file was cut off, or the number of atoms is wrong"));
        }
        let cell = self.cell(lines)?;
        let mut species: Vec<Option<Species>> = vec![None; self.types.len()];
        self.records.sort_by_key(|r| r.id);
        let mut atoms = Atoms::default();
        for pair in self.records.windows(2) {
            if pair[0].id == pair[1].id {
                return Err(lines.error_at(
                    pair[0].line.max(pair[1].line),
                    format!("there is already an atom {}", pair[0].id),
                ));
            }
        }
        for record in &self.records {
            let species = match species[record.kind - 1] {
                Some(s) => s,
                None => {
                    let s = species_of(
                        path,
                        record.kind,
                        &self.types[record.kind - 1],
                        &options.species,
                    )?;
                    *species[record.kind - 1].insert(s)
                }
            };
            let shift = cell.translation(record.image);
            let x: [f64; 3] = std::array::from_fn(|k| record.position[k] + shift[k]);
            if x.iter().any(|x| !x.is_finite()) {
                return Err(lines.error_at(
                    record.line,
                    format!("the position of atom {} is too large", record.id),
                ));
            }
            atoms.push(species, x);
        }
        let index: HashMap<i64, usize> = self
            .records
            .iter()
            .enumerate()
            .map(|(i, r)| (r.id, i))
            .collect();
        for (id, v, line) in &self.velocities {
            let Some(&i) = index.get(id) else {
                return Err(lines.error_at(
                    *line,
                    format!("there is a velocity for atom {id}, but no such atom"),
                ));
            };
            let v = v.map(|v| units.velocity(v));
            if v.iter().any(|v| !v.is_finite()) {
                return Err(
                    lines.error_at(*line, format!("the velocity of atom {id} is too large"))
                );
            }
            atoms.velocities[i] = v;
        }
        let style = self.style.unwrap_or(ATOMIC);
        let mut columns = Vec::new();
        if style.charge.is_some() {
            let data = ColumnData::Real(self.records.iter().map(|r| r.charge).collect());
            columns.push(Column {
                name: "initial_charges".into(),
                width: 1,
                data,
            });
        }
        if style.molecule.is_some() {
            let data = ColumnData::Integer(self.records.iter().map(|r| r.molecule).collect());
            columns.push(Column {
                name: "mol_id".into(),
                width: 1,
                data,
            });
        }
        let info = if comment.is_empty() {
            Vec::new()
        } else {
            vec![("comment".to_owned(), Value::from(comment))]
        };
        Ok(Frame {
            system: System { cell, atoms },
            info,
            columns,
            has_velocities: self.has_velocities,
            line: 1,
        })
    }
}

/// The style named after `Atoms #`, or the only one with that many columns.
fn style_of<R: BufRead>(lines: &Lines<R>, hint: &str, columns: usize) -> Result<Style> {
    match hint.split_ascii_whitespace().next() {
        Some("atomic") => Ok(ATOMIC),
        Some("charge") => Ok(CHARGE),
        Some("molecular" | "bond" | "angle") => Ok(MOLECULAR),
        Some("full") => Ok(FULL),
        Some(other) => Err(lines
            .error(format!("the atom style `{}` is not supported", shortened(other)))
            .advise("write the file in the style atomic, charge, molecular or full")),
        None => match columns {
            5 | 8 => Ok(ATOMIC),
            7 | 10 => Ok(FULL),
            6 | 9 => Err(lines
                .error(format!("an atom has {columns} columns, which fits the styles charge and molecular"))
                .advise("name the style after the section: `Atoms # charge` or `Atoms # molecular`")),
            _ => Err(lines
                .error(format!("an atom has {columns} columns, which fits no style that is known"))
                .advise("name the style after the section, as in `Atoms # atomic`: atomic, charge, molecular or full")),
        },
    }
}

fn real<R: BufRead>(lines: &Lines<R>, word: &str, name: impl Fn() -> String) -> Result<f64> {
    match parse_real(word) {
        Some(x) if x.is_finite() => Ok(x),
        _ => lines.finite(Some(word).filter(|w| !w.is_empty()), name()),
    }
}
