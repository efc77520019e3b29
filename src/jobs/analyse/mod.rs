//! `zundel analyse`: from trajectories to spectra, distributions and coefficients, as tables, pictures and one report.

mod atoms;
mod correlate;
mod findings;
mod freedom;
mod ir;
mod msd;
pub mod options;
mod origin;
mod structure;
mod trajectory;
mod vdos;

pub use options::{AtomGroup, Charges, Kind, Options, Resolution};

use crate::error::{Error, Result};
use crate::report::{Console, HtmlReport, Page};
use atoms::Chosen;
use findings::{Findings, Output, to_page, to_report};
use origin::Origin;
use std::path::PathBuf;
use trajectory::{Needs, Trajectory};

/// What has been written.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The results for a terminal.
    pub page: Page,
    /// The files, in the order in which they were written.
    pub files: Vec<PathBuf>,
}

/// Makes the given kinds of results, or with `None` all that the trajectories allow.
///
/// Errors when a file cannot be used, when an option does not fit, and when results are there and may not be replaced.
pub fn run(kind: Option<Kind>, options: &Options, console: &Console) -> Result<Analysis> {
    let Some(first) = options.trajectories.first() else {
        return Err(Error::input("analyse", "no trajectory is given"));
    };
    let mut output = Output::new(
        options.folder.as_deref(),
        &options.trajectories,
        options.overwrite,
    )?;
    let name = kind.map_or("analysis", Kind::name);
    output.check(&[format!("{name}.html")])?;
    let mut trajectories = Vec::new();
    for path in &options.trajectories {
        trajectories.push(Trajectory::open(path, options)?);
    }
    same_atoms(&trajectories)?;
    let mut page = Page::default();
    page.line(format!("zundel analyse {}", kind.map_or("all", Kind::name)));
    let chosen = Chosen::new(&trajectories[0].elements, options)?;
    let origin = Origin::of(&trajectories[0]);
    let kinds: Vec<Kind> = match kind {
        Some(kind) => vec![kind],
        None => possible(&trajectories, options),
    };
    let mut skipped = Vec::new();
    let mut all = Vec::new();
    // Functions of time first: they may begin later than what the structure is taken from.
    let (moving, still): (Vec<Kind>, Vec<Kind>) = kinds.iter().partition(|k| k.is_dynamical());
    if options.beads && !moving.is_empty() && kind.is_some() {
        return Err(Error::input(
            "--beads",
            "functions of time are made from centroids, not from beads",
        )
        .advise(
            "leave --beads out: the velocities in /particles/trajectory are those of the centroids",
        ));
    }
    let mut facts: Vec<(String, String)> = Vec::new();
    const SHOWN: usize = 3;
    if trajectories.len() > SHOWN {
        let frames: usize = trajectories.iter().map(|t| t.number).sum();
        let words = format!(
            "{} files with {frames} frames together, the first:",
            trajectories.len()
        );
        facts.push(("trajectories".into(), words));
    }
    let shown = if trajectories.len() > SHOWN { 1 } else { SHOWN };
    for (k, t) in trajectories.iter().enumerate() {
        if k < shown {
            facts.push(("trajectory".into(), t.describe()));
        }
        t.notes
            .iter()
            .for_each(|n| facts.push(("note".into(), n.clone())));
    }
    facts.extend(origin.facts.iter().cloned());
    if origin.beads > 1 {
        facts.push(("beads".into(), origin.beads.to_string()));
    }
    facts.push(("nuclei".into(), origin.nature.meaning().into()));
    if !moving.is_empty() && !options.beads {
        let mut later: Vec<Trajectory> = Vec::new();
        for path in &options.trajectories {
            let mut t = Trajectory::open(path, options)?;
            if let (Some((stage, begin)), None) = (&origin.stage, options.from) {
                t.begin_at(*begin);
                if later.is_empty() {
                    facts.push((
                        "stage".into(),
                        format!("functions of time are taken from the last stage, `{stage}`, which begins at {} ps (--from changes that)", trajectory::short(1e-3 * begin)),
                    ));
                }
            }
            later.push(t);
        }
        let origin = Origin::of(&later[0]);
        for k in moving {
            let found = match k {
                Kind::Vdos => vdos::run(&later, &chosen, &origin, options, console),
                Kind::Ir => ir::run(&later, &chosen, &origin, options, console),
                _ => msd::run(&later, &chosen, &origin, options, console),
            };
            keep(found, k, kind.is_some(), &mut all, &mut skipped)?;
        }
    }
    if !still.is_empty() {
        structures(
            &still,
            &trajectories,
            &chosen,
            options,
            console,
            kind.is_some(),
            &mut all,
            &mut skipped,
        )?;
    }
    if all.is_empty() {
        return Err(Error::file(
            first,
            format!(
                "nothing could be made of this trajectory: {}",
                skipped.join("; ")
            ),
        ));
    }
    for (name, value) in &facts {
        page.fact(name, value);
    }
    let mut report = HtmlReport::new(&format!(
        "{} of {}",
        heading(kind, &all),
        first.file_name().unwrap_or_default().to_string_lossy()
    ));
    report.facts(&facts);
    for findings in &all {
        for w in &findings.warnings {
            console.warn(w);
        }
        to_page(findings, &mut page);
        to_report(findings, &mut report)?;
    }
    if !skipped.is_empty() {
        report.heading("Left out");
        skipped.iter().for_each(|s| report.paragraph(s));
        page.line("");
        skipped.iter().for_each(|s| page.fact("left out", s));
    }
    if let Some(deck) = &origin.deck {
        report.heading("The deck of the run");
        report.paragraph(
            "As it is stored in the trajectory, with everything that was left to defaults.",
        );
        report.code(deck);
    }
    for findings in &all {
        output.write(findings)?;
    }
    output.put(&format!("{name}.html"), &report.html())?;
    page.line("");
    let names: Vec<String> = output
        .written
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    page.fact("wrote", names.join("\n"));
    Ok(Analysis {
        page,
        files: output.written,
    })
}

fn heading(kind: Option<Kind>, all: &[Findings]) -> String {
    match kind {
        Some(_) => all[0].title.clone(),
        None => "Analysis".to_owned(),
    }
}

/// Keeps what was found; when all that is possible was asked for, what is not is only noted.
fn keep(
    found: Result<Findings>,
    kind: Kind,
    asked: bool,
    all: &mut Vec<Findings>,
    skipped: &mut Vec<String>,
) -> Result<()> {
    match found {
        Ok(findings) => all.push(findings),
        Err(Error::Input(e)) if !asked => skipped.push(format!("{}: {}", kind.name(), e.reason)),
        Err(e) => return Err(e),
    }
    Ok(())
}

fn structures(
    kinds: &[Kind],
    trajectories: &[Trajectory],
    chosen: &Chosen,
    options: &Options,
    console: &Console,
    asked: bool,
    all: &mut Vec<Findings>,
    skipped: &mut Vec<String>,
) -> Result<()> {
    let t = &trajectories[0];
    let mut first: Vec<[f64; 3]> = Vec::new();
    let needs = Needs {
        positions: true,
        ..Needs::default()
    };
    t.visit_first(1, needs, &mut |frame| {
        first = frame.positions.to_vec();
        Ok(())
    })?;
    let mut expected: usize = trajectories.iter().map(|t| t.number).sum();
    if options.beads {
        expected = 0;
        for t in trajectories {
            let number = t
                .reader()
                .map(|r| r.beads())
                .transpose()?
                .flatten()
                .map_or(1, |b| b.number());
            expected += t.bead_rows()?.len() * number;
        }
        if expected == 0 {
            return Err(Error::file(
                &t.path,
                "no beads were stored in this part of the trajectory",
            ));
        }
    }
    let mut observers = Vec::new();
    for &k in kinds {
        match structure::observer(k, t, chosen, options, &first, expected) {
            Ok(o) => observers.push(o),
            Err(Error::Input(e)) if !asked => skipped.push(format!("{}: {}", k.name(), e.reason)),
            Err(e) => return Err(e),
        }
    }
    if observers.is_empty() {
        return Ok(());
    }
    structure::observe(trajectories, &mut observers, options, console)?;
    for o in &observers {
        let mut findings = o.finish()?;
        if options.beads {
            findings.fact(
                "beads",
                format!(
                    "{expected} configurations of beads: the quantum distribution of positions"
                ),
            );
        }
        all.push(findings);
    }
    Ok(())
}

/// What can be made of trajectories like these.
fn possible(trajectories: &[Trajectory], options: &Options) -> Vec<Kind> {
    let usable = |k: &Kind| match k {
        Kind::Ir => ir::is_possible(trajectories, options),
        Kind::Density => trajectories[0].cell.is_bulk(),
        _ => true,
    };
    Kind::NAMES.iter().map(|n| n.1).filter(usable).collect()
}

fn same_atoms(trajectories: &[Trajectory]) -> Result<()> {
    let first = &trajectories[0];
    match trajectories.iter().find(|t| t.elements != first.elements) {
        Some(t) => Err(Error::file(
            &t.path,
            format!("its atoms are not those of {}", first.path.display()),
        )
        .advise("several trajectories in one analysis are pieces or copies of one system")),
        None => Ok(()),
    }
}
