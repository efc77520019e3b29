//! Finding the model's molecule in a system: by its elements and bonds, in whatever order, however many times.

use super::descriptor::pair;
use super::evaluate::Molecules;
use super::matching::{Graph, matchings};
use super::{Model, SgdmlFile};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::molecules::{bonds, components, formula, longest_bond, partners};
use crate::system::{Cell, Configuration, System};

/// Most orders of the atoms of a molecule that are compared with the training set.
const MOST_MATCHINGS: usize = 5000;
/// In all molecules of a system together.
const MOST_IN_ALL: usize = 20_000;
/// Cell vectors that differ by less (Å) from those of a periodic model are the same to a person.
const SAME_CELL: f64 = 1e-3;
/// So far, in units of the training set's own spacing, only another order of the atoms is.
const FAR: f64 = 20.0;

/// What the model knows of its molecule.
pub(super) struct Identity {
    elements: Vec<Element>,
    /// Bonded atoms of each atom, on the average of the training set.
    bonded: Vec<Vec<usize>>,
    /// For each atom but the first, in the order in which a molecule is made whole: atom, and the near one before it.
    tree: Vec<(u32, u32)>,
    /// Cell vectors (Å) as rows, of a periodic model.
    lattice: Option<[[f64; 3]; 3]>,
}

/// What was found.
pub(super) enum Found {
    /// The system is the molecule, in the order of the model.
    AsItIs(Vec<String>),
    /// One or more molecules, and what to say about them.
    Molecules(Molecules, Vec<String>),
}

impl Identity {
    pub fn new(file: &SgdmlFile) -> Identity {
        let (n, d) = (file.atoms(), file.pairs());
        let mut mean = vec![0.0; d];
        for x in file.descriptors.chunks_exact(d) {
            mean.iter_mut().zip(x).for_each(|(m, x)| *m += x);
        }
        let points = file.geometries() as f64;
        let inverse = |i: usize, j: usize| mean[pair(i, j)] / points / file.length;
        let bonded = (0..n)
            .map(|i| {
                let near = |j: &usize| {
                    *j != i
                        && inverse(i, *j) * longest_bond(file.elements[i], file.elements[*j]) > 1.0
                };
                (0..n).filter(near).collect()
            })
            .collect();
        Identity {
            elements: file.elements.clone(),
            bonded,
            tree: spanning_tree(n, inverse),
            lattice: file.lattice,
        }
    }

    /// Finds the molecules of a system.
    ///
    /// Errors are the user's: another molecule, and where it differs; another cell.
    pub fn find(&self, model: &Model, system: &System) -> Result<Found> {
        if let Some(lattice) = self.lattice {
            return self.in_lattice(model, lattice, system);
        }
        let n = self.elements.len();
        let c = system.configuration();
        let total = c.elements.len();
        let copies = total / n;
        if copies == 0 || !total.is_multiple_of(n) || !self.same_composition(c.elements, copies) {
            return Err(self.other_composition(c.elements));
        }
        let Ok(found) = bonds(c, longest_bond) else {
            return Err(refuse(
                "its positions cannot be used".into(),
                "check positions and cell",
            ));
        };
        let bonded = partners(total, &found);
        if copies == 1 {
            return self.one(model, c, &bonded);
        }
        self.several(model, c, &bonded, copies)
    }

    fn graph(&self) -> Graph<'_> {
        Graph {
            elements: &self.elements,
            bonded: &self.bonded,
        }
    }

    fn in_lattice(&self, model: &Model, lattice: [[f64; 3]; 3], system: &System) -> Result<Found> {
        let c = system.configuration();
        let rows = c.cell.row_vectors();
        let worst = rows
            .as_flattened()
            .iter()
            .zip(lattice.as_flattened())
            .fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        if !c.cell.is_bulk() || worst > SAME_CELL {
            let vectors = lattice.map(|v| format!("{} {} {}", v[0], v[1], v[2]));
            return Err(refuse(
                "the model was made for one periodic cell, and the structure has another".into(),
                format!("the model's cell is Lattice=\"{}\" (Å)", vectors.join(" ")),
            ));
        }
        if let Some(i) = (0..c.elements.len().max(self.elements.len()))
            .find(|i| c.elements.get(*i) != self.elements.get(*i))
        {
            let word =
                |list: &[Element]| list.get(i).map_or("no atom".to_owned(), Element::to_string);
            return Err(refuse(
                format!(
                    "atom {i} (from 0) is {} in the structure and {} in the model, whose order is fixed",
                    word(c.elements),
                    word(&self.elements)
                ),
                format!(
                    "bring the atoms into the order of the model: {}",
                    symbols(&self.elements)
                ),
            ));
        }
        let mut notes = Vec::new();
        if worst > 1e-9 {
            notes.push(format!(
                "the cell differs by {worst:.1e} Å from that of the model; that of the structure is used"
            ));
        }
        let distance = model.relative_distance(c.positions, c.cell);
        if distance > FAR {
            notes.push(format!(
                "the structure is far from everything in the training set ({distance:.0} times as far as its geometries are from each other): are its atoms in the order of the model?"
            ));
        }
        Ok(Found::AsItIs(notes))
    }

    fn one(&self, model: &Model, c: Configuration<'_>, bonded: &[Vec<usize>]) -> Result<Found> {
        let own = Graph {
            elements: c.elements,
            bonded,
        };
        let in_order = c.elements == self.elements;
        let isolated = c.cell.is_isolated();
        let as_it_is = |notes: Vec<String>| {
            if isolated {
                return Found::AsItIs(notes);
            }
            let atoms = (0..c.elements.len() as u32).collect();
            Found::Molecules(self.molecules(atoms), notes)
        };
        if in_order && bonded == self.bonded {
            return Ok(as_it_is(Vec::new()));
        }
        let found = matchings(&self.graph(), &own, MOST_MATCHINGS);
        if let Some(best) = self.closest(model, c, &found) {
            let order: Vec<String> = best.iter().map(usize::to_string).collect();
            let note = format!(
                "the atoms are in another order than in the model; by their bonds, the model's {} are the atoms {} of the structure (from 0)",
                symbols(&self.elements),
                order.join(" ")
            );
            let atoms = best.iter().map(|a| *a as u32).collect();
            return Ok(Found::Molecules(self.molecules(atoms), vec![note]));
        }
        // A bond that is stretched, or a contact that is not: the same molecule, out of shape.
        if in_order && let Some(note) = self.strained(bonded) {
            return Ok(as_it_is(vec![note]));
        }
        Err(self.other_bonds(&own, &(0..c.elements.len()).collect::<Vec<_>>()))
    }

    fn several(
        &self,
        model: &Model,
        c: Configuration<'_>,
        bonded: &[Vec<usize>],
        copies: usize,
    ) -> Result<Found> {
        let n = self.elements.len();
        if components(&self.bonded).len() > 1 {
            return Err(refuse(
                format!(
                    "the model is of {} molecules together, and the structure has {copies} times its atoms",
                    components(&self.bonded).len()
                ),
                "such a model evaluates one group of molecules; give it only those",
            ));
        }
        let most = (MOST_IN_ALL / copies).clamp(48, MOST_MATCHINGS);
        let mut atoms = Vec::with_capacity(c.elements.len());
        let mut reordered = 0;
        for part in components(bonded) {
            let elements: Vec<Element> = part.iter().map(|a| c.elements[*a]).collect();
            let inside: Vec<Vec<usize>> = part
                .iter()
                .map(|a| {
                    bonded[*a]
                        .iter()
                        .filter_map(|b| part.binary_search(b).ok())
                        .collect()
                })
                .collect();
            let own = Graph {
                elements: &elements,
                bonded: &inside,
            };
            if elements == self.elements && inside == self.bonded {
                atoms.extend(part.iter().map(|a| *a as u32));
                continue;
            }
            if part.len() != n {
                let list: Vec<String> = part.iter().take(12).map(usize::to_string).collect();
                return Err(refuse(
                    format!(
                        "the atoms {}{} (from 0) are bonded to one molecule of {} atoms, {}; the model is of {n}, {}",
                        list.join(" "),
                        if part.len() > 12 { " ..." } else { "" },
                        part.len(),
                        formula(elements.iter().copied()),
                        formula(self.elements.iter().copied())
                    ),
                    "a model of one molecule serves systems of that molecule only",
                ));
            }
            let positions: Vec<[f64; 3]> = part.iter().map(|a| c.positions[*a]).collect();
            let molecule = Configuration {
                cell: c.cell,
                elements: &elements,
                positions: &positions,
            };
            let found = matchings(&self.graph(), &own, most);
            let Some(best) = self.closest(model, molecule, &found) else {
                return Err(self.other_bonds(&own, &part));
            };
            reordered += 1;
            atoms.extend(best.iter().map(|a| part[*a] as u32));
        }
        let mut notes = vec![format!(
            "{copies} molecules {}, each evaluated by itself",
            formula(self.elements.iter().copied())
        )];
        if reordered > 0 {
            notes.push(format!(
                "the atoms of {reordered} of them are in another order than in the model and were matched through their bonds"
            ));
        }
        Ok(Found::Molecules(self.molecules(atoms), notes))
    }

    fn molecules(&self, atoms: Vec<u32>) -> Molecules {
        Molecules {
            atoms,
            tree: self.tree.clone(),
        }
    }

    /// Of several orders of the atoms of one molecule, the one that looks most like a training geometry; the first of equals.
    fn closest(
        &self,
        model: &Model,
        c: Configuration<'_>,
        orders: &[Vec<usize>],
    ) -> Option<Vec<usize>> {
        let mut best: Option<(f64, &Vec<usize>)> = None;
        for order in orders {
            let mut positions: Vec<[f64; 3]> = order.iter().map(|a| c.positions[*a]).collect();
            super::evaluate::unwrap(&mut positions, &self.tree, c.cell);
            let distance = model.relative_distance(&positions, &Cell::isolated());
            // Orders that the model's own permutations connect differ in the last digits only.
            if best.is_none_or(|b| distance < b.0 * (1.0 - 1e-9)) {
                best = Some((distance, order));
            }
        }
        best.map(|b| b.1.clone())
    }

    /// When the bonds are those of the model but for some that are too long, or some that are too many: a note.
    fn strained(&self, bonded: &[Vec<usize>]) -> Option<String> {
        let missing = difference(&self.bonded, bonded);
        let more = difference(bonded, &self.bonded);
        let words = |list: &[(usize, usize)]| -> String {
            let words: Vec<String> = list
                .iter()
                .map(|(i, j)| {
                    format!(
                        "{i} ({}) and {j} ({})",
                        self.elements[*i], self.elements[*j]
                    )
                })
                .collect();
            words.join(", ")
        };
        match (missing.as_slice(), more.as_slice()) {
            (missing, []) => Some(format!(
                "the atoms {} are further apart than bonded ones",
                words(missing)
            )),
            ([], more) => Some(format!(
                "the atoms {} are as close as bonded ones",
                words(more)
            )),
            _ => None,
        }
    }

    fn same_composition(&self, elements: &[Element], copies: usize) -> bool {
        let count = |list: &[Element], e: Element| list.iter().filter(|x| **x == e).count();
        elements
            .iter()
            .chain(&self.elements)
            .all(|e| count(elements, *e) == copies * count(&self.elements, *e))
    }

    fn other_composition(&self, elements: &[Element]) -> Error {
        let reason = format!(
            "the structure has {} ({} atoms), and the model is of the molecule {} ({} atoms)",
            formula(elements.iter().copied()),
            elements.len(),
            formula(self.elements.iter().copied()),
            self.elements.len()
        );
        refuse(
            reason,
            "a model of one molecule serves that molecule, or any number of copies of it",
        )
    }

    /// The atoms whose bonds are not those of any atom of the model.
    fn other_bonds(&self, own: &Graph<'_>, names: &[usize]) -> Error {
        let model = self.graph();
        let mut theirs: Vec<Option<String>> = (0..self.elements.len())
            .map(|i| Some(model.environment(i)))
            .collect();
        let mut strange = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let e = own.environment(i);
            match theirs.iter_mut().find(|t| t.as_ref() == Some(&e)) {
                Some(t) => *t = None,
                None => strange.push(format!("atom {name} is {e}")),
            }
        }
        let unmatched: Vec<String> = theirs
            .iter()
            .enumerate()
            .filter_map(|(i, t)| t.as_ref().map(|t| format!("atom {i} is {t}")))
            .collect();
        let reason = if strange.is_empty() {
            "the structure has the atoms of the model, and each has bonds like one of the model's, but the molecule is another one".to_owned()
        } else {
            format!(
                "the structure is another molecule than the model's: {}; in the model, {} (counted from 0)",
                strange.join(", "),
                unmatched.join(", ")
            )
        };
        refuse(
            reason,
            "use a model of this molecule; if the structure is only distorted, relax it first, or give its atoms in the order of the model",
        )
    }
}

/// Pairs that are bonded in the first graph and not in the second.
fn difference(a: &[Vec<usize>], b: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let pairs = a
        .iter()
        .enumerate()
        .flat_map(|(i, list)| list.iter().map(move |j| (i, *j)));
    pairs
        .filter(|(i, j)| i < j && b[*i].binary_search(j).is_err())
        .collect()
}

/// The tree that connects all atoms by the shortest distances of the training set (Prim's): atom, and the one before it.
fn spanning_tree(n: usize, inverse: impl Fn(usize, usize) -> f64) -> Vec<(u32, u32)> {
    let mut best: Vec<(f64, usize)> = (0..n)
        .map(|i| {
            if i == 0 {
                (f64::INFINITY, 0)
            } else {
                (inverse(i, 0), 0)
            }
        })
        .collect();
    let mut inside = vec![false; n];
    if let Some(first) = inside.first_mut() {
        *first = true;
    }
    let mut tree = Vec::with_capacity(n);
    for _ in 1..n {
        let next = (0..n)
            .filter(|i| !inside[*i])
            .max_by(|a, b| best[*a].0.total_cmp(&best[*b].0));
        let Some(next) = next else { break };
        inside[next] = true;
        tree.push((next as u32, best[next].1 as u32));
        for i in (0..n).filter(|i| !inside[*i]) {
            let near = inverse(i, next);
            if near > best[i].0 {
                best[i] = (near, next);
            }
        }
    }
    tree
}

fn refuse(reason: String, advice: impl Into<String>) -> Error {
    Error::input("", reason).advise(advice)
}

fn symbols(elements: &[Element]) -> String {
    let list: Vec<&str> = elements.iter().map(|e| e.symbol()).collect();
    list.join(" ")
}
