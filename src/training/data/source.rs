//! Reading labelled frames from files of any format.

use super::LabelledFrame;
use crate::elements::Species;
use crate::error::{Error, Result};
use crate::io::{Format, Frame, FrameReader, ReadOptions};
use crate::system::Cell;
use std::path::PathBuf;

/// The kind of a frame of which nothing else is said.
const DEFAULT_KIND: &str = "default";

/// A file of labelled frames, and how it is to be understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// What the labels are called in it.
    pub keys: Keys,
    /// The kind of all frames, instead of what the file says.
    pub kind: Option<String>,
    /// Its unit of energy in eV.
    pub energy_unit: f64,
    /// Its unit of length in Å.
    pub length_unit: f64,
    /// Species of the numbers of an MLIP file.
    pub species: Vec<Species>,
    /// Every how many-th frame is taken, from the first; at least 1.
    pub every: usize,
}

/// What labels are called in a file; the usual names where none is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys {
    /// The energy.
    pub energy: Option<String>,
    /// The forces.
    pub forces: Option<String>,
    /// The virial.
    pub virial: Option<String>,
    /// The kind of frame.
    pub kind: String,
}

impl Source {
    /// Reads the frames.
    ///
    /// Errors when the file cannot be read, when a label that is named is not there, when a frame has neither energy nor
    /// forces, and when a label is no finite number.
    pub fn read(&self) -> Result<Vec<LabelledFrame>> {
        let labels = self.species.iter().enumerate();
        let options = ReadOptions {
            labels: labels.map(|(k, s)| (k as i64, *s)).collect(),
            ..ReadOptions::default()
        };
        let reader = FrameReader::open(&self.file, &options)?;
        let own_units = reader.format() == Format::SgdmlNpz;
        if own_units && (self.energy_unit != 1.0 || self.length_unit != 1.0) {
            return Err(Error::file(&self.file, "an npz data set names its own units").advise(
                "leave out `energy_unit` and `length_unit`; without a unit in the file kcal/mol and Å are meant, as in all of MD17",
            ));
        }
        let mut frames = Vec::new();
        for (k, frame) in reader.enumerate() {
            let frame = frame?;
            if k % self.every.max(1) == 0 {
                frames.push(self.label(frame, k)?);
            }
        }
        if frames.is_empty() {
            return Err(Error::file(&self.file, "the file holds no frame"));
        }
        Ok(frames)
    }

    fn label(&self, mut frame: Frame, number: usize) -> Result<LabelledFrame> {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let place = format!("{}, frame {number}", name.to_string_lossy());
        let complain = |reason: String| match frame.line {
            0 => Error::file(&self.file, format!("frame {number} (from 0) {reason}")),
            line => Error::line(
                &self.file,
                line,
                format!("frame {number} (from 0) {reason}"),
            ),
        };
        let missing = |key: &str, what: &str| {
            let names = frame.info.iter().map(|i| i.0.as_str());
            let names: Vec<&str> = names
                .chain(frame.columns.iter().map(|c| c.name.as_str()))
                .collect();
            complain(format!("has no {what} called `{key}`"))
                .advise(format!("it has {}", names.join(", ")))
        };
        let (e, l) = (self.energy_unit, self.length_unit);
        let energy = match &self.keys.energy {
            None => frame.energy(),
            Some(key) => {
                let value = frame.value(key).and_then(|v| v.as_real());
                Some(value.ok_or_else(|| missing(key, "energy"))?)
            }
        };
        let forces = match &self.keys.forces {
            None => frame.forces(),
            Some(key) => Some(frame.vectors(key).ok_or_else(|| missing(key, "forces"))?),
        };
        let virial = match &self.keys.virial {
            None => frame.virial(),
            Some(key) => Some(frame.matrix(key).ok_or_else(|| missing(key, "virial"))?),
        };
        if energy.is_none() && forces.is_none() {
            return Err(
                complain("has neither an energy nor forces".to_owned()).advise(
                    "name what they are called in the file: `energy = \"...\"`, `forces = \"...\"`",
                ),
            );
        }
        let energy = energy.map(|x| x * e);
        let forces: Option<Vec<[f64; 3]>> =
            forces.map(|f| f.iter().map(|f| f.map(|x| x * e / l)).collect());
        let virial = virial.map(|w| symmetric(w.map(|row| row.map(|x| x * e))));
        if !energy.is_none_or(f64::is_finite) {
            return Err(complain(
                "has an energy that is no finite number".to_owned(),
            ));
        }
        if let Some(atom) = forces
            .iter()
            .flatten()
            .position(|f| !f.iter().all(|x| x.is_finite()))
        {
            return Err(complain(format!(
                "has a force on atom {atom} (from 0) that is no finite number"
            )));
        }
        if !virial.iter().flatten().flatten().all(|x| x.is_finite()) {
            return Err(complain("has a virial that is no finite number".to_owned()));
        }
        let said = || frame.value(&self.keys.kind)?.as_word();
        let kind = self.kind.clone().or_else(said);
        let kind = kind.unwrap_or_else(|| DEFAULT_KIND.to_owned());
        if l != 1.0 {
            let system = &mut frame.system;
            let rows = system.cell.row_vectors().map(|row| row.map(|x| x * l));
            let periodic = system.cell.periodic();
            if !system.cell.is_isolated() {
                system.cell =
                    Cell::new(rows, periodic).map_err(|why| Error::file(&self.file, why))?;
            }
            for x in &mut system.atoms.positions {
                *x = x.map(|x| x * l);
            }
        }
        Ok(LabelledFrame {
            system: frame.system,
            energy,
            forces,
            virial,
            kind,
            place,
        })
    }
}

fn symmetric(w: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (w[i][j] + w[j][i])))
}
