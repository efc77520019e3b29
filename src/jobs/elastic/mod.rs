//! Elastic constants: deck → relaxed crystal → strained cells, their atoms relaxed → stresses → constants, moduli, stability.

mod page;
mod strains;
mod tables;

use super::announce::announce;
use super::kept::KeptFrames;
use super::limits::Limits;
use super::outputs::Outputs;
use super::{Outcome, RunOptions, parts};
use crate::deck::{Before, Deck, ElasticDeck};
use crate::elastic::{Moduli, Response, Stability, Stiffness, fit};
use crate::error::{Error, Result};
use crate::io::{Format, Frame, atomic, render_frame};
use crate::potential::{Evaluation, Evaluator, Term, Want};
use crate::relax::{self, CellSettings, Settings};
use crate::report::{Console, Page, Task, human_bytes, human_duration};
use crate::system::{SpaceGroup, System};
use nalgebra::{Matrix3, Matrix6};
use std::path::PathBuf;
use std::time::Instant;
use strains::Strained;

/// The table of the deck that names the files.
const TABLE: &str = "[elastic]";
/// Reach (Å) of neighbour lists beyond the cutoff.
const SKIN: f64 = 0.4;

/// The crystal that is strained.
struct Reference {
    system: System,
    /// Energy (eV), longest force (eV/Å), stress (eV/Å^3, tension positive).
    energy: f64,
    fmax: f64,
    stress: Matrix3<f64>,
    group: Option<SpaceGroup>,
    /// How the relaxation ended, if not as it should; a sentence.
    trouble: String,
}

/// Constants from one set of stresses (eV/Å^3).
struct Constants {
    /// Slopes of the stresses, row by stress and column by strain, as they were fitted.
    responses: [[Response; 6]; 6],
    /// The same made symmetric.
    slopes: Stiffness,
    /// The largest change by that.
    change: f64,
    /// Second derivatives of the energy, which differ from the slopes under stress.
    energies: Stiffness,
    moduli: Option<Moduli>,
    stability: Stability,
}

/// Everything that was found.
struct Results {
    reference: Reference,
    strained: Vec<Strained>,
    /// With the atoms relaxed; where they are not, with the atoms where the strain takes them.
    constants: Constants,
    /// With the atoms where the strain takes them, beside relaxed ones.
    clamped: Option<Constants>,
}

/// The parts of the deck.
fn origin(deck: &Deck) -> Result<(System, Vec<Term>, Vec<String>)> {
    let (system, _) = parts::build_system(&deck.system)?;
    let structure = &deck.system.structure;
    if !system.cell.is_bulk() {
        return Err(Error::file(
            structure,
            "elastic constants need a crystal: this structure is not periodic in all three directions",
        )
        .advise("write `periodic = [true, true, true]` in [system] if the cell is that of a crystal"));
    }
    let (terms, notes) = parts::deck_terms(deck, &system)?;
    let evaluator = Evaluator::new(terms.clone(), SKIN);
    parts::check_elements(&evaluator, &system.atoms.distinct_elements(), structure)?;
    let refuse = |why: String| {
        Err(Error::input(&deck.source.path, why)
            .advise("use a potential that knows what strain does"))
    };
    if evaluator.has_external() {
        return Err(Error::input(
            &deck.source.path,
            "restraints, walls and forces do not go with [elastic]: they are no part of the crystal",
        )
        .advise("remove them from the deck"));
    }
    if !evaluator.gives_virial() {
        return refuse(
            "the potential gives no virial, and elastic constants are made from stresses".into(),
        );
    }
    if let Some((term, why)) = evaluator.fixed_cell() {
        return refuse(format!(
            "the potential `{}` is right in one cell only: {why}",
            term.name
        ));
    }
    Ok((system, terms, notes))
}

/// Runs the job.
pub fn run(
    deck: &Deck,
    job: &ElasticDeck,
    options: &RunOptions,
    console: &Console,
) -> Result<Outcome> {
    let limits = Limits::of(options);
    Outputs::of(deck).claim(TABLE, options)?;
    let (system, terms, notes) = origin(deck)?;
    announce(deck, &terms, console);
    notes.iter().for_each(|n| console.fact("", n));
    let reference = match prepare(deck, job, system, &terms, &limits)? {
        Ok(reference) => reference,
        Err(outcome) => {
            console.say("stopped while the crystal was being relaxed; nothing was kept");
            return Ok(outcome);
        }
    };
    page::describe(&reference, console);
    write_structure(job, &reference)?;
    let mut store = KeptFrames::open(&job.files.strained, options.resume, |_| true)?;
    let plan = strains::plan(job);
    let mut task = Task::new(console, "strained cells", plan.len());
    let done = strains::all(
        deck,
        job,
        &reference,
        &terms,
        &plan,
        &mut store,
        &limits,
        &mut |n| task.advance(n),
    )?;
    drop(task);
    let strained = match done {
        Ok(strained) => strained,
        Err(outcome) => {
            console.say("stopped; --resume goes on with the strained cells that are left");
            return Ok(outcome);
        }
    };
    let rotations = match &reference.group {
        Some(group) => group.rotations(),
        None => vec![Matrix3::identity()],
    };
    let of = |stress: &dyn Fn(&Strained) -> [f64; 6]| {
        constants(&strained, stress, &rotations, &reference.stress)
    };
    let clamped = of(&|s| s.clamped);
    let (constants, clamped) = match job.ions {
        true => (of(&|s| s.stress), Some(clamped)),
        false => (clamped, None),
    };
    let results = Results {
        reference,
        strained,
        constants,
        clamped,
    };
    write(deck, job, &results)?;
    page::summary(job, &results, console);
    Ok(Outcome::Done)
}

/// Relaxes the crystal, or says that the run was stopped.
fn prepare(
    deck: &Deck,
    job: &ElasticDeck,
    mut system: System,
    terms: &[Term],
    limits: &Limits,
) -> Result<std::result::Result<Reference, Outcome>> {
    let place = &deck.system.structure;
    let mut evaluator = Evaluator::new(terms.to_vec(), SKIN);
    let mut settings = Settings::atoms(job.fmax);
    if job.relax == Before::Cell {
        settings.cell = Some(CellSettings::under_pressure(job.pressure));
    }
    let mut trouble = String::new();
    if job.relax != Before::Nothing {
        let mut ended = None;
        let outcome = relax::relax(&mut system, &mut evaluator, &settings, &mut |_| {
            ended = limits.reached();
            ended.is_none()
        })?;
        if let relax::End::Failed(e) = outcome.end {
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            return Err(Error::file(place, reason).advise(advice));
        }
        if let Some(outcome) = ended {
            return Ok(Err(outcome));
        }
        if !outcome.converged() {
            trouble = format!(
                "the crystal is not relaxed ({}): the longest force is {:.1e} eV/Å",
                outcome.end.word(),
                outcome.measure.fmax
            );
        }
    }
    let (energy, fmax, stress) = measure(deck, &system, &mut evaluator)?;
    let group = match job.symmetry {
        true => Some(
            SpaceGroup::of(&system, job.tolerance)
                .map_err(|e| e.within(&place.display().to_string()))?,
        ),
        false => None,
    };
    Ok(Ok(Reference {
        system,
        energy,
        fmax,
        stress,
        group,
        trouble,
    }))
}

/// Energy (eV), longest force (eV/Å) and stress (eV/Å^3, tension positive).
fn measure(
    deck: &Deck,
    system: &System,
    evaluator: &mut Evaluator,
) -> Result<(f64, f64, Matrix3<f64>)> {
    let mut result = [Evaluation::default()];
    evaluator
        .evaluate(&[system.configuration()], Want::DYNAMICS, &mut result)
        .map_err(|e| {
            let (reason, advice) = parts::describe_evaluation_error(e, system);
            Error::file(&deck.system.structure, reason).advise(advice)
        })?;
    let [r] = result;
    let fmax = parts::longest_force(&r.forces);
    let volume = system.cell.volume().unwrap_or(1.0);
    let stress = Matrix3::from_fn(|i, j| -0.5 * (r.virial[i][j] + r.virial[j][i]) / volume);
    Ok((r.energy, fmax, stress))
}

/// Constants from the stresses of strained cells.
fn constants(
    strained: &[Strained],
    stress: &dyn Fn(&Strained) -> [f64; 6],
    rotations: &[Matrix3<f64>],
    at_rest: &Matrix3<f64>,
) -> Constants {
    let response = |a: usize, b: usize| {
        let of = |sign: f64| {
            let own = strained
                .iter()
                .filter(move |s| s.component == b && s.strain * sign > 0.0);
            own.map(|s| (s.strain.abs(), stress(s)[a]))
        };
        // Strains of both signs come in the same order.
        let pairs = of(1.0).zip(of(-1.0));
        let points: Vec<(f64, f64, f64)> = pairs.map(|(p, m)| (p.0, p.1, m.1)).collect();
        fit(&points)
    };
    let responses = std::array::from_fn(|a| std::array::from_fn(|b| response(a, b)));
    let raw = Stiffness(Matrix6::from_fn(|a, b| {
        let row: &[Response; 6] = &responses[a];
        row[b].slope
    }));
    let slopes = raw.symmetrised(rotations);
    // Under a stress that is not a pressure slopes are not symmetric, and energies are.
    let energies = slopes.without_stress(at_rest).symmetric();
    let change = (slopes.0 - raw.0)
        .amax()
        .max((slopes.symmetric().0 - raw.0).amax());
    let slopes = slopes.symmetric();
    Constants {
        moduli: slopes.moduli(),
        stability: slopes.stability(),
        responses,
        change,
        energies,
        slopes,
    }
}

fn write_structure(job: &ElasticDeck, r: &Reference) -> Result<()> {
    let Some(path) = &job.files.structure else {
        return Ok(());
    };
    let mut frame = Frame::from(r.system.clone());
    frame.set_value("energy", r.energy);
    frame.set_value("fmax", r.fmax);
    let stress: [[f64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| r.stress[(i, j)]));
    frame.set_value("stress", stress);
    if let Some(group) = &r.group {
        frame.set_value("space_group", group.name());
    }
    frame.set_value("converged", r.trouble.is_empty());
    let mut text = Vec::new();
    render_frame(&frame, Format::ExtendedXyz, &mut text)?;
    atomic::write(path, &text, "cannot write")
}

fn write(deck: &Deck, job: &ElasticDeck, r: &Results) -> Result<()> {
    let put = |file: &Option<PathBuf>, text: &str| match file {
        Some(path) => atomic::write(path, text.as_bytes(), "cannot write"),
        None => Ok(()),
    };
    let files = &job.files;
    put(&files.table, &tables::table(r))?;
    put(&files.summary, &tables::summary(r))?;
    put(&files.picture, &tables::picture(r)?)?;
    put(&files.report, &page::report(deck, r)?)
}

/// What a run would do and cost.
pub fn check(deck: &Deck, job: &ElasticDeck) -> Result<Page> {
    Outputs::of(deck).check_folders(TABLE)?;
    let (system, terms, _) = origin(deck)?;
    let mut page = Page::default();
    page.line(format!(
        "{}: a sound deck for elastic constants",
        deck.source.path
    ));
    for term in &terms {
        page.fact("potential", &term.potential.description().name);
    }
    let atoms = system.atoms.len();
    let group = match job.symmetry {
        true => format!(
            ", space group {}",
            SpaceGroup::of(&system, job.tolerance)?.name()
        ),
        false => String::new(),
    };
    page.fact("structure", format!("{atoms} atoms{group}"));
    let count = strains::plan(job).len();
    page.fact(
        "strains",
        format!(
            "{count}: six components, {} of each sign, up to {}; atoms {}",
            job.strains,
            job.largest_strain,
            if job.ions {
                "relaxed in each"
            } else {
                "where the strain takes them"
            }
        ),
    );
    let mut evaluator = Evaluator::new(terms, SKIN);
    measure(deck, &system, &mut evaluator)?;
    let begin = Instant::now();
    measure(deck, &system, &mut evaluator)?;
    let seconds = begin.elapsed().as_secs_f64();
    // A relaxation from so near takes some tens of evaluations.
    let each = if job.ions { 20.0 } else { 1.0 };
    page.fact(
        "time",
        format!(
            "about {}, beside the relaxation at first",
            human_duration(seconds * each * count as f64)
        ),
    );
    let list = evaluator.longest_list(0).map_or(0, |l| l.pairs());
    let memory = (4.0 * list as f64 + 500.0 * atoms as f64) * crate::parallel::threads() as f64;
    page.fact("memory", format!("about {}", human_bytes(memory)));
    let files: Vec<String> = deck
        .job
        .files()
        .iter()
        .map(|f| f.display().to_string())
        .collect();
    page.fact("writes", files.join(", "));
    Ok(page)
}
