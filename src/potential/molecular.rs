//! A model that acts within molecules only, or between them only.
//!
//! *Within*: the sum over molecules of the energy of each alone. *Between*: the energy of all atoms together without that sum,
//! so that a molecule by itself has none. Both hold for any local model; the energy of a molecule alone is that of the model
//! for its atoms in empty space.
//!
//! All molecules alone are one configuration in empty space with a list of neighbours that holds the pairs of each molecule and
//! no others. That list does not depend on where the atoms are: it is made once, is never stale, and is in no checkpoint.

use super::{
    Description, Evaluation, EvaluationError, ForSystem, Member, Potential, Want, Workspace,
    recycle,
};
use crate::elements::Element;
use crate::error::{Error, Result};
use crate::molecules::Molecules;
use crate::neighbours::NeighbourList;
use crate::system::{Cell, Configuration, System};
use std::sync::Arc;

/// Larger molecules are too many pairs to list.
const LARGEST: usize = 2000;

/// Where a molecular term acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// Within molecules.
    Within,
    /// Between molecules.
    Between,
}

/// A local model that acts within or between molecules. Made for a system by [`Potential::for_system`]; before that it evaluates
/// nothing.
pub struct Molecular {
    model: Arc<dyn Potential>,
    acts: Acts,
    description: Description,
    made: Option<Made>,
}

/// What belongs to one system.
struct Made {
    elements: Vec<Element>,
    molecules: Molecules,
    /// The pairs within molecules.
    pairs: NeighbourList,
    nowhere: Cell,
}

#[derive(Default)]
struct Scratch {
    whole: Vec<Vec<[f64; 3]>>,
    alone: Vec<Evaluation>,
    members: Vec<Member<'static>>,
    together: Workspace,
    apart: Workspace,
}

impl Molecular {
    /// The model, restricted.
    ///
    /// Errors in words when it has no list of neighbours: such a model is of whole molecules already.
    pub fn new(model: Arc<dyn Potential>, acts: Acts) -> std::result::Result<Molecular, String> {
        let of = model.description();
        if of.neighbours.is_none() {
            return Err(format!(
                "{} is no local model: what it says of molecules alone cannot be told apart",
                of.name
            ));
        }
        let (word, neighbours) = match acts {
            Acts::Within => ("within", None),
            Acts::Between => ("between", of.neighbours),
        };
        let mut description = Description {
            name: format!("{} {word} molecules", of.name),
            neighbours,
            ..of.clone()
        };
        description.details.insert(
            0,
            match acts {
                Acts::Within => "acts within molecules: each is evaluated alone",
                Acts::Between => {
                    "acts between molecules: all together, without what each has alone"
                }
            }
            .to_owned(),
        );
        Ok(Molecular {
            model,
            acts,
            description,
            made: None,
        })
    }

    /// The model made for a system.
    fn make(&self, system: &System) -> Result<Molecular> {
        let refuse = |why: String| {
            Error::input("", why)
                .advise("`acts` is for systems of molecules, which hang together by bonds")
        };
        let molecules =
            Molecules::find(system.configuration()).map_err(|why| refuse(why.describe()))?;
        if molecules.largest() > LARGEST {
            return Err(refuse(format!(
                "a molecule of {} atoms is too large: at most {LARGEST} are possible",
                molecules.largest()
            )));
        }
        let pairs = self.pairs(&molecules, &system.atoms.elements)?;
        Ok(Molecular {
            model: self.model.clone(),
            acts: self.acts,
            description: self.description.clone(),
            made: Some(Made {
                elements: system.atoms.elements.clone(),
                molecules,
                pairs,
                nowhere: Cell::isolated(),
            }),
        })
    }

    /// All pairs within molecules: the list of a structure in which the atoms of each molecule are in one place, far from those of
    /// any other.
    fn pairs(&self, molecules: &Molecules, elements: &[Element]) -> Result<NeighbourList> {
        let request = self.model.description().neighbours;
        let Some(request) = request else {
            return Err(Error::input("", "the model asks for no neighbours"));
        };
        let side = (molecules.count() as f64).cbrt().ceil().max(1.0) as usize;
        let mut positions = vec![[0.0; 3]; molecules.atoms()];
        for m in 0..molecules.count() {
            let place = [m / (side * side), m / side % side, m % side];
            for &a in molecules.members(m) {
                positions[a as usize] = place.map(|p| 10.0 * p as f64);
            }
        }
        let mut list = NeighbourList::new();
        let c = Configuration {
            cell: &Cell::isolated(),
            elements,
            positions: &positions,
        };
        list.build(c, request, 1.0)
            .map_err(|_| Error::input("", "the molecules have more pairs than can be counted"))?;
        Ok(list)
    }
}

impl Made {
    fn fits(&self, c: Configuration<'_>) -> bool {
        c.elements == self.elements && c.positions.len() == self.elements.len()
    }

    /// Every member with whole molecules in empty space; adds what `model` says to `results`.
    fn alone(
        &self,
        model: &dyn Potential,
        members: &[Member<'_>],
        want: Want,
        scratch: &mut Alone<'_>,
        results: &mut [Evaluation],
    ) -> std::result::Result<(), EvaluationError> {
        if scratch.whole.len() < members.len() {
            scratch.whole.resize_with(members.len(), Vec::new);
        }
        for (member, (m, whole)) in members.iter().zip(scratch.whole.iter_mut()).enumerate() {
            let c = m.configuration;
            self.molecules
                .make_whole(c.cell, c.positions, whole)
                .map_err(|torn| EvaluationError::Torn {
                    member,
                    i: torn.i,
                    j: torn.j,
                    distance: torn.distance,
                })?;
        }
        let mut apart = recycle(std::mem::take(scratch.members));
        apart.extend(scratch.whole.iter().take(members.len()).map(|x| Member {
            configuration: Configuration {
                cell: &self.nowhere,
                elements: &self.elements,
                positions: x,
            },
            neighbours: Some(&self.pairs),
        }));
        let outcome = model.evaluate(&apart, want, scratch.workspace, results);
        *scratch.members = recycle(apart);
        outcome
    }
}

/// The part of the scratch that the molecules alone need.
struct Alone<'a> {
    whole: &'a mut Vec<Vec<[f64; 3]>>,
    members: &'a mut Vec<Member<'static>>,
    workspace: &'a mut Workspace,
}

impl Potential for Molecular {
    fn description(&self) -> &Description {
        &self.description
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> std::result::Result<(), EvaluationError> {
        let other = |made: &Made| members.iter().position(|m| !made.fits(m.configuration));
        let Some(made) = &self.made else {
            return Err(EvaluationError::OtherAtoms { member: 0 });
        };
        if let Some(member) = other(made) {
            return Err(EvaluationError::OtherAtoms { member });
        }
        let model = self.model.as_ref();
        let Scratch {
            whole,
            alone,
            members: kept,
            together,
            apart,
        } = workspace.get::<Scratch>();
        let mut scratch = Alone {
            whole,
            members: kept,
            workspace: apart,
        };
        if self.acts == Acts::Within {
            return made.alone(model, members, want, &mut scratch, results);
        }
        // The reliability is that of the whole: what a molecule alone has of it is no part of a sum.
        let less = Want {
            reliability: false,
            ..want
        };
        if alone.len() < members.len() {
            alone.resize_with(members.len(), Evaluation::default);
        }
        let alone = &mut alone[..members.len()];
        for (m, e) in members.iter().zip(&mut *alone) {
            e.reset(m.configuration.positions.len(), less);
        }
        made.alone(model, members, less, &mut scratch, alone)?;
        model.evaluate(members, want, together, results)?;
        for (r, a) in results.iter_mut().zip(&*alone) {
            r.add_scaled(a, -1.0);
        }
        Ok(())
    }

    fn for_system(&self, system: &System) -> Result<Option<ForSystem>> {
        let made = self.make(system)?;
        let mut notes = Vec::new();
        if let Some(of) = &made.made {
            let word = match self.acts {
                Acts::Within => "within",
                Acts::Between => "between",
            };
            notes.push(format!(
                "acts {word} molecules: {}",
                of.molecules.composition(&of.elements)
            ));
        }
        Ok(Some(ForSystem {
            potential: Arc::new(made),
            notes,
        }))
    }

    fn species_labels(&self) -> Vec<(i64, Element)> {
        self.model.species_labels()
    }
}

#[cfg(test)]
mod tests;
