//! The crystal, its primitive cell, and the supercell in which force constants are found.

use crate::error::{Error, Result};
use crate::system::{AtomFinder, Cell, Operation, SpaceGroup, System, repeat};
use nalgebra::{Matrix3, Vector3};

/// A crystal with the supercell in which its force constants are found.
///
/// The *unit cell* is what the user gives; the *primitive cell* is the smallest that repeats, and phonons are those of it; the
/// *supercell* is the unit cell repeated.
#[derive(Clone, Debug)]
pub struct Supercell {
    /// The unit cell.
    pub unit: System,
    /// How often it is repeated.
    pub repeat: [usize; 3],
    /// The supercell: atom k of copy c of the unit cell is the (c·N + k)-th.
    pub system: System,
    /// The space group of the unit cell.
    pub group: SpaceGroup,
    /// Atoms of the unit cell that make up the primitive cell; they have the same numbers in the supercell.
    pub primitive: Vec<usize>,
    /// For each atom of the unit cell the place in `primitive` of the one that a lattice translation moves to it.
    pub class: Vec<usize>,
    /// What the operations that keep the supercell do to its atoms.
    operations: Vec<Kept>,
    finder: AtomFinderOf,
}

/// An operation of the unit cell that maps the lattice of the supercell onto itself.
#[derive(Clone, Debug)]
struct Kept {
    /// Its number in the space group.
    number: usize,
}

#[derive(Clone)]
struct AtomFinderOf(std::sync::Arc<AtomFinder>);

impl std::fmt::Debug for AtomFinderOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtomFinder")
    }
}

/// A symmetry of the supercell that maps one of its atoms to another.
pub struct Symmetry {
    /// The rotation of Cartesian vectors.
    pub cartesian: Matrix3<f64>,
    /// The atom to whose place each atom of the supercell goes.
    pub permutation: Vec<usize>,
}

impl Supercell {
    /// Repeats a unit cell. Without `symmetric` only its lattice translations are used.
    ///
    /// Errors when the unit cell is not periodic in three directions or no symmetry is found within `tolerance` (Å).
    pub fn new(
        unit: &System,
        copies: [usize; 3],
        tolerance: f64,
        symmetric: bool,
    ) -> Result<Supercell> {
        let mut group = SpaceGroup::of(unit, tolerance)?;
        if !symmetric {
            let one = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
            group.operations.retain(|o| o.rotation == one);
        }
        let system = repeat(unit, copies)?;
        let one = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        let translations: Vec<&Operation> = group
            .operations
            .iter()
            .filter(|o| o.rotation == one)
            .collect();
        let first = |i: usize| translations.iter().map(|o| o.permutation[i]).min();
        let firsts: Vec<usize> = (0..unit.atoms.len())
            .map(|i| first(i).unwrap_or(i))
            .collect();
        let mut primitive = firsts.clone();
        primitive.sort_unstable();
        primitive.dedup();
        let class = firsts
            .iter()
            .map(|f| primitive.binary_search(f).unwrap_or(0))
            .collect();
        let keeps = |o: &Operation| {
            (0..3).all(|i| {
                (0..3).all(|j| (o.rotation[i][j] * copies[j] as i32) % copies[i] as i32 == 0)
            })
        };
        let operations = (0..group.operations.len())
            .filter(|k| keeps(&group.operations[*k]))
            .map(|number| Kept { number })
            .collect();
        let finder = AtomFinderOf(std::sync::Arc::new(AtomFinder::of(&system)));
        Ok(Supercell {
            unit: unit.clone(),
            repeat: copies,
            system,
            group,
            primitive,
            class,
            operations,
            finder,
        })
    }

    /// The primitive cell with its atoms, in the order of [`Self::primitive`].
    pub fn primitive_cell(&self) -> Result<System> {
        let bug = |why: String| Error::Bug(format!("the primitive cell: {why}"));
        let cell = Cell::new(self.group.primitive, [true; 3]).map_err(bug)?;
        let mut atoms = crate::system::Atoms::default();
        for &i in &self.primitive {
            atoms.push(self.unit.atoms.species(i), self.unit.atoms.positions[i]);
        }
        Ok(System { cell, atoms })
    }

    /// The number of lattice points of the primitive lattice in the supercell.
    pub fn lattice_points(&self) -> usize {
        self.system.atoms.len() / self.primitive.len().max(1)
    }

    /// The place in [`Self::primitive`] of the atom that a lattice translation moves to this atom of the supercell.
    pub fn class_of(&self, atom: usize) -> usize {
        self.class[atom % self.unit.atoms.len()]
    }

    /// Atoms of the unit cell that stand for all others, by the symmetry that the supercell keeps.
    pub fn representatives(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.unit.atoms.len())
            .map(|i| self.representative(i).0)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The atom that stands for an atom of the unit cell, and the number of an operation that maps it there.
    pub fn representative(&self, atom: usize) -> (usize, usize) {
        let to = |number: usize| {
            let p = &self.group.operations[number].permutation;
            p.iter().position(|&j| j == atom)
        };
        let sources = self
            .operations
            .iter()
            .filter_map(|k| to(k.number).map(|from| (from, k.number)));
        sources.min().unwrap_or((atom, 0))
    }

    /// The symmetries that leave an atom of the unit cell (as the atom of the same number in the supercell) where it is.
    pub fn site_symmetries(&self, atom: usize) -> Result<Vec<Symmetry>> {
        self.operations
            .iter()
            .filter(|k| self.group.operations[k.number].permutation[atom] == atom)
            .map(|k| self.symmetry(k.number, atom, atom))
            .collect()
    }

    /// The symmetry of an operation, with the lattice translation that makes it map atom `from` to atom `to` of the supercell.
    pub fn symmetry(&self, number: usize, from: usize, to: usize) -> Result<Symmetry> {
        let cartesian = self.group.operations[number].cartesian;
        let x = &self.system.atoms.positions;
        let centre = Vector3::from(x[from]);
        let there = Vector3::from(x[to]);
        let permutation = x
            .iter()
            .map(|p| there + cartesian * (Vector3::from(*p) - centre));
        let permutation = permutation
            .map(|image| self.atom_at(image))
            .collect::<Result<_>>()?;
        Ok(Symmetry {
            cartesian,
            permutation,
        })
    }

    /// The atom of the supercell at a place, or at an image of it.
    pub fn atom_at(&self, place: Vector3<f64>) -> Result<usize> {
        let s = self.system.cell.fractional(place.into());
        // Atoms may miss their images by what the search for symmetry allows.
        let reach = 0.1 + 4.0 * self.group.deviation;
        self.finder.0.at(s, reach).ok_or_else(|| {
            Error::Bug(
                "a symmetry operation moves an atom of the supercell to where none is".into(),
            )
        })
    }

    /// The shortest vectors (Å) from atom i of the unit cell to atom j of the supercell and its images: several where they are equally long.
    pub fn shortest_vectors(
        &self,
        i: usize,
        j: usize,
        images: &[Vector3<f64>],
    ) -> Vec<Vector3<f64>> {
        let x = &self.system.atoms.positions;
        let d = crate::system::nearest_image(
            &self.system.cell,
            std::array::from_fn(|k| x[j][k] - x[i][k]),
        );
        let d = Vector3::from(d);
        let least = d.norm();
        let near = |v: &Vector3<f64>| v.norm() < least + 1e-5 + 1e-6 * least;
        images.iter().map(|t| d + t).filter(near).collect()
    }

    /// The lattice vectors (Å) of the supercell by which two shortest images can differ, zero among them.
    pub fn border_translations(&self) -> Vec<Vector3<f64>> {
        let reduced = self.system.cell.reduced();
        let rows = *reduced.as_ref().unwrap_or(&self.system.cell).basis();
        let mut all = Vec::new();
        for a in -2..=2 {
            for b in -2..=2 {
                for c in -2..=2 {
                    let n = [a, b, c].map(f64::from);
                    all.push(Vector3::from_fn(|k, _| {
                        n[0] * rows[(0, k)] + n[1] * rows[(1, k)] + n[2] * rows[(2, k)]
                    }));
                }
            }
        }
        all
    }
}

/// How often to repeat a cell so that every width is at least `width` (Å).
pub fn copies_for(cell: &Cell, width: f64) -> [usize; 3] {
    cell.widths()
        .map(|w| (width / w - 1e-9).ceil().clamp(1.0, 1000.0) as usize)
}
