//! What a run is going to do, in words: at its start, and for `zundel check`.

use super::Plan;
use super::simulation::{degrees_of_freedom, holds_centre};
use crate::deck::{Deck, MdDeck, OutputDeck, ThermostatDeck};
use crate::error::{Error, Result};
use crate::jobs::parts;
use crate::parallel;
use crate::potential::{Configuration, Evaluation, Evaluator, Want};
use crate::report::{Console, human_duration, human_seconds};
use crate::simd;
use crate::system::System;
use crate::units::{FS, TIME_FS};
use std::time::Instant;

/// One paragraph at the start of a run.
pub(super) fn announce(plan: &Plan<'_>, console: &Console) {
    console.say(format!(
        "zundel {}  {}  {} threads, {}",
        env!("CARGO_PKG_VERSION"),
        plan.deck.source.path,
        parallel::threads(),
        simd::level_name()
    ));
    for term in &plan.terms {
        console.fact(
            "potential",
            term_line(&term.name, term.scale, &term.potential.description().name),
        );
    }
    console.fact("ensemble", ensemble(plan.md));
    console.fact("length", length(plan.md));
    let replicas = if plan.md.replicas > 1 {
        format!(", {} replicas", plan.md.replicas)
    } else {
        String::new()
    };
    console.fact("seed", format!("{}{replicas}", plan.seed));
}

fn term_line(name: &str, scale: f64, what: &str) -> String {
    let factor = if scale == 1.0 {
        String::new()
    } else {
        format!("{scale} × ")
    };
    format!("{name}: {factor}{what}")
}

fn ensemble(md: &MdDeck) -> String {
    let centre = if holds_centre(md) {
        "centre of mass fixed"
    } else {
        "centre of mass free"
    };
    match (&md.thermostat, md.temperature) {
        (Some(ThermostatDeck::Langevin { friction }), Some(t)) => {
            format!(
                "NVT at {t} K, Langevin (BAOAB) with friction {:.4} /ps, {centre}",
                friction * FS * 1e3
            )
        }
        _ => format!("NVE, velocity Verlet, {centre}"),
    }
}

fn length(md: &MdDeck) -> String {
    let h = md.timestep * TIME_FS;
    format!(
        "{} steps of {h:.4} fs, {:.4} ps",
        md.steps,
        md.steps as f64 * h * 1e-3
    )
}

fn describe_system(system: &System, console: &Console) {
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
    console.fact(
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
        console.fact(
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

/// Reads everything a run needs, evaluates the structure once, and prints plan, cost and memory.
pub fn check(deck: &Deck, md: &MdDeck, console: &Console) -> Result<()> {
    let terms = parts::build_terms(&deck.potential)?;
    let (system, has_velocities) = parts::build_system(&deck.system)?;
    let mut evaluator = Evaluator::new(terms, md.skin);
    let present = system.atoms.distinct_elements();
    parts::check_elements(&evaluator, &present, &deck.system.structure)?;
    let line = |name: &str, text: String| println!("{name:>14}  {text}");
    line("deck", deck.source.path.clone());
    describe_system(&system, &Console::standard(false));
    for term in evaluator.terms() {
        line(
            "potential",
            term_line(&term.name, term.scale, &term.potential.description().name),
        );
        if let Some(r) = term.potential.description().neighbours {
            line("", format!("cutoff {} Å", r.cutoff));
        }
    }
    if let Some(note) = evaluator.cutoff().and_then(|c| image_note(&system, c)) {
        line("images", note);
    }
    line("ensemble", ensemble(md));
    line(
        "freedom",
        format!(
            "{} degrees of freedom",
            degrees_of_freedom(md, system.atoms.len())
        ),
    );
    line("length", length(md));
    line(
        "seed",
        md.seed
            .map_or_else(|| "picked by the run".to_owned(), |s| s.to_string()),
    );
    line(
        "velocities",
        if has_velocities {
            "in the structure file".into()
        } else {
            "not in the structure file".into()
        },
    );

    let configuration = Configuration {
        cell: &system.cell,
        elements: &system.atoms.elements,
        positions: &system.atoms.positions,
    };
    let mut result = [Evaluation::default()];
    let want = Want::DYNAMICS;
    let mut evaluate = |evaluator: &mut Evaluator| {
        evaluator
            .evaluate(&[configuration], want, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, &system);
                Error::file(&deck.system.structure, reason).advise(advice)
            })
    };
    evaluate(&mut evaluator)?;
    let began = Instant::now();
    evaluate(&mut evaluator)?;
    let seconds = began.elapsed().as_secs_f64();
    let steps = md.steps as f64 * f64::from(md.replicas);
    line(
        "cost",
        format!(
            "about {} a step, {} in all on {} threads",
            human_seconds(seconds),
            human_duration(seconds * steps),
            parallel::threads()
        ),
    );
    line(
        "energy",
        format!(
            "{:.6} eV, {:.6} eV/atom",
            result[0].energy,
            result[0].energy / system.atoms.len() as f64
        ),
    );
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let bytes = pairs * 4 + system.atoms.len() * 400;
    line(
        "memory",
        format!("about {} beside the model", human_bytes(bytes as f64)),
    );
    for (file, size) in output_sizes(&deck.output, md, system.atoms.len()) {
        line("writes", format!("{file}: about {}", human_bytes(size)));
    }
    Ok(())
}

fn output_sizes(output: &OutputDeck, md: &MdDeck, atoms: usize) -> Vec<(String, f64)> {
    let frames = |every: u64| (md.steps / every.max(1) + 1) as f64;
    let mut sizes = Vec::new();
    if let Some(t) = &output.trajectory {
        let width = if t.precision == crate::deck::Precision::Single {
            4.0
        } else {
            8.0
        };
        let vectors = 1.0 + f64::from(u8::from(t.velocities)) + f64::from(u8::from(t.forces));
        let size = frames(t.every) * (atoms as f64 * 3.0 * width * vectors + 200.0);
        sizes.push((t.file.display().to_string(), size));
    }
    if let Some(t) = &output.extxyz {
        sizes.push((
            t.file.display().to_string(),
            frames(t.every) * (atoms as f64 * 180.0 + 200.0),
        ));
    }
    if let Some(t) = &output.thermo {
        sizes.push((t.file.display().to_string(), frames(t.every) * 200.0));
    }
    sizes
}

fn human_bytes(bytes: f64) -> String {
    match bytes {
        b if b < 1e3 => format!("{b:.0} bytes"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}
