//! `zundel check-model`: the conformance suite on a model file of the user's.

use super::{eval, parts};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{self, FrameIndex, ReadOptions};
use crate::potential::{Evaluator, conformance};
use std::path::Path;

/// Runs the suite and prints a line for each promise. Returns whether all are kept.
pub fn run(model: &Path, species: Option<&[Element]>, structure: &Path) -> Result<bool> {
    let terms = eval::load_model(model, species)?;
    let frame = io::read_frame(structure, FrameIndex::First, &ReadOptions::default())?;
    let evaluator = Evaluator::new(terms.clone(), 0.5);
    parts::check_elements(
        &evaluator,
        &frame.system.atoms.distinct_elements(),
        structure,
    )?;
    println!(
        "{} on {} ({} atoms, rattled by 0.03 Å)",
        model.display(),
        structure.display(),
        frame.system.atoms.len()
    );
    let checks = conformance::run(&terms, &frame.system, None).map_err(|e| {
        let (reason, advice) = parts::describe_evaluation_error(e, &frame.system);
        Error::file(structure, reason).advise(advice)
    })?;
    let mut all = true;
    for c in &checks {
        let verdict = match c.deviation {
            None => "--".to_owned(),
            Some(_) if c.passed() => "ok".to_owned(),
            Some(_) => "FAILED".to_owned(),
        };
        let found = c.deviation.map_or(String::new(), |d| {
            format!("{d:.1e} (allowed {:.0e}) {}", c.tolerance, c.unit)
        });
        let note = if c.note.is_empty() {
            String::new()
        } else {
            format!("  [{}]", c.note)
        };
        println!("{verdict:>7}  {:58} {found}{note}", c.name);
        all &= c.passed();
    }
    println!(
        "{}",
        if all {
            "all promises are kept"
        } else {
            "some promises are broken: do not trust this model in dynamics"
        }
    );
    Ok(all)
}
