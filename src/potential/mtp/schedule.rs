//! The contraction of the moments, compiled from the index lists of a file.
//!
//! Moments on which no scalar with a coefficient depends are left out. Scalars that are no operands of others never
//! get a place: their products, coefficient and multiplicity in one factor, go straight into the energy, and equal products
//! are merged. What remains is sorted so that operands come before products, and products of one moment stand
//! together by multiplicity, which is then applied once to their sum.
//!
//! The reverse sweep is compiled too: dE/dM of a moment is a sum over the products in which it is an operand, of dE/d(product)
//! times the other operand, so that it has the same form as the way forward, reads twice as much, and writes each number once.

use super::file::MtpFile;
use super::graph;
use super::lattice::Lattice;
use super::program::{Program, Sum};
use crate::error::Result;
use crate::simd::F64x8;

/// The contraction of a model's moments. Its memory holds all moments, then dE/dM of all moments.
pub(super) struct Schedule {
    pub lattice: Lattice,
    /// Number of moments: those of the lattice, then the products.
    pub moments: usize,
    forward: Program,
    backward: Program,
    /// Moments with a coefficient.
    seeds: Vec<(u32, f64)>,
    /// Products that go straight into the energy.
    last: Vec<([u32; 2], f64)>,
    /// dE/dM as far as it follows from these two alone, of the moments where there is anything or nothing follows.
    starts: Vec<Start>,
    terms: Vec<(u32, f64)>,
    /// Place of the moment of each scalar; `None` where it has none. Complete when compiled with [`Keep::AllScalars`].
    pub scalars: Vec<Option<u32>>,
}

/// Sizes of the lists of a schedule: products and sums of both programs, and what has a list of its own.
pub(super) struct Counts {
    pub forward: [f64; 2],
    pub backward: [f64; 2],
    pub seeds: f64,
    pub last: f64,
    pub terms: f64,
}

/// dE/dM = constant + Σ c·M, over the terms from the end of the start before to its own.
struct Start {
    moment: u32,
    constant: f64,
    end: u32,
}

/// What a schedule must be able to tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Only the energy.
    Energy,
    /// The value of every scalar too, also of those without a coefficient.
    AllScalars,
}

impl Schedule {
    /// Compiles the lists of a file for the given coefficients of its scalars.
    pub fn new(file: &MtpFile, coefficients: &[f64], keep: Keep) -> Result<Schedule> {
        let order = graph::order(file)?;
        let (first, by_target) = graph::by_target(file);
        let products = |i: usize| {
            by_target[first[i] as usize..first[i + 1] as usize]
                .iter()
                .map(|k| &file.products[*k as usize])
                .filter(|p| p.factor != 0)
        };
        let mut coefficient = vec![0.0; file.moments];
        let mut needed = vec![false; file.moments];
        for (i, c) in file.scalars.iter().zip(coefficients) {
            coefficient[*i as usize] = *c;
            needed[*i as usize] = *c != 0.0 || keep == Keep::AllScalars;
        }
        let mut operand = vec![false; file.moments];
        for &i in order.iter().rev() {
            if needed[i as usize] {
                for p in products(i as usize) {
                    for k in [p.a, p.b] {
                        needed[k as usize] = true;
                        operand[k as usize] = true;
                    }
                }
            }
        }
        let basic = file.basic.len();
        let lattice = Lattice::new(&file.basic, &needed[..basic], file.functions);
        let mut place: Vec<Option<u32>> = lattice.places.clone();
        place.resize(file.moments, None);
        let mut moments = lattice.len;
        let mut schedule = Schedule {
            lattice,
            moments,
            forward: Program::default(),
            backward: Program::default(),
            seeds: Vec::new(),
            last: Vec::new(),
            starts: Vec::new(),
            terms: Vec::new(),
            scalars: Vec::new(),
        };
        let mut sums = Vec::new();
        let places = |place: &[Option<u32>], p: &super::file::Product| {
            let of = |k: u32| place[k as usize].unwrap_or(0);
            let (a, b) = (of(p.a), of(p.b));
            [a.min(b), a.max(b)]
        };
        let mut last = Vec::new();
        for &i in &order {
            let i = i as usize;
            if !needed[i] {
                continue;
            }
            if !operand[i] && keep == Keep::Energy {
                for p in products(i) {
                    last.push((places(&place, p), coefficient[i] * f64::from(p.factor)));
                }
                continue;
            }
            let target = moments as u32;
            moments += 1;
            let mut list: Vec<(i32, [u32; 2])> =
                products(i).map(|p| (p.factor, places(&place, p))).collect();
            list.sort_unstable();
            for group in list.chunk_by(|a, b| a.0 == b.0) {
                sums.push(Sum {
                    target,
                    factor: f64::from(group[0].0),
                    pairs: group.iter().map(|g| g.1).collect(),
                });
            }
            if list.is_empty() {
                // A moment without products is zero.
                sums.push(Sum {
                    target,
                    factor: 0.0,
                    pairs: Vec::new(),
                });
            }
            place[i] = Some(target);
        }
        last.sort_by_key(|l: &([u32; 2], f64)| l.0);
        for group in last.chunk_by(|a, b| a.0 == b.0) {
            let factor = group.iter().map(|g| g.1).sum();
            schedule.last.push((group[0].0, factor));
        }
        schedule.seeds = file
            .scalars
            .iter()
            .filter_map(|i| Some((place[*i as usize]?, coefficient[*i as usize])))
            .collect();
        schedule.scalars = file.scalars.iter().map(|i| place[*i as usize]).collect();
        schedule.moments = moments;
        let back = reverse(&sums, moments);
        schedule.collect_terms(&back);
        let mut started = vec![false; 2 * moments];
        for start in &schedule.starts {
            started[moments + start.moment as usize] = true;
        }
        schedule.backward = Program::new(back, 2 * moments, |target| started[target as usize]);
        schedule.forward = Program::new(sums, moments, |_| false);
        Ok(schedule)
    }

    /// The derivatives of the seeds and last products, moment by moment, and zeros where `back` sets nothing.
    fn collect_terms(&mut self, back: &[Sum]) {
        let mut of = vec![(0.0, Vec::new(), true); self.moments];
        for (i, c) in &self.seeds {
            of[*i as usize].0 += c;
        }
        for ([a, b], c) in &self.last {
            of[*a as usize].1.push((*b, *c));
            of[*b as usize].1.push((*a, *c));
        }
        for sum in back {
            of[sum.target as usize - self.moments].2 = false;
        }
        for (moment, (constant, terms, nothing)) in of.into_iter().enumerate() {
            if constant != 0.0 || !terms.is_empty() || nothing {
                self.terms.extend(terms);
                self.starts.push(Start {
                    moment: moment as u32,
                    constant,
                    end: self.terms.len() as u32,
                });
            }
        }
    }

    /// Number of products that are evaluated.
    pub fn products(&self) -> usize {
        self.forward.products() + self.last.len()
    }

    /// Sizes of the lists.
    pub fn counts(&self) -> Counts {
        let of = |p: &Program| [p.products(), p.sums()].map(|n| n as f64);
        Counts {
            forward: of(&self.forward),
            backward: of(&self.backward),
            seeds: self.seeds.len() as f64,
            last: self.last.len() as f64,
            terms: self.terms.len() as f64,
        }
    }

    /// Numbers a call needs in its memory.
    pub fn memory(&self) -> usize {
        2 * self.moments
    }

    /// dE/dM of the moments, in a memory after [`backward`](Self::backward).
    pub fn weights<'a>(&self, memory: &'a [F64x8]) -> &'a [F64x8] {
        &memory[self.moments..2 * self.moments]
    }

    /// From the summed moments of eight centres to all moments.
    #[inline(always)]
    pub fn forward<const FMA: bool>(&self, m: &mut [F64x8]) {
        for d in &self.lattice.derived {
            let [t, a, b, c] = d.map(|i| i as usize);
            m[t] = m[a] + m[b] + m[c];
        }
        self.forward.run::<FMA>(m);
    }

    /// Energies of eight centres without their species' share.
    #[inline(always)]
    pub fn energy<const FMA: bool>(&self, m: &[F64x8]) -> F64x8 {
        // Several sums side by side: each addition would wait for the one before.
        let mut sums = [F64x8::ZERO; 4];
        for seeds in self.seeds.chunks(4) {
            for ((i, c), sum) in seeds.iter().zip(&mut sums) {
                *sum = F64x8::splat(*c).mul_add::<FMA>(m[*i as usize], *sum);
            }
        }
        for last in self.last.chunks(4) {
            for (([a, b], c), sum) in last.iter().zip(&mut sums) {
                let product = m[*a as usize] * m[*b as usize];
                *sum = F64x8::splat(*c).mul_add::<FMA>(product, *sum);
            }
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    }

    /// From all moments to dE/dM, of which those of the summed moments are then complete.
    #[inline(always)]
    pub fn backward<const FMA: bool>(&self, memory: &mut [F64x8]) {
        let (m, w) = memory[..2 * self.moments].split_at_mut(self.moments);
        let mut start = 0;
        for s in &self.starts {
            let mut sum = F64x8::splat(s.constant);
            for (b, c) in &self.terms[start..s.end as usize] {
                sum = F64x8::splat(*c).mul_add::<FMA>(m[*b as usize], sum);
            }
            start = s.end as usize;
            w[s.moment as usize] = sum;
        }
        self.backward.run::<FMA>(memory);
        let w = &mut memory[self.moments..];
        for d in self.lattice.derived.iter().rev() {
            let [t, sources @ ..] = d.map(|i| i as usize);
            for s in sources {
                w[s] = w[s] + w[t];
            }
        }
    }
}

/// The sums of the reverse sweep: dE/dM of each operand, last moments first.
fn reverse(sums: &[Sum], moments: usize) -> Vec<Sum> {
    let weight = |i: u32| i + moments as u32;
    // Of each moment: the factors, products and other operands of its uses.
    let mut uses: Vec<Vec<(f64, [u32; 2])>> = vec![Vec::new(); moments];
    for sum in sums {
        let t = weight(sum.target);
        for &[a, b] in &sum.pairs {
            if a == b {
                uses[a as usize].push((2.0 * sum.factor, [t, a]));
            } else {
                uses[a as usize].push((sum.factor, [t, b]));
                uses[b as usize].push((sum.factor, [t, a]));
            }
        }
    }
    let mut back = Vec::new();
    for (i, mut uses) in uses.into_iter().enumerate().rev() {
        uses.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for group in uses.chunk_by(|a, b| a.0 == b.0) {
            back.push(Sum {
                target: weight(i as u32),
                factor: group[0].0,
                pairs: group.iter().map(|g| g.1).collect(),
            });
        }
    }
    back
}
