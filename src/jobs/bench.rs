//! `zundel bench`: time per atom and step of a model on a structure, and what it means in a day.

use super::{eval, parts};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{self, FrameIndex};
use crate::parallel;
use crate::potential::{Evaluation, Evaluator, Want};
use crate::random::{Purpose, Stream};
use crate::report::{Page, human_seconds, per_day};
use crate::system::{System, repeat};
use std::path::Path;
use std::time::Instant;

/// The result of a benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Model file.
    pub model: String,
    /// Number of atoms.
    pub atoms: usize,
    /// Number of geometries that are evaluated together.
    pub batch: usize,
    /// Number of threads.
    pub threads: usize,
    /// Energy, forces and virial with the neighbour search, per atom: median of the repeats (µs).
    pub microseconds_per_atom_step: f64,
    /// The fastest repeat (µs).
    pub fastest: f64,
    /// Number of repeats.
    pub repeats: usize,
}

/// Times the evaluation of a structure, moved a little before each repeat so that nothing can be kept, with the neighbour
/// list built anew each time. `batch` copies, each moved by itself, are evaluated together.
pub fn run(
    model: &Path,
    species: Option<&[Element]>,
    structure: &Path,
    repeats: [usize; 3],
    batch: usize,
    seconds: f64,
) -> Result<Timing> {
    let terms = eval::load_model(model, species)?;
    let frame = io::read_frame(structure, FrameIndex::First, &eval::read_options(&terms))?;
    let system =
        repeat(&frame.system, repeats).map_err(|e| e.within(&structure.display().to_string()))?;
    parts::check_elements(
        &Evaluator::new(terms.clone(), 0.0),
        &system.atoms.distinct_elements(),
        structure,
    )?;
    let (terms, _) = parts::fit_terms(&terms, &system, structure)?;
    let mut evaluator = Evaluator::new(terms, 0.0);
    let batch = batch.max(1);
    let mut systems = vec![system.clone(); batch];
    let mut results = vec![Evaluation::default(); batch];
    let mut times = Vec::new();
    let began = Instant::now();
    // One call warms up; then at least five, and as many as fit into the time.
    while times.len() < 6 || (began.elapsed().as_secs_f64() < seconds && times.len() < 10_000) {
        let round = times.len() as u64;
        for (m, system) in systems.iter_mut().enumerate() {
            for (i, x) in system.atoms.positions.iter_mut().enumerate() {
                let mut s = Stream::new(1, Purpose::Displacement, round, i as u64, m as u32);
                *x = x.map(|x| x + 0.002 * s.normal());
            }
        }
        let configurations: Vec<_> = systems.iter().map(System::configuration).collect();
        let start = Instant::now();
        let outcome = configurations
            .iter()
            .enumerate()
            .try_for_each(|(m, c)| evaluator.build_lists(m, *c))
            .and_then(|()| evaluator.evaluate(&configurations, Want::DYNAMICS, &mut results));
        times.push(start.elapsed().as_secs_f64());
        outcome.map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            Error::file(structure, reason).advise(advice)
        })?;
    }
    let mut times = times.split_off(1);
    times.sort_by(f64::total_cmp);
    let atoms = system.atoms.len();
    let scale = 1e6 / (atoms * batch) as f64;
    Ok(Timing {
        model: model.display().to_string(),
        atoms,
        batch,
        threads: parallel::threads(),
        microseconds_per_atom_step: times[times.len() / 2] * scale,
        fastest: times[0] * scale,
        repeats: times.len(),
    })
}

impl Timing {
    /// One JSON object.
    pub fn json(&self) -> String {
        serde_json::json!({
            "model": self.model,
            "atoms": self.atoms,
            "batch": self.batch,
            "threads": self.threads,
            "microseconds_per_atom_step": self.microseconds_per_atom_step,
            "fastest_microseconds_per_atom_step": self.fastest,
            "repeats": self.repeats,
            "instruction_set": crate::simd::level_name(),
        })
        .to_string()
    }

    /// Lines for a person.
    pub fn page(&self) -> Page {
        let step = self.microseconds_per_atom_step * 1e-6 * self.atoms as f64;
        let mut page = Page::default();
        page.fact("model", &self.model);
        let together = match self.batch {
            1 => String::new(),
            n => format!(" in each of {n} geometries that are evaluated together"),
        };
        page.fact("atoms", format!("{}{together}", self.atoms));
        page.fact(
            "threads",
            format!("{}, {}", self.threads, crate::simd::level_name()),
        );
        page.fact(
            "time",
            format!(
                "{:.3} µs per atom and step, median of {} (fastest {:.3}); {} per step",
                self.microseconds_per_atom_step,
                self.repeats,
                self.fastest,
                human_seconds(step),
            ),
        );
        page.fact(
            "means",
            format!(
                "{} at 1 fs, {} at 0.5 fs",
                per_day(1.0, step),
                per_day(0.5, step)
            ),
        );
        page.fact("", "energy, forces and virial, with a new neighbour list each time (dynamics reuses its list)");
        page
    }
}
