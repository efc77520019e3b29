//! The closing summary of a run: averages with their errors, conservation, speed, files.

use super::ladder::Ladder;
use super::reliability::Watch;
use super::simulation::{Simulation, in_femtoseconds};
use super::statistics::{Quantity, Statistics};
use crate::analysis::Average;
use crate::jobs::Outcome;
use crate::report::{Console, human_duration, per_day};
use crate::units::{AVOGADRO, BOLTZMANN_J};
use std::path::PathBuf;

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
    statistics: Statistics,
    /// How often the cell was reduced.
    reductions: u64,
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
        statistics: Statistics,
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
            statistics,
            reductions: s.vigil.reductions(),
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
    if summaries.is_empty() {
        return;
    }
    console.say("");
    for s in summaries {
        let label = if s.label.is_empty() {
            String::new()
        } else {
            format!("{}: ", s.label)
        };
        console.say(format!("{label}{}", s.ending()));
    }
    print_averages(summaries, console);
    for s in summaries {
        console.say("");
        if !s.label.is_empty() {
            console.say(&s.label);
        }
        print_one(s, console);
    }
}

/// Prints the summaries of replicas that changed places.
pub(super) fn print_ladder(summaries: &[Summary], ladder: &Ladder, console: &Console) {
    let Some(first) = summaries.first() else {
        return;
    };
    console.say("");
    console.say(first.ending());
    console.say("\naverages of each replica after its own equilibration; the error of the last digits in brackets");
    let columns = [
        ("temperature", "K"),
        ("potential_energy", "eV"),
        ("pressure", "GPa"),
        ("density", "g/cm^3"),
    ];
    let of = |s: &Summary, name: &str| {
        let found = s.statistics.columns.iter().find(|q| q.name == name);
        found.map(|q| q.average.display())
    };
    let shown: Vec<(&str, &str)> = columns
        .into_iter()
        .filter(|c| summaries.iter().any(|s| of(s, c.0).is_some()))
        .collect();
    let width = ladder.rungs.iter().map(|r| r.len()).max().unwrap_or(0);
    let mut head = format!("{:>9} {:>width$}", "replica", "target");
    for (name, unit) in &shown {
        let title = format!("{} ({unit})", name.replace('_', " "));
        head.push_str(&format!(" {title:>22}"));
    }
    console.say(format!("{head} {:>22}", "exchange with next"));
    for (k, s) in summaries.iter().enumerate() {
        let mut line = format!("{:>9} {:>width$}", k + 1, ladder.rungs[k]);
        for (name, _) in &shown {
            line.push_str(&format!(" {:>22}", of(s, name).unwrap_or_default()));
        }
        if let Some(pair) = ladder.pairs.get(k) {
            let text = match pair.acceptance() {
                Some(a) => format!("{:.1} % of {}", 100.0 * a, pair.attempts),
                None => "none".to_owned(),
            };
            line.push_str(&format!(" {text:>22}"));
        }
        console.say(line.trim_end());
    }
    let uncertain = |s: &Summary| s.statistics.columns.iter().any(|q| !q.average.certain);
    if summaries.iter().any(uncertain) {
        console.say("  ~ too few independent samples to rely on the error: a longer run is needed");
    }
    console.say("");
    let trips = match ladder.trips() {
        0 => "no configuration".to_owned(),
        1 => "one configuration, once,".to_owned(),
        n => format!("configurations {n} times"),
    };
    console.fact(
        "exchange",
        format!("{trips} went from the first replica to the last and back"),
    );
    for remark in ladder.remarks() {
        console.warn(remark);
    }
    print_speed(first, console);
    console.fact("wrote", ladder.path().display().to_string());
    for s in summaries {
        console.say("");
        console.say(&s.label);
        print_conduct(s, console);
        print_files(s, console);
    }
}

/// The table of averages, and of properties from fluctuations.
fn print_averages(summaries: &[Summary], console: &Console) {
    // Replicas that were stopped before they had begun, or in an earlier stage, have no part in it.
    let Some(furthest) = summaries.iter().max_by_key(|s| s.step) else {
        return;
    };
    let counts = |s: &Statistics| {
        s.stage == furthest.statistics.stage && s.rows > furthest.statistics.rows / 10
    };
    let found: Vec<&Statistics> = summaries
        .iter()
        .map(|s| &s.statistics)
        .filter(|s| counts(s))
        .collect();
    let Some(first) = found.first() else {
        return;
    };
    let of = match first.stage.as_str() {
        "" => String::new(),
        name => format!(" of stage `{name}`"),
    };
    if first.ramp {
        console.say(format!(
            "\nno averages{of}: a target changes in it, so that nothing is stationary"
        ));
        return;
    }
    let several = found.len() > 1;
    let ps = |fs: f64| format!("{:.4}", fs * 1e-3);
    if several {
        console.say(format!(
            "\naverages{of} over {} replicas, each after its own equilibration; the error of the last digits in brackets",
            found.len()
        ));
    } else {
        console.say(format!(
            "\naverages{of} from {} to {} ps ({} rows), after {} ps of equilibration",
            ps(first.from_fs),
            ps(first.to_fs),
            first.rows,
            ps(first.equilibration_fs)
        ));
    }
    let atoms = summaries.first().map_or(1.0, |s| s.atoms as f64);
    let rows = combined(&found, |s| &s.columns);
    if !several && !rows.is_empty() {
        let head = format!(
            "{:>22}  {:>18} {:<9} {:>18}         {:>10} {:>8}",
            "", "mean(error)", "", "", "corr. time", "samples"
        );
        console.say(head);
    }
    // The tensor of the kinetic energy is for files.
    let tensor = |q: &&Quantity| {
        let axes = ["xx", "yy", "zz", "yz", "xz", "xy"];
        let of = q.name.strip_prefix("kinetic_energy_");
        !of.is_some_and(|of| axes.contains(&of))
    };
    for q in rows.iter().filter(tensor) {
        let per_atom = energy_per_atom(q, atoms);
        let independence = match (several, q.time_fs) {
            (false, Some(t)) => format!("{:>10} {:>8.0}", human_time(t), q.average.independent),
            _ => String::new(),
        };
        say_quantity(q, &per_atom, &independence, console);
    }
    let properties = combined(&found, |s| &s.properties);
    if !properties.is_empty() {
        console.say("from the fluctuations");
    }
    for q in &properties {
        let per_atom = match q.name.starts_with("heat_capacity") {
            true => {
                let per_k = 1.0 / (BOLTZMANN_J * AVOGADRO);
                format!("{} k per atom", q.average.times(per_k).display())
            }
            false => String::new(),
        };
        say_quantity(q, &per_atom, "", console);
    }
    let quantum = combined(&found, |s| &s.quantum);
    if !quantum.is_empty() {
        console.say("of quantum nuclei: kinetic energies beyond the classical ones");
    }
    for q in &quantum {
        let per_atom = energy_per_atom(q, atoms);
        say_quantity(q, &per_atom, "", console);
    }
    if rows.iter().chain(&properties).any(|q| !q.average.certain) {
        console.say("  ~ too few independent samples to rely on the error: a longer run is needed");
    }
    let has = |s: &Statistics| !s.properties.is_empty();
    if first.sampled && !found.iter().all(|s| has(s)) {
        console.say("  the run is too short for properties from fluctuations");
    }
}

/// An energy for each atom, in words; nothing for what is no energy.
fn energy_per_atom(q: &Quantity, atoms: f64) -> String {
    match q.unit == "eV" {
        true => format!("{} eV/atom", q.average.times(1.0 / atoms).display()),
        false => String::new(),
    }
}

/// A row of the table: a quantity, the same for each atom, and what is known of its samples.
fn say_quantity(q: &Quantity, per_atom: &str, samples: &str, console: &Console) {
    let line = format!(
        "{:>22}  {:>18} {:<9} {per_atom:>26} {samples}",
        q.name.replace('_', " "),
        q.average.display(),
        short_unit(q.unit),
    );
    console.say(line.trim_end());
}

/// A unit as people write it.
fn short_unit(unit: &str) -> String {
    let words = unit.split(' ').map(|w| match w {
        "Angstrom" => "Å",
        "Angstrom2" => "Å^2",
        "Angstrom3" => "Å^3",
        "degree" => "deg",
        w => w,
    });
    let mut text = String::new();
    for word in words {
        match word
            .split_once("-1")
            .map(|w| w.0)
            .or(word.split_once("-3").map(|w| w.0))
        {
            Some(base) => {
                let power = if word.ends_with("-3") { "^3" } else { "" };
                text.push_str(&format!("/{base}{power}"));
            }
            None => text.push_str(word),
        }
    }
    text
}

/// A time (fs) with its unit.
fn human_time(fs: f64) -> String {
    let (value, unit) = match fs {
        t if t < 1e3 => (t, "fs"),
        t if t < 1e6 => (t * 1e-3, "ps"),
        t => (t * 1e-6, "ns"),
    };
    let decimals = (2.0 - value.max(1e-3).log10().floor()).clamp(0.0, 2.0) as usize;
    format!("{value:.decimals$} {unit}")
}

/// The quantities of all replicas, combined by name.
fn combined(found: &[&Statistics], of: impl Fn(&Statistics) -> &Vec<Quantity>) -> Vec<Quantity> {
    let mut names: Vec<&Quantity> = Vec::new();
    for q in found.iter().flat_map(|s| of(s)) {
        if names.iter().all(|n| n.name != q.name) {
            names.push(q);
        }
    }
    names
        .into_iter()
        .filter_map(|q| {
            let same = found
                .iter()
                .flat_map(|s| of(s))
                .filter(|x| x.name == q.name);
            let list: Vec<Average> = same.map(|x| x.average).collect();
            Some(Quantity {
                average: combine(&list)?,
                ..*q
            })
        })
        .collect()
}

/// Conservation, speed and files of one simulation.
fn print_one(s: &Summary, console: &Console) {
    print_conduct(s, console);
    print_speed(s, console);
    print_files(s, console);
}

/// How the conserved energy and the cell behaved.
fn print_conduct(s: &Summary, console: &Console) {
    if let Some(conduct) = &s.statistics.conduct {
        console.fact("conserved", conduct.words());
    }
    if s.reductions > 0 {
        let times = if s.reductions == 1 {
            "once"
        } else {
            &format!("{} times", s.reductions)
        };
        console.fact(
            "cell",
            format!("tilted and described by shorter vectors of the same lattice {times}"),
        );
    }
}

/// The speed, and how often the lists were built.
fn print_speed(s: &Summary, console: &Console) {
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
}

/// What the model and the statistics have to say, and the files.
fn print_files(s: &Summary, console: &Console) {
    if let Some(text) = &s.reliability {
        console.fact("model", text);
    }
    let label = match s.label.as_str() {
        "" => String::new(),
        label => format!("{label}: "),
    };
    for remark in &s.statistics.remarks {
        console.warn(format!("{label}{remark}"));
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
    Some(Average {
        mean,
        error: Some(within.map_or(between, |w| w.max(between))),
        // The scatter of two or three says little about itself.
        certain: list.iter().all(|a| a.certain) || list.len() >= 8,
        deviation: list.iter().map(|a| a.deviation).sum::<f64>() / n,
        independent: list.iter().map(|a| a.independent).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average(mean: f64, error: Option<f64>) -> Average {
        Average {
            mean,
            error,
            certain: error.is_some(),
            deviation: 1.0,
            independent: 100.0,
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
