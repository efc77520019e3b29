//! The wrapper that makes a [`Potential`] of a local model: chunks in parallel, slots gathered in a fixed order.

use super::LocalModel;
use super::block::BlockScratch;
use crate::elements::Element;
use crate::neighbours::NeighbourList;
use crate::parallel::{self, Disjoint, PerThread};
use crate::potential::{
    Description, Evaluation, EvaluationError, Member, Potential, Selection, Want, Workspace,
};

/// A [`LocalModel`] as a [`Potential`].
pub struct Local<M>(pub M);

/// Scratch of [`Local`]: results by slot (local atom of a chunk) until they are gathered by atom.
struct LocalWorkspace<S> {
    tasks: Vec<Task>,
    translations: Vec<[f64; 3]>,
    forces: Vec<[f64; 4]>,
    /// Site energy and reliability.
    sites: Vec<[f64; 2]>,
    /// Features of each task, and their sum over the tasks of one member.
    features: Vec<f64>,
    summed: Vec<f64>,
    threads: PerThread<BlockScratch<S>>,
}

impl<S> Default for LocalWorkspace<S> {
    fn default() -> Self {
        LocalWorkspace {
            tasks: Vec::new(),
            translations: Vec::new(),
            forces: Vec::new(),
            sites: Vec::new(),
            features: Vec::new(),
            summed: Vec::new(),
            threads: PerThread::default(),
        }
    }
}

/// One chunk of one member, and what came out of it.
#[derive(Clone, Copy)]
struct Task {
    member: usize,
    chunk: usize,
    /// First of the member's translations.
    translations: usize,
    /// First of the member's slots.
    slots: usize,
    outcome: Outcome,
}

/// The sums over a chunk.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub energy: f64,
    pub virial: [[f64; 3]; 3],
    /// Two atoms at one place, and their distance.
    pub coincident: Option<(u32, u32, f64)>,
    /// Squared distance of the closest pair.
    pub closest2: f64,
}

/// The results of a chunk by local atom; empty where not wanted.
pub(super) struct Slots<'a> {
    pub forces: &'a mut [[f64; 4]],
    pub sites: &'a mut [[f64; 2]],
    /// Sum over the chunk, not by local atom.
    pub features: &'a mut [f64],
}

impl<M: LocalModel> Potential for Local<M> {
    fn description(&self) -> &Description {
        self.0.description()
    }

    fn evaluate(
        &self,
        members: &[Member<'_>],
        want: Want,
        workspace: &mut Workspace,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        let Some(request) = self.description().neighbours else {
            unreachable!("a local model states its neighbour request")
        };
        let space = workspace.get::<LocalWorkspace<M::Scratch>>();
        let width = if want.reliability {
            self.0.features()
        } else {
            0
        };
        space.plan(members, want, width);
        let LocalWorkspace {
            tasks,
            translations,
            forces,
            sites,
            features,
            summed,
            threads,
        } = space;
        let per_site = want.site_energies || want.reliability;
        let (slot_forces, slot_sites) = (Disjoint::new(forces), Disjoint::new(sites));
        let task_features = Disjoint::new(features);
        parallel::for_each_mut(tasks, |t, task| {
            let member = &members[task.member];
            let Some(list) = member.neighbours else {
                return;
            };
            let chunk = &list.chunks()[task.chunk];
            let whole = (task.slots + chunk.base, chunk.atoms.len());
            let part = |wanted: bool| if wanted { whole } else { (0, 0) };
            let ((fs, fl), (ss, sl)) = (part(want.forces), part(per_site));
            // SAFETY: chunks of one list have disjoint slots, and members have disjoint ranges of slots.
            let forces = unsafe { slot_forces.range(fs, fl) };
            // SAFETY: as above.
            let sites = unsafe { slot_sites.range(ss, sl) };
            // SAFETY: tasks have disjoint ranges.
            let features = unsafe { task_features.range(t * width, width) };
            let translations = &translations[task.translations..];
            let slots = Slots {
                forces,
                sites,
                features,
            };
            let mut scratch = threads.get();
            task.outcome = scratch.run(
                &self.0,
                request.cutoff,
                member.configuration,
                chunk,
                list.images(),
                translations,
                want,
                slots,
            );
        });
        for Task {
            member, outcome, ..
        } in tasks.iter()
        {
            let member = *member;
            if let Some((i, j, distance)) = outcome.coincident {
                return Err(EvaluationError::Coincident {
                    member,
                    i: i as usize,
                    j: j as usize,
                    distance,
                });
            }
            let result = &mut results[member];
            result.energy += outcome.energy;
            result.closest = result.closest.min(outcome.closest2.sqrt());
            for (a, b) in result
                .virial
                .as_flattened_mut()
                .iter_mut()
                .zip(outcome.virial.as_flattened())
            {
                *a += b;
            }
        }
        if width > 0 {
            for (m, (member, result)) in members.iter().zip(&mut *results).enumerate() {
                summed.fill(0.0);
                let parts = tasks.iter().zip(features.chunks_exact(width));
                for (_, part) in parts.filter(|(task, _)| task.member == m) {
                    summed.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                }
                let atoms = member.configuration.positions.len();
                result.frame_reliability += self.0.frame_reliability(summed, atoms);
            }
        }
        let mut slots = 0;
        for (member, result) in members.iter().zip(results) {
            let Some(list) = member.neighbours else {
                continue;
            };
            let (f, s) = (
                if want.forces { slots } else { 0 },
                if per_site { slots } else { 0 },
            );
            gather(list, &forces[f..], &sites[s..], want, result);
            slots += list.slots();
            self.0.add_global(member.configuration, want, result);
        }
        Ok(())
    }

    fn species_labels(&self) -> Vec<(i64, Element)> {
        self.0.species_labels()
    }

    fn selection(&self) -> Option<Box<dyn Selection>> {
        self.0.selection()
    }
}

impl<S: Default + Send> LocalWorkspace<S> {
    /// Lists the chunks of all members and makes room for their slots and features.
    fn plan(&mut self, members: &[Member<'_>], want: Want, width: usize) {
        let outcome = Outcome {
            energy: 0.0,
            virial: [[0.0; 3]; 3],
            coincident: None,
            closest2: f64::INFINITY,
        };
        self.tasks.clear();
        self.translations.clear();
        let mut slots = 0;
        for (m, member) in members.iter().enumerate() {
            let Some(list) = member.neighbours else {
                unreachable!("the engine provides the list that was asked for")
            };
            let translations = self.translations.len();
            list.translations(member.configuration.cell, &mut self.translations);
            self.tasks
                .extend((0..list.chunks().len()).map(|chunk| Task {
                    member: m,
                    chunk,
                    translations,
                    slots,
                    outcome,
                }));
            slots += list.slots();
        }
        if want.forces && self.forces.len() < slots {
            self.forces.resize(slots, [0.0; 4]);
        }
        if (want.site_energies || want.reliability) && self.sites.len() < slots {
            self.sites.resize(slots, [0.0; 2]);
        }
        let features = self.tasks.len() * width;
        if self.features.len() < features {
            self.features.resize(features, 0.0);
        }
        self.summed.resize(width, 0.0);
        self.threads.prepare();
    }
}

/// Adds the slots' forces and site numbers to the atoms, each atom's slots in chunk order.
fn gather(
    list: &NeighbourList,
    forces: &[[f64; 4]],
    sites: &[[f64; 2]],
    want: Want,
    result: &mut Evaluation,
) {
    const PIECE: usize = 4096;
    if want.forces {
        let pieces = Disjoint::new(&mut result.forces);
        parallel::for_each(list.atoms().div_ceil(PIECE), |p| {
            let (start, end) = (p * PIECE, (p * PIECE + PIECE).min(list.atoms()));
            // SAFETY: pieces do not overlap.
            let out = unsafe { pieces.range(start, end - start) };
            for (a, out) in (start..end).zip(out) {
                let mut f = [out[0], out[1], out[2], 0.0];
                for &s in list.slots_of(a) {
                    let g = &forces[s as usize];
                    f = std::array::from_fn(|k| f[k] + g[k]);
                }
                *out = [f[0], f[1], f[2]];
            }
        });
    }
    let add = |out: &mut [f64], which: usize| {
        for (a, out) in out.iter_mut().enumerate() {
            *out += list
                .slots_of(a)
                .iter()
                .map(|&s| sites[s as usize][which])
                .sum::<f64>();
        }
    };
    // Arrays may be there that another term of a sum was asked for.
    if want.site_energies {
        add(&mut result.site_energies, 0);
    }
    if want.reliability {
        add(&mut result.reliability, 1);
    }
}
