//! The frames to choose from: read once to see what they are, and again for whatever needs them.

use super::Options;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{self, Frame, FrameReader, ReadOptions};
use crate::jobs::convert::trajectory_frames;
use std::path::Path;

/// What the frames are.
pub(super) struct Survey {
    pub frames: usize,
    /// All elements, by number.
    pub elements: Vec<Element>,
    /// Energy (eV/atom) of each frame, where the file says it.
    pub energies: Vec<Option<f64>>,
}

/// Every frame that is looked at, one after the other.
pub(super) fn read(options: &Options) -> Result<impl Iterator<Item = Result<Frame>>> {
    let species = options.species.clone().unwrap_or_default();
    let mut files = Vec::new();
    for path in &options.inputs {
        files.push(one(path, &species)?);
    }
    Ok(files.into_iter().flatten().step_by(options.every.max(1)))
}

fn one(path: &Path, species: &[Element]) -> Result<Box<dyn Iterator<Item = Result<Frame>>>> {
    if io::is_hdf5(path) {
        return Ok(Box::new(trajectory_frames(path)?));
    }
    let labels = species.iter().enumerate();
    let options = ReadOptions {
        labels: labels
            .map(|(k, e)| (k as i64, crate::elements::Species::natural(*e)))
            .collect(),
        ..ReadOptions::default()
    };
    Ok(Box::new(FrameReader::open(path, &options)?))
}

/// Looks at all frames.
pub(super) fn elements(options: &Options) -> Result<Survey> {
    let mut survey = Survey {
        frames: 0,
        elements: Vec::new(),
        energies: Vec::new(),
    };
    for frame in read(options)? {
        let frame = frame?;
        survey.frames += 1;
        let n = frame.system.atoms.len().max(1) as f64;
        survey.energies.push(frame.energy().map(|e| e / n));
        for e in frame.system.atoms.distinct_elements() {
            if !survey.elements.contains(&e) {
                survey.elements.push(e);
            }
        }
    }
    if survey.frames == 0 {
        let path = options.inputs.first().cloned().unwrap_or_default();
        return Err(Error::file(&path, "there is no frame to choose from"));
    }
    survey.elements.sort_unstable_by_key(|e| e.number());
    Ok(survey)
}
