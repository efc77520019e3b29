//! Phonons: deck → relaxed crystal → displaced supercells → force constants → bands, density of states, thermal properties, thermal
//! expansion.

mod bands;
pub(super) mod forces;
mod page;
mod phonopy;
pub(super) mod tables;
pub(super) mod volume;

use super::announce::announce;
use super::limits::Limits;
use super::outputs::Outputs;
use super::{Outcome, RunOptions, parts};
use crate::deck::{Deck, ExpansionDeck, PhononsDeck};
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::potential::{Evaluation, Term, Want};
use crate::report::{Console, Page, Task, human_bytes, human_duration};
use crate::system::{System, dilated};
use crate::vibrations::phonons::{
    ForceConstants, Imaginary, Mesh, Path, Phonons, Thermal, count_for, imaginary, thermal,
};
use crate::vibrations::quasi_harmonic::{Expanded, Lost, VolumePoint, expand};
use bands::Bands;
use std::path::PathBuf;
use std::time::Instant;
use tables::Dos;
use volume::{Crystal, Freedom, How, prepare};

/// The table of the deck that names the files.
const TABLE: &str = "[phonons]";

/// What was found at the volume of the relaxed crystal.
struct Results {
    crystal: Crystal,
    constants: ForceConstants,
    phonons: Phonons,
    path: Path,
    bands: Bands,
    mesh: Mesh,
    dos: Dos,
    thermal: Vec<Thermal>,
    imaginary: Option<Imaginary>,
    expansion: Option<Expansion>,
}

/// What was found at all volumes.
struct Expansion {
    deck: ExpansionDeck,
    /// Volumes (Å^3 of the primitive cell) and energies (eV) that were used.
    points: Vec<VolumePoint>,
    rows: Vec<(f64, std::result::Result<Expanded, Lost>)>,
    /// Volumes that were left out, with the reason.
    left_out: Vec<String>,
}

impl Expansion {
    /// The cube root of the unit cell's volume (Å) where the primitive cell has this one (Å^3).
    fn edge(&self, crystal: &Crystal, volume: f64) -> f64 {
        (volume * crystal.primitive_cells()).cbrt()
    }
}

/// The parts of the deck: the unit cell and the models.
fn origin(deck: &Deck) -> Result<(System, Vec<Term>)> {
    let (unit, _) = parts::build_system(&deck.system)?;
    let structure = &deck.system.structure;
    if !unit.cell.is_bulk() {
        return Err(Error::file(
            structure,
            "phonons need a crystal: this structure is not periodic in all three directions",
        )
        .advise("the vibrations of a molecule are those of [vibrations]; for a layer write `periodic = [true, true, true]` in [system] and give it vacuum"));
    }
    let e = &deck.external;
    if !(e.forces.is_empty() && e.walls.is_empty() && e.restraints.is_empty()) {
        return Err(Error::input(
            &deck.source.path,
            "restraints, walls and forces do not go with [phonons]: they have not the symmetry of the crystal",
        )
        .advise("remove them from the deck"));
    }
    Ok((unit, parts::build_terms(&deck.potential)?))
}

/// Runs the job.
pub fn run(
    deck: &Deck,
    job: &PhononsDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    Outputs::of(deck).claim(TABLE, options)?;
    let (unit, models) = origin(deck)?;
    announce(deck, &models, console);
    let place = &deck.system.structure;
    let how = How::from(job);
    let crystal = prepare(place, &how, &models, unit, Freedom::Deck)?;
    page::describe(&crystal, console);
    write_structure(job, &crystal)?;
    let volumes = expansion_volumes(job, &crystal)?;
    let others: Vec<Crystal> = volumes
        .iter()
        .map(|scale| {
            let scaled = dilated(&crystal.supercell.unit, *scale)?;
            prepare(place, &how, &models, scaled, Freedom::Shape)
        })
        .collect::<Result<_>>()?;
    let mut store = forces::store(&job.files.displacements, options.resume)?;
    let total =
        crystal.displacements.len() + others.iter().map(|c| c.displacements.len()).sum::<usize>();
    let mut task = Task::new(console, "displaced supercells", total);
    let mut of = |crystal: &Crystal, label: &str, task: &mut Task| {
        let mut evaluator = crystal.evaluator(place, &models)?;
        crystal.phonons(label, &mut evaluator, &mut store, &limits, |n| {
            task.advance(n);
        })
    };
    let found = match of(&crystal, "relaxed", &mut task)? {
        Ok(found) => found,
        Err(outcome) => return Ok(stopped(outcome, console)),
    };
    let mut of_others = Vec::new();
    for (c, scale) in others.iter().zip(&volumes) {
        match of(c, &format!("volume {scale:.4}"), &mut task)? {
            Ok((_, phonons)) => of_others.push(phonons),
            Err(outcome) => return Ok(stopped(outcome, console)),
        }
    }
    drop(task);
    let results = evaluate(job, crystal, found, &others, &of_others)?;
    write(deck, job, &results)?;
    page::summary(job, &results, console);
    Ok(Outcome::Done)
}

fn stopped(outcome: Outcome, console: &Console) -> Outcome {
    console.say(
        "stopped; --resume goes on with the displaced supercells that are still to be evaluated",
    );
    outcome
}

/// The volumes of the expansion as ratios to that of the relaxed crystal.
fn expansion_volumes(job: &PhononsDeck, crystal: &Crystal) -> Result<Vec<f64>> {
    let Some(e) = &job.expansion else {
        return Ok(Vec::new());
    };
    if crystal.stress.is_none() {
        return Err(Error::input(
            "[phonons.expansion]",
            "the potential gives no virial, so that it cannot be used at other volumes",
        ));
    }
    let step = (e.largest - e.smallest) / (e.volumes - 1) as f64;
    Ok((0..e.volumes)
        .map(|k| e.smallest + step * k as f64)
        .collect())
}

/// Everything that follows from force constants.
fn evaluate(
    job: &PhononsDeck,
    crystal: Crystal,
    (constants, phonons): (ForceConstants, Phonons),
    others: &[Crystal],
    of_others: &[Phonons],
) -> Result<Results> {
    let group = &crystal.supercell.group;
    let path = match &job.path {
        Some(words) => Path::chosen(group, words, &job.points)?,
        None => Path::standard(group),
    };
    let mut bands = Bands::along(&phonons, &path, job.path_points)?;
    let lattice = &job.lattice;
    let count = lattice
        .mesh
        .unwrap_or_else(|| count_for(&phonons.cell, 0.1));
    let mesh = Mesh::new(count, &phonons.cell, &group.rotations())?;
    let rows = mesh.frequencies(&phonons)?;
    let expansion = match &job.expansion {
        None => None,
        Some(deck) => {
            let (mut points, mut left_out) = (Vec::new(), Vec::new());
            for (c, p) in others.iter().zip(of_others) {
                let volume = c.primitive_volume();
                let name = format!("{:.4} Å^3/atom", volume / c.primitive_atoms() as f64);
                if c.primitive_atoms() != crystal.primitive_atoms() {
                    left_out.push(format!("{name}: the primitive cell has become another one"));
                    continue;
                }
                match c.volume_point(p, count, lattice)? {
                    Ok(point) => points.push(point),
                    Err(why) => left_out.push(format!("{name}: {why}")),
                }
            }
            // The volumes next to that of the relaxed crystal.
            let volume = |c: &Crystal| c.supercell.unit.cell.volume().unwrap_or(0.0);
            let here = volume(&crystal);
            let above = others.iter().position(|c| volume(c) > here * (1.0 + 1e-6));
            let below = others.iter().rposition(|c| volume(c) < here * (1.0 - 1e-6));
            let like = |k: usize| of_others[k].branches() == phonons.branches();
            if let (Some(a), Some(b)) = (below, above)
                && like(a)
                && like(b)
            {
                bands.add_grueneisen(
                    &phonons,
                    (&of_others[a], &of_others[b]),
                    (volume(&others[a]), volume(&others[b])),
                )?;
            }
            Some(Expansion {
                deck: *deck,
                rows: expand(&points, deck.pressure, deck.equation),
                points,
                left_out,
            })
        }
    };
    Ok(Results {
        dos: Dos::of(&mesh, &rows),
        thermal: lattice
            .temperatures()
            .iter()
            .map(|t| thermal(&mesh, &rows, *t, lattice.nuclei))
            .collect(),
        imaginary: imaginary(&mesh, &rows),
        crystal,
        constants,
        phonons,
        path,
        bands,
        mesh,
        expansion,
    })
}

fn write_structure(job: &PhononsDeck, crystal: &Crystal) -> Result<()> {
    let Some(path) = &job.files.structure else {
        return Ok(());
    };
    let mut frame = Frame::from(crystal.supercell.unit.clone());
    frame.set_value("energy", crystal.energy);
    frame.set_value("fmax", crystal.fmax);
    if let Some(stress) = crystal.stress {
        frame.set_value("stress", stress);
    }
    frame.set_value("space_group", crystal.supercell.group.name());
    frame.set_value("converged", crystal.trouble.is_none());
    let mut text = Vec::new();
    render_frame(&frame, Format::ExtendedXyz, &mut text)?;
    atomic::write(path, &text, "cannot write")
}

fn write(deck: &Deck, job: &PhononsDeck, r: &Results) -> Result<()> {
    let files = &job.files;
    let put = |file: &Option<PathBuf>, text: &str| match file {
        Some(path) => atomic::write(path, text.as_bytes(), "cannot write"),
        None => Ok(()),
    };
    let picture = |file: &Option<PathBuf>| match files.pictures {
        true => file.as_ref().map(|f| f.with_extension("svg")),
        false => None,
    };
    let atoms = r.crystal.primitive_atoms();
    put(&files.bands, &tables::bands_csv(&r.bands))?;
    put(&files.dos, &r.dos.csv())?;
    put(&files.thermal, &tables::thermal_csv(&r.thermal, atoms))?;
    put(&files.phonopy, &phonopy::yaml(&r.crystal.supercell)?)?;
    if files.force_constants.is_some() {
        let text = phonopy::force_constants(&r.crystal.supercell, &r.constants)?;
        put(&files.force_constants, &text)?;
    }
    if let Some(e) = &r.expansion {
        let edge = |v: f64| e.edge(&r.crystal, v);
        put(
            &files.expansion,
            &tables::expansion_csv(&e.rows, atoms, edge),
        )?;
    }
    let pictures = page::pictures(r, &deck.source.path)?;
    put(&picture(&files.bands), &pictures.bands)?;
    put(&picture(&files.dos), &pictures.dos)?;
    put(&picture(&files.thermal), &pictures.thermal)?;
    if let Some(svg) = &pictures.expansion {
        put(&picture(&files.expansion), svg)?;
    }
    put(&files.report, &page::html(deck, r, &pictures))
}

/// What the job would do and cost; relaxes nothing.
pub fn check(deck: &Deck, job: &PhononsDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let (unit, models) = origin(deck)?;
    let place = &deck.system.structure;
    let unrelaxed = How {
        relax: crate::deck::Relaxed::Nothing,
        ..How::from(job)
    };
    let crystal = prepare(place, &unrelaxed, &models, unit, Freedom::Deck)?;
    let mut page = Page::default();
    page.fact("deck", &deck.source.path);
    for term in &models {
        page.fact("potential", &term.potential.description().name);
    }
    for (name, value) in page::crystal_facts(&crystal) {
        page.fact(name, value);
    }
    let mut evaluator = crystal.evaluator(place, &models)?;
    let system = &crystal.supercell.system;
    let mut result = [Evaluation::default()];
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        evaluator
            .evaluate(&[system.configuration()], Want::DYNAMICS, &mut result)
            .map_err(|e| {
                let (reason, advice) = parts::describe_evaluation_error(e, system);
                Error::file(&deck.system.structure, reason).advise(advice)
            })?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
    }
    let volumes = 1 + job.expansion.map_or(0, |e| e.volumes);
    if volumes > 1 {
        page.fact("volumes", format!("{} beside the relaxed one", volumes - 1));
    }
    let count = crystal.displacements.len() * volumes;
    page.fact(
        "cost",
        format!(
            "about {} to evaluate the supercell {count} time{}, and the relaxation before",
            human_duration(seconds * count as f64),
            if count == 1 { "" } else { "s" }
        ),
    );
    let pairs = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let bytes = (pairs * 4 + system.atoms.len() * 400)
        * (16_384 / system.atoms.len()).clamp(1, count.max(1));
    page.fact(
        "memory",
        format!("about {} beside the model", human_bytes(bytes as f64)),
    );
    for file in deck.job.files() {
        page.fact("writes", file.display().to_string());
    }
    Ok(page)
}
