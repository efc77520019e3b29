//! `[[restraint]]`, `[[wall]]` and `[[force]]`: what acts on atoms from outside of the model.

mod kinds;
mod restraint;
mod wall;

pub use restraint::{RestraintDeck, RestraintKind};
pub use wall::{SurfaceDeck, WallDeck};

use super::atoms::{self, AtomsDeck};
use super::diagnostics::Diagnostic;
use super::kinds::{Name, OneOf};
use super::md::MdDeck;
use super::potential::PotentialDeck;
use super::reader::Table;
use crate::units::Dimension;
use kinds::Vector;
use std::cell::RefCell;
use std::path::Path;

/// What acts on atoms from outside of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExternalDeck {
    /// Springs.
    pub restraints: Vec<RestraintDeck>,
    /// Walls.
    pub walls: Vec<WallDeck>,
    /// Constant forces.
    pub forces: Vec<ForceDeck>,
}

/// A constant force on some atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct ForceDeck {
    /// Its name.
    pub name: String,
    /// The atoms that feel it.
    pub atoms: AtomsDeck,
    /// The force (eV/Å), or the total of all.
    pub force: [f64; 3],
    /// What each atom gets of it.
    pub share: Share,
}

/// What each atom gets of a force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    Each,
    /// The force is a total, and everybody gets the same part.
    Equal,
    /// The force is a total, divided by mass: all atoms are accelerated alike.
    Mass,
}

impl ExternalDeck {
    /// Structure files that restraints refer to, with the restraints' names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.restraints.iter().filter_map(|r| match &r.kind {
            RestraintKind::Position {
                reference: Some(file),
                ..
            } => Some((r.name.as_str(), file.as_path())),
            _ => None,
        })
    }

    /// Whether something holds atoms to places in space.
    fn holds(&self) -> bool {
        let position = |r: &RestraintDeck| matches!(r.kind, RestraintKind::Position { .. });
        !self.walls.is_empty() || self.restraints.iter().any(position)
    }
}

/// Reads all three; their names must be new beside those of the terms of the potential. None when something was wrong.
pub(super) fn read(root: &Table<'_>, potential: Option<&PotentialDeck>) -> Option<ExternalDeck> {
    let terms = potential.map_or(&[][..], |p| &p.terms);
    let seen: Vec<String> = terms.iter().map(|t| t.name.clone()).collect();
    let seen = RefCell::new(seen);
    let name = |t: &Table<'_>, example: &str| {
        let name = t
            .key("name", Name, "What it is called in tables and files.")
            .required(example)?;
        if seen.borrow().contains(&name) {
            t.complain(
                Diagnostic::error(format!("something else is called `{name}`"))
                    .maybe_at(t.place_of("name"), "")
                    .help("terms of the potential, restraints, walls and forces need names of their own"),
            );
            return None;
        }
        seen.borrow_mut().push(name.clone());
        Some(name)
    };
    let doc = "A spring that holds atoms; each has exactly one of the tables below.";
    let restraints = root.tables("restraint", doc, |t| {
        let name = name(t, "\"tether\"");
        let kind = restraint::read(t);
        Some(RestraintDeck {
            name: name?,
            kind: kind?,
        })
    });
    let doc = "A wall that keeps atoms on one side: a surface (`plane` or `sphere`) and a law.";
    let walls = root.tables("wall", doc, |t| {
        let name = name(t, "\"floor\"");
        wall::read(t, name)
    });
    let doc = "A constant force on some atoms. Its energy is minus the work from the structure of the deck on.";
    let forces = root.tables("force", doc, |t| {
        let name = name(t, "\"pull\"");
        force(t, name)
    });
    Some(ExternalDeck {
        restraints: all(restraints)?,
        walls: all(walls)?,
        forces: all(forces)?,
    })
}

fn all<T>(items: Option<Vec<Option<T>>>) -> Option<Vec<T>> {
    items.unwrap_or_default().into_iter().collect()
}

/// Leaves the centre of mass free where something acts from outside.
pub(super) fn fit(root: &Table<'_>, external: &ExternalDeck, md: &mut MdDeck) {
    let holds = external.holds();
    if holds && md.fix_centre_of_mass == Some(true) {
        root.complain(
            Diagnostic::error(
                "the centre of mass cannot be kept at rest where walls or position restraints push it",
            )
            .maybe_at(root.place_at("md.fix_centre_of_mass"), "")
            .help("leave `fix_centre_of_mass` out"),
        );
    }
    // With forces that add up to zero it may be, if the deck says so.
    if holds || !external.forces.is_empty() {
        md.fix_centre_of_mass.get_or_insert(false);
    }
}

fn force(t: &Table<'_>, name: Option<String>) -> Option<ForceDeck> {
    const SHARES: OneOf<Share> = OneOf(&[
        ("each", Share::Each),
        ("equal", Share::Equal),
        ("mass", Share::Mass),
    ]);
    let atoms = atoms::read(t, "the force does not say on which atoms it acts", true);
    let doc = "The force along x, y and z.";
    let example = "[\"0 eV/Å\", \"0 eV/Å\", \"0.1 eV/Å\"]";
    let force = t
        .key("force", Vector(Dimension::FORCE), doc)
        .required(example);
    let doc = "Whether each atom feels the force, or the force is a total that is divided equally or by mass.";
    let share = t.key("share", SHARES, doc).or("each");
    Some(ForceDeck {
        name: name?,
        atoms: atoms?,
        force: force?,
        share: share?,
    })
}
