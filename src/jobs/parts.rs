//! The parts that every job needs: the system and the potential of a deck.

use super::{external, repartition_hydrogen};
use crate::deck::{
    BoxSize, CutoffScheme, Deck, DispersionDeck, FrameChoice, LennardJonesDeck,
    LennardJonesParameters, ModelDeck, PackDeck, PotentialDeck, SystemDeck, ZblDeck,
};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{self, Frame, FrameIndex, FrameReader, ReadOptions};
use crate::molecules::{self, Molecules, Packing, Species};
use crate::potential::pair::{
    Damping, Dispersion, DispersionCoefficients, LennardJones, PairParameters, Scheme, Zbl,
};
use crate::potential::{
    Acts, EvaluationError, Evaluator, Local, Molecular, Potential, Term, registry,
};
use crate::system::{Atoms, Cell, System, repeat};
use crate::units::AMU_PER_A3_IN_G_PER_CM3;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More atoms than this are not packed.
const MOST_PACKED: usize = 20_000_000;

/// Reads and builds the system of a deck. The second value says whether the file had velocities.
pub fn build_system(deck: &SystemDeck) -> Result<(System, bool)> {
    if deck.frame == FrameChoice::All || deck.is_pattern() {
        return Err(Error::file(
            &deck.structure,
            "this job takes one structure, and the deck names many",
        )
        .advise("name one file in [system], and one frame; [relax] takes many"));
    }
    let (system, has_velocities) = read_structure(&deck.structure, frame_index(deck.frame))?;
    let has_velocities = has_velocities && deck.pack.is_none();
    Ok((adjust(deck, &deck.structure, system)?, has_velocities))
}

/// The frame of a file that the deck means, with all that the file says, as the system of the deck.
pub fn one_frame(deck: &SystemDeck, file: &Path) -> Result<Frame> {
    let index = frame_index(deck.frame);
    let mut frame = if io::is_hdf5(file) {
        let (system, has_velocities) = read_structure(file, index)?;
        let mut frame = Frame::from(system);
        frame.has_velocities = has_velocities;
        frame
    } else {
        io::read_frame(file, index, &ReadOptions::default())?
    };
    let before = frame.system.atoms.len();
    frame.system = adjust(deck, file, frame.system)?;
    if frame.system.atoms.len() != before || deck.pack.is_some() {
        frame.has_velocities &= deck.pack.is_none();
        // Columns of the cell that was repeated, or of a molecule, say nothing of its copies.
        frame.columns.clear();
    }
    Ok(frame)
}

/// The number of frames in structure files.
pub fn count_frames(files: &[PathBuf]) -> Result<usize> {
    let mut count = 0;
    for file in files {
        for frame in FrameReader::open(file, &ReadOptions::default())? {
            frame?;
            count += 1;
        }
    }
    Ok(count)
}

fn frame_index(choice: FrameChoice) -> FrameIndex {
    match choice {
        FrameChoice::First => FrameIndex::First,
        FrameChoice::Last | FrameChoice::All => FrameIndex::Last,
        FrameChoice::Index(n) => FrameIndex::Nth(n),
    }
}

/// What a deck changes of the structure that a file has.
pub fn adjust(deck: &SystemDeck, file: &Path, mut system: System) -> Result<System> {
    if let Some(periodic) = deck.periodic {
        system.cell = Cell::new(system.cell.row_vectors(), periodic).map_err(|why| {
            Error::file(file, why)
                .advise("`periodic` in the deck needs a cell vector in the file for every periodic direction")
        })?;
    }
    set_masses(deck, file, &mut system)?;
    if let Some(pack) = &deck.pack {
        return packed(deck, pack, file, system);
    }
    let system = repeat(&system, deck.repeat).map_err(|e| e.within(&file.display().to_string()))?;
    if system.atoms.is_empty() {
        return Err(Error::file(file, "the structure has no atoms"));
    }
    Ok(system)
}

/// The masses that a deck gives.
pub(super) fn set_masses(deck: &SystemDeck, file: &Path, system: &mut System) -> Result<()> {
    for (e, mass) in system.atoms.elements.iter().zip(&mut system.atoms.masses) {
        if let Some(given) = deck.masses.iter().find(|m| m.0 == *e) {
            *mass = given.1;
        }
    }
    if let Some(mass) = deck.hydrogen_mass {
        repartition_hydrogen(system, mass).map_err(|e| e.within(&file.display().to_string()))?;
    }
    Ok(())
}

/// A box of copies of a molecule, and of others.
fn packed(deck: &SystemDeck, pack: &PackDeck, file: &Path, molecule: System) -> Result<System> {
    let mut kinds = vec![(whole(molecule, file)?, pack.molecules)];
    for also in &pack.also {
        let (mut other, _) = read_structure(&also.structure, FrameIndex::Last)?;
        set_masses(deck, &also.structure, &mut other)?;
        kinds.push((whole(other, &also.structure)?, also.molecules));
    }
    let atoms = kinds.iter().try_fold(0usize, |sum, (atoms, count)| {
        sum.checked_add(atoms.len().checked_mul(*count)?)
    });
    if atoms.is_none_or(|n| n > MOST_PACKED) {
        return Err(Error::file(
            file,
            format!("the packed box would have more than {MOST_PACKED} atoms"),
        )
        .advise("pack a smaller box, and repeat it"));
    }
    let mass: f64 = kinds
        .iter()
        .map(|(atoms, count)| atoms.masses.iter().sum::<f64>() * *count as f64)
        .sum();
    let edge = match pack.size {
        BoxSize::Edge(edge) => edge,
        BoxSize::Density(density) => (mass / density).cbrt(),
    };
    let species: Vec<Species<'_>> = kinds
        .iter()
        .map(|(molecule, count)| Species {
            molecule,
            count: *count,
        })
        .collect();
    let packing = Packing {
        species: &species,
        edge,
        seed: pack.seed,
    };
    let made = molecules::pack(&packing).map_err(|why| {
        Error::file(file, why).advise(
            "choose a lower density, pack fewer molecules, or compress the box with a barostat",
        )
    })?;
    Ok(made.system)
}

/// A molecule out of a structure file, whole.
pub(super) fn whole(system: System, file: &Path) -> Result<Atoms> {
    let refuse =
        |why: String| Error::file(file, why).advise("the structure should be one molecule");
    if system.atoms.is_empty() {
        return Err(refuse("the structure has no atoms".to_owned()));
    }
    let found = Molecules::find(system.configuration()).map_err(|why| refuse(why.describe()))?;
    let mut positions = Vec::new();
    found
        .make_whole(&system.cell, &system.atoms.positions, &mut positions)
        .map_err(|torn| refuse(torn.describe()))?;
    Ok(Atoms {
        positions,
        ..system.atoms
    })
}

/// What was packed, in words; `None` when nothing was.
pub fn packing_note(deck: &SystemDeck, system: &System) -> Option<String> {
    let pack = deck.pack.as_ref()?;
    let mass: f64 = system.atoms.masses.iter().sum();
    let volume = system.cell.volume()?;
    let found = Molecules::find(system.configuration()).ok()?;
    Some(format!(
        "packed: {} in a cube of {:.3} Å, {:.4} g/cm^3, seed {}",
        found.composition(&system.atoms.elements),
        system.cell.row_vectors()[0][0],
        mass / volume * AMU_PER_A3_IN_G_PER_CM3,
        pack.seed
    ))
}

/// One frame of a structure file or of a trajectory.
pub(super) fn read_structure(path: &Path, index: FrameIndex) -> Result<(System, bool)> {
    if io::is_hdf5(path) {
        let reader = io::h5md::TrajectoryReader::open(path)?;
        let frames = reader.frames();
        let i = match index {
            FrameIndex::First => 0,
            FrameIndex::Last => frames.saturating_sub(1),
            FrameIndex::Nth(n) => n,
        };
        if i >= frames {
            return Err(Error::file(
                path,
                format!("frame {i} is wanted, but the trajectory has {frames} (counted from 0)"),
            ));
        }
        let frame = reader.read_frame(i)?;
        return Ok((frame.system, frame.has_velocities));
    }
    let frame = io::read_frame(path, index, &ReadOptions::default())?;
    Ok((frame.system, frame.has_velocities))
}

/// All that acts on the atoms of a deck's system: models, then restraints, walls and forces. With them what a person should
/// know.
pub fn deck_terms(deck: &Deck, system: &System) -> Result<(Vec<Term>, Vec<String>)> {
    let models = build_terms(&deck.potential)?;
    let (mut terms, mut notes) = fit_terms(&models, system, &deck.system.structure)?;
    terms.extend(external::terms(deck, system)?);
    if let Some(note) = packing_note(&deck.system, system) {
        notes.insert(0, note);
    }
    Ok((terms, notes))
}

/// Loads the models of a deck.
pub fn build_terms(deck: &PotentialDeck) -> Result<Vec<Term>> {
    deck.terms
        .iter()
        .map(|term| {
            let potential: Arc<dyn Potential> = match &term.model {
                ModelDeck::Gap { file } | ModelDeck::Mtp { file } | ModelDeck::Sgdml { file } => {
                    registry::load(file, deck.species.as_deref())?
                }
                ModelDeck::LennardJones(lj) => Arc::new(Local(lennard_jones(lj)?)),
                ModelDeck::Zbl(zbl) => Arc::new(Local(screened_repulsion(zbl)?)),
                ModelDeck::Dispersion(d) => Arc::new(Local(dispersion(d)?)),
            };
            let acts = match (term.acts, &term.model) {
                (None, _) | (Some(Acts::Within), ModelDeck::Sgdml { .. }) => None,
                (Some(acts), _) => Some(acts),
            };
            let potential = match acts {
                None => potential,
                Some(acts) => {
                    let made = Molecular::new(potential, acts);
                    Arc::new(made.map_err(|why| {
                        Error::input(format!("term `{}`", term.name), why)
                            .advise("`acts = \"between\"` is for GAP, MTP and pair potentials")
                    })?)
                }
            };
            Ok(Term {
                name: term.name.clone(),
                scale: term.scale,
                potential,
            })
        })
        .collect()
}

/// The terms made for one system: models of a molecule find it there. With them what a person should know.
///
/// Errors name `place`, where the system comes from, and the term when there are several.
pub fn fit_terms(
    terms: &[Term],
    system: &System,
    place: &Path,
) -> Result<(Vec<Term>, Vec<String>)> {
    let mut notes = Vec::new();
    let fitted = terms.iter().map(|term| {
        let name = |text: String| match terms {
            [_] => text,
            _ => format!("{}: {text}", term.name),
        };
        let made = term.potential.for_system(system).map_err(|e| {
            let e = if terms.len() > 1 {
                e.within(&term.name)
            } else {
                e
            };
            e.within(&place.display().to_string())
        })?;
        let Some(made) = made else {
            return Ok(term.clone());
        };
        notes.extend(made.notes.into_iter().map(name));
        Ok(Term {
            potential: made.potential,
            ..term.clone()
        })
    });
    let fitted = fitted.collect::<Result<_>>()?;
    Ok((fitted, notes))
}

fn lennard_jones(deck: &LennardJonesDeck) -> Result<LennardJones> {
    let scheme = match deck.scheme {
        CutoffScheme::Truncated => Scheme::Truncated,
        CutoffScheme::Shifted => Scheme::Shifted,
        CutoffScheme::ForceShifted => Scheme::ForceShifted,
    };
    let with = |epsilon: f64, sigma: f64| PairParameters {
        epsilon,
        sigma,
        cutoff: deck.cutoff,
    };
    let model = match &deck.parameters {
        LennardJonesParameters::Uniform { epsilon, sigma } => {
            LennardJones::uniform(with(*epsilon, *sigma), scheme, deck.tail)
        }
        LennardJonesParameters::Mixture(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|p| (p.elements.0, p.elements.1, with(p.epsilon, p.sigma)))
                .collect();
            LennardJones::mixture(&pairs, scheme, deck.tail)
        }
    };
    model.map_err(|why| Error::input("[potential.lennard_jones]", why))
}

fn screened_repulsion(deck: &ZblDeck) -> Result<Zbl> {
    Zbl::new(deck.range, &deck.pairs).map_err(|why| Error::input("[potential.zbl]", why))
}

fn dispersion(deck: &DispersionDeck) -> Result<Dispersion> {
    let pairs: Vec<_> = deck
        .pairs
        .iter()
        .map(|p| {
            let coefficients = DispersionCoefficients {
                c6: p.c6,
                c8: p.c8,
                r0: p.r0,
            };
            (p.elements.0, p.elements.1, coefficients)
        })
        .collect();
    let damping = Damping {
        s6: deck.s6,
        s8: deck.s8,
        a1: deck.a1,
        a2: deck.a2,
        inner: deck.inner,
        cutoff: deck.cutoff,
        tail: deck.tail,
    };
    Dispersion::new(&pairs, damping).map_err(|why| Error::input("[potential.dispersion]", why))
}

/// Refuses elements that some model does not know.
pub fn check_elements(evaluator: &Evaluator, present: &[Element], structure: &Path) -> Result<()> {
    let Some((element, term)) = evaluator.unknown_elements(present).into_iter().next() else {
        return Ok(());
    };
    let model = evaluator
        .terms()
        .iter()
        .find(|t| t.name == term)
        .map(|t| t.potential.description());
    let known = model
        .and_then(|d| d.elements.as_ref())
        .map_or(String::new(), |list| {
            list.iter()
                .map(|e| e.symbol())
                .collect::<Vec<_>>()
                .join(", ")
        });
    Err(Error::file(
        structure,
        format!("the structure has {element}, which the model `{term}` does not know"),
    )
    .advise(format!(
        "the model knows {known}: use another model, or another structure"
    )))
}

/// What an evaluation error means to a person: a sentence and what can be done.
pub fn describe_evaluation_error(e: EvaluationError, system: &System) -> (String, String) {
    let name = |i: usize| system.atoms.elements.get(i).map_or("atom", |e| e.symbol());
    match e {
        EvaluationError::Coincident { i, j, distance, .. } if i == j => (
            format!(
                "atom {i} ({}) (counted from 0) and its own periodic image are {distance:.2e} Å apart",
                name(i)
            ),
            "the cell is too small; check its vectors".into(),
        ),
        EvaluationError::Coincident { i, j, distance, .. } => (
            format!(
                "atoms {i} ({}) and {j} ({}) are at the same place ({distance:.2e} Å apart; counted from 0)",
                name(i),
                name(j)
            ),
            "check the structure for atoms that were written twice, or a cell that is too small"
                .into(),
        ),
        EvaluationError::NotFinite { atom: Some(a), .. } => (
            format!(
                "the position of, or the force on, atom {a} ({}) (counted from 0) is not a finite number",
                name(a)
            ),
            "the structure or the time step is outside of what the model can describe".into(),
        ),
        EvaluationError::NotFinite { atom: None, .. } => (
            "the energy is not a finite number".into(),
            "the structure or the time step is outside of what the model can describe".into(),
        ),
        EvaluationError::OtherAtoms { .. } => (
            "the model was made for other atoms than these".into(),
            "use the model of this molecule, or a structure of the molecule of the model".into(),
        ),
        EvaluationError::BehindWall { atom, .. } => (
            format!(
                "atom {atom} ({}) (counted from 0) is behind a wall that it cannot cross",
                name(atom)
            ),
            "move the wall, or the atom; a harmonic wall may be crossed".into(),
        ),
        EvaluationError::Torn { i, j, distance, .. } => (
            format!(
                "a molecule is torn: its bond between atoms {i} ({}) and {j} ({}) (counted from 0) is {distance:.2} Å long",
                name(i),
                name(j)
            ),
            "a model with `acts` needs molecules that stay whole; choose a shorter time step, or a gentler start".into(),
        ),
        EvaluationError::TooManyNeighbours { .. } => (
            "the neighbour list would have more pairs than can be counted".into(),
            "the cell is far too small for the cutoff of the model".into(),
        ),
    }
}

/// The longest of these forces.
pub fn longest_force<'a>(forces: impl IntoIterator<Item = &'a [f64; 3]>) -> f64 {
    let length = |f: &[f64; 3]| f.iter().map(|x| x * x).sum::<f64>().sqrt();
    forces.into_iter().map(length).fold(0.0, f64::max)
}
