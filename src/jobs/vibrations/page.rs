//! What a person reads: the summary on the terminal, and the report.

use super::tables::{self, free_modes, name, order_of_saddle, resolution, verdict};
use super::{Results, Species, source};
use crate::deck::{Deck, VibrationsDeck};
use crate::error::Result;
use crate::report::{Console, HtmlReport};
use crate::units::{EV_IN_KJ_MOL, EV_PER_A3_IN_BAR};
use crate::vibrations::{Ensemble, Freedom, Modes, wavenumber};

/// Forces (eV/Å) above this shift frequencies by more than anybody would like.
const LARGE_FORCE: f64 = 1e-2;
/// A shift of a frequency (cm⁻¹) by the projection that is worth a word.
const LARGE_SHIFT: f64 = 0.5;
/// Below this (cm⁻¹) a mode of a molecule is hardly harmonic, and its entropy is large and uncertain.
const SOFT: f64 = 50.0;

/// The rigid motions that are left out, in words.
pub(super) fn left_out(freedom: Freedom) -> &'static str {
    match freedom {
        Freedom::Held => "nothing: atoms are held",
        Freedom::Translations => "translations",
        Freedom::Molecule => "translations and rotations",
    }
}

/// `1 mode`, `2 modes`.
fn modes(count: usize) -> String {
    match count {
        1 => "1 mode".to_owned(),
        n => format!("{n} modes"),
    }
}

/// Everything that is odd about the results; sentences.
pub(super) fn warnings(r: &Results) -> Vec<String> {
    let mut all = Vec::new();
    if !r.trouble.is_empty() {
        all.push(r.trouble.clone());
    }
    if r.fmax > LARGE_FORCE {
        all.push(format!(
            "forces are not small, up to {:.1e} eV/Å: this is no stationary point, and frequencies belong to one; let the job relax the structure (`relax = true`)",
            r.fmax
        ));
    }
    for s in &r.species {
        let of = match s.name.as_str() {
            "" => String::new(),
            name => format!("{name}: "),
        };
        let n = order_of_saddle(&s.modes);
        if n > 0 {
            let list: Vec<String> = s.modes.modes[..n]
                .iter()
                .map(|m| format!("{:.1}i", -m.wavenumber()))
                .collect();
            let are = if n == 1 { "mode is" } else { "modes are" };
            all.push(format!(
                "{of}{n} {are} imaginary ({} cm^-1): this is a saddle of order {n}, not a minimum; thermochemistry leaves them out",
                list.join(", ")
            ));
        }
        let free = free_modes(&s.modes);
        if free > 0 {
            all.push(format!(
                "{of}{}, zero within {:.1} cm^-1: motions that nothing holds, such as turning about an atom that is held; thermochemistry leaves them out",
                modes(free),
                resolution(&s.modes)
            ));
        }
        let mixing = wavenumber(s.modes.mixing());
        if mixing > LARGE_SHIFT {
            all.push(format!(
                "{of}low modes mix with rigid motions: taking those out shifts a frequency by {mixing:.1} cm^-1{}",
                match r.fmax > 1e-3 {
                    true => ", since forces are left",
                    false => "; a periodic cell, or something that holds atoms, may hinder them (see `rigid`)",
                }
            ));
        }
        let least = resolution(&s.modes);
        let soft = |m: &&crate::vibrations::Mode| (least..SOFT).contains(&m.wavenumber());
        let soft = s.modes.modes.iter().filter(soft).count();
        let gas = matches!(s.thermochemistry.ensemble, Ensemble::IdealGas(_));
        if soft > 0 && gas {
            all.push(format!(
                "{of}{} below {SOFT} cm^-1, hardly harmonic: that part of the entropy is uncertain",
                modes(soft)
            ));
        }
    }
    let largest = (0..r.hessian.matrix.nrows())
        .map(|i| r.hessian.matrix[(i, i)].abs())
        .fold(0.0, f64::max);
    if r.hessian.asymmetry > 0.01 * largest {
        all.push(format!(
            "second derivatives that should be equal differ by {:.1e} eV/Å^2, {:.0} % of the largest: choose another `displacement`",
            r.hessian.asymmetry,
            100.0 * r.hessian.asymmetry / largest
        ));
    }
    all
}

fn facts(r: &Results) -> Vec<(&'static str, String)> {
    let size = r.hessian.matrix.nrows();
    let (atoms, free) = (r.system.atoms.len(), r.hessian.atoms.len());
    let held = match atoms - free {
        0 => String::new(),
        n => format!(", {n} of them held"),
    };
    let mut facts = vec![
        (
            "structure",
            format!(
                "{atoms} atoms{held}; {:.8} eV, longest force {:.1e} eV/Å",
                r.energy, r.fmax
            ),
        ),
        (
            "Hessian",
            format!(
                "{size} × {size}, {}; asymmetry {:.1e} eV/Å^2",
                source(&r.hessian),
                r.hessian.asymmetry
            ),
        ),
    ];
    if let Some(s) = r.species.first() {
        facts.extend(of_species(r, s));
    }
    facts
}

fn of_species(r: &Results, s: &Species) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(group) = &s.group {
        facts.push((
            "point group",
            format!("{}, symmetry number {}", group.name, s.symmetry_number),
        ));
    }
    let rigid = match s.modes.rigid {
        0 => format!("{}; nothing is left out", modes(s.modes.modes.len())),
        n => format!(
            "{}; {n} {} left out, which come to {:.2} cm^-1 at most by themselves",
            modes(s.modes.modes.len()),
            left_out(r.freedom),
            wavenumber(s.modes.residual())
        ),
    };
    facts.push(("modes", format!("{rigid}; a {}", verdict(&s.modes))));
    let zpe = s.thermochemistry.zero_point_energy();
    facts.push((
        "zero point",
        format!("{zpe:.6} eV, {:.3} kJ/mol", zpe * EV_IN_KJ_MOL),
    ));
    let row = s.thermochemistry.at(298.15);
    let p = s.thermochemistry.pressure * EV_PER_A3_IN_BAR;
    let motion = match &s.thermochemistry.ensemble {
        Ensemble::Harmonic { .. } => "oscillators only".to_owned(),
        Ensemble::IdealGas(_) => format!("ideal gas of rigid rotors at {p:.4} bar"),
    };
    facts.push((
        "at 298.15 K",
        format!(
            "{motion}: S = {:.3} J/mol/K, Cp = {:.3} J/mol/K, H - E = {:.6} eV, G - E = {:.6} eV",
            row.entropy * 1e3 * EV_IN_KJ_MOL,
            row.cp * 1e3 * EV_IN_KJ_MOL,
            row.enthalpy - r.energy,
            row.gibbs - r.energy
        ),
    ));
    facts
}

/// Modes listed on the terminal at most; the table has all.
const LISTED: usize = 60;

fn list(found: &Modes, labels: &[String], say: &mut dyn FnMut(String)) {
    let head = format!(
        "{:>6} {:>12} {:>10} {:>10} {:>9}  {}",
        "mode",
        "cm^-1",
        "meV",
        "THz",
        "mass/u",
        if labels.is_empty() { "" } else { "symmetry" }
    );
    say(head.trim_end().to_owned());
    let (count, half) = (found.modes.len(), LISTED / 2);
    for (k, m) in found.modes.iter().enumerate() {
        if count > LISTED && k == half {
            say(format!("{:>6} {} more in the table", "...", count - LISTED));
        }
        if count > LISTED && (half..count - half).contains(&k) {
            continue;
        }
        let row = format!(
            "{:>6} {:>12.3} {:>10.4} {:>10.5} {:>9.4}  {}",
            k + 1,
            m.wavenumber(),
            1e3 * m.energy(),
            m.terahertz(),
            m.reduced_mass,
            labels.get(k).map_or("", String::as_str)
        );
        say(row.trim_end().to_owned());
    }
}

/// Says what was found.
pub(super) fn summary(job: &VibrationsDeck, r: &Results, console: &Console) {
    for (name, value) in facts(r) {
        console.fact(name, value);
    }
    if let Some(s) = r.species.first() {
        console.say("");
        list(&s.modes, &s.labels, &mut |line| console.say(line));
    }
    for s in r.species.iter().skip(1) {
        console.say("");
        console.say(format!("{}:", name(s)));
        for (name, value) in of_species(r, s) {
            console.fact(name, value);
        }
    }
    console.say("");
    warnings(r).iter().for_each(|w| console.warn(w));
    let f = &job.files;
    let files = [&f.table, &f.thermochemistry, &f.modes, &f.report];
    let files: Vec<String> = files
        .into_iter()
        .flatten()
        .map(|f| f.display().to_string())
        .collect();
    if !files.is_empty() {
        console.fact("written", files.join(", "));
    }
}

/// Temperatures in the report at most.
const ROWS: usize = 30;

/// Everything in one page.
pub(super) fn report(deck: &Deck, job: &VibrationsDeck, r: &Results) -> Result<String> {
    let mut page = HtmlReport::new(&format!("Vibrations: {}", deck.source.path));
    page.heading("Summary");
    page.facts(&facts(r));
    warnings(r).iter().for_each(|w| page.warning(w));
    page.heading("Frequencies");
    page.paragraph("Imaginary frequencies are shown as negative numbers. Nothing here knows infrared or Raman intensities: the height of a stick is the reduced mass of its mode.");
    page.figure(
        &tables::sticks(r)?,
        "Frequencies, as sticks of the height of the reduced mass.",
    );
    for s in &r.species {
        if r.species.len() > 1 {
            page.subheading(match s.name.as_str() {
                "" => "Masses as they are",
                name => name,
            });
            page.facts(&of_species(r, s));
        }
        let rows = s.modes.modes.iter().enumerate().map(|(k, m)| {
            vec![
                (k + 1).to_string(),
                format!("{:.3}", m.wavenumber()),
                format!("{:.4}", 1e3 * m.energy()),
                format!("{:.5}", m.terahertz()),
                format!("{:.4}", m.reduced_mass),
                s.labels.get(k).cloned().unwrap_or_default(),
            ]
        });
        let heads = [
            "mode",
            "wavenumber (cm⁻¹)",
            "energy (meV)",
            "frequency (THz)",
            "reduced mass (u)",
            "symmetry",
        ];
        page.table(&heads, &rows.collect::<Vec<_>>());
    }
    page.heading("Thermochemistry");
    page.paragraph(
        "Potential energy at rest included. Harmonic oscillators; a gas is ideal, of rigid rotors.",
    );
    let every = job
        .thermochemistry
        .temperatures()
        .len()
        .div_ceil(ROWS)
        .max(1);
    for s in &r.species {
        if r.species.len() > 1 {
            page.subheading(name(s));
        }
        let rows = s.rows.iter().enumerate();
        let rows = rows.filter(|(k, row)| k % every == 0 || row.temperature == 298.15);
        let rows = rows.map(|(_, row)| {
            vec![
                format!("{}", row.temperature),
                format!("{:.6}", row.internal),
                format!("{:.6}", row.enthalpy),
                format!("{:.3}", row.entropy * 1e3 * EV_IN_KJ_MOL),
                format!("{:.3}", row.cv * 1e3 * EV_IN_KJ_MOL),
                format!("{:.6}", row.helmholtz),
                format!("{:.6}", row.gibbs),
            ]
        });
        let heads = [
            "T (K)",
            "U (eV)",
            "H (eV)",
            "S (J/mol/K)",
            "Cv (J/mol/K)",
            "F (eV)",
            "G (eV)",
        ];
        page.table(&heads, &rows.collect::<Vec<_>>());
    }
    page.heading("Deck");
    page.code(&deck.resolved());
    Ok(page.html())
}
