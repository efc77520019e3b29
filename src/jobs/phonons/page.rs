//! What a person reads: the crystal, the summary, and the report.

use super::tables::{self, MOLAR, THZ_IN_WAVENUMBERS};
use super::volume::Crystal;
use super::{Expansion, Results};
use crate::deck::{Deck, PhononsDeck};
use crate::error::Result;
use crate::report::{Console, HtmlReport};
use crate::units::EV_PER_A3_IN_GPA;
use crate::vibrations::phonons::{Imaginary, Thermal};

/// Facts of a crystal: names and values.
pub(super) fn crystal_facts(crystal: &Crystal) -> Vec<(&'static str, String)> {
    let c = &crystal.supercell;
    let (lengths, angles) = c.unit.cell.lengths_and_angles();
    let mut facts = vec![
        (
            "crystal",
            format!(
                "{} atoms, space group {}; primitive cell of {}",
                c.unit.atoms.len(),
                c.group.name(),
                crystal.primitive_atoms()
            ),
        ),
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
                "{:.6} eV/atom; longest force {:.1e} eV/Å{}",
                crystal.energy / c.unit.atoms.len() as f64,
                crystal.fmax,
                match crystal.steps {
                    0 => String::new(),
                    n => format!(" after {n} steps of relaxation"),
                }
            ),
        ),
    ];
    if let Some(s) = crystal.stress {
        let pressure = -(s[0][0] + s[1][1] + s[2][2]) / 3.0 * EV_PER_A3_IN_GPA;
        let pressure = if pressure.abs() < 5e-5 { 0.0 } else { pressure };
        facts.push(("pressure", format!("{pressure:.4} GPa")));
    }
    let w = c.system.cell.widths();
    facts.push((
        "supercell",
        format!(
            "{} × {} × {}, {} atoms, {:.1} Å wide; {} displacement{} to evaluate",
            c.repeat[0],
            c.repeat[1],
            c.repeat[2],
            c.system.atoms.len(),
            w.iter().copied().fold(f64::INFINITY, f64::min),
            crystal.displacements.len(),
            if crystal.displacements.len() == 1 {
                ""
            } else {
                "s"
            }
        ),
    ));
    facts
}

/// Forces (eV/Å) above this shift frequencies by more than anybody would like.
const LARGE_FORCE: f64 = 1e-3;

/// What is odd about a crystal; sentences.
fn doubts(crystal: &Crystal) -> Vec<String> {
    let mut all: Vec<String> = crystal.trouble.iter().cloned().collect();
    if crystal.trouble.is_none() && crystal.fmax > LARGE_FORCE {
        all.push(format!(
            "the crystal is not relaxed: the longest force is {:.1e} eV/Å, and frequencies belong to a minimum",
            crystal.fmax
        ));
    }
    all
}

pub(super) fn describe(crystal: &Crystal, console: &Console) {
    for (name, value) in crystal_facts(crystal) {
        console.fact(name, value);
    }
    doubts(crystal).iter().for_each(|d| console.warn(d));
}

/// Imaginary modes in words.
fn unstable(i: &Imaginary) -> String {
    format!(
        "the crystal is not stable: {:.1} % of its modes are imaginary, the lowest {:.3} THz (imaginary modes are shown as negative) at q = ({:.3}, {:.3}, {:.3}); \
         it is a saddle of the energy, not a minimum, and thermal properties leave those modes out",
        100.0 * i.share,
        i.lowest,
        i.at[0],
        i.at[1],
        i.at[2]
    )
}

/// Everything that is odd about the results; sentences.
fn warnings(r: &Results) -> Vec<String> {
    let mut all = doubts(&r.crystal);
    all.extend(r.imaginary.as_ref().map(unstable));
    let scale = r
        .constants
        .rows
        .iter()
        .flatten()
        .map(|m| m.amax())
        .fold(0.0, f64::max);
    if r.constants.asymmetry > 0.02 * scale {
        all.push(format!(
            "force constants that should be equal differ by {:.1e} eV/Å^2, {:.0} % of the largest: a smaller displacement, or a tighter relaxation, is needed",
            r.constants.asymmetry,
            100.0 * r.constants.asymmetry / scale
        ));
    }
    if let Some(e) = &r.expansion {
        all.extend(
            e.left_out
                .iter()
                .map(|l| format!("a volume was left out of the expansion, {l}")),
        );
        let lost: Vec<_> = e
            .rows
            .iter()
            .filter_map(|(t, x)| Some((*t, (*x).err()?)))
            .collect();
        if let Some((t, why)) = lost.first() {
            all.push(format!(
                "{} of {} temperatures have no thermal expansion, the first at {t} K: {}",
                lost.len(),
                e.rows.len(),
                tables::lost(*why)
            ));
        }
    }
    all
}

/// The row of a temperature nearest to the wanted one.
fn near(rows: &[Thermal], temperature: f64) -> Option<&Thermal> {
    let off = |t: &Thermal| (t.temperature - temperature).abs();
    rows.iter().min_by(|a, b| off(a).total_cmp(&off(b)))
}

fn facts(r: &Results) -> Vec<(&'static str, String)> {
    let atoms = r.crystal.primitive_atoms() as f64;
    let (low, high) = r.bands.range();
    // Rounding around zero has no sign.
    let low = if low.abs() < 5e-5 { 0.0 } else { low };
    let origin = r.phonons.at(nalgebra::Vector3::zeros(), false);
    let mut facts = vec![(
        "frequencies",
        format!(
            "{low:.4} to {high:.4} THz along the path ({:.1} 1/cm)",
            high * THZ_IN_WAVENUMBERS
        ),
    )];
    if let Ok(origin) = origin {
        let optical: Vec<String> = origin.frequencies[3.min(origin.frequencies.len())..]
            .iter()
            .map(|f| format!("{f:.4}"))
            .collect();
        if !optical.is_empty() {
            let shown = optical.len().min(9);
            let more = if shown < optical.len() { ", ..." } else { "" };
            facts.push((
                "optical at Γ",
                format!("{}{more} THz", optical[..shown].join(", ")),
            ));
        }
        let largest = origin
            .frequencies
            .iter()
            .take(3)
            .map(|f| f.abs())
            .fold(0.0, f64::max);
        facts.push((
            "acoustic at Γ",
            format!("{largest:.1e} THz at most (zero by the sum rule)"),
        ));
    }
    facts.push((
        "sum rule",
        format!(
            "force constants miss it by {:.1e} eV/Å^2 before it is imposed, and their symmetry by {:.1e}",
            r.constants.drift, r.constants.asymmetry
        ),
    ));
    let n = r.mesh.count;
    facts.push((
        "mesh",
        format!(
            "{} × {} × {}, {} different points",
            n[0],
            n[1],
            n[2],
            r.mesh.points.len()
        ),
    ));
    if let Some(t) = r.thermal.first().filter(|t| t.temperature == 0.0) {
        facts.push(("zero point", format!("{:.6} eV/atom", t.energy / atoms)));
    }
    if let Some(t) = near(&r.thermal, 300.0) {
        facts.push((
            "harmonic",
            format!(
                "at {} K: heat capacity {:.4}, entropy {:.4} J/K/mol of atoms",
                t.temperature,
                t.heat_capacity / atoms * MOLAR,
                t.entropy / atoms * MOLAR
            ),
        ));
    }
    if let Some(e) = &r.expansion {
        facts.extend(expansion_facts(e, r));
    }
    facts
}

fn expansion_facts(e: &Expansion, r: &Results) -> Vec<(&'static str, String)> {
    let volumes = r.crystal.supercell.unit.cell.volume().unwrap_or(0.0);
    let mut facts = vec![(
        "expansion",
        format!(
            "{} volumes at {:.3} GPa; the static crystal has a cube edge of {:.5} Å",
            e.points.len(),
            e.deck.pressure * EV_PER_A3_IN_GPA,
            volumes.cbrt()
        ),
    )];
    let off = |t: f64, wanted: f64| (t - wanted).abs();
    for wanted in [0.0, 300.0, f64::INFINITY] {
        let mut rows = e
            .rows
            .iter()
            .filter_map(|(t, x)| Some((*t, x.as_ref().ok()?)));
        let row = match wanted.is_finite() {
            true => rows.min_by(|a, b| off(a.0, wanted).total_cmp(&off(b.0, wanted))),
            false => rows.next_back(),
        };
        if let Some((t, x)) = row {
            facts.push((
                "",
                format!(
                    "at {t} K: edge {:.5} Å, volume expansion {:.2}e-6 /K, bulk modulus {:.2} GPa{}",
                    e.edge(&r.crystal, x.volume),
                    x.expansion * 1e6,
                    x.bulk_modulus * EV_PER_A3_IN_GPA,
                    match x.grueneisen.is_finite() {
                        true => format!(", Grüneisen {:.3}", x.grueneisen),
                        false => String::new(),
                    }
                ),
            ));
        }
    }
    facts
}

/// The end of a run on the terminal.
pub(super) fn summary(job: &PhononsDeck, r: &Results, console: &Console) {
    console.say("");
    for (name, value) in facts(r) {
        console.fact(name, value);
    }
    if r.imaginary.is_some() || r.expansion.is_some() {
        let doubts = warnings(r);
        doubts.iter().for_each(|w| console.warn(w));
    }
    let files = &job.files;
    let shown = [
        &files.report,
        &files.bands,
        &files.dos,
        &files.thermal,
        &files.expansion,
    ];
    for (k, file) in shown.into_iter().flatten().enumerate() {
        console.fact(
            if k == 0 { "written" } else { "" },
            file.display().to_string(),
        );
    }
}

/// The pictures (SVG).
pub(super) struct Pictures {
    pub bands: String,
    pub grueneisen: Option<String>,
    pub dos: String,
    pub thermal: String,
    pub expansion: Option<String>,
}

pub(super) fn pictures(r: &Results, deck: &str) -> Result<Pictures> {
    let atoms = r.crystal.primitive_atoms();
    let title = |what: &str| format!("{what}: {deck}");
    let edge = |v: f64| r.expansion.as_ref().map_or(0.0, |e| e.edge(&r.crystal, v));
    Ok(Pictures {
        bands: tables::bands_svg(&r.bands, &title("phonons"))?,
        grueneisen: tables::grueneisen_svg(&r.bands, &title("Grüneisen parameters")).transpose()?,
        dos: r.dos.svg(&title("density of states"))?,
        thermal: tables::thermal_svg(&r.thermal, atoms, &title("harmonic crystal"))?,
        expansion: r
            .expansion
            .as_ref()
            .map(|e| tables::expansion_svg(&e.rows, edge, &title("thermal expansion")))
            .transpose()?,
    })
}

/// Everything in one page.
pub(super) fn html(deck: &Deck, r: &Results, pictures: &Pictures) -> String {
    let mut page = HtmlReport::new(&format!("Phonons: {}", deck.source.path));
    warnings(r).iter().for_each(|w| page.warning(w));
    page.heading("Crystal");
    page.facts(&crystal_facts(&r.crystal));
    page.heading("Phonons");
    page.facts(&facts(r));
    let lattice = &r.path.lattice;
    page.figure(
        &pictures.bands,
        &format!("Bands along a path through the Brillouin zone of the {lattice} lattice. Imaginary frequencies are negative."),
    );
    page.figure(&pictures.dos, "Density of states, by linear tetrahedra.");
    page.heading("Thermal properties");
    page.figure(
        &pictures.thermal,
        "Heat capacity and entropy of the harmonic crystal at the volume of the relaxed one.",
    );
    let atoms = r.crystal.primitive_atoms() as f64;
    let every = r.thermal.len().div_ceil(21).max(1);
    let rows: Vec<Vec<String>> = r
        .thermal
        .iter()
        .step_by(every)
        .map(|t| {
            vec![
                format!("{}", t.temperature),
                format!("{:.6}", t.free_energy / atoms),
                format!("{:.6}", t.energy / atoms),
                format!("{:.4}", t.entropy / atoms * MOLAR),
                format!("{:.4}", t.heat_capacity / atoms * MOLAR),
            ]
        })
        .collect();
    let heads = [
        "T (K)",
        "F (eV/atom)",
        "U (eV/atom)",
        "S (J/K/mol)",
        "C_V (J/K/mol)",
    ];
    page.table(&heads, &rows);
    if let (Some(e), Some(svg)) = (&r.expansion, &pictures.expansion) {
        page.heading("Thermal expansion");
        page.paragraph("Quasi-harmonic approximation: the volume at which static energy, phonon free energy and pressure are in balance.");
        page.figure(svg, "Cube root of the volume of the unit cell.");
        if let Some(svg) = &pictures.grueneisen {
            page.figure(svg, "Mode Grüneisen parameters along the path: how much each frequency falls when the crystal grows.");
        }
        let every = e.rows.len().div_ceil(21).max(1);
        let rows: Vec<Vec<String>> = e
            .rows
            .iter()
            .step_by(every)
            .filter_map(|(t, x)| {
                let x = x.as_ref().ok()?;
                Some(vec![
                    format!("{t}"),
                    format!("{:.5}", e.edge(&r.crystal, x.volume)),
                    format!("{:.3}", x.expansion * 1e6),
                    format!("{:.3}", x.bulk_modulus * EV_PER_A3_IN_GPA),
                    format!("{:.4}", x.heat_capacity_p / atoms * MOLAR),
                    match x.grueneisen.is_finite() {
                        true => format!("{:.4}", x.grueneisen),
                        false => String::new(),
                    },
                ])
            })
            .collect();
        let heads = [
            "T (K)",
            "edge (Å)",
            "volume expansion (1e-6/K)",
            "bulk modulus (GPa)",
            "C_P (J/K/mol)",
            "Grüneisen",
        ];
        page.table(&heads, &rows);
    }
    page.heading("Deck");
    page.code(&deck.resolved());
    page.html()
}
