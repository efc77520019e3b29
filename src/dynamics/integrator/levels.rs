//! Terms of the potential that are evaluated more often than others, and the evaluation of a state.

use super::{Integrator, StepError};
use crate::dynamics::State;
use crate::dynamics::barostat::{Barostat, Method};
use crate::potential::{Evaluation, Evaluator, Want};

/// Terms of the potential that are evaluated equally often.
pub(super) struct Level {
    /// Evaluations in a step.
    pub substeps: u32,
    /// Its terms, by their places in the evaluator; with one level all are.
    pub terms: Vec<bool>,
    /// Their latest evaluation; unused with one level, whose evaluation is that of the state.
    pub evaluation: Evaluation,
}

/// The most evaluations of a term in a step.
pub const MOST_SUBSTEPS: u32 = 64;

impl Level {
    /// All terms, once in a step.
    pub fn only() -> Level {
        Level {
            substeps: 1,
            terms: Vec::new(),
            evaluation: Evaluation::default(),
        }
    }
}

impl Integrator {
    /// Evaluates each term of the potential so many times in a step (reversible reference system propagation: Tuckerman, Berne,
    /// Martyna, J. Chem. Phys. 97, 1990 (1992)). `substeps` has a number for each term of the evaluator.
    ///
    /// Errors with two numbers of which neither divides the other, or of which one is zero or above [`MOST_SUBSTEPS`].
    pub fn with_substeps(mut self, substeps: &[u32]) -> Result<Integrator, [u32; 2]> {
        let mut counts = substeps.to_vec();
        counts.push(1);
        counts.sort_unstable();
        counts.dedup();
        for pair in counts.windows(2) {
            if pair[0] == 0 || pair[1] % pair[0] != 0 || pair[1] > MOST_SUBSTEPS {
                return Err([pair[0], pair[1]]);
            }
        }
        // A step in which no term stands has no forces of its own.
        let level = |n: u32| Level {
            substeps: n,
            terms: substeps.iter().map(|s| *s == n).collect(),
            evaluation: Evaluation::default(),
        };
        self.levels = counts.into_iter().map(level).collect();
        self.arrange();
        Ok(self)
    }

    /// Evaluates the state with all its terms, those of slower levels where they are due: at the end of a step.
    pub(super) fn evaluate(
        &mut self,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        let want = Want {
            forces: true,
            virial: want.virial || self.barostat.is_some(),
            ..want
        };
        if self.levels.len() == 1 {
            let mut evaluation = std::mem::take(&mut state.evaluation);
            let outcome = self.evaluate_some(|_| true, 0, state, evaluator, want, &mut evaluation);
            state.evaluation = evaluation;
            outcome?;
        } else {
            state.evaluation.reset(state.system.atoms.len(), want);
            for level in 0..self.levels.len() {
                self.evaluate_level(level, state, evaluator, want)?;
                let own = &self.levels[level].evaluation;
                state.evaluation.add_scaled(own, 1.0);
            }
        }
        let rescales = |b: &Barostat| matches!(b.method, Method::Rescaling(_));
        if self.barostat.as_ref().is_some_and(rescales) {
            let virial = self.virial(state);
            if let Some(b) = &mut self.barostat
                && let Method::Rescaling(r) = &mut b.method
            {
                self.taken.add(r.book(&virial));
            }
        }
        Ok(())
    }

    pub(super) fn evaluate_level(
        &mut self,
        level: usize,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        let mut evaluation = std::mem::take(&mut self.levels[level].evaluation);
        let terms = std::mem::take(&mut self.levels[level].terms);
        let chosen = |t: usize| terms.get(t).is_some_and(|c| *c);
        let outcome = self.evaluate_some(chosen, level, state, evaluator, want, &mut evaluation);
        self.levels[level].terms = terms;
        self.levels[level].evaluation = evaluation;
        outcome
    }

    /// Evaluates some of the terms where the state is, as a level.
    fn evaluate_some(
        &mut self,
        chosen: impl Fn(usize) -> bool,
        level: usize,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
        evaluation: &mut Evaluation,
    ) -> Result<(), StepError> {
        self.settle_rings(state);
        if let Some((rings, dynamics)) = state.rings.as_mut().zip(self.rings.as_mut()) {
            let (system, masses) = (&state.system, &self.inverse_masses);
            return Ok(rings.evaluate(
                dynamics, masses, system, evaluator, chosen, want, level, evaluation,
            )?);
        }
        let mut result = [std::mem::take(evaluation)];
        let outcome = evaluator.evaluate_terms(chosen, &[state.configuration()], want, &mut result);
        [*evaluation] = result;
        Ok(outcome?)
    }
}
