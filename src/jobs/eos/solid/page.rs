//! What a person reads: phases, fits, transitions, and the report.

use super::phase::Phase;
use super::pictures;
use super::results::{Curve, Results, warnings};
use super::tables::{self, cell};
use super::thermal::Thermal;
use crate::analysis::equation_of_state::{Fit, Form};
use crate::deck::{Deck, SolidDeck};
use crate::error::Result;
use crate::report::{Console, HtmlReport};
use crate::units::EV_PER_A3_IN_GPA as GPA;
use std::path::PathBuf;

/// A phase in a line.
pub(super) fn of_phase(p: &Phase) -> String {
    let (lengths, angles) = p.system.cell.lengths_and_angles();
    let group = p.group.as_ref();
    let group = group.map_or(String::new(), |g| format!(", {}", g.name()));
    format!(
        "{} atoms{group}; {:.5}, {:.5}, {:.5} Å, {:.2}°, {:.2}°, {:.2}°; {:.4} Å^3 and {:.6} eV an atom",
        p.system.atoms.len(),
        lengths[0],
        lengths[1],
        lengths[2],
        angles[0],
        angles[1],
        angles[2],
        p.volume(),
        p.energy / p.atoms()
    )
}

pub(super) fn describe(phases: &[Phase], console: &Console) {
    for p in phases {
        console.fact("phase", format!("{}: {}", p.name, of_phase(p)));
    }
}

/// A number with its error, to the digits that the error allows.
fn with_error(value: f64, error: Option<f64>, digits: usize) -> String {
    match error.filter(|e| *e > 0.0) {
        Some(e) => {
            let needed = (2.0 - e.log10().floor()).clamp(digits as f64, 10.0) as usize;
            format!("{value:.needed$} ± {e:.1e}")
        }
        None => format!("{value:.digits$}"),
    }
}

const HEADS: [&str; 7] = [
    "form",
    "V0 (Å^3/atom)",
    "E0 (eV/atom)",
    "B0 (GPa)",
    "B0'",
    "B0'' (1/GPa)",
    "residual (meV/atom)",
];

/// One form in the comparison of all.
fn row(form: Form, fit: Option<&Fit>, chosen: bool) -> Vec<String> {
    let mark = if chosen { " *" } else { "" };
    let mut row = vec![format!("{}{mark}", form.name())];
    let Some(f) = fit else {
        row.push("no minimum in or near the volumes".to_owned());
        row.resize(HEADS.len(), String::new());
        return row;
    };
    let p = tables::parameters(f);
    let shown = |k: usize, digits: usize| with_error(p[k].1, p[k].2, digits);
    row.extend([
        shown(1, 4),
        shown(0, 6),
        shown(2, 3),
        shown(3, 3),
        shown(4, 4),
    ]);
    row.push(format!("{:.2e}", f.residual * 1e3));
    row
}

fn comparison(c: &Curve, form: Form) -> Vec<Vec<String>> {
    let rows = c.fits.iter();
    rows.map(|(f, fit)| row(*f, fit.as_ref(), *f == form))
        .collect()
}

fn agreement(c: &Curve) -> Option<String> {
    let a = c.agreement?;
    Some(format!(
        "pressures by the virial and by the slope of the curve differ by {:.4} GPa (root mean square), {:.2} % of their span",
        a.difference * GPA,
        100.0 * a.difference / a.span
    ))
}

/// Transitions in words.
fn transitions(r: &Results) -> Vec<String> {
    let of = |t: &crate::analysis::phases::Transition| {
        let volumes = t
            .phases
            .map(|p| r.curves[p].enthalpy(t.pressure).map(|e| e.1));
        let change = match volumes {
            [Some(a), Some(b)] => format!(
                "; volumes {a:.4} and {b:.4} Å^3/atom, a change by {:.2} %",
                100.0 * (b / a - 1.0)
            ),
            _ => String::new(),
        };
        format!(
            "{} to {} at {:.4} GPa{change}",
            r.name(t.phases[0]),
            r.name(t.phases[1]),
            t.pressure * GPA
        )
    };
    r.sequence.transitions.iter().map(of).collect()
}

/// Phases by pressure in one line.
fn stable(r: &Results) -> Option<String> {
    let (low, high) = r.range?;
    let mut text = r.name(r.sequence.first?).to_owned();
    for t in &r.sequence.transitions {
        text.push_str(&format!(
            " | {:.3} GPa | {}",
            t.pressure * GPA,
            r.name(t.phases[1])
        ));
    }
    Some(format!(
        "{text} (from {:.2} to {:.2} GPa)",
        low * GPA,
        high * GPA
    ))
}

/// The transitions at a few temperatures.
fn at_temperatures(r: &Results, t: &Thermal) -> Vec<String> {
    let every = t.boundaries.len().div_ceil(6).max(1);
    let of = |(temperature, s): &(f64, crate::analysis::phases::Sequence)| {
        let each = s.transitions.iter().map(|x| {
            let [a, b] = x.phases.map(|p| r.name(p));
            format!("{a} to {b} at {:.3} GPa", x.pressure * GPA)
        });
        let all: Vec<String> = each.collect();
        (!all.is_empty()).then(|| format!("{temperature} K: {}", all.join(", ")))
    };
    t.boundaries.iter().step_by(every).filter_map(of).collect()
}

/// What is in equilibrium at the lowest temperature, 300 K, and the highest.
fn expanded(r: &Results, t: &Thermal) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (k, p) in t.phases.iter().enumerate() {
        let known: Vec<_> = p
            .rows
            .iter()
            .filter_map(|(t, e)| Some((*t, e.as_ref().ok()?)))
            .collect();
        let off = |t: f64| (t - 300.0).abs();
        let middle = known.iter().min_by(|a, b| off(a.0).total_cmp(&off(b.0)));
        let mut shown: Vec<f64> = Vec::new();
        for (temperature, e) in [known.first(), middle, known.last()].into_iter().flatten() {
            if shown.contains(temperature) {
                continue;
            }
            shown.push(*temperature);
            all.push((
                format!("{} at {temperature} K", r.name(k)),
                format!(
                    "{:.5} Å^3/atom, volume expansion {:.2}e-6 /K, bulk modulus {:.2} GPa",
                    e.volume,
                    e.expansion * 1e6,
                    e.bulk_modulus * GPA
                ),
            ));
        }
    }
    all
}

/// Columns of words, each as wide as it must be.
fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |k: usize| {
        let cells = rows.iter().filter_map(|r| r.get(k));
        cells.map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(wide).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Says what was found.
pub(super) fn summary(job: &SolidDeck, r: &Results, console: &Console) {
    for c in &r.curves {
        console.say("");
        console.say(format!(
            "{} (* counts; ± is the error of the fit):",
            c.phase.name
        ));
        let mut rows = vec![HEADS.map(str::to_owned).to_vec()];
        rows.extend(comparison(c, r.form));
        columns(&rows)
            .iter()
            .for_each(|l| console.say(format!("  {l}")));
        if let Some(text) = agreement(c) {
            console.say(format!("  {text}"));
        }
    }
    console.say("");
    if r.curves.len() > 1 {
        if let Some(text) = stable(r) {
            console.fact("stable", text);
        }
        for text in transitions(r) {
            console.fact("transition", text);
        }
    }
    if let Some(t) = &r.thermal {
        for (name, text) in expanded(r, t) {
            console.fact(&name, text);
        }
        for text in at_temperatures(r, t) {
            console.fact("transitions", text);
        }
    }
    warnings(job, r).iter().for_each(|w| console.warn(w));
    let f = &job.files;
    let thermal = r.thermal.as_ref().and(job.thermal.as_ref());
    let thermal = thermal.iter().flat_map(|t| [&t.table, &t.boundaries]);
    let all = [&f.report, &f.table, &f.enthalpies, &f.summary];
    let files: Vec<String> = all
        .into_iter()
        .chain(thermal)
        .flatten()
        .map(|f: &PathBuf| f.display().to_string())
        .collect();
    if !files.is_empty() {
        console.fact("written", files.join(", "));
    }
}

/// Everything in one page.
pub(super) fn report(deck: &Deck, job: &SolidDeck, r: &Results) -> Result<String> {
    let mut page = HtmlReport::new(&format!("Equation of state: {}", deck.source.path));
    warnings(job, r).iter().for_each(|w| page.warning(w));
    page.heading("Phases");
    let facts: Vec<(&str, String)> = r
        .curves
        .iter()
        .map(|c| (c.phase.name.as_str(), of_phase(&c.phase)))
        .collect();
    page.facts(&facts);
    page.heading("Equations of state");
    page.paragraph("Least squares through the energies of relaxed crystals. ± is the standard error by the covariance of the fit: energies without noise are left by a form in a smooth way, so that it says how well the form suits these volumes. The form with * counts for everything below.");
    for c in &r.curves {
        page.subheading(&c.phase.name);
        page.table(&HEADS, &comparison(c, r.form));
        if let Some(text) = agreement(c) {
            page.paragraph(&format!("Test: {text}."));
        }
    }
    page.figure(
        &pictures::energies(r)?,
        "Energies of relaxed crystals, and the curve through them; dashed: common tangents.",
    );
    if r.range.is_some() {
        page.heading("Pressure");
        if r.curves.len() > 1 {
            let mut facts: Vec<(&str, String)> = Vec::new();
            facts.extend(stable(r).map(|s| ("stable", s)));
            facts.extend(transitions(r).into_iter().map(|t| ("transition", t)));
            page.facts(&facts);
        }
        page.figure(
            &pictures::enthalpies(r)?,
            "The stable phase is that of lowest enthalpy.",
        );
    }
    if let Some(t) = &r.thermal {
        thermal(&mut page, r, t)?;
    }
    page.heading("Points");
    let heads = [
        "phase",
        "V (Å^3/atom)",
        "E (eV/atom)",
        "P virial (GPa)",
        "P curve (GPa)",
        "longest force (eV/Å)",
        "evaluations",
    ];
    let mut rows = Vec::new();
    for c in &r.curves {
        rows.extend(c.points.iter().map(|p| {
            let fitted = c.chosen.map(|f| f.equation.pressure_at(p.volume) * GPA);
            vec![
                c.phase.name.clone(),
                format!("{:.5}", p.volume),
                format!("{:.7}", p.energy),
                cell(p.pressure.map(|p| p * GPA), 4),
                cell(fitted, 4),
                format!("{:.1e}", p.fmax),
                p.calls.to_string(),
            ]
        }));
    }
    page.table(&heads, &rows);
    page.heading("Deck");
    page.code(&deck.resolved());
    Ok(page.html())
}

fn thermal(page: &mut HtmlReport, r: &Results, t: &Thermal) -> Result<()> {
    page.heading("Temperature");
    page.paragraph(
        "Quasi-harmonic approximation: phonons of the crystal at each volume give its free energy.",
    );
    page.figure(&pictures::thermal(r, t)?, "Volumes in equilibrium.");
    let heads = [
        "phase",
        "T (K)",
        "V (Å^3/atom)",
        "G (eV/atom)",
        "volume expansion (1e-6/K)",
        "bulk modulus (GPa)",
    ];
    let mut rows = Vec::new();
    for (k, p) in t.phases.iter().enumerate() {
        let every = p.rows.len().div_ceil(21).max(1);
        for (temperature, e) in p.rows.iter().step_by(every) {
            let Ok(e) = e else { continue };
            rows.push(vec![
                r.name(k).to_owned(),
                format!("{temperature}"),
                format!("{:.5}", e.volume),
                format!("{:.6}", e.gibbs),
                format!("{:.3}", e.expansion * 1e6),
                format!("{:.3}", e.bulk_modulus * GPA),
            ]);
        }
    }
    page.table(&heads, &rows);
    if t.boundaries.iter().any(|b| !b.1.transitions.is_empty()) {
        page.figure(
            &pictures::boundaries(r, t)?,
            "Pressures at which two phases have the same Gibbs energy.",
        );
    }
    Ok(())
}
