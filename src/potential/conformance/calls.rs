//! What must not depend on how a model is called: batches, beads, lists, threads, memory.

use super::{Check, Suite, evaluate};
use crate::parallel;
use crate::potential::{Evaluation, EvaluationError, Evaluator, LANES, Want};
use crate::random::{Purpose, Stream};
use crate::system::System;

/// Calls after which scratch memory must have stopped growing.
const MOST_CALLS: usize = 200;
impl Suite<'_> {
    pub(super) fn batch(&self) -> Result<Check, EvaluationError> {
        let mut second = self.system.clone();
        second
            .atoms
            .positions
            .iter_mut()
            .for_each(|x| x[1] += 0.01 * x[0].sin());
        let single = evaluate(self.terms, &second, 0.5)?;
        let mut results = vec![Evaluation::default(); 3];
        let batch = [
            second.configuration(),
            self.system.configuration(),
            second.configuration(),
        ];
        Evaluator::new(self.terms.to_vec(), 0.5).evaluate(&batch, Want::ALL, &mut results)?;
        let other = Suite {
            terms: self.terms,
            system: &second,
            base: single,
        };
        let d = self
            .deviation(&results[1])
            .max(other.deviation(&results[0]))
            .max(other.deviation(&results[2]));
        Ok(self.rounding("a batch gives what single calls give", d, String::new()))
    }

    /// Beads about the system: enough for numbers side by side and some more.
    fn ring(&self, spread: f64, seed: u64) -> Vec<System> {
        let bead = |b: u64| {
            let mut bead = self.system.clone();
            for (i, x) in bead.atoms.positions.iter_mut().enumerate() {
                let mut s = Stream::new(seed, Purpose::Displacement, b, i as u64, 0);
                *x = x.map(|x| x + spread * s.normal());
            }
            bead
        };
        (0..LANES as u64 + 3).map(bead).collect()
    }

    /// The beads by one call; the lists may be older than they are.
    fn evaluate_ring(
        &self,
        evaluator: &mut Evaluator,
        beads: &[System],
        want: Want,
        results: &mut Vec<Evaluation>,
    ) -> Result<(), EvaluationError> {
        let centroid = self.system.configuration();
        let beads: Vec<_> = beads.iter().map(System::configuration).collect();
        results.resize_with(beads.len(), Evaluation::default);
        evaluator.evaluate_ring(|_| true, centroid, &beads, want, results)
    }

    pub(super) fn beads(&self) -> Result<Check, EvaluationError> {
        let mut d = 0.0f64;
        let mut note = String::new();
        for spread in [0.02, 0.06] {
            let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.8);
            let mut results = Vec::new();
            let (early, late) = (self.ring(spread, 6), self.ring(spread, 7));
            for beads in [&early, &late] {
                self.evaluate_ring(&mut evaluator, beads, Want::ALL, &mut results)?;
            }
            if evaluator.list_builds(0) > 1 {
                note = "the list was rebuilt in between".into();
            }
            for (bead, result) in late.iter().zip(&results) {
                let own = Suite {
                    terms: self.terms,
                    system: bead,
                    base: evaluate(self.terms, bead, 0.5)?,
                };
                d = d.max(own.deviation(result));
                // A list with a skin may name pairs beyond the cutoff, or not.
                let cutoff = evaluator.cutoff().unwrap_or(0.0);
                let [one, other] = [result, &own.base].map(|e| e.closest.min(cutoff));
                d = d.max((one - other).abs());
            }
        }
        Ok(self.rounding(
            "beads with one list give what they give with lists of their own",
            d,
            note,
        ))
    }

    pub(super) fn skin(&self) -> Result<Check, EvaluationError> {
        let mut d = 0.0f64;
        for skin in [0.0, 0.2, 2.0] {
            d = d.max(self.deviation(&evaluate(self.terms, self.system, skin)?));
        }
        Ok(self.rounding(
            "results do not depend on the skin of the list",
            d,
            String::new(),
        ))
    }

    pub(super) fn list_age(&self) -> Result<Check, EvaluationError> {
        let mut early = self.system.clone();
        for (i, x) in early.atoms.positions.iter_mut().enumerate() {
            let mut s = Stream::new(4, Purpose::Displacement, 0, i as u64, 0);
            *x = x.map(|x| x + 0.3 * (s.uniform() - 0.5));
        }
        let mut evaluator = Evaluator::new(self.terms.to_vec(), 1.0);
        let mut result = [Evaluation::default()];
        evaluator.evaluate(&[early.configuration()], Want::ALL, &mut result)?;
        evaluator.evaluate(&[self.system.configuration()], Want::ALL, &mut result)?;
        let reused = evaluator.list_builds(0) <= 1;
        let note = if reused {
            String::new()
        } else {
            "the list was rebuilt in between".into()
        };
        Ok(self.rounding(
            "results do not depend on the age of the list",
            self.deviation(&result[0]),
            note,
        ))
    }

    pub(super) fn threads(&self) -> Result<Check, EvaluationError> {
        let mut different = 0.0;
        let mut note = "1, 2, 3 and 4 threads".to_owned();
        let mut first: Option<Vec<Evaluation>> = None;
        let beads = self.ring(0.03, 8);
        let all = || {
            let mut results = Vec::new();
            let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.5);
            self.evaluate_ring(&mut evaluator, &beads, Want::ALL, &mut results)?;
            results.push(evaluate(self.terms, self.system, 0.5)?);
            Ok(results)
        };
        for threads in 1..=4 {
            match parallel::with_threads(threads, all) {
                Ok(results) => {
                    let results = results?;
                    if *first.get_or_insert_with(|| results.clone()) != results {
                        different += 1.0;
                    }
                }
                Err(why) => note = why,
            }
        }
        Ok(Check {
            name: "the same bits for any number of threads",
            deviation: Some(different),
            tolerance: 0.0,
            unit: "runs that differ",
            note,
        })
    }

    pub(super) fn steady_state(
        &self,
        count: &(dyn Fn() -> u64 + Sync),
    ) -> Result<Check, EvaluationError> {
        let mut evaluator = Evaluator::new(self.terms.to_vec(), 0.5);
        let mut result = [Evaluation::default()];
        let ring = self.ring(0.03, 9);
        let beads: Vec<_> = ring.iter().map(System::configuration).collect();
        let mut results = vec![Evaluation::default(); beads.len()];
        let centroid = self.system.configuration();
        // Scratch grows until every thread has met its largest piece of work, and which thread gets which is up to chance: the
        // steady state has come when three calls in a row allocate nothing.
        let mut quiet = 0;
        let mut last = 0;
        for _ in 0..MOST_CALLS {
            let before = count();
            evaluator.evaluate(&[centroid], Want::DYNAMICS, &mut result)?;
            evaluator.evaluate_ring(|_| true, centroid, &beads, Want::DYNAMICS, &mut results)?;
            last = count() - before;
            quiet = if last == 0 { quiet + 1 } else { 0 };
            if quiet == 3 {
                break;
            }
        }
        Ok(Check {
            name: "no allocation in the steady state",
            deviation: Some(last as f64),
            tolerance: 0.0,
            unit: "allocations a call",
            note: String::new(),
        })
    }
}
