//! Looking into a file: what it holds, and how many frames.

use super::{Clock, Source, Trajectory};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::h5md::TrajectoryReader;
use crate::io::{self, FrameReader, ReadOptions};
use std::path::Path;

/// Names under which frames of text files have a dipole moment.
pub(super) const DIPOLES: [&str; 4] = ["dipole", "Dipole", "dipole_moment", "mu"];
/// Names of a column of charges.
const CHARGES: [&str; 5] = ["charges", "charge", "initial_charges", "q", "Charges"];
impl Trajectory {
    pub(super) fn h5md(path: &Path) -> Result<Trajectory> {
        let reader = TrajectoryReader::open(path)?;
        if reader.frames() == 0 {
            return Err(Error::file(path, "the trajectory has no complete frame"));
        }
        let first = reader.read_frame(0)?;
        let dipoles = reader.dipoles()?;
        let mut notes = reader.notes().to_vec();
        if let Some((_, unit)) = &dipoles
            && !matches!(unit.as_str(), "e Angstrom" | "e A" | "e*Angstrom")
        {
            notes.push(format!(
                "the dipole moments have the unit `{unit}`; e Å is assumed"
            ));
        }
        let times = reader.times_fs();
        Ok(Trajectory {
            path: path.to_path_buf(),
            frames: reader.frames(),
            elements: first.system.atoms.elements.clone(),
            masses: first.system.atoms.masses.clone(),
            cell: first.system.cell,
            has_velocities: first.has_velocities,
            has_dipole: dipoles.is_some(),
            charges: reader.charges()?,
            unwrapped: reader.is_unwrapped(),
            clock: match times.is_empty() {
                true => Clock::Unknown,
                false => Clock::Each(times.to_vec()),
            },
            first: 0,
            number: 0,
            stride: 1,
            notes,
            source: Source::H5md(Box::new(reader), dipoles.map(|d| d.0)),
        })
    }

    pub(super) fn text(path: &Path) -> Result<Trajectory> {
        let options = ReadOptions::default();
        let mut reader = FrameReader::open(path, &options)?;
        let mut next = || reader.next().transpose();
        let first = next()?.ok_or_else(|| Error::file(path, "the file holds no frame"))?;
        let second = next()?;
        let mut frames = 1 + usize::from(second.is_some());
        while second.is_some() && reader.skip_frame()? {
            frames += 1;
        }
        let time = |f: &io::Frame| {
            let named = |name: &str| f.value(name).and_then(io::Value::as_real);
            named("time_fs").map(|t| (t, true)).or_else(|| {
                let other = named("time").or_else(|| named("Time"));
                other.map(|t| (t, false))
            })
        };
        let mut notes = Vec::new();
        let clock = match (time(&first), second.as_ref().and_then(time)) {
            (Some((a, sure)), Some((b, _))) if b > a => {
                if !sure {
                    notes.push("frames say their time without a unit; fs are assumed (--timestep says otherwise)".into());
                }
                Clock::Even(a, b - a)
            }
            _ => Clock::Unknown,
        };
        let charges = CHARGES
            .iter()
            .find_map(|c| first.scalars(c))
            .map(<[f64]>::to_vec);
        let has_dipole = DIPOLES.iter().any(|d| {
            first
                .value(d)
                .and_then(io::Value::as_reals)
                .is_some_and(|v| v.len() == 3)
        });
        let atoms = first.system.atoms;
        if atoms.is_empty() {
            return Err(Error::file(path, "the first frame has no atoms"));
        }
        Ok(Trajectory {
            path: path.to_path_buf(),
            frames,
            elements: atoms.elements,
            masses: atoms.masses,
            // Those who write velocities and positions beside each other do not always unwrap.
            unwrapped: first.system.cell.is_isolated()
                || first.info.iter().any(|i| i.0 == "time_fs"),
            cell: first.system.cell,
            has_velocities: first.has_velocities,
            has_dipole,
            charges,
            clock,
            first: 0,
            number: 0,
            stride: 1,
            notes,
            source: Source::Text(options),
        })
    }
}

/// Charges (e) of the atoms by a structure file with a column of them.
pub(in crate::jobs::analyse) fn charges_of_file(
    path: &Path,
    elements: &[Element],
) -> Result<Vec<f64>> {
    let frame = io::read_frame(path, io::FrameIndex::First, &ReadOptions::default())?;
    if frame.system.atoms.elements != elements {
        return Err(Error::file(
            path,
            "its atoms are not those of the trajectory, in the same order",
        ));
    }
    let found = CHARGES.iter().find_map(|c| frame.scalars(c));
    found.map(<[f64]>::to_vec).ok_or_else(|| {
        Error::file(path, "there is no column of charges")
            .advise(format!("name a column one of {}", CHARGES.join(", ")))
    })
}
