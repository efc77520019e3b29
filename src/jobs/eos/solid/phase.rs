//! A phase: its crystal, and what its volumes are ratios to.

use super::SKIN;
use crate::deck::{Around, Deck, Relaxed, SolidDeck, SystemDeck, VolumesDeck};
use crate::dynamics::barostat::StrainSpace;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::jobs::limits::Limits;
use crate::jobs::{Outcome, parts};
use crate::potential::{Evaluator, Term};
use crate::relax::{self, CellSettings, Settings};
use crate::system::{SpaceGroup, System};
use std::path::PathBuf;

/// A phase as the deck names it, before anything is computed.
pub(super) struct Start {
    pub name: String,
    /// The file of its structure, which errors name.
    pub place: PathBuf,
    pub system: System,
    pub volumes: VolumesDeck,
    /// The models made for it.
    pub terms: Vec<Term>,
}

/// A phase at the volume to which others are ratios.
pub(super) struct Phase {
    pub name: String,
    pub place: PathBuf,
    pub volumes: VolumesDeck,
    pub terms: Vec<Term>,
    /// The crystal at ratio 1.
    pub system: System,
    /// Its space group; none where the deck does not ask for symmetry.
    pub group: Option<SpaceGroup>,
    /// Energy (eV) that tells this crystal from any other; of the relaxed crystal its energy.
    pub energy: f64,
    /// How the relaxation ended, when not as it should; a sentence.
    pub trouble: Option<String>,
}

impl Phase {
    /// Number of atoms.
    pub fn atoms(&self) -> f64 {
        self.system.atoms.len() as f64
    }

    /// Volume (Å^3 per atom) of ratio 1.
    pub fn volume(&self) -> f64 {
        self.system.cell.volume().unwrap_or(1.0) / self.atoms()
    }
}

/// The parts of the deck: every phase, the models, and what a person should know of them.
pub(super) fn starts(deck: &Deck, job: &SolidDeck) -> Result<(Vec<Start>, Vec<Term>, Vec<String>)> {
    let e = &deck.external;
    if !(e.forces.is_empty() && e.walls.is_empty() && e.restraints.is_empty()) {
        return Err(Error::input(
            &deck.source.path,
            "restraints, walls and forces do not go with [eos.solid]: they are no part of the crystal",
        )
        .advise("remove them from the deck"));
    }
    let models = parts::build_terms(&deck.potential)?;
    let named = |name: &Option<String>, place: &PathBuf| match name {
        Some(name) => name.clone(),
        None => place.file_stem().map_or_else(
            || "crystal".to_owned(),
            |s| s.to_string_lossy().into_owned(),
        ),
    };
    let first = (
        named(&job.name, &deck.system.structure),
        deck.system.clone(),
        job.volumes,
    );
    let others = job.phases.iter().map(|p| {
        let system = SystemDeck {
            structure: p.structure.clone(),
            frame: p.frame,
            repeat: p.repeat,
            ..deck.system.clone()
        };
        (p.name.clone(), system, p.volumes)
    });
    let mut notes = Vec::new();
    let mut all: Vec<Start> = Vec::new();
    for (name, system, volumes) in std::iter::once(first).chain(others) {
        let (start, own) = start(deck, job, &models, name, &system, volumes)?;
        for note in own {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        if let Some(first) = all.first() {
            same_matter(first, &start)?;
        }
        if all.iter().any(|a| a.name == start.name) {
            return Err(Error::input(
                &deck.source.path,
                format!("two phases are called `{}`", start.name),
            )
            .advise("give the phase of [system] another name: `name = \"...\"` in [eos.solid]"));
        }
        all.push(start);
    }
    Ok((all, models, notes))
}

fn start(
    deck: &Deck,
    job: &SolidDeck,
    models: &[Term],
    name: String,
    of: &SystemDeck,
    volumes: VolumesDeck,
) -> Result<(Start, Vec<String>)> {
    let place = of.structure.clone();
    let (system, _) = parts::build_system(of)?;
    if !system.cell.is_bulk() {
        return Err(Error::file(
            &place,
            "an equation of state needs a crystal: this structure is not periodic in all three directions",
        )
        .advise("write `periodic = [true, true, true]` in [system] if the cell is that of a crystal"));
    }
    let (terms, notes) = parts::fit_terms(models, &system, &place)?;
    let evaluator = Evaluator::new(terms.clone(), SKIN);
    parts::check_elements(&evaluator, &system.atoms.distinct_elements(), &place)?;
    if let Some((term, why)) = evaluator.fixed_cell() {
        return Err(Error::input(
            &deck.source.path,
            format!(
                "the potential `{}` is right in one cell only: {why}",
                term.name
            ),
        )
        .advise("use a potential that knows what other volumes do"));
    }
    let needs = match (job.relax, volumes.around) {
        (Relaxed::Cell, _) => Some((
            "relax = \"cell\"",
            "write `relax = \"atoms\"`, and `around = \"structure\"`",
        )),
        (_, Around::Relaxed) => Some(("around = \"relaxed\"", "write `around = \"structure\"`")),
        _ => None,
    };
    if let Some((key, advice)) = needs.filter(|_| !evaluator.gives_virial()) {
        return Err(Error::input(
            &deck.source.path,
            format!("the potential gives no virial, which `{key}` needs"),
        )
        .advise(advice));
    }
    let start = Start {
        name,
        place,
        system,
        volumes,
        terms,
    };
    Ok((start, notes))
}

/// Phases are compared per atom, so they must be made of the same matter.
fn same_matter(a: &Start, b: &Start) -> Result<()> {
    let count = |s: &Start| -> Vec<(Element, usize)> {
        let elements = &s.system.atoms.elements;
        let distinct = s.system.atoms.distinct_elements();
        let number = |e: &Element| elements.iter().filter(|x| *x == e).count();
        let mut all: Vec<_> = distinct.iter().map(|e| (*e, number(e))).collect();
        all.sort_by_key(|e| e.0.number());
        all
    };
    let (ca, cb) = (count(a), count(b));
    let (na, nb) = (a.system.atoms.len(), b.system.atoms.len());
    let same = ca.len() == cb.len()
        && ca
            .iter()
            .zip(&cb)
            .all(|(x, y)| x.0 == y.0 && x.1 * nb == y.1 * na);
    if same {
        return Ok(());
    }
    let formula = |c: &[(Element, usize)]| -> String {
        c.iter()
            .map(|(e, n)| format!("{}{n}", e.symbol()))
            .collect()
    };
    Err(Error::file(
        &b.place,
        format!(
            "the phase `{}` is {}, and `{}` is {}: their enthalpies per atom cannot be compared",
            b.name,
            formula(&cb),
            a.name,
            formula(&ca)
        ),
    )
    .advise("phases of one deck must have the same composition"))
}

/// What relaxations of a deck have in common.
pub(super) fn settings(job: &SolidDeck) -> Settings {
    Settings {
        keep_symmetry: job.symmetry.then_some(job.tolerance),
        ..Settings::atoms(job.fmax)
    }
}

/// The crystal at ratio 1, or that the run was stopped.
pub(super) fn prepare(
    start: Start,
    job: &SolidDeck,
    limits: &Limits,
) -> Result<std::result::Result<Phase, Outcome>> {
    let Start {
        name,
        place,
        mut system,
        volumes,
        terms,
    } = start;
    let mut evaluator = Evaluator::new(terms.clone(), SKIN);
    let mut trouble = None;
    let energy = if volumes.around == Around::Relaxed {
        let mut settings = settings(job);
        let free = match job.relax {
            Relaxed::Cell => StrainSpace::components([true; 6]),
            Relaxed::Atoms | Relaxed::Nothing => StrainSpace::isotropic(),
        };
        settings.cell = Some(CellSettings {
            strains: free,
            ..CellSettings::default()
        });
        if job.relax == Relaxed::Nothing {
            // Held atoms keep their places in the cell, and with them the symmetry.
            settings.held = vec![[true; 3]; system.atoms.len()];
            settings.keep_symmetry = None;
        }
        let mut ended = None;
        let outcome = relax::relax(&mut system, &mut evaluator, &settings, &mut |_| {
            ended = limits.reached();
            ended.is_none()
        })
        .map_err(|e| e.within(&name))?;
        if let relax::End::Failed(e) = outcome.end {
            let (reason, advice) = parts::describe_evaluation_error(e, &system);
            return Err(Error::file(&place, reason).advise(advice));
        }
        if let Some(outcome) = ended {
            return Ok(Err(outcome));
        }
        if let relax::End::SoftCell(ratio) = outcome.end {
            return Err(Error::file(
                &place,
                format!("`{name}` has no volume at which it is at rest: relaxing the cell multiplied it by {ratio:.2}"),
            )
            .advise("give volumes as ratios to that of the structure: `around = \"structure\"`"));
        }
        if !outcome.converged() {
            trouble = Some(format!(
                "{name} is not relaxed without pressure ({}): the longest force is {:.1e} eV/Å",
                outcome.end.word(),
                outcome.measure.fmax
            ));
        }
        outcome.measure.energy
    } else {
        super::points::measure(&system, &mut evaluator)
            .map_err(|(reason, advice)| Error::file(&place, reason).advise(advice))?
            .energy
    };
    let group = match job.symmetry {
        true => Some(
            SpaceGroup::of(&system, job.tolerance)
                .map_err(|e| e.within(&place.display().to_string()))?,
        ),
        false => None,
    };
    Ok(Ok(Phase {
        name,
        place,
        volumes,
        terms,
        system,
        group,
        energy,
        trouble,
    }))
}

/// The crystal as it was read, at ratio 1: for plans.
pub(super) fn unrelaxed(start: Start) -> Phase {
    Phase {
        name: start.name,
        place: start.place,
        volumes: start.volumes,
        terms: start.terms,
        system: start.system,
        group: None,
        energy: 0.0,
        trouble: None,
    }
}
