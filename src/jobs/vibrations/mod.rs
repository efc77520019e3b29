//! Normal modes: deck → relaxed structure → second derivatives → modes of every isotopologue → thermochemistry.

mod page;
mod store;
mod tables;

use super::announce::announce;
use super::limits::Limits;
use super::outputs::Outputs;
use super::{Outcome, RunOptions, parts, selection};
use crate::deck::{Deck, Motion, Rigid, VibrationsDeck};
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::potential::{Evaluation, Evaluator, Want};
use crate::relax::{self, Settings};
use crate::report::{Console, Page, Task, human_bytes, human_duration};
use crate::system::System;
use crate::vibrations::{
    Differences, Ensemble, Freedom, Hessian, IdealGas, Inertia, Modes, PointGroup, Rows, Source,
    ThermoRow, Thermochemistry, whole,
};
use std::path::PathBuf;
use std::time::Instant;
use store::{Key, Known, Store};

/// The table of the deck that names the files.
const TABLE: &str = "[vibrations]";
/// Reach (Å) of neighbour lists beyond the cutoff.
const SKIN: f64 = 0.4;

/// What was found for one set of masses.
struct Species {
    /// What it is called; empty for the structure as it is.
    name: String,
    masses: Vec<f64>,
    modes: Modes,
    /// Names of the irreducible representations; empty where there are none.
    labels: Vec<String>,
    group: Option<PointGroup>,
    symmetry_number: u64,
    thermochemistry: Thermochemistry,
    rows: Vec<ThermoRow>,
}

/// Everything that was found.
struct Results {
    system: System,
    energy: f64,
    fmax: f64,
    /// How the relaxation ended, if not as it should; a sentence.
    trouble: String,
    freedom: Freedom,
    hessian: Hessian,
    species: Vec<Species>,
}

/// The parts of a deck.
struct Parts {
    system: System,
    evaluator: Evaluator,
    /// The atoms that are free.
    free: Vec<usize>,
    freedom: Freedom,
    notes: Vec<String>,
}

fn prepare(deck: &Deck, job: &VibrationsDeck) -> Result<Parts> {
    let (system, _) = parts::build_system(&deck.system)?;
    let (terms, notes) = parts::deck_terms(deck, &system)?;
    let evaluator = Evaluator::new(terms, SKIN);
    let place = &deck.system.structure;
    parts::check_elements(&evaluator, &system.atoms.distinct_elements(), place)?;
    let mut free: Vec<usize> = (0..system.atoms.len()).collect();
    if let Some(fixed) = &job.fixed {
        let source = &deck.source.path;
        let held = selection::select(fixed, &system.atoms, source, "[vibrations.fixed]")?;
        free.retain(|a| held.binary_search(&(*a as u32)).is_err());
        if free.is_empty() {
            return Err(
                Error::input(source, "all atoms are held, so that nothing can vibrate")
                    .advise("look at [vibrations.fixed]"),
            );
        }
    }
    // Terms that hold atoms to places in space leave no rigid motion.
    let held = free.len() < system.atoms.len() || evaluator.is_anchored();
    let freedom = match job.rigid {
        Rigid::Auto => Freedom::of(&system, held),
        Rigid::Molecule => Freedom::Molecule,
        Rigid::Crystal => Freedom::Translations,
        Rigid::Nothing => Freedom::Held,
    };
    Ok(Parts {
        system,
        evaluator,
        free,
        freedom,
        notes,
    })
}

/// Runs the job.
pub fn run(
    deck: &Deck,
    job: &VibrationsDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    Outputs::of(deck).claim(TABLE, options)?;
    let Parts {
        mut system,
        mut evaluator,
        free,
        freedom,
        notes,
    } = prepare(deck, job)?;
    announce(deck, evaluator.terms(), console);
    notes.iter().for_each(|n| console.fact("", n));
    let start = system.clone();
    let relaxation = match job.relax {
        true => format!("fmax {:e} eV/Å", job.fmax),
        false => "none".to_owned(),
    };
    let key = Key {
        start: &start,
        atoms: &free,
        step: job.displacement,
        analytic: job.analytic,
        relaxation: &relaxation,
    };
    let mut store = Store::new(&job.files.hessian);
    let old = match options.resume {
        true => store.read(&key)?,
        false => None,
    };
    let mut trouble = match &old {
        Some(old) => {
            system.atoms.positions.clone_from(&old.positions);
            old.trouble.clone()
        }
        None => String::new(),
    };
    if old.is_none() && job.relax {
        match relaxed(
            deck,
            job,
            &mut system,
            &mut evaluator,
            &free,
            &limits,
            console,
        )? {
            Ok(said) => trouble = said,
            Err(outcome) => {
                console.say("stopped while the structure was being relaxed; nothing was kept");
                return Ok(outcome);
            }
        }
    }
    let at_rest = evaluate(deck, &system, &mut evaluator)?;
    if let Some(old) = &old
        && at_rest.energy != old.energy
    {
        return Err(Error::file(
            &job.files.hessian,
            "this file belongs to another run: the potential gives another energy now",
        )
        .advise("start from the beginning (--overwrite)"));
    }
    let fmax = parts::longest_force(free.iter().map(|a| &at_rest.forces[*a]));
    let mut known = Known {
        positions: system.atoms.positions.clone(),
        energy: at_rest.energy,
        rows: old.map_or_else(Rows::default, |o| o.rows),
        trouble,
    };
    let how = differences(job, &system);
    let size = 3 * free.len();
    if known.rows.values.len() < size * size {
        store.write(&key, &known, None)?;
    }
    let mut ended = None;
    let done = known.rows.values.len() / size;
    let mut task = Task::new(console, "rows of the Hessian", size);
    task.advance(done);
    let mut shown = done;
    let mut rows = std::mem::take(&mut known.rows);
    let found = Hessian::of(
        &system,
        &mut evaluator,
        &free,
        how,
        &mut rows,
        &mut |p, rows| {
            task.advance(p.done - shown);
            shown = p.done;
            ended = limits.reached();
            if ended.is_some() || store.is_due() {
                known.rows.values.clone_from(&rows.values);
                store.write(&key, &known, None)?;
            }
            Ok(ended.is_none())
        },
    )?;
    drop(task);
    let Some(hessian) = found else {
        console
            .say("stopped; --resume goes on with the displacements that are still to be evaluated");
        return Ok(ended.unwrap_or(Outcome::Interrupted));
    };
    known.rows = rows;
    store.write(&key, &known, Some(&hessian))?;
    let species = all_species(deck, job, &system, &hessian, freedom, at_rest.energy)?;
    let results = Results {
        system,
        energy: at_rest.energy,
        fmax,
        trouble: known.trouble,
        freedom,
        hessian,
        species,
    };
    write(deck, job, &results)?;
    page::summary(job, &results, console);
    Ok(Outcome::Done)
}

fn differences(job: &VibrationsDeck, system: &System) -> Differences {
    Differences {
        only: !job.analytic,
        ..Differences::new(job.displacement, system.atoms.len())
    }
}

/// Relaxes the free atoms. Gives a sentence when that did not end as it should (empty when it did), or that the run was stopped.
fn relaxed(
    deck: &Deck,
    job: &VibrationsDeck,
    system: &mut System,
    evaluator: &mut Evaluator,
    free: &[usize],
    limits: &Limits,
    console: &Console,
) -> Result<std::result::Result<String, Outcome>> {
    let mut settings = Settings::atoms(job.fmax);
    if free.len() < system.atoms.len() {
        settings.held = vec![[true; 3]; system.atoms.len()];
        free.iter().for_each(|a| settings.held[*a] = [false; 3]);
    }
    let mut ended = None;
    let outcome = relax::relax(system, evaluator, &settings, &mut |_| {
        ended = limits.reached();
        ended.is_none()
    })?;
    if let relax::End::Failed(e) = outcome.end {
        let (reason, advice) = parts::describe_evaluation_error(e, system);
        return Err(Error::file(&deck.system.structure, reason).advise(advice));
    }
    if let Some(outcome) = ended {
        return Ok(Err(outcome));
    }
    console.fact(
        "relaxation",
        format!(
            "{}: {} steps, longest force {:.1e} eV/Å",
            outcome.end.word(),
            outcome.steps,
            outcome.measure.fmax
        ),
    );
    Ok(Ok(match outcome.converged() {
        true => String::new(),
        false => format!(
            "the structure is not relaxed to {:.0e} eV/Å ({}): the longest force is {:.1e} eV/Å",
            job.fmax,
            outcome.end.word(),
            outcome.measure.fmax
        ),
    }))
}

fn evaluate(deck: &Deck, system: &System, evaluator: &mut Evaluator) -> Result<Evaluation> {
    let mut result = [Evaluation::default()];
    let want = Want {
        forces: true,
        ..Want::ENERGY
    };
    evaluator
        .evaluate(&[system.configuration()], want, &mut result)
        .map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, system);
            Error::file(&deck.system.structure, reason).advise(advice)
        })?;
    let [result] = result;
    Ok(result)
}

/// Modes and thermochemistry of the structure as it is, then of every isotopologue.
fn all_species(
    deck: &Deck,
    job: &VibrationsDeck,
    system: &System,
    hessian: &Hessian,
    freedom: Freedom,
    energy: f64,
) -> Result<Vec<Species>> {
    let mut sets = vec![(String::new(), system.atoms.masses.clone())];
    for isotope in &job.isotopes {
        let who = format!("the isotope `{}`", isotope.name);
        let atoms = selection::select(&isotope.atoms, &system.atoms, &deck.source.path, &who)?;
        let mut masses = system.atoms.masses.clone();
        atoms
            .iter()
            .for_each(|a| masses[*a as usize] = isotope.mass);
        sets.push((isotope.name.clone(), masses));
    }
    let temperatures = job.thermochemistry.temperatures();
    sets.into_iter()
        .map(|(name, masses)| {
            let modes = Modes::of(system, hessian, &masses, freedom)?;
            let (group, symmetry_number, ensemble) =
                ensemble(job, system, &hessian.atoms, &masses, freedom);
            let labels = group.as_ref().map_or_else(Vec::new, |g| g.labels(&modes));
            let thermochemistry = Thermochemistry {
                energy,
                quanta: oscillators(&modes),
                ensemble,
                pressure: job.thermochemistry.pressure,
            };
            let rows = temperatures
                .iter()
                .map(|t| thermochemistry.at(*t))
                .collect();
            Ok(Species {
                name,
                masses,
                modes,
                labels,
                group,
                symmetry_number,
                thermochemistry,
                rows,
            })
        })
        .collect()
}

/// ħω (eV) of the modes that oscillate: those that are imaginary, or that nothing holds, do not.
fn oscillators(modes: &Modes) -> Vec<f64> {
    let least = tables::resolution(modes);
    let real = modes.modes.iter().filter(|m| m.wavenumber() > least);
    real.map(|m| m.energy()).collect()
}

/// What moves beside the oscillators; of a molecule also its point group and symmetry number.
fn ensemble(
    job: &VibrationsDeck,
    system: &System,
    free: &[usize],
    masses: &[f64],
    freedom: Freedom,
) -> (Option<PointGroup>, u64, Ensemble) {
    let thermo = &job.thermochemistry;
    let own: Vec<f64> = free.iter().map(|a| masses[*a]).collect();
    let x = whole(system, free);
    let molecule = freedom == Freedom::Molecule;
    let group = molecule.then(|| {
        let kinds: Vec<_> = free
            .iter()
            .map(|a| (system.atoms.elements[*a], masses[*a]))
            .collect();
        PointGroup::of(&x, &kinds, free)
    });
    let found = group.as_ref().map_or(1, PointGroup::symmetry_number);
    let symmetry_number = thermo.symmetry_number.unwrap_or(found);
    let gas = match thermo.motion {
        Motion::Auto => molecule,
        Motion::IdealGas => true,
        Motion::Harmonic => false,
    };
    if !gas {
        let volume = system.cell.volume().unwrap_or(0.0);
        return (group, symmetry_number, Ensemble::Harmonic { volume });
    }
    let inertia = Inertia::of(&x, &own);
    let gas = IdealGas {
        mass: own.iter().sum(),
        moments: inertia.moments[..inertia.rotations].to_vec(),
        symmetry_number: symmetry_number as f64,
        multiplicity: thermo.multiplicity as f64,
    };
    (group, symmetry_number, Ensemble::IdealGas(gas))
}

fn write(deck: &Deck, job: &VibrationsDeck, r: &Results) -> Result<()> {
    let files = &job.files;
    let put = |file: &Option<PathBuf>, text: &[u8]| match file {
        Some(path) => atomic::write(path, text, "cannot write"),
        None => Ok(()),
    };
    put(&files.table, tables::frequencies(r).as_bytes())?;
    put(
        &files.thermochemistry,
        tables::thermochemistry(r).as_bytes(),
    )?;
    put(&files.summary, tables::summary(r).as_bytes())?;
    if files.modes.is_some() {
        put(&files.modes, &tables::animations(job, r)?)?;
    }
    let mut frame = Frame::from(r.system.clone());
    frame.set_value("energy", r.energy);
    frame.set_value("fmax", r.fmax);
    frame.set_value("converged", r.trouble.is_empty());
    let mut text = Vec::new();
    render_frame(&frame, Format::ExtendedXyz, &mut text)?;
    put(&files.structure, &text)?;
    let picture = tables::sticks(r)?;
    put(&files.picture, picture.as_bytes())?;
    put(&files.report, page::report(deck, job, r)?.as_bytes())
}

/// What a run would do and cost.
pub fn check(deck: &Deck, job: &VibrationsDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let mut p = prepare(deck, job)?;
    let mut page = Page::default();
    page.line(format!(
        "{}: a sound deck for normal modes",
        deck.source.path
    ));
    for term in p.evaluator.terms() {
        page.fact("potential", &term.potential.description().name);
    }
    let (atoms, free) = (p.system.atoms.len(), p.free.len());
    let held = match atoms - free {
        0 => String::new(),
        held => format!(", {held} of them held"),
    };
    page.fact("structure", format!("{atoms} atoms{held}"));
    page.fact("left out", page::left_out(p.freedom));
    let begin = Instant::now();
    evaluate(deck, &p.system, &mut p.evaluator)?;
    evaluate(deck, &p.system, &mut p.evaluator)?;
    let seconds = 0.5 * begin.elapsed().as_secs_f64();
    let how = differences(job, &p.system);
    let calls = Hessian::evaluations(&p.evaluator, free, how, &Rows::default());
    let size = 3 * free;
    page.fact(
        "Hessian",
        match calls {
            0 => format!("{size} × {size}, in closed form"),
            n => format!(
                "{size} × {size}, from {n} displaced structures, {} at a time",
                how.block
            ),
        },
    );
    if job.relax {
        page.fact(
            "relaxation",
            format!("of the atoms, to {:.0e} eV/Å", job.fmax),
        );
    } else {
        page.fact("relaxation", "none");
    }
    page.fact(
        "time",
        format!(
            "about {} for the displacements, beside the relaxation",
            human_duration(seconds * calls as f64)
        ),
    );
    // The matrix, its eigenvectors and work space; rows; what is displaced.
    let matrices = 5.0 * 8.0 * (size as f64).powi(2);
    let block = how.block as f64 * atoms as f64 * 256.0;
    page.fact("memory", format!("about {}", human_bytes(matrices + block)));
    let files: Vec<String> = deck
        .job
        .files()
        .iter()
        .map(|f| f.display().to_string())
        .collect();
    page.fact("writes", files.join(", "));
    Ok(page)
}

/// Where second derivatives come from, in words.
fn source(hessian: &Hessian) -> &'static str {
    match hessian.source {
        Source::Analytic => "in closed form",
        Source::Differences => "from differences of forces",
        Source::Both => {
            "in closed form where terms have one, the others from differences of forces"
        }
    }
}
