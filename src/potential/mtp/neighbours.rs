//! The neighbours of eight centres, four side by side: unit vectors, inverse distances, radial functions.

use super::radial::Radial;
use crate::potential::Rows;
use crate::simd::F64x4;

/// Marks a place that no neighbour fills.
pub(super) const NOBODY: u32 = u32::MAX;
/// Marks an element the model does not know.
pub(super) const UNKNOWN: u8 = u8::MAX;

/// The neighbours of a group of centres. A record holds four neighbours: u_x, u_y, u_z, 1/r, then f_mu, then f_mu'.
#[derive(Default)]
pub(super) struct Neighbourhoods {
    /// First record of each centre, and the end of the last.
    pub first: Vec<usize>,
    /// Number in the rows of each neighbour, four for each record.
    pub who: Vec<[u32; 4]>,
    /// Species of each neighbour.
    pub species: Vec<[u8; 4]>,
    records: Vec<F64x4>,
    stride: usize,
    /// The neighbours of one centre on their way, by species.
    order: Vec<u32>,
    /// Species of the neighbours in the row of one centre; [`UNKNOWN`] for those that do not count.
    kinds: Vec<u8>,
    /// Number of species.
    count: u8,
    polynomials: Vec<F64x4>,
}

/// Where the parts of a record stand.
pub(super) const INVERSE: usize = 3;
pub(super) const VALUES: usize = 4;

impl Neighbourhoods {
    pub fn clear(&mut self, radial: &Radial, species: usize) {
        self.count = species as u8;
        self.first.clear();
        self.first.push(0);
        self.who.clear();
        self.species.clear();
        self.records.clear();
        self.stride = VALUES + 2 * radial.functions;
        self.polynomials.resize(radial.size, F64x4::ZERO);
    }

    /// The records of centre `c` and the length of one.
    pub fn of(&self, c: usize) -> (&[F64x4], usize) {
        let range = self.first[c] * self.stride..self.first[c + 1] * self.stride;
        (&self.records[range], self.stride)
    }

    /// Adds the neighbours of one centre that are inside the cutoff and of known species, sorted by species.
    #[inline(always)]
    pub fn push<const FMA: bool>(
        &mut self,
        radial: &Radial,
        kinds: &[u8; 119],
        rows: &Rows<'_>,
        c: usize,
    ) {
        let centre = kinds[usize::from(rows.centres[c].number())];
        let row = rows.of(c);
        let limit = radial.cutoff * radial.cutoff;
        // The species of each neighbour that counts, in a pass of its own: the passes below then only look at bytes.
        self.kinds.clear();
        self.kinds.extend(
            rows.elements[row.clone()]
                .iter()
                .zip(&rows.r2[row.clone()])
                .map(|(element, r2)| match *r2 < limit {
                    true => kinds[usize::from(element.number())],
                    false => UNKNOWN,
                }),
        );
        self.order.resize(row.len(), 0);
        let order = &mut self.order[..row.len()];
        let mut inside = 0;
        if centre != UNKNOWN {
            for species in 0..self.count {
                // Written in any case, counted if it belongs here: there is no branch to be guessed.
                for (k, kind) in self.kinds.iter().enumerate() {
                    if let Some(place) = order.get_mut(inside) {
                        *place = (row.start + k) as u32;
                    }
                    inside += usize::from(*kind == species);
                }
            }
        }
        let records = inside.div_ceil(4);
        let mut start = self.records.len();
        self.records
            .resize(start + records * self.stride, F64x4::ZERO);
        for four in self.order[..inside].chunks(4) {
            let mut who = [NOBODY; 4];
            who[..four.len()].copy_from_slice(four);
            let mut species = [0; 4];
            let [mut x, mut y, mut z, mut r, mut inverse] = [F64x4::ZERO; 5];
            for l in 0..4 {
                // Places that nobody fills repeat the first neighbour.
                let k = four[if l < four.len() { l } else { 0 }] as usize;
                species[l] = kinds[usize::from(rows.elements[k].number())];
                r.0[l] = rows.r2[k];
                x.0[l] = rows.x[k];
                y.0[l] = rows.y[k];
                z.0[l] = rows.z[k];
            }
            for l in 0..4 {
                r.0[l] = r.0[l].sqrt();
                inverse.0[l] = 1.0 / r.0[l];
            }
            let record = &mut self.records[start..start + self.stride];
            start += self.stride;
            record[0] = x * inverse;
            record[1] = y * inverse;
            record[2] = z * inverse;
            record[INVERSE] = inverse;
            let (f, df) = record[VALUES..].split_at_mut(radial.functions);
            radial.evaluate::<FMA>(
                usize::from(centre),
                species,
                r,
                &mut self.polynomials,
                f,
                df,
            );
            for lane in four.len()..4 {
                f.iter_mut().chain(&mut *df).for_each(|f| f.0[lane] = 0.0);
            }
            self.who.push(who);
            self.species.push(species);
        }
        self.first.push(self.who.len());
    }
}
