//! The structure from which a state point starts.

use super::point::{Condition, Point};
use crate::deck::{Deck, SystemDeck};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::jobs::parts;
use crate::molecules::{Molecules, bonds};
use crate::system::{Atoms, Cell, System};
use crate::units::AMU_PER_A3_IN_G_PER_CM3;

/// Atoms of different molecules must be farther apart than this times the sum of their covalent radii.
const TOUCHING: f64 = 1.0;

/// The fluid of a deck: its structure, with molecules in one piece.
#[derive(Clone, Debug)]
pub(super) struct Fluid {
    pub system: System,
    /// The molecule of each atom, counted from 0 in the order of their first atoms.
    pub molecule: Vec<usize>,
    /// Number of molecules.
    pub molecules: usize,
}

impl Fluid {
    /// Reads the structure of a deck.
    pub fn of(deck: &Deck) -> Result<Fluid> {
        let (mut system, _) = parts::build_system(&deck.system)?;
        let place = &deck.system.structure;
        if !system.cell.is_bulk() {
            return Err(Error::file(
                place,
                "an equation of state needs a fluid in a box: this structure is not periodic in all three directions",
            )
            .advise("write `periodic = [true, true, true]` in [system] if the cell is that of a fluid"));
        }
        // Each point draws velocities of its own temperature.
        system
            .atoms
            .velocities
            .iter_mut()
            .for_each(|v| *v = [0.0; 3]);
        let found = Molecules::find(system.configuration()).map_err(|why| {
            Error::file(place, why.describe()).advise(
                "[eos.fluid] is for atoms and molecules; [eos.solid] is for crystals and networks",
            )
        })?;
        let mut whole = Vec::new();
        found
            .make_whole(&system.cell, &system.atoms.positions, &mut whole)
            .map_err(|torn| Error::file(place, torn.describe()))?;
        system.atoms.positions = whole;
        let mut molecule = vec![0; system.atoms.len()];
        for m in 0..found.count() {
            found
                .members(m)
                .iter()
                .for_each(|a| molecule[*a as usize] = m);
        }
        Ok(Fluid {
            system,
            molecule,
            molecules: found.count(),
        })
    }

    /// Mass of all atoms (amu).
    pub fn mass(&self) -> f64 {
        self.system.atoms.masses.iter().sum()
    }

    /// Whether molecules have more than one atom.
    pub fn is_molecular(&self) -> bool {
        self.molecules < self.system.atoms.len()
    }

    /// The structure from which a point starts: at a given density, the box is scaled and molecules move with their centres of
    /// mass, so that they keep their shapes.
    ///
    /// Errors when molecules overlap.
    pub fn start(&self, point: &Point, deck: &SystemDeck) -> Result<System> {
        let system = match point.condition {
            Condition::Pressure(..) => match point.start {
                Some(density) => self.scaled(density)?,
                None => self.system.clone(),
            },
            Condition::Density(density, _) => self.scaled(density)?,
            Condition::Molecule => return Ok(self.one_molecule()),
        };
        self.refuse_overlaps(&system, point, deck)?;
        Ok(system)
    }

    fn scaled(&self, density: f64) -> Result<System> {
        let volume = self.system.cell.volume().unwrap_or(1.0);
        let factor = (self.mass() / density / volume).cbrt();
        let rows = self.system.cell.row_vectors();
        let rows = rows.map(|row| row.map(|x| x * factor));
        let cell = Cell::new(rows, self.system.cell.periodic())
            .map_err(|why| Error::input("densities", why))?;
        let atoms = &self.system.atoms;
        let mut centres = vec![([0.0; 3], 0.0); self.molecules];
        for (i, &m) in self.molecule.iter().enumerate() {
            let (sum, mass) = &mut centres[m];
            (0..3).for_each(|k| sum[k] += atoms.masses[i] * atoms.positions[i][k]);
            *mass += atoms.masses[i];
        }
        let mut system = System {
            cell,
            atoms: atoms.clone(),
        };
        for (x, &m) in system.atoms.positions.iter_mut().zip(&self.molecule) {
            let (sum, mass) = centres[m];
            (0..3).for_each(|k| x[k] += (factor - 1.0) * sum[k] / mass);
        }
        Ok(system)
    }

    /// The first molecule without the others.
    fn one_molecule(&self) -> System {
        let atoms = &self.system.atoms;
        let mut one = Atoms::default();
        let of_first = |i: &usize| self.molecule[*i] == 0;
        for i in (0..atoms.len()).filter(of_first) {
            one.push(atoms.species(i), atoms.positions[i]);
            if let Some(mass) = one.masses.last_mut() {
                *mass = atoms.masses[i];
            }
        }
        System {
            cell: Cell::isolated(),
            atoms: one,
        }
    }

    fn refuse_overlaps(&self, system: &System, point: &Point, deck: &SystemDeck) -> Result<()> {
        let density = self.mass() / system.cell.volume().unwrap_or(1.0) * AMU_PER_A3_IN_G_PER_CM3;
        let overlap = |what: String| {
            Error::file(
                &deck.structure,
                format!("at {} ({density:.4} g/cm^3) {what}", point.title()),
            )
            .advise("start from a structure of about that density, or give a lower one")
        };
        let reach = |a: Element, b: Element| TOUCHING * (a.covalent_radius() + b.covalent_radius());
        let near = bonds(system.configuration(), reach)
            .map_err(|why| overlap(format!("neighbours cannot be listed: {why:?}")))?;
        let across = |i: usize, j: usize| self.molecule[i] != self.molecule[j] || i == j;
        match near.iter().find(|b| across(b.i as usize, b.j as usize)) {
            None => Ok(()),
            Some(b) => Err(overlap(format!(
                "atoms {} and {} touch (atoms are counted from 0)",
                b.i, b.j
            ))),
        }
    }
}
