//! The basic moments: which monomials of the unit vector are summed over neighbours, and which follow from those.
//!
//! On the unit sphere x² + y² + z² = 1, so that a moment of rank ν is the sum of three of rank ν + 2 with the same radial
//! function. Only the two highest ranks of each radial function (one even, one odd) are summed over the neighbours; all
//! lower ones are sums of those. For MLIP's levels this nearly halves the work, and leaves each rank to one
//! radial function.
//!
//! Monomials of rank ν are in the order of falling powers of x, then of y. With m = b + c, x^a y^b z^c is number m(m+1)/2 + c.
//! The products of x with all monomials of rank ν - 1, in their order, are then the first monomials of rank ν; the products
//! of y with the last ν of them come next; z^ν is last.

use super::file::BasicIndex;

/// One radial function's share in a rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// The radial function.
    pub mu: usize,
    /// First of its moments.
    pub first: usize,
}

/// The layout of the basic moments of a schedule: those that are summed first, then those that follow.
#[derive(Debug)]
pub(super) struct Lattice {
    /// By rank: the radial functions whose moments of that rank are summed over the neighbours.
    pub ranks: Vec<Vec<Share>>,
    /// Number of moments that are summed.
    pub summed: usize,
    /// Target and the three sources of each moment that follows; sources before targets.
    pub derived: Vec<[u32; 4]>,
    /// Place of each basic moment of the file; `None` for those that are not needed.
    pub places: Vec<Option<u32>>,
    /// Number of all moments of the lattice.
    pub len: usize,
}

/// Number of monomials of a rank.
pub(super) fn monomials(rank: usize) -> usize {
    (rank + 1) * (rank + 2) / 2
}

/// Number of monomials of all ranks below one.
pub(super) fn monomials_below(rank: usize) -> usize {
    rank * (rank + 1) * (rank + 2) / 6
}

/// The number of x^a y^b z^c among the monomials of its rank.
pub(super) fn number(powers: [u8; 3]) -> usize {
    let [_, b, c] = powers.map(usize::from);
    let m = b + c;
    m * (m + 1) / 2 + c
}

/// The powers of all monomials of a rank, in order.
pub(super) fn powers(rank: usize) -> impl Iterator<Item = [usize; 3]> {
    (0..=rank).flat_map(move |m| (0..=m).map(move |c| [rank - m, m - c, c]))
}

impl Lattice {
    /// The layout for the basic moments that are needed.
    pub fn new(basic: &[BasicIndex], needed: &[bool], functions: usize) -> Lattice {
        // Lowest and highest rank of each radial function and parity.
        let mut span: Vec<Option<(usize, usize)>> = vec![None; 2 * functions];
        for (index, _) in basic.iter().zip(needed).filter(|(_, needed)| **needed) {
            let rank = index.rank();
            let slot = &mut span[2 * usize::from(index.mu) + rank % 2];
            let (low, high) = slot.unwrap_or((rank, rank));
            *slot = Some((low.min(rank), high.max(rank)));
        }
        let highest = span.iter().flatten().map(|s| s.1).max();
        let mut ranks = vec![Vec::new(); highest.map_or(0, |r| r + 1)];
        let mut len = 0;
        // First moment of each radial function and rank.
        let mut first = std::collections::HashMap::new();
        for (rank, shares) in ranks.iter_mut().enumerate() {
            for mu in 0..functions {
                if span[2 * mu + rank % 2].is_some_and(|s| s.1 == rank) {
                    shares.push(Share { mu, first: len });
                    first.insert((mu, rank), len);
                    len += monomials(rank);
                }
            }
        }
        let summed = len;
        let mut derived = Vec::new();
        for (k, span) in span.iter().enumerate() {
            let (mu, Some((low, high))) = (k / 2, span) else {
                continue;
            };
            let mut rank = *high;
            while rank >= low + 2 {
                let from = first[&(mu, rank)];
                rank -= 2;
                first.insert((mu, rank), len);
                for (n, [_, b, c]) in powers(rank).enumerate() {
                    let m = b + c + 2;
                    let up = from + m * (m + 1) / 2 + c;
                    derived.push([len + n, from + n, up, up + 2].map(|i| i as u32));
                }
                len += monomials(rank);
            }
        }
        let places = basic
            .iter()
            .zip(needed)
            .map(|(index, needed)| {
                let at = || first[&(usize::from(index.mu), index.rank())] + number(index.powers);
                needed.then(|| at() as u32)
            })
            .collect();
        Lattice {
            ranks,
            summed,
            derived,
            places,
            len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monomials_are_numbered_in_order() {
        for rank in 0..8 {
            let all: Vec<[usize; 3]> = powers(rank).collect();
            assert_eq!(all.len(), monomials(rank));
            for (n, p) in all.iter().enumerate() {
                assert_eq!(p.iter().sum::<usize>(), rank);
                assert_eq!(number(p.map(|p| p as u8)), n);
            }
        }
        assert_eq!((monomials_below(0), monomials_below(3)), (0, 10));
    }

    #[test]
    fn only_the_two_highest_ranks_are_summed() {
        let basic: Vec<BasicIndex> = (0..=4)
            .flat_map(powers)
            .map(|p| BasicIndex {
                mu: 0,
                powers: p.map(|p| p as u8),
            })
            .collect();
        let lattice = Lattice::new(&basic, &vec![true; basic.len()], 1);
        assert_eq!(lattice.summed, 15 + 10);
        assert_eq!((lattice.derived.len(), lattice.len), (6 + 3 + 1, 35));
        // At a point of the unit sphere every moment is its monomial.
        let u = [0.36f64, 0.48, -0.8];
        let mono = |p: [usize; 3]| (0..3).map(|k| u[k].powi(p[k] as i32)).product::<f64>();
        let mut moments = vec![f64::NAN; lattice.len];
        for (rank, shares) in lattice.ranks.iter().enumerate() {
            for share in shares {
                for (n, p) in powers(rank).enumerate() {
                    moments[share.first + n] = mono(p);
                }
            }
        }
        for [target, a, b, c] in lattice.derived.iter().map(|d| d.map(|i| i as usize)) {
            moments[target] = moments[a] + moments[b] + moments[c];
        }
        for (index, place) in basic.iter().zip(&lattice.places) {
            let found = moments[place.unwrap() as usize];
            assert!((found - mono(index.powers.map(usize::from))).abs() < 1e-15);
        }
    }

    #[test]
    fn what_is_not_needed_is_left_out() {
        let basic = [(0, [1, 0, 0]), (0, [0, 3, 0]), (1, [0, 0, 2])]
            .map(|(mu, powers)| BasicIndex { mu, powers });
        let lattice = Lattice::new(&basic, &[true, false, true], 2);
        assert_eq!(lattice.summed, 3 + 6);
        assert!(lattice.derived.is_empty() && lattice.places[1].is_none());
        let nothing = Lattice::new(&basic, &[false; 3], 2);
        assert_eq!((nothing.len, nothing.ranks.len()), (0, 0));
    }
}
