//! FIRE 2.0 (Guénolé, Nöhring, Vaid, Houllé, Xie, Prakash, Bitzek, Comput. Mater. Sci. 175, 109584 (2020)): dynamics of unit masses
//! that is steered downhill and stopped when it goes up.

use super::line_search::dot;
use super::objective::Point;
use super::relaxation::Advance;
use crate::potential::EvaluationError;

/// First time step, in Å/sqrt(eV); a bond of 70 eV/Å^2 swings in 0.75 of that unit.
const FIRST: f64 = 0.08;
/// Longest and shortest time step.
const LONGEST: f64 = 10.0 * FIRST;
const SHORTEST: f64 = 0.02 * FIRST;
/// Steps downhill before the time step grows.
const DELAY: u32 = 20;
const GROW: f64 = 1.1;
const SHRINK: f64 = 0.5;
const MIXING: f64 = 0.25;
const MIXING_SHRINK: f64 = 0.99;
/// How often a step that cannot be evaluated is halved.
const HALVINGS: u32 = 40;

/// Where forces come from.
pub(super) trait Field {
    /// Fills in the gradient at `point.x`.
    fn evaluate(&mut self, point: &mut Point) -> Result<(), EvaluationError>;
    /// How long a step is, in units of the longest that is allowed.
    fn length_of(&self, step: &[f64]) -> f64;
}

/// The state of FIRE.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Fire {
    velocity: Vec<f64>,
    timestep: f64,
    mixing: f64,
    downhill: u32,
    #[serde(skip)]
    trial: Point,
}

impl Fire {
    /// Comes to rest.
    pub fn forget(&mut self) {
        self.velocity.clear();
    }

    /// Whether its velocities are of a space with so many dimensions.
    pub fn fits(&self, dimensions: usize) -> bool {
        self.velocity.is_empty() || self.velocity.len() == dimensions
    }

    /// One step of the dynamics.
    pub fn step(&mut self, field: &mut impl Field, point: &mut Point) -> Advance {
        if self.velocity.len() != point.x.len() {
            self.velocity.clear();
            self.velocity.resize(point.x.len(), 0.0);
            self.timestep = FIRST;
            self.mixing = MIXING;
            self.downhill = 0;
        }
        let trial = &mut self.trial;
        trial.x.clone_from(&point.x);
        let v = &mut self.velocity;
        let power = -dot(v, &point.gradient);
        if power > 0.0 {
            self.downhill += 1;
            if self.downhill > DELAY {
                self.timestep = (self.timestep * GROW).min(LONGEST);
                self.mixing *= MIXING_SHRINK;
            }
        } else {
            self.downhill = 0;
            self.timestep = (self.timestep * SHRINK).max(SHORTEST);
            self.mixing = MIXING;
            let h = self.timestep;
            for (x, v) in trial.x.iter_mut().zip(v.iter_mut()) {
                *x -= 0.5 * h * *v;
                *v = 0.0;
            }
        }
        let force = dot(&point.gradient, &point.gradient).sqrt();
        if force == 0.0 {
            return Advance::Rounding;
        }
        let h = self.timestep;
        v.iter_mut()
            .zip(&point.gradient)
            .for_each(|(v, g)| *v -= h * g);
        let mix = self.mixing * dot(v, v).sqrt() / force;
        for (v, g) in v.iter_mut().zip(&point.gradient) {
            *v = (1.0 - self.mixing) * *v - mix * g;
        }
        let length = h * field.length_of(v);
        if length > 1.0 {
            v.iter_mut().for_each(|v| *v /= length);
        }
        trial
            .x
            .iter_mut()
            .zip(v.iter())
            .for_each(|(x, v)| *x += h * v);
        let mut halvings = 0;
        while let Err(e) = field.evaluate(trial) {
            // Atoms on top of each other: not so far, and from rest.
            halvings += 1;
            if halvings > HALVINGS {
                return Advance::Failed(e);
            }
            for (x, from) in trial.x.iter_mut().zip(&point.x) {
                *x = from + 0.5 * (*x - from);
            }
            v.fill(0.0);
            self.timestep = (self.timestep * SHRINK).max(SHORTEST);
        }
        std::mem::swap(point, trial);
        Advance::Moved
    }
}
