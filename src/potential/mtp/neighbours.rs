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
    polynomials: Vec<F64x4>,
}

/// Where the parts of a record stand.
pub(super) const INVERSE: usize = 3;
pub(super) const VALUES: usize = 4;

impl Neighbourhoods {
    pub fn clear(&mut self, radial: &Radial) {
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
        species: usize,
        rows: &Rows<'_>,
        c: usize,
    ) {
        let centre = kinds[usize::from(rows.centres[c].number())];
        self.order.clear();
        if centre != UNKNOWN {
            let (row, limit) = (rows.of(c), radial.cutoff * radial.cutoff);
            for kind in 0..species {
                self.order.extend(
                    row.clone()
                        .filter(|&k| {
                            rows.r2[k] < limit
                                && usize::from(kinds[usize::from(rows.elements[k].number())])
                                    == kind
                        })
                        .map(|k| k as u32),
                );
            }
        }
        for four in self.order.chunks(4) {
            let mut who = [NOBODY; 4];
            who[..four.len()].copy_from_slice(four);
            let at = who.map(|k| if k == NOBODY { four[0] } else { k } as usize);
            let species = at.map(|k| kinds[usize::from(rows.elements[k].number())]);
            let r = F64x4(at.map(|k| rows.r2[k].sqrt()));
            let inverse = F64x4(r.0.map(|r| 1.0 / r));
            let start = self.records.len();
            self.records.resize(start + self.stride, F64x4::ZERO);
            let record = &mut self.records[start..];
            record[0] = F64x4(at.map(|k| rows.x[k])) * inverse;
            record[1] = F64x4(at.map(|k| rows.y[k])) * inverse;
            record[2] = F64x4(at.map(|k| rows.z[k])) * inverse;
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
