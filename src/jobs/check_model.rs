//! `zundel check-model`: the conformance suite on a model file of the user's.

use super::{eval, parts};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{self, FrameIndex};
use crate::potential::{Evaluator, conformance};
use crate::report::Page;
use std::path::Path;

/// Runs the suite. Returns a line for each promise, and whether all are kept.
pub fn run(model: &Path, species: Option<&[Element]>, structure: &Path) -> Result<(Page, bool)> {
    let terms = eval::load_model(model, species)?;
    let frame = io::read_frame(structure, FrameIndex::First, &eval::read_options(&terms))?;
    let evaluator = Evaluator::new(terms.clone(), 0.5);
    parts::check_elements(
        &evaluator,
        &frame.system.atoms.distinct_elements(),
        structure,
    )?;
    // Said here with the reason; the suite itself makes the terms for each system that it tries.
    let (_, notes) = parts::fit_terms(&terms, &frame.system, structure)?;
    let mut page = Page::default();
    let atoms = frame.system.atoms.len();
    page.line(format!(
        "{} on {} ({atoms} atoms, rattled by 0.03 Å)\n",
        model.display(),
        structure.display()
    ));
    notes.iter().for_each(|note| page.line(format!("{note}\n")));
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
        page.line(format!("{verdict:>7}  {:52} {found}{note}", c.name).trim_end());
        all &= c.passed();
    }
    page.line(if all {
        "\nall promises are kept"
    } else {
        "\nsome promises are broken: do not trust this model in dynamics"
    });
    Ok((page, all))
}
