//! Degrees of freedom, and what of the motion is not vibration: the drift of the centre of mass.

use super::correlate::{centre, square};
use super::options::Options;
use super::origin::Origin;
use crate::units::BOLTZMANN;

/// Gathered over all frames that are read.
pub(super) struct Motion {
    masses: Vec<f64>,
    whole: f64,
    /// Sums over frames of twice the kinetic energy of the centre of mass, and of all atoms.
    of_centre: f64,
    of_all: f64,
    frames: f64,
    moved: Vec<bool>,
}

/// The part of the kinetic energy that is rounding.
const ROUNDING: f64 = 1e-9;

impl Motion {
    pub fn new(masses: &[f64]) -> Motion {
        Motion {
            whole: masses.iter().sum(),
            masses: masses.to_vec(),
            of_centre: 0.0,
            of_all: 0.0,
            frames: 0.0,
            moved: vec![false; masses.len()],
        }
    }

    /// Looks at the velocities of a frame; returns the velocity of the centre of mass.
    pub fn look(&mut self, velocities: &[[f64; 3]]) -> [f64; 3] {
        let drift = centre(velocities, &self.masses);
        self.of_centre += self.whole * square(drift);
        for (k, v) in velocities.iter().enumerate() {
            self.of_all += self.masses[k] * square(*v);
            self.moved[k] |= *v != [0.0; 3];
        }
        self.frames += 1.0;
        drift
    }

    /// Whether the centre of mass moves.
    pub fn drifts(&self) -> bool {
        self.of_centre > ROUNDING * self.of_all
    }

    /// Atoms that never move.
    pub fn held(&self) -> usize {
        self.moved.iter().filter(|m| !**m).count()
    }

    /// The number of degrees of freedom whose motion is left, and how it was counted.
    pub fn freedom(&self, origin: &Origin, options: &Options) -> (usize, String) {
        let atoms = self.masses.len();
        let removed = !options.keep_drift;
        if let (Some(run), None) = (origin.freedom, options.constraints) {
            let minus = if removed && self.drifts() { 3 } else { 0 };
            let note = if minus > 0 {
                ", less 3 of the drift that is removed"
            } else {
                ""
            };
            return (run.saturating_sub(minus), format!("{run} by the run{note}"));
        }
        let constraints = options.constraints.unwrap_or(0);
        let held = self.held();
        let centre = if held == 0 && (removed || !self.drifts()) {
            3
        } else {
            0
        };
        let mut words = format!("3×{atoms}");
        if centre > 0 {
            words += " - 3 (centre of mass)";
        }
        if held > 0 {
            words += &format!(" - 3×{held} (atoms that do not move)");
        }
        if constraints > 0 {
            words += &format!(" - {constraints} (constraints)");
        }
        (
            (3 * atoms).saturating_sub(centre + 3 * held + constraints),
            words,
        )
    }

    /// The temperature (K) of the motion that is left in so many degrees of freedom.
    pub fn temperature(&self, freedom: usize, options: &Options) -> f64 {
        let left = if options.keep_drift {
            self.of_all
        } else {
            self.of_all - self.of_centre
        };
        left / self.frames.max(1.0) / (BOLTZMANN * freedom.max(1) as f64)
    }
}
