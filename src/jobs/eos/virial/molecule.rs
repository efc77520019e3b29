//! A molecule that is turned and moved as a whole: its geometries about the centre of mass, and its moments of inertia.

use crate::deck::Deck;
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::io::{FrameIndex, FrameReader, ReadOptions};
use crate::jobs::parts;
use crate::system::Atoms;
use crate::vector::{dot, minus};
use nalgebra::{Matrix3, UnitQuaternion, Vector3};
use std::path::Path;

/// Moments of inertia (amu Å²) below this are those of a line about itself.
const STRAIGHT: f64 = 1e-6;

/// A molecule with one geometry, or many.
pub(super) struct Molecule {
    pub elements: Vec<Element>,
    pub masses: Vec<f64>,
    pub mass: f64,
    pub geometries: Vec<Geometry>,
}

/// The atoms about their centre of mass.
pub(super) struct Geometry {
    pub atoms: Vec<[f64; 3]>,
    /// Principal axes as rows with their moments of inertia (amu Å²); without those of the axis of a line.
    axes: Vec<([f64; 3], f64)>,
    /// Distance (Å) of the outermost atom from the centre.
    pub radius: f64,
}

impl Geometry {
    fn new(positions: &[[f64; 3]], masses: &[f64]) -> Geometry {
        let mass: f64 = masses.iter().sum();
        let mut centre = [0.0; 3];
        for (x, m) in positions.iter().zip(masses) {
            (0..3).for_each(|k| centre[k] += x[k] * m / mass);
        }
        let atoms: Vec<[f64; 3]> = positions.iter().map(|x| minus(*x, centre)).collect();
        let mut inertia = Matrix3::zeros();
        for (x, m) in atoms.iter().zip(masses) {
            let v = Vector3::from(*x);
            inertia += (Matrix3::identity() * v.norm_squared() - v * v.transpose()) * *m;
        }
        let own = inertia.symmetric_eigen();
        let axes = (0..3).filter(|k| own.eigenvalues[*k] > STRAIGHT);
        let axis = |k: usize| {
            let v = own.eigenvectors.column(k);
            ([v[0], v[1], v[2]], own.eigenvalues[k])
        };
        Geometry {
            axes: axes.map(axis).collect(),
            radius: atoms.iter().map(|x| dot(*x, *x)).fold(0.0, f64::max).sqrt(),
            atoms,
        }
    }

    /// The atoms turned, about a centre.
    pub fn place(&self, turn: &UnitQuaternion<f64>, centre: [f64; 3], out: &mut Vec<[f64; 3]>) {
        out.extend(self.atoms.iter().map(|x| {
            let x = turn * Vector3::from(*x);
            [centre[0] + x[0], centre[1] + x[1], centre[2] + x[2]]
        }));
    }

    /// Σ τ²/I over the principal axes (eV²/(Å² amu)) of a torque (eV) on the turned molecule.
    pub fn rotation(&self, turn: &UnitQuaternion<f64>, torque: [f64; 3]) -> f64 {
        let own = turn.inverse() * Vector3::from(torque);
        let part = |(axis, moment): &([f64; 3], f64)| dot(*axis, own.into()).powi(2) / moment;
        self.axes.iter().map(part).sum()
    }
}

impl Molecule {
    /// The molecule of an atom list, with that geometry.
    fn of(atoms: Atoms) -> Molecule {
        Molecule {
            geometries: vec![Geometry::new(&atoms.positions, &atoms.masses)],
            mass: atoms.masses.iter().sum(),
            elements: atoms.elements,
            masses: atoms.masses,
        }
    }

    /// The molecule of [system].
    pub fn of_system(deck: &Deck) -> Result<Molecule> {
        let (system, _) = parts::build_system(&deck.system)?;
        if deck.system.pack.is_some() || deck.system.repeat != [1; 3] {
            return Err(Error::input(
                &deck.source.path,
                "[eos.virial] is about two molecules, and [system] makes many",
            )
            .advise("leave out [system.pack] and `repeat`: the structure is one molecule"));
        }
        Ok(Molecule::of(parts::whole(system, &deck.system.structure)?))
    }

    /// The molecule of another file, with the masses of the deck.
    pub fn of_file(deck: &Deck, file: &Path) -> Result<Molecule> {
        let (mut system, _) = parts::read_structure(file, FrameIndex::Last)?;
        parts::set_masses(&deck.system, file, &mut system)?;
        Ok(Molecule::of(parts::whole(system, file)?))
    }

    /// Takes the geometries of a file in the place of its own.
    ///
    /// Errors when a frame has other atoms.
    pub fn take_geometries(&mut self, file: &Path) -> Result<()> {
        let mut found = Vec::new();
        for (k, frame) in FrameReader::open(file, &ReadOptions::default())?.enumerate() {
            let frame = frame?;
            if frame.system.atoms.elements != self.elements {
                return Err(Error::line(
                    file,
                    frame.line,
                    format!("frame {k} (counted from 0) has other atoms than the molecule"),
                )
                .advise("geometries are frames of the molecule of [system], its atoms in the same order"));
            }
            let atoms = parts::whole(frame.system, file)?;
            found.push(Geometry::new(&atoms.positions, &self.masses));
        }
        if found.is_empty() {
            return Err(Error::file(file, "the file holds no structure"));
        }
        self.geometries = found;
        Ok(())
    }

    /// Whether it looks the same from everywhere.
    pub fn is_atom(&self) -> bool {
        self.elements.len() == 1
    }

    /// Distance (Å) of the outermost atom of all geometries.
    pub fn radius(&self) -> f64 {
        self.geometries.iter().map(|g| g.radius).fold(0.0, f64::max)
    }

    /// Mean square distance (Å²) of an atom from the centre.
    pub fn square(&self, atom: usize) -> f64 {
        let all = self
            .geometries
            .iter()
            .map(|g| dot(g.atoms[atom], g.atoms[atom]));
        all.sum::<f64>() / self.geometries.len() as f64
    }
}
