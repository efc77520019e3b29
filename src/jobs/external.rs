//! From the deck's restraints, walls and forces to terms of the potential.

use super::parts::read_structure;
use super::selection::{no_such_atom, select};
use crate::deck::{
    AtomsDeck, Deck, ForceDeck, RestraintDeck, RestraintKind, Share, SurfaceDeck, WallDeck,
};
use crate::error::{Error, Result};
use crate::io::FrameIndex;
use crate::potential::external::{
    Anchor, AngleRestraint, Applied, DistanceRestraint, External, PositionRestraint, Push, Surface,
    Wall, angle, distance,
};
use crate::potential::{Potential, Term};
use crate::system::{System, repeat};
use std::path::Path;
use std::sync::Arc;

/// The restraints, walls and forces of a deck as terms, made for its system.
pub(super) fn terms(deck: &Deck, system: &System) -> Result<Vec<Term>> {
    let mut terms = Vec::new();
    let external = &deck.external;
    for r in &external.restraints {
        let maker = Maker::new(deck, system, "restraint", &r.name);
        terms.push(maker.restraint(r)?);
    }
    for w in &external.walls {
        let maker = Maker::new(deck, system, "wall", &w.name);
        terms.push(maker.wall(w)?);
    }
    for f in &external.forces {
        let maker = Maker::new(deck, system, "force", &f.name);
        terms.push(maker.force(f)?);
    }
    Ok(terms)
}

/// Makes one of them.
struct Maker<'a> {
    deck: &'a Deck,
    system: &'a System,
    /// As in "restraint `tether`".
    who: String,
    name: &'a str,
}

impl<'a> Maker<'a> {
    fn new(deck: &'a Deck, system: &'a System, what: &str, name: &'a str) -> Maker<'a> {
        Maker {
            deck,
            system,
            who: format!("the {what} `{name}`"),
            name,
        }
    }

    fn wrong(&self, reason: &str, advice: &str) -> Error {
        Error::input(
            self.deck.source.path.as_str(),
            format!("{} {reason}", self.who),
        )
        .advise(advice)
    }

    fn term(&self, external: impl External + 'static) -> Result<Term> {
        let n = self.system.atoms.len();
        let last = external.last_atom().unwrap_or(0);
        let applied = Applied::new(external, n).ok_or_else(|| self.no_such_atom(last))?;
        Ok(Term::new(
            self.name,
            Arc::new(applied) as Arc<dyn Potential>,
        ))
    }

    fn no_such_atom(&self, atom: u32) -> Error {
        no_such_atom(atom, &self.system.atoms, &self.deck.source.path, &self.who)
    }

    fn select(&self, deck: &AtomsDeck) -> Result<Vec<u32>> {
        select(deck, &self.system.atoms, &self.deck.source.path, &self.who)
    }

    fn check(&self, atoms: &[u32]) -> Result<()> {
        let n = self.system.atoms.len();
        match atoms.iter().find(|a| **a as usize >= n) {
            Some(&atom) => Err(self.no_such_atom(atom)),
            None => Ok(()),
        }
    }

    fn restraint(&self, deck: &RestraintDeck) -> Result<Term> {
        let c = self.system.configuration();
        match deck.kind {
            RestraintKind::Position {
                ref atoms,
                constant,
                width,
                axes,
                ref reference,
            } => {
                let atoms = self.select(atoms)?;
                let places = match reference {
                    None => {
                        let here = |&i: &u32| (i, Anchor::new(c.cell, c.positions[i as usize]));
                        atoms.iter().map(here).collect()
                    }
                    Some(file) => self.places(&atoms, file)?,
                };
                self.term(PositionRestraint {
                    constant,
                    width,
                    axes,
                    places,
                })
            }
            RestraintKind::Distance {
                atoms,
                constant,
                width,
                length,
            } => {
                self.check(&atoms)?;
                let length = length.unwrap_or_else(|| distance(c, atoms));
                let (widths, periodic) = (c.cell.widths(), c.cell.periodic());
                let narrow = (0..3)
                    .filter(|&k| periodic[k])
                    .fold(f64::INFINITY, |w, k| w.min(widths[k]));
                if length + width >= 0.5 * narrow {
                    return Err(self.wrong(
                        &format!(
                            "allows {:.3} Å, and from half of the cell's width of {narrow:.3} Å on another periodic image \
                             of the atom is nearer",
                            length + width
                        ),
                        "use a larger cell (`repeat`), or a shorter distance",
                    ));
                }
                self.term(DistanceRestraint {
                    atoms,
                    constant,
                    length,
                    width,
                })
            }
            RestraintKind::Angle {
                atoms,
                constant,
                width,
                angle: at,
            } => {
                self.check(&atoms)?;
                self.term(AngleRestraint {
                    atoms,
                    constant,
                    angle: at.unwrap_or_else(|| angle(c, atoms)),
                    width,
                })
            }
        }
    }

    /// Places from another structure of the same atoms: their fractional coordinates there along what is periodic, nearest to
    /// where the atoms are.
    fn places(&self, atoms: &[u32], file: &Path) -> Result<Vec<(u32, Anchor)>> {
        let within = |e: Error| e.within(&file.display().to_string());
        let (frame, _) = read_structure(file, FrameIndex::Last)?;
        let other = repeat(&frame, self.deck.system.repeat).map_err(within)?;
        let cell = &self.system.cell;
        let refuse = |reason: String| {
            Error::file(file, reason).advise(
                "the reference of a restraint needs the same atoms in the same order, and the same periodic directions",
            )
        };
        if other.atoms.elements != self.system.atoms.elements {
            return Err(refuse(format!(
                "these are not the atoms of the structure that {} is for",
                self.who
            )));
        }
        let bulk = cell.is_bulk();
        if bulk != other.cell.is_bulk() {
            return Err(refuse(format!(
                "the periodic directions are not those of the structure that {} is for",
                self.who
            )));
        }
        let place = |&i: &u32| {
            let mut x = other.atoms.positions[i as usize];
            if bulk {
                x = cell.cartesian(other.cell.fractional(x));
            }
            let now = self.system.atoms.positions[i as usize];
            let (s, t) = (cell.fractional(now), cell.fractional(x));
            let images = std::array::from_fn(|k| {
                if cell.periodic()[k] {
                    (s[k] - t[k]).round()
                } else {
                    0.0
                }
            });
            let shift = cell.cartesian(images);
            let x = std::array::from_fn(|k| x[k] + shift[k]);
            (i, Anchor::new(cell, x))
        };
        Ok(atoms.iter().map(place).collect())
    }

    fn wall(&self, deck: &WallDeck) -> Result<Term> {
        let atoms = self.select(&deck.atoms)?;
        let surface = match deck.surface {
            SurfaceDeck::Plane {
                axis,
                position,
                above,
            } => Surface::Plane {
                axis,
                position,
                above,
            },
            SurfaceDeck::Sphere {
                centre,
                radius,
                inside,
            } => Surface::Sphere {
                centre: centre.unwrap_or_else(|| centre_of_mass(self.system)),
                radius,
                inside,
            },
        };
        let all = &self.system.atoms;
        let behind = |&&i: &&u32| {
            let depth = surface.depth(all.positions[i as usize]).0;
            deck.law.at(depth).is_none()
        };
        if let Some(&i) = atoms.iter().find(behind) {
            let depth = surface.depth(all.positions[i as usize]).0;
            return Err(self.wrong(
                &format!(
                    "cannot be crossed, and atom {i} ({}) (counted from 0) starts {:.3} Å behind it",
                    all.elements[i as usize], -depth
                ),
                "move the wall, choose the other `side`, or use a harmonic wall",
            ));
        }
        self.term(Wall {
            surface,
            law: deck.law,
            atoms,
        })
    }

    fn force(&self, deck: &ForceDeck) -> Result<Term> {
        let atoms = self.select(&deck.atoms)?;
        let all = &self.system.atoms;
        let mass: f64 = atoms.iter().map(|&i| all.masses[i as usize]).sum();
        let part = |i: usize| match deck.share {
            Share::Each => 1.0,
            Share::Equal => 1.0 / atoms.len() as f64,
            Share::Mass => all.masses[i] / mass,
        };
        let forces = atoms.iter().map(|&i| {
            let part = part(i as usize);
            (i, deck.force.map(|f| f * part), all.positions[i as usize])
        });
        self.term(Push {
            forces: forces.collect(),
        })
    }
}

fn centre_of_mass(system: &System) -> [f64; 3] {
    let atoms = &system.atoms;
    let mass: f64 = atoms.masses.iter().sum();
    let mut centre = [0.0; 3];
    for (x, m) in atoms.positions.iter().zip(&atoms.masses) {
        (0..3).for_each(|k| centre[k] += m / mass * x[k]);
    }
    centre
}
