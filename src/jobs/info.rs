//! `zundel info`: what a file is.

use crate::deck;
use crate::elements::{Element, Species};
use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::io::h5md::{Beads, TrajectoryReader};
use crate::io::{self, Format, FrameReader, ReadOptions};
use crate::potential::registry;
use crate::report::{Page, human_bytes};
use crate::system::{Atoms, Cell};
use crate::units::TIME_FS;
use std::path::Path;

/// Says what a model, deck, trajectory, checkpoint or structure file is.
pub fn run(path: &Path) -> Result<Page> {
    let about = std::fs::metadata(path).map_err(|e| Error::reading(path, &e))?;
    if about.is_dir() {
        return Err(Error::reading(
            path,
            &std::io::ErrorKind::IsADirectory.into(),
        ));
    }
    let mut page = Page::default();
    if io::is_hdf5(path) {
        trajectory(path, about.len(), &mut page)?;
    } else if Checkpoint::is_one(path) {
        checkpoint(path, &mut page)?;
    } else if registry::recognise(path)?.is_some() {
        model(path, &mut page)?;
    } else if path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"))
    {
        let deck = deck::read(path, &[])?;
        page.line(format!(
            "{}: a deck, version {}; with all defaults it reads\n",
            path.display(),
            deck::VERSION
        ));
        page.line(deck.resolved().trim_end());
    } else {
        structure(path, &mut page)?;
    }
    Ok(page)
}

fn model(path: &Path, page: &mut Page) -> Result<()> {
    let potential = registry::load(path, None)?;
    let d = potential.description();
    page.line(format!("{}: a model, {}", path.display(), d.name));
    let elements = d.elements.as_ref().map_or("any".to_owned(), |list| {
        list.iter()
            .map(|e| e.symbol())
            .collect::<Vec<_>>()
            .join(", ")
    });
    page.fact("elements", elements);
    if let Some(r) = d.neighbours {
        page.fact("cutoff", format!("{} Å", r.cutoff));
    }
    let mut gives = vec!["energy", "forces"];
    if d.gives.virial {
        gives.push("virial");
    }
    if d.gives.site_energies {
        gives.push("site energies");
    }
    gives.extend(d.gives.reliability.map(|r| r.measure.name()));
    page.fact("gives", gives.join(", "));
    for (a, b, r) in &d.closest_seen {
        page.fact("closest seen", format!("{a}-{b} {r:.3} Å"));
    }
    if !d.details.is_empty() {
        page.fact("made of", d.details.join("\n"));
    }
    if !d.references.is_empty() {
        page.fact("cite", d.references.join("\n"));
    }
    Ok(())
}

fn trajectory(path: &Path, bytes: u64, page: &mut Page) -> Result<()> {
    let reader = TrajectoryReader::open(path)?;
    page.line(format!(
        "{}: a trajectory (H5MD), {}, {}",
        path.display(),
        counted(reader.frames(), "frame"),
        human_bytes(bytes as f64)
    ));
    let steps = reader.steps();
    if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
        let last_frame = reader.read_frame(reader.frames() - 1)?;
        let system = &last_frame.system;
        page.fact("atoms", composition(&system.atoms));
        cell(&system.cell, page);
        let every = steps.get(1).map_or(String::new(), |s| {
            format!(", every {}", s.saturating_sub(*first))
        });
        page.fact("steps", format!("{first} to {last}{every}"));
        page.fact(
            "time",
            format!("{:.4} ps at the last frame", last_frame.time_fs * 1e-3),
        );
        let mut quantities: Vec<_> = reader
            .observables()
            .into_iter()
            .zip(&last_frame.observables)
            .collect();
        quantities.sort_by(|a, b| a.0.cmp(&b.0));
        let lines: Vec<String> = quantities
            .iter()
            .map(|((name, unit), value)| format!("{name:<24} {value:>16.6} {unit}"))
            .collect();
        if !lines.is_empty() {
            page.fact("at the end", lines.join("\n"));
        }
    } else {
        page.fact("atoms", reader.atoms().to_string());
    }
    let mut holds = vec!["positions"];
    if reader.has_velocities() {
        holds.push("velocities");
    }
    if reader.has_forces() {
        holds.push("forces");
    }
    page.fact("holds", holds.join(", "));
    if let Some(found) = reader.beads()? {
        beads(&found, page);
    }
    reader.notes().iter().for_each(|n| page.fact("note", n));
    // The deck is long: last, after an empty line.
    let mut parameters = reader.parameters();
    parameters.sort_by_key(|(name, _)| (name == "deck", name.clone()));
    for (name, text) in parameters {
        if name == "deck" {
            page.line(format!("\ndeck, with all defaults\n\n{}", text.trim_end()));
        } else {
            page.fact(&name.replace('_', " "), text.trim_end());
        }
    }
    Ok(())
}

/// The beads of a path integral.
fn beads(beads: &Beads, page: &mut Page) {
    let mut holds = vec!["positions"];
    if beads.has_velocities() {
        holds.push("velocities");
    }
    if beads.has_forces() {
        holds.push("forces");
    }
    let temperature = beads.temperature();
    let temperature = temperature.map_or(String::new(), |t| format!(" at {t} K"));
    let steps = beads.steps();
    let range = match (steps.first(), steps.get(1), steps.last()) {
        (Some(first), Some(second), Some(last)) => {
            format!(
                ", steps {first} to {last}, every {}",
                second.saturating_sub(*first)
            )
        }
        (Some(first), ..) => format!(", step {first}"),
        _ => String::new(),
    };
    page.fact(
        "beads",
        format!(
            "{}{temperature}; the frames are their centroid\n{}{range}\n{}",
            beads.number(),
            counted(beads.rows(), "row"),
            holds.join(", ")
        ),
    );
}

fn checkpoint(path: &Path, page: &mut Page) -> Result<()> {
    let c = Checkpoint::read_file(path)?;
    page.line(format!(
        "{}: a checkpoint of zundel {}",
        path.display(),
        c.version
    ));
    page.fact("step", c.step.to_string());
    page.fact("atoms", composition(&c.system.atoms));
    cell(&c.system.cell, page);
    page.fact("energy", format!("{:.6} eV (potential)", c.energy));
    let fastest = c
        .system
        .atoms
        .velocities
        .iter()
        .map(|v| v.iter().map(|v| v * v).sum::<f64>())
        .fold(0.0, f64::max);
    page.fact(
        "fastest atom",
        format!("{:.5} Å/fs", fastest.sqrt() / TIME_FS),
    );
    page.fact("seed", c.seed.to_string());
    page.line(format!(
        "\ndeck, with all defaults\n\n{}",
        c.deck.trim_end()
    ));
    Ok(())
}

fn structure(path: &Path, page: &mut Page) -> Result<()> {
    let format = Format::of_path(path)?;
    let mut frames = 0;
    let mut first = None;
    let mut atoms = (usize::MAX, 0);
    let numbered = matches!(format, Format::MlipCfg | Format::MlipBinaryCfg);
    let mut options = ReadOptions::default();
    if numbered {
        // Any elements do: the file has none.
        let stand_ins = (1..=118)
            .filter_map(Element::from_number)
            .map(Species::natural);
        options.labels = (0..).zip(stand_ins).collect();
    }
    for frame in FrameReader::open(path, &options)? {
        let frame = frame?;
        frames += 1;
        let n = frame.system.atoms.len();
        atoms = (atoms.0.min(n), atoms.1.max(n));
        first.get_or_insert(frame);
    }
    let Some(frame) = first else {
        return Err(Error::file(path, "the file holds no structure"));
    };
    page.line(format!(
        "{}: {format}, {}",
        path.display(),
        counted(frames, "frame")
    ));
    if frames > 1 {
        let range = if atoms.0 == atoms.1 {
            atoms.0.to_string()
        } else {
            format!("{} to {}", atoms.0, atoms.1)
        };
        page.fact("all frames", format!("{range} atoms"));
    }
    let place = if frames > 1 { "first frame" } else { "atoms" };
    if numbered {
        let atoms = &frame.system.atoms;
        let mut numbers: Vec<u8> = atoms.elements.iter().map(|e| e.number() - 1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Vec<String> = numbers.iter().map(u8::to_string).collect();
        let species = format!("species {}", numbers.join(", "));
        page.fact(
            place,
            format!("{} ({species})", counted(atoms.len(), "atom")),
        );
    } else {
        page.fact(place, composition(&frame.system.atoms));
    }
    cell(&frame.system.cell, page);
    page.fact(
        "velocities",
        if frame.has_velocities { "yes" } else { "no" },
    );
    if let Some(e) = frame.energy() {
        page.fact("energy", format!("{e} eV"));
    }
    let columns: Vec<&str> = frame.columns.iter().map(|c| c.name.as_str()).collect();
    if !columns.is_empty() {
        page.fact("columns", columns.join(", "));
    }
    Ok(())
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `216 atoms (Si216)`.
fn composition(atoms: &Atoms) -> String {
    let counts: Vec<String> = atoms
        .distinct_elements()
        .into_iter()
        .map(|e| format!("{e}{}", atoms.elements.iter().filter(|x| **x == e).count()))
        .collect();
    format!("{} ({})", counted(atoms.len(), "atom"), counts.join(" "))
}

fn cell(cell: &Cell, page: &mut Page) {
    if cell.is_isolated() {
        page.fact("cell", "none");
        return;
    }
    let rows = cell
        .row_vectors()
        .map(|v| format!("{:12.6} {:12.6} {:12.6} Å", v[0], v[1], v[2]));
    page.fact("cell", rows.join("\n"));
    let periodic: Vec<&str> = ["a", "b", "c"]
        .into_iter()
        .zip(cell.periodic())
        .filter(|p| p.1)
        .map(|p| p.0)
        .collect();
    page.fact("periodic", format!("along {}", periodic.join(", ")));
}
