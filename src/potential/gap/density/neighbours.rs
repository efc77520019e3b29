//! The neighbours of a centre in groups of four of the same species, nearest first.
//!
//! Sorting makes sums independent of the order of the neighbour list, and lets the pieces of the radial table be read
//! from the innermost cache.

use super::DensityTerm;
use super::radial::Radial;
use crate::potential::Rows;
use crate::simd::F64x4;
use std::ops::Range;

/// Index of a lane without a neighbour.
pub(super) const NOBODY: u32 = u32::MAX;

/// Four neighbours of one centre and species. Lanes without a neighbour have zero weight and index [`NOBODY`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Quad {
    /// Unit vector from the centre.
    pub(super) x: F64x4,
    pub(super) y: F64x4,
    pub(super) z: F64x4,
    /// Cutoff weight f and its derivative.
    pub(super) weight: F64x4,
    pub(super) slope: F64x4,
    /// 1/r.
    pub(super) inverse: F64x4,
    /// r (Å).
    pub(super) r: [f64; 4],
    /// Place in the radial table.
    pub(super) piece: [u32; 4],
    pub(super) t: [f64; 4],
    /// d(local coordinate of the table)/dr; 1 without a table.
    pub(super) stretch: F64x4,
    /// Position in the arrays over neighbours.
    pub(super) index: [u32; 4],
}

/// The sorted neighbours of a block of centres.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbourhoods {
    quads: Vec<Quad>,
    /// End of each (centre, species) in `quads`.
    ends: Vec<u32>,
    /// (species and distance, index), sorted.
    order: Vec<(u64, u32)>,
}

impl Neighbourhoods {
    pub(super) fn clear(&mut self) {
        self.quads.clear();
        self.ends.clear();
    }

    /// The quads of channel `z` of the centre that was pushed as number `slot`.
    #[inline]
    pub(super) fn of(&self, slot: usize, z: usize, species: usize) -> &[Quad] {
        let i = slot * species + z;
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.quads[start..self.ends[i] as usize]
    }

    /// Appends the neighbourhood of centre `c`.
    pub(super) fn push(&mut self, term: &DensityTerm, rows: &Rows<'_>, c: usize) {
        let Range { start, end } = rows.of(c);
        self.order.clear();
        for (j, (r2, element)) in
            (start..end).zip(rows.r2[start..end].iter().zip(&rows.elements[start..end]))
        {
            let channel = term.channel_of[usize::from(element.number())];
            if channel == super::NO_CHANNEL {
                continue;
            }
            if *r2 < term.radial_of(usize::from(channel)).limit {
                // The bits of positive numbers sort like the numbers; the last eight make room for the species.
                self.order
                    .push((u64::from(channel) << 56 | r2.to_bits() >> 8, j as u32));
            }
        }
        self.order.sort_unstable();
        let mut at = 0;
        for z in 0..term.channels.len() {
            let count = self.order[at..]
                .iter()
                .take_while(|o| o.0 >> 56 == z as u64)
                .count();
            for four in self.order[at..at + count].chunks(4) {
                self.quads.push(Quad::new(term.radial_of(z), rows, four));
            }
            at += count;
            self.ends.push(self.quads.len() as u32);
        }
    }
}

impl Quad {
    fn new(radial: &Radial, rows: &Rows<'_>, neighbours: &[(u64, u32)]) -> Quad {
        let mut quad = Quad {
            x: F64x4::ZERO,
            y: F64x4::ZERO,
            z: F64x4::splat(1.0),
            weight: F64x4::ZERO,
            slope: F64x4::ZERO,
            inverse: F64x4::ZERO,
            r: [0.0; 4],
            piece: [0; 4],
            t: [0.0; 4],
            stretch: F64x4::splat(1.0),
            index: [NOBODY; 4],
        };
        for (lane, &(_, j)) in neighbours.iter().enumerate() {
            let i = j as usize;
            let r = rows.r2[i].sqrt();
            let inverse = 1.0 / r;
            quad.x.0[lane] = rows.x[i] * inverse;
            quad.y.0[lane] = rows.y[i] * inverse;
            quad.z.0[lane] = rows.z[i] * inverse;
            (quad.weight.0[lane], quad.slope.0[lane]) = radial.functions.weight(r);
            quad.inverse.0[lane] = inverse;
            quad.r[lane] = r;
            let place = radial.locate(r);
            (quad.piece[lane], quad.t[lane]) = (place.piece, place.t);
            quad.stretch.0[lane] = place.stretch;
            quad.index[lane] = j;
        }
        for lane in neighbours.len()..4 {
            quad.r[lane] = quad.r[0];
            quad.piece[lane] = quad.piece[0];
            quad.t[lane] = quad.t[0];
        }
        quad
    }
}
