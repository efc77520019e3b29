//! What a person reads: the crystal, the summary, and the report.

use super::tables::{self, moduli, sets};
use super::{Constants, Reference, Results};
use crate::deck::{Deck, ElasticDeck};
use crate::elastic::NAMES;
use crate::error::Result;
use crate::report::{Console, HtmlReport};
use crate::units::EV_PER_A3_IN_GPA as GPA;

/// Forces (eV/Å) above this are no rest.
const LARGE_FORCE: f64 = 1e-2;
/// Stresses (GPa) beside a pressure above this make the constants depend on their definition.
const LARGE_STRESS: f64 = 0.1;

fn facts_of(r: &Reference) -> Vec<(&'static str, String)> {
    let (lengths, angles) = r.system.cell.lengths_and_angles();
    let group = r
        .group
        .as_ref()
        .map_or(String::new(), |g| format!(", space group {}", g.name()));
    vec![
        ("crystal", format!("{} atoms{group}", r.system.atoms.len())),
        (
            "cell",
            format!(
                "{:.5}, {:.5}, {:.5} Å; {:.3}°, {:.3}°, {:.3}°",
                lengths[0], lengths[1], lengths[2], angles[0], angles[1], angles[2]
            ),
        ),
        (
            "energy",
            format!(
                "{:.6} eV/atom; longest force {:.1e} eV/Å",
                r.energy / r.system.atoms.len() as f64,
                r.fmax
            ),
        ),
        (
            "pressure",
            format!("{:.4} GPa", tables::tidy(-r.stress.trace() / 3.0 * GPA)),
        ),
    ]
}

pub(super) fn describe(r: &Reference, console: &Console) {
    for (name, value) in facts_of(r) {
        console.fact(name, value);
    }
}

/// Everything that is odd about the results; sentences.
pub(super) fn warnings(r: &Results) -> Vec<String> {
    let mut all = Vec::new();
    let reference = &r.reference;
    if !reference.trouble.is_empty() {
        all.push(reference.trouble.clone());
    } else if reference.fmax > LARGE_FORCE {
        all.push(format!(
            "the crystal is not relaxed: the longest force is {:.1e} eV/Å",
            reference.fmax
        ));
    }
    let pressure = -reference.stress.trace() / 3.0;
    let shear = reference.stress + nalgebra::Matrix3::identity() * pressure;
    let largest = shear.amax() * GPA;
    if largest > LARGE_STRESS {
        all.push(format!(
            "the crystal is under a stress that is no pressure, up to {largest:.3} GPa: slopes of stresses are not symmetric then, and stand here as their mean"
        ));
    }
    for (ions, c) in sets(r) {
        if !c.stability.is_stable() {
            let s = c.stability.softest;
            let part = |k: usize| (s[k].abs() > 0.05).then(|| format!("{:+.2} {}", s[k], NAMES[k]));
            let strain: Vec<String> = (0..6).filter_map(part).collect();
            all.push(format!(
                "the crystal is not stable ({ions} ions): the strain {} costs {:.2} GPa, less than nothing; it is a saddle of the enthalpy, not a minimum",
                strain.join(" "),
                c.stability.eigenvalues[0] * GPA
            ));
        }
        let scale = c.slopes.0.amax();
        if c.change > 0.02 * scale {
            all.push(format!(
                "constants ({ions} ions) that should be equal differ by {:.2} GPa: the atoms are not relaxed well enough, or strains are too large",
                c.change * GPA
            ));
        }
    }
    let lost: Vec<String> = r
        .strained
        .iter()
        .filter(|s| !s.converged)
        .map(|s| format!("{} {:+}", NAMES[s.component], s.strain))
        .collect();
    if let Some(first) = lost.first() {
        all.push(format!(
            "atoms are not relaxed in {} of {} strained cells (first at {first})",
            lost.len(),
            r.strained.len()
        ));
    }
    all
}

fn number(c: &Constants, a: usize, b: usize) -> String {
    let value = tables::tidy(c.slopes.0[(a, b)] * GPA);
    match tables::error(c, a, b) {
        Some(e) => format!("{value:.3} ± {:.1e}", e * GPA),
        None => format!("{value:.3}"),
    }
}

/// Constants with the same value on one line.
fn distinct(c: &Constants) -> Vec<(String, String)> {
    // What symmetry makes equal is equal to rounding; zero is what is far below everything else.
    let sets = c.slopes.distinct(1e-7 * c.slopes.0.amax());
    let small = 1e-4 * c.slopes.0.amax();
    let shown = sets.into_iter().filter(|s| s.1.abs() > small);
    shown
        .map(|(places, _)| {
            let names: Vec<String> = places.iter().map(|(a, b)| tables::name(*a, *b)).collect();
            let (a, b) = places[0];
            (names.join(" = "), number(c, a, b))
        })
        .collect()
}

/// Says what was found.
pub(super) fn summary(job: &ElasticDeck, r: &Results, console: &Console) {
    for (ions, c) in sets(r) {
        console.say("");
        console.say(format!(
            "{} (GPa; slopes of the stress, ± error of the fit):",
            title(ions)
        ));
        for (names, value) in distinct(c) {
            console.say(format!("  {names}: {value}"));
        }
        for (name, value, unit) in moduli(c) {
            console.say(format!("  {name}: {value:.4} {unit}").trim_end());
        }
        let e = c.stability.eigenvalues.map(|e| format!("{:.2}", e * GPA));
        console.say(format!(
            "  {}: eigenvalues {} GPa",
            if c.stability.is_stable() {
                "stable"
            } else {
                "NOT stable"
            },
            e.join(", ")
        ));
    }
    console.say("");
    warnings(r).iter().for_each(|w| console.warn(w));
    let f = &job.files;
    let files = [&f.table, &f.summary, &f.report];
    let files: Vec<String> = files
        .into_iter()
        .flatten()
        .map(|f| f.display().to_string())
        .collect();
    if !files.is_empty() {
        console.fact("written", files.join(", "));
    }
}

fn title(ions: &str) -> &'static str {
    match ions {
        "relaxed" => "Atoms relaxed in each strained cell",
        _ => "Atoms where the strain takes them",
    }
}

/// Everything in one page.
pub(super) fn report(deck: &Deck, r: &Results) -> Result<String> {
    let mut page = HtmlReport::new(&format!("Elastic constants: {}", deck.source.path));
    page.heading("Crystal");
    page.facts(&facts_of(&r.reference));
    warnings(r).iter().for_each(|w| page.warning(w));
    page.heading("Constants");
    page.paragraph("Slopes of the Cauchy stress with the strain, in the Cartesian frame of the structure, in Voigt's order xx, yy, zz, yz, xz, xy with engineering shears; ± is the standard error of the fit. Under a pressure p they differ from second derivatives of the energy by Lagrangian strain: C11 = B11 + p, C12 = B12 - p, C44 = B44 + p; the table has both. Stability and moduli belong to the slopes.");
    for (ions, c) in sets(r) {
        page.subheading(title(ions));
        let rows = (0..6).map(|a| {
            let mut row = vec![NAMES[a].to_owned()];
            row.extend((0..6).map(|b| {
                if b < a {
                    String::new()
                } else {
                    number(c, a, b)
                }
            }));
            row
        });
        let heads: Vec<String> = std::iter::once("GPa".to_owned())
            .chain(NAMES.map(str::to_owned))
            .collect();
        page.table(&heads, &rows.collect::<Vec<_>>());
        let mut facts: Vec<(String, String)> = moduli(c)
            .into_iter()
            .map(|(name, value, unit)| (name.to_owned(), format!("{value:.4} {unit}")))
            .collect();
        let e = c.stability.eigenvalues.map(|e| format!("{:.3}", e * GPA));
        facts.push((
            match c.stability.is_stable() {
                true => "stable, eigenvalues (GPa)",
                false => "not stable, eigenvalues (GPa)",
            }
            .to_owned(),
            e.join(", "),
        ));
        facts.push((
            "change by symmetry".to_owned(),
            format!("{:.4} GPa at most", c.change * GPA),
        ));
        page.facts(&facts);
    }
    page.heading("Stresses");
    page.figure(
        &tables::picture(r)?,
        "The stress of each component against its own strain.",
    );
    page.heading("Deck");
    page.code(&deck.resolved());
    Ok(page.html())
}
