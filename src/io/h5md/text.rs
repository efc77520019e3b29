//! Strings in HDF5: written with variable length (MDAnalysis reads no others), read in every form.

use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor, VarLenAscii, VarLenUnicode};
use hdf5::{Container, Location, Result};

/// A string in the form in which it is written; zero bytes cannot be stored.
pub(super) fn variable(text: &str) -> VarLenUnicode {
    text.replace('\0', " ").parse().unwrap_or_default()
}

/// Attaches a string.
pub(super) fn attach(to: &Location, name: &str, text: &str) -> Result<()> {
    to.new_attr::<VarLenUnicode>()
        .shape(())
        .create(name)?
        .write_scalar(&variable(text))
}

/// Attaches a list of strings.
pub(super) fn attach_list(to: &Location, name: &str, texts: &[&str]) -> Result<()> {
    let texts: Vec<VarLenUnicode> = texts.iter().map(|t| variable(t)).collect();
    to.new_attr::<VarLenUnicode>()
        .shape(texts.len())
        .create(name)?
        .write_raw(&texts)
}

/// Attaches integers.
pub(super) fn attach_integers(to: &Location, name: &str, values: &[i32]) -> Result<()> {
    to.new_attr::<i32>()
        .shape(values.len())
        .create(name)?
        .write_raw(values)
}

/// Longest fixed-length string that is read.
const LONGEST: usize = 4096;

/// The strings of a dataset or attribute, whatever kind of string they are; `None` if they are none.
pub(super) fn read_all(from: &Container) -> Option<Vec<String>> {
    if from.size() > 1 << 20 {
        return None;
    }
    let lossy = |b: &[u8]| {
        String::from_utf8_lossy(b)
            .trim_end_matches(['\0', ' '])
            .to_owned()
    };
    match from.dtype().ok()?.to_descriptor().ok()? {
        TypeDescriptor::VarLenUnicode => Some(
            from.read_raw::<VarLenUnicode>()
                .ok()?
                .iter()
                .map(|s| lossy(s.as_bytes()))
                .collect(),
        ),
        TypeDescriptor::VarLenAscii => Some(
            from.read_raw::<VarLenAscii>()
                .ok()?
                .iter()
                .map(|s| lossy(s.as_bytes()))
                .collect(),
        ),
        TypeDescriptor::FixedAscii(n) if n <= LONGEST => Some(
            from.read_raw::<FixedAscii<LONGEST>>()
                .ok()?
                .iter()
                .map(|s| lossy(s.as_bytes()))
                .collect(),
        ),
        TypeDescriptor::FixedUnicode(n) if n <= LONGEST => Some(
            from.read_raw::<FixedUnicode<LONGEST>>()
                .ok()?
                .iter()
                .map(|s| lossy(s.as_bytes()))
                .collect(),
        ),
        _ => None,
    }
}

/// A string attribute, or `None` if there is none of that name.
pub(super) fn attribute(of: &Location, name: &str) -> Option<String> {
    let found = of.attr(name).ok()?;
    read_all(&found)?.into_iter().next()
}
