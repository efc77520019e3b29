//! Finding out what a trajectory of unknown origin holds.

use super::reader::TrajectoryReader;
use super::rows::{Axis, Edges, Element3, Observable, box_rows, slice};
use super::text::{attribute, read_all};
use super::{GROUP, sentence};
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::units::{self, Dimension, FS};
use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, File, Group, H5Type};
use std::path::Path;

/// What is needed to examine a file that may hold anything.
pub(super) struct Scan<'a> {
    pub(super) path: &'a Path,
    pub(super) length: u64,
}

impl Scan<'_> {
    pub(super) fn bad(&self, what: impl Into<String>) -> Error {
        Error::file(self.path, what)
    }

    pub(super) fn unreadable(&self, what: &str, e: &hdf5::Error) -> Error {
        self.bad(format!(
            "`{what}` cannot be read: the file is damaged ({})",
            sentence(e)
        ))
    }

    pub(super) fn open(&self, file: File, given: &[Species]) -> Result<TrajectoryReader> {
        let mut notes = Vec::new();
        let group = self.particles(&file)?;
        let position = self.vectors(
            &group,
            "position",
            Dimension::LENGTH,
            ("Angstrom", 1.0),
            &mut notes,
        )?;
        let position =
            position.ok_or_else(|| self.bad("there are no positions in this trajectory"))?;
        let shape = position.set.shape();
        let (rows, atoms) = match (shape.len(), &position.axis) {
            (3, Some(axis)) if shape[2] == 3 => (shape[0].min(axis.steps.len()), shape[1]),
            (2, None) if shape[1] == 3 => (1, shape[0]),
            _ => {
                return Err(self.bad(format!(
                    "the positions have the shape {shape:?}, not [frames][atoms][3]"
                )));
            }
        };
        self.plausible(atoms.saturating_mul(12), "atoms")?;
        let velocity_unit = ("Angstrom fs-1", 1.0 / FS);
        let velocity = self.vectors(
            &group,
            "velocity",
            Dimension::VELOCITY,
            velocity_unit,
            &mut notes,
        )?;
        let force_unit = ("kJ mol-1 Angstrom-1", 1.0 / super::FORCE_OUT);
        let force = self.vectors(&group, "force", Dimension::FORCE, force_unit, &mut notes)?;
        let image = self.vectors(&group, "image", Dimension::NONE, ("", 1.0), &mut notes)?;
        let (edges, periodic) = self.edges(&group, &mut notes)?;
        let (species, masses) = self.species(&file, &group, atoms, given, &mut notes)?;
        let observables = self.observables(&file)?;
        Ok(TrajectoryReader {
            path: self.path.to_path_buf(),
            length: self.length,
            species,
            masses,
            position,
            velocity,
            force,
            image,
            edges,
            periodic,
            observables,
            frames: rows,
            notes,
            file,
        })
    }

    /// A claim of so many bytes is believed only if a file of this length can hold them (deflate gains up to 1032).
    pub(super) fn plausible(&self, bytes: usize, what: &str) -> Result<()> {
        if bytes as u64 / 1032 > self.length {
            return Err(self.bad(format!(
                "the file is damaged: it is too short for the {what} it claims to hold"
            )));
        }
        Ok(())
    }

    pub(super) fn particles(&self, file: &File) -> Result<Group> {
        if let Ok(group) = file.group(GROUP) {
            return Ok(group);
        }
        let all = file
            .group("particles")
            .and_then(|p| p.groups())
            .unwrap_or_default();
        let found = all.into_iter().find(|g| g.link_exists("position"));
        found.ok_or_else(|| {
            self.bad("this HDF5 file is not a trajectory: it has no positions below `/particles`")
        })
    }

    pub(super) fn numbers<T: H5Type>(&self, set: &Dataset, what: &str) -> Result<Vec<T>> {
        self.plausible(set.size().saturating_mul(4), what)?;
        set.read_raw().map_err(|e| self.unreadable(what, &e))
    }

    /// The factor from a stored unit to the internal one; `usual` if none is stored.
    pub(super) fn factor(
        &self,
        set: &Dataset,
        what: &str,
        dimension: Dimension,
        usual: (&str, f64),
        notes: &mut Vec<String>,
    ) -> Result<f64> {
        if dimension == Dimension::NONE {
            return Ok(1.0);
        }
        let Some(unit) = attribute(set, "unit").filter(|u| !u.is_empty()) else {
            notes.push(format!("`{what}` has no unit; {} is assumed", usual.0));
            return Ok(usual.1);
        };
        match units::parse_unit(&unit) {
            Ok((factor, d)) if d == dimension => Ok(factor),
            Ok((_, d)) => Err(self.bad(format!(
                "`{what}` has the unit `{unit}`, which is {d}; {dimension} is needed"
            ))),
            Err(e) => Err(self.bad(format!(
                "`{what}` has the unit `{unit}`, which is not known: {e}"
            ))),
        }
    }

    pub(super) fn vectors(
        &self,
        group: &Group,
        name: &str,
        dimension: Dimension,
        usual: (&str, f64),
        notes: &mut Vec<String>,
    ) -> Result<Option<Element3>> {
        if !group.link_exists(name) {
            return Ok(None);
        }
        let (set, axis) = match group.group(name) {
            Ok(element) => {
                let set = element
                    .dataset("value")
                    .map_err(|e| self.unreadable(&format!("{name}/value"), &e))?;
                let rows = set.shape().first().copied().unwrap_or(0);
                let axis = self.axis(&element, rows, name, notes)?;
                (set, Some(axis))
            }
            Err(_) => (
                group.dataset(name).map_err(|e| self.unreadable(name, &e))?,
                None,
            ),
        };
        let factor = self.factor(&set, name, dimension, usual, notes)?;
        Ok(Some(Element3 { set, factor, axis }))
    }

    /// Steps and times of an element with `rows` rows, stored explicitly or as start and increment.
    pub(super) fn axis(
        &self,
        element: &Group,
        rows: usize,
        what: &str,
        notes: &mut Vec<String>,
    ) -> Result<Axis> {
        self.plausible(rows, what)?;
        let mut axis = Axis::default();
        let Ok(step) = element.dataset("step") else {
            axis.steps = (0..).take(rows).collect();
            notes.push(format!("`{what}` has no steps; its rows are counted"));
            return Ok(axis);
        };
        if step.is_scalar() {
            let increment: i64 = step.read_scalar().map_err(|e| self.unreadable(what, &e))?;
            let offset = step
                .attr("offset")
                .and_then(|a| a.read_scalar::<i64>())
                .unwrap_or(0);
            axis.steps = (0..rows as i64)
                .map(|i| offset.saturating_add(i.saturating_mul(increment)))
                .collect();
        } else {
            axis.steps = self.numbers(&step, what)?;
        }
        if let Ok(time) = element.dataset("time") {
            let usual = ("fs", FS);
            let factor = self.factor(
                &time,
                &format!("{what}/time"),
                Dimension::TIME,
                usual,
                notes,
            )? / FS;
            if time.is_scalar() {
                let increment: f64 = time.read_scalar().map_err(|e| self.unreadable(what, &e))?;
                let offset = time
                    .attr("offset")
                    .and_then(|a| a.read_scalar::<f64>())
                    .unwrap_or(0.0);
                axis.times = (0..rows)
                    .map(|i| (offset + i as f64 * increment) * factor)
                    .collect();
            } else {
                axis.times = self
                    .numbers::<f64>(&time, what)?
                    .iter()
                    .map(|t| t * factor)
                    .collect();
            }
        }
        Ok(axis)
    }

    pub(super) fn edges(
        &self,
        group: &Group,
        notes: &mut Vec<String>,
    ) -> Result<(Edges, [bool; 3])> {
        let Ok(cell) = group.group("box") else {
            notes.push("there is no box; the atoms are taken for isolated".into());
            return Ok((Edges::None, [false; 3]));
        };
        if !cell.link_exists("edges") {
            return Ok((Edges::None, [false; 3]));
        }
        let boundary = cell
            .attr("boundary")
            .ok()
            .and_then(|a| read_all(&a))
            .filter(|b| b.len() == 3);
        let periodic = match boundary {
            Some(words) => [0, 1, 2].map(|k| words[k].eq_ignore_ascii_case("periodic")),
            None => {
                notes.push("the box does not say which directions are periodic; all three are assumed to be".into());
                [true; 3]
            }
        };
        let wrong = |shape: &[usize]| {
            self.bad(format!(
                "`box/edges` has the shape {shape:?}, not [3] or [3][3]"
            ))
        };
        if let Ok(element) = cell.group("edges") {
            let set = element
                .dataset("value")
                .map_err(|e| self.unreadable("box/edges/value", &e))?;
            let shape = set.shape();
            if !matches!(shape[..], [_, 3] | [_, 3, 3]) {
                return Err(wrong(&shape));
            }
            let factor = self.factor(
                &set,
                "box/edges",
                Dimension::LENGTH,
                ("Angstrom", 1.0),
                notes,
            )?;
            let axis = match element.link_exists("step") {
                true => Some(self.axis(&element, shape[0], "box/edges", &mut Vec::new())?),
                false => None,
            };
            return Ok((Edges::Moving { set, factor, axis }, periodic));
        }
        let set = cell
            .dataset("edges")
            .map_err(|e| self.unreadable("box/edges", &e))?;
        if !matches!(set.shape()[..], [3] | [3, 3]) {
            return Err(wrong(&set.shape()));
        }
        let factor = self.factor(
            &set,
            "box/edges",
            Dimension::LENGTH,
            ("Angstrom", 1.0),
            notes,
        )?;
        Ok((
            Edges::Fixed(box_rows(&self.numbers(&set, "box/edges")?, factor)),
            periodic,
        ))
    }

    pub(super) fn observables(&self, file: &File) -> Result<Vec<Observable>> {
        let mut found = Vec::new();
        let Ok(group) = file.group("observables") else {
            return Ok(found);
        };
        for name in group.member_names().unwrap_or_default() {
            let Ok(element) = group.group(&name) else {
                continue;
            };
            let Ok(set) = element.dataset("value") else {
                continue;
            };
            if set.ndim() != 1 {
                continue;
            }
            let mut axis = self.axis(&element, set.shape()[0], &name, &mut Vec::new())?;
            axis.steps.truncate(set.shape()[0]);
            found.push(Observable {
                unit: attribute(&set, "unit").unwrap_or_default(),
                name,
                set,
                axis,
            });
        }
        Ok(found)
    }

    /// A per-atom constant, or the first row of one that was stored for every frame.
    pub(super) fn per_atom<T: H5Type>(
        &self,
        set: &Dataset,
        atoms: usize,
        what: &str,
    ) -> Result<Vec<T>> {
        let shape = set.shape();
        let values = match shape[..] {
            [n] if n == atoms => self.numbers(set, what)?,
            [f, n] if n == atoms && f > 0 => {
                slice(set, 0, &[n]).map_err(|e| self.unreadable(what, &e))?
            }
            _ => {
                return Err(self.bad(format!(
                    "`{what}` has the shape {shape:?} for {atoms} atoms"
                )));
            }
        };
        Ok(values)
    }

    pub(super) fn species(
        &self,
        file: &File,
        group: &Group,
        atoms: usize,
        given: &[Species],
        notes: &mut Vec<String>,
    ) -> Result<(Vec<Species>, Vec<f64>)> {
        let constant = |name: &str| {
            group
                .dataset(name)
                .or_else(|_| group.dataset(&format!("{name}/value")))
                .ok()
        };
        let masses: Option<Vec<f64>> = match constant("mass") {
            Some(set) => Some(self.per_atom(&set, atoms, "mass")?),
            None => None,
        };
        let advice = "name the species of types 1, 2, ... in this order";
        let mut elements: Vec<Option<Element>> = vec![None; atoms];
        if let Some(set) = constant("species") {
            let names = match set.dtype().and_then(|t| t.to_descriptor()) {
                Ok(TypeDescriptor::Enum(e)) => Some(e.members),
                _ => None,
            };
            let numbers = self.per_atom::<i64>(&set, atoms, "species")?;
            let bits = 8 * set.dtype().map_or(8, |t| t.size()).clamp(1, 8) as u32;
            let same = |member: u64, number: i64| (member ^ number as u64) << (64 - bits) == 0;
            let ours = file
                .group("h5md/creator")
                .ok()
                .and_then(|g| attribute(&g, "name"))
                .as_deref()
                == Some("zundel");
            for (i, &number) in numbers.iter().enumerate() {
                elements[i] = if !given.is_empty() {
                    let s = usize::try_from(number)
                        .ok()
                        .and_then(|k| given.get(k.wrapping_sub(1)));
                    let s = s.ok_or_else(|| {
                        self.bad(format!("atom {} has type {number}", i + 1))
                            .advise(advice)
                    })?;
                    Some(s.element)
                } else if let Some(members) = &names {
                    let member = members.iter().find(|m| same(m.value, number));
                    member
                        .and_then(|m| Species::from_name(&m.name))
                        .map(|s| s.element)
                } else if ours {
                    u8::try_from(number).ok().and_then(Element::from_number)
                } else {
                    None
                };
            }
        } else if given.len() == atoms {
            elements = given.iter().map(|s| Some(s.element)).collect();
        }
        if let Some(masses) = &masses
            && elements.contains(&None)
        {
            notes.push(
                "the species are only numbered; the elements were recognised by their masses"
                    .into(),
            );
            for (element, &mass) in elements.iter_mut().zip(masses) {
                *element = element.or_else(|| nearest_element(mass));
            }
        }
        if let Some(i) = elements.iter().position(Option::is_none) {
            return Err(self
                .bad(format!(
                    "the file does not say what element atom {} is",
                    i + 1
                ))
                .advise(advice));
        }
        let elements = elements.into_iter().flatten();
        let masses = masses.unwrap_or_else(|| elements.clone().map(Element::mass).collect());
        let species = elements
            .zip(&masses)
            .map(|(element, &mass)| Species { element, mass })
            .collect();
        Ok((species, masses))
    }
}

/// The element whose natural or isotopic mass is within 0.1 amu, the closest one.
fn nearest_element(mass: f64) -> Option<Element> {
    let distance = |e: &Element| (e.mass() - mass).abs();
    let all = (1..=118).filter_map(Element::from_number);
    let natural = all
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .filter(|e| distance(e) < 0.1);
    natural.or_else(|| {
        let heavy = [("D", 2.014), ("T", 3.016)]
            .into_iter()
            .find(|h| (h.1 - mass).abs() < 0.05)?;
        Species::from_name(heavy.0).map(|s| s.element)
    })
}
