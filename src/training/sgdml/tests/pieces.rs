//! The parts of a fit by themselves.

use super::data::{FIVE, random, signed, springs};
use crate::system::Cell;
use crate::training::Silent;
use crate::training::assignment;
use crate::training::sgdml::assemble::{Unknowns, columns, matrix};
use crate::training::sgdml::geometry::Geometries;
use crate::training::sgdml::lanes::Training;
use crate::training::sgdml::nystrom::spread;
use crate::training::sgdml::packed::{Outcome, PANEL, Packed, gram};
use crate::training::sgdml::product::Product;
use crate::training::sgdml::rigid::Internal;
use crate::training::sgdml::{group, sample};
use rand::RngExt;

fn training(count: usize, permutations: &[Vec<usize>], cell: Cell) -> (Geometries, Training) {
    let frames = springs("C H H O N", &FIVE, count, 0.25, 3, cell);
    let set = Geometries::gather(&frames, 1.0).unwrap();
    let internal = Internal::new(&set.positions, set.cell.is_some());
    let t = Training::new(set.points(), internal, permutations);
    (set, t)
}

/// The covariance of energies of two geometries, permutations of the second, with the sign of the energies.
fn covariance(a: &[[f64; 3]], b: &[[f64; 3]], permutations: &[Vec<usize>], sigma: f64) -> f64 {
    let pairs = |x: &[[f64; 3]], p: &[usize]| -> Vec<f64> {
        let mut d = Vec::new();
        for i in 1..x.len() {
            for j in 0..i {
                let v: f64 = (0..3).map(|k| (x[p[i]][k] - x[p[j]][k]).powi(2)).sum();
                d.push(1.0 / v.sqrt());
            }
        }
        d
    };
    let identity: Vec<usize> = (0..a.len()).collect();
    let x = pairs(a, &identity);
    permutations
        .iter()
        .map(|p| {
            let y = pairs(b, p);
            let r2: f64 = x.iter().zip(&y).map(|(x, y)| (x - y).powi(2)).sum();
            let t = (5.0 * r2).sqrt() / sigma;
            (1.0 + t + t * t / 3.0) * (-t).exp()
        })
        .sum()
}

#[test]
fn blocks_are_second_differences_of_the_covariance_of_energies() {
    let permutations = vec![vec![0, 1, 2, 3, 4], vec![0, 2, 1, 3, 4]];
    let (set, t) = training(11, &permutations, Cell::isolated());
    let unknowns = Unknowns {
        geometries: 11,
        rank: t.rank,
        energies: true,
    };
    assert_eq!(t.rank, 9);
    let sigma = 1.3;
    let a = dense(&matrix(&t, unknowns, sigma, 0.25, &mut Silent).unwrap());
    let size = unknowns.total();
    let h = 1e-4;
    let moved = |p: usize, s: usize, by: f64| -> Vec<[f64; 3]> {
        let direction = &t.directions[p][s * 15..(s + 1) * 15];
        let mut x = set.positions[p].clone();
        for (x, d) in x.as_flattened_mut().iter_mut().zip(direction) {
            *x += by * d;
        }
        x
    };
    let (mut worst, mut largest) = (0.0f64, 0.0f64);
    for (i, j) in [(10, 0), (7, 3), (9, 8), (4, 4)] {
        for s in 0..t.rank {
            for q in 0..t.rank {
                let mut d2 = 0.0;
                for (u, v) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                    d2 += u
                        * v
                        * covariance(
                            &moved(i, s, u * h),
                            &moved(j, q, v * h),
                            &permutations,
                            sigma,
                        );
                }
                let expected = d2 / (4.0 * h * h);
                let (row, column) = (i * t.rank + s, j * t.rank + q);
                let diagonal = if row == column { 0.25 } else { 0.0 };
                let found = a[row.max(column) * size + row.min(column)] - diagonal;
                worst = worst.max((found - expected).abs());
                largest = largest.max(expected.abs());
            }
            // The covariance of the energy of i (as it is labelled, with the other sign) and a force of j.
            let up = covariance(&set.positions[i], &moved(j, s, h), &permutations, sigma);
            let down = covariance(&set.positions[i], &moved(j, s, -h), &permutations, sigma);
            let found = a[(unknowns.forces() + i) * size + j * t.rank + s];
            let expected = (up - down) / (2.0 * h);
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let diagonal = if i == j { 0.25 } else { 0.0 };
        let found = a[(unknowns.forces() + i) * size + unknowns.forces() + j] - diagonal;
        let expected = covariance(&set.positions[i], &set.positions[j], &permutations, sigma);
        assert!((found - expected).abs() < 1e-13);
    }
    assert!(worst < 1e-6 * largest.max(1.0), "{worst} of {largest}");
}

/// A packed matrix, rows and columns, symmetric.
fn dense(a: &Packed) -> Vec<f64> {
    let n = a.size();
    let mut out = vec![0.0; n * n];
    for r in 0..n {
        for c in 0..=r {
            let p = c / PANEL;
            let value = a.panels()[p][(c - p * PANEL) * (n - p * PANEL) + r - p * PANEL];
            out[r * n + c] = value;
            out[c * n + r] = value;
        }
    }
    out
}

#[test]
fn products_and_columns_are_those_of_the_matrix() {
    let permutations = vec![vec![0, 1, 2, 3, 4], vec![0, 2, 1, 3, 4]];
    for energies in [false, true] {
        let (_, t) = training(35, &permutations, Cell::isolated());
        let unknowns = Unknowns {
            geometries: 35,
            rank: t.rank,
            energies,
        };
        let size = unknowns.total();
        let a = dense(&matrix(&t, unknowns, 2.0, 1e-3, &mut Silent).unwrap());
        let mut r = random(5);
        let v: Vec<f64> = (0..size).map(|_| signed(&mut r)).collect();
        let mut out = vec![0.0; size];
        Product::new(&t, unknowns, 2.0, 1e-3).apply(&v, &mut out);
        for (row, out) in a.chunks_exact(size).zip(&out) {
            let expected: f64 = row.iter().zip(&v).map(|(a, v)| a * v).sum();
            assert!((out - expected).abs() < 1e-11, "{out} {expected}");
        }
        let all = columns(&t, unknowns, &t, 2.0, &mut Silent).unwrap();
        for (c, column) in all.chunks_exact(size).enumerate() {
            for (r, value) in column.iter().enumerate() {
                let diagonal = if r == c { 1e-3 } else { 0.0 };
                assert!((value + diagonal - a[r * size + c]).abs() < 1e-13);
            }
        }
    }
}

#[test]
fn internal_directions_are_orthonormal_and_change_distances_only() {
    let straight = [[0.0, 0.0, 0.0], [1.1, 0.0, 0.0], [2.4, 0.0, 0.0]];
    let bent = [[0.0, 0.0, 0.0], [1.1, 0.1, 0.0], [2.4, 0.0, 0.3]];
    type Case = (Vec<Vec<[f64; 3]>>, bool, usize);
    let cases: [Case; 5] = [
        (vec![FIVE.to_vec()], false, 9),
        (vec![FIVE.to_vec()], true, 12),
        (vec![bent.to_vec()], false, 3),
        (vec![bent.to_vec(), straight.to_vec()], false, 4),
        (vec![straight[..2].to_vec()], false, 1),
    ];
    for (positions, periodic, rank) in cases {
        let internal = Internal::new(&positions, periodic);
        assert_eq!(internal.rank, rank);
        for (x, rows) in positions.iter().zip(&internal.directions) {
            let n3 = 3 * x.len();
            assert_eq!(rows.len(), rank * n3);
            let rows: Vec<&[f64]> = rows.chunks_exact(n3).collect();
            for (a, x) in rows.iter().enumerate() {
                for (b, y) in rows.iter().enumerate() {
                    let dot: f64 = x.iter().zip(*y).map(|(x, y)| x * y).sum();
                    let expected = f64::from(u8::from(a == b));
                    assert!((dot - expected).abs() < 1e-14);
                }
                // No translation, and no rotation about any axis.
                for k in 0..3 {
                    let sum: f64 = x.iter().skip(k).step_by(3).sum();
                    assert!(sum.abs() < 1e-14);
                }
            }
            if periodic || rank == 4 {
                continue;
            }
            for row in &rows {
                for axis in 0..3 {
                    let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
                    let turn: f64 = (0..x.len())
                        .map(|i| row[3 * i + c] * x[i][b] - row[3 * i + b] * x[i][c])
                        .sum();
                    assert!(turn.abs() < 1e-13, "{turn}");
                }
            }
        }
    }
}

#[test]
fn assignments_are_the_cheapest() {
    fn best(cost: &[f64], n: usize, row: usize, used: &mut Vec<bool>) -> f64 {
        if row == n {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for c in 0..n {
            if !used[c] {
                used[c] = true;
                least = least.min(cost[row * n + c] + best(cost, n, row + 1, used));
                used[c] = false;
            }
        }
        least
    }
    let mut r = random(1);
    let mut scratch = assignment::Scratch::default();
    let mut out = Vec::new();
    for trial in 0..200 {
        let n = 1 + trial % 7;
        // Every third time whole numbers, so that there are ties.
        let cost: Vec<f64> = (0..n * n)
            .map(|_| match trial % 3 {
                0 => (5.0 * signed(&mut r)).round(),
                _ => signed(&mut r),
            })
            .collect();
        assignment::assign(&cost, n, &mut scratch, &mut out);
        let total: f64 = out.iter().enumerate().map(|(i, j)| cost[i * n + j]).sum();
        let expected = best(&cost, n, 0, &mut vec![false; n]);
        assert!((total - expected).abs() < 1e-12, "{total} {expected}");
        let mut sorted = out.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, x)| i == *x));
    }
    assignment::assign(&[f64::NAN; 9], 3, &mut scratch, &mut out);
    assert_eq!(out.len(), 3);
}

#[test]
fn groups_close_and_do_not_grow_without_end() {
    let turn = vec![1, 2, 0, 3, 4];
    assert_eq!(
        group::close(std::slice::from_ref(&turn), 5, 100)
            .unwrap()
            .len(),
        3
    );
    let both = [turn, vec![1, 0, 2, 3, 4], vec![0, 1, 2, 4, 3]];
    let all = group::close(&both, 5, 100).unwrap();
    assert_eq!((all.len(), &all[0]), (12, &vec![0, 1, 2, 3, 4]));
    let five = [vec![1, 2, 3, 4, 0], vec![1, 0, 2, 3, 4]];
    assert_eq!(group::close(&five, 5, 119), None);
    assert_eq!(group::close(&five, 5, 120).unwrap().len(), 120);
    // The exchange crosses the longer cycle and goes.
    assert_eq!(group::without_crossing(&five), [vec![1, 2, 3, 4, 0]]);
    assert_eq!(group::cycles(&[1, 0, 2, 4, 3]), [[0, 1], [3, 4]]);
}

#[test]
fn samples_keep_the_distribution_and_repeat_with_their_seed() {
    let mut r = random(8);
    // Two humps and an outlier.
    let mut energies: Vec<f64> = (0..900)
        .map(|k| signed(&mut r) + signed(&mut r) + if k % 3 == 0 { 6.0 } else { 0.0 })
        .collect();
    energies.push(40.0);
    let rows: Vec<usize> = (0..energies.len()).filter(|r| r % 10 != 1).collect();
    for count in [1, 2, 5, 30, 100, 500, rows.len(), 5000] {
        let drawn = sample::stratified(&energies, &rows, count, &mut random(4));
        assert_eq!(drawn.len(), count.min(rows.len()));
        assert!(drawn.windows(2).all(|w| w[0] < w[1]));
        assert!(drawn.iter().all(|d| rows.binary_search(d).is_ok()));
        let again = sample::stratified(&energies, &rows, count, &mut random(4));
        assert_eq!(drawn, again);
        if (30..5000).contains(&count) {
            // Bins with one frame are not forgotten, and humps keep their share.
            assert!(drawn.contains(&900), "{count}");
            let high = drawn.iter().filter(|d| energies[**d] > 3.5).count() as f64;
            let share = high / count as f64;
            assert!(
                (share - 1.0 / 3.0).abs() < 0.06 + 3.0 / count as f64,
                "{count}: {share}"
            );
        }
        if count == 100 {
            assert_ne!(
                drawn,
                sample::stratified(&energies, &rows, count, &mut random(5))
            );
        }
    }
    // Energies that are all the same, or none.
    for flat in [vec![1.0; 50], Vec::new()] {
        let rows: Vec<usize> = (0..50).collect();
        assert_eq!(
            sample::stratified(&flat, &rows, 20, &mut random(1)).len(),
            20
        );
    }
}

#[test]
fn packed_matrices_factorise_and_solve() {
    for n in [1, 7, PANEL, PANEL + 1, 3 * PANEL + 77] {
        let mut r = random(n as u64);
        let rows = n + 40;
        let b: Vec<f64> = (0..rows * n).map(|_| signed(&mut r)).collect();
        let a = gram(&b, rows, n);
        let full = dense(&a);
        for (i, j) in [(0, 0), (n - 1, 0), (n / 2, n / 3)] {
            let expected: f64 = (0..rows).map(|k| b[i * rows + k] * b[j * rows + k]).sum();
            assert!((full[i * n + j] - expected).abs() < 1e-10);
        }
        let truth: Vec<f64> = (0..n).map(|_| signed(&mut r)).collect();
        let y: Vec<f64> = full
            .chunks_exact(n)
            .map(|row| row.iter().zip(&truth).map(|(a, x)| a * x).sum())
            .collect();
        let mut l = gram(&b, rows, n);
        assert_eq!(l.factorise(&mut Silent), Outcome::Done);
        let mut x = y.clone();
        l.solve(&mut x);
        let worst = x
            .iter()
            .zip(&truth)
            .fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(worst < 1e-7, "{n}: {worst}");
        // B L⁻ᵀ has orthonormal columns.
        let mut q = b.clone();
        l.solve_right(&mut q, rows);
        let one = dense(&gram(&q, rows, n));
        for i in 0..n {
            for j in 0..n {
                let expected = f64::from(u8::from(i == j));
                assert!((one[i * n + j] - expected).abs() < 1e-9);
            }
        }
    }
    let mut bad = gram(&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0], 3, 2);
    bad.add_to_diagonal(-1e-3);
    assert_eq!(bad.factorise(&mut Silent), Outcome::NotPositive);
}

#[test]
fn farthest_points_are_all_different_and_in_range() {
    let (_, t) = training(30, &[vec![0, 1, 2, 3, 4]], Cell::isolated());
    let chosen = spread(&t, 12);
    assert_eq!(chosen.len(), 12);
    assert!(chosen.windows(2).all(|w| w[0] < w[1]) && chosen[11] < 30);
    assert_eq!(spread(&t, 100).len(), 30);
    // The nearest of the chosen is farther than most of the others are from each other.
    let d = |a: usize, b: usize| -> f64 {
        let (a, b) = (&t.points[a].d, &t.points[b].d);
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let least = |list: &[usize]| {
        let pairs = list.iter().flat_map(|a| list.iter().map(move |b| (*a, *b)));
        let apart = pairs.filter(|(a, b)| a < b).map(|(a, b)| d(a, b));
        apart.fold(f64::INFINITY, f64::min)
    };
    let mut r = random(2);
    let plain: Vec<usize> = (0..12).map(|k| 2 * k + r.random_range(0..2)).collect();
    assert!(least(&chosen) > least(&plain));
}
