//! Every pair, and no other, against brute force over all images.

use super::{ListKind, NeighbourRequest};
use super::{NeighbourList, Pair, RingLists, VerletList};
use crate::elements::Element;
use crate::random::{Purpose, Stream};
use crate::system::Cell;
use crate::system::Configuration;

fn request(kind: ListKind, cutoff: f64, chunk: usize) -> NeighbourRequest {
    NeighbourRequest {
        cutoff,
        kind,
        chunk,
        grain: 1,
    }
}

/// All pairs within `reach`, by trying every image that could come near.
fn brute(cell: &Cell, positions: &[[f64; 3]], reach: f64) -> Vec<Pair> {
    let widths = cell.widths();
    let mut pairs = Vec::new();
    let spread: [i32; 3] = std::array::from_fn(|k| {
        if !cell.periodic()[k] {
            return 0;
        }
        let s: Vec<f64> = positions.iter().map(|x| cell.fractional(*x)[k]).collect();
        let extent = s
            .iter()
            .fold(0.0f64, |m, a| s.iter().fold(m, |m, b| m.max((a - b).abs())));
        (reach / widths[k] + extent).ceil() as i32 + 1
    });
    for (i, x) in positions.iter().enumerate() {
        for (j, y) in positions.iter().enumerate() {
            for a in -spread[0]..=spread[0] {
                for b in -spread[1]..=spread[1] {
                    for c in -spread[2]..=spread[2] {
                        let shift = [a, b, c];
                        let t = cell.translation(shift);
                        let d2: f64 = (0..3).map(|k| (y[k] + t[k] - x[k]).powi(2)).sum();
                        if d2 < reach * reach && !(i == j && shift == [0; 3]) {
                            pairs.push(Pair {
                                i: i as u32,
                                j: j as u32,
                                shift,
                            });
                        }
                    }
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

fn listed(
    cell: &Cell,
    positions: &[[f64; 3]],
    kind: ListKind,
    reach: f64,
    chunk: usize,
) -> Vec<Pair> {
    let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
    let mut list = NeighbourList::new();
    let configuration = Configuration {
        cell,
        elements: &elements,
        positions,
    };
    list.build(configuration, request(kind, reach, chunk), reach)
        .unwrap();
    for a in 0..positions.len() {
        // Every slot is gathered exactly once, by its own atom.
        for s in list.slots_of(a) {
            let chunk = list
                .chunks()
                .iter()
                .rfind(|c| c.base <= *s as usize)
                .unwrap();
            assert_eq!(chunk.atoms[*s as usize - chunk.base] as usize, a);
        }
    }
    let mut pairs: Vec<Pair> = list.iter_pairs().collect();
    pairs.sort_unstable();
    pairs
}

fn check(cell: &Cell, positions: &[[f64; 3]], reach: f64) {
    let expected = brute(cell, positions, reach);
    for chunk in [1, 3, 1000] {
        assert_eq!(
            listed(cell, positions, ListKind::Full, reach, chunk),
            expected,
            "{cell:?} reach {reach}"
        );
        // A half list with every pair added from the other side is the full list.
        let mut both = Vec::new();
        for p in listed(cell, positions, ListKind::Half, reach, chunk) {
            both.push(p);
            both.push(Pair {
                i: p.j,
                j: p.i,
                shift: p.shift.map(|s| -s),
            });
        }
        both.sort_unstable();
        assert_eq!(both, expected, "half: {cell:?} reach {reach}");
    }
}

fn random_case(case: u64) -> (Cell, Vec<[f64; 3]>, f64) {
    let mut s = Stream::new(11, Purpose::Displacement, case, 0, 0);
    let periodic = [case & 1 != 0, case & 2 != 0, case & 4 != 0];
    let tilt = if case.is_multiple_of(5) { 3.0 } else { 0.6 };
    loop {
        let mut rows = [[0.0; 3]; 3];
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                *v = if i == j {
                    2.0 + 6.0 * s.uniform()
                } else {
                    tilt * 2.0 * s.normal()
                };
            }
        }
        let Ok(cell) = Cell::new(rows, periodic) else {
            continue;
        };
        if cell.widths().iter().any(|w| *w < 0.7) {
            continue;
        }
        let n = 1 + (s.uniform() * 12.0) as usize;
        // Unwrapped on purpose: atoms lie up to a few cells away.
        let positions = (0..n)
            .map(|_| cell.cartesian(std::array::from_fn(|_| 5.0 * s.uniform() - 2.5)))
            .collect();
        return (cell, positions, 1.0 + 4.0 * s.uniform());
    }
}

#[test]
fn random_cells_against_brute_force() {
    for case in 0..200 {
        let (cell, positions, reach) = random_case(case);
        check(&cell, &positions, reach);
    }
}

#[test]
fn perfect_crystals_and_planes() {
    // Atoms exactly on cell faces and exactly in planes, where rounding decides nothing.
    let fcc = Cell::new(
        [[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]],
        [true; 3],
    )
    .unwrap();
    check(&fcc, &[[0.0; 3]], 6.1);
    check(&fcc, &[[4.0, 4.0, 4.0]], 3.0);
    let cubic = Cell::orthorhombic(4.0, 4.0, 4.0).unwrap();
    let sites = [
        [0.0, 0.0, 0.0],
        [2.0, 2.0, 0.0],
        [2.0, 0.0, 2.0],
        [0.0, 2.0, 2.0],
    ];
    check(&cubic, &sites, 4.0001);
    check(&cubic, &sites.map(|x| x.map(|x| x - 4.0)), 2.9);
    let sheared = Cell::new(
        [[4.0, 0.0, 0.0], [12.0, 4.0, 0.0], [-8.0, 20.0, 4.0]],
        [true; 3],
    )
    .unwrap();
    check(&sheared, &sites, 4.5);
}

#[test]
fn clusters_far_from_the_origin_and_apart() {
    let cell = Cell::isolated();
    check(&cell, &[[-1e3, 5.0, 2e4]], 3.0);
    check(
        &cell,
        &[
            [-1e5, 0.0, 0.0],
            [1e5, 0.0, 0.0],
            [1e5 + 1.0, 0.0, 0.0],
            [0.0, -3e5, 7.0],
        ],
        3.0,
    );
    check(&cell, &[], 3.0);
}

#[test]
fn bad_positions_and_hopeless_cells_are_errors() {
    let e = [Element::from_symbol("Ar").unwrap()];
    let cell = Cell::orthorhombic(3.0, 3.0, 3.0).unwrap();
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let c = Configuration {
            cell: &cell,
            elements: &e,
            positions: &[[0.0, bad, 0.0]],
        };
        let mut list = NeighbourList::new();
        assert_eq!(
            list.build(c, request(ListKind::Full, 2.0, 8), 2.0),
            Err(super::BuildError::NotFinite(0))
        );
    }
    let tiny = Cell::orthorhombic(1e-5, 1e-5, 1e-5).unwrap();
    let c = Configuration {
        cell: &tiny,
        elements: &e,
        positions: &[[0.0; 3]],
    };
    assert_eq!(
        NeighbourList::new().build(c, request(ListKind::Full, 6.0, 8), 6.0),
        Err(super::BuildError::TooMany)
    );
}

#[test]
fn the_skin_never_loses_a_pair() {
    // Atoms wander and the cell breathes and shears; as long as the list is not stale it holds all pairs in the cutoff.
    let mut kept = 0;
    for case in 0..60 {
        let (mut cell, mut positions, cutoff) = random_case(case);
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let mut s = Stream::new(5, Purpose::Displacement, case, 1, 0);
        let mut verlet = VerletList::new(cutoff, 0.8);
        for _ in 0..20 {
            let now = Configuration {
                cell: &cell,
                elements: &elements,
                positions: &positions,
            };
            if verlet.is_stale(now) {
                verlet
                    .build(now, request(ListKind::Full, cutoff, 4))
                    .unwrap();
            } else {
                kept += 1;
            }
            let pairs: std::collections::BTreeSet<Pair> = verlet.list().iter_pairs().collect();
            for p in brute(&cell, &positions, cutoff) {
                assert!(pairs.contains(&p), "case {case}: lost {p:?}");
            }
            let f =
                nalgebra::Matrix3::from_fn(|i, j| f64::from(u8::from(i == j)) + 0.01 * s.normal());
            cell = cell.deformed(&f).unwrap();
            for x in &mut positions {
                let v = nalgebra::RowVector3::from(*x) * f;
                *x = std::array::from_fn(|k| v[k] + 0.08 * s.normal());
            }
        }
    }
    assert!(
        kept > 200,
        "the list was reused only {kept} times: the test shows nothing"
    );
}

/// A ring polymer about some positions: every atom of its own spread, all of it strung out along x by `length` either way.
fn beads(
    positions: &[[f64; 3]],
    count: usize,
    spread: f64,
    length: f64,
    s: &mut Stream,
) -> Vec<Vec<[f64; 3]>> {
    let spreads: Vec<f64> = positions.iter().map(|_| spread * s.uniform()).collect();
    (0..count)
        .map(|b| {
            let along = length * (4.0 * (b as f64 / count as f64 - 0.5).abs() - 1.0);
            let move_by = |(x, w): (&[f64; 3], &f64)| {
                let [x, y, z] = x.map(|x| x + w * s.normal());
                [x + along, y, z]
            };
            positions.iter().zip(&spreads).map(move_by).collect()
        })
        .collect()
}

fn configurations<'a>(
    cell: &'a Cell,
    elements: &'a [Element],
    beads: &'a [Vec<[f64; 3]>],
) -> Vec<Configuration<'a>> {
    let one = |positions: &'a Vec<[f64; 3]>| Configuration {
        cell,
        elements,
        positions,
    };
    beads.iter().map(one).collect()
}

#[test]
fn beads_share_a_list_that_has_all_their_pairs() {
    let mut shared = [0; 3];
    for case in 0..150 {
        let (mut cell, positions, cutoff) = random_case(case);
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let mut s = Stream::new(6, Purpose::Displacement, case, 2, 0);
        let count = [1, 3, 8, 32][case as usize % 4];
        let skin = 0.4;
        // The last are strung out too far for one list, but not for one of eight beads.
        let (spread, length) =
            [(0.0, 0.0), (0.1, 0.0), (1.5, 0.0), (0.02, 0.29)][(case / 4) as usize % 4];
        let mut ring = beads(&positions, count, spread, length * (cutoff + skin), &mut s);
        let requests = [ListKind::Full, ListKind::Half].map(|kind| request(kind, cutoff, 3));
        let mut lists = RingLists::new(count, requests.into_iter(), skin);
        let mut kept = 0;
        for step in 0..6 {
            let now = configurations(&cell, &elements, &ring);
            let centroid = Configuration {
                positions: &positions,
                ..now[0]
            };
            if lists.is_stale(&cell, &now) {
                lists.refer(centroid, &now);
            } else {
                kept += 1;
            }
            for request in 0..2 {
                lists.build(request).unwrap();
            }
            for (b, bead) in now.iter().enumerate() {
                let list = lists.list(0, b).unwrap();
                let pairs: std::collections::BTreeSet<Pair> = list.iter_pairs().collect();
                assert_eq!(pairs.len(), list.pairs());
                for p in brute(&cell, bead.positions, cutoff) {
                    assert!(pairs.contains(&p), "case {case}: bead {b} lost {p:?}");
                }
                let mut both: Vec<Pair> = lists.list(1, b).unwrap().iter_pairs().collect();
                both.extend(both.clone().into_iter().map(|p| Pair {
                    i: p.j,
                    j: p.i,
                    shift: p.shift.map(|s| -s),
                }));
                both.sort_unstable();
                for p in brute(&cell, bead.positions, cutoff) {
                    let below = both.partition_point(|q| *q < p);
                    assert_eq!(both.partition_point(|q| *q <= p) - below, 1);
                }
            }
            if step == 0 {
                let sharing = lists.sharing(0).unwrap();
                shared[usize::from(sharing > 1) + usize::from(sharing == count && count > 1)] += 1;
                // No pair is listed that neither the centre nor a bead has within reach.
                if sharing == count {
                    let mut near = brute(&cell, &positions, cutoff + skin);
                    for bead in &now {
                        near.extend(brute(&cell, bead.positions, cutoff + skin));
                    }
                    let list = lists.list(0, 0).unwrap();
                    assert!(list.iter_pairs().all(|p| near.contains(&p)), "case {case}");
                }
            }
            let f =
                nalgebra::Matrix3::from_fn(|i, j| f64::from(u8::from(i == j)) + 0.002 * s.normal());
            cell = cell.deformed(&f).unwrap();
            for x in ring.iter_mut().flatten() {
                let v = nalgebra::RowVector3::from(*x) * f;
                *x = std::array::from_fn(|k| v[k] + 0.01 * s.normal());
            }
        }
        assert!(kept > 0, "case {case}: the test shows nothing");
    }
    assert!(shared.iter().all(|n| *n > 5), "{shared:?}");
}

#[test]
fn ring_lists_come_back_from_their_reference() {
    for case in [3, 7, 22] {
        let (cell, positions, cutoff) = random_case(case);
        let elements = vec![Element::from_symbol("Ar").unwrap(); positions.len()];
        let mut s = Stream::new(6, Purpose::Displacement, case, 3, 0);
        let ring = beads(&positions, 19, 0.2, 0.0, &mut s);
        let now = configurations(&cell, &elements, &ring);
        let centroid = Configuration {
            positions: &positions,
            ..now[0]
        };
        let new = || {
            let request = request(ListKind::Half, cutoff, 3);
            RingLists::new(19, std::iter::once(request), 0.4)
        };
        let mut lists = new();
        assert_eq!(lists.reference(), None);
        lists.refer(centroid, &now);
        lists.build(0).unwrap();
        let mut again = new();
        let reference = lists.reference().unwrap();
        assert!(again.restore(reference));
        assert_eq!(again.reference(), Some(reference));
        assert!(!again.is_stale(&cell, &now));
        again.build(0).unwrap();
        assert_eq!(lists.sharing(0), again.sharing(0));
        for b in [0, 9, 18] {
            let (a, b) = (lists.list(0, b).unwrap(), again.list(0, b).unwrap());
            assert!(a.iter_pairs().eq(b.iter_pairs()));
            assert_eq!(a.slots(), b.slots());
        }
        let short = super::RingReference {
            beads: &reference.beads[1..],
            ..reference
        };
        assert!(!again.restore(short));
    }
}

#[test]
fn beads_that_are_nowhere_or_everywhere() {
    let cell = Cell::orthorhombic(9.0, 9.0, 9.0).unwrap();
    let elements = vec![Element::from_symbol("Ar").unwrap(); 2];
    let positions = vec![[0.0; 3], [4.0, 0.0, 0.0]];
    let lists = |ring: &[Vec<[f64; 3]>]| {
        let now = configurations(&cell, &elements, ring);
        let centroid = Configuration {
            positions: &positions,
            ..now[0]
        };
        let request = request(ListKind::Full, 3.0, 3);
        let mut lists = RingLists::new(ring.len(), std::iter::once(request), 0.4);
        lists.refer(centroid, &now);
        let built = lists.build(0);
        (lists, built)
    };
    for bad in [f64::NAN, f64::INFINITY, 1e200] {
        let mut ring = vec![positions.clone(); 12];
        ring[9][1][2] = bad;
        let (lists, built) = lists(&ring);
        let expected = super::RingError {
            bead: 9,
            reason: super::BuildError::NotFinite(1),
        };
        assert_eq!(built, Err(expected), "{bad}");
        assert!(lists.is_stale(&cell, &configurations(&cell, &elements, &ring)));
    }
    // Beads all over space have lists of their own: no list reaches through hundreds of cells.
    let far = |b: usize| positions.iter().map(move |x| x.map(|x| x + 1e3 * b as f64));
    let ring: Vec<Vec<[f64; 3]>> = (0..12).map(|b| far(b).collect()).collect();
    let (lists, built) = lists(&ring);
    assert_eq!((built, lists.sharing(0)), (Ok(()), Some(1)));
    assert!(lists.list(0, 11).unwrap().pairs() < 10);
}

#[test]
fn memory_is_proportional_to_atoms() {
    // Reach and density fixed; the points of ten times as many atoms are less than ten times as many.
    let count = |n: usize| {
        let edge = (n as f64 / 0.05).cbrt();
        let cell = Cell::orthorhombic(edge, edge, edge).unwrap();
        let mut s = Stream::new(3, Purpose::Displacement, n as u64, 0, 0);
        let positions: Vec<[f64; 3]> = (0..n)
            .map(|_| std::array::from_fn(|_| edge * s.uniform()))
            .collect();
        let elements = vec![Element::from_symbol("Ar").unwrap(); n];
        let mut list = NeighbourList::new();
        let c = Configuration {
            cell: &cell,
            elements: &elements,
            positions: &positions,
        };
        list.build(c, request(ListKind::Half, 3.0, 512), 3.0)
            .unwrap();
        (list.slots(), list.pairs())
    };
    let (small, large) = (count(4_000), count(40_000));
    assert!(
        large.0 < 10 * small.0 && large.1 < 11 * small.1,
        "{small:?} {large:?}"
    );
}
