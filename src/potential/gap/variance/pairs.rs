//! Instances of descriptors of pairs: the distances from a centre.

use super::super::coordinate::Coordinate;
use super::super::cutoff::{Switch, Zone};
use super::super::descriptor::Distance2b;
use super::super::two_body::takes;
use super::{Batch, Distances};
use crate::potential::Rows;

/// Every ordered pair is an instance, half of it on either atom: so the row of i books the whole variance of each of its
/// neighbours, and the row of j the same.
pub(super) struct Pairs {
    descriptor: Distance2b,
    /// How often an ordered pair counts.
    times: f64,
    switch: Switch,
    pub(super) kernel: Distances,
}

impl Pairs {
    /// The pairs of a coordinate, whose ordered pairs count `times`.
    pub(super) fn new(c: &Coordinate, d: Distance2b, times: f64) -> Pairs {
        Pairs {
            switch: Switch {
                cutoff: d.cutoff,
                width: d.transition_width,
                tail: (d.tail_exponent != 0.0).then_some((d.tail_exponent, d.tail_range)),
            },
            kernel: Distances::new(c),
            descriptor: d,
            times,
        }
    }

    /// Pushes the pairs of all centres.
    pub(super) fn gather(&self, rows: &Rows<'_>, batch: &mut Batch<'_>) {
        // The reader allows sixteen exponents.
        let mut x = [0.0; 16];
        let x = &mut x[..self.descriptor.exponents.len().min(16)];
        for (c, centre) in rows.centres.iter().enumerate() {
            for k in rows.of(c) {
                if !takes(&self.descriptor, centre.number(), rows.elements[k].number()) {
                    continue;
                }
                let r = rows.r2[k].sqrt();
                let zone = self.switch.zone(r);
                if zone == Zone::Beyond {
                    continue;
                }
                for (x, p) in x.iter_mut().zip(&self.descriptor.exponents) {
                    *x = r.powi(*p);
                }
                let fc = self.switch.at(r, zone)[0];
                batch.push(c, self.times * fc * fc, x);
            }
        }
    }
}
