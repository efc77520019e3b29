//! Choosers on small tables, against what can be worked out by hand.

use super::*;
use crate::parallel::with_threads;

/// `n` rows of `d` numbers in three clouds of different size.
fn clouds(n: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut rng = generator(seed);
    let mut rows = Vec::new();
    for i in 0..n {
        let centre = [0.0, 4.0, -7.0][if i % 10 == 0 { 2 } else { i % 2 }];
        rows.extend((0..d).map(|k| centre * f64::from(k == i % 2) + rng.random::<f64>()));
    }
    rows
}

fn is_choice(chosen: &[usize], count: usize, n: usize) {
    let mut sorted = chosen.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), count);
    assert!(sorted.iter().all(|i| *i < n));
}

#[test]
fn equal_rows_are_one() {
    let rows = [
        1.0,
        2.0,
        3.0,
        4.0,
        1.0,
        2.0 + 1e-13,
        0.0,
        0.0,
        3.0,
        4.0,
        1.0,
        2.001,
    ];
    let table = Table::new(&rows, 2).unwrap();
    assert_eq!(distinct(table), [0, 1, 3, 5]);
    for chosen in [
        random(table, 10, 1),
        cur(table, 10, 1).unwrap(),
        k_means(table, 10, 1),
        uniform_grid(table, 10, 1),
    ] {
        assert_eq!(chosen, [0, 1, 3, 5]);
    }
    is_choice(&farthest_points(table, 10, 1), 4, 6);
    let same = [2.5; 600];
    let table = Table::new(&same, 3).unwrap();
    assert_eq!(distinct(table), [0]);
    assert_eq!(cur(table, 5, 1).unwrap(), [0]);
    let zero = [0.0; 12];
    assert_eq!(cur(Table::new(&zero, 3).unwrap(), 5, 1).unwrap(), [0]);
    let nothing = Table::new(&[], 3).unwrap();
    assert!(nothing.is_empty() && cur(nothing, 3, 1).unwrap().is_empty());
    assert!(k_means(nothing, 3, 1).is_empty() && farthest_points(nothing, 3, 1).is_empty());
    assert!(uniform_grid(nothing, 3, 1).is_empty() && random(nothing, 3, 1).is_empty());
}

#[test]
fn tables_must_be_whole_and_finite() {
    assert!(Table::new(&[1.0, 2.0, 3.0], 2).is_err());
    assert!(Table::new(&[], 0).is_err());
    let message = Table::new(&[1.0, 2.0, f64::NAN, 4.0], 2)
        .unwrap_err()
        .to_string();
    assert!(message.contains("row 2"), "{message}");
}

#[test]
fn seeds_give_choices_on_any_number_of_threads() {
    let rows = clouds(700, 9, 3);
    let choose = |threads: usize, seed: u64| {
        with_threads(threads, || {
            let table = Table::new(&rows, 9).unwrap();
            [
                random(table, 40, seed),
                cur(table, 40, seed).unwrap(),
                k_means(table, 40, seed),
                uniform_grid(Table::new(&rows, 3).unwrap(), 40, seed),
                farthest_points(table, 40, seed),
            ]
        })
        .unwrap()
    };
    let (one, three, other) = (choose(1, 7), choose(3, 7), choose(1, 8));
    for k in 0..5 {
        is_choice(&one[k], 40, 2100);
        assert_eq!(one[k], three[k]);
    }
    for k in [0, 1, 2] {
        assert_ne!(one[k], other[k]);
    }
}

#[test]
fn farthest_points_go_to_the_ends() {
    let rows: Vec<f64> = (0..101).map(f64::from).collect();
    let chosen = farthest_points(Table::new(&rows, 1).unwrap(), 3, 5);
    let mut ends = chosen[1..].to_vec();
    ends.sort_unstable();
    // From any start the farther end comes first; then the other one, or the middle of the longer side.
    assert!(ends.contains(&0) || ends.contains(&100), "{chosen:?}");
    let longer = farthest_points(Table::new(&rows, 1).unwrap(), 20, 5);
    assert_eq!(longer[..3], chosen[..]);
    // Twenty points of a line of 100: no gap may be wider than twice the best possible radius, about.
    let mut sorted = longer;
    sorted.sort_unstable();
    assert!(sorted.windows(2).all(|w| w[1] - w[0] <= 13), "{sorted:?}");
}

#[test]
fn k_means_finds_clouds() {
    let rows = clouds(600, 2, 1);
    let table = Table::new(&rows, 2).unwrap();
    let chosen = k_means(table, 3, 2);
    let total = |chosen: &[usize]| -> f64 {
        (0..table.len())
            .map(|i| {
                let to = |c: &usize| super::distinct::squared(table.row(i), table.row(*c));
                chosen.iter().map(to).fold(f64::INFINITY, f64::min)
            })
            .sum()
    };
    // The clouds are unit squares: 1/6 a row about their middles.
    assert!(total(&chosen) < 0.25 * 600.0, "{}", total(&chosen));
    for seed in 0..5 {
        assert!(total(&random(table, 3, seed)) > 0.9 * total(&chosen));
    }
}

#[test]
fn a_grid_covers_the_range() {
    let rows: Vec<f64> = (0..1000).map(|i| f64::from(i * i) / 1e6).collect();
    let chosen = uniform_grid(Table::new(&rows, 1).unwrap(), 10, 1);
    assert_eq!(chosen.len(), 10);
    for (k, row) in chosen.iter().enumerate() {
        assert_eq!((rows[*row] / rows[999] * 10.0) as usize, k);
    }
    let plane: Vec<f64> = (0..900)
        .flat_map(|i| [f64::from(i % 30), f64::from(i / 30)])
        .collect();
    is_choice(
        &uniform_grid(Table::new(&plane, 2).unwrap(), 25, 1),
        25,
        900,
    );
    is_choice(
        &uniform_grid(Table::new(&plane, 2).unwrap(), 23, 1),
        23,
        900,
    );
}

/// Leverage scores against those of the singular value decomposition.
#[test]
fn leverage_is_that_of_the_singular_vectors() {
    for (n, d) in [(40, 7), (7, 40), (20, 20)] {
        let mut rng = generator(n as u64);
        let rows: Vec<f64> = (0..n * d)
            .map(|i| rng.random::<f64>() * 0.5f64.powi((i % d) as i32 % 8))
            .collect();
        let table = Table::new(&rows, d).unwrap();
        let x = nalgebra::DMatrix::from_row_slice(n, d, &rows);
        let svd = x.svd(true, false);
        let u = svd.u.unwrap();
        let mut order: Vec<usize> = (0..svd.singular_values.len()).collect();
        order.sort_by(|a, b| svd.singular_values[*b].total_cmp(&svd.singular_values[*a]));
        let k = n.min(d) / 2;
        let scores = leverage(table).unwrap();
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for i in 0..n {
            let expected: f64 =
                order[..k].iter().map(|c| u[(i, *c)].powi(2)).sum::<f64>() / k as f64;
            assert!(
                (scores[i] - expected).abs() < 1e-8,
                "{n} {d}: {} {expected}",
                scores[i]
            );
        }
    }
}

/// A row that alone spans a direction must be in the choice.
#[test]
fn cur_takes_rows_that_stand_alone() {
    let mut rows = Vec::new();
    let mut rng = generator(4);
    for i in 0..400 {
        let a = rng.random::<f64>();
        let mut row = vec![
            1.0 + a,
            2.0 - a,
            a,
            0.5 * a,
            0.01 * rng.random::<f64>(),
            0.0,
        ];
        if i == 123 {
            row = vec![0.0, 0.0, 0.0, 0.0, 0.0, 30.0];
        }
        rows.extend(row);
    }
    let table = Table::new(&rows, 6).unwrap();
    for seed in 0..10 {
        assert!(cur(table, 8, seed).unwrap().contains(&123));
    }
}

/// More than 2048 rows and columns: the sketch keeps what matters.
#[test]
fn wide_tables_are_sketched() {
    let (n, d) = (2100, 2060);
    let mut rng = generator(9);
    let basis: Vec<f64> = (0..6 * d).map(|_| rng.random::<f64>() - 0.5).collect();
    let mut rows = vec![0.0; n * d];
    for (i, row) in rows.chunks_exact_mut(d).enumerate() {
        for k in 0..6 {
            let w = if i == 77 {
                0.0
            } else {
                rng.random::<f64>() * 0.4f64.powi(k as i32)
            };
            let w = if i == 77 && k == 2 { 5.0 } else { w };
            for (x, b) in row.iter_mut().zip(&basis[k * d..]) {
                *x += w * b;
            }
        }
    }
    let scores = leverage(Table::new(&rows, d).unwrap()).unwrap();
    let best = (0..n)
        .max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
        .unwrap();
    assert_eq!(best, 77);
}
