//! What is known of a state point, as it is kept in its folder.

use crate::analysis::Measured;
use crate::error::{Error, Result};
use crate::io::atomic;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The finished point.
pub(super) const RESULT: &str = "result.json";
/// How far it is.
pub(super) const STATUS: &str = "status.json";
/// Why it could not go on.
pub(super) const FAILURE: &str = "failure.txt";

/// A result. Errors are one sigma, with Student's factor in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Of the point's deck (without its length), its structure and the model's files.
    pub digest: String,
    /// Steps in all, and those that were left out at their start.
    pub steps: u64,
    pub discarded: u64,
    pub timestep_fs: f64,
    /// Whether the wanted error was reached.
    pub met: bool,
    pub wanted: f64,
    pub atoms: u64,
    pub molecules: u64,
    pub mass_amu: f64,
    #[serde(rename = "temperature_K")]
    pub temperature: Measured,
    #[serde(rename = "pressure_bar")]
    pub pressure: Option<Measured>,
    #[serde(rename = "volume_A3")]
    pub volume: Option<Measured>,
    /// Potential energy of classical nuclei, the whole energy of quantum ones: `quantum` says which.
    #[serde(rename = "energy_eV")]
    pub energy: Measured,
    /// Whether `energy` has the kinetic energy in it.
    pub quantum: bool,
    /// Independent samples of what decides, and the time (fs) that one takes.
    pub independent: f64,
    pub inefficiency_fs: f64,
    /// Change over the run by its trend, in standard errors.
    pub drift: f64,
    /// Densities (g/cm^3) of two modes, when there are two.
    pub two_densities: Option<[f64; 2]>,
    /// Mean square displacement (Å^2) over a time (fs).
    pub displacement: Option<[f64; 2]>,
    /// From fluctuations, by the names of md: value, error.
    pub properties: Vec<(String, Measured)>,
    /// What a person should not overlook.
    pub remarks: Vec<String>,
    /// Wall time (s).
    #[serde(rename = "wall_s")]
    pub wall: f64,
}

/// How far a point is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Status {
    /// Steps that are planned.
    pub goal: u64,
    /// What is measured: its name, its value so far and its error, as a person reads them.
    pub shown: String,
    /// The error now over the wanted one.
    pub ratio: Option<f64>,
}

/// Writes something as JSON.
pub(super) fn write(path: &Path, what: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(what)
        .map_err(|e| Error::Bug(format!("{}: {e}", path.display())))?;
    text.push('\n');
    atomic::write(path, text.as_bytes(), "cannot write")
}

/// Reads it back; none when it is not there, or is not what it should be.
pub(super) fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    let text = std::fs::read_to_string(path).ok()?;
    serde_json::from_str(&text).ok()
}
