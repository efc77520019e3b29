//! Reading a data file.

use super::LammpsUnits;
use super::atom_line::{Style, real, whole};
use super::parts::{HeaderLine, Section, header_line, section, without_remark};
use super::types::{TypeInfo, species_of};
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::{Lines, shortened};
use crate::io::{MAX_ATOMS, ReadOptions};
use crate::system::{Atoms, Cell, System};
use std::collections::HashMap;
use std::io::BufRead;

/// Types beyond this number are refused; real files have a few.
const MAX_TYPES: usize = 10_000;

/// An atom as read.
struct Record {
    id: i64,
    kind: usize,
    position: [f64; 3],
    image: [i32; 3],
    charge: f64,
    molecule: i64,
    line: usize,
}

/// What has been read so far.
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

    fn atom<R: BufRead>(&mut self, lines: &Lines<R>, text: &str, remark: &str) -> Result<()> {
        let style = match self.style {
            Some(style) => style,
            None => *self.style.insert(Style::find(lines, remark, text)?),
        };
        let atom = style.read(lines, text)?;
        self.records.push(Record {
            id: atom.id,
            kind: self.kind(lines, atom.kind)?,
            position: atom.position,
            image: atom.image,
            charge: atom.charge,
            molecule: atom.molecule,
            line: lines.number(),
        });
        Ok(())
    }

    fn velocity<R: BufRead>(&mut self, lines: &Lines<R>, text: &str) -> Result<()> {
        let mut words = text.split_ascii_whitespace();
        let id = whole(lines, words.next().unwrap_or(""), "the atom id")?;
        let mut v = [0.0; 3];
        for v in &mut v {
            let word = words.next().unwrap_or("");
            *v = real(lines, word, || format!("the velocity of atom {id}"))?;
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
                return Err(refused("the header does not give the whole box").advise(
                    "write lines `xlo xhi`, `ylo yhi`, `zlo zhi` (and `xy xz yz`), or `avec`, `bvec`, `cvec`",
                ));
            }
        };
        Cell::new(rows, [true; 3]).map_err(|reason| refused(&reason))
    }

    /// Puts the atoms in the order of their ids; an id that is there twice is an error.
    fn sort<R: BufRead>(&mut self, lines: &Lines<R>) -> Result<()> {
        let path = lines.path();
        let found = self.records.len();
        match self.count {
            Some(count) if count == found => {}
            Some(count) => {
                let reason =
                    format!("the header announces {count} atoms, the section Atoms has {found}");
                let advice = "the file was cut off, or the number of atoms is wrong";
                return Err(Error::file(path, reason).advise(advice));
            }
            None => {
                return Err(
                    Error::file(path, "the header does not say how many atoms there are").advise(
                        "a LAMMPS data file begins with a comment and lines such as `8 atoms`",
                    ),
                );
            }
        }
        self.records.sort_by_key(|r| r.id);
        match self
            .records
            .windows(2)
            .find(|pair| pair[0].id == pair[1].id)
        {
            Some([a, b]) => Err(lines.error_at(
                a.line.max(b.line),
                format!("there is already an atom {}", a.id),
            )),
            _ => Ok(()),
        }
    }

    /// The sorted atoms, unwrapped, at rest.
    fn atoms<R: BufRead>(
        &self,
        lines: &Lines<R>,
        cell: &Cell,
        chosen: &[Species],
    ) -> Result<Atoms> {
        let mut species: Vec<Option<Species>> = vec![None; self.types.len()];
        let mut atoms = Atoms::default();
        for record in &self.records {
            let k = record.kind - 1;
            let species = match species[k] {
                Some(s) => s,
                None => {
                    *species[k].insert(species_of(lines.path(), k + 1, &self.types[k], chosen)?)
                }
            };
            let shift = cell.translation(record.image);
            let x: [f64; 3] = std::array::from_fn(|k| record.position[k] + shift[k]);
            if x.iter().any(|x| !x.is_finite()) {
                let reason = format!("the position of atom {} is too large", record.id);
                return Err(lines.error_at(record.line, reason));
            }
            atoms.push(species, x);
        }
        Ok(atoms)
    }

    fn set_velocities<R: BufRead>(
        &self,
        lines: &Lines<R>,
        units: LammpsUnits,
        atoms: &mut Atoms,
    ) -> Result<()> {
        let index: HashMap<i64, usize> = self
            .records
            .iter()
            .enumerate()
            .map(|(i, r)| (r.id, i))
            .collect();
        for (id, v, line) in &self.velocities {
            let Some(&i) = index.get(id) else {
                let reason = format!("there is a velocity for atom {id}, but no such atom");
                return Err(lines.error_at(*line, reason));
            };
            let v = v.map(|v| units.velocity(v));
            if v.iter().any(|v| !v.is_finite()) {
                return Err(
                    lines.error_at(*line, format!("the velocity of atom {id} is too large"))
                );
            }
            atoms.velocities[i] = v;
        }
        Ok(())
    }

    fn finish<R: BufRead>(
        mut self,
        lines: &Lines<R>,
        options: &ReadOptions,
        units: LammpsUnits,
        comment: String,
    ) -> Result<Frame> {
        self.sort(lines)?;
        let cell = self.cell(lines)?;
        let mut atoms = self.atoms(lines, &cell, &options.species)?;
        self.set_velocities(lines, units, &mut atoms)?;
        let mut frame = Frame {
            system: System { cell, atoms },
            info: Vec::new(),
            columns: Vec::new(),
            has_velocities: self.has_velocities,
            line: 1,
        };
        if !comment.is_empty() {
            frame.set_value("comment", comment);
        }
        if self.style.is_some_and(|s| s.charge.is_some()) {
            frame.set_scalars(
                "initial_charges",
                self.records.iter().map(|r| r.charge).collect(),
            );
        }
        if self.style.is_some_and(|s| s.molecule.is_some()) {
            let data = ColumnData::Integer(self.records.iter().map(|r| r.molecule).collect());
            frame.set_column(Column {
                name: "mol_id".into(),
                width: 1,
                data,
            });
        }
        Ok(frame)
    }
}
