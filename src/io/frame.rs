//! A frame of a structure file: the system and everything else the file says about it.

use super::value::Value;
use crate::system::System;

/// A frame of a structure file.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Cell, elements, masses, positions and velocities in internal units.
    pub system: System,
    /// Keys and values of the comment line in their order, without `Lattice`, `Properties` and `pbc`. The comment of
    /// formats without keys is here under `comment`.
    pub info: Vec<(String, Value)>,
    /// Columns per atom that are not part of the system (forces, site energies, ...).
    pub columns: Vec<Column>,
    /// Whether the file gave velocities; they are zero otherwise.
    pub has_velocities: bool,
    /// The line of the file on which the frame begins (from 1; 0 when it does not come from a file).
    pub line: usize,
}

/// A column (or several side by side) of numbers or words per atom.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, as in `forces`.
    pub name: String,
    /// Entries per atom.
    pub width: usize,
    /// The entries, atom by atom: `width` times the number of atoms.
    pub data: ColumnData,
}

/// Entries of a [`Column`].
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    /// `R`: numbers.
    Real(Vec<f64>),
    /// `I`: whole numbers.
    Integer(Vec<i64>),
    /// `S`: words without blanks.
    Text(Vec<String>),
    /// `L`: true or false.
    Logical(Vec<bool>),
}

impl ColumnData {
    /// Number of entries.
    pub fn len(&self) -> usize {
        match self {
            ColumnData::Real(v) => v.len(),
            ColumnData::Integer(v) => v.len(),
            ColumnData::Text(v) => v.len(),
            ColumnData::Logical(v) => v.len(),
        }
    }

    /// True when there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<System> for Frame {
    /// A frame without further information; velocities count as given when any is not zero.
    fn from(system: System) -> Frame {
        let has_velocities = system
            .atoms
            .velocities
            .as_flattened()
            .iter()
            .any(|v| *v != 0.0);
        Frame {
            system,
            info: Vec::new(),
            columns: Vec::new(),
            has_velocities,
            line: 0,
        }
    }
}

impl Frame {
    /// The value of a key of the comment line.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.info.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Sets a key of the comment line; replaces the value where the key is there.
    pub fn set_value(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.info.iter_mut().find(|(k, _)| k == key) {
            Some(entry) => entry.1 = value,
            None => self.info.push((key.to_owned(), value)),
        }
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Sets one number per atom as a column; replaces a column of that name.
    pub fn set_scalars(&mut self, name: &str, data: Vec<f64>) {
        self.set_column(Column {
            name: name.to_owned(),
            width: 1,
            data: ColumnData::Real(data),
        });
    }

    /// Sets a vector per atom as a column of width 3; replaces a column of that name.
    pub fn set_vectors(&mut self, name: &str, data: &[[f64; 3]]) {
        let data = ColumnData::Real(data.as_flattened().to_vec());
        self.set_column(Column {
            name: name.to_owned(),
            width: 3,
            data,
        });
    }

    /// Sets a column; replaces one of that name.
    pub fn set_column(&mut self, column: Column) {
        match self.columns.iter_mut().find(|c| c.name == column.name) {
            Some(old) => *old = column,
            None => self.columns.push(column),
        }
    }

    /// A column of one number per atom.
    pub fn scalars(&self, name: &str) -> Option<&[f64]> {
        match self.column(name) {
            Some(Column {
                width: 1,
                data: ColumnData::Real(data),
                ..
            }) => Some(data),
            _ => None,
        }
    }

    /// A column of one vector per atom.
    pub fn vectors(&self, name: &str) -> Option<&[[f64; 3]]> {
        match self.column(name) {
            Some(Column {
                width: 3,
                data: ColumnData::Real(data),
                ..
            }) => Some(data.as_chunks().0),
            _ => None,
        }
    }

    /// A symmetric 3×3 matrix of the comment line: nine numbers, or six in the order xx yy zz yz xz xy.
    pub fn matrix(&self, key: &str) -> Option<[[f64; 3]; 3]> {
        let v = self.value(key)?.as_reals()?;
        match v.as_slice() {
            [xx, xy, xz, yx, yy, yz, zx, zy, zz] => {
                Some([[*xx, *xy, *xz], [*yx, *yy, *yz], [*zx, *zy, *zz]])
            }
            [xx, yy, zz, yz, xz, xy] => Some([[*xx, *xy, *xz], [*xy, *yy, *yz], [*xz, *yz, *zz]]),
            _ => None,
        }
    }

    /// The energy (eV) the file states, under `energy` or a usual other name. May not be finite if the file says so.
    pub fn energy(&self) -> Option<f64> {
        ["energy", "Energy", "total_energy", "free_energy"]
            .iter()
            .find_map(|k| self.value(k)?.as_real())
    }

    /// The forces (eV/Å) the file states, under `forces` or `force`.
    pub fn forces(&self) -> Option<&[[f64; 3]]> {
        ["forces", "force", "Forces"]
            .iter()
            .find_map(|name| self.vectors(name))
    }

    /// The virial (eV, positive trace for compression) the file states; from the stress (ASE's sign, eV/Å^3) and the
    /// volume when only that is there.
    pub fn virial(&self) -> Option<[[f64; 3]; 3]> {
        ["virial", "virials", "Virial"]
            .iter()
            .find_map(|k| self.matrix(k))
            .or_else(|| {
                let volume = self.system.cell.volume()?;
                Some(self.matrix("stress")?.map(|row| row.map(|s| -s * volume)))
            })
    }

    /// The energies of the atoms (eV) the file states, under `local_energy` or a usual other name.
    pub fn site_energies(&self) -> Option<&[f64]> {
        ["local_energy", "energies", "local_energies", "site_energy"]
            .iter()
            .find_map(|name| self.scalars(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::Species;
    use crate::system::{Atoms, Cell};

    #[test]
    fn quantities_by_their_usual_names() {
        let mut atoms = Atoms::default();
        atoms.push(Species::from_name("C").unwrap(), [0.0; 3]);
        let cell = Cell::orthorhombic(2.0, 3.0, 4.0).unwrap();
        let mut frame = Frame::from(System { cell, atoms });
        assert!(!frame.has_velocities);
        assert!(frame.energy().is_none() && frame.forces().is_none() && frame.virial().is_none());
        frame.set_value("free_energy", -2.0);
        frame.set_value("energy", -1.0);
        frame.set_value("energy", -1.5);
        assert_eq!((frame.energy(), frame.info.len()), (Some(-1.5), 2));
        frame.set_value("stress", vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(frame.virial().unwrap()[0], [-24.0, -144.0, -120.0]);
        frame.set_value("virial", [[1.0; 3]; 3]);
        assert_eq!(frame.virial().unwrap()[2], [1.0; 3]);
        frame.set_vectors("force", &[[1.0, 2.0, 3.0]]);
        assert_eq!(frame.forces(), Some(&[[1.0, 2.0, 3.0]][..]));
        frame.set_scalars("local_energy", vec![7.0]);
        assert_eq!(frame.site_energies(), Some(&[7.0][..]));
        assert!(frame.vectors("local_energy").is_none());
    }
}
