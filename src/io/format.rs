//! Which format a structure file has: by its name, and by its content where the name leaves it open.

use super::lines::parse_real;
use super::npz;
use crate::error::{Error, Result};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A structure file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// XYZ with `Lattice`, `Properties` and other keys in the second line.
    ExtendedXyz,
    /// XYZ with a free comment in the second line.
    Xyz,
    /// The structure file of VASP (POSCAR, CONTCAR).
    Poscar,
    /// The file of LAMMPS' `read_data`.
    LammpsData,
    /// Configurations of MLIP as text; read in binary too.
    MlipCfg,
    /// Configurations of MLIP in binary.
    MlipBinaryCfg,
    /// A data set of the sGDML package: numpy's archive of all geometries together.
    SgdmlNpz,
}

/// What is known from a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByName {
    Sure(Format),
    SomeXyz,
}

impl Format {
    /// The format of a file, by name and, when the file exists, by content: an `.xyz` file is extended if its second
    /// line has `Lattice=` or `Properties=`. A file that does not exist is judged as by [`Format::to_write`].
    pub fn of_path(path: &Path) -> Result<Format> {
        if path.exists() {
            let file = File::open(path).map_err(|e| Error::reading(path, &e))?;
            let mut head = Vec::new();
            file.take(1 << 16)
                .read_to_end(&mut head)
                .map_err(|e| Error::reading(path, &e))?;
            of_head(path, &head, None)
        } else {
            Self::to_write(path)
        }
    }

    /// The format to write to a file of this name. `.xyz` means extended XYZ, which every reader of XYZ opens and which
    /// keeps the cell.
    pub fn to_write(path: &Path) -> Result<Format> {
        match by_name(path) {
            Some(ByName::Sure(format)) => Ok(format),
            Some(ByName::SomeXyz) => Ok(Format::ExtendedXyz),
            None => Err(unknown(path)),
        }
    }

    /// Whether a file of this format can hold more than one frame.
    pub fn holds_many(self) -> bool {
        !matches!(self, Format::Poscar | Format::LammpsData)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::ExtendedXyz => "extended XYZ",
            Format::Xyz => "XYZ",
            Format::Poscar => "POSCAR",
            Format::LammpsData => "LAMMPS data",
            Format::MlipCfg => "MLIP cfg",
            Format::MlipBinaryCfg => "binary MLIP cfg",
            Format::SgdmlNpz => "sGDML data set",
        })
    }
}

fn unknown(path: &Path) -> Error {
    Error::file(path, "cannot tell which structure format this is").advise(
        "name it .xyz or .extxyz, POSCAR, CONTCAR or .vasp, .data or .lmp (LAMMPS data), .cfg or .bincfg (MLIP), .npz (sGDML), as it is",
    )
}

/// The format of a file that begins with `head`; `chosen` overrides, except for an archive. Empty, compressed and HDF5 files
/// are refused.
pub(super) fn of_head(path: &Path, head: &[u8], chosen: Option<Format>) -> Result<Format> {
    if head.is_empty() {
        return Err(Error::file(path, "the file is empty"));
    }
    if npz::is_zip(head) {
        return Ok(Format::SgdmlNpz);
    }
    let compressed: [(&[u8], &str); 3] = [
        (b"\x1f\x8b", "gunzip"),
        (b"BZh", "bunzip2"),
        (b"\xfd7zXZ", "unxz"),
    ];
    if let Some((_, tool)) = compressed.iter().find(|c| head.starts_with(c.0)) {
        return Err(Error::file(path, "the file is compressed")
            .advise(format!("unpack it first, with {tool}")));
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Err(Error::file(
            path,
            "this is an HDF5 file, a text structure file is needed here",
        )
        .advise("convert it with `zundel convert`"));
    }
    if let Some(format) = chosen {
        return Ok(format);
    }
    match by_name(path) {
        Some(ByName::Sure(Format::SgdmlNpz)) => Err(Error::file(path, "this is no npz archive")),
        Some(ByName::Sure(format)) => Ok(format),
        Some(ByName::SomeXyz) => Ok(xyz_kind(&String::from_utf8_lossy(head))),
        None => of_content(&String::from_utf8_lossy(head)).ok_or_else(|| unknown(path)),
    }
}

fn by_name(path: &Path) -> Option<ByName> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    match extension {
        "extxyz" | "exyz" => return Some(ByName::Sure(Format::ExtendedXyz)),
        "xyz" => return Some(ByName::SomeXyz),
        "vasp" | "poscar" | "contcar" => return Some(ByName::Sure(Format::Poscar)),
        "cfg" => return Some(ByName::Sure(Format::MlipCfg)),
        "npz" => return Some(ByName::Sure(Format::SgdmlNpz)),
        "bincfg" => return Some(ByName::Sure(Format::MlipBinaryCfg)),
        "data" | "lmp" | "lammps" | "lammps-data" => return Some(ByName::Sure(Format::LammpsData)),
        _ => {}
    }
    if name.starts_with("poscar") || name.starts_with("contcar") {
        return Some(ByName::Sure(Format::Poscar));
    }
    name.starts_with("data.")
        .then_some(ByName::Sure(Format::LammpsData))
}

fn xyz_kind(head: &str) -> Format {
    let comment = head
        .lines()
        .skip_while(|l| l.trim().is_empty())
        .nth(1)
        .unwrap_or("")
        .to_ascii_lowercase();
    let marked = ["lattice=", "properties=", "pbc="]
        .iter()
        .any(|key| comment.contains(key));
    if marked {
        Format::ExtendedXyz
    } else {
        Format::Xyz
    }
}

fn of_content(head: &str) -> Option<Format> {
    let lines: Vec<&str> = head.lines().take(200).collect();
    let first = lines.iter().find(|l| !l.trim().is_empty())?;
    if first.trim() == "BEGIN_CFG" {
        return Some(Format::MlipCfg);
    }
    if first.trim().parse::<usize>().is_ok() {
        return Some(xyz_kind(head));
    }
    let ends_with = |words: &[&str]| {
        lines.iter().any(|line| {
            let found: Vec<&str> = line
                .split('#')
                .next()
                .unwrap_or("")
                .split_ascii_whitespace()
                .collect();
            found.len() > words.len() && found.ends_with(words)
        })
    };
    if ends_with(&["atoms"]) && (ends_with(&["xlo", "xhi"]) || ends_with(&["avec"])) {
        return Some(Format::LammpsData);
    }
    let numbers = |k: usize| {
        lines.get(k).map_or(0, |l| {
            l.split_ascii_whitespace()
                .take_while(|t| parse_real(t).is_some())
                .count()
        })
    };
    (matches!(numbers(1), 1 | 3) && (2..5).all(|k| numbers(k) >= 3)).then_some(Format::Poscar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, format) in [
            ("a.extxyz", Format::ExtendedXyz),
            ("nowhere/a.xyz", Format::ExtendedXyz),
            ("POSCAR", Format::Poscar),
            ("CONTCAR.relaxed", Format::Poscar),
            ("si.vasp", Format::Poscar),
            ("water.data", Format::LammpsData),
            ("data.water", Format::LammpsData),
            ("train.cfg", Format::MlipCfg),
            ("train.bincfg", Format::MlipBinaryCfg),
            ("ethanol.npz", Format::SgdmlNpz),
        ] {
            assert_eq!(Format::of_path(Path::new(name)).unwrap(), format, "{name}");
        }
        assert!(Format::of_path(Path::new("structure.cif")).is_err());
    }

    #[test]
    fn contents() {
        let of = |name: &str, text: &str| of_head(Path::new(name), text.as_bytes(), None);
        assert_eq!(of("a.xyz", "1\nwater\nH 0 0 0\n").unwrap(), Format::Xyz);
        assert_eq!(
            of("a.xyz", "1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n").unwrap(),
            Format::ExtendedXyz
        );
        assert_eq!(
            of("a", "1\nlattice=\"1 0 0 0 1 0 0 0 1\"\nH 0 0 0\n").unwrap(),
            Format::ExtendedXyz
        );
        assert_eq!(
            of("a", "c\n1.0\n1 0 0\n0 1 0\n0 0 1\nH\n1\nDirect\n0 0 0\n").unwrap(),
            Format::Poscar
        );
        assert_eq!(
            of("a", "c\n\n1 atoms\n1 atom types\n0 1 xlo xhi\n").unwrap(),
            Format::LammpsData
        );
        assert!(of("a", "hello\nworld\n").is_err());
        assert!(of("a.npz", "hello\nworld\n").is_err());
        let archive = of_head(Path::new("a"), b"PK\x03\x04", None).unwrap();
        assert_eq!(archive, Format::SgdmlNpz);
        assert!(of("a.xyz", "").unwrap_err().to_string().contains("empty"));
        let packed = of_head(Path::new("a.xyz"), b"\x1f\x8b\x08", None)
            .unwrap_err()
            .to_string();
        assert!(packed.contains("gunzip"), "{packed}");
    }
}
