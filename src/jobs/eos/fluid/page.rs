//! What a person sees: the summary on the console, the picture, the page.

use super::curves::{self, Isotherm};
use super::table::{Results, Row, nuclei};
use crate::analysis::Measured;
use crate::deck::{Deck, FluidDeck};
use crate::error::Result;
use crate::report::{Chart, Console, Curve, CurveStyle, HtmlReport, human_duration};

/// A number with its error.
fn shown(m: Measured, decimals: usize) -> String {
    match m.error {
        Some(0.0) => format!("{:.decimals$}", m.value),
        Some(e) => format!("{:.decimals$} ± {e:.decimals$}", m.value),
        None => format!("{:.decimals$} ± ?", m.value),
    }
}

/// A number with its error and as many digits as the error has meaning.
fn significant(m: Measured) -> String {
    let scale = m
        .error
        .filter(|e| *e > 0.0)
        .unwrap_or(m.value.abs().max(1e-12) * 1e-3);
    let decimals = (1.0 - scale.log10().floor()).clamp(0.0, 9.0) as usize;
    shown(m, decimals)
}

fn heads(results: &Results) -> Vec<String> {
    let what = if results.molecular {
        "molecules"
    } else {
        "atoms"
    };
    let mut heads: Vec<String> = ["T (K)", "P (bar)", "density (g/cm³)"]
        .map(str::to_owned)
        .to_vec();
    heads.push(format!("{what} in nm³"));
    heads.extend(["Z", "energy (kJ/mol)"].map(str::to_owned));
    if results.rows.iter().any(|r| r.vaporisation.is_some()) {
        heads.push("vaporisation (kJ/mol)".to_owned());
    }
    if results.reference.is_some() {
        heads.push("deviation".to_owned());
    }
    heads.extend(["samples", "length (ps)"].map(str::to_owned));
    heads
}

fn cells(results: &Results, r: &Row) -> Vec<String> {
    let mut row = vec![
        format!("{}", r.point.temperature),
        shown(r.pressure, 1),
        shown(r.density, 4),
        shown(r.number, 3),
        shown(r.factor, 4),
        shown(r.energy, 3),
    ];
    if results.rows.iter().any(|r| r.vaporisation.is_some()) {
        row.push(r.vaporisation.map_or(String::new(), |v| shown(v, 3)));
    }
    if results.reference.is_some() {
        row.push(r.deviation().map_or(String::new(), |d| deviation(r, d)));
    }
    row.push(format!("{:.0}", r.record.independent));
    let ps = r.record.steps as f64 * r.record.timestep_fs * 1e-3;
    row.push(format!("{ps:.1}"));
    row
}

fn deviation(r: &Row, d: Measured) -> String {
    match r.measures_density() {
        true => format!("{} %", shown(d, 2)),
        false => format!("{} bar", shown(d, 1)),
    }
}

/// Says what was found.
pub(super) fn print(results: &Results, console: &Console) {
    if results.rows.is_empty() {
        return;
    }
    console.say("");
    let heads = heads(results);
    let rows: Vec<Vec<String>> = results.rows.iter().map(|r| cells(results, r)).collect();
    let width = |k: usize| {
        let all = rows.iter().map(|r| r[k].chars().count());
        all.chain([heads[k].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths);
        let padded: Vec<String> = padded.map(|(c, w)| format!("{c:>w$}")).collect();
        padded.join("  ")
    };
    console.say(line(&heads));
    for (row, r) in rows.iter().zip(&results.rows) {
        let mark = if r.record.remarks.is_empty() {
            ""
        } else {
            "  (!)"
        };
        let twin = if r.point.classical { "  classical" } else { "" };
        console.say(format!("{}{twin}{mark}", line(row)));
    }
    console.say("± is one standard error; 1.96 of them are the interval of 95 %");
    for s in &results.shifts {
        console.fact(
            "quantum shift",
            format!(
                "{}: {} {} ({} %)",
                s.title,
                significant(s.difference),
                s.unit,
                significant(s.percent)
            ),
        );
    }
    for isotherm in &results.curves.isotherms {
        if let Some(text) = virial(isotherm) {
            console.fact(
                "virial series",
                format!("{} K: {text}", isotherm.temperature),
            );
        }
    }
    results.warnings().iter().for_each(|w| console.warn(w));
}

/// The coefficients of an isotherm in words.
fn virial(isotherm: &Isotherm) -> Option<String> {
    let all: Vec<String> = curves::coefficients(isotherm)
        .into_iter()
        .map(|(k, value, e)| {
            let m = Measured {
                value,
                error: Some(e),
            };
            format!("B{k} = {} {}", significant(m), curves::unit(k))
        })
        .collect();
    let points = isotherm.virial.as_ref()?.points;
    Some(format!("{} (from {points} points)", all.join(", ")))
}

/// Isotherms: points with their errors, curves through them, and the table to compare with.
pub(super) fn picture(results: &Results) -> Result<String> {
    let mut all = Vec::new();
    let mut range: Option<[f64; 2]> = None;
    for r in &results.rows {
        let p = r.pressure.value;
        let [a, b] = range.unwrap_or([p, p]);
        range = Some([a.min(p), b.max(p)]);
    }
    let mut temperatures: Vec<f64> = Vec::new();
    for isotherm in &results.curves.isotherms {
        let t = isotherm.temperature;
        let colour = match temperatures.iter().position(|x| *x == t) {
            Some(k) => k,
            None => {
                temperatures.push(t);
                temperatures.len() - 1
            }
        };
        let word = if isotherm.classical {
            ", classical"
        } else {
            ""
        };
        let mine: Vec<&Row> = results
            .rows
            .iter()
            .filter(|r| r.point.temperature == t && r.point.classical == isotherm.classical)
            .collect();
        let style = match isotherm.classical {
            true => CurveStyle::Dashed,
            false => CurveStyle::Line,
        };
        for piece in &isotherm.pieces {
            all.push(
                Curve::line("", piece.clone())
                    .coloured(colour)
                    .styled(style),
            );
        }
        let points: Vec<(f64, f64)> = mine
            .iter()
            .map(|r| (r.pressure.value, r.density.value))
            .collect();
        let errors = mine
            .iter()
            .map(|r| r.density.error.unwrap_or(0.0))
            .collect();
        all.push(
            Curve::line(format!("{t} K{word}"), points)
                .styled(CurveStyle::Points)
                .coloured(colour)
                .with_errors(errors),
        );
    }
    // A colour of their own for the lines to compare with.
    let grey = temperatures.len();
    let mut named = false;
    if let (Some(reference), Some([a, b])) = (&results.reference, range) {
        let margin = 0.02 * (b - a);
        for t in &temperatures {
            for branch in reference.isotherms(*t) {
                let inside = |p: &&(f64, f64)| p.0 >= a - margin && p.0 <= b + margin;
                let points: Vec<(f64, f64)> = branch.iter().filter(inside).copied().collect();
                if points.len() < 2 {
                    continue;
                }
                let name = if named { "" } else { "reference" };
                named = true;
                all.push(
                    Curve::line(name, points)
                        .coloured(grey)
                        .styled(CurveStyle::Dashed),
                );
            }
        }
    }
    let chart = Chart {
        title: "Isotherms".to_owned(),
        x: "pressure (bar)".to_owned(),
        y: "density (g/cm³)".to_owned(),
        curves: all,
        ..Chart::default()
    };
    chart.svg()
}

/// Everything in one page.
pub(super) fn report(deck: &Deck, job: &FluidDeck, results: &Results) -> Result<String> {
    let mut page = HtmlReport::new(&format!("Equation of state: {}", deck.source.path));
    results.warnings().iter().for_each(|w| page.warning(w));
    page.heading("State points");
    page.paragraph("± is one standard error, made larger by Student's factor for the number of independent samples: 1.96 of them are the interval of 95 %. What has no ± was given. Z = PV/(NkT). Energies are potential energies (with quantum nuclei the whole energy) per mole of molecules.");
    let rows: Vec<Vec<String>> = results.rows.iter().map(|r| cells(results, r)).collect();
    page.table(&heads(results), &rows);
    page.heading("Isotherms");
    page.figure(
        &picture(results)?,
        "Density against pressure: points with one standard error, cubic splines through neighbours, and dashed the table to compare with or classical nuclei.",
    );
    let virials: Vec<(String, String)> = results
        .curves
        .isotherms
        .iter()
        .filter_map(|i| Some((format!("{} K", i.temperature), virial(i)?)))
        .collect();
    if !virials.is_empty() {
        page.subheading("Virial series");
        page.paragraph("Z = 1 + B2 ρ + B3 ρ² + ..., fitted to the points of lowest density that a short series describes. Coefficients of a fit to dense points are not those of the gas.");
        page.facts(&virials);
    }
    if !results.curves.properties.is_empty() {
        page.heading("Properties");
        page.paragraph("From the slopes of splines through neighbouring points, and from the fluctuations at each point; per mole of molecules.");
        let heads = ["point", "property", "from", "value", "unit"];
        let rows: Vec<Vec<String>> = results
            .curves
            .properties
            .iter()
            .map(|p| {
                vec![
                    p.point.clone(),
                    p.name.to_owned(),
                    p.source.to_owned(),
                    significant(p.value),
                    p.unit.to_owned(),
                ]
            })
            .collect();
        page.table(&heads, &rows);
    }
    if !results.shifts.is_empty() {
        page.heading("Quantum nuclei");
        page.paragraph(
            "Quantum minus classical, from runs of their own; errors are added in quadrature.",
        );
        let rows: Vec<Vec<String>> = results
            .shifts
            .iter()
            .map(|s| {
                vec![
                    s.title.clone(),
                    format!("{} {}", significant(s.difference), s.unit),
                    format!("{} %", significant(s.percent)),
                ]
            })
            .collect();
        page.table(&["point", "difference", "of the classical value"], &rows);
    }
    page.heading("Runs");
    let heads = [
        "point",
        "nuclei",
        "mean temperature (K)",
        "left out (ps)",
        "one sample (fs)",
        "drift (errors)",
        "moved (Å)",
        "wall time",
        "wanted error",
    ];
    let rows: Vec<Vec<String>> = results
        .rows
        .iter()
        .map(|r| {
            let record = &r.record;
            vec![
                r.point.name.clone(),
                nuclei(r).to_owned(),
                shown(record.temperature, 2),
                format!("{:.2}", record.discarded as f64 * record.timestep_fs * 1e-3),
                format!("{:.1}", record.inefficiency_fs),
                format!("{:+.1}", record.drift),
                record
                    .displacement
                    .map_or(String::new(), |[square, _]| format!("{:.2}", square.sqrt())),
                human_duration(record.wall),
                if record.met { "reached" } else { "not reached" }.to_owned(),
            ]
        })
        .collect();
    page.table(&heads, &rows);
    page.paragraph(&format!(
        "Each point is a run of its own in {}, with its deck, samples and checkpoint.",
        job.points.display()
    ));
    page.heading("Deck");
    page.code(&deck.resolved());
    Ok(page.html())
}
