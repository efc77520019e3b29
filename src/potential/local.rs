//! Local models: neighbourhoods in, dE/dr out. Forces, virial and periodic images are made here and nowhere else.

use super::{
    Configuration, Description, Evaluation, EvaluationError, Member, Potential, Want, Workspace,
};
use crate::elements::Element;
use crate::neighbours::{Chunk, NeighbourList};
use crate::parallel::{self, Disjoint, PerThread};
use std::ops::Range;

/// The neighbourhoods of a block of centres, as compressed rows. Row c holds the neighbours
/// `first[c]..first[c + 1]` of centre c; the arrays over neighbours are parallel.
///
/// The rows are not strict in principle (a caller may leave neighbours beyond the cutoff in), so a model cuts by itself.
/// Periodic images, the centre's own ones included, are ordinary neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Element of each centre.
    pub centres: &'a [Element],
    /// Offsets of the rows; one more than there are centres, starting at 0.
    pub first: &'a [u32],
    /// Element of each neighbour.
    pub elements: &'a [Element],
    /// x of neighbour minus centre (Å).
    pub x: &'a [f64],
    /// y of neighbour minus centre (Å).
    pub y: &'a [f64],
    /// z of neighbour minus centre (Å).
    pub z: &'a [f64],
    /// Squared distance (Å^2), never zero.
    pub r2: &'a [f64],
}

impl Rows<'_> {
    /// The range of the neighbours of centre `c`.
    #[inline]
    pub fn of(&self, c: usize) -> std::ops::Range<usize> {
        self.first[c] as usize..self.first[c + 1] as usize
    }
}

/// What a local model gives back for a block of rows. All arrays are zeroed by the caller and added into by the model.
#[derive(Debug)]
pub struct RowResults<'a> {
    /// Energy of each centre (eV).
    pub energy: &'a mut [f64],
    /// dE/dx of each neighbour displacement (eV/Å), where E is everything this row contributes to the total energy.
    /// Empty when neither forces nor virial are wanted.
    pub gx: &'a mut [f64],
    /// dE/dy.
    pub gy: &'a mut [f64],
    /// dE/dz.
    pub gz: &'a mut [f64],
    /// Energy booked on each neighbour instead of the centre (eV; counts towards the total). Empty unless site energies
    /// are wanted: then, and only then, a model may move part of a pair's energy from the centre to the neighbour.
    pub booked: &'a mut [f64],
    /// Reliability number of each centre. Empty unless wanted.
    pub reliability: &'a mut [f64],
}

/// A model whose energy is a sum over centres of functions of their neighbourhoods.
pub trait LocalModel: Send + Sync {
    /// Memory the model reuses between calls; one for each thread.
    type Scratch: Default + Send + 'static;

    /// What it is, needs and gives; `neighbours` must be present.
    fn description(&self) -> &Description;

    /// Largest number of centres in one call of [`evaluate`](Self::evaluate).
    fn block(&self) -> usize;

    /// Adds the energies of the centres and, where wanted, the derivatives by the neighbours' displacements.
    fn evaluate(
        &self,
        rows: &Rows<'_>,
        want: Want,
        scratch: &mut Self::Scratch,
        results: &mut RowResults<'_>,
    );

    /// Adds what does not depend on neighbourhoods, such as long-range corrections of a homogeneous fluid.
    fn add_global(&self, _configuration: Configuration<'_>, _want: Want, _result: &mut Evaluation) {
    }
}

/// A [`LocalModel`] as a [`Potential`].
pub struct Local<M>(pub M);

/// Scratch of [`Local`]: results by slot (local atom of a chunk) until they are gathered by atom.
struct LocalWorkspace<S> {
    tasks: Vec<Task>,
    translations: Vec<[f64; 3]>,
    forces: Vec<[f64; 3]>,
    sites: Vec<[f64; 2]>,
    threads: PerThread<BlockScratch<S>>,
}

impl<S> Default for LocalWorkspace<S> {
    fn default() -> Self {
        LocalWorkspace {
            tasks: Vec::new(),
            translations: Vec::new(),
            forces: Vec::new(),
            sites: Vec::new(),
            threads: PerThread::default(),
        }
    }
}

/// One chunk of one member, and what came out of it.
#[derive(Clone, Copy, Default)]
struct Task {
    member: usize,
    chunk: usize,
    /// First of the member's translations.
    translations: usize,
    /// First of the member's slots.
    slots: usize,
    energy: f64,
    virial: [[f64; 3]; 3],
    coincident: Option<(u32, u32, f64)>,
    /// Squared distance of the closest pair.
    closest2: f64,
}

/// Arrays of one block of rows, reused by a thread.
#[derive(Default)]
struct BlockScratch<S> {
    model: S,
    /// Positions of the chunk's local atoms; the fourth number keeps each in one cache line.
    local: Vec<[f64; 4]>,
    local_elements: Vec<Element>,
    first: Vec<u32>,
    target: Vec<u32>,
    elements: Vec<Element>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    r2: Vec<f64>,
    gx: Vec<f64>,
    gy: Vec<f64>,
    gz: Vec<f64>,
    booked: Vec<f64>,
    energy: Vec<f64>,
    reliability: Vec<f64>,
}

/// Squared distance (Å^2) below which two atoms are said to be at one place.
const COINCIDENT2: f64 = 1e-8;

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
        let LocalWorkspace {
            tasks,
            translations,
            forces,
            sites,
            threads,
        } = workspace.get::<LocalWorkspace<M::Scratch>>();
        tasks.clear();
        translations.clear();
        let mut slots = 0;
        for (m, member) in members.iter().enumerate() {
            let Some(list) = member.neighbours else {
                unreachable!("the engine provides the list that was asked for")
            };
            let begin = translations.len();
            list.translations(member.configuration.cell, translations);
            tasks.extend((0..list.chunks().len()).map(|chunk| Task {
                member: m,
                chunk,
                translations: begin,
                slots,
                closest2: f64::INFINITY,
                ..Task::default()
            }));
            slots += list.slots();
        }
        let gradients = want.forces || want.virial;
        if want.forces && forces.len() < slots {
            forces.resize(slots, [0.0; 3]);
        }
        let per_site = want.site_energies || want.reliability;
        if per_site && sites.len() < slots {
            sites.resize(slots, [0.0; 2]);
        }
        threads.prepare();
        let (slot_forces, slot_sites) = (Disjoint::new(forces), Disjoint::new(sites));
        parallel::for_each_mut(tasks, |_, task| {
            let member = &members[task.member];
            let Some(list) = member.neighbours else {
                return;
            };
            let chunk = &list.chunks()[task.chunk];
            let (start, len) = (task.slots + chunk.base, chunk.atoms.len());
            let part = |wanted: bool| if wanted { (start, len) } else { (0, 0) };
            let ((fs, fl), (ss, sl)) = (part(want.forces), part(per_site));
            // SAFETY: chunks of one list have disjoint slots, and members have disjoint ranges of slots.
            let f = unsafe { slot_forces.range(fs, fl) };
            // SAFETY: as above.
            let s = unsafe { slot_sites.range(ss, sl) };
            let translations = &translations[task.translations..];
            let mut thread = threads.get();
            run_chunk(
                &self.0,
                request.cutoff,
                member.configuration,
                chunk,
                translations,
                want,
                gradients,
                &mut thread,
                task,
                f,
                s,
            );
        });
        for task in tasks.iter() {
            if let Some((i, j, distance)) = task.coincident {
                return Err(EvaluationError::Coincident {
                    member: task.member,
                    i: i as usize,
                    j: j as usize,
                    distance,
                });
            }
            let result = &mut results[task.member];
            result.energy += task.energy;
            result.closest = result.closest.min(task.closest2.sqrt());
            for (a, b) in result
                .virial
                .as_flattened_mut()
                .iter_mut()
                .zip(task.virial.as_flattened())
            {
                *a += b;
            }
        }
        let mut slots = 0;
        for (member, result) in members.iter().zip(results) {
            let Some(list) = member.neighbours else {
                continue;
            };
            gather(
                list,
                &forces[if want.forces { slots } else { 0 }..],
                &sites[if per_site { slots } else { 0 }..],
                want,
                result,
            );
            slots += list.slots();
            self.0.add_global(member.configuration, want, result);
        }
        Ok(())
    }
}

/// Adds the slots' forces and site numbers to the atoms, each atom's slots in chunk order.
fn gather(
    list: &NeighbourList,
    forces: &[[f64; 3]],
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
                let mut f = *out;
                for &s in list.slots_of(a) {
                    let g = forces[s as usize];
                    f = [f[0] + g[0], f[1] + g[1], f[2] + g[2]];
                }
                *out = f;
            }
        });
    }
    if want.site_energies {
        for (a, out) in result.site_energies.iter_mut().enumerate() {
            *out += list
                .slots_of(a)
                .iter()
                .map(|&s| sites[s as usize][0])
                .sum::<f64>();
        }
    }
    if want.reliability {
        for (a, out) in result.reliability.iter_mut().enumerate() {
            *out += list
                .slots_of(a)
                .iter()
                .map(|&s| sites[s as usize][1])
                .sum::<f64>();
        }
    }
}

/// Rows, model and scatter for one chunk, a block of centres at a time.
fn run_chunk<M: LocalModel>(
    model: &M,
    cutoff: f64,
    configuration: Configuration<'_>,
    chunk: &Chunk,
    translations: &[[f64; 3]],
    want: Want,
    gradients: bool,
    scratch: &mut BlockScratch<M::Scratch>,
    task: &mut Task,
    slot_forces: &mut [[f64; 3]],
    slot_sites: &mut [[f64; 2]],
) {
    slot_forces.fill([0.0; 3]);
    slot_sites.fill([0.0; 2]);
    scratch.place(configuration, chunk, translations);
    let block = model.block().max(1);
    for start in (0..chunk.own).step_by(block) {
        let centres = start..(start + block).min(chunk.own);
        let (closest2, coincident) = scratch.fill(chunk, centres.clone(), cutoff);
        task.closest2 = task.closest2.min(closest2);
        if let Some(pair) = coincident {
            task.coincident.get_or_insert(pair);
            return;
        }
        scratch.zero_results(centres.len(), want, gradients);
        let pairs = scratch.pairs();
        let s = &mut *scratch;
        let rows = Rows {
            centres: &s.local_elements[centres.clone()],
            first: &s.first,
            elements: &s.elements,
            x: &s.x[..pairs],
            y: &s.y[..pairs],
            z: &s.z[..pairs],
            r2: &s.r2[..pairs],
        };
        let mut results = RowResults {
            energy: &mut s.energy,
            gx: &mut s.gx,
            gy: &mut s.gy,
            gz: &mut s.gz,
            booked: &mut s.booked,
            reliability: &mut s.reliability,
        };
        model.evaluate(&rows, want, &mut s.model, &mut results);
        task.energy += s.energy.iter().sum::<f64>() + s.booked.iter().sum::<f64>();
        if gradients {
            scratch.scatter(centres.clone(), want, slot_forces, &mut task.virial);
        }
        let s = &*scratch;
        for (k, c) in centres.enumerate() {
            if want.site_energies {
                slot_sites[c][0] += s.energy[k];
            }
            if want.reliability {
                slot_sites[c][1] += s.reliability[k];
            }
        }
        for (target, e) in s.target[..s.booked.len()].iter().zip(&s.booked) {
            slot_sites[*target as usize][0] += e;
        }
    }
}

impl<S> BlockScratch<S> {
    /// Positions and elements of the chunk's local atoms.
    fn place(
        &mut self,
        configuration: Configuration<'_>,
        chunk: &Chunk,
        translations: &[[f64; 3]],
    ) {
        self.local.clear();
        self.local
            .extend(chunk.atoms.iter().zip(&chunk.image).map(|(&a, &i)| {
                let (x, t) = (
                    configuration.positions[a as usize],
                    translations[i as usize],
                );
                [x[0] + t[0], x[1] + t[1], x[2] + t[2], 0.0]
            }));
        self.local_elements.clear();
        self.local_elements.extend(
            chunk
                .atoms
                .iter()
                .map(|&a| configuration.elements[a as usize]),
        );
    }

    /// Fills the rows of some centres with the neighbours inside the cutoff. Returns the least squared distance, and a
    /// pair of atoms at one place, if any.
    fn fill(
        &mut self,
        chunk: &Chunk,
        centres: Range<usize>,
        cutoff: f64,
    ) -> (f64, Option<(u32, u32, f64)>) {
        let listed = (chunk.first[centres.end] - chunk.first[centres.start]) as usize;
        if self.target.len() < listed {
            for v in [&mut self.x, &mut self.y, &mut self.z, &mut self.r2] {
                v.resize(listed, 0.0);
            }
            self.target.resize(listed, 0);
        }
        let least = fill_rows(self, chunk, centres.clone(), cutoff * cutoff);
        self.elements.clear();
        self.elements.extend(
            self.target[..self.pairs()]
                .iter()
                .map(|&k| self.local_elements[k as usize]),
        );
        if least >= COINCIDENT2 {
            return (least, None);
        }
        let coincident = self.r2[..self.pairs()]
            .iter()
            .position(|r2| *r2 < COINCIDENT2)
            .map(|n| {
                let row = self
                    .first
                    .iter()
                    .rposition(|f| *f as usize <= n)
                    .unwrap_or(0);
                let (i, j) = (
                    chunk.atoms[centres.start + row],
                    chunk.atoms[self.target[n] as usize],
                );
                (i.min(j), i.max(j), self.r2[n].sqrt())
            });
        (least, coincident)
    }

    /// Number of neighbours in the rows at hand.
    fn pairs(&self) -> usize {
        self.first.last().map_or(0, |n| *n as usize)
    }

    fn zero_results(&mut self, centres: usize, want: Want, gradients: bool) {
        let pairs = self.pairs();
        let zero = |v: &mut Vec<f64>, n: usize| {
            v.clear();
            v.resize(n, 0.0);
        };
        zero(&mut self.energy, centres);
        zero(
            &mut self.reliability,
            if want.reliability { centres } else { 0 },
        );
        zero(&mut self.booked, if want.site_energies { pairs } else { 0 });
        for v in [&mut self.gx, &mut self.gy, &mut self.gz] {
            zero(v, if gradients { pairs } else { 0 });
        }
    }

    /// dE/dr of each neighbour to forces on both atoms and to the virial.
    fn scatter(
        &self,
        centres: Range<usize>,
        want: Want,
        forces: &mut [[f64; 3]],
        virial: &mut [[f64; 3]; 3],
    ) {
        let pairs = self.pairs();
        if want.forces {
            for (k, c) in centres.enumerate() {
                let row = self.first[k] as usize..self.first[k + 1] as usize;
                let g = self.gx[row.clone()]
                    .iter()
                    .zip(&self.gy[row.clone()])
                    .zip(&self.gz[row.clone()]);
                let mut own = [0.0; 3];
                for (((gx, gy), gz), target) in g.zip(&self.target[row]) {
                    let f = &mut forces[*target as usize];
                    *f = [f[0] - gx, f[1] - gy, f[2] - gz];
                    own = [own[0] + gx, own[1] + gy, own[2] + gz];
                }
                let f = &mut forces[c];
                *f = [f[0] + own[0], f[1] + own[1], f[2] + own[2]];
            }
        }
        if want.virial {
            let d = [&self.x[..pairs], &self.y[..pairs], &self.z[..pairs]];
            let g = [&self.gx, &self.gy, &self.gz];
            for a in 0..3 {
                for b in 0..3 {
                    virial[a][b] -= dot(d[a], g[b]);
                }
            }
        }
    }
}

/// Displacements of the neighbours inside the cutoff, packed; returns the least squared distance of all listed pairs.
#[inline]
fn fill_rows<S>(
    s: &mut BlockScratch<S>,
    chunk: &Chunk,
    centres: Range<usize>,
    cutoff2: f64,
) -> f64 {
    let BlockScratch {
        local,
        first,
        x,
        y,
        z,
        r2,
        target,
        ..
    } = s;
    let listed = (chunk.first[centres.end] - chunk.first[centres.start]) as usize;
    assert!([&x, &y, &z, &r2].iter().all(|v| v.len() >= listed) && target.len() >= listed);
    assert!(local.len() == chunk.atoms.len());
    first.clear();
    first.push(0);
    let mut n = 0;
    let mut least = f64::INFINITY;
    for c in centres {
        let o = local[c];
        for &k in &chunk.neighbours[chunk.first[c] as usize..chunk.first[c + 1] as usize] {
            // SAFETY: a row names local atoms of its chunk (`Finder::rows` numbers them), and there are as many positions
            // (asserted).
            let p = unsafe { local.get_unchecked(k as usize) };
            let (dx, dy, dz) = (p[0] - o[0], p[1] - o[1], p[2] - o[2]);
            let d2 = dx * dx + dy * dy + dz * dz;
            // Written always, kept only if inside: no branch to mispredict.
            // SAFETY: `n` counts at most the pairs visited before this one, fewer than `listed`, and the arrays are at least
            // that long (asserted).
            unsafe {
                *x.get_unchecked_mut(n) = dx;
                *y.get_unchecked_mut(n) = dy;
                *z.get_unchecked_mut(n) = dz;
                *r2.get_unchecked_mut(n) = d2;
                *target.get_unchecked_mut(n) = k;
            }
            n += usize::from(d2 < cutoff2);
            least = if d2 < least { d2 } else { least };
        }
        first.push(n as u32);
    }
    least
}

/// A scalar product in eight interleaved sums, so that it vectorises with a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a8.zip(b8) {
        for l in 0..8 {
            lanes[l] += a[l] * b[l];
        }
    }
    lanes.iter().sum::<f64>() + tail
}
