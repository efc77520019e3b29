//! The closing summary of a run: averages with their errors, conservation, speed, files.

use super::simulation::Simulation;
use crate::analysis::Average;
use crate::jobs::Outcome;
use crate::report::{Console, human_duration};
use std::path::{Path, PathBuf};

/// What is left of a simulation when it has ended.
pub(super) struct Summary {
    outcome: Outcome,
    step: u64,
    steps_done: u64,
    time_fs: f64,
    atoms: usize,
    columns: Vec<(&'static str, &'static str)>,
    averages: Vec<Option<Average>>,
    average_from_fs: f64,
    /// Change of the conserved energy since the start (eV).
    drift: f64,
    conserved_deviation: Option<f64>,
    wall: f64,
    microseconds_per_atom_step: f64,
    list_builds: u64,
    files: Vec<PathBuf>,
}

impl Summary {
    /// Gathers the summary of a simulation that did the steps from `start` on in this process.
    pub fn new(
        s: &Simulation,
        outcome: Outcome,
        wall: f64,
        microseconds_per_atom_step: f64,
        start: u64,
        mut files: Vec<PathBuf>,
        checkpoint: &Path,
    ) -> Summary {
        files.push(checkpoint.to_path_buf());
        let columns = s.columns.names();
        let averages: Vec<Option<Average>> = s.averages.iter().map(|a| a.average()).collect();
        let conserved = columns.iter().position(|c| c.0 == "conserved_energy");
        Summary {
            outcome,
            step: s.state.step,
            steps_done: s.state.step - start,
            time_fs: s.time_fs(),
            atoms: s.state.system.atoms.len(),
            conserved_deviation: conserved.and_then(|k| averages[k]).map(|a| a.deviation),
            columns,
            averages,
            average_from_fs: s.average_from as f64
                * s.integrator.timestep()
                * crate::units::TIME_FS,
            drift: s.integrator.conserved(&s.state) - s.conserved_at_start,
            wall,
            microseconds_per_atom_step,
            list_builds: s.evaluator.list_builds(0),
            files,
        }
    }
}

/// Prints the summaries of all replicas.
pub(super) fn print(summaries: &[Summary], console: &Console) {
    let Some(first) = summaries.first() else {
        return;
    };
    let ended = match first.outcome {
        Outcome::Done => "finished",
        Outcome::Interrupted => "interrupted; go on with --resume",
        Outcome::OutOfTime => "the wall-time limit has come; go on with --resume",
    };
    console.say(format!(
        "\n{ended}: step {}, {:.4} ps",
        first.step,
        first.time_fs * 1e-3
    ));
    let several = summaries.len() > 1;
    console.say(format!(
        "\naverages from {:.4} ps on{} (in brackets: standard error of the last digits, by blocking{})",
        first.average_from_fs * 1e-3,
        if several { format!(" over {} replicas", summaries.len()) } else { String::new() },
        if several { " and between replicas" } else { "" },
    ));
    let mut unsure = false;
    for (k, (name, unit)) in first.columns.iter().enumerate() {
        let list: Vec<Average> = summaries.iter().filter_map(|s| s.averages[k]).collect();
        if let Some(a) = combine(&list) {
            let per_atom = if name.ends_with("energy") {
                let n = first.atoms as f64;
                let a = Average {
                    mean: a.mean / n,
                    error: a.error.map(|e| e / n),
                    deviation: a.deviation / n,
                    ..a
                };
                format!("   {} eV/atom", a.display())
            } else {
                String::new()
            };
            unsure |= a.error.is_none();
            console.say(format!(
                "{:>22}  {:>18} {unit:4}{per_atom}",
                name.replace('_', " "),
                a.display()
            ));
        }
    }
    if unsure {
        console.say("  (~: the run is too short to tell the error; make it longer)");
    }
    let n = first.atoms as f64;
    for s in summaries {
        let per_ps = if s.time_fs > 0.0 {
            s.drift / n / (s.time_fs * 1e-3)
        } else {
            0.0
        };
        let rms = s.conserved_deviation.map_or(String::new(), |d| {
            format!(", fluctuation {:.1e} eV/atom", d / n)
        });
        console.say(format!(
            "\nconserved energy: drift {per_ps:+.1e} eV/atom/ps{rms}"
        ));
        if s.steps_done > 0 {
            console.say(format!(
                "speed: {} for {} steps, {:.3} µs per atom and step, neighbour lists built {} times",
                human_duration(s.wall),
                s.steps_done,
                s.microseconds_per_atom_step,
                s.list_builds
            ));
        }
        let files: Vec<String> = s.files.iter().map(|f| f.display().to_string()).collect();
        console.say(format!("wrote: {}", files.join(", ")));
    }
}

/// The average over independent runs. With several, the scatter between them is the error when it is larger than what each
/// claims for itself.
fn combine(list: &[Average]) -> Option<Average> {
    let first = list.first()?;
    if list.len() == 1 {
        return Some(*first);
    }
    let n = list.len() as f64;
    let mean = list.iter().map(|a| a.mean).sum::<f64>() / n;
    let between =
        (list.iter().map(|a| (a.mean - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
    let within = list
        .iter()
        .map(|a| a.error.map(|e| e * e))
        .sum::<Option<f64>>()
        .map(|s| s.sqrt() / n);
    let deviation = list.iter().map(|a| a.deviation).sum::<f64>() / n;
    let count = list.iter().map(|a| a.count).sum();
    Some(Average {
        mean,
        error: Some(within.map_or(between, |w| w.max(between))),
        deviation,
        count,
    })
}
