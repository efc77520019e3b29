//! L-BFGS (Nocedal, Wright, Numerical Optimization, alg. 7.4, 7.5).

use super::line_search::{self, Found, dot};
use super::objective::{Objective, Point};
use super::preconditioner::Preconditioner;
use super::relaxation::Advance;
use std::collections::VecDeque;

/// Guess of the stiffness of an atom (eV/Å^2) before anything is known: that of a bond.
const STIFFNESS: f64 = 70.0;

/// A step and the change of the gradient along it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    /// s·y, which is positive.
    sy: f64,
}

/// The memory of L-BFGS.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Lbfgs {
    pairs: VecDeque<Pair>,
    preconditioner: Option<Preconditioner>,
    #[serde(skip)]
    direction: Vec<f64>,
    #[serde(skip)]
    trial: Point,
    #[serde(skip)]
    factors: Vec<f64>,
}

impl Lbfgs {
    /// With a preconditioner.
    pub fn with(preconditioner: Preconditioner) -> Lbfgs {
        Lbfgs {
            preconditioner: Some(preconditioner),
            ..Lbfgs::default()
        }
    }

    /// Forgets what was learned.
    pub fn forget(&mut self) {
        self.pairs.clear();
    }

    /// Whether its memory is of a space with so many dimensions.
    pub fn fits(&self, dimensions: usize) -> bool {
        let sound = |p: &Pair| p.s.len() == dimensions && p.y.len() == dimensions && p.sy > 0.0;
        self.pairs.iter().all(sound)
    }

    /// One step: a direction and a line search along it.
    pub fn step(&mut self, objective: &mut Objective<'_>, point: &mut Point) -> Advance {
        let prepared = self
            .preconditioner
            .as_mut()
            .is_some_and(|p| p.prepare(objective, point));
        loop {
            self.find_direction(&point.gradient, prepared);
            objective.symmetrise(&mut self.direction);
            let slope = dot(&self.direction, &point.gradient);
            if slope.is_nan() || slope >= 0.0 {
                if self.pairs.is_empty() {
                    return Advance::Rounding;
                }
                self.forget();
                continue;
            }
            let length = objective.length_of(&self.direction);
            let longest = if length > 0.0 { 1.0 / length } else { 1.0 };
            match line_search::search(objective, point, &self.direction, longest, &mut self.trial) {
                Found::Step => break,
                found if self.pairs.is_empty() => {
                    return match found {
                        Found::Failed(e) => Advance::Failed(e),
                        _ => Advance::Rounding,
                    };
                }
                // The memory may be what is wrong.
                _ => self.forget(),
            }
        }
        self.remember(objective.settings().history, point);
        std::mem::swap(point, &mut self.trial);
        Advance::Moved
    }

    /// Minus the inverse Hessian, as far as it is known, times the gradient.
    fn find_direction(&mut self, gradient: &[f64], prepared: bool) {
        let d = &mut self.direction;
        d.clear();
        d.extend(gradient.iter().map(|g| -g));
        self.factors.clear();
        for pair in self.pairs.iter().rev() {
            let f = dot(&pair.s, d) / pair.sy;
            self.factors.push(f);
            add(d, -f, &pair.y);
        }
        match &mut self.preconditioner {
            Some(preconditioner) if prepared => preconditioner.solve(d),
            _ => {
                let scale = match self.pairs.back() {
                    Some(last) => last.sy / dot(&last.y, &last.y),
                    None => 1.0 / STIFFNESS,
                };
                d.iter_mut().for_each(|x| *x *= scale);
            }
        }
        for (pair, f) in self.pairs.iter().zip(self.factors.iter().rev()) {
            let b = dot(&pair.y, d) / pair.sy;
            add(d, f - b, &pair.s);
        }
    }

    /// Keeps the step from `point` to the trial, when the gradient grew along it.
    fn remember(&mut self, history: usize, point: &Point) {
        let mut pair = if self.pairs.len() >= history.max(1) {
            self.pairs.pop_front().unwrap_or_default()
        } else {
            Pair::default()
        };
        let fill = |v: &mut Vec<f64>, new: &[f64], old: &[f64]| {
            v.clear();
            v.extend(new.iter().zip(old).map(|(n, o)| n - o));
        };
        fill(&mut pair.s, &self.trial.x, &point.x);
        fill(&mut pair.y, &self.trial.gradient, &point.gradient);
        pair.sy = dot(&pair.s, &pair.y);
        let lengths = (dot(&pair.s, &pair.s) * dot(&pair.y, &pair.y)).sqrt();
        if pair.sy > 1e-10 * lengths {
            self.pairs.push_back(pair);
        }
    }
}

/// a += f b.
pub(super) fn add(a: &mut [f64], f: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += f * b);
}
