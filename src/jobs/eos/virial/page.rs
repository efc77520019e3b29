//! What a person reads: the molecules, the coefficients, the report.

use super::tables::{self, total};
use super::{Origin, Results, reference};
use crate::analysis::second_virial::{CM3_PER_MOL, SecondVirial};
use crate::deck::{Deck, VirialDeck};
use crate::error::Result;
use crate::report::{Console, HtmlReport};

/// Energies (eV) below this are no dimer of molecules.
const ABSURD: f64 = -2.0;
/// A tail larger than this share of the coefficient, and this (cm³/mol), is worth a word.
const LARGE_TAIL: (f64, f64) = (0.05, 2.0);

/// What is going to be summed.
pub(super) fn facts(origin: &Origin, sums: &SecondVirial) -> Vec<(&'static str, String)> {
    let [a, b] = origin.names();
    let [orientations, sets] = origin.orientations;
    let geometries = origin.first.geometries.len();
    let mut all = vec![(
        "molecules",
        match geometries {
            1 => format!("{a} and {b}, rigid"),
            n => format!("{a} and {b}, {n} geometries of {a}"),
        },
    )];
    all.push((
        "distances",
        format!("{} up to {:.2} Å", sums.nodes().len(), origin.outer),
    ));
    if orientations * sets > 1 {
        all.push((
            "orientations",
            format!("{sets} sets of {orientations} at each distance"),
        ));
    }
    if origin.tail.c6 != 0.0 {
        all.push(("tail", format!("C6 = {:.4} eV Å^6 beyond", origin.tail.c6)));
    }
    all
}

pub(super) fn describe(origin: &Origin, sums: &SecondVirial, console: &Console) {
    for (name, value) in facts(origin, sums) {
        console.fact(name, value);
    }
}

/// What is odd; sentences.
fn warnings(r: &Results) -> Vec<String> {
    let mut all = Vec::new();
    if r.found.without_wall > 0 {
        all.push(format!(
            "in {} orientations atoms of the two molecules came together without a repulsive wall: the model knows nothing of such distances, and what lies inside is taken for an overlap",
            r.found.without_wall
        ));
    }
    if let Some((energy, at, _)) = r.found.deepest.as_ref().filter(|d| d.0 < ABSURD) {
        all.push(format!(
            "two molecules are bound by {energy:.2} eV at {at:.2} Å: the model has a hole there, and the coefficients mean nothing"
        ));
    }
    let large = r.coefficients.iter().filter(|c| {
        c.tail.abs() > LARGE_TAIL.0 * c.classical.abs() && c.tail.abs() * CM3_PER_MOL > LARGE_TAIL.1
    });
    if let Some(c) = large.into_iter().next() {
        all.push(format!(
            "at {} K the tail beyond {:.1} Å has {:.2} cm^3/mol: choose a larger `outer`",
            c.temperature,
            r.outer,
            c.tail * CM3_PER_MOL
        ));
    }
    let rough = |c: &&crate::analysis::second_virial::Coefficient| {
        let correction = c.translation.0 + c.rotation.0;
        correction.abs() > 0.3 * c.classical.abs().max(10.0 / CM3_PER_MOL)
    };
    if let Some(c) = r.coefficients.iter().find(rough) {
        all.push(format!(
            "at {} K the first quantum correction is large: the series in ħ² is of no use there",
            c.temperature
        ));
    }
    all
}

fn rows(r: &Results) -> (Vec<String>, Vec<Vec<String>>) {
    let mut heads = vec![
        "T (K)".to_owned(),
        "classical".to_owned(),
        "quantum corrections".to_owned(),
        "together".to_owned(),
    ];
    if !r.measured.is_empty() {
        heads.push("reference".to_owned());
        heads.push("deviation".to_owned());
    }
    let row = |c: &crate::analysis::second_virial::Coefficient| {
        let (all, error) = total(c);
        let n = |x: f64| format!("{:.2}", x * CM3_PER_MOL);
        let mut row = vec![
            c.temperature.to_string(),
            format!("{} ± {}", n(c.classical), n(c.error)),
            format!("{} + {}", n(c.translation.0), n(c.rotation.0)),
            format!("{} ± {}", n(all), n(error)),
        ];
        if !r.measured.is_empty() {
            let known = reference::at(&r.measured, c.temperature);
            row.push(known.map_or(String::new(), |x| format!("{x:.2}")));
            row.push(known.map_or(String::new(), |x| {
                format!(
                    "{:+.2} ({:+.1} %)",
                    all * CM3_PER_MOL - x,
                    100.0 * (all * CM3_PER_MOL - x) / x.abs().max(1e-9)
                )
            }));
        }
        row
    };
    (heads, r.coefficients.iter().map(row).collect())
}

fn findings(r: &Results) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some((energy, at, _)) = &r.found.deepest {
        all.push((
            "lowest energy",
            format!("{:.3} meV, centres of mass {at:.3} Å apart", energy * 1e3),
        ));
    }
    if let Some(t) = tables::boyle(r) {
        all.push(("Boyle temperature", format!("{t:.1} K, classical")));
    }
    all.push(("dimers", r.found.evaluated.to_string()));
    all
}

/// Says what was found.
pub(super) fn summary(job: &VirialDeck, r: &Results, console: &Console) {
    console.say("");
    console.say(format!(
        "Second virial coefficient of {} (cm^3/mol; quantum corrections of translation + rotation):",
        r.names.join(" and ")
    ));
    let (heads, rows) = rows(r);
    let widths: Vec<usize> = (0..heads.len())
        .map(|k| {
            let cells = rows.iter().map(|row| row[k].chars().count());
            cells.chain([heads[k].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths);
        let words: Vec<String> = cells.map(|(c, w)| format!("{c:>w$}")).collect();
        format!("  {}", words.join("  "))
    };
    console.say(line(&heads));
    rows.iter().for_each(|row| console.say(line(row)));
    for (name, value) in findings(r) {
        console.fact(name, value);
    }
    warnings(r).iter().for_each(|w| console.warn(w));
    let f = &job.files;
    let files = [&f.table, &f.curve, &f.summary, &f.picture, &f.report];
    let files: Vec<String> = files
        .into_iter()
        .flatten()
        .map(|f| f.display().to_string())
        .collect();
    if !files.is_empty() {
        console.fact("written", files.join(", "));
    }
}

/// Everything in one page.
pub(super) fn report(deck: &Deck, r: &Results) -> Result<String> {
    let mut page = HtmlReport::new(&format!("Second virial coefficient: {}", deck.source.path));
    page.heading("Coefficients");
    page.paragraph("In cm^3/mol, with standard errors. The quantum corrections are the first of Wigner and Kirkwood, of the order ħ², for the translation and for the rotation of rigid molecules.");
    let (heads, rows) = rows(r);
    page.table(&heads, &rows);
    warnings(r).iter().for_each(|w| page.warning(w));
    page.facts(&findings(r));
    page.figure(&tables::picture(r)?, "Coefficients against temperatures.");
    page.heading("Two molecules");
    page.figure(
        &tables::wells(r)?,
        "Energy beside that of the molecules alone, against the distance of the centres of mass.",
    );
    page.heading("Deck");
    page.code(&deck.resolved());
    Ok(page.html())
}
