//! The contraction of the moments, compiled from the index lists of a file.
//!
//! Moments on which no scalar with a coefficient depends are left out. Scalars that are no operands of others never
//! get a place: their products, coefficient and multiplicity in one factor, go straight into the energy, and equal products
//! are merged. What remains is sorted so that operands come before products, and products of one moment stand
//! together by multiplicity, which is then applied once to their sum. The reverse sweep uses the same lists.

use super::file::MtpFile;
use super::graph;
use super::lattice::Lattice;
use crate::error::Result;
use crate::simd::F64x8;

/// The contraction of a model's moments.
pub(super) struct Schedule {
    pub lattice: Lattice,
    /// Number of moments: those of the lattice, then the products.
    pub moments: usize,
    /// Sums of products with one target and one factor, targets rising.
    segments: Vec<Segment>,
    pairs: Vec<[u32; 2]>,
    /// Moments with a coefficient.
    seeds: Vec<(u32, f64)>,
    /// Products that go straight into the energy.
    last: Vec<([u32; 2], f64)>,
    /// Place of the moment of each scalar; `None` where it has none. Complete when compiled with [`Keep::AllScalars`].
    pub scalars: Vec<Option<u32>>,
}

#[derive(Clone, Copy)]
struct Segment {
    target: u32,
    /// One past its last pair; the first is the end of the segment before.
    end: u32,
    factor: f64,
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
            segments: Vec::new(),
            pairs: Vec::new(),
            seeds: Vec::new(),
            last: Vec::new(),
            scalars: Vec::new(),
        };
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
                schedule.pairs.extend(group.iter().map(|g| g.1));
                schedule.segments.push(Segment {
                    target,
                    end: schedule.pairs.len() as u32,
                    factor: f64::from(group[0].0),
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
        Ok(schedule)
    }

    /// Number of products that are evaluated.
    pub fn products(&self) -> usize {
        self.pairs.len() + self.last.len()
    }

    /// From the summed moments of eight centres to all moments.
    #[inline(always)]
    pub fn forward<const FMA: bool>(&self, m: &mut [F64x8]) {
        assert!(m.len() >= self.moments);
        for d in &self.lattice.derived {
            let [t, a, b, c] = d.map(|i| i as usize);
            m[t] = m[a] + m[b] + m[c];
        }
        m[self.lattice.len..self.moments].fill(F64x8::ZERO);
        let mut start = 0;
        for s in &self.segments {
            let mut sum = F64x8::ZERO;
            for &[a, b] in &self.pairs[start..s.end as usize] {
                // SAFETY: all places are below `moments`, which was checked.
                let (a, b) = unsafe { (m.get_unchecked(a as usize), m.get_unchecked(b as usize)) };
                sum = a.mul_add::<FMA>(*b, sum);
            }
            start = s.end as usize;
            let t = &mut m[s.target as usize];
            *t = sum.mul_add::<FMA>(F64x8::splat(s.factor), *t);
        }
    }

    /// Energies of eight centres without their species' share.
    #[inline(always)]
    pub fn energy<const FMA: bool>(&self, m: &[F64x8]) -> F64x8 {
        let mut energy = F64x8::ZERO;
        for (i, c) in &self.seeds {
            energy = F64x8::splat(*c).mul_add::<FMA>(m[*i as usize], energy);
        }
        for ([a, b], c) in &self.last {
            let product = m[*a as usize] * m[*b as usize];
            energy = F64x8::splat(*c).mul_add::<FMA>(product, energy);
        }
        energy
    }

    /// From all moments to dE/dM of the summed moments, in the first places of `w`.
    #[inline(always)]
    pub fn backward<const FMA: bool>(&self, m: &[F64x8], w: &mut [F64x8]) {
        assert!(m.len() >= self.moments && w.len() >= self.moments);
        w[..self.moments].fill(F64x8::ZERO);
        for (i, c) in &self.seeds {
            let w = &mut w[*i as usize];
            *w = *w + F64x8::splat(*c);
        }
        for ([a, b], c) in &self.last {
            // SAFETY: all places are below `moments`, which was checked.
            unsafe { add_product::<FMA>(m, w, *a, *b, F64x8::splat(*c)) };
        }
        let mut end = self.pairs.len();
        for (k, s) in self.segments.iter().enumerate().rev() {
            let start = k
                .checked_sub(1)
                .map_or(0, |k| self.segments[k].end as usize);
            let t = w[s.target as usize] * F64x8::splat(s.factor);
            for &[a, b] in &self.pairs[start..end] {
                // SAFETY: as above.
                unsafe { add_product::<FMA>(m, w, a, b, t) };
            }
            end = start;
        }
        for d in self.lattice.derived.iter().rev() {
            let [t, sources @ ..] = d.map(|i| i as usize);
            for s in sources {
                w[s] = w[s] + w[t];
            }
        }
    }
}

/// The share of a product M[a]·M[b] in dE/dM of its operands, t being dE/d(product).
///
/// # Safety
/// `a` and `b` must be indices of both `m` and `w`.
#[inline(always)]
unsafe fn add_product<const FMA: bool>(m: &[F64x8], w: &mut [F64x8], a: u32, b: u32, t: F64x8) {
    let (a, b) = (a as usize, b as usize);
    // SAFETY: the caller's promise.
    unsafe {
        *w.get_unchecked_mut(a) = t.mul_add::<FMA>(*m.get_unchecked(b), *w.get_unchecked(a));
        *w.get_unchecked_mut(b) = t.mul_add::<FMA>(*m.get_unchecked(a), *w.get_unchecked(b));
    }
}
