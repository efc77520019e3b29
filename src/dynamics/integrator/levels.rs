//! Terms of the potential that are evaluated more often than others, and the evaluation of a state.

use super::{Integrator, StepError};
use crate::dynamics::State;
use crate::dynamics::barostat::{Barostat, Method};
use crate::potential::{Evaluation, Evaluator, Want};

/// Terms of the potential that are evaluated equally often.
pub(super) struct Level {
    /// Evaluations in a step.
    pub substeps: u32,
    /// Its terms, by their places in the evaluator; an empty list has all.
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
        let want = self.want_last(want);
        for level in 0..self.levels.len() {
            self.evaluate_level(level, state, evaluator, want)?;
        }
        self.finish_evaluation(state, want);
        Ok(())
    }

    /// What an evaluation at the end of a step has to give.
    pub(super) fn want_last(&self, want: Want) -> Want {
        Want {
            forces: true,
            virial: want.virial || self.barostat.is_some(),
            ..want
        }
    }

    /// Adds up the levels, and books what waited for the virial.
    pub(super) fn finish_evaluation(&mut self, state: &mut State, want: Want) {
        if self.levels.len() > 1 {
            state.evaluation.reset(state.system.atoms.len(), want);
            for level in &self.levels {
                state.evaluation.add_scaled(&level.evaluation, 1.0);
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
    }

    /// Where the evaluation of a level is kept.
    pub(super) fn kept<'a>(&'a mut self, state: &'a mut State, level: usize) -> &'a mut Evaluation {
        match self.levels.len() {
            1 => &mut state.evaluation,
            _ => &mut self.levels[level].evaluation,
        }
    }

    /// Evaluates the terms of a level where the state is.
    pub(super) fn evaluate_level(
        &mut self,
        level: usize,
        state: &mut State,
        evaluator: &mut Evaluator,
        want: Want,
    ) -> Result<(), StepError> {
        self.settle_rings(state);
        let mut result = [std::mem::take(self.kept(state, level))];
        let terms = std::mem::take(&mut self.levels[level].terms);
        let chosen = |t: usize| terms.is_empty() || terms.get(t).is_some_and(|c| *c);
        let outcome = match state.rings.as_mut().zip(self.rings.as_mut()) {
            None => evaluator.evaluate_terms(chosen, &[state.configuration()], want, &mut result),
            Some((rings, dynamics)) => {
                let (system, masses) = (&state.system, &self.inverse_masses);
                let [evaluation] = &mut result;
                rings.evaluate(
                    dynamics, masses, system, evaluator, chosen, want, level, evaluation,
                )
            }
        };
        self.levels[level].terms = terms;
        [*self.kept(state, level)] = result;
        Ok(outcome?)
    }
}
