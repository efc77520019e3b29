//! Data sets of the sGDML package: one molecule or cell, many geometries, forces and mostly energies.
//!
//! Those of the revised MD17 collection, with other keys, are read as well (Christensen and von Lilienfeld, Mach. Learn.:
//! Sci. Technol. 1, 045018 (2020)).

use super::archive::{Archive, ArchiveWriter};
use super::array::Array;
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::Frame;
use crate::io::digest::hexadecimal;
use crate::system::{Atoms, Cell, System};
use crate::units::{self, Dimension};
use md5::{Digest, Md5};
use std::path::Path;

/// Labelled geometries of one list of atoms, in eV and Å.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The method of the labels.
    pub theory: String,
    /// The atoms, the same in every geometry.
    pub elements: Vec<Element>,
    /// Positions (Å): geometry by geometry, atom by atom.
    pub positions: Vec<[f64; 3]>,
    /// Forces (eV/Å), like the positions.
    pub forces: Vec<[f64; 3]>,
    /// Energy (eV) of each geometry; empty when there are none.
    pub energies: Vec<f64>,
    /// Labels of another method, as the revised MD17 collection has those of the first: energies (eV); may be empty.
    pub old_energies: Vec<f64>,
    /// Forces (eV/Å) of that method; may be empty.
    pub old_forces: Vec<[f64; 3]>,
    /// Cell vectors (Å) as rows, when the geometries are periodic.
    pub cell: Option<[[f64; 3]; 3]>,
}

/// Names of the four arrays in a data set of the package, and in the revised MD17 collection.
const KEYS: [[&str; 4]; 2] = [
    ["z", "R", "F", "E"],
    ["nuclear_charges", "coords", "forces", "energies"],
];

impl Dataset {
    /// Whether an archive looks like a data set.
    pub fn is_one(archive: &mut Archive) -> bool {
        if archive.has("type") {
            let kind = archive.get("type").ok().flatten();
            return kind.is_some_and(|t| t.string() == Some("d"));
        }
        KEYS.iter().any(|k| k[..3].iter().all(|k| archive.has(k)))
    }

    /// Reads a data set file.
    ///
    /// Errors name the member: what is missing, of wrong shape, or no finite number; units that are not known.
    pub fn read(path: &Path) -> Result<Dataset> {
        Self::from_archive(&mut Archive::open(path)?)
    }

    /// Reads a data set from an open archive.
    pub fn from_archive(archive: &mut Archive) -> Result<Dataset> {
        if !Self::is_one(archive) {
            return Err(
                Error::file(archive.path(), "this archive is no sGDML data set").advise(
                    "a data set has the members z, R, F and mostly E; `zundel info` says what a model is; other archives need unpacking",
                ),
            );
        }
        let keys = KEYS
            .iter()
            .find(|k| k[..3].iter().all(|k| archive.has(k)))
            .unwrap_or(&KEYS[0]);
        let elements = elements(archive, keys[0])?;
        let n = elements.len();
        let length = unit(archive, "r_unit", "Ang", Dimension::LENGTH)?;
        let energy = unit(archive, "e_unit", "kcal/mol", Dimension::ENERGY)?;
        let positions = vectors(archive, keys[1], n, length)?;
        let forces = vectors(archive, keys[2], n, energy / length)?;
        let frames = positions.len() / n;
        if forces.len() != positions.len() {
            return Err(archive.complain(keys[2], "it has other geometries than the positions"));
        }
        let energies = scalars(archive, keys[3], frames, energy)?;
        let old_energies = scalars(archive, "old_energies", frames, energy)?;
        let old_forces = match archive.has("old_forces") {
            true => vectors(archive, "old_forces", n, energy / length)?,
            false => Vec::new(),
        };
        if !old_forces.is_empty() && old_forces.len() != positions.len() {
            return Err(
                archive.complain("old_forces", "it has other geometries than the positions")
            );
        }
        let cell = lattice(archive, length)?;
        let mut text = |key: &str| -> Result<String> {
            let found = archive.get(key)?;
            Ok(found
                .and_then(|a| a.string().map(str::to_owned))
                .unwrap_or_default())
        };
        Ok(Dataset {
            name: text("name")?,
            theory: text("theory")?,
            elements,
            positions,
            forces,
            energies,
            old_energies,
            old_forces,
            cell,
        })
    }

    /// Number of geometries.
    pub fn len(&self) -> usize {
        self.positions.len() / self.elements.len().max(1)
    }

    /// True when there is no geometry.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Geometry `i` (from 0) with its labels as a frame.
    ///
    /// Errors when the cell of the file is none. Panics when there is no such geometry.
    pub fn frame(&self, i: usize) -> Result<Frame> {
        let n = self.elements.len();
        let mut atoms = Atoms::default();
        for (e, x) in self.elements.iter().zip(&self.positions[i * n..]) {
            atoms.push(Species::natural(*e), *x);
        }
        let cell = match self.cell {
            Some(rows) => {
                Cell::new(rows, [true; 3]).map_err(|why| Error::input("member `lattice`", why))?
            }
            None => Cell::isolated(),
        };
        let mut frame = Frame::from(System { cell, atoms });
        if let Some(e) = self.energies.get(i) {
            frame.set_value("energy", *e);
        }
        frame.set_vectors("forces", &self.forces[i * n..(i + 1) * n]);
        if let Some(e) = self.old_energies.get(i) {
            frame.set_value("old_energies", *e);
        }
        if let Some(f) = self.old_forces.get(i * n..(i + 1) * n) {
            frame.set_vectors("old_forces", f);
        }
        Ok(frame)
    }

    /// Adds a frame with its labels.
    ///
    /// Errors (sentences) when it has other atoms or another cell than the first, no forces, or energies where others have none.
    pub fn push(&mut self, frame: &Frame) -> std::result::Result<(), String> {
        let atoms = &frame.system.atoms;
        let cell = (!frame.system.cell.is_isolated()).then(|| frame.system.cell.row_vectors());
        let first = self.is_empty();
        if first {
            self.elements = atoms.elements.clone();
            self.cell = cell;
        }
        if atoms.elements != self.elements {
            return Err("it has other atoms than the first frame, or in another order".into());
        }
        if cell != self.cell {
            return Err("it has another cell than the first frame".into());
        }
        if cell.is_some() && !frame.system.cell.is_bulk() {
            return Err("it is periodic in some directions only".into());
        }
        let forces = frame.forces().ok_or("it has no forces")?;
        let energy = frame.energy();
        if !first && energy.is_some() == self.energies.is_empty() {
            return Err("some frames have energies and others have none".into());
        }
        self.positions.extend_from_slice(&atoms.positions);
        self.forces.extend_from_slice(forces);
        self.energies.extend(energy);
        Ok(())
    }

    /// Writes the data set as the package's own files are, in eV and Å.
    pub fn write(&self, path: &Path) -> Result<()> {
        let (n, frames) = (self.elements.len(), self.len());
        let z: Vec<u8> = self.elements.iter().map(|e| e.number()).collect();
        let mut out = ArchiveWriter::new(path);
        out.add("type", &Array::text("d"))?;
        out.add("code_version", &Array::text(env!("CARGO_PKG_VERSION")))?;
        out.add("name", &Array::text(&self.name))?;
        out.add("theory", &Array::text(&self.theory))?;
        out.add("r_unit", &Array::text("Ang"))?;
        out.add("e_unit", &Array::text("eV"))?;
        out.add("z", &Array::bytes(&[n], &z))?;
        let flat = |v: &[[f64; 3]]| v.as_flattened().to_vec();
        let geometries = [frames, n, 3];
        out.add("R", &Array::real(&geometries, flat(&self.positions)))?;
        out.add("F", &Array::real(&geometries, flat(&self.forces)))?;
        statistics(&mut out, 'F', self.forces.as_flattened())?;
        if !self.energies.is_empty() {
            out.add("E", &Array::real(&[frames], self.energies.clone()))?;
            statistics(&mut out, 'E', &self.energies)?;
        }
        if let Some(rows) = self.cell {
            let columns = (0..9).map(|k| rows[k % 3][k / 3]).collect();
            out.add("lattice", &Array::real(&[3, 3], columns))?;
        }
        out.add("md5", &Array::byte_text(&self.fingerprint()))?;
        out.finish()
    }

    /// The fingerprint of the data as [`Dataset::write`] writes them, by which models name their training set.
    pub fn fingerprint(&self) -> String {
        let z: Vec<u8> = self.elements.iter().map(|e| e.number()).collect();
        let bytes = |v: &[f64]| -> Vec<u8> { v.iter().flat_map(|x| x.to_le_bytes()).collect() };
        let mut all = Md5::new();
        all.update(Md5::digest(&z));
        all.update(Md5::digest(bytes(self.positions.as_flattened())));
        if !self.energies.is_empty() {
            all.update(Md5::digest(bytes(&self.energies)));
        }
        all.update(Md5::digest(bytes(self.forces.as_flattened())));
        hexadecimal(&all.finalize())
    }
}

/// Writes frames as one data set named after the file. Returns their number; without any, nothing is written.
///
/// Errors say which frame does not fit the others, or has no forces.
pub fn write_frames(path: &Path, frames: impl Iterator<Item = Result<Frame>>) -> Result<usize> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut dataset = Dataset {
        name: stem.into_owned(),
        theory: "unknown".into(),
        ..Dataset::default()
    };
    for (k, frame) in frames.enumerate() {
        dataset.push(&frame?).map_err(|why| {
            Error::file(path, format!("frame {k} (from 0): {why}")).advise(
                "a data set is of one molecule or cell, with forces in every frame; extended XYZ holds anything",
            )
        })?;
    }
    if !dataset.is_empty() {
        dataset.write(path)?;
    }
    Ok(dataset.len())
}

fn statistics(out: &mut ArchiveWriter, letter: char, values: &[f64]) -> Result<()> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (what, value) in [
        ("min", min),
        ("max", max),
        ("mean", mean),
        ("var", variance),
    ] {
        out.add(&format!("{letter}_{what}"), &Array::real(&[], vec![value]))?;
    }
    Ok(())
}

/// One number (times a factor) for each geometry; none when there is no such member.
fn scalars(archive: &mut Archive, key: &str, frames: usize, factor: f64) -> Result<Vec<f64>> {
    let Some(array) = archive.get(key)? else {
        return Ok(Vec::new());
    };
    let values = finite(archive, key, &array)?;
    if values.len() != frames {
        let reason = format!("{} energies for {frames} geometries", values.len());
        return Err(archive.complain(key, reason));
    }
    Ok(values.iter().map(|e| e * factor).collect())
}

/// The atomic numbers of a member.
pub(crate) fn elements(archive: &mut Archive, key: &str) -> Result<Vec<Element>> {
    let z = archive.need(key)?;
    let list: Option<Vec<Element>> = z.integers().and_then(|z| {
        z.iter()
            .map(|z| u8::try_from(*z).ok().and_then(Element::from_number))
            .collect()
    });
    match list {
        Some(list) if !list.is_empty() && z.shape.len() == 1 => Ok(list),
        _ => Err(archive.complain(key, "it is no list of atomic numbers from 1 to 118")),
    }
}

/// The factor to internal units of the unit that a member names, or of the usual one.
pub(crate) fn unit(
    archive: &mut Archive,
    key: &str,
    usual: &str,
    dimension: Dimension,
) -> Result<f64> {
    let found = archive.get(key)?;
    let name = match found.as_ref().and_then(|a| a.string()) {
        Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => usual.to_owned(),
    };
    match units::parse_unit(&name) {
        Ok((factor, d)) if d == dimension => Ok(factor),
        // "A.U." and the like could be anything.
        _ => Err(archive
            .complain(
                key,
                format!("the unit `{name}` is not {dimension} that is known"),
            )
            .advise("known are Ang, Bohr and nm; kcal/mol, kJ/mol, eV, meV and Hartree")),
    }
}

/// The cell vectors (Å) as rows; the file has them as columns.
pub(crate) fn lattice(archive: &mut Archive, length: f64) -> Result<Option<[[f64; 3]; 3]>> {
    let Some(columns) = archive.get("lattice")? else {
        return Ok(None);
    };
    let m = finite(archive, "lattice", &columns)?;
    if columns.shape != [3, 3] {
        return Err(archive.complain("lattice", "its shape is not (3, 3)"));
    }
    let rows = std::array::from_fn(|i| std::array::from_fn(|k| m[3 * k + i] * length));
    Cell::new(rows, [true; 3]).map_err(|why| archive.complain("lattice", why))?;
    Ok(Some(rows))
}

/// The numbers of a member, all finite.
pub(crate) fn finite(archive: &Archive, key: &str, array: &Array) -> Result<Vec<f64>> {
    let values = array
        .numbers()
        .ok_or_else(|| archive.complain(key, "it holds no numbers"))?;
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(values),
        Some(i) => Err(archive.complain(
            key,
            format!("element {i} (from 0) is {}, no finite number", values[i]),
        )),
    }
}

/// Vectors of `n` atoms in any number of geometries.
fn vectors(archive: &mut Archive, key: &str, n: usize, factor: f64) -> Result<Vec<[f64; 3]>> {
    let array = archive.need(key)?;
    let shape = &array.shape;
    let good = match shape[..] {
        [_, atoms, 3] => atoms == n,
        [atoms, 3] => atoms == n,
        _ => false,
    };
    if !good || shape.contains(&0) {
        let reason = format!("its shape is {shape:?}, and (geometries, {n}, 3) is needed");
        return Err(archive.complain(key, reason));
    }
    let values = finite(archive, key, &array)?;
    let (triples, _) = values.as_chunks::<3>();
    Ok(triples.iter().map(|x| x.map(|x| x * factor)).collect())
}
