//! The optimiser: Levenberg-Marquardt on the radial coefficients, the linear ones exact in every step.
//!
//! The residuals are linear in the coefficients of the scalars and the species. With damping on the radial coefficients alone a
//! step is that of variable projection in Kaufman's form (BIT 15, 49 (1975)): linear coefficients follow the radial ones as if they were
//! solved for. The damping follows Nielsen (IMM-REP-1999-05, Technical University of Denmark).

use super::form::Form;
use super::problem::{Normal, Problem};
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// Damping with which a stage begins, in units of the diagonal of the normal matrix.
const DAMPING: f64 = 1e-2;
/// With more damping than this no step is worth the try.
const MOST_DAMPING: f64 = 1e12;
/// The smallest regularisation of the scaled normal matrix, against rounding.
const ROUNDING: f64 = 1e-14;

/// Where the optimiser stands: all that is needed to go on from here to the same bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    /// Coefficients in the order of [`Form`].
    pub theta: Vec<f64>,
    /// What is minimised, here: sum of squares, penalty and ridge.
    pub objective: f64,
    /// Weight of the ridge of each coefficient.
    pub ridge: Vec<f64>,
    pub damping: f64,
    pub growth: f64,
    pub steps: usize,
    /// The objective after each step.
    pub history: Vec<f64>,
}

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Better,
    /// There is no way down.
    Minimum,
}

/// What is minimised.
pub(super) struct Objective<'a> {
    pub problem: &'a Problem,
    pub form: &'a Form,
    /// Numbers of the frames that count.
    pub frames: &'a [usize],
    /// Weight of the penalty.
    pub penalty: f64,
    /// Ridge in units of the diagonal of the normal matrix.
    pub ridge: f64,
}

impl Objective<'_> {
    /// A start: linear coefficients solved for, the rest as given.
    pub fn begin(&self, mut theta: Vec<f64>) -> State {
        let linear = self.form.radial();
        theta[linear..].fill(0.0);
        let mut state = State {
            ridge: vec![0.0; theta.len()],
            damping: DAMPING,
            growth: 2.0,
            theta,
            ..State::default()
        };
        // The derivatives by radial coefficients vanish with the linear ones: only these are solved for. A second time takes
        // away the rounding of the first.
        for _ in 0..2 {
            let normal = self.problem.normal(self.form, &state.theta, self.frames);
            for (k, r) in state.ridge.iter_mut().enumerate() {
                *r = self.ridge * normal.matrix[(k, k)];
            }
            let mut damping = vec![f64::INFINITY; linear];
            damping.resize(state.theta.len(), 0.0);
            if let Some((step, _)) = self.step(&normal, &state, &damping) {
                for (theta, step) in state.theta.iter_mut().zip(&step) {
                    *theta += step;
                }
            }
        }
        state.objective = self.value(&state.theta, &state.ridge);
        state.history.push(state.objective);
        state
    }

    /// Takes up another's coefficients for these frames.
    pub fn take(&self, theta: Vec<f64>) -> State {
        let normal = self.problem.normal(self.form, &theta, self.frames);
        let ridge = (0..theta.len())
            .map(|k| self.ridge * normal.matrix[(k, k)])
            .collect::<Vec<f64>>();
        let objective = self.value(&theta, &ridge);
        State {
            theta,
            objective,
            ridge,
            damping: DAMPING,
            growth: 2.0,
            steps: 0,
            history: vec![objective],
        }
    }

    fn value(&self, theta: &[f64], ridge: &[f64]) -> f64 {
        let squares = self.problem.residuals(self.form, theta, self.frames).0;
        let ridge: f64 = theta.iter().zip(ridge).map(|(t, r)| r * t * t).sum();
        squares + ridge + self.penalty * self.penalty_rows(theta).map(|p| p.0 * p.0).sum::<f64>()
    }

    /// One step downhill.
    pub fn improve(&self, state: &mut State) -> Outcome {
        let normal = self.problem.normal(self.form, &state.theta, self.frames);
        let linear = self.form.radial();
        while state.damping <= MOST_DAMPING {
            let mut damping = vec![state.damping; linear];
            damping.resize(state.theta.len(), 0.0);
            let Some((step, predicted)) = self.step(&normal, state, &damping) else {
                state.damping *= 10.0;
                continue;
            };
            let theta: Vec<f64> = state.theta.iter().zip(&step).map(|(t, s)| t + s).collect();
            let objective = self.value(&theta, &state.ridge);
            let gain = (state.objective - objective) / predicted;
            if objective < state.objective && objective.is_finite() {
                let less = 1.0 - (2.0 * gain - 1.0).powi(3);
                state.damping = (state.damping * less.clamp(0.1, 2.0)).max(1e-12);
                state.growth = 2.0;
                state.theta = theta;
                state.objective = objective;
                state.history.push(objective);
                state.steps += 1;
                return Outcome::Better;
            }
            if predicted.abs() <= 1e-14 * state.objective {
                break;
            }
            state.damping *= state.growth;
            state.growth *= 2.0;
        }
        Outcome::Minimum
    }

    /// The step of the damped normal equations, and how much it should gain. Infinite damping keeps a coefficient.
    fn step(&self, normal: &Normal, state: &State, damping: &[f64]) -> Option<(Vec<f64>, f64)> {
        let n = state.theta.len();
        let mut matrix = normal.matrix.clone();
        let mut gradient = normal.gradient.clone();
        for k in 0..n {
            matrix[(k, k)] += state.ridge[k];
            gradient[k] += state.ridge[k] * state.theta[k];
        }
        for (value, places, slopes) in self.penalty_rows(&state.theta) {
            for (i, s) in places.clone().zip(&slopes) {
                gradient[i] += self.penalty * value * s;
                for (j, t) in places.clone().zip(&slopes) {
                    matrix[(i, j)] += self.penalty * s * t;
                }
            }
        }
        let scale: Vec<f64> = (0..n)
            .map(|k| {
                let d = matrix[(k, k)];
                if damping[k].is_finite() && d > 0.0 {
                    1.0 / d.sqrt()
                } else {
                    0.0
                }
            })
            .collect();
        let mut extra = ROUNDING;
        while extra < 1e-2 {
            let scaled = Mat::from_fn(n, n, |i, j| {
                let x = matrix[(i, j)] * scale[i] * scale[j];
                match i == j {
                    true if scale[i] == 0.0 => 1.0,
                    true => x + damping[i] + extra,
                    false => x,
                }
            });
            let right = Mat::from_fn(n, 1, |i, _| -gradient[i] * scale[i]);
            if let Ok(factor) = scaled.llt(Side::Lower) {
                let solution = factor.solve(&right);
                let step: Vec<f64> = (0..n).map(|i| solution[(i, 0)] * scale[i]).collect();
                if step.iter().all(|x| x.is_finite()) {
                    let mut gain = 0.0;
                    for i in 0..n {
                        let mut along = 0.0;
                        for j in 0..n {
                            along += matrix[(j, i)] * step[j];
                        }
                        gain -= step[i] * (2.0 * gradient[i] + along);
                    }
                    return Some((step, gain));
                }
            }
            extra *= 100.0;
        }
        None
    }

    /// |c_μ|² - 1 for each radial function and c_μ·c_μ' for each two, with the places and the derivatives.
    fn penalty_rows<'t>(
        &self,
        theta: &'t [f64],
    ) -> impl Iterator<Item = (f64, std::vec::IntoIter<usize>, Vec<f64>)> + 't {
        let (functions, size) = (self.form.functions, self.form.size);
        let pairs = self.form.species * self.form.species;
        let places = move |mu: usize| {
            (0..pairs).flat_map(move |p| {
                let start = (p * functions + mu) * size;
                start..start + size
            })
        };
        let active = if self.penalty > 0.0 { functions } else { 0 };
        (0..active).flat_map(move |mu| {
            (mu..functions).map(move |nu| {
                let product: f64 = places(mu)
                    .zip(places(nu))
                    .map(|(i, j)| theta[i] * theta[j])
                    .sum();
                if mu == nu {
                    let own: Vec<usize> = places(mu).collect();
                    let slopes = own.iter().map(|i| 2.0 * theta[*i]).collect();
                    return (product - 1.0, own.into_iter(), slopes);
                }
                let all: Vec<usize> = places(mu).chain(places(nu)).collect();
                let slopes = places(nu).chain(places(mu)).map(|i| theta[i]).collect();
                (product, all.into_iter(), slopes)
            })
        })
    }
}
