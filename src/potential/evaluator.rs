//! The evaluator: a sum of named terms together with the neighbour lists and scratch memory they need.

use super::{
    Configuration, Description, Evaluation, EvaluationError, Member, NeighbourRequest, Potential,
    Symmetry, Want, Workspace,
};
use crate::elements::Element;
use crate::neighbours::{
    BuildError, NeighbourList, RingError, RingLists, RingReference, VerletList,
};
use crate::system::Cell;
use std::sync::Arc;

/// One named term of a sum of potentials.
#[derive(Clone)]
pub struct Term {
    /// The name the deck gives it.
    pub name: String,
    /// Factor on everything the term gives.
    pub scale: f64,
    /// The potential.
    pub potential: Arc<dyn Potential>,
}

impl Term {
    /// A term with factor 1.
    pub fn new(name: impl Into<String>, potential: Arc<dyn Potential>) -> Term {
        Term {
            name: name.into(),
            scale: 1.0,
            potential,
        }
    }
}

/// A list request, and per member of a batch the list.
type Group = (NeighbourRequest, Vec<VerletList>);

/// The lists of an evaluator, and those of others beside it.
struct Lists<'a> {
    groups: &'a [Group],
    rings: &'a [RingLists],
    others: &'a [&'a mut Evaluator],
}

impl<'a> Lists<'a> {
    /// The list of a member in a group.
    fn of(&self, g: usize, m: usize) -> Option<&'a NeighbourList> {
        self.groups[g].1.get(m).map(VerletList::list)
    }
}

/// Evaluates a sum of terms for batches of configurations, keeping the neighbour lists between calls.
///
/// Two lists are kept apart only when kind or cutoff differ. All lists of one configuration are rebuilt at the same time,
/// so that they have one reference (see [`VerletList`]).
pub struct Evaluator {
    pub(super) terms: Vec<Term>,
    workspaces: Vec<Workspace>,
    /// The list request of each group, and per member of the batch the list.
    pub(super) groups: Vec<Group>,
    /// The lists of ring polymers, by number of beads.
    rings: Vec<RingLists>,
    /// The group of each term.
    pub(super) group_of: Vec<Option<usize>>,
    /// The term whose reliability is asked for: numbers of different measures cannot be added.
    watched: Option<usize>,
    skin: f64,
    partial: Vec<Evaluation>,
    /// Only its memory lives between calls.
    members: Vec<Member<'static>>,
}

impl Evaluator {
    /// An evaluator of a sum of terms, with lists that reach `skin` (Å) further than the cutoffs.
    pub fn new(terms: Vec<Term>, skin: f64) -> Evaluator {
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of = Vec::new();
        for term in &terms {
            group_of.push(term.potential.description().neighbours.map(|request| {
                let same =
                    |g: &NeighbourRequest| g.kind == request.kind && g.cutoff == request.cutoff;
                match groups.iter().position(|g| same(&g.0)) {
                    Some(g) => {
                        let shared = &mut groups[g].0;
                        shared.chunk = shared.chunk.min(request.chunk);
                        shared.grain = shared.grain.min(request.grain);
                        g
                    }
                    None => {
                        groups.push((request, Vec::new()));
                        groups.len() - 1
                    }
                }
            }));
        }
        let workspaces = terms.iter().map(|_| Workspace::default()).collect();
        let measures = |t: &Term| t.potential.description().gives.reliability.is_some();
        Evaluator {
            watched: terms.iter().position(measures),
            terms,
            workspaces,
            groups,
            rings: Vec::new(),
            group_of,
            skin,
            partial: Vec::new(),
            members: Vec::new(),
        }
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The term whose reliability an evaluation gives: the first that has such a number, or another after [`Self::watch`].
    pub fn watched(&self) -> Option<&Term> {
        self.watched.map(|t| &self.terms[t])
    }

    /// Chooses the term whose reliability an evaluation gives; `false` when it has none.
    pub fn watch(&mut self, term: usize) -> bool {
        let gives = |t: &Term| t.potential.description().gives.reliability.is_some();
        let able = self.terms.get(term).is_some_and(gives);
        if able {
            self.watched = Some(term);
        }
        able
    }

    /// The largest cutoff (Å) of any term; `None` when no term needs neighbours.
    pub fn cutoff(&self) -> Option<f64> {
        self.groups.iter().map(|g| g.0.cutoff).reduce(f64::max)
    }

    /// Whether every term can give a virial.
    pub fn gives_virial(&self) -> bool {
        self.terms
            .iter()
            .all(|t| t.potential.description().gives.virial)
    }

    /// The first term that is right in one cell only, with its reason. A job in which the cell changes refuses such a sum.
    pub fn fixed_cell(&self) -> Option<(&Term, &str)> {
        self.terms.iter().find_map(|t| {
            let why = t.potential.description().fixed_cell.as_deref();
            why.map(|why| (t, why))
        })
    }

    /// Whether some term acts on atoms from outside of a model, known by their numbers or places.
    pub fn has_external(&self) -> bool {
        let symmetry = |t: &Term| t.potential.description().symmetry;
        self.terms.iter().any(|t| symmetry(t) != Symmetry::Full)
    }

    /// Whether some term holds atoms to places in space or in the cell: then the lattice vectors may not be chosen anew.
    pub fn is_anchored(&self) -> bool {
        let symmetry = |t: &Term| t.potential.description().symmetry;
        self.terms.iter().any(|t| symmetry(t) == Symmetry::Anchored)
    }

    /// The elements that all terms together know; `None` when any element is known.
    pub fn unknown_elements(&self, present: &[Element]) -> Vec<(Element, String)> {
        let unknown = |d: &Description, e: &Element| {
            d.elements.as_ref().is_some_and(|known| !known.contains(e))
        };
        present
            .iter()
            .filter_map(|e| {
                let term = self
                    .terms
                    .iter()
                    .find(|t| unknown(t.potential.description(), e))?;
                Some((*e, term.name.clone()))
            })
            .collect()
    }

    /// How often the lists of a member were built; those of the longest ring polymer where there are any.
    pub fn list_builds(&self, member: usize) -> u64 {
        if let Some(ring) = self.longest_ring() {
            return ring.builds();
        }
        self.groups
            .first()
            .and_then(|g| g.1.get(member))
            .map_or(0, VerletList::builds)
    }

    /// The longest-ranged list of a member, after an evaluation; where ring polymers were evaluated, that of a bead of the one
    /// with most beads.
    pub fn longest_list(&self, member: usize) -> Option<&NeighbourList> {
        let ring = self.longest_ring();
        let list = |g: usize| match ring {
            Some(ring) => ring.list(g, member),
            None => self.groups[g].1.get(member).map(VerletList::list),
        };
        let listed =
            (0..self.groups.len()).filter_map(|g| Some((self.groups[g].0.cutoff, list(g)?)));
        let longest = listed.max_by(|a, b| a.0.total_cmp(&b.0));
        longest.map(|(_, list)| list)
    }

    fn longest_ring(&self) -> Option<&RingLists> {
        let used = self.rings.iter().filter(|r| r.reference().is_some());
        used.max_by_key(|r| r.count())
    }

    /// Cell and positions from which the present lists of a member were built.
    pub fn reference(&self, member: usize) -> Option<(&Cell, &[[f64; 3]])> {
        self.groups.first()?.1.get(member)?.reference()
    }

    /// Builds the lists of a member from this configuration, which becomes the reference.
    pub fn build_lists(
        &mut self,
        member: usize,
        configuration: Configuration<'_>,
    ) -> Result<(), EvaluationError> {
        for (request, lists) in &mut self.groups {
            while lists.len() <= member {
                lists.push(VerletList::new(request.cutoff, self.skin));
            }
            lists[member]
                .build(configuration, *request)
                .map_err(|e| match e {
                    BuildError::NotFinite(atom) => EvaluationError::NotFinite {
                        member,
                        atom: Some(atom),
                    },
                    BuildError::TooMany => EvaluationError::TooManyNeighbours { member },
                })?;
        }
        Ok(())
    }

    /// From where the present lists of ring polymers were built, by number of beads.
    pub fn ring_references(&self) -> impl Iterator<Item = RingReference<'_>> {
        self.rings.iter().filter_map(RingLists::reference)
    }

    /// Takes a reference from [`Self::ring_references`] of another run: its lists are those of that run, to the bit. `false` when
    /// the beads are not whole copies of the centroid.
    pub fn restore_ring(&mut self, reference: RingReference<'_>) -> bool {
        let count = reference.beads.len().checked_div(reference.centroid.len());
        count.filter(|count| *count > 0).is_some_and(|count| {
            let ring = self.ring(count);
            self.rings[ring].restore(reference)
        })
    }

    /// The place of the lists for so many beads.
    fn ring(&mut self, count: usize) -> usize {
        let known = self.rings.iter().position(|r| r.count() == count);
        known.unwrap_or_else(|| {
            let requests = self.groups.iter().map(|g| g.0);
            self.rings.push(RingLists::new(count, requests, self.skin));
            self.rings.len() - 1
        })
    }

    /// Energies and what else is wanted of every configuration. `results` has one element for each; they are reset first.
    ///
    /// Member m of a batch keeps its lists from call to call, so it should be the same system a little later.
    pub fn evaluate(
        &mut self,
        configurations: &[Configuration<'_>],
        want: Want,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        self.evaluate_terms(|_| true, configurations, want, results)
    }

    /// The same for the sum of some of the terms, chosen by their places.
    pub fn evaluate_terms(
        &mut self,
        chosen: impl Fn(usize) -> bool,
        configurations: &[Configuration<'_>],
        want: Want,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        for (m, c) in configurations.iter().enumerate() {
            self.keep_lists(m, *c)?;
        }
        self.sum(chosen, &[], configurations, want, results, |own, g, m| {
            own.of(g, m)
        })
    }

    /// One configuration of each of several evaluators of the same terms, in one call of each potential. Every configuration has the
    /// lists of its own evaluator; the scratch memory is that of the first.
    ///
    /// Errors name the place of the evaluator as the member.
    ///
    /// # Panics
    /// When there is not one configuration and one result for each evaluator.
    pub fn evaluate_together(
        evaluators: &mut [&mut Evaluator],
        chosen: impl Fn(usize) -> bool,
        configurations: &[Configuration<'_>],
        want: Want,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        assert!(
            evaluators.len() == configurations.len() && evaluators.len() == results.len(),
            "a configuration and a result for each evaluator"
        );
        for (m, (evaluator, c)) in evaluators.iter_mut().zip(configurations).enumerate() {
            let kept = evaluator.keep_lists(0, *c);
            kept.map_err(|e| e.of_member(m))?;
        }
        let Some((first, others)) = evaluators.split_first_mut() else {
            return Ok(());
        };
        first.sum(
            chosen,
            others,
            configurations,
            want,
            results,
            |own, g, m| match m.checked_sub(1) {
                None => own.of(g, 0),
                Some(m) => own.others[m].groups[g].1.first().map(VerletList::list),
            },
        )
    }

    /// Builds the lists of a member where they are stale.
    pub(super) fn keep_lists(
        &mut self,
        m: usize,
        c: Configuration<'_>,
    ) -> Result<(), EvaluationError> {
        let stale = |lists: &Vec<VerletList>| lists.get(m).is_none_or(|l| l.is_stale(c));
        if self.groups.iter().any(|(_, lists)| stale(lists)) {
            self.build_lists(m, c)?;
        }
        Ok(())
    }

    /// Exchanges all lists with another evaluator of the same terms: for systems that change places.
    pub fn swap_lists(&mut self, other: &mut Evaluator) {
        for (a, b) in self.groups.iter_mut().zip(&mut other.groups) {
            std::mem::swap(&mut a.1, &mut b.1);
        }
        std::mem::swap(&mut self.rings, &mut other.rings);
    }

    /// The sum of some of the terms for the beads of a ring polymer, which have the cell and the elements of their centroid.
    /// `results` has one element for each bead.
    ///
    /// The lists are shared as far as the beads lie close together (see [`RingLists`]); they are kept from call to call for each
    /// number of beads, so that slow terms may be evaluated for fewer.
    ///
    /// # Panics
    /// When beads, centroid and results do not fit together.
    pub fn evaluate_ring(
        &mut self,
        chosen: impl Fn(usize) -> bool,
        centroid: Configuration<'_>,
        beads: &[Configuration<'_>],
        want: Want,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        let atoms = centroid.positions.len();
        assert!(
            beads.len() == results.len() && beads.iter().all(|b| b.positions.len() == atoms),
            "a result for every bead, and the atoms of the centroid in every bead"
        );
        if self.groups.is_empty() {
            return self.sum(chosen, &[], beads, want, results, |_, _, _| None);
        }
        let r = self.ring(beads.len());
        let ring = &mut self.rings[r];
        if ring.is_stale(centroid.cell, beads) {
            ring.refer(centroid, beads);
        }
        let mut groups = (0..self.terms.len())
            .filter(|t| chosen(*t))
            .filter_map(|t| self.group_of[t]);
        let built = groups.try_for_each(|g| ring.build(g));
        built.map_err(|RingError { bead, reason }| match reason {
            BuildError::NotFinite(atom) => EvaluationError::NotFinite {
                member: bead,
                atom: Some(atom),
            },
            BuildError::TooMany => EvaluationError::TooManyNeighbours { member: bead },
        })?;
        self.sum(chosen, &[], beads, want, results, |own, g, m| {
            own.rings[r].list(g, m)
        })
    }

    /// The sum of some of the terms, with lists by group and member; `others` may have some of them.
    fn sum(
        &mut self,
        chosen: impl Fn(usize) -> bool,
        others: &[&mut Evaluator],
        configurations: &[Configuration<'_>],
        want: Want,
        results: &mut [Evaluation],
        list: impl for<'a> Fn(&Lists<'a>, usize, usize) -> Option<&'a NeighbourList>,
    ) -> Result<(), EvaluationError> {
        for (c, result) in configurations.iter().zip(results.iter_mut()) {
            result.reset(c.positions.len(), want);
        }
        for t in (0..self.terms.len()).filter(|t| chosen(*t)) {
            let mut members = recycle(std::mem::take(&mut self.members));
            let lists = Lists {
                groups: &self.groups,
                rings: &self.rings,
                others,
            };
            members.extend(configurations.iter().enumerate().map(|(m, c)| Member {
                configuration: *c,
                neighbours: self.group_of[t].and_then(|g| list(&lists, g, m)),
            }));
            let Term {
                scale, potential, ..
            } = &self.terms[t];
            let want = Want {
                reliability: want.reliability && self.watched == Some(t),
                ..want
            };
            let outcome = if *scale == 1.0 {
                potential.evaluate(&members, want, &mut self.workspaces[t], results)
            } else {
                // Batches of several sizes may take turns; what each needs stays.
                let count = configurations.len();
                if self.partial.len() < count {
                    self.partial.resize_with(count, Evaluation::default);
                }
                let partial = &mut self.partial[..count];
                for (c, p) in configurations.iter().zip(&mut *partial) {
                    p.reset(c.positions.len(), want);
                }
                let outcome = potential.evaluate(&members, want, &mut self.workspaces[t], partial);
                results
                    .iter_mut()
                    .zip(&*partial)
                    .for_each(|(r, p)| r.add_scaled(p, *scale));
                outcome
            };
            members.clear();
            self.members = recycle(members);
            outcome?;
        }
        for (member, result) in results.iter().enumerate() {
            let bad = result
                .forces
                .iter()
                .position(|f| !f.iter().all(|f| f.is_finite()));
            if bad.is_some() || !result.energy.is_finite() {
                return Err(EvaluationError::NotFinite { member, atom: bad });
            }
        }
        Ok(())
    }
}

impl Evaluation {
    /// Adds `scale` times another evaluation of the same system; what only one of them has stays as it is.
    pub(crate) fn add_scaled(&mut self, other: &Evaluation, scale: f64) {
        self.energy += scale * other.energy;
        self.external += scale * other.external;
        self.closest = self.closest.min(other.closest);
        let add = |a: &mut [f64], b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += scale * b);
        add(self.virial.as_flattened_mut(), other.virial.as_flattened());
        add(self.forces.as_flattened_mut(), other.forces.as_flattened());
        add(&mut self.site_energies, &other.site_energies);
        // How reliable a term is does not depend on its factor.
        self.reliability
            .iter_mut()
            .zip(&other.reliability)
            .for_each(|(a, b)| *a += b);
        self.frame_reliability += other.frame_reliability;
    }
}

/// An empty vector with another lifetime that keeps the memory (the standard library collects in place).
pub(crate) fn recycle<T, U>(mut list: Vec<T>) -> Vec<U> {
    list.clear();
    list.into_iter()
        .map(|_| unreachable!("the vector is empty"))
        .collect()
}
