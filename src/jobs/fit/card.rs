//! The accuracy card: what a person needs to know before trusting a model. As Markdown, as a table of frames, on the terminal.

use super::pictures::Picture;
use super::{Judged, Results};
use crate::deck::TrainingDeck;
use crate::jobs::outputs::csv_row;
use crate::report::{Console, human_duration};
use crate::training::accuracy::{Accuracy, Spread};
use crate::units::{EV_IN_KJ_MOL, EV_PER_A3_IN_GPA};
use std::fmt::Write;

/// One eV in kcal/mol.
pub(super) const KCAL: f64 = EV_IN_KJ_MOL / 4.184;

/// A table of errors: its title, its heads, its rows.
pub(super) struct ErrorTable {
    pub title: &'static str,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

/// A number with three digits that mean something.
pub(super) fn digits(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let size = x.abs().log10().floor();
    if !(-4.0..6.0).contains(&size) {
        return format!("{x:.2e}");
    }
    let decimals = (2.0 - size).max(0.0) as usize;
    format!("{x:.decimals$}")
}

/// The name of the data's parts, and of kinds of frames within them where there are several, with their errors.
fn groups(results: &Results) -> Vec<(String, &Judged, Accuracy)> {
    let mut out = Vec::new();
    for part in &results.parts {
        out.push((part.name.to_owned(), part, part.accuracy));
        let mut kinds: Vec<&str> = part.frames.iter().map(|f| f.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() > 1 {
            out.extend(kinds.into_iter().map(|kind| {
                let of = Accuracy::of(&part.frames, &part.predictions, |k| {
                    part.frames[k].kind == kind
                });
                (format!("{} · {kind}", part.name), part, of)
            }));
        }
    }
    out
}

/// Errors of energies, forces and virials, each where there are labels.
pub(super) fn error_tables(results: &Results) -> Vec<ErrorTable> {
    let groups = groups(results);
    let place = |part: &Judged, s: &Spread| part.frames[s.frame].place.clone();
    let mut tables = Vec::new();
    let mut table = |title, heads: &[&'static str], rows: Vec<Option<Vec<String>>>| {
        let rows: Vec<Vec<String>> = rows.into_iter().flatten().collect();
        if !rows.is_empty() {
            tables.push(ErrorTable {
                title,
                heads: heads.to_vec(),
                rows,
            });
        }
    };
    let energies = groups.iter().map(|(name, part, a)| {
        let (e, t) = (a.energy?, a.total?);
        let mut row = vec![name.clone(), a.frames.to_string()];
        row.extend([e.mae, e.rmse, e.worst].map(|x| digits(1e3 * x)));
        row.extend([t.mae, t.rmse].map(|x| digits(KCAL * x)));
        row.push(digits(1e3 * e.scale));
        row.push(place(part, &e));
        Some(row)
    });
    table(
        "Energies",
        &[
            "part",
            "frames",
            "MAE (meV/atom)",
            "RMSE (meV/atom)",
            "largest (meV/atom)",
            "MAE (kcal/mol)",
            "RMSE (kcal/mol)",
            "spread of the data (meV/atom)",
            "worst frame",
        ],
        energies.collect(),
    );
    let forces = groups.iter().map(|(name, part, a)| {
        let f = a.forces?;
        let mut row = vec![name.clone(), f.count.to_string()];
        row.extend([f.mae, f.rmse, f.worst].map(|x| digits(1e3 * x)));
        row.extend([f.mae, f.rmse].map(|x| digits(KCAL * x)));
        row.push(digits(1e3 * f.scale));
        row.push(place(part, &f));
        Some(row)
    });
    table(
        "Components of forces",
        &[
            "part",
            "numbers",
            "MAE (meV/Å)",
            "RMSE (meV/Å)",
            "largest (meV/Å)",
            "MAE (kcal/mol/Å)",
            "RMSE (kcal/mol/Å)",
            "spread of the data (meV/Å)",
            "worst frame",
        ],
        forces.collect(),
    );
    let virials = groups.iter().map(|(name, part, a)| {
        let w = a.virial?;
        let mut row = vec![name.clone(), w.count.to_string()];
        row.extend([w.mae, w.rmse, w.worst].map(|x| digits(1e3 * x)));
        let stress = |of: fn(&Spread) -> f64| {
            a.stress
                .map_or("–".to_owned(), |s| digits(of(&s) * EV_PER_A3_IN_GPA))
        };
        row.push(stress(|s| s.mae));
        row.push(stress(|s| s.rmse));
        row.push(digits(1e3 * w.scale));
        row.push(place(part, &w));
        Some(row)
    });
    table(
        "Components of virials, and of the stresses that they stand for",
        &[
            "part",
            "numbers",
            "MAE (meV/atom)",
            "RMSE (meV/atom)",
            "largest (meV/atom)",
            "MAE (GPa)",
            "RMSE (GPa)",
            "spread of the data (meV/atom)",
            "worst frame",
        ],
        virials.collect(),
    );
    tables
}

/// What was made, from what, by what: names and values.
pub(super) fn facts(deck: &TrainingDeck, results: &Results) -> Vec<(String, String)> {
    let fit = &deck.fit;
    let name = |path: &std::path::Path| {
        path.file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    };
    let elements: Vec<&str> = results.data.elements.iter().map(|e| e.symbol()).collect();
    let mut facts = vec![
        (
            "model".to_owned(),
            format!("{}, `{}`", fit.method.title(), name(&fit.files.model)),
        ),
        ("SHA-256".to_owned(), results.hash.clone()),
        ("elements".to_owned(), elements.join(", ")),
        ("data".to_owned(), super::sizes(&results.data)),
    ];
    if let Some(baseline) = &fit.baseline {
        let names: Vec<&str> = baseline.terms.iter().map(|t| t.name.as_str()).collect();
        facts.push((
            "baseline".to_owned(),
            format!(
                "{}: subtracted from all labels, and errors are those of the rest; add it when the model is used",
                names.join(" + ")
            ),
        ));
    }
    facts.extend(results.made.facts.iter().cloned());
    facts.push((
        "time of the fit".to_owned(),
        human_duration(results.seconds),
    ));
    facts.push((
        "time of the model".to_owned(),
        format!(
            "{} µs for each atom of these frames, on {} thread{} (energy, forces, virial; lists of neighbours included)",
            digits(results.speed.0),
            results.speed.1,
            if results.speed.1 == 1 { "" } else { "s" }
        ),
    ));
    facts.push((
        "made by".to_owned(),
        format!("zundel {}", env!("CARGO_PKG_VERSION")),
    ));
    facts
}

/// The rows of the learning curve: frames and errors.
pub(super) fn learning_rows(results: &Results) -> Vec<Vec<String>> {
    let last = results.parts.last().map(|p| p.accuracy);
    let whole = (results.parts.len() > 1).then_some((results.data.train.len(), last));
    let smaller = results.learning.iter().map(|(n, a)| (*n, Some(*a)));
    smaller
        .chain(whole)
        .map(|(n, a)| {
            let of = |s: Option<Spread>| {
                s.map_or(["–".to_owned(), "–".to_owned()], |s| {
                    [digits(1e3 * s.mae), digits(1e3 * s.rmse)]
                })
            };
            let [em, er] = of(a.and_then(|a| a.energy));
            let [fm, fr] = of(a.and_then(|a| a.forces));
            vec![n.to_string(), em, er, fm, fr]
        })
        .collect()
}

/// The heads of the learning curve.
pub(super) const LEARNING_HEADS: [&str; 5] = [
    "frames",
    "energy MAE (meV/atom)",
    "energy RMSE (meV/atom)",
    "force MAE (meV/Å)",
    "force RMSE (meV/Å)",
];

/// The card as a Markdown page.
pub(super) fn markdown(deck: &TrainingDeck, results: &Results, pictures: &[Picture]) -> String {
    let mut out = String::new();
    let put = |out: &mut String, text: std::fmt::Arguments<'_>| {
        let _ = out.write_fmt(text);
    };
    let name = deck.fit.files.model.file_name().unwrap_or_default();
    put(
        &mut out,
        format_args!("# Accuracy of `{}`\n\n", name.to_string_lossy()),
    );
    for warning in &results.warnings {
        put(&mut out, format_args!("> **Warning:** {warning}\n>\n"));
    }
    if !results.warnings.is_empty() {
        out.push('\n');
    }
    out.push_str("| | |\n| --- | --- |\n");
    for (name, value) in facts(deck, results) {
        put(&mut out, format_args!("| {name} | {} |\n", cell(&value)));
    }
    out.push_str("\n## Errors\n");
    out.push_str("Model minus label. MAE is the mean absolute error, RMSE the root of the mean square; the spread of the data is what a model that knows only their mean would miss.\n");
    for table in error_tables(results) {
        put(&mut out, format_args!("\n### {}\n", table.title));
        rows(&mut out, &table.heads, &table.rows);
    }
    if !results.learning.is_empty() {
        out.push_str("\n### With fewer frames\n");
        rows(&mut out, &LEARNING_HEADS, &learning_rows(results));
    }
    for (shown, path) in deck.fit.pictures() {
        if let Some(p) = pictures.iter().find(|p| p.name == shown) {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            put(
                &mut out,
                format_args!("\n![{}]({file})\n\n{}\n", p.title, p.caption),
            );
        }
    }
    out.push_str("\n## Data\n");
    let files: Vec<Vec<String>> = results
        .data
        .files
        .iter()
        .map(|f| {
            let name = f.path.file_name().unwrap_or_default().to_string_lossy();
            vec![name.into_owned(), f.frames.to_string(), f.hash.clone()]
        })
        .collect();
    rows(&mut out, &["file", "frames", "SHA-256"], &files);
    out.push_str("\n## Deck\nWith all defaults filled in:\n\n```toml\n");
    out.push_str(deck.resolved().trim_end());
    out.push_str("\n```\n");
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn rows<H: AsRef<str>>(out: &mut String, heads: &[H], rows: &[Vec<String>]) {
    let line = |out: &mut String, cells: Vec<String>| {
        out.push_str("| ");
        out.push_str(&cells.join(" | "));
        out.push_str(" |\n");
    };
    line(out, heads.iter().map(|h| cell(h.as_ref())).collect());
    line(out, heads.iter().map(|_| "---".to_owned()).collect());
    rows.iter()
        .for_each(|row| line(out, row.iter().map(|c| cell(c)).collect()));
}

/// Label, prediction and errors of every frame (CSV).
pub(super) fn table(results: &Results) -> String {
    let mut out = String::new();
    let heads = [
        "part",
        "frame",
        "kind",
        "atoms",
        "energy of the data (eV)",
        "energy of the model (eV)",
        "energy error (meV/atom)",
        "force RMSE (meV/Å)",
        "largest force error (meV/Å)",
        "virial RMSE (meV/atom)",
    ];
    csv_row(&mut out, heads.map(str::to_owned));
    for part in &results.parts {
        for (frame, p) in part.frames.iter().zip(&part.predictions) {
            let a = Accuracy::of(std::slice::from_ref(frame), std::slice::from_ref(p), |_| {
                true
            });
            let milli = |x: Option<f64>| x.map_or(String::new(), |x| format!("{:.4}", 1e3 * x));
            csv_row(
                &mut out,
                [
                    part.name.to_owned(),
                    frame.place.clone(),
                    frame.kind.clone(),
                    frame.len().to_string(),
                    frame.energy.map_or(String::new(), |e| format!("{e:.8}")),
                    format!("{:.8}", p.energy),
                    milli(a.energy.map(|s| s.mean)),
                    milli(a.forces.map(|s| s.rmse)),
                    milli(a.forces.map(|s| s.worst)),
                    milli(a.virial.map(|s| s.rmse)),
                ],
            );
        }
    }
    out
}

/// The end of a run on the terminal.
pub(super) fn summary(deck: &TrainingDeck, results: &Results, console: &Console) {
    console.say("");
    console.say(format!(
        "{:>16}  {:>18}  {:>22}  {:>22}",
        "RMSE (MAE)", "energy (meV/atom)", "forces (meV/Å)", "virial (meV/atom)"
    ));
    for part in &results.parts {
        let both = |s: Option<Spread>| {
            s.map_or("–".to_owned(), |s| {
                format!("{} ({})", digits(1e3 * s.rmse), digits(1e3 * s.mae))
            })
        };
        let a = &part.accuracy;
        console.say(format!(
            "{:>16}  {:>18}  {:>22}  {:>22}",
            part.name,
            both(a.energy),
            both(a.forces),
            both(a.virial)
        ));
    }
    console.say("");
    let files = &deck.fit.files;
    console.fact("model", files.model.display().to_string());
    if let Some(path) = &files.description {
        console.fact("description", path.display().to_string());
    }
    if let Some(path) = &files.card {
        console.fact("accuracy card", path.display().to_string());
    }
    if let Some(path) = &files.report {
        console.fact("report", path.display().to_string());
    }
}
