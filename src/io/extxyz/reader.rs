//! Reading a frame of extended XYZ: the atom lines.

use super::header::Header;
use super::properties::{Kind, Property, Role};
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::frame::{Column, ColumnData, Frame};
use crate::io::lines::{Lines, parse_real, shortened};
use crate::io::species_labels::SpeciesLabels;
use crate::io::value::parse_logical;
use crate::io::xyz;
use crate::system::{Atoms, System};
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
    let mut table = Table::new(&header);
    for atom in 0..count {
        if !lines.advance()? {
            return Err(xyz::ends_early(lines, line, count, atom));
        }
        AtomLine {
            lines,
            properties: &header.properties,
            first_line: line,
            atom,
        }
        .read_into(&mut table)?;
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

/// The atoms of a frame as they arrive. Grows with the file, never with what the count line promises.
struct Table {
    /// Without a list of columns in the file, more than we need may be there and is passed over.
    exact: bool,
    mass_given: bool,
    labels: SpeciesLabels,
    atoms: Atoms,
    momenta: Vec<[f64; 3]>,
    /// As in the file (Å/fs).
    velocities: Vec<[f64; 3]>,
    columns: Vec<Column>,
}

/// The current line as that of one atom.
struct AtomLine<'a, R> {
    lines: &'a Lines<R>,
    properties: &'a [Property],
    /// The line of the frame's number of atoms.
    first_line: usize,
    atom: usize,
}

impl<R: BufRead> AtomLine<'_, R> {
    fn read_into(&self, table: &mut Table) -> Result<()> {
        let mut fields = self.lines.text().split_ascii_whitespace();
        let (mut symbol, mut number, mut mass) = (None, None, None);
        let mut position = [0.0; 3];
        let mut columns = table.columns.iter_mut();
        for property in self.properties {
            let mut field = || fields.next().ok_or_else(|| self.too_few(property));
            let mut vector = |x: &mut [f64; 3]| -> Result<()> {
                for (x, axis) in x.iter_mut().zip(["x", "y", "z"]) {
                    *x = self.finite(field()?, property, axis)?;
                }
                Ok(())
            };
            match property.role {
                Role::Species => {
                    let found = table.labels.find(field()?);
                    symbol = Some(found.map_err(|e| self.error(e.reason).advise(e.advice))?);
                }
                Role::Number => number = Some(self.element(field()?)?),
                Role::Mass => {
                    let m = self.finite(field()?, property, "")?;
                    if m <= 0.0 {
                        let error = self.error(format!("the mass is {m:?}"));
                        return Err(
                            error.advise("give positive masses in amu, or leave the column out")
                        );
                    }
                    mass = Some(m);
                }
                Role::Position => vector(&mut position)?,
                Role::Momentum | Role::Velocity => {
                    let mut v = [0.0; 3];
                    vector(&mut v)?;
                    let momentum = property.role == Role::Momentum;
                    if momentum {
                        &mut table.momenta
                    } else {
                        &mut table.velocities
                    }
                    .push(v);
                }
                Role::Other => {
                    // The columns were made from the properties of this role, in the same order.
                    let Some(column) = columns.next() else {
                        continue;
                    };
                    for _ in 0..property.width {
                        self.push(field()?, property, &mut column.data)?;
                    }
                }
            }
        }
        if table.exact && fields.next().is_some() {
            let (found, expected) = self.field_counts();
            let error = self.error(format!(
                "there are {found} fields, but Properties names {expected}"
            ));
            return Err(error.advise(format!("the columns are {}", self.listed())));
        }
        let species = self.species(symbol, number)?;
        table.atoms.push(
            Species {
                mass: mass.unwrap_or(species.mass),
                ..species
            },
            position,
        );
        Ok(())
    }

    /// Symbol and atomic number must agree when both are there; only a symbol can name an isotope.
    fn species(&self, symbol: Option<Species>, number: Option<Element>) -> Result<Species> {
        match (symbol, number) {
            (Some(s), Some(n)) if s.element != n => Err(self.error(format!(
                "the symbol says {} and the atomic number says {n}",
                s.element
            ))),
            (Some(s), _) => Ok(s),
            (None, Some(n)) => Ok(Species::natural(n)),
            (None, None) => Err(Error::Bug("an atom line was read without a species".into())),
        }
    }

    fn element(&self, field: &str) -> Result<Element> {
        field
            .parse()
            .ok()
            .and_then(Element::from_number)
            .ok_or_else(|| {
                let error = self.error(format!("`{}` is not an atomic number", shortened(field)));
                error.advise("atomic numbers go from 1 to 118")
            })
    }

    fn finite(&self, field: &str, property: &Property, axis: &str) -> Result<f64> {
        match parse_real(field) {
            Some(x) if x.is_finite() => Ok(x),
            _ => {
                let blank = if axis.is_empty() { "" } else { " " };
                let name = format_args!("atom {}: {}{blank}{axis}", self.atom + 1, property.name);
                self.lines.finite(Some(field), name)
            }
        }
    }

    fn push(&self, field: &str, property: &Property, data: &mut ColumnData) -> Result<()> {
        let taken = match data {
            ColumnData::Real(v) => parse_real(field).map(|x| v.push(x)),
            ColumnData::Integer(v) => field.parse().ok().map(|i| v.push(i)),
            ColumnData::Logical(v) => parse_logical(field).map(|b| v.push(b)),
            ColumnData::Text(v) => {
                v.push(field.to_owned());
                Some(())
            }
        };
        taken.ok_or_else(|| {
            let kind = match property.kind {
                Kind::Integer => "a whole number",
                Kind::Logical => "T or F",
                Kind::Real | Kind::Text => "a number",
            };
            self.error(format!(
                "`{}` in column `{}` is not {kind}",
                shortened(field),
                property.name
            ))
        })
    }

    fn error(&self, reason: String) -> Error {
        self.lines
            .error(format!("atom {}: {reason}", self.atom + 1))
    }

    /// How many fields the line has, and how many it should have.
    fn field_counts(&self) -> (usize, usize) {
        let expected = self
            .properties
            .iter()
            .map(|p| p.width)
            .fold(0, usize::saturating_add);
        (self.lines.text().split_ascii_whitespace().count(), expected)
    }

    fn listed(&self) -> String {
        self.properties
            .iter()
            .map(Property::to_string)
            .collect::<Vec<_>>()
            .join(":")
    }

    fn too_few(&self, missing: &Property) -> Error {
        let (found, expected) = self.field_counts();
        let reason = format!(
            "only {found} of {expected} fields are there; `{}` is missing",
            missing.name
        );
        self.error(reason).advise(match found {
            0 | 1 => format!(
                "if the frame ends here, the number of atoms in line {} is too large",
                self.first_line
            ),
            _ => format!("the columns are {}", self.listed()),
        })
    }
}

impl Table {
    fn new(header: &Header) -> Table {
        let column = |p: &Property| {
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
        };
        Table {
            exact: header.announced,
            mass_given: header.properties.iter().any(|p| p.role == Role::Mass),
            labels: SpeciesLabels::default(),
            atoms: Atoms::default(),
            momenta: Vec::new(),
            velocities: Vec::new(),
            columns: header
                .properties
                .iter()
                .filter(|p| p.role == Role::Other)
                .map(column)
                .collect(),
        }
    }

    /// The atoms and other columns, with velocities in internal units, and whether there were any.
    fn finish<R: BufRead>(
        self,
        lines: &Lines<R>,
        first_line: usize,
    ) -> Result<(Atoms, Vec<Column>, bool)> {
        let mut atoms = self.atoms;
        if self.mass_given && in_quip_units(&atoms) {
            let place = lines.path().display();
            log::info!("{place}:{first_line}: masses are in the units of QUIP and are converted");
            atoms.masses.iter_mut().for_each(|m| *m /= AMU_IN_QUIP);
        }
        let from_file: Vec<[f64; 3]> = self
            .velocities
            .iter()
            .map(|v| v.map(|v| v * TIME_FS))
            .collect();
        let pairs = self.momenta.iter().zip(&atoms.masses);
        let from_momenta: Vec<[f64; 3]> = pairs
            .map(|(p, m)| p.map(|p| velocity_from_momentum(p, *m)))
            .collect();
        if differ(&from_momenta, &from_file) {
            return Err(lines
                .error_at(
                    first_line + 1,
                    "the columns `momenta` and velocities disagree",
                )
                .advise(
                    "momenta are in sqrt(eV·amu), velocities in Å/fs; leave one of the two out",
                ));
        }
        let given = if from_momenta.is_empty() {
            from_file
        } else {
            from_momenta
        };
        let has_velocities = !given.is_empty();
        if given.as_flattened().iter().any(|v| !v.is_finite()) {
            return Err(lines.error_at(
                first_line,
                "a velocity of this frame is too large to be a number",
            ));
        }
        if has_velocities {
            atoms.velocities = given;
        }
        Ok((atoms, self.columns, has_velocities))
    }
}

/// The velocity in internal units that a momentum in sqrt(eV·amu) stands for.
pub(super) fn velocity_from_momentum(p: f64, mass: f64) -> f64 {
    p / mass
}

/// True when both are given and are not the same within the digits that programs print.
fn differ(a: &[[f64; 3]], b: &[[f64; 3]]) -> bool {
    let largest = a
        .as_flattened()
        .iter()
        .chain(b.as_flattened())
        .fold(0.0f64, |x, v| x.max(v.abs()));
    a.as_flattened()
        .iter()
        .zip(b.as_flattened())
        .any(|(a, b)| (a - b).abs() > 1e-3 * largest)
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
