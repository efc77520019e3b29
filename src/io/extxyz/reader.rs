//! Reading a frame of extended XYZ.

use super::comment;
use super::properties::{self, Kind, Property, Role};
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::{Lines, parse_real, shortened};
use crate::io::species_labels::SpeciesLabels;
use crate::io::value::{Value, parse_logical};
use crate::io::xyz;
use crate::system::{Atoms, Cell, System};
use crate::units::TIME_FS;
use std::io::BufRead;

/// One amu in QUIP's unit of mass, eV·fs²/Å².
const AMU_IN_QUIP: f64 = TIME_FS * TIME_FS;

/// Reads the next frame; nothing at the end of the file.
pub(in crate::io) fn read<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<Frame>> {
    let Some(count) = xyz::read_count(lines)? else {
        return Ok(None);
    };
    let line = lines.number();
    if !lines.advance()? {
        return Err(xyz::ends_early(lines, line, count, 0));
    }
    let header = Header::parse(lines)?;
    let mut table = Table::new(&header, count);
    for atom in 0..count {
        if !lines.advance()? {
            return Err(xyz::ends_early(lines, line, count, atom));
        }
        table.read_line(lines, line, atom)?;
    }
    let (atoms, columns, has_velocities) = table.finish(lines, line)?;
    let system = System {
        cell: header.cell,
        atoms,
    };
    Ok(Some(Frame {
        system,
        info: header.info,
        columns,
        has_velocities,
        line,
    }))
}

/// What the comment line says.
struct Header {
    cell: Cell,
    properties: Vec<Property>,
    /// Without a list of columns in the file, more than we need may be there and is passed over.
    announced: bool,
    info: Vec<(String, Value)>,
}

impl Header {
    fn parse<R: BufRead>(lines: &Lines<R>) -> Result<Header> {
        let pairs = comment::parse_pairs(lines.text()).map_err(|flaw| {
            lines
                .error(format!(
                    "comment line, character {}: {}",
                    flaw.column, flaw.reason
                ))
                .advise(
                    "write key=value pairs, with double quotes around values that contain blanks",
                )
        })?;
        let (mut lattice, mut columns, mut periodic) = (None, None, None);
        let mut info: Vec<(String, Value)> = Vec::new();
        for pair in pairs {
            // These three are so important that another capitalisation must not make them vanish.
            let slot = match pair.key.to_ascii_lowercase().as_str() {
                "lattice" => &mut lattice,
                "properties" => &mut columns,
                "pbc" => &mut periodic,
                _ => {
                    let value = pair
                        .value
                        .as_deref()
                        .map_or(Value::Logical(true), Value::parse);
                    match info.iter().find(|(key, _)| *key == pair.key) {
                        None => info.push((pair.key, value)),
                        Some((_, old)) if *old == value => {}
                        Some(_) if pair.value.is_none() => {} // a word of a free comment
                        Some(_) => return Err(twice(lines, &pair.key)),
                    }
                    continue;
                }
            };
            if slot.is_some() {
                return Err(twice(lines, &pair.key));
            }
            *slot = Some(pair.value.unwrap_or_default());
        }
        let announced = columns.is_some();
        let properties = properties::parse(columns.as_deref().unwrap_or(properties::DEFAULT))
            .map_err(|reason| {
                lines.error(reason).advise(format!(
                    "for example Properties={}:forces:R:3",
                    properties::DEFAULT
                ))
            })?;
        let cell = read_cell(lines, lattice.as_deref(), periodic.as_deref())?;
        Ok(Header {
            cell,
            properties,
            announced,
            info,
        })
    }
}

fn twice<R: BufRead>(lines: &Lines<R>, key: &str) -> Error {
    lines
        .error(format!(
            "the key `{}` is given twice with different values",
            shortened(key)
        ))
        .advise("keep one of them")
}

fn read_cell<R: BufRead>(
    lines: &Lines<R>,
    lattice: Option<&str>,
    pbc: Option<&str>,
) -> Result<Cell> {
    let mut periodic = [lattice.is_some(); 3];
    if let Some(text) = pbc {
        let words: Vec<&str> = text
            .split([' ', ',', '\t'])
            .filter(|w| !w.is_empty())
            .collect();
        let flags: Option<Vec<bool>> = words
            .iter()
            .map(|w| match *w {
                "1" => Some(true),
                "0" => Some(false),
                w => parse_logical(w),
            })
            .collect();
        periodic = match flags.as_deref() {
            Some([a, b, c]) => [*a, *b, *c],
            Some([all]) => [*all; 3],
            _ => {
                return Err(lines
                    .error(format!("pbc is `{}`", shortened(text)))
                    .advise("write three letters T or F, as in pbc=\"T T F\""));
            }
        };
    }
    let Some(text) = lattice else {
        if periodic != [false; 3] {
            return Err(lines
                .error("pbc says that the system is periodic, but there is no Lattice")
                .advise("add Lattice=\"ax ay az bx by bz cx cy cz\", or write pbc=\"F F F\""));
        }
        return Ok(Cell::isolated());
    };
    let mut rows = [[0.0; 3]; 3];
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|w| !w.is_empty())
        .collect();
    if words.len() != 9 {
        return Err(lines
            .error(format!(
                "Lattice has {} numbers instead of nine",
                words.len()
            ))
            .advise("write Lattice=\"ax ay az bx by bz cx cy cz\" in Å"));
    }
    for (k, (x, word)) in rows.as_flattened_mut().iter_mut().zip(&words).enumerate() {
        *x = lines.finite(Some(word), format_args!("number {} of Lattice", k + 1))?;
    }
    Cell::new(rows, periodic).map_err(|reason| {
        lines.error(reason).advise("Lattice holds the cell vectors a, b, c one after the other; pbc=\"F F F\" makes them irrelevant")
    })
}

/// The atom lines of a frame as they arrive. Grows with the file, never with what the count line promises.
struct Table<'a> {
    header: &'a Header,
    labels: SpeciesLabels,
    atoms: Atoms,
    momenta: Vec<[f64; 3]>,
    velocities: Vec<[f64; 3]>,
    mass_given: bool,
    columns: Vec<Column>,
}

impl<'a> Table<'a> {
    fn new(header: &'a Header, count: usize) -> Table<'a> {
        let others = header.properties.iter().filter(|p| p.role == Role::Other);
        let columns = others
            .map(|p| {
                let data = match p.kind {
                    Kind::Real => ColumnData::Real(Vec::new()),
                    Kind::Integer => ColumnData::Integer(Vec::new()),
                    Kind::Text => ColumnData::Text(Vec::new()),
                    Kind::Logical => ColumnData::Logical(Vec::new()),
                };
                Column {
                    name: p.name.clone(),
                    width: p.width,
                    data,
                }
            })
            .collect();
        let mut atoms = Atoms::default();
        atoms.positions.reserve(count.min(1 << 12));
        Table {
            header,
            labels: SpeciesLabels::default(),
            atoms,
            momenta: Vec::new(),
            velocities: Vec::new(),
            mass_given: header.properties.iter().any(|p| p.role == Role::Mass),
            columns,
        }
    }

    fn read_line<R: BufRead>(
        &mut self,
        lines: &Lines<R>,
        first_line: usize,
        atom: usize,
    ) -> Result<()> {
        let header = self.header;
        let mut tokens = lines.text().split_ascii_whitespace();
        let mut species: Option<Species> = None;
        let mut mass = None;
        let mut position = [0.0; 3];
        let mut columns = self.columns.iter_mut();
        for property in &header.properties {
            let mut token = |what: &str| {
                tokens
                    .next()
                    .ok_or_else(|| too_few(lines, header, first_line, atom, what))
            };
            match property.role {
                Role::Species | Role::Number => {
                    let label = token(&property.name)?;
                    let found = if property.role == Role::Species {
                        self.labels.find(label).map_err(|e| (e.reason, e.advice))
                    } else {
                        label
                            .parse()
                            .ok()
                            .and_then(Element::from_number)
                            .map(Species::natural)
                            .ok_or_else(|| {
                                let reason =
                                    format!("`{}` is not an atomic number", shortened(label));
                                (reason, "atomic numbers go from 1 to 118".to_owned())
                            })
                    };
                    let found = found.map_err(|(reason, advice)| {
                        lines
                            .error(format!("atom {}: {reason}", atom + 1))
                            .advise(advice)
                    })?;
                    match species {
                        Some(other) if other.element != found.element => {
                            return Err(lines.error(format!(
                                "atom {}: the symbol says {} and the atomic number says {}",
                                atom + 1,
                                if property.role == Role::Species {
                                    found.element
                                } else {
                                    other.element
                                },
                                if property.role == Role::Species {
                                    other.element
                                } else {
                                    found.element
                                }
                            )));
                        }
                        // A symbol can name an isotope, a number cannot.
                        Some(_) if property.role == Role::Number => {}
                        _ => species = Some(found),
                    }
                }
                Role::Mass => {
                    let m = finite(lines, token(&property.name)?, atom, &property.name)?;
                    if m <= 0.0 {
                        return Err(lines
                            .error(format!("atom {}: the mass is {m:?}", atom + 1))
                            .advise("give positive masses in amu, or leave the column out"));
                    }
                    mass = Some(m);
                }
                Role::Position => {
                    for (k, x) in position.iter_mut().enumerate() {
                        *x = finite(lines, token(&property.name)?, atom, ["x", "y", "z"][k])?;
                    }
                }
                Role::Momentum | Role::Velocity => {
                    let mut v = [0.0; 3];
                    for x in &mut v {
                        *x = finite(lines, token(&property.name)?, atom, &property.name)?;
                    }
                    if property.role == Role::Momentum {
                        self.momenta.push(v)
                    } else {
                        self.velocities.push(v)
                    }
                }
                Role::Other => {
                    // Columns were made in the order of the properties of this role.
                    let Some(column) = columns.next() else {
                        continue;
                    };
                    for _ in 0..property.width {
                        let token = token(&property.name)?;
                        let taken = match &mut column.data {
                            ColumnData::Real(v) => parse_real(token).map(|x| v.push(x)),
                            ColumnData::Integer(v) => token.parse().ok().map(|i| v.push(i)),
                            ColumnData::Text(v) => Some(v.push(token.to_owned())),
                            ColumnData::Logical(v) => parse_logical(token).map(|b| v.push(b)),
                        };
                        if taken.is_none() {
                            let kind = match property.kind {
                                Kind::Integer => "a whole number",
                                Kind::Logical => "T or F",
                                Kind::Real | Kind::Text => "a number",
                            };
                            return Err(lines.error(format!(
                                "atom {}: `{}` in column `{}` is not {kind}",
                                atom + 1,
                                shortened(token),
                                property.name
                            )));
                        }
                    }
                }
            }
        }
        if header.announced && tokens.next().is_some() {
            let expected: usize = header
                .properties
                .iter()
                .map(|p| p.width)
                .fold(0, usize::saturating_add);
            let found = lines.text().split_ascii_whitespace().count();
            return Err(lines
                .error(format!(
                    "atom {} has {found} fields, but Properties names {expected}",
                    atom + 1
                ))
                .advise(format!("Properties is {}", listed(&header.properties))));
        }
        let Some(species) = species else {
            return Err(Error::Bug("an atom line was read without a species".into()));
        };
        self.atoms.push(
            Species {
                mass: mass.unwrap_or(species.mass),
                ..species
            },
            position,
        );
        Ok(())
    }

    /// The atoms and other columns, with velocities in internal units, and whether there were any.
    fn finish<R: BufRead>(
        self,
        lines: &Lines<R>,
        first_line: usize,
    ) -> Result<(Atoms, Vec<Column>, bool)> {
        let mut atoms = self.atoms;
        if self.mass_given && in_quip_units(&atoms) {
            log::info!(
                "{}:{first_line}: masses are in the units of QUIP and are converted",
                lines.path().display()
            );
            atoms.masses.iter_mut().for_each(|m| *m /= AMU_IN_QUIP);
        }
        let mut from_velocities: Vec<[f64; 3]> = self
            .velocities
            .iter()
            .map(|v| v.map(velocity_from_angstrom_per_fs))
            .collect();
        if !self.momenta.is_empty() {
            atoms.velocities = self
                .momenta
                .iter()
                .zip(&atoms.masses)
                .map(|(p, m)| p.map(|p| velocity_from_momentum(p, *m)))
                .collect();
            let largest = atoms
                .velocities
                .as_flattened()
                .iter()
                .fold(0.0f64, |a, v| a.max(v.abs()));
            let pairs = atoms
                .velocities
                .as_flattened()
                .iter()
                .zip(from_velocities.as_flattened());
            if pairs
                .clone()
                .any(|(a, b)| (a - b).abs() > 1e-3 * largest.max(b.abs()))
            {
                return Err(lines
                    .error_at(
                        first_line + 1,
                        "the columns `momenta` and velocities disagree",
                    )
                    .advise(
                        "momenta are in sqrt(eV·amu), velocities in Å/fs; leave one of the two out",
                    ));
            }
        } else if !from_velocities.is_empty() {
            atoms.velocities = std::mem::take(&mut from_velocities);
        }
        let has_velocities = !(self.momenta.is_empty() && self.velocities.is_empty());
        if atoms
            .velocities
            .as_flattened()
            .iter()
            .any(|v| !v.is_finite())
        {
            return Err(lines.error_at(
                first_line,
                "a velocity of this frame is too large to be a number",
            ));
        }
        Ok((atoms, self.columns, has_velocities))
    }
}

/// The velocity in internal units that a momentum in sqrt(eV·amu) stands for.
pub(super) fn velocity_from_momentum(p: f64, mass: f64) -> f64 {
    p / mass
}

fn velocity_from_angstrom_per_fs(v: f64) -> f64 {
    v * TIME_FS
}

/// True when every mass is so near to 103.64 times the standard weight that nothing else can be meant.
fn in_quip_units(atoms: &Atoms) -> bool {
    let ratio = |(m, e): (&f64, &Element)| m / e.mass() / AMU_IN_QUIP;
    atoms
        .masses
        .iter()
        .zip(&atoms.elements)
        .all(|pair| (ratio(pair) - 1.0).abs() < 0.05)
}

fn finite<R: BufRead>(lines: &Lines<R>, token: &str, atom: usize, name: &str) -> Result<f64> {
    match parse_real(token) {
        Some(x) if x.is_finite() => Ok(x),
        _ => lines.finite(Some(token), format_args!("atom {}: {name}", atom + 1)),
    }
}

fn listed(properties: &[Property]) -> String {
    properties
        .iter()
        .map(Property::to_string)
        .collect::<Vec<_>>()
        .join(":")
}

fn too_few<R: BufRead>(
    lines: &Lines<R>,
    header: &Header,
    first_line: usize,
    atom: usize,
    name: &str,
) -> Error {
    let found = lines.text().split_ascii_whitespace().count();
    let expected = header
        .properties
        .iter()
        .map(|p| p.width)
        .fold(0, usize::saturating_add);
    lines
        .error(format!(
            "atom {} has {found} fields instead of {expected}; `{name}` is missing",
            atom + 1
        ))
        .advise(match found {
            0 | 1 => format!(
                "if the frame ends here, the number of atoms in line {first_line} is too large"
            ),
            _ => format!("the columns are {}", listed(&header.properties)),
        })
}
