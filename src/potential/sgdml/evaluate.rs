//! From positions to energies and forces: descriptors, kernel sums for all molecules of all members, and the way back.
//!
//! The work is cut into groups of geometries and chunks of training points, both by rules that know nothing of threads. Each
//! piece leaves its sums in its own place; they are added in the order of the chunks.

use super::Model;
use super::descriptor::Pairs;
use super::kernel::{Factors, LANES, Sums, Table, total};
use crate::parallel::{self, Disjoint, PerThread};
use crate::potential::{Evaluation, EvaluationError, Member, Want};
use crate::simd::{F64x8, simd_dispatch};
use crate::system::{Cell, Configuration};

/// Products of training points, permutations and pairs that make a piece of work worth a thread (some 20 µs).
const PIECE: usize = 1 << 17;
/// Queries that should share a training point while it is in the cache.
const SHARING: usize = 12;
/// Most geometries in a group.
const MOST_GROUPED: usize = 8;

/// Which atoms of a configuration are the atoms of the model.
#[derive(Clone, Copy)]
pub(super) enum Atoms<'a> {
    /// All of them, in the order of the model.
    All,
    /// Those of one or more molecules.
    Of(&'a Molecules),
}

/// The molecules of a system.
#[derive(Clone, Debug, Default)]
pub(super) struct Molecules {
    /// Atoms of the system, molecule by molecule, each in the order of the model.
    pub atoms: Vec<u32>,
    /// For each atom of a molecule in the order in which it is unwrapped: atom, and the bonded one before it (model order).
    pub tree: Vec<(u32, u32)>,
}

impl Atoms<'_> {
    pub fn copies(&self, n: usize) -> usize {
        match self {
            Atoms::All => 1,
            Atoms::Of(m) => m.atoms.len() / n,
        }
    }

    pub fn atom(&self, i: usize) -> usize {
        match self {
            Atoms::All => i,
            Atoms::Of(m) => m.atoms[i] as usize,
        }
    }
}

/// Scratch memory.
#[derive(Default)]
pub(super) struct Scratch {
    /// The pairs of each geometry.
    pairs: Vec<Pairs>,
    /// For each geometry and chunk: energy, smallest squared distance, derivative by the descriptor.
    partial: Vec<f64>,
    threads: PerThread<Local>,
    positions: Vec<[f64; 3]>,
    /// What went wrong in each member.
    failed: Vec<Option<EvaluationError>>,
}

/// What a thread needs.
#[derive(Default)]
struct Local {
    queries: Vec<f64>,
    sums: Vec<Sums>,
    derivative: Vec<F64x8>,
    factors: Vec<Factors>,
    lanes: Vec<F64x8>,
    positions: Vec<[f64; 3]>,
}

simd_dispatch! {
    fn compute_pairs(pairs: &mut Pairs, positions: &[[f64; 3]], cell: Option<&Cell>) = compute_pairs_body;
}

#[inline(always)]
fn compute_pairs_body<const FMA: bool>(
    pairs: &mut Pairs,
    positions: &[[f64; 3]],
    cell: Option<&Cell>,
) {
    pairs.compute(positions, cell);
}

/// Makes a molecule whole that the boundary of the cell cuts: each atom goes to the image nearest to the one before it.
pub(super) fn unwrap(positions: &mut [[f64; 3]], tree: &[(u32, u32)], cell: &Cell) {
    let periodic = cell.periodic();
    if periodic == [false; 3] {
        return;
    }
    for &(i, before) in tree {
        let (x, y) = (positions[i as usize], positions[before as usize]);
        let v = std::array::from_fn(|a| x[a] - y[a]);
        let mut s = cell.fractional(v).map(f64::round_ties_even);
        (0..3).filter(|k| !periodic[*k]).for_each(|k| s[k] = 0.0);
        if s != [0.0; 3] {
            let t = cell.cartesian(s);
            positions[i as usize] = std::array::from_fn(|a| x[a] - t[a]);
        }
    }
}

impl Model {
    /// Distance of one geometry (Å), atoms in the order of the model, to the training set, in units of the spacing of that.
    pub fn relative_distance(&self, positions: &[[f64; 3]], cell: &Cell) -> f64 {
        let mut pairs = [Pairs::default()];
        compute_pairs(&mut pairs[0], positions, self.periodic.then_some(cell));
        if self.length != 1.0 {
            pairs[0].rescale(self.length);
        }
        let mut local = Local::default();
        local.sum(self, &pairs, 0..self.table.vectors(), false);
        let nearest = local
            .sums
            .iter()
            .map(Sums::nearest)
            .fold(f64::INFINITY, f64::min);
        nearest.sqrt() / self.spacing
    }

    /// Cost of one geometry in products.
    fn cost(&self) -> usize {
        self.table.vectors() * LANES * self.table.products(self.permuted.len())
    }

    /// Vectors of training points in a chunk.
    fn chunk(&self) -> usize {
        let each = LANES * self.table.products(self.permuted.len());
        (PIECE / each.max(1)).max(4)
    }

    /// Geometries in a group.
    fn group(&self) -> usize {
        let sharing = SHARING.div_ceil(self.permuted.len());
        let worth = PIECE.div_ceil(self.cost().max(1));
        sharing.max(worth).min(MOST_GROUPED)
    }

    pub fn evaluate(
        &self,
        atoms: Atoms<'_>,
        members: &[Member<'_>],
        want: Want,
        scratch: &mut Scratch,
        results: &mut [Evaluation],
    ) -> Result<(), EvaluationError> {
        let n = self.elements.len();
        let copies = atoms.copies(n);
        let fits = |m: &Member<'_>| self.fits(atoms, m.configuration);
        if let Some(member) = members.iter().position(|m| !fits(m)) {
            return Err(EvaluationError::OtherAtoms { member });
        }
        let derivative = want.forces || want.virial;
        let mut failed = std::mem::take(&mut scratch.failed);
        failed.clear();
        failed.resize(members.len(), None);
        let (places, verdicts) = (Disjoint::new(results), Disjoint::new(&mut failed));
        let begin = |geometry: usize, positions: &mut Vec<[f64; 3]>, pairs: &mut Pairs| {
            let configuration = members[geometry / copies].configuration;
            self.pairs(atoms, geometry % copies, configuration, positions, pairs);
        };
        let finish = |geometry: usize, pairs: &Pairs, sums: &mut [f64]| {
            let (m, copy) = (geometry / copies, geometry % copies);
            // SAFETY: `sum` finishes the geometries of one member one after the other.
            let (result, failed) = unsafe { (places.range(m, 1), verdicts.range(m, 1)) };
            let ([result], [failed]) = (result, failed) else {
                return;
            };
            match self.check(atoms, copy, m, pairs, result) {
                Ok(()) => self.finish(atoms, copy, pairs, sums, want, result),
                Err(e) => *failed = failed.or(Some(e)),
            }
        };
        self.sum(scratch, members.len(), copies, derivative, &begin, &finish);
        let first = failed.iter().copied().flatten().next();
        scratch.failed = failed;
        first.map_or(Ok(()), Err)
    }

    /// Adds what follows from the sums of a geometry to its member: energy, smallest squared distance, derivative.
    fn finish(
        &self,
        atoms: Atoms<'_>,
        copy: usize,
        pairs: &Pairs,
        sums: &mut [f64],
        want: Want,
        result: &mut Evaluation,
    ) {
        let [energy, nearest, derivative @ ..] = sums else {
            return;
        };
        *energy += self.undecayed.add(&pairs.d, derivative);
        result.energy += self.constant + self.scale * *energy;
        if want.forces || want.virial {
            self.forces(atoms, copy, pairs, derivative, want, result);
        }
        if want.reliability {
            let n = self.elements.len();
            let distance = nearest.sqrt() / self.length;
            for i in n * copy..n * (copy + 1) {
                result.reliability[atoms.atom(i)] += distance;
            }
        }
    }

    /// Whether the configuration can be the one that the model was made for.
    pub fn fits(&self, atoms: Atoms<'_>, c: Configuration<'_>) -> bool {
        match atoms {
            Atoms::All => c.elements == self.elements,
            Atoms::Of(m) => m.atoms.len() == c.positions.len(),
        }
    }

    /// Vectors and descriptor of one molecule.
    pub fn pairs(
        &self,
        atoms: Atoms<'_>,
        copy: usize,
        c: Configuration<'_>,
        positions: &mut Vec<[f64; 3]>,
        pairs: &mut Pairs,
    ) {
        let n = self.elements.len();
        let found = match atoms {
            Atoms::All => c.positions,
            Atoms::Of(molecules) => {
                let own = &molecules.atoms[copy * n..(copy + 1) * n];
                positions.clear();
                positions.extend(own.iter().map(|a| c.positions[*a as usize]));
                if !self.periodic {
                    unwrap(positions, &molecules.tree, c.cell);
                }
                positions
            }
        };
        compute_pairs(pairs, found, self.periodic.then_some(c.cell));
        if self.length != 1.0 {
            pairs.rescale(self.length);
        }
    }

    /// Notes the closest pair, and refuses atoms at the same place.
    pub fn check(
        &self,
        atoms: Atoms<'_>,
        copy: usize,
        member: usize,
        pairs: &Pairs,
        result: &mut Evaluation,
    ) -> Result<(), EvaluationError> {
        let closest = pairs.closest();
        let finite = pairs.d.iter().all(|d| d.is_finite());
        let distance = self.length / closest;
        if finite && distance > 1e-6 {
            result.closest = result.closest.min(distance);
            return Ok(());
        }
        let n = self.elements.len();
        let place = |k: usize| {
            let i = (1..n)
                .take_while(|i| i * (i - 1) / 2 <= k)
                .last()
                .unwrap_or(1);
            let j = k - i * (i - 1) / 2;
            (atoms.atom(copy * n + i), atoms.atom(copy * n + j))
        };
        if let Some(k) = pairs.d.iter().position(|d| d.is_nan()) {
            let atom = Some(place(k).0);
            return Err(EvaluationError::NotFinite { member, atom });
        }
        let k = pairs.d.iter().position(|d| *d == closest).unwrap_or(0);
        let (i, j) = place(k);
        Err(EvaluationError::Coincident {
            member,
            i,
            j,
            distance,
        })
    }

    /// Takes the sums of all geometries (`copies` in each member): for each of them `begin` makes its pairs, and `finish` gets
    /// them with energy, smallest squared distance and derivative. Geometries of one member are finished one after the other.
    pub fn sum(
        &self,
        scratch: &mut Scratch,
        members: usize,
        copies: usize,
        derivative: bool,
        begin: &(impl Fn(usize, &mut Vec<[f64; 3]>, &mut Pairs) + Sync),
        finish: &(impl Fn(usize, &Pairs, &mut [f64]) + Sync),
    ) {
        let d = self.table.pairs;
        let width = 2 + if derivative { d } else { 0 };
        let geometries = members * copies;
        let (group, chunk) = (self.group(), self.chunk());
        let groups = geometries.div_ceil(group);
        let chunks = self.table.vectors().div_ceil(chunk);
        // A piece that has all training points begins with the pairs, and where members have one geometry each it ends with
        // their results.
        let (begins, finishes) = (chunks == 1, chunks == 1 && copies == 1);
        scratch.partial.resize(geometries * chunks * width, 0.0);
        scratch.threads.prepare();
        let Scratch {
            pairs,
            partial,
            threads,
            positions,
            ..
        } = scratch;
        pairs.resize_with(geometries.max(pairs.len()), Pairs::default);
        if !begins {
            let all = pairs[..geometries].iter_mut().enumerate();
            all.for_each(|(geometry, pairs)| begin(geometry, positions, pairs));
        }
        let to_begin = Disjoint::new(&mut pairs[..geometries]);
        let begun: &[Pairs] = if begins { &[] } else { &pairs[..geometries] };
        let sums = Disjoint::new(partial);
        parallel::for_each(groups * chunks, |piece| {
            let (g, c) = (piece / chunks, piece % chunks);
            let members = g * group..((g + 1) * group).min(geometries);
            let vectors = c * chunk..((c + 1) * chunk).min(self.table.vectors());
            let mut local = threads.get();
            let pairs: &[Pairs] = if begins {
                // SAFETY: with a single chunk each geometry is met by one piece only.
                let own = unsafe { to_begin.range(members.start, members.len()) };
                for (geometry, pairs) in members.clone().zip(own.iter_mut()) {
                    begin(geometry, &mut local.positions, pairs);
                }
                own
            } else {
                &begun[members.clone()]
            };
            local.sum(self, pairs, vectors, derivative);
            for (i, geometry) in members.enumerate() {
                // SAFETY: each geometry and chunk is met by one piece only, and has its own stretch.
                let out = unsafe { sums.range((geometry * chunks + c) * width, width) };
                local.put_back(self, i, &pairs[i], derivative, out);
                if finishes {
                    finish(geometry, &pairs[i], out);
                }
            }
        });
        if finishes {
            return;
        }
        for (geometry, pairs) in pairs[..geometries].iter().enumerate() {
            let own = &mut partial[geometry * chunks * width..(geometry + 1) * chunks * width];
            let (sum, others) = own.split_at_mut(width);
            for other in others.chunks_exact(width) {
                sum[0] += other[0];
                sum[1] = sum[1].min(other[1]);
                sum[2..]
                    .iter_mut()
                    .zip(&other[2..])
                    .for_each(|(s, o)| *s += o);
            }
            finish(geometry, pairs, sum);
        }
    }

    /// Adds forces and virial of one molecule, from the derivative by its descriptor.
    fn forces(
        &self,
        atoms: Atoms<'_>,
        copy: usize,
        pairs: &Pairs,
        derivative: &[f64],
        want: Want,
        result: &mut Evaluation,
    ) {
        let n = self.elements.len();
        let scale = self.scale / self.length;
        let mut w = [[0.0; 3]; 3];
        let mut k = 0;
        for i in 1..n {
            let mut total = [0.0; 3];
            for j in 0..i {
                let d = pairs.d[k];
                let f = scale * derivative[k] * d * d * d;
                let v = [pairs.v[0][k], pairs.v[1][k], pairs.v[2][k]];
                let force = v.map(|v| f * v);
                for a in 0..3 {
                    total[a] += force[a];
                }
                if want.forces {
                    let other = &mut result.forces[atoms.atom(copy * n + j)];
                    for a in 0..3 {
                        other[a] += force[a];
                    }
                }
                if want.virial {
                    for a in 0..3 {
                        for b in 0..3 {
                            w[a][b] -= force[a] * v[b];
                        }
                    }
                }
                k += 1;
            }
            if want.forces {
                let own = &mut result.forces[atoms.atom(copy * n + i)];
                for a in 0..3 {
                    own[a] -= total[a];
                }
            }
        }
        for a in 0..3 {
            for b in 0..3 {
                result.virial[a][b] += self.length * w[a][b];
            }
        }
    }
}

impl Local {
    /// Sums over a range of vectors of training points for the permuted descriptors of some geometries.
    fn sum(
        &mut self,
        model: &Model,
        geometries: &[Pairs],
        vectors: std::ops::Range<usize>,
        derivative: bool,
    ) {
        let d = model.table.pairs;
        let count = geometries.len() * model.permuted.len();
        self.queries.resize(count * d, 0.0);
        let mut queries = self.queries.chunks_exact_mut(d);
        for pairs in geometries {
            for permuted in &model.permuted {
                let Some(query) = queries.next() else {
                    continue;
                };
                for (k, to) in permuted.iter().enumerate() {
                    query[*to as usize] = pairs.d[k];
                }
                query
                    .iter_mut()
                    .zip(&model.table.centre)
                    .for_each(|(q, c)| *q -= c);
            }
        }
        self.sums.clear();
        self.sums.resize(count, Sums::default());
        self.derivative.clear();
        self.derivative
            .resize(if derivative { count * d } else { 0 }, F64x8::ZERO);
        model.table.add(
            vectors,
            model.permuted.len(),
            &self.queries,
            &mut self.sums,
            &mut self.derivative,
            &mut self.factors,
        );
    }

    /// Energy, smallest squared distance and derivative of geometry `i` of the group.
    fn put_back(
        &mut self,
        model: &Model,
        i: usize,
        pairs: &Pairs,
        derivative: bool,
        out: &mut [f64],
    ) {
        let d = model.table.pairs;
        let s = model.permuted.len();
        out.fill(0.0);
        let own = &self.sums[i * s..(i + 1) * s];
        out[0] = own.iter().map(Sums::energy).sum();
        out[1] = own.iter().map(Sums::nearest).fold(f64::INFINITY, f64::min);
        if derivative {
            self.lanes.clear();
            self.lanes.resize(d, F64x8::ZERO);
            let lanes = &self.derivative[i * s * d..(i + 1) * s * d];
            unpermute(&model.permuted, lanes, &mut self.lanes);
            let f = &mut out[2..];
            f.iter_mut()
                .zip(&self.lanes)
                .for_each(|(f, l)| *f = -total(l));
            for (sums, permuted) in own.iter().zip(&model.permuted) {
                let factor = sums.factor();
                for ((f, to), x) in f.iter_mut().zip(permuted).zip(&pairs.d) {
                    *f += factor * (x - model.table.centre[*to as usize]);
                }
            }
        }
    }
}

simd_dispatch! {
    fn unpermute(permuted: &[Vec<u32>], lanes: &[F64x8], out: &mut [F64x8]) = unpermute_body;
}

/// Adds up the derivatives by permuted descriptors, each in its own place.
#[inline(always)]
fn unpermute_body<const FMA: bool>(permuted: &[Vec<u32>], lanes: &[F64x8], out: &mut [F64x8]) {
    let d = out.len();
    for (permutation, lanes) in permuted.iter().zip(lanes.chunks_exact(d)) {
        for (o, to) in out.iter_mut().zip(permutation) {
            *o = *o + lanes[*to as usize];
        }
    }
}

/// Products that looking for the spacing of a training set may cost, a second or so; of larger sets it looks at fewer geometries.
const MOST_LOOKED_AT: usize = 1 << 31;

/// The largest distance from a training geometry to the nearest other one, permutations included; that of a model with a single
/// geometry is its kernel width.
pub(super) fn spacing(descriptors: &[f64], table: &Table, permuted: &[Vec<u32>]) -> f64 {
    let d = table.pairs;
    let each = descriptors.len().saturating_mul(permuted.len());
    let points = descriptors.len() / d;
    let stride = points.div_ceil((MOST_LOOKED_AT / each.max(1)).max(1));
    let mut query = vec![0.0; d];
    let mut largest = 0.0f64;
    for (m, x) in descriptors.chunks_exact(d).enumerate().step_by(stride) {
        let mut least = f64::INFINITY;
        for permutation in permuted {
            for (k, to) in permutation.iter().enumerate() {
                query[*to as usize] = x[k] - table.centre[*to as usize];
            }
            least = least.min(table.nearest(&query, m));
        }
        if least.is_finite() {
            largest = largest.max(least.sqrt());
        }
    }
    if largest > 0.0 { largest } else { 1.0 }
}
