//! The wrapper that makes a [`Potential`] of a local model: chunks in parallel, slots gathered in a fixed order.

use super::block::BlockScratch;
use super::tile::TileSlots;
use super::{LANES, LocalModel, RowStyle};
use crate::elements::Element;
use crate::neighbours::NeighbourList;
use crate::parallel::{self, Disjoint, PerThread};
use crate::potential::{
    Curvature, Description, Evaluation, EvaluationError, Member, Potential, Selection, Want,
    Workspace,
};
use crate::simd::simd_dispatch;
use std::ops::Range;

/// A [`LocalModel`] as a [`Potential`].
pub struct Local<M>(pub M);

/// Scratch of [`Local`]: results by slot (local atom of a chunk) until they are gathered by atom.
struct LocalWorkspace<S> {
    tiles: Vec<Tile>,
    tasks: Vec<Task>,
    /// What came out of each task, for each of its members.
    outcomes: Vec<Outcome>,
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
            tiles: Vec::new(),
            tasks: Vec::new(),
            outcomes: Vec::new(),
            translations: Vec::new(),
            forces: Vec::new(),
            sites: Vec::new(),
            features: Vec::new(),
            summed: Vec::new(),
            threads: PerThread::default(),
        }
    }
}

/// One chunk of one member, or of a tile of members that share a list.
#[derive(Clone, Copy)]
struct Task {
    tile: Tile,
    chunk: usize,
    /// First of its outcomes.
    outcomes: usize,
}

/// Members that are evaluated side by side: one, or up to [`LANES`] that share a list.
#[derive(Clone, Copy)]
struct Tile {
    /// First member, and how many.
    member: usize,
    count: usize,
    /// First of the members' translations.
    translations: usize,
    /// First of its forces, and of its site numbers.
    forces: usize,
    sites: usize,
}

impl Tile {
    fn members(&self) -> Range<usize> {
        self.member..self.member + self.count
    }

    /// Elements of the arrays of forces and site numbers that a slot takes.
    fn per_slot(&self) -> (usize, usize) {
        if self.count == 1 {
            (1, 1)
        } else {
            (3 * LANES / 4, LANES / 2)
        }
    }
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
        // Features are sums over all centres of one member.
        let distances = matches!(self.0.style(), RowStyle::Distances { .. });
        let most = if distances && !want.reliability {
            LANES
        } else {
            1
        };
        space.plan(members, want, width, most);
        let LocalWorkspace {
            tiles,
            tasks,
            outcomes,
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
        let task_outcomes = Disjoint::new(outcomes);
        parallel::for_each(tasks.len(), |t| {
            let Task {
                tile,
                chunk,
                outcomes,
            } = tasks[t];
            let member = &members[tile.member];
            let Some(list) = member.neighbours else {
                return;
            };
            let chunk = &list.chunks()[chunk];
            let part = |first: usize, size: usize, wanted: bool| {
                if wanted {
                    (first + chunk.base * size, chunk.atoms.len() * size)
                } else {
                    (0, 0)
                }
            };
            let (force_size, site_size) = tile.per_slot();
            let (fs, fl) = part(tile.forces, force_size, want.forces);
            let (ss, sl) = part(tile.sites, site_size, per_site);
            // SAFETY: chunks of one list have disjoint slots, and tiles have disjoint ranges of slots.
            let forces = unsafe { slot_forces.range(fs, fl) };
            // SAFETY: as above.
            let sites = unsafe { slot_sites.range(ss, sl) };
            // SAFETY: tasks have disjoint ranges.
            let features = unsafe { task_features.range(t * width, width) };
            // SAFETY: as above.
            let outcomes = unsafe { task_outcomes.range(outcomes, tile.count) };
            let translations = &translations[tile.translations..];
            let mut scratch = threads.get();
            if tile.count > 1 {
                let slots = TileSlots {
                    forces: forces
                        .as_flattened_mut()
                        .as_chunks_mut()
                        .0
                        .as_chunks_mut()
                        .0,
                    sites: sites.as_flattened_mut().as_chunks_mut().0,
                };
                scratch.run_tile(
                    &self.0,
                    &members[tile.members()],
                    list,
                    chunk,
                    translations,
                    want,
                    slots,
                    outcomes,
                );
                return;
            }
            let slots = Slots {
                forces,
                sites,
                features,
            };
            outcomes[0] = scratch.run(
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
        for task in tasks.iter() {
            for (member, outcome) in task.tile.members().zip(&outcomes[task.outcomes..]) {
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
        }
        if width > 0 {
            for (m, (member, result)) in members.iter().zip(&mut *results).enumerate() {
                summed.fill(0.0);
                let parts = tasks.iter().zip(features.chunks_exact(width));
                for (_, part) in parts.filter(|(task, _)| task.tile.member == m) {
                    summed.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                }
                let atoms = member.configuration.positions.len();
                result.frame_reliability += self.0.frame_reliability(summed, atoms);
            }
        }
        for tile in tiles.iter() {
            let Some(list) = members[tile.member].neighbours else {
                continue;
            };
            let (f, s) = (
                if want.forces { tile.forces } else { 0 },
                if per_site { tile.sites } else { 0 },
            );
            let results = &mut results[tile.members()];
            if tile.count > 1 {
                gather_tile(list, &forces[f..], &sites[s..], want, results);
            } else {
                gather(list, &forces[f..], &sites[s..], want, &mut results[0]);
            }
        }
        for (member, result) in members.iter().zip(results) {
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

    fn curvature(&self) -> Option<&dyn Curvature> {
        self.0.pair_curvature().map(|_| self as &dyn Curvature)
    }
}

impl<S: Default + Send> LocalWorkspace<S> {
    /// Lists the chunks of all members, in tiles of at most `most`, and makes room for their slots and features.
    fn plan(&mut self, members: &[Member<'_>], want: Want, width: usize, most: usize) {
        let outcome = Outcome {
            energy: 0.0,
            virial: [[0.0; 3]; 3],
            coincident: None,
            closest2: f64::INFINITY,
        };
        self.tiles.clear();
        self.tasks.clear();
        self.outcomes.clear();
        self.translations.clear();
        let (mut forces, mut sites, mut member) = (0, 0, 0);
        while let Some(first) = members.get(member) {
            let Some(list) = first.neighbours else {
                unreachable!("the engine provides the list that was asked for")
            };
            let same = |m: &&Member<'_>| m.neighbours.is_some_and(|l| std::ptr::eq(l, list));
            let sharing = members[member..].iter().take(most).take_while(same).count();
            let tile = Tile {
                member,
                count: if sharing < WORTH { 1 } else { sharing },
                translations: self.translations.len(),
                forces,
                sites,
            };
            self.tiles.push(tile);
            for m in &members[tile.members()] {
                list.translations(m.configuration.cell, &mut self.translations);
            }
            for chunk in 0..list.chunks().len() {
                let outcomes = self.outcomes.len();
                self.tasks.push(Task {
                    tile,
                    chunk,
                    outcomes,
                });
                self.outcomes.resize(outcomes + tile.count, outcome);
            }
            let (force_size, site_size) = tile.per_slot();
            forces += list.slots() * force_size;
            sites += list.slots() * site_size;
            member += tile.count;
        }
        if want.forces && self.forces.len() < forces {
            self.forces.resize(forces, [0.0; 4]);
        }
        if (want.site_energies || want.reliability) && self.sites.len() < sites {
            self.sites.resize(sites, [0.0; 2]);
        }
        let features = self.tasks.len() * width;
        if self.features.len() < features {
            self.features.resize(features, 0.0);
        }
        self.summed.resize(width, 0.0);
        self.threads.prepare();
    }
}

/// Fewer members than this are evaluated one by one.
const WORTH: usize = 4;
/// Atoms in a piece of the work of gathering.
const PIECE: usize = 4096;

/// Adds the slots' forces and site numbers to the atoms, each atom's slots in chunk order.
fn gather(
    list: &NeighbourList,
    forces: &[[f64; 4]],
    sites: &[[f64; 2]],
    want: Want,
    result: &mut Evaluation,
) {
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

/// The same for a tile.
fn gather_tile(
    list: &NeighbourList,
    forces: &[[f64; 4]],
    sites: &[[f64; 2]],
    want: Want,
    results: &mut [Evaluation],
) {
    if want.forces {
        let forces: &[[[f64; LANES]; 3]] = forces.as_flattened().as_chunks().0.as_chunks().0;
        let mut rest = results.iter_mut();
        let outs: [Option<Disjoint<[f64; 3]>>; LANES] =
            std::array::from_fn(|_| rest.next().map(|r| Disjoint::new(&mut r.forces)));
        parallel::for_each(list.atoms().div_ceil(PIECE), |p| {
            let (start, end) = (p * PIECE, (p * PIECE + PIECE).min(list.atoms()));
            let mut outs = outs.each_ref().map(|out| {
                let out = out.as_ref()?;
                // SAFETY: pieces do not overlap.
                Some(unsafe { out.range(start, end - start) })
            });
            gather_lanes(list, forces, start..end, &mut outs);
        });
    }
    if want.site_energies {
        let sites: &[[f64; LANES]] = sites.as_flattened().as_chunks().0;
        for (l, result) in results.iter_mut().enumerate() {
            for (a, out) in result.site_energies.iter_mut().enumerate() {
                let slots = list.slots_of(a).iter();
                *out += slots.map(|&s| sites[s as usize][l]).sum::<f64>();
            }
        }
    }
}

simd_dispatch! {
    /// Adds the forces on some atoms to those of each member, which begin with the first of the atoms.
    fn gather_lanes(
        list: &NeighbourList,
        forces: &[[[f64; LANES]; 3]],
        atoms: Range<usize>,
        outs: &mut [Option<&mut [[f64; 3]]>; LANES],
    ) = gather_lanes_body;
}

#[inline(always)]
fn gather_lanes_body<const FMA: bool>(
    list: &NeighbourList,
    forces: &[[[f64; LANES]; 3]],
    atoms: Range<usize>,
    outs: &mut [Option<&mut [[f64; 3]]>; LANES],
) {
    let start = atoms.start;
    for a in atoms {
        let mut f = [[0.0; LANES]; 3];
        for &s in list.slots_of(a) {
            let g = &forces[s as usize];
            for k in 0..3 {
                for l in 0..LANES {
                    f[k][l] += g[k][l];
                }
            }
        }
        for (l, out) in outs.iter_mut().flatten().enumerate() {
            let out = &mut out[a - start];
            *out = [out[0] + f[0][l], out[1] + f[1][l], out[2] + f[2][l]];
        }
    }
}
