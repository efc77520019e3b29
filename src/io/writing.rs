//! Frames to files, in any format.

use super::format::Format;
use super::frame::Frame;
use super::{cfg, extxyz, lammps_data, npz, poscar, xyz};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Numbers beyond this are refused, so that conversions and rotations cannot overflow.
const LARGEST: f64 = 1e100;

/// Appends a frame as text in the given format to a buffer.
///
/// Errors when the frame cannot be said in that format: no atoms, numbers that are not finite (or beyond 1e100), no cell where one is
/// needed, names that would break the grammar.
pub fn render_frame(frame: &Frame, format: Format, out: &mut Vec<u8>) -> Result<()> {
    let atoms = &frame.system.atoms;
    let place = format.to_string();
    if atoms.is_empty() {
        return Err(Error::input(
            place,
            "a frame without atoms cannot be written",
        ));
    }
    // NaN fails every comparison, so these ask for what is good.
    let good = |v: &[f64; 3], scale: f64| v.iter().all(|x| (x * scale).abs() < LARGEST);
    for i in 0..atoms.len() {
        let mass = atoms.masses[i];
        let moves_well = !frame.has_velocities || good(&atoms.velocities[i], mass.max(1.0));
        if !(mass > 0.0 && mass < LARGEST && good(&atoms.positions[i], 1.0) && moves_well) {
            let reason = format!(
                "atom {} has a mass, position or velocity that is no sensible number",
                i + 1
            );
            return Err(Error::input(place, reason));
        }
    }
    match format {
        Format::ExtendedXyz => extxyz::render(frame, out),
        Format::Xyz => xyz::render(frame, out),
        Format::Poscar => poscar::render(frame, out),
        Format::LammpsData => lammps_data::render(frame, out),
        Format::MlipCfg => cfg::render_text(frame, out),
        Format::MlipBinaryCfg => cfg::render_binary(frame, out),
        Format::SgdmlNpz => Err(Error::input(
            place,
            "a data set is written as a whole, not frame by frame",
        )),
    }
}

/// Writes a frame to something open; `path` is for messages only. The caller flushes.
pub fn write_frame(out: &mut impl Write, path: &Path, frame: &Frame, format: Format) -> Result<()> {
    let mut text = Vec::new();
    render_frame(frame, format, &mut text)?;
    out.write_all(&text)
        .map_err(|e| Error::environment("cannot write", path, e))
}

/// Writes frames to a file. A file that was there is replaced only when the new one is complete and on disk.
pub fn write_frames<'a>(
    path: &Path,
    frames: impl IntoIterator<Item = &'a Frame>,
    format: Format,
) -> Result<()> {
    if format == Format::SgdmlNpz {
        let frames = frames.into_iter().map(|f| Ok(f.clone()));
        return match npz::write_frames(path, frames)? {
            0 => Err(Error::file(path, "there is no frame to write")),
            _ => Ok(()),
        };
    }
    let failed = |e: std::io::Error| Error::environment("cannot write", path, e);
    // Devices and pipes cannot be replaced; links are followed so that they stay links.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let replace = !target.exists() || target.is_file();
    let temporary = replace.then(|| temporary_beside(&target));
    let opened = temporary.as_deref().unwrap_or(&target);
    let write = || -> Result<()> {
        let mut file = match &temporary {
            Some(path) => File::create(path),
            None => File::options().write(true).open(&target),
        }
        .map_err(failed)?;
        let mut written = 0;
        for frame in frames {
            if written == 1 && !format.holds_many() {
                return Err(Error::file(
                    path,
                    format!("a {format} file holds one frame, and there are more"),
                )
                .advise("choose one frame, or write extended XYZ"));
            }
            write_frame(&mut file, path, frame, format)?;
            written += 1;
        }
        if written == 0 {
            return Err(Error::file(path, "there is no frame to write"));
        }
        if temporary.is_some() {
            file.sync_all().map_err(failed)?;
            std::fs::rename(opened, &target).map_err(failed)?;
        }
        Ok(())
    };
    let result = write();
    if let (Err(_), Some(path)) = (&result, &temporary) {
        // It may not exist; the error worth telling is the first one.
        let _ = std::fs::remove_file(path);
    }
    result
}

fn temporary_beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    target.with_file_name(name)
}

/// Appends a blank and the shortest digits that read back to the same bits.
pub(super) fn push_real(x: f64, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = write!(out, " {x:?}");
}

/// A number near `guess` that `f` (increasing or decreasing, rounded) maps to exactly `target`, if a neighbour of
/// `guess` does; else `guess`. Makes writing the inverse of reading where units differ.
pub(super) fn preimage(guess: f64, target: f64, f: impl Fn(f64) -> f64) -> f64 {
    let mut candidates = [guess; 5];
    candidates[1] = guess.next_up();
    candidates[2] = guess.next_down();
    candidates[3] = candidates[1].next_up();
    candidates[4] = candidates[2].next_down();
    candidates
        .into_iter()
        .find(|&x| f(x) == target)
        .unwrap_or(guess)
}
