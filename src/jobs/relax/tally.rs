//! What came of many structures, in a few numbers.

use super::record::Brief;
use crate::report::Console;
use serde::{Deserialize, Serialize};

/// How many of the worst are kept.
const WORST: usize = 5;

/// What came of many structures.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    count: usize,
    /// How many ended how.
    ends: Vec<(String, usize)>,
    steps: u64,
    calls: u64,
    /// Lowest and highest enthalpy per atom of converged structures.
    lowest: Option<Brief>,
    highest: Option<Brief>,
    /// Those that did not converge, the largest forces first.
    worst: Vec<Brief>,
    /// The converged one that took most evaluations.
    slowest: Option<Brief>,
    rose: usize,
    fell: usize,
}

impl Tally {
    /// Adds a structure.
    pub fn add(&mut self, b: &Brief) {
        self.count += 1;
        self.steps += b.steps;
        self.calls += b.calls;
        match self.ends.iter_mut().find(|e| e.0 == b.end) {
            Some(e) => e.1 += 1,
            None => self.ends.push((b.end.clone(), 1)),
        }
        if let Some((before, after)) = b.symmetry_change {
            self.rose += usize::from(after > before);
            self.fell += usize::from(after < before);
        }
        if !b.converged {
            let place = self
                .worst
                .iter()
                .position(|w| w.fmax < b.fmax)
                .unwrap_or(self.worst.len());
            self.worst.insert(place, b.clone());
            self.worst.truncate(WORST);
            return;
        }
        let better = |kept: &Option<Brief>, than: fn(&Brief, &Brief) -> bool| {
            kept.as_ref().is_none_or(|k| than(b, k))
        };
        if better(&self.lowest, |a, k| {
            a.enthalpy_per_atom < k.enthalpy_per_atom
        }) {
            self.lowest = Some(b.clone());
        }
        if better(&self.highest, |a, k| {
            a.enthalpy_per_atom > k.enthalpy_per_atom
        }) {
            self.highest = Some(b.clone());
        }
        if better(&self.slowest, |a, k| a.calls > k.calls) {
            self.slowest = Some(b.clone());
        }
    }

    /// Number of structures.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of structures that converged.
    pub fn converged(&self) -> usize {
        let converged = |e: &&(String, usize)| e.0 == "converged";
        self.ends.iter().find(converged).map_or(0, |e| e.1)
    }

    /// Says it.
    pub fn print(&self, console: &Console) {
        let n = self.count.max(1) as f64;
        let mut ends = self.ends.clone();
        ends.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let words: Vec<String> = ends.iter().map(|(w, n)| format!("{n} {w}")).collect();
        console.fact(
            "structures",
            format!("{}: {}", self.count, words.join(", ")),
        );
        console.fact(
            "evaluations",
            format!(
                "{:.1} for each on average, in {:.1} steps",
                self.calls as f64 / n,
                self.steps as f64 / n
            ),
        );
        for (what, brief) in [("lowest", &self.lowest), ("highest", &self.highest)] {
            if let Some(b) = brief {
                console.fact(
                    what,
                    format!(
                        "{:.9} eV/atom: structure {} ({})",
                        b.enthalpy_per_atom, b.number, b.name
                    ),
                );
            }
        }
        if let Some(b) = &self.slowest {
            let text = format!(
                "structure {} ({}): {} evaluations",
                b.number, b.name, b.calls
            );
            console.fact("slowest", text);
        }
        if self.rose + self.fell > 0 {
            console.fact(
                "symmetry",
                format!("rose in {}, fell in {}", self.rose, self.fell),
            );
        }
        if self.converged() == self.count {
            return;
        }
        console.warn(format!(
            "{} of {} structures are no minima within what was asked for; the worst:",
            self.count - self.converged(),
            self.count
        ));
        for b in &self.worst {
            console.say(format!(
                "  structure {} ({}): {}, longest force {:.2e} eV/Å after {} steps",
                b.number, b.name, b.end, b.fmax, b.steps
            ));
        }
    }
}
