//! The closing summary of a run: averages with their errors, conservation, speed, files.

use super::reliability::Watch;
use super::simulation::{Simulation, in_femtoseconds};
use crate::analysis::Average;
use crate::jobs::Outcome;
use crate::report::{Console, human_duration, per_day};
use std::path::PathBuf;

const CONSERVED: &str = "conserved_energy";

/// What is left of a simulation when it has ended.
pub(super) struct Summary {
    pub outcome: Outcome,
    /// Names it among several; may be empty.
    label: String,
    step: u64,
    steps_done: u64,
    time_fs: f64,
    timestep_fs: f64,
    atoms: usize,
    columns: Vec<(&'static str, &'static str)>,
    averages: Vec<Option<Average>>,
    average_from_fs: f64,
    /// Change of the conserved energy since the start (eV).
    drift: f64,
    wall: f64,
    microseconds_per_atom_step: f64,
    list_builds: u64,
    reliability: Option<String>,
    files: Vec<PathBuf>,
}

impl Summary {
    /// Gathers the summary of a simulation that did the steps from `start` on in this process.
    pub fn new(
        s: &Simulation,
        label: &str,
        outcome: Outcome,
        wall: f64,
        microseconds_per_atom_step: f64,
        start: u64,
        files: Vec<PathBuf>,
    ) -> Summary {
        Summary {
            outcome,
            label: label.to_owned(),
            step: s.state.step,
            steps_done: s.state.step - start,
            time_fs: s.time_fs(),
            timestep_fs: in_femtoseconds(s.integrator.timestep()),
            atoms: s.state.system.atoms.len(),
            columns: s.columns.names(),
            averages: s.averages.iter().map(|a| a.average()).collect(),
            average_from_fs: s.time_fs_of(s.average_from),
            drift: s.integrator.conserved(&s.state) - s.conserved_at_start,
            wall,
            microseconds_per_atom_step,
            list_builds: s.evaluator.list_builds(0),
            reliability: s.watch.as_ref().map(Watch::summary),
            files,
        }
    }

    fn ending(&self) -> String {
        let at = format!("step {}, {:.4} ps", self.step, self.time_fs * 1e-3);
        match self.outcome {
            Outcome::Done => format!("finished at {at}"),
            Outcome::Interrupted => format!("interrupted at {at}; go on with --resume"),
            Outcome::OutOfTime => {
                format!("the wall-time limit has come at {at}; go on with --resume")
            }
        }
    }
}

/// Prints the summaries of all replicas.
pub(super) fn print(summaries: &[Summary], console: &Console) {
    let Some(first) = summaries.first() else {
        return;
    };
    console.say("");
    for s in summaries {
        let label = if s.label.is_empty() {
            String::new()
        } else {
            format!("{}: ", s.label)
        };
        console.say(format!("{label}{}", s.ending()));
    }
    print_averages(first, summaries, console);
    for s in summaries {
        console.say("");
        if !s.label.is_empty() {
            console.say(&s.label);
        }
        print_one(s, console);
    }
}

fn print_averages(first: &Summary, summaries: &[Summary], console: &Console) {
    // The conserved energy has no average worth the name: what it does is told below.
    let rows: Vec<(usize, Average)> = (0..first.columns.len())
        .filter(|&k| first.columns[k].0 != CONSERVED)
        .filter_map(|k| {
            let list: Vec<Average> = summaries.iter().filter_map(|s| s.averages[k]).collect();
            combine(&list).map(|a| (k, a))
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let counted = summaries
        .iter()
        .filter(|s| s.averages.iter().any(Option::is_some))
        .count();
    let several = counted > 1;
    console.say(format!(
        "\naverages from {:.4} ps on{}, with the error of the last digits{}",
        first.average_from_fs * 1e-3,
        if several {
            format!(" over {counted} replicas")
        } else {
            String::new()
        },
        if several { "" } else { " (by blocking)" },
    ));
    for (k, a) in &rows {
        let (name, unit) = first.columns[*k];
        let per_atom = if name.ends_with("energy") {
            let n = first.atoms as f64;
            let a = Average {
                mean: a.mean / n,
                error: a.error.map(|e| e / n),
                deviation: a.deviation / n,
                ..*a
            };
            format!("{:>20} eV/atom", a.display())
        } else {
            String::new()
        };
        let line = format!(
            "{:>22}  {:>18} {unit:<4}{per_atom}",
            name.replace('_', " "),
            a.display()
        );
        console.say(line.trim_end());
    }
    if rows.iter().any(|(_, a)| a.error.is_none()) {
        console.say("  ~ the run is too short to tell the error");
    }
}

/// Conservation, speed and files of one simulation.
fn print_one(s: &Summary, console: &Console) {
    let n = s.atoms as f64;
    if s.time_fs > 0.0 {
        let conserved = s.columns.iter().position(|c| c.0 == CONSERVED);
        let average = conserved.and_then(|k| s.averages[k]);
        let fluctuation = average.map_or(String::new(), |a| {
            format!(", fluctuation {:.1e} eV/atom", a.deviation / n)
        });
        let per_ps = s.drift / n / (s.time_fs * 1e-3);
        console.fact(
            "conserved",
            format!("drift {per_ps:+.1e} eV/atom/ps{fluctuation}"),
        );
    }
    if s.steps_done > 0 {
        let per_step = s.wall / s.steps_done as f64;
        console.fact(
            "speed",
            format!(
                "{} for {} steps, {:.3} µs per atom and step, {}",
                human_duration(s.wall),
                s.steps_done,
                s.microseconds_per_atom_step,
                per_day(s.timestep_fs, per_step),
            ),
        );
        let times = if s.list_builds == 1 {
            "once"
        } else {
            &format!("{} times", s.list_builds)
        };
        console.fact("neighbours", format!("lists built {times}"));
    }
    if let Some(text) = &s.reliability {
        console.fact("model", text);
    }
    let files: Vec<String> = s.files.iter().map(|f| f.display().to_string()).collect();
    console.fact("wrote", files.join("\n"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn average(mean: f64, error: Option<f64>) -> Average {
        Average {
            mean,
            error,
            deviation: 1.0,
            count: 100,
        }
    }

    #[test]
    fn replicas_are_combined_with_the_larger_error() {
        assert!(combine(&[]).is_none());
        let one = average(2.0, Some(0.1));
        assert_eq!(combine(&[one]), Some(one));
        // Scatter 1 between means, claims of 0.1: the scatter wins, 1/sqrt(2) * sqrt(2) / sqrt(2).
        let both = combine(&[average(1.0, Some(0.1)), average(3.0, Some(0.1))]).unwrap();
        assert_eq!(both.mean, 2.0);
        assert!((both.error.unwrap() - 1.0).abs() < 1e-12);
        // Claims of 0.4 each and no scatter: 0.4/sqrt(2).
        let both = combine(&[average(1.0, Some(0.4)), average(1.0, Some(0.4))]).unwrap();
        assert!((both.error.unwrap() - 0.4 / 2f64.sqrt()).abs() < 1e-12);
        // One that cannot tell its error leaves the scatter.
        let both = combine(&[average(1.0, None), average(2.0, Some(0.1))]).unwrap();
        assert!((both.error.unwrap() - 0.5).abs() < 1e-12);
    }
}
