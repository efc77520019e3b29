//! `zundel info`: what a file is.

use crate::error::{Error, Result};
use crate::io::checkpoint::Checkpoint;
use crate::io::h5md::TrajectoryReader;
use crate::io::{self, FrameReader, ReadOptions};
use crate::potential::registry;
use crate::{deck, io::Format};
use std::path::Path;

/// Prints what a model, deck, trajectory, checkpoint or structure file is.
pub fn run(path: &Path) -> Result<()> {
    if !path.exists() {
        return Err(Error::reading(
            path,
            &std::io::Error::from(std::io::ErrorKind::NotFound),
        ));
    }
    if path.is_dir() {
        return Err(Error::reading(
            path,
            &std::io::Error::from(std::io::ErrorKind::IsADirectory),
        ));
    }
    if io::is_hdf5(path) {
        return trajectory(path);
    }
    if Checkpoint::is_one(path) {
        return checkpoint(path);
    }
    if registry::recognise(path)?.is_some() {
        return model(path);
    }
    if path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"))
    {
        let deck = deck::read(path, &[])?;
        println!("{}: a deck, version {}\n", path.display(), deck.version);
        print!("{}", deck.resolved());
        return Ok(());
    }
    structure(path)
}

fn fact(name: &str, value: impl std::fmt::Display) {
    println!("{name:>14}  {value}");
}

fn model(path: &Path) -> Result<()> {
    let potential = registry::load(path, None)?;
    let d = potential.description();
    println!("{}: {}", path.display(), d.name);
    let elements = d.elements.as_ref().map_or("any".to_owned(), |list| {
        list.iter()
            .map(|e| e.symbol())
            .collect::<Vec<_>>()
            .join(", ")
    });
    fact("elements", elements);
    if let Some(r) = d.neighbours {
        fact("cutoff", format!("{} Å", r.cutoff));
    }
    let mut gives = vec!["energy", "forces"];
    if d.gives.virial {
        gives.push("virial");
    }
    if d.gives.site_energies {
        gives.push("site energies");
    }
    fact("gives", gives.join(", "));
    for (a, b, r) in &d.closest_seen {
        fact("closest seen", format!("{a}-{b} {r:.3} Å"));
    }
    d.details.iter().for_each(|line| fact("", line));
    d.references.iter().for_each(|line| fact("cite", line));
    Ok(())
}

fn trajectory(path: &Path) -> Result<()> {
    let reader = TrajectoryReader::open(path)?;
    println!(
        "{}: a trajectory (H5MD), {} frames of {} atoms",
        path.display(),
        reader.frames(),
        reader.atoms()
    );
    let steps = reader.steps();
    if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
        fact("steps", format!("{first} to {last}"));
    }
    if reader.frames() > 0 {
        let frame = reader.read_frame(reader.frames() - 1)?;
        fact("last time", format!("{:.4} ps", frame.time_fs * 1e-3));
        for ((name, unit), value) in reader.observables().iter().zip(&frame.observables) {
            fact("", format!("{name} = {value:.6} {unit}"));
        }
    }
    let has = |what: &str, yes: bool| fact(what, if yes { "yes" } else { "no" });
    has("velocities", reader.has_velocities());
    has("forces", reader.has_forces());
    reader.notes().iter().for_each(|n| fact("note", n));
    for (name, text) in reader.parameters() {
        let mut lines = text.lines();
        fact(&name, lines.next().unwrap_or_default());
        lines.for_each(|l| fact("", l));
    }
    Ok(())
}

fn checkpoint(path: &Path) -> Result<()> {
    let (c, note) = Checkpoint::read(path)?;
    println!("{}: a checkpoint of zundel {}", path.display(), c.version);
    note.iter().for_each(|n| fact("note", n));
    fact("step", c.step);
    fact("atoms", c.system.atoms.len());
    fact("seed", c.seed);
    println!("\n{}", c.deck);
    Ok(())
}

fn structure(path: &Path) -> Result<()> {
    let format = Format::of_path(path)?;
    let mut frames = 0;
    let mut first = None;
    for frame in FrameReader::open(path, &ReadOptions::default())? {
        let frame = frame?;
        frames += 1;
        first.get_or_insert(frame);
    }
    let Some(frame) = first else {
        return Err(Error::file(path, "the file holds no structure"));
    };
    println!(
        "{}: {format}, {frames} frame{}",
        path.display(),
        if frames == 1 { "" } else { "s" }
    );
    let atoms = &frame.system.atoms;
    let counts: Vec<String> = atoms
        .distinct_elements()
        .into_iter()
        .map(|e| format!("{e}{}", atoms.elements.iter().filter(|x| **x == e).count()))
        .collect();
    fact(
        "first frame",
        format!("{} atoms ({})", atoms.len(), counts.join(" ")),
    );
    if !frame.system.cell.is_isolated() {
        for v in frame.system.cell.row_vectors() {
            fact(
                "cell",
                format!("{:12.6} {:12.6} {:12.6} Å", v[0], v[1], v[2]),
            );
        }
        fact("periodic", format!("{:?}", frame.system.cell.periodic()));
    }
    if let Some(e) = frame.energy() {
        fact("energy", format!("{e} eV"));
    }
    Ok(())
}
