//! The atoms: one array per property.

use crate::elements::{Element, Species};

/// Atoms as a structure of arrays; all arrays have the same length.
///
/// Positions are never wrapped, so that differences over time are true displacements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atoms {
    /// Chemical element of each atom.
    pub elements: Vec<Element>,
    /// Mass of each atom (amu).
    pub masses: Vec<f64>,
    /// Cartesian positions (Å).
    pub positions: Vec<[f64; 3]>,
    /// Velocities in internal units, sqrt(eV/amu); zero when the source had none.
    pub velocities: Vec<[f64; 3]>,
}

impl Atoms {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True when there is no atom.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Adds an atom at rest with the mass of its species.
    pub fn push(&mut self, species: Species, position: [f64; 3]) {
        self.elements.push(species.element);
        self.masses.push(species.mass);
        self.positions.push(position);
        self.velocities.push([0.0; 3]);
    }

    /// The species (element or isotope) of atom `i`, recognised by its mass.
    pub fn species(&self, i: usize) -> Species {
        Species {
            element: self.elements[i],
            mass: self.masses[i],
        }
    }

    /// The distinct elements in order of atomic number.
    pub fn distinct_elements(&self) -> Vec<Element> {
        let mut seen = [false; 256];
        for e in &self.elements {
            seen[usize::from(e.number())] = true;
        }
        (1..=118u8)
            .filter(|&z| seen[usize::from(z)])
            .filter_map(Element::from_number)
            .collect()
    }
}
