//! What a run is going to do, in words: at its start, and for `zundel check`.

use super::ensemble::{self as parts_of, Setting, holds_centre};
use super::files::Files;
use super::ladder;
use super::reliability::Watch;
use super::simulation::in_femtoseconds;
use super::{Origin, Plan};
use crate::deck::{
    BarostatDeck, BarostatMethod, Coupling, Deck, MdDeck, ModeThermostatDeck, OutputDeck,
    Precision, StageDeck, ThermostatDeck, VelocitySource,
};
use crate::dynamics::rings::Order;
use crate::error::{Error, Result};
use crate::jobs::announce::banner;
use crate::jobs::parts;
use crate::parallel;
use crate::potential::{Evaluation, Evaluator, Want};
use crate::report::{Console, Page, human_bytes, human_duration, human_seconds, per_day};
use crate::simd;
use crate::system::System;
use crate::units::{EV_PER_A3_IN_GPA, FS};
use std::path::PathBuf;
use std::time::Instant;

/// One paragraph at the start of a run.
pub(super) fn announce(plan: &Plan<'_>, console: &Console) {
    banner(&plan.deck.source, console);
    for term in &plan.terms {
        console.fact(
            "potential",
            term_line(
                plan.terms.len(),
                &term.name,
                term.scale,
                &term.potential.description().name,
            ),
        );
    }
    plan.notes.iter().for_each(|note| console.fact("", note));
    for (what, text) in ensembles(plan.md) {
        console.fact(what, text);
    }
    console.fact("length", length(plan.md));
    if plan.md.replicas > 1 {
        console.fact("replicas", plan.md.replicas.to_string());
    }
    let picked = if plan.seed_picked {
        format!(" (picked; `seed = {}` in [md] repeats this run)", plan.seed)
    } else {
        String::new()
    };
    console.fact("seed", format!("{}{picked}", plan.seed));
    console.fact("threads", threads());
}

/// Threads and instruction set, as in `2, AVX2`.
fn threads() -> String {
    format!("{}, {}", parallel::threads(), simd::level_name())
}

fn term_line(terms: usize, name: &str, scale: f64, what: &str) -> String {
    let factor = if scale == 1.0 {
        String::new()
    } else {
        format!("{scale} × ")
    };
    // The name of an only term says nothing new.
    if terms == 1 {
        format!("{factor}{what}")
    } else {
        format!("{name}: {factor}{what}")
    }
}

/// The ensemble of each stage, as lines for a page.
fn ensembles(md: &MdDeck) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    for (k, stage) in md.schedule().iter().enumerate() {
        let text = ensemble(md, stage);
        lines.push(match md.stages.is_empty() {
            true => ("ensemble", text),
            false => (
                if k == 0 { "stages" } else { "" },
                format!("{}, {} steps: {text}", stage.name, stage.steps),
            ),
        });
    }
    if !md.substeps.is_empty() {
        let h = in_femtoseconds(md.timestep);
        let each = md.substeps.iter().map(|(name, n)| {
            let step = tidy(h / f64::from(*n));
            format!("{name} every {step} fs")
        });
        let each: Vec<String> = each.collect();
        lines.push((
            "steps",
            format!("{}, other terms every {h} fs", each.join(", ")),
        ));
    }
    if let Some(exchange) = &md.exchange {
        let rungs: Vec<String> = (0..exchange.temperatures.len())
            .map(|k| ladder::rung(exchange, k))
            .collect();
        let pause = tidy(exchange.every as f64 * in_femtoseconds(md.timestep));
        lines.push((
            "exchange",
            format!("{}; every {pause} fs", rungs.join(", ")),
        ));
    }
    lines.extend(nuclei(md).map(|text| ("nuclei", text)));
    lines.extend(md.groups.iter().map(|g| {
        let thermostat = g.thermostat.as_ref().map(|t| {
            let at = g
                .temperature
                .map_or(String::new(), |t| format!(" at {t} K"));
            format!("{}{at}", thermostat(t))
        });
        let axes = ["x", "y", "z"]
            .into_iter()
            .zip(g.held)
            .filter(|a| a.1)
            .map(|a| a.0);
        let axes: Vec<&str> = axes.collect();
        let held = (!axes.is_empty()).then(|| format!("held along {}", axes.join(", ")));
        let words: Vec<String> = thermostat.into_iter().chain(held).collect();
        ("group", format!("{}: {}", g.name, words.join(", ")))
    }));
    lines
}

/// Quantum nuclei in words; none for classical ones.
fn nuclei(md: &MdDeck) -> Option<String> {
    let beads = md.ring_beads();
    if beads == 1 {
        return None;
    }
    let modes = |t: &Option<ModeThermostatDeck>| match t {
        None => "free internal modes (RPMD)".to_owned(),
        Some(ModeThermostatDeck::Pile { lambda }) => format!("PILE with λ = {lambda}"),
        Some(ModeThermostatDeck::Gle { .. }) => "generalised Langevin in the modes".to_owned(),
    };
    // Rings begin as points at the atoms.
    let begins = md
        .schedule()
        .first()
        .is_some_and(|s| s.mode_thermostat.is_none());
    let mut baths: Vec<String> = md
        .schedule()
        .iter()
        .map(|s| modes(&s.mode_thermostat))
        .collect();
    baths.dedup();
    let mut text = format!(
        "quantum, ring polymers of {beads} beads, {}",
        baths.join(", then ")
    );
    if begins {
        text.push_str(" (they begin as points at the atoms: put a stage with PILE before)");
    }
    match md.rings.order {
        Order::Second => {}
        Order::TakahashiImada => text.push_str(", Takahashi-Imada (fourth order)"),
        Order::SuzukiChin { alpha } => {
            text.push_str(&format!(", Suzuki-Chin (fourth order, α = {alpha})"))
        }
    }
    if let Some(w) = md.rings.frequency {
        text.push_str(&format!(", internal modes at {}", per_ps(w)));
    }
    for (term, n) in &md.rings.contraction {
        text.push_str(&format!(", {term} on {n}"));
    }
    Some(text)
}

/// Six digits are more than anybody writes, and hide the way through the internal unit.
fn tidy(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

fn per_ps(rate: f64) -> String {
    format!("{} /ps", tidy(rate * FS * 1e3))
}

fn femtoseconds(time: f64) -> String {
    format!("{} fs", tidy(time / FS))
}

fn thermostat(t: &ThermostatDeck) -> String {
    let splitting = |middle: Option<bool>| match middle {
        Some(true) => " (BAOAB)",
        Some(false) => " (OBABO)",
        None => "",
    };
    match t {
        ThermostatDeck::Langevin { friction, middle } => {
            format!(
                "Langevin{} with friction {}",
                splitting(*middle),
                per_ps(*friction)
            )
        }
        ThermostatDeck::VelocityRescaling { time, local } => {
            let of = if *local { " of each atom" } else { "" };
            format!(
                "stochastic velocity rescaling{of} with {}",
                femtoseconds(*time)
            )
        }
        ThermostatDeck::NoseHoover { time, chain, local } => {
            let of = if *local {
                " on each degree of freedom"
            } else {
                ""
            };
            format!(
                "Nosé-Hoover chain of {chain}{of} with {}",
                femtoseconds(*time)
            )
        }
        ThermostatDeck::Gle {
            covariance, middle, ..
        } => {
            let quantum = if covariance.is_some() {
                " with its own covariance"
            } else {
                ""
            };
            format!("generalised Langevin{}{quantum}", splitting(*middle))
        }
        ThermostatDeck::Andersen { rate } => format!("Andersen with {}", per_ps(*rate)),
        ThermostatDeck::Berendsen { time } => format!("Berendsen with {}", femtoseconds(*time)),
    }
}

fn barostat(b: &BarostatDeck) -> String {
    let gpa = |s: &[f64; 6]| {
        let p = s.map(|p| tidy(p * EV_PER_A3_IN_GPA));
        if s[0] == s[1] && s[1] == s[2] && s[3..] == [0.0; 3] {
            format!("{} GPa", p[0])
        } else {
            format!(
                "xx {} yy {} zz {} yz {} xz {} xy {} GPa",
                p[0], p[1], p[2], p[3], p[4], p[5]
            )
        }
    };
    let target = match &b.final_stress {
        Some(last) => format!("{} to {}", gpa(&b.stress), gpa(last)),
        None => gpa(&b.stress),
    };
    let method = match b.method {
        BarostatMethod::CellRescaling { .. } => "stochastic cell rescaling",
        BarostatMethod::Mtk { .. } => "Martyna-Tobias-Klein",
        BarostatMethod::Bzp { .. } => "Bussi-Zykova-Parrinello",
        BarostatMethod::Berendsen { .. } => "Berendsen",
    };
    let coupling = match b.coupling {
        Coupling::Isotropic => "isotropic",
        Coupling::SemiIsotropic => "semi-isotropic",
        Coupling::Anisotropic => "anisotropic",
        Coupling::Triclinic => "triclinic",
    };
    let of = if b.molecules {
        " of whole molecules"
    } else {
        ""
    };
    format!(
        "{target}, {method} ({coupling}){of} with {}",
        femtoseconds(b.time)
    )
}

/// An ensemble in words.
pub(super) fn ensemble(md: &MdDeck, stage: &StageDeck) -> String {
    let centre = if holds_centre(md, stage) {
        "centre of mass fixed"
    } else {
        "centre of mass free"
    };
    let centre = match md.fix_rotation {
        true => format!("{centre}, no rotation"),
        false => centre.to_owned(),
    };
    let pressure = match stage.barostat.is_none() && md.molecular_pressure {
        true => ", pressure of whole molecules",
        false => "",
    };
    let inertia = stage.barostat.as_ref().is_some_and(|b| {
        matches!(
            b.method,
            BarostatMethod::Mtk { .. } | BarostatMethod::Bzp { .. }
        )
    });
    let (Some(deck), Some(t)) = (&stage.thermostat, stage.temperature) else {
        let baths = md.groups.iter().filter(|g| g.thermostat.is_some()).count();
        let ensemble = match baths {
            0 => "NVE",
            _ => "thermostats of groups only",
        };
        return format!("{ensemble}, velocity Verlet, {centre}{pressure}");
    };
    let mut deck = deck.clone();
    if let ThermostatDeck::Langevin { middle, .. } | ThermostatDeck::Gle { middle, .. } = &mut deck
    {
        middle.get_or_insert(!inertia);
    }
    let target = match stage.final_temperature {
        _ if md.exchange.is_some() => "the temperatures below".to_owned(),
        Some(last) => format!("{t} to {last} K"),
        None => format!("{t} K"),
    };
    match &stage.barostat {
        None => format!("NVT at {target}, {}, {centre}{pressure}", thermostat(&deck)),
        Some(b) => format!(
            "NPT at {target} and {}; {}, {centre}",
            barostat(b),
            thermostat(&deck)
        ),
    }
}

fn length(md: &MdDeck) -> String {
    let h = in_femtoseconds(md.timestep);
    let ps = md.steps as f64 * h * 1e-3;
    let ps: f64 = format!("{ps:.9e}").parse().unwrap_or(ps);
    format!("{} steps of {h} fs, {ps} ps", md.steps)
}

fn describe_system(system: &System, page: &mut Page) {
    let mut parts = Vec::new();
    for e in system.atoms.distinct_elements() {
        parts.push(format!(
            "{e}{}",
            system.atoms.elements.iter().filter(|x| **x == e).count()
        ));
    }
    let periodic = match system.cell.periodic() {
        [true, true, true] => "periodic in three directions".to_owned(),
        [false, false, false] => "not periodic".to_owned(),
        p => {
            let names: Vec<&str> = ["a", "b", "c"]
                .into_iter()
                .zip(p)
                .filter(|x| x.1)
                .map(|x| x.0)
                .collect();
            format!("periodic along {}", names.join(" and "))
        }
    };
    page.fact(
        "system",
        format!(
            "{} atoms ({}), {periodic}",
            system.atoms.len(),
            parts.join(" ")
        ),
    );
    if let Some(volume) = system.cell.volume() {
        let mass: f64 = system.atoms.masses.iter().sum();
        // amu/Å^3 to g/cm^3.
        let density = mass / volume * crate::units::AMU_KG * 1e27;
        page.fact(
            "cell",
            format!("volume {volume:.3} Å^3, density {density:.4} g/cm^3"),
        );
    }
}

/// How far a cutoff reaches beyond the cell, as a sentence; `None` when each pair is seen once at most.
fn image_note(system: &System, cutoff: f64) -> Option<String> {
    let widths = system.cell.widths();
    let periodic = system.cell.periodic();
    let images: Vec<String> = (0..3)
        .filter(|&k| periodic[k])
        .map(|k| ((2.0 * cutoff / widths[k]).floor() as usize + 1).to_string())
        .collect();
    let smallest = (0..3)
        .filter(|&k| periodic[k])
        .map(|k| widths[k])
        .fold(f64::INFINITY, f64::min);
    (smallest < 2.0 * cutoff).then(|| {
        format!(
            "the cutoff of {cutoff} Å is more than half of the cell's width of {smallest:.2} Å: an atom sees up to {} images \
             of another along the periodic directions (that is fine)",
            images.join(" × ")
        )
    })
}

/// Reads everything a run needs, evaluates the structure once, and tells plan, cost and memory.
pub fn check(deck: &Deck, md: &MdDeck, output: &OutputDeck) -> Result<Page> {
    let files = Files::of(output, md, 1);
    files.check_folders()?;
    let (mut deck, mut md) = (deck.clone(), md.clone());
    let Origin {
        system,
        has_velocities,
        constraints,
        molecules,
        terms,
        notes,
    } = Origin::of(&mut deck, &mut md)?;
    let (deck, md) = (&deck, &md);
    let mut evaluator = Evaluator::new(terms, md.skin);
    if let Some(reliability) = &md.reliability {
        Watch::new(reliability, &mut evaluator, &deck.source.path)?;
    }
    let present = system.atoms.distinct_elements();
    parts::check_elements(&evaluator, &present, &deck.system.structure)?;
    let mut page = Page::default();
    page.fact("deck", &deck.source.path);
    describe_system(&system, &mut page);
    for term in evaluator.terms() {
        let d = term.potential.description();
        page.fact(
            "potential",
            term_line(evaluator.terms().len(), &term.name, term.scale, &d.name),
        );
        if let Some(r) = d.neighbours {
            page.fact("", format!("cutoff {} Å", r.cutoff));
        }
    }
    notes.iter().for_each(|note| page.fact("", note));
    if let Some(note) = evaluator.cutoff().and_then(|c| image_note(&system, c)) {
        page.fact("images", note);
    }
    for (what, text) in ensembles(md) {
        page.fact(what, text);
    }
    let mut freedoms = Vec::new();
    let setting = Setting {
        md,
        source: &deck.source.path,
        evaluator: &evaluator,
        constraints: constraints.as_ref(),
        molecules: molecules.as_ref(),
        seed: md.seed.unwrap_or(0),
    };
    for stage in &md.schedule() {
        let built = parts_of::integrator(setting, stage, &system)?;
        freedoms.push(built.1.to_string());
    }
    freedoms.dedup();
    let taken = constraints.as_ref().map_or(String::new(), |c| {
        format!(
            "; {} bonds of fixed length take {}",
            c.bonds().len(),
            c.rank()
        )
    });
    page.fact(
        "freedom",
        format!("{} degrees of freedom{taken}", freedoms.join(", then ")),
    );
    page.fact("length", length(md));
    if md.replicas > 1 {
        page.fact("replicas", md.replicas.to_string());
    }
    page.fact(
        "seed",
        md.seed
            .map_or_else(|| "picked by the run".to_owned(), |s| s.to_string()),
    );
    page.fact("velocities", velocities(md, has_velocities));

    let configuration = system.configuration();
    let beads = md.ring_beads();
    let mut result = vec![Evaluation::default(); beads];
    let copies = vec![configuration; beads];
    let mut evaluate = |evaluator: &mut Evaluator| {
        let outcome = match beads {
            1 => evaluator.evaluate(&copies, Want::DYNAMICS, &mut result),
            _ => evaluator.evaluate_ring(
                |_| true,
                configuration,
                &copies,
                Want::DYNAMICS,
                &mut result,
            ),
        };
        outcome.map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            Error::file(&deck.system.structure, reason).advise(advice)
        })
    };
    evaluate(&mut evaluator)?;
    // The fastest of a few: the first ones pay for cold memory.
    let mut seconds = f64::INFINITY;
    let began = Instant::now();
    for _ in 0..10 {
        let start = Instant::now();
        evaluate(&mut evaluator)?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        if began.elapsed().as_secs_f64() > 1.0 {
            break;
        }
    }
    let atoms = system.atoms.len() as f64;
    page.fact(
        "energy",
        format!(
            "{:.6} eV, {:.6} eV/atom",
            result[0].energy,
            result[0].energy / atoms
        ),
    );
    let steps = md.steps as f64 * f64::from(md.replicas);
    page.fact(
        "cost",
        format!(
            "about {} a step, {} in all, {} (threads: {})",
            human_seconds(seconds),
            human_duration(seconds * steps),
            per_day(in_femtoseconds(md.timestep), seconds),
            threads()
        ),
    );
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let bytes = pairs * 4 + system.atoms.len() * 400;
    page.fact(
        "memory",
        format!("about {} beside the model", human_bytes(bytes as f64)),
    );
    for (file, size) in output_sizes(output, &files, md, system.atoms.len()) {
        let each = if md.replicas > 1 {
            " for each replica"
        } else {
            ""
        };
        page.fact(
            "writes",
            format!("{}: about {}{each}", file.display(), human_bytes(size)),
        );
    }
    if files.refuse_existing().is_err() {
        page.fact(
            "note",
            "files of an earlier run are there: `zundel run` needs --resume or --overwrite",
        );
    }
    Ok(page)
}

/// Where the first velocities come from.
fn velocities(md: &MdDeck, in_file: bool) -> String {
    let thermal = || match (&md.exchange, md.velocities.temperature) {
        (Some(_), None) => Some("thermal, at the temperature of each replica".to_owned()),
        (_, t) => t.map(|t| format!("thermal, {t} K")),
    };
    match md.velocities.from {
        VelocitySource::File => "from the structure file".to_owned(),
        VelocitySource::Auto if in_file => "from the structure file".to_owned(),
        VelocitySource::Auto | VelocitySource::Thermal => {
            thermal().unwrap_or_else(|| "zero".to_owned())
        }
        VelocitySource::Zero => "zero".to_owned(),
    }
}

fn output_sizes(
    output: &OutputDeck,
    files: &Files,
    md: &MdDeck,
    atoms: usize,
) -> Vec<(PathBuf, f64)> {
    let frames = |every: u64| (md.steps / every.max(1) + 1) as f64;
    let atoms = atoms as f64;
    let mut sizes = Vec::new();
    if let (Some(t), Some(file)) = (&output.trajectory, &files.trajectory) {
        let width = if t.precision == Precision::Single {
            4.0
        } else {
            8.0
        };
        let vectors = 1.0 + f64::from(u8::from(t.velocities)) + f64::from(u8::from(t.forces));
        let size = frames(t.every) * (atoms * 3.0 * width * vectors + 200.0)
            + frames(output.thermo_every) * 120.0;
        sizes.push((file.clone(), size));
    }
    if let (Some(t), Some(file)) = (&output.extxyz, &files.extxyz) {
        sizes.push((file.clone(), frames(t.every) * (atoms * 180.0 + 200.0)));
    }
    if let (Some(t), Some(file)) = (&output.thermo, &files.csv) {
        sizes.push((file.clone(), frames(t.every) * 250.0));
    }
    sizes
}
